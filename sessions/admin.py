"""Sessions and their events in the administration pages: to read."""

from django.contrib import admin

from omnirapeutic.web.admin_site import WalledModelAdmin
from sessions.models import Session, SessionEvent


@admin.register(Session)
class SessionAdmin(WalledModelAdmin):
    list_display = ("start_time", "patient", "provider", "service_code", "status", "duration_minutes", "billed_units")
    list_select_related = ("patient", "provider__user")
    ordering = ("-start_time",)


@admin.register(SessionEvent)
class SessionEventAdmin(WalledModelAdmin):
    list_display = ("event_timestamp", "session_id", "event_type", "raw_value")
    ordering = ("-event_timestamp",)
