"""Making a claim: the 837P passes every check, a session has one claim, a refusal leaves nothing."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from billing.edi.gate import validate
from billing.exceptions import ClaimRefused
from billing.models import Claim, ClaimDocument
from billing.services import create_claim
from clinic.models import Organization, PatientInsurance, Payer, StaffMember
from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.permissions import Role
from sessions.models import Session
from tests.factories.billing import CHILD, authorize, deliver, set_rate
from tests.support.clinics import Clinic
from tests.unit.edi_support import parses_in_x12sdk

ANALYST_NPI = "1999999984"


def make(clinic: Clinic, session: Session) -> Claim:
    with clinic.work_as(Role.BILLER):
        return create_claim(session=session, actor=clinic.users[Role.BILLER])


def document_of(clinic: Clinic, claim: Claim) -> ClaimDocument:
    with clinic.work_as(Role.BILLER):
        return ClaimDocument.objects.get(claim=claim)


def text_of(clinic: Clinic, claim: Claim) -> str:
    return bytes(document_of(clinic, claim).content).decode("ascii")


def delivered(clinic: Clinic, **options: Any) -> Session:
    with clinic.work_as():
        return deliver(clinic, **options)


def refusal(clinic: Clinic, session: Session) -> ClaimRefused:
    with pytest.raises(ClaimRefused) as caught:
        make(clinic, session)
    return caught.value


def stored(clinic: Clinic) -> tuple[int, int]:
    with clinic.work_as():
        return Claim.objects.count(), ClaimDocument.objects.count()


class TestTheDocument:
    def test_passes_the_gate_and_a_second_opinion(self, clinic_a: Clinic) -> None:
        claim = make(clinic_a, delivered(clinic_a))
        document = document_of(clinic_a, claim)
        data = bytes(document.content)
        assert validate(data) == []
        assert parses_in_x12sdk(data)
        assert document.content_sha256 == hashlib.sha256(data).hexdigest()

    def test_says_what_was_delivered(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        claim = make(clinic_a, session)
        text = text_of(clinic_a, claim)
        assert f"CLM*{claim.claim_number}*148***11:B:1*Y*A*Y*Y~" in text
        assert "SV1*HC:97153*148*UN*8***1~" in text
        assert f"DTP*472*D8*{session.service_date:%Y%m%d}~" in text
        assert f"REF*6R*{claim.claim_number}L1~" in text
        assert "REF*G1*A-1001~" in text
        assert "HI*ABK:F840~" in text
        assert "*T*:~" in text  # a test file, until the clinic's clearinghouse has accepted some

    def test_is_kept_as_a_draft_with_its_facts(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        claim = make(clinic_a, session)
        document = document_of(clinic_a, claim)
        assert (claim.status, claim.payer_id, str(claim.billed_amount)) == ("DRAFT", "60054", "148.00")
        assert (claim.session_id, claim.patient_id) == (session.id, session.patient_id)
        assert (claim.authorization_id, claim.service_date) == (session.authorization_id, session.service_date)
        assert claim.edi_payload["interchange"]["control_number"] == document.interchange_control_number
        assert f"*{document.interchange_control_number:09}*" in bytes(document.content).decode()

    def test_people_stand_in_the_payload_by_id_only(self, clinic_a: Clinic) -> None:
        claim = make(clinic_a, delivered(clinic_a))
        payload = json.dumps(claim.edi_payload)
        client, insurance = clinic_a.client, clinic_a.insurance
        for value in (client.last_name, client.first_name, insurance.member_id, str(client.date_of_birth)):
            assert value not in payload

    def test_the_claim_number_is_short_and_of_the_basic_set(self, clinic_a: Clinic) -> None:
        numbers = {str(make(clinic_a, delivered(clinic_a, days_ago=days)).claim_number) for days in (5, 6, 7)}
        assert len(numbers) == 3
        assert all(number.isalnum() and number.isupper() and len(number) <= 20 for number in numbers)

    def test_of_a_child_names_the_subscriber_and_the_patient(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            PatientInsurance.objects.filter(id=clinic_a.insurance.id).update(**CHILD, group_number="GRP1")
        text = text_of(clinic_a, make(clinic_a, delivered(clinic_a)))
        assert "SBR*P**GRP1******CI~NM1*IL*1*QUILL*ROBIN****MI*W123456789~" in text
        assert "PAT*19~NM1*QC*1*QUILL-ASPEN*NORA~" in text

    def test_half_a_subscriber_is_left_out(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            changes = CHILD | {"subscriber_date_of_birth": None, "subscriber_street": None}
            PatientInsurance.objects.filter(id=clinic_a.insurance.id).update(**changes)
        claim = make(clinic_a, delivered(clinic_a))
        assert validate(bytes(document_of(clinic_a, claim).content)) == []


class TestRates:
    def test_the_payers_own_goes_before_the_clinics(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "20.00", payer=clinic_a.payer)
        assert str(make(clinic_a, delivered(clinic_a)).billed_amount) == "160.00"

    def test_another_payers_does_not_count(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            other = Payer.objects.create(organization_id=clinic_a.organization.id, name="Other Plan", payer_id="77001")
            set_rate(clinic_a, "20.00", payer=other)
        assert str(make(clinic_a, delivered(clinic_a)).billed_amount) == "148.00"

    def test_it_is_that_of_the_date_of_service(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "19.00", payer=clinic_a.payer, days_ago=100, until_days_ago=6)
            set_rate(clinic_a, "21.00", payer=clinic_a.payer, days_ago=5)
        assert str(make(clinic_a, delivered(clinic_a, days_ago=6)).billed_amount) == "152.00"
        assert str(make(clinic_a, delivered(clinic_a, days_ago=5)).billed_amount) == "168.00"


class TestWhoAndWhere:
    def test_a_technician_renders_and_the_cosigner_supervises(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            StaffMember.objects.filter(id=clinic_a.staff[Role.BCBA].id).update(npi=ANALYST_NPI)
        text = text_of(clinic_a, make(clinic_a, delivered(clinic_a)))
        assert "NM1*82*1*ASPEN*BEHAVIOR TECHNICIAN OF****XX*1992999825~PRV*PE*PXC*106S00000X~" in text
        assert f"NM1*DQ*1*ASPEN*BEHAVIOR ANALYST OF****XX*{ANALYST_NPI}~" in text

    def test_a_technician_without_npi_is_billed_under_the_cosigner(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            StaffMember.objects.filter(id=clinic_a.staff[Role.RBT].id).update(npi=None)
            StaffMember.objects.filter(id=clinic_a.staff[Role.BCBA].id).update(npi=ANALYST_NPI)
        text = text_of(clinic_a, make(clinic_a, delivered(clinic_a)))
        assert f"NM1*82*1*ASPEN*BEHAVIOR ANALYST OF****XX*{ANALYST_NPI}~PRV*PE*PXC*103K00000X~" in text
        assert "NM1*DQ" not in text

    def test_an_analysts_own_session_needs_no_cosignature(self, clinic_a: Clinic) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "28.00", service_code="97155", modifiers=("HO",))
            line = authorize(clinic_a, "97155")
        session = delivered(clinic_a, note="SIGNED", provider=clinic_a.staff[Role.BCBA], authorization=line)
        text = text_of(clinic_a, make(clinic_a, session))
        assert "SV1*HC:97155:HO*224*UN*8" in text
        assert "NM1*DQ" not in text

    @pytest.mark.parametrize(("role", "service"), [(Role.RBT, "HC:97153:HM"), (Role.BCBA, "HC:97153*")])
    def test_hm_says_that_a_technician_delivered_it(self, clinic_a: Clinic, role: Role, service: str) -> None:
        with clinic_a.work_as():
            set_rate(clinic_a, "16.75", payer=clinic_a.payer, modifiers=("HM",))
        session = delivered(clinic_a, provider=clinic_a.staff[role], note="LOCKED" if role is Role.RBT else "SIGNED")
        assert f"SV1*{service}" in text_of(clinic_a, make(clinic_a, session))

    @pytest.mark.parametrize(
        ("location", "place", "service"),
        [
            ("HOME", "12", "97153*"),
            ("CLINIC", "11", "97153*"),
            ("SCHOOL", "03", "97153*"),
            ("TELEHEALTH", "10", "97153:95*"),
        ],
    )
    def test_place_of_service(self, clinic_a: Clinic, location: str, place: str, service: str) -> None:
        claim = make(clinic_a, delivered(clinic_a, location=location))
        text = text_of(clinic_a, claim)
        assert f"*{place}:B:1*" in text
        assert f"HC:{service}" in text
        warned = [each["code"] for each in claim.edi_payload["warnings"]]
        assert warned == (["FACILITY_MISSING"] if location == "SCHOOL" else [])


class TestOnce:
    def test_a_second_click_finds_the_first_claim(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        first, second = make(clinic_a, session), make(clinic_a, session)
        assert first.id == second.id
        assert stored(clinic_a) == (2, 2)  # with the clinic's own

    def test_a_rejected_claim_makes_room_for_a_new_one(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        first = make(clinic_a, session)
        with clinic_a.work_as():
            Claim.objects.filter(id=first.id).update(status="REJECTED")
        second = make(clinic_a, session)
        assert second.id != first.id
        assert second.claim_number != first.claim_number

    def test_a_denied_claim_is_corrected_not_made_again(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        first = make(clinic_a, session)
        with clinic_a.work_as():
            Claim.objects.filter(id=first.id).update(status="DENIED")
        assert make(clinic_a, session).id == first.id

    @pytest.mark.concurrency
    def test_clicks_at_the_same_moment_make_one(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        made, errors = race(clinic_a, session, clicks=4)
        assert not errors
        assert len(made) == 4
        assert len(set(made)) == 1
        assert stored(clinic_a) == (2, 2)

    @pytest.mark.concurrency
    def test_control_without_the_index_the_same_clicks_make_several(self, clinic_a: Clinic, superuser_url: str) -> None:
        """The race is real: what lets one in is the unique index."""
        import psycopg

        session = delivered(clinic_a)
        with psycopg.connect(superuser_url, autocommit=True) as owner:
            definition = owner.execute(
                "SELECT indexdef FROM pg_indexes WHERE indexname = 'claims_one_open_per_session'"
            ).fetchone()
            assert definition is not None
            owner.execute("DROP INDEX claims_one_open_per_session")
            try:
                made, errors = race(clinic_a, session, clicks=4)
            finally:
                owner.execute("SET session_replication_role = replica")
                owner.execute("DELETE FROM claim_documents")
                owner.execute("DELETE FROM claims")
                owner.execute(definition[0])
        assert not errors
        assert len(set(made)) > 1

    @pytest.mark.concurrency
    def test_two_sessions_of_a_day_claimed_at_the_same_moment_make_one(self, clinic_a: Clinic) -> None:
        first, second = delivered(clinic_a, hour=8), delivered(clinic_a, hour=14)
        made, errors = race(clinic_a, first, second, clicks=2)
        assert len(made) == 1
        (refused,) = errors
        assert isinstance(refused, ClaimRefused)
        assert [each.code for each in refused.problems] == ["SAME_DAY_CLAIM"]
        assert stored(clinic_a) == (2, 2)

    @pytest.mark.concurrency
    def test_control_without_the_second_look_both_are_claimed(
        self, clinic_a: Clinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from billing import services

        monkeypatch.setattr(services, "_require_no_same_day_claim", lambda session: None)
        first, second = delivered(clinic_a, hour=8), delivered(clinic_a, hour=14)
        made, errors = race(clinic_a, first, second, clicks=2)
        assert not errors
        assert len(set(made)) == 2


def race(clinic: Clinic, *sessions: Session, clicks: int) -> tuple[list[Any], list[BaseException]]:
    """That many clicks, each in a thread with a connection of its own; they all look before any of them writes."""
    from django.db import connection

    from billing import services

    made: list[Any] = []
    errors: list[BaseException] = []
    gathered = threading.Barrier(clicks)
    store = services._store

    def store_together(*args: Any) -> Claim:
        gathered.wait(timeout=120)
        return store(*args)

    def click(session: Session) -> None:
        try:
            made.append(make(clinic, session).id)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "_store", store_together)
        threads = [threading.Thread(target=click, args=(sessions[n % len(sessions)],)) for n in range(clicks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return made, errors


class TestRefused:
    def test_what_is_missing_refuses_and_stores_nothing(self, clinic_a: Clinic) -> None:
        refused = refusal(clinic_a, delivered(clinic_a, note="SIGNED"))
        assert refused.code == "NOT_READY"
        assert [problem.code for problem in refused.problems] == ["COSIGNATURE_MISSING"]
        assert stored(clinic_a) == (1, 1)

    @pytest.mark.parametrize(
        "changes",
        [
            {"location": "HOME"},
            {"duration_minutes": 119},
            {"latest_metrics": {"targets": {"another": 1}}},
            {"start_time": None},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_facts_that_changed_after_the_signature_refuse(self, clinic_a: Clinic, changes: dict[str, Any]) -> None:
        session = delivered(clinic_a)
        if "start_time" in changes:
            changes = {"start_time": session.start_time + timedelta(minutes=1)}
        with clinic_a.work_as():
            Session.objects.filter(id=session.id).update(**changes)
        refused = refusal(clinic_a, session)
        assert refused.code == "NOT_READY"
        assert [(each.code, str(each.fixed_by)) for each in refused.problems] == [("NOTE_ALTERED", "Administrator")]
        assert stored(clinic_a) == (1, 1)

    def test_units_that_an_analyst_decided_later_are_no_alteration(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            Session.objects.filter(id=session.id).update(excess_units=2)
        assert make(clinic_a, session).session_id == session.id

    def test_a_second_session_of_the_day_refuses_and_stores_nothing(self, clinic_a: Clinic) -> None:
        first, second = delivered(clinic_a, hour=8), delivered(clinic_a, hour=14)
        number = make(clinic_a, first).claim_number
        refused = refusal(clinic_a, second)
        assert refused.code == "NOT_READY"
        assert [each.code for each in refused.problems] == ["SAME_DAY_CLAIM"]
        assert str(number) in str(refused.problems[0].text)
        assert stored(clinic_a) == (2, 2)
        with clinic_a.work_as():
            Claim.objects.filter(session=first).update(status="REJECTED")
        assert make(clinic_a, second).session_id == second.id

    def test_what_the_scrubber_blocks_refuses_and_stores_nothing(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            clinic_a.client.primary_diagnosis_code = "84.0"
            clinic_a.client.save()
        refused = refusal(clinic_a, session)
        assert refused.code == "CLAIM_FAULTY"
        assert [(problem.code, str(problem.text)) for problem in refused.problems] == [
            ("DIAGNOSIS_FORMAT", "Diagnosis: Enter an ICD-10-CM code.")
        ]
        assert stored(clinic_a) == (1, 1)

    def test_an_envelope_that_cannot_be_written_refuses(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            Organization.objects.update(claim_submitter_id="A-SUBMITTER-ID-TOO-LONG")
        refused = refusal(clinic_a, session)
        assert [problem.code for problem in refused.problems] == ["PARTY_ID"]
        assert stored(clinic_a) == (1, 1)

    def test_what_only_the_gate_finds_refuses(self, clinic_a: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
        session = delivered(clinic_a)
        monkeypatch.setattr("billing.services.scrub", lambda claim, policy: [])
        with clinic_a.work_as():
            clinic_a.client.primary_diagnosis_code = "NONE"
            clinic_a.client.save()
        refused = refusal(clinic_a, session)
        assert refused.code == "CLAIM_FAULTY"
        assert "DIAGNOSIS_FORMAT" in {problem.code for problem in refused.problems}
        assert stored(clinic_a) == (1, 1)

    def test_no_refusal_says_anything_about_the_client(self, clinic_a: Clinic) -> None:
        session = delivered(clinic_a)
        with clinic_a.work_as():
            clinic_a.client.last_name = "Ζωή"
            clinic_a.client.save()
        refused = refusal(clinic_a, session)
        assert [problem.code for problem in refused.problems] == ["LETTERS_LOST"]
        assert "Ζωή" not in repr(refused.problems) + str(refused)


def test_making_a_claim_is_audited_once(clinic_a: Clinic) -> None:
    claim = make(clinic_a, delivered(clinic_a))
    with clinic_a.work_as():
        (row,) = AuditLog.objects.filter(resource_type="claim", resource_id=claim.id)
        assert (row.action, row.user_id) == ("CREATE", clinic_a.users[Role.BILLER].id)


def test_split_minutes_of_a_day_are_not_held_against_the_units(clinic_a: Clinic) -> None:
    """22 + 22 minutes, added and then rounded, are three units: the second session bills two for its 22 minutes."""
    delivered(clinic_a, hour=8, minutes=22, units=1)
    second = delivered(clinic_a, hour=14, minutes=22, units=2)
    assert str(make(clinic_a, second).billed_amount) == "37.00"


def test_a_lone_session_bills_no_more_than_its_minutes(clinic_a: Clinic) -> None:
    refused = refusal(clinic_a, delivered(clinic_a, minutes=22, units=2))
    assert [problem.code for problem in refused.problems] == ["UNITS_OVER_MINUTES"]


def test_the_other_clinic_has_no_part_in_it(clinic_a: Clinic, clinic_b: Clinic) -> None:
    session = delivered(clinic_a)
    with clinic_b.work_as(Role.BILLER), pytest.raises(Session.DoesNotExist):
        create_claim(session=session, actor=clinic_b.users[Role.BILLER])
