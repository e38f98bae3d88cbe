"""The audit trail, append-only for every role of the application."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from omnirapeutic.db.fields import LineField, RandomUUID


class AuditLog(models.Model):
    """One thing that was read, written or refused. Carries ids and column names, never a patient's values."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    timestamp = models.DateTimeField(db_default=Now())
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    user_email = LineField()
    organization = models.ForeignKey(
        "clinic.Organization", models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    action = LineField()
    resource_type = LineField()
    resource_id = models.UUIDField(null=True)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = LineField(null=True)
    request_id = LineField(null=True)
    details = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_logs"
        ordering = ("-timestamp", "id")

    def __str__(self) -> str:
        return f"{self.action} {self.resource_type}"
