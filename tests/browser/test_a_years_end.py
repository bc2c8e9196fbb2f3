"""A year's end by two people in two roles: accounts, result, carry-over, a leaver, the providers' clearing.

The demo is lived up to the day before it closes 2010 itself; docs/house.md has the figures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import FilePayload, Page, expect
from werkzeug.serving import make_server

from agreements import run as agreements
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.settings import Settings
from portal import demo
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.browser.conftest import log_in, picture, violations
from tests.databases import SqliteDatabases
from tests.portal import demo_site

pytestmark = pytest.mark.soak

DAY = date(2011, 4, 4)
END = "/oekonomi/461/aarsafslutning/fyn-alkohol/2010"


@pytest.fixture(scope="module")
def open_year(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """The demo before it closed 2010, served."""
    with sqlite_databases.upgraded() as url:
        database = Database(url)
        with database.transaction() as connection:
            agreements.ship_population(connection, demo_site.occasion(date(2008, 5, 20)))
        for step in demo.steps():
            if step.day < date(2011, 3, 28):
                with database.transaction() as connection:
                    step.does(connection, Occasion(step.day, demo.ACTOR, clock.now()))
        demo_site.add_people(database)
        database.dispose()
        app = create_app(Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: DAY)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions[EXTENSION].close()


def payload(content: bytes) -> FilePayload:
    return {"name": "regnskab_2010.toml", "mimeType": "text/plain", "buffer": content}


def test_a_years_end_by_two_people(page: Page, open_year: str) -> None:
    log_in(page, open_year, "officer")
    page.get_by_role("link", name="Årsafslutning", exact=True).click()
    page.get_by_role("link", name="2010").click()
    expect(page.get_by_text("Året kan ikke lukkes endnu")).to_be_visible()
    accounts = demo._file("regnskab_2010.toml")
    broken = accounts.replace(b'"479"', b'"420"')
    page.get_by_label("Leverandørernes regnskab").set_input_files(payload(broken))
    page.get_by_role("button", name="Indlæs regnskabet").click()
    expect(page.get_by_role("alert")).to_contain_text("ikke ydelsesleverandør")
    picture(page, "aarsafslutning-fejl")
    assert violations(page) == []
    page.get_by_label("Leverandørernes regnskab").set_input_files(payload(accounts))
    page.get_by_role("button", name="Indlæs regnskabet").click()
    expect(page.get_by_role("main")).to_contain_text("25.940.781,75")
    expect(page.get_by_role("button", name="Luk året")).to_have_count(0)

    log_in(page, open_year, "approver")
    page.goto(open_year + END)
    page.get_by_label("Overføres i stedet").fill("10 %")
    page.get_by_role("button", name="Vis virkningen").click()
    expect(page.get_by_role("main")).to_contain_text("-60.578,18")  # a tenth of 605.781,75, half an øre up
    page.get_by_label("Overføres i stedet").fill("0 %")
    page.get_by_role("button", name="Vis virkningen").click()
    page.get_by_label("Hvem har besluttet det").fill("Økonomichefen")
    page.get_by_role("button", name="Luk året").click()
    expect(page.get_by_role("main")).to_contain_text("605.781,75 kr.")
    expect(page.get_by_role("main")).to_contain_text("Besluttet af Økonomichefen, godkendt af approver")
    page.get_by_role("button", name="Opgør og udsted 7.101,48 kr.").click()
    expect(page.get_by_role("main")).to_contain_text("Opgjort ved F2011-")

    log_in(page, open_year, "officer")
    page.goto(open_year + END)
    page.get_by_role("button", name="Bogfør udligningen").click()
    expect(page.get_by_text("udlignet", exact=True)).to_be_visible()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Hent årsopgørelsen").click()
    assert fetched.value.suggested_filename == "2010 Årsopgørelse fyn-alkohol.xlsx"
