"""Ten thousand attempts to reserve 3 units of 500, by 32 connections at once.

Exactly 166 succeed, 2 units are left, the ledger says the same as the counter, and everybody else is refused in words.
The control is the database's own function with its protection taken away: the same attempts then go wrong.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.errors import CheckViolation

from tests.support.bookings import Line, book, check_ledger, ledger_faults, open_clinic, reserve
from tests.support.postgres import Server, database_of

CONNECTIONS = 32
ATTEMPTS = 10_000
TOTAL, UNITS = 500, 3

FUNCTION = "app.reserve_session_units(uuid, integer, date, uuid, text)"
ROW_LOCK = "AND id = p_authorization_id FOR NO KEY UPDATE;"
NO_LOCK, STRONGER_LOCK = "AND id = p_authorization_id;", "AND id = p_authorization_id FOR UPDATE;"
# What it reads, it writes back: not relative to what the row says by then.
RELATIVE, ABSOLUTE = "SET used_units = used_units + p_units", "SET used_units = v_authorization.used_units + p_units"

Attempt = Callable[[psycopg.Connection, Line, int], str | None]

pytestmark = pytest.mark.concurrency


def test_exactly_what_fits_is_reserved(server: Server) -> None:
    with server.database() as name:
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL])

        outcomes = run_race(database_of(server.app_url, name), line, ATTEMPTS)

        assert outcomes == {"reserved": 166, "INSUFFICIENT_UNITS": ATTEMPTS - 166}
        assert taken(server, name, line) == (498, 498)
        assert not ledger_faults(database_of(server.admin_url, name))
        code, report = check_ledger(database_of(server.app_url, name))
        assert code == 0, report


def test_the_last_units_go_to_one(server: Server) -> None:
    """The total divides evenly: the authorization is exhausted, says so, and gives nothing more."""
    with server.database() as name:
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL - 2])

        outcomes = run_race(database_of(server.app_url, name), line, 1_000)

        assert outcomes == {"reserved": 166, "AUTH_EXHAUSTED": 1_000 - 166}
        assert not ledger_faults(database_of(server.admin_url, name))


def test_one_key_reserves_once_however_often_it_is_sent(server: Server) -> None:
    with server.database() as name:
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL])

        outcomes = run_race(database_of(server.app_url, name), line, 1_600, attempt=reserve_three_in_company)

        assert outcomes == {"reserved": 1_600}
        assert taken(server, name, line) == (150, 150)


def test_control_without_the_row_lock_the_same_race_overbooks(server: Server) -> None:
    """Read, decide, write back: the form this has in applications without a lock."""
    with server.database() as name:
        weaken(server, name, (ROW_LOCK, NO_LOCK), (RELATIVE, ABSOLUTE))
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL])

        outcomes = run_race(database_of(server.app_url, name), line, 2_000)

        assert outcomes["reserved"] > 166
        counter, ledger = taken(server, name, line)
        assert ledger > TOTAL >= counter
        assert ledger_faults(database_of(server.admin_url, name))
        code, report = check_ledger(database_of(server.app_url, name))
        assert code == 1
        assert "OVERDRAWN" in report


def test_control_without_the_row_lock_alone_the_check_is_what_holds(server: Server) -> None:
    """Nothing is over-booked then either, but people meet an error where a refusal would be."""
    with server.database() as name:
        weaken(server, name, (ROW_LOCK, NO_LOCK))
        (line,) = open_clinic(database_of(server.app_url, name), totals=[30])

        outcomes = run_race(database_of(server.app_url, name), line, 1_000)

        assert outcomes["positive_balance"] > 0
        assert not ledger_faults(database_of(server.admin_url, name))


def test_bookings_on_one_authorization_wait_for_each_other(server: Server) -> None:
    """Whole bookings: each holds the authorization by its appointment's foreign key before it asks for the row lock."""
    with server.database() as name:
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL])

        outcomes = run_race(database_of(server.app_url, name), line, 640, attempt=book_an_hour_of_its_own)

        assert outcomes == {"reserved": 166, "INSUFFICIENT_UNITS": 640 - 166}
        assert not ledger_faults(database_of(server.admin_url, name))


def test_control_with_the_stronger_row_lock_bookings_deadlock(server: Server) -> None:
    with server.database() as name:
        weaken(server, name, (ROW_LOCK, STRONGER_LOCK))
        (line,) = open_clinic(database_of(server.app_url, name), totals=[TOTAL])

        outcomes = run_race(database_of(server.app_url, name), line, 16, attempt=book_an_hour_of_its_own, connections=4)

        assert outcomes["DeadlockDetected"] > 0
        assert not ledger_faults(database_of(server.admin_url, name))


def reserve_three(connection: psycopg.Connection, line: Line, number: int) -> str | None:
    return reserve(connection, line, units=UNITS, key=f"attempt:{number}")


def reserve_three_in_company(connection: psycopg.Connection, line: Line, number: int) -> str | None:
    """All connections use the same key at a time."""
    return reserve_three(connection, line, number // CONNECTIONS)


def book_an_hour_of_its_own(connection: psycopg.Connection, line: Line, number: int) -> str | None:
    morning = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = morning + timedelta(hours=number)
    return book(connection, line, appointment_id=uuid.uuid4(), start=start, units=UNITS)


def run_race(
    url: str, line: Line, attempts: int, attempt: Attempt = reserve_three, connections: int = CONNECTIONS
) -> Counter[str]:
    """How the attempts ended. All connections are open and waiting before the first begins."""
    start = threading.Barrier(connections)

    def attempt_in_turn(own: range) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        with psycopg.connect(url, autocommit=True) as connection:
            start.wait(timeout=60)
            for number in own:
                try:
                    refusal = attempt(connection, line, number)
                except CheckViolation as error:
                    refusal = error.diag.constraint_name
                except psycopg.OperationalError as error:  # a deadlock, a time limit
                    refusal = type(error).__name__
                outcomes[refusal or "reserved"] += 1
        return outcomes

    with ThreadPoolExecutor(connections) as threads:
        shares = [range(first, attempts, connections) for first in range(connections)]
        return sum(threads.map(attempt_in_turn, shares), Counter())


def weaken(server: Server, name: str, *changes: tuple[str, str]) -> None:
    """Replaces parts of the reserving function in a scratch database."""
    with psycopg.connect(database_of(server.admin_url, name)) as connection:
        row = connection.execute("SELECT pg_get_functiondef(%s::regprocedure)", [FUNCTION]).fetchone()
        assert row
        source = row[0]
        for part, replacement in changes:
            assert source.count(part) == 1, f"{FUNCTION} no longer has: {part}"
            source = source.replace(part, replacement)
        connection.execute(source)


def taken(server: Server, name: str, line: Line) -> tuple[int, int]:
    """Units taken: by the counter, and by the ledger."""
    with psycopg.connect(database_of(server.admin_url, name)) as connection:
        row = connection.execute(
            "SELECT z.used_units, (SELECT coalesce(sum(reserved_change + delivered_change), 0)::integer"
            " FROM authorization_unit_ledger l WHERE l.authorization_id = z.id)"
            " FROM authorizations z WHERE z.id = %s",
            [line.authorization_id],
        ).fetchone()
    assert row
    return row
