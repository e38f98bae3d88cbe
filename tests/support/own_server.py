"""A database server of the test's own, to stop and to kill: its data are as safe as in production (fsync)."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from omnirapeutic.db.devdb import OWNER, Cluster, has_ended
from tests.support.postgres import migrate

END_SECONDS = 30


@contextmanager
def own_cluster(settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A running, migrated cluster that is removed afterwards. Any account can enter its folder: root's server must."""
    folder = Path(tempfile.mkdtemp(prefix="omnirapeutic-own-", dir="/tmp"))
    folder.chmod(0o711)
    cluster = Cluster(folder / "pg", settings=settings)
    try:
        cluster.start()
        migrate(cluster.url(OWNER))
        yield cluster
    finally:
        cluster.remove()
        shutil.rmtree(folder)


def crash(cluster: Cluster) -> None:
    """SIGKILL every process of the server, and return when all are gone: what only its memory held is lost.

    Each backend leads a process group of its own, so that the postmaster's group would be the postmaster alone; killed
    alone it leaves backends that go on for a moment and commit.
    """
    postmaster = cluster.pid
    assert postmaster
    with psycopg.connect(cluster.superuser_url("postgres"), autocommit=True) as connection:
        pids = [postmaster, *processes(connection)]  # the postmaster first: it would start the server anew
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + END_SECONDS
    while not all(map(has_ended, pids)):
        assert time.monotonic() < deadline, "A killed server does not end."
        time.sleep(0.02)


def freeze_writers(cluster: Cluster) -> None:
    """Stop the processes that write to disk without being asked, until the crash. Commits that wait for the disk do
    their own writing."""
    with psycopg.connect(cluster.superuser_url("postgres"), autocommit=True) as connection:
        for pid in processes(connection, "walwriter", "background writer", "checkpointer"):
            os.kill(pid, signal.SIGSTOP)


def processes(connection: psycopg.Connection, *kinds: str) -> list[int]:
    """The server's processes beside the postmaster; only those of some kinds, if any is named."""
    rows = connection.execute("SELECT pid, backend_type FROM pg_stat_activity").fetchall()
    return [pid for pid, kind in rows if not kinds or kind in kinds]
