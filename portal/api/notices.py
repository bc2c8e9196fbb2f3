"""What parties tell each other in writing: changed demand, leaving, and the issuer's answer."""

from __future__ import annotations

from agreements import notice_store
from agreements.notices import NoticeKind, PartyNotice
from portal.access.keys import Caller
from portal.access.scope import members_agreement
from portal.api.bodies import needed, needed_year, sent
from portal.api.described import (
    DAY,
    FLAG,
    MUNICIPALITY,
    PLAIN,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    some,
    whole,
    words,
)
from portal.api.doors import (
    AFTER,
    AGREEMENT,
    LIMIT,
    Json,
    Made,
    Parameter,
    cursor,
    limit,
    occasion,
    one_of,
    operation,
    path_number,
    path_text,
)
from portal.api.problems import BodyWrong
from portal.issuer_work import answer_own_notice, give_own_notice
from portal.pages import connection

DIRECTION = Parameter(
    "direction",
    "What the municipality told, or what it was told as the one that bills.",
    {"type": "string", "enum": ["given", "received"], "default": "received"},
    "given",
)
describe(
    "Notice",
    whole(
        number=WHOLE,
        agreement=TEXT,
        municipality=MUNICIPALITY,
        kind=words(NoticeKind),
        year=WHOLE,
        words=TEXT,
        given_on=DAY,
        due_on=DAY,
        given_by=TEXT,
        is_late=FLAG,
        answer=maybe(whole(accepted=FLAG, words=TEXT, answered_on=DAY)),
    ),
    {
        "number": 4,
        "agreement": "fyn-alkohol",
        "municipality": "482",
        "kind": "leave",
        "year": 2010,
        "words": "",
        "given_on": "2010-06-21",
        "due_on": "2010-06-30",
        "given_by": "anna@eksempel.dk",
        "is_late": False,
        "answer": {"accepted": True, "words": "", "answered_on": "2010-06-22"},
    },
)
describe_page("NoticePage", "Notice")
describe(
    "DemandNotice",
    {**some(year=WHOLE, words=PLAIN), "required": ["year", "words"]},
    {"year": 2013, "words": "Ca. 10 forløb færre"},
)
describe(
    "LeaveNotice",
    {**some(year=WHOLE, decided=FLAG, words=maybe(PLAIN)), "required": ["year", "decided"]},
    {"year": 2012, "decided": True},
)
describe(
    "NoticeAnswer",
    {**some(accepted=FLAG, words=maybe(PLAIN)), "required": ["accepted"]},
    {"accepted": False, "words": "Meddelelsen er allerede givet pr. brev"},
)


def said_notice(value: PartyNotice) -> Json:
    """What was told, and what came of it."""
    return {
        "number": value.number,
        "agreement": value.agreement,
        "municipality": value.municipality,
        "kind": value.kind.value,
        "year": value.year,
        "words": value.words,
        "given_on": value.given_on.isoformat(),
        "due_on": value.due_on.isoformat(),
        "given_by": value.given_by,
        "is_late": value.is_late,
        "answer": {
            "accepted": value.answer.accepted,
            "words": value.answer.words,
            "answered_on": value.answer.answered_on.isoformat(),
        }
        if value.answer
        else None,
    }


@operation(
    "GET",
    "/notices",
    scope="notices:read",
    tag="Notices",
    answer="NoticePage",
    query=(DIRECTION, LIMIT, AFTER),
)
def list_notices(caller: Caller) -> Json:
    """List what was told in writing, the newest first."""
    given = one_of("direction", "given", "received") == "given"
    after, size = cursor(r"[1-9][0-9]{0,14}"), limit()
    read = notice_store.notices_of if given else notice_store.notices_to
    found = [each for each in read(connection(), caller.place) if after is None or each.number < int(after)]
    shown = found[:size]
    return {
        "items": [said_notice(each) for each in shown],
        "next": str(shown[-1].number) if len(found) > len(shown) else None,
    }


@operation(
    "POST",
    "/agreements/<code>/notices/demand",
    scope="notices:demand",
    tag="Notices",
    answer="Notice",
    body="DemandNotice",
    status=201,
    conflicts=True,
)
def tell_demand(caller: Caller, code: str) -> Made:
    """Tell that the demand of a coming year changes (§ 6 stk. 5)."""
    known = members_agreement(connection(), caller.place, path_text(code, AGREEMENT)).code
    wish = sent(year=int, words=str)
    (said,) = needed(wish, "words")
    given = give_own_notice(
        connection(), caller.place, known, NoticeKind.DEMAND, needed_year(wish, "year"), said, occasion()
    )
    return Made(said_notice(given))


@operation(
    "POST",
    "/agreements/<code>/notices/leave",
    scope="notices:leave",
    tag="Notices",
    answer="Notice",
    body="LeaveNotice",
    status=201,
    conflicts=True,
)
def tell_leaving(caller: Caller, code: str) -> Made:
    """Give notice of leaving with the end of a year (§ 8 stk. 3).

    `decided` is the word that it is decided in the municipality. The issuer's answer carries it out from the day on
    which it was given.
    """
    known = members_agreement(connection(), caller.place, path_text(code, AGREEMENT)).code
    wish = sent(year=int, decided=bool, words=str)
    (decided,) = needed(wish, "decided")
    if not decided:
        raise BodyWrong(problem="decided skal være true: opsigelsen er besluttet i kommunen")
    given = give_own_notice(
        connection(),
        caller.place,
        known,
        NoticeKind.LEAVE,
        needed_year(wish, "year"),
        wish.get("words", ""),
        occasion(),
    )
    return Made(said_notice(given))


@operation(
    "POST",
    "/notices/<number>/answer",
    scope="notices:answer",
    tag="Notices",
    answer="Notice",
    body="NoticeAnswer",
    conflicts=True,
)
def answer_notice(caller: Caller, number: str) -> Made:
    """Accept a notice that the municipality was told, which carries a leaver's out, or turn it down and say why."""
    wish = sent(accepted=bool, words=str)
    (accepted,) = needed(wish, "accepted")
    answered = answer_own_notice(
        connection(), caller.place, path_number(number), occasion(), accepted=accepted, words=wish.get("words", "")
    )
    return Made(said_notice(answered))
