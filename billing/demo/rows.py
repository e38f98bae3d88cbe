"""Rows on their way into the database: which columns each table gets, in the order in which tables may be filled."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

TABLES: dict[str, tuple[str, ...]] = {
    "organizations": (
        *("id", "name", "tax_id", "npi", "time_zone", "taxonomy_code", "street", "city", "state", "zip_code"),
        *("phone", "contact_name", "claim_submitter_id"),
    ),
    "users": ("id", "organization_id", "email", "password_hash", "full_name", "role"),
    "staff_members": (
        *("id", "organization_id", "user_id", "npi", "license_number", "license_state", "license_expiration"),
        "credential",
    ),
    "payers": ("id", "organization_id", "name", "payer_id", "claim_filing_code", "rounding_rule", "timely_filing_days"),
    "service_rates": ("id", "organization_id", "payer_id", "service_code", "modifiers", "rate", "starts_on"),
    "patients": (
        *("id", "organization_id", "first_name", "last_name", "date_of_birth", "sex", "street", "city", "state"),
        *("zip_code", "primary_diagnosis_code", "guardian_name", "guardian_email", "guardian_phone", "is_active"),
    ),
    "patient_insurance": (
        *("id", "organization_id", "patient_id", "billing_payer_id", "payer_name", "payer_id", "member_id"),
        *("group_number", "plan_name", "effective_date", "relationship", "subscriber_first_name"),
        *("subscriber_last_name", "subscriber_date_of_birth", "subscriber_sex", "subscriber_street"),
        *("subscriber_city", "subscriber_state", "subscriber_zip_code"),
    ),
    "authorizations": (
        *("id", "organization_id", "patient_id", "insurance_id", "service_code", "total_units", "used_units"),
        *("delivered_units", "start_date", "end_date", "status", "authorization_number", "units_per_week"),
    ),
    "caseload_assignments": ("id", "organization_id", "patient_id", "staff_member_id", "starts_on", "ends_on"),
    "programs": ("id", "organization_id", "patient_id", "name"),
    "targets": ("id", "organization_id", "patient_id", "program_id", "name", "measure", "phase", "position"),
    "appointments": (
        *("id", "organization_id", "patient_id", "provider_id", "authorization_id", "service_code", "start_time"),
        *("end_time", "status", "location", "expected_units", "cancelled_by_party", "cancellation_reason"),
        *("cancelled_at", "created_at"),
    ),
    "sessions": (
        *("id", "organization_id", "appointment_id", "patient_id", "provider_id", "authorization_id"),
        *("service_code", "start_time", "end_time", "duration_minutes", "billed_units", "status", "location"),
        *("service_date", "rounding_rule", "latest_metrics", "created_at"),
    ),
    "session_events": (
        *("id", "organization_id", "session_id", "client_event_id", "target_id", "event_type", "event_timestamp"),
        *("raw_value", "metadata", "recorded_by", "created_at"),
    ),
    "authorization_unit_ledger": (
        *("id", "organization_id", "authorization_id", "appointment_id", "session_id", "kind", "reserved_change"),
        *("delivered_change", "service_date", "idempotency_key", "created_by", "created_at"),
    ),
    "session_notes": (
        *("id", "organization_id", "session_id", "participants", "narrative", "response", "plan", "status"),
        *("content_sha256", "created_at"),
    ),
    "note_signatures": (
        *("id", "organization_id", "note_id", "staff_member_id", "signer_role", "signed_at", "content_sha256"),
    ),
}

Row = tuple[Any, ...]


@dataclass(slots=True)
class Batch:
    """Rows of one organisation that may be loaded together.

    `events` are finished lines of COPY's text format: they are by far the most rows, and none of their values needs
    escaping.
    """

    organization_id: UUID
    tables: dict[str, list[Row]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def add(self, table: str, *values: Any) -> None:
        """Appends a row; `organization_id`, the second column of every tenant table, is put in here."""
        self.tables.setdefault(table, []).append((values[0], self.organization_id, *values[1:]))


VERSION_4 = (4 << 76) | (2 << 62)
VERSION_7 = (7 << 76) | (2 << 62)
RANDOM_BITS = ~((0xF << 76) | (0x3 << 62))


def new_id(rng: Random) -> UUID:
    """A version 4 uuid from the seed."""
    return UUID(int=rng.getrandbits(128) & RANDOM_BITS | VERSION_4)


def new_event_id(rng: Random, instant: datetime) -> str:
    """A version 7 uuid: ordered by time, so that a million of them do not tear the index's pages apart."""
    milliseconds = int(instant.timestamp() * 1000)
    return f"{milliseconds << 80 | rng.getrandbits(80) & RANDOM_BITS | VERSION_7:032x}"
