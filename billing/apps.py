from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Rates, claims and the documents sent to payers."""

    name = "billing"
