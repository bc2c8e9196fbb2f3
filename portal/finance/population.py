"""Inhabitants: what is known, a file to look at and keep, and fetching them from the StatBank beside the pages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.municipality import MUNICIPALITIES
from agreements.population import PopulationChange
from billing.annual_subscription.facts import PriceEffect
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import Problems
from portal.access.scope import Deed, issuers_agreements
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import day_of, taken_back, text_of, tried
from portal.issuer_work import load_own_population, require_issuer
from portal.language import _
from portal.pages import connection, occasion, person, today, upload, who_may

POPULATION_FILES = (".csv", ".txt", ".xlsx", ".json")


@pages.get("/folketal", endpoint="population")
@who_may(Deed.READ)
def population_page(place: str) -> str:
    """The figures of one day, and forms for more."""
    return _page(place)


def _page(
    place: str,
    *,
    problems: Problems | None = None,
    change: PopulationChange | None = None,
    effects: list[PriceEffect] | None = None,
) -> str:
    on = day_of("on", _("Dag")) if text_of("on") and request.method == "GET" else date(today().year - 1, 1, 1)
    ages = text_of("ages", 10)
    found = (
        agreement_store.age_bands(connection(), _band(ages), on)
        if ages
        else agreement_store.population(connection(), on)
    )
    return render_template(
        "finance/population.html",
        on=on,
        ages=ages,
        figures=[(revision, figure) for revision, figure in found.values()],
        missing=len(set(MUNICIPALITIES) - {who for who, _on in found}),
        problems=problems,
        change=change,
        effects=effects,
        may_load=person().may(Deed.PREPARE, place) and bool(issuers_agreements(connection(), place)),
        endings=",".join(POPULATION_FILES),
    )


@pages.post("/folketal")
@who_may(Deed.PREPARE)
def population_load(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Look at what a file would change in prices, or keep it; a revised figure stands beside the old one.

    With a band of ages, what is kept is the sum of those, from a file that has every age.
    """
    require_issuer(connection(), place)
    name, content = upload("file", *POPULATION_FILES)
    only_looked_at = request.form.get("what") == "preview"
    ages = text_of("ages", 10)
    try:
        with taken_back() if only_looked_at else tried() as opened:
            change, effects = load_own_population(
                opened, place, name, content, occasion(), ages=ages, preview=only_looked_at
            )
    except Problems as problems:
        return _page(place, problems=problems), 400
    return _page(place, change=change, effects=effects)


@pages.post("/folketal/hent")
@who_may(Deed.PREPARE)
def population_fetch(place: str) -> WebResponse:
    """Fetch a day's figures from the StatBank, beside the pages: it may take a while, or not answer."""
    require_issuer(connection(), place)
    on, ages = day_of("on", _("Dag")), text_of("ages", 10)
    return work.begin(
        place,
        _("Henter folketal fra Statistikbanken"),
        url_for("finance.population", place=place, on=on.isoformat(), ages=ages or None),
        Fetching(on, occasion(), _band(ages) if ages else None),
    )


def _band(text: str) -> tuple[int, int]:
    """The youngest and the oldest age, ``0-17``.

    Raises:
        NotAnAgeBand.
    """
    from agreements.age_band import AgeBand  # noqa: PLC0415 - pandas costs a second at every start

    band = AgeBand.parse(text)
    return band.youngest, band.oldest


@dataclass(frozen=True, slots=True)
class Fetching:
    """The fetching of one day's figures.

    Attributes:
        band: The youngest and the oldest age, or None for everybody.
    """

    on: date
    occasion: Occasion
    band: tuple[int, int] | None = None

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Ask first, and only then open a transaction, so that nobody waits for Statistics Denmark."""
        from agreements.age_band import AgeBand  # noqa: PLC0415 - pandas costs a second at every start
        from agreements.statbank import StatBankClient  # noqa: PLC0415 - only here, and it brings the network with it

        told(0, 2, _("spørger Statistikbanken"))
        ages = AgeBand(*self.band) if self.band else None
        reading = StatBankClient().population([self.on], None, fetched_on=clock.today(), ages=ages)
        told(1, 2, _("gemmer tallene"))
        digest = hashlib.sha256(json.dumps([str(figure) for figure in reading.figures]).encode()).hexdigest()
        with database.transaction() as own:
            name = "Statistikbanken FOLK1A"
            if self.band is None:
                change = agreements.keep_population(own, name, digest, reading, self.occasion)
            else:
                change = agreements.keep_age_band(own, name, digest, self.band, reading, self.occasion)
        return Outcome(
            _("{added} nye tal, {changed} reviderede, {unchanged} uændrede.").format(
                added=len(change.added), changed=len(change.changed), unchanged=len(change.unchanged)
            )
        )
