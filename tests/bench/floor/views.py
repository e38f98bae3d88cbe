"""What is measured against: see the package."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tests.bench.floor.models import Patient

PAGE_SIZE = 50


@login_required
def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


@login_required
def empty_page(request: HttpRequest) -> HttpResponse:
    return render(request, "floor/base.html")


@login_required
def client_list(request: HttpRequest) -> HttpResponse:
    patients = Patient._default_manager.filter(is_active=True).prefetch_related("insurances", "authorizations")
    page = Paginator(patients, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "floor/client_list.html", {"page": page})


@login_required
def plain_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(Patient._default_manager.filter(is_active=True), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "floor/plain_list.html", {"page": page})


def somewhere(request: HttpRequest, pk: str = "") -> HttpResponse:
    """What the links lead to; never asked for."""
    return HttpResponse("")
