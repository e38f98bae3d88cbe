"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from omnirapeutic.db.devdb import DevDbError
from tests.bench.catalogue import CLIENT_LIST, PAGES, Clinics, clinics
from tests.bench.database import BenchError, Database, Size, scaled_database
from tests.bench.driver import APPLICATION, FLOOR, Worker, worker
from tests.bench.pages import Pages
from tests.bench.queries import Queries
from tests.bench.report import Report
from tests.bench.reservations import Reservations
from tests.bench.throughput import Throughput
from tests.support.postgres import PROJECT

QUICK = Size(organizations=5, scale=2, client_counts=(1, 1_000, 4_000))


@dataclass(slots=True)
class Run:
    """One run: the database, and what the sections share, made when it is first needed."""

    options: argparse.Namespace
    database: Database
    report: Report
    stack: ExitStack
    _workers: dict[str, Worker] = field(default_factory=dict)
    _clinics: Clinics | None = None

    @property
    def clinics(self) -> Clinics:
        if self._clinics is None:
            self._clinics = clinics(self.database)
        return self._clinics

    def worker(self, settings: str) -> Worker:
        if settings not in self._workers:
            self._workers[settings] = self.stack.enter_context(worker(self.database, settings))
        return self._workers[settings]

    def collect_static(self) -> None:
        """Hashed static files, as in production: a page that names one looks it up."""
        command = [sys.executable, str(PROJECT / "manage.py"), "collectstatic", "--no-input", "--verbosity=0"]
        subprocess.run(command, env=self.database.environment(APPLICATION), cwd=PROJECT, check=True)


def queries(run: Run) -> None:
    Queries(run.database, run.worker(APPLICATION), run.clinics, run.report, times=15 if run.options.quick else 60).run()


def reservations(run: Run) -> None:
    Reservations(run.report, quick=run.options.quick).run()


def pages(run: Run) -> None:
    rounds, times = (2, 5) if run.options.quick else (6, 8)
    Pages(run.worker(APPLICATION), run.worker(FLOOR), run.clinics, run.report, rounds, times).run()


def throughput(run: Run) -> None:
    clinic = run.clinics.largest
    request = clinic.request(run.worker(APPLICATION), CLIENT_LIST)
    assert request, "There is no client list."
    Throughput(run.database, run.report, request, quick=run.options.quick).run()


SECTIONS: dict[str, Callable[[Run], None]] = {
    "queries": queries,
    "reservations": reservations,
    "pages": pages,
    "throughput": throughput,
}


def profile(run: Run, name: str) -> None:
    """Where the time of one page goes, instead of measuring."""
    clinic, served = run.clinics.largest, run.worker(APPLICATION)
    for page in PAGES:
        request = clinic.request(served, page) if page.name == name else None
        if request:
            served.get(request)
            for text, _ in served.statements(request):
                run.report.say(f"    {text[:200]}")
            run.report.say(served.profile(request, 50))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    size = Size()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast it is, as ratios in one run.")
    parser.add_argument("--only", metavar="SECTION,…", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it runs, not how fast it is")
    parser.add_argument("--organizations", type=int, default=size.organizations, help="clinics (default 200)")
    parser.add_argument(
        "--scale", type=float, default=size.scale, help="of seed_demo (default 30: over a million events)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--strict", action="store_true", help="fail when a target is missed")
    parser.add_argument("--stale", action="store_true", help="take a database of this size that is there, however old")
    parser.add_argument("--profile", metavar="URL_NAME", help="instead of measuring: where one page's time goes")
    options = parser.parse_args(arguments)
    options.sections = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 unless it could not be measured, or with --strict a target was missed."""
    options = parse(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnirapeutic.settings.test")  # of this process; it asks nothing
    report = Report()
    size = QUICK if options.quick else Size(options.organizations, options.scale)
    try:
        with scaled_database(size, report, stale=options.stale) as database, ExitStack() as stack:
            run = Run(options, database, report, stack)
            _introduce(report)
            run.collect_static()
            if options.profile:
                profile(run, options.profile)
                return 0
            for section in options.sections:
                SECTIONS[section](run)
    except (BenchError, DevDbError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    report.summarise()
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return 1 if options.strict and report.missed else 0


def _introduce(report: Report) -> None:
    facts = report.facts
    report.facts["measured_at"] = datetime.now().astimezone().isoformat(timespec="seconds")
    rows = ", ".join(f"{count:,} {table}" for table, count in facts["rows"].items())
    share = f"{facts['largest_share_of_authorizations']:.0%}"
    report.say(f"Database {facts['database']}: {rows}; the largest clinic has {share} of the authorizations.")
    settings = ", ".join(f"{name} {value}" for name, value in facts["settings"].items())
    report.say(f"PostgreSQL: {settings}.")


if __name__ == "__main__":
    sys.exit(main())
