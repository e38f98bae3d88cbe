"""A client's insurance and authorization lines."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from clinic import services
from clinic.forms.coverage import AuthorizationForm, InsuranceForm
from clinic.permissions import reachable_clients, viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.htmx import invalid_form
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires


@requires(Permission.EDIT_CLIENTS)
@require_http_methods(["GET", "POST"])
def insurance_new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = get_object_or_404(reachable_clients(viewer(request)), id=patient_id)
    form = InsuranceForm(request.POST or None)
    context = {"form": form, "patient": patient}
    if request.method == "GET":
        audit.record(action="READ", resource_type="patient", resource_id=patient.id, details={"page": "insurance_new"})
        return render(request, "clinic/insurance_new.html", context)
    if not form.is_valid():
        return invalid_form(request, "clinic/insurance_new.html", context)

    def write() -> str:
        services.add_insurance(patient=patient, **form.values, actor=viewer(request))
        messages.success(request, "The coverage was added. What is next: the lines of the payer's letter.")
        return reverse("client_detail", args=[patient.id])

    return once(request, write)


@requires(Permission.EDIT_CLIENTS)
@require_http_methods(["GET", "POST"])
def authorization_new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    patient = get_object_or_404(reachable_clients(viewer(request)), id=patient_id)
    form = AuthorizationForm(request.POST or None, patient=patient)
    context = {"form": form, "patient": patient}
    if request.method == "GET":
        audit.record(
            action="READ", resource_type="patient", resource_id=patient.id, details={"page": "authorization_new"}
        )
        return render(request, "clinic/authorization_new.html", context)
    if not form.is_valid():
        return invalid_form(request, "clinic/authorization_new.html", context)

    def write() -> str:
        services.add_authorization(patient=patient, **form.values, actor=viewer(request))
        messages.success(request, "The authorization line was added.")
        return reverse("client_detail", args=[patient.id])

    return once(request, write)
