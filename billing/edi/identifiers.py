"""Shapes of the numbers and codes on a claim. A right shape does not prove that a code is in force: tables do that."""

import re

from billing.edi.characters import clean, digits

_NPI = re.compile(r"[12][0-9]{9}")
_TAXONOMY = re.compile(r"[0-9]{3}[0-9A-Z]{6}X")
_ICD10 = re.compile(r"[A-Z][0-9][0-9AB](?:\.?[0-9A-Z]{1,4})?")
# CPT (five digits, or four and F, M, T, U for the newer categories) and HCPCS level II (a letter and four digits).
_PROCEDURE = re.compile(r"[0-9]{4}[0-9FMTU]|[A-V][0-9]{4}")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
_PLACE = re.compile(r"[0-9]{2}")
_PO_BOX = re.compile(r"\b(?:P[ .]*O[ .]*|POST(?:AL)? OFFICE )(?:BOX|BX|DRAWER)\b|\bLOCK ?BOX\b|^BOX \d")


def is_npi(text: str) -> bool:
    """Ten digits, the first 1 or 2, the last a Luhn check digit over 80840 + NPI (CMS, NPI standard)."""
    if not _NPI.fullmatch(text):
        return False
    values = [int(char) for char in reversed("80840" + text)]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0


def is_ein(text: str) -> bool:
    """Nine digits, written with or without the hyphen; the IRS assigns no prefix 00."""
    return re.fullmatch(r"[0-9]{2}-?[0-9]{7}", text) is not None and not text.startswith("00")


def is_taxonomy(text: str) -> bool:
    """Ten characters of the NUCC provider taxonomy, such as 103K00000X."""
    return _TAXONOMY.fullmatch(text) is not None


def is_icd10(text: str) -> bool:
    """The shape of an ICD-10-CM code, with or without its point: letter, digit, digit/A/B, up to four more."""
    return _ICD10.fullmatch(text) is not None


def is_procedure(text: str) -> bool:
    """The five-character shape of a CPT or HCPCS code."""
    return _PROCEDURE.fullmatch(text) is not None


def is_modifier(text: str) -> bool:
    """Two capitals or digits."""
    return _MODIFIER.fullmatch(text) is not None


def is_place(text: str) -> bool:
    """Two digits (CMS place-of-service list)."""
    return _PLACE.fullmatch(text) is not None


def is_zip(text: str, *, plus_4: bool = False) -> bool:
    """A US ZIP code of five or nine digits, hyphen allowed; with `plus_4` all nine are asked for."""
    shape = r"[0-9]{5}-?[0-9]{4}" if plus_4 else r"[0-9]{5}(?:-?[0-9]{4})?"
    return re.fullmatch(shape, text) is not None


def is_state(text: str) -> bool:
    """Two capital letters."""
    return re.fullmatch(r"[A-Z]{2}", text) is not None


def is_phone(text: str) -> bool:
    """Ten digits, however they are punctuated."""
    return len(digits(text)) == 10


def is_po_box(street: str) -> bool:
    """True for a post-office box, which 2010AA refuses as the billing provider's address (2010AB is its place)."""
    return _PO_BOX.search(clean(street)) is not None
