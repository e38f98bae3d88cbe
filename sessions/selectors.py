"""What the pages of a technician and an analyst show: reads over several models."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from clinic.models import Patient, User
from omnirapeutic.db.keyset import Cursor, Page, keyset_page
from scheduling.models import Appointment
from sessions import measures
from sessions.measures import PROMPT_LEVELS, EventType, Metrics
from sessions.models import NoteSignature, Program, Session, SessionEvent, SessionNote, Target
from sessions.permissions import caseload, caseload_sessions, own_appointments, own_sessions, reviewable_sessions
from sessions.querysets import RECENT
from sessions.start_window import StartWindow

CASELOAD_PAGE = 50
WAITING_SHOWN = 50
CARDS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class DayCard:
    """One of a provider's appointments of a day, and what became of it."""

    appointment: Appointment
    session: Session | None
    note_status: str
    opens: datetime
    can_start: bool

    @property
    def is_over(self) -> bool:
        return not self.can_start and self.session is None and self.opens < timezone.now()


@dataclass(frozen=True, slots=True)
class Day:
    """A provider's day, and what is left over from others."""

    cards: list[DayCard]
    left_running: list[Session]
    to_finish: list[Session]

    @property
    def next_card(self) -> DayCard | None:
        """The one that runs, else the next to be started."""
        live = [card for card in self.cards if card.session and card.session.status == Session.Status.IN_PROGRESS]
        waiting = [card for card in self.cards if card.appointment.status == Appointment.Status.SCHEDULED]
        return next(iter(live + waiting), None)


@dataclass(frozen=True, slots=True)
class TargetData:
    """A target with its figures, as the tiles of the session page and the tables read them."""

    target: Target
    figures: Metrics
    observed_minutes: int | None = None
    last: SessionEvent | None = None
    prompt_levels: list[dict[str, str]] = field(
        default_factory=lambda: [{"code": code, "label": label} for code, label in PROMPT_LEVELS]
    )

    @property
    def id(self) -> UUID:
        return self.target.id

    @property
    def name(self) -> str:
        return str(self.target.name)

    @property
    def measure(self) -> str:
        return str(Target.Measure(self.target.measure).label)

    @property
    def phase(self) -> str:
        return str(Target.Phase(self.target.phase).label)

    @property
    def component(self) -> str:
        """The tile that records it."""
        return {"FREQUENCY": "counter", "DURATION": "duration", "DISCRETE_TRIAL": "trial"}[self.target.measure]

    @property
    def metrics(self) -> dict[str, Any]:
        last_outcome = (self.last.metadata or {}).get("outcome", "") if self.last else ""
        return {
            **self.figures.as_json(),
            "last_event_id": self.last.client_event_id if self.last else "",
            "last_outcome": last_outcome,
        }

    @property
    def is_missing(self) -> bool:
        return self.figures.is_missing

    @property
    def summary(self) -> str:
        """The figures in words; they never take the place of the narrative."""
        return describe(self.figures, self.observed_minutes)


@dataclass(frozen=True, slots=True)
class ProgramData:
    program: Program
    targets: list[TargetData]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A session of today as an analyst follows it."""

    session: Session
    targets: list[TargetData]

    @property
    def recorded(self) -> list[TargetData]:
        return [target for target in self.targets if not target.is_missing]

    @property
    def minutes(self) -> int:
        end = self.session.end_time or timezone.now()
        return max(0, int((end - self.session.start_time).total_seconds() // 60))


@dataclass(frozen=True, slots=True)
class Review:
    rows: list[ReviewRow]
    version: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class CaseloadRow:
    patient: Patient
    programs: int
    targets: int


# --- words ------------------------------------------------------------------------------------------------------------


def describe(figures: Metrics, observed_minutes: int | None = None) -> str:
    """A target's figures in one line. What was not recorded is said, not shown as zero.

    `observed_minutes` is the length of the session, None while it runs.
    """
    if figures.is_missing:
        return gettext("Nothing recorded")
    parts = [
        *_count_words(figures, observed_minutes),
        *_trial_words(figures),
        *_duration_words(figures, ended=observed_minutes is not None),
    ]
    return " · ".join(parts)


def _count_words(figures: Metrics, observed_minutes: int | None) -> Iterable[str]:
    if figures.count is None:
        return
    yield ngettext("%(count)s time", "%(count)s times", figures.count) % {"count": figures.count}
    rate = figures.rate_per_hour(observed_minutes)
    if rate is not None:
        yield gettext("%(rate)s per hour") % {"rate": rate}


def _trial_words(figures: Metrics) -> Iterable[str]:
    if not figures.scored:
        return
    yield gettext("%(percent)s%% independent (%(correct)s of %(scored)s trials)") % {
        "percent": figures.percent_independent,
        "correct": figures.correct or 0,
        "scored": figures.scored,
    }
    if figures.prompted:
        yield gettext("%(count)s prompted") % {"count": figures.prompted}
    if figures.no_response:
        yield gettext("%(count)s without response") % {"count": figures.no_response}


def _duration_words(figures: Metrics, *, ended: bool) -> Iterable[str]:
    if figures.occurrences is not None and figures.duration_seconds is not None:
        times = ngettext("%(count)s time", "%(count)s times", figures.occurrences) % {"count": figures.occurrences}
        total, mean = clock(figures.duration_seconds), clock(figures.mean_seconds or 0)
        yield gettext("%(times)s, %(total)s in all, %(mean)s on average") % {
            "times": times,
            "total": total,
            "mean": mean,
        }
    if figures.running_since is not None:
        yield gettext("timer not stopped") if ended else gettext("timer running")


def clock(seconds: Any) -> str:
    """95 → `1:35`, 3700 → `1:01:40`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    full, minutes_left = divmod(minutes, 60)
    return f"{full}:{minutes_left:02}:{rest:02}" if full else f"{minutes}:{rest:02}"


# --- a provider's day -------------------------------------------------------------------------------------------------


def day_bounds(now: datetime) -> tuple[datetime, datetime]:
    """Today's beginning and end where the clinic is."""
    zone = timezone.get_current_timezone()
    today = now.astimezone(zone).date()
    return datetime.combine(today, time.min, zone), datetime.combine(today + timedelta(days=1), time.min, zone)


def my_day(user: User) -> Day:
    """A provider's appointments of today with their sessions, in two statements."""
    now = timezone.now()
    start, end = day_bounds(now)
    booked = list(
        own_appointments(user)
        .filter(start_time__gte=start, start_time__lt=end)
        .select_related("patient")
        .order_by("start_time", "id")
    )
    booked_ids = [appointment.id for appointment in booked]
    sessions = list(
        own_sessions(user)
        .since(min(start, now - RECENT))
        .filter(Q(appointment__in=booked_ids) | Q(status=Session.Status.IN_PROGRESS) | _unfinished())
        .exclude(status=Session.Status.CANCELLED)
        .select_related("patient", "note")
        .order_by("start_time")
    )
    by_appointment = {session.appointment_id: session for session in sessions}
    others = [session for session in sessions if session.appointment_id not in booked_ids]
    return Day(
        cards=[_card(appointment, by_appointment.get(appointment.id), now) for appointment in booked],
        left_running=[session for session in others if session.status == Session.Status.IN_PROGRESS],
        to_finish=[session for session in others if session.status != Session.Status.IN_PROGRESS][:CARDS_SHOWN],
    )


def _unfinished() -> Q:
    return Q(status__in=["COMPLETED", "REQUIRES_REVIEW"]) & (Q(note__isnull=True) | Q(note__status="DRAFT"))


def _card(appointment: Appointment, session: Session | None, now: datetime) -> DayCard:
    window = StartWindow.of(appointment, timezone.get_current_timezone())
    waiting = session is None and appointment.status == Appointment.Status.SCHEDULED
    return DayCard(
        appointment=appointment,
        session=session,
        note_status=note_status(session),
        opens=window.opens,
        can_start=waiting and window.is_open(now),
    )


def note_status(session: Session | None) -> str:
    """The status of a session's note, MISSING when it has none; the note must have been fetched with it."""
    note = getattr(session, "note", None)
    return str(note.status) if note else "MISSING"


# --- the data of a session --------------------------------------------------------------------------------------------


def session_data(session: Session, *, for_capture: bool = False) -> list[ProgramData]:
    """The targets of a session's client by program: those in use, and those that were recorded.

    For capture, with the last entry of each target that is not taken back yet: it can be undone after a reload.
    """
    tallies = session.latest_metrics or {}
    last = _last_entries(session) if for_capture else {}
    programs: dict[UUID, ProgramData] = {}
    targets = Target.objects.filter(patient_id=session.patient_id).select_related("program")
    for target in targets.order_by("program__created_at", "program_id", "position", "id"):
        if not (target.is_active and target.program.is_active) and str(target.id) not in tallies:
            continue
        program = programs.setdefault(target.program_id, ProgramData(target.program, []))
        program.targets.append(_target_data(target, session, last.get(target.id)))
    return list(programs.values())


def _target_data(target: Target, session: Session, last: SessionEvent | None = None) -> TargetData:
    tally = (session.latest_metrics or {}).get(str(target.id))
    return TargetData(target, measures.metrics(tally), session.duration_minutes, last)


def _last_entries(session: Session) -> dict[UUID, SessionEvent]:
    entries = (
        SessionEvent.objects.filter(session=session, event_type__in=[EventType.COUNT, EventType.TRIAL])
        .exclude(client_event_id__in=measures.undone_ids(session.latest_metrics or {}))
        .order_by("target_id", F("event_timestamp").desc(), "-created_at", "-id")
        .distinct("target_id")
    )
    return {entry.target_id: entry for entry in entries if entry.target_id}


def metrics_answer(session: Session) -> dict[str, dict[str, Any]]:
    """The figures of every recorded target, as the session page takes them over."""
    tallies = session.latest_metrics or {}
    return {target_id: measures.metrics(tally).as_json() for target_id, tally in tallies.items()}


def signatures_of(note: SessionNote | None) -> Sequence[NoteSignature]:
    if note is None:
        return []
    return list(note.signatures.select_related("staff_member__user").order_by("signed_at"))


# --- an analyst's pages -----------------------------------------------------------------------------------------------


def review_today(user: User) -> Review:
    """The sessions of today that an analyst may read, the running ones first, with their figures: two statements."""
    now = timezone.now()
    start, _ = day_bounds(now)
    sessions = list(
        reviewable_sessions(user)
        .since(start)
        .exclude(status=Session.Status.CANCELLED)
        .for_display()
        .order_by("start_time", "id")
    )
    sessions.sort(key=lambda session: session.status != Session.Status.IN_PROGRESS)
    by_patient: dict[UUID, list[Target]] = {}
    recorded = {target_id for session in sessions for target_id in session.latest_metrics or {}}
    for target in Target.objects.filter(id__in=recorded).order_by("position", "id"):
        by_patient.setdefault(target.patient_id, []).append(target)
    rows = [
        ReviewRow(session, [_target_data(target, session) for target in by_patient.get(session.patient_id, [])])
        for session in sessions
    ]
    return Review(rows, _version(sessions, now), now)


def _version(sessions: Iterable[Session], now: datetime) -> str:
    """Changes when anything on the page would: a figure, a status, a minute of a running session."""
    facts = "|".join(
        f"{session.id} {session.updated_at.timestamp()} {session.status} {note_status(session)}" for session in sessions
    )
    return hashlib.sha256(f"{now:%Y%m%d%H%M}|{facts}".encode()).hexdigest()[:16]


def notes_to_cosign(user: User) -> list[Session]:
    """Signed notes of technicians with clients on the caseload, oldest first."""
    return list(
        caseload_sessions(user)
        .since(timezone.now() - RECENT)
        .awaiting_cosignature()
        .exclude(provider_id=user.staff_member_id)
        .for_display()
        .order_by("start_time", "id")[:WAITING_SHOWN]
    )


def caseload_page(user: User, cursor: Cursor) -> Page[CaseloadRow]:
    """The analyst's active clients by name, with how much is worked on."""
    clients = caseload(user).filter(is_active=True)
    page = keyset_page(clients, key="search_key", cursor=cursor, size=CASELOAD_PAGE, identify=lambda row: row.id)
    ids = [patient.id for patient in page.rows]
    in_use = Target.objects.filter(patient_id__in=ids, is_active=True, program__is_active=True)
    counted = {
        row["patient_id"]: row
        for row in in_use.values("patient_id").annotate(
            targets=Count("id"), programs=Count("program_id", distinct=True)
        )
    }
    none = {"programs": 0, "targets": 0}
    rows = [
        CaseloadRow(patient, counted.get(patient.id, none)["programs"], counted.get(patient.id, none)["targets"])
        for patient in page.rows
    ]
    return Page(rows, page.previous_cursor, page.next_cursor)


def programs_of(patient: Patient) -> list[ProgramData]:
    """A client's programs in use with their targets."""
    programs = {
        program.id: ProgramData(program, [])
        for program in Program.objects.filter(patient=patient, is_active=True).order_by("created_at", "id")
    }
    for target in Target.objects.filter(patient=patient, is_active=True).order_by("position", "id"):
        if target.program_id in programs:
            programs[target.program_id].targets.append(TargetData(target, measures.MISSING))
    return list(programs.values())


# --- start pages ------------------------------------------------------------------------------------------------------


def rbt_start(user: User) -> dict[str, Any]:
    """What a technician's start page shows."""
    return {"day": my_day(user)}


def bcba_start(user: User) -> dict[str, Any]:
    """What an analyst's start page shows."""
    return {"day": my_day(user), "review": review_today(user), "waiting": notes_to_cosign(user)}
