"""Rules over one claim, before it is written.

`scrub` runs them all and reports every breach, so that a biller corrects a claim once. Whether a rule blocks or warns
is the payer's choice (`Policy.severities`). Rules that need other claims (duplicates across claims, overlapping
sessions, unique numbers for ever) are the database's.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from decimal import Decimal

from billing.edi import parts
from billing.edi.findings import Finding
from billing.edi.identifiers import is_icd10, is_modifier, is_place, is_po_box, is_procedure, is_zip
from billing.edi.limits import (
    MAX_CLAIM_NUMBER,
    MAX_DIAGNOSES,
    MAX_LINE_NUMBER,
    MAX_LINES,
    MAX_MODIFIERS,
    MAX_POINTERS,
)
from billing.edi.model import ORIGINAL, REPLACEMENT, SELF, VOID, Claim, Receiver, ServiceLine, Submitter
from billing.edi.parts import Hit
from billing.edi.policy import Policy, Rounding
from billing.edi.rules import SCRUBBER

PAYER_ORDER = "PSTABCDEFGH"
TELEHEALTH = ("02", "10")
HOME, OFFICE = "12", "11"

Check = Callable[[Claim, Policy], Iterator[Hit]]


def scrub(claim: Claim, policy: Policy) -> list[Finding]:
    """Every breach in `claim`, once each. A void only repeats what was sent: whether it would be paid is not asked."""
    checks = FORM if claim.frequency == VOID else FORM + ENTITLEMENT
    hits = dict.fromkeys(hit for check in checks for hit in check(claim, policy))
    return [_finding(code, field, policy) for code, field in hits]


def scrub_parties(submitter: Submitter, receiver: Receiver) -> list[Finding]:
    """Every breach in the names, ids and contacts of who sends and who receives."""
    hits = (*parts.check(submitter), *parts.check(receiver))
    return [Finding(code, SCRUBBER[code].severity, field, SCRUBBER[code].fix) for code, field in dict.fromkeys(hits)]


def _finding(code: str, field: str, policy: Policy) -> Finding:
    rule = SCRUBBER[code]
    return Finding(code, policy.severities.get(code, rule.severity), field, rule.fix)


def _parts(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """Every name, address, number and amount by itself."""
    yield from parts.check(claim)


def _billing(claim: Claim, policy: Policy) -> Iterator[Hit]:
    address = claim.billing.address
    if is_po_box(address.street) or is_po_box(address.street2):
        yield "BILLING_PO_BOX", "billing.address.street"
    if is_zip(address.postal_code) and not is_zip(address.postal_code, plus_4=True):
        yield "BILLING_ZIP_PLUS_4", "billing.address.postal_code"


def _people(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """SBR02 says 18 exactly when no patient is named, and then the subscriber carries what a patient must."""
    subscriber = claim.subscriber
    if (claim.relationship == SELF) != (claim.patient is None):
        yield "SUBSCRIBER_IS_PATIENT", "relationship"
    if claim.patient is None and not (subscriber.address and subscriber.birth_date and subscriber.sex):
        yield "SUBSCRIBER_DEMOGRAPHICS", "subscriber"
    if policy.member_id and not re.fullmatch(policy.member_id, subscriber.member_id):
        yield "MEMBER_ID_PATTERN", "subscriber.member_id"
    for field in ("patient", "subscriber"):
        person = getattr(claim, field)
        if person and person.birth_date and person.birth_date > policy.today:
            yield "BIRTH_DATE_FUTURE", f"{field}.birth_date"


def _numbers(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if not 1 <= len(claim.number) <= MAX_CLAIM_NUMBER:
        yield "CLAIM_NUMBER_LENGTH", "number"
    for index, line in enumerate(claim.lines):
        if not 1 <= len(line.control_number) <= MAX_LINE_NUMBER:
            yield "LINE_NUMBER_LENGTH", f"lines[{index}].control_number"
    for index in _repeats(line.control_number for line in claim.lines):
        yield "LINE_NUMBER_DUPLICATE", f"lines[{index}].control_number"


def _frequency(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if claim.frequency not in (ORIGINAL, REPLACEMENT, VOID):
        yield "FREQUENCY_UNKNOWN", "frequency"
    if claim.frequency in (REPLACEMENT, VOID) and not claim.payer_claim_number:
        yield "PAYER_CLAIM_NUMBER_MISSING", "payer_claim_number"
    if claim.frequency == ORIGINAL and claim.payer_claim_number:
        yield "PAYER_CLAIM_NUMBER_UNEXPECTED", "payer_claim_number"


def _diagnoses(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if not claim.diagnoses:
        yield "DIAGNOSIS_NONE", "diagnoses"
    if len(claim.diagnoses) > MAX_DIAGNOSES:
        yield "DIAGNOSES_TOO_MANY", "diagnoses"
    for index, code in enumerate(claim.diagnoses):
        if not is_icd10(code):
            yield "DIAGNOSIS_FORMAT", f"diagnoses[{index}]"
    for index in _repeats(code.replace(".", "") for code in claim.diagnoses):
        yield "DIAGNOSIS_DUPLICATE", f"diagnoses[{index}]"
    if policy.expected_diagnoses and policy.expected_diagnoses.isdisjoint(claim.diagnoses):
        yield "DIAGNOSIS_EXPECTED", "diagnoses"


def _service(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """Code, modifiers, pointers and place of each line."""
    for index, line in enumerate(claim.lines):
        at = f"lines[{index}]"
        if not is_procedure(line.code):
            yield "SERVICE_CODE_FORMAT", f"{at}.code"
        elif line.code not in policy.known_codes:
            yield "SERVICE_CODE_UNKNOWN", f"{at}.code"
        if len(line.modifiers) > MAX_MODIFIERS:
            yield "MODIFIERS_TOO_MANY", f"{at}.modifiers"
        if len(set(line.modifiers)) < len(line.modifiers) or not all(map(is_modifier, line.modifiers)):
            yield "MODIFIER_FORMAT", f"{at}.modifiers"
        if line.place and not is_place(line.place):
            yield "PLACE_FORMAT", f"{at}.place"
        yield from _pointers(line, len(claim.diagnoses), f"{at}.pointers")


def _pointers(line: ServiceLine, diagnoses: int, at: str) -> Iterator[Hit]:
    if not line.pointers:
        yield "POINTER_NONE", at
    if len(line.pointers) > MAX_POINTERS:
        yield "POINTERS_TOO_MANY", at
    if len(set(line.pointers)) < len(line.pointers) or not all(1 <= each <= diagnoses for each in line.pointers):
        yield "POINTER_UNKNOWN", at


def _place(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if not is_place(claim.place):
        yield "PLACE_FORMAT", "place"
    if claim.facility and claim.place == HOME:
        yield "FACILITY_UNEXPECTED", "facility"
    if not claim.facility and claim.place not in (HOME, OFFICE, *TELEHEALTH):
        yield "FACILITY_MISSING", "facility"
    for index, line in enumerate(claim.lines):
        distant = (line.place or claim.place) in TELEHEALTH
        marked = not policy.telehealth_modifiers.isdisjoint(line.modifiers)
        if distant and not marked:
            yield "TELEHEALTH_MODIFIER", f"lines[{index}].modifiers"
        if marked and not distant:
            yield "TELEHEALTH_PLACE", f"lines[{index}].place"


def _providers(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if claim.rendering is None and not all(line.rendering for line in claim.lines):
        yield "RENDERING_MISSING", "rendering"
    if claim.supervising and claim.rendering and claim.supervising.npi == claim.rendering.npi:
        yield "SUPERVISOR_IS_RENDERING", "supervising"


def _lines(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if not claim.lines:
        yield "LINES_NONE", "lines"
    if len(claim.lines) > MAX_LINES:
        yield "LINES_TOO_MANY", "lines"
    for index in _repeats((line.date, line.code, *_circumstances(claim, line)) for line in claim.lines):
        yield "LINE_DUPLICATE", f"lines[{index}]"


def _amounts(claim: Claim, policy: Policy) -> Iterator[Hit]:
    for index, line in enumerate(claim.lines):
        if not _whole(line.units):
            yield "UNITS_INVALID", f"lines[{index}].units"
        elif line.charge != line.units * line.rate:
            yield "CHARGE_NOT_RATE", f"lines[{index}].charge"
        if not (line.charge.is_finite() and line.charge > 0):
            yield "CHARGE_NOT_POSITIVE", f"lines[{index}].charge"
    if claim.total != sum((line.charge for line in claim.lines), Decimal(0)):
        yield "TOTAL_NOT_SUM", "total"


def _other_payers(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """Coordination of benefits: the order of payers, and the balance of what earlier ones decided."""
    sequences = [claim.sequence, *(other.sequence for other in claim.other_payers)]
    earlier = PAYER_ORDER[: max(PAYER_ORDER.find(claim.sequence), 0)]
    if not set(earlier) <= set(sequences):
        yield "OTHER_PAYER_MISSING", "other_payers"
    if len(set(sequences)) < len(sequences):
        yield "PAYER_ORDER", "other_payers"
    for index, other in enumerate(claim.other_payers):
        decided = [a.paid for line in claim.lines for a in line.adjudications if a.payer_id == other.payer.payer_id]
        if decided and not other.adjustments and other.paid != sum(decided, Decimal(0)):
            yield "PAYER_PAID_UNBALANCED", f"other_payers[{index}].paid"
        if other.paid is not None and not decided and other.adjudicated is None:
            yield "VALUE_MISSING", f"other_payers[{index}].adjudicated"
    yield from _adjudications(claim)


def _adjudications(claim: Claim) -> Iterator[Hit]:
    payers = {other.payer.payer_id for other in claim.other_payers}
    for index, line in enumerate(claim.lines):
        deciders = [decision.payer_id for decision in line.adjudications]
        if len(set(deciders)) < len(deciders) or not payers.issuperset(deciders):
            yield "ADJUDICATION_PAYER", f"lines[{index}].adjudications"
        for place, decision in enumerate(line.adjudications):
            if line.charge != decision.paid + sum(adjustment.amount for adjustment in decision.adjustments):
                yield "ADJUDICATION_UNBALANCED", f"lines[{index}].adjudications[{place}]"


def _dates(claim: Claim, policy: Policy) -> Iterator[Hit]:
    born = claim.birth_date
    for index, line in enumerate(claim.lines):
        if line.date > policy.today:
            yield "SERVICE_DATE_FUTURE", f"lines[{index}].date"
        if born and line.date < born:
            yield "SERVICE_BEFORE_BIRTH", f"lines[{index}].date"


def _coverage(claim: Claim, policy: Policy) -> Iterator[Hit]:
    for index, line in enumerate(claim.lines):
        early = claim.coverage_start is not None and line.date < claim.coverage_start
        late = claim.coverage_end is not None and line.date > claim.coverage_end
        if early or late:
            yield "OUTSIDE_COVERAGE", f"lines[{index}].date"
        overdue = policy.filing_days is not None and (policy.today - line.date).days > policy.filing_days
        if overdue and claim.frequency == ORIGINAL:
            yield "FILING_LATE", f"lines[{index}].date"


def _authorization(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """Authorization of each line on its own date of service; units of one number and code are counted together."""
    billed: Counter[tuple[str, str]] = Counter()
    for index, line in enumerate(claim.lines):
        number = line.authorization_number or claim.authorization_number
        approved = [a for a in claim.authorizations if (a.number, a.code) == (number, line.code)]
        limits = [a.units for a in approved if a.units is not None]
        if _whole(line.units):
            billed[number, line.code] += line.units
        if not number and policy.authorization_required:
            yield "AUTHORIZATION_MISSING", "authorization_number"
        elif number and not approved:
            yield "AUTHORIZATION_UNKNOWN", f"lines[{index}].authorization_number"
        elif approved and not any(a.start <= line.date <= a.end for a in approved):
            yield "OUTSIDE_AUTHORIZATION", f"lines[{index}].date"
        elif approved and len(limits) == len(approved) and billed[number, line.code] > sum(limits):
            yield "AUTHORIZATION_UNITS", f"lines[{index}].units"


def _units(claim: Claim, policy: Policy) -> Iterator[Hit]:
    billed: Counter[tuple[Hashable, str]] = Counter()
    for index, line in enumerate(claim.lines):
        if _whole(line.units):
            billed[line.date, line.code] += line.units
        limit = policy.mue.get(line.code)
        if limit is not None and billed[line.date, line.code] > limit:
            yield "MUE_EXCEEDED", f"lines[{index}].units"


def _minutes(claim: Claim, policy: Policy) -> Iterator[Hit]:
    """Units against minutes: by line, or under the 8-minute rule by day and provider when all minutes are known."""
    groups: dict[Hashable, list[int]] = {}
    for index, line in enumerate(claim.lines):
        together = policy.rounding is Rounding.CMS_8_MINUTE
        groups.setdefault((line.date, _renderer(claim, line)) if together else index, []).append(index)
    for members in groups.values():
        minutes = [claim.lines[index].minutes for index in members]
        units = [claim.lines[index].units for index in members]
        known = [each for each in minutes if each is not None]
        if len(known) < len(minutes) or not all(map(_whole, units)):
            continue
        due = (sum(known) + 7) // 15
        if sum(units) != due:
            yield "UNITS_OVER_MINUTES" if sum(units) > due else "UNITS_UNDER_MINUTES", f"lines[{members[0]}].units"


def _signatures(claim: Claim, policy: Policy) -> Iterator[Hit]:
    if not claim.provider_signature:
        yield "SIGNATURE_MISSING", "provider_signature"
    for index, line in enumerate(claim.lines):
        if not line.note_signed:
            yield "NOTE_UNSIGNED", f"lines[{index}].note_signed"


def _repeats(values: Iterable[Hashable]) -> Iterator[int]:
    """Positions of values that occurred before."""
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index
        seen.add(value)


def _circumstances(claim: Claim, line: ServiceLine) -> tuple[Hashable, ...]:
    """What lets two lines of one code on one day stand side by side."""
    return frozenset(line.modifiers), line.place or claim.place, _renderer(claim, line)


def _renderer(claim: Claim, line: ServiceLine) -> str:
    provider = line.rendering or claim.rendering
    return provider.npi if provider else ""


def _whole(units: object) -> bool:
    return type(units) is int and units > 0


FORM: tuple[Check, ...] = (
    _parts,
    _billing,
    _people,
    _numbers,
    _frequency,
    _diagnoses,
    _service,
    _place,
    _providers,
    _lines,
    _amounts,
    _other_payers,
    _dates,
)
ENTITLEMENT: tuple[Check, ...] = (_coverage, _authorization, _units, _minutes, _signatures)
