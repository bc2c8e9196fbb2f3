"""The terms of the agreement file: what a clause may say, what it says by default, and what is not supported yet."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

from agreements.agreement import (
    AdvanceTerms,
    AllocationTerms,
    DayOfYear,
    NetAssets,
    PartialYear,
    RenegotiationTerms,
    RenewalKind,
    RenewalTerms,
    Schedule,
    SettlementTerms,
    Terms,
    Timing,
    TrueUp,
    UsageTerms,
)
from agreements.key_terms_file import (
    ALLOCATION_TERMS_NOT_YET,
    check_schedule,
    own_dates,
    read_key,
    written_key,
)
from agreements.strict_toml import Table, display

LAST_SEND_DAY = 28  # every month has it
LONGEST_DUE_DAYS = 120
LONGEST_LAG_YEARS = 5
LONGEST_NOTICE_MONTHS = 60
LONGEST_KEEP_YEARS = 10
SMALLEST_THRESHOLD = 2
LARGEST_THRESHOLD = 100

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
TABLES_NOT_YET = {
    "prices": "takster pr. enhed eller døgn",
    "tariffs": "takster pr. enhed eller døgn",
    "surplus_capacity": "salg af overskudskapacitet efter takst",
}
_TERMS_NOT_YET = {
    **TABLES_NOT_YET,
    "exit": "særlige vilkår ved udtræden (andel af nettoformuen skrives i [terms.settlement] som net_assets_at_exit)",
    "claims": "frist for at rejse krav",
    "termination": "et særligt afsnit om opsigelse (varslet skrives i [terms.renewal] som notice_months)",
}
_TRUE_UPS_NOT_YET = {
    "every_year": "efterregulering med egne bilag hvert år",
}
_NET_ASSETS_NOT_YET = {
    "all_years": "andel af nettoformuen efter det, hver har betalt i alle år",
    "fixed_percentages": "andel af nettoformuen efter faste procenter",
}
_SETTLEMENT_TERMS_NOT_YET = {
    "claim_within_months": "frist for at rejse krav",
    "repay_investments_percent": "tilbagebetaling af ikke afskrevne investeringer med rente ved udtræden",
}


def read_terms(terms: Table) -> Terms:
    """All terms; one that the file does not mention has the default of ``agreement.py``.

    Source: docs/decisions/0004-agreement-file.md; docs/agreement_variants.md.
    """
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
        true_up=table.choice("true_up", default.true_up, _TRUE_UPS_NOT_YET),
        true_up_by=_day_of_year(table, "true_up_by", default.true_up_by),
        net_assets_at_exit=table.choice("net_assets_at_exit", default.net_assets_at_exit, _NET_ASSETS_NOT_YET),
    )
    if table.has("true_up_by") and found.true_up is TrueUp.NONE:
        table.problem("true_up_by", f'hører til true_up = "{TrueUp.FIRST_YEAR}", som ikke står her')
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


def written_terms(terms: Terms) -> dict[str, dict[str, object]]:
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
        | ({"keep_years": settlement.keep_years} if settlement.keep_years else {})
        | _unless(TrueUp.NONE, true_up=settlement.true_up)
        | ({} if settlement.true_up is TrueUp.NONE else {"true_up_by": str(settlement.true_up_by)})
        | _unless(NetAssets.NONE, net_assets_at_exit=settlement.net_assets_at_exit),
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
