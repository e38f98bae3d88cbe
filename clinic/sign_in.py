"""Signing in by email and password, before an organisation is known."""

from typing import Any
from uuid import UUID

from django.contrib.auth import login, logout
from django.contrib.auth.hashers import check_password, make_password
from django.db.models.functions import Now
from django.http import HttpRequest

from clinic.models import User
from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.tenancy import context
from omnirapeutic.tenancy.web_session import ORGANIZATION_KEY


class EmailBackend:
    """Finds a person by email in any case. Enters their organisation's context when the password is right."""

    def authenticate(self, request: HttpRequest | None, email: str = "", password: str = "") -> User | None:
        found = functions.find_sign_in(email.strip())
        if found is None:
            make_password(password)  # takes as long as checking somebody's
            facts = audit.current_facts()
            functions.record_unknown_sign_in(
                ip_address=facts.ip_address if facts else None,
                user_agent=facts.user_agent if facts else "",
                request_id=facts.request_id if facts else "",
            )
            return None
        right = check_password(password, found.password_hash)
        context.activate(context.Tenant(found.organization_id, found.user_id, email.strip().lower()))
        if not right or not found.is_active:
            audit.record(action="SIGN_IN_REFUSED", resource_type="user", resource_id=found.user_id)
            return None
        return User.objects.select_related("organization").get(id=found.user_id)

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(id=user_id).first()


def sign_in(request: HttpRequest, user: User) -> None:
    """Begins a web session for a person whose password was right."""
    login(request, user, backend="clinic.sign_in.EmailBackend")
    request.session[ORGANIZATION_KEY] = str(user.organization_id)
    User.objects.filter(id=user.id).update(last_login=Now())
    audit.record(action="SIGN_IN", resource_type="user", resource_id=user.id)


def sign_out(request: HttpRequest) -> None:
    """Ends the web session."""
    if request.user.is_authenticated:
        audit.record(action="SIGN_OUT", resource_type="user", resource_id=request.user.pk)
    logout(request)


def enter_organization(request: HttpRequest, organization_id: UUID) -> None:
    """From the next request on, a super admin acts in another organisation. Audited here, where they came from."""
    audit.record(action="ENTER_ORGANIZATION", resource_type="organization", resource_id=organization_id)
    request.session[ORGANIZATION_KEY] = str(organization_id)
