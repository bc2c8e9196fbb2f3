"""One month: issued once, credited, left out and completed, provisional, net; numbers without gaps, in date order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import Connection

from agreements import run as agreements
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.invoice import run as invoices
from billing.invoice.rules import AlreadyCredited, CannotBeCredited, IssueDateBeforeLast
from billing.monthly_aconto import run as months
from billing.monthly_aconto.rules import PriceMissing
from billing.year_end_settlement.clearing_run import provider_clearing
from foundation.audit import Occasion
from foundation.period import Month
from tests.billing.runs.conftest import (
    AEROE,
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    NINE,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Life,
    LifeOf,
    amounts,
    numbers,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True  # test_concurrency, test_constraints and test_clock_database have it in every run
JANUARY, FEBRUARY = Month(2009, 1), Month(2009, 2)
MONTHLY = {who: twelve_by_hand(share)[0] for who, share in split_by_hand(COST_2009, INHABITANTS_2008).items()}

REFUSE_ONE = {
    "sqlite": (
        (
            "CREATE TRIGGER one_bad_payer BEFORE INSERT ON invoice WHEN NEW.subscriber = '450' "
            "BEGIN SELECT RAISE(ABORT, 'no bill for 450'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION no_bill() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no bill for 450'; END $$"
        ),
        (
            "CREATE TRIGGER one_bad_payer BEFORE INSERT ON invoice FOR EACH ROW WHEN (NEW.subscriber = '450') "
            "EXECUTE FUNCTION no_bill()"
        ),
    ),
}


def test_a_month_is_issued_once(priced: Life) -> None:
    first = priced.issue(JANUARY)
    assert amounts(first.issued) == MONTHLY
    assert numbers(first.issued) == list(range(1, 10))
    assert {document.number[:6] for document in first.issued} == {"F2008-"}
    assert {document.due_date for document in first.issued} == {date(2009, 1, 9)}
    assert [document.subscriber.municipality for document in first.issued if document.internal] == [ODENSE]
    before = priced.everything()
    again = priced.issue(JANUARY, date(2008, 12, 31))
    assert (again.issued, again.failed) == ((), ())
    assert again.already_issued == first.issued
    assert priced.everything() == before


def test_plan_says_what_issue_does_and_changes_nothing(priced: Life) -> None:
    before = priced.everything()
    with priced.database.reading() as connection:
        plan = months.plan_month(connection, FUNEN, JANUARY, date(2008, 12, 16))
    assert priced.everything() == before
    assert amounts(plan.drafts) == MONTHLY
    assert (plan.send_by, plan.days_late) == (date(2008, 12, 15), 1)
    assert amounts(priced.issue(JANUARY).issued) == MONTHLY


def test_a_late_month_is_issued_and_what_is_late_is_said(priced: Life) -> None:
    issued = priced.issue(Month(2009, 3), date(2009, 2, 20))
    assert amounts(issued.issued) == MONTHLY
    assert [str(month) for month, _ in issued.plan.late_months] == ["2009-01", "2009-02"]
    warning = priced.checks()["months_due"]
    assert (warning.ok, warning.warning) == (True, True)
    assert "2009-01 til 2009-02 (9 kommuner" in warning.detail


def test_one_bad_payer_is_left_out_and_a_rerun_completes(priced: Life, engine_name: str) -> None:
    for statement in REFUSE_ONE[engine_name]:
        priced.says(statement)
    first = priced.issue(JANUARY)
    assert [failure.municipality for failure in first.failed] == ["450"]
    assert "no bill for 450" in str(first.failed[0].error)
    assert "Nyborg" in str(first.failed[0].error)
    others = {who: amount for who, amount in MONTHLY.items() if who != "450"}
    assert amounts(first.issued) == others
    assert numbers(first.issued) == list(range(1, 9))
    again = priced.issue(JANUARY)
    assert (again.issued, len(again.already_issued), len(again.failed)) == ((), 8, 1)
    priced.says("DROP TRIGGER one_bad_payer" + ("" if engine_name == "sqlite" else " ON invoice"))
    rest = priced.issue(JANUARY)
    assert amounts(rest.issued) == {"450": MONTHLY["450"]}
    assert numbers(rest.issued) == [9]
    assert amounts(rest.already_issued) == others
    assert priced.issue(JANUARY).issued == ()


def test_a_date_before_the_last_number_is_refused_and_nothing_is_changed(priced: Life) -> None:
    priced.issue(JANUARY, date(2008, 12, 12))
    refused = priced.refused(
        IssueDateBeforeLast,
        lambda connection, occasion: months.issue_month(connection, FUNEN, FEBRUARY, occasion),
        date(2008, 12, 11),
    )
    assert "F2008-0009" in str(refused)
    assert "12.12.2008" in str(refused)
    assert numbers(priced.issue(FEBRUARY, date(2008, 12, 12)).issued) == list(range(10, 19))
    # Another year is another series.
    assert numbers(priced.issue(Month(2009, 3), date(2009, 1, 2)).issued) == list(range(1, 10))


def test_a_credited_month_is_free_and_is_billed_again(priced: Life) -> None:
    first = priced.issue(JANUARY)
    number = next(document.number for document in first.issued if document.subscriber.municipality == AEROE)
    credit = priced.credit(number, date(2008, 12, 11))
    assert (credit.number, credit.credits, credit.amount_oere) == ("F2008-0010", number, -MONTHLY[AEROE])
    assert "2009-01 (1 kommuner: 492)" in _after(priced, date(2008, 12, 15))
    again = priced.issue(JANUARY, date(2008, 12, 12))
    assert amounts(again.issued) == {AEROE: MONTHLY[AEROE]}
    assert numbers(again.issued) == [11]
    assert len(again.already_issued) == 8
    priced.credit(again.issued[0].number, date(2008, 12, 13))
    third = priced.issue(JANUARY, date(2008, 12, 13))
    assert (amounts(third.issued), numbers(third.issued)) == ({AEROE: MONTHLY[AEROE]}, [13])
    assert priced.issue(JANUARY, date(2008, 12, 13)).issued == ()


def _after(life: Life, day: date) -> str:
    life.today = day
    return life.checks()["months_due"].detail


def test_what_is_credited_stays_credited(priced: Life) -> None:
    number = priced.issue(JANUARY).issued[0].number
    credit = priced.credit(number, date(2008, 12, 11))

    def credit_of(which: str) -> Callable[[Connection, Occasion], object]:
        return lambda connection, occasion: invoices.credit_document(
            connection, which, reason="igen", occasion=occasion
        )

    twice = priced.refused(AlreadyCredited, credit_of(number), date(2008, 12, 12))
    assert credit.number in str(twice)
    priced.refused(CannotBeCredited, credit_of(credit.number), date(2008, 12, 12))
    priced.refused(invoices.InvoiceUnknown, credit_of("F1999-0001"), date(2008, 12, 12))
    priced.refused(IssueDateBeforeLast, credit_of("F2008-0002"), date(2008, 12, 9))


def test_a_credit_note_is_not_dated_before_what_it_credits(priced: Life) -> None:
    """The series are per year, so the date order within each does not see to it."""
    priced.issue(JANUARY)
    number = priced.issue(FEBRUARY, date(2009, 1, 10)).issued[0].number
    with pytest.raises(IssueDateBeforeLast):
        priced.credit(number, date(2008, 12, 31))


def test_a_bill_of_a_closed_year_is_not_credited(priced: Life) -> None:
    number = priced.issue_months(2009)[0].issued[0].number
    priced.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    priced.close(2009, date(2010, 4, 1))
    priced.refused(
        YearIsSettled,
        lambda connection, occasion: invoices.credit_document(connection, number, reason="for sent", occasion=occasion),
        date(2010, 4, 2),
    )


def test_a_crediting_is_audited(priced: Life) -> None:
    number = priced.issue(JANUARY).issued[0].number
    priced.credit(number, date(2008, 12, 11))
    ((action, subject, actor),) = priced.says("SELECT action, subject, actor FROM audit_event ORDER BY id DESC LIMIT 1")
    assert (action, subject, actor) == ("invoice.credited", f"{FUNEN} {number}", "prøven")


def test_a_missing_price_bills_last_years_instalment_and_is_corrected(priced: Life) -> None:
    priced.issue_months(2009)
    early = priced.refused(
        subscriptions.SubscriptionUnknown,
        lambda connection, occasion: months.issue_month(connection, FUNEN, Month(2011, 1), occasion),
        date(2009, 12, 14),
    )
    assert "2011" in str(early)
    priced.refused(
        PriceMissing,
        lambda connection, occasion: months.issue_month(connection, FUNEN, Month(2010, 1), occasion),
        date(2009, 12, 14),
    )
    provisional = priced.issue(Month(2010, 1), date(2009, 12, 15))
    assert amounts(provisional.issued) == MONTHLY
    assert all(document.provisional and "Foreløbigt" in document.note for document in provisional.issued)
    priced.budget(2010, {ODENSE: 2_000_000_000, SVENDBORG: 700_000_001}, date(2009, 12, 20))
    priced.calculate(2010, date(2009, 12, 21))
    shares = split_by_hand(2_700_000_001, priced.inhabitants(date(2009, 1, 1)))
    issues = priced.issue_months(2010, 2, 12)
    for who in NINE:
        said = [amounts(issue.issued)[who] for issue in issues]
        assert said == twelve_by_hand(shares[who] - MONTHLY[who], count=11)
    assert not any(document.provisional for issue in issues for document in issue.issued)


def test_a_newcomer_cannot_be_billed_provisionally(priced: Life) -> None:
    priced.issue_months(2009)
    priced.do(
        lambda connection, occasion: agreements.take_in(connection, FUNEN, "410", 2010, occasion),
        date(2009, 12, 11),
    )
    issued = priced.issue(Month(2010, 1), date(2009, 12, 15))
    assert amounts(issued.issued) == MONTHLY
    assert [(failure.municipality, failure.error.name) for failure in issued.failed] == [("410", "NothingToBillFrom")]


def test_months_ahead_0(life_of: LifeOf) -> None:
    life = life_of(months_ahead="0")
    life.calculate(2009, date(2008, 6, 1))
    life.today = date(2009, 1, 14)
    assert not life.checks()["months_due"].warning
    life.today = date(2009, 1, 15)
    assert "2009-01 (9 kommuner" in life.checks()["months_due"].detail
    issued = life.issue(JANUARY, date(2009, 1, 16))
    assert (issued.plan.send_by, issued.plan.days_late) == (date(2009, 1, 15), 1)
    assert amounts(issued.issued) == MONTHLY
    assert numbers(issued.issued) == list(range(1, 10))
    # 15 February 2009 is a Sunday.
    with life.database.reading() as connection:
        assert months.plan_month(connection, FUNEN, FEBRUARY, date(2009, 2, 1)).send_by == date(2009, 2, 13)


@pytest.mark.parametrize("way", ['"invoice"', '"net"'])
def test_both_ways_of_a_providers_own_share(life_of: LifeOf, way: str) -> None:
    life = life_of(provider_own_share=way)
    life.calculate(2009, date(2008, 6, 1))
    issued = life.issue(JANUARY)
    assert amounts(issued.issued) == MONTHLY
    internal = {document.subscriber.municipality for document in issued.issued if document.internal}
    assert internal == ({ODENSE} if way == '"invoice"' else {ODENSE, SVENDBORG})
    assert life.balance("receivable", 2009) == sum(MONTHLY[who] for who in NINE if who not in internal)
    assert life.balance("own_share", 2009) == sum(MONTHLY[who] for who in internal)
    entitled = {ODENSE: 0, SVENDBORG: 0}
    for who in NINE:
        for provider, amount in split_by_hand(
            MONTHLY[who],
            {ODENSE: ODENSE_2009, SVENDBORG: SVENDBORG_2009},
        ).items():
            entitled[provider] += amount
    collected = {ODENSE: sum(MONTHLY.values()), SVENDBORG: 0}
    if way == '"net"':
        collected = {ODENSE: sum(MONTHLY.values()) - MONTHLY[SVENDBORG], SVENDBORG: MONTHLY[SVENDBORG]}
    with life.database.reading() as connection:
        clearing = {entry.municipality: entry for entry in provider_clearing(connection, FUNEN, 2009)}
    assert {who: entry.entitled_oere for who, entry in clearing.items()} == entitled
    assert {who: entry.collected_oere for who, entry in clearing.items()} == collected
    assert sum(entry.outstanding_oere for entry in clearing.values()) == 0
