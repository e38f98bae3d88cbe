"""A clinic's day in a browser, by five sign-ins: from a new client to an 837P that an independent validator takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from pyx12.params import params
from pyx12.x12n_document import x12n_document

from billing.models import ClaimDocument
from clinic.models import Authorization, Patient, StaffMember, User
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from sessions.models import Session, SessionEvent
from tests.support.clinics import PASSWORD, ZONE, Clinic, password_hash

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
DESK, TABLET = {"width": 1280, "height": 800}, {"width": 768, "height": 1024}


def test_the_day(
    page: Page, clinic_a: Clinic, tmp_path: Path, superuser_url: str, check_accessibility: Callable[[Page], None]
) -> None:
    # The clinic's own technician is in a session: the day is another's.
    people = clinic_a.users | {Role.RBT: another_technician(clinic_a)}

    sign_in(page, people[Role.FRONT_DESK], DESK)
    sees_only(page, ["Start", "Clients", "Schedule"])
    take_client_in(page, check_accessibility)
    add_insurance(page)
    add_authorization(page)
    book_and_be_refused_first(page, check_accessibility)

    sign_in(page, people[Role.BCBA], DESK)
    sees_only(page, ["Start", "My day", "Review", "Caseload"])
    add_targets(page)

    sign_in(page, people[Role.RBT], TABLET)
    sees_only(page, ["Start", "My day"])
    start_session(page)
    check_accessibility(page)
    record(page)
    an_hour_passes(superuser_url)
    end_session(page)
    write_and_sign_note(page)

    sign_in(page, people[Role.BCBA], DESK)
    review_and_cosign(page, check_accessibility)

    sign_in(page, people[Role.BILLER], DESK)
    sees_only(page, ["Start", "Billing", "Claims"])
    document = make_claim_and_download(page, tmp_path, check_accessibility)
    assert accepted_by_pyx12(document.read_text(encoding="ascii"))

    sign_in(page, people[Role.ADMIN], DESK)
    read_the_trail(page)

    with clinic_a.work_as(Role.ADMIN):
        client = Patient.objects.get(last_name="Larkspur")
        line = Authorization.objects.get(patient=client)
        session = Session.objects.get(patient=client)
        assert (line.delivered_units, line.used_units) == (4, 4)
        assert (session.status, session.duration_minutes, session.billed_units) == ("COMPLETED", 60, 4)
        assert SessionEvent.objects.filter(session=session).count() == 10
        stored = ClaimDocument.objects.get(claim__session=session)
        assert stored.content_sha256 == hashlib.sha256(document.read_bytes()).hexdigest()
        assert AuditLog.objects.filter(action="EXPORT", resource_type="claim").count() == 1


# --- front desk ------------------------------------------------------------------------------------------------------


def take_client_in(page: Page, check_accessibility: Callable[[Page], None]) -> None:
    page.get_by_role("link", name="Clients", exact=True).click()
    check_accessibility(page)
    page.goto("/clients/new/")
    fill(page, {"First name": "Juniper", "Last name": "Larkspur", "Date of birth": "2019-05-04"})
    page.get_by_label("Sex").select_option("F")
    fill(page, {"Primary diagnosis": "F84.0", "Street": "12 Orchard Lane", "City": "Albany", "State": "NY"})
    page.get_by_label("Supervising analyst").select_option(index=1)
    press(page, "Save", "Add client", "Take in")
    # The ZIP code is missing: said beside the field, and nothing typed is lost.
    expect(page.get_by_label("ZIP code")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Last name")).to_have_value("Larkspur")
    check_accessibility(page)
    page.get_by_label("ZIP code").fill("12205")
    press(page, "Save", "Add client", "Take in")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Larkspur")
    check_accessibility(page)


def add_insurance(page: Page) -> None:
    page.get_by_role("link", name=re.compile("Add (insurance|coverage)")).first.click()
    page.get_by_label("Payer").select_option(label="Blue Plan")
    page.get_by_label("Member ID").fill("W555000111")
    page.get_by_label("The client is the subscriber's").select_option("19")
    fill(page, {"First name": "Rowan", "Last name": "Larkspur", "Date of birth": "1988-02-03"})
    page.get_by_label(re.compile("^Sex")).select_option("M")
    fill(page, {"Street": "12 Orchard Lane", "City": "Albany", "State": "NY", "ZIP code": "12205"})
    press(page, "Save", "Add insurance", "Add coverage")
    expect(page.get_by_text("W555000111")).to_be_visible()


def add_authorization(page: Page) -> None:
    page.get_by_role("link", name="Add authorization").first.click()
    page.get_by_label("Authorization number").fill("AUTH-778")
    page.get_by_label("Service").select_option("97153")
    fill(page, {"Units": "10"})
    fill(page, {"First day": iso(-10), "Last day": iso(60)})
    press(page, "Save", "Add authorization line", "Add line")
    expect(page.get_by_text("AUTH-778").first).to_be_visible()


def book_and_be_refused_first(page: Page, check_accessibility: Callable[[Page], None]) -> None:
    start, end = around_now()
    page.get_by_role("link", name="Book appointment").first.click()
    fill(page, {"Date": start.strftime("%Y-%m-%d"), "Start": "01:00", "End": "05:00"})
    # What is offered follows from date and time: wait for the last answer.
    page.get_by_label("End", exact=True).blur()
    expect(page.get_by_text("only 10 units")).to_be_visible()
    technician = page.get_by_label("Provider", exact=True).locator("option").filter(has_text="Tess Free, RBT")
    page.get_by_label("Provider", exact=True).select_option(value=technician.get_attribute("value"))
    page.get_by_label("Place").select_option("HOME")
    page.get_by_role("button", name="Book appointment").click()
    # 16 units of 10: refused beside the form, with what would fit.
    expect(page.get_by_label("End", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Shorten the appointment to end at").first).to_be_visible()
    check_accessibility(page)
    fill(page, {"Start": start.strftime("%H:%M"), "End": end.strftime("%H:%M")})
    page.get_by_role("button", name="Book appointment").click()
    expect(page.get_by_role("link", name="Book appointment").first).to_be_visible()


# --- analyst ---------------------------------------------------------------------------------------------------------


def add_targets(page: Page) -> None:
    page.get_by_role("link", name="Caseload", exact=True).click()
    page.get_by_role("link", name=re.compile("Larkspur")).click()
    targets = {"Mands": "Frequency", "On task": "Duration", "Colors": "Discrete trials"}
    for position, (name, measure) in enumerate(targets.items()):
        page.get_by_role("link", name="New target").first.click()
        if position == 0:
            page.get_by_label("Name of the new program").fill("Language")
            page.get_by_label("Program", exact=True).select_option("new")
        page.get_by_label("Target", exact=True).fill(name)
        page.get_by_label(measure).check()
        page.get_by_role("button", name="Add target").click()
        expect(page.get_by_role("rowheader", name=name)).to_be_visible()


def review_and_cosign(page: Page, check_accessibility: Callable[[Page], None]) -> None:
    page.get_by_role("link", name="Review", exact=True).click()
    check_accessibility(page)
    page.get_by_role("link", name=re.compile("Larkspur")).first.click()
    expect(page.get_by_text("Juniper asked for bubbles")).to_be_visible()
    expect(page.get_by_text("Mands").first).to_be_visible()
    page.get_by_role("button", name="Co-sign the note").click()
    expect(page.get_by_text("Co-signed").first).to_be_visible()


# --- technician ------------------------------------------------------------------------------------------------------


def start_session(page: Page) -> None:
    page.get_by_role("link", name="My day", exact=True).click()
    card = page.locator("section.card").filter(has_text="JL")
    card.get_by_role("button", name="Start session").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("JL")


def record(page: Page) -> None:
    """Ten events: three counts and the undoing of one, a timer's two, four trials."""
    counter, timer, trials = tile(page, "Mands"), tile(page, "On task"), tile(page, "Colors")
    for _ in range(3):
        counter.get_by_role("button", name="Count one Mands").click()
    counter.get_by_role("button", name="Undo").click()
    timer.get_by_role("button", name="Start").click()
    timer.get_by_role("button", name="Stop").click()
    for outcome in ("Correct", "Correct", "Incorrect", "Correct"):
        trials.get_by_role("button", name=outcome, exact=True).click()
    expect(counter.locator("[data-value]")).to_have_text("2")
    expect(trials.locator("[data-value]")).to_contain_text("75")
    # Only when the server has answered for each tap may the session end.
    end = page.get_by_role("link", name="End session").or_(page.get_by_role("button", name="End session"))
    expect(end.first).to_be_enabled()
    page.reload()
    expect(tile(page, "Mands").locator("[data-value]")).to_have_text("2")


def end_session(page: Page) -> None:
    page.get_by_role("link", name="End session").or_(page.get_by_role("button", name="End session")).first.click()
    expect(page.get_by_text("This is what was recorded")).to_be_visible()
    page.get_by_role("button", name="End session").click()


def write_and_sign_note(page: Page) -> None:
    page.get_by_label("Participants").fill("Technician and client; mother nearby.")
    page.get_by_label("Narrative").fill("Juniper asked for bubbles with a full sentence twice; prompts were faded.")
    page.get_by_label("Response and progress").fill("Calm and eager.")
    page.get_by_label("Plan").fill("Go on with colors.")
    page.get_by_role("button", name="Sign the note").click()
    expect(page.get_by_text("waits for an analyst's co-signature")).to_be_visible()


# --- biller and administrator ----------------------------------------------------------------------------------------


def make_claim_and_download(page: Page, folder: Path, check_accessibility: Callable[[Page], None]) -> Path:
    page.get_by_role("link", name="Billing", exact=True).click()
    check_accessibility(page)
    row = page.get_by_role("row").filter(has_text="Larkspur")
    row.get_by_role("button", name=re.compile("Make claim")).click()
    # pyx12 has read the document by then.
    made = page.get_by_role("link", name=re.compile("^Open claim"))
    expect(made).to_be_visible(timeout=20_000)
    made.click()
    check_accessibility(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 837P").click()
    kept = folder / "claim.837"
    download.value.save_as(kept)
    return kept


def read_the_trail(page: Page) -> None:
    page.get_by_role("link", name="Administration", exact=True).click()
    page.get_by_role("link", name="Audit logs").click()
    expect(page.get_by_role("cell", name="EXPORT").first).to_be_visible()


def accepted_by_pyx12(text: str) -> bool:
    """The validator alone, without our own checks around it."""
    return bool(x12n_document(params(), StringIO(text), StringIO(), None, None))


# --- all of them -----------------------------------------------------------------------------------------------------


def sign_in(page: Page, user: User, size: dict[str, int]) -> None:
    """By the form, as a person does."""
    page.context.clear_cookies()
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto("/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(user.full_name).first).to_be_visible()


def sees_only(page: Page, places: list[str]) -> None:
    expect(page.get_by_role("navigation", name="Main").get_by_role("link")).to_have_text(places)


def fill(page: Page, fields: dict[str, str]) -> None:
    for label, value in fields.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)


def press(page: Page, *names: str) -> None:
    page.get_by_role("button", name=re.compile("^(" + "|".join(names) + ")")).click()


def tile(page: Page, name: str) -> Locator:
    return page.locator("[data-capture]").filter(has_text=name)


def another_technician(clinic: Clinic) -> User:
    with clinic.work_as(Role.ADMIN):
        user = User.objects.create(
            organization=clinic.organization,
            email="tess@aspen.example",
            password=password_hash(),
            full_name="Tess Free",
            role=Role.RBT,
        )
        StaffMember.objects.create(organization=clinic.organization, user=user, credential="RBT", npi="1245319599")
    return user


def iso(days: int) -> str:
    return (datetime.now(ZONE).date() + timedelta(days=days)).isoformat()


def around_now() -> tuple[datetime, datetime]:
    """A time of today that has begun and can be started, at whatever hour this runs."""
    now = datetime.now(ZONE).replace(second=0, microsecond=0)
    midnight = now.replace(hour=0, minute=0)
    start = max(now - timedelta(minutes=5), midnight)
    return start, min(start + timedelta(hours=1), midnight + timedelta(hours=23, minutes=59))


def an_hour_passes(superuser_url: str) -> None:
    """The clock cannot be wound on, so the session began an hour earlier."""
    with psycopg.connect(superuser_url) as database:
        database.execute(
            "UPDATE sessions SET start_time = start_time - interval '1 hour' FROM patients p"
            " WHERE p.id = patient_id AND p.last_name = 'Larkspur'"
        )
