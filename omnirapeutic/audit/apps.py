from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit trail: what was read, written and refused, by whom."""

    name = "omnirapeutic.audit"
    label = "audit"
