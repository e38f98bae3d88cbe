"""Wall times and the instants they mean, units of booked time, and the nearest free time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduling.exceptions import WallTimeRefused
from scheduling.free_time import nearest_free
from scheduling.units import booked_units, units_text
from scheduling.wall_time import clock, day_bounds, day_name, to_instant

NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def test_a_wall_time_means_one_instant() -> None:
    assert to_instant(date(2026, 7, 1), time(16), NEW_YORK) == datetime(2026, 7, 1, 20, tzinfo=UTC)
    assert to_instant(date(2026, 12, 1), time(16), NEW_YORK) == datetime(2026, 12, 1, 21, tzinfo=UTC)


@pytest.mark.parametrize("at", [time(2), time(2, 30), time(2, 59)])
def test_a_time_that_the_clocks_skip_is_refused(at: time) -> None:
    with pytest.raises(WallTimeRefused) as refused:
        to_instant(SPRING, at, NEW_YORK)
    assert refused.value.code == "NONEXISTENT"
    assert "does not exist" in refused.value.message


@pytest.mark.parametrize("at", [time(1), time(1, 30), time(1, 59)])
def test_a_time_that_comes_twice_is_refused(at: time) -> None:
    with pytest.raises(WallTimeRefused) as refused:
        to_instant(AUTUMN, at, NEW_YORK)
    assert refused.value.code == "AMBIGUOUS"


@pytest.mark.parametrize(
    ("day", "at"), [(SPRING, time(1, 59)), (SPRING, time(3)), (AUTUMN, time(0, 59)), (AUTUMN, time(2))]
)
def test_the_times_around_a_change_are_fine(day: date, at: time) -> None:
    assert to_instant(day, at, NEW_YORK).replace(tzinfo=None) == datetime.combine(day, at)


def test_a_day_of_a_change_has_23_or_25_hours() -> None:
    for day, hours in ((SPRING, 23), (AUTUMN, 25)):
        first, last = (bound.astimezone(UTC) for bound in day_bounds(day, NEW_YORK))
        assert last - first == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("minutes", "units"), [(0, 0), (7, 0), (8, 1), (15, 1), (22, 1), (23, 2), (37, 2), (38, 3), (120, 8), (127, 8)]
)
def test_units_of_booked_time_are_rounded_at_the_midpoint(minutes: int, units: int) -> None:
    start = datetime(2026, 7, 1, 14, tzinfo=UTC)
    assert booked_units(start, start + timedelta(minutes=minutes)) == units


def test_texts() -> None:
    assert units_text(8) == "8 units = 2 h"
    assert units_text(1) == "1 unit = 15 min"
    assert units_text(9) == "9 units = 2 h 15 min"
    assert (clock(datetime(2026, 1, 1, 0, 5)), clock(datetime(2026, 1, 1, 12))) == ("12:05 AM", "12:00 PM")  # noqa: DTZ001
    assert day_name(date(2026, 3, 5)) == "Thu, Mar 5, 2026"


def hours(start: float, end: float) -> tuple[datetime, datetime]:
    midnight = datetime(2026, 7, 1, tzinfo=UTC)
    return midnight + timedelta(hours=start), midnight + timedelta(hours=end)


@pytest.mark.parametrize(
    ("taken", "wanted", "free"),
    [
        ([], (10, 12), (10, 12)),
        ([(9, 11)], (10, 12), (11, 13)),
        ([(11, 13)], (10, 12), (9, 11)),
        ([(9, 11), (11, 12)], (10, 12), (12, 14)),
        ([(8, 11), (12, 20)], (10, 12), None),
        ([(7, 10), (10.5, 12.5)], (9, 11), (12.5, 14.5)),
        ([(10, 12), (10, 12)], (10, 12), (8, 10)),
    ],
)
def test_the_nearest_free_time_inside_the_day(
    taken: list[tuple[float, float]], wanted: tuple[float, float], free: tuple[float, float] | None
) -> None:
    found = nearest_free([hours(*each) for each in taken], hours(*wanted), hours(7, 20))
    assert found == (hours(*free) if free else None)
