from django.contrib.staticfiles.apps import StaticFilesConfig


class ClinicStaticFilesConfig(StaticFilesConfig):
    """Static files without django-htmx's: we serve our own htmx, and theirs name modules that do not exist."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx"]
