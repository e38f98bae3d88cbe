"""One form, one effect: the second submission of a form is answered with the first one's result."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

from omnirapeutic.tenancy import context
from omnirapeutic.web.forms import Form
from omnirapeutic.web.htmx import redirect

FIELD = "form_token"


class OnceForm(Form):
    """A form that writes. It carries the token by which its second submission finds the first one's result."""

    form_token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)

    @property
    def values(self) -> dict[str, Any]:
        """What was entered, cleaned, without the form's own bookkeeping."""
        return {name: value for name, value in self.cleaned_data.items() if not self.fields[name].widget.is_hidden}


def once(request: HttpRequest, write: Callable[[], str]) -> HttpResponse:
    """Runs `write`, which returns the address to go to, unless this form was submitted before.

    The token is stored with its result in the same transaction. A twin that arrives at the same moment waits for the
    first to commit; if the first failed, the twin does the work. A submission without a valid token simply runs.
    Whatever `write` raises leaves nothing behind, the token neither: the corrected form may be sent again.
    """
    try:
        token = UUID(request.POST.get(FIELD, ""))
    except ValueError:
        return redirect(request, write())
    tenant = context.required()
    key: list[Any] = [tenant.organization_id, tenant.user_id, token]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO form_tokens (organization_id, user_id, token) VALUES (%s, %s, %s)"
            " ON CONFLICT ON CONSTRAINT form_tokens_once DO NOTHING",
            key,
        )
        if cursor.rowcount == 0:
            cursor.execute(
                "SELECT result_url FROM form_tokens WHERE organization_id = %s AND user_id = %s AND token = %s", key
            )
            return redirect(request, cursor.fetchone()[0])
        url = write()
        cursor.execute(
            "UPDATE form_tokens SET result_url = %s WHERE organization_id = %s AND user_id = %s AND token = %s",
            [url, *key],
        )
    return redirect(request, url)
