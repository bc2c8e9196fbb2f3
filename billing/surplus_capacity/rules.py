"""Never on better terms than the subscribers', and what a sale's bill says and books; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from agreements.agreement import Agreement, MunicipalityCode
from billing.accounts.facts import Account, Posting
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind, PartySnapshot
from billing.surplus_capacity.facts import SaleOffer, SubscribersCost
from foundation.errors import BadInput, N_, RuleBroken
from foundation.money import kroner

LONGEST_REASON = 500


class BetterThanTheSubscribers(RuleBroken):
    """Others are not sold on better terms than the subscribers have."""

    danish = N_(
        "Prisen er {offered_oere} pr. forløb. Abonnenternes forløb kostede {subscribers_oere} i {year}, og "
        "overskudskapacitet må ikke sælges på bedre vilkår. Hæv prisen, eller skriv begrundelsen med --reason.",
    )


class NothingToCompareWith(RuleBroken):
    """No closed year, or no released count of its courses."""

    danish = N_(
        "Der er intet afsluttet år med frigivne forbrugsopgørelser for ydelsen «{service}» i aftalen «{agreement}», så "
        "prisen kan ikke sammenlignes med abonnenternes. Afslut året og frigiv opgørelserne, eller skriv "
        "begrundelsen med --reason.",
    )


class SaleIncomplete(BadInput):
    """A sale has courses, a price above zero and days within one year."""

    danish = N_("Salget kan ikke bruges: {what}")


def require_offer(offer: SaleOffer) -> None:
    """Refuse a sale that is none.

    Raises:
        SaleIncomplete.
    """
    if offer.courses < 1:
        raise SaleIncomplete(what="angiv mindst ét forløb.")
    if offer.amount_oere <= 0:
        raise SaleIncomplete(what="prisen skal være over 0,00 kr.")
    if offer.period.from_day.year != offer.period.last_day.year:
        raise SaleIncomplete(what="perioden skal ligge inden for ét kalenderår; del salget.")
    if len(offer.reason) > LONGEST_REASON:
        raise SaleIncomplete(what=f"begrundelsen må højst være på {LONGEST_REASON} tegn.")


def cost_per_course_oere(cost: SubscribersCost) -> int:
    """What a subscribers' course cost, in whole øre, rounded up: the lowest price per course that is not below it."""
    return math.ceil(Fraction(cost.cost_oere, cost.courses))


def require_price(offer: SaleOffer, cost: SubscribersCost | None) -> None:
    """Refuse a price per course below the subscribers' cost per course, exactly compared, without a written reason.

    Raises:
        NothingToCompareWith, BetterThanTheSubscribers.

    Source: agreement § 9; domain rule 20.
    """
    if offer.reason:
        return
    if cost is None:
        raise NothingToCompareWith(service=offer.service, agreement=offer.agreement)
    if offer.amount_oere * cost.courses < cost.cost_oere * offer.courses:
        raise BetterThanTheSubscribers(
            # Down, as the cost is up: the two that are told are never the same.
            offered_oere=math.floor(Fraction(offer.amount_oere, offer.courses)),
            subscribers_oere=cost_per_course_oere(cost),
            year=cost.year,
        )


def sale_draft(
    agreement: Agreement, offer: SaleOffer, parties: Mapping[MunicipalityCode, PartySnapshot]
) -> DocumentDraft:
    """The sale's bill, complete but for number and dates: the provider's own income, which the issuer collects.

    Source: agreement § 9; domain rules 12, 15 and 20.
    """
    service = next(each for each in agreement.services if each.code == offer.service)
    year, buyer = offer.period.from_day.year, offer.buyer
    days = f"{offer.period.from_day:%d.%m.%Y}-{offer.period.last_day:%d.%m.%Y}"
    how = f"{offer.courses} forløb"
    if offer.unit_oere is not None:
        how += f" à {kroner(offer.unit_oere)}"
    line = InvoiceLine(
        agreement=agreement.code,
        provider=offer.provider,
        provider_name=parties[offer.provider].name,
        service=offer.service,
        service_title=service.title,
        kind=LineKind.SURPLUS_CAPACITY,
        text=f"{service.title}, {parties[offer.provider].name}: overskudskapacitet {days}, {how}",
        period=offer.period,
        accounting_year=year,
        amount_oere=offer.amount_oere,
        vat_exemption=service.vat_exemption,
    )
    sold = Posting(
        Account.SURPLUS_CAPACITY,
        -offer.amount_oere,
        year,
        municipality=buyer,
        provider=offer.provider,
        service=offer.service,
    )
    return DocumentDraft(
        agreement=agreement.code,
        issuer=parties[agreement.issuer],
        subscriber=parties[buyer],
        kind=ClaimKind.SURPLUS_CAPACITY,
        title=f"Overskudskapacitet {days}",
        period=offer.period,
        lines=(line,),
        postings=(
            Posting(Account.RECEIVABLE, offer.amount_oere, year, municipality=buyer),
            sold,
            Posting(Account.CLEARING, -offer.amount_oere, year, provider=offer.provider),
            Posting(Account.CLEARING, offer.amount_oere, year, municipality=buyer, provider=agreement.issuer),
        ),
        due_days=agreement.terms.advance.due_days,
    )
