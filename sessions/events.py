"""Entries as a tablet sends them: read, checked one by one, never trusted.

One entry: {"id": uuid, "event_type": …, "target_id": uuid, "value": number or null, "occurred_at": ISO time with zone,
"metadata": flat object}. `metadata` names the outcome of a trial, the entry that an undo takes back ("undoes"), the
start that a stop ends ("start_id").
"""

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sessions.measures import Event, EventType, Outcome
from sessions.models import SessionEvent, Target

Word = TypeVar("Word", EventType, Outcome)

INVALID = "EVENT_INVALID"
MAX_METADATA_KEYS = 20
MAX_METADATA_TEXT = 100
MAX_INTEGER = 2**53
# Beyond these a tablet's clock is not merely wrong, and the database's years may not be ours.
FIRST_YEAR, LAST_YEAR = 2000, 2100
LONGEST_SECONDS = 24 * 60 * 60

MEASURE_OF = {
    EventType.COUNT: Target.Measure.FREQUENCY,
    EventType.TRIAL: Target.Measure.DISCRETE_TRIAL,
    EventType.DURATION_START: Target.Measure.DURATION,
    EventType.DURATION_STOP: Target.Measure.DURATION,
}
UNDOABLE = {Target.Measure.FREQUENCY, Target.Measure.DISCRETE_TRIAL}


class EventRejected(ValueError):
    """An entry that cannot be counted; `code` says why."""

    def __init__(self, code: str = INVALID) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry whose form is right: what the figures need, and what is stored."""

    event: Event
    value: float | int | None
    metadata: dict[str, Any]

    def row(self) -> dict[str, Any]:
        return {
            "id": str(self.event.id),
            "target_id": str(self.event.target_id),
            "event_type": self.event.event_type.value,
            "occurred_at": self.event.occurred_at.isoformat(),
            "value": self.value,
            "metadata": self.metadata,
        }


def parse(raw: Any) -> Entry:
    """Reads one entry. Raises `EventRejected`."""
    if not isinstance(raw, dict):
        raise EventRejected
    metadata = _metadata(raw.get("metadata"))
    event_type = _word(EventType, raw.get("event_type"))
    value = _number(raw.get("value"))
    event = Event(
        id=_uuid(raw.get("id")),
        target_id=_uuid(raw.get("target_id")),
        event_type=event_type,
        occurred_at=_instant(raw.get("occurred_at")),
        outcome=_word(Outcome, metadata["outcome"]) if metadata.get("outcome") is not None else None,
        refers_to=_reference(event_type, metadata),
        seconds=_seconds(event_type, value),
    )
    if event_type is EventType.COUNT and value != 1:
        # One tap is one: a number would make an undo ambiguous.
        raise EventRejected
    if (event.outcome is not None) != (event_type is EventType.TRIAL) and event_type is not EventType.UNDO:
        raise EventRejected
    return Entry(event, value, metadata)


def from_row(row: SessionEvent) -> Event:
    """A stored event as the figures see it."""
    metadata = row.metadata or {}
    event_type = EventType(row.event_type)
    if row.target_id is None or row.event_timestamp is None:
        raise ValueError("The event is not one that is counted.")
    return Event(
        id=row.client_event_id,
        target_id=row.target_id,
        event_type=event_type,
        occurred_at=row.event_timestamp,
        outcome=Outcome(metadata["outcome"]) if metadata.get("outcome") is not None else None,
        refers_to=_reference(event_type, metadata),
        seconds=row.raw_value if event_type is EventType.DURATION_STOP and row.raw_value else Decimal(0),
    )


def check_reference(entry: Event, referred: Event | None) -> None:
    """An undo takes back a count or trial of its own target, a stop ends a start of its own target."""
    if entry.event_type not in (EventType.UNDO, EventType.DURATION_STOP):
        return
    if referred is None or referred.target_id != entry.target_id:
        raise EventRejected("REFERENCE_UNKNOWN")
    if entry.event_type is EventType.DURATION_STOP:
        fits = referred.event_type is EventType.DURATION_START
    else:
        fits = referred.event_type in (EventType.COUNT, EventType.TRIAL) and referred.outcome == entry.outcome
    if not fits:
        raise EventRejected


def check_target(entry: Event, measure: str | None) -> None:
    """The target is one of the client's, and is measured in this way."""
    if measure is None:
        raise EventRejected("TARGET_UNKNOWN")
    measured_so = UNDOABLE if entry.event_type is EventType.UNDO else {MEASURE_OF[entry.event_type]}
    if measure not in measured_so:
        raise EventRejected


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else _reject()
    except ValueError as error:
        raise EventRejected from error


def _word(words: type[Word], value: Any) -> Word:
    try:
        return words(value)
    except (ValueError, TypeError) as error:
        raise EventRejected from error


def _instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else _reject()
    except ValueError as error:
        raise EventRejected from error
    if instant.tzinfo is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise EventRejected
    return instant


def _number(value: Any) -> float | int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EventRejected
    if not 0 <= value <= LONGEST_SECONDS:
        raise EventRejected
    return value


def _seconds(event_type: EventType, value: float | int | None) -> Decimal:
    if event_type is not EventType.DURATION_STOP:
        return Decimal(0)
    return Decimal(str(value)) if value is not None else _reject()


def _reference(event_type: EventType, metadata: dict[str, Any]) -> UUID | None:
    if event_type is EventType.UNDO:
        return _uuid(metadata.get("undoes"))
    if event_type is EventType.DURATION_STOP:
        return _uuid(metadata.get("start_id"))
    return None


def _metadata(value: Any) -> dict[str, Any]:
    """A flat object of short values that PostgreSQL can store: one bad entry must not fail the others' statement."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_METADATA_KEYS:
        raise EventRejected
    for key, item in value.items():
        _text(key)
        if isinstance(item, str):
            _text(item)
        elif isinstance(item, float):
            if not math.isfinite(item):
                raise EventRejected
        elif item is not None and not (isinstance(item, int) and abs(item) <= MAX_INTEGER):
            raise EventRejected
    return value


def _text(value: str) -> None:
    if len(value) > MAX_METADATA_TEXT or "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise EventRejected


def _reject() -> Any:
    raise EventRejected
