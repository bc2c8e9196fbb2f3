"""What a leaver gets of the net assets, and the document that settles with it; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from math import lcm

from agreements.agreement import Agreement, Clause, MunicipalityCode
from billing.accounts.facts import Account, Posting
from billing.annual_subscription.division_rules import result_weights
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind, PartySnapshot
from billing.year_end_settlement.facts import ExitSettlement, NetAssetsShare
from foundation.money import apportion, kroner
from foundation.period import BillingYear


def weights_on(price: AnnualSubscription, day: date) -> dict[MunicipalityCode, int]:
    """What each payer weighs on a day of the year by the keys as they stand then.

    Each key counts by what the year's budget lets it divide; so a payer's weight is its part of a whole year's cost at
    the key of that day, exactly, whenever it joined or leaves.

    Args:
        price: The year's price.
        day: A day of its year.

    Source: docs/decisions/0034-true-up-and-net-assets.md.
    """
    if price.division is None:
        return {part.municipality: part.weight for part in price.parts}
    net = {line.key: line.net_oere for line in price.cost_lines}
    standing = [portion for portion in price.division.portions if day in portion.days]
    wholes = [sum(share.figure.inhabitants for share in portion.shares) for portion in standing]
    common = lcm(*wholes)
    weights = dict.fromkeys((share.municipality for portion in standing for share in portion.shares), 0)
    for portion, whole in zip(standing, wholes, strict=True):
        budget = max(0, sum(net[line] for line in portion.lines))
        for share in portion.shares:
            weights[share.municipality] += budget * share.figure.inhabitants * (common // whole)
    return dict(sorted(result_weights(weights).items()))


def share_of_net_assets(
    price: AnnualSubscription, who: MunicipalityCode, left_on: date, net_assets_oere: int, evidence: str
) -> NetAssetsShare:
    """A leaver's share by the keys of its last day; the shares of all who take part then sum to the net assets.

    Source: docs/agreement_variants.md, exit; domain rule 3.
    """
    parts = apportion(net_assets_oere, weights_on(price, left_on))
    return NetAssetsShare(net_assets_oere, parts.get(who, 0), evidence)


def exit_draft(
    agreement: Agreement,
    settlement: ExitSettlement,
    parties: Mapping[MunicipalityCode, PartySnapshot],
    issue_year: int,
    own_years: Collection[int],
) -> DocumentDraft:
    """The document of an exit, complete but for number and dates.

    Args:
        agreement: For its issuer and terms.
        settlement: What is settled.
        parties: All parties as the document names them.
        issue_year: In whose clearing it counts.
        own_years: The accounting years whose results stand on the leaver's own name.

    Source: agreement § 6 stk. 8; domain rule 11.
    """
    who, last_year = settlement.municipality, BillingYear(settlement.left_on.year)
    lines = [
        InvoiceLine(
            agreement=agreement.code,
            provider=line.provider,
            provider_name=parties[line.provider].name,
            service="",
            service_title="",
            kind=LineKind.EXIT,
            text=f"{what} {line.accounting_year}, {parties[line.provider].name}",
            period=BillingYear(line.accounting_year).period,
            accounting_year=line.accounting_year,
            amount_oere=-amount,
        )
        for line in settlement.lines
        for what, amount in (
            ("Andel af ikke indregnet resultat", line.passed_on_oere),
            ("Andel af overført resultat", line.carried_oere),
        )
        if amount
    ]
    note = agreement.citing(Clause.EXIT, "andel af resultater, der ikke er indregnet i nogen pris.")
    if settlement.net_assets is not None and settlement.share_oere:
        stated = kroner(settlement.net_assets.net_assets_oere)
        lines.append(
            InvoiceLine(
                agreement=agreement.code,
                provider=agreement.issuer,
                provider_name=parties[agreement.issuer].name,
                service="",
                service_title="",
                kind=LineKind.NET_ASSETS,
                text=f"Andel af nettoformuen {stated} efter andelene pr. {settlement.left_on:%d.%m.%Y}",
                period=last_year.period,
                accounting_year=last_year.year,
                amount_oere=-settlement.share_oere,
            )
        )
        note += f" Nettoformuen: {settlement.net_assets.evidence}."
    return DocumentDraft(
        agreement=agreement.code,
        issuer=parties[agreement.issuer],
        subscriber=parties[who],
        kind=ClaimKind.EXIT_SETTLEMENT,
        title=f"Refusionsopgørelse ved udtræden {settlement.left_on:%d.%m.%Y}",
        period=last_year.period,
        lines=tuple(lines),
        postings=tuple(exit_postings(settlement, agreement.issuer, issue_year, own_years)),
        due_days=agreement.terms.advance.due_days,
        internal=who == agreement.issuer,
        note=note,
    )


def exit_postings(
    settlement: ExitSettlement, issuer: MunicipalityCode, year: int, own_years: Collection[int]
) -> list[Posting]:
    """Pay out, or collect, a leaver's parts; each provider bears its own, the issuer the share of the net assets.

    Args:
        settlement: What is settled.
        issuer: Who collects and pays out, and keeps the net assets.
        year: The year of issue, in whose clearing it counts.
        own_years: The accounting years whose results were posted on the leaver's own name.

    Source: agreement § 6 stk. 8; domain rules 11 and 12.
    """
    who = settlement.municipality
    account = Account.OWN_SHARE if who == issuer else Account.RECEIVABLE
    postings = [Posting(account, settlement.amount_oere, year, municipality=who)]
    borne: dict[MunicipalityCode, int] = {}
    for line in settlement.lines:
        owner = who if line.accounting_year in own_years else None
        postings.append(
            Posting(
                Account.RESULT, line.settled_oere, line.accounting_year, municipality=owner, provider=line.provider
            ),
        )
        borne[line.provider] = borne.get(line.provider, 0) + line.settled_oere
    if settlement.share_oere:
        last_year = settlement.left_on.year
        postings.append(
            Posting(Account.NET_ASSETS, settlement.share_oere, last_year, municipality=who, provider=issuer)
        )
        borne[issuer] = borne.get(issuer, 0) + settlement.share_oere
    postings += [Posting(Account.CLEARING, amount, year, provider=code) for code, amount in sorted(borne.items())]
    postings.append(Posting(Account.CLEARING, settlement.amount_oere, year, municipality=who, provider=issuer))
    return postings
