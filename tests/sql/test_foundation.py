"""The database foundation, sql/001-011: what it makes, what it refuses, and how it is deployed.

Every database here is made by psql alone, for an owner that is no superuser. Isolation is tested on a connection
of a login role that is a member of omnirapeutic_app and owns nothing.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
FOUNDATION = sorted(SQL_DIR.glob("00[0-9]_*.sql")) + sorted(SQL_DIR.glob("01[01]_*.sql"))
MARKER = "Omnirapeutic schema: deployed through "

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")

# The contract, column by column: "!" is NOT NULL, "> t" a foreign key to t(id), "unique" a unique key of its own.
# Besides these every table has id and created_at, and all but the two append-only ones updated_at.
APPEND_ONLY = {"session_events", "audit_logs"}
TABLES = {
    "organizations": ["name text !", "tax_id text unique", "npi text"],
    "users": [
        "organization_id uuid ! > organizations", "email text ! unique", "password_hash text !", "full_name text !",
        "role text !", "npi text", "credentials jsonb", "is_active boolean = true",
        "last_login_at timestamp with time zone",
    ],
    "staff_members": [
        "user_id uuid ! > users", "organization_id uuid ! > organizations", "npi text", "license_number text",
        "license_state text", "license_expiration date", "credentials jsonb", "is_active boolean = true",
    ],
    "patients": [
        "organization_id uuid ! > organizations", "first_name text !", "last_name text !", "date_of_birth date !",
        "state text !", "primary_diagnosis_code text", "guardian_name text", "guardian_email text",
        "guardian_phone text", "is_active boolean = true",
    ],
    "patient_insurance": [
        "patient_id uuid ! > patients", "payer_name text !", "payer_id text", "member_id text !", "group_number text",
        "plan_name text", "effective_date date", "termination_date date", "is_active boolean = true",
        "eligibility_verification jsonb", "last_verified_at timestamp with time zone",
    ],
    "authorizations": [
        "patient_id uuid ! > patients", "insurance_id uuid > patient_insurance", "service_code text !",
        "total_units integer !", "used_units integer = 0", "start_date date !", "end_date date !", "status text !",
        "authorization_number text",
    ],
    "appointments": [
        "organization_id uuid ! > organizations", "patient_id uuid ! > patients", "provider_id uuid > staff_members",
        "authorization_id uuid > authorizations", "service_code text !", "start_time timestamp with time zone !",
        "end_time timestamp with time zone !", "status text !", "location text", "recurrence_rule text", "notes text",
    ],
    "sessions": [
        "appointment_id uuid > appointments", "patient_id uuid ! > patients", "provider_id uuid > staff_members",
        "authorization_id uuid > authorizations", "service_code text !", "start_time timestamp with time zone !",
        "end_time timestamp with time zone", "duration_minutes integer", "billed_units integer", "status text !",
        "location text", "latest_metrics jsonb", "ai_note_json jsonb", "voice_note_url text", "voice_transcript text",
    ],
    "session_events": [
        "session_id uuid ! > sessions", "event_type text !", "event_timestamp timestamp with time zone = now()",
        "raw_value numeric", "metadata jsonb", "recorded_by uuid > staff_members",
    ],
    "claims": [
        "session_id uuid > sessions", "authorization_id uuid > authorizations", "payer_id text !",
        "claim_number text unique", "edi_payload jsonb !", "status text !", "submitted_at timestamp with time zone",
        "response_payload jsonb", "rejection_reason text", "billed_amount numeric(10,2)", "paid_amount numeric(10,2)",
        "payment_date date",
    ],
    "audit_logs": [
        "timestamp timestamp with time zone ! = now()", "user_id uuid > users", "user_email text !",
        "organization_id uuid > organizations", "action text !", "resource_type text !", "resource_id uuid",
        "ip_address inet", "user_agent text", "request_id text", "details jsonb",
    ],
}  # fmt: skip
CHECKED_LISTS = {
    ("users", "users_role_check"): {"SUPER_ADMIN", "ADMIN", "BCBA", "RBT", "BILLER"},
    ("authorizations", "authorizations_status_check"): {"ACTIVE", "EXPIRED", "EXHAUSTED", "CANCELLED"},
    ("appointments", "appointments_status_check"): {"SCHEDULED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW"},
    ("appointments", "appointments_location_check"): {"HOME", "CLINIC", "SCHOOL", "TELEHEALTH"},
    ("sessions", "sessions_status_check"): {"IN_PROGRESS", "COMPLETED", "REQUIRES_REVIEW", "CANCELLED"},
    ("claims", "claims_status_check"): {"DRAFT", "SUBMITTED", "ACCEPTED", "REJECTED", "PAID", "DENIED"},
}
OTHER_CHECKS = {
    ("authorizations", "authorizations_total_units_check"): "CHECK ((total_units > 0))",
    ("authorizations", "authorizations_used_units_check"): "CHECK ((used_units >= 0))",
    ("authorizations", "positive_balance"): "CHECK ((total_units >= used_units))",
    ("authorizations", "valid_date_range"): "CHECK ((end_date >= start_date))",
    ("appointments", "valid_time_range"): "CHECK ((end_time > start_time))",
}
FUNCTIONS = {
    "current_user_id() uuid s invoker",
    "current_organization_id() uuid s definer",
    "is_super_admin() boolean s definer",
    "has_role(text) boolean s definer",
    "reserve_session_units(uuid, integer) jsonb v definer",
}

Row = tuple[Any, ...]


# --- databases -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """An owner (CREATEROLE, no superuser), a login role of the application, and databases made for the owner."""

    admin_url: str
    prefix: str
    password: str

    def url(self, database: str, role: str) -> str:
        return make_conninfo(self.admin_url, dbname=database, user=role, password=self.password)

    def owner_url(self, database: str) -> str:
        return self.url(database, f"{self.prefix}_owner")

    def app_url(self, database: str) -> str:
        return self.url(database, f"{self.prefix}_web")

    @contextmanager
    def database(self) -> Iterator[str]:
        name = f"{self.prefix}_{secrets.token_hex(4)}"
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                    sql.Identifier(name), sql.Identifier(f"{self.prefix}_owner")
                )
            )
            try:
                yield name
            finally:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def cluster(admin_url: str) -> Iterator[Cluster]:
    made = Cluster(admin_url, f"t1_{secrets.token_hex(4)}", secrets.token_hex(12))
    owner, web = sql.Identifier(f"{made.prefix}_owner"), sql.Identifier(f"{made.prefix}_web")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for role, options in ((owner, "CREATEROLE"), (web, "")):
            admin.execute(
                sql.SQL("CREATE ROLE {} LOGIN " + options + " PASSWORD {}").format(role, sql.Literal(made.password))
            )
        try:
            yield made
        finally:
            admin.execute(sql.SQL("DROP ROLE {}, {}").format(owner, web))


def run_psql(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Foundation:
    cluster: Cluster
    database: str

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection[Row]]:
        with psycopg.connect(self.cluster.owner_url(self.database)) as connection:
            yield connection

    @contextmanager
    def app(self, *, org: object = None, user: object = None) -> Iterator[psycopg.Connection[Row]]:
        """A transaction of the application's role with the two variables set; rolled back when the test raises."""
        with psycopg.connect(self.cluster.app_url(self.database)) as connection:
            for name, value in (("app.current_org_id", org), ("app.current_user_id", user)):
                if value is not None:
                    connection.execute("SELECT set_config(%s, %s, true)", [name, str(value)])
            yield connection


@pytest.fixture(scope="module")
def foundation(cluster: Cluster) -> Iterator[Foundation]:
    with cluster.database() as name:
        for file in FOUNDATION:
            done = run_psql(cluster.owner_url(name), "-f", str(file))
            assert done.returncode == 0, done.stderr
            assert "WARNING" not in done.stderr
        with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("GRANT omnirapeutic_app TO {}").format(sql.Identifier(f"{cluster.prefix}_web")))
        yield Foundation(cluster, name)


def run(connection: psycopg.Connection[Row], query: Any, *parameters: object) -> psycopg.Cursor[Row]:
    return connection.execute(query, parameters or None)


def rows(connection: psycopg.Connection[Row], query: str, *parameters: object) -> list[Row]:
    return run(connection, query, *parameters).fetchall()


def value(connection: psycopg.Connection[Row], query: str, *parameters: object) -> Any:
    return rows(connection, query, *parameters)[0][0]


# --- what is there ---------------------------------------------------------------------------------------------------


def test_the_counts_of_the_contract(foundation: Foundation) -> None:
    with foundation.owner() as db:
        assert value(db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 11
        assert value(db, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'app'::regnamespace") == 5
        assert value(db, "SELECT count(*) FROM pg_policies") == 14
        offered = rows(
            db, "SELECT name FROM pg_available_extensions WHERE name IN ('uuid-ossp', 'pgcrypto') ORDER BY 1"
        )
        made = rows(db, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1")
        assert made == offered
        if len(offered) == 2:  # a server without contrib modules offers neither, and nothing depends on them
            assert made == [("pgcrypto",), ("uuid-ossp",)]
        assert value(db, "SELECT obj_description('app'::regnamespace)") == MARKER + "011"


def test_every_column_is_the_contracts(foundation: Foundation) -> None:
    expected = {}
    for table, columns in TABLES.items():
        common = ["id uuid ! = gen_random_uuid()", "created_at timestamp with time zone = now()"]
        if table not in APPEND_ONLY:
            common.append("updated_at timestamp with time zone = now()")
        expected[table] = {re.sub(r" (> \w+|unique)$", "", column) for column in common + columns}
    with foundation.owner() as db:
        found: dict[str, set[str]] = {}
        for table, column in rows(
            db,
            """SELECT c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                                           CASE WHEN a.attnotnull THEN '!' END, '= ' || pg_get_expr(d.adbin, d.adrelid))
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'""",
        ):
            found.setdefault(table, set()).add(column)
    assert found == expected


def test_every_constraint_is_the_contracts(foundation: Foundation) -> None:
    expected: dict[Row, str] = dict(OTHER_CHECKS)
    for table, columns in TABLES.items():
        expected[table, f"{table}_pkey"] = "PRIMARY KEY (id)"
        for column in columns:
            name = column.split()[0]
            if column.endswith(" unique"):
                expected[table, f"{table}_{name}_key"] = f"UNIQUE ({name})"
            elif " > " in column:
                parent = column.split(" > ")[1]
                expected[table, f"{table}_{name}_fkey"] = f"FOREIGN KEY ({name}) REFERENCES {parent}(id)"
    with foundation.owner() as db:
        found = {
            (table, name): definition
            for table, name, definition in rows(
                db,
                """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE connamespace = 'public'::regnamespace""",
            )
        }
    for key, values in CHECKED_LISTS.items():
        assert set(re.findall(r"'(\w+)'", found.pop(key))) == values, key
    assert found == expected


def test_functions_have_their_form_and_public_may_call_none(foundation: Foundation) -> None:
    with foundation.owner() as db:
        found = rows(
            db,
            """SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ') '
                        || format_type(p.prorettype, NULL) || ' ' || p.provolatile::text
                        || CASE WHEN p.prosecdef THEN ' definer' ELSE ' invoker' END,
                      p.prosecdef AND coalesce(p.proconfig, '{}') <> '{"search_path=pg_catalog, pg_temp"}',
                      has_function_privilege('public', p.oid, 'EXECUTE'),
                      has_function_privilege('omnirapeutic_app', p.oid, 'EXECUTE'),
                      pg_get_userbyid(p.proowner) = current_user
               FROM pg_proc p WHERE p.pronamespace = 'app'::regnamespace""",
        )
    assert {row[0] for row in found} == FUNCTIONS
    for name, definer_without_path, public_may, app_may, owned in found:
        assert (definer_without_path, public_may, app_may, owned) == (False, False, True, True), name


def test_the_fourteen_policies(foundation: Foundation) -> None:
    expected = {(table, "org_isolation", "ALL") for table in TABLES if table != "audit_logs"}
    expected |= {
        ("audit_logs", f"audit_logs_{verb.lower()}", verb) for verb in ("SELECT", "INSERT", "UPDATE", "DELETE")
    }
    with foundation.owner() as db:
        found = rows(db, "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies")
        assert value(db, "SELECT bool_and(rowsecurity) FROM pg_tables WHERE schemaname = 'public'") is True
    assert {row[:3] for row in found} == expected
    for _, policy, command, using, check in found:
        if command == "ALL":
            assert using == check
        elif command in ("UPDATE", "DELETE"):
            assert using == "false", policy


def test_the_application_is_granted_just_what_it_needs(foundation: Foundation) -> None:
    everything = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    expected = {
        (table, verb) for table in TABLES for verb in (everything if table not in APPEND_ONLY else {"SELECT", "INSERT"})
    }
    with foundation.owner() as db:
        granted = rows(
            db,
            """SELECT c.relname, g.privilege_type,
                      CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END
               FROM pg_class c CROSS JOIN aclexplode(c.relacl) g
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND g.grantee <> c.relowner""",
        )
        schemas = rows(
            db,
            """SELECT nspname,
                      has_schema_privilege('public', oid, 'USAGE'), has_schema_privilege('public', oid, 'CREATE'),
                      has_schema_privilege('omnirapeutic_app', oid, 'USAGE'),
                      has_schema_privilege('omnirapeutic_app', oid, 'CREATE')
               FROM pg_namespace WHERE nspname IN ('app', 'public') ORDER BY 1""",
        )
    assert set(granted) == {(table, verb, "omnirapeutic_app") for table, verb in expected}
    assert schemas == [("app", False, False, True, False), ("public", False, False, True, False)]


def test_the_application_role_cannot_pass_by_row_security(foundation: Foundation) -> None:
    query = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN (current_user, 'omnirapeutic_app')"
    with foundation.app() as db:
        assert rows(db, query) == [(False, False), (False, False)]
        assert value(db, "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole") == 0


# --- who is asking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clinic:
    """One organization with one row in every table."""

    org: UUID
    user: UUID
    staff: UUID
    patient: UUID
    insurance: UUID
    auth: UUID
    appointment: UUID
    session: UUID
    event: UUID
    claim: UUID
    audit: UUID

    def ids(self) -> dict[str, UUID]:
        return {
            "organizations": self.org, "users": self.user, "staff_members": self.staff, "patients": self.patient,
            "patient_insurance": self.insurance, "authorizations": self.auth, "appointments": self.appointment,
            "sessions": self.session, "session_events": self.event, "claims": self.claim, "audit_logs": self.audit,
        }  # fmt: skip


def add_clinic(db: psycopg.Connection[Row], role: str = "BCBA") -> Clinic:
    def add(table: str, **columns: object) -> UUID:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        found = db.execute(statement, list(columns.values())).fetchone()
        assert found is not None
        assert isinstance(found[0], UUID)
        return found[0]

    today = datetime.now(UTC).date()
    org = add("organizations", name="Clinic")
    user = add(
        "users",
        organization_id=org,
        email=f"{uuid4()}@example.org",
        password_hash="-",
        full_name="A. Nalyst",
        role=role,
    )
    staff = add("staff_members", user_id=user, organization_id=org)
    patient = add(
        "patients", organization_id=org, first_name="Ada", last_name="Lee", date_of_birth=date(2019, 5, 1), state="CA"
    )
    insurance = add("patient_insurance", patient_id=patient, payer_name="Payer", member_id="M1")
    auth = add(
        "authorizations", patient_id=patient, insurance_id=insurance, service_code="97153", total_units=10,
        start_date=today - timedelta(30), end_date=today + timedelta(30), status="ACTIVE",
    )  # fmt: skip
    appointment = add(
        "appointments", organization_id=org, patient_id=patient, provider_id=staff, authorization_id=auth,
        service_code="97153", start_time="2030-01-01 09:00+00", end_time="2030-01-01 10:00+00", status="SCHEDULED",
    )  # fmt: skip
    session = add(
        "sessions", appointment_id=appointment, patient_id=patient, provider_id=staff, authorization_id=auth,
        service_code="97153", start_time="2030-01-01 09:00+00", status="IN_PROGRESS",
    )  # fmt: skip
    event = add("session_events", session_id=session, event_type="TRIAL", recorded_by=staff)
    claim = add("claims", session_id=session, authorization_id=auth, payer_id="P1", edi_payload="{}", status="DRAFT")
    audit = add(
        "audit_logs", organization_id=org, user_id=user, user_email="a@example.org", action="READ", resource_type="x"
    )
    return Clinic(org, user, staff, patient, insurance, auth, appointment, session, event, claim, audit)


@pytest.fixture
def clinics(foundation: Foundation) -> tuple[Clinic, Clinic]:
    with foundation.owner() as db:
        return add_clinic(db), add_clinic(db)


@pytest.mark.parametrize(
    "text",
    [
        None, "", " ", "x", "1", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
        "{00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000}",
        "0000000-00000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000g",
        "00000000-0000-0000-0000-000000000000\n", "' OR true --",
    ],
)  # fmt: skip
def test_current_user_is_null_for_what_is_no_uuid(foundation: Foundation, text: str | None) -> None:
    with foundation.app(user=text, org=text) as db:
        assert value(db, "SELECT app.current_user_id()") is None
        assert value(db, "SELECT app.current_organization_id()") is None
        assert rows(db, "SELECT app.is_super_admin(), app.has_role('BCBA'), app.has_role(NULL)") == [(False,) * 3]


@pytest.mark.parametrize("form", [str, lambda u: str(u).upper(), lambda u: u.hex, lambda u: f"{{{u}}}"])
def test_current_user_in_every_form_postgresql_accepts(foundation: Foundation, form: Callable[[UUID], str]) -> None:
    wanted = uuid4()
    with foundation.app(user=form(wanted), org=form(wanted)) as db:
        assert rows(db, "SELECT app.current_user_id(), app.current_organization_id()") == [(wanted, wanted)]


def test_a_variable_that_ended_with_its_transaction_counts_as_unset(
    foundation: Foundation, clinics: tuple[Clinic, Clinic]
) -> None:
    with foundation.app(org=clinics[0].org, user=clinics[0].user) as db:
        assert value(db, "SELECT count(*) FROM patients") == 1
        db.commit()
        assert value(db, "SELECT current_setting('app.current_user_id', true)") == ""
        assert rows(db, "SELECT app.current_user_id(), app.current_organization_id()") == [(None, None)]
        assert value(db, "SELECT count(*) FROM patients") == 0


def test_the_organization_is_the_one_set_else_the_users(foundation: Foundation, clinics: tuple[Clinic, Clinic]) -> None:
    mine, theirs = clinics
    query = "SELECT app.current_organization_id()"
    with foundation.app(user=mine.user) as db:
        assert value(db, query) == mine.org
    with foundation.app(user=mine.user, org=theirs.org) as db:
        assert value(db, query) == theirs.org
    with foundation.app(user=mine.user, org="") as db:
        assert value(db, query) == mine.org
    with foundation.app(user=mine.user, org="no uuid") as db:
        assert value(db, query) is None
    with foundation.app(user=uuid4()) as db:
        assert value(db, query) is None


def test_roles(foundation: Foundation) -> None:
    with foundation.owner() as db:
        bcba, super_admin = add_clinic(db, "BCBA"), add_clinic(db, "SUPER_ADMIN")
    query = "SELECT app.is_super_admin(), app.has_role('SUPER_ADMIN'), app.has_role('BCBA'), app.has_role('bcba')"
    with foundation.app(user=bcba.user) as db:
        assert rows(db, query) == [(False, False, True, False)]
    with foundation.app(user=super_admin.user) as db:
        assert rows(db, query) == [(True, True, False, False)]


# --- the wall --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_each_organization_sees_its_own_rows_only(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], table: str
) -> None:
    mine, theirs = clinics
    with foundation.app() as db:
        assert value(db, f"SELECT count(*) FROM {table}") == 0
    for context in ({"org": mine.org}, {"user": mine.user}):
        with foundation.app(**context) as db:
            assert rows(db, f"SELECT id FROM {table}") == [(mine.ids()[table],)]
    with foundation.owner() as db:  # the other row is there, so the wall is what hid it
        assert value(db, f"SELECT count(*) FROM {table} WHERE id = %s", theirs.ids()[table]) == 1


@pytest.mark.parametrize("table", [table for table in TABLES if table not in APPEND_ONLY])
def test_another_organizations_row_cannot_be_changed_or_removed(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], table: str
) -> None:
    mine, theirs = clinics
    with foundation.app(org=mine.org) as db:
        for statement in ("UPDATE {} SET updated_at = now() WHERE id = %s", "DELETE FROM {} WHERE id = %s"):
            assert run(db, statement.format(table), theirs.ids()[table]).rowcount == 0
        assert run(db, f"UPDATE {table} SET updated_at = now() WHERE id = %s", mine.ids()[table]).rowcount == 1


@pytest.mark.parametrize(
    ("table", "parent", "attribute"),
    [
        ("users", "organization_id", "org"), ("staff_members", "organization_id", "org"),
        ("patients", "organization_id", "org"), ("appointments", "organization_id", "org"),
        ("patient_insurance", "patient_id", "patient"), ("authorizations", "patient_id", "patient"),
        ("sessions", "patient_id", "patient"), ("claims", "session_id", "session"),
        ("claims", "authorization_id", "auth"),
    ],
)  # fmt: skip
def test_a_row_cannot_be_moved_to_another_organization(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], table: str, parent: str, attribute: str
) -> None:
    mine, theirs = clinics
    with (
        foundation.app(org=mine.org) as db,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
    ):
        run(db, f"UPDATE {table} SET {parent} = %s WHERE id = %s", getattr(theirs, attribute), mine.ids()[table])


INSERTS = {
    "organizations": "INSERT INTO organizations (id, name) VALUES (%(org)s, 'Other')",
    "users": """INSERT INTO users (organization_id, email, password_hash, full_name, role)
                VALUES (%(org)s, gen_random_uuid()::text, '-', 'B', 'RBT')""",
    "staff_members": "INSERT INTO staff_members (user_id, organization_id) VALUES (%(user)s, %(org)s)",
    "patients": """INSERT INTO patients (organization_id, first_name, last_name, date_of_birth, state)
                   VALUES (%(org)s, 'B', 'C', '2020-01-01', 'CA')""",
    "patient_insurance": """INSERT INTO patient_insurance (patient_id, payer_name, member_id)
                            VALUES (%(patient)s, 'P', 'M')""",
    "authorizations": """INSERT INTO authorizations
                         (patient_id, service_code, total_units, start_date, end_date, status)
                         VALUES (%(patient)s, '97153', 1, '2030-01-01', '2030-01-01', 'ACTIVE')""",
    "appointments": """INSERT INTO appointments
                       (organization_id, patient_id, service_code, start_time, end_time, status)
                       VALUES (%(org)s, %(patient)s, '97153', '2031-01-01', '2031-01-02', 'SCHEDULED')""",
    "sessions": """INSERT INTO sessions (patient_id, service_code, start_time, status)
                   VALUES (%(patient)s, '97153', '2031-01-01', 'IN_PROGRESS')""",
    "session_events": "INSERT INTO session_events (session_id, event_type) VALUES (%(session)s, 'TRIAL')",
    "claims": "INSERT INTO claims (session_id, payer_id, edi_payload, status) VALUES (%(session)s, 'P', '{}', 'DRAFT')",
    "audit_logs": """INSERT INTO audit_logs (organization_id, user_email, action, resource_type)
                     VALUES (%(org)s, 'a@example.org', 'READ', 'patient')""",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_is_written_only_to_ones_own_organization(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], table: str
) -> None:
    mine, theirs = clinics
    new = uuid4() if table == "organizations" else None
    with (
        foundation.app(org=mine.org) as db,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
    ):
        db.execute(INSERTS[table], vars(theirs) | {"org": new or theirs.org})
    # The same statement for one's own organization is accepted.
    own = new or mine.org
    with foundation.app(org=own) as db:
        assert db.execute(INSERTS[table], vars(mine) | {"org": own}).rowcount == 1
        db.rollback()


def test_a_claim_without_a_parent_belongs_to_nobody(foundation: Foundation, clinics: tuple[Clinic, Clinic]) -> None:
    statement = "INSERT INTO claims (payer_id, edi_payload, status) VALUES ('P', '{}', 'DRAFT') RETURNING id"
    with foundation.owner() as db:
        claim = value(db, statement)
    with foundation.app(org=clinics[0].org) as db:
        assert rows(db, "SELECT FROM claims WHERE id = %s", claim) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            db.execute("INSERT INTO claims (payer_id, edi_payload, status) VALUES ('P', '{}', 'DRAFT')")


def test_a_claim_with_a_foreign_parent_is_nobodys(foundation: Foundation, clinics: tuple[Clinic, Clinic]) -> None:
    mine, theirs = clinics
    with foundation.owner() as db:
        db.execute("UPDATE claims SET authorization_id = %s WHERE id = %s", [theirs.auth, mine.claim])
    for clinic in clinics:
        with foundation.app(org=clinic.org) as db:
            assert rows(db, "SELECT FROM claims WHERE id = %s", mine.claim) == []


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("statement", ["UPDATE {} SET created_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_append_only_tables_refuse_the_application(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], table: str, statement: str
) -> None:
    with foundation.app(org=clinics[0].org) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(db, statement.format(table))


def test_audit_policies_hold_even_where_the_grants_do_not(
    foundation: Foundation, clinics: tuple[Clinic, Clinic]
) -> None:
    """The grant is given for one transaction only, to see the policies alone at work."""
    mine = clinics[0]
    url = make_conninfo(foundation.cluster.admin_url, dbname=foundation.database)
    with psycopg.connect(url) as db:
        db.execute("GRANT UPDATE, DELETE ON audit_logs TO omnirapeutic_app")
        db.execute("SET LOCAL ROLE omnirapeutic_app")
        db.execute("SELECT set_config('app.current_org_id', %s, true)", [str(mine.org)])
        assert rows(db, "SELECT id FROM audit_logs") == [(mine.audit,)]
        assert db.execute("UPDATE audit_logs SET action = 'NOTHING'").rowcount == 0
        assert db.execute("DELETE FROM audit_logs").rowcount == 0
        db.rollback()


def test_the_application_cannot_create_anything(foundation: Foundation) -> None:
    for statement in ("CREATE TABLE public.mine ()", "CREATE TABLE app.mine ()", "CREATE SCHEMA mine"):
        with foundation.app() as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(statement)


# --- units -----------------------------------------------------------------------------------------------------------

RESERVE = "SELECT app.reserve_session_units(%s, %s)"


def set_auth(foundation: Foundation, auth: UUID, **columns: sql.Composable) -> None:
    with foundation.owner() as db:
        db.execute(
            sql.SQL("UPDATE authorizations SET {} WHERE id = {}").format(
                sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(k), v) for k, v in columns.items()), auth
            )
        )


def stored(foundation: Foundation, auth: UUID) -> Row:
    with foundation.owner() as db:
        return rows(db, "SELECT used_units, status FROM authorizations WHERE id = %s", auth)[0]


def test_a_reservation_counts_and_the_last_unit_exhausts(
    foundation: Foundation, clinics: tuple[Clinic, Clinic]
) -> None:
    mine = clinics[0]
    with foundation.app(user=mine.user) as db:
        assert value(db, RESERVE, mine.auth, 4) == {
            "success": True, "units_reserved": 4, "remaining_units": 6, "authorization_id": str(mine.auth),
        }  # fmt: skip
    assert stored(foundation, mine.auth) == (4, "ACTIVE")
    with foundation.app(org=mine.org) as db:
        assert value(db, RESERVE, mine.auth, 6)["remaining_units"] == 0
    assert stored(foundation, mine.auth) == (10, "EXHAUSTED")
    with foundation.app(org=mine.org) as db:
        assert value(db, RESERVE, mine.auth, 1)["error"] == "AUTH_EXHAUSTED"
    with foundation.owner() as db:
        assert value(db, "SELECT updated_at > created_at FROM authorizations WHERE id = %s", mine.auth) is True


CASES: list[tuple[str, dict[str, object], int | None, str | None, dict[str, object]]] = [
    ("first day", {"start_date": "CURRENT_DATE"}, 1, None, {}),
    ("last day", {"end_date": "CURRENT_DATE"}, 1, None, {}),
    ("all at once", {}, 10, None, {}),
    ("used_units empty", {"used_units": None}, 10, None, {}),
    ("ended yesterday", {"end_date": "CURRENT_DATE - 1"}, 1, "AUTH_EXPIRED", {"expired_date": -1}),
    ("marked expired", {"status": "EXPIRED", "end_date": "CURRENT_DATE + 9"}, 1, "AUTH_EXPIRED", {"expired_date": 9}),
    ("starts tomorrow", {"start_date": "CURRENT_DATE + 1"}, 1, "AUTH_NOT_STARTED", {}),
    ("cancelled", {"status": "CANCELLED"}, 1, "AUTH_CANCELLED", {}),
    ("cancelled and over", {"status": "CANCELLED", "end_date": "CURRENT_DATE - 1"}, 1, "AUTH_CANCELLED", {}),
    ("marked exhausted", {"status": "EXHAUSTED"}, 1, "AUTH_EXHAUSTED", {}),
    ("none left", {"used_units": 10}, 1, "AUTH_EXHAUSTED", {}),
    ("too few left", {"used_units": 7}, 4, "INSUFFICIENT_UNITS", {"available": 3, "requested": 4}),
    ("far too many", {}, 2**31 - 1, "INSUFFICIENT_UNITS", {"available": 10, "requested": 2**31 - 1}),
    ("zero", {}, 0, "INVALID_UNITS", {}),
    ("negative", {}, -1, "INVALID_UNITS", {}),
    ("no number", {}, None, "INVALID_UNITS", {}),
]


@pytest.mark.parametrize(("columns", "units", "error", "more"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_answer_of_reserve(
    foundation: Foundation,
    clinics: tuple[Clinic, Clinic],
    columns: dict[str, object],
    units: int | None,
    error: str | None,
    more: dict[str, object],
) -> None:
    mine = clinics[0]
    if columns:
        set_auth(
            foundation,
            mine.auth,
            **{
                name: sql.SQL(text) if isinstance(text, str) and text.startswith("CURRENT_DATE") else sql.Literal(text)
                for name, text in columns.items()
            },
        )
    before = stored(foundation, mine.auth)
    with foundation.app(org=mine.org) as db:
        answer = value(db, RESERVE, mine.auth, units)
        today = value(db, "SELECT CURRENT_DATE")
    if error is None:
        assert answer["success"] is True
        assert stored(foundation, mine.auth) == (
            (before[0] or 0) + (units or 0),
            "EXHAUSTED" if units == 10 else "ACTIVE",
        )
        return
    if "expired_date" in more:
        more = {"expired_date": (today + timedelta(days=int(str(more["expired_date"])))).isoformat()}
    assert isinstance(answer.pop("message"), str)
    assert answer == {"success": False, "error": error, **more}
    assert stored(foundation, mine.auth) == before


def test_without_an_organization_nothing_is_reserved(foundation: Foundation, clinics: tuple[Clinic, Clinic]) -> None:
    for context in ({}, {"user": uuid4()}, {"org": "no uuid"}):
        with foundation.app(**context) as db:
            for auth, units in ((clinics[0].auth, 1), (clinics[0].auth, 0), (uuid4(), 1), (None, 1)):
                answer = value(db, RESERVE, auth, units)
                assert (answer["success"], answer["error"]) == (False, "UNAUTHORIZED")
    assert stored(foundation, clinics[0].auth) == (0, "ACTIVE")


def test_another_organizations_authorization_answers_as_one_that_never_existed(
    foundation: Foundation, clinics: tuple[Clinic, Clinic]
) -> None:
    mine, theirs = clinics
    for columns in ({"status": "ACTIVE"}, {"status": "CANCELLED"}, {"status": "EXHAUSTED", "used_units": 10}):
        set_auth(foundation, theirs.auth, **{k: sql.Literal(v) for k, v in columns.items()})
        before = stored(foundation, theirs.auth)
        with foundation.app(org=mine.org, user=mine.user) as db:
            query = "SELECT app.reserve_session_units(%s, %s)::text"
            for units in (1, 11, 0):
                foreign = value(db, query, theirs.auth, units)
                assert foreign == value(db, query, uuid4(), units) == value(db, query, None, units)
                assert json.loads(foreign)["error"] == ("AUTH_NOT_FOUND" if units else "INVALID_UNITS")
        assert stored(foundation, theirs.auth) == before


def test_another_organizations_authorization_is_not_even_locked(
    foundation: Foundation, clinics: tuple[Clinic, Clinic]
) -> None:
    mine, theirs = clinics
    with foundation.owner() as holder, foundation.app(org=mine.org) as db:
        holder.execute("SELECT FROM authorizations WHERE id = %s FOR UPDATE", [theirs.auth])
        db.execute("SET LOCAL lock_timeout = '2s'")
        assert value(db, RESERVE, theirs.auth, 1)["error"] == "AUTH_NOT_FOUND"


def test_many_at_once_take_no_more_than_there_is(foundation: Foundation, clinics: tuple[Clinic, Clinic]) -> None:
    mine = clinics[0]
    together = threading.Barrier(8)

    def reserve(_: int) -> str:
        with foundation.app(org=mine.org) as db:
            together.wait(timeout=30)
            answer = value(db, RESERVE, mine.auth, 3)
        return "success" if answer["success"] else answer["error"]

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(reserve, range(8)))
    assert answers == ["INSUFFICIENT_UNITS"] * 5 + ["success"] * 3
    assert stored(foundation, mine.auth) == (9, "ACTIVE")


@pytest.mark.parametrize("locked", [True, False], ids=["as it is", "negative control: without the lock"])
def test_the_second_waits_for_the_first_and_sees_what_is_left(
    foundation: Foundation, clinics: tuple[Clinic, Clinic], locked: bool
) -> None:
    mine = clinics[0]
    with foundation.owner() as db:
        definition = value(db, "SELECT pg_get_functiondef('app.reserve_session_units'::regproc)")
        assert definition.count("FOR UPDATE OF a") == 1
        if not locked:
            db.execute(definition.replace("FOR UPDATE OF a", ""))
    try:
        with (
            foundation.app(org=mine.org) as first,
            foundation.app(org=mine.org) as second,
            ThreadPoolExecutor(1) as pool,
        ):
            assert value(first, RESERVE, mine.auth, 6)["success"] is True
            waiting = pool.submit(value, second, RESERVE, mine.auth, 6)
            with foundation.owner() as db:
                db.autocommit = True
                for _ in range(500):
                    if value(
                        db,
                        "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted",
                        second.info.backend_pid,
                    ):
                        break
                    db.execute("SELECT pg_sleep(0.01)")
                else:
                    pytest.fail("the second reservation did not wait")
            first.commit()
            if locked:
                answer = waiting.result(timeout=30)
                assert (answer["error"], answer["available"]) == ("INSUFFICIENT_UNITS", 4)
            else:  # it read the balance of before: only the constraint stops it
                with pytest.raises(psycopg.errors.CheckViolation, match="positive_balance"):
                    waiting.result(timeout=30)
    finally:
        with foundation.owner() as db:
            db.execute(definition)
    assert stored(foundation, mine.auth) == (6, "ACTIVE")


# --- the files -------------------------------------------------------------------------------------------------------


def test_the_files_are_the_eleven_of_the_contract() -> None:
    assert [file.name for file in FOUNDATION] == [
        "001_extensions.sql", "002_schemas.sql", "003_core_tables.sql", "004_clinical_tables.sql",
        "005_authorization_tables.sql", "006_scheduling_tables.sql", "007_session_tables.sql", "008_billing_tables.sql",
        "009_audit_tables.sql", "010_indexes.sql", "011_rls_policies.sql",
    ]  # fmt: skip


@pytest.mark.parametrize("file", FOUNDATION, ids=lambda file: file.name[:3])
def test_each_file_is_plain_sql_and_ends_with_its_marker(file: Path) -> None:
    text = file.read_text(encoding="ascii")
    assert not re.search(r"^\\|^\s*(BEGIN|COMMIT|ROLLBACK|START TRANSACTION)\s*;", text, re.MULTILINE | re.IGNORECASE)
    if not file.name.startswith("001"):
        assert text.endswith(f"COMMENT ON SCHEMA app IS '{MARKER}{file.name[:3]}';\n")


def test_a_driver_runs_the_files_too_each_in_one_transaction(cluster: Cluster) -> None:
    with cluster.database() as name, psycopg.connect(cluster.owner_url(name)) as db:
        for file in FOUNDATION:
            db.execute(file.read_text())
            db.commit()
        assert value(db, "SELECT obj_description('app'::regnamespace)") == MARKER + "011"


def test_an_application_role_that_owns_the_tables_is_refused(cluster: Cluster) -> None:
    """Inside one transaction of the superuser, so that no other database of the cluster ever sees it."""
    schemas = (SQL_DIR / "002_schemas.sql").read_text()
    owner = sql.Identifier(f"{cluster.prefix}_owner")
    with cluster.database() as name, psycopg.connect(make_conninfo(cluster.admin_url, dbname=name)) as db:
        db.execute(
            "DO $$ BEGIN IF to_regrole('omnirapeutic_app') IS NULL THEN CREATE ROLE omnirapeutic_app; END IF; END $$"
        )
        db.execute(sql.SQL("GRANT {} TO omnirapeutic_app").format(owner))
        db.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
        with pytest.raises(psycopg.errors.RaiseException, match="could pass by row security"):
            db.execute(schemas)
        db.rollback()


# --- deploy.sh -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Release:
    """A copy of the eleven files and the two scripts, in a directory whose name has a space and a quote."""

    directory: Path

    def deploy(
        self, *arguments: str, cwd: Path | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.directory / "deploy.sh"), *arguments],
            capture_output=True, text=True, check=False, cwd=cwd, env=os.environ | (environment or {}),
        )  # fmt: skip

    def seal(self) -> None:
        subprocess.run([str(self.directory / "checksums.sh")], check=True)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    directory = tmp_path / "the clinic's release" / "sql"
    directory.mkdir(parents=True)
    for file in [*FOUNDATION, SQL_DIR / "deploy.sh", SQL_DIR / "checksums.sh"]:
        shutil.copy(file, directory)
    made = Release(directory)
    made.seal()
    return made


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as name:
        yield cluster.owner_url(name)


def deployed_through(url: str) -> str | None:
    with psycopg.connect(url) as db:
        text = value(db, "SELECT (SELECT obj_description(oid) FROM pg_namespace WHERE nspname = 'app')")
    return None if text is None else text.removeprefix(MARKER)


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as db:
        return {name for (name,) in rows(db, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_checksums_list_every_file_as_it_is(release: Release) -> None:
    sealed = (release.directory / "CHECKSUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in sealed] == [file.name for file in FOUNDATION]
    assert set(sealed) <= set((SQL_DIR / "CHECKSUMS").read_text().splitlines())


def test_deploy_fresh_then_again(release: Release, empty: str, tmp_path: Path) -> None:
    first = release.deploy(empty, cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.count("applied") == 11
    assert deployed_through(empty) == "011"
    assert tables(empty) == set(TABLES)
    again = release.deploy(empty)
    assert (again.returncode, again.stdout, again.stderr) == (
        0, "deploy: nothing to do; the database is deployed through 011\n", "",
    )  # fmt: skip


def test_deploy_through_a_file_and_on_by_environment(release: Release, empty: str) -> None:
    part = release.deploy("--through", "004", empty)
    assert part.returncode == 0, part.stderr
    assert deployed_through(empty) == "004"
    info = psycopg.conninfo.conninfo_to_dict(empty)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    rest = release.deploy(environment={names[key]: str(text) for key, text in info.items() if key in names})
    assert rest.returncode == 0, rest.stderr
    assert "003_core_tables.sql" not in rest.stdout
    assert deployed_through(empty) == "011"
    back = release.deploy("--through=004", empty)
    assert (back.returncode, "nothing to do" in back.stdout) == (0, True)


@pytest.mark.parametrize("through", ["12", "012", "abc", "0*"])
def test_deploy_through_a_file_that_is_not_there(release: Release, empty: str, through: str) -> None:
    done = release.deploy("--through", through, empty)
    assert done.returncode != 0
    assert "no file has that number" in done.stderr
    assert deployed_through(empty) is None


@pytest.mark.parametrize("marker", [None, "004"])
def test_deploy_refuses_a_half_deployed_database(release: Release, empty: str, marker: str | None) -> None:
    if marker:
        assert release.deploy("--through", marker, empty).returncode == 0
    with psycopg.connect(empty) as db:
        db.execute("CREATE TABLE claims (id int)")
    before = tables(empty)
    done = release.deploy(empty)
    assert done.returncode != 0
    assert "half deployed" in done.stderr
    for part in (marker or "000", "public.claims", "008_billing_tables.sql", "Nothing was changed"):
        assert part in done.stderr
    assert (tables(empty), deployed_through(empty)) == (before, marker)


def test_deploy_refuses_a_schema_app_of_unknown_origin(release: Release, empty: str) -> None:
    with psycopg.connect(empty) as db:
        db.execute("CREATE SCHEMA app")
    done = release.deploy(empty)
    assert done.returncode != 0
    assert "no deployment marker" in done.stderr
    assert tables(empty) == set()


def test_a_table_made_anew_by_a_later_file_is_not_half_deployed(release: Release, empty: str) -> None:
    assert release.deploy(empty).returncode == 0
    (release.directory / "012_again.sql").write_text(
        "ALTER TABLE audit_logs RENAME TO audit_logs_old;\n"
        'create table IF NOT EXISTS public."audit_logs" (id uuid);\n'
        f"COMMENT ON SCHEMA app IS '{MARKER}012';\n"
    )
    release.seal()
    done = release.deploy(empty)
    assert done.returncode == 0, done.stderr
    assert tables(empty) == set(TABLES) | {"audit_logs_old"}


def test_deploy_stops_at_an_error_and_goes_on_when_it_is_put_right(release: Release, empty: str) -> None:
    file = release.directory / "005_authorization_tables.sql"
    good = file.read_text()
    file.write_text(good.replace("COMMENT ON", "SELECT 1/0;\nCOMMENT ON"))
    release.seal()
    done = release.deploy(empty)
    assert done.returncode != 0
    assert "division by zero" in done.stderr
    assert "005_authorization_tables.sql failed" in done.stderr
    assert "deployed through 004" in done.stderr
    assert deployed_through(empty) == "004"
    assert "authorizations" not in tables(empty)
    file.write_text(good)
    release.seal()
    assert release.deploy(empty).returncode == 0
    assert deployed_through(empty) == "011"


def test_deploy_refuses_a_file_that_forgets_its_marker(release: Release, empty: str) -> None:
    file = release.directory / "005_authorization_tables.sql"
    file.write_text(file.read_text().split("COMMENT ON")[0])
    release.seal()
    done = release.deploy(empty)
    assert done.returncode != 0
    assert "did not move the marker to 005" in done.stderr
    assert "authorizations" not in tables(empty)


def spoil_a_file(directory: Path) -> str:
    with (directory / "004_clinical_tables.sql").open("a") as file:
        file.write("-- a word more\n")
    return "004_clinical_tables.sql differs"


def drop_a_file(directory: Path) -> str:
    (directory / "004_clinical_tables.sql").unlink()
    return "004_clinical_tables.sql is listed in CHECKSUMS but missing"


def add_a_file(directory: Path) -> str:
    (directory / "012_more.sql").write_text("SELECT 1;\n")
    return "012_more.sql is not listed in CHECKSUMS"


def add_the_same_number(directory: Path) -> str:
    (directory / "011_zzz.sql").write_text("SELECT 1;\n")
    return "two files are numbered 011"


def drop_the_list(directory: Path) -> str:
    (directory / "CHECKSUMS").unlink()
    return "CHECKSUMS is missing"


@pytest.mark.parametrize("spoil", [spoil_a_file, drop_a_file, add_a_file, add_the_same_number, drop_the_list])
def test_deploy_refuses_files_that_are_not_the_release(
    release: Release, empty: str, spoil: Callable[[Path], str]
) -> None:
    message = spoil(release.directory)
    done = release.deploy(empty)
    assert done.returncode != 0
    assert message in done.stderr
    assert (deployed_through(empty), tables(empty)) == (None, set())


def test_two_deployments_at_once_take_turns(release: Release, empty: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: release.deploy(empty), range(3)))
    assert [(run.returncode, "ERROR" in run.stderr) for run in done] == [(0, False)] * 3, done
    assert sum(run.stdout.count("applied 0") for run in done) + sum(run.stdout.count("applied 1") for run in done) in (
        11, 12, 13,  # 001 moves no marker, so each may apply it
    )  # fmt: skip
    assert deployed_through(empty) == "011"
    assert tables(empty) == set(TABLES)


def test_deploy_says_so_when_the_database_cannot_be_reached(release: Release, cluster: Cluster) -> None:
    done = release.deploy(cluster.owner_url(f"{cluster.prefix}_nowhere"))
    assert done.returncode != 0
    assert "cannot be reached" in done.stderr
