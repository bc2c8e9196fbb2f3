"""Payments: the bank's files, what settles what, suggestions to choose from, undoing, and what is open with whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import g, render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements.municipality import MUNICIPALITIES
from billing.payment import listing_run, listing_store
from billing.payment import run as payments
from billing.payment.facts import Age, How, Load, Matching
from billing.payment.listing_store import MatchPart, OpenPart, ReceiptPart
from foundation.errors import Problems
from portal.access.issuer_scope import issuers_match
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import FieldNotUnderstood, number_of, small_number, text_of, tried, whole
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, upload, who_may
from portal.parts import choices, name_of
from portal.searching import dated_place, next_address

BANK_FILES = (".xml", ".csv", ".txt")
SHOWN = 100
NUMBERS = re.compile(r"[A-Za-z]?\d{4}-\d{1,9}", re.ASCII)


@pages.get("/betalinger", endpoint="payments")
@who_may(Deed.READ)
def payments_page(place: str) -> str:
    """What the bank received and has not settled anything yet, and a form for its next file."""
    return _page(place)


def _page(
    place: str, *, problems: Problems | None = None, load: Load | None = None, matching: Matching | None = None
) -> str:
    after = dated_place(text_of("after", 40))
    left, latest, count, oere = ReceiptPart((), None), ReceiptPart((), None), 0, 0
    if g.issues:
        left = listing_store.receipts_part(connection(), place, size=SHOWN, left=True, after=after)
        count, oere = len(left.receipts), sum(each.left_oere for each in left.receipts)
        if after or left.next_after:
            count, oere = listing_store.receipts_left(connection(), place)
        latest = listing_store.receipts_part(connection(), place, size=SHOWN // 5, left=False)
    return render_template(
        "finance/payments.html",
        left=left.receipts,
        left_count=count,
        left_oere=oere,
        latest=latest.receipts,
        first=url_for("finance.payments", place=place) if after else None,
        following=next_address("finance.payments", left.next_after, place=place),
        problems=problems,
        load=load,
        matching=matching,
        issues=g.issues,
        may_load=person().may(Deed.PREPARE, place) and g.issues,
        endings=",".join(BANK_FILES),
    )


@pages.post("/betalinger")
@who_may(Deed.PREPARE)
def payment_load(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep what is new in the bank's file; again is harmless."""
    name, content = upload("file", *BANK_FILES)
    try:
        with tried() as opened:
            load = payments.load_receipts(opened, name, content, place, occasion(), account=text_of("account", 60))
    except Problems as problems:
        return _page(place, problems=problems), 400
    return _page(place, load=load)


@pages.post("/betalinger/udlign")
@who_may(Deed.PREPARE)
def payment_match_all(place: str) -> str:
    """Settle what nothing speaks against."""
    return _page(place, matching=payments.match_receipts(connection(), place, occasion()))


@pages.get("/betalinger/forslag")
@who_may(Deed.READ)
def payment_suggestions(place: str) -> str:
    """What each receipt may settle, best first, to choose from."""
    after = dated_place(text_of("after", 40))
    found = listing_run.suggest(connection(), place, occasion(), after) if g.issues else None
    return render_template(
        "finance/payment_suggestions.html",
        matching=found.matching if found else None,
        receipts=found.matching.receipts if found else {},
        may_match=person().may(Deed.PREPARE, place),
        first=url_for("finance.payment_suggestions", place=place) if after else None,
        following=next_address("finance.payment_suggestions", found.next_after if found else None, place=place),
    )


@pages.post("/betalinger/udlign-selv")
@who_may(Deed.PREPARE)
def payment_match(place: str) -> WebResponse:
    """Settle the documents that the officer chose with a receipt: each as far as it goes, or the øre that are named."""
    payments.match_by_hand(
        connection(),
        place,
        {number_of("receipt", _("Indbetaling")): None},
        _documents_named(),
        occasion(),
        note=text_of("note", 200),
    )
    return seen("finance.payment_matches", place=place)


def _documents_named() -> Mapping[str, int | None]:
    found: dict[str, int | None] = {}
    for given in [*request.form.getlist("document"), *re.split(r"[\s,;]+", text_of("documents"))]:
        number, _colon, oere = given.partition(":")
        if not number:
            continue
        if not NUMBERS.fullmatch(number):
            raise FieldNotUnderstood(field=_("Bilag"), expected="bilagsnumre som F2009-0001", given=number[:40])
        try:
            found[number.upper()] = abs(whole(oere)) if oere else None
        except ValueError as error:
            raise FieldNotUnderstood(field=_("Beløb"), expected="hele øre", given=oere[:40]) from error
    if not found:
        raise FieldNotUnderstood(field=_("Bilag"), expected="bilagsnumre som F2009-0001", given="")
    return found


@pages.get("/betalinger/udligninger")
@who_may(Deed.READ)
def payment_matches(place: str) -> str:
    """What settled what, newest first, and a way to take each back."""
    before = small_number(text_of("before", 12))
    found = (
        listing_store.matches_part(connection(), place, size=SHOWN, before=before) if g.issues else MatchPart((), None)
    )
    return render_template(
        "finance/payment_matches.html",
        matches=[(match, payments.settles(match)) for match in found.matches],
        how_words={How.AUTOMATIC: _("af sig selv"), How.MANUAL: _("i hånden"), How.UNDO: _("fortrydelse")},
        may_undo=person().may(Deed.PREPARE, place),
        first=url_for("finance.payment_matches", place=place) if before else None,
        following=url_for("finance.payment_matches", place=place, before=found.next_before)
        if found.next_before
        else None,
    )


@pages.post("/betalinger/udligninger/<int(max=999999999):number>/fortryd")
@who_may(Deed.PREPARE)
def payment_undo(place: str, number: int) -> WebResponse:
    """Take a match back by a counter entry, with the reason."""
    issuers_match(connection(), place, number)
    payments.undo_match(connection(), number, occasion(), reason=text_of("reason", 200))
    return seen("finance.payment_matches", place=place)


@pages.get("/aabne-poster")
@who_may(Deed.READ)
def open_items(place: str) -> str:
    """What is open with whom, by age; one municipality's documents where it is asked for."""
    wanted = text_of("kommune", 3)
    report = listing_run.open_standings(connection(), place, occasion()) if g.issues else None
    chosen = next((each for each in report.standings if each.municipality == wanted), None) if report else None
    after = dated_place(text_of("after", 40))
    part = (
        listing_store.open_part(connection(), place, wanted, today(), size=SHOWN, after=after)
        if chosen
        else OpenPart((), None)
    )
    return render_template(
        "finance/open_items.html",
        report=report,
        chosen=chosen,
        items=part.items,
        first=url_for("finance.open_items", place=place, kommune=wanted) if after else None,
        following=next_address("finance.open_items", part.next_after, place=place, kommune=wanted),
        ages=age_words(),
        today=today(),
        open_oere=sum(each.open_oere for each in report.standings) if report else 0,
        municipalities=choices(
            [("", _("vælg")), *((each.municipality, name_of(each.municipality)) for each in report.standings)]
            if report
            else [],
            wanted if wanted in MUNICIPALITIES else "",
        ),
    )


def age_words() -> dict[Age, str]:
    """How long an amount has been due."""
    return {
        Age.NOT_DUE: _("ikke forfaldent"),
        Age.DAYS_1_30: _("1-30 dage"),
        Age.DAYS_31_60: _("31-60 dage"),
        Age.DAYS_61_90: _("61-90 dage"),
        Age.OVER_90: _("over 90 dage"),
    }
