"""A session begins on a valid authorization and ends with its units settled."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from clinic.models import Authorization, Organization, Payer, ServiceCode, StaffMember, UnitMovement, User
from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.db.functions import Settlement, UnitsRefused
from omnirapeutic.tenancy import context
from scheduling.models import Appointment
from sessions import units
from sessions.exceptions import SessionRefused
from sessions.models import Session
from sessions.permissions import staff_member_id_of
from sessions.start_window import StartWindow

LONGEST_SESSION = timedelta(hours=24)
ENDED = (Session.Status.COMPLETED, Session.Status.REQUIRES_REVIEW)
GONE = (Appointment.Status.CANCELLED, Appointment.Status.NO_SHOW, Appointment.Status.LAPSED)


@transaction.atomic
def start_session(*, appointment: Appointment, actor: User) -> Session:
    """Starts the session of an appointment now; started before, the same session is returned and nothing changes.

    The gatekeeper: it is the actor's own appointment, near its time, their credential holds, the authorization is
    valid on the date of service and the units are reserved. Raises `SessionRefused`.
    """
    now = timezone.now()
    appointment = (
        Appointment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organization", "authorization", "provider")
        .get(id=appointment.id)
    )
    _require_own(appointment.provider_id, actor, "NOT_OWN_APPOINTMENT")
    started = Session.objects.filter(appointment=appointment).exclude(status=Session.Status.CANCELLED).first()
    if started is not None:
        return started
    _require_startable(appointment, now)
    service_date = _date_of(now, appointment.organization)
    _require_credential(appointment, service_date)
    _require_units(appointment, service_date)
    session = Session.objects.create(
        organization_id=context.required().organization_id,
        appointment=appointment,
        patient_id=appointment.patient_id,
        provider_id=appointment.provider_id,
        authorization_id=appointment.authorization_id,
        service_code=appointment.service_code,
        start_time=now,
        service_date=service_date,
        status=Session.Status.IN_PROGRESS,
        location=appointment.location,
        latest_metrics={},
    )
    appointment.status = Appointment.Status.IN_PROGRESS
    appointment.save(update_fields=["status", "updated_at"])
    audit.record(action="CREATE", resource_type="session", resource_id=session.id)
    return session


@transaction.atomic
def complete_session(*, session: Session, end: datetime | None = None, actor: User) -> Session:
    """Ends a session (now, unless `end` says when), computes its whole minutes and units, settles the reservation.

    Units beyond what the authorization leaves are excess: the session then requires a review. Ended before, it is
    returned as it is. Raises `SessionRefused`.
    """
    # In the order in which everything locks: (client,) appointment, sessions, authorization.
    appointment = _lock_appointment(session.appointment_id)
    around = _lock_around(session)
    session = next(one for one in around if one.id == session.id)
    _require_own(session.provider_id, actor, "NOT_OWN_SESSION")
    if session.status in ENDED:
        return session
    if session.status == Session.Status.CANCELLED:
        raise SessionRefused("SESSION_CANCELLED")
    end = _checked_end(session, end)
    session.service_date = session.service_date or _date_of(session.start_time, session.organization)
    rounding = _rounding_of(session.authorization_id)
    minutes = int((end - session.start_time).total_seconds() // 60)
    same_day = [one for one in around if one.status in ENDED and one.service_date == session.service_date]
    worked = units.session_units(
        rounding, units.Delivered(session.service_code, minutes), [_delivered(one) for one in same_day]
    )
    settlement = _settle(session, worked)
    session.end_time = end
    session.duration_minutes = minutes
    session.billed_units = settlement.delivered
    session.excess_units = settlement.excess
    session.rounding_rule = str(rounding)
    session.status = Session.Status.REQUIRES_REVIEW if settlement.excess else Session.Status.COMPLETED
    session.save()
    if appointment is not None:
        appointment.status = Appointment.Status.COMPLETED
        appointment.save(update_fields=["status", "updated_at"])
    audit.record(
        action="COMPLETE",
        resource_type="session",
        resource_id=session.id,
        details={"minutes": minutes, "billed_units": settlement.delivered, "excess_units": settlement.excess},
    )
    return session


def _date_of(instant: datetime, organization: Organization) -> date:
    return instant.astimezone(ZoneInfo(organization.time_zone)).date()


def _require_own(provider_id: UUID | None, actor: User, code: str) -> None:
    if provider_id is None or provider_id != staff_member_id_of(actor):
        raise SessionRefused(code)


def _require_startable(appointment: Appointment, now: datetime) -> None:
    if appointment.status in GONE:
        raise SessionRefused("APPOINTMENT_CANCELLED")
    if appointment.status == Appointment.Status.COMPLETED:
        raise SessionRefused("APPOINTMENT_OVER")
    window = StartWindow.of(appointment, ZoneInfo(appointment.organization.time_zone))
    if now < window.opens:
        raise SessionRefused("TOO_EARLY", opens=window.opens)
    if now >= window.closes:
        raise SessionRefused("TOO_LATE", closes=window.closes)


def _require_credential(appointment: Appointment, service_date: date) -> None:
    provider: StaffMember | None = appointment.provider
    if provider is None or not provider.is_active:
        raise SessionRefused("PROVIDER_INACTIVE")
    service = ServiceCode.objects.filter(code=appointment.service_code).first()
    if service is not None and provider.credential not in service.rendered_by:
        raise SessionRefused("CREDENTIAL_MISSING")
    if provider.license_expiration is not None and provider.license_expiration < service_date:
        raise SessionRefused("CREDENTIAL_EXPIRED", expired=provider.license_expiration)


def _require_units(appointment: Appointment, service_date: date) -> None:
    """The authorization is valid on the date of service, and the units of the appointment are reserved on it."""
    authorization = appointment.authorization
    if authorization is None:
        if ServiceCode.objects.filter(code=appointment.service_code, is_billable=False).exists():
            return
        raise SessionRefused("AUTH_MISSING")
    _require_valid(authorization, appointment.organization, service_date)
    held = UnitMovement.objects.filter(appointment_id=appointment.id, authorization=authorization).aggregate(
        units=Sum("reserved_change")
    )["units"]
    if held:
        return
    # Rows from before the ledger hold nothing: their units are reserved now, if they are there.
    booked = int((appointment.end_time - appointment.start_time).total_seconds() // 60)
    appointment.expected_units = appointment.expected_units or max(1, units.round_minutes(booked))
    appointment.save(update_fields=["expected_units", "updated_at"])
    try:
        functions.reserve_session_units(
            authorization_id=authorization.id,
            units=appointment.expected_units,
            service_date=service_date,
            appointment_id=appointment.id,
            idempotency_key=f"start:{appointment.id}",
        )
    except UnitsRefused as refused:
        raise SessionRefused(refused.code, **refused.facts) from refused


def _require_valid(authorization: Authorization, organization: Organization, service_date: date) -> None:
    if authorization.status == Authorization.Status.CANCELLED:
        raise SessionRefused("AUTH_CANCELLED")
    if authorization.status == Authorization.Status.PENDING and not organization.schedule_pending_authorizations:
        raise SessionRefused("AUTH_PENDING")
    if service_date < authorization.start_date:
        raise SessionRefused("AUTH_NOT_STARTED", starts=authorization.start_date)
    if service_date > authorization.end_date or authorization.status == Authorization.Status.EXPIRED:
        raise SessionRefused("AUTH_EXPIRED", ended=authorization.end_date)


def _lock_appointment(appointment_id: UUID | None) -> Appointment | None:
    if appointment_id is None:
        return None
    return Appointment.objects.select_for_update(no_key=True).get(id=appointment_id)


def _lock_around(session: Session) -> list[Session]:
    """The sessions of the same client and provider around one, locked in one order: two may end at one moment."""
    around = timedelta(hours=26)
    return list(
        Session.objects.select_for_update(no_key=True)
        .filter(
            patient_id=session.patient_id,
            provider_id=session.provider_id,
            start_time__gt=session.start_time - around,
            start_time__lt=session.start_time + around,
        )
        .order_by("id")
    )


def _checked_end(session: Session, end: datetime | None) -> datetime:
    now = timezone.now()
    if end is None:
        end = now
    elif end < session.start_time < end + timedelta(minutes=1):
        # Given to the minute, within the minute in which the session began.
        end = session.start_time
    if end < session.start_time:
        raise SessionRefused("END_BEFORE_START")
    if end > now:
        raise SessionRefused("END_IN_FUTURE")
    if end - session.start_time > LONGEST_SESSION:
        raise SessionRefused("END_TOO_LONG")
    return end


def _rounding_of(authorization_id: UUID | None) -> units.Rounding:
    """The rule of the payer who authorised the session; the usual one where none is known."""
    payer = Payer.objects.filter(patientinsurance__authorization=authorization_id).first() if authorization_id else None
    if payer is None:
        return units.Rounding()
    return units.Rounding(units.Rule(payer.rounding_rule), units.Scope(payer.rounding_scope))


def _delivered(session: Session) -> units.Delivered:
    given = (session.billed_units or 0) + session.excess_units
    return units.Delivered(session.service_code, session.duration_minutes or 0, given)


def _settle(session: Session, worked: int) -> Settlement:
    if session.authorization_id is None:
        return Settlement(delivered=0, released=0, excess=0)
    try:
        return functions.settle_session_units(session_id=session.id, units=worked)
    except UnitsRefused as refused:
        raise SessionRefused(refused.code, **refused.facts) from refused
