"""The agreements of a municipality: what they cost it, why, what next year may cost, its results, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import render_template
from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements import trading_store
from agreements.agreement import Agreement
from agreements.membership import MembershipPeriod
from agreements.trading import Address, Contact
from billing.annual_subscription import store as prices
from billing.year_end_settlement import store as settlement_store
from portal.access.scope import Deed, members_agreement, members_agreements
from portal.language import _
from portal.municipality import pages
from portal.own_figures import estimate, own_price
from portal.pages import connection, today, who_may
from portal.parts import Chart

YEARS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Whom a municipality pays, and how to reach them.

    Attributes:
        contact, address: None where the issuer has not entered them.
    """

    code: str
    agreements: tuple[Agreement, ...]
    contact: Contact | None
    address: Address | None


def counterparts(opened: Connection, agreed: Mapping[str, Agreement], on: date) -> list[Counterpart]:
    """The issuers of some agreements with what they entered about themselves; one query."""
    issuers = trading_store.trading_book(opened, ())
    found = []
    for code in sorted({each.issuer for each in agreed.values()}):
        details = issuers.issuer(code, on)
        of_issuer = tuple(each for each in agreed.values() if each.issuer == code)
        found.append(
            Counterpart(code, of_issuer, details.contact if details else None, details.address if details else None)
        )
    return found


@pages.get("/aftaler")
@who_may(Deed.READ)
def list_agreements(place: str) -> str:
    """All agreements in which the municipality takes or took part, and whom to ask about them."""
    agreed = members_agreements(connection(), place)
    periods = agreement_store.members_of(connection(), sorted(agreed)) if agreed else {}
    return render_template(
        "municipality/agreements.html",
        agreed=[(each, own_periods(periods.get(code, ()), place)) for code, each in agreed.items()],
        counterparts=counterparts(connection(), agreed, today()),
        today=today(),
    )


def own_periods(periods: tuple[MembershipPeriod, ...] | list[MembershipPeriod], who: str) -> list[MembershipPeriod]:
    """When a municipality takes part."""
    return [each for each in periods if each.municipality == who]


@pages.get("/aftaler/<code>")
@who_may(Deed.READ)
def agreement(place: str, code: str) -> str:
    """One agreement as the municipality sees it."""
    agreed = members_agreement(connection(), place, code)
    year = today().year
    wanted = {(code, each) for each in range(year - YEARS_SHOWN, year + 2)}
    found = prices.read_subscriptions(connection(), wanted, [])
    own = [
        said
        for (_code, of_year), price in sorted(found.items(), reverse=True)
        if (said := own_price(connection(), found.get((code, of_year - 1)), price, place)) is not None
    ]
    newest = own[0].price.year if own else None
    return render_template(
        "municipality/agreement.html",
        agreement=agreed,
        periods=own_periods(agreement_store.members(connection(), code), place),
        own=own,
        chart=Chart(
            title=_("Vores pris, år for år"),
            heading=_("År"),
            series=(_("Pris"), _("Andel af udgiften")),
            rows=tuple(
                (str(each.price.year), (each.part.obligation_oere, each.part.share_oere)) for each in reversed(own)
            ),
        ),
        estimate=estimate(connection(), code, place, (newest or year) + 1),
        estimate_year=(newest or year) + 1,
        results=settlement_store.own_results(connection(), code, place)[:YEARS_SHOWN],
        counterpart=counterparts(connection(), {code: agreed}, today())[0],
        change_words=change_words,
    )


def change_words() -> tuple[tuple[str, str], ...]:
    """The four parts of a change: the attribute, and what it is."""
    return (
        ("cost_oere", _("udgiften")),
        ("population_oere", _("indbyggertal")),
        ("members_oere", _("hvem der er med")),
        ("results_oere", _("tidligere års resultat")),
    )
