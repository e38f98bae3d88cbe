import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import omnirapeutic.db.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinic", "0001_initial"),
    ]

    # The tables are made by sql/, which clinic's first migration runs: here only the models' state.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Appointment",
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
                        ("start_time", models.DateTimeField()),
                        ("end_time", models.DateTimeField()),
                        (
                            "status",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("SCHEDULED", "Scheduled"),
                                    ("IN_PROGRESS", "In progress"),
                                    ("COMPLETED", "Completed"),
                                    ("CANCELLED", "Cancelled"),
                                    ("NO_SHOW", "No-show"),
                                    ("LAPSED", "Lapsed"),
                                ]
                            ),
                        ),
                        (
                            "location",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("HOME", "Home"),
                                    ("CLINIC", "Clinic"),
                                    ("SCHOOL", "School"),
                                    ("TELEHEALTH", "Telehealth"),
                                ],
                                null=True,
                            ),
                        ),
                        ("recurrence_rule", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("notes", models.TextField(blank=True, null=True)),
                        ("expected_units", models.IntegerField(null=True)),
                        ("group_id", models.UUIDField(null=True)),
                        (
                            "cancelled_by_party",
                            omnirapeutic.db.fields.LineField(
                                choices=[("CLIENT", "Client"), ("STAFF", "Staff"), ("CLINIC", "Clinic")], null=True
                            ),
                        ),
                        ("cancellation_reason", omnirapeutic.db.fields.LineField(null=True)),
                        ("cancelled_at", models.DateTimeField(null=True)),
                        (
                            "authorization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="appointments",
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
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="appointments",
                                to="clinic.patient",
                            ),
                        ),
                        (
                            "provider",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.staffmember",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "appointments",
                    },
                ),
                migrations.CreateModel(
                    name="ProviderOccupancy",
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
                        ("group_id", models.UUIDField(default=uuid.uuid4)),
                        ("start_time", models.DateTimeField()),
                        ("end_time", models.DateTimeField()),
                        (
                            "appointment",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="scheduling.appointment",
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
                            "provider",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.staffmember",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "provider_occupancies",
                    },
                ),
            ],
        ),
    ]
