"""Production refuses to start with a secret that is missing or known, and trusts nothing that is not named."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys

import pytest

from tests.support.postgres import PROJECT

SECRET = secrets.token_urlsafe(64)
PROPER = {
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "clinic.example",
    "DATABASE_URL": "postgresql://omnirapeutic_app@db.example/omnirapeutic",
}
SHOW = """
import json, django
django.setup()
from django.conf import settings
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def start(settings: str = "production", **environment: str) -> subprocess.CompletedProcess[str]:
    """A process with these variables and none of ours."""
    variables = {"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": f"omnirapeutic.settings.{settings}", **environment}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOW],
        env=variables,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def read(**environment: str) -> dict[str, object]:
    done = start(**environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_it_starts_with_what_it_needs() -> None:
    assert read(**PROPER)["ALLOWED_HOSTS"] == ["clinic.example"]


@pytest.mark.parametrize("missing", PROPER)
def test_it_does_not_start_without(missing: str) -> None:
    done = start(**{name: value for name, value in PROPER.items() if name != missing})
    assert done.returncode != 0
    assert missing in done.stderr


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM",  # 49 characters
        "change-me-" + "x" * 60,
        "Change this before production, please, it is not secret",
        "django-insecure-" + SECRET,
        "secret" + "x" * 60,
        "only-for-the-test-suite",
        "a" * 64,
        "abababababababababababababababababababababababababababababab",
    ],
)
def test_it_does_not_start_with_the_secret(secret: str) -> None:
    done = start(**PROPER | {"SECRET_KEY": secret})
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
    assert not secret or secret not in done.stderr


def test_the_example_is_not_a_secret() -> None:
    """Who copies .env.example and changes nothing is told."""
    lines = (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines()
    assigned = dict(
        line.lstrip("# ").split("=", 1) for line in lines if "=" in line and " " not in line.split("=")[0].strip("# ")
    )
    done = start(**PROPER | {"SECRET_KEY": assigned.get("SECRET_KEY", "")})
    assert done.returncode != 0


def test_what_it_trusts() -> None:
    settings = read(**PROPER, DEBUG="true", CSRF_TRUSTED_ORIGINS="")
    assert settings["DEBUG"] is False
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True
    assert settings["SESSION_COOKIE_NAME"] == "__Host-session"
    assert settings["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert settings["SESSION_COOKIE_HTTPONLY"] is settings["CSRF_COOKIE_HTTPONLY"] is True
    assert int(str(settings["SECURE_HSTS_SECONDS"])) >= 365 * 24 * 60 * 60
    assert settings["CSRF_TRUSTED_ORIGINS"] == []
    assert "*" not in settings["ALLOWED_HOSTS"]  # type: ignore[operator]


def test_the_web_server_runs_without_the_owners_credentials() -> None:
    databases = read(**PROPER)["DATABASES"]
    assert isinstance(databases, dict)
    assert "owner" not in databases
    options = databases["default"]["OPTIONS"]
    assert options["server_side_binding"] is True
    assert options["pool"]["max_size"] >= 1
    assert databases["default"]["CONN_HEALTH_CHECKS"] is True


def test_the_policy_for_content_allows_nothing_inline() -> None:
    policy = read(**PROPER)["CONTENT_SECURITY_POLICY"]
    assert isinstance(policy, dict)
    directives = policy["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == ["'self'"]
    assert "unsafe" not in json.dumps(directives)


def test_passwords_are_hashed_as_they_should() -> None:
    from django.contrib.auth.hashers import make_password

    algorithm, kind, _, parameters, *_ = make_password("a long sentence for tests").split("$")
    assert (algorithm, kind) == ("argon2", "argon2id")
    assert parameters == f"m={19 * 1024},t=2,p=1"


def test_the_suite_itself_runs_as_production_does() -> None:
    """The same middleware in the same order; a difference would be untested."""
    from django.conf import settings

    assert settings.DEBUG is False
    assert read(**PROPER)["MIDDLEWARE"] == list(settings.MIDDLEWARE)
