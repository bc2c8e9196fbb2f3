"""Amounts on two margins, and vouchers that balance."""

from __future__ import annotations

import random
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.accounts.facts import Account, InvoicedMonth, Posting, ResultSource, Voucher, VoucherKind
from billing.accounts.rules import YearIsSettled, is_balanced, split_by_source
from foundation.money import apportion
from foundation.period import Month
from tests.billing.made import ODENSE, PROVIDERS, SIGNED, SVENDBORG, identity, populations

TOTALS = st.dictionaries(st.sampled_from(PROVIDERS), SIGNED, min_size=1)


def test_each_part_is_split_by_whose_money_it_is() -> None:
    # 20 over 3:1 is 15 and 5. Svendborg's -5 is -3.75 and -1.25, so -4 and -1; Odense's pieces are what is missing.
    split = split_by_source({"420": 15, "430": 5}, {ODENSE: 25, SVENDBORG: -5}, {"420": 3, "430": 1})
    assert split == {"420": {ODENSE: 19, SVENDBORG: -4}, "430": {ODENSE: 6, SVENDBORG: -1}}


def test_of_two_equal_providers_the_lower_code_takes_the_difference() -> None:
    # Svendborg's 1 goes to 420 (a tie); of 420's 1 nothing is left for Odense.
    split = split_by_source({"420": 1, "430": 1}, {SVENDBORG: 1, ODENSE: 1}, {"420": 1, "430": 1})
    assert split == {"420": {ODENSE: 0, SVENDBORG: 1}, "430": {ODENSE: 1, SVENDBORG: 0}}


def test_results_that_cancel_out_are_still_told_apart() -> None:
    split = split_by_source({"420": 0, "430": 0}, {ODENSE: 100, SVENDBORG: -100}, {"420": 3, "430": 1})
    assert split == {"420": {ODENSE: 75, SVENDBORG: -75}, "430": {ODENSE: 25, SVENDBORG: -25}}


def test_without_providers_there_is_nothing_to_tell() -> None:
    assert split_by_source({"430": 0, "420": 0}, {}, {"420": 3, "430": 1}) == {"420": {}, "430": {}}


@identity
@given(TOTALS, populations())
def test_rows_and_columns_both_sum_exactly(totals: dict[str, int], weights: dict[str, int]) -> None:
    parts = apportion(sum(totals.values()), weights)
    split = split_by_source(parts, totals, weights)
    assert {code: sum(row.values()) for code, row in split.items()} == parts
    assert {code: sum(row[code] for row in split.values()) for code in totals} == totals


@identity
@given(TOTALS, populations())
def test_each_piece_is_near_its_exact_share(totals: dict[str, int], weights: dict[str, int]) -> None:
    """Within an øre; what the largest provider takes up is within an øre for each of the others and for the part."""
    split = split_by_source(apportion(sum(totals.values()), weights), totals, weights)
    for code, row in split.items():
        share = Fraction(weights[code], sum(weights.values()))
        far = [provider for provider, piece in row.items() if abs(piece - totals[provider] * share) >= 1]
        assert len(far) <= 1
        assert all(abs(row[provider] - totals[provider] * share) < len(totals) for provider in far)


@identity
@given(TOTALS, populations(sizes=(3, 9)), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    totals: dict[str, int],
    weights: dict[str, int],
    chance: random.Random,
) -> None:
    def shuffled(values: dict[str, int]) -> dict[str, int]:
        return dict(chance.sample(list(values.items()), len(values)))

    parts = apportion(sum(totals.values()), weights)
    assert split_by_source(shuffled(parts), shuffled(totals), shuffled(weights)) == split_by_source(
        parts, totals, weights
    )


@identity
@given(TOTALS, populations(sizes=(1, 3, 9)))
def test_a_deficit_splits_as_the_surplus_would(totals: dict[str, int], weights: dict[str, int]) -> None:
    turned = {code: -total for code, total in totals.items()}
    there = split_by_source(apportion(sum(totals.values()), weights), totals, weights)
    back = split_by_source(apportion(sum(turned.values()), weights), turned, weights)
    assert back == {code: {provider: -piece for provider, piece in row.items()} for code, row in there.items()}


def voucher(*postings: Posting) -> Voucher:
    return Voucher("fyn-alkohol", VoucherKind.INVOICE, date(2008, 12, 15), "F2008-0001", "A conto", postings)


def test_a_voucher_balances_in_both_circles() -> None:
    owed = (Posting(Account.RECEIVABLE, 100, 2009), Posting(Account.ACONTO, -100, 2009))
    cleared = (Posting(Account.CLEARING, 60, 2009), Posting(Account.CLEARING, -60, 2009))
    assert is_balanced(voucher(*owed, *cleared))
    assert is_balanced(voucher(*owed))
    assert is_balanced(voucher())
    assert not is_balanced(voucher(owed[0]))
    assert not is_balanced(voucher(*owed, cleared[0]))


def test_circles_that_only_balance_together_do_not_balance() -> None:
    assert not is_balanced(voucher(Posting(Account.RECEIVABLE, 100, 2009), Posting(Account.CLEARING, -100, 2009)))


def test_what_an_invoice_asked_for_is_its_gross_less_what_it_passed_on() -> None:
    surplus, deficit = ResultSource(2007, ODENSE), ResultSource(2007, SVENDBORG)
    assert InvoicedMonth(Month(2009, 1), 1_000, {surplus: 70, deficit: -20}).amount_oere == 950


def test_a_settled_year_says_so() -> None:
    assert str(YearIsSettled(agreement="fyn-alkohol", year=2009)) == (
        "Året 2009 i aftalen «fyn-alkohol» er afsluttet med sit resultat og kan ikke ændres. "
        "En rettelse må ske i et senere år."
    )
