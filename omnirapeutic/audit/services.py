"""Appends to the audit trail, in the same transaction as what it tells of."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest
from psycopg.types.json import Jsonb

from omnirapeutic.tenancy import context

INSERT = """
INSERT INTO audit_logs (organization_id, user_id, user_email, action, resource_type, resource_id,
                        ip_address, user_agent, request_id, details)
VALUES (%s::uuid, %s::uuid, %s, %s, %s, %s::uuid, %s::inet, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Where a request came from."""

    ip_address: str | None
    user_agent: str
    request_id: str


_facts: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


@contextmanager
def request_facts(request: HttpRequest) -> Iterator[RequestFacts]:
    """Holds the facts of a request for the audit rows it writes, and gives it an id."""
    facts = RequestFacts(
        request.META.get("REMOTE_ADDR") or None, request.META.get("HTTP_USER_AGENT", "")[:300], uuid.uuid4().hex
    )
    token = _facts.set(facts)
    try:
        yield facts
    finally:
        _facts.reset(token)


def current_facts() -> RequestFacts | None:
    """The facts of the request that is being answered, or None outside of one."""
    return _facts.get()


def record(
    *, action: str, resource_type: str, resource_id: UUID | None = None, details: dict[str, Any] | None = None
) -> None:
    """Appends one row for the organisation and person in context.

    `details` holds ids, counts and column names; never a patient's values.
    """
    tenant = context.required()
    facts = _facts.get()
    with connection.cursor() as cursor:
        values: list[Any] = [
            tenant.organization_id,
            tenant.user_id,
            tenant.email,
            action,
            resource_type,
            resource_id,
            facts.ip_address if facts else None,
            facts.user_agent if facts else None,
            facts.request_id if facts else None,
            Jsonb(details) if details is not None else None,
        ]
        cursor.execute(INSERT, values)


def record_refusal(request: HttpRequest, status: int) -> None:
    """Audits a request that was answered 401, 403, 404 or 409: which page, and which id was asked for."""
    match = request.resolver_match
    ids = [value for value in match.kwargs.values() if isinstance(value, UUID)] if match else []
    record(
        action="ACCESS_REFUSED",
        resource_type=match.view_name if match else "unknown",
        resource_id=ids[0] if ids else None,
        details={"status": status, "method": request.method},
    )


def record_failure(tenant: context.Tenant, request: HttpRequest, status: int) -> None:
    """Audits a request that failed, in a transaction of its own: the request's is over, nearly always rolled back."""
    match = request.resolver_match
    with context.tenant(tenant.organization_id, tenant.user_id, email=tenant.email):
        record(
            action="REQUEST_FAILED",
            resource_type=match.view_name if match else "unknown",
            details={"status": status, "method": request.method},
        )
