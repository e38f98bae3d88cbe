"""The client list and its search, as requests of a signed-in person."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from clinic.models import Patient
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from tests.factories.clinic import PatientFactory
from tests.support.statements import counted_statements

pytestmark = pytest.mark.django_db
LIST = "/clients/"
SEARCH = "/clients/search/"
ABSENT = "00000000-0000-4000-8000-00000000dead"
HTMX = {"HX-Request": "true"}


def fill(clinic: Any, count: int) -> list[Patient]:
    with clinic.work_as():
        return [PatientFactory(first_name=f"Kim{n:03d}", last_name=f"Zorn{n:03d}") for n in range(count)]


def names(response: Any) -> list[str]:
    text = response.content.decode()
    return [cell.split("</a>")[0].split(">")[-1] for cell in text.split('<th scope="row">')[1:]]


def test_clients_are_listed_by_name_with_links_to_their_pages(client_for: Any, clinic_a: Any) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).get(LIST)
    assert response.status_code == 200
    assert names(response) == ["Quill-Aspen, Nora", "Vale-Aspen, Otis"]
    assert f'href="{reverse("client_detail", args=[clinic_a.client.id])}"' in response.content.decode()


def test_names_are_escaped(client_for: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        PatientFactory(last_name="<script>alert(1)</script>")
    assert b"<script>alert" not in client_for(Role.FRONT_DESK, clinic_a).get(LIST).content


def test_pages_lead_forth_and_back_over_equal_names(client_for: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        for n in range(118):
            PatientFactory(first_name="Sam", last_name="Same" if n % 2 else f"Name{n:03d}")
    client = client_for(Role.FRONT_DESK, clinic_a)
    pages, url = [], LIST
    while url:
        response = client.get(url)
        pages.append(response.context["page"])
        url = f"{LIST}?after={pages[-1].next_cursor}" if pages[-1].next_cursor else ""
    assert [len(page.rows) for page in pages] == [50, 50, 20]
    ids = [row[0] for page in pages for row in page.rows]
    assert len(set(ids)) == 120
    back = client.get(f"{LIST}?before={pages[2].previous_cursor}").context["page"]
    assert back.rows == pages[1].rows
    first = client.get(f"{LIST}?before={back.previous_cursor}").context["page"]
    assert (first.rows, first.previous_cursor) == (pages[0].rows, None)
    assert first.next_cursor == pages[0].next_cursor


@pytest.mark.parametrize("cursor", ["", "nonsense", ABSENT])
def test_a_cursor_that_leads_nowhere_gives_the_first_page(client_for: Any, clinic_a: Any, cursor: str) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).get(LIST, {"after": cursor})
    assert len(response.context["page"].rows) == 2


def test_a_cursor_of_another_clinic_leads_nowhere(client_for: Any, clinic_a: Any, clinic_b: Any) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).get(LIST, {"after": str(clinic_b.client.id)})
    assert names(response) == ["Quill-Aspen, Nora", "Vale-Aspen, Otis"]


def test_the_statements_are_few_and_the_same_for_1_and_50_rows(client_for: Any, clinic_a: Any) -> None:
    client = client_for(Role.FRONT_DESK, clinic_a)
    with counted_statements() as few:
        client.get(LIST)
    fill(clinic_a, 60)
    with counted_statements() as many:
        assert len(client.get(LIST).context["page"].rows) == 50
    assert len(few) == len(many) <= 10, many


def test_opening_the_list_is_audited_once_without_names(client_for: Any, clinic_a: Any) -> None:
    client_for(Role.FRONT_DESK, clinic_a).get(LIST)
    with clinic_a.work_as():
        row = AuditLog.objects.get(action="READ_LIST")
    assert (row.resource_type, row.details) == ("patient", {"count": 2})


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("qui", ["Quill-Aspen, Nora"]),
        ("  QUILL-aspen,no ", ["Quill-Aspen, Nora"]),
        ("otis v", ["Vale-Aspen, Otis"]),
        ("uill", []),
        ("%", []),
        ("_uill", []),
    ],
)
def test_search_finds_by_the_beginning_of_either_name(
    client_for: Any, clinic_a: Any, typed: str, found: list[str]
) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": typed}, headers=HTMX)
    assert response.status_code == 200
    assert names(response) == found
    assert b"<html" not in response.content


def test_search_answers_a_browser_without_script_with_the_whole_page(client_for: Any, clinic_a: Any) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": "qui"})
    assert b"<html" in response.content
    assert b'value="qui"' in response.content


def test_search_without_words_is_the_list(client_for: Any, clinic_a: Any) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": " "}, headers=HTMX)
    assert len(names(response)) == 2


def test_search_says_when_there_is_more_than_a_page(client_for: Any, clinic_a: Any) -> None:
    fill(clinic_a, 60)
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": "zorn"}, headers=HTMX)
    assert len(names(response)) == 50
    assert b"The first 50 matches" in response.content


def test_search_lists_somebody_found_by_both_names_once(client_for: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        PatientFactory(first_name="Alex", last_name="Alexander")
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": "alex"}, headers=HTMX)
    assert names(response) == ["Alexander, Alex"]


def test_a_search_is_audited_without_what_was_typed(client_for: Any, clinic_a: Any) -> None:
    client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": "qui"}, headers=HTMX)
    with clinic_a.work_as():
        row = AuditLog.objects.get(action="SEARCH")
    assert row.details == {"count": 1}


def test_an_inactive_client_is_not_listed(client_for: Any, clinic_a: Any) -> None:
    with clinic_a.work_as():
        Patient.objects.filter(id=clinic_a.client.id).update(is_active=False)
    client = client_for(Role.FRONT_DESK, clinic_a)
    assert names(client.get(LIST)) == ["Vale-Aspen, Otis"]
    assert names(client.post(SEARCH, {"q": "quill"}, headers=HTMX)) == []


@pytest.mark.parametrize("role", [Role.RBT, Role.BCBA, Role.BILLER, Role.SUPER_ADMIN])
def test_roles_that_do_not_keep_client_records_are_refused(client_for: Any, clinic_a: Any, role: Role) -> None:
    assert client_for(role, clinic_a).get(LIST).status_code == 403


@pytest.mark.parametrize("typed", ["qui\x00", "\x00", "\x1b\x00 qui\x00\x7f"])
def test_control_characters_in_a_search_are_blanks(client_for: Any, clinic_a: Any, typed: str) -> None:
    response = client_for(Role.FRONT_DESK, clinic_a).post(SEARCH, {"q": typed})
    assert response.status_code == 200
    assert "Quill-Aspen, Nora" in names(response)
