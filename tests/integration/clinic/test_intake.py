"""Intake, changes with the guard against stale edits, insurance and authorization lines: as requests."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic import services
from clinic.models import Authorization, CaseloadAssignment, Patient, PatientInsurance
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from tests.support.statements import counted_statements

pytestmark = pytest.mark.django_db
ABSENT = "00000000-0000-4000-8000-00000000dead"
PERSON = {
    "first_name": "Mia",
    "last_name": "Lund",
    "date_of_birth": "2019-05-06",
    "sex": "F",
    "primary_diagnosis_code": "f840",
    "street": "5 Oak Street",
    "city": "Albany",
    "state": "ny",
    "zip_code": "122071234",
    "guardian_name": "Ola Lund",
    "guardian_phone": "(518) 555-0177",
    "guardian_email": "ola@family.example",
}
COVERAGE = {"payer_rank": "P", "member_id": "W77", "relationship": "18"}
SUBSCRIBER = {
    "subscriber_first_name": "Ola",
    "subscriber_last_name": "Lund",
    "subscriber_date_of_birth": "1988-01-02",
    "subscriber_sex": "M",
    "subscriber_street": "5 Oak Street",
    "subscriber_city": "Albany",
    "subscriber_state": "NY",
    "subscriber_zip_code": "12207",
}


@pytest.fixture
def desk(client_for: Any, clinic_a: Any) -> Any:
    return client_for(Role.FRONT_DESK, clinic_a)


def page(patient: Any, rest: str = "") -> str:
    return f"/clients/{getattr(patient, 'id', patient)}/{rest}"


def audited(clinic: Any, **filters: Any) -> list[AuditLog]:
    with clinic.work_as():
        return list(AuditLog.objects.filter(**filters))


# intake


def test_intake_adds_a_client_with_everything_a_claim_needs(desk: Any, clinic_a: Any) -> None:
    analyst = clinic_a.staff[Role.BCBA]
    response = desk.post("/clients/new/", PERSON | {"analyst": str(analyst.id)})
    with clinic_a.work_as():
        patient = Patient.objects.get(last_name="Lund")
        assignment = CaseloadAssignment.objects.get(patient=patient)
    assert (response.status_code, response["Location"]) == (303, page(patient))
    assert (patient.state, patient.zip_code, patient.primary_diagnosis_code) == ("NY", "12207-1234", "F84.0")
    assert (patient.guardian_phone, patient.sex, str(patient.date_of_birth)) == ("518-555-0177", "F", "2019-05-06")
    assert (assignment.staff_member_id, assignment.ends_on) == (analyst.id, None)
    [row] = audited(clinic_a, action="CREATE", resource_type="patient")
    assert (row.resource_id, row.user_id, row.details) == (patient.id, clinic_a.users[Role.FRONT_DESK].id, None)


def test_a_form_sent_twice_adds_one_client(desk: Any, clinic_a: Any) -> None:
    form = PERSON | {"form_token": str(uuid4())}
    first, second = desk.post("/clients/new/", form), desk.post("/clients/new/", form)
    assert first["Location"] == second["Location"]
    with clinic_a.work_as():
        assert Patient.objects.filter(last_name="Lund").count() == 1


def test_the_form_carries_a_token_of_its_own(desk: Any) -> None:
    tokens = {re.search(rb'name="form_token" value="([^"]+)"', desk.get("/clients/new/").content)[1] for _ in "ab"}  # type: ignore[index]
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", ""),
        ("last_name", ""),
        ("date_of_birth", "2999-01-01"),
        ("sex", ""),
        ("street", ""),
        ("city", ""),
        ("state", "ZZ"),
        ("zip_code", "1"),
        ("primary_diagnosis_code", "autism"),
        ("guardian_phone", "12"),
        ("guardian_email", "nobody"),
        ("analyst", ABSENT),
    ],
)
def test_a_mistake_is_told_beside_its_field_and_nothing_typed_is_lost(
    desk: Any, clinic_a: Any, field: str, value: str
) -> None:
    response = desk.post("/clients/new/", PERSON | {"street": "77 Typed Street"} | {field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in response.content.decode()
    assert field == "street" or b"77 Typed Street" in response.content
    with clinic_a.work_as():
        assert not Patient.objects.filter(last_name="Lund").exists()


def test_another_clinics_analyst_is_no_choice(desk: Any, clinic_b: Any) -> None:
    response = desk.post("/clients/new/", PERSON | {"analyst": str(clinic_b.staff[Role.BCBA].id)})
    assert response.status_code == 422


# changes


def edit_form(desk: Any, patient: Any) -> dict[str, Any]:
    form = desk.get(page(patient, "edit/")).context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def test_a_change_is_saved_and_its_columns_are_audited(desk: Any, clinic_a: Any) -> None:
    form = edit_form(desk, clinic_a.client) | {"city": "Troy", "guardian_email": ""}
    response = desk.post(page(clinic_a.client, "edit/"), form)
    assert (response.status_code, response["Location"]) == (303, page(clinic_a.client))
    with clinic_a.work_as():
        saved = Patient.objects.get(id=clinic_a.client.id)
    assert (saved.city, saved.guardian_email) == ("Troy", None)
    [row] = audited(clinic_a, action="UPDATE")
    # The fixture's phone number is spelled without hyphens.
    assert row.details == {"columns": ["city", "guardian_email", "guardian_phone"]}


def test_saving_without_a_change_writes_nothing(desk: Any, clinic_a: Any) -> None:
    desk.post(page(clinic_a.client, "edit/"), edit_form(desk, clinic_a.client))
    with clinic_a.work_as():
        before = Patient.objects.get(id=clinic_a.client.id).updated_at
    desk.post(page(clinic_a.client, "edit/"), edit_form(desk, clinic_a.client))
    with clinic_a.work_as():
        assert Patient.objects.get(id=clinic_a.client.id).updated_at == before


def test_a_stale_edit_overwrites_nothing_and_keeps_the_text(desk: Any, clinic_a: Any) -> None:
    mine = edit_form(desk, clinic_a.client) | {"street": "9 Mine Street"}
    with clinic_a.work_as():
        services.update_client(
            patient=clinic_a.client, actor=clinic_a.users[Role.ADMIN], street="4 Theirs Street", city="Troy"
        )
    response = desk.post(page(clinic_a.client, "edit/"), mine)
    text = response.content.decode()
    assert response.status_code == 409
    assert "9 Mine Street" in text
    assert "4 Theirs Street" in text
    assert "data-conflict" in text
    with clinic_a.work_as():
        assert Patient.objects.get(id=clinic_a.client.id).street == "4 Theirs Street"


def test_a_double_submitted_change_is_no_conflict(desk: Any, clinic_a: Any) -> None:
    form = edit_form(desk, clinic_a.client) | {"city": "Troy"}
    answers = [desk.post(page(clinic_a.client, "edit/"), form).status_code for _ in "ab"]
    assert answers == [303, 303]
    assert len(audited(clinic_a, action="UPDATE")) == 1


# insurance


def test_coverage_of_a_client_who_is_the_subscriber(desk: Any, clinic_a: Any) -> None:
    form = COVERAGE | {"payer": str(clinic_a.payer.id)} | SUBSCRIBER
    response = desk.post(page(clinic_a.other_client, "insurance/new/"), form)
    assert response.status_code == 303
    with clinic_a.work_as():
        saved = PatientInsurance.objects.get(patient=clinic_a.other_client)
    assert (saved.payer_name, saved.payer_id, saved.member_id) == (clinic_a.payer.name, clinic_a.payer.payer_id, "W77")
    assert saved.subscriber_last_name is None


def test_coverage_through_a_caregiver(desk: Any, clinic_a: Any) -> None:
    form = COVERAGE | {"payer": str(clinic_a.payer.id), "relationship": "19"} | SUBSCRIBER
    assert desk.post(page(clinic_a.other_client, "insurance/new/"), form).status_code == 303
    with clinic_a.work_as():
        saved = PatientInsurance.objects.get(patient=clinic_a.other_client)
    assert (saved.subscriber_last_name, saved.subscriber_zip_code) == ("Lund", "12207")


def test_a_subscriber_who_is_not_the_client_must_be_given_whole(desk: Any, clinic_a: Any) -> None:
    form = COVERAGE | {"payer": str(clinic_a.payer.id), "relationship": "19"}
    response = desk.post(page(clinic_a.other_client, "insurance/new/"), form)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == set(SUBSCRIBER)


def test_only_the_clinics_own_active_payers_are_choices(desk: Any, clinic_a: Any, clinic_b: Any) -> None:
    form = COVERAGE | {"payer": str(clinic_b.payer.id)}
    assert desk.post(page(clinic_a.other_client, "insurance/new/"), form).status_code == 422


def test_without_payers_the_page_says_who_adds_them(desk: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        clinic_a.payer.is_active = False
        clinic_a.payer.save()
    assert b"no payers yet" in desk.get(page(clinic_a.client, "insurance/new/")).content


# authorization lines


def letter(clinic: Any, **changes: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "insurance": str(clinic.insurance.id),
        "authorization_number": "A-9",
        "status": "ACTIVE",
        "service_code": "97155",
        "total_units": "96",
        "start_date": str(today),
        "end_date": str(today + timedelta(days=180)),
        "week_starts_on": "7",
    } | changes


def test_a_line_is_added_with_nothing_used(desk: Any, clinic_a: Any) -> None:
    response = desk.post(
        page(clinic_a.client, "authorizations/new/"), letter(clinic_a, units_per_day="8", units_per_week="20")
    )
    assert response.status_code == 303
    with clinic_a.work_as():
        line = Authorization.objects.get(service_code="97155")
    assert (line.total_units, line.used_units, line.delivered_units, line.units_per_week) == (96, 0, 0, 20)
    assert (line.insurance_id, line.status, line.authorization_number) == (clinic_a.insurance.id, "ACTIVE", "A-9")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"authorization_number": ""}, "authorization_number"),
        ({"end_date": "2020-01-01"}, "end_date"),
        ({"total_units": "0"}, "total_units"),
        ({"service_code": "99999"}, "service_code"),
        ({"units_per_day": "20", "units_per_week": "10"}, "units_per_day"),
        ({"units_per_month": "97"}, "units_per_month"),
        ({"status": "EXHAUSTED"}, "status"),
        ({"insurance": ABSENT}, "insurance"),
    ],
)
def test_a_line_that_cannot_be(desk: Any, clinic_a: Any, changes: dict[str, str], field: str) -> None:
    response = desk.post(page(clinic_a.client, "authorizations/new/"), letter(clinic_a, **changes))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_a_line_may_wait_for_its_number(desk: Any, clinic_a: Any) -> None:
    form = letter(clinic_a, status="PENDING", authorization_number="")
    assert desk.post(page(clinic_a.client, "authorizations/new/"), form).status_code == 303


def test_a_line_belongs_to_a_coverage_of_the_same_client(desk: Any, clinic_a: Any) -> None:
    response = desk.post(page(clinic_a.other_client, "authorizations/new/"), letter(clinic_a))
    assert response.status_code == 422
    assert b"insurance first" in response.content


# who and what


@pytest.mark.parametrize("rest", ["edit/", "insurance/new/", "authorizations/new/"])
def test_another_clinics_client_is_answered_as_one_that_never_existed(desk: Any, clinic_b: Any, rest: str) -> None:
    theirs, nobody = desk.get(page(clinic_b.client, rest)), desk.get(page(uuid4(), rest))
    assert theirs.status_code == nobody.status_code == 404
    assert theirs.content == nobody.content
    posted = desk.post(page(clinic_b.client, rest), PERSON)
    assert (posted.status_code, posted.content) == (404, nobody.content)


@pytest.mark.parametrize("rest", ["edit/", "insurance/new/", "authorizations/new/"])
def test_opening_a_form_of_a_client_is_one_read_in_few_statements(desk: Any, clinic_a: Any, rest: str) -> None:
    with counted_statements() as statements:
        assert desk.get(page(clinic_a.client, rest)).status_code == 200
    assert len(statements) <= 15, statements
    [row] = audited(clinic_a, action="READ")
    assert row.resource_id == clinic_a.client.id


@pytest.mark.parametrize("role", [Role.RBT, Role.BCBA, Role.BILLER, Role.SUPER_ADMIN])
@pytest.mark.parametrize("rest", ["edit/", "insurance/new/", "authorizations/new/"])
def test_other_roles_are_refused(client_for: Any, clinic_a: Any, role: Role, rest: str) -> None:
    assert client_for(role, clinic_a).get(page(clinic_a.client, rest)).status_code == 403


def test_no_title_names_a_client(desk: Any, clinic_a: Any) -> None:
    for rest in ("", "edit/", "insurance/new/", "authorizations/new/", "appointments/new/"):
        title = re.search(rb"<title>(.*?)</title>", desk.get(page(clinic_a.client, rest)).content)
        assert title is not None
        assert b"Quill" not in title[1]
