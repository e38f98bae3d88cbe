"""Addresses of the clinic's records. The client's page is scheduling's: it shows appointments."""

from django.urls import path

from clinic.account_urls import account_urlpatterns
from clinic.views import clients, coverage

urlpatterns = [
    *account_urlpatterns,
    path("clients/", clients.client_list, name="client_list"),
    path("clients/search/", clients.client_search, name="client_search"),
    path("clients/new/", clients.client_new, name="client_new"),
    path("clients/<uuid:patient_id>/edit/", clients.client_edit, name="client_edit"),
    path("clients/<uuid:patient_id>/insurance/new/", coverage.insurance_new, name="insurance_new"),
    path("clients/<uuid:patient_id>/authorizations/new/", coverage.authorization_new, name="authorization_new"),
]
