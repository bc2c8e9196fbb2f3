"""What is in force for a document, how VAT stands, how a document is paid; by hand and by identities."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from agreements.trading import (
    Addressed,
    BuyerDetails,
    EndpointKind,
    IssuerDetails,
    PaymentDetails,
    ServiceDetails,
    TradingBook,
    VatCategory,
    fik_digits,
    in_force,
    is_iban,
    is_vat_number,
    missing_in,
    payment_of,
    treatment_by_code,
    treatment_of,
)
from agreements.trading_values import ISSUER_FIELDS, payment_problem, problem_with, tidied

DAY = date(2009, 1, 15)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
NIL = dict.fromkeys(ISSUER_FIELDS, "")


def test_what_stood_on_the_day_stands() -> None:
    said = [(BEFORE, BuyerDetails(buyer_reference="før")), (AFTER, BuyerDetails(buyer_reference="efter"))]
    assert in_force(said, DAY) == BuyerDetails(buyer_reference="før")
    assert in_force(said, AFTER) == BuyerDetails(buyer_reference="efter")


def test_what_was_empty_is_what_was_entered_first_afterwards() -> None:
    said = [
        (BEFORE, BuyerDetails(buyer_reference="før")),
        (AFTER, BuyerDetails(buyer_reference="efter", order_reference="1")),
        (AFTER, BuyerDetails(buyer_reference="efter", order_reference="2", accounting_cost="3")),
    ]
    assert in_force(said, DAY) == BuyerDetails(buyer_reference="før", order_reference="1", accounting_cost="3")


def test_nothing_entered_is_nothing() -> None:
    assert in_force([], DAY) is None
    assert in_force([(AFTER, ServiceDetails(own_account="1"))], DAY) == ServiceDetails(own_account="1")


buyers = st.builds(BuyerDetails, *(st.none(), *(st.sampled_from(["", "a", "b"]) for _ in range(3))))


@given(st.lists(st.tuples(st.integers(-5, 5), buyers), max_size=6), buyers, st.integers(6, 9))
def test_a_later_entry_never_changes_what_was_said(
    entered: list[tuple[int, BuyerDetails]],
    later: BuyerDetails,
    days: int,
) -> None:
    said = [(DAY + timedelta(days=offset), details) for offset, details in sorted(entered, key=lambda each: each[0])]
    first = in_force(said, DAY)
    then = in_force([*said, (DAY + timedelta(days=days), later)], DAY)
    for each in fields(BuyerDetails):
        before = getattr(first, each.name) if first else None
        if before:
            assert getattr(then, each.name) == before


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("Momsloven § 13, stk. 1, nr. 1", "VATEX-EU-132-1B"),
        ("momslovens §13 stk. 1 nr 1", "VATEX-EU-132-1B"),
        ("Momsloven § 13, stk. 1, nr. 2", "VATEX-EU-132-1G"),
        ("Momsloven § 13, stk. 1, nr. 3", None),
        ("Momsloven § 13, stk. 1, nr. 11", None),
        ("Momsloven § 3", None),
        ("fritaget", None),
        ("", None),
    ],
)
def test_the_clause_says_how_vat_stands(clause: str, code: str | None) -> None:
    found = treatment_of(clause)
    assert (found and found.code) == code
    if found is not None:
        assert (found.category, found.reason) == (VatCategory.EXEMPT, clause)


def test_an_officers_choice_goes_before_the_clause() -> None:
    chosen = treatment_by_code("VATEX-EU-O", "Myndighedsopgave")
    book = TradingBook(
        services={("a", "x"): [(BEFORE, ServiceDetails(vat=chosen))]},
        clauses={"a": {"x": "Momsloven § 13, stk. 1, nr. 1"}},
    )
    assert book.treatment("a", "x", DAY) == chosen
    assert chosen.category is VatCategory.OUTSIDE


def test_a_line_without_a_service_follows_the_services_that_are_alike() -> None:
    health, social = "Momsloven § 13, stk. 1, nr. 1", "Momsloven § 13, stk. 1, nr. 2"
    alike = TradingBook(clauses={"a": {"x": health, "y": health}, "b": {"z": social}})
    assert alike.treatment("a", "", DAY) == treatment_of(health)
    unlike = TradingBook(clauses={"a": {"x": health, "y": social}})
    assert unlike.treatment("a", "", DAY) is None
    said = TradingBook(
        services={("a", ""): [(BEFORE, ServiceDetails(vat=treatment_of(social)))]},
        clauses=unlike.clauses,
    )
    assert said.treatment("a", "", DAY) == treatment_of(social)


def test_fik_digits_by_hand() -> None:
    """F2009-0001 is 00000020090001 with a check digit by modulus 10.

    The digits from the right are 1,0,0,0,9,0,0,2 and zeros; those in the odd places are doubled: 1->2, 0, 9->18->9,
    0; the others stand: 0, 0, 0, 2. 2 + 0 + 0 + 0 + 9 + 0 + 0 + 2 = 13, so the check digit is 7.
    """
    assert fik_digits("F2009-0001", 15) == "000000200900017"


@given(st.integers(2007, 2090), st.integers(1, 99_999), st.sampled_from([15, 16]))
def test_fik_digits_pass_another_librarys_check(year: int, sequence: int, length: int) -> None:
    digits = fik_digits(f"F{year:04d}-{sequence:04d}", length)
    assert len(digits) == length
    assert luhn.is_valid(digits)


def test_payment_of_each_kind() -> None:
    number = "F2009-0001"
    account = payment_of(PaymentDetails("42", registration_number="1234", account_number="0123456789"), number)
    assert (account.payment_id, account.account, account.branch) == (number, "0123456789", "1234")
    fik = payment_of(PaymentDetails("93", fik_card="71", creditor_number="12345678"), number)
    assert (fik.payment_id, fik.account) == ("71#000000200900017", "12345678")
    assert payment_of(PaymentDetails("93", fik_card="73", creditor_number="12345678"), number).payment_id == "73#"
    assert payment_of(PaymentDetails("97"), number).account == ""


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("DK5000400440116243", True),
        ("GB82WEST12345698765432", True),
        ("DK5000400440116244", False),
        ("DK50", False),
        ("", False),
        ("dk5000400440116243", False),
    ],
)
def test_iban(text: str, right: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_iban(text) is right


def test_vat_number() -> None:
    assert is_vat_number("DK35209115")
    assert not is_vat_number("35209115")
    assert not is_vat_number("DK35209116")
    assert not is_vat_number("DK3520911")


def addressed(**changes: object) -> Addressed:
    known: dict[str, object] = {
        "issuer": "461",
        "issuer_name": "Odense Kommune",
        "issuer_cvr": "35209115",
        "issuer_gln": "",
        "subscriber": "420",
        "subscriber_name": "Assens Kommune",
        "subscriber_cvr": "29189692",
        "subscriber_gln": "2000000004204",
        "lines": (("a", "x", "Momsloven § 13, stk. 1, nr. 1"),),
    }
    return Addressed(**(known | changes))  # type: ignore[arg-type]


WHOLE = TradingBook(
    issuers={"461": [(BEFORE, IssuerDetails(vat_number="DK35209115", payment=PaymentDetails("97")))]},
    buyers={("a", "420"): [(BEFORE, BuyerDetails(buyer_reference="x"))]},
)


def rules(document: Addressed, book: TradingBook) -> list[str]:
    return [found.rule for found in missing_in([document], book, DAY)[0]]


def test_what_is_whole_lacks_nothing() -> None:
    assert rules(addressed(), WHOLE) == []


def test_an_issuer_that_was_never_set_up_is_told_everything() -> None:
    assert rules(addressed(), TradingBook()) == ["DK-R-005", "PEPPOL-EN16931-R003", "BR-E-02"]
    assert rules(addressed(is_credit=True), TradingBook()) == ["PEPPOL-EN16931-R003", "BR-E-02"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (addressed(subscriber_gln=""), ["PEPPOL-EN16931-R010"]),
        (addressed(subscriber_gln="2000000004205"), ["PEPPOL-COMMON-R040"]),
        (addressed(issuer_cvr=""), ["PEPPOL-EN16931-R020", "DK-R-002"]),
        (addressed(issuer_cvr="3520911"), ["PEPPOL-COMMON-R042"]),
        (addressed(lines=(("a", "x", ""),)), ["BR-CO-04"]),
        (addressed(subscriber="430"), ["PEPPOL-EN16931-R003"]),
    ],
)
def test_what_is_missing_is_told_with_its_rule(document: Addressed, expected: list[str]) -> None:
    assert rules(document, WHOLE) == expected
    assert all("{" not in found.text() for found in missing_in([document], WHOLE, DAY)[0])


def test_a_cvr_number_is_an_address_only_where_it_was_chosen() -> None:
    by_cvr = TradingBook(
        issuers=WHOLE.issuers,
        buyers={("a", "420"): [(BEFORE, BuyerDetails(endpoint=EndpointKind.CVR, buyer_reference="x"))]},
    )
    assert rules(addressed(subscriber_gln=""), by_cvr) == []


@pytest.mark.parametrize(
    ("field", "text", "right"),
    [
        ("gln", "2000000004204", True),
        ("gln", "2000000004205", False),
        ("means", "42", True),
        ("means", "30", False),
        ("registration_number", "123", False),
        ("account_number", "12345678901", False),
        ("creditor_number", "1234567", False),
        ("mail", "regnskab@eksempel.invalid", True),
        ("mail", "regnskab", False),
        ("vat_code", "VATEX-EU-132-1H", True),
        ("vat_code", "VATEX-EU-132-1A", False),
        ("buyer_reference", "x" * 201, False),
        ("buyer_reference", "a\x00b", False),
        ("buyer_reference", "", True),
    ],
)
def test_texts_are_checked(field: str, text: str, right: bool) -> None:  # noqa: FBT001 - what is expected
    assert (problem_with(field, text) == "") is right


def test_numbers_are_kept_without_the_spaces_that_people_write() -> None:
    assert tidied("iban", "dk50 0040 0440 1162 43") == "DK5000400440116243"
    assert tidied("buyer_reference", "  Sundhed  og   Ældre ") == "Sundhed og Ældre"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"means": "42", "registration_number": "1234"}, "DK-R-006"),
        ({"means": "42", "registration_number": "1234", "account_number": "1"}, ""),
        ({"means": "58"}, "BR-61"),
        ({"means": "93", "fik_card": "71"}, "DK-R-010"),
        ({"means": "93", "fik_card": "71", "creditor_number": "12345678"}, ""),
        ({"means": "97"}, ""),
        ({}, ""),
    ],
)
def test_a_payment_is_entered_whole(values: dict[str, str], rule: str) -> None:
    assert payment_problem(NIL | values).partition(":")[0] == rule
