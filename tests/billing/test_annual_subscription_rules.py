"""From a year's cost to twelve instalments, and what becomes of them when the price changes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import CostKind
from agreements.population import PopulationMissing
from billing.accounts.facts import InvoicedMonth, ResultSource
from billing.annual_subscription.facts import (
    AnnualSubscription,
    Correction,
    Instalment,
    ResultPool,
    SubscriptionPart,
    YearFacts,
)
from billing.annual_subscription.rules import (
    BudgetMissing,
    NobodyToSplitBy,
    NoMembers,
    calculate,
    divided_pools,
    instalments_of,
    same_calculation,
)
from tests.billing.made import (
    BUDGET_2009,
    MONTHS_2009,
    NAMES,
    ODENSE,
    POPULATION_2008,
    SIGNED,
    SOURCED,
    SOURCES,
    SVENDBORG,
    UNITS,
    billed,
    cost_line,
    figures,
    identity,
    populations,
    priced,
    some_months,
    year_facts,
    years,
)

Key = TypeVar("Key")
Value = TypeVar("Value")

# domain.md: code -> obligation, months 1-11, month 12.
WORKED_EXAMPLE = {
    "420": (233_043_392, 19_420_282, 19_420_290),
    "430": (287_882_347, 23_990_195, 23_990_202),
    "440": (130_946_292, 10_912_191, 10_912_191),
    "450": (175_151_056, 14_595_921, 14_595_925),
    "461": (1_035_888_797, 86_324_066, 86_324_071),
    "479": (327_171_777, 27_264_314, 27_264_323),
    "480": (163_308_812, 13_609_067, 13_609_075),
    "482": (76_146_128, 6_345_510, 6_345_518),
    "492": (37_194_732, 3_099_561, 3_099_561),
}
ODENSE_2007, SVENDBORG_2007 = ResultSource(2007, ODENSE), ResultSource(2007, SVENDBORG)


def amounts(instalments: Sequence[Instalment]) -> list[int]:
    return [instalment.amount_oere for instalment in instalments]


def cut(
    share: int,
    invoiced: Sequence[int] = (),
    *,
    passed_on: Mapping[ResultSource, int] | None = None,
    unit: int = 1,
    correction: Correction = Correction.SPREAD,
) -> tuple[Instalment, ...]:
    """Cut a share, the first months being invoiced with some amounts and nothing passed on."""
    return instalments_of(
        months=MONTHS_2009,
        share_oere=share,
        passed_on=passed_on or {},
        invoiced=[InvoicedMonth(month, amount, {}) for month, amount in zip(MONTHS_2009, invoiced, strict=False)],
        unit_oere=unit,
        correction=correction,
    )


def sources_over_the_year(instalments: Sequence[Instalment]) -> dict[ResultSource, int]:
    total: dict[ResultSource, int] = {}
    for instalment in instalments:
        for source, amount in instalment.passed_on.items():
            total[source] = total.get(source, 0) + amount
    return {source: amount for source, amount in total.items() if amount}


# Worked by hand.


def test_the_worked_example_of_2009() -> None:
    year = priced()
    assert (year.cost_oere, year.passed_on_oere, year.total_oere) == (2_466_733_333, 0, 2_466_733_333)
    assert sum(part.weight for part in year.parts) == 445_136
    assert [part.municipality for part in year.parts] == list(WORKED_EXAMPLE)
    for part in year.parts:
        obligation, each, last = WORKED_EXAMPLE[part.municipality]
        assert part.obligation_oere == obligation
        assert amounts(part.instalments) == [each] * 11 + [last]
        assert [instalment.month for instalment in part.instalments] == list(MONTHS_2009)
        assert not any(instalment.invoiced for instalment in part.instalments)
    assert sum(part.instalments[0].amount_oere for part in year.parts) == 205_561_107
    assert sum(part.instalments[11].amount_oere for part in year.parts) == 205_561_156


def test_2009_in_whole_kroner() -> None:
    """Shares as in tests/foundation/test_money.py; e.g. 10,358,888 / 12 is 863,240.67 and 11 × 863,240 = 9,495,640."""
    year = priced(year_facts(unit_oere=100))
    assert {part.municipality: (part.share_oere, *amounts(part.instalments)[10:]) for part in year.parts} == {
        "420": (233_043_400, 19_420_200, 19_421_200),
        "430": (287_882_300, 23_990_100, 23_991_200),
        "440": (130_946_300, 10_912_100, 10_913_200),
        "450": (175_151_100, 14_595_900, 14_596_200),
        "461": (1_035_888_833, 86_324_000, 86_324_833),
        "479": (327_171_800, 27_264_300, 27_264_500),
        "480": (163_308_800, 13_609_000, 13_609_800),
        "482": (76_146_100, 6_345_500, 6_345_600),
        "492": (37_194_700, 3_099_500, 3_100_200),
    }


def test_grants_and_income_reduce_what_is_split() -> None:
    lines = (
        cost_line(ODENSE, 1_000_000),
        cost_line(SVENDBORG, 200_000),
        cost_line(ODENSE, 100_000, kind=CostKind.GRANT),
        cost_line(SVENDBORG, 250_000, kind=CostKind.SURPLUS_CAPACITY_INCOME),
        cost_line(SVENDBORG, -50_000, line="rettelse"),
    )
    year = priced(year_facts(lines, {"420": 3, "430": 1}))
    # 1,000,000 + 200,000 - 100,000 - 250,000 - 50,000
    assert year.cost_oere == 800_000
    assert {part.municipality: part.share_oere for part in year.parts} == {"420": 600_000, "430": 200_000}


def test_a_surplus_lowers_the_obligation_and_a_deficit_raises_it() -> None:
    year = priced(
        year_facts(
            (cost_line(ODENSE, 240_000),),
            {"420": 1, "430": 1},
            passed_on={"420": {ODENSE_2007: 5_000, SVENDBORG_2007: -2_000}, "430": {ODENSE_2007: -7}},
        )
    )
    surplus, deficit = year.parts
    assert (surplus.passed_on_oere, surplus.obligation_oere) == (3_000, 117_000)
    assert (deficit.passed_on_oere, deficit.obligation_oere) == (-7, 120_007)
    assert (year.passed_on_oere, year.total_oere) == (2_993, 237_007)
    assert amounts(surplus.instalments) == [9_750] * 12
    assert amounts(deficit.instalments) == [10_000] * 11 + [10_007]


def test_a_result_larger_than_the_share_is_paid_out() -> None:
    year = priced(year_facts((cost_line(ODENSE, 100),), {"420": 1}, passed_on={"420": {ODENSE_2007: 1_300}}))
    # 100 - 1,300 = -1,200
    assert year.parts[0].obligation_oere == -1_200
    assert amounts(year.parts[0].instalments) == [-100] * 12


def test_a_price_raised_in_may_is_spread_over_seven_months() -> None:
    # 1,250,003 less 5 × 100,000 is 750,003; / 7 is 107,143.28; 6 × 107,143 is 642,858, so December is 107,145.
    instalments = cut(1_250_003, [100_000] * 5)
    assert amounts(instalments) == [100_000] * 5 + [107_143] * 6 + [107_145]
    assert [instalment.invoiced for instalment in instalments] == [True] * 5 + [False] * 7


def test_aeroe_raised_in_may() -> None:
    # 400,000.00 kr. less 5 × 30,995.61 is 245,021.95; / 7 is 35,003.1357; 6 × 35,003.13 is 210,018.78.
    assert amounts(cut(40_000_000, [3_099_561] * 5)) == [3_099_561] * 5 + [3_500_313] * 6 + [3_500_317]


def test_a_price_raised_in_may_in_whole_kroner() -> None:
    # 12,500.03 kr. less 5 × 1,000 is 7,500.03; / 7 is 1,071.43; 6 × 1,071 is 6,426, so December is 1,074.03.
    assert amounts(cut(1_250_003, [100_000] * 5, unit=100)) == [100_000] * 5 + [107_100] * 6 + [107_403]


def test_a_price_lowered_so_far_that_it_is_paid_back() -> None:
    # 300,000 less 500,000 is -200,000; / 7 is -28,571.43, down to -28,572; 6 of them are -171,432, the rest -28,568.
    instalments = cut(300_000, [100_000] * 5)
    assert amounts(instalments) == [100_000] * 5 + [-28_572] * 6 + [-28_568]
    assert sum(amounts(instalments)) == 300_000


def test_december_is_all_that_remains() -> None:
    assert amounts(cut(1_200_500, [100_000] * 11)) == [100_000] * 11 + [100_500]


def test_a_month_that_was_credited_takes_its_part_again() -> None:
    invoiced = [InvoicedMonth(month, 100_000, {}) for month in MONTHS_2009 if month.number != 3]
    instalments = instalments_of(
        months=MONTHS_2009,
        share_oere=1_200_000,
        passed_on={},
        invoiced=invoiced,
        unit_oere=1,
        correction=Correction.SPREAD,
    )
    assert amounts(instalments) == [100_000] * 12
    assert [instalment.month.number for instalment in instalments if not instalment.invoiced] == [3]


def test_all_invoiced_and_nothing_changed_is_left_alone() -> None:
    instalments = cut(1_200_005, [100_000] * 11 + [100_005])
    assert all(instalment.invoiced for instalment in instalments)


def test_all_invoiced_and_the_price_changed_is_cut_afresh() -> None:
    instalments = cut(1_200_012, [100_000] * 12)
    assert amounts(instalments) == [100_001] * 12
    assert not any(instalment.invoiced for instalment in instalments)


def test_cut_afresh_keeps_the_months_that_say_the_same() -> None:
    instalments = cut(1_200_005, [100_000] * 12)
    assert amounts(instalments) == [100_000] * 11 + [100_005]
    assert [instalment.month.number for instalment in instalments if not instalment.invoiced] == [12]


def test_the_officer_may_choose_to_invoice_anew() -> None:
    instalments = cut(1_320_000, [100_000] * 5, correction=Correction.REINVOICE)
    assert amounts(instalments) == [110_000] * 12
    assert not any(instalment.invoiced for instalment in instalments)


def test_provisional_months_are_corrected_over_the_rest() -> None:
    # Rule 8: January and February at last year's 80,000; 1,200,000 less 160,000 is 1,040,000, ten months of 104,000.
    assert amounts(cut(1_200_000, [80_000] * 2)) == [80_000] * 2 + [104_000] * 10


def test_what_is_passed_on_is_spread_with_the_price() -> None:
    # Gross: 1,200,000 less 2 × 80,000 over ten is 104,000. Passed on: 12,000 - 5,000 over ten, 1,200 and -500.
    instalments = cut(1_200_000, [80_000] * 2, passed_on={ODENSE_2007: 12_000, SVENDBORG_2007: -5_000})
    assert amounts(instalments) == [80_000] * 2 + [103_300] * 10
    assert [dict(instalment.passed_on) for instalment in instalments] == [{}] * 2 + [
        {ODENSE_2007: 1_200, SVENDBORG_2007: -500}
    ] * 10


def test_a_pool_is_divided_by_the_years_shares_after_the_leavers() -> None:
    # Odense's 100 less the leaver's 30 is 70; with Svendborg's -10 it is 60, over 2:1 that is 40 and 20.
    # Svendborg's -10 is -6.67 and -3.33, so -7 and -3; Odense's are 47 and 23.
    pools = (ResultPool(SVENDBORG_2007, -10), ResultPool(ODENSE_2007, 100, {"492": 30}))
    assert divided_pools(pools, {"420": 2, "430": 1}) == {
        "420": {ODENSE_2007: 47, SVENDBORG_2007: -7},
        "430": {ODENSE_2007: 23, SVENDBORG_2007: -3},
    }


def test_pools_of_two_years_are_each_split_whole() -> None:
    # One øre of each year goes to the lower code, also where both together would be one each.
    pools = (ResultPool(ResultSource(2006, ODENSE), 1), ResultPool(ODENSE_2007, 1))
    assert divided_pools(pools, {"420": 1, "430": 1}) == {
        "420": {ResultSource(2006, ODENSE): 1, ODENSE_2007: 1},
        "430": {ResultSource(2006, ODENSE): 0, ODENSE_2007: 0},
    }


# What stops a calculation.


def test_no_budget() -> None:
    with pytest.raises(BudgetMissing) as caught:
        priced(year_facts(()))
    assert str(caught.value) == (
        "Der er intet budget for 2009 i aftalen «fyn-alkohol». "
        "Indlæs ydelsesleverandørernes budgetter med «mellemregning budget load FIL» og beregn igen."
    )


def test_no_members() -> None:
    with pytest.raises(NoMembers) as caught:
        priced(year_facts(BUDGET_2009, {}))
    assert str(caught.value) == (
        "Ingen kommuner deltager i aftalen «fyn-alkohol» i 2009, så der er ingen at fordele udgiften på."
    )


def test_a_missing_figure_is_named_with_its_date() -> None:
    facts = year_facts()
    known = {code: figure for code, figure in facts.population.items() if code not in {"440", "492"}}
    with pytest.raises(PopulationMissing) as caught:
        priced(replace(facts, population=known))
    assert caught.value.facts["municipality"] == ["440", "492"]
    for said in ("Kerteminde", "Ærø", "440", "492", "01.01.2008"):
        assert said in str(caught.value)


def test_figures_of_zero_are_nobody_to_split_by() -> None:
    with pytest.raises(NobodyToSplitBy) as caught:
        priced(year_facts(BUDGET_2009, dict.fromkeys(NAMES, 0)))
    assert str(caught.value) == (
        "Alle deltageres indbyggertal pr. 01.01.2008 er nul, så udgiften for 2009 i aftalen «fyn-alkohol» kan ikke "
        "fordeles. Ret indbyggertallene og beregn igen."
    )


def test_one_figure_of_zero_is_a_figure() -> None:
    year = priced(year_facts(BUDGET_2009, {**POPULATION_2008, "492": 0}))
    aeroe = year.part_of("492")
    assert aeroe is not None
    assert amounts(aeroe.instalments) == [0] * 12
    assert sum(part.obligation_oere for part in year.parts) == 2_466_733_333


# Identities.


def assert_it_closes(part: SubscriptionPart) -> None:
    assert sum(amounts(part.instalments)) == part.obligation_oere
    assert sum(instalment.gross_oere for instalment in part.instalments) == part.share_oere
    assert sources_over_the_year(part.instalments) == dict(part.passed_on)


def assert_even(open_: Sequence[Instalment], gross: int, amount: int, unit: int) -> None:
    """All but the last of these are the rounded-down equal part, before and after what is passed on."""
    for month in open_[:-1]:
        assert month.gross_oere == gross // (unit * len(open_)) * unit
        assert month.amount_oere == amount // (unit * len(open_)) * unit


@identity
@given(years())
def test_shares_sum_to_the_cost_and_obligations_to_the_total(facts: YearFacts) -> None:
    year = priced(facts)
    passed_on = sum(sum(sources.values()) for sources in facts.passed_on.values())
    assert sum(part.share_oere for part in year.parts) == sum(line.net_oere for line in facts.cost_lines)
    assert sum(part.obligation_oere for part in year.parts) == year.total_oere == year.cost_oere - passed_on
    assert [part.municipality for part in year.parts] == sorted(facts.members)


@identity
@given(years())
def test_each_share_lies_within_one_unit_of_the_exact_one(facts: YearFacts) -> None:
    year = priced(facts)
    inhabitants = sum(part.weight for part in year.parts)
    odd = abs(year.cost_oere) % facts.unit_oere * (1 if year.cost_oere > 0 else -1)
    largest = min(year.parts, key=lambda part: (-part.weight, part.municipality))
    for part in year.parts:
        exact = Fraction((year.cost_oere - odd) * part.weight, inhabitants)
        assert abs(part.share_oere - (odd if part is largest else 0) - exact) < facts.unit_oere


@identity
@given(years())
def test_twelve_months_are_the_year(facts: YearFacts) -> None:
    for part in priced(facts).parts:
        assert_it_closes(part)
        assert_even(part.instalments, part.share_oere, part.obligation_oere, facts.unit_oere)


@identity
@given(years(sizes=(1, 3, 9)), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(facts: YearFacts, chance: random.Random) -> None:
    otherwise = replace(
        facts,
        cost_lines=tuple(chance.sample(facts.cost_lines, len(facts.cost_lines))),
        members=tuple(chance.sample(facts.members, len(facts.members))),
        population=shuffled(facts.population, chance),
        passed_on={code: shuffled(sources, chance) for code, sources in shuffled(facts.passed_on, chance).items()},
    )
    assert priced(otherwise).parts == priced(facts).parts


def shuffled(values: Mapping[Key, Value], chance: random.Random) -> dict[Key, Value]:
    return dict(chance.sample(list(values.items()), len(values)))


@st.composite
def halfway(draw: st.DrawFn) -> tuple[YearFacts, AnnualSubscription, YearFacts]:
    """A year's facts, its price, and the facts when some months were billed by it."""
    facts = draw(years(sizes=(1, 2, 9)))
    year = priced(facts)
    return facts, year, replace(facts, invoiced=billed(year, draw(some_months(year))))


def changed(data: st.DataObject, facts: YearFacts) -> YearFacts:
    """The same year with another budget, another population or another result to pass on."""
    match data.draw(st.sampled_from(["budget", "population", "result"])):
        case "budget":
            more = data.draw(SIGNED.filter(bool))
            return replace(facts, cost_lines=(*facts.cost_lines, cost_line("150", more, line="rettelse")))
        case "population":
            code = data.draw(st.sampled_from(facts.members))
            inhabitants = {code: figure.inhabitants for code, figure in facts.population.items()}
            inhabitants[code] += data.draw(st.integers(1, 1_000))
            return replace(facts, population=figures(inhabitants))
        case _:
            code = data.draw(st.sampled_from(facts.members))
            source = data.draw(st.sampled_from(SOURCES))
            before = facts.passed_on.get(code, {})
            more = data.draw(SIGNED.filter(bool))
            now = {**before, source: before.get(source, 0) + more}
            return replace(facts, passed_on={**facts.passed_on, code: now})


@identity
@given(halfway(), st.sampled_from(Correction))
def test_recalculating_with_unchanged_figures_says_nothing_new(
    year: tuple[YearFacts, AnnualSubscription, YearFacts],
    correction: Correction,
) -> None:
    _, stored, facts = year
    fresh = calculate(replace(facts, correction=correction), 2, NAMES)
    assert same_calculation(stored, fresh)
    for part in fresh.parts:
        assert_it_closes(part)


@identity
@given(st.data(), halfway(), st.sampled_from(Correction))
def test_a_changed_figure_is_a_new_calculation(
    data: st.DataObject,
    year: tuple[YearFacts, AnnualSubscription, YearFacts],
    correction: Correction,
) -> None:
    _, stored, facts = year
    fresh = calculate(replace(changed(data, facts), correction=correction), 2, NAMES)
    assert not same_calculation(stored, fresh)


@identity
@given(st.data(), halfway())
def test_a_change_is_spread_over_what_remains(
    data: st.DataObject,
    year: tuple[YearFacts, AnnualSubscription, YearFacts],
) -> None:
    """Invoiced months stand; the others share the rest evenly; where none remains the year is cut afresh."""
    _, _, facts = year
    facts = changed(data, facts)
    for part in calculate(facts, 2, NAMES).parts:
        assert sum(amounts(part.instalments)) == part.obligation_oere
        assert sum(instalment.gross_oere for instalment in part.instalments) == part.share_oere
        kept = {month.month: month for month in facts.invoiced[part.municipality]}
        open_ = [instalment for instalment in part.instalments if instalment.month not in kept]
        if not open_:
            continue
        assert_it_closes(part)
        gross = part.share_oere - sum(month.gross_oere for month in kept.values())
        amount = part.obligation_oere - sum(month.amount_oere for month in kept.values())
        assert_even(open_, gross, amount, facts.unit_oere)
        assert not any(instalment.invoiced for instalment in open_)
        for instalment in part.instalments:
            if instalment.month in kept:
                as_invoiced = kept[instalment.month]
                assert instalment == Instalment(
                    as_invoiced.month, as_invoiced.gross_oere, as_invoiced.passed_on, invoiced=True
                )


@identity
@given(st.data(), halfway())
def test_after_a_change_the_new_price_stands_whatever_is_billed_or_credited_next(
    data: st.DataObject,
    year: tuple[YearFacts, AnnualSubscription, YearFacts],
) -> None:
    """Unless no month remained: then the invoices are to be taken back, and until they are there is more to say."""
    _, _, facts = year
    facts = changed(data, facts)
    second = calculate(facts, 2, NAMES)
    if any(len(months) == len(MONTHS_2009) for months in facts.invoiced.values()):
        return
    later = replace(facts, invoiced=billed(second, data.draw(some_months(second))))
    assert same_calculation(second, calculate(later, 3, NAMES))


def invoiced_somehow() -> st.SearchStrategy[list[InvoicedMonth]]:
    """Months invoiced with whatever amounts, by earlier prices or none."""
    return st.lists(
        st.builds(InvoicedMonth, st.sampled_from(MONTHS_2009), SIGNED, SOURCED), unique_by=lambda month: month.month
    )


@identity
@given(SIGNED, SOURCED, invoiced_somehow().filter(lambda months: len(months) < 12), UNITS)
def test_whatever_was_invoiced_the_year_closes(
    share: int,
    passed_on: dict[ResultSource, int],
    invoiced: list[InvoicedMonth],
    unit: int,
) -> None:
    instalments = instalments_of(
        months=MONTHS_2009,
        share_oere=share,
        passed_on=passed_on,
        invoiced=invoiced,
        unit_oere=unit,
        correction=Correction.SPREAD,
    )
    assert sum(amounts(instalments)) == share - sum(passed_on.values())
    assert sum(instalment.gross_oere for instalment in instalments) == share
    assert sources_over_the_year(instalments) == {source: amount for source, amount in passed_on.items() if amount}
    assert {instalment.month for instalment in instalments if instalment.invoiced} == {
        month.month for month in invoiced
    }


@identity
@given(SIGNED, SOURCED, invoiced_somehow(), UNITS)
def test_a_year_invoiced_anew_closes_too(
    share: int,
    passed_on: dict[ResultSource, int],
    invoiced: list[InvoicedMonth],
    unit: int,
) -> None:
    instalments = instalments_of(
        months=MONTHS_2009,
        share_oere=share,
        passed_on=passed_on,
        invoiced=invoiced,
        unit_oere=unit,
        correction=Correction.REINVOICE,
    )
    assert sum(amounts(instalments)) == share - sum(passed_on.values())
    assert sum(instalment.gross_oere for instalment in instalments) == share
    assert_even(instalments, share, share - sum(passed_on.values()), unit)


@pytest.mark.parametrize("correction", Correction)
def test_results_that_cancel_out_are_passed_on_though_all_is_invoiced(correction: Correction) -> None:
    """Odense's surplus of 60 and Svendborg's deficit of 60 change no amount, but who is entitled to it."""
    passed_on = {ODENSE_2007: 60, SVENDBORG_2007: -60}
    instalments = cut(1_200, [100] * 12, passed_on=passed_on, correction=correction)
    assert amounts(instalments) == [100] * 12
    assert sources_over_the_year(instalments) == passed_on


def test_a_month_that_passes_on_another_providers_result_does_not_say_the_same() -> None:
    passed_on = {ODENSE_2007: 12, SVENDBORG_2007: -12}
    instalments = cut(1_200, [100], passed_on=passed_on, correction=Correction.REINVOICE)
    assert sources_over_the_year(instalments) == passed_on


@identity
@given(populations(), st.lists(st.tuples(st.sampled_from(SOURCES), SIGNED, SIGNED), max_size=5))
def test_what_is_divided_of_a_pool_and_what_is_reserved_are_the_pool(
    weights: dict[str, int],
    entries: list[tuple[ResultSource, int, int]],
) -> None:
    pools = [ResultPool(source, amount, {"900": reserved}) for source, amount, reserved in entries]
    divided = divided_pools(pools, weights)
    assert list(divided) == sorted(weights)
    for source in {source for source, _, _ in entries}:
        of_source = sum(amount - reserved for other, amount, reserved in entries if other == source)
        assert sum(row[source] for row in divided.values()) == of_source


@identity
@given(years(sizes=(2, 9)), SIGNED, SIGNED)
def test_a_pool_comes_on_top_of_what_each_has_already(facts: YearFacts, odense: int, svendborg: int) -> None:
    pools = (ResultPool(SOURCES[0], odense), ResultPool(SOURCES[1], svendborg))
    without, year = priced(facts), priced(replace(facts, pools=pools))
    assert year.passed_on_oere == without.passed_on_oere + odense + svendborg
    for part in year.parts:
        assert_it_closes(part)
