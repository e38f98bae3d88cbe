"""The page each role begins its day on. It gathers from every app, so it belongs to none."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.selectors import biller_start
from clinic.models import User
from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.web.permissions import Role
from omnirapeutic.web.policies import requires
from scheduling.selectors import front_desk_start
from sessions.selectors import bcba_start, rbt_start

CONTENT: dict[Role, Callable[[User], dict[str, Any]]] = {
    Role.RBT: rbt_start,
    Role.BCBA: bcba_start,
    Role.FRONT_DESK: front_desk_start,
    Role.BILLER: biller_start,
    Role.ADMIN: front_desk_start,
    Role.SUPER_ADMIN: lambda user: {},
}


@requires()
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    role = Role(user.role)
    audit.record(action="READ_LIST", resource_type="start")
    return render(request, f"start/{role.value.lower()}.html", CONTENT[role](user))
