"""``mellemregning payment`` and ``mellemregning interest``, as an officer types them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from tests.billing.payment.made import Entry, camt, fik, kroner
from tests.exports.e_invoice.official import rule_findings, schema_errors
from tests.scenarios.conftest import FILES, FUNEN, NINE, ODENSE, Desk

ASSENS = "420"
# domain.md: January 2009.
JANUARY = dict(
    zip(
        NINE,
        (19_420_282, 23_990_195, 10_912_191, 14_595_921, 86_324_066, 27_264_314, 13_609_067, 6_345_510, 3_099_561),
        strict=True,
    ),
)


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """January 2009 is billed on 15 December 2008, due on 14 January 2009."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2008-12-15"
    desk.does("month", "issue", FUNEN, "2009-01")
    desk.as_of = "2009-01-20"
    yield desk
    desk.leaves()


def statement(desk: Desk, *entries: Entry, name: str = "udtog.xml") -> Path:
    return desk.file(name, camt(entries))


def numbers(desk: Desk) -> dict[str, str]:
    """Municipality -> its document."""
    return {str(each["municipality"]): str(each["number"]) for each in desk.does("invoice", "list")}


def open_of(desk: Desk) -> dict[str, int]:
    answer = desk.does("payment", "open")
    return {str(each["municipality"]): int(each["open_oere"]) for each in answer["municipalities"]}


def test_from_the_file_to_nothing_open(desk: Desk) -> None:
    assert open_of(desk) == {code: amount for code, amount in JANUARY.items() if code != ODENSE}
    file = statement(
        desk,
        Entry(kroner(JANUARY[ASSENS]), name="Assens Kommune", reference=fik("F2008-0001")),
        Entry(kroner(1_00), name="Firma ApS"),
        Entry(kroner(JANUARY["430"]), name="Faaborg-Midtfyn Kommune"),
        Entry(kroner(JANUARY["440"])),
    )
    loaded = desk.does("payment", "load", file)
    assert (len(loaded["new"]), loaded["known"], loaded["format"]) == (4, 0, "camt.053")
    again = desk.does("payment", "load", file, "--issuer", ODENSE)
    assert (again["new"], again["known"]) == ([], 4)
    before = desk.everything()
    preview = desk.does("payment", "match", "--preview")
    assert desk.everything() == before
    done = desk.does("payment", "match")
    assert [len(done[key]) for key in ("automatic", "suggested", "left")] == [2, 1, 1]
    assert [len(preview[key]) for key in ("automatic", "suggested", "left")] == [2, 1, 1]
    (suggestion,) = done["suggested"][0]["suggestions"]
    assert suggestion["documents"] == [{"number": "F2008-0003", "amount_oere": JANUARY["440"]}]
    assert suggestion["why"]
    receipt = done["suggested"][0]["receipt"]
    made = desk.does(
        "payment", "match", "--receipt", receipt, "--document", "F2008-0003=100.000,00", "--note", "ringet"
    )
    assert made["documents"] == [{"number": "F2008-0003", "agreement": FUNEN, "amount_oere": 10_000_000}]
    assert {ASSENS, "430"}.isdisjoint(open_of(desk))
    assert open_of(desk)["440"] == JANUARY["440"] - 10_000_000
    desk.refuses("payment", "undo", made["match"], words=["--reason"])
    undone = desk.does("payment", "undo", made["match"], "--reason", "forkert kommune")
    assert undone["undoes"] == made["match"]
    assert open_of(desk)["440"] == JANUARY["440"]
    left = desk.does("payment", "list", "--left")
    assert [each["left_oere"] for each in left] == [100, JANUARY["440"]]
    assert len(desk.does("payment", "list", "--matches")) == 4
    desk.holds()


def test_ages_and_words_for_people(desk: Desk) -> None:
    desk.as_of = "2009-03-01"
    answer = desk.does("payment", "open", "--municipality", ASSENS)
    (assens,) = answer["municipalities"]
    assert assens["ages"] == {
        "not_due_oere": 0,
        "days_1_30_oere": 0,
        "days_31_60_oere": JANUARY[ASSENS],  # 14 January to 1 March: 46 days
        "days_61_90_oere": 0,
        "over_90_oere": 0,
    }
    assert assens["documents"][0]["due_date"] == "2009-01-14"
    for command, said in (
        (("payment", "open"), "Åbne poster hos Odense pr. 01.03.2009"),
        (("payment", "open", "--municipality", ASSENS), "194.202,82"),
        (("payment", "list"), "I alt"),
        (("payment", "list", "--matches"), "Udligning"),
        (("payment", "match"), "0 udlignet, 0 med forslag, 0 uden."),
        (("payment", "columns", ODENSE), ""),
        (("interest", "show"), "194.202,82"),
        (("interest", "show", "F2008-0001"), "Rente til og med 01.03.2009"),
        (("interest", "list"), "Plan"),
        (("interest", "rate", "list"), "3,75 %"),
    ):
        told = desk.says(*command)
        assert (told.status, told.err) == (0, ""), told
        assert said in told.out, told.out
        assert "_oere" not in told.out


def test_interest_from_show_to_invoice(desk: Desk) -> None:
    """Assens' half on 1 July 2009, the rest on 15 March 2010: 15.374,08 by hand (tests/billing/payment)."""
    others = [
        Entry(kroner(amount), name="", reference=fik(number))
        for code, number in numbers(desk).items()
        for amount in [JANUARY[code]]
        if code not in {ASSENS, ODENSE}
    ]
    desk.does("payment", "load", statement(desk, *others))
    desk.does("payment", "match")
    for day in (date(2009, 7, 1), date(2010, 3, 15)):
        desk.as_of = day.isoformat()
        entry = Entry("97101.41", day, name="Assens Kommune", reference=fik("F2008-0001"))
        desk.does("payment", "load", statement(desk, entry, name=f"{day}.xml"))
        desk.does("payment", "match")
    one = desk.does("interest", "show", "F2008-0001")
    assert one["amount_oere"] == 1_537_408
    assert [(part["days"], part["rate"], part["base_oere"]) for part in one["segments"]] == [
        (167, "10.75", 19_420_282),
        (1, "8.55", 19_420_282),
        (183, "8.55", 9_710_141),
        (74, "8.20", 9_710_141),
    ]
    assert desk.does("interest", "show")["total_oere"] == 1_537_408
    plan = desk.does("interest", "plan", "--issuer", ODENSE)
    assert (plan["total_oere"], plan["state"]) == (1_537_408, "planned")
    desk.refuses("interest", "issue", plan["plan"], words=["interest approve"])
    desk.does("interest", "approve", plan["plan"], "--by", "en anden", "--note", "set")
    issued = desk.does("interest", "issue", plan["plan"])
    assert [(each["municipality"], each["amount_oere"]) for each in issued["issued"]] == [(ASSENS, 1_537_408)]
    desk.refuses("interest", "plan", words=["ingen rente"])
    assert open_of(desk) == {ASSENS: 1_537_408}
    number = issued["issued"][0]["number"]
    shown = desk.does("invoice", "show", number)
    assert shown["kind"] == "interest"
    assert {line["kind"] for line in shown["lines"]} == {"interest"}
    desk.holds()
    assert desk.does("export", "specification", FUNEN, ASSENS, "--year", 2009, "--out", desk.folder)["files"]


def test_an_interest_invoice_as_e_invoice_and_pdf(desk: Desk) -> None:
    """Outside the scope of VAT, without VAT numbers; who has no GLN is left out, and the next plan has its days."""
    desk.does(
        *("issuer", "details", ODENSE, "--vat-number", "DK35209115", "--means", "93", "--fik-card", "71"),
        *("--creditor-number", "00000000", "--contact", "Regnskab"),
    )
    for code in NINE:
        if code not in {ODENSE, ASSENS}:
            desk.does("party", "set", FUNEN, code, "--endpoint", "cvr", "--buyer-reference", "Sundhed")
    planned = desk.says("interest", "plan", "--json")
    assert "Mangler til e-fakturaen til Assens: PEPPOL-EN16931-R010" in planned.err
    plan = desk.does("interest", "list")[0]["plan"]
    desk.does("interest", "approve", plan)
    issued = desk.does("interest", "issue", plan, status=3)
    assert [each["municipality"] for each in issued["failed"]] == [ASSENS]
    assert "PEPPOL-EN16931-R003" in issued["failed"][0]["message"]
    assert len(issued["issued"]) == 7
    desk.does("party", "set", FUNEN, ASSENS, "--endpoint", "cvr", "--buyer-reference", "Sundhed")
    plan = desk.does("interest", "plan")["plan"]
    desk.does("interest", "approve", plan)
    (late,) = desk.does("interest", "issue", plan)["issued"]
    # 15 to 20 January: 194,202.82 x 0.1075 x 6 / 365 = 343.1803...
    assert (late["municipality"], late["amount_oere"]) == (ASSENS, 34_318)
    numbers = [late["number"], *(each["number"] for each in issued["issued"])]
    note = desk.does("invoice", "credit", late["number"], "--reason", "Prøve")["number"]
    files = desk.does("invoice", "xml", *numbers, note, "--out", desk.folder / "ud")["files"]
    paths = [Path(each["file"]) for each in files]
    assert [errors for path in paths for errors in schema_errors(path.read_bytes())] == []
    assert [found for findings in rule_findings(paths).values() for found in findings] == []
    roots = [etree.parse(str(path)).getroot() for path in paths]
    assert {root.findtext(".//{*}TaxSubtotal//{*}ID") for root in roots} == {"O"}
    assert [root.findall(".//{*}PartyTaxScheme") for root in roots] == [[]] * 9
    assert [etree.QName(root).localname for root in roots].count("CreditNote") == 1
    assert roots[0].findtext("{*}LegalMonetaryTotal/{*}PayableAmount") == "343.18"
    (printed,) = desk.does("invoice", "pdf", late["number"], "--out", desk.folder)["files"]
    assert Path(printed["file"]).read_bytes().startswith(b"%PDF-")
    desk.holds()


def test_rates(desk: Desk) -> None:
    desk.as_of = "2026-01-02"
    desk.refuses("interest", "show", words=["01.01.2026", "interest rate set"])
    desk.refuses("interest", "rate", "set", "2026-01-01", "1.60", words=["--source"])
    desk.refuses("interest", "rate", "set", "2026-02-01", "1.60", "--source", "x", words=["1. januar og 1. juli"])
    desk.refuses("interest", "rate", "set", "2026-01-01", "160", "--source", "x", words=["160"])
    assert desk.says("interest", "rate", "set", "2026-01-01", "meget", "--source", "x").status == 2
    entered = desk.does("interest", "rate", "set", "2026-01-01", "1,60", "--source", "Nationalbanken")
    assert entered == {"effective_from": "2026-01-01", "rate": "1.60", "source": "Nationalbanken"}
    assert desk.does("interest", "rate", "list")[-1] == entered
    assert desk.does("interest", "show")["total_oere"] > 0
    desk.refuses("interest", "plan", "--to", "2026-01-03", words=["efter forretningsdatoen"])


def test_what_is_refused_changes_nothing(desk: Desk) -> None:
    desk.refuses("payment", "load", desk.file("x.xml", "<a/>"), words=["camt.053"])
    desk.refuses("payment", "load", desk.file("x.csv", "a;b\n1;2\n"), words=["payment columns"])
    desk.refuses("payment", "load", desk.folder / "mangler.xml", words=["findes ikke"])
    desk.refuses("payment", "load", desk.file("y.xml", camt([Entry("1.00")])), "--issuer", ASSENS, words=["Assens"])
    desk.refuses("payment", "match", "--issuer", "999", words=["999"])
    desk.refuses("payment", "match", "--receipt", 1, "--document", "F2008-0001", words=["ingen indbetaling 1"])
    desk.refuses("payment", "undo", 1, "--reason", "x", words=["ingen udligning 1"])
    desk.refuses("interest", "approve", 1, words=["ingen renteplan 1"])
    desk.refuses("interest", "show", "F2008-0099", words=["F2008-0099"])
    for wrong in (
        ("payment", "match", "--receipt", "x"),
        ("payment", "match", "--receipt", "1=meget"),
        ("payment", "match", "--receipt", "1", "--receipt", "1"),
        ("payment", "match", "--document", "F2008-0001", "--preview"),
    ):
        assert desk.says(*wrong).status == 2


def test_a_list_of_the_bank_with_columns_of_its_own(desk: Desk) -> None:
    file = desk.file("liste.csv", "Når;Kr;Fra\n14.01.2009;194.202,82;Assens Kommune\n")
    desk.refuses("payment", "load", file, words=["dato, beløb"])
    desk.does("payment", "columns", ODENSE, "--date", "Når", "--amount", "Kr", "--payer", "Fra")
    desk.refuses("payment", "load", file, words=["--account"])
    loaded = desk.does("payment", "load", file, "--account", "2000 0123456789")
    assert [(each["amount_oere"], each["municipality"]) for each in loaded["new"]] == [(19_420_282, ASSENS)]
    assert len(desk.does("payment", "match")["automatic"]) == 1
    assert desk.does("payment", "columns", ODENSE)["amount"] == "Kr"
