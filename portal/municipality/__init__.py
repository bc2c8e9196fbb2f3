"""The pages of a municipality that pays: everything under ``/kommune/<place>``, and its calendars."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("municipality", __name__, url_prefix="/kommune/<place:place>")
# A calendar program cannot log in; the address itself is what opens it.
open_pages = Blueprint("calendars", __name__, url_prefix="/kalender")

from portal.municipality import agreements, cases, front, notices, papers, wheel  # noqa: E402, F401 - they add their views
