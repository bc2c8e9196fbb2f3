"""Amounts of cases as people type them, and a supplier's invoice that is entered twice with other days."""

from __future__ import annotations

import pytest

from foundation.money import NotAnAmount, oere_as_typed
from tests.scenarios.conftest import FILES, Desk

CODE = "horsens-odder-sager"


@pytest.mark.parametrize(
    ("text", "oere"),
    [
        ("1.337,00", 133_700),
        ("1337.00", 133_700),
        ("1337,5", 133_750),
        ("1337.5", 133_750),
        ("1.337", 133_700),
        ("1.33", 133),
        ("-12.50", -1_250),
    ],
)
def test_an_amount_is_read_in_either_notation(text: str, oere: int) -> None:
    assert oere_as_typed(text) == oere


@pytest.mark.parametrize("text", ["", "1,337.00", "12.3456", "1 337", "kr."])
def test_what_is_no_amount_in_either_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        oere_as_typed(text)


def test_a_suppliers_invoice_is_not_entered_again_with_other_days(quick: Desk) -> None:
    quick.as_of = "2009-03-02"
    quick.does("agreement", "load", FILES / "sager.toml")
    prices = quick.does("case", "price", CODE, "kraasiglund", "2009-04-01", "1400.50")
    assert [each["amount_oere"] for each in prices] == [133_700, 140_050]
    quick.refuses("case", "price", CODE, "kraasiglund", "1900-01-01", "5,00", words=["01.01.1900", "2007-2090"])
    number = quick.does("case", "open", CODE, "ekstern", "727")["case"]
    quick.does("case", "approve", number)
    quick.does("case", "admit", number)

    def outlay(first: str, last: str, amount: str, reference: str = "F-1") -> list[str]:
        days = ["--from", f"2009-03-{first}", "--to", f"2009-03-{last}"]
        return ["case", "outlay", number, "--amount", amount, *days, "--supplier", "12345678", "--reference", reference]

    assert quick.does(*outlay("02", "15", "10000.50"))["amount_oere"] == 1_000_050
    quick.refuses(*outlay("03", "31", "10.000,50"), words=["F-1", "allerede", "nogle af dem"])
    quick.refuses(*outlay("15", "15", "10,00"), words=["allerede"])
    quick.refuses(*outlay("16", "16", "0,00"), words=["kreditnota"])
    assert quick.does(*outlay("16", "31", "8.000,25"))["amount_oere"] == 800_025
    assert quick.does(*outlay("03", "31", "-25.25", "K-1"))["amount_oere"] == -2_525
