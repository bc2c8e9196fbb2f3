"""Many details at once: a TOML file of issuers, buyers and services, or a CSV file of one agreement's buyers.

What a file does not name stays as it was; an empty text clears a field. Every problem is told with its place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agreements.cost_lines import municipality_problem
from agreements.municipality import find_by_name
from agreements.strict_toml import LARGEST_FILE_BYTES, Findings, Table, display, nearest, read_toml
from agreements.trading_values import BUYER_FIELDS, ISSUER_FIELDS, SERVICE_FIELDS, problem_with, tidied
from foundation.errors import Problems

Changes = dict[tuple[str, ...], dict[str, str]]


@dataclass(frozen=True, slots=True)
class TradingFile:
    """What a file sets: key -> field -> text; only the fields that it names.

    Attributes:
        issuers: By (municipality,).
        buyers: By (agreement, municipality); also ``gln``, which the agreement itself keeps.
        services: By (agreement, service).
    """

    issuers: Changes = field(default_factory=dict)
    buyers: Changes = field(default_factory=dict)
    services: Changes = field(default_factory=dict)


def read_trading_file(name: str, content: bytes) -> TradingFile:
    """Read a file of details; CSV by its name's end, otherwise TOML.

    Raises:
        Problems: everything that is wrong with it, each with its place.
    """
    return _read_csv(name, content) if name.lower().endswith((".csv", ".txt")) else _read_toml(name, content)


def _read_toml(name: str, content: bytes) -> TradingFile:
    top = read_toml(name, content)
    read = TradingFile(
        issuers=_tables(top, "issuers", ("municipality",), ISSUER_FIELDS),
        buyers=_tables(top, "buyers", ("agreement", "municipality"), ("gln", *BUYER_FIELDS)),
        services=_tables(top, "services", ("agreement", "service"), SERVICE_FIELDS),
    )
    top.finish()
    if not (read.issuers or read.buyers or read.services):
        top.findings.add("", "filen har hverken [[issuers]], [[buyers]] eller [[services]]")
    top.findings.raise_if_any()
    return read


def _tables(top: Table, name: str, keys: Sequence[str], fields: Sequence[str]) -> Changes:
    found: Changes = {}
    for table in top.tables(name):
        key = tuple(_key(table, each) for each in keys)
        values = {}
        for each in fields:
            if not table.has(each):
                continue
            values[each] = tidied(each, table.text(each, "en tekst i anførselstegn", required=False, longest=320))
            if problem := problem_with(each, values[each]):
                table.problem(each, problem)
        if key in found:
            table.problem(keys[-1], f"{' '.join(key)} står der mere end én gang")
        found[key] = values
        table.finish()
    return found


def _key(table: Table, name: str) -> str:
    if name == "service":  # the empty one is the lines that are of no service
        return table.text(name, "en ydelses kode, eller tom", required=False)
    text = table.text(name, "en kode i anførselstegn")
    if name == "municipality" and text and (problem := municipality_problem(text)):
        table.problem(name, f"{display(text)} {problem}")
    return text


_HEADINGS = {
    "agreement": "agreement",
    "aftale": "agreement",
    "municipality": "municipality",
    "kommune": "municipality",
    "kommunekode": "municipality",
    "gln": "gln",
    "ean": "gln",
    "endpoint": "endpoint",
    "adressering": "endpoint",
    "buyer_reference": "buyer_reference",
    "reference": "buyer_reference",
    "order_reference": "order_reference",
    "ordrenummer": "order_reference",
    "accounting_cost": "accounting_cost",
    "kontostreng": "accounting_cost",
    "street": "street",
    "vej": "street",
    "postal_code": "postal_code",
    "postnummer": "postal_code",
    "city": "city",
    "by": "city",
}
_REQUIRED = {"agreement": "aftale", "municipality": "kommune"}


def _read_csv(name: str, content: bytes) -> TradingFile:
    findings = Findings(name)
    rows = list(csv.reader(io.StringIO(_text_of(name, content), newline=""), delimiter=";", strict=False))
    columns = _columns(findings, rows[0] if rows else [])
    findings.raise_if_any()
    buyers: Changes = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {column: row[place].strip() if place < len(row) else "" for column, place in columns.items()}
        key = _csv_key(findings, number, cells)
        # An empty cell of a spreadsheet says nothing; TOML and the command can clear a field.
        values = {column: tidied(column, text) for column, text in cells.items() if column not in _REQUIRED and text}
        for column, text in values.items():
            if problem := problem_with(column, text):
                findings.add(f"linje {number}, {column}", problem)
        if key in buyers:
            findings.add(f"linje {number}", f"{' '.join(key)} står der mere end én gang")
        buyers[key] = values
    if not buyers:
        findings.add("", "der er ingen linjer under overskrifterne")
    findings.raise_if_any()
    return TradingFile(buyers=buyers)


def _text_of(name: str, content: bytes) -> str:
    if len(content) > LARGEST_FILE_BYTES:
        raise Problems(source=name, problems=[f"filen er større end {LARGEST_FILE_BYTES // 1_000_000} MB"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _columns(findings: Findings, headings: Sequence[str]) -> Mapping[str, int]:
    columns: dict[str, int] = {}
    for place, heading in enumerate(headings):
        known = _HEADINGS.get(heading.strip().casefold())
        if known is None:
            findings.add("linje 1", f"ukendt kolonne {display(heading)}{nearest(heading, list(_HEADINGS))}")
        elif known in columns:
            findings.add("linje 1", f"kolonnen {display(heading)} står der mere end én gang")
        else:
            columns[known] = place
    for column, danish in _REQUIRED.items():
        if column not in columns:
            findings.add("linje 1", f'kolonnen "{column}" ("{danish}") mangler; kolonner adskilles af semikolon')
    return columns


def _csv_key(findings: Findings, number: int, cells: Mapping[str, str]) -> tuple[str, str]:
    agreement, who = cells["agreement"], cells["municipality"]
    by_name = find_by_name(who)
    code = by_name.code if by_name else who
    if not agreement:
        findings.add(f"linje {number}, agreement", "aftalens kode mangler")
    if problem := municipality_problem(code):
        findings.add(f"linje {number}, municipality", f"{display(who)} {problem}")
    return agreement, code
