"""Intake of a client, and changes to one."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms

from clinic.forms.fields import BirthDateInput, DiagnosisInput, LineInput, NameInput, PhoneInput, StateInput, ZipInput
from clinic.models import Patient, Sex, StaffMember
from omnirapeutic.web.forms import Fieldset
from omnirapeutic.web.once import OnceForm

SUPERVISING = (StaffMember.Credential.BCBA, StaffMember.Credential.BCBA_D)
_QUIET = {"autocomplete": "off", "spellcheck": "false"}


class ClientForm(OnceForm):
    """What a claim needs to know of a client, and whom to call."""

    first_name = NameInput(label="First name", max_length=35, widget=forms.TextInput(attrs=_QUIET))
    last_name = NameInput(label="Last name", max_length=60, widget=forms.TextInput(attrs=_QUIET))
    date_of_birth = BirthDateInput(label="Date of birth")
    sex = forms.ChoiceField(label="Sex", help_text="As the payer has it.", choices=[("", "Choose"), *Sex.choices])
    primary_diagnosis_code = DiagnosisInput(label="Primary diagnosis", help_text="ICD-10, usually F84.0.")
    street = LineInput(label="Street", max_length=55, widget=forms.TextInput(attrs=_QUIET))
    city = LineInput(label="City", max_length=30, widget=forms.TextInput(attrs=_QUIET))
    state = StateInput(label="State")
    zip_code = ZipInput(label="ZIP code")
    guardian_name = NameInput(label="Name", max_length=100, required=False, widget=forms.TextInput(attrs=_QUIET))
    guardian_phone = PhoneInput(label="Phone", required=False)
    guardian_email = forms.EmailField(
        label="Email", max_length=254, required=False, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )

    fieldsets: ClassVar[Sequence[Fieldset]] = (
        Fieldset("Client", ("first_name", "last_name", "date_of_birth", "sex", "primary_diagnosis_code")),
        Fieldset("Address", ("street", "city", "state", "zip_code"), "Where the client lives."),
        Fieldset("Caregiver", ("guardian_name", "guardian_phone", "guardian_email")),
    )


class IntakeForm(ClientForm):
    analyst = forms.ModelChoiceField(
        label="Supervising analyst",
        help_text="Sees the client's programs and sessions from today on.",
        queryset=StaffMember.objects.none(),
        required=False,
        empty_label="Not decided",
    )

    fieldsets = (*ClientForm.fieldsets, Fieldset("Care team", ("analyst",)))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        analyst: Any = self.fields["analyst"]
        analyst.queryset = StaffMember.objects.active().filter(credential__in=SUPERVISING)


class ClientEditForm(ClientForm):
    """Remembers which version of the record it was filled from."""

    seen_at = forms.DateTimeField(widget=forms.HiddenInput, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z"])

    @classmethod
    def values_of(cls, patient: Patient) -> dict[str, Any]:
        """What the form shows of a saved client."""
        seen_at = patient.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%f%z")
        return {name: getattr(patient, name) for name in ClientForm.base_fields if hasattr(patient, name)} | {
            "seen_at": seen_at
        }

    def differences(self, current: Patient) -> list[dict[str, str]]:
        """Field by field what was entered and what is saved, where they differ."""
        pairs = [(self[name], value, getattr(current, name)) for name, value in self.values.items()]
        return [
            {"label": str(bound.label), "submitted": str(entered), "current": "" if saved is None else str(saved)}
            for bound, entered, saved in pairs
            if (entered or None) != (saved or None)
        ]
