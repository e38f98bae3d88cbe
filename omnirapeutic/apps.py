"""The project as an app: its commands, checks and template tags."""

from django.apps import AppConfig


class OmnirapeuticConfig(AppConfig):
    name = "omnirapeutic"

    def ready(self) -> None:
        from omnirapeutic import checks  # noqa: F401
        from omnirapeutic.tenancy import context

        context.install_guard()
