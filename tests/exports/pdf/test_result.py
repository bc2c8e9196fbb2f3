"""Page two of a true-up and of a leaver's settlement: the year's result, and the payer's part of it."""

from __future__ import annotations

from datetime import date

from agreements.agreement import ResultKey
from billing.invoice.facts import ClaimKind, DocumentType, LineKind
from billing.year_end_settlement.facts import DividedBy, ProviderResult, SettlementPart, YearSettlement
from exports.e_invoice.layout import invoice_of
from exports.pdf.layout_document import Section, printed_document
from exports.pdf.layout_result import result_sections, result_years
from tests.exports.e_invoice.made import book, document, line

CODE = "fyn-alkohol"
NAMES = {"461": "Odense", "479": "Svendborg"}


def settled(year: int, result_oere: int, part_oere: int, divided_by: DividedBy = DividedBy.TOTAL) -> YearSettlement:
    """1,000,000.00 and 200,000.00 billed; Svendborg spent 10,000.00 more, Odense the rest of the result."""
    odense = 100_000_000 - result_oere - 1_000_000
    return YearSettlement(
        agreement=CODE,
        year=year,
        application_year=year + 2,
        result_key=ResultKey.ACCOUNTING_YEAR,
        accounts=(),
        parts=(SettlementPart("420", part_oere, part_oere, 0, {"461": (part_oere, 0)}),),
        providers=(ProviderResult("461", 100_000_000, odense), ProviderResult("479", 20_000_000, 21_000_000)),
        closed_on=date(year + 1, 4, 1),
        divided_by=divided_by,
    )


def told(sections: tuple[Section, ...]) -> list[list[tuple[str, ...]]]:
    return [[(*row.texts, row.amount) for row in table.rows] for section in sections for table in section.tables]


def test_a_true_up_is_the_payers_part_of_the_result() -> None:
    """60,000.07 too little was billed, a fifth of it is 12,000.01 (made up, as docs/house.md has it)."""
    issued = document(
        line(1_000_001, kind=LineKind.TRUE_UP, service="", version=None, accounting_year=2016),
        line(200_000, kind=LineKind.TRUE_UP, service="", version=None, accounting_year=2016, provider="479"),
        kind=ClaimKind.TRUE_UP,
    )
    assert result_years(issued) == [(CODE, 2016)]
    found = result_sections(issued, {(CODE, 2016): settled(2016, -6_000_007, -1_200_001)}, NAMES)
    assert [section.heading for section in found] == ["Sådan er beløbet fremkommet: regnskabet for 2016"]
    assert told(found) == [
        [
            ("Odense", "opkrævet 1.000.000,00 - regnskab 1.050.000,07", "-50.000,07"),
            ("Svendborg", "opkrævet 200.000,00 - regnskab 210.000,00", "-10.000,00"),
            ("Årets underskud", "negativt, når regnskabet er dyrere", "-60.000,07"),
        ],
        [
            ("Assens Kommune: andel af underskud", "60.000,07 × 20,0000 %", "12.000,01"),
            ("På dette bilag", "negativt er i kommunens favør", "12.000,01"),
        ],
    ]


def test_what_a_price_took_of_it_is_told() -> None:
    """Of a surplus of 5.00 the leaver has 3.00 left; a later year was divided key by key."""
    issued = document(
        line(-300, kind=LineKind.EXIT, service="", version=None, accounting_year=2009),
        line(700, kind=LineKind.EXIT, service="", version=None, accounting_year=2010),
        line(-5, kind=LineKind.NET_ASSETS, service="", version=None, accounting_year=2010),
        kind=ClaimKind.EXIT_SETTLEMENT,
    )
    years = {(CODE, 2009): settled(2009, 5_000, 500), (CODE, 2010): settled(2010, -7_000, -700, DividedBy.LINES)}
    _, of_2009, _, of_2010 = told(result_sections(issued, years, NAMES))
    assert of_2009 == [
        ("Assens Kommune: andel af overskud", "50,00 × 10,0000 %", "-5,00"),
        ("Afregnes ikke her", "indregnet i en pris eller på et andet bilag", "2,00"),
        ("På dette bilag", "negativt er i kommunens favør", "-3,00"),
    ]
    assert of_2010 == [
        ("Assens Kommune: andel af underskud", "fordelt nøgle for nøgle på dem, der betaler efter den", "7,00"),
        ("På dette bilag", "negativt er i kommunens favør", "7,00"),
    ]


def test_a_credit_of_it_explains_nothing_anew() -> None:
    issued = document(line(-700, kind=LineKind.TRUE_UP, version=None), kind=ClaimKind.TRUE_UP, credits="F2017-0001")
    assert result_years(issued) == []
    assert result_years(document()) == []


def test_a_leavers_page_two_sums_to_its_document_and_says_which_way() -> None:
    """A share of the net assets was once left out of page two, and a payout had its signs explained wrongly."""
    issued = document(
        line(150_000, kind=LineKind.EXIT, service="", version=None, accounting_year=2010),
        line(-15_000_000, kind=LineKind.NET_ASSETS, service="", version=None, accounting_year=2010),
        kind=ClaimKind.EXIT_SETTLEMENT,
        document_type=DocumentType.CREDIT_NOTE,
    )
    value = printed_document(issued, invoice_of(issued, book()), {}, NAMES, {}, attached=False)
    assert [row[-1] for row in told(value.sections)[0]] == ["-1.500,00", "150.000,00", "148.500,00"]
    assert value.sections[0].paragraphs[0].endswith("et negativt beløb skylder kommunen.")
