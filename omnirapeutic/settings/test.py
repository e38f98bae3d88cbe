"""The test suite. The database addresses are put into the environment by tests/conftest.py."""

import os

os.environ.setdefault("DATABASE_URL", "postgresql://omnirapeutic_app@127.0.0.1:1/not-started")
os.environ.setdefault("DATABASE_OWNER_URL", "postgresql://omnirapeutic_owner@127.0.0.1:1/not-started")

from .base import *  # noqa: F403
from .base import DATABASES

SECRET_KEY = "only-for-the-test-suite"  # noqa: S105
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
DEBUG = False
for _settings in DATABASES.values():
    _settings["OPTIONS"].pop("pool", None)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
