"""Random believable claims: the scrubber refuses one with a code, or the file passes the gate and a second parser."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.edi.document import check_document
from billing.edi.findings import Severity, blocks
from billing.edi.gate import validate
from billing.edi.identifiers import is_npi
from billing.edi.model import (
    Address,
    Authorization,
    BillingProvider,
    Claim,
    Contact,
    Facility,
    Patient,
    Payer,
    RenderingProvider,
    ServiceLine,
    Subscriber,
)
from billing.edi.policy import ABA_CODES
from billing.edi.rules import SCRUBBER
from billing.edi.scrubber import scrub
from billing.edi.writer import Written, write
from tests.unit.edi_support import POLICY, change, interchange, parses_in_x12sdk

EXPLORE = settings(
    database=None,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

NAMES = [
    "Doe",
    "O’Neil",
    "Muñoz",
    "Søren",
    "Straße",
    "D'Angelo-Łukasz",
    "Nguyễn",
    "al-Ḥasan",
    "Ann*Marie",
    "X~Y^Z:`",
    "é",
]
latin = st.text(st.characters(codec="latin-1", categories=["L"], exclude_characters="µ"), min_size=2, max_size=12)
names = st.sampled_from(NAMES) | latin
hard_names = names | names | st.text(min_size=1, max_size=40)
streets = st.builds("{} {} St #{}".format, st.integers(1, 9999), names, st.integers(1, 99))
zips = st.from_regex(r"[0-9]{5}-?[0-9]{4}", fullmatch=True)
addresses = st.builds(Address, street=streets, city=names, state=st.sampled_from(["IL", "MO", "CA"]), postal_code=zips)
npis = st.builds(
    lambda nine: next(f"{nine}{digit}" for digit in range(10) if is_npi(f"{nine}{digit}")),
    st.from_regex(r"[12][0-9]{8}", fullmatch=True),
)
taxonomies = st.sampled_from(["103K00000X", "106E00000X", "106S00000X"])
sexes = st.sampled_from("FM")  # x12sdk does not know U for a subscriber, which the guide lists
births = st.dates(date(2006, 1, 1), date(2024, 1, 1))
billers = st.builds(
    BillingProvider,
    name=names,
    npi=npis,
    taxonomy=taxonomies,
    ein=st.from_regex(r"[1-9][0-9]-[0-9]{7}", fullmatch=True),
    address=addresses,
    contact=st.none() | st.just(Contact(name="Front Desk", phone="5551234567", email="Desk@clinic.example")),
    pay_to=st.none() | addresses,
)
subscribers = st.builds(
    Subscriber,
    last_name=names,
    first_name=hard_names,
    middle_name=st.just("") | names,
    member_id=st.from_regex(r"[A-Z][0-9]{9}", fullmatch=True),
    group_number=st.sampled_from(["", "GRP-1", "77"]),
    plan_name=st.just("") | names,
    address=addresses,
    birth_date=births,
    sex=sexes,
)
patients = st.builds(Patient, last_name=names, first_name=names, address=addresses, birth_date=births, sex=sexes)
people = st.builds(RenderingProvider, last_name=names, first_name=names, npi=npis, taxonomy=st.just("") | taxonomies)
payers = st.builds(
    Payer,
    name=names,
    payer_id=st.from_regex(r"[0-9]{5}", fullmatch=True),
    filing_code=st.sampled_from(["CI", "MC", "BL", "12"]),
)
modifiers = st.lists(st.sampled_from(["HM", "HN", "HO", "95", "U1", "76"]), max_size=4, unique=True).map(tuple)


MISTAKES: list[dict[str, object]] = [
    {"total": Decimal(1)},
    {"number": "C" * 21},
    {"billing.npi": "1234567890"},
    {"billing.address.postal_code": "62701"},
    {"billing.address.street": "PO Box 7"},
    {"subscriber.address.postal_code": ""},
    {"subscriber.member_id": "A:1"},
    {"subscriber.sex": "", "relationship": "18", "patient": None},
    {"diagnoses": ("F84.0", "F84.0")},
    {"lines[0].units": 0},
    {"lines[0].code": "9715"},
    {"lines[0].pointers": (9, 13)},
    {"lines[0].control_number": ""},
    {"frequency": "7", "payer_claim_number": ""},
    {"payer.filing_code": "XX"},
    {"place": "1"},
    {"lines": ()},
]


@st.composite
def service_lines(draw: st.DrawFn, number: str, diagnoses: int) -> ServiceLine:
    units = draw(st.integers(1, 16))
    rate = Decimal(draw(st.integers(1, 20_000))) / 100
    pointers = draw(st.lists(st.integers(1, diagnoses), min_size=1, max_size=4, unique=True))
    return ServiceLine(
        date=POLICY.today - timedelta(days=draw(st.integers(0, 60))),
        code=draw(st.sampled_from(sorted(ABA_CODES))),
        modifiers=draw(modifiers),
        units=units,
        rate=rate,
        charge=units * rate,
        pointers=tuple(pointers),
        control_number=number,
        minutes=draw(st.none() | st.just(units * 15)),
        note_signed=True,
        place=draw(st.sampled_from(["", "", "11", "10"])),
        rendering=draw(st.none() | people),
        supervising=draw(st.none() | people),
    )


@st.composite
def claims(draw: st.DrawFn, number: int) -> Claim:
    codes = draw(st.lists(st.from_regex(r"F[0-9]{2}\.[0-9]", fullmatch=True), min_size=1, max_size=12, unique=True))
    count = draw(st.integers(1, 3))
    lines = tuple(draw(service_lines(f"L{number}-{index}", len(codes))) for index in range(count))
    patient = draw(st.none() | patients)
    place = draw(st.sampled_from(["12", "11", "03", "99"]))
    frequency = draw(st.sampled_from("1178"))
    claim = Claim(
        number=f"C{number}",
        billing=draw(billers),
        subscriber=draw(subscribers),
        payer=draw(payers),
        patient=patient,
        relationship="19" if patient else "18",
        frequency=frequency,
        payer_claim_number="" if frequency == "1" else "ICN9",
        authorization_number="A1",
        diagnoses=tuple(codes),
        place=place,
        total=sum((line.charge for line in lines), Decimal(0)),
        patient_paid=draw(st.none() | st.just(Decimal("25.00"))),
        rendering=draw(people),
        referring=draw(st.none() | people),
        facility=draw(st.builds(Facility, name=names, address=addresses)) if place in ("03", "99") else None,
        lines=lines,
        authorizations=tuple(
            Authorization(number="A1", code=code, start=date(2026, 1, 1), end=date(2026, 12, 31))
            for code in sorted(ABA_CODES)
        ),
    )
    wrong = draw(st.integers(0, 3)) == 3
    return change(claim, draw(st.sampled_from(MISTAKES))) if wrong else claim


POLICY_DAY = interchange().created
batches = st.integers(1, 4).flatmap(lambda count: st.tuples(*[claims(number) for number in range(count)]))


def sound(batch: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims the scrubber lets through; each other one was refused with a known blocking code."""
    passed = []
    for claim in batch:
        findings = scrub(claim, POLICY)
        assert {finding.code for finding in findings} <= set(SCRUBBER)
        if not blocks(findings):
            passed.append(claim)
    return tuple(passed)


@settings(EXPLORE, max_examples=12, phases=[Phase.explicit, Phase.generate])
@given(batches)
def test_a_claim_is_refused_with_a_code_or_passes_the_gate_and_a_second_parser(batch: tuple[Claim, ...]) -> None:
    passed = sound(batch)
    if passed:
        data = write(interchange(passed)).data
        assert validate(data) == []
        assert parses_in_x12sdk(data)


@settings(EXPLORE, max_examples=50)
@given(batches)
def test_what_the_scrubber_passes_the_document_check_passes(batch: tuple[Claim, ...]) -> None:
    passed = sound(batch)
    if passed:
        assert check_document(write(interchange(passed)).data) == []


def test_most_random_claims_are_not_refused() -> None:
    """The properties above are about written claims, not about refusals."""
    tally = {True: 0, False: 0}

    @settings(EXPLORE, max_examples=30)
    @given(claims(1))
    def count(claim: Claim) -> None:
        tally[blocks(scrub(claim, POLICY))] += 1

    count()
    assert tally[False] > tally[True] > 0


@settings(EXPLORE, max_examples=20)
@given(batches, st.integers(1, 999_999_999), st.integers(1, 999_999_999), st.datetimes(POLICY_DAY))
def test_envelope_holds_whatever_the_claims_say(
    batch: tuple[Claim, ...], control: int, group: int, created: datetime
) -> None:
    """Even unscrubbed claims leave the file in one piece: widths, counts, numbers and positions."""
    file = interchange(batch, batch[:1], control_number=control, group_number=group, created=created)
    result = write(file)
    segments = result.data.decode("ascii").split("~")
    assert (len(segments[0]), segments[-1]) == (105, "")
    assert segments[-2] == f"IEA*1*{control:09}"
    assert segments[-3] == f"GE*2*{group}"
    starts = [index for index, segment in enumerate(segments) if segment.startswith("ST*")]
    ends = [index for index, segment in enumerate(segments) if segment.startswith("SE*")]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
        assert segments[end] == f"SE*{end - start + 1}*{number:04}"
    assert sorted(position.claim_number for position in result.positions[:-1]) == sorted(c.number for c in batch)
    assert_positions(result, segments, starts)


def assert_positions(result: Written, segments: list[str], starts: list[int]) -> None:
    for position in result.positions:
        start = starts[int(position.transaction) - 1] - 1
        assert segments[start + position.first].startswith(f"CLM*{position.claim_number}*")


@settings(EXPLORE, max_examples=10)
@given(batches)
def test_the_same_claims_give_the_same_bytes(batch: tuple[Claim, ...]) -> None:
    again = tuple(replace(claim) for claim in batch)
    assert write(interchange(batch)) == write(interchange(again))


@settings(EXPLORE, max_examples=30)
@given(claims(1))
def test_findings_carry_no_data(claim: Claim) -> None:
    wrong = replace(claim, subscriber=replace(claim.subscriber, member_id="*ZZSECRET*"))
    for finding in scrub(wrong, POLICY):
        assert "ZZSECRET" not in repr(finding)
        assert finding.severity in Severity
