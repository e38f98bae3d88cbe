"""Reads of sessions, chainable."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from sessions.models import Session  # noqa: F401

# How far back lists of what is still to do look. Bounds the index scan; the worklists of billing look further.
RECENT = timedelta(days=90)


class SessionQuerySet(models.QuerySet["Session"]):
    def of_day(self, day: date) -> Self:
        """The sessions of a date of service."""
        return self.filter(service_date=day)

    def since(self, start: datetime) -> Self:
        """Those that started at or after an instant: what leads an index scan by client or provider."""
        return self.filter(start_time__gte=start)

    def running(self) -> Self:
        return self.filter(status="IN_PROGRESS")

    def ended(self) -> Self:
        return self.filter(status__in=["COMPLETED", "REQUIRES_REVIEW"])

    def without_signed_note(self) -> Self:
        """Ended, but the note is missing or still a draft."""
        return self.ended().filter(Q(note__isnull=True) | Q(note__status="DRAFT"))

    def awaiting_cosignature(self) -> Self:
        """A technician's signed note that no analyst has co-signed."""
        return self.filter(note__status="SIGNED", provider__credential="RBT")

    def for_display(self) -> Self:
        """With client, provider and note, in the same statement."""
        return self.select_related("patient", "provider__user", "note")
