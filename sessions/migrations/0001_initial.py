import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import omnirapeutic.db.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinic", "0001_initial"),
        ("scheduling", "0001_initial"),
    ]

    # The tables are made by sql/, which clinic's first migration runs: here only the models' state.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Program",
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
                        ("name", omnirapeutic.db.fields.LineField()),
                        ("is_active", models.BooleanField(db_default=True, default=True)),
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
                                to="clinic.patient",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "programs",
                    },
                ),
                migrations.CreateModel(
                    name="Session",
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
                        ("end_time", models.DateTimeField(null=True)),
                        ("duration_minutes", models.IntegerField(null=True)),
                        ("billed_units", models.IntegerField(null=True)),
                        ("excess_units", models.IntegerField(db_default=0, default=0)),
                        (
                            "status",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("IN_PROGRESS", "In progress"),
                                    ("COMPLETED", "Completed"),
                                    ("REQUIRES_REVIEW", "Requires review"),
                                    ("CANCELLED", "Cancelled"),
                                ]
                            ),
                        ),
                        ("location", omnirapeutic.db.fields.LineField(null=True)),
                        ("service_date", models.DateField(null=True)),
                        ("rounding_rule", omnirapeutic.db.fields.LineField(null=True)),
                        ("latest_metrics", models.JSONField(null=True)),
                        ("ai_note_json", models.JSONField(null=True)),
                        ("voice_note_url", omnirapeutic.db.fields.LineField(null=True)),
                        ("voice_transcript", models.TextField(null=True)),
                        (
                            "appointment",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="sessions",
                                to="scheduling.appointment",
                            ),
                        ),
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
                                on_delete=django.db.models.deletion.DO_NOTHING,
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
                        "db_table": "sessions",
                    },
                ),
                migrations.CreateModel(
                    name="SessionNote",
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
                        ("participants", models.TextField(blank=True, db_default="", default="")),
                        ("narrative", models.TextField(blank=True, db_default="", default="")),
                        ("response", models.TextField(blank=True, db_default="", default="")),
                        ("plan", models.TextField(blank=True, db_default="", default="")),
                        (
                            "status",
                            omnirapeutic.db.fields.LineField(
                                choices=[("DRAFT", "Draft"), ("SIGNED", "Signed"), ("LOCKED", "Co-signed")],
                                db_default="DRAFT",
                                default="DRAFT",
                            ),
                        ),
                        ("content_sha256", omnirapeutic.db.fields.LineField(null=True)),
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
                            "session",
                            models.OneToOneField(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="note",
                                to="therapy_sessions.session",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "session_notes",
                    },
                ),
                migrations.CreateModel(
                    name="NoteSignature",
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
                            "signer_role",
                            omnirapeutic.db.fields.LineField(
                                choices=[("RENDERING", "Rendering provider"), ("SUPERVISING", "Supervising analyst")]
                            ),
                        ),
                        ("signed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("content_sha256", omnirapeutic.db.fields.LineField()),
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
                            "staff_member",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.staffmember",
                            ),
                        ),
                        (
                            "note",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="signatures",
                                to="therapy_sessions.sessionnote",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "note_signatures",
                    },
                ),
                migrations.CreateModel(
                    name="Target",
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
                        ("name", omnirapeutic.db.fields.LineField()),
                        (
                            "measure",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("FREQUENCY", "Frequency (count)"),
                                    ("DURATION", "Duration (timer)"),
                                    ("DISCRETE_TRIAL", "Discrete trials"),
                                ]
                            ),
                        ),
                        (
                            "phase",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("BASELINE", "Baseline"),
                                    ("INTERVENTION", "Intervention"),
                                    ("MAINTENANCE", "Maintenance"),
                                    ("GENERALIZATION", "Generalization"),
                                ],
                                db_default="BASELINE",
                                default="BASELINE",
                            ),
                        ),
                        ("position", models.IntegerField(db_default=0, default=0)),
                        ("is_active", models.BooleanField(db_default=True, default=True)),
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
                                to="clinic.patient",
                            ),
                        ),
                        (
                            "program",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="targets",
                                to="therapy_sessions.program",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "targets",
                    },
                ),
                migrations.CreateModel(
                    name="SessionEvent",
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
                            "client_event_id",
                            models.UUIDField(db_default=omnirapeutic.db.fields.RandomUUID(), default=uuid.uuid4),
                        ),
                        ("event_type", omnirapeutic.db.fields.LineField()),
                        (
                            "event_timestamp",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True),
                        ),
                        ("raw_value", models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                        ("metadata", models.JSONField(null=True)),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                            "recorded_by",
                            models.ForeignKey(
                                db_column="recorded_by",
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.staffmember",
                            ),
                        ),
                        (
                            "session",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="events",
                                to="therapy_sessions.session",
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="therapy_sessions.target",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "session_events",
                    },
                ),
            ],
        ),
    ]
