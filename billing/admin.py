"""Rates to edit, claims to read, in the administration pages."""

from django.contrib import admin

from billing.models import Claim, ServiceRate
from clinic.admin import EditableAdmin
from omnirapeutic.web.admin_site import WalledModelAdmin


@admin.register(ServiceRate)
class ServiceRateAdmin(EditableAdmin):
    list_display = ("service_code", "payer", "rate", "starts_on", "ends_on")
    list_select_related = ("payer",)


@admin.register(Claim)
class ClaimAdmin(WalledModelAdmin):
    list_display = ("claim_number", "patient", "service_date", "status", "billed_amount")
    list_select_related = ("patient",)
    ordering = ("-created_at",)
