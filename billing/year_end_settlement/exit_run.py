"""Settle with who left; never commits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode, NetAssets, ResultKey
from agreements.membership import MembershipPeriod, members_in
from agreements.municipality import municipality
from agreements.trading import Finding
from billing.accounts import store as books
from billing.accounts.facts import Decision, DecisionKind, ResultMovement, ResultSource
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as subscription_store
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentDraft, IssuedDocument
from billing.invoice.missing import missing_by_payer
from billing.monthly_aconto.run import party_snapshots
from billing.year_end_settlement import store
from billing.year_end_settlement.exit_rules import exit_draft, share_of_net_assets
from billing.year_end_settlement.facts import (
    ExitLine,
    ExitSettlement,
    NetAssetsShare,
)
from billing.year_end_settlement.run import get_settlement
from billing.year_end_settlement.true_up_rules import years_trued_up
from billing.year_end_settlement.true_up_store import payers_trued_up
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, RuleBroken
from foundation.money import kroner
from foundation.period import BillingYear
from foundation.person_number import holds_one

LONGEST_EVIDENCE = 400
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


class NetAssetsMissing(RuleBroken):
    """The agreement gives a leaver its share of the net assets, and nobody has said what they are."""

    danish = N_(
        "Efter aftalen «{agreement}» får {municipality} sin andel af nettoformuen. Angiv, hvad regnskabet siger pr. "
        "{on}, med --net-assets BELØB og --evidence TEKST (0, hvis der ingen er).",
    )


class NetAssetsNotAgreed(RuleBroken):
    """Net assets were stated, and the agreement gives a leaver none of them."""

    danish = N_(
        "Aftalen «{agreement}» giver ikke den, der udtræder, andel af nettoformuen. Udelad --net-assets, eller ret "
        "aftalens vilkår (net_assets_at_exit).",
    )


class NetAssetsDiffer(RuleBroken):
    """Two who leave on one day share the same net assets."""

    danish = N_(
        "{municipality} udtrådte samme dag, {on}, og er opgjort efter en nettoformue på {known} Den kan ikke også være "
        "{given}",
    )


class EvidenceMissing(BadInput):
    """Net assets rest on something that can be found again."""

    danish = N_("Skriv med --evidence, hvor nettoformuen står, på højst {longest} tegn, fx regnskabets side og note.")


class PersonInEvidence(BadInput):
    """A text that looks like a CPR number; it is not repeated."""

    danish = N_("Teksten om nettoformuen indeholder noget, der ligner et CPR-nummer. Intet er gemt.")


@dataclass(frozen=True, slots=True)
class StatedNetAssets:
    """What the closed accounts state on a leaver's last day.

    Attributes:
        amount_oere: Øre; negative where there are more debts than assets.
        evidence: Where it stands.
    """

    amount_oere: int
    evidence: str


def settle_exit(  # noqa: PLR0913 - who settles whom, on what
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    occasion: Occasion,
    *,
    net_assets: StatedNetAssets | None = None,
    preview: bool = False,
) -> ExitSettlement:
    """Settle a leaver's parts of results that were not passed on, by an invoice or a credit note; once.

    Args:
        connection: The transaction.
        code: The agreement.
        who: The leaver.
        occasion: Who, and the date on the document.
        net_assets: What the closed accounts state, where the agreement gives a leaver its share of it.
        preview: Work it out, issue nothing.

    Raises:
        AgreementUnknown, UnknownMunicipality.
        HasNotLeft: it takes part, or its last year is not over.
        ExitTooEarly: one of its years is not closed.
        NetAssetsMissing, NetAssetsNotAgreed, NetAssetsDiffer, EvidenceMissing, PersonInEvidence: of the net assets.

    Source: agreement § 6 stk. 8; domain rule 11; docs/decisions/0034-true-up-and-net-assets.md.
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
            net_assets=store.shares_of_net_assets(connection, code).get((who, left_on), ("", None))[1],
        )
    years = range(period.from_year, last_year.year + 1)
    still_open = [str(year) for year in years if not books.is_closed(connection, code, year)]
    if still_open:
        raise ExitTooEarly(municipality=municipality(who).name, agreement=code, years=still_open)
    lines, movements = _exit_lines(connection, agreement, who, last_year.year)
    share = _share_of_net_assets(connection, agreement, who, left_on, net_assets)
    settlement = ExitSettlement(agreement=code, municipality=who, left_on=left_on, lines=lines, net_assets=share)
    if preview or not (lines or settlement.share_oere):
        return settlement
    document = _issue_exit(connection, agreement, settlement, occasion)
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
            **({"net_assets_oere": share.net_assets_oere, "share_oere": share.share_oere} if share else {}),
            "sha256": invoices.fingerprints(connection, [document]),
        },
    )
    return settlement


def _share_of_net_assets(
    connection: Connection,
    agreement: Agreement,
    who: MunicipalityCode,
    left_on: date,
    stated: StatedNetAssets | None,
) -> NetAssetsShare | None:
    if agreement.terms.settlement.net_assets_at_exit is NetAssets.NONE:
        if stated is not None:
            raise NetAssetsNotAgreed(agreement=agreement.code)
        return None
    if stated is None:
        raise NetAssetsMissing(agreement=agreement.code, municipality=municipality(who).name, on=left_on)
    evidence = " ".join(stated.evidence.split())
    if not evidence or len(evidence) > LONGEST_EVIDENCE or not evidence.isprintable():
        raise EvidenceMissing(longest=LONGEST_EVIDENCE)
    if holds_one(evidence):
        raise PersonInEvidence
    for (other, day), (_, share) in store.shares_of_net_assets(connection, agreement.code).items():
        if day == left_on and share.net_assets_oere != stated.amount_oere:
            raise NetAssetsDiffer(
                municipality=municipality(other).name,
                on=left_on,
                known=kroner(share.net_assets_oere),
                given=kroner(stated.amount_oere),
            )
    price = subscriptions.get_subscription(connection, agreement.code, left_on.year)
    return share_of_net_assets(price, who, left_on, stated.amount_oere, evidence)


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
    own_documents = years_trued_up(books.movements(connection, agreement.code))
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
        due = line.accounting_year
        if line.accounting_year not in own_documents:
            due += agreement.terms.settlement.lag_years
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
    movements = books.movements(connection, code)
    trued_up = {year for year in years_trued_up(movements) if who in payers_trued_up(connection, code, year)}
    for movement in movements:
        if movement.municipality == who and movement.source.accounting_year not in trued_up:
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


def missing_of(
    connection: Connection, settlement: ExitSettlement, occasion: Occasion
) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """What a previewed settlement's document would lack as an e-invoice; nothing where it is complete or none.

    Returns:
        The leaver -> findings, each with the official rule's id.
    """
    if settlement.number or not (settlement.lines or settlement.share_oere):
        return {}
    agreement = agreements.get(connection, settlement.agreement)
    return missing_by_payer(connection, [_draft(connection, agreement, settlement, occasion)], occasion.as_of)


def _draft(
    connection: Connection, agreement: Agreement, settlement: ExitSettlement, occasion: Occasion
) -> DocumentDraft:
    who = settlement.municipality
    named = {agreement.issuer, who, *agreement.providers, *(line.provider for line in settlement.lines)}
    own_years = {
        line.accounting_year
        for line in settlement.lines
        if get_settlement(connection, agreement.code, line.accounting_year).result_key is ResultKey.ACCOUNTING_YEAR
    }
    parties = party_snapshots(agreement, named)
    return exit_draft(agreement, settlement, parties, occasion.as_of.year, own_years)


def _issue_exit(
    connection: Connection, agreement: Agreement, settlement: ExitSettlement, occasion: Occasion
) -> IssuedDocument:
    who = settlement.municipality
    draft = _draft(connection, agreement, settlement, occasion)
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
    shares = store.shares_of_net_assets(connection, code)
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
                net_assets=shares.get((who, left_on), ("", None))[1],
            ),
        )
    return tuple(found)
