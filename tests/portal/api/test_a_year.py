"""A whole year by programs alone: from the agreement's file to the closed year, each change made by a key.

The amounts are those of the worked example in docs/domain.md (the Funen agreement of 2009) or are worked out here by
hand with fractions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction

import pytest
from sqlalchemy import text

from billing.usage_statement import run as usage
from foundation.database import Database
from foundation.settings import Settings
from portal.access import keys
from portal.access import run as access
from portal.api.doors import OPERATIONS
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.billing.usage.made import ODENSE_H1
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.api.conftest import Program
from tests.portal.api.lived_year import ALL, CARRIED, FUNEN, PEOPLE, SURPLUS, TOTAL, Year, live


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def year(request: pytest.FixtureRequest) -> Iterator[Year]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "SEARCH_SECONDS", 1.0)
        database = Database(url)
        lived = Year(database)
        app = create_app(
            Settings(database_url=url, actor="test"),
            WebSettings(plain_http=True, api_calls=0),
            day=lambda: lived.day,
        )
        with database.transaction() as connection:
            for login, places in PEOPLE.items():
                access.add_user(connection, login, demo_site.occasion(), demo_site.PASSWORD)
                for place, roles in places.items():
                    access.set_roles(connection, login, place, roles, demo_site.occasion())
                    person = access.person_of(access.find(connection, login))
                    scopes = keys.may_have(person, place)
                    _number, token = keys.make_key(connection, login, place, "prøven", scopes, demo_site.occasion())
                    lived.programs[login] = Program(app, token)
        try:
            live(lived)
            yield lived
        finally:
            app.extensions[EXTENSION].close()
            database.dispose()


def was(year: Year, **expected: int) -> None:
    """Each step was answered so."""
    said = {step: year.status[step.replace("_", " ")] for step in expected}
    assert said == expected, {
        step: year.said[step.replace("_", " ")] for step in expected if said[step] != expected[step]
    }


# The agreement and its price.


def test_an_agreement_from_its_file(year: Year) -> None:
    was(year, rubbish=400, agreement=200, agreement_again=200, other_question=409)
    assert year.status["another's agreement"] == 400
    assert year.status["agreement: preview"] == 200
    assert year.status["agreement: not there"] == 404
    assert year.said["rubbish"]["problems"]
    assert year.said["agreement"]["is_new"]
    assert year.said["agreement again"] == year.said["agreement"]
    with year.database.reading() as connection:
        versions = connection.execute(text("SELECT count(*) FROM agreement_version")).scalar_one()
    assert versions == 1


def test_inhabitants_from_a_file(year: Year) -> None:
    was(year, no_figures=409, people=200)
    assert (year.said["people: preview"]["added"], year.said["people: not there"]["items"]) == (9, [])
    there = {each["municipality"]: each["inhabitants"] for each in year.said["people: there"]["items"]}
    assert there == {code: figures[0] for code, figures in FUNEN.items()}
    assert year.status["people: of no issuer"] == 409


def test_a_price_down_to_the_month(year: Year) -> None:
    was(year, price=200, price_again=200, price_anew=200, told=200)
    assert year.said["price again"] == year.said["price"]
    assert year.said["price"]["is_new"]
    assert not year.said["price anew"]["is_new"]
    assert (year.said["told"]["is_new"], year.said["told again"]["is_new"]) == (True, False)
    derived = year.said["derivation"]
    assert (derived["cost_oere"], derived["weights"], derived["total_oere"]) == (TOTAL, ALL, TOTAL)
    assert sum(line["net_oere"] for line in derived["cost_lines"]) == TOTAL
    found = {
        part["municipality"]: (
            part["weight"],
            part["obligation_oere"],
            *sorted({each["amount_oere"] for each in part["instalments"][:11]}),
            part["instalments"][11]["amount_oere"],
        )
        for part in derived["parts"]
    }
    assert found == FUNEN
    own = year.said["own derivation"]
    assert [part["municipality"] for part in own["parts"]] == ["420"]
    assert own["cost_lines"] is None
    assert (own["cost_oere"], own["weights"]) == (TOTAL, ALL)


def test_what_newer_figures_would_do_is_only_said(year: Year) -> None:
    (effect,) = year.said["revision: preview"]["effects"]
    assens = next(line for line in effect["lines"] if line["municipality"] == "420")
    assert abs(assens["obligation_after_oere"] - Fraction(TOTAL * 43_054, ALL + 1_000)) < 1
    assert assens["obligation_before_oere"] == FUNEN["420"][1]
    there = {each["municipality"]: each["inhabitants"] for each in year.said["people: there"]["items"]}
    assert there["420"] == 42_054


def test_a_budget_from_a_file(year: Year) -> None:
    was(year, budget=200, budgets=200)
    assert year.status["another's budget"] == 404
    assert len(year.said["budget: preview"]["added"]) == len(year.said["budget"]["added"]) == 3
    # 18,615,000.00 less a grant of 350,000.00, and 6,545,000.00
    assert sum(line["net_oere"] for line in year.said["budgets"]["items"]) == 2_481_000_000


def test_what_if(year: Year) -> None:
    was(year, forecast=200, own_forecast=200, assuming_payer=400)
    (whole,) = year.said["forecast"]["items"]
    assert whole["cost_oere"] == 2_713_406_666  # ten per cent more, half an øre away from zero
    (own,) = year.said["own forecast"]["items"]
    assert [part["obligation_oere"] for part in own["parts"]] == [FUNEN["420"][1]]
    assert own["cost_oere"] is None


# Payments, credits, interest.


def test_a_months_plan_by_two(year: Year) -> None:
    plan = year.said["january: plan"]
    assert plan["total_oere"] == sum(figures[2] for figures in FUNEN.values())
    assert year.said["january: approve"]["state"] == "approved"


def test_a_banks_file_and_what_it_settles(year: Year) -> None:
    was(year, bank=200, bank_again=200, no_statement=400, matched=200)
    assert [each["amount_oere"] for each in year.said["bank"]["new"]] == [19_420_282, 10_000]
    assert (year.said["bank again"]["new"], year.said["bank again"]["known"]) == ([], 2)
    certain = [each for each in year.said["suggested"]["items"] if each["certain"]]
    assert [each["documents"] for each in certain] == [
        [{"number": year.said["january"]["420"], "amount_oere": 19_420_282}]
    ]
    (match,) = year.said["matched"]["made"]
    assert sum(each["amount_oere"] for each in match["documents"]) == 19_420_282
    assert year.said["matched again"] == year.said["matched"]
    assert [each["amount_oere"] for each in year.said["matched"]["left"]] == [10_000]


def test_payments_page_by_page_are_each_there_once(year: Year) -> None:
    found: list[int] = []
    following = ""
    for _ in range(5):
        page = year.programs["anna"].get(f"/payments?limit=1{following}")
        found += [each["amount_oere"] for each in page["items"]]
        if page["next"] is None:
            break
        following = f"&after={page['next']}"
    assert found == [5_000, 10_000, 19_420_282]
    assert year.programs["nils"].get("/payments") == {"items": [], "next": None}


def test_a_match_taken_back_and_made_by_hand(year: Year) -> None:
    was(year, undone=200, match=200, by_hand=201)
    assert year.status["undo without reason"] == 400
    assert year.status["another's match"] == 404
    assert year.said["match"]["undone_by"] == year.said["undone"]["number"]
    listed = [*year.said["matches"]["items"], *year.said["more matches"]["items"]]
    assert [each["how"] for each in listed] == ["manual", "undo", "automatic"]
    assert year.said["more matches"]["next"] is None
    (item,) = year.said["items"]["items"]
    assert (item["settled_oere"], item["open_oere"]) == (100_000, 19_320_282)


def test_a_credit_by_line_and_of_the_rest(year: Year) -> None:
    was(year, credit_by_line=201, credit_of_nothing=400, credit_twice=400, credit_without_reason=400)
    assert year.status["credit too much"] == 409
    assert year.said["credit by line"]["amount_oere"] == -100_000
    assert year.said["credit by line"]["credits"] == year.said["january"]["430"]
    first, *others = year.said["left"]["lines"]
    assert first["amount_oere"] - first["left_oere"] == 100_000
    assert all(line["left_oere"] == line["amount_oere"] for line in others)
    (share,) = year.said["left"]["shares"]
    assert (share["weight"], share["weights"], share["share_oere"]) == (51_950, ALL, FUNEN["430"][1])


def test_at_once_with_one_key_is_once(year: Year) -> None:
    answers = year.said["at once"]
    assert {status for status, _said in answers} == {201}
    assert len({said for _status, said in answers}) == 1
    credit = json.loads(answers[0][1])
    assert credit["amount_oere"] == -(FUNEN["430"][2] - 100_000)
    assert year.said["credited"]["credited_by"] == credit["number"]
    with year.database.reading() as connection:
        made = connection.execute(
            text("SELECT count(*) FROM invoice WHERE document_type = 'credit_note' AND subscriber = '430'")
        ).scalar_one()
    assert made == 2


def test_late_interest_by_two(year: Year) -> None:
    was(year, rate=200, interest=201, interest_not_approved=409, interest_approved=200, interest_issued=200)
    assert year.status["rate of no half-year"] == 400
    assert year.status["another's interest"] == 404
    assert year.status["own interest approved"] == 409
    assert year.said["own interest approved"]["type"] == "urn:mellemregning:AnotherPersonMustApprove"
    # Nyborg's January, 145,959.21 kr., due on 14 January: 76 days at 3.75 + 7 per cent.
    exact = Fraction(14_595_921 * 1075 * 76, 10_000 * 365)
    (document,) = year.said["interest"]["documents"]
    assert abs(document["amount_oere"] - exact) <= Fraction(1, 2)
    (issued,) = year.said["interest issued"]["issued"]
    assert (issued["subscriber"], issued["amount_oere"]) == ("450", document["amount_oere"])
    assert year.said["interest issued again"] == year.said["interest issued"]
    assert [each["state"] for each in year.said["interest plans"]["items"]] == ["stopped", "issued"]


# What parties tell each other, and usage.


def test_notices_given_and_answered(year: Year) -> None:
    was(year, demand=201, demand_again=201, leave_unsure=400, leave=201, no_without_words=400, no=200, yes=200)
    assert year.status["answer of another"] == 404
    assert year.said["demand again"] == year.said["demand"]
    assert [each["kind"] for each in year.said["notices"]["items"]] == ["leave", "demand"]
    assert year.said["others' notices"]["items"] == []
    left = {each["municipality"]: each["to_year"] for each in year.said["members"]["members"]}
    assert {code: last for code, last in left.items() if last} == {"420": 2009}


def test_usage_and_its_release(year: Year) -> None:
    was(year, usage=200, usage_again=200, usage_of_nobody=400, usage_of_another=409, release=200)
    assert year.said["usage: preview"]["rows"] == len(ODENSE_H1)
    assert year.said["usage: not there"]["loads"] == []
    assert year.status["release without counts"] == 404
    assert (year.said["usage"]["is_new"], year.said["usage again"]["is_new"]) == (True, False)
    counts = {each["residence"]: each["figures"] for each in year.said["usage"]["counts"]}
    assert counts["420"]["started"] == ODENSE_H1["420"][0]
    assert year.said["release again"] == year.said["release"]
    assert year.said["release"]["hidden"] > 0
    whose = {each["residence"] for each in year.said["statement"]["figures"]}
    assert whose == {"420", "*"}
    assert len(year.said["usage overview"]["loads"]) == 2


@pytest.mark.parametrize("step", ["a person", "a person's name"])
def test_no_person_comes_in_by_the_api(year: Year, step: str) -> None:
    assert year.status[step] == 400
    assert "010190" not in json.dumps(year.said[step])
    with year.database.reading() as connection:
        said = connection.execute(text("SELECT details, subject FROM audit_event")).all()
    assert not any("010190" in part for row in said for part in row)


# The year's end.


def test_a_year_is_closed(year: Year) -> None:
    was(year, no_accounts=409, accounts=200, not_closed=404, close=200, close_again=200, close_anew=409)
    assert year.status["close: both"] == 400
    assert sum(line["net_oere"] for line in year.said["accounts: there"]["items"]) == TOTAL - SURPLUS
    for step in ("close: preview", "close"):
        found = year.said[step]
        assert (found["result_oere"], found["carried_oere"]) == (SURPLUS, CARRIED)
        assert sum(part["result_oere"] for part in found["parts"]) == SURPLUS
    assert (year.said["close: preview"]["is_closed"], year.said["close"]["is_closed"]) == (False, True)
    assert year.said["close again"] == year.said["close"] == year.said["result"]
    assert (year.said["close"]["author"], year.said["close"]["approver"]) == ("Odense Kommune", "bo")


def test_a_payer_sees_its_own_result(year: Year) -> None:
    own = year.said["own result"]
    (part,) = own["parts"]
    assert part["municipality"] == "420"
    assert abs(part["result_oere"] - Fraction(SURPLUS * 42_054, ALL)) <= 2
    assert (own["result_oere"], own["providers"], own["author"]) == (None, [], "")
    (listed,) = year.said["own results"]["items"]
    assert listed["own_passed_on_oere"] + listed["own_carried_oere"] == part["result_oere"]
    assert (listed["invoiced_oere"], listed["cost_oere"]) == (None, None)
    (whole,) = year.said["results"]["items"]
    assert (whole["invoiced_oere"], whole["cost_oere"]) == (TOTAL, TOTAL - SURPLUS)


def test_a_part_is_released_and_decisions_are_kept(year: Year) -> None:
    moved = year.said["release of result"]["movements"]
    assert sum(each["amount_oere"] for each in moved) == 0
    assert sum(each["amount_oere"] for each in moved if each["application_year"] == 2012) == 10_000
    assert [each["kind"] for each in year.said["decisions"]["items"]][:2] == ["close", "release"]


def test_a_leaver_is_settled_once(year: Year) -> None:
    was(year, exit=200, exit_again=200, who_has_not_left=409)
    part = year.said["own result"]["parts"][0]
    assert year.said["exit: preview"]["number"] is None
    assert year.said["exit"]["amount_oere"] == -part["result_oere"]
    assert year.said["exit again"]["already_settled"]
    assert year.said["exit again"]["number"] == year.said["exit"]["number"]
    assert [each["municipality"] for each in year.said["own exits"]["items"]] == ["420"]
    assert year.said["others' exits"]["items"] == []


def test_providers_are_cleared(year: Year) -> None:
    before = {each["municipality"]: each["outstanding_oere"] for each in year.said["clearing"]["items"]}
    assert year.said["clearing: preview"] == year.said["clearing"]
    assert before["479"] == -before["461"] > 0
    assert {each["outstanding_oere"] for each in year.said["cleared"]["items"]} == {0}


def test_sending_again(year: Year) -> None:
    was(year, no_channel=404, send=200, nothing_to_retry=409, receipt_of_nothing=404)
    assert year.status["send another's"] == 404
    assert year.status["retry another's"] == 404
    assert len(year.said["send"]["ids"]) == 1
    assert year.status["receipts of another"] == 404
    assert (year.said["receipts"], year.status["retried"]) == ({"new": 1, "known": 0}, 200)


def test_the_trail_tells_all_of_it_to_the_auditor(year: Year) -> None:
    found: list[int] = []
    actions: set[str] = set()
    following = ""
    for _ in range(100):
        page = year.programs["karl"].get(f"/audit?limit=50{following}")
        found += [each["number"] for each in page["items"]]
        actions |= {each["action"] for each in page["items"]}
        if page["next"] is None:
            break
        following = f"&after={page['next']}"
    assert found == sorted(set(found), reverse=True)
    assert {
        "annual_subscription.calculated",
        "invoice.credited",
        "monthly_run.issued",
        "year_end_settlement.released",
    } <= actions
    credited = year.programs["karl"].get("/audit?action=invoice.&actor=bo")["items"]
    assert len(credited) == 2
    assert year.programs["anna"].call("GET", "/audit").status_code == 403
    assert year.programs["karl"].call("GET", "/audit?since=2009-02-30").status_code == 400


def test_who_takes_part_is_changed_in_time(year: Year) -> None:
    was(year, taken_in=200, taken_in_again=409)
    assert year.said["taken in"] == {"municipality": "621", "from_year": 2012, "to_year": None}
    assert year.said["leaver"]["to_year"] == 2012


def test_every_write_was_made_twice_with_one_key_and_happened_once(year: Year) -> None:
    writes = {one.name for one in OPERATIONS if one.method != "GET"}
    assert writes - year.written == {"make_hook", "close_hook"}  # test_api.py has them: a secret is not repeated


def test_the_books_are_right_at_the_end(year: Year) -> None:
    from billing.verify import verify

    with year.database.reading() as connection:
        assert [check.detail for check in verify(connection, year.day) if not check.ok] == []
