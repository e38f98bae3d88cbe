"""The clinic's records in the administration pages."""

import functools
import zoneinfo
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest

from clinic.models import (
    Authorization,
    CaseloadAssignment,
    Organization,
    Patient,
    PatientInsurance,
    Payer,
    StaffMember,
    UnitMovement,
    User,
)
from omnirapeutic.db.functions import find_sign_in
from omnirapeutic.tenancy.web_session import end_web_sessions_of, hash_key
from omnirapeutic.web.admin_site import RefereedForm, WalledModelAdmin
from omnirapeutic.web.permissions import Role


@functools.cache
def time_zones() -> list[tuple[str, str]]:
    """The zones there are. None is chosen silently where the one that is stored is unknown."""
    names = zoneinfo.available_timezones() - {"Factory", "localtime"}
    return [("", "---------"), *((name, name) for name in sorted(names))]


class OrganizationForm(RefereedForm):
    refusals = {"organizations_tax_id_key": ("tax_id", "This tax number cannot be used.")}
    time_zone = forms.ChoiceField(choices=time_zones)


@admin.register(Organization)
class OrganizationAdmin(WalledModelAdmin):
    super_admin_may_see = True
    read_only = False
    form = OrganizationForm
    list_display = ("name", "npi", "time_zone", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # by the create_organization command: it needs a context of its own

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if getattr(request.user, "role", "") == Role.SUPER_ADMIN else ("is_active",)


class UserForm(RefereedForm):
    new_password = forms.CharField(
        required=False, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "npi", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].required = self.instance._state.adding
        role: Any = self.fields.get("role")  # read-only for some
        if role is not None:
            # A clinic cannot make somebody an administrator of the deployment.
            roles = [choice for choice in Role.choices if choice[0] != Role.SUPER_ADMIN or self._is_super_admin()]
            role.choices = roles

    def _is_super_admin(self) -> bool:
        return bool(self.instance.role == Role.SUPER_ADMIN)

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        holder = find_sign_in(email)
        # Somebody of another organisation is invisible here, and the address is taken all the same.
        if holder is not None and holder.user_id != self.instance.pk:
            raise forms.ValidationError("Somebody already signs in with this email.")
        return email

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if role == Role.SUPER_ADMIN and not self._is_super_admin():
            raise forms.ValidationError("This role is not given here.")
        return role

    def clean_new_password(self) -> str:
        password = str(self.cleaned_data["new_password"])
        if password:
            validate_password(password, self.instance)
        return password

    def prepare(self) -> None:
        super().prepare()
        if self.cleaned_data["new_password"]:
            self.instance.password = make_password(self.cleaned_data["new_password"])


@admin.register(User)
class UserAdmin(WalledModelAdmin):
    """People of the clinic. Whoever can set a password or an email can sign in as that person, and a role is a key.

    So nobody changes somebody above them, and a deployment administrator in a clinic that is not their own only
    looks: the way to its clinical data must not lead through its people.
    """

    super_admin_may_see = True
    read_only = False
    form = UserForm
    list_display = ("full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self._is_at_home(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        viewer: Any = request.user
        above = obj is not None and obj.role == Role.SUPER_ADMIN and viewer.role != Role.SUPER_ADMIN
        return super().has_change_permission(request, obj) and self._is_at_home(request) and not above

    def _is_at_home(self, request: HttpRequest) -> bool:
        viewer: Any = request.user
        return bool(viewer.acting_organization_id == viewer.organization_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        writes = self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)
        return [*UserForm.Meta.fields, *(["new_password"] if writes else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("role",) if obj is not None and obj.pk == request.user.pk else ()

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"role", "is_active", "new_password"} & set(form.changed_data):
            # What somebody may do has changed: every browser of theirs starts anew, but for the one that does this.
            own = request.session.session_key if obj.pk == request.user.pk else None
            end_web_sessions_of(obj.id, except_key_hash=hash_key(own) if own else "")

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        super().log_addition(request, obj, [name for name in message if name != "new_password"])

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        columns = [name for name in message if name != "new_password"]
        if "new_password" in message:
            self._audit("CHANGE_PASSWORD", obj)
        if columns or "new_password" not in message:
            super().log_change(request, obj, columns)


class EditableAdmin(WalledModelAdmin):
    read_only = False
    exclude: ClassVar[tuple[str, ...]] = ("organization",)


@admin.register(StaffMember)
class StaffMemberAdmin(EditableAdmin):
    list_display = ("user", "credential", "npi", "license_expiration", "is_active")
    list_select_related = ("user",)


@admin.register(Patient)
class PatientAdmin(EditableAdmin):
    list_display = ("last_name", "first_name", "date_of_birth", "is_active")
    ordering = ("search_key", "id")


@admin.register(PatientInsurance)
class PatientInsuranceAdmin(EditableAdmin):
    list_display = ("patient", "payer_name", "member_id", "payer_rank", "is_active")
    list_select_related = ("patient",)
    raw_id_fields = ("patient",)


@admin.register(Payer)
class PayerAdmin(EditableAdmin):
    list_display = ("name", "payer_id", "rounding_rule", "is_active")


@admin.register(CaseloadAssignment)
class CaseloadAssignmentAdmin(EditableAdmin):
    list_display = ("patient", "staff_member", "starts_on", "ends_on")
    list_select_related = ("patient", "staff_member__user")
    raw_id_fields = ("patient",)


class AuthorizationForm(RefereedForm):
    # The columns the application is granted (sql/015_unit_ledger.sql): the rest says what the units were booked for.
    update_fields = (
        "insurance",
        "total_units",
        "start_date",
        "end_date",
        "status",
        "authorization_number",
        "units_per_day",
        "units_per_week",
        "units_per_month",
        "week_starts_on",
        "updated_at",
    )


@admin.register(Authorization)
class AuthorizationAdmin(EditableAdmin):
    """The letter's terms may be corrected; the counters are the ledger's."""

    form = AuthorizationForm
    list_display = ("patient", "service_code", "start_date", "end_date", "total_units", "used_units", "status")
    list_select_related = ("patient",)
    raw_id_fields = ("patient", "insurance")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        counters = ("used_units", "delivered_units")
        return counters if obj is None else ("patient", "service_code", *counters)


@admin.register(UnitMovement)
class UnitMovementAdmin(WalledModelAdmin):
    list_display = ("created_at", "authorization_id", "kind", "reserved_change", "delivered_change", "service_date")
    ordering = ("-created_at",)
