"""Årsopgørelse: a closed year's accounts, each one's part of the result, and what the providers have between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agreements.agreement import Agreement, Clause, CostLine, CostLineKey, MunicipalityCode, ResultKey
from billing.year_end_settlement.facts import DividedBy, ExitSettlement, KeyResult, ProviderClearing, YearSettlement
from exports.excel.layout_division import COST_KINDS
from exports.excel.layout_settled import EXITS, exits_sheet, key_control, key_sheets
from exports.excel.overview import ChartPlan, Control, Fact, Step, overview
from exports.excel.sheet_draft import Column, SheetDraft, Table, kroner_column
from exports.excel.workbook import Series, Sheet, Style, Workbook
from foundation.money import kroner

ACCOUNTS = "Regnskab"
PROVIDERS = "Leverandører"
PARTS = "Kommuner"
CLEARING = "Mellemafregning"


def annual_statement_workbook(  # noqa: PLR0913, PLR0917 - the facts of the statement, in the order of its sheets
    agreement: Agreement,
    settlement: YearSettlement,
    budget: Sequence[CostLine],
    names: Mapping[MunicipalityCode, str],
    clearing: Sequence[ProviderClearing],
    exits: Sequence[ExitSettlement],
    keys: Sequence[KeyResult] = (),
) -> Workbook:
    """Lay out the statement of a closed year (Årsopgørelse).

    Args:
        agreement: Its title, services and terms.
        settlement: The year as it was closed.
        budget: The year's budgets, each line's newest figure; of other years nothing is shown.
        names: Code -> the municipality's name; a code without one shows itself.
        clearing: What the providers have between them for the year; may be empty.
        exits: Those who left; may be empty.
        keys: What the result was divided by, where that was key by key.

    Returns:
        The workbook; each formula has the value that it comes to.

    Source: agreement § 6 stk. 3, 6 and 8 and the annex; domain rules 9 to 12.
    """
    year = _Closed(agreement, settlement, budget, names)
    accounts, accounts_table = _accounts(year)
    providers, providers_table = _providers(year, accounts_table)
    parts, parts_table = _parts(year)
    cleared, clearing_table = _clearing(year, clearing)
    left, exits_table = exits_sheet(year.agreement, exits, settlement.year, year.name)
    by_key, keys_table = key_sheets(keys, settlement.year, year.name)
    year.keys_of_result = keys
    tables = _Tables(accounts_table, providers_table, parts_table, clearing_table, exits_table, keys_table)
    return Workbook(
        title=f"Årsopgørelse {settlement.year}, {agreement.code}",
        subject=agreement.title,
        created=settlement.closed_on or date(settlement.year + 1, 4, 1),
        sheets=(_overview(year, tables, clearing, exits), accounts, providers, *by_key, parts, cleared, left),
    )


@dataclass(frozen=True, slots=True)
class _Tables:
    accounts: Table
    providers: Table
    parts: Table
    clearing: Table
    exits: Table
    keys: Table | None


class _Closed:
    """The facts, and what the sheets' sums come to."""

    def __init__(
        self,
        agreement: Agreement,
        settlement: YearSettlement,
        budget: Sequence[CostLine],
        names: Mapping[MunicipalityCode, str],
    ) -> None:
        self.agreement = agreement
        self.settlement = settlement
        self._names = names
        self.services = {service.code: service.title for service in agreement.services}
        self.budget = {line.key: line for line in budget if line.key.year == settlement.year}
        self.actual = {line.key: line for line in settlement.accounts}
        self.keys: list[CostLineKey] = sorted({*self.budget, *self.actual})
        self.providers = sorted(settlement.providers, key=lambda provider: provider.municipality)
        self.provider_codes = sorted(
            {provider.municipality for provider in self.providers}
            | {code for part in settlement.parts for code in part.by_provider},
        )
        self.parts = sorted(settlement.parts, key=lambda part: part.municipality)
        self.keys_of_result: Sequence[KeyResult] = ()
        into = settlement.application_year
        self.where = "efterreguleret" if settlement.is_trued_up else f"i {into}"
        self.passed = "Efterreguleres" if settlement.is_trued_up else f"Indregnes i {into}"
        self.undivided_oere = settlement.result_oere - sum(part.result_oere for part in self.parts)

    def name(self, code: MunicipalityCode) -> str:
        return self._names.get(code, code)

    def net(self, lines: Mapping[CostLineKey, CostLine], provider: MunicipalityCode | None = None) -> int:
        return sum(line.net_oere for key, line in lines.items() if provider in {None, key.provider})

    def split(self, provider: MunicipalityCode, place: int) -> list[int]:
        """What each municipality has of one provider's result: passed on (0) or carried (1)."""
        return [part.by_provider.get(provider, (0, 0))[place] for part in self.parts]


def _accounts(year: _Closed) -> tuple[Sheet, Table]:
    keys = year.keys
    budget = [year.budget[key].net_oere if key in year.budget else 0 for key in keys]
    actual = [year.actual[key].net_oere if key in year.actual else 0 for key in keys]
    difference = [spent - planned for spent, planned in zip(actual, budget, strict=True)]
    draft = SheetDraft(
        ACCOUNTS,
        f"Regnskab {year.settlement.year} mod budget",
        year.agreement.citing(
            Clause.ACCOUNTS, "tilskud og indtægter er negative; en positiv forskel er dyrere end budgettet"
        ),
    )
    table = draft.table(
        [
            Column("provider", "Kode", Style.CODE, [key.provider for key in keys]),
            Column("name", "Leverandør", Style.TEXT, [year.name(key.provider) for key in keys]),
            Column("service", "Ydelse", Style.TEXT, [year.services.get(key.service, key.service) for key in keys]),
            Column("kind", "Art", Style.TEXT, [COST_KINDS[key.kind] for key in keys]),
            Column("line", "Linje", Style.TEXT, [key.line for key in keys]),
            Column("note", "Bemærkning", Style.TEXT, [_note(year, key) for key in keys]),
            Column("budget", "Budget\n(øre)", Style.OERE, budget, None, sum(budget)),
            Column("actual", "Regnskab\n(øre)", Style.OERE, actual, None, sum(actual)),
            Column(
                "difference",
                "Forskel\n(øre)",
                Style.OERE,
                difference,
                "={actual}-{budget}",
                sum(difference),
            ),
            kroner_column("budget_kr", "Budget\n(kr.)", "budget", budget),
            kroner_column("actual_kr", "Regnskab\n(kr.)", "actual", actual),
            kroner_column("difference_kr", "Forskel\n(kr.)", "difference", difference),
        ],
        nothing="Der er hverken budget eller regnskab for året.",
    )
    return draft.finish(frozen_columns=2), table


def _note(year: _Closed, key: CostLineKey) -> str:
    notes = [lines[key].note for lines in (year.actual, year.budget) if key in lines]
    if key not in year.actual:
        notes.append("ikke i regnskabet")
    if key not in year.budget:
        notes.append("ikke i budgettet")
    return "; ".join(dict.fromkeys(note for note in notes if note))


def _providers(year: _Closed, accounts: Table) -> tuple[Sheet, Table]:
    codes = [provider.municipality for provider in year.providers]
    budget = [year.net(year.budget, code) for code in codes]
    received = [provider.received_oere for provider in year.providers]
    cost = [year.net(year.actual, code) for code in codes]
    stored = [provider.cost_oere for provider in year.providers]
    result = [paid - spent for paid, spent in zip(received, cost, strict=True)]

    def of_accounts(key: str) -> str:
        return f"=SUMPRODUCT(({accounts.column('provider')}={{code}})*{accounts.column(key)})"

    draft = SheetDraft(
        PROVIDERS,
        f"Leverandørernes resultat {year.settlement.year}",
        "Resultat = opkrævet a conto minus faktisk udgift; positivt er et overskud i betalernes favør",
    )
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, codes),
            Column("name", "Leverandør", Style.TEXT, [year.name(code) for code in codes]),
            Column("budget", "Budget\n(øre)", Style.OERE, budget, of_accounts("budget"), sum(budget)),
            Column("received", "Opkrævet\n(øre)", Style.OERE, received, None, sum(received)),
            Column("cost", "Regnskab\n(øre)", Style.OERE, cost, of_accounts("actual"), sum(cost)),
            Column("result", "Resultat\n(øre)", Style.OERE, result, "={received}-{cost}", sum(result)),
            kroner_column("budget_kr", "Budget\n(kr.)", "budget", budget),
            kroner_column("received_kr", "Opkrævet\n(kr.)", "received", received),
            kroner_column("cost_kr", "Regnskab\n(kr.)", "cost", cost),
            kroner_column("result_kr", "Resultat\n(kr.)", "result", result),
            Column("stored", "Gemt udgift\n(øre)", Style.OERE, stored, None, sum(stored)),
            Column(
                "difference",
                "Afvigelse\n(øre)",
                Style.OERE,
                [own - other for own, other in zip(cost, stored, strict=True)],
                "={cost}-{stored}",
                sum(cost) - sum(stored),
            ),
        ],
        nothing="Der er ingen leverandører.",
    )
    return draft.finish(frozen_columns=2), table


def _parts(year: _Closed) -> tuple[Sheet, Table]:
    parts = year.parts
    into = year.settlement.application_year
    trued_up = year.settlement.is_trued_up
    passed = "Efter-\nreguleres" if trued_up else f"Indregnes\ni {into}"
    columns = [
        Column("code", "Kode", Style.CODE, [part.municipality for part in parts]),
        Column("name", "Kommune", Style.TEXT, [year.name(part.municipality) for part in parts]),
    ]
    for code in year.provider_codes:
        passed_on, carried = year.split(code, 0), year.split(code, 1)
        name = year.name(code)
        columns += [
            Column(f"passed_{code}", f"{name},\n{year.where} (øre)", Style.OERE, passed_on, None, sum(passed_on)),
            Column(f"carried_{code}", f"{name},\noverført (øre)", Style.OERE, carried, None, sum(carried)),
        ]
    passed_all = [sum(passed for passed, _ in part.by_provider.values()) for part in parts]
    carried_all = [sum(carried for _, carried in part.by_provider.values()) for part in parts]
    result = [passed + carried for passed, carried in zip(passed_all, carried_all, strict=True)]
    stored = [part.result_oere for part in parts]

    def added(prefix: str) -> str:
        return "=" + ("+".join(f"{{{prefix}_{code}}}" for code in year.provider_codes) or "0")

    columns += [
        Column("passed_on", f"{passed} (øre)", Style.OERE, passed_all, added("passed"), sum(passed_all)),
        Column("carried", "Overføres\n(øre)", Style.OERE, carried_all, added("carried"), sum(carried_all)),
        Column("result", "Andel af\nresultat (øre)", Style.OERE, result, "={passed_on}+{carried}", sum(result)),
        kroner_column("passed_on_kr", f"{passed} (kr.)", "passed_on", passed_all),
        kroner_column("carried_kr", "Overføres\n(kr.)", "carried", carried_all),
        kroner_column("result_kr", "Andel af\nresultat (kr.)", "result", result),
        Column("stored", "Programmets\ntal (øre)", Style.OERE, stored, None, sum(stored)),
    ]
    draft = SheetDraft(
        PARTS,
        f"Kommunernes andel af resultatet {year.settlement.year}",
        "Et overskud (positivt) udbetales og et underskud opkræves på bilag for sig; det indgår ikke i nogen pris"
        if trued_up
        else year.agreement.citing(
            Clause.PASSED_ON,
            f"et overskud (positivt) nedsætter prisen for {into}; det overførte bliver på aftalens balance",
        ),
    )
    table = draft.table(columns, nothing=f"Resultatet fordeles først, når det indregnes i prisen for {into}.")
    return draft.finish(frozen_columns=2), table


def _clearing(year: _Closed, clearing: Sequence[ProviderClearing]) -> tuple[Sheet, Table]:
    rows = sorted(clearing, key=lambda row: row.municipality)
    entitled = [row.entitled_oere for row in rows]
    collected = [row.collected_oere for row in rows]
    cleared = [row.cleared_oere for row in rows]
    outstanding = [row.outstanding_oere for row in rows]
    draft = SheetDraft(
        CLEARING,
        f"Mellemafregning mellem leverandørerne {year.settlement.year}",
        year.agreement.citing(
            Clause.CLEARING, "udestående er positivt, når de andre skylder leverandøren; alle tilsammen er nul"
        ),
    )
    table = draft.table(
        [
            Column("code", "Kode", Style.CODE, [row.municipality for row in rows]),
            Column("name", "Leverandør", Style.TEXT, [year.name(row.municipality) for row in rows]),
            Column("entitled", "Ret til\n(øre)", Style.OERE, entitled, None, sum(entitled)),
            Column("collected", "Opkrævet\n(øre)", Style.OERE, collected, None, sum(collected)),
            Column("cleared", "Afregnet\n(øre)", Style.OERE, cleared, None, sum(cleared)),
            Column(
                "outstanding",
                "Udestående\n(øre)",
                Style.OERE,
                outstanding,
                "={entitled}-{collected}-{cleared}",
                sum(outstanding),
            ),
            kroner_column("entitled_kr", "Ret til\n(kr.)", "entitled", entitled),
            kroner_column("collected_kr", "Opkrævet\n(kr.)", "collected", collected),
            kroner_column("cleared_kr", "Afregnet\n(kr.)", "cleared", cleared),
            kroner_column("outstanding_kr", "Udestående\n(kr.)", "outstanding", outstanding),
        ],
        nothing="Der er intet at afregne mellem leverandørerne.",
    )
    return draft.finish(frozen_columns=2), table


def _overview(
    year: _Closed,
    tables: _Tables,
    clearing: Sequence[ProviderClearing],
    exits: Sequence[ExitSettlement],
) -> Sheet:
    settlement, cited = year.settlement, year.agreement.clause
    cost = year.net(year.actual)
    passed_on = sum(passed for part in year.parts for passed, _ in part.by_provider.values())
    carried = sum(kept for part in year.parts for _, kept in part.by_provider.values())
    settled = -sum(one.amount_oere for one in exits)
    providers, parts = tables.providers, tables.parts
    result = settlement.invoiced_oere - sum(year.net(year.actual, one.municipality) for one in year.providers)
    into = settlement.application_year
    steps = [
        Step(
            "1. Budget",
            (tables.accounts.total("budget"), year.net(year.budget)),
            cited(Clause.COST),
            "Årets budgetter, som de senest var.",
            ACCOUNTS,
        ),
        Step(
            "2. Opkrævet",
            (providers.total("received"), settlement.invoiced_oere),
            cited(Clause.INVOICING),
            "A conto for året, før tidligere års resultater blev indregnet.",
            PROVIDERS,
        ),
        Step(
            "3. Regnskab",
            (tables.accounts.total("actual"), cost),
            cited(Clause.ACCOUNTS),
            "Den faktiske udgift minus tilskud og indtægter.",
            ACCOUNTS,
        ),
        Step(
            "4. Resultat",
            (providers.total("result"), result),
            cited(Clause.ACCOUNTS),
            "Opkrævet minus regnskab; positivt er et overskud i betalernes favør.",
            PROVIDERS,
        ),
        Step(
            f"5. {year.passed}",
            (parts.total("passed_on"), passed_on),
            cited(Clause.ACCOUNTS),
            "Resultatet, der gøres op med hver kommune på bilag for sig."
            if settlement.is_trued_up
            else f"Den del af resultatet, der ændrer prisen for {into}.",
            PARTS,
        ),
        Step(
            "6. Overføres",
            (parts.total("carried"), carried),
            cited(Clause.CARRY_OVER),
            "Den del, der bliver på aftalens balance, indtil andet besluttes.",
            PARTS,
        ),
        Step(
            "7. Mellemafregning",
            (tables.clearing.total("outstanding"), sum(row.outstanding_oere for row in clearing)),
            cited(Clause.CLEARING),
            "Leverandørernes udestående med hinanden; alle tilsammen er nul.",
            CLEARING,
        ),
        Step(
            "8. Udtræden",
            (tables.exits.total("settled"), settled),
            cited(Clause.EXIT),
            "Det, der udbetales til (positivt) eller opkræves hos dem, der er trådt ud.",
            EXITS,
        ),
    ]
    return overview(
        f"Årsopgørelse {settlement.year}",
        year.agreement.title,
        facts=_facts(year),
        steps=steps,
        controls=_controls(year, tables, clearing),
        chart=_chart(year, providers) if year.providers else None,
    )


def _facts(year: _Closed) -> list[Fact]:
    settlement = year.settlement
    split_by = {
        ResultKey.ACCOUNTING_YEAR: f"efter andelene i {settlement.year}",
        ResultKey.APPLICATION_YEAR: f"efter andelene i {settlement.application_year}",
    }[settlement.result_key]
    if settlement.divided_by is DividedBy.LINES:
        split_by = "hver nøgles forskel på dem, der betaler efter nøglen"
    elif year.agreement.terms.allocation.line_keys and settlement.result_key is ResultKey.ACCOUNTING_YEAR:
        split_by += "; nøglerne under ét, da regnskabet ikke er delt op på budgetlinjer"
    return [
        Fact("Aftale", year.agreement.code),
        Fact("Lovgrundlag", year.agreement.legal_basis),
        Fact("Regnskabsår", str(settlement.year)),
        Fact("Lukket", settlement.closed_on or "ikke lukket; foreløbig opgørelse", Style.DATE),
        Fact("Besluttet af", settlement.author or "ikke angivet"),
        Fact("Godkendt af", settlement.approver or "ikke angivet"),
        Fact("Resultatet fordeles", split_by),
    ]


def _controls(year: _Closed, tables: _Tables, clearing: Sequence[ProviderClearing]) -> list[Control]:
    providers, parts, cleared = tables.providers, tables.parts, tables.clearing
    cost = sum(year.net(year.actual, one.municipality) for one in year.providers)
    result = year.settlement.invoiced_oere - cost
    divided = sum(passed + kept for part in year.parts for passed, kept in part.by_provider.values())
    controls = [
        Control(
            "Leverandørernes udgift er regnskabets",
            f"={providers.total('cost')}-{tables.accounts.total('actual')}",
            cost - year.net(year.actual),
            "Hver regnskabslinje hører til en leverandør.",
        ),
        Control(
            "Regnskabet er det, der blev lukket",
            f"=SUMPRODUCT(ABS({providers.column('difference')}))",
            sum(abs(year.net(year.actual, one.municipality) - one.cost_oere) for one in year.providers),
            "Udgift her minus den udgift, der er gemt.",
        ),
    ]
    if year.parts:
        controls.append(
            Control(
                "Hele resultatet er fordelt",
                f"={parts.total('result')}-{providers.total('result')}",
                divided - result,
                "Sum af kommunernes andele minus leverandørernes resultat.",
            ),
        )
        if tables.keys is not None:
            stored = [(part.municipality, sum(map(sum, part.by_provider.values()))) for part in year.parts]
            controls.append(key_control(year.keys_of_result, tables.keys, parts, stored))
        controls += [_control_of_provider(year, tables, index) for index in range(len(year.providers))]
    return [
        *controls,
        Control(
            "Andelene er programmets",
            f"=SUMPRODUCT(ABS({parts.column('result')}-{parts.column('stored')}))",
            sum(
                abs(sum(passed + kept for passed, kept in part.by_provider.values()) - part.result_oere)
                for part in year.parts
            ),
            "Kommunernes andele her minus dem, der er gemt.",
        ),
        Control(
            "Leverandørernes udestående er nul tilsammen",
            f"={cleared.total('outstanding')}",
            sum(row.outstanding_oere for row in clearing),
            "Det, den ene har til gode, skylder de andre.",
        ),
    ]


def _control_of_provider(year: _Closed, tables: _Tables, index: int) -> Control:
    provider = year.providers[index]
    code = provider.municipality
    divided = sum(year.split(code, 0)) + sum(year.split(code, 1))
    return Control(
        f"Resultatet fra {year.name(code)} er fordelt",
        f"={tables.parts.total(f'passed_{code}')}+{tables.parts.total(f'carried_{code}')}"
        f"-{tables.providers.cell('result', index)}",
        divided - (provider.received_oere - year.net(year.actual, code)),
        "Indregnet plus overført minus leverandørens resultat.",
    )


def _chart(year: _Closed, providers: Table) -> ChartPlan:
    spoken = " ".join(
        f"{year.name(one.municipality)}: budget {kroner(year.net(year.budget, one.municipality))}, "
        f"opkrævet {kroner(one.received_oere)}, regnskab {kroner(year.net(year.actual, one.municipality))}"
        for one in year.providers
    )
    return ChartPlan(
        title=f"Budget, opkrævet og regnskab {year.settlement.year} pr. leverandør (kr.)",
        alt_text=f"Søjlediagram over budget, opkrævet og regnskab for {year.settlement.year} i kroner. {spoken}",
        series=tuple(
            Series(name, providers.column("name"), providers.column(key))
            for name, key in (("Budget", "budget_kr"), ("Opkrævet", "received_kr"), ("Regnskab", "cost_kr"))
        ),
        categories=len(year.providers),
    )
