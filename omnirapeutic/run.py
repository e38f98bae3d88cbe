"""`make run`: the whole application on one machine, until Ctrl-C.

Starts the embedded database (or uses the one that DATABASE_URL and DATABASE_OWNER_URL name), brings its schema up to
date, fills an empty one with demo data, serves the site on 127.0.0.1 at PORT (8000) and runs the background worker.

What is guaranteed:

- When the port is taken, that is said before anything is started.
- Ctrl-C and SIGTERM end everything that was started, and nothing else. If the web server or the worker ends by itself,
  that is said, the rest is ended too, and the exit code is not 0.
- After a SIGKILL of this process everything ends as well: a guard, a process of its own, sees the pipe from us close.
- A second start in the same folder never harms the first one.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Final

from omnirapeutic.db import devdb

LEAVE_SECONDS: Final = 35  # gunicorn's graceful_timeout and some more
GUARD_SECONDS: Final = 5
READY_SECONDS: Final = 60

WEB: Final = ("gunicorn", "-c", "python:omnirapeutic.gunicorn", "omnirapeutic.wsgi:application")


class RunError(RuntimeError):
    """The application cannot run; the message says why in one line."""

    code = "run"


class Stopped(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Requests:
    """Counts the requests to stop. They are looked at only between steps, so that no process is started unnoticed."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


# --- before anything is started ---------------------------------------------------------------------------------------


def chosen_port(environ: Mapping[str, str] = os.environ) -> int:
    text = environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise RunError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


@contextlib.contextmanager
def reserved(port: int, data: Path) -> Iterator[int]:
    """Hold `port` for this folder, as an open file that the guard inherits. Raises RunError when it is taken.

    The lock outlives us for as long as the guard still ends what we started, so that the next start waits for it.
    """
    with (data / f"run-{port}.lock").open("a+") as lock:
        _take(lock, port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise RunError(f"Port {port} needs more rights than we have. Try: PORT=8000 make run") from None
            except OSError:
                raise RunError(f"Port {port} is taken. Try another one: PORT={port + 1} make run") from None
        yield lock.fileno()


def _take(lock: IO[str], port: int) -> None:
    deadline = time.monotonic() + 3 * GUARD_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            lock.seek(0)
            holder = int(lock.read() or 0)
            if (holder and not devdb.has_ended(holder)) or time.monotonic() > deadline:
                raise RunError(f"Port {port} is taken: this folder is already served there.") from None
            time.sleep(0.1)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def secret_key(data: Path) -> str:
    """Random, made once for this folder."""
    file = data / "secret_key"
    if not file.exists():
        devdb.write_private(file, secrets.token_urlsafe(64))
    return file.read_text()


# --- child processes --------------------------------------------------------------------------------------------------


class Children:
    """The processes we start: each leads a session of its own, so that Ctrl-C reaches only us; the guard knows them."""

    def __init__(self, environ: Mapping[str, str], requests: Requests, lock: int) -> None:
        self.environ = environ
        self.requests = requests
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        # Reading the pipe to its end, the guard outlives us by just what it has to clean up.
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "omnirapeutic.run", "--guard"],
            stdin=subprocess.PIPE,
            env=environ,
            cwd=devdb.PROJECT,
            start_new_session=True,
            pass_fds=[lock],
        )

    def start(self, name: str, *module_and_arguments: str | Path, environ: Mapping[str, str]) -> None:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *(str(argument) for argument in module_and_arguments)],
            env={**self.environ, **environ},
            cwd=devdb.PROJECT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            umask=0o077,
        )
        self._running[name] = process
        self._tell_guard(f"+{process.pid}")

    def run(self, *arguments: str | Path, environ: Mapping[str, str]) -> None:
        """Run a management command to its end. Raises RunError when it fails, Stopped when asked to."""
        name = str(arguments[0])
        self.start(name, "manage.py", *arguments, environ=environ)
        while (code := self._running[name].poll()) is None:
            self._heed_requests()
            time.sleep(0.05)
        self._forget(name)
        if code:
            raise RunError(f"manage.py {name} failed with exit code {code}; its own message stands above.")

    def check(self) -> None:
        """Raises Stopped when asked to stop, and RunError naming a process that ended by itself."""
        self._heed_requests()
        for name, process in self._running.items():
            if (code := process.poll()) is not None:
                raise RunError(f"The {name} ended with exit code {code}, so everything is being stopped.")

    def stop(self) -> None:
        """End them all: politely, then after LEAVE_SECONDS or a further Ctrl-C at once."""
        requests = self.requests.count
        deadline = time.monotonic() + LEAVE_SECONDS
        for process in self._running.values():
            process.terminate()
        while any(process.poll() is None for process in self._running.values()):
            if time.monotonic() > deadline or self.requests.count > requests:
                break
            time.sleep(0.05)
        for name, process in list(self._running.items()):
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
            self._forget(name)

    def _heed_requests(self) -> None:
        if self.requests.count:
            raise Stopped

    def dismiss_guard(self) -> None:
        """Nothing is left to guard."""
        if self._guard.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait()

    def _forget(self, name: str) -> None:
        self._tell_guard(f"-{self._running.pop(name).pid}")

    def _tell_guard(self, line: str) -> None:
        if self._guard.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.write(f"{line}\n".encode())
                self._guard.stdin.flush()


def _signal_group(leader: int, number: int) -> bool:
    """False when the group has no process any more."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # the latter is how macOS says that only zombies are left
        return False
    return True


def guard(told: IO[str], environ: Mapping[str, str] = os.environ) -> int:
    """Wait for the runner's end; end what it left: its process groups, and its database if nobody else uses it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in told:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    deadline = time.monotonic() + GUARD_SECONDS
    for group in groups:
        _signal_group(group, signal.SIGTERM)
    while groups and time.monotonic() < deadline:
        time.sleep(0.1)
        groups = {group for group in groups if _signal_group(group, 0)}
    for group in groups:
        _signal_group(group, signal.SIGKILL)
    if not environ.get("DATABASE_URL"):
        with contextlib.suppress(devdb.DevDbError):
            devdb.Cluster(devdb.data_folder(environ) / "postgres").stop()
    return 0


# --- the run ----------------------------------------------------------------------------------------------------------


def serve(port: int, data: Path, requests: Requests, lock: int) -> None:
    """Start everything and wait. Ends by an exception only: Stopped when asked to, RunError when something broke."""
    children = Children(_environment(port, data), requests, lock)
    try:
        database = devdb.ensure()
        try:
            _prepare_and_wait(children, database, port, data)
        finally:
            children.stop()
            database.stop()
    finally:
        children.dismiss_guard()


def _environment(port: int, data: Path) -> dict[str, str]:
    """What every child gets. Only the commands that need the owner's credentials get them, later."""
    defaults = {
        "DJANGO_SETTINGS_MODULE": "omnirapeutic.settings.dev",
        "SECRET_KEY": secret_key(data),
        "GUNICORN_LOG_LEVEL": "warning",
    }
    ours = {"OMNIRAPEUTIC_DATA": str(data), "STATIC_ROOT": str(data / "static"), "PORT": str(port)}
    secret = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")
    return {name: value for name, value in {**defaults, **os.environ, **ours}.items() if name not in secret}


def _prepare_and_wait(children: Children, database: devdb.Endpoints, port: int, data: Path) -> None:
    app = {"DATABASE_URL": database.app_url}
    owner = {**app, "DATABASE_OWNER_URL": database.owner_url}
    demo = data / "demo.json"
    children.run("migrate", "--verbosity=0", environ=owner)
    children.run("seed_demo", "--if-empty", "--json", demo, environ=owner)
    children.run("collectstatic", "--noinput", "--verbosity=0", environ=app)
    children.start("web server", "-m", *WEB, environ=app)
    children.start("background worker", "manage.py", "worker", environ=app)
    _wait_until_ready(children, port)
    print(f"\nOmnirapeutic is ready: http://localhost:{port}\n{sign_ins(demo)}\nCtrl-C stops it.", flush=True)
    while True:
        children.check()
        time.sleep(0.2)


def _wait_until_ready(children: Children, port: int) -> None:
    """Return when the web server answers a request, whatever it answers."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        children.check()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/livez")
            connection.getresponse()
            return
        time.sleep(0.1)
    raise RunError(f"The web server did not answer within {READY_SECONDS} seconds.")


def sign_ins(file: Path) -> str:
    """One demo sign-in for each role, as a table; nothing when this database was not filled by us."""
    if not file.exists():
        return ""
    first: dict[str, dict[str, str]] = {}
    for entry in json.loads(file.read_text()):
        first.setdefault(entry["role"], entry)
    columns = ("role", "email", "password", "organization")
    rows = [{column: column for column in columns}, *first.values()]
    widths = {column: max(len(str(row[column])) for row in rows) for column in columns}
    return "\n".join("  " + "  ".join(f"{row[c]!s:<{widths[c]}}" for c in columns).rstrip() for row in rows) + "\n"


def main() -> int:
    """Returns the exit code: 0 after Ctrl-C or SIGTERM."""
    requests = Requests()
    data = devdb.data_folder()
    devdb.private_folder(data)
    try:
        port = chosen_port()
        with reserved(port, data) as lock:
            serve(port, data, requests, lock)
    except Stopped:
        print("\nStopped.", flush=True)
    except (RunError, devdb.DevDbError) as error:
        print(f"run: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(guard(sys.stdin) if sys.argv[1:] == ["--guard"] else main())
