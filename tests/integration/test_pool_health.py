"""The database server goes and comes back: from then on no request fails, and none waits long.

The controls lack the pool's health checks, or the limit to how long it keeps trying less and less often.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from omnirapeutic.db.devdb import APP, Cluster
from tests.support.live import gunicorn
from tests.support.own_server import own_cluster

SERVERS: dict[str, dict[str, str]] = {
    "ours": {},
    "unchecked": {"WITHOUT_HEALTH_CHECKS": "true"},
    "patient": {"WITHOUT_RECONNECT_TIMEOUT": "true"},
}
# Between its attempts after 15 and after 31 seconds, ± 10 %, a pool that goes on trying tries nothing.
LONG_OUTAGE = 17.0
AT_ONCE = 6.0  # seconds: more than the 2 between the attempts of a pool that gives up after 5

pytestmark = pytest.mark.concurrency


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as started:
        yield started


@pytest.fixture(scope="module")
def urls(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server as it is and one for each control; a pool of one, so that only one series of attempts runs in each."""
    common = {"DJANGO_SETTINGS_MODULE": "tests.support.live_settings", "DATABASE_POOL_MAX": "1"}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                gunicorn(cluster.url(APP), tmp_path_factory.mktemp(name), **common, **environment)
            )
            for name, environment in SERVERS.items()
        }


def test_a_restart_costs_no_request(cluster: Cluster, urls: dict[str, str]) -> None:
    """Nobody asked while it was down: the pools do not know yet."""
    for url in urls.values():
        assert ask_together(url) == [302] * 8

    cluster.stop(force=True)
    cluster.start()

    assert ask_together(urls["ours"]) == [302] * 8
    assert 500 in ask_together(urls["unchecked"])


def test_after_an_outage_the_next_request_is_answered(cluster: Cluster, urls: dict[str, str]) -> None:
    """People kept asking while it was down, and met an error page."""
    outage_over = threading.Event()
    with ThreadPoolExecutor() as threads:
        during = [threads.submit(ask_until, urls[name], outage_over) for name in ("ours", "patient")]
        try:
            cluster.stop(force=True)
            time.sleep(LONG_OUTAGE)
            cluster.start()
        finally:
            outage_over.set()
        first = {name: threads.submit(ask_timed, urls[name]) for name in ("ours", "patient")}

    status, seconds = first["ours"].result()
    assert status == 302
    assert seconds < AT_ONCE
    assert ask_together(urls["ours"]) == [302] * 8
    assert first["patient"].result()[1] > AT_ONCE
    for asked in during:
        assert 500 in asked.result()


def ask_timed(url: str) -> tuple[int, float]:
    began = time.monotonic()
    return ask(url), time.monotonic() - began


def ask_until(url: str, stop: threading.Event) -> list[int]:
    statuses = []
    while not stop.wait(0.2):
        statuses.append(ask(url))
    return statuses


def ask_together(url: str) -> list[int]:
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(ask, [url] * 8))


def ask(url: str) -> int:
    """A page that asks the database who has this cookie: nobody, so it leads to the sign-in."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", "/clients/", headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={'0' * 32}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status
