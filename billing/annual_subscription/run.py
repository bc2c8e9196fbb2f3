"""Calculate a year's price, look at it beforehand, and tell it; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, AllocationKey, CostLine, MunicipalityCode
from agreements.membership import agreed_year, days_of, members_in
from agreements.municipality import MUNICIPALITIES
from agreements.population import PopulationFigure
from agreements.schedule import months_of_year, weights_of_months
from billing.accounts import store as books
from billing.accounts.facts import ResultSource
from billing.accounts.rules import YearIsSettled, split_by_source
from billing.annual_subscription import store
from billing.annual_subscription.division_rules import agreed_figures, keys_of
from billing.annual_subscription.facts import (
    AnnualSubscription,
    Correction,
    KeyBasis,
    PriceEffect,
    PriceNotice,
    PriceNoticeLine,
    ResultPool,
    YearFacts,
)
from billing.annual_subscription.rules import calculate, effect_between, same_calculation, still_to_pass_on
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import N_, NotFound, RuleBroken
from foundation.money import apportion
from foundation.period import BillingYear, Month, Period


class SubscriptionUnknown(NotFound):
    """The year has no calculation."""

    danish = N_(
        "Der er ingen prisberegning for {year} i aftalen «{agreement}». "
        "Kør «mellemregning subscription calculate {agreement} {year}».",
    )


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation and whether it says something new.

    Attributes:
        is_new: False where the newest version says the same already.
        unclosed: The accounting year whose result belongs in this price but is not closed yet.
        to_reinvoice: Months that were invoiced are cut anew; they are to be credited and invoiced again.
    """

    subscription: AnnualSubscription
    is_new: bool
    unclosed: int | None
    to_reinvoice: bool = False


def calculate_year(  # noqa: PLR0913 - a calculation is told these
    connection: Connection,
    code: str,
    year: int,
    occasion: Occasion,
    *,
    correction: Correction | None = None,
    preview: bool = False,
) -> Calculation:
    """Calculate the year's price from the newest figures and keep it as a version, unless it says nothing new.

    Args:
        connection: The transaction.
        code: The agreement.
        year: The billing year.
        occasion: Who, when.
        correction: What becomes of invoiced months when the price changes; spread, unless said otherwise.
        preview: Calculate, keep nothing.

    Raises:
        AgreementUnknown, YearNotAgreed, NoMembers, BudgetMissing, PopulationMissing, NobodyToSplitBy.
        YearIsSettled: the year is closed and the figures say something else now.

    Source: agreement § 6; domain rules 1 to 4, 7 and 9.
    """
    agreement = agreements.get(connection, code, lock=not preview)
    agreed_year(agreement, year)
    newest = store.read_subscription(connection, code, year)
    names = {code: municipality.name for code, municipality in MUNICIPALITIES.items()}
    version = (newest.version if newest else 0) + 1
    facts = _facts(connection, agreement, year)
    unclosed = unclosed_year(connection, agreement, year)
    if newest is not None:
        as_before = calculate(replace(facts, correction=newest.correction), version, names)
        if correction in {None, newest.correction} and same_calculation(newest, as_before):
            return Calculation(newest, is_new=False, unclosed=unclosed)
    fresh = calculate(replace(facts, correction=correction or Correction.SPREAD), version, names)
    if newest is not None and same_calculation(newest, fresh):
        return Calculation(newest, is_new=False, unclosed=unclosed)
    if books.is_closed(connection, code, year):
        raise YearIsSettled(year=year, agreement=code)
    fresh = replace(fresh, calculated_on=occasion.as_of)
    if not preview:
        store.write_subscription(connection, fresh, occasion.as_of)
        audit.record(
            connection,
            occasion,
            action="annual_subscription.calculated",
            subject=f"{code} {year}",
            details={
                "version": version,
                "correction": fresh.correction.value,
                "cost_oere": fresh.cost_oere,
                "passed_on_oere": fresh.passed_on_oere,
                "total_oere": fresh.total_oere,
                "before": newest and {"version": newest.version, "total_oere": newest.total_oere},
                "obligations_oere": {part.municipality: part.obligation_oere for part in fresh.parts},
            },
        )
    billed = {(who, month.month) for who, months in facts.invoiced.items() for month in months}
    to_reinvoice = any(
        not instalment.invoiced and (part.municipality, instalment.month) in billed
        for part in fresh.parts
        for instalment in part.instalments
    )
    return Calculation(fresh, is_new=True, unclosed=unclosed, to_reinvoice=to_reinvoice)


def effects_of_newest_figures(
    connection: Connection,
    occasion: Occasion,
    *,
    code: str | None = None,
    reference_dates: Collection[date] | None = None,
) -> list[PriceEffect]:
    """What the newest budgets and populations would change in prices that are calculated already; keeps nothing.

    Args:
        connection: Where the newer figures are, kept or about to be rolled back.
        occasion: Who asks, when.
        code: Only this agreement's prices.
        reference_dates: Only prices that count inhabitants on one of these days.

    Returns:
        One for each year of each agreement that is not closed and whose price would be another, by code and year.

    Raises:
        BudgetMissing, PopulationMissing, NobodyToSplitBy: the newer figures give no price at all.

    Source: domain rules 2 and 7.
    """
    found = []
    for agreement in [code] if code else agreement_store.agreement_codes(connection):
        for year in sorted({of_year for of_year, _, _ in store.versions(connection, agreement)}):
            newest = store.read_subscription(connection, agreement, year)
            if newest is None or books.is_closed(connection, agreement, year):
                continue
            if reference_dates is not None and newest.reference_date not in reference_dates:
                continue
            again = calculate_year(connection, agreement, year, occasion, preview=True)
            effect = effect_between(newest, again.subscription)
            if effect.is_felt:
                found.append(effect)
    return found


def unclosed_year(connection: Connection, agreement: Agreement, year: int) -> int | None:
    """The accounting year whose result belongs in the year's price but is not closed yet, if there is one."""
    source_year = year - agreement.terms.settlement.lag_years
    if source_year < agreement.starts_on.year or agreement.is_trued_up(source_year):
        return None
    if books.is_closed(connection, agreement.code, source_year):
        return None
    return source_year


def _facts(connection: Connection, agreement: Agreement, year: int) -> YearFacts:
    terms = agreement.terms
    reference_date = terms.allocation.reference_date.of_year(year)
    days = days_of(agreement, agreement_store.members(connection, agreement.code), year)
    members = tuple(days)
    population = agreement_store.population(connection, reference_date, members)
    counted = {figure.municipality: figure for _, figure in population.values()}
    passed_on, pools = results_to_pass_on(connection, agreement, year, members)
    lines = agreement_store.budget(connection, agreement.code, year)
    return YearFacts(
        agreement=agreement.code,
        year=year,
        reference_date=reference_date,
        unit_oere=terms.allocation.rounding_unit_oere,
        months=months_of_year(terms.advance, year),
        cost_lines=lines,
        members=members,
        population=counted,
        passed_on=passed_on,
        pools=pools,
        invoiced=books.invoiced_months(connection, agreement.code, year),
        keys=key_bases(connection, agreement, year, lines, days, counted),
        days=days,
        months_of=months_of_members(agreement, year, days),
        partial_year=terms.allocation.partial_year,
    )


def months_of_members(
    agreement: Agreement, year: int, days: Mapping[MunicipalityCode, Period]
) -> dict[MunicipalityCode, dict[Month, int]]:
    """Of who takes part in a piece of a year: the instalments that it pays, and what they weigh."""
    whole, terms = BillingYear(year).period, agreement.terms
    return {
        code: weights_of_months(terms.advance, year, own, terms.allocation.partial_year)
        for code, own in days.items()
        if own != whole
    }


def key_bases(  # noqa: PLR0913, PLR0917 - what the keys rest on
    connection: Connection,
    agreement: Agreement,
    year: int,
    lines: Iterable[CostLine],
    days: Mapping[MunicipalityCode, Period],
    population: Mapping[MunicipalityCode, PopulationFigure],
) -> tuple[KeyBasis, ...]:
    """Every key of a year with its lines and the figures that are known.

    None where all is split by the inhabitants and everybody takes part all year: then the price has no division.
    """
    allocation = agreement.terms.allocation
    whole = BillingYear(year).period
    if allocation.is_plain and all(own == whole for own in days.values()):
        return ()
    found = []
    for name, terms, of_key in keys_of(allocation, (line.key for line in lines)):
        if terms.key is AllocationKey.POPULATION:
            figures = dict(population)
        elif terms.key is AllocationKey.AGE_BAND_POPULATION:
            band = (terms.age_from, terms.age_to)
            read = agreement_store.age_bands(connection, band, terms.band_date(year), days)
            figures = {figure.municipality: figure for _, figure in read.values()}
        else:
            figures = agreed_figures(terms, whole.from_day)
        found.append(KeyBasis(name, terms, tuple(of_key), figures))
    return tuple(found)


def results_to_pass_on(
    connection: Connection,
    agreement: Agreement,
    year: int,
    members: tuple[MunicipalityCode, ...],
) -> tuple[dict[MunicipalityCode, dict[ResultSource, int]], tuple[ResultPool, ...]]:
    """What earlier years' results this year passes on: to each member its own, and pools to be divided.

    A result that belonged in an earlier price and was not taken into it, because it came too late, is taken here.
    """
    code = agreement.code
    taken = store.passed_on_by_year(connection, code)
    priced = frozenset(taken)
    taken.pop(year, None)
    own: dict[MunicipalityCode, dict[ResultSource, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    undivided: dict[ResultSource, dict[int, int]] = defaultdict(dict)
    for movement in books.movements(connection, code):
        due = movement.application_year
        if due is None or due == movement.source.accounting_year:
            continue  # carried, or settled by documents of its own
        if movement.municipality is None:
            undivided[movement.source][due] = movement.amount_oere
        elif movement.municipality in members:
            own[movement.municipality][movement.source][due] = movement.amount_oere
    passed_on = {
        who: {
            source: amount
            for source, dues in sorted(sources.items())
            if (amount := _for_year(dues, {of: took.get((who, source), 0) for of, took in taken.items()}, year, priced))
        }
        for who, sources in own.items()
    }
    return passed_on, tuple(_pools(connection, code, year, members, undivided, taken, priced))


def _for_year(dues: dict[int, int], taken: dict[int, int], year: int, priced: frozenset[int]) -> int:
    left = still_to_pass_on(dues, taken)
    return sum(amount for due, amount in left.items() if due == year or (due < year and due in priced))


def _pools(  # noqa: PLR0913, PLR0917 - what the pools rest on
    connection: Connection,
    code: str,
    year: int,
    members: tuple[MunicipalityCode, ...],
    undivided: dict[ResultSource, dict[int, int]],
    taken: dict[int, dict[tuple[MunicipalityCode, ResultSource], int]],
    priced: frozenset[int],
) -> Iterator[ResultPool]:
    """Undivided results: each due year's is taken whole, by its own year's price or by the first one after it."""
    by_due: dict[int, dict[ResultSource, int]] = defaultdict(dict)
    for source, dues in undivided.items():
        for due, amount in dues.items():
            by_due[due][source] = amount
    periods = agreement_store.members(connection, code)
    for source, dues in sorted(undivided.items()):
        whole = {due: dict(by_due[due]) for due in dues}
        used: set[int] = set()
        for other in sorted(taken):
            took = sum(amount for (_, of), amount in taken[other].items() if of == source)
            open_dues = [due for due in sorted(dues) if due <= other and due not in used]
            then = members_in(periods, other)
            reserved = {
                due: sum(leavers_parts(connection, code, source, whole[due], then).values()) for due in open_dues
            }
            if other in open_dues and took == dues[other] - reserved[other]:
                used.add(other)
            elif took:
                used |= {due for due in open_dues if due == other or due in priced}
        for due, amount in sorted(dues.items()):
            if due not in used and (due == year or (due < year and due in priced)):
                yield ResultPool(source, amount, leavers_parts(connection, code, source, whole[due], members))


def leavers_parts(
    connection: Connection,
    code: str,
    source: ResultSource,
    undivided: dict[ResultSource, int],
    members: tuple[MunicipalityCode, ...],
) -> dict[MunicipalityCode, int]:
    """Of one provider's undivided result: the parts of those who have left since, by the accounting year's shares.

    Args:
        connection: Where to read.
        code: The agreement.
        source: Whose result of which year.
        undivided: Source -> øre, all sources, since a year's result is split whole.
        members: Who still takes part.

    Returns:
        Leaver -> øre; its exit settlement answers for it (domain rule 11).
    """
    of_year = store.read_subscription(connection, code, source.accounting_year)
    if of_year is None:
        return {}
    weights = {part.municipality: part.weight for part in of_year.parts}
    totals = {
        other.provider: amount for other, amount in undivided.items() if other.accounting_year == source.accounting_year
    }
    split = split_by_source(apportion(sum(totals.values()), weights), totals, weights)
    return {code: row[source.provider] for code, row in split.items() if code not in members}


def get_subscription(
    connection: Connection,
    code: str,
    year: int,
    version: int | None = None,
) -> AnnualSubscription:
    """One version of a year's price, the newest if none is named.

    Raises:
        AgreementUnknown, SubscriptionUnknown.
    """
    agreements.get(connection, code)
    found = store.read_subscription(connection, code, year, version)
    if found is None:
        raise SubscriptionUnknown(agreement=code, year=year)
    return found


def give_price_notice(
    connection: Connection,
    code: str,
    year: int,
    occasion: Occasion,
) -> tuple[PriceNotice, bool]:
    """Tell each subscriber its total price for the coming year, and keep that it was told.

    Returns:
        The notice, and whether it is new; the same version is told once.

    Raises:
        AgreementUnknown, SubscriptionUnknown.

    Source: agreement § 6 stk. 4.
    """
    agreement = agreements.get(connection, code, lock=True)
    current = get_subscription(connection, code, year)
    before = store.read_subscription(connection, code, year - 1)
    told = dict(store.price_notices(connection, code, year))
    is_new = current.version not in told
    given_on: date = told.get(current.version, occasion.as_of)
    lines = []
    for part in current.parts:
        previous = before.part_of(part.municipality) if before else None
        lines.append(
            PriceNoticeLine(
                municipality=part.municipality,
                obligation_oere=part.obligation_oere,
                share_oere=part.share_oere,
                passed_on_oere=part.passed_on_oere,
                population=part.counted,
                previous_obligation_oere=previous.obligation_oere if previous else None,
                previous_population=previous.counted if previous else None,
            ),
        )
    notice = PriceNotice(
        agreement=code,
        year=year,
        version=current.version,
        notice_by=agreement.terms.settlement.price_notice_by.in_year(year - 1),
        given_on=given_on,
        lines=tuple(lines),
    )
    if is_new:
        store.write_price_notice(connection, code, year, current.version, given_on)
        audit.record(
            connection,
            occasion,
            action="annual_subscription.price_told",
            subject=f"{code} {year}",
            details={
                "version": current.version,
                "obligations_oere": {line.municipality: line.obligation_oere for line in lines},
            },
        )
    return notice, is_new


class BilledAfterLeaving(RuleBroken):
    """Who was invoiced for a later year cannot leave before it."""

    danish = N_(
        "{municipality} er allerede faktureret for {month}, så den kan ikke udtræde med udgangen af {year}. "
        "Kreditér først de fakturaer.",
    )


class BilledAfterDay(RuleBroken):
    """Who was invoiced for what begins on a day or later cannot leave before that day."""

    danish = N_(
        "{municipality} er allerede faktureret for {month}, så den kan ikke udtræde før {on}. "
        "Kreditér først de fakturaer.",
    )


def refuse_if_billed_after(connection: Connection, code: str, who: MunicipalityCode, year: int) -> None:
    """Refuse a notice where the municipality holds invoices for a year after the one that it leaves with.

    Raises:
        AgreementUnknown: there is no such agreement.
        BilledAfterLeaving: it was invoiced for a later year.
    """
    agreements.get(connection, code)
    for later in range(year + 1, year + 3):
        months = books.invoiced_months(connection, code, later).get(who, ())
        if months:
            raise BilledAfterLeaving(
                municipality=MUNICIPALITIES[who].name,
                month=months[0].month.danish,
                year=year,
            )


def refuse_if_billed_from(connection: Connection, code: str, who: MunicipalityCode, ends_before: date) -> None:
    """Refuse a notice to a day where the municipality holds invoices for instalments that begin on it or later.

    An instalment that began before is cut anew by the price that follows (domain rule 7).

    Raises:
        AgreementUnknown: there is no such agreement.
        BilledAfterDay: it was invoiced for what comes after the day.
    """
    agreements.get(connection, code)
    for year in range(ends_before.year, ends_before.year + 3):
        for month in books.invoiced_months(connection, code, year).get(who, ()):
            if month.month.first_day >= ends_before:
                raise BilledAfterDay(municipality=MUNICIPALITIES[who].name, month=month.month.danish, on=ends_before)


def versions_of(connection: Connection, code: str, year: int | None = None) -> list[tuple[int, int, date]]:
    """(year, version, day) of all calculations, oldest first.

    Raises:
        AgreementUnknown: there is no such agreement.
    """
    agreements.get(connection, code)
    return store.versions(connection, code, year)


def refuse_closed_years(connection: Connection, code: str, years: Iterable[int]) -> None:
    """Refuse a change of figures that a closed year was settled on.

    Raises:
        YearIsSettled: one of the years is closed.
    """
    for year in sorted(set(years)):
        if books.is_closed(connection, code, year):
            raise YearIsSettled(year=year, agreement=code)
