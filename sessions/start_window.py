"""When a session of an appointment may be started."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.models import Appointment

EARLIEST = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class StartWindow:
    """From an hour before the booked time until the end of its day, where the clinic is.

    It never reaches into another day: the date of service is then the date the units were reserved for.
    """

    opens: datetime
    closes: datetime

    @classmethod
    def of(cls, appointment: Appointment, zone: ZoneInfo) -> "StartWindow":
        day = appointment.start_time.astimezone(zone).date()
        midnight = datetime.combine(day, time.min, zone)
        next_midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
        return cls(max(appointment.start_time - EARLIEST, midnight), next_midnight)

    def is_open(self, now: datetime) -> bool:
        return self.opens <= now < self.closes
