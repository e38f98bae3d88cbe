"""Reads of one model, chainable."""

from datetime import date
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from clinic.models import Authorization, Patient, StaffMember, User  # noqa: F401

# The last code point: every text that begins with a prefix sorts below prefix + LAST in C collation.
LAST = "\U0010ffff"


class UserQuerySet(models.QuerySet["User"]):
    def get_by_natural_key(self, email: str) -> "User":
        return self.get(email__iexact=email)


class StaffMemberQuerySet(models.QuerySet["StaffMember"]):
    def active(self) -> Self:
        return self.filter(is_active=True).select_related("user").order_by("user__full_name")

    def credentialed_for(self, rendered_by: list[str]) -> Self:
        """Those whose credential may render a service."""
        return self.filter(credential__in=rendered_by)


class PatientQuerySet(models.QuerySet["Patient"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def on_caseload_of(self, staff_member_id: UUID | None, day: date) -> Self:
        """The clients a provider works with on a day."""
        from clinic.models import CaseloadAssignment

        assigned = CaseloadAssignment.objects.filter(
            patient_id=models.OuterRef("pk"), staff_member_id=staff_member_id, starts_on__lte=day
        ).filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day))
        return self.filter(models.Exists(assigned))


class AuthorizationQuerySet(models.QuerySet["Authorization"]):
    def bookable(self, **filters: Any) -> Self:
        """Lines with free units that are not cancelled or expired, soonest-ending first."""
        return self.filter(status__in=["ACTIVE", "PENDING"], used_units__lt=F("total_units"), **filters).order_by(
            "end_date", "start_date", "id"
        )

    def covering(self, day: date) -> Self:
        return self.filter(start_date__lte=day, end_date__gte=day)
