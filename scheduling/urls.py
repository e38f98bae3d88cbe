"""Addresses of the schedule, its appointments and the client's page."""

from django.urls import path

from scheduling import views

urlpatterns = [
    path("clients/<uuid:patient_id>/", views.client_detail, name="client_detail"),
    path("clients/<uuid:patient_id>/appointments/new/", views.appointment_new, name="appointment_new"),
    path("schedule/", views.schedule, name="schedule"),
    path("appointments/<uuid:appointment_id>/", views.appointment_detail, name="appointment_detail"),
    path("appointments/<uuid:appointment_id>/cancel/", views.appointment_cancel, name="appointment_cancel"),
]
