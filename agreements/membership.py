"""Who takes part in an agreement, year by year: joining, notice, leaving, tacit renewal. Pure.

A municipality takes part in whole calendar years. It stays until it has given notice; the notice names the last year
that it takes part in (aftaleåret), and must be given by the agreement's day in that very year. Where the agreement says
how a piece of a year is counted, a municipality may join within a year by decision; and where it is open-ended, notice
is given by so many months to the first of a month.

Source: § 8; Horsens and Odder § 12; docs/decisions/0005-membership.md, 0039-terms.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

from agreements.agreement import Agreement, MunicipalityCode, PartialYear, RenewalKind
from foundation.errors import N_, RuleBroken
from foundation.period import BillingYear, Month, NotAPeriod, Period
from foundation.values import made_often


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


class NotTheFirst(RuleBroken):
    """Notice is to the first of a month; joining, too, where pieces of years are counted by months."""

    danish = N_(
        "{day} er ikke den 1. i en måned. I aftalen {agreement} regnes der i hele måneder; vælg den 1. i en måned."
    )


class NoticeTooShort(RuleBroken):
    """Fewer months than the agreement's notice."""

    danish = N_(
        "Opsigelsen er for sen: aftalen {agreement} opsiges med {months} måneders varsel til den 1. i en måned. Givet "
        "{given_on} kan den tidligst virke fra {earliest}, ikke fra {ends_before}."
    )


class NoticeByYearsHere(RuleBroken):
    """An agreement that is left with the end of a year, and a notice to a day."""

    danish = N_(
        "Aftalen {agreement} opsiges ikke til den 1. i en måned, men efter sine egne vilkår (kind = «{kind}»). "
        "Angiv i stedet det sidste år: «mellemregning membership leave {agreement} KOMMUNE --year ÅR»."
    )


class NoticeByMonthsHere(RuleBroken):
    """An open-ended agreement, and a notice with the end of a year."""

    danish = N_(
        "Aftalen {agreement} har ingen slutdato og opsiges med {months} måneders varsel til den 1. i en måned. "
        "Angiv dagen: «mellemregning membership leave {agreement} KOMMUNE --to ÅÅÅÅ-MM-01»."
    )


class NotAParty(RuleBroken):
    """Somebody who is neither a provider nor takes part cannot end the agreement."""

    danish = N_(
        "Kommune {municipality} er ikke part i aftalen {agreement} den {given_on} og kan derfor ikke opsige den."
    )


class NobodyLeft(RuleBroken):
    """Everybody has given notice already."""

    danish = N_("Alle deltagere i aftalen {agreement} er allerede opsagt; aftalen er ophørt eller ophører.")


class PiecesOfYearsNotAgreed(RuleBroken):
    """Joining within a year where the agreement does not say how a piece of a year is counted."""

    danish = N_(
        "Aftalen {agreement} har kun hele kalenderår, så {municipality} kan ikke indtræde den {day}. Vælg et år, eller "
        "aftal og indlæs vilkåret partial_year i [terms.allocation]."
    )


class JoinedBefore(RuleBroken):
    """Joining within a year is decided by the day on which it begins."""

    danish = N_(
        "Kommune {municipality} kan ikke indtræde i aftalen {agreement} fra {day}, når det først besluttes "
        "{decided_on}. Vælg en dag, der ikke er passeret."
    )


class OneStretchAYear(RuleBroken):
    """A municipality that comes back in the year in which it left."""

    danish = N_(
        "Kommune {municipality} har allerede deltaget i aftalen {agreement} i en del af {year} og kan tidligst "
        "indtræde igen den 1. januar {next_year}."
    )


@made_often
@dataclass(frozen=True, order=True, slots=True)
class MembershipPeriod:
    """The calendar years that a municipality takes part in without a break.

    Attributes:
        municipality: Its code.
        from_year: The first year.
        to_year: The last year, that year included; None until it has given notice.
        begins_on: Its first day, where that is another than 1 January of the first year.
        ends_on: Its last day, where that is another than 31 December of the last year.
    """

    municipality: MunicipalityCode
    from_year: int
    to_year: int | None = None
    begins_on: date | None = None
    ends_on: date | None = None

    def __post_init__(self) -> None:
        if self.to_year is not None and self.to_year < self.from_year:
            raise NotAPeriod
        if self.begins_on is not None and self.begins_on.year != self.from_year:
            raise NotAPeriod
        if self.ends_on is not None and (self.ends_on.year != self.to_year or self.ends_on < self.first_day):
            raise NotAPeriod

    @property
    def first_day(self) -> date:
        """The first day that it takes part."""
        return self.begins_on or date(self.from_year, 1, 1)

    @property
    def last_day(self) -> date | None:
        """The last day that it takes part; None until it has given notice."""
        if self.to_year is None:
            return None
        return self.ends_on or date(self.to_year, 12, 31)

    @property
    def is_exact(self) -> bool:
        """Whether it begins or ends within a year."""
        return self.begins_on is not None or self.ends_on is not None

    def __contains__(self, year: object) -> bool:
        return isinstance(year, int) and self.from_year <= year and (self.to_year is None or year <= self.to_year)


Periods = Sequence[MembershipPeriod]
NOBODY: Mapping[tuple[str, int], Collection[MunicipalityCode]] = MappingProxyType({})


def first_periods(agreement: Agreement) -> tuple[MembershipPeriod, ...]:
    """The agreement's subscribers from its first year on, ascending by code."""
    return _ordered(MembershipPeriod(code, agreement.starts_on.year) for code in agreement.subscribers)


def members_in(periods: Periods, year: int) -> tuple[MunicipalityCode, ...]:
    """The codes that take part in a year, ascending, each once; none if everybody has left.

    Source: domain rule 2: shares are among those that take part in the year.
    """
    return tuple(sorted({period.municipality for period in periods if year in period}))


def days_of(agreement: Agreement, periods: Periods, year: int) -> dict[MunicipalityCode, Period]:
    """The days of a year on which each member takes part, within the agreement's own days; ascending by code.

    Source: Horsens and Odder § 12; docs/decisions/0039-terms.md.
    """
    starts, ends = max(agreement.starts_on, date(year, 1, 1)), date(year, 12, 31)
    if agreement.ends_on is not None:
        ends = min(ends, agreement.ends_on)
    if starts > ends:
        return {}
    found = {}
    all_of_it = Period(starts, ends + timedelta(days=1))  # one for all who neither join nor leave within it
    for period in periods:
        if year not in period:
            continue
        if period.begins_on is None and period.ends_on is None:
            found[period.municipality] = all_of_it
            continue
        first = max(starts, period.first_day)
        last = ends if period.last_day is None else min(ends, period.last_day)
        if first <= last:
            found[period.municipality] = Period(first, last + timedelta(days=1))
    return dict(sorted(found.items()))


class Memberships:
    """Who takes part in many agreements, each year of each worked out once; what is answered is not to be changed.

    Attributes:
        without: (agreement, year) -> who takes part and has nothing to pay.
    """

    def __init__(
        self,
        periods: Mapping[str, Periods],
        without: Mapping[tuple[str, int], Collection[MunicipalityCode]] = NOBODY,
    ) -> None:
        self._periods = periods
        self.without = without
        self._known: dict[tuple[str, int], tuple[MunicipalityCode, ...]] = {}
        self._days: dict[tuple[str, int], dict[MunicipalityCode, Period]] = {}
        self._exact: dict[str, bool] = {}

    def in_year(self, agreement: str, year: int) -> tuple[MunicipalityCode, ...]:
        """The codes that take part in one agreement in a year, as ``members_in`` answers them."""
        key = (agreement, year)
        if key not in self._known:
            self._known[key] = members_in(self._periods.get(agreement, ()), year)
        return self._known[key]

    def in_span(self, agreement: Agreement, span: Period) -> tuple[MunicipalityCode, ...]:
        """The codes that take part on some day of a span within one year, ascending."""
        year = span.from_day.year
        ends_on = agreement.ends_on
        whole = agreement.starts_on <= date(year, 1, 1) and (ends_on is None or ends_on >= date(year, 12, 31))
        if whole and not self._has_exact(agreement.code):
            return self.in_year(agreement.code, year)
        days = self.days(agreement, year)
        return tuple([code for code, own in days.items() if own.from_day < span.to_day and span.from_day < own.to_day])

    def payers(self, agreement: Agreement, span: Period) -> tuple[MunicipalityCode, ...]:
        """Those of ``in_span`` that have something to pay in the year."""
        there = self.in_span(agreement, span)
        without = self.without.get((agreement.code, span.from_day.year))
        return tuple([code for code in there if code not in without]) if without else there

    def _has_exact(self, agreement: str) -> bool:
        """Whether somebody joined or left within a year."""
        if agreement not in self._exact:
            self._exact[agreement] = any(period.is_exact for period in self._periods.get(agreement, ()))
        return self._exact[agreement]

    def days(self, agreement: Agreement, year: int) -> dict[MunicipalityCode, Period]:
        """The days of each member of one agreement in a year, as ``days_of`` answers them."""
        key = (agreement.code, year)
        if key not in self._days:
            self._days[key] = days_of(agreement, self._periods.get(agreement.code, ()), year)
        return self._days[key]


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
        NoticeByMonthsHere: the agreement is open-ended.

    Source: § 8 stk. 3.
    """
    agreed_year(agreement, year)
    renewal = agreement.terms.renewal
    if renewal.kind is RenewalKind.OPEN_ENDED:
        raise NoticeByMonthsHere(agreement=agreement.code, months=renewal.notice_months)
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
    return _ordered([*kept, replace(leaving, to_year=year)])


def _refuse_who_has_left(own: Periods, year: int, given_on: date, agreement: Agreement) -> None:
    """Someone who still takes part and names a year after its last has given notice before."""
    for period in own:
        if period.to_year is not None and given_on.year <= period.to_year < year:
            raise AlreadyLeaving(agreement=agreement.code, municipality=period.municipality, to_year=period.to_year)


def earliest_end(agreement: Agreement, given_on: date) -> date:
    """The first of a month from which a notice given on a day can take effect: so many whole months later.

    Nine months' notice given on 1 January works from 1 October; given on 2 January, from 1 November.

    Source: Horsens and Odder § 12.
    """
    month = Month.of(given_on)
    first = month if given_on.day == 1 else month.plus(1)
    return first.plus(agreement.terms.renewal.notice_months).first_day


def notice_by_months(
    periods: Periods, municipality: MunicipalityCode, ends_before: date, given_on: date, agreement: Agreement
) -> tuple[MembershipPeriod, ...]:
    """Let a municipality leave an open-ended agreement from the first of a month on.

    Args:
        periods: Everybody's periods so far.
        municipality: Who leaves.
        ends_before: The first of the month; the day before is its last.
        given_on: The day on which the written notice reached the others.
        agreement: For its notice.

    Returns:
        All periods, ascending, with the leaver's closed.

    Raises:
        NoticeByYearsHere: the agreement is left with the end of a year.
        NotTheFirst, NoticeTooShort: not the first of a month, or too soon.
        NotAMember: it does not take part on the day before.
        AlreadyLeaving: it has given notice before.

    Source: Horsens and Odder § 12.
    """
    _check_months(ends_before, given_on, agreement)
    last_day = ends_before - timedelta(days=1)
    own = [period for period in periods if period.municipality == municipality and period.first_day <= last_day]
    leaving = own[-1] if own else None
    if leaving is None or (agreement.ends_on is not None and last_day > agreement.ends_on):
        raise NotAMember(agreement=agreement.code, municipality=municipality, year=last_day.year)
    if leaving.to_year is not None:
        raise AlreadyLeaving(agreement=agreement.code, municipality=municipality, to_year=leaving.to_year)
    return _ordered([*(period for period in periods if period is not leaving), _closed(leaving, last_day)])


def terminate(
    periods: Periods, by: MunicipalityCode, ends_before: date, given_on: date, agreement: Agreement
) -> tuple[MembershipPeriod, ...]:
    """End an open-ended agreement for everybody from the first of a month on; any party may (gensidig opsigelse).

    Args:
        periods: Everybody's periods so far; who has given notice to an earlier day leaves then.
        by: Which party gives notice, a provider or one that takes part.
        ends_before: The first of the month; the day before is the agreement's last.
        given_on: The day on which the written notice reached the others.
        agreement: For its parties and its notice.

    Raises:
        NoticeByYearsHere, NotTheFirst, NoticeTooShort: as for one municipality's notice.
        NotAParty: somebody else.
        NobodyLeft: everybody's last day is before already.

    Source: Horsens and Odder § 12.
    """
    _check_months(ends_before, given_on, agreement)
    takes_part = any(
        period.municipality == by and (period.last_day is None or period.last_day >= given_on) for period in periods
    )
    if by not in agreement.providers and not takes_part:
        raise NotAParty(agreement=agreement.code, municipality=by, given_on=given_on)
    last_day = ends_before - timedelta(days=1)
    after = [
        _closed(period, last_day)
        if period.first_day <= last_day and (period.last_day is None or period.last_day > last_day)
        else period
        for period in periods
    ]
    if _ordered(after) == _ordered(periods):
        raise NobodyLeft(agreement=agreement.code)
    return _ordered(after)


def _check_months(ends_before: date, given_on: date, agreement: Agreement) -> None:
    renewal = agreement.terms.renewal
    if renewal.kind is not RenewalKind.OPEN_ENDED:
        raise NoticeByYearsHere(agreement=agreement.code, kind=renewal.kind.value)
    if ends_before.day != 1:
        raise NotTheFirst(agreement=agreement.code, day=ends_before)
    earliest = earliest_end(agreement, given_on)
    if ends_before < earliest:
        raise NoticeTooShort(
            agreement=agreement.code,
            months=renewal.notice_months,
            given_on=given_on,
            earliest=earliest,
            ends_before=ends_before,
        )


def _closed(period: MembershipPeriod, last_day: date) -> MembershipPeriod:
    exact = None if (last_day.month, last_day.day) == (12, 31) else last_day
    return replace(period, to_year=last_day.year, ends_on=exact)


def join_on(
    periods: Periods, municipality: MunicipalityCode, begins_on: date, decided_on: date, agreement: Agreement
) -> tuple[MembershipPeriod, ...]:
    """Let a municipality take part from a day within a year, by a decision of the parties made by then.

    Raises:
        YearNotAgreed: the agreement does not cover the year.
        PiecesOfYearsNotAgreed: the agreement has whole years only.
        NotTheFirst: the agreement counts by months, and the day is no first.
        AlreadyMember: it takes part then, or from a later day that is agreed already.
        OneStretchAYear: it took part earlier in the year.
        JoinTooLate: the day has passed when it is decided.

    Source: domain rule 11; docs/decisions/0039-terms.md.
    """
    agreed_year(agreement, begins_on.year)
    partial = agreement.terms.allocation.partial_year
    if partial is PartialYear.NOT_ALLOWED:
        raise PiecesOfYearsNotAgreed(agreement=agreement.code, municipality=municipality, day=begins_on)
    if partial is PartialYear.MONTHS and begins_on.day != 1:
        raise NotTheFirst(agreement=agreement.code, day=begins_on)
    for period in _ordered(periods):
        if period.municipality != municipality:
            continue
        if period.last_day is None or period.last_day >= begins_on:
            raise AlreadyMember(agreement=agreement.code, municipality=municipality, from_year=period.from_year)
        if period.last_day.year == begins_on.year:
            raise OneStretchAYear(
                agreement=agreement.code,
                municipality=municipality,
                year=begins_on.year,
                next_year=begins_on.year + 1,
            )
    if decided_on > begins_on:
        raise JoinedBefore(agreement=agreement.code, municipality=municipality, day=begins_on, decided_on=decided_on)
    exact = None if (begins_on.month, begins_on.day) == (1, 1) else begins_on
    return _ordered([*periods, MembershipPeriod(municipality, begins_on.year, begins_on=exact)])


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
            if period.to_year == year and period.ends_on is not None:
                raise OneStretchAYear(
                    agreement=agreement.code, municipality=municipality, year=year, next_year=year + 1
                )
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
    year is agreed too. An open-ended agreement binds at least until a notice given on the day would work.

    Args:
        agreement: For its years and its day of notice.
        periods: Everybody's periods, with the notices given so far.
        as_of: The day.

    Returns:
        The year; None if nobody takes part in any year up to then.

    Source: § 8 stk. 1 and 3.
    """
    first = agreement.starts_on.year
    if agreement.terms.renewal.kind is RenewalKind.CALENDAR_YEAR:
        silent = as_of > agreement.terms.renewal.notice_by.in_year(as_of.year)
        last = max(first, as_of.year + 1 if silent else as_of.year)
    else:
        last = max(first, (earliest_end(agreement, as_of) - timedelta(days=1)).year)
    if agreement.ends_on is not None:
        last = min(last, agreement.ends_on.year)
    ends = [
        last if period.to_year is None else min(period.to_year, last) for period in periods if period.from_year <= last
    ]
    return max(ends, default=None)


def _ordered(periods: Iterable[MembershipPeriod]) -> tuple[MembershipPeriod, ...]:
    return tuple(sorted(periods, key=lambda period: (period.municipality, period.from_year)))
