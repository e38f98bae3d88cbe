"""Notes of sessions: written, signed by who rendered the service, co-signed by the analyst."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from billing.demo.rows import Batch, new_id
from sessions.models import Session, SessionNote
from sessions.services.notes import content_sha256

TEXTS = {
    "97153": (
        "Behavior technician, client, caregiver at the beginning and end",
        (
            "Treatment by protocol: discrete trials and play-based teaching on the current targets, with reinforcement "
            "of independent answers and least-to-most prompting.",
            "Worked on the current targets at the table and in play. Reinforcement on a variable schedule; "
            "prompts were faded within trials.",
        ),
        (
            "Engaged for most of the session; needed one break. Data are with the session.",
            "Arrived tired, joined in after a preferred activity. Fewer prompts than last week.",
            "Answered independently in more trials than in the last session; one brief tantrum, redirected.",
        ),
        "Continue the current targets; fade gestural prompts.",
    ),
    "97155": (
        "Behavior analyst, behavior technician, client",
        (
            "Protocol modification: observed the technician, adjusted the prompt hierarchy and the reinforcement, "
            "modeled the change and gave feedback.",
        ),
        ("Answered well to the changed prompting; the technician carried it out correctly.",),
        "Review the data in a week; probe generalization with the caregiver.",
    ),
    "97156": (
        "Behavior analyst, caregiver",
        (
            "Caregiver guidance: reviewed the plan for transitions, rehearsed giving choices and planned ignoring, and "
            "gave feedback on a practice run.",
        ),
        ("The caregiver carried out the steps with one reminder.",),
        "Practice at two transitions a day until the next meeting.",
    ),
}
TEXTS["97151"] = TEXTS["97155"]


@dataclass(frozen=True, slots=True)
class Signing:
    """How far a note has come: DRAFT, SIGNED (by who rendered the service) or LOCKED (co-signed too)."""

    status: str
    rendering_id: UUID
    supervising_id: UUID
    now: datetime


def add_note(batch: Batch, rng: Random, session: Session, signing: Signing) -> UUID:
    """The note and its signatures."""
    participants, narratives, responses, plan = TEXTS[session.service_code]
    note = SessionNote(
        session=session,
        participants=participants,
        narrative=rng.choice(narratives),
        response=rng.choice(responses),
        plan=plan,
    )
    note_id = new_id(rng)
    digest = None if signing.status == "DRAFT" else content_sha256(note)
    assert session.end_time is not None  # noqa: S101 - only ended sessions have notes here
    written_at = min(session.end_time + timedelta(minutes=rng.randrange(2, 15)), signing.now)
    texts = (note.participants, note.narrative, note.response, note.plan)
    batch.add("session_notes", note_id, session.id, *texts, signing.status, digest, written_at)
    if digest:
        signed_at = min(written_at + timedelta(minutes=1), signing.now)
        batch.add("note_signatures", new_id(rng), note_id, signing.rendering_id, "RENDERING", signed_at, digest)
    if signing.status == "LOCKED":
        signed_at = written_at + timedelta(hours=rng.randrange(2, 40))
        batch.add("note_signatures", new_id(rng), note_id, signing.supervising_id, "SUPERVISING", signed_at, digest)
    return note_id
