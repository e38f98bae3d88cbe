"""sql/tests/run.sh, the check for a database administrator: it passes, and fails as soon as one protection is gone."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.postgres import PROJECT, Server, database_of

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")

RESERVE = "app.reserve_session_units(uuid,integer,date,uuid,text)"
WALL = "organization_id = coalesce(app.org_id(), app.current_organization_id())"
# What is taken away, and by which suite and words that is found.
PROTECTIONS = {
    "the policy of a table": ("DROP POLICY org_isolation ON claims", "tenant isolation", "claims"),
    "the wall of a table": ("ALTER TABLE programs DISABLE ROW LEVEL SECURITY", "tenant isolation", "programs"),
    "the condition of a policy": (
        "ALTER POLICY org_isolation ON patients USING (true) WITH CHECK (true)", "tenant isolation", "patients",
    ),
    "the condition for writing": (
        "ALTER POLICY org_isolation ON payers WITH CHECK (true)", "tenant isolation", "payers",
    ),
    "silence without a context": (
        f"ALTER POLICY org_isolation ON targets USING (app.org_id() IS NULL OR {WALL})", "tenant isolation", "targets",
    ),
    "a composite key": (
        "ALTER TABLE claims DROP CONSTRAINT claims_patient_fkey,"
        " ADD CONSTRAINT claims_patient_fkey FOREIGN KEY (patient_id) REFERENCES patients (id)",
        "tenant isolation", "points at a row of another clinic",
    ),
    "a new table's row in the suite": (
        "CREATE TABLE things (id uuid, organization_id uuid); CALL app.wall_tenant_table('things');"
        "GRANT SELECT ON things TO omnirapeutic_app",
        "tenant isolation", "things has no row",
    ),
    "the organisation in a look-up": (
        f"{RESERVE} organization_id = v_organization AND id = p_authorization_id FOR NO KEY UPDATE"
        " -> id = p_authorization_id FOR NO KEY UPDATE"
        # The wall confines the definer too, and the ledger's key is a third lock: it is what speaks here.
        " ;; CREATE POLICY too_much ON authorizations FOR ALL TO omnirapeutic_definer USING (true);"
        "CREATE POLICY too_much ON authorization_unit_ledger FOR ALL TO omnirapeutic_definer USING (true)",
        "tenant isolation", "authorization_unit_ledger_authorization_fkey",
    ),
    "the end of an authorization": (
        f"{RESERVE} p_service_date > v_authorization.end_date OR  -> ", "atomic reservation", "ended yesterday",
    ),
    "the cap of a day": (f"{RESERVE} v_headroom < p_units -> false", "atomic reservation", "beyond the cap"),
    "the idempotency key": (
        f"{RESERVE} IF FOUND THEN IF v_prior -> IF false THEN IF v_prior", "atomic reservation", "once",
    ),
    "the counters' protection": (
        "GRANT UPDATE ON authorizations TO omnirapeutic_app", "atomic reservation", "authorizations SET used_units",
    ),
    "the referee at commit": (
        "DROP TRIGGER appointment_units_reserved ON appointments", "atomic reservation", "without its reservation",
    ),
    "the trail's rights": ("GRANT UPDATE ON audit_logs TO omnirapeutic_app", "audit immutability", "UPDATE"),
    "another trail's rights": (
        "GRANT DELETE ON session_events TO omnirapeutic_app", "audit immutability", "session_events",
    ),
    "the auditor's limits": ("GRANT INSERT ON audit_logs TO omnirapeutic_auditor", "audit immutability", "INSERT"),
    "the trail's own policies": (
        f"ALTER POLICY audit_logs_update ON audit_logs USING ({WALL}) WITH CHECK (true)",
        "audit immutability", "changed",
    ),
    "the trail's wall": (
        "ALTER POLICY audit_logs_insert ON audit_logs WITH CHECK (true)", "audit immutability", "another clinic",
    ),
    "everybody's distance": ("GRANT UPDATE ON audit_logs TO PUBLIC", "audit immutability", "UPDATE"),
}  # fmt: skip
# These need commits: several sessions must see them. No policy binds a superuser: FORCE is seen by the owner only.
UNLOCKED = f"{RESERVE} FOR NO KEY UPDATE; IF NOT FOUND -> ; PERFORM pg_sleep(0.002); IF v_authorization.id IS NULL"
COMMITTED = {
    "the lock": (UNLOCKED, "superuser", "FAILED"),
    "the lock and its back-stop": (
        f"{UNLOCKED} ;; ALTER TABLE authorizations DROP CONSTRAINT positive_balance",
        "superuser", "FAILED: reservations: wanted 166, found",
    ),
    "the trail's force": ("ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY", "owner", "the owner changed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    """Nothing is changed in it for good."""
    with server.database() as name:
        yield name


def run(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROJECT / "sql" / "tests" / "run.sh", url], capture_output=True, text=True, check=False)


def as_owner(server: Server, database: str) -> subprocess.CompletedProcess[str]:
    """The owner becomes a member of the tested roles for a while, in the whole cluster: one run at a time."""
    server.admin.execute("SELECT pg_advisory_lock(hashtextextended('sql/tests as owner', 0))")
    try:
        return run(database_of(server.owner_url, database))
    finally:
        server.admin.execute("SELECT pg_advisory_unlock(hashtextextended('sql/tests as owner', 0))")


@pytest.mark.concurrency
@pytest.mark.parametrize("who", ["owner", "superuser"])
def test_the_suites_hold_and_leave_nothing_behind(who: str, server: Server, database: str) -> None:
    done = as_owner(server, database) if who == "owner" else run(database_of(server.admin_url, database))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("  ok  ") == 17
    assert done.stderr == ""
    with psycopg.connect(database_of(server.admin_url, database)) as connection:
        for (table,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname !~ '^(django|procrastinate)' AND relname <> 'service_codes'"
        ).fetchall():
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_a_suite_fails_without(protection: str, server: Server, database: str) -> None:
    """The protection is taken away in the suite's own transaction, which it rolls back."""
    change, suite, said = PROTECTIONS[protection]
    url = database_of(server.admin_url, database)
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", "BEGIN", "-c", taken_away(url, change)]
    suite_file = PROJECT / "sql" / "tests" / f"{suite.replace(' ', '_')}.sql"
    done = subprocess.run([*psql, "-f", suite_file], capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    assert said in done.stderr


@pytest.mark.concurrency
@pytest.mark.parametrize("protection", COMMITTED)
def test_the_run_fails_without(protection: str, server: Server) -> None:
    change, who, said = COMMITTED[protection]
    with server.database() as name:
        url = database_of(server.admin_url, name)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(taken_away(url, change))  # type: ignore[call-overload]
        done = as_owner(server, name) if who == "owner" else run(url)
        assert done.returncode != 0
        assert said in done.stderr
        with psycopg.connect(url) as connection:  # the race has cleaned up after itself
            assert connection.execute("SELECT count(*) FROM organizations").fetchone() == (0,)


def taken_away(url: str, change: str) -> str:
    """SQL as it is; or `app.f(uuid) old -> new [ ;; more SQL]`, a replacement in the source of a function."""
    if not change.startswith("app."):
        return change
    signature, _, replacement = change.partition(" ")
    replacement, _, more = replacement.partition(" ;; ")
    old, _, new = replacement.partition(" -> ")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_get_functiondef(%s::regprocedure)", [signature]).fetchone()
    assert row
    changed, count = re.subn(re.escape(old).replace(r"\ ", r"\s+"), lambda _: new, row[0])
    assert count == 1, f"{old!r} occurs {count} times"
    return f"{changed};\n{more}"
