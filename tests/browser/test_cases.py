"""Enkeltsager in Chromium: the payer says yes, the stay is billed; without scripts, on a desk and on a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from tests.browser.conftest import fits, log_in_afresh, picture, violations
from tests.databases import SqliteDatabases
from tests.portal import case_site
from tests.portal.case_site import Site


@pytest.fixture
def served(sqlite_databases: SqliteDatabases) -> Iterator[tuple[str, Site]]:
    with sqlite_databases.upgraded() as url, case_site.lived(url, guarded=True) as site:
        server = make_server("127.0.0.1", 0, site.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", site
        server.shutdown()
        thread.join()
        server.server_close()


def looked_at(window: Page, name: str) -> None:
    for closed in window.locator("main details").all():
        closed.evaluate("each => { each.open = true }")
    picture(window, name)
    assert violations(window) == []
    assert fits(window)


def as_person(window: Page, address: str, login: str) -> None:
    window.context.clear_cookies()
    log_in_afresh(window, address, login)


@pytest.mark.soak  # the same way without a browser: tests/portal/finance/test_case_pages.py
def test_a_case_from_asking_to_its_bill(
    page_without_scripts: Page, page: Page, phone: Page, served: tuple[str, Site]
) -> None:
    address, site = served
    desk = page_without_scripts
    as_person(desk, address, "officer")
    desk.get_by_role("link", name="Enkeltsager", exact=True).click()
    desk.get_by_label("Ydelse").select_option(label="Kråsiglund, døgnbehandling")
    desk.get_by_label("Betalingskommune", exact=True).select_option(label="Odder")
    desk.get_by_role("button", name="Opret sagen, og bed om bevilling").click()
    number = (desk.get_by_role("heading", level=1).text_content() or "").split()[1]
    case = f"{address}/oekonomi/615/enkeltsager/sag/{number}"
    own = f"{address}/kommune/727/enkeltsager"
    for window, width in ((page, "bred"), (phone, "smal")):
        as_person(window, address, "officer")
        window.goto(case)
        looked_at(window, f"sag-oprettet-{width}")
        as_person(window, address, "odder")
        window.goto(own)
        looked_at(window, f"kommunens-sager-venter-{width}")
        window.goto(f"{own}/sag/{number}")
        looked_at(window, f"kommunens-sag-svar-{width}")
    as_person(desk, address, "odder")
    desk.goto(own)
    desk.get_by_role("link", name=number).click()
    desk.get_by_role("button", name="Bevilg sagen").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("bevilget")
    as_person(desk, address, "officer")
    desk.goto(case)
    desk.get_by_label("Ankomstdag", exact=True).fill("05.01.2009")
    desk.get_by_role("button", name="Registrér indskrivningen").click()
    site.today = date(2009, 2, 3)
    desk.goto(f"{address}/oekonomi/615/enkeltsager/planer")
    desk.get_by_role("button", name="Lav plan").click()
    # Twenty-seven days, 5 to 31 January, at 1.337,00.
    expect(desk.get_by_role("heading", level=2).first).to_have_text("Odder, 2009-01: 36.099,00 kr.")
    plan = desk.url
    for window, width in ((page, "bred"), (phone, "smal")):
        as_person(window, address, "approver")
        window.goto(plan)
        looked_at(window, f"sagsplan-godkend-{width}")
    as_person(desk, address, "approver")
    desk.goto(plan)
    desk.get_by_role("button", name="Godkend planen").click()
    desk.get_by_role("button", name="Udsted bilagene").click()
    for _ in range(200):
        if "er udstedt" in (desk.text_content("main") or ""):
            break
        desk.reload()
    for window, width in ((page, "bred"), (phone, "smal")):
        as_person(window, address, "officer")
        window.goto(case)
        expect(window.get_by_role("table", name="Faktureret")).to_contain_text("36.099,00")
        looked_at(window, f"sag-faktureret-{width}")
        as_person(window, address, "odder")
        window.goto(f"{own}/sag/{number}")
        expect(window.get_by_role("table", name="Faktureret")).to_contain_text("36.099,00")
        looked_at(window, f"kommunens-sag-faktureret-{width}")
