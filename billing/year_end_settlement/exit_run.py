"""Settle with who left; never commits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode, ResultKey
from agreements.membership import MembershipPeriod, members_in
from agreements.municipality import municipality
from billing.accounts import store as books
from billing.accounts.facts import Decision, DecisionKind, ResultMovement, ResultSource
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as subscription_store
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, IssuedDocument, LineKind
from billing.monthly_aconto.run import party_snapshots
from billing.year_end_settlement import store
from billing.year_end_settlement.facts import (
    ExitLine,
    ExitSettlement,
)
from billing.year_end_settlement.rules import (
    exit_postings,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import N_, RuleBroken
from foundation.period import BillingYear

# Where a leaver's part of a result lies: in a price that it will not pay, or on the balance.
IN_A_PRICE = "in a price"
CARRIED = "carried"


class HasNotLeft(RuleBroken):
    """Only who has left is settled with."""

    danish = N_("{municipality} er ikke udtrådt af aftalen «{agreement}»{until}, så der er intet at opgøre endnu.")


class ExitTooEarly(RuleBroken):
    """A leaver's part is known when the accounts of its last year are closed."""

    danish = N_(
        "{municipality} kan først opgøres, når alle dens år er afsluttet. Der mangler: {years}. "
        "Kør «mellemregning settlement close {agreement} ÅR».",
    )


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
