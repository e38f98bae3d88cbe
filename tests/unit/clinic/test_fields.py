"""The shapes that a claim needs, and the one spelling that is kept of each."""

from datetime import date, timedelta

import pytest
from django import forms
from django.core.exceptions import ValidationError

from clinic.forms.fields import BirthDateInput, DiagnosisInput, LineInput, NameInput, PhoneInput, StateInput, ZipInput
from clinic.selectors import search_prefix


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        (NameInput(), "  Zoë   O’Brien-Smith ", "Zoë O’Brien-Smith"),
        (StateInput(), " ny", "NY"),
        (ZipInput(), "10001", "10001"),
        (ZipInput(), "100012345", "10001-2345"),
        (ZipInput(), "10001-2345", "10001-2345"),
        (PhoneInput(), "(212) 555-0142", "212-555-0142"),
        (PhoneInput(), "+1 212.555.0142", "212-555-0142"),
        (PhoneInput(required=False), "", ""),
        (DiagnosisInput(), "f840", "F84.0"),
        (DiagnosisInput(), "F84.0", "F84.0"),
        (DiagnosisInput(), "r47", "R47"),
        (LineInput(), "PO Box 7", "PO Box 7"),
    ],
)
def test_one_spelling_is_kept(field: forms.Field, typed: str, kept: str) -> None:
    assert field.clean(typed) == kept


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        (NameInput(), "123"),
        (NameInput(), "Ann*Lee"),
        (LineInput(), "1 Elm~Street"),
        (LineInput(), "1 Elm\x00Street"),
        (StateInput(), "XX"),
        (StateInput(), "New"),
        (ZipInput(), "1234"),
        (ZipInput(), "1234567"),
        (ZipInput(), "١٢٣٤٥"),
        (PhoneInput(), "555-0142"),
        (PhoneInput(), "212-555-0142 ext 7"),
        (DiagnosisInput(), "84.0"),
        (DiagnosisInput(), "F8"),
        (DiagnosisInput(), "F84.00000"),
        (BirthDateInput(), "1850-01-01"),
        (BirthDateInput(), str(date.today() + timedelta(days=2))),  # noqa: DTZ011
    ],
)
def test_what_no_claim_could_carry_is_refused(field: forms.Field, typed: str) -> None:
    with pytest.raises(ValidationError):
        field.clean(typed)


@pytest.mark.parametrize(
    ("typed", "prefix"),
    [
        ("Smith", "smith"),
        ("  Van  der ", "van der"),
        ("smith,JO", "smith, jo"),
        ("smith ,", "smith,"),
        ("smith", "smith"),
    ],
)
def test_what_was_typed_is_spelled_as_the_search_keys_are(typed: str, prefix: str) -> None:
    assert search_prefix(typed) == prefix
