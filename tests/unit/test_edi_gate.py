"""The gate: every sample on its right side, and no value ever coming out with the verdict."""

import logging
from decimal import Decimal

import pytest

from billing.edi import gate
from billing.edi.document import check_document
from billing.edi.findings import blocks
from billing.edi.gate import check_pyx12, validate
from billing.edi.model import Adjustment, Claim
from billing.edi.parts import TEXTS, walk
from billing.edi.writer import write
from tests.unit.edi_support import (
    FULL_CLAIM,
    SAMPLES,
    SECONDARY_CLAIM,
    SELF_CLAIM,
    change,
    interchange,
    parses_in_x12sdk,
    sample,
    wire,
)

GOOD = sorted(path.stem for path in SAMPLES.glob("837p-ok-*.edi"))
BAD = sorted(path.stem for path in SAMPLES.glob("837p-bad-*.edi"))

# What pyx12 lets through, so that the document rules alone must refuse it.
MISSED_BY_PYX12 = {
    "837p-bad-01-bad-npi",
    "837p-bad-10d-caret-in-name",
    "837p-bad-12b-missing-DMG-subself",
    "837p-bad-14-CLM02-ne-sum",
    "837p-bad-20-freq7-noF8",
    "837p-bad-22-bad-cpt",
    "837p-bad-30-SBR02-missing-self",
    "837p-bad-32-dup-claim-id",
}


def test_samples_are_here() -> None:
    assert (len(GOOD), len(BAD)) == (5, 22)


@pytest.mark.parametrize("name", GOOD)
def test_right_files_pass(name: str) -> None:
    assert validate(sample(name)) == []
    assert parses_in_x12sdk(sample(name))


def test_everything_the_writer_can_write_passes() -> None:
    """Optional segments, claim-level adjustments and every sex, in one file of two transaction sets."""
    lump = tuple(Adjustment(group="CO", reason=str(number), amount=Decimal(10)) for number in range(1, 10))
    changes = {"number": "CLM2", "lines[0].adjudications": (), "lines[0].control_number": "L2"}
    at_claim = change(SECONDARY_CLAIM, changes | {"other_payers[0].adjustments": lump, "subscriber.sex": "U"})
    reduced = change(
        at_claim,
        {
            "number": "CLM3",
            "lines[0].control_number": "L3",
            "other_payers[0].adjustments": (),
            "other_payers[0].not_covered": Decimal(240),
        },
    )
    data = write(interchange((FULL_CLAIM, at_claim), (SECONDARY_CLAIM, reduced))).data
    assert validate(data) == []


def filled(claim: Claim, *, longest: bool) -> Claim:
    """`claim` with every free text as long, or as short, as the scrubber lets it be."""
    for path, piece in walk(claim, ""):
        for text in TEXTS.get(type(piece), ()):
            if text.name not in ("report_type", "reason", "number", "control_number") and getattr(piece, text.name):
                value = "A" * (text.longest if longest else text.shortest)
                claim = change(claim, {f"{path}.{text.name}".lstrip("."): value})
    return claim


@pytest.mark.parametrize("longest", [True, False], ids=["longest", "shortest"])
def test_sizes_the_scrubber_allows_are_those_of_the_guide(longest: bool) -> None:
    every = change(
        FULL_CLAIM,
        {
            "billing.address.street2": "X",
            "patient.middle_name": "X",
            "patient.suffix": "X",
            "subscriber.middle_name": "X",
            "subscriber.suffix": "X",
            "rendering.middle_name": "X",
            "lines[0].authorization_number": "X",
            "attachments[0].control_number": "A" * (50 if longest else 2),
        },
    )
    named = change(SELF_CLAIM, {"number": "CLM2", "subscriber.group_number": "", "subscriber.plan_name": "X"})
    third = change(SECONDARY_CLAIM, {"number": "CLM3", "lines[0].adjudications": ()})
    claims = tuple(
        change(filled(claim, longest=longest), {"lines[0].control_number": f"L{number}"})
        for number, claim in enumerate((every, named, third))
    )
    data = write(interchange(claims)).data
    assert data.count(b"A" * 35 if longest else b"*A*A") > 1
    assert validate(data) == []


@pytest.mark.parametrize("name", BAD)
def test_wrong_files_are_refused(name: str) -> None:
    verdict = validate(sample(name))
    assert blocks(verdict)
    assert any(finding.code.startswith("PYX12_") for finding in verdict) is (name not in MISSED_BY_PYX12)


@pytest.mark.parametrize(
    ("name", "code", "field", "segment"),
    [
        ("837p-bad-06a-bad-date-DTP", "PYX12_ELE_8", "DTP03", 32),
        ("837p-bad-07a-wrong-qual-NM108", "PYX12_ELE_7", "NM108", 8),
        ("837p-bad-16a-GE-count", "PYX12_GS_5", "GS", 0),
        ("837p-bad-09-dup-ST", "PYX12_ST_23", "ST", 0),
        ("837p-bad-24-missing-2010BB", "PYX12_SEG_3", "NM1", 18),
        ("837p-bad-04-ISA-len", "PYX12_REFUSED", "ISA", 0),
        ("837p-bad-26-GS08-wrong", "PYX12_ENGINEERROR", "ISA", 0),
        ("837p-bad-10b-nonascii", "PYX12_UNICODEDECODEERROR", "ISA", 0),
    ],
)
def test_pyx12_says_where_it_is_wrong(name: str, code: str, field: str, segment: int) -> None:
    found = [(finding.code, finding.field, finding.segment) for finding in check_pyx12(sample(name))]
    assert (code, field, segment) in found


def test_any_exception_in_the_validator_stops_the_send(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*args: object) -> bool:
        raise MemoryError("SAM DOE")

    monkeypatch.setattr(gate, "_run", explode)
    verdict = validate(sample("837p-ok-dep"))
    assert [finding.code for finding in verdict] == ["PYX12_MEMORYERROR"]
    assert blocks(verdict)
    assert "DOE" not in repr(verdict)


def test_refusal_without_a_report_stops_the_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_run", lambda raw, report: False)
    assert [finding.code for finding in validate(sample("837p-ok-dep"))] == ["PYX12_REFUSED"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"*SAM~", b"*SAM****ZZSECRET~"),
        (b"~PAT*19", b"~PAT*ZZSECRET"),
        (b"~PAT*19", b"~ZZSECRET*19"),
        (b"~ST*837*0001", b"~ST*837*ZZSECRET"),
        (b"*20180314*", b"*ZZSECRET*"),
        (b"ISA*00", b"ZZSECRET"),
        (b"*X*005010X222A1", b"*X*ZZSECRET"),
        (b"SE*34*0001", b"SE*34*ZZSECRET"),
    ],
)
def test_values_reach_neither_findings_nor_log_nor_output(
    old: bytes, new: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = wire("837p-ok-dep").replace(old, new)
    assert new in raw
    with caplog.at_level(logging.DEBUG):
        verdict = validate(raw)
    assert blocks(verdict)
    assert "ZZSECRET" not in repr(verdict)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_an_empty_file_is_refused_by_both() -> None:
    assert blocks(check_document(b""))
    assert blocks(check_pyx12(b""))
