"""The year's page where a first year is trued up, and where a leaver has its share of the net assets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.settings import Settings
from portal import background
from portal.access import keys
from portal.access import run as access
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import SqliteDatabases
from tests.portal import demo_site
from tests.scenarios.conftest import Desk
from tests.scenarios.test_settlement_terms import ASSETS, TRUED, first_year, leaver

DAY = date(2017, 3, 2)
TRUE_UP = f"/oekonomi/101/aarsafslutning/{TRUED}/2016"
EXIT = f"/oekonomi/461/aarsafslutning/{ASSETS}/2010"


@pytest.fixture(scope="module")
def app(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with sqlite_databases.upgraded() as url:
        _prepare(url, tmp_path_factory.mktemp("files"))
        made = create_app(Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: DAY)
        made.config["WTF_CSRF_ENABLED"] = False
        yield made
        made.extensions[background.EXTENSION].close()
        made.extensions[EXTENSION].close()


def _prepare(url: str, folder: Path) -> None:
    desk = Desk(url, folder)
    leaver(desk)
    first_year(desk)
    desk.does("settlement", "close", TRUED, 2016)
    desk.leaves()
    database = Database(url)
    demo_site.add_people(database)
    with database.transaction() as connection:
        access.set_roles(connection, "approver", "101", ["approver"], demo_site.occasion())
    database.dispose()


def client_of(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/login", data={"login": login, "password": demo_site.PASSWORD}).status_code == 303
    return client


def test_a_true_up_from_plan_to_documents(app: Flask) -> None:
    officer, approver = client_of(app, "newcomer"), client_of(app, "approver")
    assert "Planlæg efterreguleringen" in officer.get(TRUE_UP).text
    assert approver.post(f"{TRUE_UP}/efterreguler").status_code == 403
    assert officer.post(f"{TRUE_UP}/efterreguler").status_code == 303
    page = officer.get(TRUE_UP).text
    assert "venter på godkendelse" in page
    assert "60.000,07" in page
    assert officer.post(f"{TRUE_UP}/efterreguler/1/godkend").status_code == 403
    assert approver.post(f"{EXIT}/efterreguler/1/godkend").status_code == 404
    assert approver.post(f"{TRUE_UP}/efterreguler/1/udsted").status_code == 409
    assert approver.post(f"{TRUE_UP}/efterreguler/1/godkend").status_code == 303
    assert approver.post(f"{TRUE_UP}/efterreguler/1/udsted").status_code == 303
    assert "udstedt" in approver.get(TRUE_UP).text
    assert approver.post(f"{TRUE_UP}/efterreguler/1/udsted").status_code == 409
    assert officer.post(f"{TRUE_UP}/efterreguler").status_code == 409
    assert "Efterregulering af 2016" in officer.get("/oekonomi/101/bilag/F2017-0001").text
    assert "senest 15.5. året efter" in officer.get(f"/oekonomi/101/aftaler/{TRUED}").text


def _a_program_asks_for_the_same(app: Flask) -> None:
    """Looked at by the API first: refused without the figure, and with it the share by hand; nothing is kept."""
    site = app.extensions[EXTENSION]
    with site.database.transaction() as connection:
        now = Occasion(DAY, "approver", clock.now())
        _number, key = keys.make_key(connection, "approver", "461", "økonomi", ["accounts:close"], now)
    told = {"headers": {"Authorization": f"Bearer {key}"}, "query_string": {"preview": "true"}}
    exits, client = f"/api/v1/agreements/{ASSETS}/exits", app.test_client()
    missing = client.post(exits, json={"municipality": "480"}, **told)
    assert (missing.status_code, missing.mimetype) == (409, "application/problem+json")
    stated = {"municipality": "480", "net_assets_oere": 100_000_001, "evidence": "Regnskab 2010, side 12"}
    looked = client.post(exits, json=stated, **told)
    assert looked.json is not None
    assert (looked.json["number"], looked.json["amount_oere"]) == (None, -14_850_000)
    assert looked.json["net_assets"] == {
        "net_assets_oere": 100_000_001,
        "share_oere": 15_000_000,
        "evidence": "Regnskab 2010, side 12",
    }


def test_net_assets_are_asked_for_and_paid_out(app: Flask) -> None:
    approver = client_of(app, "approver")
    page = approver.get(EXIT).text
    assert "Nettoformuen efter regnskabet" in page
    form = {"municipality": "480"}
    assert approver.post(f"{EXIT}/udtraedelse", data=form).status_code == 409
    wrong = approver.post(f"{EXIT}/udtraedelse", data={**form, "net_assets": "meget", "evidence": "side 12"})
    assert wrong.status_code == 400
    _a_program_asks_for_the_same(app)
    right = {**form, "net_assets": "1.000.000,01", "evidence": "Regnskab 2010, side 12"}
    assert approver.post(f"{EXIT}/udtraedelse", data=right).status_code == 303
    page = approver.get(EXIT).text
    # 3 of 20 of 1,000,000.01, and 1,500.00 of the deficit.
    assert "150.000,00" in page
    assert "side 12" in page
    assert "-148.500,00" in page
    assert "andel af nettoformuen" in approver.get(f"/oekonomi/461/aftaler/{ASSETS}").text
