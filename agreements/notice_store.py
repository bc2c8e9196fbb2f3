"""Notices and what was done about them, in and out of the tables; rows are only added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, or_, select

from agreements.agreement import MunicipalityCode
from agreements.notices import NoticeAnswer, NoticeKind, PartyNotice
from agreements.tables import agreement, party_notice, party_notice_answer

MOST = 50
_NOTICES = (
    select(
        party_notice,
        party_notice_answer.c.accepted,
        party_notice_answer.c.words.label("answer_words"),
        party_notice_answer.c.answered_on,
        party_notice_answer.c.answered_by,
    )
    .outerjoin(party_notice_answer, party_notice_answer.c.notice_id == party_notice.c.id)
    .order_by(party_notice.c.id.desc())
)


def _notice(row: Row[Any]) -> PartyNotice:
    answer = (
        None if row.accepted is None else NoticeAnswer(row.accepted, row.answer_words, row.answered_on, row.answered_by)
    )
    return PartyNotice(
        agreement=row.agreement,
        municipality=row.municipality,
        kind=NoticeKind(row.kind),
        year=row.year,
        words=row.words,
        given_on=row.given_on,
        due_on=row.due_on,
        given_by=row.given_by,
        number=row.id,
        answer=answer,
    )


def write_notice(connection: Connection, notice: PartyNotice) -> int:
    """Append a notice; answers its number."""
    done = connection.execute(
        party_notice.insert()
        .values(
            agreement=notice.agreement,
            municipality=notice.municipality,
            kind=notice.kind.value,
            year=notice.year,
            words=notice.words,
            given_on=notice.given_on,
            due_on=notice.due_on,
            given_by=notice.given_by,
        )
        .returning(party_notice.c.id)
    )
    return int(done.scalar_one())


def write_answer(connection: Connection, number: int, answer: NoticeAnswer) -> None:
    """Append what was done about a notice."""
    connection.execute(
        party_notice_answer.insert().values(
            notice_id=number,
            accepted=answer.accepted,
            words=answer.words,
            answered_on=answer.answered_on,
            answered_by=answer.answered_by,
        )
    )


@dataclass(frozen=True, slots=True)
class NoticePart:
    """Some notices.

    Attributes:
        next_after: Where the following begin, (1 where answered else 0, the number); None at the end.
    """

    notices: tuple[PartyNotice, ...]
    next_after: tuple[int, int] | None


def _part(connection: Connection, query: Select[Any], size: int) -> NoticePart:
    rows = connection.execute(query.limit(size + 1)).all()
    shown = rows[:size]
    last = (int(shown[-1].accepted is not None), shown[-1].id) if len(rows) > size else None
    return NoticePart(tuple(_notice(row) for row in shown), last)


def notices_of(
    connection: Connection, municipality: MunicipalityCode, *, size: int = MOST, before: int | None = None
) -> NoticePart:
    """Some of what a municipality has told, the newest first.

    Args:
        connection: Where to read.
        municipality: Whose.
        size: How many at most.
        before: Only those with a lower number.
    """
    query = _NOTICES.where(party_notice.c.municipality == municipality)
    if before is not None:
        query = query.where(party_notice.c.id < before)
    return _part(connection, query, size)


def told_in(connection: Connection, municipality: MunicipalityCode, code: str) -> list[PartyNotice]:
    """All that a municipality has told in one agreement, the newest first."""
    query = _NOTICES.where(party_notice.c.municipality == municipality, party_notice.c.agreement == code)
    return [_notice(row) for row in connection.execute(query)]


def notices_to(
    connection: Connection, issuer: MunicipalityCode, *, size: int = MOST, after: tuple[int, int] | None = None
) -> NoticePart:
    """Some of what was told in the agreements that an issuer bills for: what waits for an answer, then the newest.

    Args:
        connection: Where to read.
        issuer: Whose agreements.
        size: How many at most.
        after: Where an earlier part ended.
    """
    answered = case((party_notice_answer.c.accepted.is_(None), 0), else_=1)
    query = (
        _NOTICES.where(party_notice.c.agreement.in_(_agreements_of(issuer)))
        .order_by(None)
        .order_by(answered, party_notice.c.id.desc())
    )
    if after is not None:
        kind, number = after
        query = query.where(or_(answered > kind, and_(answered == kind, party_notice.c.id < number)))
    return _part(connection, query, size)


def find_notice(connection: Connection, issuer: MunicipalityCode, number: int) -> PartyNotice | None:
    """One notice in an agreement that an issuer bills for; None where there is none such."""
    query = _NOTICES.where(party_notice.c.id == number, party_notice.c.agreement.in_(_agreements_of(issuer)))
    row = connection.execute(query).one_or_none()
    return None if row is None else _notice(row)


def _agreements_of(issuer: MunicipalityCode) -> Select[tuple[str]]:
    return select(agreement.c.code).where(agreement.c.issuer == issuer)
