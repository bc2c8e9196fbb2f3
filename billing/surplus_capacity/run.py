"""Compare a price with the subscribers', sell surplus capacity and bill it; never commits."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.membership import agreed_year, days_of
from agreements.municipality import municipality
from billing.accounts import store as books
from billing.accounts.rules import YearIsSettled
from billing.invoice import run as invoices
from billing.invoice.facts import IssuedDocument
from billing.monthly_aconto.run import party_snapshots
from billing.monthly_run.rules import bears_name_of
from billing.monthly_run.run import get_issuer
from billing.surplus_capacity import store
from billing.surplus_capacity.facts import KeptOffer, OfferEnd, Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.rules import require_offer, require_price, sale_draft
from billing.usage_statement.facts import ALL, Measure, Release, UsagePeriod
from billing.usage_statement.rules import periods_of_year
from billing.usage_statement.run import list_usage
from billing.year_end_settlement.run import get_settlement
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.person_number import holds_one


class SoldServiceUnknown(NotFound):
    """The agreement has no such service or provider."""

    danish = N_("Aftalen «{agreement}» har ingen {what} «{given}»; den har {known}.")


class BuyerTakesPart(RuleBroken):
    """Surplus capacity is sold to others; who takes part has its subscription."""

    danish = N_(
        "{municipality} deltager i aftalen «{agreement}» i {year}; overskudskapacitet sælges til kommuner uden for "
        "aftalen.",
    )


class SaleAlreadyBilled(RuleBroken):
    """The same days were billed the buyer before."""

    danish = N_(
        "{municipality} er allerede faktureret for overskudskapacitet i netop den periode. Kreditér det bilag, eller "
        "angiv en anden periode.",
    )


class SecondPersonMissing(RuleBroken):
    """Where two must see each run, two must see a sale."""

    danish = N_("{issuer} kræver to personer til hver regning. Angiv med --approved-by en anden end {actor}.")


class OfferUnknown(NotFound):
    """No offer has the number."""

    danish = N_("Der er intet tilbud {number} om overskudskapacitet.")


class OfferHasEnded(RuleBroken):
    """An offer is sold or withdrawn once."""

    danish = N_("Tilbud {number} er solgt eller trukket tilbage. Lav et nyt tilbud.")


class PersonInReason(BadInput):
    """A text that looks like a CPR number; it is not repeated."""

    danish = N_("Begrundelsen indeholder noget, der ligner et CPR-nummer. Intet er gemt.")


def subscribers_cost(connection: Connection, code: str, service: str) -> SubscribersCost | None:
    """What a subscribers' course cost in the last closed year whose courses were published.

    The courses are those that were started, as the released usage statements show them: of the whole year, or of all
    its periods together. Where a count is hidden there is nothing to compare with.

    Raises:
        AgreementUnknown, SoldServiceUnknown.

    Source: agreement § 9; domain rules 16 and 20; docs/decisions/0043-surplus-capacity.md.
    """
    agreement = agreements.get(connection, code)
    _require_service(agreement, service)
    newest = {release.period: release for release in list_usage(connection, code).releases}
    for year in sorted((year for _, year in books.closed_years(connection, [code])), reverse=True):
        courses = _courses(agreement, newest, service, year)
        if courses:
            accounts = get_settlement(connection, code, year).accounts
            cost = sum(line.net_oere for line in accounts if line.key.service == service)
            return SubscribersCost(year, service, cost, courses)
    return None


def _courses(agreement: Agreement, newest: dict[UsagePeriod, Release], service: str, year: int) -> int | None:
    whole = newest.get(UsagePeriod.of(year, 1, 12))
    periods = periods_of_year(agreement.code, agreement.terms.usage, year)
    releases = [whole] if whole is not None else [newest.get(period) for period in periods]
    if whole is None and sum(period.months for period in periods) != 12:  # noqa: PLR2004 - months of a year
        return None
    only = len(agreement.services) == 1
    total = 0
    for release in releases:
        if release is None:
            return None
        shown = release.shown(Measure.STARTED, service, ALL)
        if shown is None and only:
            shown = release.shown(Measure.STARTED, ALL, ALL)
        if shown is None:
            return None
        total += shown
    return total


def _require_service(agreement: Agreement, service: str) -> None:
    known = [each.code for each in agreement.services]
    if service not in known:
        raise SoldServiceUnknown(agreement=agreement.code, what="ydelse", given=service, known=known)


def sell(connection: Connection, offer: SaleOffer, occasion: Occasion, approved_by: str = "") -> IssuedDocument:
    """Sell surplus capacity to a municipality outside the agreement, and bill it.

    Args:
        connection: The transaction.
        offer: What, to whom, at which price; with a written reason where that is below the subscribers'.
        occasion: Who sells, and the date on the document.
        approved_by: Who approved, where the issuer wants two to see each bill.

    Raises:
        AgreementUnknown, SoldServiceUnknown, UnknownMunicipality, YearNotAgreed, BuyerTakesPart, SaleIncomplete,
        PersonInReason.
        NothingToCompareWith, BetterThanTheSubscribers: there is no written reason.
        YearIsSettled: the income could not enter the accounts any more.
        SecondPersonMissing, SaleAlreadyBilled, IssueDateBeforeLast.

    Source: agreement § 9; domain rule 20.
    """
    agreement, offer, compared = _looked_through(connection, offer)
    approver = approved_by.strip()
    if holds_one(approver):
        raise PersonInReason
    _require_second(connection, agreement, occasion.actor, approver)
    return _billed(connection, agreement, offer, compared, occasion, approver)


def _looked_through(connection: Connection, offer: SaleOffer) -> tuple[Agreement, SaleOffer, SubscribersCost | None]:
    """The agreement, held; the offer as it is kept; and what its price was compared with."""
    agreement = agreements.get(connection, offer.agreement, lock=True)
    offer = replace(offer, reason=" ".join(offer.reason.split()))
    if holds_one(offer.reason):
        raise PersonInReason
    _require_parties(connection, agreement, offer)
    require_offer(offer)
    year = offer.period.from_day.year
    if books.is_closed(connection, agreement.code, year):
        raise YearIsSettled(agreement=agreement.code, year=year)
    compared = subscribers_cost(connection, agreement.code, offer.service)
    require_price(offer, compared)
    return agreement, offer, compared


def _require_second(connection: Connection, agreement: Agreement, first: str, second: str) -> None:
    if get_issuer(connection, agreement.issuer).four_eyes and (not second or bears_name_of(second, first)):
        raise SecondPersonMissing(issuer=municipality(agreement.issuer).official_name, actor=first)


def _billed(  # noqa: PLR0913, PLR0917 - what a sale is, and who saw it
    connection: Connection,
    agreement: Agreement,
    offer: SaleOffer,
    compared: SubscribersCost | None,
    occasion: Occasion,
    approver: str,
) -> IssuedDocument:
    parties = party_snapshots(agreement, {agreement.issuer, offer.provider, offer.buyer})
    outcome = invoices.issue_documents(connection, [sale_draft(agreement, offer, parties)], occasion.as_of, occasion.at)
    if outcome.failed:
        raise outcome.failed[0].error
    if not outcome.issued:
        raise SaleAlreadyBilled(municipality=municipality(offer.buyer).official_name)
    (document,) = outcome.issued
    invoice_id, _ = invoices.find_document(connection, document.number, document.issuer.municipality)
    store.write_sale(connection, invoice_id, offer, compared)
    audit.record(
        connection,
        occasion,
        action="surplus_capacity.sold",
        subject=f"{agreement.code} {document.number}",
        details={
            "number": document.number,
            **_said(offer),
            "compared": compared and [compared.year, compared.cost_oere, compared.courses],
            "approved_by": approver,
            "sha256": invoices.fingerprints(connection, [document]),
        },
    )
    return document


def _said(offer: SaleOffer) -> dict[str, object]:
    return {
        "service": offer.service,
        "provider": offer.provider,
        "buyer": offer.buyer,
        "courses": offer.courses,
        "amount_oere": offer.amount_oere,
        "reason": offer.reason,
    }


# Offers: made by one person, sold by another.


def make_offer(connection: Connection, offer: SaleOffer, occasion: Occasion) -> KeptOffer:
    """Keep an offer that could be sold as it is; nothing is billed.

    Raises:
        What ``sell`` raises, but for what is of the bill alone.

    Source: agreement § 9; docs/decisions/0035-cases-on-the-pages.md.
    """
    if holds_one(occasion.actor):
        raise PersonInReason
    agreement, offer, _compared = _looked_through(connection, offer)
    number = store.write_offer(connection, offer, occasion.as_of, occasion.actor)
    audit.record(
        connection,
        occasion,
        action="surplus_capacity.offered",
        subject=f"{agreement.code} tilbud {number}",
        details=_said(offer),
    )
    return KeptOffer(number, offer, occasion.as_of, occasion.actor)


def get_offer(connection: Connection, number: int) -> KeptOffer:
    """One offer.

    Raises:
        OfferUnknown.
    """
    found = store.find_offer(connection, number)
    if found is None:
        raise OfferUnknown(number=number)
    return found


def _standing(connection: Connection, number: int) -> KeptOffer:
    """An offer of which nothing became yet, with its agreement held."""
    agreements.get(connection, get_offer(connection, number).offer.agreement, lock=True)
    found = get_offer(connection, number)
    if found.end is not None:
        raise OfferHasEnded(number=number)
    return found


def sell_offer(connection: Connection, number: int, occasion: Occasion) -> IssuedDocument:
    """Sell by an offer and bill it; the price is compared again. Where two must see it, not by who made the offer.

    Raises:
        OfferUnknown, OfferHasEnded, and what ``sell`` raises.

    Source: agreement § 9; domain rule 20.
    """
    kept = _standing(connection, number)
    agreement, offer, compared = _looked_through(connection, kept.offer)
    _require_second(connection, agreement, kept.offered_by, occasion.actor)
    document = _billed(connection, agreement, offer, compared, occasion, occasion.actor)
    invoice_id, _ = invoices.find_document(connection, document.number, document.issuer.municipality)
    store.write_offer_end(connection, number, OfferEnd.SOLD, occasion.as_of, occasion.actor, invoice_id)
    return document


def withdraw_offer(connection: Connection, number: int, occasion: Occasion) -> KeptOffer:
    """Take an offer back; nothing was billed.

    Raises:
        OfferUnknown, OfferHasEnded.
    """
    kept = _standing(connection, number)
    store.write_offer_end(connection, number, OfferEnd.WITHDRAWN, occasion.as_of, occasion.actor, None)
    audit.record(
        connection,
        occasion,
        action="surplus_capacity.offer_withdrawn",
        subject=f"{kept.offer.agreement} tilbud {number}",
        details=_said(kept.offer),
    )
    return replace(kept, end=OfferEnd.WITHDRAWN, ended_on=occasion.as_of, ended_by=occasion.actor)


def _require_parties(connection: Connection, agreement: Agreement, offer: SaleOffer) -> None:
    _require_service(agreement, offer.service)
    if offer.provider not in agreement.providers:
        raise SoldServiceUnknown(
            agreement=agreement.code,
            what="ydelsesleverandør",
            given=offer.provider,
            known=list(agreement.providers),
        )
    buyer = municipality(offer.buyer)
    year = offer.period.from_day.year
    agreed_year(agreement, year)
    own = days_of(agreement, agreement_store.members(connection, agreement.code), year).get(offer.buyer)
    takes_part = own is not None and own.from_day < offer.period.to_day and offer.period.from_day < own.to_day
    if takes_part or offer.buyer in agreement.providers:
        raise BuyerTakesPart(municipality=buyer.official_name, agreement=agreement.code, year=year)


def list_sales(connection: Connection, code: str) -> list[Sale]:
    """An agreement's sales.

    Raises:
        AgreementUnknown.
    """
    agreements.get(connection, code)
    return store.sales(connection, code)


def list_offers(connection: Connection, code: str) -> list[KeptOffer]:
    """An agreement's offers in the order in which they were made, with what became of them.

    Raises:
        AgreementUnknown.
    """
    agreements.get(connection, code)
    return store.offers(connection, code)
