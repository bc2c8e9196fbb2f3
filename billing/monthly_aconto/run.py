"""Plan and issue one month on account; never commits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import price_missing_from, send_deadline
from agreements.membership import agreed_year, members_in
from agreements.municipality import MUNICIPALITIES
from billing.accounts import store as books
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.rules import says_the_same
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind, Failure, IssuedDocument, PartySnapshot
from billing.monthly_aconto.facts import MonthFacts, MonthIssue, MonthPlan
from billing.monthly_aconto.rules import PriceMissing, PriceOutOfDate, draft_of
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import MellemregningError
from foundation.period import Month, months_between


def plan_month(connection: Connection, code: str, month: Month, as_of: date) -> MonthPlan:
    """Say what the month would bill each subscriber; changes nothing.

    Args:
        connection: Where to read.
        code: The agreement.
        month: The service month.
        as_of: The date that the documents would bear.

    Raises:
        AgreementUnknown, YearNotAgreed.
        PriceMissing: the year has no price and it is before 15 December.
        PriceOutOfDate: the price was calculated for other members.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8 and 12.
    """
    agreement = agreements.get(connection, code)
    return _plan(connection, agreement, month, as_of)


def _plan(connection: Connection, agreement: Agreement, month: Month, as_of: date) -> MonthPlan:
    code = agreement.code
    agreed_year(agreement, month.year)
    members = members_in(agreement_store.members(connection, code), month.year)
    issued = _issued(connection, code, month)
    waiting = [municipality for municipality in members if municipality not in issued]
    drafts = []
    failed = []
    if waiting:
        if books.is_closed(connection, code, month.year):
            raise YearIsSettled(agreement=code, year=month.year)
        facts = _facts(connection, agreement, month, as_of, members)
        for municipality in waiting:
            try:
                drafts.append(draft_of(facts, municipality))
            except MellemregningError as error:
                failed.append(Failure(municipality, error))
    return MonthPlan(
        agreement=code,
        month=month,
        issue_date=as_of,
        send_by=send_deadline(agreement.terms.advance, month),
        drafts=tuple(drafts),
        already_issued=tuple(issued.values()),
        failed=tuple(failed),
        late_months=tuple(late for late in due_months(connection, agreement, as_of) if late[0] < month),
    )


def _issued(connection: Connection, code: str, month: Month) -> dict[MunicipalityCode, IssuedDocument]:
    days = month.period
    documents = invoice_store.documents(
        connection,
        agreement=code,
        kind=ClaimKind.ACONTO,
        from_day=days.from_day,
        to_day=days.to_day,
        only_claimed=True,
    )
    return {
        document.subscriber.municipality: document
        for document in sorted(documents, key=lambda document: document.subscriber.municipality)
    }


def _facts(
    connection: Connection,
    agreement: Agreement,
    month: Month,
    as_of: date,
    members: tuple[MunicipalityCode, ...],
) -> MonthFacts:
    missing_from = price_missing_from(agreement.terms.advance, month.year)
    subscription = subscription_store.read_subscription(connection, agreement.code, month.year)
    provisional = subscription is None
    if subscription is None:
        subscription = _last_years(connection, agreement, month, as_of, missing_from)
    else:
        _same_members(subscription, agreement.code, members)
    codes = {agreement.issuer, *agreement.providers, *members}
    codes |= {line.key.provider for line in subscription.cost_lines}
    codes |= {source.provider for part in subscription.parts for source in part.passed_on}
    return MonthFacts(
        agreement=agreement,
        month=month,
        subscription=subscription,
        provisional=provisional,
        parties=party_snapshots(agreement, codes),
        price_missing_from=missing_from,
    )


def _last_years(
    connection: Connection,
    agreement: Agreement,
    month: Month,
    as_of: date,
    missing_from: date,
) -> AnnualSubscription:
    last_year = subscription_store.read_subscription(connection, agreement.code, month.year - 1)
    if last_year is None:
        raise subscriptions.SubscriptionUnknown(agreement=agreement.code, year=month.year)
    if as_of < missing_from:
        raise PriceMissing(agreement=agreement.code, year=month.year, provisional_from=missing_from)
    return last_year


def _same_members(subscription: AnnualSubscription, code: str, members: tuple[MunicipalityCode, ...]) -> None:
    priced = {part.municipality for part in subscription.parts}
    if priced == set(members):
        return
    names = {code: municipality.name for code, municipality in MUNICIPALITIES.items()}
    gone = [f"{names[municipality]} deltager ikke længere" for municipality in sorted(priced - set(members))]
    new = [f"{names[municipality]} er kommet til" for municipality in sorted(set(members) - priced)]
    raise PriceOutOfDate(
        agreement=code,
        year=subscription.year,
        version=subscription.version,
        difference=", ".join(gone + new),
    )


def party_snapshots(agreement: Agreement, codes: Iterable[MunicipalityCode]) -> dict[MunicipalityCode, PartySnapshot]:
    """The parties as a document of today names them: register and entered details."""
    entered = {party.municipality: party for party in agreement.parties}
    return {
        code: PartySnapshot(
            municipality=code,
            name=MUNICIPALITIES[code].official_name,
            cvr=MUNICIPALITIES[code].cvr,
            gln=entered[code].gln if code in entered else "",
        )
        for code in sorted(codes)
    }


def issue_month(
    connection: Connection,
    code: str,
    month: Month,
    occasion: Occasion,
    *,
    planned: MonthPlan | None = None,
) -> MonthIssue:
    """Bill every subscriber the month, each once, whatever was done before.

    A subscriber that was billed is answered, not billed again; one that fails is left out and billed by a rerun.

    Args:
        connection: The transaction.
        code: The agreement.
        month: The service month; before its deadline, on it or late.
        occasion: Who, and the date on the documents.
        planned: The plan that was made in this transaction, so that it need not be made again.

    Raises:
        AgreementUnknown, YearNotAgreed, PriceMissing, PriceOutOfDate, IssueDateBeforeLast: nothing is issued.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8, 14 and 15.
    """
    agreement = agreements.get(connection, code, lock=True)
    plan = planned or _plan(connection, agreement, month, occasion.as_of)
    outcome = invoices.issue_documents(connection, plan.drafts, occasion.as_of)
    already = dict.fromkeys(plan.already_issued)
    if outcome.held:
        # Another run took these claims while this one planned.
        held = {key.municipality for key in outcome.held}
        already |= dict.fromkeys(
            document for municipality, document in _issued(connection, code, month).items() if municipality in held
        )
    failed = (*plan.failed, *outcome.failed)
    if outcome.issued or failed:
        audit.record(
            connection,
            occasion,
            action="monthly_aconto.issued",
            subject=f"{code} {month}",
            details={
                "issued": [
                    {
                        "number": document.number,
                        "municipality": document.subscriber.municipality,
                        "amount_oere": document.amount_oere,
                    }
                    for document in outcome.issued
                ],
                "failed": [{"municipality": failure.municipality, "error": failure.error.name} for failure in failed],
            },
        )
    return MonthIssue(
        plan=plan,
        issued=outcome.issued,
        already_issued=tuple(sorted(already, key=lambda document: document.subscriber.municipality)),
        failed=failed,
    )


def due_months(
    connection: Connection,
    agreement: Agreement,
    as_of: date,
) -> list[tuple[Month, tuple[MunicipalityCode, ...]]]:
    """Every month whose deadline has come and that somebody was not billed for, from the agreement's first day.

    Returns:
        Month -> the members that lack it, ascending.
    """
    advance = agreement.terms.advance
    periods = agreement_store.members(connection, agreement.code)
    first = Month.of(agreement.starts_on)
    # One more: a deadline on the 1st or 2nd may have moved to a bank day of the month before.
    last = Month.of(as_of).plus(advance.months_ahead + 1)
    if agreement.ends_on is not None:
        last = min(last, Month.of(agreement.ends_on))
    due = [month for month in months_between(first, last) if send_deadline(advance, month) <= as_of]
    claimed = invoice_store.claimed_months(connection, agreement.code)
    lacking = []
    for month in due:
        without = tuple(code for code in members_in(periods, month.year) if (code, month.first_day) not in claimed)
        if without:
            lacking.append((month, without))
    return lacking


def reinvoice_year(
    connection: Connection,
    code: str,
    year: int,
    occasion: Occasion,
) -> list[tuple[IssuedDocument, IssuedDocument]]:
    """Credit and invoice anew the months whose invoices the newest price no longer agrees with.

    Only where the price was calculated to be corrected so, or where no month remained to spread the difference on.

    Returns:
        (credit note, new document) per corrected month; nothing where all agrees.

    Raises:
        AgreementUnknown, SubscriptionUnknown, PriceOutOfDate, IssueDateBeforeLast, YearIsSettled.

    Source: domain rule 7.
    """
    agreement = agreements.get(connection, code, lock=True)
    subscription = subscriptions.get_subscription(connection, code, year)
    members = members_in(agreement_store.members(connection, code), year)
    invoiced = {
        (municipality, month.month): month
        for municipality, months in books.invoiced_months(connection, code, year).items()
        for month in months
    }
    corrected = []
    for part in subscription.parts:
        for instalment in part.instalments:
            billed = invoiced.get((part.municipality, instalment.month))
            if billed is None or instalment.invoiced:
                continue
            if says_the_same(billed, instalment):
                continue
            if books.is_closed(connection, code, year):
                raise YearIsSettled(agreement=code, year=year)
            old = _issued(connection, code, instalment.month)[part.municipality]
            credit = invoices.credit_invoice(
                connection,
                old.number,
                reason=f"Prisen for {year} er ændret (prisberegning nr. {subscription.version}).",
                issue_date=occasion.as_of,
                issuer=old.issuer.municipality,
            )
            facts = _facts(connection, agreement, instalment.month, occasion.as_of, members)
            outcome = invoices.issue_documents(connection, [draft_of(facts, part.municipality)], occasion.as_of)
            if outcome.failed:
                raise outcome.failed[0].error
            corrected.append((credit, outcome.issued[0]))
    if corrected:
        audit.record(
            connection,
            occasion,
            action="monthly_aconto.reinvoiced",
            subject=f"{code} {year}",
            details={
                "version": subscription.version,
                "documents": [
                    {"credited": credit.credits, "credit_note": credit.number, "invoice": document.number}
                    for credit, document in corrected
                ],
            },
        )
    return corrected
