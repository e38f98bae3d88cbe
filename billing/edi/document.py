"""Rules over the bytes of an 837P: what the public validators let through.

Independent of the writer and the model on purpose: it reads the file as a payer would. An empty answer means that no
rule here is broken; `gate.validate` adds the guide's full segment map.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from billing.edi.characters import BASIC, COMPONENT
from billing.edi.findings import Finding
from billing.edi.identifiers import (
    is_ein,
    is_icd10,
    is_modifier,
    is_npi,
    is_place,
    is_po_box,
    is_procedure,
    is_taxonomy,
    is_zip,
)
from billing.edi.limits import (
    MAX_CLAIM_NUMBER,
    MAX_CLAIMS_PER_SET,
    MAX_DIAGNOSES,
    MAX_LINE_NUMBER,
    MAX_LINES,
    MAX_MODIFIERS,
    MAX_POINTERS,
)
from billing.edi.model import ORIGINAL, REPLACEMENT, SELF, VOID
from billing.edi.rules import DOCUMENT
from billing.edi.tokens import Loop, Segment, Tree, is_set_number, isa_is_sound, tokenize, transactions

Hit = tuple[str, str, Segment]  # rule code, element, the segment it concerns

_COMPOSITES = frozenset(("CLM05", "SV101", "SV107", "SVD03"))
_IN_COMPOSITE, _IN_CONTACT = BASIC | {COMPONENT}, BASIC | {"@"}
_NOWHERE = Segment(("",))
_AMOUNTS = frozenset(("CLM02", "SV102", "SVD02", "AMT02", "CAS03", "CAS06", "CAS09", "CAS12", "CAS15", "CAS18"))
_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]?[1-9])?")
_ENVELOPE = re.compile(r"ISA (?:GS (?:ST SE )+GE )+IEA ")
_ENVELOPE_TAGS = ("ISA", "GS", "ST", "SE", "GE", "IEA")
_VERSION = "005010X222A1"
_WHOLE_UNITS = re.compile(r"[1-9][0-9]*")


def check_document(raw: bytes) -> list[Finding]:
    """Every breach in the file, in its order. Never raises, whatever the bytes are."""
    hits = [] if raw.isascii() else [("NOT_ASCII", "ISA", _NOWHERE)]
    hits.extend(_file(raw.decode("latin-1")))
    return [_finding(*hit) for hit in dict.fromkeys(hits)]


def _finding(code: str, field: str, segment: Segment) -> Finding:
    rule = DOCUMENT[code]
    return Finding(code, rule.severity, field, rule.fix, segment.transaction, segment.ordinal)


def _file(text: str) -> Iterator[Hit]:
    if not isa_is_sound(text):
        yield "ISA_LAYOUT", "ISA", _NOWHERE
        return
    segments = tokenize(text)
    for segment in segments[1:]:
        yield from _elements(segment)
    if not _envelope_in_order(segments):
        yield "ENVELOPE_ORDER", "ISA", _NOWHERE
        return
    yield from _envelope(segments)
    sets = [Tree(each) for each in transactions(segments)]
    for tree in sets:
        yield from _transaction(tree)
    yield from _unique(sets)


# Characters and envelope


def _elements(segment: Segment) -> Iterator[Hit]:
    """Characters of every element, and nothing empty at the end."""
    if not segment.parts[-1]:
        yield "EMPTY_END", segment.name, segment
    for number, text in enumerate(segment.parts):
        name = f"{segment.tag}{number:02}"
        composite = name in _COMPOSITES or (segment.tag == "HI" and number > 0)
        allowed = _IN_COMPOSITE if composite else _IN_CONTACT if segment.tag == "PER" else BASIC
        if not allowed.issuperset(text) or text.strip() != text:
            yield "CHARACTER_REFUSED", f"{segment.name}{number:02}", segment
        if composite and text.endswith(COMPONENT):
            yield "EMPTY_END", name, segment
        if name in _AMOUNTS and text and not _AMOUNT.fullmatch(text):
            yield "AMOUNT_FORMAT", name, segment


def _envelope_in_order(segments: list[Segment]) -> bool:
    order = "".join(f"{segment.tag} " for segment in segments if segment.tag in _ENVELOPE_TAGS)
    if not _ENVELOPE.fullmatch(order) or segments[-1].tag != "IEA":
        return False
    inside = False
    for segment in segments:
        if segment.tag in ("ST", "SE"):
            inside = segment.tag == "ST"
        elif inside == (segment.tag in _ENVELOPE_TAGS):
            return False
    return True


def _envelope(segments: list[Segment]) -> Iterator[Hit]:
    """Control numbers, counts and versions of IEA, GE and SE against what they close."""
    headers: dict[str, Segment] = {}
    counts: Counter[str] = Counter()
    for segment in segments:
        counts[segment.tag] += 1
        match segment.tag:
            case "ISA" | "GS" | "ST":
                headers[segment.tag] = segment
                yield from _header(segment)
                counts["ST"] = 0 if segment.tag == "GS" else counts["ST"]
            case "SE":
                yield from _trailer(segment, segment.ordinal, headers["ST"].get(2))
            case "GE":
                yield from _trailer(segment, counts["ST"], headers["GS"].get(6))
            case "IEA":
                yield from _trailer(segment, counts["GS"], headers["ISA"].get(13))


def _header(segment: Segment) -> Iterator[Hit]:
    match segment.tag:
        case "GS":
            if not re.fullmatch(r"[1-9][0-9]{0,8}", segment.get(6)):
                yield "CONTROL_NUMBER_FORMAT", "GS06", segment
            if (segment.get(1), segment.get(8)) != ("HC", _VERSION):
                yield "VERSION_WRONG", "GS08", segment
        case "ST":
            if not is_set_number(segment.get(2)):
                yield "CONTROL_NUMBER_FORMAT", "ST02", segment
            if (segment.get(1), segment.get(3)) != ("837", _VERSION):
                yield "VERSION_WRONG", "ST03", segment


def _trailer(segment: Segment, count: int, number: str) -> Iterator[Hit]:
    if segment.get(1) != str(count):
        yield "COUNT_WRONG", f"{segment.tag}01", segment
    if segment.get(2) != number:
        yield "CONTROL_NUMBER_MISMATCH", f"{segment.tag}02", segment


# Loops


def _transaction(tree: Tree) -> Iterator[Hit]:
    yield from (("SEGMENT_MISPLACED", segment.tag, segment) for segment in tree.misplaced)
    yield from (("LEVEL_PARENT", "HL02", segment) for segment in tree.orphans)
    loops = list(tree.root.walk())
    yield from _levels(loops)
    claims = [loop for loop in loops if loop.kind == "claim"]
    if len(claims) > MAX_CLAIMS_PER_SET:
        yield "CLAIMS_TOO_MANY", "CLM", claims[-1].segments[0]
    for loop in loops:
        for segment in loop.segments:
            yield from _segment(segment)
        match loop.kind:
            case "20":
                yield from _billing(loop)
            case "22":
                yield from _subscriber(loop)
            case "23":
                yield from _needs(loop, ("PAT",), ("NM1", "QC"), ("N3",), ("N4",), ("DMG", "D8"))
            case "claim":
                yield from _claim(loop)


def _levels(loops: list[Loop]) -> Iterator[Hit]:
    levels = [loop for loop in loops if loop.segments and loop.segments[0].tag == "HL"]
    for number, loop in enumerate(levels, start=1):
        head = loop.segments[0]
        if head.get(1) != str(number):
            yield "LEVEL_SEQUENCE", "HL01", head
        deeper = any(child.segments[0].tag == "HL" for child in loop.children)
        if head.get(4) != ("1" if deeper else "0"):
            yield "LEVEL_PARENT", "HL04", head


def _segment(segment: Segment) -> Iterator[Hit]:
    """Rules that hold for a segment wherever it stands."""
    match segment.tag:
        case "NM1" if segment.get(8) == "XX" and not is_npi(segment.get(9)):
            yield "NPI_INVALID", "NM109", segment
        case "PRV" if segment.get(2) == "PXC" and not is_taxonomy(segment.get(3)):
            yield "TAXONOMY_INVALID", "PRV03", segment
        case "N3" if not segment.get(1):
            yield "ADDRESS_INCOMPLETE", "N301", segment
        case "N4":
            if not segment.get(1):
                yield "ADDRESS_INCOMPLETE", "N401", segment
            if not is_zip(segment.get(3)) or not segment.get(3).isdigit():
                yield "ZIP_INVALID", "N403", segment
        case "DMG" if segment.get(1) == "D8" and not _is_date(segment.get(2)):
            yield "DATE_INVALID", "DMG02", segment
        case "DTP" if segment.get(2) == "D8" and not _is_date(segment.get(3)):
            yield "DATE_INVALID", "DTP03", segment


def _billing(loop: Loop) -> Iterator[Hit]:
    provider = loop.entity("85")
    if provider is None:
        yield "SEGMENT_MISSING", "NM1", loop.segments[0]
        return
    yield from _needs(provider, ("N3",), ("N4",), ("REF", "EI"))
    for segment in provider.segments:
        if segment.tag == "N3" and (is_po_box(segment.get(1)) or is_po_box(segment.get(2))):
            yield "BILLING_PO_BOX", "N301", segment
        if segment.tag == "N4" and not is_zip(segment.get(3), plus_4=True):
            yield "BILLING_ZIP_PLUS_4", "N403", segment
        if segment.starts("REF", "EI") and not (is_ein(segment.get(2)) and segment.get(2).isdigit()):
            yield "EIN_INVALID", "REF02", segment


def _subscriber(loop: Loop) -> Iterator[Hit]:
    """SBR02 is 18 exactly when the claims hang on the subscriber, who then carries what a patient must."""
    yield from _needs(loop, ("SBR",), ("NM1", "IL"), ("NM1", "PR"))
    sbr, person = loop.first("SBR"), loop.entity("IL")
    is_patient = sbr is not None and sbr.get(2) == SELF
    if sbr and (loop.below("claim") if not is_patient else loop.below("23")):
        yield "SUBSCRIBER_IS_PATIENT", "SBR02", sbr
    if is_patient and person and not all(person.first(tag) for tag in ("N3", "N4", "DMG")):
        yield "SUBSCRIBER_DEMOGRAPHICS", "NM1", person.segments[0]


def _claim(loop: Loop) -> Iterator[Hit]:
    head, lines = loop.segments[0], loop.below("line")
    if not 1 <= len(head.get(1)) <= MAX_CLAIM_NUMBER:
        yield "CLAIM_NUMBER_LENGTH", "CLM01", head
    if not lines:
        yield "LINES_NONE", "LX", head
    if len(lines) > MAX_LINES:
        yield "LINES_TOO_MANY", "LX", head
    if not is_place(head.components(5)[0]):
        yield "PLACE_FORMAT", "CLM05", head
    yield from _frequency(loop)
    yield from _diagnoses(loop)
    for line in lines:
        yield from _line(line, len(_diagnosis_codes(loop)))
    charges = [_amount(sv1.get(2)) for line in lines for sv1 in line.all("SV1")]
    if _amount(head.get(2)) != sum(charges, Decimal(0)):
        yield "TOTAL_NOT_SUM", "CLM02", head
    yield from _other_payers(loop)


def _frequency(loop: Loop) -> Iterator[Hit]:
    head, payer_number = loop.segments[0], loop.first("REF", "F8")
    frequency = [*head.components(5), "", ""][2]
    if frequency not in (ORIGINAL, REPLACEMENT, VOID):
        yield "FREQUENCY_UNKNOWN", "CLM05", head
    if frequency in (REPLACEMENT, VOID) and not payer_number:
        yield "PAYER_CLAIM_NUMBER_MISSING", "REF02", head
    if frequency == ORIGINAL and payer_number:
        yield "PAYER_CLAIM_NUMBER_UNEXPECTED", "REF02", payer_number


def _diagnosis_codes(loop: Loop) -> list[str]:
    """Codes of the HI that lists diagnoses; a claim may carry other kinds of HI."""
    composites = [hi.components(number) for hi in loop.all("HI") for number in range(1, len(hi.parts))]
    return [composite[1] if len(composite) > 1 else "" for composite in composites if composite[0] in ("ABK", "ABF")]


def _diagnoses(loop: Loop) -> Iterator[Hit]:
    codes, head = _diagnosis_codes(loop), loop.first("HI") or loop.segments[0]
    if not codes or head.components(1)[0] != "ABK":
        yield "DIAGNOSIS_NONE", "HI01", head
    if len(codes) > MAX_DIAGNOSES:
        yield "DIAGNOSES_TOO_MANY", "HI", head
    if not all(map(is_icd10, codes)):
        yield "DIAGNOSIS_FORMAT", "HI", head
    if len(set(codes)) < len(codes):
        yield "DIAGNOSIS_DUPLICATE", "HI", head


def _line(loop: Loop, diagnoses: int) -> Iterator[Hit]:
    yield from _needs(loop, ("SV1",), ("DTP", "472"), ("REF", "6R"))
    for number in loop.all("REF", "6R"):
        if not 1 <= len(number.get(2)) <= MAX_LINE_NUMBER:
            yield "LINE_NUMBER_LENGTH", "REF02", number
    for sv1 in loop.all("SV1"):
        yield from _service(sv1)
        yield from _pointers(sv1, diagnoses)


def _service(sv1: Segment) -> Iterator[Hit]:
    qualifier, code, *modifiers = sv1.components(1) if COMPONENT in sv1.get(1) else ("", "")
    if qualifier != "HC" or not is_procedure(code):
        yield "SERVICE_CODE_FORMAT", "SV101", sv1
    if not all(map(is_modifier, modifiers)) or len(set(modifiers)) < len(modifiers) or len(modifiers) > MAX_MODIFIERS:
        yield "MODIFIER_FORMAT", "SV101", sv1
    if sv1.get(3) != "UN" or not _WHOLE_UNITS.fullmatch(sv1.get(4)):
        yield "UNITS_INVALID", "SV104", sv1
    if sv1.get(5) and not is_place(sv1.get(5)):
        yield "PLACE_FORMAT", "SV105", sv1
    if (_amount(sv1.get(2)) or 0) <= 0:
        yield "CHARGE_NOT_POSITIVE", "SV102", sv1


def _pointers(sv1: Segment, diagnoses: int) -> Iterator[Hit]:
    pointers = sv1.components(7)
    known = {str(number) for number in range(1, diagnoses + 1)}
    if pointers == [""]:
        yield "POINTER_NONE", "SV107", sv1
    elif not known.issuperset(pointers) or len(set(pointers)) < len(pointers) or len(pointers) > MAX_POINTERS:
        yield "POINTER_UNKNOWN", "SV107", sv1


def _other_payers(loop: Loop) -> Iterator[Hit]:
    """Lines: charge = paid + adjustments of each earlier payer. Claim: AMT*D = the sum paid on its lines."""
    totals: dict[str, Decimal] = {}
    for line in loop.below("line"):
        charge = next((_amount(sv1.get(2)) for sv1 in line.all("SV1")), Decimal(0))
        for svd, adjusted in _decisions(line):
            totals[svd.get(1)] = totals.get(svd.get(1), Decimal(0)) + _amount(svd.get(2))
            if charge != _amount(svd.get(2)) + adjusted:
                yield "ADJUDICATION_UNBALANCED", "SVD02", svd
    for other in loop.below("other"):
        payer, amount = other.first("NM1", "PR"), other.first("AMT", "D")
        total = totals.get(payer.get(9)) if payer else None
        if total is not None and not other.all("CAS") and (amount is None or _amount(amount.get(2)) != total):
            yield "PAYER_PAID_UNBALANCED", "AMT02", other.segments[0]


def _decisions(line: Loop) -> list[tuple[Segment, Decimal]]:
    """Each SVD of a line with the sum of the CAS that follow it."""
    found: list[tuple[Segment, Decimal]] = []
    for segment in line.segments:
        if segment.tag == "SVD":
            found.append((segment, Decimal(0)))
        elif segment.tag == "CAS" and found:
            adjusted = sum((_amount(segment.get(number)) for number in range(3, 19, 3)), Decimal(0))
            found[-1] = (found[-1][0], found[-1][1] + adjusted)
    return found


def _unique(sets: list[Tree]) -> Iterator[Hit]:
    """Numbers that a receiver or a remittance must be able to tell apart in the whole file."""
    loops = [loop for tree in sets for loop in tree.root.walk()]
    yield from _repeated("SET_NUMBER_DUPLICATE", "ST02", [(s, s.get(2)) for loop in loops for s in loop.all("ST")])
    yield from _repeated("CLAIM_NUMBER_DUPLICATE", "CLM01", [(s, s.get(1)) for loop in loops for s in loop.all("CLM")])
    yield from _repeated(
        "LINE_NUMBER_DUPLICATE", "REF02", [(s, s.get(2)) for loop in loops for s in loop.all("REF", "6R")]
    )


def _repeated(code: str, field: str, numbers: list[tuple[Segment, str]]) -> Iterator[Hit]:
    seen: set[str] = set()
    for segment, number in numbers:
        if number in seen:
            yield code, field, segment
        seen.add(number)


def _needs(loop: Loop, *required: tuple[str, ...]) -> Iterator[Hit]:
    for start in required:
        if loop.first(*start) is None:
            yield "SEGMENT_MISSING", start[0], loop.segments[0]


def _is_date(text: str) -> bool:
    """An existing calendar date written CCYYMMDD."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _amount(text: str) -> Decimal:
    """The amount, or 0 for what is no amount (reported as such on its own)."""
    return Decimal(text) if _AMOUNT.fullmatch(text) else Decimal(0)
