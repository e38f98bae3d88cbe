"""Rows of the clinic into the claim as `billing.edi` knows it.

The rules of this clinic's payers, kept simple until payers have rows of their own for them:

- Who renders: whoever delivered the session, under their own NPI; a technician's co-signing analyst is then named as
  supervisor. A technician without an NPI is billed under that analyst, and nobody is named as supervisor.
- Modifiers are those of the rate. HM says that a technician delivered the service and is left out for anybody else;
  telehealth adds 95 unless the rate says GT.
- Place of service follows the session's place; telehealth is 10, the client's home.
- The receiver of the file is the payer, under its electronic payer id.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.edi import model, parts
from billing.edi.findings import Finding
from billing.edi.identifiers import is_po_box, is_zip
from billing.edi.policy import Policy, Rounding
from billing.edi.rules import SCRUBBER
from billing.models import ServiceRate
from clinic.models import Organization, PatientInsurance, Payer, StaffMember
from scheduling.models import Appointment
from sessions.models import Session

PLACES: dict[str, str] = {
    Appointment.Location.HOME: "12",
    Appointment.Location.CLINIC: "11",
    Appointment.Location.SCHOOL: "03",
    Appointment.Location.TELEHEALTH: "10",
}
TAXONOMIES: dict[str, str] = {
    StaffMember.Credential.RBT: "106S00000X",
    StaffMember.Credential.BCABA: "106E00000X",
    StaffMember.Credential.BCBA: "103K00000X",
    StaffMember.Credential.BCBA_D: "103K00000X",
}
DELIVERED_BY_TECHNICIAN = "HM"
SYNCHRONOUS_TELEHEALTH = "95"


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """All that a claim is made of, read once. `session` brings its client, provider, authorization and insurance.

    `is_alone`: the provider gave this client no other session that day, so minutes and units belong together.
    `daily_unit_limit` are units of the code per client and day.
    """

    organization: Organization
    session: Session
    rate: ServiceRate
    supervisor: StaffMember | None
    is_alone: bool
    daily_unit_limit: int | None
    now: datetime

    @property
    def insurance(self) -> PatientInsurance:
        assert self.session.authorization is not None  # noqa: S101 - a requirement
        assert self.session.authorization.insurance is not None  # noqa: S101
        return self.session.authorization.insurance

    @property
    def payer(self) -> Payer:
        assert self.insurance.billing_payer is not None  # noqa: S101
        return self.insurance.billing_payer

    @property
    def units(self) -> int:
        return self.session.billed_units or 0

    @property
    def charge(self) -> Decimal:
        """Dollars: units times the rate."""
        return self.units * self.rate.rate


def clinic_findings(organization: Organization) -> list[Finding]:
    """What is wrong or missing in the clinic's own data, whatever the claim."""
    billing = billing_provider(organization)
    hits = [(code, f"submitter.{field}") for code, field in parts.check(submitter(organization))]
    hits += [(code, f"billing.{field}") for code, field in parts.check(billing)]
    address = billing.address
    if is_po_box(address.street):
        hits.append(("BILLING_PO_BOX", "billing.address.street"))
    if is_zip(address.postal_code) and not is_zip(address.postal_code, plus_4=True):
        hits.append(("BILLING_ZIP_PLUS_4", "billing.address.postal_code"))
    return [Finding(code, SCRUBBER[code].severity, field, SCRUBBER[code].fix) for code, field in dict.fromkeys(hits)]


def build_claim(facts: ClaimFacts, number: str) -> model.Claim:
    """The claim of one session, to one payer, with one line."""
    session, insurance, letter = facts.session, facts.insurance, facts.session.authorization
    assert letter is not None and session.service_date is not None  # noqa: S101, PT018 - requirements
    is_self = insurance.relationship == PatientInsurance.Relationship.SELF
    rendering, supervising = _providers(facts)
    return model.Claim(
        number=number,
        billing=billing_provider(facts.organization),
        subscriber=_patient_as_subscriber(facts) if is_self else _subscriber(insurance),
        payer=model.Payer(
            name=facts.payer.name, payer_id=facts.payer.payer_id, filing_code=facts.payer.claim_filing_code
        ),
        patient=None if is_self else _patient(facts),
        relationship=insurance.relationship,
        sequence=insurance.payer_rank,
        authorization_number=letter.authorization_number or "",
        diagnoses=(session.patient.primary_diagnosis_code or "",),
        place=PLACES.get(session.location or "", ""),
        total=facts.charge,
        rendering=rendering,
        supervising=supervising,
        lines=(_line(facts, number),),
        coverage_start=insurance.effective_date,
        coverage_end=insurance.termination_date,
        authorizations=(
            model.Authorization(
                number=letter.authorization_number or "",
                code=letter.service_code,
                start=letter.start_date,
                end=letter.end_date,
            ),
        ),
    )


def payer_policy(facts: ClaimFacts) -> Policy:
    """What the payer asks for, on the day the claim is made."""
    limit = facts.daily_unit_limit
    return Policy(
        today=facts.now.astimezone(ZoneInfo(facts.organization.time_zone)).date(),
        mue={facts.session.service_code: limit} if limit else {},
        rounding=Rounding(facts.payer.rounding_rule),
        filing_days=facts.payer.timely_filing_days,
    )


def build_interchange(facts: ClaimFacts, claim: model.Claim, control_number: int) -> model.Interchange:
    """A file of one claim. `control_number` was never given before, so it serves interchange, group and batch."""
    batch = model.TransactionSet(control_number=1, batch_id=f"{control_number:09}", claims=(claim,))
    return model.Interchange(
        submitter=submitter(facts.organization),
        receiver=receiver(facts.payer),
        control_number=control_number,
        group_number=control_number,
        created=facts.now.astimezone(ZoneInfo(facts.organization.time_zone)),
        usage=settings.CLAIM_USAGE_INDICATOR,
        transactions=(batch,),
    )


def billing_provider(organization: Organization) -> model.BillingProvider:
    return model.BillingProvider(
        name=organization.name,
        npi=organization.npi or "",
        taxonomy=organization.taxonomy_code or "",
        ein=organization.tax_id or "",
        address=model.Address(
            street=organization.street or "",
            city=organization.city or "",
            state=organization.state or "",
            postal_code=organization.zip_code or "",
        ),
    )


def submitter(organization: Organization) -> model.Submitter:
    contact = model.Contact(name=organization.contact_name or "", phone=organization.phone or "")
    return model.Submitter(name=organization.name, sender_id=organization.claim_submitter_id or "", contact=contact)


def receiver(payer: Payer) -> model.Receiver:
    return model.Receiver(name=payer.name, receiver_id=payer.payer_id)


def modifiers(rate: ServiceRate, *, by_technician: bool, telehealth: bool) -> tuple[str, ...]:
    """The rate's modifiers as this session bears them, in their order."""
    kept = [each for each in rate.modifiers if each != DELIVERED_BY_TECHNICIAN or by_technician]
    if telehealth and not {"95", "GT"} & set(kept):
        kept.append(SYNCHRONOUS_TELEHEALTH)
    return tuple(kept)


def person(member: StaffMember) -> model.RenderingProvider:
    """A staff member as a claim names them: the last word of the full name is the last name."""
    first_name, _, last_name = member.user.full_name.partition(",")[0].strip().rpartition(" ")
    return model.RenderingProvider(
        last_name=last_name,
        first_name=first_name,
        npi=member.npi or member.user.npi or "",
        taxonomy=TAXONOMIES.get(member.credential or "", ""),
    )


def _providers(facts: ClaimFacts) -> tuple[model.RenderingProvider | None, model.RenderingProvider | None]:
    """Who rendered and who supervised, as the claim says it."""
    provider = facts.session.provider
    if provider is None:
        return None, None
    if not _is_technician(provider) or facts.supervisor is None:
        return person(provider), None
    rendering, supervisor = person(provider), person(facts.supervisor)
    if not rendering.npi:
        return supervisor, None
    return rendering, supervisor if supervisor.npi and supervisor.npi != rendering.npi else None


def _is_technician(provider: StaffMember) -> bool:
    return bool(provider.credential == StaffMember.Credential.RBT)


def _line(facts: ClaimFacts, number: str) -> model.ServiceLine:
    session = facts.session
    assert session.service_date is not None  # noqa: S101 - a requirement
    return model.ServiceLine(
        date=session.service_date,
        code=session.service_code,
        modifiers=modifiers(
            facts.rate,
            by_technician=session.provider is not None and _is_technician(session.provider),
            telehealth=session.location == Appointment.Location.TELEHEALTH,
        ),
        units=facts.units,
        rate=facts.rate.rate,
        charge=facts.charge,
        pointers=(1,),
        control_number=f"{number}L1",
        minutes=session.duration_minutes if facts.is_alone else None,
        note_signed=True,  # a requirement
    )


def _patient_as_subscriber(facts: ClaimFacts) -> model.Subscriber:
    patient, insurance = facts.session.patient, facts.insurance
    return model.Subscriber(
        last_name=patient.last_name,
        first_name=patient.first_name,
        member_id=insurance.member_id,
        group_number=insurance.group_number or "",
        plan_name=insurance.plan_name or "",
        address=_home(facts),
        birth_date=patient.date_of_birth,
        sex=patient.sex or "",
    )


def _subscriber(insurance: PatientInsurance) -> model.Subscriber:
    address = None
    if insurance.subscriber_street:
        address = model.Address(
            street=insurance.subscriber_street,
            city=insurance.subscriber_city or "",
            state=insurance.subscriber_state or "",
            postal_code=insurance.subscriber_zip_code or "",
        )
    # The file has one segment for both, and half of it is an error; of this subscriber it is not asked.
    demographic = insurance.subscriber_date_of_birth and insurance.subscriber_sex
    return model.Subscriber(
        last_name=insurance.subscriber_last_name or "",
        first_name=insurance.subscriber_first_name or "",
        member_id=insurance.member_id,
        group_number=insurance.group_number or "",
        plan_name=insurance.plan_name or "",
        address=address,
        birth_date=insurance.subscriber_date_of_birth if demographic else None,
        sex=insurance.subscriber_sex or "" if demographic else "",
    )


def _patient(facts: ClaimFacts) -> model.Patient:
    patient = facts.session.patient
    return model.Patient(
        last_name=patient.last_name,
        first_name=patient.first_name,
        address=_home(facts),
        birth_date=patient.date_of_birth,
        sex=patient.sex or "",
    )


def _home(facts: ClaimFacts) -> model.Address:
    patient = facts.session.patient
    return model.Address(
        street=patient.street or "",
        city=patient.city or "",
        state=patient.state,
        postal_code=patient.zip_code or "",
    )
