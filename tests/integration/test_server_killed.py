"""The database server is killed in the middle of booking, again and again.

After each crash recovery: every booking whose commit was acknowledged is there, whole; counters, ledger and
appointments agree; no authorization is over-booked. The control gives up one guarantee (synchronous commit), and
bookings are lost.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from omnirapeutic.db.devdb import APP, Cluster
from tests.support.bookings import Line, book, check_ledger, ledger_faults, open_clinic
from tests.support.own_server import crash, freeze_writers, own_cluster

# The first two lines run out of units early on: booking goes on against them, and must go on being refused.
TOTALS = [13, 97, 1_000_000, 1_000_000, 1_000_000, 1_000_000]

pytestmark = pytest.mark.concurrency


def test_no_acknowledged_booking_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    check_kills(2, capsys)


@pytest.mark.soak
def test_no_acknowledged_booking_is_lost_in_twenty_kills(capsys: pytest.CaptureFixture[str]) -> None:
    check_kills(20, capsys)


def check_kills(kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    with own_cluster() as cluster:
        load = Load(cluster, open_clinic(cluster.url(APP), totals=TOTALS))
        recoveries = []
        for _ in range(kills):
            with load.running():
                time.sleep(random.uniform(0.4, 1.2))
                crash(cluster)
            recoveries.append(seconds_to_recover(cluster))

            present = appointments(cluster)
            assert load.acknowledged <= present, f"{len(load.acknowledged - present)} bookings were lost"
            assert present - load.acknowledged <= load.unanswered, "a booking is there that nobody committed"
            assert not ledger_faults(cluster.superuser_url())
        code, report = check_ledger(cluster.url(APP))
        assert code == 0, report
        # One per client may have been committed with nobody left to tell.
        assert len(load.unanswered) <= kills * len(TOTALS)
        assert load.refusals
        assert load.refusals.keys() <= {"INSUFFICIENT_UNITS", "AUTH_EXHAUSTED"}
        assert len(load.acknowledged) > kills * len(TOTALS)
    with capsys.disabled():
        print(
            f"\n{kills} x SIGKILL: {len(load.acknowledged)} bookings acknowledged, 0 lost;"
            f" {len(load.unanswered & present)} of {len(load.unanswered)} unanswered ones were committed;"
            f" {load.refusals.total()} refused; recovery took {max(recoveries):.1f} s at most"
        )


def test_control_without_synchronous_commit_acknowledged_bookings_are_lost() -> None:
    with own_cluster({"synchronous_commit": "off"}) as cluster:
        load = Load(cluster, open_clinic(cluster.url(APP), totals=TOTALS))
        freeze_writers(cluster)
        with load.running():
            time.sleep(1)
            crash(cluster)
        cluster.start()

        assert load.acknowledged - appointments(cluster)
        # What there is agrees with itself all the same: a lost transaction is lost whole.
        assert not ledger_faults(cluster.superuser_url())


@dataclass
class Load:
    """Clients that book as fast as they are answered, each on a line of its own, until the server is gone."""

    cluster: Cluster
    lines: list[Line]
    acknowledged: set[UUID] = field(default_factory=set)
    unanswered: set[UUID] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.hours = dict.fromkeys(self.lines, 0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The load for a block that ends the server, and what came of it."""
        url = self.cluster.url(APP)
        ready = threading.Barrier(len(self.lines) + 1)
        with ThreadPoolExecutor(len(self.lines)) as threads:
            clients = [threads.submit(self._book_until_gone, url, line, ready) for line in self.lines]
            ready.wait(timeout=60)
            yield
        for client in clients:
            client.result()

    def _book_until_gone(self, url: str, line: Line, ready: threading.Barrier) -> None:
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with psycopg.connect(url, autocommit=True) as connection:
            ready.wait(timeout=60)
            while True:
                appointment_id, units = uuid.uuid4(), random.randint(1, 4)
                start = first + timedelta(hours=self.hours[line])
                try:
                    refusal = book(connection, line, appointment_id=appointment_id, start=start, units=units)
                except (psycopg.OperationalError, psycopg.Rollback):  # the latter: gone while it was refusing
                    self.unanswered.add(appointment_id)
                    self.hours[line] += 1
                    return
                if refusal:
                    self.refusals[refusal] += 1
                else:
                    self.acknowledged.add(appointment_id)
                    self.hours[line] += 1


def seconds_to_recover(cluster: Cluster) -> float:
    began = time.monotonic()
    cluster.start()
    return time.monotonic() - began


def appointments(cluster: Cluster) -> set[UUID]:
    with psycopg.connect(cluster.superuser_url()) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM appointments")}
