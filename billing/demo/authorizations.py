"""Payers' letters in every state, and the ledger of their units.

A line's counters are the sums of the movements posted to it: nothing else writes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum, auto
from random import Random
from uuid import UUID

from billing.demo.rows import Batch, new_id

LETTER_DAYS = 182
WEEKS = LETTER_DAYS // 7
PAST_DAYS = 30  # sessions are made for that long; what was delivered before stands as one opening movement


class Situation(Enum):
    """What the front desk finds when it opens the client."""

    STEADY = auto()
    EXPIRING = auto()  # within 25 days; the next letter is pending
    NEARLY_USED = auto()
    FRESH = auto()  # renewed in the last days, the one before has ended
    EXHAUSTED = auto()
    PENDING = auto()  # new client: only the assessment is authorized
    EXPIRED = auto()  # ended, no renewal yet
    DISCHARGED = auto()  # the letter was cancelled


# Clients in turn, so that a clinic of twelve has them all and the first technician's three clients are steady.
IN_TURN = (
    *(Situation.STEADY, Situation.STEADY, Situation.STEADY, Situation.EXPIRING, Situation.NEARLY_USED),
    *(Situation.FRESH, Situation.EXHAUSTED, Situation.STEADY, Situation.PENDING, Situation.EXPIRED),
    *(Situation.STEADY, Situation.DISCHARGED),
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of the ledger."""

    kind: str
    reserved_change: int
    delivered_change: int
    service_date: date
    key: str
    created_at: datetime
    appointment_id: UUID | None = None
    session_id: UUID | None = None


@dataclass(slots=True)
class Line:
    """One line of a letter: units of one service between two dates."""

    id: UUID
    number: str
    service_code: str
    start: date
    end: date
    status: str
    weekly_units: int
    free_units: int | None = None  # how many are to be left over; None: as the payer approved
    units_per_week: int | None = None
    movements: list[Movement] = field(default_factory=list)

    def covers(self, day: date) -> bool:
        return self.start <= day <= self.end and self.status != "PENDING"

    def post(self, movement: Movement) -> None:
        self.movements.append(movement)

    @property
    def used_units(self) -> int:
        return sum(movement.reserved_change + movement.delivered_change for movement in self.movements)

    @property
    def delivered_units(self) -> int:
        return sum(movement.delivered_change for movement in self.movements)

    @property
    def total_units(self) -> int:
        """A round number about a tenth above what is planned, unless the situation asks for another."""
        if self.free_units is not None:
            return self.used_units + self.free_units
        approved = -(-self.weekly_units * WEEKS * 11 // 100) * 10
        return max(approved, -(-(self.used_units + 20) // 10) * 10)


def plan_letters(rng: Random, situation: Situation, weekly_units: dict[str, int], today: date) -> list[Line]:
    """The client's letters: the one that is in force, with the one before or after it where there is one."""
    before = timedelta(days=rng.randrange(PAST_DAYS + 10, LETTER_DAYS - 60))
    match situation:
        case Situation.FRESH:
            start = today - timedelta(days=rng.randrange(1, 7))
            last = _letter(rng, weekly_units, start - timedelta(days=LETTER_DAYS), "EXPIRED")
            return last + _letter(rng, weekly_units, start, "ACTIVE")
        case Situation.EXPIRING:
            start = today + timedelta(days=rng.randrange(5, 26) - LETTER_DAYS)
            following = _letter(rng, weekly_units, start + timedelta(days=LETTER_DAYS), "PENDING")
            return _letter(rng, weekly_units, start, "ACTIVE") + following
        case Situation.EXPIRED:
            return _letter(rng, weekly_units, today - timedelta(days=LETTER_DAYS + rng.randrange(3, 12)), "EXPIRED")
        case Situation.DISCHARGED:
            return _letter(rng, weekly_units, today - before, "CANCELLED")
        case Situation.PENDING:
            pending = _letter(rng, weekly_units, today + timedelta(days=4), "PENDING")
            return pending + _letter(rng, {"97151": 1}, today - timedelta(days=3), "ACTIVE")
    lines = _letter(rng, weekly_units, today - before, "ACTIVE")
    if situation is Situation.NEARLY_USED:
        lines[0].free_units = rng.randrange(3, 10)
    elif situation is Situation.EXHAUSTED:
        lines[0].free_units, lines[0].status = 0, "EXHAUSTED"
    return lines


def _letter(rng: Random, weekly_units: dict[str, int], start: date, status: str) -> list[Line]:
    number = f"A{rng.randrange(10**7, 10**8)}"
    end = start + timedelta(days=LETTER_DAYS - 1)
    return [Line(new_id(rng), number, code, start, end, status, units) for code, units in weekly_units.items()]


def post_opening(rng: Random, line: Line, today: date, created_at: datetime) -> None:
    """What was delivered between the letter's start and the first day for which there are sessions."""
    weeks = ((today - timedelta(days=PAST_DAYS)) - line.start).days // 7
    units = weeks * line.weekly_units * 9 // 10
    if units > 0 and line.status != "PENDING":
        line.post(Movement("ADJUST", 0, units, line.start, f"adjust:{new_id(rng)}", created_at))


def add_line(batch: Batch, line: Line, client_id: UUID, insurance_id: UUID) -> None:
    """The authorization row, when everything has been posted to it."""
    batch.add(
        "authorizations",
        line.id,
        client_id,
        insurance_id,
        line.service_code,
        line.total_units,
        line.used_units,
        line.delivered_units,
        line.start,
        line.end,
        line.status,
        line.number,
        line.units_per_week,
    )


def add_movements(batch: Batch, rng: Random, line: Line, created_by: UUID) -> None:
    """The line's ledger."""
    for movement in line.movements:
        batch.add(
            "authorization_unit_ledger",
            new_id(rng),
            line.id,
            movement.appointment_id,
            movement.session_id,
            movement.kind,
            movement.reserved_change,
            movement.delivered_change,
            movement.service_date,
            movement.key,
            created_by,
            movement.created_at,
        )


def covering(lines: list[Line], service_code: str, day: date) -> Iterator[Line]:
    """The lines that a service on that day may use."""
    return (line for line in lines if line.service_code == service_code and line.covers(day))
