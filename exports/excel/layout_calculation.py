"""Beregning: one version of a year's calculation, from the cost lines to the twelve instalments.

An auditor can follow every figure with the spreadsheet's own arrows: cost lines -> total -> øre -> quota -> whole
units -> remainder and rank -> share -> earlier results -> obligation -> instalments -> control sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agreements.agreement import Agreement, Clause, MunicipalityCode
from billing.annual_subscription.facts import AnnualSubscription, Correction
from exports.excel.layout_division import (
    BASIS,
    COST,
    DIVISION,
    OBLIGATION,
    RESULTS,
    Basis,
    lay_out_basis,
    lay_out_cost,
    lay_out_division,
    lay_out_obligation,
    lay_out_results,
)
from exports.excel.layout_instalments import (
    INSTALMENT_STEPS,
    INSTALMENTS,
    INSTALMENTS_OERE,
    INVOICED,
    lay_out_instalment_steps,
    lay_out_instalments,
    lay_out_instalments_oere,
    lay_out_invoiced,
)
from exports.excel.layout_keys import keyed_workbook
from exports.excel.overview import ChartPlan, Control, Fact, Step, overview
from exports.excel.sheet_draft import Table
from exports.excel.workbook import Series, Sheet, Style, Workbook
from exports.excel.year_figures import InvoiceNumbers, YearFigures
from foundation.money import OERE_PER_KRONE, kroner


def calculation_workbook(
    agreement: Agreement,
    subscription: AnnualSubscription,
    names: Mapping[MunicipalityCode, str],
    references: InvoiceNumbers,
) -> Workbook:
    """Lay out one version of a year's calculation (Beregning).

    The formulas are exact for totals up to 10^13 øre and 10^7 inhabitants: what a double or a spreadsheet's INT would
    round off never arises, see docs/decisions/0008-workbooks.md.

    Args:
        agreement: Its title, services and terms.
        subscription: The version.
        names: Code -> the municipality's name; a code without one shows itself.
        references: (Municipality, month) -> the number of the invoice, for months invoiced before this version.

    Returns:
        The workbook; each formula has the value that it comes to.

    Source: agreement § 6 stk. 1 to 3, § 7 stk. 1; domain rules 1 to 4, 7 and 9.
    """
    year = YearFigures(agreement, subscription, names, references)
    title = f"Beregning {subscription.year}, {agreement.code}, version {subscription.version}"
    if subscription.division is not None:
        return keyed_workbook(year, subscription.division, title)
    cost, cost_table = lay_out_cost(year)
    division, division_table = lay_out_division(year)
    basis = lay_out_basis(year, cost_table, division_table)
    results, results_table = lay_out_results(year)
    obligation, obligation_table = lay_out_obligation(year, division_table, results_table)
    invoiced, invoiced_table = lay_out_invoiced(year)
    steps, steps_table = lay_out_instalment_steps(year, obligation_table, invoiced_table)
    instalments_oere, instalments_table = lay_out_instalments_oere(year, steps_table, invoiced_table)
    instalments = lay_out_instalments(year, instalments_table)
    tables = _Tables(cost_table, division_table, results_table, obligation_table, invoiced_table, instalments_table)
    return Workbook(
        title=title,
        subject=agreement.title,
        created=subscription.calculated_on or subscription.reference_date,
        sheets=(
            _overview(year, tables),
            cost,
            basis,
            division,
            results,
            obligation,
            invoiced,
            steps,
            instalments_oere,
            instalments,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Tables:
    """Where the lists stand that the first sheet sums up."""

    cost: Table
    division: Table
    results: Table
    obligation: Table
    invoiced: Table
    instalments: Table


def _overview(year: YearFigures, tables: _Tables) -> Sheet:
    subscription, cited = year.subscription, year.agreement.clause
    passed_on = subscription.passed_on_oere
    owed = sum(year.obligations)
    billed = sum(instalment.amount_oere for part in year.parts for instalment in part.instalments)
    steps = [
        Step(
            "1. Udgifter",
            (tables.cost.total("net"), subscription.cost_oere),
            cited(Clause.COST),
            "Leverandørernes budgetter minus tilskud og indtægt fra solgt overskudskapacitet.",
            COST,
        ),
        Step(
            "2. Grundlag", None, cited(Clause.SHARES), "Udgiften i hele enheder og det, fordelingen regner med.", BASIS
        ),
        Step(
            "3. Fordeling",
            (tables.division.total("share"), sum(year.shares)),
            cited(Clause.SHARES),
            "Indbyggertal giver andel; kvoten rundes ned, og resten går til de største rester.",
            DIVISION,
        ),
        Step(
            "4. Resultater",
            (tables.results.total("amount"), passed_on),
            cited(Clause.PASSED_ON),
            "Det, der indregnes af tidligere års overskud (positivt) og underskud (negativt).",
            RESULTS,
        ),
        Step(
            "5. Forpligtelse",
            (tables.obligation.total("obligation"), owed),
            cited(Clause.OBLIGATION),
            "Andel minus indregnede resultater er kommunens forpligtelse for året.",
            OBLIGATION,
        ),
        Step(
            "6. Faktureret",
            (tables.invoiced.total("amount"), sum(rate.invoiced_oere for rate in year.rates)),
            cited(Clause.INVOICING),
            "Måneder, der var faktureret før denne version, med fakturanummer.",
            INVOICED,
        ),
        Step(
            "7. Rateberegning",
            None,
            cited(Clause.INVOICING),
            "Det, der ikke er faktureret, deles i lige rater, rundet ned; den sidste rate tager resten.",
            INSTALMENT_STEPS,
        ),
        Step(
            "8. Rater i øre",
            (tables.instalments.total("sum"), billed),
            cited(Clause.INVOICING),
            "De tolv rater, som de beregnes: i hele øre.",
            INSTALMENTS_OERE,
        ),
        Step("9. Rater", None, cited(Clause.INVOICING), "De tolv rater i kroner.", INSTALMENTS),
    ]
    controls = [
        Control(
            "Andelene er lig udgiften",
            f"={tables.division.total('share')}-{tables.cost.total('net')}",
            sum(year.shares) - subscription.cost_oere,
            "Sum af andele minus sum af udgifter.",
        ),
        Control(
            "Alle enheder er fordelt",
            f"={tables.division.total('units')}+{tables.division.total('extra')}-{Basis.units}",
            sum(year.whole_units) + sum(year.extra) - year.units,
            "Hele kvoter plus ekstra enheder minus enheder i alt.",
        ),
        Control(
            "Resultaterne er fordelt",
            f"={tables.obligation.total('passed_on')}-{tables.results.total('amount')}",
            sum(part.passed_on_oere for part in year.parts) - passed_on,
            "Indregnet pr. kommune minus listen over resultater.",
        ),
        Control(
            "Forpligtelserne er udgift minus resultater",
            f"={tables.obligation.total('obligation')}-({tables.cost.total('net')}-{tables.results.total('amount')})",
            owed - subscription.total_oere,
            "Sum af forpligtelser minus (udgift minus resultater).",
        ),
        Control(
            "Raterne er lig forpligtelserne",
            f"=SUMPRODUCT(ABS({tables.instalments.column('difference')}))",
            _apart(
                [sum(instalment.amount_oere for instalment in part.instalments) for part in year.parts],
                year.obligations,
            ),
            "Sum af hver kommunes afvigelse uden fortegn.",
        ),
        Control(
            "Regnearket giver programmets tal",
            f"=SUMPRODUCT(ABS({tables.obligation.column('difference')}))",
            _apart(year.obligations, [part.obligation_oere for part in year.parts]),
            "Forpligtelserne her minus dem, der er gemt i denne version.",
        ),
    ]
    return overview(
        f"Beregning {subscription.year}",
        year.agreement.title,
        facts=_facts(year),
        steps=steps,
        controls=controls,
        chart=_chart(year, tables.obligation),
    )


def _apart(ones: Sequence[int], others: Sequence[int]) -> int:
    return sum(abs(one - other) for one, other in zip(ones, others, strict=True))


def _facts(year: YearFigures) -> list[Fact]:
    subscription = year.subscription
    unit = subscription.unit_oere
    rounding = {1: "hele øre", OERE_PER_KRONE: "hele kroner"}.get(unit, f"hele enheder a {unit} øre")
    facts = [
        Fact("Aftale", year.agreement.code),
        Fact("Lovgrundlag", year.agreement.legal_basis),
        Fact("Aftaleår", str(subscription.year)),
        Fact("Version", str(subscription.version)),
        Fact("Beregnet", subscription.calculated_on or "ikke gemt", Style.DATE),
        Fact("Indbyggertal opgjort pr.", subscription.reference_date, Style.DATE),
        Fact("Afrunding", f"{rounding}, største rest"),
        Fact("Deltagere", f"{len(year.parts)} kommuner" if len(year.parts) != 1 else "1 kommune"),
        Fact("Afsender af regningen", year.name(year.agreement.issuer)),
    ]
    if year.agreement.is_trued_up(subscription.year):
        facts.append(Fact("Årets resultat", "efterreguleres på bilag for sig; indgår ikke i nogen pris"))
    if any(instalment.invoiced for part in year.parts for instalment in part.instalments):
        way = {
            Correction.SPREAD: "forskellen fordeles på de rater, der er tilbage",
            Correction.REINVOICE: "det fakturerede krediteres og faktureres igen",
        }[subscription.correction]
        facts.append(Fact("Rettelse efter fakturering", way))
    return facts


def _chart(year: YearFigures, obligation: Table) -> ChartPlan:
    ranked = sorted(zip(year.obligations, year.names, strict=True))
    least, most = ranked[0], ranked[-1]
    return ChartPlan(
        title=f"Forpligtelse {year.subscription.year} pr. kommune (kr.)",
        alt_text=(
            f"Søjlediagram over forpligtelsen for {year.subscription.year} i kroner for {len(ranked)} kommuner, "
            f"i alt {kroner(sum(year.obligations))} Størst er {most[1]} med {kroner(most[0])} "
            f"Mindst er {least[1]} med {kroner(least[0])}"
        ),
        series=(Series("Forpligtelse (kr.)", obligation.column("name"), obligation.column("kroner")),),
        categories=len(ranked),
    )
