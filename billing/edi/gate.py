"""The last word before a claim file leaves: our document rules and the public pyx12 validator, over the exact bytes.

The only module that knows pyx12. pyx12 puts the offending values into its messages and its log; neither leaves this
module: findings carry its X12 error code, the segment or element and our own words.
"""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pyx12.params
import pyx12.x12n_document

from billing.edi.document import check_document
from billing.edi.findings import Finding, Severity
from billing.edi.tokens import is_segment_id, is_set_number

# Segment and element errors are numbered as in a 999 (IK304, IK403); envelope errors have numbers of their own.
_SEGMENT = {
    "1": "The segment is not known here.",
    "2": "The segment is not expected here.",
    "3": "A mandatory segment or loop is missing.",
    "4": "The loop occurs too often.",
    "5": "The segment occurs too often.",
    "6": "The segment is not part of this transaction set.",
    "7": "The segments are out of order.",
    "8": "The segment has element errors.",
}
_ELEMENT = {
    "1": "A mandatory element is missing.",
    "2": "An element that its condition asks for is missing.",
    "3": "The segment has too many elements.",
    "4": "The element is too short.",
    "5": "The element is too long.",
    "6": "The element holds a character it may not.",
    "7": "The code is not in the element's list.",
    "8": "The date is invalid.",
    "9": "The time is invalid.",
    "10": "The element is excluded by another one.",
}
_ENVELOPE = "The envelope is inconsistent: control numbers, counts or layout."
_REFUSED = "The public validator refused the file."


def validate(raw: bytes) -> list[Finding]:
    """Empty when the file may be sent. Never raises: an exception inside pyx12 is itself a blocking finding."""
    return [*check_document(raw), *check_pyx12(raw)]


def check_pyx12(raw: bytes) -> list[Finding]:
    """pyx12's verdict alone. Costs some 0.3 s a file for loading its map."""
    report = io.StringIO()
    try:
        accepted = _run(raw, report)
        if accepted:
            return []
        return list(dict.fromkeys(_findings(report.getvalue()))) or [_finding("PYX12_REFUSED", "ISA", _REFUSED)]
    except Exception as error:  # whatever goes wrong in the validator must stop the send
        return [_finding(f"PYX12_{type(error).__name__.upper()}", "ISA", _REFUSED)]


def _run(raw: bytes, report: io.StringIO) -> bool:
    log = logging.getLogger("pyx12")
    log.setLevel(logging.CRITICAL + 1)  # it would log values
    source = io.TextIOWrapper(io.BytesIO(raw), encoding="ascii", errors="strict", newline="")
    document = pyx12.x12n_document.x12n_document
    return bool(document(pyx12.params.params(), source, None, None, fd_json=report))


def _findings(report: str) -> Iterator[Finding]:
    for interchange in json.loads(report)["interchanges"] if report else ():
        yield from _envelope(interchange, "ISA")
        for group in interchange["groups"]:
            yield from _envelope(group, "GS")
            for transaction in group["transactions"]:
                control = str(transaction["trn_set_control_num"])
                number = control if is_set_number(control) else ""
                yield from _envelope(transaction, "ST", number)
                for segment in transaction["segments"]:
                    yield from _segment(segment, number)


def _envelope(node: dict[str, Any], field: str, transaction: str = "") -> Iterator[Finding]:
    for error in node["errors"]:
        yield _finding(f"PYX12_{field}_{error['err_cde']}", field, _ENVELOPE, transaction)


def _segment(node: dict[str, Any], transaction: str) -> Iterator[Finding]:
    tag, ordinal = str(node["seg_id"]), int(node["seg_count"])
    name = tag if is_segment_id(tag) else "?"
    for error in node["errors"]:
        code = str(error["err_cde"])
        yield _finding(f"PYX12_SEG_{code}", name, _SEGMENT.get(code, _REFUSED), transaction, ordinal)
    for element in node["elements"]:
        field = f"{name}{int(element['ele_pos'] or 0):02}"
        component = f"-{element['subele_pos']}" if element["subele_pos"] else ""
        for error in element["errors"]:
            code = str(error["err_cde"])
            text = _ELEMENT.get(code, _REFUSED)
            yield _finding(f"PYX12_ELE_{code}", field + component, text, transaction, ordinal)


def _finding(code: str, field: str, fix: str, transaction: str = "", segment: int = 0) -> Finding:
    return Finding(code, Severity.BLOCK, field, fix, transaction, segment)
