"""The state of a session: every requirement breached by itself, and what one breach implies is not said twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from billing import readiness, selectors
from billing.models import Claim, ServiceRate
from billing.problems import Problem
from clinic.models import Authorization, Organization, Patient, PatientInsurance, Payer, StaffMember, User
from omnirapeutic.db.keyset import Cursor
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions.models import Session
from tests.factories.billing import authorize, book, deliver, set_rate
from tests.support.clinics import Clinic

Breach = Callable[[Clinic, Session], Any]

TECHNICIAN = "Behavior technician of Aspen"
ANALYST = "Behavior analyst of Aspen"


def client(**changes: Any) -> Breach:
    return lambda clinic, session: Patient.objects.filter(id=session.patient_id).update(**changes)


def insurance(**changes: Any) -> Breach:
    return lambda clinic, session: PatientInsurance.objects.filter(id=clinic.insurance.id).update(**changes)


def letter(**changes: Any) -> Breach:
    return lambda clinic, session: Authorization.objects.filter(id=clinic.authorization.id).update(**changes)


def clinic_data(**changes: Any) -> Breach:
    return lambda clinic, session: Organization.objects.update(**changes)


def dated(breach: Callable[..., Breach], field: str, days: int) -> Breach:
    """A date so many days from the date of service."""
    return lambda clinic, session: breach(**{field: session.service_date + timedelta(days=days)})(clinic, session)


def claimed(clinic: Clinic, session: Session, status: str = "DRAFT", number: str = "C77") -> Claim:
    """A claim of a session, by hand."""
    return Claim.objects.create(
        organization_id=clinic.organization.id,
        session=session,
        patient_id=session.patient_id,
        service_date=session.service_date,
        payer_id="60054",
        claim_number=number,
        edi_payload={},
        status=status,
    )


BREACHES: dict[str, tuple[str, str, Breach]] = {
    "sender": ("CLINIC_INCOMPLETE", "Administrator", clinic_data(claim_submitter_id=None)),
    "clinic's NPI": ("CLINIC_INCOMPLETE", "Administrator", clinic_data(npi="1234567890")),
    "clinic's ZIP": ("CLINIC_INCOMPLETE", "Administrator", clinic_data(zip_code="12207")),
    "clinic's street": ("CLINIC_INCOMPLETE", "Administrator", clinic_data(street="PO Box 12")),
    "place": (
        "PLACE_MISSING",
        "Administrator",
        lambda clinic, session: Session.objects.filter(id=session.id).update(location=None),
    ),
    "pending letter": ("AUTHORIZATION_PENDING", "Front desk", letter(status="PENDING")),
    "letter too late": ("AUTHORIZATION_DATES", "Front desk", dated(letter, "start_date", 1)),
    "letter too early": ("AUTHORIZATION_DATES", "Front desk", dated(letter, "end_date", -1)),
    "letter's number": ("AUTHORIZATION_NUMBER", "Front desk", letter(authorization_number="")),
    "letter's insurance": ("INSURANCE_MISSING", "Front desk", letter(insurance=None)),
    "payer": ("PAYER_MISSING", "Front desk", insurance(billing_payer=None)),
    "member ID": ("MEMBER_ID_MISSING", "Front desk", insurance(member_id="")),
    "subscriber": ("SUBSCRIBER_MISSING", "Front desk", insurance(relationship="19", subscriber_last_name="Quill")),
    "covered too late": ("COVERAGE_DATES", "Front desk", dated(insurance, "effective_date", 1)),
    "covered too early": ("COVERAGE_DATES", "Front desk", dated(insurance, "termination_date", -1)),
    "street": ("ADDRESS_MISSING", "Front desk", client(street="")),
    "ZIP code": ("ADDRESS_MISSING", "Front desk", client(zip_code=None)),
    "sex": ("SEX_MISSING", "Front desk", client(sex=None)),
    "diagnosis": ("DIAGNOSIS_MISSING", "Front desk", client(primary_diagnosis_code=None)),
    "rate": (
        "RATE_MISSING",
        "Administrator",
        lambda clinic, session: ServiceRate.objects.update(starts_on=session.service_date + timedelta(days=1)),
    ),
    "both NPIs": ("NPI_MISSING", "Administrator", lambda clinic, session: StaffMember.objects.update(npi="")),
    "filing limit": ("FILING_LATE", "", lambda clinic, session: Payer.objects.update(timely_filing_days=4)),
    "booked sibling": ("SIBLING_UNFINISHED", "", lambda clinic, session: book(clinic, hour=15)),
    "unsigned sibling": ("SIBLING_UNFINISHED", "", lambda clinic, session: deliver(clinic, hour=15, note="DRAFT")),
    "sibling without a note": ("SIBLING_UNFINISHED", "", lambda clinic, session: deliver(clinic, hour=15, note=None)),
    "sibling to co-sign": ("SIBLING_UNFINISHED", "", lambda clinic, session: deliver(clinic, hour=15, note="SIGNED")),
    "claimed sibling": ("SAME_DAY_CLAIM", "", lambda clinic, session: claimed(clinic, deliver(clinic, hour=15))),
    "units of the day": ("DAILY_UNITS", "", lambda clinic, session: deliver(clinic, hour=13, minutes=375, units=25)),
    "overlap": (
        "TIMES_OVERLAP",
        TECHNICIAN,
        lambda clinic, session: Session.objects.filter(id=clinic.session.id).update(
            start_time=session.start_time + timedelta(minutes=119), end_time=session.end_time + timedelta(hours=1)
        ),
    ),
}


def problems_of(clinic: Clinic, session: Session) -> list[Problem]:
    with clinic.work_as(Role.BILLER):
        item = selectors.work_item(session.id)
        assert item is not None
        assessed = selectors.assess(session.id)
        # One state wherever it is asked for.
        assert [problem.code for problem in assessed.problems] == [problem.code for problem in item.problems]
        assert (assessed.facts is not None) == item.is_ready
        counted = selectors.biller_start(clinic.users[Role.BILLER])
        state = "ready" if item.is_ready else "waiting"
        assert session.id in {each.id for each in selectors.worklist(state, Cursor()).items}
        assert counted[state]["count"] == len(selectors.worklist(state, Cursor()).items)
        return item.problems


def codes(clinic: Clinic, session: Session) -> list[str]:
    return [problem.code for problem in problems_of(clinic, session)]


def delivered(clinic: Clinic, **options: Any) -> Session:
    with clinic.work_as():
        return deliver(clinic, **options)


def test_nothing_is_missing(clinic_a: Clinic) -> None:
    assert problems_of(clinic_a, delivered(clinic_a)) == []


@pytest.mark.parametrize("name", BREACHES)
def test_what_is_missing_is_said_once_with_who_can_fix_it(clinic_a: Clinic, name: str) -> None:
    code, fixed_by, breach = BREACHES[name]
    session = delivered(clinic_a)
    with clinic_a.work_as():
        breach(clinic_a, session)
    assert [(problem.code, str(problem.fixed_by)) for problem in problems_of(clinic_a, session)] == [(code, fixed_by)]


@pytest.mark.parametrize(
    ("options", "code", "fixed_by"),
    [
        ({"note": None}, "NOTE_UNSIGNED", TECHNICIAN),
        ({"note": "DRAFT"}, "NOTE_UNSIGNED", TECHNICIAN),
        ({"note": "SIGNED"}, "COSIGNATURE_MISSING", ANALYST),
        ({"minutes": 7, "units": 0}, "UNITS_NONE", ""),
        ({"status": "REQUIRES_REVIEW"}, "NEEDS_REVIEW", ANALYST),
    ],
)
def test_a_session_that_is_not_finished(clinic_a: Clinic, options: Any, code: str, fixed_by: str) -> None:
    found = problems_of(clinic_a, delivered(clinic_a, **options))
    assert [(problem.code, str(problem.fixed_by)) for problem in found] == [(code, fixed_by)]


def test_without_an_authorization_nothing_else_of_it_is_said(clinic_a: Clinic, superuser_url: str) -> None:
    """Such a session can only have been brought in by the tables' owner."""
    with psycopg.connect(superuser_url) as importer:
        row = importer.execute(
            "INSERT INTO sessions (organization_id, patient_id, provider_id, service_code, start_time, end_time,"
            " service_date, billed_units, status, location)"
            " SELECT organization_id, patient_id, provider_id, service_code, start_time - interval '3 days',"
            " start_time - interval '71 hours', service_date - 3, 4, 'COMPLETED', 'HOME'"
            " FROM sessions WHERE id = %s RETURNING id",
            [clinic_a.session.id],
        ).fetchone()
    assert row
    with clinic_a.work_as():
        session = Session.objects.get(id=row[0])
    assert codes(clinic_a, session) == ["NOTE_UNSIGNED", "AUTHORIZATION_MISSING"]


def test_every_requirement_is_breached_by_a_test() -> None:
    here = {code for code, _, _ in BREACHES.values()}
    elsewhere = {"NOTE_UNSIGNED", "COSIGNATURE_MISSING", "UNITS_NONE", "NEEDS_REVIEW", "AUTHORIZATION_MISSING"}
    assert {requirement.code for requirement in readiness.REQUIREMENTS} == here | elsewhere


class TestWhatDoesNotHold:
    def test_a_technician_without_npi_while_the_analyst_has_one(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            StaffMember.objects.filter(id=clinic_a.staff[Role.RBT].id).update(npi="")
        assert codes(clinic_a, session) == []

    def test_a_technician_without_npi_while_the_analysts_account_has_one(self, clinic_a: Clinic) -> None:
        """The claim is made under either of the analyst's two."""
        session = delivered(clinic_a)
        with clinic_a.work_as():
            StaffMember.objects.update(npi="")
            User.objects.filter(id=clinic_a.staff[Role.BCBA].user_id).update(npi="1999999984")
        assert codes(clinic_a, session) == []

    @pytest.mark.parametrize("status", ["REJECTED", "DENIED"])
    def test_a_sibling_whose_claim_fell(self, clinic_a: Clinic, status: str) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            claimed(clinic_a, deliver(clinic_a, hour=15), status)
        assert codes(clinic_a, session) == []

    def test_a_claim_of_another_day_client_or_service(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            claimed(clinic_a, deliver(clinic_a, days_ago=6), number="C1")
            claimed(clinic_a, deliver(clinic_a, hour=13, authorization=authorize(clinic_a, "97152")), number="C2")
            other = authorize(clinic_a, "97153", patient=clinic_a.other_client, insurance=None)
            claimed(clinic_a, deliver(clinic_a, hour=16, authorization=other), number="C3")
        assert codes(clinic_a, session) == []

    def test_as_many_units_of_the_day_as_payers_accept(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            deliver(clinic_a, hour=13, minutes=360, units=24)
        assert codes(clinic_a, session) == []

    def test_units_of_another_service_of_the_day(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            deliver(clinic_a, hour=13, minutes=375, units=25, authorization=authorize(clinic_a, "97152"))
        assert codes(clinic_a, session) == []

    def test_a_cancelled_or_lapsed_booking_of_the_day(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            from omnirapeutic.db import functions

            for hour, status in ((13, "CANCELLED"), (17, "LAPSED")):
                booked = book(clinic_a, hour=hour)
                Appointment.objects.filter(id=booked.id).update(status=status)
                functions.release_session_units(appointment_id=booked.id, idempotency_key=f"release:{booked.id}")
        assert codes(clinic_a, session) == []

    def test_another_service_of_the_day(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            line = authorize(clinic_a, "97155")
            book(clinic_a, hour=15, authorization=line, provider=clinic_a.staff[Role.BCBA])
        assert codes(clinic_a, session) == []

    def test_the_next_day(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            book(clinic_a, days_ago=4)
        assert codes(clinic_a, session) == []

    def test_sessions_that_only_touch(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "9.00", service_code="97152")
            line = authorize(clinic_a, "97152")
            first = deliver(clinic_a, hour=9)
            second = deliver(clinic_a, hour=11, authorization=line)
        assert codes(clinic_a, first) == codes(clinic_a, second) == []

    def test_members_of_one_group(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "9.00", service_code="97154")
            line = authorize(clinic_a, "97154")
            first = deliver(clinic_a, authorization=line)
            other = Session.objects.filter(id=clinic_a.session.id)
            other.update(start_time=first.start_time, end_time=first.end_time, service_code="97154")
        assert codes(clinic_a, first) == []

    def test_a_cancelled_letter_covered_what_was_delivered_before(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            Authorization.objects.filter(id=clinic_a.authorization.id).update(status="CANCELLED")
        assert codes(clinic_a, session) == []


def test_two_finished_sessions_of_a_day_are_ready_with_a_hint(clinic_a: Clinic) -> None:
    first, second = delivered(clinic_a, hour=8), delivered(clinic_a, hour=14)
    with clinic_a.work_as(Role.BILLER):
        hints = {item.id: item.has_sibling for item in selectors.worklist("ready", Cursor()).items}
    assert hints == {first.id: True, second.id: True}


def test_the_second_session_of_a_day_names_the_claim_of_the_first(clinic_a: Clinic) -> None:
    first, second = delivered(clinic_a, hour=8), delivered(clinic_a, hour=14)
    with clinic_a.work_as():
        claimed(clinic_a, first, number="C77")
    (problem,) = problems_of(clinic_a, second)
    assert str(problem.text) == (
        "Another session of this service on this day is already on claim C77; combine them by hand with the payer."
    )


def test_what_is_claimed_is_not_on_the_list_and_what_was_rejected_is_again(clinic_a: Clinic) -> None:
    with clinic_a.work_as(Role.BILLER):
        assert selectors.work_item(clinic_a.billed_session.id) is None
        type(clinic_a.claim).objects.update(status="REJECTED")
        assert selectors.work_item(clinic_a.billed_session.id) is not None


def test_the_start_page_counts_and_adds_up(clinic_a: Clinic) -> None:
    first = delivered(clinic_a, days_ago=8)
    delivered(clinic_a, days_ago=6)
    with clinic_a.work_as(Role.BILLER):
        start = selectors.biller_start(clinic_a.users[Role.BILLER])
    assert start["ready"]["count"] == 2
    assert str(start["ready"]["amount"]) == "296.00"
    assert start["ready"]["oldest"] == first.service_date
    assert start["waiting"]["count"] == 1  # the clinic's own, not co-signed
    assert start["not_sent"]["count"] == 1
