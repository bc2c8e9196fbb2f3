"""A year's cost divided by several keys, or over pieces of the year; pure arithmetic.

The year is cut where somebody joins or leaves. Each key's cost is spread over the pieces by months or days, and each
piece is divided among those who take part in it, always by largest remainder; so the shares sum to what is divided.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from agreements.agreement import (
    PERCENT_UNITS,
    AllocationKey,
    AllocationTerms,
    CostLineKey,
    KeyTerms,
    MunicipalityCode,
    PartialYear,
)
from agreements.population import PopulationFigure, PopulationMissing
from billing.annual_subscription.facts import NO_COUNT, Division, KeyBasis, Portion, PortionShare, YearFacts
from foundation.errors import N_, RuleBroken
from foundation.money import apportion
from foundation.period import BillingYear, Month, Period, months_between

WHOLE = 100 * PERCENT_UNITS
COUNTS_PEOPLE = frozenset({AllocationKey.POPULATION, AllocationKey.AGE_BAND_POPULATION})


class AgeBandMissing(RuleBroken):
    """A municipality's inhabitants of the age band are not known."""

    danish = N_(
        "Indbyggertallet {ages} år pr. {on} mangler for {name}. Indlæs det med "
        "«mellemregning population load FIL --ages {ages}», og beregn igen."
    )


class AgreedFigureMissing(RuleBroken):
    """The key names no figure for a municipality that takes part."""

    danish = N_(
        "Nøglen «{key}» i aftalen «{agreement}» har intet tal for {name}, som deltager i {year}. "
        "Ret aftalens fil, indlæs den, og beregn igen."
    )


class PercentagesDoNotFit(RuleBroken):
    """The percentages of those who take part are not a hundred."""

    danish = N_(
        "Procenterne i nøglen «{key}» i aftalen «{agreement}» giver {percent} for dem, der deltager fra {on} ({who}); "
        "de skal give netop 100. Aftal nye procenter, ret aftalens fil, indlæs den, og beregn igen."
    )


class PayerTakesNoPart(RuleBroken):
    """The one party that is to pay everything of a key takes no part in the year."""

    danish = N_(
        "Nøglen «{key}» i aftalen «{agreement}» lader {name} betale det hele, men {name} deltager ikke i {year}. "
        "Ret aftalens fil eller budgettet, indlæs det, og beregn igen."
    )


class KeyWithoutWeight(RuleBroken):
    """All figures of a key are zero."""

    danish = N_(
        "Alle tal i nøglen «{key}» i aftalen «{agreement}» er nul for dem, der deltager fra {on}, så udgiften kan ikke "
        "fordeles. Ret tallene, og beregn igen."
    )


OWN_KEY = "aftalens hovednøgle"


def keys_of(allocation: AllocationTerms, lines: Iterable[CostLineKey]) -> list[tuple[str, KeyTerms, list[CostLineKey]]]:
    """Each key with the lines that it splits, the agreement's own first; a key without lines is left out.

    Source: docs/decisions/0037-allocation-keys.md.
    """
    found: dict[str, tuple[str, KeyTerms, list[CostLineKey]]] = {"": ("", allocation.basis, [])}
    found |= {key.name: (key.name, key.terms, []) for key in allocation.line_keys}
    for line in sorted(lines):
        name = next((key.name for key in allocation.line_keys if key.splits(line)), "")
        found[name][2].append(line)
    return [entry for entry in found.values() if entry[2]]


def agreed_figures(terms: KeyTerms, day: date) -> dict[MunicipalityCode, PopulationFigure]:
    """The figures that the agreement itself writes down as they stand on a day, with where they stand as the source."""
    since, figures = terms.agreed_on(day)
    on = since or terms.counted_on or date(day.year, 1, 1)
    if terms.key is AllocationKey.FIXED_PERCENTAGES:
        source = "Aftalens vilkår: faste procenter (i titusindedele af en procent)"
    elif terms.key is AllocationKey.AGREED_CAPACITY:
        source = f"Aftalens vilkår: aftalt kapacitet, {terms.counts} pr. {on:%d.%m.%Y}"
    else:
        return {terms.payer: PopulationFigure(terms.payer, on, 1, "Aftalens vilkår: én part betaler det hele", on)}
    return {
        figure.municipality: PopulationFigure(figure.municipality, on, figure.units, source, on) for figure in figures
    }


def pieces_of_year(year: int, days: Iterable[Period], terms: KeyTerms) -> list[Period]:
    """The year cut at every day on which somebody joins or leaves, or on which the key's figures change, ascending."""
    whole = BillingYear(year).period
    cuts = {whole.from_day, whole.to_day} | {change.from_day for change in terms.changes if change.from_day in whole}
    for own in days:
        cuts |= {own.from_day, own.to_day}
    ordered = sorted(cuts)
    return [Period(start, end) for start, end in itertools.pairwise(ordered)]


def length_of(piece: Period, partial: PartialYear) -> int:
    """What a piece of a year weighs: its months, or its days."""
    if partial is PartialYear.DAYS:
        return (piece.to_day - piece.from_day).days
    return len(list(months_between(Month.of(piece.from_day), Month.of(piece.to_day - timedelta(days=1)))))


def divide(facts: YearFacts, names: Mapping[MunicipalityCode, str]) -> Division:
    """Divide a year's cost by its keys, piece of the year by piece.

    Args:
        facts: With keys and days.
        names: Code -> name, for messages.

    Returns:
        The portions; with the cost of the days on which nobody pays they sum to the cost lines.

    Raises:
        PopulationMissing, AgeBandMissing, AgreedFigureMissing: a figure is not known; nothing is guessed.
        PercentagesDoNotFit: the percentages of those who take part are not a hundred.
        KeyWithoutWeight: all figures are zero.
        PayerTakesNoPart: the one that pays it all takes no part in the year.

    Source: domain rules 2 and 3; docs/decisions/0037-allocation-keys.md, 0039-terms.md.
    """
    net = {line.key: line.net_oere for line in facts.cost_lines}
    portions = []
    for key in facts.keys:
        # A year that is not cut has one piece, whatever it weighs.
        pieces = pieces_of_year(facts.year, facts.days.values(), key.terms)
        lengths = {f"{place:03d}": length_of(piece, facts.partial_year) for place, piece in enumerate(pieces)}
        payer = key.terms.payer
        if key.terms.key is AllocationKey.ONE_PARTY and payer not in facts.days:
            raise PayerTakesNoPart(
                agreement=facts.agreement, key=key.name or OWN_KEY, name=names.get(payer, payer), year=facts.year
            )
        costs = apportion(sum(net[line] for line in key.lines), lengths, facts.unit_oere)
        for place, piece in enumerate(pieces):
            payers = [code for code, own in sorted(facts.days.items()) if _covers(own, piece)]
            if key.terms.key is AllocationKey.ONE_PARTY:
                payers = [code for code in payers if code == payer]
            if payers:
                portions.append(_portion(facts, key, piece, costs[f"{place:03d}"], payers, names))
    return Division(dict(sorted(facts.days.items())), tuple(portions))


def _covers(own: Period, piece: Period) -> bool:
    return own.from_day <= piece.from_day and piece.to_day <= own.to_day


def _portion(  # noqa: PLR0913, PLR0917 - what a portion rests on
    facts: YearFacts,
    key: KeyBasis,
    piece: Period,
    cost_oere: int,
    payers: Sequence[MunicipalityCode],
    names: Mapping[MunicipalityCode, str],
) -> Portion:
    if key.terms.changes:
        key = replace(key, figures=agreed_figures(key.terms, piece.from_day))
    missing = [code for code in payers if code not in key.figures]
    if missing:
        raise _missing(facts, key, [names.get(code, code) for code in missing], missing)
    weights = {code: key.figures[code].inhabitants for code in payers}
    whole = sum(weights.values())
    if key.terms.key is AllocationKey.FIXED_PERCENTAGES and whole != WHOLE:
        raise PercentagesDoNotFit(
            agreement=facts.agreement,
            key=key.name or OWN_KEY,
            percent=percent_words(whole),
            on=piece.from_day,
            who=", ".join(names.get(code, code) for code in payers),
        )
    if not whole:
        raise KeyWithoutWeight(agreement=facts.agreement, key=key.name or OWN_KEY, on=piece.from_day)
    shares = apportion(cost_oere, weights, facts.unit_oere)
    return Portion(
        name=key.name,
        terms=key.terms,
        days=piece,
        lines=key.lines,
        cost_oere=cost_oere,
        shares=tuple(PortionShare(key.figures[code], shares[code]) for code in payers),
    )


def _missing(facts: YearFacts, key: KeyBasis, names: list[str], codes: list[MunicipalityCode]) -> RuleBroken:
    terms = key.terms
    if terms.key is AllocationKey.POPULATION:
        return PopulationMissing(municipality=codes, name=names, on=facts.reference_date)
    if terms.key is AllocationKey.AGE_BAND_POPULATION:
        ages = f"{terms.age_from}-{terms.age_to}"
        return AgeBandMissing(name=names, ages=ages, on=terms.band_date(facts.year))
    return AgreedFigureMissing(agreement=facts.agreement, key=key.name or OWN_KEY, name=names, year=facts.year)


def percent_words(units: int) -> str:
    """Ten-thousandths of a per cent as people write them: ``20,4``."""
    whole, decimals = divmod(units, PERCENT_UNITS)
    return f"{whole},{decimals:04d}".rstrip("0").rstrip(",")


def shares_of(division: Division, members: Iterable[MunicipalityCode]) -> dict[MunicipalityCode, int]:
    """Each member's share of the year, over all portions; zero for one that pays nothing of any."""
    shares = dict.fromkeys(members, 0)
    for portion in division.portions:
        for share in portion.shares:
            shares[share.municipality] += share.share_oere
    return shares


def result_weights(shares: Mapping[MunicipalityCode, int]) -> dict[MunicipalityCode, int]:
    """What a result of the year is divided by: what each paid, so that it gets back of what it paid in.

    Where a share is negative it weighs nothing; where nobody paid anything, all weigh alike.

    Source: domain rule 9.
    """
    weights = {code: max(0, share) for code, share in shares.items()}
    return weights if any(weights.values()) else dict.fromkeys(weights, 1)


def first_count(division: Division, municipality: MunicipalityCode, on: date) -> PopulationFigure:
    """The first figure of inhabitants that a member was weighed by; zero, with words for it, where there is none."""
    for portion in division.portions:
        if portion.terms.key in COUNTS_PEOPLE:
            for share in portion.shares:
                if share.municipality == municipality:
                    return share.figure
    return PopulationFigure(municipality, on, 0, NO_COUNT, on)


def same_division(ones: Division | None, others: Division | None) -> bool:
    """Whether two divisions say the same; a figure that was fetched again and is the same is the same."""
    if ones is None or others is None:
        return ones is others
    return dict(ones.days) == dict(others.days) and _said(ones) == _said(others)


def _said(division: Division) -> list[tuple[object, ...]]:
    return [
        (
            portion.name,
            portion.terms,
            portion.days,
            portion.lines,
            portion.cost_oere,
            [(share.municipality, share.figure.inhabitants, share.share_oere) for share in portion.shares],
        )
        for portion in division.portions
    ]
