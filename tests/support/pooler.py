"""A real PgBouncer in transaction mode in front of the test's server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest

from omnirapeutic.db.devdb import Account, write_private
from tests.provision import find_pgbouncer
from tests.support.live import free_port

START_SECONDS = 10
CONFIGURATION = """
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
auth_type = scram-sha-256
auth_file = {users}
admin_users = {role}
log_connections = 0
log_disconnections = 0
"""


@contextmanager
def pgbouncer(url: str, *, pool_size: int = 4) -> Iterator[str]:
    """The same database behind PgBouncer: its clients share `pool_size` connections, a transaction at a time.

    Skips the test where there is no PgBouncer, and fails it in CI. For root it runs as an ordinary account.
    """
    program = find_pgbouncer()
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("There is no PgBouncer: python -m tests.provision")
    address, port = urlsplit(url), free_port()
    folder = Path(tempfile.mkdtemp(prefix="omnirapeutic-pgbouncer-", dir="/tmp"))
    account = Account.for_cluster(folder)
    configuration, users = folder / "pgbouncer.ini", folder / "users.txt"
    role, password = address.username or "", unquote(address.password or "")
    write_private(users, f'"{role}" "{password}"\n')
    settings = {"host": address.hostname, "server_port": address.port or 5432, "port": port}
    write_private(configuration, CONFIGURATION.format(**settings, pool_size=pool_size, users=users, role=role))
    for path in (folder, configuration, users):
        os.chown(path, account.uid, account.gid)
    with (folder / "log").open("w") as log, account.popen([program, configuration], stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(port, process, folder / "log")
            yield urlunsplit(address._replace(netloc=f"{address.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
        finally:
            process.kill()
            shutil.rmtree(folder)


def _wait_until_ready(port: int, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PgBouncer did not start:\n{log.read_text()[-4000:]}")
