"""The segments of an 837P (005010X222A1) as tables, and the few rules that turn a row into text.

A row is a segment id and its elements in order: plain text is written as it stands, a marker reads the object the
table is about, a tuple is a composite. A row whose markers all come up empty is not written, so a situational segment
needs no condition of its own. Trailing empty elements and components are never written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.edi.characters import COMPONENT, ELEMENT, clean, digits
from billing.edi.model import Adjustment

VERSION = "005010X222A1"


@dataclass(frozen=True, slots=True)
class Field:
    """The value at a dotted path; empty when something on the way is `None`."""

    path: str

    def text(self, source: object) -> str:
        """The value as it is written."""
        return plain(read(source, self.path))


class Digits(Field):
    """A number that people type with punctuation: only its digits are written."""

    def text(self, source: object) -> str:
        return digits(super().text(source))


class Email(Field):
    """The one kind of text that may hold `@`."""

    def text(self, source: object) -> str:
        return clean(str(read(source, self.path) or ""), also="@")


@dataclass(frozen=True, slots=True)
class Pair:
    """A qualifier with its value: two elements, or none when there is no value."""

    qualifier: str
    value: Field


Element = str | Field | Pair | tuple[str | Field, ...]
Row = tuple[Element, ...]
Table = tuple[Row, ...]


def read(source: object, path: str) -> object:
    """The attribute at a dotted path, `None` as soon as a step is `None`."""
    for name in path.split("."):
        if source is None:
            return None
        source = getattr(source, name)
    return source


def plain(value: object) -> str:
    """One value for the wire: amounts without trailing zeros, dates CCYYMMDD, flags Y/N, tuples as components."""
    match value:
        case None:
            return ""
        case bool():
            return "Y" if value else "N"
        case Decimal():
            return format(value.normalize(), "f") if value else "0"
        case date():
            return value.strftime("%Y%m%d")
        case tuple():
            return COMPONENT.join(plain(part) for part in value)
        case _:
            return clean(str(value))


def segment(*parts: str) -> str:
    """Parts that are already written, joined without the empty ones at the end."""
    return ELEMENT.join(parts).rstrip(ELEMENT)


def segments(table: Table, source: object) -> list[str]:
    """The rows of `table` that `source` fills."""
    return [segment(*_parts(row, source)) for row in table if _wanted(row, source)]


def diagnosis_segment(codes: tuple[str, ...]) -> str:
    """HI: the principal diagnosis as ABK, the others as ABF, written without their points."""
    qualifiers = ["ABK"] + ["ABF"] * (len(codes) - 1)
    pairs = zip(qualifiers, codes, strict=False)
    return segment("HI", *(COMPONENT.join((qualifier, plain(code.replace(".", "")))) for qualifier, code in pairs))


def adjustment_segments(adjustments: tuple[Adjustment, ...]) -> Iterator[str]:
    """CAS: one segment for each group code, six triplets (reason, amount, units) at most in one."""
    for group in dict.fromkeys(adjustment.group for adjustment in adjustments):
        same = [adjustment for adjustment in adjustments if adjustment.group == group]
        for start in range(0, len(same), 6):
            triplets = ((plain(a.reason), plain(a.amount), plain(a.units)) for a in same[start : start + 6])
            yield segment("CAS", plain(group), *(part for triplet in triplets for part in triplet))


def markers(row: Row) -> Iterator[Field]:
    """The fields a row reads."""
    for element in row:
        for part in element if isinstance(element, tuple) else (element,):
            if isinstance(part, Pair):
                yield part.value
            elif isinstance(part, Field):
                yield part


def _wanted(row: Row, source: object) -> bool:
    fields = list(markers(row))
    return not fields or any(field.text(source) for field in fields)


def _parts(row: Row, source: object) -> Iterator[str]:
    for element in row:
        match element:
            case Pair(qualifier, value):
                text = value.text(source)
                yield from (qualifier, text) if text else ()
            case tuple():
                yield COMPONENT.join(_text(part, source) for part in element).rstrip(COMPONENT)
            case _:
                yield _text(element, source)


def _text(part: str | Field, source: object) -> str:
    return part.text(source) if isinstance(part, Field) else part


F = Field
_NO_NAME = ("", "", "", "")
_DMG: Row = ("DMG", "D8", F("birth_date"), F("sex"))
_CONTACT: Row = (
    "PER",
    "IC",
    F("contact.name"),
    Pair("TE", Digits("contact.phone")),
    Pair("EM", Email("contact.email")),
)


def _place(path: str = "") -> Table:
    """N3 and N4 of the address at `path`."""
    return (
        ("N3", F(path + "street"), F(path + "street2")),
        ("N4", F(path + "city"), F(path + "state"), Digits(path + "postal_code")),
    )


def _person(entity: str, *identity: Element) -> Row:
    """NM1 of a person."""
    return ("NM1", entity, "1", F("last_name"), F("first_name"), F("middle_name"), "", *identity)


def _provider(entity: str) -> Table:
    return (_person(entity, "", "XX", F("npi")),)


SUBMITTER: Table = (("NM1", "41", "2", F("name"), *_NO_NAME, "46", F("sender_id")), _CONTACT)
RECEIVER: Table = (("NM1", "40", "2", F("name"), *_NO_NAME, "46", F("receiver_id")),)

BILLING: Table = (
    ("PRV", "BI", "PXC", F("taxonomy")),
    ("NM1", "85", "2", F("name"), *_NO_NAME, "XX", F("npi")),
    *_place("address."),
    ("REF", "EI", Digits("ein")),
    _CONTACT,
)
PAY_TO: Table = (("NM1", "87", "2"), *_place())

SUBSCRIBER: Table = (_person("IL", F("suffix"), "MI", F("member_id")), *_place("address."), _DMG)
OTHER_SUBSCRIBER: Table = SUBSCRIBER[:-1]
PAYER: Table = (("NM1", "PR", "2", F("name"), *_NO_NAME, "PI", F("payer_id")), ("REF", "G2", F("provider_number")))
PATIENT: Table = (_person("QC", F("suffix")), *_place("address."), _DMG)

CLAIM: Table = (
    (
        "CLM",
        F("number"),
        F("total"),
        "",
        "",
        (F("place"), "B", F("frequency")),
        F("provider_signature"),
        F("assignment"),
        F("benefits_assigned"),
        F("release_of_information"),
    ),
)
ATTACHMENT: Table = (("PWK", F("report_type"), F("transmission"), "", "", Pair("AC", F("control_number"))),)
CLAIM_DETAIL: Table = (
    ("AMT", "F5", F("patient_paid")),
    ("REF", "9F", F("referral_number")),
    ("REF", "G1", F("authorization_number")),
    ("REF", "F8", F("payer_claim_number")),
    ("NTE", "ADD", F("note")),
)
REFERRING: Table = _provider("DN")
RENDERING: Table = (*_provider("82"), ("PRV", "PE", "PXC", F("taxonomy")))
FACILITY: Table = (("NM1", "77", "2", F("name"), *_NO_NAME, Pair("XX", F("npi"))), *_place("address."))
SUPERVISING: Table = _provider("DQ")

OTHER_AMOUNTS: Table = (
    ("AMT", "D", F("paid")),
    ("AMT", "A8", F("not_covered")),
    ("AMT", "EAF", F("patient_owes")),
    ("OI", "", "", F("benefits_assigned"), "", "", F("release_of_information")),
)
OTHER_PAYER: Table = (
    ("NM1", "PR", "2", F("payer.name"), *_NO_NAME, "PI", F("payer.payer_id")),
    ("DTP", "573", "D8", F("adjudicated")),
    ("REF", "F8", F("payer_claim_number")),
)

LINE: Table = (
    ("SV1", ("HC", F("code"), F("modifiers")), F("charge"), "UN", F("units"), F("place"), "", F("pointers")),
    ("DTP", "472", "D8", F("date")),
    ("REF", "G1", F("authorization_number")),
    ("REF", "6R", F("control_number")),
)
ADJUDICATED: Table = (("SVD", F("payer_id"), F("paid"), ("HC", F("code"), F("modifiers")), "", F("units")),)
ADJUDICATED_DETAIL: Table = (("DTP", "573", "D8", F("adjudicated")), ("AMT", "EAF", F("patient_owes")))
