"""The note of one's own session: written, then signed."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.htmx import invalid_form, redirect
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from sessions import selectors, services
from sessions.exceptions import NoteChanged, NoteIncomplete, SessionRefused
from sessions.forms import NoteForm
from sessions.models import Session, SessionNote
from sessions.permissions import needs_cosignature, own_sessions

PAGE = "sessions/session_note.html"


@requires(Permission.DELIVER_SESSIONS)
@require_http_methods(["GET", "POST"])
def session_note(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The note as a draft to write, or as it was signed."""
    session = _own_session(request, session_id)
    if session.status == Session.Status.IN_PROGRESS:
        return redirect(request, "session_capture", session.id)
    if request.method == "POST":
        return _write(request, session, NoteForm(request.POST), sign=False)
    audit.record(action="READ", resource_type="session", resource_id=session.id, details={"page": "session_note"})
    form = NoteForm.of(_note_of(session), _participants(session))
    return render(request, PAGE, _page(session, form))


@requires(Permission.DELIVER_SESSIONS)
@require_POST
def session_note_sign(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Saves what is on the page and signs exactly that."""
    session = _own_session(request, session_id)
    return _write(request, session, NoteForm(request.POST), sign=True)


def _write(request: HttpRequest, session: Session, form: NoteForm, *, sign: bool) -> HttpResponse:
    if form.is_valid():
        try:
            with transaction.atomic():  # what cannot be signed is not half saved either
                return once(request, lambda: _save(request, session, form, sign=sign))
        except NoteIncomplete as incomplete:
            form.add_missing(incomplete.fields)
        except SessionRefused as refused:
            form.add_error(None, refused.message)
        except NoteChanged as changed:
            conflict = {
                "rows": form.differences(changed.current),
                "back_url": reverse("session_note", args=[session.id]),
            }
            return render(request, "errors/409.html", conflict, status=409)
    return invalid_form(request, PAGE, _page(session, form))


def _save(request: HttpRequest, session: Session, form: NoteForm, *, sign: bool) -> str:
    actor = viewer(request)
    texts = form.values
    note = services.save_note(session=session, version=form.cleaned_data["version"], actor=actor, **texts)
    if not sign:
        messages.success(request, "The draft was saved.")
        return reverse("session_note", args=[session.id])
    services.sign_note(note=note, actor=actor)
    waits = " It now waits for an analyst's co-signature." if needs_cosignature(session) else ""
    messages.success(request, f"The note was signed.{waits}")
    return reverse("my_day")


def _own_session(request: HttpRequest, session_id: UUID) -> Session:
    return get_object_or_404(own_sessions(viewer(request)).for_display(), id=session_id)


def _note_of(session: Session) -> SessionNote | None:
    return getattr(session, "note", None)


def _participants(session: Session) -> str:
    provider = session.provider
    return f"Client; {provider.user.full_name}, {provider.credential}" if provider else "Client"


def _page(session: Session, form: NoteForm) -> dict[str, object]:
    note = _note_of(session)
    is_draft = note is None or note.status == SessionNote.Status.DRAFT
    return {
        "session": session,
        "note": note,
        "form": form if is_draft else None,
        "programs": selectors.session_data(session),
        "signatures": [] if is_draft else selectors.signatures_of(note),
        "waits_for_cosignature": note is not None
        and note.status == SessionNote.Status.SIGNED
        and needs_cosignature(session),
    }
