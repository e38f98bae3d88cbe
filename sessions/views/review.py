"""An analyst follows today's sessions, reads their notes and co-signs them."""

from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from clinic.models import User
from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.htmx import redirect, wants_fragment
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from sessions import selectors, services
from sessions.exceptions import SessionRefused
from sessions.permissions import may_cosign, reviewable_sessions
from sessions.selectors import Review

SHOWN = signing.TimestampSigner(salt="sessions.review")
SHOWN_FOR = 12 * 60 * 60


@requires(Permission.REVIEW_SESSIONS)
@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """Today's sessions of the caseload with their figures, and the notes that wait for a co-signature.

    The opened page is audited; it then asks for news by what it was shown (204 when there are none), and only such a
    question is not audited again.
    """
    user = viewer(request)
    today = selectors.review_today(user)
    shown = _version_shown(user, request.GET.get("shown", "")) if wants_fragment(request) else None
    if shown == today.version:
        return HttpResponse(status=204)
    page = {"review": today, "shown": SHOWN.sign(_signed(user, today))}
    if shown is not None:
        return render(request, "sessions/review.html#today", page)
    audit.record(action="READ_LIST", resource_type="session", details={"count": len(today.rows)})
    return render(request, "sessions/review.html", {**page, "waiting": selectors.notes_to_cosign(user)})


@requires(Permission.REVIEW_SESSIONS)
@require_safe
def session_review(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """A session's data, its note and signatures."""
    user = viewer(request)
    session = get_object_or_404(reviewable_sessions(user).for_display(), id=session_id)
    audit.record(action="READ", resource_type="session", resource_id=session.id, details={"page": "session_review"})
    note = getattr(session, "note", None)
    page = {
        "session": session,
        "note": note,
        "programs": selectors.session_data(session),
        "signatures": selectors.signatures_of(note),
        "may_cosign": note is not None and may_cosign(user, note),
        "is_own": session.provider_id == user.staff_member_id,
    }
    return render(request, "sessions/session_review.html", page)


@requires(Permission.REVIEW_SESSIONS)
@require_POST
def session_cosign(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Co-signs the note as it stands."""
    session = get_object_or_404(reviewable_sessions(viewer(request)).for_display(), id=session_id)
    note = getattr(session, "note", None)
    if note is None:
        raise Http404
    try:
        services.cosign_note(note=note, actor=viewer(request))
    except SessionRefused as refused:
        messages.error(request, refused.message)
        return redirect(request, "session_review", session.id)
    messages.success(request, "The note was co-signed.")
    return redirect(request, "review")


def _signed(user: User, today: Review) -> str:
    return f"{user.id} {today.version}"


def _version_shown(user: User, token: str) -> str | None:
    """The version a page of this person was shown in the last hours, else None."""
    try:
        owner, version = SHOWN.unsign(token, max_age=SHOWN_FOR).split(" ")
    except (signing.BadSignature, ValueError):
        return None
    return version if owner == str(user.id) else None
