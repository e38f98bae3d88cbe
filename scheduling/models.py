"""Appointments, and the time that is taken."""

import uuid

from django.db import models

from clinic.models import Authorization, Patient, StaffMember
from omnirapeutic.db.fields import LineField
from omnirapeutic.db.models import EditableTenantModel
from scheduling import querysets


class Appointment(EditableTenantModel):
    """A booked time of one client with one provider. A booking and its reserved units are one transaction."""

    class Status(models.TextChoices):
        SCHEDULED = "SCHEDULED", "Scheduled"
        IN_PROGRESS = "IN_PROGRESS", "In progress"
        COMPLETED = "COMPLETED", "Completed"
        CANCELLED = "CANCELLED", "Cancelled"
        NO_SHOW = "NO_SHOW", "No-show"
        LAPSED = "LAPSED", "Lapsed"

    class Location(models.TextChoices):
        HOME = "HOME", "Home"
        CLINIC = "CLINIC", "Clinic"
        SCHOOL = "SCHOOL", "School"
        TELEHEALTH = "TELEHEALTH", "Telehealth"

    class CancelledBy(models.TextChoices):
        CLIENT = "CLIENT", "Client"
        STAFF = "STAFF", "Staff"
        CLINIC = "CLINIC", "Clinic"

    LIVE = (Status.SCHEDULED, Status.IN_PROGRESS, Status.COMPLETED)

    patient = models.ForeignKey(
        Patient, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="appointments"
    )
    provider = models.ForeignKey(StaffMember, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    authorization = models.ForeignKey(
        Authorization, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="appointments"
    )
    service_code = LineField()
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    status = LineField(choices=Status.choices)
    location = LineField(choices=Location.choices, null=True)
    recurrence_rule = LineField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    expected_units = models.IntegerField(null=True)
    group_id = models.UUIDField(null=True)
    cancelled_by_party = LineField(choices=CancelledBy.choices, null=True)
    cancellation_reason = LineField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    objects = querysets.AppointmentQuerySet.as_manager()

    class Meta:
        db_table = "appointments"

    def __str__(self) -> str:
        return f"{self.service_code} {self.start_time:%Y-%m-%d %H:%M}"


class ProviderOccupancy(EditableTenantModel):
    """A stretch of a provider's time that is taken. Kept by the database from the appointments."""

    provider = models.ForeignKey(StaffMember, models.DO_NOTHING, db_constraint=False, db_index=False)
    appointment = models.ForeignKey(Appointment, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    group_id = models.UUIDField(default=uuid.uuid4)
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()

    objects = querysets.OccupancyQuerySet.as_manager()

    class Meta:
        db_table = "provider_occupancies"

    def __str__(self) -> str:
        return f"{self.start_time:%Y-%m-%d %H:%M}"
