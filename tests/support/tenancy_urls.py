"""Views that try the edges of a request's transaction. Only test_tenancy uses them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from clinic.models import Authorization, Patient
from omnirapeutic import urls
from omnirapeutic.tenancy import context
from omnirapeutic.web.policies import requires
from scheduling.models import Appointment

NAMES = "{% for patient in patients %}{{ patient.last_name }} {% endfor %}"


def _add(request: HttpRequest) -> None:
    Patient.objects.create(
        organization_id=context.required().organization_id,
        first_name="Written",
        last_name=request.POST["name"],
        date_of_birth="2018-01-01",
        state="NY",
    )


@requires()
def lazy(request: HttpRequest) -> TemplateResponse:
    """The template is rendered after the view has returned, and asks the database then."""
    return TemplateResponse(request, engines["django"].from_string(NAMES), {"patients": Patient.objects.all()})


@requires()
def lazy_failure(request: HttpRequest) -> TemplateResponse:
    _add(request)

    def fail() -> str:
        raise RuntimeError("a mistake while rendering")

    return TemplateResponse(request, engines["django"].from_string("{{ fail }}"), {"fail": fail})


@requires()
def write(request: HttpRequest, status: int) -> HttpResponse:
    """Writes, then answers with a status or raises."""
    _add(request)
    if status == 500:
        raise RuntimeError("a mistake")
    if status == 404:
        raise Http404
    return HttpResponse(status=status)


@requires()
def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(patient) for patient in Patient.objects.all())


@requires()
def switch(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Goes on for another organisation in the middle of a request."""
    with context.tenant(organization_id):
        return HttpResponse("switched")


@requires()
def after_the_commit(request: HttpRequest) -> HttpResponse:
    transaction.on_commit(Patient.objects.count)
    return HttpResponse("answered")


@requires()
def whoami(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


@requires()
def remember(request: HttpRequest) -> HttpResponse:
    """Changes the web session, which is then saved."""
    request.session["seen"] = True
    return HttpResponse("remembered")


@requires()
def unreserved(request: HttpRequest) -> HttpResponse:
    """Books a time without its units: answered well, and refused by the database when it is committed."""
    line = Authorization.objects.get()
    start = timezone.now() + timedelta(days=9)
    Appointment.objects.create(
        organization_id=line.organization_id,
        patient_id=line.patient_id,
        authorization=line,
        service_code=line.service_code,
        start_time=start,
        end_time=start + timedelta(hours=2),
        status="SCHEDULED",
        expected_units=8,
        notes="never reserved",
    )
    return HttpResponse("booked")


def forgotten(request: HttpRequest) -> HttpResponse:
    """No policy: anybody gets here, without a context."""
    return HttpResponse(str(Patient.objects.count()))


urlpatterns = [
    path("lazy/", lazy),
    path("lazy-failure/", lazy_failure),
    path("write/<int:status>/", write, name="write"),
    path("stream/", stream),
    path("switch/<uuid:organization_id>/", switch),
    path("after-the-commit/", after_the_commit),
    path("whoami/", whoami),
    path("remember/", remember),
    path("unreserved/", unreserved, name="unreserved"),
    path("forgotten/", forgotten),
    *urls.urlpatterns,
]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
