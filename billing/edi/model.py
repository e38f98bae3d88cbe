"""One claim as the 837P and the CMS-1500 both need it.

Values only: what is wrong with them is the scrubber's business, so a wrong claim can be built, shown and explained.
Money is `Decimal` US dollars, dates are calendar dates of the place of service, identifiers are text. `""` and `None`
mean "not given". Names and addresses may hold any Unicode; the writer spells them for the wire.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

SELF = "18"
CHILD = "19"
ORIGINAL, REPLACEMENT, VOID = "1", "7", "8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A US postal address; `postal_code` with or without its hyphen."""

    street: str
    street2: str = ""
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom the clearinghouse or payer may call: a name with a telephone number, an e-mail address, or both."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Who sends the file (loop 1000A). `envelope_id` is ISA06 and GS02 where they differ from NM109, `sender_id`."""

    name: str
    sender_id: str
    contact: Contact
    qualifier: str = "ZZ"
    envelope_id: str = ""

    @property
    def party_id(self) -> str:
        """The id on the envelope."""
        return self.envelope_id or self.sender_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who gets the file (loop 1000B). `envelope_id` is ISA08 and GS03 where they differ from NM109, `receiver_id`."""

    name: str
    receiver_id: str
    qualifier: str = "ZZ"
    envelope_id: str = ""

    @property
    def party_id(self) -> str:
        """The id on the envelope."""
        return self.envelope_id or self.receiver_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingProvider:
    """The clinic that is paid (2010AA): a street address with ZIP+4. `pay_to` (2010AB) is where a PO box may stand."""

    name: str
    npi: str
    taxonomy: str
    ein: str
    address: Address
    contact: Contact | None = None
    pay_to: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """The person who holds the policy. Address, birth date and sex (F, M, U) are required when they are the patient."""

    last_name: str
    first_name: str
    middle_name: str = ""
    suffix: str = ""
    member_id: str
    group_number: str = ""
    plan_name: str = ""
    address: Address | None = None
    birth_date: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The patient when they are not the subscriber (2010CA)."""

    last_name: str
    first_name: str
    middle_name: str = ""
    suffix: str = ""
    address: Address
    birth_date: date
    sex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """The insurer a claim goes to (2010BB). `filing_code` is SBR09 (CI commercial, MC Medicaid, BL Blue Cross ...).

    `provider_number` is the clinic's own number with this payer (REF*G2), for the few that still ask for one.
    """

    name: str
    payer_id: str
    filing_code: str
    provider_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingProvider:
    """The person whose work is billed, or who refers or supervises it."""

    last_name: str
    first_name: str
    middle_name: str = ""
    npi: str
    taxonomy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """Where the service was given (2310C), when that is neither the billing address nor the patient's home."""

    name: str
    address: Address
    npi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Paper or an electronic file sent apart from the claim (PWK): report type, transmission code, our number."""

    report_type: str
    transmission: str
    control_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One approved line of a payer's letter; lines of one letter share `number`.

    `units` is the most this claim may bill under the line, `None` when the caller has already reserved them.
    """

    number: str
    code: str
    start: date
    end: date
    units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One CAS triplet of an earlier payer: group (CO, PR, OA, PI), reason, dollars, and units when they were cut."""

    group: str
    reason: str
    amount: Decimal
    units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAdjudication:
    """What an earlier payer decided about one line (loop 2430); paid + adjustments make up the line's charge."""

    payer_id: str
    paid: Decimal
    code: str
    modifiers: tuple[str, ...] = ()
    units: int
    adjustments: tuple[Adjustment, ...] = ()
    adjudicated: date
    patient_owes: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPayer:
    """Another coverage of the patient (2320, 2330A, 2330B): already asked (`paid` given) or still to be asked.

    `relationship` is the patient's to this coverage's subscriber. `adjudicated` is written only when no line carries
    this payer's own decision, which has its own date.
    """

    sequence: str
    relationship: str
    subscriber: Subscriber
    payer: Payer
    paid: Decimal | None = None
    not_covered: Decimal | None = None
    patient_owes: Decimal | None = None
    adjudicated: date | None = None
    payer_claim_number: str = ""
    adjustments: tuple[Adjustment, ...] = ()
    benefits_assigned: str = "Y"
    release_of_information: str = "Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service of one day by one person.

    `units` are 15-minute units, `rate` dollars per unit, `minutes` the session's billable minutes when known.
    `pointers` are 1-based positions in the claim's diagnoses. `control_number` (REF*6R) is never used twice by the
    clinic and finds the line again in the remittance. Empty `place`, `authorization_number`, `rendering` mean: as the
    claim says.
    """

    date: date
    code: str
    modifiers: tuple[str, ...] = ()
    units: int
    rate: Decimal
    charge: Decimal
    pointers: tuple[int, ...]
    control_number: str
    minutes: int | None = None
    note_signed: bool
    place: str = ""
    authorization_number: str = ""
    rendering: RenderingProvider | None = None
    supervising: RenderingProvider | None = None
    adjudications: tuple[LineAdjudication, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim to one payer.

    `patient` is `None` exactly when `relationship` is 18 (the patient is the subscriber). `sequence` is SBR01 (P, S,
    T). `frequency` is 1 original, 7 replacement, 8 void; 7 and 8 carry the payer's own number in
    `payer_claim_number`. `total` is dollars and must be the sum of the lines. Coverage bounds are inclusive; `None`
    is open.
    """

    number: str
    billing: BillingProvider
    subscriber: Subscriber
    payer: Payer
    patient: Patient | None = None
    relationship: str
    sequence: str = "P"
    frequency: str = "1"
    payer_claim_number: str = ""
    authorization_number: str = ""
    referral_number: str = ""
    diagnoses: tuple[str, ...]
    place: str
    total: Decimal
    patient_paid: Decimal | None = None
    provider_signature: bool = True
    assignment: str = "A"
    benefits_assigned: str = "Y"
    release_of_information: str = "Y"
    attachments: tuple[Attachment, ...] = ()
    note: str = ""
    rendering: RenderingProvider | None
    referring: RenderingProvider | None = None
    supervising: RenderingProvider | None = None
    facility: Facility | None = None
    lines: tuple[ServiceLine, ...]
    other_payers: tuple[OtherPayer, ...] = ()
    coverage_start: date | None = None
    coverage_end: date | None = None
    authorizations: tuple[Authorization, ...] = ()

    @property
    def birth_date(self) -> date | None:
        """The patient's birth date, whoever holds the policy."""
        return self.patient.birth_date if self.patient else self.subscriber.birth_date

    @property
    def destination(self) -> tuple[BillingProvider, Subscriber, Payer, str, bool]:
        """What claims must share to stand under one subscriber level of the file."""
        return self.billing, self.subscriber, self.payer, self.sequence, self.relationship == SELF


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSet:
    """One ST of at most 5,000 claims. `control_number` is ST02, unique in the interchange; `batch_id` is BHT03."""

    control_number: int
    batch_id: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """One file: one interchange with one functional group.

    `control_number` (ISA13) and `group_number` (GS06) come from sequences that never give a number twice to the same
    receiver. `created` is written as it is given, without conversion. `usage` is T for test, P for production.
    """

    submitter: Submitter
    receiver: Receiver
    control_number: int
    group_number: int
    created: datetime
    usage: str
    transactions: tuple[TransactionSet, ...]
