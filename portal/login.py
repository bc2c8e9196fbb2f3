"""The way in and out: the front page, login by password and by OpenID Connect, logging out, one's own password."""

from __future__ import annotations

import logging
from typing import Any

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.wrappers import Response as WebResponse

from foundation import users
from foundation.audit import Occasion
from foundation.errors import MellemregningError, N_
from portal.access import passwords
from portal.access import run as access
from portal.access.run import LoginRefused
from portal.access.scope import Deed, Person, PlaceUnknown
from portal.language import _
from portal.pages import SEE_OTHER, TOKEN, anybody, anybody_here, connection, occasion, person, safe_next, site
from portal.web_settings import WebSettings

pages = Blueprint("login", __name__)
LOG = logging.getLogger("mellemregning.portal")
OIDC = "mellemregning.oidc"
PROVIDER = "provider"


class ProviderFailed(MellemregningError):
    """The identity provider does not answer, or not as it should."""

    danish = N_("Login gennem {title} lykkedes ikke. Prøv igen, eller log ind med adgangskode.")


def prepare(app: Flask, settings: WebSettings) -> None:
    """Tell Authlib who vouches for people, if anybody does."""
    oauth = OAuth(app)
    if settings.oidc_url:
        oauth.register(
            PROVIDER,
            client_id=settings.oidc_client,
            client_secret=settings.oidc_secret,
            server_metadata_url=settings.oidc_url,
            client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": 10},
        )
    app.extensions[OIDC] = oauth


@pages.get("/")
@anybody
def front_page() -> WebResponse | str:
    """What this is; for whoever is logged in, the way to the work."""
    if session.get(TOKEN):
        return redirect(url_for("login.places"), SEE_OTHER)
    return render_template("front_page.html")


@pages.get("/steder")
@anybody_here
def places() -> WebResponse | str:
    """Where the person may go; at once, where that is one place only."""
    who = person()
    if len(who.places) == 1:
        return redirect(first_page(who, who.places[0]), SEE_OTHER)
    return render_template("places.html", ways=[(place, first_page(who, place)) for place in who.places])


def first_page(who: Person, place: str) -> str:
    """Where a person's work at a place begins."""
    if not who.may(Deed.READ, place):
        return url_for("users.list_users", place=place)
    from agreements import store as agreement_store  # noqa: PLC0415 - only here

    issues = bool(agreement_store.agreement_codes(connection(), place))
    return url_for("finance.overview" if issues else "municipality.front", place=place)


@pages.route("/login", methods=["GET", "POST"])
@anybody
def log_in() -> WebResponse | str | tuple[str, int]:
    """Login by name and password."""
    way_on = safe_next(request.values.get("next"))
    if request.method == "GET":
        return _login_page(way_on)
    name = access.tidy(request.form.get("login", ""))[: users.LONGEST_LOGIN]
    password = request.form.get("password", "")
    try:
        _begin_with_password(name, password)
    except access.TooManyTries as error:
        return _login_page(way_on, name, error.text(_)), 429
    except LoginRefused as error:
        return _login_page(way_on, name, error.text(_)), 401
    return redirect(way_on or url_for("login.places"), SEE_OTHER)


def _login_page(way_on: str | None, name: str = "", problem: str = "") -> str:
    settings = site().settings
    title = settings.oidc_title if settings.oidc_url else ""
    return render_template("login.html", way_on=way_on, name=name, problem=problem, provider=title)


def _begin_with_password(name: str, password: str) -> None:
    """Count the try, compare outside of any transaction, begin.

    Raises:
        TooManyTries, LoginRefused.
    """
    database, at = site().database, site().now()
    refusal: access.TooManyTries | None = None
    with database.transaction() as counting:
        try:
            access.count_try(counting, name, request.remote_addr or "", at)
        except access.TooManyTries as error:
            refusal = error  # the try counts all the same
    if refusal is not None:
        raise refusal
    with database.reading() as looking:
        found = users.find_user(looking, name)
    is_right = passwords.is_right(password, found.password_hash if found else "")
    if found is None or not is_right or not found.active:
        raise LoginRefused
    with database.transaction() as beginning:
        token = access.begin(beginning, found, Occasion(site().day(), found.login, at), password=password)
    _enter(token)


def _enter(token: str) -> None:
    """Begin the visitor's cookie anew, so that nothing of before is of use to anybody."""
    language = session.get("language")
    session.clear()
    session[TOKEN] = token
    if language:
        session["language"] = language


@pages.get("/login/oidc")
@anybody
def to_provider() -> WebResponse:
    """Go to the identity provider."""
    client = _provider()
    session["next"] = safe_next(request.args.get("next"))
    try:
        answer: WebResponse = client.authorize_redirect(url_for("login.from_provider", _external=True))
    except (RequestException, OAuthError) as error:
        raise ProviderFailed(title=site().settings.oidc_title) from error
    return answer


@pages.get("/login/oidc/svar")
@anybody
def from_provider() -> WebResponse | tuple[str, int]:
    """Back from the identity provider, with a code that is exchanged for who it is."""
    client = _provider()
    way_on = safe_next(session.get("next"))
    try:
        said = client.authorize_access_token()
    except (RequestException, OAuthError, JoseError, ValueError) as error:
        return _login_page(
            way_on, problem=ProviderFailed(title=site().settings.oidc_title).text(_)
        ), 401 if error else 0
    claims = said.get("userinfo") or {}
    try:
        with site().database.transaction() as beginning:
            found = access.user_of_identity(
                beginning,
                str(claims.get("iss", "")),
                str(claims.get("sub", "")),
                str(claims.get("email", "")),
                verified=claims.get("email_verified") is True,
            )
            token = access.begin(beginning, found, Occasion(site().day(), found.login, site().now()))
    except LoginRefused:
        problem = _("Du er ikke bruger her. Bed din kommunes administrator om adgang.")
        return _login_page(way_on, problem=problem), 401
    _enter(token)
    return redirect(way_on or url_for("login.places"), SEE_OTHER)


def _provider() -> Any:  # noqa: ANN401 - Authlib carries no types
    client = current_app.extensions[OIDC].create_client(PROVIDER)
    if client is None:
        raise PlaceUnknown
    return client


@pages.post("/logud")
@anybody_here
def log_out() -> WebResponse:
    """End the session, here and in the database."""
    access.end(connection(), session[TOKEN], site().now())
    session.clear()
    return redirect(url_for("login.front_page"), SEE_OTHER)


@pages.get("/adgangskode")
@anybody_here
def own_password() -> str:
    """The form for one's own password."""
    return render_template("own_password.html", problem="", done=request.args.get("ok") == "1")


@pages.post("/adgangskode")
@anybody_here
def change_own_password() -> WebResponse | tuple[str, int]:
    """Change one's own password."""
    words = {name: request.form.get(name, "") for name in ("old", "new", "again")}
    if words["new"] != words["again"]:
        problem = _("De to nye adgangskoder er ikke ens. Intet er ændret; prøv igen.")
        return render_template("own_password.html", problem=problem, done=False), 400
    try:
        access.change_password(connection(), person().login, words, session[TOKEN], occasion())
    except MellemregningError as error:
        return render_template("own_password.html", problem=error.text(_), done=False), 400
    return redirect(url_for("login.own_password", ok=1), SEE_OTHER)
