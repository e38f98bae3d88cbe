"""Writes to the clinic's records. Each is one transaction with its audit row, which names columns, never values."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from clinic.exceptions import StaleEdit
from clinic.models import (
    Authorization,
    CaseloadAssignment,
    Patient,
    PatientInsurance,
    Payer,
    StaffMember,
    User,
)
from clinic.selectors import clinic_today
from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy import context


@transaction.atomic
def create_client(
    *,
    first_name: str,
    last_name: str,
    date_of_birth: date,
    sex: str,
    street: str,
    city: str,
    state: str,
    zip_code: str,
    primary_diagnosis_code: str,
    guardian_name: str = "",
    guardian_email: str = "",
    guardian_phone: str = "",
    analyst: StaffMember | None = None,
    actor: User,
) -> Patient:
    """Takes in a client; the supervising analyst has them on the caseload from today."""
    patient = Patient.objects.create(
        organization_id=context.required().organization_id,
        first_name=first_name,
        last_name=last_name,
        date_of_birth=date_of_birth,
        sex=sex,
        street=street,
        city=city,
        state=state,
        zip_code=zip_code,
        primary_diagnosis_code=primary_diagnosis_code,
        guardian_name=guardian_name or None,
        guardian_email=guardian_email or None,
        guardian_phone=guardian_phone or None,
    )
    audit.record(action="CREATE", resource_type="patient", resource_id=patient.id)
    if analyst is not None:
        assign_to_caseload(patient=patient, staff_member=analyst, starts_on=clinic_today(), actor=actor)
    return patient


@transaction.atomic
def update_client(*, patient: Patient, actor: User, seen_at: datetime | None = None, **changes: Any) -> Patient:
    """Changes a client's columns; what equals the saved value is left alone.

    `seen_at` is the `updated_at` that the person saw: raises `StaleEdit` when the record was changed since.
    """
    current = Patient.objects.select_for_update(no_key=True).get(id=patient.id)
    if seen_at is not None and current.updated_at != seen_at:
        raise StaleEdit(current)
    changed = sorted(name for name, value in changes.items() if (value or None) != (getattr(current, name) or None))
    if not changed:
        return current
    for name in changed:
        # Columns that may be empty hold NULL for "not given".
        value, column = changes[name], Patient._meta.get_field(name)
        setattr(current, name, None if value == "" and getattr(column, "null", False) else value)
    current.save(update_fields=[*changed, "updated_at"])
    audit.record(action="UPDATE", resource_type="patient", resource_id=current.id, details={"columns": changed})
    return current


@transaction.atomic
def add_insurance(
    *,
    patient: Patient,
    payer: Payer,
    member_id: str,
    relationship: str,
    payer_rank: str = PatientInsurance.Rank.PRIMARY,
    group_number: str = "",
    plan_name: str = "",
    effective_date: date | None = None,
    termination_date: date | None = None,
    subscriber_first_name: str = "",
    subscriber_last_name: str = "",
    subscriber_date_of_birth: date | None = None,
    subscriber_sex: str = "",
    subscriber_street: str = "",
    subscriber_city: str = "",
    subscriber_state: str = "",
    subscriber_zip_code: str = "",
    actor: User,
) -> PatientInsurance:
    """Adds a coverage by one of the clinic's payers. A client who is the subscriber has no other subscriber's data."""
    subscriber = {
        "subscriber_first_name": subscriber_first_name,
        "subscriber_last_name": subscriber_last_name,
        "subscriber_date_of_birth": subscriber_date_of_birth,
        "subscriber_sex": subscriber_sex,
        "subscriber_street": subscriber_street,
        "subscriber_city": subscriber_city,
        "subscriber_state": subscriber_state,
        "subscriber_zip_code": subscriber_zip_code,
    }
    is_subscriber = relationship == PatientInsurance.Relationship.SELF
    insurance = PatientInsurance.objects.create(
        organization_id=context.required().organization_id,
        patient=patient,
        billing_payer=payer,
        payer_name=payer.name,
        payer_id=payer.payer_id,
        payer_rank=payer_rank,
        member_id=member_id,
        group_number=group_number or None,
        plan_name=plan_name or None,
        effective_date=effective_date,
        termination_date=termination_date,
        relationship=relationship,
        **{name: None if is_subscriber else value or None for name, value in subscriber.items()},
    )
    audit.record(
        action="CREATE",
        resource_type="patient_insurance",
        resource_id=insurance.id,
        details={"patient_id": str(patient.id)},
    )
    return insurance


@transaction.atomic
def add_authorization(
    *,
    patient: Patient,
    insurance: PatientInsurance | None,
    service_code: str,
    total_units: int,
    start_date: date,
    end_date: date,
    status: str = Authorization.Status.ACTIVE,
    authorization_number: str = "",
    units_per_day: int | None = None,
    units_per_week: int | None = None,
    units_per_month: int | None = None,
    week_starts_on: int = 7,
    actor: User,
) -> Authorization:
    """Adds one line of a payer's letter, with nothing reserved or delivered on it."""
    line = Authorization.objects.create(
        organization_id=context.required().organization_id,
        patient=patient,
        insurance=insurance,
        service_code=service_code,
        total_units=total_units,
        start_date=start_date,
        end_date=end_date,
        status=status,
        authorization_number=authorization_number or None,
        units_per_day=units_per_day,
        units_per_week=units_per_week,
        units_per_month=units_per_month,
        week_starts_on=week_starts_on,
    )
    audit.record(
        action="CREATE",
        resource_type="authorization",
        resource_id=line.id,
        details={"patient_id": str(patient.id), "service_code": service_code, "total_units": total_units},
    )
    return line


@transaction.atomic
def assign_to_caseload(
    *, patient: Patient, staff_member: StaffMember, starts_on: date, ends_on: date | None = None, actor: User
) -> CaseloadAssignment:
    """Puts a client on a provider's caseload from a day on; an assignment that begins that day is kept as it is."""
    assignment, created = CaseloadAssignment.objects.get_or_create(
        patient=patient,
        staff_member=staff_member,
        starts_on=starts_on,
        defaults={"organization_id": context.required().organization_id, "ends_on": ends_on},
    )
    if created:
        audit.record(
            action="CREATE",
            resource_type="caseload_assignment",
            resource_id=assignment.id,
            details={"patient_id": str(patient.id), "staff_member_id": str(staff_member.id)},
        )
    return assignment


def ensure_on_caseload(*, patient: Patient, staff_member: StaffMember, day: date, actor: User) -> None:
    """Puts a client on a provider's caseload for one day, unless they are on it that day."""
    covered = CaseloadAssignment.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=day), patient=patient, staff_member=staff_member, starts_on__lte=day
    )
    if not covered.exists():
        assign_to_caseload(patient=patient, staff_member=staff_member, starts_on=day, ends_on=day, actor=actor)
