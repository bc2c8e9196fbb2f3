"""Prices: shares and instalments worked out again from what each version kept."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import Agreement, CostLineKey, MunicipalityCode
from agreements.schedule import weights_of_months
from billing.accounts.facts import InvoicedMonth
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.division_rules import OWN_KEY, result_weights, shares_of
from billing.annual_subscription.facts import AnnualSubscription, Correction, Division, SubscriptionPart
from billing.annual_subscription.rules import instalments_of, passed_on_in
from billing.verify.words import name_of
from foundation.money import NothingToSplitBy, apportion, kroner
from foundation.period import BillingYear, Month


def agreements_read_back(connection: Connection) -> Iterator[str]:
    """What is kept of each agreement to be read quickly is what its file says."""
    for code, version, same in agreement_store.kept_forms(connection):
        if not same:
            yield f"{code}, version {version}: de gemte værdier er ikke dem, der står i aftalens fil"


def stored_subscriptions(connection: Connection) -> Iterator[AnnualSubscription]:
    """Every version of every agreement's prices, as it is stored."""
    for code in agreement_store.agreement_codes(connection):
        for year, version, _ in subscription_store.versions(connection, code):
            found = subscription_store.read_subscription(connection, code, year, version)
            if found is not None:
                yield found


def shares_sum(connection: Connection) -> Iterator[str]:
    """Shares are what the kept inhabitants and cost lines give; obligations and instalments sum to them."""
    agreed = {code: agreement for code, (_, agreement) in agreement_store.find_agreements(connection, None).items()}
    stored = {(row.agreement, row.year, row.version): row for row in subscription_store.heads(connection)}
    parts = subscription_store.stored_parts(connection)
    amounts = subscription_store.stored_amounts(connection)
    for value in stored_subscriptions(connection):
        place = f"{value.agreement} {value.year}, beregning {value.version}"
        head = stored[value.agreement, value.year, value.version]
        if value.division is None:
            expected = _split_again(value.cost_oere, {part.municipality: part.weight for part in value.parts}, value)
        else:
            yield from _faults_of_division(place, value, value.division)
            expected = shares_of(value.division, [part.municipality for part in value.parts])
        for part in value.parts:
            name = name_of(part.municipality)
            if expected.get(part.municipality) != part.share_oere:
                yield f"{place}: andelen for {name} er {kroner(part.share_oere)} og følger ikke af indbyggertallene"
            if parts[head.id, part.municipality] != (part.passed_on_oere, part.obligation_oere):
                yield f"{place}: forpligtelsen for {name} er ikke andel minus indregnet resultat"
            for instalment in part.instalments:
                if amounts[head.id, part.municipality, instalment.month] != instalment.amount_oere:
                    yield f"{place}: raten for {name} i {instalment.month} er ikke andel minus indregnet resultat"
            yield from _faults_of_part(place, name, part, value, _weights(agreed[value.agreement], value, part))
        if (head.cost_oere, head.passed_on_oere, head.total_oere) != (
            value.cost_oere,
            value.passed_on_oere,
            sum(part.obligation_oere for part in value.parts),
        ):
            yield f"{place}: totalen er ikke summen af forpligtelserne"


def _split_again(
    total_oere: int, weights: dict[MunicipalityCode, int], value: AnnualSubscription
) -> dict[MunicipalityCode, int]:
    try:
        return apportion(total_oere, weights, value.unit_oere)
    except (NothingToSplitBy, ValueError):
        return {}


def _faults_of_division(place: str, value: AnnualSubscription, division: Division) -> Iterator[str]:
    """Each portion's shares are what its kept figures give, and the portions are no more than the lines they are of."""
    net = {line.key: line.net_oere for line in value.cost_lines}
    by_lines: dict[tuple[CostLineKey, ...], int] = {}
    for portion in division.portions:
        name = portion.name or OWN_KEY
        again = _split_again(
            portion.cost_oere,
            {share.municipality: share.figure.inhabitants for share in portion.shares},
            value,
        )
        if again != {share.municipality: share.share_oere for share in portion.shares}:
            yield f"{place}: andelene i nøglen «{name}» fra {portion.days.from_day} følger ikke af dens tal"
        by_lines[portion.lines] = by_lines.get(portion.lines, 0) + portion.cost_oere
    whole = BillingYear(value.year).period
    paid_all_year = all(own == whole for own in division.days.values())
    for lines, cost_oere in by_lines.items():
        there = sum(net.get(line, 0) for line in lines)
        within = min(0, there) <= cost_oere <= max(0, there)
        if cost_oere != there if paid_all_year else not within:
            yield f"{place}: der er fordelt {kroner(cost_oere)} af budgetlinjer på {kroner(there)}"
    if value.parts and [part.weight for part in value.parts] != list(
        result_weights({part.municipality: part.share_oere for part in value.parts}).values()
    ):
        yield f"{place}: vægtene, som resultater deles efter, er ikke andelene"


def _faults_of_part(
    place: str, name: str, part: SubscriptionPart, value: AnnualSubscription, weights: dict[Month, int]
) -> Iterator[str]:
    if value.division is None and part.weight != part.population.inhabitants:
        yield f"{place}: vægten for {name} er ikke indbyggertallet {part.population.inhabitants}"
    if sum(instalment.amount_oere for instalment in part.instalments) != part.obligation_oere:
        yield f"{place}: raterne for {name} summer ikke til {kroner(part.obligation_oere)}"
    elif not _cut_by_the_rule(part, value.unit_oere, weights):
        yield f"{place}: raterne for {name} er ikke lige store, som reglen deler dem"


def _weights(agreement: Agreement, value: AnnualSubscription, part: SubscriptionPart) -> dict[Month, int]:
    """What the part's instalments weigh: alike, but for who takes part in a piece of the year."""
    whole = BillingYear(value.year).period
    own = value.division.days.get(part.municipality, whole) if value.division else whole
    if own == whole:
        return {instalment.month: 1 for instalment in part.instalments}
    terms = agreement.terms
    return weights_of_months(terms.advance, value.year, own, terms.allocation.partial_year)


def _cut_by_the_rule(part: SubscriptionPart, unit_oere: int, weights: dict[Month, int]) -> bool:
    """Whether the instalments are what the rule makes of the part: the rest spread, or the whole year afresh."""
    given = [
        InvoicedMonth(instalment.month, instalment.gross_oere, dict(instalment.passed_on))
        for instalment in part.instalments
        if instalment.invoiced
    ]
    stored = [(instalment.gross_oere, passed_on_in([instalment])) for instalment in part.instalments]
    for correction in Correction:
        cut = instalments_of(
            months=weights,
            share_oere=part.share_oere,
            passed_on=part.passed_on,
            invoiced=given,
            unit_oere=unit_oere,
            correction=correction,
        )
        if [(instalment.gross_oere, passed_on_in([instalment])) for instalment in cut] == stored:
            return True
    return False
