"""The rows of who works here: people, their roles, where they are logged in, and how often somebody tried.

A login name is all that is kept of a person. Passwords lie as argon2id hashes, session tokens and what a try is counted
by as SHA-256, so that a copy of the database opens no door. Who may do what is decided in ``portal/access``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    func,
    select,
    update,
)

from foundation.database import hold, metadata

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
LONGEST_LOGIN = 200

user_account = Table(
    "user_account",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("login", String(LONGEST_LOGIN), nullable=False),
    Column("password_hash", String(200), nullable=False),  # empty: no password opens it
    Column("active", Boolean, nullable=False),
    UniqueConstraint("login"),
)

user_role = Table(
    "user_role",
    metadata,
    Column("user_id", ROW_ID, ForeignKey(user_account.c.id), primary_key=True),
    Column("municipality", String(3), primary_key=True),
    Column("role", String(20), primary_key=True),
    Index("ix_user_role_municipality", "municipality"),
)

# What an identity provider calls a person.
user_identity = Table(
    "user_identity",
    metadata,
    Column("issuer", String(300), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user_id", ROW_ID, ForeignKey(user_account.c.id), nullable=False),
)

# Instants are UTC, ISO 8601, always with microseconds, so that text sorts as time does.
login_session = Table(
    "login_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ROW_ID, ForeignKey(user_account.c.id), nullable=False),
    Column("begun_at", String(32), nullable=False),
    Column("seen_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Index("ix_login_session_user_id", "user_id"),
)

login_attempt = Table(
    "login_attempt",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("counted_by", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_login_attempt_counted_by_at", "counted_by", "at"),
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person.

    Attributes:
        roles: (municipality, role), ascending.
    """

    id: int
    login: str
    password_hash: str
    active: bool
    roles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A person who is or was logged in; instants are UTC, ISO 8601."""

    user: UserRow
    begun_at: str
    seen_at: str
    ended_at: str | None


def _users(connection: Connection, *conditions: object) -> list[UserRow]:
    query = (
        select(user_account, user_role.c.municipality, user_role.c.role)
        .outerjoin(user_role, user_role.c.user_id == user_account.c.id)
        .order_by(user_account.c.login, user_role.c.municipality, user_role.c.role)
    )
    heads: dict[int, tuple[str, str, bool]] = {}
    roles: dict[int, list[tuple[str, str]]] = {}
    for row in connection.execute(query.where(*conditions)):  # type: ignore[arg-type]
        heads[row.id] = (row.login, row.password_hash, row.active)
        of_user = roles.setdefault(row.id, [])
        if row.role is not None:
            of_user.append((row.municipality, row.role))
    return [UserRow(user_id, *head, roles=tuple(roles[user_id])) for user_id, head in heads.items()]


def find_user(connection: Connection, login: str) -> UserRow | None:
    """The person with a login name."""
    return next(iter(_users(connection, user_account.c.login == login)), None)


def find_identity(connection: Connection, issuer: str, subject: str) -> UserRow | None:
    """The person whom an identity provider calls so."""
    wanted = select(user_identity.c.user_id).where(user_identity.c.issuer == issuer, user_identity.c.subject == subject)
    return next(iter(_users(connection, user_account.c.id.in_(wanted))), None)


def has_identity(connection: Connection, user_id: int, issuer: str) -> bool:
    """Whether an identity provider knows the person already by some name."""
    query = select(user_identity.c.subject).where(user_identity.c.user_id == user_id, user_identity.c.issuer == issuer)
    return connection.execute(query).first() is not None


def users_with_roles_at(connection: Connection, municipalities: Collection[str] | None) -> list[UserRow]:
    """Everybody with a role at one of the municipalities, by login name; None for everybody at all."""
    if municipalities is None:
        return _users(connection)
    wanted = select(user_role.c.user_id).where(user_role.c.municipality.in_(sorted(municipalities)))
    return _users(connection, user_account.c.id.in_(wanted))


def add_user(connection: Connection, login: str, password_hash: str) -> int:
    """Append a person; answers the id."""
    done = connection.execute(
        user_account.insert().values(login=login, password_hash=password_hash, active=True).returning(user_account.c.id)
    )
    return int(done.scalar_one())


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Give another password."""
    connection.execute(
        update(user_account).where(user_account.c.id == user_id).values(password_hash=password_hash),
    )


def set_active(connection: Connection, user_id: int, *, active: bool) -> None:
    """Open or close the door for a person."""
    connection.execute(update(user_account).where(user_account.c.id == user_id).values(active=active))


def set_roles(connection: Connection, user_id: int, municipality: str, roles: Collection[str]) -> None:
    """The roles at one municipality, instead of those before."""
    connection.execute(
        delete(user_role).where(user_role.c.user_id == user_id, user_role.c.municipality == municipality),
    )
    rows = [{"user_id": user_id, "municipality": municipality, "role": role} for role in sorted(set(roles))]
    if rows:
        connection.execute(user_role.insert(), rows)


def add_identity(connection: Connection, user_id: int, issuer: str, subject: str) -> None:
    """Note what an identity provider calls a person."""
    connection.execute(user_identity.insert().values(user_id=user_id, issuer=issuer, subject=subject))


def begin_session(connection: Connection, user_id: int, token_hash: str, at: str) -> None:
    """Note that a person is logged in."""
    connection.execute(
        login_session.insert().values(token_hash=token_hash, user_id=user_id, begun_at=at, seen_at=at),
    )


def find_session(connection: Connection, token_hash: str) -> SessionRow | None:
    """A session, ended or not, with its person and roles; one query."""
    query = (
        select(
            login_session.c.begun_at,
            login_session.c.seen_at,
            login_session.c.ended_at,
            user_account,
            user_role.c.municipality,
            user_role.c.role,
        )
        .join(user_account, user_account.c.id == login_session.c.user_id)
        .outerjoin(user_role, user_role.c.user_id == user_account.c.id)
        .where(login_session.c.token_hash == token_hash)
        .order_by(user_role.c.municipality, user_role.c.role)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    first = rows[0]
    roles = tuple((row.municipality, row.role) for row in rows if row.role is not None)
    user = UserRow(first.id, first.login, first.password_hash, first.active, roles)
    return SessionRow(user, first.begun_at, first.seen_at, first.ended_at)


def touch_session(connection: Connection, token_hash: str, at: str) -> None:
    """Note that the person was here just now."""
    connection.execute(update(login_session).where(login_session.c.token_hash == token_hash).values(seen_at=at))


def end_session(connection: Connection, token_hash: str, at: str) -> None:
    """End one session."""
    connection.execute(
        update(login_session)
        .where(login_session.c.token_hash == token_hash, login_session.c.ended_at.is_(None))
        .values(ended_at=at),
    )


def end_sessions_of(connection: Connection, user_id: int, at: str, but: str = "") -> None:
    """End all sessions of a person, but one."""
    connection.execute(
        update(login_session)
        .where(
            login_session.c.user_id == user_id,
            login_session.c.ended_at.is_(None),
            login_session.c.token_hash != but,
        )
        .values(ended_at=at),
    )


def forget_sessions(connection: Connection, begun_before: str) -> None:
    """Remove sessions that are long over."""
    connection.execute(delete(login_session).where(login_session.c.begun_at < begun_before))


def count_attempt(connection: Connection, counted_by: Sequence[str], at: str, since: str) -> list[int]:
    """Note a try and answer how many there were, this one too, by each of what it is counted by.

    Tries with the same names wait for each other, so that no two are both the last that is let in.
    """
    for name in sorted(counted_by):
        hold(connection, f"login_attempt {name}")
    connection.execute(delete(login_attempt).where(login_attempt.c.at < since))
    connection.execute(login_attempt.insert(), [{"counted_by": name, "at": at} for name in counted_by])
    counts = {
        row.counted_by: row.tries
        for row in connection.execute(
            select(login_attempt.c.counted_by, func.count().label("tries"))
            .where(and_(login_attempt.c.counted_by.in_(list(counted_by)), login_attempt.c.at >= since))
            .group_by(login_attempt.c.counted_by)
        )
    }
    return [counts[name] for name in counted_by]


def forget_attempts(connection: Connection, counted_by: str) -> None:
    """Begin the count of one name again: whoever it is has shown who they are."""
    connection.execute(delete(login_attempt).where(login_attempt.c.counted_by == counted_by))
