"""What a year's result is, how it is divided, what is kept and what a leaver gets; pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from agreements.agreement import CostKind, CostLine, CostLineKey, MunicipalityCode, SettlementTerms
from billing.accounts.facts import Account, Posting, ResultMovement, ResultSource
from billing.accounts.rules import split_by_source
from billing.year_end_settlement.facts import (
    CarryOver,
    DividedBy,
    ProviderClearing,
    ProviderResult,
    SettlementFacts,
    SettlementPart,
    YearSettlement,
)
from billing.year_end_settlement.key_rules import kept_of_cells, split_by_keys
from foundation.errors import N_, RuleBroken
from foundation.money import apportion, apportion_signed, kroner, percent_of

HUNDRED = Decimal(100)
# The short name of the line of income that the closing adds.
SOLD_LINE = "faktureret salg"


class CarryOverTooLarge(RuleBroken):
    """More cannot be kept than there is, nor a surplus of a deficit."""

    danish = N_(
        "Der kan ikke overføres {asked}: resultatet er {result_oere} "
        "Angiv højst 100% eller et beløb, der højst er resultatet.",
    )


class KeptTooMuch(RuleBroken):
    """More would be kept of results than the agreement allows."""

    danish = N_(
        "Der kan ikke overføres {asked} fra {year} i aftalen «{agreement}»: sammen med det, der er overført før "
        "({before}), er det over aftalens grænse på {percent} % af årets omkostninger, {limit} Overfør højst {room}"
    )


class KeptTooLong(RuleBroken):
    """A result has been kept for as long as the agreement allows."""

    danish = N_(
        "Resultatet fra {kept_year} i aftalen «{agreement}» har været overført i de {years} år, som aftalen tillader "
        "({amount} står endnu). Frigiv det først: «mellemregning settlement release {agreement} {kept_year} --into ÅR»."
    )


def require_keep_terms(settlement: YearSettlement, kept_before_oere: Mapping[int, int], terms: SettlementTerms) -> None:
    """Refuse to keep more, or longer, than the agreement allows (overskud, der beholdes).

    Args:
        settlement: The year that is closed, with what it carries.
        kept_before_oere: Accounting year -> øre of its result that still is carried; positive is a surplus.
        terms: With the percentage of the year's cost and the years.

    Raises:
        KeptTooMuch: what is carried in all is more surplus than the percentage of the year's cost.
        KeptTooLong: a year's result has been carried for the years already.

    Source: docs/agreement_variants.md, settlement; docs/decisions/0040-settlement-limits.md.
    """
    if terms.keep_years:
        for year, amount in sorted(kept_before_oere.items()):
            if amount and year + terms.keep_years <= settlement.year:
                raise KeptTooLong(
                    agreement=settlement.agreement, kept_year=year, years=terms.keep_years, amount=kroner(amount)
                )
    if terms.keep_percent is None or settlement.carried_oere <= 0:
        return
    before = sum(kept_before_oere.values())
    limit = percent_of(settlement.cost_oere, terms.keep_percent)
    if before + settlement.carried_oere > limit:
        raise KeptTooMuch(
            agreement=settlement.agreement,
            year=settlement.year,
            asked=kroner(settlement.carried_oere),
            before=kroner(before),
            percent=f"{terms.keep_percent}".replace(".", ","),
            limit=kroner(limit),
            room=kroner(max(0, limit - before)),
        )


class SurplusIncomeTooLow(RuleBroken):
    """The accounts hold less income from surplus capacity than was billed."""

    danish = N_(
        "Regnskabet for {year} i aftalen «{agreement}» har {named_oere} i indtægt fra solgt overskudskapacitet for "
        "{provider} «{service}», men der er faktureret {billed_oere} Ret regnskabet, og indlæs det igen.",
    )


def carried_oere(result_oere: int, carry: CarryOver) -> int:
    """The amount that is kept, in the result's own sign.

    Raises:
        CarryOverTooLarge: over 100 %, beyond the result, or of the other sign.

    Source: agreement § 6 stk. 6; domain rule 10.
    """
    if carry.percent is not None:
        if not 0 <= carry.percent <= HUNDRED:
            raise CarryOverTooLarge(asked=f"{carry.percent}%".replace(".", ","), result_oere=result_oere)
        return percent_of(result_oere, carry.percent)
    asked = carry.amount_oere or 0
    of_other_sign = asked < 0 < result_oere
    if abs(asked) > abs(result_oere) or of_other_sign:
        raise CarryOverTooLarge(asked=kroner(asked), result_oere=result_oere)
    return abs(asked) if result_oere > 0 else -abs(asked)


def close_year(facts: SettlementFacts) -> YearSettlement:
    """Work out the result per provider and in total, and divide it among the payers.

    Returns:
        The settlement: parts sum to the result, by payer and by provider; passed on and carried sum to each part.

    Raises:
        CarryOverTooLarge: see ``carried_oere``.

    Source: agreement § 6 stk. 3 and 6; domain rules 9, 10 and 12.
    """
    cost = _cost_per_provider(facts.accounts)
    providers = tuple(
        ProviderResult(provider, facts.received_oere.get(provider, 0), cost.get(provider, 0))
        for provider in sorted(set(facts.received_oere) | set(cost))
    )
    results = {provider.municipality: provider.result_oere for provider in providers}
    result_oere = sum(results.values())
    kept_oere = carried_oere(result_oere, facts.carry)
    kept = apportion_signed(kept_oere, results) if result_oere else dict.fromkeys(results, 0)
    if facts.keys:
        whole = split_by_keys(facts.keys, results)
        carried = kept_of_cells(whole, kept)
        passed_on = {
            code: {provider: amount - carried[code][provider] for provider, amount in row.items()}
            for code, row in whole.items()
        }
    elif facts.application_weights is None:
        parts = apportion(result_oere, facts.weights)
        kept_parts = _kept_of(parts, kept_oere, facts.weights)
        whole = split_by_source(parts, results, facts.weights)
        carried = split_by_source(kept_parts, kept, facts.weights)
        passed_on = {
            code: {provider: amount - carried[code][provider] for provider, amount in row.items()}
            for code, row in whole.items()
        }
    else:
        passed = {provider: results[provider] - kept[provider] for provider in results}
        carried = _by_application_year(kept, facts.weights, facts.application_weights)
        passed_on = _by_application_year(passed, facts.weights, facts.application_weights)
    return YearSettlement(
        agreement=facts.agreement,
        year=facts.year,
        application_year=facts.application_year,
        result_key=facts.result_key,
        accounts=facts.accounts,
        providers=providers,
        divided_by=DividedBy.LINES if facts.keys else DividedBy.TOTAL,
        parts=tuple(
            SettlementPart(
                municipality=code,
                result_oere=sum(row.values()) + sum(carried[code].values()),
                passed_on_oere=sum(row.values()),
                carried_oere=sum(carried[code].values()),
                by_provider={provider: (amount, carried[code][provider]) for provider, amount in row.items()},
            )
            for code, row in sorted(passed_on.items())
        ),
    )


def _kept_of(
    parts: Mapping[MunicipalityCode, int],
    kept_oere: int,
    weights: Mapping[MunicipalityCode, int],
) -> dict[MunicipalityCode, int]:
    """What is kept of each part: by the same shares, but never more than the part, where rounding would have it so."""
    kept = apportion(kept_oere, weights)
    if any(abs(kept[code]) > abs(part) for code, part in parts.items()):
        return apportion_signed(kept_oere, parts)
    return kept


def _by_application_year(
    totals: Mapping[MunicipalityCode, int],
    weights: Mapping[MunicipalityCode, int],
    application_weights: Mapping[MunicipalityCode, int],
) -> dict[MunicipalityCode, dict[MunicipalityCode, int]]:
    """Payer -> provider -> øre, by the shares of the year that is changed.

    The parts of those who have left by then are set apart first, by the accounting year's shares (rules 9 and 11).
    Where nobody is left to divide by, all have left.
    """
    by_accounting_year = split_by_source(apportion(sum(totals.values()), weights), totals, weights)
    if not any(application_weights.values()):
        return by_accounting_year
    leavers = {code: row for code, row in by_accounting_year.items() if code not in application_weights}
    rest = {provider: total - sum(row[provider] for row in leavers.values()) for provider, total in totals.items()}
    staying = split_by_source(apportion(sum(rest.values()), application_weights), rest, application_weights)
    return {**staying, **leavers}


def surplus_lines(
    agreement: str,
    year: int,
    sold_oere: Mapping[tuple[MunicipalityCode, str], int],
    accounts: Sequence[CostLine],
) -> tuple[CostLine, ...]:
    """What the final accounts lack of income from surplus capacity that was billed here.

    Args:
        agreement: For messages.
        year: The accounting year.
        sold_oere: (provider, service) -> øre billed to others, after credits.
        accounts: The accounts as the providers presented them; they may hold sales that were billed elsewhere.

    Returns:
        One line of income for each provider's service whose accounts say nothing of it.

    Raises:
        SurplusIncomeTooLow: accounts that name such an income, but less than was billed.

    Source: agreement § 9 stk. 3; domain rules 1 and 20; docs/decisions/0043-surplus-capacity.md.
    """
    lacking = []
    for (provider, service), amount in sorted(sold_oere.items()):
        named = [
            line.amount_oere
            for line in accounts
            if (line.key.provider, line.key.service) == (provider, service)
            and line.key.kind is CostKind.SURPLUS_CAPACITY_INCOME
        ]
        if named and sum(named) < amount:
            raise SurplusIncomeTooLow(
                agreement=agreement,
                year=year,
                provider=provider,
                service=service,
                named_oere=sum(named),
                billed_oere=amount,
            )
        if not named:
            key = CostLineKey(year, provider, service, CostKind.SURPLUS_CAPACITY_INCOME, SOLD_LINE)
            lacking.append(CostLine(key, amount, "Fakturerede salg af overskudskapacitet"))
    return tuple(lacking)


def _cost_per_provider(accounts: tuple[CostLine, ...]) -> dict[MunicipalityCode, int]:
    cost: dict[MunicipalityCode, int] = {}
    for line in accounts:
        cost[line.key.provider] = cost.get(line.key.provider, 0) + line.net_oere
    return cost


def closing_movements(settlement: YearSettlement, *, divided: bool) -> list[ResultMovement]:
    """What of the result goes into a later price and what stays on the balance.

    Args:
        settlement: The closed year.
        divided: True where each payer has its own part already (``accounting_year``); else the result stays undivided
            until the year that it changes is calculated.
    """
    movements: dict[tuple[MunicipalityCode | None, MunicipalityCode, int | None], int] = {}
    for part in settlement.parts:
        for provider, (passed_on, carried) in part.by_provider.items():
            owner = part.municipality if divided else None
            for amount, year in ((passed_on, settlement.application_year), (carried, None)):
                key = (owner, provider, year)
                movements[key] = movements.get(key, 0) + amount
    return [
        ResultMovement(ResultSource(settlement.year, provider), owner, amount, year)
        for (owner, provider, year), amount in movements.items()
    ]


def closing_postings(settlement: YearSettlement, *, divided: bool) -> list[Posting]:
    """Close what was billed on account against the cost; the difference is owed to, or by, the payers."""
    postings = []
    for provider in settlement.providers:
        code, year = provider.municipality, settlement.year
        postings.append(Posting(Account.ACONTO, provider.received_oere, year, provider=code))
        postings.append(Posting(Account.COST, -provider.cost_oere, year, provider=code))
    results: dict[tuple[MunicipalityCode | None, MunicipalityCode], int] = {}
    for movement in closing_movements(settlement, divided=divided):
        key = (movement.municipality, movement.source.provider)
        results[key] = results.get(key, 0) + movement.amount_oere
    postings += [
        Posting(Account.RESULT, -amount, settlement.year, municipality=owner, provider=provider)
        for (owner, provider), amount in results.items()
    ]
    return postings


def release_movements(
    balance: Mapping[tuple[MunicipalityCode | None, MunicipalityCode], int],
    release_oere: int,
    accounting_year: int,
    application_year: int,
) -> list[ResultMovement]:
    """Move a part of a carried amount from the balance into a later year's price.

    Args:
        balance: (owner, provider) -> what is carried.
        release_oere: How much of the sum, in its own sign.
        accounting_year: Whose result it is.
        application_year: The year whose price gets it.

    Source: agreement § 6 stk. 6; domain rule 10.
    """
    if sum(balance.values()) == 0:
        # Surpluses and deficits that cancel out have no parts of a sum; they are released whole or not at all.
        raise CarryOverTooLarge(asked=kroner(release_oere), result_oere=0)
    keyed = {(owner or "", provider): amount for (owner, provider), amount in balance.items()}
    parts = apportion_signed(release_oere, keyed)
    released = {(owner or None, provider): amount for (owner, provider), amount in parts.items()}
    return release_everything(released, accounting_year, application_year)


def release_everything(
    released: Mapping[tuple[MunicipalityCode | None, MunicipalityCode], int],
    accounting_year: int,
    application_year: int,
) -> list[ResultMovement]:
    """Move all of these amounts from the balance into a later year's price; see ``release_movements``."""
    movements = []
    for (owner, provider), amount in released.items():
        source = ResultSource(accounting_year, provider)
        movements.append(ResultMovement(source, owner, -amount, None))
        movements.append(ResultMovement(source, owner, amount, application_year))
    return movements


def clearing_of(balances: Mapping[MunicipalityCode, Mapping[str, int]]) -> tuple[ProviderClearing, ...]:
    """What each provider has with the others; what is outstanding sums to zero.

    Source: agreement annex; domain rule 12.
    """
    return tuple(
        ProviderClearing(
            municipality=provider,
            entitled_oere=balance["entitled"],
            collected_oere=balance["collected"],
            cleared_oere=balance["cleared"],
        )
        for provider, balance in sorted(balances.items())
    )


def clearing_postings(clearing: tuple[ProviderClearing, ...], year: int) -> list[Posting]:
    """The transfers that bring every provider's clearing to zero."""
    return [
        Posting(Account.CLEARING, provider.outstanding_oere, year, provider=provider.municipality)
        for provider in clearing
        if provider.outstanding_oere
    ]
