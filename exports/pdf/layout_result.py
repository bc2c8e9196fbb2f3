"""Page two of what settles a closed year: how its result came about, and which part of it is on the document; pure.

Source: agreement § 6 stk. 3 and 8; domain rules 9 and 11; docs/decisions/0034-true-up-and-net-assets.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import InvoiceLine, IssuedDocument, LineKind
from billing.year_end_settlement.facts import DividedBy, SettlementPart, YearSettlement
from exports.pdf.layout_document import Row, Section, Table, percent, plain

ResultYear = tuple[str, int]  # agreement, accounting year


def result_years(document: IssuedDocument) -> list[ResultYear]:
    """The closed years that a document settles, in its lines' order; none where it takes another document back."""
    if document.credits is not None:
        return []
    of_results = [line for line in document.lines if line.kind in {LineKind.EXIT, LineKind.TRUE_UP}]
    return list(dict.fromkeys((line.agreement, line.accounting_year) for line in of_results))


def result_sections(
    document: IssuedDocument,
    results: Mapping[ResultYear, YearSettlement],
    names: Mapping[MunicipalityCode, str],
) -> tuple[Section, ...]:
    """One section per closed year that the document settles.

    Args:
        document: As it was issued.
        results: The closed years.
        names: Code -> a municipality's name in tables.
    """
    found = []
    for key in result_years(document):
        settlement = results[key]
        of_year = [line for line in document.lines if (line.agreement, line.accounting_year) == key]
        lines = [line for line in of_year if line.kind in {LineKind.EXIT, LineKind.TRUE_UP}]
        who = document.subscriber.municipality
        part = next((each for each in settlement.parts if each.municipality == who), None)
        tables = [_result_table(settlement, names)]
        if part is not None:
            tables.append(_part_table(settlement, part, lines, document.subscriber.name))
        found.append(Section(f"Sådan er beløbet fremkommet: regnskabet for {settlement.year}", (), tuple(tables)))
    return tuple(found)


def _word(result_oere: int) -> str:
    return "overskud" if result_oere >= 0 else "underskud"


def _result_table(settlement: YearSettlement, names: Mapping[MunicipalityCode, str]) -> Table:
    """What each provider received on account, less what it spent; a deficit is negative."""
    rows = [
        Row(
            (
                names.get(each.municipality, each.municipality),
                f"opkrævet {plain(each.received_oere)} - regnskab {plain(each.cost_oere)}",
            ),
            plain(each.result_oere),
        )
        for each in settlement.providers
    ]
    result = settlement.result_oere
    total = Row((f"Årets {_word(result)}", "negativt, når regnskabet er dyrere"), plain(result), is_total=True)
    return Table(("1. Resultatet", "Beregning", "Kr."), (*rows, total))


def _part_table(settlement: YearSettlement, part: SettlementPart, lines: Sequence[InvoiceLine], who: str) -> Table:
    """The payer's part of it, and what of that is on the document; here what the payer owes is positive."""
    result = settlement.result_oere
    how = f"{plain(abs(result))} × {percent(abs(part.result_oere), abs(result))} %"
    if settlement.divided_by is DividedBy.LINES:
        how = "fordelt nøgle for nøgle på dem, der betaler efter den"
    rows = [Row((f"{who}: andel af {_word(part.result_oere)}", how), plain(-part.result_oere))]
    here = sum(line.amount_oere for line in lines)
    elsewhere = -part.result_oere - here
    if elsewhere:
        rows.append(Row(("Afregnes ikke her", "indregnet i en pris eller på et andet bilag"), plain(-elsewhere)))
    total = Row(("På dette bilag", "negativt er i kommunens favør"), plain(here), is_total=True)
    return Table(("2. Andelen", "Beregning", "Kr."), (*rows, total))
