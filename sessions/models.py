"""Therapy sessions: programs and targets, events, notes and signatures."""

import uuid

from django.db import models
from django.db.models.functions import Now

from clinic.models import Authorization, Patient, StaffMember
from omnirapeutic.db.fields import LineField, RandomUUID
from omnirapeutic.db.models import EditableTenantModel, TenantModel
from scheduling.models import Appointment
from sessions import querysets


class Program(EditableTenantModel):
    """A skill or behavior that is worked on; holds targets."""

    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_constraint=False, db_index=False)
    name = LineField()
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "programs"

    def __str__(self) -> str:
        return self.name


class Target(EditableTenantModel):
    """What is measured in a session."""

    class Measure(models.TextChoices):
        FREQUENCY = "FREQUENCY", "Frequency (count)"
        DURATION = "DURATION", "Duration (timer)"
        DISCRETE_TRIAL = "DISCRETE_TRIAL", "Discrete trials"

    class Phase(models.TextChoices):
        BASELINE = "BASELINE", "Baseline"
        INTERVENTION = "INTERVENTION", "Intervention"
        MAINTENANCE = "MAINTENANCE", "Maintenance"
        GENERALIZATION = "GENERALIZATION", "Generalization"

    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_constraint=False, db_index=False)
    program = models.ForeignKey(Program, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="targets")
    name = LineField()
    measure = LineField(choices=Measure.choices)
    phase = LineField(choices=Phase.choices, default=Phase.BASELINE, db_default=Phase.BASELINE)
    position = models.IntegerField(default=0, db_default=0)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "targets"

    def __str__(self) -> str:
        return self.name


class Session(EditableTenantModel):
    """A delivered service: actual times, minutes, units, and the metrics kept from its events."""

    class Status(models.TextChoices):
        IN_PROGRESS = "IN_PROGRESS", "In progress"
        COMPLETED = "COMPLETED", "Completed"
        REQUIRES_REVIEW = "REQUIRES_REVIEW", "Requires review"
        CANCELLED = "CANCELLED", "Cancelled"

    appointment = models.ForeignKey(
        Appointment, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="sessions"
    )
    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_constraint=False, db_index=False)
    provider = models.ForeignKey(StaffMember, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    authorization = models.ForeignKey(Authorization, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    service_code = LineField()
    start_time = models.DateTimeField()
    end_time = models.DateTimeField(null=True)
    duration_minutes = models.IntegerField(null=True)
    billed_units = models.IntegerField(null=True)
    excess_units = models.IntegerField(default=0, db_default=0)
    status = LineField(choices=Status.choices)
    location = LineField(null=True)
    service_date = models.DateField(null=True)
    rounding_rule = LineField(null=True)
    latest_metrics = models.JSONField(null=True)
    ai_note_json = models.JSONField(null=True)
    voice_note_url = LineField(null=True)
    voice_transcript = models.TextField(null=True)

    objects = querysets.SessionQuerySet.as_manager()

    class Meta:
        db_table = "sessions"

    def __str__(self) -> str:
        return f"{self.service_code} {self.start_time:%Y-%m-%d %H:%M}"


class SessionEvent(models.Model):
    """One tap. Append-only; `client_event_id` is the id the tablet gave it, unique in the organisation."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    organization = models.ForeignKey(
        "clinic.Organization", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    session = models.ForeignKey(Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events")
    client_event_id = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID())
    target = models.ForeignKey(Target, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    event_type = LineField()
    event_timestamp = models.DateTimeField(db_default=Now(), null=True)
    raw_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    metadata = models.JSONField(null=True)
    recorded_by = models.ForeignKey(
        StaffMember,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        db_column="recorded_by",
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "session_events"

    def __str__(self) -> str:
        return self.event_type


class SessionNote(EditableTenantModel):
    """The note of a session. Once signed its text stays as it is; the database refuses to change it."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        SIGNED = "SIGNED", "Signed"
        LOCKED = "LOCKED", "Co-signed"

    session = models.OneToOneField(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, unique=False, related_name="note"
    )
    participants = models.TextField(default="", db_default="", blank=True)
    narrative = models.TextField(default="", db_default="", blank=True)
    response = models.TextField(default="", db_default="", blank=True)
    plan = models.TextField(default="", db_default="", blank=True)
    status = LineField(choices=Status.choices, default=Status.DRAFT, db_default=Status.DRAFT)
    content_sha256 = LineField(null=True)

    class Meta:
        db_table = "session_notes"

    def __str__(self) -> str:
        return self.status


class NoteSignature(TenantModel):
    """Who signed a note, when, and the hash of what was signed. Append-only."""

    class SignerRole(models.TextChoices):
        RENDERING = "RENDERING", "Rendering provider"
        SUPERVISING = "SUPERVISING", "Supervising analyst"

    note = models.ForeignKey(
        SessionNote, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="signatures"
    )
    staff_member = models.ForeignKey(StaffMember, models.DO_NOTHING, db_constraint=False, db_index=False)
    signer_role = LineField(choices=SignerRole.choices)
    signed_at = models.DateTimeField(db_default=Now())
    content_sha256 = LineField()

    class Meta:
        db_table = "note_signatures"

    def __str__(self) -> str:
        return self.signer_role
