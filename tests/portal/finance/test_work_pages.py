"""What is made beside the pages, as an officer meets it: 98 workbooks in one file, a month's issue begun twice."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import text

from agreements import run as agreements
from agreements.municipality import MUNICIPALITIES
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month
from foundation.settings import Settings
from portal import background, demo
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site

HERE = "/oekonomi/461"
ALL = "alle-98"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def lived(request: pytest.FixtureRequest) -> Iterator[Database]:
    """The demo, and an agreement in which every municipality takes part."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        listed = ", ".join(f'"{code}"' for code in sorted(MUNICIPALITIES))
        mine = demo._marked_agreement().decode().replace(demo.CODE, ALL)
        everybody = re.sub(r"(?ms)^subscribers = \[.*?\]", f"subscribers = [{listed}]", mine)
        with database.transaction() as connection:
            agreements.load_agreement(connection, "a.toml", everybody.encode(), demo_site.occasion(date(2008, 5, 20)))
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


def client_of(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/login", data={"login": login, "password": demo_site.PASSWORD}).status_code == 303
    return client


def waited(client: FlaskClient, address: str) -> str:
    """The page of work that has ended."""
    for _ in range(1200):
        page = client.get(address).text
        if "Gå videre" in page:
            return page
        threading.Event().wait(0.05)
    raise AssertionError(page)


def test_98_workbooks_in_one_file(app: Flask) -> None:
    client = client_of(app, "officer")
    begun = client.post(f"{HERE}/regneark", data={"agreement": ALL, "year": "2009"})
    address = begun.headers["Location"]
    assert "98 regneark er skrevet" in waited(client, address)
    with client.get(f"{address}/fil") as answer:
        assert answer.headers["Content-Disposition"].endswith('filename="2009 regneark alle-98.zip"')
        names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert len(names) == len(set(names)) == 98
    assert client_of(app, "approver").get(f"{address}/fil").status_code == 404


def test_a_years_workbooks_hold_the_years_figures(app: Flask) -> None:
    client = client_of(app, "reader")
    address = client.post(f"{HERE}/regneark", data={"agreement": demo.CODE, "year": "2009"}).headers["Location"]
    waited(client, address)
    with client.get(f"{address}/fil") as answer, zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert len(packed.namelist()) == 11  # the calculation, the annual statement, nine members
        statement = load_workbook(io.BytesIO(packed.read("2009 Årsopgørelse fyn-alkohol.xlsx")), data_only=True)
    values = {cell.value for sheet in statement for row in sheet for cell in row}
    assert 365762.48 in values  # docs/house.md: the surplus of 2009


def test_a_month_begun_twice_is_issued_once(app: Flask, lived: Database) -> None:
    officer, approver = client_of(app, "officer"), client_of(app, "approver")
    plan = officer.post(f"{HERE}/planer", data={"agreement": demo.CODE, "month": "2012-05"}).headers["Location"]
    assert officer.post(f"{plan}/godkend").status_code == 403
    assert approver.post(f"{plan}/godkend", data={"note": "set efter"}).status_code == 303
    begun = [approver.post(f"{plan}/udsted").headers["Location"] for _ in range(3)]
    pages = [waited(approver, each) for each in begun if "/arbejde/" in each]
    assert sum("beløb er udstedt" in page for page in pages) == 1
    with lived.reading() as connection:
        count, total = connection.execute(
            text("SELECT count(*), sum(amount_oere) FROM invoice WHERE period_from = '2012-05-01'")
        ).one()
    # 2012's price, docs/house.md's agreement: 26.842.389,47 in twelve parts, each payer's rounded down to whole øre.
    assert (count, int(total)) == (8, 2_236_865_75)
    assert "udstedt" in officer.get(plan).text


def test_four_eyes_are_two_persons(app: Flask, lived: Database) -> None:
    with lived.transaction() as connection:
        now = demo_site.occasion()
        runs.set_issuer(connection, "461", now, four_eyes=True)
        own = Occasion(now.as_of, "approver", now.at)
        number = runs.plan_run(connection, RunScope(demo.CODE, Month(2012, 6), "461"), own).number
    approver = client_of(app, "approver")
    page = approver.get(f"{HERE}/planer/{number}").text
    assert "Du har selv lavet planen" in page
    assert "Godkend planen" not in page
    assert approver.post(f"{HERE}/planer/{number}/godkend").status_code == 409
    assert approver.post(f"{HERE}/planer/{number}/afvis", data={"note": "en anden skal se den"}).status_code == 303
