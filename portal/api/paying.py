"""The bank's files, what settles what, and the taking back of it, as an issuer's program does it."""

from __future__ import annotations

from typing import TypeVar

from flask import request

from agreements import store as agreement_store
from billing.payment import run as payments
from billing.payment import store as payment_store
from billing.payment.facts import How, Match, Matching, Proposal
from portal.access.issuer_scope import issuers_match
from portal.access.keys import Caller
from portal.api.bodies import FILE_NAME, Each, needed, sent, sent_file
from portal.api.described import (
    DAY,
    EXAMPLES,
    MUNICIPALITY,
    OERE,
    PLAIN,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    named,
    several,
    some,
    whole,
    words,
)
from portal.api.documents import said_receipt
from portal.api.doors import (
    AFTER,
    LIMIT,
    NUMBER,
    Json,
    Made,
    Parameter,
    cursor,
    limit,
    occasion,
    operation,
    path_number,
)
from portal.api.problems import PREFIX, BodyWrong, ParameterWrong
from portal.api.schemas import PAYMENT_EXAMPLE
from portal.pages import connection

Key = TypeVar("Key", int, str)
BANK_FILES = ("application/xml", "text/csv", "text/plain")
ACCOUNT = Parameter(
    "account",
    "Of which account a CSV file is, where it does not say so.",
    {"type": "string", "maxLength": 60, "pattern": "^[0-9A-Za-z -]{1,60}$"},
    "00000000000000",
)

_PIECE = whole(number=TEXT, agreement=TEXT, accounting_year=WHOLE, amount_oere=OERE)
describe(
    "PaymentLoad",
    whole(
        file_format=TEXT,
        new=several(named("Payment")),
        known=WHOLE,
        left_out=WHOLE,
        alike=several(WHOLE),
    ),
    {"file_format": "camt.053", "new": [PAYMENT_EXAMPLE], "known": 0, "left_out": 0, "alike": []},
)
describe(
    "Proposal",
    whole(
        payment=WHOLE,
        payer=MUNICIPALITY,
        documents=several(whole(number=TEXT, amount_oere=OERE)),
        score=WHOLE,
        certain={"type": "boolean"},
        reasons=several(TEXT),
    ),
    {
        "payment": 7,
        "payer": "420",
        "documents": [{"number": "F2008-0001", "amount_oere": 19420282}],
        "score": 100,
        "certain": True,
        "reasons": ["betalings-id"],
    },
)
describe_page("ProposalPage", "Proposal")
describe(
    "Match",
    whole(
        number=WHOLE,
        payer=maybe(MUNICIPALITY),
        matched_on=DAY,
        effective_on=DAY,
        how=words(How),
        explanation=TEXT,
        actor=TEXT,
        payments=several(whole(payment=WHOLE, amount_oere=OERE)),
        documents=several(_PIECE),
        undoes=maybe(WHOLE),
        undone_by=maybe(WHOLE),
    ),
    {
        "number": 3,
        "payer": "420",
        "matched_on": "2009-01-14",
        "effective_on": "2009-01-14",
        "how": "automatic",
        "explanation": "betalings-id",
        "actor": "anna@eksempel.dk",
        "payments": [{"payment": 7, "amount_oere": 19420282}],
        "documents": [
            {"number": "F2008-0001", "agreement": "fyn-alkohol", "accounting_year": 2009, "amount_oere": 19420282}
        ],
        "undoes": None,
        "undone_by": None,
    },
)
describe_page("MatchPage", "Match")
describe(
    "Matching",
    whole(made=several(named("Match")), suggested=several(named("Proposal")), left=several(named("Payment"))),
    {"made": [EXAMPLES["Match"]], "suggested": [EXAMPLES["Proposal"]], "left": []},
)
describe(
    "MatchWish",
    some(
        payments=maybe(several({**some(payment=WHOLE, amount_oere=maybe(OERE)), "required": ["payment"]})),
        documents=maybe(several({**some(number=TEXT, amount_oere=maybe(OERE)), "required": ["number"]})),
        note=maybe(PLAIN),
    ),
    {"payments": [{"payment": 7}], "documents": [{"number": "F2008-0001"}], "note": "efter aftale med Assens"},
)
describe("Undoing", {**some(reason=PLAIN), "required": ["reason"]}, {"reason": "Betalingen var for februar"})


def said_match(value: Match) -> Json:
    """What settled what."""
    return {
        "number": value.number,
        "payer": value.payer,
        "matched_on": value.matched_on.isoformat(),
        "effective_on": value.effective_on.isoformat(),
        "how": value.how.value,
        "explanation": value.explanation,
        "actor": value.actor,
        "payments": [{"payment": number, "amount_oere": amount} for number, amount in sorted(value.receipts.items())],
        "documents": [
            {
                "number": part.number,
                "agreement": part.agreement,
                "accounting_year": part.accounting_year,
                "amount_oere": part.amount_oere,
            }
            for part in value.documents
        ],
        "undoes": value.undoes,
        "undone_by": value.undone_by,
    }


def said_proposal(value: Proposal) -> Json:
    """What a payment may settle."""
    return {
        "payment": value.receipt,
        "payer": value.payer,
        "documents": [{"number": number, "amount_oere": amount} for number, amount in value.applications.items()],
        "score": value.score,
        "certain": value.certain,
        "reasons": list(value.reasons),
    }


def said_matching(value: Matching) -> Json:
    """What came of settling all that nothing speaks against."""
    return {
        "made": [said_match(each) for each in value.made],
        "suggested": [said_proposal(each) for found in value.suggested.values() for each in found],
        "left": [said_receipt(each) for each in value.left],
    }


@operation(
    "POST",
    "/payments",
    scope="payments:load",
    tag="Payments",
    answer="PaymentLoad",
    query=(FILE_NAME, ACCOUNT),
    conflicts=True,
    files=BANK_FILES,
)
def load_payments(caller: Caller) -> Made:
    """Keep what is new in a file of the bank's, camt.053 or CSV.

    Loading it again adds nothing. `alike` are new ones that have day and amount in common with one of an earlier
    file.
    """
    name, content = sent_file("kontoudtog", *BANK_FILES)
    account = request.args.get("account", "")
    if not account.replace(" ", "").replace("-", "").isalnum() and account:
        raise ParameterWrong(name="account", expected="Et kontonummer med bogstaver, tal, mellemrum og -")
    load = payments.load_receipts(connection(), name, content, caller.place, occasion(), account=account)
    return Made(
        {
            "file_format": load.file_format,
            "new": [said_receipt(each) for each in load.new],
            "known": load.known,
            "left_out": load.left_out,
            "alike": list(load.alike),
        }
    )


@operation(
    "GET",
    "/payments/suggestions",
    scope="payments:read",
    tag="Payments",
    answer="ProposalPage",
)
def list_suggestions(caller: Caller) -> Json:
    """List what each payment that is left may settle, best first.

    Empty for a municipality that bills nobody.
    """
    if not agreement_store.agreement_codes(connection(), caller.place):
        return {"items": [], "next": None}
    found = payments.match_receipts(connection(), caller.place, occasion(), preview=True)
    own = [
        *(each for proposals in found.suggested.values() for each in proposals),
        *_certain(found),
    ]
    return {
        "items": [said_proposal(each) for each in sorted(own, key=lambda one: (one.receipt, -one.score))],
        "next": None,
    }


def _certain(found: Matching) -> list[Proposal]:
    """What would be settled of itself, as proposals."""
    certain = []
    for match in found.made:
        told: dict[str, int] = {}
        for part in match.documents:
            told[part.number] = told.get(part.number, 0) + part.amount_oere
        certain += [
            Proposal(receipt, match.payer or "", told, 100, (match.explanation,), certain=True)
            for receipt in match.receipts
            if match.payer
        ]
    return certain


@operation(
    "POST",
    "/payments/match",
    scope="payments:match",
    tag="Payments",
    answer="Matching",
    body="Nothing",
    conflicts=True,
)
def match_payments(caller: Caller) -> Made:
    """Settle what nothing speaks against, and suggest the rest."""
    sent()
    return Made(said_matching(payments.match_receipts(connection(), caller.place, occasion())))


@operation("GET", "/matches", scope="payments:read", tag="Payments", answer="MatchPage", query=(LIMIT, AFTER))
def list_matches(caller: Caller) -> Json:
    """List what settled what, the newest first."""
    after, size = cursor(r"[1-9][0-9]{0,14}"), limit()
    found = payment_store.match_numbers(connection(), caller.place, size + 1, before=int(after) if after else None)
    shown = payment_store.matches(connection(), caller.place, numbers=found[:size])[::-1] if found else []
    return {
        "items": [said_match(each) for each in shown],
        "next": str(shown[-1].number) if len(found) > len(shown) else None,
    }


@operation("GET", "/matches/<number>", scope="payments:read", tag="Payments", answer="Match")
def get_match(caller: Caller, number: str) -> Json:
    """Read what settled what."""
    return said_match(issuers_match(connection(), caller.place, path_number(number)))


@operation(
    "POST",
    "/matches",
    scope="payments:match",
    tag="Payments",
    answer="Match",
    body="MatchWish",
    status=201,
    conflicts=True,
)
def make_match(caller: Caller) -> Made:
    """Settle documents with a payment, documents with each other, or a payment with its reversal.

    Each as far as it goes, the first first, or the øre that are named, without a sign.
    """
    wish = sent(
        payments=Each({"payment": int, "amount_oere": int}),
        documents=Each({"number": str, "amount_oere": int}),
        note=str,
    )
    receipts: dict[int, int | None] = {}
    for each in wish.get("payments", []):
        (receipt,) = needed(each, "payment")
        _once(receipts, receipt, each.get("amount_oere"))
    documents: dict[str, int | None] = {}
    for each in wish.get("documents", []):
        (number,) = needed(each, "number")
        if not NUMBER.fullmatch(number):
            raise BodyWrong(problem="number er ikke et bilagsnummer som F2009-0001")
        _once(documents, number, each.get("amount_oere"))
    if any(receipt < 1 for receipt in receipts):
        raise BodyWrong(problem="payment er ikke et nummer")
    made = payments.match_by_hand(
        connection(), caller.place, receipts, documents, occasion(), note=wish.get("note", "")
    )
    return Made(said_match(made), f"{PREFIX}/matches/{made.number}")


def _once(taken: dict[Key, int | None], key: Key, amount: int | None) -> None:
    if key in taken:
        raise BodyWrong(problem=f"{key} er nævnt to gange")
    if amount is not None and amount <= 0:
        raise BodyWrong(problem="amount_oere er ikke et beløb over 0 uden fortegn")
    taken[key] = amount


@operation(
    "POST",
    "/matches/<number>/undo",
    scope="payments:match",
    tag="Payments",
    answer="Match",
    body="Undoing",
    conflicts=True,
)
def undo_match(caller: Caller, number: str) -> Made:
    """Take a match back by a counter entry, with the reason; answers the counter entry."""
    known = issuers_match(connection(), caller.place, path_number(number)).number
    (reason,) = needed(sent(reason=str), "reason")
    return Made(said_match(payments.undo_match(connection(), known, occasion(), reason=reason)))
