"""One payer's bill for one month: lines per provider and service, and what it books; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

from agreements.agreement import CostLine, MunicipalityCode, ProviderOwnShare, ResultKey, Schedule
from agreements.schedule import weights_of_months
from billing.accounts.facts import Account, Posting, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, Instalment, SubscriptionPart
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind
from billing.monthly_aconto.facts import MonthFacts
from foundation.errors import N_, RuleBroken
from foundation.money import apportion_signed, equal_parts, weighted_parts
from foundation.period import BillingYear

ProviderService = tuple[MunicipalityCode, str]
_RATE_WORDS = {Schedule.MONTHLY: "månedlige rate"}


class PriceMissing(RuleBroken):
    """The year has no price yet, and it is too early to bill last year's instead."""

    danish = N_(
        "Prisen for {year} i aftalen «{agreement}» er ikke beregnet. Kør «mellemregning subscription calculate "
        "{agreement} {year}». Mangler prisen stadig {provisional_from}, udstedes sidste års rate foreløbigt.",
    )


class NothingToBillFrom(RuleBroken):
    """A payer has neither a price this year nor one last year."""

    danish = N_(
        "{municipality} har hverken en pris for {year} eller for året før, så {month} kan ikke faktureres foreløbigt. "
        "Beregn prisen med «mellemregning subscription calculate {agreement} {year}».",
    )


class PriceOutOfDate(RuleBroken):
    """The price was calculated for other members than those who take part now."""

    danish = N_(
        "Prisen for {year} i aftalen «{agreement}» (beregning {version}) er lavet for andre deltagere end de "
        "nuværende: {difference}. Kør «mellemregning subscription calculate {agreement} {year}» og udsted igen.",
    )


def instalment_of(facts: MonthFacts, municipality: MunicipalityCode) -> Instalment:
    """What the payer is billed for the month.

    Raises:
        NothingToBillFrom: the price is missing and there was none last year either.

    Source: domain rules 4, 7 and 8.
    """
    return _instalment(facts, _part(facts, municipality))


def _part(facts: MonthFacts, municipality: MunicipalityCode) -> SubscriptionPart:
    part = facts.subscription.part_of(municipality)
    if part is None:
        raise NothingToBillFrom(
            municipality=facts.parties[municipality].name,
            year=facts.month.year,
            month=facts.instalment.danish,
            agreement=facts.agreement.code,
        )
    return part


def _instalment(facts: MonthFacts, part: SubscriptionPart) -> Instalment:
    if facts.provisional:
        # Last year's regular instalment, all of it on account of this year: last year's results were passed on then.
        amount = _regular_instalment(facts, part)
        return Instalment(facts.month, amount, {})
    month = facts.month
    for instalment in part.instalments:
        if instalment.month is month or instalment.month == month:
            return instalment
    raise LookupError(month)


def _regular_instalment(facts: MonthFacts, part: SubscriptionPart) -> int:
    """A whole instalment of the price; of one for a piece of the year, what would be due of the whole year."""
    terms, price = facts.agreement.terms, facts.subscription
    own = price.division.days.get(part.municipality) if price.division else None
    if own is None or own == BillingYear(price.year).period:
        return equal_parts(part.obligation_oere, terms.advance.instalments, price.unit_oere)[0]
    weights = weights_of_months(terms.advance, price.year, own, terms.allocation.partial_year)
    # The heaviest instalment is a whole one, wherever there is one.
    parts = weighted_parts(part.obligation_oere, sorted(weights.values(), reverse=True), price.unit_oere)
    return parts[0]


def weights_of_payer(
    subscription: AnnualSubscription, municipality: MunicipalityCode
) -> dict[MunicipalityCode, dict[str, int]]:
    """What one payer's instalments are cut by: provider -> service -> its own share of what they cost.

    Where there are several keys, what a payer pays for is its own; so a service that it has no share of is not on its
    invoice, and a sum that it pays alone stands there whole.

    Source: domain rule 12; docs/decisions/0037-allocation-keys.md.
    """
    net: dict[MunicipalityCode, dict[str, int]] = {}
    for portion in subscription.division.portions if subscription.division else ():
        share = portion.share_of(municipality)
        if share:
            lines = [line for line in subscription.cost_lines if line.key in portion.lines]
            for (provider, service), amount in split_between_providers(share, lines).items():
                services = net.setdefault(provider, {})
                services[service] = services.get(service, 0) + amount
    return net or weights_of(subscription.cost_lines)


def split_between_providers(gross_oere: int, cost_lines: Iterable[CostLine]) -> dict[ProviderService, int]:
    """Cut one instalment between the providers by their budgets, then between each one's services.

    Returns:
        (provider, service) -> øre, ascending; they sum to ``gross_oere``.

    Source: domain rule 12.
    """
    return _split(gross_oere, weights_of(cost_lines))


def _split(gross_oere: int, net: Mapping[MunicipalityCode, Mapping[str, int]]) -> dict[ProviderService, int]:
    if len(net) == 1:
        ((provider, services),) = net.items()
        if len(services) == 1:
            return {(provider, next(iter(services))): gross_oere}
    providers = _by_weight(gross_oere, {provider: sum(services.values()) for provider, services in net.items()})
    return {
        (provider, service): part
        for provider, amount in providers.items()
        for service, part in _by_weight(amount, net[provider]).items()
    }


def weights_of(cost_lines: Iterable[CostLine]) -> dict[MunicipalityCode, dict[str, int]]:
    """What instalments are cut by: provider -> service -> net budget; the same for all payers of a price."""
    net: dict[MunicipalityCode, dict[str, int]] = {}
    for line in cost_lines:
        services = net.setdefault(line.key.provider, {})
        services[line.key.service] = services.get(line.key.service, 0) + line.net_oere
    return net


def _by_weight(amount_oere: int, weights: Mapping[str, int]) -> dict[str, int]:
    if len(weights) == 1:
        return dict.fromkeys(weights, amount_oere)
    # Budgets that cancel out say nothing of who is entitled to what is still to be billed or paid back: equal parts.
    return apportion_signed(amount_oere, weights if sum(weights.values()) else dict.fromkeys(weights, 1))


def draft_of(facts: MonthFacts, municipality: MunicipalityCode) -> DocumentDraft:
    """The payer's document for the month, complete but for number and dates.

    Raises:
        NothingToBillFrom: see ``instalment_of``.

    Source: agreement § 7 stk. 1 and annex; domain rules 8, 12, 14 and 15.
    """
    return Drafter(facts).draft(municipality)


class Drafter:
    """Drafts a month's documents for many payers; what all of them say is worked out once."""

    def __init__(self, facts: MonthFacts) -> None:
        """Work out what all of the month's documents have in common."""
        self.facts = facts
        self.parts = {part.municipality: part for part in facts.subscription.parts}
        self.weights = weights_of(facts.subscription.cost_lines) if facts.weights is None else facts.weights
        self.issuer = facts.parties[facts.agreement.issuer]
        self.title = f"A conto {facts.instalment.danish}"
        self.period = facts.instalment.period
        self.note = _note(facts)
        self.share_line = cache(partial(_share_line, facts))
        is_net = facts.agreement.terms.advance.provider_own_share is ProviderOwnShare.NET
        self.set_off = frozenset(facts.agreement.providers if is_net else ())

    def draft(self, municipality: MunicipalityCode) -> DocumentDraft:
        """One payer's; see ``draft_of``."""
        facts = self.facts
        part = self.parts.get(municipality) or _part(facts, municipality)
        instalment = _instalment(facts, part)
        # Where several keys divide the cost, payers pay the services in different proportions.
        divided = facts.subscription.division is not None
        weights = weights_of_payer(facts.subscription, municipality) if divided else self.weights
        gross = _split(instalment.gross_oere, weights)
        set_off = municipality in self.set_off
        internal = set_off or municipality == facts.agreement.issuer
        # By place, in the order of the fields: a national month drafts fifty thousand, twice.
        return DocumentDraft(
            facts.agreement.code,
            self.issuer,
            facts.parties[municipality],
            ClaimKind.ACONTO,
            self.title,
            self.period,
            tuple(self._lines(part, instalment, gross)),
            tuple(_postings(facts, municipality, instalment, gross, set_off=set_off, internal=internal))
            if facts.booked
            else (),
            facts.agreement.terms.advance.due_days,
            internal,
            facts.provisional,
            self.note,
        )

    def _lines(
        self, part: SubscriptionPart, instalment: Instalment, gross: Mapping[ProviderService, int]
    ) -> list[InvoiceLine]:
        lines = [self.share_line(provider, service)(amount) for (provider, service), amount in gross.items()]
        if instalment.passed_on:
            lines += [
                _passed_on_line(self.facts, source, amount, part.passed_on.get(source, amount))
                for source, amount in instalment.passed_on.items()
            ]
        return [line for line in lines if line.amount_oere] or lines[:1]


def _note(facts: MonthFacts) -> str:
    if facts.provisional:
        rate = _RATE_WORDS.get(facts.agreement.terms.advance.schedule, "rate")
        return (
            f"Foreløbigt beløb: prisen for {facts.month.year} forelå ikke {facts.price_missing_from:%d.%m.%Y}. "
            f"Der opkræves derfor sidste års {rate}; forskellen reguleres, når prisen er beregnet."
        )
    if facts.subscription.version > 1:
        return f"Beløbet følger prisberegning nr. {facts.subscription.version} for {facts.month.year}."
    return ""


def _share_line(facts: MonthFacts, provider: MunicipalityCode, service: str) -> Callable[[int], InvoiceLine]:
    """The line of a provider's service, but for its amount, by which payers differ."""
    (of_agreement,) = [each for each in facts.agreement.services if each.code == service]
    when = facts.instalment
    what = (
        "foreløbig rate" if facts.provisional else f"rate {when.number} af {facts.agreement.terms.advance.instalments}"
    )
    name = facts.parties[provider].name
    code, title, clause = facts.agreement.code, of_agreement.title, of_agreement.vat_exemption
    text = f"{title}, {name}: a conto {when.danish} ({what})"
    days, year, version = when.period, facts.month.year, facts.subscription.version

    def line(amount_oere: int) -> InvoiceLine:
        return InvoiceLine(
            code,
            provider,
            name,
            service,
            title,
            LineKind.SHARE,
            text,
            days,
            year,
            amount_oere,
            clause,
            version,
        )

    return line


def _passed_on_line(facts: MonthFacts, source: ResultSource, amount_oere: int, of_year_oere: int) -> InvoiceLine:
    # The word is the year's: where the last month takes a rest, its own sign may be the other.
    what = "overskud" if of_year_oere > 0 else "underskud"
    provider = facts.parties[source.provider].name
    return InvoiceLine(
        agreement=facts.agreement.code,
        provider=source.provider,
        provider_name=provider,
        service="",
        service_title="",
        kind=LineKind.PASSED_ON,
        text=f"Andel af {what} {source.accounting_year}, {provider}, {facts.instalment.danish}",
        period=facts.instalment.period,
        accounting_year=source.accounting_year,
        amount_oere=-amount_oere,
        version=facts.subscription.version,
    )


def _postings(  # noqa: PLR0913 - a bill books these
    facts: MonthFacts,
    municipality: MunicipalityCode,
    instalment: Instalment,
    gross: Mapping[ProviderService, int],
    *,
    set_off: bool,
    internal: bool,
) -> list[Posting]:
    year, month = facts.month.year, facts.month
    own_result = facts.agreement.terms.settlement.result_key is ResultKey.ACCOUNTING_YEAR
    entitled: dict[MunicipalityCode, int] = {}
    asked = instalment.amount_oere
    account = Account.OWN_SHARE if internal else Account.RECEIVABLE
    postings = [Posting(account, asked, year, municipality, None, None, month)]
    for (provider, service), amount in gross.items():
        entitled[provider] = entitled.get(provider, 0) + amount
        postings.append(Posting(Account.ACONTO, -amount, year, municipality, provider, service, month))
    for source, amount in instalment.passed_on.items():
        entitled[source.provider] = entitled.get(source.provider, 0) - amount
        postings.append(
            Posting(
                Account.RESULT,
                amount,
                source.accounting_year,
                municipality=municipality if own_result else None,
                provider=source.provider,
                service_month=month,
            ),
        )
    postings += [
        Posting(Account.CLEARING, -amount, year, None, provider, None, month)
        for provider, amount in sorted(entitled.items())
    ]
    collector = municipality if set_off else facts.agreement.issuer
    postings.append(Posting(Account.CLEARING, asked, year, municipality, collector, None, month))
    return postings
