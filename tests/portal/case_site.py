"""Two payers of Horsens's cases in 2009 with a person of each kind, and a business date that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from agreements import run as agreements
from billing.monthly_run import run as runs
from foundation import clock, users
from foundation.audit import Occasion
from foundation.database import Database
from foundation.settings import Settings
from portal import background
from portal.access import passwords
from portal.access import run as access
from portal.app import create_app
from portal.pages import EXTENSION, TOKEN
from portal.web_settings import WebSettings
from tests.portal.demo_site import PASSWORD

FILE = Path(__file__).parents[1] / "scenarios" / "files" / "sager.toml"
CODE = "horsens-odder-sager"
HORSENS, ODDER, HEDENSTED = "615", "727", "766"
PEOPLE = {
    "officer": (HORSENS, ["officer"]),
    "approver": (HORSENS, ["approver"]),
    "reader": (HORSENS, ["reader"]),
    "odder": (ODDER, ["officer"]),
    "odder-approver": (ODDER, ["approver"]),
    "odder-reader": (ODDER, ["reader"]),
    "hedensted": (HEDENSTED, ["officer", "approver"]),
}


@dataclass
class Site:
    """The application, its database, and the business date."""

    app: Flask
    database: Database
    today: date
    _clients: dict[str, FlaskClient] = field(default_factory=dict)

    def occasion(self) -> Occasion:
        return Occasion(self.today, "prøven", clock.now())

    def client(self, login: str) -> FlaskClient:
        """Logged in, once for the whole test; without the password, which takes its time."""
        if login not in self._clients:
            client = self.app.test_client()
            with self.database.transaction() as connection, client.session_transaction() as cookie:
                cookie[TOKEN] = access.begin(connection, access.find(connection, login), self.occasion())
            self._clients[login] = client
        return self._clients[login]


@contextmanager
def lived(url: str, *, guarded: bool = False) -> Iterator[Site]:
    """The agreement of the cases' scenario with one payer more, and two persons for each run.

    Args:
        url: An empty, upgraded database.
        guarded: With the token that every form carries; a test client sends none.
    """
    database = Database(url)
    text = FILE.read_text(encoding="utf-8").replace('subscribers = ["727"]', 'subscribers = ["727", "766"]')
    assert HEDENSTED in text
    site = Site(Flask("none"), database, date(2009, 1, 5))
    try:
        with database.transaction() as connection:
            agreements.load_agreement(connection, "sager.toml", text.encode(), site.occasion())
            runs.set_issuer(connection, HORSENS, site.occasion(), four_eyes=True)
            hashed = passwords.hash_of(PASSWORD)  # one for all: it takes its time
            for login, (place, roles) in PEOPLE.items():
                users.add_user(connection, login, hashed)
                access.set_roles(connection, login, place, roles, site.occasion())
        site.app = create_app(
            Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: site.today
        )
        site.app.config["WTF_CSRF_ENABLED"] = guarded
        yield site
        site.app.extensions[background.EXTENSION].close()
        site.app.extensions[EXTENSION].close()
    finally:
        database.dispose()
