"""Enkeltsager and a sale by the commands, once through on both databases, with the books verified at the end.

Figures by hand: 1.337 kr. a day, 1.400 kr. from 20 January; the day of arrival counts and the day of leaving does not.
"""

from __future__ import annotations

from pathlib import Path

from openpyxl import load_workbook

from tests.scenarios.conftest import FILES, Desk

CODE = "horsens-odder-sager"
ODDER, VEJLE = "727", "630"


def issued(desk: Desk, day: str) -> list[int]:
    desk.as_of = day
    plan = desk.does("case", "plan", CODE)["plan"]
    desk.refuses("case", "issue", plan, words=["ikke godkendt"])
    desk.does("case", "plan-approve", plan)
    return [document["amount_oere"] for document in desk.does("case", "issue", plan)["issued"]]


def test_from_asking_to_the_statement_that_is_sent(desk: Desk, tmp_path: Path) -> None:
    desk.as_of = "2009-01-05"
    desk.does("agreement", "load", FILES / "sager.toml")
    stay, external, refused = (
        desk.does("case", "open", CODE, service, ODDER)["case"] for service in ("kraasiglund", "ekstern", "kraasiglund")
    )
    for number in (stay, external):
        desk.does("case", "approve", number, "--by", "Visitator, Odder Kommune")
    no = desk.does("case", "refuse", refused, "--reason", "other_offer", "--by", "Visitator, Odder Kommune")
    assert (no["state"], no["refused_on"], no["refused_because"]) == ("refused", "2009-01-05", "other_offer")
    desk.refuses("case", "approve", refused, words=["afslået"])
    desk.refuses("case", "admit", refused, words=["afslået"])
    desk.refuses("case", "refuse", stay, "--reason", "not_ours", words=["bevilget"])
    desk.as_of = "2009-01-10"
    desk.does("case", "admit", stay)
    desk.does("case", "admit", external)
    desk.does("case", "price", CODE, "kraasiglund", "2009-01-20", "1.400,00")
    invoice = ("--from", "2009-01-10", "--to", "2009-01-31", "--supplier", "11223344", "--reference", "A-17")
    desk.as_of = "2009-02-03"
    desk.does("case", "outlay", external, "--amount", "41.250,50", *invoice)
    # 10 to 19 January at the old price, 20 to 31 at the new, and what the supplier asked.
    assert issued(desk, "2009-02-03") == [10 * 133_700 + 12 * 140_000 + 4_125_050]
    desk.as_of = "2009-02-20"
    desk.does("case", "correct", stay, "--discharged", "2009-01-25")
    # It left on the 25th: seven days at the new price are taken back, in February's bill.
    assert issued(desk, "2009-03-03") == [-7 * 140_000]
    months = (CODE, ODDER, "--from", "2009-01", "--to", "2009-02")
    path = Path(desk.does("case", "statement", *months, "--out", tmp_path)["file"])
    cells = {cell.value for row in load_workbook(path, data_only=True).worksheets[0] for cell in row}
    assert {stay, external, refused, 15, 10 * 133_700 + 5 * 140_000, 4_125_050} <= cells
    desk.refuses("case", "statement-send", *months, words=["ingen kanal til opgørelser"])
    folder = tmp_path / "ud"
    folder.mkdir()
    desk.does("delivery", "set", "615", "statements", "folder", "--path", folder)
    assert desk.does("case", "statement-send", *months) == {"sent": True}
    assert desk.does("case", "statement-send", *months) == {"sent": False}
    assert desk.does("deliver") == {"handed_over": 1}
    assert sorted(path.suffix for path in folder.iterdir()) == [".pdf", ".xlsx"]
    sale = ("surplus", "sell", CODE, "ambulant", VEJLE, "--from", "2009-03-01", "--to", "2009-03-31", "--courses", 2)
    desk.refuses(*sale, "--unit-price", "9.000,00", words=["intet afsluttet år"])
    sold = desk.does(*sale, "--unit-price", "9.000,00", "--reason", "Pladserne står tomme")
    assert sold["amount_oere"] == 1_800_000
    desk.holds()
