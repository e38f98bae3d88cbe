"""What a session needs before a claim can be made of it: one table of requirements.

The database decides each of them, so that a list of fifty, a count of thousands and the making of one claim ask the
same question. What is asked here is whether everything is *there*; whether it is also right (check digits, lengths,
dates of a letter) is the scrubber's question when the claim is made. So is whether the note is still what was signed:
NOTE_ALTERED is no row of the table, because the hash is of canonical JSON, which SQL cannot make.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Case,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models import Claim, ServiceRate
from billing.problems import FIXER_WORDS, Fixer, Problem, Words
from clinic.models import Authorization, PatientInsurance, ServiceCode, StaffMember
from scheduling.models import Appointment
from sessions.models import NoteSignature, Session, SessionNote

if TYPE_CHECKING:
    from sessions.querysets import SessionQuerySet

# Sessions with what the database found out about each beside its columns.
Assessed = QuerySet[Any]

DAY = timedelta(hours=24)
# Payers take an original claim for 90 to 365 days. Without a bound, a list of the few sessions that are left would be
# searched for in all that was ever billed.
HORIZON = timedelta(days=400)
INSURANCE = "authorization__insurance"
PAYER = f"{INSURANCE}__billing_payer"

TECHNICIAN = StaffMember.Credential.RBT
SIGNED, COSIGNED = SessionNote.Status.SIGNED, SessionNote.Status.LOCKED
# A technician's note is finished when an analyst has co-signed it, anybody else's when it is signed.
NOTE_FINISHED = Q(note__status=COSIGNED) | (Q(note__status=SIGNED) & ~Q(provider__credential=TECHNICIAN))


def _given(*paths: str) -> Q:
    """Text columns that hold something; NULL and '' do not."""
    return reduce(and_, (Q(**{f"{path}__gt": ""}) for path in paths))


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the table. `implied_by` are requirements whose breach already says it all."""

    code: str
    met: Q
    text: Words
    fixer: Fixer
    implied_by: frozenset[str] = frozenset()


def _need(code: str, met: Q, text: Words, fixer: Fixer, *implied_by: str) -> Requirement:
    return Requirement(code, met, text, fixer, frozenset(implied_by))


_NO_LETTER = ("AUTHORIZATION_MISSING",)
_NO_PLAN = (*_NO_LETTER, "INSURANCE_MISSING")
_UNFINISHED = ("NEEDS_REVIEW", "NOTE_UNSIGNED", "COSIGNATURE_MISSING")

REQUIREMENTS: tuple[Requirement, ...] = (
    _need("CLINIC_INCOMPLETE", Q(clinic_complete=True), _("The clinic's own data is incomplete."), Fixer.ADMINISTRATOR),
    _need("NEEDS_REVIEW", Q(status="COMPLETED"), _("The session needs a review of its units."), Fixer.ANALYST),
    _need("NOTE_UNSIGNED", Q(note__status__in=(SIGNED, COSIGNED)), _("The note is not signed."), Fixer.PROVIDER),
    _need(
        "COSIGNATURE_MISSING",
        ~Q(provider__credential=TECHNICIAN, note__status=SIGNED),
        _("The note is not co-signed."),
        Fixer.ANALYST,
    ),
    _need("UNITS_NONE", Q(billed_units__gt=0), _("There is no unit to bill: it was too short."), Fixer.NOBODY),
    _need("PLACE_MISSING", _given("location"), _("The place of the session is not given."), Fixer.ADMINISTRATOR),
    _need(
        "AUTHORIZATION_MISSING",
        Q(authorization__isnull=False),
        _("The session has no authorization."),
        Fixer.FRONT_DESK,
    ),
    _need(
        "AUTHORIZATION_PENDING",
        ~Q(authorization__status=Authorization.Status.PENDING),
        _("The payer has not decided on the authorization."),
        Fixer.FRONT_DESK,
        *_NO_LETTER,
    ),
    _need(
        "AUTHORIZATION_DATES",
        Q(authorization__start_date__lte=F("service_date"), authorization__end_date__gte=F("service_date")),
        _("The authorization does not cover the date of service."),
        Fixer.FRONT_DESK,
        *_NO_LETTER,
    ),
    _need(
        "AUTHORIZATION_NUMBER",
        _given("authorization__authorization_number"),
        _("The authorization has no number."),
        Fixer.FRONT_DESK,
        *_NO_LETTER,
    ),
    _need(
        "INSURANCE_MISSING",
        Q(authorization__insurance__isnull=False),
        _("The authorization names no insurance."),
        Fixer.FRONT_DESK,
        *_NO_LETTER,
    ),
    _need(
        "PAYER_MISSING",
        Q(**{f"{PAYER}__isnull": False}),
        _("The insurance is not linked to a payer."),
        Fixer.FRONT_DESK,
        *_NO_PLAN,
    ),
    _need(
        "MEMBER_ID_MISSING",
        _given(f"{INSURANCE}__member_id"),
        _("The member ID is missing."),
        Fixer.FRONT_DESK,
        *_NO_PLAN,
    ),
    _need(
        "SUBSCRIBER_MISSING",
        Q(**{f"{INSURANCE}__relationship": PatientInsurance.Relationship.SELF})
        | _given(f"{INSURANCE}__subscriber_first_name", f"{INSURANCE}__subscriber_last_name"),
        _("The subscriber's name is missing."),
        Fixer.FRONT_DESK,
        *_NO_PLAN,
    ),
    _need(
        "COVERAGE_DATES",
        (Q(**{f"{INSURANCE}__effective_date": None}) | Q(**{f"{INSURANCE}__effective_date__lte": F("service_date")}))
        & (
            Q(**{f"{INSURANCE}__termination_date": None})
            | Q(**{f"{INSURANCE}__termination_date__gte": F("service_date")})
        ),
        _("The insurance did not cover the date of service."),
        Fixer.FRONT_DESK,
        *_NO_PLAN,
    ),
    _need(
        "ADDRESS_MISSING",
        _given("patient__street", "patient__city", "patient__state", "patient__zip_code"),
        _("The client's address is incomplete."),
        Fixer.FRONT_DESK,
    ),
    _need("SEX_MISSING", _given("patient__sex"), _("The client's sex is not given."), Fixer.FRONT_DESK),
    _need(
        "DIAGNOSIS_MISSING", _given("patient__primary_diagnosis_code"), _("The diagnosis is missing."), Fixer.FRONT_DESK
    ),
    _need(
        "NPI_MISSING",
        _given("provider__npi")
        | _given("provider__user__npi")
        # A technician without one is billed under the analyst who co-signed, once that is known.
        | (Q(provider__credential=TECHNICIAN) & (~Q(note__status=COSIGNED) | _given("supervisor_npi"))),
        _("The provider's NPI is missing."),
        Fixer.ADMINISTRATOR,
    ),
    _need("RATE_MISSING", Q(rate__gt=0), _("There is no rate for this service on this date."), Fixer.ADMINISTRATOR),
    _need(
        "FILING_LATE",
        Q(file_by__gte=F("today")),
        _("The payer's filing limit has passed: file on paper with proof, or write off."),
        Fixer.NOBODY,
        *_NO_PLAN,
        "PAYER_MISSING",
    ),
    _need(
        "SIBLING_UNFINISHED",
        Q(sibling_unfinished=False, sibling_booked=False),
        _("Another session of this service on the same day is not finished; sent apart, one is denied as a duplicate."),
        Fixer.NOBODY,
        *_UNFINISHED,
    ),
    _need(
        "SAME_DAY_CLAIM",
        Q(same_day_claim=None),
        _(
            "Another session of this service on this day is already on claim %(claim)s;"
            " combine them by hand with the payer."
        ),
        Fixer.NOBODY,
    ),
    _need(
        "DAILY_UNITS",
        Q(daily_unit_limit=None) | Q(day_units__lte=F("daily_unit_limit")),
        _("The day's sessions of this service have more units than payers accept; settle them by hand with the payer."),
        Fixer.NOBODY,
    ),
    _need(
        "TIMES_OVERLAP",
        Q(provider_overlap=False),
        _("The provider has another session at the same time."),
        Fixer.PROVIDER,
    ),
)
NOTE_ALTERED = Problem(
    "NOTE_ALTERED",
    _("The session or its note is no longer what was signed, so it cannot be billed."),
    FIXER_WORDS[Fixer.ADMINISTRATOR],
)
# Of sessions with their state: nothing is missing.
READY = Q(missing=[])


class _Codes(Func):
    """The codes that are not NULL, as an array."""

    template = "array_remove(ARRAY[%(expressions)s]::text[], NULL)"
    output_field = ArrayField(TextField())


def standing_claims() -> QuerySet[Claim]:
    """Claims that stand for their session. A rejected one never reached the payer: the session is billed anew.

    A denied one did: it is corrected, not made again.
    """
    return Claim.objects.exclude(status=Claim.Status.REJECTED)


# A claim brought in from elsewhere may have none.
CLAIM_NUMBER = Coalesce("claim_number", Value("–"), output_field=TextField())


def same_day_claims() -> QuerySet[Claim]:
    """For a sub-query of sessions: claims of the client's other sessions of that service and day.

    Of a rejected or denied one the payer pays nothing, so it makes no duplicate.
    """
    return Claim.objects.exclude(status__in=(Claim.Status.REJECTED, Claim.Status.DENIED)).filter(
        ~Q(session=OuterRef("pk")),
        session__patient=OuterRef("patient"),
        session__service_code=OuterRef("service_code"),
        session__service_date=OuterRef("service_date"),
        session__start_time__gt=OuterRef("start_time") - DAY,
        session__start_time__lt=OuterRef("start_time") + DAY,
    )


def unbilled_sessions() -> QuerySet[Session]:
    """Ended sessions of billable services of which no claim stands, as far back as a claim may still be made."""
    not_billable = ServiceCode.objects.filter(pk=OuterRef("service_code"), is_billable=False)
    sessions = Session.objects.ended().since(timezone.now() - HORIZON)
    return sessions.filter(~Exists(standing_claims().filter(session=OuterRef("pk"))), ~Exists(not_billable))


def with_state(sessions: QuerySet[Session], *, zone: ZoneInfo, today: date, clinic_complete: bool) -> Assessed:
    """Adds `missing`, the codes of what is not met, and the facts it is found from.

    `today` is the clinic's day, `clinic_complete` whether its own data allows a claim at all. `rate` is dollars per
    unit, `file_by` the last day the payer takes an original claim, `same_day_claim` the number of the claim that
    another session of the service and day is on, `day_units` the units of all of the client's ended ones.
    """
    facts = sessions.annotate(
        clinic_complete=Value(clinic_complete, output_field=BooleanField()),
        today=Value(today, output_field=DateField()),
        rate=Subquery(rates_of_session().values("rate")[:1]),
        supervisor_npi=Subquery(_supervising_signatures().values("npi")[:1]),
        file_by=ExpressionWrapper(F("service_date") + F(f"{PAYER}__timely_filing_days"), output_field=DateField()),
        sibling_unfinished=Exists(_unfinished_siblings()),
        sibling_booked=Exists(_booked_siblings(zone)),
        same_day_claim=Subquery(same_day_claims().values(number=CLAIM_NUMBER)[:1]),
        daily_unit_limit=Subquery(
            ServiceCode.objects.filter(pk=OuterRef("service_code")).values("daily_unit_limit")[:1]
        ),
        day_units=Coalesce(Subquery(_units_of_day()), 0),
        provider_overlap=Exists(_overlapping_sessions()),
    )
    codes = (Case(When(each.met, then=None), default=Value(each.code)) for each in REQUIREMENTS)
    assessed: Assessed = facts.annotate(missing=_Codes(*codes))
    return assessed


def rates_of_session() -> QuerySet[ServiceRate]:
    """For a sub-query of sessions: what is charged on the date of service; the payer's own rate, else the clinic's."""
    return (
        ServiceRate.objects.filter(service_code=OuterRef("service_code"), starts_on__lte=OuterRef("service_date"))
        .filter(Q(ends_on__isnull=True) | Q(ends_on__gte=OuterRef("service_date")))
        .filter(Q(payer__isnull=True) | Q(payer=OuterRef(PAYER)))
        .order_by(F("payer").asc(nulls_last=True))
    )


def problems(
    missing: list[str], *, provider_name: str = "", analyst_name: str = "", same_day_claim: str = ""
) -> list[Problem]:
    """What is missing in words, without what another problem already implies."""
    names: Mapping[Fixer, str] = {Fixer.PROVIDER: provider_name, Fixer.ANALYST: analyst_name}
    return [
        Problem(each.code, each.text % {"claim": same_day_claim}, names.get(each.fixer) or FIXER_WORDS[each.fixer])
        for each in REQUIREMENTS
        if each.code in missing and each.implied_by.isdisjoint(missing)
    ]


def _supervising_signatures() -> QuerySet[Any]:
    """With `npi`, the one that the claim would name: the staff member's, else the account's."""
    own = NullIf("staff_member__npi", Value(""), output_field=TextField())
    npi = Coalesce(own, "staff_member__user__npi", output_field=TextField())
    signatures = NoteSignature.objects.filter(signer_role=NoteSignature.SignerRole.SUPERVISING)
    return signatures.filter(note__session=OuterRef("pk")).annotate(npi=npi)


def _units_of_day() -> QuerySet[Any, Any]:
    ended = siblings().ended().order_by().values("service_code")
    return ended.annotate(total=Sum("billed_units")).values("total")


def _unfinished_siblings() -> QuerySet[Session]:
    """Sessions of one client, service and day whose own claim cannot be made yet."""
    unfinished = Q(status__in=("IN_PROGRESS", "REQUIRES_REVIEW")) | (Q(status="COMPLETED") & ~NOTE_FINISHED)
    return siblings().filter(unfinished)


def siblings() -> "SessionQuerySet":
    """For a sub-query of sessions: those of the same client, service and day. Times bound the index scan."""
    return Session.objects.filter(
        patient=OuterRef("patient"),
        service_code=OuterRef("service_code"),
        service_date=OuterRef("service_date"),
        start_time__gt=OuterRef("start_time") - DAY,
        start_time__lt=OuterRef("start_time") + DAY,
    )


def _booked_siblings(zone: ZoneInfo) -> QuerySet[Appointment]:
    """Appointments of one client, service and day that are still to be held (or lapse)."""
    return Appointment.objects.annotate(day=TruncDate("start_time", tzinfo=zone)).filter(
        patient=OuterRef("patient"),
        service_code=OuterRef("service_code"),
        day=OuterRef("service_date"),
        status=Appointment.Status.SCHEDULED,
        start_time__gt=OuterRef("start_time") - DAY,
        start_time__lt=OuterRef("start_time") + DAY,
    )


def _overlapping_sessions() -> QuerySet[Session]:
    """Other sessions of the provider at the same time, members of one group session aside."""
    group_services = ServiceCode.objects.filter(is_group=True).values("code")
    return (
        Session.objects.filter(
            provider=OuterRef("provider"),
            start_time__lt=OuterRef("end_time"),
            start_time__gt=OuterRef("start_time") - DAY,
            end_time__gt=OuterRef("start_time"),
        )
        .exclude(pk=OuterRef("pk"))
        .exclude(status=Session.Status.CANCELLED)
        .exclude(service_code=OuterRef("service_code"), service_code__in=group_services)
    )
