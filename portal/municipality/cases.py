"""The cases that the municipality pays for, or is asked to: yes or no, days, price and why, and their statement."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.run import AgreementUnknown
from billing.single_case import listing_store
from billing.single_case import run as case_verbs
from billing.single_case.facts import RefusalReason, WantedCases
from foundation.errors import BadInput, N_
from foundation.period import Month
from portal import case_files, case_words
from portal.access.issuer_scope import payers_case
from portal.access.scope import Deed
from portal.language import _
from portal.municipality import pages
from portal.pages import connection, download, occasion, person, seen, today, who_may
from portal.parts import choices

BY_CASE = "/enkeltsager/sag/<number>"
CASE_NUMBER_BEGINS = "S-"


class ReasonMissing(BadInput):
    """A no without one of the reasons; what was written is not repeated."""

    danish = N_("Vælg en grund på listen. Intet er sendt.")


class BeforeNumberMissing(BadInput):
    """The address of a listing's next part was changed by hand."""

    danish = N_("Der kan ikke bladres herfra. Begynd listen forfra.")


def paid_by_case(place: str) -> dict[str, Agreement]:
    """The agreements under which the place pays, or was asked to pay, for cases: code -> newest version."""
    codes = listing_store.agreements_of_payer(connection(), place)
    found = agreement_store.find_agreements(connection(), sorted(codes)) if codes else {}
    return {code: agreement for code, (_version, agreement) in found.items()}


@pages.get("/enkeltsager")
@who_may(Deed.READ)
def cases(place: str) -> str:
    """The municipality's own cases, newest first; those that wait for its answer are told."""
    agreed = paid_by_case(place)
    asked = request.args
    text, state = asked.get("q", "").strip().upper()[:60], asked.get("state", "")
    words = case_words.state_words()
    own = frozenset({place})
    wanted = WantedCases(frozenset(agreed), own, text, state if state in words else "")
    given = asked.get("before", "")
    if given and not (given.isascii() and given.isdigit() and len(given) <= 15):  # noqa: PLR2004 - digits of a row
        raise BeforeNumberMissing
    found, following = (
        listing_store.page_of_cases(connection(), wanted, before=int(given) if given else None)
        if agreed
        else ([], None)
    )
    waiting = (
        listing_store.count_cases(connection(), WantedCases(frozenset(agreed), own, "", "opened")) if agreed else 0
    )
    kept: dict[str, Any] = {key: value for key, value in asked.items() if key in {"q", "state"} and value}
    last = Month.of(today()).plus(-1)
    return render_template(
        "municipality/cases.html",
        cases=found,
        agreed=agreed,
        titles={(code, each.code): each.title for code, one in agreed.items() for each in one.cases.services},
        words=words,
        text=text,
        waiting=waiting,
        states=choices([("", _("alle")), *((name, said) for name, (said, _kind) in words.items())], wanted.state),
        is_filtered=bool(kept),
        last=str(last),
        first=url_for("municipality.cases", place=place, **kept) if given else None,
        following=url_for("municipality.cases", place=place, **kept, before=following) if following else None,
    )


@pages.get(BY_CASE)
@who_may(Deed.READ)
def case(place: str, number: str) -> str:
    """One case: what is asked or was granted, its days and prices, and what was billed."""
    found = payers_case(connection(), place, number)
    agreement = paid_by_case(place)[found.agreement]
    return render_template(
        "municipality/case.html",
        case=found,
        agreement=agreement,
        account=case_verbs.case_account(connection(), found, today()),
        how_days_count=case_words.how_days_count(agreement.cases),
        words=case_words.state_words(),
        refusals=case_words.refusal_words(),
        reasons=choices([(each.value, said) for each, said in case_words.refusal_words().items()], ""),
        may_grant=person().may(Deed.GRANT, place) and found.state == "opened",
    )


@pages.post(f"{BY_CASE}/bevilg")
@who_may(Deed.GRANT)
def case_grant(place: str, number: str) -> WebResponse:
    """Say yes to paying for it, from today."""
    found = payers_case(connection(), place, number)
    case_verbs.approve_case(connection(), found.number, today(), occasion())
    return seen("municipality.case", place=place, number=found.number)


@pages.post(f"{BY_CASE}/afslaa")
@who_may(Deed.GRANT)
def case_refuse(place: str, number: str) -> WebResponse:
    """Say no, by one of the reasons."""
    found = payers_case(connection(), place, number)
    given = request.form.get("reason", "")
    if given not in set(RefusalReason):
        raise ReasonMissing
    case_verbs.refuse_case(connection(), found.number, today(), RefusalReason(given), occasion())
    return seen("municipality.case", place=place, number=found.number)


@pages.get("/enkeltsager/opgoerelse")
@who_may(Deed.READ)
def case_statement(place: str) -> WebResponse:
    """The statement of the municipality's own cases of some months, as the form asks for it."""
    asked = request.args
    code = asked.get("agreement", "")
    if code not in paid_by_case(place):
        raise AgreementUnknown(agreement=code)
    period = case_files.period_of(*case_files.months_from(asked.get("first", ""), asked.get("last", "")))
    kind = "xlsx" if asked.get("kind") == "xlsx" else "pdf"
    name, content = case_files.statement_file(connection(), code, place, period, kind)
    return download(content, name, case_files.TYPES[kind])
