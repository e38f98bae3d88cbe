"""The characters a claim may carry.

X12 separates with `* : ^ ~`, and payers differ over everything outside the X12 basic character set, so data is
written in that set only: capitals, digits, space and `! " & ' ( ) + , - . / ; ? =`. Lower case is legal X12 (extended
set) but buys nothing and costs rejections. `@` is allowed in e-mail addresses alone.
"""

import string
import unicodedata

ELEMENT, COMPONENT, REPETITION, TERMINATOR = "*", ":", "^", "~"
BASIC = frozenset(string.ascii_uppercase + string.digits + " !\"&'()+,-./;?=")

# Letters that Unicode does not decompose, and how names are spelled without them; typographic quotes and dashes.
_LETTERS = {"Æ": "AE", "Œ": "OE", "Ø": "O", "Ð": "D", "Đ": "D", "Þ": "TH", "Ł": "L", "Ħ": "H", "Ŧ": "T", "Ŋ": "NG"}
_MARKS = {
    "'": "\u2018\u2019\u201b\u02bc\u02bb\u2032",
    '"': "\u201c\u201d\u2033",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2212",
}
_SPELLINGS = str.maketrans(_LETTERS | {char: mark for mark, chars in _MARKS.items() for char in chars})


def clean(text: str, *, also: str = "") -> str:
    """`text` in capitals of the basic set: accents taken off, everything else replaced by a space, spaces collapsed.

    `also` names characters to keep besides (`@` for an e-mail address). Idempotent; never returns a delimiter.
    """
    return " ".join("".join(char if char in BASIC or char in also else " " for char in _spell(text)).split())


def loses(text: str) -> bool:
    """True when `clean` would drop a letter or digit, so that what is sent would no longer be the person's name."""
    return any(char not in BASIC and unicodedata.category(char)[0] in "LN" for char in _spell(text))


def digits(text: str) -> str:
    """The decimal digits of `text`, for telephone numbers, EINs and ZIP codes typed with punctuation."""
    return "".join(char for char in text if char in string.digits)


def _spell(text: str) -> str:
    """Upper case with compatibility forms unfolded and combining marks removed."""
    unfolded = unicodedata.normalize("NFKD", text.upper().translate(_SPELLINGS)).upper().translate(_SPELLINGS)
    return "".join(char for char in unfolded if not unicodedata.combining(char))
