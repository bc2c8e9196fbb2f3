"""Lines of budgets and final accounts as files write them: what each may hold, and whether it fits its agreement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from agreements.agreement import Agreement, CostKind, CostLine, CostLineKey, MunicipalityCode
from agreements.municipality import MUNICIPALITIES, find_by_name
from agreements.strict_toml import Findings, Table, display, listed, nearest
from foundation.money import (
    LARGEST_OERE,
    OERE_PER_KRONE,
    NotAnAmount,
    kroner_for_programs,
    oere_from_danish_text,
    oere_from_text,
)

CostTable: TypeAlias = Literal["budgets", "accounts"]

# The municipalities of the register exist since the reform of 2007. The last year leaves room
# for what follows it in the calendar of holidays, which ends in 2100.
FIRST_AGREED_YEAR = 2007
LAST_AGREED_YEAR = 2090
CODE_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
LONGEST_CODE = 40
LONGEST_LINE_NAME = 60
LONGEST_NOTE = 1_000

AN_AMOUNT = 'et beløb i kroner som tekst med punktum før ørerne, fx "18250000.00"'
AN_AMOUNT_IN_A_CELL = "et tal eller et beløb i kroner, fx 18.250.000,00"
A_MUNICIPALITY = 'en kommunekode i anførselstegn, fx "461"'
A_SERVICE = "koden for en af aftalens ydelser"
A_CODE = 'aftalens kode: små bogstaver a-z, tal og bindestreg, fx "fyn-alkohol"'
A_YEAR = f"et årstal fra {FIRST_AGREED_YEAR} til {LAST_AGREED_YEAR}"


def read_cost_lines(top: Table, key: CostTable, *, required: bool) -> list[tuple[Table, CostLine]]:
    """The lines written ``[[budgets]]`` or ``[[accounts]]``, each with its table; a line that is wrong is left out.

    What is wrong is noted in the file's findings, also a second line for the same key.
    """
    found: list[tuple[Table, CostLine]] = []
    seen: dict[CostLineKey, str] = {}
    for table in top.tables(key, required=required):
        line = _cost_line(table)
        if line is None:
            continue
        if line.key in seen:
            table.findings.add(table.path, told_twice(line.key, seen[line.key]))
        else:
            seen[line.key] = table.path
            found.append((table, line))
    return found


def told_twice(key: CostLineKey, first_place: str) -> str:
    """What is said of a second line for the same key, with the place of the first."""
    return f'samme linje som {first_place} ({described(key)}); læg dem sammen, eller giv dem hvert sit navn med "line"'


def described(key: CostLineKey) -> str:
    """A line as a person names it: year, provider, service, and kind and name where it has them."""
    kind = "" if key.kind is CostKind.COST else str(key.kind)
    return ", ".join(part for part in (str(key.year), key.provider, key.service, kind, key.line) if part)


def _cost_line(table: Table) -> CostLine | None:
    before = table.findings.count
    year = table.integer("year", FIRST_AGREED_YEAR, LAST_AGREED_YEAR)
    provider = municipality_of(table, "provider")
    service = table.text("service", A_SERVICE)
    kind = table.choice("kind", CostKind.COST, {})
    amount_oere = read_amount(table, kind) or 0
    line = table.text("line", "linjens korte navn", required=False, longest=LONGEST_LINE_NAME)
    note = table.text("note", "en bemærkning", required=False, longest=LONGEST_NOTE)
    whole = table.findings.count == before
    table.finish()
    return CostLine(CostLineKey(year, provider, service, kind, line), amount_oere, note) if whole else None


def municipality_of(table: Table, key: str) -> MunicipalityCode:
    """A key that holds one municipality's code; empty when it is missing or wrong."""
    code = table.text(key, A_MUNICIPALITY)
    problem = municipality_problem(code) if code else ""
    if problem:
        table.problem(key, f"{display(code)} {problem}")
    return "" if problem else code


def municipality_problem(code: str) -> str:
    """What is said of a text that is no municipality's code, and which was probably meant; empty if it is one."""
    if code in MUNICIPALITIES:
        return ""
    meant = MUNICIPALITIES.get(code.removeprefix("0")) or find_by_name(code)
    hint = f'; mente du "{meant.code}" ({meant.name})?' if meant else f"; forventet {A_MUNICIPALITY}"
    return f"er ikke en kommunes kode{hint}"


def read_amount(table: Table, kind: CostKind = CostKind.COST) -> int | None:
    """The key ``amount`` in øre; None, and a problem in the file's findings, when it is missing or wrong."""
    value = table.value("amount", AN_AMOUNT, required=True)
    if value is None:
        return None
    problem = ""
    oere = 0
    if isinstance(value, float):
        problem = f"{display(value)} er et kommatal, som ikke er nøjagtigt; sæt beløbet i anførselstegn"
    elif isinstance(value, bool) or not isinstance(value, int | str):
        problem = f"{display(value)} er ikke et beløb; forventet {AN_AMOUNT}"
    elif isinstance(value, int):
        oere = value * OERE_PER_KRONE
        problem = "beløbet er for stort" if abs(oere) > LARGEST_OERE else ""
    else:
        try:
            oere = oere_from_text(value)
        except NotAnAmount:
            problem = f"{display(value)} er ikke et beløb; {_danish_hint(value) or f'forventet {AN_AMOUNT}'}"
    negative = negative_problem(kind, oere)
    if negative:
        problem = f"{display(value)} {negative}"
    if problem:
        table.problem("amount", problem)
        return None
    return oere


def _danish_hint(text: str) -> str:
    try:
        return f'mente du "{kroner_for_programs(oere_from_danish_text(text))}"?'
    except NotAnAmount:
        return ""


def negative_problem(kind: CostKind, oere: int) -> str:
    """Grants and income are written as positive amounts, since their kind says that they reduce the cost."""
    if oere < 0 and kind is not CostKind.COST:
        return "er negativt; tilskud og indtægter skrives som positive beløb, da arten siger, at de trækkes fra"
    return ""


def line_problems(
    key: CostLineKey,
    providers: Sequence[MunicipalityCode],
    services: Sequence[str],
    first_year: int | None,
    last_year: int | None,
) -> list[tuple[str, str]]:
    """What in a line does not fit its agreement: (key, message). What the agreement does not tell is not checked."""
    found = []
    if first_year is not None and key.year < first_year:
        found.append(("year", f"{key.year} er før aftalens første år, {first_year}"))
    if last_year is not None and key.year > last_year:
        found.append(("year", f"{key.year} er efter aftalens sidste år, {last_year}"))
    if providers and key.provider not in providers:
        found.append(
            ("provider", f'"{key.provider}" er ikke ydelsesleverandør i aftalen; forventet {listed(providers)}')
        )
    if services and key.service not in services:
        hint = nearest(key.service, services) or f"; forventet {listed(services)}"
        found.append(("service", f"{display(key.service)} er ikke en af aftalens ydelser{hint}"))
    return found


def check_against(lines: Iterable[CostLine], agreement: Agreement, source: str) -> None:
    """Check that every line fits the agreement: its year is agreed, its provider and service are the agreement's.

    Args:
        lines: The lines of a file.
        agreement: The agreement that they are meant for.
        source: The file's name as given, for messages.

    Raises:
        Problems: every line that does not fit, named by year, provider and service.
    """
    findings = Findings(source)
    services = [service.code for service in agreement.services]
    last_year = agreement.ends_on.year if agreement.ends_on else None
    for line in lines:
        for _, message in line_problems(line.key, agreement.providers, services, agreement.starts_on.year, last_year):
            findings.add(described(line.key), message)
    findings.raise_if_any()
