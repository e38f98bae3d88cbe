"""The client's page, the schedule, an appointment and its cancellation, the front desk's start: as requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from clinic.models import Authorization, UnitMovement
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from scheduling.exceptions import CancellationRefused
from scheduling.models import Appointment, ProviderOccupancy
from scheduling.selectors import front_desk_start, line_alerts
from scheduling.services import cancel_appointment
from tests.factories.clinic import AuthorizationFactory, PatientInsuranceFactory, day
from tests.factories.scheduling import AppointmentFactory, at
from tests.support.statements import counted_statements

pytestmark = pytest.mark.django_db
CANCEL = {"by_party": "CLIENT", "reason": "Illness"}


@pytest.fixture
def desk(client_for: Any, clinic_a: Any) -> Any:
    return client_for(Role.FRONT_DESK, clinic_a)


def saved(clinic: Any, appointment: Appointment) -> Appointment:
    with clinic.work_as():
        return Appointment.objects.get(id=appointment.id)


# the client's page


def test_the_clients_page_shows_details_coverage_units_and_what_is_booked(desk: Any, clinic_a: Any) -> None:
    response = desk.get(f"/clients/{clinic_a.client.id}/")
    text = " ".join(response.content.decode().split())
    assert response.status_code == 200
    for expected in (
        "Quill-Aspen, Nora",
        "F84.0",
        "2 Elm Street",
        "Blue Plan",
        "W123456789",
        "A-1001",
        "92 h free",  # 400 − 2 × 8 reserved − 2 × 8 delivered
        "Behavior technician of Aspen, RBT",
        f"/appointments/{clinic_a.appointment.id}/",
        f"/clients/{clinic_a.client.id}/appointments/new/",
    ):
        assert expected in text


def test_opening_it_is_one_read_in_at_most_ten_statements_whatever_it_shows(desk: Any, clinic_a: Any) -> None:
    with counted_statements() as few:
        desk.get(f"/clients/{clinic_a.client.id}/")
    with clinic_a.work_as():
        assert AuditLog.objects.get(action="READ").resource_id == clinic_a.client.id
        for number in range(9):
            PatientInsuranceFactory(patient=clinic_a.client, billing_payer=clinic_a.payer)
            AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance)
            AppointmentFactory(authorization=clinic_a.authorization, start=at(20 + number, 10))
    with counted_statements() as many:
        text = desk.get(f"/clients/{clinic_a.client.id}/").content.decode()
    assert text.count("/appointments/") >= 10
    assert len(few) == len(many) <= 10, many


def test_lines_that_are_over_stand_apart(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(
            patient=clinic_a.client, insurance=clinic_a.insurance, start_date=day(-300), end_date=day(-200)
        )
    text = desk.get(f"/clients/{clinic_a.client.id}/").content.decode()
    assert "Earlier lines (1)" in text


def test_a_client_with_nothing_yet_is_led_to_what_is_next(desk: Any, clinic_a: Any) -> None:
    text = desk.get(f"/clients/{clinic_a.other_client.id}/").content.decode()
    assert "No authorization in force" in text
    assert "No insurance yet" in text
    assert "Nothing is booked." in text


@pytest.mark.parametrize("path", ["/clients/{}/", "/appointments/{}/", "/appointments/{}/cancel/"])
def test_another_clinics_record_is_answered_as_one_that_never_existed(desk: Any, clinic_b: Any, path: str) -> None:
    theirs = clinic_b.client.id if "clients" in path else clinic_b.appointment.id
    answers = [desk.get(path.format(each)) for each in (theirs, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    if "cancel" in path:
        answers = [desk.post(path.format(each), CANCEL) for each in (theirs, uuid4())]
        assert answers[0].content == answers[1].content
        assert saved(clinic_b, clinic_b.appointment).status == "SCHEDULED"


@pytest.mark.parametrize("role", [Role.RBT, Role.BCBA, Role.BILLER, Role.SUPER_ADMIN])
def test_other_roles_are_refused(client_for: Any, clinic_a: Any, role: Role) -> None:
    client = client_for(role, clinic_a)
    for path in (
        f"/clients/{clinic_a.client.id}/",
        "/schedule/",
        f"/appointments/{clinic_a.appointment.id}/",
        f"/appointments/{clinic_a.appointment.id}/cancel/",
    ):
        assert client.get(path).status_code == 403


# the schedule


def test_a_days_appointments_by_time_and_only_that_days(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        late = AppointmentFactory(authorization=clinic_a.authorization, start=at(3, 22))
        early = AppointmentFactory(authorization=clinic_a.authorization, start=at(3, 8))
        AppointmentFactory(authorization=clinic_a.authorization, start=at(4, 0, 30))
        asked = day(3)
    text = desk.get("/schedule/", {"day": str(asked)}).content.decode()
    rows = [chunk.split("/")[0] for chunk in text.split('href="/appointments/')[1:]]
    assert rows == [str(early.id), str(late.id)]
    assert "10:00 PM – 12:00 AM" in text
    assert "Scheduled" in text


@pytest.mark.parametrize("asked", ["", "nonsense", "2026-02-31", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_today(desk: Any, asked: str) -> None:
    response = desk.get("/schedule/", {"day": asked})
    assert response.context["day"] == response.context["today"]


def test_a_full_day_has_pages(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        asked = day(9)
        lines = [AuthorizationFactory() for _ in range(3)]
        for number in range(104):
            AppointmentFactory(
                authorization=lines[number % 3],
                start=at(9, 8) + timedelta(minutes=9 * (number // 3)),
                end=at(9, 8) + timedelta(minutes=9 * (number // 3) + 8),
            ) if number < 90 else AppointmentFactory(start=at(9, 8), end=at(9, 8, 8))
    with counted_statements() as statements:
        first = desk.get("/schedule/", {"day": str(asked)})
    page = first.context["page"]
    rest = desk.get("/schedule/", {"day": str(asked), "after": str(page.next_cursor)}).context["page"]
    assert (len(page.rows), len(rest.rows), rest.next_cursor) == (100, 4, None)
    assert len({row.id for row in [*page.rows, *rest.rows]}) == 104
    assert f"day={asked}&amp;after={page.next_cursor}" in first.content.decode()
    assert len(statements) <= 15


def test_the_statements_are_the_same_for_any_number_of_rows(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        empty, full = day(30), day(31)
        for hour in range(8, 18):
            AppointmentFactory(start=at(31, hour), end=at(31, hour, 30))
    counts = []
    for asked in (empty, full):
        with counted_statements() as statements:
            desk.get("/schedule/", {"day": str(asked)})
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 15


# one appointment


def test_an_appointments_page(desk: Any, clinic_a: Any) -> None:
    with counted_statements() as statements:
        response = desk.get(f"/appointments/{clinic_a.appointment.id}/")
    text = response.content.decode()
    assert response.status_code == 200
    assert len(statements) <= 15
    for expected in ("Quill-Aspen, Nora", "8 units", "A-1001", "Clinic", "Cancel appointment"):
        assert expected in text
    with clinic_a.work_as():
        row = AuditLog.objects.get(action="READ")
    assert (row.resource_type, row.resource_id) == ("appointment", clinic_a.appointment.id)


def test_cancelling_gives_the_units_and_the_time_back_at_once(desk: Any, clinic_a: Any) -> None:
    response = desk.post(f"/appointments/{clinic_a.appointment.id}/cancel/", CANCEL)
    assert (response.status_code, response["Location"]) == (303, f"/appointments/{clinic_a.appointment.id}/")
    after = saved(clinic_a, clinic_a.appointment)
    assert (after.status, after.cancelled_by_party, after.cancellation_reason) == ("CANCELLED", "CLIENT", "Illness")
    assert after.cancelled_at is not None
    with clinic_a.work_as():
        line = Authorization.objects.get(id=clinic_a.authorization.id)
        assert line.used_units == clinic_a.authorization.used_units - 8
        assert not ProviderOccupancy.objects.filter(appointment=after).exists()
        row = AuditLog.objects.get(action="CANCEL")
    assert row.details == {"by_party": "CLIENT", "units_released": 8}
    assert b"Illness" in desk.get(f"/appointments/{after.id}/").content


def test_a_no_show_gives_them_back_too(desk: Any, clinic_a: Any) -> None:
    desk.post(f"/appointments/{clinic_a.appointment.id}/cancel/", CANCEL | {"no_show": "on"})
    assert saved(clinic_a, clinic_a.appointment).status == "NO_SHOW"
    with clinic_a.work_as():
        assert Authorization.objects.get(id=clinic_a.authorization.id).used_units == (
            clinic_a.authorization.used_units - 8
        )


def test_cancelled_twice_has_one_effect(desk: Any, clinic_a: Any) -> None:
    for reason in ("Illness", "Weather"):
        answer = desk.post(f"/appointments/{clinic_a.appointment.id}/cancel/", CANCEL | {"reason": reason})
        assert answer.status_code == 303
    assert saved(clinic_a, clinic_a.appointment).cancellation_reason == "Illness"
    with clinic_a.work_as():
        released = UnitMovement.objects.filter(appointment_id=clinic_a.appointment.id, kind="RELEASE")
        assert [movement.reserved_change for movement in released] == [-8]
        assert AuditLog.objects.filter(action="CANCEL").count() == 1
    assert b"It is cancelled already" in desk.get(f"/appointments/{clinic_a.appointment.id}/cancel/").content


@pytest.mark.parametrize(("which", "code"), [("running", "IN_PROGRESS"), ("session", "COMPLETED")])
def test_what_has_begun_cannot_be_cancelled(desk: Any, clinic_a: Any, which: str, code: str) -> None:
    appointment = saved(clinic_a, getattr(clinic_a, which).appointment)
    assert appointment.status == code
    response = desk.post(f"/appointments/{appointment.id}/cancel/", CANCEL)
    assert response.status_code == 422
    assert b"It cannot be cancelled" in response.content
    assert saved(clinic_a, appointment).status == code
    with clinic_a.work_as(), pytest.raises(CancellationRefused) as refused:
        cancel_appointment(
            appointment=appointment, by_party="CLINIC", reason="x", actor=clinic_a.users[Role.FRONT_DESK]
        )
    assert refused.value.code == code


def test_a_cancellation_says_who_and_why(desk: Any, clinic_a: Any) -> None:
    response = desk.post(f"/appointments/{clinic_a.appointment.id}/cancel/", {"reason": "Snow"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"by_party"}
    assert b"Snow" in response.content
    assert saved(clinic_a, clinic_a.appointment).status == "SCHEDULED"


# the front desk's start


def test_alerts_name_lines_that_end_soon_or_are_nearly_used_and_have_no_successor(clinic_a: Any) -> None:
    with clinic_a.work_as():
        today = day(0)
        ending = AuthorizationFactory(end_date=day(30))
        followed = AuthorizationFactory(end_date=day(10))
        AuthorizationFactory(
            patient=followed.patient, insurance=followed.insurance, start_date=day(11), end_date=day(200)
        )
        AuthorizationFactory(end_date=day(31))
        AuthorizationFactory(end_date=day(-1))
        used = AuthorizationFactory(total_units=10, end_date=day(90))
        AppointmentFactory(authorization=used)
        alerts = line_alerts(today)
    assert [(alert.patient_id, alert.days_left, alert.used_percent) for alert in alerts] == [
        (ending.patient_id, 30, 0),
        (used.patient_id, 90, 80),
    ]
    assert [(alert.ends_soon, alert.is_nearly_used) for alert in alerts] == [(True, False), (False, True)]


def test_the_start_shows_what_is_still_to_come_today(clinic_a: Any) -> None:
    with clinic_a.work_as(Role.FRONT_DESK), timezone.override(ZoneInfo("America/New_York")):
        shown = front_desk_start(clinic_a.users[Role.FRONT_DESK])
    assert clinic_a.running.appointment_id in {row.id for row in shown["appointments"]}
    assert clinic_a.appointment.id not in {row.id for row in shown["appointments"]}


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.ADMIN])
def test_the_start_page_opens_for_those_who_keep_the_desk(client_for: Any, clinic_a: Any, role: Role) -> None:
    client = client_for(role, clinic_a)
    with counted_statements() as statements:
        response = client.get("/")
    assert response.status_code == 200
    assert b"Coming up today" in response.content
    assert len(statements) <= 15
    with clinic_a.work_as():
        assert AuditLog.objects.filter(action="READ_LIST").count() == 1  # it shows clients' names
