"""What every tenant model shares."""

import uuid

from django.db import models
from django.db.models.functions import Now

from omnirapeutic.db.fields import RandomUUID


class TenantModel(models.Model):
    """A row of one organisation. The wall, the composite keys and the defaults are the database's (sql/)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    organization = models.ForeignKey(
        "clinic.Organization", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


class EditableTenantModel(TenantModel):
    """A tenant row that may change."""

    updated_at = models.DateTimeField(db_default=Now(), auto_now=True)

    class Meta:
        abstract = True
