"""The audit trail in the administration pages: to read."""

from django.contrib import admin

from omnirapeutic.audit.models import AuditLog
from omnirapeutic.web.admin_site import WalledModelAdmin


@admin.register(AuditLog)
class AuditLogAdmin(WalledModelAdmin):
    list_display = ("timestamp", "user_email", "action", "resource_type", "resource_id")
    ordering = ("-timestamp",)
