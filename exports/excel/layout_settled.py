"""For the annual statement: a result key by key, by formulas, and what those who left were settled with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agreements.agreement import Agreement, Clause, MunicipalityCode
from billing.year_end_settlement.facts import ExitSettlement, KeyResult
from exports.excel.layout_keys import KEYS, MAIN_KEY
from exports.excel.layout_split import Split, SplitRow
from exports.excel.overview import Control
from exports.excel.sheet_draft import Column, SheetDraft, Table, kroner_column
from exports.excel.workbook import Sheet, Style
from foundation.money import kroner

DIVISION = "Nøglernes fordeling"
EXITS = "Udtræden"
NameOf: TypeAlias = Callable[[MunicipalityCode], str]


def key_sheets(keys: Sequence[KeyResult], year: int, name_of: NameOf) -> tuple[list[Sheet], Table | None]:
    """The sheets on each key's result and on its division; none where the result was divided by the total.

    Args:
        keys: As ``results_of_keys`` answers them.
        year: The accounting year.
        name_of: What a municipality is called.

    Returns:
        The sheets, and where the division stands.

    Source: docs/decisions/0032-results-by-key.md.
    """
    if not keys:
        return [], None
    results, results_table = _results(keys, year)
    division, division_table = _division(keys, year, name_of, results_table)
    return [results, division], division_table


def _results(keys: Sequence[KeyResult], year: int) -> tuple[Sheet, Table]:
    billed = [sum(key.billed_oere.values()) for key in keys]
    cost = [sum(key.cost_oere.values()) for key in keys]
    result = [key.result_oere for key in keys]
    draft = SheetDraft(
        KEYS,
        f"Nøglernes resultat {year}",
        "Forskellen på en budgetlinje falder på dem, der betaler linjen; positivt er et overskud i deres favør",
    )
    table = draft.table(
        [
            Column("group", "Nr.", Style.COUNT, list(range(1, len(keys) + 1))),
            Column("name", "Nøgle", Style.TEXT, [key.name or MAIN_KEY for key in keys]),
            Column("billed", "Opkrævet\n(øre)", Style.OERE, billed, None, sum(billed)),
            Column("cost", "Regnskab\n(øre)", Style.OERE, cost, None, sum(cost)),
            Column("result", "Resultat\n(øre)", Style.OERE, result, "={billed}-{cost}", sum(result)),
            kroner_column("result_kr", "Resultat\n(kr.)", "result", result),
        ],
        filtered=False,
    )
    return draft.finish(), table


def _division(keys: Sequence[KeyResult], year: int, name_of: NameOf, results: Table) -> tuple[Sheet, Table]:
    rows = [(number, key, who) for number, key in enumerate(keys, start=1) for who in sorted(key.weights)]
    split = Split(
        [SplitRow(number, key.weights[who]) for number, key, who in rows],
        {number: key.result_oere for number, key in enumerate(keys, start=1)},
        1,
    )
    draft = SheetDraft(DIVISION, f"Nøglernes fordeling {year}", "Hver nøgle for sig: største rest på hele øre")
    table = draft.table(
        [
            Column("group", "Nr.", Style.COUNT, [number for number, _, _ in rows]),
            Column("name", "Nøgle", Style.TEXT, [key.name or MAIN_KEY for _, key, _ in rows]),
            Column("code", "Kode", Style.CODE, [who for _, _, who in rows]),
            Column("payer", "Kommune", Style.TEXT, [name_of(who) for _, _, who in rows]),
            *split.columns([f"={results.cell('result', number - 1)}" for number, _, _ in rows], "1", "Tal"),
        ],
    )
    return draft.finish(frozen_columns=2), table


def key_control(
    keys: Sequence[KeyResult], division: Table, parts: Table, stored: Sequence[tuple[MunicipalityCode, int]]
) -> Control:
    """Whether each payer's part is what its keys give.

    Args:
        keys: The keys.
        division: From ``key_sheets``.
        parts: The list of the payers' parts, with columns ``code`` and ``result``.
        stored: (payer, its part), in the list's order.
    """
    given = {who: sum(key.parts.get(who, 0) for key in keys) for who, _ in stored}
    terms = [
        f"ABS({parts.cell('result', place)}-SUMPRODUCT(({division.column('code')}={parts.cell('code', place)})"
        f"*{division.column('share')}))"
        for place in range(len(stored))
    ]
    return Control(
        "Hver kommunes andel følger af nøglerne",
        "=" + "+".join(terms),
        sum(abs(amount - given[who]) for who, amount in stored),
        "Andel af resultatet minus det, nøglerne giver, uden fortegn.",
    )


@dataclass(frozen=True, slots=True)
class _ExitRow:
    """One line of a leaver's settlement."""

    of: ExitSettlement
    accounting_year: int
    what: str
    passed_on_oere: int = 0
    carried_oere: int = 0
    assets_oere: int = 0


def _rows_of_exit(settlement: ExitSettlement, name_of: NameOf) -> list[_ExitRow]:
    rows = [
        _ExitRow(settlement, line.accounting_year, name_of(line.provider), line.passed_on_oere, line.carried_oere)
        for line in settlement.lines
    ]
    if settlement.net_assets is not None:
        what = f"Nettoformue {kroner(settlement.net_assets.net_assets_oere)}: {settlement.net_assets.evidence}"
        rows.append(_ExitRow(settlement, settlement.left_on.year, what, assets_oere=settlement.share_oere))
    return rows


def exits_sheet(
    agreement: Agreement, exits: Sequence[ExitSettlement], year: int, name_of: NameOf
) -> tuple[Sheet, Table]:
    """The list of those who left with the year, with what each was settled with.

    Source: agreement § 6 stk. 8; docs/decisions/0034-true-up-and-net-assets.md.
    """
    ordered = sorted(exits, key=lambda settlement: (settlement.left_on, settlement.municipality))
    rows = [row for settlement in ordered for row in _rows_of_exit(settlement, name_of)]
    passed_on = [row.passed_on_oere for row in rows]
    carried = [row.carried_oere for row in rows]
    assets = [row.assets_oere for row in rows]
    settled = [row.passed_on_oere + row.carried_oere + row.assets_oere for row in rows]
    asked = [-amount for amount in settled]
    draft = SheetDraft(
        EXITS,
        f"Afregning ved udtræden, opgjort med {year}",
        agreement.citing(
            Clause.EXIT, "et positivt beløb til kommunen udbetales ved kreditnota, et negativt faktureres"
        ),
    )
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, [row.of.municipality for row in rows]),
            Column("name", "Kommune", Style.TEXT, [name_of(row.of.municipality) for row in rows]),
            Column("left_on", "Sidste dag\ni aftalen", Style.DATE, [row.of.left_on for row in rows]),
            Column("year", "Regnskabs-\når", Style.CODE, [str(row.accounting_year) for row in rows]),
            Column("provider", "Leverandør", Style.TEXT, [row.what for row in rows]),
            Column("number", "Bilag", Style.TEXT, [row.of.number or "ikke udstedt" for row in rows]),
            Column("issued", "Dato", Style.DATE, [row.of.issue_date for row in rows]),
            Column("passed_on", "Ikke indregnet\n(øre)", Style.OERE, passed_on, None, sum(passed_on)),
            Column("carried", "Overført\n(øre)", Style.OERE, carried, None, sum(carried)),
            Column("assets", "Andel af netto-\nformue (øre)", Style.OERE, assets, None, sum(assets)),
            Column(
                "settled", "Til kommunen\n(øre)", Style.OERE, settled, "={passed_on}+{carried}+{assets}", sum(settled)
            ),
            kroner_column("settled_kr", "Til kommunen\n(kr.)", "settled", settled),
            Column("asked", "Bilagets\nbeløb (øre)", Style.OERE, asked, "=-{settled}", sum(asked)),
        ],
        nothing="Ingen kommuner er trådt ud.",
    )
    return draft.finish(frozen_columns=2), table
