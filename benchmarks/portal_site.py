"""The portal on the benchmark's day, for gunicorn: ``benchmarks.portal_site:app``; see ``benchmarks/portal.py``.

It has one page more: an empty one behind the log-in, which is the floor of all others.
"""

from __future__ import annotations

from flask import render_template_string

from benchmarks.portal_data import DAY
from portal import logs
from portal.app import create_app
from portal.pages import anybody_here
from portal.web_settings import WebSettings

logs.to_stderr()
app = create_app(web=WebSettings.from_environment(), day=lambda: DAY)


@app.get("/tom")
@anybody_here
def empty() -> str:
    """Nothing but what every page has: who it is, the transaction, the frame."""
    return render_template_string('{% extends "base.html" %}{% block main %}<h1>Tom</h1>{% endblock %}')
