"""The API called by whatever its own document allows, and by what it does not: no fault of ours, nothing undocumented.

A short run is in `dev.py test`; the soak calls each operation a thousand times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from foundation.database import Database
from foundation.hooks import HOOK_KEY
from foundation.settings import Settings
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.api.conftest import key_of

MODE = schemathesis.GenerationMode
EXAMPLES, SOAK_EXAMPLES = 4, 1000
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def called(request: pytest.FixtureRequest) -> Iterator[tuple[Flask, dict[str, str]]]:
    """An application of its own, since what is called here issues and stops, and keys of three people."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        app = create_app(
            Settings(database_url=url, actor="test"),
            WebSettings(plain_http=True, api_calls=0, api_refusals=0),
            day=lambda: demo_site.TODAY,
        )
        yield app, {login: _key(database, login) for login in ("officer", "approver", "payer")}
        app.extensions[EXTENSION].close()


def _key(database: Database, login: str) -> str:
    return f"Bearer {key_of(database, login)}"


def call_all(app: Flask, authorization: dict[str, str], examples: int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv(HOOK_KEY, "prøvens egen nøgle")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    checks = [check for check in CHECKS.get_all() if check.__name__ in CHECKED]
    assert len(checks) == len(CHECKED)
    count = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        for mode in (MODE.POSITIVE, MODE.NEGATIVE):
            cases = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases)
            def call(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
                nonlocal count
                for who in authorization.values():
                    headers = {**(case.headers or {}), "Authorization": who}
                    case.call_and_validate(headers=headers, checks=checks)
                    count += 1
                case.call_and_validate(checks=checks, headers={"Authorization": "Bearer mr_nobody"})
                count += 1

            call()
    return count


def test_nothing_undocumented_is_answered(
    called: tuple[Flask, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, authorization = called
    assert call_all(app, authorization, EXAMPLES, monkeypatch) > 200


@pytest.mark.soak
def test_nothing_undocumented_is_answered_for_long(
    called: tuple[Flask, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, authorization = called
    assert call_all(app, authorization, int(os.environ.get("SOAK", SOAK_EXAMPLES)), monkeypatch) > 10_000
