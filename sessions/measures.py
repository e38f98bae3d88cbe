"""What was measured, computed from the events of a session. Pure functions.

The figures of a session are kept as a mapping from a target's id to its *tally*: plain JSON, held by
`sessions.latest_metrics`. A tally depends on the set of events only, not on their order or on how they were cut into
batches, so that adding new events to the kept tallies gives the same as counting everything again.

Nothing entered is missing (None), never zero; an entry that was taken back was not entered.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

Tally = dict[str, Any]
Tallies = dict[str, Tally]


class EventType(StrEnum):
    COUNT = "count"
    TRIAL = "trial"
    DURATION_START = "duration_start"
    DURATION_STOP = "duration_stop"
    UNDO = "undo"


class Outcome(StrEnum):
    """How a trial ended. All four are scored opportunities; only `correct` is independent."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    PROMPTED = "prompted"
    NO_RESPONSE = "no_response"


# The usual hierarchy, most help first. Independent and no response are outcomes, not prompt levels.
PROMPT_LEVELS: tuple[tuple[str, str], ...] = (
    ("FULL_PHYSICAL", "Full physical"),
    ("PARTIAL_PHYSICAL", "Partial physical"),
    ("MODEL", "Model"),
    ("GESTURAL", "Gestural"),
    ("VERBAL", "Verbal"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry, as far as the figures depend on it.

    `refers_to` is the entry that an undo takes back, or the start that a stop ends; `outcome` belongs to trials and
    to the undo of one; `seconds` is the length of a stopped occurrence.
    """

    id: UUID
    target_id: UUID
    event_type: EventType
    occurred_at: datetime
    outcome: Outcome | None = None
    refers_to: UUID | None = None
    seconds: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one target. None is missing. Durations are in seconds."""

    count: int | None = None
    correct: int | None = None
    incorrect: int | None = None
    prompted: int | None = None
    no_response: int | None = None
    duration_seconds: Decimal | None = None
    occurrences: int | None = None
    running_since: str | None = None
    running_event_id: str | None = None

    @property
    def scored(self) -> int:
        """Scored opportunities."""
        return sum(getattr(self, outcome) or 0 for outcome in Outcome)

    @property
    def percent_independent(self) -> Decimal | None:
        """Independent correct ÷ scored opportunities, in percent with one decimal."""
        if not self.scored:
            return None
        return _tenths(Decimal(100 * (self.correct or 0)) / self.scored)

    @property
    def mean_seconds(self) -> Decimal | None:
        """Mean duration per occurrence."""
        if self.duration_seconds is None or not self.occurrences:
            return None
        return _tenths(self.duration_seconds / self.occurrences)

    @property
    def is_missing(self) -> bool:
        return self.count is None and not self.scored and self.occurrences is None and self.running_since is None

    def rate_per_hour(self, observed_minutes: int | None) -> Decimal | None:
        """Count ÷ observed time; missing without a count or without time."""
        if self.count is None or not observed_minutes:
            return None
        return _tenths(Decimal(60 * self.count) / observed_minutes)

    def as_json(self) -> dict[str, Any]:
        """As the session page reads it: every figure by name, null for missing."""
        return {
            "count": self.count,
            **{outcome.value: getattr(self, outcome) for outcome in Outcome},
            "duration_seconds": None if self.duration_seconds is None else float(self.duration_seconds),
            "occurrences": self.occurrences,
            "running_since": self.running_since,
            "running_event_id": self.running_event_id,
        }


MISSING = Metrics()


def apply_events(tallies: Mapping[str, Tally], new_events: Iterable[Event]) -> Tallies:
    """The tallies with new events added; what was given is left as it was.

    Each event may be added once: the database's unique key sees to it. The order does not matter.
    """
    result: Tallies = deepcopy(dict(tallies))
    for event in new_events:
        _ADD[event.event_type](result.setdefault(str(event.target_id), {}), event)
    return result


def recompute(events: Iterable[Event]) -> Tallies:
    """The tallies of a whole session from nothing."""
    return apply_events({}, events)


def metrics(tally: Tally | None) -> Metrics:
    """The figures of one target."""
    if not tally:
        return MISSING
    stopped: dict[str, int] = tally.get("stopped", {})
    running: dict[str, str] = tally.get("running", {})
    newest = max(running, key=lambda start: (running[start], start), default=None)
    return Metrics(
        count=_positive(tally.get("count")),
        correct=_positive(tally.get(Outcome.CORRECT)),
        incorrect=_positive(tally.get(Outcome.INCORRECT)),
        prompted=_positive(tally.get(Outcome.PROMPTED)),
        no_response=_positive(tally.get(Outcome.NO_RESPONSE)),
        duration_seconds=Decimal(sum(stopped.values())) / 1000 if stopped else None,
        occurrences=len(stopped) or None,
        running_since=running[newest] if newest else None,
        running_event_id=newest,
    )


def undone_ids(tallies: Mapping[str, Tally]) -> set[UUID]:
    """The entries that were taken back."""
    return {UUID(one) for tally in tallies.values() for one in tally.get("undone", [])}


def _add_count(tally: Tally, event: Event) -> None:
    tally["count"] = tally.get("count", 0) + 1


def _add_trial(tally: Tally, event: Event) -> None:
    outcome = Outcome(event.outcome or "").value
    tally[outcome] = tally.get(outcome, 0) + 1


def _add_undo(tally: Tally, event: Event) -> None:
    undone = str(event.refers_to)
    known: list[str] = tally.setdefault("undone", [])
    if undone in known:
        # Taken back in two tabs: it was there once.
        return
    known.append(undone)
    known.sort()
    figure = event.outcome.value if event.outcome else "count"
    tally[figure] = tally.get(figure, 0) - 1


def _add_start(tally: Tally, event: Event) -> None:
    if str(event.id) not in tally.get("stopped", {}):
        started = event.occurred_at.astimezone(UTC).isoformat(timespec="milliseconds")
        tally.setdefault("running", {})[str(event.id)] = started


def _add_stop(tally: Tally, event: Event) -> None:
    start = str(event.refers_to)
    stopped: dict[str, int] = tally.setdefault("stopped", {})
    milliseconds = int((event.seconds * 1000).to_integral_value(ROUND_HALF_UP))
    # Stopped in two tabs: it ended when it was stopped first.
    stopped[start] = min(milliseconds, stopped.get(start, milliseconds))
    running: dict[str, str] = tally.get("running", {})
    running.pop(start, None)
    if not running:
        tally.pop("running", None)


_ADD = {
    EventType.COUNT: _add_count,
    EventType.TRIAL: _add_trial,
    EventType.UNDO: _add_undo,
    EventType.DURATION_START: _add_start,
    EventType.DURATION_STOP: _add_stop,
}


def _positive(value: int | None) -> int | None:
    return value if value and value > 0 else None


def _tenths(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)
