"""One client's file: letters, visits, sessions with their events and notes, and the movements of the units."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from billing.demo import authorizations, calendar
from billing.demo.authorizations import PAST_DAYS, Line, Movement, Situation
from billing.demo.calendar import Clock, Visit
from billing.demo.coverage import Payer, add_insurance
from billing.demo.events import TRIALS, Recording, add_events
from billing.demo.goals import Goal, add_goals
from billing.demo.notes import Signing, add_note
from billing.demo.people import Region, Staff, add_client
from billing.demo.rows import Batch, new_id
from sessions.measures import Tallies
from sessions.models import Session
from sessions.units import Rounding, Rule, round_minutes

STALE = timedelta(hours=72)  # after that the worker lapses a booking nobody started
TRIALS_WITH_ANALYST = 5
REASONS = {
    "CLIENT": ("Client is ill", "Family travel", "School event"),
    "STAFF": ("Provider is ill",),
    "CLINIC": ("Clinic closed",),
}

RECENT_DAYS = 4


@dataclass(slots=True)
class Team:
    """Who works with a client, who pays, and who keeps the clinic's books."""

    technician: Staff
    analyst: Staff
    front_desk: Staff
    payer: Payer
    region: Region


@dataclass(slots=True)
class Care:
    """What is known of one client while the file is written. `objects` collects an id of every kind."""

    batch: Batch
    rng: Random
    index: int
    clock: Clock
    team: Team
    client_id: UUID
    lines: list[Line]
    goals: list[Goal]
    objects: dict[str, UUID] = field(default_factory=dict)

    def provider_id(self, visit: Visit) -> UUID:
        return (self.team.technician if visit.by_technician else self.team.analyst).provider_id


def add_care(batch: Batch, rng: Random, index: int, clock: Clock, team: Team) -> dict[str, UUID]:
    """Writes the file of the clinic's client with this number; returns an id of every kind of object in it."""
    situation = authorizations.IN_TURN[index % len(authorizations.IN_TURN)]
    today = clock.today
    client = add_client(batch, rng, team.region, today, is_active=situation is not Situation.DISCHARGED)
    insurance_id = add_insurance(batch, rng, client, team.payer, today)
    lines = authorizations.plan_letters(rng, situation, calendar.weekly_units(index), today)
    if situation is Situation.STEADY and index % 5 == 0 and index:
        lines[0].units_per_week = lines[0].weekly_units + 8
    care = Care(batch, rng, index, clock, team, client.id, lines, add_goals(batch, rng, client.id))
    for line in lines:
        authorizations.post_opening(rng, line, today, _stamp(clock.now - timedelta(days=PAST_DAYS + 1)))
    for visit in calendar.plan(index, situation, clock):
        _add_visit(care, visit)
    for line in lines:
        authorizations.add_line(batch, line, client.id, insurance_id)
        authorizations.add_movements(batch, rng, line, team.front_desk.user_id)
    _assign(care, situation)
    goal = care.goals[0]
    return care.objects | {
        "patient": client.id,
        "insurance": insurance_id,
        "authorization": lines[0].id,
        "program": goal.program_id,
        "target": goal.target_id,
    }


def _assign(care: Care, situation: Situation) -> None:
    """On the caseload of both, until the discharge."""
    starts_on = care.clock.today - timedelta(days=200)
    ends_on = care.clock.today - timedelta(days=15) if situation is Situation.DISCHARGED else None
    for member in (care.team.technician, care.team.analyst):
        assignment_id = new_id(care.rng)
        care.batch.add("caseload_assignments", assignment_id, care.client_id, member.provider_id, starts_on, ends_on)
        care.objects.setdefault("caseload_assignment", assignment_id)


def _add_visit(care: Care, visit: Visit) -> None:
    """The booking, with what became of it, when a letter covers it."""
    line = next(authorizations.covering(care.lines, visit.service_code, visit.day), None)
    if line is None:
        return
    appointment_id = new_id(care.rng)
    status = _outcome(care, visit)
    booked_at = _stamp(min(visit.start, care.clock.now) - timedelta(days=care.rng.uniform(5, 12)))
    line.post(Movement("RESERVE", visit.units, 0, visit.day, f"book:{appointment_id}", booked_at, appointment_id))
    _add_appointment(care, visit, line, appointment_id, status, booked_at)
    if status == "COMPLETED":
        _add_session(care, visit, line, appointment_id)
    elif status != "SCHEDULED":
        key = f"{'lapse' if status == 'LAPSED' else 'cancel'}:{appointment_id}:{line.id}"
        released_at = _stamp(visit.start - timedelta(hours=4)) if status == "CANCELLED" else _stamp(visit.end)
        released_at = min(released_at, _stamp(care.clock.now))
        line.post(Movement("RELEASE", -visit.units, 0, visit.day, key, released_at, appointment_id))


def _outcome(care: Care, visit: Visit) -> str:
    """The status of the booking. Of today's plan nothing is cancelled."""
    drawn = care.rng.random()
    if visit.end > care.clock.now:
        return "CANCELLED" if drawn < 0.03 and visit.day != care.clock.today else "SCHEDULED"
    if visit.day == care.clock.today or drawn >= 0.1:
        return "COMPLETED"
    if drawn < 0.05:
        return "CANCELLED"
    return "LAPSED" if drawn < 0.06 and visit.end < care.clock.now - STALE else "NO_SHOW"


def _add_appointment(
    care: Care, visit: Visit, line: Line, appointment_id: UUID, status: str, booked_at: datetime
) -> None:
    party = reason = cancelled_at = None
    if status in ("CANCELLED", "NO_SHOW"):
        party = "CLIENT" if status == "NO_SHOW" else care.rng.choice(("CLIENT", "CLIENT", "STAFF", "CLINIC"))
        reason = "Nobody was there" if status == "NO_SHOW" else care.rng.choice(REASONS[party])
        cancelled_at = min(_stamp(visit.start - timedelta(hours=4)), _stamp(care.clock.now))
    elif status == "SCHEDULED" and visit.day >= care.clock.today:
        care.objects.setdefault("appointment", appointment_id)
    care.batch.add(
        "appointments",
        appointment_id,
        care.client_id,
        care.provider_id(visit),
        line.id,
        visit.service_code,
        visit.start,
        visit.end,
        status,
        _location(care),
        visit.units,
        party,
        reason,
        cancelled_at,
        booked_at,
    )


def _add_session(care: Care, visit: Visit, line: Line, appointment_id: UUID) -> None:
    start, end = _actual_times(care, visit)
    session_id = new_id(care.rng)
    minutes = int((end - start).total_seconds()) // 60
    units = round_minutes(minutes)
    recording = Recording(session_id, care.provider_id(visit), start, end, _progress(care, visit))
    tallies = _add_data(care, visit, recording)
    session = Session(
        id=session_id,
        organization_id=care.batch.organization_id,
        appointment_id=appointment_id,
        patient_id=care.client_id,
        provider_id=recording.recorded_by,
        authorization_id=line.id,
        service_code=visit.service_code,
        start_time=start,
        end_time=end,
        duration_minutes=minutes,
        billed_units=units,
        status=Session.Status.COMPLETED,
        location=_location(care),
        service_date=visit.day,
        rounding_rule=str(Rounding(Rule(care.team.payer.rounding_rule))),
        latest_metrics=tallies,
    )
    _add_session_row(care.batch, session)
    line.post(
        Movement("SETTLE", -visit.units, units, visit.day, f"settle:{session_id}", end, appointment_id, session_id)
    )
    analyst_id = care.team.analyst.provider_id
    signing = Signing(_note_status(care, visit), recording.recorded_by, analyst_id, _stamp(care.clock.now))
    note_id = add_note(care.batch, care.rng, session, signing)
    if visit.by_technician:
        care.objects.setdefault("session", session_id)
        care.objects.setdefault("note", note_id)


def _add_session_row(batch: Batch, session: Session) -> None:
    batch.add(
        "sessions",
        session.id,
        session.appointment_id,
        session.patient_id,
        session.provider_id,
        session.authorization_id,
        session.service_code,
        session.start_time,
        session.end_time,
        session.duration_minutes,
        session.billed_units,
        session.status,
        session.location,
        session.service_date,
        session.rounding_rule,
        json.dumps(session.latest_metrics),
        session.start_time,
    )


def _add_data(care: Care, visit: Visit, recording: Recording) -> Tallies:
    """Technicians record most, an analyst some; guidance of caregivers has no data of its own."""
    trials = {"97153": TRIALS, "97155": TRIALS_WITH_ANALYST}.get(visit.service_code)
    if trials is None:
        return {}
    return add_events(care.batch, care.rng, recording, care.goals, trials)


def _actual_times(care: Care, visit: Visit) -> tuple[datetime, datetime]:
    """Begun and ended some minutes off. None ends in the future.

    Of a technician's, a few were cut short and a few ran over; an analyst's end in time, because the next may follow.
    """
    rng = care.rng
    start = visit.start + timedelta(seconds=rng.randrange(0, 240))
    drawn = rng.random()
    if not visit.by_technician:
        minutes = visit.minutes - rng.randrange(5, 8)
    elif drawn < 0.06:
        minutes = visit.minutes - rng.randrange(20, 50)
    elif drawn < 0.09:
        minutes = visit.minutes + rng.randrange(9, 15)
    else:
        minutes = visit.minutes + rng.randrange(-4, 4)
    return start, min(start + timedelta(minutes=minutes, seconds=rng.randrange(60)), _stamp(care.clock.now))


def _progress(care: Care, visit: Visit) -> float:
    return 1 - (care.clock.today - visit.day).days / PAST_DAYS


def _note_status(care: Care, visit: Visit) -> str:
    """The last days are partly unwritten and not yet co-signed; two working days of them, on a Monday too."""
    is_recent = (care.clock.today - visit.day).days <= RECENT_DAYS
    if is_recent and care.rng.random() < 0.15:
        return "DRAFT"
    return "LOCKED" if not is_recent and visit.by_technician else "SIGNED"


def _location(care: Care) -> str:
    return "HOME" if care.index % 3 == 1 else "CLINIC"


def _stamp(instant: datetime) -> datetime:
    """Whole seconds, and never with a zone of its own."""
    return instant.astimezone(UTC).replace(microsecond=0)
