"""No tap is lost or counted twice, whatever is delivered, and however often."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from omnirapeutic.tenancy.context import tenant
from omnirapeutic.web.permissions import Role
from sessions import events as entries
from sessions import measures
from sessions.exceptions import SessionRefused
from sessions.models import Session, SessionEvent, Target
from sessions.services import EventResult, complete_session, record_events
from tests.factories.sessions import (
    Case,
    Json,
    audited,
    build_case,
    count,
    entry,
    run,
    start_timer,
    stop_timer,
    trial,
    undo,
)

Acting = Callable[..., Any]


@pytest.fixture
def session(case: Case, acting: Acting) -> Session:
    with acting(case.rbt):
        return run(case)


@pytest.fixture
def send(case: Case, acting: Acting, session: Session) -> Callable[..., list[EventResult]]:
    """Delivers one batch, as a request of its own."""

    def deliver(*batch: Any) -> list[EventResult]:
        with acting(case.rbt):
            return record_events(session=session, events=batch, actor=case.rbt)

    return deliver


@pytest.fixture
def stored(case: Case, acting: Acting, session: Session) -> Callable[[], list[SessionEvent]]:
    def read() -> list[SessionEvent]:
        with acting(case.rbt):
            return list(SessionEvent.objects.filter(session=session))

    return read


@pytest.fixture
def figures(case: Case, acting: Acting, session: Session) -> Callable[[Target], measures.Metrics]:
    def read(target: Target) -> measures.Metrics:
        with acting(case.rbt):
            kept = Session.objects.get(id=session.id).latest_metrics or {}
        return measures.metrics(kept.get(str(target.id)))

    return read


def verdicts(results: list[EventResult]) -> list[str]:
    return [result.code or result.status for result in results]


def some_of_everything(case: Case) -> list[Json]:
    taps = [count(case.counter) for _ in range(3)]
    trials = [trial(case.trials, outcome) for outcome in ("correct", "incorrect", "prompted", "no_response")]
    start = start_timer(case.timer)
    return [
        *taps,
        *trials,
        undo(case.counter, taps[0]),
        undo(case.trials, trials[1]),
        start,
        stop_timer(case.timer, start, 95.5),
    ]


def test_a_batch_is_recorded_and_counted(
    case: Case, acting: Acting, session: Session, send: Any, stored: Any, figures: Any
) -> None:
    batch = some_of_everything(case)
    results = send(*batch)
    assert [result.as_json() for result in results] == [{"id": event["id"], "status": "ok"} for event in batch]
    assert {str(row.client_event_id) for row in stored()} == {event["id"] for event in batch}
    assert all(row.recorded_by_id == case.technician.id for row in stored())
    assert figures(case.counter).count == 2
    assert figures(case.trials).percent_independent == Decimal("33.3")
    assert figures(case.timer).duration_seconds == Decimal("95.5")
    assert session.latest_metrics == measures.recompute(map(entries.from_row, stored()))
    with acting(case.rbt):
        assert audited("RECORD_EVENTS", "session", session.id) == 1


def test_delivered_five_times_it_is_there_once(
    case: Case, acting: Acting, session: Session, send: Any, stored: Any
) -> None:
    batch = some_of_everything(case)
    first = send(*batch)
    with acting(case.rbt):
        before = Session.objects.get(id=session.id)
    for _ in range(5):
        assert send(*batch) == first
    assert len(stored()) == len(batch)
    with acting(case.rbt):
        after = Session.objects.get(id=session.id)
        assert (after.latest_metrics, after.updated_at) == (before.latest_metrics, before.updated_at)
        assert audited("RECORD_EVENTS", "session", session.id) == 1


@pytest.mark.concurrency
def test_delivered_at_once_it_is_there_once(case: Case, session: Session, at_once: Any, stored: Any) -> None:
    batch = some_of_everything(case)
    own = [[count(case.counter)] for _ in range(6)]

    def deliver(events: list[Json]) -> Callable[[], list[str]]:
        return lambda: verdicts(record_events(session=session, events=[*batch, *events], actor=case.rbt))

    answers = at_once(*[deliver(events) for events in own])
    assert all(set(answer) == {"ok"} for answer in answers)
    rows = stored()
    assert len(rows) == len(batch) + len(own)
    with tenant(case.organization_id, case.rbt.id):
        kept = Session.objects.get(id=session.id).latest_metrics
    assert kept == measures.recompute(map(entries.from_row, rows))


def test_whatever_way_the_network_cuts_and_repeats_it(case: Case, send: Any, stored: Any, session: Session) -> None:
    chance = random.Random(7)
    log = some_of_everything(case) + some_of_everything(case)
    sent = 0
    while sent < len(log):
        size = chance.randint(1, 6)
        for _ in range(chance.randint(1, 3)):
            assert set(verdicts(send(*log[max(0, sent - 3) : sent + size]))) == {"ok"}
        sent += size
    assert len(stored()) == len(log)
    assert session.latest_metrics == measures.recompute(map(entries.from_row, stored()))


def test_the_same_id_with_other_content_is_a_conflict(case: Case, send: Any, stored: Any, figures: Any) -> None:
    first = trial(case.trials, "correct")
    send(first)
    for change in (
        {"value": 0, "metadata": {**first["metadata"], "outcome": "incorrect"}},
        {"target_id": str(case.counter.id), "event_type": "count", "value": 1, "metadata": {}},
        {"occurred_at": "2026-03-05T10:00:00Z"},
        {"metadata": {**first["metadata"], "seq": 2}},
    ):
        assert verdicts(send({**first, **change})) == ["EVENT_CONFLICT"]
    assert len(stored()) == 1
    assert figures(case.trials).correct == 1


def test_an_id_twice_in_a_batch(case: Case, send: Any, stored: Any) -> None:
    one = count(case.counter)
    assert verdicts(send(one, dict(one))) == ["ok", "ok"]
    two = count(case.counter)
    assert verdicts(send(two, {**two, "occurred_at": "2026-03-05T10:00:00Z"})) == ["ok", "EVENT_CONFLICT"]
    assert len(stored()) == 2


POISON: list[tuple[str, Any]] = [
    ("no object", "tap"),
    ("nothing", None),
    ("no id", {"id": None}),
    ("an id that is none", {"id": "1"}),
    ("a number for an id", {"id": 17}),
    ("an unknown kind", {"event_type": "reward"}),
    ("a list for a kind", {"event_type": ["count"]}),
    ("a target that is no id", {"target_id": "x"}),
    ("no target", {"target_id": None}),
    ("no time", {"occurred_at": None}),
    ("a time without a zone", {"occurred_at": "2026-03-05T10:00:00"}),
    ("a time of no calendar", {"occurred_at": "2026-02-31T10:00:00Z"}),
    ("a time before our years", {"occurred_at": "0001-01-01T00:00:00+14:00"}),
    ("two at once", {"value": 2}),
    ("half a tap", {"value": 0.5}),
    ("less than none", {"value": -1}),
    ("true for one", {"value": True}),
    ("words for one", {"value": "1"}),
    ("infinity", {"value": float("inf")}),
    ("no number at all", {"value": float("nan")}),
    ("metadata that is a list", {"metadata": [1]}),
    ("nested metadata", {"metadata": {"a": {"b": 1}}}),
    ("a null character", {"metadata": {"note": "a\x00b"}}),
    ("a null character in a name", {"metadata": {"a\x00b": 1}}),
    ("half a surrogate pair", {"metadata": {"note": "\ud800"}}),
    ("a number beyond any", {"metadata": {"seq": 10**40}}),
    ("an infinite fact", {"metadata": {"x": float("inf")}}),
    ("a text too long", {"metadata": {"note": "x" * 101}}),
    ("facts too many", {"metadata": {f"k{number}": 1 for number in range(21)}}),
    ("an outcome of a count", {"metadata": {"outcome": "correct"}}),
]


@pytest.mark.parametrize("poison", [poison for _, poison in POISON], ids=[name for name, _ in POISON])
def test_a_bad_entry_never_stops_the_others(case: Case, send: Any, stored: Any, poison: Any) -> None:
    bad = {**count(case.counter), **poison} if isinstance(poison, dict) else poison
    results = send(count(case.counter), bad, count(case.counter))
    assert verdicts(results) == ["ok", "EVENT_INVALID", "ok"]
    assert len(stored()) == 2


def test_a_measure_takes_only_its_own_kind_of_entry(case: Case, send: Any, stored: Any) -> None:
    wrong = [
        count(case.trials),
        trial(case.timer),
        start_timer(case.counter),
        trial(case.trials, "perhaps"),
        entry(case.trials, "trial", 1),
        entry(case.timer, "undo", undoes=str(uuid.uuid4())),
        entry(case.timer, "duration_stop", None, start_id=str(uuid.uuid4())),
        entry(case.timer, "duration_stop", 5),
        entry(case.counter, "undo"),
    ]
    assert set(verdicts(send(*wrong))) == {"EVENT_INVALID"}
    assert stored() == []


def test_only_the_clients_own_targets(case: Case, acting: Acting, send: Any) -> None:
    with acting(case.rbt):
        unknown = [Target(id=uuid.uuid4()), case.clinic.target]
    assert verdicts(send(*map(count, unknown))) == ["TARGET_UNKNOWN", "TARGET_UNKNOWN"]


def test_an_undo_or_stop_of_nothing(case: Case, acting: Acting, send: Any, figures: Any) -> None:
    with acting(case.rbt):
        earlier = run(case, hours_ago=9)
        elsewhere = count(case.counter)
        record_events(session=earlier, events=[elsewhere], actor=case.rbt)
    tap, answer, start = count(case.counter), trial(case.trials, "correct"), start_timer(case.timer)
    send(tap, answer, start)
    assert verdicts(
        send(
            undo(case.counter, count(case.counter)),  # never recorded
            undo(case.counter, elsewhere),  # another session's
            undo(case.trials, tap),  # another target's
            undo(case.trials, answer | {"metadata": {"outcome": "x"}}),  # no outcome
            undo(case.trials, answer | {"metadata": {"outcome": "incorrect"}}),  # not as it was
            stop_timer(case.timer, count(case.counter), 5),
            stop_timer(case.timer, tap, 5),
        )
    ) == [
        *["REFERENCE_UNKNOWN"] * 3,
        "EVENT_INVALID",
        "EVENT_INVALID",
        *["REFERENCE_UNKNOWN"] * 2,
    ]
    assert figures(case.counter).count == 1
    assert figures(case.trials).correct == 1
    assert figures(case.timer).running_event_id == start["id"]


def test_an_undo_of_a_refused_entry_is_refused_too(case: Case, send: Any) -> None:
    bad = count(case.counter) | {"value": 3}
    assert verdicts(send(bad, undo(case.counter, bad))) == ["EVENT_INVALID", "REFERENCE_UNKNOWN"]


def test_an_ended_session_takes_nothing_more_but_knows_what_it_holds(
    case: Case, acting: Acting, session: Session, send: Any, stored: Any
) -> None:
    known = count(case.counter)
    send(known)
    with acting(case.rbt):
        complete_session(session=session, actor=case.rbt)
    late = count(case.counter)
    assert verdicts(send(known, late, known | {"metadata": {}})) == ["ok", "SESSION_CLOSED", "EVENT_CONFLICT"]
    assert len(stored()) == 1


def test_an_id_of_another_session_is_a_conflict(case: Case, acting: Acting, send: Any) -> None:
    with acting(case.rbt):
        earlier = run(case, hours_ago=9)
        known = count(case.counter)
        record_events(session=earlier, events=[known], actor=case.rbt)
    assert verdicts(send(known)) == ["EVENT_CONFLICT"]


def test_another_clinics_id_neither_collides_nor_shows(case: Case, clinic_b: Any, send: Any) -> None:
    theirs = build_case(clinic_b)
    with tenant(theirs.organization_id, theirs.rbt.id, email=theirs.rbt.email):
        tap = count(theirs.counter)
        record_events(session=run(theirs), events=[tap], actor=theirs.rbt)
    assert verdicts(send(count(case.counter) | {"id": tap["id"]})) == ["ok"]


def test_only_the_provider_records(case: Case, acting: Acting, session: Session, stored: Any) -> None:
    with pytest.raises(SessionRefused) as caught, acting(case.bcba):
        record_events(session=session, events=[count(case.counter)], actor=case.bcba)
    assert caught.value.code == "NOT_OWN_SESSION"
    assert stored() == []


def test_a_batch_has_a_limit(case: Case, send: Any) -> None:
    with pytest.raises(ValueError, match="Too many"):
        send(*[None] * 501)


def test_the_number_of_statements_does_not_grow(case: Case, send: Any, statements: Any) -> None:
    def batch(size: int) -> list[Json]:
        taps = [count(case.counter) for _ in range(size)]
        return [*taps, *[undo(case.counter, tap) for tap in taps[::2]]]

    send(count(case.counter))  # the person as a provider is now known, as in every request
    few, many = statements(lambda: send(*batch(1))), statements(lambda: send(*batch(200)))
    assert len(few) == len(many) <= 10
    assert sum("INSERT INTO session_events" in sql for sql in many) == 1
    nothing_new = batch(50)
    send(*nothing_new)
    assert len(statements(lambda: send(*nothing_new))) < len(many)


def test_a_running_timer_of_an_earlier_page_is_stopped(case: Case, send: Any, figures: Any) -> None:
    start = start_timer(case.timer)
    send(start)
    assert figures(case.timer).running_event_id == start["id"]
    send(stop_timer(case.timer, start, 30))
    assert figures(case.timer).running_since is None
    assert figures(case.timer).occurrences == 1


def test_roles_other_than_providers_have_no_sessions(case: Case) -> None:
    from sessions.permissions import own_sessions

    with case.clinic.work_as(Role.BILLER):
        assert not own_sessions(case.clinic.users[Role.BILLER]).exists()
