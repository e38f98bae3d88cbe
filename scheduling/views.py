"""The client's page, the schedule, and booking and cancelling one appointment."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe

from clinic.models import Patient
from clinic.permissions import reachable_clients, viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.db.keyset import Cursor
from omnirapeutic.web.htmx import invalid_form
from omnirapeutic.web.once import once
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires
from omnirapeutic.web.rows import table_rows
from omnirapeutic.web.templatetags.ui import status_pill
from scheduling import selectors, services
from scheduling.exceptions import BookingRefused, CancellationRefused
from scheduling.forms import BookingForm, CancellationForm
from scheduling.models import Appointment
from scheduling.permissions import reachable_appointments
from scheduling.selectors import Booked, Engagement, place_name
from scheduling.units import units_text
from scheduling.wall_time import clock, short_date

# The cells of the schedule's table, in the order of its head.
ROW = (
    '<tr><td class="nowrap"><a class="list-link" href="{}{}/">{} – {}</a></td>'
    '<th scope="row"><a class="list-link" href="{}{}/">{}, {}</a></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>'
)
# Those of the two tables of the client's page.
UPCOMING_ROW = (
    '<tr><th scope="row" class="nowrap"><a class="list-link" href="{}{}/">{}</a></th><td class="nowrap">{} – {}</td>'
    "<td>{}</td><td>{}</td><td>{}</td></tr>"
)
EARLIER_ROW = (
    '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td class="number">{}</td>'
    '<td class="number">{}</td></tr>'
)
BOOKING = "scheduling/appointment_new.html"


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Where the clinic is."""
    return ZoneInfo(viewer(request).time_zone)


# The client's page ---------------------------------------------------------------------------------------------------


@requires(Permission.VIEW_CLIENTS)
@require_safe
def client_detail(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Details, insurance, authorization lines with their units, and what is booked."""
    patient = selectors.client_details(patient_id)
    if patient is None:
        raise Http404
    shown = selectors.client_view(patient.id, timezone.localdate(), timezone.now())
    audit.record(action="READ", resource_type="patient", resource_id=patient.id)
    context = {
        "patient": patient,
        "shown": shown,
        "upcoming_rows": upcoming_rows(shown.upcoming, zone_of(request)),
        "earlier_rows": table_rows(
            EARLIER_ROW,
            (
                (
                    line.service_code,
                    short_date(line.start_date),
                    short_date(line.end_date),
                    line.authorization_number or "",
                    line.delivered_units,
                    line.total_units,
                )
                for line in shown.earlier_lines
            ),
        ),
    }
    return render(request, "scheduling/client_detail.html", context)


def upcoming_rows(booked: list[Engagement], zone: ZoneInfo) -> SafeString:
    """The body of the table of what is booked for a client."""
    url = appointment_address()
    times = [
        (each, each.start.astimezone(zone), each.end.astimezone(zone)) for each in booked if each.start and each.end
    ]
    return table_rows(
        UPCOMING_ROW,
        (
            (
                url,
                each.appointment_id,
                f"{start:%a, %b} {start.day}",
                clock(start),
                clock(end),
                each.service_code,
                each.full_name or "",
                place_name(each.location),
            )
            for each, start, end in times
        ),
    )


def appointment_address() -> str:
    """What comes before an appointment's id in its page's address."""
    return reverse("appointment_detail", args=[UUID(int=0)]).removesuffix(f"{UUID(int=0)}/")


# The schedule --------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW_SCHEDULE)
@require_safe
def schedule(request: HttpRequest) -> HttpResponse:
    """One day's appointments by time; today unless the address names a day."""
    day = _asked_day(request)
    page = selectors.schedule_page(day, zone_of(request), Cursor.of(request.GET))
    audit.record(action="READ_LIST", resource_type="appointment", details={"count": len(page.rows)})
    context = {
        "day": day,
        "today": timezone.localdate(),
        "previous_day": day - timedelta(days=1),
        "next_day": day + timedelta(days=1),
        "page": page,
        "rows": schedule_rows(page.rows, zone_of(request)),
    }
    return render(request, "scheduling/schedule.html", context)


def _asked_day(request: HttpRequest) -> date:
    try:
        asked = parse_date(request.GET.get("day", ""))
    except ValueError:
        asked = None
    # A day before and one after it must exist.
    return asked if asked and date.min < asked < date.max else timezone.localdate()


def schedule_rows(rows: list[Booked], zone: ZoneInfo) -> SafeString:
    """The table's body."""
    clients = reverse("client_list")
    url = appointment_address()
    pills = {status: status_cell(status) for status in {row.status for row in rows}}
    return table_rows(
        ROW,
        (
            (
                url,
                row.id,
                clock(row.start.astimezone(zone)),
                clock(row.end.astimezone(zone)),
                clients,
                row.patient_id,
                row.last_name,
                row.first_name,
                row.service_code,
                row.provider or "",
                row.place,
                pills[row.status],
            )
            for row in rows
        ),
    )


def status_cell(status: str) -> SafeString:
    return SafeString(render_to_string("components/status.html", status_pill(status)))


# One appointment -----------------------------------------------------------------------------------------------------


@requires(Permission.VIEW_SCHEDULE)
@require_safe
def appointment_detail(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    appointment = _appointment(request, appointment_id)
    audit.record(action="READ", resource_type="appointment", resource_id=appointment.id)
    return render(request, "scheduling/appointment_detail.html", {"appointment": appointment})


def _appointment(request: HttpRequest, appointment_id: UUID) -> Appointment:
    appointments = reachable_appointments(viewer(request))
    return get_object_or_404(
        appointments.select_related("patient", "provider__user", "authorization"), id=appointment_id
    )


@requires(Permission.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "POST"])
def appointment_new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The form; what it offers for the entries so far, when htmx asks; the booking."""
    patient = get_object_or_404(reachable_clients(viewer(request)).active(), id=patient_id)
    zone = zone_of(request)
    if request.method == "GET":
        audit.record(
            action="READ", resource_type="patient", resource_id=patient.id, details={"page": "appointment_new"}
        )
        form = BookingForm(patient=patient, zone=zone, initial={"day": timezone.localdate()})
        return render(request, BOOKING, {"patient": patient, "form": form.offer()})
    if "offer" in request.POST:
        form = BookingForm(patient=patient, zone=zone, initial=request.POST.dict())
        return render(request, f"{BOOKING}#offer", {"patient": patient, "form": form.offer()})
    form = BookingForm(request.POST, patient=patient, zone=zone)
    if form.is_valid():
        try:
            return once(request, lambda: _book(request, patient, form))
        except BookingRefused as refused:
            _record_refusal(patient, refused)
            form.refuse(refused)
    return invalid_form(request, BOOKING, {"patient": patient, "form": form.offer()})


def _record_refusal(patient: Patient, refused: BookingRefused) -> None:
    audit.record(
        action="BOOKING_REFUSED", resource_type="patient", resource_id=patient.id, details={"code": refused.code}
    )


def _book(request: HttpRequest, patient: Patient, form: BookingForm) -> str:
    appointment = services.book_appointment(**form.booking, actor=viewer(request))
    messages.success(request, f"Booked. {units_text(appointment.expected_units or 0)} are reserved.")
    return reverse("client_detail", args=[patient.id])


@requires(Permission.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "POST"])
def appointment_cancel(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Who cancels and why. Its units are free again at once."""
    appointment = _appointment(request, appointment_id)
    template = "scheduling/appointment_cancel.html"
    form = CancellationForm(request.POST or None)
    context = {"form": form, "appointment": appointment, "refused": services.refused_cancellation(appointment)}
    if request.method == "GET":
        audit.record(action="READ", resource_type="appointment", resource_id=appointment.id, details={"page": "cancel"})
        return render(request, template, context)
    if not form.is_valid():
        return invalid_form(request, template, context)
    try:
        return once(request, lambda: _cancel(request, appointment, form))
    except CancellationRefused as refused:
        return invalid_form(request, template, {**context, "refused": refused})


def _cancel(request: HttpRequest, appointment: Appointment, form: CancellationForm) -> str:
    services.cancel_appointment(appointment=appointment, **form.values, actor=viewer(request))
    messages.success(request, "Cancelled. Its units are free again.")
    return reverse("appointment_detail", args=[appointment.id])
