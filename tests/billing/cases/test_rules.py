"""How days of a stay count, add up, are priced, and what of them is new; figures by hand or by counting one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import ProviderOwnShare
from agreements.agreement_file import read_agreement
from agreements.case_terms import CasePrice, CasePricing, CaseTerms
from billing.accounts.facts import Account, Voucher, VoucherKind
from billing.accounts.rules import is_balanced
from billing.invoice.facts import PartySnapshot
from billing.single_case.facts import (
    BilledLine,
    Case,
    CaseEvent,
    CaseLine,
    CaseStep,
    LineKey,
    PlannedCaseDocument,
    PlannedLine,
)
from billing.single_case.rules import (
    CasePriceMissing,
    NotACaseNumber,
    NotASupplierReference,
    PersonInText,
    arranged,
    changes,
    counted_days,
    days_in,
    draft_of,
    last_claim_day,
    open_lines,
    priced,
    require_number,
    require_supplier,
    wanted_lines,
)
from foundation.period import Month, Period

A_DAY = timedelta(days=1)
DAYS = st.dates(date(2008, 1, 1), date(2012, 12, 31))
LENGTHS = st.integers(0, 500)
CONVENTIONS = st.builds(CaseTerms, count_arrival_day=st.booleans(), count_leaving_day=st.booleans())
ONE_OF_TWO = st.sampled_from([CaseTerms(), CaseTerms(count_arrival_day=False, count_leaving_day=True)])


def by_hand(admitted: date, discharged: date | None, within: Period, terms: CaseTerms) -> int:
    """Each day asked by itself: is it of the stay, and does the agreement count it?"""
    counted = 0
    day = within.from_day
    while day < within.to_day:
        inside = admitted <= day and (discharged is None or day <= discharged)
        # One who comes and goes on one day has a day only where neither end is left out.
        left_out = (day == admitted and not terms.count_arrival_day) or (
            day == discharged and not terms.count_leaving_day
        )
        counted += inside and not left_out
        day += A_DAY
    return counted


@given(
    admitted=DAYS,
    length=LENGTHS,
    leaves=st.booleans(),
    terms=CONVENTIONS,
    cuts=st.lists(DAYS, min_size=2, max_size=8, unique=True),
)
def test_days_add_up_over_any_cut_of_the_calendar(
    admitted: date, length: int, *, leaves: bool, terms: CaseTerms, cuts: list[date]
) -> None:
    discharged = admitted + timedelta(days=length) if leaves else None
    days = sorted(cuts)
    whole = days_in(counted_days(admitted, discharged, Period(days[0], days[-1]), terms))
    parts = [days_in(counted_days(admitted, discharged, Period(*piece), terms)) for piece in pairwise(days)]
    assert sum(parts) == whole
    assert whole == by_hand(admitted, discharged, Period(days[0], days[-1]), terms)


@given(DAYS, st.lists(st.integers(0, 200), min_size=2, max_size=6), ONE_OF_TWO)
def test_days_add_up_over_any_cut_of_the_stay(first: date, lengths: list[int], terms: CaseTerms) -> None:
    """Who leaves one place for another on the same day is counted once, wherever the stay is cut."""
    ends = [first]
    for length in lengths:
        ends.append(ends[-1] + timedelta(days=length))
    always = Period(date(2000, 1, 1), date(2030, 1, 1))
    whole = days_in(counted_days(ends[0], ends[-1], always, terms))
    assert sum(days_in(counted_days(*piece, always, terms)) for piece in pairwise(ends)) == whole
    assert whole == (ends[-1] - ends[0]).days


@given(
    DAYS,
    st.integers(1, 400),
    st.dictionaries(st.integers(-300, 400), st.integers(1, 10**7), min_size=1, max_size=6),
)
def test_pieces_at_a_price_add_up_and_each_day_has_its_own(start: date, length: int, offsets: dict[int, int]) -> None:
    period = Period(start, start + timedelta(days=length))
    prices = [CasePrice("d", start + timedelta(days=offset), amount) for offset, amount in offsets.items()]
    if min(offsets) > 0:
        with pytest.raises(LookupError):
            priced(period, prices)
        return
    pieces = priced(period, prices)
    assert [pieces[0][0].from_day, pieces[-1][0].to_day] == [period.from_day, period.to_day]
    assert all(one[0].to_day == other[0].from_day for one, other in pairwise(pieces))
    by_day = 0
    for place in range(length):
        by_day += offsets[max(offset for offset in offsets if offset <= place)]
    assert sum(days_in(piece) * unit for piece, unit in pieces) == by_day


def a_case(admitted: date, discharged: date | None = None) -> Case:
    events = [CaseEvent(CaseStep.APPROVED, admitted, admitted), CaseEvent(CaseStep.ADMITTED, admitted, admitted)]
    if discharged:
        events.append(CaseEvent(CaseStep.DISCHARGED, discharged, discharged))
    return Case(1, "S-BCDF-GHJK", "a", "d", "615", "727", admitted, tuple(events))


PRICES = (CasePrice("d", date(2009, 1, 1), 133_700), CasePrice("d", date(2009, 3, 11), 140_000))


def wanted(case: Case, month: Month) -> list[CaseLine]:
    return wanted_lines(case, month, CasePricing.DAY, PRICES, (), CaseTerms(), month.period)


def test_a_price_change_inside_a_month() -> None:
    stay = a_case(date(2009, 3, 5), date(2009, 3, 20))
    found = [(line.days, line.amount_oere) for line in wanted(stay, Month(2009, 3))]
    # 5-10 March at 1.337,00, 11-19 March at 1.400,00; the 20th is the day of leaving.
    assert found == [(6, 802_200), (9, 1_260_000)]
    assert wanted(stay, Month(2009, 2)) == wanted(stay, Month(2009, 4)) == []
    assert wanted(a_case(date(2009, 3, 5), date(2009, 3, 5)), Month(2009, 3)) == []
    with pytest.raises(CasePriceMissing):
        wanted(a_case(date(2008, 12, 31)), Month(2008, 12))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), min_size=1, max_size=6))
def test_whatever_is_corrected_or_taken_back_what_stands_is_what_is_wanted(steps: list[tuple[int, int, bool]]) -> None:
    """Bill, correct, take documents back, bill again: the live lines sum to the newest wish, day by day."""
    month = Month(2009, 3)
    billed: list[BilledLine] = []
    now: list[CaseLine] = []
    for document, (start, length, taken_back) in enumerate(steps, start=1):
        admitted = date(2009, 2, 20) + timedelta(days=start)
        now = wanted(a_case(admitted, admitted + timedelta(days=length)), month)
        new = changes(now, billed)
        before = sum(entry.line.amount_oere for entry in billed if entry.is_live)
        assert before + sum(line.amount_oere for line in new) == sum(line.amount_oere for line in now)
        billed += [
            BilledLine(LineKey(document, position), f"F{document}", line, is_live=True)
            for position, line in enumerate(new, start=1)
        ]
        if taken_back:
            billed = [
                BilledLine(entry.key, entry.number, entry.line, is_live=False) if entry.key.invoice_id == 1 else entry
                for entry in billed
            ]
    final = changes(now, billed)
    billed += [
        BilledLine(LineKey(99, position), "F99", line, is_live=True) for position, line in enumerate(final, start=1)
    ]
    assert changes(now, billed) == []
    stands = [entry.line for entry in open_lines(billed)]
    assert sorted(map(repr, stands)) == sorted(map(repr, now))
    assert sum(entry.line.days for entry in billed if entry.is_live) == sum(line.days for line in now)


def test_the_last_day_of_a_claim_and_where_corrections_stand() -> None:
    assert last_claim_day(Month(2009, 1), CaseTerms()) == date(2010, 1, 31)
    assert last_claim_day(Month(2009, 2), CaseTerms(claim_within_months=12)) == date(2010, 2, 28)
    assert last_claim_day(Month(2009, 2), CaseTerms(claim_within_months=36)) == date(2012, 2, 29)
    january, march = Month(2009, 1), Month(2009, 3)
    documents, waiting = arranged("a", "727", {january: [], march: []}, {january}, march)
    assert (documents, waiting) == ([], [])


@pytest.mark.parametrize("text", ["", "1", "010203-0000", "Jens", "S-BCDF-GHJ1", "S-BCDF-GHJKL", "S-AEIO-UYAE"])
def test_a_number_that_is_not_of_our_making_is_not_repeated(text: str) -> None:
    with pytest.raises(NotACaseNumber) as caught:
        require_number(text)
    assert not text or text == "1" or text not in str(caught.value)


def test_a_supplier_s_reference_is_a_number() -> None:
    assert require_supplier(" 12345678 ", " A/2009-17 ") == ("12345678", "A/2009-17")
    assert require_number(" s-bcdf-ghjk ") == "S-BCDF-GHJK"
    with pytest.raises(PersonInText):
        require_supplier("12345678", "F 010203-0000")
    for reference in ("Jens Hansen", "Hansen", "", "9" * 36):
        with pytest.raises(NotASupplierReference):
            require_supplier("12345678", reference)


AGREED = read_agreement("sager.toml", (Path(__file__).parents[2] / "scenarios/files/sager.toml").read_bytes())
PARTIES = {code: PartySnapshot(code, code, "00000000", "") for code in ("615", "727", "461")}
PIECES = st.tuples(
    st.sampled_from(["615", "461"]), st.dates(date(2008, 12, 1), date(2009, 2, 20)), st.integers(-40, 40)
)


@given(
    st.lists(PIECES, min_size=1, max_size=8),
    st.sampled_from(["727", "615", "461"]),
    st.sampled_from(list(ProviderOwnShare)),
)
def test_a_bill_balances_and_each_provider_is_entitled_to_its_own(
    pieces: list[tuple[str, date, int]], payer: str, own: ProviderOwnShare
) -> None:
    advance = replace(AGREED.terms.advance, provider_own_share=own)
    agreement = replace(AGREED, providers=("615", "461"), terms=replace(AGREED.terms, advance=advance))
    lines = tuple(
        PlannedLine(
            replace(a_case(date(2008, 12, 1)), provider=provider),
            CaseLine(1, Period(day, day + A_DAY), days, 36_400, days * 36_400),
            "",
        )
        for provider, day, days in pieces
    )
    draft = draft_of(agreement, PlannedCaseDocument("a", payer, Month(2009, 2), lines), PARTIES)
    voucher = Voucher("a", VoucherKind.INVOICE, date(2009, 3, 2), "F2009-0001", "", draft.postings)
    assert is_balanced(voucher)
    assert draft.amount_oere == sum(days for _, _, days in pieces) * 36_400
    assert draft.internal == (payer == "615" or (payer == "461" and own is ProviderOwnShare.NET))
    for provider in ("615", "461"):
        entitled = -sum(
            posting.amount_oere
            for posting in draft.postings
            if posting.account is Account.CLEARING and posting.provider == provider and posting.municipality is None
        )
        assert entitled == sum(days * 36_400 for whose, _, days in pieces if whose == provider)
    collected = {
        posting.provider for posting in draft.postings if posting.municipality and posting.account is Account.CLEARING
    }
    assert collected == {"461" if payer == "461" and own is ProviderOwnShare.NET else "615"}
