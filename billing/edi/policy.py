"""What one payer asks for on one day, as far as rules over a claim need it. The caller reads it from dated rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from billing.edi.findings import Severity

ABA_CODES = frozenset(
    ("97151", "97152", "97153", "97154", "97155", "97156", "97157", "97158", "0362T", "0373T")
)  # fmt: skip


class Rounding(StrEnum):
    """How billable minutes become 15-minute units; both count a unit from its eighth minute."""

    AMA_MIDPOINT = "AMA_MIDPOINT"  # each line by itself
    CMS_8_MINUTE = "CMS_8_MINUTE"  # all lines of one day and one provider together


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A payer's settings.

    `today` is the day the claim is checked. `mue` is the most units of a code for one patient on one day (no entry: no
    limit). `filing_days` counts from the service date. `member_id` is a regular expression for the whole id.
    `expected_diagnoses` asks for at least one of them. `severities` overrules a rule's default severity by its code.
    """

    today: date
    known_codes: frozenset[str] = ABA_CODES
    mue: Mapping[str, int] = field(default_factory=dict)
    rounding: Rounding = Rounding.AMA_MIDPOINT
    telehealth_modifiers: frozenset[str] = frozenset({"95", "GT"})
    authorization_required: bool = True
    filing_days: int | None = None
    member_id: str = ""
    expected_diagnoses: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
