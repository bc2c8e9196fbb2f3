"""Posting files: accounts by agreement and service, the columns an officer chose, balance."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.posting_template import DEFAULT_COLUMNS, PostingField, read_columns
from agreements.trading import ServiceDetails
from billing.invoice.facts import LineKind
from exports.posting_file.layout import AccountsMissing, amount_text, cells, postings_of
from exports.posting_file.write import csv_bytes
from foundation.errors import Problems
from tests.exports.e_invoice.made import book, credit_note, document, line

ACCOUNTS = {("fyn-alkohol", "ambulant"): ServiceDetails(own_account="A-1", counter_account="B-1")}


def test_a_file_by_hand() -> None:
    rows = cells(postings_of([document()], book(services=ACCOUNTS)), DEFAULT_COLUMNS)
    text = "Ambulant behandling, Odense Kommune: a conto januar 2009 (rate 1 af 12)"
    assert rows == [
        ["Kontostreng", "Periode", "Tekst", "Beløb", "Fakturanummer"],
        ["A-1", "2009-01", text, "143679,96", "F2008-0001"],
        ["B-1", "2009-01", text, "-143679,96", "F2008-0001"],
        ["A-1", "2009-01", text, "50522,86", "F2008-0001"],
        ["B-1", "2009-01", text, "-50522,86", "F2008-0001"],
    ]
    content = csv_bytes(rows)
    assert content.startswith(b"\xef\xbb\xbfKontostreng;Periode;Tekst;Bel\xc3\xb8b;Fakturanummer\r\nA-1;2009-01;")
    assert content == csv_bytes(rows)
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")) == rows


def test_a_credit_note_turns_the_sides() -> None:
    columns = read_columns(
        "x", ["Konto=account", "Modkonto=counter_account", "Debet=debit", "Kredit=credit", "Af=credits"]
    )
    rows = cells(postings_of([credit_note()], book(services=ACCOUNTS)), columns)
    assert rows[1:3] == [
        ["A-1", "B-1", "", "143679,96", "F2008-0001"],
        ["B-1", "A-1", "143679,96", "", "F2008-0001"],
    ]


def test_every_field_says_something() -> None:
    columns = read_columns("x", [f"{name}={name}" for name in PostingField])
    (row, *_) = cells(postings_of([document()], book(services=ACCOUNTS)), columns)[1:]
    assert dict(zip(PostingField, row, strict=True)) == {
        "account": "A-1",
        "counter_account": "B-1",
        "period": "2009-01",
        "posting_month": "2008-12",
        "first_day": "01-01-2009",
        "last_day": "31-01-2009",
        "text": "Ambulant behandling, Odense Kommune: a conto januar 2009 (rate 1 af 12)",
        "amount": "143679,96",
        "debit": "143679,96",
        "credit": "",
        "number": "F2008-0001",
        "credits": "",
        "issue_date": "15-12-2008",
        "due_date": "14-01-2009",
        "municipality": "420",
        "municipality_name": "Assens Kommune",
        "cvr": "29189692",
        "gln": "2000000004204",
        "agreement": "fyn-alkohol",
        "service": "ambulant",
        "provider": "461",
    }


def test_lines_without_a_service_follow_the_empty_one_or_the_only_one() -> None:
    issued = document(line(-100, service="", kind=LineKind.PASSED_ON))
    assert [each.account for each in postings_of([issued], book(services=ACCOUNTS))] == ["A-1", "B-1"]
    both = ACCOUNTS | {("fyn-alkohol", ""): ServiceDetails(own_account="A-2", counter_account="B-2")}
    assert [each.account for each in postings_of([issued], book(services=both))] == ["A-2", "B-2"]
    unlike = ACCOUNTS | {("fyn-alkohol", "bo"): ServiceDetails(own_account="A-3", counter_account="B-3")}
    with pytest.raises(AccountsMissing, match="fyn-alkohol -"):
        postings_of([issued], book(services=unlike))


def test_all_that_is_missing_is_told() -> None:
    half = {("fyn-alkohol", "ambulant"): ServiceDetails(own_account="A-1")}
    lines = (line(), line(100, service="bo"), line(100, agreement="andet"))
    with pytest.raises(AccountsMissing) as caught:
        postings_of([document(*lines)], book(services=half))
    assert caught.value.facts["services"] == ["fyn-alkohol ambulant", "fyn-alkohol bo", "andet ambulant"]


def test_lines_of_nothing_are_left_out() -> None:
    assert postings_of([document(line(0))], book(services=ACCOUNTS)) == []


@given(st.lists(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=4), max_size=4))
def test_every_document_balances(amounts: list[list[int]]) -> None:
    issued = [
        replace(document(*(line(amount) for amount in those)), number=f"F2008-{place:04d}")
        for place, those in enumerate(amounts)
    ]
    postings = postings_of(issued, book(services=ACCOUNTS))
    for each in issued:
        of_it = [posting for posting in postings if posting.document.number == each.number]
        assert sum(posting.amount_oere for posting in of_it) == 0
        own = sum(posting.amount_oere for posting in of_it if posting.account == "A-1")
        assert own == each.amount_oere


def test_amounts_are_danish() -> None:
    assert [amount_text(each) for each in (0, 5, -105, 123_456_789)] == ["0,00", "0,05", "-1,05", "1234567,89"]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["Kontostreng"], "kan ikke læses"),
        (["=account"], "kan ikke læses"),
        (["Konto=konto"], "er ikke et felt"),
        (["A=account", "A=amount"], "mere end én gang"),
        (["A=amount"], "kontostrengen"),
        (["A=account", "B=debit"], "beløbet mangler"),
        (["A" * 61 + "=account"], "kan ikke bruges"),
        ([f"{place}=account" for place in range(40)] + ["B=amount"], "højst 40"),
    ],
)
def test_columns_that_make_no_posting_are_refused(texts: list[str], told: str) -> None:
    with pytest.raises(Problems) as caught:
        read_columns("Odense", texts)
    assert told in str(caught.value)
