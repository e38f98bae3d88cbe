"""A new organisation and its first administrator."""

from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password

from clinic.models import Organization, User
from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy.context import tenant
from omnirapeutic.web.permissions import Role


def create_organization(*, name: str, time_zone: str, admin_email: str, admin_name: str, password: str) -> UUID:
    """Makes an organisation with one administrator, in a transaction of its own; returns its id.

    For the operator's command line: a request works for one organisation and cannot make another.
    """
    organization_id = uuid4()
    with tenant(organization_id):
        Organization.objects.create(id=organization_id, name=name, time_zone=time_zone)
        admin = User.objects.create(
            organization_id=organization_id,
            email=admin_email.strip().lower(),
            full_name=admin_name,
            role=Role.ADMIN,
            password=make_password(password),
        )
        audit.record(action="CREATE", resource_type="organization", resource_id=organization_id)
        audit.record(action="CREATE", resource_type="user", resource_id=admin.id)
    return organization_id
