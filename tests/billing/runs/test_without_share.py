"""Who has no share of a year gets no document of 0 kr., and no month of it is lacking anywhere."""

from __future__ import annotations

from datetime import date

import pytest

from agreements import store as agreement_store
from agreements.deadlines import DeadlineKind
from billing import deadline_status
from billing.annual_subscription.facts import Correction
from billing.deadline_status import Status
from billing.monthly_aconto import run as months
from billing.monthly_run import watch
from foundation.period import Month
from tests.billing.runs.conftest import (
    AEROE,
    BUDGET_2009,
    COST_2009,
    INHABITANTS_2008,
    NINE,
    Life,
    amounts,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True

THE_DAY = date(2008, 1, 1)
JANUARY = Month(2009, 1)
EIGHT = tuple(code for code in NINE if code != AEROE)
OF_EIGHT = split_by_hand(COST_2009, {code: INHABITANTS_2008[code] for code in EIGHT})


@pytest.fixture
def empty(funen: Life) -> Life:
    """Nobody lives on Ærø, so that it has no share of 2009."""
    funen.population(AEROE, THE_DAY, 0, date(2008, 5, 1))
    funen.calculate(2009, date(2008, 6, 1))
    return funen


def lacking(life: Life, as_of: date) -> dict[Month, tuple[str, ...]]:
    """What is due by the months' list; the clock counts the same."""
    with life.database.reading() as connection:
        agreement = agreement_store.find_agreement(connection, life.code)
        assert agreement is not None
        due = dict(months.due_months(connection, agreement, as_of))
        coming = watch.what_is_coming(connection, as_of).get(agreement.issuer, [])
    assert {each.month: each.payers for each in coming if each.send_by <= as_of} == {
        month: len(who) for month, who in due.items()
    }
    return due


def invoicing(life: Life, as_of: date) -> dict[Month | None, Status]:
    with life.database.reading() as connection:
        found = deadline_status.deadline_statuses(connection, as_of, code=life.code, year=2009)
    return {
        each.deadline.for_month: each.status for each in found if each.deadline.kind is DeadlineKind.ADVANCE_INVOICE
    }


def test_a_year_without_a_share_is_billed_told_and_closed_without_it(empty: Life) -> None:
    assert lacking(empty, date(2008, 12, 15)) == {JANUARY: EIGHT}
    january = empty.issue(JANUARY, date(2008, 12, 15))
    assert amounts(january.issued) == {code: twelve_by_hand(OF_EIGHT[code])[0] for code in EIGHT}
    assert january.plan.without_share == (AEROE,)
    assert lacking(empty, date(2008, 12, 15)) == {}
    assert invoicing(empty, date(2008, 12, 16))[JANUARY] is Status.DONE
    empty.issue_months(2009, 2)
    assert lacking(empty, date(2010, 1, 1)).keys() == {Month(2010, 1)}
    assert set(invoicing(empty, date(2010, 1, 1)).values()) == {Status.DONE}
    empty.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    empty.close(2009, date(2010, 4, 1))
    assert AEROE not in amounts(empty.documents())
    # Two years on, a year that is looked at by its counts alone.
    assert {month for month in lacking(empty, date(2011, 2, 1)) if month.year == 2009} == set()


def test_a_share_that_comes_later_makes_every_month_due(empty: Life) -> None:
    empty.issue_months(2009, 1, 3)
    empty.population(AEROE, THE_DAY, INHABITANTS_2008[AEROE], date(2009, 3, 20))
    empty.calculate(2009, date(2009, 3, 20))
    assert lacking(empty, date(2009, 3, 31)) == {
        JANUARY: (AEROE,),
        Month(2009, 2): (AEROE,),
        Month(2009, 3): (AEROE,),
        Month(2009, 4): NINE,
    }
    billed = [empty.issue(Month(2009, number), date(2009, 12, 1)) for number in range(1, 13)]
    own = [amounts(month.issued)[AEROE] for month in billed]
    assert own == twelve_by_hand(split_by_hand(COST_2009, INHABITANTS_2008)[AEROE])


def test_last_years_rate_of_nothing_is_not_billed_either(empty: Life) -> None:
    empty.issue_months(2009)
    january = Month(2010, 1)
    billed = empty.issue(january, date(2009, 12, 15))
    assert amounts(billed.issued) == {code: twelve_by_hand(OF_EIGHT[code])[0] for code in EIGHT}
    assert all(document.provisional for document in billed.issued)
    assert lacking(empty, date(2009, 12, 15)) == {}
    empty.budget(2010, BUDGET_2009, date(2010, 1, 4))
    empty.calculate(2010, date(2010, 1, 4))
    assert lacking(empty, date(2010, 1, 4)) == {january: (AEROE,)}


def test_who_was_billed_before_its_share_went_is_billed_anew_with_nothing(priced: Life) -> None:
    priced.issue_months(2009, 1, 2)
    before = twelve_by_hand(split_by_hand(COST_2009, INHABITANTS_2008)[AEROE])[0]
    priced.population(AEROE, THE_DAY, 0, date(2009, 2, 1))
    priced.calculate(2009, date(2009, 2, 1), Correction.REINVOICE)
    pairs = priced.reinvoice(2009, date(2009, 2, 1))
    own = [
        (credit.amount_oere, document.amount_oere)
        for credit, document in pairs
        if document.subscriber.municipality == AEROE
    ]
    assert own == [(-before, 0), (-before, 0)]
    priced.issue_months(2009, 3)
    assert lacking(priced, date(2009, 12, 1)) == {}
