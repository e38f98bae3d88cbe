"""Puts a worker's database back to empty after a test, as the superuser: nobody else may delete.

Rows of the deployment (service codes) and Django's own bookkeeping stay. Foreign keys and triggers are off while
rows are removed, so their order does not matter.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

KEPT = ("service_codes", "django_migrations", "django_content_type", "procrastinate_version")
BASELINE = "test_baseline"
# Beyond this a table is truncated, because dead rows would slow the tests that follow. Smaller ones are deleted.
LARGE = 2_000_000  # bytes

EMPTY = """
DO $$
DECLARE
    t record;
BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '3s';
    FOR t IN
        SELECT c.oid::regclass AS name, pg_relation_size(c.oid) AS size FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0
            AND c.relname <> ALL ({kept}::name[])
    LOOP
        IF t.size > {large} THEN
            EXECUTE format('TRUNCATE %s CASCADE', t.name);
        ELSE
            EXECUTE format('DELETE FROM %s', t.name);
        END IF;
    END LOOP;
END
$$
"""

# The rows of every table as they are now, or put back from there. Generated columns make themselves.
COPY = """
DO $$
DECLARE
    t record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR t IN
        SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = {source}::regnamespace AND c.relkind = 'r' AND a.attgenerated = ''
            AND c.relname <> ALL ({kept}::name[])
        GROUP BY c.relname
    LOOP
        {statement}
    END LOOP;
END
$$
"""
SAVE = "EXECUTE format('CREATE TABLE {baseline}.%1$I AS SELECT %2$s FROM public.%1$I', t.relname, t.columns);"
RESTORE = "EXECUTE format('INSERT INTO public.%1$I (%2$s) SELECT %2$s FROM {baseline}.%1$I', t.relname, t.columns);"


class Cleaner:
    """Empties one database, keeps a baseline of it and puts that back."""

    def __init__(self, admin_url: str) -> None:
        self.connection = psycopg.connect(admin_url, autocommit=True)
        self.has_baseline = False

    def empty(self) -> None:
        statement = sql.SQL(EMPTY).format(kept=sql.Literal(list(KEPT)), large=sql.Literal(LARGE))
        try:
            self.connection.execute(statement)
        except psycopg.errors.LockNotAvailable:
            # The test left a transaction open. It is over.
            self.connection.execute(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            self.connection.execute(statement)

    def save_baseline(self) -> None:
        """Remembers all rows as they are."""
        self.connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(BASELINE)))
        self._copy("public", SAVE)
        # Empty tables need no copying.
        self.connection.execute(
            """DO $$ DECLARE t regclass; found boolean; BEGIN
            FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'test_baseline'::regnamespace AND relkind = 'r' LOOP
                EXECUTE format('SELECT EXISTS (SELECT FROM %s)', t) INTO found;
                IF NOT found THEN EXECUTE format('DROP TABLE %s', t); END IF;
            END LOOP; END $$"""
        )
        self.has_baseline = True

    def restore_baseline(self) -> None:
        """Puts the remembered rows into the empty tables."""
        self._copy(BASELINE, RESTORE)

    def _copy(self, source: str, statement: str) -> None:
        self.connection.execute(
            sql.SQL(COPY).format(
                source=sql.Literal(source),
                kept=sql.Literal(list(KEPT)),
                statement=sql.SQL(statement.replace("{baseline}", BASELINE)),
            )
        )

    def close(self) -> None:
        self.connection.close()
