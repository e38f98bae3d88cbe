"""Who meets whom, and when: a weekly pattern in the clinic's wall time, and one special plan for today.

Nobody is ever in two places, by construction. A technician has three slots a day and one client in each. An analyst
has nine clients, those of three technicians: treatment is directed inside the client's own slot, caregivers are seen
in the evening, assessments made between two slots.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from billing.demo.authorizations import PAST_DAYS, Situation

COMING_DAYS = 30
CLIENTS_PER_TECHNICIAN = 3
CLIENTS_PER_ANALYST = 9
SLOTS = (time(8, 30), time(11, 30), time(15))
WEEKDAYS = ((0, 2, 4), (0, 1, 2, 3), (0, 1, 2, 3, 4))
LENGTHS = (150, 120)  # minutes of treatment
HOUR = 60
EVENING, MIDDAY = time(18), time(14)
BLOCK = timedelta(minutes=150)  # of today's plan: two hours of treatment and a break


@dataclass(frozen=True, slots=True)
class Clock:
    """Now, where the clinic is."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def at(self, day: date, wall: time) -> datetime:
        """The instant of a wall time."""
        return datetime.combine(day, wall, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """A planned service: code, date of service, instants, and whether the technician or the analyst renders it."""

    service_code: str
    day: date
    start: datetime
    minutes: int
    by_technician: bool

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.minutes)

    @property
    def units(self) -> int:
        return self.minutes // 15


def weekly_units(index: int) -> dict[str, int]:
    """Units a week that the client's plan asks for, per code."""
    treatment = len(_weekdays(index)) * _length(index) // 15
    return {"97153": treatment, "97155": HOUR // 15, "97156": HOUR // 30}


def plan(index: int, situation: Situation, clock: Clock) -> Iterator[Visit]:
    """All visits of the client with this number, in order, from a month ago to a month ahead."""
    last = {Situation.DISCHARGED: -15}.get(situation, COMING_DAYS)
    for offset in range(-PAST_DAYS, last + 1):
        day = clock.today + timedelta(days=offset)
        visits = _assessment(index, day, offset, clock) if situation is Situation.PENDING else _day(index, day, clock)
        if offset == 0:
            visits = (
                *(visit for visit in visits if not _has_special_day(index, by_technician=visit.by_technician)),
                *_today(index, clock),
            )
        yield from sorted(visits, key=lambda visit: visit.start)


def _weekdays(index: int) -> tuple[int, ...]:
    return WEEKDAYS[index // CLIENTS_PER_TECHNICIAN % len(WEEKDAYS)]


def _length(index: int) -> int:
    return LENGTHS[index % len(LENGTHS)]


def _day(index: int, day: date, clock: Clock) -> tuple[Visit, ...]:
    """The weekly pattern."""
    slot = SLOTS[index % CLIENTS_PER_TECHNICIAN]
    place = index % CLIENTS_PER_ANALYST
    visits = []
    if day.weekday() in _weekdays(index):
        visits.append(Visit("97153", day, clock.at(day, slot), _length(index), by_technician=True))
    # Three clients of one analyst share a slot's hours: Monday first hour, Monday second hour, Wednesday.
    weekday, hour = ((0, 0), (0, 1), (2, 0))[place // CLIENTS_PER_TECHNICIAN]
    if day.weekday() == weekday:
        start = clock.at(day, slot) + timedelta(hours=hour)
        visits.append(Visit("97155", day, start, HOUR, by_technician=False))
    if day.weekday() == place % 5 and day.isocalendar().week % 2 == place // 5:
        visits.append(Visit("97156", day, clock.at(day, EVENING), HOUR, by_technician=False))
    return tuple(visits)


def _assessment(index: int, day: date, offset: int, clock: Clock) -> tuple[Visit, ...]:
    """A new client is assessed once, in the coming week."""
    if 0 < offset <= 7 and day.weekday() == index % 5:
        return (Visit("97151", day, clock.at(day, MIDDAY), HOUR, by_technician=False),)
    return ()


def _has_special_day(index: int, *, by_technician: bool) -> bool:
    return index < (CLIENTS_PER_TECHNICIAN if by_technician else CLIENTS_PER_ANALYST)


def _today(index: int, clock: Clock) -> Iterator[Visit]:
    """Today the first technician and the first analyst have something to start at whatever hour it is.

    One client's treatment begins now, at the quarter hour, and may be started until the day ends; another's has just
    ended, the third's follows. The analyst directs what begins now and what follows, and has just seen a caregiver.
    Each has one treatment today: a second one would hold the first from billing.
    """
    quarter = clock.now.replace(minute=clock.now.minute // 15 * 15, second=0, microsecond=0)
    block = {0: 0, 1: 1, 2: -1}.get(index)
    if block is None:
        return
    start = quarter + block * BLOCK
    if _is_today(start, clock):
        yield Visit("97153", clock.today, start, 120, by_technician=True)
        if block >= 0:
            yield Visit("97155", clock.today, start, HOUR, by_technician=False)
    caregiver = quarter - timedelta(minutes=90)
    if index == 1 and _is_today(caregiver, clock):
        yield Visit("97156", clock.today, caregiver, HOUR, by_technician=False)


def _is_today(instant: datetime, clock: Clock) -> bool:
    return instant.astimezone(clock.zone).date() == clock.today
