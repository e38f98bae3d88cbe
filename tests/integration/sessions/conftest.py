"""A case to work on, and how the tests act in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from clinic.models import Authorization, User
from omnirapeutic.tenancy.context import tenant
from tests.factories.sessions import Case, build_case
from tests.support.clinics import Clinic


@pytest.fixture
def case(clinic_a: Clinic) -> Case:
    return build_case(clinic_a)


@pytest.fixture
def acting(case: Case) -> Callable[[User], Any]:
    """`with acting(user): ...` is one committed transaction of that person."""
    return lambda user: tenant(case.organization_id, user.id, email=user.email)


@pytest.fixture
def at_once(case: Case) -> Iterator[Callable[..., list[Any]]]:
    """Calls functions in threads at the same moment, each in a transaction of its own, as the technician."""

    def in_own_transaction(work: Callable[[], Any]) -> Any:
        try:
            with tenant(case.organization_id, case.rbt.id, email=case.rbt.email):
                return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        yield lambda *works: [done.result() for done in [pool.submit(in_own_transaction, work) for work in works]]


@pytest.fixture
def statements() -> Callable[[Callable[[], Any]], list[str]]:
    """The SQL statements that a call runs, those that only open and close a savepoint left out."""

    def collect(work: Callable[[], Any]) -> list[str]:
        seen: list[str] = []

        def wrapper(execute: Any, sql: str, *args: Any) -> Any:
            if "SAVEPOINT" not in sql:
                seen.append(sql)
            return execute(sql, *args)

        with connection.execute_wrapper(wrapper):
            work()
        return seen

    return collect


@pytest.fixture
def balance(case: Case) -> Callable[[], tuple[int, int]]:
    """What the authorization holds: units reserved, units delivered."""

    def read() -> tuple[int, int]:
        with tenant(case.organization_id, case.rbt.id):
            line = Authorization.objects.get(id=case.authorization.id)
            return line.reserved_units, line.delivered_units

    return read
