"""The API called by whatever its own document allows, and by what it does not: no fault of ours, nothing undocumented.

A short run is in `dev.py test`. The soak draws thirty examples of each operation, right and wrong, for each of four
callers, which are some 20,000 calls; ``SOAK=1000`` draws a thousand, which takes an hour for each database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from foundation.database import Database
from foundation.hooks import HOOK_KEY
from foundation.settings import Settings
from portal.api.bodies import XLSX
from portal.api.doors import OPERATIONS
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.billing.payment.made import Entry, camt
from tests.billing.usage.made import ODENSE_H1, counts_csv
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.api.conftest import key_of

MODE = schemathesis.GenerationMode
EXAMPLES, SOAK_EXAMPLES = 1, 30
FILES = (
    resources.files("portal").joinpath("demo_files", "budget_2010.toml").read_bytes(),
    resources.files("agreements").joinpath("examples", "fyn_2009.toml").read_bytes(),
    "OMRÅDE;TID;INDHOLD\n461;2008;186932\n".encode(),
    counts_csv(ODENSE_H1),
    camt([Entry("100.00")]),
    b'[{"id": "document/461/F2008-0001", "state": "accepted"}]',
)
# Real files, cut off ones and rubbish, whatever they are said to be.
SENT = st.one_of(
    st.sampled_from(FILES),
    st.builds(lambda content, end: content[:end], st.sampled_from(FILES), st.integers(0, 200)),
    st.binary(max_size=200),
)
for media in ("application/toml", "text/csv", "application/xml", XLSX):
    schemathesis.openapi.media_type(media, SENT)
SLOW = {
    " ".join((one.method, re.sub(r"<(\w+)>", r"{\1}", one.rule)))
    for one in OPERATIONS
    if one.media in {XLSX, "application/pdf"}
}
SLOW_EXAMPLES = 20
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
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
        # Making a file costs seconds, and it is the same file for everybody.
        is_slow = operation.label in SLOW
        own = min(examples, SLOW_EXAMPLES) if is_slow else examples
        callers = list(authorization.values())[: 1 if is_slow else None]
        for mode in (MODE.POSITIVE, MODE.NEGATIVE):
            count += call_one(operation.as_strategy(generation_mode=mode), own, callers, checks)
    return count


def call_one(cases: st.SearchStrategy[Any], examples: int, callers: list[str], checks: list[Any]) -> int:
    """Call one operation as each of some people, and with a key that opens nothing; answers how often."""
    count = 0

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
        for who in callers:
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
    examples = int(os.environ.get("SOAK", SOAK_EXAMPLES))
    assert call_all(app, authorization, examples, monkeypatch) > 400 * examples
