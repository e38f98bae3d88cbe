"""The end of a session: whole minutes, units by the payer's rule, the reservation settled in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from clinic.models import Authorization, UnitMovement
from scheduling.models import Appointment
from sessions.exceptions import SessionRefused
from sessions.models import Session
from sessions.services import complete_session
from tests.factories.sessions import Case, audited, build_case, run
from tests.support.clinics import Clinic

Acting = Callable[..., Any]


def end(case: Case, acting: Acting, session: Session, minutes: float | None = None) -> Session:
    """Ends a session some minutes after it began, or now."""
    at = None if minutes is None else session.start_time + timedelta(minutes=minutes)
    with acting(case.rbt):
        return complete_session(session=session, end=at, actor=case.rbt)


def running(case: Case, acting: Acting, **options: Any) -> Session:
    with acting(case.rbt):
        return run(case, **options)


def test_as_booked(case: Case, acting: Acting, balance: Any) -> None:
    session = running(case, acting, since=130, booked=120)
    end(case, acting, session, 120)
    with acting(case.rbt):
        ended = Session.objects.get(id=session.id)
        assert (ended.status, ended.duration_minutes, ended.billed_units, ended.excess_units) == (
            "COMPLETED",
            120,
            8,
            0,
        )
        assert ended.end_time == session.start_time + timedelta(minutes=120)
        assert ended.rounding_rule == "AMA_MIDPOINT/SUM_THEN_ROUND"
        assert Appointment.objects.get(id=session.appointment_id).status == "COMPLETED"
        assert audited("COMPLETE", "session", session.id) == 1
    assert balance() == (0, 8)


def test_now_when_nothing_else_is_said(case: Case, acting: Acting) -> None:
    ended = end(case, acting, running(case, acting, since=61))
    assert ended.duration_minutes == 61
    assert ended.billed_units == 4


def test_only_whole_minutes_count(case: Case, acting: Acting) -> None:
    ended = end(case, acting, running(case, acting, since=60), 22.99)
    assert (ended.duration_minutes, ended.billed_units) == (22, 1)


def test_shorter_gives_back_the_rest(case: Case, acting: Acting, balance: Any) -> None:
    end(case, acting, running(case, acting, since=130, booked=120), 50)
    assert balance() == (0, 3)


def test_too_short_for_a_unit_gives_everything_back(case: Case, acting: Acting, balance: Any) -> None:
    ended = end(case, acting, running(case, acting), 7)
    assert (ended.status, ended.billed_units, ended.excess_units) == ("COMPLETED", 0, 0)
    assert balance() == (0, 0)


def test_longer_takes_what_is_free(case: Case, acting: Acting, balance: Any) -> None:
    ended = end(case, acting, running(case, acting, since=200, booked=120), 180)
    assert (ended.status, ended.billed_units) == ("COMPLETED", 12)
    assert balance() == (0, 12)


def test_beyond_the_letter_is_excess_and_needs_a_review(case: Case, acting: Acting, balance: Any) -> None:
    session = running(case, acting, since=200, booked=120)
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(total_units=10)
    ended = end(case, acting, session, 180)
    assert (ended.status, ended.billed_units, ended.excess_units) == ("REQUIRES_REVIEW", 10, 2)
    assert balance() == (0, 10)


def test_ended_five_times_it_is_settled_once(case: Case, acting: Acting, balance: Any) -> None:
    session = running(case, acting, since=100)
    first = end(case, acting, session, 60)
    for _ in range(5):
        again = end(case, acting, session, 90)
        assert (again.end_time, again.billed_units) == (first.end_time, 4)
    with acting(case.rbt):
        assert UnitMovement.objects.filter(session_id=session.id).count() == 1
        assert audited("COMPLETE", "session", session.id) == 1
    assert balance() == (0, 4)


@pytest.mark.concurrency
def test_ended_at_once_it_is_settled_once(case: Case, acting: Acting, at_once: Any, balance: Any) -> None:
    session = running(case, acting, since=60)
    ends = at_once(*[lambda: complete_session(session=session, actor=case.rbt).end_time] * 6)
    assert len(set(ends)) == 1
    assert balance() == (0, 4)


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(-5, "END_BEFORE_START"), (600, "END_IN_FUTURE")],
)
def test_it_ends_after_it_began_and_not_in_the_future(
    case: Case, acting: Acting, balance: Any, minutes: int, code: str
) -> None:
    session = running(case, acting)
    with pytest.raises(SessionRefused) as refused:
        end(case, acting, session, minutes)
    assert refused.value.code == code
    assert balance() == (8, 0)


def test_a_forgotten_session_wants_its_true_end(case: Case, acting: Acting) -> None:
    session = running(case, acting, hours_ago=25)
    with pytest.raises(SessionRefused) as refused:
        end(case, acting, session)
    assert refused.value.code == "END_TOO_LONG"
    assert end(case, acting, session, 60).billed_units == 4


def test_given_to_the_minute_within_its_first_minute(case: Case, acting: Acting) -> None:
    session = running(case, acting, since=1)
    at = session.start_time.replace(second=0, microsecond=0)
    with acting(case.rbt):
        assert complete_session(session=session, end=at, actor=case.rbt).duration_minutes == 0


def test_only_the_provider_ends_it(case: Case, acting: Acting) -> None:
    session = running(case, acting)
    with pytest.raises(SessionRefused) as refused, acting(case.bcba):
        complete_session(session=session, actor=case.bcba)
    assert refused.value.code == "NOT_OWN_SESSION"


def test_the_database_refuses_units_that_were_not_settled(case: Case, acting: Acting) -> None:
    session = running(case, acting)
    with pytest.raises(IntegrityError), acting(case.rbt):
        Session.objects.filter(id=session.id).update(status="COMPLETED", billed_units=8, end_time=timezone.now())


# --- two sessions of one day ----------------------------------------------------------------------------------------


def two_of_a_day(case: Case, acting: Acting) -> list[int | None]:
    """The units of two sessions of 22 minutes of one code, one client, provider and day."""
    sessions = [running(case, acting, hours_ago=hours, booked=30) for hours in (5, 2)]
    return [end(case, acting, session, 22).billed_units for session in sessions]


def test_added_then_rounded(case: Case, acting: Acting, balance: Any) -> None:
    assert two_of_a_day(case, acting) == [1, 2]
    assert balance() == (0, 3)


@pytest.mark.parametrize(
    ("rule", "scope", "units"),
    [
        ("AMA_MIDPOINT", "ROUND_EACH", [1, 1]),
        ("AMA_MIDPOINT", "SUM_THEN_ROUND", [1, 2]),
        ("CMS_8_MINUTE", "SUM_THEN_ROUND", [1, 2]),
    ],
)
def test_by_the_payers_setting(clinic_a: Clinic, acting: Acting, rule: str, scope: str, units: list[int]) -> None:
    case = build_case(clinic_a, rounding_rule=rule, rounding_scope=scope)
    assert two_of_a_day(case, acting) == units
    with acting(case.rbt):
        assert set(Session.objects.filter(patient=case.patient).values_list("rounding_rule", flat=True)) == {
            f"{rule}/{scope}"
        }


@pytest.mark.concurrency
def test_two_ends_at_once_do_not_round_up_twice(case: Case, acting: Acting, at_once: Any) -> None:
    """8 + 8 minutes are 16: one unit. Each by itself would be one, and the sum of both two."""
    sessions = [running(case, acting, hours_ago=hours, booked=30) for hours in (5, 2)]

    def ending(session: Session) -> Callable[[], int | None]:
        at = session.start_time + timedelta(minutes=8)
        return lambda: complete_session(session=session, end=at, actor=case.rbt).billed_units

    assert sorted(at_once(*map(ending, sessions))) == [0, 1]


def test_another_days_session_is_not_added(case: Case, acting: Acting) -> None:
    first = running(case, acting, hours_ago=5, booked=30)
    with acting(case.rbt):
        Session.objects.filter(id=first.id).update(service_date=case.today - timedelta(days=1))
    assert end(case, acting, first, 22).billed_units == 1
    assert end(case, acting, running(case, acting, hours_ago=2, booked=30), 22).billed_units == 1


def test_excess_of_the_first_is_not_billed_with_the_second(case: Case, acting: Acting) -> None:
    first = running(case, acting, hours_ago=6, booked=15)
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(total_units=1)
    assert end(case, acting, first, 60).excess_units == 3
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(total_units=100, status="ACTIVE")
    assert end(case, acting, running(case, acting, hours_ago=2, booked=30), 30).billed_units == 2


def test_a_session_from_before_the_date_of_service_was_kept(case: Case, acting: Acting) -> None:
    session = running(case, acting, since=61)
    with acting(case.rbt):
        Session.objects.filter(id=session.id).update(service_date=None)
    session.service_date = None
    ended = end(case, acting, session)
    assert ended.service_date == case.today
    assert ended.billed_units == 4


def test_the_number_of_statements_does_not_grow(case: Case, acting: Acting, statements: Any) -> None:
    def ended_after(hours: float) -> list[str]:
        session = running(case, acting, hours_ago=hours, booked=15)
        found: list[str] = statements(lambda: end(case, acting, session, 10))
        return found

    ended_after(14)  # the person as a provider is now known, as in every request
    first = ended_after(12)
    for hours in (10, 8, 6):
        last = ended_after(hours)
    assert len(last) == len(first) <= 13


def test_times_are_instants(case: Case, acting: Acting) -> None:
    session = running(case, acting, since=90)
    at = (session.start_time + timedelta(minutes=60)).astimezone(UTC)
    with acting(case.rbt):
        ended = complete_session(session=session, end=at, actor=case.rbt)
    assert ended.end_time == at
    assert isinstance(ended.end_time, datetime)
