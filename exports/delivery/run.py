"""Set channels up, take what is due, pack it, note what came of it, and keep receipts; never commits.

Who delivers goes round: take in one transaction, hand over in none, note in the next. So what was handed over and not
noted is handed over again, with the same id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.invoice import run as invoices
from billing.invoice.facts import IssuedDocument
from billing.payment import reminder_run as reminders
from billing.single_case import statement_run as case_statements
from exports.delivery import store
from exports.delivery.facts import (
    Attempt,
    Channel,
    ChannelKind,
    Claimed,
    Delivery,
    DeliveryState,
    DeliveryTopic,
    PackedFile,
    Parcel,
    Receipt,
    Tried,
)
from exports.delivery.rules import bounded, require_usable, state_after, wait_after
from exports.e_invoice.rules import NotFitToSend, findings_in
from exports.e_invoice.run import NeverSent, e_invoices, file_stem
from exports.e_invoice.write import ubl_bytes
from exports.excel.cases import case_statement_stem, case_statement_xlsx
from exports.pdf.cases import case_statement_pdf
from exports.pdf.run import pdfs
from exports.pdf.write import Press
from exports.reminder.layout import file_name as letter_name
from exports.reminder.write import pdfs_of as letter_pdfs
from foundation import audit, hooks, outbox
from foundation.audit import Event, Occasion
from foundation.database import hold
from foundation.errors import BadInput, MellemregningError, N_, NotFound, Problems, RuleBroken
from foundation.hooks import Hook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AT_ONCE = 50
LEASE = timedelta(minutes=10)
# What is left of a lease before another try is begun: longer than the slowest try may take.
SPARE = timedelta(minutes=3)


class NoChannel(NotFound):
    """The issuer has no channel of that kind."""

    danish = N_("{issuer} har ingen kanal til {topic}. Opret en med «mellemregning delivery set».")


class DeliveryUnknown(NotFound):
    """Nothing that was delivered has the id."""

    danish = N_("Intet er sendt med id'et {key}. Se dem alle med «mellemregning delivery list».")


class NothingToRetry(RuleBroken):
    """Only what failed, was given up or was rejected is tried anew by hand."""

    danish = N_("{key} er ikke mislykket, opgivet eller afvist, men {state}. Send den igen med «deliver --again».")


class ChannelUnclear(BadInput):
    """A receipt for something that left by several channels says which it is of."""

    danish = N_("{key} er sendt ad flere kanaler: {kinds}. Kvitteringen skal sige hvilken.")


def set_channel(  # noqa: PLR0913, PLR0917 - whose, for what, how, and what is changed
    connection: Connection,
    issuer: MunicipalityCode,
    topic: DeliveryTopic,
    kind: ChannelKind,
    settings: Mapping[str, str],
    occasion: Occasion,
    *,
    active: bool = True,
) -> Channel:
    """Decide how an issuer's documents or messages leave.

    Args:
        connection: The transaction.
        issuer: Whose.
        topic: What.
        kind: How.
        settings: What is changed of the settings; an empty text takes one away.
        occasion: Who decides.
        active: False to switch the channel off; its settings stay.

    Returns:
        The channel as it is now. One that was off takes what is written from now on.

    Raises:
        UnknownMunicipality, ChannelNotUsable.
    """
    municipality(issuer)
    hold(connection, "delivery_channel")
    mine = [each for each in store.channels(connection, issuer) if (each.topic, each.kind) == (topic, kind)]
    before = mine[0] if mine else None
    changed = {**(before.settings if before else {}), **settings}
    kept = {name: value.strip() for name, value in changed.items() if value.strip()}
    require_usable(kind, topic, kept)
    goes_on = before is not None and before.active
    channel = Channel(
        issuer=issuer,
        topic=topic,
        kind=kind,
        settings=kept,
        active=active,
        after_entry=before.after_entry if before and goes_on else store.last_entry(connection),
        revision=before.revision + 1 if before else 1,
    )
    if before is None or replace(channel, revision=before.revision, after_entry=before.after_entry) != before:
        store.append_channel(connection, channel, occasion.as_of)
        audit.record(
            connection,
            occasion,
            action="delivery.channel_set",
            subject=issuer,
            details={
                "topic": topic.value,
                "kind": kind.value,
                "before": None if before is None else {**before.settings, "active": before.active},
                "after": {**kept, "active": active},
            },
        )
        return channel
    return before


def channels(connection: Connection, issuer: MunicipalityCode | None = None) -> list[Channel]:
    """The channels, of one issuer or of all."""
    if issuer is not None:
        municipality(issuer)
    return store.channels(connection, issuer)


def take(
    connection: Connection,
    now: datetime,
    who: str,
    *,
    new: bool = True,
    count: int = AT_ONCE,
) -> list[Claimed]:
    """Take what is due and held by nobody; whoever takes it has ``LEASE`` to try it.

    Args:
        connection: The transaction.
        now: The instant.
        who: The deliverer; unique.
        new: Whether to look for what was put into the outbox since; once a round is enough.
        count: At most so many.
    """
    active = [channel for channel in store.channels(connection) if channel.active]
    active += store.hook_channels(connection)
    if new and active:
        hold(connection, "delivery_job")
        for channel in active:
            store.add_jobs(connection, channel, now)
    claimed = store.claim(connection, active, now, now + LEASE, who, count)
    if all(each.channel.kind is not ChannelKind.WEBHOOK for each in claimed):
        return claimed
    there = {hook.id: hook for hook in hooks.hooks(connection)}
    return [_to_hook(each, there) if each.channel.kind is ChannelKind.WEBHOOK else each for each in claimed]


def _to_hook(claimed: Claimed, there: Mapping[int, Hook]) -> Claimed:
    """With where to and the salt; one that was closed since has neither, and its delivery is given up."""
    hook = there.get(int(str(claimed.reference["hook"])))
    settings = {"url": hook.url, "salt": hook.salt} if hook else {}
    return replace(claimed, channel=replace(claimed.channel, settings=settings))


def release(connection: Connection, who: str) -> None:
    """Give back what a deliverer took and did not try."""
    store.release(connection, who)


def pack(connection: Connection, claimed: Sequence[Claimed]) -> list[Parcel | Tried]:
    """What is handed over for each, or why nothing can be: a document that is not fit to be sent."""
    documents: dict[int, IssuedDocument | Tried] = {}
    letters: dict[int, Parcel | Tried] = {}
    told: dict[int, Parcel | Tried] = {}
    for each in claimed:
        if each.channel.topic is DeliveryTopic.EVENTS:
            told[each.entry_id] = _event(each)
        if each.channel.topic is DeliveryTopic.STATEMENTS:
            told[each.entry_id] = _statement(connection, each)
        if each.channel.topic is DeliveryTopic.LETTERS:
            letters[each.entry_id] = _letter(connection, each)
        if each.channel.topic is DeliveryTopic.DOCUMENTS:
            try:
                _, document = invoices.find_document(connection, str(each.reference["number"]), each.channel.issuer)
                documents[each.entry_id] = document
            except MellemregningError as error:
                documents[each.entry_id] = _not_sent(error)
    return [
        _packed(connection, each, documents[each.entry_id])
        if each.entry_id in documents
        else letters[each.entry_id]
        if each.entry_id in letters
        else told[each.entry_id]
        if each.entry_id in told
        else Parcel(
            key=each.key,
            topic=each.channel.topic,
            issuer=each.channel.issuer,
            recipient=each.recipient,
            subject=each.subject,
            body=each.body,
            files=(),
            reference=each.reference,
        )
        for each in claimed
    ]


def _event(each: Claimed) -> Parcel | Tried:
    """What a web-hook is told, the same bytes each time."""
    if not each.channel.settings:
        return Tried(handed_over=False, reached="", detail="web-hooken er lukket", lasting=True)
    content = {
        "id": each.key,
        "event": each.reference["event"],
        "municipality": each.reference["municipality"],
        "at": each.reference["at"],
        "data": each.reference["data"],
    }
    body = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    return Parcel(
        key=each.key,
        topic=each.channel.topic,
        issuer=each.channel.issuer,
        recipient=each.recipient,
        subject=each.subject,
        body="",
        files=(PackedFile("event.json", "application/json", body),),
        reference=each.reference,
    )


def _not_sent(error: MellemregningError) -> Tried:
    return Tried(handed_over=False, reached="", detail=error.text(), lasting=True)


@cache
def _press() -> Press:
    """One press for all: its fonts are read once."""
    return Press()


def _packed(connection: Connection, each: Claimed, document: IssuedDocument | Tried) -> Parcel | Tried:
    if isinstance(document, Tried):
        return document
    try:
        (invoice,) = e_invoices(connection, [document])
    except MellemregningError as error:
        return _not_sent(error)
    findings = findings_in(invoice)
    if findings:
        return _not_sent(NotFitToSend(number=document.number, findings=findings))
    default = "pdf,xml" if each.channel.kind is ChannelKind.SMTP else "xml"
    wanted = each.channel.settings.get("files", default).split(",")
    stem = file_stem(document)
    files = []
    if "pdf" in wanted and not each.channel.settings.get("link"):
        ((_, content, _),) = pdfs(connection, [document], _press())
        files.append(PackedFile(f"{stem}.pdf", "application/pdf", content))
    if "xml" in wanted:
        files.append(PackedFile(f"{stem}.xml", "application/xml", ubl_bytes(invoice)))
    return Parcel(
        key=each.key,
        topic=each.channel.topic,
        issuer=each.channel.issuer,
        recipient=each.recipient,
        subject=f"{each.subject} fra {document.issuer.name}",
        body="",
        files=tuple(files),
        reference=each.reference,
    )


def _letter(connection: Connection, each: Claimed) -> Parcel | Tried:
    """A reminder letter as it was written, as PDF; the same bytes each time."""
    try:
        letter = reminders.written_letter(connection, each.reference)
    except MellemregningError as error:
        return _not_sent(error)
    (content,) = letter_pdfs([letter])
    return Parcel(
        key=each.key,
        topic=each.channel.topic,
        issuer=each.channel.issuer,
        recipient=each.recipient,
        subject=f"{each.subject} fra {municipality(each.channel.issuer).official_name}",
        body="",
        files=(PackedFile(letter_name(letter), "application/pdf", content),),
        reference=each.reference,
    )


def _statement(connection: Connection, each: Claimed) -> Parcel | Tried:
    """A statement of cases as it was when it was sent, for its payer alone; the same bytes each time."""
    try:
        statement = case_statements.sent_statement(connection, each.reference)
    except MellemregningError as error:
        return _not_sent(error)
    if statement.payer != each.recipient:
        # Never by mistake to another: what the entry says and what it holds are of one municipality.
        return Tried(handed_over=False, reached="", detail="opgørelsen er ikke modtagerens", lasting=True)
    stem = case_statement_stem(statement)
    return Parcel(
        key=each.key,
        topic=each.channel.topic,
        issuer=each.channel.issuer,
        recipient=each.recipient,
        subject=f"{each.subject} fra {municipality(each.channel.issuer).official_name}",
        body=each.body,
        files=(
            PackedFile(f"{stem}.pdf", "application/pdf", case_statement_pdf(statement)),
            PackedFile(f"{stem}.xlsx", XLSX, case_statement_xlsx(statement)),
        ),
        reference=each.reference,
    )


def note(connection: Connection, claimed: Claimed, tried: Tried, now: datetime, who: str) -> DeliveryState:
    """Note what a try came to.

    Where another has taken the delivery meanwhile, since this one was too slow, a success counts all the same and a
    failure is only told.

    Args:
        connection: The transaction, begun after the try.
        claimed: What was tried.
        tried: What came of it.
        now: The instant.
        who: The deliverer that took it.

    Returns:
        Where the delivery stands.
    """
    kind = claimed.channel.kind
    job = store.lock_job(connection, claimed.entry_id, kind)
    attempts = job.attempts + 1
    state = state_after(tried, attempts)
    store.append_attempt(connection, claimed.entry_id, kind, Attempt(state, now, tried.reached, tried.detail))
    answered = job.state in {DeliveryState.ACCEPTED.value, DeliveryState.REJECTED.value}
    if answered or (job.leased_by != who and not tried.handed_over):
        return DeliveryState(job.state)
    due_at = now + wait_after(attempts, claimed.key) if state is DeliveryState.FAILED else now
    store.set_job(connection, claimed.entry_id, kind, state=state, attempts=attempts, due_at=due_at)
    if state is DeliveryState.HANDED_OVER and claimed.channel.topic is DeliveryTopic.DOCUMENTS:
        told = hooks.Happened(
            key=f"{claimed.key}/{kind.value}/{attempts}",
            event=hooks.DOCUMENT_DELIVERED,
            places={claimed.channel.issuer, claimed.recipient},
            data={
                "issuer": claimed.channel.issuer,
                "number": claimed.reference["number"],
                "state": state.value,
                "channel": kind.value,
            },
            on=now.date(),
        )
        hooks.tell(connection, [told], now)
    return state


def put_again(
    connection: Connection,
    documents: Iterable[IssuedDocument],
    occasion: Occasion,
) -> list[str]:
    """Have documents sent, or sent again, by the channels of their issuers: with the same id each time.

    Args:
        connection: The transaction.
        documents: Issued before a channel was set up, or sent already.
        occasion: Who asks for it.

    Returns:
        Their stable ids.

    Raises:
        NoChannel, NeverSent.
    """
    wanted = list(documents)
    active = [
        channel for channel in store.channels(connection) if channel.active and channel.topic is DeliveryTopic.DOCUMENTS
    ]
    served = {channel.issuer for channel in active}
    keys = []
    for document in wanted:
        if document.internal:
            raise NeverSent(number=document.number)
        if document.issuer.municipality not in served:
            raise NoChannel(issuer=document.issuer.name, topic="bilag")
        entry = invoices.outbox_entry_of(document)
        outbox.put(connection, occasion, entry)
        keys.append(entry.key)
    hold(connection, "delivery_job")
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        for channel in active:
            store.add_jobs(connection, channel, occasion.at, some)
        for delivery in store.deliveries(connection, keys=some):
            if delivery.history or delivery.state is not DeliveryState.WAITING:
                _renew(connection, delivery, occasion, "sendes igen")
    if keys:
        audit.record_all(connection, occasion, [Event("delivery.sent_again", key, {}) for key in keys])
    return keys


def _renew(connection: Connection, delivery: Delivery, occasion: Occasion, why: str) -> None:
    waiting = Attempt(DeliveryState.WAITING, occasion.at, "", f"{why}: {occasion.actor}")
    store.append_attempt(connection, delivery.entry_id, delivery.kind, waiting)
    store.set_job(
        connection,
        delivery.entry_id,
        delivery.kind,
        state=DeliveryState.WAITING,
        attempts=0,
        due_at=occasion.at,
    )


RETRIED = frozenset({DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.REJECTED})


def retry(connection: Connection, keys: Collection[str], occasion: Occasion) -> list[Delivery]:
    """Try anew what failed, was given up or was rejected, at once and with all its tries before it.

    Args:
        connection: The transaction.
        keys: Stable ids; none for all that were given up.
        occasion: Who asks for it.

    Returns:
        The deliveries that are tried anew, as they stood.

    Raises:
        DeliveryUnknown, NothingToRetry.
    """
    hold(connection, "delivery_job")
    if not keys:
        chosen = store.deliveries(connection, states=[DeliveryState.DEAD])
    else:
        found = store.deliveries(connection, keys=keys)
        for key in keys:
            mine = [each for each in found if each.key == key]
            if not mine:
                raise DeliveryUnknown(key=key)
            if not any(each.state in RETRIED for each in mine):
                raise NothingToRetry(key=key, state=mine[0].state.value)
        chosen = [each for each in found if each.state in RETRIED]
    for delivery in chosen:
        _renew(connection, delivery, occasion, "prøves igen")
    events = [
        Event("delivery.retried", each.key, {"kind": each.kind.value, "was": each.state.value}) for each in chosen
    ]
    audit.record_all(connection, occasion, events)
    return chosen


def record_receipt(connection: Connection, receipt: Receipt, occasion: Occasion) -> bool:
    """Keep what the other side says of something that it got; the same word twice is kept once.

    A word that was said before counts no second time, though another came between: receipts arrive twice and late. It
    may be said again of what was sent again. What was handed over and not noted is not handed over again once its
    receipt is here.

    Args:
        connection: The transaction.
        receipt: Accepted, or rejected with the reason.
        occasion: Who brings it.

    Returns:
        Whether it was new.

    Raises:
        DeliveryUnknown: nothing left under that id.
        ChannelUnclear: it left by several channels and the receipt does not say which.
    """
    hold(connection, "delivery_job")
    mine = [
        each
        for each in store.deliveries(connection, keys=[receipt.key])
        if receipt.kind is None or each.kind is receipt.kind
    ]
    if not mine:
        raise DeliveryUnknown(key=receipt.key)
    if len(mine) > 1:
        raise ChannelUnclear(key=receipt.key, kinds=[each.kind.value for each in mine])
    (delivery,) = mine
    state = DeliveryState.ACCEPTED if receipt.accepted else DeliveryState.REJECTED
    said: set[tuple[DeliveryState, str]] = set()
    for each in delivery.history:
        said = set() if each.state is DeliveryState.WAITING else said | {(each.state, each.detail)}
    if (state, bounded(receipt.reason)) in said:
        return False
    attempt = Attempt(state, occasion.at, "", receipt.reason)
    store.append_attempt(connection, delivery.entry_id, delivery.kind, attempt)
    store.set_job(
        connection,
        delivery.entry_id,
        delivery.kind,
        state=state,
        attempts=delivery.attempts,
        due_at=occasion.at,
    )
    audit.record(
        connection,
        occasion,
        action=f"delivery.{state.value}",
        subject=receipt.key,
        details={"kind": delivery.kind.value, "reason": receipt.reason},
    )
    return True


def record_receipts(connection: Connection, name: str, receipts: Sequence[Receipt], occasion: Occasion) -> int:
    """Keep the receipts of a file, all or none.

    Returns:
        How many were new.

    Raises:
        Problems: every receipt that is of nothing we sent, with its place.
    """
    problems = []
    new = 0
    for place, receipt in enumerate(receipts, start=1):
        try:
            new += record_receipt(connection, receipt, occasion)
        except MellemregningError as error:
            problems.append(f"nr. {place}: {error.text()}")
    if problems:
        raise Problems(source=name, problems=problems)
    return new


def deliveries(
    connection: Connection,
    *,
    states: Collection[DeliveryState] = (),
    issuer: MunicipalityCode | None = None,
) -> list[Delivery]:
    """What reached whom, when; see ``store.deliveries``."""
    return store.deliveries(connection, states=states, issuer=issuer)
