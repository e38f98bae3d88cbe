"""What stands in the way of a claim, in words for the biller: what is wrong and who can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.edi.findings import Finding

Words = str | Promise


class Fixer(StrEnum):
    """Who can put something right."""

    PROVIDER = "PROVIDER"
    ANALYST = "ANALYST"
    FRONT_DESK = "FRONT_DESK"
    ADMINISTRATOR = "ADMINISTRATOR"
    NOBODY = "NOBODY"


FIXER_WORDS: dict[Fixer, Words] = {
    Fixer.PROVIDER: _("The provider"),
    Fixer.ANALYST: _("A behavior analyst"),
    Fixer.FRONT_DESK: _("Front desk"),
    Fixer.ADMINISTRATOR: _("Administrator"),
    Fixer.NOBODY: "",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands in the way. `fixed_by` is a person's name or a part of the clinic, empty for nobody."""

    code: str
    text: Words
    fixed_by: Words = ""


# Where a finding points to in the claim: what the biller knows it as, and who keeps it. The first match counts.
PLACES: tuple[tuple[str, Words, Fixer], ...] = (
    ("sender_id", _("The clinic as sender"), Fixer.ADMINISTRATOR),
    ("submitter", _("The clinic as sender"), Fixer.ADMINISTRATOR),
    ("billing", _("The clinic"), Fixer.ADMINISTRATOR),
    ("rendering", _("Rendering provider"), Fixer.ADMINISTRATOR),
    ("supervising", _("Supervising analyst"), Fixer.ADMINISTRATOR),
    ("receiver", _("Payer"), Fixer.ADMINISTRATOR),
    ("payer", _("Payer"), Fixer.ADMINISTRATOR),
    ("subscriber", _("Subscriber"), Fixer.FRONT_DESK),
    ("patient", _("Client"), Fixer.FRONT_DESK),
    ("authorization", _("Authorization"), Fixer.FRONT_DESK),
    ("diagnoses", _("Diagnosis"), Fixer.FRONT_DESK),
    ("place", _("Place of service"), Fixer.FRONT_DESK),
    ("facility", _("Place of service"), Fixer.FRONT_DESK),
    ("coverage", _("Coverage"), Fixer.FRONT_DESK),
    ("lines", _("Service"), Fixer.ADMINISTRATOR),
)


def explain(findings: Iterable[Finding]) -> list[Problem]:
    """Findings of the checks as a biller reads them, each sentence once."""
    return list(dict.fromkeys(_explained(finding) for finding in findings))


def _explained(finding: Finding) -> Problem:
    for prefix, words, fixer in PLACES:
        if finding.field.startswith(prefix):
            return Problem(finding.code, f"{words}: {finding.fix}", FIXER_WORDS[fixer])
    return Problem(finding.code, f"{finding.field}: {finding.fix}", FIXER_WORDS[Fixer.ADMINISTRATOR])
