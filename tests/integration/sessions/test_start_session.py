"""The gatekeeper: who may start what, when, and on which authorization; a double tap is one session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.utils import timezone

from clinic.models import Authorization, Organization, StaffMember, UnitMovement
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions.exceptions import SessionRefused
from sessions.models import Session
from sessions.services import start_session
from sessions.start_window import StartWindow
from tests.factories.sessions import Case, add_provider, audited, book

Acting = Callable[..., Any]


def refused(case: Case, acting: Acting, appointment: Appointment, actor: Any = None) -> str:
    """The code of the refusal; nothing is left behind."""
    with pytest.raises(SessionRefused) as caught, acting(case.rbt):
        start_session(appointment=appointment, actor=actor or case.rbt)
    with acting(case.rbt):
        assert not Session.objects.filter(appointment=appointment).exists()
    assert caught.value.message
    return caught.value.code


@pytest.fixture
def appointment(case: Case, acting: Acting) -> Appointment:
    with acting(case.rbt):
        return book(case)


def test_a_session_starts_now_on_its_own_booking(case: Case, acting: Acting, appointment: Appointment) -> None:
    with acting(case.rbt):
        session = start_session(appointment=appointment, actor=case.rbt)
    with acting(case.rbt):
        stored = Session.objects.get(id=session.id)
        assert (stored.patient_id, stored.provider_id) == (case.patient.id, case.technician.id)
        assert (stored.authorization_id, stored.service_code) == (case.authorization.id, "97153")
        assert (stored.status, stored.service_date, stored.location) == ("IN_PROGRESS", case.today, "HOME")
        assert abs(stored.start_time - timezone.now()) < timedelta(seconds=20)
        assert Appointment.objects.get(id=appointment.id).status == "IN_PROGRESS"
        assert audited("CREATE", "session", session.id) == 1


def test_starting_again_is_the_same_session(case: Case, acting: Acting, appointment: Appointment) -> None:
    started = set()
    for _ in range(5):
        with acting(case.rbt):
            started.add(start_session(appointment=appointment, actor=case.rbt).id)
    with acting(case.rbt):
        assert len(started) == Session.objects.filter(appointment=appointment).count() == 1
        assert audited("CREATE", "session", started.pop()) == 1


@pytest.mark.concurrency
def test_tapped_at_once_it_is_one_session(case: Case, acting: Acting, appointment: Appointment, at_once: Any) -> None:
    def start() -> Any:
        return start_session(appointment=appointment, actor=case.rbt).id

    assert len(set(at_once(*[start] * 8))) == 1
    with acting(case.rbt):
        assert Session.objects.filter(appointment=appointment).count() == 1


def test_nothing_is_reserved_or_given_back(case: Case, acting: Acting, appointment: Appointment, balance: Any) -> None:
    with acting(case.rbt):
        start_session(appointment=appointment, actor=case.rbt)
    assert balance() == (8, 0)


def test_somebody_elses_appointment(case: Case, acting: Acting, appointment: Appointment) -> None:
    assert refused(case, acting, appointment, actor=case.bcba) == "NOT_OWN_APPOINTMENT"


@pytest.mark.parametrize("status", ["CANCELLED", "NO_SHOW", "LAPSED"])
def test_an_appointment_that_does_not_take_place(
    case: Case, acting: Acting, appointment: Appointment, status: str
) -> None:
    from omnirapeutic.db.functions import release_session_units

    with acting(case.rbt):
        Appointment.objects.filter(id=appointment.id).update(status=status)
        release_session_units(appointment_id=appointment.id, idempotency_key=f"cancel:{appointment.id}")
    assert refused(case, acting, appointment) == "APPOINTMENT_CANCELLED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start_date": 1, "end_date": 30}, "AUTH_NOT_STARTED"),
        ({"start_date": -30, "end_date": -1}, "AUTH_EXPIRED"),
        ({"status": "EXPIRED"}, "AUTH_EXPIRED"),
        ({"status": "CANCELLED"}, "AUTH_CANCELLED"),
        ({"status": "PENDING"}, "AUTH_PENDING"),
    ],
)
def test_the_authorization_is_valid_on_the_date_of_service(
    case: Case, acting: Acting, appointment: Appointment, change: dict[str, Any], code: str
) -> None:
    dated = {
        name: case.today + timedelta(days=value) if isinstance(value, int) else value for name, value in change.items()
    }
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(**dated)
    assert refused(case, acting, appointment) == code


def test_on_the_last_day_of_the_letter(case: Case, acting: Acting, appointment: Appointment) -> None:
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(end_date=case.today)
    with acting(case.rbt):
        assert start_session(appointment=appointment, actor=case.rbt).status == "IN_PROGRESS"


def test_a_pending_letter_where_the_clinic_allows_it(case: Case, acting: Acting, appointment: Appointment) -> None:
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(status="PENDING")
        Organization.objects.filter(id=case.organization_id).update(schedule_pending_authorizations=True)
    with acting(case.rbt):
        assert start_session(appointment=appointment, actor=case.rbt).status == "IN_PROGRESS"


def test_an_exhausted_letter_still_holds_what_it_reserved(case: Case, acting: Acting) -> None:
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(total_units=8)
        appointment = book(case)
        assert Authorization.objects.get(id=case.authorization.id).status == "EXHAUSTED"
    with acting(case.rbt):
        assert start_session(appointment=appointment, actor=case.rbt).status == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"is_active": False}, "PROVIDER_INACTIVE"),
        ({"credential": None}, "CREDENTIAL_MISSING"),
        ({"license_expiration": -1}, "CREDENTIAL_EXPIRED"),
    ],
)
def test_the_credential_holds_on_that_day(
    case: Case, acting: Acting, appointment: Appointment, change: dict[str, Any], code: str
) -> None:
    if "license_expiration" in change:
        change = {"license_expiration": case.today - timedelta(days=1)}
    case.rbt.staff_member_id = case.technician.id
    with acting(case.rbt):
        StaffMember.objects.filter(id=case.technician.id).update(**change)
    assert refused(case, acting, appointment) == code


def test_a_service_that_needs_an_analyst(case: Case, acting: Acting) -> None:
    with acting(case.rbt):
        line = Authorization.objects.create(
            organization_id=case.organization_id,
            patient=case.patient,
            service_code="97155",
            total_units=50,
            start_date=case.today,
            end_date=case.today,
            status="ACTIVE",
        )
        appointment = book(case, authorization=line)
    assert refused(case, acting, appointment) == "CREDENTIAL_MISSING"


def test_only_near_its_time(case: Case, acting: Acting) -> None:
    with acting(case.rbt):
        tomorrow = book(case, timezone.now() + timedelta(hours=26))
        before = book(case, timezone.now() - timedelta(hours=30))
    assert refused(case, acting, tomorrow) == "TOO_EARLY"
    assert refused(case, acting, before) == "TOO_LATE"


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("booked", "opens", "closes"),
    [
        # An hour before, until midnight where the clinic is.
        ("2026-03-05T16:00", "2026-03-05T20:00Z", "2026-03-06T05:00Z"),
        # Never on the day before: the units are reserved for the date of service.
        ("2026-03-05T00:20", "2026-03-05T05:00Z", "2026-03-06T05:00Z"),
        # The day on which the clocks change has 23 hours.
        ("2026-03-08T09:00", "2026-03-08T12:00Z", "2026-03-09T04:00Z"),
    ],
)
def test_the_window_in_which_a_session_may_start(booked: str, opens: str, closes: str) -> None:
    start = datetime.fromisoformat(booked).replace(tzinfo=NEW_YORK)
    window = StartWindow.of(Appointment(start_time=start), NEW_YORK)
    assert window.opens.astimezone(UTC) == datetime.fromisoformat(opens)
    assert window.closes.astimezone(UTC) == datetime.fromisoformat(closes)
    assert window.is_open(window.opens)
    assert not window.is_open(window.closes)


def import_booking(case: Case, owner_url: str) -> Appointment:
    """An appointment that the owner's scripts brought in: nothing is reserved for it."""
    with psycopg.connect(owner_url) as owner:
        owner.execute("SELECT set_config('app.current_org_id', %s, false)", [str(case.organization_id)])
        row = owner.execute(
            "INSERT INTO appointments (organization_id, patient_id, provider_id, authorization_id, service_code,"
            " start_time, end_time, status) VALUES (%s, %s, %s, %s, '97153', now(), now() + interval '1 hour',"
            " 'SCHEDULED') RETURNING id",
            [case.organization_id, case.patient.id, case.technician.id, case.authorization.id],
        ).fetchone()
    assert row
    return Appointment(id=row[0])


def test_what_was_booked_before_the_ledger_is_reserved_at_the_start(
    case: Case, acting: Acting, owner_url: str, balance: Any
) -> None:
    appointment = import_booking(case, owner_url)
    with acting(case.rbt):
        start_session(appointment=appointment, actor=case.rbt)
    assert balance() == (4, 0)
    with acting(case.rbt):
        assert UnitMovement.objects.get(appointment_id=appointment.id).reserved_change == 4


def test_and_refused_when_the_units_are_not_there(case: Case, acting: Acting, owner_url: str) -> None:
    with acting(case.rbt):
        Authorization.objects.filter(id=case.authorization.id).update(total_units=3)
    assert refused(case, acting, import_booking(case, owner_url)) == "INSUFFICIENT_UNITS"


def test_a_second_technician_starts_only_their_own(case: Case, acting: Acting, appointment: Appointment) -> None:
    with acting(case.rbt):
        other = add_provider(case.clinic, Role.RBT)
    assert refused(case, acting, appointment, actor=other.user) == "NOT_OWN_APPOINTMENT"
