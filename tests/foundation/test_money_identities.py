"""What holds of every split and every cut, whatever the figures are."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from foundation.money import (
    LARGEST_OERE,
    apportion,
    apportion_signed,
    equal_parts,
    kroner,
    kroner_for_programs,
    oere_from_danish_text,
    oere_from_text,
)

settings.register_profile("money", deadline=None, max_examples=80)
money = settings.get_profile("money")

CODES = tuple(f"{number}" for number in range(101, 199))  # 98, as there are municipalities
AMOUNTS = st.integers(-300, 300) | st.integers(-LARGEST_OERE, LARGEST_OERE)
UNITS = st.sampled_from([1, 100])


@st.composite
def populations(draw: st.DrawFn) -> dict[str, int]:
    """Some or all of the 98, some of them without a soul, but not all."""
    count = draw(st.sampled_from([1, 2, 3, 9, 98]))
    people = draw(st.lists(st.integers(0, 4) | st.integers(0, 700_000), min_size=count, max_size=count))
    people[draw(st.integers(0, count - 1))] += 1
    return dict(zip(CODES, people, strict=False))


@st.composite
def net_budgets(draw: st.DrawFn) -> dict[str, int]:
    """Providers' net costs: cost and income, not cancelling out."""
    nets = draw(st.lists(st.integers(-5, 5) | st.integers(-(10**12), 10**12), min_size=1, max_size=6))
    if sum(nets) == 0:
        nets[0] += 1
    return dict(zip(CODES, nets, strict=False))


def by_largest_remainder(units: int, weights: dict[str, int]) -> dict[str, int]:
    """The same by exact fractions, written from rule 3 alone."""
    whole = sum(weights.values())
    quotas = {code: Fraction(units * weight, whole) for code, weight in weights.items()}
    parts = {code: int(quota) for code, quota in quotas.items()}
    by_remainder = sorted(weights, key=lambda code: (parts[code] - quotas[code], code))
    for code in by_remainder[: units - sum(parts.values())]:
        parts[code] += 1
    return parts


@money
@given(AMOUNTS, populations(), UNITS)
def test_parts_sum_to_the_whole(total: int, weights: dict[str, int], unit: int) -> None:
    parts = apportion(total, weights, unit)
    assert sum(parts.values()) == total
    assert list(parts) == sorted(weights)


@money
@given(AMOUNTS, net_budgets(), UNITS)
def test_parts_by_weights_of_either_sign_sum_to_the_whole(total: int, weights: dict[str, int], unit: int) -> None:
    assert sum(apportion_signed(total, weights, unit).values()) == total


@money
@given(st.integers(0, 500) | st.integers(0, LARGEST_OERE), populations(), UNITS)
def test_parts_are_the_largest_remainders_and_the_odd_oere_the_largest_shares(
    total: int,
    weights: dict[str, int],
    unit: int,
) -> None:
    expected = {code: part * unit for code, part in by_largest_remainder(total // unit, weights).items()}
    expected[min(weights, key=lambda code: (-weights[code], code))] += total % unit
    assert apportion(total, weights, unit) == expected


@money
@given(AMOUNTS, net_budgets() | populations(), UNITS)
def test_each_part_lies_within_one_unit_of_its_exact_share(total: int, weights: dict[str, int], unit: int) -> None:
    whole = sum(weights.values())
    parts = apportion_signed(total, weights, unit)
    odd = abs(total) % unit
    beyond = [code for code in weights if abs(parts[code] - Fraction(total * weights[code], whole)) >= unit]
    # The odd øre, less than a unit, may bring one of them, and themselves move every exact share a little.
    if odd == 0:
        assert beyond == []
    in_units = (abs(total) - odd) * (1 if total >= 0 else -1)
    far = [code for code in weights if abs(parts[code] - Fraction(in_units * weights[code], whole)) >= unit]
    assert len(far) <= (1 if odd else 0)


@money
@given(AMOUNTS, net_budgets() | populations(), UNITS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    total: int,
    weights: dict[str, int],
    unit: int,
    chance: random.Random,
) -> None:
    shuffled = list(weights.items())
    chance.shuffle(shuffled)
    assert apportion_signed(total, dict(shuffled), unit) == apportion_signed(total, weights, unit)


@money
@given(AMOUNTS, net_budgets() | populations(), UNITS)
def test_a_credit_undoes_its_charge_part_by_part(total: int, weights: dict[str, int], unit: int) -> None:
    charge = apportion_signed(total, weights, unit)
    credit = apportion_signed(-total, weights, unit)
    assert credit == {code: -part for code, part in charge.items()}


@money
@given(AMOUNTS, net_budgets(), UNITS)
def test_income_for_cost_and_cost_for_income_splits_the_same(total: int, weights: dict[str, int], unit: int) -> None:
    turned = {code: -weight for code, weight in weights.items()}
    assert apportion_signed(total, turned, unit) == apportion_signed(total, weights, unit)


@money
@given(AMOUNTS, populations(), UNITS)
@example(10, {"101": 6, "102": 6, "103": 2}, 1)
def test_more_inhabitants_never_bear_less(total: int, weights: dict[str, int], unit: int) -> None:
    parts = apportion(total, weights, unit)
    for (fewer, few), (more, many) in itertools.permutations(weights.items(), 2):
        if few < many:
            assert abs(parts[fewer]) <= abs(parts[more])


@money
@given(AMOUNTS, populations(), UNITS)
def test_no_part_has_another_sign_than_the_whole_and_none_is_borne_by_nobody(
    total: int,
    weights: dict[str, int],
    unit: int,
) -> None:
    for code, part in apportion(total, weights, unit).items():
        assert part * total >= 0
        if weights[code] == 0:
            assert part == 0


@money
@given(AMOUNTS, st.integers(1, 400), UNITS)
def test_instalments_sum_to_the_obligation_and_all_but_the_last_are_the_floor(
    total: int, count: int, unit: int
) -> None:
    parts = equal_parts(total, count, unit)
    assert len(parts) == count
    assert sum(parts) == total
    each = Fraction(total, count * unit)
    floor = each.numerator // each.denominator * unit
    assert set(parts[:-1]) <= {floor}
    assert 0 <= parts[-1] - floor < count * unit


@money
@given(AMOUNTS)
def test_an_amount_is_read_as_it_was_written(oere: int) -> None:
    assert oere_from_danish_text(kroner(oere)) == oere
    assert oere_from_text(kroner_for_programs(oere)) == oere
