"""Forms of sessions."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.models import Patient
from omnirapeutic.web.once import OnceForm
from sessions.models import Program, SessionNote, Target

LONGEST_TEXT = 20_000
NEW_PROGRAM = "new"


class EndForm(OnceForm):
    """When a session ended, if that was not just now."""

    end_time = forms.DateTimeField(
        label=_("Ended at"),
        required=False,
        help_text=_("Leave it empty to end the session now. Fill it in when the session ended earlier."),
    )


class SignedText(forms.CharField):
    """A part of the note that a signature needs; a draft may lack it. `sign_note` insists, this field does not."""

    widget = forms.Textarea

    def validate(self, value: Any) -> None:
        return None


class NoteForm(OnceForm):
    """A session's note. `version` is the note's `updated_at` as the writer had it, empty for a first draft."""

    participants = SignedText(
        label=_("Participants"),
        max_length=2_000,
        help_text=_("Who took part, and how they belong to the client. Never name other clients."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    narrative = SignedText(
        label=_("Narrative"),
        max_length=LONGEST_TEXT,
        help_text=_("What was done, and with which techniques. The data stand beside it and do not replace it."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    response = SignedText(
        label=_("Response and progress"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    plan = forms.CharField(
        label=_("Plan"), required=False, max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    version = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    @classmethod
    def of(cls, note: SessionNote | None, suggested_participants: str) -> "NoteForm":
        """The form with what is saved, or with a beginning."""
        if note is None:
            return cls(initial={"participants": suggested_participants})
        texts = {name: getattr(note, name) for name in TEXTS}
        return cls(initial={**texts, "version": note.updated_at.isoformat()})

    def clean_version(self) -> datetime | None:
        text = self.cleaned_data["version"]
        if not text:
            return None
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise forms.ValidationError(_("Open the note again: this page is damaged.")) from error

    def add_missing(self, fields: list[str]) -> None:
        """Says beside each field that a signature needs it."""
        for name in fields:
            self.add_error(name, forms.ValidationError(_("Needed before the note can be signed."), code="required"))

    def differences(self, current: SessionNote) -> list[dict[str, str]]:
        """What was typed beside what is saved now."""
        return [
            {
                "label": str(self.fields[name].label),
                "submitted": self.cleaned_data[name],
                "current": getattr(current, name),
            }
            for name in TEXTS
            if self.cleaned_data[name] != getattr(current, name)
        ]


TEXTS = ("participants", "narrative", "response", "plan")


class TargetForm(OnceForm):
    """A target, in one of the client's programs or in a new one."""

    program = forms.ChoiceField(label=_("Program"))
    new_program = forms.CharField(
        label=_("Name of the new program"), required=False, max_length=120, help_text=_("Only for a new program.")
    )
    name = forms.CharField(label=_("Target"), max_length=120, help_text=_("As the technician will see it on the tile."))
    measure = forms.ChoiceField(label=_("Measured by"), choices=Target.Measure.choices, widget=forms.RadioSelect)
    phase = forms.ChoiceField(label=_("Phase"), choices=Target.Phase.choices)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.programs = {
            str(program.id): program for program in Program.objects.filter(patient=patient, is_active=True)
        }
        choices = [(key, program.name) for key, program in self.programs.items()]
        field: Any = self.fields["program"]
        field.choices = [*choices, (NEW_PROGRAM, _("A new program"))]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("program") == NEW_PROGRAM and not cleaned.get("new_program"):
            self.add_error("new_program", _("Enter the name of the new program."))
        return cleaned

    @property
    def chosen_program(self) -> Program | None:
        """The program that was chosen; None for a new one."""
        return self.programs.get(self.cleaned_data["program"])
