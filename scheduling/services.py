"""Booking and cancelling. The database is the referee: a booking is written, and what it refuses is then explained."""

from datetime import UTC, datetime

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Sum
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from clinic.models import Authorization, Patient, ServiceCode, StaffMember, User
from clinic.selectors import clinic_zone
from clinic.services import ensure_on_caseload
from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.db.constraints import constraint_of
from omnirapeutic.db.functions import UnitsRefused
from omnirapeutic.tenancy import context
from scheduling.exceptions import BookingRefused, CancellationRefused
from scheduling.models import Appointment
from scheduling.querysets import LONGEST
from scheduling.refusals import Wish, explain_overlap, explain_units, shorten
from scheduling.units import booked_units
from scheduling.wall_time import day_bounds, day_name

ATTEMPTS = 3
OVERLAPS = frozenset({"appointments_patient_overlap", "provider_occupancies_overlap"})


@transaction.atomic
def book_appointment(
    *,
    patient: Patient,
    provider: StaffMember,
    authorization: Authorization,
    service_code: str,
    start: datetime,
    end: datetime,
    location: str,
    notes: str = "",
    actor: User,
) -> Appointment:
    """Books a time and reserves its units on the line, both or neither; puts the provider on the caseload that day.

    Units are whole 15-minute units of the booked time, by the midpoint. The line must be valid on the date of
    service, which is the clinic's date of the start. Raises `BookingRefused`.

    Everything locks in one order: client, appointment, sessions, authorization.
    """
    zone = clinic_zone()
    service = ServiceCode.objects.get(code=service_code)
    wish = Wish(
        patient=patient,
        provider=provider,
        authorization=authorization,
        service=service,
        start=start.astimezone(UTC),
        end=end.astimezone(UTC),
        day=start.astimezone(zone).date(),
        units=booked_units(start.astimezone(UTC), end.astimezone(UTC)),
        zone=zone,
    )
    _check_what_no_constraint_knows(wish)
    _lock_client(wish)
    try:
        appointment = _take_in_turn(wish, location, notes)
    except UnitsRefused as refused:
        raise explain_units(refused, wish) from refused
    except IntegrityError as error:
        constraint = constraint_of(error)
        if constraint not in OVERLAPS:
            raise
        raise explain_overlap(constraint, wish) from error
    ensure_on_caseload(patient=patient, staff_member=provider, day=wish.day, actor=actor)
    audit.record(
        action="CREATE",
        resource_type="appointment",
        resource_id=appointment.id,
        details={"patient_id": str(patient.id), "authorization_id": str(authorization.id), "units": wish.units},
    )
    return appointment


def _lock_client(wish: Wish) -> None:
    """Bookings of one client's limited services wait for each other: the day's units are a sum over many rows.

    NO KEY UPDATE, so that rows which only point at the client (a session that starts, a note) wait for nothing.
    """
    if wish.service.daily_unit_limit is not None:
        Patient.objects.select_for_update(no_key=True).only("id").get(id=wish.patient.id)


def _take_in_turn(wish: Wish, location: str, notes: str) -> Appointment:
    """Two who want the same time at the same moment wait for each other, and the database ends one of the waits.

    The next attempt of that one finds the time taken, or free again, and is answered like anybody.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _take(wish, location, notes)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected) or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("The last attempt returns or raises.")


def _take(wish: Wish, location: str, notes: str) -> Appointment:
    """The time first, the units last: the authorization's row lock is held for the shortest time."""
    appointment = Appointment.objects.create(
        organization_id=context.required().organization_id,
        patient=wish.patient,
        provider=wish.provider,
        authorization=wish.authorization,
        service_code=wish.service.code,
        start_time=wish.start,
        end_time=wish.end,
        status=Appointment.Status.SCHEDULED,
        location=location,
        notes=notes or None,
        expected_units=wish.units,
    )
    functions.reserve_session_units(
        authorization_id=wish.authorization.id,
        units=wish.units,
        service_date=wish.day,
        appointment_id=appointment.id,
        idempotency_key=f"book:{appointment.id}",
    )
    _check_daily_limit(wish)
    return appointment


def _check_daily_limit(wish: Wish) -> None:
    """Units of one client and service a day, over all providers and lines (medically unlikely edits).

    True until the commit, because `_lock_client` keeps other bookings of the client out.
    """
    limit = wish.service.daily_unit_limit
    if limit is None:
        return
    day = Appointment.objects.filter(patient=wish.patient, service_code=wish.service.code).live()
    booked = day.starting(*day_bounds(wish.day, wish.zone)).aggregate(units=Sum("expected_units"))["units"]
    if booked > limit:
        left = max(limit - booked + wish.units, 0)
        message = f"Payers accept {limit} units of {wish.service.code} a day; {left} are left on {day_name(wish.day)}."
        raise BookingRefused("DAILY_LIMIT", "end_time" if left else "day", message, shorten(wish, left))


def _check_what_no_constraint_knows(wish: Wish) -> None:
    provider, service = wish.provider, wish.service
    if wish.end <= wish.start:
        raise BookingRefused("ENDS_BEFORE_START", "end_time", "The end is not after the start.")
    if wish.units < 1:
        raise BookingRefused(
            "TOO_SHORT", "end_time", "Less than 8 minutes is no unit.", "The shortest appointment is 8 minutes."
        )
    if wish.end - wish.start > LONGEST:
        raise BookingRefused("TOO_LONG", "end_time", "An appointment is no longer than 24 hours.")
    if wish.authorization.patient_id != wish.patient.id or wish.authorization.service_code != service.code:
        raise BookingRefused("WRONG_AUTHORIZATION", "authorization", f"This line is not for {service.code}.")
    if not provider.is_active:
        raise BookingRefused("PROVIDER_INACTIVE", "provider", "This provider no longer works here.")
    if provider.credential not in service.rendered_by:
        message = f"{service.code} is rendered by {_listed(service.rendered_by)}."
        raise BookingRefused("CREDENTIAL", "provider", message, "Choose a provider with that credential.")
    if provider.license_expiration is not None and provider.license_expiration < wish.day:
        message = f"This provider's credential expires on {day_name(provider.license_expiration)}."
        raise BookingRefused("CREDENTIAL_EXPIRED", "provider", message, "Choose another provider, or an earlier day.")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


@transaction.atomic
def cancel_appointment(
    *, appointment: Appointment, by_party: str, reason: str, no_show: bool = False, actor: User
) -> Appointment:
    """Cancels a booked time, or records that nobody came, and gives its units back. Repeating it changes nothing.

    Raises `CancellationRefused` for an appointment that has begun or is over.
    """
    current = Appointment.objects.select_for_update(no_key=True).get(id=appointment.id)
    if current.status in (Appointment.Status.CANCELLED, Appointment.Status.NO_SHOW):
        return current
    if refusal := refused_cancellation(current):
        raise refusal
    current.status = Appointment.Status.NO_SHOW if no_show else Appointment.Status.CANCELLED
    current.cancelled_by_party = by_party
    current.cancellation_reason = reason
    current.cancelled_at = timezone.now()
    current.save(update_fields=["status", "cancelled_by_party", "cancellation_reason", "cancelled_at", "updated_at"])
    released = functions.release_session_units(appointment_id=current.id, idempotency_key=f"cancel:{current.id}")
    audit.record(
        action="NO_SHOW" if no_show else "CANCEL",
        resource_type="appointment",
        resource_id=current.id,
        details={"by_party": by_party, "units_released": released},
    )
    return current


def refused_cancellation(appointment: Appointment) -> CancellationRefused | None:
    """Why an appointment cannot be cancelled, or None."""
    reasons = {
        Appointment.Status.IN_PROGRESS: "The session is running. It ends with the provider, not here.",
        Appointment.Status.COMPLETED: "The session took place, and its units are delivered.",
        Appointment.Status.LAPSED: "Its time passed, nobody started it, and its units were given back.",
    }
    message = reasons.get(Appointment.Status(appointment.status))
    return CancellationRefused(appointment.status, message) if message else None
