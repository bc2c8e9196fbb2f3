"""A real Chromium before the real application, on this machine's loopback.

Fixtures:
    address   where the demo's data is served, for the whole run
    page      a window 1280 pixels wide
    phone     a window 360 pixels wide

Helpers:
    log_in(page, address, login)   as one of ``tests.portal.demo_site.PEOPLE``
    violations(page)               what axe finds against WCAG 2.2 AA
    picture(page, name)            a picture in the folder of MELLEMREGNING_PICTURES, if there is one
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from foundation.settings import Settings
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import SqliteDatabases
from tests.portal import demo_site
from tests.portal.finance import rows as finance_rows

PICTURES = "MELLEMREGNING_PICTURES"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="session")
def address(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """The demo's data, served."""
    with served(sqlite_databases) as at:
        yield at


@contextmanager
def served(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    """Serve the demo's data, as nobody has changed it; answers where."""
    with sqlite_databases.upgraded() as url, demo_site.lived(url) as database:
        finance_rows.prepare(database)
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


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the run."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window as on a desk; what the page says wrong on its console fails the test."""
    yield from _window(browser, viewport=WIDE)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A window as on a small phone."""
    yield from _window(browser, viewport=NARROW)


@pytest.fixture
def page_without_scripts(browser: Browser) -> Iterator[Page]:
    """A window that runs no script."""
    yield from _window(browser, viewport=WIDE, java_script_enabled=False)


# Login -> its cookies: the form is filled in once by each, for a password takes its time.
_known: dict[tuple[str, str], Any] = {}


def _window(browser: Browser, **options: Any) -> Iterator[Page]:  # noqa: ANN401 - playwright's own
    context = browser.new_context(locale="da-DK", **options)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    # Chromium tells of every answer that is an error; what the test asked for it knows itself.
    assert [each for each in said if "Failed to load resource" not in each] == []


def log_in(page: Page, address: str, login: str) -> None:
    """Log in by the form, as one of ``PEOPLE``, and land where that person begins; the second time by the cookie."""
    if (address, login) in _known:
        page.context.clear_cookies()
        page.context.add_cookies(_known[address, login])
        page.goto(f"{address}/steder")
        return
    log_in_afresh(page, address, login)
    _known[address, login] = page.context.cookies()


def log_in_afresh(page: Page, address: str, login: str) -> None:
    """Log in by the form, for a test that logs out again."""
    page.goto(f"{address}/login")
    page.get_by_label("Brugernavn").fill(login)
    page.get_by_label("Adgangskode").fill(demo_site.PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log ind").click()


def violations(page: Page) -> list[str]:
    """What axe finds, one line each: the rule, what it says, and where."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(f"() => {{ {axe} }}")
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}})
    found = page.evaluate(f"() => axe.run(document, {options})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{each['id']}: {each['help']}: {node['target']} {node['html'][:120]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def fits(page: Page) -> bool:
    """Whether the page is no wider than its window; tables scroll by themselves."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page, where somebody asked for pictures."""
    if folder := os.environ.get(PICTURES):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
