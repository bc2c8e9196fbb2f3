"""The web application: its doors put together, its one table of errors, and the headers that every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime
from http import HTTPStatus
from importlib.metadata import version

from flask import Flask, Response, abort, g, redirect, render_template, request, session, url_for
from flask.globals import request_ctx as request_context
from flask_wtf.csrf import CSRFError, CSRFProtect
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WebResponse

from foundation import clock
from foundation.database import DatabaseNotReady, DatabaseUnavailable
from foundation.errors import BadInput, MellemregningError, NotFound, RuleBroken
from foundation.settings import LANGUAGES, Settings
from migrations import DatabaseTooNew
from portal import (
    api,
    api_keys,
    background,
    finance,
    language,
    login,
    menu,
    metrics,
    municipality,
    parts,
    users,
    web_hooks,
)
from portal.access import keys
from portal.access.run import LoginRefused, TooManyTries
from portal.access.scope import NotAllowed
from portal.api import bodies, meter, problems
from portal.api.doors import METER
from portal.command_pages import told_on_page
from portal.language import _
from portal.pages import (
    EXTENSION,
    LARGEST_UPLOAD,
    SEE_OTHER,
    NotMarked,
    Place,
    Site,
    anybody,
    mark_of,
    request_id,
    safe_next,
)
from portal.web_settings import WebSettings

LOG = logging.getLogger("mellemregning.portal")
VERSION = version("mellemregning")  # read once: it costs more than most pages

# Nothing is loaded from anywhere else, nothing may frame us, and no script or style stands within a page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # The protection of forms asks, over TLS, from which page a form was sent.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

NUL = "\0"

# The first kind that fits decides, so what is narrower stands above.
STATUS_OF_ERROR: tuple[tuple[type[MellemregningError], int], ...] = (
    (DatabaseUnavailable, 503),
    (DatabaseNotReady, 503),
    (DatabaseTooNew, 503),
    (login.ProviderFailed, 503),
    (NotAllowed, 403),
    (keys.KeyRefused, 401),
    (keys.ScopeMissing, 403),
    (problems.BodyKindWrong, 415),
    (bodies.FileKindWrong, 415),
    (meter.TooManyCalls, 429),
    (LoginRefused, 401),
    (TooManyTries, 429),
    (NotFound, 404),
    (BadInput, 400),
    (RuleBroken, 409),
    (MellemregningError, 500),
)


def danish_of_status(status: int) -> tuple[str, str]:
    """What a person reads where the web itself says no: title, and what to do."""
    known = {
        400: (_("Forespørgslen kunne ikke forstås"), _("Ret den, og prøv igen.")),
        404: (_("Siden findes ikke"), _("Kontrollér adressen, eller gå til forsiden.")),
        405: (_("Det kan man ikke her"), _("Gå til forsiden, og begynd derfra.")),
        413: (_("Filen er for stor"), _("Vælg en fil på højst 20 MB. Intet er ændret.")),
        500: (
            _("Der er sket en fejl"),
            _("Intet er ændret. Prøv igen; bliver det ved, så kontakt den, der driver tjenesten."),
        ),
    }
    return known.get(status) or known[400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500]


def create_app(
    settings: Settings | None = None,
    web: WebSettings | None = None,
    *,
    now: Callable[[], datetime] = clock.now,
    day: Callable[[], date] = clock.today,
) -> Flask:
    """Build the application.

    Args:
        settings: Instead of what the environment says.
        web: Instead of what the environment says.
        now: The instant; a test passes a clock of its own.
        day: The business date; the demo stands still on a day of its own.
    """
    settings = settings or Settings.from_environment()
    web = web or WebSettings.from_environment()
    app = metrics.Application(__name__)
    behind_proxies(app, web.proxies)
    app.config.update(
        SECRET_KEY=web.secret_key,
        SESSION_COOKIE_NAME="mellemregning" if web.plain_http else "__Host-mellemregning",
        SESSION_COOKIE_SECURE=not web.plain_http,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_UPLOAD,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=2000,
        WTF_CSRF_TIME_LIMIT=None,  # a form is good for as long as the session is
    )
    app.extensions[EXTENSION] = Site(settings.database_url, web, now, day)
    app.extensions[METER] = meter.Meter(web.api_calls, web.api_refusals)
    background.prepare(app, app.extensions[EXTENSION])
    app.url_map.converters["place"] = Place
    _around_each_request(app, settings)
    metrics.observe(app)
    # No cookie opens the API, so that nothing can be sent to it in a visitor's name.
    CSRFProtect(app).exempt(api.pages)
    parts.prepare(app)
    menu.prepare(app)
    login.prepare(app, web)
    _public_pages(app)
    for door in (
        login.pages,
        users.pages,
        finance.pages,
        municipality.pages,
        municipality.open_pages,
        api_keys.pages,
        web_hooks.pages,
        api.pages,
    ):
        app.register_blueprint(door)
    anybody(app.view_functions["static"])
    unmarked = [name for name, view in app.view_functions.items() if mark_of(view) is None]
    if unmarked:
        raise NotMarked(unmarked)
    app.register_error_handler(MellemregningError, our_error)
    app.register_error_handler(CSRFError, form_error)
    app.register_error_handler(HTTPException, web_error)
    return app


def behind_proxies(app: Flask, count: int) -> None:
    """Believe so many proxies before us, no more, on who asks and whether by TLS; none unless somebody says so."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


def _public_pages(app: Flask) -> None:
    @app.get("/healthz")
    @anybody
    def health() -> Response:
        """Whether the process answers."""
        return Response("ok", mimetype="text/plain")

    @app.get("/readyz")
    @anybody
    def readiness() -> Response:
        """Whether the database answers and is at the newest migration."""
        _require_ready(app)
        return Response("ok", mimetype="text/plain")

    @app.get("/metrics")
    @anybody
    def figures() -> Response:
        """What was counted, for a Prometheus on this machine or with the token; nothing of it for anybody else."""
        site: Site = app.extensions[EXTENSION]
        metrics.require_scraper(site.settings.metrics_token)
        return metrics.answer(app)

    @app.post("/sprog")
    @anybody
    def choose_language() -> WebResponse:
        """Speak another language to this visitor from now on."""
        wanted = request.form.get("language", "")
        if wanted in LANGUAGES:
            session["language"] = wanted
        return redirect(safe_next(request.form.get("next")) or url_for("login.front_page"), SEE_OTHER)


def _require_ready(app: Flask) -> None:
    """Pass if the database answers now and has the tables of this version; looked at afresh each time.

    Raises:
        DatabaseUnavailable, DatabaseNotReady, DatabaseTooNew.
    """
    site: Site = app.extensions[EXTENSION]
    fresh = Site(site.database_url, site.settings)
    try:
        _ = fresh.database
    finally:
        fresh.close()


def _around_each_request(app: Flask, settings: Settings) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request.headers.get("X-Request-ID"))
        language.speak(settings.language)
        chosen = session.get("language")
        if chosen in LANGUAGES:
            language.speak(chosen)
        view = app.view_functions.get(request.endpoint or "")
        if view is not None and mark_of(view) is None:
            raise NotMarked(request.endpoint)
        refuse_nul()
        if request.scheme not in {"http", "https"}:  # a proxy's word, which addresses of ours would be made of
            abort(400)

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["X-Request-ID"] = g.get("request_id", "")
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "public, max-age=86400"
        else:
            response.headers["Cache-Control"] = "private, no-cache" if of_a_program() else "no-store"
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    @app.teardown_request
    def done(_error: BaseException | None) -> None:
        language.speak(None)

    @app.context_processor
    def known_to_all_pages() -> dict[str, object]:
        return {"version": VERSION}


def refuse_nul() -> None:
    """Stop a request with a character that nobody types and that PostgreSQL cannot keep."""
    if NUL in request.path:
        abort(404)
    # A program's body is not read here: reading it as a form would leave nothing for its own check, which refuses more.
    read = (request.args,) if of_a_program() else (request.args, request.form)
    if any(NUL in value for given in read for _key, value in given.items(multi=True)):
        abort(400)


def of_a_program() -> bool:
    """Whether it is a program that asks, which reads no pages."""
    return request.path.startswith(f"{problems.PREFIX}/")


def our_error(error: MellemregningError) -> tuple[str, int] | Response:
    """An error of ours as a page: its own sentence, with the status of its kind; as a problem for a program."""
    status = next(status for kind, status in STATUS_OF_ERROR if isinstance(error, kind))
    if of_a_program():
        return problems.problem_of(error, status)
    return page_of_error(_("Det kunne ikke lade sig gøre"), told_on_page(error)), status


def form_error(_error: CSRFError) -> tuple[str, int]:
    """A form that was not sent from a page of ours, or from one that is too old."""
    advice = _("Formularen er for gammel eller blev ikke sendt herfra. Gå tilbage, hent siden igen, og prøv igen.")
    return page_of_error(_("Intet er ændret"), advice), 400


def web_error(error: HTTPException) -> WebResponse:
    """An error of the web as a page, with its headers; a redirect stays what it is."""
    response = error.get_response()
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        title, advice = danish_of_status(response.status_code)
        if of_a_program():
            told = problems.problem(response.status_code, error.name.replace(" ", ""), f"{title}. {advice}")
            told.headers.extend((name, value) for name, value in response.headers if name == "Allow")
            return told
        response.set_data(page_of_error(title, advice))
    return response


def page_of_error(title: str, message: str) -> str:
    """A page that says what went wrong and what to do; a bare one where the visitor's words leave us no address."""
    if request_context.url_adapter is None:
        return str(
            Markup("<!doctype html><html lang='da'><title>{0}</title><h1>{0}</h1><p>{1}</p>").format(title, message)
        )
    return render_template("error.html", title=title, message=message)
