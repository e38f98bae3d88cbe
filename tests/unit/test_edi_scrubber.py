"""Every rule over a claim, both ways: the claim that breaks it, and its nearest neighbour that does not."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.edi.findings import Severity, blocks
from billing.edi.model import Address, Attachment, Claim, Contact, Facility
from billing.edi.policy import Policy, Rounding
from billing.edi.rules import DOCUMENT, SCRUBBER
from billing.edi.scrubber import scrub, scrub_parties
from tests.unit.edi_support import (
    ALEX,
    CHILD_CLAIM,
    CLEARINGHOUSE,
    FULL_CLAIM,
    JULIA,
    LINE,
    OTHER_NPI,
    POLICY,
    SECONDARY_CLAIM,
    SELF_CLAIM,
    SENDER,
    change,
)

SCHOOL = Facility(
    name="Oak School", address=Address(street="1 School Rd", city="Springfield", state="IL", postal_code="62704")
)
DAY = timedelta(days=1)


def lines(count: int, **changes: Any) -> dict[str, Any]:
    """Changes that give a claim `count` like lines on different days, with total and numbers that fit."""
    made = tuple(
        replace(LINE, date=LINE.date - index * DAY, control_number=f"LINE{index:04}", **changes)
        for index in range(count)
    )
    return {"lines": made, "total": sum((line.charge for line in made), Decimal(0))}


def second(**changes: Any) -> dict[str, Any]:
    """Changes that put a second line beside the first."""
    return {
        "lines": (LINE, replace(LINE, control_number="LINE0002", **changes)),
        "total": Decimal(480),
    }


@dataclass(frozen=True)
class Case:
    """`bad` breaks rule `code` at `at`; `good` is allowed. Both are changes to `claim`, `rules` to the policy."""

    code: str
    at: str
    bad: dict[str, Any]
    good: dict[str, Any]
    claim: Claim = CHILD_CLAIM
    rules: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("NPI_INVALID", "billing.npi", {"billing.npi": "1234567890"}, {"billing.npi": "1999999984"}),
    Case("NPI_INVALID", "rendering.npi", {"rendering.npi": "3234567893"}, {"rendering.npi": OTHER_NPI}),
    Case(
        "NPI_INVALID",
        "lines[0].rendering.npi",
        {"lines[0].rendering": replace(ALEX, npi="")},
        {"lines[0].rendering": JULIA},
    ),
    Case(
        "NPI_INVALID",
        "facility.npi",
        {"place": "03", "facility": replace(SCHOOL, npi="1234567890")},
        {"place": "03", "facility": SCHOOL},
    ),
    Case("EIN_INVALID", "billing.ein", {"billing.ein": "12345678"}, {"billing.ein": "123456789"}),
    Case("TAXONOMY_INVALID", "billing.taxonomy", {"billing.taxonomy": "103K"}, {"billing.taxonomy": "106E00000X"}),
    Case("TAXONOMY_INVALID", "rendering.taxonomy", {"rendering.taxonomy": "X"}, {"rendering.taxonomy": ""}),
    Case(
        "BILLING_PO_BOX",
        "billing.address.street",
        {"billing.address.street": "P.O. Box 12"},
        {"billing.pay_to": replace(SCHOOL.address, street="P.O. Box 12")},
    ),
    Case(
        "BILLING_PO_BOX",
        "billing.address.street",
        {"billing.address.street2": "PO Box 12"},
        {"billing.address.street2": "Suite 12"},
    ),
    Case(
        "BILLING_ZIP_PLUS_4",
        "billing.address.postal_code",
        {"billing.address.postal_code": "62701"},
        {"billing.address.postal_code": "627011234"},
    ),
    Case(
        "ZIP_INVALID",
        "patient.address.postal_code",
        {"patient.address.postal_code": ""},
        {"patient.address.postal_code": "62704-0001"},
    ),
    Case("STATE_INVALID", "patient.address.state", {"patient.address.state": "Ill"}, {"patient.address.state": "MO"}),
    Case("SUBSCRIBER_IS_PATIENT", "relationship", {"relationship": "18"}, {"relationship": "G8"}),
    Case("SUBSCRIBER_IS_PATIENT", "relationship", {"relationship": "19"}, {}, SELF_CLAIM),
    Case("SUBSCRIBER_DEMOGRAPHICS", "subscriber", {"subscriber.birth_date": None}, {}, SELF_CLAIM),
    Case("SUBSCRIBER_DEMOGRAPHICS", "subscriber", {"subscriber.sex": ""}, {"subscriber.sex": "U"}, SELF_CLAIM),
    Case("SUBSCRIBER_DEMOGRAPHICS", "subscriber", {"subscriber.address": None}, {}, SELF_CLAIM),
    Case("CLAIM_NUMBER_LENGTH", "number", {"number": "C" * 21}, {"number": "C" * 20}),
    Case("CLAIM_NUMBER_LENGTH", "number", {"number": ""}, {"number": "C"}),
    Case(
        "LINE_NUMBER_LENGTH",
        "lines[0].control_number",
        {"lines[0].control_number": "L" * 31},
        {"lines[0].control_number": "L" * 30},
    ),
    Case(
        "LINE_NUMBER_LENGTH",
        "lines[0].control_number",
        {"lines[0].control_number": ""},
        {"lines[0].control_number": "L"},
    ),
    Case(
        "LINE_NUMBER_DUPLICATE",
        "lines[1].control_number",
        lines(2) | {"lines[1].control_number": "LINE0000"},
        lines(2),
    ),
    Case("FREQUENCY_UNKNOWN", "frequency", {"frequency": "6"}, {"frequency": "7", "payer_claim_number": "ICN1"}),
    Case("PAYER_CLAIM_NUMBER_MISSING", "payer_claim_number", {"frequency": "7"}, {"frequency": "1"}),
    Case(
        "PAYER_CLAIM_NUMBER_MISSING",
        "payer_claim_number",
        {"frequency": "8"},
        {"frequency": "8", "payer_claim_number": "ICN1"},
    ),
    Case(
        "PAYER_CLAIM_NUMBER_UNEXPECTED",
        "payer_claim_number",
        {"payer_claim_number": "ICN1"},
        {"frequency": "7", "payer_claim_number": "ICN1"},
    ),
    Case("LINES_NONE", "lines", {"lines": (), "total": Decimal(0)}, {}),
    Case("LINES_TOO_MANY", "lines", lines(51), lines(50)),
    Case("DIAGNOSIS_NONE", "diagnoses", {"diagnoses": ()}, {}),
    Case(
        "DIAGNOSES_TOO_MANY",
        "diagnoses",
        {"diagnoses": (*(f"F8{n}.0" for n in range(10)), "F90.0", "F91.0", "F92.0")},
        {"diagnoses": (*(f"F8{n}.0" for n in range(10)), "F90.0", "F91.0")},
    ),
    Case("DIAGNOSIS_FORMAT", "diagnoses[0]", {"diagnoses": ("299.00",)}, {"diagnoses": ("F840",)}),
    Case("DIAGNOSIS_DUPLICATE", "diagnoses[1]", {"diagnoses": ("F84.0", "F840")}, {"diagnoses": ("F84.0", "F80.0")}),
    Case(
        "DIAGNOSIS_EXPECTED",
        "diagnoses",
        {"diagnoses": ("F80.0",)},
        {"diagnoses": ("F80.0", "F84.0")},
        rules={"expected_diagnoses": frozenset({"F84.0"})},
    ),
    Case("POINTER_NONE", "lines[0].pointers", {"lines[0].pointers": ()}, {}),
    Case("POINTER_UNKNOWN", "lines[0].pointers", {"lines[0].pointers": (2,)}, {"lines[0].pointers": (1,)}),
    Case("POINTER_UNKNOWN", "lines[0].pointers", {"lines[0].pointers": (0,)}, {}),
    Case(
        "POINTER_UNKNOWN",
        "lines[0].pointers",
        {"diagnoses": ("F84.0", "F80.0"), "lines[0].pointers": (1, 1)},
        {"diagnoses": ("F84.0", "F80.0"), "lines[0].pointers": (2, 1)},
    ),
    Case(
        "POINTERS_TOO_MANY",
        "lines[0].pointers",
        {"diagnoses": tuple(f"F8{n}.0" for n in range(5)), "lines[0].pointers": (1, 2, 3, 4, 5)},
        {"diagnoses": tuple(f"F8{n}.0" for n in range(5)), "lines[0].pointers": (5, 2, 3, 4)},
    ),
    Case("SERVICE_CODE_FORMAT", "lines[0].code", {"lines[0].code": "9715"}, {}),
    Case("SERVICE_CODE_UNKNOWN", "lines[0].code", {"lines[0].code": "99213"}, {}),
    Case("MODIFIER_FORMAT", "lines[0].modifiers", {"lines[0].modifiers": ("hm",)}, {"lines[0].modifiers": ("HM",)}),
    Case(
        "MODIFIER_FORMAT",
        "lines[0].modifiers",
        {"lines[0].modifiers": ("HM", "HM")},
        {"lines[0].modifiers": ("HM", "U1")},
    ),
    Case(
        "MODIFIERS_TOO_MANY",
        "lines[0].modifiers",
        {"lines[0].modifiers": ("HM", "U1", "U2", "U3", "U4")},
        {"lines[0].modifiers": ("HM", "U1", "U2", "U3")},
    ),
    Case("PLACE_FORMAT", "place", {"place": "2"}, {"place": "11"}),
    Case("PLACE_FORMAT", "lines[0].place", {"lines[0].place": "home"}, {"lines[0].place": "11"}),
    Case(
        "TELEHEALTH_MODIFIER",
        "lines[0].modifiers",
        {"place": "10"},
        {"place": "10", "lines[0].modifiers": ("GT",)},
    ),
    Case(
        "TELEHEALTH_MODIFIER",
        "lines[0].modifiers",
        {"lines[0].place": "02", "lines[0].modifiers": ("HM",)},
        {"lines[0].place": "02", "lines[0].modifiers": ("HM", "95")},
    ),
    Case(
        "TELEHEALTH_PLACE",
        "lines[0].place",
        {"lines[0].modifiers": ("95",)},
        {"lines[0].place": "10", "lines[0].modifiers": ("95",)},
    ),
    Case("FACILITY_MISSING", "facility", {"place": "03"}, {"place": "03", "facility": SCHOOL}),
    Case("FACILITY_UNEXPECTED", "facility", {"facility": SCHOOL}, {"place": "99", "facility": SCHOOL}),
    Case("RENDERING_MISSING", "rendering", {"rendering": None}, {"rendering": None, "lines[0].rendering": ALEX}),
    Case(
        "SUPERVISOR_IS_RENDERING",
        "supervising",
        {"supervising": replace(JULIA, npi=ALEX.npi)},
        {"supervising": JULIA},
    ),
    Case("UNITS_INVALID", "lines[0].units", {"lines[0].units": 0}, {"lines[0].units": 1}),
    Case("UNITS_INVALID", "lines[0].units", {"lines[0].units": Decimal("1.5")}, {}),
    Case("UNITS_INVALID", "lines[0].units", {"lines[0].units": True}, {}),
    Case("CHARGE_NOT_POSITIVE", "lines[0].charge", {"lines[0].charge": Decimal(0)}, {}),
    Case("CHARGE_NOT_POSITIVE", "lines[0].charge", {"lines[0].charge": Decimal("NaN")}, {}),
    Case(
        "CHARGE_NOT_RATE",
        "lines[0].charge",
        {"lines[0].rate": Decimal("30.01")},
        {"lines[0].rate": Decimal("30.005"), "lines[0].charge": Decimal("240.04"), "total": Decimal("240.04")},
    ),
    Case("TOTAL_NOT_SUM", "total", {"total": Decimal("240.01")}, {"total": Decimal(240)}),
    Case(
        "CENTS",
        "patient_paid",
        {"patient_paid": Decimal("1.005")},
        {"patient_paid": Decimal("1.050")},
    ),
    Case("CENTS", "patient_paid", {"patient_paid": Decimal(10**8)}, {"patient_paid": Decimal("99999999.99")}),
    Case("CENTS", "total", {"total": Decimal("Infinity")}, {}),
    Case("LINE_DUPLICATE", "lines[1]", second(), second(modifiers=("76",))),
    Case("LINE_DUPLICATE", "lines[1]", second(place="12"), second(place="11")),
    Case("LINE_DUPLICATE", "lines[1]", second(rendering=ALEX), second(rendering=JULIA)),
    Case("LINE_DUPLICATE", "lines[1]", second(), second(date=LINE.date - DAY)),
    Case("UNITS_OVER_MINUTES", "lines[0].units", {"lines[0].minutes": 112}, {"lines[0].minutes": 113}),
    Case("UNITS_UNDER_MINUTES", "lines[0].units", {"lines[0].minutes": 128}, {"lines[0].minutes": 127}),
    Case(
        "UNITS_OVER_MINUTES",
        "lines[0].units",
        {  # 8 + 8 minutes: one unit together under the 8-minute rule
            "lines": (
                replace(LINE, units=1, minutes=8, charge=Decimal(30)),
                replace(LINE, units=1, minutes=8, charge=Decimal(30), code="97155", control_number="LINE0002"),
            ),
        },
        {
            "lines": (
                replace(LINE, units=1, minutes=8, charge=Decimal(30)),
                replace(LINE, units=1, minutes=15, charge=Decimal(30), code="97155", control_number="LINE0002"),
            ),
        },
        rules={"rounding": Rounding.CMS_8_MINUTE},
    ),
    Case(
        "MUE_EXCEEDED",
        "lines[1].units",
        {"lines": (replace(LINE, units=16), replace(LINE, units=17, place="11", control_number="LINE0002"))},
        {"lines": (replace(LINE, units=16), replace(LINE, units=16, place="11", control_number="LINE0002"))},
    ),
    Case(
        "SERVICE_DATE_FUTURE",
        "lines[0].date",
        {"lines[0].date": date(2026, 11, 21)},
        {"lines[0].date": date(2026, 11, 20)},
    ),
    Case(
        "SERVICE_BEFORE_BIRTH",
        "lines[0].date",
        {"patient.birth_date": date(2026, 11, 4)},
        {"patient.birth_date": date(2026, 11, 3)},
    ),
    Case(
        "SERVICE_BEFORE_BIRTH",
        "lines[0].date",
        {"subscriber.birth_date": date(2026, 11, 4)},
        {"subscriber.birth_date": date(2026, 11, 3)},
        SELF_CLAIM,
    ),
    Case(
        "BIRTH_DATE_FUTURE",
        "subscriber.birth_date",
        {"subscriber.birth_date": date(2026, 11, 21)},
        {"subscriber.birth_date": None},
    ),
    Case(
        "OUTSIDE_COVERAGE",
        "lines[0].date",
        {"coverage_start": date(2026, 11, 4)},
        {"coverage_start": date(2026, 11, 3)},
    ),
    Case("OUTSIDE_COVERAGE", "lines[0].date", {"coverage_end": date(2026, 11, 2)}, {"coverage_end": None}),
    Case(
        "FILING_LATE",
        "lines[0].date",
        {"lines[0].date": date(2026, 8, 21)},
        {"lines[0].date": date(2026, 8, 22)},
        rules={"filing_days": 90},
    ),
    Case(
        "FILING_LATE",
        "lines[0].date",
        {},
        {"frequency": "7", "payer_claim_number": "ICN1"},
        rules={"filing_days": 1},
    ),
    Case(
        "AUTHORIZATION_MISSING",
        "authorization_number",
        {"authorization_number": ""},
        {"authorization_number": "", "lines[0].authorization_number": "AUTH123456"},
    ),
    Case(
        "AUTHORIZATION_UNKNOWN",
        "lines[0].authorization_number",
        {"lines[0].authorization_number": "AUTH9"},
        {"lines[0].authorization_number": "AUTH123456"},
    ),
    Case("AUTHORIZATION_UNKNOWN", "lines[0].authorization_number", {"lines[0].code": "97155"}, {}),
    Case(
        "OUTSIDE_AUTHORIZATION",
        "lines[0].date",
        {"authorizations[0].end": date(2026, 11, 2)},
        {"authorizations[0].end": date(2026, 11, 3)},
    ),
    Case(
        "OUTSIDE_AUTHORIZATION",
        "lines[0].date",
        {"authorizations[0].start": date(2026, 11, 4)},
        {"authorizations[0].start": date(2026, 11, 3)},
    ),
    Case(
        "AUTHORIZATION_UNITS",
        "lines[1].units",
        lines(2) | {"authorizations[0].units": 15},
        lines(2) | {"authorizations[0].units": 16},
    ),
    Case("NOTE_UNSIGNED", "lines[0].note_signed", {"lines[0].note_signed": False}, {}),
    Case("SIGNATURE_MISSING", "provider_signature", {"provider_signature": False}, {}),
    Case(
        "MEMBER_ID_PATTERN",
        "subscriber.member_id",
        {"subscriber.member_id": "123456789"},
        {"subscriber.member_id": "W987654321"},
        rules={"member_id": r"W\d{9}"},
    ),
    Case("VALUE_MISSING", "patient.first_name", {"patient.first_name": " "}, {"patient.first_name": "X"}),
    Case("VALUE_MISSING", "patient.last_name", {"patient.last_name": "***"}, {"patient.last_name": "*X*"}),
    Case("VALUE_MISSING", "patient.address.city", {"patient.address.city": "X"}, {"patient.address.city": "Ox"}),
    Case("VALUE_MISSING", "payer.payer_id", {"payer.payer_id": "9"}, {"payer.payer_id": "99"}),
    Case(
        "VALUE_MISSING",
        "billing.contact.phone",
        {"billing.contact": Contact(name="Office")},
        {"billing.contact": Contact(name="Office", email="office@clinic.example")},
    ),
    Case(
        "VALUE_MISSING",
        "other_payers[0].adjudicated",
        {"lines[0].adjudications": (), "other_payers[0].adjudicated": None},
        {"lines[0].adjudications": ()},
        SECONDARY_CLAIM,
    ),
    Case("VALUE_TOO_LONG", "patient.first_name", {"patient.first_name": "ß" * 18}, {"patient.first_name": "ß" * 17}),
    Case("VALUE_TOO_LONG", "billing.name", {"billing.name": "N" * 61}, {"billing.name": "N" * 60}),
    Case("VALUE_UNKNOWN", "patient.sex", {"patient.sex": ""}, {"patient.sex": "U"}),
    Case("VALUE_UNKNOWN", "payer.filing_code", {"payer.filing_code": "XX"}, {"payer.filing_code": "MC"}),
    Case("VALUE_UNKNOWN", "assignment", {"assignment": "Y"}, {"assignment": "C"}),
    Case("LETTERS_LOST", "patient.last_name", {"patient.last_name": "张伟"}, {"patient.last_name": "Müller-Łuka"}),
    Case("ID_CHARACTERS", "number", {"number": "clm0001"}, {"number": "CLM-0001"}),
    Case("ID_CHARACTERS", "number", {"number": "CLM*1"}, {}),
    Case(
        "ID_CHARACTERS",
        "subscriber.member_id",
        {"subscriber.member_id": "W:1"},
        {"subscriber.member_id": "w123456789"},
    ),
    Case(
        "ID_CHARACTERS",
        "attachments[0].control_number",
        {"attachments": (Attachment(report_type="OZ", transmission="EL", control_number="A_1"),)},
        {"attachments": (Attachment(report_type="OZ", transmission="EL", control_number="A-1"),)},
    ),
    Case(
        "PHONE_INVALID",
        "billing.contact.phone",
        {"billing.contact": Contact(name="Office", phone="123-4567")},
        {"billing.contact": Contact(name="Office", phone="555.123.4567")},
    ),
    Case("OTHER_PAYER_MISSING", "other_payers", {"sequence": "T"}, {"sequence": "S"}, SECONDARY_CLAIM),
    Case("PAYER_ORDER", "other_payers", {"sequence": "P"}, {"sequence": "S"}, SECONDARY_CLAIM),
    Case(
        "ADJUDICATION_PAYER",
        "lines[0].adjudications",
        {"lines[0].adjudications[0].payer_id": "99902"},
        {},
        SECONDARY_CLAIM,
    ),
    Case(
        "ADJUDICATION_PAYER",
        "lines[0].adjudications",
        {"lines[0].adjudications": SECONDARY_CLAIM.lines[0].adjudications * 2},
        {},
        SECONDARY_CLAIM,
    ),
    Case(
        "ADJUDICATION_UNBALANCED",
        "lines[0].adjudications[0]",
        {"lines[0].adjudications[0].paid": Decimal("149.99")},
        {},
        SECONDARY_CLAIM,
    ),
    Case(
        "PAYER_PAID_UNBALANCED",
        "other_payers[0].paid",
        {"other_payers[0].paid": Decimal(151)},
        {"other_payers[0].paid": Decimal("150.00")},
        SECONDARY_CLAIM,
    ),
]


def found(claim: Claim, policy: Policy = POLICY) -> set[tuple[str, str]]:
    return {(finding.code, finding.field) for finding in scrub(claim, policy)}


@pytest.mark.parametrize("claim", [CHILD_CLAIM, SELF_CLAIM, SECONDARY_CLAIM, FULL_CLAIM])
def test_a_right_claim_breaks_no_rule(claim: Claim) -> None:
    assert scrub(claim, POLICY) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.at}")
def test_rule_catches_the_breach_and_spares_its_neighbour(case: Case) -> None:
    policy = replace(POLICY, **case.rules)
    assert (case.code, case.at) in found(change(case.claim, case.bad), policy)
    assert case.code not in {code for code, _ in found(change(case.claim, case.good), policy)}


def test_every_rule_has_a_case() -> None:
    assert {case.code for case in CASES} == set(SCRUBBER)


@pytest.mark.parametrize("code", sorted(SCRUBBER | DOCUMENT))
def test_a_fix_is_a_plain_sentence(code: str) -> None:
    fix = (SCRUBBER | DOCUMENT)[code].fix
    assert fix.endswith(".")
    assert fix[0].isupper()
    assert len(fix) < 120


def test_findings_never_carry_data_of_the_claim() -> None:
    secret = "ZZSECRET"
    claim = change(
        CHILD_CLAIM,
        {
            "number": secret * 3,
            "patient.first_name": secret * 9,
            "patient.sex": secret,
            "subscriber.member_id": f"*{secret}",
            "billing.npi": secret,
            "diagnoses": (secret,),
            "lines[0].code": secret,
            "lines[0].modifiers": (secret,),
            "place": secret,
        },
    )
    findings = scrub(claim, POLICY)
    assert len(findings) > 8
    assert secret not in repr(findings)


def test_a_payer_may_turn_a_block_into_a_warning_and_back() -> None:
    unsigned = change(CHILD_CLAIM, {"lines[0].note_signed": False})
    lenient = replace(POLICY, severities={"NOTE_UNSIGNED": Severity.WARN})
    assert blocks(scrub(unsigned, POLICY))
    assert not blocks(scrub(unsigned, lenient))
    telehealth = change(CHILD_CLAIM, {"place": "10"})
    strict = replace(POLICY, severities={"TELEHEALTH_MODIFIER": Severity.BLOCK})
    assert not blocks(scrub(telehealth, POLICY))
    assert blocks(scrub(telehealth, strict))


def test_authorization_may_be_optional() -> None:
    claim = change(CHILD_CLAIM, {"authorization_number": "", "authorizations": ()})
    assert scrub(claim, replace(POLICY, authorization_required=False)) == []


def test_authorization_lines_of_one_letter_add_up() -> None:
    first = CHILD_CLAIM.authorizations[0]
    halves = (replace(first, units=4), replace(first, units=4))
    assert scrub(change(CHILD_CLAIM, {"authorizations": halves}), POLICY) == []


def test_voiding_asks_for_form_but_not_for_what_the_payer_would_pay() -> None:
    void = {"frequency": "8", "payer_claim_number": "ICN1", "lines[0].note_signed": False, "authorizations": ()}
    assert scrub(change(CHILD_CLAIM, void), POLICY) == []
    assert found(change(CHILD_CLAIM, void | {"billing.npi": "1"})) == {("NPI_INVALID", "billing.npi")}


def test_minutes_are_compared_only_when_all_of_them_are_known() -> None:
    claim = change(CHILD_CLAIM, second(code="97155", minutes=None) | {"lines[0].minutes": 1})
    codes = {code for code, _ in found(claim, replace(POLICY, rounding=Rounding.CMS_8_MINUTE))}
    assert "UNITS_OVER_MINUTES" not in codes


def test_sender_and_receiver_are_held_to_the_same_rules() -> None:
    assert scrub_parties(SENDER, CLEARINGHOUSE) == []
    broken = change(SENDER, {"contact.phone": "1", "name": ""})
    codes = {
        (finding.code, finding.field) for finding in scrub_parties(broken, replace(CLEARINGHOUSE, receiver_id="É"))
    }
    assert codes == {
        ("VALUE_MISSING", "name"),
        ("PHONE_INVALID", "contact.phone"),
        ("VALUE_MISSING", "receiver_id"),
        ("ID_CHARACTERS", "receiver_id"),
    }
