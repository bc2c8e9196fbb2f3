"""A quarter's follow-up as a workbook and as a page; the same figures in both."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exports.excel.sheet_draft import Column, SheetDraft, kroner_column
from exports.excel.workbook import Sheet, Style, Value, Workbook
from exports.follow_up.facts import NO_RELEASE, FollowUp, used
from exports.pdf.layout_usage import Page
from exports.usage_words import LINES, MARK, NOBODY, Kind, Line, hidden_words
from foundation.money import kroner

MONEY = "Økonomi"
USE = "Forbrug og ventetid"
HUNDRED, TENTHS = 100, 10
OF_KIND = {Kind.COUNT: Style.COUNT, Kind.SHARE: Style.SHARE, Kind.AVERAGE: Style.AVERAGE}


def follow_up_workbook(found: FollowUp) -> Workbook:
    """Lay the quarter out as a workbook.

    Source: the Horsens-Odder agreement 10.0; domain rules 16 and 17.
    """
    return Workbook(
        title=found.title,
        subject=found.agreement.title,
        created=found.quarter.last.period.last_day,
        sheets=(_money(found), _use(found)),
    )


def _money(found: FollowUp) -> Sheet:
    whole = "" if found.cost_oere is None else f" Aftalens udgift i året: {kroner(found.cost_oere)}"
    draft = SheetDraft(MONEY, found.title, f"{found.agreement.title} ({found.agreement.code}).{whole}")
    billed = [line.billed_oere for line in found.money]
    left = [None if line.budget_oere is None else line.budget_oere - line.billed_oere for line in found.money]
    draft.table(
        [
            Column("what", "Opgjort", Style.TEXT, [line.title for line in found.money]),
            Column("budget", "Budget\n(øre)", Style.OERE, [line.budget_oere for line in found.money]),
            Column("billed", "Faktureret\n(øre)", Style.OERE, billed),
            kroner_column("kroner", "Faktureret\n(kr.)", "billed", billed),
            Column(
                "left",
                "Budget minus\nfaktureret (øre)",
                Style.OERE,
                left,
                [None if value is None else "={budget}-{billed}" for value in left],
            ),
        ],
        total=None,
    )
    return draft.finish(frozen_columns=1)


def _use(found: FollowUp) -> Sheet:
    threshold = found.agreement.terms.usage.small_count_threshold
    draft = SheetDraft(USE, f"{USE}, {found.payer_name}", hidden_words(threshold))
    rows = [(service, line) for service in found.services for line in LINES] if found.releases else []
    columns = [
        Column("service", "Ydelse", Style.TEXT, [title for (_, title), _ in rows]),
        Column("what", "Opgjort", Style.TEXT, [line.title for _, line in rows]),
    ]
    for number, release in enumerate(found.releases, start=1):
        cells = [_cell(found, number - 1, code, line) for (code, _), line in rows]
        heading = f"{release.period.danish}\n(udg. {release.edition})"
        values, styles = [value for value, _ in cells], [style for _, style in cells]
        columns.append(Column(f"period_{number}", heading, Style.COUNT, values, styles=styles))
    draft.table(columns, nothing=NO_RELEASE, total=None)
    return draft.finish(frozen_columns=2)


def _cell(found: FollowUp, place: int, service: str, line: Line) -> tuple[Value, Style]:
    value = used(found.releases[place], line, service, found.payer)
    if value is None:
        return MARK, Style.HIDDEN
    if isinstance(value, str):
        return NOBODY, Style.TEXT
    return value, OF_KIND[line.kind]


def follow_up_page(found: FollowUp) -> Page:
    """Lay the quarter out as a page.

    Source: as ``follow_up_workbook``.
    """
    values: dict[str, Any] = {
        "title": found.title,
        "agreement": f"{found.agreement.title} ({found.agreement.code})",
        "cost": "" if found.cost_oere is None else f"Aftalens udgift i året: {kroner(found.cost_oere)}",
        "money": [
            [
                line.title,
                "" if line.budget_oere is None else kroner(line.budget_oere),
                kroner(line.billed_oere),
                "" if line.budget_oere is None else kroner(line.budget_oere - line.billed_oere),
            ]
            for line in found.money
        ],
        "periods": [f"{release.period.danish} (udg. {release.edition})" for release in found.releases],
        "services": [
            {
                "name": title,
                "rows": [
                    [line.title, *(_words(found, place, code, line) for place in range(len(found.releases)))]
                    for line in LINES
                ],
            }
            for code, title in found.services
        ]
        if found.releases
        else [],
        "nothing": NO_RELEASE,
        "mark": MARK,
        "note": hidden_words(found.agreement.terms.usage.small_count_threshold),
    }
    return Page(found.title, values)


def _words(found: FollowUp, place: int, service: str, line: Line) -> str:
    value, _ = _cell(found, place, service, line)
    if line.kind is Kind.COUNT or not isinstance(value, int | Fraction):
        return f"{value:,}".replace(",", ".") if isinstance(value, int) else str(value)
    tenths = value * (HUNDRED * TENTHS if line.kind is Kind.SHARE else TENTHS)
    whole, tenth = divmod((2 * tenths.numerator + tenths.denominator) // (2 * tenths.denominator), TENTHS)
    return f"{whole:,}".replace(",", ".") + f",{tenth}" + (" %" if line.kind is Kind.SHARE else "")
