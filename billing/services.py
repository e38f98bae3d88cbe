"""Writes of billing."""

import hashlib
import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from billing import building, readiness
from billing.building import ClaimFacts
from billing.edi import model
from billing.edi.findings import Finding, Severity, blocks
from billing.edi.gate import validate
from billing.edi.scrubber import scrub, scrub_parties
from billing.edi.writer import WriteError, write
from billing.exceptions import ClaimRefused
from billing.models import Claim, ClaimDocument
from billing.problems import Problem, explain
from billing.selectors import assess, same_day_claim, standing_claim
from clinic.models import Patient, User
from omnirapeutic.audit import services as audit
from omnirapeutic.db.constraints import constraint_of
from omnirapeutic.db.functions import next_interchange_control_number
from omnirapeutic.tenancy import context
from sessions.models import Session

# Letters and digits that are not taken for one another on the telephone or on paper.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_LENGTH = 12
ONE_PER_SESSION = "claims_one_open_per_session"


@transaction.atomic
def create_claim(*, session: Session, actor: User) -> Claim:
    """Makes the claim of a session with its 837P; the claim that already stands for it is returned instead of a second.

    Raises `ClaimRefused` when something is missing, or when the scrubber, our document rules or pyx12 refuse the exact
    bytes; then nothing is stored but a gap in the control numbers. Reading, writing and checking (pyx12 takes some
    0.3 s) hold no lock: two clicks may both come that far, and the unique index lets one of them in; of two sessions of
    one service and day, a second look under the client's row lock.
    """
    standing = standing_claim(session.id)
    if standing is not None:
        return standing
    assessment = assess(session.id)
    if assessment.facts is None:
        raise ClaimRefused("NOT_READY", assessment.problems)
    facts = assessment.facts
    content = building.build_claim(facts, _new_claim_number())
    interchange = building.build_interchange(facts, content, next_interchange_control_number())
    warnings = _check_claim(facts, content, interchange)
    data = _write_checked(interchange)
    try:
        with transaction.atomic():
            return _store(facts, content, interchange, data, warnings)
    except IntegrityError as error:
        if constraint_of(error) != ONE_PER_SESSION:
            raise
        standing = standing_claim(session.id)
        if standing is None:
            raise
        return standing


def _check_claim(facts: ClaimFacts, content: model.Claim, interchange: model.Interchange) -> list[Finding]:
    """What only warns; raises `ClaimRefused` for what blocks."""
    findings = scrub(content, building.payer_policy(facts))
    findings += scrub_parties(interchange.submitter, interchange.receiver)
    if blocks(findings):
        raise ClaimRefused("CLAIM_FAULTY", explain(each for each in findings if each.severity is Severity.BLOCK))
    return findings


def _write_checked(interchange: model.Interchange) -> bytes:
    """The bytes, when the gate lets them pass; raises `ClaimRefused` otherwise."""
    try:
        data = write(interchange).data
    except WriteError as error:
        text = _("The ids of sender and receiver do not fit the file: 2 to 15 letters and digits.")
        raise ClaimRefused("CLAIM_FAULTY", [Problem(error.code, text, _("Administrator"))]) from error
    findings = validate(data)
    if findings:
        raise ClaimRefused("CLAIM_FAULTY", explain(findings))
    return data


def _store(
    facts: ClaimFacts, content: model.Claim, interchange: model.Interchange, data: bytes, warnings: list[Finding]
) -> Claim:
    session, organization_id = facts.session, context.required().organization_id
    _require_no_same_day_claim(session)
    claim = Claim.objects.create(
        organization_id=organization_id,
        session=session,
        authorization=session.authorization,
        patient=session.patient,
        service_date=session.service_date,
        payer_id=facts.payer.payer_id,
        claim_number=content.number,
        edi_payload=_payload(facts, content, interchange, warnings),
        status=Claim.Status.DRAFT,
        billed_amount=content.total,
    )
    ClaimDocument.objects.create(
        organization_id=organization_id,
        claim=claim,
        interchange_control_number=interchange.control_number,
        content=data,
        content_sha256=hashlib.sha256(data).hexdigest(),
    )
    audit.record(
        action="CREATE",
        resource_type="claim",
        resource_id=claim.id,
        details={"session_id": str(session.id), "patient_id": str(session.patient_id)},
    )
    return claim


def _require_no_same_day_claim(session: Session) -> None:
    """Looks again, now that claims of the client wait for each other until the commit. Raises `ClaimRefused`."""
    Patient.objects.select_for_update(no_key=True).only("id").get(id=session.patient_id)
    number = same_day_claim(session.id)
    if number:
        raise ClaimRefused("NOT_READY", readiness.problems(["SAME_DAY_CLAIM"], same_day_claim=number))


def _payload(
    facts: ClaimFacts, content: model.Claim, interchange: model.Interchange, warnings: list[Finding]
) -> dict[str, Any]:
    """What the claim says. People stand in it by the ids of their rows; their names are in the document."""
    return {
        "version": 1,
        "frequency": content.frequency,
        "sequence": content.sequence,
        "relationship": content.relationship,
        "insurance_id": str(facts.insurance.id),
        "payer": {"id": str(facts.payer.id), "payer_id": content.payer.payer_id, "name": content.payer.name},
        "rendering_npi": content.rendering.npi if content.rendering else "",
        "supervising_npi": content.supervising.npi if content.supervising else "",
        "diagnoses": list(content.diagnoses),
        "place": content.place,
        "authorization_number": content.authorization_number,
        "total": str(content.total),
        "lines": [_line(facts, line) for line in content.lines],
        "interchange": {
            "control_number": interchange.control_number,
            "created": interchange.created.isoformat(),
            "usage": interchange.usage,
        },
        "warnings": [{"code": each.code, "field": each.field} for each in warnings],
    }


def _line(facts: ClaimFacts, line: model.ServiceLine) -> dict[str, Any]:
    return {
        "control_number": line.control_number,
        "session_id": str(facts.session.id),
        "date": line.date.isoformat(),
        "code": line.code,
        "modifiers": list(line.modifiers),
        "units": line.units,
        "rate_id": str(facts.rate.id),
        "rate": str(line.rate),
        "charge": str(line.charge),
        "minutes": facts.session.duration_minutes,
        "rounding_rule": facts.session.rounding_rule,
    }


def _new_claim_number() -> str:
    """CLM01: random (59 bits), so that by itself it says nothing about a person and no other claim is guessed from it.

    It does not hide how many claims are made: ISA13 in the same file is one sequence of the whole deployment. Whoever
    receives two files reads from it how many were tried in between, by all clinics together and with the refused ones.
    """
    return "C" + "".join(secrets.choice(ALPHABET) for _ in range(NUMBER_LENGTH))
