"""Reads of the schedule, and of the pages that show it beside other records."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from clinic.models import (
    Authorization,
    CaseloadAssignment,
    Patient,
    PatientInsurance,
    ServiceCode,
    Sex,
    StaffMember,
    User,
)
from omnirapeutic.db.keyset import Cursor, Page, keyset_page
from omnirapeutic.db.rows import fetch
from scheduling.models import Appointment, ProviderOccupancy
from scheduling.querysets import AppointmentQuerySet
from scheduling.units import hours_text
from scheduling.wall_time import day_bounds, short_date

DAY_PAGE_SIZE = 100
START_SHOWS = 12
CLIENT_SHOWS = 10
ENDING_SOON = timedelta(days=30)
NEARLY_USED_PERCENT = 80


class Booked(NamedTuple):
    """An appointment as lists show it."""

    id: UUID
    start: datetime
    end: datetime
    patient_id: UUID
    last_name: str
    first_name: str
    service_code: str
    provider: str | None
    location: str | None
    status: str

    @property
    def place(self) -> str:
        return place_name(self.location)


def place_name(location: str | None) -> str:
    return Appointment.Location(location).label if location else ""


def _booked(appointments: AppointmentQuerySet) -> Any:
    return appointments.values_list(
        "id",
        "start_time",
        "end_time",
        "patient_id",
        "patient__last_name",
        "patient__first_name",
        "service_code",
        "provider__user__full_name",
        "location",
        "status",
    )


# The schedule --------------------------------------------------------------------------------------------------------


def schedule_page(day: date, zone: ZoneInfo, cursor: Cursor) -> Page[Booked]:
    """The appointments that begin on a day, by time, a page of 100; the cancelled ones too."""
    rows = _booked(Appointment.objects.starting(*day_bounds(day, zone)))
    page = keyset_page(rows, key="start_time", cursor=cursor, size=DAY_PAGE_SIZE, identify=lambda row: row[0])
    return Page([Booked(*row) for row in page.rows], page.previous_cursor, page.next_cursor)


# The client's page ---------------------------------------------------------------------------------------------------


class ClientDetails(NamedTuple):
    """A client's own record."""

    id: UUID
    first_name: str
    last_name: str
    date_of_birth: date
    sex: str | None
    street: str | None
    city: str | None
    state: str
    zip_code: str | None
    primary_diagnosis_code: str | None
    guardian_name: str | None
    guardian_email: str | None
    guardian_phone: str | None
    is_active: bool

    def __str__(self) -> str:
        return f"{self.last_name}, {self.first_name}"

    @property
    def born(self) -> str:
        return short_date(self.date_of_birth)

    @property
    def sex_name(self) -> str:
        return Sex(self.sex).label if self.sex else ""


class Coverage(NamedTuple):
    """An insurance of a client."""

    payer_name: str
    payer_rank: str
    member_id: str
    group_number: str | None
    plan_name: str | None
    relationship: str
    subscriber_first_name: str | None
    subscriber_last_name: str | None
    termination_date: date | None

    @property
    def rank(self) -> str:
        return PatientInsurance.Rank(self.payer_rank).label

    @property
    def until(self) -> str:
        return short_date(self.termination_date) if self.termination_date else ""


class Line(NamedTuple):
    """A line of a payer's letter, with the name of its service."""

    service_code: str
    service_name: str | None
    total_units: int
    used_units: int
    delivered_units: int
    start_date: date
    end_date: date
    status: str
    authorization_number: str | None
    units_per_day: int | None
    units_per_week: int | None
    units_per_month: int | None

    @property
    def reserved_units(self) -> int:
        return self.used_units - self.delivered_units

    @property
    def free_units(self) -> int:
        return self.total_units - self.used_units

    @property
    def facts(self) -> str:
        """Everything in one line of small print."""
        caps = ((self.units_per_day, "day"), (self.units_per_week, "week"), (self.units_per_month, "month"))
        return " · ".join(
            [
                f"{hours_text(self.free_units)} free",
                f"{short_date(self.start_date)} – {short_date(self.end_date)}",
                self.authorization_number or "no number yet",
                *(f"at most {units} a {period}" for units, period in caps if units),
            ]
        )

    def is_current(self, today: date) -> bool:
        return self.end_date >= today and self.status not in ("CANCELLED", "EXPIRED")


class Engagement(NamedTuple):
    """A provider with what ties them to a client: an appointment to come, or (without an id) the caseload."""

    appointment_id: UUID | None
    start: datetime | None
    end: datetime | None
    service_code: str | None
    location: str | None
    status: str | None
    full_name: str | None
    credential: str | None


DETAILS = """
SELECT id, first_name, last_name, date_of_birth, sex, street, city, state, zip_code, primary_diagnosis_code,
       guardian_name, guardian_email, guardian_phone, is_active
FROM patients WHERE id = %s
"""
COVERAGES = """
SELECT payer_name, payer_rank, member_id, group_number, plan_name, relationship, subscriber_first_name,
       subscriber_last_name, termination_date
FROM patient_insurance WHERE patient_id = %s ORDER BY is_active DESC, payer_rank, created_at
"""
LINES = """
SELECT z.service_code, c.name, z.total_units, z.used_units, z.delivered_units, z.start_date, z.end_date, z.status,
       z.authorization_number, z.units_per_day, z.units_per_week, z.units_per_month
FROM authorizations z LEFT JOIN service_codes c ON c.code = z.service_code
WHERE z.patient_id = %s ORDER BY z.end_date, z.start_date, z.id
"""
# What is booked and who is on the caseload, in one statement: each table behind the wall costs the planner again.
ENGAGEMENTS = """
SELECT e.id, e.start_time, e.end_time, e.service_code, e.location, e.status, u.full_name, s.credential
FROM (
    (SELECT id, start_time, end_time, service_code, location, status, provider_id FROM appointments
     WHERE patient_id = %s AND status IN ('SCHEDULED', 'IN_PROGRESS')
       AND start_time > %s - interval '24 hours' AND end_time > %s
     ORDER BY start_time, id LIMIT %s)
    UNION ALL
    (SELECT DISTINCT NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL, NULL, NULL, staff_member_id
     FROM caseload_assignments
     WHERE patient_id = %s AND starts_on <= %s AND (ends_on IS NULL OR ends_on >= %s))
) e LEFT JOIN staff_members s ON s.id = e.provider_id LEFT JOIN users u ON u.id = s.user_id
ORDER BY e.start_time, e.id, u.full_name
"""


@dataclass(frozen=True, slots=True)
class ClientView:
    """What the client's page shows."""

    coverages: list[Coverage]
    current_lines: list[Line]
    earlier_lines: list[Line]
    upcoming: list[Engagement]
    care_team: list[str]


def client_details(patient_id: UUID) -> ClientDetails | None:
    """The record of a client, for those who may open every client of the clinic."""
    found = fetch(ClientDetails, DETAILS, [patient_id])
    return found[0] if found else None


def client_view(patient_id: UUID, today: date, now: datetime) -> ClientView:
    """Lines in force soonest-ending first; those that are over or cancelled apart, the last one first."""
    lines = fetch(Line, LINES, [patient_id])
    engaged = fetch(Engagement, ENGAGEMENTS, [patient_id, now, now, CLIENT_SHOWS, patient_id, today, today])
    return ClientView(
        coverages=fetch(Coverage, COVERAGES, [patient_id]),
        current_lines=[line for line in lines if line.is_current(today)],
        earlier_lines=[line for line in reversed(lines) if not line.is_current(today)],
        upcoming=[each for each in engaged if each.appointment_id],
        care_team=[
            ", ".join(filter(None, (each.full_name, each.credential))) for each in engaged if not each.appointment_id
        ],
    )


# Booking -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Somebody who may render the service, whether they know the client, and whether they are taken at the time."""

    staff_member: StaffMember
    knows_client: bool
    is_taken: bool


def provider_choices(
    patient: Patient, service: ServiceCode, day: date, time_wanted: tuple[datetime, datetime] | None
) -> list[ProviderChoice]:
    """The providers whose credential may render a service and is in force on the day; who knows the client first."""
    able = StaffMember.objects.active().credentialed_for(service.rendered_by)
    able = able.filter(Q(license_expiration__isnull=True) | Q(license_expiration__gte=day))
    taken = set()
    if time_wanted is not None:
        taken = set(ProviderOccupancy.objects.between(*time_wanted).values_list("provider_id", flat=True))
    team = set(CaseloadAssignment.objects.filter(patient=patient).values_list("staff_member_id", flat=True))
    choices = [ProviderChoice(member, member.id in team, member.id in taken) for member in able]
    return sorted(choices, key=lambda choice: not choice.knows_client)


# The front desk's start page -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineAlert:
    """A line that ends soon or is nearly used, with no line after it."""

    patient_id: UUID
    last_name: str
    first_name: str
    service_code: str
    end_date: date
    used_units: int
    total_units: int
    days_left: int

    @property
    def used_percent(self) -> int:
        return 100 * self.used_units // self.total_units

    @property
    def ends_soon(self) -> bool:
        return self.days_left <= ENDING_SOON.days

    @property
    def is_nearly_used(self) -> bool:
        return self.used_percent >= NEARLY_USED_PERCENT


def front_desk_start(user: User) -> dict[str, Any]:
    """What is coming today, and the lines that need a new letter."""
    today = timezone.localdate()
    now = timezone.now()
    zone = timezone.get_current_timezone()
    coming = Appointment.objects.starting(*day_bounds(today, ZoneInfo(str(zone)))).filter(end_time__gt=now).live()
    rows = [Booked(*row) for row in _booked(coming.order_by("start_time", "id"))[: START_SHOWS + 1]]
    return {
        "today": today,
        "appointments": rows[:START_SHOWS],
        "more_appointments": len(rows) > START_SHOWS,
        "alerts": line_alerts(today),
    }


def line_alerts(today: date) -> list[LineAlert]:
    """Lines in force that end within 30 days or are used to 80 percent, the soonest-ending first; the first twelve."""
    after = Authorization.objects.filter(
        patient_id=OuterRef("patient_id"),
        service_code=OuterRef("service_code"),
        end_date__gt=OuterRef("end_date"),
        status__in=["ACTIVE", "PENDING"],
        used_units__lt=F("total_units"),
    )
    lines = (
        Authorization.objects.filter(end_date__gte=today, start_date__lte=today, status__in=["ACTIVE", "EXHAUSTED"])
        .filter(Q(end_date__lte=today + ENDING_SOON) | Q(used_units__gte=F("total_units") * NEARLY_USED_PERCENT / 100))
        .filter(~Exists(after), patient__is_active=True)
        .order_by("end_date", "id")
        .values_list(
            "patient_id",
            "patient__last_name",
            "patient__first_name",
            "service_code",
            "end_date",
            "used_units",
            "total_units",
        )[:START_SHOWS]
    )
    return [LineAlert(*row, days_left=(row[4] - today).days) for row in lines]
