"""What a year's result is divided by, what is trued up, and what a leaver gets of the net assets.

Every expected figure is worked out by hand from the examples' amounts.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.scenarios.conftest import Desk, by_code, cost, shared_out
from tests.scenarios.test_other_agreements import FREDENSBORG, HELSINGOER, VARIANTS, on

TRUED, ASSETS = "efterregulering-foerste-aar", "nettoformue-ved-udtraeden"
CENTRAL = "central-blandet"
PEOPLE = {"210": FREDENSBORG, "217": HELSINGOER}


def central_2012(desk: Desk, *accounts: tuple[str, int]) -> None:
    """The example billed through 2012, with its accounts: operation 1,000,000.00 and premises 500,000.00 budgeted."""
    on(desk, "2011-06-01").does("agreement", "load", VARIANTS / "central_blandet.toml")
    desk.does("subscription", "calculate", CENTRAL, 2012)
    on(desk, "2012-03-15").does("month", "issue", CENTRAL, "2012-01")
    on(desk, "2012-09-14").does("month", "issue", CENTRAL, "2012-09")
    on(desk, "2013-03-01")
    lines = "".join(cost("accounts", 2012, "217", amount, service="central", line=line) for line, amount in accounts)
    desk.does("accounts", "load", desk.file("r.toml", f'[agreement]\ncode = "{CENTRAL}"\n{lines}'))


def results(answer: Any) -> dict[str, int]:  # noqa: ANN401 - any JSON value
    return by_code(answer["parts"], "result_oere")


def test_a_lines_difference_falls_on_those_who_pay_the_line(desk: Desk) -> None:
    """Operation 100,000.00 below its budget, by inhabitants; premises 50,000.00 above theirs, by 40/60."""
    central_2012(desk, ("drift", 90_000_000), ("lokaler", 55_000_000))
    operation = shared_out(10_000_000, PEOPLE)
    expected = {"210": operation["210"] - 2_000_000, "217": operation["217"] - 3_000_000}
    preview = desk.does("settlement", "close", CENTRAL, 2012, "--preview")
    assert preview["divided_by"] == "lines"
    assert results(preview) == expected
    closed = desk.does("settlement", "close", CENTRAL, 2012, "--carry", "50%")
    assert results(closed) == expected
    assert closed["carried_oere"] == 2_500_000
    assert [(key["name"], key["result_oere"]) for key in closed["keys"]] == [("", 10_000_000), ("lokaler", -5_000_000)]
    assert closed["keys"][1]["parts"] == [
        {"municipality": "210", "weight": 400_000, "result_oere": -2_000_000},
        {"municipality": "217", "weight": 600_000, "result_oere": -3_000_000},
    ]
    desk.holds()
    assert "hver nøgle" in " ".join(desk.says("settlement", "show", CENTRAL, 2012).out.split())


def cells(desk: Desk, what: str, code: str, year: int) -> dict[str, list[tuple[Any, ...]]]:
    """A workbook's sheets, row by row, with the values that its formulas come to."""
    (written,) = desk.does("export", what, code, year, "--out", desk.folder)["files"]
    book = load_workbook(written, data_only=True)
    found = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    book.close()
    return found


def test_the_workbooks_tell_how_a_result_came_about(quick: Desk) -> None:
    central_2012(quick, ("drift", 90_000_000), ("lokaler", 55_000_000))
    quick.does("settlement", "close", CENTRAL, 2012)
    sheets = cells(quick, "annual", CENTRAL, 2012)
    assert [row[1:5] for row in sheets["Nøgler"] if row[0] in {1, 2}] == [
        ("hovednøgle", 100_000_000, 90_000_000, 10_000_000),
        ("lokaler", 50_000_000, 55_000_000, -5_000_000),
    ]
    of_premises = [row for row in sheets["Nøglernes fordeling"] if row[1] == "lokaler"]
    assert [row[2] for row in of_premises if -2_000_000 in row] == ["210"]
    assert [row[2] for row in of_premises if -3_000_000 in row] == ["217"]
    first = " ".join(str(cell) for row in sheets["Overblik"] for cell in row if cell is not None)
    assert "hver nøgles forskel" in first
    assert "Hver kommunes andel følger af nøglerne 0 OK" in first
    first_year(quick)
    quick.does("settlement", "close", TRUED, 2016)
    told = str(cells(quick, "annual", TRUED, 2016)["Kommuner"])
    assert "reguleres" in told
    assert "-1200001" in told
    assert "efterreguleres på bilag for sig" in str(cells(quick, "calculation", TRUED, 2016)["Overblik"])
    assert "efterreguleres" not in str(cells(quick, "calculation", CENTRAL, 2012)["Overblik"])


def test_accounts_that_do_not_name_the_lines_are_divided_by_the_total(quick: Desk) -> None:
    """The same result of 50,000.00, told in one sum: by what each paid in all, and it is said."""
    central_2012(quick, ("", 145_000_000))
    operation = shared_out(100_000_000, PEOPLE)
    paid = {"210": operation["210"] + 20_000_000, "217": operation["217"] + 30_000_000}
    closed = quick.does("settlement", "close", CENTRAL, 2012)
    assert closed["divided_by"] == "total"
    assert closed["keys"] == []
    assert results(closed) == shared_out(5_000_000, paid)
    quick.holds()
    said = " ".join(quick.says("settlement", "show", CENTRAL, 2012).out.split())
    assert "ikke delt op på budgetlinjer" in said


def test_a_line_that_was_not_budgeted_falls_under_the_agreements_own_key(quick: Desk) -> None:
    central_2012(quick, ("drift", 100_000_000), ("lokaler", 50_000_000), ("uforudset", 1_000_001))
    closed = quick.does("settlement", "close", CENTRAL, 2012)
    assert results(closed) == shared_out(-1_000_001, PEOPLE)
    quick.holds()


def test_an_addition_for_one_payer_that_was_not_used_goes_back_to_that_payer(quick: Desk) -> None:
    code = "tillaeg-en-betaler"
    on(quick, "2008-06-01").does("agreement", "load", VARIANTS / "tillaeg_en_betaler.toml")
    quick.does("subscription", "calculate", code, 2009)
    for month in range(1, 13):
        on(quick, "2008-12-15" if month == 1 else f"2009-{month - 1:02d}-13")
        quick.does("month", "issue", code, f"2009-{month:02d}")
    on(quick, "2010-03-01")
    # The coordinator, Nordfyns' own, cost nothing; all else was as budgeted.
    spent = {"ambulant": 600_000_000, "koordinator": 0, "metode": 10_000_000}
    lines = "".join(cost("accounts", 2009, "461", amount, service=service) for service, amount in spent.items())
    quick.does("accounts", "load", quick.file("r.toml", f'[agreement]\ncode = "{code}"\n{lines}'))
    closed = quick.does("settlement", "close", code, 2009)
    assert {who: amount for who, amount in results(closed).items() if amount} == {"480": 50_000_000}
    quick.holds()


def first_year(desk: Desk) -> None:
    """2016 billed and closed: 600,000.00 twice; the accounts are 50,000.07 and 10,000.00 above the budgets."""
    on(desk, "2015-11-01").does("agreement", "load", VARIANTS / "efterregulering_foerste_aar.toml")
    desk.does("subscription", "calculate", TRUED, 2016)
    on(desk, "2015-12-10").does("month", "issue", TRUED, "2016-01")
    on(desk, "2016-06-10").does("month", "issue", TRUED, "2016-07")
    on(desk, "2017-03-01")
    lines = cost("accounts", 2016, "101", 105_000_007, service="beredskab")
    lines += cost("accounts", 2016, "147", 21_000_000, service="beredskab")
    desk.does("accounts", "load", desk.file("r.toml", f'[agreement]\ncode = "{TRUED}"\n{lines}'))


# 6,000,007 øre by 50/30/20: 3,000,003.5, 1,800,002.1 and 1,200,001.4; the odd øre goes to the largest remainder.
DEFICIT_2016 = {"101": 3_000_004, "147": 1_800_002, "175": 1_200_001}


def test_only_the_first_year_is_trued_up(desk: Desk) -> None:
    first_year(desk)
    desk.refuses("settlement", "close", TRUED, 2016, "--carry", "50%", words=["true_up", "overføres"])
    desk.refuses("settlement", "true-up", TRUED, 2016, words=["ikke afsluttet"])
    closed = desk.does("settlement", "close", TRUED, 2016)
    assert results(closed) == {who: -amount for who, amount in DEFICIT_2016.items()}
    assert (closed["trued_up"], closed["application_year"]) == (True, 2016)
    desk.holds()
    on(desk, "2017-05-16")
    (late,) = [each for each in desk.does("deadlines", TRUED)["deadlines"] if each["kind"] == "true_up"]
    assert (late["due_on"], late["status"]) == ("2017-05-15", "late")
    # Plan, approve, issue; each once.
    plan = desk.does("settlement", "true-up", TRUED, 2016)
    assert by_code(plan["documents"], "amount_oere") == DEFICIT_2016
    number = plan["plan"]
    desk.refuses("settlement", "true-up-issue", number, words=["ikke godkendt"])
    desk.does("settlement", "true-up-approve", number)
    done = desk.does("settlement", "true-up-issue", number)
    assert by_code(done["issued"], "amount_oere") == DEFICIT_2016
    desk.holds()
    desk.refuses("settlement", "true-up-issue", number, words=["allerede udstedt"])
    desk.refuses("settlement", "true-up", TRUED, 2016, words=["intet at efterregulere"])
    # Each provider bears its own part of it: 10,000.00 by 50/30/20 is Frederiksberg's, the rest Copenhagen's.
    (of_175,) = [each["number"] for each in done["issued"] if each["municipality"] == "175"]
    shown = desk.does("invoice", "show", of_175)
    assert [(line["provider"], line["kind"], line["amount_oere"]) for line in shown["lines"]] == [
        ("101", "true_up", 1_000_001),
        ("147", "true_up", 200_000),
    ]
    clearing = desk.does("settlement", "providers", TRUED, 2016)["providers"]
    assert by_code(clearing, "entitled_oere") == {"101": 105_000_007, "147": 21_000_000}
    (done_now,) = [each for each in desk.does("deadlines", TRUED)["deadlines"] if each["kind"] == "true_up"]
    assert done_now["status"] == "done"
    # Taken back whole it is due again, and billed again; a part of it is not taken back.
    desk.refuses("invoice", "credit", of_175, "--reason", "fejl", "--line", "1", words=["kun krediteres hel"])
    desk.does("invoice", "credit", of_175, "--reason", "Forkert modtager")
    desk.holds()
    again = desk.does("settlement", "true-up", TRUED, 2016)
    assert by_code(again["documents"], "amount_oere") == {"175": 1_200_001}
    desk.does("settlement", "true-up-approve", again["plan"])
    desk.does("settlement", "true-up-issue", again["plan"])
    desk.holds()


def test_later_years_enter_a_price_and_the_first_year_none(quick: Desk) -> None:
    first_year(quick)
    quick.does("settlement", "close", TRUED, 2016)
    head = f'[agreement]\ncode = "{TRUED}"\n'
    for year in (2017, 2018, 2019):
        budget = head + cost("budgets", year, "101", 100_000_000, service="beredskab")
        quick.does("budget", "load", quick.file(f"b{year}.toml", budget))
    # 2018 is priced two years after the first year, whose result it does not take.
    for year in (2017, 2018):
        price = quick.does("subscription", "calculate", TRUED, year)
        assert {part["passed_on_oere"] for part in price["parts"]} == {0}
    for month in ("01", "07"):
        on(quick, "2017-06-10").does("month", "issue", TRUED, f"2017-{month}")
    on(quick, "2018-03-01")
    accounts = head + cost("accounts", 2017, "101", 99_000_000, service="beredskab")
    quick.does("accounts", "load", quick.file("r2017.toml", accounts))
    assert quick.does("settlement", "close", TRUED, 2017)["trued_up"] is False
    quick.refuses("settlement", "true-up", TRUED, 2017, words=["2019"])
    # 10,000.00 of surplus by 50/30/20.
    price = quick.does("subscription", "calculate", TRUED, 2019)
    assert by_code(price["parts"], "passed_on_oere") == {"101": 500_000, "147": 300_000, "175": 200_000}
    quick.holds()


def test_two_people_see_a_true_up_and_a_plan_that_is_out_of_date_is_not_issued(quick: Desk) -> None:
    first_year(quick)
    quick.does("settlement", "close", TRUED, 2016)
    quick.does("issuer", "set", "101", "--four-eyes", "on")
    plan = quick.does("settlement", "true-up", TRUED, 2016)["plan"]
    quick.refuses("settlement", "true-up-approve", plan, words=["to personer"])
    quick.does("settlement", "true-up-approve", plan, "--by", "Anna Approver")
    quick.does("issuer", "set", "101", "--four-eyes", "off")
    quick.refuses("settlement", "true-up-issue", plan, words=["gælder ikke længere"])
    quick.does("settlement", "true-up-stop", plan)
    quick.refuses("settlement", "true-up-issue", plan, words=["stoppet"])
    quick.refuses("settlement", "true-up-show", 99, words=["99"])
    said = quick.says("settlement", "true-up-show", plan).out
    assert "Rødovre" in said
    assert "12.000,01" in said


def test_who_leaves_before_the_true_up_is_settled_once(quick: Desk) -> None:
    first_year(quick)
    on(quick, "2016-06-10").does("membership", "leave", TRUED, "175", "--year", "2016")
    on(quick, "2017-03-02").does("settlement", "close", TRUED, 2016)
    left = quick.does("settlement", "exit", TRUED, "175")
    assert left["amount_oere"] == DEFICIT_2016["175"]
    plan = quick.does("settlement", "true-up", TRUED, 2016)
    assert by_code(plan["documents"], "amount_oere") == {who: DEFICIT_2016[who] for who in ("101", "147")}
    quick.does("settlement", "true-up-approve", plan["plan"])
    quick.does("settlement", "true-up-issue", plan["plan"])
    quick.holds()


def test_who_leaves_after_the_true_up_has_nothing_left_of_it(quick: Desk) -> None:
    first_year(quick)
    on(quick, "2016-06-10").does("membership", "leave", TRUED, "175", "--year", "2016")
    on(quick, "2017-03-02").does("settlement", "close", TRUED, 2016)
    plan = quick.does("settlement", "true-up", TRUED, 2016)["plan"]
    quick.does("settlement", "true-up-approve", plan)
    quick.does("settlement", "true-up-issue", plan)
    assert quick.does("settlement", "exit", TRUED, "175")["lines"] == []
    quick.holds()


def leaver(desk: Desk) -> None:
    """Nordfyns leaves with 2010, whose accounts are 10,000.00 above the budget of 2,000,000.00."""
    on(desk, "2009-11-01").does("agreement", "load", VARIANTS / "nettoformue_ved_udtraeden.toml")
    desk.does("subscription", "calculate", ASSETS, 2010)
    on(desk, "2009-12-10").does("month", "issue", ASSETS, "2010-01")
    on(desk, "2010-06-01").does("membership", "leave", ASSETS, "480", "--year", "2010")
    on(desk, "2011-03-01")
    lines = cost("accounts", 2010, "461", 201_000_000, service="pladser")
    desk.does("accounts", "load", desk.file("r.toml", f'[agreement]\ncode = "{ASSETS}"\n{lines}'))
    desk.does("settlement", "close", ASSETS, 2010)


def test_a_leaver_gets_its_share_of_the_net_assets(desk: Desk) -> None:
    leaver(desk)
    exit_ = ("settlement", "exit", ASSETS, "480")
    desk.refuses(*exit_, words=["nettoformuen", "--net-assets", "Nordfyns", "31.12.2010"])
    desk.refuses(*exit_, "--net-assets", "100.00", words=["--evidence"])
    desk.refuses(*exit_, "--net-assets", "100.00", "--evidence", "010100-0000", words=["CPR-nummer"])
    desk.refuses(*exit_, "--net-assets", "mange", words=["beløb"], status=2)
    # 1,000,000.01 by 7:10:3 is 15,000,000.15 øre for Nordfyns; of the deficit it owes 3 of 20: 1,500.00.
    stated = ("--net-assets", "1.000.000,01", "--evidence", "Regnskab 2010, side 12, note 4")
    preview = desk.does(*exit_, *stated, "--preview")
    assert preview["amount_oere"] == -15_000_000 + 150_000
    settled = desk.does(*exit_, *stated)
    assert settled["amount_oere"] == -14_850_000
    assert settled["net_assets"] == {
        "net_assets_oere": 100_000_001,
        "share_oere": 15_000_000,
        "evidence": "Regnskab 2010, side 12, note 4",
    }
    shown = desk.does("invoice", "show", settled["number"])
    assert shown["document_type"] == "credit_note"
    assert [(line["kind"], line["amount_oere"]) for line in shown["lines"]] == [
        ("exit", 150_000),
        ("net_assets", -15_000_000),
    ]
    assert "side 12" in shown["note"]
    desk.holds()
    again = desk.does(*exit_, "--net-assets", "5.00", "--evidence", "andet")
    assert (again["already_settled"], again["number"], again["amount_oere"]) == (True, settled["number"], -14_850_000)
    desk.refuses("invoice", "credit", settled["number"], "--reason", "fejl", words=["udtrædelsesopgørelse"])
    assert "Andel af nettoformuen" in " ".join(desk.says(*exit_).out.split())
    left = cells(desk, "annual", ASSETS, 2010)["Udtræden"]
    assert [row[9] for row in left if row[0] == "480"] == [0, 15_000_000]
    assert any("side 12" in str(cell) for row in left for cell in row)


def test_a_leaver_pays_its_share_of_the_debts(quick: Desk) -> None:
    leaver(quick)
    # -40,000.00 by 7:10:3: Nordfyns owes 6,000.00, and 1,500.00 of the deficit.
    settled = quick.does(
        "settlement", "exit", ASSETS, "480", "--net-assets=-40000.00", "--evidence", "Regnskab 2010, side 12"
    )
    assert settled["amount_oere"] == 750_000
    assert quick.does("invoice", "show", settled["number"])["document_type"] == "invoice"
    quick.holds()


def test_net_assets_are_refused_where_the_agreement_gives_none(quick: Desk) -> None:
    first_year(quick)
    on(quick, "2016-06-10").does("membership", "leave", TRUED, "175", "--year", "2016")
    on(quick, "2017-03-02").does("settlement", "close", TRUED, 2016)
    quick.refuses(
        "settlement", "exit", TRUED, "175", "--net-assets", "1.00", "--evidence", "x", words=["net_assets_at_exit"]
    )


def test_a_share_or_a_true_up_that_was_changed_in_the_tables_is_found(quick: Desk) -> None:
    leaver(quick)
    quick.does("settlement", "exit", ASSETS, "480", "--net-assets", "1000000.01", "--evidence", "Regnskab 2010")
    first_year(quick)
    quick.does("settlement", "close", TRUED, 2016)
    plan = quick.does("settlement", "true-up", TRUED, 2016)["plan"]
    quick.does("settlement", "true-up-approve", plan)
    quick.does("settlement", "true-up-issue", plan)
    quick.holds()
    with contextlib.closing(sqlite3.connect(quick.folder / "books.sqlite")) as connection:
        for table in ("exit_net_assets", "true_up_plan", "true_up_plan_event"):
            with pytest.raises(sqlite3.IntegrityError, match=f"append_only_{table}"):
                connection.execute(f"DELETE FROM {table}")
        connection.execute("DROP TRIGGER append_only_exit_net_assets_update")
        connection.execute("UPDATE exit_net_assets SET share_oere = share_oere + 1")
        connection.execute("DROP TRIGGER append_only_result_movement_update")
        connection.execute(
            "UPDATE result_movement SET amount_oere = amount_oere - 1 "
            "WHERE accounting_year = 2016 AND municipality = '175' AND provider = '101'"
        )
        connection.execute("DROP TRIGGER append_only_settlement_part_update")
        connection.execute(
            "UPDATE settlement_part SET passed_on_oere = passed_on_oere - 1 "
            "WHERE municipality = '175' AND provider = '101'"
        )
        connection.commit()
    wrong = {check["name"]: check["detail"] for check in quick.does("verify", status=1)["checks"] if not check["ok"]}
    assert "Nordfyns" in wrong["net_assets_hold"]
    assert "Rødovre" in wrong["true_ups_hold"]
    assert "følger ikke af regnskab og nøgler" in wrong["results_hold"]
