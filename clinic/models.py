"""The clinic: organisation, people, clients, insurance, authorizations and the ledger of their units."""

import uuid
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from clinic import querysets
from omnirapeutic.db.fields import LedgerField, LineField, RandomUUID
from omnirapeutic.db.models import EditableTenantModel, TenantModel
from omnirapeutic.web.permissions import ROLE_PERMISSIONS, Permission, Role

if TYPE_CHECKING:
    from omnirapeutic.db.functions import Identity


class Sex(models.TextChoices):
    FEMALE = "F", "Female"
    MALE = "M", "Male"
    UNKNOWN = "U", "Unknown"


class Organization(models.Model):
    """A clinic: the tenant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    name = LineField()
    tax_id = LineField(null=True, blank=True, unique=True)
    npi = LineField(null=True, blank=True, verbose_name="NPI")
    time_zone = LineField(default="America/New_York", db_default="America/New_York")
    taxonomy_code = LineField(null=True, blank=True)
    street = LineField(null=True, blank=True)
    city = LineField(null=True, blank=True)
    state = LineField(null=True, blank=True)
    zip_code = LineField(null=True, blank=True, verbose_name="ZIP code")
    phone = LineField(null=True, blank=True)
    contact_name = LineField(null=True, blank=True)
    claim_submitter_id = LineField(null=True, blank=True)
    schedule_pending_authorizations = models.BooleanField(default=False, db_default=False)
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), auto_now=True)

    class Meta:
        db_table = "organizations"

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser):
    """A person who signs in by email. What they may do follows from their role (omnirapeutic.web.permissions)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    organization = models.ForeignKey(Organization, models.DO_NOTHING, db_index=False, related_name="+")
    email = LineField(unique=True)
    password = LineField(db_column="password_hash")
    full_name = LineField()
    role = LineField(choices=Role.choices)
    npi = LineField(null=True, blank=True, verbose_name="NPI")
    credentials = models.JSONField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True, null=True)  # type: ignore[assignment]
    last_login = models.DateTimeField(db_column="last_login_at", null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), auto_now=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name", "role"]
    objects = querysets.UserQuerySet.as_manager()

    # Of a signed-in person, from the web session.
    acting_organization_id: uuid.UUID | None = None
    staff_member_id: uuid.UUID | None = None
    organization_name = ""
    time_zone = "UTC"

    class Meta:
        db_table = "users"

    def __str__(self) -> str:
        return self.full_name

    @classmethod
    def from_identity(cls, identity: "Identity") -> "User":
        """The person of a resumed web session, without another query."""
        user = cls(
            id=identity.user_id,
            organization_id=identity.home_organization_id,
            email=identity.email,
            full_name=identity.full_name,
            role=identity.role,
            is_active=True,
        )
        user._state.adding = False
        user._state.db = "default"
        user.acting_organization_id = identity.organization_id
        user.staff_member_id = identity.staff_member_id
        user.organization_name = identity.organization_name
        user.time_zone = identity.time_zone
        return user

    def can(self, permission: Permission) -> bool:
        """Whether the person's role has a permission."""
        return permission in ROLE_PERMISSIONS[Role(self.role)]

    # What Django's admin asks.
    @property
    def is_staff(self) -> bool:
        return self.can(Permission.USE_ADMIN)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class StaffMember(EditableTenantModel):
    """A person as a provider of services: credential and licence."""

    class Credential(models.TextChoices):
        RBT = "RBT", "RBT"
        BCABA = "BCaBA", "BCaBA"
        BCBA = "BCBA", "BCBA"
        BCBA_D = "BCBA-D", "BCBA-D"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, db_constraint=False, db_index=False)
    npi = LineField(null=True, blank=True, verbose_name="NPI")
    license_number = LineField(null=True, blank=True)
    license_state = LineField(null=True, blank=True)
    license_expiration = models.DateField(null=True, blank=True)
    credentials = models.JSONField(null=True, blank=True)
    credential = LineField(choices=Credential.choices, null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True, null=True)

    objects = querysets.StaffMemberQuerySet.as_manager()

    class Meta:
        db_table = "staff_members"

    def __str__(self) -> str:
        return f"{self.user.full_name}, {self.credential}" if self.credential else self.user.full_name


class Patient(EditableTenantModel):
    """A client of the clinic. Pages say "client"; the record keeps the name the schema gave it."""

    first_name = LineField()
    last_name = LineField()
    date_of_birth = models.DateField()
    sex = LineField(choices=Sex.choices, null=True)
    street = LineField(null=True, blank=True)
    city = LineField(null=True, blank=True)
    state = LineField()
    zip_code = LineField(null=True, blank=True, verbose_name="ZIP code")
    primary_diagnosis_code = LineField(null=True, blank=True)
    guardian_name = LineField(null=True, blank=True)
    guardian_email = LineField(null=True, blank=True)
    guardian_phone = LineField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True, null=True)
    # Generated by the database, in C collation: see sql/014_clinic.sql.
    search_key = models.GeneratedField(
        expression=models.functions.Concat(
            models.functions.Lower("last_name"), models.Value(", "), models.functions.Lower("first_name")
        ),
        output_field=LineField(),
        db_persist=True,
    )
    first_name_key = models.GeneratedField(
        expression=models.functions.Concat(
            models.functions.Lower("first_name"), models.Value(" "), models.functions.Lower("last_name")
        ),
        output_field=LineField(),
        db_persist=True,
    )

    objects = querysets.PatientQuerySet.as_manager()

    class Meta:
        db_table = "patients"

    def __str__(self) -> str:
        return f"{self.last_name}, {self.first_name}"

    @property
    def initials(self) -> str:
        return f"{self.first_name[:1]}{self.last_name[:1]}".upper()


class Payer(EditableTenantModel):
    """A payer as this clinic bills it, with its rules."""

    class RoundingRule(models.TextChoices):
        AMA_MIDPOINT = "AMA_MIDPOINT", "AMA midpoint: a unit once more than half is done"
        CMS_8_MINUTE = "CMS_8_MINUTE", "CMS 8-minute rule: all timed codes of a day together"

    class RoundingScope(models.TextChoices):
        SUM_THEN_ROUND = "SUM_THEN_ROUND", "Add a day's sessions, then round"
        ROUND_EACH = "ROUND_EACH", "Round each session"

    name = LineField()
    payer_id = LineField(verbose_name="electronic payer id")
    claim_filing_code = LineField(default="CI", db_default="CI")
    rounding_rule = LineField(
        choices=RoundingRule.choices, default=RoundingRule.AMA_MIDPOINT, db_default=RoundingRule.AMA_MIDPOINT
    )
    rounding_scope = LineField(
        choices=RoundingScope.choices, default=RoundingScope.SUM_THEN_ROUND, db_default=RoundingScope.SUM_THEN_ROUND
    )
    timely_filing_days = models.IntegerField(default=90, db_default=90)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "payers"

    def __str__(self) -> str:
        return self.name


class PatientInsurance(EditableTenantModel):
    """A client's coverage by one payer."""

    class Rank(models.TextChoices):
        PRIMARY = "P", "Primary"
        SECONDARY = "S", "Secondary"
        TERTIARY = "T", "Tertiary"

    class Relationship(models.TextChoices):
        SELF = "18", "Self: the client is the subscriber"
        SPOUSE = "01", "Spouse"
        CHILD = "19", "Child"
        OTHER = "G8", "Other relationship"

    patient = models.ForeignKey(
        Patient, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="insurances"
    )
    billing_payer = models.ForeignKey(Payer, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    payer_name = LineField()
    payer_id = LineField(null=True, blank=True)
    payer_rank = LineField(choices=Rank.choices, default=Rank.PRIMARY, db_default=Rank.PRIMARY)
    member_id = LineField(verbose_name="member ID")
    group_number = LineField(null=True, blank=True)
    plan_name = LineField(null=True, blank=True)
    effective_date = models.DateField(null=True, blank=True)
    termination_date = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True, null=True)
    relationship = LineField(choices=Relationship.choices, default=Relationship.SELF, db_default=Relationship.SELF)
    subscriber_first_name = LineField(null=True, blank=True)
    subscriber_last_name = LineField(null=True, blank=True)
    subscriber_date_of_birth = models.DateField(null=True, blank=True)
    subscriber_sex = LineField(choices=Sex.choices, null=True, blank=True)
    subscriber_street = LineField(null=True, blank=True)
    subscriber_city = LineField(null=True, blank=True)
    subscriber_state = LineField(null=True, blank=True)
    subscriber_zip_code = LineField(null=True, blank=True, verbose_name="subscriber ZIP code")
    eligibility_verification = models.JSONField(null=True, blank=True)
    last_verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "patient_insurance"

    def __str__(self) -> str:
        return self.payer_name


class ServiceCode(models.Model):
    """Reference data of the deployment: what a service is and who may render it. Read-only."""

    code = LineField(primary_key=True)
    name = LineField()
    is_billable = models.BooleanField(db_default=True)
    rendered_by = ArrayField(models.TextField())
    is_group = models.BooleanField(db_default=False)
    patient_present = models.BooleanField(db_default=True)
    daily_unit_limit = models.IntegerField(null=True)

    class Meta:
        db_table = "service_codes"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Authorization(EditableTenantModel):
    """One line of a payer's letter: so many units of one service between two dates.

    The counters are moved by the database's functions only. `used_units` is what is committed: reserved + delivered.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        ACTIVE = "ACTIVE", "Active"
        EXPIRED = "EXPIRED", "Expired"
        EXHAUSTED = "EXHAUSTED", "Exhausted"
        CANCELLED = "CANCELLED", "Cancelled"

    patient = models.ForeignKey(
        Patient, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="authorizations"
    )
    insurance = models.ForeignKey(
        PatientInsurance, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, blank=True
    )
    service_code = LineField()
    total_units = models.IntegerField()
    used_units = LedgerField(db_default=0, editable=False)
    delivered_units = LedgerField(db_default=0, editable=False)
    start_date = models.DateField()
    end_date = models.DateField()
    status = LineField(choices=Status.choices)
    authorization_number = LineField(null=True, blank=True)
    units_per_day = models.IntegerField(null=True, blank=True)
    units_per_week = models.IntegerField(null=True, blank=True)
    units_per_month = models.IntegerField(null=True, blank=True)
    week_starts_on = models.SmallIntegerField(default=7, db_default=7)

    objects = querysets.AuthorizationQuerySet.as_manager()

    class Meta:
        db_table = "authorizations"

    def __str__(self) -> str:
        return f"{self.service_code} {self.authorization_number or ''}".strip()

    @property
    def reserved_units(self) -> int:
        return self.used_units - self.delivered_units

    @property
    def free_units(self) -> int:
        return self.total_units - self.used_units

    def covers(self, day: date) -> bool:
        """Whether the dates of the letter include a date of service."""
        return self.start_date <= day <= self.end_date


class UnitMovement(TenantModel):
    """One row of the append-only ledger. Written by the database's functions only."""

    authorization = models.ForeignKey(
        Authorization, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="movements"
    )
    appointment_id = models.UUIDField(null=True)
    session_id = models.UUIDField(null=True)
    kind = LineField()
    reserved_change = models.IntegerField(db_default=0)
    delivered_change = models.IntegerField(db_default=0)
    service_date = models.DateField()
    idempotency_key = LineField()
    created_by = models.UUIDField(null=True)

    class Meta:
        db_table = "authorization_unit_ledger"

    def __str__(self) -> str:
        return f"{self.kind} {self.reserved_change:+d} {self.delivered_change:+d}"


class CaseloadAssignment(EditableTenantModel):
    """Who works with whom, dated: the rule of what an RBT or BCBA may see."""

    patient = models.ForeignKey(
        Patient, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="caseload_assignments"
    )
    staff_member = models.ForeignKey(StaffMember, models.DO_NOTHING, db_constraint=False, db_index=False)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "caseload_assignments"

    def __str__(self) -> str:
        return f"{self.staff_member_id} from {self.starts_on}"


class FormToken(TenantModel):
    """A submitted form and its result: the same form submitted twice has one effect."""

    user_id = models.UUIDField()
    token = models.UUIDField()
    result_url = LineField(null=True)

    class Meta:
        db_table = "form_tokens"

    def __str__(self) -> str:
        return str(self.token)


class WebSession(models.Model):
    """A signed-in browser. A shared table: it is read by the cookie, before an organisation is known."""

    session_key_sha256 = LineField(primary_key=True)
    session_data = models.TextField()
    expire_date = models.DateTimeField()
    user = models.ForeignKey(User, models.CASCADE, null=True, db_index=False, related_name="+")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, db_index=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "web_sessions"

    def __str__(self) -> str:
        return "web session"
