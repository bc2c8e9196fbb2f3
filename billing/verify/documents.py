"""Documents: billed once, numbered without gaps, at the price that they name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, exists, func, not_, or_, select

from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice, invoice_line, line_credit, number_series
from billing.verify.prices import stored_subscriptions
from billing.verify.words import name_of
from foundation.money import kroner
from foundation.period import Month


def is_credit() -> ColumnElement[bool]:
    """Whether a document takes another back, wholly or by line."""
    return or_(invoice.c.credits_id.is_not(None), exists().where(line_credit.c.credit_id == invoice.c.id))


def _live() -> Subquery:
    """(document, agreement) of which something is left: not itself a credit, nor taken back, nor line by line."""
    crediting = invoice.alias("crediting")
    note_line = invoice_line.alias("note_line")
    taken = (
        select(
            line_credit.c.invoice_id,
            line_credit.c.line_position,
            func.sum(note_line.c.amount_oere).label("amount_oere"),
        )
        .join(
            note_line,
            and_(note_line.c.invoice_id == line_credit.c.credit_id, note_line.c.position == line_credit.c.position),
        )
        .group_by(line_credit.c.invoice_id, line_credit.c.line_position)
        .subquery()
    )
    left = invoice_line.c.amount_oere + func.coalesce(taken.c.amount_oere, 0)
    return (
        select(
            invoice.c.id,
            invoice.c.number,
            invoice_line.c.agreement,
            invoice.c.subscriber,
            invoice.c.kind,
            invoice.c.period_from,
            invoice.c.period_to,
        )
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .outerjoin(taken, and_(taken.c.invoice_id == invoice.c.id, taken.c.line_position == invoice_line.c.position))
        .outerjoin(crediting, crediting.c.credits_id == invoice.c.id)
        .where(not_(is_credit()), crediting.c.id.is_(None))
        .group_by(
            invoice.c.id,
            invoice.c.number,
            invoice_line.c.agreement,
            invoice.c.subscriber,
            invoice.c.kind,
            invoice.c.period_from,
            invoice.c.period_to,
        )
        # Something is left, or nothing was ever taken of it.
        .having(or_(func.sum(func.abs(left)) != 0, func.count(taken.c.invoice_id) == 0))
        .subquery()
    )


def billed_once(connection: Connection) -> Iterator[str]:
    """No month is billed twice, by the documents themselves and by the claims they hold."""
    live = _live()
    # What is sold to others is sold for days of its own choosing, and several such periods may begin alike.
    sold_until = case((live.c.kind == ClaimKind.SURPLUS_CAPACITY.value, live.c.period_to), else_=live.c.period_from)
    twice = (
        select(live.c.agreement, live.c.subscriber, live.c.kind, live.c.period_from, func.count().label("times"))
        .group_by(live.c.agreement, live.c.subscriber, live.c.kind, live.c.period_from, sold_until)
        .having(func.count() > 1)
    )
    for row in connection.execute(twice):
        yield (
            f"{row.agreement}: {name_of(row.subscriber)} er faktureret {row.times} gange ({row.kind}) for perioden fra "
            f"{row.period_from:%d.%m.%Y}"
        )
    held = select(claim).where(claim.c.released_by.is_(None)).subquery()
    of_the_same = and_(held.c.invoice_id == live.c.id, held.c.agreement == live.c.agreement)
    unmatched = (
        select(live.c.number, held.c.id)
        .join_from(live, held, of_the_same, isouter=True)
        .where(
            or_(
                held.c.id.is_(None),
                held.c.municipality != live.c.subscriber,
                held.c.period_from != live.c.period_from,
                held.c.kind != live.c.kind,
                held.c.period_to != live.c.period_to,
            ),
        )
    )
    for row in connection.execute(unmatched):
        yield f"{row.number} har ikke selv kravet på sin periode"
    orphans = (
        select(held.c.municipality, held.c.period_from)
        .join_from(held, live, of_the_same, isouter=True)
        .where(live.c.id.is_(None))
    )
    for row in connection.execute(orphans):
        yield f"kravet på {name_of(row.municipality)} fra {row.period_from:%d.%m.%Y} holdes af et krediteret bilag"


def credited_within_bounds(connection: Connection) -> Iterator[str]:
    """No line is credited for more than it asked for, nor on a credit note that is another payer's."""
    note, note_line = invoice.alias("note"), invoice_line.alias("note_line")
    rows = connection.execute(
        select(
            invoice.c.number,
            invoice_line.c.position,
            invoice_line.c.amount_oere,
            func.sum(note_line.c.amount_oere).label("credited"),
        )
        .select_from(line_credit)
        .join(invoice, invoice.c.id == line_credit.c.invoice_id)
        .join(
            invoice_line,
            and_(invoice_line.c.invoice_id == invoice.c.id, invoice_line.c.position == line_credit.c.line_position),
        )
        .join(
            note_line,
            and_(note_line.c.invoice_id == line_credit.c.credit_id, note_line.c.position == line_credit.c.position),
        )
        .group_by(invoice.c.number, invoice_line.c.invoice_id, invoice_line.c.position, invoice_line.c.amount_oere),
    )
    for row in rows:
        left = row.amount_oere + int(row.credited)
        if abs(left) > abs(row.amount_oere) or left * row.amount_oere < 0:
            yield (
                f"{row.number}, linje {row.position} lyder på {kroner(row.amount_oere)}, men er krediteret med "
                f"{kroner(-int(row.credited))}"
            )
    strangers = connection.execute(
        select(note.c.number, invoice.c.number.label("credited"))
        .select_from(line_credit)
        .join(invoice, invoice.c.id == line_credit.c.invoice_id)
        .join(note, note.c.id == line_credit.c.credit_id)
        .where(or_(note.c.issuer != invoice.c.issuer, note.c.subscriber != invoice.c.subscriber))
        .distinct(),
    )
    for stranger in strangers:
        yield f"{stranger.number} krediterer {stranger.credited}, som er en andens"


def invoices_follow_price(connection: Connection) -> Iterator[str]:
    """Every invoice on account asks for the instalment of the calculation that it names, agreement by agreement."""
    prices: dict[tuple[str, int, int], AnnualSubscription] = {
        (value.agreement, value.year, value.version): value for value in stored_subscriptions(connection)
    }
    named = (
        select(
            invoice.c.number,
            invoice_line.c.agreement,
            invoice.c.subscriber,
            invoice.c.period_from,
            func.sum(invoice_line.c.amount_oere).label("amount_oere"),
            func.max(invoice_line.c.version).label("version"),
        )
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(invoice.c.kind == ClaimKind.ACONTO.value, not_(is_credit()), invoice.c.provisional.is_(False))
        .group_by(
            invoice.c.id,
            invoice.c.number,
            invoice_line.c.agreement,
            invoice.c.subscriber,
            invoice.c.period_from,
        )
    )
    for row in connection.execute(named):
        price = prices.get((row.agreement, row.period_from.year, row.version))
        part = price.part_of(row.subscriber) if price else None
        amounts = {instalment.month: instalment.amount_oere for instalment in part.instalments} if part else {}
        expected = amounts.get(Month.of(row.period_from))
        asked = int(row.amount_oere)
        if expected != asked:
            says = "ingen rate" if expected is None else kroner(expected)
            yield f"{row.number} lyder på {kroner(asked)}, men prisberegningen siger {says}"


def numbers_without_gaps(connection: Connection) -> Iterator[str]:
    """Each issuer's numbers run from 1 without gaps, in date order, as far as the series says."""
    last: dict[tuple[str, int], tuple[int, date]] = {}
    rows = connection.execute(
        select(
            invoice.c.issuer, invoice.c.series_year, invoice.c.sequence, invoice.c.number, invoice.c.issue_date
        ).order_by(invoice.c.issuer, invoice.c.series_year, invoice.c.sequence),
    )
    for row in rows:
        key = (row.issuer, row.series_year)
        sequence, day = last.get(key, (0, date.min))
        if row.sequence != sequence + 1:
            missing = f"{sequence + 1}" if row.sequence == sequence + 2 else f"{sequence + 1}-{row.sequence - 1}"
            yield f"{name_of(row.issuer)} {row.series_year}: der mangler nr. {missing} før {row.number}"
        if row.issue_date < day:
            yield f"{row.number} er dateret {row.issue_date:%d.%m.%Y}, før nummeret foran ({day:%d.%m.%Y})"
        if row.issue_date.year != row.series_year:
            yield f"{row.number} er dateret {row.issue_date:%d.%m.%Y}, uden for seriens år"
        last[key] = (row.sequence, max(day, row.issue_date))
    series = {(row.issuer, row.year): row for row in connection.execute(select(number_series))}
    for issuer, year in sorted(set(last) - set(series)):
        yield f"{name_of(issuer)} {year}: serien mangler, så det næste bilag får et nummer, der er brugt"
    for row in series.values():
        sequence, day = last.get((row.issuer, row.year), (0, date.min))
        if sequence and row.last_issue_date != day:
            yield (
                f"{name_of(row.issuer)} {row.year}: serien siger {row.last_issue_date:%d.%m.%Y}, men sidste bilag er "
                f"dateret {day:%d.%m.%Y}"
            )
        if sequence != row.last_sequence:
            yield f"{name_of(row.issuer)} {row.year}: serien siger {row.last_sequence}, sidste bilag er nr. {sequence}"
