"""The page on which a session is recorded, what its script sends, and its end."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.htmx import invalid_form, redirect
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from sessions import selectors, services
from sessions.exceptions import SessionRefused
from sessions.forms import EndForm
from sessions.models import Session
from sessions.permissions import own_sessions
from sessions.services.recording import MAX_EVENTS

MAX_BODY = 256 * 1024


@requires(Permission.DELIVER_SESSIONS)
@require_safe
def session_capture(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The tiles of a running session; an ended one leads to its note."""
    session = _own_session(request, session_id)
    if session.status != Session.Status.IN_PROGRESS:
        return redirect(request, "session_note", session.id)
    audit.record(action="READ", resource_type="session", resource_id=session.id)
    programs = selectors.session_data(session, for_capture=True)
    return render(request, "sessions/session_capture.html", {"session": session, "programs": programs})


@requires(Permission.DELIVER_SESSIONS, json=True)
@require_POST
def session_events(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Records a batch: {"events": […]} → {"results": [{id, status, code?}], "metrics": {target: …}}.

    400 for a body that is no such batch, 413 for one that is too large; the sender then halves it.
    """
    session = get_object_or_404(own_sessions(viewer(request)), id=session_id)
    if len(request.body) > MAX_BODY:
        return JsonResponse({"code": "TOO_LARGE"}, status=413)
    events = _events_of(request.body)
    if events is None:
        return JsonResponse({"code": "NOT_A_BATCH"}, status=400)
    if len(events) > MAX_EVENTS:
        return JsonResponse({"code": "TOO_LARGE"}, status=413)
    results = services.record_events(session=session, events=events, actor=viewer(request))
    answer = {
        "results": [result.as_json() for result in results],
        "metrics": selectors.metrics_answer(session),
    }
    return JsonResponse(answer)


@requires(Permission.DELIVER_SESSIONS)
@require_http_methods(["GET", "POST"])
def session_end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """What was recorded and what was not, then the end of the session."""
    session = _own_session(request, session_id)
    if session.status != Session.Status.IN_PROGRESS:
        return redirect(request, "session_note", session.id)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return once(request, lambda: _end(request, session, form))
        except SessionRefused as refused:
            form.add_error("end_time", refused.message)
    page = {"session": session, "programs": selectors.session_data(session), "form": form}
    if request.method == "POST":
        return invalid_form(request, "sessions/session_end.html", page)
    audit.record(action="READ", resource_type="session", resource_id=session.id, details={"page": "session_end"})
    return render(request, "sessions/session_end.html", page)


def _end(request: HttpRequest, session: Session, form: EndForm) -> str:
    ended = services.complete_session(session=session, end=form.cleaned_data["end_time"], actor=viewer(request))
    if ended.excess_units:
        messages.warning(
            request,
            "The session has ended. It used more units than the authorization holds: it needs a review before billing.",
        )
    else:
        messages.success(request, "The session has ended. Write its note now, while it is fresh.")
    return reverse("session_note", args=[ended.id])


def _own_session(request: HttpRequest, session_id: UUID) -> Session:
    return get_object_or_404(own_sessions(viewer(request)).for_display(), id=session_id)


def _events_of(body: bytes) -> list[Any] | None:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    events = given.get("events") if isinstance(given, dict) else None
    return events if isinstance(events, list) else None
