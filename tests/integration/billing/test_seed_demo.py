"""The demo in the database: valid for every check of the application, and tried as its people would."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from billing import readiness, selectors
from billing.models import Claim
from clinic.models import (
    Authorization,
    CaseloadAssignment,
    Organization,
    Patient,
    PatientInsurance,
    Payer,
    StaffMember,
    User,
)
from omnirapeutic.db import functions
from omnirapeutic.tenancy.context import tenant
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions import events, measures
from sessions.ledger_check import check_ledger
from sessions.models import Program, Session, SessionEvent, SessionNote, Target
from sessions.services import start_session
from sessions.services.notes import content_sha256

MODELS: dict[str, Any] = {
    "organization": Organization,
    "user": User,
    "staff_member": StaffMember,
    "payer": Payer,
    "patient": Patient,
    "caseload_assignment": CaseloadAssignment,
    "insurance": PatientInsurance,
    "authorization": Authorization,
    "program": Program,
    "target": Target,
    "appointment": Appointment,
    "session": Session,
    "note": SessionNote,
    "claim": Claim,
}

SignIns = list[dict[str, Any]]


@pytest.fixture
def seed(db: None, tmp_path: Path) -> Callable[..., SignIns]:
    def seed_demo(*arguments: str) -> SignIns:
        file = tmp_path / "demo.json"
        call_command("seed_demo", "--json", str(file), *arguments, stdout=io.StringIO())
        found: SignIns = json.loads(file.read_text())
        return found

    return seed_demo


def check_everything() -> None:
    """What must hold in every organisation, whatever the size."""
    for organization_id in functions.worker_organizations():
        with tenant(organization_id):
            assert check_ledger().deviations == []
            for note in SessionNote.objects.exclude(status="DRAFT").select_related("session"):
                assert note.content_sha256 == content_sha256(note)
            sessions = Session.objects.order_by("id")[:40]
            recorded = SessionEvent.objects.filter(session__in=list(sessions)).order_by("event_timestamp")
            by_session: dict[UUID, list[measures.Event]] = {}
            for row in recorded:
                by_session.setdefault(row.session_id, []).append(events.from_row(row))
            for session in sessions:
                assert session.latest_metrics == measures.recompute(by_session.get(session.id, []))


def test_the_default_demo_is_valid_and_tells_a_story(seed: Callable[..., SignIns], superuser_url: str) -> None:
    """One test, because seeding is what takes time."""
    clinic = UUID(seed()[0]["ids"]["organization"])
    check_everything()
    with tenant(clinic):
        assert not Session.objects.filter(end_time__gt=timezone.now()).exists()
        assert not Session.objects.filter(end_time__lte=F("start_time")).exists()
        check_states()
        check_billing()
        check_trend()
    check_wall(superuser_url)


def test_more_clinics_are_valid_too(seed: Callable[..., SignIns]) -> None:
    seed("--organizations", "5", "--scale", "0.8", "--seed", "9", "--today", "2026-03-09T23:40")
    check_everything()


def test_each_entry_is_a_sign_in_with_ids_of_its_own_organization(seed: Callable[..., SignIns]) -> None:
    sign_ins = seed()
    technicians = [each["email"] for each in sign_ins if each["role"] == "RBT"]
    assert technicians == ["rbt@clinic-one.example", "rbt@clinic-two.example"]
    assert [each["role"] for each in sign_ins[-1:]] == ["SUPER_ADMIN"]
    assert {each["role"] for each in sign_ins} == set(Role.values)
    assert {tuple(each) for each in sign_ins} == {("organization", "role", "email", "password", "ids", "objects")}
    for each in sign_ins:
        found = functions.find_sign_in(each["email"])
        assert found is not None
        assert check_password(each["password"], found.password_hash)
        assert each["ids"]["user"] == str(found.user_id)
        assert each["ids"]["organization"] == str(found.organization_id)
        if each["role"] == "SUPER_ADMIN":
            assert each["objects"] == {}
            continue
        assert set(each["objects"]) == set(MODELS)
        with tenant(found.organization_id):
            for kind, value in each["objects"].items():
                assert MODELS[kind].objects.filter(id=value).exists(), kind


def test_the_ids_hang_together_and_the_technician_may_start_now(seed: Callable[..., SignIns]) -> None:
    sign_ins = seed()
    [technician] = [each for each in sign_ins[:6] if each["role"] == "RBT"]
    [analyst] = [each for each in sign_ins[:6] if each["role"] == "BCBA"]
    ids = technician["objects"]
    with tenant(UUID(ids["organization"]), UUID(technician["ids"]["user"])):
        user = User.objects.get(id=technician["ids"]["user"])
        session = Session.objects.get(id=ids["session"])
        assert str(session.patient_id) == ids["patient"]
        assert str(session.provider_id) == technician["ids"]["staff_member"]
        assert str(SessionNote.objects.get(session=session).id) == ids["note"]
        assert str(Target.objects.get(id=ids["target"]).patient_id) == ids["patient"]
        today = timezone.localdate()
        for each in (technician, analyst):
            on_caseload = Patient.objects.on_caseload_of(UUID(each["ids"]["staff_member"]), today)
            assert on_caseload.filter(id=ids["patient"]).exists()
        appointment = Appointment.objects.get(id=ids["appointment"])
        assert start_session(appointment=appointment, actor=user).status == "IN_PROGRESS"


def check_states() -> None:
    """The states a clinic meets are all there."""
    assert set(Authorization.objects.values_list("status", flat=True)) == set(Authorization.Status.values)
    appointments = set(Appointment.objects.values_list("status", flat=True))
    assert appointments >= {"SCHEDULED", "COMPLETED", "CANCELLED", "NO_SHOW"}
    assert set(SessionNote.objects.values_list("status", flat=True)) == set(SessionNote.Status.values)
    assert set(Target.objects.values_list("measure", flat=True)) == set(Target.Measure.values)
    assert set(PatientInsurance.objects.values_list("relationship", flat=True)) == {"18", "19"}
    free = [each.free_units for each in Authorization.objects.filter(status="ACTIVE")]
    assert min(free) < 10
    assert Claim.objects.exists()


def check_billing() -> None:
    """Almost every session can be billed; what cannot is unsigned."""
    own = selectors.clinic()
    assert own.problems == []
    assessed = own.with_state(readiness.unbilled_sessions())
    missing = [codes for codes in assessed.values_list("missing", flat=True) if codes]
    ready = assessed.filter(readiness.READY).count()
    assert ready > 10 * len(missing)
    assert {code for codes in missing for code in codes} <= {
        "NOTE_UNSIGNED",
        "COSIGNATURE_MISSING",
        "SIBLING_UNFINISHED",
    }


def check_trend() -> None:
    """Trials rise and unwanted behavior falls, as treatment works."""
    dated: list[tuple[Any, Any]] = list(
        Session.objects.filter(service_code="97153")
        .order_by("service_date")
        .values_list("service_date", "latest_metrics")
    )
    third = len(dated) // 3

    def figures(part: list[tuple[Any, Any]]) -> list[measures.Metrics]:
        return [measures.metrics(tally) for _, tallies in part for tally in tallies.values()]

    def percent(part: list[tuple[Any, Any]]) -> float:
        found = [each.percent_independent for each in figures(part) if each.percent_independent is not None]
        return float(sum(found) / len(found))

    def counted(part: list[tuple[Any, Any]]) -> float:
        return sum(each.count or 0 for each in figures(part)) / len(part)

    assert percent(dated[-third:]) > percent(dated[:third]) + 15
    assert counted(dated[-third:]) < counted(dated[:third]) - 2


def check_wall(superuser_url: str) -> None:
    """Every row is inside some organisation, and nobody sees another's."""
    with psycopg.connect(superuser_url) as superuser:
        everywhere = superuser.execute("SELECT count(*) FROM patients").fetchone()
    counts = []
    for organization_id in functions.worker_organizations():
        with tenant(organization_id):
            counts.append(Patient.objects.count())
    assert everywhere == (sum(counts),)
    assert sorted(counts)[0] == 0  # the platform's own organisation
    assert len(counts) == 3


def test_if_empty_leaves_what_is_there(seed: Callable[..., SignIns], tmp_path: Path) -> None:
    first = seed("--if-empty", "--scale", "0.2")
    (tmp_path / "demo.json").unlink()
    call_command("seed_demo", "--if-empty", "--json", str(tmp_path / "demo.json"), "--seed", "2", stdout=io.StringIO())
    assert not (tmp_path / "demo.json").exists()
    assert len(functions.worker_organizations()) == 3
    assert functions.find_sign_in(first[0]["email"]) is not None


def test_without_it_a_second_demo_is_refused(seed: Callable[..., SignIns]) -> None:
    seed("--scale", "0.2")
    with pytest.raises(CommandError, match="empty database"):
        seed("--scale", "0.2")


def test_all_or_nothing(seed: Callable[..., SignIns], superuser_url: str) -> None:
    """The second clinic cannot be loaded: the first is not left behind."""
    with psycopg.connect(superuser_url) as superuser:
        superuser.execute("INSERT INTO organizations (name, tax_id, is_active) VALUES ('Closed', '990000001', false)")
    with pytest.raises(Exception, match="tax_id"):
        seed("--scale", "0.2")
    assert functions.worker_organizations() == []
