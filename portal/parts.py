"""What templates are given beside their own figures: the language, amounts, dates, words for kinds, bars of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Flask, request

from agreements.municipality import MUNICIPALITIES
from billing.invoice.facts import ClaimKind, DocumentType
from foundation.money import kroner
from portal import language
from portal.command_pages import on_pages, told_on_page
from portal.language import _


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; all in the units of its drawing, 1000 wide."""

    label: str
    series: str
    amount_oere: int
    top: int
    width: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars beneath each other, group by group, and the same as a table.

    Attributes:
        series: The names of what is compared, at most two.
        rows: Label -> øre of each of the series.
    """

    title: str
    heading: str
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]

    @property
    def bars(self) -> list[tuple[str, int, list[Bar]]]:
        """Each group with its top and its bars."""
        largest = max((abs(amount or 0) for _label, amounts in self.rows for amount in amounts), default=0) or 1
        groups = []
        for place, (label, amounts) in enumerate(self.rows):
            top = place * self.group_height
            bars = [
                Bar(label, str(number), amount, top + number * 22, max(2, abs(amount) * 560 // largest))
                for number, amount in enumerate(amounts)
                if amount is not None
            ]
            groups.append((label, top, bars))
        return groups

    @property
    def group_height(self) -> int:
        """How much a group takes."""
        return 22 * len(self.series) + 16

    @property
    def height(self) -> int:
        """How much the drawing takes."""
        return max(1, len(self.rows)) * self.group_height


def amount(oere: int | None) -> str:
    """An amount as it stands in a table, without its unit."""
    return "" if oere is None else kroner(oere).removesuffix(" kr.")


def day(value: date | None) -> str:
    """A date as Danes write it."""
    return "" if value is None else f"{value:%d.%m.%Y}"


def count(value: int) -> str:
    """A whole number with points between thousands."""
    return f"{value:,}".replace(",", ".")


def name_of(code: str) -> str:
    """A municipality as people know it."""
    found = MUNICIPALITIES.get(code)
    return found.name if found else code


def document_word(document_type: DocumentType) -> str:
    """What the paper is called."""
    return _("Kreditnota") if document_type is DocumentType.CREDIT_NOTE else _("Faktura")


def claim_word(kind: ClaimKind) -> str:
    """What a document claims."""
    return {
        ClaimKind.ACONTO: _("a conto"),
        ClaimKind.EXIT_SETTLEMENT: _("udtrædelse"),
        ClaimKind.INTEREST: _("rente"),
        ClaimKind.CASE: _("enkeltsager"),
        ClaimKind.SURPLUS_CAPACITY: _("overskudskapacitet"),
        ClaimKind.TRUE_UP: _("efterregulering"),
    }[kind]


def prepare(app: Flask) -> None:
    """Give templates their words and filters."""
    app.jinja_env.filters.update(amount=amount, day=day, count=count, kroner=kroner, name_of=name_of)
    app.jinja_env.filters.update(on_pages=on_pages, told=told_on_page)
    app.jinja_env.globals.update(_=_, document_word=document_word, claim_word=claim_word, speaks=language.current)

    @app.context_processor
    def here() -> dict[str, object]:
        return {"here": request.full_path.rstrip("?") if request.method == "GET" else None}


def choices(pairs: Sequence[tuple[str, str]], chosen: str) -> list[tuple[str, str, bool]]:
    """The options of a list: value, words, and whether it is the chosen one."""
    return [(value, words, value == chosen) for value, words in pairs]
