"""A provider's day: the appointments of today, and the start of their sessions."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.htmx import redirect
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from sessions import selectors, services
from sessions.exceptions import SessionRefused
from sessions.permissions import own_appointments


@requires(Permission.VIEW_OWN_DAY)
@require_safe
def my_day(request: HttpRequest) -> HttpResponse:
    """One's own appointments of today, and what is left over from other days."""
    day = selectors.my_day(viewer(request))
    audit.record(action="READ_LIST", resource_type="appointment", details={"count": len(day.cards)})
    return render(request, "sessions/my_day.html", {"day": day, "today": timezone.localdate()})


@requires(Permission.DELIVER_SESSIONS)
@require_POST
def session_start(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Starts the session and opens it; a second tap opens the same one. A refusal is told on the day's page."""
    appointment = get_object_or_404(own_appointments(viewer(request)), id=appointment_id)
    try:
        session = services.start_session(appointment=appointment, actor=viewer(request))
    except SessionRefused as refused:
        audit.record(
            action="START_REFUSED",
            resource_type="appointment",
            resource_id=appointment.id,
            details={"code": refused.code},
        )
        messages.error(request, refused.message)
        return redirect(request, "my_day")
    return redirect(request, "session_capture", session.id)
