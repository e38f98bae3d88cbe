"""A client's insurance, and the lines of a payer's letter."""

from itertools import pairwise
from typing import Any

from django import forms

from clinic.forms.fields import BirthDateInput, LineInput, NameInput, StateInput, ZipInput
from clinic.models import Authorization, Patient, PatientInsurance, Payer, ServiceCode, Sex
from omnirapeutic.web.forms import Fieldset
from omnirapeutic.web.once import OnceForm

# What a claim needs of a subscriber who is not the client.
SUBSCRIBER = (
    "subscriber_first_name",
    "subscriber_last_name",
    "subscriber_date_of_birth",
    "subscriber_sex",
    "subscriber_street",
    "subscriber_city",
    "subscriber_state",
    "subscriber_zip_code",
)
WEEKDAYS = [
    (7, "Sunday"), (1, "Monday"), (2, "Tuesday"), (3, "Wednesday"), (4, "Thursday"), (5, "Friday"), (6, "Saturday"),
]  # fmt: skip
MOST_UNITS = 100_000
_QUIET = {"autocomplete": "off", "spellcheck": "false"}


class InsuranceForm(OnceForm):
    payer = forms.ModelChoiceField(label="Payer", queryset=Payer.objects.none(), empty_label="Choose")
    payer_rank = forms.ChoiceField(label="Rank", choices=PatientInsurance.Rank.choices)
    member_id = LineInput(
        label="Member ID", help_text="As printed on the card.", max_length=80, widget=forms.TextInput(attrs=_QUIET)
    )
    group_number = LineInput(label="Group number", max_length=50, required=False, widget=forms.TextInput(attrs=_QUIET))
    plan_name = LineInput(label="Plan name", max_length=60, required=False, widget=forms.TextInput(attrs=_QUIET))
    effective_date = forms.DateField(label="In force from", required=False)
    termination_date = forms.DateField(label="Until", required=False)
    relationship = forms.ChoiceField(
        label="The client is the subscriber's", choices=PatientInsurance.Relationship.choices
    )
    subscriber_first_name = NameInput(
        label="First name", max_length=35, required=False, widget=forms.TextInput(attrs=_QUIET)
    )
    subscriber_last_name = NameInput(
        label="Last name", max_length=60, required=False, widget=forms.TextInput(attrs=_QUIET)
    )
    subscriber_date_of_birth = BirthDateInput(label="Date of birth", required=False)
    subscriber_sex = forms.ChoiceField(label="Sex", choices=[("", "Choose"), *Sex.choices], required=False)
    subscriber_street = LineInput(label="Street", max_length=55, required=False, widget=forms.TextInput(attrs=_QUIET))
    subscriber_city = LineInput(label="City", max_length=30, required=False, widget=forms.TextInput(attrs=_QUIET))
    subscriber_state = StateInput(label="State", required=False)
    subscriber_zip_code = ZipInput(label="ZIP code", required=False)

    fieldsets = (
        Fieldset(
            "Coverage",
            ("payer", "payer_rank", "member_id", "group_number", "plan_name", "effective_date", "termination_date"),
        ),
        Fieldset("Relationship", ("relationship",)),
        Fieldset("Subscriber", SUBSCRIBER, "Needed unless the client is the subscriber."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payer: Any = self.fields["payer"]
        payer.queryset = Payer.objects.filter(is_active=True).order_by("name")

    def clean(self) -> dict[str, Any]:
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        if entered.get("relationship", PatientInsurance.Relationship.SELF) != PatientInsurance.Relationship.SELF:
            for name in SUBSCRIBER:
                if name not in self.errors and not entered.get(name):
                    self.add_error(name, "Needed, because the client is not the subscriber.")
        first, last = entered.get("effective_date"), entered.get("termination_date")
        if first and last and last < first:
            self.add_error("termination_date", "This is before the coverage begins.")
        return entered


class AuthorizationForm(OnceForm):
    """One line of a payer's letter."""

    insurance = forms.ModelChoiceField(label="Coverage", queryset=PatientInsurance.objects.none(), empty_label=None)
    authorization_number = LineInput(
        label="Authorization number",
        help_text="Lines of one letter share it. May be left out while the payer has not decided.",
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs=_QUIET),
    )
    status = forms.ChoiceField(
        label="Decision",
        choices=[(Authorization.Status.ACTIVE, "Approved"), (Authorization.Status.PENDING, "Not decided yet")],
    )
    service_code = forms.ChoiceField(label="Service")
    total_units = forms.IntegerField(
        label="Units", help_text="4 units are 1 hour: 480 units are 120 hours.", min_value=1, max_value=MOST_UNITS
    )
    start_date = forms.DateField(label="First day")
    end_date = forms.DateField(label="Last day")
    units_per_day = forms.IntegerField(label="Per day", min_value=1, max_value=MOST_UNITS, required=False)
    units_per_week = forms.IntegerField(label="Per week", min_value=1, max_value=MOST_UNITS, required=False)
    units_per_month = forms.IntegerField(label="Per month", min_value=1, max_value=MOST_UNITS, required=False)
    week_starts_on = forms.TypedChoiceField(label="The payer's week begins on", choices=WEEKDAYS, coerce=int)

    fieldsets = (
        Fieldset("Letter", ("insurance", "authorization_number", "status")),
        Fieldset("Line", ("service_code", "total_units", "start_date", "end_date")),
        Fieldset(
            "Caps",
            ("units_per_day", "units_per_week", "units_per_month", "week_starts_on"),
            "Only if the letter names them, in units.",
        ),
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        insurance: Any = self.fields["insurance"]
        insurance.queryset = patient.insurances.filter(is_active=True).order_by("payer_rank", "created_at")
        service: Any = self.fields["service_code"]
        codes = ServiceCode.objects.filter(is_billable=True).order_by("code")
        service.choices = [("", "Choose"), *((code.code, f"{code.code} {code.name}") for code in codes)]

    def clean(self) -> dict[str, Any]:
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        needs_number = (
            entered.get("status") == Authorization.Status.ACTIVE and "authorization_number" not in self.errors
        )
        if needs_number and not entered.get("authorization_number"):
            self.add_error("authorization_number", "An approved letter has a number: claims need it.")
        first, last = entered.get("start_date"), entered.get("end_date")
        if first and last and last < first:
            self.add_error("end_date", "This is before the first day.")
        self._clean_caps(entered)
        return entered

    def _clean_caps(self, entered: dict[str, Any]) -> None:
        """A longer period's cap is not smaller than a shorter one's, and none is larger than the line."""
        names = ("units_per_day", "units_per_week", "units_per_month", "total_units")
        given = [(name, entered[name]) for name in names if entered.get(name)]
        for (shorter, units), (longer, more_units) in pairwise(given):
            if units > more_units:
                self.add_error(shorter, f"More than {str(self.fields[longer].label).lower()} ({more_units}).")
