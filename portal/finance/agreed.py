"""Agreements: their terms in words, parties over time, budgets from files, and what each version changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, render_template, request

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, PartialYear, RenewalKind
from agreements.agreement_form import to_values
from agreements.membership import MembershipPeriod, earliest_end
from agreements.run import CostChange
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import PriceEffect
from foundation.errors import Problems
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.finance import pages
from portal.finance.agreed_terms import terms_in_words
from portal.finance.asked import day_of, municipality_of, taken_back, text_of, tried, year_of
from portal.finance.year_end import COST_FILES
from portal.issuer_work import load_own_agreement, load_own_budget, note_leaving, priced_years, years_of
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, today, upload, who_may
from portal.parts import choices, name_of


@pages.get("/aftaler", endpoint="agreements")
@who_may(Deed.READ)
def list_agreements(place: str) -> str:
    """All agreements that the municipality bills for."""
    return _listing(place)


def _listing(place: str, problems: Problems | None = None) -> str:
    found = issuers_agreements(connection(), place)
    members = agreement_store.members_of(connection(), tuple(found)) if found else {}
    year = today().year
    return render_template(
        "finance/agreements.html",
        agreements=found,
        parties={
            code: sum(each.from_year <= year <= (each.to_year or year) for each in periods)
            for code, periods in members.items()
        },
        problems=problems,
        may_load=person().may(Deed.PREPARE, place),
    )


@pages.post("/aftaler")
@who_may(Deed.PREPARE)
def agreement_load(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Register an agreement from its file, or keep a new version of it."""
    name, content = upload("file", ".toml")
    try:
        with tried() as opened:
            load = load_own_agreement(opened, place, name, content, occasion())
    except Problems as problems:
        return _listing(place, problems), 400
    return seen("finance.agreement", place=place, code=load.agreement.code)


@pages.get("/aftaler/<code>")
@who_may(Deed.READ)
def agreement(place: str, code: str) -> str:
    """One agreement."""
    return _page(place, issuers_agreement(connection(), place, code))


def _page(  # noqa: PLR0913 - what a file came to
    place: str,
    found: Agreement,
    *,
    problems: Problems | None = None,
    change: CostChange | None = None,
    effects: list[PriceEffect] | None = None,
    stale: list[int] | None = None,
) -> str:
    lines = agreement_store.budget(connection(), found.code)
    history = agreement_store.agreement_history(connection(), found.code)
    years = sorted({line.key.year for line in lines}, reverse=True)
    members = agreement_store.members_of(connection(), [found.code]).get(found.code, ())
    return render_template(
        "finance/agreement.html",
        agreement=found,
        terms=terms_in_words(found),
        members=members,
        years=years,
        lines={year: [line for line in lines if line.key.year == year] for year in years},
        versions=list(_changes(history))[::-1],
        choices_of_members=choices(
            [(each.municipality, name_of(each.municipality)) for each in members if each.to_year is None], ""
        ),
        year=today().year,
        events=agreement_store.events(connection(), found.code)[::-1],
        parties=choices([(one, name_of(one)) for one in _parties(found, members)], place),
        is_open_ended=found.terms.renewal.kind is RenewalKind.OPEN_ENDED,
        earliest_end=earliest_end(found, today()),
        takes_pieces=found.terms.allocation.partial_year is not PartialYear.NOT_ALLOWED,
        renegotiates=found.terms.renegotiation.duty,
        today=today(),
        problems=problems,
        change=change,
        effects=effects,
        stale=stale,
        may_load=person().may(Deed.PREPARE, place),
    )


def _parties(found: Agreement, members: Sequence[MembershipPeriod]) -> list[str]:
    """Whoever may give notice: providers, and those who take part."""
    year = today().year
    paying = {each.municipality for each in members if each.to_year is None or each.to_year >= year}
    return sorted({*found.providers, *paying})


def _changes(history: list[tuple[int, Any, Agreement]]) -> Iterator[tuple[int, Any, list[tuple[str, str, str]]]]:
    """Each version with what it changed: (where, before, after)."""
    before: dict[str, str] | None = None
    for version, loaded_on, value in history:
        now = dict(_flat("", to_values(value)))
        changed = [
            (key, (before or {}).get(key, ""), now.get(key, ""))
            for key in sorted({*now, *(before or {})})
            if before is not None and before.get(key) != now.get(key)
        ]
        yield version, loaded_on, changed
        before = now


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), each)
    elif isinstance(value, list):
        for number, each in enumerate(value, start=1):
            yield from _flat(f"{path} {number}", each)
    elif value not in {None, ""}:
        yield path, str(value)


@pages.post("/aftaler/<code>/budget")
@who_may(Deed.PREPARE)
def agreement_budget(place: str, code: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Look at what a file of budget lines would change for each, or keep it; all of it or nothing."""
    found = issuers_agreement(connection(), place, code)
    name, content = upload("file", *COST_FILES)
    only_looked_at = request.form.get("what") == "preview"
    try:
        with taken_back() if only_looked_at else tried() as opened:
            change = load_own_budget(opened, code, name, content, occasion())
            effects = subscriptions.effects_of_newest_figures(opened, occasion(), code=code) if only_looked_at else None
    except Problems as problems:
        return _page(place, found, problems=problems), 400
    stale = [] if only_looked_at else priced_years(connection(), code, years_of(change))
    return _page(place, found, change=change, effects=effects, stale=stale)


@pages.post("/aftaler/<code>/opsig")
@who_may(Deed.PREPARE)
def agreement_leave(place: str, code: str) -> Any:  # noqa: ANN401 - flask's
    """Note a written notice."""
    issuers_agreement(connection(), place, code)
    who, year = municipality_of("municipality", _("Kommune")), year_of("year", _("Sidste år"))
    note_leaving(connection(), code, who, year, occasion())
    return seen("finance.agreement", place=place, code=code)


@pages.post("/aftaler/<code>/optag")
@who_may(Deed.PREPARE)
def agreement_join(place: str, code: str) -> Any:  # noqa: ANN401 - flask's
    """Let a municipality take part from a first of January, or from a day within a year where that is agreed."""
    issuers_agreement(connection(), place, code)
    who = municipality_of("municipality", _("Kommune"))
    begins_on = day_of("from", _("Fra dag")) if text_of("from") else None
    year = begins_on.year if begins_on else year_of("year", _("Fra år"))
    agreements.take_in(connection(), code, who, year, occasion(), begins_on=begins_on)
    return seen("finance.agreement", place=place, code=code)


@pages.get("/aftaler/<code>/fil.toml")
@who_may(Deed.READ)
def agreement_file(place: str, code: str) -> Response:
    """The agreement with the budgets that apply, as a file that loads again."""
    issuers_agreement(connection(), place, code)
    content = agreements.export_agreement(connection(), code).encode()
    return download(content, f"{code}.toml", "application/toml")
