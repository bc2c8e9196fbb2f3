"""What cannot become a valid e-invoice is refused before issue, with the official rule's id; on both databases."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection, event

from agreements import run as agreements
from agreements import trading_run
from billing.annual_subscription.facts import Correction
from billing.invoice import run as invoices
from billing.invoice.facts import DocumentDraft
from billing.invoice.missing import NotFitToIssue, missing_details, refused
from billing.monthly_aconto import run as months
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation.audit import Occasion
from foundation.period import Month
from tests.billing.runs.conftest import AEROE, FUNEN, NINE, ODENSE, SVENDBORG, Life

POSTGRESQL_IN_SOAK = True

ASSENS = "420"
JANUARY, FEBRUARY = Month(2009, 1), Month(2009, 2)
DAY = date(2008, 12, 15)
ENTERED = date(2008, 6, 2)
# GS1 keeps numbers that begin with 2 for use within a company, so this is nobody's GLN, and its check digit
# is wrong.
WRONG_GLN = "2000000004205"
ISSUER = {"vat_number": "DK35209115", "means": "42", "registration_number": "0000", "account_number": "0000000001"}
BUYER = {"endpoint": "cvr", "buyer_reference": "Sundhed"}


def enter(
    life: Life,
    issuer: Mapping[str, str] = ISSUER,
    buyers: Mapping[str, Mapping[str, str]] | None = None,
    day: date = ENTERED,
) -> None:
    """The issuer's details, and those of every payer but where the test says otherwise."""
    chosen = {code: BUYER for code in NINE if code != ODENSE} | dict(buyers or {})

    def verb(connection: Connection, occasion: Occasion) -> None:
        if issuer:
            trading_run.set_issuer(connection, ODENSE, issuer, occasion)
        for code, values in chosen.items():
            if values:
                trading_run.set_buyer(connection, FUNEN, code, values, occasion)

    life.do(verb, day)


def drafts_of(connection: Connection, month: Month = JANUARY) -> tuple[DocumentDraft, ...]:
    return months.plan_month(connection, FUNEN, month, DAY).drafts


def issued_with(life: Life, change: Callable[[DocumentDraft], DocumentDraft]) -> dict[str, list[str]]:
    """Issue January with Assens's draft changed: municipality -> the rules by which it was left out."""

    def verb(connection: Connection, occasion: Occasion) -> dict[str, list[str]]:
        plan = months.plan_month(connection, FUNEN, JANUARY, DAY)
        drafts = [change(draft) if draft.subscriber.municipality == ASSENS else draft for draft in plan.drafts]
        agreed = {FUNEN: agreements.get(connection, FUNEN, lock=True)}
        (outcome,) = months.issue_plans(connection, [replace(plan, drafts=tuple(drafts))], agreed, occasion)
        assert len(outcome.issued) + len(outcome.failed) == len(drafts)
        found: dict[str, list[str]] = {}
        for failure in outcome.failed:
            assert isinstance(failure.error, NotFitToIssue)
            found[failure.municipality] = [each.rule for each in failure.error.findings]
            for rule in found[failure.municipality]:
                assert f"{rule}: " in failure.error.text()
        return found

    return life.do(verb, DAY)


def same(draft: DocumentDraft) -> DocumentDraft:
    return draft


def lines_with(**changes: str) -> Callable[[DocumentDraft], DocumentDraft]:
    return lambda draft: replace(draft, lines=tuple(replace(line, **changes) for line in draft.lines))  # type: ignore[arg-type]


def subscriber_with(**changes: str) -> Callable[[DocumentDraft], DocumentDraft]:
    return lambda draft: replace(draft, subscriber=replace(draft.subscriber, **changes))


def without(field: str) -> dict[str, str]:
    return {name: text for name, text in ISSUER.items() if name != field}


NOBODY: dict[str, Mapping[str, str]] = {code: {} for code in NINE}
EVERYBODY = [code for code in NINE if code != ODENSE]
NO_PAYMENT = {"vat_number": "DK35209115"}
ONLY_ASSENS = [ASSENS]

# Rule, what the issuer entered, what Assens wants named, how its draft is changed, who is left out.
Case = tuple[str, Mapping[str, str], Mapping[str, str], Callable[[DocumentDraft], DocumentDraft], list[str]]
BROKEN: list[Case] = [
    ("PEPPOL-EN16931-R003", ISSUER, {"endpoint": "cvr"}, same, ONLY_ASSENS),
    ("PEPPOL-EN16931-R010", ISSUER, {"buyer_reference": "Sundhed"}, same, ONLY_ASSENS),
    ("PEPPOL-COMMON-R040", ISSUER, {"buyer_reference": "x"}, subscriber_with(gln=WRONG_GLN), ONLY_ASSENS),
    ("PEPPOL-COMMON-R042", ISSUER, BUYER, subscriber_with(cvr="DK291896"), ONLY_ASSENS),
    ("DK-R-005", NO_PAYMENT, BUYER, same, EVERYBODY),
    ("BR-E-02", without("vat_number"), BUYER, same, EVERYBODY),
    ("BR-CO-04", ISSUER, BUYER, lines_with(service="ukendt", vat_exemption=""), ONLY_ASSENS),
]


@pytest.mark.parametrize(("rule", "issuer", "buyer", "change", "left_out"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_rule_broken_once_is_refused_before_issue(  # noqa: PLR0917 - a case
    priced: Life,
    rule: str,
    issuer: Mapping[str, str],
    buyer: Mapping[str, str],
    change: Callable[[DocumentDraft], DocumentDraft],
    left_out: list[str],
) -> None:
    enter(priced, issuer, {ASSENS: buyer})
    assert issued_with(priced, change) == {code: [rule] for code in left_out}
    documents = priced.documents()
    assert sorted({each.subscriber.municipality for each in documents}) == sorted(set(NINE) - set(left_out))
    # Numbers are without a gap, whoever was left out.
    assert [each.number for each in documents] == [f"F2008-{n:04d}" for n in range(1, len(documents) + 1)]


def test_outside_and_exempt_in_one_document(priced: Life) -> None:
    """One line of a service that is entered as outside scope, beside one that is exempt: BR-O-11."""
    enter(priced)

    def outside(connection: Connection, occasion: Occasion) -> None:
        trading_run.set_service(connection, FUNEN, "", {"vat_code": "VATEX-EU-O", "vat_reason": "Uden for"}, occasion)

    priced.do(outside, ENTERED)

    def first_without_service(draft: DocumentDraft) -> DocumentDraft:
        first, *others = draft.lines
        return replace(draft, lines=(replace(first, service=""), *others))

    assert issued_with(priced, first_without_service) == {ASSENS: ["BR-O-11"]}


def test_a_credit_note_without_an_invoice_before_it(priced: Life) -> None:
    """A first month that pays out has nothing to refer to: BR-55. After an invoice it has."""
    enter(priced)

    def turned(draft: DocumentDraft) -> DocumentDraft:
        return replace(
            draft,
            lines=tuple(replace(line, amount_oere=-line.amount_oere) for line in draft.lines),
            postings=tuple(replace(each, amount_oere=-each.amount_oere) for each in draft.postings),
        )

    def verb(connection: Connection, _occasion: Occasion) -> list[list[str]]:
        drafts = drafts_of(connection)
        alone = missing_details(connection, [turned(drafts[0])], DAY)
        after = missing_details(connection, [drafts[0], turned(drafts[0])], DAY)
        return [[each.rule for each in findings] for findings in (*alone, *after)]

    assert priced.do(verb, DAY) == [["BR-55"], [], []]
    priced.issue(JANUARY, DAY)

    def later(connection: Connection, _occasion: Occasion) -> object:
        return missing_details(connection, [turned(drafts_of(connection, FEBRUARY)[0])], DAY)

    assert priced.do(later, DAY) == [()]


def test_a_payer_that_is_left_out_is_billed_by_the_next_run(priced: Life) -> None:
    enter(priced, buyers={AEROE: {}})
    plan = priced.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), DAY)
    assert [each.rule for each in plan.missing] == ["PEPPOL-EN16931-R003", "PEPPOL-EN16931-R010"]
    priced.do(lambda connection, occasion: runs.approve_run(connection, plan.number, occasion), DAY)
    done = priced.do(lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), DAY)
    (month,) = done.months
    assert [failure.municipality for failure in month.failed] == [AEROE]
    assert len(month.issued) == 8
    # Nothing is new until the details are there; then exactly the one that was left out.
    before = len(priced.documents())
    assert priced.issue(JANUARY, DAY).issued == ()
    enter(priced, {}, NOBODY | {AEROE: BUYER}, day=date(2008, 12, 16))
    again = priced.issue(JANUARY, date(2008, 12, 16))
    assert [each.subscriber.municipality for each in again.issued] == [AEROE]
    assert len(priced.documents()) == before + 1
    assert priced.issue(JANUARY, date(2008, 12, 16)).issued == ()


def test_an_issuer_without_details_bills_as_ever(priced: Life) -> None:
    enter(priced, issuer={}, buyers=NOBODY)
    month = priced.issue(JANUARY, DAY)
    assert (len(month.issued), month.failed) == (9, ())


def test_an_issuer_may_issue_all_the_same(priced: Life) -> None:
    enter(priced, {**NO_PAYMENT, "unfit": "warned"}, NOBODY)
    month = priced.issue(JANUARY, DAY)
    assert (len(month.issued), month.failed) == (9, ())
    enter(priced, {"unfit": "refused"}, NOBODY)
    month = priced.issue(FEBRUARY, DAY)
    # Its own share is an internal voucher, which is never sent.
    assert [each.subscriber.municipality for each in month.issued] == [ODENSE]
    assert len(month.failed) == 8


def test_a_shared_document_is_left_out_whole(priced: Life) -> None:
    """What was not billed is told of every agreement on the document."""
    enter(priced, buyers={SVENDBORG: {}})

    def verb(connection: Connection, occasion: Occasion) -> object:
        drafts = [each for each in drafts_of(connection) if each.subscriber.municipality == SVENDBORG]
        (failure,) = invoices.issue_documents(connection, drafts, occasion.as_of).failed
        return [(key.agreement, key.municipality) for key in failure.claims]

    assert priced.do(verb, DAY) == [(FUNEN, SVENDBORG)]


def test_judging_asks_no_question_per_payer(priced: Life) -> None:
    """The same number of statements for one payer as for nine, and one more than without any details."""

    def statements(drafts: int) -> int:
        asked: list[str] = []

        def count(*arguments: object) -> None:
            asked.append(str(arguments[2]))

        with priced.database.transaction() as connection:
            some = drafts_of(connection)[:drafts]
            event.listen(connection, "before_cursor_execute", count)
            refused(connection, some, DAY)
            event.remove(connection, "before_cursor_execute", count)
        return len(asked)

    assert statements(9) == 1
    enter(priced)
    assert statements(1) == statements(9) <= 6


def test_a_refusal_can_cross_processes(priced: Life) -> None:
    enter(priced, buyers={ASSENS: {}})
    with priced.database.transaction() as connection:
        (failure,) = months.issue_month(connection, FUNEN, JANUARY, priced.occasion(DAY)).failed
    again = pickle.loads(pickle.dumps(failure.error))  # noqa: S301 - made a moment ago
    assert again.text() == failure.error.text()
    assert "{" not in again.text()


def test_a_month_billed_anew_is_corrected_whole_or_not_at_all(priced: Life) -> None:
    """What takes the old document back is not written where the new one cannot be."""
    priced.issue(JANUARY, DAY)
    priced.budget(2009, {ODENSE: 1_800_000_000, SVENDBORG: 600_000_000}, date(2009, 1, 5))
    priced.calculate(2009, date(2009, 1, 5), Correction.REINVOICE)
    enter(priced, buyers=NOBODY, day=date(2009, 1, 5))
    error = priced.refused(
        NotFitToIssue,
        lambda connection, occasion: months.reinvoice_year(connection, FUNEN, 2009, occasion),
        date(2009, 1, 6),
    )
    assert "PEPPOL-EN16931-R010" in str(error)
    enter(priced, {}, day=date(2009, 1, 6))
    assert len(priced.reinvoice(2009, date(2009, 1, 6))) == 9
