"""The programs' door: everything under ``/api/v1``, by keys; no cookie opens it, so that no page elsewhere can."""

from __future__ import annotations

from importlib.metadata import version

from flask import Blueprint, Response, jsonify

from portal.pages import anybody

pages = Blueprint("api", __name__, url_prefix="/api/v1")


@pages.get("/")
@anybody
def root() -> Response:
    """Which version this is; it needs no key, and says nothing else."""
    return jsonify({"name": "mellemregning", "version": version("mellemregning")})


from portal.api import (  # noqa: E402, F401 - they describe and add their views
    agreed,
    costs,
    crediting,
    delivering,
    documents,
    forecasts,
    hooks,
    interest,
    notices,
    openapi,
    paying,
    plans,
    population,
    prices,
    schemas,
    trail,
    usage,
    usage_loads,
    year_end,
)
