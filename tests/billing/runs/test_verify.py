"""Verification finds a planted fault of each kind that it claims to check, names its place, and blames nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from billing.verify import Check, verify
from billing.year_end_settlement.facts import CarryOver
from foundation.database import Database, metadata
from tests.billing.runs.conftest import FUNEN, ODENSE, SVENDBORG, Life, agreement_file
from tests.databases import PostgresDatabases, SqliteDatabases

SPENT = {ODENSE: 1_800_000_000, SVENDBORG: 600_000_000}


class Books:
    """One database for all faults: each is planted in a transaction that is rolled back after the look."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def broken_by(self, *statements: str, said: dict[str, Check] | None = None) -> dict[str, str]:
        """Break in by raw SQL, without triggers and foreign keys; answers the checks that then say no."""
        engine = self.life.database.engine
        with engine.connect() as connection:
            if self.life.database.is_sqlite:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for (name,) in connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                # As a superuser may: neither triggers nor foreign keys are looked at.
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                assert connection.execute(text(statement)).rowcount != 0, statement
            checks = verify(connection, date(2010, 6, 1))
            connection.rollback()
            connection.invalidate()
        assert next(check for check in checks if check.name == "months_due").ok
        if said is not None:
            said |= {check.name: check for check in checks}
        return {check.name: check.detail for check in checks if not check.ok}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def closed(request: pytest.FixtureRequest) -> Iterator[Books]:
    """2009 billed and closed, half of it carried; 2011 priced with the other half; F2008-0001 billed anew."""
    maker: SqliteDatabases | PostgresDatabases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases",
    )
    with maker.upgraded() as url:
        database = Database(url)
        life = Life(database)
        life.register(agreement_file())
        life.calculate(2009, date(2008, 6, 1))
        life.issue_months(2009, 1, 1)
        life.credit("F2008-0001", date(2008, 12, 11))
        life.issue_months(2009, 1, 1, date(2008, 12, 12))
        life.issue_months(2009, 2)
        life.accounts(2009, SPENT, date(2010, 3, 1))
        life.close(2009, date(2010, 4, 1), CarryOver(percent=Decimal(50)))
        life.budget(2011, {ODENSE: 2_000_000_000, SVENDBORG: 700_000_000}, date(2010, 5, 1))
        life.calculate(2011, date(2010, 6, 1))
        yield Books(life)
        database.dispose()


def one(table: str, where: str) -> str:
    """SQL for the first row of a kind, by its id."""
    return f"id = (SELECT MIN(id) FROM {table} WHERE {where})"


INVOICED = "SELECT id FROM invoice WHERE number = 'F2008-0002'"
VOUCHER = "SELECT id FROM voucher WHERE reference = 'F2008-0002'"
PRICE_2009 = "SELECT id FROM subscription WHERE year = 2009"
PRICE_2011 = "SELECT id FROM subscription WHERE year = 2011"
SETTLEMENT = "SELECT id FROM year_settlement WHERE year = 2009"


def test_all_is_well_first(closed: Books) -> None:
    assert closed.broken_by() == {}


def test_a_voucher_out_of_balance(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE posting SET amount_oere = amount_oere + 1 WHERE voucher_id = ({VOUCHER}) AND account = 'receivable'",
    )
    assert set(broken) == {"vouchers_balance", "ledger_equals_invoices"}
    assert "F2008-0002" in broken["vouchers_balance"]
    assert "0,01 kr." in broken["vouchers_balance"]
    assert "F2008-0002" in broken["ledger_equals_invoices"]
    assert "Faaborg-Midtfyn (430)" in broken["ledger_equals_invoices"]


def test_a_posting_removed(closed: Books) -> None:
    broken = closed.broken_by(f"DELETE FROM posting WHERE voucher_id = ({VOUCHER}) AND account = 'receivable'")
    assert set(broken) == {"vouchers_balance", "ledger_equals_invoices"}
    assert "F2008-0002" in broken["vouchers_balance"]


def test_a_voucher_without_any_posting(closed: Books) -> None:
    broken = closed.broken_by(f"DELETE FROM posting WHERE voucher_id = ({VOUCHER})")
    assert "ledger_equals_invoices" in broken
    assert "F2008-0002" in broken["ledger_equals_invoices"]


def test_postings_changed_so_that_the_voucher_still_balances(closed: Books) -> None:
    """One øre moved from one provider to the other: the payers' books hold, the providers' do not."""
    broken = closed.broken_by(
        *(
            f"UPDATE posting SET amount_oere = amount_oere + {change} WHERE voucher_id = ({VOUCHER}) "
            f"AND account = 'aconto' AND provider = '{provider}'"
            for change, provider in ((1, ODENSE), (-1, SVENDBORG))
        ),
    )
    assert "F2008-0002" in " ".join(broken.values())


def test_clearing_changed_so_that_it_still_sums_to_zero(closed: Books) -> None:
    broken = closed.broken_by(
        *(
            f"UPDATE posting SET amount_oere = amount_oere + {change} WHERE voucher_id = ({VOUCHER}) "
            f"AND account = 'clearing' AND municipality IS NULL AND provider = '{provider}'"
            for change, provider in ((1000, ODENSE), (-1000, SVENDBORG))
        ),
    )
    assert "F2008-0002" in " ".join(broken.values())


def test_a_posting_on_another_payer(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE posting SET municipality = '420' WHERE voucher_id = ({VOUCHER}) AND account = 'receivable'",
    )
    assert set(broken) == {"ledger_equals_invoices", "open_items_equal_books"}
    assert "Assens (420)" in broken["ledger_equals_invoices"]
    assert "Faaborg-Midtfyn (430)" in broken["ledger_equals_invoices"]


def test_a_month_billed_twice(closed: Books) -> None:
    columns = ", ".join(column.name for column in metadata.tables["invoice"].columns if column.name != "id")
    lines = ", ".join(column.name for column in metadata.tables["invoice_line"].columns if column.name != "invoice_id")
    vouchers = ", ".join(column.name for column in metadata.tables["voucher"].columns if column.name != "id")
    postings = ", ".join(
        column.name for column in metadata.tables["posting"].columns if column.name not in {"id", "voucher_id"}
    )
    claims = ", ".join(
        column.name for column in metadata.tables["claim"].columns if column.name not in {"id", "invoice_id"}
    )
    booked = vouchers.replace("reference", "'F2008-0088'")
    others = columns.replace("sequence, number", "88, 'F2008-0088'")
    broken = closed.broken_by(
        "DROP INDEX uq_claim_live",
        f"INSERT INTO invoice (id, {columns}) SELECT 8800, {others} FROM invoice WHERE number = 'F2008-0002'",
        f"INSERT INTO invoice_line (invoice_id, {lines}) SELECT 8800, {lines} FROM invoice_line "
        f"WHERE invoice_id = ({INVOICED})",
        f"INSERT INTO claim (invoice_id, {claims}) SELECT 8800, {claims} FROM claim WHERE invoice_id = ({INVOICED})",
        f"INSERT INTO voucher (id, {vouchers}) SELECT 8888, {booked} FROM voucher WHERE reference = 'F2008-0002'",
        f"INSERT INTO posting (voucher_id, {postings}) SELECT 8888, {postings} FROM posting "
        f"WHERE voucher_id = ({VOUCHER})",
        "UPDATE number_series SET last_sequence = 88 WHERE year = 2008",
    )
    assert "billed_once" in broken
    assert "Faaborg-Midtfyn (430)" in broken["billed_once"]
    assert "2 gange" in broken["billed_once"]
    assert "01.01.2009" in broken["billed_once"]
    # It also leaves a gap before its number, and is more than the year was closed with.
    assert set(broken) <= {"billed_once", "numbers_without_gaps", "results_hold", "audit_chain"}


def test_a_claim_removed(closed: Books) -> None:
    broken = closed.broken_by(f"DELETE FROM claim WHERE invoice_id = ({INVOICED})")
    assert set(broken) == {"billed_once"}
    assert "F2008-0002" in broken["billed_once"]


def test_a_claim_of_another_kind(closed: Books) -> None:
    """The month would be free to be billed again, since the index says nothing of another kind."""
    broken = closed.broken_by(f"UPDATE claim SET kind = 'exit_settlement' WHERE invoice_id = ({INVOICED})")
    assert set(broken) == {"billed_once"}
    assert "F2008-0002" in broken["billed_once"]


def test_a_claim_held_by_what_is_credited(closed: Books) -> None:
    broken = closed.broken_by(
        "DROP INDEX uq_claim_live",
        "UPDATE claim SET released_by = NULL WHERE invoice_id = (SELECT id FROM invoice WHERE number = 'F2008-0001')",
    )
    assert set(broken) == {"billed_once"}
    assert "Assens (420)" in broken["billed_once"]


def test_a_share_changed(closed: Books) -> None:
    broken = closed.broken_by(
        "UPDATE subscription_part SET share_oere = share_oere + 1, obligation_oere = obligation_oere + 1 "
        f"WHERE subscription_id = ({PRICE_2011}) AND municipality = '430'",
    )
    assert set(broken) == {"shares_sum"}
    assert "fyn-alkohol 2011, beregning 1" in broken["shares_sum"]
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]


def test_two_shares_changed_so_that_the_sum_still_holds(closed: Books) -> None:
    broken = closed.broken_by(
        *(
            statement
            for change, who in ((1, "430"), (-1, "492"))
            for statement in (
                (
                    f"UPDATE subscription_part SET share_oere = share_oere + {change}, "
                    f"obligation_oere = obligation_oere + {change} "
                    f"WHERE subscription_id = ({PRICE_2011}) AND municipality = '{who}'"
                ),
                (
                    f"UPDATE subscription_instalment SET gross_oere = gross_oere + {change}, "
                    f"amount_oere = amount_oere + {change} WHERE subscription_id = ({PRICE_2011}) "
                    f"AND municipality = '{who}' AND month = '2011-12-01'"
                ),
            )
        ),
    )
    assert set(broken) == {"shares_sum"}
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]
    assert "Ærø (492)" in broken["shares_sum"]


def test_the_kept_inhabitants_changed(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE subscription_part SET population = population + 1 WHERE subscription_id = ({PRICE_2011}) "
        "AND municipality = '430'",
    )
    assert set(broken) == {"shares_sum"}
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]


def test_a_kept_cost_line_changed(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE subscription_cost_line SET amount_oere = amount_oere + 1 WHERE subscription_id = ({PRICE_2011}) "
        f"AND provider = '{ODENSE}'",
    )
    assert set(broken) == {"shares_sum"}
    assert "fyn-alkohol 2011, beregning 1" in broken["shares_sum"]


def test_a_kept_total_changed(closed: Books) -> None:
    broken = closed.broken_by(f"UPDATE subscription SET total_oere = total_oere + 1 WHERE id = ({PRICE_2011})")
    assert set(broken) == {"shares_sum"}
    assert "fyn-alkohol 2011, beregning 1" in broken["shares_sum"]


def test_a_passed_on_result_of_a_price_changed(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE subscription_passed_on SET amount_oere = amount_oere + 1 WHERE subscription_id = ({PRICE_2011}) "
        f"AND municipality = '430' AND provider = '{ODENSE}'",
    )
    assert set(broken) == {"shares_sum", "passed_on_once"}
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]


@pytest.mark.parametrize("columns", [("gross_oere", "amount_oere"), ("gross_oere",), ("amount_oere",)])
def test_an_instalment_changed(closed: Books, columns: tuple[str, ...]) -> None:
    changes = ", ".join(f"{column} = {column} + 1" for column in columns)
    broken = closed.broken_by(
        f"UPDATE subscription_instalment SET {changes} WHERE subscription_id = ({PRICE_2011}) "
        "AND municipality = '430' AND month = '2011-03-01'",
    )
    assert set(broken) == {"shares_sum"}
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]


def test_two_instalments_changed_so_that_the_sum_still_holds(closed: Books) -> None:
    """The module says that instalments are computed again from inhabitants and cost, not only summed."""
    broken = closed.broken_by(
        *(
            f"UPDATE subscription_instalment SET gross_oere = gross_oere + {change}, "
            f"amount_oere = amount_oere + {change} "
            f"WHERE subscription_id = ({PRICE_2011}) AND municipality = '430' AND month = '2011-{month}-01'"
            for change, month in ((100_000, "03"), (-100_000, "04"))
        ),
    )
    assert set(broken) == {"shares_sum"}
    assert "Faaborg-Midtfyn (430)" in broken["shares_sum"]


def test_an_instalment_that_was_invoiced_changed(closed: Books) -> None:
    broken = closed.broken_by(
        *(
            f"UPDATE subscription_instalment SET gross_oere = gross_oere + {change}, "
            f"amount_oere = amount_oere + {change} "
            f"WHERE subscription_id = ({PRICE_2009}) AND municipality = '430' AND month = '2009-{month}-01'"
            for change, month in ((1, "01"), (-1, "02"))
        ),
    )
    assert "F2008-0002" in broken["invoices_follow_price"]
    assert set(broken) <= {"invoices_follow_price", "shares_sum"}


def test_an_invoice_changed_with_its_line(closed: Books) -> None:
    broken = closed.broken_by(
        "UPDATE invoice SET amount_oere = amount_oere + 100 WHERE number = 'F2008-0002'",
        f"UPDATE invoice_line SET amount_oere = amount_oere + 100 WHERE invoice_id = ({INVOICED}) AND position = 1",
    )
    assert set(broken) == {"invoices_follow_price", "ledger_equals_invoices", "documents_unchanged"}
    assert all("F2008-0002" in detail for detail in broken.values())


def test_an_invoice_changed_with_its_line_and_all_that_it_books(closed: Books) -> None:
    broken = closed.broken_by(
        "UPDATE invoice SET amount_oere = amount_oere + 100 WHERE number = 'F2008-0002'",
        f"UPDATE invoice_line SET amount_oere = amount_oere + 100 WHERE invoice_id = ({INVOICED}) AND position = 1",
        f"UPDATE posting SET amount_oere = amount_oere + 100 WHERE voucher_id = ({VOUCHER}) AND account = 'receivable'",
        f"UPDATE posting SET amount_oere = amount_oere - 100 WHERE voucher_id = ({VOUCHER}) AND account = 'aconto' "
        f"AND provider = '{ODENSE}'",
    )
    # What was received for 2009 is then also more than the year was closed with.
    assert set(broken) == {"invoices_follow_price", "results_hold", "clearing_is_zero", "documents_unchanged"}
    assert "F2008-0002" in broken["invoices_follow_price"]


def test_a_line_changed_alone(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE invoice_line SET amount_oere = amount_oere + 1 WHERE invoice_id = ({INVOICED}) AND position = 2",
    )
    assert set(broken) == {"ledger_equals_invoices", "invoices_follow_price", "documents_unchanged"}
    assert "F2008-0002" in broken["ledger_equals_invoices"]


def test_two_lines_changed_so_that_the_sum_still_holds(closed: Books) -> None:
    """The invoice then says that another provider is owed than the books say."""
    broken = closed.broken_by(
        *(
            f"UPDATE invoice_line SET amount_oere = amount_oere + {change} WHERE invoice_id = ({INVOICED}) "
            f"AND position = {position}"
            for change, position in ((1000, 1), (-1000, 2))
        ),
    )
    assert "F2008-0002" in " ".join(broken.values())


def test_a_document_removed(closed: Books) -> None:
    broken = closed.broken_by(
        f"DELETE FROM invoice_line WHERE invoice_id = ({INVOICED})",
        "DELETE FROM invoice WHERE number = 'F2008-0002'",
    )
    found = {"numbers_without_gaps", "ledger_equals_invoices", "billed_once", "open_items_equal_books"}
    assert set(broken) == {*found, "documents_unchanged"}
    assert broken["documents_unchanged"] == "F2008-0002 er udstedt, men er væk"
    assert "der mangler nr. 2 før F2008-0003" in broken["numbers_without_gaps"]
    assert "F2008-0002 er bogført, men ikke udstedt" in broken["ledger_equals_invoices"]


@pytest.mark.parametrize(
    "change",
    [
        *(
            f"invoice SET {column} = {value}"
            for column, value in {
                "document_type": "'credit_note'",
                "agreement": "''",
                "title": "title || '.'",
                "period_to": "'2009-02-02'",
                "due_date": "'2009-02-28'",
                "internal": "not internal",
                "provisional": "not provisional",
                "note": "'Betales til en anden konto'",
                "issuer_name": "'Odense'",
                "issuer_cvr": "'35209114'",
                "issuer_gln": "'5798000000001'",
                "subscriber_name": "'Faaborg'",
                "subscriber_cvr": "''",
                "subscriber_gln": "'5798000000001'",
                "credits_id": "id",
            }.items()
        ),
        *(
            f"invoice_line SET {column} = {value}"
            for column, value in {
                "provider_name": "'Svendborg'",
                "service": "'døgn'",
                "service_title": "''",
                "kind": "'exit'",
                "text": "'a conto januar 2009'",
                "period_from": "'2009-01-02'",
                "period_to": "'2009-02-02'",
                "vat_exemption": "''",
            }.items()
        ),
    ],
)
def test_whatever_a_document_says_changed(closed: Books, change: str) -> None:
    of_it = f"id = ({INVOICED})" if change.startswith("invoice ") else f"invoice_id = ({INVOICED}) AND position = 2"
    broken = closed.broken_by(f"UPDATE {change} WHERE {of_it}")
    assert broken["documents_unchanged"].startswith("F2008-0002 fra Odense (461) er ændret")


@pytest.mark.parametrize("positions", ["position + 1", "position * 2"])
def test_a_line_moved_to_another_place(closed: Books, positions: str) -> None:
    broken = closed.broken_by(
        f"UPDATE invoice_line SET position = {positions} WHERE invoice_id = ({INVOICED}) AND position = 2"
    )
    assert set(broken) == {"documents_unchanged"}
    assert "F2008-0002" in broken["documents_unchanged"]


@pytest.mark.parametrize("credited", ["NULL", f"({INVOICED})"])
def test_a_credit_note_that_takes_back_another_or_nothing(closed: Books, credited: str) -> None:
    broken = closed.broken_by(f"UPDATE invoice SET credits_id = {credited} WHERE number = 'F2008-0010'")
    assert "F2008-0010" in broken["documents_unchanged"]


def test_a_credit_of_another_line(closed: Books) -> None:
    broken = closed.broken_by(
        "UPDATE line_credit SET line_position = 3 - line_position "
        "WHERE credit_id = (SELECT id FROM invoice WHERE number = 'F2008-0010') AND position = 1"
    )
    assert "F2008-0010" in broken["documents_unchanged"]


def test_a_document_with_the_number_of_another(closed: Books) -> None:
    broken = closed.broken_by("UPDATE invoice SET number = 'F2007-0002' WHERE number = 'F2008-0002'")
    assert "F2008-0002 er udstedt, men er væk" in broken["documents_unchanged"]
    assert "F2007-0002" in broken["audit_chain"]


def test_documents_from_before_the_fingerprints_are_counted_not_blamed(closed: Books) -> None:
    """As in a database of an older release, whose events have none."""
    with closed.life.database.reading() as connection:
        rows = connection.execute(text("SELECT id, details FROM audit_event WHERE details LIKE '%sha256%'")).all()
        documents = connection.execute(text("SELECT COUNT(*) FROM invoice")).scalar_one()
    assert rows
    bare = {
        row.id: json.dumps({key: value for key, value in json.loads(row.details).items() if key != "sha256"})
        for row in rows
    }
    changes = [f"UPDATE audit_event SET details = '{details}' WHERE id = {event}" for event, details in bare.items()]
    said: dict[str, Check] = {}
    broken = closed.broken_by(*changes, said=said)
    assert set(broken) == {"audit_chain"}  # a real old event had its own hash
    assert f" {documents} bilag er udstedt, før" in said["documents_unchanged"].detail


def test_a_voucher_removed(closed: Books) -> None:
    broken = closed.broken_by(
        f"DELETE FROM posting WHERE voucher_id = ({VOUCHER})",
        "DELETE FROM voucher WHERE reference = 'F2008-0002'",
    )
    assert set(broken) == {"ledger_equals_invoices", "results_hold"}
    assert "F2008-0002 er ikke bogført" in broken["ledger_equals_invoices"]


def test_a_number_out_of_date_order(closed: Books) -> None:
    broken = closed.broken_by("UPDATE invoice SET issue_date = '2008-12-01' WHERE number = 'F2008-0005'")
    assert set(broken) == {"numbers_without_gaps", "documents_unchanged"}
    assert "F2008-0005 er dateret 01.12.2008" in broken["numbers_without_gaps"]


def test_a_number_dated_outside_its_series(closed: Books) -> None:
    broken = closed.broken_by("UPDATE invoice SET issue_date = '2010-12-01' WHERE number = 'F2008-0011'")
    assert set(broken) == {"numbers_without_gaps", "documents_unchanged"}
    assert "F2008-0011" in broken["numbers_without_gaps"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE number_series SET last_sequence = last_sequence + 1 WHERE year = 2008",
        "UPDATE number_series SET last_sequence = last_sequence - 1 WHERE year = 2008",
        "UPDATE number_series SET last_issue_date = '2008-12-01' WHERE year = 2008",
        "DELETE FROM number_series WHERE year = 2008",
    ],
)
def test_a_series_that_counts_wrong(closed: Books, statement: str) -> None:
    broken = closed.broken_by(statement)
    assert set(broken) == {"numbers_without_gaps"}
    assert "Odense (461) 2008" in broken["numbers_without_gaps"]


def test_clearing_off(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE posting SET amount_oere = amount_oere + 7 WHERE voucher_id = ({VOUCHER}) AND account = 'clearing' "
        f"AND provider = '{SVENDBORG}'",
    )
    assert set(broken) == {"clearing_is_zero", "vouchers_balance"}
    assert "F2008-0002" in broken["clearing_is_zero"]
    assert "fyn-alkohol 2009" in broken["clearing_is_zero"]


def test_clearing_off_though_the_voucher_balances(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE posting SET amount_oere = amount_oere + 7 WHERE voucher_id = ({VOUCHER}) AND account = 'clearing' "
        f"AND provider = '{SVENDBORG}'",
        f"UPDATE posting SET amount_oere = amount_oere - 7 WHERE voucher_id = ({VOUCHER}) AND account = 'aconto' "
        f"AND provider = '{SVENDBORG}'",
    )
    assert "F2008-0002" in broken["clearing_is_zero"]
    assert "vouchers_balance" not in broken


def test_a_settlement_part_changed(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE settlement_part SET passed_on_oere = passed_on_oere + 1 WHERE settlement_id = ({SETTLEMENT}) "
        f"AND municipality = '430' AND provider = '{ODENSE}'",
    )
    assert set(broken) == {"results_hold"}
    assert "fyn-alkohol 2009" in broken["results_hold"]


def test_two_settlement_parts_changed_so_that_the_sum_still_holds(closed: Books) -> None:
    broken = closed.broken_by(
        *(
            f"UPDATE settlement_part SET passed_on_oere = passed_on_oere + {change} "
            f"WHERE settlement_id = ({SETTLEMENT}) AND municipality = '{who}' AND provider = '{ODENSE}'"
            for change, who in ((1000, "430"), (-1000, "492"))
        ),
    )
    assert set(broken) == {"results_hold"}


def test_what_a_provider_received_changed(closed: Books) -> None:
    broken = closed.broken_by(
        f"UPDATE settlement_provider SET received_oere = received_oere + 1 WHERE provider = '{ODENSE}'",
    )
    assert set(broken) == {"results_hold"}


def test_accounts_changed_after_the_close(closed: Books) -> None:
    broken = closed.broken_by(f"UPDATE accounts_line SET amount_oere = amount_oere + 1 WHERE provider = '{ODENSE}'")
    assert set(broken) == {"results_hold"}


def test_a_result_movement_removed(closed: Books) -> None:
    broken = closed.broken_by(
        "DELETE FROM result_movement WHERE "
        + one("result_movement", "municipality = '430' AND application_year = 2011"),
    )
    assert set(broken) == {"results_hold", "passed_on_once"}
    assert "fyn-alkohol 2009" in broken["results_hold"]


def test_a_result_movement_given_to_another(closed: Books) -> None:
    broken = closed.broken_by(
        "UPDATE result_movement SET municipality = '420' WHERE municipality = '430' AND application_year = 2011",
    )
    assert set(broken) <= {"results_hold", "passed_on_once"}
    assert "Faaborg-Midtfyn (430)" in broken["passed_on_once"]


def test_an_audit_event_changed(closed: Books) -> None:
    broken = closed.broken_by("UPDATE audit_event SET actor = 'en anden' WHERE id = 5")
    assert broken == {"audit_chain": "kæden er brudt ved hændelse 5"}


def test_an_audit_event_removed_in_the_middle(closed: Books) -> None:
    broken = closed.broken_by("DELETE FROM audit_event WHERE id = 5")
    assert broken == {"audit_chain": "kæden er brudt ved hændelse 6"}


def test_the_last_audit_events_removed(closed: Books) -> None:
    """What is cut off at the end leaves a whole chain; but the documents and the price that it told of are there."""
    broken = closed.broken_by("DELETE FROM audit_event WHERE id > 5")
    assert set(broken) == {"audit_chain"}


def test_a_month_that_is_due_is_a_warning(closed: Books) -> None:
    due = closed.life.checks()["months_due"]
    assert (due.ok, due.warning) == (True, True)
    assert f"{FUNEN}: 2010-01 til 2010-06 (9 kommuner" in due.detail
