"""The rows of what programs come in by: keys of the API, answers that they may ask for again, calendar addresses.

Of a key only its SHA-256 is kept, so that a copy of the database opens no door. What a key may do is decided in
``portal/access``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    select,
    update,
)

from foundation.database import metadata
from foundation.users import ROW_ID, user_account

LONGEST_NAME = 100
LONGEST_KEY = 100

api_token = Table(
    "api_token",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("user_id", ROW_ID, ForeignKey(user_account.c.id), nullable=False),
    Column("municipality", String(3), nullable=False),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("scopes", Text, nullable=False),  # with a space between
    Column("made_at", String(32), nullable=False),  # UTC, ISO 8601, as all instants here
    Column("expires_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    UniqueConstraint("token_hash"),
    Index("ix_api_token_municipality", "municipality"),
    Index("ix_api_token_user_id", "user_id"),
)

# What a program was answered under a key of its own choice, so that asking again changes nothing again.
api_answer = Table(
    "api_answer",
    metadata,
    Column("token_id", ROW_ID, ForeignKey(api_token.c.id), primary_key=True),
    Column("key", String(LONGEST_KEY), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", String(300), nullable=False),
    Column("body", Text, nullable=False),
    Column("answered_at", String(32), nullable=False),
    Index("ix_api_answer_answered_at", "answered_at"),
)

calendar_token = Table(
    "calendar_token",
    metadata,
    Column("user_id", ROW_ID, ForeignKey(user_account.c.id), primary_key=True),
    Column("municipality", String(3), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("made_at", String(32), nullable=False),
    UniqueConstraint("token_hash"),
)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A key of the API; instants are UTC, ISO 8601."""

    id: int
    user_id: int
    login: str
    municipality: str
    name: str
    scopes: tuple[str, ...]
    made_at: str
    expires_at: str
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What was answered to a write."""

    request_hash: str
    status: int
    location: str
    body: str


def _token(row: Row[tuple[object, ...]]) -> TokenRow:
    return TokenRow(
        row.id,
        row.user_id,
        row.login,
        row.municipality,
        row.name,
        tuple(row.scopes.split()),
        row.made_at,
        row.expires_at,
        row.revoked_at,
    )


_TOKENS = select(api_token, user_account.c.login).join(user_account, user_account.c.id == api_token.c.user_id)


def add_token(  # noqa: PLR0913, PLR0917 - a row is made of these
    connection: Connection,
    user_id: int,
    municipality: str,
    name: str,
    token_hash: str,
    scopes: tuple[str, ...],
    made_at: str,
    expires_at: str,
) -> int:
    """Append a key; answers its number."""
    done = connection.execute(
        api_token.insert()
        .values(
            user_id=user_id,
            municipality=municipality,
            name=name,
            token_hash=token_hash,
            scopes=" ".join(scopes),
            made_at=made_at,
            expires_at=expires_at,
        )
        .returning(api_token.c.id)
    )
    return int(done.scalar_one())


def find_token(connection: Connection, token_hash: str) -> TokenRow | None:
    """The key with a hash, also one that has ended."""
    row = connection.execute(_TOKENS.where(api_token.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _token(row)


def tokens(connection: Connection, municipality: str | None = None, user_id: int | None = None) -> list[TokenRow]:
    """Keys, the newest first; of one municipality, of one person, or all."""
    query = _TOKENS.order_by(api_token.c.id.desc())
    if municipality is not None:
        query = query.where(api_token.c.municipality == municipality)
    if user_id is not None:
        query = query.where(api_token.c.user_id == user_id)
    return [_token(row) for row in connection.execute(query)]


def revoke_token(connection: Connection, number: int, at: str) -> None:
    """End a key."""
    connection.execute(
        update(api_token).where(api_token.c.id == number, api_token.c.revoked_at.is_(None)).values(revoked_at=at),
    )


def find_answer(connection: Connection, token_id: int, key: str) -> AnswerRow | None:
    """What a key of the program's own was answered before."""
    row = connection.execute(
        select(api_answer).where(api_answer.c.token_id == token_id, api_answer.c.key == key)
    ).one_or_none()
    return None if row is None else AnswerRow(row.request_hash, row.status, row.location, row.body)


def keep_answer(connection: Connection, token_id: int, key: str, answer: AnswerRow, at: str) -> None:
    """Keep what was answered."""
    connection.execute(
        api_answer.insert().values(
            token_id=token_id,
            key=key,
            request_hash=answer.request_hash,
            status=answer.status,
            location=answer.location,
            body=answer.body,
            answered_at=at,
        )
    )


def forget_answers(connection: Connection, before: str) -> None:
    """Remove answers that nobody asks for any more."""
    connection.execute(delete(api_answer).where(api_answer.c.answered_at < before))


def set_calendar(connection: Connection, user_id: int, municipality: str, token_hash: str, at: str) -> None:
    """Give a person's calendar of a municipality a new address; the one before ends."""
    drop_calendar(connection, user_id, municipality)
    connection.execute(
        calendar_token.insert().values(user_id=user_id, municipality=municipality, token_hash=token_hash, made_at=at)
    )


def drop_calendar(connection: Connection, user_id: int, municipality: str) -> None:
    """End a calendar's address."""
    connection.execute(
        delete(calendar_token).where(
            calendar_token.c.user_id == user_id, calendar_token.c.municipality == municipality
        ),
    )


def calendar_made_at(connection: Connection, user_id: int, municipality: str) -> str | None:
    """When a person's calendar address was made; None where there is none."""
    return connection.execute(
        select(calendar_token.c.made_at).where(
            calendar_token.c.user_id == user_id, calendar_token.c.municipality == municipality
        ),
    ).scalar_one_or_none()


def find_calendar(connection: Connection, token_hash: str) -> tuple[str, str] | None:
    """(login, municipality) of a calendar's address."""
    row = connection.execute(
        select(user_account.c.login, calendar_token.c.municipality)
        .join(user_account, user_account.c.id == calendar_token.c.user_id)
        .where(calendar_token.c.token_hash == token_hash)
    ).one_or_none()
    return None if row is None else (row.login, row.municipality)
