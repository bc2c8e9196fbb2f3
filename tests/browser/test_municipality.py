"""A person at a municipality that pays: why, the year's files, its usage statement, the calendar, a notice."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from billing.usage_statement import run as usage
from foundation.settings import Settings
from portal.access import run as access
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.browser.conftest import fits, log_in_afresh, picture, violations
from tests.databases import SqliteDatabases
from tests.portal import demo_site
from tests.portal.municipality.test_pages import release_usage

pytestmark = pytest.mark.soak

LOGIN = "assens-begge"


@pytest.fixture(scope="module")
def own_address(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """The demo's data with a usage statement that is released, and somebody at Assens who may all."""
    with sqlite_databases.upgraded() as url, demo_site.lived(url) as database:
        patched = pytest.MonkeyPatch()
        patched.setattr(usage, "SEARCH_SECONDS", 1.0)
        release_usage(database)
        patched.undo()
        with database.transaction() as connection:
            access.add_user(connection, LOGIN, demo_site.occasion(), demo_site.PASSWORD)
            access.set_roles(connection, LOGIN, demo_site.ASSENS, ["officer", "approver"], demo_site.occasion())
        app = create_app(
            Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: demo_site.TODAY
        )
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions[EXTENSION].close()


def test_a_municipality_fetches_its_statement_and_its_year(page: Page, own_address: str) -> None:
    log_in_afresh(page, own_address, LOGIN)
    expect(page.get_by_role("heading", level=1)).to_have_text("Det betaler vi i 2012")
    page.get_by_role("link", name="Forbrugsopgørelser").click()
    assert violations(page) == []
    picture(page, "opgoerelser-bred")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Hent 1. halvår 2011 som PDF").click()
    assert fetched.value.suggested_filename == "2011-H1 Forbrugsopgørelse fyn-alkohol Assens.pdf"
    page.get_by_role("link", name="Regninger", exact=True).click()
    page.get_by_label("År").fill("2011")
    page.get_by_role("button", name="Vis", exact=True).click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Hent alt for 2011 (zip)").click()
    assert fetched.value.suggested_filename == "2011 Assens regninger og opgørelser.zip"
    names = zipfile.ZipFile(fetched.value.path()).namelist()
    assert len([name for name in names if name.endswith(".xml")]) == 12
    assert "2011-H1 Forbrugsopgørelse fyn-alkohol Assens.xlsx" in names


def test_a_notice_without_scripts_and_its_answer(
    page_without_scripts: Page, page: Page, phone: Page, own_address: str
) -> None:
    _a_calendar_and_a_notice(page_without_scripts, own_address)
    _the_officer_answers(page, phone, own_address)


def _a_calendar_and_a_notice(page_without_scripts: Page, own_address: str) -> None:
    page = page_without_scripts
    log_in_afresh(page, own_address, LOGIN)
    page.get_by_role("link", name="Frister", exact=True).click()
    page.get_by_role("button", name="Lav min kalenderadresse").click()
    expect(page.get_by_text("vises kun denne gang")).to_be_visible()
    assert "/kalender/" in page.locator(".alert-text").inner_text()
    picture(page, "frister-adresse")
    page.get_by_role("link", name="Vi meddeler").click()
    page.get_by_label("Hvad ændrer sig?").fill("Ca. 10 forløb færre")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Meddelelsen er sendt")).to_be_visible()
    page.get_by_label("Opsigelsen er besluttet i kommunen").check()
    page.get_by_role("button", name="Send opsigelsen").click()
    expect(page.get_by_text("Opsigelse af fyn-alkohol med udgangen af 2012")).to_be_visible()
    picture(page, "meddelelser-sendt")


def _the_officer_answers(page: Page, phone: Page, own_address: str) -> None:
    for window, width in ((page, "bred"), (phone, "smal")):
        log_in_afresh(window, own_address, "officer")
        window.goto(f"{own_address}/oekonomi/461/meddelelser")
        for closed in window.locator("main details").all():
            closed.evaluate("each => { each.open = true }")
        picture(window, f"meddelelser-svar-{width}")
        assert violations(window) == []
        assert fits(window)
    page.get_by_role("button", name="Notér udtrædelsen").click()
    expect(page.get_by_text("noteret")).to_be_visible()


def test_a_key_is_made(page: Page, phone: Page, own_address: str) -> None:
    for window, width in ((page, "bred"), (phone, "smal")):
        log_in_afresh(window, own_address, "officer")
        window.goto(f"{own_address}/noegler/461/")
        window.get_by_label("Navn").fill("Økonomisystem")
        window.get_by_label("læse bilag").check()
        window.get_by_role("button", name="Lav nøglen").click()
        expect(window.get_by_text("vises kun denne gang")).to_be_visible()
        picture(window, f"noegle-lavet-{width}")
        assert violations(window) == []
        assert fits(window)
