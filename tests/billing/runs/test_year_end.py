"""The year's end: result, carry-over, release, lag, result key, exit and what the providers clear between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from billing.annual_subscription import run as subscriptions
from billing.monthly_aconto import run as months
from billing.monthly_aconto.rules import PriceOutOfDate
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as year_ends
from billing.year_end_settlement.facts import CarryOver
from billing.year_end_settlement.rules import CarryOverTooLarge
from foundation.audit import Occasion
from foundation.period import Month
from tests.billing.runs.conftest import (
    AEROE,
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    LANGELAND,
    NINE,
    ODENSE,
    SVENDBORG,
    Life,
    LifeOf,
    amounts,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True
ALL = CarryOver(percent=Decimal(100))
HALF = CarryOver(percent=Decimal(50))
SPENT_2009 = {ODENSE: 1_800_000_000, SVENDBORG: 599_999_999}
SURPLUS_2009 = COST_2009 - sum(SPENT_2009.values())
CLOSED = date(2010, 4, 1)
RESULT_KEYS = ["accounting_year", pytest.param("application_year", marks=pytest.mark.soak)]
EIGHT = tuple(who for who in NINE if who != AEROE)


def lived(life: Life, spent: Mapping[str, int] = SPENT_2009, until: int = 2013) -> Life:
    """2009 is billed and its accounts are there; the same budgets until ``until``."""
    life.bill_year(2009)
    life.budget(2010, BUDGET_2009, date(2009, 12, 15), until)
    life.accounts(2009, spent, date(2010, 3, 1))
    return life


def received_by_hand() -> dict[str, int]:
    """Each instalment cut by the budgets (domain rule 12)."""
    received = dict.fromkeys(BUDGET_2009, 0)
    for share in split_by_hand(COST_2009, INHABITANTS_2008).values():
        for instalment in twelve_by_hand(share):
            for provider, amount in split_by_hand(instalment, BUDGET_2009).items():
                received[provider] += amount
    return received


def of_source(life: Life, year: int, accounting_year: int) -> dict[str, int]:
    """What the newest price of a year passes on of one year's result."""
    with life.database.reading() as connection:
        price = subscriptions.get_subscription(connection, life.code, year)
    return {
        part.municipality: sum(
            amount for source, amount in part.passed_on.items() if source.accounting_year == accounting_year
        )
        for part in price.parts
    }


def all_passed_on(life: Life, accounting_year: int, years: range) -> int:
    return sum(sum(of_source(life, year, accounting_year).values()) for year in years)


@pytest.mark.parametrize("spent", [SPENT_2009, {ODENSE: 1_900_000_001, SVENDBORG: 700_000_000}])
def test_the_result_is_what_was_invoiced_less_what_was_spent(funen: Life, spent: dict[str, int]) -> None:
    life = lived(funen, spent)
    settled = life.close(2009, CLOSED)
    received = received_by_hand()
    result = COST_2009 - sum(spent.values())
    assert (settled.invoiced_oere, settled.cost_oere, settled.result_oere) == (COST_2009, sum(spent.values()), result)
    assert {each.municipality: (each.received_oere, each.cost_oere) for each in settled.providers} == {
        provider: (received[provider], spent[provider]) for provider in BUDGET_2009
    }
    assert {part.municipality: part.result_oere for part in settled.parts} == split_by_hand(result, INHABITANTS_2008)
    assert all((part.carried_oere, part.passed_on_oere) == (0, part.result_oere) for part in settled.parts)
    for provider in BUDGET_2009:
        passed_on = sum(part.by_provider[provider][0] for part in settled.parts)
        assert passed_on == received[provider] - spent[provider]
    balances = (life.balance("aconto", 2009), life.balance("cost", 2009), life.balance("result", 2009))
    assert balances == (0, -sum(spent.values()), -result)


def test_what_a_year_needs_to_be_closed(priced: Life) -> None:
    life = priced
    life.issue_months(2009, 1, 11)
    life.refused(year_ends.YearNotOver, life.closing(2009), date(2009, 12, 31))
    unbilled = life.refused(year_ends.YearNotBilled, life.closing(2009), CLOSED)
    assert "2009-12" in str(unbilled)
    life.issue(Month(2009, 12))
    missing = life.refused(year_ends.AccountsMissing, life.closing(2009), CLOSED)
    assert "Odense" in str(missing)
    life.accounts(2009, {ODENSE: 0}, date(2010, 3, 1))
    missing = life.refused(year_ends.AccountsMissing, life.closing(2009), CLOSED)
    assert "Svendborg" in str(missing)
    assert "Odense" not in str(missing)
    life.accounts(2009, {SVENDBORG: 5}, date(2010, 3, 2))
    settled = life.close(2009, CLOSED)
    assert settled.result_oere == COST_2009 - 5
    again = life.refused(year_ends.YearAlreadyClosed, life.closing(2009), date(2010, 4, 2))
    assert "01.04.2010" in str(again)


def test_a_price_that_no_invoice_follows_yet_is_not_closed(priced: Life) -> None:
    priced.issue_months(2009)
    priced.budget(2009, {ODENSE: 1}, date(2009, 12, 20))
    priced.calculate(2009, date(2009, 12, 21))
    priced.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    refused = priced.refused(year_ends.YearNotBilled, priced.closing(2009), CLOSED)
    assert "reinvoice" in str(refused)


@pytest.mark.parametrize(
    ("carry", "kept"),
    [
        (CarryOver(percent=Decimal("12.5")), (SURPLUS_2009 + 4) // 8),
        (CarryOver(amount_oere=123_457), 123_457),
    ],
)
def test_what_is_carried_is_not_passed_on(funen: Life, carry: CarryOver, kept: int) -> None:
    life = lived(funen)
    settled = life.close(2009, CLOSED, carry)
    results = split_by_hand(SURPLUS_2009, INHABITANTS_2008)
    carried = split_by_hand(kept, INHABITANTS_2008)
    assert settled.carried_oere == kept
    assert {part.municipality: part.carried_oere for part in settled.parts} == carried
    life.calculate(2011, date(2010, 6, 1))
    assert life.passed_on(2011) == {who: results[who] - carried[who] for who in NINE}


def test_more_than_the_result_is_not_carried(funen: Life) -> None:
    life = lived(funen)
    for carry in (
        CarryOver(amount_oere=SURPLUS_2009 + 1),
        CarryOver(amount_oere=-1),
        CarryOver(percent=Decimal("100.01")),
        CarryOver(percent=Decimal(-1)),
    ):
        life.refused(CarryOverTooLarge, life.closing(2009, carry), CLOSED)


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_the_result_is_in_the_price_of_the_year_that_the_terms_say(life_of: LifeOf, lag: int) -> None:
    life = life_of(lag_years=str(lag))
    lived(life)
    year = 2009 + lag
    if lag == 1:
        # Four months of 2010 are out when the accounts come; the others take the whole result.
        life.calculate(2010, date(2009, 12, 20))
        life.issue_months(2010, 1, 4, date(2010, 3, 1))
    settled = life.close(2009, CLOSED)
    assert settled.application_year == year
    for other in range(2010, 2014):
        life.calculate(other, date(2010, 6, 1))
    results = split_by_hand(SURPLUS_2009, INHABITANTS_2008)
    assert life.passed_on(year) == results
    assert all_passed_on(life, 2009, range(2010, 2014)) == SURPLUS_2009
    inhabitants = life.inhabitants(date(year - 1, 1, 1))
    shares = split_by_hand(COST_2009, inhabitants)
    issues = life.issue_months(year, 5 if lag == 1 else 1, day=date(2010, 6, 2))
    for who in NINE:
        said = [amounts(issue.issued)[who] for issue in issues]
        if lag == 1:
            before = 4 * twelve_by_hand(shares[who])[0]
            assert said == twelve_by_hand(shares[who] - results[who] - before, count=8)
        else:
            assert said == twelve_by_hand(shares[who] - results[who])
    # All of it has left the books.
    assert life.balance("result", 2009) == 0


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_whose_shares_split_a_result(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    life.close(2009, CLOSED, HALF)
    life.calculate(2011, date(2010, 6, 1))
    kept = (SURPLUS_2009 + 1) // 2
    if key == "accounting_year":
        results, carried = split_by_hand(SURPLUS_2009, INHABITANTS_2008), split_by_hand(kept, INHABITANTS_2008)
        expected = {who: results[who] - carried[who] for who in NINE}
    else:
        expected = split_by_hand(SURPLUS_2009 - kept, life.inhabitants(date(2010, 1, 1)))
    assert life.passed_on(2011) == expected


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_released_carry_over_is_in_a_later_price(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    life.close(2009, CLOSED, HALF)
    kept = (SURPLUS_2009 + 1) // 2
    life.calculate(2011, date(2010, 6, 1))
    life.release(2009, 2012, CarryOver(percent=Decimal(25)), date(2011, 5, 1))
    life.calculate(2012, date(2011, 6, 1))
    assert sum(life.passed_on(2012).values()) == (kept + 2) // 4
    life.release(2009, 2013, ALL, date(2012, 5, 1))
    life.calculate(2013, date(2012, 6, 1))
    assert sum(life.passed_on(2013).values()) == kept - (kept + 2) // 4
    for year in (2011, 2012, 2013):
        life.issue_months(year, day=date(2012, 12, 1))
    assert life.balance("result", 2009) == 0
    life.refused(year_ends.NothingCarried, _release(life, 2013), date(2012, 12, 2))


def _release(life: Life, year: int) -> Callable[[Connection, Occasion], object]:
    return lambda connection, occasion: year_ends.release(
        connection, life.code, 2009, year, occasion, amount=ALL, author="A", approver="B"
    )


def test_what_cannot_be_released(funen: Life) -> None:
    life = lived(funen)
    life.refused(year_ends.SettlementUnknown, _release(life, 2012), CLOSED)
    life.close(2009, CLOSED)
    life.refused(year_ends.NothingCarried, _release(life, 2012), CLOSED)
    life.refused(year_ends.ReleaseTooLate, _release(life, 2009), CLOSED)


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_result_is_passed_on_once_however_often_prices_are_calculated(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    for year in (2010, 2011, 2012):
        life.calculate(year, date(2009, 12, 20))
    # It comes too late for the price of 2011, which is calculated already; whoever calculates first takes it.
    life.close(2009, CLOSED)
    life.calculate(2012, date(2010, 5, 1))
    before = life.everything()
    for year in (2010, 2011, 2012, 2011, 2012):
        life.calculate(year, date(2010, 5, 2))
    assert life.everything() == before
    assert all_passed_on(life, 2009, range(2010, 2013)) == SURPLUS_2009


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_release_is_passed_on_once_however_often_prices_are_calculated(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    life.close(2009, CLOSED, HALF)
    life.calculate(2011, date(2010, 6, 1))
    life.release(2009, 2012, ALL, date(2010, 12, 1))
    life.calculate(2012, date(2011, 6, 1))
    kept = (SURPLUS_2009 + 1) // 2
    for _ in range(2):
        # Nothing has changed since, so nothing new is to be said of any year.
        assert not life.calculate(2011, date(2011, 6, 2)).is_new
        assert not life.calculate(2012, date(2011, 6, 2)).is_new
    assert sum(life.passed_on(2011).values()) == SURPLUS_2009 - kept
    assert sum(life.passed_on(2012).values()) == kept


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_who_leaves_after_a_result_was_passed_on_keeps_it(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    life.close(2009, CLOSED)
    life.calculate(2011, date(2010, 6, 1))
    assert sum(life.passed_on(2011).values()) == SURPLUS_2009
    life.leave(AEROE, 2011, date(2011, 6, 1))
    life.calculate(2012, date(2011, 6, 2))
    assert life.passed_on(2012) == dict.fromkeys(EIGHT, 0)


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_leaver_gets_its_part_and_the_others_theirs(life_of: LifeOf, key: str) -> None:
    life = lived(life_of(result_key=f'"{key}"'))
    life.close(2009, CLOSED, HALF)
    life.calculate(2011, date(2010, 6, 1))
    life.bill_year(2010)
    life.leave(AEROE, 2010, date(2010, 7, 1))
    stale = life.refused(
        PriceOutOfDate,
        lambda connection, occasion: months.issue_month(connection, FUNEN, Month(2011, 1), occasion),
        date(2010, 12, 10),
    )
    assert "Ærø" in str(stale)
    life.calculate(2011, date(2010, 12, 11))
    assert sorted(life.passed_on(2011)) == list(EIGHT)
    assert sorted(amounts(life.issue(Month(2011, 1), date(2010, 12, 12)).issued)) == list(EIGHT)

    def settle(connection: Connection, occasion: Occasion) -> object:
        return exits.settle_exit(connection, FUNEN, AEROE, occasion)

    life.refused(exits.HasNotLeft, settle, date(2010, 12, 31))
    early = life.refused(exits.ExitTooEarly, settle, date(2011, 1, 1))
    assert "2010" in str(early)
    spent_2010 = {ODENSE: 1_825_000_000, SVENDBORG: 641_000_000}
    life.accounts(2010, spent_2010, date(2011, 3, 1))
    life.close(2010, date(2011, 4, 1))
    settled = life.settle_exit(AEROE, date(2011, 4, 2))
    kept = (SURPLUS_2009 + 1) // 2
    of_2009 = split_by_hand(SURPLUS_2009, INHABITANTS_2008)[AEROE]
    of_2010 = split_by_hand(COST_2009 - sum(spent_2010.values()), life.inhabitants(date(2009, 1, 1)))[AEROE]
    if key == "application_year":
        parts = (split_by_hand(each, INHABITANTS_2008)[AEROE] for each in (SURPLUS_2009 - kept, kept))
        of_2009 = sum(parts)
    assert settled.amount_oere == -(of_2009 + of_2010)
    document = next(each for each in life.documents() if each.number == settled.number)
    assert (document.document_type.value, document.amount_oere) == ("credit_note", -(of_2009 + of_2010))
    before = life.everything()
    again = life.settle_exit(AEROE, date(2011, 4, 3))
    assert (again.already_settled, again.number, again.amount_oere) == (True, settled.number, settled.amount_oere)
    assert life.everything() == before
    assert not life.calculate(2011, date(2011, 4, 4)).is_new
    life.refused(exits.HasNotLeft, _settle_exit(life, ODENSE), date(2011, 4, 4))
    # What is left of 2009 goes to the others, and then nothing is left.
    life.issue_months(2011, 2, day=date(2011, 4, 5))
    life.release(2009, 2012, ALL, date(2011, 5, 1))
    for year in (2012, 2013):
        life.calculate(year, date(2011, 5, 2))
        life.issue_months(year, day=date(2011, 5, 3))
    assert (life.balance("result", 2009), life.balance("result", 2010)) == (0, 0)


def _settle_exit(life: Life, who: str) -> Callable[[Connection, Occasion], object]:
    return lambda connection, occasion: exits.settle_exit(connection, life.code, who, occasion)


def test_an_exit_before_the_price_without_the_leaver_is_calculated(funen: Life) -> None:
    """The price of 2011 still names the leaver, who pays no bill of 2011; so its part of 2009 is settled here."""
    life = lived(funen)
    life.close(2009, CLOSED)
    life.bill_year(2010)
    life.calculate(2011, date(2010, 6, 1))
    life.leave(AEROE, 2010, date(2010, 6, 20))
    life.accounts(2010, {ODENSE: 1_825_000_000, SVENDBORG: 641_000_000}, date(2011, 3, 1))
    life.close(2010, date(2011, 3, 2))
    settled = life.settle_exit(AEROE, date(2011, 3, 3))
    life.calculate(2011, date(2011, 3, 4))
    later = life.settle_exit(AEROE, date(2011, 3, 5))
    of_2009 = split_by_hand(SURPLUS_2009, INHABITANTS_2008)[AEROE]
    of_2010 = split_by_hand(733_333, life.inhabitants(date(2009, 1, 1)))[AEROE]
    assert settled.amount_oere == later.amount_oere == -(of_2009 + of_2010)


@pytest.mark.parametrize("way", ['"invoice"', pytest.param('"net"', marks=pytest.mark.soak)])
def test_the_providers_clear_to_zero_once(life_of: LifeOf, way: str) -> None:
    life = lived(life_of(provider_own_share=way))
    received = received_by_hand()
    own = split_by_hand(COST_2009, INHABITANTS_2008)[SVENDBORG] if way == '"net"' else 0

    def clear(connection: Connection, occasion: Occasion) -> dict[str, int]:
        found = clearing.clear_providers(connection, FUNEN, 2009, occasion)
        return {entry.municipality: entry.outstanding_oere for entry in found}

    owed = received[SVENDBORG] - own
    assert life.do(clear, date(2010, 1, 15)) == {ODENSE: -owed, SVENDBORG: owed}
    before = life.everything()
    assert life.do(clear, date(2010, 1, 16)) == {ODENSE: 0, SVENDBORG: 0}
    assert life.everything() == before
    for provider in (ODENSE, SVENDBORG):
        ((left,),) = life.says(
            "SELECT SUM(amount_oere) FROM posting WHERE account = 'clearing' AND provider = :provider",
            provider=provider,
        )
        assert left == 0
    # What is passed on is borne by the provider whose result it is.
    life.close(2009, CLOSED)
    life.calculate(2011, date(2010, 6, 1))
    life.issue_months(2011)
    with life.database.reading() as connection:
        entries = {entry.municipality: entry for entry in clearing.provider_clearing(connection, FUNEN, 2011)}
    gross = dict.fromkeys(BUDGET_2009, 0)
    results = split_by_hand(SURPLUS_2009, INHABITANTS_2008)
    for share in split_by_hand(COST_2009, life.inhabitants(date(2010, 1, 1))).values():
        for instalment in twelve_by_hand(share):
            for provider, amount in split_by_hand(instalment, BUDGET_2009).items():
                gross[provider] += amount
    assert sum(results.values()) == SURPLUS_2009
    entitled = sum(entry.entitled_oere for entry in entries.values())
    assert entitled == COST_2009 - SURPLUS_2009
    for provider, entry in entries.items():
        # An instalment of what is left need not be cut at the same øre as the whole.
        assert abs(entry.entitled_oere - (gross[provider] - (received[provider] - SPENT_2009[provider]))) < 12 * 9
    life.do(
        lambda connection, occasion: clearing.clear_providers(connection, FUNEN, 2011, occasion),
        date(2012, 1, 10),
    )


def test_a_year_is_closed_before_anybody_knows_the_inhabitants_of_the_year_that_it_changes(life_of: LifeOf) -> None:
    """With three years' lag the result of 2025 is split on 1 January 2027's figures, unknown in April 2026."""
    life = life_of(lag_years="3", result_key='"application_year"', starts_on="2025-01-01")
    life.budget(2025, BUDGET_2009, date(2024, 5, 1))
    life.bill_year(2025)
    life.accounts(2025, SPENT_2009, date(2026, 3, 1))
    assert life.close(2025, date(2026, 4, 1)).result_oere == SURPLUS_2009


@pytest.mark.soak
def test_with_shares_of_the_application_year_no_oere_of_a_leaver_is_lost(life_of: LifeOf) -> None:
    """Carried and passed on are settled apart from each other, and what the others get must fit both."""
    life = lived(
        life_of(result_key='"application_year"'), {ODENSE: BUDGET_2009[ODENSE] - 1_000_003, SVENDBORG: 641_733_333}
    )
    life.close(2009, CLOSED, HALF)
    life.bill_year(2010)
    life.leave(LANGELAND, 2010, date(2010, 7, 1))
    life.accounts(2010, BUDGET_2009, date(2011, 3, 1))
    life.close(2010, date(2011, 4, 1))
    life.calculate(2011, date(2011, 4, 1))
    life.settle_exit(LANGELAND, date(2011, 4, 2))
    life.release(2009, 2012, ALL, date(2011, 5, 1))
    for year in (2011, 2012):
        life.calculate(year, date(2011, 5, 2))
        life.issue_months(year, day=date(2011, 5, 3))
    assert life.balance("result", 2009) == 0
