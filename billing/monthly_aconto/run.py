"""Plan and issue one month on account; never commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import AdvanceTerms, Agreement, InvoicePer, MunicipalityCode, Schedule
from agreements.deadlines import last_due, price_missing_from, send_deadline
from agreements.membership import Memberships, agreed_year
from agreements.municipality import MUNICIPALITIES
from agreements.schedule import beginning_with, instalment_of, months_of_agreement, months_of_year
from billing.accounts import store as books
from billing.accounts.rules import YearIsSettled
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.rules import says_the_same
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import (
    ClaimKind,
    Failure,
    IssuedDocument,
    IssueOutcome,
    PartySnapshot,
)
from billing.invoice.rules import join_drafts
from billing.monthly_aconto.facts import MonthFacts, MonthIssue, MonthNotPlanned, MonthPlan
from billing.monthly_aconto.rules import Drafter, PriceMissing, PriceOutOfDate, weights_of
from billing.monthly_aconto.store import without_share
from foundation import audit
from foundation.audit import Event, Occasion
from foundation.errors import MellemregningError
from foundation.period import BillingYear, Month, Period


def plan_month(connection: Connection, code: str, month: Month, as_of: date) -> MonthPlan:
    """Say what the month would bill each subscriber; changes nothing.

    Args:
        connection: Where to read.
        code: The agreement.
        month: The service month.
        as_of: The date that the documents would bear.

    Raises:
        AgreementUnknown, YearNotAgreed.
        NotAnInstalment: the agreement's schedule has no instalment that begins with the month.
        PriceMissing: the year has no price and it is before 15 December.
        PriceOutOfDate: the price was calculated for other members.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8 and 12.
    """
    agreement = agreements.get(connection, code)
    agreed_year(agreement, month.year)
    beginning_with(agreement, month)
    plans, failed = plan_months(connection, {code: agreement}, as_of, only=month)
    if failed:
        raise failed[0].error
    return plans[0]


def plan_months(  # noqa: PLR0913 - what, when, and what is known already
    connection: Connection,
    agreed: Mapping[str, Agreement],
    as_of: date,
    *,
    only: Month | None = None,
    members: Memberships | None = None,
    booked: bool = True,
) -> tuple[list[MonthPlan], list[MonthNotPlanned]]:
    """Say what every month that is due would bill, of many agreements at once; changes nothing.

    What is read is read for all agreements together, so that the work grows with the bills and not with the questions.

    Args:
        connection: Where to read.
        agreed: Code -> agreement.
        as_of: The business date: up to which months are due, and what the documents would bear.
        only: The instalment that begins with this month of each that has one, due or not, in place of those that are
            due.
        members: Who takes part, where the caller has read it already.
        booked: Whether the drafts say what they will post, which only issuing needs.

    Returns:
        The plans by code and month, and the months that nobody can be billed for.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8 and 12.
    """
    if members is None:
        members = memberships(connection, set(agreed))
    claimed = _claimed(connection, agreed, members, as_of, only)
    due = {code: _due(agreement, members, claimed.get(code, _NONE), as_of) for code, agreement in agreed.items()}
    wanted = [
        (code, month)
        for code in sorted(agreed)
        for month in (_only(agreed[code], only) if only else [month for month, _ in due[code]])
    ]
    return _Books(connection, agreed, members, due, claimed, as_of, booked=booked).plans(wanted)


def memberships(connection: Connection, codes: Collection[str] | None) -> Memberships:
    """Who takes part in agreements, and who of them has nothing to pay."""
    return Memberships(agreement_store.members_of(connection, codes), without_share(connection, codes))


def _only(agreement: Agreement, month: Month) -> list[Month]:
    return [month] if instalment_of(agreement.terms.advance, month).first == month else []


Claimed = Mapping[str, AbstractSet[tuple[MunicipalityCode, date]]]
Due = list[tuple[Month, tuple[MunicipalityCode, ...]]]
_NONE: frozenset[tuple[MunicipalityCode, date]] = frozenset()


def _claimed(
    connection: Connection,
    agreed: Mapping[str, Agreement],
    members: Memberships,
    as_of: date,
    only: Month | None = None,
) -> dict[str, set[tuple[MunicipalityCode, date]]]:
    """The months that are claimed: month by month from last year on, and where an older year has not all of them.

    The rest of an older year is answered from its count, so that a month's work does not grow with all years past.
    """
    since = date(min(as_of.year - 1, only.year if only else as_of.year), 1, 1)
    claimed = invoice_store.claimed_months(connection, set(agreed), since)
    older = {code for code, agreement in agreed.items() if agreement.starts_on < since}
    if not older:
        return claimed
    counts = invoice_store.claimed_counts(connection, older, since)
    incomplete = set()
    for code in older:
        for year in range(agreed[code].starts_on.year, since.year):
            without = members.without.get((code, year), ())
            for who, own in members.days(agreed[code], year).items():
                if who in without:
                    continue
                months = months_of_year(agreed[code].terms.advance, year, own)
                if counts.get((code, who, year), 0) == len(months):
                    claimed.setdefault(code, set()).update((who, month.first_day) for month in months)
                else:
                    incomplete.add(code)
    for code, months_of in invoice_store.claimed_months(connection, incomplete).items() if incomplete else ():
        claimed[code] = months_of
    return claimed


def _due(
    agreement: Agreement,
    members: Memberships,
    claimed: AbstractSet[tuple[MunicipalityCode, date]],
    as_of: date,
) -> Due:
    advance = agreement.terms.advance
    lacking = []
    for month in months_of_agreement(agreement, _last_due(advance, as_of)):
        first_day = month.first_day
        payers = members.payers(agreement, _span(advance, month))
        without = tuple([code for code in payers if (code, first_day) not in claimed])
        if without:
            lacking.append((month, without))
    return lacking


def _span(advance: AdvanceTerms, month: Month) -> Period:
    return month.period if advance.schedule is Schedule.MONTHLY else instalment_of(advance, month).period


@lru_cache(maxsize=64)
def _last_due(advance: AdvanceTerms, as_of: date) -> Month:
    return last_due(advance, as_of)


class _Books:
    """What the months of many agreements rest on, read once for all of them."""

    def __init__(  # noqa: PLR0913, PLR0917 - what was read before
        self,
        connection: Connection,
        agreed: Mapping[str, Agreement],
        members: Memberships,
        due: Mapping[str, Due],
        claimed: Claimed,
        as_of: date,
        *,
        booked: bool,
    ) -> None:
        self.booked = booked
        self.connection, self.agreed, self.members = connection, agreed, members
        self.due, self.claimed, self.as_of = due, claimed, as_of
        self.snapshots: dict[tuple[MunicipalityCode, str], PartySnapshot] = {}
        self.prices: dict[tuple[str, int], AnnualSubscription] = {}
        self.closed: set[tuple[str, int]] = set()

    def plans(self, wanted: Sequence[tuple[str, Month]]) -> tuple[list[MonthPlan], list[MonthNotPlanned]]:
        """Plan the months; each that cannot be planned is named and the others are planned all the same."""
        years = {(code, month.year) for code, month in wanted}
        months = {month for _, month in wanted}
        self.closed = books.closed_years(self.connection, {code for code, _ in wanted})
        self.prices = subscription_store.read_subscriptions(self.connection, years, months) if years else {}
        missing = {(code, year - 1) for code, year in years if (code, year) not in self.prices}
        if missing:
            # Of last year only the obligations are asked for.
            self.prices |= {
                key: price
                for key, price in subscription_store.read_subscriptions(self.connection, missing, ()).items()
                if key not in self.prices
            }
        planned: list[MonthPlan] = []
        failed: list[MonthNotPlanned] = []
        for code, month in wanted:
            try:
                planned.append(self._plan(self.agreed[code], month))
            except MellemregningError as error:
                failed.append(MonthNotPlanned(code, month, error))
        return planned, failed

    def _plan(self, agreement: Agreement, month: Month) -> MonthPlan:
        code, first_day = agreement.code, month.first_day
        span = _span(agreement.terms.advance, month)
        members = self.members.payers(agreement, span)
        claimed = self.claimed.get(code, _NONE)
        waiting = [municipality for municipality in members if (municipality, first_day) not in claimed]
        issued: Mapping[MunicipalityCode, IssuedDocument] = {}
        if len(waiting) < len(members):
            issued = _issued(self.connection, agreement, month)
        drafts = []
        failed = []
        if waiting:
            if (code, month.year) in self.closed:
                raise YearIsSettled(agreement=code, year=month.year)
            drafter = Drafter(self._facts(agreement, month))
            for municipality in waiting:
                try:
                    drafts.append(drafter.draft(municipality))
                except MellemregningError as error:
                    failed.append(Failure(municipality, error))
        return MonthPlan(
            agreement=code,
            month=month,
            issue_date=self.as_of,
            send_by=send_deadline(agreement.terms.advance, month),
            drafts=tuple(drafts),
            already_issued=tuple(document.of_agreement(code) for document in issued.values()),
            failed=tuple(failed),
            late_months=tuple(late for late in self.due[code] if late[0] < month),
            advance=agreement.terms.advance,
            without_share=tuple(sorted(set(self.members.in_span(agreement, span)) - set(members))),
        )

    def _facts(self, agreement: Agreement, month: Month) -> MonthFacts:
        days = self.members.days(agreement, month.year)
        members = tuple(days)
        missing_from = price_missing_from(agreement.terms.advance, month.year)
        subscription = self.prices.get((agreement.code, month.year))
        provisional = subscription is None
        if subscription is None:
            subscription = self.prices.get((agreement.code, month.year - 1))
            if subscription is None:
                raise subscriptions.SubscriptionUnknown(agreement=agreement.code, year=month.year)
            if self.as_of < missing_from:
                raise PriceMissing(agreement=agreement.code, year=month.year, provisional_from=missing_from)
        else:
            require_same_members(subscription, agreement.code, days)
        codes = {agreement.issuer, *agreement.providers, *members}
        codes |= {line.key.provider for line in subscription.cost_lines}
        codes |= {source.provider for part in subscription.parts for source in part.passed_on}
        return MonthFacts(
            agreement=agreement,
            month=month,
            subscription=subscription,
            provisional=provisional,
            parties=self._parties(agreement, codes),
            price_missing_from=missing_from,
            booked=self.booked,
            weights=weights_of(subscription.cost_lines),
        )

    def _parties(
        self, agreement: Agreement, codes: AbstractSet[MunicipalityCode]
    ) -> dict[MunicipalityCode, PartySnapshot]:
        entered = {party.municipality: party.gln for party in agreement.parties}
        found = {}
        for code in codes:
            key = (code, entered.get(code, ""))
            if key not in self.snapshots:
                self.snapshots[key] = party_snapshot(*key)
            found[code] = self.snapshots[key]
        return found


def _issued(connection: Connection, agreement: Agreement, month: Month) -> dict[MunicipalityCode, IssuedDocument]:
    days = _span(agreement.terms.advance, month)
    documents = invoice_store.documents(
        connection,
        agreement=agreement.code,
        kind=ClaimKind.ACONTO,
        from_day=days.from_day,
        to_day=days.to_day,
        only_claimed=True,
    )
    return {
        document.subscriber.municipality: document
        for document in sorted(documents, key=lambda document: document.subscriber.municipality)
    }


def require_same_members(
    subscription: AnnualSubscription, code: str, members: Mapping[MunicipalityCode, Period]
) -> None:
    """Refuse a price that was calculated for others than those who take part, or for other days of theirs.

    Raises:
        PriceOutOfDate: says who came, went or has other days.

    Source: domain rule 7; docs/decisions/0039-terms.md.
    """
    priced = {part.municipality for part in subscription.parts}
    whole = BillingYear(subscription.year).period
    paid_for = subscription.division.days if subscription.division else {}
    moved = [who for who in members if who in priced and paid_for.get(who, whole) != members[who]]
    if priced == set(members) and not moved:
        return
    names = {code: municipality.name for code, municipality in MUNICIPALITIES.items()}
    gone = [f"{names[municipality]} deltager ikke længere" for municipality in sorted(priced - set(members))]
    new = [f"{names[municipality]} er kommet til" for municipality in sorted(set(members) - priced)]
    other_days = [
        f"{names[who]} deltager {members[who].from_day:%d.%m.%Y}-{members[who].last_day:%d.%m.%Y}" for who in moved
    ]
    raise PriceOutOfDate(
        agreement=code,
        year=subscription.year,
        version=subscription.version,
        difference=", ".join(gone + new + other_days),
    )


def party_snapshots(agreement: Agreement, codes: Iterable[MunicipalityCode]) -> dict[MunicipalityCode, PartySnapshot]:
    """The parties as a document of today names them: register and entered details."""
    entered = {party.municipality: party.gln for party in agreement.parties}
    return {code: party_snapshot(code, entered.get(code, "")) for code in sorted(codes)}


def party_snapshot(code: MunicipalityCode, gln: str) -> PartySnapshot:
    """One party as a document of today names it."""
    return PartySnapshot(
        municipality=code,
        name=MUNICIPALITIES[code].official_name,
        cvr=MUNICIPALITIES[code].cvr,
        gln=gln,
    )


def issue_month(connection: Connection, code: str, month: Month, occasion: Occasion) -> MonthIssue:
    """Bill every subscriber the month, each once, whatever was done before.

    A subscriber that was billed is answered, not billed again; one that fails is left out and billed by a rerun.

    Args:
        connection: The transaction.
        code: The agreement.
        month: The service month; before its deadline, on it or late.
        occasion: Who, and the date on the documents.

    Raises:
        AgreementUnknown, YearNotAgreed, PriceMissing, PriceOutOfDate, IssueDateBeforeLast: nothing is issued.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8, 14 and 15.
    """
    agreement = agreements.get(connection, code, lock=True)
    plan = plan_month(connection, code, month, occasion.as_of)
    return issue_plans(connection, [plan], {code: agreement}, occasion)[0]


def issue_plans(
    connection: Connection,
    plans: Sequence[MonthPlan],
    agreed: Mapping[str, Agreement],
    occasion: Occasion,
) -> list[MonthIssue]:
    """Issue what was planned in this transaction; agreements of one issuer share a document by their terms.

    Args:
        connection: The transaction; it holds the agreements.
        plans: Months of agreements, as ``plan_months`` answered them.
        agreed: Code -> agreement.
        occasion: Who, and the date on the documents.

    Returns:
        What came of each plan, in their order.

    Raises:
        IssueDateBeforeLast: a number with a later date was given; nothing is issued.

    Source: agreement § 7 stk. 1 and annex; domain rules 14 and 15.
    """
    # In the order of issuers, so that no two runs wait for each other's number series.
    joined = join_drafts((draft for plan in plans for draft in plan.drafts), documents_apart(agreed.values()))
    outcome = invoices.issue_documents(connection, joined, occasion.as_of, occasion.at)
    prints = {
        (each.issuer.municipality, each.number): print_of
        for each, print_of in zip(outcome.issued, outcome.prints, strict=True)
    }
    came_of = _Outcomes(outcome)
    answers = [came_of.answer(connection, plan) for plan in plans]
    events = [_issued_event(answer, prints) for answer in answers if answer.issued or answer.failed]
    audit.record_all(connection, occasion, events)
    return answers


def documents_apart(agreed: Iterable[Agreement]) -> set[str]:
    """The agreements whose term is a document of their own (domain rule 15)."""
    return {agreement.code for agreement in agreed if agreement.terms.advance.invoice_per is InvoicePer.AGREEMENT}


class _Outcomes:
    """What came of documents, sorted back to the months and agreements that they are of."""

    def __init__(self, outcome: IssueOutcome) -> None:
        self.issued: dict[tuple[str, date], list[IssuedDocument]] = defaultdict(list)
        self.held: dict[tuple[str, date], set[MunicipalityCode]] = defaultdict(set)
        self.failed: dict[tuple[str, date], list[Failure]] = defaultdict(list)
        for document in outcome.issued:
            for code in (document.agreement,) if document.agreement else document.agreements:
                self.issued[code, document.period.from_day].append(document.of_agreement(code))
        for key in outcome.held:
            self.held[key.agreement, key.period.from_day].add(key.municipality)
        for failure in outcome.failed:
            for key in failure.claims:
                self.failed[key.agreement, key.period.from_day].append(failure)

    def answer(self, connection: Connection, plan: MonthPlan) -> MonthIssue:
        place = (plan.agreement, plan.month.first_day)
        already = dict.fromkeys(plan.already_issued)
        held = self.held.get(place)
        if held:
            # Another run took these claims while this one planned.
            documents = _issued(connection, agreements.get(connection, plan.agreement), plan.month)
            already |= dict.fromkeys(documents[who].of_agreement(plan.agreement) for who in documents if who in held)
        return MonthIssue(
            plan=plan,
            issued=tuple(self.issued.get(place, ())),
            already_issued=tuple(sorted(already, key=lambda document: document.subscriber.municipality)),
            failed=(*plan.failed, *self.failed.get(place, ())),
        )


def _issued_event(outcome: MonthIssue, prints: Mapping[tuple[str, str], str]) -> Event:
    return Event(
        action="monthly_aconto.issued",
        subject=f"{outcome.plan.agreement} {outcome.plan.month}",
        details={
            "issued": [
                {
                    "number": document.number,
                    "municipality": document.subscriber.municipality,
                    "amount_oere": document.amount_oere,
                }
                for document in outcome.issued
            ],
            "failed": [
                {"municipality": failure.municipality, "error": failure.error.name} for failure in outcome.failed
            ],
            # Of the whole document, also where it has other agreements' lines.
            "sha256": {
                document.number: prints[document.issuer.municipality, document.number] for document in outcome.issued
            },
        },
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
    return due_months_of(connection, {agreement.code: agreement}, as_of)[agreement.code]


def due_months_of(connection: Connection, agreed: Mapping[str, Agreement], as_of: date) -> dict[str, Due]:
    """The same of many agreements at once: code -> what is due and lacking."""
    members = memberships(connection, set(agreed))
    claimed = _claimed(connection, agreed, members, as_of)
    return {code: _due(agreement, members, claimed.get(code, _NONE), as_of) for code, agreement in agreed.items()}


def _lines_left(connection: Connection, document: IssuedDocument, code: str) -> dict[int, int | None]:
    left = invoices.left_of(connection, document.number, document.issuer.municipality)
    return {
        position: None
        for position, line in enumerate(document.lines, start=1)
        if line.agreement == code and left[position]
    }


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
    invoiced = {
        (municipality, month.month): month
        for municipality, months in books.invoiced_months(connection, code, year).items()
        for month in months
    }
    corrected = []
    for part in subscription.parts:
        for instalment in part.instalments:
            billed = invoiced.get((part.municipality, instalment.month))
            # A month that the price took as it was billed differs too, once a part of it was credited since.
            if billed is None or says_the_same(billed, instalment):
                continue
            if books.is_closed(connection, code, year):
                raise YearIsSettled(agreement=code, year=year)
            old = _issued(connection, agreement, instalment.month)[part.municipality]
            shared = len(old.agreements) > 1
            credit = invoices.credit_invoice(
                connection,
                old.number,
                reason=f"Prisen for {year} er ændret (prisberegning nr. {subscription.version}).",
                issue_date=occasion.as_of,
                at=occasion.at,
                issuer=old.issuer.municipality,
                # Of a document that other agreements share, only this one's lines are taken back.
                lines=_lines_left(connection, old, code) if shared else None,
            )
            # Its claim is free again, so the month's plan is this payer's document.
            again = plan_month(connection, code, instalment.month, occasion.as_of)
            drafts = [draft for draft in again.drafts if draft.subscriber.municipality == part.municipality]
            outcome = invoices.issue_documents(connection, drafts, occasion.as_of, occasion.at)
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
                "sha256": invoices.fingerprints(connection, (each for pair in corrected for each in pair)),
            },
        )
    return corrected
