"""A new user's path as ``docs/brugervejledning.md`` writes it down, walked click by click; its pictures are made here.

With ``MELLEMREGNING_GUIDE=1``, ``pytest -n0 tests/browser/test_guide.py`` makes them anew in ``docs/billeder``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in_afresh, served
from tests.databases import SqliteDatabases

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "billeder"
GUIDE = ROOT / "docs" / "brugervejledning.md"
MAKES = "MELLEMREGNING_GUIDE"
SMALL = {"width": 960, "height": 600}
MONTH = "2012-05"
has_plans = pytest.mark.skipif(
    not (ROOT / "portal" / "finance" / "plans.py").exists(), reason="the pages of the month's plan are not here yet"
)


@pytest.fixture(scope="module")
def address(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """Data of its own: other tests bill the same month."""
    with served(sqlite_databases) as at:
        yield at


def keep(page: Page, name: str) -> None:
    """A picture of what is seen at first, where somebody asked for pictures."""
    if os.environ.get(MAKES):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


@has_plans
@pytest.mark.soak
def test_from_serve_to_an_approved_month_and_a_workbook(page: Page, address: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    page.goto(f"{address}/login")
    keep(page, "01-login")
    log_in_afresh(page, address, "officer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overblik")
    keep(page, "02-overblik")

    page.get_by_role("link", name="Planer", exact=True).click()
    page.get_by_label("Kun måneden").fill(MONTH)
    keep(page, "03-planer")
    page.get_by_role("button", name="Lav plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("venter på godkendelse")
    number = page.url.rpartition("/")[2]
    keep(page, "04-plan")
    page.get_by_role("button", name="Log ud").click()

    log_in_afresh(page, address, "approver")
    page.get_by_role("link", name=re.compile(f"{number}, lavet af officer")).click()
    page.get_by_label("Hvad er kontrolleret").fill("Sammenlignet med måneden før")
    keep(page, "05-godkend")
    page.get_by_role("button", name="Godkend planen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("godkendt")
    page.get_by_role("button", name="Udsted bilagene").click()
    expect(page.get_by_text("Færdig")).to_be_visible(timeout=30_000)
    keep(page, "06-udstedt")
    page.get_by_role("link", name="Gå videre").click()
    page.get_by_role("link", name="Se de udstedte bilag").click()
    keep(page, "07-bilag")

    page.get_by_label("Nummer eller kommune").fill("assens")
    page.get_by_role("button", name="Søg").click()
    page.get_by_role("link", name=re.compile("^F2012-")).first.click()
    keep(page, "08-et-bilag")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Hent specifikation (Excel)").click()
    assert re.fullmatch(rf"{MONTH} a conto Assens F2012-\d+\.xlsx", fetched.value.suggested_filename)
    fetched.value.save_as(tmp_path / "hentet.xlsx")
    with (tmp_path / "hentet.xlsx").open("rb") as file:
        book = load_workbook(file, data_only=True)
    amounts = {cell.value for sheet in book for row in sheet for cell in row}
    book.close()
    assert 214680.60 in amounts  # Assens's month of 2012, as in test_a_month
    assert time.monotonic() - begun < 60  # the clicks alone; a person has five minutes


@pytest.mark.soak
def test_what_the_payer_sees(page: Page, address: str) -> None:
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    log_in_afresh(page, address, "payer")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Det betaler vi")
    keep(page, "09-kommunen")


def test_the_guide_names_the_pictures_and_the_words_of_the_pages() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    named = re.findall(r"\]\(billeder/([\w-]+\.png)\)", guide)
    assert sorted(named) == sorted(file.name for file in PICTURES.glob("*.png"))
    assert all((PICTURES / name).stat().st_size < 200_000 for name in named)
    templates = "\n".join(
        file.read_text(encoding="utf-8")
        for folder in ("templates", "finance", "municipality")
        for file in (ROOT / "portal" / folder).rglob("*.*")
        if file.suffix in {".html", ".py"}
    )
    menu = (ROOT / "portal" / "menu.py").read_text(encoding="utf-8")
    # What the guide says in bold stands on a page.
    words = {word for word in re.findall(r"\*\*([^*]+)\*\*", re.sub(r"\s+", " ", guide)) if not word.isdigit()}
    assert len(words) > 5
    if (ROOT / "portal" / "finance" / "plans.py").exists():
        assert [word for word in sorted(words) if word not in templates + menu] == []
