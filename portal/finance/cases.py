"""Enkeltsager at the issuer: a listing to search, a case with its days and prices, its steps, and its corrections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.case_terms import CasePrice, CasePricing
from agreements.membership import members_in
from billing.single_case import listing_store
from billing.single_case import run as case_verbs
from billing.single_case.facts import CorrectionReason, RefusalReason, WantedCases
from billing.single_case.run import CaseCorrection
from foundation.errors import BadInput, N_
from foundation.period import Period
from portal import case_words
from portal.access.issuer_scope import issuers_case
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.finance import pages
from portal.finance.asked import FieldNotUnderstood, amount_of, day_of, municipality_of, small_number, text_of
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, who_may
from portal.parts import choices, name_of
from portal.searching import subscribers_like

BY_CASE = "/enkeltsager/sag/<number>"
CASE_NUMBER_BEGINS = "S-"


class DaysTurned(BadInput):
    """The last day of an invoice lies before its first."""

    danish = N_("Fakturaens sidste dag er før den første. Ret det; intet er ændret.")


class NotGrantedInWriting(BadInput):
    """An issuer enters a payer's answer only where it has it."""

    danish = N_("Sæt kryds ved, at betalingskommunens svar er modtaget skriftligt. Intet er ændret.")


def with_cases(place: str) -> dict[str, Agreement]:
    """The agreements that the place bills for and that bill by the case."""
    return {code: each for code, each in issuers_agreements(connection(), place).items() if each.cases.services}


@pages.get("/enkeltsager")
@who_may(Deed.READ)
def cases(place: str) -> str:
    """The listing, newest first: by number or payer, agreement and state."""
    agreed = with_cases(place)
    asked = request.args
    text = asked.get("q", "").strip()[:60]
    code, state = asked.get("agreement", ""), asked.get("state", "")
    words = case_words.state_words()
    is_number = text.upper().startswith(CASE_NUMBER_BEGINS)
    wanted = WantedCases(
        agreements=frozenset({code} & set(agreed)) if code else frozenset(agreed),
        payers=subscribers_like(text) if text and not is_number else None,
        number=text.upper() if is_number else "",
        state=state if state in words else "",
    )
    before = small_number(asked.get("before", ""))
    found, following = listing_store.page_of_cases(connection(), wanted, before=before) if agreed else ([], None)
    kept: dict[str, Any] = {key: value for key, value in asked.items() if key in {"q", "agreement", "state"} and value}
    return render_template(
        "finance/cases.html",
        cases=found,
        agreed=agreed,
        titles=_titles(agreed),
        words=words,
        text=text,
        codes=choices([("", _("alle")), *((each, each) for each in agreed)], code),
        states=choices([("", _("alle")), *((name, said) for name, (said, _kind) in words.items())], wanted.state),
        is_filtered=bool(kept),
        opening=_what_may_be_opened(agreed),
        may_prepare=person().may(Deed.PREPARE, place),
        first=url_for("finance.cases", place=place, **kept) if before else None,
        following=url_for("finance.cases", place=place, **kept, before=following) if following else None,
    )


def _titles(agreed: dict[str, Agreement]) -> dict[tuple[str, str], str]:
    return {(code, each.code): each.title for code, one in agreed.items() for each in one.cases.services}


def _what_may_be_opened(
    agreed: dict[str, Agreement],
) -> list[tuple[Agreement, list[tuple[str, str, bool]], list[tuple[str, str, bool]]]]:
    """Each agreement with its services and with those who may pay this year."""
    members = agreement_store.members_of(connection(), sorted(agreed)) if agreed else {}
    year = today().year
    return [
        (
            each,
            choices([(service.code, service.title) for service in each.cases.services], ""),
            choices([(who, name_of(who)) for who in members_in(members.get(code, ()), year)], ""),
        )
        for code, each in agreed.items()
    ]


@pages.post("/enkeltsager")
@who_may(Deed.PREPARE)
def case_open(place: str) -> WebResponse:
    """Open a case, which asks the paying municipality for its approval."""
    code = text_of("agreement")
    issuers_agreement(connection(), place, code)
    payer = municipality_of("payer", _("Betalingskommune"))
    made = case_verbs.open_case(connection(), code, text_of("service", 60), payer, occasion())
    return seen("finance.case", place=place, number=made.number)


@pages.get(BY_CASE)
@who_may(Deed.READ)
def case(place: str, number: str) -> str:
    """One case: its dates, its days and prices, what was billed and what the next bill takes."""
    found = issuers_case(connection(), place, number)
    agreement = issuers_agreement(connection(), place, found.agreement)
    return render_template(
        "finance/case.html",
        case=found,
        account=case_verbs.case_account(connection(), found, today()),
        how_days_count=case_words.how_days_count(agreement.cases),
        words=case_words.state_words(),
        refusals=case_words.refusal_words(),
        corrections=case_words.correction_words(),
        refusal_choices=choices([(each.value, said) for each, said in case_words.refusal_words().items()], ""),
        reasons=choices([(each.value, said) for each, said in case_words.correction_words().items()], ""),
        passes_on=CasePricing.ACTUAL,
        today=today(),
        may_prepare=person().may(Deed.PREPARE, place),
    )


def _back(place: str, number: str) -> WebResponse:
    return seen("finance.case", place=place, number=number)


@pages.post(f"{BY_CASE}/svar")
@who_may(Deed.PREPARE)
def case_answer(place: str, number: str) -> WebResponse:
    """Enter the paying municipality's written answer, where it did not answer on its own page."""
    found = issuers_case(connection(), place, number)
    on = day_of("on", _("Dag"))
    if request.form.get("written") != "1":
        raise NotGrantedInWriting
    if text_of("answer", 20) == "yes":
        case_verbs.approve_case(connection(), found.number, on, occasion())
    else:
        case_verbs.refuse_case(connection(), found.number, on, refusal_reason(), occasion())
    return _back(place, found.number)


def refusal_reason() -> RefusalReason:
    """The form's choice.

    Raises:
        FieldNotUnderstood: none of them; what was written is not repeated.
    """
    given = text_of("reason", 20)
    if given not in set(RefusalReason):
        raise FieldNotUnderstood(field=_("Grund"), expected=_("et valg på listen"), given="")
    return RefusalReason(given)


@pages.post(f"{BY_CASE}/indskriv")
@who_may(Deed.PREPARE)
def case_admit(place: str, number: str) -> WebResponse:
    """Enter the day of arrival."""
    found = issuers_case(connection(), place, number)
    case_verbs.admit(connection(), found.number, day_of("on", _("Ankomstdag")), occasion())
    return _back(place, found.number)


@pages.post(f"{BY_CASE}/udskriv")
@who_may(Deed.PREPARE)
def case_discharge(place: str, number: str) -> WebResponse:
    """Enter the day of leaving."""
    found = issuers_case(connection(), place, number)
    case_verbs.discharge(connection(), found.number, day_of("on", _("Afrejsedag")), occasion())
    return _back(place, found.number)


@pages.post(f"{BY_CASE}/ret")
@who_may(Deed.PREPARE)
def case_correct(place: str, number: str) -> WebResponse:
    """Replace dates that were reported late or wrong; the next bill takes the difference."""
    found = issuers_case(connection(), place, number)
    given = text_of("reason", 20)
    if given not in set(CorrectionReason):
        raise FieldNotUnderstood(field=_("Grund"), expected=_("et valg på listen"), given="")
    what = text_of("what", 20)
    correction = CaseCorrection(
        admitted_on=day_of("admitted", _("Ankomstdag")) if text_of("admitted") else None,
        discharged_on=day_of("discharged", _("Afrejsedag")) if text_of("discharged") else None,
        withdraw=what == "withdraw",
        stays=what == "stays",
    )
    case_verbs.correct_case(connection(), found.number, correction, occasion(), CorrectionReason(given))
    return _back(place, found.number)


@pages.post(f"{BY_CASE}/udlaeg")
@who_may(Deed.PREPARE)
def case_outlay(place: str, number: str) -> WebResponse:
    """Enter a supplier's invoice, to be passed on at the actual price."""
    found = issuers_case(connection(), place, number)
    first, last = day_of("from", _("Fra")), day_of("to", _("Til og med"))
    if last < first:
        raise DaysTurned
    case_verbs.add_outlay(
        connection(),
        found.number,
        period=Period(first, last + timedelta(days=1)),
        amount_oere=amount_of("amount", _("Beløb")),
        supplier=text_of("supplier", 40),
        reference=text_of("reference", 60),
        occasion=occasion(),
    )
    return _back(place, found.number)


@pages.get("/enkeltsager/takster")
@who_may(Deed.READ)
def case_prices(place: str) -> str:
    """Unit prices by day, of the agreement's file and entered here."""
    agreed = with_cases(place)
    return render_template(
        "finance/case_prices.html",
        agreed=[(each, case_verbs.prices_of(connection(), each)) for each in agreed.values()],
        titles=_titles(agreed),
        by_day={
            code: choices([(one.code, one.title) for one in each.cases.services if one.pricing is CasePricing.DAY], "")
            for code, each in agreed.items()
        },
        today=today(),
        may_prepare=person().may(Deed.PREPARE, place),
    )


@pages.post("/enkeltsager/takster")
@who_may(Deed.PREPARE)
def case_price_set(place: str) -> WebResponse:
    """Enter a unit price from a day on; what was billed already is corrected by the next plan."""
    code = text_of("agreement")
    issuers_agreement(connection(), place, code)
    price = CasePrice(text_of("service", 60), day_of("from", _("Fra")), amount_of("amount", _("Pr. døgn")))
    case_verbs.set_price(connection(), code, price, occasion())
    return seen("finance.case_prices", place=place)
