"""What a session refuses, each with a stable code. None of them carries patient data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from sessions.models import SessionNote

WORDS: Mapping[str, str | Promise] = {
    "NOT_OWN_APPOINTMENT": _("This appointment belongs to another provider."),
    "NOT_OWN_SESSION": _("This session belongs to another provider."),
    "APPOINTMENT_CANCELLED": _("This appointment was cancelled."),
    "APPOINTMENT_OVER": _("This appointment is over: its session has ended already."),
    "TOO_EARLY": _("It is too early: a session can be started from one hour before its time."),
    "TOO_LATE": _("It is too late: a session can be started until the end of its day. Tell the front desk."),
    "PROVIDER_INACTIVE": _("You are not listed as an active provider. Tell your administrator."),
    "CREDENTIAL_MISSING": _("Your credential does not allow this service. Tell the front desk."),
    "CREDENTIAL_EXPIRED": _("Your credential has expired on this date. Tell your administrator."),
    "AUTH_MISSING": _("This appointment has no authorization. Tell the front desk before you begin."),
    "AUTH_NOT_FOUND": _("The authorization of this appointment was not found. Tell the front desk."),
    "AUTH_CANCELLED": _("The authorization was cancelled. Tell the front desk before you begin."),
    "AUTH_PENDING": _("The payer has not decided on the authorization yet. Tell the front desk before you begin."),
    "AUTH_NOT_STARTED": _("The authorization has not started on this date. Tell the front desk before you begin."),
    "AUTH_EXPIRED": _("The authorization has ended before this date. Tell the front desk before you begin."),
    "AUTH_EXHAUSTED": _("No units are left on the authorization. Tell the front desk before you begin."),
    "INSUFFICIENT_UNITS": _("Too few units are left on the authorization. Tell the front desk before you begin."),
    "CAP_EXCEEDED": _("A limit of the authorization would be exceeded. Tell the front desk before you begin."),
    "SESSION_CANCELLED": _("This session was cancelled."),
    "END_BEFORE_START": _("The session cannot end before it started."),
    "END_IN_FUTURE": _("The session cannot end in the future."),
    "END_TOO_LONG": _("The session has run for more than 24 hours. Enter when it really ended."),
    "SESSION_RUNNING": _("The session is still running: end it first."),
    "NOTE_SIGNED": _("The note was signed: what was signed stays as it is."),
    "NOTE_NOT_SIGNED": _("The note is not signed yet."),
    "NOTE_ALTERED": _("The note is no longer what was signed, so it cannot be co-signed. Tell your administrator."),
    "COSIGNED_BY_OTHER": _("Another analyst has co-signed this note already."),
    "COSIGNATURE_NOT_NEEDED": _("This note needs no co-signature."),
    "COSIGNER_IS_RENDERER": _("A note is co-signed by somebody other than the person who rendered the session."),
    "COSIGNER_NOT_ANALYST": _("A note is co-signed by a behavior analyst."),
    "NOT_ON_CASELOAD": _("This client is not on your caseload."),
    "NAME_TAKEN": _("This program has an active target of that name already."),
}


class SessionRefused(Exception):
    """A step of a session was refused. `code` is stable, `message` is for people, `facts` are ids, dates and counts."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    @property
    def message(self) -> str:
        return str(WORDS.get(self.code) or _("The session could not go on. Tell the front desk."))


class NoteIncomplete(Exception):
    """A note was to be signed with parts missing: `fields` names them."""

    code = "NOTE_INCOMPLETE"

    def __init__(self, fields: list[str]) -> None:
        super().__init__(self.code)
        self.fields = fields


class NoteChanged(Exception):
    """The note was changed since the writer opened it; `current` is what is stored now."""

    code = "NOTE_CHANGED"

    def __init__(self, current: "SessionNote") -> None:
        super().__init__(self.code)
        self.current = current
