from django.apps import AppConfig


class ClinicConfig(AppConfig):
    """Organisations, people, clients, insurance, authorizations and their unit ledger."""

    name = "clinic"
