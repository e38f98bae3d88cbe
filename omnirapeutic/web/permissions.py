"""Who may do what: one enum of permissions, one table from roles to them.

An organisation's wall is the database's; this is the rule inside it. Which records a permission reaches (a caseload,
one's own sessions) is each app's `permissions.py`.
"""

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    RBT = "RBT", "Behavior technician"
    BCBA = "BCBA", "Behavior analyst"
    FRONT_DESK = "FRONT_DESK", "Front desk"
    BILLER = "BILLER", "Biller"
    ADMIN = "ADMIN", "Administrator"
    SUPER_ADMIN = "SUPER_ADMIN", "Deployment administrator"


class Permission(StrEnum):
    VIEW_CLIENTS = "view clients and their insurance and authorizations"
    EDIT_CLIENTS = "take in clients, edit them, their insurance and authorizations"
    VIEW_SCHEDULE = "see the clinic's appointments"
    BOOK_APPOINTMENTS = "book and cancel appointments"
    VIEW_OWN_DAY = "see one's own appointments of the day"
    DELIVER_SESSIONS = "start, record, end and note one's own sessions"
    EDIT_PROGRAMS = "define programs and targets"
    REVIEW_SESSIONS = "read the sessions of one's caseload and co-sign their notes"
    BILL = "make claims of signed sessions"
    USE_ADMIN = "use the administration pages"
    MANAGE_ORGANIZATIONS = "open the organizations of the deployment"


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.RBT: frozenset({Permission.VIEW_OWN_DAY, Permission.DELIVER_SESSIONS}),
    Role.BCBA: frozenset(
        {
            Permission.VIEW_OWN_DAY,
            Permission.DELIVER_SESSIONS,
            Permission.EDIT_PROGRAMS,
            Permission.REVIEW_SESSIONS,
        }
    ),
    Role.FRONT_DESK: frozenset(
        {
            Permission.VIEW_CLIENTS,
            Permission.EDIT_CLIENTS,
            Permission.VIEW_SCHEDULE,
            Permission.BOOK_APPOINTMENTS,
        }
    ),
    Role.BILLER: frozenset({Permission.BILL}),
    Role.ADMIN: frozenset(
        {
            Permission.VIEW_CLIENTS,
            Permission.EDIT_CLIENTS,
            Permission.VIEW_SCHEDULE,
            Permission.BOOK_APPOINTMENTS,
            Permission.USE_ADMIN,
        }
    ),
    Role.SUPER_ADMIN: frozenset({Permission.USE_ADMIN, Permission.MANAGE_ORGANIZATIONS}),
}
