"""Every view declares who may open it; a system check refuses one that does not."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from omnirapeutic.web.htmx import is_htmx
from omnirapeutic.web.permissions import Permission

P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may open a view: people with any of `permissions`, every signed-in person, or anybody for a reason."""

    permissions: frozenset[Permission] = frozenset()
    anonymous_reason: str = ""
    # A script asks, not a page: somebody signed out is told so instead of being sent to sign in.
    json: bool = False

    def allows(self, user: Any) -> bool:
        if self.anonymous_reason:
            return True
        return bool(user.is_authenticated) and (
            not self.permissions or any(user.can(permission) for permission in self.permissions)
        )


def requires(*permissions: Permission, json: bool = False) -> Callable[[View[P]], View[P]]:
    """The viewer needs one of these permissions; without any named, a signed-in person will do.

    Somebody signed out is sent to sign in and comes back (a JSON view answers 401); somebody without the permission
    is answered 403.
    """
    return _declare(Policy(permissions=frozenset(permissions), json=json))


def open_to_anybody(*, reason: str) -> Callable[[View[P]], View[P]]:
    """Anybody may open the view; the reason says why that is right."""
    return _declare(Policy(anonymous_reason=reason))


def _declare(policy: Policy) -> Callable[[View[P]], View[P]]:
    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if policy.allows(request.user):
                return view(request, *args, **kwargs)
            if not request.user.is_authenticated:
                return JsonResponse({"code": "SIGNED_OUT"}, status=401) if policy.json else _to_sign_in(request)
            raise PermissionDenied

        guarded.policy = policy  # type: ignore[attr-defined]
        return cast(View[P], guarded)

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """A page is asked for again after signing in; a fragment stays as it is, with what was typed, and says so."""
    if is_htmx(request):
        return HttpResponse(status=401)
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
