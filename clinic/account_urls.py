"""Addresses of signing in and of the organisations."""

from django.urls import path

from clinic.views import account

account_urlpatterns = [
    path("sign-in/", account.sign_in, name="sign_in"),
    path("sign-out/", account.sign_out, name="sign_out"),
    path("organizations/", account.organizations, name="organizations"),
    path("organizations/<uuid:organization_id>/enter/", account.organization_enter, name="organization_enter"),
]
