"""Forms as this application renders them.

Inherit from :class:`Form` or :class:`ModelForm`. Their fields carry the right
classes and ``aria-*`` attributes wherever they are printed, dates and times use
the browser's own pickers, and ``fieldsets`` groups the fields under legends.
``components/form.html`` renders any form, also a library's own that does not
inherit from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from django import forms
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Fieldset:
    """Fields that belong together: a legend, their names, and a line of help."""

    legend: Text
    fields: Sequence[str]
    help: Text = ""


@dataclass(frozen=True)
class FieldGroup:
    """A fieldset with its bound fields; an empty legend means no group heading."""

    legend: Text
    fields: list[BoundField]
    help: Text = ""


@dataclass(frozen=True)
class FieldView:
    """All that ``components/field.html`` needs to print one field."""

    field: BoundField
    kind: Literal["control", "checkbox", "choices", "group"]
    html: SafeString
    choices: Sequence[SafeChoice] = ()
    wide: bool = False

    @property
    def described_by(self) -> str:
        return self.field.aria_describedby or ""


@dataclass(frozen=True)
class SafeChoice:
    """One radio button or checkbox of a group."""

    id: str
    label: str
    html: SafeString


def control_class(bound: BoundField) -> str:
    """The CSS classes of a field's control, its own classes first."""
    widget = bound.field.widget
    if isinstance(widget, forms.MultiWidget | forms.SelectDateWidget):
        first = widget.widgets[0] if isinstance(widget, forms.MultiWidget) else forms.Select()
    else:
        first = widget
    if first.is_hidden:
        own = ""
    elif isinstance(first, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        own = "form-check-input"
    elif isinstance(first, forms.Select):
        own = "form-select"
    else:
        own = "form-control"
    classes = [str(widget.attrs.get("class", "")), own]
    if bound.errors and not first.is_hidden:
        classes.append("is-invalid")
    return " ".join(name for name in classes if name)


class StyledBoundField(BoundField):
    """A bound field whose control has its classes wherever it is printed."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        built: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        if "class" not in attrs and (css := control_class(self)):
            built["class"] = css
        return built


class FormMixin:
    """Fieldsets, styled bound fields and native date and time pickers."""

    fieldsets: ClassVar[Sequence[Fieldset]] = ()
    bound_field_class: type[BoundField] | None = StyledBoundField
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for form_field in self.fields.values():
            _use_native_picker(form_field)


class Form(FormMixin, forms.Form):
    pass


class ModelForm(FormMixin, forms.ModelForm):  # type: ignore[type-arg]
    pass


_NATIVE_PICKERS: dict[type[forms.Widget], tuple[str, str]] = {
    forms.DateInput: ("date", "%Y-%m-%d"),
    forms.TimeInput: ("time", "%H:%M"),
    forms.DateTimeInput: ("datetime-local", "%Y-%m-%dT%H:%M"),
}


def _use_native_picker(form_field: forms.Field) -> None:
    widget = form_field.widget
    if type(widget) is forms.SplitDateTimeWidget:
        # Two controls under one legend: each needs a name of its own.
        for part, name in zip(widget.widgets, (_("Date"), _("Time")), strict=True):
            part.attrs.setdefault("aria-label", name)
            _make_native(part)
    else:
        _make_native(widget)


def _make_native(widget: forms.Widget) -> None:
    # Only the exact default widget: a subclass has chosen its own input type.
    native = _NATIVE_PICKERS.get(type(widget))
    if native is None or "type" in widget.attrs:
        return
    input_type, date_format = native
    widget.input_type = input_type  # type: ignore[attr-defined]
    widget.format = date_format  # type: ignore[attr-defined]


def field_groups(form: forms.BaseForm) -> list[FieldGroup]:
    """The visible fields in reading order: the named fieldsets, then the rest.

    Raises KeyError for a fieldset that names a field the form does not have.
    """
    groups = []
    named: set[str] = set()
    for fieldset in getattr(form, "fieldsets", ()):
        named.update(fieldset.fields)
        bound = [form[name] for name in fieldset.fields]
        visible = [item for item in bound if not item.is_hidden]
        if visible:
            groups.append(FieldGroup(fieldset.legend, visible, fieldset.help))
    rest = [item for item in form.visible_fields() if item.name not in named]
    if rest:
        groups.append(FieldGroup("", rest))
    return groups


def focus_id(bound: BoundField) -> str:
    """The id of the control that a link in the error summary should focus."""
    if bound.id_for_label:
        return str(bound.id_for_label)
    subwidgets = bound.subwidgets
    return str(subwidgets[0].id_for_label or bound.auto_id) if subwidgets else str(bound.auto_id)


def field_view(bound: BoundField) -> FieldView:
    """How one field is printed, for forms of this project and of libraries alike."""
    widget = bound.field.widget
    css = control_class(bound)
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        choices = [_choice(item, css) for item in bound.subwidgets]
        return FieldView(bound, "choices", SafeString(""), choices)
    html = bound.as_widget(attrs={"class": css} if css else {})
    if isinstance(widget, forms.CheckboxInput):
        return FieldView(bound, "checkbox", html)
    if bound.use_fieldset:
        return FieldView(bound, "group", html)
    return FieldView(bound, "control", html, wide=isinstance(widget, forms.Textarea))


def _choice(item: BoundWidget, css: str) -> SafeChoice:
    item.data["attrs"] = {**item.data["attrs"], "class": css}
    return SafeChoice(id=str(item.id_for_label), label=str(item.choice_label), html=SafeString(item.tag()))
