"""What a check reports: a stable code, a place and a way to fix it, and never a value out of the claim."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """BLOCK stops the send; WARN lets a person decide."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    `field` is a path in the claim model (`lines[0].units`) or an X12 element (`CLM02`); `fix` is fixed text from the
    rule table. Neither carries data, so a finding may be logged and shown to anyone. `transaction` (ST02) and
    `segment` (ordinal counted from ST = 1, as a 999 counts in IK302) are given only by checks that read a file.
    """

    code: str
    severity: Severity
    field: str
    fix: str
    transaction: str = ""
    segment: int = 0


def blocks(findings: Iterable[Finding]) -> bool:
    """True when at least one finding stops the send."""
    return any(finding.severity is Severity.BLOCK for finding in findings)
