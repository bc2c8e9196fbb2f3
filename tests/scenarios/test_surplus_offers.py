"""Offers of surplus capacity by the commands, and what the verification finds of offers and sales that were changed."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.scenarios.conftest import FILES, FUNEN, Desk

LANGELAND, VEJLE = "482", "630"
BECAUSE = ("--reason", "Første år; prisen er sat efter budgettet")


def offered(*more: object, buyer: str = VEJLE, last: str = "2010-04-30") -> tuple[object, ...]:
    return ("surplus", "offer", FUNEN, "ambulant", buyer, "--from", "2010-02-01", "--to", last, "--courses", 3, *more)


@pytest.fixture
def fyn(quick: Desk) -> Desk:
    quick.does("agreement", "load", FILES / "fyn.toml")
    quick.as_of = "2010-01-20"
    return quick


def test_offered_by_one_and_sold_by_another(fyn: Desk) -> None:
    offer = offered("--unit-price", "45.000,00")
    fyn.refuses(*offer, words=["intet afsluttet år", "--reason"])
    fyn.refuses(*offered(*BECAUSE), status=2)
    fyn.refuses(*offered("--amount", "1,00", *BECAUSE, last="2010-01-31"), status=2)
    made = fyn.does(*offer, *BECAUSE)
    assert (made["offer"], made["amount_oere"], made["state"], made["number"]) == (1, 13_500_000, "standing", None)
    fyn.does(*offered("--amount", "1000.50", *BECAUSE, last="2010-02-28"))
    fyn.holds()
    fyn.does("issuer", "set", "461", "--four-eyes", "on")
    fyn.refuses("surplus", "offer-sell", 1, words=["to personer"])
    sold = fyn.does("surplus", "offer-sell", 1, "--by", "Anna Approver")
    assert (sold["municipality"], sold["amount_oere"]) == (VEJLE, 13_500_000)
    fyn.refuses("surplus", "offer-sell", 1, "--by", "Anna Approver", words=["Tilbud 1", "solgt"])
    fyn.does("surplus", "offer-withdraw", 2)
    fyn.refuses("surplus", "offer-withdraw", 2, words=["Tilbud 2"])
    fyn.refuses("surplus", "offer-sell", 9, words=["tilbud 9"])
    listed = fyn.does("surplus", "offers", FUNEN)
    assert [(each["offer"], each["state"], each["number"]) for each in listed] == [
        (1, "sold", sold["number"]),
        (2, "withdrawn", None),
    ]
    said = fyn.says("surplus", "offers", FUNEN).out
    assert all(word in said for word in ("Vejle", "135.000,00", "1.000,50", "solgt", "trukket"))
    fyn.holds()


def test_a_year_that_is_not_the_agreements_is_not_sold(fyn: Desk) -> None:
    before = ("--from", "2008-11-01", "--to", "2008-11-30", "--courses", 1, "--amount", "100,00", *BECAUSE)
    fyn.refuses("surplus", "sell", FUNEN, "ambulant", VEJLE, *before, words=["2008", "gælder ikke"])
    fyn.refuses(*offered("--amount", "1,00", *BECAUSE, buyer=LANGELAND), words=["Langeland", "deltager"])


def test_changed_offers_and_sales_are_found(fyn: Desk) -> None:
    for price in ("45.000,00", "46.000,00"):
        last = "2010-04-30" if price.startswith("45") else "2010-03-31"
        fyn.does(*offered("--unit-price", price, *BECAUSE, last=last))
        fyn.does("surplus", "offer-sell", 1 if price.startswith("45") else 2)
    fyn.does(*offered("--amount", "1,00", *BECAUSE, last="2010-02-28"))
    fyn.holds()
    with contextlib.closing(sqlite3.connect(fyn.folder / "books.sqlite")) as connection:
        for table in ("surplus_offer", "surplus_sale", "audit_event"):
            connection.execute(f"DROP TRIGGER append_only_{table}_update")
        connection.execute("UPDATE surplus_offer SET courses = 4, amount_oere = 18000000 WHERE id = 1")
        connection.execute("UPDATE surplus_sale SET reason = '' WHERE unit_oere = 4600000")
        connection.execute("UPDATE audit_event SET subject = 'x' WHERE subject = 'fyn-alkohol tilbud 3'")
        connection.execute("UPDATE surplus_offer SET reason = 'til 010203-0000' WHERE id = 3")
        connection.commit()
    wrong = {check["name"]: check["detail"] for check in fyn.does("verify", status=1)["checks"] if not check["ok"]}
    said = wrong["sales_in_accounts"]
    assert "tilbud 1 om overskudskapacitet er ikke solgt, som det blev lavet" in said
    assert "solgt under abonnenternes pris uden begrundelse" in said
    assert "tilbud 3 om overskudskapacitet: hændelserne fortæller ikke" in said
    assert "010203" not in said
