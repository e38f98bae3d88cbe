"""sql/deploy.sh and Django's migrations make the same database, and no later file breaks a script of the original."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.postgres import PROJECT, Server, database_of, migrate
from tests.support.snapshot import differences, snapshot

SQL = PROJECT / "sql"
NUMBERS = [file.name[:3] for file in sorted(SQL.glob("[0-9][0-9][0-9]_*.sql"))]
LATER = [number for number in NUMBERS if number > "010"]  # 011 completes the original
ORIGINAL_ROWS = (Path(__file__).parent / "original_rows.sql").read_text(encoding="utf-8")
ORGANIZATION = "00000000-0000-4000-8000-000000000001"
ORIGINAL_TABLES = [
    "organizations",
    "users",
    "staff_members",
    "patients",
    "patient_insurance",
    "authorizations",
    "appointments",
    "sessions",
    "session_events",
    "claims",
    "audit_logs",
]

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")


def deploy(url: str, *options: str) -> None:
    done = subprocess.run([SQL / "deploy.sh", *options, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def read(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        return snapshot(connection)


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    with server.database("template0") as name:
        yield name


def test_psql_and_migrate_make_the_same_database(server: Server, empty: str) -> None:
    deploy(database_of(server.owner_url, empty))
    by_psql = read(database_of(server.admin_url, empty))
    by_django = read(database_of(server.admin_url, server.template()))
    assert len(by_psql) > 500
    assert differences(by_psql, by_django) == []


def test_the_comparison_sees_a_difference(server: Server) -> None:
    with server.database() as name, psycopg.connect(database_of(server.owner_url, name)) as connection:
        before = snapshot(connection)
        for statement, part in {
            "ALTER TABLE patients ALTER first_name SET DEFAULT ''": "column patients.first_name",
            "CREATE INDEX one_more ON patients (organization_id)": "index patients.one_more",
            "ALTER POLICY org_isolation ON claims TO omnirapeutic_app": "policy claims.org_isolation",
            "REVOKE SELECT ON claims FROM omnirapeutic_app": "relation claims",
            "ALTER TABLE claims NO FORCE ROW LEVEL SECURITY": "relation claims",
            "DROP TRIGGER fill_organization ON claims": "trigger claims.fill_organization",
            "CREATE OR REPLACE FUNCTION app.org_id() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'":
                "function org_id()",
            "COMMENT ON TABLE patients IS 'changed'": "relation patients",
        }.items():  # fmt: skip
            connection.execute(statement)  # type: ignore[call-overload]
            assert [part] == [line.split(":")[0] for line in differences(before, snapshot(connection))], statement
            connection.rollback()


def test_migrate_takes_over_what_psql_has_deployed(server: Server, empty: str) -> None:
    owner_url = database_of(server.owner_url, empty)
    deploy(owner_url, "--through", "012")
    migrate(owner_url)
    assert differences(read(database_of(server.admin_url, empty)), read(_template(server))) == []


def test_psql_has_nothing_to_do_after_migrate(server: Server) -> None:
    with server.database() as name:
        done = subprocess.run(
            [SQL / "deploy.sh", database_of(server.owner_url, name)], capture_output=True, text=True, check=True
        )
    assert "nothing to do" in done.stdout


def _template(server: Server) -> str:
    return database_of(server.admin_url, server.template())


# --- a script that knows only the original columns -------------------------------------------------------------------


def test_such_a_script_inserts_after_every_file(server: Server, empty: str) -> None:
    for number in LATER:
        deploy(database_of(server.owner_url, empty), "--through", number)
        for who, url, organization in (
            ("the owner in context", server.owner_url, ORGANIZATION),
            ("a superuser without", server.admin_url, ""),
        ):
            with psycopg.connect(database_of(url, empty)) as connection:
                connection.execute("SELECT set_config('app.current_org_id', %s, true)", [organization])
                try:
                    connection.execute(ORIGINAL_ROWS)  # type: ignore[call-overload]
                    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                except psycopg.Error as error:
                    pytest.fail(f"after {number}, {who}: {error}")
                assert _rows(connection) == EXPECTED_ROWS, f"after {number}, {who}"
                if number > "012":
                    assert _organizations(connection) == {ORGANIZATION}, f"after {number}, {who}"
                connection.rollback()


def test_rows_of_the_original_survive_every_later_file(server: Server, empty: str) -> None:
    """A clinic that has worked with 001-011 is brought up to date, by an owner whom FORCE makes blind."""
    owner_url = database_of(server.owner_url, empty)
    deploy(owner_url, "--through", "011")
    with psycopg.connect(owner_url) as connection:
        connection.execute(ORIGINAL_ROWS)  # type: ignore[call-overload]
        connection.execute("UPDATE authorizations SET used_units = NULL WHERE service_code = '97155'")
    deploy(owner_url)
    with psycopg.connect(database_of(server.admin_url, empty)) as connection:
        assert _rows(connection) == EXPECTED_ROWS
        assert _organizations(connection) == {ORGANIZATION}
        taken = connection.execute("SELECT appointment_id::text FROM provider_occupancies").fetchall()
        assert taken == [("00000000-0000-4000-8000-000000000007",)]
        lanes = connection.execute("SELECT service_code, patient_lanes::text FROM appointments ORDER BY 1").fetchall()
        assert lanes == [("97153", "[1,2)"), ("DRIVE", "[1,3)")]
        used = connection.execute("SELECT service_code, used_units FROM authorizations ORDER BY 1").fetchall()
        assert used == [("97153", 8), ("97155", 0)]


EXPECTED_ROWS = dict.fromkeys(ORIGINAL_TABLES, 1) | {
    "patient_insurance": 2, "authorizations": 2, "appointments": 2, "sessions": 2, "session_events": 2, "claims": 3,
}  # fmt: skip


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[call-overload, index]
        for table in ORIGINAL_TABLES
    }


def _organizations(connection: psycopg.Connection[Any]) -> set[str]:
    """Whose the rows of the tables are that had to learn it."""
    return {
        row[0]
        for table in ("patient_insurance", "authorizations", "sessions", "session_events", "claims")
        for row in connection.execute(f"SELECT organization_id::text FROM {table}")  # type: ignore[call-overload]
    }
