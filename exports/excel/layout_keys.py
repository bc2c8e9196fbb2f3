"""Beregning of a price by several keys, or over pieces of a year: every portion by largest remainder, by formulas.

Cost lines -> each key's cost -> the pieces of the year -> the payers of each -> shares -> obligation -> instalments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agreements.agreement import AllocationKey, MunicipalityCode
from agreements.schedule import instalment_of, weights_of_months
from billing.annual_subscription.division_rules import length_of, pieces_of_year
from billing.annual_subscription.facts import Division, Portion, SubscriptionPart
from billing.annual_subscription.key_words import KEY_WORDS, figure_words
from exports.excel.layout_division import (
    COST,
    OBLIGATION,
    RESULTS,
    lay_out_cost,
    lay_out_obligation,
    lay_out_results,
)
from exports.excel.layout_instalments import WITHOUT_NUMBER
from exports.excel.layout_split import Split, SplitRow
from exports.excel.overview import ChartPlan, Control, Fact, Step, overview
from exports.excel.sheet_draft import Column, SheetDraft, Table, kroner_column
from exports.excel.workbook import Series, Sheet, Style, Workbook
from exports.excel.year_figures import YearFigures
from foundation.money import OERE_PER_KRONE, kroner, weighted_parts
from foundation.period import BillingYear, Period

KEYS = "Nøgler"
PIECES = "Perioder"
DIVISION = "Fordeling"
RATES = "Rater"
MAIN_KEY = "hovednøgle"


class _Keyed:
    """A price with a division, in the order in which its sheets tell it."""

    def __init__(self, year: YearFigures, division: Division) -> None:
        self.year, self.division = year, division
        self.price = year.subscription
        self.terms = year.agreement.terms
        self.unit = self.price.unit_oere
        year.shares = [part.share_oere for part in year.parts]
        year.obligations = [part.obligation_oere for part in year.parts]
        first: dict[str, Portion] = {}
        for portion in division.portions:
            first.setdefault(portion.name, portion)
        self.keys = list(first.values())
        self.number_of = {portion.name: number for number, portion in enumerate(self.keys, start=1)}
        self.pieces = {
            key.name: pieces_of_year(self.price.year, division.days.values(), key.terms) for key in self.keys
        }
        net = {line.key: line.net_oere for line in self.price.cost_lines}
        self.key_cost = {number: sum(net[line] for line in key.lines) for number, key in enumerate(self.keys, start=1)}

    def length(self, piece: Period) -> int:
        return length_of(piece, self.terms.allocation.partial_year)


def keyed_workbook(year: YearFigures, division: Division, title: str) -> Workbook:
    """Lay out a price that is divided by several keys or over pieces of the year.

    Args:
        year: The figures; its shares and obligations are set to the price's.
        division: The price's.
        title: The workbook's.

    Returns:
        The workbook; each formula has the value that it comes to.

    Source: docs/decisions/0037-allocation-keys.md, 0038-schedules.md.
    """
    keyed = _Keyed(year, division)
    lines = sorted(keyed.price.cost_lines, key=lambda line: line.key)
    key_of = {line: keyed.number_of[key.name] for key in keyed.keys for line in key.lines}
    cost, cost_table = lay_out_cost(year, [key_of.get(line.key, 0) for line in lines])
    keys, keys_table, unit_cell = _lay_out_keys(keyed, cost_table)
    pieces, pieces_table = _lay_out_pieces(keyed, keys_table, unit_cell)
    shares, shares_table = _lay_out_shares(keyed, pieces_table, unit_cell)
    results, results_table = lay_out_results(year)
    of_payer = f"=SUMPRODUCT(({shares_table.column('code')}={{code}})*{shares_table.column('share')})"
    obligation, obligation_table = lay_out_obligation(year, shares_table, results_table, of_payer)
    rates, rates_table = _lay_out_rates(keyed, obligation_table, unit_cell)
    tables = {
        "cost": cost_table,
        "pieces": pieces_table,
        "shares": shares_table,
        "results": results_table,
        "obligation": obligation_table,
        "rates": rates_table,
    }
    return Workbook(
        title=title,
        subject=year.agreement.title,
        created=keyed.price.calculated_on or keyed.price.reference_date,
        sheets=(_overview(keyed, tables), cost, keys, pieces, shares, results, obligation, rates),
    )


def _lay_out_keys(keyed: _Keyed, cost: Table) -> tuple[Sheet, Table, str]:
    """Nøgler: what each key is, the lines that it splits, and what they cost."""
    draft = SheetDraft(KEYS, f"Nøgler {keyed.price.year}", "Hver budgetlinje fordeles efter én nøgle")
    numbers = list(keyed.key_cost)
    costs = list(keyed.key_cost.values())
    table = draft.table(
        [
            Column("group", "Nr.", Style.COUNT, numbers),
            Column("name", "Nøgle", Style.TEXT, [key.name or MAIN_KEY for key in keyed.keys]),
            Column("kind", "Fordelt efter", Style.TEXT, [KEY_WORDS[key.terms.key] for key in keyed.keys]),
            Column("lines", "Budgetlinjer", Style.COUNT, [len(key.lines) for key in keyed.keys]),
            Column(
                "cost",
                "Udgift\n(øre)",
                Style.OERE,
                costs,
                f"=SUMPRODUCT(({cost.column('key')}={{group}})*{cost.column('net')})",
                sum(costs),
            ),
            kroner_column("kroner", "Udgift\n(kr.)", "cost", costs),
        ],
        filtered=False,
    )
    row = table.last + 4
    draft.put(row, 0, "Enhed (øre)", spills=True)
    unit_cell = draft.put(row, 4, keyed.unit, Style.COUNT)
    draft.put(row, 5, "Aftalens vilkår: 1 er hele øre, 100 er hele kroner", spills=True)
    return draft.finish(), table, unit_cell


def _lay_out_pieces(keyed: _Keyed, keys: Table, unit_cell: str) -> tuple[Sheet, Table]:
    """Perioder: each key's cost over the pieces of the year, also those in which nobody pays."""
    entries = [
        (number, key, piece) for number, key in enumerate(keyed.keys, start=1) for piece in keyed.pieces[key.name]
    ]
    split = Split([SplitRow(number, keyed.length(piece)) for number, _, piece in entries], keyed.key_cost, keyed.unit)
    paid = {(portion.name, portion.days) for portion in keyed.division.portions}
    is_paid = [1 if (key.name, piece) in paid else 0 for _, key, piece in entries]
    billed = [share * flag for share, flag in zip(split.share, is_paid, strict=True)]
    by_days = keyed.terms.allocation.partial_year == "days"
    draft = SheetDraft(
        PIECES,
        f"Perioder {keyed.price.year}",
        "Året deles, hvor nogen indtræder eller udtræder, eller nøglen ændres; udgiften følger "
        f"{'dagene' if by_days else 'månederne'}, største rest på hele enheder",
    )
    columns = split.columns(
        [f"={keys.cell('cost', number - 1)}" for number, _, _ in entries], unit_cell, "Dage" if by_days else "Måneder"
    )
    table = draft.table(
        [
            Column("group", "Nøgle\nnr.", Style.COUNT, [number for number, _, _ in entries]),
            Column("name", "Nøgle", Style.TEXT, [key.name or MAIN_KEY for _, key, _ in entries]),
            Column("from", "Fra", Style.DATE, [piece.from_day for _, _, piece in entries]),
            Column("to", "Til og med", Style.DATE, [piece.last_day for _, _, piece in entries]),
            *columns,
            Column("paid", "Betales\n(1/0)", Style.COUNT, is_paid),
            Column("billed", "Fordeles\n(øre)", Style.OERE, billed, "={share}*{paid}", sum(billed)),
        ],
    )
    return draft.finish(frozen_columns=2), table


def _lay_out_shares(keyed: _Keyed, pieces: Table, unit_cell: str) -> tuple[Sheet, Table]:
    """Fordeling: every portion among those who pay it."""
    portions = keyed.division.portions
    rows = [(number, portion, share) for number, portion in enumerate(portions, start=1) for share in portion.shares]
    places = [(key.name, piece) for key in keyed.keys for piece in keyed.pieces[key.name]]
    split = Split(
        [SplitRow(number, share.figure.inhabitants) for number, _, share in rows],
        {number: portion.cost_oere for number, portion in enumerate(portions, start=1)},
        keyed.unit,
    )
    totals = [f"={pieces.cell('share', places.index((portion.name, portion.days)))}" for _, portion, _ in rows]
    draft = SheetDraft(
        DIVISION,
        f"Fordeling {keyed.price.year}",
        "Hver nøgle og periode for sig: største rest på hele enheder; lige rester til laveste kode",
    )
    table = draft.table(
        [
            Column("group", "Del\nnr.", Style.COUNT, [number for number, _, _ in rows]),
            Column("name", "Nøgle", Style.TEXT, [portion.name or MAIN_KEY for _, portion, _ in rows]),
            Column("from", "Fra", Style.DATE, [portion.days.from_day for _, portion, _ in rows]),
            Column("to", "Til og med", Style.DATE, [portion.days.last_day for _, portion, _ in rows]),
            Column("code", "Kode", Style.CODE, [share.municipality for _, _, share in rows]),
            Column("payer", "Kommune", Style.TEXT, [keyed.year.name(share.municipality) for _, _, share in rows]),
            Column(
                "words",
                "Tallet",
                Style.TEXT,
                [figure_words(portion.terms, share.figure.inhabitants) for _, portion, share in rows],
            ),
            Column("on", "Opgjort\npr.", Style.DATE, [share.figure.on for _, _, share in rows]),
            Column("source", "Kilde", Style.TEXT, [share.figure.source for _, _, share in rows]),
            *split.columns(totals, unit_cell, "Fordelingstal"),
        ],
    )
    return draft.finish(frozen_columns=2), table


@dataclass(frozen=True, slots=True)
class _Rates:
    """One payer's instalments as the rule cuts them."""

    part: SubscriptionPart
    weights: list[int]
    is_open: list[int]
    by_rule: bool

    @property
    def rest(self) -> int:
        """What is cut."""
        kept = [each.amount_oere for each, flag in zip(self.part.instalments, self.is_open, strict=True) if not flag]
        return self.part.obligation_oere - sum(kept)

    @property
    def open_weight(self) -> int:
        """What the instalments that it is cut into weigh together."""
        return sum(weight for weight, flag in zip(self.weights, self.is_open, strict=True) if flag)


def _rates_of(keyed: _Keyed, part: SubscriptionPart) -> _Rates:
    whole = BillingYear(keyed.price.year).period
    own = keyed.division.days.get(part.municipality, whole)
    terms = keyed.terms
    found = weights_of_months(terms.advance, keyed.price.year, own, terms.allocation.partial_year)
    weights = [found.get(each.month, 1) for each in part.instalments]
    spread = [0 if each.invoiced else 1 for each in part.instalments]
    for is_open in (spread, [1] * len(spread)):
        rates = _Rates(part, weights, is_open, by_rule=True)
        open_weights = [weight for weight, flag in zip(weights, is_open, strict=True) if flag]
        amounts = [each.amount_oere for each, flag in zip(part.instalments, is_open, strict=True) if flag]
        cut = list(weighted_parts(rates.rest, open_weights, keyed.unit)) if open_weights else []
        if amounts == cut and (amounts or rates.rest == 0):
            return rates
    return _Rates(part, weights, [1] * len(spread), by_rule=False)


def _lay_out_rates(keyed: _Keyed, obligation: Table, unit_cell: str) -> tuple[Sheet, Table]:
    """Rater: what was invoiced stands, the rest of each payer's is cut by weight, and the last takes what remains."""
    year = keyed.year
    payers = [_rates_of(keyed, part) for part in year.parts]
    rows = [(index, rates, place) for index, rates in enumerate(payers) for place in range(len(rates.weights))]
    instalments = [rates.part.instalments[place] for _, rates, place in rows]
    is_open = [rates.is_open[place] for _, rates, place in rows]
    kept = [0 if flag else each.amount_oere for each, flag in zip(instalments, is_open, strict=True)]
    amounts = [each.amount_oere for each in instalments]
    unit = keyed.unit
    each_rate = [
        rates.rest * rates.weights[place] // (rates.open_weight * unit) * unit if rates.open_weight else 0
        for _, rates, place in rows
    ]
    later = [sum(rates.is_open[place + 1 :]) for _, rates, place in rows]
    mine = "({code:all}={code})"
    draft = SheetDraft(
        RATES,
        f"Rater {keyed.price.year}",
        "Aftalens betalingsplan: resten deles efter rateandel, rundet ned; den sidste rate tager resten",
    )
    last = f"{{rest}}-SUMPRODUCT({mine}*{{open:all}}*{{rate:all}})+{{rate}}"
    formula = f"=IF({{open}}=0,{{kept}},IF({{later}}=0,{last},{{rate}}))"
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, [rates.part.municipality for _, rates, _ in rows]),
            Column("name", "Kommune", Style.TEXT, [year.name(rates.part.municipality) for _, rates, _ in rows]),
            Column("number", "Rate\nnr.", Style.COUNT, [place + 1 for _, _, place in rows]),
            Column(
                "months",
                "For",
                Style.TEXT,
                [instalment_of(keyed.terms.advance, each.month).danish for each in instalments],
            ),
            Column("weight", "Rateandel", Style.COUNT, [rates.weights[place] for _, rates, place in rows]),
            Column("open", "Deles\n(1/0)", Style.COUNT, is_open),
            Column(
                "invoice",
                "Faktura",
                Style.TEXT,
                [_number(keyed, rates.part.municipality, place, rates) for _, rates, place in rows],
            ),
            Column("kept", "Faktureret\n(øre)", Style.OERE_INVOICED, kept, None, sum(kept)),
            Column(
                "rest",
                "Til deling\n(øre)",
                Style.OERE,
                [rates.rest for _, rates, _ in rows],
                [f"={obligation.cell('obligation', index)}-SUMPRODUCT({mine}*{{kept:all}})" for index, _, _ in rows],
            ),
            Column(
                "open_weight",
                "Rateandele\ni alt",
                Style.COUNT,
                [rates.open_weight for _, rates, _ in rows],
                f"=SUMPRODUCT({mine}*{{open:all}}*{{weight:all}})",
            ),
            Column(
                "rate",
                "Rundet ned\n(øre)",
                Style.OERE,
                each_rate,
                f"=IF({{open_weight}}=0,0,INT({{rest}}*{{weight}}/({{open_weight}}*{unit_cell}))*{unit_cell})",
            ),
            Column(
                "later",
                "Rater\nderefter",
                Style.COUNT,
                later,
                f"=SUMPRODUCT({mine}*{{open:all}}*({{number:all}}>{{number}}))",
            ),
            Column(
                "amount",
                "Rate\n(øre)",
                Style.OERE,
                amounts,
                [formula if rates.by_rule else None for _, rates, _ in rows],
                sum(amounts),
            ),
            kroner_column("kroner", "Rate\n(kr.)", "amount", amounts),
        ],
    )
    return draft.finish(frozen_columns=2), table


def _number(keyed: _Keyed, code: MunicipalityCode, place: int, rates: _Rates) -> str:
    instalment = rates.part.instalments[place]
    return keyed.year.references.get((code, instalment.month), WITHOUT_NUMBER) if instalment.invoiced else ""


def _overview(keyed: _Keyed, tables: Mapping[str, Table]) -> Sheet:
    year, price = keyed.year, keyed.price
    owed, billed = sum(year.obligations), sum(each.amount_oere for part in year.parts for each in part.instalments)
    lines = sum(line.net_oere for line in price.cost_lines)
    steps = [
        Step("1. Udgifter", (tables["cost"].total("net"), lines), "", "Hver budgetlinje og dens nøgle.", COST),
        Step("2. Nøgler", None, "", "Hver nøgles udgift.", KEYS),
        Step(
            "3. Perioder",
            (tables["pieces"].total("billed"), price.cost_oere),
            "",
            "Udgiften i de dele af året, hvor nogen betaler den.",
            PIECES,
        ),
        Step(
            "4. Fordeling",
            (tables["shares"].total("share"), sum(year.shares)),
            "",
            "Hver nøgle og periode fordelt på dem, der betaler.",
            DIVISION,
        ),
        Step(
            "5. Resultater",
            (tables["results"].total("amount"), price.passed_on_oere),
            "",
            "Det, der indregnes af tidligere års resultater.",
            RESULTS,
        ),
        Step(
            "6. Forpligtelse",
            (tables["obligation"].total("obligation"), owed),
            "",
            "Andele minus indregnede resultater.",
            OBLIGATION,
        ),
        Step("7. Rater", (tables["rates"].total("amount"), billed), "", "Forpligtelsen delt i rater.", RATES),
    ]
    shares, pieces = tables["shares"], tables["pieces"]
    controls = [
        Control(
            "Andelene er lig det, der fordeles",
            f"={shares.total('share')}-{pieces.total('billed')}",
            sum(year.shares) - price.cost_oere,
            "Sum af andele minus udgiften i de perioder, hvor nogen betaler.",
        ),
        Control(
            "Perioderne er lig udgifterne",
            f"={pieces.total('share')}-{tables['cost'].total('net')}",
            0,
            "Alle perioder, også uden betalere, minus sum af udgifter.",
        ),
        Control(
            "Raterne er lig forpligtelserne",
            f"={tables['rates'].total('amount')}-{tables['obligation'].total('obligation')}",
            billed - owed,
            "Sum af rater minus sum af forpligtelser.",
        ),
        Control(
            "Regnearket giver programmets tal",
            f"=SUMPRODUCT(ABS({tables['obligation'].column('difference')}))",
            0,
            "Forpligtelserne her minus dem, der er gemt i denne version.",
        ),
    ]
    ranked = sorted(zip(year.obligations, year.names, strict=True))
    obligation = tables["obligation"]
    return overview(
        f"Beregning {price.year}",
        year.agreement.title,
        facts=_facts(keyed),
        steps=steps,
        controls=controls,
        chart=ChartPlan(
            title=f"Forpligtelse {price.year} pr. kommune (kr.)",
            alt_text=(
                f"Søjlediagram over forpligtelsen for {price.year} i kroner for {len(ranked)} kommuner, "
                f"i alt {kroner(owed)}"
            ),
            series=(Series("Forpligtelse (kr.)", obligation.column("name"), obligation.column("kroner")),),
            categories=len(ranked),
        ),
    )


def _facts(keyed: _Keyed) -> list[Fact]:
    price, agreement = keyed.price, keyed.year.agreement
    rounding = {1: "hele øre", OERE_PER_KRONE: "hele kroner"}.get(keyed.unit, f"hele enheder a {keyed.unit} øre")
    counted = [key for key in keyed.keys if key.terms.key is AllocationKey.POPULATION]
    facts = [
        Fact("Aftale", agreement.code),
        Fact("Lovgrundlag", agreement.legal_basis),
        Fact("Aftaleår", str(price.year)),
        Fact("Version", str(price.version)),
        Fact("Beregnet", price.calculated_on or "ikke gemt", Style.DATE),
        Fact("Afrunding", f"{rounding}, største rest"),
        Fact("Nøgler", ", ".join(dict.fromkeys(KEY_WORDS[key.terms.key] for key in keyed.keys))),
        Fact("Rater om året", str(keyed.terms.advance.instalments)),
        Fact("Afsender af regningen", keyed.year.name(agreement.issuer)),
    ]
    if agreement.is_trued_up(price.year):
        facts.append(Fact("Årets resultat", "efterreguleres på bilag for sig; indgår ikke i nogen pris"))
    if counted:
        facts.append(Fact("Indbyggertal opgjort pr.", price.reference_date, Style.DATE))
    return facts
