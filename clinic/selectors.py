"""Reads that pages and services share."""

from datetime import date
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from clinic.models import Organization
from clinic.querysets import LAST
from omnirapeutic.db.keyset import Cursor, Page, page_of
from omnirapeutic.db.rows import fetch
from omnirapeutic.tenancy import context

PAGE_SIZE = 50


class ClientRow(NamedTuple):
    """A client as lists show it."""

    id: UUID
    last_name: str
    first_name: str
    date_of_birth: date
    guardian_name: str | None
    guardian_phone: str | None
    city: str | None


# The list is what is opened most, and read by the index patients_list_idx from any place in it.
LISTED = """
SELECT id, last_name, first_name, date_of_birth, guardian_name, guardian_phone, city FROM patients WHERE is_active
"""
FIRST = f"{LISTED} ORDER BY search_key, id LIMIT %s"
BEHIND = "(SELECT search_key, id FROM patients WHERE id = %s)"
AFTER = f"{LISTED} AND (search_key, id) > {BEHIND} ORDER BY search_key, id LIMIT %s"
BEFORE = f"{LISTED} AND (search_key, id) < {BEHIND} ORDER BY search_key DESC, id DESC LIMIT %s"
# Range comparison: ILIKE loses its index under row-level security. Two scans that are cut off after a page each: an OR
# of both would read and sort every match.
NAMED = f"""
({LISTED} AND search_key >= %s AND search_key < %s ORDER BY search_key, id LIMIT %s)
UNION ALL
({LISTED} AND first_name_key >= %s AND first_name_key < %s ORDER BY first_name_key, id LIMIT %s)
"""


def clinic_zone() -> ZoneInfo:
    """The time zone of the organisation in context: the one that dates of service are read in."""
    organization_id = context.required().organization_id
    return ZoneInfo(Organization.objects.values_list("time_zone", flat=True).get(id=organization_id))


def clinic_today() -> date:
    """Today where the organisation in context is."""
    return timezone.localdate(timezone=clinic_zone())


def client_list_page(cursor: Cursor) -> Page[ClientRow]:
    """The active clients by name, a page of 50."""
    return page_of(_listed, cursor=cursor, size=PAGE_SIZE, identify=lambda row: row.id)


def _listed(cursor: Cursor, limit: int) -> list[ClientRow]:
    if cursor.before:
        return fetch(ClientRow, BEFORE, [cursor.before, limit])
    if cursor.after:
        return fetch(ClientRow, AFTER, [cursor.after, limit])
    return fetch(ClientRow, FIRST, [limit])


def find_clients(typed: str) -> tuple[list[ClientRow], bool]:
    """The active clients whose last or first name begins with what was typed, and whether there are more than shown."""
    prefix = search_prefix(typed)
    span = [prefix, prefix + LAST, PAGE_SIZE + 1]
    found = {row.id: row for row in fetch(ClientRow, NAMED, [*span, *span])}
    by_name = sorted(found.values(), key=lambda row: (row.last_name.lower(), row.first_name.lower(), row.id))
    return by_name[:PAGE_SIZE], len(by_name) > PAGE_SIZE


def search_prefix(typed: str) -> str:
    """What was typed as the search keys are spelled: lower case, single spaces, `last, first`."""
    last, comma, first = typed.lower().partition(",")
    parts = [" ".join(last.split()), " ".join(first.split())]
    return ", ".join(parts) if comma and parts[1] else parts[0] + comma
