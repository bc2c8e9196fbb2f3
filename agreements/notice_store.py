"""Notices and what was done about them, in and out of the tables; rows are only added."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, select

from agreements.agreement import MunicipalityCode
from agreements.notices import NoticeAnswer, NoticeKind, PartyNotice
from agreements.tables import agreement, party_notice, party_notice_answer
from foundation.database import among

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


def notices_of(
    connection: Connection, municipality: MunicipalityCode, codes: Collection[str] | None = None
) -> list[PartyNotice]:
    """What a municipality has told, newest first.

    Args:
        connection: Where to read.
        municipality: Whose.
        codes: Only in these agreements; None for all.
    """
    query = _NOTICES.where(party_notice.c.municipality == municipality, among(party_notice.c.agreement, codes))
    return [_notice(row) for row in connection.execute(query)]


def notices_to(connection: Connection, issuer: MunicipalityCode) -> list[PartyNotice]:
    """What was told in the agreements that an issuer bills for, newest first."""
    mine = select(agreement.c.code).where(agreement.c.issuer == issuer)
    return [_notice(row) for row in connection.execute(_NOTICES.where(party_notice.c.agreement.in_(mine)))]
