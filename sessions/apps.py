from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Therapy sessions: what was measured, noted and signed. (Web sessions are omnirapeutic.tenancy.web_session.)"""

    name = "sessions"
    label = "therapy_sessions"
