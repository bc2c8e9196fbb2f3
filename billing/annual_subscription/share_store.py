"""One municipality's shares of many years' prices, without the prices themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, func, select

from agreements.agreement import MunicipalityCode
from billing.annual_subscription.tables import subscription, subscription_division, subscription_part
from foundation.database import among


@dataclass(frozen=True, slots=True)
class OwnShare:
    """What a year's newest price says of one payer.

    Attributes:
        cost_oere: What the year costs all of them, before earlier results.
        by_inhabitants: All is split by the inhabitants over the whole year; otherwise a weight is the share itself.
        weight: The payer's, of ``weights`` in all.
        share_oere: Its part of the cost.
        obligation_oere: What it pays: the share less what earlier years' results take off.
    """

    agreement: str
    year: int
    version: int
    cost_oere: int
    by_inhabitants: bool
    weight: int
    weights: int
    share_oere: int
    obligation_oere: int


def shares_of(
    connection: Connection, municipality: MunicipalityCode, codes: Collection[str], years: Collection[int]
) -> list[OwnShare]:
    """A municipality's share in every agreement and year that has a price, by agreement and year; one query.

    Args:
        connection: Where to read.
        municipality: Whose; a price in which it takes no part is not answered.
        codes: Of which agreements.
        years: Of which years.
    """
    if not codes:
        return []
    newest = (
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(among(subscription.c.agreement, codes), subscription.c.year.in_(sorted(years)))
        .group_by(subscription.c.agreement, subscription.c.year)
        .subquery()
    )
    every = subscription_part.alias("every")
    weights = (
        select(func.sum(every.c.weight))
        .where(every.c.subscription_id == subscription.c.id)
        .correlate(subscription)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            subscription.c.agreement,
            subscription.c.year,
            subscription.c.version,
            subscription.c.cost_oere,
            subscription_part.c.weight,
            weights.label("weights"),
            subscription_part.c.share_oere,
            subscription_part.c.obligation_oere,
            exists().where(subscription_division.c.subscription_id == subscription.c.id).label("divided"),
        )
        .join(
            newest,
            and_(
                newest.c.agreement == subscription.c.agreement,
                newest.c.year == subscription.c.year,
                newest.c.version == subscription.c.version,
            ),
        )
        .join(
            subscription_part,
            and_(
                subscription_part.c.subscription_id == subscription.c.id,
                subscription_part.c.municipality == municipality,
            ),
        )
    )
    found = [
        OwnShare(
            row.agreement,
            row.year,
            row.version,
            row.cost_oere,
            by_inhabitants=not row.divided,
            weight=row.weight,
            weights=int(row.weights),
            share_oere=row.share_oere,
            obligation_oere=row.obligation_oere,
        )
        for row in rows
        if row.agreement in codes
    ]
    return sorted(found, key=lambda each: (each.agreement, each.year))
