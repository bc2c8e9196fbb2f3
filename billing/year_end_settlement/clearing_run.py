"""Clear between the providers; never commits."""

from __future__ import annotations

from sqlalchemy import Connection

from agreements import run as agreements
from billing.accounts import run as accounts
from billing.accounts import store as books
from billing.accounts.facts import Voucher, VoucherKind
from billing.year_end_settlement.facts import (
    ProviderClearing,
)
from billing.year_end_settlement.rules import (
    clearing_of,
    clearing_postings,
)
from foundation import audit
from foundation.audit import Occasion


def provider_clearing(connection: Connection, code: str, year: int) -> tuple[ProviderClearing, ...]:
    """What each provider has with the others for one billing year.

    Raises:
        AgreementUnknown: there is none.

    Source: agreement annex; domain rule 12.
    """
    agreements.get(connection, code)
    return clearing_of(books.clearing_per_provider(connection, code, year))


def clear_providers(connection: Connection, code: str, year: int, occasion: Occasion) -> tuple[ProviderClearing, ...]:
    """Book the transfers that bring every provider's clearing of the year to zero; nothing where it is.

    Returns:
        What was outstanding before, and is transferred now.

    Source: agreement annex; domain rule 12.
    """
    agreements.get(connection, code, lock=True)
    clearing = provider_clearing(connection, code, year)
    postings = clearing_postings(clearing, year)
    if postings:
        number = books.next_reference(connection, code, VoucherKind.CLEARING, str(year))
        accounts.book(
            connection,
            [
                Voucher(
                    agreement=code,
                    kind=VoucherKind.CLEARING,
                    booked_on=occasion.as_of,
                    reference=number,
                    text=f"Mellemafregning mellem ydelsesleverandørerne {year}",
                    postings=tuple(postings),
                ),
            ],
        )
        audit.record(
            connection,
            occasion,
            action="year_end_settlement.cleared",
            subject=f"{code} {year}",
            details={
                "reference": number,
                "transfers_oere": {entry.municipality: entry.outstanding_oere for entry in clearing},
            },
        )
    return clearing
