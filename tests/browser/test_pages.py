"""Every page in Chromium: axe finds nothing, it fits on a phone, works without scripts, and a person finds the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import fits, log_in, log_in_afresh, picture, violations
from tests.portal.finance import rows as finance_rows

REFUSED = {"fejl", "ikke-min"}
NOBODYS = [("/", "forside"), ("/login", "login"), ("/findes-ikke", "fejl")]
PAGES = [
    ("officer", "/oekonomi/461/", "overblik"),
    ("officer", "/oekonomi/461/bilag", "bilag"),
    ("officer", "/oekonomi/461/bilag?q=findes+ikke", "bilag-tom"),
    ("officer", "/oekonomi/461/bilag/F2008-0002", "bilag-et"),
    ("officer", "/kommune/461/", "det-betaler-vi-odense"),
    ("newcomer", "/oekonomi/101/", "overblik-tomt"),
    ("newcomer", "/kommune/101/", "det-betaler-vi-tomt"),
    ("payer", "/kommune/420/", "det-betaler-vi"),
    ("payer", "/kommune/420/bilag/461/F2008-0001", "regning"),
    ("payer", "/kommune/420/aftaler", "aftaler"),
    ("payer", "/kommune/420/aftaler/fyn-alkohol", "aftale"),
    ("payer", "/kommune/420/regninger", "regninger"),
    ("payer", "/kommune/420/regninger?year=2003", "regninger-tom"),
    ("payer", "/kommune/420/opgoerelser", "opgoerelser-tom"),
    ("payer", "/kommune/420/frister", "frister"),
    ("payer", "/kommune/420/meddelelser", "meddelelser-laeser"),
    ("neighbour", "/kommune/450/meddelelser", "meddelelser"),
    ("newcomer", "/kommune/101/aftaler", "aftaler-tom"),
    ("newcomer", "/kommune/101/frister", "frister-tom"),
    ("officer", "/oekonomi/461/meddelelser", "meddelelser-fra-kommuner"),
    ("administrator", "/brugere/461/", "brugere"),
    ("officer", "/noegler/461/", "noegler"),
    ("administrator", "/noegler/461/alle", "noegler-alle"),
    ("two-places", "/steder", "steder"),
    ("officer", "/adgangskode", "adgangskode"),
    ("officer", "/kommune/420/", "ikke-min"),
    *finance_rows.PICTURES,
]
# All pages are looked at in the long run, these in every one.
SAMPLE = {"plan-godkend", "det-betaler-vi"}


@pytest.mark.parametrize(("path", "name"), NOBODYS, ids=[name for _, name in NOBODYS])
def test_a_page_for_all(page: Page, phone: Page, address: str, path: str, name: str) -> None:
    for window, width in ((page, "bred"), (phone, "smal")):
        answer = window.goto(address + path)
        assert answer is not None
        assert answer.status == (404 if name in REFUSED else 200)
        picture(window, f"{name}-{width}")
        assert violations(window) == []
        assert fits(window)


@pytest.mark.parametrize(
    ("login", "path", "name"),
    [pytest.param(*row, id=row[2], marks=() if row[2] in SAMPLE else pytest.mark.soak) for row in PAGES],
)
def test_a_page(page: Page, phone: Page, address: str, *, login: str, path: str, name: str) -> None:
    for window, width in ((page, "bred"), (phone, "smal")):
        log_in(window, address, login)
        answer = window.goto(address + path)
        assert answer is not None
        assert answer.status == (404 if name in REFUSED else 200)
        for closed in window.locator("main details").all():
            closed.evaluate("each => { each.open = true }")
        picture(window, f"{name}-{width}")
        assert violations(window) == []
        assert fits(window)
        assert loose_tables(window) == 0


def loose_tables(page: Page) -> int:
    """How many tables do not lie in a part of the page that scrolls by itself and that a keyboard reaches."""
    return (
        page.locator("table").count()
        - page.locator('.scroll[tabindex="0"][role="region"][aria-label]:not([aria-label=""]) > table').count()
    )


def test_a_wide_table_scrolls_by_itself_and_by_keyboard(phone: Page, address: str) -> None:
    log_in(phone, address, "officer")
    phone.goto(f"{address}/oekonomi/461/bilag")
    region = phone.get_by_role("region").first
    assert region.evaluate("each => each.scrollWidth > each.clientWidth")
    region.focus()
    phone.keyboard.press("ArrowRight")
    phone.wait_for_function("() => document.activeElement.scrollLeft > 0")
    assert phone.evaluate("() => document.scrollingElement.scrollLeft") == 0
    assert fits(phone)
    phone.evaluate("() => { document.querySelector('.scroll').removeAttribute('tabindex') }")
    assert loose_tables(phone) > 0


def test_axe_finds_what_is_planted(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.evaluate("() => document.querySelector('label[for=f-login]').remove()")
    page.evaluate("() => document.documentElement.removeAttribute('lang')")
    found = {line.partition(":")[0] for line in violations(page)}
    assert {"label", "html-has-lang"} <= found


def test_a_page_that_is_too_wide_is_found(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.evaluate("() => { document.querySelector('main h1').textContent = 'x'.repeat(20); }")
    assert fits(phone)
    phone.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<svg width=\"900\"></svg>')")
    assert not fits(phone)


def test_an_officer_finds_a_document_and_its_pdf(page: Page, address: str) -> None:
    log_in_afresh(page, address, "officer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overblik")
    page.get_by_role("link", name="Udstedte bilag", exact=True).click()
    page.get_by_label("Nummer eller kommune").fill("assens")
    page.get_by_label("År").fill("2009")
    page.get_by_label("Rækkefølge").select_option(label="ældste først")
    page.get_by_role("button", name="Søg").click()
    page.get_by_role("link", name="F2008-0001").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Hent PDF").click()
    assert fetched.value.suggested_filename == "2009-01 a conto Assens F2008-0001.pdf"
    page.get_by_role("button", name="Log ud").click()
    page.goto(f"{address}/oekonomi/461/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log ind")


def test_all_of_it_works_without_scripts_and_by_keyboard(page_without_scripts: Page, address: str) -> None:
    page = page_without_scripts
    page.goto(f"{address}/login?next=/kommune/420/")
    page.get_by_label("Brugernavn").focus()
    page.keyboard.type("payer")
    page.keyboard.press("Tab")
    page.keyboard.type("prøvens egen lange kode")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Det betaler vi i 2012")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_print_leaves_the_furniture_out(page: Page, address: str) -> None:
    log_in(page, address, "payer")
    page.goto(f"{address}/kommune/420/bilag/461/F2008-0001")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Hovedmenu")).to_be_hidden()
    expect(page.get_by_role("link", name="Hent PDF")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    picture(page, "regning-print")
