"""Every request of a signed-in person in one transaction, for their organisation."""

from collections.abc import Callable

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

SET_CONTEXT = "SELECT set_config('app.current_user_id', %s, true), set_config('app.current_org_id', %s, true)"


class OrganizationMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(SET_CONTEXT, ["", request.session.get("organization_id", "")])
            return self.get_response(request)
