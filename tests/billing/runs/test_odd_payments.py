"""Files of the bank that overlap in odd ways, in the books."""

from __future__ import annotations

from datetime import date

import pytest

from billing.payment import run as payments
from billing.payment.facts import Load
from tests.billing.payment.made import Entry, camt, fik
from tests.billing.runs.conftest import ODENSE, Life
from tests.billing.runs.test_payment import DAY, assens, billed, match, on_account, receipts

__all__ = ["billed"]

POSTGRESQL_IN_SOAK = True


def load(life: Life, name: str, content: bytes, account: str = "") -> Load:
    return life.do(
        lambda connection, occasion: payments.load_receipts(
            connection, name, content, ODENSE, occasion, account=account
        ),
        DAY,
    )


def test_the_same_payment_by_list_and_by_statement_is_told(billed: Life) -> None:
    """The list says registration and account number, the statement the IBAN of the same account."""
    row = "Dato;Beløb;Tekst;Afsender\n14-01-2009;194.202,82;F2008-0001;Assens Kommune\n"
    assert load(billed, "liste.csv", row.encode(), "2000 0123456789").alike == ()
    again = load(billed, "udtog.xml", camt([assens(19_420_282, reference=fik("F2008-0001"))]))
    assert again.alike == tuple(receipt.number for receipt in again.new) != ()


@pytest.mark.parametrize("name", ["Odense Kommune", "ODENSE KOMMUNE", "Odense"])
def test_a_bank_that_names_the_accounts_holder_does_not_name_a_payer(billed: Life, name: str) -> None:
    load(billed, "udtog.xml", camt([Entry("194202.82", name=name, reference=fik("F2008-0001"))]))
    (found,) = receipts(billed)
    assert found.payer is None
    assert len(match(billed).made) == 1
    assert on_account(billed) == on_account(billed, None) == 0


def test_a_later_statement_that_numbers_its_entries_anew_brings_nothing(billed: Life) -> None:
    def statement(first: int, *entries: Entry) -> bytes:
        before, *rest = camt(entries).split(b"<Ntry>")
        numbered = [f"<Ntry><NtryRef>{first + place}</NtryRef>".encode() + each for place, each in enumerate(rest)]
        return before + b"".join(numbered)

    january = [assens(19_420_282, text="F2008-0001"), assens(100, day=date(2009, 1, 15))]
    load(billed, "uge.xml", statement(1, *january))
    month = load(billed, "maaned.xml", statement(1, assens(50, day=date(2009, 1, 2)), *january))
    assert (len(month.new), month.known) == (1, 2)
