"""The whole demo: the clinics, the platform's own organisation, and who may sign in with which password."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from django.contrib.auth.hashers import get_hasher

from billing.demo.claims import CLINICS, add_claims
from billing.demo.clinic import EMAILS, Clinic, Order
from billing.demo.rows import Batch, new_id
from billing.demo.shape import client_counts
from omnirapeutic.web.permissions import Role

PLATFORM = "Omnirapeutic"
PLATFORM_DOMAIN = "platform.example"
PASSWORD_WORDS = (
    *("amber", "bridge", "candle", "dolphin", "ember", "forest", "garden", "hammock", "island", "jasmine", "kettle"),
    *("lantern", "meadow", "nutmeg", "orchid", "pebble", "quartz", "ribbon", "saffron", "teapot", "umbrella", "walnut"),
)
SALT_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in."""

    organization: str
    role: str
    email: str
    password: str
    ids: dict[str, str]
    objects: dict[str, str]


class Demo:
    """The demo of a seed, seen at a moment. `batches` builds it; afterwards `sign_ins` knows every id."""

    def __init__(self, *, organizations: int, scale: float, seed: int, moment: datetime) -> None:
        rng = Random(f"{seed}/platform")  # noqa: S311 - a demo, the same for the same seed
        self.password = make_password(rng)
        # One hash per role, not per person: hashing is slow on purpose.
        self._hashes = {
            role: get_hasher().encode(self.password, "".join(rng.choices(SALT_LETTERS, k=22))) for role in Role
        }
        self._platform_id, self._super_admin_id = new_id(rng), new_id(rng)
        self._clinics = [
            Clinic.plan(Order(number, clients, seed, moment, self._hashes))
            for number, clients in enumerate(client_counts(organizations, scale))
        ]

    def batches(self) -> Iterator[Batch]:
        """Every row, one organisation after the other."""
        yield self._platform()
        for clinic in self._clinics:
            yield from clinic.batches()

    def add_claims(self) -> None:
        """Makes the first clinics' claims, once everything is loaded."""
        for clinic in self._clinics[:CLINICS]:
            add_claims(clinic)

    def sign_ins(self) -> list[SignIn]:
        """One per organisation and role; the first clinic's first."""
        found = [
            SignIn(
                clinic.name,
                role.value,
                staff[0].email,
                self.password,
                _texts({"organization": clinic.id, "user": staff[0].user_id, "staff_member": staff[0].id}),
                _texts(clinic.objects),
            )
            for clinic in self._clinics
            for role, staff in clinic.staff.items()
        ]
        ids = _texts({"organization": self._platform_id, "user": self._super_admin_id})
        email = self._super_admin_email()
        return [*found, SignIn(PLATFORM, Role.SUPER_ADMIN.value, email, self.password, ids, {})]

    def _super_admin_email(self) -> str:
        return f"{EMAILS[Role.SUPER_ADMIN]}@{PLATFORM_DOMAIN}"

    def _platform(self) -> Batch:
        """Super admins belong to an organisation of their own, which has no clients."""
        batch = Batch(self._platform_id)
        nothing = (None,) * 8
        batch.tables["organizations"] = [(self._platform_id, PLATFORM, None, None, "America/New_York", *nothing)]
        batch.add(
            "users",
            self._super_admin_id,
            self._super_admin_email(),
            self._hashes[Role.SUPER_ADMIN],
            "Deployment Administrator",
            Role.SUPER_ADMIN.value,
        )
        return batch


def make_password(rng: Random) -> str:
    """Three words and a number: 15 characters or more."""
    return "-".join((*rng.sample(PASSWORD_WORDS, 3), str(rng.randrange(10, 100))))


def _texts(ids: dict[str, Any]) -> dict[str, str]:
    return {kind: str(value) for kind, value in ids.items() if value is not None}
