"""The biller's pages: who may open them, what they show and do not, how much they ask of the database."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.urls import reverse

from billing.models import Claim, ClaimDocument
from clinic.models import Organization, Patient, PatientInsurance
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from sessions.models import Session
from tests.factories.billing import deliver, new_uuid
from tests.support.clinics import Clinic, client_for
from tests.support.statements import counted_statements

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
MOST_STATEMENTS = 15


def biller(clinic: Clinic) -> Any:
    return client_for(Role.BILLER, clinic)


def delivered(clinic: Clinic, **options: Any) -> Session:
    with clinic.work_as():
        return deliver(clinic, **options)


def create_url(session_id: Any) -> str:
    return reverse("claim_create", args=[session_id])


def page(clinic: Clinic, name: str, *args: Any, query: str = "") -> str:
    response = biller(clinic).get(reverse(name, args=args) + query)
    assert response.status_code == 200
    return str(response.content.decode())


def audit_rows(clinic: Clinic, action: str) -> list[AuditLog]:
    with clinic.work_as():
        return list(AuditLog.objects.filter(action=action))


# Who


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.BILLER])
def test_everybody_else_is_refused(clinic_a: Clinic, role: Role) -> None:
    session, client = delivered(clinic_a), client_for(role, clinic_a)
    claim_id = clinic_a.claim.id
    for name, args in (
        ("billing_worklist", []),
        ("claim_list", []),
        ("claim_detail", [claim_id]),
        ("claim_download", [claim_id]),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403
    assert client.post(create_url(session.id)).status_code == 403
    with clinic_a.work_as():
        assert Claim.objects.count() == 1


def test_another_clinics_records_are_the_404_of_none(clinic_a: Clinic, clinic_b: Clinic) -> None:
    session, client = delivered(clinic_b), biller(clinic_a)
    absent = client.get(reverse("claim_detail", args=[new_uuid()]))
    assert absent.status_code == 404
    for name in ("claim_detail", "claim_download"):
        foreign = client.get(reverse(name, args=[clinic_b.claim.id]))
        assert (foreign.status_code, foreign.content) == (404, absent.content)
    posted = [client.post(create_url(id_)) for id_ in (session.id, new_uuid())]
    assert [(answer.status_code, answer.content) for answer in posted] == [(404, absent.content)] * 2
    with clinic_b.work_as():
        assert Claim.objects.count() == 1


def test_making_a_claim_is_a_post(clinic_a: Clinic) -> None:
    assert biller(clinic_a).get(create_url(delivered(clinic_a).id)).status_code == 405


# The worklist


def test_it_shows_what_a_claim_needs_and_no_more(clinic_a: Clinic) -> None:
    delivered(clinic_a)
    text = page(clinic_a, "billing_worklist")
    for needed in ("Quill-Aspen, Nora", "W123456789", "F84.0", "97153", "8 units", "$148.00", "Make claim"):
        assert needed in text
    for withheld in ("must never reach billing", "Words that billing never shows", "Asks for help", "Robin"):
        assert withheld not in text


def test_what_is_not_ready_says_why_and_who(clinic_a: Clinic) -> None:
    text = page(clinic_a, "billing_worklist")
    assert "The note is not co-signed." in text
    assert "Ask: Behavior analyst of Aspen" in text
    assert "Make claim" not in text


def test_parts_of_it(clinic_a: Clinic) -> None:
    session = delivered(clinic_a)
    row, waiting_row = f'id="session-{session.id}"', f'id="session-{clinic_a.session.id}"'
    found = {
        state: page(clinic_a, "billing_worklist", query=f"?state={state}") for state in ("", "ready", "waiting", "x")
    }
    assert {state: (row in text, waiting_row in text) for state, text in found.items()} == {
        "": (True, True),
        "ready": (True, False),
        "waiting": (False, True),
        "x": (True, True),
    }


def test_the_clinics_own_gaps_stand_above_it(clinic_a: Clinic) -> None:
    delivered(clinic_a)
    with clinic_a.work_as():
        Organization.objects.update(zip_code="12207", claim_submitter_id=None)
    text = page(clinic_a, "billing_worklist")
    assert "The clinic: Enter all nine digits of the clinic&#x27;s ZIP code (ZIP+4)." in text
    assert "Make claim" not in text
    assert "all nine digits" in page(clinic_a, "start")


def test_pages_of_it_are_newest_first_and_complete(clinic_a: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [delivered(clinic_a, days_ago=days) for days in (5, 6, 7, 8)]
    monkeypatch.setattr("billing.selectors.PAGE_SIZE", 2)
    client, seen, address = biller(clinic_a), [], reverse("billing_worklist") + "?state=ready"
    for _ in range(2):
        text = client.get(address).content.decode()
        seen.append([session for session in sessions if f"session-{session.id}" in text])
        address = reverse("billing_worklist") + f"?state=ready&after={seen[-1][-1].id}"
        assert ("Next" in text) == (len(seen) == 1)
    assert seen == [sessions[:2], sessions[2:]]
    back = client.get(reverse("billing_worklist") + f"?state=ready&before={sessions[2].id}").content.decode()
    assert f"session-{sessions[0].id}" in back
    assert f"after={sessions[1].id}" in back
    assert "state=ready&amp;after" in back


def test_nothing_to_bill_says_so(clinic_a: Clinic) -> None:
    assert "Nothing is ready" in page(clinic_a, "billing_worklist", query="?state=ready")


# One click


def test_one_click_leads_to_the_claim(clinic_a: Clinic) -> None:
    session, client = delivered(clinic_a), biller(clinic_a)
    first, second = client.post(create_url(session.id)), client.post(create_url(session.id))
    with clinic_a.work_as():
        claim = Claim.objects.get(session=session)
    assert first.status_code == second.status_code == 303
    assert first.url == second.url == reverse("claim_detail", args=[claim.id])
    assert f"session-{session.id}" not in page(clinic_a, "billing_worklist")


def test_one_click_replaces_the_row(clinic_a: Clinic) -> None:
    session = delivered(clinic_a)
    response = biller(clinic_a).post(create_url(session.id), headers=HTMX)
    text = response.content.decode()
    with clinic_a.work_as():
        claim = Claim.objects.get(session=session)
    assert response.status_code == 200
    assert text.lstrip().startswith("<tr")
    assert reverse("claim_detail", args=[claim.id]) in text
    assert f"Claim {claim.claim_number} is made, not sent." in text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_refusal_stands_beside_the_session(clinic_a: Clinic, headers: dict[str, str]) -> None:
    session = delivered(clinic_a)
    with clinic_a.work_as():
        Patient.objects.filter(id=session.patient_id).update(primary_diagnosis_code="84.0")
        PatientInsurance.objects.update(member_id="W*1")
    response = biller(clinic_a).post(create_url(session.id), headers=headers)
    text = response.content.decode()
    assert response.status_code == 422
    assert "Diagnosis: Enter an ICD-10-CM code." in text
    assert "Subscriber: Use capitals, digits and simple punctuation only" in text
    assert f'id="session-{session.id}"' in text
    assert text.lstrip().startswith("<tr" if headers else "<!DOCTYPE html>")
    with clinic_a.work_as():
        assert (Claim.objects.count(), ClaimDocument.objects.count()) == (1, 1)


def test_what_is_not_ready_is_refused_in_the_same_words(clinic_a: Clinic) -> None:
    response = biller(clinic_a).post(create_url(clinic_a.session.id))
    assert response.status_code == 422
    assert "The note is not co-signed." in response.content.decode()


def test_a_session_that_runs_cannot_be_billed(clinic_a: Clinic) -> None:
    assert biller(clinic_a).post(create_url(clinic_a.running.id)).status_code == 404


# Claims


@pytest.fixture
def claim(clinic_a: Clinic) -> Claim:
    session = delivered(clinic_a)
    assert biller(clinic_a).post(create_url(session.id)).status_code == 303
    with clinic_a.work_as():
        return Claim.objects.get(session=session)


def test_the_claim_says_what_was_made_of_it(clinic_a: Clinic, claim: Claim) -> None:
    with clinic_a.work_as():
        document = ClaimDocument.objects.get(claim=claim)
    text = page(clinic_a, "claim_detail", claim.id)
    for shown in (
        str(claim.claim_number),
        "Made, not sent",
        "$148.00",
        "97153",
        document.content_sha256,
        f"{document.interchange_control_number:09}",
        reverse("claim_download", args=[claim.id]),
        "Test file",
    ):
        assert shown in text
    assert " ".join(text.partition("<title>")[2].partition("</title>")[0].split()) == "Claim · Omnirapeutic"


def test_a_claim_of_another_program_can_be_opened(clinic_a: Clinic) -> None:
    """Its payload is not ours, and it may lack whatever the original columns do not ask for."""
    with clinic_a.work_as():
        bare = Claim.objects.create(
            organization_id=clinic_a.organization.id, payer_id="1", edi_payload={}, status="PAID"
        )
    assert "its lines are unknown" in page(clinic_a, "claim_detail", bare.id)
    assert "Without a number" in page(clinic_a, "claim_list")
    assert biller(clinic_a).get(reverse("claim_download", args=[bare.id])).status_code == 404


def test_the_download_is_the_very_bytes(clinic_a: Clinic, claim: Claim) -> None:
    response = biller(clinic_a).get(reverse("claim_download", args=[claim.id]))
    with clinic_a.work_as():
        document = ClaimDocument.objects.get(claim=claim)
        claim.refresh_from_db()
    assert response.content == bytes(document.content)
    assert hashlib.sha256(response.content).hexdigest() == document.content_sha256
    assert response["Content-Type"] == "application/edi-x12"
    assert response["Content-Disposition"] == f'attachment; filename="{claim.claim_number}.837p.txt"'
    assert "no-store" in response["Cache-Control"]
    assert claim.status == "DRAFT"


def test_the_list_of_claims(clinic_a: Clinic, claim: Claim) -> None:
    text = page(clinic_a, "claim_list")
    assert text.index(str(claim.claim_number)) < text.index(str(clinic_a.claim.claim_number))


# Audit and cost


def test_each_opened_page_is_audited_once(clinic_a: Clinic, claim: Claim) -> None:
    client = biller(clinic_a)
    for name, args, action in (
        ("billing_worklist", [], "READ_LIST"),
        ("claim_list", [], "READ_LIST"),
        ("claim_detail", [claim.id], "READ"),
        ("claim_download", [claim.id], "EXPORT"),
    ):
        before = len(audit_rows(clinic_a, action))
        client.get(reverse(name, args=args))
        rows = audit_rows(clinic_a, action)
        assert len(rows) == before + 1
        assert rows[-1].details is None or "Quill" not in str(rows[-1].details)


def test_the_number_of_statements_does_not_grow(clinic_a: Clinic, claim: Claim) -> None:
    client = biller(clinic_a)
    addresses = [
        reverse("billing_worklist"),
        reverse("billing_worklist") + "?state=ready",
        reverse("claim_list"),
        reverse("claim_detail", args=[claim.id]),
        reverse("claim_download", args=[claim.id]),
        reverse("start"),
    ]

    def count() -> dict[str, int]:
        counts = {}
        for address in addresses:
            with counted_statements() as statements:
                assert client.get(address).status_code == 200
            counts[address] = len(statements)
        return counts

    few = count()
    for days in range(6, 16):
        delivered(clinic_a, days_ago=days, note="LOCKED" if days % 2 else None)
    assert count() == few
    assert max(few.values()) <= MOST_STATEMENTS, few
