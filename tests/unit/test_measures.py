"""Figures from events: what counts, what is missing, and that keeping them up is the same as counting again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.measures import MISSING, Event, EventType, Metrics, Outcome, apply_events, metrics, recompute, undone_ids

T0 = datetime(2026, 3, 5, 21, 0, tzinfo=UTC)
COUNTER, TRIALS, TIMER = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)


def entry(target: uuid.UUID, kind: EventType, second: int = 0, **facts: object) -> Event:
    return Event(uuid.uuid4(), target, kind, T0 + timedelta(seconds=second), **facts)  # type: ignore[arg-type]


def undo(event: Event) -> Event:
    return entry(event.target_id, EventType.UNDO, outcome=event.outcome, refers_to=event.id)


def stop(start: Event, seconds: str) -> Event:
    return entry(start.target_id, EventType.DURATION_STOP, refers_to=start.id, seconds=Decimal(seconds))


def figures(*events: Event) -> Metrics:
    tallies = recompute(events)
    (tally,) = tallies.values()
    return metrics(tally)


def test_nothing_entered_is_missing_never_zero() -> None:
    assert metrics(None) == metrics({}) == MISSING
    assert MISSING.is_missing
    assert MISSING.count is None
    assert MISSING.percent_independent is None
    assert MISSING.duration_seconds is None
    assert MISSING.mean_seconds is None
    assert MISSING.rate_per_hour(60) is None


def test_taps_are_counted_and_the_rate_is_per_observed_hour() -> None:
    counted = figures(*(entry(COUNTER, EventType.COUNT, second) for second in range(6)))
    assert counted.count == 6
    assert counted.rate_per_hour(90) == Decimal("4.0")
    assert counted.rate_per_hour(0) is None
    assert counted.rate_per_hour(None) is None


def test_what_was_taken_back_was_not_entered() -> None:
    first, second = entry(COUNTER, EventType.COUNT), entry(COUNTER, EventType.COUNT)
    assert figures(first, second, undo(second)).count == 1
    assert figures(first, undo(first)).is_missing
    tallies = recompute([first, second, undo(second)])
    assert undone_ids(tallies) == {second.id}


def test_taken_back_in_two_tabs_is_taken_back_once() -> None:
    first, second = entry(COUNTER, EventType.COUNT), entry(COUNTER, EventType.COUNT)
    assert figures(first, second, undo(second), undo(second)).count == 1


def test_percent_independent_is_of_scored_opportunities() -> None:
    trials = [
        entry(TRIALS, EventType.TRIAL, outcome=outcome)
        for outcome in (Outcome.CORRECT, Outcome.CORRECT, Outcome.INCORRECT, Outcome.PROMPTED, Outcome.NO_RESPONSE)
    ]
    scored = figures(*trials)
    assert (scored.correct, scored.incorrect, scored.prompted, scored.no_response) == (2, 1, 1, 1)
    assert scored.scored == 5
    assert scored.percent_independent == Decimal("40.0")
    assert figures(*trials, undo(trials[2])).percent_independent == Decimal("50.0")
    thirds = figures(*trials[:3], undo(trials[0]), trials[3])
    assert thirds.percent_independent == Decimal("33.3")


def test_durations_add_up_and_have_a_mean() -> None:
    one, two = entry(TIMER, EventType.DURATION_START, 0), entry(TIMER, EventType.DURATION_START, 100)
    timed = figures(one, stop(one, "95.5"), two, stop(two, "10.25"))
    assert timed.occurrences == 2
    assert timed.duration_seconds == Decimal("105.75")
    assert timed.mean_seconds == Decimal("52.9")
    assert timed.running_since is None


def test_a_timer_that_was_not_stopped_runs() -> None:
    start = entry(TIMER, EventType.DURATION_START, 7)
    running = figures(start)
    assert running.running_since == "2026-03-05T21:00:07.000+00:00"
    assert running.running_event_id == str(start.id)
    assert running.occurrences is None
    assert not running.is_missing


def test_stopped_in_two_tabs_it_ended_when_it_was_stopped_first() -> None:
    start = entry(TIMER, EventType.DURATION_START)
    for stops in ([stop(start, "5"), stop(start, "9")], [stop(start, "9"), stop(start, "5")]):
        timed = figures(start, *stops)
        assert (timed.occurrences, timed.duration_seconds) == (1, Decimal(5))


def test_the_answer_has_a_name_for_every_figure() -> None:
    assert MISSING.as_json() == dict.fromkeys(
        [
            "count", "correct", "incorrect", "prompted", "no_response",
            "duration_seconds", "occurrences", "running_since", "running_event_id",
        ]
    )  # fmt: skip


def test_what_was_kept_is_not_changed() -> None:
    kept = recompute([entry(COUNTER, EventType.COUNT)])
    before = json.dumps(kept)
    apply_events(kept, [entry(COUNTER, EventType.COUNT)])
    assert json.dumps(kept) == before


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """A session's events: taps, trials, timers, some taken back or stopped, some twice."""
    events: list[Event] = []
    for second in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(["count", "trial", "timer", "running"]))
        if kind == "count":
            made = [entry(COUNTER, EventType.COUNT, second)]
        elif kind == "trial":
            made = [entry(TRIALS, EventType.TRIAL, second, outcome=draw(st.sampled_from(list(Outcome))))]
        else:
            made = [entry(TIMER, EventType.DURATION_START, second)]
        if kind in ("count", "trial"):
            made += [undo(made[0]) for _ in range(draw(st.integers(0, 2)))]
        elif kind == "timer":
            seconds = st.decimals(0, 900, places=3)
            made += [stop(made[0], str(draw(seconds))) for _ in range(draw(st.integers(1, 2)))]
        events += made
    return events


@given(logs(), st.data())
def test_keeping_up_is_counting_again_in_any_order_and_any_batches(log: list[Event], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(log))
    kept: dict[str, dict[str, object]] = {}
    for batch in batches(shuffled, data.draw(st.integers(1, 5))):
        # Through JSON, as the database keeps it between two requests.
        kept = json.loads(json.dumps(apply_events(kept, batch)))
    assert kept == recompute(log)


def batches(events: Sequence[Event], size: int) -> list[Sequence[Event]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


@given(logs())
def test_a_count_is_the_number_of_taps_that_were_not_taken_back(log: list[Event]) -> None:
    undone = {event.refers_to for event in log if event.event_type is EventType.UNDO}
    left = [event for event in log if event.event_type is EventType.COUNT and event.id not in undone]
    assert metrics(recompute(log).get(str(COUNTER))).count == (len(left) or None)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_scored(outcome: Outcome) -> None:
    assert figures(entry(TRIALS, EventType.TRIAL, outcome=outcome)).scored == 1
