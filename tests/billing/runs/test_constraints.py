"""What the tables themselves refuse, by the name of the constraint."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import CheckConstraint, Column, Connection, String, Text, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.run import get_subscription
from billing.year_end_settlement import store as settlement_store
from billing.year_end_settlement.run import get_settlement
from foundation.database import metadata
from foundation.period import Month
from tests.billing.runs.conftest import BUDGET_2009, CHANGEABLE, FUNEN, SVENDBORG, Life

APPEND_ONLY = sorted(set(metadata.tables) - CHANGEABLE)

INVOICE_COLUMNS = (
    "issuer, series_year, sequence, number, document_type, agreement, kind, title, period_from, period_to, issue_date, "
    "due_date, amount_oere, internal, provisional, note, credits_id, issuer_name, issuer_cvr, issuer_gln, subscriber, "
    "subscriber_name, subscriber_cvr, subscriber_gln"
)


@pytest.fixture
def billed(priced: Life) -> Life:
    """January 2009 is billed, and one bill of it is credited."""
    priced.issue(Month(2009, 1))
    priced.credit("F2008-0009", date(2008, 12, 11))
    return priced


def refused(life: Life, statement: str, **values: object) -> str:
    """What the database says to a statement that it refuses."""
    with pytest.raises(DBAPIError) as caught, life.database.transaction() as connection:
        connection.execute(text(statement), values)
    return str(caught.value.orig)


def copied(place: int, **changes: str) -> str:
    """SQL that inserts a copy of one invoice with other values."""
    columns = INVOICE_COLUMNS.split(", ")
    values = [changes.get(column, column) for column in columns]
    return (
        f"INSERT INTO invoice ({INVOICE_COLUMNS}) SELECT {', '.join(values)} FROM invoice WHERE sequence = {place} "
        "AND series_year = 2008"
    )


def says_one_of(life: Life, message: str, name: str, *columns: str) -> bool:
    """PostgreSQL says the constraint's name; SQLite the columns of a unique one."""
    if life.database.is_sqlite and columns:
        return all(column in message for column in columns)
    return name in message


def test_uq_claim_live(billed: Life) -> None:
    again = (
        "INSERT INTO claim (agreement, municipality, kind, period_from, period_to, invoice_id) "
        "SELECT agreement, municipality, kind, period_from, period_to, invoice_id FROM claim WHERE municipality = '420'"
    )
    message = refused(billed, again)
    assert says_one_of(billed, message, "uq_claim_live", "claim.agreement", "claim.municipality", "claim.period_from")
    # A released claim is none.
    billed.says(again.replace("'420'", "'492'"))
    assert "uq_claim_live" in {index["name"] for index in _inspected(billed, "claim")}


def _inspected(life: Life, table: str) -> list[dict[str, object]]:
    with life.database.reading() as connection:
        return [dict(index) for index in inspect(connection).get_indexes(table)]


def test_the_deferred_claim_waits_for_its_document_until_the_end(billed: Life) -> None:
    taken = (
        "INSERT INTO claim (agreement, municipality, kind, period_from, period_to, invoice_id) "
        "SELECT agreement, municipality, 'else', period_from, period_to, 999999 FROM claim WHERE municipality = '420'"
    )
    written = False
    with pytest.raises(IntegrityError) as caught, billed.database.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        connection.execute(text(taken))
        written = True
    assert written
    message = str(caught.value.orig)
    assert "FOREIGN KEY" in message if billed.database.is_sqlite else "fk_claim_invoice_id" in message


def test_number_series(billed: Life) -> None:
    same_number = copied(1, number="'X'")
    message = refused(billed, same_number)
    assert says_one_of(
        billed,
        message,
        "uq_invoice_issuer_series_year_sequence",
        "invoice.issuer",
        "invoice.series_year",
        "invoice.sequence",
    )
    message = refused(billed, copied(1, sequence="99"))
    assert says_one_of(billed, message, "uq_invoice_issuer_number", "invoice.issuer", "invoice.number")
    assert "ck_invoice_sequence_from_one" in refused(billed, copied(1, sequence="0", number="'X'"))
    assert "ck_invoice_period_in_order" in refused(
        billed, copied(1, sequence="99", number="'X'", period_to="period_from")
    )
    # The same number by another issuer is another document.
    billed.says(copied(1, issuer=f"'{SVENDBORG}'"))


def test_a_document_is_credited_once(billed: Life) -> None:
    message = refused(billed, copied(10, sequence="99", number="'X'"))
    assert says_one_of(billed, message, "uq_invoice_credits_id", "invoice.credits_id")
    message = refused(billed, copied(1, sequence="99", number="'X'", credits_id="999999"))
    assert "FOREIGN KEY" in message if billed.database.is_sqlite else "fk_invoice_credits_id" in message


def test_closed_once(billed: Life) -> None:
    decided = (
        "INSERT INTO decision (agreement, accounting_year, kind, sequence, decided_on, author, approver, text) "
        "VALUES ('fyn-alkohol', 2009, 'close', :sequence, '2010-04-01', 'A', 'B', '')"
    )
    assert "ck_decision_closed_once" in refused(billed, decided, sequence=2)
    billed.says(decided, sequence=1)
    message = refused(billed, decided, sequence=1)
    assert says_one_of(
        billed,
        message,
        "uq_decision_agreement_accounting_year_kind_sequence",
        "decision.accounting_year",
        "decision.kind",
    )


def test_a_settlement_is_written_once(priced: Life) -> None:
    priced.issue_months(2009)
    priced.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    priced.close(2009, date(2010, 4, 1))
    with priced.database.reading() as connection:
        settled = get_settlement(connection, FUNEN, 2009)
    with pytest.raises(IntegrityError) as caught, priced.database.transaction() as connection:
        settlement_store.write_settlement(connection, settled)
    message = str(caught.value.orig)
    assert says_one_of(priced, message, "uq_year_settlement_agreement_year", "year_settlement.agreement")


def test_uq_subscription_agreement_year_version(billed: Life) -> None:
    with billed.database.reading() as connection:
        price = get_subscription(connection, FUNEN, 2009)
    with pytest.raises(IntegrityError) as caught, billed.database.transaction() as connection:
        subscription_store.write_subscription(connection, price, date(2008, 6, 1))
    message = str(caught.value.orig)
    assert says_one_of(
        billed,
        message,
        "uq_subscription_agreement_year_version",
        "subscription.agreement",
        "subscription.year",
        "subscription.version",
    )


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE membership SET to_year = 2000", "ck_membership_years_in_order"),
        (
            (
                "INSERT INTO voucher (agreement, kind, booked_on, reference, text, claim_effect) "
                "VALUES ('a', 'invoice', '2009-01-01', 'r', '', 2)"
            ),
            "ck_voucher_claim_effect",
        ),
        (
            (
                "INSERT INTO population_figure (municipality, reference_date, revision, inhabitants, source, "
                "fetched_on, load_id) VALUES ('461', '1999-01-01', 1, -1, '', '2009-01-01', 1)"
            ),
            "ck_population_figure_not_negative",
        ),
    ],
)
def test_checks_by_name(billed: Life, statement: str, name: str) -> None:
    assert name in refused(billed, statement)


@pytest.fixture
def full(billed: Life) -> Life:
    """A row in every table, so that every trigger has something to refuse."""
    Life.forget_what_was_done()  # rows of any value are no books that hold
    with billed.database.transaction() as connection:
        for name in _in_order(connection):
            table = metadata.tables[name]
            if connection.execute(table.select().limit(1)).first() is None:
                values = {
                    column.name: _any_value(connection, column)
                    for column in table.columns
                    if not (column.primary_key and column.name == "id") and not column.nullable
                }
                if name == "usage_release_part":  # rests on a load or on another release
                    values["load_id"] = _any_value(connection, table.c.load_id)
                if name == "surplus_offer_end":  # what is sold has a document
                    values["kind"] = "withdrawn"
                connection.execute(table.insert().values(**values))
    return billed


def _in_order(_connection: Connection) -> list[str]:
    return [table.name for table in metadata.sorted_tables]


def _any_value(connection: Connection, column: Column[object]) -> object:
    """A value that foreign keys and checks let in."""
    for key in column.foreign_keys:
        return connection.execute(select(func.min(key.column))).scalar_one()
    for constraint in column.table.constraints:
        if isinstance(constraint, CheckConstraint):
            allowed = re.search(rf"\b{column.name}\b[^']*'([^']*)'", str(constraint.sqltext))
            if allowed:
                return allowed[1]
    kind = str(column.type)
    if kind == "DATE":
        return date(2009, 1, 2 if column.name == "to_day" else 1)
    if not isinstance(column.type, String | Text):
        return 1
    return "461"[: column.type.length or None]


def test_what_was_kept_is_neither_changed_nor_removed(full: Life) -> None:
    for table in APPEND_ONLY:
        column = next(column.name for column in metadata.tables[table].columns if not column.primary_key)
        message = refused(full, f"UPDATE {table} SET {column} = {column}")
        assert re.search(rf"append_only_{table}\b", message), message
        message = refused(full, f"DELETE FROM {table}")
        assert re.search(rf"append_only_{table}\b", message), message


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_what_was_kept_is_not_truncated(full: Life) -> None:
    for table in APPEND_ONLY:
        message = refused(full, f"TRUNCATE {table} CASCADE")
        assert "append_only_" in message, message
    # A table that may change is no way round: what points at it goes with it.
    assert "append_only_" in refused(full, "TRUNCATE agreement CASCADE")


def test_what_was_kept_is_not_replaced(billed: Life) -> None:
    """Writing a row over another one is a change too (SQLite's REPLACE fires no trigger for what it removes)."""
    if billed.database.is_sqlite:
        statement = (
            f"INSERT OR REPLACE INTO invoice (id, {INVOICE_COLUMNS}) "
            f"SELECT id, {INVOICE_COLUMNS.replace('amount_oere', '1')} FROM invoice WHERE sequence = 1"
        )
    else:
        statement = (
            f"INSERT INTO invoice (id, {INVOICE_COLUMNS}) SELECT id, {INVOICE_COLUMNS} FROM invoice WHERE sequence = 1 "
            "ON CONFLICT (id) DO UPDATE SET amount_oere = 1"
        )
    assert "append_only_invoice" in refused(billed, statement)
    assert billed.says("SELECT 1 FROM invoice WHERE amount_oere = 1") == []
