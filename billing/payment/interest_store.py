"""Reference rates, what interest is worked out from, plans of it and the days that were billed."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice
from billing.monthly_run.facts import PlanEvent, PlanState
from billing.payment import store
from billing.payment.facts import OpenItem
from billing.payment.interest_facts import (
    Billed,
    InterestClaim,
    InterestLine,
    InterestPlan,
    InterestScope,
    PlannedInterest,
    Principal,
    ReferenceRate,
    Segment,
)
from billing.payment.tables import (
    interest_line,
    interest_period,
    interest_plan,
    interest_plan_event,
    interest_plan_line,
    payment_match,
    payment_match_document,
    reference_rate,
)
from foundation.audit import Occasion
from foundation.database import insert_rows, reserve_ids


@lru_cache(maxsize=1)
def shipped_rates() -> tuple[ReferenceRate, ...]:
    """The reference rates that come with the program; ``data/README.md`` says where they are from."""
    text = resources.files("billing.payment").joinpath("data/reference_rates.csv").read_text(encoding="utf-8")
    return tuple(
        ReferenceRate(date.fromisoformat(row["effective_from"]), Decimal(row["reference_rate_pct"]), row["source"])
        for row in csv.DictReader(text.splitlines())
    )


def rates(connection: Connection) -> dict[date, ReferenceRate]:
    """Day -> the rate from it: what an officer entered last, else what we ship; ascending."""
    found = {rate.effective_from: rate for rate in shipped_rates()}
    for row in connection.execute(select(reference_rate).order_by(reference_rate.c.id)):
        found[row.effective_from] = ReferenceRate(row.effective_from, Decimal(row.rate), row.source)
    return dict(sorted(found.items()))


def write_rate(connection: Connection, rate: ReferenceRate, occasion: Occasion) -> None:
    """Append a rate; it applies before an older one of the same day."""
    connection.execute(
        reference_rate.insert().values(
            effective_from=rate.effective_from,
            rate=str(rate.rate),
            source=rate.source,
            entered_on=occasion.as_of,
            entered_by=occasion.actor,
        ),
    )


# What interest is worked out from.


def principals(
    connection: Connection,
    issuer: MunicipalityCode,
    last_day: date,
    municipality: MunicipalityCode | None = None,
) -> list[Principal]:
    """The issuer's documents that fell due before a day and are no interest themselves, with what was paid of them.

    What a credit note takes back was never owed; what was paid or set off counts from its own day.
    """
    everything = store.open_items(connection, issuer)
    by_id = {item.invoice_id: item for item in everything}
    credited: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for item in everything:
        for target in item.credits:
            for agreement, amount in _by_agreement(item).items():
                credited[target][agreement] += amount
    wanted = [
        item
        for item in everything
        if item.amount_oere > 0
        and item.kind is not ClaimKind.INTEREST
        and not item.credits
        and item.due_date < last_day
        and municipality in {None, item.subscriber}
    ]
    paid = _paid(connection, issuer, by_id)
    billed = _billed(connection, issuer)
    return [
        Principal(
            invoice_id=item.invoice_id,
            number=item.number,
            subscriber=item.subscriber,
            due_date=item.due_date,
            amount_oere=max(0, item.amount_oere + sum(credited[item.invoice_id].values())),
            paid=dict(sorted(paid[item.invoice_id].items())),
            pieces=_owed(_by_agreement(item), credited[item.invoice_id]),
            billed=billed.get(item.invoice_id, {}),
        )
        for item in wanted
    ]


def _owed(asked: Mapping[str, int], credited: Mapping[str, int]) -> dict[str, int]:
    """What each agreement asked for and was not credited of; where nothing is left, what they asked for at first."""
    left = {agreement: amount + credited.get(agreement, 0) for agreement, amount in asked.items()}
    return left if sum(left.values()) > 0 else dict(asked)


def _by_agreement(item: OpenItem) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (agreement, _), amount in item.pieces.items():
        found[agreement] += amount
    return dict(sorted(found.items()))


def _paid(
    connection: Connection, issuer: MunicipalityCode, by_id: Mapping[int, OpenItem]
) -> dict[int, dict[date, int]]:
    """Document -> day -> what was paid or set off on it, without its own credit notes."""
    rows = connection.execute(
        select(
            payment_match.c.id,
            payment_match.c.effective_on,
            payment_match_document.c.invoice_id,
            func.sum(payment_match_document.c.amount_oere).label("amount_oere"),
        )
        .join(payment_match, payment_match.c.id == payment_match_document.c.match_id)
        .where(payment_match.c.issuer == issuer)
        .group_by(payment_match.c.id, payment_match.c.effective_on, payment_match_document.c.invoice_id),
    ).all()
    by_match: dict[int, dict[int, int]] = defaultdict(dict)
    days: dict[int, date] = {}
    for row in rows:
        by_match[row.id][row.invoice_id] = int(row.amount_oere)
        days[row.id] = row.effective_on
    found: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for match, amounts in by_match.items():
        for invoice_id, amount in amounts.items():
            own = sum(
                other_amount
                for other, other_amount in amounts.items()
                if other in by_id and invoice_id in by_id[other].credits
            )
            if amount + own:
                found[invoice_id][days[match]] += amount + own
    return found


def _billed(connection: Connection, issuer: MunicipalityCode) -> dict[int, dict[str, Billed]]:
    """Document -> agreement -> what interest of it was billed by invoices that hold their claims."""
    rows = connection.execute(
        select(
            interest_period.c.principal_id,
            interest_period.c.agreement,
            func.sum(interest_period.c.amount_oere).label("amount_oere"),
            func.max(interest_period.c.to_day).label("to_day"),
        )
        .join(invoice, invoice.c.id == interest_period.c.interest_id)
        .join(
            claim,
            and_(
                claim.c.invoice_id == interest_period.c.interest_id,
                claim.c.agreement == interest_period.c.agreement,
                claim.c.released_by.is_(None),
            ),
        )
        .where(invoice.c.issuer == issuer)
        .group_by(interest_period.c.principal_id, interest_period.c.agreement),
    )
    found: dict[int, dict[str, Billed]] = defaultdict(dict)
    for row in rows:
        found[row.principal_id][row.agreement] = Billed(int(row.amount_oere), row.to_day)
    return dict(found)


def period_ends(connection: Connection, agreements: Sequence[str]) -> dict[tuple[str, MunicipalityCode], date]:
    """(agreement, payer) -> where the period of its last interest invoice that stands ended."""
    rows = connection.execute(
        select(claim.c.agreement, claim.c.municipality, func.max(claim.c.period_to).label("to_day"))
        .where(
            claim.c.kind == ClaimKind.INTEREST.value,
            claim.c.released_by.is_(None),
            claim.c.agreement.in_(list(agreements)),
        )
        .group_by(claim.c.agreement, claim.c.municipality),
    )
    return {(row.agreement, row.municipality): row.to_day for row in rows}


def write_periods(connection: Connection, documents: Sequence[tuple[int, PlannedInterest]]) -> None:
    """Append the days that interest invoices bill, each document's next ones, and what their lines rest on.

    Args:
        connection: The transaction that issued the invoices.
        documents: (id of the interest invoice, what was planned of it).

    Raises:
        sqlalchemy.exc.IntegrityError: somebody else billed the next days meanwhile
            (``uq_interest_period_principal_id_agreement_sequence``).
    """
    taken = {
        (row.principal_id, row.agreement): int(row.taken)
        for row in connection.execute(
            select(
                interest_period.c.principal_id,
                interest_period.c.agreement,
                func.max(interest_period.c.sequence).label("taken"),
            ).group_by(interest_period.c.principal_id, interest_period.c.agreement),
        )
    }
    insert_rows(
        connection,
        interest_period,
        [
            {
                "principal_id": each.invoice_id,
                "agreement": each.agreement,
                "sequence": taken.get((each.invoice_id, each.agreement), 0) + 1,
                "from_day": each.from_day,
                "to_day": each.to_day,
                "amount_oere": each.amount_oere,
                "interest_id": interest_id,
            }
            for interest_id, planned in documents
            for each in planned.claims
        ],
    )
    insert_rows(
        connection,
        interest_line,
        [
            {
                "invoice_id": interest_id,
                "position": position,
                "principal_id": each.invoice_id,
                "base_oere": line.segment.base_oere,
                "rate": str(line.segment.rate),
                "days": line.segment.days,
                "days_in_year": line.segment.days_in_year,
            }
            for interest_id, planned in documents
            for position, (each, line) in enumerate(
                ((each, line) for each in planned.claims for line in each.lines),
                start=1,
            )
            if line.segment
        ],
    )


# Plans.


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write_plan(connection: Connection, plan: InterestPlan) -> int:
    """Append a plan; answers its number."""
    (plan_id,) = reserve_ids(connection, interest_plan, 1)
    connection.execute(
        interest_plan.insert().values(
            id=plan_id,
            issuer=plan.scope.issuer,
            municipality=plan.scope.municipality,
            last_day=plan.scope.last_day,
            as_of=plan.as_of,
            planned_by=plan.planned_by,
            four_eyes=plan.four_eyes,
            hash=plan.hash,
            inputs=_json(dict(plan.inputs)),
        ),
    )
    lines = [(document, each, line) for document in plan.documents for each in document.claims for line in each.lines]
    insert_rows(
        connection,
        interest_plan_line,
        [
            {
                "plan_id": plan_id,
                "position": position,
                "agreement": document.agreement,
                "subscriber": document.subscriber,
                "document_from": document.from_day,
                "document_to": document.to_day,
                "invoice_id": each.invoice_id,
                "number": each.number,
                "due_date": each.due_date,
                "claim_from": each.from_day,
                "claim_to": each.to_day,
                "from_day": line.from_day,
                "last_day": line.last_day,
                "base_oere": line.segment and line.segment.base_oere,
                "rate": line.segment and str(line.segment.rate),
                "days_in_year": line.segment and line.segment.days_in_year,
                "amount_oere": line.amount_oere,
                "text": line.text,
            }
            for position, (document, each, line) in enumerate(lines, start=1)
        ],
    )
    return plan_id


def write_event(connection: Connection, number: int, event: PlanEvent) -> None:
    """Append what became of a plan.

    Raises:
        sqlalchemy.exc.IntegrityError: it happened before (``uq_interest_plan_event_…``).
    """
    connection.execute(
        interest_plan_event.insert().values(
            plan_id=number,
            kind=event.state.value,
            happened_on=event.happened_on,
            actor=event.actor,
            note=event.note,
        ),
    )


def plan_numbers(connection: Connection, issuer: MunicipalityCode | None = None) -> list[int]:
    """All plans, oldest first."""
    query = select(interest_plan.c.id).order_by(interest_plan.c.id)
    if issuer is not None:
        query = query.where(interest_plan.c.issuer == issuer)
    return list(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class InterestPlanHead:
    """A plan as a listing shows it.

    Attributes:
        state: The newest of what became of it.
        documents: How many interest invoices it holds.
        total_oere: What they ask for together.
    """

    number: int
    last_day: date
    planned_by: str
    state: PlanState
    documents: int
    total_oere: int


def plans_part(
    connection: Connection, issuer: MunicipalityCode, *, size: int, before: int | None = None
) -> tuple[list[InterestPlanHead], int | None]:
    """Some of an issuer's plans, the newest first, and the number before which the following are; three queries.

    Args:
        connection: Where to read.
        issuer: Whose.
        size: How many at most.
        before: Only those with a lower number.
    """
    query = select(interest_plan.c.id, interest_plan.c.last_day, interest_plan.c.planned_by).where(
        interest_plan.c.issuer == issuer
    )
    if before is not None:
        query = query.where(interest_plan.c.id < before)
    rows = connection.execute(query.order_by(interest_plan.c.id.desc()).limit(size + 1)).all()
    shown = rows[:size]
    if not shown:
        return [], None
    numbers = [row.id for row in shown]
    line = interest_plan_line.c
    of_each = (
        select(line.plan_id, func.sum(line.amount_oere).label("amount_oere"))
        .where(line.plan_id.in_(numbers))
        .group_by(line.plan_id, line.agreement, line.subscriber)
        .subquery()
    )
    sums = {
        row.plan_id: (row.documents, int(row.total_oere))
        for row in connection.execute(
            select(
                of_each.c.plan_id,
                func.count().label("documents"),
                func.sum(of_each.c.amount_oere).label("total_oere"),
            ).group_by(of_each.c.plan_id)
        )
    }
    events = connection.execute(
        select(interest_plan_event.c.plan_id, interest_plan_event.c.kind)
        .where(interest_plan_event.c.plan_id.in_(numbers))
        .order_by(interest_plan_event.c.id)
    )
    state = {row.plan_id: PlanState(row.kind) for row in events}
    heads = [
        InterestPlanHead(
            row.id, row.last_day, row.planned_by, state.get(row.id, PlanState.PLANNED), *sums.get(row.id, (0, 0))
        )
        for row in shown
    ]
    return heads, numbers[-1] if len(rows) > size else None


def read_plan(connection: Connection, number: int) -> InterestPlan | None:
    """A plan with its lines and what became of it; None where there is none."""
    row = connection.execute(select(interest_plan).where(interest_plan.c.id == number)).one_or_none()
    if row is None:
        return None
    lines = connection.execute(
        select(interest_plan_line)
        .where(interest_plan_line.c.plan_id == number)
        .order_by(interest_plan_line.c.position),
    )
    events = connection.execute(
        select(interest_plan_event).where(interest_plan_event.c.plan_id == number).order_by(interest_plan_event.c.id),
    )
    return InterestPlan(
        number=number,
        scope=InterestScope(row.issuer, row.last_day, row.municipality),
        as_of=row.as_of,
        planned_by=row.planned_by,
        four_eyes=row.four_eyes,
        hash=row.hash,
        inputs=json.loads(row.inputs),
        documents=_documents(lines.all()),
        events=tuple(PlanEvent(PlanState(event.kind), event.happened_on, event.actor, event.note) for event in events),
    )


def _documents(rows: Sequence[Row[Any]]) -> tuple[PlannedInterest, ...]:
    documents: dict[tuple[str, str], PlannedInterest] = {}
    claims: dict[tuple[str, str], dict[int, InterestClaim]] = defaultdict(dict)
    for row in rows:
        key = (row.agreement, row.subscriber)
        documents[key] = PlannedInterest(row.agreement, row.subscriber, row.document_from, row.document_to, ())
        known = claims[key].get(row.invoice_id) or InterestClaim(
            invoice_id=row.invoice_id,
            number=row.number,
            agreement=row.agreement,
            subscriber=row.subscriber,
            due_date=row.due_date,
            from_day=row.claim_from,
            to_day=row.claim_to,
            lines=(),
        )
        claims[key][row.invoice_id] = replace(known, lines=(*known.lines, _line(row)))
    return tuple(replace(document, claims=tuple(claims[key].values())) for key, document in documents.items())


def _line(row: Row[Any]) -> InterestLine:
    segment = None
    if row.rate is not None:
        segment = Segment(row.from_day, row.last_day, row.base_oere, Decimal(row.rate), row.days_in_year)
    return InterestLine(row.number, segment, row.from_day, row.last_day, row.amount_oere, row.text)
