"""gunicorn's settings, for `make run` and for production. Each variable is one of gunicorn's own settings.

    gunicorn -c python:omnirapeutic.gunicorn omnirapeutic.wsgi:application

Loopback unless BIND says otherwise: gunicorn belongs behind a proxy that buffers slow clients.
"""

import os
from pathlib import Path

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"

workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "gthread"
threads = 8
reuse_port = True  # a socket for each worker: with a shared one, two workers lost half their throughput

timeout = 60
graceful_timeout = 30  # SIGTERM finishes what is in flight
keepalive = 5

limit_request_line = 4094  # bytes
limit_request_fields = 64
limit_request_field_size = 8190  # bytes

# No access log: addresses name organisations and records, and the audit trail has what must be kept.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("GUNICORN_LOG_LEVEL") or "info"

# Two servers of one account would fight for the file in its home.
control_socket_disable = True
# The workers' heartbeat stays off slow disks.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
