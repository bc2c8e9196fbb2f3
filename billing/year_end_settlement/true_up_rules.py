"""The documents by which a year's result is settled with the payers (efterregulering); pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agreements.agreement import Agreement, MunicipalityCode, ProviderOwnShare
from billing.accounts.facts import Account, Posting, ResultMovement
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind, PartySnapshot
from foundation.period import BillingYear

Parts = dict[MunicipalityCode, dict[MunicipalityCode, int]]


def parts_to_true_up(movements: Iterable[ResultMovement], year: int) -> Parts:
    """What each payer has of a year's result that enters no price, after what its exit has settled.

    Returns:
        Payer -> provider -> øre; positive is a surplus, which is paid out. Who has nothing is not there.
    """
    parts: Parts = {}
    for movement in movements:
        if movement.source.accounting_year == movement.application_year == year and movement.municipality is not None:
            of_payer = parts.setdefault(movement.municipality, {})
            provider = movement.source.provider
            of_payer[provider] = of_payer.get(provider, 0) + movement.amount_oere
    kept = {who: {code: oere for code, oere in sorted(row.items()) if oere} for who, row in sorted(parts.items())}
    return {who: row for who, row in kept.items() if row}


def years_trued_up(movements: Iterable[ResultMovement]) -> frozenset[int]:
    """The years whose results enter no price."""
    return frozenset(
        movement.source.accounting_year
        for movement in movements
        if movement.source.accounting_year == movement.application_year
    )


def true_up_drafts(  # noqa: PLR0913, PLR0917 - a year's documents rest on these
    agreement: Agreement,
    year: int,
    parts: Parts,
    held: Collection[MunicipalityCode],
    parties: Mapping[MunicipalityCode, PartySnapshot],
    how: str,
) -> list[DocumentDraft]:
    """One document per payer with its part of the result: a charge for a deficit, a credit note for a surplus.

    Args:
        agreement: Whose first year it is.
        year: The accounting year, in whose clearing it counts: afterwards each provider has what it spent.
        parts: See ``parts_to_true_up``.
        held: The payers whose document is out.
        parties: All parties as the documents name them.
        how: What the result was divided by, in words for the documents.

    Source: docs/decisions/0034-true-up-and-net-assets.md; domain rules 9 and 12.
    """
    return [_draft(agreement, year, who, row, parties, how) for who, row in parts.items() if who not in held]


def _draft(  # noqa: PLR0913, PLR0917 - as true_up_drafts
    agreement: Agreement,
    year: int,
    who: MunicipalityCode,
    row: Mapping[MunicipalityCode, int],
    parties: Mapping[MunicipalityCode, PartySnapshot],
    how: str,
) -> DocumentDraft:
    period = BillingYear(year).period
    is_provider = who in agreement.providers
    set_off = is_provider and agreement.terms.advance.provider_own_share is ProviderOwnShare.NET
    internal = set_off or who == agreement.issuer
    whole = sum(row.values())
    lines = tuple(
        InvoiceLine(
            agreement=agreement.code,
            provider=provider,
            provider_name=parties[provider].name,
            service="",
            service_title="",
            kind=LineKind.TRUE_UP,
            text=f"Andel af {'overskud' if amount > 0 else 'underskud'} {year}, {parties[provider].name}",
            period=period,
            accounting_year=year,
            amount_oere=-amount,
        )
        for provider, amount in row.items()
    )
    postings = [Posting(Account.OWN_SHARE if internal else Account.RECEIVABLE, -whole, year, municipality=who)]
    for provider, amount in row.items():
        postings.append(Posting(Account.RESULT, amount, year, municipality=who, provider=provider))
        postings.append(Posting(Account.CLEARING, amount, year, provider=provider))
    collector = who if set_off else agreement.issuer
    postings.append(Posting(Account.CLEARING, -whole, year, municipality=who, provider=collector))
    return DocumentDraft(
        agreement=agreement.code,
        issuer=parties[agreement.issuer],
        subscriber=parties[who],
        kind=ClaimKind.TRUE_UP,
        title=f"Efterregulering af {year}",
        period=period,
        lines=lines,
        postings=tuple(postings),
        due_days=agreement.terms.advance.due_days,
        internal=internal,
        note=f"Forskellen mellem det opkrævede og regnskabet for {year}, {how}. Den indregnes ikke i nogen pris.",
    )
