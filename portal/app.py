"""The web application: its pages, its one table of errors, and the headers that every answer carries.

So far there is a page that says what the service is, and two addresses for whoever watches over it. The work is done by
the command ``mellemregning``.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from importlib.metadata import version

from flask import Flask, Response, render_template
from sqlalchemy import make_url
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WebResponse

import migrations
from foundation.database import Database, DatabaseNotReady, DatabaseUnavailable
from foundation.errors import BadInput, MellemregningError, NotFound, RuleBroken
from foundation.settings import Settings

# Nothing is loaded from anywhere, nothing may frame us, and no script runs. A page's style is a file of ours.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# The first kind that fits decides, so what is narrower stands above.
STATUS_OF_ERROR: tuple[tuple[type[MellemregningError], int], ...] = (
    (DatabaseUnavailable, 503),
    (DatabaseNotReady, 503),
    (NotFound, 404),
    (BadInput, 400),
    (RuleBroken, 409),
    (MellemregningError, 500),
)

# What a person reads where the web itself says no: title, and what to do. Others are told as 400 or 500.
DANISH_OF_STATUS = {
    400: ("Forespørgslen kunne ikke forstås", "Ret den, og prøv igen."),
    404: ("Siden findes ikke", "Kontrollér adressen, eller gå til forsiden."),
    405: ("Det kan man ikke her", "Gå til forsiden, og begynd derfra."),
    500: ("Der er sket en fejl", "Intet er ændret. Prøv igen; bliver det ved, så kontakt den, der driver tjenesten."),
}


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application.

    Args:
        settings: Instead of what the environment says.
    """
    database_url = (settings or Settings.from_environment()).database_url
    app = Flask(__name__)

    @app.get("/")
    def front_page() -> str:
        """What this is, and where the work is done for now."""
        return render_template("front_page.html", version=version("mellemregning"))

    @app.get("/healthz")
    def health() -> Response:
        """Whether the process answers."""
        return Response("ok", mimetype="text/plain")

    @app.get("/readyz")
    def readiness() -> Response:
        """Whether the database answers and is at the newest migration."""
        require_newest_migration(database_url)
        return Response("ok", mimetype="text/plain")

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    app.register_error_handler(MellemregningError, our_error)
    app.register_error_handler(HTTPException, web_error)
    return app


def our_error(error: MellemregningError) -> tuple[str, int]:
    """An error of ours as a page: its own sentence, with the status of its kind."""
    status = next(status for kind, status in STATUS_OF_ERROR if isinstance(error, kind))
    return page_of_error("Det kunne ikke lade sig gøre", error.text()), status


def web_error(error: HTTPException) -> WebResponse:
    """An error of the web as a page, with its headers; a redirect stays what it is."""
    response = error.get_response()
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        whose = 400 if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else 500
        title, advice = DANISH_OF_STATUS.get(response.status_code) or DANISH_OF_STATUS[whose]
        response.set_data(page_of_error(title, advice))
    return response


def page_of_error(title: str, message: str) -> str:
    """A page that says what went wrong and what to do."""
    return render_template("error.html", title=title, message=message)


def require_newest_migration(database_url: str) -> None:
    """Pass if the database answers and has the tables of this version.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseNotReady: it has no tables, or those of another version.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and not os.path.exists(url.database or ""):  # noqa: PTH110 - never raises
        raise DatabaseNotReady  # looking would make the file
    database = Database(database_url)
    try:
        if migrations.current(database) != migrations.newest():
            raise DatabaseNotReady
    finally:
        database.dispose()
