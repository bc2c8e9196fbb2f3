"""Which documents a municipality is reminded of, level by level; off until an issuer says after how many days. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agreements.agreement import MunicipalityCode
from billing.payment.facts import OpenItem
from foundation.errors import BadInput, N_, RuleBroken

MOST_LEVELS = 5
MOST_DAYS = 365


class RemindersAreOff(RuleBroken):
    """Nobody said that letters are to go out."""

    danish = N_(
        "{issuer} sender ikke påmindelser. Slå dem til med «mellemregning reminder set {code} --days 10 --days 30».",
    )


class LevelsUnlikely(BadInput):
    """Days that do not follow each other."""

    danish = N_(
        "Dagene {days} kan ikke bruges. Skriv højst {most} stigende tal fra 1 til {longest}, ét for hvert trin."
    )


@dataclass(frozen=True, slots=True)
class RemindedDocument:
    """A document in a letter.

    Attributes:
        reference: The payment reference.
        days_late: How many days after the due date.
    """

    invoice_id: int
    number: str
    reference: str
    title: str
    due_date: date
    open_oere: int
    days_late: int


@dataclass(frozen=True, slots=True)
class LastReminder:
    """What a document was reminded of last.

    Attributes:
        level: The letter's.
        reminded_on: Its day.
    """

    level: int
    reminded_on: date


@dataclass(frozen=True, slots=True)
class ReminderLetter:
    """One letter to one municipality.

    Attributes:
        number: Its number with us; 0 for one that was not sent.
        level: 1 is the first letter.
        on_account_oere: What the municipality has paid that settles nothing yet; it is told, not deducted.
    """

    number: int
    issuer: MunicipalityCode
    subscriber: MunicipalityCode
    level: int
    reminded_on: date
    documents: tuple[RemindedDocument, ...]
    on_account_oere: int

    @property
    def open_oere(self) -> int:
        """What the letter asks for."""
        return sum(document.open_oere for document in self.documents)


def require_levels(days_late: Sequence[int]) -> None:
    """Refuse days that cannot be levels; none at all means that no letters go out.

    Raises:
        LevelsUnlikely.
    """
    rising = list(days_late) == sorted(set(days_late))
    if not rising or len(days_late) > MOST_LEVELS or any(not 1 <= days <= MOST_DAYS for days in days_late):
        raise LevelsUnlikely(days=list(days_late), most=MOST_LEVELS, longest=MOST_DAYS)


def letters_due(
    items: Iterable[tuple[OpenItem, str]],
    reminded: Mapping[int, LastReminder],
    days_late: Sequence[int],
    as_of: date,
    on_account: Mapping[MunicipalityCode, int],
) -> tuple[ReminderLetter, ...]:
    """One letter per municipality and level, with the documents that have come to it.

    A document is reminded of one level at a time, however late the first letter is; between two letters lie at least as
    many days as between their levels, so that whoever is reminded late has the time to pay.

    Args:
        items: Open documents with their payment references.
        reminded: Document -> what it was reminded of last.
        days_late: For each level, after how many days.
        as_of: The day of the letters.
        on_account: What each has paid that settles nothing yet.

    Source: agreement § 7 stk. 2; domain rule 13.
    """
    together: dict[tuple[MunicipalityCode, int], list[RemindedDocument]] = defaultdict(list)
    issuers: dict[MunicipalityCode, MunicipalityCode] = {}
    for item, reference in items:
        last = reminded.get(item.invoice_id)
        level = last.level + 1 if last else 1
        days = (as_of - item.due_date).days
        if item.open_oere <= 0 or level > len(days_late) or days < days_late[level - 1]:
            continue
        if last and (as_of - last.reminded_on).days < days_late[level - 1] - days_late[level - 2]:
            continue
        issuers[item.subscriber] = item.issuer
        together[item.subscriber, level].append(
            RemindedDocument(item.invoice_id, item.number, reference, item.title, item.due_date, item.open_oere, days),
        )
    return tuple(
        ReminderLetter(
            number=0,
            issuer=issuers[who],
            subscriber=who,
            level=level,
            reminded_on=as_of,
            documents=tuple(sorted(documents, key=lambda document: (document.due_date, document.number))),
            on_account_oere=on_account.get(who, 0),
        )
        for (who, level), documents in sorted(together.items())
    )
