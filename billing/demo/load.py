"""Brings batches of rows into the database, as the tables' owner.

COPY into a table with row-level security is refused, so rows are copied into a temporary table and inserted from it;
the organisation's wall then checks each of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from django.db import connections, transaction
from psycopg import sql

from billing.demo.rows import TABLES, Batch, Row
from omnirapeutic.tenancy.context import owner_tenant

LINES_AT_ONCE = 2_000


def load(batches: Iterable[Batch]) -> dict[str, int]:
    """Loads everything or nothing; returns how many rows each table got."""
    counts = dict.fromkeys(TABLES, 0)
    with transaction.atomic(using="owner"):
        _make_temporary_tables()
        for batch in _ahead(batches):
            with owner_tenant(batch.organization_id):
                for table in TABLES:
                    counts[table] += _load_table(table, batch)
        _analyze()
    return counts


def _ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches, each built while the database is busy with the one before."""
    source = iter(batches)
    with ThreadPoolExecutor(max_workers=1) as builder:
        coming = builder.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = builder.submit(next, source, None)
            yield batch


def _load_table(table: str, batch: Batch) -> int:
    if table == "session_events":
        return _copy_and_insert(table, lines=batch.events)
    return _copy_and_insert(table, rows=batch.tables.get(table, ()))


def _copy_and_insert(table: str, rows: Sequence[Row] = (), lines: Sequence[str] = ()) -> int:
    if not rows and not lines:
        return 0
    names = {"table": sql.Identifier(table), "temporary": _temporary(table), "columns": _columns(table)}
    with connections["owner"].cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {temporary} FROM STDIN").format(**names)) as copy:
            for row in rows:
                copy.write_row(row)
            unsent = iter(lines)
            while chunk := "".join(islice(unsent, LINES_AT_ONCE)):
                copy.write(chunk)
        cursor.execute(sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {temporary}").format(**names))
        loaded: int = cursor.rowcount
        cursor.execute(sql.SQL("TRUNCATE {temporary}").format(**names))
    return loaded


def _make_temporary_tables() -> None:
    make = "CREATE TEMPORARY TABLE {temporary} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
    with connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                sql.SQL(make).format(table=sql.Identifier(table), temporary=_temporary(table), columns=_columns(table))
            )


def _analyze() -> None:
    """So that the first pages are not planned for empty tables."""
    with connections["owner"].cursor() as cursor:
        for table in (*TABLES, "provider_occupancies"):
            cursor.execute(sql.SQL("ANALYZE {table}").format(table=sql.Identifier(table)))


def _temporary(table: str) -> sql.Identifier:
    return sql.Identifier(f"demo_{table}")


def _columns(table: str) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, TABLES[table]))
