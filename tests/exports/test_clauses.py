"""A workbook cites the clauses that the agreement's own file names, and no other agreement's."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest

from agreements.agreement import CitedClause, Clause
from agreements.agreement_file import read_agreement, write_agreement
from exports.excel.layout import calculation_workbook
from exports.excel.workbook import Workbook
from foundation.errors import Problems
from tests.exports.worked_examples import FUNEN, NAMES, year_of

FUNEN_FILE = resources.files("agreements.examples").joinpath("fyn_2009.toml").read_bytes()
HORSENS = resources.files("agreements.examples").joinpath("horsens_odder_2009.toml").read_bytes()


def texts(workbook: Workbook) -> list[str]:
    return [cell.value for sheet in workbook.sheets for cell in sheet.cells.values() if isinstance(cell.value, str)]


def test_the_file_says_where_and_is_written_again() -> None:
    funen = read_agreement("fyn.toml", FUNEN_FILE)
    assert funen.clause(Clause.COST) == "§ 6 stk. 1"
    assert funen.citing(Clause.PASSED_ON, "et overskud") == "Aftalens § 6 stk. 3 og 6: et overskud"
    assert read_agreement("igen.toml", write_agreement(funen)) == funen
    horsens = read_agreement("ho.toml", HORSENS)
    assert horsens.clauses == ()
    assert "clauses" not in write_agreement(horsens)
    assert horsens.citing(Clause.PASSED_ON, "et overskud") == "Et overskud"


@pytest.mark.parametrize(
    ("planted", "found"),
    [('price = "§ 6"', "price"), ("cost = 6", "cost"), (f'cost = "{"x" * 41}"', "cost")],
)
def test_what_is_no_clause_is_refused(planted: str, found: str) -> None:
    text = f"{HORSENS.decode()}\n[clauses]\n{planted}\n"
    with pytest.raises(Problems) as refused:
        read_agreement("ho.toml", text)
    assert any(found in line for line in refused.value.problems)


def test_only_the_agreements_own_are_cited() -> None:
    price = year_of()
    plain = texts(calculation_workbook(replace(FUNEN, clauses=()), price, NAMES, {}))
    assert not [text for text in plain if "§" in text and text != FUNEN.legal_basis]
    assert "Alle udgifter linje for linje" in plain
    cited = replace(FUNEN, clauses=(CitedClause(Clause.COST, "pkt. 5.1"), CitedClause(Clause.SHARES, "bilag 2")))
    said = texts(calculation_workbook(cited, price, NAMES, {}))
    assert "Aftalens pkt. 5.1: alle udgifter linje for linje" in said
    assert {"pkt. 5.1", "bilag 2"} <= set(said)
    assert not [text for text in said if "§" in text and text != FUNEN.legal_basis]
