"""Counting what a request asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collects the SQL of every statement of a block, BEGIN and COMMIT, savepoints and their releases included."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [query["sql"] for query in captured.captured_queries]
