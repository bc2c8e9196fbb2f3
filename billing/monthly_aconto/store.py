"""Who has nothing to pay in a year, of many agreements in few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy import Connection, and_, exists, extract, func, or_, select

from agreements.agreement import MunicipalityCode
from billing.annual_subscription.tables import (
    subscription,
    subscription_instalment,
    subscription_instalment_passed_on,
    subscription_part,
    subscription_passed_on,
)
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim
from foundation.database import among


def without_share(
    connection: Connection, codes: Collection[str] | None, as_of: date | None = None
) -> dict[tuple[str, int], frozenset[MunicipalityCode]]:
    """Who takes part in a year and has nothing at all to pay in it, so that no month of it is due.

    The newest price gives it no share, no earlier result and no instalment, and it was never billed for the year. A
    year without a price is asked of the year before, whose instalment it is billed by (domain rule 8). Once a newer
    price gives it a share, every month is due.

    Args:
        connection: Where to read.
        codes: Whose; None for all. Others may be answered, too.
        as_of: Only prices that were calculated by this day; None for all.

    Returns:
        (agreement, year) -> codes; only years with somebody.

    Source: domain rules 1, 4 and 8; docs/decisions/0054-without-a-share.md.
    """
    of_codes = [among(subscription.c.agreement, codes)]
    if as_of is not None:
        of_codes.append(subscription.c.calculated_on <= as_of)
    newest = (
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(*of_codes)
        .group_by(subscription.c.agreement, subscription.c.year)
        .subquery()
    )
    part = subscription_part
    instalment, passed_on, of_instalment = (
        table.alias() for table in (subscription_instalment, subscription_passed_on, subscription_instalment_passed_on)
    )
    amounts = (
        (instalment, or_(instalment.c.gross_oere != 0, instalment.c.amount_oere != 0)),
        (passed_on, passed_on.c.amount_oere != 0),
        (of_instalment, of_instalment.c.amount_oere != 0),
    )
    rows = connection.execute(
        select(subscription.c.agreement, subscription.c.year, part.c.municipality)
        .join(
            newest,
            and_(
                newest.c.agreement == subscription.c.agreement,
                newest.c.year == subscription.c.year,
                newest.c.version == subscription.c.version,
            ),
        )
        .join(part, part.c.subscription_id == subscription.c.id)
        .where(
            part.c.share_oere == 0,
            part.c.obligation_oere == 0,
            *(
                ~exists().where(
                    table.c.subscription_id == part.c.subscription_id,
                    table.c.municipality == part.c.municipality,
                    something,
                )
                for table, something in amounts
            ),
        )
    ).all()
    if not rows:
        return {}
    found: dict[tuple[str, int], set[MunicipalityCode]] = defaultdict(set)
    for row in rows:
        found[row.agreement, row.year].add(row.municipality)
    concerned = {code for code, _year in found}
    years = select(subscription.c.agreement, subscription.c.year).where(*of_codes).distinct()
    priced = {(row.agreement, row.year) for row in connection.execute(years)}
    for (code, year), who in list(found.items()):
        if (code, year + 1) not in priced:
            found[code, year + 1] |= who
    of_year = extract("year", claim.c.period_from).label("year")
    billed = connection.execute(
        select(claim.c.agreement, of_year, claim.c.municipality)
        .where(
            claim.c.kind == ClaimKind.ACONTO.value,
            among(claim.c.agreement, concerned),
            among(claim.c.municipality, {row.municipality for row in rows}),
        )
        .distinct()
    )
    for row in billed:
        found.get((row.agreement, int(row.year)), set()).discard(row.municipality)
    return {key: frozenset(who) for key, who in found.items() if who}
