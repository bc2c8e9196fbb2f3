"""One payer's bill for one month: what it says, what it books, and who is entitled to it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import CostKind, CostLine, ProviderOwnShare, ResultKey
from billing.accounts.facts import Account, Posting, ResultSource, Voucher, VoucherKind
from billing.accounts.rules import is_balanced
from billing.annual_subscription.facts import AnnualSubscription, YearFacts
from billing.invoice.facts import ClaimKind, DocumentDraft, LineKind
from billing.monthly_aconto.facts import MonthFacts
from billing.monthly_aconto.rules import (
    NothingToBillFrom,
    PriceMissing,
    PriceOutOfDate,
    draft_of,
    instalment_of,
    split_between_providers,
)
from foundation.period import BillingYear, Month
from tests.billing.made import (
    ASSENS,
    BUDGET_2009,
    MONTHS_2009,
    ODENSE,
    PROVIDERS,
    SIGNED,
    SVENDBORG,
    billed,
    budgets,
    cost_line,
    funen,
    identity,
    made_up,
    month_facts,
    priced,
    whole,
    year_facts,
    years,
)

ODENSE_2007, SVENDBORG_2007 = ResultSource(2007, ODENSE), ResultSource(2007, SVENDBORG)
JANUARY_2010 = Month(2010, 1)
ODENSES_BUDGET, SVENDBORGS_BUDGET = 1_825_000_000, 641_733_333  # the 2009 budgets


def small_year(code: str = ASSENS) -> AnnualSubscription:
    """One payer of 1,000 a month, three quarters for Odense; 70 of a surplus and 20 of a deficit are passed on."""
    return priced(
        year_facts(
            (cost_line(ODENSE, 9_000), cost_line(SVENDBORG, 3_000)),
            {code: 1},
            passed_on={code: {ODENSE_2007: 12 * 70, SVENDBORG_2007: 12 * -20}},
        )
    )


def posted(draft: DocumentDraft, account: Account) -> list[tuple[str | None, str | None, int, int]]:
    """(payer, provider, accounting year, øre) of each posting on an account."""
    return [
        (posting.municipality, posting.provider, posting.accounting_year, posting.amount_oere)
        for posting in draft.postings
        if posting.account is account
    ]


# Worked by hand.


def test_assens_in_january_2009() -> None:
    # 194,202.82 kr. × 18,250,000.00 / 24,667,333.33 is 143,679.959953; the other is 50,522.860047.
    draft = draft_of(month_facts(priced()), ASSENS)
    assert draft.amount_oere == 19_420_282
    assert [(line.provider, line.service, line.kind, line.amount_oere) for line in draft.lines] == [
        (ODENSE, "ambulant", LineKind.SHARE, 14_367_996),
        (SVENDBORG, "ambulant", LineKind.SHARE, 5_052_286),
    ]
    assert posted(draft, Account.RECEIVABLE) == [(ASSENS, None, 2009, 19_420_282)]
    assert posted(draft, Account.ACONTO) == [
        (ASSENS, ODENSE, 2009, -14_367_996),
        (ASSENS, SVENDBORG, 2009, -5_052_286),
    ]
    assert posted(draft, Account.CLEARING) == [
        (None, ODENSE, 2009, -14_367_996),
        (None, SVENDBORG, 2009, -5_052_286),
        (ASSENS, ODENSE, 2009, 19_420_282),
    ]
    assert not draft.internal
    assert (draft.kind, draft.title, draft.due_days) == (ClaimKind.ACONTO, "A conto januar 2009", 30)
    assert draft.period.last_day == date(2009, 1, 31)


def test_a_line_says_what_it_is_for() -> None:
    line = draft_of(month_facts(priced()), ASSENS).lines[0]
    assert line.text == "Ambulant alkoholbehandling, Odense Kommune: a conto januar 2009 (rate 1 af 12)"
    assert line.vat_exemption == "Momsloven § 13, stk. 1, nr. 1"
    assert (line.accounting_year, line.version, line.agreement) == (2009, 1, "fyn-alkohol")


def test_what_the_providers_receive_of_2009() -> None:
    """Of two, the first gets its exact part to the nearest øre (half of one goes to the lower code), 108 times."""
    year = priced()
    budget = ODENSES_BUDGET + SVENDBORGS_BUDGET
    received = {ODENSE: 0, SVENDBORG: 0}
    for month in year.parts[0].instalments:
        for part in year.parts:
            draft = draft_of(month_facts(year, month.month), part.municipality)
            for _, provider, _, amount in posted(draft, Account.ACONTO):
                received[provider or ""] -= amount
    monthly = [
        (233_043_392, 19_420_282),
        (287_882_347, 23_990_195),
        (130_946_292, 10_912_191),
        (175_151_056, 14_595_921),
        (1_035_888_797, 86_324_066),
        (327_171_777, 27_264_314),
        (163_308_812, 13_609_067),
        (76_146_128, 6_345_510),
        (37_194_732, 3_099_561),
    ]
    instalments = [each for obligation, each in monthly for each in [each] * 11 + [obligation - 11 * each]]
    odense = sum((2 * each * ODENSES_BUDGET + budget) // (2 * budget) for each in instalments)
    assert received == {ODENSE: odense, SVENDBORG: 2_466_733_333 - odense}
    assert abs(odense - ODENSES_BUDGET) < 108


def test_earlier_results_have_lines_of_their_own_and_change_who_is_entitled() -> None:
    draft = draft_of(month_facts(small_year()), ASSENS)
    assert [(line.provider, line.kind, line.accounting_year, line.amount_oere) for line in draft.lines] == [
        (ODENSE, LineKind.SHARE, 2009, 750),
        (SVENDBORG, LineKind.SHARE, 2009, 250),
        (ODENSE, LineKind.PASSED_ON, 2007, -70),
        (SVENDBORG, LineKind.PASSED_ON, 2007, 20),
    ]
    assert [line.text for line in draft.lines[2:]] == [
        "Andel af overskud 2007, Odense Kommune, januar 2009",
        "Andel af underskud 2007, Svendborg Kommune, januar 2009",
    ]
    assert posted(draft, Account.RECEIVABLE) == [(ASSENS, None, 2009, 950)]
    assert posted(draft, Account.RESULT) == [(ASSENS, ODENSE, 2007, 70), (ASSENS, SVENDBORG, 2007, -20)]
    # 750 - 70 and 250 + 20
    assert posted(draft, Account.CLEARING) == [
        (None, ODENSE, 2009, -680),
        (None, SVENDBORG, 2009, -270),
        (ASSENS, ODENSE, 2009, 950),
    ]


def test_a_result_that_was_nobodys_is_taken_from_nobodys() -> None:
    agreement = funen(result_key=ResultKey.APPLICATION_YEAR)
    draft = draft_of(month_facts(small_year(), agreement=agreement), ASSENS)
    assert posted(draft, Account.RESULT) == [(None, ODENSE, 2007, 70), (None, SVENDBORG, 2007, -20)]


@pytest.mark.parametrize(
    ("payer", "own_share", "internal", "account", "collector"),
    [
        (ASSENS, ProviderOwnShare.INVOICE, False, Account.RECEIVABLE, ODENSE),
        (ASSENS, ProviderOwnShare.NET, False, Account.RECEIVABLE, ODENSE),
        (SVENDBORG, ProviderOwnShare.INVOICE, False, Account.RECEIVABLE, ODENSE),
        (SVENDBORG, ProviderOwnShare.NET, True, Account.OWN_SHARE, SVENDBORG),
        (ODENSE, ProviderOwnShare.INVOICE, True, Account.OWN_SHARE, ODENSE),
        (ODENSE, ProviderOwnShare.NET, True, Account.OWN_SHARE, ODENSE),
    ],
)
def test_how_a_provider_pays_its_own_share(
    payer: str,
    own_share: ProviderOwnShare,
    internal: bool,  # noqa: FBT001 - a column of the table
    account: Account,
    collector: str,
) -> None:
    draft = draft_of(month_facts(small_year(payer), agreement=funen(own_share=own_share)), payer)
    assert draft.internal is internal
    assert posted(draft, account) == [(payer, None, 2009, 950)]
    assert posted(draft, Account.CLEARING)[-1] == (payer, collector, 2009, 950)


def test_one_bill_with_a_line_for_each_provider_and_service() -> None:
    lines = (
        cost_line(SVENDBORG, 300, "ambulant"),
        cost_line(ODENSE, 500, "familie"),
        cost_line(ODENSE, 1_000, "ambulant"),
        cost_line(ODENSE, 100, "ambulant", CostKind.GRANT),
    )
    # 1,700 split 1,400 : 300; Odense's 1,400 split 900 : 500.
    draft = draft_of(month_facts(priced(year_facts(lines, {ASSENS: 1})), MONTHS_2009[11]), ASSENS)
    # 1,700 / 12 is 141, December 149: 149 × 1,400 / 1,700 is 122.7 and 26.3; 123 × 900 / 1,400 is 79.07 and 43.93.
    assert [(line.provider, line.service, line.amount_oere) for line in draft.lines] == [
        (ODENSE, "ambulant", 79),
        (ODENSE, "familie", 44),
        (SVENDBORG, "ambulant", 26),
    ]


def test_budgets_that_cancel_out_give_equal_parts() -> None:
    split = split_between_providers(-101, (cost_line(ODENSE, 700), cost_line(SVENDBORG, -700)))
    assert split == {(ODENSE, "ambulant"): -51, (SVENDBORG, "ambulant"): -50}


def test_a_bill_of_nothing_has_one_line() -> None:
    year = priced(year_facts(BUDGET_2009, {ASSENS: 0, ODENSE: 1}))
    draft = draft_of(month_facts(year), ASSENS)
    assert [line.amount_oere for line in draft.lines] == [0]
    assert whole(draft.postings) == 0


def test_without_a_price_last_years_instalment_is_billed_and_said() -> None:
    """Rule 8: floor(233,043,392 / 12), by last year's budgets; nothing of it is an earlier result."""
    draft = draft_of(month_facts(priced(), JANUARY_2010, provisional=True), ASSENS)
    assert draft.amount_oere == 19_420_282
    assert draft.provisional
    assert draft.note == (
        "Foreløbigt beløb: prisen for 2010 forelå ikke 15.12.2009. "
        "Der opkræves derfor sidste års månedlige rate; forskellen reguleres, når prisen er beregnet."
    )
    assert [line.text for line in draft.lines] == [
        "Ambulant alkoholbehandling, Odense Kommune: a conto januar 2010 (foreløbig rate)",
        "Ambulant alkoholbehandling, Svendborg Kommune: a conto januar 2010 (foreløbig rate)",
    ]
    assert {line.accounting_year for line in draft.lines} == {2010}
    assert posted(draft, Account.ACONTO) == [
        (ASSENS, ODENSE, 2010, -14_367_996),
        (ASSENS, SVENDBORG, 2010, -5_052_286),
    ]


def test_the_provisional_instalment_is_of_the_obligation_and_bills_no_earlier_result() -> None:
    # Obligation 12,000 - 840 + 240 = 11,400, / 12 is 950.
    draft = draft_of(month_facts(small_year(), JANUARY_2010, provisional=True), ASSENS)
    assert draft.amount_oere == 950
    assert posted(draft, Account.RESULT) == []


def test_the_provisional_instalment_is_the_regular_one_though_last_year_was_corrected() -> None:
    # Five months of 1,000 were billed; 19,205 less 5,000 is 14,205: last year's seven months were 2,029 and 2,031.
    # The regular instalment of 19,205 is 1,600.42, so 1,600.
    first = priced(year_facts((cost_line(ODENSE, 12_000),), {ASSENS: 1}))
    facts = year_facts((cost_line(ODENSE, 19_205),), {ASSENS: 1})
    corrected = priced(replace(facts, invoiced=billed(first, {ASSENS: range(1, 6)})), version=2)
    assert [month.amount_oere for month in corrected.parts[0].instalments] == [1_000] * 5 + [2_029] * 6 + [2_031]
    facts_2010 = month_facts(corrected, JANUARY_2010, provisional=True)
    assert instalment_of(facts_2010, ASSENS).amount_oere == 1_600


def test_the_provisional_instalment_in_whole_kroner() -> None:
    year = priced(year_facts(unit_oere=100))  # Ærø: 371,947 kr. / 12 is 30,995.58
    assert instalment_of(month_facts(year, JANUARY_2010, provisional=True), "492").amount_oere == 3_099_500


def test_a_corrected_price_is_said_on_the_bill() -> None:
    assert draft_of(month_facts(priced()), ASSENS).note == ""
    assert draft_of(month_facts(priced(version=2)), ASSENS).note == "Beløbet følger prisberegning nr. 2 for 2009."


# What stops a bill.


def test_a_joiner_has_no_instalment_of_last_year() -> None:
    facts = month_facts(small_year(), JANUARY_2010, provisional=True)
    with pytest.raises(NothingToBillFrom) as caught:
        draft_of(facts, "492")
    assert str(caught.value) == (
        "Ærø Kommune har hverken en pris for 2010 eller for året før, så januar 2010 kan ikke faktureres foreløbigt. "
        "Beregn prisen med «mellemregning subscription calculate fyn-alkohol 2010»."
    )


def test_a_missing_price_says_from_when_last_years_is_billed() -> None:
    error = PriceMissing(agreement="fyn-alkohol", year=2011, provisional_from=date(2010, 12, 15))
    assert str(error) == (
        "Prisen for 2011 i aftalen «fyn-alkohol» er ikke beregnet. Kør «mellemregning subscription calculate "
        "fyn-alkohol 2011». Mangler prisen stadig 15.12.2010, udstedes sidste års rate foreløbigt."
    )


def test_a_price_for_other_members_says_who() -> None:
    error = PriceOutOfDate(agreement="fyn-alkohol", year=2011, version=2, difference="Ærø deltager ikke længere")
    assert str(error) == (
        "Prisen for 2011 i aftalen «fyn-alkohol» (beregning 2) er lavet for andre deltagere end de nuværende: "
        "Ærø deltager ikke længere. Kør «mellemregning subscription calculate fyn-alkohol 2011» og udsted igen."
    )


# Identities.


@identity
@given(SIGNED, budgets())
def test_an_instalment_is_cut_without_a_rest(gross: int, lines: tuple[CostLine, ...]) -> None:
    split = split_between_providers(gross, lines)
    assert sum(split.values()) == gross
    assert list(split) == sorted(split)
    assert set(split) == {(line.key.provider, line.key.service) for line in lines}


@identity
@given(SIGNED, budgets())
def test_each_provider_gets_its_budgets_part_to_the_oere(gross: int, lines: tuple[CostLine, ...]) -> None:
    budget: dict[str, int] = {}
    for line in lines:
        sign = 1 if line.key.kind is CostKind.COST else -1
        budget[line.key.provider] = budget.get(line.key.provider, 0) + sign * line.amount_oere
    if sum(budget.values()) == 0:
        budget = dict.fromkeys(budget, 1)
    parts: dict[str, int] = dict.fromkeys(budget, 0)
    for (provider, _), amount in split_between_providers(gross, lines).items():
        parts[provider] += amount
    for provider, part in parts.items():
        assert abs(part - Fraction(gross * budget[provider], sum(budget.values()))) < 1


@identity
@given(SIGNED, budgets(), st.randoms(use_true_random=False))
def test_the_order_of_the_budgets_does_not_matter(
    gross: int,
    lines: tuple[CostLine, ...],
    chance: random.Random,
) -> None:
    shuffled = chance.sample(lines, len(lines))
    assert split_between_providers(gross, shuffled) == split_between_providers(gross, lines)
    assert split_between_providers(-gross, lines) == {
        key: -part for key, part in split_between_providers(gross, lines).items()
    }


@st.composite
def bills(draw: st.DrawFn) -> tuple[MonthFacts, str]:
    """A month and a payer: the issuer, another provider or a plain subscriber."""
    facts: YearFacts = draw(years(sizes=(1, 2, 3, 60)))
    agreement = made_up(draw(st.sampled_from(ProviderOwnShare)), draw(st.sampled_from(ResultKey)))
    provisional = draw(st.booleans())
    year = BillingYear(2010 if provisional else 2009)
    payer = draw(
        st.sampled_from([code for code in PROVIDERS if code in facts.members]) | st.sampled_from(facts.members)
    )
    month = draw(st.sampled_from(year.months))
    return month_facts(priced(facts), month, agreement=agreement, provisional=provisional), payer


@identity
@given(bills())
def test_lines_sum_to_what_is_asked_for(bill: tuple[MonthFacts, str]) -> None:
    facts, payer = bill
    instalment = instalment_of(facts, payer)
    draft = draft_of(facts, payer)
    assert draft.amount_oere == instalment.amount_oere
    assert sum(line.amount_oere for line in draft.lines if line.kind is LineKind.SHARE) == instalment.gross_oere
    assert all(line.amount_oere for line in draft.lines) or len(draft.lines) == 1
    if facts.provisional:
        assert {line.kind for line in draft.lines} == {LineKind.SHARE}


@identity
@given(bills())
def test_a_bill_balances_and_so_does_the_clearing(bill: tuple[MonthFacts, str]) -> None:
    facts, payer = bill
    draft = draft_of(facts, payer)
    assert whole(draft.postings) == 0
    assert whole(draft.postings, Account.CLEARING) == 0
    assert is_balanced(
        Voucher("fyn-alkohol", VoucherKind.INVOICE, date(2008, 12, 15), "F2008-0001", draft.title, draft.postings)
    )
    assert {posting.service_month for posting in draft.postings} == {facts.month}


@identity
@given(bills())
def test_what_is_billed_is_owed_once_by_the_right_account(bill: tuple[MonthFacts, str]) -> None:
    facts, payer = bill
    draft = draft_of(facts, payer)
    terms = facts.agreement.terms.advance
    set_off = payer in PROVIDERS and terms.provider_own_share is ProviderOwnShare.NET
    assert draft.internal == (set_off or payer == facts.agreement.issuer)
    assert whole(draft.postings, Account.OWN_SHARE if draft.internal else Account.RECEIVABLE) == draft.amount_oere
    assert whole(draft.postings, Account.RECEIVABLE, Account.OWN_SHARE) == draft.amount_oere
    collected = [posting for posting in clearing(draft.postings) if posting.municipality is not None]
    assert [(posting.provider, posting.amount_oere) for posting in collected] == [
        (payer if set_off else facts.agreement.issuer, draft.amount_oere)
    ]


def clearing(postings: Sequence[Posting]) -> list[Posting]:
    return [posting for posting in postings if posting.account is Account.CLEARING]


@identity
@given(bills())
def test_entitlements_sum_to_what_was_billed_and_each_bears_its_own_result(bill: tuple[MonthFacts, str]) -> None:
    facts, payer = bill
    draft = draft_of(facts, payer)
    entitled: dict[str | None, int] = {}
    for posting in clearing(draft.postings):
        if posting.municipality is None:
            entitled[posting.provider] = entitled.get(posting.provider, 0) - posting.amount_oere
    assert sum(entitled.values()) == draft.amount_oere
    lines: dict[str | None, int] = {}
    for line in draft.lines:
        lines[line.provider] = lines.get(line.provider, 0) + line.amount_oere
    for provider in entitled.keys() | lines.keys():
        assert entitled.get(provider, 0) == lines.get(provider, 0)


@identity
@given(bills())
def test_the_result_account_gives_what_the_bill_passes_on(bill: tuple[MonthFacts, str]) -> None:
    facts, payer = bill
    draft = draft_of(facts, payer)
    own = facts.agreement.terms.settlement.result_key is ResultKey.ACCOUNTING_YEAR
    given_: dict[ResultSource, int] = {}
    for posting in draft.postings:
        if posting.account is Account.RESULT:
            assert posting.municipality == (payer if own else None)
            source = ResultSource(posting.accounting_year, posting.provider or "")
            given_[source] = given_.get(source, 0) + posting.amount_oere
    assert given_ == dict(instalment_of(facts, payer).passed_on)


@identity
@given(years(sizes=(1, 2, 9)), st.sampled_from(ProviderOwnShare))
def test_twelve_bills_are_the_year(facts: YearFacts, own_share: ProviderOwnShare) -> None:
    year = priced(facts)
    agreement = made_up(own_share, ResultKey.ACCOUNTING_YEAR)
    part = year.parts[-1]
    drafts = [draft_of(month_facts(year, month, agreement=agreement), part.municipality) for month in MONTHS_2009]
    postings = [posting for draft in drafts for posting in draft.postings]
    assert sum(draft.amount_oere for draft in drafts) == part.obligation_oere
    assert whole(postings, Account.ACONTO) == -part.share_oere
    assert whole(postings, Account.RESULT) == part.passed_on_oere
