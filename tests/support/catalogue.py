"""What the catalogue of a migrated database must say, for every table there is and every table to come.

`faults(connection)` reads the whole catalogue and returns one line for each thing that is not as it must be. A new
table is either a tenant table in every respect, with its grants listed in APP_GRANTS, or it is added to NOT_TENANT with
a reason. Every other list here names an exception, and each exception says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

APP, DEFINER, AUDITOR = "omnirapeutic_app", "omnirapeutic_definer", "omnirapeutic_auditor"

QUEUE = "the worker's queue: a task carries ids only and enters a tenant context itself"
DJANGO = "bookkeeping of Django's migrations, about the deployment"
NOT_TENANT = {
    "organizations": "the tenant itself: walled by its own id",
    "audit_logs": "tenant rows with policies of their own, and rows of nobody's failed sign-ins",
    "service_codes": "reference data of the deployment, read-only for the application",
    "web_sessions": "found by the cookie before an organisation is known; no patient data, the key only as a hash",
    "django_migrations": DJANGO,
    "django_content_type": DJANGO,
    "procrastinate_jobs": QUEUE,
    "procrastinate_events": QUEUE,
    "procrastinate_periodic_defers": QUEUE,
    "procrastinate_workers": QUEUE,
}

READ, APPEND, EDIT, ALL = "SELECT", "SELECT INSERT", "SELECT INSERT UPDATE", "SELECT INSERT UPDATE DELETE"
APP_GRANTS = {
    "organizations": EDIT,
    "users": EDIT,
    "staff_members": EDIT,
    "patients": EDIT,
    "patient_insurance": EDIT,
    "authorizations": READ,  # and the columns below
    "appointments": EDIT,
    "sessions": EDIT,
    "session_events": APPEND,
    "claims": EDIT,
    "audit_logs": APPEND,
    "payers": EDIT,
    "caseload_assignments": EDIT,
    "service_codes": READ,
    "authorization_unit_ledger": READ,
    "provider_occupancies": READ,
    "programs": EDIT,
    "targets": EDIT,
    "session_notes": EDIT,
    "note_signatures": APPEND,
    "service_rates": EDIT,
    "claim_documents": APPEND,
    "web_sessions": ALL,
    "form_tokens": ALL,
    "django_content_type": READ,
    "procrastinate_jobs": ALL,
    "procrastinate_events": ALL,
    "procrastinate_periodic_defers": ALL,
    "procrastinate_workers": ALL,
}
OTHER_GRANTS = {
    (DEFINER, "users"): READ,
    (DEFINER, "organizations"): READ,
    (DEFINER, "staff_members"): READ,
    (DEFINER, "service_codes"): READ,
    (DEFINER, "authorization_unit_ledger"): APPEND,
    (DEFINER, "authorizations"): READ,
    (DEFINER, "appointments"): READ,
    (DEFINER, "sessions"): READ,
    (DEFINER, "provider_occupancies"): ALL,
    (DEFINER, "web_sessions"): READ,
    (DEFINER, "audit_logs"): "INSERT",
    (AUDITOR, "audit_logs"): READ,
}
TERMS = (
    "insurance_id total_units start_date end_date status authorization_number units_per_day units_per_week"
    " units_per_month week_starts_on updated_at"
)
# An authorization's terms are the application's to write; its counters are the ledger's alone.
COLUMN_GRANTS = {
    (APP, "authorizations", "INSERT"): f"id organization_id patient_id service_code created_at {TERMS}",
    (APP, "authorizations", "UPDATE"): TERMS,
    (DEFINER, "authorizations", "UPDATE"): "used_units delivered_units status updated_at",
}
SEQUENCE_GRANTS = {
    (APP, "interchange_control_numbers"): "USAGE",
    (APP, "procrastinate_jobs_id_seq"): "USAGE",
    (APP, "procrastinate_events_id_seq"): "USAGE",
    (APP, "procrastinate_periodic_defers_id_seq"): "USAGE",
}

WALL = (
    "({column} = COALESCE((NULLIF(current_setting('app.current_org_id'::text, true), ''::text))::uuid,"
    " app.current_organization_id()))"
)
OWN = WALL.format(column="organization_id")
# Beside org_isolation: (command, roles, using, check).
OTHER_POLICIES = {
    # The look-ups before an organisation is known run as the definer, which nobody can sign in as.
    ("users", "definer_lookup"): ("r", DEFINER, "true", None),
    ("organizations", "definer_lookup"): ("r", DEFINER, "true", None),
    ("staff_members", "definer_lookup"): ("r", DEFINER, "true", None),
    # Its trigger copies an appointment's own organisation, for writers without a context too.
    ("provider_occupancies", "definer_maintenance"): ("*", DEFINER, "true", "true"),
    ("audit_logs", "audit_logs_select"): ("r", "-", OWN, None),
    ("audit_logs", "audit_logs_insert"): ("a", "-", None, OWN),
    ("audit_logs", "audit_logs_update"): ("w", "-", "false", "false"),
    ("audit_logs", "audit_logs_delete"): ("d", "-", "false", None),
    # A sign-in by an address that nobody has belongs to no organisation.
    ("audit_logs", "definer_unknown_sign_in"): (
        "a", DEFINER, None, "((organization_id IS NULL) AND (action = 'SIGN_IN_REFUSED'::text))",
    ),
}  # fmt: skip

GLOBALLY_UNIQUE = {
    "users_email_key": "one person, one address: sign-in knows nothing else",
    "users_email_lower_key": "the same, whatever the case",
    "organizations_tax_id_key": "of the original schema; written by the deployment's administrator only",
}
WITHOUT_TENANT_KEY = {"session_events": "nothing refers to an event, and it is the table that is written most"}
NO_FOREIGN_KEY = {
    ("form_tokens", "user_id"): "an actor: a super admin acts in an organisation that is not their own",
    ("form_tokens", "token"): "made by the page",
    ("authorization_unit_ledger", "created_by"): "an actor, as above",
    ("appointments", "group_id"): "names the group session itself",
    ("provider_occupancies", "group_id"): "the same",
    ("session_events", "client_event_id"): "made by the tablet",
}
ORGANIZATION_IMPLIED = {
    "authorization_unit_ledger": "by its authorization's composite key; one look-up less in every reservation"
}
CASCADES = {"provider_occupancies_appointment_fkey": "an appointment's own shadow, kept by its trigger"}
WITHOUT_SEARCH_PATH = {
    "org_id": "inlined into every policy, which a SET clause would prevent; names nothing without its schema",
    "current_user_id": "its body is parsed once, when it is made",
    "wall_tenant_table": "called by the owner's own files only",
}

TABLES = """
SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, n.nspname, c.reloptions,
       pg_get_userbyid(c.relowner) AS owner
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
ORDER BY 2
"""
COLUMNS = """
SELECT attrelid, attname, attnum, attnotnull, format_type(atttypid, atttypmod) AS type
FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = ANY (%s)
"""
CONSTRAINTS = """
SELECT conrelid, confrelid, conname, contype, conkey, confkey, confdeltype, confdelsetcols, confupdtype,
       pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE conrelid = ANY (%s)
"""
INDEXES = """
SELECT i.indrelid, c.relname AS name, i.indisunique, i.indisprimary, i.indisexclusion, i.indkey::int2[] AS keys
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY (%s)
"""
POLICIES = """
SELECT polrelid, polname, polcmd::text AS command, polpermissive, array_to_string(polroles::regrole[], ' ') AS roles,
       pg_get_expr(polqual, polrelid) AS using_, pg_get_expr(polwithcheck, polrelid) AS check_
FROM pg_policy
"""
GRANTS = """
SELECT c.relname, c.relkind, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END AS grantee,
       g.privilege_type AS privilege, g.is_grantable, NULL::name AS column
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) g
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND g.grantee <> c.relowner
UNION ALL
SELECT c.relname, c.relkind, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END,
       g.privilege_type, g.is_grantable, a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN aclexplode(a.attacl) g
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND g.grantee <> c.relowner
"""
FUNCTIONS = """
SELECT p.proname AS name, p.oid::regprocedure::text AS signature, p.prosecdef, p.proconfig, n.nspname,
       pg_get_userbyid(p.proowner) AS owner,
       has_function_privilege('public', p.oid, 'EXECUTE') AS public_may
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
"""


class Catalogue:
    """The catalogue of one database, read once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.cursor = connection.cursor(row_factory=namedtuple_row)
        self.cursor.execute("SET LOCAL search_path = pg_catalog, public, pg_temp")
        everything = self._rows(TABLES)
        self.views = [t for t in everything if t.relkind in ("v", "m", "f")]
        self.tables = [t for t in everything if t.relkind in ("r", "p")]
        self.names = {t.oid: t.relname for t in self.tables}
        oids = list(self.names)
        self.columns: dict[int, dict[int, Any]] = {oid: {} for oid in oids}
        for column in self._rows(COLUMNS, oids):
            self.columns[column.attrelid][column.attnum] = column
        self.constraints = self._rows(CONSTRAINTS, oids)
        self.indexes = self._rows(INDEXES, oids)
        self.policies = self._rows(POLICIES)

    def _rows(self, query: str, *parameters: Any) -> list[Any]:
        return self.cursor.execute(query, parameters or None).fetchall()  # type: ignore[arg-type]

    def column_names(self, table: int, numbers: list[int]) -> list[str]:
        """Names by number; an expression (number 0) has none."""
        return [self.columns[table][number].attname if number else "(expression)" for number in numbers]

    def faults(self) -> Iterator[str]:
        for table in self.tables:
            if table.nspname != "public":
                yield f"{table.nspname}.{table.relname}: tables live in public"
            if table.relname in NOT_TENANT:
                continue
            yield from (f"{table.relname}: {fault}" for fault in self._tenant_table(table))
        yield from (f"{name}: listed in NOT_TENANT but gone" for name in NOT_TENANT.keys() - set(self.names.values()))
        yield from self._wall()
        yield from self._views()
        yield from self._grants()
        yield from self._functions()
        yield from self._roles()

    # one tenant table ------------------------------------------------------------------------------------------------

    def _tenant_table(self, table: Any) -> Iterator[str]:
        columns = {column.attname: column for column in self.columns[table.oid].values()}
        organization = columns.get("organization_id")
        if organization is None:
            yield "has no organization_id, and stands on no list"
            return
        if organization.type != "uuid" or not organization.attnotnull:
            yield "organization_id must be uuid NOT NULL"
        yield from self._references(table, columns)
        yield from self._keys(table)

    def _references(self, table: Any, columns: dict[str, Any]) -> Iterator[str]:
        referring = {"id", "organization_id"}
        to_organization = False
        for key in self.constraints:
            if key.conrelid != table.oid or key.contype != "f":
                continue
            own = self.column_names(table.oid, key.conkey)
            theirs = self.column_names(key.confrelid, key.confkey)
            referring.update(own)
            if self.names[key.confrelid] == "organizations":
                to_organization |= (own, theirs) == (["organization_id"], ["id"])
                allowed = {"a", "r"}
            else:
                if own[0] != "organization_id" or theirs[0] != "organization_id":
                    yield f"{key.conname} is not led by organization_id on both sides"
                if any(not columns[name].attnotnull for name in own[:-1]):
                    yield f"{key.conname} has a nullable column before its last: a NULL there switches it off"
                allowed = {"r"}
            if key.conname in CASCADES:
                allowed = {"c"}
            if key.confdeltype in ("n", "d"):
                cleared = self.column_names(table.oid, key.confdelsetcols or key.conkey)
                if "organization_id" in cleared:
                    yield f"{key.conname} clears organization_id when its parent goes"
            elif key.confdeltype not in allowed:
                yield f"{key.conname} must be ON DELETE RESTRICT or SET NULL (column), or be listed"
            if key.confupdtype not in ("a", "r"):
                yield f"{key.conname} must not follow updates"
        if not to_organization and table.relname not in ORGANIZATION_IMPLIED:
            yield "organization_id does not refer to organizations (id)"
        for column in columns.values():
            if (
                column.type != "uuid"
                or column.attname in referring
                or (table.relname, column.attname) in NO_FOREIGN_KEY
            ):
                continue
            yield f"{column.attname} is a uuid without a foreign key, and is not listed"

    def _keys(self, table: Any) -> Iterator[str]:
        has_key = False
        for index in self.indexes:
            if index.indrelid != table.oid:
                continue
            keys = self.column_names(table.oid, index.keys)
            if index.indisprimary and keys == ["id"]:
                continue
            if index.indisunique and keys[0] == "organization_id" and keys[-1] == "id":
                has_key = True
            if keys[0] != "organization_id" and index.name not in GLOBALLY_UNIQUE:
                yield f"index {index.name} ({', '.join(keys)}) is not led by organization_id"
        for constraint in self.constraints:
            compares_organization = re.search(r"USING gist \(organization_id WITH =,", constraint.definition)
            if constraint.conrelid == table.oid and constraint.contype == "x" and not compares_organization:
                yield f"{constraint.conname} must compare organization_id first"
        if has_key == (table.relname in WITHOUT_TENANT_KEY):
            yield "needs a unique key (organization_id, …, id)" if not has_key else "has a key, take it off the list"

    # over all of them ------------------------------------------------------------------------------------------------

    def _wall(self) -> Iterator[str]:
        by_table: dict[str, dict[str, Any]] = {name: {} for name in self.names.values()}
        for policy in self.policies:
            by_table[self.names[policy.polrelid]][policy.polname] = policy
        for table in self.tables:
            name, policies = table.relname, by_table[table.relname]
            if name in NOT_TENANT and name not in ("organizations", "audit_logs"):
                if policies or table.relrowsecurity:
                    yield f"{name}: has row security although it is listed as no tenant table"
                continue
            if not (table.relrowsecurity and table.relforcerowsecurity):
                yield f"{name}: row security must be enabled and forced"
            expected = {key[1]: value for key, value in OTHER_POLICIES.items() if key[0] == name}
            if name != "audit_logs":
                wall = WALL.format(column="id" if name == "organizations" else "organization_id")
                expected["org_isolation"] = ("*", "-", wall, wall)
            for policy_name in expected.keys() | policies.keys():
                found = policies.get(policy_name)
                if found is None:
                    yield f"{name}: has no policy {policy_name}"
                elif policy_name not in expected:
                    yield f"{name}: policy {policy_name} is not listed, and opens the wall to what it allows"
                elif (found.command, found.roles, found.using_, found.check_) != expected[policy_name]:
                    yield f"{name}: policy {policy_name} has another form"
                elif not found.polpermissive:
                    yield f"{name}: policy {policy_name} must be permissive"

    def _views(self) -> Iterator[str]:
        for view in self.views:
            if view.relkind == "m":
                yield f"{view.relname}: a materialised view has no row security"
            elif view.relkind == "f":
                yield f"{view.relname}: a foreign table has no row security"
            elif not {"security_invoker=true", "security_invoker=on"} & set(view.reloptions or ()):
                yield f"{view.relname}: a view reads as its owner unless it has security_invoker"

    def _grants(self) -> Iterator[str]:
        expected = {
            (APP, table, None, privilege) for table, listed in APP_GRANTS.items() for privilege in listed.split()
        }
        for of_relations in (OTHER_GRANTS, SEQUENCE_GRANTS):
            expected |= {
                (role, name, None, privilege)
                for (role, name), listed in of_relations.items()
                for privilege in listed.split()
            }
        for (role, table, privilege), listed_columns in COLUMN_GRANTS.items():
            expected |= {(role, table, column, privilege) for column in listed_columns.split()}
        found = set()
        for grant in self._rows(GRANTS):
            if grant.is_grantable:
                yield f"{grant.relname}: {grant.grantee} may pass on its rights"
            found.add((grant.grantee, grant.relname, grant.column, grant.privilege))
        for role, name, column, privilege in sorted(found - expected, key=str):
            yield f"{name}: {role} has {privilege}{f' ({column})' if column else ''}, which is not listed"
        for role, name, column, privilege in sorted(expected - found, key=str):
            yield f"{name}: {role} lacks {privilege}{f' ({column})' if column else ''}"
        for row in self._rows("SELECT defaclobjtype FROM pg_default_acl"):
            yield f"default privileges for '{row[0]}': rights are granted by name"
        for schema in self._rows(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('app', 'public')"
            " AND (has_schema_privilege('public', oid, 'USAGE') OR has_schema_privilege('public', oid, 'CREATE'))"
        ):
            yield f"schema {schema.nspname}: PUBLIC has rights"
        for schema, role in self._rows(
            "SELECT n.nspname, r.rolname FROM pg_namespace n CROSS JOIN pg_roles r"
            " WHERE n.nspname IN ('app', 'public') AND r.rolname = ANY (%s)"
            " AND has_schema_privilege(r.oid, n.oid, 'CREATE')",
            [APP, DEFINER, AUDITOR],
        ):
            yield f"schema {schema}: {role} may create in it"

    def _functions(self) -> Iterator[str]:
        owner = next((table.owner for table in self.tables if table.relname == "organizations"), None)
        for function in self._rows(FUNCTIONS):
            fixed = [setting for setting in function.proconfig or () if setting.startswith("search_path=")]
            if function.nspname == "app":
                if function.public_may:
                    yield f"{function.signature}: PUBLIC may execute it"
                if function.owner != (DEFINER if function.prosecdef else owner):
                    yield f"{function.signature}: belongs to {function.owner}"
                if not fixed and function.name not in WITHOUT_SEARCH_PATH:
                    yield f"{function.signature}: has no fixed search_path"
            elif function.prosecdef:
                yield f"{function.signature}: SECURITY DEFINER outside schema app"
            if function.prosecdef and fixed not in (
                ["search_path=pg_catalog, pg_temp"],
                ["search_path=pg_catalog, public, pg_temp"],
            ):
                yield f"{function.signature}: SECURITY DEFINER needs search_path = pg_catalog, [public,] pg_temp"

    def _roles(self) -> Iterator[str]:
        for role in self._rows(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles"
            " WHERE rolname = ANY (%s)",
            [APP, DEFINER, AUDITOR],
        ):
            if role.rolsuper or role.rolbypassrls or role.rolcreaterole or role.rolcreatedb:
                yield f"role {role.rolname} could pass by row security"
            if role.rolname == DEFINER and role.rolcanlogin:
                yield f"role {DEFINER} can sign in"
        for member, role in self._rows(
            "SELECT m.rolname AS member, r.rolname AS of_role FROM pg_roles m CROSS JOIN pg_roles r"
            " WHERE NOT m.rolsuper AND m.oid <> r.oid"
            " AND (r.rolname = %s OR m.rolname IN (%s, %s, %s)) AND pg_has_role(m.oid, r.oid, 'USAGE')",
            DEFINER, APP, DEFINER, AUDITOR,
        ):  # fmt: skip
            yield f"role {member} has the rights of {role}"


def faults(connection: psycopg.Connection[Any]) -> list[str]:
    """One line for each fault, sorted; changes nothing. Call it in an open transaction."""
    return sorted(Catalogue(connection).faults())
