"""Two small, complete clinics, and people of them signed in.

They are written with the ORM and the database's own functions, not with the services that are under test.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from billing.models import Claim, ClaimDocument, ServiceRate
from clinic.models import (
    Authorization,
    CaseloadAssignment,
    Organization,
    Patient,
    PatientInsurance,
    Payer,
    StaffMember,
    User,
)
from omnirapeutic.db import functions
from omnirapeutic.tenancy.context import shared, tenant
from omnirapeutic.tenancy.web_session import ORGANIZATION_KEY, SessionStore
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from sessions.models import NoteSignature, Program, Session, SessionEvent, SessionNote, Target
from sessions.services.notes import content_sha256

PASSWORD = "a long sentence for tests"
ZONE = ZoneInfo("America/New_York")
CREDENTIALS = {Role.RBT: "RBT", Role.BCBA: "BCBA"}


@dataclass(frozen=True)
class Clinic:
    """An organisation with people of every role and one client on the caseload of the technician and the analyst.

    `appointment` is booked for tomorrow. Of the sessions, `running` began some minutes ago, `session` is completed, its
    note signed by the technician and neither co-signed nor billed, `billed_session` is co-signed and has a claim with
    its document. `other_client` is on nobody's caseload and has nothing but a name.
    """

    organization: Organization
    users: dict[Role, User]
    staff: dict[Role, StaffMember]
    payer: Payer
    rate: ServiceRate
    client: Patient
    other_client: Patient
    insurance: PatientInsurance
    authorization: Authorization
    appointment: Appointment
    program: Program
    target: Target
    running: Session
    session: Session
    note: SessionNote
    billed_session: Session
    billed_note: SessionNote
    claim: Claim
    document: ClaimDocument

    def work_as(self, role: Role = Role.ADMIN) -> AbstractContextManager[None]:
        """The tenant context of one of its people: `with clinic.work_as(Role.BILLER): ...`"""
        user = self.users[role]
        return tenant(self.organization.id, user.id, email=user.email)


@functools.cache
def password_hash() -> str:
    return make_password(PASSWORD)


def build_clinic(name: str) -> Clinic:
    """Commits a whole clinic. `name` makes its addresses and numbers its own."""
    slug = name.lower().split()[0]
    organization_id = uuid.uuid4()
    with tenant(organization_id):
        organization = Organization.objects.create(
            id=organization_id,
            name=name,
            npi="1234567893",
            tax_id=f"99-{int(hashlib.sha256(slug.encode()).hexdigest(), 16) % 10_000_000:07d}",
            taxonomy_code="103K00000X",
            street="1 Main Street",
            city="Albany",
            state="NY",
            zip_code="12207-1234",
            phone="5185550100",
            contact_name="Office",
            claim_submitter_id=f"SUB{slug.upper()[:6]}",
        )
        return _Builder(organization, slug).build()


class _Builder:
    def __init__(self, organization: Organization, slug: str) -> None:
        self.organization = organization
        self.slug = slug
        self.own = {"organization_id": organization.id}
        self.today = timezone.now().astimezone(ZONE).date()

    def build(self) -> Clinic:
        users = {role: self._user(role) for role in Role}
        staff = {role: self._staff_member(users[role], credential) for role, credential in CREDENTIALS.items()}
        payer = Payer.objects.create(name="Blue Plan", payer_id="60054", **self.own)
        rate = ServiceRate.objects.create(
            service_code="97153", rate=Decimal("18.50"), starts_on=self.today - timedelta(days=365), **self.own
        )
        client = self._client("Nora", "Quill")
        other_client = self._client("Otis", "Vale")
        for member in staff.values():
            CaseloadAssignment.objects.create(
                patient=client, staff_member=member, starts_on=self.today - timedelta(days=90), **self.own
            )
        insurance = PatientInsurance.objects.create(
            patient=client,
            billing_payer=payer,
            payer_name=payer.name,
            payer_id=payer.payer_id,
            member_id="W123456789",
            relationship="18",
            effective_date=self.today - timedelta(days=365),
            **self.own,
        )
        authorization = Authorization.objects.create(
            patient=client,
            insurance=insurance,
            service_code="97153",
            total_units=400,
            start_date=self.today - timedelta(days=60),
            end_date=self.today + timedelta(days=120),
            status="ACTIVE",
            authorization_number="A-1001",
            **self.own,
        )
        program = Program.objects.create(patient=client, name="Communication", **self.own)
        target = Target.objects.create(
            patient=client, program=program, name="Asks for help", measure="FREQUENCY", **self.own
        )
        self.authorization, self.target, self.staff = authorization, target, staff
        appointment = self._appointment(self._at(1, 10))
        running = self._session(self._appointment(self._some_minutes_ago(), "IN_PROGRESS"))
        session = self._session(self._appointment(self._at(-2, 10), "IN_PROGRESS"))
        note = self._complete(session)
        billed_session = self._session(self._appointment(self._at(-3, 10), "IN_PROGRESS"))
        billed_note = self._complete(billed_session, cosigned=True)
        claim, document = self._claim(billed_session, payer)
        authorization.refresh_from_db()
        return Clinic(
            organization=self.organization,
            users=users,
            staff=staff,
            payer=payer,
            rate=rate,
            client=client,
            other_client=other_client,
            insurance=insurance,
            authorization=authorization,
            appointment=appointment,
            program=program,
            target=target,
            running=running,
            session=session,
            note=note,
            billed_session=billed_session,
            billed_note=billed_note,
            claim=claim,
            document=document,
        )

    def _at(self, days: int, hour: int) -> datetime:
        return datetime.combine(self.today + timedelta(days=days), time(hour), ZONE)

    def _some_minutes_ago(self) -> datetime:
        """Twenty, but today: just after midnight it is less."""
        return max(timezone.now() - timedelta(minutes=20), self._at(0, 0))

    def _user(self, role: Role) -> User:
        return User.objects.create(
            email=f"{role.value.lower()}@{self.slug}.example",
            password=password_hash(),
            full_name=f"{role.label} of {self.slug.title()}",
            role=role,
            **self.own,
        )

    def _staff_member(self, user: User, credential: str) -> StaffMember:
        return StaffMember.objects.create(
            user=user, credential=credential, npi="1992999825", license_number="L-1", license_state="NY", **self.own
        )

    def _client(self, first_name: str, last_name: str) -> Patient:
        return Patient.objects.create(
            first_name=first_name,
            last_name=f"{last_name}-{self.slug.title()}",
            date_of_birth=self.today.replace(year=self.today.year - 6, day=1),
            sex="F",
            street="2 Elm Street",
            city="Albany",
            state="NY",
            zip_code="12207",
            primary_diagnosis_code="F84.0",
            guardian_name="Robin Quill",
            guardian_email="robin@family.example",
            guardian_phone="5185550101",
            **self.own,
        )

    def _appointment(self, start: datetime, status: str = "SCHEDULED") -> Appointment:
        booked = Appointment.objects.create(
            patient=self.authorization.patient,
            provider=self.staff[Role.RBT],
            authorization=self.authorization,
            service_code="97153",
            start_time=start,
            end_time=start + timedelta(hours=2),
            status=status,
            location="CLINIC",
            expected_units=8,
            **self.own,
        )
        functions.reserve_session_units(
            authorization_id=self.authorization.id,
            units=8,
            service_date=start.astimezone(ZONE).date(),
            appointment_id=booked.id,
            idempotency_key=f"book:{booked.id}",
        )
        return booked

    def _session(self, appointment: Appointment) -> Session:
        session = Session.objects.create(
            appointment=appointment,
            patient=appointment.patient,
            provider=appointment.provider,
            authorization=appointment.authorization,
            service_code=appointment.service_code,
            start_time=appointment.start_time,
            status="IN_PROGRESS",
            location=appointment.location,
            service_date=appointment.start_time.astimezone(ZONE).date(),
            **self.own,
        )
        SessionEvent.objects.create(
            session=session,
            target=self.target,
            event_type="FREQUENCY",
            raw_value=1,
            recorded_by=self.staff[Role.RBT],
            **self.own,
        )
        return session

    def _complete(self, session: Session, *, cosigned: bool = False) -> SessionNote:
        assert session.service_date is not None
        session.end_time = session.start_time + timedelta(hours=2)
        session.duration_minutes = 120
        session.billed_units = 8
        session.rounding_rule = "AMA_MIDPOINT"
        session.status = "COMPLETED"
        session.save()
        Appointment.objects.filter(id=session.appointment_id).update(status="COMPLETED")
        functions.settle_session_units(session_id=session.id, units=8)
        note = SessionNote(
            session=session,
            participants="Client and technician",
            narrative="Worked on asking for help.",
            response="Asked for help four times.",
            plan="Go on.",
            status="LOCKED" if cosigned else "SIGNED",
            **self.own,
        )
        note.content_sha256 = digest = content_sha256(note)
        note.save()
        signers = {"RENDERING": Role.RBT} | ({"SUPERVISING": Role.BCBA} if cosigned else {})
        for signer_role, role in signers.items():
            NoteSignature.objects.create(
                note=note, staff_member=self.staff[role], signer_role=signer_role, content_sha256=digest, **self.own
            )
        return note

    def _claim(self, session: Session, payer: Payer) -> tuple[Claim, ClaimDocument]:
        claim = Claim.objects.create(
            session=session,
            authorization=self.authorization,
            patient=session.patient,
            service_date=session.service_date,
            payer_id=payer.payer_id,
            claim_number=f"C{self.slug.upper()[:4]}1",
            edi_payload={},
            status="DRAFT",
            billed_amount=Decimal("148.00"),
            **self.own,
        )
        content = f"ISA*{self.slug}~".encode()
        document = ClaimDocument.objects.create(
            claim=claim,
            interchange_control_number=functions.next_interchange_control_number(),
            content=content,
            content_sha256=hashlib.sha256(content).hexdigest(),
            **self.own,
        )
        return claim, document


def begin_web_session(user: User, organization: Organization | None = None) -> str:
    """The cookie's value of a new web session, as signing in makes it; without the cost of a password."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "clinic.sign_in.EmailBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store[ORGANIZATION_KEY] = str(organization.pk if organization else user.organization_id)
    with shared():
        store.create()
    assert store.session_key
    return store.session_key


def sign_in(client: Client, user: User, organization: Organization | None = None) -> Client:
    """Signs a test client in; for a super admin `organization` is the one they have entered."""
    client.cookies[settings.SESSION_COOKIE_NAME] = begin_web_session(user, organization)
    return client


def client_for(role: Role | str, clinic: Clinic) -> Client:
    """A new test client, signed in as a clinic's person with that role."""
    return sign_in(Client(), clinic.users[Role(role)])
