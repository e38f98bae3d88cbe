"""Web sessions: the row carries the person and the organisation, and resuming it sets the tenant context."""

import hashlib
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from omnirapeutic.db import functions
from omnirapeutic.db.functions import Identity
from omnirapeutic.tenancy import context

USER_KEY = "_auth_user_id"
ORGANIZATION_KEY = "organization_id"


def hash_key(session_key: str) -> str:
    """What is stored for a cookie's key, so that reading the table signs nobody in."""
    return hashlib.sha256(session_key.encode()).hexdigest()


class SessionStore(SessionBase):
    """A web session in the `web_sessions` table. `identity` is the signed-in person after `load`, else None.

    It ends at a fixed time, SESSION_COOKIE_AGE after its row was made (signing in makes one): saving it later does not
    put the end off.
    """

    identity: Identity | None = None
    _ends: datetime | None = None  # of the row; None before there is one

    def load(self) -> dict[str, Any]:
        resumed = functions.resume_web_session(hash_key(self.session_key)) if self.session_key else None
        if resumed is None:
            self._session_key = None
            return {}
        self.identity = resumed.identity
        self._ends = resumed.expire_date
        if resumed.identity is not None:
            who = resumed.identity
            context.adopt(context.Tenant(who.organization_id, who.user_id, who.email))
        return self.decode(resumed.session_data)

    def exists(self, session_key: str | None = None) -> bool:
        key = session_key or self.session_key
        return key is not None and bool(
            self._run("SELECT 1 FROM web_sessions WHERE session_key_sha256 = %s", [hash_key(key)])
        )

    def create(self) -> None:
        self._ends = None
        self._ends = self.get_expiry_date()
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        values: list[Any] = [
            self.encode(data),
            data.get(USER_KEY),
            data.get(ORGANIZATION_KEY),
            hash_key(self.session_key),
        ]
        if must_create:
            try:
                with context.shared(), transaction.atomic():
                    self._run(
                        "INSERT INTO web_sessions (session_data, user_id, organization_id, session_key_sha256,"
                        " expire_date) VALUES (%s, %s::uuid, %s::uuid, %s, %s)",
                        [*values, self.get_expiry_date()],
                    )
            except IntegrityError as error:
                raise CreateError from error
            return None
        updated = self._run(
            "UPDATE web_sessions SET session_data = %s, user_id = %s::uuid, organization_id = %s::uuid"
            " WHERE session_key_sha256 = %s",
            values,
        )
        if not updated:
            # It was ended elsewhere while this request ran.
            raise UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            self._run("DELETE FROM web_sessions WHERE session_key_sha256 = %s", [hash_key(key)])

    @classmethod
    def clear_expired(cls) -> None:
        cls._run("DELETE FROM web_sessions WHERE expire_date < now()", [])

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        expiry: datetime = self._ends or super().get_expiry_date(**kwargs)
        return expiry

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Seconds that are left: the cookie ends with the row."""
        return max(0, round((self.get_expiry_date(**kwargs) - timezone.now()).total_seconds()))

    @staticmethod
    def _run(sql: str, params: list[Any]) -> int:
        with context.shared(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)


def end_web_sessions_of(user_id: Any, *, except_key_hash: str = "") -> int:
    """Ends every session of a person at once, but for one: they were switched off, got another role or password."""
    return SessionStore._run(
        "DELETE FROM web_sessions WHERE user_id = %s::uuid AND session_key_sha256 <> %s", [user_id, except_key_hash]
    )
