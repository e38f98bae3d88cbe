"""The client list, search, intake and changes. The client's page is with the appointments it shows: scheduling."""

import re
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import selectors, services
from clinic.exceptions import StaleEdit
from clinic.forms.clients import ClientEditForm, IntakeForm
from clinic.models import Patient
from clinic.permissions import reachable_clients, viewer
from clinic.selectors import ClientRow
from omnirapeutic.audit import services as audit
from omnirapeutic.db.keyset import Cursor
from omnirapeutic.web.htmx import invalid_form, render_page
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from omnirapeutic.web.rows import table_rows

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
# The cells of the list's table, in the order of its head.
ROW = (
    '<tr><th scope="row"><a class="list-link" href="{}{}/">{}, {}</a></th>'
    '<td><time datetime="{}">{}</time></td><td>{}</td><td>{}</td><td>{}</td></tr>'
)


@requires(Permission.VIEW_CLIENTS)
@require_safe
def client_list(request: HttpRequest) -> HttpResponse:
    """The active clients by name."""
    page = selectors.client_list_page(Cursor.of(request.GET))
    audit.record(action="READ_LIST", resource_type="patient", details={"count": len(page.rows)})
    return render(request, "clinic/client_list.html", {"rows": client_rows(page.rows), "page": page})


@requires(Permission.VIEW_CLIENTS)
@require_POST
def client_search(request: HttpRequest) -> HttpResponse:
    """What was typed, by POST: no name stands in an address. Without words it is the list again."""
    # The database takes no NUL, and no name has a control character.
    query = CONTROL_CHARACTERS.sub(" ", request.POST.get("q", "")).strip()[:100]
    found, more = selectors.find_clients(query) if query else ([], False)
    page = None if query else selectors.client_list_page(Cursor())
    rows = page.rows if page else found
    audit.record(action="SEARCH" if query else "READ_LIST", resource_type="patient", details={"count": len(rows)})
    return render_page(
        request,
        "clinic/client_list.html",
        {"rows": client_rows(rows), "page": page, "query": query, "count": len(rows), "more": more},
        fragment="results",
    )


def client_rows(rows: list[ClientRow]) -> SafeString:
    """The table's body."""
    base = reverse("client_list")
    return table_rows(
        ROW,
        (
            (base, patient_id, last, first, born, f"{born:%m/%d/%Y}", guardian or "", phone or "", city or "")
            for patient_id, last, first, born, guardian, phone, city in rows
        ),
    )


@requires(Permission.EDIT_CLIENTS)
@require_http_methods(["GET", "POST"])
def client_new(request: HttpRequest) -> HttpResponse:
    form = IntakeForm(request.POST or None)
    if request.method == "GET":
        return render(request, "clinic/client_new.html", {"form": form})
    if not form.is_valid():
        return invalid_form(request, "clinic/client_new.html", {"form": form})

    def write() -> str:
        patient = services.create_client(**form.values, actor=viewer(request))
        messages.success(request, "The client was added. What is next: their insurance.")
        return reverse("client_detail", args=[patient.id])

    return once(request, write)


@requires(Permission.EDIT_CLIENTS)
@require_http_methods(["GET", "POST"])
def client_edit(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = get_object_or_404(reachable_clients(viewer(request)), id=patient_id)
    if request.method == "GET":
        audit.record(action="READ", resource_type="patient", resource_id=patient.id, details={"page": "client_edit"})
        form = ClientEditForm(initial=ClientEditForm.values_of(patient))
        return render(request, "clinic/client_edit.html", {"form": form, "patient": patient})
    form = ClientEditForm(request.POST)
    if not form.is_valid():
        return invalid_form(request, "clinic/client_edit.html", {"form": form, "patient": patient})
    try:
        return once(request, lambda: _update(request, patient, form))
    except StaleEdit as conflict:
        return _conflict(request, conflict.current, form)


def _update(request: HttpRequest, patient: Patient, form: ClientEditForm) -> str:
    seen_at = form.cleaned_data["seen_at"]
    services.update_client(patient=patient, actor=viewer(request), seen_at=seen_at, **form.values)
    messages.success(request, "The changes were saved.")
    return reverse("client_detail", args=[patient.id])


def _conflict(request: HttpRequest, current: Patient, form: ClientEditForm) -> HttpResponse:
    """Somebody else saved first: nothing is overwritten, and what was entered stays to be copied."""
    context = {"rows": form.differences(current), "back_url": reverse("client_edit", args=[current.id])}
    return render(request, "errors/409.html", context, status=409)
