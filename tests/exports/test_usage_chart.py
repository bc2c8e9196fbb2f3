"""What the chart of a statement draws before anything is worked out: nothing where a figure is hidden, not zero."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from billing.usage_statement.facts import Measure, Statement
from exports.excel.layout_usage import municipality_workbook
from exports.excel.write import workbook_bytes
from tests.exports.test_usage_statement import AEROE, AGREEMENT, MEMBERS, NAMES, STARTED, release


def test_a_hidden_figure_has_no_bar_of_zero() -> None:
    hides = frozenset({(Measure.STARTED, AEROE)})
    history = (release(1, "2008-H1", STARTED, frozenset()), release(2, "2008-H2", STARTED, hides))
    statement = Statement(AGREEMENT, history[-1], MEMBERS, history)
    made = workbook_bytes(municipality_workbook(statement, AEROE, NAMES, "Ærø Kommune"))
    with zipfile.ZipFile(BytesIO(made)) as archive:
        chart = archive.read("xl/charts/chart1.xml").decode()
    started, completed, broken_off = re.findall(r"<c:numCache>.*?</c:numCache>", chart)
    assert re.findall(r'<c:pt idx="(\d)"><c:v>(\d+)', started) == [("0", str(STARTED[AEROE]))]
    assert re.findall(r'<c:pt idx="(\d)"><c:v>(\d+)', completed) == [("0", "8"), ("1", "8")]
    assert re.findall(r'<c:pt idx="(\d)"><c:v>(\d+)', broken_off) == [("0", "0"), ("1", "0")]
