"""The demo as rows, before any database: the same for the same seed, nobody in two places, numbers that check out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from billing.demo import authorizations, calendar, people
from billing.demo.authorizations import IN_TURN, Situation
from billing.demo.calendar import CLIENTS_PER_ANALYST, CLIENTS_PER_TECHNICIAN, Clock, Visit
from billing.demo.deployment import Demo, make_password
from billing.demo.rows import TABLES, Batch
from billing.demo.shape import client_counts
from billing.edi.identifiers import is_npi

MOMENT = datetime(2026, 3, 4, 15, tzinfo=UTC)  # a Wednesday, four days before the clocks change
ZONE = ZoneInfo("America/New_York")
CLIENTS = 2 * CLIENTS_PER_ANALYST


def demo(seed: int = 1, moment: datetime = MOMENT) -> Demo:
    return Demo(organizations=2, scale=0.5, seed=seed, moment=moment)


def rows(batches: Iterator[Batch]) -> list[object]:
    return [(batch.organization_id, batch.tables, batch.events) for batch in batches]


def test_the_same_seed_makes_the_same_rows() -> None:
    assert rows(demo().batches()) == rows(demo().batches())
    assert demo().password == demo().password


def test_another_seed_makes_others() -> None:
    one, other = rows(demo(1).batches()), rows(demo(2).batches())
    assert one != other
    assert demo(1).password != demo(2).password


def test_every_row_has_a_value_for_every_column() -> None:
    for batch in demo().batches():
        for table, made in batch.tables.items():
            assert {len(row) for row in made} == {len(TABLES[table])}, table
        assert {line.count("\t") + 1 for line in batch.events} <= {len(TABLES["session_events"])}


def test_the_password_is_long_enough_to_stand_alone() -> None:
    assert min(len(make_password(Random(seed))) for seed in range(500)) >= 15


@pytest.mark.parametrize("moment", [MOMENT, MOMENT - timedelta(hours=15), MOMENT + timedelta(hours=13, minutes=50)])
@pytest.mark.parametrize("days", range(0, 7, 2))
def test_nobody_is_in_two_places(moment: datetime, days: int) -> None:
    clock = Clock(moment + timedelta(days=days), ZONE)
    by_person: dict[object, list[Visit]] = {}
    for index in range(CLIENTS):
        for visit in calendar.plan(index, IN_TURN[index % len(IN_TURN)], clock):
            group = CLIENTS_PER_TECHNICIAN if visit.by_technician else CLIENTS_PER_ANALYST
            by_person.setdefault((visit.by_technician, index // group), []).append(visit)
            by_person.setdefault((index, visit.service_code), []).append(visit)
    for visits in by_person.values():
        visits.sort(key=lambda visit: visit.start)
        assert all(first.end <= second.start for first, second in pairwise(visits))


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("minute", [0, 14, 59])
def test_at_any_hour_there_is_something_to_start_today(hour: int, minute: int) -> None:
    now = datetime(2026, 3, 7, hour, minute, 30, tzinfo=ZONE)  # a Saturday
    clock = Clock(now.astimezone(UTC), ZONE)
    today = [visit for visit in calendar.plan(0, Situation.STEADY, clock) if visit.day == clock.today]
    assert {visit.service_code for visit in today} == {"97153", "97155"}
    assert all(timedelta(0) <= clock.now - visit.start < timedelta(minutes=15) for visit in today)
    assert all(visit.start.astimezone(ZONE).date() == now.date() for visit in today)


def test_wall_time_stays_across_the_clock_change() -> None:
    clock = Clock(MOMENT, ZONE)
    slots = {
        visit.start.astimezone(ZONE).time()
        for visit in calendar.plan(4, Situation.STEADY, clock)
        if visit.service_code == "97153"
    }
    assert slots == {calendar.SLOTS[1]}


def test_a_clinic_of_twelve_has_letters_in_every_state() -> None:
    assert set(IN_TURN) == set(Situation)
    statuses = set()
    for situation in Situation:
        lines = authorizations.plan_letters(Random(1), situation, calendar.weekly_units(0), MOMENT.date())
        statuses |= {line.status for line in lines}
        assert situation is Situation.PENDING or any(line.start < MOMENT.date() for line in lines)
    assert statuses == {"ACTIVE", "PENDING", "EXPIRED", "EXHAUSTED", "CANCELLED"}


def test_counters_are_the_sums_of_the_movements() -> None:
    batches = list(demo().batches())
    ledger: dict[object, list[tuple[int, int]]] = {}
    for batch in batches:
        for row in batch.tables.get("authorization_unit_ledger", []):
            ledger.setdefault(row[2], []).append((row[6], row[7]))
    checked = 0
    for batch in batches:
        for row in batch.tables.get("authorizations", []):
            moved = ledger.get(row[0], [])
            assert row[6] == sum(reserved + delivered for reserved, delivered in moved) <= row[5]
            assert row[7] == sum(delivered for _, delivered in moved)
            checked += 1
    assert checked > 50


def test_npis_check_out() -> None:
    rng = Random(1)
    assert all(is_npi(people.npi(rng)) for _ in range(500))


@pytest.mark.parametrize("organizations", [1, 2, 3, 5, 11, 200])
def test_clinics_are_skewed(organizations: int) -> None:
    counts = client_counts(organizations, 30)
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == organizations
    assert min(counts) >= 3
    # More than asked for where the smallest clinics would have none.
    assert 1_150 <= sum(counts) <= 1_500


def test_the_largest_of_two_hundred_holds_thirty_percent() -> None:
    counts = client_counts(200, 30)
    assert counts[0] / sum(counts) == pytest.approx(0.3, abs=0.03)
