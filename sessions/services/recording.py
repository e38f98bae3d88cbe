"""Entries are recorded once each, however often they are delivered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from clinic.models import User
from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy import context
from sessions import events as entries
from sessions import measures
from sessions.events import Entry, EventRejected
from sessions.exceptions import SessionRefused
from sessions.models import Session, SessionEvent, Target
from sessions.permissions import staff_member_id_of

MAX_EVENTS = 500

# Inserts what is new, and says of each entry whether it is, or what stands under its id. A closed session takes
# nothing more, but still recognises what it holds.
RECORD = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(entries)s::jsonb) AS g (
        id uuid, target_id uuid, event_type text, occurred_at timestamptz, value numeric, metadata jsonb
    )
), inserted AS (
    INSERT INTO session_events (organization_id, session_id, client_event_id, target_id, event_type, event_timestamp,
                                raw_value, metadata, recorded_by)
    SELECT %(organization_id)s::uuid, %(session_id)s::uuid, g.id, g.target_id, g.event_type, g.occurred_at,
           g.value, g.metadata, %(recorded_by)s::uuid
    FROM given g WHERE %(is_open)s::boolean
    ON CONFLICT ON CONSTRAINT session_events_client_event_key DO NOTHING
    RETURNING client_event_id
)
SELECT g.id, i.client_event_id IS NOT NULL, e.client_event_id IS NOT NULL,
       (e.session_id, e.target_id, e.event_type, e.event_timestamp, e.raw_value, e.metadata) IS NOT DISTINCT FROM
       (%(session_id)s::uuid, g.target_id, g.event_type, g.occurred_at, g.value, g.metadata)
FROM given g
LEFT JOIN inserted i ON i.client_event_id = g.id
LEFT JOIN session_events e ON e.organization_id = %(organization_id)s::uuid AND e.client_event_id = g.id
"""


@dataclass(frozen=True, slots=True)
class EventResult:
    """The verdict on one entry: `ok` (it is recorded, now or before) or `rejected` with a code.

    EVENT_INVALID, TARGET_UNKNOWN, REFERENCE_UNKNOWN (an undo or stop of nothing), EVENT_CONFLICT (the id stands for
    something else), SESSION_CLOSED.
    """

    id: Any
    status: str
    code: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "status": self.status} | ({"code": self.code} if self.code else {})


@transaction.atomic
def record_events(*, session: Session, events: Sequence[Any], actor: User) -> list[EventResult]:
    """Records a batch of entries; a bad one does not stop the others, a repeated one changes nothing.

    The session's figures are moved on from the new entries alone, under its row lock; the given instance then has
    them. Raises `SessionRefused` for somebody else's session, ValueError for more than `MAX_EVENTS`.
    """
    if len(events) > MAX_EVENTS:
        raise ValueError("Too many events in one batch.")
    locked = Session.objects.select_for_update(no_key=True).get(id=session.id)
    recorder = staff_member_id_of(actor)
    if locked.provider_id is None or locked.provider_id != recorder:
        raise SessionRefused("NOT_OWN_SESSION")
    batch = _Batch(events)
    batch.check(locked)
    if batch.entries:
        new = batch.settle(_record(locked, batch.entries, recorder), is_open=_is_open(locked))
        if new:
            locked.latest_metrics = measures.apply_events(locked.latest_metrics or {}, new)
            Session.objects.filter(id=locked.id).update(latest_metrics=locked.latest_metrics, updated_at=Now())
            audit.record(
                action="RECORD_EVENTS", resource_type="session", resource_id=locked.id, details={"events": len(new)}
            )
    session.latest_metrics = locked.latest_metrics
    session.status = locked.status
    return batch.results()


class _Batch:
    """The entries of one delivery and what became of each. An id given twice is one entry."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.given = events
        self.entries: dict[UUID, Entry] = {}
        self.verdicts: dict[int, str] = {}  # position → code of the rejection
        self.ids: dict[int, UUID] = {}
        for position, raw in enumerate(events):
            try:
                entry = entries.parse(raw)
                if self.entries.setdefault(entry.event.id, entry) != entry:
                    raise EventRejected("EVENT_CONFLICT")
                self.ids[position] = entry.event.id
            except EventRejected as rejected:
                self.verdicts[position] = rejected.code
        self.rejected: dict[UUID, str] = {}

    def check(self, session: Session) -> None:
        """Sets aside what names a target or an entry that it must not."""
        measure_of = dict(Target.objects.filter(patient_id=session.patient_id).values_list("id", "measure"))
        self._set_aside(lambda entry: entries.check_target(entry.event, measure_of.get(entry.event.target_id)))
        recorded = self._recorded(session)
        self._set_aside(lambda entry: entries.check_reference(entry.event, self._referred(entry, recorded)))

    def settle(self, rows: list[tuple[UUID, bool, bool, bool]], *, is_open: bool) -> list[measures.Event]:
        """Takes the database's answer; returns the events that are new."""
        new = []
        for event_id, inserted, exists, identical in rows:
            if inserted:
                new.append(self.entries[event_id].event)
            elif not exists and not is_open:
                self.rejected[event_id] = "SESSION_CLOSED"
            elif not identical:
                # Or neither inserted nor seen: another session's, recorded at this very moment.
                self.rejected[event_id] = "EVENT_CONFLICT"
        return new

    def results(self) -> list[EventResult]:
        """In the order of the batch, under the ids as they were given."""
        return [self._result(position, raw) for position, raw in enumerate(self.given)]

    def _result(self, position: int, raw: Any) -> EventResult:
        given_id = raw.get("id") if isinstance(raw, dict) else None
        shown = given_id[:100] if isinstance(given_id, str) else None
        code = self.verdicts.get(position) or self.rejected.get(self.ids[position], "")
        return EventResult(shown, "rejected" if code else "ok", code)

    def _set_aside(self, check: Any) -> None:
        for event_id, entry in list(self.entries.items()):
            try:
                check(entry)
            except EventRejected as rejected:
                self.rejected[event_id] = rejected.code
                del self.entries[event_id]

    def _recorded(self, session: Session) -> dict[UUID, measures.Event | None]:
        """What stands under the ids that the entries refer to; None for what belongs to another session."""
        wanted = {entry.event.refers_to for entry in self.entries.values() if entry.event.refers_to}
        if not wanted:
            return {}
        organization_id = context.required().organization_id
        found = SessionEvent.objects.filter(organization_id=organization_id, client_event_id__in=wanted)
        return {row.client_event_id: entries.from_row(row) if row.session_id == session.id else None for row in found}

    def _referred(self, entry: Entry, recorded: dict[UUID, measures.Event | None]) -> measures.Event | None:
        refers_to = entry.event.refers_to
        if refers_to is None or refers_to in recorded:
            return recorded.get(refers_to) if refers_to else None
        named = self.entries.get(refers_to)
        return named.event if named else None


def _is_open(session: Session) -> bool:
    return bool(session.status == Session.Status.IN_PROGRESS)


def _record(session: Session, batch: dict[UUID, Entry], recorder: UUID | None) -> list[tuple[UUID, bool, bool, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            {
                "entries": json.dumps([entry.row() for entry in batch.values()]),
                "organization_id": session.organization_id,
                "session_id": session.id,
                "recorded_by": recorder,
                "is_open": _is_open(session),
            },
        )
        rows: list[tuple[UUID, bool, bool, bool]] = cursor.fetchall()
    return rows
