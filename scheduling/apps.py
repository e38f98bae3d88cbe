from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Appointments and who is free when."""

    name = "scheduling"
