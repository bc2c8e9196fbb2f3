"""Interest planned, approved, issued once; corrected when a payment turns up late; credited; four eyes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from billing.invoice import run as invoices
from billing.invoice.facts import ClaimKind, IssuedDocument
from billing.monthly_run import run as runs
from billing.monthly_run.rules import ClocksName
from billing.payment import interest_run, interest_store
from billing.payment import run as payments
from billing.payment.interest_facts import InterestIssue, InterestPlan, InterestScope
from billing.payment.interest_rules import NotARateDay, ReferenceRateMissing
from foundation.audit import Occasion
from tests.billing.payment.made import Entry, fik, kroner
from tests.billing.runs.conftest import AN_INSTANT, FUNEN, ODENSE, Life
from tests.billing.runs.test_payment import ASSENS, assens, combined, load, match, open_of

POSTGRESQL_IN_SOAK = True

WHOLE = 19_420_282

__all__ = ["combined"]  # a fixture of payments, used here too


@pytest.fixture
def late(priced: Life) -> Life:
    """January 2009 is billed on 15 December 2008, due on 14 January 2009.

    Assens' is F2008-0001 of 194.202,82 kr.; all others pay on time.
    """
    priced.issue_months(2009, 1, 1, date(2008, 12, 15))
    others = [document for document in priced.documents() if not document.internal and document.number != "F2008-0001"]
    entries = [
        Entry(kroner(document.amount_oere), date(2009, 1, 14), reference=fik(document.number)) for document in others
    ]
    load(priced, entries, name="til tiden.xml")
    match(priced)
    return priced


def pay(life: Life, oere: int, day: date) -> None:
    load(life, [assens(oere, day=day, reference=fik("F2008-0001"))], day, f"{day}.xml")
    match(life, day)


def planning(last_day: date) -> Callable[[Connection, Occasion], InterestPlan]:
    return lambda connection, occasion: interest_run.plan_interest(
        connection, InterestScope(ODENSE, last_day), occasion
    )


def approving(number: int) -> Callable[[Connection, Occasion], InterestPlan]:
    return lambda connection, occasion: interest_run.approve_interest(connection, number, occasion)


def issuing(number: int) -> Callable[[Connection, Occasion], InterestIssue]:
    return lambda connection, occasion: interest_run.issue_interest(connection, number, occasion)


def bill(life: Life, last_day: date, day: date | None = None) -> tuple[IssuedDocument, ...]:
    on = day or last_day
    plan = life.do(planning(last_day), on)
    life.do(approving(plan.number), on)
    return life.do(issuing(plan.number), on).issued


def test_the_worked_example(late: Life) -> None:
    """By hand in tests/billing/payment/test_interest_rules.py: 9.551,85 + 45,49 + 4.162,46 + 1.614,28 = 15.374,08."""
    pay(late, 9_710_141, date(2009, 7, 1))
    pay(late, 9_710_141, date(2010, 3, 15))
    (document,) = bill(late, date(2010, 3, 31))
    assert document.kind is ClaimKind.INTEREST
    assert (document.subscriber.municipality, document.amount_oere) == (ASSENS, 1_537_408)
    assert [line.amount_oere for line in document.lines] == [955_185, 4_549, 416_246, 161_428]
    assert document.due_date == date(2010, 4, 30)
    assert open_of(late) == {document.number: 1_537_408}
    rows = late.says("SELECT base_oere, rate, days, days_in_year FROM interest_line ORDER BY position")
    assert rows == [
        (WHOLE, "10.75", 167, 365),
        (WHOLE, "8.55", 1, 365),
        (9_710_141, "8.55", 183, 365),
        (9_710_141, "8.20", 74, 365),
    ]
    late.refused(interest_run.NoInterestToBill, planning(date(2010, 3, 31)), date(2010, 4, 1))
    # Interest bears no interest.
    late.refused(interest_run.NoInterestToBill, planning(date(2011, 3, 31)), date(2011, 4, 1))


def test_the_same_in_three_invoices(late: Life) -> None:
    amounts = [bill(late, date(2009, 3, 31))[0].amount_oere]
    pay(late, 9_710_141, date(2009, 7, 1))
    amounts.append(bill(late, date(2009, 7, 1))[0].amount_oere)
    pay(late, 9_710_141, date(2010, 3, 15))
    last = bill(late, date(2010, 6, 30))[0]
    assert sum(amounts) + last.amount_oere == 1_537_408
    assert last.period.from_day == date(2009, 7, 2)
    # 15 January to 31 March: 76 days. 194,202.82 x 0.1075 x 76 / 365 = 4,346.950793
    assert amounts[0] == 434_695


def test_a_payment_that_turns_up_late_is_made_good(late: Life) -> None:
    """Billed until 31 March as if unpaid; then the bank tells that all was paid on 20 January: 6 days."""
    bill(late, date(2009, 3, 31))
    day = date(2009, 4, 15)
    load(late, [assens(WHOLE, day=date(2009, 1, 20), reference=fik("F2008-0001"))], day)
    match(late, day)
    (document,) = bill(late, date(2009, 4, 30))
    # 194,202.82 x 0.1075 x 6 / 365 = 343.180326; 343,18 - 4.346,95
    assert document.amount_oere == 34_318 - 434_695
    assert "Regulering" in document.lines[0].text
    assert sum(open_of(late).values()) == 34_318


def test_a_credited_interest_invoice_frees_its_days(late: Life) -> None:
    (document,) = bill(late, date(2009, 3, 31))
    late.credit(document.number, date(2009, 4, 1))
    (again,) = bill(late, date(2009, 4, 1))
    # 77 days: 194,202.82 x 0.1075 x 77 / 365 = 4,404.147514
    assert again.amount_oere == 440_415
    assert again.period.from_day == date(2009, 1, 15)
    assert late.says("SELECT sequence FROM interest_period ORDER BY id") == [(1,), (2,)]


def test_a_credited_invoice_bears_no_interest(late: Life) -> None:
    late.credit("F2008-0001", date(2009, 2, 1))
    late.refused(interest_run.NoInterestToBill, planning(date(2009, 3, 31)), date(2009, 4, 1))


def test_interest_of_an_invoice_that_is_credited_later_is_given_back(late: Life) -> None:
    (document,) = bill(late, date(2009, 1, 31))
    late.credit("F2008-0001", date(2009, 2, 1))
    (back,) = bill(late, date(2009, 2, 28))
    assert back.amount_oere == -document.amount_oere


def test_a_missing_rate_stops_the_plan(late: Life) -> None:
    error = late.refused(ReferenceRateMissing, planning(date(2026, 1, 1)), date(2026, 1, 2))
    assert "01.01.2026" in str(error)

    def entering(rate: str, day: date = date(2026, 1, 1)) -> Callable[[Connection, Occasion], object]:
        return lambda connection, occasion: interest_run.set_rate(connection, day, Decimal(rate), "prøve", occasion)

    late.refused(NotARateDay, entering("1.60", date(2026, 1, 15)), date(2026, 1, 2))
    late.do(entering("1.60"), date(2026, 1, 2))
    plan = late.do(planning(date(2026, 1, 1)), date(2026, 1, 2))
    assert (
        plan.documents[0].claims[0].lines[-1].text.endswith("8,60 % p.a. (referencesats 1,60 + 7,00) af 194.202,82 kr.")
    )
    # What was entered last applies, and what it replaced is kept.
    late.do(entering("1.75"), date(2026, 1, 3))
    with late.database.reading() as connection:
        assert interest_store.rates(connection)[date(2026, 1, 1)].rate == Decimal("1.75")
    late.do(approving(plan.number), date(2026, 1, 3))
    changed = late.refused(interest_run.InterestPlanOutOfDate, issuing(plan.number), date(2026, 1, 3))
    assert "referencesatsen pr. 01.01.2026" in str(changed)


def test_a_plan_is_approved_by_another_and_issued_once(late: Life) -> None:
    late.do(
        lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, four_eyes=True), date(2009, 3, 1)
    )
    plan = late.do(planning(date(2009, 2, 28)), date(2009, 3, 1))
    late.refused(interest_run.InterestPlanNotApproved, issuing(plan.number), date(2009, 3, 1))
    late.refused(interest_run.AnotherPersonMustApprove, approving(plan.number), date(2009, 3, 1))

    def by_the_clock(connection: Connection, occasion: Occasion) -> InterestPlan:
        return interest_run.approve_interest(connection, plan.number, Occasion(occasion.as_of, "Uret ", occasion.at))

    late.refused(ClocksName, by_the_clock, date(2009, 3, 1))

    def by_another(connection: Connection, occasion: Occasion) -> InterestPlan:
        other = Occasion(occasion.as_of, "en anden", occasion.at)
        return interest_run.approve_interest(connection, plan.number, other)

    late.do(by_another, date(2009, 3, 1))
    late.refused(interest_run.InterestPlanHasEnded, by_another, date(2009, 3, 1))
    assert len(late.do(issuing(plan.number), date(2009, 3, 1)).issued) == 1
    late.refused(interest_run.InterestPlanHasEnded, issuing(plan.number), date(2009, 3, 1))


def test_a_plan_that_a_payment_overtook(late: Life) -> None:
    plan = late.do(planning(date(2009, 2, 28)), date(2009, 3, 1))
    late.do(approving(plan.number), date(2009, 3, 1))
    load(late, [assens(WHOLE, day=date(2009, 2, 2), reference=fik("F2008-0001"))], date(2009, 3, 2))
    match(late, date(2009, 3, 2))
    error = late.refused(interest_run.InterestPlanOutOfDate, issuing(plan.number), date(2009, 3, 2))
    assert "betalinger og kreditering af F2008-0001" in str(error)
    stopped = late.do(
        lambda connection, occasion: interest_run.stop_interest(connection, plan.number, occasion), date(2009, 3, 2)
    )
    assert stopped.state.value == "stopped"
    late.refused(interest_run.InterestPlanHasEnded, approving(plan.number), date(2009, 3, 2))


def test_two_plans_of_the_same_days(late: Life) -> None:
    plans = [late.do(planning(date(2009, 2, 28)), date(2009, 3, 1)).number for _ in range(2)]
    for number in plans:
        late.do(approving(number), date(2009, 3, 1))
    late.do(issuing(plans[0]), date(2009, 3, 1))
    late.refused(interest_run.InterestPlanOutOfDate, issuing(plans[1]), date(2009, 3, 1))


def test_two_who_issue_and_match_at_once(late: Life) -> None:
    """Two plans of the same days issued by two at the same time: one invoice. The same receipt matched by two: once."""
    plans = [late.do(planning(date(2009, 2, 28)), date(2009, 3, 1)).number for _ in range(2)]
    for number in plans:
        late.do(approving(number), date(2009, 3, 1))
    load(late, [assens(WHOLE // 2)], date(2009, 3, 1))
    with late.database.reading() as connection:
        receipt = payments.list_receipts(connection, ODENSE, only_left=True)[0].number
    said: list[str] = []

    def at_once(number: int) -> None:
        try:
            with late.database.transaction() as connection:
                interest_run.issue_interest(connection, number, late.occasion(date(2009, 3, 1)))
            said.append("issued")
        except Exception as error:  # noqa: BLE001 - whatever it says, it is told
            said.append(type(error).__name__)
        try:
            with late.database.transaction() as connection:
                occasion = late.occasion(date(2009, 3, 1))
                payments.match_by_hand(connection, ODENSE, {receipt: None}, {"F2008-0001": None}, occasion)
            said.append("matched")
        except Exception as error:  # noqa: BLE001 - as above
            said.append(type(error).__name__)

    threads = [threading.Thread(target=at_once, args=(number,)) for number in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) == ["InterestPlanOutOfDate", "MoreThanIsLeft", "issued", "matched"]
    late.holds()
    assert len([document for document in late.documents() if document.kind is ClaimKind.INTEREST]) == 1


def test_a_document_of_two_agreements(combined: Life) -> None:
    """One rounding for the document, divided as it is: 76 days of 388.405,64 are 8.693,90 (8,693.901586), half of each.

    A document for each agreement, with its own claim.
    """
    issued = {
        (document.agreement, document.subscriber.municipality): document
        for document in bill(combined, date(2009, 3, 31))
    }
    assert {agreement for agreement, _ in issued} == {FUNEN, "fyn-to"}
    assert [issued[code, ASSENS].amount_oere for code in (FUNEN, "fyn-to")] == [434_695, 434_695]
    combined.refused(interest_run.NoInterestToBill, planning(date(2009, 3, 31)), date(2009, 3, 31))
    # Crediting one of the two frees only its own days.
    combined.credit(issued["fyn-to", ASSENS].number, date(2009, 4, 1))
    again = bill(combined, date(2009, 4, 1))
    amounts = {
        document.agreement: document.amount_oere for document in again if document.subscriber.municipality == ASSENS
    }
    # 77 days: 388.405,64 x 0.1075 x 77 / 365 = 8,808.295028: 8.808,30, half of each.
    assert amounts == {FUNEN: 440_415 - 434_695, "fyn-to": 440_415}


def test_a_line_of_an_interest_invoice_is_credited(late: Life) -> None:
    """Part of it is forgiven: its days stay billed."""
    (document,) = bill(late, date(2009, 7, 31))
    assert len(document.lines) == 2
    late.do(
        lambda connection, occasion: invoices.credit_document(
            connection, document.number, reason="kulance", occasion=occasion, lines={2: 100_00}
        ),
        date(2009, 8, 1),
    )
    match(late, date(2009, 8, 1))
    assert open_of(late)[document.number] == document.amount_oere - 100_00
    late.refused(interest_run.NoInterestToBill, planning(date(2009, 7, 31)), date(2009, 8, 1))


FAULTS = (
    "UPDATE interest_line SET days = days + 1",
    "UPDATE interest_line SET rate = '20.75'",
    "UPDATE posting SET account = 'result' WHERE account = 'interest'",
    (
        "INSERT INTO interest_period (principal_id, agreement, sequence, from_day, to_day, amount_oere, interest_id) "
        "SELECT principal_id, agreement, 2, from_day, to_day, amount_oere, interest_id FROM interest_period"
    ),
)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_verify_finds_planted_faults(late: Life, fault: str) -> None:
    bill(late, date(2009, 3, 31))
    for (name,) in late.says("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        late.says(f"DROP TRIGGER {name}")
    late.says(fault)
    assert "interest_once" in {check.name for check in late.checks().values() if not check.ok}


def test_what_is_to_be_sent_bears_the_instant_at_which_it_was_issued(late: Life) -> None:
    late.says(
        "INSERT INTO delivery_channel (issuer, topic, kind, revision, active, settings, after_entry, entered_on) "
        "VALUES ('461', 'documents', 'folder', 1, TRUE, '{}', 0, '2009-01-01')"
    )
    (document,) = bill(late, date(2009, 3, 31))
    assert late.says("SELECT key, created_at FROM outbox_entry") == [
        (f"document/461/{document.number}", AN_INSTANT.isoformat(timespec="microseconds"))
    ]
