"""A year's result key by key: a line's over- or under-spending falls on those who pay the line; pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agreements.agreement import AllocationTerms, CostKind, CostLine, CostLineKey, MunicipalityCode
from billing.annual_subscription.division_rules import result_weights
from billing.annual_subscription.facts import AnnualSubscription, Division, Portion
from billing.year_end_settlement.facts import KeyResult
from foundation.money import apportion, apportion_signed

Cells = dict[MunicipalityCode, dict[MunicipalityCode, int]]


def has_several_keys(price: AnnualSubscription) -> bool:
    """Whether the year's cost was divided by more keys than one."""
    return price.division is not None and len({portion.name for portion in price.division.portions}) > 1


def is_per_line(price: AnnualSubscription, accounts: Sequence[CostLine]) -> bool:
    """Whether the accounts say what the lines of each key cost.

    Where a provider's service is divided by several keys, the accounts must name every one of its cost lines as the
    budget does; a service with one key needs no lines.
    """
    if price.division is None:
        return False
    key_of = _key_of_lines(price.division)
    keys_of_service: dict[tuple[MunicipalityCode, str], set[str]] = {}
    for line, name in key_of.items():
        keys_of_service.setdefault((line.provider, line.service), set()).add(name)
    told = {line.key for line in accounts}
    return all(
        line in told
        for line in key_of
        if line.kind is CostKind.COST and len(keys_of_service[line.provider, line.service]) > 1
    )


def results_by_key(
    price: AnnualSubscription, accounts: Sequence[CostLine], allocation: AllocationTerms
) -> tuple[KeyResult, ...]:
    """What the lines of each key were billed at and cost, and what that is divided by.

    Args:
        price: The year's price, with the division that it was billed by.
        accounts: The final accounts, with the short names of their lines.
        allocation: Which key a line falls under that was not budgeted.

    Returns:
        The keys in the price's order. None where the year has one key, or where the accounts do not say what each
        key's lines cost: then the result is divided by the year's shares in all.

    Source: domain rules 1 and 9; docs/decisions/0032-results-by-key.md.
    """
    if price.division is None or not has_several_keys(price) or not is_per_line(price, accounts):
        return ()
    portions: dict[str, list[Portion]] = {}
    for portion in price.division.portions:
        portions.setdefault(portion.name, []).append(portion)
    cost: dict[str, dict[MunicipalityCode, int]] = {}
    key_of = _key_of_lines(price.division)
    for line in accounts:
        name = key_of.get(line.key, _name_of_unbudgeted(line.key, allocation, portions))
        of_key = cost.setdefault(name, {})
        of_key[line.key.provider] = of_key.get(line.key.provider, 0) + line.net_oere
    net = {line.key: line.net_oere for line in price.cost_lines}
    found = [
        KeyResult(name, _billed(own, net), dict(sorted(cost.pop(name, {}).items())), _weights(own))
        for name, own in portions.items()
    ]
    # What falls under a key that nothing was billed by has no shares of its own.
    everybody = {part.municipality: part.weight for part in price.parts}
    found += [KeyResult(name, {}, dict(sorted(of_key.items())), everybody) for name, of_key in sorted(cost.items())]
    return tuple(found)


def _key_of_lines(division: Division) -> dict[CostLineKey, str]:
    return {line: portion.name for portion in division.portions for line in portion.lines}


def _name_of_unbudgeted(line: CostLineKey, allocation: AllocationTerms, known: Mapping[str, object]) -> str:
    name = next((key.name for key in allocation.line_keys if key.splits(line)), "")
    return name if name in known else ""


def _billed(portions: Sequence[Portion], net: Mapping[CostLineKey, int]) -> dict[MunicipalityCode, int]:
    """Provider -> what was divided by a key; of a year in pieces, the part of its budget that somebody pays."""
    budget: dict[MunicipalityCode, int] = {}
    for line in portions[0].lines:
        budget[line.provider] = budget.get(line.provider, 0) + net[line]
    whole = sum(portion.cost_oere for portion in portions)
    if sum(budget.values()) in {whole, 0}:
        return dict(sorted(budget.items()))
    return apportion_signed(whole, budget)


def _weights(portions: Sequence[Portion]) -> dict[MunicipalityCode, int]:
    """What a key's difference is divided by: its figures; over pieces of a year, what each paid by it."""
    figures: dict[MunicipalityCode, int] = {}
    paid: dict[MunicipalityCode, int] = {}
    for portion in portions:
        for share in portion.shares:
            figures[share.municipality] = figures.get(share.municipality, 0) + share.figure.inhabitants
            paid[share.municipality] = paid.get(share.municipality, 0) + share.share_oere
    if len(portions) == 1 or not any(amount > 0 for amount in paid.values()):
        return figures
    return result_weights(paid)


def split_by_keys(keys: Sequence[KeyResult], results: Mapping[MunicipalityCode, int]) -> Cells:
    """Divide each key's difference by its own weights, and say which provider's money each part is.

    Args:
        keys: All keys of the year.
        results: Provider -> its result by the books; they sum to the keys' results.

    Returns:
        Payer -> provider -> øre. The rows sum to the parts, the columns to the providers' results.

    Source: domain rules 3, 9 and 12; docs/decisions/0032-results-by-key.md.
    """
    payers = sorted({code for key in keys for code in key.weights})
    parts = dict.fromkeys(payers, 0)
    for key in keys:
        for code, amount in key.parts.items():
            parts[code] += amount
    providers = sorted(results)
    balancing = max(providers, key=lambda provider: abs(results[provider]))
    cells: Cells = {code: dict.fromkeys(providers, 0) for code in payers}
    for provider in providers:
        if provider == balancing:
            continue
        for key, amount in zip(keys, _of_provider(keys, provider, results[provider]), strict=True):
            for code, piece in apportion(amount, key.weights).items():
                cells[code][provider] += piece
    for code, row in cells.items():
        row[balancing] = parts[code] - sum(row.values())
    return cells


def _of_provider(keys: Sequence[KeyResult], provider: MunicipalityCode, result_oere: int) -> list[int]:
    """A provider's result key by key; the øre by which its receipts miss its budget go to its largest key."""
    amounts = [key.billed_oere.get(provider, 0) - key.cost_oere.get(provider, 0) for key in keys]
    largest = max(range(len(keys)), key=lambda place: abs(keys[place].billed_oere.get(provider, 0)))
    amounts[largest] += result_oere - sum(amounts)
    return amounts


def kept_of_cells(whole: Cells, kept: Mapping[MunicipalityCode, int]) -> Cells:
    """What is kept of each payer's part of each provider's result, in the proportion in which the provider's is kept.

    Args:
        whole: Payer -> provider -> øre of the result.
        kept: Provider -> øre that is kept; between zero and its result.

    Source: agreement § 6 stk. 6; domain rule 10.
    """
    carried: Cells = {code: dict.fromkeys(row, 0) for code, row in whole.items()}
    for provider, amount in kept.items():
        column = {code: row[provider] for code, row in whole.items()}
        if amount and sum(column.values()):
            for code, piece in apportion_signed(amount, column).items():
                carried[code][provider] = piece
    return carried
