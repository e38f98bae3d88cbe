"""Notes: drafts nobody overwrites unseen, a signature over exactly what was signed, the analyst's co-signature."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.utils import DatabaseError

from clinic.models import CaseloadAssignment, StaffMember
from omnirapeutic.web.permissions import Role
from sessions.exceptions import NoteChanged, NoteIncomplete, SessionRefused
from sessions.models import NoteSignature, Session, SessionNote
from sessions.services import complete_session, cosign_note, record_events, save_note, sign_note
from sessions.services.notes import content_sha256
from tests.factories.sessions import Case, add_provider, audited, count, put_on_caseload, run

Acting = Callable[..., Any]
TEXTS = {
    "participants": "Client; technician",
    "narrative": "Worked on requests.",
    "response": "Asked four times.",
    "plan": "Go on.",
}


@pytest.fixture
def session(case: Case, acting: Acting) -> Session:
    with acting(case.rbt):
        running = run(case)
        record_events(session=running, events=[count(case.counter)], actor=case.rbt)
    with acting(case.rbt):
        return complete_session(session=running, actor=case.rbt)


@pytest.fixture
def draft(case: Case, acting: Acting, session: Session) -> SessionNote:
    with acting(case.rbt):
        return save_note(session=session, actor=case.rbt, **TEXTS)


@pytest.fixture
def signed(case: Case, acting: Acting, draft: SessionNote) -> SessionNote:
    with acting(case.rbt):
        return sign_note(note=draft, actor=case.rbt)


def refusal(code: str, acting: Acting, user: Any, work: Callable[[], Any]) -> None:
    with pytest.raises(SessionRefused) as refused, acting(user):
        work()
    assert refused.value.code == code
    assert refused.value.message


# --- drafts ---------------------------------------------------------------------------------------------------------


def test_a_draft_is_kept_and_changed(case: Case, acting: Acting, session: Session, draft: SessionNote) -> None:
    with acting(case.rbt):
        save_note(session=session, version=draft.updated_at, actor=case.rbt, **TEXTS | {"plan": "Something else."})
    with acting(case.rbt):
        note = SessionNote.objects.get(session=session)
        assert (note.id, note.plan, note.status) == (draft.id, "Something else.", "DRAFT")
        assert audited("CREATE", "session_note", note.id) == audited("UPDATE", "session_note", note.id) == 1


def test_a_stale_edit_overwrites_nothing(case: Case, acting: Acting, session: Session, draft: SessionNote) -> None:
    with acting(case.rbt):
        newer = save_note(session=session, version=draft.updated_at, actor=case.rbt, **TEXTS | {"plan": "Newer."})
    for version in (draft.updated_at, None):
        with pytest.raises(NoteChanged) as changed, acting(case.rbt):
            save_note(session=session, version=version, actor=case.rbt, **TEXTS | {"plan": "Older."})
        assert changed.value.current.plan == "Newer."
    with acting(case.rbt):
        assert SessionNote.objects.get(session=session).updated_at == newer.updated_at


def test_saved_twice_the_same_is_no_conflict(case: Case, acting: Acting, session: Session, draft: SessionNote) -> None:
    with acting(case.rbt):
        assert save_note(session=session, version=None, actor=case.rbt, **TEXTS).id == draft.id


@pytest.mark.concurrency
def test_two_first_drafts_at_once(case: Case, acting: Acting, session: Session, at_once: Any) -> None:
    def write(plan: str) -> Callable[[], str]:
        def work() -> str:
            try:
                return save_note(session=session, actor=case.rbt, **TEXTS | {"plan": plan}).plan
            except NoteChanged:
                return "conflict"

        return work

    answers = at_once(write("one"), write("two"))
    assert sorted(answers) in (["conflict", "one"], ["conflict", "two"])


def test_only_the_provider_writes(case: Case, acting: Acting, session: Session) -> None:
    refusal("NOT_OWN_SESSION", acting, case.bcba, lambda: save_note(session=session, actor=case.bcba, **TEXTS))


# --- signing --------------------------------------------------------------------------------------------------------


def test_signed_over_text_and_facts(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.rbt):
        note = SessionNote.objects.select_related("session").get(id=signed.id)
        signature = NoteSignature.objects.get(note=note)
        assert note.status == "SIGNED"
        assert note.content_sha256 == signature.content_sha256 == content_sha256(note)
        assert (signature.signer_role, signature.staff_member_id) == ("RENDERING", case.technician.id)
        assert audited("SIGN", "session_note", note.id) == 1
        for change in ({"narrative": "Other."}, {"plan": ""}):
            altered = SessionNote(session=note.session, **TEXTS | change)
            assert content_sha256(altered) != note.content_sha256
        note.session.duration_minutes = 59
        assert content_sha256(note) != note.content_sha256


def test_signed_five_times_there_is_one_signature(case: Case, acting: Acting, signed: SessionNote) -> None:
    for _ in range(5):
        with acting(case.rbt):
            assert sign_note(note=signed, actor=case.rbt).content_sha256 == signed.content_sha256
    with acting(case.rbt):
        assert NoteSignature.objects.filter(note=signed).count() == 1


@pytest.mark.parametrize("field", ["participants", "narrative", "response"])
def test_parts_that_a_signature_needs(case: Case, acting: Acting, session: Session, field: str) -> None:
    with acting(case.rbt):
        note = save_note(session=session, actor=case.rbt, **TEXTS | {field: "  "})
    with pytest.raises(NoteIncomplete) as incomplete, acting(case.rbt):
        sign_note(note=note, actor=case.rbt)
    assert incomplete.value.fields == [field]


def test_not_while_the_session_runs(case: Case, acting: Acting) -> None:
    with acting(case.rbt):
        note = save_note(session=run(case, since=20), actor=case.rbt, **TEXTS)
    refusal("SESSION_RUNNING", acting, case.rbt, lambda: sign_note(note=note, actor=case.rbt))


def test_nobody_else_signs(case: Case, acting: Acting, draft: SessionNote) -> None:
    refusal("NOT_OWN_SESSION", acting, case.bcba, lambda: sign_note(note=draft, actor=case.bcba))


def test_what_was_signed_stays(case: Case, acting: Acting, session: Session, signed: SessionNote) -> None:
    changed = TEXTS | {"narrative": "Other."}
    with pytest.raises(NoteChanged), acting(case.rbt):
        save_note(session=session, version=None, actor=case.rbt, **changed)
    refusal(
        "NOTE_SIGNED",
        acting,
        case.rbt,
        lambda: save_note(session=session, version=signed.updated_at, actor=case.rbt, **changed),
    )
    for change in ({"narrative": "Other."}, {"status": "DRAFT"}, {"content_sha256": "0" * 64}):
        with pytest.raises(IntegrityError), acting(case.rbt):
            SessionNote.objects.filter(id=signed.id).update(**change)
    with pytest.raises(DatabaseError), acting(case.rbt):
        NoteSignature.objects.filter(note=signed).delete()


# --- co-signing -----------------------------------------------------------------------------------------------------


def test_the_analyst_of_the_client_cosigns(case: Case, acting: Acting, signed: SessionNote) -> None:
    for _ in range(5):
        with acting(case.bcba):
            cosign_note(note=signed, actor=case.bcba)
    with acting(case.bcba):
        assert SessionNote.objects.get(id=signed.id).status == "LOCKED"
        signature = NoteSignature.objects.get(note=signed, signer_role="SUPERVISING")
        assert (signature.staff_member_id, signature.content_sha256) == (case.analyst.id, signed.content_sha256)
        assert audited("COSIGN", "session_note", signed.id) == 1


def test_not_before_it_is_signed(case: Case, acting: Acting, draft: SessionNote) -> None:
    refusal("NOTE_NOT_SIGNED", acting, case.bcba, lambda: cosign_note(note=draft, actor=case.bcba))


def test_not_by_who_rendered_it(case: Case, acting: Acting, signed: SessionNote) -> None:
    refusal("COSIGNER_IS_RENDERER", acting, case.rbt, lambda: cosign_note(note=signed, actor=case.rbt))


def test_not_by_a_technician(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.rbt):
        other = add_provider(case.clinic, Role.RBT)
        put_on_caseload(case.patient, other)
    refusal("COSIGNER_NOT_ANALYST", acting, other.user, lambda: cosign_note(note=signed, actor=other.user))


def test_not_off_the_caseload(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.bcba):
        stranger, former = add_provider(case.clinic, Role.BCBA), add_provider(case.clinic, Role.BCBA)
        put_on_caseload(case.patient, former, ended=True)
    for analyst in (stranger, former):
        refusal("NOT_ON_CASELOAD", acting, analyst.user, lambda who=analyst: cosign_note(note=signed, actor=who.user))


def test_not_a_second_time_by_another(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.bcba):
        cosign_note(note=signed, actor=case.bcba)
        other = add_provider(case.clinic, Role.BCBA)
        put_on_caseload(case.patient, other)
    refusal("COSIGNED_BY_OTHER", acting, other.user, lambda: cosign_note(note=signed, actor=other.user))


def test_an_analysts_own_note_needs_none(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.bcba):
        StaffMember.objects.filter(id=case.technician.id).update(credential="BCBA")
    refusal("COSIGNATURE_NOT_NEEDED", acting, case.bcba, lambda: cosign_note(note=signed, actor=case.bcba))


def test_not_when_it_is_no_longer_what_was_signed(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.bcba):
        Session.objects.filter(id=signed.session_id).update(duration_minutes=59)
    refusal("NOTE_ALTERED", acting, case.bcba, lambda: cosign_note(note=signed, actor=case.bcba))


def test_the_hash_is_of_plain_canonical_json(case: Case, acting: Acting, signed: SessionNote) -> None:
    """Anybody can compute it again: sorted keys, no blanks, UTF-8."""
    with acting(case.rbt):
        note = SessionNote.objects.select_related("session").get(id=signed.id)
        one = note.session
        target = str(case.counter.id)
    utc = one.start_time.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    assert one.end_time is not None
    end = one.end_time.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    content = (
        '{"note":{"narrative":"Worked on requests.","participants":"Client; technician","plan":"Go on.",'
        '"response":"Asked four times."},"session":{"data":{"' + target + '":{"count":1}},'
        f'"duration_minutes":60,"end_time":"{end}","id":"{one.id}","location":"HOME",'
        f'"organization_id":"{one.organization_id}","patient_id":"{one.patient_id}","provider_id":"{one.provider_id}",'
        f'"service_code":"97153","service_date":"{one.service_date}","start_time":"{utc}"}}}}'
    )
    assert hashlib.sha256(content.encode()).hexdigest() == note.content_sha256


def test_a_caseload_ends_on_its_day(case: Case, acting: Acting, signed: SessionNote) -> None:
    with acting(case.bcba):
        CaseloadAssignment.objects.filter(staff_member=case.analyst).update(ends_on=case.today - timedelta(days=1))
    refusal("NOT_ON_CASELOAD", acting, case.bcba, lambda: cosign_note(note=signed, actor=case.bcba))
    with acting(case.bcba):
        CaseloadAssignment.objects.filter(staff_member=case.analyst).update(ends_on=case.today + timedelta(days=1))
    with acting(case.bcba):
        assert cosign_note(note=signed, actor=case.bcba).status == "LOCKED"
