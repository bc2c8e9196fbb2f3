"""Inhabitants, as a program reads them and, for a municipality that bills by them, keeps a file of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from agreements import store as agreement_store
from agreements.population import PopulationFigure
from billing.annual_subscription.facts import PriceEffect
from portal.access.keys import Caller
from portal.api.bodies import FILE_NAME, PREVIEW, XLSX, day_asked, is_preview, kept_unless, sent_file
from portal.api.described import (
    DAY,
    FLAG,
    MUNICIPALITY,
    OERE,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    named,
    several,
    whole,
)
from portal.api.doors import Json, Made, Parameter, occasion, operation, path_place
from portal.issuer_work import load_own_population
from portal.pages import connection, today

ON = Parameter("on", "The day that was counted; the first of January a year ago, if none is named.", DAY, "2008-01-01")
FILES = ("text/csv", "text/plain", "application/json", XLSX)

_FIGURE = {
    "municipality": MUNICIPALITY,
    "on": DAY,
    "inhabitants": WHOLE,
    "source": TEXT,
    "fetched_on": DAY,
    "revision": WHOLE,
}
_FIGURE_EXAMPLE: dict[str, Any] = {
    "municipality": "420",
    "on": "2008-01-01",
    "inhabitants": 42054,
    "source": "Danmarks Statistik, FOLK1A",
    "fetched_on": "2008-05-20",
    "revision": 1,
}
EFFECT = whole(
    agreement=TEXT,
    year=WHOLE,
    version=WHOLE,
    total_before_oere=OERE,
    total_after_oere=OERE,
    lines=several(
        whole(
            municipality=MUNICIPALITY,
            population_before=maybe(WHOLE),
            population_after=maybe(WHOLE),
            obligation_before_oere=OERE,
            obligation_after_oere=OERE,
        )
    ),
)
EFFECT_EXAMPLE: dict[str, Any] = {
    "agreement": "fyn-alkohol",
    "year": 2009,
    "version": 1,
    "total_before_oere": 2466733333,
    "total_after_oere": 2466733333,
    "lines": [
        {
            "municipality": "420",
            "population_before": 42054,
            "population_after": 42060,
            "obligation_before_oere": 233043392,
            "obligation_after_oere": 233073501,
        }
    ],
}
describe("PopulationFigure", whole(**_FIGURE), _FIGURE_EXAMPLE)
describe_page("PopulationPage", "PopulationFigure")
describe("PriceEffect", EFFECT, EFFECT_EXAMPLE)
describe(
    "PopulationLoad",
    whole(
        preview=FLAG,
        added=WHOLE,
        changed=several(whole(municipality=MUNICIPALITY, on=DAY, before=WHOLE, after=WHOLE)),
        unchanged=WHOLE,
        left_out=several(whole(what=TEXT, why=TEXT, rows=WHOLE)),
        effects=several(named("PriceEffect")),
    ),
    {
        "preview": True,
        "added": 0,
        "changed": [{"municipality": "420", "on": "2008-01-01", "before": 42054, "after": 42060}],
        "unchanged": 97,
        "left_out": [{"what": "Hele landet", "why": "er ikke en kommune", "rows": 1}],
        "effects": [EFFECT_EXAMPLE],
    },
)


def said_figure(revision: int, value: PopulationFigure) -> Json:
    """A figure with how often it was revised."""
    return {
        "municipality": value.municipality,
        "on": value.on.isoformat(),
        "inhabitants": value.inhabitants,
        "source": value.source,
        "fetched_on": value.fetched_on.isoformat(),
        "revision": revision,
    }


def said_effect(value: PriceEffect) -> Json:
    """What newer figures would change in a price."""
    return {
        "agreement": value.agreement,
        "year": value.year,
        "version": value.version,
        "total_before_oere": value.total_before_oere,
        "total_after_oere": value.total_after_oere,
        "lines": [
            {
                "municipality": line.municipality,
                "population_before": line.population_before,
                "population_after": line.population_after,
                "obligation_before_oere": line.obligation_before_oere,
                "obligation_after_oere": line.obligation_after_oere,
            }
            for line in value.lines
        ],
    }


@operation("GET", "/population", scope="population:read", tag="Population", answer="PopulationPage", query=(ON,))
def list_population(caller: Caller) -> Json:  # noqa: ARG001 - Statistics Denmark tells everybody
    """List the inhabitants of all municipalities on a day.

    The newest revision of each figure.
    """
    on = day_asked("on") or date(today().year - 1, 1, 1)
    found = agreement_store.population(connection(), on)
    return {"items": [said_figure(revision, figure) for revision, figure in found.values()], "next": None}


@operation("GET", "/population/<municipality>", scope="population:read", tag="Population", answer="PopulationPage")
def list_revisions(caller: Caller, municipality: str) -> Json:  # noqa: ARG001 - as above
    """List every revision of every figure of one municipality, oldest first."""
    found = agreement_store.population_history(connection(), path_place(municipality))
    return {"items": [said_figure(revision, figure) for revision, figure in found], "next": None}


@operation(
    "POST",
    "/population",
    scope="population:load",
    tag="Population",
    answer="PopulationLoad",
    query=(FILE_NAME, PREVIEW),
    conflicts=True,
    files=FILES,
)
def load_population(caller: Caller) -> Made:
    """Keep a file of inhabitants from Statistics Denmark.

    A revised figure stands beside the old one. With `preview` nothing is kept, and `effects` says what the figures
    would change in the municipality's prices; otherwise it is empty.
    """
    name, content = sent_file("folketal", *FILES)
    preview = is_preview()
    with kept_unless(preview) as opened:
        change, effects = load_own_population(opened, caller.place, name, content, occasion(), preview=preview)
    return Made(
        {
            "preview": preview,
            "added": len(change.added),
            "changed": [
                {
                    "municipality": new.municipality,
                    "on": new.on.isoformat(),
                    "before": old.inhabitants,
                    "after": new.inhabitants,
                }
                for old, new in change.changed
            ],
            "unchanged": len(change.unchanged),
            "left_out": [{"what": each.what, "why": each.why, "rows": each.rows} for each in change.left_out],
            "effects": [said_effect(each) for each in effects or ()],
        }
    )
