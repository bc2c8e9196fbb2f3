"""Requests that nobody sends who means well, at every route there is, as nobody and in every role.

What is typed, sent and uploaded is made of what breaks programs: other people's ids, numbers that are none, ways out of
folders, pieces of SQL, of templates and of script, formulas, bytes that are no text, headers that forge other headers.
Whatever comes: no fault of ours (5xx), nothing of our inside or of a neighbour's in an answer, no way to another site,
and no script in any page afterwards.
"""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import text
from werkzeug.datastructures import FileStorage, Headers
from werkzeug.routing import Rule

from billing.verify import verify
from foundation.database import Database
from foundation.settings import Settings
from portal.app import HEADERS, create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site

CALLERS = (
    "nobody",
    "officer",
    "approver",
    "reader",
    "auditor",
    "administrator",
    "payer",
    "neighbour",
    "newcomer",
    "nothing-yet",
)
# Who may not see Assens's bill for January 2009, and what stands on it: docs/domain.md, rule 3.
STRANGERS = {"nobody", "administrator", "neighbour", "newcomer", "nothing-yet"}
ONLY_FOR_OTHERS = "194.202,82"

SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</textarea><script src=//evil.invalid/x.js></script>",
    "{{ 7*7 }}{% import os %}",
    "{{ config.items() }}",
)
FORMULAS = ("=1+1", '=HYPERLINK("http://evil.invalid";"x")', "+cmd|' /C calc'!A0", "@SUM(1)", "-2+3", "\t=1+1")
PATHS = (
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "..\\..\\windows\\win.ini",
    "C:\\boot.ini",
    "file:///etc/passwd",
    "//evil.invalid/x",
    "\\\\evil.invalid\\x",
    "https://evil.invalid/",
    "/\\evil.invalid",
    "con.xlsx",
    ".",
    "..",
)
QUERIES = (
    "' OR '1'='1",
    "1; DROP TABLE invoice; --",
    "%' UNION SELECT password_hash FROM user_account --",
    "\\",
    "%",
    "_",
    "%%%%",
    "*" * 50,
    "(" * 400,
)
NUMBERS = (
    "-1",
    "0",
    "999",
    "1e309",
    "NaN",
    "-0",
    "٣",
    "²",
    "9" * 40,
    "0x10",
    "1_000",
    "2009-02-30",
    "0000-00-00",
    "\uff11\uff12",
)
BYTES = (
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "\ud7ff",
    "\ufffe",
    "\u202e",
    "é" * 2000,
    "A" * 5000,
    " ",
    "\u00a0",
    "😀",
)
GOOD = (
    "461",
    "420",
    "450",
    "F2008-0001",
    "F2009-0001",
    "fyn-alkohol",
    "2009",
    "2009-01",
    "1",
    "2",
    "due",
    "-amount",
    "2009-01-15_5",
    "da",
    "en",
    "officer",
    "pdf",
    "xlsx",
    "/oekonomi/461/",
)
EVERY_KIND = (SCRIPTS, FORMULAS, PATHS, QUERIES, NUMBERS, BYTES, GOOD, GOOD)
# Names that our forms and listings know, and some that they do not.
FIELDS = (
    *(
        "q",
        "year",
        "type",
        "sort",
        "after",
        "internal",
        "next",
        "language",
        "login",
        "password",
        "role",
        "active",
        "old",
    ),
    *(
        "new",
        "again",
        "file",
        "number",
        "month",
        "agreement",
        "note",
        "reason",
        "amount",
        "place",
        "text",
        "id",
        "version",
    ),
    *("__class__", "csrf_token", "", "a[b]", "method", "_method"),
)
FILES = (
    b"",
    b"\x00" * 64,
    b"PK\x03\x04" + b"\xff" * 200,
    b"PK\x05\x06" + b"\x00" * 18,  # an empty zip
    b"%PDF-1.7\n%\xff\xff",
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
    b"a;b;c\r\n=1+1;@x;-1\r\n",
    "æøå;\u202e".encode("utf-16"),
    b"{" * 5000,
    b"[[[[\nx = ",
    b"<html><script>alert(1)</script></html>",
)
ENDINGS = (".xlsx", ".toml", ".csv", ".xml", ".json", ".txt", ".exe", ".xlsx.exe", "", ".pdf", ".zip")
TYPES = ("text/html", "application/octet-stream", "image/svg+xml", "application/x-php", "", "a/b; charset=../../x")
HEADER_NAMES = (
    *("X-Request-ID", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Host", "Referer", "Origin", "Range"),
    *("Accept-Language", "If-None-Match", "If-Modified-Since", "Authorization", "Cookie", "Content-Type", "User-Agent"),
    *("X-HTTP-Method-Override", "X-Original-URL", "Transfer-Encoding", "HX-Request", "Accept", "Accept-Encoding"),
    *("Idempotency-Key", "If-Match", "Content-Length"),
)
METHODS = (
    "GET",
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "ABCD",
)
# What only we know: words of Python, of the databases and of this machine.
INSIDE = re.compile(
    r"Traceback|File \"/|sqlite3|sqlalchemy|psycopg|werkzeug\.|jinja2|\$argon2|root:x:0|site-packages|"
    r"SELECT \w+\.\w+|no such column|UNIQUE constraint"
)
LEAVES_OUT = {"login.log_out"}  # it would only end the attack


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as lived:
        yield lived


@pytest.fixture(scope="module")
def app(database: Database) -> Iterator[Flask]:
    url = database.url.render_as_string(hide_password=False)
    made = create_app(
        Settings(database_url=url, actor="test"), WebSettings(plain_http=True, proxies=1), day=lambda: demo_site.TODAY
    )
    made.config["WTF_CSRF_ENABLED"] = False  # or nothing would come any further; shown by itself in test_login
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture(scope="module")
def clients(app: Flask) -> dict[str, FlaskClient]:
    made = {caller: app.test_client() for caller in CALLERS}
    for number, (caller, client) in enumerate(made.items()):
        if caller != "nobody":
            form = {"login": caller, "password": demo_site.PASSWORD}
            answer = client.post("/login", data=form, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
            assert answer.status_code == 303, caller
    return made


class Form(NamedTuple):
    """A form that a page offered to somebody: where it goes, what stands in its fields, and which take files."""

    caller: str
    action: str
    method: str
    fields: list[tuple[str, str]]
    files: list[str]


# Whose pages are walked through to find their forms, and where the walk begins.
WALKS = {"officer": "/oekonomi/461/", "approver": "/oekonomi/461/", "payer": "/kommune/420/"}
# Forms that would only end the attack, or that move people rather than figures.
NOT_SENT = re.compile(r"/logud|/brugere|/adgangskode|/sprog")


@pytest.fixture(scope="module")
def forms(clients: dict[str, FlaskClient]) -> list[Form]:
    """The forms of the first pages that a link leads to, for those who can do something."""
    found: dict[tuple[str, str, str], Form] = {}
    for caller, start in WALKS.items():
        waiting, kinds = [start], {start}
        while waiting and len(kinds) < PAGES_WALKED:
            address = waiting.pop(0)
            with clients[caller].get(address) as answer:
                if answer.status_code != 200 or answer.mimetype != "text/html":
                    continue
                page: Any = html.document_fromstring(answer.get_data(as_text=True))
            for form in page.forms:
                made = _form_of(caller, form, address)
                found.setdefault((caller, kind_of(made.action), made.method), made)
            for _element, attribute, link, _place in page.iterlinks():
                path = urlsplit(link).path
                if attribute == "href" and path.startswith(start) and kind_of(path) not in kinds:
                    kinds.add(kind_of(path))
                    waiting.append(path)
    return sorted(form for form in found.values() if not NOT_SENT.search(form.action))


def kind_of(path: str) -> str:
    """One address of each kind is enough, so that the walk comes round."""
    return re.sub(r"\d+", "9", path)


def _form_of(caller: str, form: Any, address: str) -> Form:  # noqa: ANN401 - lxml's own
    files = [str(each.get("name")) for each in form.inputs if each.get("type") == "file"]
    fields = [(str(name), str(value)) for name, value in form.form_values() if name != "csrf_token"]
    empty = {str(each.name) for each in form.inputs if each.name} - {name for name, _ in fields} - {"csrf_token"}
    fields += [(name, "") for name in sorted(empty - set(files))]
    return Form(caller, urlsplit(str(form.get("action") or address)).path, str(form.method), fields, files)


PAGES_WALKED = 60


def one_form(draw: random.Random, form: Form) -> dict[str, Any]:
    """What a form would send, but for one or two of its fields."""
    sent: dict[str, Any] = {}
    spoilt = {draw.randrange(len(form.fields)) for _ in range(draw.randint(1, 2))} if form.fields else set()
    for number, (name, value) in enumerate(form.fields):
        sent.setdefault(name, []).append(word(draw) if number in spoilt else value)
    asked: dict[str, Any] = {"path": form.action, "method": form.method}
    asked["environ_overrides"] = {"REMOTE_ADDR": f"198.51.100.{draw.randint(1, 250)}"}
    if form.method == "GET":
        asked["query_string"] = "&".join(f"{quote(k)}={quote(v)}" for k, values in sent.items() for v in values)
        return asked
    for name in form.files:
        ending = re.sub(r"[\r\n\x00\"]", " ", word(draw)) + draw.choice(ENDINGS)
        sent[name] = FileStorage(io.BytesIO(draw.choice(FILES)), ending, content_type=draw.choice(TYPES))
        asked["content_type"] = "multipart/form-data"
    asked["data"] = sent
    return asked


def word(draw: random.Random) -> str:
    one = draw.choice(draw.choice(EVERY_KIND))
    return one if draw.random() < 0.8 else one + draw.choice(draw.choice(EVERY_KIND))


def way(draw: random.Random, rule: Rule) -> str:
    """An address of the route, with something else where it says what, or one that is near it."""
    said = re.sub(r"<[^>]*>", lambda _: quote(word(draw), safe=draw.choice(("", "/%.\\"))) or "x", rule.rule)
    if draw.random() < 0.4:  # as it should be
        said = re.sub(r"<place:place>", lambda _: draw.choice(("461", "420", "450", "999")), rule.rule)
        said = re.sub(r"<place:[^>]*>", "461", said)
        said = re.sub(r"<any\(([^)]*)\)[^>]*>", lambda found: draw.choice(found[1].split(",")), said)
        said = re.sub(r"<[^>]*>", lambda _: quote(draw.choice(("F2008-0001", "1", "fyn-alkohol", word(draw)))), said)
    if draw.random() < 0.05:
        said += draw.choice(("/", "//", "/..", ";a", "%00", "?", "%", ".json"))
    return said


def fields_of(draw: random.Random) -> list[tuple[str, str]]:
    return [(draw.choice(FIELDS), word(draw)) for _ in range(draw.randint(0, 5))]


def headers_of(draw: random.Random) -> Headers:
    """Only what a server lets through: no line ends and nothing but latin-1 in a value."""
    found = Headers()
    for _ in range(draw.randint(0, 3)):
        value = re.sub(r"[\r\n\x00]", " ", word(draw)).encode("latin-1", "replace").decode("latin-1")
        found.add(draw.choice(HEADER_NAMES[:-1]), value)
    return found


def one_request(draw: random.Random, rules: list[Rule]) -> dict[str, Any]:
    """What is asked, as werkzeug's client takes it."""
    rule, method = draw.choice(rules), draw.choice(METHODS)
    # As a server hands it on, so that the client at this end has no opinion of it.
    path = unquote(way(draw, rule)).encode().decode("latin-1")
    asked: dict[str, Any] = {"path": "/", "method": method, "headers": headers_of(draw)}
    asked["query_string"] = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields_of(draw))
    asked["environ_overrides"] = {"PATH_INFO": path, "REMOTE_ADDR": f"198.51.100.{draw.randint(1, 250)}"}
    if method in {"POST", "PUT", "PATCH", "DELETE"}:
        kind = draw.random()
        if kind < 0.5:
            form: dict[str, Any] = {}
            for name, value in fields_of(draw):
                form.setdefault(name or "x", []).append(value)
            asked["data"] = form
        elif kind < 0.8:
            name = re.sub(r"[\r\n\x00\"]", " ", word(draw)) + draw.choice(ENDINGS)
            content = io.BytesIO(draw.choice(FILES))
            asked["data"] = {
                draw.choice(("file", "files", "upload", "x")): FileStorage(
                    content, name, content_type=draw.choice(TYPES)
                ),
                draw.choice([each for each in FIELDS if each]): word(draw),
            }
            asked["content_type"] = "multipart/form-data"
        elif kind < 0.9:
            asked["data"], asked["content_type"] = draw.choice(FILES), "application/json"
        else:
            asked["data"], asked["content_type"] = draw.choice(FILES), draw.choice(TYPES) or "text/plain"
    return asked


def faults(caller: str, answer: Any) -> Iterator[str]:  # noqa: ANN401 - werkzeug's own
    """What is wrong with an answer."""
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    for name, value in HEADERS.items():
        if answer.headers.get(name) != value:
            yield f"header {name}: {answer.headers.get(name)}"
    if not re.fullmatch(r"[A-Za-z0-9-]{8,64}", answer.headers.get("X-Request-ID", "")):
        yield f"request id {answer.headers.get('X-Request-ID')!r}"
    if answer.headers.get("a") or "a=b" in answer.headers.get("Set-Cookie", ""):
        yield "a header of the visitor's making"
    target = urlsplit(answer.headers.get("Location", "/"))
    if target.scheme not in {"", "http", "https"} or "evil" in target.netloc or target.path.startswith(("//", "/\\")):
        yield f"sends to {answer.headers['Location']}"
    yield from _faults_of_text(caller, answer)


def _faults_of_text(caller: str, answer: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    kind = answer.content_type or ""
    if kind.startswith(("text/", "application/json", "application/problem+json")):
        said = answer.get_data(as_text=True)
        if found := INSIDE.search(said):
            yield f"shows {found[0]!r}"
        # The API's description has the worked example in it, for everybody.
        if caller in STRANGERS and ONLY_FOR_OTHERS in said and not said.startswith('{"openapi"'):
            yield "shows another's bill"
        if kind.startswith("text/html"):
            yield from scripts(said)


def scripts(said: str) -> Iterator[str]:
    """Whatever a browser would run, or load from elsewhere."""
    if not said.strip():
        return
    for element in html.document_fromstring(said).iter(html.etree.Element):
        if element.tag == "script" and not (element.get("src", "").startswith("/static/") and not element.text):
            yield f"script {html.tostring(element)[:80]!r}"
        for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
            if name.startswith("on") or name == "style":
                yield f"attribute {name}={value[:40]}"
            if name in {"href", "src", "action", "formaction"} and re.match(
                r"\s*(javascript|data|vbscript):|//", value
            ):
                yield f"{name}={value[:60]}"


def attack(
    app: Flask, clients: dict[str, FlaskClient], forms: list[Form], seed: int, count: int
) -> tuple[Counter[int], Counter[int]]:
    """Send so many, every third by a form that a page offered.

    Returns:
        How often each status came: of all, and of the forms.

    Raises:
        AssertionError: with the seed, the request and what is wrong.
    """
    draw = random.Random(seed)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in LEAVES_OUT]
    statuses: Counter[int] = Counter()
    of_forms: Counter[int] = Counter()
    for number in range(count):
        if number % 3 == 2:
            form = draw.choice(forms)
            caller, asked = form.caller, one_form(draw, form)
        else:
            caller, asked = draw.choice(CALLERS), one_request(draw, rules)
        told = f"seed {seed}, request {number}: {caller} {asked}"
        with clients[caller].open(**asked) as answer:
            assert list(faults(caller, answer)) == [], told
            statuses[answer.status_code] += 1
            of_forms[answer.status_code] += number % 3 == 2
    return statuses, of_forms


def still_whole(app: Flask, database: Database, clients: dict[str, FlaskClient]) -> None:
    """Nothing was written into a page, and the books are as they were."""
    for caller, addresses in {
        "officer": ["/oekonomi/461/", "/oekonomi/461/bilag", "/oekonomi/461/bilag/F2008-0001", "/kommune/461/"],
        "administrator": ["/brugere/461/"],
        "payer": ["/kommune/420/"],
    }.items():
        for address in addresses:
            answer = clients[caller].get(address)
            assert answer.status_code == 200, (caller, address)
            assert list(scripts(answer.text)) == []
            assert "alert(1)" not in re.sub(r"&lt;.*?&gt;", "", answer.text)
    with database.reading() as connection:
        names = connection.execute(text("SELECT login FROM user_account")).scalars().all()
        assert [check for check in verify(connection, demo_site.TODAY) if not check.ok] == []
    assert [name for name in names if not re.fullmatch(r"[a-z0-9æøå._+@-]+", name)] == []
    assert app.test_client().get("/readyz").status_code == 200


def _came_far(statuses: Counter[int], of_forms: Counter[int], count: int) -> None:
    """Not all were stopped at the door: nearly every form came to what reads it, and some addresses to a page."""
    assert sum(statuses.values()) == count
    read = sum(of_forms[status] for status in (200, 303, 400, 404, 409, 413))
    assert read > 0.9 * count // 3
    assert of_forms[200] + of_forms[303] > count // 20
    assert statuses[200] - of_forms[200] > count // 100


@pytest.mark.parametrize("seed", [1, 2])
def test_some_hundred_hostile_requests(
    app: Flask, database: Database, clients: dict[str, FlaskClient], forms: list[Form], seed: int
) -> None:
    count = 300
    statuses, of_forms = attack(app, clients, forms, seed, count)
    _came_far(statuses, of_forms, count)
    assert statuses[404] > count // 20
    assert statuses[400] + statuses[403] + statuses[405] + statuses[422] > count // 20
    still_whole(app, database, clients)


@pytest.mark.soak
def test_ten_thousand_hostile_requests(
    app: Flask, database: Database, clients: dict[str, FlaskClient], forms: list[Form]
) -> None:
    count = 10_000 if database.url.get_backend_name() == "sqlite" else 2_000
    statuses, of_forms = attack(app, clients, forms, 3, count)
    _came_far(statuses, of_forms, count)
    still_whole(app, database, clients)


@pytest.mark.parametrize("host", ["a b", "<script>", "evil.invalid:99999999", "x" * 300, "..", "[::1", "\u00e6"])
def test_a_host_that_is_none_is_told_so(app: Flask, host: str) -> None:
    for path in ("/", "/login", "/oekonomi/461/", "/findes-ikke", "/static/style.css"):
        with app.test_client().get(path, headers={"Host": host}) as answer:
            assert answer.status_code < 500
            assert list(faults("nobody", answer)) == []


def test_a_fault_and_a_leak_would_be_found(app: Flask) -> None:
    from werkzeug.wrappers import Response

    def of(words: str, status: int = 200, **headers: str) -> list[str]:
        made = Response(words, status, content_type="text/html")
        made.headers.update({**HEADERS, "X-Request-ID": "abcdefgh", **headers})
        return list(faults("neighbour", made))

    assert of("<p>alt er godt</p>") == []
    assert of("<p>x</p>", 500) == ["status 500"]
    assert of(f"<p>{ONLY_FOR_OTHERS}</p>") == ["shows another's bill"]
    assert of("<p>sqlite3.OperationalError</p>") == ["shows 'sqlite3'"]
    assert of("<p>x</p>", Location="//evil.invalid/") == ["sends to //evil.invalid/"]
    for planted in (*SCRIPTS[:3], SCRIPTS[4].replace("</textarea>", "")):
        assert of(f"<p title='{planted}'>{planted}</p>"), planted
    assert of('<a href="javascript:alert(1)">x</a>') != []
    assert app.url_map is not None


def test_an_upload_that_is_too_large_is_refused(app: Flask, clients: dict[str, FlaskClient]) -> None:
    from portal.pages import LARGEST_UPLOAD

    large = b"--x\r\n" + b"x" * LARGEST_UPLOAD
    for address in ("/login", "/brugere/461/ny"):
        answer = clients["administrator"].post(address, data=large, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 413
        assert "Filen er for stor" in answer.text
    many = clients["nobody"].post("/login", data={f"f{number}": "x" for number in range(5000)})
    assert many.status_code in {401, 413, 429}
    assert app.config["MAX_CONTENT_LENGTH"] == LARGEST_UPLOAD
