"""Delivery as an officer types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exports.delivery.conftest import BUYERS
from tests.scenarios.conftest import FILES, FUNEN, ODENSE, Desk


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """January 2009 is issued; its e-invoices lack nothing."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2008-12-15"
    desk.does("month", "issue", FUNEN, "2009-01")
    desk.does(
        *("issuer", "details", ODENSE, "--vat-number", "DK35209115", "--means", "42"),
        *("--registration-number", "0000", "--account-number", "1", "--contact", "Regnskab"),
    )
    desk.does("details", "load", desk.file("modtagere.csv", BUYERS))
    yield desk
    desk.leaves()


def test_from_the_channel_to_the_receipt(desk: Desk) -> None:
    assert "ingen kanaler" in desk.says("delivery", "show").out
    desk.refuses("delivery", "set", ODENSE, "documents", "http", "--url", "http://punkt.test/", words=["https"])
    desk.refuses("delivery", "set", "999", "documents", "folder", "--path", ".")
    desk.refuses("deliver", "--again", "F2008-0001", words=["delivery set"])
    box = desk.folder / "ud"
    (channel,) = desk.does("delivery", "set", ODENSE, "documents", "folder", "--path", box)
    assert channel["settings"] == {"path": str(box)}
    assert "folder" in desk.says("delivery", "show").out
    assert "Intet skulle sendes" in desk.says("deliver", "--once").out
    told = desk.says("deliver", "--since", "2008-12-15")
    assert (told.status, "8 mislykket" in told.out) == (3, True)  # the folder is not there
    box.mkdir()
    assert "mappen findes ikke" in desk.says("delivery", "list", "--state", "failed").out
    first, *others = desk.does("delivery", "list")
    assert (first["id"], first["attempts"], len(others)) == ("document/461/F2008-0001", 1, 7)
    desk.does("delivery", "retry", *[each["id"] for each in (first, *others)])
    assert desk.does("deliver") == {"handed_over": 8}
    assert len(list(box.iterdir())) == 8
    receipts = desk.file("k.csv", "id;tilstand;årsag\ndocument/461/F2008-0001;modtaget;\n")
    assert desk.does("delivery", "receipt", receipts) == {"receipts": 1, "new": 1}
    assert desk.does("delivery", "receipt", receipts) == {"receipts": 1, "new": 0}
    strange = desk.file("s.csv", "id;tilstand\ndocument/461/F2008-0002;modtaget\ndocument/461/F1;modtaget\n")
    desk.refuses("delivery", "receipt", strange, words=["nr. 2", "document/461/F1"])
    (accepted,) = desk.does("delivery", "list", "--state", "accepted")
    assert [each["state"] for each in accepted["history"]][-2:] == ["handed_over", "accepted"]
    desk.refuses("delivery", "retry", "document/461/F1")
    assert desk.says("delivery", "retry").status == 2
    assert desk.does("delivery", "retry", "--dead") == []
    (closed,) = desk.does("delivery", "set", ODENSE, "documents", "folder", "--off")
    assert (closed["active"], closed["settings"]) == (False, {"path": str(box)})
    desk.does("month", "issue", FUNEN, "2009-02")
    assert desk.does("deliver") == {}
    assert desk.does("verify")["ok"]


def test_a_document_that_is_not_fit_is_told_with_its_rule(desk: Desk) -> None:
    desk.does("delivery", "set", ODENSE, "documents", "folder", "--path", desk.folder)
    desk.does("party", "set", FUNEN, "420", "--buyer-reference", "", "--endpoint", "")
    desk.does("issuer", "details", ODENSE, "--unfit", "warned")
    desk.does("month", "issue", FUNEN, "2009-02")
    assert desk.does("deliver", status=3) == {"dead": 1, "handed_over": 7}
    (dead,) = desk.does("delivery", "list", "--state", "dead")
    assert "PEPPOL-EN16931-R003" in dead["history"][-1]["detail"]
