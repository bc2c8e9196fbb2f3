"""Receipts loaded, matched, undone; the books are verified after each step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from billing.accounts.facts import VoucherKind
from billing.invoice import run as invoices
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from billing.payment import run as payments
from billing.payment.facts import Age, How, Load, Match, Matching, OpenReport, Receipt
from billing.payment.rules import (
    DoesNotSettle,
    MoreThanIsLeft,
    MoreThanIsOpen,
    NothingToMatch,
    OneReceiptAtATime,
    SeveralPayers,
)
from foundation.audit import Occasion
from foundation.errors import MellemregningError
from tests.billing.payment.made import ACCOUNT, Entry, camt, fik, kroner
from tests.billing.runs.conftest import FUNEN, ODENSE, SVENDBORG, Life, LifeOf

POSTGRESQL_IN_SOAK = True

ASSENS, FAABORG, NYBORG = "420", "430", "450"
# domain.md: months 1-11 and month 12 of 2009.
MONTHLY = {ASSENS: 19_420_282, FAABORG: 23_990_195, NYBORG: 14_595_921}
DAY = date(2009, 1, 20)


@pytest.fixture
def billed(priced: Life) -> Life:
    """January to March 2009 are billed: F2008-0001 to -0009 are January's, F2009-0001 to -0018 the next two."""
    priced.issue_months(2009, 1, 3)
    return priced


def load(life: Life, entries: Iterable[Entry], day: date = DAY, name: str = "udtog.xml") -> Load:
    content = camt(entries)
    return life.do(
        lambda connection, occasion: payments.load_receipts(connection, name, content, ODENSE, occasion), day
    )


def match(life: Life, day: date = DAY) -> Matching:
    return life.do(lambda connection, occasion: payments.match_receipts(connection, ODENSE, occasion), day)


def by_hand(
    life: Life, receipts: Mapping[int, int | None], documents: Mapping[str, int | None], day: date = DAY
) -> Match:
    return life.do(
        lambda connection, occasion: payments.match_by_hand(connection, ODENSE, receipts, documents, occasion), day
    )


def undoing(number: int) -> Callable[[Connection, Occasion], Match]:
    return lambda connection, occasion: payments.undo_match(connection, number, occasion, reason="forkert")


def undo(life: Life, number: int, day: date = DAY) -> Match:
    return life.do(undoing(number), day)


def report(life: Life, day: date = DAY, who: str | None = None) -> OpenReport:
    with life.database.reading() as connection:
        return payments.open_report(connection, ODENSE, day, who)


def open_of(life: Life, who: str = ASSENS, day: date = date(2030, 1, 1)) -> dict[str, int]:
    found = list(report(life, day, who).standings)
    return {item.number: item.open_oere for each in found for item in each.items}


def on_account(life: Life, who: str | None = ASSENS) -> int:
    found = report(life, date(2030, 1, 1))
    if who is None:
        return found.unknown_oere
    return {each.municipality: each.on_account_oere for each in found.standings}.get(who, 0)


def receipts(life: Life) -> list[Receipt]:
    with life.database.reading() as connection:
        return payments.list_receipts(connection, ODENSE)


def balance(life: Life, account: str) -> int:
    ((total,),) = life.says(
        "SELECT COALESCE(SUM(amount_oere), 0) FROM posting WHERE account = :account", account=account
    )
    return int(str(total))


def assens(oere: int, **more: Any) -> Entry:  # noqa: ANN401 - what an entry says
    return Entry(kroner(oere), name="Assens Kommune", **more)


def test_a_payment_by_reference(billed: Life) -> None:
    before = open_of(billed)
    assert before == {"F2008-0001": 19_420_282, "F2009-0001": 19_420_282, "F2009-0010": 19_420_282}
    receivable = balance(billed, "receivable")
    done = load(billed, [assens(19_420_282, reference=fik("F2009-0001"))])
    assert (len(done.new), done.known, done.left_out) == (1, 0, 0)
    assert done.new[0].payer == ASSENS
    found = match(billed)
    assert [(one.how, sum(one.receipts.values())) for one in found.made] == [(How.AUTOMATIC, 19_420_282)]
    assert open_of(billed) == {"F2008-0001": 19_420_282, "F2009-0010": 19_420_282}
    assert balance(billed, "receivable") == receivable - 19_420_282
    assert balance(billed, "bank") == 19_420_282
    assert balance(billed, "on_account") == 0
    # Payments and open are what was invoiced.
    assert match(billed).made == ()


def test_the_same_file_twice_and_an_overlapping_one(billed: Life) -> None:
    first = [assens(100_00, bank_reference="A1"), assens(100_00, bank_reference="A2"), assens(5_00), assens(5_00)]
    assert len(load(billed, first).new) == 4
    rows = billed.everything()
    again = load(billed, first, name="samme.xml")
    assert (len(again.new), again.known) == (0, 4)
    assert billed.everything() == rows
    # The next statement holds the old entries and a new one that says the same as two of them.
    more = load(billed, [*first, assens(5_00)], name="næste.xml")
    assert (len(more.new), more.known, len(more.alike)) == (1, 4, 1)


def test_a_part_payment_an_over_payment_and_many_documents(billed: Life) -> None:
    load(
        billed,
        [
            assens(10_000_00, reference=fik("F2008-0001")),
            assens(19_420_282 - 10_000_00 + 500_00, text="Rest F2008-0001", day=date(2009, 1, 15)),
            Entry(
                kroner(2 * 14_595_921),
                name="Nyborg Kommune",
                documents=(("F2008-0004", ""), ("F2009-0004", "")),
            ),
        ],
    )
    found = match(billed)
    assert len(found.made) == 3
    assert found.left == ()
    assert open_of(billed) == {"F2009-0001": 19_420_282, "F2009-0010": 19_420_282}
    assert on_account(billed) == 500_00
    assert open_of(billed, NYBORG) == {"F2009-0013": 14_595_921}
    assert balance(billed, "on_account") == -500_00
    # What lies on the account settles the next one in part, by an officer's word.
    rest = next(receipt.number for receipt in receipts(billed) if receipt.left_oere)
    done = by_hand(billed, {rest: None}, {"F2009-0001": None})
    assert dict(done.receipts) == {rest: 500_00}
    assert open_of(billed)["F2009-0001"] == 19_420_282 - 500_00
    assert on_account(billed) == 0


def test_nothing_is_guessed(billed: Life) -> None:
    """The same amount on three documents, another payer, no payer: suggested, with reasons, and nothing is settled."""
    load(
        billed,
        [
            assens(19_420_282),
            Entry(kroner(19_420_282), name="Nyborg Kommune", reference=fik("F2008-0001")),
            Entry(kroner(23_990_195)),
            Entry(kroner(12_345), name="Jens Hansen", text="husleje 0101011234"),
        ],
    )
    found = match(billed)
    assert found.made == ()
    assert [len(found.suggested.get(receipt.number, ())) for receipt in receipts(billed)] == [3, 1, 3, 0]
    assert [receipt.amount_oere for receipt in found.left] == [12_345]
    assert on_account(billed, None) == 23_990_195 + 12_345
    first = receipts(billed)[0].number
    assert "beløbet passer på 3 bilag" in found.suggested[first][0].reasons
    assert list(found.suggested[first][0].applications) == ["F2008-0001"]
    # Nothing of the text is kept anywhere.
    kept = repr(billed.everything())
    assert "Hansen" not in kept
    assert "0101011234" not in kept
    assert "husleje" not in kept


def test_undo_restores(billed: Life) -> None:
    load(billed, [assens(19_420_282 + 7, reference=fik("F2008-0001")), Entry(kroner(100), text="?")])
    before = (open_of(billed), on_account(billed), balance(billed, "receivable"), balance(billed, "on_account"))
    (made,) = match(billed).made
    later = by_hand(billed, {next(iter(made.receipts)): None}, {"F2009-0001": None})
    error = billed.refused(payments.UndoLaterFirst, undoing(made.number), DAY)
    assert str(later.number) in str(error)
    undo(billed, later.number)
    counter = undo(billed, made.number)
    assert counter.undoes == made.number
    after = (open_of(billed), on_account(billed), balance(billed, "receivable"), balance(billed, "on_account"))
    assert after == before
    for number in (made.number, counter.number):
        billed.refused(payments.MatchEnded, undoing(number), DAY)
    # Nothing was deleted, and the same match can be made again.
    assert billed.says("SELECT COUNT(*) FROM payment_match") == [(4,)]
    assert len(match(billed).made) == 1


def test_an_unknown_payer_becomes_known_by_the_match(billed: Life) -> None:
    """What is left of it is then the payer's credit, in the books too; undoing makes it nobody's again."""
    load(billed, [Entry(kroner(30_000_000))])
    assert on_account(billed, None) == 30_000_000
    (receipt,) = receipts(billed)
    made = by_hand(billed, {receipt.number: None}, {"F2008-0001": None})
    assert on_account(billed, None) == 0
    assert on_account(billed) == 30_000_000 - 19_420_282
    undo(billed, made.number)
    assert on_account(billed, None) == 30_000_000
    assert on_account(billed) == 0


def test_credit_notes_are_set_off(billed: Life) -> None:
    """One that takes back an unpaid invoice settles it; of a paid one the credit stays, and settles another by hand."""
    load(billed, [assens(19_420_282, reference=fik("F2008-0001"))])
    match(billed)
    paid = billed.credit("F2008-0001", date(2009, 3, 2)).number
    unpaid = billed.credit("F2008-0002", date(2009, 3, 2)).number
    found = match(billed, date(2009, 3, 3))
    assert [sorted({part.number for part in one.documents}) for one in found.made] == [["F2008-0002", unpaid]]
    assert open_of(billed)[paid] == -19_420_282
    assert "F2008-0002" not in open_of(billed, FAABORG)
    done = by_hand(billed, {}, {"F2009-0010": None, paid: None}, date(2009, 3, 4))
    assert done.effective_on == date(2009, 3, 2)
    assert open_of(billed) == {"F2009-0001": 19_420_282}


def test_a_credit_paid_out(billed: Life) -> None:
    load(billed, [assens(19_420_282, reference=fik("F2008-0001"))])
    match(billed)
    note = billed.credit("F2008-0001", date(2009, 3, 2)).number
    load(billed, [assens(-19_420_282, text=f"Udbetaling {note}", day=date(2009, 3, 5))], date(2009, 3, 6), "b.xml")
    assert len(match(billed, date(2009, 3, 6)).made) == 1
    assert open_of(billed) == {"F2009-0001": 19_420_282, "F2009-0010": 19_420_282}
    assert balance(billed, "bank") == 0


def test_a_reversal_settles_what_it_takes_back(billed: Life) -> None:
    load(billed, [assens(19_420_282, reference=fik("F2008-0001"))])
    (made,) = match(billed).made
    load(billed, [assens(-19_420_282, reversal=True, day=date(2009, 1, 16))], name="b.xml")
    assert match(billed).made == ()
    undo(billed, made.number)
    first, second = (receipt.number for receipt in receipts(billed))
    by_hand(billed, {first: None, second: None}, {})
    assert on_account(billed) == 0
    assert "F2008-0001" in open_of(billed)
    assert [receipt.left_oere for receipt in receipts(billed)] == [0, 0]


def test_what_a_match_refuses(billed: Life) -> None:
    load(billed, [assens(100_00), Entry(kroner(50_00), name="Nyborg Kommune"), assens(30_000_000)])
    one, two, large = (receipt.number for receipt in receipts(billed))

    def refused(
        error: type[Exception], used: Mapping[int, int | None], documents: Mapping[str, int | None]
    ) -> Exception:
        return billed.refused(
            error,
            lambda connection, occasion: payments.match_by_hand(connection, ODENSE, used, documents, occasion),
            DAY,
        )

    refused(payments.ReceiptUnknown, {999: None}, {"F2008-0001": None})
    refused(payments.DocumentNotOpenable, {one: None}, {"F2008-0099": None})
    refused(payments.DocumentNotOpenable, {one: None}, {"F2008-0005": None})  # Odense's own share collects nothing
    refused(NothingToMatch, {one: None}, {})
    refused(NothingToMatch, {}, {"F2008-0001": None})
    refused(OneReceiptAtATime, {one: None, two: None}, {"F2008-0001": None})
    refused(SeveralPayers, {one: None}, {"F2008-0001": 50_00, "F2008-0002": 50_00})
    refused(MoreThanIsLeft, {one: 100_01}, {"F2008-0001": None})
    refused(MoreThanIsLeft, {one: None}, {"F2008-0001": 100_01})
    refused(MoreThanIsOpen, {large: None}, {"F2008-0001": 19_420_283})
    refused(DoesNotSettle, {one: 100_00}, {"F2008-0001": 99_99})
    refused(NothingToMatch, {}, {"F2008-0001": None, "F2009-0001": None})
    refused(DoesNotSettle, {}, {"F2008-0001": 1, "F2009-0001": None})
    refused(DoesNotSettle, {one: None, two: None}, {})


def test_a_bank_account_is_one_issuers(billed: Life, life_of: LifeOf) -> None:
    load(billed, [assens(100_00)])
    other = life_of("sydfyn", issuer=f'"{SVENDBORG}"')
    error = other.refused(
        payments.AccountOfAnother,
        lambda connection, occasion: payments.load_receipts(
            connection, "x.xml", camt([assens(1_00)]), SVENDBORG, occasion
        ),
        DAY,
    )
    assert ACCOUNT in str(error)
    other.refused(
        payments.IssuerNeeded,
        lambda connection, occasion: payments.match_receipts(connection, None, occasion),
        DAY,
    )
    other.refused(
        payments.NotAnIssuer,
        lambda connection, occasion: payments.match_receipts(connection, NYBORG, occasion),
        DAY,
    )


def test_ages(billed: Life) -> None:
    """Issued on 10 December, January and February: due on 9 January, 9 February and 12 March 2009."""
    ages = {day: report(billed, day, ASSENS).standings[0].ages for day in (date(2009, 2, 10), date(2009, 4, 10))}
    one = 19_420_282
    assert ages[date(2009, 2, 10)] == {
        Age.NOT_DUE: one,
        Age.DAYS_1_30: one,
        Age.DAYS_31_60: one,
        Age.DAYS_61_90: 0,
        Age.OVER_90: 0,
    }
    assert ages[date(2009, 4, 10)] == {
        Age.NOT_DUE: 0,
        Age.DAYS_1_30: one,
        Age.DAYS_31_60: one,
        Age.DAYS_61_90: 0,
        Age.OVER_90: one,
    }
    # A day that has passed is told as it was.
    load(billed, [assens(one, reference=fik("F2008-0001"), day=date(2009, 3, 2))], date(2009, 3, 3))
    match(billed, date(2009, 3, 3))
    assert report(billed, date(2009, 2, 10), ASSENS).standings[0].ages == ages[date(2009, 2, 10)]
    assert report(billed, date(2009, 4, 10), ASSENS).standings[0].ages[Age.OVER_90] == 0


def test_payments_and_open_are_what_was_invoiced(billed: Life) -> None:
    load(
        billed,
        [
            assens(19_420_282, reference=fik("F2008-0001")),
            assens(1_234_56, reference=fik("F2009-0001")),
            Entry(kroner(23_990_195 + 99), name="Faaborg-Midtfyn Kommune", text="F2008-0002"),
        ],
    )
    match(billed)
    documents = [document for document in billed.documents() if not document.internal]
    found = report(billed, date(2030, 1, 1))
    received = sum(receipt.amount_oere for receipt in receipts(billed))
    owing = sum(standing.open_oere for standing in found.standings)
    credit = sum(standing.on_account_oere for standing in found.standings) + found.unknown_oere
    assert received + owing - credit == sum(document.amount_oere for document in documents)


def test_the_same_file_by_two_at_once(billed: Life) -> None:
    content = camt([assens(100 + place, reference=fik("F2008-0001")) for place in range(30)])
    found: list[tuple[int, int]] = []

    def loading() -> None:
        with billed.database.transaction() as connection:
            done = payments.load_receipts(connection, "u.xml", content, ODENSE, billed.occasion(DAY))
        with billed.database.transaction() as connection:
            payments.match_receipts(connection, ODENSE, billed.occasion(DAY))
        found.append((len(done.new), done.known))

    threads = [threading.Thread(target=loading) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [(0, 30), (0, 30), (30, 0)]
    billed.holds()
    assert open_of(billed)["F2008-0001"] == 19_420_282 - sum(range(100, 130))


def test_columns_are_kept(billed: Life) -> None:
    content = "Bogført;Belob;Fra\n14-01-2009;1.234,56;Assens Kommune\n".encode()

    def loading(connection: Connection, occasion: Occasion) -> Load:
        return payments.load_receipts(connection, "liste.csv", content, ODENSE, occasion)

    billed.refused(MellemregningError, loading, DAY)
    billed.do(
        lambda connection, occasion: payments.set_columns(
            connection, ODENSE, {"amount": "Belob", "payer": "Fra", "account": "2000 0123456789"}, occasion
        ),
        DAY,
    )
    done = billed.do(loading, DAY)
    assert [(receipt.amount_oere, receipt.payer, receipt.account) for receipt in done.new] == [
        (123_456, ASSENS, "20000123456789")
    ]


def test_uq_receipt_and_uq_payment_match(billed: Life) -> None:
    load(billed, [assens(19_420_282, reference=fik("F2008-0001"))])
    (made,) = match(billed).made
    undo(billed, made.number)
    columns = (
        "file_id, issuer, account, entry_key, booked_on, value_date, amount_oere, bank_reference, mentions, reversal"
    )
    for statement, name in (
        (f"INSERT INTO receipt ({columns}) SELECT {columns} FROM receipt", "entry_key"),
        (
            (
                "INSERT INTO payment_match (issuer, matched_on, effective_on, how, explanation, actor, undoes) "
                "SELECT issuer, matched_on, effective_on, how, explanation, actor, undoes FROM payment_match "
                "WHERE undoes IS NOT NULL"
            ),
            "undoes",
        ),
        (
            (
                f"INSERT INTO receipt ({columns}) "
                f"SELECT {columns.replace('entry_key', repr('x')).replace('amount_oere', '0')} FROM receipt"
            ),
            "ck_receipt_amount_not_zero",
        ),
    ):
        with pytest.raises(DBAPIError, match=name):
            billed.says(statement)


FAULTS = (
    ("UPDATE receipt SET amount_oere = amount_oere + 1", {"bank_entries_once", "open_items_equal_books"}),
    ("UPDATE receipt SET amount_oere = 1", {"bank_entries_once", "settled_within", "open_items_equal_books"}),
    ("UPDATE payment_match_receipt SET amount_oere = amount_oere - 1", {"settled_within", "open_items_equal_books"}),
    ("UPDATE payment_match_document SET amount_oere = amount_oere - 1", {"settled_within", "open_items_equal_books"}),
    ("DELETE FROM payment_match_document", {"settled_within", "open_items_equal_books"}),
    ("UPDATE posting SET amount_oere = amount_oere - 1 WHERE account = 'bank'", {"vouchers_balance"}),
    ("UPDATE posting SET municipality = '430' WHERE account = 'on_account'", {"open_items_equal_books"}),
)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("fault", "found"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_verify_finds_planted_faults(billed: Life, fault: str, found: set[str]) -> None:
    load(billed, [assens(19_420_282 + 5, reference=fik("F2008-0001"))])
    match(billed)
    names = billed.says("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in names:
        billed.says(f"DROP TRIGGER {name}")
    billed.says(fault)
    assert found <= {check.name for check in billed.checks().values() if not check.ok}


def test_vouchers_of_payments_are_their_own_kind(billed: Life) -> None:
    load(billed, [assens(19_420_282, reference=fik("F2008-0001"))])
    match(billed)
    rows = billed.says(
        "SELECT agreement, reference FROM voucher WHERE kind = :kind ORDER BY id", kind=VoucherKind.PAYMENT.value
    )
    assert [agreement for agreement, _ in rows] == ["", "", FUNEN]


# One document of two agreements.


@pytest.fixture
def combined(life_of: LifeOf) -> Life:
    """January 2009 of two agreements of Odense's, each of the other's amounts, on one document per payer."""
    life, other = life_of(), life_of("fyn-to")
    for each in (life, other):
        each.calculate(2009, date(2008, 6, 1))

    def billing(connection: Connection, occasion: Occasion) -> None:
        plan = runs.plan_run(connection, RunScope(), occasion)
        runs.approve_run(connection, plan.number, occasion)
        runs.issue_run(connection, plan.number, occasion)

    life.do(billing, date(2008, 12, 15))
    return life


def by_agreement(life: Life, account: str) -> dict[str, int]:
    rows = life.says(
        "SELECT agreement, SUM(amount_oere) FROM posting WHERE account = :account AND municipality = '420' "
        "GROUP BY agreement",
        account=account,
    )
    return {str(agreement): int(str(total)) for agreement, total in rows}


def test_a_document_of_two_agreements(combined: Life) -> None:
    """Assens owes twice 194.202,82 on one document; 100,01 kr. is 50,01 and 50,00 (the first takes the odd øre)."""
    assert open_of(combined) == {"F2008-0001": 2 * 19_420_282}
    load(combined, [assens(100_01, reference=fik("F2008-0001"))])
    (made,) = match(combined).made
    assert [(part.agreement, part.amount_oere) for part in made.documents] == [(FUNEN, 50_01), ("fyn-to", 50_00)]
    assert by_agreement(combined, "receivable") == {FUNEN: 19_420_282 - 50_01, "fyn-to": 19_420_282 - 50_00}
    load(combined, [assens(2 * 19_420_282 - 100_01, reference=fik("F2008-0001"))], name="rest.xml")
    last = match(combined).made[0]
    assert open_of(combined) == {}
    assert by_agreement(combined, "receivable") == {FUNEN: 0, "fyn-to": 0}
    undo(combined, last.number)
    assert open_of(combined) == {"F2008-0001": 2 * 19_420_282 - 100_01}


def test_a_line_credited_and_set_off(combined: Life) -> None:
    """A credit of one agreement's line settles just that of the document."""
    note = combined.do(
        lambda connection, occasion: invoices.credit_document(
            connection, "F2008-0001", reason="fejl", occasion=occasion, lines={1: 1_000_00}
        ),
        date(2009, 1, 5),
    )
    (made,) = match(combined, date(2009, 1, 6)).made
    assert {part.number for part in made.documents} == {"F2008-0001", note.number}
    assert open_of(combined) == {"F2008-0001": 2 * 19_420_282 - 1_000_00}
