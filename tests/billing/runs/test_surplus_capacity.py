"""Surplus capacity: compared with the subscribers' cost per course, billed, and income of the year's accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from agreements.agreement import CostKind, CostLine, CostLineKey
from billing.accounts.rules import YearIsSettled
from billing.invoice import run as invoices
from billing.invoice.facts import IssuedDocument
from billing.monthly_run import run as runs
from billing.surplus_capacity import run as surplus
from billing.surplus_capacity.facts import SaleOffer, SubscribersCost
from billing.surplus_capacity.rules import (
    BetterThanTheSubscribers,
    NothingToCompareWith,
    SaleIncomplete,
    cost_per_course_oere,
    require_offer,
    require_price,
)
from billing.usage_statement import run as usage
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.guard import FileContent, admit
from billing.usage_statement.run import Target
from billing.year_end_settlement.rules import SurplusIncomeTooLow, surplus_lines
from foundation.audit import Occasion
from foundation.period import Period
from tests.billing.runs.conftest import BUDGET_2009, COST_2009, ODENSE, SVENDBORG, Life
from tests.billing.usage.made import NOTHING, PLANTED_H1, PLANTED_H2, counts_csv

POSTGRESQL_IN_SOAK = True

VEJLE = "630"
NEW_YEAR_2009, FEBRUARY = date(2009, 1, 1), date(2009, 2, 1)
SPENT = {ODENSE: 1_800_000_000, SVENDBORG: 599_999_999}
# Started in 2009 by the two half-years' files, and what each of them cost: 24.000.000 kr. less an øre.
STARTED = sum(row[0] for row in (*PLANTED_H1.values(), *PLANTED_H2.values()))
PER_COURSE = 2_867_384  # 2.399.999.999 øre / 837, half an øre up


def offer(courses: int, amount: int, *, unit: int | None = None, reason: str = "", **others: str) -> SaleOffer:
    values = {"provider": ODENSE, "service": "ambulant", "buyer": VEJLE, **others}
    return SaleOffer(
        agreement="fyn-alkohol",
        period=Period(date(2010, 2, 1), date(2010, 5, 1)),
        courses=courses,
        unit_oere=unit,
        amount_oere=amount,
        reason=reason,
        **values,
    )


def selling(what: SaleOffer, approved_by: str = "") -> Callable[[Connection, Occasion], IssuedDocument]:
    return lambda connection, occasion: surplus.sell(connection, what, occasion, approved_by)


def statements_of_2009(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both half-years are counted and released."""
    monkeypatch.setattr(usage, "SEARCH_SECONDS", 1.0)
    for period, numbers in (("2009-H1", PLANTED_H1), ("2009-H2", PLANTED_H2)):
        when = UsagePeriod.parse(period)
        for provider, counted in ((ODENSE, numbers), (SVENDBORG, NOTHING)):
            file = admit(FileContent("f.csv", counts_csv(counted)))
            target = Target(life.code, provider, when)
            with life.database.transaction() as connection:
                usage.load_usage(connection, target, file, life.occasion(date(2010, 2, 1)))
        with life.database.transaction() as connection:
            usage.release_usage(connection, life.code, when, life.occasion(date(2010, 2, 1)))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_compared_with_the_last_closed_year_and_income_of_its_own(funen: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    funen.bill_year(2009)
    funen.budget(2010, BUDGET_2009, date(2009, 5, 1))
    funen.accounts(2009, SPENT, date(2010, 3, 1))
    statements_of_2009(funen, monkeypatch)
    day = date(2010, 4, 6)
    funen.refused(NothingToCompareWith, selling(offer(3, 30_000_000)), day)
    funen.close(2009, date(2010, 4, 1))
    with funen.database.reading() as connection:
        assert surplus.subscribers_cost(connection, funen.code, "ambulant") == SubscribersCost(
            2009, "ambulant", sum(SPENT.values()), STARTED
        )
    # Below by a hair is refused, to the øre; at the price it is sold.
    below = funen.refused(BetterThanTheSubscribers, selling(offer(1, PER_COURSE - 1, unit=PER_COURSE - 1)), day)
    assert "28.673,84 kr." in str(below)
    sold = funen.do(selling(offer(2, 2 * PER_COURSE, unit=PER_COURSE)), day)
    assert sold.amount_oere == 5_734_768
    assert (sold.subscriber.municipality, sold.kind.value) == (VEJLE, "surplus_capacity")
    funen.refused(surplus.SaleAlreadyBilled, selling(offer(2, 2 * PER_COURSE, unit=PER_COURSE)), day)
    # For a period at one price, below, with a written reason; Svendborg's.
    cheap = replace(offer(5, 10_000_000, provider=SVENDBORG, reason="Pladserne stod tomme"), buyer="621")
    funen.do(selling(cheap), day)
    with funen.database.reading() as connection:
        sales = surplus.list_sales(connection, funen.code)
    assert [(sale.offer.courses, sale.offer.reason) for sale in sales] == [(2, ""), (5, "Pladserne stod tomme")]
    funen.refused(YearIsSettled, selling(replace(offer(9, 99_000_000), period=Period(NEW_YEAR_2009, FEBRUARY))), day)
    # The year's accounts get what was billed as income, where they say nothing of it.
    funen.calculate(2010, date(2010, 4, 7))
    funen.issue_months(2010, day=date(2010, 12, 31))
    spent = {ODENSE: 1_820_000_000, SVENDBORG: 640_000_000}
    funen.accounts(2010, spent, date(2011, 3, 1))
    closed = funen.close(2010, date(2011, 4, 1))
    assert closed.cost_oere == sum(spent.values()) - 5_734_768 - 10_000_000
    assert closed.result_oere == COST_2009 - closed.cost_oere
    with funen.database.transaction() as connection, pytest.raises(YearIsSettled):
        invoices.credit_document(connection, sold.number, reason="x", occasion=funen.occasion(date(2011, 4, 2)))
    funen.holds()


def test_who_may_buy_and_who_must_see_it(funen: Life) -> None:
    day = date(2010, 2, 1)
    because = "Pladserne stod tomme"
    funen.refused(surplus.BuyerTakesPart, selling(offer(1, 100, reason=because, buyer="420")), day)
    funen.refused(surplus.BuyerTakesPart, selling(offer(1, 100, reason=because, buyer=SVENDBORG)), day)
    funen.refused(surplus.SoldServiceUnknown, selling(offer(1, 100, reason=because, service="andet")), day)
    funen.refused(surplus.SoldServiceUnknown, selling(offer(1, 100, reason=because, provider="420")), day)
    funen.refused(surplus.PersonInReason, selling(offer(1, 100, reason="se 010203-0000")), day)
    funen.refused(NothingToCompareWith, selling(offer(1, 100, reason="  ")), day)
    funen.do(lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, four_eyes=True), day)
    wanted = offer(1, 100, reason=because)
    funen.refused(surplus.SecondPersonMissing, selling(wanted), day)
    funen.refused(surplus.SecondPersonMissing, selling(wanted, "Prøven"), day)
    sold = funen.do(selling(wanted, "En anden"), day)
    assert funen.balance("surplus_capacity", 2010) == -100
    funen.credit(sold.number, day)
    assert funen.balance("surplus_capacity", 2010) == funen.balance("clearing", 2010) == 0
    funen.do(selling(wanted, "En anden"), day)


def test_an_offer_is_sold_once_and_by_another(funen: Life) -> None:
    day = date(2010, 2, 1)
    because = "Pladserne stod tomme"

    def offering(what: SaleOffer) -> Callable[[Connection, Occasion], int]:
        return lambda connection, occasion: surplus.make_offer(connection, what, occasion).number

    def sold_by(who: str, number: int) -> Callable[[Connection, Occasion], IssuedDocument]:
        return lambda connection, occasion: surplus.sell_offer(connection, number, replace(occasion, actor=who))

    funen.refused(NothingToCompareWith, offering(offer(1, 100)), day)
    funen.refused(surplus.PersonInReason, offering(offer(1, 100, reason="se 010203-0000")), day)
    funen.do(lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, four_eyes=True), day)
    first = funen.do(offering(offer(2, 200, unit=100, reason=because)), day)
    assert funen.balance("surplus_capacity", 2010) == 0
    funen.refused(surplus.SecondPersonMissing, sold_by("prøven", first), day)
    document = funen.do(sold_by("En anden", first), day)
    assert (document.amount_oere, funen.balance("surplus_capacity", 2010)) == (200, -200)
    funen.refused(surplus.OfferHasEnded, sold_by("En anden", first), day)
    funen.refused(surplus.OfferUnknown, sold_by("En anden", 999), day)
    # An offer of the same days is sold to nobody: the buyer was billed for them.
    second = funen.do(offering(offer(2, 200, unit=100, reason=because)), day)
    funen.refused(surplus.SaleAlreadyBilled, sold_by("En anden", second), day)
    funen.do(lambda connection, occasion: surplus.withdraw_offer(connection, second, occasion), day)
    funen.refused(surplus.OfferHasEnded, sold_by("En anden", second), day)
    kept = funen.do(lambda connection, _occasion: surplus.get_offer(connection, first), day)
    assert (kept.offer, kept.sold_as, kept.ended_by) == (
        offer(2, 200, unit=100, reason=because),
        document.number,
        "En anden",
    )
    funen.holds()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "planted",
    ["DELETE FROM surplus_sale", "UPDATE surplus_sale SET buyer = '621'", "UPDATE surplus_sale SET courses = 9"],
)
def test_verify_finds_a_sale_that_was_changed(funen: Life, planted: str) -> None:
    funen.do(selling(offer(2, 200, unit=100, reason="Pladserne stod tomme")), date(2010, 2, 1))
    for (trigger,) in funen.says("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        funen.says(f"DROP TRIGGER {trigger}")
    funen.says(planted)
    assert not funen.checks()["sales_in_accounts"].ok


@given(
    st.integers(1, 10**6), st.integers(1, 10**12), st.integers(1, 10**6), st.integers(1, 10**12), st.text(max_size=3)
)
def test_a_price_per_course_is_never_below_the_subscribers_without_a_reason(
    courses: int, amount: int, their_courses: int, their_cost: int, reason: str
) -> None:
    cost = SubscribersCost(2009, "ambulant", their_cost, their_courses)
    what = offer(courses, amount, reason=reason)
    if Fraction(amount, courses) >= Fraction(their_cost, their_courses) or reason:
        require_price(what, cost)
    else:
        with pytest.raises(BetterThanTheSubscribers):
            require_price(what, cost)


def test_the_price_that_is_told_may_be_asked_and_is_never_the_one_refused() -> None:
    """123.456.789 øre for 37 courses are 3.336.669,97 øre each; 6.673.339 øre for two are 3.336.669,5."""
    cost = SubscribersCost(2009, "ambulant", 123_456_789, 37)
    assert cost_per_course_oere(cost) == 3_336_670
    require_price(offer(1, 3_336_670), cost)
    with pytest.raises(BetterThanTheSubscribers, match=r"33\.366,69 kr\. pr\. forløb.*33\.366,70 kr\. i 2009"):
        require_price(offer(2, 6_673_339), cost)
    # 100 øre for 3 are 33,33: at 0,33 kr. it would be sold below the cost.
    assert cost_per_course_oere(SubscribersCost(2009, "ambulant", 100, 3)) == 34


@pytest.mark.parametrize("wrong", [offer(0, 100), offer(1, 0), offer(1, 1, reason="x" * 501)])
def test_a_sale_that_is_none(wrong: SaleOffer) -> None:
    with pytest.raises(SaleIncomplete):
        require_offer(wrong)
    with pytest.raises(SaleIncomplete):
        require_offer(replace(offer(1, 1), period=Period(date(2009, 12, 1), date(2010, 2, 1))))


def test_income_in_the_accounts_is_at_least_what_was_billed() -> None:
    def income(amount: int) -> CostLine:
        return CostLine(CostLineKey(2010, ODENSE, "ambulant", CostKind.SURPLUS_CAPACITY_INCOME), amount)

    sold = {(ODENSE, "ambulant"): 500, (SVENDBORG, "ambulant"): 70}
    (added,) = surplus_lines("a", 2010, sold, [income(500)])
    assert (added.key.provider, added.amount_oere, added.net_oere) == (SVENDBORG, 70, -70)
    with pytest.raises(SurplusIncomeTooLow):
        surplus_lines("a", 2010, sold, [income(499)])
    assert surplus_lines("a", 2010, {}, []) == ()
