"""The PostgreSQL server of the test run and the databases on it.

One server serves every worker of a run. Its databases are clones of a template that was migrated once, by an owner who
is no superuser. Each database is guarded by an advisory lock of the process that uses it, so that what a killed run
left behind is recognised and removed by the next one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from omnirapeutic.db import devdb

PROJECT = Path(__file__).resolve().parents[2]
PREFIX = "omnitest_"
MIGRATING = f"{PREFIX}migrating"
SHARED_ROLES = ("omnirapeutic_app", "omnirapeutic_definer", "omnirapeutic_auditor")
# Of these libraries, too, the migrations are in the template.
LIBRARIES = ("django", "procrastinate", "psycopg")


def database_of(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def signed_in_as(url: str, role: str, password: str) -> str:
    """The same address for another role."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return urlunsplit(urlsplit(url)._replace(netloc=f"{role}:{password}@{host}"))


@dataclass
class Server:
    """A running server: its superuser, the owner of the schema (CREATEROLE, no superuser), the application's role.

    The addresses name no database of the test: `database_of(server.app_url, name)` does.
    """

    admin_url: str
    owner_url: str
    app_url: str
    stop: Callable[[], None]
    admin: psycopg.Connection = field(init=False)
    held: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.admin = psycopg.connect(self.admin_url, autocommit=True)

    # databases -------------------------------------------------------------------------------------------------------

    @contextmanager
    def database(self, template: str | None = None, label: str = "") -> Iterator[str]:
        """The name of a database that exists for this block, owned by the schema's owner; by default a migrated one."""
        name = f"{PREFIX}{label}{secrets.token_hex(6)}"
        self.hold(name)
        self.create(name, template or self.template())
        try:
            yield name
        finally:
            self.drop(name)
            self.release(name)

    def hold(self, name: str) -> None:
        """Marks a database as used, for as long as this process lives."""
        if name not in self.held:
            self.admin.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [name])
            self.held.add(name)

    def release(self, name: str) -> None:
        self.admin.execute("SELECT pg_advisory_unlock_shared(hashtextextended(%s, 0))", [name])
        self.held.discard(name)

    def create(self, name: str, template: str) -> None:
        owner = sql.Identifier(urlsplit(self.owner_url).username or "")
        # The log-based strategy copies through shared memory: quick for a small template, and it needs no checkpoint.
        self.admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), owner, sql.Identifier(template)
            )
        )

    def drop(self, name: str) -> None:
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def drop_abandoned(self) -> None:
        """Removes the databases of runs that are no more."""
        names = self.admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
        ).fetchall()
        for name in {name for (name,) in names} - self.held:  # a session's own locks never stand in its way
            key = [name]
            taken = self.admin.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key).fetchone()
            if taken and taken[0]:
                self.drop(name)
                self.admin.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)

    # the template ----------------------------------------------------------------------------------------------------

    def template(self) -> str:
        """The name of the migrated database. Made by whoever comes first, of this and of later runs."""
        name = f"{PREFIX}template_{fingerprint(self.owner_url)}"
        self.admin.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [MIGRATING])
        try:
            self.hold(name)
            if not self.admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                self.drop_abandoned()
                self._migrate(name)
        finally:
            self.admin.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [MIGRATING])
        return name

    def _migrate(self, name: str) -> None:
        """Makes the template under another name first: what exists under its name is complete."""
        self.drop(MIGRATING)
        self.create(MIGRATING, "template0")
        migrate(database_of(self.owner_url, MIGRATING))
        self.admin.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(MIGRATING), sql.Identifier(name))
        )

    def close(self) -> None:
        self.admin.close()
        self.stop()


def migrate(owner_url: str) -> None:
    """Runs the project's `migrate` as the owner, in a process of its own."""
    outcome = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "migrate", "--skip-checks", "--verbosity", "0"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "omnirapeutic.settings.test", "DATABASE_OWNER_URL": owner_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise RuntimeError(f"migrate failed:\n{outcome.stdout}\n{outcome.stderr}")


def fingerprint(owner_url: str) -> str:
    """What the migrated database depends on: SQL files, migrations, the libraries' versions, who owns it."""
    digest = hashlib.sha256((urlsplit(owner_url).username or "").encode())
    for library in LIBRARIES:
        digest.update(version(library).encode())
    files = [
        *(PROJECT / "sql").glob("[0-9]*.sql"),
        *PROJECT.glob("*/migrations/*.py"),
        *PROJECT.glob("*/*/migrations/*.py"),
        PROJECT / "omnirapeutic" / "db" / "sqlfiles.py",
    ]
    for file in sorted(files):
        digest.update(f"{file.relative_to(PROJECT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def start(run_id: str) -> Server:
    """The server named by TEST_ADMIN_URL (a superuser's address), else an embedded one, shared and stopped by the last.

    On a server that is not ours the roles that sign in belong to this run, and `stop_given` removes them.
    """
    if given := os.environ.get("TEST_ADMIN_URL"):
        return _start_on(given, run_id)
    cluster = devdb.Cluster(devdb.data_folder() / "test", fsync=False)
    cluster.start()
    return Server(
        admin_url=cluster.superuser_url("postgres"),
        owner_url=cluster.url(devdb.OWNER, "postgres"),
        app_url=cluster.url(devdb.APP, "postgres"),
        stop=cluster.stop,
    )


def _run_roles(run_id: str) -> tuple[str, str]:
    return f"{PREFIX}{run_id[:12]}_owner", f"{PREFIX}{run_id[:12]}_app"


def _start_on(admin_url: str, run_id: str) -> Server:
    owner, app = _run_roles(run_id)
    server = Server(
        admin_url=admin_url,
        owner_url=database_of(signed_in_as(admin_url, owner, run_id), "postgres"),
        app_url=database_of(signed_in_as(admin_url, app, run_id), "postgres"),
        stop=lambda: None,
    )
    with server.admin.transaction():
        server.admin.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [MIGRATING])
        for role in SHARED_ROLES:
            _create_role(server.admin, role, "NOLOGIN")
        if _create_role(server.admin, owner, f"LOGIN CREATEROLE PASSWORD '{run_id}'"):
            _create_role(server.admin, app, f"LOGIN IN ROLE omnirapeutic_app PASSWORD '{run_id}'")
            # From PostgreSQL 16 on only who has a role's admin option may grant it, as 013 does.
            server.admin.execute(
                sql.SQL("GRANT omnirapeutic_app, omnirapeutic_definer TO {} WITH ADMIN OPTION").format(
                    sql.Identifier(owner)
                )
            )
    return server


def _create_role(admin: psycopg.Connection, name: str, attributes: str) -> bool:
    if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        return False
    admin.execute(sql.SQL("CREATE ROLE {} ").format(sql.Identifier(name)) + sql.SQL(attributes))  # type: ignore[arg-type]
    return True


def stop_given(run_id: str) -> None:
    """Removes what a run made on a server that is not ours. Called once, when all workers have ended."""
    with psycopg.connect(os.environ["TEST_ADMIN_URL"], autocommit=True) as admin:
        made = [name for name in _run_roles(run_id) if _role_exists(admin, name)]
        if not made:
            return
        owned = admin.execute(
            "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = %s", [made[0]]
        ).fetchall()
        for (database,) in owned:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.SQL(", ").join(map(sql.Identifier, made))))


def _role_exists(admin: psycopg.Connection, name: str) -> bool:
    return admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None
