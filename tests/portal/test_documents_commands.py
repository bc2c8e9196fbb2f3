"""Entering what e-invoices need and writing documents, as an officer types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from pypdf import PdfReader

from tests.exports.e_invoice.official import schema_errors
from tests.scenarios.conftest import FILES, FUNEN, NINE, ODENSE, Desk

RECEIVERS = "".join(f"{FUNEN};{code};cvr;Sundhed\n" for code in NINE if code != ODENSE)


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """January 2009 is issued; nobody has entered anything about e-invoices."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2008-12-15"
    desk.does("month", "issue", FUNEN, "2009-01")
    yield desk
    desk.leaves()


def enter(desk: Desk) -> None:
    desk.does(
        *("issuer", "details", ODENSE, "--vat-number", "DK35209115", "--means", "42"),
        *("--registration-number", "0000", "--account-number", "1", "--contact", "Regnskab"),
    )
    (desk.folder / "modtagere.csv").write_text(f"aftale;kommune;adressering;reference\n{RECEIVERS}", encoding="utf-8")
    desk.does("details", "load", desk.folder / "modtagere.csv")


def test_an_issuer_that_was_not_set_up_issues_and_only_the_export_refuses(desk: Desk) -> None:
    before = desk.everything()
    told = desk.says("invoice", "xml", "F2008-0001", "--out", desk.folder / "ud")
    assert told.status == 1
    assert "F2008-0001 kan ikke sendes som e-faktura" in told.err
    for rule in ("PEPPOL-EN16931-R003", "PEPPOL-EN16931-R010", "DK-R-005", "BR-E-02"):
        assert rule in told.err
    assert not (desk.folder / "ud").exists()
    assert desk.everything() == before


def test_what_is_missing_is_told_before_anything_is_issued(desk: Desk) -> None:
    answer = desk.does("details", "missing", FUNEN)
    assert [each["municipality"] for each in answer["missing"]] == [code for code in NINE if code != ODENSE]
    people = desk.says("details", "missing", FUNEN)
    assert "alle" in people.out
    enter(desk)
    assert desk.does("details", "missing", FUNEN)["missing"] == []
    assert "Intet mangler" in desk.says("details", "missing", FUNEN).out


def test_documents_are_written_where_a_person_finds_them(desk: Desk) -> None:
    enter(desk)
    answer = desk.does("invoice", "xml", "--all", "--out", desk.folder / "ud")
    assert len(answer["files"]) == 8
    assert answer["refused"] == []
    names = sorted(Path(each["file"]).name for each in answer["files"])
    assert names[0] == "F2008-0001 Assens 2009-01 Faktura fra Odense.xml"
    assert sorted(path.name for path in (desk.folder / "ud").iterdir()) == names
    root = etree.parse(str(desk.folder / "ud" / names[0])).getroot()
    assert root.findtext("{*}BuyerReference") == "Sundhed"
    again = desk.does("invoice", "xml", "F2008-0001", "--out", desk.folder / "ud")
    assert len(again["files"]) == 1
    assert "F2008-0001 Assens" in desk.says("invoice", "xml", "F2008-0001", "--out", desk.folder / "ud").out


def test_some_are_written_and_the_others_told(desk: Desk) -> None:
    enter(desk)
    desk.does("party", "set", FUNEN, "420", "--buyer-reference", "", "--endpoint", "")
    desk.does("issuer", "details", ODENSE, "--unfit", "warned")
    desk.does("month", "issue", FUNEN, "2009-02")
    told = desk.says("invoice", "xml", "--all", "--month", "2009-02", "--out", desk.folder / "ud")
    assert told.status == 3
    assert len(list((desk.folder / "ud").iterdir())) == 7
    assert "PEPPOL-EN16931-R003" in told.err


def test_what_cannot_become_an_e_invoice_is_not_issued_and_the_next_run_bills_it(desk: Desk) -> None:
    enter(desk)
    desk.does("party", "set", FUNEN, "420", "--buyer-reference", "", "--endpoint", "")
    told = desk.says("month", "issue", FUNEN, "2009-02")
    assert told.status == 3
    assert "Assens er ikke faktureret: bilaget til Assens Kommune kan ikke blive en gyldig e-faktura" in told.err
    assert "PEPPOL-EN16931-R010" in told.err
    assert "PEPPOL-EN16931-R003" in told.err
    desk.does("party", "set", FUNEN, "420", "--buyer-reference", "Sundhed", "--endpoint", "cvr")
    again = desk.does("month", "issue", FUNEN, "2009-02")
    assert [(each["number"], each["municipality"]) for each in again["issued"]] == [("F2008-0018", "420")]


def test_wrong_usage(desk: Desk) -> None:
    assert desk.says("invoice", "xml").status == 2
    assert desk.says("invoice", "xml", "F2008-0001", "--all").status == 2
    assert desk.says("party", "set", FUNEN, "420").status == 2
    assert desk.says("service", "set", FUNEN, "ambulant").status == 2
    assert desk.says("issuer", "details", ODENSE, "--means", "30").status == 2
    told = desk.says("invoice", "xml", "F1999-0001")
    assert (told.status, "F1999-0001" in told.err) == (1, True)
    (desk.folder / "en fil").write_text("")
    enter(desk)
    told = desk.says("invoice", "xml", "F2008-0001", "--out", desk.folder / "en fil")
    assert (told.status, "kan ikke skrives" in told.err) == (1, True)


def test_an_internal_one_is_told_so(desk: Desk) -> None:
    told = desk.says("invoice", "xml", "F2008-0005")
    assert (told.status, "internt bilag" in told.err) == (1, True)


def test_details_are_shown_and_changes_told(desk: Desk) -> None:
    enter(desk)
    (shown,) = desk.does("issuer", "details", ODENSE)
    assert (shown["key"], shown["vat_number"], shown["means"]) == ([ODENSE], "DK35209115", "42")
    assert "DK35209115" in desk.says("issuer", "details", ODENSE).out
    answer = desk.does("service", "set", FUNEN, "ambulant", "--vat", "VATEX-EU-132-1C", "--own-account", "A-1")
    assert answer["changed"] == [
        {
            "kind": "service",
            "key": [FUNEN, "ambulant"],
            "fields": {
                "vat_code": {"before": "", "after": "VATEX-EU-132-1C"},
                "own_account": {"before": "", "after": "A-1"},
            },
        },
    ]
    assert "A-1" in desk.says("service", "show", FUNEN).out
    assert "Sundhed" in desk.says("party", "show", FUNEN).out
    said = desk.says("party", "set", FUNEN, "420", "--gln", "2000000004204", "--street", "Vej 1").out
    assert "2000000004204" in said
    assert "Intet er ændret" in desk.says("party", "set", FUNEN, "420", "--street", "Vej 1").out
    refused = desk.says("party", "set", FUNEN, "420", "--gln", "2000000004205")
    assert (refused.status, "kontrolciffer" in refused.err) == (1, True)


def test_outside_scope_names_no_vat_number(desk: Desk) -> None:
    enter(desk)
    desk.does("service", "set", FUNEN, "ambulant", "--vat", "VATEX-EU-O", "--vat-reason", "Uden for momsloven")
    answer = desk.does("invoice", "xml", "F2008-0001", "--out", desk.folder)
    content = Path(answer["files"][0]["file"]).read_text(encoding="utf-8")
    assert "VATEX-EU-O" in content
    assert "DK35209115" not in content


def test_a_pdf_is_written_also_where_no_e_invoice_can_be(desk: Desk) -> None:
    answer = desk.does("invoice", "pdf", "F2008-0001", "F2008-0005", "--out", desk.folder / "ud")
    assert [Path(each["file"]).name for each in answer["files"]] == [
        "F2008-0001 Assens 2009-01 Faktura fra Odense.pdf",
        "F2008-0005 Odense 2009-01 Faktura fra Odense.pdf",
    ]
    assert [each["number"] for each in answer["without_e_invoice"]] == ["F2008-0001"]
    told = desk.says("invoice", "pdf", "F2008-0001", "--out", desk.folder / "ud")
    assert (told.status, "filen er uden e-faktura" in told.err) == (0, True)
    enter(desk)
    answer = desk.does("invoice", "pdf", "F2008-0001", "--out", desk.folder / "ud")
    assert answer["without_e_invoice"] == []
    assert b"F2008-0001.xml" in Path(answer["files"][0]["file"]).read_bytes()


def test_a_posting_file_balances_and_has_the_chosen_columns(desk: Desk) -> None:
    refused = desk.says("posting-file", "write", ODENSE, "--month", "2008-12")
    assert (refused.status, f"{FUNEN} ambulant" in refused.err) == (1, True)
    desk.does("service", "set", FUNEN, "ambulant", "--own-account", "A-1", "--counter-account", "B-1")
    answer = desk.does("posting-file", "write", ODENSE, "--month", "2008-12", "--out", desk.folder)
    path = Path(answer["file"])
    assert path.name == "2008-12-01 - 2008-12-31 Posteringer Odense.csv"
    # Eight payers, two providers each, two sides each; the figures are domain rule 2's.
    assert (answer["documents"], answer["postings"]) == (8, 32)
    rows = [row.split(";") for row in path.read_text(encoding="utf-8-sig").splitlines()[1:]]
    amounts = [int(row[3].replace(",", "")) for row in rows]
    assert sum(amounts) == 0
    assert sum(amount for amount in amounts if amount > 0) == answer["debit_oere"] == 205_561_107 - 86_324_066
    desk.does("posting-file", "columns", ODENSE, "Konto=account", "Debet=debit", "Kredit=credit", "Bilag=number")
    desk.does("posting-file", "write", ODENSE, "--from", "2008-12-15", "--to", "15.12.2008", "--out", desk.folder)
    first, second, *_ = (desk.folder / "2008-12-15 Posteringer Odense.csv").read_text("utf-8-sig").splitlines()
    assert first == "Konto;Debet;Kredit;Bilag"
    assert second == "A-1;143679,96;;F2008-0001"
    internal = desk.does("posting-file", "write", ODENSE, "--month", "2008-12", "--internal", "--out", desk.folder)
    assert (internal["documents"], internal["debit_oere"]) == (9, 205_561_107)


def test_posting_file_wrong_usage(desk: Desk) -> None:
    assert desk.says("posting-file", "write", ODENSE).status == 2
    assert desk.says("posting-file", "write", ODENSE, "--month", "2008-12", "--from", "2008-12-01").status == 2
    assert desk.says("posting-file", "write", "999", "--month", "2008-12").status == 1
    assert desk.says("posting-file", "columns", ODENSE, "Konto=konto").status == 1
    shown = desk.does("posting-file", "columns", ODENSE)
    assert [each["field"] for each in shown["columns"]] == ["account", "period", "text", "amount", "number"]
    nothing = desk.does("posting-file", "write", ODENSE, "--month", "2007-12", "--out", desk.folder)
    assert (nothing["documents"], nothing["postings"]) == (0, 0)


def test_one_document_of_two_agreements(desk: Desk) -> None:
    """Another agreement of the same issuer: one e-invoice, each line with its own agreement and kontostreng."""
    text = (FILES / "fyn.toml").read_text(encoding="utf-8").replace(f'"{FUNEN}"', '"fyn-to"')
    (desk.folder / "to.toml").write_text(text, encoding="utf-8")
    desk.does("agreement", "load", desk.folder / "to.toml")
    desk.does("subscription", "calculate", "fyn-to", 2009)
    enter(desk)
    desk.does("issuer", "details", ODENSE, "--unfit", "warned")  # of fyn-to only Assens is entered
    for code, account in ((FUNEN, "00-1"), ("fyn-to", "00-2")):
        desk.does("party", "set", code, "420", "--accounting-cost", account, "--buyer-reference", f"Ref {account}")
    desk.as_of = "2009-01-15"
    plan = desk.does("run", "plan", "--all")["plan"]
    desk.does("run", "approve", plan)
    desk.does("run", "issue", plan)
    documents = desk.does("invoice", "list", "--municipality", "420", "--month", "2009-02")
    (number,) = {each["number"] for each in documents}
    answer = desk.does("invoice", "xml", number, "--out", desk.folder)
    content = Path(answer["files"][0]["file"]).read_bytes()
    assert schema_errors(content) == []
    root = etree.fromstring(content)
    assert root.findtext("{*}BuyerReference") == "Ref 00-1, Ref 00-2"
    assert root.find("{*}AccountingCost") is None
    lines = root.findall("{*}InvoiceLine")
    assert [line.findtext("{*}AccountingCost") for line in lines] == ["00-1", "00-1", "00-2", "00-2"]
    printed = desk.does("invoice", "pdf", number, "--out", desk.folder)
    with PdfReader(printed["files"][0]["file"]) as reader:
        assert len(reader.pages) >= 2
