"""The application behind gunicorn, in a process of its own, for browsers and for tests of the whole server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.support.postgres import PROJECT

START_SECONDS = 30
STOP_SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def gunicorn(app_url: str, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a server on the given database, with hashed static files as in production. Logs into `folder`."""
    port = free_port()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "omnirapeutic.settings.dev",
        "SECRET_KEY": settings.SECRET_KEY,  # web sessions are made by the tests too
        "DATABASE_URL": app_url,
        "STATIC_ROOT": str(folder / "static"),
        "BIND": f"127.0.0.1:{port}",
        "WEB_CONCURRENCY": "1",
        **environment,
    }
    variables.pop("DATABASE_OWNER_URL", None)  # the web server never has it
    collect = [sys.executable, PROJECT / "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(collect, env=variables, check=True, cwd=PROJECT)
    command = [sys.executable, "-m", "gunicorn", "-c", "python:omnirapeutic.gunicorn", "omnirapeutic.wsgi:application"]
    log = folder / "gunicorn.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=variables, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"gunicorn did not start:\n{log.read_text()[-4000:]}")
