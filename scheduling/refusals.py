"""Explains what the database refused: the reason in plain words, the field it stands beside, and what would fit.

Called after the refused booking was rolled back, so that a booking that fits pays for none of this.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clinic.models import Authorization, Patient, ServiceCode, StaffMember
from omnirapeutic.db.functions import UnitsRefused
from scheduling.exceptions import BookingRefused
from scheduling.free_time import Stretch, nearest_free
from scheduling.models import Appointment, ProviderOccupancy
from scheduling.units import UNIT, units_text
from scheduling.wall_time import clock, day_bounds, day_name

# Free times are proposed within these hours, where the clinic is.
OPENS, CLOSES = time(7), time(20)

# The services that take the same place in a child's day as this one: sql/014_clinic.sql, patient_lanes.
CODES_IN_THE_WAY = """
SELECT other.code FROM service_codes other JOIN service_codes this ON other.patient_lanes && this.patient_lanes
WHERE this.code = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A booking as it was asked for. Instants in UTC; `day` is the date of service, where the clinic is."""

    patient: Patient
    provider: StaffMember
    authorization: Authorization
    service: ServiceCode
    start: datetime
    end: datetime
    day: date
    units: int
    zone: ZoneInfo

    def at(self, instant: datetime) -> str:
        return clock(instant.astimezone(self.zone))

    def span(self, stretch: Stretch) -> str:
        return f"{self.at(stretch[0])} to {self.at(stretch[1])}"

    @property
    def stretch(self) -> Stretch:
        return self.start, self.end


# Units ---------------------------------------------------------------------------------------------------------------


def explain_units(refused: UnitsRefused, wish: Wish) -> BookingRefused:
    """The unit ledger's refusal, for the person at the form."""
    line = wish.authorization
    match refused.code:
        case "INSUFFICIENT_UNITS":
            left = int(refused.facts["available"])
            message = f"{units_text(left)} are left on this line, and this time needs {wish.units}."
            return BookingRefused(refused.code, "end_time", message, shorten(wish, left) + _other_line(wish))
        case "CAP_EXCEEDED":
            return _explain_cap(refused.facts, wish)
        case "AUTH_NOT_STARTED":
            message = f"This line begins on {day_name(line.start_date)}."
        case "AUTH_EXPIRED" if line.end_date < wish.day:
            message = f"This line ended on {day_name(line.end_date)}."
        case "AUTH_EXPIRED":
            message = "This line has expired."
        case "AUTH_EXHAUSTED":
            message = f"All {line.total_units} units of this line are taken."
        case "AUTH_PENDING":
            message = "The payer has not decided on this line, and this clinic books only after the decision."
        case "AUTH_CANCELLED":
            message = "This line was cancelled."
        case _:
            raise refused
    return BookingRefused(refused.code, "authorization", message, _other_line(wish).strip() or _no_other_line(wish))


def _explain_cap(facts: dict[str, Any], wish: Wish) -> BookingRefused:
    left = int(facts["available"])
    period, cap = {
        "DAY": ("day", wish.authorization.units_per_day),
        "WEEK": ("week", wish.authorization.units_per_week),
        "MONTH": ("month", wish.authorization.units_per_month),
    }[facts["cap"]]
    message = f"The letter allows {cap} units a {period}; {units_text(left) if left else 'none'} are left in this one."
    fits = shorten(wish, left) or f"Choose another {period}."
    return BookingRefused("CAP_EXCEEDED", "end_time" if left else "day", message, fits + _other_line(wish))


def shorten(wish: Wish, units: int) -> str:
    """The end that uses only the units that are left; empty when none are."""
    return f"Shorten the appointment to end at {wish.at(wish.start + units * UNIT)}." if units > 0 else ""


def _other_line(wish: Wish) -> str:
    """Another line of the service that covers the day and has the units."""
    lines = wish.patient.authorizations.bookable(service_code=wish.service.code).covering(wish.day)
    other = next((line for line in lines if line.id != wish.authorization.id and line.free_units >= wish.units), None)
    return f" {line_text(other)} would cover it." if other else ""


def _no_other_line(wish: Wish) -> str:
    return f"No other line of {wish.service.code} covers {day_name(wish.day)} with {wish.units} free units."


def line_text(line: Authorization) -> str:
    """A line as a choice shows it: its number, last day and free units."""
    number = line.authorization_number or "Line without a number"
    return f"{number}, to {day_name(line.end_date)} ({line.free_units} units free)"


def no_line_covers(patient: Patient, service_code: str, day: date) -> BookingRefused:
    """Nobody chose a line, and none that has free units covers the day."""
    lines = list(patient.authorizations.filter(service_code=service_code).order_by("start_date", "end_date"))
    covering = [line for line in lines if line.covers(day)]
    if covering:
        message = f"No line of {service_code} that covers {day_name(day)} has free units."
        return BookingRefused("AUTH_EXHAUSTED", "authorization", message, _dates_of(lines))
    message = f"No authorization of {service_code} covers {day_name(day)}."
    return BookingRefused("NO_AUTHORIZATION", "authorization", message, _dates_of(lines))


def _dates_of(lines: list[Authorization]) -> str:
    spans = [f"{day_name(line.start_date)} to {day_name(line.end_date)}" for line in lines[-3:]]
    return f"On record: {'; '.join(spans)}." if spans else "Add an authorization line first."


# Overlaps ------------------------------------------------------------------------------------------------------------


def explain_overlap(constraint: str, wish: Wish) -> BookingRefused:
    """Who is taken then, and when both are free on that day."""
    provider_times = list(_provider_times(wish))
    client_times = list(_client_times(wish))
    if constraint == "provider_occupancies_overlap":
        code, who, times = "PROVIDER_OVERLAP", "The provider is", provider_times
    else:
        code, who, times = "CLIENT_OVERLAP", "The client is", client_times
    clash = next((each for each in times if each[0] < wish.end and each[1] > wish.start), wish.stretch)
    return BookingRefused(
        code,
        "start_time",
        f"{who} booked from {wish.span(clash)}.",
        _both_free(wish, [*provider_times, *client_times]),
    )


def _both_free(wish: Wish, taken: list[Stretch]) -> str:
    opens = datetime.combine(wish.day, OPENS, wish.zone)
    closes = datetime.combine(wish.day, CLOSES, wish.zone)
    free = nearest_free(taken, wish.stretch, (min(opens, wish.start), max(closes, wish.end)))
    if free is None:
        return "No time of this length is free for both on this day."
    return f"Both are free from {wish.span(free)}."


def _provider_times(wish: Wish) -> Any:
    first, last = day_bounds(wish.day, wish.zone)
    occupied = ProviderOccupancy.objects.filter(provider=wish.provider).between(first, last + timedelta(days=1))
    return occupied.order_by("start_time").values_list("start_time", "end_time")


def _client_times(wish: Wish) -> Any:
    first, last = day_bounds(wish.day, wish.zone)
    in_the_way = [row.code for row in ServiceCode.objects.raw(CODES_IN_THE_WAY, [wish.service.code])]
    booked = Appointment.objects.filter(patient=wish.patient, service_code__in=in_the_way).live()
    return booked.between(first, last + timedelta(days=1)).order_by("start_time").values_list("start_time", "end_time")
