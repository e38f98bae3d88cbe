"""The front desk's pages in a browser: search as you type, a booking with its offer and a refusal, by keyboard too."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from omnirapeutic.web.permissions import Role
from tests.factories.clinic import day

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(page: Page, sign_in_page: Any, clinic_a: Any) -> Page:
    signed_in: Page = sign_in_page(page, clinic_a.users[Role.FRONT_DESK])
    return signed_in


@pytest.fixture
def on(clinic_a: Any) -> date:
    with clinic_a.work_as():
        return day(9)


def test_search_as_you_type_leaves_no_name_in_the_address(desk: Page, check_accessibility: Any) -> None:
    desk.goto("/clients/")
    expect(desk.locator("tbody tr")).to_have_count(2)
    desk.keyboard.press("/")
    desk.keyboard.type("quill")
    expect(desk.locator("tbody tr")).to_have_count(1)
    expect(desk.get_by_role("status").get_by_text("1 match")).to_be_visible()
    assert desk.url.endswith("/clients/")
    check_accessibility(desk)
    desk.locator("[data-search]").fill("nobody")
    expect(desk.get_by_text("Nobody found")).to_be_visible()
    desk.locator("[data-search]").fill("")
    expect(desk.locator("tbody tr")).to_have_count(2)


def fill_booking(desk: Page, on: date, start: str = "16:00", end: str = "18:00") -> None:
    desk.get_by_label("Date").fill(str(on))
    desk.get_by_label("Start", exact=True).fill(start)
    desk.get_by_label("End").fill(end)
    desk.get_by_label("Place").select_option("HOME")


def test_booking_says_what_it_will_use_and_then_uses_it(
    desk: Page, clinic_a: Any, on: date, check_accessibility: Any
) -> None:
    desk.goto(f"/clients/{clinic_a.client.id}/")
    check_accessibility(desk)
    expect(desk.get_by_text("Free 368")).to_be_visible()
    desk.keyboard.press("b")
    fill_booking(desk, on)
    expect(desk.get_by_text("Uses 8 units (2 h) of A-1001. 360 units (90 h) stay free.")).to_be_visible()
    check_accessibility(desk)
    desk.get_by_label("Provider", exact=True).select_option(label="Behavior technician of Aspen, RBT")
    desk.get_by_role("button", name="Book appointment").click()
    expect(desk.get_by_text("Booked. 8 units = 2 h are reserved.")).to_be_visible()
    expect(desk.get_by_text("Free 360")).to_be_visible()


def test_a_refused_booking_keeps_what_was_typed_and_says_what_would_fit(
    desk: Page, clinic_a: Any, on: date, check_accessibility: Any
) -> None:
    for _ in range(2):
        desk.goto(f"/clients/{clinic_a.client.id}/appointments/new/")
        fill_booking(desk, on)
        desk.get_by_label("Provider", exact=True).select_option(index=1)
        desk.get_by_role("button", name="Book appointment").click()
        desk.wait_for_load_state()
    expect(desk.locator("[data-error-summary]")).to_be_focused()
    reason = re.compile(r"is booked from 4:00 PM to 6:00 PM\. Both are free from 2:00 PM to 4:00 PM\.")
    expect(desk.locator("#id_start_time_error")).to_have_text(reason)
    expect(desk.get_by_label("Start", exact=True)).to_have_value("16:00")
    expect(desk.get_by_label("Place")).to_have_value("HOME")
    check_accessibility(desk)


def test_the_offer_keeps_the_focus_where_it_is(desk: Page, clinic_a: Any, on: date) -> None:
    desk.goto(f"/clients/{clinic_a.client.id}/appointments/new/")
    fill_booking(desk, on + timedelta(days=1))
    expect(desk.get_by_text("Uses 8 units")).to_be_visible()
    desk.get_by_label("Provider", exact=True).focus()
    with desk.expect_response(lambda response: response.request.method == "POST"):
        desk.keyboard.press("ArrowDown")
    expect(desk.get_by_label("Provider", exact=True)).to_be_focused()
    expect(desk.get_by_label("Provider", exact=True)).not_to_have_value("")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/clients/new/",
        "/clients/{}/edit/",
        "/clients/{}/insurance/new/",
        "/clients/{}/authorizations/new/",
        "/schedule/",
    ],
)
def test_the_other_pages_are_accessible(desk: Page, clinic_a: Any, check_accessibility: Any, path: str) -> None:
    desk.goto(path.format(clinic_a.client.id))
    expect(desk.get_by_role("heading", level=1)).to_be_visible()
    check_accessibility(desk)


def test_an_appointment_is_cancelled_and_its_units_are_free(
    desk: Page, clinic_a: Any, check_accessibility: Any
) -> None:
    desk.goto(f"/appointments/{clinic_a.appointment.id}/")
    check_accessibility(desk)
    desk.get_by_role("link", name="Cancel appointment").click()
    check_accessibility(desk)
    desk.get_by_label("Client", exact=True).check()
    desk.get_by_label("Why").fill("Illness")
    desk.get_by_role("button", name="Cancel appointment").click()
    expect(desk.get_by_text("Cancelled. Its units are free again.")).to_be_visible()
    expect(desk.locator(".pill")).to_have_text(re.compile("Cancelled"))
