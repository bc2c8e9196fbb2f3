"""Forbrugsopgørelse as a printed page: what stands where, as plain values that the page's template is filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agreements.agreement import MunicipalityCode
from billing.usage_statement.facts import ALL, UNSTATED, Measure, Release, Residence, Statement
from exports.usage_words import (
    LINES,
    MARK,
    NOBODY,
    SHORT_TITLES,
    UNSTATED_WORDS,
    Kind,
    Line,
    edition_words,
    explanation,
    hidden_words,
    residence_title,
    services_of,
    statement_title,
    whole_service,
)

SHOWN_OVER_TIME = (Measure.STARTED, Measure.COMPLETED, Measure.BROKEN_OFF, Measure.AT_END)
DRAWN = SHOWN_OVER_TIME[:3]
PERMILLE = 1000
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Page:
    """A statement's page.

    Attributes:
        values: What the template is filled with; plain values only.
    """

    title: str
    values: Mapping[str, Any]


def municipality_page(
    statement: Statement, who: MunicipalityCode, names: Mapping[MunicipalityCode, str], official_name: str
) -> Page:
    """Lay out one municipality's statement; the same figures as its workbook, hidden where they are hidden there.

    Source: agreement § 6 stk. 7, § 3 stk. 4; domain rules 16 and 17.
    """
    whose: tuple[Residence, ...] = (who, UNSTATED, ALL)
    title = f"{statement_title(statement)} - {official_name}"
    release = statement.release
    return Page(
        title,
        {
            "title": title,
            "agreement": statement.agreement.title,
            "edition": edition_words(statement),
            "columns": [residence_title(one, names) for one in whose],
            "services": [
                {
                    "name": named,
                    "rows": [
                        {"what": line.title, "cells": [_cell(release, line, service, one) for one in whose]}
                        for line in LINES
                    ],
                }
                for service, named in services_of(statement)
            ],
            "notes": [hidden_words(release.threshold), UNSTATED_WORDS],
            "mark": MARK,
            "development": _development(statement, who),
            "explanation": [{"topic": topic, "text": text} for topic, text in explanation(statement)],
        },
    )


def _development(statement: Statement, who: MunicipalityCode) -> dict[str, Any]:
    service = whole_service(statement)
    drawn = [
        {
            "period": release.period.danish,
            "cells": [_count(release.shown(measure, service, who)) for measure in SHOWN_OVER_TIME],
            "bars": [release.shown(measure, service, who) for measure in DRAWN],
        }
        for release in statement.history
    ]
    return {
        "title": f"Udvikling, {services_of(statement)[-1][1].lower()}",
        "columns": [SHORT_TITLES[measure].replace("\n", " ") for measure in SHOWN_OVER_TIME],
        "series": [SHORT_TITLES[measure] for measure in DRAWN],
        "rows": drawn,
        "most": max((bar for row in drawn for bar in row["bars"] if bar is not None), default=0),
    }


def _cell(release: Release, line: Line, service: str, residence: Residence) -> str:
    shown = [release.shown(measure, service, residence) for measure in line.measures]
    if line.kind is Kind.COUNT:
        return _count(shown[0])
    above, below = shown
    if above is None or below is None:
        return MARK
    if below == 0:
        return NOBODY
    if line.kind is Kind.SHARE:
        return f"{_in_tenths(above * PERMILLE, below)} %"
    return _in_tenths(above * TENTHS, below)


def _count(shown: int | None) -> str:
    return MARK if shown is None else f"{shown:,}".replace(",", ".")


def _in_tenths(tenths: int, of: int) -> str:
    """A quotient with one decimal, half rounded up: the tenths are divided."""
    whole, tenth = divmod((2 * tenths + of) // (2 * of), TENTHS)
    return f"{whole:,}".replace(",", ".") + f",{tenth}"
