"""How a document is numbered, dated and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoice.facts import ClaimKind, DocumentDraft, DocumentType, InvoiceLine, IssuedDocument, LineKind
from billing.invoice.rules import (
    AlreadyCredited,
    CannotBeCredited,
    IssueDateBeforeLast,
    credit_of,
    document_type,
    due_date,
    number_of,
)
from billing.monthly_aconto.rules import draft_of
from tests.billing.made import ASSENS, MONTHS_2009, ODENSE, SIGNED, SVENDBORG, identity, month_facts, party, priced


def line(amount_oere: int, provider: str = ODENSE) -> InvoiceLine:
    return InvoiceLine(
        agreement="fyn-alkohol",
        provider=provider,
        provider_name=party(provider).name,
        service="ambulant",
        service_title="Ambulant alkoholbehandling",
        kind=LineKind.SHARE,
        text="A conto januar 2009",
        period=MONTHS_2009[0].period,
        accounting_year=2009,
        amount_oere=amount_oere,
        version=1,
    )


def issued(*lines: InvoiceLine, number: str = "F2008-0001") -> IssuedDocument:
    draft = draft_of(month_facts(priced()), ASSENS)
    amount_oere = sum(entry.amount_oere for entry in lines)
    return IssuedDocument(
        number=number,
        document_type=DocumentType.CREDIT_NOTE if amount_oere < 0 else DocumentType.INVOICE,
        agreement=draft.agreement,
        issuer=draft.issuer,
        subscriber=draft.subscriber,
        kind=ClaimKind.ACONTO,
        title=draft.title,
        period=draft.period,
        issue_date=date(2008, 12, 15),
        due_date=date(2009, 1, 14),
        amount_oere=amount_oere,
        internal=False,
        provisional=True,
        note="Foreløbigt beløb",
        lines=lines,
    )


def asks(*amounts_oere: int) -> DocumentDraft:
    return replace(draft_of(month_facts(priced()), ASSENS), lines=tuple(line(amount) for amount in amounts_oere))


def test_numbers_name_their_series() -> None:
    assert [number_of(2009, sequence) for sequence in (1, 9, 108, 9_999, 10_000)] == [
        "F2009-0001",
        "F2009-0009",
        "F2009-0108",
        "F2009-9999",
        "F2009-10000",
    ]
    assert number_of(2010, 1) == "F2010-0001"


@pytest.mark.parametrize(
    ("issue_date", "due_days", "due"),
    [
        (date(2008, 12, 15), 30, date(2009, 1, 14)),
        (date(2009, 1, 15), 30, date(2009, 2, 14)),
        (date(2008, 2, 1), 30, date(2008, 3, 2)),
        (date(2009, 3, 13), 0, date(2009, 3, 13)),
    ],
)
def test_due_thirty_days_later_or_as_agreed(issue_date: date, due_days: int, due: date) -> None:
    assert due_date(issue_date, due_days) == due


def test_what_is_paid_out_is_a_credit_note() -> None:
    assert document_type(asks(1).amount_oere) is DocumentType.INVOICE
    assert document_type(asks(0).amount_oere) is DocumentType.INVOICE
    assert document_type(asks(100, -101).amount_oere) is DocumentType.CREDIT_NOTE


def test_taking_back_turns_the_paper_round() -> None:
    assert document_type(asks(-1).amount_oere, DocumentType.INVOICE) is DocumentType.CREDIT_NOTE
    assert document_type(asks(0).amount_oere, DocumentType.INVOICE) is DocumentType.CREDIT_NOTE
    assert document_type(asks(1).amount_oere, DocumentType.CREDIT_NOTE) is DocumentType.INVOICE


def test_a_credit_takes_back_every_line() -> None:
    document = issued(line(14_367_996), line(5_052_286, SVENDBORG), line(-70))
    credit = credit_of(document, "Forkert folketal").draft
    assert [(entry.provider, entry.amount_oere) for entry in credit.lines] == [
        (ODENSE, -14_367_996),
        (SVENDBORG, -5_052_286),
        (ODENSE, 70),
    ]
    assert credit.amount_oere == -19_420_212
    assert credit.title == "Kreditering af F2008-0001: A conto januar 2009"
    assert (credit.note, credit.credits, credit.due_days) == ("Forkert folketal", "F2008-0001", 30)
    assert (credit.issuer, credit.subscriber, credit.period) == (document.issuer, document.subscriber, document.period)
    assert (credit.kind, credit.internal, credit.provisional) == (ClaimKind.ACONTO, False, True)


def test_a_document_is_credited_once() -> None:
    document = replace(issued(line(100)), credited_by="F2009-0010")
    with pytest.raises(AlreadyCredited) as caught:
        credit_of(document, "igen")
    assert str(caught.value) == "F2008-0001 er allerede krediteret med F2009-0010."


def test_a_credit_is_not_credited() -> None:
    document = replace(issued(line(-100), number="F2009-0010"), credits="F2008-0001")
    with pytest.raises(CannotBeCredited) as caught:
        credit_of(document, "fortrudt")
    assert str(caught.value) == "F2009-0010 er en kreditering af F2008-0001 og kan ikke krediteres."


def test_numbers_are_given_in_date_order_and_the_refusal_says_the_dates() -> None:
    error = IssueDateBeforeLast(
        issuer="Odense Kommune",
        last_number="F2009-0010",
        last_date=date(2009, 1, 15),
        issue_date=date(2009, 1, 14),
    )
    assert str(error) == (
        "Odense Kommune har allerede udstedt F2009-0010 med datoen 15.01.2009. Numre gives i datoorden, så der kan "
        "ikke udstedes med datoen 14.01.2009. Brug 15.01.2009 eller en senere dato."
    )


@identity
@given(st.lists(SIGNED, min_size=1, max_size=8))
def test_credit_undoes_charge(amounts_oere: list[int]) -> None:
    document = issued(*(line(amount) for amount in amounts_oere))
    credit = credit_of(document, "fejl").draft
    assert credit.amount_oere == -document.amount_oere
    for charged, credited in zip(document.lines, credit.lines, strict=True):
        assert credited == replace(charged, amount_oere=-charged.amount_oere)
    assert document_type(credit.amount_oere, document.document_type) is not document.document_type
