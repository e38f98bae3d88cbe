"""What a technician taps in a session, trending over the weeks as treatment works."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from billing.demo.goals import Goal
from billing.demo.rows import Batch, new_event_id, new_id
from sessions import measures
from sessions.measures import Event, EventType, Outcome

TRIALS = 14  # per target and session with a technician
PROMPTS = [level for level, _ in measures.PROMPT_LEVELS]
UNDONE = 0.01  # of counts and trials


@dataclass(frozen=True, slots=True)
class Recording:
    """A session to fill with events: `progress` runs from 0, a month ago, to 1."""

    session_id: UUID
    recorded_by: UUID
    start: datetime
    end: datetime
    progress: float


def add_events(batch: Batch, rng: Random, recording: Recording, goals: list[Goal], trials: int) -> measures.Tallies:
    """Appends the session's events; returns the figures they add up to, as the application keeps them."""
    events = sorted(_entries(rng, recording, goals, trials), key=lambda event: event.occurred_at)
    boot = new_id(rng)
    common = f"{batch.organization_id}\t{recording.session_id}"
    for sequence, event in enumerate(events, start=1):
        value, facts = _value_and_facts(rng, event)
        event_id, stamp = new_event_id(rng, event.occurred_at), event.occurred_at.isoformat()
        batch.events.append(
            f"{event_id}\t{common}\t{event.id}\t{event.target_id}\t{event.event_type}\t{stamp}\t"
            f'{value}\t{{{facts}"boot": "{boot}", "seq": {sequence}}}\t{recording.recorded_by}\t{stamp}\n'
        )
    return measures.recompute(events)


def _entries(rng: Random, recording: Recording, goals: list[Goal], trials: int) -> Iterator[Event]:
    span = (recording.end - recording.start).total_seconds() - 600
    for goal in goals:
        match goal.measure:
            case "DISCRETE_TRIAL":
                yield from _trials(rng, recording, goal, span, trials + rng.randrange(-2, 3))
            case "FREQUENCY" if trials == TRIALS:
                yield from _counts(rng, recording, goal, span)
            case "DURATION" if trials == TRIALS:
                yield from _durations(rng, recording, goal, span)


def _at(recording: Recording, seconds: float) -> datetime:
    return recording.start + timedelta(milliseconds=int(seconds * 1000))


def _trials(rng: Random, recording: Recording, goal: Goal, span: float, number: int) -> Iterator[Event]:
    """Independent answers rise from about a third to more than four fifths."""
    independent = 0.33 + 0.5 * recording.progress + rng.uniform(-0.08, 0.08)
    for _ in range(number):
        drawn = rng.random()
        if drawn < independent:
            outcome = Outcome.CORRECT
        elif drawn < independent + 0.6 * (1 - independent):
            outcome = Outcome.PROMPTED
        else:
            outcome = Outcome.INCORRECT
        at = rng.uniform(30, span)
        trial = Event(new_id(rng), goal.target_id, EventType.TRIAL, _at(recording, at), outcome)
        yield trial
        if rng.random() < UNDONE:
            yield _undo(rng, recording, trial, at)


def _counts(rng: Random, recording: Recording, goal: Goal, span: float) -> Iterator[Event]:
    """A behavior that falls from about eleven times a session to three."""
    for _ in range(max(0, round(11 - 8 * recording.progress + rng.gauss(0, 1.5)))):
        at = rng.uniform(30, span)
        count = Event(new_id(rng), goal.target_id, EventType.COUNT, _at(recording, at))
        yield count
        if rng.random() < UNDONE:
            yield _undo(rng, recording, count, at)


def _durations(rng: Random, recording: Recording, goal: Goal, span: float) -> Iterator[Event]:
    """Two to four occurrences, one after the other: tantrums become shorter, work becomes longer."""
    mean = 190 - 120 * recording.progress if goal.falls else 90 + 160 * recording.progress
    number = rng.randrange(2, 5)
    for each in range(number):
        at = span * each / number + rng.uniform(20, 60)
        seconds = Decimal(int(1000 * min(mean * rng.uniform(0.6, 1.4), span / number - 90))) / 1000
        start = Event(new_id(rng), goal.target_id, EventType.DURATION_START, _at(recording, at))
        yield start
        yield Event(
            new_id(rng),
            goal.target_id,
            EventType.DURATION_STOP,
            start.occurred_at + timedelta(seconds=float(seconds)),
            refers_to=start.id,
            seconds=seconds,
        )


def _undo(rng: Random, recording: Recording, taken_back: Event, at: float) -> Event:
    undone_at = _at(recording, at + rng.uniform(1, 6))
    return Event(
        new_id(rng), taken_back.target_id, EventType.UNDO, undone_at, taken_back.outcome, refers_to=taken_back.id
    )


def _value_and_facts(rng: Random, event: Event) -> tuple[str, str]:
    """`raw_value` and the members of `metadata` that belong to the kind of entry, as COPY reads them."""
    match event.event_type:
        case EventType.COUNT:
            return "1", ""
        case EventType.TRIAL if event.outcome is Outcome.PROMPTED:
            return "0", f'"outcome": "prompted", "prompt_level": "{rng.choice(PROMPTS)}", '
        case EventType.TRIAL:
            return ("1" if event.outcome is Outcome.CORRECT else "0"), f'"outcome": "{event.outcome}", '
        case EventType.UNDO:
            outcome = f'"outcome": "{event.outcome}", ' if event.outcome else ""
            return "\\N", f'"undoes": "{event.refers_to}", {outcome}'
        case EventType.DURATION_STOP:
            return str(event.seconds), f'"start_id": "{event.refers_to}", "monotonic_seconds": {event.seconds}, '
    return "\\N", ""
