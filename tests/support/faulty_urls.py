"""The project's addresses, and views that fail or pry as a mistaken one would. Only servers of tests have them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from clinic.models import Organization, Patient
from omnirapeutic import urls
from omnirapeutic.tenancy.context import shared
from omnirapeutic.web.policies import open_to_anybody, requires


@requires()
def fail(request: HttpRequest, how: str) -> HttpResponse:
    """Reads the clinic's clients, then fails."""
    names = ", ".join(Patient.objects.values_list("last_name", flat=True))
    FAILURES[how]()
    return HttpResponse(names)


def _raise() -> None:
    raise RuntimeError("a mistake")


def _statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def _aborted() -> None:
    """The error is swallowed, and the transaction that it aborted is used on."""
    try:
        Patient.objects.create(organization_id=None)  # type: ignore[misc]
    except IntegrityError:
        Patient.objects.count()


def _savepoint() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nothing_of_this_name")


def _connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


FAILURES: dict[str, Callable[[], None]] = {
    "raise": _raise,
    "statement": _statement,
    "aborted": _aborted,
    "savepoint": _savepoint,
    "connection": _connection,
}


@open_to_anybody(reason="It shows what a view that forgets its policy would.")
def pry(request: HttpRequest) -> HttpResponse:
    with shared():
        seen = [
            *Organization.objects.values_list("name", flat=True),
            *Patient.objects.values_list("last_name", flat=True),
        ]
    return HttpResponse(", ".join(seen))


urlpatterns = [path("fail/<str:how>/", fail), path("pry/", pry), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
