"""Starts a worker and speaks to it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.database import Database
from tests.bench.worker import Answer, Request, Samples
from tests.support.postgres import PROJECT

APPLICATION = "omnirapeutic.settings.dev"
FLOOR = "tests.bench.floor.settings"


class Worker:
    """The other end of `tests.bench.worker`. Each method is that of its `Server`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.method: str = self._hear()

    def get(self, request: Request) -> Answer:
        answer: Answer = self._ask("get", request)
        return answer

    def measure(self, request: Request, times: int) -> Samples:
        samples: Samples = self._ask("measure", request, times)
        return samples

    def statements(self, request: Request) -> list[tuple[str, Any]]:
        statements: list[tuple[str, Any]] = self._ask("statements", request)
        return statements

    def profile(self, request: Request, times: int) -> str:
        return str(self._ask("profile", request, times))

    def reverse(self, name: str, **arguments: Any) -> str | None:
        path: str | None = self._ask("reverse", name, arguments)
        return path

    def sign_in(self, user_id: str, organization_id: str) -> str:
        return str(self._ask("sign_in", user_id, organization_id))

    def _ask(self, name: str, *arguments: Any) -> Any:
        assert self._process.stdin
        pickle.dump((name, arguments), self._process.stdin)
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout
        try:
            answer = pickle.load(self._process.stdout)  # noqa: S301 - from a process of ours
        except EOFError:
            raise RuntimeError("The worker ended by itself; what it said is above.") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def worker(database: Database, settings: str) -> Iterator[Worker]:
    """A worker on the scaled database. For the application with the pool it is served with, kept at one connection."""
    environment = database.environment(settings, DATABASE_POOL_MIN="1", DATABASE_POOL_MAX="1")
    command = [sys.executable, "-m", "tests.bench.worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, cwd=PROJECT, stdin=pipe, stdout=pipe) as process:
        try:
            yield Worker(process)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait()
