"""What is asked or sent otherwise than it should be: each is refused by its own status, and nothing is changed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from foundation.database import Database
from portal.api.bodies import XLSX
from portal.api.doors import OPERATIONS
from tests.portal.api.conftest import Program

HERE = "/agreements/fyn-alkohol"
KEPT = ("agreement_version", "budget_line", "accounts_line", "population_figure", "receipt", "invoice", "audit_event")


@pytest.fixture
def unchanged(lived: Database) -> Iterator[None]:
    def counts() -> dict[str, int]:
        with lived.reading() as connection:
            return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in KEPT}

    before = counts()
    yield
    assert counts() == before


@pytest.mark.parametrize(
    "path",
    [
        f"{HERE}/forecasts/2013?cost_percent=ti",
        f"{HERE}/forecasts/2013?cost_percent=1000",
        f"{HERE}/forecasts/2013?cost_percent=1.555",
        f"{HERE}/forecasts/2013?cost_oere=1.5",
        f"{HERE}/forecasts/2013?cost_oere={'9' * 16}",
        f"{HERE}/forecasts/2013?cost_percent=1&cost_oere=1",
        f"{HERE}/forecasts/2013?without=42",
        f"{HERE}/forecasts/2013?joining=999",
        f"{HERE}/forecasts/2013?until=2012",
        f"{HERE}/forecasts/2013?until=2099",
        f"{HERE}/forecasts/9999",
        f"{HERE}/prices/2009/derivation?version=0",
        f"{HERE}/prices/2009/derivation?version=x",
        f"{HERE}/prices/2009/derivation?version=%C2%B2",
        f"{HERE}/specifications/2009?municipality=999",
        f"{HERE}/specifications/2009?municipality=x",
        f"{HERE}/budgets?year=0",
        "/population?on=2009-02-30",
        "/population?on=20090101",
        "/matches?after=x",
        "/notices?direction=sideways",
        "/interest-plans?limit=0",
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_question_that_is_none(programs: dict[str, Program], path: str) -> None:
    assert programs["officer"].call("GET", path).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/population/999",
        f"{HERE}/prices/2009/derivation?version=99",
        f"{HERE}/results/2012",
        f"{HERE}/results/2012/xlsx",
        "/agreements/findes-ikke/clearing/2009",
        "/agreements/%2e%2e/usage",
        "/invoices/461/F2008-9999/derivation",
        "/invoices/420/F2008-0001/xlsx",
        "/matches/0",
        "/interest-plans/99999999999999999999",
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_is_not_there(programs: dict[str, Program], path: str) -> None:
    assert programs["officer"].call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        ("officer", f"{HERE}/prices/2013", {"correction": "perhaps"}),
        ("officer", f"{HERE}/prices/2013", {"correction": 1}),
        ("officer", f"{HERE}/prices/9999", {}),
        ("officer", f"{HERE}/members", {"municipality": "999", "from_year": 2013}),
        ("officer", f"{HERE}/members", {"municipality": "621", "from_year": "2013"}),
        ("officer", f"{HERE}/members", {"municipality": "621", "from_year": 2013.0}),
        ("officer", f"{HERE}/members", {"municipality": "621", "from_year": True}),
        ("officer", f"{HERE}/leavers", {"municipality": "420", "last_year": 10**20}),
        ("officer", f"{HERE}/leavers", {"municipality": ["420"], "last_year": 2012}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "x", "lines": "all"}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "x", "lines": [1]}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "x", "lines": [{"line": 0}]}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "x", "lines": [{"line": 1, "other": 1}]}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "x", "lines": [{"line": 1}] * 501}),
        ("approver", "/invoices/461/F2008-0002/credit", {"reason": "<" * 1001}),
        ("officer", "/matches", {"payments": [{"payment": -1}]}),
        ("officer", "/matches", {"payments": [{"payment": 1, "amount_oere": 0}]}),
        ("officer", "/matches", {"documents": [{"number": "F2008"}]}),
        ("officer", "/matches", {"documents": [{"number": "F2008-0001"}, {"number": "F2008-0001"}]}),
        ("officer", "/interest-rates", {"effective_from": "2009-01-01", "rate": 3.75, "source": "x"}),
        ("officer", "/interest-rates", {"effective_from": "2009-01-01", "rate": "99", "source": "x"}),
        ("officer", "/interest-plans", {"last_day": "2012-02-30"}),
        ("officer", "/interest-plans", {"last_day": "2012-02-28", "municipality": "999"}),
        ("approver", f"{HERE}/results/2011/release", {"into_year": 2014, "percent": "101"}),
        ("approver", f"{HERE}/results/2011/release", {"into_year": 2014, "percent": "1,5"}),
        ("approver", f"{HERE}/exits", {"municipality": ""}),
        ("officer", "/deliveries", {"numbers": []}),
        ("officer", "/deliveries", {"numbers": ["../../etc/passwd"]}),
        ("officer", "/deliveries/retry", {"ids": []}),
        ("officer", "/notices/1/answer", {"accepted": "yes"}),
        ("officer", f"{HERE}/clearing/2009?preview=maybe", {}),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_none(programs: dict[str, Program], who: str, path: str, body: dict[str, Any]) -> None:
    answer = programs[who].call("POST", path, body)
    assert answer.status_code == 400, answer.text


def archive(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members:
            written.writestr(name, content)
    return packed.getvalue()


RUBBISH = (
    b"\xff\xfe\x00rubbish",
    b"PK\x03\x04rubbish",
    archive(("x.xml", b"<a/>")),
    b"<!DOCTYPE a>",
    b"[[[",
)
FILE_OPERATIONS = [one for one in OPERATIONS if one.files]
ADDRESS = {
    one.rule: one.rule.replace("<code>", "fyn-alkohol").replace("<period>", "2012-H1") for one in FILE_OPERATIONS
}


@pytest.mark.parametrize("rule", ADDRESS)
@pytest.mark.usefixtures("unchanged")
def test_files_that_are_none(programs: dict[str, Program], rule: str) -> None:
    (one,) = [each for each in FILE_OPERATIONS if each.rule == rule]
    officer = programs["officer"]
    address = ADDRESS[rule] + ("?provider=461" if "usage" in rule else "")
    assert officer.send(address, b"x", "application/octet-stream").status_code == 415
    assert officer.send(address, b"x", "text/html").status_code == 415
    for media in one.files:
        assert officer.send(address, b"", media).status_code == 400
        for content in (
            b"\xff\xfe\x00rubbish",
            b"PK\x03\x04rubbish",
            archive(("x.xml", b"<a/>")),
            b"<!DOCTYPE a>",
            b"[[[",
        ):
            answer = officer.send(address, content, media)
            assert answer.status_code in {400, 415}, (media, content, answer.text)
            assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", ["../x", "a/b", "<b>", "x" * 81, "", "a\nb"])
@pytest.mark.usefixtures("unchanged")
def test_a_name_that_is_none(programs: dict[str, Program], name: str) -> None:
    from urllib.parse import quote

    answer = programs["officer"].send(f"/population?name={quote(name)}", b"OMR", "text/csv")
    assert answer.status_code == 400
    assert json.loads(answer.text)["type"] == "urn:mellemregning:ParameterWrong"


def test_a_workbook_that_unpacks_to_too_much(programs: dict[str, Program]) -> None:
    bomb = archive(("xl/worksheets/sheet1.xml", b"<a/>" * 20_000_000))
    assert len(bomb) < 1_000_000
    for path in ("/population", f"{HERE}/budgets", f"{HERE}/usage/2012-H1?provider=461"):
        assert programs["officer"].send(path, bomb, XLSX).status_code == 400


def test_a_key_without_the_scope_is_told_which(programs: dict[str, Program], lived: Database) -> None:
    from tests.portal.api.conftest import key_of

    narrow = Program(programs["officer"].app, key_of(lived, "officer", "plans:read"))
    for one in OPERATIONS:
        address = ADDRESS.get(one.rule, one.rule)
        for name, value in {"code": "fyn-alkohol", "year": "2009", "period": "2009-H1", "issuer": "461"}.items():
            address = address.replace(f"<{name}>", value)
        address = address.replace("<number>", "F2008-0001" if "/invoices/" in address else "1")
        answer = narrow.call(one.method, address.replace("<municipality>", "420"))
        if one.scope == "plans:read":
            continue
        assert answer.status_code == 403, (one.name, answer.text)
        assert one.scope in json.loads(answer.text)["detail"]
