"""Minutes of a service to the 15-minute units that are billed, by the payer's rule.

Pure functions. Source of the rules: the AMA's midpoint rule of CPT and the CMS 8-minute rule for timed codes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

MINUTES_PER_UNIT = 15
# A quarter hour counts once more than half of it is done: 8 minutes, not 7.
MIDPOINT = 7


class Rule(StrEnum):
    AMA_MIDPOINT = "AMA_MIDPOINT"
    CMS_8_MINUTE = "CMS_8_MINUTE"


class Scope(StrEnum):
    SUM_THEN_ROUND = "SUM_THEN_ROUND"
    ROUND_EACH = "ROUND_EACH"


@dataclass(frozen=True, slots=True)
class Rounding:
    """A payer's setting. The scope matters to AMA_MIDPOINT only: CMS_8_MINUTE always takes the day together."""

    rule: Rule = Rule.AMA_MIDPOINT
    scope: Scope = Scope.SUM_THEN_ROUND

    def __str__(self) -> str:
        return f"{self.rule}/{self.scope}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A session of one client, provider and day: whole minutes, and the units it was already given."""

    service_code: str
    minutes: int
    units: int = 0


def round_minutes(minutes: int) -> int:
    """Units of a number of whole minutes: 7 → 0, 8 → 1, 22 → 1, 23 → 2. Raises ValueError below zero."""
    if minutes < 0:
        raise ValueError("Minutes cannot be negative.")
    return (minutes + MIDPOINT) // MINUTES_PER_UNIT


def share_by_cms(minutes_by_code: Mapping[str, int]) -> dict[str, int]:
    """The units of one client, provider and day by the CMS rule, shared among the codes.

    All minutes together give the number of units. Each code gets its whole quarter hours, and what is left goes, one
    unit each, to the codes with the most minutes left over; the lower code first when they are equal.
    """
    shares = {code: minutes // MINUTES_PER_UNIT for code, minutes in minutes_by_code.items()}
    left = round_minutes(sum(minutes_by_code.values())) - sum(shares.values())
    by_remainder = sorted(minutes_by_code, key=lambda code: (-(minutes_by_code[code] % MINUTES_PER_UNIT), code))
    for code in by_remainder[:left]:
        shares[code] += 1
    return shares


def day_units(rounding: Rounding, sessions: Iterable[Delivered]) -> dict[str, int]:
    """The units per code of all sessions of one client, provider and day."""
    sessions = list(sessions)
    if rounding.rule is Rule.AMA_MIDPOINT and rounding.scope is Scope.ROUND_EACH:
        each: dict[str, int] = {}
        for session in sessions:
            each[session.service_code] = each.get(session.service_code, 0) + round_minutes(session.minutes)
        return each
    minutes = _minutes_by_code(sessions)
    if rounding.rule is Rule.CMS_8_MINUTE:
        return share_by_cms(minutes)
    return {code: round_minutes(total) for code, total in minutes.items()}


def session_units(rounding: Rounding, session: Delivered, earlier: Iterable[Delivered]) -> int:
    """The units of a session that ends, given the day's sessions that ended before it; never below zero.

    What is already settled is not changed: the session gets what its code is now entitled to beyond what was given,
    and under the CMS rule never more than the day as a whole has left. So however the day's sessions end, their units
    never exceed what the rule allows.
    """
    if rounding.rule is Rule.AMA_MIDPOINT and rounding.scope is Scope.ROUND_EACH:
        return round_minutes(session.minutes)
    earlier = list(earlier)
    allowed = day_units(rounding, [*earlier, session])
    given = sum(one.units for one in earlier if one.service_code == session.service_code)
    units = allowed[session.service_code] - given
    if rounding.rule is Rule.CMS_8_MINUTE:
        units = min(units, sum(allowed.values()) - sum(one.units for one in earlier))
    return max(0, units)


def _minutes_by_code(sessions: Iterable[Delivered]) -> dict[str, int]:
    minutes: dict[str, int] = {}
    for session in sessions:
        minutes[session.service_code] = minutes.get(session.service_code, 0) + session.minutes
    return minutes
