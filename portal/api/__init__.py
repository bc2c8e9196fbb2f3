"""The programs' door: everything under ``/api/v1``. So far it says which version answers."""

from __future__ import annotations

from importlib.metadata import version

from flask import Blueprint, Response, jsonify

from portal.pages import anybody

pages = Blueprint("api", __name__, url_prefix="/api/v1")


@pages.get("/")
@anybody
def root() -> Response:
    """Which version this is; it needs no token, and says nothing else."""
    return jsonify({"name": "mellemregning", "version": version("mellemregning")})
