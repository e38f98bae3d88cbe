"""Fields with the shapes that a claim needs. Each answers in plain words and gives one spelling to the database."""

import re
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

# USPS: states, the District of Columbia, territories, and the military's AA, AE, AP.
STATES = frozenset(
    ["AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
     "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR",
     "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI",
     "AA", "AE", "AP"]
)  # fmt: skip
OLDEST = timedelta(days=120 * 366)
_DELIMITERS = frozenset("*:^~|<>\\")


class LineInput(forms.CharField):
    """One line of text as a claim may carry it: no control characters, none of the characters that divide a claim."""

    def clean(self, value: Any) -> str:
        text = " ".join(str(super().clean(value) or "").split())
        if any(char in _DELIMITERS or not char.isprintable() for char in text):
            raise ValidationError("Leave out the characters * : ^ ~ | < > and \\.", code="characters")
        return text


class NameInput(LineInput):
    """A person's name, or a part of it."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and not any(char.isalpha() for char in text):
            raise ValidationError("Enter a name with at least one letter.", code="name")
        return text


class StateInput(forms.CharField):
    """A state's two letters, in any case."""

    widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 2, "size": 2})

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "").strip().upper()
        if text and text not in STATES:
            raise ValidationError("Enter the state's two letters, such as NY.", code="state")
        return text


class ZipInput(forms.CharField):
    """Five digits, or nine; kept as `12345` or `12345-6789`."""

    widget = forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "maxlength": 10})

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "").strip()
        if text and not re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", text):
            raise ValidationError("Enter a ZIP code of 5 digits or of 9, such as 10001 or 10001-2345.", code="zip")
        return f"{text[:5]}-{text[-4:]}" if len(text) > 5 else text


class PhoneInput(forms.CharField):
    """A US telephone number, however punctuated; kept as `212-555-0142`."""

    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "maxlength": 24})

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "")
        digits = "".join(char for char in text if char in "0123456789")
        digits = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        if text.strip() and (len(digits) != 10 or re.search(r"[^0-9 ()+./-]", text)):
            raise ValidationError("Enter a telephone number of 10 digits, such as 212-555-0142.", code="phone")
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if digits else ""


class DiagnosisInput(forms.CharField):
    """An ICD-10-CM code by its shape, with or without the point; kept with it, `F84.0`."""

    widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 8})

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "").strip().upper()
        if text and not re.fullmatch(r"[A-Z][0-9][0-9AB](\.?[0-9A-Z]{1,4})?", text):
            raise ValidationError("Enter an ICD-10 code, such as F84.0.", code="diagnosis")
        bare = text.replace(".", "")
        return f"{bare[:3]}.{bare[3:]}" if len(bare) > 3 else bare


class BirthDateInput(forms.DateField):
    """A date of birth: not in the future, and of somebody who may be alive."""

    def clean(self, value: Any) -> date | None:
        born: date | None = super().clean(value)
        if born and born > timezone.localdate():
            raise ValidationError("This date is in the future.", code="future")
        if born and born < timezone.localdate() - OLDEST:
            raise ValidationError("Check the year: this is more than 120 years ago.", code="past")
        return born
