"""The officer's and the payer's pages: their figures, listings by place, files, and how many questions a page asks."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import Connection, event, text

from billing.deadline_status import deadline_statuses
from billing.invoice import store as invoices
from billing.invoice.facts import DocumentType
from billing.invoice.store import Order, Wanted
from billing.payment import run as payments
from billing.payment import store as payment_store
from foundation.database import Database
from foundation.money import kroner
from foundation.settings import Settings
from portal import document_files
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.finance import rows as finance_rows

ODENSE = demo_site.ODENSE
TODAY = demo_site.TODAY


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lived(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        finance_rows.prepare(database)
        yield database


@pytest.fixture(scope="module")
def app(lived: Database) -> Iterator[Flask]:
    url = lived.url.render_as_string(hide_password=False)
    made = create_app(Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: TODAY)
    made.config["WTF_CSRF_ENABLED"] = False
    yield made
    made.extensions[EXTENSION].close()


def client_of(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/login", data={"login": login, "password": demo_site.PASSWORD}).status_code == 303
    return client


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    with database.reading() as connection:
        yield connection


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("order", list(Order))
def test_a_listing_by_place_is_whole_and_in_order(lived: Database, order: Order, *, ascending: bool) -> None:
    column = {Order.ISSUED: "issue_date", Order.DUE: "due_date", Order.AMOUNT: "amount_oere"}[order]
    turn = "ASC" if ascending else "DESC"
    with lived.reading() as connection:
        by_hand = connection.execute(
            text(f"SELECT number FROM invoice WHERE issuer = '461' ORDER BY {column} {turn}, id {turn}")
        ).scalars()
        expected = list(by_hand)
        listed: list[str] = []
        after = None
        for _ in range(100):
            page = invoices.page(connection, Wanted(issuer=ODENSE), order, ascending=ascending, after=after, size=37)
            listed += [head.number for head in page.heads]
            after = page.next_after
            if after is None:
                break
    assert len(expected) > 300
    assert listed == expected


@pytest.mark.parametrize(
    ("wanted", "condition"),
    [
        (Wanted(issuer=ODENSE, year=2010), "period_from >= '2010-01-01' AND period_from <= '2010-12-31'"),
        (Wanted(issuer=ODENSE, subscribers=frozenset({"420", "450"})), "subscriber IN ('420', '450')"),
        (Wanted(issuer=ODENSE, number="F2010-00"), "number LIKE 'F2010-00%'"),
        (Wanted(issuer=ODENSE, subscribers=frozenset(), number="F2010-01"), "number LIKE 'F2010-01%'"),
        (Wanted(issuer=ODENSE, with_internal=False), "internal = FALSE"),
        (Wanted(issuer=ODENSE, document_type=DocumentType.CREDIT_NOTE), "document_type = 'credit_note'"),
        (Wanted(subscriber="420"), "subscriber = '420'"),
        (Wanted(issuer="420"), "issuer = '420'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # a set is written in another order by each process
)
def test_a_listing_holds_what_is_asked_for(lived: Database, wanted: Wanted, condition: str) -> None:
    with lived.reading() as connection:
        found = {head.number for head in invoices.page(connection, wanted, size=1000).heads}
        own = f" AND issuer = '{wanted.issuer}'" if wanted.issuer else ""
        expected = set(connection.execute(text(f"SELECT number FROM invoice WHERE {condition}{own}")).scalars())
    assert found == expected
    assert expected or wanted.issuer == "420"


@pytest.mark.parametrize("as_of", [date(2009, 6, 1), date(2010, 12, 31), TODAY])
def test_what_is_open_is_what_the_open_items_sum_to(lived: Database, as_of: date) -> None:
    with lived.transaction() as connection:
        report = payments.open_report(connection, ODENSE, as_of)
        items = [item for standing in report.standings for item in standing.items]
        asked = invoices.asked_for(connection, ODENSE, as_of)
        overdue = invoices.asked_for(connection, ODENSE, as_of, due_before=as_of)
        settled = payment_store.settled_total(connection, ODENSE, as_of)
        settled_overdue = payment_store.settled_total(connection, ODENSE, as_of, due_before=as_of)
        assert asked - settled == sum(item.open_oere for item in items) != 0
        assert overdue - settled_overdue == sum(item.open_oere for item in items if item.due_date < as_of)


def test_the_wheel_of_an_issuer_is_that_of_its_agreements(lived: Database) -> None:
    with lived.reading() as connection:
        assert deadline_statuses(connection, TODAY, issuer=ODENSE) == deadline_statuses(
            connection, TODAY, "fyn-alkohol"
        )
        assert deadline_statuses(connection, TODAY, issuer="420") == ()


def test_the_overview_says_what_the_books_say(app: Flask, lived: Database) -> None:
    page = client_of(app, "officer").get("/oekonomi/461/").text
    # docs/house.md: billed and accounts of 2009.
    assert "24.667.333,33" in page
    assert "24.301.570,85" in page
    with lived.transaction() as connection:
        opened = sum(each.open_oere for each in payments.open_report(connection, ODENSE, TODAY).standings)
    assert kroner(opened) in page


def test_why_a_municipality_pays_what_it_pays(app: Flask) -> None:
    page = client_of(app, "payer").get("/kommune/420/?year=2009").text
    # Domain rules 2 and 3: 42,054 of 445,136 inhabitants of 24,667,333.33 are 2,330,433.92.
    assert "42.054 af 445.136 indbyggere" in page
    assert "2.330.433,92 kr." in page
    document = client_of(app, "payer").get("/kommune/420/bilag/461/F2008-0001").text
    assert "194.202,82" in document
    assert "9,45 %" in document


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(42054, 445136, "9,45"), (1, 3, "33,33"), (1, 1, "100,00"), (1, 800, "0,13")]
)
def test_per_cent(part: int, whole: int, said: str) -> None:
    assert document_files.percent(part, whole) == said


def name_in(disposition: str) -> str:
    starred = re.search(r"filename\*=UTF-8''([^;]+)", disposition)
    plain = re.search(r'filename="?([^";]+)"?', disposition)
    assert starred or plain
    return unquote(starred[1]) if starred else plain[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("address", "name", "begins"),
    [
        ("/oekonomi/461/bilag/F2008-0001/fil.pdf", "2009-01 a conto Assens F2008-0001.pdf", b"%PDF-"),
        ("/oekonomi/461/bilag/F2008-0001/fil.xml", "2009-01 a conto Assens F2008-0001.xml", b"<?xml"),
        ("/oekonomi/461/bilag/F2008-0001/fil.xlsx", "2009-01 a conto Assens F2008-0001.xlsx", b"PK"),
        ("/oekonomi/461/bilag/F2008-0009/fil.pdf", "2009-01 a conto Ærø F2008-0009.pdf", b"%PDF-"),
    ],
)
def test_files_have_names_for_people(app: Flask, address: str, name: str, begins: bytes) -> None:
    with client_of(app, "officer").get(address) as answer:
        assert answer.status_code == 200
        assert name_in(answer.headers["Content-Disposition"]) == name
        assert answer.data.startswith(begins)
        if name.endswith("xlsx"):
            amounts = {
                cell.value
                for sheet in load_workbook(io.BytesIO(answer.data), data_only=True)
                for row in sheet
                for cell in row
            }
            assert 194202.82 in amounts


def test_an_internal_document_has_no_e_invoice(app: Flask) -> None:
    answer = client_of(app, "officer").get("/oekonomi/461/bilag/F2008-0005/fil.xml")
    assert answer.status_code == 404
    assert "internt bilag" in answer.text


PAGES = {
    "/oekonomi/461/": 27,
    "/oekonomi/461/bilag?q=assens&year=2010": 6,
    "/oekonomi/461/bilag/F2008-0001": 16,
    "/kommune/461/": 17,
    "/adgangskode": 3,
    **finance_rows.QUESTIONS,
}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_a_bounded_number_of_questions(app: Flask, address: str) -> None:
    client = client_of(app, "officer")
    client.get(address)
    asked: list[str] = []
    engine = app.extensions[EXTENSION].database.engine

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "ROLLBACK", "COMMIT")):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert 0 < len(asked) <= PAGES[address], len(asked)
