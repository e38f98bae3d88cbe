"""The pages of a technician and an analyst: what they show, to whom, and in how many statements."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from sessions.models import Program, Session, SessionNote, Target
from sessions.services import complete_session, record_events, save_note, sign_note
from tests.factories.sessions import (
    Case,
    Json,
    add_provider,
    audited,
    book,
    build_case,
    count,
    put_on_caseload,
    run,
    start_timer,
    trial,
    undo,
)
from tests.support.clinics import client_for, sign_in

Acting = Callable[..., Any]
# BEGIN, COMMIT, the web session, and what the page itself may ask.
MOST_STATEMENTS = 15
TEXTS = {"participants": "Client", "narrative": "Worked.", "response": "Well.", "plan": ""}


@pytest.fixture
def tablet(case: Case) -> Client:
    return sign_in(Client(), case.rbt)


@pytest.fixture
def desk(case: Case) -> Client:
    return sign_in(Client(), case.bcba)


def ended(case: Case, acting: Acting, *, hours_ago: float = 3, note: bool = False) -> Session:
    """A session of an hour that has ended; with its note signed."""
    with acting(case.rbt):
        session = run(case, hours_ago=hours_ago, booked=60)
        record_events(session=session, events=[count(case.counter)], actor=case.rbt)
    with acting(case.rbt):
        at = session.start_time + timedelta(minutes=60)
        session = complete_session(session=session, end=at, actor=case.rbt)
        if note:
            sign_note(note=save_note(session=session, actor=case.rbt, **TEXTS), actor=case.rbt)
    return session


def post_events(client: Client, session: Session, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps({"events": body}).encode()
    return client.post(
        reverse("session_events", args=[session.id]), content, content_type="application/json", headers=headers
    )


def pages(response: Any) -> str:
    """The page's text, however its source is wrapped."""
    return " ".join(response.content.decode().split())


# --- my day -----------------------------------------------------------------------------------------------------------


def test_my_day_shows_ones_own_appointments_with_initials(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        appointment = book(case)
        book(case, timezone.now() - timedelta(hours=12), provider=case.analyst)
    page = pages(tablet.get("/my-day/"))
    assert page.count(reverse("session_start", args=[appointment.id])) == page.count("/start/") == 1
    assert "AB" in page
    assert "Brook" not in page
    assert "Ada" not in page
    with acting(case.rbt):
        assert audited("READ_LIST", "appointment") == 1


def test_an_empty_day_says_so(tablet: Client) -> None:
    assert "Nothing booked for you today" in pages(tablet.get("/my-day/"))


def test_what_is_left_over_from_other_days(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        forgotten = run(case, hours_ago=50)
    unfinished = ended(case, acting, hours_ago=40)
    page = pages(tablet.get("/my-day/"))
    assert reverse("session_capture", args=[forgotten.id]) in page
    assert reverse("session_note", args=[unfinished.id]) in page


def test_start_opens_the_session_and_a_second_tap_the_same(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        appointment = book(case)
    url = reverse("session_start", args=[appointment.id])
    answers = [tablet.post(url) for _ in range(3)]
    with acting(case.rbt):
        session = Session.objects.get(appointment=appointment)
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(303, f"/sessions/{session.id}/")}
    assert tablet.get(answers[0]["Location"]).status_code == 200
    assert "Go on with the session" in pages(tablet.get("/my-day/"))


def test_a_refused_start_is_told_in_words(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        appointment = book(case, timezone.now() + timedelta(hours=30))
    answer = tablet.post(reverse("session_start", args=[appointment.id]), follow=True)
    assert answer.redirect_chain == [("/my-day/", 303)]
    assert "It is too early" in pages(answer)
    with acting(case.rbt):
        row = AuditLog.objects.get(action="START_REFUSED")
        assert (row.resource_id, row.details) == (appointment.id, {"code": "TOO_EARLY"})


# --- capture ----------------------------------------------------------------------------------------------------------


def test_the_session_page_has_a_tile_for_every_target(case: Case, acting: Acting, tablet: Client) -> None:
    taps = [count(case.counter), count(case.counter), count(case.counter)]
    answers = [trial(case.trials, "correct"), trial(case.trials, "prompted")]
    with acting(case.rbt):
        session = run(case)
        start = start_timer(case.timer)
        batch = [*taps, *answers, undo(case.trials, answers[1]), start]
        record_events(session=session, events=batch, actor=case.rbt)
    page = pages(tablet.get(f"/sessions/{session.id}/"))
    assert f'data-events-url="/sessions/{session.id}/events/"' in page
    assert f'data-capture="counter" data-target-id="{case.counter.id}" data-metrics-count="3"' in page
    assert f'data-last-event-id="{answers[0]["id"]}" data-last-outcome="correct"' in page
    assert f'data-metrics-running-event-id="{start["id"]}"' in page
    assert 'data-prompt-level="GESTURAL"' in page
    assert "Communication" in page
    assert "AB" in page
    assert "Brook" not in page
    with acting(case.rbt):
        assert audited("READ", "session", session.id) == 1


def test_a_session_without_targets_can_still_run(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        Target.objects.filter(patient=case.patient).update(is_active=False)
        session = run(case)
    assert "No targets yet" in pages(tablet.get(f"/sessions/{session.id}/"))


def test_a_target_taken_out_of_use_is_shown_while_it_has_data(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        session = run(case)
        record_events(session=session, events=[count(case.counter)], actor=case.rbt)
        Target.objects.filter(patient=case.patient).update(is_active=False)
    page = pages(tablet.get(f"/sessions/{session.id}/"))
    assert page.count("data-capture=") == 1


def test_events_are_answered_one_by_one_with_the_figures(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        session = run(case)
    batch = [count(case.counter), count(case.counter) | {"value": 2}, trial(case.trials, "correct")]
    for _ in range(5):
        answer = post_events(tablet, session, batch)
        assert answer.status_code == 200
        assert answer.json()["results"] == [
            {"id": batch[0]["id"], "status": "ok"},
            {"id": batch[1]["id"], "status": "rejected", "code": "EVENT_INVALID"},
            {"id": batch[2]["id"], "status": "ok"},
        ]
        assert set(answer.json()["metrics"]) == {str(case.counter.id), str(case.trials.id)}
        assert answer.json()["metrics"][str(case.counter.id)]["count"] == 1
        assert answer.json()["metrics"][str(case.trials.id)]["incorrect"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"tap", 400),
        (b"[]", 400),
        (b'{"events": {}}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"events": [' + b",".join([b"1"] * 501) + b"]}", 413),
        (b'{"events": ["' + b"x" * 300_000 + b'"]}', 413),
        (b'{"events": [' + b"9" * 5000 + b"]}", 400),
        (b'{"events": []}', 200),
    ],
)
def test_a_body_that_is_no_batch(case: Case, acting: Acting, tablet: Client, body: bytes, status: int) -> None:
    with acting(case.rbt):
        session = run(case)
    answer = post_events(tablet, session, body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"


def test_signed_out_it_is_told_so_and_not_sent_to_sign_in(case: Case, acting: Acting) -> None:
    with acting(case.rbt):
        session = run(case)
    answer = post_events(Client(), session, [count(case.counter)])
    assert (answer.status_code, answer.json()) == (401, {"code": "SIGNED_OUT"})
    with acting(case.rbt):
        assert not session.events.exists()


# --- end --------------------------------------------------------------------------------------------------------------


def test_the_end_lists_what_was_recorded_and_what_was_not(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        session = run(case)
        record_events(session=session, events=[count(case.counter)], actor=case.rbt)
    page = pages(tablet.get(f"/sessions/{session.id}/end/"))
    assert "1 time" in page
    assert page.count("Nothing recorded") == 2
    answer = tablet.post(f"/sessions/{session.id}/end/", {"form_token": str(uuid.uuid4()), "end_time": ""})
    assert (answer.status_code, answer["Location"]) == (303, f"/sessions/{session.id}/note/")
    again = tablet.post(f"/sessions/{session.id}/end/", {"end_time": ""})
    assert (again.status_code, again["Location"]) == (303, f"/sessions/{session.id}/note/")
    with acting(case.rbt):
        assert Session.objects.get(id=session.id).duration_minutes == 60


def test_a_wrong_end_is_said_beside_the_field(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        session = run(case)
    answer = tablet.post(f"/sessions/{session.id}/end/", {"end_time": "2020-01-01T10:00"})
    assert answer.status_code == 422
    assert "cannot end before it started" in pages(answer)
    assert 'value="2020-01-01T10:00"' in pages(answer)


# --- note -------------------------------------------------------------------------------------------------------------


def test_a_note_is_drafted_and_signed(case: Case, acting: Acting, tablet: Client) -> None:
    session = ended(case, acting)
    url = f"/sessions/{session.id}/note/"
    page = pages(tablet.get(url))
    assert "Data of this session" in page
    assert "1 time · 1.0 per hour" in page
    assert "Sam Behavior technician, RBT" in page  # participants begin with who was there
    assert tablet.post(url, {**TEXTS, "narrative": "Half of it"})["Location"] == url
    version = tablet.get(url).context["form"].initial["version"]
    answer = tablet.post(f"{url}sign/", {**TEXTS, "version": version})
    assert (answer.status_code, answer["Location"]) == (303, "/my-day/")
    signed = pages(tablet.get(url))
    assert "<textarea" not in signed
    assert "Signed by" in signed
    assert "waits for an analyst" in signed
    with acting(case.rbt):
        assert SessionNote.objects.get(session=session).status == "SIGNED"


def test_signing_says_what_is_missing_and_keeps_what_was_typed(case: Case, acting: Acting, tablet: Client) -> None:
    session = ended(case, acting)
    answer = tablet.post(f"/sessions/{session.id}/note/sign/", {**TEXTS, "narrative": "", "plan": "Kept as typed"})
    assert answer.status_code == 422
    assert "Needed before the note can be signed." in pages(answer)
    assert "Kept as typed" in pages(answer)
    with acting(case.rbt):
        assert not SessionNote.objects.filter(session=session).exists()


def test_a_stale_tab_gets_a_conflict_that_loses_no_text(case: Case, acting: Acting, tablet: Client) -> None:
    session = ended(case, acting)
    url = f"/sessions/{session.id}/note/"
    tablet.post(url, {**TEXTS, "narrative": "From the first tab"})
    answer = tablet.post(url, {**TEXTS, "narrative": "From the second tab", "version": ""})
    assert answer.status_code == 409
    assert "From the first tab" in pages(answer)
    assert "From the second tab" in pages(answer)
    with acting(case.rbt):
        assert SessionNote.objects.get(session=session).narrative == "From the first tab"


def test_a_damaged_version_is_no_error_of_ours(case: Case, acting: Acting, tablet: Client) -> None:
    session = ended(case, acting)
    assert tablet.post(f"/sessions/{session.id}/note/", {**TEXTS, "version": "x"}).status_code == 422


def test_running_and_ended_sessions_have_their_own_page(case: Case, acting: Acting, tablet: Client) -> None:
    with acting(case.rbt):
        session = run(case)
    assert tablet.get(f"/sessions/{session.id}/note/")["Location"] == f"/sessions/{session.id}/"
    over = ended(case, acting)
    for page in ("", "end/"):
        assert tablet.get(f"/sessions/{over.id}/{page}")["Location"] == f"/sessions/{over.id}/note/"


# --- review -----------------------------------------------------------------------------------------------------------


def test_an_analyst_follows_the_sessions_of_today(case: Case, acting: Acting, desk: Client) -> None:
    with acting(case.rbt):
        session = run(case, since=5)
        record_events(session=session, events=[count(case.counter)], actor=case.rbt)
    answer = desk.get("/review/")
    page = pages(answer)
    assert "Brook, Ada" in page
    assert "Requests: 1 time" in page
    shown = answer.context["shown"]
    poll = {"path": "/review/", "data": {"shown": shown}, "headers": {"HX-Request": "true"}}
    assert desk.get(**poll).status_code == 204
    with acting(case.rbt):
        record_events(session=session, events=[count(case.counter)], actor=case.rbt)
    news = desk.get(**poll)
    assert "Requests: 2 times" in pages(news)
    assert "<html" not in pages(news)
    with acting(case.rbt):
        assert audited("READ_LIST", "session") == 1  # the opened page, not its polls


def test_a_poll_that_was_not_shown_a_page_is_an_opened_page(case: Case, acting: Acting, desk: Client) -> None:
    for shown in ("", "made up", "a:b:c"):
        answer = desk.get("/review/", {"shown": shown}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
    other = client_for(Role.BCBA, case.clinic).get("/review/").context["shown"]
    desk.get("/review/", {"shown": other}, headers={"HX-Request": "true"})
    with acting(case.bcba):
        assert AuditLog.objects.filter(action="READ_LIST", user_id=case.bcba.id).count() == 4


def test_an_analyst_cosigns(case: Case, acting: Acting, desk: Client) -> None:
    session = ended(case, acting, note=True)
    assert reverse("session_review", args=[session.id]) in pages(desk.get("/review/"))
    page = pages(desk.get(f"/sessions/{session.id}/review/"))
    assert "Worked." in page
    assert "Co-sign the note" in page
    for _ in range(2):
        assert desk.post(f"/sessions/{session.id}/cosign/")["Location"] == "/review/"
    page = pages(desk.get(f"/sessions/{session.id}/review/"))
    assert "Co-sign the note" not in page
    assert page.count("Signed by") == 2
    assert "No notes are waiting" in pages(desk.get("/review/"))


def test_a_refused_cosignature_is_told_in_words(case: Case, acting: Acting, desk: Client) -> None:
    session = ended(case, acting)
    with acting(case.rbt):
        save_note(session=session, actor=case.rbt, **TEXTS)
    answer = desk.post(f"/sessions/{session.id}/cosign/", follow=True)
    assert "not signed yet" in pages(answer)
    assert "Worked." not in pages(answer)  # a draft is its writer's


# --- programs ---------------------------------------------------------------------------------------------------------


def test_a_caseload_and_its_programs(case: Case, desk: Client) -> None:
    assert f"/clients/{case.patient.id}/programs/" in pages(desk.get("/caseload/"))
    page = pages(desk.get(f"/clients/{case.patient.id}/programs/"))
    for words in ("Communication", "Requests", "Frequency (count)", "Baseline"):
        assert words in page


def test_a_target_is_added_to_a_program_or_with_a_new_one(case: Case, acting: Acting, desk: Client) -> None:
    url = f"/clients/{case.patient.id}/targets/new/"
    assert desk.get(url).status_code == 200
    form: Json = {"name": "Points", "measure": "FREQUENCY", "phase": "BASELINE", "form_token": str(uuid.uuid4())}
    for _ in range(3):
        answer = desk.post(url, {**form, "program": str(case.program.id)})
        assert answer["Location"] == f"/clients/{case.patient.id}/programs/"
    new = {**form, "form_token": str(uuid.uuid4()), "program": "new"}
    answer = desk.post(url, new)
    assert answer.status_code == 422
    assert "Enter the name of the new program." in pages(answer)
    desk.post(url, {**new, "new_program": "Play"})
    with acting(case.bcba):
        added = Target.objects.filter(patient=case.patient, name="Points").order_by("position")
        assert [(target.program.name, target.position) for target in added] == [("Communication", 3), ("Play", 4)]
    repeated = desk.post(url, {**form, "form_token": str(uuid.uuid4()), "program": str(case.program.id)})
    assert "active target of that name" in pages(repeated)


# --- who sees what ----------------------------------------------------------------------------------------------------

SESSION_PAGES = [
    ("get", "session_capture"),
    ("post", "session_events"),
    ("get", "session_end"),
    ("post", "session_end"),
    ("get", "session_note"),
    ("post", "session_note"),
    ("post", "session_note_sign"),
    ("get", "session_review"),
    ("post", "session_cosign"),
]


def refused_alike(client: Client, method: str, name: str, ids: list[uuid.UUID]) -> None:
    """Every one is the same 404, byte for byte, as an id that never existed."""
    answers = [getattr(client, method)(reverse(name, args=[one])) for one in [*ids, uuid.uuid4()]]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(("method", "name"), SESSION_PAGES)
def test_other_peoples_sessions_are_not_there(
    case: Case, acting: Acting, clinic_b: Any, method: str, name: str
) -> None:
    theirs = build_case(clinic_b)
    with theirs.clinic.work_as(Role.ADMIN):
        elsewhere = run(theirs)
    with acting(case.rbt):
        session = run(case)
        other, stranger = add_provider(case.clinic, Role.RBT), add_provider(case.clinic, Role.BCBA)
        put_on_caseload(case.patient, other)  # the caseload does not open a colleague's session to a technician
    ids = [session.id, elsewhere.id]
    if name in ("session_review", "session_cosign"):
        refused_alike(sign_in(Client(), stranger.user), method, name, ids)
        refused_alike(sign_in(Client(), case.bcba), method, name, [elsewhere.id])
    else:
        refused_alike(sign_in(Client(), other.user), method, name, ids)
        refused_alike(sign_in(Client(), stranger.user), method, name, ids)


def test_other_peoples_appointments_are_not_started(case: Case, acting: Acting, clinic_b: Any) -> None:
    with acting(case.rbt):
        appointment = book(case)
    refused_alike(sign_in(Client(), case.bcba), "post", "session_start", [appointment.id, clinic_b.appointment.id])


@pytest.mark.parametrize(("method", "name"), [("get", "program_list"), ("get", "target_new"), ("post", "target_new")])
def test_clients_off_the_caseload_are_not_there(
    case: Case, acting: Acting, clinic_b: Any, method: str, name: str
) -> None:
    with acting(case.bcba):
        former = add_provider(case.clinic, Role.BCBA)
        put_on_caseload(case.patient, former, ended=True)
    ids = [case.patient.id, case.clinic.other_client.id, clinic_b.client.id]
    refused_alike(sign_in(Client(), former.user), method, name, ids)
    refused_alike(sign_in(Client(), case.bcba), method, name, ids[1:])


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.BILLER, Role.ADMIN])
def test_other_roles_are_refused(case: Case, role: Role) -> None:
    client = client_for(role, case.clinic)
    for path in ("/my-day/", "/review/", "/caseload/", f"/sessions/{case.clinic.running.id}/"):
        assert client.get(path).status_code == 403


def test_technicians_do_not_review(case: Case, tablet: Client) -> None:
    for path in ("/review/", "/caseload/", f"/clients/{case.patient.id}/programs/"):
        assert tablet.get(path).status_code == 403


# --- statements -------------------------------------------------------------------------------------------------------


def grow(case: Case, acting: Acting) -> None:
    """Ten times as much of everything that a page might loop over."""
    with acting(case.bcba):
        for number in range(10):
            program = Program.objects.create(
                organization_id=case.organization_id, patient=case.patient, name=f"Program {number}"
            )
            Target.objects.create(
                organization_id=case.organization_id,
                patient=case.patient,
                program=program,
                name=f"Target {number}",
                measure="FREQUENCY",
                position=number + 10,
            )
    for number in range(8):
        ended(case, acting, hours_ago=1.1 * (number + 4), note=number % 2 == 0)
    with acting(case.rbt):
        session = Session.objects.get(patient=case.patient, status="IN_PROGRESS")
        targets = Target.objects.filter(patient=case.patient, measure="FREQUENCY")
        record_events(session=session, events=[count(target) for target in targets], actor=case.rbt)


def test_no_page_grows_with_its_rows(case: Case, acting: Acting, tablet: Client, desk: Client, statements: Any) -> None:
    with acting(case.rbt):
        running = run(case, since=10, booked=30)
        record_events(session=running, events=[count(case.counter)], actor=case.rbt)
    note = ended(case, acting, hours_ago=2.5, note=True)
    addresses = [
        *((tablet, path) for path in ("/", "/my-day/", f"/sessions/{running.id}/", f"/sessions/{running.id}/end/")),
        (tablet, f"/sessions/{note.id}/note/"),
        *((desk, path) for path in ("/", "/review/", "/caseload/", f"/sessions/{note.id}/review/")),
        (desk, f"/clients/{case.patient.id}/programs/"),
        (desk, f"/clients/{case.patient.id}/targets/new/"),
    ]

    def asked(client: Client, path: str) -> int:
        answers: list[Any] = []
        number = len(statements(lambda: answers.append(client.get(path))))
        assert answers[0].status_code == 200, path
        return number

    before = {path: asked(client, path) for client, path in addresses}
    grow(case, acting)
    after = {path: asked(client, path) for client, path in addresses}
    assert after == before
    assert max(after.values()) + 2 <= MOST_STATEMENTS  # BEGIN and COMMIT are not executed as statements here
    print(after)
