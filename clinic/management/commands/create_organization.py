"""Adds an organisation with its first administrator."""

import getpass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from clinic.organizations import create_organization


class Command(BaseCommand):
    help = "Adds an organization with its first administrator. Asks for the password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--time-zone", default="America/New_York", help="IANA name, e.g. America/Chicago")
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ZoneInfo(options["time_zone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise CommandError(f"{options['time_zone']} is not an IANA time zone.") from error
        password = getpass.getpass("Password of the administrator: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            organization_id = create_organization(
                name=options["name"],
                time_zone=options["time_zone"],
                admin_email=options["admin_email"],
                admin_name=options["admin_name"],
                password=password,
            )
        except IntegrityError as error:
            raise CommandError("Somebody already signs in with that email.") from error
        self.stdout.write(f"Added organization {organization_id}.")
