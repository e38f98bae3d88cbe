"""Units of booked time."""

from datetime import datetime, timedelta

MINUTES_PER_UNIT = 15
UNIT = timedelta(minutes=MINUTES_PER_UNIT)


def booked_units(start: datetime, end: datetime) -> int:
    """Whole 15-minute units of a booked time: a unit once more than half of it is filled (AMA midpoint)."""
    minutes = int((end - start).total_seconds()) // 60
    return (minutes + 7) // MINUTES_PER_UNIT


def hours_text(units: int) -> str:
    """`2 h 15 min` for 9 units."""
    full, rest = divmod(units * MINUTES_PER_UNIT, 60)
    return " ".join(part for part in (f"{full} h" if full else "", f"{rest} min" if rest or not full else "") if part)


def units_text(units: int) -> str:
    """`9 units = 2 h 15 min`."""
    return f"{units} unit{'' if units == 1 else 's'} = {hours_text(units)}"
