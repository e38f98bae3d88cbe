"""People and places: names, addresses, numbers that look right and belong to nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID

from billing.demo.rows import Batch, new_id

FIRST_NAMES = {
    "F": (
        *("Ava", "Maya", "Zoe", "Lucia", "Nora", "Iris", "Amara", "Leila", "Hana", "Ruby", "Elena", "Priya", "Clara"),
        *("Naomi", "Stella", "Jada", "Mei", "Sofia", "Freya", "Tessa", "Imani", "Paloma", "Greta", "Willa"),
    ),
    "M": (
        *("Liam", "Mateo", "Noah", "Theo", "Omar", "Kai", "Elias", "Jonah", "Arjun", "Felix", "Hugo", "Malik", "Owen"),
        *("Diego", "Ezra", "Soren", "Caleb", "Ravi", "Miles", "Andre", "Tomas", "Jasper", "Levi", "Emeka"),
    ),
}
LAST_NAMES = (
    *("Alvarez", "Bennett", "Brooks", "Castillo", "Chen", "Coleman", "Dawson", "Delgado", "Ellis", "Fischer"),
    *("Fleming", "Foster", "Garcia", "Grant", "Hansen", "Hayes", "Holloway", "Ibarra", "Jensen", "Kapoor", "Keller"),
    *("Kim", "Lambert", "Larsen", "Lowe", "Marsh", "Mendez", "Mercer", "Molina", "Nguyen", "Novak", "Okafor", "Olsen"),
    *("Ortega", "Park", "Patel", "Pierce", "Quinn", "Ramos", "Reyes", "Rhodes", "Rivera", "Romero", "Salazar"),
    *("Santos", "Schmidt", "Shah", "Silva", "Sutton", "Tanaka", "Torres", "Tran", "Vargas", "Vega", "Walsh", "Weber"),
    *("Whitaker", "Wolfe", "Yates", "Zamora"),
)
STREETS = (
    *("Alder Street", "Birch Lane", "Canal Road", "Chestnut Avenue", "Dogwood Drive", "Elm Street", "Fern Court"),
    *("Garden Street", "Harbor Road", "Hillcrest Avenue", "Juniper Way", "Lakeview Drive", "Linden Street"),
    *("Maple Avenue", "Mill Road", "Orchard Lane", "Park Avenue", "Prospect Street", "Ridge Road", "Spring Street"),
    *("Sycamore Drive", "Willow Lane"),
)


@dataclass(frozen=True, slots=True)
class Region:
    """Where a clinic is: its zone, state, telephone area and the towns around it with their ZIP codes."""

    zone: str
    state: str
    area: str
    towns: tuple[tuple[str, str], ...]


REGIONS = (
    Region(
        "America/New_York",
        "NY",
        "518",
        (("Albany", "12207"), ("Troy", "12180"), ("Colonie", "12205"), ("Delmar", "12054")),
    ),
    Region("America/Chicago", "IL", "217", (("Springfield", "62701"), ("Decatur", "62521"), ("Urbana", "61801"))),
    Region("America/Denver", "CO", "970", (("Fort Collins", "80521"), ("Loveland", "80537"), ("Greeley", "80631"))),
    Region("America/Los_Angeles", "OR", "541", (("Eugene", "97401"), ("Salem", "97301"), ("Corvallis", "97330"))),
    Region("America/New_York", "GA", "706", (("Athens", "30601"), ("Augusta", "30901"), ("Columbus", "31901"))),
    Region("America/Phoenix", "AZ", "520", (("Tucson", "85701"), ("Oro Valley", "85737"), ("Marana", "85653"))),
)


@dataclass(frozen=True, slots=True)
class Staff:
    """A person of the clinic who signs in; `id` is the staff member's, for those who render services."""

    user_id: UUID
    email: str
    role: str
    full_name: str
    id: UUID | None = None

    @property
    def provider_id(self) -> UUID:
        assert self.id is not None  # noqa: S101 - only technicians and analysts are asked
        return self.id


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the clinic, with the caregiver."""

    id: UUID
    first_name: str
    last_name: str
    date_of_birth: date
    sex: str
    street: str
    city: str
    state: str
    zip_code: str
    guardian_first_name: str
    guardian_last_name: str
    guardian_sex: str


def npi(rng: Random) -> str:
    """A ten-digit NPI with a right check digit (Luhn over 80840 + NPI)."""
    body = "1" + "".join(rng.choices("0123456789", k=8))
    values = [int(digit) for digit in reversed("80840" + body)]
    total = sum(values[1::2]) + sum(sum(divmod(2 * value, 10)) for value in values[::2])
    return body + str(-total % 10)


def phone(rng: Random, region: Region) -> str:
    """A number of the block that is kept for fiction."""
    return f"{region.area}-555-01{rng.randrange(100):02d}"


def address(rng: Random, region: Region) -> tuple[str, str, str, str]:
    """Street, city, state, ZIP code."""
    city, zip_code = rng.choice(region.towns)
    return f"{rng.randrange(2, 980)} {rng.choice(STREETS)}", city, region.state, zip_code


def staff_names(rng: Random) -> Iterator[tuple[str, str]]:
    """Names of one clinic's staff, no two alike."""
    taken: set[tuple[str, str]] = set()
    while True:
        name = rng.choice(FIRST_NAMES[rng.choice("FM")]), rng.choice(LAST_NAMES)
        if len(taken) > 1_500:
            name = name[0], f"{name[1]}-{rng.choice(LAST_NAMES)}"
        if name not in taken:
            taken.add(name)
            yield name


def add_provider(batch: Batch, rng: Random, user_id: UUID, credential: str, region: Region, today: date) -> UUID:
    """The staff member row of a technician or analyst. Every licence outlasts the coming month."""
    staff_id = new_id(rng)
    days = rng.randrange(40, 65) if rng.random() < 0.1 else rng.randrange(100, 700)
    number = f"{credential.upper()[:4]}-{rng.randrange(10_000, 99_999)}"
    expires = today + timedelta(days=days)
    batch.add("staff_members", staff_id, user_id, npi(rng), number, region.state, expires, credential)
    return staff_id


def add_client(batch: Batch, rng: Random, region: Region, today: date, *, is_active: bool) -> Client:
    """A client of two to twelve years with one caregiver."""
    sex = "M" if rng.random() < 0.75 else "F"
    last_name = rng.choice(LAST_NAMES)
    guardian_sex = "F" if rng.random() < 0.7 else "M"
    client = Client(
        new_id(rng),
        rng.choice(FIRST_NAMES[sex]),
        last_name,
        today - timedelta(days=rng.randrange(2 * 365 + 60, 12 * 365)),
        sex,
        *address(rng, region),
        guardian_first_name=rng.choice(FIRST_NAMES[guardian_sex]),
        guardian_last_name=last_name if rng.random() < 0.85 else rng.choice(LAST_NAMES),
        guardian_sex=guardian_sex,
    )
    guardian = f"{client.guardian_first_name} {client.guardian_last_name}"
    batch.add(
        "patients",
        client.id,
        client.first_name,
        client.last_name,
        client.date_of_birth,
        client.sex,
        client.street,
        client.city,
        client.state,
        client.zip_code,
        "F84.0",
        guardian,
        f"{guardian.lower().replace(' ', '.')}@family.example",
        phone(rng, region),
        is_active,
    )
    return client
