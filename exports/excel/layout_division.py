"""The sheets of a year's calculation from cost lines to obligations."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from agreements.agreement import Clause, CostKind
from billing.accounts.facts import ResultSource
from exports.excel.sheet_draft import HEAD_ROW, Column, SheetDraft, Table, kroner_column
from exports.excel.workbook import Sheet, Style, address
from exports.excel.year_figures import YearFigures

COST = "Udgifter"
BASIS = "Grundlag"
DIVISION = "Fordeling"
RESULTS = "Resultater"
OBLIGATION = "Forpligtelse"

COST_KINDS = {
    CostKind.COST: "Udgift",
    CostKind.GRANT: "Tilskud",
    CostKind.SURPLUS_CAPACITY_INCOME: "Salg af overskudskapacitet",
}


def lay_out_cost(year: YearFigures, keys: Sequence[int] = ()) -> tuple[Sheet, Table]:
    """Udgifter: the cost line by line and its sum (§ 6 stk. 1); with the number of each line's key, where there are."""
    lines = sorted(year.subscription.cost_lines, key=lambda line: line.key)
    net = [line.net_oere for line in lines]
    draft = SheetDraft(
        COST, f"Udgifter {year.subscription.year}", year.agreement.citing(Clause.COST, "alle udgifter linje for linje")
    )
    table = draft.table(
        [
            Column("provider", "Kode", Style.CODE, [line.key.provider for line in lines]),
            Column("name", "Leverandør", Style.TEXT, [year.name(line.key.provider) for line in lines]),
            Column(
                "service",
                "Ydelse",
                Style.TEXT,
                [year.services.get(line.key.service, line.key.service) for line in lines],
            ),
            Column("kind", "Art", Style.TEXT, [COST_KINDS[line.key.kind] for line in lines]),
            Column("line", "Linje", Style.TEXT, [line.key.line for line in lines]),
            Column("note", "Bemærkning", Style.TEXT, [line.note for line in lines]),
            Column("amount", "Beløb\n(øre)", Style.OERE, [line.amount_oere for line in lines]),
            Column(
                "sign",
                "Fortegn",
                Style.COUNT,
                [1 if line.key.kind is CostKind.COST else -1 for line in lines],
                f'=IF({{kind}}="{COST_KINDS[CostKind.COST]}",1,-1)',
            ),
            Column("net", "Nettobeløb\n(øre)", Style.OERE, net, "={amount}*{sign}", sum(net)),
            kroner_column("kroner", "Nettobeløb\n(kr.)", "net", net),
            *([Column("key", "Nøgle\nnr.", Style.COUNT, keys)] if keys else []),
        ],
        nothing="Der er ingen budgetlinjer.",
        total="Udgift til fordeling",
    )
    return draft.finish(frozen_columns=2), table


class Basis:
    """The cells of the sheet Grundlag, which the division's formulas name before the sheet is laid out."""

    cost, unit, sign, units, odd, weight, each, rest, placed, left_over = (
        address(BASIS, HEAD_ROW + 1 + place, 1) for place in range(10)
    )


def lay_out_division(year: YearFigures) -> tuple[Sheet, Table]:
    """Fordeling: inhabitants, share, quota, rank and what falls on each (§ 6 stk. 2; domain rule 3)."""
    parts = year.parts
    whole = year.whole_weight
    counted = "Indbyggere" if all(part.weight == part.population.inhabitants for part in parts) else "Fordelingstal"
    product = f"{Basis.rest}*{{weight}}"
    draft = SheetDraft(
        DIVISION,
        f"Fordeling {year.subscription.year}",
        year.agreement.citing(
            Clause.SHARES, "efter befolkningsandel, største rest på hele enheder; lige rester til laveste kode"
        ),
    )
    table = draft.table(
        [
            year.column_code(),
            year.column_name(),
            Column("weight", counted, Style.COUNT, year.weights, None, whole),
            Column("on", "Opgjort\npr.", Style.DATE, [part.population.on for part in parts]),
            Column("source", "Kilde", Style.TEXT, [part.population.source for part in parts]),
            Column("fetched", "Hentet", Style.DATE, [part.population.fetched_on for part in parts]),
            Column(
                "fraction",
                "Andel\n(brøk)",
                Style.TEXT,
                [f"{weight}/{whole}" for weight in year.weights],
                '={weight}&"/"&{weight:sum}',
            ),
            Column(
                "percent",
                "Andel\n(%)",
                Style.PERCENT,
                [Fraction(weight, whole) for weight in year.weights],
                "={weight}/{weight:sum}",
                1,
            ),
            Column(
                "units",
                "Hele\nenheder",
                Style.COUNT,
                year.whole_units,
                f"={Basis.each}*{{weight}}+INT({product}/{{weight:sum}})",
                sum(year.whole_units),
            ),
            Column(
                "remainder",
                "Rest\n(tæller)",
                Style.COUNT,
                year.remainders,
                f"={product}-{{weight:sum}}*INT({product}/{{weight:sum}})",
                sum(year.remainders),
            ),
            Column(
                "quota",
                "Nøjagtig\nkvote",
                Style.DECIMAL,
                [Fraction(year.units * weight, whole) for weight in year.weights],
                "={units}+{remainder}/{weight:sum}",
                year.units,
            ),
            Column(
                "rank",
                "Rang",
                Style.COUNT,
                year.ranks,
                "=SUMPRODUCT(--({remainder:all}>{remainder}))+SUMPRODUCT(--({remainder:down}={remainder}))",
            ),
            Column(
                "extra",
                "Ekstra\nenhed",
                Style.COUNT,
                year.extra,
                f"=IF({{rank}}<={Basis.left_over},1,0)",
                sum(year.extra),
            ),
            Column(
                "odd",
                "Øre under\nen enhed",
                Style.OERE,
                year.odd,
                "=IF({weight}=MAX({weight:all}),IF(SUMPRODUCT(--({weight:down}={weight}))=1," + Basis.odd + ",0),0)",
                sum(year.odd),
            ),
            Column(
                "share",
                "Andel\n(øre)",
                Style.OERE,
                year.shares,
                f"={Basis.sign}*(({{units}}+{{extra}})*{Basis.unit}+{{odd}})",
                sum(year.shares),
            ),
            kroner_column("kroner", "Andel\n(kr.)", "share", year.shares),
        ],
    )
    return draft.finish(frozen_columns=2), table


def lay_out_basis(year: YearFigures, cost: Table, division: Table) -> Sheet:
    """Grundlag: the few figures that all rows of the division share."""
    unit = year.subscription.unit_oere
    each, rest = divmod(year.units, year.whole_weight)
    rows: list[tuple[str, int, str | None, str]] = [
        ("Udgift til fordeling (øre)", year.subscription.cost_oere, f"={cost.total('net')}", f"Fra arket {COST}"),
        ("Enhed (øre)", unit, None, "Aftalens vilkår: 1 er hele øre, 100 er hele kroner"),
        (
            "Fortegn",
            year.sign,
            f"=IF({Basis.cost}<0,-1,1)",
            "En negativ udgift fordeles som den samme udgift med modsat fortegn",
        ),
        ("Enheder i alt", year.units, f"=INT(ABS({Basis.cost})/{Basis.unit})", "Udgiften i hele enheder"),
        (
            "Øre under en enhed",
            year.odd_oere,
            f"=ABS({Basis.cost})-{Basis.units}*{Basis.unit}",
            "Tillægges den største andel; ved flere lige store den med laveste kode",
        ),
        ("Fordelingstal i alt", year.whole_weight, f"={division.total('weight')}", f"Fra arket {DIVISION}"),
        (
            "Hele enheder pr. indbygger",
            each,
            f"=INT({Basis.units}/{Basis.weight})",
            "Kvoten regnes i to led, så ingen mellemregning bliver større, end et regneark regner nøjagtigt",
        ),
        ("Rest efter hele enheder pr. indbygger", rest, f"={Basis.units}-{Basis.each}*{Basis.weight}", "Andet led"),
        ("Enheder fordelt som hele kvoter", sum(year.whole_units), f"={division.total('units')}", "Rundet ned"),
        (
            "Enheder tilbage",
            year.left_over,
            f"={Basis.units}-{Basis.placed}",
            "En til hver af dem med de største rester",
        ),
    ]
    draft = SheetDraft(BASIS, f"Grundlag {year.subscription.year}", "Fra udgift til hele enheder, der kan fordeles")
    draft.table(
        [
            Column("label", "Størrelse", Style.TEXT, [row[0] for row in rows]),
            Column("value", "Værdi", Style.COUNT, [row[1] for row in rows], [row[2] for row in rows]),
            Column("words", "Forklaring", Style.TEXT, [row[3] for row in rows]),
        ],
        total=None,
        filtered=False,
    )
    return draft.finish()


def lay_out_results(year: YearFigures) -> tuple[Sheet, Table]:
    """Resultater: what is passed on of earlier years, by municipality, year and provider (domain rule 9)."""
    rows = [
        (part.municipality, source, amount) for part in year.parts for source, amount in sorted(part.passed_on.items())
    ]
    amounts = [amount for _, _, amount in rows]
    draft = SheetDraft(
        RESULTS,
        f"Tidligere års resultater i {year.subscription.year}",
        year.agreement.citing(
            Clause.PASSED_ON, "et overskud (positivt) nedsætter forpligtelsen, et underskud forhøjer den"
        ),
    )
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, [code for code, _, _ in rows]),
            Column("name", "Kommune", Style.TEXT, [year.name(code) for code, _, _ in rows]),
            Column("year", "Regnskabsår", Style.CODE, [str(source.accounting_year) for _, source, _ in rows]),
            Column("provider", "Leverandør-\nkode", Style.CODE, [source.provider for _, source, _ in rows]),
            Column("provider_name", "Leverandør", Style.TEXT, [year.name(source.provider) for _, source, _ in rows]),
            Column("amount", "Indregnet\n(øre)", Style.OERE, amounts, None, sum(amounts)),
            kroner_column("kroner", "Indregnet\n(kr.)", "amount", amounts),
            Column(
                "effect",
                "Virkning",
                Style.TEXT,
                [_effect(amount) for amount in amounts],
                '=IF({amount}<0,"forhøjer forpligtelsen","nedsætter forpligtelsen")',
            ),
        ],
        nothing=f"Ingen tidligere års resultater indregnes i {year.subscription.year}.",
    )
    return draft.finish(frozen_columns=2), table


def _effect(amount_oere: int) -> str:
    return "forhøjer forpligtelsen" if amount_oere < 0 else "nedsætter forpligtelsen"


def lay_out_obligation(
    year: YearFigures, division: Table, results: Table, shares: str | None = None
) -> tuple[Sheet, Table]:
    """Forpligtelse: share less passed-on results, beside what the program stored (domain rule 1).

    Args:
        year: The figures.
        division: Where the shares stand.
        results: Where the results stand.
        shares: How a row's share is found, where the division has not one row for each payer.
    """
    sources = [_source_column(year, source, results) for source in year.sources]
    passed_on = [part.passed_on_oere for part in year.parts]
    stored = [part.obligation_oere for part in year.parts]
    count = len(year.parts)
    draft = SheetDraft(
        OBLIGATION,
        f"Forpligtelse {year.subscription.year}",
        year.agreement.citing(
            Clause.OBLIGATION, "andelen af udgiften minus det, der indregnes af tidligere års resultater"
        ),
    )
    table = draft.table(
        [
            year.column_code(),
            year.column_name(),
            Column(
                "share",
                "Andel\n(øre)",
                Style.OERE,
                year.shares,
                shares or [f"={division.cell('share', index)}" for index in range(count)],
                sum(year.shares),
            ),
            *sources,
            Column(
                "passed_on",
                "Indregnet\ni alt (øre)",
                Style.OERE,
                passed_on,
                "=" + ("+".join(f"{{{column.key}}}" for column in sources) or "0"),
                sum(passed_on),
            ),
            Column(
                "obligation",
                "Forpligtelse\n(øre)",
                Style.OERE,
                year.obligations,
                "={share}-{passed_on}",
                sum(year.obligations),
            ),
            kroner_column("kroner", "Forpligtelse\n(kr.)", "obligation", year.obligations),
            Column("stored", "Programmets\ntal (øre)", Style.OERE, stored, None, sum(stored)),
            Column(
                "difference",
                "Afvigelse\n(øre)",
                Style.OERE,
                [own - other for own, other in zip(year.obligations, stored, strict=True)],
                "={obligation}-{stored}",
                sum(year.obligations) - sum(stored),
            ),
        ],
    )
    return draft.finish(frozen_columns=2), table


def _source_column(year: YearFigures, source: ResultSource, results: Table) -> Column:
    amounts = [part.passed_on.get(source, 0) for part in year.parts]
    keys = [key for part in year.parts for key in sorted(part.passed_on)]
    where = keys.index(source)  # a row of the list that names this source, so that the formula holds no text
    return Column(
        f"source_{source.accounting_year}_{source.provider}",
        f"{source.accounting_year}, {year.name(source.provider)}\n(øre)",
        Style.OERE,
        amounts,
        f"=SUMPRODUCT(({results.column('code')}={{code}})"
        f"*({results.column('year')}={results.cell('year', where)})"
        f"*({results.column('provider')}={results.cell('provider', where)})"
        f"*{results.column('amount')})",
        sum(amounts),
    )
