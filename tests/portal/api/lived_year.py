"""The year 2009 as programs live it: each step a call by a key, with what was answered kept by the step's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, DeliveryTopic
from foundation.database import Database
from tests.billing.payment.made import Entry, camt, fik
from tests.billing.usage.made import ODENSE_H1, SVENDBORG_H1, counts_csv
from tests.portal import demo_site
from tests.portal.api.conftest import Program

PEOPLE = {
    "anna": {"461": ["officer"]},
    "bo": {"461": ["approver"]},
    "begge": {"461": ["officer", "approver"]},
    "karl": {"461": ["auditor"]},
    "ida": {"420": ["officer", "approver"]},
    "nils": {"450": ["officer", "approver"]},
}
# docs/domain.md: municipality -> inhabitants, obligation, months 1 to 11, month 12
FUNEN = {
    "420": (42_054, 233_043_392, 19_420_282, 19_420_290),
    "430": (51_950, 287_882_347, 23_990_195, 23_990_202),
    "440": (23_630, 130_946_292, 10_912_191, 10_912_191),
    "450": (31_607, 175_151_056, 14_595_921, 14_595_925),
    "461": (186_932, 1_035_888_797, 86_324_066, 86_324_071),
    "479": (59_040, 327_171_777, 27_264_314, 27_264_323),
    "480": (29_470, 163_308_812, 13_609_067, 13_609_075),
    "482": (13_741, 76_146_128, 6_345_510, 6_345_518),
    "492": (6_712, 37_194_732, 3_099_561, 3_099_561),
}
ALL = 445_136
TOTAL = 2_466_733_333
SURPLUS = 36_576_248  # 24,667,333.33 less the accounts' 17,912,450.75 and 6,389,120.10
CARRIED = 14_630_499  # 40 % of it
HERE = "/agreements/fyn-alkohol"


@dataclass
class Year:
    """What was answered, by the name of the step."""

    database: Database
    programs: dict[str, Program] = field(default_factory=dict)
    day: date = date(2008, 5, 20)
    status: dict[str, int] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def does(self, step: str, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:  # noqa: ANN401 - JSON
        def call(key: dict[str, str]) -> TestResponse:
            return self.programs[who].call(method, path, body, **headers, **key)

        return self._keeps(step, path, method, call, own_key="Idempotency_Key" in headers)

    def sends(self, step: str, who: str, path: str, content: bytes, kind: str, **headers: str) -> Any:  # noqa: ANN401 - JSON
        def call(key: dict[str, str]) -> TestResponse:
            return self.programs[who].send(path, content, kind, **headers, **key)

        return self._keeps(step, path, "POST", call, own_key="Idempotency_Key" in headers)

    def _keeps(
        self, step: str, path: str, method: str, call: Callable[[dict[str, str]], TestResponse], *, own_key: bool
    ) -> Any:  # noqa: ANN401 - JSON
        """Keep what was answered; each write that goes well is made twice with one key, and happens once."""
        key = {} if own_key or method == "GET" else {"Idempotency_Key": f"step-{len(self.status)}"}
        assert step not in self.status
        answer = call(key)
        if method != "GET" and answer.status_code < 300:
            self.written.add(self.programs["anna"].operation_of(method, path))
        if key and answer.status_code < 300:
            events = self.events()
            again = call(key)
            assert (again.status_code, again.text) == (answer.status_code, answer.text), step
            assert again.headers["Idempotent-Replay"] == "true"
            assert self.events() == events, step
        self.status[step] = answer.status_code
        self.said[step] = json.loads(answer.text) if answer.text else None
        return self.said[step]

    def events(self) -> int:
        with self.database.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM audit_event")).scalar_one())

    def issues(self, step: str, **wish: str) -> dict[str, str]:
        """Plan as one, approve and issue as another; answers the numbers by subscriber."""
        plan = self.does(f"{step}: plan", "anna", "POST", "/plans", wish)
        self.does(f"{step}: approve", "bo", "POST", f"/plans/{plan['number']}/approve", {"hash": plan["hash"]})
        issued = self.does(f"{step}: issue", "bo", "POST", f"/plans/{plan['number']}/issue")
        assert issued["failed"] == []
        return {each["subscriber"]: each["number"] for each in issued["issued"]}


def example(name: str, package: str = "portal", folder: str = "demo_files") -> bytes:
    return resources.files(package).joinpath(folder, name).read_bytes()


def _spring_2008(year: Year) -> None:
    agreement = example("fyn_2009.toml", "agreements", "examples")
    year.sends("rubbish", "anna", "/agreements", b"code = [", "application/toml")
    year.sends("another's agreement", "nils", "/agreements", agreement, "application/toml")
    year.sends("agreement: preview", "anna", "/agreements?preview=true", agreement, "application/toml")
    year.does("agreement: not there", "anna", "GET", HERE)
    year.sends("agreement", "anna", "/agreements", agreement, "application/toml", Idempotency_Key="aftale")
    year.sends("agreement again", "anna", "/agreements", agreement, "application/toml", Idempotency_Key="aftale")
    year.sends(
        "other question", "anna", "/agreements?preview=true", agreement, "application/toml", Idempotency_Key="aftale"
    )
    year.does("no figures", "anna", "POST", f"{HERE}/prices/2009")
    lines = "".join(f"{code};2008;{figures[0]}\n" for code, figures in FUNEN.items())
    people = f"OMRÅDE;TID;INDHOLD\n{lines}".encode()
    year.sends("people: preview", "anna", "/population?preview=true&name=folketal 2008", people, "text/csv")
    year.does("people: not there", "anna", "GET", "/population?on=2008-01-01")
    year.sends("people", "anna", "/population?name=folketal 2008", people, "text/csv")
    year.does("people: there", "nils", "GET", "/population?on=2008-01-01")
    year.sends("people: of no issuer", "nils", "/population", people, "text/csv")
    year.does("price", "anna", "POST", f"{HERE}/prices/2009", Idempotency_Key="pris")
    year.does("price again", "anna", "POST", f"{HERE}/prices/2009", Idempotency_Key="pris")
    year.does("price anew", "anna", "POST", f"{HERE}/prices/2009", {"correction": "spread"})
    year.does("told", "anna", "POST", f"{HERE}/prices/2009/notice")
    year.does("told again", "anna", "POST", f"{HERE}/prices/2009/notice")
    year.does("derivation", "anna", "GET", f"{HERE}/prices/2009/derivation")
    year.does("own derivation", "ida", "GET", f"{HERE}/prices/2009/derivation")
    revised = f"OMRÅDE;TID;INDHOLD\n420;2008;{42_054 + 1_000}\n".encode()
    year.sends("revision: preview", "anna", "/population?preview=true", revised, "text/csv")
    budget = example("budget_2010.toml")
    year.sends("budget: preview", "anna", f"{HERE}/budgets?preview=true", budget, "application/toml")
    year.sends("budget", "anna", f"{HERE}/budgets", budget, "application/toml")
    year.does("budgets", "anna", "GET", f"{HERE}/budgets?year=2010")
    year.sends("another's budget", "nils", f"{HERE}/budgets", budget, "application/toml")
    year.does("forecast", "anna", "GET", f"{HERE}/forecasts/2009?cost_percent=10")
    year.does("own forecast", "ida", "GET", f"{HERE}/forecasts/2009")
    year.does("assuming payer", "ida", "GET", f"{HERE}/forecasts/2009?cost_percent=10")


def _winter(year: Year) -> None:
    year.day = date(2008, 12, 15)
    january = year.issues("january", month="2009-01")
    year.said["january"] = january
    assens, faaborg = january["420"], january["430"]
    year.day = date(2009, 1, 14)
    statement = camt(
        [
            Entry("194202.82", reference=fik(assens), bank_reference="B1", name="Assens Kommune"),
            Entry("100.00", bank_reference="B2", name="Ukendt"),
        ]
    )
    year.sends("bank", "anna", "/payments?name=januar", statement, "application/xml")
    year.sends("bank again", "anna", "/payments", statement, "application/xml")
    year.sends("no statement", "anna", "/payments", b"<a/>", "application/xml")
    year.does("suggested", "anna", "GET", "/payments/suggestions")
    year.does("matched", "anna", "POST", "/payments/match", Idempotency_Key="udlign")
    year.does("matched again", "anna", "POST", "/payments/match", Idempotency_Key="udlign")
    match = year.said["matched"]["made"][0]
    year.does("undo without reason", "anna", "POST", f"/matches/{match['number']}/undo", {"reason": " "})
    year.does("undone", "anna", "POST", f"/matches/{match['number']}/undo", {"reason": "var for februar"})
    year.does("match", "anna", "GET", f"/matches/{match['number']}")
    year.does("another's match", "nils", "GET", f"/matches/{match['number']}")
    payment = match["payments"][0]["payment"]
    by_hand = {"payments": [{"payment": payment}], "documents": [{"number": assens, "amount_oere": 100_000}]}
    year.does("by hand", "anna", "POST", "/matches", by_hand)
    year.does("matches", "anna", "GET", "/matches?limit=2")
    year.does("more matches", "anna", "GET", f"/matches?limit=2&after={year.said['matches']['next']}")
    year.does("items", "ida", "GET", "/open-items")
    # Loaded later, and of an earlier day.
    late = camt([Entry("50.00", day=date(2009, 1, 2), bank_reference="B0")])
    year.sends("late file", "anna", "/payments", late, "application/xml")
    _credits(year, faaborg)
    _interest(year)


def _credits(year: Year, faaborg: str) -> None:
    # Faaborg's January: some of a line, too much of it, then all that is left, by two at once with one key.
    address = f"/invoices/461/{faaborg}"
    part = {"reason": "Aftalt nedslag", "lines": [{"line": 1, "amount_oere": 100_000}]}
    year.does("credit by line", "bo", "POST", f"{address}/credit", part)
    year.does("left", "bo", "GET", f"{address}/derivation")
    year.does("credit of nothing", "bo", "POST", f"{address}/credit", {"reason": "x", "lines": []})
    year.does("credit twice", "bo", "POST", f"{address}/credit", {"reason": "x", "lines": [{"line": 1}, {"line": 1}]})
    year.does("credit without reason", "bo", "POST", f"{address}/credit", {"lines": [{"line": 1}]})
    too_much = {"reason": "x", "lines": [{"line": 1, "amount_oere": 10**12}]}
    year.does("credit too much", "bo", "POST", f"{address}/credit", too_much)

    def rest(_try: int) -> tuple[int, str]:
        answer = Program(year.programs["bo"].client.application, None)
        answer.headers = year.programs["bo"].headers
        done = answer.call("POST", f"{address}/credit", {"reason": "Alt"}, Idempotency_Key="resten")
        return done.status_code, done.text

    with ThreadPoolExecutor(4) as pool:
        year.said["at once"] = list(pool.map(rest, range(4)))
    year.does("credited", "bo", "GET", address)
    year.issues("january again", month="2009-01")


def _interest(year: Year) -> None:
    year.day = date(2009, 4, 1)
    rate = {"effective_from": "2009-01-01", "rate": "3.75", "source": "Nationalbanken"}
    year.does("rate", "anna", "POST", "/interest-rates", rate)
    year.does("rate of no half-year", "anna", "POST", "/interest-rates", {**rate, "effective_from": "2009-02-01"})
    year.does("interest", "begge", "POST", "/interest-plans", {"last_day": "2009-03-31", "municipality": "450"})
    number = year.said["interest"]["number"]
    year.does("another's interest", "nils", "GET", f"/interest-plans/{number}")
    year.does("own interest approved", "begge", "POST", f"/interest-plans/{number}/approve")
    year.does("interest not approved", "bo", "POST", f"/interest-plans/{number}/issue")
    year.does("interest approved", "bo", "POST", f"/interest-plans/{number}/approve", {"note": "set"})
    year.does("interest issued", "bo", "POST", f"/interest-plans/{number}/issue", Idempotency_Key="renter")
    year.does("interest issued again", "bo", "POST", f"/interest-plans/{number}/issue", Idempotency_Key="renter")
    more = year.does("more interest", "anna", "POST", "/interest-plans", {"last_day": "2009-03-31"})
    year.does("interest stopped", "bo", "POST", f"/interest-plans/{more['number']}/stop", {"note": "venter"})
    year.does("interest plans", "anna", "GET", "/interest-plans")


def _notices_and_usage(year: Year) -> None:
    year.day = date(2009, 4, 20)
    demand = {"year": 2010, "words": "Ca. 10 forløb færre"}
    year.does("demand", "ida", "POST", f"{HERE}/notices/demand", demand, Idempotency_Key="behov")
    year.does("demand again", "ida", "POST", f"{HERE}/notices/demand", demand, Idempotency_Key="behov")
    year.day = date(2009, 6, 20)
    year.does("leave unsure", "ida", "POST", f"{HERE}/notices/leave", {"year": 2009, "decided": False})
    year.does("leave", "ida", "POST", f"{HERE}/notices/leave", {"year": 2009, "decided": True})
    year.does("notices", "anna", "GET", "/notices")
    year.does("others' notices", "nils", "GET", "/notices?direction=given")
    wanted = {each["kind"]: each["number"] for each in year.said["notices"]["items"]}
    year.does("answer of another", "nils", "POST", f"/notices/{wanted['demand']}/answer", {"accepted": True})
    year.does("no without words", "anna", "POST", f"/notices/{wanted['demand']}/answer", {"accepted": False})
    year.does("no", "anna", "POST", f"/notices/{wanted['demand']}/answer", {"accepted": False, "words": "for sent"})
    year.does("yes", "anna", "POST", f"/notices/{wanted['leave']}/answer", {"accepted": True})
    year.does("members", "nils", "GET", HERE)
    year.day = date(2009, 8, 14)
    odense, svendborg = counts_csv(ODENSE_H1), counts_csv(SVENDBORG_H1)
    where = f"{HERE}/usage/2009-H1"
    year.sends("columns", "anna", f"{HERE}/usage-columns?provider=461", odense, "text/csv")
    year.sends("usage: preview", "anna", f"{where}?provider=461&preview=true", odense, "text/csv")
    year.does("usage: not there", "anna", "GET", f"{HERE}/usage")
    year.does("release without counts", "bo", "POST", "/statements/fyn-alkohol/2009-H1/release")
    year.sends("usage", "anna", f"{where}?provider=461", odense, "text/csv")
    year.sends("usage again", "anna", f"{where}?provider=461", odense, "text/csv")
    year.sends("usage of Svendborg", "anna", f"{where}?provider=479", svendborg, "text/csv")
    year.sends("usage of nobody", "anna", where, odense, "text/csv")
    year.sends("usage of another", "anna", f"{where}?provider=420", odense, "text/csv")
    person = odense + b"010190-1234;1;1;1;1;1;1;1;1\r\n"
    year.sends("a person", "anna", f"{where}?provider=461", person, "text/csv")
    year.sends("a person's name", "anna", f"{where}?provider=461&name=010190-1234", odense, "text/csv")
    year.does("release", "bo", "POST", "/statements/fyn-alkohol/2009-H1/release", Idempotency_Key="frigiv")
    year.does("release again", "bo", "POST", "/statements/fyn-alkohol/2009-H1/release", Idempotency_Key="frigiv")
    year.does("statement", "ida", "GET", "/statements/fyn-alkohol/2009-H1")
    year.does("usage overview", "anna", "GET", f"{HERE}/usage")


def _end(year: Year) -> None:
    year.day = date(2009, 12, 31)
    stopped = year.does("plan to stop", "anna", "POST", "/plans", {})
    year.does("stopped", "anna", "POST", f"/plans/{stopped['number']}/stop", {"note": "om igen"})
    rest = year.issues("rest", agreement="fyn-alkohol")
    year.does("taken in", "anna", "POST", f"{HERE}/members", {"municipality": "621", "from_year": 2012})
    year.does("taken in again", "anna", "POST", f"{HERE}/members", {"municipality": "621", "from_year": 2012})
    year.day = date(2010, 3, 26)
    accounts = example("regnskab_2009.toml")
    closing = {"carry_percent": "40", "author": "Odense Kommune"}
    year.does("no accounts", "bo", "POST", f"{HERE}/results/2009?preview=true", closing)
    year.sends("accounts: preview", "anna", f"{HERE}/accounts?preview=true", accounts, "application/toml")
    year.sends("accounts", "anna", f"{HERE}/accounts", accounts, "application/toml")
    year.does("accounts: there", "anna", "GET", f"{HERE}/accounts?year=2009")
    year.does("close: preview", "bo", "POST", f"{HERE}/results/2009?preview=true", closing)
    year.does("close: both", "bo", "POST", f"{HERE}/results/2009", {"carry_percent": "40", "carry_oere": 1})
    year.does("not closed", "anna", "GET", f"{HERE}/results/2009")
    year.does("close", "bo", "POST", f"{HERE}/results/2009", closing, Idempotency_Key="luk")
    year.does("close again", "bo", "POST", f"{HERE}/results/2009", closing, Idempotency_Key="luk")
    year.does("close anew", "bo", "POST", f"{HERE}/results/2009", closing)
    year.does("result", "anna", "GET", f"{HERE}/results/2009")
    year.does("own result", "ida", "GET", f"{HERE}/results/2009")
    year.does("results", "anna", "GET", f"{HERE}/results")
    year.does("own results", "ida", "GET", f"{HERE}/results")
    year.does(
        "release of result", "bo", "POST", f"{HERE}/results/2009/release", {"into_year": 2012, "amount_oere": 10_000}
    )
    year.does("exit: preview", "bo", "POST", f"{HERE}/exits?preview=true", {"municipality": "420"})
    year.does("exit", "bo", "POST", f"{HERE}/exits", {"municipality": "420"})
    year.does("exit again", "bo", "POST", f"{HERE}/exits", {"municipality": "420"})
    year.does("own exits", "ida", "GET", f"{HERE}/exits")
    year.does("others' exits", "nils", "GET", f"{HERE}/exits")
    year.does("who has not left", "bo", "POST", f"{HERE}/exits", {"municipality": "450"})
    year.does("clearing: preview", "anna", "POST", f"{HERE}/clearing/2009?preview=true")
    year.does("clearing", "anna", "POST", f"{HERE}/clearing/2009")
    year.does("cleared", "anna", "GET", f"{HERE}/clearing/2009")
    year.does("decisions", "anna", "GET", f"{HERE}/decisions")
    number = next(iter(rest.values()))
    year.does("no channel", "anna", "POST", "/deliveries", {"numbers": [number]})
    with year.database.transaction() as connection:
        deliveries.set_channel(
            connection, "461", DeliveryTopic.DOCUMENTS, ChannelKind.FOLDER, {"path": "/ingen"}, demo_site.occasion()
        )
    year.does("send", "anna", "POST", "/deliveries", {"numbers": [rest["420"]]}, Idempotency_Key="send")
    year.does("send another's", "nils", "POST", "/deliveries", {"numbers": [rest["420"]]})
    year.does("nothing to retry", "anna", "POST", "/deliveries/retry", {"ids": year.said["send"].get("ids", ["x"])})
    year.does("retry another's", "nils", "POST", "/deliveries/retry", {"ids": year.said["send"].get("ids", ["x"])})
    sent = [{"id": each, "state": "rejected", "reason": "ukendt modtager"} for each in year.said["send"]["ids"]]
    year.sends("receipts of another", "nils", "/deliveries/receipts", json.dumps(sent).encode(), "application/json")
    year.sends("receipts", "anna", "/deliveries/receipts", json.dumps(sent).encode(), "application/json")
    year.does("retried", "anna", "POST", "/deliveries/retry", {"ids": year.said["send"]["ids"]})
    year.does("leaver", "anna", "POST", f"{HERE}/leavers", {"municipality": "621", "last_year": 2012})
    receipts = json.dumps([{"id": "document/461/F2000-0001", "state": "accepted"}]).encode()
    year.sends("receipt of nothing", "anna", "/deliveries/receipts", receipts, "application/json")


def live(year: Year) -> None:
    """All of it, in its order."""
    _spring_2008(year)
    _winter(year)
    _notices_and_usage(year)
    _end(year)
