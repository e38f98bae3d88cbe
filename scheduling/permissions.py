"""Which appointments a person may reach, inside the organisation that the database confines them to."""

from clinic.models import User
from omnirapeutic.web.permissions import Permission
from scheduling.models import Appointment
from scheduling.querysets import AppointmentQuerySet


def reachable_appointments(user: User) -> AppointmentQuerySet:
    """All of them for those who keep the schedule, their own for providers."""
    appointments: AppointmentQuerySet = Appointment.objects.all()
    if user.can(Permission.VIEW_SCHEDULE):
        return appointments
    if user.can(Permission.VIEW_OWN_DAY) and user.staff_member_id is not None:
        return appointments.filter(provider_id=user.staff_member_id)
    return appointments.none()
