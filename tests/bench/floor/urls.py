"""Addresses of the floor."""

from django.urls import path

from tests.bench.floor import views

urlpatterns = [
    path("empty/", views.empty, name="empty"),
    path("empty/page/", views.empty_page, name="empty_page"),
    path("clients/", views.client_list, name="client_list"),
    path("clients/plain/", views.plain_list, name="plain_list"),
    path("clients/<uuid:pk>/", views.somewhere, name="client_detail"),
    path("clients/<uuid:pk>/edit/", views.somewhere, name="client_edit"),
    path("clients/<uuid:pk>/book/", views.somewhere, name="appointment_new"),
    path("schedule/", views.somewhere, name="schedule"),
    path("sign-out/", views.somewhere, name="sign_out"),
]
