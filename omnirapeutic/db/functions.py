"""The database's own functions, each behind one typed Python function. Nobody else writes `app.…` SQL."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from omnirapeutic.tenancy.context import shared


class UnitsRefused(Exception):
    """The unit ledger refused a movement.

    `code` is the database's own word (AUTH_EXPIRED, INSUFFICIENT_UNITS, …); `facts` what it said besides, such as
    `available` and `requested` in units. Neither carries patient data.
    """

    def __init__(self, code: str, facts: dict[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class SignIn:
    """What sign-in may know of an address before an organisation is known."""

    user_id: UUID
    organization_id: UUID
    password_hash: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """The person of a resumed web session and the organisation they act in."""

    user_id: UUID
    organization_id: UUID
    home_organization_id: UUID
    email: str
    full_name: str
    role: str
    staff_member_id: UUID | None
    organization_name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class ResumedSession:
    session_data: str
    expire_date: datetime
    identity: Identity | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What settling a session moved, in units."""

    delivered: int
    released: int
    excess: int


def _one(sql: str, params: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def _units_call(sql: str, params: list[Any]) -> dict[str, Any]:
    answer = _one(sql, params)[0]
    if isinstance(answer, str):
        answer = json.loads(answer)
    if not answer["success"]:
        facts = {key: value for key, value in answer.items() if key not in {"success", "error", "message"}}
        raise UnitsRefused(answer["error"], facts)
    result: dict[str, Any] = answer
    return result


def reserve_session_units(
    *, authorization_id: UUID, units: int, service_date: date, appointment_id: UUID | None, idempotency_key: str
) -> int:
    """Reserves units for a date of service; returns the units left. Raises `UnitsRefused`."""
    answer = _units_call(
        "SELECT app.reserve_session_units(%s::uuid, %s::integer, %s::date, %s::uuid, %s::text)",
        [authorization_id, units, service_date, appointment_id, idempotency_key],
    )
    return int(answer["remaining_units"])


def release_session_units(*, appointment_id: UUID, idempotency_key: str) -> int:
    """Gives back what an appointment holds reserved; returns how many units that was."""
    answer = _units_call("SELECT app.release_session_units(%s::uuid, %s::text)", [appointment_id, idempotency_key])
    return int(answer["units_released"])


def settle_session_units(*, session_id: UUID, units: int) -> Settlement:
    """Replaces a session's reservation by the units delivered, as far as the authorization allows."""
    answer = _units_call("SELECT app.settle_session_units(%s::uuid, %s::integer)", [session_id, units])
    return Settlement(answer["units_delivered"], answer["units_released"], answer["excess_units"])


def release_stale_reservations() -> tuple[int, int]:
    """Lapses bookings nobody started, in the organisation in context; returns appointments and units."""
    answer = _units_call("SELECT app.release_stale_reservations()", [])
    return int(answer["appointments_lapsed"]), int(answer["units_released"])


def check_scheduling_conflict(
    *, provider_id: UUID, patient_id: UUID, start: datetime, end: datetime, exclude: UUID | None = None
) -> bool:
    """True when the provider or the patient is taken at that time."""
    return bool(
        _one(
            "SELECT app.check_scheduling_conflict(%s::uuid, %s::uuid, %s::timestamptz, %s::timestamptz, %s::uuid)",
            [provider_id, patient_id, start, end, exclude],
        )[0]
    )


def find_sign_in(email: str) -> SignIn | None:
    """The one look-up that sign-in may make across organisations."""
    with shared():
        row = _one("SELECT * FROM app.find_sign_in(%s::text)", [email])
    return SignIn(*row) if row else None


def record_unknown_sign_in(*, ip_address: str | None, user_agent: str, request_id: str) -> None:
    """Audits a refused sign-in by an address that belongs to nobody."""
    with shared():
        _one("SELECT app.record_unknown_sign_in(%s::inet, %s::text, %s::text)", [ip_address, user_agent, request_id])


def resume_web_session(session_key_sha256: str) -> ResumedSession | None:
    """Finds a live web session and sets the transaction's context to its person and organisation."""
    with shared():
        row = _one("SELECT * FROM app.resume_web_session(%s::text)", [session_key_sha256])
    if row is None:
        return None
    data, expire_date, *person = row
    return ResumedSession(data, expire_date, Identity(*person) if person[0] else None)


def worker_organizations() -> list[UUID]:
    """The organisations the background worker visits, one context each."""
    with shared(), connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM app.worker_organizations()")
        return [row[0] for row in cursor.fetchall()]


def super_admin_organizations() -> list[tuple[UUID, str, bool]]:
    """Id, name and activity of every organisation, for a super admin; empty for everybody else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id, name, is_active FROM app.super_admin_organizations()")
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]


def next_interchange_control_number() -> int:
    """A control number (ISA13) that was never given before and never will be, even after a rollback."""
    return int(_one("SELECT nextval('interchange_control_numbers')", [])[0])
