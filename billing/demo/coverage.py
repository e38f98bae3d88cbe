"""Who pays: payers, what the clinic charges, and each client's primary insurance."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from billing.demo.people import LAST_NAMES, Client
from billing.demo.rows import Batch, new_id

# Name, electronic payer id, claim filing code, rounding rule, days to file, how often a client has it.
PAYERS = (
    ("Evergreen Health Plan", "EVGR1", "CI", "AMA_MIDPOINT", 90, 5),
    ("Riverbend Mutual", "RVRB2", "BL", "AMA_MIDPOINT", 180, 3),
    ("State Family Medicaid", "SFMC3", "MC", "CMS_8_MINUTE", 365, 3),
    ("Summit Federal Benefits", "SMTF4", "CH", "AMA_MIDPOINT", 365, 1),
)
# Dollars per unit and modifiers, for every code of service_codes.
RATES = {
    "97151": ("31.50", ["HO"]),
    "97152": ("17.25", ["HM"]),
    "97153": ("16.75", ["HM"]),
    "97154": ("8.40", ["HM"]),
    "97155": ("28.00", ["HO"]),
    "97156": ("27.50", ["HO"]),
    "97157": ("13.75", ["HO"]),
    "97158": ("14.00", ["HO"]),
    "0362T": ("34.00", ["HO"]),
    "0373T": ("36.00", ["HO"]),
}
MEDICAID = "MC"


@dataclass(frozen=True, slots=True)
class Payer:
    """A payer of the clinic."""

    id: UUID
    name: str
    payer_id: str
    filing_code: str
    rounding_rule: str
    weight: int


def add_payers(batch: Batch, rng: Random, today: date) -> list[Payer]:
    """The clinic's payers and its rates: one for everybody, and Medicaid's own, lower."""
    payers = []
    for name, payer_id, filing_code, rounding_rule, filing_days, weight in PAYERS:
        payer = Payer(new_id(rng), name, payer_id, filing_code, rounding_rule, weight)
        batch.add("payers", payer.id, name, payer_id, filing_code, rounding_rule, filing_days)
        payers.append(payer)
    starts_on = date(today.year - 2, 1, 1)
    for code, (rate, modifiers) in RATES.items():
        batch.add("service_rates", new_id(rng), None, code, modifiers, Decimal(rate), starts_on)
        for payer in payers:
            if payer.filing_code == MEDICAID:
                lower = (Decimal(rate) * Decimal("0.82")).quantize(Decimal("0.01"))
                batch.add("service_rates", new_id(rng), payer.id, code, modifiers, lower, starts_on)
    return payers


def add_insurance(batch: Batch, rng: Random, client: Client, payer: Payer, today: date) -> UUID:
    """The client's primary coverage: by Medicaid in their own name, else as a caregiver's child."""
    insurance_id = new_id(rng)
    own = payer.filing_code == MEDICAID
    group = None if own else f"GRP{rng.randrange(1_000, 9_999)}"
    member_id = f"{rng.choice(LAST_NAMES)[0]}{rng.randrange(10**8, 10**9)}"
    effective = today - timedelta(days=rng.randrange(400, 900))
    subscriber: tuple[str | date | None, ...] = (None,) * 8
    if not own:
        subscriber = (
            client.guardian_first_name,
            client.guardian_last_name,
            today - timedelta(days=rng.randrange(27 * 365, 48 * 365)),
            client.guardian_sex,
            client.street,
            client.city,
            client.state,
            client.zip_code,
        )
    batch.add(
        "patient_insurance",
        insurance_id,
        client.id,
        payer.id,
        payer.name,
        payer.payer_id,
        member_id,
        group,
        "Managed care" if own else rng.choice(("Choice PPO", "Select HMO", "Family Plus")),
        effective,
        "18" if own else "19",
        *subscriber,
    )
    return insurance_id
