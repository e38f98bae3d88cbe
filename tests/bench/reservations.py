"""Reservations per second: the application's call against a bare conditional UPDATE, by PostgreSQL's own pgbench.

Both sides are one statement, prepared, committed by itself, over the same kind of connection; the organisation in
context stands in the connection's options. The call runs as the application's role, every time with a new key. The
UPDATE runs as a role without policies; it keeps the balance but no ledger, no idempotency and no dates. They take
turns.

The 2 ms of a commit are PostgreSQL's own `commit_delay` with `commit_siblings = 0`: whoever writes the log waits that
long while others join it, as with a disk or a standby that takes 2 ms. It only exists with fsync on, as it is here;
that it holds is measured with one client before anything else.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from omnirapeutic.db import devdb
from tests.bench.database import BenchError, Database, empty_database
from tests.bench.measure import median
from tests.bench.report import Line, Report

SECTION = "reservations"
TARGET = 0.9
TARGET_CLIENTS = range(8, 33)
DELAY = 2000  # microseconds
MOST_AUTHORIZATIONS = 10_000
ORGANIZATION = "00000000-0000-4000-8000-000000000001"
AUTHORIZATION = "('00000000-0000-4000-8000-' || lpad(:authorization::text, 12, '0'))::uuid"

CHOOSE = "\\set authorization random(1, :authorizations)\n"
RESERVE = (
    f"{CHOOSE}\\set key random(1, 9223372036854775806)\n"
    f"SELECT app.reserve_session_units({AUTHORIZATION}, 3, current_date, NULL, 'bench:' || :key::text);\n"
)
UPDATE = (
    f"{CHOOSE}UPDATE authorizations SET used_units = used_units + 3"
    f" WHERE id = {AUTHORIZATION} AND used_units + 3 <= total_units;\n"
)
FILL = f"""
INSERT INTO organizations (id, name) VALUES ('{ORGANIZATION}', 'Bench');
INSERT INTO patients (id, organization_id, first_name, last_name, date_of_birth, state)
VALUES ('{ORGANIZATION}', '{ORGANIZATION}', 'Bench', 'Client', '2018-01-01', 'NJ');
INSERT INTO authorizations (id, organization_id, patient_id, service_code, total_units, start_date, end_date, status)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '{ORGANIZATION}', '{ORGANIZATION}', '97153',
       2000000000, current_date - 30, current_date + 330, 'ACTIVE'
FROM generate_series(1, {MOST_AUTHORIZATIONS}) n;
"""


@dataclass(frozen=True, slots=True)
class Plan:
    authorizations: tuple[int, ...] = (1, 100, MOST_AUTHORIZATIONS)
    clients: tuple[int, ...] = (2, 8, 16, 32)
    seconds: int = 3
    rounds: int = 3


QUICK = Plan(authorizations=(100,), clients=(8,), seconds=2, rounds=1)


@dataclass(slots=True)
class Reservations:
    """The measurement of this section, on a database of its own: it writes a great deal."""

    report: Report
    quick: bool = False

    def run(self) -> None:
        self.report.title("Reservations per second: app.reserve_session_units / bare conditional UPDATE")
        with (
            empty_database(self.report) as database,
            TemporaryDirectory(prefix="bench-") as folder,
            psycopg.connect(database.superuser_url, autocommit=True) as admin,
        ):
            admin.execute(FILL)
            admin.execute("VACUUM (ANALYZE) authorizations")
            bench = PgBench(database, Path(folder), admin)
            self._say_how_long_a_commit_takes(bench)
            plan = QUICK if self.quick else Plan()
            for delay, authorizations, clients in product((DELAY, 0), plan.authorizations, plan.clients):
                with bench.commit_delay(delay):
                    self._cell(bench, plan, delay, authorizations, clients)

    def _say_how_long_a_commit_takes(self, bench: PgBench) -> None:
        per_second = {}
        for delay in (0, DELAY):
            with bench.commit_delay(delay):
                per_second[delay] = bench.update(1, 1, 1)
        self.report.facts["commits_per_second_of_one_client"] = per_second
        self.report.say(
            f"One client commits {per_second[0]:,.0f} times a second, with commit_delay = {DELAY} µs and "
            f"commit_siblings = 0 {per_second[DELAY]:,.0f} times."
        )
        if per_second[DELAY] > 1e6 / DELAY:
            raise BenchError("commit_delay does not delay here, so the comparison at 2 ms would mean nothing.")

    def _cell(self, bench: PgBench, plan: Plan, delay: int, authorizations: int, clients: int) -> None:
        reserved, updated = [], []
        for _ in range(plan.rounds):
            reserved.append(bench.reserve(authorizations, clients, plan.seconds))
            updated.append(bench.update(authorizations, clients, plan.seconds))
        self.report.add(
            Line(
                SECTION,
                f"{delay / 1000:g} ms commit delay, {authorizations:,} authorizations, {clients} clients",
                median(reserved) / median(updated),
                TARGET if delay and clients in TARGET_CLIENTS else None,
                at_least=True,
                note=f"{median(reserved):,.0f} / {median(updated):,.0f} a second",
            )
        )


@dataclass(slots=True)
class PgBench:
    database: Database
    folder: Path
    admin: psycopg.Connection

    @contextmanager
    def commit_delay(self, microseconds: int) -> Iterator[None]:
        """For every connection made in this block."""
        name = sql.Identifier(self.admin.info.dbname)
        self.admin.execute(sql.SQL("ALTER DATABASE {} SET commit_delay = {}").format(name, sql.Literal(microseconds)))
        self.admin.execute(sql.SQL("ALTER DATABASE {} SET commit_siblings = 0").format(name))
        try:
            yield
        finally:
            self.admin.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))

    def reserve(self, authorizations: int, clients: int, seconds: int) -> float:
        """Reservations per second; each of them left its row in the ledger, or this raises BenchError."""
        self.admin.execute("TRUNCATE authorization_unit_ledger")
        said = self._run(RESERVE, self.database.app_url, authorizations, clients, seconds)
        row = self.admin.execute("SELECT count(*) FROM authorization_unit_ledger").fetchone()
        calls = int(_figure(said, r"transactions actually processed: (\d+)"))
        if row != (calls,):
            raise BenchError(f"{calls} calls left {row and row[0]} rows in the ledger.")
        return _figure(said, r"tps = ([\d.]+)")

    def update(self, authorizations: int, clients: int, seconds: int) -> float:
        """Bare updates per second."""
        said = self._run(UPDATE, self.database.bypass_url, authorizations, clients, seconds)
        return _figure(said, r"tps = ([\d.]+)")  # without the time of connecting

    def _run(self, script: str, url: str, authorizations: int, clients: int, seconds: int) -> str:
        file = self.folder / "script.sql"
        file.write_text(script)
        options = ["--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"]
        options += [f"--time={seconds}", f"--define=authorizations={authorizations}", f"--file={file}"]
        outcome = subprocess.run(
            [_program(self.database), *options],
            env=self._environment(url),
            capture_output=True,
            text=True,
            check=False,
        )
        if outcome.returncode:
            raise BenchError(f"pgbench failed: {outcome.stderr.strip()[-500:]}")
        return outcome.stdout

    def _environment(self, url: str) -> dict[str, str]:
        address = urlsplit(url)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            "PGHOST": address.hostname or "",
            "PGPORT": str(address.port),
            "PGUSER": address.username or "",
            "PGPASSWORD": address.password or "",
            "PGDATABASE": address.path.lstrip("/"),
            "PGOPTIONS": f"-c app.current_org_id={ORGANIZATION}",
        }


def _figure(said: str, pattern: str) -> float:
    found = re.search(pattern, said)
    if not found:
        raise BenchError(f"pgbench said something new: {said.strip()[-500:]}")
    return float(found[1])


def _program(database: Database) -> Path:
    program = devdb.Cluster(database.folder).binaries() / "pgbench"
    if not program.exists():
        raise BenchError(f"There is no pgbench in {program.parent}: install PostgreSQL's contrib programs.")
    return program
