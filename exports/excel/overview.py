"""The first sheet of every workbook: what it is, the steps in words, and whether the sums agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from exports.excel.sheet_draft import SheetDraft
from exports.excel.workbook import DEVIATION, OK, Chart, Series, Sheet, Style, Value
from foundation.money import OERE_PER_KRONE

NAME = "Overblik"
FEW_CATEGORIES = 30
WIDEST = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know about the whole, with its label."""

    label: str
    value: Value
    style: Style = Style.TEXT


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain, or one key figure.

    Attributes:
        oere: The cell with its amount in øre, and what it comes to; None where a step has no amount.
        clause: Where the agreement says so.
        sheet: The sheet that shows it.
    """

    label: str
    oere: tuple[str, int] | None
    clause: str
    words: str
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A difference that must be zero.

    Attributes:
        formula: From its equals sign; comes to øre or units.
        value: What it comes to.
    """

    label: str
    formula: str
    value: int
    words: str


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """A chart before its place on the sheet is known."""

    title: str
    alt_text: str
    series: tuple[Series, ...]
    categories: int


def overview(  # noqa: PLR0913 - the parts of the sheet, from above
    title: str,
    subtitle: str,
    *,
    facts: Sequence[Fact],
    steps: Sequence[Step],
    controls: Sequence[Control],
    chart: ChartPlan | None = None,
) -> Sheet:
    """Lay out the first sheet. Its four columns are label, figure, clause or verdict, and words."""
    draft = SheetDraft(NAME, title, subtitle)
    row = 3
    for fact in facts:
        draft.put(row, 0, fact.label)
        draft.put(row, 1, fact.value, fact.style, spills=isinstance(fact.value, str))
        row += 1
    verdict_row = row
    draft.put(row, 0, "Kontrol i alt")
    row = _headings(draft, row + 2, ("Trin", "Beløb (kr.)", "Hjemmel", "Forklaring"))
    for step in steps:
        draft.put(row, 0, step.label, Style.LINK if step.sheet else Style.TEXT, link=step.sheet)
        if step.oere is not None:
            cell, amount = step.oere
            draft.put(row, 1, Fraction(amount, OERE_PER_KRONE), Style.KRONER, f"={cell}/{OERE_PER_KRONE}")
        draft.put(row, 2, step.clause)
        draft.put(row, 3, step.words)
        row += 1
    row = _headings(draft, row + 1, ("Kontrol", "Afvigelse (øre)", "Resultat", "Forklaring"))
    first = row
    for control in controls:
        draft.put(row, 0, control.label)
        draft.put(row, 1, control.value, Style.OERE, control.formula)
        draft.put(row, 2, _verdict(control.value), Style.STATUS, f'=IF(B{row + 1}=0,"{OK}","{DEVIATION}")')
        draft.put(row, 3, control.words)
        row += 1
    draft.put(
        verdict_row,
        1,
        _verdict(*(control.value for control in controls)),
        Style.STATUS,
        f'=IF(SUMPRODUCT(ABS(B{first + 1}:B{row}))=0,"{OK}","{DEVIATION}")',
    )
    breaks: list[int] = []
    if chart is not None:
        row += 1
        breaks.append(row)
        draft.chart(_placed(chart, row + 1))
    return draft.finish(row_breaks=breaks, widest=WIDEST)


def _headings(draft: SheetDraft, row: int, headings: Sequence[str]) -> int:
    for column, heading in enumerate(headings):
        draft.put(row, column, heading, Style.HEADING_RIGHT if column == 1 else Style.HEADING)
    return row + 1


def _verdict(*differences: int) -> str:
    return DEVIATION if any(differences) else OK


def _placed(chart: ChartPlan, row: int) -> Chart:
    return Chart(
        title=chart.title,
        alt_text=chart.alt_text,
        series=chart.series,
        categories=chart.categories,
        at=(row, 0),
        width=1000,
        height=360 if chart.categories <= FEW_CATEGORIES else 460,
    )
