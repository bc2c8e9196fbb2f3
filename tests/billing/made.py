"""Agreements, years and bills that the billing rules are tried on.

The municipalities, inhabitants and the 2009 budgets are the worked example of domain.md; what else there is of
amounts is made up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from hypothesis import settings
from hypothesis import strategies as st

from agreements.agreement import (
    AdvanceTerms,
    Agreement,
    CostKind,
    CostLine,
    CostLineKey,
    ProviderOwnShare,
    ResultKey,
    Service,
    SettlementTerms,
    Terms,
)
from agreements.population import PopulationFigure
from billing.accounts.facts import Account, InvoicedMonth, Posting, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, YearFacts
from billing.annual_subscription.rules import calculate
from billing.invoice.facts import PartySnapshot
from billing.monthly_aconto.facts import MonthFacts
from foundation.period import BillingYear, Month

ODENSE, SVENDBORG, ASSENS = "461", "479", "420"
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
JANUARY_2008 = date(2008, 1, 1)
MONTHS_2009 = BillingYear(2009).months

# What made-up agreements are made of: 98 payers, four providers that may be payers too, two services.
PAYERS = tuple(f"{number}" for number in range(101, 199))
PROVIDERS = ("101", "102", "150", "199")
SERVICES = (
    Service("ambulant", "Ambulant alkoholbehandling", "Momsloven § 13, stk. 1, nr. 1"),
    Service("familie", "Familiesamtaler"),
)
SOURCES = tuple(ResultSource(year, provider) for year in (2006, 2007) for provider in PROVIDERS[:3])

identity = settings(deadline=None, max_examples=50)


def cost_line(
    provider: str,
    amount_oere: int,
    service: str = "ambulant",
    kind: CostKind = CostKind.COST,
    *,
    year: int = 2009,
    line: str = "",
) -> CostLine:
    return CostLine(CostLineKey(year, provider, service, kind, line), amount_oere, "Eksempelbeløb")


BUDGET_2009 = (cost_line(ODENSE, 1_825_000_000), cost_line(SVENDBORG, 641_733_333))


def figures(inhabitants: Mapping[str, int], on: date = JANUARY_2008) -> dict[str, PopulationFigure]:
    """Code -> figure, as if fetched the summer after."""
    return {
        code: PopulationFigure(code, on, count, "Danmarks Statistik, FOLK1A", date(2008, 6, 1))
        for code, count in inhabitants.items()
    }


def year_facts(
    cost_lines: Sequence[CostLine] = BUDGET_2009,
    inhabitants: Mapping[str, int] = POPULATION_2008,
    *,
    unit_oere: int = 1,
    passed_on: Mapping[str, Mapping[ResultSource, int]] | None = None,
) -> YearFacts:
    """The facts of 2009."""
    return YearFacts(
        agreement="fyn-alkohol",
        year=2009,
        reference_date=JANUARY_2008,
        unit_oere=unit_oere,
        months=MONTHS_2009,
        cost_lines=tuple(cost_lines),
        members=tuple(inhabitants),
        population=figures(inhabitants),
        passed_on=passed_on or {},
    )


def priced(facts: YearFacts | None = None, version: int = 1) -> AnnualSubscription:
    """A calculation; of domain.md's 2009 unless other facts are given."""
    return calculate(facts or year_facts(), version, NAMES)


def billed(
    subscription: AnnualSubscription, months: Mapping[str, Collection[int]]
) -> dict[str, tuple[InvoicedMonth, ...]]:
    """What is invoiced when some months (January is 1) of some payers are billed as a calculation says."""
    return {
        part.municipality: tuple(
            InvoicedMonth(instalment.month, instalment.gross_oere, dict(instalment.passed_on))
            for instalment in part.instalments
            if instalment.month.number in months.get(part.municipality, ())
        )
        for part in subscription.parts
    }


def funen(
    *,
    own_share: ProviderOwnShare = ProviderOwnShare.INVOICE,
    result_key: ResultKey = ResultKey.ACCOUNTING_YEAR,
) -> Agreement:
    """The 2009 agreement with other terms."""
    return Agreement(
        code="fyn-alkohol",
        title="Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
        legal_basis="Sundhedsloven § 141, stk. 3",
        starts_on=date(2009, 1, 1),
        issuer=ODENSE,
        providers=(ODENSE, SVENDBORG),
        subscribers=tuple(NAMES),
        services=SERVICES,
        terms=Terms(
            advance=AdvanceTerms(provider_own_share=own_share),
            settlement=SettlementTerms(result_key=result_key),
        ),
    )


def made_up(own_share: ProviderOwnShare, result_key: ResultKey) -> Agreement:
    """An agreement of the 98, with four providers of whom one is no payer."""
    agreement = funen(own_share=own_share, result_key=result_key)
    return replace(agreement, issuer=PROVIDERS[0], providers=PROVIDERS, subscribers=PAYERS)


def party(code: str) -> PartySnapshot:
    """A party as a document names it."""
    return PartySnapshot(code, f"{NAMES.get(code, code)} Kommune", cvr="35209115", gln="")


def month_facts(
    subscription: AnnualSubscription,
    month: Month = MONTHS_2009[0],
    *,
    agreement: Agreement | None = None,
    provisional: bool = False,
) -> MonthFacts:
    """What one month's bills rest on."""
    agreement = agreement or funen()
    codes = {*agreement.providers, *agreement.subscribers, *(part.municipality for part in subscription.parts)}
    return MonthFacts(
        agreement=agreement,
        month=month,
        subscription=subscription,
        provisional=provisional,
        parties={code: party(code) for code in codes},
        price_missing_from=date(month.year - 1, 12, 15),
    )


def whole(postings: Collection[Posting], *accounts: Account) -> int:
    """The sum of the postings, of some accounts if named."""
    return sum(posting.amount_oere for posting in postings if not accounts or posting.account in accounts)


# Strategies: small figures find ties and odd øre, large ones overflow.
SIGNED = st.integers(-40, 40) | st.integers(-5_000, 5_000) | st.integers(-(10**13), 10**13)
UNITS = st.sampled_from([1, 100])


@st.composite
def populations(draw: st.DrawFn, sizes: Sequence[int] = (1, 2, 3, 9, 98)) -> dict[str, int]:
    """Inhabitants of some or all of the 98, some of them none, but not all."""
    count = draw(st.sampled_from(list(sizes)))
    people = draw(st.lists(st.integers(0, 3) | st.integers(0, 700_000), min_size=count, max_size=count))
    people[draw(st.integers(0, count - 1))] += 1
    return dict(zip(PAYERS, people, strict=False))


@st.composite
def budgets(draw: st.DrawFn) -> tuple[CostLine, ...]:
    """Cost, grants and income of one to four providers; income may exceed cost, for one or for all."""
    keys = st.tuples(
        st.sampled_from(PROVIDERS), st.sampled_from(["ambulant", "familie"]), st.sampled_from(list(CostKind))
    )
    lines = draw(st.dictionaries(keys, SIGNED, min_size=1, max_size=6))
    return tuple(cost_line(provider, amount, service, kind) for (provider, service, kind), amount in lines.items())


SOURCED = st.dictionaries(st.sampled_from(SOURCES), SIGNED, max_size=4)


@st.composite
def years(draw: st.DrawFn, sizes: Sequence[int] = (1, 2, 3, 9, 98)) -> YearFacts:
    """Facts of a year that nothing is invoiced of yet."""
    inhabitants = draw(populations(sizes))
    lucky = draw(st.lists(st.sampled_from(sorted(inhabitants)), max_size=4, unique=True))
    return year_facts(
        draw(budgets()),
        inhabitants,
        unit_oere=draw(UNITS),
        passed_on={code: draw(SOURCED) for code in lucky},
    )


MONTHS_BILLED = st.frozensets(st.integers(1, 12)) | st.integers(0, 12).map(lambda last: frozenset(range(1, last + 1)))


@st.composite
def some_months(draw: st.DrawFn, subscription: AnnualSubscription) -> dict[str, frozenset[int]]:
    """Months that are billed: the same for most, others for a few who were left out or credited."""
    usual = draw(MONTHS_BILLED)
    codes = [part.municipality for part in subscription.parts]
    others = draw(st.dictionaries(st.sampled_from(codes), MONTHS_BILLED, max_size=3))
    return {code: others.get(code, usual) for code in codes}
