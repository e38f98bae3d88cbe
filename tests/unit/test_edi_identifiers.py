"""Characters and identifiers: what may be written, and what a well-formed number looks like."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.edi import identifiers
from billing.edi.characters import BASIC, clean, digits, loses

PURE = settings(database=None, derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Muñoz", "MUNOZ"),
        ("D’Angelo–Łukasz", "D'ANGELO-LUKASZ"),
        ("Søren Straße", "SOREN STRASSE"),
        ("Nguyễn", "NGUYEN"),
        ("S^A*M:~ `x`", "S A M X"),
        ("  Apt #4 ", "APT 4"),
        ("fi\u0301\ufb01", "FIFI"),
    ],
)
def test_text_is_spelled_in_the_basic_set(written: str, sent: str) -> None:
    assert clean(written) == sent


@PURE
@given(st.text())
def test_clean_is_idempotent_and_never_leaves_the_basic_set(text: str) -> None:
    once = clean(text)
    assert BASIC.issuperset(once)
    assert clean(once) == once


def test_at_sign_stays_only_where_it_is_asked_for() -> None:
    assert clean("a@b.org", also="@") == "A@B.ORG"
    assert clean("a@b.org") == "A B.ORG"


@pytest.mark.parametrize(
    ("text", "lost"), [("José", False), ("张伟", True), ("Иван", True), ("Sam 😀", False), ("٣", True)]
)
def test_a_name_that_cannot_be_spelled_is_noticed(text: str, lost: bool) -> None:
    assert loses(text) is lost


def test_digits_are_ascii_digits_only() -> None:
    assert digits("(555) 123-٣4567") == "5551234567"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (identifiers.is_npi, "1234567893", "1234567890"),
        (identifiers.is_npi, "1999999984", "1999999985"),
        (identifiers.is_npi, "2000000002", "3000000001"),
        (identifiers.is_npi, "1234567893", "123456789"),
        (identifiers.is_npi, "1234567893", "١234567893"),
        (identifiers.is_ein, "12-3456789", "00-3456789"),
        (identifiers.is_ein, "123456789", "12345678"),
        (identifiers.is_taxonomy, "103K00000X", "103K00000"),
        (identifiers.is_taxonomy, "106S00000X", "106S000000"),
        (identifiers.is_icd10, "F84.0", "F8"),
        (identifiers.is_icd10, "C7A.010", "84.0"),
        (identifiers.is_icd10, "Z00121", "F84.01234"),
        (identifiers.is_procedure, "97153", "9715"),
        (identifiers.is_procedure, "0362T", "00XX9"),
        (identifiers.is_procedure, "H2019", "Z2019"),
        (identifiers.is_modifier, "HM", "H"),
        (identifiers.is_modifier, "95", "hm"),
        (identifiers.is_place, "02", "2"),
        (identifiers.is_zip, "62704", "6270"),
        (identifiers.is_zip, "62704-1234", "62704-123"),
        (identifiers.is_state, "IL", "Il"),
        (identifiers.is_phone, "(555) 123-4567", "555-1234"),
        (identifiers.is_po_box, "P.O. Box 12", "100 Boxwood Ln"),
        (identifiers.is_po_box, "PO BOX 12", "12 Box Elder Rd"),
        (identifiers.is_po_box, "p o box 9", "100 Depot Box St"),
        (identifiers.is_po_box, "Post Office Box 9", "9 Post Office Rd"),
        (identifiers.is_po_box, "Box 9", "9 Main St"),
    ],
)
def test_shape(check: object, good: str, bad: str) -> None:
    assert callable(check)
    assert check(good)
    assert not check(bad)


@PURE
@given(st.from_regex(r"[12][0-9]{8}", fullmatch=True))
def test_exactly_one_check_digit_makes_an_npi(nine: str) -> None:
    assert sum(identifiers.is_npi(f"{nine}{digit}") for digit in range(10)) == 1


def test_nine_digit_zip_can_be_demanded() -> None:
    assert identifiers.is_zip("62701-1234", plus_4=True)
    assert identifiers.is_zip("627011234", plus_4=True)
    assert not identifiers.is_zip("62701", plus_4=True)
