"""From the cost of a year to twelve instalments per municipality; pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agreements.agreement import MunicipalityCode
from agreements.population import PopulationFigure, PopulationMissing
from billing.accounts.facts import InvoicedMonth, ResultSource
from billing.accounts.rules import split_by_source
from billing.annual_subscription.division_rules import (
    divide,
    first_count,
    result_weights,
    same_division,
    shares_of,
)
from billing.annual_subscription.facts import (
    AnnualSubscription,
    Correction,
    EffectLine,
    Instalment,
    PriceEffect,
    ResultPool,
    SubscriptionPart,
    YearFacts,
)
from foundation.errors import N_, RuleBroken
from foundation.money import apportion, weighted_parts
from foundation.period import Month


class BudgetMissing(RuleBroken):
    """There is no cost to split, because no provider has a budget for the year."""

    danish = N_(
        "Der er intet budget for {year} i aftalen «{agreement}». "
        "Indlæs ydelsesleverandørernes budgetter med «mellemregning budget load FIL» og beregn igen.",
    )


class NoMembers(RuleBroken):
    """Nobody takes part in the year."""

    danish = N_("Ingen kommuner deltager i aftalen «{agreement}» i {year}, så der er ingen at fordele udgiften på.")


class NobodyToSplitBy(RuleBroken):
    """All members' figures are zero."""

    danish = N_(
        "Alle deltageres indbyggertal pr. {on} er nul, så udgiften for {year} i aftalen «{agreement}» kan ikke "
        "fordeles. Ret indbyggertallene og beregn igen.",
    )


def calculate(facts: YearFacts, version: int, names: Mapping[MunicipalityCode, str]) -> AnnualSubscription:
    """Split the year's cost and cut each obligation into instalments.

    Args:
        facts: All it rests on.
        version: The number that this calculation gets.
        names: Code -> name, for messages.

    Returns:
        The whole calculation; shares sum to the cost, instalments to obligations, obligations to the total.

    Raises:
        NoMembers, BudgetMissing, PopulationMissing, NobodyToSplitBy: nothing is guessed.
        AgeBandMissing, AgreedFigureMissing, PercentagesDoNotFit, KeyWithoutWeight: of other keys, see ``divide``.

    Source: agreement § 6 stk. 1 to 3; domain rules 1 to 4, 7 and 9.
    """
    members = sorted(facts.members)
    if not members:
        raise NoMembers(agreement=facts.agreement, year=facts.year)
    if not facts.cost_lines:
        raise BudgetMissing(agreement=facts.agreement, year=facts.year)
    division = divide(facts, names) if facts.keys else None
    if division is None:
        population = _all_figures(facts, members, names)
        weights = {code: population[code].inhabitants for code in members}
        if not any(weights.values()):
            raise NobodyToSplitBy(agreement=facts.agreement, year=facts.year, on=facts.reference_date)
        cost_oere = sum(line.net_oere for line in facts.cost_lines)
        shares = apportion(cost_oere, weights, facts.unit_oere)
    else:
        shares = shares_of(division, members)
        weights = result_weights(shares)
        population = {code: first_count(division, code, facts.reference_date) for code in members}
    passed_on = _passed_on(facts, weights)
    parts = tuple(
        SubscriptionPart(
            municipality=code,
            population=population[code],
            weight=weights[code],
            share_oere=shares[code],
            passed_on=passed_on[code],
            instalments=instalments_of(
                months=facts.months_of.get(code, dict.fromkeys(facts.months, 1)),
                share_oere=shares[code],
                passed_on=passed_on[code],
                invoiced=facts.invoiced.get(code, ()),
                unit_oere=facts.unit_oere,
                correction=facts.correction,
            ),
        )
        for code in members
    )
    return AnnualSubscription(
        agreement=facts.agreement,
        year=facts.year,
        version=version,
        reference_date=facts.reference_date,
        unit_oere=facts.unit_oere,
        correction=facts.correction,
        cost_lines=facts.cost_lines,
        parts=parts,
        division=division,
    )


def _all_figures(
    facts: YearFacts, members: Sequence[MunicipalityCode], names: Mapping[MunicipalityCode, str]
) -> Mapping[MunicipalityCode, PopulationFigure]:
    missing = [code for code in members if code not in facts.population]
    if missing:
        raise PopulationMissing(
            municipality=missing,
            name=[names.get(code, code) for code in missing],
            on=facts.reference_date,
        )
    return facts.population


def _passed_on(
    facts: YearFacts,
    weights: Mapping[MunicipalityCode, int],
) -> dict[MunicipalityCode, dict[ResultSource, int]]:
    passed_on = {code: dict(facts.passed_on.get(code, {})) for code in weights}
    for municipality, pieces in divided_pools(facts.pools, weights).items():
        for source, amount in pieces.items():
            passed_on[municipality][source] = passed_on[municipality].get(source, 0) + amount
    return {
        code: {source: amount for source, amount in sorted(sources.items()) if amount != 0}
        for code, sources in passed_on.items()
    }


def divided_pools(
    pools: Iterable[ResultPool],
    weights: Mapping[MunicipalityCode, int],
) -> dict[MunicipalityCode, dict[ResultSource, int]]:
    """Divide results by the shares of the year that they change, leavers' parts set apart first.

    Each accounting year is split whole, in whole øre; which provider's money a part is follows from that.

    Source: domain rules 3, 9 (``application_year``) and 11.
    """
    divided: dict[MunicipalityCode, dict[ResultSource, int]] = {code: {} for code in sorted(weights)}
    by_year: dict[int, dict[MunicipalityCode, int]] = {}
    for pool in pools:
        year = by_year.setdefault(pool.source.accounting_year, {})
        amount = pool.amount_oere - sum(pool.reserved.values())
        year[pool.source.provider] = year.get(pool.source.provider, 0) + amount
    for accounting_year, totals in sorted(by_year.items()):
        parts = apportion(sum(totals.values()), weights)
        for municipality, row in split_by_source(parts, totals, weights).items():
            for provider, amount in row.items():
                divided[municipality][ResultSource(accounting_year, provider)] = amount
    return divided


def still_to_pass_on(dues_oere: Mapping[int, int], taken_oere: Mapping[int, int]) -> dict[int, int]:
    """What no price has taken yet of one payer's part of one result.

    A price takes first what is due in its own year, and then what earlier prices left because it came too late.

    Args:
        dues_oere: The year whose price is to take it -> øre.
        taken_oere: The year of another price -> øre that it takes.

    Returns:
        Due year -> øre left; they sum to what is due less what is taken.

    Source: agreement § 6 stk. 3; domain rules 9 and 10.
    """
    left = dict(sorted(dues_oere.items()))
    for year, amount in sorted(taken_oere.items()):
        rest = amount
        for due in (year, *(due for due in left if due < year)):
            if due in left:
                piece = _within(rest, left[due])
                left[due] -= piece
                rest -= piece
        if rest:  # more than was due: the price rests on figures that have changed since
            place = max((due for due in left if due <= year), default=year)
            left[place] = left.get(place, 0) - rest
    return left


def _within(amount_oere: int, limit_oere: int) -> int:
    """As much of the amount as lies between zero and the limit."""
    if limit_oere >= 0:
        return max(0, min(amount_oere, limit_oere))
    return min(0, max(amount_oere, limit_oere))


def instalments_of(  # noqa: PLR0913 - the rule rests on these
    *,
    months: Mapping[Month, int] | Sequence[Month],
    share_oere: int,
    passed_on: Mapping[ResultSource, int],
    invoiced: Sequence[InvoicedMonth],
    unit_oere: int,
    correction: Correction,
) -> tuple[Instalment, ...]:
    """Cut one obligation into the year's instalments.

    A month that was invoiced keeps what was invoiced. What then remains of the obligation is spread over the other
    months, rounded down to the unit, and the last of them takes the rest. Where no month remains but something does,
    or where it was decided so, the whole year is cut afresh: those months are then credited and invoiced anew.

    Args:
        months: The months of the year that are instalments, ascending; with what each weighs, where they do not all
            weigh alike.
        share_oere: The municipality's share of the cost.
        passed_on: Source -> øre of earlier results; the obligation is the share less their sum.
        invoiced: What was invoiced, for months that are claimed.
        unit_oere: 1, or 100 for whole kroner.
        correction: Spread, or invoice anew.

    Returns:
        As many instalments as months; their amounts sum to the obligation.

    Source: agreement § 7 stk. 1; domain rules 4 and 7.
    """
    weights = dict(months) if isinstance(months, Mapping) else dict.fromkeys(months, 1)
    kept = {month.month: month for month in invoiced if month.month in weights}
    remaining = {month: weight for month, weight in weights.items() if month not in kept}
    obligation_oere = share_oere - sum(passed_on.values())
    unbilled_oere = obligation_oere - sum(month.amount_oere for month in kept.values())
    unbilled_gross_oere = share_oere - sum(month.gross_oere for month in kept.values())
    left = dict(passed_on)
    for month in kept.values():
        for source, amount in month.passed_on.items():
            left[source] = left.get(source, 0) - amount
    # Sources count too: a surplus of one provider and a deficit of another may leave the amounts as they were.
    something_remains = unbilled_oere != 0 or unbilled_gross_oere != 0 or any(left.values())
    if correction is Correction.REINVOICE or (not remaining and something_remains):
        fresh = _spread(weights, share_oere, obligation_oere, passed_on, unit_oere)
        return tuple(
            _as_invoiced(kept[month]) if month in kept and says_the_same(kept[month], fresh[month]) else fresh[month]
            for month in months
        )
    spread = _spread(remaining, unbilled_gross_oere, unbilled_oere, left, unit_oere)
    return tuple(_as_invoiced(kept[month]) if month in kept else spread[month] for month in months)


def _as_invoiced(month: InvoicedMonth) -> Instalment:
    return Instalment(month.month, month.gross_oere, dict(month.passed_on), invoiced=True)


def effect_between(before: AnnualSubscription, after: AnnualSubscription) -> PriceEffect:
    """What a newer calculation changes for each municipality, those that it takes out or in as well.

    Source: domain rules 2 and 7.
    """
    codes = sorted({part.municipality for part in (*before.parts, *after.parts)})
    return PriceEffect(
        agreement=after.agreement,
        year=after.year,
        version=before.version,
        total_before_oere=before.total_oere,
        total_after_oere=after.total_oere,
        lines=tuple(_effect_on(code, before.part_of(code), after.part_of(code)) for code in codes),
    )


def _effect_on(code: MunicipalityCode, old: SubscriptionPart | None, new: SubscriptionPart | None) -> EffectLine:
    coming = next((entry.month for entry in new.instalments if not entry.invoiced), None) if new else None
    return EffectLine(
        municipality=code,
        population_before=old.population.inhabitants if old else None,
        population_after=new.population.inhabitants if new else None,
        obligation_before_oere=old.obligation_oere if old else 0,
        obligation_after_oere=new.obligation_oere if new else 0,
        next_before_oere=_amount_in(old, coming),
        next_after_oere=_amount_in(new, coming),
    )


def _amount_in(part: SubscriptionPart | None, month: Month | None) -> int | None:
    instalments = part.instalments if part else ()
    return next((entry.amount_oere for entry in instalments if entry.month == month), None)


def says_the_same(invoiced: InvoicedMonth, fresh: Instalment) -> bool:
    """Whether a month was invoiced just as an instalment says, source by source."""
    return invoiced.gross_oere == fresh.gross_oere and _told(invoiced.passed_on) == _told(fresh.passed_on)


def _told(passed_on: Mapping[ResultSource, int]) -> dict[ResultSource, int]:
    return {source: amount for source, amount in passed_on.items() if amount}


def _spread(
    months: Mapping[Month, int],
    gross_oere: int,
    amount_oere: int,
    passed_on: Mapping[ResultSource, int],
    unit_oere: int,
) -> dict[Month, Instalment]:
    """Cut gross and amount alike; what lies between them each month is what is passed on, kept apart by source."""
    if not months:
        return {}
    weights = list(months.values())
    gross = weighted_parts(gross_oere, weights, unit_oere)
    amounts = weighted_parts(amount_oere, weights, unit_oere)
    sources = sorted(passed_on)
    # The largest source takes the øre by which the others' equal parts miss the month's difference.
    balancing = max(sources, key=lambda source: abs(passed_on[source])) if sources else None
    pieces = {source: weighted_parts(passed_on[source], weights) for source in sources if source != balancing}
    instalments: dict[Month, Instalment] = {}
    for index, month in enumerate(months):
        of_month = {source: parts[index] for source, parts in pieces.items()}
        if balancing is not None:
            of_month[balancing] = gross[index] - amounts[index] - sum(of_month.values())
        instalments[month] = Instalment(
            month,
            gross[index],
            {source: of_month[source] for source in sources if of_month[source] != 0},
        )
    return instalments


def same_calculation(stored: AnnualSubscription, fresh: AnnualSubscription) -> bool:
    """Whether a stored version still says all that a fresh calculation would, so that no new version is due.

    The instalments need not be cut alike: a stored version stands as long as it closes the year exactly with what
    was invoiced since. So are they compared as what is still to be billed for each municipality.
    """
    if (stored.cost_lines, stored.reference_date, stored.unit_oere) != (
        fresh.cost_lines,
        fresh.reference_date,
        fresh.unit_oere,
    ):
        return False
    if not same_division(stored.division, fresh.division):
        return False
    if [_figures_of(part) for part in stored.parts] != [_figures_of(part) for part in fresh.parts]:
        return False
    for old, new in zip(stored.parts, fresh.parts, strict=True):
        invoiced = {instalment.month: instalment for instalment in new.instalments if instalment.invoiced}
        year = [invoiced.get(instalment.month, instalment) for instalment in old.instalments]
        if sum(instalment.gross_oere for instalment in year) != new.share_oere:
            return False
        if passed_on_in(year) != _told(new.passed_on):
            return False
    return True


def passed_on_in(months: Iterable[Instalment | InvoicedMonth]) -> dict[ResultSource, int]:
    """Source -> øre that some months pass on together; sources that come to nothing are left out."""
    sums: dict[ResultSource, int] = {}
    for month in months:
        for source, amount in month.passed_on.items():
            sums[source] = sums.get(source, 0) + amount
    return _told(sums)


def _figures_of(part: SubscriptionPart) -> tuple[object, ...]:
    return (
        part.municipality,
        part.population.inhabitants,
        part.weight,
        part.share_oere,
        sorted(part.passed_on.items()),
    )
