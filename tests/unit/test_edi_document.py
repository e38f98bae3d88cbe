"""Rules over the bytes: the sample files, and one small change to a right file for every rule."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.edi import document
from billing.edi.document import check_document
from billing.edi.model import Adjustment
from billing.edi.rules import DOCUMENT
from billing.edi.writer import write
from tests.unit.edi_support import CHILD_CLAIM, SAMPLES, SECONDARY_CLAIM, SELF_CLAIM, change, interchange, sample

BY_DOCUMENT_RULES = {
    "837p-bad-01-bad-npi": "NPI_INVALID",
    "837p-bad-02b-missing-subscr-HL": "SEGMENT_MISPLACED",
    "837p-bad-04-ISA-len": "ISA_LAYOUT",
    "837p-bad-06a-bad-date-DTP": "DATE_INVALID",
    "837p-bad-07c-wrong-qual-SV103": "UNITS_INVALID",
    "837p-bad-09-dup-ST": "SET_NUMBER_DUPLICATE",
    "837p-bad-10b-nonascii": "NOT_ASCII",
    "837p-bad-10d-caret-in-name": "CHARACTER_REFUSED",
    "837p-bad-11b-long-CLM01": "CLAIM_NUMBER_LENGTH",
    "837p-bad-12b-missing-DMG-subself": "SUBSCRIBER_DEMOGRAPHICS",
    "837p-bad-14-CLM02-ne-sum": "TOTAL_NOT_SUM",
    "837p-bad-16a-GE-count": "COUNT_WRONG",
    "837p-bad-16c-ISA13-short": "ISA_LAYOUT",
    "837p-bad-18-13-dx": "DIAGNOSES_TOO_MANY",
    "837p-bad-20-freq7-noF8": "PAYER_CLAIM_NUMBER_MISSING",
    "837p-bad-22-bad-cpt": "SERVICE_CODE_FORMAT",
    "837p-bad-24-missing-2010BB": "SEGMENT_MISSING",
    "837p-bad-26-GS08-wrong": "VERSION_WRONG",
    "837p-bad-28-missing-HI": "DIAGNOSIS_NONE",
    "837p-bad-30-SBR02-missing-self": "SUBSCRIBER_IS_PATIENT",
    "837p-bad-32-dup-claim-id": "CLAIM_NUMBER_DUPLICATE",
}
LEFT_TO_PYX12 = {"837p-bad-07a-wrong-qual-NM108"}  # a code list of the segment map

CHILD = write(interchange((CHILD_CLAIM,))).data
SELF = write(interchange((SELF_CLAIM,))).data
COB = write(interchange((SECONDARY_CLAIM,))).data
SECOND_CLAIM = change(SELF_CLAIM, {"number": "CLM0002", "lines[0].control_number": "LINE0002"})
TWO_SETS = write(interchange((CHILD_CLAIM,), (SECOND_CLAIM,))).data
TWO_CLAIMS = write(interchange((CHILD_CLAIM, SECOND_CLAIM))).data
DIAGNOSES = b"~HI*ABK:F840*ABF:" + b"*ABF:".join(b"F80%d" % n for n in range(10)) + b"*ABF:F900*ABF:F901~"
LINES = b"".join(b"~LX*%d~SV1*HC:97153*0*UN*8***1~DTP*472*D8*20261103~REF*6R*X%d" % (n, n) for n in range(2, 52))

# rule, element, a right file, what is replaced in it, and by what
BREAKS = [
    ("NPI_INVALID", "NM109", CHILD, b"XX*1999999984", b"XX*1999999985"),
    ("NPI_INVALID", "NM109", CHILD, b"XX*1234567893", b"XX*3234567893"),
    ("EIN_INVALID", "REF02", CHILD, b"REF*EI*123456789", b"REF*EI*12-3456789"),
    ("TAXONOMY_INVALID", "PRV03", CHILD, b"106S00000X", b"106S0000"),
    ("BILLING_PO_BOX", "N301", CHILD, b"N3*100 MAIN ST", b"N3*P.O. BOX 100"),
    ("BILLING_PO_BOX", "N301", CHILD, b"N3*100 MAIN ST", b"N3*100 MAIN ST*PO BOX 1"),
    ("BILLING_ZIP_PLUS_4", "N403", CHILD, b"IL*627011234", b"IL*62701"),
    ("ZIP_INVALID", "N403", CHILD, b"N4*SPRINGFIELD*IL*62704", b"N4*SPRINGFIELD*IL"),
    ("ZIP_INVALID", "N403", CHILD, b"IL*62704", b"IL*62704-1234"),
    ("ADDRESS_INCOMPLETE", "N401", CHILD, b"N4*SPRINGFIELD*IL*62704", b"N4**IL*62704"),
    ("ADDRESS_INCOMPLETE", "N301", CHILD, b"N3*200 OAK ST", b"N3**200 OAK ST"),
    ("SUBSCRIBER_IS_PATIENT", "SBR02", CHILD, b"SBR*P**", b"SBR*P*18*"),
    ("SUBSCRIBER_IS_PATIENT", "SBR02", SELF, b"SBR*P*18*", b"SBR*P**"),
    ("SUBSCRIBER_DEMOGRAPHICS", "NM1", SELF, b"~DMG*D8*20180314*M", b""),
    ("SUBSCRIBER_DEMOGRAPHICS", "NM1", SELF, b"~N3*200 OAK ST", b""),
    ("CLAIM_NUMBER_LENGTH", "CLM01", CHILD, b"CLM0001", b"C" * 21),
    ("CLAIM_NUMBER_LENGTH", "CLM01", CHILD, b"CLM*CLM0001*", b"CLM**"),
    ("CLAIM_NUMBER_DUPLICATE", "CLM01", TWO_SETS, b"CLM0002", b"CLM0001"),
    ("LINE_NUMBER_LENGTH", "REF02", CHILD, b"LINE0001", b"L" * 31),
    ("LINE_NUMBER_DUPLICATE", "REF02", TWO_SETS, b"LINE0002", b"LINE0001"),
    ("FREQUENCY_UNKNOWN", "CLM05", CHILD, b"12:B:1", b"12:B:6"),
    ("FREQUENCY_UNKNOWN", "CLM05", CHILD, b"12:B:1", b"12"),
    ("PAYER_CLAIM_NUMBER_MISSING", "REF02", CHILD, b"12:B:1", b"12:B:7"),
    ("PAYER_CLAIM_NUMBER_MISSING", "REF02", CHILD, b"12:B:1", b"12:B:8"),
    ("PAYER_CLAIM_NUMBER_UNEXPECTED", "REF02", CHILD, b"~HI", b"~REF*F8*ICN1~HI"),
    ("LINES_NONE", "LX", CHILD, CHILD[CHILD.index(b"~LX") : CHILD.index(b"~SE")], b""),
    ("LINES_TOO_MANY", "LX", CHILD, b"~SE*", LINES + b"~SE*"),
    ("DIAGNOSIS_NONE", "HI01", CHILD, b"ABK:", b"ABF:"),
    ("DIAGNOSES_TOO_MANY", "HI", CHILD, b"~HI*ABK:F840~", DIAGNOSES),
    ("DIAGNOSIS_FORMAT", "HI", CHILD, b"ABK:F840", b"ABK:F8"),
    ("DIAGNOSIS_FORMAT", "HI", CHILD, b"ABK:F840", b"ABK"),
    ("DIAGNOSIS_DUPLICATE", "HI", CHILD, b"ABK:F840", b"ABK:F840*ABF:F840"),
    ("POINTER_NONE", "SV107", CHILD, b"*8***1~", b"*8~"),
    ("POINTER_UNKNOWN", "SV107", CHILD, b"*8***1~", b"*8***2~"),
    ("POINTER_UNKNOWN", "SV107", CHILD, b"*8***1~", b"*8***1:1~"),
    ("SERVICE_CODE_FORMAT", "SV101", CHILD, b"HC:97153", b"HC:9715"),
    ("SERVICE_CODE_FORMAT", "SV101", CHILD, b"HC:97153", b"97153"),
    ("SERVICE_CODE_FORMAT", "SV101", CHILD, b"HC:97153", b"ER:97153"),
    ("MODIFIER_FORMAT", "SV101", CHILD, b"HC:97153", b"HC:97153:H"),
    ("MODIFIER_FORMAT", "SV101", CHILD, b"HC:97153", b"HC:97153:HM:HM"),
    ("MODIFIER_FORMAT", "SV101", CHILD, b"HC:97153", b"HC:97153:HM:U1:U2:U3:U4"),
    ("PLACE_FORMAT", "CLM05", CHILD, b"12:B:1", b"2:B:1"),
    ("PLACE_FORMAT", "SV105", CHILD, b"*UN*8**", b"*UN*8*1*"),
    ("UNITS_INVALID", "SV104", CHILD, b"*UN*8*", b"*UN*0*"),
    ("UNITS_INVALID", "SV104", CHILD, b"*UN*8*", b"*UN*1.5*"),
    ("UNITS_INVALID", "SV104", CHILD, b"*UN*8*", b"*MJ*8*"),
    ("CHARGE_NOT_POSITIVE", "SV102", CHILD, b"97153*240*", b"97153*0*"),
    ("CHARGE_NOT_POSITIVE", "SV102", CHILD, b"97153*240*", b"97153*-240*"),
    ("TOTAL_NOT_SUM", "CLM02", CHILD, b"CLM0001*240", b"CLM0001*240.01"),
    ("AMOUNT_FORMAT", "CLM02", CHILD, b"CLM0001*240", b"CLM0001*240.00"),
    ("AMOUNT_FORMAT", "SV102", CHILD, b"97153*240*", b"97153*0240*"),
    ("AMOUNT_FORMAT", "CAS03", COB, b"CO*45*60", b"CO*45*60.005"),
    ("ADJUDICATION_UNBALANCED", "SVD02", COB, b"CO*45*60", b"CO*45*61"),
    ("ADJUDICATION_UNBALANCED", "SVD02", COB, b"SVD*99901*150", b"SVD*99901*149"),
    ("PAYER_PAID_UNBALANCED", "AMT02", COB, b"AMT*D*150", b"AMT*D*151"),
    ("PAYER_PAID_UNBALANCED", "AMT02", COB, b"~AMT*D*150", b""),
    ("NOT_ASCII", "ISA", CHILD, b"*SAM~", b"*S\xc3\x81M~"),
    ("CHARACTER_REFUSED", "NM104", CHILD, b"*SAM~", b"*Sam~"),
    ("CHARACTER_REFUSED", "NM104", CHILD, b"*SAM~", b"*S^AM~"),
    ("CHARACTER_REFUSED", "NM104", CHILD, b"*SAM~", b"*S:AM~"),
    ("CHARACTER_REFUSED", "NM104", CHILD, b"*SAM~", b"*SAM ~"),
    ("CHARACTER_REFUSED", "NM104", CHILD, b"*SAM~", b"*S@M~"),
    ("CHARACTER_REFUSED", "N301", CHILD, b"100 MAIN ST", b"100 MAIN ST #4"),
    ("CHARACTER_REFUSED", "?00", CHILD, b"~PAT*19", b"~Patient*19"),
    ("EMPTY_END", "NM1", CHILD, b"*SAM~", b"*SAM*~"),
    ("EMPTY_END", "SV101", CHILD, b"HC:97153", b"HC:97153:"),
    ("ISA_LAYOUT", "ISA", CHILD, b"OMNITEST       *ZZ", b"OMNITEST*ZZ"),
    ("ISA_LAYOUT", "ISA", CHILD, b"*00501*000000101*", b"*00501*101*"),
    ("ISA_LAYOUT", "ISA", CHILD, b"*00501*", b"*00401*"),
    ("ISA_LAYOUT", "ISA", CHILD, CHILD, b""),
    ("ENVELOPE_ORDER", "ISA", CHILD, b"~IEA*1*000000101~", b"~"),
    ("ENVELOPE_ORDER", "ISA", CHILD, b"~IEA*1*000000101~", b"~IEA*1*000000101~X"),
    ("ENVELOPE_ORDER", "ISA", CHILD, b"~GE*1", b"~N3*X~GE*1"),
    ("ENVELOPE_ORDER", "ISA", CHILD, b"~PAT*19", b"~~PAT*19~IEA*1*000000101"),
    ("CONTROL_NUMBER_FORMAT", "GS06", CHILD, b"1405*101*X", b"1405*0101*X"),
    ("CONTROL_NUMBER_FORMAT", "ST02", CHILD, b"ST*837*0001", b"ST*837*001"),
    ("CONTROL_NUMBER_MISMATCH", "SE02", CHILD, b"SE*34*0001", b"SE*34*0002"),
    ("CONTROL_NUMBER_MISMATCH", "GE02", CHILD, b"GE*1*101", b"GE*1*102"),
    ("CONTROL_NUMBER_MISMATCH", "IEA02", CHILD, b"IEA*1*000000101", b"IEA*1*000000102"),
    ("COUNT_WRONG", "SE01", CHILD, b"SE*34*", b"SE*35*"),
    ("COUNT_WRONG", "GE01", CHILD, b"GE*1*", b"GE*2*"),
    ("COUNT_WRONG", "IEA01", CHILD, b"IEA*1*", b"IEA*2*"),
    ("SET_NUMBER_DUPLICATE", "ST02", TWO_SETS, b"*0002", b"*0001"),
    ("VERSION_WRONG", "GS08", CHILD, b"X*005010X222A1", b"X*005010X222A2"),
    ("VERSION_WRONG", "GS08", CHILD, b"GS*HC", b"GS*HP"),
    ("VERSION_WRONG", "ST03", CHILD, b"0001*005010X222A1", b"0001*005010X222"),
    ("VERSION_WRONG", "ST03", CHILD, b"ST*837", b"ST*835"),
    ("LEVEL_SEQUENCE", "HL01", CHILD, b"HL*3*2*23", b"HL*4*2*23"),
    ("LEVEL_PARENT", "HL02", CHILD, b"HL*3*2*23", b"HL*3*1*23"),
    ("LEVEL_PARENT", "HL02", CHILD, b"HL*1**20", b"HL*1*1*20"),
    ("LEVEL_PARENT", "HL02", CHILD, b"HL*3*2*23", b"HL*3*2*99"),
    ("LEVEL_PARENT", "HL04", CHILD, b"HL*2*1*22*1", b"HL*2*1*22*0"),
    ("LEVEL_PARENT", "HL04", SELF, b"HL*2*1*22*0", b"HL*2*1*22*1"),
    ("SEGMENT_MISPLACED", "LX", CHILD, b"~CLM*", b"~LX*1~CLM*"),
    ("SEGMENT_MISPLACED", "CLM", CHILD, b"~HL*1**20*1", b"~CLM*X~HL*1**20*1"),
    ("SEGMENT_MISPLACED", "SBR", CHILD, b"~PAT*19", b"~PAT*19~SBR*P"),
    ("SEGMENT_MISSING", "NM1", CHILD, b"~NM1*85*", b"~NM1*86*"),
    ("SEGMENT_MISSING", "NM1", CHILD, b"~NM1*PR*", b"~NM1*PX*"),
    ("SEGMENT_MISSING", "NM1", SELF, b"~NM1*IL*", b"~NM1*IX*"),
    ("SEGMENT_MISSING", "REF", CHILD, b"~REF*EI*", b"~REF*SY*"),
    ("SEGMENT_MISSING", "REF", CHILD, b"~REF*6R*LINE0001", b""),
    ("SEGMENT_MISSING", "DTP", CHILD, b"~DTP*472*D8*20261103", b""),
    ("SEGMENT_MISSING", "DMG", CHILD, b"~DMG*D8*20180314*M", b""),
    ("SEGMENT_MISSING", "PAT", CHILD, b"~PAT*19", b""),
    ("DATE_INVALID", "DTP03", CHILD, b"472*D8*20261103", b"472*D8*20260230"),
    ("DATE_INVALID", "DMG02", CHILD, b"DMG*D8*20180314", b"DMG*D8*1803140"),
]


def codes(raw: bytes) -> set[tuple[str, str]]:
    return {(finding.code, finding.field) for finding in check_document(raw)}


@pytest.mark.parametrize("raw", [CHILD, SELF, COB, TWO_SETS, TWO_CLAIMS])
def test_what_the_writer_writes_breaks_no_rule(raw: bytes) -> None:
    assert check_document(raw) == []


@pytest.mark.parametrize(
    ("right", "old", "new"),
    [
        (CHILD, b"CLM0001", b"C" * 20),
        (CHILD, b"LINE0001", b"L" * 30),
        (CHILD, b"LINE0001", b"L"),
        (CHILD, b"CLM*CLM0001", b"CLM*C"),
        (CHILD, b"HC:97153*", b"HC:97153:HM:U1:U2:U3*"),
        (CHILD, b"ABK:F840", b"ABK:F840" + b"".join(b"*ABF:F80%d" % n for n in range(10)) + b"*ABF:F900"),
        (CHILD, b"*240*", b"*240.5*"),
        (CHILD, b"*240*", b"*0.05*"),
        (CHILD, b"*UN*8**", b"*UN*8*11*"),
        (CHILD, b"~", b"~\r\n"),
    ],
)
def test_what_is_allowed_is_let_through(right: bytes, old: bytes, new: bytes) -> None:
    assert old in right
    if old == b"*240*":
        right = right.replace(b"CLM0001*240", b"CLM0001" + new[:-1])
    assert check_document(right.replace(old, new)) == []


def test_four_pointers_are_allowed_and_five_are_not() -> None:
    four = change(
        CHILD_CLAIM, {"diagnoses": ("F84.0", "F80.0", "F81.0", "F82", "F90.0"), "lines[0].pointers": (5, 1, 2, 3)}
    )
    assert check_document(write(interchange((four,))).data) == []
    five = change(four, {"lines[0].pointers": (5, 1, 2, 3, 4)})
    assert codes(write(interchange((five,))).data) == {("POINTER_UNKNOWN", "SV107")}


def test_earlier_payers_balance_over_several_lines_and_many_adjustments() -> None:
    seven = tuple(Adjustment(group="CO", reason=str(n), amount=Decimal(n)) for n in (45, 1, 2, 3, 4, 5, 30))
    first = change(SECONDARY_CLAIM.lines[0], {"adjudications[0].adjustments": seven})
    second = change(first, {"control_number": "L2", "date": date(2026, 11, 4)})
    both = {"lines": (first, second), "total": Decimal(480), "other_payers[0].paid": Decimal(300)}
    raw = write(interchange((change(SECONDARY_CLAIM, both),))).data
    assert check_document(raw) == []
    assert codes(raw.replace(b"AMT*D*300", b"AMT*D*150")) == {("PAYER_PAID_UNBALANCED", "AMT02")}
    assert codes(raw.replace(b"**5*5~", b"**5*6~")) == {("ADJUDICATION_UNBALANCED", "SVD02")}


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("837p-ok-*.edi")))
def test_right_samples_break_no_rule(name: str) -> None:
    assert check_document(sample(name)) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("837p-bad-*.edi")))
def test_wrong_samples_are_refused(name: str) -> None:
    if name in LEFT_TO_PYX12:
        assert check_document(sample(name)) == []
    else:
        assert BY_DOCUMENT_RULES[name] in {code for code, _ in codes(sample(name))}


@pytest.mark.parametrize(("code", "field", "right", "old", "new"), BREAKS)
def test_rule_catches_one_change_to_a_right_file(code: str, field: str, right: bytes, old: bytes, new: bytes) -> None:
    assert old in right
    assert (code, field) not in codes(right)
    assert (code, field) in codes(right.replace(old, new))


def test_every_rule_is_broken_by_some_file() -> None:
    assert {code for code, *_ in BREAKS} | {"CLAIMS_TOO_MANY"} == set(DOCUMENT)


def test_claims_of_one_set_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_CLAIMS_PER_SET", 2)
    assert check_document(TWO_CLAIMS) == []
    monkeypatch.setattr(document, "MAX_CLAIMS_PER_SET", 1)
    assert codes(TWO_CLAIMS) == {("CLAIMS_TOO_MANY", "CLM")}


def test_findings_point_at_the_segment_as_a_999_does() -> None:
    raw = TWO_SETS.replace(b"CLM0002*240", b"CLM0002*241")
    finding = check_document(raw)[0]
    start = raw.decode().split("~").index("ST*837*0002*005010X222A1")
    assert finding.transaction == "0002"
    assert raw.decode().split("~")[start + finding.segment - 1].startswith("CLM*CLM0002")


def test_envelope_findings_name_no_segment_of_a_transaction() -> None:
    finding = check_document(CHILD.replace(b"GE*1*", b"GE*2*"))[0]
    assert (finding.field, finding.transaction, finding.segment) == ("GE01", "", 0)


def test_findings_never_carry_data() -> None:
    secret = b"ZZSECRET"
    for old in (b"DOE", b"SAM", b"XX*1999999984", b"62704", b"20180314", b"F840", b"97153", b"PAT", b"HL*3", b"0001"):
        for new in (secret, secret + b"*", secret + b"*~"):
            assert secret.decode() not in repr(check_document(CHILD.replace(old, new)))


@settings(database=None, derandomize=True, deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.integers(0, len(COB)), st.integers(0, 60))
@example(b"", 0, len(COB))
@example(b"~", 106, 0)
@example(b"HL~CLM~LX~SV1~SVD~HI~SBR~", 700, 0)
def test_whatever_the_bytes_it_never_raises(noise: bytes, at: int, gone: int) -> None:
    raw = COB[:at] + noise + COB[at + gone :]
    if raw != COB:
        check_document(raw)


@settings(database=None, derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(COB.split(b"~")[2:-4]), max_size=40))
def test_segments_in_any_order_never_raise(shuffled: list[bytes]) -> None:
    parts = COB.split(b"~")
    check_document(b"~".join([*parts[:3], *shuffled, *parts[-4:]]))
