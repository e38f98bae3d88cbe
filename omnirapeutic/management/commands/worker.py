"""`manage.py worker`: does the background work until it is told to stop.

It asks the same database as the web server, as the same role, but needs a connection of its own kind: waiting for
notifications does not go through PgBouncer in transaction mode. DATABASE_DIRECT_URL names the way around it.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params

SECONDS_TO_FINISH = 25  # after SIGTERM; less than what a container is given
CONNECTIONS = 4


class Command(BaseCommand):
    help = "Runs the background worker. SIGTERM or Ctrl-C lets it finish what it is doing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when there is nothing left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        with app.replace_connector(connector()) as worker:
            worker.run_worker(
                name="worker",
                wait=not options["once"],
                shutdown_graceful_timeout=SECONDS_TO_FINISH,
                delete_jobs="successful",
            )


def connector() -> PsycopgConnector:
    """The worker's way to the database."""
    where: dict[str, Any] = {"kwargs": connector_params()}
    if settings.WORKER_DATABASE_URL:
        where = {"conninfo": settings.WORKER_DATABASE_URL}
    return PsycopgConnector(min_size=1, max_size=CONNECTIONS, **where)
