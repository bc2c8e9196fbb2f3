"""A payer's statement of cases as a page; the same figures as its workbook, and nothing of who it is."""

from __future__ import annotations

from datetime import date

from billing.single_case.facts import CaseStatement
from exports.excel.layout_cases import NOTHING, how_days_count
from exports.pdf.layout_usage import Page
from foundation.money import kroner


def case_statement_page(statement: CaseStatement, payer_name: str) -> Page:
    """Lay out the paying municipality's cases.

    Args:
        statement: Of one municipality; for it alone.
        payer_name: Its name.

    Source: the Horsens-Odder agreement 4.0 and 10.0; docs/decisions/0041-cases.md.
    """
    agreement, period = statement.agreement, statement.period
    title = f"Sagsopgørelse til {payer_name}, {_day(period.from_day)}-{_day(period.last_day)}"
    return Page(
        title,
        {
            "title": title,
            "agreement": f"{agreement.title} ({agreement.code})",
            "heads": ["Sag", "Ydelse", "Bevilget", "Indskrevet", "Udskrevet", "Døgn", "Faktureret"],
            "rows": [
                [
                    row.number,
                    row.service_title,
                    _day(row.approved_on),
                    _day(row.admitted_on),
                    _day(row.discharged_on),
                    str(row.days),
                    kroner(row.billed_oere),
                ]
                for row in statement.rows
            ],
            "total": [
                "I alt",
                *[""] * 4,
                str(sum(row.days for row in statement.rows)),
                kroner(sum(row.billed_oere for row in statement.rows)),
            ],
            "nothing": NOTHING,
            "note": f"{how_days_count(agreement)} Kun til {payer_name}.",
        },
    )


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""
