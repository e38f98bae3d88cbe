"""Addresses. Each app names its own; nothing about a person stands in any of them but an id."""

from django.contrib import admin
from django.urls import include, path

from omnirapeutic.start import start

urlpatterns = [
    path("", start, name="start"),
    path("", include("clinic.urls")),
    path("", include("scheduling.urls")),
    path("", include("sessions.urls")),
    path("billing/", include("billing.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "omnirapeutic.web.errors.bad_request"
handler403 = "omnirapeutic.web.errors.permission_denied"
handler404 = "omnirapeutic.web.errors.not_found"
handler500 = "omnirapeutic.web.errors.server_error"
