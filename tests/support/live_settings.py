"""Settings of a server that a test starts: those of `make run`, with what the test is about added or taken away."""

from omnirapeutic.settings.dev import *  # noqa: F403
from omnirapeutic.settings.dev import DATABASES, env

if env.bool("FAULTY_URLS", False):
    ROOT_URLCONF = "tests.support.faulty_urls"

# The controls: one protection less.
if env.bool("WITHOUT_HEALTH_CHECKS", False):
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
if env.bool("WITHOUT_RECONNECT_TIMEOUT", False):
    del DATABASES["default"]["OPTIONS"]["pool"]["reconnect_timeout"]
