"""The year's price: the worked example, versions, and what becomes of months that were invoiced before it changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements.population import PopulationMissing
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import AnnualSubscription, Correction
from billing.annual_subscription.rules import BudgetMissing
from billing.monthly_aconto import run as months
from foundation.audit import Occasion
from foundation.errors import MellemregningError
from foundation.period import Month
from tests.billing.runs.conftest import (
    AEROE,
    BUDGET_2009,
    COST_2009,
    FUNEN,
    FUNEN_TEXT,
    INHABITANTS_2008,
    NINE,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Life,
    LifeOf,
    amounts,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True

# domain.md, "Worked example: billing year 2009".
OBLIGATIONS_2009 = dict(
    zip(
        NINE,
        (233043392, 287882347, 130946292, 175151056, 1035888797, 327171777, 163308812, 76146128, 37194732),
        strict=True,
    ),
)
DECEMBER_2009 = dict(
    zip(NINE, (19420290, 23990202, 10912191, 14595925, 86324071, 27264323, 13609075, 6345518, 3099561), strict=True),
)


def stored(life: Life, year: int, version: int | None = None) -> AnnualSubscription:
    with life.database.reading() as connection:
        return subscriptions.get_subscription(connection, FUNEN, year, version)


def test_worked_example(funen: Life) -> None:
    calculated = funen.calculate(2009, date(2008, 6, 1))
    assert calculated.is_new
    price = stored(funen, 2009)
    assert (price.version, price.reference_date, price.cost_oere, price.total_oere) == (
        1,
        date(2008, 1, 1),
        COST_2009,
        COST_2009,
    )
    assert {part.municipality: part.population.inhabitants for part in price.parts} == INHABITANTS_2008
    assert {part.municipality: part.obligation_oere for part in price.parts} == OBLIGATIONS_2009
    assert split_by_hand(COST_2009, INHABITANTS_2008) == OBLIGATIONS_2009
    for part in price.parts:
        said = [instalment.amount_oere for instalment in part.instalments]
        assert said == twelve_by_hand(OBLIGATIONS_2009[part.municipality])
        assert said[11] == DECEMBER_2009[part.municipality]


def test_calculating_twice_says_nothing_new(priced: Life) -> None:
    before = priced.everything()
    again = priced.calculate(2009, date(2008, 6, 2))
    assert (again.is_new, again.subscription.version) == (False, 1)
    assert priced.everything() == before


def test_calculating_after_every_month_says_nothing_new(priced: Life) -> None:
    for number in range(1, 13):
        month = Month(2009, number)
        priced.issue(month)
        again = priced.calculate(2009, priced.send_day(month))
        assert (again.is_new, again.subscription.version) == (False, 1)


def test_preview_keeps_nothing(funen: Life) -> None:
    before = funen.everything()
    with funen.database.reading() as connection:
        seen = subscriptions.calculate_year(
            connection, FUNEN, 2009, funen.occasion(date(2008, 6, 1)), preview=True
        ).subscription
    assert {part.municipality: part.obligation_oere for part in seen.parts} == OBLIGATIONS_2009
    assert funen.everything() == before


def test_a_revised_population_makes_version_2_and_version_1_keeps_its_figure(priced: Life) -> None:
    first = stored(priced, 2009, 1)
    priced.population(AEROE, date(2008, 1, 1), 6812, date(2008, 8, 1))
    again = priced.calculate(2009, date(2008, 8, 2))
    assert (again.is_new, again.subscription.version) == (True, 2)
    assert stored(priced, 2009, 1) == first
    kept = first.part_of(AEROE)
    assert kept is not None
    assert kept.population.inhabitants == 6712
    expected = split_by_hand(COST_2009, {**INHABITANTS_2008, AEROE: 6812})
    assert {part.municipality: part.obligation_oere for part in stored(priced, 2009).parts} == expected
    revised = stored(priced, 2009).part_of(AEROE)
    assert revised is not None
    assert (revised.population.inhabitants, revised.population.source) == (6812, "rettet")
    assert not priced.calculate(2009, date(2008, 8, 3)).is_new


def test_a_corrected_budget_is_spread_over_the_months_that_remain(priced: Life) -> None:
    priced.issue_months(2009, 1, 5)
    priced.budget(2009, {ODENSE: ODENSE_2009 + 100_000_001}, date(2009, 5, 1))
    again = priced.calculate(2009, date(2009, 5, 2))
    assert again.subscription.version == 2
    assert stored(priced, 2009, 1).cost_oere == COST_2009
    assert [line.amount_oere for line in stored(priced, 2009, 1).cost_lines] == [ODENSE_2009, SVENDBORG_2009]
    shares = split_by_hand(COST_2009 + 100_000_001, INHABITANTS_2008)
    issues = priced.issue_months(2009, 6, 12)
    for who in NINE:
        rest = shares[who] - 5 * twelve_by_hand(OBLIGATIONS_2009[who])[0]
        assert [amounts(issue.issued)[who] for issue in issues] == twelve_by_hand(rest, count=7)
    assert not priced.calculate(2009, date(2009, 12, 1)).is_new


def test_a_budget_that_falls_below_what_was_invoiced_is_paid_back(priced: Life) -> None:
    priced.issue_months(2009, 1, 11)
    priced.budget(2009, {ODENSE: 0, SVENDBORG: 100}, date(2009, 11, 1))
    priced.calculate(2009, date(2009, 11, 2))
    shares = split_by_hand(100, INHABITANTS_2008)
    december = priced.issue(Month(2009, 12), date(2009, 11, 12))
    assert amounts(december.issued) == {
        who: shares[who] - 11 * twelve_by_hand(OBLIGATIONS_2009[who])[0] for who in NINE
    }
    assert {document.document_type.value for document in december.issued} == {"credit_note"}


def test_when_no_month_remains_they_are_credited_and_invoiced_anew(priced: Life) -> None:
    priced.issue_months(2009)
    priced.budget(2009, {SVENDBORG: SVENDBORG_2009 - 12_345_678}, date(2009, 12, 20))
    priced.calculate(2009, date(2009, 12, 21))
    shares = split_by_hand(COST_2009 - 12_345_678, INHABITANTS_2008)
    day = date(2009, 12, 22)
    corrected = priced.reinvoice(2009, day)
    by_month: dict[tuple[str, int], int] = {}
    for credit, document in corrected:
        key = (document.subscriber.municipality, document.period.from_day.month)
        assert credit.amount_oere == -twelve_by_hand(OBLIGATIONS_2009[key[0]])[key[1] - 1]
        by_month[key] = document.amount_oere
    # A month whose amount comes out the same stands as it was invoiced.
    assert by_month == {
        (who, number): amount
        for who in NINE
        for number, amount in enumerate(twelve_by_hand(shares[who]), start=1)
        if amount != twelve_by_hand(OBLIGATIONS_2009[who])[number - 1]
    }
    assert priced.reinvoice(2009, day) == []
    assert not priced.calculate(2009, day).is_new
    assert all(issue.issued == () for issue in priced.issue_months(2009, day=day))


def test_reinvoice_by_choice_leaves_the_other_months_regular(priced: Life) -> None:
    priced.issue_months(2009, 1, 2)
    priced.budget(2009, {SVENDBORG: SVENDBORG_2009 + 99_999}, date(2009, 1, 20))
    assert priced.calculate(2009, date(2009, 1, 21), Correction.REINVOICE).is_new
    shares = split_by_hand(COST_2009 + 99_999, INHABITANTS_2008)
    corrected = priced.reinvoice(2009, date(2009, 1, 22))
    assert {document.period.from_day.month for _, document in corrected} <= {1, 2}
    issues = priced.issue_months(2009, 3, 12, date(2009, 1, 23))
    live = [document for document in priced.documents() if not document.credits and not document.credited_by]
    for who in NINE:
        said = [document.amount_oere for document in live if document.subscriber.municipality == who]
        assert sorted(said) == sorted(twelve_by_hand(shares[who]))
    assert len(issues) == 10


def test_what_is_missing_is_named_and_nothing_is_guessed(funen: Life) -> None:
    def calculate(year: int) -> Callable[[Connection, Occasion], object]:
        return lambda connection, occasion: subscriptions.calculate_year(connection, FUNEN, year, occasion)

    missing = funen.refused(BudgetMissing, calculate(2010), date(2009, 6, 1))
    assert "2010" in str(missing)
    funen.budget(2060, BUDGET_2009, date(2009, 6, 1))
    unknown = funen.refused(PopulationMissing, calculate(2060), date(2009, 6, 1))
    assert "Ærø" in str(unknown)


def test_a_closed_year_keeps_its_price(priced: Life) -> None:
    priced.issue_months(2009)
    priced.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    priced.close(2009, date(2010, 4, 1))
    assert not priced.calculate(2009, date(2010, 4, 2)).is_new
    priced.budget(2009, {ODENSE: 1}, date(2010, 4, 3))
    priced.refused(
        YearIsSettled,
        lambda connection, occasion: subscriptions.calculate_year(connection, FUNEN, 2009, occasion),
        date(2010, 4, 4),
    )
    assert not priced.says("SELECT 1 FROM subscription WHERE version = 2")


def test_the_price_is_told_once_per_version(priced: Life) -> None:
    notice, is_new = priced.do(
        lambda connection, occasion: subscriptions.give_price_notice(connection, FUNEN, 2009, occasion),
        date(2008, 6, 1),
    )
    assert (is_new, notice.notice_by) == (True, date(2008, 6, 1))
    assert {line.municipality: line.obligation_oere for line in notice.lines} == OBLIGATIONS_2009
    _, is_new = priced.do(
        lambda connection, occasion: subscriptions.give_price_notice(connection, FUNEN, 2009, occasion),
        date(2008, 6, 2),
    )
    assert not is_new


def test_kroner_rounding(life_of: LifeOf) -> None:
    life = life_of(rounding_unit='"1"')
    life.calculate(2009, date(2008, 6, 1))
    shares = split_by_hand(COST_2009, INHABITANTS_2008, 100)
    # The total has 33 odd øre, which go to Odense, the largest.
    assert {who: share % 100 for who, share in shares.items()} == {who: 33 if who == ODENSE else 0 for who in NINE}
    issues = life.issue_months(2009)
    for who in NINE:
        assert [amounts(issue.issued)[who] for issue in issues] == twelve_by_hand(shares[who], 100)


def test_a_service_with_a_budget_does_not_vanish_from_under_its_bills(priced: Life) -> None:
    """The file is refused, or the month is billed or refused by a rule; a renamed service is not billed twice."""
    renamed = FUNEN_TEXT.replace('"ambulant"', '"samtale"').encode()

    def rename_and_bill(connection: Connection, occasion: Occasion) -> int:
        agreements.load_agreement(connection, "ny.toml", renamed, occasion)
        subscriptions.calculate_year(connection, FUNEN, 2009, occasion)
        return sum(amounts(months.issue_month(connection, FUNEN, Month(2009, 1), occasion).issued).values())

    try:
        billed = priced.do(rename_and_bill, date(2008, 12, 10))
    except MellemregningError:
        return
    assert billed == 205_561_107
