"""What officers send: bounded, of the type that it says, of their own agreements only, and never a person's number."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from agreements import run as agreements
from agreements.agreement_file import read_agreement
from billing.monthly_run import run as runs
from foundation.database import Database
from foundation.settings import Settings
from portal import background, demo
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.billing.usage.corpus import VALUES, bad_files
from tests.databases import SqliteDatabases
from tests.portal import demo_site

HERE = "/oekonomi/461"
BUDGET = demo._file("budget_2012.toml")
OTHERS = "nabo-aftale"


@pytest.fixture(scope="module")
def lived(sqlite_databases: SqliteDatabases) -> Iterator[Database]:
    """The demo, and an agreement that Svendborg bills for, of which Odense's officer knows nothing."""
    with sqlite_databases.upgraded() as url, demo_site.lived(url) as database:
        mine = demo._marked_agreement().decode()
        its = re.sub(r'(?m)^issuer = "461"', 'issuer = "479"', mine.replace(demo.CODE, OTHERS)).encode()
        assert read_agreement("nabo.toml", its).issuer == "479"
        with database.transaction() as connection:
            agreements.load_agreement(connection, "nabo.toml", its, demo_site.occasion(date(2008, 5, 20)))
        yield database


@pytest.fixture(scope="module")
def app(lived: Database) -> Iterator[Flask]:
    url = lived.url.render_as_string(hide_password=False)
    made = create_app(
        Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: demo_site.TODAY
    )
    made.config["WTF_CSRF_ENABLED"] = False
    yield made
    made.extensions[background.EXTENSION].close()
    made.extensions[EXTENSION].close()


@pytest.fixture(scope="module")
def officer(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert client.post("/login", data={"login": "officer", "password": demo_site.PASSWORD}).status_code == 303
    return client


def sent(client: FlaskClient, address: str, name: str, content: bytes, **more: str) -> TestResponse:
    return client.post(address, data={"file": (io.BytesIO(content), name), **more}, content_type="multipart/form-data")


def rows_of(database: Database, table: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


UPLOADS = [
    (f"/aftaler/{demo.CODE}/budget", ("budget_line", "audit_event")),
    (f"/aarsafslutning/{demo.CODE}/2012/regnskab", ("accounts_line", "audit_event")),
    ("/aftaler", ("agreement_version", "audit_event")),
    ("/folketal", ("population_figure", "audit_event")),
    ("/betalinger", ("receipt", "audit_event")),
    ("/levering/kvitteringer", ("audit_event",)),
]


@pytest.mark.parametrize(("address", "tables"), UPLOADS, ids=[address for address, _ in UPLOADS])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tom.toml", b""),
        ("navn.exe", b"MZ"),
        ("..\\..\\x.toml", b"\x00\x01"),
        ("ikke.xlsx", b"[agreement]"),
        ("bombe.xlsx", b"PK\x03\x04" + b"\x00" * 100),
        ("skrald.toml", b"= [[ \xff"),
        ("skrald.csv", b"a;b\n1;2\n"),
        ("dtd.xml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_file_changes_nothing(  # noqa: PLR0917 - a case and its fixtures
    officer: FlaskClient, lived: Database, address: str, tables: tuple[str, ...], name: str, content: bytes
) -> None:
    before = [rows_of(lived, table) for table in tables]
    answer = sent(officer, HERE + address, name, content, what="keep")
    assert answer.status_code == 400
    assert "root:" not in answer.text
    assert [rows_of(lived, table) for table in tables] == before


def test_a_file_that_is_too_large_is_not_read(officer: FlaskClient) -> None:
    body = b"x" * (21 * 1024 * 1024)
    answer = officer.post(f"{HERE}/betalinger", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413


@pytest.mark.parametrize("verb", ["budget", "regnskab"])
def test_a_file_of_anothers_agreement_is_of_none(officer: FlaskClient, lived: Database, verb: str) -> None:
    before = rows_of(lived, "budget_line"), rows_of(lived, "accounts_line")
    page = f"/aftaler/{demo.CODE}/budget" if verb == "budget" else f"/aarsafslutning/{demo.CODE}/2012/regnskab"
    content = BUDGET if verb == "budget" else BUDGET.replace(b"[[budgets]]", b"[[accounts]]")
    answer = sent(officer, HERE + page, "x.toml", content.replace(demo.CODE.encode(), OTHERS.encode()), what="keep")
    unknown = sent(officer, HERE + page, "x.toml", content.replace(demo.CODE.encode(), b"findes-ikke"), what="keep")
    assert answer.status_code == unknown.status_code == 404
    assert (rows_of(lived, "budget_line"), rows_of(lived, "accounts_line")) == before


def test_two_people_see_the_plans_of_an_issuer_that_begins_here(app: Flask, lived: Database) -> None:
    client = app.test_client()
    client.post("/login", data={"login": "newcomer", "password": demo_site.PASSWORD})
    first = demo._marked_agreement().replace(demo.CODE.encode(), b"begynder-her").replace(b'"461"', b'"101"')
    assert sent(client, "/oekonomi/101/aftaler", "a.toml", first).status_code == 303

    def four_eyes() -> bool:
        with lived.reading() as connection:
            return runs.get_issuer(connection, "101").four_eyes

    assert four_eyes()
    with lived.transaction() as connection:
        runs.set_issuer(connection, "101", demo_site.occasion(), four_eyes=False)
    second = first.replace(b"begynder-her", b"fortsaetter")
    assert sent(client, "/oekonomi/101/aftaler", "b.toml", second).status_code == 303
    assert not four_eyes()  # what was chosen stays


def test_an_agreement_of_another_issuer_is_not_loaded_over_it(officer: FlaskClient, lived: Database) -> None:
    before = rows_of(lived, "agreement_version")
    mine = demo._marked_agreement()
    taken = sent(officer, f"{HERE}/aftaler", "x.toml", mine.replace(demo.CODE.encode(), OTHERS.encode()))
    theirs = sent(officer, f"{HERE}/aftaler", "x.toml", re.sub(rb'(?m)^issuer = "461"', b'issuer = "479"', mine))
    assert (taken.status_code, theirs.status_code) == (400, 400)
    assert rows_of(lived, "agreement_version") == before


@pytest.mark.parametrize(
    "page",
    [
        f"/aftaler/{OTHERS}",
        f"/aftaler/{OTHERS}/fil.toml",
        f"/priser/{OTHERS}/2012",
        f"/priser/{OTHERS}/2012/hvad-nu-hvis",
        f"/aarsafslutning/{OTHERS}/2012",
        f"/forbrug?aftale={OTHERS}",
    ],
)
def test_anothers_agreement_is_not_found(officer: FlaskClient, page: str) -> None:
    assert officer.get(HERE + page).status_code == 404


def test_a_file_with_a_persons_number_is_refused_and_never_shown(officer: FlaskClient, lived: Database) -> None:
    before = rows_of(lived, "audit_event"), rows_of(lived, "usage_load")
    tried = 0
    for bad in bad_files()[::7]:
        answer = sent(
            officer, f"{HERE}/forbrug/{demo.CODE}", bad.name, bad.data, what="keep", provider="461", period="2009-H1"
        )
        assert answer.status_code == 400, bad.name
        assert not [value for value in VALUES if value in answer.text], bad.name
        tried += 1
    assert tried > 10
    assert (rows_of(lived, "audit_event"), rows_of(lived, "usage_load")) == before


def test_a_budget_looked_at_is_not_kept(officer: FlaskClient, lived: Database) -> None:
    before = rows_of(lived, "budget_line")
    more = BUDGET.replace(b"6755000", b"6756000")
    answer = sent(officer, f"{HERE}/aftaler/{demo.CODE}/budget", "b.toml", more, what="preview")
    # 1.000 kr. more in all, of which the payers' parts are the whole.
    assert "26.843.389,47" in answer.text
    assert "Intet er gemt" in answer.text
    assert rows_of(lived, "budget_line") == before
    broken = sent(officer, f"{HERE}/aftaler/{demo.CODE}/budget", "b.toml", BUDGET.replace(b"6755000", b"x"))
    assert broken.status_code == 400
    assert "linje" in broken.text


def test_the_trail_of_an_issuer_tells_nothing_of_another(app: Flask) -> None:
    client = app.test_client()
    client.post("/login", data={"login": "auditor", "password": demo_site.PASSWORD})
    page = client.get(f"{HERE}/revisionsspor").text
    assert demo.CODE in page
    assert OTHERS not in page
    assert "access." not in page
    assert OTHERS not in client.get(f"{HERE}/revisionsspor?q={OTHERS}").text.split("<main", 1)[1].split("</form>", 1)[1]


@pytest.mark.parametrize(
    "given", ["%00", "a%00b", "%F0%9F%92%A9", "'%20OR%201=1", "%3Cscript%3E", "x" * 2000, "%ff", "9" * 30]
)
@pytest.mark.parametrize(
    "page",
    [
        "/aftaler/{}",
        "/priser/{}/2012",
        "/priser/fyn-alkohol/2190/hvad-nu-hvis?ahead=4&joining={}",
        "/priser/fyn-alkohol/2012?version={}",
        "/priser/fyn-alkohol/2012/hvad-nu-hvis?cost={}&without={}",
        "/aarsafslutning/fyn-alkohol/2190",
        "/aarsafslutning/fyn-alkohol/{}",
        "/bilag/{}",
        "/planer?before={}",
        "/planer/1?del={}",
        "/planer/{}",
        "/aabne-poster?kommune={}&del={}",
        "/folketal?on={}",
        "/forbrug?aftale={}",
        "/levering?state={}",
        "/arbejde/{}",
        "/renter/{}",
    ],
)
def test_what_stands_in_an_address_breaks_nothing(officer: FlaskClient, page: str, given: str) -> None:
    answer = officer.get(HERE + page.replace("{}", given))
    assert answer.status_code in {200, 400, 404, 409}
    assert "<script>" not in answer.text


@pytest.mark.parametrize("year", ["2191", "2199", "2200", "2201", "1970", "-1", "1e3", "٢٠١٢", "NaN"])
@pytest.mark.parametrize(
    "page", ["/priser", "/aftaler/fyn-alkohol/opsig", "/aftaler/fyn-alkohol/optag", "/regneark", "/planer"]
)
def test_a_year_that_is_none_breaks_nothing(officer: FlaskClient, page: str, year: str) -> None:
    data = {"agreement": "fyn-alkohol", "municipality": "492", "year": year, "month": f"{year}-12"}
    is_known = page == "/regneark" and year == "1970"
    assert officer.post(HERE + page, data=data).status_code in ({303} if is_known else {400, 404, 409})
