"""What is stored of deadlines, read at once for one agreement or for all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Select, exists, func, or_, select

from agreements.agreement import Agreement, MunicipalityCode
from agreements.membership import MembershipPeriod, Memberships
from agreements.schedule import instalment_of
from agreements.tables import agreement_version, budget_line, membership
from billing.accounts.tables import decision, result_movement
from billing.annual_subscription.tables import price_notice, subscription, subscription_cost_line
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice
from billing.monthly_run.tables import issuer_setting
from billing.usage_statement.tables import usage_release
from billing.year_end_settlement.tables import accounts_line, year_settlement
from foundation.audit import audit_event
from foundation.database import among
from foundation.period import Month


@dataclass(frozen=True, slots=True)
class Event:
    """What the audit trail says of something that was done."""

    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    """A document that held a month's claim on the day asked about."""

    series: tuple[MunicipalityCode, int]
    sequence: int
    number: str
    issued_on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A price that was told."""

    version: int
    given_on: date


@dataclass(frozen=True, slots=True)
class Left:
    """A notice to leave."""

    municipality: MunicipalityCode
    last_year: int
    given_on: date | None


Place: TypeAlias = tuple[MunicipalityCode, str]  # a provider and its service


@dataclass(slots=True)
class Stored:
    """Everything that a status rests on, by agreement's code, as it was on the day."""

    loaded_on: dict[str, date] = field(default_factory=dict)
    members: dict[str, list[MembershipPeriod]] = field(default_factory=lambda: defaultdict(list))
    payers: dict[tuple[str, Month], tuple[MunicipalityCode, ...]] = field(default_factory=dict)
    memberships: Memberships = field(default_factory=lambda: Memberships({}))
    left: dict[str, list[Left]] = field(default_factory=lambda: defaultdict(list))
    bills: dict[tuple[str, Month], dict[MunicipalityCode, Bill]] = field(default_factory=lambda: defaultdict(dict))
    # Whom each month was billed to and when the last of it was, where the documents were not read.
    billed: dict[tuple[str, Month], tuple[frozenset[MunicipalityCode], date]] = field(default_factory=dict)
    case_bills: dict[tuple[str, Month], dict[MunicipalityCode, Bill]] = field(default_factory=lambda: defaultdict(dict))
    case_months: dict[str, dict[Month, frozenset[MunicipalityCode]]] = field(default_factory=dict)
    priced: dict[tuple[str, int], int] = field(default_factory=dict)
    notices: dict[tuple[str, int], list[Notice]] = field(default_factory=lambda: defaultdict(list))
    budgeted: dict[tuple[str, int], set[Place]] = field(default_factory=lambda: defaultdict(set))
    accounts: dict[tuple[str, int], dict[Place, date]] = field(default_factory=lambda: defaultdict(dict))
    closed: dict[tuple[str, int], date] = field(default_factory=dict)
    true_ups: dict[tuple[str, Month], dict[MunicipalityCode, Bill]] = field(default_factory=lambda: defaultdict(dict))
    to_true_up: dict[tuple[str, int], set[MunicipalityCode]] = field(default_factory=lambda: defaultdict(set))
    released: dict[tuple[str, date, date], tuple[date, int]] = field(default_factory=dict)
    four_eyes: set[MunicipalityCode] = field(default_factory=set)
    events: dict[tuple[str, ...], list[Event]] = field(default_factory=lambda: defaultdict(list))


def read_stored(connection: Connection, as_of: date, codes: list[str] | None, since: int, *, brief: bool) -> Stored:
    """What a status rests on; of the months' bills those of this year and later, for they are many."""

    def of(column: Column[Any]) -> ColumnElement[bool]:
        return among(column, codes)

    stored = Stored()
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
            stored.left[row.agreement].append(Left(row.municipality, row.to_year, row.notice_given_on))
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


def _read_bills(connection: Connection, held: Select[Any], stored: Stored) -> None:
    """The document that held each claim."""
    by_kind = {
        ClaimKind.ACONTO.value: stored.bills,
        ClaimKind.CASE.value: stored.case_bills,
        ClaimKind.TRUE_UP.value: stored.true_ups,
    }
    for row in connection.execute(held.order_by(claim.c.id)):
        bills = by_kind[row.kind]
        bills[row.agreement, Month.of(row.period_from)][row.municipality] = Bill(
            (row.issuer, row.series_year), row.sequence, row.number, row.issue_date, row.provisional
        )


def _read_billed(connection: Connection, as_of: date, of: Only, since: int, stored: Stored) -> None:
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


def read_unfinished(
    connection: Connection, as_of: date, versions: Mapping[str, tuple[int, Agreement]], since: int, stored: Stored
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


def _read_prices(connection: Connection, as_of: date, of: Only, stored: Stored) -> None:
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
        stored.notices[row.agreement, row.year].append(Notice(row.version, row.given_on))


def _read_accounts(connection: Connection, as_of: date, of: Only, stored: Stored) -> None:
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


def read_events(connection: Connection, code: str | None, stored: Stored) -> None:
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
        event = Event(row.actor, _instant(row.happened_at))
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
