"""`manage.py seed_demo`: fills an empty database with a demo.

`--json FILE` writes a list with one entry per sign-in: one for each role of each organisation, the first clinic's
first, the deployment's super admin last.

    {"organization": name, "role": "RBT", "email": …, "password": …,
     "ids": {"organization": uuid, "user": uuid, "staff_member": uuid},
     "objects": {"organization": uuid, "patient": uuid, …}}

`ids` are those of the person who signs in; `staff_member` only for those who render services. `objects` has one id of
every kind of object of their organisation, the same in all its entries: organization, user, staff_member, payer,
patient, caseload_assignment, insurance, authorization, program, target, appointment, session, note. The patient and all
that hangs on it are on the caseload of the RBT and the BCBA who sign in; the appointment is one of today's that the RBT
can start; the session is completed and rendered by the RBT, the note is its note. `claim` is there for the first
clinics, when claims could be made; it is another client's. The super admin's organisation has no objects.
"""

import json
import sys
import time
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from billing.demo.deployment import Demo, SignIn
from billing.demo.load import load
from billing.demo.people import REGIONS
from omnirapeutic.db import functions

DEFAULT_HOUR = 10


def moment(text: str) -> datetime:
    """A date, seen at ten in the morning in the first clinic's zone, or a date and a time there."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be YYYY-MM-DD or YYYY-MM-DDTHH:MM") from error
    if len(text) == len("2026-01-31"):
        given = given.replace(hour=DEFAULT_HOUR)
    return given.replace(tzinfo=ZoneInfo(REGIONS[0].zone)).astimezone(UTC)


class Command(BaseCommand):
    help = "Fills an empty database with synthetic clinics. Needs the owner's address (DATABASE_OWNER_URL)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organizations", type=int, default=2, metavar="N", help="clinics (default 2)")
        parser.add_argument(
            "--scale",
            type=float,
            default=1.0,
            metavar="S",
            help="1 is about 40 clients in all; a clinic has at least 3",
        )
        parser.add_argument("--seed", type=int, default=1, metavar="K", help="the same seed makes the same rows")
        parser.add_argument("--today", type=moment, metavar="DATE", help="YYYY-MM-DD[THH:MM] instead of now")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the sign-ins and ids there")
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there are organisations")

    def handle(self, *args: Any, **options: Any) -> None:
        if functions.worker_organizations():
            if options["if_empty"]:
                self.stdout.write("There are organizations already: nothing to do.")
                return
            raise CommandError("There are organizations already. The demo needs an empty database.")
        if "owner" not in connections.databases:
            raise CommandError("The demo is loaded as the tables' owner: set DATABASE_OWNER_URL.")
        if options["organizations"] < 1 or options["scale"] <= 0:
            raise CommandError("At least one clinic, and a scale above zero.")
        self._seed(options)

    def _seed(self, options: dict[str, Any]) -> None:
        began = time.monotonic()
        demo = Demo(
            organizations=options["organizations"],
            scale=options["scale"],
            seed=options["seed"],
            moment=options["today"] or datetime.now(UTC),
        )
        counts = load(demo.batches())
        demo.add_claims()
        took = time.monotonic() - began
        rows = sum(counts.values())
        self.stdout.write(
            f"{counts['organizations'] - 1} clinics, {counts['patients']:,} clients, {counts['sessions']:,} sessions, "
            f"{counts['session_events']:,} events; {rows:,} rows in {took:.1f} s ({rows / took:,.0f} a second)"
        )
        sign_ins = demo.sign_ins()
        if options["json"]:
            options["json"].write_text(json.dumps([asdict(each) for each in sign_ins], indent=1) + "\n")
        self._print(sign_ins)

    def _print(self, sign_ins: list[SignIn]) -> None:
        shown = {each.role: each for each in reversed(sign_ins)}
        for each in reversed(shown.values()):
            self.stdout.write(f"  {each.role:<12} {each.email:<34} {each.password}")
        sys.stdout.flush()
