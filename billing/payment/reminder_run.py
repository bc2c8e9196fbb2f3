"""Say when letters go out, show who would get one, and note those that are sent; never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.payment import reminder_store, store
from billing.payment.matching_rules import less_credits
from billing.payment.reminder_rules import ReminderLetter, RemindersAreOff, letters_due, require_levels
from billing.payment.rules import payment_reference
from billing.payment.run import issuer_of
from foundation import audit, outbox
from foundation.audit import Occasion
from foundation.errors import N_, NotFound
from foundation.outbox import OutboxEntry


class LetterUnknown(NotFound):
    """No letter has the number."""

    danish = N_("Der er intet brev {number}.")


def set_reminders(
    connection: Connection,
    issuer: MunicipalityCode,
    days_late: Sequence[int],
    occasion: Occasion,
) -> tuple[int, ...]:
    """Let an issuer's letters go out after so many days, level by level; none at all turns them off.

    Raises:
        NotAnIssuer, LevelsUnlikely.
    """
    issuer = issuer_of(connection, issuer)
    require_levels(days_late)
    before, after = reminder_store.days_late(connection, issuer), tuple(days_late)
    if before != after:
        reminder_store.write_days_late(connection, issuer, after, occasion)
        audit.record(
            connection,
            occasion,
            action="payment.reminders_set",
            subject=issuer,
            details={"before": list(before), "after": list(after)},
        )
    return after


def show_reminders(
    connection: Connection,
    issuer: MunicipalityCode | None,
    occasion: Occasion,
) -> tuple[ReminderLetter, ...]:
    """The letters that would go out on the day; changes nothing. What a credit note took back is not asked for.

    Raises:
        RemindersAreOff.
    """
    issuer = issuer_of(connection, issuer)
    days = reminder_store.days_late(connection, issuer)
    if not days:
        raise RemindersAreOff(issuer=municipality(issuer).official_name, code=issuer)
    as_of = occasion.as_of
    on_account: dict[MunicipalityCode, int] = {}
    for receipt in store.receipts(connection, issuer, as_of=as_of):
        if receipt.holder:
            on_account[receipt.holder] = on_account.get(receipt.holder, 0) + receipt.left_oere
    items = less_credits(store.open_items(connection, issuer, as_of=as_of))
    return letters_due(
        [(item, payment_reference(item.number)) for item in items],
        reminder_store.reminded(connection, issuer),
        days,
        as_of,
        on_account,
    )


def send_reminders(
    connection: Connection,
    issuer: MunicipalityCode | None,
    occasion: Occasion,
) -> tuple[ReminderLetter, ...]:
    """Note the letters of the day as sent, each document once at its level, and put them into the outbox.

    Raises:
        RemindersAreOff.
    """
    issuer = issuer_of(connection, issuer)
    store.lock(connection, issuer)
    due = show_reminders(connection, issuer, occasion)
    sent = reminder_store.write_letters(connection, due, occasion.actor)
    for letter in sent:
        outbox.put(connection, occasion, _outbox_entry_of(letter))
    if sent:
        audit.record(
            connection,
            occasion,
            action="payment.reminded",
            subject=issuer,
            details={
                "letters": [
                    {
                        "letter": letter.number,
                        "municipality": letter.subscriber,
                        "level": letter.level,
                        "documents": [document.number for document in letter.documents],
                    }
                    for letter in sent
                ],
            },
        )
    return tuple(sent)


def _outbox_entry_of(letter: ReminderLetter) -> OutboxEntry:
    """What the outbox holds of a letter; the letter itself is made when it is sent, from what it was written with."""
    what = "Påmindelse om betaling" if letter.level == 1 else f"Rykker {letter.level}"
    return OutboxEntry(
        key=outbox.letter_key(letter.issuer, letter.number),
        topic=outbox.LETTER_WRITTEN,
        issuer=letter.issuer,
        recipient=letter.subscriber,
        subject=f"{what} til {municipality(letter.subscriber).official_name}",
        body="",
        reference={"letter": letter.number, "on_account_oere": letter.on_account_oere},
        business_date=letter.reminded_on,
    )


def written_letter(connection: Connection, reference: Mapping[str, object]) -> ReminderLetter:
    """A letter as it was written.

    Args:
        connection: Where to read.
        reference: The outbox entry's: ``letter`` and ``on_account_oere``, which no table keeps.

    Raises:
        LetterUnknown: no letter has the number.
    """
    number = int(str(reference["letter"]))
    letter = reminder_store.read_letter(connection, number, int(str(reference.get("on_account_oere", 0))))
    if letter is None:
        raise LetterUnknown(number=number)
    return letter


def issuers_letter(connection: Connection, issuer: MunicipalityCode, number: int) -> ReminderLetter:
    """A letter that the issuer sent, as it was written.

    Raises:
        LetterUnknown: the issuer sent none with the number.
    """
    entry = outbox.find(connection, outbox.letter_key(issuer, number))
    if entry is None:
        raise LetterUnknown(number=number)
    return written_letter(connection, entry.reference)
