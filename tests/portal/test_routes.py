"""Every route of the application, called as nobody, in each role and as the neighbour, against a written table.

A route without a row fails. The neighbour asks for the very addresses that exist for others, with ids that are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation.settings import Settings
from portal.app import create_app
from portal.pages import EXTENSION, TOKEN, mark_of
from portal.web_settings import WebSettings
from tests.databases import SqliteDatabases
from tests.portal import demo_site
from tests.portal.api.rows import TABLE as API_TABLE
from tests.portal.finance import rows as finance_rows

CALLERS = ("nobody", "officer", "approver", "reader", "auditor", "administrator", "payer", "neighbour")
LOGIN = 303  # to the page that asks who it is
ALL = (200,) * len(CALLERS)
KNOWN = (LOGIN, *(200,) * 7)
READS_ODENSE = (LOGIN, 200, 200, 200, 200, 403, 404, 404)
READS_ASSENS = (LOGIN, 404, 404, 404, 404, 404, 200, 404)
USERS_OF_ODENSE = (LOGIN, 403, 403, 403, 403, 200, 404, 404)

# (method, route) -> (an address, what each of CALLERS is answered). 302 and 303 are told apart below.
TABLE: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
    ("GET", "/static/<path:filename>"): ("/static/style.css", ALL),
    ("GET", "/healthz"): ("/healthz", ALL),
    ("GET", "/readyz"): ("/readyz", ALL),
    ("GET", "/metrics"): ("/metrics", ALL),  # from this machine; from elsewhere see test_watching
    ("GET", "/"): ("/", (200, *(303,) * 7)),
    ("POST", "/sprog"): ("/sprog", (303,) * 8),
    ("GET", "/steder"): ("/steder", (303,) * 8),  # each has one place
    ("GET", "/login"): ("/login", ALL),
    ("POST", "/login"): ("/login", (*(401,) * 5, *(429,) * 3)),  # under one name, so the sixth try waits
    ("GET", "/login/oidc"): ("/login/oidc", (404,) * 8),  # no provider here
    ("GET", "/login/oidc/svar"): ("/login/oidc/svar", (404,) * 8),
    ("GET", "/adgangskode"): ("/adgangskode", KNOWN),
    ("POST", "/adgangskode"): ("/adgangskode", (LOGIN, *(400,) * 7)),
    ("GET", "/brugere/<place:place>/"): ("/brugere/461/", USERS_OF_ODENSE),
    ("POST", "/brugere/<place:place>/ny"): ("/brugere/461/ny", (LOGIN, 403, 403, 403, 403, 400, 404, 404)),
    ("POST", "/brugere/<place:place>/roller"): ("/brugere/461/roller", (LOGIN, 403, 403, 403, 403, 404, 404, 404)),
    ("POST", "/brugere/<place:place>/luk"): ("/brugere/461/luk", (LOGIN, 403, 403, 403, 403, 404, 404, 404)),
    ("POST", "/brugere/<place:place>/ny-adgangskode"): (
        "/brugere/461/ny-adgangskode",
        (LOGIN, 403, 403, 403, 403, 404, 404, 404),
    ),
    ("GET", "/oekonomi/<place:place>/"): ("/oekonomi/461/", READS_ODENSE),
    ("GET", "/oekonomi/<place:place>/bilag"): ("/oekonomi/461/bilag", READS_ODENSE),
    ("GET", "/oekonomi/<place:place>/bilag/<number>"): ("/oekonomi/461/bilag/F2008-0001", READS_ODENSE),
    ("GET", "/oekonomi/<place:place>/bilag/<number>/fil.<any(pdf,xml,xlsx):kind>"): (
        "/oekonomi/461/bilag/F2008-0001/fil.xml",
        READS_ODENSE,
    ),
    ("GET", "/oekonomi/<place:place>/meddelelser"): ("/oekonomi/461/meddelelser", READS_ODENSE),
    ("POST", "/oekonomi/<place:place>/meddelelser/<int(max=999999999):number>"): (
        "/oekonomi/461/meddelelser/1",  # there is none
        (LOGIN, 404, 403, 403, 403, 403, 404, 404),
    ),
    ("GET", "/kommune/<place:place>/"): ("/kommune/420/", READS_ASSENS),
    ("GET", "/kommune/<place:place>/aftaler"): ("/kommune/420/aftaler", READS_ASSENS),
    ("GET", "/kommune/<place:place>/aftaler/<code>"): ("/kommune/420/aftaler/fyn-alkohol", READS_ASSENS),
    ("GET", "/kommune/<place:place>/regninger"): ("/kommune/420/regninger", READS_ASSENS),
    ("GET", "/kommune/<place:place>/regninger/<int:year>.zip"): ("/kommune/420/regninger/2009.zip", READS_ASSENS),
    ("GET", "/kommune/<place:place>/opgoerelser"): ("/kommune/420/opgoerelser", READS_ASSENS),
    ("GET", "/kommune/<place:place>/opgoerelser/<code>/<period>.<any(pdf,xlsx):kind>"): (
        "/kommune/420/opgoerelser/fyn-alkohol/2009-H1.pdf",
        READS_ASSENS,
    ),
    ("GET", "/kommune/<place:place>/frister"): ("/kommune/420/frister", READS_ASSENS),
    ("POST", "/kommune/<place:place>/frister/adresse"): ("/kommune/420/frister/adresse", READS_ASSENS),
    ("POST", "/kommune/<place:place>/frister/luk"): ("/kommune/420/frister/luk", READS_ASSENS),
    ("GET", "/kalender/<token>.ics"): ("/kalender/en-anden.ics", (404,) * 8),
    ("GET", "/kommune/<place:place>/meddelelser"): ("/kommune/420/meddelelser", READS_ASSENS),
    ("POST", "/kommune/<place:place>/meddelelser/forbrug"): (
        "/kommune/420/meddelelser/forbrug",  # payer reads only
        (LOGIN, 404, 404, 404, 404, 404, 403, 404),
    ),
    ("POST", "/kommune/<place:place>/meddelelser/opsigelse"): (
        "/kommune/420/meddelelser/opsigelse",
        (LOGIN, 404, 404, 404, 404, 404, 403, 404),
    ),
    ("GET", "/kommune/<place:place>/bilag/<place:issuer>/<number>"): (
        "/kommune/420/bilag/461/F2008-0001",
        READS_ASSENS,
    ),
    ("GET", "/kommune/<place:place>/bilag/<place:issuer>/<number>/fil.<any(pdf,xml,xlsx):kind>"): (
        "/kommune/420/bilag/461/F2008-0001/fil.xlsx",
        READS_ASSENS,
    ),
    ("GET", "/kommune/<place:place>/enkeltsager"): ("/kommune/420/enkeltsager", READS_ASSENS),
    ("GET", "/kommune/<place:place>/enkeltsager/opgoerelse"): (
        "/kommune/420/enkeltsager/opgoerelse?agreement=horsens-odder&first=2009-01&last=2009-03",  # Odder's
        (LOGIN, *(404,) * 7),
    ),
    ("GET", "/kommune/<place:place>/enkeltsager/sag/<number>"): (
        "/kommune/420/enkeltsager/sag/S-BCDF-GHJK",
        (LOGIN, *(404,) * 7),
    ),
    ("POST", "/kommune/<place:place>/enkeltsager/sag/<number>/bevilg"): (
        "/kommune/420/enkeltsager/sag/S-BCDF-GHJK/bevilg",  # payer reads only
        (LOGIN, 404, 404, 404, 404, 404, 403, 404),
    ),
    ("POST", "/kommune/<place:place>/enkeltsager/sag/<number>/afslaa"): (
        "/kommune/420/enkeltsager/sag/S-BCDF-GHJK/afslaa",
        (LOGIN, 404, 404, 404, 404, 404, 403, 404),
    ),
    ("GET", "/noegler/<place:place>/"): ("/noegler/461/", READS_ODENSE),
    ("POST", "/noegler/<place:place>/ny"): ("/noegler/461/ny", (LOGIN, 400, 400, 400, 400, 403, 404, 404)),
    ("POST", "/noegler/<place:place>/luk/<int(max=999999999):number>"): (
        "/noegler/461/luk/999",
        (LOGIN, 404, 404, 404, 404, 403, 404, 404),
    ),
    ("GET", "/noegler/<place:place>/alle"): ("/noegler/461/alle", USERS_OF_ODENSE),
    ("POST", "/noegler/<place:place>/alle/luk/<int(max=999999999):number>"): (
        "/noegler/461/alle/luk/999",
        (LOGIN, 403, 403, 403, 403, 404, 404, 404),
    ),
    **finance_rows.TABLE,
    ("GET", "/api/v1/"): ("/api/v1/", ALL),
    ("GET", "/api/v1/openapi.json"): ("/api/v1/openapi.json", ALL),
    # A cookie opens none of these; who may with a key is tests/portal/api's own table.
    **{
        (method, f"/api/v1{rule}"): (f"/api/v1{address}", (401,) * 8)
        for (method, rule), (address, _) in API_TABLE.items()
    },
    ("POST", "/logud"): ("/logud", (303,) * 8),  # last: it ends what the others rest on
}


@pytest.fixture(scope="module")
def app(sqlite_databases: SqliteDatabases) -> Iterator[Flask]:
    with sqlite_databases.upgraded() as url, demo_site.lived(url) as database:
        finance_rows.prepare(database)
        made = create_app(
            Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: demo_site.TODAY
        )
        made.config["WTF_CSRF_ENABLED"] = False  # shown by itself in test_login
        yield made
        made.extensions[EXTENSION].close()


@pytest.fixture(scope="module")
def clients(app: Flask) -> dict[str, FlaskClient]:
    made = {caller: app.test_client() for caller in CALLERS}
    for caller, client in made.items():
        if caller != "nobody":
            answer = client.post("/login", data={"login": caller, "password": demo_site.PASSWORD})
            assert answer.status_code == 303, caller
    return made


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_row(app: Flask) -> None:
    assert routes(app) == set(TABLE)


def test_every_view_says_who_may(app: Flask) -> None:
    assert [name for name, view in app.view_functions.items() if mark_of(view) is None] == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_who_is_answered_what(clients: dict[str, FlaskClient], row: tuple[str, str]) -> None:
    address, expected = TABLE[row]
    answered = []
    for client in clients.values():
        with client.open(address, method=row[0]) as answer:
            answered.append(answer.status_code)
    assert dict(zip(CALLERS, answered, strict=True)) == dict(zip(CALLERS, expected, strict=True))


@pytest.mark.parametrize("row", [row for row in TABLE if TABLE[row][1][0] == LOGIN and row[0] == "GET"], ids=str)
def test_nobody_is_asked_who_it_is(app: Flask, row: tuple[str, str]) -> None:
    address, _ = TABLE[row]
    answer = app.test_client().get(address)
    assert answer.headers["Location"].startswith("/login?next=")


@pytest.mark.parametrize(
    "address",
    [
        "/kommune/450/bilag/461/F2008-0001",  # Nyborg asks for Assens's document under its own name
        "/kommune/450/bilag/461/F2008-0001/fil.pdf",
        "/oekonomi/450/bilag/F2008-0001",  # Odense's number in Nyborg's series
        "/oekonomi/450/bilag/F2008-0001/fil.pdf",
        "/oekonomi/461/",
        "/kommune/999/",
        "/kommune/000/",
    ],
)
def test_the_neighbour_finds_nothing(app: Flask, address: str) -> None:
    client = app.test_client()
    client.post("/login", data={"login": "neighbour", "password": demo_site.PASSWORD})
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Assens" not in answer.text


def test_no_number_in_an_address_is_longer_than_a_database_counts(app: Flask) -> None:
    """A year of a municipality's bills is read as a year before anything is asked for it."""
    unbounded = {rule for _method, rule in routes(app) if "<int:" in rule}
    assert unbounded == {"/kommune/<place:place>/regninger/<int:year>.zip"}


@pytest.mark.parametrize("caller", ["approver", "reader", "auditor", "administrator"])
def test_nobody_is_offered_a_form_that_the_role_refuses(app: Flask, caller: str) -> None:
    client = app.test_client()  # the others' are logged out by the way out
    client.post("/login", data={"login": caller, "password": demo_site.PASSWORD})
    adapter, place, offered = app.url_map.bind("prøven.example"), CALLERS.index(caller), 0
    for (method, _), (address, expected) in TABLE.items():
        if method != "GET" or expected[place] != 200:
            continue
        with client.get(address) as answer:
            if answer.mimetype != "text/html":
                continue
            forms = re.findall(r"<form\b[^>]*>", answer.get_data(as_text=True))
        for form in forms:
            if 'method="post"' in form:
                action = re.search(r'action="([^"]*)"', form)
                path = urlsplit(action[1] if action else address).path
                rule, _values = adapter.match(path, method="POST", return_rule=True)
                assert TABLE["POST", rule.rule][1][place] != 403, (address, path)
                offered += 1
    assert offered > 10  # each page offers the other language and the way out


def test_a_listing_holds_nothing_of_others(app: Flask) -> None:
    client = app.test_client()
    client.post("/login", data={"login": "neighbour", "password": demo_site.PASSWORD})
    own = client.get("/kommune/450/").text
    assert "F2008" in own or "F2012" in own
    assert "Assens" not in own
    assert "Der er ikke udstedt bilag endnu" in client.get("/oekonomi/450/bilag").text


def test_a_made_up_token_is_nobody(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie[TOKEN] = "x" * 43
    assert client.get("/oekonomi/461/").status_code == LOGIN
