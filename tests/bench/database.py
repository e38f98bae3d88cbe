"""The scaled database: built once a day for a schema and a size, reused by every run after that.

It is the demo of `manage.py seed_demo` in bulk, with claims and a year of audit trail beside it, clinics that have
nothing but many clients, and the floor's own tables in a schema of their own. A demo is of its day, therefore one per
day.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from omnirapeutic.db import devdb
from tests.bench.report import Report
from tests.support import postgres
from tests.support.postgres import PROJECT

PREFIX = "bench_"
BUILDING = f"{PREFIX}building"
# Sees every row unless the query says otherwise: what row-level security is compared with. Its other settings are the
# application role's, timeouts included.
BYPASS = "bench_bypass"
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "max_connections": "200"}
ROOM = 1_500_000_000  # bytes that must be free in memory for a server that only writes
SECRET_KEY = "only-for-the-benchmark-of-this-machine-0123456789-0123456789"


class BenchError(RuntimeError):
    """The benchmark cannot be run; the message says why in one line."""

    code = "bench"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is in the database. `client_counts` are those of the clinics that have only clients, smallest first."""

    organizations: int = 200
    scale: float = 30.0
    client_counts: tuple[int, ...] = (1, 20_000, 200_000)


@dataclass(frozen=True, slots=True)
class Database:
    """Where the scaled database is, and who may sign in: the entries of `seed_demo --json`."""

    app_url: str
    owner_url: str
    superuser_url: str
    bypass_url: str
    size: Size
    folder: Path
    sign_ins: list[dict[str, Any]]

    def environment(self, settings: str, **more: str) -> dict[str, str]:
        """For a process that works on it. The owner's address is not in it."""
        mine = {
            "DJANGO_SETTINGS_MODULE": settings,
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": self.app_url,
            "STATIC_ROOT": str(self.folder / "static"),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "PG"))}
        return {**kept, **mine, **more}


@contextmanager
def scaled_database(size: Size, report: Report, *, stale: bool = False) -> Iterator[Database]:
    """Starts the server, builds the database unless it is there, and takes back what a run writes when it ends.

    With `stale` one of this size that is there is good enough, though the day or the schema is another.
    """
    folder = devdb.data_folder() / "bench"
    with devdb.Cluster(folder, settings=SETTINGS) as cluster:
        name = f"{PREFIX}{size.organizations}_{size.scale:g}_{_key(cluster, size)}".replace(".", "_")
        with _alone(cluster) as admin:
            password = _make_bypass_role(admin, cluster)
            if stale:
                name = next(iter(_names(admin, name.rpartition("_")[0] + "_")), name)
            if not _exists(admin, name) or not (folder / f"{name}.json").exists():
                _build(admin, cluster, name, size, report)
            yield from _open(cluster, name, size, password, report)


@contextmanager
def _alone(cluster: devdb.Cluster) -> Iterator[psycopg.Connection]:
    """The administrator's connection. Two benchmarks at once would measure each other."""
    with psycopg.connect(cluster.superuser_url("postgres"), autocommit=True) as admin:
        taken = admin.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [PREFIX]).fetchone()
        if not taken or not taken[0]:
            raise BenchError("Another benchmark is running on this data folder. Wait for it to end.")
        yield admin


def _open(cluster: devdb.Cluster, name: str, size: Size, password: str, report: Report) -> Iterator[Database]:
    report.facts |= _facts(cluster, name)
    superuser_url = cluster.superuser_url(name)
    database = Database(
        app_url=cluster.url(devdb.APP, name),
        owner_url=cluster.url(devdb.OWNER, name),
        superuser_url=superuser_url,
        bypass_url=postgres.signed_in_as(superuser_url, BYPASS, password),
        size=size,
        folder=cluster.path,
        sign_ins=json.loads((cluster.path / f"{name}.json").read_text()),
    )
    began = datetime.now(UTC)
    try:
        yield database
    finally:
        _take_back(database, began)


@contextmanager
def empty_database(report: Report) -> Iterator[Database]:
    """A migrated database on a server of its own, for what only writes; both are gone afterwards.

    Where there is a file system in memory it lies there: with fsync on, as everywhere, but no disk that somebody else
    keeps busy. Then a commit takes as long as `commit_delay` says.
    """
    memory = Path("/dev/shm")
    in_memory = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    name = f"omnirapeutic-bench-{hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:12]}"
    folder = memory / name if in_memory else devdb.data_folder() / "bench-reservations"
    report.say(f"Its own server, fsync on, {'in memory' if in_memory else 'on disk'}.")
    cluster = devdb.Cluster(folder, settings=SETTINGS | {"max_wal_size": "512MB"})
    try:
        cluster.start()
        with psycopg.connect(cluster.superuser_url("postgres"), autocommit=True) as admin:
            password = _make_bypass_role(admin, cluster)
        postgres.migrate(cluster.url(devdb.OWNER))
        superuser_url = cluster.superuser_url()
        _grant_bypass(superuser_url)
        yield Database(
            app_url=cluster.url(devdb.APP),
            owner_url=cluster.url(devdb.OWNER),
            superuser_url=superuser_url,
            bypass_url=postgres.signed_in_as(superuser_url, BYPASS, password),
            size=Size(0, 0, ()),
            folder=folder,
            sign_ins=[],
        )
    finally:
        cluster.remove()


# --- building ---------------------------------------------------------------------------------------------------------


def _key(cluster: devdb.Cluster, size: Size) -> str:
    digest = hashlib.sha256(postgres.fingerprint(cluster.url(devdb.OWNER)).encode())
    digest.update(f"{datetime.now().astimezone():%Y-%m-%d} {size.client_counts}".encode())
    files = [
        *PROJECT.glob("billing/demo/*.py"),
        *Path(__file__).parent.glob("floor/*.py"),
        Path(__file__).parent / "extras.sql",
    ]
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _build(admin: psycopg.Connection, cluster: devdb.Cluster, name: str, size: Size, report: Report) -> None:
    """Under another name first: a database under its own name is complete."""
    began = time.monotonic()
    report.say(f"Building the database of the day: {size.organizations} clinics, scale {size.scale:g}.")
    for old in _names(admin, name.rpartition("_")[0] + "_"):
        _drop(admin, old)
        (cluster.path / f"{old}.json").unlink(missing_ok=True)
    _create(admin, BUILDING)
    owner_url = cluster.url(devdb.OWNER, BUILDING)
    postgres.migrate(owner_url)
    environment = {"DATABASE_URL": cluster.url(devdb.APP, BUILDING), "DATABASE_OWNER_URL": owner_url}
    demo = [f"--organizations={size.organizations}", f"--scale={size.scale}", f"--json={cluster.path / name}.json"]
    _manage("omnirapeutic.settings.test", environment, "seed_demo", "--skip-checks", *demo)
    with psycopg.connect(cluster.superuser_url(BUILDING), autocommit=True) as database:
        cursor = psycopg.ClientCursor(database)  # several statements at once, with parameters
        cursor.execute((Path(__file__).parent / "extras.sql").read_text(), {"sizes": list(size.client_counts)})
        _make_floor(database, environment)
        _grant_bypass(cluster.superuser_url(BUILDING))
        database.execute("VACUUM (ANALYZE)")
    admin.execute("CHECKPOINT")
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(BUILDING), sql.Identifier(name)))
    report.say(f"Built in {time.monotonic() - began:.0f} s.")


def _make_floor(database: psycopg.Connection, environment: Mapping[str, str]) -> None:
    database.execute(sql.SQL("CREATE SCHEMA floor AUTHORIZATION {}").format(sql.Identifier(devdb.OWNER)))
    _manage(
        "tests.bench.floor.settings", {"DATABASE_URL": environment["DATABASE_OWNER_URL"]}, "migrate", "--skip-checks"
    )
    database.execute(sql.SQL("GRANT USAGE ON SCHEMA floor TO {}").format(sql.Identifier(devdb.APP)))
    database.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA floor TO {}").format(sql.Identifier(devdb.APP)))
    database.execute(sql.SQL("GRANT ALL ON ALL SEQUENCES IN SCHEMA floor TO {}").format(sql.Identifier(devdb.APP)))


def _manage(settings: str, environment: Mapping[str, str], *arguments: str) -> None:
    outcome = subprocess.run(
        [sys.executable, PROJECT / "manage.py", *arguments],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, "SECRET_KEY": SECRET_KEY, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    if outcome.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{outcome.stdout[-4000:]}\n{outcome.stderr[-4000:]}")


def _make_bypass_role(admin: psycopg.Connection, cluster: devdb.Cluster) -> str:
    file = cluster.path / "bypass-password"
    if not file.exists():
        devdb.write_private(file, hashlib.sha256(os.urandom(32)).hexdigest())
    password = file.read_text()
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BYPASS]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS").format(sql.Identifier(BYPASS)))
    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(BYPASS), sql.Literal(password)))
    return password


def _grant_bypass(superuser_url: str) -> None:
    """The rights the application has, without its wall; and its time limits, which cost a timer per statement."""
    with psycopg.connect(superuser_url, autocommit=True) as database:
        role = sql.Identifier(BYPASS)
        database.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        database.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
        database.execute(sql.SQL("GRANT UPDATE ON authorizations TO {}").format(role))
        limits = database.execute("SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = %s", [devdb.APP]).fetchall()
        for (limit,) in limits:
            setting, _, value = limit.partition("=")
            database.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.SQL(setting), sql.Literal(value)))


def _create(admin: psycopg.Connection, name: str) -> None:
    _drop(admin, name)
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
            sql.Identifier(name), sql.Identifier(devdb.OWNER)
        )
    )


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _exists(admin: psycopg.Connection, name: str) -> bool:
    return name in _names(admin, name)


def _names(admin: psycopg.Connection, prefix: str) -> list[str]:
    rows = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]).fetchall()
    return [name for (name,) in rows]


# --- after a run ------------------------------------------------------------------------------------------------------


def _take_back(database: Database, began: datetime) -> None:
    """A run reads, and what reading writes must not make the next run slower: audit rows, web sessions."""
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute('DELETE FROM audit_logs WHERE "timestamp" >= %s', [began])
        admin.execute("TRUNCATE web_sessions, floor.django_session, form_tokens")
        admin.execute("VACUUM (ANALYZE) audit_logs")


def _facts(cluster: devdb.Cluster, name: str) -> dict[str, Any]:
    count = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"
    with psycopg.connect(cluster.superuser_url(name)) as database:
        tables = ("organizations", "patients", "appointments", "sessions", "session_events", "audit_logs")
        rows = {table: database.execute(count, [table]).fetchone() for table in tables}
        settings = {
            setting: database.execute("SELECT current_setting(%s)", [setting]).fetchone()
            for setting in ("server_version", "fsync", "synchronous_commit", "shared_buffers", "commit_delay")
        }
        share = database.execute(
            "SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM authorizations GROUP BY organization_id) c"
        ).fetchone()
    return {
        "database": name,
        "rows": {table: row[0] if row else 0 for table, row in rows.items()},
        "largest_share_of_authorizations": round(float(share[0]), 3) if share and share[0] else None,
        "settings": {setting: row[0] if row else "" for setting, row in settings.items()},
    }
