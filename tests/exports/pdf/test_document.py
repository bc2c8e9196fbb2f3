"""The printed document: what its two pages say, and what kind of file it is."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from pypdf import PdfReader

from agreements.agreement import AllocationKey, CostLine, CostLineKey, KeyTerms
from agreements.population import PopulationFigure
from billing.accounts.facts import ResultSource
from billing.annual_subscription.facts import (
    AnnualSubscription,
    Correction,
    Division,
    Instalment,
    Portion,
    PortionShare,
    SubscriptionPart,
)
from billing.invoice.facts import ClaimKind, LineKind
from exports.e_invoice.layout import invoice_of
from exports.e_invoice.write import ubl_bytes
from exports.pdf.layout_document import PrintedDocument, printed_document
from exports.pdf.write import Press
from foundation.period import BillingYear, Period
from tests.exports.e_invoice.made import OUTSIDE, book, credit_note, document, line

NAMES = {"420": "Assens", "461": "Odense", "479": "Svendborg"}
TITLES = {"fyn-alkohol": "Aftale om alkoholbehandling", "fyn-social": "Aftale om botilbud"}
COUNTED_ON = date(2008, 1, 1)
# Domain rule 2's worked example: Assens has 42,054 of 445,136; here the others are one.
ASSENS, OTHERS = 42_054, 445_136 - 42_054
OBLIGATION = 233_043_392
EACH, LAST = 19_420_282, 19_420_290


def part(code: str, inhabitants: int, share_oere: int) -> SubscriptionPart:
    months = BillingYear(2009).months
    amounts = [share_oere // 12] * 11 + [share_oere - 11 * (share_oere // 12)]
    return SubscriptionPart(
        municipality=code,
        population=PopulationFigure(code, COUNTED_ON, inhabitants, "Danmarks Statistik", COUNTED_ON),
        weight=inhabitants,
        share_oere=share_oere,
        passed_on={},
        instalments=tuple(Instalment(month, amount, {}) for month, amount in zip(months, amounts, strict=True)),
    )


def price(agreement: str = "fyn-alkohol") -> AnnualSubscription:
    """The worked example of 2009."""
    return AnnualSubscription(
        agreement=agreement,
        year=2009,
        version=1,
        reference_date=COUNTED_ON,
        unit_oere=1,
        correction=Correction.SPREAD,
        cost_lines=(
            CostLine(CostLineKey(2009, "461", "ambulant"), 1_825_000_000, "Eksempelbeløb"),
            CostLine(CostLineKey(2009, "479", "ambulant"), 641_733_333, "Eksempelbeløb"),
        ),
        parts=(part("420", ASSENS, OBLIGATION), part("461", OTHERS, 2_466_733_333 - OBLIGATION)),
        calculated_on=date(2008, 5, 30),
    )


PRICES = {("fyn-alkohol", 2009, 1): price()}


def printed(**changes: object) -> PrintedDocument:
    issued = document(**changes)
    return printed_document(issued, invoice_of(issued, book()), PRICES, NAMES, TITLES, attached=True)


def cells(value: PrintedDocument) -> list[list[tuple[str, ...]]]:
    return [[(*row.texts, row.amount) for row in table.rows] for section in value.sections for table in section.tables]


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


def test_page_one_says_what_is_owed() -> None:
    value = printed()
    assert (value.title, value.subject) == ("Faktura F2008-0001", "A conto januar 2009, Assens Kommune")
    assert value.seller == (
        "Odense Kommune",
        "Vej 1",
        "5000 Odense C",
        "CVR 35209115 · EAN/GLN 2000000004617 · Momsnr. DK35209115",
    )
    assert dict(value.facts) == {
        "Dato": "15.12.2008",
        "Forfalder": "14.01.2009",
        "Periode": "01.01.2009–31.01.2009",
        "Deres reference": "Sundhed",
        "Ordrenummer": "4711",
        "Kontostreng": "00-00-01",
        "Aftale": "fyn-alkohol",
    }
    assert [row.amount for row in value.lines.rows] == ["143.679,96", "50.522,86", "194.202,82"]
    assert dict(value.payment) == {"Betales til": "reg.nr. 0000, konto 0000000001", "Mærkes": "F2008-0001"}
    assert value.remarks == ("Momsfritaget: Momsloven § 13, stk. 1, nr. 1.",)


def test_page_two_goes_from_cost_to_share_to_twelfth() -> None:
    """24,667,333.33 kr. by 42,054 of 445,136: 0.0944744... of it is 2,330,433.92; a twelfth 194,202.82."""
    cost, share, months = cells(printed())
    assert cost == [
        ("Odense, ambulant", "udgift, Eksempelbeløb", "18.250.000,00"),
        ("Svendborg, ambulant", "udgift, Eksempelbeløb", "6.417.333,33"),
        ("Udgift, der fordeles", "", "24.667.333,33"),
    ]
    assert share == [
        ("Andel: Assens Kommune", "42.054 af 445.136 indbyggere 01.01.2008 (Danmarks Statistik)", ""),
        ("Andel i kr.", "24.667.333,33 × 42.054 / 445.136 (9,4474 %)", "2.330.433,92"),
        ("Årets betalingsforpligtelse", "", "2.330.433,92"),
    ]
    assert months[0] == ("januar 2009", "2.330.433,92 / 12, rundet ned til hele øre", "194.202,82")
    assert months[11] == ("december 2009", "tager resten, så året går op", "194.202,90")
    assert months[12] == ("Året i alt", "", "2.330.433,92")
    assert [row[2] for row in months[13:]] == ["143.679,96", "50.522,86", "194.202,82"]
    assert months[-1][0] == "Faktureret for januar 2009"


def test_a_later_price_says_what_was_billed_before_it() -> None:
    first = price()
    billed = tuple(replace(each, invoiced=each.month.number <= 3) for each in first.parts[0].instalments)
    passed_on = {ResultSource(2007, "461"): 1_000_00, ResultSource(2007, "479"): -2_00}
    changed = replace(first, version=2, parts=(replace(first.parts[0], instalments=billed, passed_on=passed_on),))
    issued = document(line(version=2))
    value = printed_document(
        issued, invoice_of(issued, book()), {("fyn-alkohol", 2009, 2): changed}, NAMES, TITLES, attached=False
    )
    _, share, months = cells(value)
    assert share[2:4] == [
        ("Resultat 2007, Odense", "andel af overskud", "-1.000,00"),
        ("Resultat 2007, Svendborg", "andel af underskud", "2,00"),
    ]
    assert share[4] == ("Årets betalingsforpligtelse", "", "2.329.435,92")
    assert months[2][1] == "faktureret før denne beregning"
    assert months[3][1] == "resten af året fordelt på 9 måneder, rundet ned"
    assert months[11][1] == "tager resten, så året går op"


def test_a_price_by_several_keys_tells_each() -> None:
    """900.00 of 1,000.00 by 40/60, and 100.00 that Assens pays alone: 360.00 and 100.00."""
    lines = (
        CostLine(CostLineKey(2009, "461", "ambulant", line="lokaler"), 90_000, "Eksempelbeløb"),
        CostLine(CostLineKey(2009, "461", "ambulant", line="metode"), 10_000, "Eksempelbeløb"),
    )
    percentages = KeyTerms(AllocationKey.FIXED_PERCENTAGES)
    alone = KeyTerms(AllocationKey.ONE_PARTY, payer="420")

    def share(code: str, units: int, oere: int) -> PortionShare:
        return PortionShare(PopulationFigure(code, COUNTED_ON, units, "Aftalens vilkår", COUNTED_ON), oere)

    year = BillingYear(2009).period
    division = Division(
        {"420": year, "461": year},
        (
            Portion(
                "lokaler", percentages, year, (lines[0].key,), 90_000,
                (share("420", 400_000, 36_000), share("461", 600_000, 54_000)),
            ),
            Portion("", alone, year, (lines[1].key,), 10_000, (share("420", 1, 10_000),)),
        ),
    )  # fmt: skip
    keyed = replace(
        price(), cost_lines=lines, parts=(part("420", 46_000, 46_000), part("461", 54_000, 54_000)), division=division
    )
    issued = document()
    value = printed_document(
        issued, invoice_of(issued, book()), {("fyn-alkohol", 2009, 1): keyed}, NAMES, TITLES, attached=False
    )
    _, told, _ = cells(value)
    assert told == [
        ("Nøgle lokaler, 01.01.2009-31.12.2009", "faste procenter: 40 % (Aftalens vilkår)", ""),
        ("Andel i kr.", "900,00 × 40,0000 %", "360,00"),
        ("Nøgle hovednøgle, 01.01.2009-31.12.2009", "én part betaler det hele: det hele (Aftalens vilkår)", ""),
        ("Andel i kr.", "100,00 × 100,0000 %", "100,00"),
        ("Årets betalingsforpligtelse", "", "460,00"),
    ]


def test_a_provisional_month_rests_on_last_years_price() -> None:
    """Bills of January 2010 without a price of 2010."""
    january = Period(date(2010, 1, 1), date(2010, 2, 1))
    issued = document(
        line(EACH, period=january, accounting_year=2010), period=january, provisional=True, note="Foreløbigt"
    )
    value = printed_document(issued, invoice_of(issued, book()), PRICES, NAMES, TITLES, attached=True)
    (section,) = value.sections
    assert section.heading == "Sådan er beløbet fremkommet: 2009"
    assert section.paragraphs[1].startswith("Prisen for 2010 forelå ikke")
    assert cells(value)[2] == [
        ("Foreløbig rate", "2.330.433,92 / 12, rundet ned", ""),
        ("Heraf i januar 2010", issued.lines[0].text, "194.202,82"),
        ("Faktureret for januar 2010", "", "194.202,82"),
    ]


def test_a_credit_note_shows_what_it_takes_back() -> None:
    issued = credit_note()
    value = printed_document(issued, invoice_of(issued, book()), PRICES, NAMES, TITLES, attached=True)
    assert value.title == "Kreditnota F2009-0017"
    assert [row.amount for row in value.lines.rows] == ["143.679,96", "50.522,86", "194.202,82"]
    assert value.lines.rows[-1].texts == ("Til udbetaling",)
    assert dict(value.payment) == {"Udbetaling": "Beløbet udbetales eller modregnes senest 04.03.2009."}
    assert value.remarks[0] == "Forkert beløb."
    assert cells(value)[2][-1] == ("Krediteret for januar 2009", "", "194.202,82")


def test_a_document_of_several_agreements_explains_each() -> None:
    lines = (line(), line(EACH, agreement="fyn-social", service="bo"))
    issued = document(*lines, agreement="")
    prices = PRICES | {("fyn-social", 2009, 1): price("fyn-social")}
    value = printed_document(issued, invoice_of(issued, book()), prices, NAMES, TITLES, attached=True)
    assert [section.paragraphs[0].partition(".")[0] for section in value.sections] == list(TITLES.values())
    assert [row.texts[0].partition(":")[0] for row in value.lines.rows] == ["fyn-alkohol", "fyn-social", "At betale"]


def test_an_exit_is_told_by_year() -> None:
    issued = document(
        line(-1_128_080, kind=LineKind.EXIT, service="", version=None, accounting_year=2009),
        line(1_839_228, kind=LineKind.EXIT, service="", version=None, accounting_year=2010),
        kind=ClaimKind.EXIT_SETTLEMENT,
    )
    value = printed_document(issued, invoice_of(issued, book()), {}, NAMES, TITLES, attached=True)
    assert [(row[0], row[2]) for row in cells(value)[0]] == [
        ("2009", "-11.280,80"),
        ("2010", "18.392,28"),
        ("I alt", "7.111,48"),
    ]


def test_each_way_to_pay_and_outside_scope() -> None:
    from agreements.trading import PaymentDetails
    from tests.exports.e_invoice.made import ISSUER

    ways = {
        "93": PaymentDetails("93", fik_card="71", creditor_number="12345678"),
        "58": PaymentDetails("58", iban="DK5000400440116243", bic="DABADKKK"),
        "97": PaymentDetails("97"),
    }
    issued = document()
    told = {}
    for means, details in ways.items():
        made = invoice_of(issued, book(issuer=replace(ISSUER, payment=details)))
        told[means] = printed_document(issued, made, {}, NAMES, TITLES, attached=True).payment
    # 000000200800019: the digits of 2008-0001 and their check digit by modulus 10.
    assert told["93"] == (("Indbetalingskort", "+71<000000200800019+12345678<"),)
    assert told["58"] == (("IBAN", "DK5000400440116243"), ("BIC", "DABADKKK"), ("Mærkes", "F2008-0001"))
    assert told["97"] == (("Betales til", "udstederens NemKonto"), ("Mærkes", "F2008-0001"))
    outside = printed_document(issued, invoice_of(issued, book(services=OUTSIDE)), {}, NAMES, TITLES, attached=True)
    assert outside.remarks == ("Uden for momslovens område: Uden for momsloven.",)
    assert "Momsnr." not in outside.seller[-1]


@pytest.fixture(scope="module")
def file(press: Press) -> bytes:
    issued = document()
    return press.pdf(printed(), issued.issue_date, ubl_bytes(invoice_of(issued, book())))


@pytest.fixture(scope="module")
def reader(file: bytes) -> Iterator[PdfReader]:
    with PdfReader(io.BytesIO(file)) as opened:
        yield opened


def test_the_file_is_pdf_a_3b_and_tagged_for_accessibility(reader: PdfReader) -> None:
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert re.search(r"<pdfaid:part>3</pdfaid:part>", metadata)
    assert re.search(r"<pdfaid:conformance>B</pdfaid:conformance>", metadata)
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>", metadata)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # type: ignore[index]  # noqa: E712 - pypdf's own boolean
    assert str(root["/Lang"]).lower().startswith("da")  # type: ignore[index]
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Faktura F2008-0001", "Odense Kommune")


def test_the_e_invoice_is_within_as_it_was_written(reader: PdfReader) -> None:
    (within,) = reader.attachment_list
    assert within.name == "F2008-0001.xml"
    assert within.content == ubl_bytes(invoice_of(document(), book()))
    (specification,) = reader.trailer["/Root"]["/AF"]  # type: ignore[index]
    assert specification.get_object()["/AFRelationship"] == "/Alternative"


def test_people_read_the_amounts_and_only_the_shipped_font_is_used(reader: PdfReader) -> None:
    first, second = (page.extract_text() for page in reader.pages)
    assert "194.202,82" in first
    assert "At betale" in first
    assert "42.054" in second
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert {font.partition("+")[2] for font in fonts} == {"SourceSansPro-Regular", "SourceSansPro-Semibold"}


def test_the_same_bytes_each_time(file: bytes) -> None:
    issued = document()
    again = Press().pdf(printed(), issued.issue_date, ubl_bytes(invoice_of(issued, book())))
    assert again == file


def test_without_an_e_invoice_nothing_is_within(press: Press) -> None:
    with PdfReader(io.BytesIO(press.pdf(printed(), date(2008, 12, 15)))) as opened:
        assert list(opened.attachment_list) == []


def test_words_are_never_taken_for_markup(press: Press) -> None:
    words = '#panic("x") *fed* $x$ \\ "citat" <mærke> @nogen [klamme] = overskrift // nej'
    value = printed(note=words)
    with PdfReader(io.BytesIO(press.pdf(value, date(2008, 12, 15)))) as opened:
        text = " ".join(opened.pages[0].extract_text().split())
    assert '#panic("x") *fed* $x$ \\ "citat" <mærke> @nogen [klamme] = overskrift // nej.' in text


def test_many_costs_are_shortened_and_still_sum() -> None:
    many = tuple(CostLine(CostLineKey(2009, "461", "ambulant", line=str(place)), 100) for place in range(60))
    issued = document()
    value = printed_document(
        issued,
        invoice_of(issued, book()),
        {("fyn-alkohol", 2009, 1): replace(price(), cost_lines=many)},
        NAMES,
        TITLES,
        attached=True,
    )
    cost = cells(value)[0]
    assert len(cost) == 42
    assert cost[-2] == ("20 linjer mere", "", "20,00")
    assert cost[-1] == ("Udgift, der fordeles", "", "60,00")


def test_the_fonts_are_the_ones_that_were_taken() -> None:
    folder = resources.files("exports.pdf").joinpath("fonts")
    told = dict(reversed(each.split("  ")) for each in re.findall(r"(?m)^[0-9a-f]{64}  .+$", readme(folder)))
    shipped = {Path(str(each)).name: each.read_bytes() for each in folder.iterdir() if str(each).endswith(".ttf")}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in shipped.items()} == told
    assert "SIL OPEN FONT LICENSE Version 1.1" in folder.joinpath("LICENSE.txt").read_text(encoding="utf-8")


def readme(folder: object) -> str:
    return (Path(str(folder)) / "README.md").read_text(encoding="utf-8")
