"""The demo with another issuer beside it, and what a test asks of it.

Fixtures:
    both    the database: the demo's years, what ``rows.prepare`` adds, and an agreement that Svendborg bills for
    served  the application before it

Helpers:
    as_(app, login)        a client who is logged in
    everything(database)   the number of rows of each table but those of visits: equal where nothing was changed,
                           for what changes is in the audit trail
    waited(client, at)     the page of long work that has ended
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select, table

from agreements import run as agreements
from foundation.database import Database
from foundation.settings import Settings
from portal import background, demo
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.finance import rows

OTHERS = "nabo-aftale"
OF_VISITS = {"login_session", "login_attempt"}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def both(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with two issuers."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        rows.prepare(database)
        mine = demo._marked_agreement().decode()
        its = re.sub(r'(?m)^issuer = "461"', 'issuer = "479"', mine.replace(demo.CODE, OTHERS)).encode()
        with database.transaction() as connection:
            agreements.load_agreement(connection, "nabo.toml", its, demo_site.occasion(date(2008, 5, 20)))
        yield database


@pytest.fixture(scope="module")
def served(both: Database) -> Iterator[Flask]:
    """The application, on the demo's last day."""
    url = both.url.render_as_string(hide_password=False)
    made = create_app(
        Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: demo_site.TODAY
    )
    made.config["WTF_CSRF_ENABLED"] = False
    yield made
    made.extensions[background.EXTENSION].close()
    made.extensions[EXTENSION].close()


def as_(app: Flask, login: str) -> FlaskClient:
    """Log in."""
    client = app.test_client()
    assert client.post("/login", data={"login": login, "password": demo_site.PASSWORD}).status_code == 303
    return client


def everything(database: Database) -> dict[str, int]:
    """Table -> rows."""
    with database.reading() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in inspect(connection).get_table_names()
            if name not in OF_VISITS
        }


def waited(client: FlaskClient, address: str) -> str:
    """Wait for long work."""
    for _ in range(1200):
        page = client.get(address).text
        if "Gå videre" in page:
            return page
        threading.Event().wait(0.05)
    raise AssertionError(page)
