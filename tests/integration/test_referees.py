"""What the application's role may not commit, whatever SQL it writes: units past a line, or without their ledger row.

Each attempt is the shortest way past a rule that somebody found or might find. The services never do any of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from clinic.models import Authorization, Patient
from scheduling.models import Appointment
from tests.support.clinics import Clinic

pytestmark = pytest.mark.django_db
Run = Callable[..., Any]


@pytest.fixture
def attempt(app_url: str, clinic_a: Clinic) -> Callable[[], Any]:
    @contextmanager
    def transaction() -> Iterator[Run]:
        with psycopg.connect(app_url) as connection:
            connection.execute("SELECT set_config('app.current_org_id', %s, true)", [str(clinic_a.organization.id)])

            def run(sql: str, *params: object) -> Any:
                result = connection.execute(sql, params)
                return result.fetchone() if result.description else result.rowcount

            yield run

    return transaction


def settle(run: Run, session_id: uuid.UUID, units: int) -> dict[str, Any]:
    answer: dict[str, Any] = run("SELECT app.settle_session_units(%s, %s)", session_id, units)[0]
    return answer


def insert_session(run: Run, clinic: Clinic, **values: object) -> uuid.UUID:
    row = {
        "id": uuid.uuid4(),
        "organization_id": clinic.organization.id,
        "patient_id": clinic.client.id,
        "authorization_id": clinic.authorization.id,
        "service_code": "97153",
        "start_time": clinic.appointment.start_time - timedelta(days=1),
        "status": "IN_PROGRESS",
    } | values
    run(f"INSERT INTO sessions ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())
    return row["id"]  # type: ignore[return-value]


def other_childs_booking(clinic: Clinic) -> Appointment:
    """A booking of another child on another line, made as the application's role with its units."""
    start = clinic.appointment.start_time + timedelta(days=2)
    with clinic.work_as():
        child = Patient.objects.create(
            organization=clinic.organization,
            first_name="Ada",
            last_name="Other",
            date_of_birth="2020-01-01",
            state="NY",
        )
        line = Authorization.objects.create(
            organization=clinic.organization,
            patient=child,
            service_code="97153",
            total_units=20,
            start_date=start.date() - timedelta(days=9),
            end_date=start.date() + timedelta(days=9),
            status="ACTIVE",
        )
        booked = Appointment.objects.create(
            organization=clinic.organization,
            patient=child,
            authorization=line,
            service_code="97153",
            start_time=start,
            end_time=start + timedelta(hours=2),
            status="SCHEDULED",
            expected_units=8,
        )
        from omnirapeutic.db import functions

        functions.reserve_session_units(
            authorization_id=line.id,
            units=8,
            service_date=start.date(),
            appointment_id=booked.id,
            idempotency_key=f"book:{booked.id}",
        )
    return booked


def test_a_session_cannot_use_another_childs_booking(attempt: Any, clinic_a: Clinic) -> None:
    booked = other_childs_booking(clinic_a)
    with pytest.raises(errors.ForeignKeyViolation), attempt() as run:
        insert_session(run, clinic_a, appointment_id=booked.id)


def test_a_session_cannot_settle_on_another_line_than_it_was_booked_on(attempt: Any, clinic_a: Clinic) -> None:
    with clinic_a.work_as():
        second = Authorization.objects.create(
            organization=clinic_a.organization,
            patient=clinic_a.client,
            service_code="97153",
            total_units=20,
            start_date=clinic_a.authorization.start_date,
            end_date=clinic_a.authorization.end_date,
            status="ACTIVE",
        )
    with attempt() as run:
        session = insert_session(run, clinic_a, appointment_id=clinic_a.appointment.id, authorization_id=second.id)
        assert settle(run, session, 8)["error"] == "WRONG_AUTHORIZATION"


def test_a_line_is_for_one_service(attempt: Any, clinic_a: Clinic) -> None:
    with attempt() as run:
        session = insert_session(run, clinic_a, service_code="97155")
        assert settle(run, session, 8)["error"] == "WRONG_AUTHORIZATION"


def test_a_cancelled_session_delivers_nothing(attempt: Any, clinic_a: Clinic) -> None:
    with attempt() as run:
        session = insert_session(run, clinic_a, status="CANCELLED")
        assert settle(run, session, 8)["error"] == "SESSION_CANCELLED"


def test_units_delivered_by_a_session_that_is_not_completed_are_refused_at_commit(
    attempt: Any, clinic_a: Clinic
) -> None:
    with attempt() as run:
        session = insert_session(run, clinic_a)
    with pytest.raises(errors.CheckViolation, match="session and the unit ledger"), attempt() as run:
        assert settle(run, session, 3)["success"]


def test_a_settled_session_keeps_its_authorization(attempt: Any, clinic_a: Clinic) -> None:
    with pytest.raises(errors.CheckViolation, match="session and the unit ledger"), attempt() as run:
        assert run("UPDATE sessions SET authorization_id = NULL WHERE id = %s", clinic_a.session.id) == 1


def test_a_billable_session_without_an_authorization_bills_nothing(attempt: Any, clinic_a: Clinic) -> None:
    with pytest.raises(errors.CheckViolation, match="session and the unit ledger"), attempt() as run:
        insert_session(run, clinic_a, authorization_id=None, status="COMPLETED", billed_units=40)


@pytest.mark.parametrize(
    "change", ["status = 'CANCELLED'", "end_date = current_date - 10", "start_date = current_date + 20"]
)
def test_nothing_is_delivered_on_a_line_that_is_not_in_force(attempt: Any, clinic_a: Clinic, change: str) -> None:
    with attempt() as run:
        session = insert_session(run, clinic_a, service_date=clinic_a.running.service_date)
        run(f"UPDATE authorizations SET {change} WHERE id = %s", clinic_a.authorization.id)
        answer = settle(run, session, 5)
        assert (answer["units_delivered"], answer["excess_units"]) == (0, 5)
        run("UPDATE sessions SET status = 'REQUIRES_REVIEW', billed_units = 0 WHERE id = %s", session)


def test_a_booking_does_not_move_away_from_the_date_its_units_are_for(attempt: Any, clinic_a: Clinic) -> None:
    moved = "UPDATE appointments SET start_time = start_time + %s, end_time = end_time + %s WHERE id = %s"
    with pytest.raises(errors.CheckViolation, match="another date"), attempt() as run:
        assert run(moved, timedelta(days=3), timedelta(days=3), clinic_a.appointment.id) == 1
    with attempt() as run:  # within the day it may
        assert run(moved, timedelta(minutes=15), timedelta(minutes=15), clinic_a.appointment.id) == 1


def test_only_a_group_service_has_members(attempt: Any, clinic_a: Clinic) -> None:
    with pytest.raises(errors.CheckViolation, match="group service"), attempt() as run:
        run("UPDATE appointments SET group_id = %s WHERE id = %s", uuid.uuid4(), clinic_a.appointment.id)


def test_a_raised_total_makes_an_exhausted_line_bookable_again(attempt: Any, clinic_a: Clinic) -> None:
    line = clinic_a.authorization
    with attempt() as run:
        free = line.total_units - line.used_units
        assert run("SELECT app.adjust_authorization_units(%s, %s)", line.id, free)[0]["success"]
        assert run("SELECT status FROM authorizations WHERE id = %s", line.id) == ("EXHAUSTED",)
        run("UPDATE authorizations SET total_units = total_units + 4 WHERE id = %s", line.id)
        assert run("SELECT status FROM authorizations WHERE id = %s", line.id) == ("ACTIVE",)


def test_a_zone_that_does_not_exist_is_refused(attempt: Any, clinic_a: Clinic) -> None:
    with pytest.raises(errors.InvalidParameterValue), attempt() as run:
        run("UPDATE organizations SET time_zone = 'Not/AZone' WHERE id = %s", clinic_a.organization.id)
