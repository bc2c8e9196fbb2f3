"""Load final accounts, close a year, release what was carried, settle a leaver, clear between providers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, CostLine, MunicipalityCode, ResultKey
from agreements.cost_lines import check_against
from agreements.membership import MembershipPeriod, agreed_year, days_of, members_in
from agreements.municipality import MUNICIPALITIES, municipality
from agreements.run import CostChange, described, revise
from agreements.schedule import months_of_year
from billing.accounts import run as accounts
from billing.accounts import store as books
from billing.accounts.facts import Decision, DecisionKind, ResultMovement, ResultSource, Voucher, VoucherKind
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.rules import passed_on_in
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, IssuedDocument, LineKind
from billing.monthly_aconto.run import party_snapshots
from billing.year_end_settlement import store
from billing.year_end_settlement.facts import (
    CarryOver,
    ExitLine,
    ExitSettlement,
    ProviderClearing,
    SettlementFacts,
    YearSettlement,
)
from billing.year_end_settlement.rules import (
    HUNDRED,
    carried_oere,
    clearing_of,
    clearing_postings,
    close_year,
    closing_movements,
    closing_postings,
    exit_postings,
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
# Where a leaver's part of a result lies: in a price that it will not pay, or on the balance.
IN_A_PRICE = "in a price"
CARRIED = "carried"


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


class HasNotLeft(RuleBroken):
    """Only who has left is settled with."""

    danish = N_("{municipality} er ikke udtrådt af aftalen «{agreement}»{until}, så der er intet at opgøre endnu.")


class ExitTooEarly(RuleBroken):
    """A leaver's part is known when the accounts of its last year are closed."""

    danish = N_(
        "{municipality} kan først opgøres, når alle dens år er afsluttet. Der mangler: {years}. "
        "Kør «mellemregning settlement close {agreement} ÅR».",
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
    divided = agreement.terms.settlement.result_key is ResultKey.ACCOUNTING_YEAR
    application_year = year + agreement.terms.settlement.lag_years
    settlement = close_year(
        SettlementFacts(
            agreement=code,
            year=year,
            application_year=application_year,
            result_key=agreement.terms.settlement.result_key,
            received_oere=books.received_per_provider(connection, code, year),
            accounts=lines,
            weights={part.municipality: part.weight for part in subscription.parts},
            application_weights=None if divided else _weights_of(connection, agreement, application_year),
            carry=carry,
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
    missing = []
    for code, own in days.items():
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


def settle_exit(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    occasion: Occasion,
    *,
    preview: bool = False,
) -> ExitSettlement:
    """Settle a leaver's parts of results that were not passed on, by an invoice or a credit note; once.

    Raises:
        AgreementUnknown, UnknownMunicipality.
        HasNotLeft: it takes part, or its last year is not over.
        ExitTooEarly: one of its years is not closed.

    Source: agreement § 6 stk. 8; domain rule 11.
    """
    agreement = agreements.get(connection, code, lock=not preview)
    period = _ended_period(connection, agreement, who, occasion.as_of)
    last_year = BillingYear(period.to_year or period.from_year)
    left_on = period.last_day or last_year.period.last_day
    settled = store.exits(connection, code, who).get((who, left_on))
    if settled is not None:
        number, lines = settled
        _, document = invoices.find_document(connection, number, agreement.issuer)
        return ExitSettlement(
            agreement=code,
            municipality=who,
            left_on=left_on,
            lines=lines,
            number=number,
            issue_date=document.issue_date,
            already_settled=True,
        )
    years = range(period.from_year, last_year.year + 1)
    still_open = [str(year) for year in years if not books.is_closed(connection, code, year)]
    if still_open:
        raise ExitTooEarly(municipality=municipality(who).name, agreement=code, years=still_open)
    lines, movements = _exit_lines(connection, agreement, who, last_year.year)
    settlement = ExitSettlement(agreement=code, municipality=who, left_on=left_on, lines=lines)
    if preview or not lines:
        return settlement
    document = _issue_exit(connection, agreement, settlement, last_year, occasion)
    settlement = replace(settlement, number=document.number, issue_date=document.issue_date)
    store.write_exit(connection, settlement)
    for year, moved in movements.items():
        books.write_decision(
            connection,
            Decision(
                agreement=code,
                accounting_year=year,
                kind=DecisionKind.EXIT,
                decided_on=occasion.as_of,
                author=occasion.actor,
                approver=occasion.actor,
                text=f"{municipality(who).name} er udtrådt og opgjort ved {document.number}",
            ),
            moved,
        )
    audit.record(
        connection,
        occasion,
        action="year_end_settlement.exit_settled",
        subject=f"{code} {who}",
        details={
            "document": document.number,
            "amount_oere": settlement.amount_oere,
            "sha256": invoices.fingerprints(connection, [document]),
        },
    )
    return settlement


def _ended_period(
    connection: Connection,
    agreement: Agreement,
    who: MunicipalityCode,
    as_of: date,
) -> MembershipPeriod:
    name = municipality(who).name
    periods = [period for period in agreement_store.members(connection, agreement.code) if period.municipality == who]
    ended = [period for period in periods if period.to_year is not None]
    if not ended:
        raise HasNotLeft(municipality=name, agreement=agreement.code, until="")
    last = ended[-1]
    last_day = last.last_day or BillingYear(last.from_year).period.last_day
    if as_of <= last_day:
        raise HasNotLeft(municipality=name, agreement=agreement.code, until=f" før {last_day:%d.%m.%Y}")
    return last


def _exit_lines(
    connection: Connection,
    agreement: Agreement,
    who: MunicipalityCode,
    last_year: int,
) -> tuple[tuple[ExitLine, ...], dict[int, list[ResultMovement]]]:
    """The leaver's parts that no price has passed on, per year and provider; and the movements that take them out."""
    parts = _own_parts(connection, agreement.code, who, last_year)
    for place, amount in _undivided_parts(connection, agreement.code, who, last_year).items():
        parts[place] += amount
    sources = sorted({source for _, source in parts})
    lines = tuple(
        ExitLine(source.accounting_year, source.provider, passed_on, carried)
        for source in sources
        for passed_on, carried in [(parts[IN_A_PRICE, source], parts[CARRIED, source])]
        if passed_on or carried
    )
    moved: dict[int, list[ResultMovement]] = defaultdict(list)
    for line in lines:
        source = ResultSource(line.accounting_year, line.provider)
        due = line.accounting_year + agreement.terms.settlement.lag_years
        moved[line.accounting_year] += [
            ResultMovement(source, who, -line.passed_on_oere, due),
            ResultMovement(source, who, -line.carried_oere, None),
        ]
    return lines, moved


def _own_parts(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    last_year: int,
) -> defaultdict[tuple[str, ResultSource], int]:
    """What stands in the leaver's own name, less what the prices of its years have passed on to it.

    The price of a later year may still name the leaver, until it is calculated again; the leaver pays no bill of it.
    """
    parts: defaultdict[tuple[str, ResultSource], int] = defaultdict(int)
    for movement in books.movements(connection, code):
        if movement.municipality == who:
            place = CARRIED if movement.application_year is None else IN_A_PRICE
            parts[place, movement.source] += movement.amount_oere
    for year, taken in subscription_store.passed_on_by_year(connection, code).items():
        for (payer, source), amount in taken.items():
            if year <= last_year and payer == who and (IN_A_PRICE, source) in parts:
                parts[IN_A_PRICE, source] -= amount
    return parts


def _undivided_parts(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    last_year: int,
) -> dict[tuple[str, ResultSource], int]:
    """The leaver's part of results that are only divided by a year in which it takes no part (domain rule 11)."""
    undivided: dict[int | None, dict[ResultSource, int]] = defaultdict(lambda: defaultdict(int))
    for movement in books.movements(connection, code):
        # What a price up to its last year took in was divided among those who took part then, the leaver too.
        taken_before = movement.application_year is not None and movement.application_year <= last_year
        if movement.municipality is None and not taken_before:
            undivided[movement.application_year][movement.source] += movement.amount_oere
    stay = members_in(agreement_store.members(connection, code), last_year + 1)
    return {
        (CARRIED if application_year is None else IN_A_PRICE, source): subscriptions.leavers_parts(
            connection, code, source, sources, tuple(other for other in stay if other != who)
        ).get(who, 0)
        for application_year, sources in undivided.items()
        for source in sources
    }


def _issue_exit(
    connection: Connection,
    agreement: Agreement,
    settlement: ExitSettlement,
    last_year: BillingYear,
    occasion: Occasion,
) -> IssuedDocument:
    who = settlement.municipality
    parties = party_snapshots(
        agreement,
        {agreement.issuer, who, *agreement.providers, *(line.provider for line in settlement.lines)},
    )
    divided = agreement.terms.settlement.result_key is ResultKey.ACCOUNTING_YEAR
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
    draft = DocumentDraft(
        agreement=agreement.code,
        issuer=parties[agreement.issuer],
        subscriber=parties[who],
        kind=ClaimKind.EXIT_SETTLEMENT,
        title=f"Refusionsopgørelse ved udtræden {settlement.left_on:%d.%m.%Y}",
        period=last_year.period,
        lines=tuple(lines),
        postings=tuple(
            exit_postings(settlement.lines, who, agreement.issuer, occasion.as_of.year, divided=divided),
        ),
        due_days=agreement.terms.advance.due_days,
        internal=who == agreement.issuer,
        note="Aftalens § 6, stk. 8: andel af resultater, der ikke er indregnet i nogen pris.",
    )
    outcome = invoices.issue_documents(connection, [draft], occasion.as_of, occasion.at)
    if outcome.failed:
        raise outcome.failed[0].error
    if outcome.issued:
        return outcome.issued[0]
    # Another run settled it a moment ago.
    return invoice_store.documents(connection, agreement=agreement.code, subscriber=who, kind=draft.kind)[-1]


def provider_clearing(connection: Connection, code: str, year: int) -> tuple[ProviderClearing, ...]:
    """What each provider has with the others for one billing year.

    Raises:
        AgreementUnknown: there is none.

    Source: agreement annex; domain rule 12.
    """
    agreements.get(connection, code)
    return clearing_of(books.clearing_per_provider(connection, code, year))


def clear_providers(connection: Connection, code: str, year: int, occasion: Occasion) -> tuple[ProviderClearing, ...]:
    """Book the transfers that bring every provider's clearing of the year to zero; nothing where it is.

    Returns:
        What was outstanding before, and is transferred now.

    Source: agreement annex; domain rule 12.
    """
    agreements.get(connection, code, lock=True)
    clearing = provider_clearing(connection, code, year)
    postings = clearing_postings(clearing, year)
    if postings:
        number = books.next_reference(connection, code, VoucherKind.CLEARING, str(year))
        accounts.book(
            connection,
            [
                Voucher(
                    agreement=code,
                    kind=VoucherKind.CLEARING,
                    booked_on=occasion.as_of,
                    reference=number,
                    text=f"Mellemafregning mellem ydelsesleverandørerne {year}",
                    postings=tuple(postings),
                ),
            ],
        )
        audit.record(
            connection,
            occasion,
            action="year_end_settlement.cleared",
            subject=f"{code} {year}",
            details={
                "reference": number,
                "transfers_oere": {entry.municipality: entry.outstanding_oere for entry in clearing},
            },
        )
    return clearing


def exit_settlements(connection: Connection, code: str) -> tuple[ExitSettlement, ...]:
    """All leavers that were settled with, in the order of settlement."""
    agreement = agreements.get(connection, code)
    found = []
    for (who, left_on), (number, lines) in store.exits(connection, code).items():
        _, document = invoices.find_document(connection, number, agreement.issuer)
        found.append(
            ExitSettlement(
                agreement=code,
                municipality=who,
                left_on=left_on,
                lines=lines,
                number=number,
                issue_date=document.issue_date,
                already_settled=True,
            ),
        )
    return tuple(found)
