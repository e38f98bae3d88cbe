"""Behind PgBouncer in transaction mode the people of two clinics, and strangers, share four connections.

Whatever fails in between, nobody sees anything of a clinic that is not theirs. The controls set the context for the
session instead of the transaction, and the same requests then do.
"""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from omnirapeutic.web.permissions import Role
from tests.support.bookings import CONTEXT
from tests.support.clinics import Clinic, begin_web_session
from tests.support.faulty_urls import FAILURES
from tests.support.live import gunicorn
from tests.support.pooler import pgbouncer

REQUESTS = 10_000
TRANSACTIONS = 10_000
CLIENTS = 8
POOL_SIZE = 4
NAMES = "SELECT pg_backend_pid(), last_name FROM (SELECT) one LEFT JOIN patients ON true"
MARKERS = {"Aspen", "Birch"}  # in the names of all the clinics' people and clients

pytestmark = [pytest.mark.pgbouncer, pytest.mark.concurrency]


# --- the application -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_pool", "requests"),
    [("false", REQUESTS // 5), ("true", REQUESTS * 4 // 5)],
    ids=["connection-per-request", "pool-before-the-pool"],
)
def test_requests_of_two_clinics_and_of_strangers_never_mix(
    app_url: str, clinic_a: Clinic, clinic_b: Clinic, tmp_path: Path, own_pool: str, requests: int
) -> None:
    """10,000 requests in all. Most go by the pool: signing in to PgBouncer for each costs more than the page."""
    with pgbouncer(app_url, pool_size=POOL_SIZE) as pooled_url, served(pooled_url, tmp_path, own_pool) as url:
        outcomes, wrong = ask(url, people(clinic_a, clinic_b), requests)
        servers = connections_behind(pooled_url)

    assert not wrong, f"{len(wrong)} wrong answers: {wrong[:5]}"
    assert outcomes.total() == requests
    assert min(outcomes[200], outcomes[302], outcomes[404], outcomes[500]) > requests / 25
    assert 0 < servers <= POOL_SIZE


def test_control_a_context_set_for_the_session_reaches_strangers(
    app_url: str, superuser_url: str, clinic_a: Clinic, clinic_b: Clinic, tmp_path: Path
) -> None:
    with (
        context_for_the_session(superuser_url),
        pgbouncer(app_url, pool_size=POOL_SIZE) as pooled_url,
        served(pooled_url, tmp_path) as url,
    ):
        _, wrong = ask(url, people(clinic_a, clinic_b), 240)

    assert any("stranger" in answer and "shows" in answer for answer in wrong), wrong


@dataclass(frozen=True)
class Person:
    """Somebody with a browser: the addresses they ask for and how each is answered, and what their own pages show."""

    name: str
    cookie: str | None
    marker: str | None
    pages: dict[str, int]
    failing: dict[str, int] = field(default_factory=dict)


def people(*clinics: Clinic) -> list[Person]:
    """Two people of each clinic, who also try the other clinic's client; strangers without a cookie, with a guess."""
    pages = {"/clients/": 302, f"/clients/{clinics[0].client.id}/": 302, "/fail/raise/": 302, "/pry/": 200}
    found = [
        Person("a stranger", None, None, pages),
        Person("a stranger with a guess", "0123456789abcdef" * 2, None, pages),
    ]
    failing = dict.fromkeys((f"/fail/{how}/" for how in FAILURES), 500)
    for own, other in (clinics, reversed(clinics)):
        pages = {"/clients/": 200, f"/clients/{own.client.id}/": 200, f"/clients/{other.client.id}/": 404, "/pry/": 200}
        marker = own.organization.name.split()[0]
        for user in (own.users[Role.FRONT_DESK], own.users[Role.ADMIN]):
            found.append(Person(user.full_name, begin_web_session(user), marker, pages, failing))
    return found


@contextmanager
def served(database_url: str, folder: Path, own_pool: str = "false") -> Iterator[str]:
    environment = {"DJANGO_SETTINGS_MODULE": "tests.support.live_settings", "FAULTY_URLS": "true"}
    with gunicorn(database_url, folder, DATABASE_POOL=own_pool, WEB_CONCURRENCY="2", **environment) as url:
        yield url


def ask(url: str, everybody: list[Person], requests: int) -> tuple[Counter[int], list[str]]:
    """Requests of everybody, in random order, by clients who each reuse one connection: statuses, and wrong answers."""

    def ask_in_turn(seed: int) -> tuple[Counter[int], list[str]]:
        dice = random.Random(seed)
        outcomes: Counter[int] = Counter()
        wrong: list[str] = []
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        for _ in range(requests // CLIENTS):
            person = dice.choice(everybody)
            paths = person.failing if person.failing and dice.random() < 0.1 else person.pages
            path = dice.choice([*paths])
            headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={person.cookie}"} if person.cookie else {}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read().decode()
            outcomes[response.status] += 1
            found = faults(person, paths[path], response.status, body)
            wrong += [f"{person.name} at {path}: {fault}" for fault in found]
        connection.close()
        return outcomes, wrong

    with ThreadPoolExecutor(CLIENTS) as threads:
        results = list(threads.map(ask_in_turn, range(CLIENTS)))
    return sum((outcomes for outcomes, _ in results), Counter()), [fault for _, wrong in results for fault in wrong]


def faults(person: Person, expected: int, status: int, body: str) -> Iterator[str]:
    if status != expected:
        yield f"answered {status}"
    for marker in MARKERS - {person.marker}:
        if marker in body:
            yield f"shows {marker}"
    if status == 200 and person.marker and person.marker not in body:
        yield "does not show the own clinic"


@contextmanager
def context_for_the_session(superuser_url: str) -> Iterator[None]:
    """The database's function that resumes a web session, with its settings outliving the transaction."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_get_functiondef('app.resume_web_session(text)'::regprocedure)").fetchone()
        assert row
        assert row[0].count("''), true)") == 2
        connection.execute(row[0].replace("''), true)", "''), false)"))
        try:
            yield
        finally:
            connection.execute(row[0])


def connections_behind(pooled_url: str) -> int:
    """How many connections to the server PgBouncer holds."""
    console = urlsplit(pooled_url)._replace(path="/pgbouncer").geturl()
    with psycopg.connect(console, autocommit=True) as connection:
        return len(connection.execute("SHOW SERVERS").fetchall())


# --- the database alone ----------------------------------------------------------------------------------------------


def test_transactions_of_two_clinics_and_of_nobody_never_mix(app_url: str, clinic_a: Clinic, clinic_b: Clinic) -> None:
    with pgbouncer(app_url, pool_size=POOL_SIZE) as pooled_url:
        seen = run_transactions(pooled_url, [clinic_a, clinic_b, None], TRANSACTIONS, CONTEXT)
        servers = connections_behind(pooled_url)

    assert seen.wrong == []
    assert seen.transactions == TRANSACTIONS
    assert 0 < servers <= POOL_SIZE
    # They were shared. Whoever leaves in a transaction takes the connection along, so there are more in all.
    served_everybody = [names for names in seen.served.values() if len(names) == 3]
    assert len(served_everybody) > len(seen.served) / 2


def test_control_a_setting_of_the_session_is_seen_by_the_next(app_url: str, clinic_a: Clinic, clinic_b: Clinic) -> None:
    with pgbouncer(app_url, pool_size=POOL_SIZE) as pooled_url:
        for_the_session = CONTEXT.replace("true)", "false)")
        seen = run_transactions(pooled_url, [clinic_a, clinic_b, None], 800, for_the_session)

    assert any(fault.startswith("nobody sees") for fault in seen.wrong)


@dataclass
class Seen:
    transactions: int = 0
    wrong: list[str] = field(default_factory=list)
    served: dict[int, set[str]] = field(default_factory=dict)


def run_transactions(url: str, tenants: list[Clinic | None], transactions: int, context: str) -> Seen:
    """Transactions that are committed, rolled back, fail, or are left open by closing the connection."""
    seen = Seen()

    def run_in_turn(seed: int) -> None:
        dice = random.Random(seed)
        connection = connect(url)
        for _ in range(transactions // CLIENTS):
            tenant = dice.choice(tenants)
            connection.execute("BEGIN")
            if tenant:
                connection.execute(context, [str(tenant.organization.id)])
            look(seen, tenant, connection.execute(NAMES).fetchall())
            (end,) = dice.choices(["COMMIT", "ROLLBACK", "SELECT 1 / 0", "leave"], [60, 20, 19, 1])
            if end == "leave":
                connection.close()
                connection = connect(url)
                continue
            try:
                connection.execute(end)
            except psycopg.errors.DivisionByZero:
                connection.execute("ROLLBACK")
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(run_in_turn, range(CLIENTS)))
    return seen


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)


def look(seen: Seen, tenant: Clinic | None, rows: list[tuple[int, str | None]]) -> None:
    names = {last_name for _, last_name in rows if last_name}
    expected = {tenant.client.last_name, tenant.other_client.last_name} if tenant else set()
    who = tenant.organization.name if tenant else "nobody"
    seen.transactions += 1
    seen.served.setdefault(rows[0][0], set()).add(who)
    if names != expected:
        seen.wrong.append(f"{who} sees {sorted(names)}")
