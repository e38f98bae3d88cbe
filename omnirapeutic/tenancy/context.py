"""The tenant context: which organisation, and which person, a transaction works for.

The context is transaction-local in the database and scoped to a block in Python. It is set once in a transaction and
never changed in it. A query on `default` or `replica` outside a context raises `NoTenant`, so that a forgotten context
is an error and never an empty page; the few shared tables (web sessions, queue) are reached inside `shared()`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

GUARDED_ALIASES = frozenset({DEFAULT_DB_ALIAS, "replica"})
SET_CONTEXT = "SELECT set_config('app.current_user_id', %s, true), set_config('app.current_org_id', %s, true)"


class NoTenant(RuntimeError):
    """A query was about to run without a tenant context."""


class TenantSwitch(RuntimeError):
    """A transaction that works for one organisation was asked to go on for another."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organisation a transaction works for, and the person, if one does the work."""

    organization_id: UUID
    user_id: UUID | None = None
    email: str = ""


_tenant: ContextVar[Tenant | None] = ContextVar("tenant", default=None)
_shared: ContextVar[bool] = ContextVar("shared", default=False)


def current() -> Tenant | None:
    """The tenant of this block of work, or None."""
    return _tenant.get()


def required() -> Tenant:
    """The tenant of this block of work; raises `NoTenant` without one."""
    found = _tenant.get()
    if found is None:
        raise NoTenant("This needs a tenant context: use tenant(...).")
    return found


@contextmanager
def tenant(organization_id: UUID, user_id: UUID | None = None, *, email: str = "") -> Iterator[None]:
    """Runs a block in one transaction for one organisation.

    For commands, tasks, `on_commit` callbacks and threads; requests get theirs from the middleware. Nested blocks for
    the same organisation join the outer transaction by a savepoint; another organisation raises `TenantSwitch`.
    """
    wanted = Tenant(organization_id, user_id, email)
    outer = _tenant.get()
    if outer is not None and connections[DEFAULT_DB_ALIAS].in_atomic_block:
        if outer.organization_id != organization_id:
            raise TenantSwitch("A transaction works for one organisation only.")
        with transaction.atomic():
            yield
        return
    with transaction.atomic():
        token = _tenant.set(None)
        try:
            activate(wanted)
            yield
        finally:
            # Before the commit: what `on_commit` runs has no context in the database any more, nor may it seem so here.
            _tenant.reset(token)


@contextmanager
def owner_tenant(organization_id: UUID) -> Iterator[None]:
    """Runs a block as the tables' owner, on alias `owner`, for one organisation: row-level security confines it too.

    For what brings data in. Unlike `tenant`, one transaction may visit organisations one after the other.
    """
    with transaction.atomic(using="owner"):
        _set_variables(Tenant(organization_id), "owner")
        yield
        with connections["owner"].cursor() as cursor:
            cursor.execute(SET_CONTEXT, ["", ""])


@contextmanager
def request_scope() -> Iterator[None]:
    """Runs a request: no context at its start, and none left behind at its end."""
    token = _tenant.set(None)
    try:
        yield
    finally:
        _tenant.reset(token)


@contextmanager
def replica() -> Iterator[str]:
    """Runs a block of reads on the reader, for the tenant in context; yields the alias to pass to `.using()`.

    Falls back to `default` where no reader is configured. Never right after a write of the same request.
    """
    if "replica" not in settings.DATABASES:
        required()
        yield DEFAULT_DB_ALIAS
        return
    with transaction.atomic(using="replica"):
        _set_variables(required(), "replica")
        yield "replica"


@contextmanager
def shared() -> Iterator[None]:
    """Allows queries of the shared tables without a tenant context. Row-level security stays in force."""
    token = _shared.set(True)
    try:
        yield
    finally:
        _shared.reset(token)


def activate(wanted: Tenant) -> None:
    """Sets the context of the open transaction on `default`. Once: another organisation raises `TenantSwitch`."""
    _refuse_switch(wanted)
    _set_variables(wanted, DEFAULT_DB_ALIAS)
    _tenant.set(wanted)


def adopt(resumed: Tenant) -> None:
    """Takes over a context that the database has just set itself, while it looked up the web session."""
    _refuse_switch(resumed)
    _tenant.set(resumed)


def _refuse_switch(wanted: Tenant) -> None:
    found = _tenant.get()
    if found is not None and found.organization_id != wanted.organization_id:
        raise TenantSwitch("A transaction works for one organisation only.")


def _set_variables(wanted: Tenant, alias: str) -> None:
    connection = connections[alias]
    if not connection.in_atomic_block:
        # Outside a transaction a local setting is a silent no-op.
        raise NoTenant("A tenant context needs an open transaction.")
    with shared(), connection.cursor() as cursor:
        cursor.execute(SET_CONTEXT, [str(wanted.user_id or ""), str(wanted.organization_id)])


def _guard(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if _tenant.get() is None and not _shared.get():
        raise NoTenant("A query was made without a tenant context: use tenant(...), or shared() for a shared table.")
    return execute(sql, params, many, context)


def _guard_connection(sender: type, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.alias in GUARDED_ALIASES and _guard not in connection.execute_wrappers:
        connection.execute_wrappers.append(_guard)


def install_guard() -> None:
    """Puts the guard on every connection of the application's role, in every environment."""
    connection_created.connect(_guard_connection, dispatch_uid="tenancy.guard")
