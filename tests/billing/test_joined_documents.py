"""Several agreements' bills to one payer on one document: nothing lost, nothing doubled, nothing mixed (rule 15)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.accounts.facts import Account, Posting
from billing.invoice.facts import (
    ClaimKind,
    DocumentDraft,
    DocumentType,
    InvoiceLine,
    IssuedDocument,
    LineKind,
    PartySnapshot,
)
from billing.invoice.rules import grouped, join_drafts
from foundation.period import Period
from tests.billing.made import MONTHS_2009, SIGNED, identity

AGREEMENTS = ("fyn-alkohol", "fyn-bo", "fyn-familie", "fyn-unge")
ISSUERS, PAYERS = ("461", "479"), ("420", "430", "492")
VAT = ("", "Momsloven § 13, stk. 1, nr. 1", "Momsloven § 13, stk. 1, nr. 2")


def party(code: str, gln: str = "") -> PartySnapshot:
    return PartySnapshot(code, f"Kommune {code}", f"00000{code}", gln)


def draft(
    agreement: str = AGREEMENTS[0],
    *amounts_oere: int,
    payer: str = "420",
    issuer: str = "461",
    period: Period = MONTHS_2009[0].period,
    vat: str = VAT[1],
    gln: str = "",
) -> DocumentDraft:
    """One agreement's bill: a line and a posting for each amount, and one that balances them."""
    amounts = amounts_oere or (100,)
    return DocumentDraft(
        agreement=agreement,
        issuer=party(issuer),
        subscriber=party(payer, gln),
        kind=ClaimKind.ACONTO,
        title="A conto",
        period=period,
        lines=tuple(
            InvoiceLine(
                agreement=agreement,
                provider=issuer,
                provider_name=f"Kommune {issuer}",
                service="ambulant",
                service_title="Ambulant",
                kind=LineKind.SHARE,
                text=f"{agreement}, linje {position}",
                period=period,
                accounting_year=period.from_day.year,
                amount_oere=amount,
                vat_exemption=vat,
                version=1,
            )
            for position, amount in enumerate(amounts, start=1)
        ),
        postings=(
            Posting(Account.RECEIVABLE, sum(amounts), period.from_day.year, municipality=payer),
            *(Posting(Account.ACONTO, -amount, period.from_day.year, provider=issuer) for amount in amounts),
        ),
        due_days=30,
    )


@st.composite
def bills(draw: st.DrawFn) -> list[DocumentDraft]:
    """At most one bill per agreement, payer, period and kind, as the claims have it; most of them alike."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(AGREEMENTS),
                st.sampled_from(PAYERS),
                st.sampled_from(MONTHS_2009[:2]),
                st.sampled_from(list(ClaimKind)),
            ),
            max_size=25,
            unique=True,
        )
    )
    made = []
    for agreement, payer, month, kind in keys:
        amounts = draw(st.lists(SIGNED, min_size=1, max_size=3))
        bill = draft(
            agreement,
            *amounts,
            payer=payer,
            issuer=draw(st.sampled_from(ISSUERS)),
            period=month.period,
            vat=draw(st.sampled_from(VAT)),
            gln=draw(st.sampled_from(("", "5790000000098"))),
        )
        made.append(
            replace(
                bill,
                kind=kind,
                due_days=draw(st.sampled_from((30, 14))),
                internal=draw(st.booleans()),
                provisional=draw(st.booleans()),
                note=draw(st.sampled_from(("", "Foreløbigt beløb."))),
            )
        )
    return made


APART = st.frozensets(st.sampled_from(AGREEMENTS))


def shared(bill: DocumentDraft) -> tuple[object, ...]:
    """What all bills on one document must agree in, beside being allowed to share one."""
    return (
        bill.issuer,
        bill.subscriber,
        bill.period,
        bill.kind,
        bill.due_days,
        bill.internal,
        bill.provisional,
        frozenset(line.vat_exemption for line in bill.lines if line.kind is LineKind.SHARE),
    )


@identity
@given(bills(), APART)
def test_joining_keeps_every_line_claim_and_posting(drafts: list[DocumentDraft], apart: frozenset[str]) -> None:
    documents = join_drafts(drafts, apart)
    parts = [part for document in documents for part in document.parts]
    assert Counter(map(id, parts)) == Counter(map(id, drafts))  # each bill as it was, once
    for document in documents:
        assert document.lines == tuple(line for part in document.parts for line in part.lines)
        assert document.amount_oere == sum(part.amount_oere for part in document.parts)
        if len(document.parts) > 1:
            # What it books is its agreements' own, never twice.
            assert (document.agreement, document.postings) == ("", ())
        assert all(sum(posting.amount_oere for posting in part.postings) == 0 for part in document.parts)
    assert sum(document.amount_oere for document in documents) == sum(bill.amount_oere for bill in drafts)


@identity
@given(bills(), APART)
def test_only_what_is_alike_shares_a_document_and_all_of_it_does(
    drafts: list[DocumentDraft], apart: frozenset[str]
) -> None:
    documents = join_drafts(drafts, apart)
    for document in documents:
        assert len({shared(part) for part in document.parts}) == 1
        agreements = [part.agreement for part in document.parts]
        assert len(set(agreements)) == len(agreements)
        assert len(agreements) == 1 or not apart & set(agreements)
    alike = Counter(shared(document) for document in documents if not apart & {document.parts[0].agreement})
    assert set(alike.values()) <= {1}


@identity
@given(bills(), APART, st.randoms(use_true_random=False))
def test_the_order_of_numbers_is_by_issuer_period_and_payer_however_the_bills_come(
    drafts: list[DocumentDraft], apart: frozenset[str], chance: random.Random
) -> None:
    documents = join_drafts(drafts, apart)
    order = [
        (document.issuer.municipality, document.period.from_day, document.subscriber.municipality)
        for document in documents
    ]
    assert order == sorted(order)
    shuffled = list(drafts)
    chance.shuffle(shuffled)
    told = [sorted(part.agreement for part in document.parts) for document in documents]
    assert sorted(told) == sorted(
        sorted(part.agreement for part in document.parts) for document in join_drafts(shuffled, apart)
    )
    assert [[id(part) for part in parts] for parts in grouped(drafts, apart)] == [
        [id(part) for part in document.parts] for document in documents
    ]


ONE = draft(AGREEMENTS[0], 100, -30)
OTHER = draft(AGREEMENTS[1], 7)


def told_apart(other: DocumentDraft, apart: Sequence[str] = ()) -> bool:
    documents = join_drafts([ONE, other], apart)
    assert len(documents) in {1, 2}
    return len(documents) == 2


def test_two_agreements_of_one_issuer_share_a_document() -> None:
    (document,) = join_drafts([OTHER, ONE])
    assert [(line.agreement, line.amount_oere) for line in document.lines] == [
        ("fyn-alkohol", 100),
        ("fyn-alkohol", -30),
        ("fyn-bo", 7),
    ]
    assert (document.agreement, document.amount_oere) == ("", 77)
    assert [part.agreement for part in document.parts] == ["fyn-alkohol", "fyn-bo"]


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER, kind=ClaimKind.EXIT_SETTLEMENT),
        replace(OTHER, due_days=14),
        replace(OTHER, internal=True),
        replace(OTHER, provisional=True),
        replace(OTHER, period=Period(date(2009, 2, 1), date(2009, 3, 1))),
        replace(OTHER, subscriber=party("430")),
        replace(OTHER, subscriber=party("420", "5790000000098")),
        replace(OTHER, issuer=party("479")),
        replace(OTHER, issuer=party("461", "5790000000098")),
        draft(AGREEMENTS[1], 7, vat=""),
        draft(AGREEMENTS[1], 7, vat=VAT[2]),
    ],
    ids=("kind", "due", "internal", "provisional", "month", "payer", "gln", "issuer", "issuer's gln", "taxed", "vat"),
)
def test_what_differs_stays_apart(other: DocumentDraft) -> None:
    assert not told_apart(OTHER)
    assert told_apart(other)


def test_an_agreement_with_its_own_invoice_stays_apart() -> None:
    assert told_apart(OTHER, ["fyn-bo"])
    assert told_apart(OTHER, ["fyn-alkohol"])
    third = draft(AGREEMENTS[2], 1)
    documents = join_drafts([ONE, OTHER, third], ["fyn-bo"])
    assert [[part.agreement for part in document.parts] for document in documents] == [
        ["fyn-alkohol", "fyn-familie"],
        ["fyn-bo"],
    ]


def test_a_result_passed_on_is_no_reason_to_part() -> None:
    """Its line has no exemption of its own; only what is paid for does."""
    passed_on = replace(OTHER.lines[0], kind=LineKind.PASSED_ON, vat_exemption="", amount_oere=-3)
    assert not told_apart(replace(OTHER, lines=(*OTHER.lines, passed_on)))


def test_notes_name_their_agreement() -> None:
    (document,) = join_drafts([replace(ONE, note="Foreløbigt."), OTHER, replace(draft(AGREEMENTS[2]), note="Nyt.")])
    assert document.note == "fyn-alkohol: Foreløbigt. fyn-familie: Nyt."


def test_of_one_agreement_a_shared_document_says_its_own_only() -> None:
    """What another agreement's price is, or is not yet, is no matter of its specification."""
    bills = [replace(ONE, note="Foreløbigt."), OTHER, replace(draft(AGREEMENTS[2]), note="Beregning nr. 2: ny.")]
    (joined,) = join_drafts(bills)
    document = IssuedDocument(
        number="F2008-0001",
        document_type=DocumentType.INVOICE,
        agreement="",
        issuer=joined.issuer,
        subscriber=joined.subscriber,
        kind=joined.kind,
        title=joined.title,
        period=joined.period,
        issue_date=date(2008, 12, 15),
        due_date=date(2009, 1, 14),
        amount_oere=joined.amount_oere,
        internal=False,
        provisional=False,
        note=joined.note,
        lines=joined.lines,
    )
    assert document.agreements == ("fyn-alkohol", "fyn-bo", "fyn-familie")
    told = [document.of_agreement(bill.agreement) for bill in bills]
    assert [(each.lines, each.amount_oere, each.note) for each in told] == [
        (bill.lines, bill.amount_oere, bill.note) for bill in bills
    ]
    credited = replace(document, credits="F2008-0000", note="fyn-bo: forkert")
    assert credited.of_agreement("fyn-alkohol").note == "fyn-bo: forkert"
    unsaid = replace(document, note="")
    assert unsaid.of_agreement("fyn-alkohol").note == ""
