"""Sagsopgørelse: the cases that one municipality pays for. Number, service and dates; never who it is."""

from __future__ import annotations

from agreements.agreement import Agreement
from billing.single_case.facts import CaseStatement
from exports.excel.sheet_draft import Column, SheetDraft, kroner_column
from exports.excel.workbook import Style, Workbook

CASES = "Sager"
NOTHING = "Der er ingen sager i perioden."


def how_days_count(agreement: Agreement) -> str:
    """The convention in words.

    Source: docs/decisions/0041-cases.md.
    """
    arrival = "tæller med" if agreement.cases.count_arrival_day else "tæller ikke med"
    leaving = "tæller med" if agreement.cases.count_leaving_day else "tæller ikke med"
    return f"Ankomstdagen {arrival}, afrejsedagen {leaving}."


def case_statement_workbook(statement: CaseStatement, payer_name: str) -> Workbook:
    """Lay out the paying municipality's cases.

    Args:
        statement: Of one municipality; for it alone.
        payer_name: Its name.

    Source: the Horsens-Odder agreement 4.0 and 10.0; docs/decisions/0041-cases.md.
    """
    agreement, period, rows = statement.agreement, statement.period, statement.rows
    days = f"{period.from_day:%d.%m.%Y} - {period.last_day:%d.%m.%Y}"
    draft = SheetDraft(
        CASES,
        f"Sagsopgørelse til {payer_name}, {days}",
        f"{agreement.title} ({agreement.code}). {how_days_count(agreement)} Kun til {payer_name}",
    )
    counted, billed = [row.days for row in rows], [row.billed_oere for row in rows]
    draft.table(
        [
            Column("number", "Sag", Style.TEXT, [row.number for row in rows]),
            Column("service", "Ydelse", Style.TEXT, [row.service_title for row in rows]),
            Column("approved", "Bevilget", Style.DATE, [row.approved_on for row in rows]),
            Column("admitted", "Indskrevet", Style.DATE, [row.admitted_on for row in rows]),
            Column("discharged", "Udskrevet", Style.DATE, [row.discharged_on for row in rows]),
            Column("days", "Døgn i\nperioden", Style.COUNT, counted, None, sum(counted)),
            Column("billed", "Faktureret\n(øre)", Style.OERE, billed, None, sum(billed)),
            kroner_column("kroner", "Faktureret\n(kr.)", "billed", billed),
        ],
        nothing=NOTHING,
    )
    return Workbook(
        title=f"Sagsopgørelse, {payer_name}, {agreement.code}, {days}",
        subject=agreement.title,
        created=period.last_day,
        sheets=(draft.finish(frozen_columns=1),),
    )
