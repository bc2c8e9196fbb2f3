"""The pages of a municipality that pays: everything under ``/kommune/<place>``."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("municipality", __name__, url_prefix="/kommune/<place:place>")

from portal.municipality import front  # noqa: E402, F401 - it adds its views to the blueprint above
