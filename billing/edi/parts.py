"""Checks on the single pieces of a claim: every name, address, identifier, code value and amount, wherever it stands.

The claim is walked once; what is asked depends only on the kind of piece, so a provider on a line is held to the same
rules as one on the claim. Lengths are those of the X12 implementation guide and are measured as written, after
spelling.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal

from billing.edi.characters import clean, loses
from billing.edi.identifiers import is_ein, is_npi, is_phone, is_state, is_taxonomy, is_zip
from billing.edi.model import (
    Address,
    Adjustment,
    Attachment,
    BillingProvider,
    Claim,
    Contact,
    Facility,
    OtherPayer,
    Patient,
    Payer,
    Receiver,
    RenderingProvider,
    ServiceLine,
    Submitter,
    Subscriber,
)

Hit = tuple[str, str]  # rule code, path in the claim

MAX_AMOUNT = Decimal(100_000_000)


@dataclass(frozen=True, slots=True)
class Text:
    """A text field: its longest written form, whether it must be there, and whether it is an identifier.

    An identifier may be put in capitals but not otherwise changed; `exact` ones not even that, since they come back
    to us.
    """

    name: str
    longest: int
    required: bool = False
    identifier: bool = False
    exact: bool = False
    shortest: int = 1


_PERSON = (
    Text("last_name", 60, required=True),
    Text("first_name", 35, required=True),
    Text("middle_name", 25),
)
TEXTS: dict[type, tuple[Text, ...]] = {
    Address: (Text("street", 55, required=True), Text("street2", 55), Text("city", 30, required=True, shortest=2)),
    Contact: (Text("name", 60, required=True),),
    Submitter: (Text("name", 60, required=True), Text("sender_id", 80, required=True, identifier=True, shortest=2)),
    Receiver: (Text("name", 60, required=True), Text("receiver_id", 80, required=True, identifier=True, shortest=2)),
    BillingProvider: (Text("name", 60, required=True),),
    Subscriber: (
        *_PERSON,
        Text("suffix", 10),
        Text("member_id", 80, required=True, identifier=True, shortest=2),
        Text("group_number", 50, identifier=True),
        Text("plan_name", 60),
    ),
    Patient: (*_PERSON, Text("suffix", 10)),
    Payer: (
        Text("name", 60, required=True),
        Text("payer_id", 80, required=True, identifier=True, shortest=2),
        Text("provider_number", 50, identifier=True),
    ),
    RenderingProvider: _PERSON,
    Facility: (Text("name", 60, required=True),),
    Attachment: (
        Text("report_type", 2, required=True, identifier=True, shortest=2),
        Text("control_number", 50, identifier=True, shortest=2),
    ),
    Adjustment: (Text("reason", 5, required=True, identifier=True),),
    OtherPayer: (Text("payer_claim_number", 50, identifier=True),),
    ServiceLine: (
        Text("control_number", 50, identifier=True, exact=True),
        Text("authorization_number", 50, identifier=True),
    ),
    Claim: (
        Text("number", 38, identifier=True, exact=True),
        Text("payer_claim_number", 50, identifier=True),
        Text("authorization_number", 50, identifier=True),
        Text("referral_number", 50, identifier=True),
        Text("note", 80),
    ),
}

_SEX = frozenset("FMU")
_RELATIONSHIPS = frozenset(("01", "18", "19", "20", "21", "39", "40", "53", "G8"))
_SEQUENCES = frozenset("PSTABCDEFGHU")
_FILING_CODES = frozenset(("11", "12", "13", "14", "15", "16", "17", "AM", "BL", "CH", "CI", "DS")) | frozenset(
    ("FI", "HM", "LM", "MA", "MB", "MC", "OF", "TV", "VA", "WC", "ZZ")
)
_BENEFITS, _RELEASE = frozenset("NWY"), frozenset("IY")
# Where a field holds one of a few codes of the implementation guide.
VALUES: dict[type, dict[str, frozenset[str]]] = {
    Subscriber: {"sex": _SEX | {""}},
    Patient: {"sex": _SEX},
    Payer: {"filing_code": _FILING_CODES},
    Attachment: {"transmission": frozenset(("AA", "BM", "EL", "EM", "FT", "FX"))},
    Adjustment: {"group": frozenset(("CO", "CR", "OA", "PI", "PR"))},
    OtherPayer: {
        "sequence": _SEQUENCES,
        "relationship": _RELATIONSHIPS,
        "benefits_assigned": _BENEFITS,
        "release_of_information": _RELEASE,
    },
    Claim: {
        "sequence": _SEQUENCES,
        "relationship": _RELATIONSHIPS,
        "assignment": frozenset("ABC"),
        "benefits_assigned": _BENEFITS,
        "release_of_information": _RELEASE,
    },
}


def check(whole: object) -> Iterator[Hit]:
    """Every piece of a claim, or of another part of the model, against the rules of its kind."""
    for path, piece in walk(whole, ""):
        prefix = f"{path}." if path else ""
        for code, name in _piece(piece):
            yield code, (prefix + name).rstrip(".")


def walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    """`value` and everything inside it with its path; a unit rate is no amount on the claim and left out."""
    yield path, value
    if is_dataclass(value):
        for part in fields(value):
            if part.name != "rate":
                yield from walk(getattr(value, part.name), f"{path}.{part.name}" if path else part.name)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")


def _piece(piece: object) -> Iterator[Hit]:
    for text in TEXTS.get(type(piece), ()):
        yield from ((code, text.name) for code in _text(text, getattr(piece, text.name)))
    for name, known in VALUES.get(type(piece), {}).items():
        if getattr(piece, name) not in known:
            yield "VALUE_UNKNOWN", name
    match piece:
        case Address():
            yield from _address(piece)
        case Contact():
            yield from _contact(piece)
        case BillingProvider():
            yield from _billing(piece)
        case RenderingProvider():
            yield from _rendering(piece)
        case Facility() if piece.npi and not is_npi(piece.npi):
            yield "NPI_INVALID", "npi"
        case Decimal() if not _is_money(piece):
            yield "CENTS", ""


def _text(text: Text, value: str) -> Iterator[str]:
    """Codes of the rules one text breaks."""
    written = clean(value)
    if text.required and not value.strip():
        yield "VALUE_MISSING"
    elif value and loses(value):
        yield "LETTERS_LOST"
    elif value and not text.shortest <= len(written) <= text.longest:
        yield "VALUE_TOO_LONG" if len(written) > text.longest else "VALUE_MISSING"
    if text.identifier and written != (value if text.exact else value.upper()):
        yield "ID_CHARACTERS"


def _address(address: Address) -> Iterator[Hit]:
    if not is_state(address.state):
        yield "STATE_INVALID", "state"
    if not is_zip(address.postal_code):
        yield "ZIP_INVALID", "postal_code"


def _contact(contact: Contact) -> Iterator[Hit]:
    if not contact.phone and not contact.email:
        yield "VALUE_MISSING", "phone"
    if contact.phone and not is_phone(contact.phone):
        yield "PHONE_INVALID", "phone"
    if contact.email and ("@" not in contact.email or clean(contact.email, also="@") != contact.email.upper()):
        yield "ID_CHARACTERS", "email"


def _billing(billing: BillingProvider) -> Iterator[Hit]:
    if not is_npi(billing.npi):
        yield "NPI_INVALID", "npi"
    if not is_ein(billing.ein):
        yield "EIN_INVALID", "ein"
    if not is_taxonomy(billing.taxonomy):
        yield "TAXONOMY_INVALID", "taxonomy"


def _rendering(provider: RenderingProvider) -> Iterator[Hit]:
    if not is_npi(provider.npi):
        yield "NPI_INVALID", "npi"
    if provider.taxonomy and not is_taxonomy(provider.taxonomy):
        yield "TAXONOMY_INVALID", "taxonomy"


def _is_money(amount: Decimal) -> bool:
    """Dollars and whole cents below the largest amount the payers' systems hold (eight digits before the point)."""
    return amount.is_finite() and abs(amount) < MAX_AMOUNT and amount == round(amount, 2)
