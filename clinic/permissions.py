"""Which of the clinic's records a person may reach, inside the organisation that the database confines them to."""

from typing import cast

from django.http import HttpRequest
from django.utils import timezone

from clinic.models import Patient, User
from clinic.querysets import PatientQuerySet
from omnirapeutic.web.permissions import Permission


def viewer(request: HttpRequest) -> User:
    """The signed-in person of a view that requires one."""
    return cast(User, request.user)


def reachable_clients(user: User) -> PatientQuerySet:
    """All clients for those who keep their records, the own caseload of today for those who deliver services."""
    clients: PatientQuerySet = Patient.objects.all()
    if user.can(Permission.VIEW_CLIENTS):
        return clients
    if user.staff_member_id is not None and user.can(Permission.DELIVER_SESSIONS):
        return clients.on_caseload_of(user.staff_member_id, timezone.localdate())
    return clients.none()
