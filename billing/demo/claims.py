"""Some claims, made as a biller makes them: by the application's own service."""

from uuid import UUID

from billing import selectors
from billing.demo.clinic import Clinic
from billing.readiness import READY, unbilled_sessions
from billing.services import create_claim
from clinic.models import User
from omnirapeutic.tenancy.context import tenant
from omnirapeutic.web.permissions import Role
from sessions.models import Session

CLINICS = 2  # only the first: checking one claim takes the gate some 0.3 s
CLAIMS = 2
CANDIDATES = 20


def add_claims(clinic: Clinic) -> None:
    """Bills the clinic's oldest sessions that are ready, but not those of the client whose ids are handed out.

    Seen from a day long past nothing is ready: the payers' time to file is over.
    """
    biller = clinic.staff[Role.BILLER][0]
    with tenant(clinic.id, biller.user_id, email=biller.email):
        actor = User.objects.get(id=biller.user_id)
        for session in _sessions(clinic.objects["patient"]):
            claim = create_claim(session=session, actor=actor)
            clinic.objects["claim"] = claim.id


def _sessions(spared_patient_id: UUID) -> list[Session]:
    oldest = unbilled_sessions().exclude(patient_id=spared_patient_id).order_by("start_time", "id")
    candidates = list(oldest.values_list("id", flat=True)[:CANDIDATES])
    assessed = selectors.clinic().with_state(Session.objects.filter(id__in=candidates))
    first_of_day: dict[object, Session] = {}  # the second of a client, service and day is refused
    for session in assessed.filter(READY).order_by("start_time", "id"):
        first_of_day.setdefault((session.patient_id, session.service_code, session.service_date), session)
    return list(first_of_day.values())[:CLAIMS]
