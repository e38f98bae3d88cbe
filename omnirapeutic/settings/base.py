"""Settings that hold in every environment. What differs is read from environment variables."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "omnirapeutic.web.static_config.ClinicStaticFilesConfig",
    "omnirapeutic.web.admin_config.ClinicAdminConfig",
    "csp",
    "django_htmx",
    "procrastinate.contrib.django",
    "template_partials",
    "omnirapeutic",
    "omnirapeutic.audit",
    "omnirapeutic.web",
    "clinic",
    "scheduling",
    "sessions",
    "billing",
]

MIDDLEWARE = [
    "omnirapeutic.web.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "omnirapeutic.web.middleware.ResponseHeadersMiddleware",
    # Holds the transaction around everything that follows, rendering included.
    "omnirapeutic.tenancy.middleware.TenancyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "omnirapeutic.tenancy.middleware.IdentityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "omnirapeutic.web.middleware.FragmentMessagesMiddleware",
]

ROOT_URLCONF = "omnirapeutic.urls"
WSGI_APPLICATION = "omnirapeutic.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "omnirapeutic.web.navigation.page_context",
            ],
        },
    },
]


def database(url_variable: str, *, pool: bool) -> dict[str, Any]:
    """One PostgreSQL alias from an URL in the environment.

    Parameters are bound on the server, so that no patient data stands in its statement log; prepared statements stay
    off, because PgBouncer in transaction mode gives the next transaction another server connection.
    """
    settings: dict[str, Any] = env.db_url(url_variable)
    settings["ENGINE"] = "django.db.backends.postgresql"
    settings["DISABLE_SERVER_SIDE_CURSORS"] = True
    options = settings.setdefault("OPTIONS", {})
    options["server_side_binding"] = True
    options.setdefault("application_name", "omnirapeutic")
    if pool:
        settings["CONN_HEALTH_CHECKS"] = True
        options["pool"] = {
            "min_size": env.int("DATABASE_POOL_MIN", 1),
            "max_size": env.int("DATABASE_POOL_MAX", 10),
            "timeout": 10,
            # Else it tries less and less often: minutes after an outage it would still not have tried again.
            "reconnect_timeout": 5,
        }
    return settings


DATABASE_POOL = env.bool("DATABASE_POOL", True)
DATABASES: dict[str, dict[str, Any]] = {"default": database("DATABASE_URL", pool=DATABASE_POOL)}
# Only the migration task holds the owner's credentials; web and worker start without them.
if "DATABASE_OWNER_URL" in env.ENVIRON:
    DATABASES["owner"] = database("DATABASE_OWNER_URL", pool=False)
if "DATABASE_REPLICA_URL" in env.ENVIRON:
    DATABASES["replica"] = database("DATABASE_REPLICA_URL", pool=DATABASE_POOL)
DATABASE_ROUTERS = ["omnirapeutic.tenancy.routers.TenancyRouter"]
# The background worker waits for notifications, which needs a way around PgBouncer where there is one.
WORKER_DATABASE_URL = env.str("DATABASE_DIRECT_URL", "")
PROCRASTINATE_IMPORT_PATHS = ["omnirapeutic.tenancy.tasks", "omnirapeutic.web.tasks"]
# What fell due while no worker ran, up to a day ago, is made up for once.
PROCRASTINATE_PERIODIC_DEFAULTS = {"max_delay": 24 * 60 * 60.0}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Their tables are not made: permissions are roles in code, and the admin's own log would keep patients' names.
MIGRATION_MODULES = {"auth": None, "admin": None}

AUTH_USER_MODEL = "clinic.User"
AUTHENTICATION_BACKENDS = ["clinic.sign_in.EmailBackend"]
PASSWORD_HASHERS = ["omnirapeutic.web.hashers.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "start"

SESSION_ENGINE = "omnirapeutic.tenancy.web_session"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "omnirapeutic.web.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS: list[Path] = []

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / ".data" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "omnirapeutic.web.storage.HashedStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 60

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# A claim goes out marked "test" until the clinic's clearinghouse has accepted test files.
CLAIM_USAGE_INDICATOR = env.str("CLAIM_USAGE_INDICATOR", "T")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "omnirapeutic.web.logs.SafeFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "omnirapeutic": {"level": "INFO"},
        "django.db.backends": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
    },
}
