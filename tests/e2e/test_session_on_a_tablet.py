"""A technician's session on a tablet, tapped in a real browser, and the analyst who follows and co-signs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from omnirapeutic.tenancy.context import tenant
from sessions import events as entries
from sessions import measures
from sessions.models import Session, SessionEvent, SessionNote
from tests.factories.sessions import Case, book, build_case
from tests.support.clinics import Clinic

TABLET = {"width": 768, "height": 1024}
DESK = {"width": 1280, "height": 800}


@pytest.fixture
def case(clinic_a: Clinic) -> Case:
    made = build_case(clinic_a)
    with tenant(made.organization_id, made.rbt.id, email=made.rbt.email):
        book(made)
    return made


@pytest.fixture
def tablet(new_context: Callable[..., Any], sign_in_page: Callable[..., Any], case: Case) -> Page:
    page: Page = sign_in_page(new_context(viewport=TABLET, has_touch=True).new_page(), case.rbt)
    return page


@pytest.fixture
def desk(new_context: Callable[..., Any], sign_in_page: Callable[..., Any], case: Case) -> Page:
    page: Page = sign_in_page(new_context(viewport=DESK).new_page(), case.bcba)
    return page


def record(page: Page) -> None:
    """Three counts of which one is taken back, two trials, one timed occurrence."""
    for _ in range(3):
        page.get_by_role("button", name="Count one Requests").tap()
    page.get_by_role("button", name="Undo the last entry of Requests").tap()
    page.get_by_role("button", name="Correct", exact=True).tap()
    page.get_by_role("button", name="Gestural").tap()
    timer = page.locator("[data-capture=duration]").get_by_role("button")
    timer.tap()
    expect(page.get_by_role("button", name="End session")).to_have_attribute("aria-disabled", "true")
    timer.tap()
    expect(page.get_by_text("Everything entered is saved")).to_be_visible()


def test_a_session_from_start_to_co_signature(
    tablet: Page, desk: Page, case: Case, check_accessibility: Callable[[Page], None]
) -> None:
    tablet.goto("/my-day/")
    check_accessibility(tablet)
    tablet.get_by_role("button", name="Start session").tap()
    expect(tablet.get_by_role("heading", name="AB 97153")).to_be_visible()
    check_accessibility(tablet)
    desk.goto("/review/")
    expect(desk.get_by_text("Nothing recorded yet")).to_be_visible()
    record(tablet)
    # By its own polling, without a click.
    expect(desk.get_by_text("Requests: 2 times")).to_be_visible(timeout=9000)
    check_accessibility(desk)

    tablet.reload()
    expect(tablet.locator("[data-capture=counter] [data-value]")).to_have_text("2")
    tablet.get_by_role("button", name="Undo the last entry of Requests").tap()
    expect(tablet.locator("[data-capture=counter] [data-value]")).to_have_text("1")
    expect(tablet.get_by_text("Everything entered is saved")).to_be_visible()
    tablet.get_by_role("button", name="End session").tap()
    expect(tablet.get_by_text("50.0% independent (1 of 2 trials)")).to_be_visible()
    check_accessibility(tablet)
    tablet.get_by_role("button", name="End session").tap()

    expect(tablet.get_by_role("heading", name="Data of this session")).to_be_visible()
    check_accessibility(tablet)
    tablet.get_by_role("button", name="Sign the note").tap()
    expect(tablet.get_by_text("There is a problem")).to_be_visible()
    tablet.get_by_label("Narrative").fill("Worked on requests at the table.")
    tablet.get_by_label("Response and progress").fill("Asked twice without help.")
    tablet.get_by_role("button", name="Sign the note").tap()
    expect(tablet.get_by_text("The note was signed.")).to_be_visible()

    desk.goto("/")
    check_accessibility(desk)
    desk.get_by_role("link", name="Brook, Ada").first.click()
    expect(desk.get_by_text("Worked on requests at the table.")).to_be_visible()
    check_accessibility(desk)
    desk.get_by_role("button", name="Co-sign the note").click()
    expect(desk.get_by_text("The note was co-signed.")).to_be_visible()

    with tenant(case.organization_id, case.bcba.id):
        session = Session.objects.get(patient=case.patient)
        rows = SessionEvent.objects.filter(session=session)
        assert len(rows) == 9
        assert session.latest_metrics == measures.recompute(map(entries.from_row, rows))
        assert SessionNote.objects.get(session=session).status == "LOCKED"


def test_an_analyst_adds_a_target(desk: Page, check_accessibility: Callable[[Page], None]) -> None:
    desk.goto("/caseload/")
    check_accessibility(desk)
    desk.get_by_role("link", name="Brook, Ada").click()
    check_accessibility(desk)
    desk.get_by_role("link", name="New target").click()
    check_accessibility(desk)
    desk.get_by_label("Target").fill("Points to what is wanted")
    desk.get_by_label("Discrete trials").check()
    desk.get_by_role("button", name="Add target").click()
    expect(desk.get_by_role("rowheader", name="Points to what is wanted")).to_be_visible()
