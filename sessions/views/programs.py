"""An analyst's clients, their programs and targets."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from clinic.models import Patient
from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.db.keyset import Cursor
from omnirapeutic.web.htmx import invalid_form
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from sessions import selectors, services
from sessions.exceptions import SessionRefused
from sessions.forms import TargetForm
from sessions.permissions import caseload as caseload_of


@requires(Permission.EDIT_PROGRAMS)
@require_safe
def caseload(request: HttpRequest) -> HttpResponse:
    """One's clients by name."""
    page = selectors.caseload_page(viewer(request), Cursor.of(request.GET))
    audit.record(action="READ_LIST", resource_type="patient", details={"count": len(page.rows)})
    return render(request, "sessions/caseload.html", {"page": page})


@requires(Permission.EDIT_PROGRAMS)
@require_safe
def program_list(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What one client works on."""
    patient = _client(request, patient_id)
    audit.record(action="READ", resource_type="patient", resource_id=patient.id, details={"page": "program_list"})
    programs = selectors.programs_of(patient)
    return render(request, "sessions/program_list.html", {"patient": patient, "programs": programs})


@requires(Permission.EDIT_PROGRAMS)
@require_http_methods(["GET", "POST"])
def target_new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = _client(request, patient_id)
    form = TargetForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            return once(request, lambda: _create(request, patient, form))
        except SessionRefused as refused:
            form.add_error("name", refused.message)
    page = {"form": form, "patient": patient}
    if request.method == "POST":
        return invalid_form(request, "sessions/target_new.html", page)
    audit.record(action="READ", resource_type="patient", resource_id=patient.id, details={"page": "target_new"})
    return render(request, "sessions/target_new.html", page)


def _create(request: HttpRequest, patient: Patient, form: TargetForm) -> str:
    values, actor = form.cleaned_data, viewer(request)
    program = form.chosen_program or services.create_program(patient=patient, name=values["new_program"], actor=actor)
    services.create_target(
        patient=patient,
        program=program,
        name=values["name"],
        measure=values["measure"],
        phase=values["phase"],
        actor=actor,
    )
    messages.success(request, "The target was added. It is on the tablet from the next session page on.")
    return reverse("program_list", args=[patient.id])


def _client(request: HttpRequest, patient_id: UUID) -> Patient:
    return get_object_or_404(caseload_of(viewer(request)), id=patient_id)
