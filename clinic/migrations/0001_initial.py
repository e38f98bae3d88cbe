import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import omnirapeutic.db.fields
from omnirapeutic.db.sqlfiles import RunSqlFile

SQL_FILES = (
    "001_extensions.sql",
    "002_schemas.sql",
    "003_core_tables.sql",
    "004_clinical_tables.sql",
    "005_authorization_tables.sql",
    "006_scheduling_tables.sql",
    "007_session_tables.sql",
    "008_billing_tables.sql",
    "009_audit_tables.sql",
    "010_indexes.sql",
    "011_rls_policies.sql",
    "012_roles.sql",
    "013_tenancy.sql",
    "014_clinic.sql",
    "015_unit_ledger.sql",
    "016_scheduling.sql",
    "017_sessions.sql",
    "018_billing.sql",
    "019_web.sql",
)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        *(RunSqlFile(name) for name in SQL_FILES),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Organization",
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
                        ("name", omnirapeutic.db.fields.LineField()),
                        ("tax_id", omnirapeutic.db.fields.LineField(blank=True, null=True, unique=True)),
                        ("npi", omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="NPI")),
                        (
                            "time_zone",
                            omnirapeutic.db.fields.LineField(db_default="America/New_York", default="America/New_York"),
                        ),
                        ("taxonomy_code", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("street", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("city", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("state", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("zip_code", omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="ZIP code")),
                        ("phone", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("contact_name", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("claim_submitter_id", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("schedule_pending_authorizations", models.BooleanField(db_default=False, default=False)),
                        ("is_active", models.BooleanField(db_default=True, default=True)),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "updated_at",
                            models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now()),
                        ),
                    ],
                    options={
                        "db_table": "organizations",
                    },
                ),
                migrations.CreateModel(
                    name="ServiceCode",
                    fields=[
                        ("code", omnirapeutic.db.fields.LineField(primary_key=True, serialize=False)),
                        ("name", omnirapeutic.db.fields.LineField()),
                        ("is_billable", models.BooleanField(db_default=True)),
                        (
                            "rendered_by",
                            django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                        ),
                        ("is_group", models.BooleanField(db_default=False)),
                        ("patient_present", models.BooleanField(db_default=True)),
                        ("daily_unit_limit", models.IntegerField(null=True)),
                    ],
                    options={
                        "db_table": "service_codes",
                    },
                ),
                migrations.CreateModel(
                    name="FormToken",
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
                        ("user_id", models.UUIDField()),
                        ("token", models.UUIDField()),
                        ("result_url", omnirapeutic.db.fields.LineField(null=True)),
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
                        "db_table": "form_tokens",
                    },
                ),
                migrations.CreateModel(
                    name="User",
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
                        ("email", omnirapeutic.db.fields.LineField(unique=True)),
                        ("password", omnirapeutic.db.fields.LineField(db_column="password_hash")),
                        ("full_name", omnirapeutic.db.fields.LineField()),
                        (
                            "role",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("RBT", "Behavior technician"),
                                    ("BCBA", "Behavior analyst"),
                                    ("FRONT_DESK", "Front desk"),
                                    ("BILLER", "Biller"),
                                    ("ADMIN", "Administrator"),
                                    ("SUPER_ADMIN", "Deployment administrator"),
                                ]
                            ),
                        ),
                        ("npi", omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="NPI")),
                        ("credentials", models.JSONField(blank=True, null=True)),
                        ("is_active", models.BooleanField(db_default=True, default=True, null=True)),
                        ("last_login", models.DateTimeField(blank=True, db_column="last_login_at", null=True)),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                        ),
                        (
                            "updated_at",
                            models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now()),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "users",
                    },
                ),
                migrations.CreateModel(
                    name="Patient",
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
                        ("first_name", omnirapeutic.db.fields.LineField()),
                        ("last_name", omnirapeutic.db.fields.LineField()),
                        ("date_of_birth", models.DateField()),
                        (
                            "sex",
                            omnirapeutic.db.fields.LineField(
                                choices=[("F", "Female"), ("M", "Male"), ("U", "Unknown")], null=True
                            ),
                        ),
                        ("street", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("city", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("state", omnirapeutic.db.fields.LineField()),
                        ("zip_code", omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="ZIP code")),
                        ("primary_diagnosis_code", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("guardian_name", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("guardian_email", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("guardian_phone", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("is_active", models.BooleanField(db_default=True, default=True, null=True)),
                        (
                            "search_key",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.db.models.functions.text.Concat(
                                    django.db.models.functions.text.Lower("last_name"),
                                    models.Value(", "),
                                    django.db.models.functions.text.Lower("first_name"),
                                ),
                                output_field=omnirapeutic.db.fields.LineField(),
                            ),
                        ),
                        (
                            "first_name_key",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.db.models.functions.text.Concat(
                                    django.db.models.functions.text.Lower("first_name"),
                                    models.Value(" "),
                                    django.db.models.functions.text.Lower("last_name"),
                                ),
                                output_field=omnirapeutic.db.fields.LineField(),
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
                        "db_table": "patients",
                    },
                ),
                migrations.CreateModel(
                    name="PatientInsurance",
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
                        ("payer_name", omnirapeutic.db.fields.LineField()),
                        ("payer_id", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        (
                            "payer_rank",
                            omnirapeutic.db.fields.LineField(
                                choices=[("P", "Primary"), ("S", "Secondary"), ("T", "Tertiary")],
                                db_default="P",
                                default="P",
                            ),
                        ),
                        ("member_id", omnirapeutic.db.fields.LineField(verbose_name="member ID")),
                        ("group_number", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("plan_name", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("effective_date", models.DateField(blank=True, null=True)),
                        ("termination_date", models.DateField(blank=True, null=True)),
                        ("is_active", models.BooleanField(db_default=True, default=True, null=True)),
                        (
                            "relationship",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("18", "Self: the client is the subscriber"),
                                    ("01", "Spouse"),
                                    ("19", "Child"),
                                    ("G8", "Other relationship"),
                                ],
                                db_default="18",
                                default="18",
                            ),
                        ),
                        ("subscriber_first_name", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("subscriber_last_name", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("subscriber_date_of_birth", models.DateField(blank=True, null=True)),
                        (
                            "subscriber_sex",
                            omnirapeutic.db.fields.LineField(
                                blank=True, choices=[("F", "Female"), ("M", "Male"), ("U", "Unknown")], null=True
                            ),
                        ),
                        ("subscriber_street", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("subscriber_city", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("subscriber_state", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        (
                            "subscriber_zip_code",
                            omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="subscriber ZIP code"),
                        ),
                        ("eligibility_verification", models.JSONField(blank=True, null=True)),
                        ("last_verified_at", models.DateTimeField(blank=True, null=True)),
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
                                related_name="insurances",
                                to="clinic.patient",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "patient_insurance",
                    },
                ),
                migrations.CreateModel(
                    name="Authorization",
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
                        ("total_units", models.IntegerField()),
                        ("used_units", omnirapeutic.db.fields.LedgerField(db_default=0, editable=False)),
                        ("delivered_units", omnirapeutic.db.fields.LedgerField(db_default=0, editable=False)),
                        ("start_date", models.DateField()),
                        ("end_date", models.DateField()),
                        (
                            "status",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("PENDING", "Pending"),
                                    ("ACTIVE", "Active"),
                                    ("EXPIRED", "Expired"),
                                    ("EXHAUSTED", "Exhausted"),
                                    ("CANCELLED", "Cancelled"),
                                ]
                            ),
                        ),
                        ("authorization_number", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("units_per_day", models.IntegerField(blank=True, null=True)),
                        ("units_per_week", models.IntegerField(blank=True, null=True)),
                        ("units_per_month", models.IntegerField(blank=True, null=True)),
                        ("week_starts_on", models.SmallIntegerField(db_default=7, default=7)),
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
                                related_name="authorizations",
                                to="clinic.patient",
                            ),
                        ),
                        (
                            "insurance",
                            models.ForeignKey(
                                blank=True,
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to="clinic.patientinsurance",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "authorizations",
                    },
                ),
                migrations.CreateModel(
                    name="Payer",
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
                        ("payer_id", omnirapeutic.db.fields.LineField(verbose_name="electronic payer id")),
                        ("claim_filing_code", omnirapeutic.db.fields.LineField(db_default="CI", default="CI")),
                        (
                            "rounding_rule",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("AMA_MIDPOINT", "AMA midpoint: a unit once more than half is done"),
                                    ("CMS_8_MINUTE", "CMS 8-minute rule: all timed codes of a day together"),
                                ],
                                db_default="AMA_MIDPOINT",
                                default="AMA_MIDPOINT",
                            ),
                        ),
                        (
                            "rounding_scope",
                            omnirapeutic.db.fields.LineField(
                                choices=[
                                    ("SUM_THEN_ROUND", "Add a day's sessions, then round"),
                                    ("ROUND_EACH", "Round each session"),
                                ],
                                db_default="SUM_THEN_ROUND",
                                default="SUM_THEN_ROUND",
                            ),
                        ),
                        ("timely_filing_days", models.IntegerField(db_default=90, default=90)),
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
                    ],
                    options={
                        "db_table": "payers",
                    },
                ),
                migrations.AddField(
                    model_name="patientinsurance",
                    name="billing_payer",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="clinic.payer",
                    ),
                ),
                migrations.CreateModel(
                    name="StaffMember",
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
                        ("npi", omnirapeutic.db.fields.LineField(blank=True, null=True, verbose_name="NPI")),
                        ("license_number", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("license_state", omnirapeutic.db.fields.LineField(blank=True, null=True)),
                        ("license_expiration", models.DateField(blank=True, null=True)),
                        ("credentials", models.JSONField(blank=True, null=True)),
                        (
                            "credential",
                            omnirapeutic.db.fields.LineField(
                                blank=True,
                                choices=[("RBT", "RBT"), ("BCaBA", "BCaBA"), ("BCBA", "BCBA"), ("BCBA-D", "BCBA-D")],
                                null=True,
                            ),
                        ),
                        ("is_active", models.BooleanField(db_default=True, default=True, null=True)),
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
                            "user",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "staff_members",
                    },
                ),
                migrations.CreateModel(
                    name="CaseloadAssignment",
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
                            "patient",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="caseload_assignments",
                                to="clinic.patient",
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
                    ],
                    options={
                        "db_table": "caseload_assignments",
                    },
                ),
                migrations.CreateModel(
                    name="UnitMovement",
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
                        ("appointment_id", models.UUIDField(null=True)),
                        ("session_id", models.UUIDField(null=True)),
                        ("kind", omnirapeutic.db.fields.LineField()),
                        ("reserved_change", models.IntegerField(db_default=0)),
                        ("delivered_change", models.IntegerField(db_default=0)),
                        ("service_date", models.DateField()),
                        ("idempotency_key", omnirapeutic.db.fields.LineField()),
                        ("created_by", models.UUIDField(null=True)),
                        (
                            "authorization",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="movements",
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
                    ],
                    options={
                        "db_table": "authorization_unit_ledger",
                    },
                ),
                migrations.CreateModel(
                    name="WebSession",
                    fields=[
                        ("session_key_sha256", omnirapeutic.db.fields.LineField(primary_key=True, serialize=False)),
                        ("session_data", models.TextField()),
                        ("expire_date", models.DateTimeField()),
                        ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "organization",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="clinic.organization",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "web_sessions",
                    },
                ),
            ],
        ),
    ]
