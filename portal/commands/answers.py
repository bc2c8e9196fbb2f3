"""The shapes that programs read and rest on: amounts are integers in øre, codes are strings, dates ISO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agreements.agreement import CostLine
from agreements.membership import MembershipPeriod
from agreements.run import CostChange
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import DocumentDraft, Failure, IssuedDocument
from billing.invoice.rules import due_date
from billing.monthly_aconto.facts import MonthIssue, MonthPlan
from billing.year_end_settlement.facts import ExitSettlement, KeyResult, ProviderClearing, TrueUpPlan, YearSettlement
from portal.language import _

Answer = dict[str, Any]


def subscription(value: AnnualSubscription) -> Answer:
    """``subscription calculate`` and ``subscription show``."""
    return {
        "agreement": value.agreement,
        "year": value.year,
        "version": value.version,
        "reference_date": value.reference_date.isoformat(),
        "cost_oere": value.cost_oere,
        "passed_on_oere": value.passed_on_oere,
        "total_oere": value.total_oere,
        "parts": [
            {
                "municipality": part.municipality,
                "population": part.counted,
                "share_oere": part.share_oere,
                "passed_on_oere": part.passed_on_oere,
                "obligation_oere": part.obligation_oere,
                "instalments_oere": [instalment.amount_oere for instalment in part.instalments],
            }
            for part in value.parts
        ],
        **_division(value),
    }


def membership(period: MembershipPeriod) -> Answer:
    """One stretch of a municipality's taking part; days are there where it begins or ends within a year."""
    answer: Answer = {
        "municipality": period.municipality,
        "from_year": period.from_year,
        "to_year": period.to_year,
    }
    if period.begins_on:
        answer["begins_on"] = period.begins_on.isoformat()
    if period.ends_on:
        answer["ends_on"] = period.ends_on.isoformat()
    return answer


def _division(value: AnnualSubscription) -> Answer:
    if value.division is None:
        return {}
    return {
        "division": {
            "days": {
                code: [own.from_day.isoformat(), own.last_day.isoformat()] for code, own in value.division.days.items()
            },
            "portions": [
                {
                    "name": portion.name,
                    "key": portion.terms.key.value,
                    "from_day": portion.days.from_day.isoformat(),
                    "last_day": portion.days.last_day.isoformat(),
                    "cost_oere": portion.cost_oere,
                    "shares": [
                        {
                            "municipality": share.municipality,
                            "figure": share.figure.inhabitants,
                            "source": share.figure.source,
                            "share_oere": share.share_oere,
                        }
                        for share in portion.shares
                    ],
                }
                for portion in value.division.portions
            ],
        }
    }


def _issued(document: IssuedDocument) -> Answer:
    answer: Answer = {
        "number": document.number,
        "municipality": document.subscriber.municipality,
        "amount_oere": document.amount_oere,
        "issue_date": document.issue_date.isoformat(),
        "due_date": document.due_date.isoformat(),
    }
    if document.internal:
        answer["internal"] = True
    return answer


def _planned(draft: DocumentDraft, plan: MonthPlan) -> Answer:
    answer: Answer = {
        "municipality": draft.subscriber.municipality,
        "amount_oere": draft.amount_oere,
        "issue_date": plan.issue_date.isoformat(),
        "due_date": due_date(plan.issue_date, draft.due_days).isoformat(),
    }
    if draft.internal:
        answer["internal"] = True
    return answer


def _failed(failure: Failure) -> Answer:
    return {
        "municipality": failure.municipality,
        "error": failure.error.name,
        "message": failure.error.text(_),
    }


def month_plan(plan: MonthPlan) -> Answer:
    """``month plan``: what ``month issue`` would answer, without numbers."""
    return {
        "agreement": plan.agreement,
        "month": str(plan.month),
        "issued": [_planned(draft, plan) for draft in plan.drafts],
        "already_issued": [_issued(document) for document in plan.already_issued],
        "failed": [_failed(failure) for failure in plan.failed],
    }


def month_issue(outcome: MonthIssue) -> Answer:
    """``month issue``: every subscriber in one of the three."""
    return {
        "agreement": outcome.plan.agreement,
        "month": str(outcome.plan.month),
        "issued": [_issued(document) for document in outcome.issued],
        "already_issued": [_issued(document) for document in outcome.already_issued],
        "failed": [_failed(failure) for failure in outcome.failed],
    }


def document(value: IssuedDocument) -> Answer:
    """``invoice show``: all that the document says."""
    return {
        "number": value.number,
        "document_type": value.document_type.value,
        "kind": value.kind.value,
        "agreement": value.agreement,
        "agreements": list(value.agreements),
        "title": value.title,
        "period": [value.period.from_day.isoformat(), value.period.last_day.isoformat()],
        "issue_date": value.issue_date.isoformat(),
        "due_date": value.due_date.isoformat(),
        "amount_oere": value.amount_oere,
        "internal": value.internal,
        "provisional": value.provisional,
        "note": value.note,
        "credits": value.credits,
        "credited_by": value.credited_by,
        "issuer": _party(value.issuer),
        "subscriber": _party(value.subscriber),
        "lines": [
            {
                "agreement": line.agreement,
                "provider": line.provider,
                "service": line.service,
                "kind": line.kind.value,
                "text": line.text,
                "accounting_year": line.accounting_year,
                "amount_oere": line.amount_oere,
                "version": line.version,
            }
            for line in value.lines
        ],
    }


def _party(party: Any) -> Answer:  # noqa: ANN401 - a snapshot
    return {"municipality": party.municipality, "name": party.name, "cvr": party.cvr, "gln": party.gln}


def settlement(value: YearSettlement, keys: Sequence[KeyResult] = ()) -> Answer:
    """``settlement close`` and ``settlement show``; ``keys`` where each key's lines were divided by that key."""
    return {
        "agreement": value.agreement,
        "year": value.year,
        "invoiced_oere": value.invoiced_oere,
        "cost_oere": value.cost_oere,
        "result_oere": value.result_oere,
        "carried_oere": value.carried_oere,
        "parts": [
            {
                "municipality": part.municipality,
                "result_oere": part.result_oere,
                "passed_on_oere": part.passed_on_oere,
                "carried_oere": part.carried_oere,
            }
            for part in value.parts
        ],
        "providers": [
            {
                "municipality": provider.municipality,
                "received_oere": provider.received_oere,
                "cost_oere": provider.cost_oere,
                "result_oere": provider.result_oere,
            }
            for provider in value.providers
        ],
        "application_year": value.application_year,
        "trued_up": value.is_trued_up,
        "divided_by": value.divided_by.value,
        "keys": [
            {
                "name": key.name,
                "billed_oere": sum(key.billed_oere.values()),
                "cost_oere": sum(key.cost_oere.values()),
                "result_oere": key.result_oere,
                "parts": [
                    {"municipality": who, "weight": key.weights[who], "result_oere": amount}
                    for who, amount in key.parts.items()
                ],
            }
            for key in keys
        ],
    }


def exit_settlement(value: ExitSettlement) -> Answer:
    """``settlement exit``: a negative amount is paid out to the leaver."""
    return {
        "agreement": value.agreement,
        "municipality": value.municipality,
        "left_on": value.left_on.isoformat(),
        "amount_oere": value.amount_oere,
        "number": value.number,
        "issue_date": value.issue_date and value.issue_date.isoformat(),
        "already_settled": value.already_settled,
        "lines": [
            {
                "accounting_year": line.accounting_year,
                "provider": line.provider,
                "passed_on_oere": line.passed_on_oere,
                "carried_oere": line.carried_oere,
                "settled_oere": line.settled_oere,
            }
            for line in value.lines
        ],
        "net_assets": value.net_assets
        and {
            "net_assets_oere": value.net_assets.net_assets_oere,
            "share_oere": value.net_assets.share_oere,
            "evidence": value.net_assets.evidence,
        },
    }


def true_up_plan(plan: TrueUpPlan) -> Answer:
    """``settlement true-up`` and what follows it."""
    return {
        "plan": plan.number,
        "agreement": plan.agreement,
        "year": plan.year,
        "state": plan.state.value,
        "as_of": plan.as_of.isoformat(),
        "planned_by": plan.planned_by,
        "four_eyes": plan.four_eyes,
        "hash": plan.hash,
        "total_oere": plan.total_oere,
        "documents": [dict(document) for document in plan.documents],
        "events": [
            {"state": event.state.value, "on": event.happened_on.isoformat(), "by": event.actor}
            for event in plan.events
        ],
    }


def clearing(agreement: str, year: int, value: tuple[ProviderClearing, ...]) -> Answer:
    """``settlement providers`` and ``settlement clear``."""
    return {
        "agreement": agreement,
        "year": year,
        "providers": [
            {
                "municipality": provider.municipality,
                "entitled_oere": provider.entitled_oere,
                "collected_oere": provider.collected_oere,
                "cleared_oere": provider.cleared_oere,
                "outstanding_oere": provider.outstanding_oere,
            }
            for provider in value
        ],
    }


def cost_line(line: CostLine) -> Answer:
    """One line of a budget or of final accounts."""
    return {
        "year": line.key.year,
        "provider": line.key.provider,
        "service": line.key.service,
        "kind": line.key.kind.value,
        "line": line.key.line,
        "amount_oere": line.amount_oere,
        "note": line.note,
    }


def cost_change(agreement: str, change: CostChange) -> Answer:
    """What loading a budget or final accounts did."""
    return {
        "agreement": agreement,
        "added": [cost_line(line) for line in change.added],
        "changed": [{**cost_line(new), "before_oere": old.amount_oere} for old, new in change.changed],
        "unchanged": [cost_line(line) for line in change.unchanged],
    }
