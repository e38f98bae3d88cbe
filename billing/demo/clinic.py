"""One clinic, batch by batch: itself and its staff first, then its clients a hundred at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.demo import people
from billing.demo.calendar import CLIENTS_PER_ANALYST, CLIENTS_PER_TECHNICIAN, Clock
from billing.demo.care import Team, add_care
from billing.demo.coverage import Payer, add_payers
from billing.demo.people import REGIONS, Region, Staff
from billing.demo.rows import Batch, new_id
from omnirapeutic.web.permissions import Role

CLIENTS_PER_BATCH = 100
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FIRST_WORDS = (
    *("Maple", "Cedar", "Harbor", "Meadow", "River", "Summit", "Willow", "Lantern", "Aspen", "Prairie", "Juniper"),
    *("Orchard", "Canyon", "Beacon", "Clover", "Horizon", "Pebble", "Sparrow", "Magnolia", "Northside"),
)
LAST_WORDS = (
    *("ABA Therapy", "Behavioral Health", "Autism Center", "Learning Partners", "Family Services", "Children's Clinic"),
    *("Therapy Group", "Autism Services", "Behavior Partners", "Developmental Center"),
)
EMAILS = {
    Role.FRONT_DESK: "front.desk",
    Role.RBT: "rbt",
    Role.BCBA: "bcba",
    Role.BILLER: "biller",
    Role.ADMIN: "admin",
    Role.SUPER_ADMIN: "super.admin",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to build: the clinic's number (from 0), its clients, the moment it is seen at, a password hash per role."""

    number: int
    clients: int
    seed: int
    moment: datetime
    password_hashes: dict[Role, str]


@dataclass(slots=True)
class Clinic:
    """A clinic while it is built. `objects` fills up with an id of every kind while `batches` is consumed."""

    order: Order
    id: UUID
    name: str
    domain: str
    region: Region
    rng: Random
    staff: dict[Role, list[Staff]] = field(default_factory=dict)
    objects: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    def plan(cls, order: Order) -> "Clinic":
        """A clinic by its number: the same number and seed give the same clinic."""
        rng = Random(f"{order.seed}/{order.number}")  # noqa: S311 - a demo, the same for the same seed
        number = order.number
        word = FIRST_WORDS[number % len(FIRST_WORDS)]
        name = f"{word} {LAST_WORDS[(number // len(FIRST_WORDS) + number) % len(LAST_WORDS)]}"
        if number >= len(FIRST_WORDS) * len(LAST_WORDS):
            name = f"{name} {number + 1}"
        domain = f"clinic-{NUMBERS[number] if number < len(NUMBERS) else number + 1}.example"
        return cls(order, new_id(rng), name, domain, REGIONS[number % len(REGIONS)], rng)

    def batches(self) -> Iterator[Batch]:
        """Every row of the clinic, in an order in which they can be loaded."""
        clock = Clock(self.order.moment, ZoneInfo(self.region.zone))
        first = Batch(self.id)
        self._add_organization(first)
        self._add_staff(first, clock)
        payers = add_payers(first, self.rng, clock.today)
        self.objects |= {"organization": self.id, "payer": payers[0].id}
        yield first
        for start in range(0, self.order.clients, CLIENTS_PER_BATCH):
            batch = Batch(self.id)
            for index in range(start, min(start + CLIENTS_PER_BATCH, self.order.clients)):
                # Of each kind the first that was made: the first client's, who is the demo technician's.
                self.objects = add_care(batch, self.rng, index, clock, self._team(index, payers)) | self.objects
            yield batch

    def _add_organization(self, batch: Batch) -> None:
        street, city, state, zip_code = people.address(self.rng, self.region)
        batch.tables["organizations"] = [
            (
                self.id,
                self.name,
                f"99{self.order.number:07d}",
                people.npi(self.rng),
                self.region.zone,
                "103K00000X",
                street,
                city,
                state,
                f"{zip_code}{self.rng.randrange(1, 9_999):04d}",
                people.phone(self.rng, self.region),
                "Billing office",
                f"DEMO{self.order.number + 1:05d}",
            )
        ]

    def _add_staff(self, batch: Batch, clock: Clock) -> None:
        clients = self.order.clients
        wanted = {
            Role.ADMIN: 1,
            Role.FRONT_DESK: 1 + clients // 60,
            Role.BILLER: 1 + clients // 150,
            Role.BCBA: -(-clients // CLIENTS_PER_ANALYST),
            Role.RBT: -(-clients // CLIENTS_PER_TECHNICIAN),
        }
        names = people.staff_names(self.rng)
        for role, number in wanted.items():
            self.staff[role] = [self._add_person(batch, clock, role, place, *next(names)) for place in range(number)]
        technician = self.staff[Role.RBT][0]
        self.objects |= {"user": technician.user_id, "staff_member": technician.provider_id}

    def _add_person(self, batch: Batch, clock: Clock, role: Role, place: int, first_name: str, last_name: str) -> Staff:
        """The first of each role has the address that the demo is known by."""
        name = f"{first_name}.{last_name}".lower()
        email = f"{EMAILS[role] if place == 0 else name}@{self.domain}"
        user_id = new_id(self.rng)
        full_name = f"{first_name} {last_name}"
        batch.add("users", user_id, email, self.order.password_hashes[role], full_name, role.value)
        staff_id = None
        if role in (Role.RBT, Role.BCBA):
            staff_id = people.add_provider(batch, self.rng, user_id, role.value, self.region, clock.today)
        return Staff(user_id, email, role, full_name, staff_id)

    def _team(self, index: int, payers: list[Payer]) -> Team:
        return Team(
            technician=self.staff[Role.RBT][index // CLIENTS_PER_TECHNICIAN],
            analyst=self.staff[Role.BCBA][index // CLIENTS_PER_ANALYST],
            front_desk=self.staff[Role.FRONT_DESK][index % len(self.staff[Role.FRONT_DESK])],
            payer=self.rng.choices(payers, [payer.weight for payer in payers])[0],
            region=self.region,
        )
