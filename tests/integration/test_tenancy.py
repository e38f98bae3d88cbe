"""The tenant context: set once, transaction-local, and around the whole of a request."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import IntegrityError, ProgrammingError, connection, connections, models, transaction
from django.test import Client

from clinic.models import Organization, Patient, User
from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.tenancy import context
from omnirapeutic.tenancy.context import NoTenant, Tenant, TenantSwitch, replica, shared, tenant
from omnirapeutic.tenancy.web_session import SessionStore, end_web_sessions_of
from omnirapeutic.web.permissions import Role
from scheduling.models import Appointment
from tests.integration.test_models_match_catalogue import our_models
from tests.support.clinics import Clinic

VARIABLES = "SELECT current_setting('app.current_org_id', true), current_setting('app.current_user_id', true)"


def variables() -> tuple[str, str]:
    """What the database says of the context. '' and NULL both mean none."""
    with shared(), connection.cursor() as cursor:
        cursor.execute(VARIABLES)
        organization, user = cursor.fetchone()
    return organization or "", user or ""


def change_and_fail() -> None:
    assert Patient.objects.all().update(first_name="Changed") == 2
    raise ZeroDivisionError


# --- without a context -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model.__name__)
def test_a_query_without_a_context_raises(model: type[models.Model], db: None) -> None:
    with pytest.raises(NoTenant):
        model._default_manager.exists()


def test_a_write_and_plain_sql_raise_too(clinic_a: Clinic) -> None:
    with pytest.raises(NoTenant):
        clinic_a.client.save()
    with pytest.raises(NoTenant), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(NoTenant), connection.cursor() as cursor:
        cursor.executemany("SELECT %s", [[1]])
    with pytest.raises(NoTenant):
        audit.record(action="READ", resource_type="patient")


def test_a_new_connection_is_guarded_from_its_first_query(clinic_a: Clinic) -> None:
    connection.close()
    with pytest.raises(NoTenant):
        Patient.objects.count()


def test_shared_lets_queries_through_but_not_through_the_wall(clinic_a: Clinic) -> None:
    with shared():
        assert Patient.objects.count() == 0
        assert Organization.objects.count() == 0
        assert clinic_a.organization.id in functions.worker_organizations()
    with pytest.raises(NoTenant):
        Patient.objects.count()


def test_the_owner_is_as_blind(clinic_a: Clinic) -> None:
    """FORCE: a data migration that forgets the context changes nothing, rather than everything."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM patients")
        assert cursor.fetchone() == (0,)


# --- with one --------------------------------------------------------------------------------------------------------


def test_the_context_is_what_the_transaction_says(clinic_a: Clinic) -> None:
    user = clinic_a.users[Role.BCBA]
    with tenant(clinic_a.organization.id, user.id, email=user.email):
        assert variables() == (str(clinic_a.organization.id), str(user.id))
        assert context.required() == Tenant(clinic_a.organization.id, user.id, user.email)
        assert connection.in_atomic_block
    assert context.current() is None


def test_the_next_transaction_of_the_connection_has_none(clinic_a: Clinic) -> None:
    with clinic_a.work_as(Role.RBT), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        before = cursor.fetchone()
    assert variables() == ("", "")
    with shared(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), (SELECT count(*) FROM patients)")
        assert cursor.fetchone() == (before[0], 0)


def test_a_failed_block_leaves_neither_context_nor_rows(clinic_a: Clinic) -> None:
    with pytest.raises(ZeroDivisionError), clinic_a.work_as():
        change_and_fail()
    assert context.current() is None
    assert variables() == ("", "")
    with clinic_a.work_as():
        assert not Patient.objects.filter(first_name="Changed").exists()


def test_a_context_outside_a_transaction_is_refused(clinic_a: Clinic) -> None:
    """There, a transaction-local setting is a silent no-op."""
    with pytest.raises(NoTenant, match="open transaction"):
        context.activate(Tenant(clinic_a.organization.id))
    assert context.current() is None


def test_the_same_organisation_nests_by_savepoint(clinic_a: Clinic) -> None:
    with clinic_a.work_as():
        with pytest.raises(ZeroDivisionError), tenant(clinic_a.organization.id):
            change_and_fail()
        assert Patient.objects.filter(first_name="Changed").count() == 0
        assert Patient.objects.count() == 2


def test_another_organisation_in_the_same_transaction_is_refused(clinic_a: Clinic, clinic_b: Clinic) -> None:
    with clinic_a.work_as():
        with pytest.raises(TenantSwitch), clinic_b.work_as():
            pytest.fail("entered")
        with pytest.raises(TenantSwitch):
            context.activate(Tenant(clinic_b.organization.id))
        with pytest.raises(TenantSwitch):
            context.adopt(Tenant(clinic_b.organization.id))
        assert variables()[0] == str(clinic_a.organization.id)
        assert {patient.organization_id for patient in Patient.objects.all()} == {clinic_a.organization.id}


def test_two_organisations_one_after_the_other(clinic_a: Clinic, clinic_b: Clinic) -> None:
    for clinic in (clinic_a, clinic_b, clinic_a):
        with clinic.work_as():
            assert set(Patient.objects.values_list("organization_id", flat=True)) == {clinic.organization.id}


@pytest.mark.parametrize(
    "model",
    [model for model in our_models() if model.__name__ not in {"ServiceCode", "WebSession", "FormToken"}],
    ids=lambda model: model.__name__,
)
def test_other_organisations_rows_do_not_exist(model: type[models.Model], clinic_a: Clinic, clinic_b: Clinic) -> None:
    with clinic_b.work_as():
        audit.record(action="READ", resource_type="patient")
        theirs = list(model._default_manager.values_list("pk", flat=True))
    with clinic_a.work_as():
        audit.record(action="READ", resource_type="patient")
        ours = list(model._default_manager.values_list("pk", flat=True))
        assert not model._default_manager.filter(pk__in=theirs).exists()
    assert ours, "the clinic has none, so this shows nothing"
    assert theirs
    assert not set(ours) & set(theirs)


def test_a_row_of_another_organisation_cannot_be_written(clinic_a: Clinic, clinic_b: Clinic) -> None:
    with clinic_a.work_as():
        assert Patient.objects.filter(id=clinic_b.client.id).update(first_name="Changed") == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Patient.objects.create(
                organization_id=clinic_b.organization.id,
                first_name="A",
                last_name="B",
                date_of_birth="2018-01-01",
                state="NY",
            )
    with clinic_b.work_as():
        assert Patient.objects.filter(first_name="Changed").count() == 0


# --- threads, commands, callbacks, the reader ------------------------------------------------------------------------


def in_thread(work: Callable[[], Any]) -> Any:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return outcome[0]


def test_a_thread_has_no_context_and_enters_its_own(clinic_a: Clinic, clinic_b: Clinic) -> None:
    def enter() -> set[Any]:
        with clinic_b.work_as():
            return set(Patient.objects.values_list("organization_id", flat=True))

    with clinic_a.work_as():
        assert isinstance(in_thread(Patient.objects.count), NoTenant)
        assert in_thread(enter) == {clinic_b.organization.id}
        assert set(Patient.objects.values_list("organization_id", flat=True)) == {clinic_a.organization.id}


def test_a_command_fails_closed_and_works_with_a_context(clinic_a: Clinic) -> None:
    class Count(BaseCommand):
        requires_system_checks: list[str] = []

        def add_arguments(self, parser: Any) -> None:
            parser.add_argument("organization", nargs="?", type=uuid.UUID)

        def handle(self, *args: Any, **options: Any) -> str:
            if options["organization"] is None:
                return str(Patient.objects.count())
            with tenant(options["organization"]):
                return str(Patient.objects.count())

    with pytest.raises(NoTenant):
        call_command(Count())
    assert call_command(Count(), str(clinic_a.organization.id)) == "2"


def test_what_runs_after_the_commit_has_no_context(clinic_a: Clinic) -> None:
    seen: list[Any] = []

    def after() -> None:
        seen.append(variables())
        try:
            Patient.objects.count()
        except NoTenant as error:
            seen.append(error)
        with clinic_a.work_as():
            seen.append(Patient.objects.count())

    with clinic_a.work_as():
        transaction.on_commit(after)
        assert seen == []
    assert seen[0] == ("", "")
    assert isinstance(seen[1], NoTenant), "the callback still had the context of the transaction that is over"
    assert seen[2] == 2


@pytest.fixture
def reader(db: None) -> Iterator[None]:
    """The alias `replica`, here on the same database."""
    settings.DATABASES["replica"] = {**connections.databases["default"]}
    yield
    connections["replica"].close()
    del connections["replica"]
    del settings.DATABASES["replica"]


def test_the_reader_gets_the_same_context(clinic_a: Clinic, clinic_b: Clinic, reader: None) -> None:
    with clinic_a.work_as(), replica() as alias:
        assert alias == "replica"
        patients = Patient.objects.using(alias)
        assert set(patients.values_list("organization_id", flat=True)) == {clinic_a.organization.id}
    with shared(), connections["replica"].cursor() as cursor:
        cursor.execute(VARIABLES)
        assert [value or "" for value in cursor.fetchone()] == ["", ""]


def test_the_reader_is_guarded(clinic_a: Clinic, reader: None) -> None:
    with pytest.raises(NoTenant):
        Patient.objects.using("replica").count()
    with pytest.raises(NoTenant), replica():
        pytest.fail("entered")


def test_without_a_reader_the_first_database_answers(clinic_a: Clinic) -> None:
    with clinic_a.work_as(), replica() as alias:
        assert alias == "default"
        assert Patient.objects.using(alias).count() == 2
    with pytest.raises(NoTenant), replica():
        pytest.fail("entered")


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.fixture
def edges(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.support.tenancy_urls"


@pytest.fixture
def client(clinic_a: Clinic, client_for: Callable[..., Client], edges: None) -> Client:
    signed_in = client_for(Role.FRONT_DESK, clinic_a)
    signed_in.raise_request_exception = False
    return signed_in


def names(clinic: Clinic) -> set[str]:
    with clinic.work_as():
        return set(Patient.objects.values_list("last_name", flat=True))


def audited(clinic: Clinic) -> list[tuple[str, str]]:
    with clinic.work_as():
        rows = apps.get_model("audit", "AuditLog").objects.order_by("timestamp")
        return list(rows.values_list("action", "resource_type"))


def test_a_response_is_rendered_inside(client: Client, clinic_a: Clinic, clinic_b: Clinic) -> None:
    page = client.get("/lazy/").content.decode()
    assert set(page.split()) == names(clinic_a)
    assert not set(page.split()) & names(clinic_b)


def test_the_context_ends_with_the_request(client: Client) -> None:
    client.get("/lazy/")
    assert context.current() is None
    assert variables() == ("", "")


def test_what_a_request_leaves_for_after_the_commit_has_no_context(client: Client) -> None:
    """It must enter its own; to see nothing without a word would be worse than an error."""
    client.raise_request_exception = True
    with pytest.raises(NoTenant):
        client.post("/after-the-commit/")


def test_two_clinics_on_one_connection(client: Client, clinic_b: Clinic, client_for: Callable[..., Client]) -> None:
    other = client_for(Role.FRONT_DESK, clinic_b)
    for _ in range(3):
        assert "Aspen" in client.get("/lazy/").content.decode()
        assert "Birch" in other.get("/lazy/").content.decode()
        assert Client().get("/lazy/").status_code == 302


@pytest.mark.parametrize("status", [200, 303, 422])
def test_an_answered_write_is_committed(status: int, client: Client, clinic_a: Clinic) -> None:
    assert client.post(f"/write/{status}/", {"name": "Kept"}).status_code == status
    assert "Kept" in names(clinic_a)
    assert audited(clinic_a) == []


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_refused_write_leaves_its_audit_row_only(status: int, client: Client, clinic_a: Clinic) -> None:
    assert client.post(f"/write/{status}/", {"name": "Lost"}).status_code == status
    assert "Lost" not in names(clinic_a)
    assert audited(clinic_a) == [("ACCESS_REFUSED", "write")]


@pytest.mark.parametrize("path", ["/write/500/", "/write/503/", "/lazy-failure/"])
def test_a_failed_write_is_rolled_back_and_audited(path: str, client: Client, clinic_a: Clinic) -> None:
    assert client.post(path, {"name": "Lost"}).status_code >= 500
    assert "Lost" not in names(clinic_a)
    assert [action for action, _ in audited(clinic_a)] == ["REQUEST_FAILED"]


def test_what_fails_at_the_commit_is_rolled_back_and_audited(client: Client, clinic_a: Clinic) -> None:
    assert client.post("/unreserved/").status_code == 500
    with clinic_a.work_as():
        assert not Appointment.objects.filter(notes="never reserved").exists()
    assert audited(clinic_a) == [("REQUEST_FAILED", "unreserved")]
    assert client.get("/whoami/").status_code == 200


def test_what_fails_at_the_commit_is_raised_on(client: Client) -> None:
    client.raise_request_exception = True
    with pytest.raises(IntegrityError, match="unit ledger disagree"):
        client.post("/unreserved/")
    assert context.current() is None


def test_a_failure_shows_no_more_than_an_incident(client: Client) -> None:
    page = client.post("/write/500/", {"name": "Secret-Name"}).content.decode()
    assert "mistake" not in page
    assert "Secret-Name" not in page
    assert "Traceback" not in page


def test_a_lazy_stream_is_refused(client: Client) -> None:
    client.raise_request_exception = True
    with pytest.raises(RuntimeError, match="streamed lazily"):
        client.get("/stream/")
    assert context.current() is None


def test_a_request_cannot_change_sides(client: Client, clinic_b: Clinic) -> None:
    client.raise_request_exception = True
    with pytest.raises(TenantSwitch):
        client.get(f"/switch/{clinic_b.organization.id}/")


def test_a_view_without_policy_or_context_shows_nothing(client: Client) -> None:
    stranger = Client()
    with pytest.raises(NoTenant):
        stranger.get("/forgotten/")
    assert client.get("/forgotten/").content == b"2"


# --- who a web session is --------------------------------------------------------------------------------------------


def test_a_person_switched_off_is_signed_out_at_once(client: Client, clinic_a: Clinic) -> None:
    user = clinic_a.users[Role.FRONT_DESK]
    assert client.get("/whoami/").content == str(user.id).encode()
    with clinic_a.work_as():
        User.objects.filter(id=user.id).update(is_active=False)
    assert client.get("/whoami/").status_code == 302


def test_an_organisation_switched_off_signs_everybody_out(client: Client, clinic_a: Clinic) -> None:
    with clinic_a.work_as():
        Organization.objects.update(is_active=False)
    assert client.get("/whoami/").status_code == 302


def test_ended_sessions_are_gone(client: Client, clinic_a: Clinic, client_for: Callable[..., Client]) -> None:
    second = client_for(Role.FRONT_DESK, clinic_a)
    colleague = client_for(Role.RBT, clinic_a)
    with shared():
        assert end_web_sessions_of(clinic_a.users[Role.FRONT_DESK].id) == 2
    assert client.get("/whoami/").status_code == 302
    assert second.get("/whoami/").status_code == 302
    assert colleague.get("/whoami/").status_code == 200


def test_an_expired_session_is_nobody(client: Client, superuser_url: str) -> None:
    with psycopg.connect(superuser_url) as database:
        database.execute("UPDATE web_sessions SET expire_date = now() - interval '1 second'")
    assert client.get("/whoami/").status_code == 302


def test_a_web_session_ends_when_it_was_to_end_however_often_it_is_saved(client: Client, superuser_url: str) -> None:
    with psycopg.connect(superuser_url, autocommit=True) as database:
        ends = database.execute(
            "UPDATE web_sessions SET expire_date = now() + interval '1 hour' RETURNING expire_date"
        ).fetchone()
        for _ in range(2):
            saved = client.get("/remember/")
        assert saved.status_code == 200
        row = database.execute("SELECT expire_date FROM web_sessions").fetchone()
    assert row == ends
    assert 3500 < saved.cookies[settings.SESSION_COOKIE_NAME]["max-age"] <= 3600


def test_a_new_key_begins_a_new_web_session(client: Client, superuser_url: str) -> None:
    """As signing in does: its 12 hours begin then."""
    with psycopg.connect(superuser_url, autocommit=True) as database:
        database.execute("UPDATE web_sessions SET expire_date = now() + interval '1 hour'")
        with shared():
            store = SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)
            store.load()
            store.cycle_key()
        row = database.execute("SELECT extract(epoch FROM expire_date - now())::integer FROM web_sessions").fetchone()
    assert row
    assert 12 * 3600 - 60 < row[0] <= 12 * 3600
    assert 12 * 3600 - 60 < store.get_expiry_age() <= 12 * 3600


def test_reading_the_table_signs_nobody_in(client: Client, superuser_url: str) -> None:
    with psycopg.connect(superuser_url) as database:
        row = database.execute("SELECT session_key_sha256 FROM web_sessions").fetchone()
    assert row
    forged = Client()
    forged.cookies[settings.SESSION_COOKIE_NAME] = row[0]
    assert forged.get("/whoami/").status_code == 302
    assert client.get("/whoami/").status_code == 200


def test_a_session_acts_elsewhere_for_a_super_admin_only(
    clinic_a: Clinic, clinic_b: Clinic, sign_in: Callable[..., Client], edges: None
) -> None:
    """The row in web_sessions says where; the database does not believe it of anybody else."""
    entered = sign_in(Client(), clinic_a.users[Role.SUPER_ADMIN], clinic_b.organization)
    assert "Birch" in entered.get("/lazy/").content.decode()
    for role in set(Role) - {Role.SUPER_ADMIN}:
        assert sign_in(Client(), clinic_a.users[role], clinic_b.organization).get("/whoami/").status_code == 302
