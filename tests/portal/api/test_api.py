"""The API: who may what, figures from the agreement, paging, ETags, idempotency keys, problems, the document itself."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from billing.invoice import store as invoices
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from portal.access import keys
from portal.access import run as access
from portal.access.scope import NotAllowed
from portal.api.described import EXAMPLES, SCHEMAS
from portal.api.doors import OPERATIONS
from tests.portal import demo_site
from tests.portal.api.conftest import Program, key_of, validator_of
from tests.portal.api.rows import CALLERS, TABLE


def test_every_operation_has_a_row() -> None:
    assert {(one.method, one.rule) for one in OPERATIONS} == set(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_who_is_answered_what(programs: dict[str, Program], row: tuple[str, str]) -> None:
    address, expected = TABLE[row]
    answered = {}
    for caller in CALLERS:
        with programs[caller].call(row[0], address) as answer:
            answered[caller] = answer.status_code
            if answer.status_code >= 400:
                assert answer.mimetype == "application/problem+json"
                told = json.loads(answer.get_data(as_text=True))
                assert told["status"] == answer.status_code
                assert told["instance"].endswith(answer.headers["X-Request-ID"])
                assert "Assens" not in told["detail"]
    assert answered == dict(zip(CALLERS, expected, strict=True))


# Figures.


def test_a_price_is_the_agreements_and_shows_a_payer_its_own_part(programs: dict[str, Program]) -> None:
    # Domain rules 2 and 3: 42,054 of 445,136 inhabitants of 24,667,333.33 are 2,330,433.92.
    own = programs["payer"].get("/agreements/fyn-alkohol/prices/2009")
    assert (own["cost_oere"], own["weights"]) == (2_466_733_333, 445_136)
    (part,) = own["parts"]
    assert (part["municipality"], part["share_oere"], part["weight"]) == ("420", 233_043_392, 42_054)
    whole = programs["officer"].get("/agreements/fyn-alkohol/prices/2009")
    assert sum(each["share_oere"] for each in whole["parts"]) == 2_466_733_333
    assert len(whole["parts"]) == 9  # the agreement of 2009 has nine subscribers


def test_nothing_of_others_reaches_a_payer(programs: dict[str, Program], lived: Database) -> None:
    payer = programs["payer"]
    for path in ("/invoices?limit=200", "/invoices?direction=issued", "/open-items?limit=200"):
        assert {item["subscriber"] for item in payer.get(path)["items"]} <= {"420"}
    with lived.reading() as connection:
        others = connection.execute(
            text("SELECT number FROM invoice WHERE issuer = '461' AND subscriber <> '420' ORDER BY id LIMIT 40")
        ).scalars()
        numbers = list(others)
    for number in numbers:
        assert payer.call("GET", f"/invoices/461/{number}").status_code == 404
    prices = payer.get("/agreements/fyn-alkohol/prices")["items"]
    assert [[part["municipality"] for part in price["parts"]] for price in prices] == [["420"]] * len(prices)
    assert len(prices) == 4
    assert all(item["status"] is None for item in payer.get("/deadlines")["items"])


def test_paging_holds_each_document_once(programs: dict[str, Program], lived: Database) -> None:
    with lived.reading() as connection:
        expected = list(
            connection.execute(
                text("SELECT number FROM invoice WHERE issuer = '461' ORDER BY issue_date DESC, id DESC")
            ).scalars()
        )
    found: list[str] = []
    path = "/invoices?direction=issued&limit=37"
    following = ""
    for _ in range(50):
        page = programs["officer"].get(path + following)
        found += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        following = f"&after={page['next']}"
    assert found == expected
    assert len(found) > 300


def test_open_items_sum_to_what_is_open(programs: dict[str, Program], lived: Database) -> None:
    with lived.reading() as connection:
        asked = invoices.asked_for(connection, "461", demo_site.TODAY)
    total, following = 0, ""
    for _ in range(50):
        page = programs["officer"].get(f"/open-items?direction=issued{following}")
        total += sum(item["open_oere"] for item in page["items"])
        if page["next"] is None:
            break
        following = f"&after={page['next']}"
    assert total == asked != 0  # the demo has no payments


# Keys.


def test_a_key_ends(app: Flask, lived: Database) -> None:
    token = key_of(lived, "reader", "invoices:read")
    program = Program(app, token)
    assert program.call("GET", "/invoices").status_code == 200
    assert program.call("GET", "/agreements").status_code == 403  # another scope
    with lived.transaction() as connection:
        kept = connection.execute(text("SELECT token_hash, id FROM api_token ORDER BY id DESC")).first()
        assert kept is not None
        assert token not in kept.token_hash
        keys.end_key(connection, kept.id, demo_site.occasion(), place=demo_site.ODENSE, login="reader")
    assert program.call("GET", "/invoices").status_code == 401


def test_a_key_is_over_after_its_days(app: Flask, lived: Database) -> None:
    with lived.transaction() as connection:
        long_ago = Occasion(demo_site.TODAY, "prøven", clock.now() - timedelta(days=31))
        _number, token = keys.make_key(
            connection, "reader", demo_site.ODENSE, "gammel", ["invoices:read"], long_ago, days=30
        )
    assert Program(app, token).call("GET", "/invoices").status_code == 401


def test_a_key_falls_with_its_persons_role(app: Flask, lived: Database) -> None:
    with lived.transaction() as connection:
        access.add_user(connection, "kortvarig", demo_site.occasion(), demo_site.PASSWORD)
        access.set_roles(connection, "kortvarig", "461", ["officer"], demo_site.occasion())
        _number, token = keys.make_key(
            connection, "kortvarig", "461", "x", ["plans:read", "plans:prepare"], demo_site.occasion()
        )
    program = Program(app, token)
    assert program.call("GET", "/plans").status_code == 200
    with lived.transaction() as connection:
        access.set_roles(connection, "kortvarig", "461", ["reader"], demo_site.occasion())
    assert program.call("POST", "/plans").status_code == 403
    with lived.transaction() as connection:
        access.set_roles(connection, "kortvarig", "461", [], demo_site.occasion())
    assert program.call("GET", "/plans").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "days", "error"),
    [
        ((), 30, keys.ScopesWrong),
        (("everything",), 30, keys.ScopesWrong),
        (("invoices:read",), 0, keys.DaysWrong),
        (("invoices:read",), 5000, keys.DaysWrong),
        (("plans:approve",), 30, NotAllowed),
    ],
)
def test_what_a_key_cannot_be(lived: Database, scopes: tuple[str, ...], days: int, error: type[Exception]) -> None:
    with pytest.raises(error), lived.transaction() as connection:
        keys.make_key(connection, "officer", "461", "x", scopes, demo_site.occasion(), days=days)


def test_a_cookie_opens_nothing(app: Flask) -> None:
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        client.post("/login", data={"login": "officer", "password": demo_site.PASSWORD})
        assert client.get("/oekonomi/461/").status_code == 200
        answer = client.post("/api/v1/plans", json={})
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


# ETags and idempotency.


@pytest.mark.parametrize("path", ["/invoices", "/invoices/461/F2008-0001", "/invoices/461/F2008-0001/xml"])
def test_what_has_not_changed_is_not_sent_again(programs: dict[str, Program], path: str) -> None:
    first = programs["payer"].call("GET", path)
    again = programs["payer"].call("GET", path, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert programs["payer"].call("GET", path, If_None_Match='"en-anden"').status_code == 200


def count_of(database: Database, table: str) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_the_same_key_does_it_once(programs: dict[str, Program], lived: Database) -> None:
    officer = programs["officer"]
    before = count_of(lived, "run_plan")
    first = officer.call("POST", "/plans", {"month": "2012-05"}, Idempotency_Key="maj")
    again = officer.call("POST", "/plans", {"month": "2012-05"}, Idempotency_Key="maj")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.text == first.text
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert count_of(lived, "run_plan") == before + 1
    other = officer.call("POST", "/plans", {"month": "2012-06"}, Idempotency_Key="maj")
    assert other.status_code == 409
    assert "Idempotency-Key" in json.loads(other.text)["detail"]
    assert officer.call("POST", "/plans", {"month": "2012-05"}).status_code == 201  # without a key it is a new wish


def test_a_months_work_by_two_programs(programs: dict[str, Program], lived: Database) -> None:
    officer, approver = programs["officer"], programs["approver"]
    plan = json.loads(officer.call("POST", "/plans", {"month": "2012-05"}).text)
    assert len(plan["documents"]) == 8  # nine subscribers, of which Langeland left with 2010
    number = plan["number"]
    assert approver.call("POST", f"/plans/{number}/issue").status_code == 409  # not approved
    wrong = approver.call("POST", f"/plans/{number}/approve", {"hash": "0" * 64})
    assert json.loads(wrong.text)["type"] == "urn:mellemregning:PlanIsAnother"
    done = approver.call("POST", f"/plans/{number}/approve", {"hash": plan["hash"], "note": "set"})
    assert json.loads(done.text)["state"] == "approved"
    issued = approver.call("POST", f"/plans/{number}/issue", Idempotency_Key="udsted")
    told = json.loads(issued.text)
    assert issued.status_code == 200, issued.text
    assert sum(each["amount_oere"] for each in told["issued"]) == plan["total_oere"]
    assert approver.call("POST", f"/plans/{number}/issue").status_code == 409
    again = approver.call("POST", f"/plans/{number}/issue", Idempotency_Key="udsted")
    assert again.text == issued.text
    mine = next(each for each in told["issued"] if each["subscriber"] == "420")
    fetched = programs["payer"].get(f"/invoices/461/{mine['number']}")
    assert fetched["amount_oere"] == mine["amount_oere"] == 21_468_060  # as April's in the demo
    with lived.reading() as connection:
        trail = connection.execute(
            text("SELECT actor FROM audit_event WHERE action = 'monthly_run.issued' ORDER BY id DESC")
        ).scalar()
    assert trail == "approver"


def test_one_person_with_two_keys_is_one_person(app: Flask, lived: Database) -> None:
    with lived.transaction() as connection:
        access.add_user(connection, "begge", demo_site.occasion(), demo_site.PASSWORD)
        access.set_roles(connection, "begge", "461", ["officer", "approver"], demo_site.occasion())
        from billing.monthly_run import run as runs

        runs.set_issuer(connection, "461", demo_site.occasion(), four_eyes=True)
        planner, approver = (
            keys.make_key(connection, "begge", "461", name, [name], demo_site.occasion())[1]
            for name in ("plans:prepare", "plans:approve")
        )
    try:
        made = Program(app, planner).call("POST", "/plans", {"month": "2012-06"})
        number = json.loads(made.text)["number"]
        refused = Program(app, approver).call("POST", f"/plans/{number}/approve")
        assert refused.status_code == 409
        assert json.loads(refused.text)["type"] == "urn:mellemregning:FourEyesRequired"
    finally:
        with lived.transaction() as connection:
            runs.set_issuer(connection, "461", demo_site.occasion(), four_eyes=False)


# What is not understood.


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("POST", "/plans", b"{", "application/json", 400),
        ("POST", "/plans", b"[]", "application/json", 400),
        ("POST", "/plans", b"[" * 100_000, "application/json", 400),
        ("POST", "/plans", b"\xff", "application/json", 400),
        ("POST", "/plans", b'{"month": 1}', "application/json", 400),
        ("POST", "/plans", b'{"month": "2009-13"}', "application/json", 400),
        ("POST", "/plans", b'{"agreement": "x\\u0000"}', "application/json", 400),
        ("POST", "/plans", b'{"agreement": "\\ud800"}', "application/json", 400),
        ("POST", "/plans", b'{"agreement": "findes-ikke"}', "application/json", 404),
        ("POST", "/plans", b'{"other": "x"}', "application/json", 400),
        ("POST", "/plans", b"month=2009-01", "application/x-www-form-urlencoded", 415),
        ("GET", "/invoices?limit=0", b"", None, 400),
        ("GET", "/invoices?limit=1e3", b"", None, 400),
        ("GET", "/invoices?after=2009-13-01_1", b"", None, 400),
        ("GET", "/invoices?after=%00", b"", None, 400),
        ("GET", "/invoices?year=0", b"", None, 400),
        ("GET", "/invoices/461/F2008-0001%00", b"", None, 404),
        ("GET", "/invoices/999/F2008-0001", b"", None, 404),
        ("GET", "/plans/99999999999999999999", b"", None, 404),
        ("GET", "/statements/fyn-alkohol/2009-13", b"", None, 404),
        ("GET", "/agreements/fyn-alkohol/prices/9999", b"", None, 400),
        ("GET", "/nothing", b"", None, 404),
        ("PUT", "/plans", b"", None, 405),
    ],
)
def test_what_is_not_understood_is_a_problem(  # noqa: PLR0917 - a row of the table
    programs: dict[str, Program], method: str, path: str, body: bytes, kind: str | None, status: int
) -> None:
    officer = programs["officer"]
    answer = officer.client.open(f"/api/v1{path}", method=method, data=body, content_type=kind, headers=officer.headers)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert set(json.loads(answer.text)) >= {"type", "title", "status", "detail", "instance"}


# The document.


def test_the_document_says_what_there_is(app: Flask) -> None:
    document = json.loads(app.test_client().get("/api/v1/openapi.json").text)
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint not in {"api.root", "api.openapi"}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_example_is_what_its_schema_says(name: str) -> None:
    validator = validator_of(name)
    assert [str(each) for each in validator.iter_errors(EXAMPLES[name])] == []
    assert list(validator.iter_errors({"not": "this"})) or name == "Problem"
