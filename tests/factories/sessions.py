"""A technician, an analyst and a client of a clinic with targets of every measure, bookings, and what a tablet sends.

The clinics of tests.support have a session running now; these people and this client are free at any time.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

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
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.db import functions
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions.models import Program, Session, Target
from tests.support.clinics import Clinic, password_hash

Json = dict[str, Any]


@dataclass
class Case:
    """What the tests of sessions are about. All of it is committed; use it inside `clinic.work_as(...)`."""

    clinic: Clinic
    technician: StaffMember
    analyst: StaffMember
    patient: Patient
    payer: Payer
    authorization: Authorization
    program: Program
    counter: Target
    trials: Target
    timer: Target

    @property
    def organization_id(self) -> uuid.UUID:
        return self.clinic.organization.id

    @property
    def rbt(self) -> User:
        return self.technician.user

    @property
    def bcba(self) -> User:
        return self.analyst.user

    @property
    def today(self) -> date:
        return timezone.now().astimezone(midday_zone()).date()


def midday_zone() -> ZoneInfo:
    """A zone in which it is about noon, so that what began an hour ago is of today at whatever hour the tests run."""
    ahead = 12 - timezone.now().hour
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")  # its signs are the other way round


def build_case(clinic: Clinic, *, total_units: int = 100, **payer: str) -> Case:
    """Commits a case in a clinic. `payer` may set `rounding_rule` and `rounding_scope`."""
    with clinic.work_as(Role.ADMIN):
        own = {"organization_id": clinic.organization.id}
        Organization.objects.filter(id=clinic.organization.id).update(time_zone=midday_zone().key)
        case_payer = Payer.objects.create(name="Case Plan", payer_id=uuid.uuid4().hex[:8], **payer, **own)
        patient = Patient.objects.create(
            first_name="Ada", last_name="Brook", date_of_birth=date(2019, 4, 2), state="NY", **own
        )
        insurance = PatientInsurance.objects.create(
            patient=patient, billing_payer=case_payer, payer_name="Case Plan", member_id="M1", **own
        )
        today = timezone.now().date()
        authorization = Authorization.objects.create(
            patient=patient,
            insurance=insurance,
            service_code="97153",
            total_units=total_units,
            start_date=today - timedelta(days=30),
            end_date=today + timedelta(days=30),
            status="ACTIVE",
            authorization_number="C-1",
            **own,
        )
        program = Program.objects.create(patient=patient, name="Communication", **own)
        targets = [
            Target.objects.create(patient=patient, program=program, name=name, measure=measure, position=place, **own)
            for place, (name, measure) in enumerate(
                [("Requests", "FREQUENCY"), ("Labels", "DISCRETE_TRIAL"), ("Tantrum", "DURATION")]
            )
        ]
        case = Case(
            clinic,
            add_provider(clinic, Role.RBT),
            add_provider(clinic, Role.BCBA),
            patient,
            case_payer,
            authorization,
            program,
            *targets,
        )
        for member in (case.technician, case.analyst):
            put_on_caseload(patient, member)
        return case


def add_provider(clinic: Clinic, role: Role) -> StaffMember:
    """One more technician or analyst of a clinic."""
    own = {"organization_id": clinic.organization.id}
    user = User.objects.create(
        email=f"{uuid.uuid4().hex[:12]}@people.example",
        password=password_hash(),
        full_name=f"Sam {role.label}",
        role=role,
        **own,
    )
    return StaffMember.objects.create(user=user, credential=role.value, **own)


def put_on_caseload(patient: Patient, member: StaffMember, *, ended: bool = False) -> CaseloadAssignment:
    """From a month ago on; `ended` a week ago."""
    today = timezone.now().date()
    return CaseloadAssignment.objects.create(
        organization_id=patient.organization_id,
        patient=patient,
        staff_member=member,
        starts_on=today - timedelta(days=30),
        ends_on=today - timedelta(days=7) if ended else None,
    )


def book(
    case: Case,
    start: datetime | None = None,
    *,
    minutes: int = 120,
    provider: StaffMember | None = None,
    authorization: Authorization | None = None,
    status: str = "SCHEDULED",
) -> Appointment:
    """An appointment (now, when nothing is said) with its units reserved, eight for two hours."""
    start = start or timezone.now()
    line = authorization or case.authorization
    appointment = Appointment.objects.create(
        organization_id=case.organization_id,
        patient=case.patient,
        provider=provider or case.technician,
        authorization=line,
        service_code=line.service_code,
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        status=status,
        location="HOME",
        expected_units=max(1, minutes // 15),
    )
    functions.reserve_session_units(
        authorization_id=line.id,
        units=max(1, minutes // 15),
        service_date=start.astimezone(midday_zone()).date(),
        appointment_id=appointment.id,
        idempotency_key=f"book:{appointment.id}",
    )
    return appointment


def run(case: Case, *, since: int = 60, booked: int = 120, hours_ago: float | None = None, **options: Any) -> Session:
    """A session that has been running for `since` minutes, or was begun hours ago, on a booking of `booked` minutes."""
    start = timezone.now() - timedelta(minutes=since)
    if hours_ago is not None:
        start = timezone.now() - timedelta(hours=hours_ago)
    appointment = book(case, start, minutes=booked, status="IN_PROGRESS", **options)
    return Session.objects.create(
        organization_id=case.organization_id,
        appointment=appointment,
        patient=appointment.patient,
        provider=appointment.provider,
        authorization=appointment.authorization,
        service_code=appointment.service_code,
        start_time=start,
        service_date=start.astimezone(midday_zone()).date(),
        status="IN_PROGRESS",
        location="HOME",
        latest_metrics={},
    )


def audited(action: str, resource_type: str, resource_id: uuid.UUID | None = None) -> int:
    """How many audit rows there are of something."""
    rows = AuditLog.objects.filter(action=action, resource_type=resource_type)
    return (rows.filter(resource_id=resource_id) if resource_id else rows).count()


# --- entries as a tablet sends them ---------------------------------------------------------------------------------


def entry(target: Target, event_type: str, value: float | None = None, **metadata: Any) -> Json:
    return {
        "id": str(uuid.uuid4()),
        "event_type": event_type,
        "target_id": str(target.id),
        "value": value,
        "occurred_at": timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "metadata": {**metadata, "boot": "b", "seq": 1},
    }


def count(target: Target) -> Json:
    return entry(target, "count", 1)


def trial(target: Target, outcome: str = "correct") -> Json:
    return entry(target, "trial", 1 if outcome == "correct" else 0, outcome=outcome)


def undo(target: Target, taken_back: Json) -> Json:
    outcome = taken_back["metadata"].get("outcome")
    return entry(target, "undo", undoes=taken_back["id"], **({"outcome": outcome} if outcome else {}))


def start_timer(target: Target) -> Json:
    return entry(target, "duration_start")


def stop_timer(target: Target, start: Json, seconds: float) -> Json:
    return entry(target, "duration_stop", seconds, start_id=start["id"])
