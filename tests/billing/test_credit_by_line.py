"""A document taken back line by line: never more than is left, and what is taken is just what was booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import ProviderOwnShare, ResultKey
from billing.accounts.facts import Account, Posting
from billing.invoice.facts import ClaimKind, Credit, DocumentDraft, DocumentType, IssuedDocument
from billing.invoice.rules import (
    AlreadyCredited,
    CannotBeCredited,
    LineUnknown,
    MoreThanIsLeft,
    NothingToCredit,
    counter_postings,
    credit_of,
    document_type,
    join_drafts,
)
from billing.monthly_aconto.rules import draft_of
from tests.billing.made import MONTHS_2009, identity, made_up, month_facts, priced, whole, years


def as_issued(draft: DocumentDraft) -> IssuedDocument:
    """The draft with a number and dates."""
    return IssuedDocument(
        number="F2008-0001",
        document_type=document_type(draft.amount_oere),
        agreement=draft.agreement,
        issuer=draft.issuer,
        subscriber=draft.subscriber,
        kind=draft.kind,
        title=draft.title,
        period=draft.period,
        issue_date=date(2008, 12, 15),
        due_date=date(2009, 1, 14),
        amount_oere=draft.amount_oere,
        internal=draft.internal,
        provisional=draft.provisional,
        note=draft.note,
        lines=draft.lines,
    )


@dataclass
class Ledger:
    """A document, what it booked for each agreement, and what credits have done to it since."""

    document: IssuedDocument
    booked: dict[str, tuple[Posting, ...]]
    credited: dict[int, int] = field(default_factory=dict)
    counter: list[tuple[str, tuple[Posting, ...]]] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)

    @property
    def left(self) -> dict[int, int]:
        return {
            position: line.amount_oere - self.credited.get(position, 0)
            for position, line in enumerate(self.document.lines, start=1)
        }

    def takes_back(self, wanted: Mapping[int, int | None] | None) -> Credit:
        """One credit, kept as the stores keep it."""
        credit = credit_of(self.document, "fejl", self.credited, wanted)
        for position, line in zip(credit.positions, credit.draft.lines, strict=True):
            self.credited[position] = self.credited.get(position, 0) - line.amount_oere
        for agreement in dict.fromkeys(line.agreement for line in credit.draft.lines):
            lines = [line for line in credit.draft.lines if line.agreement == agreement]
            self.counter.append((agreement, counter_postings(self.booked[agreement], lines)))
        self.freed += [agreement for agreement in credit.freed if agreement not in self.freed]
        if credit.is_last:
            self.document = replace(self.document, credited_by="F2009-0001")
        return credit


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """One payer's month of one to three agreements, some with results passed on, some of a provider set off."""
    agreement = made_up(draw(st.sampled_from(list(ProviderOwnShare))), draw(st.sampled_from(list(ResultKey))))
    drafts = []
    payer = None
    for code in ("alkohol", "bo", "unge")[: draw(st.integers(1, 3))]:
        subscription = priced(draw(years(sizes=(2, 3))))
        payer = payer or draw(st.sampled_from([part.municipality for part in subscription.parts]))
        facts = month_facts(
            replace(subscription, agreement=code),
            draw(st.sampled_from((MONTHS_2009[0], MONTHS_2009[11]))),
            agreement=replace(agreement, code=code),
        )
        if subscription.part_of(payer) is not None:
            drafts.append(replace(draft_of(facts, payer), period=MONTHS_2009[0].period))
    whole_month = replace(drafts[0], agreement="", lines=tuple(line for part in drafts for line in part.lines))
    joined = whole_month if len(drafts) > 1 else drafts[0]
    return Ledger(as_issued(joined), {part.agreement: part.postings for part in drafts})


def asked(draw: st.DataObject, ledger: Ledger) -> dict[int, int | None]:
    """Some lines of which something is left, each with a part of it or all."""
    open_ = [position for position, left in ledger.left.items() if left]
    chosen = draw.draw(st.lists(st.sampled_from(open_), min_size=1, unique=True))
    return {
        position: draw.draw(
            st.none() | st.integers(1, abs(ledger.left[position])) | st.just(abs(ledger.left[position]))
        )
        for position in chosen
    }


@identity
@given(ledgers(), st.data())
def test_no_sequence_of_credits_takes_more_than_a_line(ledger: Ledger, data: st.DataObject) -> None:
    document = ledger.document
    finished = 0
    for _ in range(6):
        if not any(ledger.left.values()) or ledger.document.credited_by:
            break
        before = ledger.left
        wanted = asked(data, ledger)
        credit = ledger.takes_back(wanted)
        finished += credit.is_last
        for position, left in ledger.left.items():
            amount = document.lines[position - 1].amount_oere
            assert 0 <= left * (1 if amount > 0 else -1) <= abs(amount)
            if position in wanted:
                taken = wanted[position]
                assert abs(before[position]) - abs(left) == (abs(before[position]) if taken is None else taken)
            else:
                assert left == before[position]
        assert credit.draft.amount_oere == sum(ledger.left.values()) - sum(before.values())
        # An agreement is freed with the last of its lines, not before.
        for agreement in document.agreements:
            lefts = [ledger.left[p] for p, line in enumerate(document.lines, start=1) if line.agreement == agreement]
            if any(lefts):
                assert agreement not in ledger.freed
    assert finished <= 1


@identity
@given(ledgers(), st.data())
def test_whatever_was_taken_before_the_rest_undoes_all_that_was_booked(ledger: Ledger, data: st.DataObject) -> None:
    """Line by line or whole, in two parts or in five: what is booked in the end is nothing, on every account."""
    for _ in range(data.draw(st.integers(0, 4))):
        if any(ledger.left.values()) and not ledger.document.credited_by:
            ledger.takes_back(asked(data, ledger))
    if not ledger.document.credited_by:
        ledger.takes_back(None)
    assert ledger.document.credited_by
    assert not any(ledger.left.values())
    assert sorted(ledger.freed) == sorted(ledger.document.agreements)
    for agreement, booked in ledger.booked.items():
        balance: Counter[tuple[object, ...]] = Counter()
        counter = [posting for code, postings in ledger.counter for posting in postings if code == agreement]
        for posting in (*booked, *counter):
            balance[place(posting)] += posting.amount_oere
        assert not any(balance.values())


def place(posting: Posting) -> tuple[object, ...]:
    return (
        posting.account,
        posting.municipality,
        posting.provider,
        posting.service,
        posting.accounting_year,
        posting.service_month,
    )


@identity
@given(ledgers(), st.data())
def test_each_credit_sums_to_zero_in_both_circles(ledger: Ledger, data: st.DataObject) -> None:
    while any(ledger.left.values()) and not ledger.document.credited_by and len(ledger.counter) < 8:
        ledger.takes_back(asked(data, ledger))
    for _, postings in ledger.counter:
        assert whole(postings) == 0
        assert whole(postings, Account.CLEARING) == 0


@identity
@given(ledgers())
def test_all_lines_one_by_one_are_the_whole_credit(ledger: Ledger) -> None:
    whole_credit = credit_of(ledger.document, "fejl")
    if not any(ledger.left.values()):
        return
    by_line = credit_of(
        ledger.document, "fejl", None, {position: None for position, left in ledger.left.items() if left}
    )
    amounts = {
        position: line.amount_oere
        for position, line in zip(whole_credit.positions, whole_credit.draft.lines, strict=True)
        if line.amount_oere
    }
    assert amounts == {
        position: line.amount_oere for position, line in zip(by_line.positions, by_line.draft.lines, strict=True)
    }
    assert by_line.draft.amount_oere == whole_credit.draft.amount_oere == -ledger.document.amount_oere
    # Whoever was asked for nothing has no line to take back, so only the whole credit frees it.
    asked_for = {line.agreement for line in ledger.document.lines if line.amount_oere}
    assert set(by_line.freed) == asked_for
    assert whole_credit.is_last
    assert by_line.is_last == (asked_for == set(ledger.document.agreements))


@identity
@given(ledgers(), st.data())
def test_a_wish_beyond_what_is_left_is_refused(ledger: Ledger, data: st.DataObject) -> None:
    if any(ledger.left.values()):
        ledger.takes_back(asked(data, ledger))
    if ledger.document.credited_by:
        with pytest.raises(AlreadyCredited):
            credit_of(ledger.document, "fejl", ledger.credited, {1: 1})
        return
    for position, left in ledger.left.items():
        with pytest.raises(MoreThanIsLeft):
            credit_of(
                ledger.document, "fejl", ledger.credited, {position: abs(left) + data.draw(st.integers(1, 10**9))}
            )
        for nothing in (0, -1, None if not left else 0):
            with pytest.raises(NothingToCredit):
                credit_of(ledger.document, "fejl", ledger.credited, {position: nothing})
    for unknown in (0, -1, len(ledger.document.lines) + 1, 10**30):
        with pytest.raises(LineUnknown):
            credit_of(ledger.document, "fejl", ledger.credited, {unknown: 1})


def funen_january() -> Ledger:
    draft = draft_of(month_facts(priced()), "420")
    return Ledger(as_issued(draft), {draft.agreement: draft.postings})


def test_a_partial_credit_worked_by_hand() -> None:
    """Assens, January 2009: 143.679,96 for Odense and 50.522,86 for Svendborg; 1.234,50 of the second is taken back."""
    ledger = funen_january()
    credit = ledger.takes_back({2: 123_450})
    assert (credit.freed, credit.is_last, credit.positions) == ((), False, (2,))
    draft = credit.draft
    assert [(line.provider, line.amount_oere) for line in draft.lines] == [("479", -123_450)]
    assert draft.title == "Delvis kreditering af F2008-0001: A conto januar 2009"
    assert draft.lines[0].text.startswith("Kreditering af F2008-0001, linje 2: ")
    assert document_type(draft.amount_oere, DocumentType.INVOICE) is DocumentType.CREDIT_NOTE
    ((_, postings),) = ledger.counter
    told = {(posting.account, posting.municipality, posting.provider): posting.amount_oere for posting in postings}
    assert told == {
        (Account.RECEIVABLE, "420", None): -123_450,
        (Account.ACONTO, "420", "479"): 123_450,
        (Account.CLEARING, None, "479"): 123_450,
        (Account.CLEARING, "420", "461"): -123_450,
    }
    with pytest.raises(MoreThanIsLeft) as caught:
        ledger.takes_back({2: 4_928_837})
    assert str(caught.value) == (
        "Linje 2 på F2008-0001 lyder på 50.522,86 kr., og heraf er 1.234,50 kr. allerede krediteret. Der kan højst "
        "krediteres 49.288,36 kr., ikke 49.288,37 kr."
    )
    assert ledger.takes_back({2: None}).freed == ()
    last = ledger.takes_back({1: None})
    assert (last.freed, last.is_last) == (("fyn-alkohol",), True)
    assert sum(amount for amount in ledger.left.values()) == 0


def test_the_rest_of_a_document_whose_other_agreement_asks_for_nothing() -> None:
    """One agreement is all taken back by line, the other bills zero this month: the rest is a credit note of nothing.

    It frees the month that was billed with zero, and has that line.
    """
    january = funen_january()
    line = january.document.lines[0]
    nothing = replace(line, agreement="fyn-bo", amount_oere=0)
    document = replace(january.document, agreement="", lines=(*january.document.lines, nothing))
    ledger = Ledger(document, {**january.booked, "fyn-bo": ()})
    credit = ledger.takes_back({1: None, 2: None})
    assert (credit.freed, credit.is_last) == (("fyn-alkohol",), False)
    rest = credit_of(ledger.document, "fejl", ledger.credited)
    assert [(each.agreement, each.amount_oere) for each in rest.draft.lines] == [("fyn-bo", 0)]
    assert (rest.positions, rest.is_last, "fyn-bo" in rest.freed) == ((3,), True, True)


@pytest.mark.parametrize("wanted", [None, {1: 1}])
def test_neither_a_credit_nor_what_is_credited_is_credited(wanted: dict[int, int | None] | None) -> None:
    document = funen_january().document
    with pytest.raises(AlreadyCredited):
        credit_of(replace(document, credited_by="F2008-0002"), "fejl", None, wanted)
    with pytest.raises(CannotBeCredited):
        credit_of(replace(document, credits="F2008-0000"), "fejl", None, wanted)


def agreements_of(documents: Collection[DocumentDraft]) -> set[str]:
    return {line.agreement for document in documents for line in document.lines}


def test_a_shared_documents_lines_are_credited_by_their_own_agreement() -> None:
    first = draft_of(month_facts(priced()), "420")
    lines = tuple(replace(line, agreement="fyn-bo") for line in first.lines)
    second = replace(first, agreement="fyn-bo", lines=lines)
    (joined,) = join_drafts([first, second])
    ledger = Ledger(as_issued(joined), {part.agreement: part.postings for part in joined.parts})
    credit = ledger.takes_back({3: None, 4: None})
    assert agreements_of([credit.draft]) == {"fyn-bo"}
    assert (credit.draft.agreement, credit.freed, credit.is_last) == ("fyn-bo", ("fyn-bo",), False)
    rest = ledger.takes_back(None)
    assert (rest.draft.agreement, rest.is_last) == ("fyn-alkohol", True)
    assert rest.draft.kind is ClaimKind.ACONTO
