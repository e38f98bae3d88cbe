"""What the biller's pages show, and what a claim is made from: reads over several models."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
)
from django.utils import timezone

from billing import readiness
from billing.building import ClaimFacts, clinic_findings
from billing.edi.findings import Finding, Severity
from billing.edi.rules import SCRUBBER
from billing.models import Claim, ClaimDocument, ServiceRate
from billing.problems import Problem, explain
from billing.readiness import Assessed
from clinic.models import CaseloadAssignment, Organization, StaffMember, User
from omnirapeutic.db.keyset import Cursor, Page, keyset_page
from omnirapeutic.tenancy import context
from sessions.models import NoteSignature, Session, SessionNote
from sessions.services.notes import is_altered

PAGE_SIZE = 50
ANALYSTS = ("BCBA", "BCBA-D", "BCaBA")


@dataclass(frozen=True, slots=True)
class Clinic:
    """The organisation in context as a sender of claims."""

    organization: Organization
    problems: list[Problem]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.organization.time_zone)

    def with_state(self, sessions: QuerySet[Session]) -> Assessed:
        """Sessions with whether a claim can be made of each, today."""
        today = timezone.localdate(timezone=self.zone)
        return readiness.with_state(sessions, zone=self.zone, today=today, clinic_complete=not self.problems)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A delivered session that no claim stands for, with what a claim needs of it and nothing clinical besides."""

    id: UUID
    service_date: date | None
    service_code: str
    units: int
    rate: Decimal | None
    first_name: str
    last_name: str
    date_of_birth: date
    diagnosis: str
    payer_name: str
    member_id: str
    authorization_number: str
    provider_name: str
    has_sibling: bool
    problems: list[Problem]

    @property
    def is_ready(self) -> bool:
        return not self.problems

    @property
    def amount(self) -> Decimal | None:
        """Dollars; None while there is no rate."""
        return None if self.rate is None else self.units * self.rate


@dataclass(frozen=True, slots=True)
class Worklist:
    items: list[WorkItem]
    clinic_problems: list[Problem]
    previous_cursor: UUID | None
    next_cursor: UUID | None


@dataclass(frozen=True, slots=True)
class ClaimRow:
    id: UUID
    claim_number: str
    service_date: date | None
    service_code: str
    first_name: str
    last_name: str
    payer_name: str
    amount: Decimal | None
    status: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """One claim with its newest document, the document's bytes left where they are."""

    claim: Claim
    document: ClaimDocument | None
    warnings: list[Problem]

    @property
    def lines(self) -> list[dict[str, Any]]:
        lines = self.claim.edi_payload.get("lines", [])
        return [line | {"date": date.fromisoformat(line["date"])} for line in lines]


def clinic() -> Clinic:
    """The organisation in context, and what keeps it from sending any claim."""
    organization = Organization.objects.get(pk=context.required().organization_id)
    return Clinic(organization, explain(clinic_findings(organization)))


# The worklist


def worklist(state: str, cursor: Cursor) -> Worklist:
    """Sessions without a claim, newest first, a page of 50 in two statements; `state` is `ready`, `waiting` or ``."""
    own = clinic()
    sessions = own.with_state(readiness.unbilled_sessions())
    if state:
        sessions = sessions.filter(readiness.READY if state == "ready" else ~readiness.READY)
    page: Page[dict[str, Any]] = keyset_page(
        _item_values(sessions), key="start_time", cursor=cursor, size=PAGE_SIZE, identify=_id_of, newest_first=True
    )
    return Worklist([_work_item(row) for row in page.rows], own.problems, page.previous_cursor, page.next_cursor)


def work_item(session_id: UUID) -> WorkItem | None:
    """One row of the worklist; None when a claim stands for the session."""
    row = _item_values(clinic().with_state(readiness.unbilled_sessions().filter(pk=session_id))).first()
    return _work_item(row) if row else None


def biller_start(user: User) -> dict[str, Any]:
    """What waits for the biller: how many sessions, how old, how many dollars. Three statements."""
    own = clinic()
    counted = (
        own.with_state(readiness.unbilled_sessions())
        .values(is_ready=ExpressionWrapper(readiness.READY, output_field=BooleanField()))
        .annotate(count=Count("pk"), oldest=Min("service_date"), amount=Sum(F("rate") * F("billed_units")))
        .order_by()
    )
    by_state = {row["is_ready"]: row for row in counted}
    nothing = {"count": 0, "oldest": None, "amount": None}
    return {
        "ready": by_state.get(True, nothing),
        "waiting": by_state.get(False, nothing),
        "clinic_problems": own.problems,
        "not_sent": Claim.objects.filter(status=Claim.Status.DRAFT).aggregate(
            count=Count("pk"), amount=Sum("billed_amount"), newest=Max("created_at")
        ),
    }


def _item_values(sessions: Assessed) -> QuerySet[Any, dict[str, Any]]:
    """The columns of a work item. A biller's page reads no note and no data of a session."""
    return sessions.values(
        "id",
        "service_date",
        "service_code",
        "rate",
        "missing",
        "same_day_claim",
        units=F("billed_units"),
        first_name=F("patient__first_name"),
        last_name=F("patient__last_name"),
        date_of_birth=F("patient__date_of_birth"),
        diagnosis=F("patient__primary_diagnosis_code"),
        payer_name=F("authorization__insurance__payer_name"),
        member_id=F("authorization__insurance__member_id"),
        authorization_number=F("authorization__authorization_number"),
        provider_name=F("provider__user__full_name"),
        analyst_name=Subquery(_analysts().values("staff_member__user__full_name")[:1]),
        has_sibling=Exists(readiness.siblings().ended().exclude(pk=OuterRef("pk"))),
    )


def _work_item(row: dict[str, Any]) -> WorkItem:
    names = {"provider_name": row["provider_name"] or "", "analyst_name": row.pop("analyst_name") or ""}
    names["same_day_claim"] = row.pop("same_day_claim") or ""
    missing = readiness.problems(row.pop("missing"), **names)
    texts = ("diagnosis", "payer_name", "member_id", "authorization_number", "provider_name")
    filled = {name: row[name] or "" for name in texts}
    return WorkItem(**(row | filled | {"units": row["units"] or 0, "problems": missing}))


def _analysts() -> QuerySet[CaseloadAssignment]:
    """For a sub-query of sessions: the analysts who had the client on their caseload that day, the latest first."""
    return (
        CaseloadAssignment.objects.filter(
            patient=OuterRef("patient"),
            starts_on__lte=OuterRef("service_date"),
            staff_member__credential__in=ANALYSTS,
        )
        .exclude(ends_on__lt=OuterRef("service_date"))
        .order_by("-starts_on", "pk")
    )


# Making a claim


@dataclass(frozen=True, slots=True)
class Assessment:
    """A session that is to be billed: `facts` when everything is there, else `problems`."""

    facts: ClaimFacts | None
    problems: list[Problem]


def assess(session_id: UUID) -> Assessment:
    """Everything a claim of the session is made of, without locks. Raises `Session.DoesNotExist`.

    Whether the note is still what was signed is asked here only, of what the worklist calls ready: the hash is of
    canonical JSON, which SQL cannot make.
    """
    own = clinic()
    of_provider = Session.objects.ended().filter(
        patient=OuterRef("patient"), provider=OuterRef("provider"), service_date=OuterRef("service_date")
    )
    session = (
        own.with_state(Session.objects.ended())
        .annotate(
            rate_id=Subquery(readiness.rates_of_session().values("pk")[:1]),
            has_other=Exists(of_provider.exclude(pk=OuterRef("pk"))),
        )
        .select_related("patient", "provider__user", "authorization__insurance__billing_payer")
        .defer("latest_metrics", "ai_note_json", "voice_note_url", "voice_transcript")
        .get(pk=session_id)
    )
    provider_name = session.provider.user.full_name if session.provider else ""
    problems = readiness.problems(
        session.missing, provider_name=provider_name, same_day_claim=session.same_day_claim or ""
    )
    if not problems and _is_altered(session_id):
        problems = [readiness.NOTE_ALTERED]
    if problems:
        return Assessment(None, problems)
    facts = ClaimFacts(
        organization=own.organization,
        session=session,
        rate=ServiceRate.objects.get(pk=session.rate_id),
        supervisor=_supervisor(session),
        is_alone=not session.has_other,
        daily_unit_limit=session.daily_unit_limit,
        now=timezone.now(),
    )
    return Assessment(facts, [])


def _is_altered(session_id: UUID) -> bool:
    """Whether the note, or the session it is of, is no longer what was signed. Nothing of either is shown."""
    return is_altered(SessionNote.objects.select_related("session").get(session=session_id))


def same_day_claim(session_id: UUID) -> str:
    """The number of the claim that another session of the same client, service and day is on, else empty."""
    claims = readiness.same_day_claims().values(number=readiness.CLAIM_NUMBER)[:1]
    return Session.objects.values_list(Subquery(claims), flat=True).get(pk=session_id) or ""


def standing_claim(session_id: UUID) -> Claim | None:
    """The claim that stands for a session, if one was made."""
    return readiness.standing_claims().filter(session_id=session_id).first()


def _supervisor(session: Session) -> StaffMember | None:
    """The analyst who co-signed the session's note."""
    signature = (
        NoteSignature.objects.filter(note__session=session, signer_role=NoteSignature.SignerRole.SUPERVISING)
        .select_related("staff_member__user")
        .first()
    )
    return signature.staff_member if signature else None


# Claims


def claim_list(claims: QuerySet[Claim], cursor: Cursor) -> Page[ClaimRow]:
    """Claims, newest first, a page of 50 in one statement."""
    rows: QuerySet[Any, Any] = claims.values(
        "id",
        "claim_number",
        "service_date",
        "status",
        service_code=F("session__service_code"),
        first_name=F("patient__first_name"),
        last_name=F("patient__last_name"),
        payer_name=F("authorization__insurance__payer_name"),
        amount=F("billed_amount"),
        made_at=F("created_at"),
    )
    page: Page[dict[str, Any]] = keyset_page(
        rows, key="created_at", cursor=cursor, size=PAGE_SIZE, identify=_id_of, newest_first=True
    )
    return Page([ClaimRow(**row) for row in page.rows], page.previous_cursor, page.next_cursor)


def claim_page(claim: Claim) -> ClaimPage:
    """A claim as its page shows it. The claim brings its client, session and insurance."""
    codes = [(each["code"], each["field"]) for each in claim.edi_payload.get("warnings", [])]
    warnings = explain(Finding(code, Severity.WARN, field, SCRUBBER[code].fix) for code, field in codes)
    return ClaimPage(claim, documents_of(claim).defer("content").first(), warnings)


def documents_of(claim: Claim) -> QuerySet[ClaimDocument]:
    """The documents made of a claim, newest first."""
    return claim.documents.order_by("-created_at")


def _id_of(row: dict[str, Any]) -> UUID:
    found: UUID = row["id"]
    return found
