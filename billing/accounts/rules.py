"""How amounts fall on two margins at once, and when a voucher balances."""

from __future__ import annotations

from collections.abc import Mapping

from agreements.agreement import MunicipalityCode
from billing.accounts.facts import Account, Voucher
from foundation.errors import N_, RuleBroken
from foundation.money import apportion_signed


class YearIsSettled(RuleBroken):
    """What a closed year was priced at, invoiced and spent is in its result and stays."""

    danish = N_(
        "Året {year} i aftalen «{agreement}» er afsluttet med sit resultat og kan ikke ændres. "
        "En rettelse må ske i et senere år.",
    )


def split_by_source(
    parts_oere: Mapping[MunicipalityCode, int],
    totals_oere: Mapping[MunicipalityCode, int],
    weights: Mapping[MunicipalityCode, int],
) -> dict[MunicipalityCode, dict[MunicipalityCode, int]]:
    """Say which provider's money each municipality's part is, so that rows and columns both sum exactly.

    Each provider's total is split by the weights; the øre by which a municipality's pieces then miss its part go to
    the provider with the largest total (the lower code of two), whose own sum this leaves as it was.

    Args:
        parts_oere: Municipality -> its part; the parts sum to the totals' sum.
        totals_oere: Provider -> its total, of either sign.
        weights: Municipality -> what the parts were split by.

    Returns:
        Municipality -> provider -> øre.

    Source: domain rules 3, 9 and 12.
    """
    providers = sorted(totals_oere)
    if not providers:
        return {municipality: {} for municipality in sorted(parts_oere)}
    balancing = max(providers, key=lambda provider: abs(totals_oere[provider]))
    pieces = {
        provider: apportion_signed(totals_oere[provider], weights) for provider in providers if provider != balancing
    }
    split: dict[MunicipalityCode, dict[MunicipalityCode, int]] = {}
    for municipality in sorted(parts_oere):
        row = {provider: pieces[provider].get(municipality, 0) for provider in pieces}
        row[balancing] = parts_oere[municipality] - sum(row.values())
        split[municipality] = dict(sorted(row.items()))
    return split


def is_balanced(voucher: Voucher) -> bool:
    """Whether both circles of a voucher sum to zero: all postings, and the clearing ones by themselves."""
    clearing = others = 0
    for posting in voucher.postings:
        if posting.account is Account.CLEARING:
            clearing += posting.amount_oere
        else:
            others += posting.amount_oere
    return clearing == others == 0
