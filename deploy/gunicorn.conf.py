"""Gunicorn: some processes, some threads in each, and the figures of all of them together.

``gunicorn --config deploy/gunicorn.conf.py wsgi:app``. What differs from machine to machine is an environment variable.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

FIGURES = "PROMETHEUS_MULTIPROC_DIR"
SECRET_KEY = "MELLEMREGNING_SECRET_KEY"  # noqa: S105 - the variable's name

bind = os.environ.get("MELLEMREGNING_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("MELLEMREGNING_WORKERS", "2"))
threads = int(os.environ.get("MELLEMREGNING_THREADS", "4"))
worker_class = "gthread"
timeout = 120  # a workbook takes its seconds
graceful_timeout = 60
keepalive = 5
control_socket_disable = True  # systemd is who controls it
max_requests = 20_000  # a worker is renewed now and then, not all at once
max_requests_jitter = 2_000
accesslog = None  # every request is told by the application, without what was typed
# Whether a proxy is believed, and how many, is said by MELLEMREGNING_PROXIES alone.
forwarded_allow_ips = ""
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# Looked at by the Prometheus client when it is first imported, which is after this.
os.environ.setdefault(FIGURES, str(Path(tempfile.gettempdir()) / f"mellemregning-figures-{os.getpid()}"))


def on_starting(_server: Any) -> None:  # noqa: ANN401 - gunicorn carries no types
    """Refuse a start that would log people out by chance, and begin the figures anew."""
    if workers > 1 and not os.environ.get(SECRET_KEY):
        sys.exit(f"{SECRET_KEY} mangler: alle processer skal kende den samme nøgle. Se docs/operations.md.")
    shutil.rmtree(os.environ[FIGURES], ignore_errors=True)
    Path(os.environ[FIGURES]).mkdir(parents=True, mode=0o700)
    from portal import logs  # noqa: PLC0415 - as below

    logs.to_stderr(os.environ.get("MELLEMREGNING_LOG_LEVEL", "info"))


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401 - as above
    """Note that a worker is gone; what it counted stays."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - not before the folder is there

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:  # noqa: ANN401 - as above
    """Leave nothing behind."""
    shutil.rmtree(os.environ[FIGURES], ignore_errors=True)
