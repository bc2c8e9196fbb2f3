"""Cases in the stores of both databases: billed and corrected, twice, at once, tampered with."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agreements import run as agreements
from agreements.case_terms import CasePrice
from billing.invoice import run as invoices
from billing.invoice.rules import CannotBeCredited
from billing.single_case import run as cases
from billing.single_case.facts import Case, CaseIssue
from billing.single_case.run import CaseCorrection, CasePlanHasEnded
from billing.verify import verify
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import MellemregningError

POSTGRESQL_IN_SOAK = True

FILE = Path(__file__).parents[2] / "scenarios" / "files" / "sager.toml"
CODE = "horsens-odder-sager"
HALFWAY = 36_400


def occasion(day: date) -> Occasion:
    return Occasion(day, "prøven", datetime(2026, 1, 2, tzinfo=UTC))


def faults(database: Database, day: date) -> dict[str, str]:
    with database.reading() as connection:
        return {check.name: check.detail for check in verify(connection, day) if not check.ok}


@pytest.fixture
def books(database: Database) -> Database:
    with database.transaction() as connection:
        agreements.load_agreement(connection, "sager.toml", FILE.read_bytes(), occasion(date(2009, 1, 1)))
    return database


def a_stay(connection: Connection, admitted: date, service: str = "halfway-huset") -> Case:
    case = cases.open_case(connection, CODE, service, "727", occasion(admitted))
    cases.approve_case(connection, case.number, admitted, occasion(admitted))
    return cases.admit(connection, case.number, admitted, occasion(admitted))


def bill(connection: Connection, day: date) -> CaseIssue:
    plan = cases.plan_cases(connection, CODE, occasion(day))
    cases.approve_plan(connection, plan.number, occasion(day))
    return cases.issue_cases(connection, plan.number, occasion(day))


def test_billed_corrected_and_cleared(books: Database) -> None:
    with books.transaction() as connection:
        case = a_stay(connection, date(2009, 1, 5))
        assert [document.amount_oere for document in bill(connection, date(2009, 2, 2)).issued] == [27 * HALFWAY]
        cases.set_price(
            connection, CODE, CasePrice("halfway-huset", date(2009, 1, 5), 40_000), occasion(date(2009, 2, 3))
        )
        cases.correct_case(
            connection, case.number, CaseCorrection(date(2009, 1, 10), date(2009, 2, 4)), occasion(date(2009, 2, 20))
        )
    with books.transaction() as connection:
        (february,) = bill(connection, date(2009, 3, 2)).issued
        # 27 days at 364 kr. are taken back; 22 days of January and 3 of February cost 400 kr. each.
        assert february.amount_oere == -27 * HALFWAY + 22 * 40_000 + 3 * 40_000
        posted = connection.execute(text("SELECT account, SUM(amount_oere) FROM posting GROUP BY account")).all()
    assert {str(account): int(amount) for account, amount in posted} == {
        "receivable": 1_000_000,
        "case": -1_000_000,
        "clearing": 0,
    }
    assert faults(books, date(2009, 3, 2)) == {}


def test_two_at_once_issue_a_plan_once(books: Database) -> None:
    with books.transaction() as connection:
        a_stay(connection, date(2009, 1, 5))
        plan = cases.plan_cases(connection, CODE, occasion(date(2009, 2, 2)))
        cases.approve_plan(connection, plan.number, occasion(date(2009, 2, 2)))
    answers: list[str] = []
    together = threading.Barrier(3)

    def issues() -> None:
        together.wait()
        try:
            with books.transaction() as connection:
                cases.issue_cases(connection, plan.number, occasion(date(2009, 2, 2)))
            answers.append("issued")
        except MellemregningError as error:
            answers.append(error.name)

    threads = [threading.Thread(target=issues) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [CasePlanHasEnded.__name__] * 2 + ["issued"]
    assert faults(books, date(2009, 2, 2)) == {}


def test_rows_of_cases_are_only_ever_added(books: Database) -> None:
    with books.transaction() as connection:
        a_stay(connection, date(2009, 1, 5))
        bill(connection, date(2009, 2, 2))
    for table, column in (
        ("single_case", "payer"),
        ("case_event", "day"),
        ("case_line", "days"),
        ("case_plan", "hash"),
    ):
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match=r"only ever added|append_only"), books.transaction() as connection:
                connection.execute(text(statement))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (
            "UPDATE case_line SET days = 2 * days, amount_oere = 2 * amount_oere WHERE position = 1",
            "cases_billed_once",
        ),
        ("DELETE FROM case_line", "cases_billed_once"),
        ("UPDATE single_case SET payer = '746'", "cases_billed_once"),
        ("UPDATE single_case SET number = '010203-0000'", "cases_name_nobody"),
        ("DELETE FROM case_event WHERE step = 'approved'", "cases_name_nobody"),
        ("UPDATE case_line SET counters_id = NULL, counters_position = NULL, days = -days", "cases_billed_once"),
    ],
)
def test_verify_finds_what_was_planted(books: Database, planted: str, found: str) -> None:
    with books.transaction() as connection:
        case = a_stay(connection, date(2009, 1, 5))
        bill(connection, date(2009, 2, 2))
        cases.correct_case(connection, case.number, CaseCorrection(date(2009, 1, 6)), occasion(date(2009, 2, 3)))
        bill(connection, date(2009, 3, 2))
    assert faults(books, date(2009, 3, 2)) == {}
    with books.transaction() as connection:
        triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for trigger in triggers:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        connection.execute(text(planted))
    assert found in faults(books, date(2009, 3, 2))


def test_a_payer_whose_bill_went_out_meanwhile_stops_the_plan(books: Database) -> None:
    with books.transaction() as connection:
        a_stay(connection, date(2009, 1, 5))
        first = cases.plan_cases(connection, CODE, occasion(date(2009, 2, 2)))
        second = cases.plan_cases(connection, CODE, occasion(date(2009, 2, 2)))
        for plan in (first, second):
            cases.approve_plan(connection, plan.number, occasion(date(2009, 2, 2)))
        cases.issue_cases(connection, first.number, occasion(date(2009, 2, 2)))
    with pytest.raises(cases.CasePlanOutOfDate, match="faktureret"), books.transaction() as connection:
        cases.issue_cases(connection, second.number, occasion(date(2009, 2, 2)))


def test_a_bill_cannot_be_credited_by_line(books: Database) -> None:
    with books.transaction() as connection:
        a_stay(connection, date(2009, 1, 5))
        (document,) = bill(connection, date(2009, 2, 2)).issued
    with pytest.raises(CannotBeCredited), books.transaction() as connection:
        invoices.credit_document(
            connection, document.number, reason="x", occasion=occasion(date(2009, 2, 2)), lines={1: 100}
        )
