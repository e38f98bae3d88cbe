"""The writer, byte for byte, and the envelope it puts around claims."""

from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest

from billing.edi import layout, model
from billing.edi.model import Adjustment, Claim, Contact, Interchange
from billing.edi.writer import WriteError, write
from tests.unit.edi_support import (
    ALEX,
    CHILD_CLAIM,
    CLINIC,
    FULL_CLAIM,
    JANE,
    JULIA,
    LINE,
    OTHER_NPI,
    SAM,
    SECONDARY_CLAIM,
    SELF_CLAIM,
    change,
    interchange,
    wire,
)

SECOND = change(SELF_CLAIM, {"number": "CLM0002", "lines[0].control_number": "LINE0002"})


def written(*claims: Claim, **changes: Any) -> list[str]:
    """Segments of a file with one transaction set."""
    return write(interchange(claims, **changes)).data.decode().split("~")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("837p-ok-dep", interchange((CHILD_CLAIM,))),
        ("837p-ok-sub", interchange((SELF_CLAIM,))),
        ("837p-ok-pos10", interchange((replace(CHILD_CLAIM, place="10"),))),
        ("837p-ok-2st", interchange((CHILD_CLAIM,), (SECOND,))),
        ("837p-ok-secondary-cob", interchange((SECONDARY_CLAIM,))),
    ],
)
def test_golden_bytes(name: str, file: Interchange) -> None:
    assert write(file).data == wire(name)


def test_the_same_claim_gives_the_same_bytes() -> None:
    assert write(interchange((CHILD_CLAIM, SECOND))) == write(interchange((CHILD_CLAIM, SECOND)))


def test_isa_has_fixed_widths() -> None:
    data = write(interchange((CHILD_CLAIM,), control_number=7, usage="P")).data
    assert data[105:106] == b"~"
    isa = data[:105].decode().split("*")
    assert [len(element) for element in isa] == [3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1]
    assert isa[13] == "000000007"
    assert isa[15] == "P"


def test_parties_may_have_another_id_on_the_envelope() -> None:
    file = interchange((CHILD_CLAIM,))
    file = change(file, {"submitter.envelope_id": "ENV1", "submitter.qualifier": "30", "receiver.envelope_id": "ENV2"})
    segments = write(file).data.decode().split("~")
    assert segments[0][32:70] == "30*ENV1           *ZZ*ENV2           *"
    assert segments[1].startswith("GS*HC*ENV1*ENV2*")
    assert "NM1*41*2*OMNI ABA CLINIC LLC*****46*OMNITEST" in segments


@pytest.mark.parametrize(
    ("amount", "text"),
    [("240.00", "240"), ("240.50", "240.5"), ("0.00", "0"), ("-0", "0"), ("1E+3", "1000"), ("12.34", "12.34")],
)
def test_amounts_have_no_trailing_zeros(amount: str, text: str) -> None:
    assert layout.plain(Decimal(amount)) == text


def test_nothing_empty_stands_at_the_end() -> None:
    for segment in written(CHILD_CLAIM, SECONDARY_CLAIM)[:-1]:
        assert not segment.endswith(("*", "^"))
        assert segment.startswith("ISA") or not any(element.endswith(":") for element in segment.split("*"))


def test_diagnoses_are_written_without_points_the_first_as_principal() -> None:
    claim = change(CHILD_CLAIM, {"diagnoses": ("F84.0", "F80.2"), "lines[0].pointers": (2, 1)})
    assert "HI*ABK:F840*ABF:F802" in written(claim)
    assert "SV1*HC:97153*240*UN*8***2:1" in written(claim)


def test_line_says_only_what_differs_from_the_claim() -> None:
    same = {"lines[0].place": "12", "lines[0].authorization_number": "AUTH123456", "lines[0].rendering": ALEX}
    assert written(change(CHILD_CLAIM, same)) == written(CHILD_CLAIM)
    other = {
        "lines[0].place": "11",
        "lines[0].authorization_number": "AUTH9",
        "lines[0].rendering": JULIA,
        "lines[0].supervising": ALEX,
        "lines[0].modifiers": ("HM", "95"),
    }
    segments = written(change(CHILD_CLAIM, other))
    start = segments.index("LX*1")
    assert segments[start + 1 : start + 8] == [
        "SV1*HC:97153:HM:95*240*UN*8*11**1",
        "DTP*472*D8*20261103",
        "REF*G1*AUTH9",
        "REF*6R*LINE0001",
        f"NM1*82*1*JONES*JULIA****XX*{OTHER_NPI}",
        "PRV*PE*PXC*106S00000X",
        "NM1*DQ*1*SMITH*ALEX****XX*1999999984",
    ]


def test_renderer_who_bills_and_supervisor_who_renders_are_left_out() -> None:
    solo = change(
        CHILD_CLAIM, {"rendering": replace(ALEX, npi=CLINIC.npi), "supervising": replace(ALEX, npi=CLINIC.npi)}
    )
    assert not [segment for segment in written(solo) if segment.startswith(("NM1*82", "NM1*DQ"))]
    by_line = written(change(CHILD_CLAIM, {"rendering": None, "lines[0].rendering": ALEX}))
    assert by_line.index("NM1*82*1*SMITH*ALEX****XX*1999999984") > by_line.index("LX*1")
    supervised = written(change(CHILD_CLAIM, {"supervising": JULIA}))
    assert f"NM1*DQ*1*JONES*JULIA****XX*{OTHER_NPI}" in supervised


def test_everything_a_claim_may_carry_stands_in_the_guides_order() -> None:
    segments = written(FULL_CLAIM)
    assert segments[7:17] == [
        "HL*1**20*1",
        "PRV*BI*PXC*103K00000X",
        "NM1*85*2*OMNI ABA CLINIC LLC*****XX*1234567893",
        "N3*100 MAIN ST",
        "N4*SPRINGFIELD*IL*627011234",
        "REF*EI*123456789",
        "PER*IC*FRONT DESK*TE*5551234567*EM*DESK@CLINIC.EXAMPLE",
        "NM1*87*2",
        "N3*PO BOX 5",
        "N4*SPRINGFIELD*IL*62705",
    ]
    assert "REF*G2*PRV55" in segments
    start = segments.index("CLM*CLM0001*240***03:B:7*Y*A*Y*Y")
    assert segments[start + 1 : start + 13] == [
        "PWK*OZ*EL***AC*ATT1",
        "AMT*F5*20",
        "REF*9F*REF1",
        "REF*G1*AUTH123456",
        "REF*F8*ICN1",
        "NTE*ADD*REPLACES UNITS",
        "HI*ABK:F840",
        f"NM1*DN*1*JONES*JULIA****XX*{OTHER_NPI}",
        "NM1*82*1*SMITH*ALEX****XX*1999999984",
        "PRV*PE*PXC*106S00000X",
        "NM1*77*2*OAK SCHOOL*****XX*1234567893",
        "N3*200 OAK ST",
    ]


def test_contact_without_telephone_has_no_gap() -> None:
    claim = change(CHILD_CLAIM, {"billing.contact": Contact(name="Desk", email="desk@clinic.example")})
    assert "PER*IC*DESK*EM*DESK@CLINIC.EXAMPLE" in written(claim)


def test_plan_name_stands_only_without_a_group_number() -> None:
    named = change(CHILD_CLAIM, {"subscriber.plan_name": "Gold"})
    assert "SBR*P**GRP12345******CI" in written(named)
    assert "SBR*P***GOLD*****CI" in written(change(named, {"subscriber.group_number": ""}))


def test_adjustments_are_grouped_six_to_a_segment() -> None:
    seven = tuple(Adjustment(group="CO", reason=str(n), amount=Decimal(n)) for n in range(1, 8))
    mixed = (*seven, Adjustment(group="PR", reason="3", amount=Decimal("2.50"), units=1))
    assert list(layout.adjustment_segments(mixed)) == [
        "CAS*CO*1*1**2*2**3*3**4*4**5*5**6*6",
        "CAS*CO*7*7",
        "CAS*PR*3*2.5*1",
    ]


def test_claim_level_adjustments_follow_the_other_coverage() -> None:
    lump = (Adjustment(group="CO", reason="45", amount=Decimal(90)),)
    segments = written(change(SECONDARY_CLAIM, {"lines[0].adjudications": (), "other_payers[0].adjustments": lump}))
    start = segments.index("SBR*P*19*GRP12345******CI")
    assert segments[start + 1 : start + 3] == ["CAS*CO*45*90", "AMT*D*150"]


def test_claim_level_decision_date_stands_only_without_line_decisions() -> None:
    at_claim = change(SECONDARY_CLAIM, {"lines[0].adjudications": ()})
    assert "DTP*573*D8*20261115" in written(at_claim)
    assert written(SECONDARY_CLAIM).count("DTP*573*D8*20261115") == 1


# Hierarchy and positions


def family() -> tuple[Claim, ...]:
    """Two siblings under one subscriber, the elder with two claims, and a patient of another clinic."""
    elder_again = change(CHILD_CLAIM, {"number": "CLM0003", "lines[0].control_number": "L3"})
    younger = change(CHILD_CLAIM, {"number": "CLM0002", "patient.first_name": "Ann", "lines[0].control_number": "L2"})
    elsewhere = change(SELF_CLAIM, {"number": "CLM0004", "billing.npi": OTHER_NPI, "lines[0].control_number": "L4"})
    return CHILD_CLAIM, younger, elder_again, elsewhere


def test_siblings_share_a_subscriber_and_claims_a_patient() -> None:
    levels = [segment for segment in written(*family()) if segment.startswith("HL")]
    assert levels == ["HL*1**20*1", "HL*2*1*22*1", "HL*3*2*23*0", "HL*4*2*23*0", "HL*5**20*1", "HL*6*5*22*0"]


def test_positions_say_where_each_claim_is() -> None:
    result = write(interchange(family()[:1], family()[1:]))
    segments = result.data.decode().split("~")
    for position in result.positions:
        start = segments.index(f"ST*837*{position.transaction}*005010X222A1") - 1
        own = segments[start + position.first : start + position.last + 1]
        assert own[0].startswith(f"CLM*{position.claim_number}*")
        assert own[-1].startswith("REF*6R")
        assert not segments[start + position.last + 1].startswith(("LX", "SV1", "DTP", "REF"))
        assert [segments[start + first][:2] for first, _ in position.shared] == ["HL"] * len(position.shared)
    assert [position.claim_number for position in result.positions] == ["CLM0001", "CLM0002", "CLM0003", "CLM0004"]
    assert [len(position.shared) for position in result.positions] == [3, 3, 3, 2]


def test_an_error_above_claims_concerns_all_of_them() -> None:
    positions = write(interchange(family())).positions
    patient_level = positions[0].shared[-1][0]
    concerned = [position.claim_number for position in positions if position.concerns(patient_level)]
    assert concerned == ["CLM0001", "CLM0003"]
    alone = next(position for position in positions if position.claim_number == "CLM0002")
    assert [position.claim_number for position in positions if position.concerns(alone.last)] == ["CLM0002"]


def test_relationship_tells_patients_apart() -> None:
    stepchild = replace(CHILD_CLAIM, number="CLM0002", relationship="G8")
    assert written(CHILD_CLAIM, stepchild).count("PAT*G8") == 1


# What cannot be written


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("CONTROL_NUMBER", {"control_number": 0}),
        ("CONTROL_NUMBER", {"group_number": 1_000_000_000}),
        ("CONTROL_NUMBER", {"transactions[0].control_number": 0}),
        ("SET_NUMBER_REPEATED", {"transactions[1].control_number": 1}),
        ("USAGE", {"usage": "X"}),
        ("CLAIM_COUNT", {"transactions": ()}),
        ("CLAIM_COUNT", {"transactions[0].claims": ()}),
        ("CLAIM_COUNT", {"transactions[0].claims": (CHILD_CLAIM,) * 5_001}),
        ("TOO_MANY_CLAIMS_FOR_PATIENT", {"transactions[0].claims": (CHILD_CLAIM,) * 101}),
        ("PARTY_ID", {"submitter.sender_id": "S" * 16}),
        ("PARTY_ID", {"receiver.envelope_id": "a*"}),
        ("PARTY_QUALIFIER", {"receiver.qualifier": "Z"}),
        ("PARTY_QUALIFIER", {"submitter.qualifier": "z*"}),
    ],
)
def test_impossible_envelope_is_refused(code: str, changes: dict[str, Any]) -> None:
    file = change(interchange((CHILD_CLAIM,), (SECOND,)), changes)
    with pytest.raises(WriteError) as error:
        write(file)
    assert error.value.code == code
    assert CHILD_CLAIM.subscriber.last_name not in str(error.value)


def test_largest_envelope_numbers_and_hundred_claims_are_written() -> None:
    claims = tuple(replace(CHILD_CLAIM, number=f"CLM{n:04}") for n in range(100))
    segments = written(*claims, control_number=999_999_999, group_number=999_999_999)
    assert segments[-2] == "IEA*1*999999999"
    assert sum(segment.startswith("CLM*") for segment in segments) == 100


# The tables

TABLES = [
    (layout.SUBMITTER, model.Submitter),
    (layout.RECEIVER, model.Receiver),
    (layout.BILLING, model.BillingProvider),
    (layout.PAY_TO, model.Address),
    (layout.SUBSCRIBER, model.Subscriber),
    (layout.OTHER_SUBSCRIBER, model.Subscriber),
    (layout.PAYER, model.Payer),
    (layout.PATIENT, model.Patient),
    (layout.CLAIM, model.Claim),
    (layout.ATTACHMENT, model.Attachment),
    (layout.CLAIM_DETAIL, model.Claim),
    (layout.REFERRING, model.RenderingProvider),
    (layout.RENDERING, model.RenderingProvider),
    (layout.FACILITY, model.Facility),
    (layout.SUPERVISING, model.RenderingProvider),
    (layout.OTHER_AMOUNTS, model.OtherPayer),
    (layout.OTHER_PAYER, model.OtherPayer),
    (layout.LINE, model.ServiceLine),
    (layout.ADJUDICATED, model.LineAdjudication),
    (layout.ADJUDICATED_DETAIL, model.LineAdjudication),
]


def has_path(kind: object, path: str) -> bool:
    """True when the dotted path exists in the annotations of a dataclass, through `X | None` too."""
    head, _, rest = path.partition(".")
    for candidate in get_args(kind) or (kind,):
        if isinstance(candidate, type) and is_dataclass(candidate) and head in {f.name for f in fields(candidate)}:
            return not rest or has_path(get_type_hints(candidate)[head], rest)
    return False


def test_pairs_and_composites_are_markers_too() -> None:
    assert [marker.path for marker in layout.markers(layout.SUBMITTER[1])] == [
        "contact.name",
        "contact.phone",
        "contact.email",
    ]
    assert [marker.path for marker in layout.markers(layout.ADJUDICATED[0])][2:4] == ["code", "modifiers"]


@pytest.mark.parametrize(("table", "kind"), TABLES)
def test_tables_read_only_fields_that_exist(table: layout.Table, kind: type) -> None:
    assert all(has_path(kind, marker.path) for row in table for marker in layout.markers(row))


def test_every_table_is_among_them() -> None:
    tables = [value for name, value in vars(layout).items() if name.isupper() and isinstance(value, tuple)]
    assert {id(table) for table in tables if table and isinstance(table[0], tuple)} == {
        id(table) for table, _ in TABLES
    }


def test_time_is_written_as_given() -> None:
    late = datetime(2026, 12, 31, 23, 59)  # noqa: DTZ001 - written as it stands
    assert "BHT*0019*00*BATCH0001*20261231*2359*CH" in written(CHILD_CLAIM, created=late)


def test_same_person_as_subscriber_and_other_people_keep_their_own_data() -> None:
    claim = change(CHILD_CLAIM, {"subscriber": replace(JANE, address=None, birth_date=None, sex="")})
    segments = written(claim)
    person = segments.index("NM1*IL*1*DOE*JANE****MI*W123456789")
    assert segments[person + 1].startswith("NM1*PR")
    assert f"DMG*D8*{SAM.birth_date:%Y%m%d}*M" in segments


def test_line_dates_are_calendar_dates() -> None:
    assert layout.plain(date(2026, 2, 9)) == "20260209"
    assert "DTP*472*D8*20260209" in written(change(CHILD_CLAIM, {"lines": (replace(LINE, date=date(2026, 2, 9)),)}))
