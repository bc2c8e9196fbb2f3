"""What banks write that nobody expects: other dashes, days that cannot be, places for references, turned parties."""

from __future__ import annotations

import pytest

from billing.payment.camt import NotAStatement, read_statement
from billing.payment.facts import BankEntry, ColumnMapping
from billing.payment.payment_file import read_bank_file
from billing.payment.rules import entry_keys, same_account
from foundation.errors import Problems
from tests.billing.payment.made import ACCOUNT, Entry, camt


def read(text: str) -> tuple[BankEntry, ...]:
    return read_bank_file("liste.csv", text.encode(), ColumnMapping(), "20000123456789").entries


@pytest.mark.parametrize(
    ("written", "amount_oere"),
    [
        ("1.234,56-", -123_456),
        ("1234,56 -", -123_456),
        ("- 1.234,56", -123_456),
        ("\N{EN DASH}1.234,56", -123_456),
        ("\N{NON-BREAKING HYPHEN}1.234,56", -123_456),
        ("\N{MINUS SIGN}\N{NO-BREAK SPACE}1.234,56", -123_456),
        ("1 234,56", 123_456),
        ("1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567,89", 123_456_789),
        ("+1.234,56", 123_456),
        ("DKK 1.234,56", 123_456),
        ("-1.234,56 DKK", -123_456),
        ("kr. 1.234,5", 123_450),
    ],
)
def test_amounts_as_banks_write_them(written: str, amount_oere: int) -> None:
    (found,) = read(f'Dato;Beløb;Tekst\n15-01-2009;"{written}";F2009-0001\n')
    assert found.amount_oere == amount_oere


@pytest.mark.parametrize(
    "written", ["1 23,45", "12 34 567,00", "1,234.56", "(5,00)", "-5,00-", "+-5,00", "EUR 5,00", "5 kr. 50", "-", "kr."]
)
def test_amounts_that_could_be_something_else(written: str) -> None:
    with pytest.raises(Problems, match="linje 2: beløbet er ikke kroner"):
        read(f'Dato;Beløb;Tekst\n15-01-2009;"{written}";F2009-0001\n')


def test_a_time_of_day_is_left_out() -> None:
    (found,) = read("Dato;Rentedato;Beløb\n15-01-2009 00:00;2009-01-16T12:30:00;5,00\n")
    assert (found.booked_on.isoformat(), found.value_date.isoformat()) == ("2009-01-15", "2009-01-16")


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1899-12-31", "2100-01-01"])
def test_a_day_on_which_nobody_paid_is_refused(day: str) -> None:
    """31 December 9999 as the value date once stopped all interest of the issuer with a traceback."""
    with pytest.raises(Problems, match=r"linje 2: rentedato \d\d\.\d\d\.\d+ er ikke sandsynlig"):
        read(f"Dato;Rentedato;Beløb\n2009-01-15;{day};5,00\n")
    file = camt([Entry("5.00")]).replace(b"<ValDt><Dt>2009-01-14", f"<ValDt><Dt>{day}".encode())
    with pytest.raises(Problems, match=r"post 1: datoen \d\d\.\d\d\.\d+ er ikke sandsynlig \(ValDt\)"):
        read_statement("udtog.xml", file)


@pytest.mark.parametrize("heading", ["Dato;Beløb;beløb ", "Dato;DATO;Beløb"])
def test_two_columns_of_one_name_are_not_guessed(heading: str) -> None:
    with pytest.raises(NotAStatement, match=r"der er to kolonner med samme overskrift til (dato|beløb)"):
        read(f"{heading}\n15-01-2009;16-01-2009;5,00\n")


def with_place(place: str, bank_reference: str = "") -> list[str]:
    file = camt([Entry("5.00", name="Assens Kommune", text="F2009-0001", bank_reference=bank_reference)])
    return entry_keys(
        read_statement("u", file.replace(b"<Ntry>", f"<Ntry><NtryRef>{place}</NtryRef>".encode())).entries
    )


def test_an_entry_in_another_place_of_the_next_statement_is_the_same() -> None:
    """A week's and a month's statement number their entries each from one."""
    assert with_place("3") == with_place("17") == with_place("000017")
    assert with_place("2009011400000017") != with_place("2009011400000018")
    assert with_place("2009011400000017", "B1") == with_place("2009011400000018", "B1")
    assert with_place("1", "B1") != with_place("1", "B2")


def party(role: str, name: str) -> str:
    return f"<{role}><Pty><Nm>{name}</Nm></Pty></{role}>"


@pytest.mark.parametrize(
    ("amount", "parties"),
    [
        ("-100.00", party("Dbtr", "Assens Kommune") + party("Cdtr", "Odense Kommune")),
        ("-100.00", party("Cdtr", "Assens Kommune")),
        ("100.00", party("Cdtr", "Assens Kommune") + party("Dbtr", "Odense Kommune")),
        ("100.00", party("Dbtr", "Assens Kommune")),
    ],
)
def test_a_reversal_is_of_the_one_who_paid(amount: str, parties: str) -> None:
    """A returned payment names debtor and creditor as it did when it went; the creditor there is the issuer itself."""
    file = camt([Entry(amount, reversal=True, extra=f"<RltdPties>{parties}</RltdPties>")], 8)
    assert [each.payer for each in read_statement("u", file).entries] == ["420"]


def test_an_account_is_one_however_it_is_written() -> None:
    assert same_account(ACCOUNT) == same_account("20000123456789") == same_account("2000123456789")
    assert same_account("20001234") == "20000000001234"
    assert same_account("SE4550000000058398257466") == "SE4550000000058398257466"
    assert same_account("123") == "123"
