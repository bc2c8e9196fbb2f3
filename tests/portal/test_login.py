"""Login by password and by a real OpenID Connect code flow, forms, cookies, language; on a small database."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from argon2 import PasswordHasher
from flask import Flask, Response, jsonify, redirect, request
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from foundation import clock as wall
from foundation.settings import Settings
from portal.access import passwords
from portal.access import run as access
from portal.app import HEADERS, create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import SqliteDatabases
from tests.portal import demo_site

AT = datetime(2012, 4, 2, 8, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(sqlite_databases: SqliteDatabases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from foundation.database import Database

    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with sqlite_databases.upgraded() as address:
        database = Database(address)
        demo_site.add_people(database)
        with database.transaction() as connection:
            access.add_user(connection, "anna@eksempel.dk", demo_site.occasion())
            access.set_roles(connection, "anna@eksempel.dk", "461", ["reader"], demo_site.occasion())
        database.dispose()
        yield address


def app_of(url: str, clock: Clock, web: WebSettings | None = None) -> Flask:
    settings = Settings(database_url=url, actor="test")
    return create_app(settings, web or WebSettings(plain_http=True), now=clock.now, day=lambda: demo_site.TODAY)


@pytest.fixture
def app(url: str, clock: Clock) -> Iterator[Flask]:
    made = app_of(url, clock)
    yield made
    made.extensions[EXTENSION].close()


def guard_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def post(client: FlaskClient, address: str, page: str | None = None, **data: object) -> TestResponse:
    guard = guard_of(client.get(page or address).text)
    return client.post(address, data={"csrf_token": guard, **data})


def log_in(client: FlaskClient, login: str, password: str = demo_site.PASSWORD) -> TestResponse:
    return post(client, "/login", login=login, password=password)


def test_in_and_out(app: Flask) -> None:
    client = app.test_client()
    assert log_in(client, "officer").headers["Location"] == "/steder"
    assert client.get("/steder").headers["Location"] == "/kommune/461/"  # no agreement here: what it pays
    assert client.get("/oekonomi/461/").status_code == 200
    with client.session_transaction() as cookie:
        token = cookie["token"]
    assert post(client, "/logud", "/adgangskode").headers["Location"] == "/"
    with client.session_transaction() as cookie:
        cookie["token"] = token  # whoever kept the cookie has nothing of it
    assert client.get("/oekonomi/461/").headers["Location"] == "/login?next=/oekonomi/461/"


@pytest.mark.parametrize(("login", "password"), [("officer", "forkert"), ("ingen", demo_site.PASSWORD), ("", "")])
def test_wrong_is_wrong_without_saying_what(app: Flask, login: str, password: str) -> None:
    answer = log_in(app.test_client(), login, password)
    assert answer.status_code == 401
    assert "Brugernavn eller adgangskode er forkert" in answer.text


def test_too_many_tries_wait_whoever_is_asked(url: str, clock: Clock) -> None:
    workers = [app_of(url, clock) for _ in range(2)]
    try:
        answers = [log_in(workers[number % 2].test_client(), "officer", "forkert") for number in range(7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert log_in(workers[0].test_client(), "officer").status_code == 429  # also with the right one
        clock.at += access.WINDOW + timedelta(seconds=1)
        assert log_in(workers[1].test_client(), "officer").status_code == 303
    finally:
        for worker in workers:
            worker.extensions[EXTENSION].close()


def test_a_session_ends_and_is_kept_on(app: Flask, clock: Clock) -> None:
    client = app.test_client()
    log_in(client, "officer")
    for _ in range(3):
        clock.at += timedelta(minutes=20)
        assert client.get("/oekonomi/461/").status_code == 200
    clock.at += timedelta(minutes=31)
    assert client.get("/oekonomi/461/").status_code == 303


def test_a_closed_user_is_out_at_the_next_click(app: Flask) -> None:
    officer, administrator = app.test_client(), app.test_client()
    log_in(officer, "reader")
    log_in(administrator, "administrator")
    assert officer.get("/oekonomi/461/").status_code == 200
    page = "/brugere/461/"
    assert post(administrator, "/brugere/461/luk", page, login="reader", active="0").status_code == 303
    assert officer.get("/oekonomi/461/").status_code == 303
    assert log_in(app.test_client(), "reader").status_code == 401


def test_an_administrator_makes_a_user_whose_password_is_shown_once(app: Flask) -> None:
    administrator = app.test_client()
    log_in(administrator, "administrator")
    made = post(administrator, "/brugere/461/ny", "/brugere/461/", login="ny@eksempel.dk", role="reader")
    shown = re.search(r'alert-text lines">([a-z2-9-]{23})<', made.text)
    assert shown
    assert shown[1] not in administrator.get("/brugere/461/").text
    assert log_in(app.test_client(), "ny@eksempel.dk", shown[1]).status_code == 303
    reset = post(administrator, "/brugere/461/ny-adgangskode", "/brugere/461/", login="two-places")
    assert reset.status_code == 409  # another municipality's user, too
    both = post(
        administrator, "/brugere/461/roller", "/brugere/461/", login="reader", role=["administrator", "officer"]
    )
    assert both.status_code == 409


def test_ones_own_password(app: Flask) -> None:
    client = app.test_client()
    log_in(client, "officer")
    new = "nu en helt anden række ord"
    words = {"old": demo_site.PASSWORD, "new": new}
    assert post(client, "/adgangskode", **words, again="noget andet").status_code == 400
    assert post(client, "/adgangskode", old="forkert", new=new, again=new).status_code == 400
    assert (
        post(client, "/adgangskode", old=demo_site.PASSWORD, new="password1234", again="password1234").status_code
        == 400
    )
    assert post(client, "/adgangskode", **words, again=new).status_code == 303
    assert log_in(app.test_client(), "officer").status_code == 401
    assert log_in(app.test_client(), "officer", new).status_code == 303


def test_a_form_from_elsewhere_is_refused(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/login", data={"login": "officer", "password": demo_site.PASSWORD}).status_code == 400
    log_in(client, "administrator")
    answer = client.post("/brugere/461/luk", data={"login": "officer", "active": "0"})
    assert answer.status_code == 400
    assert "Formularen er for gammel" in answer.text
    assert log_in(app.test_client(), "officer").status_code == 303


@pytest.mark.parametrize(
    "wanted", ["//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_one_goes_on_within_the_site_only(app: Flask, wanted: str) -> None:
    client = app.test_client()
    answer = post(client, "/login", login="officer", password=demo_site.PASSWORD, next=wanted)
    assert answer.headers["Location"] == "/steder"


def test_the_cookie_over_tls(url: str, clock: Clock) -> None:
    made = app_of(url, clock, WebSettings())
    client = made.test_client()
    page = client.get("/login", base_url="https://portal.example")
    said = page.headers["Set-Cookie"]
    assert said.startswith("__Host-mellemregning=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(said.split("; "))
    assert page.headers["Strict-Transport-Security"]
    made.extensions[EXTENSION].close()


def test_the_headers_of_every_answer(app: Flask) -> None:
    client = app.test_client()
    log_in(client, "officer")
    for address in ("/", "/oekonomi/461/", "/kommune/420/", "/findes-ikke", "/login"):
        answer = client.get(address, headers={"X-Request-ID": "kundens-nummer-1"})
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"] == "kundens-nummer-1"
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert client.get("/", headers={"X-Request-ID": "a\tb<script>"}).headers["X-Request-ID"] != "a\tb<script>"


def test_english_by_choice_and_danish_for_others(app: Flask) -> None:
    one, other = app.test_client(), app.test_client()
    assert post(one, "/sprog", "/login", language="en", next="/login").headers["Location"] == "/login"
    assert '<html lang="en">' in one.get("/login").text
    assert '<html lang="da">' in other.get("/login").text
    log_in(one, "officer")
    assert '<html lang="en">' in one.get("/oekonomi/461/").text


def test_a_text_is_shown_and_not_run(app: Flask) -> None:
    client = app.test_client()
    log_in(client, "officer")
    shown = client.get("/oekonomi/461/bilag?q=%3Cscript%3Ealert(1)%3C/script%3E%22%3E").text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("after=rubbish", 400),
        ("after=2012-13-45_1", 400),
        ("after=2012-01-01_99999999999999999999", 400),
        ("sort=amount&after=2012-01-01_1", 400),
        ("sort=amount&after=-5_1", 200),
        ("sort=rubbish&year=x&type=y&q=%27%22", 200),
        ("q=%00", 400),
        ("year=99999&q=" + "x" * 5000, 200),
    ],
)
def test_an_address_changed_by_hand(app: Flask, query: str, status: int) -> None:
    client = app.test_client()
    log_in(client, "officer")
    assert client.get(f"/oekonomi/461/bilag?{query}").status_code == status


def test_what_is_too_large_is_refused(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = app.test_client().post("/login", data={"login": "x" * 5000})
    assert answer.status_code == 413
    assert "20 MB" in answer.text


# OpenID Connect, against a provider of our own that speaks over a real socket.


class Provider:
    """An identity provider: discovery, keys, a login that says yes, and the exchange of a code, with PKCE."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, object] = {"sub": "s-1", "email": "Anna@Eksempel.dk", "email_verified": True}
        self.signing = self.key
        self.app = Flask("provider")
        self.app.add_url_rule("/.well-known/openid-configuration", view_func=self.discovery)
        self.app.add_url_rule("/keys", view_func=self.keys)
        self.app.add_url_rule("/authorize", view_func=self.authorize)
        self.app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def discovery(self) -> Response:
        return jsonify(
            issuer=self.address,
            authorization_endpoint=f"{self.address}/authorize",
            token_endpoint=f"{self.address}/token",
            jwks_uri=f"{self.address}/keys",
            id_token_signing_alg_values_supported=["RS256"],
        )

    def keys(self) -> Response:
        return jsonify(keys=[self.key.as_dict(private=False)])

    def authorize(self) -> Response:
        code = secrets.token_urlsafe()
        self.codes[code] = request.args.to_dict()
        back = f"{request.args['redirect_uri']}?code={code}&state={request.args['state']}"
        return redirect(back)  # type: ignore[return-value]

    def token(self) -> Response | tuple[Response, int]:
        import base64
        import hashlib

        asked = self.codes.pop(request.form.get("code", ""), None)
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        known = request.authorization
        if (
            asked is None
            or known is None
            or (known.username, known.password) != ("klient", "hemmeligt")
            or base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]
        ):
            return jsonify(error="invalid_grant"), 400
        now = int(wall.now().timestamp())
        claims = {
            "iss": self.address,
            "aud": "klient",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.claims,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signing)
        return jsonify({"access_token": "a", "token_type": "Bearer", "id_token": signed, "expires_in": 60})


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def vouched(url: str, clock: Clock, provider: Provider) -> Iterator[FlaskClient]:
    web = WebSettings(
        plain_http=True,
        oidc_url=f"{provider.address}/.well-known/openid-configuration",
        oidc_client="klient",
        oidc_secret="hemmeligt",  # noqa: S106 - the provider above knows it
        oidc_title="Prøvens IdP",
    )
    made = app_of(url, clock, web)
    yield made.test_client()
    made.extensions[EXTENSION].close()


def through(client: FlaskClient, **changed: str) -> TestResponse:
    """Go to the provider and come back."""
    to = client.get("/login/oidc?next=/oekonomi/461/").headers["Location"]
    with requests.get(to, allow_redirects=False, timeout=10) as said:
        back = urlsplit(said.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | changed
    return client.get(back.path, query_string=query)


def test_login_through_a_provider(vouched: FlaskClient, provider: Provider) -> None:
    assert "Log ind med Prøvens IdP" in vouched.get("/login").text
    assert through(vouched).headers["Location"] == "/oekonomi/461/"
    assert "anna@eksempel.dk" in vouched.get("/oekonomi/461/").text
    provider.claims = {"sub": "s-1"}  # known from now on, whatever the address is
    assert through(vouched).status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "s-2", "email": "anna@eksempel.dk", "email_verified": False},
        {"sub": "s-3", "email": "ukendt@eksempel.dk", "email_verified": True},
        {"sub": "s-4"},
    ],
)
def test_a_stranger_is_told_so(vouched: FlaskClient, provider: Provider, claims: dict[str, object]) -> None:
    provider.claims = claims
    answer = through(vouched)
    assert answer.status_code == 401
    assert "Du er ikke bruger her" in answer.text


@pytest.mark.parametrize(
    ("claims", "changed"),
    [
        ({"nonce": "another"}, {}),
        ({"aud": "another"}, {}),
        ({"iss": "https://another.example"}, {}),
        ({"exp": 1}, {}),
        ({}, {"state": "another"}),
        ({}, {"code": "another"}),
        ({}, {"error": "access_denied"}),
    ],
    ids=json.dumps,
)
def test_what_does_not_fit_is_refused(
    vouched: FlaskClient, provider: Provider, claims: dict[str, object], changed: dict[str, str]
) -> None:
    provider.claims |= claims
    answer = through(vouched, **changed)
    assert answer.status_code == 401
    assert "lykkedes ikke" in answer.text
    assert vouched.get("/oekonomi/461/").status_code == 303


def test_another_signature_is_refused(vouched: FlaskClient, provider: Provider) -> None:
    provider.signing = RSAKey.generate_key(2048, {"kid": "1"})
    assert through(vouched).status_code == 401


def test_a_provider_that_is_gone(vouched: FlaskClient, provider: Provider) -> None:
    provider.server.shutdown()
    provider.server.server_close()
    answer = vouched.get("/login/oidc")
    assert answer.status_code == 503
    assert "log ind med adgangskode" in answer.text
