"""A division as canonical JSON and back: how the database keeps it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from agreements.agreement import AgreedFigure, AllocationKey, CostKind, CostLineKey, KeyChange, KeyTerms
from agreements.population import PopulationFigure
from billing.annual_subscription.facts import Division, Portion, PortionShare
from foundation.period import Period


def division_text(division: Division) -> str:
    """The division as one line of JSON; equal divisions give the same text."""
    value = {
        "days": {code: _days(own) for code, own in division.days.items()},
        "portions": [_portion(portion) for portion in division.portions],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def division_from_text(text: str) -> Division:
    """The division that ``division_text`` was told.

    Raises:
        KeyError, ValueError, TypeError: the text is another's.
    """
    value = json.loads(text)
    return Division(
        {code: _period(own) for code, own in value["days"].items()},
        tuple(_portion_of(portion) for portion in value["portions"]),
    )


def _days(period: Period) -> list[str]:
    return [period.from_day.isoformat(), period.to_day.isoformat()]


def _period(days: list[str]) -> Period:
    return Period(date.fromisoformat(days[0]), date.fromisoformat(days[1]))


def _portion(portion: Portion) -> dict[str, Any]:
    return {
        "name": portion.name,
        "terms": _terms(portion.terms),
        "days": _days(portion.days),
        "lines": [[key.year, key.provider, key.service, key.kind.value, key.line] for key in portion.lines],
        "cost_oere": portion.cost_oere,
        "shares": [[*_figure(share.figure), share.share_oere] for share in portion.shares],
    }


def _portion_of(value: dict[str, Any]) -> Portion:
    return Portion(
        name=value["name"],
        terms=_terms_of(value["terms"]),
        days=_period(value["days"]),
        lines=tuple(
            CostLineKey(year, provider, service, CostKind(kind), line)
            for year, provider, service, kind, line in value["lines"]
        ),
        cost_oere=value["cost_oere"],
        shares=tuple(PortionShare(_figure_of(figure), share) for *figure, share in value["shares"]),
    )


def _figure(figure: PopulationFigure) -> list[Any]:
    return [
        figure.municipality,
        figure.on.isoformat(),
        figure.inhabitants,
        figure.source,
        figure.fetched_on.isoformat(),
    ]


def _figure_of(value: list[Any]) -> PopulationFigure:
    municipality, on, inhabitants, source, fetched_on = value
    return PopulationFigure(municipality, date.fromisoformat(on), inhabitants, source, date.fromisoformat(fetched_on))


def _terms(terms: KeyTerms) -> dict[str, Any]:
    return {
        "key": terms.key.value,
        "figures": [[figure.municipality, figure.units] for figure in terms.figures],
        "counted_on": terms.counted_on and terms.counted_on.isoformat(),
        "counts": terms.counts,
        "payer": terms.payer,
        "age_from": terms.age_from,
        "age_to": terms.age_to,
        "quarter": terms.quarter,
        "years_before": terms.years_before,
        "changes": [
            [change.from_day.isoformat(), [[figure.municipality, figure.units] for figure in change.figures]]
            for change in terms.changes
        ],
    }


def _terms_of(value: dict[str, Any]) -> KeyTerms:
    return KeyTerms(
        key=AllocationKey(value["key"]),
        figures=tuple(AgreedFigure(code, units) for code, units in value["figures"]),
        counted_on=value["counted_on"] and date.fromisoformat(value["counted_on"]),
        counts=value["counts"],
        payer=value["payer"],
        age_from=value["age_from"],
        age_to=value["age_to"],
        quarter=value["quarter"],
        years_before=value["years_before"],
        changes=tuple(
            KeyChange(date.fromisoformat(day), tuple(AgreedFigure(code, units) for code, units in figures))
            for day, figures in value["changes"]
        ),
    )
