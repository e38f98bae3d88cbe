"""What row-level security costs: each query under its policies against the same query with an explicit WHERE.

The queries are those that the pages really send, taken from them in the same run, and a few that other work sends. One
connection takes turns between the application's role and one without policies (BYPASSRLS), whose queries have a
condition on each tenant table; both in the context of the organisation, so that nothing but the policies differs. That
both return the same rows is checked. What counts is the CPU time of the database from the statement's text to its rows,
planning included, because the application prepares nothing; the wall is printed beside it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from omnirapeutic.db import devdb
from tests.bench.catalogue import PAGES, Clinic, Clinics
from tests.bench.database import BYPASS, Database
from tests.bench.driver import Worker
from tests.bench.explicit import CannotRewrite, with_explicit_where
from tests.bench.measure import Clock, geometric_mean, median, ratio, server_clock
from tests.bench.report import Line, Report

SECTION = "queries"
GEOMETRIC_MEAN, WORST = 1.1, 1.3
SHOWN = 8

# Of services and of the audit: what no page of the list asks in this form.
OTHER_QUERIES = {
    "Events of a session": (
        'SELECT * FROM "session_events" WHERE "session_events"."session_id" = %s'
        ' ORDER BY "session_events"."event_timestamp"',
        "session",
    ),
    "Ledger of an authorization": (
        'SELECT * FROM "authorization_unit_ledger" WHERE "authorization_unit_ledger"."authorization_id" = %s'
        ' ORDER BY "authorization_unit_ledger"."service_date"',
        "authorization",
    ),
    "Audit of a client": (
        'SELECT * FROM "audit_logs" WHERE "audit_logs"."resource_type" = \'patient\''
        ' AND "audit_logs"."resource_id" = %s'
        ' ORDER BY "audit_logs"."timestamp" DESC LIMIT 50',
        "patient",
    ),
    "Audit of a person": (
        'SELECT * FROM "audit_logs" WHERE "audit_logs"."user_id" = %s ORDER BY "audit_logs"."timestamp" DESC LIMIT 50',
        "user",
    ),
    "Appointments of a client": (
        'SELECT * FROM "appointments" WHERE "appointments"."patient_id" = %s'
        ' ORDER BY "appointments"."start_time" DESC LIMIT 50',
        "patient",
    ),
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a page, both ways. `guarded` is what the page sent."""

    title: str
    guarded: str
    explicit: str
    parameters: Any


@dataclass(slots=True)
class Timing:
    """Microseconds per execution, both ways: CPU time of the database, and the clock on the wall."""

    query: Query
    guarded: list[float] = field(default_factory=list)
    explicit: list[float] = field(default_factory=list)
    guarded_wall: list[float] = field(default_factory=list)
    explicit_wall: list[float] = field(default_factory=list)


class Backend:
    """A connection that runs a query under one role or the other, with the clock of its process."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.clock: Clock
        self.clock, self.method = server_clock(connection.info.backend_pid)

    def become(self, role: str) -> None:
        self.connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))

    def run(self, query: str, parameters: Any) -> tuple[float, float]:
        """Microseconds of one execution: of the backend, and on the wall."""
        with self.connection.cursor() as cursor:
            worked, wall = self.clock(), time.perf_counter()
            cursor.execute(query, parameters)
            wall = time.perf_counter() - wall
            return (self.clock() - worked) * 1e6, wall * 1e6

    def rows(self, query: str, parameters: Any) -> Counter[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return Counter(map(repr, cursor.fetchall()))


@dataclass(slots=True)
class Queries:
    """The measurement of this section."""

    database: Database
    worker: Worker
    clinics: Clinics
    report: Report
    times: int

    def run(self) -> None:
        self.report.title("Queries: row-level security against an explicit WHERE")
        with psycopg.connect(self.database.superuser_url) as connection:
            columns = _tenant_columns(connection)
        for clinic in (self.clinics.largest, self.clinics.median):
            self._clinic(clinic, columns)

    def _clinic(self, clinic: Clinic, columns: dict[str, str]) -> None:
        with self._backend(clinic) as backend:
            timings = [
                self._take_turns(query, backend)
                for query in self._queries(clinic, columns)
                if self._is_same(query, backend)
            ]
            method = backend.method
        timings.sort(key=lambda timing: ratio(timing.guarded, timing.explicit), reverse=True)
        self.report.say(f"{clinic.title} clinic: {len(timings)} queries by {method}; the dearest:")
        for timing in timings[:SHOWN]:
            self.report.add(
                Line(SECTION, f"  {timing.query.title}", ratio(timing.guarded, timing.explicit), note=_describe(timing))
            )
        ratios = [ratio(timing.guarded, timing.explicit) for timing in timings]
        walls = [ratio(timing.guarded_wall, timing.explicit_wall) for timing in timings]
        note = f"on the wall {geometric_mean(walls):.2f}×, worst {max(walls, default=0):.2f}×"
        self.report.add(
            Line(SECTION, f"Geometric mean ({clinic.title})", geometric_mean(ratios), GEOMETRIC_MEAN, note=note)
        )
        self.report.add(Line(SECTION, f"Worst ({clinic.title})", max(ratios, default=float("nan")), WORST))

    @contextmanager
    def _backend(self, clinic: Clinic) -> Iterator[Backend]:
        """In one transaction with the clinic's context and without preparing, as in the application."""
        with psycopg.connect(self.database.superuser_url, prepare_threshold=None) as connection:
            connection.execute(
                "SELECT set_config('app.current_user_id', '', true), set_config('app.current_org_id', %s, true),"
                " set_config('TimeZone', 'UTC', true)",
                [clinic.organization_id],
            )
            yield Backend(connection)
            connection.rollback()

    def _queries(self, clinic: Clinic, columns: dict[str, str]) -> list[Query]:
        """Every different query of the pages, by its text."""
        found: dict[str, Query] = {}
        for title, text, parameters in [*self._sent_by_pages(clinic), *self._others(clinic)]:
            try:
                explicit = with_explicit_where(text, clinic.organization_id, columns)
            except CannotRewrite as reason:
                self.report.say(f"  left out, {title}: {reason}")
                continue
            if explicit != text:
                found.setdefault(text, Query(title, text, explicit, parameters))
        return list(found.values())

    def _sent_by_pages(self, clinic: Clinic) -> Iterator[tuple[str, str, Any]]:
        for page in PAGES:
            request = clinic.request(self.worker, page)
            if request is None or self.worker.get(request).status != 200:
                continue
            for text, parameters in self.worker.statements(request):
                if text.lstrip("( ").upper().startswith("SELECT"):
                    yield f"{page.title}: {_tables(text)}", text, parameters

    def _others(self, clinic: Clinic) -> Iterator[tuple[str, str, Any]]:
        for title, (text, kind) in OTHER_QUERIES.items():
            yield title, text, [clinic.objects[kind]]

    def _is_same(self, query: Query, backend: Backend) -> bool:
        backend.become(devdb.APP)
        guarded = backend.rows(query.guarded, query.parameters)
        backend.become(BYPASS)
        same = guarded == backend.rows(query.explicit, query.parameters)
        if not same:
            self.report.add(Line(SECTION, f"Not the same rows: {query.title}", None, WORST, note=query.explicit))
        return same

    def _take_turns(self, query: Query, backend: Backend) -> Timing:
        timing = Timing(query)
        sides = [
            (devdb.APP, query.guarded, timing.guarded, timing.guarded_wall),
            (BYPASS, query.explicit, timing.explicit, timing.explicit_wall),
        ]
        for _ in range(self.times):
            sides.reverse()
            for role, text, worked, wall in sides:
                backend.become(role)
                samples = backend.run(text, query.parameters)
                worked.append(samples[0])
                wall.append(samples[1])
        return timing


def _tenant_columns(connection: psycopg.Connection) -> dict[str, str]:
    """Of each table with row-level security, the column that names the organisation."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {table: "id" if table == "organizations" else "organization_id" for (table,) in rows}


def _tables(text: str) -> str:
    words = text.replace('"', "").split()
    tables = [words[place + 1] for place, word in enumerate(words[:-1]) if word in {"FROM", "JOIN"}]
    return " + ".join(dict.fromkeys(table for table in tables if table.isidentifier()))[:40]


def _describe(timing: Timing) -> str:
    return f"{median(timing.guarded):.0f} µs / {median(timing.explicit):.0f} µs"
