"""What a page's frame shows: who is signed in, where, and the places their role may go."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from omnirapeutic.web.permissions import Permission, Role

PLACES: tuple[tuple[str, str, frozenset[Permission]], ...] = (
    ("Start", "start", frozenset()),
    ("My day", "my_day", frozenset({Permission.VIEW_OWN_DAY})),
    ("Review", "review", frozenset({Permission.REVIEW_SESSIONS})),
    ("Caseload", "caseload", frozenset({Permission.EDIT_PROGRAMS})),
    ("Clients", "client_list", frozenset({Permission.VIEW_CLIENTS})),
    ("Schedule", "schedule", frozenset({Permission.VIEW_SCHEDULE})),
    ("Billing", "billing_worklist", frozenset({Permission.BILL})),
    ("Claims", "claim_list", frozenset({Permission.BILL})),
    ("Organizations", "organizations", frozenset({Permission.MANAGE_ORGANIZATIONS})),
    ("Administration", "admin:index", frozenset({Permission.USE_ADMIN})),
)


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Viewer:
    full_name: str
    role_label: str
    organization_name: str


def page_context(request: HttpRequest) -> dict[str, Any]:
    """The frame of a page: `viewer` (None when signed out) and `navigation`, only what the role may open."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"viewer": None, "navigation": []}
    match = request.resolver_match
    current = match.view_name if match else ""
    return {
        "viewer": Viewer(user.full_name, Role(user.role).label, user.organization_name),
        "navigation": [
            Place(label, reverse(name), name == current)
            for label, name, permissions in PLACES
            if not permissions or any(user.can(permission) for permission in permissions)
        ],
    }
