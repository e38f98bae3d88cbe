"""Which records the permission to bill reaches: every delivered session and every claim of the organisation.

The pages show of them what a claim needs, never notes or clinical data.
"""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from billing.models import Claim
from clinic.models import User
from omnirapeutic.web.permissions import Permission
from sessions.models import Session

if TYPE_CHECKING:
    from sessions.querysets import SessionQuerySet


def billable_sessions(user: User) -> "SessionQuerySet":
    """The sessions a person may make claims of."""
    return Session.objects.ended() if user.can(Permission.BILL) else Session.objects.none()


def visible_claims(user: User) -> QuerySet[Claim]:
    """The claims a person may open."""
    return Claim.objects.all() if user.can(Permission.BILL) else Claim.objects.none()
