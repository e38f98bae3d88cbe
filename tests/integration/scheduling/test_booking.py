"""Booking one appointment: what is reserved, and every refusal with its reason, its field and what would fit."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from clinic.models import Authorization, CaseloadAssignment, Organization, UnitMovement
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from scheduling import services
from scheduling.exceptions import BookingRefused
from scheduling.models import Appointment, ProviderOccupancy
from scheduling.services import book_appointment
from scheduling.wall_time import day_name
from tests.factories.clinic import AuthorizationFactory, StaffMemberFactory, UserFactory, day
from tests.factories.scheduling import AppointmentFactory, at
from tests.support.statements import counted_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client_for: Any, clinic_a: Any) -> Any:
    return client_for(Role.FRONT_DESK, clinic_a)


@pytest.fixture
def monday(clinic_a: Any) -> date:
    """A Monday one to two weeks ahead, clear of the clinic's own appointments."""
    with clinic_a.work_as():
        today = day(0)
    return today + timedelta(days=14 - today.weekday())


def url(patient: Any) -> str:
    return f"/clients/{getattr(patient, 'id', patient)}/appointments/new/"


def form(clinic: Any, on: date, **changes: Any) -> dict[str, Any]:
    return {
        "service_code": "97153",
        "day": str(on),
        "start_time": "16:00",
        "end_time": "18:00",
        "authorization": "",
        "provider": str(clinic.staff[Role.RBT].id),
        "location": "HOME",
        "notes": "Ring twice",
    } | changes


def booked(clinic: Any) -> list[Appointment]:
    with clinic.work_as():
        return list(Appointment.objects.filter(notes="Ring twice"))


def refused(desk: Any, patient: Any, entries: dict[str, Any]) -> dict[str, str]:
    """Field and text of what the form answers; the entries are still in it."""
    response = desk.post(url(patient), entries)
    assert response.status_code == 422, response.content
    shown = response.context["form"]
    for name in ("day", "start_time", "end_time", "notes", "location"):
        assert shown[name].value() == entries[name]
    return {field: errors[0] for field, errors in shown.errors.items()}


def line(clinic: Any, **changes: Any) -> Authorization:
    with clinic.work_as():
        Authorization.objects.filter(id=clinic.authorization.id).update(**changes)
        return Authorization.objects.get(id=clinic.authorization.id)


# what a booking does


def test_a_booking_reserves_its_units_in_the_same_transaction(desk: Any, clinic_a: Any, monday: date) -> None:
    before = line(clinic_a).used_units
    response = desk.post(url(clinic_a.client), form(clinic_a, monday))
    [appointment] = booked(clinic_a)
    assert (response.status_code, response["Location"]) == (303, f"/clients/{clinic_a.client.id}/")
    assert (appointment.status, appointment.location, appointment.expected_units) == ("SCHEDULED", "HOME", 8)
    with clinic_a.work_as():
        assert appointment.start_time == at((monday - day(0)).days, 16)
        [movement] = UnitMovement.objects.filter(appointment_id=appointment.id)
    assert (movement.kind, movement.reserved_change, movement.service_date) == ("RESERVE", 8, monday)
    assert line(clinic_a).used_units == before + 8


def test_a_booking_is_audited_with_ids_only(desk: Any, clinic_a: Any, monday: date) -> None:
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    with clinic_a.work_as():
        row = AuditLog.objects.get(action="CREATE", resource_type="appointment")
    assert row.resource_id == booked(clinic_a)[0].id
    assert row.details == {
        "patient_id": str(clinic_a.client.id),
        "authorization_id": str(clinic_a.authorization.id),
        "units": 8,
    }


def test_sent_twice_is_booked_once(desk: Any, clinic_a: Any, monday: date) -> None:
    entries = form(clinic_a, monday, form_token=str(uuid4()))
    answers = [desk.post(url(clinic_a.client), entries) for _ in range(3)]
    assert {answer["Location"] for answer in answers} == {f"/clients/{clinic_a.client.id}/"}
    assert len(booked(clinic_a)) == 1


@pytest.mark.concurrency
def test_a_double_click_is_booked_once(client_for: Any, clinic_a: Any, monday: date) -> None:
    entries = form(clinic_a, monday, form_token=str(uuid4()))
    answers: list[int] = []

    def click() -> None:
        try:
            answers.append(client_for(Role.FRONT_DESK, clinic_a).post(url(clinic_a.client), entries).status_code)
        finally:
            connections.close_all()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert answers == [303] * 4
    assert len(booked(clinic_a)) == 1


def test_units_are_those_of_the_booked_time_rounded_at_the_midpoint(desk: Any, clinic_a: Any, monday: date) -> None:
    desk.post(url(clinic_a.client), form(clinic_a, monday, end_time="16:52"))
    assert booked(clinic_a)[0].expected_units == 3


def test_the_provider_has_the_client_on_the_caseload_that_day(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        newcomer = StaffMemberFactory()
    for start in ("08:00", "10:00"):
        entries = form(
            clinic_a, monday, provider=str(newcomer.id), start_time=start, end_time=f"{int(start[:2]) + 1}:00"
        )
        assert desk.post(url(clinic_a.client), entries).status_code == 303
    with clinic_a.work_as():
        [assignment] = CaseloadAssignment.objects.filter(staff_member=newcomer)
    assert (assignment.starts_on, assignment.ends_on) == (monday, monday)


def test_without_a_choice_it_is_the_line_that_ends_first_and_covers_the_day(
    desk: Any, clinic_a: Any, monday: date
) -> None:
    with clinic_a.work_as():
        over = AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, end_date=day(3))
        sooner = AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, end_date=day(40))
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    assert booked(clinic_a)[0].authorization_id == sooner.id != over.id


def test_the_line_may_be_chosen(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, end_date=day(40))
    desk.post(url(clinic_a.client), form(clinic_a, monday, authorization=str(clinic_a.authorization.id)))
    assert booked(clinic_a)[0].authorization_id == clinic_a.authorization.id


def test_a_line_without_enough_units_is_passed_over(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, end_date=day(40), total_units=4)
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    assert booked(clinic_a)[0].authorization_id == clinic_a.authorization.id


# units


def test_too_few_units_say_how_many_there_are_and_when_to_end(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, total_units=line(clinic_a).used_units + 6)
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors == {
        "end_time": "6 units = 1 h 30 min are left on this line, and this time needs 8. "
        "Shorten the appointment to end at 5:30 PM."
    }
    assert booked(clinic_a) == []


def test_too_few_units_name_another_line_that_has_them(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, total_units=line(clinic_a).used_units + 6)
    with clinic_a.work_as():
        AuthorizationFactory(
            patient=clinic_a.client, insurance=clinic_a.insurance, authorization_number="B-2", total_units=50
        )
    entries = form(clinic_a, monday, authorization=str(clinic_a.authorization.id))
    assert "B-2, to " in refused(desk, clinic_a.client, entries)["end_time"]


def test_a_line_without_units(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, total_units=line(clinic_a).used_units)
    entries = form(clinic_a, monday, authorization=str(clinic_a.authorization.id))
    assert "units of this line are taken" in refused(desk, clinic_a.client, entries)["authorization"]
    left_to_us = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert left_to_us["authorization"].startswith(f"No line of 97153 that covers {day_name(monday)} has free units.")


def test_a_day_after_the_line(desk: Any, clinic_a: Any) -> None:
    ends = clinic_a.authorization.end_date
    entries = form(clinic_a, ends + timedelta(days=1), authorization=str(clinic_a.authorization.id))
    errors = refused(desk, clinic_a.client, entries)
    assert errors["authorization"].startswith(f"This line ended on {day_name(ends)}. No other line of 97153")


def test_a_day_after_the_line_names_the_line_that_follows(desk: Any, clinic_a: Any) -> None:
    ends = clinic_a.authorization.end_date
    with clinic_a.work_as():
        AuthorizationFactory(
            patient=clinic_a.client,
            insurance=clinic_a.insurance,
            authorization_number="NEXT-1",
            start_date=ends + timedelta(days=1),
            end_date=ends + timedelta(days=90),
        )
    entries = form(clinic_a, ends + timedelta(days=1), authorization=str(clinic_a.authorization.id))
    assert "NEXT-1, to " in refused(desk, clinic_a.client, entries)["authorization"]


def test_a_day_before_the_line(desk: Any, clinic_a: Any) -> None:
    begins = clinic_a.authorization.start_date
    entries = form(clinic_a, begins - timedelta(days=1), authorization=str(clinic_a.authorization.id))
    errors = refused(desk, clinic_a.client, entries)
    assert errors["authorization"].startswith(f"This line begins on {day_name(begins)}.")


def test_no_line_covers_the_day(desk: Any, clinic_a: Any) -> None:
    covered = clinic_a.authorization
    errors = refused(desk, clinic_a.client, form(clinic_a, covered.end_date + timedelta(days=1)))
    assert errors["authorization"] == (
        f"No authorization of 97153 covers {day_name(covered.end_date + timedelta(days=1))}. "
        f"On record: {day_name(covered.start_date)} to {day_name(covered.end_date)}."
    )


def test_an_undecided_line_unless_the_clinic_books_on_it(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, status="PENDING")
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert "The payer has not decided" in errors["authorization"]
    with clinic_a.work_as():
        Organization.objects.update(schedule_pending_authorizations=True)
    assert desk.post(url(clinic_a.client), form(clinic_a, monday)).status_code == 303


def test_a_cancelled_line(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance)
    line(clinic_a, status="CANCELLED")
    entries = form(clinic_a, monday, authorization=str(clinic_a.authorization.id))
    assert "This line was cancelled." in refused(desk, clinic_a.client, entries)["authorization"]


@pytest.mark.parametrize(
    ("cap", "period", "first_day"),
    [("units_per_day", "day", 0), ("units_per_week", "week", 2), ("units_per_month", "month", 1)],
)
def test_a_cap_of_the_letter(desk: Any, clinic_a: Any, monday: date, cap: str, period: str, first_day: int) -> None:
    month = monday.replace(day=28) + timedelta(days=10)  # some day of the next month
    start = month.replace(day=10)
    start -= timedelta(days=start.weekday())
    line(clinic_a, **{cap: 12})
    earlier = form(clinic_a, start, start_time="08:00", end_time="10:00")
    assert desk.post(url(clinic_a.client), earlier).status_code == 303
    errors = refused(desk, clinic_a.client, form(clinic_a, start + timedelta(days=first_day)))
    assert errors["end_time"] == (
        f"The letter allows 12 units a {period}; 4 units = 1 h are left in this one. "
        "Shorten the appointment to end at 5:00 PM."
    )


def test_a_cap_that_is_reached(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, units_per_day=8)
    desk.post(url(clinic_a.client), form(clinic_a, monday, start_time="08:00", end_time="10:00"))
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors == {"day": "The letter allows 8 units a day; none are left in this one. Choose another day."}


def test_more_units_in_a_day_than_payers_accept(desk: Any, clinic_a: Any, monday: date) -> None:
    desk.post(url(clinic_a.client), form(clinic_a, monday, start_time="07:00", end_time="14:00"))
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors["end_time"] == (
        f"Payers accept 32 units of 97153 a day; 4 are left on {day_name(monday)}. "
        "Shorten the appointment to end at 5:00 PM."
    )


# overlaps


def second_client(clinic: Any) -> Any:
    """Another client with an authorization of their own."""
    return AuthorizationFactory(patient=clinic.other_client)


def test_a_provider_who_is_taken(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        other = second_client(clinic_a)
        AppointmentFactory(authorization=other, provider=clinic_a.staff[Role.RBT], start=at((monday - day(0)).days, 15))
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors == {
        "start_time": "The provider is booked from 3:00 PM to 5:00 PM. Both are free from 5:00 PM to 7:00 PM."
    }
    assert booked(clinic_a) == []
    assert line(clinic_a).used_units == clinic_a.authorization.used_units


def test_a_client_who_is_taken(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AppointmentFactory(authorization=clinic_a.authorization, start=at((monday - day(0)).days, 17))
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors == {
        "start_time": "The client is booked from 5:00 PM to 7:00 PM. Both are free from 3:00 PM to 5:00 PM."
    }


def test_the_free_time_is_free_for_both(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        ahead = (monday - day(0)).days
        AppointmentFactory(authorization=clinic_a.authorization, start=at(ahead, 16))
        other = second_client(clinic_a)
        AppointmentFactory(authorization=other, provider=clinic_a.staff[Role.RBT], start=at(ahead, 18, 30))
        AppointmentFactory(authorization=other, provider=clinic_a.staff[Role.RBT], start=at(ahead, 13))
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors["start_time"].endswith("Both are free from 11:00 AM to 1:00 PM.")


def test_a_time_with_the_directing_analyst_is_free_for_a_technician(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        ahead = (monday - day(0)).days
        direction = AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, service_code="97155")
        AppointmentFactory(authorization=direction, provider=clinic_a.staff[Role.BCBA], start=at(ahead, 14))
        AppointmentFactory(
            authorization=second_client(clinic_a), provider=clinic_a.staff[Role.RBT], start=at(ahead, 16)
        )
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    assert errors["start_time"].endswith("Both are free from 2:00 PM to 4:00 PM.")


def test_times_that_touch_do_not_overlap(desk: Any, clinic_a: Any, monday: date) -> None:
    for start, end in (("14:00", "16:00"), ("18:00", "19:00"), ("16:00", "18:00")):
        assert (
            desk.post(url(clinic_a.client), form(clinic_a, monday, start_time=start, end_time=end)).status_code == 303
        )


def test_a_cancelled_time_is_free(desk: Any, clinic_a: Any, monday: date) -> None:
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    [first] = booked(clinic_a)
    desk.post(f"/appointments/{first.id}/cancel/", {"by_party": "CLIENT", "reason": "Illness"})
    assert desk.post(url(clinic_a.client), form(clinic_a, monday)).status_code == 303


def test_an_analyst_may_direct_a_technician_with_the_same_client(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, service_code="97155")
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    direction = form(clinic_a, monday, service_code="97155", provider=str(clinic_a.staff[Role.BCBA].id))
    assert desk.post(url(clinic_a.client), direction).status_code == 303


def test_another_clinics_appointments_are_in_nobodys_way(desk: Any, clinic_a: Any, clinic_b: Any, monday: date) -> None:
    with clinic_b.work_as():
        AppointmentFactory(
            authorization=clinic_b.authorization,
            provider=clinic_b.staff[Role.RBT],
            start=at((monday - day(0)).days, 16),
        )
    assert desk.post(url(clinic_a.client), form(clinic_a, monday)).status_code == 303


# credential


def test_a_credential_that_may_not_render_the_service(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, service_code="97155")
    errors = refused(desk, clinic_a.client, form(clinic_a, monday, service_code="97155"))
    assert errors["provider"].startswith("97155 is rendered by BCaBA, BCBA or BCBA-D.")


def test_a_credential_that_has_expired_by_the_day(desk: Any, clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        clinic_a.staff[Role.RBT].license_expiration = monday - timedelta(days=1)
        clinic_a.staff[Role.RBT].save()
    errors = refused(desk, clinic_a.client, form(clinic_a, monday))
    expired = day_name(monday - timedelta(days=1))
    assert errors["provider"].startswith(f"This provider's credential expires on {expired}.")


def test_a_provider_who_left(clinic_a: Any, monday: date) -> None:
    with clinic_a.work_as():
        gone = StaffMemberFactory(is_active=False)
        with pytest.raises(BookingRefused) as refusal:
            AppointmentFactory(authorization=clinic_a.authorization, provider=gone)
    assert refusal.value.code == "PROVIDER_INACTIVE"


def test_only_providers_who_may_are_offered(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        AuthorizationFactory(patient=clinic_a.client, insurance=clinic_a.insurance, service_code="97155")
        StaffMemberFactory(user=UserFactory(full_name="Expired Analyst"), credential="BCBA", license_expiration=day(-1))
    response = desk.post(url(clinic_a.client), {"offer": "1", "service_code": "97155"}, headers={"HX-Request": "true"})
    offered = response.content.decode()
    assert response.status_code == 200
    assert "Behavior analyst of Aspen, BCBA" in offered
    assert "technician" not in offered
    assert "Expired Analyst" not in offered
    assert "<html" not in offered


def test_the_offer_says_what_will_be_used_and_who_is_taken(desk: Any, clinic_a: Any, monday: date) -> None:
    desk.post(url(clinic_a.client), form(clinic_a, monday))
    offered = desk.post(url(clinic_a.client), form(clinic_a, monday, offer="1")).content.decode()
    assert "Uses 8 units" in offered
    assert "(taken at this time)" in offered
    assert "aria-invalid" not in offered
    assert len(booked(clinic_a)) == 1


# time


@pytest.mark.parametrize(
    ("on", "start", "end", "field", "text"),
    [
        (date(2027, 3, 14), "02:30", "04:00", "start_time", "does not exist on this day"),
        (date(2027, 11, 7), "00:00", "01:30", "end_time", "comes twice on this day"),
        (date(2027, 3, 15), "04:00", "02:30", "end_time", "The end is not after the start."),
    ],
)
def test_times_that_are_none(desk: Any, clinic_a: Any, on: date, start: str, end: str, field: str, text: str) -> None:
    line(clinic_a, end_date=date(2028, 1, 1))
    assert text in refused(desk, clinic_a.client, form(clinic_a, on, start_time=start, end_time=end))[field]


def test_an_appointment_across_a_clock_change_has_the_units_of_its_true_length(desk: Any, clinic_a: Any) -> None:
    line(clinic_a, end_date=date(2028, 1, 1))
    desk.post(url(clinic_a.client), form(clinic_a, date(2027, 3, 14), start_time="01:00", end_time="04:00"))
    assert booked(clinic_a)[0].expected_units == 8


def test_less_than_a_unit(desk: Any, clinic_a: Any, monday: date) -> None:
    assert "no unit" in refused(desk, clinic_a.client, form(clinic_a, monday, end_time="16:07"))["end_time"]


def test_the_date_of_service_is_the_clinics(clinic_a: Any) -> None:
    with clinic_a.work_as():
        late = AppointmentFactory(
            authorization=clinic_a.authorization, provider=clinic_a.staff[Role.RBT], start=at(7, 22)
        )
        assert UnitMovement.objects.get(appointment_id=late.id).service_date == day(7)


# the service by itself


def test_a_refused_booking_leaves_nothing_behind(clinic_a: Any) -> None:
    with clinic_a.work_as():
        before = (Appointment.objects.count(), ProviderOccupancy.objects.count(), UnitMovement.objects.count())
        with pytest.raises(BookingRefused) as refusal:
            AppointmentFactory(
                authorization=clinic_a.authorization, provider=clinic_a.staff[Role.RBT], start=at(400, 10)
            )
        assert refusal.value.code == "AUTH_EXPIRED"
        assert before == (Appointment.objects.count(), ProviderOccupancy.objects.count(), UnitMovement.objects.count())


@pytest.mark.parametrize(("end", "code"), [(time(9), "ENDS_BEFORE_START"), (time(10, 5), "TOO_SHORT")])
def test_impossible_times_are_refused_by_code(clinic_a: Any, end: time, code: str) -> None:
    with clinic_a.work_as(), pytest.raises(BookingRefused) as refusal:
        AppointmentFactory(authorization=clinic_a.authorization, start=at(7, 10), end=at(7, end.hour, end.minute))
    assert refusal.value.code == code


def test_more_than_a_day_is_refused(clinic_a: Any) -> None:
    with clinic_a.work_as(), pytest.raises(BookingRefused) as refusal:
        AppointmentFactory(authorization=clinic_a.authorization, start=at(7, 10), end=at(8, 11))
    assert refusal.value.code == "TOO_LONG"


def test_another_childs_line_is_refused(clinic_a: Any) -> None:
    with clinic_a.work_as(), pytest.raises(BookingRefused) as refusal:
        book_appointment(
            patient=clinic_a.other_client,
            provider=clinic_a.staff[Role.RBT],
            authorization=clinic_a.authorization,
            service_code="97153",
            start=at(7, 10),
            end=at(7, 12),
            location="HOME",
            actor=clinic_a.users[Role.FRONT_DESK],
        )
    assert refusal.value.code == "WRONG_AUTHORIZATION"


def test_a_refusal_is_audited_by_its_code(desk: Any, clinic_a: Any, monday: date) -> None:
    line(clinic_a, total_units=line(clinic_a).used_units + 1)
    refused(desk, clinic_a.client, form(clinic_a, monday))
    with clinic_a.work_as():
        row = AuditLog.objects.get(action="BOOKING_REFUSED")
    assert (row.resource_id, row.details) == (clinic_a.client.id, {"code": "INSUFFICIENT_UNITS"})


@pytest.mark.concurrency
def test_of_many_who_want_the_same_time_one_gets_it_and_the_others_are_told_why(clinic_a: Any, monday: date) -> None:
    outcomes: list[str] = []
    with clinic_a.work_as():
        ahead = (monday - day(0)).days
        lines = [AuthorizationFactory() for _ in range(5)]
    together = threading.Barrier(5)

    def take(number: int) -> None:
        try:
            with clinic_a.work_as():
                together.wait()
                AppointmentFactory(
                    authorization=lines[number], provider=clinic_a.staff[Role.RBT], start=at(ahead, 10, number)
                )
            outcomes.append("BOOKED")
        except BookingRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    wishes = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    for each in wishes:
        each.start()
    for each in wishes:
        each.join()
    assert sorted(outcomes) == ["BOOKED"] + ["PROVIDER_OVERLAP"] * 4


@pytest.mark.concurrency
def test_of_many_who_want_the_last_units_only_as_many_get_them_as_there_are(clinic_a: Any, monday: date) -> None:
    line(clinic_a, total_units=line(clinic_a).used_units + 20)
    outcomes: list[str] = []
    with clinic_a.work_as():
        people = [StaffMemberFactory() for _ in range(6)]
        ahead = (monday - day(0)).days

    def take(number: int) -> None:
        try:
            with clinic_a.work_as():
                AppointmentFactory(
                    authorization=clinic_a.authorization, provider=people[number], start=at(ahead, 8 + 2 * number)
                )
            outcomes.append("BOOKED")
        except BookingRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    wishes = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for each in wishes:
        each.start()
    for each in wishes:
        each.join()
    assert sorted(outcomes) == ["BOOKED"] * 2 + ["INSUFFICIENT_UNITS"] * 4
    after = line(clinic_a)
    assert after.free_units == 4


# who and what


def test_the_page_of_a_client_without_authorizations_says_so(desk: Any, clinic_a: Any) -> None:
    assert b"Nothing is authorized" in desk.get(url(clinic_a.other_client)).content


def test_opening_the_form_is_one_read_in_few_statements(desk: Any, clinic_a: Any) -> None:
    with counted_statements() as statements:
        assert desk.get(url(clinic_a.client)).status_code == 200
    assert len(statements) <= 15, statements
    with clinic_a.work_as():
        assert AuditLog.objects.get(action="READ").resource_id == clinic_a.client.id


def test_another_clinics_client_is_answered_as_one_that_never_existed(
    desk: Any, clinic_a: Any, clinic_b: Any, monday: date
) -> None:
    for ask in (lambda who: desk.get(url(who)), lambda who: desk.post(url(who), form(clinic_a, monday))):
        theirs, nobody = ask(clinic_b.client), ask(uuid4())
        assert theirs.status_code == nobody.status_code == 404
        assert theirs.content == nobody.content


def test_another_clinics_provider_and_line_are_no_choices(
    desk: Any, clinic_a: Any, clinic_b: Any, monday: date
) -> None:
    stolen = form(
        clinic_a, monday, provider=str(clinic_b.staff[Role.RBT].id), authorization=str(clinic_b.authorization.id)
    )
    assert set(refused(desk, clinic_a.client, stolen)) == {"provider", "authorization"}


@pytest.mark.parametrize("role", [Role.RBT, Role.BCBA, Role.BILLER, Role.SUPER_ADMIN])
def test_other_roles_are_refused(client_for: Any, clinic_a: Any, role: Role) -> None:
    assert client_for(role, clinic_a).get(url(clinic_a.client)).status_code == 403


@pytest.mark.concurrency
def test_two_who_fill_the_same_day_do_not_pass_its_limit_together(clinic_a: Any, monday: date) -> None:
    outcomes = fill_a_day_twice(clinic_a, monday)
    assert sorted(outcomes) == ["BOOKED", "DAILY_LIMIT"]
    assert units_of(clinic_a, monday) == 24


@pytest.mark.concurrency
def test_control_without_the_clients_lock_the_same_two_pass_the_limit(
    clinic_a: Any, monday: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_lock_client", lambda wish: None)
    assert fill_a_day_twice(clinic_a, monday) == ["BOOKED", "BOOKED"]
    assert units_of(clinic_a, monday) == 48


def fill_a_day_twice(clinic: Any, monday: date) -> list[str]:
    """24 units each of one client, service and day, on two lines with two providers, limit 32.

    Where nothing makes one wait for the other, both have counted before either commits.
    """
    outcomes: list[str] = []
    with clinic.work_as():
        ahead = (monday - day(0)).days
        lines = [AuthorizationFactory(patient=clinic.client, insurance=clinic.insurance) for _ in range(2)]
        people = [StaffMemberFactory() for _ in range(2)]
    counted, check = threading.Barrier(2), services._check_daily_limit

    def check_together(wish: Any) -> None:
        check(wish)
        with suppress(threading.BrokenBarrierError):
            counted.wait(timeout=1)

    def take(number: int) -> None:
        try:
            with clinic.work_as():
                start = at(ahead, 8 + 6 * number)
                AppointmentFactory(
                    authorization=lines[number], provider=people[number], start=start, end=start + timedelta(hours=6)
                )
            outcomes.append("BOOKED")
        except BookingRefused as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "_check_daily_limit", check_together)
        wishes = [threading.Thread(target=take, args=(number,)) for number in range(2)]
        for each in wishes:
            each.start()
        for each in wishes:
            each.join()
    return outcomes


def units_of(clinic: Any, on: date) -> int:
    with clinic.work_as():
        movements = UnitMovement.objects.filter(service_date=on, authorization__patient=clinic.client)
        return sum(movements.values_list("reserved_change", flat=True))
