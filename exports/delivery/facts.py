"""What delivery speaks of: channels, parcels, tries and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from agreements.agreement import MunicipalityCode


class ChannelKind(StrEnum):
    """How something leaves."""

    FOLDER = "folder"
    SMTP = "smtp"
    HTTP = "http"
    WEBHOOK = "webhook"  # signed, to whoever asked to be told


class DeliveryTopic(StrEnum):
    """What a channel takes: documents, reminder letters, statements, messages of the clock, or what hooks are told."""

    DOCUMENTS = "documents"
    LETTERS = "letters"
    STATEMENTS = "statements"  # of cases, to the municipality that pays for them
    MAIL = "mail"
    EVENTS = "events"


class DeliveryState(StrEnum):
    """Where a delivery is, and what an attempt came to."""

    WAITING = "waiting"
    FAILED = "failed"  # tried; tried again later
    DEAD = "dead"  # given up; an officer looks at it
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Channel:
    """How an issuer's documents or messages leave.

    Attributes:
        settings: What the kind needs, as text; a password or token only by the name of its environment variable.
        after_entry: What was in the outbox up to this entry was there before the channel, and is not sent by itself.
    """

    issuer: MunicipalityCode
    topic: DeliveryTopic
    kind: ChannelKind
    settings: Mapping[str, str]
    active: bool = True
    after_entry: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file within a parcel."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is handed over, the same each time.

    Attributes:
        key: The stable id, by which the other side counts it once.
        files: The last is what machines read.
    """

    key: str
    topic: DeliveryTopic
    issuer: MunicipalityCode
    recipient: str
    subject: str
    body: str
    files: tuple[PackedFile, ...]
    reference: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this deliverer alone may try until its lease ends."""

    entry_id: int
    key: str
    channel: Channel
    recipient: str
    subject: str
    body: str
    reference: Mapping[str, object]
    attempts: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to.

    Attributes:
        handed_over: The other side has it.
        lasting: It would be refused again as it is; nothing is gained by trying once more.
        reached: Whom: a folder, an address.
        detail: What was answered, or why not.
    """

    handed_over: bool
    reached: str
    detail: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side says of something that it got."""

    key: str
    accepted: bool
    reason: str = ""
    kind: ChannelKind | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that happened to a delivery."""

    state: DeliveryState
    at: datetime
    reached: str
    detail: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What reached whom, when, by one channel.

    Attributes:
        due_at: When it is tried next; None where nothing is left to do.
        history: Oldest first.
    """

    entry_id: int
    key: str
    issuer: MunicipalityCode
    recipient: str
    subject: str
    business_date: date
    kind: ChannelKind
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    history: tuple[Attempt, ...] = ()
