"""Rates, claims and the documents made of them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from clinic.models import Authorization, Patient, Payer
from omnirapeutic.db.fields import LineField
from omnirapeutic.db.models import EditableTenantModel, TenantModel
from sessions.models import Session


class ServiceRate(EditableTenantModel):
    """What the clinic charges for a unit, in US dollars, from a day on; for one payer or, without one, for all."""

    payer = models.ForeignKey(Payer, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, blank=True)
    service_code = LineField()
    modifiers = ArrayField(models.TextField(), default=list, blank=True)
    rate = models.DecimalField(max_digits=10, decimal_places=2)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "service_rates"

    def __str__(self) -> str:
        return f"{self.service_code} {self.rate}"


class Claim(EditableTenantModel):
    """A claim of one session. `claim_number` is CLM01: ours, never used twice."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        SUBMITTED = "SUBMITTED", "Submitted"
        ACCEPTED = "ACCEPTED", "Accepted"
        REJECTED = "REJECTED", "Rejected"
        PAID = "PAID", "Paid"
        DENIED = "DENIED", "Denied"

    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="claims"
    )
    authorization = models.ForeignKey(Authorization, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    patient = models.ForeignKey(Patient, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    service_date = models.DateField(null=True)
    payer_id = LineField()
    claim_number = LineField(null=True)
    edi_payload = models.JSONField()
    status = LineField(choices=Status.choices)
    submitted_at = models.DateTimeField(null=True)
    response_payload = models.JSONField(null=True)
    rejection_reason = LineField(null=True)
    billed_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    paid_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    payment_date = models.DateField(null=True)

    class Meta:
        db_table = "claims"

    def __str__(self) -> str:
        return self.claim_number or str(self.id)


class ClaimDocument(TenantModel):
    """The exact bytes that were made of a claim, with their hash. Append-only."""

    claim = models.ForeignKey(Claim, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="documents")
    kind = LineField(default="837P", db_default="837P")
    interchange_control_number = models.BigIntegerField()
    content = models.BinaryField()
    content_sha256 = LineField()

    class Meta:
        db_table = "claim_documents"

    def __str__(self) -> str:
        return f"{self.kind} {self.interchange_control_number}"
