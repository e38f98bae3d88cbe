"""What every test may ask for. The helpers are in tests/support/.

Database. The suite starts its own PostgreSQL (or uses the superuser's address in TEST_ADMIN_URL), migrates one template
database and clones it for each worker. Tests connect as the application's role, owner of nothing, and commit for real:

- `db` (or `transactional_db`, or `@pytest.mark.django_db`: all the same here): the worker's database, empty but for
  the reference data, and emptied again afterwards. No transaction is open: queries need `with tenant(...)`, as in
  production.
- `clinic_a`, `clinic_b`: two complete clinics (tests.support.clinics.Clinic), committed; both exist when either is
  asked for. `with clinic_a.work_as(Role.RBT): ...` is a transaction in the context of one of its people.
- `sign_in(client, user)` signs a Django test client in, `client_for(role, clinic)` makes a signed-in one. Both real: a
  row in web_sessions and its cookie. Sign-in by form takes `tests.support.clinics.PASSWORD`.
- `admin_url`: the superuser's address, without our tables; `server`: the server, which makes databases:
  `with server.database() as name:` gives a fresh migrated clone, `database_of(server.owner_url, name)` its address.
- `owner_url`, `app_url`, `superuser_url`: addresses of the worker's own database, for psycopg and for processes.

Browser. Marked `browser` and skipped where there is no Chromium (never in CI):

- `live_server_url`: gunicorn in a process of its own on the worker's database, with hashed static files.
- `page`: a page of it; the test fails when the page breaks its Content-Security-Policy, throws, or logs an error.
  `browser_errors` is the list of them: a test that provokes one takes it out.
- `sign_in_page(page, user)`: a signed-in browser; `check_accessibility(page)`: axe finds nothing.
"""

from __future__ import annotations

import copy
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests.support import postgres
from tests.support.cleaning import Cleaner
from tests.support.postgres import Server, database_of

# Playwright keeps an event loop running in the main thread; Django takes that for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


RUN_ID = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Names the run: the same in the controller and in all its workers."""
    name = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    config.stash[RUN_ID] = name
    if getattr(config.option, "testrunuid", name) is None:
        config.option.testrunuid = name
    Path(django_settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise asks that it exists


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller ends last and removes what the run left on a server that was only lent."""
    if os.environ.get("TEST_ADMIN_URL") and not hasattr(config, "workerinput"):
        postgres.stop_given(config.stash[RUN_ID])


# --- the server and the worker's database ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    started = postgres.start(pytestconfig.stash[RUN_ID])
    yield started
    started.close()


@pytest.fixture(scope="session")
def admin_url(server: Server) -> str:
    return server.admin_url


@pytest.fixture(scope="session")
def database_name(server: Server) -> Iterator[str]:
    with server.database(label="worker_") as name:
        yield name


@pytest.fixture(scope="session")
def superuser_url(server: Server, database_name: str) -> str:
    return database_of(server.admin_url, database_name)


@pytest.fixture(scope="session")
def owner_url(server: Server, database_name: str) -> str:
    return database_of(server.owner_url, database_name)


@pytest.fixture(scope="session")
def app_url(server: Server, database_name: str) -> str:
    return database_of(server.app_url, database_name)


@pytest.fixture(scope="session")
def django_db_setup(owner_url: str, app_url: str) -> Iterator[None]:  # type: ignore[override]
    """Points Django's aliases at the worker's database, in this process and in those it starts."""
    point_alias("default", app_url)
    point_alias("owner", owner_url)
    os.environ.update(DATABASE_URL=app_url, DATABASE_OWNER_URL=owner_url)
    yield
    connections.close_all()


def point_alias(alias: str, url: str) -> None:
    import environ

    address = environ.Env.db_url_config(url)
    wanted = {key: address[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    # Kept from test to test: a new connection costs more than most tests.
    connections.databases[alias].update(wanted, CONN_MAX_AGE=None)


@pytest.fixture(scope="session")
def cleaner(superuser_url: str) -> Iterator[Cleaner]:
    made = Cleaner(superuser_url)
    yield made
    made.close()


@pytest.fixture
def _django_db_helper(django_db_setup: None, django_db_blocker: DjangoDbBlocker, cleaner: Cleaner) -> Iterator[None]:
    """Takes the place of pytest-django's: no transaction around the test, real commits, emptied afterwards."""
    with django_db_blocker.unblock():
        yield
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        cleaner.empty()


# --- two clinics and their people ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def clinic_memory() -> dict[str, Any]:
    return {}


@pytest.fixture
def clinics(db: None, cleaner: Cleaner, clinic_memory: dict[str, Any]) -> dict[str, Any]:
    from tests.support.clinics import build_clinic

    if cleaner.has_baseline:
        cleaner.restore_baseline()
    else:
        clinic_memory.update(a=build_clinic("Aspen Behavior Clinic"), b=build_clinic("Birch Therapy Center"))
        cleaner.save_baseline()
    return copy.deepcopy(clinic_memory)


@pytest.fixture
def clinic_a(clinics: dict[str, Any]) -> Any:
    return clinics["a"]


@pytest.fixture
def clinic_b(clinics: dict[str, Any]) -> Any:
    return clinics["b"]


@pytest.fixture
def sign_in(db: None) -> Callable[..., Any]:
    from tests.support import clinics

    return clinics.sign_in


@pytest.fixture
def client_for(db: None) -> Callable[..., Any]:
    from tests.support import clinics

    return clinics.client_for


# --- browser ---------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"browser", "page", "context", "new_context"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def live_server_url(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.support.live import gunicorn

    with gunicorn(app_url, tmp_path_factory.mktemp("live")) as url:
        yield url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    from tests.provision import find_chromium
    from tests.support.browser import launch_arguments

    executable = find_chromium()
    if executable is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("There is no Chromium: python -m tests.provision")
    return {**browser_type_launch_args, **launch_arguments(executable)}


@pytest.fixture(scope="session")
def base_url(live_server_url: str) -> str:
    return live_server_url


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-US", "timezone_id": "America/New_York"}


@pytest.fixture
def browser_errors() -> list[str]:
    return []


@pytest.fixture
def new_context(db: None, new_context: Callable[..., Any], browser_errors: list[str]) -> Iterator[Callable[..., Any]]:
    """Playwright's, with every page of every context watched; the pages end before the database is emptied."""
    from tests.support.browser import watch

    def make(**options: Any) -> Any:
        context = new_context(**options)
        watch(context, browser_errors)
        return context

    yield make
    assert not browser_errors, "\n".join(browser_errors)


@pytest.fixture
def sign_in_page(live_server_url: str) -> Callable[..., Any]:
    from tests.support.clinics import begin_web_session

    def sign_in_page(page: Any, user: Any) -> Any:
        cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": begin_web_session(user), "url": live_server_url}
        page.context.add_cookies([cookie])
        return page

    return sign_in_page


@pytest.fixture
def check_accessibility() -> Callable[[Any], None]:
    from tests.support.browser import accessibility_faults

    def check(page: Any) -> None:
        faults = accessibility_faults(page)
        assert not faults, "\n".join(faults)

    return check
