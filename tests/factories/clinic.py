"""Clients, coverage and authorization lines. Made inside `tenant(...)`, for the organisation in context."""

from datetime import date, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from clinic.models import Authorization, Patient, PatientInsurance, Payer, StaffMember, User
from clinic.selectors import clinic_today
from omnirapeutic.tenancy import context
from omnirapeutic.web.permissions import Role


def organization_in_context() -> Any:
    return context.required().organization_id


def day(offset: int) -> date:
    """A day so many days from the clinic's today."""
    return clinic_today() + timedelta(days=offset)


class TenantFactory(DjangoModelFactory):
    class Meta:
        abstract = True

    organization_id = factory.LazyFunction(organization_in_context)


class UserFactory(TenantFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"person{number}@staff.example")
    password = "!"
    full_name = factory.Faker("name")
    role = Role.RBT


class StaffMemberFactory(TenantFactory):
    """A technician, unless another credential is asked for."""

    class Meta:
        model = StaffMember

    user = factory.SubFactory(UserFactory)
    credential = "RBT"
    npi = "1992999825"


class PatientFactory(TenantFactory):
    class Meta:
        model = Patient

    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")
    date_of_birth = date(2019, 4, 2)
    sex = "M"
    street = "2 Elm Street"
    city = "Albany"
    state = "NY"
    zip_code = "12207"
    primary_diagnosis_code = "F84.0"
    guardian_name = factory.Faker("name")
    guardian_phone = "518-555-0101"


class PayerFactory(TenantFactory):
    class Meta:
        model = Payer

    name = factory.Sequence(lambda number: f"Plan {number}")
    payer_id = factory.Sequence(lambda number: f"{70000 + number}")


class PatientInsuranceFactory(TenantFactory):
    class Meta:
        model = PatientInsurance

    patient = factory.SubFactory(PatientFactory)
    billing_payer = factory.SubFactory(PayerFactory)
    payer_name = factory.SelfAttribute("billing_payer.name")
    payer_id = factory.SelfAttribute("billing_payer.payer_id")
    member_id = factory.Sequence(lambda number: f"W{number:09d}")


class AuthorizationFactory(TenantFactory):
    """A line of 97153 with 120 units, in force from a month ago to five months ahead."""

    class Meta:
        model = Authorization

    patient = factory.SubFactory(PatientFactory)
    insurance = factory.SubFactory(PatientInsuranceFactory, patient=factory.SelfAttribute("..patient"))
    service_code = "97153"
    total_units = 120
    start_date = factory.LazyFunction(lambda: day(-30))
    end_date = factory.LazyFunction(lambda: day(150))
    status = "ACTIVE"
    authorization_number = factory.Sequence(lambda number: f"A-{2000 + number}")
