"""An agreement driven by an officer's verbs, each in a transaction of its own.

The books are verified after each step of a long test, and at the end of each other one: see ``verify_what_was_done``.

Expected figures are worked out here with ``Fraction``, never by the code under test.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from importlib import resources
from typing import ClassVar, TypeVar

import pytest
from sqlalchemy import Connection, text

from agreements import run as agreements
from agreements.population import Layout, PopulationFigure, PopulationReading
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import Correction
from billing.annual_subscription.run import Calculation
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentDraft, IssuedDocument
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue
from billing.verify import Check, verify
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as year_ends
from billing.year_end_settlement.facts import NOTHING_CARRIED, CarryOver, ExitSettlement, YearSettlement
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month

Answer = TypeVar("Answer")

NINE = ("420", "430", "440", "450", "461", "479", "480", "482", "492")
# Domain rule 2's worked example: Statistics Denmark, 1 January 2008.
INHABITANTS_2008 = dict(zip(NINE, (42054, 51950, 23630, 31607, 186932, 59040, 29470, 13741, 6712), strict=True))
ODENSE, SVENDBORG, LANGELAND, AEROE = "461", "479", "482", "492"
ODENSE_2009, SVENDBORG_2009 = 1_825_000_000, 641_733_333
COST_2009 = ODENSE_2009 + SVENDBORG_2009
BUDGET_2009 = {ODENSE: ODENSE_2009, SVENDBORG: SVENDBORG_2009}
FUNEN_TEXT = resources.files("agreements").joinpath("examples/fyn_2009.toml").read_text(encoding="utf-8")
FUNEN = "fyn-alkohol"
# What may change: who takes part, what is to be delivered, which claim is released, which number is next, an issuer's
# choices; and who may log in, since the trail keeps who could what.
CHANGEABLE = {
    "agreement",
    "api_answer",
    "api_call_count",
    "api_token",
    "calendar_token",
    "claim",
    "delivery_job",
    "issuer_setting",
    "login_attempt",
    "login_session",
    "membership",
    "number_series",
    "user_account",
    "user_identity",
    "user_role",
    "web_hook",
}
AN_INSTANT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def split_by_hand(total_oere: int, weights: Mapping[str, int], unit_oere: int = 1) -> dict[str, int]:
    """Domain rule 3 in words: exact shares, rounded down, the rest to the largest fractions, then the lower code."""
    sign = -1 if total_oere < 0 else 1
    units, odd = divmod(abs(total_oere), unit_oere)
    exact = {code: Fraction(units * weight, sum(weights.values())) for code, weight in weights.items()}
    parts = {code: math.floor(share) for code, share in exact.items()}
    by_fraction = sorted(weights, key=lambda code: (parts[code] - exact[code], code))
    for code in by_fraction[: units - sum(parts.values())]:
        parts[code] += 1
    answer = {code: sign * part * unit_oere for code, part in parts.items()}
    answer[min(weights, key=lambda code: (-weights[code], code))] += sign * odd
    assert sum(answer.values()) == total_oere
    return answer


def twelve_by_hand(total_oere: int, unit_oere: int = 1, count: int = 12) -> list[int]:
    """Domain rule 4 in words: rounded down to the unit, and the last month takes the rest."""
    each = math.floor(Fraction(total_oere, count * unit_oere)) * unit_oere
    return [each] * (count - 1) + [total_oere - each * (count - 1)]


def agreement_file(code: str = FUNEN, **terms: str) -> bytes:
    """The Funen agreement by another code or with other terms: ``lag_years="1"``."""
    changed = FUNEN_TEXT.replace(f'"{FUNEN}"', f'"{code}"')
    for key, value in terms.items():
        changed, times = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", changed)
        assert times == 1, key
    changed = changed.replace("year = 2009", f"year = {terms.get('starts_on', '2009')[:4]}")
    return changed.encode()


def cost_file(table: str, year: int, amounts: Mapping[str, int], code: str = FUNEN) -> bytes:
    """Budgets or accounts of one year, one line per provider."""
    lines = [f'[agreement]\ncode = "{code}"']
    for provider, amount in amounts.items():
        kroner, oere = divmod(abs(amount), 100)
        sign = "-" if amount < 0 else ""
        lines.append(
            f'[[{table}]]\nyear = {year}\nprovider = "{provider}"\nservice = "ambulant"\n'
            f'amount = "{sign}{kroner}.{oere:02d}"\nnote = "Eksempel"',
        )
    return "\n".join(lines).encode()


def amounts(documents: Iterable[IssuedDocument | DocumentDraft]) -> dict[str, int]:
    """Municipality -> øre."""
    return {document.subscriber.municipality: document.amount_oere for document in documents}


def numbers(documents: Iterable[IssuedDocument]) -> list[int]:
    """The documents' places in their series, ascending."""
    return sorted(int(document.number.partition("-")[2]) for document in documents)


class Life:
    """One agreement and the verbs that an officer has for it.

    Attributes:
        each_step: Whether the books are verified after every step, not only at the end of the test.
    """

    each_step = False
    _unverified: ClassVar[list[Life]] = []

    def __init__(self, database: Database, code: str = FUNEN, months_ahead: int = 1) -> None:
        self.database = database
        self.code = code
        self.months_ahead = months_ahead
        self.today = date(2008, 6, 1)

    def occasion(self, day: date) -> Occasion:
        return Occasion(day, "prøven", AN_INSTANT)

    def do(self, verb: Callable[[Connection, Occasion], Answer], day: date) -> Answer:
        """One step in its own transaction; afterwards the books hold."""
        self.today = day
        with self.database.transaction() as connection:
            answer = verb(connection, self.occasion(day))
        self._did_something()
        return answer

    def _did_something(self) -> None:
        if self.each_step:
            self.holds()
        elif self not in self._unverified:
            self._unverified.append(self)

    @classmethod
    def verify_what_was_done(cls) -> None:
        """Verify every life in which something was done since."""
        while cls._unverified:
            cls._unverified.pop().holds()

    @classmethod
    def forget_what_was_done(cls) -> None:
        """A test has failed, and said why."""
        cls._unverified.clear()

    def refused(self, error: type[Exception], verb: Callable[[Connection, Occasion], object], day: date) -> Exception:
        """One step that a rule says no to; nothing is changed by it."""
        before = self.everything()
        with pytest.raises(error) as caught, self.database.transaction() as connection:
            verb(connection, self.occasion(day))
        assert self.everything() == before
        return caught.value

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of all tables."""
        from foundation.database import metadata

        with self.database.reading() as connection:
            return {
                name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for name, table in metadata.tables.items()
                if name != "population_figure"
            }

    def checks(self) -> dict[str, Check]:
        with self.database.reading() as connection:
            return {check.name: check for check in verify(connection, self.today)}

    def holds(self) -> None:
        assert [check for check in self.checks().values() if not check.ok] == []

    def says(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Raw SQL, committed; whoever changes the books by it says himself what holds afterwards."""
        if not statement.lstrip().upper().startswith("SELECT") and self in self._unverified:
            self._unverified.remove(self)
        with self.database.transaction() as connection:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def register(self, file: bytes) -> None:
        def verb(connection: Connection, occasion: Occasion) -> None:
            agreements.ship_population(connection, occasion)
            agreements.load_agreement(connection, "aftale.toml", file, occasion)

        self.do(verb, self.today)

    def budget(self, year: int, amounts: Mapping[str, int], day: date, until: int = 0) -> None:
        """The budget of a year, or the same for all years until one."""

        def verb(connection: Connection, occasion: Occasion) -> None:
            for each in range(year, max(year, until) + 1):
                file = cost_file("budgets", each, amounts, self.code)
                agreements.load_budget(connection, "b.toml", file, occasion)

        self.do(verb, day)

    def accounts(self, year: int, amounts: Mapping[str, int], day: date) -> None:
        file = cost_file("accounts", year, amounts, self.code)
        self.do(lambda connection, occasion: year_ends.load_accounts(connection, "r.toml", file, occasion), day)

    def population(self, who: str, on: date, inhabitants: int, day: date) -> None:
        figure = PopulationFigure(who, on, inhabitants, "rettet", day)
        reading = PopulationReading((figure,), (), "utf-8", Layout.OWN)
        self.do(
            lambda connection, occasion: agreements.keep_population(connection, "rettet.csv", "", reading, occasion),
            day,
        )

    def calculate(self, year: int, day: date, correction: Correction | None = None) -> Calculation:
        return self.do(
            lambda connection, occasion: subscriptions.calculate_year(
                connection,
                self.code,
                year,
                occasion,
                correction=correction,
            ),
            day,
        )

    def send_day(self, month: Month) -> date:
        return month.plus(-self.months_ahead).first_day.replace(day=10)

    def issue(self, month: Month, day: date | None = None) -> MonthIssue:
        return self.do(
            lambda connection, occasion: months.issue_month(connection, self.code, month, occasion),
            day or self.send_day(month),
        )

    def issue_months(self, year: int, first: int = 1, last: int = 12, day: date | None = None) -> list[MonthIssue]:
        """Some months, each on its day or all on one; verified once, at the end."""
        issues = []
        for number in range(first, last + 1):
            month = Month(year, number)
            self.today = day or self.send_day(month)
            with self.database.transaction() as connection:
                issues.append(months.issue_month(connection, self.code, month, self.occasion(self.today)))
            assert issues[-1].failed == ()
        self._did_something()
        return issues

    def bill_year(self, year: int) -> list[MonthIssue]:
        """The price and the twelve months of a year."""
        self.calculate(year, date(year - 1, 6, 1))
        return self.issue_months(year)

    def credit(self, number: str, day: date) -> IssuedDocument:
        return self.do(
            lambda connection, occasion: invoices.credit_document(
                connection,
                number,
                reason="fejl",
                occasion=occasion,
            ),
            day,
        )

    def reinvoice(self, year: int, day: date) -> list[tuple[IssuedDocument, IssuedDocument]]:
        return self.do(
            lambda connection, occasion: months.reinvoice_year(connection, self.code, year, occasion),
            day,
        )

    def close(self, year: int, day: date, carry: CarryOver = NOTHING_CARRIED) -> YearSettlement:
        return self.do(self.closing(year, carry), day)

    def closing(
        self,
        year: int,
        carry: CarryOver = NOTHING_CARRIED,
    ) -> Callable[[Connection, Occasion], YearSettlement]:
        return lambda connection, occasion: year_ends.close(
            connection,
            self.code,
            year,
            occasion,
            carry=carry,
            author="A",
            approver="B",
        )

    def release(self, year: int, application_year: int, amount: CarryOver, day: date) -> None:
        self.do(
            lambda connection, occasion: year_ends.release(
                connection,
                self.code,
                year,
                application_year,
                occasion,
                amount=amount,
                author="A",
                approver="B",
            ),
            day,
        )

    def leave(self, who: str, year: int, day: date) -> None:
        self.do(lambda connection, occasion: agreements.leave(connection, self.code, who, year, occasion), day)

    def settle_exit(self, who: str, day: date) -> ExitSettlement:
        return self.do(
            lambda connection, occasion: exits.settle_exit(connection, self.code, who, occasion),
            day,
        )

    def documents(self) -> list[IssuedDocument]:
        with self.database.reading() as connection:
            return invoice_store.documents(connection, agreement=self.code)

    def inhabitants(self, on: date, who: Iterable[str] = NINE) -> dict[str, int]:
        """Statistics Denmark's figures as they were loaded."""
        found = self.says(
            "SELECT municipality, inhabitants FROM population_figure WHERE reference_date = :on ORDER BY revision",
            on=on.isoformat() if self.database.is_sqlite else on,
        )
        figures = {str(municipality): int(str(count)) for municipality, count in found}
        return {code: figures[code] for code in who}

    def passed_on(self, year: int) -> dict[str, int]:
        """What the newest price of a year passes on to each payer."""
        with self.database.reading() as connection:
            price = subscriptions.get_subscription(connection, self.code, year)
        return {part.municipality: part.passed_on_oere for part in price.parts}

    def balance(self, account: str, year: int) -> int:
        """The sum of one account of a year."""
        ((total,),) = self.says(
            "SELECT COALESCE(SUM(amount_oere), 0) FROM posting "
            "WHERE agreement = :code AND account = :account AND accounting_year = :year",
            code=self.code,
            account=account,
            year=year,
        )
        return int(str(total))


LifeOf = Callable[..., Life]


@pytest.fixture
def life_of(database: Database) -> LifeOf:
    """A maker of agreements with terms of their own, registered with the shipped inhabitants."""

    def make(code: str = FUNEN, **terms: str) -> Life:
        life = Life(database, code, int(terms.get("months_ahead", "1")))
        life.register(agreement_file(code, **terms))
        return life

    return make


@pytest.fixture
def funen(life_of: LifeOf) -> Life:
    """The 2009 agreement as it is, with its budgets for 2009."""
    return life_of()


@pytest.fixture
def priced(funen: Life) -> Life:
    """The agreement with the price of 2009, told by 1 June 2008."""
    funen.calculate(2009, date(2008, 6, 1))
    return funen
