"""The demo's data behind the API, with keys of people of each role."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from foundation.database import Database
from foundation.hooks import HOOK_KEY
from foundation.settings import Settings
from portal.access import keys
from portal.access import run as access
from portal.api import openapi
from portal.api.described import SCHEMAS
from portal.api.doors import OPERATIONS
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


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def lived(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        yield database


@pytest.fixture(scope="package")
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


def inlined(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A schema whose references lie within itself."""
    if isinstance(value, dict):
        return {key: inlined(each) for key, each in value.items()}
    if isinstance(value, list):
        return [inlined(each) for each in value]
    return value.replace("#/components/schemas/", "#/$defs/") if isinstance(value, str) else value


@cache
def validator_of(name: str) -> jsonschema_rs.Draft202012Validator:
    """What the document says of an answer or a body."""
    return jsonschema_rs.Draft202012Validator({**inlined(SCHEMAS[name]), "$defs": inlined(SCHEMAS)})


class Program:
    """Somebody's program with a key; what it is answered is what the document says."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.app = app
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:  # noqa: ANN401 - JSON
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.open(f"/api/v1{path}", method=method, json=body, headers={**self.headers, **sent})
        self.check(method, path, answer)
        return answer

    def send(self, path: str, content: bytes, kind: str, **headers: str) -> TestResponse:
        """A file."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.post(f"/api/v1{path}", data=content, content_type=kind, headers={**self.headers, **sent})
        self.check("POST", path, answer)
        return answer

    def operation_of(self, method: str, path: str) -> str:
        """The operation's name; empty where there is no such address."""
        try:
            endpoint, _values = self.app.url_map.bind("localhost").match(f"/api/v1{path.partition('?')[0]}", method)
        except HTTPException:
            return ""
        return str(endpoint).removeprefix("api.")

    def check(self, method: str, path: str, answer: TestResponse) -> None:
        """The answer's schema is the documented one, and its status is documented."""
        name = self.operation_of(method, path)
        one = next((each for each in OPERATIONS if each.name == name), None)
        if one is None:
            return
        address = re.sub(r"<(\w+)>", r"{\1}", one.rule)
        assert str(answer.status_code) in openapi.document()["paths"][address][method.lower()]["responses"]
        if answer.status_code < 300 and one.answer:
            faults = [
                f"{each.instance_path} {each.message}" for each in validator_of(one.answer).iter_errors(answer.json)
            ]
            assert faults == [], (method, path, faults)
        elif answer.status_code >= 400:
            assert list(validator_of("Problem").iter_errors(json.loads(answer.text))) == []

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)


@pytest.fixture(scope="package")
def programs(app: Flask, lived: Database) -> dict[str, Program]:
    """A program for each person, with all that the person may; and one without a key."""
    made = {login: Program(app, key_of(lived, login)) for login in ROLES_PLACES}
    return {**made, "nobody": Program(app, None)}
