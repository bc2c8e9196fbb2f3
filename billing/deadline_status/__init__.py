"""What of a year's wheel is done, by whom and by what evidence, what is late, and what to do next.

Nothing is ticked off by hand: a deadline is done when what it asks for is stored. What was stored after the day asked
about does not count on that day.

Source: docs/decisions/0018-deadlines.md; domain.md, "The life of a bill".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from itertools import islice

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import Deadline, deadlines_of_year
from agreements.membership import Memberships, YearNotAgreed, agreed_year
from billing.deadline_status.facts import SOON, DeadlineStatus, Status
from billing.deadline_status.look import Look
from billing.deadline_status.reading import read_events, read_stored, read_unfinished
from billing.monthly_aconto.store import without_share
from billing.single_case.run import months_to_bill
from foundation.period import LAST_YEAR, Month

__all__ = ["DeadlineStatus", "Status", "deadline_statuses"]

MONTHS_SHOWN_AROUND = 12
YEARS_LOOKED_BACK = 2  # the oldest year in the wheel around a day


def deadline_statuses(  # noqa: PLR0913 - each is a filter
    connection: Connection,
    as_of: date,
    code: str | None = None,
    year: int | None = None,
    *,
    issuer: MunicipalityCode | None = None,
    who: bool = True,
    only: Collection[Status] | None = None,
    coming: int | None = None,
) -> tuple[DeadlineStatus, ...]:
    """The year's wheel of one agreement or of all, as it stands on a day.

    Args:
        connection: Where to read.
        as_of: The day.
        code: One agreement; all where none is named.
        year: One billing year; else every year with a deadline from twelve months before the day to twelve after.
            A year in which nobody takes part has none.
        issuer: Where no agreement is named: only those that this municipality bills for.
        who: Say who did it and at what hour. Without it the audit trail, which only grows, is not read; ``done_by`` is
            empty then, and ``changed_at`` is the day.
        only: Only the deadlines that stand so. Where those that are done are not among them, a month that everybody was
            billed for is read as such, and its documents are not.
        coming: Of the deadlines that are more than two weeks ahead only so many, the first; None for all.

    Returns:
        By day, then agreement and year.

    Raises:
        AgreementUnknown: there is no such agreement.
        YearNotAgreed: the named agreement does not cover the named year.

    Source: agreement § 6 stk. 3, 4, 5 and 7, § 7 stk. 1, § 8 stk. 3.
    """
    codes = [code] if code is not None else None
    if code is None and issuer is not None:
        codes = agreement_store.agreement_codes(connection, issuer)
        if not codes:
            return ()
    versions = agreement_store.find_agreements(connection, codes)
    if code is not None and code not in versions:
        raise agreements.AgreementUnknown(agreement=code)
    brief = only is not None and Status.DONE not in only
    stored = read_stored(connection, as_of, codes, year or as_of.year - YEARS_LOOKED_BACK, brief=brief)
    if who:
        read_events(connection, codes[0] if codes is not None and len(codes) == 1 else None, stored)
    stored.memberships = Memberships(stored.members, without_share(connection, codes, as_of))
    if brief:
        read_unfinished(connection, as_of, versions, year or as_of.year - YEARS_LOOKED_BACK, stored)
    stored.case_months = {
        each: months_to_bill(connection, agreement, as_of)
        for each, (_, agreement) in versions.items()
        if agreement.cases.services
    }
    near: list[tuple[Deadline, Look]] = []
    ahead: list[tuple[Deadline, Look]] = []
    for each, (_, agreement) in versions.items():
        for of_year, deadlines in _wheels(agreement, as_of, year, is_named=code is not None).items():
            look = Look(agreement, of_year, stored.memberships.in_year(each, of_year), as_of, stored)
            if look.members:
                for deadline in deadlines:
                    (near if as_of >= deadline.due_on - SOON else ahead).append((deadline, look))
    found = list(_standing(near, only))
    ahead.sort(key=lambda pair: (pair[0].due_on, pair[1].agreement.code, pair[1].year))
    found += islice(_standing(ahead, only), coming)
    return tuple(sorted(found, key=lambda status: (status.deadline.due_on, status.agreement, status.year)))


def _wheels(agreement: Agreement, as_of: date, year: int | None, *, is_named: bool) -> dict[int, tuple[Deadline, ...]]:
    """Year -> its deadlines: of those around the day, or of the one that is asked for."""
    if year is None:
        return _wheel_around(agreement, as_of)
    if not is_named and not _covers(agreement, year):
        return {}
    return {year: deadlines_of_year(agreement, year)}


def _standing(deadlines: Iterable[tuple[Deadline, Look]], only: Collection[Status] | None) -> Iterator[DeadlineStatus]:
    """How each stands that concerns anybody, one after the other, as far as somebody asks on."""
    for deadline, look in deadlines:
        if look.concerns_anybody(deadline):
            said = look.at(deadline)
            if only is None or said.status in only:
                yield said


def _covers(agreement: Agreement, year: int) -> bool:
    try:
        agreed_year(agreement, year)
    except YearNotAgreed:
        return False
    return True


def _wheel_around(agreement: Agreement, as_of: date) -> dict[int, tuple[Deadline, ...]]:
    """Year -> all its deadlines, for the years with one near the day."""
    first, last = (_same_day(as_of, months) for months in (-MONTHS_SHOWN_AROUND, MONTHS_SHOWN_AROUND))
    years = range(max(first.year - 1, agreement.starts_on.year), min(last.year + 2, LAST_YEAR))
    wheel = {year: deadlines_of_year(agreement, year) for year in years if _covers(agreement, year)}
    return {
        year: deadlines
        for year, deadlines in wheel.items()
        if any(first <= deadline.due_on <= last for deadline in deadlines)
    }


def _same_day(day: date, months: int) -> date:
    """The day so many months away, or the month's last where it has no such day."""
    month = Month.of(day).plus(months)
    return min(month.first_day + timedelta(days=day.day - 1), month.period.last_day)
