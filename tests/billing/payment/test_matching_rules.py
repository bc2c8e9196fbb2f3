"""What is certain, what is only suggested, and that nothing is settled beyond what is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.invoice.facts import ClaimKind
from billing.payment.facts import DocumentPart, Mention, MentionKind, OpenItem, Proposal, Receipt
from billing.payment.matching_rules import propose, set_offs
from billing.payment.rules import fit, parts_of
from tests.billing.payment.made import fik

ASSENS, NYBORG = "420", "450"


def item(place: int, oere: int, who: str = ASSENS, credits_: tuple[int, ...] = (), **pieces: int) -> OpenItem:
    return OpenItem(
        invoice_id=place,
        issuer="461",
        number=f"F2009-{place:04d}",
        subscriber=who,
        kind=ClaimKind.ACONTO,
        title="",
        issue_date=date(2009, 1, 1),
        due_date=date(2009, 1, 31) + timedelta(days=place),
        pieces={(code, 2009): amount for code, amount in pieces.items()} or {("a", 2009): oere},
        settled={},
        credits=credits_,
    )


def receipt(place: int, oere: int, payer: str | None = ASSENS, *names: str | tuple[str, int]) -> Receipt:
    mentions = []
    for name in names:
        text, amount = name if isinstance(name, tuple) else (name, None)
        kind = MentionKind.NUMBER if text.startswith("F") else MentionKind.REFERENCE
        mentions.append(Mention(kind, text, amount))
    day = date(2009, 2, 1)
    return Receipt(place, "461", "DK1", day, day, oere, "", payer, tuple(mentions), holder=payer)


def certain(receipts: list[Receipt], items: list[OpenItem]) -> dict[int, dict[str, int]]:
    found = propose(receipts, items)
    assert set(found) == {one.number for one in receipts}
    return {
        number: dict(proposals[0].applications)
        for number, proposals in found.items()
        if proposals and proposals[0].certain
    }


def suggested(one: Receipt, items: list[OpenItem]) -> tuple[Proposal, ...]:
    proposals = propose([one], items)[one.number]
    assert not any(proposal.certain for proposal in proposals)
    assert [proposal.score for proposal in proposals] == sorted((one.score for one in proposals), reverse=True)
    assert all(proposal.reasons for proposal in proposals)
    return proposals


ITEMS = [item(1, 100), item(2, 100), item(3, 250), item(4, 100, NYBORG), item(5, 70, NYBORG)]


def test_by_name() -> None:
    one, two = fik("F2009-0001"), fik("F2009-0002")
    assert certain([receipt(1, 100, ASSENS, one)], ITEMS) == {1: {"F2009-0001": 100}}
    assert certain([receipt(1, 100, None, one)], ITEMS) == {1: {"F2009-0001": 100}}
    assert certain([receipt(1, 200, None, one, two)], ITEMS) == {1: {"F2009-0001": 100, "F2009-0002": 100}}
    assert certain([receipt(1, 60, ASSENS, "F2009-0001")], ITEMS) == {1: {"F2009-0001": 60}}
    assert certain([receipt(1, 160, ASSENS, "F2009-0001")], ITEMS) == {1: {"F2009-0001": 100}}
    assert certain([receipt(1, 400, ASSENS, one, two)], ITEMS) == {1: {"F2009-0001": 100, "F2009-0002": 100}}
    shared = receipt(1, 120, ASSENS, ("F2009-0001", 20), ("F2009-0002", 100))
    assert certain([shared], ITEMS) == {1: {"F2009-0001": 20, "F2009-0002": 100}}
    # Zeros in front, as a payment of type 75 has.
    assert certain([receipt(1, 100, None, "0" + one)], ITEMS) == {1: {"F2009-0001": 100}}


def test_only_suggested_by_name() -> None:
    one, two = fik("F2009-0001"), fik("F2009-0002")
    assert suggested(receipt(1, 100, NYBORG, one), ITEMS)[0].applications == {"F2009-0001": 100}
    assert suggested(receipt(1, 60, None, one), ITEMS)[0].applications == {"F2009-0001": 60}
    assert suggested(receipt(1, 100, None, "F2009-0001"), ITEMS)
    assert suggested(receipt(1, 150, ASSENS, one, two), ITEMS)[0].applications == {"F2009-0001": 100, "F2009-0002": 50}
    assert {proposal.payer for proposal in suggested(receipt(1, 200, None, one, fik("F2009-0004")), ITEMS)} == {
        ASSENS,
        NYBORG,
    }
    assert suggested(receipt(1, -100, ASSENS, one), ITEMS) == ()
    assert suggested(receipt(1, 100, None, "F2008-0001", fik("F2008-0001")), ITEMS)  # another year's: by the amount


def test_paid_twice() -> None:
    """The second payment of the same document is not used for another by itself."""
    one = fik("F2009-0001")
    found = propose([receipt(1, 100, ASSENS, one), receipt(2, 100, ASSENS, one)], ITEMS)
    assert found[1][0].certain
    assert not found[2][0].certain
    assert "F2009-0001 er betalt i forvejen" in found[2][0].reasons
    assert list(found[2][0].applications) == ["F2009-0002"]


def test_by_amount() -> None:
    assert certain([receipt(1, 250)], ITEMS) == {1: {"F2009-0003": 250}}
    assert certain([receipt(1, 450)], ITEMS) == {1: {"F2009-0001": 100, "F2009-0002": 100, "F2009-0003": 250}}
    assert certain([receipt(1, 70, NYBORG), receipt(2, 100, NYBORG)], ITEMS) == {
        1: {"F2009-0005": 70},
        2: {"F2009-0004": 100},
    }
    # Two documents, two ways, two payments of the same amount, nobody's: suggested.
    for receipts in (
        [receipt(1, 100)],
        [receipt(1, 200)],
        [receipt(1, 350)],
        [receipt(1, 250), receipt(2, 250)],
        [receipt(1, 250, None)],
        [receipt(1, 80)],
    ):
        assert certain(receipts, ITEMS) == {}
    assert suggested(receipt(1, 80), ITEMS)[0].applications == {"F2009-0001": 80}
    assert suggested(receipt(1, 999, None), ITEMS) == ()


def test_names_come_before_amounts() -> None:
    """The amount alone would take a document that a later payment names."""
    items = [item(1, 100)]
    found = certain([receipt(1, 100), receipt(2, 100, ASSENS, fik("F2009-0001"))], items)
    assert found == {2: {"F2009-0001": 100}}


def test_too_many_to_try_is_no_guess() -> None:
    many = [item(place, 100 + place * 7) for place in range(1, 60)]
    assert certain([receipt(1, 107)], many) == {}
    assert suggested(receipt(1, 107), many)[0].applications == {"F2009-0001": 107}


def test_credit_notes() -> None:
    items = [item(1, 100), item(2, -100, credits_=(1,)), item(3, 80), item(4, -30, credits_=(3,)), item(5, -9)]
    assert set_offs(items) == [{"F2009-0001": 100, "F2009-0002": -100}, {"F2009-0003": 30, "F2009-0004": -30}]
    # The payer deducted the credit note.
    assert certain([receipt(1, 41)], [item(1, 50), item(2, -9)]) == {1: {"F2009-0001": 50, "F2009-0002": -9}}


def test_parts_of_a_document_of_two_agreements() -> None:
    both = item(1, 0, a=100, b=-30)
    assert {part.agreement: part.amount_oere for part in parts_of(both, 35)} == {"a": 50, "b": -15}
    assert {part.agreement: part.amount_oere for part in parts_of(both, 70)} == {"a": 100, "b": -30}


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(-5_000, 10_000).filter(bool), min_size=1),
    st.lists(st.integers(1, 5_000), max_size=6),
)
def test_settled_and_open_are_what_was_asked_for_and_undoing_restores(pieces: dict[str, int], steps: list[int]) -> None:
    """Part payments of a document of several agreements, then the rest; then all taken back in any order."""
    before = item(1, 0, ASSENS, (), **pieces)
    now, made = before, []
    for step in [*steps, 10**9]:
        left = now.open_oere
        if left == 0:
            break
        parts = parts_of(now, min(step, left) if left > 0 else max(-step, left))
        made.append(parts)
        now = with_parts(now, parts, 1)
        assert now.amount_oere == before.amount_oere
        assert sum(now.settled.values()) + now.open_oere == before.amount_oere
        assert all(abs(now.open_pieces[key]) <= abs(amount) for key, amount in before.pieces.items())
        assert all(now.open_pieces[key] * amount >= 0 for key, amount in before.pieces.items())
    assert now.open_oere == 0
    if made:
        assert set(now.open_pieces.values()) == {0}
    for parts in made:
        now = with_parts(now, parts, -1)
    assert now.open_pieces == before.open_pieces


def with_parts(one: OpenItem, parts: tuple[DocumentPart, ...], sign: int) -> OpenItem:
    settled = dict(one.settled)
    for part in parts:
        key = (part.agreement, part.accounting_year)
        settled[key] = settled.get(key, 0) + sign * part.amount_oere
    return replace(one, settled=settled)


amounts = st.integers(-10_000, 10_000)


@given(st.dictionaries(st.sampled_from("abcdef"), amounts), amounts)
def test_fit_takes_no_more_than_there_is(open_oere: dict[str, int], left: int) -> None:
    taken = fit(open_oere, left)
    assert all(min(0, open_oere[key]) <= amount <= max(0, open_oere[key]) for key, amount in taken.items())
    assert min(0, left) <= sum(taken.values()) <= max(0, left)
    # As much as can be: either the money is used up, or all that it could settle is settled.
    sign = -1 if left < 0 else 1
    same = sum(amount for amount in open_oere.values() if sign * amount > 0)
    assert sum(taken.values()) == left or all(
        taken.get(key, 0) == amount for key, amount in open_oere.items() if sign * amount > 0
    )
    assert abs(sum(amount for amount in taken.values() if sign * amount > 0)) <= abs(same)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Receipt], list[OpenItem]]:
    payers = st.sampled_from([ASSENS, NYBORG])
    items = [
        item(place, draw(st.sampled_from([-50, 50, 100, 100, 101, 7])), draw(payers))
        for place in range(1, draw(st.integers(1, 8)))
    ]
    names = st.sampled_from([*(one.number for one in items), *(fik(one.number) for one in items), "F2000-0001"])
    receipts = [
        receipt(
            place,
            draw(st.sampled_from([-50, 50, 100, 101, 107, 200, 250, 31])),
            draw(st.sampled_from([ASSENS, NYBORG, None])),
            *draw(st.lists(names, max_size=3)),
        )
        for place in range(1, draw(st.integers(1, 7)))
    ]
    return receipts, items


@given(worlds())
def test_certain_matches_never_take_more_than_there_is(world: tuple[list[Receipt], list[OpenItem]]) -> None:
    receipts, items = world
    left = {one.number: one.open_oere for one in items}
    payer = {one.number: one.subscriber for one in items}
    for one in receipts:
        for proposal in propose(receipts, items)[one.number]:
            total = sum(proposal.applications.values())
            assert proposal.applications
            assert min(0, one.amount_oere) <= total <= max(0, one.amount_oere)
            assert {payer[number] for number in proposal.applications} == {proposal.payer}
            if proposal.certain:
                assert one.payer in {None, proposal.payer}
                for number, amount in proposal.applications.items():
                    assert min(0, left[number]) <= amount <= max(0, left[number])
                    left[number] -= amount
