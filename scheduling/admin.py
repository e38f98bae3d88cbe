"""Appointments in the administration pages: to read; they change through the schedule, which keeps the units."""

from django.contrib import admin

from omnirapeutic.web.admin_site import WalledModelAdmin
from scheduling.models import Appointment


@admin.register(Appointment)
class AppointmentAdmin(WalledModelAdmin):
    list_display = ("start_time", "patient", "provider", "service_code", "status", "expected_units")
    list_select_related = ("patient", "provider__user")
    ordering = ("-start_time",)
