"""Which records a permission reaches: a technician one's own, an analyst also those of the caseload."""

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from clinic.models import CaseloadAssignment, Patient, StaffMember, User
from omnirapeutic.web.permissions import Permission
from scheduling.models import Appointment
from sessions.models import Session, SessionNote

if TYPE_CHECKING:
    from scheduling.querysets import AppointmentQuerySet
    from sessions.querysets import SessionQuerySet

# Whose notes an analyst co-signs.
SUPERVISED_CREDENTIALS = frozenset({StaffMember.Credential.RBT.value})


def staff_member_id_of(user: User) -> UUID | None:
    """The person as a provider. A signed-in request knows it; elsewhere it is looked up once."""
    if user.staff_member_id is None:
        user.staff_member_id = (
            StaffMember.objects.filter(user_id=user.id, is_active=True).values_list("id", flat=True).first()
        )
    return user.staff_member_id


def own_appointments(user: User) -> "AppointmentQuerySet":
    """The appointments a person is the provider of."""
    provider_id = staff_member_id_of(user)
    if provider_id is None:
        return Appointment.objects.none()
    return Appointment.objects.filter(provider_id=provider_id)


def own_sessions(user: User) -> "SessionQuerySet":
    """The sessions a person renders."""
    provider_id = staff_member_id_of(user)
    if provider_id is None:
        return Session.objects.none()
    return Session.objects.filter(provider_id=provider_id)


def caseload(user: User, day: date | None = None) -> QuerySet[Patient]:
    """The clients on a person's caseload on a day (today where the clinic is)."""
    return Patient.objects.on_caseload_of(staff_member_id_of(user), day or timezone.localdate())


def caseload_sessions(user: User) -> "SessionQuerySet":
    """The sessions of the clients on an analyst's caseload today."""
    staff_id = staff_member_id_of(user)
    if staff_id is None or not user.can(Permission.REVIEW_SESSIONS):
        return Session.objects.none()
    return Session.objects.filter(patient_id__in=_patient_ids(staff_id, timezone.localdate()))


def reviewable_sessions(user: User) -> "SessionQuerySet":
    """The sessions an analyst may read: their own and those of clients on the caseload today."""
    staff_id = staff_member_id_of(user)
    if staff_id is None or not user.can(Permission.REVIEW_SESSIONS):
        return Session.objects.none()
    on_caseload = _patient_ids(staff_id, timezone.localdate())
    return Session.objects.filter(Q(provider_id=staff_id) | Q(patient_id__in=on_caseload))


def _patient_ids(staff_id: UUID, day: date) -> Any:
    assigned = CaseloadAssignment.objects.filter(staff_member_id=staff_id, starts_on__lte=day)
    return assigned.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day)).values("patient_id")


def needs_cosignature(session: Session) -> bool:
    """Whether an analyst co-signs the note: it was rendered by a technician."""
    return session.provider is not None and session.provider.credential in SUPERVISED_CREDENTIALS


def may_cosign(user: User, note: SessionNote) -> bool:
    """Whether to offer the co-signature; `cosign_note` is what decides."""
    session = note.session
    return (
        user.can(Permission.REVIEW_SESSIONS)
        and note.status == SessionNote.Status.SIGNED
        and needs_cosignature(session)
        and session.provider_id != staff_member_id_of(user)
    )
