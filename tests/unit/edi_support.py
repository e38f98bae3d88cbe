"""Believable claims for the tests of `billing.edi`: every person, number and payer is invented."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from billing.edi.model import (
    Address,
    Adjustment,
    Attachment,
    Authorization,
    BillingProvider,
    Claim,
    Contact,
    Facility,
    Interchange,
    LineAdjudication,
    OtherPayer,
    Patient,
    Payer,
    Receiver,
    RenderingProvider,
    ServiceLine,
    Submitter,
    Subscriber,
    TransactionSet,
)
from billing.edi.policy import Policy

SAMPLES = Path(__file__).parent.parent / "data" / "edi"

SERVICE_DAY = date(2026, 11, 3)
OFFICE = Contact(name="Billing Office", phone="(555) 123-4567")
HOME = Address(street="200 Oak St", city="Springfield", state="IL", postal_code="62704")
CLINIC = BillingProvider(
    name="Omni ABA Clinic LLC",
    npi="1234567893",
    taxonomy="103K00000X",
    ein="12-3456789",
    address=Address(street="100 Main St", city="Springfield", state="IL", postal_code="62701-1234"),
)
ALEX = RenderingProvider(last_name="Smith", first_name="Alex", npi="1999999984", taxonomy="106S00000X")
OTHER_NPI = "1999999992"
JULIA = replace(ALEX, last_name="Jones", first_name="Julia", npi=OTHER_NPI)
ACME = Payer(name="Acme Health Plan", payer_id="99901", filing_code="CI")
BETA = Payer(name="Beta Benefit Plan", payer_id="99902", filing_code="CI")
JANE = Subscriber(
    last_name="Doe",
    first_name="Jane",
    member_id="W123456789",
    group_number="GRP12345",
    address=HOME,
    birth_date=date(1988, 1, 2),
    sex="F",
)
SAM = Patient(last_name="Doe", first_name="Sam", address=HOME, birth_date=date(2018, 3, 14), sex="M")
SAM_INSURED = Subscriber(
    last_name="Doe",
    first_name="Sam",
    member_id="W123456789",
    group_number="GRP12345",
    address=HOME,
    birth_date=SAM.birth_date,
    sex="M",
)
LINE = ServiceLine(
    date=SERVICE_DAY,
    code="97153",
    units=8,
    rate=Decimal("30.00"),
    charge=Decimal("240.00"),
    pointers=(1,),
    control_number="LINE0001",
    minutes=120,
    note_signed=True,
)
CHILD_CLAIM = Claim(
    number="CLM0001",
    billing=CLINIC,
    subscriber=JANE,
    payer=ACME,
    patient=SAM,
    relationship="19",
    authorization_number="AUTH123456",
    diagnoses=("F84.0",),
    place="12",
    total=Decimal("240.00"),
    rendering=ALEX,
    lines=(LINE,),
    coverage_start=date(2026, 1, 1),
    coverage_end=date(2026, 12, 31),
    authorizations=(
        Authorization(number="AUTH123456", code="97153", start=date(2026, 9, 1), end=date(2027, 2, 28), units=500),
    ),
)
SELF_CLAIM = replace(CHILD_CLAIM, subscriber=SAM_INSURED, patient=None, relationship="18")
DECISION = LineAdjudication(
    payer_id="99901",
    paid=Decimal("150"),
    code="97153",
    units=8,
    adjustments=(
        Adjustment(group="CO", reason="45", amount=Decimal("60")),
        Adjustment(group="PR", reason="2", amount=Decimal("30")),
    ),
    adjudicated=date(2026, 11, 15),
)
FIRST_PAYER = OtherPayer(
    sequence="P",
    relationship="19",
    subscriber=replace(JANE, birth_date=None, sex=""),
    payer=ACME,
    paid=Decimal("150"),
    patient_owes=Decimal("30"),
    adjudicated=date(2026, 11, 15),
    payer_claim_number="ICN0109",
)
SECONDARY_CLAIM = replace(
    SELF_CLAIM,
    number="CLM0109",
    subscriber=replace(SAM_INSURED, member_id="B55512345", group_number="GRP777"),
    payer=BETA,
    sequence="S",
    place="11",
    authorization_number="AUTH999",
    authorizations=(replace(CHILD_CLAIM.authorizations[0], number="AUTH999"),),
    lines=(replace(LINE, control_number="L0109", adjudications=(DECISION,)),),
    other_payers=(FIRST_PAYER,),
)
POLICY = Policy(today=date(2026, 11, 20), mue={"97153": 32, "97155": 24})
SENDER = Submitter(name="Omni ABA Clinic LLC", sender_id="OMNITEST", contact=OFFICE)
CLEARINGHOUSE = Receiver(name="Clearing House Inc", receiver_id="CLEARHOUSE")


def change(whole: Any, changes: Mapping[str, Any]) -> Any:
    """A copy with the values at dotted paths (`lines[0].units`) replaced."""
    for path, value in changes.items():
        whole = _changed(whole, re.findall(r"\w+", path), value)
    return whole


def _changed(whole: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(whole, tuple):
        at = int(head)
        return (*whole[:at], _changed(whole[at], rest, value), *whole[at + 1 :])
    return replace(whole, **{head: _changed(getattr(whole, head), rest, value)})


PO_BOX = Address(street="PO Box 5", city="Springfield", state="IL", postal_code="62705")
FULL_CLAIM = change(
    CHILD_CLAIM,
    {
        "billing.contact": Contact(name="Front Desk", phone="555 123 4567", email="desk@clinic.example"),
        "billing.pay_to": PO_BOX,
        "payer.provider_number": "PRV55",
        "frequency": "7",
        "payer_claim_number": "ICN1",
        "referral_number": "REF1",
        "patient_paid": Decimal("20.00"),
        "note": "Replaces units",
        "place": "03",
        "attachments": (Attachment(report_type="OZ", transmission="EL", control_number="ATT1"),),
        "referring": JULIA,
        "facility": Facility(name="Oak School", address=HOME, npi="1234567893"),
    },
)


def interchange(*batches: tuple[Claim, ...], **changes: Any) -> Interchange:
    """One file with a transaction set for each batch."""
    sets = tuple(
        TransactionSet(control_number=number, batch_id="BATCH0001", claims=claims)
        for number, claims in enumerate(batches, start=1)
    )
    created = datetime(2026, 11, 20, 14, 5)  # noqa: DTZ001 - written as it stands
    file = Interchange(
        submitter=SENDER,
        receiver=CLEARINGHOUSE,
        control_number=101,
        group_number=101,
        created=created,
        usage="T",
        transactions=sets,
    )
    return replace(file, **changes)


def sample(name: str) -> bytes:
    """A sample file as it is."""
    return (SAMPLES / f"{name}.edi").read_bytes()


def wire(name: str) -> bytes:
    """A sample without the line ends that are there for readers."""
    return sample(name).replace(b"\n", b"")


def parses_in_x12sdk(raw: bytes) -> bool:
    """The second opinion: x12sdk reads every transaction set into its models. Differential only, never a gate."""
    from x12sdk.io import X12ModelReader

    with X12ModelReader(raw.decode("ascii")) as reader:
        return len(list(reader.models())) == raw.count(b"ST*837*")
