"""Bookings by plain SQL, as the application's role makes them: for tests that race, or kill what is beneath Django.

`open_clinic` commits a clinic with clients and their authorizations; `book` is one booking as the service writes it,
the time first and the units last. `ledger_faults` says where counters, ledger and appointments of a whole database
disagree, in statements of its own: independent of the application's `check_ledger`, which is asked too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from tests.support.postgres import PROJECT

SERVICE = "97153"
UNIT = timedelta(minutes=15)
ZONE = ZoneInfo("America/New_York")  # of an organisation that names none
CONTEXT = "SELECT set_config('app.current_user_id', '', true), set_config('app.current_org_id', %s, true)"
RESERVE = "SELECT app.reserve_session_units(%s::uuid, %s::integer, %s::date, %s::uuid, %s::text)"

# As the superuser, over all organisations. A live booking holds what it expects, every other one holds nothing.
FAULTS = """
WITH by_authorization AS (
    SELECT z.id, z.total_units, z.used_units, z.delivered_units,
           coalesce(sum(l.reserved_change + l.delivered_change), 0) AS used,
           coalesce(sum(l.delivered_change), 0) AS delivered
    FROM authorizations z LEFT JOIN authorization_unit_ledger l ON l.authorization_id = z.id
    GROUP BY z.id
), by_appointment AS (
    SELECT a.id, a.status, a.expected_units, coalesce(sum(l.reserved_change), 0) AS reserved
    FROM appointments a LEFT JOIN authorization_unit_ledger l ON l.appointment_id = a.id
    WHERE a.authorization_id IS NOT NULL
    GROUP BY a.id
)
SELECT format('authorization %s: %s used and %s delivered by its counters, %s and %s by the ledger', id, used_units,
              delivered_units, used, delivered)
FROM by_authorization WHERE used_units <> used OR delivered_units <> delivered
UNION ALL
SELECT format('authorization %s: %s of %s units are taken', id, greatest(used, used_units), total_units)
FROM by_authorization WHERE greatest(used, used_units) > total_units
UNION ALL
SELECT format('appointment %s (%s): %s units expected, %s reserved', id, status, expected_units, reserved)
FROM by_appointment
WHERE reserved IS DISTINCT FROM CASE WHEN status IN ('SCHEDULED', 'IN_PROGRESS') THEN expected_units ELSE 0 END
UNION ALL
SELECT format('appointment %s has no occupied time of its provider', a.id)
FROM appointments a LEFT JOIN provider_occupancies o ON o.appointment_id = a.id
WHERE a.status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED') AND a.provider_id IS NOT NULL AND o.id IS NULL
"""


def today() -> date:
    return datetime.now(ZONE).date()


@dataclass(frozen=True)
class Line:
    """One client's authorization and the provider who sees nobody else: times collide only where a test wants it."""

    organization_id: UUID
    patient_id: UUID
    provider_id: UUID
    authorization_id: UUID


def open_clinic(url: str, *, totals: list[int], name: str = "Cedar Autism Center") -> list[Line]:
    """A clinic whose clients have one authorization each, of so many units, valid from two days ago for 9,000 days."""
    organization_id = uuid.uuid4()
    with psycopg.connect(url) as connection:
        connection.execute(CONTEXT, [str(organization_id)])
        connection.execute("INSERT INTO organizations (id, name) VALUES (%s, %s)", [organization_id, name])
        return [_open_line(connection, organization_id, total) for total in totals]


def _open_line(connection: psycopg.Connection, organization_id: UUID, total: int) -> Line:
    user_id, staff_id, patient_id, authorization_id = (uuid.uuid4() for _ in range(4))
    connection.execute(
        "INSERT INTO users (id, organization_id, email, password_hash, full_name, role)"
        " VALUES (%s, %s, %s, '!', 'A technician', 'RBT')",
        [user_id, organization_id, f"{user_id}@cedar.example"],
    )
    connection.execute(
        "INSERT INTO staff_members (id, organization_id, user_id, credential) VALUES (%s, %s, %s, 'RBT')",
        [staff_id, organization_id, user_id],
    )
    connection.execute(
        "INSERT INTO patients (id, organization_id, first_name, last_name, date_of_birth, state)"
        " VALUES (%s, %s, 'Cleo', 'Marsh', '2019-03-01', 'NY')",
        [patient_id, organization_id],
    )
    connection.execute(
        "INSERT INTO authorizations"
        " (id, organization_id, patient_id, service_code, total_units, start_date, end_date, status)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'ACTIVE')",
        [
            *(authorization_id, organization_id, patient_id, SERVICE, total),
            *(today() - timedelta(days=2), today() + timedelta(days=9_000)),
        ],
    )
    return Line(organization_id, patient_id, staff_id, authorization_id)


def reserve(connection: psycopg.Connection, line: Line, *, units: int, key: str) -> str | None:
    """One transaction that reserves units without an appointment. None when they were reserved, else the refusal."""
    with connection.transaction():
        connection.execute(CONTEXT, [str(line.organization_id)])
        return _refusal(connection.execute(RESERVE, [line.authorization_id, units, today(), None, key]))


def book(
    connection: psycopg.Connection, line: Line, *, appointment_id: UUID, start: datetime, units: int
) -> str | None:
    """One transaction that books a time and reserves its units, both or neither. None when it was committed."""
    with connection.transaction():
        connection.execute(CONTEXT, [str(line.organization_id)])
        connection.execute(
            "INSERT INTO appointments (id, organization_id, patient_id, provider_id, authorization_id, service_code,"
            " start_time, end_time, status, location, expected_units)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'SCHEDULED', 'CLINIC', %s)",
            [
                *(appointment_id, line.organization_id, line.patient_id, line.provider_id, line.authorization_id),
                *(SERVICE, start, start + units * UNIT, units),
            ],
        )
        values = [line.authorization_id, units, start.astimezone(ZONE).date(), appointment_id, f"book:{appointment_id}"]
        refusal = _refusal(connection.execute(RESERVE, values))
        if refusal:
            raise psycopg.Rollback
    return refusal


def _refusal(answer: psycopg.Cursor[Any]) -> str | None:
    row = answer.fetchone()
    assert row
    return None if row[0]["success"] else str(row[0]["error"])


def ledger_faults(superuser_url: str) -> list[str]:
    """Where counters, ledger and appointments disagree; empty when all is well."""
    with psycopg.connect(superuser_url) as connection:
        return [fault for (fault,) in connection.execute(FAULTS)]


def check_ledger(app_url: str) -> tuple[int, str]:
    """The project's own `check_ledger` on that database: its exit code and what it said."""
    outcome = subprocess.run(
        [sys.executable, PROJECT / "manage.py", "check_ledger"],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "omnirapeutic.settings.test", "DATABASE_URL": app_url},
        capture_output=True,
        text=True,
        check=False,
    )
    return outcome.returncode, outcome.stdout + outcome.stderr
