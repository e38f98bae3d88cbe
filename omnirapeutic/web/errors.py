"""Answers when something is refused or broken: plain pages, no stack, no patient data."""

import logging
import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden, HttpResponseNotFound
from django.template.loader import get_template, render_to_string

from omnirapeutic.audit.services import current_facts

logger = logging.getLogger("omnirapeutic.errors")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponseBadRequest(get_template("errors/400.html").render())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponseForbidden(get_template("errors/403.html").render())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponseForbidden(get_template("errors/403.html").render())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Byte for byte the same for another organisation's record and for one that never existed."""
    return HttpResponseNotFound(get_template("errors/404.html").render())


def server_error(request: HttpRequest) -> HttpResponse:
    """Shows an incident id that the log carries too."""
    facts = current_facts()
    incident_id = facts.request_id if facts else uuid.uuid4().hex
    logger.error("request failed", extra={"incident_id": incident_id})
    return HttpResponse(render_to_string("errors/500.html", {"incident_id": incident_id}), status=500)
