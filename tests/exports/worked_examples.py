"""Agreements and years that the workbooks are tried on. The first is the worked example of the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from agreements.agreement import Agreement, CostKind, CostLine, CostLineKey, ResultKey, Service
from agreements.population import PopulationFigure
from billing.accounts.facts import InvoicedMonth, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, Correction, YearFacts
from billing.annual_subscription.rules import calculate
from billing.invoice.facts import (
    ClaimKind,
    DocumentType,
    InvoiceLine,
    IssuedDocument,
    LineKind,
    PartySnapshot,
)
from billing.year_end_settlement.facts import (
    CarryOver,
    ExitLine,
    ExitSettlement,
    KeyResult,
    NetAssetsShare,
    ProviderClearing,
    SettlementFacts,
    YearSettlement,
)
from billing.year_end_settlement.rules import close_year
from foundation.period import BillingYear, Month

ODENSE, SVENDBORG = "461", "479"
NAMES = {
    "420": "Assens",
    "430": "Faaborg-Midtfyn",
    "440": "Kerteminde",
    "450": "Nyborg",
    "461": "Odense",
    "479": "Svendborg",
    "480": "Nordfyns",
    "482": "Langeland",
    "492": "Ærø",
}
POPULATION_2008 = {
    "420": 42_054,
    "430": 51_950,
    "440": 23_630,
    "450": 31_607,
    "461": 186_932,
    "479": 59_040,
    "480": 29_470,
    "482": 13_741,
    "492": 6_712,
}
FUNEN = Agreement(
    code="fyn-alkohol",
    title="Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
    legal_basis="Sundhedsloven § 141, stk. 3",
    starts_on=date(2009, 1, 1),
    issuer=ODENSE,
    providers=(ODENSE, SVENDBORG),
    subscribers=tuple(NAMES),
    services=(Service("ambulant", "Ambulant alkoholbehandling", "Momsloven § 13, stk. 1, nr. 1"),),
)


def cost(
    provider: str,
    amount_oere: int,
    kind: CostKind = CostKind.COST,
    *,
    year: int = 2009,
    line: str = "",
    note: str = "Eksempelbeløb",
) -> CostLine:
    return CostLine(CostLineKey(year, provider, "ambulant", kind, line), amount_oere, note)


BUDGET_2009 = (cost(ODENSE, 1_825_000_000), cost(SVENDBORG, 641_733_333))


def figures(inhabitants: Mapping[str, int], on: date = date(2008, 1, 1)) -> dict[str, PopulationFigure]:
    source = "Danmarks Statistik, FOLK1A"
    return {code: PopulationFigure(code, on, count, source, date(2026, 11, 3)) for code, count in inhabitants.items()}


def year_of(
    cost_lines: Sequence[CostLine] = BUDGET_2009,
    inhabitants: Mapping[str, int] = POPULATION_2008,
    *,
    unit_oere: int = 1,
    version: int = 1,
    passed_on: Mapping[str, Mapping[ResultSource, int]] | None = None,
    invoiced: Mapping[str, tuple[InvoicedMonth, ...]] | None = None,
    correction: Correction = Correction.SPREAD,
) -> AnnualSubscription:
    facts = YearFacts(
        agreement=FUNEN.code,
        year=2009,
        reference_date=date(2008, 1, 1),
        unit_oere=unit_oere,
        months=BillingYear(2009).months,
        cost_lines=tuple(cost_lines),
        members=tuple(inhabitants),
        population=figures(inhabitants),
        passed_on=passed_on or {},
        invoiced=invoiced or {},
        correction=correction,
    )
    return replace(calculate(facts, version, NAMES), calculated_on=date(2008, 6, 1))


def invoiced_until(
    subscription: AnnualSubscription,
    last: int,
    *,
    less_for: Mapping[str, int] | None = None,
) -> dict[str, tuple[InvoicedMonth, ...]]:
    """What was invoiced when the months up to one were billed by a version, some municipalities some months less."""
    less = less_for or {}
    return {
        part.municipality: tuple(
            InvoicedMonth(instalment.month, instalment.gross_oere, dict(instalment.passed_on))
            for instalment in part.instalments[: last - less.get(part.municipality, 0)]
        )
        for part in subscription.parts
    }


def invoice_numbers(subscription: AnnualSubscription) -> dict[tuple[str, Month], str]:
    return {
        (part.municipality, instalment.month): f"F{instalment.month.year}-{10 * instalment.month.number + place:04d}"
        for place, part in enumerate(subscription.parts)
        for instalment in part.instalments
        if instalment.invoiced
    }


EARLIER = {
    code: {ResultSource(2007, ODENSE): 1_000 * int(code) - 430_000, ResultSource(2007, SVENDBORG): -12_345 - int(code)}
    for code in NAMES
}


def corrected_year(correction: Correction = Correction.SPREAD) -> AnnualSubscription:
    """A second version after five invoiced months, three for Nyborg; earlier results of both signs; a grant."""
    first = year_of(passed_on=EARLIER)
    lines = (
        cost(ODENSE, 1_925_000_001, note="Eksempelbeløb, rettet i maj, fordi lokalerne blev dyrere end ventet"),
        cost(SVENDBORG, 641_733_333),
        cost(SVENDBORG, 2_200_000, CostKind.GRANT, line="satspulje"),
        cost(ODENSE, 123_456, CostKind.SURPLUS_CAPACITY_INCOME),
    )
    return year_of(
        lines,
        version=2,
        passed_on=EARLIER,
        invoiced=invoiced_until(first, 5, less_for={"450": 2}),
        correction=correction,
    )


def all_municipalities() -> dict[str, int]:
    """98 codes with figures from nobody to a capital's, some of them alike."""
    return {str(101 + 7 * place): (place * place * 7_919) % 650_011 // (1 + place % 9) for place in range(98)}


# Two keys: by inhabitants, and one that two pay 40/60; billed and spent as in ``closed_year``.
KEYS_2009 = (
    KeyResult("", {ODENSE: 1_724_999_993, SVENDBORG: 641_733_333}, {SVENDBORG: 699_000_000}, POPULATION_2008),
    KeyResult("lokaler", {ODENSE: 100_000_007}, {ODENSE: 1_810_000_007}, {"420": 400_000, "461": 600_000}),
)


def closed_year(keys: tuple[KeyResult, ...] = ()) -> YearSettlement:
    """A deficit with a part kept; Odense spent less than it got, Svendborg more."""
    facts = SettlementFacts(
        agreement=FUNEN.code,
        year=2009,
        application_year=2011,
        result_key=ResultKey.ACCOUNTING_YEAR,
        received_oere={ODENSE: 1_825_000_000, SVENDBORG: 641_733_333},
        accounts=(
            cost(ODENSE, 1_810_000_007),
            cost(SVENDBORG, 700_000_000),
            cost(SVENDBORG, 1_000_000, CostKind.GRANT, line="satspulje", note="=HYPERLINK(1)"),
        ),
        weights=POPULATION_2008,
        carry=CarryOver(percent=Decimal(25)),
        application_weights=None,
        keys=keys,
    )
    return replace(close_year(facts), closed_on=date(2010, 3, 31), author="abc", approver="def")


CLEARING = (
    ProviderClearing(ODENSE, 1_825_000_000, 2_466_733_333, -641_000_000),
    ProviderClearing(SVENDBORG, 641_733_333, 0, 641_000_000),
)
EXITS = (
    ExitSettlement(
        FUNEN.code,
        "492",
        date(2009, 12, 31),
        (ExitLine(2009, ODENSE, 170_000, 56_174), ExitLine(2009, SVENDBORG, -650_000, -214_000)),
        "F2010-0044",
        date(2010, 4, 15),
    ),
)

EXIT_WITH_ASSETS = ExitSettlement(
    FUNEN.code,
    "482",
    date(2009, 12, 31),
    (ExitLine(2009, ODENSE, 1_000, 0),),
    "F2010-0045",
    date(2010, 4, 15),
    net_assets=NetAssetsShare(-50_000_000, -1_543_403, "Regnskab 2009, side 12"),
)


def document(
    number: str,
    month: Month,
    amounts: Sequence[int],
    *,
    note: str = "",
    credits_: str | None = None,
    credited_by: str | None = None,
    internal: bool = False,
) -> IssuedDocument:
    odense = PartySnapshot(ODENSE, "Odense Kommune", "35209115", "")
    assens = PartySnapshot("420", "Assens Kommune", "29189692", "")
    lines = tuple(
        InvoiceLine(
            agreement=FUNEN.code,
            provider=ODENSE,
            provider_name="Odense Kommune",
            service="ambulant",
            service_title="Ambulant alkoholbehandling",
            kind=LineKind.SHARE if amount > 0 else LineKind.PASSED_ON,
            text=f"A conto {month.danish}",
            period=month.period,
            accounting_year=month.year,
            amount_oere=amount,
            vat_exemption="Momsloven § 13, stk. 1, nr. 1",
            version=1,
        )
        for amount in amounts
    )
    return IssuedDocument(
        number=number,
        document_type=DocumentType.CREDIT_NOTE if credits_ else DocumentType.INVOICE,
        agreement=FUNEN.code,
        issuer=odense,
        subscriber=assens,
        kind=ClaimKind.ACONTO,
        title=f"A conto {month.danish}",
        period=month.period,
        issue_date=month.first_day,
        due_date=date(month.year, month.number, 28),
        amount_oere=sum(amounts),
        internal=internal,
        provisional=month.number == 1,
        note=note,
        lines=lines,
        credits=credits_,
        credited_by=credited_by,
    )


DOCUMENTS = (
    document("F2009-0001", Month(2009, 1), (19_420_282,), note="Foreløbig: prisen mangler", credited_by="F2009-0012"),
    document("F2009-0012", Month(2009, 2), (-19_420_282,), credits_="F2009-0001"),
    document("F2009-0013", Month(2009, 3), (20_000_000, -579_718)),
    document("F2009-0021", Month(2009, 4), (100,), internal=True),
)
