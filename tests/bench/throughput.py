"""Requests per second of the real server: gunicorn with the project's own settings and two workers.

The signed-in client list is asked for. The load comes from `load.py`, a process of its own on the same machine. Eight
and thirty-two connections take turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.bench.database import SECRET_KEY, Database
from tests.bench.measure import median
from tests.bench.report import Line, Report
from tests.bench.worker import Request
from tests.support.live import gunicorn
from tests.support.postgres import PROJECT

SECTION = "throughput"
FEW, MANY = 8, 32
TARGET = 0.95


@dataclass(slots=True)
class Throughput:
    """The measurement of this section."""

    database: Database
    report: Report
    request: Request
    quick: bool = False

    def run(self) -> None:
        self.report.title(f"Throughput: {MANY} connections / {FEW} connections")
        seconds, rounds = (1.0, 1) if self.quick else (4.0, 6)
        with TemporaryDirectory(prefix="bench-") as folder, self._server(Path(folder)) as url:
            speeds: dict[int, list[float]] = {FEW: [], MANY: []}
            failures = 0
            self._load(url, FEW, 1.0)  # warm
            for turn in range(rounds):
                for connections in (FEW, MANY) if turn % 2 else (MANY, FEW):
                    speed, failed = self._load(url, connections, seconds)
                    speeds[connections].append(speed)
                    failures += failed
        note = (
            f"{median(speeds[MANY]):.0f} / {median(speeds[FEW]):.0f} a second; 2 workers of 8 threads; load by asyncio"
        )
        value = median(speeds[MANY]) / median(speeds[FEW]) if median(speeds[FEW]) else float("nan")
        self.report.add(Line(SECTION, "Client list, largest clinic", value, TARGET, at_least=True, note=note))
        self.report.add(Line(SECTION, "Failed requests", failures, 0, unit=""))

    def _server(self, folder: Path) -> AbstractContextManager[str]:
        return gunicorn(self.database.app_url, folder, WEB_CONCURRENCY="2", SECRET_KEY=SECRET_KEY)

    def _load(self, url: str, connections: int, seconds: float) -> tuple[float, int]:
        """Answers per second, and how many were not the page."""
        address = urlsplit(url)
        wanted = {
            "host": address.hostname,
            "port": address.port,
            "request": self._text(),
            "connections": connections,
            "seconds": seconds,
        }
        outcome = subprocess.run(
            [sys.executable, "-m", "tests.bench.load"],
            input=json.dumps(wanted) + "\n",
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        count = json.loads(outcome.stdout)
        return count["answers"] / count["seconds"], count["failures"]

    def _text(self) -> str:
        lines = (
            f"GET {self.request.path} HTTP/1.1",
            "Host: localhost",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench",
            "Accept: text/html",
            f"Cookie: sessionid={self.request.cookie}",
        )
        return "\r\n".join(lines) + "\r\n\r\n"
