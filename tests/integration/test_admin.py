"""The administration pages: every form of theirs sent as a browser sends it, and who may send which."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from clinic.admin import AuthorizationForm
from clinic.models import Authorization, Organization
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.tenancy.context import shared, tenant
from omnirapeutic.tenancy.web_session import SessionStore
from omnirapeutic.web.admin_site import WalledModelAdmin
from omnirapeutic.web.permissions import Role
from tests.support.clinics import PASSWORD, Clinic, begin_web_session, client_for, sign_in

NEW_PASSWORD = "another long sentence for tests"
USERS = "/admin/clinic/user/"


class _Fields(HTMLParser):
    """What a browser would send of a page's form, untouched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.inside = ""
        self.options: dict[str, list[str]] = {}
        self.feed(page)
        for name, options in self.options.items():
            self.values.setdefault(name, options[0] if options else "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        name = facts.get("name") or ""
        if tag == "select":
            self.inside = name
            self.options[name] = []
        elif tag == "textarea":
            self.inside = name
            self.values[name] = ""
        elif tag == "option" and self.inside:
            self.options[self.inside].append(facts.get("value") or "")
            if "selected" in facts:
                self.values[self.inside] = facts.get("value") or ""
        elif tag == "input" and name and facts.get("type") not in {"submit", "checkbox"}:
            self.values[name] = facts.get("value") or ""
        elif tag == "input" and name and "checked" in facts:
            self.values[name] = facts.get("value") or "on"

    def handle_data(self, data: str) -> None:
        if self.inside in self.values and self.inside not in self.options:
            self.values[self.inside] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"select", "textarea"}:
            self.inside = ""


def send(client: Client, url: str, /, **changes: Any) -> HttpResponse:
    """Opens a form, types the changes and saves; a change to None leaves the field out."""
    page = client.get(url)
    assert page.status_code == 200, (url, page.status_code)
    values = _Fields(page.content.decode()).values | changes
    return client.post(url, {name: value for name, value in values.items() if value is not None})  # type: ignore[return-value]


def saved(response: HttpResponse) -> bool:
    return response.status_code == 302


def errors(response: HttpResponse) -> str:
    assert response.status_code == 200, response.status_code
    return str(response.context["adminform"].form.errors)  # type: ignore[attr-defined]


def actions(clinic: Clinic, object_id: UUID) -> list[tuple[str, Any]]:
    with clinic.work_as():
        rows = AuditLog.objects.filter(resource_id=object_id).exclude(action="READ").order_by("timestamp")
        return [(row.action, row.details) for row in rows]


def user_url(clinic: Clinic, role: Role) -> str:
    return f"{USERS}{clinic.users[role].id}/change/"


@pytest.fixture
def client(clinic_a: Clinic) -> Client:
    return client_for(Role.ADMIN, clinic_a)


# --- every editable record -------------------------------------------------------------------------------------------

Values = Callable[[Clinic], dict[str, Any]]


@dataclass(frozen=True)
class Editable:
    """How a record is added and changed, and what the database refuses and says of it."""

    change: dict[str, Any]
    refused: Values
    says: str
    add: Values | None = None
    row: Callable[[Clinic], UUID] | None = None
    gone: dict[str, Any] = field(default_factory=dict)
    app: str = "clinic"


def free_staff_user(clinic: Clinic) -> UUID:
    return clinic.users[Role.BILLER].id


EDITABLE: dict[str, Editable] = {
    "user": Editable(
        add=lambda clinic: {
            "email": "New@aspen.example",
            "full_name": "New Person",
            "role": "BILLER",
            "new_password": NEW_PASSWORD,
        },
        row=lambda clinic: clinic.users[Role.RBT].id,
        change={"full_name": "Changed Name"},
        refused=lambda clinic: {"email": "admin@birch.example"},
        says="already signs in",
    ),
    "staffmember": Editable(
        add=lambda clinic: {"user": free_staff_user(clinic), "credential": ""},
        row=lambda clinic: clinic.staff[Role.RBT].id,
        change={"license_number": "L-2"},
        refused=lambda clinic: {"user": clinic.users[Role.BCBA].id},
        says="staff members one per user",
    ),
    "patient": Editable(
        add=lambda clinic: {
            "first_name": "Ida",
            "last_name": "Moss",
            "date_of_birth": "2019-05-04",
            "sex": "F",
            "state": "NY",
        },
        row=lambda clinic: clinic.client.id,
        change={"city": "Troy"},
        refused=lambda clinic: {"first_name": ""},
        says="required",
    ),
    "patientinsurance": Editable(
        add=lambda clinic: {
            "patient": clinic.other_client.id,
            "billing_payer": clinic.payer.id,
            "payer_name": "Blue Plan",
            "member_id": "W-9",
        },
        row=lambda clinic: clinic.insurance.id,
        change={"group_number": "G-1"},
        refused=lambda clinic: {"eligibility_verification": '{"name": "\\u0000"}'},
        says="cannot store",
    ),
    "payer": Editable(
        add=lambda clinic: {"name": "Green Plan", "payer_id": "60055"},
        row=lambda clinic: clinic.payer.id,
        change={"timely_filing_days": "120"},
        refused=lambda clinic: {"timely_filing_days": "0"},
        says="payers timely filing days check",
    ),
    "caseloadassignment": Editable(
        add=lambda clinic: {
            "patient": clinic.other_client.id,
            "staff_member": clinic.staff[Role.RBT].id,
            "starts_on": "2026-01-01",
        },
        change={"ends_on": "2099-01-01"},
        refused=lambda clinic: {"ends_on": "2001-01-01"},
        says="caseload assignments dates check",
    ),
    "authorization": Editable(
        add=lambda clinic: {
            "patient": clinic.client.id,
            "insurance": clinic.insurance.id,
            "service_code": "97155",
            "total_units": "40",
            "start_date": "2026-01-01",
            "end_date": "2026-12-31",
            "status": "ACTIVE",
        },
        row=lambda clinic: clinic.authorization.id,
        change={"total_units": "500", "units_per_day": "16"},
        refused=lambda clinic: {"total_units": "1"},
        says="positive balance",
    ),
    "servicerate": Editable(
        add=lambda clinic: {"service_code": "97155", "rate": "30.00", "starts_on": "2026-01-01", "modifiers": "HM"},
        row=lambda clinic: clinic.rate.id,
        change={"rate": "19.25"},
        refused=lambda clinic: {"rate": "-1"},
        says="service rates rate check",
        app="billing",
    ),
    "organization": Editable(
        row=lambda clinic: clinic.organization.id,
        change={"time_zone": "America/Chicago", "phone": "5185550199"},
        refused=lambda clinic: {"npi": "\x00"},
        says="Null characters",
    ),
}


def first_id(clinic: Clinic, model: str) -> UUID:
    with clinic.work_as():
        found: UUID = apps.get_model("clinic", model)._default_manager.first().pk
        return found


def stored(clinic: Clinic, model: str, object_id: UUID | None = None) -> Any:
    """The record, or the one that was added last; in the clinic's own context, so of its own organisation."""
    rows = apps.get_model(EDITABLE[model].app, model)._default_manager
    with clinic.work_as():
        return rows.get(pk=object_id) if object_id else rows.order_by("created_at").last()


def test_every_editable_model_is_here() -> None:
    editable = {
        model._meta.model_name
        for model, registered in admin.site._registry.items()
        if isinstance(registered, WalledModelAdmin) and not registered.read_only
    }
    assert editable == EDITABLE.keys()


@pytest.mark.parametrize("model", [name for name, case in EDITABLE.items() if case.add])
def test_a_record_is_added_with_admin_forms(client: Client, clinic_a: Clinic, clinic_b: Clinic, model: str) -> None:
    case = EDITABLE[model]
    assert case.add
    response = send(client, f"/admin/{case.app}/{model}/add/", **case.add(clinic_a))
    assert saved(response), errors(response)
    added = stored(clinic_a, model)
    assert added.organization_id == clinic_a.organization.id
    [(action, details)] = actions(clinic_a, added.pk)
    assert action == "CREATE"
    assert set(details) == {"columns"}
    with clinic_b.work_as():
        assert not type(added)._default_manager.filter(pk=added.pk).exists()


@pytest.mark.parametrize("model", EDITABLE)
def test_a_record_is_changed_with_admin_forms(client: Client, clinic_a: Clinic, model: str) -> None:
    case = EDITABLE[model]
    object_id = case.row(clinic_a) if case.row else first_id(clinic_a, model)
    before = stored(clinic_a, model, object_id)
    response = send(client, f"/admin/{case.app}/{model}/{object_id}/change/", **case.change)
    assert saved(response), errors(response)
    after = stored(clinic_a, model, object_id)
    for column in after._meta.concrete_fields:
        if column.name in case.change:
            assert str(getattr(after, column.attname)) == case.change[column.name]
        elif column.name != "updated_at":
            assert getattr(after, column.attname) == getattr(before, column.attname), column.name
    assert actions(clinic_a, object_id)[-1] == ("UPDATE", {"columns": list(case.change)})


@pytest.mark.parametrize("model", EDITABLE)
def test_what_the_database_refuses_is_a_message_of_admin_forms(
    client: Client, clinic_a: Clinic, clinic_b: Clinic, model: str
) -> None:
    case = EDITABLE[model]
    object_id = case.row(clinic_a) if case.row else first_id(clinic_a, model)
    before = stored(clinic_a, model, object_id)
    response = send(client, f"/admin/{case.app}/{model}/{object_id}/change/", **case.refused(clinic_a))
    assert case.says in errors(response)
    assert stored(clinic_a, model, object_id).updated_at == before.updated_at
    assert [action for action, _ in actions(clinic_a, object_id)] == []


def test_a_record_of_another_clinic_is_no_choice_of_admin_forms(
    client: Client, clinic_a: Clinic, clinic_b: Clinic
) -> None:
    add = EDITABLE["caseloadassignment"].add
    assert add
    values = add(clinic_a) | {"patient": clinic_b.client.id}
    assert "valid choice" in errors(send(client, "/admin/clinic/caseloadassignment/add/", **values))


# --- the organisation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Factory", "localtime", ""])
def test_an_unknown_time_zone_is_refused(client: Client, clinic_a: Clinic, zone: str) -> None:
    response = send(client, f"/admin/clinic/organization/{clinic_a.organization.id}/change/", time_zone=zone)
    assert "time_zone" in errors(response)
    assert client.get("/admin/").status_code == 200


def test_an_unknown_time_zone_in_the_database_is_utc(
    client: Client, clinic_a: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    with clinic_a.work_as():
        # PostgreSQL knows what it means, Python does not.
        Organization.objects.update(time_zone="XYZ3")
    assert client.get("/admin/").status_code == 200
    assert client.get("/schedule/").status_code == 200
    assert [getattr(record, "code", "") for record in caplog.records][:1] == ["TIME_ZONE_UNKNOWN"]
    response = send(client, f"/admin/clinic/organization/{clinic_a.organization.id}/change/")
    assert "time_zone" in errors(response), "no zone is chosen silently"


def test_only_a_deployment_administrator_switches_an_organization_off(client: Client, clinic_a: Clinic) -> None:
    url = f"/admin/clinic/organization/{clinic_a.organization.id}/change/"
    assert saved(send(client, url, is_active=None))
    assert stored(clinic_a, "organization", clinic_a.organization.id).is_active
    assert saved(send(client_for(Role.SUPER_ADMIN, clinic_a), url, is_active=None))
    assert not stored(clinic_a, "organization", clinic_a.organization.id).is_active


def test_a_taken_tax_number_is_refused_neutrally(client: Client, clinic_a: Clinic, clinic_b: Clinic) -> None:
    url = f"/admin/clinic/organization/{clinic_a.organization.id}/change/"
    refusal = errors(send(client, url, tax_id=clinic_b.organization.tax_id))
    assert "This tax number cannot be used." in refusal
    assert "key" not in refusal


def test_an_empty_tax_number_is_none(client: Client, clinic_a: Clinic, clinic_b: Clinic) -> None:
    """Two clinics without one are not two clinics with the same one."""
    for clinic in (clinic_a, clinic_b):
        url = f"/admin/clinic/organization/{clinic.organization.id}/change/"
        assert saved(send(client_for(Role.ADMIN, clinic), url, tax_id=""))
        assert stored(clinic, "organization", clinic.organization.id).tax_id is None


# --- people ----------------------------------------------------------------------------------------------------------


def test_an_added_user_signs_in(client: Client, clinic_a: Clinic) -> None:
    add = EDITABLE["user"].add
    assert add
    assert saved(send(client, f"{USERS}add/", **add(clinic_a)))
    added = stored(clinic_a, "user")
    assert added.email == "new@aspen.example"
    assert check_password(NEW_PASSWORD, added.password)
    assert "password" not in json.dumps(actions(clinic_a, added.id))
    form = {"email": added.email, "password": NEW_PASSWORD}
    assert Client().post("/sign-in/", form).status_code == 302


def test_a_user_needs_a_password(client: Client, clinic_a: Clinic) -> None:
    add = EDITABLE["user"].add
    assert add
    assert "new_password" in errors(send(client, f"{USERS}add/", **(add(clinic_a) | {"new_password": ""})))
    assert "new_password" in errors(send(client, f"{USERS}add/", **(add(clinic_a) | {"new_password": "short"})))


def test_a_new_password_is_an_action_of_its_own(client: Client, clinic_a: Clinic) -> None:
    changed = clinic_a.users[Role.RBT]
    browser = client_for(Role.RBT, clinic_a)
    assert saved(send(client, user_url(clinic_a, Role.RBT), new_password=NEW_PASSWORD))
    assert check_password(NEW_PASSWORD, stored(clinic_a, "user", changed.id).password)
    assert [row for row in actions(clinic_a, changed.id) if row[0] != "ACCESS_REFUSED"] == [("CHANGE_PASSWORD", None)]
    assert browser.get("/").headers["Location"].startswith("/sign-in/")
    response = send(client, user_url(clinic_a, Role.RBT), new_password=PASSWORD, full_name="Changed Name")
    assert saved(response)
    assert actions(clinic_a, changed.id)[1:] == [("CHANGE_PASSWORD", None), ("UPDATE", {"columns": ["full_name"]})]


def test_a_change_without_a_password_keeps_it(client: Client, clinic_a: Clinic) -> None:
    assert saved(send(client, user_url(clinic_a, Role.RBT), full_name="Changed Name"))
    assert check_password(PASSWORD, stored(clinic_a, "user", clinic_a.users[Role.RBT].id).password)


def test_ones_own_new_password_ends_the_other_sessions(client: Client, clinic_a: Clinic) -> None:
    other = client_for(Role.ADMIN, clinic_a)
    assert saved(send(client, user_url(clinic_a, Role.ADMIN), new_password=NEW_PASSWORD))
    assert "The record was saved." in client.get(USERS).content.decode()
    assert other.get(USERS).status_code == 302


def test_an_administrator_only_looks_at_a_deployment_administrator(client: Client, clinic_a: Clinic) -> None:
    url, above = user_url(clinic_a, Role.SUPER_ADMIN), clinic_a.users[Role.SUPER_ADMIN]
    page = client.get(url)
    assert page.status_code == 200
    assert "new_password" not in page.content.decode()
    values = {"email": "mine@aspen.example", "full_name": "Mine", "role": "SUPER_ADMIN", "new_password": NEW_PASSWORD}
    assert client.post(url, values).status_code == 403
    assert stored(clinic_a, "user", above.id).email == above.email
    assert check_password(PASSWORD, stored(clinic_a, "user", above.id).password)
    itself = client_for(Role.SUPER_ADMIN, clinic_a)
    assert saved(send(itself, url, full_name="Changed Name"))


@pytest.mark.parametrize("place", ["add/", "change"])
def test_nobody_becomes_a_deployment_administrator(client: Client, clinic_a: Clinic, place: str) -> None:
    add = EDITABLE["user"].add
    assert add
    url = user_url(clinic_a, Role.RBT) if place == "change" else f"{USERS}{place}"
    assert "role" in errors(send(client, url, **(add(clinic_a) | {"role": "SUPER_ADMIN"})))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
def test_nobody_changes_their_own_role(clinic_a: Clinic, role: Role) -> None:
    assert saved(send(client_for(role, clinic_a), user_url(clinic_a, role), role="RBT", full_name="Changed Name"))
    after = stored(clinic_a, "user", clinic_a.users[role].id)
    assert (after.role, after.full_name) == (role, "Changed Name")


def test_a_deployment_administrator_only_looks_at_the_people_of_other_organizations(
    clinic_a: Clinic, clinic_b: Clinic
) -> None:
    entered = sign_in(Client(), clinic_a.users[Role.SUPER_ADMIN], clinic_b.organization)
    url = user_url(clinic_b, Role.ADMIN)
    page = entered.get(url)
    assert page.status_code == 200
    assert "new_password" not in page.content.decode()
    assert entered.get(USERS).status_code == 200
    assert entered.get(f"{USERS}add/").status_code == 403
    values = {"email": "mine@aspen.example", "full_name": "Mine", "role": "ADMIN", "new_password": NEW_PASSWORD}
    assert entered.post(url, values).status_code == 403
    assert entered.post(f"{USERS}add/", values).status_code == 403
    assert check_password(PASSWORD, stored(clinic_b, "user", clinic_b.users[Role.ADMIN].id).password)
    organization = f"/admin/clinic/organization/{clinic_b.organization.id}/change/"
    assert saved(send(entered, organization, name="Birch Clinic"))
    assert stored(clinic_b, "organization", clinic_b.organization.id).name == "Birch Clinic"


# --- authorizations --------------------------------------------------------------------------------------------------


def test_an_authorization_keeps_its_client_and_service(client: Client, clinic_a: Clinic) -> None:
    before = clinic_a.authorization
    url = f"/admin/clinic/authorization/{before.id}/change/"
    values = {"patient": clinic_a.other_client.id, "service_code": "97155", "used_units": "0", "total_units": "450"}
    assert saved(send(client, url, **values))
    after = stored(clinic_a, "authorization", before.id)
    assert (after.patient_id, after.service_code, after.total_units) == (before.patient_id, "97153", 450)
    assert (after.used_units, after.delivered_units) == (before.used_units, before.delivered_units)


def test_the_columns_an_authorization_writes_are_the_granted_ones(clinic_a: Clinic) -> None:
    with clinic_a.work_as(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'authorizations'::regclass AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege('authorizations', attname, 'UPDATE')"
        )
        granted = {row[0] for row in cursor.fetchall()}
    written = {Authorization._meta.get_field(name).column for name in AuthorizationForm.update_fields}  # type: ignore[union-attr]
    assert written == granted


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE authorizations SET used_units = 0", "not allowed"),
        ("UPDATE authorizations SET start_date = NULL", "start_date"),
    ],
)
def test_every_refusal_of_the_database_is_a_message(
    client: Client, clinic_a: Clinic, monkeypatch: pytest.MonkeyPatch, sql: str, says: str
) -> None:
    def save(self: Authorization, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    monkeypatch.setattr(Authorization, "save", save)
    response = send(client, f"/admin/clinic/authorization/{clinic_a.authorization.id}/change/")
    assert says in errors(response)
    assert client.get("/admin/").status_code == 200


# --- what is left behind ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
def test_no_name_reaches_the_web_session(clinic_a: Clinic, button: str) -> None:
    key = begin_web_session(clinic_a.users[Role.ADMIN])
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    add = EDITABLE["patient"].add
    assert add
    assert saved(send(client, "/admin/clinic/patient/add/", **add(clinic_a), **{button: "1"}))
    with shared(), tenant(clinic_a.organization.id):
        kept = json.dumps(SessionStore(key).load())
    assert "The record was saved." in kept
    assert "Moss" not in kept
    url = f"/admin/clinic/patient/{clinic_a.client.id}/change/"
    assert saved(send(client, url, city="Troy", **{button: "1"}))
    with shared(), tenant(clinic_a.organization.id):
        kept = json.dumps(SessionStore(key).load())
    assert clinic_a.client.last_name not in kept


@pytest.mark.parametrize(
    "query",
    ["password__startswith=a", "organization__tax_id__startswith=9", "email=x", "role__startswith=A", "nothing=1"],
)
def test_lists_are_filtered_only_as_they_offer(client: Client, query: str) -> None:
    assert client.get(f"{USERS}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["role__exact=RBT", "is_active__exact=1", "o=2", "p=1", "_popup=1"])
def test_lists_are_filtered_as_they_offer(client: Client, query: str) -> None:
    assert client.get(f"{USERS}?{query}").status_code == 200


def test_clients_are_not_probed(client: Client) -> None:
    assert client.get("/admin/clinic/patient/?guardian_email__startswith=r").status_code == 400
