"""The portal on the benchmark's day, for gunicorn: ``benchmarks.portal_site:app``; see ``benchmarks/portal.py``."""

from __future__ import annotations

from benchmarks.portal import DAY
from portal import logs
from portal.app import create_app
from portal.web_settings import WebSettings

logs.to_stderr()
app = create_app(web=WebSettings.from_environment(), day=lambda: DAY)
