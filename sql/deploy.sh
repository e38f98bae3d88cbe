#!/usr/bin/env bash
# Brings a database up to date with the NNN_*.sql files beside this script. Needs bash and psql, nothing else.
#
#   PGHOST=... PGUSER=... PGDATABASE=... sql/deploy.sh [--through NNN]
#   sql/deploy.sh [--through NNN] "postgresql://..."
#
# The comment on schema app is the marker: it says through which file the database is deployed. Every file past it is
# applied in its own transaction, which also moves the marker, so a failure leaves the database at the file before.
# Safe to run again, and safe to run twice at once.
set -euo pipefail
export LC_ALL=C PGCLIENTENCODING=UTF8

readonly LOCK_KEY=7108110011  # of pg_advisory_xact_lock: one file at a time in one database

die() { printf 'deploy: %s\n' "$*" >&2; exit 1; }
say() { printf 'deploy: %s\n' "$*"; }
usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# --- arguments -------------------------------------------------------------------------------------------------------

target=
through=
while [ $# -gt 0 ]; do
    case $1 in
        --through)    [ -n "${2:-}" ] || die "--through needs a number such as 011"; through=$2; shift ;;
        --through=?*) through=${1#*=} ;;
        -h|--help)    usage; exit 0 ;;
        -*)           die "unknown option $1 (try --help)" ;;
        *)            [ -z "$target" ] || die "only one database at a time"; target=$1 ;;
    esac
    shift
done

command -v psql >/dev/null || die "psql was not found; install the PostgreSQL client"
run_psql() {
    if [ -n "$target" ]; then psql -X -q -v ON_ERROR_STOP=1 -d "$target" "$@"; else psql -X -q -v ON_ERROR_STOP=1 "$@"; fi
}

# --- the files, and that they are what was released --------------------------------------------------------------------

dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
files=()
last=000
for path in "$dir"/[0-9][0-9][0-9]_*.sql; do
    [ -e "$path" ] || continue
    file=${path##*/}
    [[ $file =~ ^[0-9]{3}_[a-z0-9_]+\.sql$ ]] || die "unexpected file name: $file"
    [ "${file:0:3}" != "$last" ] || die "two files are numbered $last"
    last=${file:0:3}
    files+=("$file")
done
[ ${#files[@]} -gt 0 ] || die "there are no NNN_*.sql files in $dir"
if [ -n "$through" ]; then
    [[ " ${files[*]}" == *" ${through}_"* && $through =~ ^[0-9]{3}$ ]] || die "--through $through: no file has that number"
fi

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
[ -f "$dir/CHECKSUMS" ] || die "CHECKSUMS is missing; nothing was changed"
while read -r _ file; do
    file=${file#\*}
    [ -f "$dir/$file" ] || die "$file is listed in CHECKSUMS but missing; nothing was changed"
done < "$dir/CHECKSUMS"
for file in "${files[@]}"; do
    actual=$(sha256 < "$dir/$file")
    expected=$(grep -E "^[0-9a-f]{64} [ *]$file\$" "$dir/CHECKSUMS") ||
        die "$file is not listed in CHECKSUMS; nothing was changed"
    [ "${actual%% *}" = "${expected%% *}" ] || die "$file differs from its line in CHECKSUMS; nothing was changed"
done

# --- how far the database is --------------------------------------------------------------------------------------------

# '000' for a database without schema app, '???' for a schema app that carries no marker.
marker_sql="SELECT coalesce((
    SELECT coalesce(substring(d.description FROM '^Omnirapeutic schema: deployed through ([0-9]{3})\$'), '???')
    FROM pg_catalog.pg_namespace n
    LEFT JOIN pg_catalog.pg_description d
        ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objsubid = 0
    WHERE n.nspname = 'app'), '000')"

# Every table the files create, as rows of VALUES: ('003_core_tables.sql', 'public', 'users').
creates="('', '', '')"
create_table='^[[:space:]]*create[[:space:]]+(unlogged[[:space:]]+)?table[[:space:]]+(if[[:space:]]+not[[:space:]]+exists[[:space:]]+)?([a-z0-9_."]+)'
shopt -s nocasematch
for file in "${files[@]}"; do
    while IFS= read -r line; do
        [[ $line =~ $create_table ]] || continue
        name=${BASH_REMATCH[3]//\"/}
        [[ $name == *.* ]] || name=public.$name
        creates+=", ('$file', '${name%%.*}', '${name#*.}')"
    done < "$dir/$file"
done
shopt -u nocasematch

# One statement, hence one snapshot: another deployment's commit falls wholly before it or wholly after it.
# A table that an applied file made may be made anew by a later one (which renames or drops the old one first).
state=$(run_psql -At -F ' ' <<SQL
WITH creates (file, schema, name) AS (VALUES $creates),
     marker (number) AS ($marker_sql)
SELECT 'server', current_setting('server_version_num') UNION ALL
SELECT 'superuser', rolname FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper UNION ALL
SELECT 'marker', number FROM marker UNION ALL
SELECT 'leftover', n.nspname || '.' || c.relname || ' ' || min(t.file)
FROM creates t
JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
GROUP BY n.nspname, c.relname
HAVING left(min(t.file), 3) > (SELECT number FROM marker)
ORDER BY 1, 2;
SQL
) || die "the database cannot be reached or read; nothing was changed"

marker=
while read -r kind value _; do
    case $kind in
        server)    [ "$value" -ge 150000 ] || die "PostgreSQL 15 or later is needed, not $value; nothing was changed" ;;
        superuser) say "warning: $value is a superuser; the tables' owner should be an ordinary role" >&2 ;;
        marker)    marker=$value ;;
    esac
done <<< "$state"
[ -n "$marker" ] || die "the database did not say how far it is deployed; nothing was changed"
[ "$marker" != '???' ] ||
    die "schema app exists but its comment is no deployment marker: something else made it; nothing was changed"

leftovers=$(sed -nE 's/^leftover ([^ ]+) ([^ ]+)$/  table \1 exists already; \2 is to create it/p' <<< "$state")
[ -z "$leftovers" ] || die "this database is half deployed: its marker says through $marker, yet
$leftovers
Nothing was changed. Find out where the tables came from; then drop them, or put the marker right."

# --- apply ---------------------------------------------------------------------------------------------------------------

applied=0
for file in "${files[@]}"; do
    number=${file:0:3}
    [[ $number > $marker ]] || continue
    [ -z "$through" ] || [[ ! $number > $through ]] || break

    # The marker is read again under the lock: another deployment may have been faster.
    outcome=$(run_psql -At --single-transaction -v path="$dir/$file" -f - <<SQL
SET LOCAL search_path = public;
SELECT '' FROM pg_catalog.pg_advisory_xact_lock($LOCK_KEY) \g /dev/null
SELECT ($marker_sql) < '$number' AS due \gset
\if :due
\i :path
DO \$check\$
BEGIN
    IF '$number' > '001' AND ($marker_sql) <> '$number' THEN
        RAISE EXCEPTION '$file did not move the marker to $number';
    END IF;
END
\$check\$;
\echo applied
\else
\echo passed
\endif
SQL
    ) || die "$file failed (see the error above) and was rolled back; the database stays deployed through $marker.
Put the cause right and run this again."
    marker=$number
    if [ "${outcome##*$'\n'}" = applied ]; then
        say "applied $file"
        applied=$((applied + 1))
    else
        say "$file was applied meanwhile by another deployment"
    fi
done

if [ "$applied" -eq 0 ]; then
    say "nothing to do; the database is deployed through $(run_psql -Atc "$marker_sql")"
    [[ ! $marker > $last ]] || say "warning: that is newer than these files, which end at $last" >&2
else
    say "done; the database is deployed through $(run_psql -Atc "$marker_sql")"
fi
