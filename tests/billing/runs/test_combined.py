"""Several agreements of one issuer, billed as one run: one invoice per payer, and each agreement's books its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import Connection

from agreements import run as agreements
from agreements.agreement import Agreement
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription.facts import Correction
from billing.invoice import run as invoices
from billing.invoice.facts import IssuedDocument
from billing.invoice.rules import join_drafts
from billing.invoice.run import PartlyBilled
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from exports.excel import run as workbooks
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
    SVENDBORG,
    Life,
    agreement_file,
    amounts,
    numbers,
    split_by_hand,
    twelve_by_hand,
)
from tests.billing.runs.test_month import REFUSE_ONE

POSTGRESQL_IN_SOAK = True

JANUARY = Month(2009, 1)
DAY = date(2008, 12, 15)
TALK, OWN, SHORT = "fyn-samtale", "fyn-egen", "fyn-kort"
BUDGET_TALK = {ODENSE: 900_000_001, SVENDBORG: 300_000_000}
BY_HAND = {
    code: {who: twelve_by_hand(share)[0] for who, share in split_by_hand(cost, INHABITANTS_2008).items()}
    for code, cost in ((FUNEN, COST_2009), (TALK, sum(BUDGET_TALK.values())))
}
TOGETHER = {who: BY_HAND[FUNEN][who] + BY_HAND[TALK][who] for who in NINE}


class Several:
    """Agreements of one issuer in one database; the first one's ``Life`` does what concerns them all."""

    def __init__(self, first: Life) -> None:
        self.first = first
        self.lives = {first.code: first}

    def add(self, code: str, **terms: str) -> Life:
        life = Life(self.first.database, code)
        life.register(agreement_file(code, **terms))
        if code == TALK:
            life.budget(2009, BUDGET_TALK, date(2008, 5, 30))
        life.calculate(2009, date(2008, 6, 1))
        self.lives[code] = life
        return life

    def run(self, day: date) -> list[MonthIssue]:
        """Plan all that is due, approve it, issue it, each a step after which the books hold."""
        plan = self.first.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), day)
        self.first.do(lambda connection, occasion: runs.approve_run(connection, plan.number, occasion), day)
        done = self.first.do(lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), day)
        planned: dict[tuple[int, str], int] = {}
        for line in plan.documents:
            key = (line.document, line.subscriber)
            planned[key] = planned.get(key, 0) + line.amount_oere
        failed = {failure.municipality for month in done.months for failure in month.failed}
        issued = {document.number: document for document in self.documents() if document.issue_date == day}
        # The plan says what stands on which document; a payer that fails is left out.
        assert sorted(amount for (_, who), amount in planned.items() if who not in failed) == sorted(
            document.amount_oere
            for document in issued.values()
            if document.number in {each.number for month in done.months for each in month.issued}
        )
        return list(done.months)

    def issue(self, month: Month) -> None:
        """The same in one transaction and without a look, for whoever lives a year."""
        self.first.today = day = month.plus(-1).first_day.replace(day=15 if month.number != 4 else 13)
        with self.first.database.transaction() as connection:
            plan = runs.plan_run(connection, RunScope(), self.first.occasion(day))
            runs.approve_run(connection, plan.number, self.first.occasion(day))
            runs.issue_run(connection, plan.number, self.first.occasion(day))

    def bills_nothing(self, day: date) -> None:
        """A rerun of everything."""
        before = self.first.everything()
        plan = self.first.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), day)
        assert (plan.documents, plan.failed) == ((), ())
        for code, life in self.lives.items():
            again = life.do(
                lambda connection, occasion, code=code: runs.issue_in_one_step(connection, code, JANUARY, occasion),  # type: ignore[misc]
                day,
            )
            assert (again.issued, again.failed, len(again.already_issued)) == ((), (), 9)
        after = self.first.everything()
        for name in ("invoice", "invoice_line", "claim", "voucher", "posting", "number_series"):
            assert after[name] == before[name]

    def documents(self) -> list[IssuedDocument]:
        found = {
            (document.issuer.municipality, document.number): document
            for life in self.lives.values()
            for document in life.documents()
        }
        return [found[key] for key in sorted(found)]

    def booked(self, code: str) -> dict[str, int]:
        """What one agreement's vouchers say that each payer owes: by reference and payer."""
        rows = self.first.says(
            "SELECT voucher.municipality, SUM(amount_oere) FROM posting JOIN voucher ON voucher.id = voucher_id "
            "WHERE voucher.agreement = :code AND account IN ('receivable', 'own_share') GROUP BY voucher.municipality",
            code=code,
        )
        return {str(who): int(str(amount)) for who, amount in rows}

    def held(self, code: str) -> dict[str, str]:
        """Payer -> the number of the document that holds the agreement's claim on January."""
        rows = self.first.says(
            "SELECT municipality, number FROM claim JOIN invoice ON invoice.id = claim.invoice_id "
            "WHERE claim.agreement = :code AND released_by IS NULL AND claim.period_from = :january",
            code=code,
            january="2009-01-01" if self.first.database.is_sqlite else date(2009, 1, 1),
        )
        return {str(who): str(number) for who, number in rows}


@pytest.fixture
def two(priced: Life) -> Several:
    """The Funen agreement and another of the same terms with its own budget."""
    several = Several(priced)
    several.add(TALK)
    return several


def test_one_invoice_per_payer_and_each_agreements_books_its_own(two: Several) -> None:
    answers = two.run(DAY)
    assert [(answer.plan.agreement, amounts(answer.issued)) for answer in answers] == [
        (FUNEN, BY_HAND[FUNEN]),
        (TALK, BY_HAND[TALK]),
    ]
    documents = two.documents()
    assert numbers(documents) == list(range(1, 10))
    assert amounts(documents) == TOGETHER
    assert {document.agreement for document in documents} == {""}
    for document in documents:
        assert [(line.agreement, line.provider) for line in document.lines] == [
            (FUNEN, ODENSE),
            (FUNEN, SVENDBORG),
            (TALK, ODENSE),
            (TALK, SVENDBORG),
        ]
    for code in (FUNEN, TALK):
        assert two.booked(code) == BY_HAND[code]
        assert two.held(code) == {document.subscriber.municipality: document.number for document in documents}
    two.bills_nothing(DAY)


def test_three_agreements_of_which_one_wants_its_own_invoice_and_one_another_due_date(two: Several) -> None:
    two.add(OWN, invoice_per='"agreement"')
    two.add(SHORT, due_days="14")
    two.run(DAY)
    documents = two.documents()
    assert numbers(documents) == list(range(1, 28))
    by_agreements = {
        code: amounts(document for document in documents if document.agreement == code) for code in ("", OWN, SHORT)
    }
    assert by_agreements == {"": TOGETHER, OWN: BY_HAND[FUNEN], SHORT: BY_HAND[FUNEN]}
    assert {document.due_date for document in documents if document.agreement == SHORT} == {date(2008, 12, 29)}
    assert {document.due_date for document in documents if document.agreement != SHORT} == {date(2009, 1, 14)}
    # By payer, then by agreement: whoever gets three gets them side by side.
    assert [document.subscriber.municipality for document in documents] == [who for who in NINE for _ in range(3)]
    two.bills_nothing(DAY)


def test_a_month_of_one_agreement_that_was_billed_alone_before(two: Several) -> None:
    alone = two.lives[TALK].issue(JANUARY, date(2008, 12, 12))
    assert amounts(alone.issued) == BY_HAND[TALK]
    answers = {answer.plan.agreement: answer for answer in two.run(DAY)}
    assert amounts(answers[FUNEN].issued) == BY_HAND[FUNEN]
    assert TALK not in answers
    assert {document.agreement for document in two.documents()} == {FUNEN, TALK}
    assert numbers(two.documents()) == list(range(1, 19))
    two.bills_nothing(DAY)


def test_a_payer_of_one_agreement_that_was_billed_alone_before(two: Several) -> None:
    """Of February, one payer of one agreement was billed, credited and billed again; the others share a document."""
    two.run(DAY)
    number = two.held(TALK)[AEROE]
    two.first.do(crediting(number, {3: None, 4: None}), date(2008, 12, 16))
    again = two.lives[TALK].issue(JANUARY, date(2008, 12, 17))
    assert amounts(again.issued) == {AEROE: BY_HAND[TALK][AEROE]}
    assert two.held(FUNEN)[AEROE] == number
    assert two.held(TALK)[AEROE] == again.issued[0].number
    two.bills_nothing(date(2008, 12, 17))


def crediting(
    number: str, lines: dict[int, int | None] | None = None
) -> Callable[[Connection, Occasion], IssuedDocument]:
    return lambda connection, occasion: invoices.credit_document(
        connection, number, reason="fejl", occasion=occasion, lines=lines
    )


def test_one_payer_that_fails_leaves_only_its_document_out(two: Several, engine_name: str) -> None:
    for statement in REFUSE_ONE[engine_name]:
        two.first.says(statement)
    answers = two.run(DAY)
    for answer in answers:
        assert [failure.municipality for failure in answer.failed] == ["450"]
        assert "no bill for 450" in str(answer.failed[0].error)
        assert len(answer.issued) == 8
    assert numbers(two.documents()) == list(range(1, 9))
    assert amounts(two.documents()) == {who: amount for who, amount in TOGETHER.items() if who != "450"}
    for code in (FUNEN, TALK):
        assert "450" not in two.held(code)
        assert "450" not in two.booked(code)
    two.first.says("DROP TRIGGER one_bad_payer" + ("" if engine_name == "sqlite" else " ON invoice"))
    rest = two.run(date(2008, 12, 16))
    assert [amounts(answer.issued) for answer in rest] == [
        {"450": BY_HAND[FUNEN]["450"]},
        {"450": BY_HAND[TALK]["450"]},
    ]
    assert amounts(two.documents()) == TOGETHER
    assert numbers(two.documents()) == list(range(1, 10))
    two.bills_nothing(date(2008, 12, 16))


def test_a_document_of_which_a_part_was_billed_meanwhile_is_left_out_whole(two: Several) -> None:
    """Drafts that are older than the bills: nobody gets half a document, and nobody pays twice."""
    agreed = {code: agreement_of(life) for code, life in two.lives.items()}
    with two.first.database.reading() as connection:
        plans, failed = months.plan_months(connection, agreed, DAY)
    assert failed == []
    stale = join_drafts(draft for plan in plans for draft in plan.drafts)
    two.first.issue(JANUARY, date(2008, 12, 12))

    def again(connection: Connection, occasion: Occasion) -> None:
        outcome = invoices.issue_documents(connection, stale, occasion.as_of)
        assert (outcome.issued, outcome.held) == ((), ())
        assert [failure.municipality for failure in outcome.failed] == list(NINE)
        assert {type(failure.error) for failure in outcome.failed} == {PartlyBilled}
        assert "Assens" in str(outcome.failed[0].error)
        assert FUNEN in str(outcome.failed[0].error)

    before = two.first.everything()
    two.first.do(again, DAY)
    after = two.first.everything()
    assert after == before
    two.run(DAY)
    assert amounts(two.lives[TALK].documents()) == BY_HAND[TALK]


def agreement_of(life: Life) -> Agreement:
    with life.database.reading() as connection:
        return agreements.get(connection, life.code)


def test_one_of_them_is_closed_and_the_other_goes_on(two: Several) -> None:
    for month in range(1, 13):
        two.issue(Month(2009, month))
    two.first.holds()
    documents = two.documents()
    assert len(documents) == 9 * 12
    spent = {ODENSE: 1_800_000_000, SVENDBORG: 600_000_000}
    two.first.accounts(2009, spent, date(2010, 3, 1))
    closed = two.first.close(2009, date(2010, 4, 1))
    assert (closed.invoiced_oere, closed.result_oere) == (COST_2009, COST_2009 - 2_400_000_000)
    assert two.lives[TALK].balance("aconto", 2009) == -sum(BUDGET_TALK.values())
    number = documents[0].number
    # Its lines are of a closed year, the other's are not.
    of_the_closed: tuple[dict[int, int | None] | None, ...] = (None, {1: None}, {1: 1, 3: 1})
    for lines in of_the_closed:
        two.first.refused(YearIsSettled, crediting(number, lines), date(2010, 4, 2))
    credit = two.first.do(crediting(number, {3: None, 4: None}), date(2010, 4, 2))
    assert -credit.amount_oere == BY_HAND[TALK][documents[0].subscriber.municipality]
    assert two.first.balance("aconto", 2009) == 0


def test_an_agreements_specification_shows_its_own_lines_only(two: Several, tmp_path: Path) -> None:
    two.run(DAY)
    for code, other in ((FUNEN, TALK), (TALK, FUNEN)):
        with two.first.database.reading() as connection:
            file = workbooks.write_specification(
                connection, code, "430", date(2009, 1, 1), date(2009, 12, 31), tmp_path
            )
        book = load_workbook(file, data_only=True)
        values = [
            cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
        ]
        book.close()
        told = {round(value * 100) for value in values if isinstance(value, int | float)}
        assert BY_HAND[code]["430"] in told
        assert not {BY_HAND[other]["430"], TOGETHER["430"]} & told
        parts = split_by_hand(BY_HAND[code]["430"], BUDGET_2009 if code == FUNEN else BUDGET_TALK)
        assert set(parts.values()) <= told
        assert not any(other in str(value) for value in values)


def test_one_agreement_is_invoiced_anew_and_the_others_lines_stand(two: Several) -> None:
    two.run(DAY)
    shared = two.held(FUNEN)
    dearer = {ODENSE: BUDGET_2009[ODENSE] + 120_000_000, SVENDBORG: BUDGET_2009[SVENDBORG]}
    two.first.budget(2009, dearer, date(2008, 12, 17))
    two.first.calculate(2009, date(2008, 12, 17), Correction.REINVOICE)
    corrected = two.first.reinvoice(2009, date(2008, 12, 18))
    new = {
        who: twelve_by_hand(share)[0] for who, share in split_by_hand(sum(dearer.values()), INHABITANTS_2008).items()
    }
    assert {credit.subscriber.municipality: credit.amount_oere for credit, _ in corrected} == {
        who: -amount for who, amount in BY_HAND[FUNEN].items()
    }
    for credit, document in corrected:
        who = credit.subscriber.municipality
        assert {line.agreement for line in (*credit.lines, *document.lines)} == {FUNEN}
        assert (credit.credits, document.amount_oere) == (shared[who], new[who])
    assert two.held(TALK) == shared
    assert two.held(FUNEN) == {document.subscriber.municipality: document.number for _, document in corrected}
    assert two.booked(TALK) == BY_HAND[TALK]
    assert two.booked(FUNEN) == new
    assert not any(document.credited_by for document in two.documents())
    assert two.first.reinvoice(2009, date(2008, 12, 18)) == []
    two.bills_nothing(date(2008, 12, 18))
    # The other's turn: then nothing is left of the shared documents, and each says so.
    talk = two.lives[TALK]
    talk.budget(2009, {ODENSE: 1_000_000_000, SVENDBORG: 300_000_000}, date(2008, 12, 19))
    talk.calculate(2009, date(2008, 12, 19), Correction.REINVOICE)
    last = {str(credit.credits): credit.number for credit, _ in talk.reinvoice(2009, date(2008, 12, 20))}
    assert {document.number: document.credited_by for document in two.documents() if document.credited_by} == last
    assert sorted(last) == sorted(shared.values())
    two.bills_nothing(date(2008, 12, 20))
