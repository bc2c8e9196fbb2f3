"""Agreements, budgets and final accounts from files, and who takes part, as an issuer's program keeps them."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import CostKind, CostLine
from agreements.run import CostChange
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import PriceEffect
from billing.year_end_settlement import store as settlement_store
from portal.access.keys import Caller
from portal.access.scope import issuers_agreement
from portal.api.agreed import YEAR, said_agreement
from portal.api.bodies import (
    FILE_NAME,
    PREVIEW,
    XLSX,
    is_preview,
    kept_unless,
    needed_place,
    needed_year,
    sent,
    sent_file,
)
from portal.api.described import (
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
    some,
    whole,
    words,
)
from portal.api.doors import AGREEMENT, Json, Made, file_response, occasion, operation, path_text, year_asked
from portal.api.population import said_effect
from portal.api.problems import PREFIX
from portal.api.schemas import AGREEMENT_EXAMPLE
from portal.issuer_work import (
    load_own_accounts,
    load_own_agreement,
    load_own_budget,
    note_leaving,
    priced_years,
    years_of,
)
from portal.pages import connection

COST_FILES = ("application/toml", XLSX)

_LINE = {
    "year": WHOLE,
    "provider": MUNICIPALITY,
    "service": TEXT,
    "kind": words(CostKind),
    "line": TEXT,
    "amount_oere": OERE,
    "net_oere": {"type": "integer", "description": "Øre; what it adds to the cost that is split."},
    "note": TEXT,
}
_LINE_EXAMPLE = {
    "year": 2010,
    "provider": "461",
    "service": "ambulant",
    "kind": "cost",
    "line": "",
    "amount_oere": 1855000000,
    "net_oere": 1855000000,
    "note": "",
}
describe("CostLine", whole(**_LINE), _LINE_EXAMPLE)
describe_page("CostLinePage", "CostLine")
describe(
    "CostLoad",
    whole(
        preview=FLAG,
        added=several(named("CostLine")),
        changed=several(whole(**_LINE, before_oere=OERE)),
        unchanged=WHOLE,
        effects=several(named("PriceEffect")),
        stale_years=several(WHOLE),
    ),
    {
        "preview": False,
        "added": [_LINE_EXAMPLE],
        "changed": [{**_LINE_EXAMPLE, "before_oere": 1850000000}],
        "unchanged": 0,
        "effects": [],
        "stale_years": [2010],
    },
)
describe(
    "AgreementLoad",
    whole(preview=FLAG, version=WHOLE, is_new=FLAG, terms_changed=FLAG, agreement=named("Agreement")),
    {"preview": False, "version": 1, "is_new": True, "terms_changed": True, "agreement": AGREEMENT_EXAMPLE},
)
describe(
    "Joining",
    {**some(municipality=MUNICIPALITY, from_year=WHOLE), "required": ["municipality", "from_year"]},
    {"municipality": "482", "from_year": 2013},
)
describe(
    "Leaving",
    {**some(municipality=MUNICIPALITY, last_year=WHOLE), "required": ["municipality", "last_year"]},
    {"municipality": "482", "last_year": 2012},
)
describe(
    "Membership",
    whole(municipality=MUNICIPALITY, from_year=WHOLE, to_year=maybe(WHOLE)),
    {"municipality": "482", "from_year": 2009, "to_year": 2012},
)


def own_code(caller: Caller, code: str) -> str:
    """The code of an agreement that the municipality bills for.

    Raises:
        NotHere, AgreementUnknown.
    """
    return issuers_agreement(connection(), caller.place, path_text(code, AGREEMENT)).code


def said_line(value: CostLine) -> Json:
    """A line of a budget or of accounts."""
    return {
        "year": value.key.year,
        "provider": value.key.provider,
        "service": value.key.service,
        "kind": value.key.kind.value,
        "line": value.key.line,
        "amount_oere": value.amount_oere,
        "net_oere": value.net_oere,
        "note": value.note,
    }


def said_change(
    change: CostChange, *, preview: bool, effects: Collection[PriceEffect] = (), stale: Collection[int] = ()
) -> Json:
    """What a file did to lines."""
    return {
        "preview": preview,
        "added": [said_line(line) for line in change.added],
        "changed": [{**said_line(new), "before_oere": old.amount_oere} for old, new in change.changed],
        "unchanged": len(change.unchanged),
        "effects": [said_effect(each) for each in effects],
        "stale_years": list(stale),
    }


@operation(
    "POST",
    "/agreements",
    scope="agreements:load",
    tag="Agreements",
    answer="AgreementLoad",
    query=(FILE_NAME, PREVIEW),
    conflicts=True,
    files=("application/toml",),
)
def load_agreement(caller: Caller) -> Made:
    """Register an agreement from its file, or keep a new version of it.

    One that the municipality itself bills for.
    """
    name, content = sent_file("aftale", "application/toml")
    preview = is_preview()
    with kept_unless(preview) as opened:
        load = load_own_agreement(opened, caller.place, name, content, occasion())
        said = said_agreement(load.agreement, caller.place, agreement_store.members(opened, load.agreement.code))
    return Made(
        {
            "preview": preview,
            "version": load.version,
            "is_new": load.is_new,
            "terms_changed": load.terms_changed,
            "agreement": said,
        },
        "" if preview else f"{PREFIX}/agreements/{load.agreement.code}",
    )


@operation("GET", "/agreements/<code>/toml", scope="agreements:read", tag="Agreements", media="application/toml")
def get_agreement_file(caller: Caller, code: str) -> Response:
    """Fetch an agreement that the municipality bills for, with its budgets, as a file that loads again."""
    content = agreements.export_agreement(connection(), own_code(caller, code)).encode()
    return file_response(content, f"{code}.toml", "application/toml")


@operation(
    "POST",
    "/agreements/<code>/members",
    scope="agreements:load",
    tag="Agreements",
    answer="Membership",
    body="Joining",
    conflicts=True,
)
def take_in(caller: Caller, code: str) -> Made:
    """Let a municipality take part from a first of January."""
    known, wish = own_code(caller, code), sent(municipality=str, from_year=int)
    joined = agreements.take_in(
        connection(), known, needed_place(wish, "municipality"), needed_year(wish, "from_year"), occasion()
    )
    return Made({"municipality": joined.municipality, "from_year": joined.from_year, "to_year": joined.to_year})


@operation(
    "POST",
    "/agreements/<code>/leavers",
    scope="agreements:load",
    tag="Agreements",
    answer="Membership",
    body="Leaving",
    conflicts=True,
)
def note_leaver(caller: Caller, code: str) -> Made:
    """Note a written notice of leaving with the end of a year, that came by other ways than `/notices`."""
    known, wish = own_code(caller, code), sent(municipality=str, last_year=int)
    closed = note_leaving(
        connection(), known, needed_place(wish, "municipality"), needed_year(wish, "last_year"), occasion()
    )
    return Made({"municipality": closed.municipality, "from_year": closed.from_year, "to_year": closed.to_year})


@operation(
    "GET",
    "/agreements/<code>/budgets",
    scope="agreements:read",
    tag="Agreements",
    answer="CostLinePage",
    query=(YEAR,),
)
def list_budgets(caller: Caller, code: str) -> Json:
    """List the budget lines that apply.

    Of an agreement that the municipality bills for.
    """
    lines = agreement_store.budget(connection(), own_code(caller, code), year_asked())
    return {"items": [said_line(line) for line in lines], "next": None}


@operation(
    "POST",
    "/agreements/<code>/budgets",
    scope="agreements:load",
    tag="Agreements",
    answer="CostLoad",
    query=(FILE_NAME, PREVIEW),
    conflicts=True,
    files=COST_FILES,
)
def load_budgets(caller: Caller, code: str) -> Made:
    """Keep a file of budget lines.

    All of it or nothing; lines that it does not name stay. With `preview` nothing is kept and `effects` says what
    each would pay; `stale_years` are those whose price does not know the newest figures yet.
    """
    known = own_code(caller, code)
    name, content = sent_file("budget", *COST_FILES)
    preview = is_preview()
    effects: list[PriceEffect] = []
    with kept_unless(preview) as opened:
        change = load_own_budget(opened, known, name, content, occasion())
        if preview:
            effects = subscriptions.effects_of_newest_figures(opened, occasion(), code=known)
    stale = [] if preview else priced_years(connection(), known, years_of(change))
    return Made(said_change(change, preview=preview, effects=effects, stale=stale))


@operation(
    "GET",
    "/agreements/<code>/accounts",
    scope="accounts:read",
    tag="Year's end",
    answer="CostLinePage",
    query=(YEAR,),
)
def list_accounts(caller: Caller, code: str) -> Json:
    """List the lines of a year's final accounts; those of the year before, if none is named.

    Of an agreement that the municipality bills for.
    """
    known, year = own_code(caller, code), year_asked()
    if year is None:
        year = occasion().as_of.year - 1
    lines = settlement_store.final_accounts(connection(), known, year)
    return {"items": [said_line(line) for line in lines], "next": None}


@operation(
    "POST",
    "/agreements/<code>/accounts",
    scope="accounts:load",
    tag="Year's end",
    answer="CostLoad",
    query=(FILE_NAME, PREVIEW),
    conflicts=True,
    files=COST_FILES,
)
def load_accounts(caller: Caller, code: str) -> Made:
    """Keep a file of final accounts.

    All of it or nothing; a revised figure stands beside the old one, and a closed year's stay.
    """
    known = own_code(caller, code)
    name, content = sent_file("regnskab", *COST_FILES)
    preview = is_preview()
    with kept_unless(preview) as opened:
        change = load_own_accounts(opened, known, name, content, occasion())
    return Made(said_change(change, preview=preview))
