"""The agreements beside Funen's, lived by the commands: other keys, other schedules, other ways out.

Every expected figure is worked out by hand from the example's amounts.
"""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from agreements.agreement_file import read_agreement, write_agreement
from foundation.errors import MellemregningError
from tests.scenarios.conftest import Desk, by_code, cost, shared_out
from tests.scenarios.test_case_bill_files import DETAILS

EXAMPLES = Path(str(resources.files("agreements").joinpath("examples")))
VARIANTS = EXAMPLES / "variants"
HORSENS = "horsens-odder"
TABLE = Path(__file__).parents[2] / "docs" / "agreement_variants.md"
LIST = Path(__file__).parents[1] / "agreements" / "agreement_variants.csv"
# Statistics Denmark at 1 January 2011.
FREDENSBORG, HELSINGOER, HILLEROED = 39_341, 61_368, 47_916


def on(desk: Desk, day: str) -> Desk:
    desk.as_of = day
    return desk


def billed(answer: Any) -> dict[str, int]:  # noqa: ANN401 - any JSON value
    assert answer["failed"] == []
    return by_code(answer["issued"], "amount_oere")


def obligations(answer: Any) -> dict[str, int]:  # noqa: ANN401 - any JSON value
    return by_code(answer["parts"], "obligation_oere")


def test_horsens_and_odder_through_2009_and_out_of_it(desk: Desk) -> None:
    on(desk, "2008-12-20").does("agreement", "load", EXAMPLES / "horsens_odder_2009.toml")
    price = desk.does("subscription", "calculate", HORSENS, 2009)
    # 1,800,000.00 + 600,000.00 + 250,000.01; a quarter of it is 662,500.0025.
    assert obligations(price) == {"727": 265_000_001}
    assert price["parts"][0]["instalments_oere"] == [66_250_000, 66_250_000, 66_250_000, 66_250_001]
    assert [portion["key"] for portion in price["division"]["portions"]] == [
        "one_party",
        "agreed_capacity",
        "agreed_capacity",
    ]
    desk.refuses("month", "issue", HORSENS, "2009-02", words=["1. kvartal 2009", "2009-01"])
    on(desk, "2009-01-15")
    assert billed(desk.does("month", "issue", HORSENS, "2009-01")) == {"727": 66_250_000}
    assert billed(desk.does("month", "issue", HORSENS, "2009-01")) == {}
    desk.holds()
    # Renegotiation: no sooner than September, and never with a person's number in the text.
    on(desk, "2009-03-10")
    desk.refuses("agreement", "renegotiate", HORSENS, "--on", "2009-03-09", "--text", "Pris", words=["01.09.2009"])
    # Given on 10 March, nine months' notice works from 1 January 2010 at the earliest.
    desk.refuses("agreement", "terminate", HORSENS, "--by", "727", "--to", "2009-12-01", words=["01.01.2010"])
    desk.refuses("agreement", "terminate", HORSENS, "--by", "727", "--to", "2010-01-15", words=["1. i en måned"])
    desk.refuses("agreement", "terminate", HORSENS, "--by", "461", "--to", "2010-02-01", words=["ikke part"])
    desk.refuses("membership", "leave", HORSENS, "727", "--year", "2009", words=["--to"])
    on(desk, "2009-04-15")
    assert billed(desk.does("month", "issue", HORSENS, "2009-04")) == {"727": 66_250_000}
    # Horsens gives notice on 20 April 2009: out from 1 February 2010.
    on(desk, "2009-04-20")
    ended = desk.does("agreement", "terminate", HORSENS, "--by", "615", "--to", "2010-02-01")
    assert ended["leaves"] == [{"municipality": "727", "last_day": "2010-01-31"}]
    desk.refuses("agreement", "terminate", HORSENS, "--by", "727", "--to", "2010-03-01", words=["allerede"])
    assert obligations(desk.does("subscription", "calculate", HORSENS, 2009)) == {"727": 265_000_001}
    on(desk, "2009-09-10")
    desk.refuses(
        "agreement", "renegotiate", HORSENS, "--on", "2009-09-09", "--text", "Om 010100-0000", words=["CPR-nummer"]
    )
    desk.does("agreement", "renegotiate", HORSENS, "--on", "2009-09-09", "--text", "Færre alkoholpladser fra 2010")
    for quarter, day, amount in [("2009-07", "2009-07-15", 66_250_000), ("2009-10", "2009-10-15", 66_250_001)]:
        on(desk, max(day, "2009-09-10"))
        assert billed(desk.does("month", "issue", HORSENS, quarter)) == {"727": amount}
        desk.holds()
    # January 2010 is a twelfth of that year's budget, and nothing is due after it.
    on(desk, "2010-01-10")
    budget = f'[agreement]\ncode = "{HORSENS}"\n' + cost("budgets", 2010, "615", 120_000_000, service="stof")
    desk.does("budget", "load", desk.file("b.toml", budget))
    last = desk.does("subscription", "calculate", HORSENS, 2010)
    assert obligations(last) == {"727": 10_000_000}
    on(desk, "2010-01-15")
    assert billed(desk.does("month", "issue", HORSENS, "2010-01")) == {"727": 10_000_000}
    on(desk, "2010-12-31")
    assert "Intet forfaldent" in desk.holds()["months_due"]
    waiting = desk.does("deadlines", HORSENS)["deadlines"]
    assert [each for each in waiting if each["kind"] == "advance_invoice" and each["status"] == "late"] == []
    kinds = [(event["kind"], event["happened_on"]) for event in desk.does("agreement", "events", HORSENS)["events"]]
    assert kinds == [("terminated", "2009-04-20"), ("renegotiated", "2009-09-09")]
    # The years close and Odder is settled: 2009 gave a surplus of 1,000.01, 2010 one of 500.00.
    for year, services in [
        (2009, {"stof": 180_000_000, "alkohol": 60_000_000, "raadgivning": 24_900_000}),
        (2010, {"stof": 9_950_000}),
    ]:
        on(desk, f"{year + 1}-03-01")
        lines = "".join(cost("accounts", year, "615", amount, service=service) for service, amount in services.items())
        desk.does("accounts", "load", desk.file(f"r{year}.toml", f'[agreement]\ncode = "{HORSENS}"\n{lines}'))
        desk.does("settlement", "close", HORSENS, year)
    exit_settlement = desk.does("settlement", "exit", HORSENS, "727")
    assert exit_settlement["amount_oere"] == -(100_001 + 50_000)
    assert exit_settlement["left_on"] == "2010-01-31"
    desk.holds()


def test_a_quarter_is_called_a_quarter(quick: Desk) -> None:
    on(quick, "2008-12-20").does("agreement", "load", EXAMPLES / "horsens_odder_2009.toml")
    quick.does("subscription", "calculate", HORSENS, 2009)
    assert "deles ikke op" in " ".join(quick.says("forecast", HORSENS, "2009").out.split())
    assert "deles ikke op" in " ".join(quick.says("subscription", "notice", HORSENS, "2009").out.split())
    on(quick, "2009-01-16")
    assert "Plan for 1. kvartal 2009" in quick.says("month", "plan", HORSENS, "2009-01").out
    said = quick.says("month", "issue", HORSENS, "2009-01")
    assert "Udstedt for 1. kvartal 2009" in said.out
    assert "1. kvartal 2009 skulle være sendt senest 15.01.2009" in " ".join(said.err.split())
    on(quick, "2009-04-14")
    planned = quick.does("run", "plan", HORSENS, "--month", "2009-04")
    assert [document["change"] for document in planned["documents"]] == ["Som raten før."]
    quick.does("details", "load", DETAILS)
    (file,) = quick.does("invoice", "pdf", "F2009-0001", "--out", quick.folder)["files"]
    pages = "\n".join(page.extract_text() for page in PdfReader(file["file"]).pages)
    assert "2. kvartal 2009" in pages
    assert "fra april" not in pages


def test_out_within_a_year_that_was_billed_ahead(quick: Desk) -> None:
    """Quarters in advance, and notice to within one that is invoiced: it is credited and invoiced anew."""
    on(quick, "2008-12-20").does("agreement", "load", EXAMPLES / "horsens_odder_2009.toml")
    quick.does("subscription", "calculate", HORSENS, 2009)
    on(quick, "2009-01-15").does("agreement", "terminate", HORSENS, "--by", "727", "--to", "2009-11-01")
    quick.refuses("month", "issue", HORSENS, "2009-01", words=["31.10.2009", "subscription calculate"])
    # Ten twelfths of 2,650,000.01 are 2,208,333.34; three whole quarters and a third of one.
    answer = quick.does("subscription", "calculate", HORSENS, 2009)
    assert obligations(answer) == {"727": 220_833_334}
    assert answer["parts"][0]["instalments_oere"] == [66_250_000, 66_250_000, 66_250_000, 22_083_334]
    for month in ("01", "04", "07", "10"):
        on(quick, f"2009-{month}-15").does("month", "issue", HORSENS, f"2009-{month}")
    on(quick, "2010-02-01").holds()
    after = quick.does("month", "issue", HORSENS, "2010-01")
    assert (after["issued"], after["already_issued"], after["failed"]) == ([], [], [])


def test_an_age_band_once_a_year(quick: Desk) -> None:
    code = "tilsyn-aldersgruppe"
    on(quick, "2008-06-01").does("agreement", "load", VARIANTS / "tilsyn_aldersgruppe.toml")
    quick.refuses("subscription", "calculate", code, 2009, words=["0-17", "01.01.2008", "Assens", "--ages 0-17"])
    # Made up: so many of each age, so 18 times as many in all; the ages above are not asked for.
    each = {"Assens": 100, "Odense": 200, "Nordfyns": 50}
    rows = [f"{name};{age} år;2008K1;{count}" for name, count in each.items() for age in range(30)]
    whole = "OMRÅDE;ALDER;TID;INDHOLD\n" + "\n".join(rows)
    quick.refuses(
        "population", "load", quick.file("a.csv", whole.replace("Odense;7 år;2008K1;200\n", "")), "--ages", "0-17",
        words=["Odense", "7 år"],
    )  # fmt: skip
    quick.refuses("population", "load", quick.file("a.csv", whole), "--ages", "17-0", words=["0-17"])
    quick.refuses("population", "load", quick.file("b.csv", whole), words=["total"])
    assert len(quick.does("population", "load", quick.file("a.csv", whole), "--ages", "0-17")["added"]) == 3
    assert quick.does("population", "load", quick.file("a.csv", whole), "--ages", "0-17")["unchanged"] == 3
    # 100,000,001 øre by 2:4:1: 28,571,428.86, 57,142,857.71 and 14,285,714.43.
    price = quick.does("subscription", "calculate", code, 2009)
    assert obligations(price) == {"420": 28_571_429, "461": 57_142_858, "480": 14_285_714}
    assert [share["figure"] for share in price["division"]["portions"][0]["shares"]] == [1_800, 3_600, 900]
    on(quick, "2009-01-15")
    assert billed(quick.does("month", "issue", code, "2009-01")) == {
        "420": 28_571_429,
        "461": 57_142_858,
        "480": 14_285_714,
    }
    on(quick, "2009-12-31").holds()


def test_percentages_half_yearly_in_arrears(quick: Desk) -> None:
    code = "depot-procenter"
    on(quick, "2016-12-01").does("agreement", "load", VARIANTS / "depot_procenter.toml")
    price = quick.does("subscription", "calculate", code, 2017)
    assert obligations(price) == {"173": 38_200_000, "223": 20_400_000, "230": 41_400_000}
    on(quick, "2017-07-09")
    assert "Intet forfaldent" in quick.holds()["months_due"]
    on(quick, "2017-07-10")
    whole = {"173": 19_100_000, "223": 10_200_000, "230": 20_700_000}
    assert billed(quick.does("month", "issue", code, "2017-01")) == whole
    on(quick, "2018-01-10")
    assert billed(quick.does("month", "issue", code, "2017-07")) == whole
    quick.holds()


def test_premises_by_40_60_operation_by_inhabitants_and_a_party_that_joins(quick: Desk) -> None:
    code = "central-blandet"
    on(quick, "2011-06-01").does("agreement", "load", VARIANTS / "central_blandet.toml")
    drift = shared_out(100_000_000, {"210": FREDENSBORG, "217": HELSINGOER})
    price = quick.does("subscription", "calculate", code, 2012)
    assert obligations(price) == {"210": drift["210"] + 20_000_000, "217": drift["217"] + 30_000_000}
    on(quick, "2012-03-15")
    quick.does("month", "issue", code, "2012-01")
    first = {who: amount // 2 for who, amount in obligations(price).items()}
    assert by_code(quick.does("month", "issue", code, "2012-01")["already_issued"], "amount_oere") == first
    # Hillerød joins from 1 July by decision; the percentages must be agreed anew, from that day.
    on(quick, "2012-06-01")
    quick.refuses("membership", "join", code, "219", "--from", "2012-07-15", words=["1. i en måned"])
    quick.does("membership", "join", code, "219", "--from", "2012-07-01")
    quick.refuses("subscription", "calculate", code, 2012, words=["lokaler", "Hillerød"])
    text = (VARIANTS / "central_blandet.toml").read_text(encoding="utf-8")
    anew = (
        'percentages = { 210 = "40", 217 = "60" }\n[[keys.changes]]\nfrom = 2012-07-01\n'
        'percentages = { 210 = "30", 217 = "50", 219 = "20" }'
    )
    quick.does(
        "agreement", "load", quick.file("c.toml", text.replace('percentages = { 210 = "40", 217 = "60" }', anew))
    )
    after = obligations(quick.does("subscription", "calculate", code, 2012))
    # Half of the premises by 40/60, half by 30/50/20; half of the operation by two, half by three.
    assert sum(after.values()) == 150_000_000
    late = shared_out(50_000_000, {"210": FREDENSBORG, "217": HELSINGOER, "219": HILLEROED})
    early = shared_out(50_000_000, {"210": FREDENSBORG, "217": HELSINGOER})
    assert after == {
        "210": early["210"] + late["210"] + 10_000_000 + 7_500_000,
        "217": early["217"] + late["217"] + 15_000_000 + 12_500_000,
        "219": late["219"] + 5_000_000,
    }
    # What was invoiced stands. Hillerød's own share begins within the first instalment, so it is sent now.
    assert billed(quick.does("month", "issue", code, "2012-01")).keys() == {"219"}
    on(quick, "2012-09-14")
    second = billed(quick.does("month", "issue", code, "2012-09"))
    assert second["210"] == after["210"] - first["210"]
    assert second["217"] == after["217"] - first["217"]
    quick.holds()


def test_fixed_sums_for_one_payer_on_lines_of_their_own(quick: Desk) -> None:
    code = "tillaeg-en-betaler"
    on(quick, "2008-06-01").does("agreement", "load", VARIANTS / "tillaeg_en_betaler.toml")
    by_people = shared_out(600_000_000, {"420": 42_054, "461": 186_932, "480": 29_470})
    price = quick.does("subscription", "calculate", code, 2009)
    assert obligations(price) == {
        "420": by_people["420"] + 10_000_000,
        "461": by_people["461"],
        "480": by_people["480"] + 50_000_000,
    }
    on(quick, "2008-12-15")
    issued = quick.does("month", "issue", code, "2009-01")["issued"]
    services = {}
    for document in issued:
        shown = quick.does("invoice", "show", document["number"])
        services[document["municipality"]] = {line["service"]: line["amount_oere"] for line in shown["lines"]}
    assert services["480"]["koordinator"] in {4_166_666, 4_166_667}  # a twelfth of 500,000.00
    assert services["420"]["metode"] in {833_333, 833_334}
    assert set(services["480"]) == {"ambulant", "koordinator"}
    assert set(services["420"]) == {"ambulant", "metode"}
    assert set(services["461"]) == {"ambulant"}
    quick.holds()


def test_a_surplus_is_kept_up_to_five_per_cent_for_five_years(quick: Desk) -> None:
    code = "beholdt-overskud"
    on(quick, "2008-06-01").does("agreement", "load", VARIANTS / "beholdt_overskud.toml")
    for year in range(2009, 2015):
        head = f'[agreement]\ncode = "{code}"\n'
        if year > 2009:
            on(quick, f"{year - 1}-06-01")
            budget = head + cost("budgets", year, "461", 100_000_000, service="pladser")
            quick.does("budget", "load", quick.file(f"b{year}.toml", budget))
        quick.does("subscription", "calculate", code, year)
        for number in (1, 4, 7, 10):
            on(quick, f"{year - 1}-12-10" if number == 1 else f"{year}-{number - 1:02d}-10")
            quick.does("month", "issue", code, f"{year}-{number:02d}")
        on(quick, f"{year + 1}-03-01")
        actual = 96_000_000 if year == 2009 else 100_000_000
        accounts = head + cost("accounts", year, "461", actual, service="pladser")
        quick.does("accounts", "load", quick.file(f"r{year}.toml", accounts))
        if year == 2009:
            # 40,000.00 kr. of surplus; 5 per cent of 960,000.00 is 48,000.00, so all of it may be kept.
            quick.does("settlement", "close", code, year, "--carry", "100%")
        elif year < 2014:
            quick.does("settlement", "close", code, year)
        else:
            quick.refuses("settlement", "close", code, year, words=["2009", "5 år", "release"])
            quick.does("settlement", "release", code, 2009, "--into", 2015)
            quick.does("settlement", "close", code, year)
    quick.holds()


def test_more_than_five_per_cent_is_not_kept(quick: Desk) -> None:
    code = "beholdt-overskud"
    on(quick, "2008-06-01").does("agreement", "load", VARIANTS / "beholdt_overskud.toml")
    quick.does("subscription", "calculate", code, 2009)
    for number in (1, 4, 7, 10):
        on(quick, "2008-12-10" if number == 1 else f"2009-{number - 1:02d}-10")
        quick.does("month", "issue", code, f"2009-{number:02d}")
    on(quick, "2010-03-01")
    accounts = f'[agreement]\ncode = "{code}"\n' + cost("accounts", 2009, "461", 90_000_000, service="pladser")
    quick.does("accounts", "load", quick.file("r.toml", accounts))
    # 100,000.00 kr. of surplus; 5 per cent of 900,000.00 is 45,000.00.
    quick.refuses("settlement", "close", code, 2009, "--carry", "100%", words=["45.000,00 kr.", "5 %"])
    quick.does("settlement", "close", code, 2009, "--carry", "45000.00")
    quick.holds()


@pytest.mark.parametrize("name", sorted(path.name for path in VARIANTS.glob("*.toml")))
def test_an_example_reads_and_is_written_the_same(name: str) -> None:
    agreement = read_agreement(name, (VARIANTS / name).read_bytes())
    assert read_agreement("igen", write_agreement(agreement)) == agreement


HEAD = """[agreement]
code = "a"
title = "A"
starts_on = 2009-01-01
issuer = "461"
providers = ["461"]
subscribers = ["420"]
[[services]]
code = "a"
title = "A"
"""
REFUSED = {
    "host_share": ('[terms.allocation]\nkey = "host_share"', "værtskommunen"),
    "agreed_fte_cost": ('[terms.allocation]\nkey = "agreed_fte_cost"', "årsværk"),
    "drawing_right": ('[terms.allocation]\nkey = "drawing_right"', "trækningsret"),
    "objective_financing": ('[terms.allocation]\nkey = "objective_financing"', "objektiv finansiering"),
    "every_year": ('[terms.settlement]\ntrue_up = "every_year"', "efterregulering med egne bilag hvert år"),
    "all_years": ('[terms.settlement]\nnet_assets_at_exit = "all_years"', "nettoformuen efter det, hver har betalt"),
    "repay_investments_percent": ('[terms.settlement]\nrepay_investments_percent = "4"', "investeringer"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_not_supported_is_refused_by_its_name(quick: Desk, name: str) -> None:
    text, words = REFUSED[name]
    quick.refuses("agreement", "load", quick.file("a.toml", HEAD + text), words=[words, "understøttes ikke endnu"])


def test_the_table_of_variants_names_every_one_with_its_file_or_refusal() -> None:
    with LIST.open(encoding="utf-8") as file:
        listed = [row["variant"] for row in csv.DictReader(file)]
    table = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")]
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| --- ")
    ][1:]
    assert [row[1] for row in table] == listed
    for row in table:
        state, where = row[2].strip(), row[3].strip(" |")
        if state == "supported":
            assert (EXAMPLES / where.split("`")[1]).is_file(), row
        elif state == "refused":
            assert where.split("`")[1] in REFUSED, row
        else:
            assert state == "elsewhere", row


def test_a_fixed_term_that_begins_in_march_and_ends_in_june(quick: Desk) -> None:
    text = (VARIANTS / "hjerneskade_abonnement.toml").read_text(encoding="utf-8")
    text = text.replace("starts_on = 2009-01-01", "starts_on = 2009-03-01\nends_on = 2010-06-30")
    text = text.replace(
        'key = "population"', 'key = "population"\npartial_year = "months"\n[terms.renewal]\nkind = "fixed_term"'
    )
    text += cost("budgets", 2010, "461", 60_000_000, service="raadgivning")
    code = "hjerneskade-abonnement"
    on(quick, "2008-12-01").does("agreement", "load", quick.file("a.toml", text))
    people = {"420": 42_054, "461": 186_932, "480": 29_470}
    # 1,000,000.00 for the year, ten months of it: 833,333.33; a tenth of each share a month.
    first = obligations(quick.does("subscription", "calculate", code, 2009))
    assert first == shared_out(83_333_333, people)
    assert quick.does("month", "issue", code, "2009-02")["issued"] == []
    on(quick, "2009-02-12")
    assert "Intet forfaldent" in quick.holds()["months_due"]
    on(quick, "2009-02-13")  # 15 February 2009 is a Sunday
    march = billed(quick.does("month", "issue", code, "2009-03"))
    assert march == {who: amount // 10 for who, amount in first.items()}
    for number in range(4, 13):
        on(quick, f"2009-{number - 1:02d}-13").does("month", "issue", code, f"2009-{number:02d}")
    # Six months of 600,000.00 by the inhabitants of 2009.
    second = obligations(quick.does("subscription", "calculate", code, 2010))
    assert sum(second.values()) == 30_000_000
    on(quick, "2009-12-13").does("month", "issue", code, "2010-01")
    for number in range(2, 7):
        on(quick, f"2010-{number - 1:02d}-13").does("month", "issue", code, f"2010-{number:02d}")
    total: dict[str, int] = {}
    for document in quick.does("invoice", "list"):
        who = document["municipality"]
        total[who] = total.get(who, 0) + document["amount_oere"]
    assert total == {who: first[who] + second[who] for who in first}
    on(quick, "2011-03-01")
    assert "Intet forfaldent" in quick.holds()["months_due"]
    assert quick.does("month", "issue", code, "2010-07")["issued"] == []


def test_a_share_that_was_changed_in_the_tables_is_found(quick: Desk) -> None:
    on(quick, "2011-06-01").does("agreement", "load", VARIANTS / "central_blandet.toml")
    quick.does("subscription", "calculate", "central-blandet", 2012)
    quick.holds()
    with contextlib.closing(sqlite3.connect(quick.folder / "books.sqlite")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append_only_subscription_division"):
            connection.execute("UPDATE subscription_division SET document = '{}'")
        connection.execute("DROP TRIGGER append_only_subscription_division_update")
        ((document,),) = connection.execute("SELECT document FROM subscription_division").fetchall()
        # 40 per cent of 500,000.00 are 200,000.00; an øre more is not what the percentages give.
        assert document.count(",20000000]") == 1
        changed = document.replace(",20000000]", ",20000001]")
        connection.execute("UPDATE subscription_division SET document = ?", (changed,))
        connection.commit()
    said = quick.does("verify", status=1)
    (wrong,) = [check for check in said["checks"] if check["name"] == "shares_sum"]
    assert not wrong["ok"]
    assert "lokaler" in wrong["detail"]


def test_loading_another_schedule_is_refused(quick: Desk) -> None:
    on(quick, "2008-12-20").does("agreement", "load", EXAMPLES / "horsens_odder_2009.toml")
    text = (EXAMPLES / "horsens_odder_2009.toml").read_text(encoding="utf-8")
    other = text.replace('schedule = "quarterly"', 'schedule = "yearly"')
    quick.refuses("agreement", "load", quick.file("a.toml", other), words=["betalingsplan"])
    with pytest.raises(MellemregningError):
        read_agreement("a", text.replace("partial_year", "partial_years"))
