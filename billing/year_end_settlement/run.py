"""Load final accounts, close a year, release what was carried; never commits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, CostLine, MunicipalityCode, ResultKey
from agreements.cost_lines import check_against
from agreements.membership import agreed_year, days_of, members_in
from agreements.municipality import MUNICIPALITIES
from agreements.run import CostChange, described, revise
from agreements.schedule import months_of_year
from billing.accounts import run as accounts
from billing.accounts import store as books
from billing.accounts.facts import Decision, DecisionKind, ResultMovement, Voucher, VoucherKind
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.rules import passed_on_in
from billing.monthly_aconto.store import without_share
from billing.year_end_settlement import store
from billing.year_end_settlement.facts import (
    CarryOver,
    DividedBy,
    KeyResult,
    SettlementFacts,
    YearSettlement,
)
from billing.year_end_settlement.key_rules import has_several_keys, results_by_key
from billing.year_end_settlement.rules import (
    HUNDRED,
    carried_oere,
    close_year,
    closing_movements,
    closing_postings,
    release_everything,
    release_movements,
    require_keep_terms,
    surplus_lines,
)
from billing.year_end_settlement.tables import accounts_line
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import N_, NotFound, RuleBroken
from foundation.period import BillingYear

# A result is not parked out of sight: what is to wait longer stays on the balance.
FURTHEST_RELEASE_YEARS = 5


class YearAlreadyClosed(RuleBroken):
    """A year is closed once."""

    danish = N_(
        "Året {year} i aftalen «{agreement}» blev afsluttet den {closed_on} med resultatet {result_oere} "
        "Det kan ikke afsluttes igen.",
    )


class YearNotOver(RuleBroken):
    """A year is closed when it is over."""

    danish = N_("Året {year} er ikke slut den {as_of}, så regnskabet kan ikke afsluttes endnu.")


class YearNotBilled(RuleBroken):
    """A result is what was invoiced less the cost, so all of the year must be invoiced first."""

    danish = N_(
        "Året {year} i aftalen «{agreement}» kan ikke afsluttes, før alt er faktureret: {missing}. {instead}",
    )


class AccountsMissing(RuleBroken):
    """A provider with a budget has no final accounts."""

    danish = N_(
        "Regnskabet for {year} mangler for {lines}. Indlæs det med «mellemregning accounts load FIL» "
        "(et regnskab på 0 kr. skal også indlæses).",
    )


class TruedUpIsNotCarried(RuleBroken):
    """The result of a year that is trued up is settled whole."""

    danish = N_(
        "Resultatet af {year} i aftalen «{agreement}» efterreguleres efter aftalens vilkår (true_up) og kan ikke "
        "overføres. Afslut året uden overførsel.",
    )


class SettlementUnknown(NotFound):
    """The year is not closed."""

    danish = N_("Året {year} i aftalen «{agreement}» er ikke afsluttet.")


class NothingCarried(RuleBroken):
    """There is nothing on the balance to release."""

    danish = N_("Der er intet overført resultat fra {year} i aftalen «{agreement}» at frigive.")


class ReleaseTooLate(RuleBroken):
    """A result can only change a price that is still open and later than itself."""

    danish = N_("Resultatet af {year} kan ikke indregnes i {application_year}: {why}.")


def load_accounts(connection: Connection, name: str, content: bytes, occasion: Occasion) -> tuple[str, CostChange]:
    """Keep the lines of final accounts, TOML or xlsx; a revised figure stands beside the old one.

    Returns:
        The agreement's code, and what changed.

    Raises:
        Problems: the file has mistakes, all told.
        AgreementUnknown: it names an agreement that is not registered.
        YearIsSettled: it would change a closed year.

    Source: agreement § 6 stk. 3.
    """
    from agreements.cost_file import read_cost_file  # noqa: PLC0415 - openpyxl costs half a second at every start

    read = read_cost_file(name, content, "accounts")
    agreement = agreements.get(connection, read.agreement_code, lock=True)
    check_against(read.lines, agreement, name)
    change = revise(connection, accounts_line, agreement.code, read.lines, occasion.as_of)
    for line in (*change.added, *(new for _, new in change.changed)):
        if books.is_closed(connection, agreement.code, line.key.year):
            raise YearIsSettled(agreement=agreement.code, year=line.key.year)
    if change.added or change.changed:
        audit.record(
            connection,
            occasion,
            action="year_end_settlement.accounts_loaded",
            subject=agreement.code,
            details={"file": name, **described(change)},
        )
    return agreement.code, change


def final_accounts(connection: Connection, code: str, year: int) -> tuple[CostLine, ...]:
    """The lines of a year's final accounts.

    Raises:
        AgreementUnknown: there is no such agreement.
    """
    agreements.get(connection, code)
    return store.final_accounts(connection, code, year)


def close(  # noqa: PLR0913 - a decision has these parts
    connection: Connection,
    code: str,
    year: int,
    occasion: Occasion,
    *,
    carry: CarryOver,
    author: str,
    approver: str,
    preview: bool = False,
) -> YearSettlement:
    """Close a year: work out its result, divide it, decide what is kept, and book it.

    Args:
        connection: The transaction.
        code: The agreement.
        year: The accounting year; all of it must be invoiced and every provider's accounts loaded.
        occasion: Who, and the date of the decision.
        carry: What the providers keep for later.
        author: Who decided it.
        approver: Who approved it.
        preview: Work it out, keep nothing.

    Raises:
        AgreementUnknown, YearNotAgreed, YearAlreadyClosed, YearNotOver, SubscriptionUnknown, YearNotBilled,
        AccountsMissing, CarryOverTooLarge.
        TruedUpIsNotCarried: something is to be kept of a year that is trued up.
        KeptTooMuch, KeptTooLong: beyond what the agreement lets the providers keep.

    Source: agreement § 6 stk. 3 and 6; domain rules 9, 10 and 12.
    """
    agreement = agreements.get(connection, code, lock=not preview)
    agreed_year(agreement, year)
    closed = store.read_settlement(connection, code, year)
    if closed is not None:
        raise YearAlreadyClosed(
            year=year,
            agreement=code,
            closed_on=closed.closed_on,
            result_oere=closed.result_oere,
        )
    if occasion.as_of < BillingYear(year).period.to_day:
        raise YearNotOver(year=year, as_of=occasion.as_of)
    subscription = subscriptions.get_subscription(connection, code, year)
    _all_is_billed(connection, agreement, subscription)
    lines = store.final_accounts(connection, code, year)
    _all_accounts_are_there(subscription, lines)
    sold = surplus_lines(code, year, books.surplus_sold(connection, code, year), lines)
    if sold:
        if not preview:
            revise(connection, accounts_line, code, sold, occasion.as_of)
        lines = tuple(sorted((*lines, *sold), key=lambda line: line.key))
    trued_up = agreement.is_trued_up(year)
    if trued_up and (carry.percent or carry.amount_oere):
        raise TruedUpIsNotCarried(year=year, agreement=code)
    result_key = ResultKey.ACCOUNTING_YEAR if trued_up else agreement.terms.settlement.result_key
    divided = result_key is ResultKey.ACCOUNTING_YEAR
    application_year = year if trued_up else year + agreement.terms.settlement.lag_years
    settlement = close_year(
        SettlementFacts(
            agreement=code,
            year=year,
            application_year=application_year,
            result_key=result_key,
            received_oere=books.received_per_provider(connection, code, year),
            accounts=lines,
            weights={part.municipality: part.weight for part in subscription.parts},
            application_weights=None if divided else _weights_of(connection, agreement, application_year),
            carry=carry,
            keys=results_by_key(subscription, lines, agreement.terms.allocation) if divided else (),
        ),
    )
    kept: dict[int, int] = defaultdict(int)
    for movement in books.movements(connection, code):
        if movement.application_year is None:
            kept[movement.source.accounting_year] += movement.amount_oere
    require_keep_terms(settlement, kept, agreement.terms.settlement)
    settlement = replace(settlement, closed_on=occasion.as_of, author=author, approver=approver)
    if not preview:
        _book_close(connection, settlement, occasion, divided=divided)
    return settlement


def _all_is_billed(connection: Connection, agreement: Agreement, subscription: AnnualSubscription) -> None:
    year = subscription.year
    days = days_of(agreement, agreement_store.members(connection, agreement.code), year)
    invoiced = books.invoiced_months(connection, agreement.code, year)
    without = without_share(connection, [agreement.code]).get((agreement.code, year), frozenset())
    missing = []
    for code, own in days.items():
        if code in without:
            continue
        billed = {month.month for month in invoiced.get(code, ())}
        due = months_of_year(agreement.terms.advance, year, own)
        lacking = [str(month) for month in due if month not in billed]
        if lacking:
            missing.append(f"{MUNICIPALITIES[code].name}: {', '.join(lacking)}")
    if missing:
        raise YearNotBilled(
            year=year,
            agreement=agreement.code,
            missing="; ".join(missing),
            instead=f"Udsted de manglende måneder med «mellemregning month issue {agreement.code} ÅÅÅÅ-MM».",
        )
    for part in subscription.parts:
        billed_months = invoiced.get(part.municipality, ())
        gross_oere = sum(month.gross_oere for month in billed_months)
        if gross_oere != part.share_oere or passed_on_in(billed_months) != passed_on_in(part.instalments):
            missing.append(MUNICIPALITIES[part.municipality].name)
    if missing:
        raise YearNotBilled(
            year=year,
            agreement=agreement.code,
            missing=f"det fakturerede afviger fra prisberegning nr. {subscription.version} for {', '.join(missing)}",
            instead=f"Kør «mellemregning subscription reinvoice {agreement.code} {year}».",
        )


def _all_accounts_are_there(subscription: AnnualSubscription, lines: tuple[CostLine, ...]) -> None:
    there = {(line.key.provider, line.key.service) for line in lines}
    budgeted = {(line.key.provider, line.key.service) for line in subscription.cost_lines}
    missing = sorted(budgeted - there)
    if missing:
        raise AccountsMissing(
            year=subscription.year,
            lines=[f"{MUNICIPALITIES[provider].name} «{service}»" for provider, service in missing],
        )


def _weights_of(connection: Connection, agreement: Agreement, year: int) -> dict[MunicipalityCode, int] | None:
    """What a coming year's shares would be computed by, with the members and figures known today.

    None where figures are still to come. The result is divided when that year is priced; until then its parts are shown
    by the accounting year's shares.
    """
    if not agreement.terms.allocation.is_plain:
        return None  # other keys rest on that year's budget, too
    on = agreement.terms.allocation.reference_date.of_year(year)
    members = members_in(agreement_store.members(connection, agreement.code), year)
    found = agreement_store.population(connection, on, members).values()
    figures = {figure.municipality: figure.inhabitants for _, figure in found}
    return figures if set(members) <= set(figures) else None


def _book_close(connection: Connection, settlement: YearSettlement, occasion: Occasion, *, divided: bool) -> None:
    store.write_settlement(connection, settlement)
    accounts.book(
        connection,
        [
            Voucher(
                agreement=settlement.agreement,
                kind=VoucherKind.YEAR_CLOSE,
                booked_on=occasion.as_of,
                reference=str(settlement.year),
                text=f"Regnskab {settlement.year} afsluttet",
                postings=tuple(closing_postings(settlement, divided=divided)),
            ),
        ],
    )
    text = f"Regnskabet for {settlement.year} er afsluttet"
    if settlement.is_trued_up:
        text += "; resultatet efterreguleres"
    if settlement.carried_oere:
        text += "; resultatet overføres helt eller delvist"
    books.write_decision(
        connection,
        Decision(
            agreement=settlement.agreement,
            accounting_year=settlement.year,
            kind=DecisionKind.CLOSE,
            decided_on=occasion.as_of,
            author=settlement.author,
            approver=settlement.approver,
            text=text,
        ),
        closing_movements(settlement, divided=divided),
    )
    audit.record(
        connection,
        occasion,
        action="year_end_settlement.closed",
        subject=f"{settlement.agreement} {settlement.year}",
        details={
            "invoiced_oere": settlement.invoiced_oere,
            "cost_oere": settlement.cost_oere,
            "result_oere": settlement.result_oere,
            "carried_oere": settlement.carried_oere,
            "divided_by": settlement.divided_by.value,
            "author": settlement.author,
            "approver": settlement.approver,
        },
    )


def get_settlement(connection: Connection, code: str, year: int) -> YearSettlement:
    """A closed year.

    Raises:
        AgreementUnknown, SettlementUnknown.
    """
    agreements.get(connection, code)
    found = store.read_settlement(connection, code, year)
    if found is None:
        raise SettlementUnknown(agreement=code, year=year)
    return found


def results_of_keys(connection: Connection, settlement: YearSettlement) -> tuple[KeyResult, ...]:
    """How a closed year's result came about key by key; none where it was divided by the year's shares in all."""
    if settlement.divided_by is DividedBy.TOTAL:
        return ()
    price = subscriptions.get_subscription(connection, settlement.agreement, settlement.year)
    # A line that was not budgeted fell under a key by the terms of that day.
    closed_on = settlement.closed_on or date.max
    history = agreement_store.agreement_history(connection, settlement.agreement)
    stood = [value for _, loaded_on, value in history if loaded_on <= closed_on] or [history[0][2]]
    return results_by_key(price, settlement.accounts, stood[-1].terms.allocation)


def keys_not_told(connection: Connection, settlement: YearSettlement) -> bool:
    """Whether the year has several keys, but its accounts did not say what each key's lines cost."""
    if settlement.divided_by is DividedBy.LINES:
        return False
    return has_several_keys(subscriptions.get_subscription(connection, settlement.agreement, settlement.year))


def release(  # noqa: PLR0913 - a decision has these parts
    connection: Connection,
    code: str,
    accounting_year: int,
    application_year: int,
    occasion: Occasion,
    *,
    amount: CarryOver,
    author: str,
    approver: str,
) -> tuple[ResultMovement, ...]:
    """Release what was carried of a year's result into a later year's price.

    Returns:
        The movements: from the balance, and into the price.

    Raises:
        AgreementUnknown, SettlementUnknown, NothingCarried, ReleaseTooLate, CarryOverTooLarge.

    Source: agreement § 6 stk. 6; domain rule 10.
    """
    agreement = agreements.get(connection, code, lock=True)
    get_settlement(connection, code, accounting_year)
    agreed_year(agreement, application_year)
    if application_year <= accounting_year:
        raise ReleaseTooLate(year=accounting_year, application_year=application_year, why="året er ikke senere")
    if application_year > occasion.as_of.year + FURTHEST_RELEASE_YEARS:
        raise ReleaseTooLate(year=accounting_year, application_year=application_year, why="året ligger for langt ude")
    if books.is_closed(connection, code, application_year):
        raise ReleaseTooLate(year=accounting_year, application_year=application_year, why="året er afsluttet")
    members = members_in(agreement_store.members(connection, code), application_year)
    balance: dict[tuple[MunicipalityCode | None, MunicipalityCode], int] = {}
    for movement in books.movements(connection, code):
        if movement.source.accounting_year != accounting_year or movement.application_year is not None:
            continue
        # A leaver's part stays for its exit settlement.
        if movement.amount_oere and (movement.municipality is None or movement.municipality in members):
            balance[movement.municipality, movement.source.provider] = movement.amount_oere
    if not balance:
        raise NothingCarried(agreement=code, year=accounting_year)
    release_oere = carried_oere(sum(balance.values()), amount)
    everything = amount.percent == HUNDRED or release_oere == sum(balance.values()) != 0
    if everything:
        moved = release_everything(balance, accounting_year, application_year)
    else:
        moved = release_movements(balance, release_oere, accounting_year, application_year)
    books.write_decision(
        connection,
        Decision(
            agreement=code,
            accounting_year=accounting_year,
            kind=DecisionKind.RELEASE,
            decided_on=occasion.as_of,
            author=author,
            approver=approver,
            text=f"Overført resultat fra {accounting_year} indregnes i prisen for {application_year}",
        ),
        moved,
    )
    audit.record(
        connection,
        occasion,
        action="year_end_settlement.released",
        subject=f"{code} {accounting_year}",
        details={
            "released_oere": release_oere,
            "application_year": application_year,
            "author": author,
            "approver": approver,
        },
    )
    return tuple(moved)
