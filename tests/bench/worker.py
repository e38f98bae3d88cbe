"""Answers requests in its own process and tells what each cost: `python -m tests.bench.worker`, driven by
`driver.Worker`.

One process per settings module, so that the application and the floor can take turns. A request goes through the real
WSGI handler with its whole middleware, without a socket and without Django's test client, whose own work would be
counted. Commands come in and answers go out as pickles; whoever drives it started it.
"""

from __future__ import annotations

import cProfile
import io
import pickle
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, BinaryIO
from urllib.parse import urlencode

from tests.bench.measure import server_clock

CSRF_SECRET = "a" * 32
SHOWN_FUNCTIONS = 30


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a signed-in browser."""

    path: str
    cookie: str = ""
    method: str = "GET"
    data: dict[str, str] = field(default_factory=dict)
    htmx: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    location: str = ""


@dataclass(frozen=True, slots=True)
class Samples:
    """Milliseconds of each repetition: CPU of the application, of the database, and the clock on the wall."""

    status: int
    application: list[float]
    database: list[float]
    wall: list[float]

    @property
    def cost(self) -> list[float]:
        return [one + other for one, other in zip(self.application, self.database, strict=True)]


class Server:
    """The WSGI application of the settings in the environment, and the one database connection it uses."""

    def __init__(self) -> None:
        import django

        django.setup()
        from django.conf import settings
        from django.core.handlers.wsgi import WSGIHandler
        from django.db import connection

        self.settings = settings
        self.application = WSGIHandler()
        self.connection = connection
        with self._free_of_context(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.database_clock, self.method = server_clock(cursor.fetchone()[0])
        self._give_back()

    @contextmanager
    def _free_of_context(self) -> Iterator[None]:
        if self.is_floor:
            yield
            return
        from omnirapeutic.tenancy.context import shared

        with shared():
            yield

    def _give_back(self) -> None:
        """At the end of a request the application's connection goes back into its pool of one."""
        self.connection.close_if_unusable_or_obsolete()

    @property
    def is_floor(self) -> bool:
        return "tests.bench.floor" in self.settings.INSTALLED_APPS

    # requests --------------------------------------------------------------------------------------------------------

    def environ(self, request: Request) -> dict[str, Any]:
        path, _, query = request.path.partition("?")
        body = urlencode(request.data).encode()
        cookies = {self.settings.SESSION_COOKIE_NAME: request.cookie, self.settings.CSRF_COOKIE_NAME: CSRF_SECRET}
        return {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) bench",
            "HTTP_ACCEPT": "text/html",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in cookies.items() if value),
            "HTTP_X_CSRFTOKEN": CSRF_SECRET,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **({"HTTP_HX_REQUEST": "true"} if request.htmx else {}),
        }

    def get(self, request: Request) -> Answer:
        """Answers a request as a server would: the body is read, the response closed, the connection given back."""
        seen: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            seen.extend((int(status.split()[0]), dict(headers)))
            return lambda data: None

        response = self.application(self.environ(request), start_response)
        body = b"".join(response)
        response.close()
        return Answer(seen[0], body, seen[1].get("Location", ""))

    # commands --------------------------------------------------------------------------------------------------------

    def measure(self, request: Request, times: int) -> Samples:
        application, database, wall = [], [], []
        status = 0
        for _ in range(times):
            walls, servers, own = time.perf_counter(), self.database_clock(), time.process_time()
            status = self.get(request).status
            own = time.process_time() - own
            application.append(own * 1000)
            database.append((self.database_clock() - servers) * 1000)
            wall.append((time.perf_counter() - walls) * 1000)
        return Samples(status, application, database, wall)

    def statements(self, request: Request) -> list[tuple[str, Any]]:
        """Every statement of a request, BEGIN, COMMIT and savepoints among them, with what was bound to it."""
        bound: dict[int, Any] = {}

        def remember(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            position = len(self.connection.queries_log)
            try:
                return execute(sql, params, many, context)
            finally:
                bound[position] = (sql, [_plain(value) for value in params] if params else None)

        self.connection.force_debug_cursor = True
        self.connection.queries_log.clear()
        handlers = self._keep_log()
        try:
            with self.connection.execute_wrapper(remember):
                self.get(request)
            logged = list(self.connection.queries_log)
        finally:
            self.connection.force_debug_cursor = False
            handlers()
        return [bound.get(position, (entry["sql"], None)) for position, entry in enumerate(logged)]

    def _keep_log(self) -> Callable[[], None]:
        """Django empties the log when a request starts; here it is kept. Returns what undoes that."""
        from django.core.signals import request_started
        from django.db import reset_queries

        request_started.disconnect(reset_queries)
        return lambda: request_started.connect(reset_queries)

    def profile(self, request: Request, times: int) -> str:
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(times):
            self.get(request)
        profiler.disable()
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(SHOWN_FUNCTIONS)
        pstats.Stats(profiler, stream=text).sort_stats("cumulative").print_stats(SHOWN_FUNCTIONS * 2)
        return text.getvalue()

    def reverse(self, name: str, arguments: dict[str, Any]) -> str | None:
        from django.urls import NoReverseMatch, reverse

        try:
            return reverse(name, kwargs=arguments)
        except NoReverseMatch:
            return None

    def sign_in(self, user_id: str, organization_id: str) -> str:
        """The cookie of a new web session, made as signing in makes it, but for the cost of the password."""
        return self._floor_sign_in(organization_id) if self.is_floor else self._sign_in(user_id, organization_id)

    def _sign_in(self, user_id: str, organization_id: str) -> str:
        from uuid import UUID

        from clinic.models import User
        from omnirapeutic.tenancy.context import tenant
        from tests.support.clinics import begin_web_session

        with tenant(UUID(organization_id), UUID(user_id)):
            user = User.objects.get(id=user_id)
        cookie = begin_web_session(user)
        self._give_back()
        return cookie

    def _floor_sign_in(self, organization_id: str) -> str:
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
        from django.contrib.sessions.backends.db import SessionStore

        people: Any = get_user_model().objects  # here Django's own
        user, _ = people.get_or_create(
            username="front.desk", defaults={"first_name": "Front", "last_name": "Desk", "password": "!"}
        )
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store["organization_id"] = organization_id
        store.create()
        return str(store.session_key)


def _plain(value: Any) -> Any:
    """A bound value without our classes, which the other process does not have."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def main(commands: BinaryIO, answers: BinaryIO) -> None:
    """Obeys until the commands end. A command that fails is answered with its exception."""
    server = Server()
    pickle.dump(server.method, answers)
    answers.flush()
    while True:
        try:
            name, arguments = pickle.load(commands)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            answer: Any = getattr(server, name)(*arguments)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    from tests.bench import worker  # pickles name its classes by this module, not by __main__

    worker.main(sys.stdin.buffer, sys.stdout.buffer)
