"""Lists of the bank as CSV."""

from __future__ import annotations

from datetime import date

import pytest

from billing.payment.camt import NotAStatement
from billing.payment.facts import BankFile, ColumnMapping, Mention, MentionKind
from billing.payment.payment_file import AccountMissing, ColumnsNotFound, read_bank_file
from billing.payment.rules import entry_keys, payment_reference
from foundation.errors import Problems
from tests.billing.payment.made import Entry, camt, fik

ACCOUNT = "20000123456789"


def read(text: str | bytes, mapping: ColumnMapping | None = None, account: str = ACCOUNT) -> BankFile:
    content = text.encode() if isinstance(text, str) else text
    return read_bank_file("liste.csv", content, mapping or ColumnMapping(), account)


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_what_banks_write(separator: str, encoding: str) -> None:
    rows = (
        ("Dato", "Rentedato", "Tekst", "Beløb", "Saldo", "Afsender"),
        ("14.01.2009", "15-01-2009", "Faktura F2009-0001", '"194.202,82"', '"1.000,00"', "Ærø Kommune"),
        ("2009-01-16", "", "Gebyr", "-12.50", "987.50", ""),
        ("17/1/2009", "", "", "0", "987.50", ""),
    )
    read_ = read("\r\n".join(separator.join(row) for row in rows).encode(encoding))
    assert read_.left_out == 1
    one, two = read_.entries
    assert (one.amount_oere, one.payer, one.account) == (19_420_282, "492", ACCOUNT)
    assert (one.booked_on, one.value_date) == (date(2009, 1, 14), date(2009, 1, 15))
    assert one.mentions == (Mention(MentionKind.NUMBER, "F2009-0001"),)
    assert (two.amount_oere, two.value_date) == (-1_250, date(2009, 1, 16))


def test_an_officers_own_headings() -> None:
    text = f"Kontoudtog\n\nNår;Kroner;Id\n14.01.2009;1,00;+71<{fik('F2009-0001')}+12345678<\n"
    with pytest.raises(ColumnsNotFound) as caught:
        read(text)
    assert "dato, beløb" in str(caught.value)
    (found,) = read(text, ColumnMapping(booked_on="når", amount="KRONER", reference="Id")).entries
    assert found.mentions == (Mention(MentionKind.REFERENCE, fik("F2009-0001")),)


def test_what_is_wrong_is_told_by_line_and_without_its_content() -> None:
    with pytest.raises(Problems) as caught:
        read("Dato;Beløb;Valuta\n30.02.2009;1,00;DKK\n14.01.2009;Jens Hansen;DKK\n14.01.2009;1,00;EUR\n")
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["linje 2", "linje 3", "linje 4"]
    assert "Hansen" not in str(caught.value)
    with pytest.raises(AccountMissing):
        read("Dato;Beløb\n14.01.2009;1,00\n", account="")
    with pytest.raises(ColumnsNotFound) as missing:
        read("0101011234;Jens Hansen\n14.01.2009;1,00\n")
    assert "Hansen" not in str(missing.value)


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"   \n", b'a;"b\nc;d', b"<html>"])
def test_what_is_no_list(content: bytes) -> None:
    with pytest.raises((NotAStatement, ColumnsNotFound)):
        read(content)


def test_xml_is_a_statement() -> None:
    assert read(camt([Entry("1.00")])).file_format == "camt.053"
    assert read(b"\xef\xbb\xbf" + camt([Entry("1.00")])).file_format == "camt.053"


def test_the_balance_tells_entries_apart() -> None:
    """Half a day's list, then the other half: the second of two like payments is not taken for the first."""
    morning = read("Dato;Beløb;Tekst;Saldo\n14.01.2009;5,00;x;105,00\n")
    evening = read("Dato;Beløb;Tekst;Saldo\n14.01.2009;5,00;x;110,00\n")
    assert not set(entry_keys(morning.entries)) & set(entry_keys(evening.entries))


def test_references() -> None:
    # 000000 2009 0001: from the right 1 counts twice (2), 9 counts twice (18, so 9), 2 once: 13, and 7 makes it 20.
    for number in ("F2009-0001", "F2010-0123", "F2099-12345"):
        assert payment_reference(number) == fik(number)
    assert payment_reference("F2009-0001") == "000000200900017"
    with pytest.raises(ValueError, match="X"):
        payment_reference("X")
