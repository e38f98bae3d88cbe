"""Django's admin in the clinic's dress: behind the same sign-in, confined by the database, without its own log."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.sites import AdminSite
from django.db import DatabaseError, DataError, IntegrityError, ProgrammingError, transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from psycopg.errors import InsufficientPrivilege

from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy import context
from omnirapeutic.web.permissions import Permission, Role
from omnirapeutic.web.policies import Policy, requires

# Signing out is the application's own; changing a password will be, with the second factor.
ELSEWHERE = frozenset({"logout", "password_change", "password_change_done"})
# How a filter of a list may ask for its field. The others let a value be guessed letter by letter.
FILTER_LOOKUPS = frozenset({"exact", "in", "isnull", "gte", "lt"})
ADMIN_POLICY = Policy(permissions=frozenset({Permission.USE_ADMIN}))


def _declare_policies(patterns: list[Any]) -> None:
    """A model's pages are wrapped by `admin_view` at each call, where the policy is kept but cannot be seen."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            _declare_policies(pattern.url_patterns)
        elif not hasattr(pattern.callback, "policy"):
            pattern.callback.policy = ADMIN_POLICY


class ClinicAdminSite(AdminSite):
    """The wall is the database's: every query of these pages runs under the organisation in context."""

    site_header = "Omnirapeutic administration"
    site_title = "Omnirapeutic"
    index_title = "Records"
    index_template = "admin/clinic_index.html"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return requires(Permission.USE_ADMIN)(super().admin_view(view, cacheable))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only walled pages: what libraries bring (groups, the queue) knows no organisation."""
        if admin_class is not None and issubclass(admin_class, WalledModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[Any]:
        """The pages of the admin, each with its policy in sight; those of signing out and passwords are not here."""
        patterns = [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") not in ELSEWHERE]
        _declare_policies(patterns)
        return patterns

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door: /sign-in/."""
        from django.contrib.auth.views import redirect_to_login

        return redirect_to_login(request.GET.get("next", "/admin/"))

    login.policy = Policy(anonymous_reason="Redirects to the one sign-in page.")  # type: ignore[attr-defined]


class RefereedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks the database before saving: what it refuses becomes a message, and nothing typed is lost."""

    # What a change writes; None is every column.
    update_fields: ClassVar[tuple[str, ...] | None] = None
    # A constraint's own words: the field they stand beside, and the text.
    refusals: ClassVar[dict[str, tuple[str, str]]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = {column.name: column for column in self.instance._meta.concrete_fields}
        for name, field in self.fields.items():
            if isinstance(field, forms.CharField) and name in columns and columns[name].null:
                field.empty_value = None  # "" is a value, and where it must be unique only one may have it

    def prepare(self) -> None:
        """Sets what the record needs and no field of the form gives."""
        if self.instance._state.adding and hasattr(self.instance, "organization_id"):
            self.instance.organization_id = context.required().organization_id

    def write(self) -> None:
        """Writes the record: tried while the form is checked, then done when it is saved."""
        self.instance.save(update_fields=None if self.instance._state.adding else self.update_fields)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        self.prepare()
        adding = self.instance._state.adding
        try:
            with transaction.atomic():
                self.write()
                transaction.set_rollback(True)
        except (IntegrityError, DataError, ProgrammingError) as error:
            if isinstance(error, ProgrammingError) and not isinstance(error.__cause__, InsufficientPrivilege):
                raise
            self._explain(error)
        finally:
            self.instance._state.adding = adding

    def _explain(self, error: DatabaseError) -> None:
        diagnosis = getattr(error.__cause__, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None)
        column = getattr(diagnosis, "column_name", None)
        if constraint in self.refusals:
            name, text = self.refusals[constraint]
            self.add_error(name if name in self.fields else None, text)
        elif isinstance(error, ProgrammingError):
            self.add_error(None, "The database refuses this: the change is not allowed.")
        elif isinstance(error, DataError):
            self.add_error(None, "The database cannot store one of these values.")
        elif column and not constraint:
            self.add_error(None, f"The database refuses this: “{column}” must not be empty.")
        else:
            rule = (constraint or "unknown").replace("_", " ")
            self.add_error(None, f"The database refuses this: it breaks the rule “{rule}”.")


class WalledModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nothing is deleted, every opened record and every change is audited, and roles decide what is shown.

    Super admins see organisations and users only: reading clinical data needs a recorded reason, which does not
    exist yet.
    """

    form = RefereedForm
    super_admin_may_see = False
    read_only = True
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may_see(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_see(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may_see(request) and not self.read_only

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_see(request) and not self.read_only

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def _may_see(self, request: HttpRequest) -> bool:
        role = getattr(request.user, "role", "")
        return role == Role.ADMIN or (role == Role.SUPER_ADMIN and self.super_admin_may_see)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only the filters that the list shows: any other would tell of columns that it does not."""
        filters = self.list_filter if request is None else self.get_list_filter(request)
        name, _, asked = lookup.rpartition("__")
        return lookup in filters or (name in filters and asked in FILTER_LOOKUPS)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        form.write()

    def message_user(
        self, request: HttpRequest, message: Any, level: Any = messages.INFO, *args: Any, **kwargs: Any
    ) -> None:
        """Django's words name the record, and messages wait in the web session, which is no place for a name."""
        if level == messages.SUCCESS:
            message = "The record was saved."
        super().message_user(request, message, level, *args, **kwargs)

    # The admin's own log would keep patients' names in a table without a wall; the audit trail takes its place.
    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return list(form.changed_data)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self._audit("CREATE", obj, {"columns": message})

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self._audit("UPDATE", obj, {"columns": message})

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        raise PermissionError("Nothing is deleted here.")

    def _audit(self, action: str, obj: Any, details: dict[str, Any] | None = None) -> None:
        audit.record(action=action, resource_type=obj._meta.model_name, resource_id=obj.pk, details=details)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        audit.record(action="READ_LIST", resource_type=str(self.opts.model_name))
        return super().changelist_view(request, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        response = super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "GET" and object_id is not None and response.status_code == 200:
            audit.record(action="READ", resource_type=str(self.opts.model_name), resource_id=object_id)  # type: ignore[arg-type]
        return response

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Another organisation's record and one that never existed: the same static page, no message with the id."""
        raise Http404

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404
