"""Keys and schedules in the agreement file: what a key needs is read and written here, one way for all places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agreements.agreement import (
    PERCENT_UNITS,
    AdvanceTerms,
    AgreedFigure,
    AllocationKey,
    DayOfYear,
    KeyChange,
    KeyTerms,
    LineKey,
    MunicipalityCode,
    Schedule,
)
from agreements.cost_lines import LONGEST_LINE_NAME, municipality_of, municipality_problem
from agreements.strict_toml import Table, display, listed, nearest

OLDEST = 125
QUARTERS = 4
LONGEST_YEARS_BEFORE = 3
LARGEST_CAPACITY = 1_000_000
WHOLE = 100 * PERCENT_UNITS
AGREED = frozenset({AllocationKey.FIXED_PERCENTAGES, AllocationKey.AGREED_CAPACITY})
A_PERCENTAGE = 'procenter som tekst med højst fire decimaler, fx { 217 = "40", 210 = "60" }'
A_CAPACITY = "hele tal pr. kommunekode, fx { 727 = 24 }"

# What other Danish agreements have and this program does not know. A file that asks for it is refused with its name,
# never read as something near it.
KEYS_NOT_YET = {
    "fixed_shares": "fordeling efter faste andele (brøker)",
    "host_share": "en fast andel til værtskommunen, før resten fordeles",
    "agreed_fte_cost": "fordeling efter aftalte årsværk",
    "drawing_right": "fordeling efter trækningsret",
    "objective_financing": "objektiv finansiering",
}
ALLOCATION_TERMS_NOT_YET = {
    "shares": "fordeling efter faste andele (brøker)",
    "host_share": "en fast andel til værtskommunen, før resten fordeles",
}

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?", re.ASCII)
_NEEDED_BY = {
    "percentages": AllocationKey.FIXED_PERCENTAGES,
    "capacity": AllocationKey.AGREED_CAPACITY,
    "counted_on": AllocationKey.AGREED_CAPACITY,
    "counts": AllocationKey.AGREED_CAPACITY,
    "payer": AllocationKey.ONE_PARTY,
    "age_from": AllocationKey.AGE_BAND_POPULATION,
    "age_to": AllocationKey.AGE_BAND_POPULATION,
    "quarter": AllocationKey.AGE_BAND_POPULATION,
    "years_before": AllocationKey.AGE_BAND_POPULATION,
}


def read_key(table: Table, default: AllocationKey = AllocationKey.POPULATION) -> KeyTerms:
    """The key of a table and what it needs; what it does not need must not stand there.

    Source: docs/agreement_variants.md; docs/decisions/0037-allocation-keys.md.
    """
    key = table.choice("key", default, KEYS_NOT_YET)
    for name, of_key in _NEEDED_BY.items():
        if table.has(name) and key is not of_key:
            table.value(name, "", required=False)
            table.problem(name, f'hører til key = "{of_key}", men her er key = "{key}"')
    if key not in AGREED and table.has("changes"):
        table.value("changes", "", required=False)
        table.problem("changes", "kun faste procenter og aftalt kapacitet kan ændres fra en dag")
    if key is AllocationKey.FIXED_PERCENTAGES:
        return KeyTerms(key, figures=_percentages(table), changes=_changes(table, key))
    if key is AllocationKey.AGREED_CAPACITY:
        return KeyTerms(
            key,
            figures=_capacity(table),
            counted_on=table.day("counted_on"),
            counts=table.text("counts", 'hvad der tælles, i flertal, fx "klienter"', longest=40),
            changes=_changes(table, key),
        )
    if key is AllocationKey.ONE_PARTY:
        return KeyTerms(key, payer=municipality_of(table, "payer"))
    if key is AllocationKey.AGE_BAND_POPULATION:
        found = KeyTerms(
            key,
            age_from=table.integer("age_from", 0, OLDEST),
            age_to=table.integer("age_to", 0, OLDEST),
            quarter=table.integer("quarter", 1, QUARTERS, 1),
            years_before=table.integer("years_before", 0, LONGEST_YEARS_BEFORE, 1),
        )
        if found.age_to < found.age_from:
            table.problem("age_to", f"{found.age_to} er mindre end age_from, {found.age_from}")
        return found
    return KeyTerms(key)


def _entries(table: Table, key: str, expected: str) -> list[tuple[MunicipalityCode, object]]:
    value = table.value(key, expected, required=True)
    if value is None:
        return []
    if not isinstance(value, Mapping) or not value:
        table.problem(key, f"{display(value)} kan ikke bruges; forventet {expected}")
        return []
    found = []
    for code, entry in value.items():
        problem = municipality_problem(code)
        if problem:
            table.problem(key, f"{display(code)} {problem}")
        else:
            found.append((code, entry))
    return sorted(found, key=lambda pair: pair[0])


def _percentages(table: Table) -> tuple[AgreedFigure, ...]:
    found = []
    entries = _entries(table, "percentages", A_PERCENTAGE)
    for code, entry in entries:
        match = _PERCENT.fullmatch(str(entry)) if isinstance(entry, str | int) and not isinstance(entry, bool) else None
        if match is None:
            table.problem("percentages", f'{display(entry)} for "{code}" er ikke en procent; forventet {A_PERCENTAGE}')
            continue
        found.append(AgreedFigure(code, int(match[1]) * PERCENT_UNITS + int((match[2] or "").ljust(4, "0"))))
    whole = sum(figure.units for figure in found)
    if found and len(found) == len(entries) and whole != WHOLE:
        table.problem("percentages", f"procenterne giver {percent_text(whole)} i alt; de skal give netop 100")
    return tuple(found)


def _changes(table: Table, key: AllocationKey) -> tuple[KeyChange, ...]:
    found: list[KeyChange] = []
    for change in table.tables("changes"):
        from_day = change.day("from")
        figures = _percentages(change) if key is AllocationKey.FIXED_PERCENTAGES else _capacity(change)
        change.finish()
        if from_day is None:
            continue
        if found and from_day <= found[-1].from_day:
            change.problem("from", f"{from_day} er ikke efter ændringen foran, {found[-1].from_day}")
        else:
            found.append(KeyChange(from_day, figures))
    return tuple(found)


def percent_text(units: int) -> str:
    """Units of ``AgreedFigure`` as a file writes a percentage: ``20.4``."""
    whole, decimals = divmod(units, PERCENT_UNITS)
    return f"{whole}.{decimals:04d}".rstrip("0").rstrip(".")


def _capacity(table: Table) -> tuple[AgreedFigure, ...]:
    found = []
    for code, entry in _entries(table, "capacity", A_CAPACITY):
        if isinstance(entry, bool) or not isinstance(entry, int) or not 0 <= entry <= LARGEST_CAPACITY:
            table.problem("capacity", f'{display(entry)} for "{code}" kan ikke bruges; forventet {A_CAPACITY}')
        else:
            found.append(AgreedFigure(code, entry))
    if found and not any(figure.units for figure in found):
        table.problem("capacity", "kapaciteten er nul for alle; der er intet at fordele efter")
    return tuple(found)


def written_key(terms: KeyTerms) -> dict[str, object]:
    """What ``read_key`` reads."""
    written: dict[str, object] = {"key": str(terms.key)}
    if terms.key in AGREED:
        written |= _written_figures(terms.key, terms.figures)
        if terms.changes:
            written["changes"] = [
                {"from": change.from_day} | _written_figures(terms.key, change.figures) for change in terms.changes
            ]
    if terms.key is AllocationKey.AGREED_CAPACITY:
        if terms.counted_on:
            written["counted_on"] = terms.counted_on
        written["counts"] = terms.counts
    elif terms.key is AllocationKey.ONE_PARTY:
        written["payer"] = terms.payer
    elif terms.key is AllocationKey.AGE_BAND_POPULATION:
        written |= {
            "age_from": terms.age_from,
            "age_to": terms.age_to,
            "quarter": terms.quarter,
            "years_before": terms.years_before,
        }
    return written


def _written_figures(key: AllocationKey, figures: Sequence[AgreedFigure]) -> dict[str, object]:
    if key is AllocationKey.FIXED_PERCENTAGES:
        return {"percentages": {figure.municipality: percent_text(figure.units) for figure in figures}}
    return {"capacity": {figure.municipality: figure.units for figure in figures}}


def read_line_keys(top: Table) -> tuple[LineKey, ...]:
    """The keys for certain budget lines, written ``[[keys]]``; no two of them may be for the same line."""
    found: list[LineKey] = []
    for table in top.tables("keys"):
        name = table.text("name", 'nøglens korte navn, fx "lokaler"', longest=LONGEST_LINE_NAME)
        if any(name == other.name for other in found):
            table.problem("name", f"{display(name)} står der mere end én gang")
        lines = _names(table, "lines", 'budgetlinjers korte navne, fx ["lokaler"]')
        services = _names(table, "services", 'ydelsers koder, fx ["ambulant"]')
        if not lines and not services and not table.has("lines") and not table.has("services"):
            table.problem("lines", "mangler; skriv lines, services eller begge, så det er klart, hvad nøglen gælder")
        line_key = LineKey(name, read_key(table), lines, services)
        for other in found:
            if _overlap(line_key.lines, other.lines) and _overlap(line_key.services, other.services):
                table.problem("name", f"{display(name)} gælder nogle af samme budgetlinjer som {display(other.name)}")
        table.finish()
        found.append(line_key)
    return tuple(found)


def check_line_keys(top: Table, keys: Sequence[LineKey], services: Sequence[str]) -> None:
    """The services that keys name are the agreement's."""
    for number, key in enumerate(keys, start=1):
        for service in key.services:
            if services and service not in services:
                hint = nearest(service, services) or f"; forventet {listed(services)}"
                top.problem(f"keys[{number}].services", f"{display(service)} er ikke en af aftalens ydelser{hint}")


def _overlap(ones: Sequence[str], others: Sequence[str]) -> bool:
    return not ones or not others or not set(ones).isdisjoint(others)


def _names(table: Table, key: str, expected: str) -> tuple[str, ...]:
    return tuple(text for _, text in table.texts(key, f"en liste af {expected}", required=False))


def written_line_keys(keys: Sequence[LineKey]) -> list[dict[str, object]]:
    """What ``read_line_keys`` reads."""
    return [
        {"name": key.name}
        | ({"lines": list(key.lines)} if key.lines else {})
        | ({"services": list(key.services)} if key.services else {})
        | written_key(key.terms)
        for key in keys
    ]


def check_schedule(table: Table, terms: AdvanceTerms, instalments: int, *, months_ahead_written: bool) -> None:
    """What a schedule says fits together: dates only where they are its own, as many instalments as it has."""
    if terms.schedule is Schedule.OWN_DATES:
        if not terms.dates:
            table.problem("dates", 'mangler; forventet betalingsdage som ["03-15", "09-15"]')
        for key in ("send_by_day", "months_ahead", "timing"):
            if table.has(key):
                table.problem(key, 'bruges ikke med schedule = "own_dates"; dagene står i dates')
    elif table.has("dates"):
        table.problem("dates", f'bruges kun med schedule = "own_dates", men her er schedule = "{terms.schedule}"')
    elif months_ahead_written and terms.timing != "advance":
        table.problem("months_ahead", 'bruges kun forud; med timing = "arrears" sendes raten måneden efter')
    if table.has("instalments") and terms.dates == () and instalments != terms.instalments:
        table.problem(
            "instalments",
            f'{instalments} rater om året passer ikke med schedule = "{terms.schedule}", som har {terms.instalments}; '
            "en anden plan skrives som schedule",
        )
    elif terms.dates and instalments != len(terms.dates):
        table.problem("instalments", f"{instalments} er ikke antallet af dage i dates, {len(terms.dates)}")


def own_dates(table: Table, parsed: Sequence[tuple[str, str, DayOfYear | None]]) -> tuple[DayOfYear, ...]:
    """The days of a schedule of own dates: ascending, each in a month of its own, on a day that every month has."""
    found: list[DayOfYear] = []
    for place, text, day in parsed:
        if day is None:
            table.problem(place, f'{display(text)} er ikke en dag, der findes hvert år; forventet fx "03-15"')
        elif found and day <= found[-1]:
            table.problem(place, f"{display(text)} står ikke efter dagen foran; skriv dagene i kalenderens rækkefølge")
        elif found and day.month == found[-1].month:
            table.problem(place, f"{display(text)} er i samme måned som dagen foran; højst én rate i hver måned")
        else:
            found.append(day)
    return tuple(found)
