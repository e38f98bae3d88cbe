import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import omnirapeutic.db.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinic", "0001_initial"),
        ("therapy_sessions", "0001_initial"),
    ]

    # The tables are made by sql/, which clinic's first migration runs: here only the models' state.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Claim",
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
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "updated_at",
                            models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now()),
                        ),
                        ("service_date", models.DateField(null=True)),
                        ("payer_id", omnirapeutic.db.fields.LineField()),
                        ("claim_number", omnirapeutic.db.fields.LineField(null=True)),
                        ("edi_payload", models.JSONField()),
                        (
                            "status",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("DRAFT", "Draft"),
                                    ("SUBMITTED", "Submitted"),
                                    ("ACCEPTED", "Accepted"),
                                    ("REJECTED", "Rejected"),
                                    ("PAID", "Paid"),
                                    ("DENIED", "Denied"),
                                ]
                            ),
                        ),
                        ("submitted_at", models.DateTimeField(null=True)),
                        ("response_payload", models.JSONField(null=True)),
                        ("rejection_reason", omnirapeutic.db.fields.LineField(null=True)),
                        ("billed_amount", models.DecimalField(decimal_places=2, max_digits=10, null=True)),
                        ("paid_amount", models.DecimalField(decimal_places=2, max_digits=10, null=True)),
                        ("payment_date", models.DateField(null=True)),
                        (
                            "authorization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.authorization",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                        (
                            "patient",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.patient",
                            ),
                        ),
                        (
                            "session",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="claims",
                                to="therapy_sessions.session",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "claims",
                    },
                ),
                migrations.CreateModel(
                    name="ClaimDocument",
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
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        ("kind", omnirapeutic.db.fields.LineField(db_default="837P", default="837P")),
                        ("interchange_control_number", models.BigIntegerField()),
                        ("content", models.BinaryField()),
                        ("content_sha256", omnirapeutic.db.fields.LineField()),
                        (
                            "claim",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="documents",
                                to="billing.claim",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "claim_documents",
                    },
                ),
                migrations.CreateModel(
                    name="ServiceRate",
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
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "updated_at",
                            models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now()),
                        ),
                        ("service_code", omnirapeutic.db.fields.LineField()),
                        (
                            "modifiers",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.TextField(), blank=True, default=list, size=None
                            ),
                        ),
                        ("rate", models.DecimalField(decimal_places=2, max_digits=10)),
                        ("starts_on", models.DateField()),
                        ("ends_on", models.DateField(blank=True, null=True)),
                        (
                            "organization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                        (
                            "payer",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.payer",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "service_rates",
                    },
                ),
            ],
        ),
    ]
