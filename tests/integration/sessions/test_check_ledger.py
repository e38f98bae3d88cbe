"""check_ledger passes on what the application wrote, and names each kind of damage that somebody else did."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnirapeutic.db.functions import reserve_session_units
from omnirapeutic.tenancy.context import tenant
from sessions.ledger_check import AUTHORIZATIONS, check_ledger
from tests.support.clinics import Clinic

POST = """
INSERT INTO authorization_unit_ledger (organization_id, authorization_id, appointment_id, session_id, kind,
                                       reserved_change, delivered_change, service_date, idempotency_key)
VALUES ('{organization}', '{authorization}', {appointment}, NULL, 'ADJUST', {reserved}, {delivered}, current_date,
        'damage')
"""
OTHER_AUTHORIZATION = """
INSERT INTO authorizations (id, organization_id, patient_id, service_code, total_units, start_date, end_date, status)
SELECT '{other}', organization_id, patient_id, service_code, 400, start_date, end_date, 'ACTIVE'
FROM authorizations WHERE id = '{authorization}';
"""
COUNTERS_FOLLOW = """
UPDATE authorizations z SET
    used_units = (SELECT coalesce(sum(reserved_change + delivered_change), 0) FROM authorization_unit_ledger
                  WHERE authorization_id = z.id),
    delivered_units = (SELECT coalesce(sum(delivered_change), 0) FROM authorization_unit_ledger
                       WHERE authorization_id = z.id)
WHERE organization_id = '{organization}'
"""
APPOINTMENT_IS = "UPDATE appointments SET status = '{status}' WHERE id = '{booked}'"
SESSION_IS = "UPDATE sessions SET {change} WHERE id = '{session}'"

DAMAGE: dict[str, tuple[str, set[str]]] = {
    "used counter moved": (
        "UPDATE authorizations SET used_units = used_units + 1 WHERE id = '{authorization}'",
        {"USED_UNITS"},
    ),
    "delivered counter moved": (
        "UPDATE authorizations SET delivered_units = delivered_units - 1 WHERE id = '{authorization}'",
        {"DELIVERED_UNITS"},
    ),
    "counters emptied": (
        "UPDATE authorizations SET used_units = 0, delivered_units = 0 WHERE id = '{authorization}'",
        {"USED_UNITS", "DELIVERED_UNITS"},
    ),
    "settlement lost": (
        "DELETE FROM authorization_unit_ledger WHERE session_id = '{session}'",
        {"DELIVERED_UNITS", "APPOINTMENT_UNITS", "SESSION_UNITS"},
    ),
    "reservation lost": (
        "DELETE FROM authorization_unit_ledger WHERE appointment_id = '{booked}'",
        {"USED_UNITS", "APPOINTMENT_UNITS"},
    ),
    "reservations below zero": (
        POST.replace("{reserved}", "-100").replace("{delivered}", "0").replace("{appointment}", "NULL"),
        {"USED_UNITS", "NEGATIVE_SUM"},
    ),
    "more than was approved": (
        POST.replace("{reserved}", "0").replace("{delivered}", "1000").replace("{appointment}", "NULL"),
        {"USED_UNITS", "DELIVERED_UNITS", "OVERDRAWN"},
    ),
    "booked with other units": (
        "UPDATE appointments SET expected_units = 9 WHERE id = '{booked}'",
        {"APPOINTMENT_UNITS"},
    ),
    "booked without units": (
        "UPDATE appointments SET expected_units = NULL WHERE id = '{booked}'",
        {"APPOINTMENT_UNITS"},
    ),
    **{
        f"{status} and still reserved": (APPOINTMENT_IS.replace("{status}", status), {"APPOINTMENT_UNITS"})
        for status in ("COMPLETED", "CANCELLED", "NO_SHOW", "LAPSED")
    },
    "reserved on another authorization": (
        OTHER_AUTHORIZATION
        + "UPDATE authorization_unit_ledger SET authorization_id = '{other}' WHERE appointment_id = '{booked}';"
        + COUNTERS_FOLLOW,
        {"APPOINTMENT_UNITS", "APPOINTMENT_ELSEWHERE"},
    ),
    "partly reserved on another authorization": (
        OTHER_AUTHORIZATION
        + POST.replace("{reserved}", "-5").replace("{delivered}", "0").replace("{appointment}", "'{booked}'")
        + ";"
        + POST.replace("{reserved}", "5")
        .replace("{delivered}", "0")
        .replace("{authorization}", "{other}")
        .replace("{appointment}", "'{booked}'")
        .replace("'damage'", "'damage 2'")
        + ";"
        + COUNTERS_FOLLOW,
        {"APPOINTMENT_UNITS", "APPOINTMENT_ELSEWHERE"},
    ),
    "billed other units": (SESSION_IS.replace("{change}", "billed_units = 9"), {"SESSION_UNITS"}),
    "billed nothing": (SESSION_IS.replace("{change}", "billed_units = NULL"), {"SESSION_UNITS"}),
    "reopened without giving back": (SESSION_IS.replace("{change}", "status = 'IN_PROGRESS'"), {"SESSION_UNITS"}),
    "delivered on another authorization": (
        OTHER_AUTHORIZATION
        + "UPDATE authorization_unit_ledger SET authorization_id = '{other}', appointment_id = NULL, "
        "reserved_change = 0 WHERE session_id = '{session}';"
        + "DELETE FROM authorization_unit_ledger WHERE appointment_id = (SELECT appointment_id FROM sessions "
        "WHERE id = '{session}');" + COUNTERS_FOLLOW,
        {"SESSION_UNITS", "SESSION_ELSEWHERE"},
    ),
}


def damage(superuser_url: str, clinic: Clinic, statements: str) -> None:
    """As the superuser, past every trigger."""
    values = {
        "organization": clinic.organization.id,
        "authorization": clinic.authorization.id,
        "booked": clinic.appointment.id,
        "session": clinic.session.id,
        "other": uuid.uuid4(),
    }
    for name, value in values.items():
        statements = statements.replace(f"{{{name}}}", str(value))
    with psycopg.connect(superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statements.encode())


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = io.StringIO()
    try:
        call_command("check_ledger", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def findings(clinic: Clinic) -> list[dict[str, Any]]:
    document = json.loads(run("--json")[1])
    [report] = [each for each in document["organizations"] if each["organization_id"] == str(clinic.organization.id)]
    deviations: list[dict[str, Any]] = report["deviations"]
    return deviations


def test_what_the_application_wrote_adds_up(clinic_a: Clinic, clinic_b: Clinic) -> None:
    code, output = run()
    assert code == 0
    lines = output.splitlines()
    assert len(lines) == 2
    assert all(line.endswith("0 deviations, 0 listed") for line in lines)
    assert str(clinic_a.organization.id) in output


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(clinic_a: Clinic, clinic_b: Clinic, superuser_url: str, kind: str) -> None:
    statements, expected = DAMAGE[kind]
    assert findings(clinic_a) == []
    damage(superuser_url, clinic_a, statements)
    assert {finding["code"] for finding in findings(clinic_a)} == expected
    assert findings(clinic_b) == []
    code, output = run()
    assert code == 1
    assert all(each in output for each in expected)
    assert run() == (code, output)  # it repaired nothing


def test_a_finding_says_which_row_and_both_numbers(clinic_a: Clinic, superuser_url: str) -> None:
    damage(superuser_url, clinic_a, DAMAGE["booked with other units"][0])
    [finding] = findings(clinic_a)
    assert finding["resource_type"] == "appointment"
    assert finding["resource_id"] == str(clinic_a.appointment.id)
    assert finding["facts"] == {"status": "SCHEDULED", "expected": 9, "reserved": 8}
    line = f"APPOINTMENT_UNITS appointment {clinic_a.appointment.id}: status SCHEDULED, expected 9, reserved 8"
    assert line in run()[1]


def test_movements_of_no_appointment_are_listed_and_no_deviation(clinic_a: Clinic) -> None:
    with clinic_a.work_as():
        with connection.cursor() as cursor:
            cursor.execute("SELECT app.adjust_authorization_units(%s::uuid, 12)", [clinic_a.authorization.id])
        reserve_session_units(
            authorization_id=clinic_a.authorization.id,
            units=3,
            service_date=clinic_a.authorization.end_date,
            appointment_id=None,
            idempotency_key="unattached",
        )
        report = check_ledger()
    assert report.deviations == []
    assert [(each.code, each.facts) for each in report.listed] == [
        ("UNATTACHED", {"movements": 2, "reserved": 3, "delivered": 12})
    ]
    code, output = run()
    assert code == 0
    assert "Listed, no deviation:" in output


IMPORT = """
INSERT INTO authorizations (id, organization_id, patient_id, service_code, total_units, used_units, delivered_units,
                            start_date, end_date, status)
SELECT '{other}', organization_id, patient_id, service_code, 400, 20, 12, start_date, end_date, 'ACTIVE'
FROM authorizations WHERE id = '{authorization}';
INSERT INTO appointments (id, organization_id, patient_id, provider_id, authorization_id, service_code, start_time,
                          end_time, status, patient_lanes)
SELECT '{other}', organization_id, patient_id, provider_id, '{other}', service_code, start_time + interval '5 days',
       end_time + interval '5 days', 'SCHEDULED', patient_lanes
FROM appointments WHERE id = '{booked}';
INSERT INTO sessions (id, organization_id, patient_id, provider_id, authorization_id, service_code, start_time, status,
                      billed_units)
SELECT '{other}', organization_id, patient_id, provider_id, '{other}', service_code, start_time - interval '5 days',
       'COMPLETED', 12
FROM sessions WHERE id = '{session}';
"""


def test_what_the_owner_brought_in_is_listed(clinic_a: Clinic, superuser_url: str) -> None:
    damage(superuser_url, clinic_a, IMPORT)
    with tenant(clinic_a.organization.id):
        report = check_ledger()
    assert report.deviations == []
    assert [(each.code, each.resource_type) for each in report.listed] == [
        ("BEFORE_LEDGER", "authorization"),
        ("BEFORE_LEDGER", "appointment"),
        ("BEFORE_LEDGER", "session"),
    ]
    assert run()[0] == 0


def test_five_statements_whatever_the_size(clinic_a: Clinic) -> None:
    with tenant(clinic_a.organization.id), CaptureQueriesContext(connection) as queries:
        check_ledger()
    assert len(queries) == 5
    assert AUTHORIZATIONS.strip() in queries[1]["sql"]
