"""The biller's addresses. Mounted at /billing/."""

from django.urls import path

from billing import views

urlpatterns = [
    path("", views.billing_worklist, name="billing_worklist"),
    path("sessions/<uuid:session_id>/claim/", views.claim_create, name="claim_create"),
    path("claims/", views.claim_list, name="claim_list"),
    path("claims/<uuid:claim_id>/", views.claim_detail, name="claim_detail"),
    path("claims/<uuid:claim_id>/837p/", views.claim_download, name="claim_download"),
]
