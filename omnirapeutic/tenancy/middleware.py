"""A request is one transaction with one context, rendering included."""

import logging
from collections.abc import Callable
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from omnirapeutic.audit import services as audit
from omnirapeutic.db.functions import Identity
from omnirapeutic.tenancy import context
from omnirapeutic.tenancy.web_session import SessionStore

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = frozenset({401, 403, 404, 409})
logger = logging.getLogger("omnirapeutic.tenancy")


class TenancyMiddleware:
    """Opens the transaction, has the response made and rendered inside it, rolls back a failed one (status ≥ 500).

    By the time a response with such a status is here, Django has already turned the exception into it. The body is
    read before the transaction begins, so that a slow sender holds no connection.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _ = request.body
        tenant = None
        with audit.request_facts(request):
            try:
                with transaction.atomic():
                    # Ends before the commit: what `on_commit` runs enters a context of its own.
                    with context.request_scope():
                        response = self.get_response(request)
                        tenant = context.current()
                        _refuse_lazy(response)
                    if response.status_code >= 500:
                        transaction.set_rollback(True)
            except Exception:
                # The commit itself: a deferred trigger refused it, or something that was to run after it failed.
                if tenant is not None:
                    audit.record_failure(tenant, request, 500)
                raise
            if response.status_code >= 500 and tenant is not None:
                # Only now: a second connection taken while the first is held can deadlock the pool.
                audit.record_failure(tenant, request, response.status_code)
        return response


class IdentityMiddleware(AuthenticationMiddleware):
    """Resumes the web session, so that the context is set and `request.user` is known; audits what is refused.

    A refused write (401, 403, 404, 409) leaves nothing behind but its audit row.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        store = cast(SessionStore, request.session)
        store.get("")  # one statement: finds the session, sets both variables, says who it is
        identity = store.identity
        if identity is None:
            request.user = AnonymousUser()
            return cast(HttpResponseBase, self.get_response(request))
        request.user = get_user_model().from_identity(identity)
        zone = _zone_of(identity)
        request.user.time_zone = zone.key
        with timezone.override(zone):
            if request.method in SAFE_METHODS:
                response = cast(HttpResponseBase, self.get_response(request))
            else:
                with transaction.atomic():
                    response = cast(HttpResponseBase, self.get_response(request))
                    if response.status_code in REFUSALS:
                        transaction.set_rollback(True)
            if response.status_code in REFUSALS:
                audit.record_refusal(request, response.status_code)
        return response


def _zone_of(identity: Identity) -> ZoneInfo:
    """The clinic's time zone; UTC where it cannot be read, so that the page that corrects it still opens."""
    try:
        return ZoneInfo(identity.time_zone)
    except (KeyError, ValueError, OSError):
        facts = {"code": "TIME_ZONE_UNKNOWN", "organization_id": identity.organization_id}
        logger.error("time zone unknown", extra=facts)
        return ZoneInfo("UTC")


def _refuse_lazy(response: HttpResponseBase) -> None:
    if isinstance(response, HttpResponse):
        return
    if getattr(response, "file_to_stream", None) is None:
        # It would run after the commit, without a context, and see nothing.
        raise RuntimeError("A response with data must not be streamed lazily.")
