"""The whole work of a month by two people in two roles, in Chromium: one plans, another looks, approves and issues."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import log_in, picture, violations

TOTAL = "2.236.865,75 kr."  # April 2012's, which nothing has changed since


def test_a_month_by_two_people(page: Page, address: str) -> None:
    log_in(page, address, "officer")
    page.get_by_role("link", name="Planer", exact=True).click()
    page.get_by_label("Kun måneden").fill("2012-05")
    page.get_by_role("button", name="Lav plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("venter på godkendelse")
    expect(page.get_by_role("main")).to_contain_text(TOTAL)
    expect(page.get_by_role("button", name="Godkend planen")).to_have_count(0)
    plan = page.url

    log_in(page, address, "approver")
    page.get_by_role("link", name="Overblik").first.click()
    page.get_by_role("link", name=re.compile(f"{plan.rpartition('/')[2]}, lavet af officer")).click()
    page.get_by_label("Hvad er kontrolleret").fill("Sammenlignet med april")
    page.get_by_role("button", name="Godkend planen").click()
    page.get_by_role("button", name="Udsted bilagene").click()
    expect(page.get_by_text("Færdig")).to_be_visible(timeout=30_000)
    picture(page, "arbejde-faerdig")
    assert violations(page) == []
    page.get_by_role("link", name="Gå videre").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("udstedt")
    expect(page.get_by_role("main")).to_contain_text("Sammenlignet med april")
    page.get_by_role("link", name="Se de udstedte bilag").click()
    expect(page.get_by_role("main")).to_contain_text("214.680,60")


def test_a_plan_is_made_and_given_up_without_scripts_on_a_phone(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    page = context.new_page()
    log_in(page, address, "officer")
    page.goto(f"{address}/oekonomi/461/planer")
    page.get_by_label("Kun måneden").fill("2012-07")
    page.get_by_role("button", name="Lav plan").click()
    page.get_by_text("Opgiv planen").first.click()
    page.get_by_label("Hvorfor").fill("Prøve")
    page.get_by_role("button", name="Opgiv planen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("stoppet")
    expect(page.get_by_role("main")).to_contain_text("«Prøve»")
    context.close()


@pytest.mark.soak
def test_what_if_by_slider(page: Page, address: str) -> None:
    log_in(page, address, "officer")
    page.goto(f"{address}/oekonomi/461/priser/fyn-alkohol/2012/hvad-nu-hvis")
    page.get_by_label("Udgiften ændres").focus()
    for _step in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#svar")).to_contain_text("+2 % på udgiften")
    # 26.255.000,00 x 1,02, and the 587.389,47 that earlier years left.
    expect(page.locator("#svar")).to_contain_text("27.367.489,47 kr.")
