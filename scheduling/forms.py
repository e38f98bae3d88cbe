"""Booking one appointment, and cancelling one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time

from clinic.models import Authorization, Patient, ServiceCode, StaffMember
from omnirapeutic.web.once import OnceForm
from scheduling.exceptions import BookingRefused, WallTimeRefused
from scheduling.models import Appointment
from scheduling.refusals import line_text, no_line_covers
from scheduling.selectors import ProviderChoice, provider_choices
from scheduling.units import booked_units
from scheduling.wall_time import to_instant

CHOOSE = ("", "Choose")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a booking would use, as far as the form says it yet."""

    line: Authorization
    units: int

    @property
    def left(self) -> int:
        return self.line.free_units - self.units


class BookingForm(OnceForm):
    """Which choices it offers follows from the service, the day and the time; the service and the database decide."""

    service_code = forms.ChoiceField(label="Service")
    day = forms.DateField(label="Date")
    start_time = forms.TimeField(label="Start")
    end_time = forms.TimeField(label="End")
    authorization = forms.ModelChoiceField(
        label="Authorization line", queryset=Authorization.objects.none(), required=False
    )
    provider = forms.ModelChoiceField(label="Provider", queryset=StaffMember.objects.none())
    location = forms.ChoiceField(label="Place", choices=[CHOOSE, *Appointment.Location.choices])
    notes = forms.CharField(
        label="Note for the provider",
        help_text="How to get there, whom to ring. Nothing clinical.",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, patient: Patient, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient
        self.zone = zone
        self.lines = [line for line in patient.authorizations.order_by("end_date", "start_date", "id") if _open(line)]
        codes = {line.service_code for line in self.lines}
        self.services = {code.code: code for code in ServiceCode.objects.order_by("code") if code.code in codes}
        named = [(code.code, f"{code.code} {code.name}") for code in self.services.values()]
        self._field("service_code").choices = named if len(named) == 1 else [CHOOSE, *named]
        # Any of the client's lines and any provider is a valid choice: one that does not fit is refused with a reason.
        self._field("authorization").queryset = patient.authorizations.all()
        self._field("provider").queryset = StaffMember.objects.active()

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def _entered(self, name: str) -> str:
        value = (self.data if self.is_bound else self.initial).get(name)
        return "" if value is None else str(value)

    # What is offered --------------------------------------------------------------------------------------------------

    def offer(self) -> Self:
        """Fills in what can be chosen; called for a form that is shown."""
        service = self._service()
        lines = [line for line in self.lines if service and line.service_code == service.code]
        automatic = ("", "The line that ends first" if lines else "Choose a service first")
        self._field("authorization").widget.choices = [automatic, *((line.id, line_text(line)) for line in lines)]
        people = provider_choices(self.patient, service, self._day(), self._time_wanted()) if service else []
        self._field("provider").widget.choices = _grouped(people) if service else [("", "Choose a service first")]
        return self

    def _service(self) -> ServiceCode | None:
        """The service that is chosen; the only one there is when none is."""
        only = next(iter(self.services.values())) if len(self.services) == 1 else None
        return self.services.get(self._entered("service_code"), only)

    def _day(self) -> date:
        try:
            return parse_date(self._entered("day")) or timezone.localdate()
        except ValueError:
            return timezone.localdate()

    def _time_wanted(self) -> tuple[datetime, datetime] | None:
        try:
            begin, end = parse_time(self._entered("start_time")), parse_time(self._entered("end_time"))
            if begin is None or end is None or end <= begin:
                return None
            return to_instant(self._day(), begin, self.zone), to_instant(self._day(), end, self.zone)
        except ValueError:
            return None

    @property
    def preview(self) -> Preview | None:
        """The line and the units, once service, date and time are entered."""
        service, wanted = self._service(), self._time_wanted()
        if service is None or wanted is None:
            return None
        units = booked_units(wanted[0].astimezone(UTC), wanted[1].astimezone(UTC))
        chosen = next((line for line in self.lines if str(line.id) == self._entered("authorization")), None)
        line = chosen or self._first_ending(service.code, self._day(), units)
        return Preview(line, units) if line else None

    # What was entered -------------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("start_time", "end_time"):
            if entered.get("day") and entered.get(name):
                try:
                    entered[f"{name}_instant"] = to_instant(entered["day"], entered[name], self.zone)
                except WallTimeRefused as refused:
                    self.add_error(name, refused.message)
        begin, end = entered.get("start_time"), entered.get("end_time")
        if begin and end and end <= begin:
            self.add_error("end_time", "The end is not after the start.")
        return entered

    @property
    def booking(self) -> dict[str, Any]:
        """The arguments of `book_appointment`. Raises `BookingRefused` when no line was chosen and none covers."""
        entered = self.cleaned_data
        start, end = entered["start_time_instant"], entered["end_time_instant"]
        code, day = entered["service_code"], entered["day"]
        line = entered["authorization"]
        if line is None:
            line = self._first_ending(code, day, booked_units(start.astimezone(UTC), end.astimezone(UTC)))
        if line is None:
            raise no_line_covers(self.patient, code, day)
        return {
            "patient": self.patient,
            "provider": entered["provider"],
            "authorization": line,
            "service_code": code,
            "start": start,
            "end": end,
            "location": entered["location"],
            "notes": entered["notes"],
        }

    def _first_ending(self, code: str, day: date, units: int) -> Authorization | None:
        """The soonest-ending line that covers the day and has the units, else one that has some."""
        covering = [
            line for line in self.lines if line.service_code == code and line.covers(day) and line.free_units > 0
        ]
        covering.sort(key=lambda line: (line.status == Authorization.Status.PENDING, line.free_units < units))
        return covering[0] if covering else None

    def refuse(self, refused: BookingRefused) -> None:
        """Puts a refusal beside its field."""
        self.add_error(refused.field, f"{refused.message} {refused.suggestion}".strip())


def _open(line: Authorization) -> bool:
    return line.status not in (Authorization.Status.CANCELLED, Authorization.Status.EXPIRED)


def _grouped(people: list[ProviderChoice]) -> list[Any]:
    def option(choice: ProviderChoice) -> tuple[Any, str]:
        return choice.staff_member.id, f"{choice.staff_member}{' (taken at this time)' if choice.is_taken else ''}"

    team = [option(choice) for choice in people if choice.knows_client]
    others = [option(choice) for choice in people if not choice.knows_client]
    if not team:
        return [CHOOSE, *others]
    return [CHOOSE, ("Knows the client", team), *([("Others", others)] if others else [])]


class CancellationForm(OnceForm):
    """Who cancels is apart from why."""

    by_party = forms.ChoiceField(label="Who cancels", widget=forms.RadioSelect, choices=Appointment.CancelledBy.choices)
    reason = forms.CharField(
        label="Why",
        help_text="A few words, such as illness, family plans, provider absent, weather.",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    no_show = forms.BooleanField(label="No-show: nobody came and nobody called", required=False)
