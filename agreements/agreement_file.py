"""The agreement file, TOML <-> ``Agreement``.

An officer writes the file; so whatever is wrong with it is told at once, each problem with line, key and what is
expected, and a term that agreements elsewhere have but this program does not know yet is named as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import tomli_w
from stdnum import ean

from agreements.agreement import (
    Agreement,
    CitedClause,
    Clause,
    CostKind,
    CostLine,
    MunicipalityCode,
    PartialYear,
    PartyDetails,
    RenewalKind,
    Service,
    Terms,
)
from agreements.case_section import read_cases, written_cases
from agreements.cost_lines import (
    A_CODE,
    A_MUNICIPALITY,
    CODE_PATTERN,
    FIRST_AGREED_YEAR,
    LAST_AGREED_YEAR,
    LONGEST_CODE,
    line_problems,
    municipality_of,
    municipality_problem,
    read_cost_lines,
)
from agreements.key_terms_file import (
    check_line_keys,
    read_line_keys,
    written_line_keys,
)
from agreements.strict_toml import Table, display, read_toml
from agreements.terms_file import TABLES_NOT_YET, read_terms, written_terms
from foundation.money import kroner_for_programs
from foundation.period import Month

GLN_DIGITS = 13

LONGEST_CLAUSE = 40
# What is written in another way than one might think.
_WRITTEN_ELSEWHERE = {
    "add_ons": 'et fast tillæg til én betaler er en budgetlinje med en nøgle under [[keys]], key = "one_party"',
    "capacity": 'aftalt kapacitet er en nøgle: key = "agreed_capacity" i [terms.allocation] eller under [[keys]]',
    "schedule": "betalingsplanen skrives som schedule i [terms.advance]",
}


def read_agreement(name: str, content: bytes | str) -> Agreement:
    """Read an agreement file.

    Args:
        name: The file's name as given, for messages.
        content: The whole file; bytes must be UTF-8, with or without a byte order mark.

    Returns:
        The agreement; terms that the file does not mention have the defaults of ``agreement.py``.

    Raises:
        Problems: everything that is wrong with the file, by line.

    Source: the 2009 agreement; docs/decisions/0004-agreement-file.md.
    """
    top = read_toml(name, content)
    about = top.table("agreement", required=True)
    code = about.text("code", A_CODE)
    if code and (len(code) > LONGEST_CODE or CODE_PATTERN.fullmatch(code) is None):
        about.problem("code", f"{display(code)} kan ikke bruges; forventet {A_CODE}, højst {LONGEST_CODE} tegn")
    title = about.text("title", "aftalens titel")
    legal_basis = about.text("legal_basis", "lovhjemlen", required=False)
    starts_on, ends_on = about.day("starts_on"), about.day("ends_on", required=False)
    providers = _municipalities(about, "providers")
    subscribers = _municipalities(about, "subscribers")
    issuer = municipality_of(about, "issuer")
    if issuer and providers and issuer not in providers:
        about.problem("issuer", f'"{issuer}" er ikke blandt ydelsesleverandørerne; forventet en af providers')
    about.finish()

    terms = read_terms(top.table("terms"))
    line_keys = read_line_keys(top)
    terms = replace(terms, allocation=replace(terms.allocation, line_keys=line_keys))
    _check_years(about, starts_on, ends_on, terms)
    services = _services(top)
    check_line_keys(top, line_keys, [service.code for service in services])
    parties = _parties(top)
    budgets = _budgets(top, providers, services, starts_on, ends_on)
    for key, words in _WRITTEN_ELSEWHERE.items():
        if top.value(key, "", required=False) is not None:
            top.problem(key, words)
    clauses = _clauses(top.table("clauses"))
    cases = read_cases(top, providers, [service.code for service in services])
    top.finish(TABLES_NOT_YET)
    top.findings.raise_if_any()
    return Agreement(
        code=code,
        title=title,
        legal_basis=legal_basis,
        starts_on=starts_on or date.min,
        issuer=issuer,
        providers=providers,
        subscribers=subscribers,
        services=services,
        terms=terms,
        parties=parties,
        budgets=budgets,
        ends_on=ends_on,
        cases=cases,
        clauses=clauses,
    )


def _clauses(table: Table) -> tuple[CitedClause, ...]:
    found = []
    for topic in Clause:
        text = table.text(topic.value, "stedet i aftalen, fx § 6 stk. 1", required=False, longest=LONGEST_CLAUSE)
        if text:
            found.append(CitedClause(topic, text))
    table.finish()
    return tuple(sorted(found))


def _municipalities(about: Table, key: str) -> tuple[MunicipalityCode, ...]:
    found: list[MunicipalityCode] = []
    for place, code in about.texts(key, f"en liste af {A_MUNICIPALITY}"):
        problem = municipality_problem(code)
        if code in found:
            problem = "står der mere end én gang"
        if problem:
            about.problem(place, f"{display(code)} {problem}")
        else:
            found.append(code)
    return tuple(found)


def _check_years(about: Table, starts_on: date | None, ends_on: date | None, terms: Terms) -> None:
    for key, day in (("starts_on", starts_on), ("ends_on", ends_on)):
        if day and not FIRST_AGREED_YEAR <= day.year <= LAST_AGREED_YEAR:
            about.problem(key, f"året {day.year} er uden for {FIRST_AGREED_YEAR}-{LAST_AGREED_YEAR}")
    if starts_on and ends_on and ends_on < starts_on:
        about.problem("ends_on", f"{ends_on} er før aftalens første dag, {starts_on}")
    if terms.renewal.kind is RenewalKind.FIXED_TERM and ends_on is None:
        about.problem("ends_on", 'mangler; en aftale med kind = "fixed_term" har en sidste dag')
    for key, message in _pieces_of_years(starts_on, ends_on, terms):
        about.problem(key, message)
    partial = terms.allocation.partial_year
    for each in (terms.allocation.basis, *(line_key.terms for line_key in terms.allocation.line_keys)):
        for change in each.changes:
            day = change.from_day
            if (partial is PartialYear.NOT_ALLOWED and (day.month, day.day) != (1, 1)) or (
                partial is PartialYear.MONTHS and day.day != 1
            ):
                about.problem(
                    "starts_on",
                    f'en nøgle ændres fra {day}, men partial_year = "{partial}" i [terms.allocation] tillader det ikke',
                )


def _pieces_of_years(starts_on: date | None, ends_on: date | None, terms: Terms) -> Iterator[tuple[str, str]]:
    """Shares, membership and notice are of whole years, unless a term says how a piece of a year is counted."""
    partial = terms.allocation.partial_year
    if partial is PartialYear.NOT_ALLOWED:
        advice = 'skriv i [terms.allocation] partial_year = "months" eller "days", så en del af et år kan beregnes'
        if terms.renewal.kind is RenewalKind.OPEN_ENDED:
            yield "starts_on", f"en aftale uden slutdato kan ophøre midt i et år; {advice}"
        if starts_on and (starts_on.month, starts_on.day) != (1, 1):
            yield "starts_on", f"{starts_on} er ikke den 1. januar; {advice}"
        if ends_on and (ends_on.month, ends_on.day) != (12, 31):
            yield "ends_on", f"{ends_on} er ikke den 31. december; {advice}"
    if partial is PartialYear.MONTHS:
        needs = 'som partial_year = "months" kræver'
        if starts_on and starts_on.day != 1:
            yield "starts_on", f"{starts_on} er ikke den 1. i en måned, {needs}"
        if ends_on and not _ends_a_month(ends_on):
            yield "ends_on", f"{ends_on} er ikke den sidste i en måned, {needs}"


def _ends_a_month(day: date) -> bool:
    return day == Month.of(day).period.last_day


def _services(top: Table) -> tuple[Service, ...]:
    found: dict[str, Service] = {}
    for table in top.tables("services", required=True):
        code = table.text("code", 'ydelsens kode: små bogstaver a-z, tal og bindestreg, fx "ambulant"')
        if code and (len(code) > LONGEST_CODE or CODE_PATTERN.fullmatch(code) is None):
            table.problem("code", f"{display(code)} kan ikke bruges; forventet små bogstaver a-z, tal og bindestreg")
        if code in found:
            table.problem("code", f"{display(code)} står der mere end én gang")
        title = table.text("title", "ydelsens titel")
        vat_exemption = table.text("vat_exemption", "hjemlen for momsfritagelsen", required=False)
        table.finish()
        if code:
            found.setdefault(code, Service(code, title, vat_exemption))
    return tuple(found.values())


def _parties(top: Table) -> tuple[PartyDetails, ...]:
    found: dict[MunicipalityCode, PartyDetails] = {}
    for table in top.tables("parties"):
        code = municipality_of(table, "municipality")
        if code in found:
            table.problem("municipality", f'"{code}" står der mere end én gang')
        gln = table.text("gln", "et EAN-nummer (GLN) på 13 cifre", required=False)
        if gln and (len(gln) != GLN_DIGITS or not gln.isascii() or not ean.is_valid(gln)):
            table.problem("gln", f"{display(gln)} er ikke et GLN på {GLN_DIGITS} cifre med rigtigt kontrolciffer")
        if gln and any(gln == other.gln for other in found.values()):
            table.problem("gln", f"{display(gln)} er allerede en anden parts")
        table.finish()
        if code:
            found.setdefault(code, PartyDetails(code, gln))
    return tuple(found.values())


def _budgets(
    top: Table,
    providers: tuple[MunicipalityCode, ...],
    services: tuple[Service, ...],
    starts_on: date | None,
    ends_on: date | None,
) -> tuple[CostLine, ...]:
    codes = [service.code for service in services]
    first_year, last_year = starts_on.year if starts_on else None, ends_on.year if ends_on else None
    lines = read_cost_lines(top, "budgets", required=False)
    for table, line in lines:
        for key, message in line_problems(line.key, providers, codes, first_year, last_year):
            table.problem(key, message)
    return tuple(line for _, line in lines)


def write_agreement(agreement: Agreement) -> str:
    """The agreement as a TOML file, every term written out, so that nothing hides in a default.

    Reading it gives an equal agreement. Two equal agreements give the same text; comments of a file that was once read
    are not kept.
    """
    about: dict[str, object] = {
        "code": agreement.code,
        "title": agreement.title,
        "legal_basis": agreement.legal_basis,
        "starts_on": agreement.starts_on,
    }
    if agreement.ends_on:
        about["ends_on"] = agreement.ends_on
    about |= {
        "issuer": agreement.issuer,
        "providers": list(agreement.providers),
        "subscribers": list(agreement.subscribers),
    }
    written: dict[str, object] = {
        "agreement": about,
        "terms": written_terms(agreement.terms),
        "keys": written_line_keys(agreement.terms.allocation.line_keys),
        "parties": [_without_empty(municipality=party.municipality, gln=party.gln) for party in agreement.parties],
        "services": [
            _without_empty(code=service.code, title=service.title, vat_exemption=service.vat_exemption)
            for service in agreement.services
        ],
        "budgets": [_written_line(line) for line in agreement.budgets],
        "cases": written_cases(agreement.cases),
        "clauses": {cited.topic.value: cited.text for cited in agreement.clauses},
    }
    return tomli_w.dumps({key: value for key, value in written.items() if value})


def _written_line(line: CostLine) -> dict[str, object]:
    key = line.key
    return {"year": key.year} | _without_empty(
        provider=key.provider,
        service=key.service,
        kind="" if key.kind is CostKind.COST else str(key.kind),
        line=key.line,
        amount=kroner_for_programs(line.amount_oere),
        note=line.note,
    )


def _without_empty(**texts: str) -> dict[str, object]:
    return {name: text for name, text in texts.items() if text}
