"""Statements of the bank as ISO 20022 camt.053 XML -> entries. Nothing is believed, and no text about a person is kept.

Versions 001.02 to 001.13 of the message differ in where a name or a status stands; both places are looked at, and the
version in the namespace is not asked for more. An entry that holds several payments becomes as many entries, if their
amounts are given; they must then sum to it. Where a statement gives its balances, its entries must lead from one to the
other.

Source: ISO 20022, camt.053 BankToCustomerStatement; docs/decisions/0026-payments-and-interest.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES, find_by_name
from billing.payment.facts import BankEntry, BankFile, Mention
from billing.payment.rules import distinct, is_likely_day, kept_bank_reference, mentions_in
from foundation.errors import BadInput, N_, Problems
from foundation.money import LARGEST_OERE, kroner

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FORMAT = "camt.053"
LARGEST_STATEMENT = 50 * 1024 * 1024
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(\d\d)")
_VERSIONS = range(2, 14)
_AMOUNT = re.compile(r"(\d{1,16})(?:\.(\d{1,2})0*)?", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T+Z-].*)?", re.ASCII)
_ACCOUNT = re.compile(r"[A-Z0-9]{4,34}", re.ASCII)
_NOT_A_REFERENCE = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF"})
_BOOKED = "BOOK"
_BANKS_OWN = ("Refs", "AcctSvcrRef")
_LONGEST_PLACE = 6

_BY_CVR = {one.cvr: one.code for one in MUNICIPALITIES.values()}


class NotAStatement(BadInput):
    """A file that is no statement of the bank that we read."""

    danish = N_(
        "{file} er ikke et kontoudtog, vi kan læse: {found}. Hent det hos banken som camt.053 (XML) eller som CSV.",
    )


def is_xml(content: bytes) -> bool:
    """Whether the bytes begin as XML does."""
    start = content[:200].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"<")


def read_statement(name: str, content: bytes) -> BankFile:
    """Read a camt.053 file.

    Args:
        name: As the officer knows it.
        content: The whole file.

    Raises:
        NotAStatement: no XML, with a DTD, or another message.
        Problems: everything that is wrong with its entries, each with its place.
    """
    root = _root(name, content)
    problems: list[str] = []
    entries: list[BankEntry] = []
    left_out = 0
    statements = list(_all(root, "BkToCstmrStmt", "Stmt"))
    if not statements:
        raise NotAStatement(file=name, found="der er intet udtog i den")
    for number, statement in enumerate(statements, start=1):
        reader = _Reader(statement, f"udtog {number}" if len(statements) > 1 else "", problems)
        entries += reader.read()
        left_out += reader.left_out
    if problems:
        raise Problems(source=name, problems=problems)
    return BankFile(FORMAT, tuple(entries), left_out)


def _root(name: str, content: bytes) -> Element:
    if len(content) > LARGEST_STATEMENT:
        raise NotAStatement(file=name, found=f"den er over {LARGEST_STATEMENT // (1024 * 1024)} MB")
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise NotAStatement(file=name, found="den har en DTD, som et kontoudtog aldrig har") from error
    except (ParseError, ValueError, LookupError) as error:
        raise NotAStatement(file=name, found="den er ikke hel XML") from error
    namespace, _, tag = str(root.tag).removeprefix("{").partition("}")
    match = _NAMESPACE.fullmatch(namespace)
    if match is None or tag != "Document" or int(match[1]) not in _VERSIONS:
        raise NotAStatement(file=name, found="den er ikke en camt.053-meddelelse (udgave 02 til 13)")
    return root


# Elements by their local names, whatever the version's namespace.


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _local(child) == name)


def _all(element: Element, *path: str) -> Iterator[Element]:
    if not path:
        yield element
        return
    for child in _children(element, path[0]):
        yield from _all(child, *path[1:])


def _first(element: Element, *path: str) -> Element | None:
    return next(_all(element, *path), None)


def _text(element: Element, *path: str) -> str:
    found = _first(element, *path)
    return (found.text or "").strip() if found is not None else ""


class _Reader:
    """One statement."""

    def __init__(self, statement: Element, place: str, problems: list[str]) -> None:
        self.statement = statement
        self.place = place
        self.problems = problems
        self.left_out = 0

    def read(self) -> list[BankEntry]:
        account = self._account()
        currency = _text(self.statement, "Acct", "Ccy")
        if currency not in {"", "DKK"}:
            self._problem("", f"kontoen er i {_shown(currency)}; vi læser kun DKK")
        entries: list[BankEntry] = []
        moved = 0
        for number, entry in enumerate(_children(self.statement, "Ntry"), start=1):
            place = f"post {number}"
            before = len(self.problems)
            amount = self._amount(entry, place)
            status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
            if len(self.problems) > before:
                continue
            if status not in {"", _BOOKED} or amount == 0:
                self.left_out += 1
                continue
            moved += amount
            entries += self._payments(entry, place, account, amount)
        self._balances(moved)
        return entries

    def _problem(self, place: str, said: str) -> None:
        where = ", ".join(part for part in (self.place, place) if part)
        self.problems.append(f"{where}: {said}" if where else said)

    def _account(self) -> str:
        iban = _text(self.statement, "Acct", "Id", "IBAN")
        other = _text(self.statement, "Acct", "Id", "Othr", "Id")
        account = re.sub(r"[ .-]", "", iban or other).upper()
        if _ACCOUNT.fullmatch(account) is None:
            self._problem("", "kontoens nummer mangler (Acct/Id)")
            return ""
        return account

    def _amount(self, element: Element, place: str, *path: str) -> int:
        """Øre of an amount with its direction; a reversal's own direction is what it says."""
        holder = _first(element, *path, "Amt")
        if holder is None:
            self._problem(place, "beløbet mangler (Amt)")
            return 0
        if holder.get("Ccy", "DKK") != "DKK":
            self._problem(place, f"beløbet er i {_shown(holder.get('Ccy', ''))}; vi læser kun DKK")
            return 0
        oere = _oere(holder.text or "")
        if oere is None:
            self._problem(place, "beløbet er ikke kroner med højst to decimaler (Amt)")
            return 0
        direction = _text(element, "CdtDbtInd")
        if direction not in {"CRDT", "DBIT"}:
            self._problem(place, "retningen mangler (CdtDbtInd: CRDT eller DBIT)")
            return 0
        return oere if direction == "CRDT" else -oere

    def _day(self, entry: Element, name: str, place: str) -> date | None:
        text = _text(entry, name, "Dt") or _text(entry, name, "DtTm")
        if not text:
            return None
        match = _DAY.fullmatch(text)
        try:
            day = date.fromisoformat(match[1] if match else text)
        except ValueError:
            self._problem(place, f"datoen er ikke en dato ({name})")
            return None
        if not is_likely_day(day):
            self._problem(place, f"datoen {day:%d.%m.%Y} er ikke sandsynlig ({name})")
            return None
        return day

    def _payments(self, entry: Element, place: str, account: str, amount: int) -> list[BankEntry]:
        booked_on = self._day(entry, "BookgDt", place)
        value_date = self._day(entry, "ValDt", place) or booked_on
        booked_on = booked_on or value_date
        if booked_on is None or value_date is None:
            self._problem(place, "datoen mangler (BookgDt eller ValDt)")
            return []
        details = list(_all(entry, "NtryDtls", "TxDtls"))
        amounts = self._amounts_of(details, place, amount)
        reference = _text(entry, "AcctSvcrRef")
        is_reversal = _text(entry, "RvslInd") in {"true", "1"}
        known_by = (reference, _entry_reference(entry, [reference, *(_text(each, *_BANKS_OWN) for each in details)]))
        shared = (booked_on.isoformat(), value_date.isoformat())
        if amounts is None:
            details_of_all = tuple(text for detail in details for text in _identity(detail))
            return [
                BankEntry(
                    place=place,
                    account=account,
                    booked_on=booked_on,
                    value_date=value_date,
                    amount_oere=amount,
                    bank_reference=kept_bank_reference(reference),
                    payer=self._payer(details, amount, is_reversal=is_reversal),
                    mentions=distinct(mention for detail in [entry, *details] for mention in _mentions(detail)),
                    identity=(*shared, str(amount), *known_by, *details_of_all),
                    reversal=is_reversal,
                )
            ]
        return [
            BankEntry(
                place=f"{place}, betaling {number}",
                account=account,
                booked_on=booked_on,
                value_date=value_date,
                amount_oere=part,
                bank_reference=kept_bank_reference(_text(detail, "Refs", "AcctSvcrRef") or reference),
                payer=self._payer([detail], part, is_reversal=is_reversal),
                mentions=distinct(_mentions(detail)),
                identity=(*shared, str(part), *known_by, *_identity(detail)),
                reversal=is_reversal,
            )
            for number, (detail, part) in enumerate(zip(details, amounts, strict=True), start=1)
            if part
        ]

    def _amounts_of(self, details: Sequence[Element], place: str, amount: int) -> list[int] | None:
        """What each payment of a batch is; None for an entry that is one payment, or does not say."""
        if len(details) < 2:  # noqa: PLR2004 - one payment is the entry
            return None
        parts = []
        for number, detail in enumerate(details, start=1):
            holder = _first(detail, "Amt")
            if holder is None:
                holder = _first(detail, "AmtDtls", "TxAmt", "Amt")
            if holder is None:
                return None
            oere = _oere(holder.text or "")
            if oere is None or holder.get("Ccy", "DKK") != "DKK":
                self._problem(f"{place}, betaling {number}", "beløbet er ikke danske kroner med højst to decimaler")
                return None
            direction = _text(detail, "CdtDbtInd") or ("CRDT" if amount > 0 else "DBIT")
            parts.append(oere if direction == "CRDT" else -oere)
        if sum(parts) != amount:
            said = f"betalingerne i den summer til {kroner(sum(parts))}, men posten er {kroner(amount)}"
            self._problem(place, said)
            return None
        return parts

    def _payer(self, details: Sequence[Element], amount: int, *, is_reversal: bool) -> MunicipalityCode | None:
        """The municipality on the other side, if all of an entry's payments say the same.

        A payment that comes back names its parties as it did when it went; some banks turn them round.
        """
        roles = ("Dbtr", "Cdtr") if amount > 0 else ("Cdtr", "Dbtr")
        for role in reversed(roles) if is_reversal else roles[:1]:
            found = {_municipality(detail, role) for detail in details}
            if found and found != {None}:
                return found.pop() if len(found) == 1 else None
        return None

    def _balances(self, moved: int) -> None:
        """From the opening to the closing balance, where the statement gives both."""
        balances: dict[str, int] = {}
        for balance in _children(self.statement, "Bal"):
            code = _text(balance, "Tp", "CdOrPrtry", "Cd")
            if code in {"OPBD", "CLBD"}:
                balances[code] = self._amount(balance, f"saldo {code}")
        if balances.keys() == {"OPBD", "CLBD"} and balances["OPBD"] + moved != balances["CLBD"]:
            opening, closing = balances["OPBD"], balances["CLBD"]
            said = f"posterne er {kroner(moved)}, men saldoen går fra {kroner(opening)} til {kroner(closing)}"
            self._problem("", f"{said}; udtoget er ikke helt")


def _oere(text: str) -> int | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    oere = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    return oere if oere <= LARGEST_OERE else None


def _shown(text: str) -> str:
    return re.sub(r"[^A-Z]", "", text.upper())[:3] or "en anden valuta"


def _municipality(detail: Element, role: str) -> MunicipalityCode | None:
    for party in (_first(detail, "RltdPties", role, "Pty"), _first(detail, "RltdPties", role)):
        if party is None:
            continue
        for identity in _all(party, "Id", "OrgId", "Othr", "Id"):
            code = _BY_CVR.get(re.sub(r"\D", "", identity.text or "")[-8:])
            if code:
                return code
        named = find_by_name(_text(party, "Nm")) if _text(party, "Nm") else None
        if named:
            return named.code
    return None


def _mentions(detail: Element) -> Iterator[Mention]:
    """The documents that a payment names: structured first, each with its amount where that is said."""
    for structured in _all(detail, "RmtInf", "Strd"):
        holder = _first(structured, "RfrdDocAmt", "RmtdAmt")
        amount = _oere(holder.text or "") if holder is not None and holder.get("Ccy", "DKK") == "DKK" else None
        sign = -1 if amount and _text(structured, "RfrdDocInf", "Tp", "CdOrPrtry", "Cd") == "CREN" else 1
        signed = sign * amount if amount else None
        texts = [_text(structured, "CdtrRefInf", "Ref")]
        texts += [number.text or "" for number in _all(structured, "RfrdDocInf", "Nb")]
        for text in texts:
            yield from mentions_in(text, signed)
        for more in _all(structured, "AddtlRmtInf"):
            yield from mentions_in(more.text or "")
    for unstructured in _all(detail, "RmtInf", "Ustrd"):
        yield from mentions_in(unstructured.text or "")
    for name in ("EndToEndId", "InstrId"):
        yield from mentions_in(_text(detail, "Refs", name))
    yield from mentions_in(_text(detail, "AddtlTxInf"))
    yield from mentions_in(_text(detail, "AddtlNtryInf"))


def _entry_reference(entry: Element, others: Sequence[str]) -> str:
    """The entry's reference where it is all that the bank gives; its mere place in the statement is none.

    The next statement that has the entry may have it in another place.
    """
    reference = _text(entry, "NtryRef")
    is_place = reference.isdecimal() and len(reference) <= _LONGEST_PLACE
    return "" if is_place or set(others) - _NOT_A_REFERENCE else reference


def _identity(detail: Element) -> tuple[str, ...]:
    """What tells a payment from others of the same day and amount: the bank's references, or else all it says."""
    references = tuple(_text(detail, "Refs", name) for name in ("AcctSvcrRef", "TxId", "EndToEndId", "InstrId"))
    if set(references[:2]) - _NOT_A_REFERENCE:
        return references
    said = [(element.text or "").strip() for element in detail.iter()]
    return (*references, *(text for text in said if text))
