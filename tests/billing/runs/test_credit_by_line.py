"""Credit by line on both databases: the claim is kept until the last of it is taken, and no two take the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, text

from billing.accounts.rules import YearIsSettled
from billing.annual_subscription.facts import Correction
from billing.invoice import run as invoices
from billing.invoice.facts import DocumentType, IssuedDocument
from billing.invoice.rules import AlreadyCredited, CannotBeCredited, LineUnknown, MoreThanIsLeft, NothingToCredit
from billing.monthly_aconto import run as months
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month
from tests.billing.runs.conftest import BUDGET_2009, FUNEN, ODENSE, ODENSE_2009, SVENDBORG, Life, amounts, numbers
from tests.billing.runs.test_combined import BY_HAND, TALK, Several
from tests.billing.runs.test_concurrency import at_once, held_open
from tests.billing.runs.test_verify import Books
from tests.databases import PostgresDatabases, SqliteDatabases

POSTGRESQL_IN_SOAK = True

JANUARY = Month(2009, 1)
DAY = date(2008, 12, 15)
# Assens's January, cut by the budgets (domain rule 12).
ASSENS, LINE_1, LINE_2 = "F2008-0001", 14_367_996, 5_052_286

Lines = dict[int, int | None] | None


def crediting(number: str, lines: Lines = None) -> Callable[[Connection, Occasion], IssuedDocument]:
    return lambda connection, occasion: invoices.credit_document(
        connection, number, reason="fejl", occasion=occasion, lines=lines
    )


def left(life: Life, number: str = ASSENS) -> dict[int, int]:
    with life.database.reading() as connection:
        return invoices.left_of(connection, number)


@pytest.fixture
def billed(priced: Life) -> Life:
    """January 2009 is billed."""
    priced.issue(JANUARY, date(2008, 12, 10))
    return priced


def test_a_partial_credit_keeps_the_claim_and_the_last_frees_it(billed: Life) -> None:
    note = billed.do(crediting(ASSENS, {2: 123_450}), date(2008, 12, 11))
    assert (note.number, note.credits, note.amount_oere) == ("F2008-0010", ASSENS, -123_450)
    assert note.document_type is DocumentType.CREDIT_NOTE
    assert left(billed) == {1: LINE_1, 2: LINE_2 - 123_450}
    again = billed.issue(JANUARY, date(2008, 12, 12))
    assert (again.issued, len(again.already_issued)) == ((), 9)
    assert not billed.checks()["months_due"].warning
    # The books and the document: 194.202,82 less 1.234,50.
    assert owed(billed) == LINE_1 + LINE_2 - 123_450
    billed.do(crediting(ASSENS, {1: None}), date(2008, 12, 12))
    assert (left(billed), owed(billed)) == ({1: 0, 2: LINE_2 - 123_450}, LINE_2 - 123_450)
    assert billed.issue(JANUARY, date(2008, 12, 12)).issued == ()
    last = billed.do(crediting(ASSENS, {2: LINE_2 - 123_450}), date(2008, 12, 13))
    assert (left(billed), owed(billed)) == ({1: 0, 2: 0}, 0)
    (document,) = [each for each in billed.documents() if each.number == ASSENS]
    assert document.credited_by == last.number
    free = billed.issue(JANUARY, date(2008, 12, 13))
    assert amounts(free.issued) == {"420": LINE_1 + LINE_2}
    assert numbers(free.issued) == [13]
    assert billed.issue(JANUARY, date(2008, 12, 13)).issued == ()


def owed(life: Life, who: str = "420") -> int:
    ((amount,),) = life.says(
        "SELECT SUM(amount_oere) FROM posting WHERE municipality = :who AND account = 'receivable'", who=who
    )
    return int(str(amount))


def test_what_is_left_is_taken_whole_after_a_part_of_it(billed: Life) -> None:
    billed.do(crediting(ASSENS, {1: LINE_1 - 1}), date(2008, 12, 11))
    rest = billed.do(crediting(ASSENS), date(2008, 12, 12))
    assert [line.amount_oere for line in rest.lines] == [-1, -LINE_2]
    assert owed(billed) == 0
    billed.refused(AlreadyCredited, crediting(ASSENS, {1: 1}), date(2008, 12, 12))
    billed.refused(AlreadyCredited, crediting(ASSENS), date(2008, 12, 12))


def test_what_cannot_be_taken_is_refused_and_nothing_is_changed(billed: Life) -> None:
    note = billed.do(crediting(ASSENS, {1: 1_000}), date(2008, 12, 11)).number
    refused: list[tuple[type[Exception], str, Lines]] = [
        (MoreThanIsLeft, ASSENS, {1: LINE_1 - 999}),
        (MoreThanIsLeft, ASSENS, {1: LINE_1}),
        (MoreThanIsLeft, ASSENS, {2: 1, 1: LINE_1}),  # the one that could be taken is not
        (MoreThanIsLeft, ASSENS, {2: 10**17}),
        (NothingToCredit, ASSENS, {2: 0}),
        (NothingToCredit, ASSENS, {2: -5}),
        (LineUnknown, ASSENS, {3: 5}),
        (LineUnknown, ASSENS, {0: None}),
        (CannotBeCredited, note, {1: 1}),
        (CannotBeCredited, note, None),
        (invoices.InvoiceUnknown, "F2008-0099", {1: 1}),
    ]
    for error, number, lines in refused:
        billed.refused(error, crediting(number, lines), date(2008, 12, 12))
    assert left(billed) == {1: LINE_1 - 1_000, 2: LINE_2}


@pytest.mark.parametrize("asked", [LINE_1, LINE_1 - LINE_1 // 3])
def test_the_same_line_by_several_at_once_is_never_taken_beyond_itself(billed: Life, asked: int) -> None:
    answers = at_once(billed, *(crediting(ASSENS, {1: asked}) for _ in range(4)), day=date(2008, 12, 11))
    taken = [answer for answer in answers if isinstance(answer, IssuedDocument)]
    assert len(taken) == 1, answers
    refused = {type(answer) for answer in answers if isinstance(answer, Exception)}
    assert refused <= {MoreThanIsLeft, NothingToCredit}
    assert left(billed)[1] == LINE_1 - asked
    assert numbers(billed.documents()) == list(range(1, 11))


def test_many_small_credits_at_once_are_each_taken_once(billed: Life) -> None:
    answers = at_once(billed, *(crediting(ASSENS, {2: 1_000 + each}) for each in range(4)), day=date(2008, 12, 11))
    assert all(isinstance(answer, IssuedDocument) for answer in answers), answers
    assert left(billed) == {1: LINE_1, 2: LINE_2 - 4_006}
    assert numbers(billed.documents()) == list(range(1, 14))


def test_by_line_and_whole_at_once(billed: Life) -> None:
    answers = at_once(billed, crediting(ASSENS, {1: 5}), crediting(ASSENS), day=date(2008, 12, 11))
    notes = [answer for answer in answers if isinstance(answer, IssuedDocument)]
    assert sum(note.amount_oere for note in notes) == -LINE_1 - LINE_2
    assert all(isinstance(answer, IssuedDocument | AlreadyCredited) for answer in answers), answers
    assert not any(left(billed).values())


def test_a_year_that_is_closed_is_not_credited_by_line(billed: Life) -> None:
    billed.issue_months(2009, 2)
    billed.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    billed.close(2009, date(2010, 4, 1))
    billed.refused(YearIsSettled, crediting(ASSENS, {1: 1}), date(2010, 4, 2))


def test_a_year_with_a_credit_by_line_is_not_closed_before_it_is_billed_as_priced(billed: Life) -> None:
    """A credit that is not billed anew would be a result that nobody decided."""
    from billing.year_end_settlement.run import YearNotBilled

    billed.issue_months(2009, 2)
    billed.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    billed.do(crediting(ASSENS, {1: 100}), date(2010, 3, 2))
    told = billed.refused(YearNotBilled, billed.closing(2009), date(2010, 4, 1))
    assert "Assens" in str(told)
    ((credit, document),) = billed.reinvoice(2009, date(2010, 4, 1))
    assert (credit.credits, credit.amount_oere) == (ASSENS, 100 - LINE_1 - LINE_2)
    assert document.amount_oere == LINE_1 + LINE_2
    billed.close(2009, date(2010, 4, 1))


def test_a_month_that_a_price_took_as_billed_is_billed_anew_after_a_credit_by_line(billed: Life) -> None:
    """The price has nothing new to say of it, and the year would never be closed."""
    billed.budget(2009, {**BUDGET_2009, ODENSE: ODENSE_2009 + 1_200_000}, date(2009, 1, 5))
    assert billed.calculate(2009, date(2009, 1, 5)).is_new
    billed.issue_months(2009, 2)
    billed.do(crediting(ASSENS, {1: 100}), date(2010, 3, 2))
    assert not billed.calculate(2009, date(2010, 3, 2)).is_new
    ((credit, document),) = billed.reinvoice(2009, date(2010, 4, 1))
    assert (credit.credits, credit.amount_oere) == (ASSENS, 100 - LINE_1 - LINE_2)
    assert document.amount_oere == LINE_1 + LINE_2
    billed.accounts(2009, BUDGET_2009, date(2010, 4, 1))
    billed.close(2009, date(2010, 4, 1))


@pytest.fixture
def shared(priced: Life) -> Several:
    """January of two agreements, one invoice per payer."""
    several = Several(priced)
    several.add(TALK)
    several.run(DAY)
    return several


def test_one_agreement_of_a_shared_document_is_freed_alone(shared: Several) -> None:
    life, talk = shared.first, shared.lives[TALK]
    note = life.do(crediting(ASSENS, {3: None, 4: 1}), date(2008, 12, 16))
    assert (note.agreement, {line.agreement for line in note.lines}) == (TALK, {TALK})
    assert shared.held(TALK)["420"] == ASSENS
    note = life.do(crediting(ASSENS, {4: None}), date(2008, 12, 16))
    assert "420" not in shared.held(TALK)
    assert shared.held(FUNEN)["420"] == ASSENS
    assert shared.booked(FUNEN) == BY_HAND[FUNEN]
    assert shared.booked(TALK) == {**BY_HAND[TALK], "420": 0}
    assert life.issue(JANUARY, date(2008, 12, 17)).issued == ()
    assert amounts(talk.issue(JANUARY, date(2008, 12, 17)).issued) == {"420": BY_HAND[TALK]["420"]}
    # The rest of the document is the first agreement's alone.
    rest = life.do(crediting(ASSENS), date(2008, 12, 17))
    assert ({line.agreement for line in rest.lines}, rest.amount_oere) == ({FUNEN}, -BY_HAND[FUNEN]["420"])
    assert amounts(life.issue(JANUARY, date(2008, 12, 18)).issued) == {"420": BY_HAND[FUNEN]["420"]}
    shared.bills_nothing(date(2008, 12, 18))


def test_two_agreements_take_the_last_of_their_shared_documents_at_once(shared: Several) -> None:
    """Each holds its own agreement only; still one of them is told to be the last, and the document says so."""
    for life in shared.lives.values():
        life.budget(2009, {ODENSE: 1_100_000_000, SVENDBORG: 400_000_000}, date(2008, 12, 16))
        life.calculate(2009, date(2008, 12, 16), Correction.REINVOICE)

    def anew(code: str) -> Callable[[Connection, Occasion], object]:
        return lambda connection, occasion: months.reinvoice_year(connection, code, 2009, occasion)

    answers = at_once(shared.first, anew(FUNEN), anew(TALK), day=date(2008, 12, 17))
    assert [len(answer) for answer in answers if isinstance(answer, list)] == [9, 9], answers
    first_nine = [document for document in shared.documents() if int(document.number[-4:]) <= 9]
    assert all(document.credited_by for document in first_nine)
    assert numbers(shared.documents()) == list(range(1, 9 + 4 * 9 + 1))
    shared.bills_nothing(date(2008, 12, 17))


def test_a_credit_that_waited_sees_what_the_first_one_took(billed: Life) -> None:
    """The first has written and not committed; the second waits and then finds less."""
    import threading

    answers: list[object] = []

    def second() -> None:
        database = Database(billed.database.url.render_as_string(hide_password=False))
        try:
            with database.transaction() as connection:
                answers.append(crediting(ASSENS, {1: LINE_1 - 9})(connection, billed.occasion(DAY)))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            answers.append(error)
        finally:
            database.dispose()

    with held_open(billed, crediting(ASSENS, {1: 10})):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        assert answers == []
    thread.join(60)
    assert [type(answer) for answer in answers] == [MoreThanIsLeft]
    billed.holds()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    """F2008-0001 is taken back by two notes to its end and billed anew, F2008-0002 in part by F2008-0012."""
    maker: SqliteDatabases | PostgresDatabases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases",
    )
    with maker.upgraded() as url:
        database = Database(url)
        life = Life(database)
        from tests.billing.runs.conftest import agreement_file

        life.register(agreement_file())
        life.calculate(2009, date(2008, 6, 1))
        life.issue(JANUARY, date(2008, 12, 10))
        life.do(crediting(ASSENS, {1: None}), date(2008, 12, 11))
        life.do(crediting(ASSENS, {2: None}), date(2008, 12, 11))
        life.do(crediting("F2008-0002", {1: 100}), date(2008, 12, 11))
        life.issue(JANUARY, date(2008, 12, 12))
        yield Books(life)
        database.dispose()


def of(number: str) -> str:
    return f"(SELECT id FROM invoice WHERE number = '{number}')"


def test_all_is_well_first(books: Books) -> None:
    assert books.broken_by() == {}


def test_a_note_that_takes_more_than_the_line(books: Books) -> None:
    """The note, its line and its books are all raised; the sums hold, but the line is taken beyond itself."""
    beyond = 17_749_024  # F2008-0002, line 1: 177.490,23 kr., and one øre
    broken = books.broken_by(
        f"UPDATE invoice_line SET amount_oere = -{beyond} WHERE invoice_id = {of('F2008-0012')}",
        "UPDATE invoice SET amount_oere = (SELECT amount_oere FROM invoice_line WHERE invoice_id = invoice.id) "
        "WHERE number = 'F2008-0012'",
    )
    assert (
        "F2008-0002, linje 1 lyder på 177.490,23 kr., men er krediteret med 177.490,24 kr."
        in (broken["credited_within_bounds"])
    )
    assert "F2008-0012" in broken["documents_unchanged"]


def test_a_note_that_adds_to_the_line(books: Books) -> None:
    broken = books.broken_by(f"UPDATE invoice_line SET amount_oere = 100 WHERE invoice_id = {of('F2008-0012')}")
    assert "F2008-0002, linje 1" in broken["credited_within_bounds"]


def test_a_note_that_takes_the_same_line_twice(books: Books) -> None:
    broken = books.broken_by(
        f"UPDATE line_credit SET line_position = 1 WHERE invoice_id = {of(ASSENS)} AND line_position = 2"
    )
    assert "F2008-0001, linje 1" in broken["credited_within_bounds"]


def test_a_note_to_another_payer(books: Books) -> None:
    broken = books.broken_by("UPDATE invoice SET subscriber = '492' WHERE number = 'F2008-0012'")
    assert "F2008-0012 krediterer F2008-0002, som er en andens" in broken["credited_within_bounds"]


def test_a_partial_credit_that_freed_the_claim(books: Books) -> None:
    """Something is left, so the month is billed; without its claim it would be billed again."""
    broken = books.broken_by(f"UPDATE claim SET released_by = {of('F2008-0012')} WHERE invoice_id = {of('F2008-0002')}")
    assert set(broken) == {"billed_once"}
    assert "F2008-0002 har ikke selv kravet" in broken["billed_once"]


def test_a_claim_that_the_last_credit_did_not_free(books: Books) -> None:
    broken = books.broken_by(
        "DROP INDEX uq_claim_live", f"UPDATE claim SET released_by = NULL WHERE invoice_id = {of(ASSENS)}"
    )
    assert set(broken) == {"billed_once"}
    assert "Assens (420)" in broken["billed_once"]


def test_notes_that_take_back_nothing_any_more(books: Books) -> None:
    """Without the rows that say what they take back, the month is billed twice and the notes are bills."""
    with books.life.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM line_credit")).scalar_one() == 3
    broken = books.broken_by(f"DELETE FROM line_credit WHERE invoice_id = {of(ASSENS)}")
    assert "billed_once" in broken
    assert "documents_unchanged" in broken
