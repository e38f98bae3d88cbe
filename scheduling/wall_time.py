"""Dates and times of day where the clinic is, and the instants they mean."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.exceptions import WallTimeRefused


def to_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant at which the clinic's clocks show a time; raises `WallTimeRefused` unless there is exactly one."""
    earlier = datetime.combine(day, at, zone)
    later = earlier.replace(fold=1)
    if earlier.utcoffset() == later.utcoffset():
        return earlier
    if earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != datetime.combine(day, at):
        message = f"{clock(earlier)} does not exist on this day: the clocks go forward. Choose a time after the change."
        raise WallTimeRefused("NONEXISTENT", message)
    message = f"{clock(earlier)} comes twice on this day: the clocks go back. Choose a time before or after that hour."
    raise WallTimeRefused("AMBIGUOUS", message)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a day and of the next. Where midnight itself is skipped, the nearest that exists."""
    midnight = time()
    return datetime.combine(day, midnight, zone), datetime.combine(day + timedelta(days=1), midnight, zone)


def clock(value: datetime) -> str:
    """`4:05 PM`."""
    return f"{value.hour % 12 or 12}:{value:%M} {'AM' if value.hour < 12 else 'PM'}"


def short_date(value: date) -> str:
    """`Mar 5, 2024`."""
    return f"{value:%b} {value.day}, {value.year}"


def day_name(value: date) -> str:
    """`Tue, Mar 5, 2024`."""
    return f"{value:%a}, {short_date(value)}"
