"""What of a year's wheel is done, by whom and by what evidence, what is late, and what to do next.

Nothing is ticked off by hand: a deadline is done when what it asks for is stored. What was stored after the day asked
about does not count on that day.

Source: docs/decisions/0018-deadlines.md; domain.md, "The life of a bill".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Select, exists, func, or_, select

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import Deadline, DeadlineKind, deadlines_of_year
from agreements.membership import MembershipPeriod, Memberships, YearNotAgreed, agreed_year
from agreements.municipality import MUNICIPALITIES
from agreements.schedule import instalment_of
from agreements.tables import agreement_version, budget_line, membership
from billing.accounts.tables import decision, result_movement
from billing.annual_subscription.tables import price_notice, subscription, subscription_cost_line
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice
from billing.monthly_aconto.store import without_share
from billing.monthly_run.tables import issuer_setting
from billing.single_case.run import months_to_bill
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.rules import PeriodsNotSupported, periods_of_year
from billing.usage_statement.tables import usage_release
from billing.year_end_settlement.tables import accounts_line, year_settlement
from foundation.audit import audit_event
from foundation.database import among
from foundation.period import LAST_YEAR, Month, Period

SOON = timedelta(days=14)
MONTHS_SHOWN_AROUND = 12
YEARS_LOOKED_BACK = 2  # the oldest year in the wheel around a day


class Status(StrEnum):
    """Where a deadline stands on a day."""

    DONE = "done"
    WAITING = "waiting"
    DUE_SOON = "due_soon"
    LATE = "late"
    PASSED = "passed"  # its day is over, and nothing that is stored could tell whether it was kept
    NOT_SUPPORTED = "not_supported"  # Mellemregning does not make it yet


@dataclass(frozen=True, slots=True)
class DeadlineStatus:
    """One deadline as it stands on a day.

    Attributes:
        year: The billing year that it is for.
        days_late: How many days after its day it was done, or how many it is late by now; 0 where it is in time.
        done_on: The business date of the last thing that it took.
        done_by: Who did it, by the audit trail, in the order in which they did.
        evidence: What is stored, also while something is missing; empty where nothing is.
        next_step: What to do now, in Danish, with the command; empty where nothing is to be done.
        changed_at: The newest among the instants of the events that it rests on and the beginning of the day on which
            it became known, due soon, late or done; the same however often it is asked.
    """

    agreement: str
    agreement_title: str
    year: int
    deadline: Deadline
    status: Status
    days_late: int
    done_on: date | None
    done_by: tuple[str, ...]
    evidence: str
    next_step: str
    changed_at: datetime


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
    stored = _stored(connection, as_of, codes, year or as_of.year - YEARS_LOOKED_BACK, brief=brief)
    if who:
        _read_events(connection, codes[0] if codes is not None and len(codes) == 1 else None, stored)
    stored.memberships = Memberships(stored.members, without_share(connection, codes, as_of))
    if brief:
        _read_unfinished(connection, as_of, versions, year or as_of.year - YEARS_LOOKED_BACK, stored)
    stored.case_months = {
        each: months_to_bill(connection, agreement, as_of)
        for each, (_, agreement) in versions.items()
        if agreement.cases.services
    }
    near: list[tuple[Deadline, _Look]] = []
    ahead: list[tuple[Deadline, _Look]] = []
    for each, (_, agreement) in versions.items():
        for of_year, deadlines in _wheels(agreement, as_of, year, is_named=code is not None).items():
            look = _Look(agreement, of_year, stored.memberships.in_year(each, of_year), as_of, stored)
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


def _standing(deadlines: Iterable[tuple[Deadline, _Look]], only: Collection[Status] | None) -> Iterator[DeadlineStatus]:
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


# What is stored, read at once for one agreement or for all


@dataclass(frozen=True, slots=True)
class _Event:
    """What the audit trail says of something that was done."""

    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Bill:
    """A document that held a month's claim on the day asked about."""

    series: tuple[MunicipalityCode, int]
    sequence: int
    number: str
    issued_on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class _Notice:
    """A price that was told."""

    version: int
    given_on: date


@dataclass(frozen=True, slots=True)
class _Left:
    """A notice to leave."""

    municipality: MunicipalityCode
    last_year: int
    given_on: date | None


Place: TypeAlias = tuple[MunicipalityCode, str]  # a provider and its service


@dataclass(slots=True)
class _Stored:
    """Everything that a status rests on, by agreement's code, as it was on the day."""

    loaded_on: dict[str, date] = field(default_factory=dict)
    members: dict[str, list[MembershipPeriod]] = field(default_factory=lambda: defaultdict(list))
    payers: dict[tuple[str, Month], tuple[MunicipalityCode, ...]] = field(default_factory=dict)
    memberships: Memberships = field(default_factory=lambda: Memberships({}))
    left: dict[str, list[_Left]] = field(default_factory=lambda: defaultdict(list))
    bills: dict[tuple[str, Month], dict[MunicipalityCode, _Bill]] = field(default_factory=lambda: defaultdict(dict))
    # Whom each month was billed to and when the last of it was, where the documents were not read.
    billed: dict[tuple[str, Month], tuple[frozenset[MunicipalityCode], date]] = field(default_factory=dict)
    case_bills: dict[tuple[str, Month], dict[MunicipalityCode, _Bill]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    case_months: dict[str, dict[Month, frozenset[MunicipalityCode]]] = field(default_factory=dict)
    priced: dict[tuple[str, int], int] = field(default_factory=dict)
    notices: dict[tuple[str, int], list[_Notice]] = field(default_factory=lambda: defaultdict(list))
    budgeted: dict[tuple[str, int], set[Place]] = field(default_factory=lambda: defaultdict(set))
    accounts: dict[tuple[str, int], dict[Place, date]] = field(default_factory=lambda: defaultdict(dict))
    closed: dict[tuple[str, int], date] = field(default_factory=dict)
    true_ups: dict[tuple[str, Month], dict[MunicipalityCode, _Bill]] = field(default_factory=lambda: defaultdict(dict))
    to_true_up: dict[tuple[str, int], set[MunicipalityCode]] = field(default_factory=lambda: defaultdict(set))
    released: dict[tuple[str, date, date], tuple[date, int]] = field(default_factory=dict)
    four_eyes: set[MunicipalityCode] = field(default_factory=set)
    events: dict[tuple[str, ...], list[_Event]] = field(default_factory=lambda: defaultdict(list))


def _stored(connection: Connection, as_of: date, codes: list[str] | None, since: int, *, brief: bool) -> _Stored:
    """What a status rests on; of the months' bills those of this year and later, for they are many."""

    def of(column: Column[Any]) -> ColumnElement[bool]:
        return among(column, codes)

    stored = _Stored()
    for row in connection.execute(
        select(agreement_version.c.agreement, func.max(agreement_version.c.loaded_on).label("day"))
        .where(of(agreement_version.c.agreement))
        .group_by(agreement_version.c.agreement),
    ):
        stored.loaded_on[row.agreement] = row.day
    for row in connection.execute(
        select(membership).where(of(membership.c.agreement)).order_by(membership.c.municipality, membership.c.from_year)
    ):
        stored.members[row.agreement].append(
            MembershipPeriod(row.municipality, row.from_year, row.to_year, row.begins_on, row.ends_on)
        )
        if row.to_year is not None and (row.notice_given_on is None or row.notice_given_on <= as_of):
            stored.left[row.agreement].append(_Left(row.municipality, row.to_year, row.notice_given_on))
    two_people = select(issuer_setting.c.issuer).where(issuer_setting.c.four_eyes.is_(True))
    stored.four_eyes = set(connection.execute(two_people).scalars())
    if brief:
        _read_billed(connection, as_of, of, since, stored)
    else:
        _read_bills(connection, _held(as_of, of, since, OF_THE_WHEEL, *_BILL), stored)
    _read_prices(connection, as_of, of, stored)
    _read_accounts(connection, as_of, of, stored)
    return stored


Only: TypeAlias = Callable[["Column[Any]"], "ColumnElement[bool]"]
OF_THE_WHEEL = (ClaimKind.ACONTO, ClaimKind.CASE, ClaimKind.TRUE_UP)


_BILL = (
    claim.c.agreement,
    claim.c.municipality,
    claim.c.period_from,
    claim.c.kind,
    invoice.c.issuer,
    invoice.c.series_year,
    invoice.c.sequence,
    invoice.c.number,
    invoice.c.issue_date,
    invoice.c.provisional,
)
_CREDIT = invoice.alias("credit")


def _held(as_of: date, of: Only, since: int, kinds: Sequence[ClaimKind], *what: ColumnElement[Any]) -> Select[Any]:
    """Who held which month's claim: a claim counts from the day of its document to the day of the credit note."""
    return (
        select(*what)
        .select_from(claim)
        .join(invoice, invoice.c.id == claim.c.invoice_id)
        .where(
            of(claim.c.agreement),
            claim.c.kind.in_([kind.value for kind in kinds]),
            claim.c.period_from >= date(since, 1, 1),
            invoice.c.issue_date <= as_of,
            # Asked of the few that are released: joined to all documents, PostgreSQL reads every one of them.
            or_(
                claim.c.released_by.is_(None),
                exists().where(_CREDIT.c.id == claim.c.released_by, _CREDIT.c.issue_date > as_of),
            ),
        )
    )


def _read_bills(connection: Connection, held: Select[Any], stored: _Stored) -> None:
    """The document that held each claim."""
    by_kind = {
        ClaimKind.ACONTO.value: stored.bills,
        ClaimKind.CASE.value: stored.case_bills,
        ClaimKind.TRUE_UP.value: stored.true_ups,
    }
    for row in connection.execute(held.order_by(claim.c.id)):
        bills = by_kind[row.kind]
        bills[row.agreement, Month.of(row.period_from)][row.municipality] = _Bill(
            (row.issuer, row.series_year), row.sequence, row.number, row.issue_date, row.provisional
        )


def _read_billed(connection: Connection, as_of: date, of: Only, since: int, stored: _Stored) -> None:
    """Whom each month was billed to, a row for a month and not for a document; the documents where somebody is missing.

    Bills of cases and true-ups are read as they are: there are few.
    """
    _read_bills(connection, _held(as_of, of, since, [ClaimKind.CASE, ClaimKind.TRUE_UP], *_BILL), stored)
    places = (claim.c.agreement, claim.c.period_from)
    rows = connection.execute(
        _held(
            as_of,
            of,
            since,
            [ClaimKind.ACONTO],
            *places,
            func.aggregate_strings(claim.c.municipality, ",").label("held"),
            func.max(invoice.c.issue_date).label("day"),
        ).group_by(*places)
    ).all()
    for row in rows:
        stored.billed[row.agreement, Month.of(row.period_from)] = (frozenset(row.held.split(",")), row.day)


def _read_unfinished(
    connection: Connection, as_of: date, versions: Mapping[str, tuple[int, Agreement]], since: int, stored: _Stored
) -> None:
    """The documents of the agreements with a month that some were billed for and others were not."""
    unfinished = sorted(
        {
            code
            for (code, month), (held, _day) in stored.billed.items()
            if not held.issuperset(
                stored.memberships.payers(
                    versions[code][1], instalment_of(versions[code][1].terms.advance, month).period
                )
            )
        }
    )
    if unfinished:
        held = _held(as_of, lambda column: among(column, unfinished), since, [ClaimKind.ACONTO], *_BILL)
        _read_bills(connection, held, stored)


def _read_prices(connection: Connection, as_of: date, of: Only, stored: _Stored) -> None:
    for row in connection.execute(
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(of(subscription.c.agreement), subscription.c.calculated_on <= as_of)
        .group_by(subscription.c.agreement, subscription.c.year),
    ):
        stored.priced[row.agreement, row.year] = row.version
    for row in connection.execute(
        select(price_notice)
        .where(of(price_notice.c.agreement), price_notice.c.given_on <= as_of)
        .order_by(price_notice.c.id),
    ):
        stored.notices[row.agreement, row.year].append(_Notice(row.version, row.given_on))


def _read_accounts(connection: Connection, as_of: date, of: Only, stored: _Stored) -> None:
    """Whose accounts are awaited: what the newest price holds, or the budget where there is no price (§ 6 stk. 3)."""
    for line in connection.execute(
        select(budget_line.c.agreement, budget_line.c.year, budget_line.c.provider, budget_line.c.service)
        .where(of(budget_line.c.agreement), budget_line.c.loaded_on <= as_of)
        .distinct(),
    ):
        if (line.agreement, line.year) not in stored.priced:
            stored.budgeted[line.agreement, line.year].add((line.provider, line.service))
    for part in connection.execute(
        select(
            subscription.c.agreement,
            subscription.c.year,
            subscription.c.version,
            subscription_cost_line.c.provider,
            subscription_cost_line.c.service,
        )
        .join(subscription_cost_line, subscription_cost_line.c.subscription_id == subscription.c.id)
        .where(of(subscription.c.agreement))
        .distinct(),
    ):
        if stored.priced.get((part.agreement, part.year)) == part.version:
            stored.budgeted[part.agreement, part.year].add((part.provider, part.service))
    places = (accounts_line.c.agreement, accounts_line.c.year, accounts_line.c.provider, accounts_line.c.service)
    for load in connection.execute(
        select(*places, func.min(accounts_line.c.loaded_on).label("day"))
        .where(of(accounts_line.c.agreement), accounts_line.c.loaded_on <= as_of)
        .group_by(*places)
        .order_by(*places),
    ):
        stored.accounts[load.agreement, load.year][load.provider, load.service] = load.day
    moved = result_movement.c
    for due in connection.execute(
        select(moved.agreement, moved.accounting_year, moved.municipality)
        .join(decision, decision.c.id == moved.decision_id)
        .where(of(moved.agreement), moved.application_year == moved.accounting_year, decision.c.decided_on <= as_of)
        .group_by(moved.agreement, moved.accounting_year, moved.municipality, moved.provider)
        .having(func.sum(moved.amount_oere) != 0)
    ):
        stored.to_true_up[due.agreement, due.accounting_year].add(due.municipality)
    for close in connection.execute(
        select(year_settlement).where(of(year_settlement.c.agreement), year_settlement.c.closed_on <= as_of)
    ):
        stored.closed[close.agreement, close.year] = close.closed_on

    editions = usage_release.c
    for release in connection.execute(
        select(usage_release)
        .where(of(editions.agreement), editions.released_on <= as_of)
        .order_by(editions.agreement, editions.first_month, editions.last_month, editions.edition)
    ):
        place = (release.agreement, release.first_month, release.last_month)
        first_day, _ = stored.released.get(place, (release.released_on, 0))
        stored.released[place] = (first_day, release.edition)


CALCULATED, TOLD, LOADED, CLOSED, LEFT, RELEASED = (
    "annual_subscription.calculated",
    "annual_subscription.price_told",
    "year_end_settlement.accounts_loaded",
    "year_end_settlement.closed",
    "agreements.notice_given",
    "usage_statement.released",
)
ISSUING_STAGES = ("monthly_aconto.", "monthly_run.", "invoice.", "single_case.", "year_end_settlement.trued_up")


def _read_events(connection: Connection, code: str | None, stored: _Stored) -> None:
    """Who did it: the events of the trail by what they tell of.

    Keys are ("number", agreement, number), ("calculated" or "told", agreement, year, version),
    ("loaded", agreement, year, provider), ("closed", agreement, year), ("left", agreement, municipality, last year)
    and ("released", agreement, period).
    """
    action = audit_event.c.action
    of_interest = or_(
        action.in_([CALCULATED, TOLD, LOADED, CLOSED, LEFT, RELEASED]),
        *(action.startswith(stage, autoescape=True) for stage in ISSUING_STAGES),
    )
    query = select(audit_event).where(of_interest).order_by(audit_event.c.id)
    if code is not None:
        subject = audit_event.c.subject
        query = query.where(or_(subject == code, subject.startswith(f"{code} ", autoescape=True)))
    for row in connection.execute(query):
        event = _Event(row.actor, _instant(row.happened_at))
        agreement, _, what = row.subject.partition(" ")
        for key in _keys(row.action, agreement, what, json.loads(row.details)):
            stored.events[key].append(event)


def _instant(written: str) -> datetime:
    at = datetime.fromisoformat(written)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _keys(action: str, agreement: str, what: str, details: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    versions = {CALCULATED: "calculated", TOLD: "told"}
    if action in versions:
        yield versions[action], agreement, what, str(details.get("version"))
    elif action == LOADED:
        for line in _every_mapping(details):
            if "provider" in line and "year" in line:
                yield "loaded", agreement, str(line["year"]), str(line["provider"])
    elif action == CLOSED:
        yield "closed", agreement, what
    elif action == RELEASED:
        yield "released", agreement, what
    elif action == LEFT:
        yield "left", agreement, what, str(details.get("last_year"))
    else:
        named = (each.get(name) for each in _every_mapping(details) for name in ("number", "invoice"))
        yield from (("number", agreement, number) for number in named if isinstance(number, str))


def _every_mapping(value: object) -> Iterator[Mapping[str, Any]]:
    """A JSON value's objects, however deep."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _every_mapping(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _every_mapping(inner)


# How each kind of deadline is judged


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is stored about a deadline.

    Attributes:
        done_on: When the last thing that it takes was done; None where something is missing.
        events: What was done for it.
        later: What came after and changed what is said of it.
        after: The status when its day is over and it is not done.
        never_late: The day is the first on which it can be done; the agreement names no last.
    """

    done_on: date | None = None
    evidence: str = ""
    next_step: str = ""
    events: tuple[_Event, ...] = ()
    later: tuple[_Event, ...] = ()
    after: Status = Status.LATE
    never_late: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """One agreement's year on one day."""

    agreement: Agreement
    year: int
    members: tuple[MunicipalityCode, ...]
    as_of: date
    stored: _Stored

    def concerns_anybody(self, deadline: Deadline) -> bool:
        """Whether somebody pays the instalment, or uses in the period; after the last party's notice nobody does."""
        if deadline.kind is DeadlineKind.USAGE_STATEMENT:
            return self._anybody_uses(deadline)
        if deadline.for_month is None:
            return True
        if deadline.kind is DeadlineKind.CASE_INVOICE:
            # Who has left may still be corrected.
            wanted = self.stored.case_months.get(self.agreement.code, {}).get(deadline.for_month)
            return bool(wanted or self._present(deadline.for_month.period))
        return bool(self._payers(deadline.for_month))

    def _anybody_uses(self, deadline: Deadline) -> bool:
        """Whether somebody takes part on a day that the statement is of, or it was released all the same."""
        try:
            period = self._usage_period(deadline)
        except PeriodsNotSupported:
            return True
        released = (self.agreement.code, period.first.first_day, period.last.first_day) in self.stored.released
        return released or bool(self._present(Period(period.first.first_day, period.last.plus(1).first_day)))

    def _usage_period(self, deadline: Deadline) -> UsagePeriod:
        known = periods_of_year(self.agreement.code, self.agreement.terms.usage, self.year)
        return next(one for one in known if one.last == Month.of(deadline.due_on - timedelta(days=1)))

    def _payers(self, month: Month) -> tuple[MunicipalityCode, ...]:
        known, key = self.stored.payers, (self.agreement.code, month)
        if key not in known:
            span = instalment_of(self.agreement.terms.advance, month).period
            known[key] = self.stored.memberships.payers(self.agreement, span)
        return known[key]

    def _present(self, span: Period) -> tuple[MunicipalityCode, ...]:
        return self.stored.memberships.in_span(self.agreement, span)

    def at(self, deadline: Deadline) -> DeadlineStatus:
        """How a deadline stands."""
        finding = {
            DeadlineKind.DEMAND: self._demand,
            DeadlineKind.PRICE_NOTICE: self._price_notice,
            DeadlineKind.NOTICE_TO_LEAVE: self._notice_to_leave,
            DeadlineKind.ADVANCE_INVOICE: self._advance_invoice,
            DeadlineKind.CASE_INVOICE: self._case_invoice,
            DeadlineKind.USAGE_STATEMENT: self._usage_statement,
            DeadlineKind.FINAL_ACCOUNTS: self._final_accounts,
            DeadlineKind.TRUE_UP: self._true_up,
        }[deadline.kind](deadline)
        status, since = self._status(deadline, finding)
        if finding.never_late:
            days_late = 0
        elif status is Status.DONE:
            days_late = max(0, ((finding.done_on or deadline.due_on) - deadline.due_on).days)
        else:
            days_late = (self.as_of - deadline.due_on).days if status is Status.LATE else 0
        events = sorted(finding.events, key=lambda event: event.at)
        begun = datetime.combine(since, time(), UTC)
        return DeadlineStatus(
            agreement=self.agreement.code,
            agreement_title=self.agreement.title,
            year=self.year,
            deadline=deadline,
            status=status,
            days_late=days_late,
            done_on=finding.done_on if status is Status.DONE else None,
            done_by=tuple(dict.fromkeys(event.actor for event in events)) if status is Status.DONE else (),
            evidence=finding.evidence,
            next_step=finding.next_step,
            changed_at=max([begun, *(event.at for event in (*events, *finding.later))]),
        )

    def _status(self, deadline: Deadline, finding: _Finding) -> tuple[Status, date]:
        """The status and the day since which it is so."""
        known = self.stored.loaded_on.get(self.agreement.code, self.agreement.starts_on)
        soon, over = deadline.due_on - SOON, deadline.due_on + timedelta(days=1)
        if finding.after is Status.NOT_SUPPORTED:
            return Status.NOT_SUPPORTED, known
        if finding.done_on is not None:
            return Status.DONE, max(known, finding.done_on)
        if self.as_of >= over:
            return finding.after, max(known, over)
        if self.as_of >= soon:
            return Status.DUE_SOON, max(known, soon)
        return Status.WAITING, known

    def _events(self, *keys: tuple[str, ...]) -> tuple[_Event, ...]:
        """The first event about each of these things; a later one about the same only repeats it."""
        return tuple(self.stored.events[key][0] for key in keys if key in self.stored.events)

    def _demand(self, deadline: Deadline) -> _Finding:
        after = "ret budgettet, hvis det forventede forbrug er ændret: «mellemregning budget load FIL»"
        if self.as_of <= deadline.due_on:
            next_step = f"Bed ydelsesbrugerne melde ændringer senest {_day(deadline.due_on)}, og {after}."
        else:
            told = (self.agreement.code, self.year) in self.stored.notices
            next_step = "" if told else f"{after[0].upper()}{after[1:]}."
        return _Finding(
            evidence="Meldinger om forventet forbrug opbevares ikke her, så det kan ikke ses, om de er kommet"
            if self.as_of > deadline.due_on
            else "",
            next_step=next_step,
            after=Status.PASSED,
        )

    def _price_notice(self, deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        told = self.stored.notices.get((code, year), [])
        newest = self.stored.priced.get((code, year), 0)
        tell = f"«mellemregning subscription notice {code} {year}»"
        next_step = ""
        if not newest:
            next_step = f"Indlæs budgettet for {year}, beregn prisen, og meddel den: {self._price_commands()}."
        elif not told:
            next_step = f"Meddel prisen for {year} senest {_day(deadline.due_on)}: {tell}."
        elif told[-1].version < newest:
            next_step = f"Prisen er siden beregnet igen (beregning nr. {newest}); meddel den nye: {tell}."
        notices = [f"nr. {notice.version} den {_day(notice.given_on)}" for notice in told]
        return _Finding(
            done_on=told[0].given_on if told else None,
            evidence=f"Pris meddelt: beregning {_and(notices)}" if told else "",
            next_step=next_step,
            events=self._events(*(("told", code, str(year), str(notice.version)) for notice in told[:1])),
            later=self._events(
                *(("told", code, str(year), str(notice.version)) for notice in told[1:]),
                *([("calculated", code, str(year), str(newest))] if told and told[-1].version < newest else []),
            ),
        )

    def _price_commands(self) -> str:
        code, year = self.agreement.code, self.year
        return (
            f"«mellemregning budget load FIL», «mellemregning subscription calculate {code} {year}» og "
            f"«mellemregning subscription notice {code} {year}»"
        )

    def _notice_to_leave(self, deadline: Deadline) -> _Finding:
        code, last_year = self.agreement.code, self.year - 1
        left = [each for each in self.stored.left[code] if each.last_year == last_year]
        over = self.as_of > deadline.due_on
        words = [
            f"{_name(each.municipality)} ({_day(each.given_on)})" if each.given_on else _name(each.municipality)
            for each in left
        ]
        said = f"Opsagt af {_and(words)}" if left else "Ingen har opsagt"
        silent = (
            f"for de øvrige er aftalen forlænget for {self.year}" if left else f"aftalen er forlænget for {self.year}"
        )
        return _Finding(
            evidence=f"{said}; {silent}" if over else said if left else "",
            next_step=""
            if over
            else f"Notér en opsigelse, hvis der kommer en, ellers forlænges aftalen uden videre: "
            f"«mellemregning membership leave {code} KOMMUNE --year {last_year}».",
            events=self._events(*(("left", code, each.municipality, str(last_year)) for each in left)),
            after=Status.PASSED,
        )

    def _advance_invoice(self, deadline: Deadline) -> _Finding:
        code, month = self.agreement.code, deadline.for_month
        if month is None:
            return _Finding()
        payers = self._payers(month)
        billed_to, billed_on = self.stored.billed.get((code, month), (frozenset(), None))
        if payers and billed_on and billed_to.issuperset(payers):
            return _Finding(done_on=billed_on)
        bills = self.stored.bills.get((code, month), {})
        held = {who: bill for who, bill in bills.items() if who in payers}
        missing = [who for who in payers if who not in held]
        days = sorted({bill.issued_on for bill in held.values()})
        provisional = any(bill.provisional for bill in held.values())
        evidence = ""
        if held:
            evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})"
            evidence += ", foreløbige, da prisen manglede" if provisional else ""
            evidence += f"; {len(held)} af {len(payers)} kommuner" if missing else ""
        return _Finding(
            done_on=None if missing else days[-1],
            evidence=evidence,
            next_step=self._issue(deadline, month, missing if held else []) if missing else "",
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _case_invoice(self, deadline: Deadline) -> _Finding:
        code, month = self.agreement.code, deadline.for_month
        if month is None:
            return _Finding()
        held = self.stored.case_bills.get((code, month), {})
        wanted = self.stored.case_months.get(code, {}).get(month, frozenset())
        missing = sorted(wanted - held.keys())
        days = sorted({bill.issued_on for bill in held.values()})
        evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})" if held else ""
        is_over = month.period.last_day < self.as_of
        if is_over and not missing and not held:
            evidence = "Ingen enkeltsager at fakturere"
        done_on = None
        if is_over and not missing:
            done_on = days[-1] if days else month.plus(1).first_day
        next_step = ""
        if missing:
            by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
            next_step = (
                f"Send regning på enkeltsager i {month.danish} til {_and([_name(who) for who in missing])} {by}: "
                f"«mellemregning case plan {code}», som godkendes og udstedes med «case plan-approve» og «case issue»."
            )
        return _Finding(
            done_on=done_on,
            evidence=evidence,
            next_step=next_step,
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _issue(self, deadline: Deadline, month: Month, missing: Sequence[MunicipalityCode]) -> str:
        code = self.agreement.code
        for_whom = f" til {_and([_name(who) for who in missing])}" if missing else ""
        by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
        how = f"«mellemregning month issue {code} {month}»"
        if self.agreement.issuer in self.stored.four_eyes:
            how = f"«mellemregning run plan {code} --month {month}», som en anden skal godkende, før den udstedes"
        what = instalment_of(self.agreement.terms.advance, month).danish
        issue = f"Send a conto regning for {what}{for_whom} {by}: {how}."
        if (code, self.year) in self.stored.priced:
            return issue
        if (code, self.year - 1) in self.stored.priced:
            return (
                f"Prisen for {self.year} mangler; uden den faktureres sidste års rate foreløbigt. "
                f"Indlæs budgettet, og beregn prisen: {self._price_commands()}. {issue}"
            )
        return f"Prisen for {self.year} mangler. Indlæs budgettet, og beregn prisen: {self._price_commands()}. {issue}"

    def _usage_statement(self, deadline: Deadline) -> _Finding:
        code = self.agreement.code
        try:
            period = self._usage_period(deadline)
        except PeriodsNotSupported as error:
            return _Finding(next_step=str(error), after=Status.NOT_SUPPORTED)
        first_day, edition = self.stored.released.get((code, period.first.first_day, period.last.first_day), (None, 0))
        if first_day is None:
            return _Finding(
                next_step=f"Indlæs leverandørernes tal for {period.danish}: «mellemregning usage load FIL --period "
                f"{period}», og frigiv opgørelsen: «mellemregning usage release {code} {period}».",
                after=Status.DUE_SOON,
                never_late=True,
            )
        events = self.stored.events.get(("released", code, str(period)), [])
        return _Finding(
            done_on=first_day,
            evidence=f"Frigivet {_day(first_day)}" + (f", rettet til udgave {edition}" if edition > 1 else ""),
            events=tuple(events[:1]),
            later=tuple(events[1:]),
            never_late=True,
        )

    def _true_up(self, deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        held = self.stored.true_ups.get((code, Month(year, 1)), {})
        closed_on = self.stored.closed.get((code, year))
        missing = sorted(self.stored.to_true_up.get((code, year), frozenset()) - held.keys())
        days = sorted({bill.issued_on for bill in held.values()})
        evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})" if held else ""
        if closed_on and not missing and not held:
            evidence = "Der var ingen forskel at efterregulere"
        next_step = ""
        if closed_on is None:
            next_step = f"Afslut året: «mellemregning settlement close {code} {year}»."
        elif missing:
            by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
            next_step = (
                f"Send efterreguleringen af {year} til {_and([_name(who) for who in missing])} {by}: «mellemregning "
                f"settlement true-up {code} {year}», som godkendes og udstedes med «true-up-approve» og "
                "«true-up-issue»."
            )
        return _Finding(
            done_on=(days[-1] if days else closed_on) if closed_on and not missing else None,
            evidence=evidence,
            next_step=next_step,
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _final_accounts(self, _deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        loaded = self.stored.accounts.get((code, year), {})
        awaited = self.stored.budgeted.get((code, year)) or {(provider, "") for provider in self.agreement.providers}
        missing = sorted({provider for provider, service in awaited if not _is_loaded(loaded, provider, service)})
        first_days: dict[MunicipalityCode, date] = {}
        for (provider, _), day in sorted(loaded.items()):
            first_days[provider] = max(day, first_days.get(provider, day))
        closed_on = self.stored.closed.get((code, year))
        said = [f"{_name(provider)} {_day(day)}" for provider, day in first_days.items()]
        evidence = [f"regnskab indlæst ({', '.join(said)})"] if said else []
        evidence += [f"året afsluttet {_day(closed_on)}"] if closed_on else []
        done_on = None
        if first_days and not missing:
            done_on = max(first_days.values())
        elif closed_on:
            done_on = closed_on
        next_step = ""
        if done_on is None:
            names = _and([_name(provider) for provider in missing])
            next_step = f"Indlæs det endelige regnskab for {year} fra {names}: «mellemregning accounts load FIL»."
        elif closed_on is None:
            next_step = f"Afslut året: «mellemregning settlement close {code} {year}»."
        return _Finding(
            done_on=done_on,
            evidence=_sentence(evidence),
            next_step=next_step,
            events=self._events(*(("loaded", code, str(year), provider) for provider in first_days)),
            later=self._events(("closed", code, str(year))) if closed_on else (),
        )


def _is_loaded(loaded: Mapping[Place, date], provider: MunicipalityCode, service: str) -> bool:
    """Whether a provider's accounts for a service are there; for any service where it had no budget to tell which."""
    return (provider, service) in loaded if service else any(there == provider for there, _ in loaded)


def _sentence(parts: Sequence[str]) -> str:
    joined = "; ".join(parts)
    return joined[:1].upper() + joined[1:]


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _name(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.name if found else code


def _and(words: Sequence[str]) -> str:
    """As people list: a, b og c."""
    *but_last, last = words or ("",)
    return f"{', '.join(but_last)} og {last}" if but_last else last


def _spans(bills: Iterable[_Bill]) -> str:
    """The documents' numbers, adjacent ones as from-to: ``F2009-0001–F2009-0009``."""
    spans: list[list[_Bill]] = []
    for bill in sorted(set(bills), key=lambda bill: (bill.series, bill.sequence)):
        last = spans[-1][-1] if spans else None
        if last is not None and last.series == bill.series and last.sequence + 1 == bill.sequence:
            spans[-1].append(bill)
        else:
            spans.append([bill])
    return _and([span[0].number if len(span) == 1 else f"{span[0].number}–{span[-1].number}" for span in spans])
