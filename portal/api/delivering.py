"""Sending documents again, trying anew what failed, and receipts, as an issuer's program does it."""

from __future__ import annotations

from exports.delivery import run as deliveries
from exports.delivery.receipt_file import read_receipts
from portal.access.issuer_scope import require_own_deliveries
from portal.access.keys import Caller
from portal.access.scope import issued_document
from portal.api.bodies import FILE_NAME, needed, sent, sent_file
from portal.api.described import TEXT, WHOLE, describe, several, some, whole
from portal.api.doors import NUMBER, Made, occasion, operation
from portal.api.problems import BodyWrong
from portal.pages import connection

RECEIPT_FILES = ("text/csv", "application/json", "text/plain")
MOST_AT_ONCE = 500
NUMBERS = {"type": "array", "items": {"type": "string", "pattern": f"^{NUMBER.pattern}$"}, "minItems": 1}
IDS = {"type": "array", "items": {"type": "string", "maxLength": 100}, "minItems": 1}

describe("SendWish", {**some(numbers=NUMBERS), "required": ["numbers"]}, {"numbers": ["F2008-0001"]})
describe("RetryWish", {**some(ids=IDS), "required": ["ids"]}, {"ids": ["document/461/F2008-0001"]})
describe("Queued", whole(ids=several(TEXT)), {"ids": ["document/461/F2008-0001"]})
describe("ReceiptsKept", whole(new=WHOLE, known=WHOLE), {"new": 3, "known": 0})


@operation(
    "POST",
    "/deliveries",
    scope="deliveries:send",
    tag="Deliveries",
    answer="Queued",
    body="SendWish",
    conflicts=True,
)
def send_documents(caller: Caller) -> Made:
    """Have documents sent, or sent again, by the channels that are set up: with the same id each time.

    They are put into the queue, which the clock works off; `GET /deliveries` tells what became of them.
    """
    (numbers,) = needed(sent(numbers=list), "numbers")
    if not numbers or not all(NUMBER.fullmatch(number) for number in numbers):
        raise BodyWrong(problem="numbers er ikke bilagsnumre som F2009-0001")
    documents = [issued_document(connection(), caller.place, number) for number in dict.fromkeys(numbers)]
    return Made({"ids": deliveries.put_again(connection(), documents, occasion())})


@operation(
    "POST",
    "/deliveries/retry",
    scope="deliveries:send",
    tag="Deliveries",
    answer="Queued",
    body="RetryWish",
    conflicts=True,
)
def retry_deliveries(caller: Caller) -> Made:
    """Try anew what failed, was given up or was rejected."""
    (ids,) = needed(sent(ids=list), "ids")
    if not ids:
        raise BodyWrong(problem="ids er tom")
    require_own_deliveries(connection(), caller.place, ids)
    done = deliveries.retry(connection(), list(dict.fromkeys(ids)), occasion())
    return Made({"ids": sorted({each.key for each in done})})


@operation(
    "POST",
    "/deliveries/receipts",
    scope="deliveries:send",
    tag="Deliveries",
    answer="ReceiptsKept",
    query=(FILE_NAME,),
    conflicts=True,
    files=RECEIPT_FILES,
)
def keep_receipts(caller: Caller) -> Made:
    """Keep receipts of the municipality's own deliveries, all of the file or nothing.

    CSV (`id;tilstand;årsag`) or JSON (`[{"id": …, "state": "accepted" or "rejected", "reason": …}]`).
    """
    name, content = sent_file("kvitteringer", *RECEIPT_FILES)
    receipts = read_receipts(name, content)
    require_own_deliveries(connection(), caller.place, {each.key for each in receipts})
    new = deliveries.record_receipts(connection(), name, receipts, occasion())
    return Made({"new": new, "known": len(receipts) - new})
