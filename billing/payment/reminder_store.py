"""When letters go out, and which went, in and out of the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, func, select

from agreements.agreement import MunicipalityCode
from billing.invoice.tables import invoice
from billing.payment.reminder_rules import LastReminder, RemindedDocument, ReminderLetter
from billing.payment.rules import payment_reference
from billing.payment.tables import reminder_document, reminder_letter, reminder_policy
from foundation.audit import Occasion
from foundation.database import insert_rows, reserve_ids


def days_late(connection: Connection, issuer: MunicipalityCode) -> tuple[int, ...]:
    """After how many days each level's letters go out; none where no letters do."""
    written = connection.execute(
        select(reminder_policy.c.days_late)
        .where(reminder_policy.c.issuer == issuer)
        .order_by(reminder_policy.c.id.desc())
        .limit(1),
    ).scalar_one_or_none()
    return tuple(json.loads(written)) if written else ()


def write_days_late(connection: Connection, issuer: MunicipalityCode, days: Sequence[int], occasion: Occasion) -> None:
    """Append what applies from now on."""
    connection.execute(
        reminder_policy.insert().values(
            issuer=issuer,
            days_late=json.dumps(list(days)),
            set_on=occasion.as_of,
            set_by=occasion.actor,
        ),
    )


def reminded(connection: Connection, issuer: MunicipalityCode) -> dict[int, LastReminder]:
    """Document -> what it was reminded of last; levels and days rise together."""
    rows = connection.execute(
        select(
            reminder_document.c.invoice_id,
            func.max(reminder_document.c.level).label("level"),
            func.max(reminder_letter.c.reminded_on).label("reminded_on"),
        )
        .join(reminder_letter, reminder_letter.c.id == reminder_document.c.letter_id)
        .where(reminder_letter.c.issuer == issuer)
        .group_by(reminder_document.c.invoice_id),
    )
    return {row.invoice_id: LastReminder(row.level, row.reminded_on) for row in rows}


def write_letters(connection: Connection, letters: Sequence[ReminderLetter], actor: str) -> list[ReminderLetter]:
    """Append letters; answers them with their numbers.

    Raises:
        sqlalchemy.exc.IntegrityError: a document was reminded of at the level
            (``uq_reminder_document_invoice_id_level``).
    """
    numbers = reserve_ids(connection, reminder_letter, len(letters))
    sent = [replace(letter, number=number) for number, letter in zip(numbers, letters, strict=True)]
    insert_rows(
        connection,
        reminder_letter,
        [
            {
                "id": letter.number,
                "issuer": letter.issuer,
                "subscriber": letter.subscriber,
                "level": letter.level,
                "reminded_on": letter.reminded_on,
                "actor": actor,
            }
            for letter in sent
        ],
    )
    insert_rows(
        connection,
        reminder_document,
        [
            {
                "letter_id": letter.number,
                "invoice_id": document.invoice_id,
                "level": letter.level,
                "open_oere": document.open_oere,
            }
            for letter in sent
            for document in letter.documents
        ],
    )
    return sent


@dataclass(frozen=True, slots=True)
class LetterHead:
    """A letter that was sent, as a listing shows it."""

    number: int
    subscriber: MunicipalityCode
    level: int
    reminded_on: date
    actor: str
    documents: int
    open_oere: int


def letters(connection: Connection, issuer: MunicipalityCode, newest: int) -> list[LetterHead]:
    """The newest letters of an issuer, newest first; one query."""
    rows = connection.execute(
        select(
            reminder_letter,
            func.count().label("documents"),
            func.sum(reminder_document.c.open_oere).label("open_oere"),
        )
        .join(reminder_document, reminder_document.c.letter_id == reminder_letter.c.id)
        .where(reminder_letter.c.issuer == issuer)
        .group_by(reminder_letter.c.id)
        .order_by(reminder_letter.c.id.desc())
        .limit(newest),
    )
    return [
        LetterHead(
            row.id, row.subscriber, row.level, row.reminded_on, row.actor, int(row.documents), int(row.open_oere)
        )
        for row in rows
    ]


def read_letter(connection: Connection, number: int, on_account_oere: int) -> ReminderLetter | None:
    """A letter as it was written, or None; what was on account is the caller's to know."""
    head = connection.execute(select(reminder_letter).where(reminder_letter.c.id == number)).one_or_none()
    if head is None:
        return None
    rows = connection.execute(
        select(reminder_document, invoice.c.number, invoice.c.title, invoice.c.due_date)
        .join(invoice, invoice.c.id == reminder_document.c.invoice_id)
        .where(reminder_document.c.letter_id == number)
        .order_by(invoice.c.due_date, invoice.c.number),
    )
    documents = tuple(
        RemindedDocument(
            invoice_id=row.invoice_id,
            number=row.number,
            reference=payment_reference(row.number),
            title=row.title,
            due_date=row.due_date,
            open_oere=row.open_oere,
            days_late=(head.reminded_on - row.due_date).days,
        )
        for row in rows
    )
    return ReminderLetter(
        number=head.id,
        issuer=head.issuer,
        subscriber=head.subscriber,
        level=head.level,
        reminded_on=head.reminded_on,
        documents=documents,
        on_account_oere=on_account_oere,
    )
