"""A thousand double-clicked bookings: each form posted twice at the same moment, to a real server of two workers.

Each is one appointment, and both clicks are answered with its result. The controls post the same forms without their
token: then the second click is a second attempt, which only the client's taken time stops, where there is one.
"""

from __future__ import annotations

import http.client
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.urls import reverse

from clinic.models import Authorization, Patient
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from tests.support.bookings import UNIT, check_ledger, ledger_faults
from tests.support.clinics import Clinic, begin_web_session
from tests.support.live import gunicorn

DOUBLE_CLICKS = 1_000
PEOPLE = 4  # who click at the same time
CSRF = "c" * 32

Form = dict[str, str]
Clicks = tuple[int, str]

pytestmark = pytest.mark.concurrency


@pytest.fixture(scope="module")
def url(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gunicorn(app_url, tmp_path_factory.mktemp("double-click"), WEB_CONCURRENCY="2") as address:
        yield address


def test_a_double_clicked_booking_is_booked_once(url: str, app_url: str, superuser_url: str, clinic_a: Clinic) -> None:
    line, before = open_line(clinic_a), appointments(clinic_a)
    path, forms = booking_forms(clinic_a, line, DOUBLE_CLICKS)

    answers = double_click(url, clinic_a, path, forms)

    done = (303, reverse("client_detail", args=[clinic_a.client.id]))
    assert Counter(answers) == {(done, done): DOUBLE_CLICKS}
    assert appointments(clinic_a) - before == DOUBLE_CLICKS
    assert used_units(clinic_a, line) == DOUBLE_CLICKS
    assert not ledger_faults(superuser_url)
    code, report = check_ledger(app_url)
    assert code == 0, report


def test_control_without_its_token_the_second_click_is_refused(url: str, superuser_url: str, clinic_a: Clinic) -> None:
    """Still one appointment each, by the constraint on the time: but half of the answers deny what was just booked."""
    line, before = open_line(clinic_a), appointments(clinic_a)
    path, forms = booking_forms(clinic_a, line, 40)

    answers = double_click(url, clinic_a, path, [without_token(form) for form in forms])

    assert {tuple(sorted(status for status, _ in pair)) for pair in answers} == {(303, 422)}
    assert appointments(clinic_a) - before == 40
    assert not ledger_faults(superuser_url)


@pytest.mark.parametrize("strip", [None, "token"], ids=["with-token", "control-without"])
def test_where_no_constraint_helps_the_token_alone_makes_it_once(url: str, clinic_a: Clinic, strip: str | None) -> None:
    """Taking in a client: nothing forbids two children of one name and birthday."""
    forms = [intake_form() for _ in range(40)]

    answers = double_click(
        url, clinic_a, reverse("client_new"), [without_token(form) if strip else form for form in forms]
    )

    assert {status for pair in answers for status, _ in pair} == {303}
    with clinic_a.work_as(Role.FRONT_DESK):
        made = Patient.objects.filter(last_name="Twin").count()
    assert made == (80 if strip else 40)
    assert all((first == second) is not bool(strip) for first, second in answers)


# --- forms -----------------------------------------------------------------------------------------------------------


def open_line(clinic: Clinic) -> Authorization:
    """An authorization with room for all."""
    with clinic.work_as(Role.FRONT_DESK):
        return Authorization.objects.create(
            organization_id=clinic.organization.id,
            patient=clinic.client,
            insurance=clinic.insurance,
            service_code="97153",
            total_units=2 * DOUBLE_CLICKS,
            start_date=clinic.authorization.start_date,
            end_date=clinic.authorization.end_date,
            status="ACTIVE",
        )


def booking_forms(clinic: Clinic, line: Authorization, number: int) -> tuple[str, list[Form]]:
    """Bookings of one unit each, at times that touch but do not overlap, and where they are posted."""
    times = quarter_hours(line.end_date)
    forms = [
        {
            "form_token": str(uuid.uuid4()),
            "service_code": line.service_code,
            "day": f"{start:%Y-%m-%d}",
            "start_time": f"{start:%H:%M}",
            "end_time": f"{start + UNIT:%H:%M}",
            "authorization": str(line.id),
            "provider": str(clinic.staff[Role.RBT].id),
            "location": "CLINIC",
        }
        for start, _ in zip(times, range(number), strict=False)
    ]
    assert len(forms) == number
    random.shuffle(forms)
    return reverse("appointment_new", args=[clinic.client.id]), forms


def quarter_hours(last: date) -> Iterator[datetime]:
    """From some days ahead on, between eight and four: a payer covers no more units of the service on one day."""
    day = datetime.combine(date.today() + timedelta(days=3), time(8))  # noqa: DTZ011
    while day.date() <= last:
        yield from (day + number * UNIT for number in range(32))
        day += timedelta(days=1)


def intake_form() -> Form:
    return {
        "form_token": str(uuid.uuid4()),
        "first_name": "Tess",
        "last_name": "Twin",
        "date_of_birth": "2019-05-04",
        "sex": "F",
        "primary_diagnosis_code": "F84.0",
        "street": "3 Oak Street",
        "city": "Albany",
        "state": "NY",
        "zip_code": "12207",
    }


def without_token(form: Form) -> Form:
    return form | {"form_token": ""}


# --- clicks ----------------------------------------------------------------------------------------------------------


def double_click(url: str, clinic: Clinic, path: str, forms: list[Form]) -> list[tuple[Clicks, Clicks]]:
    """Posts each form twice at once, on two connections: statuses and where they lead, in order."""
    cookie = begin_web_session(clinic.users[Role.FRONT_DESK])
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}; {settings.CSRF_COOKIE_NAME}={CSRF}",
        "X-CSRFToken": CSRF,
        "Content-Type": "application/x-www-form-urlencoded",
    }

    def click_in_turn(own: list[Form], moment: threading.Barrier) -> list[Clicks]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        answers = []
        for form in own:
            body = urlencode(form)
            moment.wait(timeout=60)
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            answers.append((response.status, response.headers.get("Location", "")))
        connection.close()
        return answers

    with ThreadPoolExecutor(2 * PEOPLE) as threads:
        clicks = []
        for person in range(PEOPLE):
            own, moment = forms[person::PEOPLE], threading.Barrier(2)
            clicks.append([threads.submit(click_in_turn, own, moment) for _ in range(2)])
        return [pair for first, second in clicks for pair in zip(first.result(), second.result(), strict=True)]


def appointments(clinic: Clinic) -> int:
    with clinic.work_as(Role.FRONT_DESK):
        return Appointment.objects.count()


def used_units(clinic: Clinic, line: Authorization) -> int:
    with clinic.work_as(Role.FRONT_DESK):
        return Authorization.objects.get(id=line.id).used_units
