"""What may be asked of the biller's pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from omnirapeutic.web.forms import Form

STATES = (("", _("All")), ("ready", _("Ready")), ("waiting", _("Not ready")))


class WorklistFilter(Form):
    """Which part of the worklist to show; everything for anything else."""

    state = forms.ChoiceField(choices=STATES, required=False)

    @property
    def chosen(self) -> str:
        return str(self.cleaned_data["state"]) if self.is_valid() else ""
