"""Background work on what the web part of the application leaves behind."""

from django.db import connection
from procrastinate.contrib.django import app

from omnirapeutic.db import functions
from omnirapeutic.tenancy.context import tenant

# A form that was left open longer than this is filled in anew; a web session ends long before.
KEPT_FOR = "7 days"


@app.periodic(cron="25 4 * * *")
@app.task(name="web.clear_form_tokens", queueing_lock="web.clear_form_tokens")
def clear_form_tokens(timestamp: int) -> None:
    """Removes the tokens of forms that nobody can send a second time any more, in every organisation."""
    for organization_id in functions.worker_organizations():
        with tenant(organization_id), connection.cursor() as cursor:
            cursor.execute("DELETE FROM form_tokens WHERE created_at < now() - %s::interval", [KEPT_FOR])
