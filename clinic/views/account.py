"""Signing in and out, and the organisations a deployment administrator may enter."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import sign_in as door
from clinic.forms.account import SignInForm
from clinic.permissions import viewer
from clinic.sign_in import EmailBackend
from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.web.htmx import invalid_form
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import open_to_anybody, requires


@open_to_anybody(reason="This is where people sign in.")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Email and password. The same answer for an unknown address, a wrong password and somebody switched off."""
    if request.user.is_authenticated:
        return redirect("start")
    form = SignInForm(request.POST or None)
    destination = request.POST.get("next") or request.GET.get("next", "")
    if request.method == "POST" and form.is_valid():
        user = EmailBackend().authenticate(request, **form.cleaned_data)
        if user is not None:
            door.sign_in(request, user)
            return redirect(_own_page(destination))
        form.add_error(None, "The email or the password is not right. Check both and try again.")
    if form.errors:
        return invalid_form(request, "sign_in.html", {"form": form, "next": destination})
    return render(request, "sign_in.html", {"form": form, "next": destination})


@open_to_anybody(reason="Signing out twice, or after the session ended, must not be an error.")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    door.sign_out(request)
    return redirect("sign_in")


@requires(Permission.MANAGE_ORGANIZATIONS)
@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """Every organisation of the deployment by name, to enter one."""
    audit.record(action="READ_LIST", resource_type="organization")
    return render(
        request,
        "clinic/organizations.html",
        {
            "organizations": functions.super_admin_organizations(),
            "entered": viewer(request).acting_organization_id,
        },
    )


@requires(Permission.MANAGE_ORGANIZATIONS)
@require_POST
def organization_enter(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """From the next page on, the administration pages are those of this organisation."""
    known = {row[0] for row in functions.super_admin_organizations() if row[2]}
    if organization_id not in known:
        raise Http404
    door.enter_organization(request, organization_id)
    return redirect("start")


def _own_page(destination: str) -> str:
    """The page that asked for the sign-in, if it is one of ours."""
    if destination.startswith("/") and url_has_allowed_host_and_scheme(destination, allowed_hosts=None):
        return destination
    return reverse("start")
