import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import omnirapeutic.db.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinic", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # The tables are made by sql/, which clinic's first migration runs: here only the models' state.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="AuditLog",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                db_default=omnirapeutic.db.fields.RandomUUID(),
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("timestamp", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("user_email", omnirapeutic.db.fields.LineField()),
                        ("action", omnirapeutic.db.fields.LineField()),
                        ("resource_type", omnirapeutic.db.fields.LineField()),
                        ("resource_id", models.UUIDField(null=True)),
                        ("ip_address", models.GenericIPAddressField(null=True)),
                        ("user_agent", omnirapeutic.db.fields.LineField(null=True)),
                        ("request_id", omnirapeutic.db.fields.LineField(null=True)),
                        ("details", models.JSONField(null=True)),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "organization",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "audit_logs",
                        "ordering": ("-timestamp", "id"),
                    },
                ),
            ],
        ),
    ]
