"""The writes of sessions: each one atomic, keyword-only, with its audit row in the same transaction."""

from sessions.services.delivery import complete_session, start_session
from sessions.services.notes import cosign_note, save_note, sign_note
from sessions.services.programs import create_program, create_target
from sessions.services.recording import EventResult, record_events

__all__ = [
    "EventResult",
    "complete_session",
    "cosign_note",
    "create_program",
    "create_target",
    "record_events",
    "save_note",
    "sign_note",
    "start_session",
]
