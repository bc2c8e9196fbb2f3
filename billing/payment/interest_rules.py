"""Late interest by renteloven § 5, day by day and exactly; one rounding per document, pure.

A payment counts from the day after it: one that comes on the day after the due date is one day late. Interest is worked
out from the day after the due date to a day, whole, and what was billed before is taken off; so it is the same however
the time is cut into invoices, and a payment that is entered late corrects itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm

from agreements.agreement import MunicipalityCode
from billing.accounts.facts import Account, Posting
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind, PartySnapshot
from billing.payment.interest_facts import (
    InterestClaim,
    InterestLine,
    PlannedInterest,
    Principal,
    Segment,
)
from foundation.errors import BadInput, N_, RuleBroken
from foundation.money import apportion_signed, kroner, whole_oere
from foundation.period import Period

A_DAY = timedelta(days=1)
JULY = 7
# Renteloven § 5 stk. 1: claims that fall due from this day on bear 8 per cent over the reference rate, before it 7.
HIGHER_SURCHARGE_FROM = date(2013, 3, 1)
SURCHARGE = Decimal(8)
SURCHARGE_BEFORE = Decimal(7)
LOWEST_RATE, HIGHEST_RATE = Decimal(-10), Decimal(50)
MOST_DECIMALS = 4


class ReferenceRateMissing(RuleBroken):
    """A half-year whose rate nobody has entered; it is not guessed from the one before."""

    danish = N_(
        "Referencesatsen pr. {effective_from} mangler, så renten kan ikke beregnes. Find den hos Danmarks "
        "Nationalbank, og læg den ind med «mellemregning interest rate set {effective_from} SATS --source TEKST».",
    )


class NotARateDay(BadInput):
    """Reference rates are set on 1 January and 1 July."""

    danish = N_("Referencesatsen fastsættes pr. 1. januar og 1. juli, ikke pr. {effective_from}.")


class RateUnlikely(BadInput):
    """A rate that must be mistyped."""

    danish = N_(
        "{rate} kan ikke være referencesatsen. Skriv den i procent uden tillæg, fx 3.75, mellem {lowest} og {highest} "
        "og med højst {decimals} decimaler.",
    )


def half_year_of(day: date) -> date:
    """The 1 January or 1 July whose reference rate holds on a day."""
    return date(day.year, JULY if day.month >= JULY else 1, 1)


def next_half_year(day: date) -> date:
    """The next 1 January or 1 July after a day."""
    return date(day.year, JULY, 1) if day.month < JULY else date(day.year + 1, 1, 1)


def require_rate(effective_from: date, rate: Decimal) -> None:
    """Refuse a day on which no rate is set, and a rate that is none.

    Raises:
        NotARateDay, RateUnlikely.
    """
    if effective_from != half_year_of(effective_from):
        raise NotARateDay(effective_from=effective_from)
    exponent = rate.as_tuple().exponent
    is_number = isinstance(exponent, int)  # "NaN" and "Infinity" are decimals too
    if not is_number or not LOWEST_RATE <= rate <= HIGHEST_RATE or -int(exponent) > MOST_DECIMALS:
        raise RateUnlikely(rate=rate, lowest=LOWEST_RATE, highest=HIGHEST_RATE, decimals=MOST_DECIMALS)


def surcharge_of(due_date: date) -> Decimal:
    """What is added to the reference rate, by when the claim fell due; it stays so for the claim's life."""
    return SURCHARGE if due_date >= HIGHER_SURCHARGE_FROM else SURCHARGE_BEFORE


def late_rate(due_date: date, day: date, rates: Mapping[date, Decimal]) -> Decimal:
    """The late interest of one day in per cent a year: never below zero, though the reference rate may be.

    Raises:
        ReferenceRateMissing: the day's half-year has none.

    Source: renteloven § 5 stk. 1; domain rule 13.
    """
    effective_from = half_year_of(day)
    rate = rates.get(effective_from)
    if rate is None:
        raise ReferenceRateMissing(effective_from=effective_from)
    return max(Decimal(0), rate + surcharge_of(due_date))


def days_in_year(year: int) -> int:
    """365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def segments(
    principal: Principal,
    rates: Mapping[date, Decimal],
    from_day: date,
    to_day: date,
) -> tuple[Segment, ...]:
    """The days on which something was outstanding, cut where the principal, the rate or the year changes.

    Args:
        principal: The document and what was paid of it.
        rates: 1 January or 1 July -> reference rate.
        from_day: The first day; never before the day after the due date.
        to_day: The first day that does not count any more.

    Raises:
        ReferenceRateMissing: something was outstanding in a half-year without a rate.

    Source: agreement § 7 stk. 2; domain rule 13.
    """
    found = []
    day = max(from_day, principal.due_date + A_DAY)
    changes = sorted(paid_on + A_DAY for paid_on in principal.paid)
    while day < to_day:
        ends = [to_day, next_half_year(day), *(change for change in changes if change > day)]
        end = min(ends)
        base = outstanding(principal, day)
        if base > 0:
            rate = late_rate(principal.due_date, day, rates)
            found.append(Segment(day, end - A_DAY, base, rate, days_in_year(day.year)))
        day = end
    return tuple(found)


def outstanding(principal: Principal, day: date) -> int:
    """What was not paid before a day; a payment on the day itself still leaves it outstanding that day."""
    paid = sum(amount for paid_on, amount in principal.paid.items() if paid_on < day)
    return max(0, principal.amount_oere - paid)


def exact_interest(parts: Iterable[Segment]) -> Fraction:
    """All of it before rounding."""
    return sum((segment.exact_oere for segment in parts), Fraction(0))


def claims_of(principal: Principal, rates: Mapping[date, Decimal], to_day: date) -> tuple[InterestClaim, ...]:
    """What is to be billed of a document's lateness until a day, per agreement; nothing where nothing changed.

    The whole interest until the day is rounded once and divided between the agreements as the document is; what was
    billed before is taken off. So the invoices of a document sum to its interest in whole øre however they are cut.

    Raises:
        ReferenceRateMissing.

    Source: domain rules 3 and 13; docs/decisions/0026-payments-and-interest.md.
    """
    begin = principal.due_date + A_DAY
    if to_day <= begin or sum(principal.pieces.values()) <= 0:
        return ()
    found = []
    for agreement in sorted(principal.pieces):
        billed = principal.billed.get(agreement)
        from_day = billed.to_day if billed else begin
        before = billed.amount_oere if billed else 0
        if to_day < from_day:
            continue
        until_now = _share(principal, rates, to_day, agreement)
        until_then = _share(principal, rates, from_day, agreement)
        lines = []
        if until_then != before:
            lines.append(_correction(principal, begin, from_day, until_then - before))
        new = segments(principal, rates, from_day, to_day)
        lines += _lines(principal, new, until_now - until_then)
        if lines:
            found.append(
                InterestClaim(
                    invoice_id=principal.invoice_id,
                    number=principal.number,
                    agreement=agreement,
                    subscriber=principal.subscriber,
                    due_date=principal.due_date,
                    from_day=from_day,
                    to_day=to_day,
                    lines=tuple(lines),
                ),
            )
    return tuple(found)


def _share(principal: Principal, rates: Mapping[date, Decimal], to_day: date, agreement: str) -> int:
    whole = whole_oere(exact_interest(segments(principal, rates, principal.due_date + A_DAY, to_day)))
    return apportion_signed(whole, principal.pieces)[agreement]


def _correction(principal: Principal, begin: date, from_day: date, amount_oere: int) -> InterestLine:
    last_day = max(begin, from_day - A_DAY)
    return InterestLine(
        number=principal.number,
        segment=None,
        from_day=begin,
        last_day=last_day,
        amount_oere=amount_oere,
        text=(
            f"Regulering af tidligere opkrævet rente af {principal.number} til og med {last_day:%d.%m.%Y}, efter de "
            f"betalinger, der nu er kendt"
        ),
    )


def _lines(principal: Principal, parts: Sequence[Segment], amount_oere: int) -> list[InterestLine]:
    """One line per segment; the amount falls on them by largest remainder of their exact interest."""
    scale = lcm(*(segment.exact_oere.denominator for segment in parts)) if parts else 1
    weights = {place: int(segment.exact_oere * scale) for place, segment in enumerate(parts)}
    if not any(weights.values()):
        return []
    amounts = apportion_signed(amount_oere, weights)
    return [
        InterestLine(
            number=principal.number,
            segment=segment,
            from_day=segment.from_day,
            last_day=segment.last_day,
            amount_oere=amounts[place],
            text=_text(principal, segment),
        )
        for place, segment in enumerate(parts)
        if amounts[place]
    ]


def _text(principal: Principal, segment: Segment) -> str:
    surcharge = surcharge_of(principal.due_date)
    return (
        f"Morarente af {principal.number}, forfalden {principal.due_date:%d.%m.%Y}: "
        f"{segment.from_day:%d.%m.%Y}-{segment.last_day:%d.%m.%Y}, {segment.days} af {segment.days_in_year} dage, "
        f"{percent(segment.rate)} % p.a. (referencesats {percent(segment.rate - surcharge)} + {percent(surcharge)}) "
        f"af {kroner(segment.base_oere)}"
    )


def percent(rate: Decimal) -> str:
    """A rate as Danes write it, with at least two decimals: ``10,75``."""
    return f"{rate:.{max(2, -int(rate.as_tuple().exponent))}f}".replace(".", ",")


# Interest invoices.


def planned_documents(
    claims: Iterable[InterestClaim],
    ends: Mapping[tuple[str, MunicipalityCode], date],
) -> tuple[PlannedInterest, ...]:
    """One interest invoice per agreement and payer.

    Args:
        claims: All that is to be billed.
        ends: (agreement, payer) -> where the period of its last interest invoice ended, where there is one that stands.

    Returns:
        Ascending by agreement and payer. One whose period has ended already waits for a later day, and so does one that
        would ask for nothing.
    """
    together: dict[tuple[str, MunicipalityCode], list[InterestClaim]] = defaultdict(list)
    for claim in claims:
        together[claim.agreement, claim.subscriber].append(claim)
    found = []
    for (agreement, subscriber), some in sorted(together.items()):
        to_day = max(claim.to_day for claim in some)
        from_day = ends.get((agreement, subscriber)) or min(claim.from_day for claim in some)
        if from_day < to_day and any(line.amount_oere for claim in some for line in claim.lines):
            ordered = tuple(sorted(some, key=lambda claim: (claim.due_date, claim.number)))
            found.append(PlannedInterest(agreement, subscriber, from_day, to_day, ordered))
    return tuple(found)


def interest_draft(
    planned: PlannedInterest,
    issuer: PartySnapshot,
    subscriber: PartySnapshot,
    due_days: int,
) -> DocumentDraft:
    """The interest invoice complete but for number and dates.

    The interest is the issuer's own: it has to account to the other providers for what it billed, not for what came in,
    so it is the issuer that waits. Nothing of it is in a year's result or in the clearing.

    Source: agreement § 7 stk. 2; domain rules 12, 13 and 15.
    """
    lines = tuple(
        InvoiceLine(
            agreement=planned.agreement,
            provider=issuer.municipality,
            provider_name=issuer.name,
            service="",
            service_title="",
            kind=LineKind.INTEREST,
            text=line.text,
            period=Period(line.from_day, line.last_day + A_DAY),
            accounting_year=line.last_day.year,
            amount_oere=line.amount_oere,
        )
        for claim in planned.claims
        for line in claim.lines
    )
    by_year: dict[int, int] = defaultdict(int)
    for line in lines:
        by_year[line.accounting_year] += line.amount_oere
    last_day = planned.to_day - A_DAY
    who = planned.subscriber
    postings = [Posting(Account.RECEIVABLE, planned.amount_oere, last_day.year, municipality=who)]
    postings += [
        Posting(Account.INTEREST, -amount, year, municipality=who, provider=issuer.municipality)
        for year, amount in sorted(by_year.items())
    ]
    return DocumentDraft(
        agreement=planned.agreement,
        issuer=issuer,
        subscriber=subscriber,
        kind=ClaimKind.INTEREST,
        title=f"Morarente til og med {last_day:%d.%m.%Y}",
        period=Period(planned.from_day, planned.to_day),
        lines=lines,
        postings=tuple(postings),
        due_days=due_days,
        note="Rente efter rentelovens § 5 af beløb, der er betalt efter forfaldsdagen.",
    )
