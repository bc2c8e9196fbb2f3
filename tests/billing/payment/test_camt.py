"""camt.053 in its versions, with all that banks put in it; and what is no statement."""

from __future__ import annotations

from datetime import date

import pytest

from billing.payment.camt import NotAStatement, read_statement
from billing.payment.facts import BankEntry, Mention, MentionKind
from billing.payment.rules import entry_keys
from foundation.errors import Problems
from tests.billing.payment.made import ACCOUNT, Entry, camt, fik

NUMBER, REFERENCE = MentionKind.NUMBER, MentionKind.REFERENCE


def read(*entries: Entry, version: int = 2) -> tuple[BankEntry, ...]:
    return read_statement("udtog.xml", camt(entries, version)).entries


@pytest.mark.parametrize("version", range(2, 9))
def test_every_version_says_the_same(version: int) -> None:
    found = read(
        Entry("194202.82", name="Assens Kommune", reference=fik("F2009-0001"), bank_reference="2009-4711"),
        Entry("-12.50", day=date(2009, 1, 15), booked=date(2009, 1, 14), cvr="29189692", text="retur F 2009-0002"),
        Entry("1.00", status="PDNG"),
        Entry("0.00"),
        version=version,
    )
    assert [(one.amount_oere, one.payer, one.account) for one in found] == [
        (19_420_282, "420", ACCOUNT),
        (-1_250, "420", ACCOUNT),
    ]
    assert found[0].mentions == (Mention(REFERENCE, "000000200900017"),)
    assert found[0].bank_reference == "2009-4711"
    assert found[1].mentions == (Mention(NUMBER, "F2009-0002"),)
    assert (found[1].booked_on, found[1].value_date) == (date(2009, 1, 14), date(2009, 1, 15))
    assert read_statement("u", camt([Entry("1.00", status="PDNG"), Entry("0.00")], version)).left_out == 2


@pytest.mark.parametrize("version", [2, 4, 8])
def test_a_batch_is_as_many_payments(version: int) -> None:
    batch = Entry(
        "300.00",
        bank_reference="B1",
        parts=(
            Entry("100.00", name="Assens Kommune", text="F2009-0001"),
            Entry("250.00", name="Nyborg Kommune", reference=fik("F2009-0002")),
            Entry("-50.00", name="Nyborg Kommune"),
        ),
    )
    # In version 2 the part that goes the other way has no direction of its own, so the sum is not the entry's.
    if version == 2:
        with pytest.raises(Problems, match=r"post 1: betalingerne i den summer til 400,00 kr., men posten er 300,00"):
            read(batch, version=version)
        return
    found = read(batch, version=version)
    assert [(one.amount_oere, one.payer) for one in found] == [(10_000, "420"), (25_000, "450"), (-5_000, "450")]
    assert [one.place for one in found] == ["post 1, betaling 1", "post 1, betaling 2", "post 1, betaling 3"]
    assert len(set(entry_keys(found))) == 3


def test_one_transfer_for_many_invoices() -> None:
    (found,) = read(
        Entry("300.00", documents=(("F2009-0001", "100.00"), ("F2009-0002", "200.00")), end_to_end="F2009-0003")
    )
    assert found.mentions == (
        Mention(NUMBER, "F2009-0001", 10_000),
        Mention(NUMBER, "F2009-0002", 20_000),
        Mention(NUMBER, "F2009-0003"),
    )


def test_a_credit_note_that_was_deducted() -> None:
    strd = (
        "<RmtInf><Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CREN</Cd></CdOrPrtry></Tp><Nb>F2009-0009</Nb></RfrdDocInf>"
        '<RfrdDocAmt><RmtdAmt Ccy="DKK">5.00</RmtdAmt></RfrdDocAmt></Strd></RmtInf>'
    )
    (found,) = read(Entry("300.00", extra=strd))
    assert found.mentions == (Mention(NUMBER, "F2009-0009", -500),)


def test_a_reversal_goes_the_way_it_says() -> None:
    (found,) = read(Entry("-100.00", reversal=True))
    assert (found.amount_oere, found.reversal) == (-10_000, True)


def test_nothing_but_our_own_numbers_is_kept() -> None:
    (found,) = read(
        Entry(
            "300.00",
            name="Jens Hansen",
            text="CPR 010101-1234 for Jens, faktura F2009-12, tlf 12345678, 010101123412345",
            end_to_end="0101011234",
            bank_reference="0101011234",
        )
    )
    kept = repr((found.mentions, found.bank_reference, found.payer, found.place))
    assert "0101" not in kept
    assert "Hansen" not in kept
    assert found.mentions == ()


def test_the_balances_must_agree() -> None:
    good = [Entry("100.00"), Entry("-30.00"), Entry("9.00", status="PDNG")]
    assert len(read_statement("u", camt(good, opening="-20.00")).entries) == 2
    with pytest.raises(Problems, match=r"posterne er 70,00 kr., men saldoen går fra -20,00 kr. til 49,00 kr."):
        read_statement("u", camt(good, opening="-20.00", closing="49.00"))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = camt([Entry("1.005"), Entry("5.00", currency="EUR"), Entry("1.00"), Entry("2.00")])
    wrong = wrong.replace(b"<BookgDt><Dt>2009-01-14", b"<BookgDt><Dt>2009-02-30", 3)
    with pytest.raises(Problems) as caught:
        read_statement("u", wrong)
    assert len(caught.value.problems) == 3
    assert [problem[:6] for problem in caught.value.problems] == ["post 1", "post 2", "post 3"]


LAUGHS = camt([Entry("1.00")]).replace(b"?><", b'?><!DOCTYPE a [<!ENTITY b "c">]><').replace(b"<Id>1<", b"<Id>&b;<")


@pytest.mark.parametrize(
    "content",
    [
        b"<",
        b"<a/>",
        b"<Document/>",
        LAUGHS,
        camt([Entry("1.00")])[:-20],
        camt([Entry("1.00")]).replace(b"camt.053", b"camt.054"),
        camt([Entry("1.00")]).replace(b"camt.053.001.02", b"camt.053.001.99"),
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
    ],
)
def test_what_is_no_statement(content: bytes) -> None:
    with pytest.raises(NotAStatement):
        read_statement("u", content)


def test_entries_that_say_the_same_are_two() -> None:
    found = read(Entry("1.00"), Entry("1.00"), Entry("1.00", bank_reference="A"), Entry("1.00", bank_reference="A"))
    assert len(set(entry_keys(found))) == 4
    assert entry_keys(read(Entry("1.00"), Entry("1.00"))) == entry_keys(found)[:2]
