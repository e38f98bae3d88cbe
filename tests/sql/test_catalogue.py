"""The tenant wall as the catalogue shows it: every table has it, or stands on a short list with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.catalogue import NOT_TENANT, faults
from tests.support.postgres import Server, database_of

# A table that does everything right. Each case below forgets or breaks one thing.
TABLE = """
CREATE TABLE things (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    patient_id uuid,
    name text,
    CONSTRAINT things_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT things_patient_fkey
        FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT
);
CALL app.wall_tenant_table('things');
"""
MISTAKES = {
    "no organization_id": ("CREATE TABLE things (id uuid PRIMARY KEY)", "has no organization_id"),
    "organization_id may be NULL": (
        TABLE + "ALTER TABLE things ALTER organization_id DROP NOT NULL", "organization_id must be uuid NOT NULL",
    ),
    "no key to organizations": (
        TABLE + "ALTER TABLE things DROP CONSTRAINT things_organization_id_fkey", "does not refer to organizations",
    ),
    "no tenant key": (TABLE + "ALTER TABLE things DROP CONSTRAINT things_tenant_key", "needs a unique key"),
    "not walled": (TABLE + "ALTER TABLE things DISABLE ROW LEVEL SECURITY", "must be enabled and forced"),
    "not forced": (TABLE + "ALTER TABLE things NO FORCE ROW LEVEL SECURITY", "must be enabled and forced"),
    "no policy": (TABLE + "DROP POLICY org_isolation ON things", "has no policy org_isolation"),
    "a policy in another form": (
        TABLE + "ALTER POLICY org_isolation ON things USING (organization_id = app.current_organization_id())",
        "policy org_isolation has another form",
    ),
    "a policy without its check": (
        TABLE + "ALTER POLICY org_isolation ON things WITH CHECK (true)", "policy org_isolation has another form",
    ),
    "a policy for one role only": (
        TABLE + "ALTER POLICY org_isolation ON things TO omnirapeutic_app", "policy org_isolation has another form",
    ),
    "one more policy": (
        TABLE + "CREATE POLICY shared ON things FOR SELECT USING (name = 'shared')", "policy shared is not listed",
    ),
    "a plain foreign key": (
        TABLE + "ALTER TABLE things ADD author uuid REFERENCES users (id)", "is not led by organization_id",
    ),
    "a key that does not restrict": (
        TABLE + "ALTER TABLE things ADD payer uuid, ADD CONSTRAINT k FOREIGN KEY (organization_id, payer)"
        " REFERENCES payers (organization_id, id)",
        "k must be ON DELETE RESTRICT",
    ),
    "a key that cascades": (
        TABLE + "ALTER TABLE things ADD payer uuid, ADD CONSTRAINT k FOREIGN KEY (organization_id, payer)"
        " REFERENCES payers (organization_id, id) ON DELETE CASCADE",
        "k must be ON DELETE RESTRICT",
    ),
    "a key that clears the organisation": (
        TABLE + "ALTER TABLE things ADD payer uuid, ADD CONSTRAINT k FOREIGN KEY (organization_id, payer)"
        " REFERENCES payers (organization_id, id) ON DELETE SET NULL",
        "k clears organization_id",
    ),
    "a key that a NULL switches off": (
        TABLE + "ALTER TABLE things ADD program uuid, ADD CONSTRAINT k"
        " FOREIGN KEY (organization_id, patient_id, program)"
        " REFERENCES programs (organization_id, patient_id, id) ON DELETE RESTRICT",
        "k has a nullable column before its last",
    ),
    "no foreign key": (TABLE + "ALTER TABLE things ADD user_id uuid", "user_id is a uuid without a foreign key"),
    "unique over all organisations": (TABLE + "ALTER TABLE things ADD UNIQUE (name)", "is not led by organization_id"),
    "an index over all organisations": (TABLE + "CREATE INDEX i ON things (name)", "index i (name) is not led"),
    "an overlap over all organisations": (
        TABLE + "ALTER TABLE things ADD CONSTRAINT x EXCLUDE USING gist (name WITH =)", "x must compare",
    ),
    "a partition": (
        "CREATE TABLE things (organization_id uuid NOT NULL, id uuid) PARTITION BY HASH (organization_id)",
        "row security must be enabled and forced",
    ),
    "a table elsewhere": ("CREATE TABLE app.things (id uuid)", "tables live in public"),
    "rights that nobody listed": (TABLE + "GRANT SELECT ON things TO omnirapeutic_app", "omnirapeutic_app has SELECT"),
    "rights for everybody": (TABLE + "GRANT SELECT ON things TO PUBLIC", "PUBLIC has SELECT"),
    "rights on one column": ("GRANT UPDATE (used_units) ON authorizations TO omnirapeutic_app", "UPDATE (used_units)"),
    "the audit trail may be changed": ("GRANT UPDATE ON audit_logs TO omnirapeutic_app", "omnirapeutic_app has UPDATE"),
    "the audit trail's policy is gone": ("DROP POLICY audit_logs_update ON audit_logs", "no policy audit_logs_update"),
    "the audit trail is not forced": ("ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY", "enabled and forced"),
    "a right taken away": ("REVOKE SELECT ON patients FROM omnirapeutic_app", "omnirapeutic_app lacks SELECT"),
    "a right that may be passed on": (
        "GRANT SELECT ON patients TO omnirapeutic_app WITH GRANT OPTION", "may pass on its rights",
    ),
    "rights by default": ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO omnirapeutic_app", "default privileges"),
    "a schema open to everybody": ("GRANT USAGE ON SCHEMA app TO PUBLIC", "schema app: PUBLIC has rights"),
    "a schema to create in": ("GRANT CREATE ON SCHEMA public TO omnirapeutic_app", "may create in it"),
    "a view": ("CREATE VIEW names AS SELECT first_name FROM patients", "reads as its owner"),
    "a materialised view": ("CREATE MATERIALIZED VIEW names AS SELECT first_name FROM patients", "no row security"),
    "a function for everybody": (
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
        "PUBLIC may execute it",
    ),
    "a definer's function of the owner": (
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        " AS 'SELECT 1'; REVOKE ALL ON FUNCTION app.f() FROM PUBLIC",
        "app.f(): belongs to",
    ),
    "a definer's function without a path": (
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "needs search_path",
    ),
    "a definer's function elsewhere": (
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "outside schema app",
    ),
    "the definer signs in": ("ALTER ROLE omnirapeutic_definer LOGIN", "omnirapeutic_definer can sign in"),
    "the application passes by": ("ALTER ROLE omnirapeutic_app BYPASSRLS", "omnirapeutic_app could pass by"),
    "the application is the definer": (
        "GRANT omnirapeutic_definer TO omnirapeutic_app", "omnirapeutic_app has the rights of omnirapeutic_definer",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.fixture
def connection(server: Server, database: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's transaction that leaves nothing behind. Tables made in it belong to the schema's owner."""
    with psycopg.connect(database_of(server.admin_url, database)) as opened:
        yield opened
        opened.rollback()


def test_every_table_is_walled_or_listed(connection: psycopg.Connection[Any]) -> None:
    assert faults(connection) == []


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in NOT_TENANT.values())


def test_a_table_that_does_everything_right_needs_only_its_grants_listed(connection: psycopg.Connection[Any]) -> None:
    connection.execute(TABLE)
    assert faults(connection) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_fails_for(mistake: str, connection: psycopg.Connection[Any]) -> None:
    statements, fault = MISTAKES[mistake]
    connection.execute(statements)  # type: ignore[arg-type]
    found = faults(connection)
    assert any(fault in line for line in found), found
