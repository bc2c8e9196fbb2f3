"""What a party tells the others in writing: that it leaves with a year, or that its demand changes. Pure.

Source: § 8 stk. 3 (leaving), § 6 stk. 5 (demand); docs/decisions/0045-municipality-pages.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import Agreement, MunicipalityCode
from agreements.membership import NotAMember, Periods, YearNotAgreed, agreed_year, is_member, notice_to_leave
from foundation.errors import BadInput, MellemregningError, N_
from foundation.period import LAST_YEAR

LONGEST_WORDS = 2000
YEARS_OFFERED = 3


class NoticeKind(StrEnum):
    """What is told."""

    LEAVE = "leave"
    DEMAND = "demand"


class NoticeSaysNothing(BadInput):
    """A change of demand that does not say what changes."""

    danish = N_("Skriv, hvad der ændrer sig i forbruget i {year}, fx «ca. 10 forløb færre». Intet er sendt.")


class NoticeTooLong(BadInput):
    """More than anybody reads on one line of a list."""

    danish = N_("Teksten er for lang. Skriv højst {longest} tegn, og send resten som brev. Intet er sendt.")


class DemandYearWrong(BadInput):
    """A year whose demand nobody can change any more, or that nobody plans for yet."""

    danish = N_(
        "Ændret forbrug meldes for et kommende år, her {first} til {last}, ikke for {year}. Vælg et andet år; intet er "
        "sendt."
    )


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What the officer did about a notice.

    Attributes:
        words: Why, where it was turned down.
    """

    accepted: bool
    words: str
    answered_on: date
    answered_by: str


@dataclass(frozen=True, slots=True)
class PartyNotice:
    """Something that a party told in writing; it never changes.

    Attributes:
        year: Of a leaver the last year that it takes part in; else the year whose demand changes.
        given_on: The day on which it was told here, which is when it reached the others.
        due_on: The last day for it, by the agreement.
        number: Its number; 0 for one that is not kept.
    """

    agreement: str
    municipality: MunicipalityCode
    kind: NoticeKind
    year: int
    words: str
    given_on: date
    due_on: date
    given_by: str
    number: int = 0
    answer: NoticeAnswer | None = None

    @property
    def is_late(self) -> bool:
        """Whether its day had passed. A late notice of leaving is refused, so that only demand can be."""
        return self.given_on > self.due_on


def leaving_years(agreement: Agreement, periods: Periods, who: MunicipalityCode, on: date) -> tuple[int, ...]:
    """The years that a municipality may choose as its last, if it tells so on a day; none where it may not leave.

    Source: § 8 stk. 3.
    """
    found = []
    for year in range(on.year, min(on.year + YEARS_OFFERED, LAST_YEAR) + 1):
        try:
            notice_to_leave(periods, who, year, on, agreement)
        except MellemregningError:
            continue
        found.append(year)
    return tuple(found)


def demand_years(agreement: Agreement, periods: Periods, who: MunicipalityCode, on: date) -> tuple[int, ...]:
    """The coming years whose demand a municipality may say something about, nearest first; it takes part in them.

    The next year is among them also when its day has passed: the officer is told late rather than not at all.

    Source: § 6 stk. 5.
    """
    found = []
    for year in range(on.year + 1, min(on.year + YEARS_OFFERED, LAST_YEAR) + 1):
        try:
            agreed_year(agreement, year)
        except YearNotAgreed:
            continue
        if is_member(periods, who, year):
            found.append(year)
    return tuple(found)


def written_notice(  # noqa: PLR0913, PLR0917 - what is told, by whom, when
    agreement: Agreement,
    periods: Periods,
    who: MunicipalityCode,
    kind: NoticeKind,
    year: int,
    words: str,
    on: date,
    by: str,
) -> PartyNotice:
    """A notice as the rules let it be given.

    Raises:
        NoticeTooLong, NoticeSaysNothing: its words.
        YearNotAgreed, NotAMember, AlreadyLeaving, NoticeTooLate: it cannot leave with that year.
        DemandYearWrong: the year is not one of the coming ones.

    Source: § 6 stk. 5, § 8 stk. 3.
    """
    text = words.strip()
    if len(text) > LONGEST_WORDS:
        raise NoticeTooLong(longest=LONGEST_WORDS)
    if kind is NoticeKind.LEAVE:
        notice_to_leave(periods, who, year, on, agreement)
        due_on = agreement.terms.renewal.notice_by.in_year(year)
    else:
        offered = demand_years(agreement, periods, who, on)
        if not offered:
            raise NotAMember(agreement=agreement.code, municipality=who, year=year)
        if year not in offered:
            raise DemandYearWrong(year=year, first=offered[0], last=offered[-1])
        if not text:
            raise NoticeSaysNothing(year=year)
        due_on = agreement.terms.settlement.demand_by.in_year(year - 1)
    return PartyNotice(agreement.code, who, kind, year, text, on, due_on, by)
