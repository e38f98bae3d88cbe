"""Booked appointments: through the service, because a booking and its units are one."""

from datetime import datetime, time, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from clinic.models import User
from clinic.selectors import clinic_zone
from scheduling.models import Appointment
from scheduling.services import book_appointment
from tests.factories.clinic import AuthorizationFactory, StaffMemberFactory, day


def at(offset: int, hour: int, minute: int = 0) -> datetime:
    """A time of the clinic's clocks, so many days from its today."""
    return datetime.combine(day(offset), time(hour, minute), clinic_zone())


class AppointmentFactory(DjangoModelFactory):
    """Two hours of 97153 in a week's time, from ten o'clock."""

    class Meta:
        model = Appointment

    authorization = factory.SubFactory(AuthorizationFactory)
    provider = factory.SubFactory(StaffMemberFactory)
    start = factory.LazyFunction(lambda: at(7, 10))
    end = factory.LazyAttribute(lambda made: made.start + timedelta(hours=2))
    location = "CLINIC"

    @classmethod
    def _create(cls, model_class: type[Appointment], *args: Any, **wanted: Any) -> Appointment:
        line = wanted["authorization"]
        wanted.setdefault("patient", line.patient)
        wanted.setdefault("service_code", line.service_code)
        wanted.setdefault("actor", User())
        return book_appointment(**wanted)
