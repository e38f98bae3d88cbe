"""The note of a session: written, signed, co-signed. What was signed stays as it was signed."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from clinic.models import StaffMember, User
from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy import context
from omnirapeutic.web.permissions import Permission
from sessions.exceptions import NoteChanged, NoteIncomplete, SessionRefused
from sessions.models import NoteSignature, Session, SessionNote
from sessions.permissions import caseload, needs_cosignature, staff_member_id_of

TEXTS = ("participants", "narrative", "response", "plan")
NEEDED_TO_SIGN = ("participants", "narrative", "response")
ENDED = (Session.Status.COMPLETED, Session.Status.REQUIRES_REVIEW)
ANALYSTS = frozenset({StaffMember.Credential.BCBA.value, StaffMember.Credential.BCBA_D.value})


@transaction.atomic
def save_note(
    *,
    session: Session,
    participants: str = "",
    narrative: str = "",
    response: str = "",
    plan: str = "",
    version: datetime | None = None,
    actor: User,
) -> SessionNote:
    """Keeps the draft of the actor's own session.

    `version` is the `updated_at` of the note the writer had before them, None when there was none. Raises
    `NoteChanged` when the note moved on since and says something else now; `SessionRefused` once it is signed.
    """
    session = Session.objects.select_for_update(no_key=True).get(id=session.id)
    _require_renderer(session, actor)
    if session.status == Session.Status.CANCELLED:
        raise SessionRefused("SESSION_CANCELLED")
    texts = {"participants": participants, "narrative": narrative, "response": response, "plan": plan}
    note = SessionNote.objects.filter(session=session).first()
    if note is not None and note.updated_at != version and _texts(note) != texts:
        raise NoteChanged(note)
    if note is not None and note.status != SessionNote.Status.DRAFT:
        if _texts(note) == texts:
            return note
        raise SessionRefused("NOTE_SIGNED")
    action = "UPDATE" if note else "CREATE"
    note = note or SessionNote(organization_id=context.required().organization_id, session=session)
    for name, text in texts.items():
        setattr(note, name, text)
    note.save()
    audit.record(action=action, resource_type="session_note", resource_id=note.id)
    return note


@transaction.atomic
def sign_note(*, note: SessionNote, actor: User) -> SessionNote:
    """Signs the note of the actor's own, ended session: from here on its text never changes.

    The signature carries the hash of what was signed. Signed before, the note is returned as it is. Raises
    `NoteIncomplete` and `SessionRefused`.
    """
    note = _locked(note)
    _require_renderer(note.session, actor)
    if note.status != SessionNote.Status.DRAFT:
        return note
    if note.session.status not in ENDED:
        raise SessionRefused("SESSION_RUNNING")
    missing = [name for name in NEEDED_TO_SIGN if not getattr(note, name).strip()]
    if missing:
        raise NoteIncomplete(missing)
    note.content_sha256 = content_sha256(note)
    note.status = SessionNote.Status.SIGNED
    note.save(update_fields=["content_sha256", "status", "updated_at"])
    _sign(note, NoteSignature.SignerRole.RENDERING, actor)
    audit.record(action="SIGN", resource_type="session_note", resource_id=note.id)
    return note


@transaction.atomic
def cosign_note(*, note: SessionNote, actor: User) -> SessionNote:
    """Co-signs a technician's signed note as the analyst of the client; it is then locked.

    Co-signed by the same person before, the note is returned as it is. Raises `SessionRefused`, also when the note is
    no longer what was signed.
    """
    note = _locked(note)
    _require_cosigner(note, actor)
    if note.status == SessionNote.Status.LOCKED:
        return _cosigned_before(note, actor)
    if note.status != SessionNote.Status.SIGNED:
        raise SessionRefused("NOTE_NOT_SIGNED")
    if is_altered(note):
        raise SessionRefused("NOTE_ALTERED")
    note.status = SessionNote.Status.LOCKED
    note.save(update_fields=["status", "updated_at"])
    _sign(note, NoteSignature.SignerRole.SUPERVISING, actor)
    audit.record(action="COSIGN", resource_type="session_note", resource_id=note.id)
    return note


def is_altered(note: SessionNote) -> bool:
    """Whether the note or the facts of its session are no longer what was signed."""
    return note.content_sha256 != content_sha256(note)


def content_sha256(note: SessionNote) -> str:
    """SHA-256 of what a signature covers, in hexadecimal: the note's texts and the facts of its session.

    Over canonical JSON (sorted keys, no blanks, UTF-8), so that anybody can compute it again from the record.
    """
    content = json.dumps(signed_content(note), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def signed_content(note: SessionNote) -> dict[str, Any]:
    """What a signature covers. Units are left out: a supervisor may still decide about them."""
    session = note.session
    return {
        "note": _texts(note),
        "session": {
            "id": str(session.id),
            "organization_id": str(session.organization_id),
            "patient_id": str(session.patient_id),
            "provider_id": str(session.provider_id),
            "service_code": session.service_code,
            "service_date": str(session.service_date),
            "start_time": _utc(session.start_time),
            "end_time": _utc(session.end_time),
            "duration_minutes": session.duration_minutes,
            "location": session.location,
            "data": session.latest_metrics or {},
        },
    }


def _utc(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(timezone.get_fixed_timezone(0)).isoformat()


def _texts(note: SessionNote) -> dict[str, str]:
    return {name: getattr(note, name) for name in TEXTS}


def _locked(note: SessionNote) -> SessionNote:
    return (
        SessionNote.objects.select_for_update(of=("self",), no_key=True)
        .select_related("session__provider")
        .get(id=note.id)
    )


def _require_renderer(session: Session, actor: User) -> None:
    if session.provider_id is None or session.provider_id != staff_member_id_of(actor):
        raise SessionRefused("NOT_OWN_SESSION")


def _require_cosigner(note: SessionNote, actor: User) -> None:
    session = note.session
    signer_id = staff_member_id_of(actor)
    if session.provider_id == signer_id:
        raise SessionRefused("COSIGNER_IS_RENDERER")
    if not needs_cosignature(session):
        raise SessionRefused("COSIGNATURE_NOT_NEEDED")
    signer = StaffMember.objects.filter(id=signer_id, is_active=True).first() if signer_id else None
    if signer is None or signer.credential not in ANALYSTS or not actor.can(Permission.REVIEW_SESSIONS):
        raise SessionRefused("COSIGNER_NOT_ANALYST")
    if not caseload(actor).filter(id=session.patient_id).exists():
        raise SessionRefused("NOT_ON_CASELOAD")


def _cosigned_before(note: SessionNote, actor: User) -> SessionNote:
    mine = note.signatures.filter(
        signer_role=NoteSignature.SignerRole.SUPERVISING, staff_member_id=staff_member_id_of(actor)
    )
    if not mine.exists():
        raise SessionRefused("COSIGNED_BY_OTHER")
    return note


def _sign(note: SessionNote, role: NoteSignature.SignerRole, actor: User) -> None:
    signer_id = staff_member_id_of(actor)
    if signer_id is None or note.content_sha256 is None:
        raise SessionRefused("NOT_OWN_SESSION")
    NoteSignature.objects.create(
        organization_id=note.organization_id,
        note=note,
        staff_member_id=signer_id,
        signer_role=role,
        content_sha256=note.content_sha256,
    )
