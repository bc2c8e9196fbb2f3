"""Channels, deliveries and attempts in and out of the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from agreements.agreement import MunicipalityCode
from exports.delivery.facts import Attempt, Channel, ChannelKind, Claimed, Delivery, DeliveryState, DeliveryTopic
from exports.delivery.rules import bounded
from exports.delivery.tables import delivery_attempt, delivery_channel, delivery_job
from foundation.hooks import hooks
from foundation.outbox import CASE_STATEMENT, DOCUMENT_ISSUED, HOOK_EVENT, LETTER_WRITTEN, outbox_entry

OPEN = (DeliveryState.WAITING.value, DeliveryState.FAILED.value)


def instant_text(instant: datetime) -> str:
    """An instant as the tables hold it: UTC, and in the order of time when compared as text."""
    return instant.isoformat(timespec="microseconds")


def channels(connection: Connection, issuer: MunicipalityCode | None = None) -> list[Channel]:
    """The newest word on each channel, also of those that were switched off."""
    query = select(delivery_channel).order_by(delivery_channel.c.issuer, delivery_channel.c.id)
    if issuer is not None:
        query = query.where(delivery_channel.c.issuer == issuer)
    newest = {(row.issuer, row.topic, row.kind): row for row in connection.execute(query)}
    return [
        Channel(
            issuer=row.issuer,
            topic=DeliveryTopic(row.topic),
            kind=ChannelKind(row.kind),
            settings=json.loads(row.settings),
            active=row.active,
            after_entry=row.after_entry,
            revision=row.revision,
        )
        for row in newest.values()
    ]


def hook_channels(connection: Connection) -> list[Channel]:
    """One channel for each municipality that wants to be told; where to and by which secret is the hook's own."""
    places = sorted({hook.municipality for hook in hooks(connection)})
    return [Channel(place, DeliveryTopic.EVENTS, ChannelKind.WEBHOOK, {}) for place in places]


def append_channel(connection: Connection, channel: Channel, entered_on: date) -> None:
    """Append what holds of a channel from now on."""
    connection.execute(
        insert(delivery_channel).values(
            issuer=channel.issuer,
            topic=channel.topic.value,
            kind=channel.kind.value,
            revision=channel.revision,
            active=channel.active,
            settings=json.dumps(dict(channel.settings), ensure_ascii=False, sort_keys=True),
            after_entry=channel.after_entry,
            entered_on=entered_on,
        ),
    )


def last_entry(connection: Connection) -> int:
    """The number of the newest entry of the outbox, 0 where it is empty."""
    return int(connection.execute(select(func.coalesce(func.max(outbox_entry.c.id), 0))).scalar_one())


def _of_topic(channel: Channel) -> ColumnElement[bool]:
    if channel.topic is not DeliveryTopic.MAIL or channel.settings.get("recipient"):
        return _entries_of(channel.topic)
    return and_(_entries_of(channel.topic), outbox_entry.c.recipient != "")


# Which entries leave by channels of their own; all others are messages.
TOPICS = {
    DOCUMENT_ISSUED: DeliveryTopic.DOCUMENTS,
    LETTER_WRITTEN: DeliveryTopic.LETTERS,
    CASE_STATEMENT: DeliveryTopic.STATEMENTS,
    HOOK_EVENT: DeliveryTopic.EVENTS,
}


def _entries_of(topic: DeliveryTopic) -> ColumnElement[bool]:
    mine = [entry_topic for entry_topic, channel_topic in TOPICS.items() if channel_topic is topic]
    return outbox_entry.c.topic.in_(mine) if mine else outbox_entry.c.topic.not_in(list(TOPICS))


def add_jobs(connection: Connection, channel: Channel, now: datetime, keys: Collection[str] | None = None) -> int:
    """Make deliveries of what a channel is to send and has no delivery of yet; answers how many.

    Args:
        connection: The transaction.
        channel: Whose.
        now: They are due from now on.
        keys: These entries, also those that were there before the channel; None for all after it began.
    """
    there = exists().where(delivery_job.c.entry_id == outbox_entry.c.id, delivery_job.c.kind == channel.kind.value)
    wanted = outbox_entry.c.id > channel.after_entry if keys is None else outbox_entry.c.key.in_(list(keys))
    source = select(
        outbox_entry.c.id,
        literal(channel.kind.value),
        literal(DeliveryState.WAITING.value),
        literal(0),
        literal(instant_text(now)),
        literal(""),
        literal(""),
    ).where(outbox_entry.c.issuer == channel.issuer, _of_topic(channel), wanted, ~there)
    columns = ["entry_id", "kind", "state", "attempts", "due_at", "leased_until", "leased_by"]
    return connection.execute(insert(delivery_job).from_select(columns, source)).rowcount


def claim(  # noqa: PLR0913, PLR0917 - who takes how many, from when, until when
    connection: Connection,
    active: Iterable[Channel],
    now: datetime,
    until: datetime,
    who: str,
    count: int,
) -> list[Claimed]:
    """Take deliveries that are due and that nobody else is trying.

    Args:
        connection: The transaction; two on one database never take the same.
        active: The channels that send.
        now: The instant.
        until: When the lease ends: a deliverer that is gone by then no longer holds them.
        who: The deliverer.
        count: At most so many.
    """
    by_key = {(each.issuer, each.kind, each.topic): each for each in active}
    sending = {(issuer, kind.value) for issuer, kind, _topic in by_key}
    if not sending:
        return []
    moment = instant_text(now)
    query = (
        select(delivery_job, outbox_entry)
        .join(outbox_entry, outbox_entry.c.id == delivery_job.c.entry_id)
        .where(
            delivery_job.c.state.in_(OPEN),
            delivery_job.c.due_at <= moment,
            delivery_job.c.leased_until <= moment,
            or_(*(_served(channel) for channel in by_key.values())),
        )
        .order_by(delivery_job.c.due_at, delivery_job.c.entry_id)
        .limit(count)
        .with_for_update(of=delivery_job, skip_locked=True)
    )
    rows = connection.execute(query).all()
    for row in rows:
        connection.execute(
            update(delivery_job)
            .where(delivery_job.c.entry_id == row.entry_id, delivery_job.c.kind == row.kind)
            .values(leased_until=instant_text(until), leased_by=who),
        )
    return [
        Claimed(
            entry_id=row.entry_id,
            key=row.key,
            channel=by_key[row.issuer, ChannelKind(row.kind), topic_of(row.topic)],
            recipient=row.recipient,
            subject=row.subject,
            body=row.body,
            reference=json.loads(row.reference),
            attempts=row.attempts,
        )
        for row in rows
    ]


def _served(channel: Channel) -> ColumnElement[bool]:
    return and_(
        outbox_entry.c.issuer == channel.issuer,
        delivery_job.c.kind == channel.kind.value,
        _entries_of(channel.topic),
    )


def topic_of(entry_topic: str) -> DeliveryTopic:
    """Which channels an entry of the outbox leaves by."""
    return TOPICS.get(entry_topic, DeliveryTopic.MAIL)


def release(connection: Connection, who: str) -> None:
    """Let go of everything that a deliverer took and did not try."""
    connection.execute(
        update(delivery_job).where(delivery_job.c.leased_by == who).values(leased_until="", leased_by=""),
    )


def append_attempt(connection: Connection, entry_id: int, kind: ChannelKind, attempt: Attempt) -> None:
    """Append what happened to a delivery."""
    connection.execute(
        insert(delivery_attempt).values(
            entry_id=entry_id,
            kind=kind.value,
            state=attempt.state.value,
            at=instant_text(attempt.at),
            reached=bounded(attempt.reached),
            detail=bounded(attempt.detail),
        ),
    )


def lock_job(connection: Connection, entry_id: int, kind: ChannelKind) -> Row[Any]:
    """One delivery as it is now, held until the transaction ends."""
    query = select(delivery_job).where(delivery_job.c.entry_id == entry_id, delivery_job.c.kind == kind.value)
    return connection.execute(query.with_for_update()).one()


def set_job(  # noqa: PLR0913 - what a delivery's row holds
    connection: Connection,
    entry_id: int,
    kind: ChannelKind,
    *,
    state: DeliveryState,
    attempts: int,
    due_at: datetime,
) -> None:
    """Say where a delivery stands; nobody holds it any longer."""
    connection.execute(
        update(delivery_job)
        .where(delivery_job.c.entry_id == entry_id, delivery_job.c.kind == kind.value)
        .values(
            state=state.value,
            attempts=attempts,
            due_at=instant_text(due_at),
            leased_until="",
            leased_by="",
        ),
    )


def deliveries(  # noqa: PLR0913 - which of them
    connection: Connection,
    *,
    states: Collection[DeliveryState] = (),
    keys: Collection[str] = (),
    issuer: MunicipalityCode | None = None,
    kind: ChannelKind | None = None,
    newest: int | None = None,
) -> list[Delivery]:
    """Deliveries with what happened to them, in the order of the outbox.

    Args:
        connection: Where to read.
        states: Only those that stand so; none for all.
        keys: Only these; none for all.
        issuer: Only this one's.
        kind: Only by this way out.
        newest: At most so many, the last of the outbox.
    """
    chosen: list[ColumnElement[bool]] = []
    if states:
        chosen.append(delivery_job.c.state.in_([state.value for state in states]))
    if keys:
        chosen.append(outbox_entry.c.key.in_(list(keys)))
    if issuer is not None:
        chosen.append(outbox_entry.c.issuer == issuer)
    if kind is not None:
        chosen.append(delivery_job.c.kind == kind.value)
    joined = delivery_job.join(outbox_entry, outbox_entry.c.id == delivery_job.c.entry_id)
    order = (delivery_job.c.entry_id, delivery_job.c.kind)
    query = select(delivery_job, outbox_entry).select_from(joined).where(*chosen)
    if newest is None:
        found = list(connection.execute(query.order_by(*order)))
    else:
        found = list(connection.execute(query.order_by(*(each.desc() for each in order)).limit(newest)))[::-1]
        chosen.append(delivery_job.c.entry_id.in_({row.entry_id for row in found}))
    tried: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    same = and_(
        delivery_attempt.c.entry_id == delivery_job.c.entry_id,
        delivery_attempt.c.kind == delivery_job.c.kind,
    )
    attempts = select(delivery_attempt).select_from(joined.join(delivery_attempt, same)).where(*chosen)
    for row in connection.execute(attempts.order_by(delivery_attempt.c.id)):
        tried[row.entry_id, row.kind].append(
            Attempt(DeliveryState(row.state), datetime.fromisoformat(row.at), row.reached, row.detail),
        )
    return [_delivery(row, tried) for row in found]


def page_of_deliveries(
    connection: Connection, issuer: MunicipalityCode, *, before: int | None = None, size: int = 50
) -> tuple[list[Delivery], int | None]:
    """Some of an issuer's deliveries, the newest first, and what to ask on with; None at the end.

    Args:
        connection: Where to read.
        issuer: Whose.
        before: Only entries of the outbox before this one.
        size: How many entries at most; each may have left by several channels.
    """
    entries = (
        select(delivery_job.c.entry_id, outbox_entry.c.key)
        .join(outbox_entry, outbox_entry.c.id == delivery_job.c.entry_id)
        .where(outbox_entry.c.issuer == issuer)
        .distinct()
        .order_by(delivery_job.c.entry_id.desc())
        .limit(size + 1)
    )
    if before is not None:
        entries = entries.where(delivery_job.c.entry_id < before)
    rows = connection.execute(entries).all()
    if not rows:
        return [], None
    found = deliveries(connection, keys=[row.key for row in rows[:size]])
    following = rows[size - 1].entry_id if len(rows) > size else None
    return sorted(found, key=lambda each: (-each.entry_id, each.kind)), following


def _delivery(row: Row[Any], tried: Mapping[tuple[int, str], list[Attempt]]) -> Delivery:
    return Delivery(
        entry_id=row.entry_id,
        key=row.key,
        issuer=row.issuer,
        recipient=row.recipient,
        subject=row.subject,
        business_date=row.business_date,
        kind=ChannelKind(row.kind),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=datetime.fromisoformat(row.due_at) if row.state in OPEN else None,
        history=tuple(tried.get((row.entry_id, row.kind), ())),
    )
