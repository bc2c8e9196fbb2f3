"""Give a notice, and answer it; never commits."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from agreements import notice_store
from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from agreements.notices import NoticeAnswer, NoticeKind, PartyNotice, written_notice
from foundation import audit, outbox
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.outbox import OutboxEntry

NOTICE_GIVEN = "notice.given"


class NoticeUnknown(NotFound):
    """No notice has the number, or it is in an agreement that another municipality bills for."""

    danish = N_("Der er ingen meddelelse {number}. Se dem på listen over meddelelser fra kommunerne.")


class NoticeWaits(RuleBroken):
    """The same was told before and nobody has answered it yet."""

    danish = N_(
        "Det er allerede meddelt {given_on} og venter på {issuer}. Vent på svaret, eller kontakt dem; intet er sendt."
    )


class NoticeAnswered(RuleBroken):
    """A notice is answered once."""

    danish = N_("Meddelelse {number} er allerede behandlet {answered_on} af {answered_by}.")


class AnswerSaysNothing(BadInput):
    """Who turns a notice down says why."""

    danish = N_("Skriv, hvorfor meddelelse {number} afvises. Intet er ændret.")


def give_notice(  # noqa: PLR0913, PLR0917 - what is told, by whom, to whom
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    kind: NoticeKind,
    year: int,
    words: str,
    occasion: Occasion,
    *,
    mail: str = "",
) -> PartyNotice:
    """Keep what a party tells in writing, and tell the officer.

    Nothing else changes: an officer's answer does.

    Args:
        connection: The transaction.
        code: The agreement.
        who: Whose notice it is.
        kind: What it is.
        year: The last year that it takes part in, or the year whose demand changes.
        words: What else is to be said.
        occasion: Who gives it; its date is the day on which it reached the others.
        mail: Where the officer's message goes; empty where nobody has said.

    Raises:
        AgreementUnknown, NoticeTooLong, NoticeSaysNothing, DemandYearWrong.
        YearNotAgreed, NotAMember, AlreadyLeaving, NoticeTooLate: it cannot leave with that year.
        NoticeWaits: the same was told before.

    Source: agreement § 6 stk. 5, § 8 stk. 3.
    """
    agreement = agreements.get(connection, code, lock=True)
    periods = agreement_store.members(connection, code)
    notice = written_notice(agreement, periods, who, kind, year, words, occasion.as_of, occasion.actor)
    for earlier in notice_store.told_in(connection, who, code):
        same = earlier.kind is kind and (kind is NoticeKind.LEAVE or earlier.year == year)
        if same and earlier.answer is None and (kind is NoticeKind.LEAVE or earlier.words == notice.words):
            raise NoticeWaits(given_on=earlier.given_on, issuer=municipality(agreement.issuer).official_name)
    notice = replace(notice, number=notice_store.write_notice(connection, notice))
    name = municipality(who).official_name
    if kind is NoticeKind.LEAVE:
        subject = f"{name} opsiger {code} og vil udtræde med udgangen af {year}"
    else:
        subject = f"{name} melder ændret forbrug i {year} til {code}"
    late = f" Fristen var {notice.due_on:%d.%m.%Y}." if notice.is_late else ""
    outbox.put(
        connection,
        occasion,
        OutboxEntry(
            key=f"notice/{notice.number}",
            topic=NOTICE_GIVEN,
            issuer=agreement.issuer,
            recipient=mail,
            subject=subject,
            body=f"{subject}. Meddelt {notice.given_on:%d.%m.%Y} af {notice.given_by}.{late}\n\n{notice.words}".strip(),
            reference={"notice": notice.number, "agreement": code, "municipality": who},
            business_date=occasion.as_of,
        ),
    )
    audit.record(
        connection,
        occasion,
        action="agreements.notice_written",
        subject=f"{code} {who}",
        details={"notice": notice.number, "kind": kind.value, "year": year, "due_on": notice.due_on.isoformat()},
    )
    return notice


def answer_notice(  # noqa: PLR0913 - which one, how, why
    connection: Connection,
    issuer: MunicipalityCode,
    number: int,
    occasion: Occasion,
    *,
    accepted: bool,
    words: str = "",
) -> PartyNotice:
    """Note what the officer did about a notice; accepting a leaver's closes its membership from the day it was given.

    Args:
        connection: The transaction.
        issuer: Who bills for the agreement.
        number: The notice's.
        occasion: Who answers.
        accepted: Whether it holds.
        words: Why not.

    Raises:
        NoticeUnknown, NoticeAnswered, AnswerSaysNothing.
        NotAMember, AlreadyLeaving, YearNotAgreed: the membership has changed since.

    Source: agreement § 6 stk. 5, § 8 stk. 3.
    """
    found = notice_store.find_notice(connection, issuer, number)
    if found is None:
        raise NoticeUnknown(number=number)
    agreements.get(connection, found.agreement, lock=True)
    found = notice_store.find_notice(connection, issuer, number) or found
    if found.answer is not None:
        raise NoticeAnswered(number=number, answered_on=found.answer.answered_on, answered_by=found.answer.answered_by)
    text = words.strip()
    if not accepted and not text:
        raise AnswerSaysNothing(number=number)
    if accepted and found.kind is NoticeKind.LEAVE:
        # It was given in time; that it is dealt with later is not the leaver's fault.
        given = replace(occasion, as_of=found.given_on)
        agreements.leave(connection, found.agreement, found.municipality, found.year, given)
    answer = NoticeAnswer(accepted, text, occasion.as_of, occasion.actor)
    notice_store.write_answer(connection, number, answer)
    audit.record(
        connection,
        occasion,
        action="agreements.notice_answered",
        subject=f"{found.agreement} {found.municipality}",
        details={"notice": number, "accepted": accepted, "words": text},
    )
    return replace(found, answer=answer)
