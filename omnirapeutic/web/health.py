"""For the load balancer and the container: alive (/livez), and ready to serve (/readyz)."""

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from omnirapeutic.tenancy.context import shared


class HealthMiddleware:
    """Answers both before anything else: they come by plain HTTP, to a bare address, from nobody with an account.

    They say nothing but that the process runs, and that the database answers the application's role.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/livez":
            return HttpResponse("ok", content_type="text/plain")
        if request.path == "/readyz":
            return self._ready()
        return self.get_response(request)

    @staticmethod
    def _ready() -> HttpResponse:
        try:
            with shared(), connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM service_codes LIMIT 1")
        except Error:
            return HttpResponse("database unavailable", status=503, content_type="text/plain")
        return HttpResponse("ok", content_type="text/plain")
