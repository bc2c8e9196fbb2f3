"""The demo's data behind the API, with keys of people of each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from foundation.database import Database
from foundation.hooks import HOOK_KEY
from foundation.settings import Settings
from portal.access import keys
from portal.access import run as access
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site

ROLES_PLACES = {
    "officer": demo_site.ODENSE,
    "approver": demo_site.ODENSE,
    "reader": demo_site.ODENSE,
    "auditor": demo_site.ODENSE,
    "payer": demo_site.ASSENS,
    "neighbour": demo_site.NYBORG,
    "newcomer": demo_site.COPENHAGEN,
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lived(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        yield database


@pytest.fixture(scope="module")
def app(lived: Database) -> Iterator[Flask]:
    url = lived.url.render_as_string(hide_password=False)
    made = create_app(
        Settings(database_url=url, actor="test"), WebSettings(plain_http=True), day=lambda: demo_site.TODAY
    )
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture(autouse=True)
def _hook_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOOK_KEY, "prøvens egen nøgle")


def key_of(database: Database, login: str, *scopes: str, days: int = 30) -> str:
    """A new key of a person of the demo site: for these scopes, or for all that the person may."""
    place = ROLES_PLACES[login]
    with database.transaction() as connection:
        person = access.person_of(access.find(connection, login))
        wanted = scopes or tuple(keys.may_have(person, place))
        _number, token = keys.make_key(connection, login, place, "prøven", wanted, demo_site.occasion(), days=days)
    return token


class Program:
    """Somebody's program with a key."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:  # noqa: ANN401 - JSON
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers={**self.headers, **sent})

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)


@pytest.fixture(scope="module")
def programs(app: Flask, lived: Database) -> dict[str, Program]:
    """A program for each person, with all that the person may; and one without a key."""
    made = {login: Program(app, key_of(lived, login)) for login in ROLES_PLACES}
    return {**made, "nobody": Program(app, None)}
