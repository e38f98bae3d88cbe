"""Small rules of a claim that need no database."""

from __future__ import annotations

import pytest

from billing.building import PLACES, TAXONOMIES, modifiers, person
from billing.edi.findings import Finding, Severity
from billing.edi.identifiers import is_place, is_taxonomy
from billing.edi.rules import SCRUBBER
from billing.models import ServiceRate
from billing.problems import explain
from billing.services import ALPHABET, _new_claim_number
from clinic.models import StaffMember, User
from scheduling.models import Appointment


@pytest.mark.parametrize(
    ("listed", "by_technician", "telehealth", "expected"),
    [
        ([], True, False, ()),
        (["HM", "U1"], True, False, ("HM", "U1")),
        (["HM", "U1"], False, False, ("U1",)),
        (["HO"], False, True, ("HO", "95")),
        (["95", "HO"], False, True, ("95", "HO")),
        (["GT"], True, True, ("GT",)),
    ],
)
def test_modifiers(listed: list[str], by_technician: bool, telehealth: bool, expected: tuple[str, ...]) -> None:
    rate = ServiceRate(modifiers=listed)
    assert modifiers(rate, by_technician=by_technician, telehealth=telehealth) == expected


@pytest.mark.parametrize(
    ("full_name", "first", "last"),
    [
        ("Dana Reyes", "Dana", "Reyes"),
        ("Maria de la Cruz", "Maria de la", "Cruz"),
        ("Dana Reyes, BCBA", "Dana", "Reyes"),
        (" Dana ", "", "Dana"),
    ],
)
def test_names(full_name: str, first: str, last: str) -> None:
    named = person(StaffMember(user=User(full_name=full_name, npi="1999999984"), credential="BCBA"))
    assert (named.first_name, named.last_name, named.npi, named.taxonomy) == (first, last, "1999999984", "103K00000X")


def test_a_staff_members_own_npi_goes_before_the_users() -> None:
    member = StaffMember(user=User(full_name="Dana Reyes", npi="1999999984"), npi="1999999992")
    assert (person(member).npi, person(member).taxonomy) == ("1999999992", "")


def test_every_place_and_credential_has_its_code() -> None:
    assert set(PLACES) == set(Appointment.Location)
    assert all(map(is_place, PLACES.values()))
    assert set(TAXONOMIES) == set(StaffMember.Credential)
    assert all(map(is_taxonomy, TAXONOMIES.values()))


def test_claim_numbers_have_no_look_alikes() -> None:
    assert not set("01ILOU") & set(ALPHABET)
    assert len({_new_claim_number() for _ in range(1000)}) == 1000


def test_a_sentence_is_said_once_whichever_fields_break_it() -> None:
    rule = SCRUBBER["VALUE_MISSING"]
    fields = ("patient.last_name", "patient.first_name", "billing.name", "SV101")
    findings = [Finding("VALUE_MISSING", Severity.BLOCK, field, rule.fix) for field in fields]
    assert [(str(each.text), str(each.fixed_by)) for each in explain(findings)] == [
        ("Client: Fill in this field.", "Front desk"),
        ("The clinic: Fill in this field.", "Administrator"),
        ("SV101: Fill in this field.", "Administrator"),
    ]
