"""Claims to the exact bytes of an 837P, 005010X222A1.

The same interchange always gives the same bytes: time and control numbers are given in, and the order is that of the
claims. The writer spells and arranges; it does not judge. What it cannot write at all raises `WriteError`; everything
else is for the scrubber before it and the gate after it.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from billing.edi import layout
from billing.edi.characters import COMPONENT, REPETITION, TERMINATOR, clean
from billing.edi.layout import Table, plain, segment, segments
from billing.edi.limits import MAX_CLAIMS_PER_PATIENT, MAX_CLAIMS_PER_SET, MAX_CONTROL_NUMBER
from billing.edi.model import (
    SELF,
    BillingProvider,
    Claim,
    Interchange,
    OtherPayer,
    Payer,
    Receiver,
    RenderingProvider,
    ServiceLine,
    Submitter,
    Subscriber,
    TransactionSet,
)

Key = TypeVar("Key", bound=Hashable)


class WriteError(ValueError):
    """The envelope cannot be written. `code` is stable; the text never holds data of a claim."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class ClaimPosition:
    """Where one claim sits: its ST02 and segment ordinals counted from ST = 1, both ends included.

    `shared` are the spans of the billing, subscriber and patient levels above it, which other claims may share: an
    error a 999 reports there concerns all of them.
    """

    claim_number: str
    transaction: str
    first: int
    last: int
    shared: tuple[tuple[int, int], ...]

    def concerns(self, ordinal: int) -> bool:
        """True when segment `ordinal` belongs to this claim or to a level above it."""
        return any(first <= ordinal <= last for first, last in ((self.first, self.last), *self.shared))


@dataclass(frozen=True, slots=True)
class Written:
    """The file and, in the order of the file, where its claims are."""

    data: bytes
    positions: tuple[ClaimPosition, ...]


def write(interchange: Interchange) -> Written:
    """The interchange as bytes. Raises `WriteError` when the envelope is impossible."""
    _check(interchange)
    sets = [_TransactionWriter(interchange, transaction) for transaction in interchange.transactions]
    body = [text for written in sets for text in written.segments]
    group, control = str(interchange.group_number), f"{interchange.control_number:09}"
    lines = [_isa(interchange), _gs(interchange), *body, segment("GE", str(len(sets)), group), f"IEA*1*{control}"]
    data = "".join(line + TERMINATOR for line in lines).encode("ascii")
    return Written(data, tuple(position for written in sets for position in written.positions))


class _TransactionWriter:
    """Writes one ST to SE, counting segments and hierarchical levels as it goes."""

    def __init__(self, interchange: Interchange, transaction: TransactionSet) -> None:
        self.control = _st_number(transaction)
        self.segments: list[str] = []
        self.positions: list[ClaimPosition] = []
        self._level = 0
        self._header(interchange, transaction)
        for billing, claims in _grouped(transaction.claims, lambda claim: claim.billing):
            self._billing(billing, claims)
        self._add(f"SE*{len(self.segments) + 1}*{self.control}")

    def _add(self, *texts: str) -> None:
        self.segments.extend(texts)

    def _header(self, interchange: Interchange, transaction: TransactionSet) -> None:
        day, time = f"{interchange.created:%Y%m%d}", f"{interchange.created:%H%M}"
        self._add(f"ST*837*{self.control}*{layout.VERSION}")
        self._add(segment("BHT", "0019", "00", plain(transaction.batch_id), day, time, "CH"))
        self._add(*segments(layout.SUBMITTER, interchange.submitter), *segments(layout.RECEIVER, interchange.receiver))

    def _hl(self, parent: str, kind: str, *, children: bool) -> str:
        self._level += 1
        self._add(segment("HL", str(self._level), parent, kind, "1" if children else "0"))
        return str(self._level)

    def _billing(self, billing: BillingProvider, claims: list[Claim]) -> None:
        first = len(self.segments) + 1
        level = self._hl("", "20", children=True)
        self._add(*segments(layout.BILLING, billing))
        if billing.pay_to:
            self._add(*segments(layout.PAY_TO, billing.pay_to))
        span = (first, len(self.segments))
        for _, group in _grouped(claims, lambda claim: claim.destination):
            self._subscriber(level, group, (span,))

    def _subscriber(self, parent: str, claims: list[Claim], spans: tuple[tuple[int, int], ...]) -> None:
        first, claim = len(self.segments) + 1, claims[0]
        is_patient = claim.relationship == SELF
        level = self._hl(parent, "22", children=not is_patient)
        self._add(_sbr(claim.sequence, SELF if is_patient else "", claim.subscriber, claim.payer))
        self._add(*segments(layout.SUBSCRIBER, claim.subscriber), *segments(layout.PAYER, claim.payer))
        spans = (*spans, (first, len(self.segments)))
        if is_patient:
            self._claims(claims, spans)
            return
        for _, group in _grouped(claims, lambda claim: (claim.patient, claim.relationship)):
            self._patient(level, group, spans)

    def _patient(self, parent: str, claims: list[Claim], spans: tuple[tuple[int, int], ...]) -> None:
        first = len(self.segments) + 1
        self._hl(parent, "23", children=False)
        self._add(segment("PAT", plain(claims[0].relationship)), *segments(layout.PATIENT, claims[0].patient))
        self._claims(claims, (*spans, (first, len(self.segments))))

    def _claims(self, claims: list[Claim], spans: tuple[tuple[int, int], ...]) -> None:
        if len(claims) > MAX_CLAIMS_PER_PATIENT:
            raise WriteError("TOO_MANY_CLAIMS_FOR_PATIENT", f"more than {MAX_CLAIMS_PER_PATIENT} claims of one patient")
        for claim in claims:
            first = len(self.segments) + 1
            self._add(*_claim(claim))
            self.positions.append(ClaimPosition(claim.number, self.control, first, len(self.segments), spans))


def _claim(claim: Claim) -> Iterator[str]:
    """Loop 2300 with everything below it."""
    yield from segments(layout.CLAIM, claim)
    for attachment in claim.attachments:
        yield from segments(layout.ATTACHMENT, attachment)
    yield from segments(layout.CLAIM_DETAIL, claim)
    yield layout.diagnosis_segment(claim.diagnoses)
    yield from _optional(layout.REFERRING, claim.referring)
    yield from _optional(layout.RENDERING, _unless_billing(claim.rendering, claim.billing))
    yield from _optional(layout.FACILITY, claim.facility)
    yield from _optional(layout.SUPERVISING, _unless(claim.supervising, claim.rendering))
    for other in claim.other_payers:
        yield from _other_payer(claim, other)
    for number, line in enumerate(claim.lines, start=1):
        yield f"LX*{number}"
        yield from _line(claim, line)


def _other_payer(claim: Claim, other: OtherPayer) -> Iterator[str]:
    """Loops 2320, 2330A and 2330B."""
    on_lines = any(a.payer_id == other.payer.payer_id for line in claim.lines for a in line.adjudications)
    yield _sbr(other.sequence, other.relationship, other.subscriber, other.payer)
    yield from layout.adjustment_segments(other.adjustments)
    yield from segments(layout.OTHER_AMOUNTS, other)
    yield from segments(layout.OTHER_SUBSCRIBER, other.subscriber)
    yield from segments(layout.OTHER_PAYER, replace(other, adjudicated=None) if on_lines else other)


def _line(claim: Claim, line: ServiceLine) -> Iterator[str]:
    """Loop 2400 after LX: what the claim already says is not repeated."""
    place = "" if line.place == claim.place else line.place
    number = "" if line.authorization_number == claim.authorization_number else line.authorization_number
    yield from segments(layout.LINE, replace(line, place=place, authorization_number=number))
    yield from _optional(layout.RENDERING, _unless(line.rendering, claim.rendering))
    yield from _optional(layout.SUPERVISING, _unless(line.supervising, line.rendering or claim.rendering))
    for decision in line.adjudications:
        yield from segments(layout.ADJUDICATED, decision)
        yield from layout.adjustment_segments(decision.adjustments)
        yield from segments(layout.ADJUDICATED_DETAIL, decision)


def _sbr(sequence: str, relationship: str, subscriber: Subscriber, payer: Payer) -> str:
    """SBR: the plan's name stands only where there is no group number."""
    group = plain(subscriber.group_number)
    name = "" if group else plain(subscriber.plan_name)
    return segment("SBR", plain(sequence), plain(relationship), group, name, "", "", "", "", plain(payer.filing_code))


def _optional(table: Table, source: object | None) -> list[str]:
    return segments(table, source) if source is not None else []


def _unless(provider: RenderingProvider | None, known: RenderingProvider | None) -> RenderingProvider | None:
    """`provider`, unless it is the person already named."""
    return None if provider and known and provider.npi == known.npi else provider


def _unless_billing(provider: RenderingProvider | None, billing: BillingProvider) -> RenderingProvider | None:
    """`provider`, unless they bill under their own NPI."""
    return None if provider and provider.npi == billing.npi else provider


def _grouped(claims: Iterable[Claim], key: Callable[[Claim], Key]) -> Iterable[tuple[Key, list[Claim]]]:
    """Claims with equal keys together, in the order in which keys first appear."""
    groups: dict[Key, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(key(claim), []).append(claim)
    return groups.items()


def _isa(interchange: Interchange) -> str:
    """ISA without its terminator: 105 characters, every element at its fixed width."""
    sender, receiver = (f"{party.qualifier}*{party.party_id:15}" for party in _parties(interchange))
    control = f"{interchange.control_number:09}*0*{interchange.usage}"
    moment = f"{interchange.created:%y%m%d*%H%M}"
    return f"ISA*00*{'':10}*00*{'':10}*{sender}*{receiver}*{moment}*{REPETITION}*00501*{control}*{COMPONENT}"


def _gs(interchange: Interchange) -> str:
    sender, receiver = (party.party_id for party in _parties(interchange))
    moment = f"{interchange.created:%Y%m%d*%H%M}"
    return f"GS*HC*{sender}*{receiver}*{moment}*{interchange.group_number}*X*{layout.VERSION}"


def _parties(interchange: Interchange) -> tuple[Submitter, Receiver]:
    return interchange.submitter, interchange.receiver


def _st_number(transaction: TransactionSet) -> str:
    return f"{transaction.control_number:04}"


def _check(interchange: Interchange) -> None:
    """Refuse an envelope that no receiver could read or that would repeat a number."""
    sets = interchange.transactions
    numbers = [transaction.control_number for transaction in sets]
    if not all(
        0 < each <= MAX_CONTROL_NUMBER for each in (interchange.control_number, interchange.group_number, *numbers)
    ):
        raise WriteError("CONTROL_NUMBER", f"control numbers run from 1 to {MAX_CONTROL_NUMBER}")
    if len(set(numbers)) != len(numbers):
        raise WriteError("SET_NUMBER_REPEATED", "a transaction set number is used twice in the interchange")
    if interchange.usage not in ("T", "P"):
        raise WriteError("USAGE", "the usage indicator is T or P")
    if not sets or not all(0 < len(transaction.claims) <= MAX_CLAIMS_PER_SET for transaction in sets):
        raise WriteError("CLAIM_COUNT", f"a transaction set holds 1 to {MAX_CLAIMS_PER_SET} claims")
    for party in _parties(interchange):
        if not 2 <= len(party.party_id) <= 15 or clean(party.party_id) != party.party_id:
            raise WriteError("PARTY_ID", "sender and receiver ids are 2 to 15 characters of the basic set")
        if len(party.qualifier) != 2 or clean(party.qualifier) != party.qualifier:
            raise WriteError("PARTY_QUALIFIER", "the qualifier of a sender or receiver id is two characters")
