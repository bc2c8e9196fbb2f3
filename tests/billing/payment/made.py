"""Made-up statements: camt.053 and CSV, written here by hand and not by any code of the product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

ACCOUNT = "DK9520000123456789"  # made up


def luhn(digits: str) -> str:
    """The check digit of a payment reference, from the table of doubled digits."""
    doubled = "0246813579"
    total = sum(
        int(doubled[int(digit)]) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits))
    )
    return str((10 - total % 10) % 10)


def fik(number: str) -> str:
    """The reference of a document: ``F2008-0001`` -> 14 digits and one that checks them."""
    digits = (number[1:5] + number[6:]).rjust(14, "0")
    return digits + luhn(digits)


@dataclass
class Entry:
    """One line of a statement.

    Attributes:
        kroner: With a point; negative is paid out.
        parts: Batch: (kroner, reference or text, name) of each payment.
    """

    kroner: str
    day: date = date(2009, 1, 14)
    name: str = ""
    text: str = ""
    reference: str = ""
    documents: tuple[tuple[str, str], ...] = ()
    bank_reference: str = ""
    end_to_end: str = "NOTPROVIDED"
    cvr: str = ""
    status: str = "BOOK"
    reversal: bool = False
    currency: str = "DKK"
    parts: tuple[Entry, ...] = ()
    booked: date | None = None
    extra: str = field(default="", repr=False)


def _details(entry: Entry, version: int, *, with_amount: bool) -> str:
    credit = not entry.kroner.startswith("-")
    role = "Dbtr" if credit else "Cdtr"
    amount = f'<Amt Ccy="{entry.currency}">{entry.kroner.lstrip("-")}</Amt>'
    if not with_amount:
        amounts = ""
    elif version <= 2:
        amounts = f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    else:
        amounts = f"{amount}<CdtDbtInd>{'CRDT' if credit else 'DBIT'}</CdtDbtInd>"
    who = f"<Nm>{escape(entry.name)}</Nm>" if entry.name else ""
    if entry.cvr:
        who += f"<Id><OrgId><Othr><Id>{entry.cvr}</Id></Othr></OrgId></Id>"
    if who and version >= 8:
        who = f"<Pty>{who}</Pty>"
    party = f"<RltdPties><{role}>{who}</{role}></RltdPties>" if who else ""
    remittance = f"<Ustrd>{escape(entry.text)}</Ustrd>" if entry.text else ""
    if entry.reference:
        remittance += f"<Strd><CdtrRefInf><Ref>{entry.reference}</Ref></CdtrRefInf></Strd>"
    for number, kroner in entry.documents:
        of_it = f'<RfrdDocAmt><RmtdAmt Ccy="DKK">{kroner}</RmtdAmt></RfrdDocAmt>' if kroner else ""
        remittance += f"<Strd><RfrdDocInf><Nb>{number}</Nb></RfrdDocInf>{of_it}</Strd>"
    refs = f"<Refs><EndToEndId>{escape(entry.end_to_end)}</EndToEndId></Refs>"
    inf = f"<RmtInf>{remittance}</RmtInf>" if remittance else ""
    return f"<TxDtls>{refs}{amounts}{party}{inf}{entry.extra}</TxDtls>"


def _entry(entry: Entry, version: int) -> str:
    status = f"<Sts><Cd>{entry.status}</Cd></Sts>" if version >= 8 else f"<Sts>{entry.status}</Sts>"
    batch = bool(entry.parts)
    details = "".join(_details(part, version, with_amount=batch) for part in entry.parts or (entry,))
    return (
        f'<Ntry><Amt Ccy="{entry.currency}">{entry.kroner.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{'DBIT' if entry.kroner.startswith('-') else 'CRDT'}</CdtDbtInd>"
        f"{'<RvslInd>true</RvslInd>' if entry.reversal else ''}{status}"
        f"<BookgDt><Dt>{entry.booked or entry.day}</Dt></BookgDt><ValDt><Dt>{entry.day}</Dt></ValDt>"
        f"{f'<AcctSvcrRef>{entry.bank_reference}</AcctSvcrRef>' if entry.bank_reference else ''}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def camt(
    entries: Iterable[Entry],
    version: int = 2,
    account: str = ACCOUNT,
    *,
    opening: str | None = None,
    closing: str | None = None,
) -> bytes:
    """A statement of one account."""
    listed = list(entries)
    balances = ""
    if opening is not None:
        moved = sum((Decimal(entry.kroner) for entry in listed if entry.status == "BOOK"), Decimal(0))
        ends = str(Decimal(opening) + moved) if closing is None else closing
        for code, kroner in (("OPBD", opening), ("CLBD", ends)):
            direction = "DBIT" if kroner.startswith("-") else "CRDT"
            balances += (
                f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
                f'<Amt Ccy="DKK">{kroner.lstrip("-")}</Amt><CdtDbtInd>{direction}</CdtDbtInd></Bal>'
            )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"><BkToCstmrStmt><Stmt>'
        f"<Id>1</Id><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>DKK</Ccy></Acct>{balances}"
        f"{''.join(_entry(entry, version) for entry in listed)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def kroner(oere: int) -> str:
    """Øre as a statement writes them."""
    sign = "-" if oere < 0 else ""
    return f"{sign}{abs(oere) // 100}.{abs(oere) % 100:02d}"
