"""Vouchers, decisions and movements in and out of the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from agreements.agreement import MunicipalityCode
from billing.accounts.facts import (
    Account,
    Decision,
    DecisionKind,
    InvoicedMonth,
    ResultMovement,
    ResultSource,
    Voucher,
    VoucherKind,
)
from billing.accounts.tables import decision, posting, result_movement, voucher
from foundation.database import among, insert_bulk, insert_rows, reserve_ids
from foundation.period import BillingYear, Month


def write_vouchers(
    connection: Connection, vouchers: Sequence[Voucher], meanwhile: Callable[[], None] | None = None
) -> None:
    """Append vouchers with their postings; ``meanwhile`` as ``insert_bulk`` does it."""
    ids = reserve_ids(connection, voucher, len(vouchers))
    insert_bulk(
        connection,
        voucher,
        VOUCHER_COLUMNS,
        (
            (
                voucher_id,
                entry.agreement,
                entry.kind.value,
                entry.booked_on,
                entry.reference,
                entry.text,
                entry.municipality,
                _first_day(entry.service_month),
                entry.claim_effect,
            )
            for voucher_id, entry in zip(ids, vouchers, strict=True)
        ),
    )
    insert_bulk(
        connection,
        posting,
        POSTING_COLUMNS,
        (
            (
                voucher_id,
                entry.agreement,
                line.account.value,
                line.municipality,
                line.provider,
                line.service,
                line.accounting_year,
                _first_day(line.service_month),
                line.amount_oere,
            )
            for voucher_id, entry in zip(ids, vouchers, strict=True)
            for line in entry.postings
        ),
        meanwhile,
    )


VOUCHER_COLUMNS = (
    "id",
    "agreement",
    "kind",
    "booked_on",
    "reference",
    "text",
    "municipality",
    "service_month",
    "claim_effect",
)
POSTING_COLUMNS = (
    "voucher_id",
    "agreement",
    "account",
    "municipality",
    "provider",
    "service",
    "accounting_year",
    "service_month",
    "amount_oere",
)


def _first_day(month: Month | None) -> date | None:
    return None if month is None else month.period.from_day


def voucher_postings(connection: Connection, agreement: str, kind: VoucherKind, reference: str) -> list[Any]:
    """The postings of one voucher as rows, for its counter-entry."""
    return list(
        connection.execute(
            select(posting)
            .join(voucher, voucher.c.id == posting.c.voucher_id)
            .where(
                voucher.c.agreement == agreement,
                voucher.c.kind == kind.value,
                voucher.c.reference == reference,
            )
            .order_by(posting.c.id),
        ),
    )


def invoiced_months(
    connection: Connection,
    agreement: str,
    year: int,
) -> dict[MunicipalityCode, tuple[InvoicedMonth, ...]]:
    """What each payer was invoiced per month of a year, where the month's claim is held."""
    days = BillingYear(year).period
    in_year = (
        voucher.c.agreement == agreement,
        voucher.c.service_month >= days.from_day,
        voucher.c.service_month < days.to_day,
    )
    held = connection.execute(
        select(voucher.c.municipality, voucher.c.service_month)
        .where(*in_year)
        .group_by(voucher.c.municipality, voucher.c.service_month)
        .having(func.sum(voucher.c.claim_effect) > 0)
        .order_by(voucher.c.municipality, voucher.c.service_month),
    ).all()
    gross: dict[tuple[str, Month], int] = defaultdict(int)
    passed_on: dict[tuple[str, Month], dict[ResultSource, int]] = defaultdict(lambda: defaultdict(int))
    sums = connection.execute(
        select(
            voucher.c.municipality,
            voucher.c.service_month,
            posting.c.account,
            posting.c.accounting_year,
            posting.c.provider,
            func.sum(posting.c.amount_oere).label("amount_oere"),
        )
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(*in_year, posting.c.account.in_([Account.ACONTO.value, Account.RESULT.value]))
        .group_by(
            voucher.c.municipality,
            voucher.c.service_month,
            posting.c.account,
            posting.c.accounting_year,
            posting.c.provider,
        ),
    )
    for row in sums:
        key = (row.municipality, Month.of(row.service_month))
        if row.account == Account.ACONTO.value:
            gross[key] -= int(row.amount_oere)
        else:
            passed_on[key][ResultSource(row.accounting_year, row.provider)] += int(row.amount_oere)
    months: dict[MunicipalityCode, list[InvoicedMonth]] = defaultdict(list)
    for municipality, first_day in held:
        key = (municipality, Month.of(first_day))
        sources = {source: amount for source, amount in sorted(passed_on[key].items()) if amount}
        months[municipality].append(InvoicedMonth(key[1], gross[key], sources))
    return {municipality: tuple(entries) for municipality, entries in months.items()}


def received_per_provider(connection: Connection, agreement: str, year: int) -> dict[MunicipalityCode, int]:
    """A conto invoiced for the year before passed-on results, per provider (domain rule 9)."""
    rows = connection.execute(
        select(posting.c.provider, func.sum(posting.c.amount_oere).label("amount_oere"))
        .join(voucher, voucher.c.id == posting.c.voucher_id)
        .where(
            posting.c.agreement == agreement,
            posting.c.account == Account.ACONTO.value,
            posting.c.accounting_year == year,
            voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]),
        )
        .group_by(posting.c.provider),
    )
    return {row.provider: -int(row.amount_oere) for row in rows}


def surplus_sold(connection: Connection, agreement: str, year: int) -> dict[tuple[MunicipalityCode, str], int]:
    """What surplus capacity was billed for in a year, after credits: (provider, service) -> øre (§ 9 stk. 3)."""
    rows = connection.execute(
        select(posting.c.provider, posting.c.service, func.sum(posting.c.amount_oere).label("amount_oere"))
        .where(
            posting.c.agreement == agreement,
            posting.c.account == Account.SURPLUS_CAPACITY.value,
            posting.c.accounting_year == year,
        )
        .group_by(posting.c.provider, posting.c.service),
    )
    return {(row.provider, row.service): -int(row.amount_oere) for row in rows if row.amount_oere}


def clearing_per_provider(
    connection: Connection,
    agreement: str,
    year: int,
) -> dict[MunicipalityCode, dict[str, int]]:
    """Provider -> voucher kind group -> clearing balance of one billing year.

    Returns:
        Keys ``entitled`` (credits, as a positive amount), ``collected`` (debits) and ``cleared`` (transfers).
    """
    rows = connection.execute(
        select(posting.c.provider, posting.c.municipality, voucher.c.kind, posting.c.amount_oere)
        .join(voucher, voucher.c.id == posting.c.voucher_id)
        .where(
            posting.c.agreement == agreement,
            posting.c.account == Account.CLEARING.value,
            posting.c.accounting_year == year,
        ),
    )
    balances: dict[MunicipalityCode, dict[str, int]] = {}
    for row in rows:
        balance = balances.setdefault(row.provider, {"entitled": 0, "collected": 0, "cleared": 0})
        if row.kind == VoucherKind.CLEARING.value:
            balance["cleared"] += int(row.amount_oere)
        elif row.municipality is None:
            balance["entitled"] -= int(row.amount_oere)
        else:
            # What is collected names the payer it was collected from.
            balance["collected"] += int(row.amount_oere)
    return dict(sorted(balances.items()))


def write_decision(connection: Connection, made: Decision, movements: Sequence[ResultMovement]) -> None:
    """Append a decision and how it moves a result.

    Raises:
        sqlalchemy.exc.IntegrityError: the year is closed already (``uq_decision_…``).
    """
    sequence = connection.execute(
        select(func.coalesce(func.max(decision.c.sequence), 0) + 1).where(
            decision.c.agreement == made.agreement,
            decision.c.accounting_year == made.accounting_year,
            decision.c.kind == made.kind.value,
        ),
    ).scalar_one()
    (decision_id,) = reserve_ids(connection, decision, 1)
    connection.execute(
        decision.insert().values(
            id=decision_id,
            agreement=made.agreement,
            accounting_year=made.accounting_year,
            kind=made.kind.value,
            sequence=sequence,
            decided_on=made.decided_on,
            author=made.author,
            approver=made.approver,
            text=made.text,
        ),
    )
    insert_rows(
        connection,
        result_movement,
        [
            {
                "decision_id": decision_id,
                "agreement": made.agreement,
                "accounting_year": movement.source.accounting_year,
                "provider": movement.source.provider,
                "municipality": movement.municipality,
                "application_year": movement.application_year,
                "amount_oere": movement.amount_oere,
            }
            for movement in movements
            if movement.amount_oere
        ],
    )


def movements(connection: Connection, agreement: str) -> list[ResultMovement]:
    """How all results of the agreement were disposed of, summed per place; oldest year first."""
    columns = (
        result_movement.c.accounting_year,
        result_movement.c.provider,
        result_movement.c.municipality,
        result_movement.c.application_year,
    )
    rows = connection.execute(
        select(*columns, func.sum(result_movement.c.amount_oere).label("amount_oere"))
        .where(result_movement.c.agreement == agreement)
        .group_by(*columns),
    ).all()
    return [
        ResultMovement(
            ResultSource(row.accounting_year, row.provider),
            row.municipality,
            int(row.amount_oere),
            row.application_year,
        )
        for row in sorted(
            rows,
            key=lambda row: (row.accounting_year, row.provider, row.municipality or "", row.application_year or 0),
        )
    ]


def results_due(
    connection: Connection, codes: Collection[str] | None, years: Collection[int]
) -> dict[tuple[str, int], tuple[int, int]]:
    """What earlier results were decided to change prices of some years, told apart by how far the decisions have come.

    Args:
        connection: Where to read.
        codes: Of which agreements; None for all. Others may be answered, too.
        years: The years whose prices take them.

    Returns:
        (agreement, year) -> how many movements, and the last of them; rows are only added, so these are the same
        only while nothing was decided since. Nothing where there are none.
    """
    moved = result_movement.c
    rows = connection.execute(
        select(moved.agreement, moved.application_year, func.count().label("many"), func.max(moved.id).label("last"))
        .where(
            among(moved.agreement, codes),
            moved.application_year.in_(sorted(years)),
            moved.application_year != moved.accounting_year,
        )
        .group_by(moved.agreement, moved.application_year)
    )
    return {(row.agreement, row.application_year): (row.many, row.last) for row in rows}


def is_closed(connection: Connection, agreement: str, year: int) -> bool:
    """Whether the year's result is settled, so that nothing of it may change."""
    return (
        connection.execute(
            select(decision.c.id).where(
                decision.c.agreement == agreement,
                decision.c.accounting_year == year,
                decision.c.kind == DecisionKind.CLOSE.value,
            ),
        ).first()
        is not None
    )


def closed_years(connection: Connection, codes: Collection[str] | None) -> set[tuple[str, int]]:
    """(agreement, year) of every year whose result is settled."""
    rows = connection.execute(
        select(decision.c.agreement, decision.c.accounting_year).where(
            decision.c.kind == DecisionKind.CLOSE.value,
            among(decision.c.agreement, codes),
        ),
    )
    return {(row.agreement, row.accounting_year) for row in rows}


def decisions(connection: Connection, agreement: str) -> list[Decision]:
    """All decisions on results, in the order they were made."""
    return [
        Decision(
            agreement=row.agreement,
            accounting_year=row.accounting_year,
            kind=DecisionKind(row.kind),
            decided_on=row.decided_on,
            author=row.author,
            approver=row.approver,
            text=row.text,
        )
        for row in connection.execute(
            select(decision).where(decision.c.agreement == agreement).order_by(decision.c.id),
        )
    ]


def next_reference(connection: Connection, agreement: str, kind: VoucherKind, stem: str) -> str:
    """The next free reference of a kind: ``2009-1``, ``2009-2``."""
    taken = connection.execute(
        select(func.count())
        .select_from(voucher)
        .where(
            voucher.c.agreement == agreement,
            voucher.c.kind == kind.value,
            voucher.c.reference.like(f"{stem}-%"),
        ),
    ).scalar_one()
    return f"{stem}-{taken + 1}"
