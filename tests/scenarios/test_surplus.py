"""Surplus capacity as an officer types it; the comparison itself is shown in tests/billing/runs."""

from __future__ import annotations

from tests.scenarios.conftest import FILES, FUNEN, ODENSE, Desk

VEJLE = "630"
CPR_LIKE = "010203-0000"
PERIOD = ("--from", "2010-02-01", "--to", "2010-04-30")


def test_sold_for_a_reason_listed_and_taken_back(desk: Desk) -> None:
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.as_of = "2010-05-03"
    assert desk.does("surplus", "compare", FUNEN, "ambulant") is None
    assert "intet afsluttet år" in desk.says("surplus", "compare", FUNEN, "ambulant").out
    sale = ("surplus", "sell", FUNEN, "ambulant", VEJLE, *PERIOD, "--courses", 3)
    desk.refuses(*sale, "--unit-price", "45.000,00", words=["intet afsluttet år", "--reason"])
    desk.refuses(*sale, status=2)
    desk.refuses(*sale, "--unit-price", "45.000,00", "--amount", "1,00", status=2)
    desk.refuses(*sale, "--unit-price", "mange", words=["Beløbet kan ikke læses"])
    said = desk.refuses(*sale, "--unit-price", "1,00", "--reason", f"til {CPR_LIKE}", words=["CPR"])
    assert CPR_LIKE not in said.err
    because = ("--reason", "Første år; prisen er sat efter budgettet")
    sold = desk.does(*sale, "--unit-price", "45.000,00", *because)
    assert (sold["municipality"], sold["amount_oere"]) == (VEJLE, 13_500_000)
    desk.refuses(*sale, "--unit-price", "45.000,00", *because, words=["allerede faktureret"])
    desk.holds()
    desk.does("invoice", "credit", sold["number"], "--reason", "aflyst")
    desk.does(*sale, "--amount", "120.000,00", "--provider", ODENSE, *because)
    listed = desk.does("surplus", "list", FUNEN)
    assert [(each["amount_oere"], each["unit_oere"], bool(each["credited_by"])) for each in listed] == [
        (13_500_000, 4_500_000, True),
        (12_000_000, None, False),
    ]
    assert "Vejle" in desk.says("surplus", "list", FUNEN).out
    detail = desk.holds()
    assert "sales_in_accounts" in detail
