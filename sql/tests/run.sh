#!/usr/bin/env bash
# Checks a deployed database: tenant isolation, atomic reservation, immutability of the audit trail.
#
#   PGHOST=... PGUSER=... PGDATABASE=... sql/tests/run.sh
#   sql/tests/run.sh "postgresql://owner@host/database"
#
# Needs bash and psql. Sign in as the owner of the tables (or a superuser); what is tested runs as omnirapeutic_app.
# The suites roll back what they write. Only the race commits: an organisation of its own, removed again at the end.
# Exit code 0 when everything holds.
set -euo pipefail
export LC_ALL=C PGCLIENTENCODING=UTF8 PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

readonly RACERS=8 ATTEMPTS=30 UNITS=500 EACH=3

dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-}
run_psql() {
    if [ -n "$target" ]; then psql -X -q -v ON_ERROR_STOP=1 -d "$target" "$@"; else psql -X -q -v ON_ERROR_STOP=1 "$@"; fi
}
command -v psql >/dev/null || { echo "psql was not found; install the PostgreSQL client" >&2; exit 2; }

me=$(run_psql -Atc 'SELECT quote_ident(current_user)') || { echo "the database cannot be reached" >&2; exit 2; }

# --- to act as the unprivileged role, one must be allowed to become it -----------------------------------------------

granted=()
organization=
logs=
finish() {
    local code=$?
    trap - EXIT
    if [ -n "$organization" ]; then
        remove_race || { echo "FAILED: organisation $organization of the race could not be removed" >&2; code=1; }
    fi
    for role in ${granted[@]+"${granted[@]}"}; do run_psql -c "REVOKE $role FROM $me" || code=1; done
    [ -z "$logs" ] || rm -rf "$logs"
    if [ "$code" -eq 0 ]; then echo "All suites hold."; else echo "NOT everything holds." >&2; fi
    exit "$code"
}
trap finish EXIT
for role in omnirapeutic_app omnirapeutic_auditor; do
    if ! run_psql -c "SET ROLE $role" 2>/dev/null; then
        run_psql -c "GRANT $role TO $me"
        granted+=("$role")
    fi
done

# --- the race --------------------------------------------------------------------------------------------------------

remove_race() {
    run_psql >/dev/null <<SQL
BEGIN;
SELECT set_config('app.current_org_id', '$organization', true);
DELETE FROM authorization_unit_ledger WHERE organization_id = '$organization';
DELETE FROM authorizations WHERE organization_id = '$organization';
DELETE FROM patients WHERE organization_id = '$organization';
DELETE FROM organizations WHERE id = '$organization';
COMMIT;
SQL
}

# The answers of every attempt that the script on standard input makes, by RACERS sessions that begin at one moment.
race() {
    local script begin number failed=0 pids=()
    script=$(cat)
    begin=$(run_psql -Atc "SELECT now() + interval '1 second'")
    for number in $(seq "$RACERS"); do
        run_psql -At >"$logs/$number" 2>"$logs/$number.errors" <<SQL &
SET ROLE omnirapeutic_app;
SET app.current_org_id = '$organization';
SELECT '' FROM pg_sleep_until('$begin') \g /dev/null
$script
SQL
        pids+=($!)
    done
    for number in "${pids[@]}"; do wait "$number" || failed=1; done
    if [ "$failed" -ne 0 ]; then cat "$logs"/*.errors >&2; echo "FAILED: a session of the race ended with an error" >&2; exit 1; fi
    for number in $(seq "$RACERS"); do cat "$logs/$number"; done
}

# Compares what came out with what must: check NAME WANTED FOUND
check() {
    if [ "$2" != "$3" ]; then echo "FAILED: $1: wanted $2, found $3" >&2; exit 1; fi
}

in_race() { run_psql -At -c "SET app.current_org_id = '$organization'" -c "$1"; }

race_for_units() {
    local first second statement answers
    logs=$(mktemp -d)
    read -r organization first second <<< "$(run_psql -At -F ' ' -c "SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid()")"
    run_psql >/dev/null <<SQL
BEGIN;
SELECT set_config('app.current_org_id', '$organization', true);
INSERT INTO organizations (id, name) VALUES ('$organization', 'Race of sql/tests');
INSERT INTO patients (id, organization_id, first_name, last_name, date_of_birth, state)
    VALUES ('$organization', '$organization', 'Race', 'Of sql/tests', '2018-01-01', 'NY');
INSERT INTO authorizations (id, organization_id, patient_id, service_code, total_units, start_date, end_date, status)
SELECT id, '$organization', '$organization', '97153', $UNITS, current_date - 30, current_date + 30, 'ACTIVE'
FROM unnest('{$first,$second}'::uuid[]) id;
COMMIT;
SQL
    statement="SELECT app.reserve_session_units('$first'::uuid, $EACH) ->> 'success';"
    answers=$(for _ in $(seq "$ATTEMPTS"); do echo "$statement"; done | race)
    check "attempts" "$((RACERS * ATTEMPTS))" "$(wc -l <<< "$answers" | tr -d ' ')"
    check "reservations" "$((UNITS / EACH))" "$(grep -c true <<< "$answers")"
    check "units used" "$((UNITS / EACH * EACH))" "$(in_race "SELECT used_units FROM authorizations WHERE id = '$first'")"
    check "units in the ledger" "$((UNITS / EACH * EACH))" \
        "$(in_race "SELECT sum(reserved_change) FROM authorization_unit_ledger WHERE authorization_id = '$first'")"
    echo "  ok  $((RACERS * ATTEMPTS)) attempts by $RACERS sessions on $UNITS units by $EACH: exactly $((UNITS / EACH)) succeed"

    answers=$(for key in $(seq 10); do
        echo "SELECT app.reserve_session_units('$second'::uuid, 2, current_date, NULL, 'twin-$key') ->> 'success';"
    done | race)
    check "twins answered" "$((RACERS * 10))" "$(grep -c true <<< "$answers")"
    check "twins reserved" 20 "$(in_race "SELECT used_units FROM authorizations WHERE id = '$second'")"
    echo "  ok  the same key from $RACERS sessions at once reserves once"
}

# --- all of it -------------------------------------------------------------------------------------------------------

echo "tenant isolation"
run_psql -f "$dir/tenant_isolation.sql"
echo "atomic reservation"
run_psql -f "$dir/atomic_reservation.sql"
race_for_units
echo "audit immutability"
run_psql -f "$dir/audit_immutability.sql"
