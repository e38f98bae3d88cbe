"""The clinic's records in the administration pages."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.forms import ReadOnlyPasswordHashField
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
from omnirapeutic.tenancy.web_session import end_web_sessions_of
from omnirapeutic.web.admin_site import RefereedForm, WalledModelAdmin
from omnirapeutic.web.permissions import Role


@admin.register(Organization)
class OrganizationAdmin(WalledModelAdmin):
    super_admin_may_see = True
    read_only = False
    list_display = ("name", "npi", "time_zone", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # by the create_organization command: it needs a context of its own


class UserForm(RefereedForm):
    password = ReadOnlyPasswordHashField(required=False, help_text="Stored only as a hash.")
    new_password = forms.CharField(
        required=False, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("email", "full_name", "role", "npi", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].required = self.instance._state.adding
        # A clinic cannot make somebody an administrator of the deployment.
        role: Any = self.fields["role"]
        role.choices = [choice for choice in Role.choices if choice[0] != Role.SUPER_ADMIN or self._is_super_admin()]

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


@admin.register(User)
class UserAdmin(WalledModelAdmin):
    super_admin_may_see = True
    read_only = False
    form = UserForm
    list_display = ("full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fields = ("email", "full_name", "role", "npi", "is_active", "password", "new_password")

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:
        new_password = form.cleaned_data["new_password"]
        if new_password:
            obj.password = make_password(new_password)
        super().save_model(request, obj, form, change)
        if change and {"role", "is_active", "new_password"} & set(form.changed_data):
            # What somebody may do has changed: every browser of theirs starts anew.
            end_web_sessions_of(obj.id)


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


@admin.register(Authorization)
class AuthorizationAdmin(EditableAdmin):
    """The letter's terms may be corrected; the counters are the ledger's."""

    list_display = ("patient", "service_code", "start_date", "end_date", "total_units", "used_units", "status")
    list_select_related = ("patient",)
    raw_id_fields = ("patient", "insurance")
    readonly_fields = ("used_units", "delivered_units")


@admin.register(UnitMovement)
class UnitMovementAdmin(WalledModelAdmin):
    list_display = ("created_at", "authorization_id", "kind", "reserved_change", "delivered_change", "service_date")
    ordering = ("-created_at",)
