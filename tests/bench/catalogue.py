"""The main pages, who opens them, and the clinics in which they are opened."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from tests.bench.database import Database
from tests.bench.driver import Worker
from tests.bench.worker import Request

LIST_BUDGET, BUDGET = 10, 15  # statements, BEGIN and COMMIT included


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its URL's name; `arguments` are pairs of an argument's name and the kind of object it takes."""

    title: str
    role: str
    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    data: tuple[tuple[str, str], ...] = ()
    htmx: bool = False
    budget: int = BUDGET


PATIENT = (("patient_id", "patient"),)
APPOINTMENT = (("appointment_id", "appointment"),)
SESSION = (("session_id", "session"),)
RUNNING = (("session_id", "running_session"),)
CLAIM = (("claim_id", "claim"),)

CLIENT_LIST = Page("Client list", "FRONT_DESK", "client_list", budget=LIST_BUDGET)
CLIENT_SEARCH = Page("Client search", "FRONT_DESK", "client_search", method="POST", data=(("q", "ma"),), htmx=True)
CLIENT_PAGE = Page("Client page", "FRONT_DESK", "client_detail", PATIENT, budget=LIST_BUDGET)

PAGES = (
    Page("Start, front desk", "FRONT_DESK", "start"),
    CLIENT_LIST,
    CLIENT_SEARCH,
    CLIENT_PAGE,
    Page("New client", "FRONT_DESK", "client_new"),
    Page("Edit client", "FRONT_DESK", "client_edit", PATIENT),
    Page("New insurance", "FRONT_DESK", "insurance_new", PATIENT),
    Page("New authorization", "FRONT_DESK", "authorization_new", PATIENT),
    Page("Schedule", "FRONT_DESK", "schedule"),
    Page("New appointment", "FRONT_DESK", "appointment_new", PATIENT),
    Page("Appointment", "FRONT_DESK", "appointment_detail", APPOINTMENT),
    Page("Start, technician", "RBT", "start"),
    Page("My day", "RBT", "my_day"),
    Page("Session capture", "RBT", "session_capture", RUNNING),
    Page("Session note", "RBT", "session_note", SESSION),
    Page("Start, analyst", "BCBA", "start"),
    Page("Review", "BCBA", "review"),
    Page("Session review", "BCBA", "session_review", SESSION),
    Page("Caseload", "BCBA", "caseload"),
    Page("Programs", "BCBA", "program_list", PATIENT),
    Page("New target", "BCBA", "target_new", PATIENT),
    Page("Start, biller", "BILLER", "start"),
    Page("Billing worklist", "BILLER", "billing_worklist"),
    Page("Claims", "BILLER", "claim_list"),
    Page("Claim", "BILLER", "claim_detail", CLAIM),
    Page("Start, administrator", "ADMIN", "start"),
)


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic of the scaled database: a user of each role, an id of each kind of object."""

    title: str
    organization_id: str
    users: dict[str, str]
    objects: dict[str, str]
    cookies: dict[tuple[int, str], str] = field(default_factory=dict)

    def request(self, worker: Worker, page: Page) -> Request | None:
        """The request for a page of this clinic, signed in; None when its address or its object is not there."""
        if any(kind not in self.objects for _, kind in page.arguments):
            return None
        path = worker.reverse(page.name, **{argument: self.objects[kind] for argument, kind in page.arguments})
        if path is None:
            return None
        return Request(path, self.cookie(worker, page.role), page.method, dict(page.data), page.htmx)

    def cookie(self, worker: Worker, role: str = "FRONT_DESK") -> str:
        key = (id(worker), role)
        if key not in self.cookies:
            self.cookies[key] = worker.sign_in(self.users[role], self.organization_id)
        return self.cookies[key]


@dataclass(frozen=True, slots=True)
class Clinics:
    """Largest, median and smallest of the demo's; `with_clients` are those of `Size.client_counts`, by their number."""

    largest: Clinic
    median: Clinic
    smallest: Clinic
    with_clients: dict[int, Clinic]


def clinics(database: Database) -> Clinics:
    """The demo's clinics come largest first."""
    found: dict[str, dict[str, str]] = {}
    objects: dict[str, dict[str, str]] = {}
    for entry in database.sign_ins:
        if entry["objects"]:
            organization = entry["ids"]["organization"]
            found.setdefault(organization, {})[entry["role"]] = entry["ids"]["user"]
            objects[organization] = entry["objects"]
    ids = list(found)
    with psycopg.connect(database.superuser_url) as connection:
        largest, median, smallest = (
            Clinic(title, id_, found[id_], objects[id_] | _more_objects(connection, id_, objects[id_]))
            for title, id_ in (("largest", ids[0]), ("median", ids[len(ids) // 2]), ("smallest", ids[-1]))
        )
        with_clients = {count: _with_clients(connection, count) for count in database.size.client_counts}
    return Clinics(largest, median, smallest, with_clients)


def _with_clients(connection: psycopg.Connection, count: int) -> Clinic:
    organization_id = f"00000000-0000-4000-8000-{count:012}"
    user = _first(connection, "SELECT id FROM users WHERE organization_id = %s", organization_id)
    patient = _first(connection, "SELECT id FROM patients WHERE organization_id = %s LIMIT 1", organization_id)
    return Clinic(f"{count:,} clients", organization_id, {"FRONT_DESK": user}, {"patient": patient})


def _more_objects(connection: psycopg.Connection, organization_id: str, objects: dict[str, str]) -> dict[str, str]:
    """What the demo does not name: a session that runs now, rendered by its technician, and any claim."""
    running = _first(
        connection,
        "SELECT s.id FROM sessions s WHERE s.organization_id = %s AND s.provider_id = %s AND s.status = 'IN_PROGRESS'"
        " ORDER BY s.start_time DESC LIMIT 1",
        organization_id,
        objects["staff_member"],
    )
    claim = objects.get("claim") or _first(
        connection, "SELECT id FROM claims WHERE organization_id = %s ORDER BY created_at, id LIMIT 1", organization_id
    )
    return {kind: id_ for kind, id_ in (("running_session", running), ("claim", claim)) if id_}


def _first(connection: psycopg.Connection, query: str, *parameters: str) -> str:
    row = connection.execute(query, parameters).fetchone()
    return str(row[0]) if row else ""
