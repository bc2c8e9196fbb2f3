"""The agreement file, TOML <-> ``Agreement``.

An officer writes the file; so whatever is wrong with it is told at once, each problem with line, key and what is
expected, and a term that agreements elsewhere have but this program does not know yet is named as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

import tomli_w
from stdnum import ean

from agreements.agreement import (
    AdvanceTerms,
    Agreement,
    AllocationTerms,
    CitedClause,
    Clause,
    CostKind,
    CostLine,
    DayOfYear,
    MunicipalityCode,
    PartialYear,
    PartyDetails,
    RenegotiationTerms,
    RenewalKind,
    RenewalTerms,
    Schedule,
    Service,
    SettlementTerms,
    Terms,
    Timing,
    UsageTerms,
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
    ALLOCATION_TERMS_NOT_YET,
    check_line_keys,
    check_schedule,
    own_dates,
    read_key,
    read_line_keys,
    written_key,
    written_line_keys,
)
from agreements.strict_toml import Table, display, read_toml
from foundation.money import kroner_for_programs
from foundation.period import Month

LAST_SEND_DAY = 28  # every month has it
LONGEST_DUE_DAYS = 120
LONGEST_LAG_YEARS = 5
LONGEST_NOTICE_MONTHS = 60
LONGEST_KEEP_YEARS = 10
SMALLEST_THRESHOLD = 2
LARGEST_THRESHOLD = 100
GLN_DIGITS = 13

# A year that is not a leap year: a day that returns every year must be in it.
_ORDINARY_YEAR = 2009
_DAY_OF_YEAR = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
HUNDRED = Decimal(100)
_ROUNDING_UNITS = {"0.01": 1, "1": 100}
_UNIT_TEXTS = {oere: text for text, oere in _ROUNDING_UNITS.items()}

# What other Danish agreements have and this program does not know yet. A file that
# asks for it is refused with its name, never read as something near it.
_REFERENCE_DATES_NOT_YET = {
    "first_day_of_quarter": "indbyggertallet den første dag i et kvartal (uden aldersgruppe)",
    "own_date": "en selvvalgt opgørelsesdato",
}
_RENEWALS_NOT_YET = {
    "every_years": "forlængelse med mere end ét år ad gangen",
}
_RESULTS_NOT_YET = {
    "refund": "udbetaling af et overskud i stedet for indregning i en senere pris",
}
LONGEST_CLAUSE = 40
# What is written in another way than one might think.
_WRITTEN_ELSEWHERE = {
    "add_ons": 'et fast tillæg til én betaler er en budgetlinje med en nøgle under [[keys]], key = "one_party"',
    "capacity": 'aftalt kapacitet er en nøgle: key = "agreed_capacity" i [terms.allocation] eller under [[keys]]',
    "schedule": "betalingsplanen skrives som schedule i [terms.advance]",
}
_TABLES_NOT_YET = {
    "prices": "takster pr. enhed eller døgn",
    "tariffs": "takster pr. enhed eller døgn",
    "surplus_capacity": "salg af overskudskapacitet efter takst",
}
_TERMS_NOT_YET = {
    **_TABLES_NOT_YET,
    "exit": "særlige vilkår ved udtræden (andel af nettoformuen, tilbagebetaling af ikke afskrevne investeringer)",
    "claims": "frist for at rejse krav",
    "termination": "et særligt afsnit om opsigelse (varslet skrives i [terms.renewal] som notice_months)",
}
_SETTLEMENT_TERMS_NOT_YET = {
    "claim_within_months": "frist for at rejse krav",
    "true_up": "efterregulering alene efter første regnskabsår",
    "net_assets_at_exit": "andel af nettoformuen ved udtræden",
    "repay_investments_percent": "tilbagebetaling af ikke afskrevne investeringer med rente ved udtræden",
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

    terms = _terms(top.table("terms"))
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
    top.finish(_TABLES_NOT_YET)
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


def _terms(terms: Table) -> Terms:
    found = Terms(
        allocation=_allocation(terms.table("allocation")),
        advance=_advance(terms.table("advance")),
        settlement=_settlement(terms.table("settlement")),
        renewal=_renewal(terms.table("renewal")),
        usage=_usage(terms.table("usage")),
        renegotiation=_renegotiation(terms.table("renegotiation")),
    )
    terms.finish(_TERMS_NOT_YET)
    return found


def _allocation(table: Table) -> AllocationTerms:
    default = AllocationTerms()
    expected = '"0.01" for øre eller "1" for hele kroner, i anførselstegn'
    unit = table.value("rounding_unit", expected, required=False)
    rounding_unit_oere = default.rounding_unit_oere
    if isinstance(unit, str) and unit in _ROUNDING_UNITS:
        rounding_unit_oere = _ROUNDING_UNITS[unit]
    elif unit is not None:
        table.problem("rounding_unit", f"{display(unit)} kan ikke bruges; forventet {expected}")
    basis = read_key(table, default.key)
    found = AllocationTerms(
        key=basis.key,
        reference_date=table.choice("reference_date", default.reference_date, _REFERENCE_DATES_NOT_YET),
        rounding_unit_oere=rounding_unit_oere,
        partial_year=table.choice("partial_year", default.partial_year, {}),
        basis=basis,
    )
    table.finish(ALLOCATION_TERMS_NOT_YET)
    return found


def _advance(table: Table) -> AdvanceTerms:
    default = AdvanceTerms()
    days = table.texts("dates", 'en liste af betalingsdage som "03-15"', required=False)
    found = AdvanceTerms(
        send_by_day=table.integer("send_by_day", 1, LAST_SEND_DAY, default.send_by_day),
        months_ahead=table.integer("months_ahead", 0, 1, default.months_ahead),
        due_days=table.integer("due_days", 0, LONGEST_DUE_DAYS, default.due_days),
        provider_own_share=table.choice("provider_own_share", default.provider_own_share, {}),
        invoice_per=table.choice("invoice_per", default.invoice_per, {}),
        issued_by=table.choice("issued_by", default.issued_by, {}),
        schedule=table.choice("schedule", default.schedule, {}),
        timing=table.choice("timing", default.timing, {}),
        dates=own_dates(table, [(place, text, _parsed_day_of_year(text)) for place, text in days]),
    )
    instalments = table.integer("instalments", 1, 366, found.instalments)
    check_schedule(table, found, instalments, months_ahead_written=table.has("months_ahead"))
    table.finish()
    return found


def _settlement(table: Table) -> SettlementTerms:
    default = SettlementTerms()
    found = SettlementTerms(
        accounts_by=_day_of_year(table, "accounts_by", default.accounts_by),
        demand_by=_day_of_year(table, "demand_by", default.demand_by),
        price_notice_by=_day_of_year(table, "price_notice_by", default.price_notice_by),
        lag_years=table.integer("lag_years", 1, LONGEST_LAG_YEARS, default.lag_years),
        result_key=table.choice("result_key", default.result_key, _RESULTS_NOT_YET),
        keep_percent=_keep_percent(table),
        keep_years=table.integer("keep_years", 0, LONGEST_KEEP_YEARS, default.keep_years),
    )
    table.finish(_SETTLEMENT_TERMS_NOT_YET)
    return found


def _keep_percent(table: Table) -> Decimal | None:
    expected = 'en procent fra 0 til 100 som tekst, fx "5"'
    text = table.text("keep_percent", expected, required=False)
    if not text:
        return None
    if _PERCENT.fullmatch(text) is None or Decimal(text) > HUNDRED:
        table.problem("keep_percent", f"{display(text)} kan ikke bruges; forventet {expected}")
        return None
    return Decimal(text)


def _yes_or_no(table: Table, key: str) -> bool:
    expected = "true eller false uden anførselstegn"
    value = table.value(key, expected, required=False)
    if value is not None and not isinstance(value, bool):
        table.problem(key, f"{display(value)} kan ikke bruges; forventet {expected}")
    return value is True


def _renegotiation(table: Table) -> RenegotiationTerms:
    found = RenegotiationTerms(duty=_yes_or_no(table, "duty"), first_on=table.day("first_on", required=False))
    table.finish()
    return found


def _renewal(table: Table) -> RenewalTerms:
    default = RenewalTerms()
    found = RenewalTerms(
        kind=table.choice("kind", default.kind, _RENEWALS_NOT_YET),
        notice_by=_day_of_year(table, "notice_by", default.notice_by),
        notice_months=table.integer("notice_months", 0, LONGEST_NOTICE_MONTHS, default.notice_months),
    )
    if found.kind is RenewalKind.OPEN_ENDED and not found.notice_months:
        table.problem("notice_months", "mangler; forventet varslet i hele måneder, fx 9")
    for key, kind in (("notice_months", RenewalKind.OPEN_ENDED), ("notice_by", RenewalKind.CALENDAR_YEAR)):
        if table.has(key) and found.kind is not kind:
            table.problem(key, f'hører til kind = "{kind}", men her er kind = "{found.kind}"')
    table.finish()
    return found


def _usage(table: Table) -> UsageTerms:
    default = UsageTerms()
    periods = default.periods
    if table.has("periods"):
        periods = _usage_periods(table)
    found = UsageTerms(
        periods=periods,
        small_count_threshold=table.integer(
            "small_count_threshold", SMALLEST_THRESHOLD, LARGEST_THRESHOLD, default.small_count_threshold
        ),
    )
    table.finish()
    return found


def _usage_periods(table: Table) -> tuple[tuple[DayOfYear, DayOfYear], ...]:
    expected = 'perioder som "01-01/06-30", måned og dag for den første og den sidste dag'
    found: list[tuple[DayOfYear, DayOfYear]] = []
    for place, text in table.texts("periods", f"en liste af {expected}"):
        first, _, last = text.partition("/")
        first_day, last_day = _parsed_day_of_year(first), _parsed_day_of_year(last)
        if first_day is None or last_day is None:
            table.problem(place, f"{display(text)} kan ikke læses; forventet {expected}")
        elif last_day < first_day:
            table.problem(
                place, f"{display(text)} slutter, før den begynder; en periode ligger inden for ét kalenderår"
            )
        elif found and first_day <= found[-1][1]:
            table.problem(place, f"{display(text)} begynder, før perioden foran er slut")
        else:
            found.append((first_day, last_day))
    return tuple(found)


def _day_of_year(table: Table, key: str, default: DayOfYear) -> DayOfYear:
    expected = 'måned og dag i anførselstegn, fx "04-01" for den 1. april'
    text = table.text(key, expected, required=False)
    if not text:
        return default
    day = _parsed_day_of_year(text)
    if day is None:
        table.problem(key, f"{display(text)} er ikke en dag, der findes hvert år; forventet {expected}")
    return day or default


def _parsed_day_of_year(text: str) -> DayOfYear | None:
    match = _DAY_OF_YEAR.fullmatch(text.strip())
    if match is None:
        return None
    day = DayOfYear(int(match[1]), int(match[2]))
    try:
        day.in_year(_ORDINARY_YEAR)
    except ValueError:
        return None
    return day


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
        "terms": _written_terms(agreement.terms),
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


def _written_terms(terms: Terms) -> dict[str, dict[str, object]]:
    """Every term; one that came with a later release only where it is not the default, so that old texts stand."""
    allocation, settlement, advance = terms.allocation, terms.settlement, terms.advance
    written: dict[str, dict[str, object]] = {
        "allocation": written_key(allocation.basis)
        | {
            "reference_date": str(allocation.reference_date),
            "rounding_unit": _UNIT_TEXTS[allocation.rounding_unit_oere],
        }
        | _unless(PartialYear.NOT_ALLOWED, partial_year=allocation.partial_year),
        "advance": _written_advance(advance),
        "settlement": {
            "accounts_by": str(settlement.accounts_by),
            "demand_by": str(settlement.demand_by),
            "price_notice_by": str(settlement.price_notice_by),
            "lag_years": settlement.lag_years,
            "result_key": str(settlement.result_key),
        }
        | ({} if settlement.keep_percent is None else {"keep_percent": str(settlement.keep_percent)})
        | ({"keep_years": settlement.keep_years} if settlement.keep_years else {}),
        "renewal": {"kind": str(terms.renewal.kind)}
        | ({"notice_by": str(terms.renewal.notice_by)} if terms.renewal.kind is RenewalKind.CALENDAR_YEAR else {})
        | ({"notice_months": terms.renewal.notice_months} if terms.renewal.kind is RenewalKind.OPEN_ENDED else {}),
        "usage": {
            "periods": [f"{first}/{last}" for first, last in terms.usage.periods],
            "small_count_threshold": terms.usage.small_count_threshold,
        },
    }
    if terms.renegotiation != RenegotiationTerms():
        first_on = terms.renegotiation.first_on
        written["renegotiation"] = {"duty": terms.renegotiation.duty} | ({"first_on": first_on} if first_on else {})
    return written


def _unless(default: StrEnum, **terms: StrEnum) -> dict[str, object]:
    return {key: str(value) for key, value in terms.items() if value != default}


def _written_advance(terms: AdvanceTerms) -> dict[str, object]:
    written = _unless(Schedule.MONTHLY, schedule=terms.schedule) | _unless(Timing.ADVANCE, timing=terms.timing)
    written["instalments"] = terms.instalments
    if terms.schedule is Schedule.OWN_DATES:
        written["dates"] = [str(day) for day in terms.dates]
    else:
        written["send_by_day"] = terms.send_by_day
        if terms.timing is Timing.ADVANCE:
            written["months_ahead"] = terms.months_ahead
    return written | {
        "due_days": terms.due_days,
        "provider_own_share": str(terms.provider_own_share),
        "invoice_per": str(terms.invoice_per),
        "issued_by": str(terms.issued_by),
    }


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
