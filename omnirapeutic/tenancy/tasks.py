"""Background work on what belongs to no organisation."""

from procrastinate.contrib.django import app

from omnirapeutic.tenancy.web_session import SessionStore


@app.periodic(cron="15 4 * * *")
@app.task(name="tenancy.clear_expired_web_sessions", queueing_lock="tenancy.clear_expired_web_sessions")
def clear_expired_web_sessions(timestamp: int) -> None:
    """Removes the rows of web sessions that have ended by time; they have let nobody in since."""
    SessionStore.clear_expired()
