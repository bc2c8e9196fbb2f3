"""The bank's list as CSV -> entries; which column is what, an officer says once per issuer or the headings tell.

Of the text that comes with a payment only the documents that it names are kept (domain rule 18).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

from agreements.municipality import find_by_name
from billing.payment.camt import LARGEST_STATEMENT, NotAStatement, is_xml, read_statement
from billing.payment.facts import BankEntry, BankFile, ColumnMapping
from billing.payment.rules import distinct, is_likely_day, kept_bank_reference, mentions_in
from foundation.errors import BadInput, N_, Problems
from foundation.money import NotAnAmount, oere_from_danish_text, oere_from_text

FORMAT = "csv"
MOST_ROWS = 100_000
ROWS_BEFORE_HEADINGS = 20
MOST_PROBLEMS = 20

# What Danish banks call their columns; an officer's own names come first.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "booked_on": ("dato", "bogføringsdato", "bogført", "bogført dato", "posteringsdato", "booking date"),
    "value_date": ("rentedato", "valør", "valørdato", "valuteringsdato", "value date"),
    "amount": ("beløb", "beløb i dkk", "beløb dkk", "amount"),
    "text": ("tekst", "posteringstekst", "meddelelse", "besked", "adviseringstekst", "text"),
    "reference": (
        "reference",
        "betalingsreference",
        "betalings-id",
        "betalingsid",
        "kortartslinje",
        "kreditorreference",
    ),
    "payer": ("afsender", "indbetaler", "navn", "modpart", "betaler", "payer"),
    "bank_reference": ("arkivreference", "bankreference", "arkivnummer", "bank reference"),
    "balance": ("saldo", "balance"),
    "currency": ("valuta", "møntsort", "currency"),
    "account_column": ("konto", "kontonummer", "kontonr.", "account"),
}
REQUIRED = ("booked_on", "amount")
TITLES = {
    "booked_on": "dato",
    "value_date": "rentedato",
    "amount": "beløb",
    "text": "tekst",
    "reference": "reference",
    "payer": "betaler",
    "bank_reference": "bankens reference",
    "balance": "saldo",
    "currency": "valuta",
    "account_column": "konto",
}


class ColumnsNotFound(BadInput):
    """The headings do not tell which column is what."""

    danish = N_(
        "{file} har ikke de kolonner, der skal bruges: {missing}. Fundet: {found}. Sig, hvad de hedder, med "
        "«mellemregning payment columns KOMMUNE --date NAVN --amount NAVN».",
    )


class AccountMissing(BadInput):
    """A CSV file that does not say which account it is of."""

    danish = N_(
        "{file} siger ikke, hvilken konto den er fra. Angiv den med --account, fx registrerings- og kontonummer, eller "
        "gem den med «mellemregning payment columns KOMMUNE --account KONTO».",
    )


def read_bank_file(name: str, content: bytes, mapping: ColumnMapping, account: str = "") -> BankFile:
    """Read what the bank gave: camt.053 where it is XML, else a list with headings.

    Args:
        name: As the officer knows the file.
        content: All of it.
        mapping: What the issuer's columns are called; empty names are found by what banks usually call them.
        account: Of which account a list is, where it does not say so itself.

    Raises:
        NotAStatement, ColumnsNotFound, AccountMissing, Problems.
    """
    if is_xml(content):
        return read_statement(name, content)
    return _read_list(name, content, mapping, account)


def _decoded(name: str, content: bytes) -> str:
    if len(content) > LARGEST_STATEMENT:
        raise NotAStatement(file=name, found=f"den er over {LARGEST_STATEMENT // (1024 * 1024)} MB")
    marked = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    for encoding in (marked, "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.strip() and not any(character < " " and character not in "\t\r\n\f" for character in text):
            return text
    raise NotAStatement(file=name, found="den er tom eller ikke tekst")


def _rows(name: str, text: str) -> list[tuple[int, list[str]]]:
    sample = text[:50_000].splitlines()[:200]
    widths = {
        mark: Counter(len(row) for row in csv.reader(sample, delimiter=mark) if len(row) > 1)
        for mark in (";", "\t", ",")
    }
    delimiter = max(widths, key=lambda mark: max(widths[mark].values(), default=0))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
            if len(rows) > MOST_ROWS:
                raise NotAStatement(file=name, found=f"den har over {MOST_ROWS} linjer")
    except csv.Error as error:
        found = f"anførselstegnene går ikke op i linje {reader.line_num}"
        raise NotAStatement(file=name, found=found) from error
    return rows


def _folded(heading: str) -> str:
    return " ".join(heading.casefold().split())


def _places(cells: Sequence[str], mapping: ColumnMapping) -> dict[str, int]:
    """Which column is what, by an officer's names or the usual ones."""
    headings = [_folded(cell) for cell in cells]
    places: dict[str, int] = {}
    for key, usual in HEADINGS.items():
        own = _folded(getattr(mapping, key))
        for wanted in (own,) if own else usual:
            if wanted in headings:
                places[key] = headings.index(wanted)
                break
    return places


def _read_list(name: str, content: bytes, mapping: ColumnMapping, account: str) -> BankFile:
    rows = _rows(name, _decoded(name, content))
    heads = [(index, _places(cells, mapping)) for index, (_, cells) in enumerate(rows[:ROWS_BEFORE_HEADINGS])]
    named = [field.name for field in fields(mapping) if field.name in HEADINGS and getattr(mapping, field.name)]
    needed = (*REQUIRED, *(key for key in named if key not in REQUIRED))
    index, places = max(heads, key=lambda head: (len(set(needed) & set(head[1])), len(head[1])), default=(0, {}))
    missing = [TITLES[key] for key in needed if key not in places]
    if missing:
        shown = [re.sub(r"[^\w .()-]", "", cell)[:30] for cell in (rows[index][1] if rows else [])[:15]]
        found = shown if places or _all_words(shown) else ["ingen overskrifter"]
        raise ColumnsNotFound(file=name, missing=missing, found=found)
    twice = [
        TITLES[key]
        for key in ("booked_on", "value_date", "amount")
        if key in places and _stands_twice(rows[index][1], places[key])
    ]
    if twice:
        raise NotAStatement(file=name, found=f"der er to kolonner med samme overskrift til {' og '.join(twice)}")
    columns = _Columns(places, account or mapping.account)
    if "account_column" not in places and not columns.account:
        raise AccountMissing(file=name)
    problems: list[str] = []
    entries = [entry for number, cells in rows[index + 1 :] if (entry := columns.entry(number, cells, problems))]
    if problems:
        more = len(problems) - MOST_PROBLEMS
        raise Problems(source=name, problems=problems[:MOST_PROBLEMS] + ([f"og {more} linjer til"] if more > 0 else []))
    return BankFile(FORMAT, tuple(entries), columns.left_out)


def _stands_twice(cells: Sequence[str], place: int) -> bool:
    return [_folded(cell) for cell in cells].count(_folded(cells[place])) > 1


def _all_words(cells: Sequence[str]) -> bool:
    """Whether a row can be headings; what is in other rows is not shown, for it may be about a person."""
    return all(not any(character.isdigit() for character in cell) for cell in cells)


_DANISH_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?: \d{1,2}[:.]\d\d(?:[:.]\d\d)?)?", re.ASCII)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"))
_CURRENCY = re.compile(r"^(?:DKK|kr\.?)|(?:DKK|kr\.?)$", re.IGNORECASE)
_GROUPED_BY_SPACE = re.compile(r"-?\d{1,3}(?: \d{3})+(?:,\d{1,2})?", re.ASCII)


def _plain_amount(text: str) -> str:
    """An amount without what banks write around it: other dashes, a minus behind it, a plus, a currency, spaces."""
    words = " ".join(text.translate(_DASHES).split())  # a space that does not break is one here, too
    words = _CURRENCY.sub("", words).strip()
    if words.endswith("-") and not words.startswith(("-", "+")):
        words = f"-{words[:-1].strip()}"
    words = re.sub(r"^([+-]) ", r"\1", words)
    words = words.removeprefix("+") if not words.startswith("+-") else words
    return words.replace(" ", "") if _GROUPED_BY_SPACE.fullmatch(words) else words


@dataclass
class _Columns:
    """Where the cells of a row are, and how many rows were left out."""

    places: Mapping[str, int]
    account: str
    left_out: int = 0

    def entry(self, number: int, cells: Sequence[str], problems: list[str]) -> BankEntry | None:
        place = f"linje {number}"
        before = len(problems)
        amount = self._amount(cells, place, problems)
        booked_on = self._day(cells, "booked_on", place, problems)
        value_date = self._day(cells, "value_date", place, problems) if self._cell(cells, "value_date") else booked_on
        currency = self._cell(cells, "currency").upper()
        if currency not in {"", "DKK", "KR", "KR."}:
            problems.append(f"{place}: beløbet er i en anden valuta; vi læser kun DKK")
        account = re.sub(r"[ .-]", "", self._cell(cells, "account_column") or self.account).upper()
        if re.fullmatch(r"[A-Z0-9]{4,34}", account, re.ASCII) is None:
            problems.append(f"{place}: kontoen er ikke et kontonummer")
        if len(problems) > before or booked_on is None or value_date is None:
            return None
        if amount == 0:
            self.left_out += 1
            return None
        payer = find_by_name(self._cell(cells, "payer")) if self._cell(cells, "payer") else None
        said = [self._cell(cells, key) for key in ("reference", "text")]
        return BankEntry(
            place=place,
            account=account,
            booked_on=booked_on,
            value_date=value_date,
            amount_oere=amount,
            bank_reference=kept_bank_reference(self._cell(cells, "bank_reference")),
            payer=payer.code if payer else None,
            mentions=distinct(mention for text in said for mention in mentions_in(text)),
            identity=(
                booked_on.isoformat(),
                value_date.isoformat(),
                str(amount),
                *(self._cell(cells, key) for key in ("bank_reference", "balance", "reference", "text", "payer")),
            ),
        )

    def _cell(self, cells: Sequence[str], key: str) -> str:
        place = self.places.get(key)
        return cells[place] if place is not None and place < len(cells) else ""

    def _amount(self, cells: Sequence[str], place: str, problems: list[str]) -> int:
        text = _plain_amount(self._cell(cells, "amount"))
        # 1234.56 and 1.234,56 cannot be mistaken for each other: a point that groups is followed by three digits.
        read = oere_from_text if re.fullmatch(r"-?\d+\.\d{1,2}", text, re.ASCII) else oere_from_danish_text
        try:
            return read(text)
        except NotAnAmount:
            problems.append(f"{place}: beløbet er ikke kroner, fx 1.234,56")
            return 0

    def _day(self, cells: Sequence[str], key: str, place: str, problems: list[str]) -> date | None:
        text = self._cell(cells, key)
        match = _DANISH_DAY.fullmatch(text)
        try:
            day = date(int(match[3]), int(match[2]), int(match[1])) if match else date.fromisoformat(text[:10])
        except ValueError:
            problems.append(f"{place}: {TITLES[key]} er ikke en dag, fx 15.01.2009")
            return None
        if not is_likely_day(day):
            problems.append(f"{place}: {TITLES[key]} {day:%d.%m.%Y} er ikke sandsynlig")
            return None
        return day
