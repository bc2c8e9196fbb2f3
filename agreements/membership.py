"""Who takes part in an agreement, year by year: joining, notice, leaving, tacit renewal. Pure.

A municipality takes part in whole calendar years. It stays until it has given notice; the notice names the last year
that it takes part in (aftaleåret), and must be given by the agreement's day in that very year.

Source: § 8; docs/decisions/0005-membership.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agreements.agreement import Agreement, MunicipalityCode
from foundation.errors import N_, RuleBroken
from foundation.period import BillingYear, NotAPeriod


class YearNotAgreed(RuleBroken):
    """A year before the agreement begins or after it ends."""

    danish = N_(
        "Aftalen {agreement} gælder ikke i {year}; den gælder fra {starts_on}{until}. Vælg et år, som aftalen omfatter."
    )


class NotAMember(RuleBroken):
    """A municipality that does not take part in the year in question."""

    danish = N_(
        "Kommune {municipality} deltager ikke i aftalen {agreement} i {year} og kan derfor ikke udtræde det år."
    )


class AlreadyLeaving(RuleBroken):
    """Notice has been given before; the first notice stands."""

    danish = N_(
        "Kommune {municipality} har allerede opsagt aftalen {agreement} og deltager til og med {to_year}. "
        "Den første opsigelse gælder."
    )


class NoticeTooLate(RuleBroken):
    """The year's day for giving notice has passed; the agreement is renewed for the year after."""

    danish = N_(
        "Opsigelsen er for sen: fristen for at udtræde med udgangen af {year} var {notice_by}, og opsigelsen er givet "
        "{given_on}. Kommune {municipality} er bundet til og med {bound_until} og kan tidligst vælge {earliest_year} "
        "som sit sidste år."
    )


class AlreadyMember(RuleBroken):
    """A municipality that takes part in the year already, or has been agreed to take part later."""

    danish = N_("Kommune {municipality} deltager allerede i aftalen {agreement} fra {from_year}.")


class JoinTooLate(RuleBroken):
    """Joining is from a first of January and is decided before that day."""

    danish = N_(
        "Kommune {municipality} kan ikke indtræde fra 1. januar {year}, når det først besluttes {decided_on}. "
        "Tidligste år er {earliest_year}."
    )


@dataclass(frozen=True, order=True, slots=True)
class MembershipPeriod:
    """The whole calendar years that a municipality takes part in without a break.

    Attributes:
        municipality: Its code.
        from_year: The first year.
        to_year: The last year, that year included; None until it has given notice.
    """

    municipality: MunicipalityCode
    from_year: int
    to_year: int | None = None

    def __post_init__(self) -> None:
        if self.to_year is not None and self.to_year < self.from_year:
            raise NotAPeriod

    def __contains__(self, year: object) -> bool:
        return isinstance(year, int) and self.from_year <= year and (self.to_year is None or year <= self.to_year)


Periods = Sequence[MembershipPeriod]


def first_periods(agreement: Agreement) -> tuple[MembershipPeriod, ...]:
    """The agreement's subscribers from its first year on, ascending by code."""
    return _ordered(MembershipPeriod(code, agreement.starts_on.year) for code in agreement.subscribers)


def members_in(periods: Periods, year: int) -> tuple[MunicipalityCode, ...]:
    """The codes that take part in a year, ascending, each once; none if everybody has left.

    Source: domain rule 2: shares are among those that take part in the year.
    """
    return tuple(sorted({period.municipality for period in periods if year in period}))


class Memberships:
    """Who takes part in many agreements, each year of each worked out once."""

    def __init__(self, periods: Mapping[str, Periods]) -> None:
        self._periods = periods
        self._known: dict[tuple[str, int], tuple[MunicipalityCode, ...]] = {}

    def in_year(self, agreement: str, year: int) -> tuple[MunicipalityCode, ...]:
        """The codes that take part in one agreement in a year, as ``members_in`` answers them."""
        key = (agreement, year)
        if key not in self._known:
            self._known[key] = members_in(self._periods.get(agreement, ()), year)
        return self._known[key]


def is_member(periods: Periods, municipality: MunicipalityCode, year: int) -> bool:
    """Whether one municipality takes part in a year."""
    return any(year in period for period in periods if period.municipality == municipality)


def agreed_year(agreement: Agreement, year: int) -> BillingYear:
    """A year of the agreement.

    Raises:
        YearNotAgreed: it is before the agreement begins or after it ends.

    Source: § 8 stk. 1.
    """
    ends_on = agreement.ends_on
    if year < agreement.starts_on.year or (ends_on is not None and year > ends_on.year):
        until = f" til og med {ends_on:%d.%m.%Y}" if ends_on else ""
        raise YearNotAgreed(agreement=agreement.code, year=year, starts_on=agreement.starts_on, until=until)
    return BillingYear(year)


def notice_to_leave(
    periods: Periods, municipality: MunicipalityCode, year: int, given_on: date, agreement: Agreement
) -> tuple[MembershipPeriod, ...]:
    """Let a municipality leave with the end of a year. The last subscriber may leave too.

    Args:
        periods: Everybody's periods so far.
        municipality: Who leaves.
        year: The last year that it takes part in.
        given_on: The day on which the written notice reached the others; the agreement's day counts as in time.
        agreement: For its years and its day of notice.

    Returns:
        All periods, ascending, with the leaver's closed.

    Raises:
        YearNotAgreed: the agreement does not cover the year.
        NotAMember: it does not take part in the year.
        AlreadyLeaving: it has given notice before.
        NoticeTooLate: the day has passed; says until when it is bound and which year can still be chosen.

    Source: § 8 stk. 3.
    """
    agreed_year(agreement, year)
    own = [period for period in periods if period.municipality == municipality]
    leaving = next((period for period in own if year in period), None)
    if leaving is None:
        _refuse_who_has_left(own, year, given_on, agreement)
        raise NotAMember(agreement=agreement.code, municipality=municipality, year=year)
    if leaving.to_year is not None:
        raise AlreadyLeaving(agreement=agreement.code, municipality=municipality, to_year=leaving.to_year)
    notice_by = agreement.terms.renewal.notice_by
    if given_on > notice_by.in_year(year):
        earliest_year = given_on.year if given_on <= notice_by.in_year(given_on.year) else given_on.year + 1
        raise NoticeTooLate(
            agreement=agreement.code,
            municipality=municipality,
            year=year,
            given_on=given_on,
            notice_by=notice_by.in_year(year),
            bound_until=date(earliest_year, 12, 31),
            earliest_year=earliest_year,
        )
    kept = [period for period in periods if period is not leaving]
    return _ordered([*kept, MembershipPeriod(municipality, leaving.from_year, year)])


def _refuse_who_has_left(own: Periods, year: int, given_on: date, agreement: Agreement) -> None:
    """Someone who still takes part and names a year after its last has given notice before."""
    for period in own:
        if period.to_year is not None and given_on.year <= period.to_year < year:
            raise AlreadyLeaving(agreement=agreement.code, municipality=period.municipality, to_year=period.to_year)


def join(
    periods: Periods, municipality: MunicipalityCode, year: int, decided_on: date, agreement: Agreement
) -> tuple[MembershipPeriod, ...]:
    """Let a municipality take part from the first of January of a year, for the first time or again.

    Args:
        periods: Everybody's periods so far.
        municipality: Who joins.
        year: The first year that it takes part in.
        decided_on: The day on which the parties agreed to it, before that year begins.
        agreement: For its years.

    Returns:
        All periods, ascending.

    Raises:
        YearNotAgreed: the agreement does not cover the year.
        AlreadyMember: it takes part in that year, or from a later year that is agreed already.
        JoinTooLate: the year has begun.
    """
    agreed_year(agreement, year)
    for period in _ordered(periods):
        if period.municipality == municipality and (year in period or period.from_year > year):
            raise AlreadyMember(agreement=agreement.code, municipality=municipality, from_year=period.from_year)
    if decided_on >= date(year, 1, 1):
        raise JoinTooLate(
            agreement=agreement.code,
            municipality=municipality,
            year=year,
            decided_on=decided_on,
            earliest_year=decided_on.year + 1,
        )
    return _ordered([*periods, MembershipPeriod(municipality, year)])


def renewed_until(agreement: Agreement, periods: Periods, as_of: date) -> int | None:
    """The last year for which the agreement binds anybody, by tacit renewal, as known on a day.

    Until and on the day of notice a year can still be made the last one; when the day has passed in silence, the next
    year is agreed too.

    Args:
        agreement: For its years and its day of notice.
        periods: Everybody's periods, with the notices given so far.
        as_of: The day.

    Returns:
        The year; None if nobody takes part in any year up to then.

    Source: § 8 stk. 1 and 3.
    """
    first = agreement.starts_on.year
    silent = as_of > agreement.terms.renewal.notice_by.in_year(as_of.year)
    last = max(first, as_of.year + 1 if silent else as_of.year)
    if agreement.ends_on is not None:
        last = min(last, agreement.ends_on.year)
    ends = [
        last if period.to_year is None else min(period.to_year, last) for period in periods if period.from_year <= last
    ]
    return max(ends, default=None)


def _ordered(periods: Iterable[MembershipPeriod]) -> tuple[MembershipPeriod, ...]:
    return tuple(sorted(periods, key=lambda period: (period.municipality, period.from_year)))
