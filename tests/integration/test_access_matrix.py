"""Who may open what: every address × every kind of visitor × the own, another organisation's and an absent object.

The addresses come from the URL configuration, who may open them from each view's policy. What cannot be read there is
in the small tables below: which object an address is tried with, whom an object is out of reach for although the role
is right, and what the administration shows. An address without an entry fails.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern

from clinic.models import StaffMember, User
from omnirapeutic.audit import services as audit
from omnirapeutic.checks import url_patterns
from omnirapeutic.web.permissions import Role
from omnirapeutic.web.policies import Policy
from tests.support.clinics import Clinic, password_hash, sign_in

ABSENT = uuid.UUID("00000000-0000-4000-8000-00000000dead")
ANONYMOUS = "anonymous"
# People with the right role who have no client, no appointment and no session.
NEWCOMERS = {"new RBT": Role.RBT, "new BCBA": Role.BCBA}
VISITORS = [ANONYMOUS, *(role.value for role in Role), *NEWCOMERS]
# What an own object may answer to an empty or a full request.
ANSWERS = {200, 204, 302, 303, 400, 405, 409, 413, 422}

Objects = Callable[[Clinic], Any]

# --- which object ----------------------------------------------------------------------------------------------------

BY_PARAMETER: dict[str, Objects] = {
    "patient_id": lambda clinic: clinic.client.id,
    "appointment_id": lambda clinic: clinic.appointment.id,
    "claim_id": lambda clinic: clinic.claim.id,
    "organization_id": lambda clinic: clinic.organization.id,
}
SESSIONS: dict[str, Objects] = {
    "session_capture": lambda clinic: clinic.running.id,
    "session_events": lambda clinic: clinic.running.id,
    "session_end": lambda clinic: clinic.running.id,
    "session_note": lambda clinic: clinic.session.id,
    "session_note_sign": lambda clinic: clinic.session.id,
    "session_review": lambda clinic: clinic.session.id,
    "session_cosign": lambda clinic: clinic.session.id,
    "claim_create": lambda clinic: clinic.session.id,
}
# Models of the administration that deployment administrators see too.
SUPER_ADMIN_TOO = {"organization", "user"}


@dataclass(frozen=True)
class Walled:
    row: Objects
    add: bool = False
    change: bool = False


def first(clinic: Clinic, model: str, app: str = "clinic") -> Any:
    from django.apps import apps

    with clinic.work_as():
        if model == "auditlog":
            audit.record(action="READ", resource_type="patient")
        return apps.get_model(app, model)._default_manager.first().pk


ADMIN_MODELS: dict[str, Walled] = {
    "organization": Walled(lambda clinic: clinic.organization.id, change=True),
    "user": Walled(lambda clinic: clinic.users[Role.RBT].id, add=True, change=True),
    "staffmember": Walled(lambda clinic: clinic.staff[Role.RBT].id, add=True, change=True),
    "patient": Walled(lambda clinic: clinic.client.id, add=True, change=True),
    "patientinsurance": Walled(lambda clinic: clinic.insurance.id, add=True, change=True),
    "payer": Walled(lambda clinic: clinic.payer.id, add=True, change=True),
    "caseloadassignment": Walled(lambda clinic: first(clinic, "caseloadassignment"), add=True, change=True),
    "authorization": Walled(lambda clinic: clinic.authorization.id, add=True, change=True),
    "servicerate": Walled(lambda clinic: clinic.rate.id, add=True, change=True),
    "unitmovement": Walled(lambda clinic: first(clinic, "unitmovement")),
    "appointment": Walled(lambda clinic: clinic.appointment.id),
    "session": Walled(lambda clinic: clinic.running.id),
    "sessionevent": Walled(lambda clinic: first(clinic, "sessionevent", "therapy_sessions")),
    "claim": Walled(lambda clinic: clinic.claim.id),
    "auditlog": Walled(lambda clinic: first(clinic, "auditlog", "audit")),
}

# --- whom it is out of reach for although the role is right ----------------------------------------------------------

REACH = {
    # The technician is the provider of all the clinic's sessions.
    "session_start": {"RBT"},
    "session_capture": {"RBT"},
    "session_events": {"RBT"},
    "session_end": {"RBT"},
    "session_note": {"RBT"},
    "session_note_sign": {"RBT"},
    # The client is on the analyst's caseload, not on a newcomer's.
    "session_review": {"BCBA"},
    "session_cosign": {"BCBA"},
    "program_list": {"BCBA"},
    "target_new": {"BCBA"},
}
# Deployment administrators enter any organisation: that is the one way across, and it is audited.
ACROSS = {"organization_enter"}
# Addresses of the administration that answer the same whatever is asked: to GET, to POST.
ALWAYS = {"view_on_site": (404, 404), "autocomplete": (403, 405), "jsi18n": (200, 405)}


@dataclass(frozen=True)
class Address:
    route: str
    name: str
    policy: Policy

    @property
    def model(self) -> str | None:
        """The administration's model, for addresses of one."""
        match = re.match(r"admin/\w+/(\w+)/", self.route)
        return match[1] if match and "<" not in match[0] and self.route.startswith("admin/") else None

    @property
    def action(self) -> str:
        """Of the administration: changelist, add, change, delete, history or the address that leads to change."""
        return self.route.removesuffix("/").rpartition("/")[2] if self.model else ""

    @property
    def has_object(self) -> bool:
        return "<" in self.route and not self.route.startswith("admin/(") and not self.route.startswith("admin/^")

    def url(self, clinic: Clinic, *, absent: bool = False) -> tuple[str, str]:
        """The address of a clinic's object, and the object's id."""
        if self.name == "app_list":
            return "/admin/clinic/", ""
        if self.route == "admin/(?P<url>.*)$":
            return "/admin/nothing/here/", ""
        object_id = str(ABSENT if absent else self._object(clinic)) if self.has_object else ""
        path = re.sub(r"<path:content_type_id>", _content_type(clinic), self.route)
        path = re.sub(r"<\w+:\w+>", object_id, path)
        assert not re.search(r"[<>^$()?*]", path), f"no case for {self.route}: add one here"
        return f"/{path}", object_id

    def _object(self, clinic: Clinic) -> Any:
        if self.model is not None:
            return ADMIN_MODELS[self.model].row(clinic)
        if self.name == "view_on_site":
            return clinic.client.id
        if self.name in SESSIONS:
            return SESSIONS[self.name](clinic)
        (parameter,) = re.findall(r"<\w+:(\w+)>", self.route)
        return BY_PARAMETER[parameter](clinic)


def _content_type(clinic: Clinic) -> str:
    from django.contrib.contenttypes.models import ContentType

    with clinic.work_as():
        return str(ContentType.objects.get_by_natural_key("clinic", "patient").pk)


def address(route: str, pattern: URLPattern) -> Address:
    return Address(route, pattern.name or "", pattern.callback.policy)


ADDRESSES = [address(route, pattern) for route, pattern in url_patterns()]


def expected(place: Address, visitor: str) -> str:
    """anybody, sign in, forbidden, out of reach, or the answer itself."""
    policy = place.policy
    if policy.anonymous_reason:
        return "anybody"
    if visitor == ANONYMOUS:
        return "told" if policy.json else "sign in"
    role = NEWCOMERS.get(visitor) or Role(visitor)
    if not policy.allows(User(role=role)):
        return "forbidden"
    if place.name in REACH and visitor not in REACH[place.name]:
        return "out of reach"
    return "answer"


# --- the matrix ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A response without what must differ: the id that was asked for."""

    status: int
    headers: frozenset[tuple[str, str]]
    cookies: frozenset[str]
    body: bytes

    @classmethod
    def of(cls, response: HttpResponse, object_id: str) -> Answer:
        headers = {
            (name, value.replace(object_id, "ID") if object_id else value)
            for name, value in response.items()
            if name != "Expires"  # now, for pages that are not to be kept
        }
        body = response.content.replace(object_id.encode(), b"ID") if object_id else response.content
        return cls(response.status_code, frozenset(headers), frozenset(response.cookies), body)


def visit(client: Client, place: Address, clinic: Clinic, *, absent: bool = False) -> dict[str, Answer]:
    url, object_id = place.url(clinic, absent=absent)
    return {method: Answer.of(getattr(client, method.lower())(url), object_id) for method in ("GET", "POST")}


def client_of(visitor: str, clinic: Clinic) -> Client:
    if visitor == ANONYMOUS:
        return Client()
    if visitor not in NEWCOMERS:
        return sign_in(Client(), clinic.users[Role(visitor)])
    role = NEWCOMERS[visitor]
    with clinic.work_as():
        user = User.objects.create(
            organization=clinic.organization,
            email=f"new-{role.value.lower()}@aspen.example",
            password=password_hash(),
            full_name="New Person",
            role=role,
        )
        StaffMember.objects.create(organization=clinic.organization, user=user, credential=role.value)
    return sign_in(Client(), user)


REFUSED = ("sign in", "told", "forbidden")
# Those who are turned away change nothing, so they share a database; everybody else finds it fresh.
REFUSALS = [(place, [visitor for visitor in VISITORS if expected(place, visitor) in REFUSED]) for place in ADDRESSES]
ENTRIES = [(place, visitor) for place in ADDRESSES for visitor in VISITORS if expected(place, visitor) not in REFUSED]


def route_of(part: Any) -> str:
    return part.route if isinstance(part, Address) else part if isinstance(part, str) else f"{len(part)} refused"


@pytest.mark.parametrize(("place", "visitor"), ENTRIES, ids=route_of)
def test_access(place: Address, visitor: str, clinic_a: Clinic, clinic_b: Clinic) -> None:
    assert_access(place, visitor, clinic_a, clinic_b)


@pytest.mark.parametrize(("place", "visitors"), REFUSALS, ids=route_of)
def test_refusals(place: Address, visitors: list[str], clinic_a: Clinic, clinic_b: Clinic) -> None:
    for visitor in visitors:
        assert_access(place, visitor, clinic_a, clinic_b)


def assert_access(place: Address, visitor: str, clinic_a: Clinic, clinic_b: Clinic) -> None:
    """One visitor, one address, every object it may be asked for."""
    client = client_of(visitor, clinic_a)
    wanted = expected(place, visitor)
    answers: dict[str, dict[str, Answer]] = {}
    if place.has_object:
        answers["other"] = visit(client, place, clinic_b)
        answers["absent"] = visit(client, place, clinic_b, absent=True)
    answers["own"] = visit(client, place, clinic_a)

    statuses: dict[str, Any] = {
        kind: {method: answer.status for method, answer in by.items()} for kind, by in answers.items()
    }
    statuses["visitor"] = visitor
    if place.has_object and place.name not in ACROSS:
        assert answers["other"] == answers["absent"], f"another organisation's object can be told from none: {statuses}"
    if place.name not in ACROSS | {"organizations"} and place.model != "organization":
        for kind, by in answers.items():
            for method, answer in by.items():
                assert b"irch" not in answer.body, f"{method} {kind} shows something of the other clinic"

    match wanted:
        case "anybody":
            assert all(answer.status in ANSWERS for answer in answers["own"].values()), statuses
        case "sign in":
            for by in answers.values():
                for answer in by.values():
                    assert answer.status == 302, statuses
                    assert dict(answer.headers)["Location"].startswith("/sign-in/?next="), statuses
        case "told":
            assert all(answer.status == 401 for by in answers.values() for answer in by.values()), statuses
        case "forbidden":
            assert all(answer.status == 403 for by in answers.values() for answer in by.values()), statuses
        case "out of reach":
            assert answers["own"] == answers["absent"], f"an object out of reach can be told from none: {statuses}"
            assert_not_found(answers["absent"], statuses)
        case "answer":
            assert_answered(place, visitor, answers, statuses)


def assert_not_found(by: dict[str, Answer], statuses: object) -> None:
    assert {answer.status for answer in by.values()} <= {404, 405}, statuses
    assert 404 in {answer.status for answer in by.values()}, statuses


def assert_answered(
    place: Address, visitor: str, answers: dict[str, dict[str, Answer]], statuses: dict[str, Any]
) -> None:
    if place.route.startswith("admin/"):
        for kind in answers:
            assert statuses[kind] == expected_of_admin(place, visitor, kind), statuses
        return
    own = {answer.status for answer in answers["own"].values()}
    assert own <= ANSWERS, statuses
    assert own != {405}, statuses
    if place.has_object:
        assert_not_found(answers["absent"], statuses)
        if place.name in ACROSS:
            assert {answer.status for answer in answers["other"].values()} <= ANSWERS, statuses


def expected_of_admin(place: Address, visitor: str, kind: str) -> dict[str, int]:
    """What the administration answers to those who may use it."""

    def same(status: int) -> dict[str, int]:
        return {"GET": status, "POST": status}

    if place.name in ALWAYS:
        return dict(zip(("GET", "POST"), ALWAYS[place.name], strict=True))
    if place.route == "admin/(?P<url>.*)$":
        return same(404)
    if place.model is None:
        return same(200)
    walled = ADMIN_MODELS[place.model]
    seen = visitor == "ADMIN" or place.model in SUPER_ADMIN_TOO
    change = same(403) if not seen else same(404) if kind != "own" else same(200)
    if seen and not walled.change:
        change["POST"] = 403
    return {
        "add": same(200 if seen and walled.add else 403),
        "delete": same(403),
        "history": same(404),
        "change": change,
        "<path:object_id>": same(302),
    }.get(place.action, same(200 if seen else 403))


# --- nothing is left out ---------------------------------------------------------------------------------------------


def test_every_address_is_tried_by_every_visitor() -> None:
    tried = {(place.route, visitor) for place, visitor in ENTRIES}
    tried |= {(place.route, visitor) for place, visitors in REFUSALS for visitor in visitors}
    assert tried == {(route, visitor) for route, _ in url_patterns() for visitor in VISITORS}


def test_every_address_has_a_case(clinic_a: Clinic) -> None:
    assert len(ADDRESSES) > 100
    for place in ADDRESSES:
        place.url(clinic_a)
    routes = [place.route for place in ADDRESSES]
    assert len(set(routes)) == len(routes)


def test_the_tables_name_nothing_that_is_gone() -> None:
    names = {place.name for place in ADDRESSES}
    assert (REACH.keys() | SESSIONS.keys() | ACROSS | ALWAYS.keys()) <= names


def test_the_administration_is_the_listed_models() -> None:
    from omnirapeutic.web.admin_site import WalledModelAdmin

    assert {model._meta.model_name for model in admin.site._registry} == ADMIN_MODELS.keys()
    assert all(isinstance(registered, WalledModelAdmin) for registered in admin.site._registry.values())


def test_the_matrix_sees_a_wall_that_leaks(clinic_a: Clinic, clinic_b: Clinic) -> None:
    """A negative control: what a page of the other clinic looks like to this test."""
    place = next(place for place in ADDRESSES if place.name == "client_detail")
    client = sign_in(Client(), clinic_b.users[Role.FRONT_DESK])
    leaked = visit(client, place, clinic_b)
    assert leaked != visit(client, place, clinic_b, absent=True)
    assert b"irch" in leaked["GET"].body
