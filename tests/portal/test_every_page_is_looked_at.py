"""Every route that answers with a page is among those that the browser looks at, wide and narrow, with axe."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import HTTPException

from foundation.settings import Settings
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.browser.test_pages import NOBODYS, PAGES
from tests.portal.test_routes import TABLE

# What answers with no page of its own, or is looked at elsewhere.
NO_PAGES = {
    "/static/<path:filename>",
    "/healthz",
    "/readyz",
    "/metrics",
    "/login/oidc",  # the provider's page; test_login
    "/login/oidc/svar",
    "/oekonomi/<place:place>/arbejde/<work_id>",  # begun by a person; tests/browser/test_a_month.py
    "/oekonomi/<place:place>/arbejde/<work_id>/stand",
    # One case has no fixed address, for its number is drawn; tests/browser/test_cases.py.
    "/oekonomi/<place:place>/enkeltsager/sag/<number>",
    "/kommune/<place:place>/enkeltsager/sag/<number>",
    "/kommune/<place:place>/enkeltsager/opgoerelse",  # a file
}
FILES = (".pdf", ".xlsx", ".toml", ".zip", ".ics", ".csv", "/fil", ":kind>")


def test_every_page_is_looked_at() -> None:
    app = create_app(Settings("sqlite:///findes-ikke", "prøven"), WebSettings(plain_http=True))
    adapter = app.url_map.bind("prøven.example")
    looked_at = set()
    for path in [*(path for path, _ in NOBODYS), *(path for _, path, _ in PAGES)]:
        try:
            rule, _ = adapter.match(urlsplit(path).path, return_rule=True)
        except HTTPException:
            continue  # the page of what is not there
        looked_at.add(rule.rule)
    pages = {rule for method, rule in TABLE if method == "GET" and not rule.startswith("/api/v1")}
    left_out = pages - looked_at - NO_PAGES
    assert {rule for rule in left_out if not rule.endswith(FILES)} == set()
    assert not NO_PAGES & looked_at
    app.extensions[EXTENSION].close()


@pytest.mark.parametrize("rule", sorted(NO_PAGES))
def test_what_is_left_out_is_there(rule: str) -> None:
    assert ("GET", rule) in TABLE
