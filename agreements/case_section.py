"""The section ``[cases]`` of an agreement file <-> ``CaseTerms``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from agreements.agreement import IssuedBy
from agreements.case_terms import CasePrice, CasePricing, CaseService, CaseTerms
from agreements.cost_lines import (
    AN_AMOUNT,
    CODE_PATTERN,
    FIRST_AGREED_YEAR,
    LAST_AGREED_YEAR,
    LONGEST_CODE,
    municipality_of,
    read_amount,
)
from agreements.strict_toml import Table, display, listed
from foundation.money import kroner_for_programs

LONGEST_CLAIM_MONTHS = 60
LONGEST_DUE_DAYS = 120
LATEST_SEND_DAY = 28
A_CASE_SERVICE = 'sagsydelsens kode: små bogstaver a-z, tal og bindestreg, fx "kraasiglund"'


def read_cases(top: Table, providers: Collection[str], services: Collection[str]) -> CaseTerms:
    """Read the section; an agreement without one bills nothing by the case.

    Args:
        top: The file.
        providers: The agreement's providers.
        services: The codes of its subscription services; a case service has a code of its own.

    Returns:
        The terms; what is wrong is noted in the file's findings.

    Source: docs/decisions/0041-cases.md.
    """
    default = CaseTerms()
    table = top.table("cases")
    found = CaseTerms(
        count_arrival_day=_yes(table, "count_arrival_day", default=default.count_arrival_day),
        count_leaving_day=_yes(table, "count_leaving_day", default=default.count_leaving_day),
        claim_within_months=table.integer("claim_within_months", 1, LONGEST_CLAIM_MONTHS, default.claim_within_months),
        due_days=table.integer("due_days", 0, LONGEST_DUE_DAYS, default.due_days),
        send_by_day=table.integer("send_by_day", 1, LATEST_SEND_DAY, default.send_by_day),
        by_clock=_by_clock(table),
        services=_services(table, providers, services),
        prices=_prices(table),
    )
    table.finish()
    return found


def _yes(table: Table, key: str, *, default: bool) -> bool:
    value = table.value(key, "true eller false", required=False)
    if value is None or isinstance(value, bool):
        return default if value is None else value
    table.problem(key, f"{display(value)} kan ikke bruges; forventet true eller false, uden anførselstegn")
    return default


def _by_clock(table: Table) -> bool:
    """Who issues case bills: an officer, or the clock; the subscription's ``issued_by`` says nothing of cases."""
    return table.choice("issued_by", IssuedBy.OFFICER, {}) is IssuedBy.CLOCK


def _services(cases: Table, providers: Collection[str], services: Collection[str]) -> tuple[CaseService, ...]:
    found: dict[str, CaseService] = {}
    for table in cases.tables("services"):
        code = table.text("code", A_CASE_SERVICE)
        if code and (len(code) > LONGEST_CODE or CODE_PATTERN.fullmatch(code) is None):
            table.problem("code", f"{display(code)} kan ikke bruges; forventet {A_CASE_SERVICE}")
        if code in found or code in services:
            table.problem("code", f"{display(code)} står der mere end én gang")
        title = table.text("title", "ydelsens titel")
        provider = municipality_of(table, "provider")
        if provider and providers and provider not in providers:
            table.problem("provider", f'"{provider}" er ikke blandt ydelsesleverandørerne; forventet en af providers')
        pricing = table.choice("pricing", CasePricing.DAY, {})
        vat_exemption = table.text("vat_exemption", "hjemlen for momsfritagelsen", required=False)
        table.finish()
        if code:
            found.setdefault(code, CaseService(code, title, provider, pricing, vat_exemption))
    return tuple(found.values())


def _prices(cases: Table) -> tuple[CasePrice, ...]:
    by_day = {
        str(each["code"])
        for each in _raw(cases, "services")
        if isinstance(each.get("code"), str) and each.get("pricing", "day") == "day"
    }
    found: dict[tuple[str, date], CasePrice] = {}
    for table in cases.tables("prices"):
        service = table.text("service", "koden for en ydelse i [[cases.services]]")
        if service and service not in by_day:
            known = f"forventet {listed(sorted(by_day))}" if by_day else "der er ingen i [[cases.services]]"
            table.problem("service", f"{display(service)} er ikke en ydelse med takst pr. døgn; {known}")
        from_day = table.day("from")
        if from_day and not FIRST_AGREED_YEAR <= from_day.year <= LAST_AGREED_YEAR:
            table.problem("from", f"året {from_day.year} er uden for {FIRST_AGREED_YEAR}-{LAST_AGREED_YEAR}")
        amount_oere = _amount(table)
        table.finish()
        if not (service and from_day and amount_oere):
            continue
        if (service, from_day) in found:
            table.problem("from", f"{display(service)} har allerede en takst fra {from_day}")
        found.setdefault((service, from_day), CasePrice(service, from_day, amount_oere))
    return tuple(sorted(found.values()))


def _raw(table: Table, key: str) -> list[dict[str, object]]:
    value = table.value(key, "", required=False)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _amount(table: Table) -> int:
    amount_oere = read_amount(table)
    if amount_oere is None:
        return 0
    if amount_oere <= 0:
        table.problem("amount", f"en takst skal være over 0; forventet {AN_AMOUNT}")
        return 0
    return amount_oere


def written_cases(cases: CaseTerms) -> dict[str, object]:
    """The section as TOML's values; nothing for an agreement that bills nothing by the case."""
    if cases == CaseTerms():
        return {}
    written: dict[str, object] = {
        "count_arrival_day": cases.count_arrival_day,
        "count_leaving_day": cases.count_leaving_day,
        "claim_within_months": cases.claim_within_months,
        "due_days": cases.due_days,
        "send_by_day": cases.send_by_day,
        "issued_by": str(IssuedBy.CLOCK if cases.by_clock else IssuedBy.OFFICER),
        "services": [
            {"code": each.code, "title": each.title, "provider": each.provider, "pricing": str(each.pricing)}
            | ({"vat_exemption": each.vat_exemption} if each.vat_exemption else {})
            for each in cases.services
        ],
        "prices": [
            {"service": each.service, "from": each.from_day, "amount": kroner_for_programs(each.amount_oere)}
            for each in cases.prices
        ],
    }
    return {key: value for key, value in written.items() if value != []}
