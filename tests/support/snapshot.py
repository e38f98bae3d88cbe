"""Everything a deployment makes, as text that can be compared: tables, columns, keys, policies, functions, rights."""

from __future__ import annotations

from typing import Any

import psycopg

# What Django's migrations make beside sql/: their own bookkeeping and the queue's objects.
FRAMEWORK = r"^(django_migrations|django_content_type|procrastinate_)"

OURS = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = x.oid AND d.deptype = 'e')
"""
PARTS = {
    "relation": f"""
        SELECT x.relname, concat_ws(' ', n.nspname, x.relkind, pg_get_userbyid(x.relowner), x.relpersistence,
               x.relrowsecurity, x.relforcerowsecurity, x.reloptions::text, x.relacl::text,
               obj_description(x.oid, 'pg_class'))
        FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace
        WHERE x.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {OURS}""",
    "column": f"""
        SELECT x.relname || '.' || a.attname,
               concat_ws(' ', row_number() OVER (PARTITION BY x.oid ORDER BY a.attnum),
                         format_type(a.atttypid, a.atttypmod),
                         a.attnotnull, a.attgenerated, a.attidentity, a.attcollation::regcollation, a.attacl::text,
                         pg_get_expr(e.adbin, e.adrelid), col_description(x.oid, a.attnum))
        FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace
        JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef e ON e.adrelid = x.oid AND e.adnum = a.attnum
        WHERE x.relkind IN ('r', 'p', 'v', 'm', 'f') AND {OURS}""",
    "sequence": f"""
        SELECT x.relname, s::text FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace
        JOIN LATERAL (SELECT seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle
                      FROM pg_sequence WHERE seqrelid = x.oid) s ON true WHERE {OURS}""",
    "constraint": f"""
        SELECT c.relname || '.' || x.conname,
               concat_ws(' ', pg_get_constraintdef(x.oid), x.condeferrable, x.condeferred, x.convalidated,
                         obj_description(x.oid, 'pg_constraint'))
        FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = x.connamespace
        WHERE {OURS}""",
    "index": f"""
        SELECT c.relname || '.' || x.relname, concat_ws(' ', pg_get_indexdef(x.oid), i.indisvalid, x.reloptions::text)
        FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace JOIN pg_index i ON i.indexrelid = x.oid
        JOIN pg_class c ON c.oid = i.indrelid WHERE {OURS}""",
    "policy": """
        SELECT c.relname || '.' || x.polname, concat_ws(' ', x.polcmd, x.polpermissive, x.polroles::regrole[]::text,
               pg_get_expr(x.polqual, x.polrelid), '|', pg_get_expr(x.polwithcheck, x.polrelid))
        FROM pg_policy x JOIN pg_class c ON c.oid = x.polrelid""",
    "trigger": f"""
        SELECT c.relname || '.' || x.tgname, concat_ws(' ', pg_get_triggerdef(x.oid), x.tgenabled)
        FROM pg_trigger x JOIN pg_class c ON c.oid = x.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT x.tgisinternal AND {OURS}""",
    "function": f"""
        SELECT x.proname || '(' || pg_get_function_identity_arguments(x.oid) || ')',
               concat_ws(' ', n.nspname, pg_get_userbyid(x.proowner), x.proacl::text, pg_get_functiondef(x.oid),
                         obj_description(x.oid, 'pg_proc'))
        FROM pg_proc x JOIN pg_namespace n ON n.oid = x.pronamespace WHERE x.prokind IN ('f', 'p') AND {OURS}""",
    "type": f"""
        SELECT x.typname, concat_ws(' ', x.typtype, pg_get_userbyid(x.typowner), x.typacl::text,
               (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = x.oid))
        FROM pg_type x JOIN pg_namespace n ON n.oid = x.typnamespace
        WHERE x.typtype IN ('e', 'd', 'r', 'c') AND {OURS}""",
    "schema": """
        SELECT nspname, concat_ws(' ', pg_get_userbyid(nspowner), nspacl::text, obj_description(oid, 'pg_namespace'))
        FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'""",
    "extension": "SELECT extname, extversion || ' ' || extnamespace::regnamespace FROM pg_extension",
    "default right": "SELECT defaclobjtype::text, defaclacl::text FROM pg_default_acl",
    "row of service_codes": "SELECT code, s::text FROM service_codes s",
}


def snapshot(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """What is in the database, without what Django and the queue bring: `{"column patients.id": "1 uuid …"}`."""
    connection.execute("SET search_path = pg_catalog, public")
    found = {}
    for part, query in PARTS.items():
        wanted = f"SELECT name, said FROM ({query}) AS part (name, said) WHERE name !~ %s"
        for name, said in connection.execute(wanted, [FRAMEWORK]):  # type: ignore[arg-type]
            found[f"{part} {name}"] = said
    return found


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return [
        f"{key}:\n  {one.get(key, '(absent)')}\n  {other.get(key, '(absent)')}"
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]
