"""Reads of appointments, chainable."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from scheduling.models import Appointment, ProviderOccupancy  # noqa: F401

# A CHECK of the database; without this bound a calendar's index scan would begin at the first appointment ever.
LONGEST = timedelta(hours=24)


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Those that touch a stretch of time."""
        return self.filter(start_time__lt=end, end_time__gt=start, start_time__gt=start - LONGEST)

    def starting(self, start: datetime, end: datetime) -> Self:
        """Those that begin in a stretch of time: the ones of a day, whose date of service it is."""
        return self.filter(start_time__gte=start, start_time__lt=end)

    def live(self) -> Self:
        """Those that take their time: neither cancelled nor missed."""
        return self.filter(status__in=["SCHEDULED", "IN_PROGRESS", "COMPLETED"])


class OccupancyQuerySet(models.QuerySet["ProviderOccupancy"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Those that touch a stretch of time."""
        return self.filter(start_time__lt=end, end_time__gt=start, start_time__gt=start - LONGEST)
