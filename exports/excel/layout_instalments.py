"""The sheets of a year's calculation from obligations to twelve instalments."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from agreements.agreement import Clause
from exports.excel.layout_division import Basis
from exports.excel.sheet_draft import Column, SheetDraft, Table, kroner_column, oere_as_kroner
from exports.excel.workbook import Sheet, Style
from exports.excel.year_figures import WAYS, YearFigures
from foundation.money import OERE_PER_KRONE
from foundation.period import DANISH_MONTHS

INVOICED = "Faktureret"
INSTALMENT_STEPS = "Rateberegning"
INSTALMENTS_OERE = "Rater i øre"
INSTALMENTS = "Rater"
GREY = "Grå beløb var faktureret før denne version"
WITHOUT_NUMBER = "(intet nummer)"


def lay_out_invoiced(year: YearFigures) -> tuple[Sheet, Table]:
    """Faktureret: the months that were invoiced before this version, with their numbers (domain rule 7)."""
    rows = [
        (part.municipality, instalment) for part in year.parts for instalment in part.instalments if instalment.invoiced
    ]
    amounts = [instalment.amount_oere for _, instalment in rows]
    draft = SheetDraft(
        INVOICED,
        f"Faktureret for {year.subscription.year} før denne version",
        "Det, der er udstedt, ændres ikke; beløbene er fakturaernes",
    )
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, [code for code, _ in rows]),
            Column("name", "Kommune", Style.TEXT, [year.name(code) for code, _ in rows]),
            Column("month", "Måned", Style.TEXT, [instalment.month.danish for _, instalment in rows]),
            Column(
                "number",
                "Faktura",
                Style.TEXT,
                [year.references.get((code, instalment.month), WITHOUT_NUMBER) for code, instalment in rows],
            ),
            Column("amount", "Beløb\n(øre)", Style.OERE_INVOICED, amounts, None, sum(amounts)),
            kroner_column("kroner", "Beløb\n(kr.)", "amount", amounts),
        ],
        nothing="Ingen måneder var faktureret før denne version.",
    )
    return draft.finish(frozen_columns=2), table


def lay_out_instalment_steps(year: YearFigures, obligation: Table, invoiced: Table) -> tuple[Sheet, Table]:
    """Rateberegning: what remains, over how many months, and so the instalment (domain rules 4 and 7)."""
    rates = year.rates
    kept = f"=SUMPRODUCT(({invoiced.column('code')}={{code}})*{invoiced.column('amount')})"
    left = f"={year.month_count}-SUMPRODUCT(--({invoiced.column('code')}={{code}}))"
    draft = SheetDraft(
        INSTALMENT_STEPS,
        f"Rateberegning {year.subscription.year}",
        year.agreement.citing(
            Clause.INVOICING, "det, der er til fordeling, delt med antal rater og rundet ned til en enhed"
        ),
    )
    table = draft.table(
        [
            year.column_code(),
            year.column_name(),
            Column(
                "obligation",
                "Forpligtelse\n(øre)",
                Style.OERE,
                year.obligations,
                [f"={obligation.cell('obligation', index)}" for index in range(len(year.parts))],
                sum(year.obligations),
            ),
            Column("way", "Fremgangsmåde", Style.TEXT, [rate.words for rate in rates]),
            Column(
                "invoiced",
                "Faktureret\n(øre)",
                Style.OERE,
                [rate.invoiced_oere for rate in rates],
                kept,
                sum(rate.invoiced_oere for rate in rates),
            ),
            Column(
                "rest",
                "Til fordeling\n(øre)",
                Style.OERE,
                [rate.rest_oere for rate in rates],
                ["={obligation}" if rate.afresh else "={obligation}-{invoiced}" for rate in rates],
                sum(rate.rest_oere for rate in rates),
            ),
            Column(
                "count",
                "Antal\nrater",
                Style.COUNT,
                [rate.count for rate in rates],
                [None if rate.afresh else left for rate in rates],
            ),
            Column(
                "rate",
                "Rate\n(øre)",
                Style.OERE,
                [rate.each_oere for rate in rates],
                f"=IF({{count}}=0,0,INT({{rest}}/({{count}}*{Basis.unit}))*{Basis.unit})",
            ),
            Column(
                "last",
                "Sidste rate\n(øre)",
                Style.OERE,
                [rate.last_oere for rate in rates],
                "=IF({count}=0,0,{rest}-{rate}*({count}-1))",
            ),
            Column("words", "Forklaring", Style.TEXT, [WAYS[rate.words] for rate in rates]),
        ],
    )
    return draft.finish(frozen_columns=2), table


def lay_out_instalments_oere(year: YearFigures, steps: Table, invoiced: Table) -> tuple[Sheet, Table]:
    """Rater i øre: month by month, with sum and difference."""
    months = [_month_column(year, place, steps, invoiced) for place in range(year.month_count)]
    sums = [sum(instalment.amount_oere for instalment in part.instalments) for part in year.parts]
    draft = SheetDraft(
        INSTALMENTS_OERE,
        f"Rater {year.subscription.year} (øre)",
        year.agreement.citing(Clause.INVOICING, f"den sidste rate tager resten. {GREY}"),
    )
    table = draft.table(
        [
            year.column_code(),
            year.column_name(),
            *months,
            Column("sum", "Sum", Style.OERE, sums, f"=SUM({{{months[0].key}}}:{{{months[-1].key}}})", sum(sums)),
            Column(
                "difference",
                "Afvigelse",
                Style.OERE,
                [paid - owed for paid, owed in zip(sums, year.obligations, strict=True)],
                [f"={{sum}}-{steps.cell('obligation', index)}" for index in range(len(sums))],
                sum(sums) - sum(year.obligations),
            ),
        ],
        filtered=False,
    )
    return draft.finish(frozen_columns=2), table


def _month_column(year: YearFigures, place: int, steps: Table, invoiced: Table) -> Column:
    formulas: list[str | None] = []
    row_of_list = 0
    for index, (part, rate) in enumerate(zip(year.parts, year.rates, strict=True)):
        if part.instalments[place].invoiced:
            kept_before = sum(instalment.invoiced for instalment in part.instalments[:place])
            formulas.append(f"={invoiced.cell('amount', row_of_list + kept_before)}")
        else:
            key = "last" if place == rate.last else "rate"
            formulas.append(f"={steps.cell(key, index)}" if rate.by_rule else None)
        row_of_list += sum(instalment.invoiced for instalment in part.instalments)
    amounts = [part.instalments[place].amount_oere for part in year.parts]
    return Column(
        f"month_{place + 1}",
        DANISH_MONTHS[place].capitalize(),
        Style.OERE,
        amounts,
        formulas,
        sum(amounts),
        styles=[Style.OERE_INVOICED if part.instalments[place].invoiced else Style.OERE for part in year.parts],
    )


def lay_out_instalments(year: YearFigures, of: Table) -> Sheet:
    """Rater: the same in kroner, for reading."""
    columns = [year.column_code(), year.column_name()]
    months = [key for key in of.columns if key.startswith("month_")]
    for place, key in enumerate(months):
        columns.append(
            _in_kroner(
                of,
                key,
                DANISH_MONTHS[place].capitalize(),
                [part.instalments[place].amount_oere for part in year.parts],
                [part.instalments[place].invoiced for part in year.parts],
            ),
        )
    sums = [sum(instalment.amount_oere for instalment in part.instalments) for part in year.parts]
    columns.append(_in_kroner(of, "sum", "Året i alt", sums, [False] * len(sums)))
    draft = SheetDraft(
        INSTALMENTS,
        f"Rater {year.subscription.year} (kr.)",
        year.agreement.citing(Clause.INVOICING, f"a conto forud, en rate om måneden. {GREY}"),
    )
    draft.table(columns, filtered=False)
    return draft.finish(frozen_columns=2)


def _in_kroner(of: Table, key: str, heading: str, oere: Sequence[int], invoiced: Sequence[bool]) -> Column:
    return Column(
        key,
        heading,
        Style.KRONER,
        oere_as_kroner(oere),
        [f"={of.cell(key, index)}/{OERE_PER_KRONE}" for index in range(len(oere))],
        Fraction(sum(oere), OERE_PER_KRONE),
        f"={of.total(key)}/{OERE_PER_KRONE}",
        [Style.KRONER_INVOICED if one else Style.KRONER for one in invoiced],
    )
