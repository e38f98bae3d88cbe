"""Delivered sessions, as billing finds them. Made inside `tenant(...)` in a clinic of tests.support.clinics."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from billing.models import ServiceRate
from clinic.models import Authorization, Payer, StaffMember
from omnirapeutic.db import functions
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions.models import NoteSignature, Session, SessionNote
from sessions.services.notes import content_sha256
from tests.support.clinics import Clinic

CHILD = {
    "relationship": "19",
    "subscriber_first_name": "Robin",
    "subscriber_last_name": "Quill",
    "subscriber_date_of_birth": "1988-05-04",
    "subscriber_sex": "F",
    "subscriber_street": "2 Elm Street",
    "subscriber_city": "Albany",
    "subscriber_state": "NY",
    "subscriber_zip_code": "12207",
}


def at(clinic: Clinic, days_ago: int, hour: int) -> datetime:
    """A time of the clinic's clocks, days before its today."""
    zone = ZoneInfo(clinic.organization.time_zone)
    return datetime.combine(timezone.now().astimezone(zone).date() - timedelta(days=days_ago), time(hour), zone)


def book(
    clinic: Clinic,
    *,
    days_ago: int = 5,
    hour: int = 9,
    status: str = "SCHEDULED",
    location: str = "CLINIC",
    provider: StaffMember | None = None,
    authorization: Authorization | None = None,
) -> Appointment:
    """Two hours of the authorization's service, eight units reserved."""
    start, line = at(clinic, days_ago, hour), authorization or clinic.authorization
    booked = Appointment.objects.create(
        organization_id=clinic.organization.id,
        patient_id=line.patient_id,
        provider=provider or clinic.staff[Role.RBT],
        authorization=line,
        service_code=line.service_code,
        start_time=start,
        end_time=start + timedelta(hours=2),
        status=status,
        location=location,
        expected_units=8,
    )
    functions.reserve_session_units(
        authorization_id=line.id,
        units=8,
        service_date=start.date(),
        appointment_id=booked.id,
        idempotency_key=f"book:{booked.id}",
    )
    return booked


def deliver(
    clinic: Clinic,
    *,
    note: str | None = "LOCKED",
    minutes: int = 120,
    units: int = 8,
    status: str = "COMPLETED",
    **booking: Any,
) -> Session:
    """A session that was delivered and settled; its note co-signed, unless another status (or no note) is asked for."""
    booked = book(clinic, status="IN_PROGRESS", **booking)
    day = booked.start_time.date()
    session = Session.objects.create(
        organization_id=clinic.organization.id,
        appointment=booked,
        patient_id=booked.patient_id,
        provider=booked.provider,
        authorization=booked.authorization,
        service_code=booked.service_code,
        start_time=booked.start_time,
        end_time=booked.start_time + timedelta(minutes=minutes),
        duration_minutes=minutes,
        billed_units=units,
        rounding_rule="AMA_MIDPOINT/SUM_THEN_ROUND",
        status=status,
        location=booked.location,
        service_date=day,
        latest_metrics={"clinical": "must never reach billing"},
    )
    functions.settle_session_units(session_id=session.id, units=units)
    Appointment.objects.filter(id=booked.id).update(status="COMPLETED")
    if note:
        write_note(clinic, session, note)
    return session


def write_note(clinic: Clinic, session: Session, status: str = "LOCKED") -> SessionNote:
    """The note of a session with the signatures that its status stands for."""
    own: dict[str, Any] = {"organization_id": clinic.organization.id}
    note = SessionNote(session=session, narrative="Words that billing never shows.", status=status, **own)
    note.content_sha256 = None if status == "DRAFT" else content_sha256(note)
    note.save()
    signers = {} if status == "DRAFT" else {"RENDERING": session.provider}
    if status == "LOCKED":
        signers["SUPERVISING"] = clinic.staff[Role.BCBA]
    for signer_role, member in signers.items():
        NoteSignature.objects.create(
            note=note, staff_member=member, signer_role=signer_role, content_sha256=note.content_sha256, **own
        )
    return note


def authorize(clinic: Clinic, service_code: str, **changes: Any) -> Authorization:
    """One more line of the client's letter."""
    line = clinic.authorization
    values: dict[str, Any] = {
        "patient": clinic.client,
        "insurance": clinic.insurance,
        "total_units": 200,
        "start_date": line.start_date,
        "end_date": line.end_date,
        "status": "ACTIVE",
        "authorization_number": "A-1001",
    }
    return Authorization.objects.create(
        organization_id=clinic.organization.id, service_code=service_code, **(values | changes)
    )


def set_rate(
    clinic: Clinic,
    rate: str,
    *,
    service_code: str = "97153",
    payer: Payer | None = None,
    modifiers: tuple[str, ...] = (),
    days_ago: int = 365,
    until_days_ago: int | None = None,
) -> ServiceRate:
    """What the clinic charges for a unit from some days ago on."""
    return ServiceRate.objects.create(
        organization_id=clinic.organization.id,
        payer=payer,
        service_code=service_code,
        modifiers=list(modifiers),
        rate=Decimal(rate),
        starts_on=at(clinic, days_ago, 0).date(),
        ends_on=None if until_days_ago is None else at(clinic, until_days_ago, 0).date(),
    )


def new_uuid() -> uuid.UUID:
    """An id that no row has."""
    return uuid.uuid4()
