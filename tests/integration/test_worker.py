"""The background worker as a process of its own: it does real jobs as the application's role and ends when asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from procrastinate.contrib.django import app

from clinic.models import Authorization, FormToken
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.tenancy.context import shared
from omnirapeutic.web.permissions import Role
from omnirapeutic.web.tasks import clear_form_tokens
from scheduling import tasks
from scheduling.models import Appointment
from sessions.ledger_check import check_ledger
from tests.support.clinics import Clinic, begin_web_session

MANAGE = [sys.executable, "manage.py", "worker"]


def worker(*arguments: str) -> subprocess.Popen[bytes]:
    """The environment names the worker's database; the owner's address is not given to it."""
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    return subprocess.Popen([*MANAGE, *arguments], env=environ, stderr=subprocess.PIPE)


def run_worker_once() -> None:
    process = worker("--once")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()


def make_stale(clinic: Clinic, superuser_url: str) -> Appointment:
    with psycopg.connect(superuser_url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(
            "UPDATE appointments SET start_time = now() - interval '98 hours', end_time = now() - interval '96 hours'"
            " WHERE id = %s",
            [clinic.appointment.id],
        )
    return clinic.appointment


@pytest.fixture
def stale(clinic_a: Clinic, superuser_url: str) -> Appointment:
    """A booking of four days ago that nobody started."""
    return make_stale(clinic_a, superuser_url)


def defer() -> None:
    """The queue is a shared table: a job belongs to no organisation."""
    with shared():
        tasks.lapse_stale_reservations.defer(timestamp=0)


def state(clinic: Clinic) -> tuple[str, int]:
    with clinic.work_as():
        assert check_ledger().deviations == []
        appointment = Appointment.objects.get(id=clinic.appointment.id)
        return appointment.status, Authorization.objects.get(id=clinic.authorization.id).used_units


def test_a_real_worker_gives_back_what_nobody_started(stale: Appointment, clinic_a: Clinic, clinic_b: Clinic) -> None:
    _, used_before = state(clinic_a)
    other_before = state(clinic_b)
    defer()
    run_worker_once()
    assert state(clinic_a) == ("LAPSED", used_before - 8)
    assert state(clinic_b) == other_before
    with clinic_a.work_as():
        audited = AuditLog.objects.get(action="LAPSE")
        assert audited.details == {"appointments": 1, "units": 8}
        assert audited.user_id is None
    with clinic_b.work_as():
        assert not AuditLog.objects.filter(action="LAPSE").exists()


def test_lapsing_again_changes_and_audits_nothing(stale: Appointment, clinic_a: Clinic) -> None:
    assert tasks.lapse_in(clinic_a.organization.id) == (1, 8)
    after = state(clinic_a)
    assert tasks.lapse_in(clinic_a.organization.id) == (0, 0)
    assert state(clinic_a) == after
    with clinic_a.work_as():
        assert AuditLog.objects.filter(action="LAPSE").count() == 1


def test_one_organization_that_fails_does_not_hold_up_the_others(
    stale: Appointment, clinic_a: Clinic, clinic_b: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tasks.lapse_in
    order = []

    def fail_for_b(organization_id: object) -> tuple[int, int]:
        order.append(organization_id)
        if organization_id == clinic_b.organization.id:
            raise RuntimeError("clinic b")
        return real(organization_id)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks, "lapse_in", fail_for_b)
    monkeypatch.setattr(
        tasks.functions, "worker_organizations", lambda: [clinic_b.organization.id, clinic_a.organization.id]
    )
    with pytest.raises(ExceptionGroup, match="everywhere"):
        tasks.lapse_stale_reservations(timestamp=0)
    assert order == [clinic_b.organization.id, clinic_a.organization.id]
    assert state(clinic_a)[0] == "LAPSED"


def test_what_fell_due_is_made_up_for_when_a_worker_starts(
    stale: Appointment, clinic_a: Clinic, superuser_url: str
) -> None:
    """Nobody deferred anything: the schedule did. Web sessions that have ended are cleared, others stay."""
    ended, alive = (begin_web_session(clinic_a.users[role]) for role in (Role.RBT, Role.BCBA))
    assert ended != alive
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute(
            "UPDATE web_sessions SET expire_date = now() - interval '1 minute' WHERE user_id = %s",
            [clinic_a.users[Role.RBT].id],
        )
        run_worker_once()
        left = superuser.execute("SELECT user_id FROM web_sessions").fetchall()
        jobs = superuser.execute("SELECT task_name, status FROM procrastinate_jobs").fetchall()
    assert left == [(clinic_a.users[Role.BCBA].id,)]
    assert jobs == []
    assert state(clinic_a)[0] == "LAPSED"


@pytest.fixture
def running(clinic_a: Clinic, superuser_url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = worker()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_wakes_for_a_job_and_ends_on_sigterm(
    running: subprocess.Popen[bytes], clinic_a: Clinic, superuser_url: str
) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        # Listening, and done with what fell due before it started.
        listening = "SELECT usename FROM pg_stat_activity WHERE query ILIKE 'LISTEN%' AND datname = current_database()"
        periodic = len(app.periodic_registry.periodic_tasks)
        waiting = f"SELECT count(*) FROM procrastinate_periodic_defers HAVING count(*) >= {periodic}"
        idle = "SELECT WHERE NOT EXISTS (SELECT FROM procrastinate_jobs)"
        deadline = datetime.now().astimezone() + timedelta(seconds=60)
        while not all(found := [superuser.execute(each).fetchall() for each in (listening, waiting, idle)]):
            assert datetime.now().astimezone() < deadline, "the worker does not listen"
            assert running.poll() is None
            time.sleep(0.1)
        role = superuser.execute(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", found[0][0]
        ).fetchone()
        assert role == (False,)
        make_stale(clinic_a, superuser_url)
        defer()
        while state(clinic_a)[0] != "LAPSED":
            assert datetime.now().astimezone() < deadline, "the job was not done"
            time.sleep(0.1)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0


def test_old_form_tokens_are_removed_and_those_of_today_stay(clinic_a: Clinic, clinic_b: Clinic) -> None:
    for clinic in (clinic_a, clinic_b):
        with clinic.work_as(Role.FRONT_DESK):
            for age in (0, 8):
                FormToken.objects.create(
                    organization=clinic.organization,
                    user_id=clinic.users[Role.FRONT_DESK].id,
                    token=uuid.uuid4(),
                    created_at=datetime.now(UTC) - timedelta(days=age),
                )
    clear_form_tokens(timestamp=0)
    for clinic in (clinic_a, clinic_b):
        with clinic.work_as(Role.FRONT_DESK):
            assert [token.created_at.date() for token in FormToken.objects.all()] == [datetime.now(UTC).date()]
