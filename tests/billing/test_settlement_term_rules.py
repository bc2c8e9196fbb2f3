"""Results key by key, shares of net assets and true-ups: identities, and figures worked out by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import AllocationTerms, PartialYear
from billing.accounts.facts import Account, ResultMovement, ResultSource
from billing.invoice.facts import DocumentDraft, PartySnapshot
from billing.year_end_settlement.exit_rules import share_of_net_assets, weights_on
from billing.year_end_settlement.facts import KeyResult
from billing.year_end_settlement.key_rules import is_per_line, kept_of_cells, results_by_key, split_by_keys
from billing.year_end_settlement.true_up_rules import parts_to_true_up, true_up_drafts, years_trued_up
from exports.excel.layout_settled import key_sheets
from foundation.money import apportion_signed
from foundation.period import Period
from tests.billing.keyed import MONTHLY, YEAR, line, one_party, open_ended, percentages, priced
from tests.billing.made import whole

MIXED = AllocationTerms(line_keys=(percentages("lokaler", {"420": 400_000, "461": 600_000}, "lokaler"),))
TWO = {"420": 1, "461": 2}
PROVIDERS = ("461", "479")
AMOUNTS = st.integers(-1_000_000, 1_000_000)


def by_461(key: KeyResult) -> tuple[str, int, int, dict[str, int]]:
    return key.name, key.billed_oere.get("461", 0), key.cost_oere.get("461", 0), dict(key.parts)


def test_each_keys_difference_by_the_key() -> None:
    price = priced([line(30_000), line(1_000, "lokaler")], MIXED, counts=TWO)
    keys = results_by_key(price, (line(27_000), line(1_500, "lokaler")), MIXED)
    # 3,000 of surplus by 1:2, 500 of deficit by 40/60.
    assert [by_461(key) for key in keys] == [
        ("", 30_000, 27_000, {"420": 1_000, "461": 2_000}),
        ("lokaler", 1_000, 1_500, {"420": -200, "461": -300}),
    ]
    assert split_by_keys(keys, {"461": 2_500}) == {"420": {"461": 800}, "461": {"461": 1_700}}
    # Of a payer's surplus beside another's deficit the same part is kept: a fifth.
    assert kept_of_cells({"420": {"461": 3_000}, "461": {"461": -500}}, {"461": 500}) == {
        "420": {"461": 600},
        "461": {"461": -100},
    }


def test_the_accounts_must_name_every_line_of_a_service_with_several_keys() -> None:
    price = priced([line(30_000), line(1_000, "lokaler")], MIXED, counts=TWO)
    assert not is_per_line(price, (line(28_500),))
    assert not is_per_line(price, (line(27_000), line(1_500, "leje")))
    assert results_by_key(price, (line(28_500),), MIXED) == ()
    # A service with one key needs no lines, and one key alone gives nothing to tell apart.
    allocation = AllocationTerms(line_keys=(one_party("koordinator", "420", "koordinator"),))
    apart = priced([line(30_000), line(600, "koordinator", "stab")], allocation, counts=TWO)
    named = (line(30_000, "løn"), line(0, "koordinator", "stab"))
    assert [dict(key.parts) for key in results_by_key(apart, named, allocation)] == [
        {"420": 0, "461": 0},
        {"420": 600},
    ]
    alone = priced([line(30_000)], AllocationTerms(line_keys=MIXED.line_keys), counts=TWO)
    assert results_by_key(alone, (line(27_000),), MIXED) == ()


def test_who_joined_late_weighs_by_the_keys_of_the_day() -> None:
    days = {
        "420": Period(date(YEAR, 1, 1), date(YEAR + 1, 1, 1)),
        "461": Period(date(YEAR, 7, 1), date(YEAR + 1, 1, 1)),
    }
    everybody = AllocationTerms(partial_year=PartialYear.MONTHS)
    price = priced([line(12_000)], everybody, counts=TWO, days=days)
    # Half a year alone, half by 1:2: 6,000 + 2,000 and 4,000.
    assert {part.municipality: part.share_oere for part in price.parts} == {"420": 8_000, "461": 4_000}
    # By the keys of its last day it weighs two to one, whatever it paid of the year.
    weights = weights_on(price, date(YEAR, 12, 31))
    assert Fraction(weights["461"], sum(weights.values())) == Fraction(2, 3)
    assert weights_on(price, date(YEAR, 3, 1)).keys() == {"420"}


def test_net_assets_by_all_keys_of_the_last_day() -> None:
    price = priced([line(30_000), line(10_000, "lokaler")], MIXED, counts=TWO)
    # 420 bears a third of 30,000 and 40 per cent of 10,000: 14,000 of 40,000, so 35 per cent.
    share = share_of_net_assets(price, "420", date(YEAR, 12, 31), 1_000_000, "note 4")
    assert share.share_oere == 350_000
    assert share_of_net_assets(price, "420", date(YEAR, 12, 31), -1_000_000, "note 4").share_oere == -350_000
    assert share_of_net_assets(price, "999", date(YEAR, 12, 31), 1_000_000, "note 4").share_oere == 0


@given(AMOUNTS, st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 99))
def test_shares_of_net_assets_sum_to_them(net: int, one: int, other: int, people: int) -> None:
    price = priced([line(one), line(other, "lokaler")], MIXED, counts={"420": people, "461": 100 - people})
    shares = [share_of_net_assets(price, who, date(YEAR, 12, 31), net, "x").share_oere for who in ("420", "461")]
    assert sum(shares) == net
    exact = Fraction(net * (one * people * 10 + other * 400), (one + other) * 1_000)
    assert abs(shares[0] - exact) < 1


KEYS = st.lists(
    st.builds(
        KeyResult,
        st.sampled_from(["", "lokaler", "stab"]),
        st.dictionaries(st.sampled_from(PROVIDERS), AMOUNTS),
        st.dictionaries(st.sampled_from(PROVIDERS), AMOUNTS),
        st.dictionaries(st.sampled_from(["420", "461", "480"]), st.integers(1, 10_000), min_size=1),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda key: key.name,
)


@given(KEYS, AMOUNTS, st.integers(0, 100))
def test_rows_are_the_payers_parts_and_columns_the_providers_results(
    keys: list[KeyResult], off: int, percent: int
) -> None:
    """Also where a provider's receipts miss its budget by some øre, which the other's then exceed."""
    total = sum(key.result_oere for key in keys)
    own = sum(key.billed_oere.get("461", 0) - key.cost_oere.get("461", 0) for key in keys) + off
    results = {"461": own, "479": total - own}
    cells = split_by_keys(keys, results)
    for who, row in cells.items():
        assert sum(row.values()) == sum(key.parts.get(who, 0) for key in keys)
    for provider, result in results.items():
        assert sum(row[provider] for row in cells.values()) == result
    kept_oere = total * percent // 100
    kept = apportion_signed(kept_oere, results) if total else dict.fromkeys(results, 0)
    carried = kept_of_cells(cells, kept)
    for provider, amount in kept.items():
        assert sum(row[provider] for row in carried.values()) in {amount, 0}
        if sum(row[provider] for row in cells.values()):
            assert sum(row[provider] for row in carried.values()) == amount


def test_a_key_that_was_not_billed_is_divided_by_the_years_shares() -> None:
    price = priced(
        [line(30_000, "drift"), line(1_000, "lokaler")],
        AllocationTerms(
            line_keys=(
                percentages("drift", {"420": 500_000, "461": 500_000}, "drift"),
                percentages("lokaler", {"420": 400_000, "461": 600_000}, "lokaler"),
            )
        ),
        counts=TWO,
    )
    accounts = (line(30_000, "drift"), line(1_000, "lokaler"), line(310, "uforudset"))
    keys = results_by_key(price, accounts, AllocationTerms())
    # Paid in all: 15,400 and 15,600.
    assert by_461(keys[-1]) == ("", 0, 310, {"420": -154, "461": -156})


SURPLUS = ResultSource(2016, "615")


def test_what_is_trued_up() -> None:
    movements = [
        ResultMovement(SURPLUS, "727", 300, 2016),
        ResultMovement(ResultSource(2016, "461"), "727", -100, 2016),
        ResultMovement(SURPLUS, "420", 0, 2016),
        ResultMovement(ResultSource(2017, "615"), "727", 50, 2019),
        ResultMovement(ResultSource(2018, "615"), "727", 50, None),
    ]
    assert years_trued_up(movements) == {2016}
    parts = parts_to_true_up(movements, 2016)
    assert parts == {"727": {"461": -100, "615": 300}}
    assert parts_to_true_up(movements, 2017) == {}
    (draft,) = drafts_of(parts)
    assert draft.amount_oere == -200
    assert [(entry.provider, entry.amount_oere) for entry in draft.lines] == [("461", 100), ("615", -300)]
    assert drafts_of(parts, held=("727",)) == []


def drafts_of(parts: dict[str, dict[str, int]], held: tuple[str, ...] = ()) -> list[DocumentDraft]:
    names = {"420", "461", "479", "615", "727"}
    parties = {code: PartySnapshot(code, code, "", "") for code in names}
    return true_up_drafts(open_ended(MONTHLY), 2016, parts, held, parties, "efter andelene")


@given(
    st.dictionaries(
        st.sampled_from(["420", "615", "727"]),
        st.dictionaries(st.sampled_from(["461", "615"]), AMOUNTS, min_size=1),
        min_size=1,
    )
)
def test_a_true_up_balances(parts: dict[str, dict[str, int]]) -> None:
    for draft in drafts_of(parts):
        row = parts[draft.subscriber.municipality]
        assert whole(draft.postings) == 0
        assert whole(draft.postings, Account.CLEARING) == 0
        assert whole(draft.postings, Account.RESULT) == sum(row.values()) == -draft.amount_oere
        assert draft.internal == (draft.subscriber.municipality == "615")


def test_the_statement_tells_each_keys_division() -> None:
    price = priced([line(30_000), line(1_000, "lokaler")], MIXED, counts=TWO)
    keys = results_by_key(price, (line(27_000), line(1_500, "lokaler")), MIXED)
    sheets, table = key_sheets(keys, YEAR, lambda code: code)
    assert [sheet.name for sheet in sheets] == ["Nøgler", "Nøglernes fordeling"]
    assert table is not None
    assert key_sheets((), YEAR, lambda code: code) == ([], None)
