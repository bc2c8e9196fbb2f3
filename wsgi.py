"""The web application, for a WSGI server: ``gunicorn --config deploy/gunicorn.conf.py wsgi:app``."""

import os

from portal import logs
from portal.app import create_app

logs.to_stderr(os.environ.get("MELLEMREGNING_LOG_LEVEL", "info"))
app = create_app()
