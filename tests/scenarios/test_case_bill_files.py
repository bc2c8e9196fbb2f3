"""What leaves of a case bill: the e-invoice, judged by others, the PDF with it, and the posting file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from tests.exports.e_invoice.official import rule_findings, schema_errors
from tests.scenarios.conftest import Desk
from tests.scenarios.test_horsens_odder import AGREEMENT, CODE, HALFWAY, HORSENS, KRAASIGLUND, admitted

POSTGRESQL_IN_SOAK = True  # files are written above the stores
DETAILS = Path(str(resources.files("portal").joinpath("demo_files", "oplysninger_horsens.toml")))


def test_a_case_bill_its_correction_and_its_credit_note_are_valid(quick: Desk) -> None:
    quick.as_of = "2009-01-05"
    quick.does("agreement", "load", AGREEMENT)
    quick.does("details", "load", DETAILS)
    first = admitted(quick, "kraasiglund", "2009-01-12", "2009-01-15")
    second = admitted(quick, "halfway-huset", "2009-01-19", "2009-01-20")
    issued: list[dict[str, Any]] = []
    for day in ("2009-02-10", "2009-03-10"):
        quick.as_of = day
        if issued:  # two days too many were billed in January; February's bill takes them back
            quick.does("case", "correct", second, "--discharged", "2009-01-30")
        plan = quick.does("case", "plan", CODE)["plan"]
        quick.does("case", "plan-approve", plan)
        issued += quick.does("case", "issue", plan)["issued"]
    january, february = 17 * KRAASIGLUND + 12 * HALFWAY, 28 * KRAASIGLUND - 2 * HALFWAY
    assert [each["amount_oere"] for each in issued] == [january, february]
    quick.does("invoice", "credit", issued[1]["number"], "--reason", "forkert kontostreng")
    written = quick.does("invoice", "xml", "--all", "--out", quick.folder / "xml")
    files = [Path(each["file"]) for each in written["files"]]
    assert len(files) == 3
    assert [schema_errors(file.read_bytes()) for file in files] == [[], [], []]
    assert [found for findings in rule_findings(files).values() for found in findings] == []
    text = files[0].read_text(encoding="utf-8")
    assert first in text
    assert f">{january // 100}.{january % 100:02d}</cbc:PayableAmount>" in text
    printed = [Path(each["file"]) for each in quick.does("invoice", "pdf", "--all", "--out", quick.folder)["files"]]
    assert len(printed) == 3
    pages = "\n".join(page.extract_text() for page in PdfReader(printed[0]).pages)
    assert first in pages
    assert "27.097,00" in pages  # 17 days of 1.337 kr. and 12 of 364 kr.
    # What is debited the payer stands against the two services, and all of it sums to nothing.
    quick.does("posting-file", "write", HORSENS, "--from", "2009-02-01", "--to", "2009-03-31", "--out", quick.folder)
    (posted,) = quick.folder.glob("*.csv")
    rows = posted.read_text(encoding="utf-8-sig")
    assert "EKSEMPEL-1004" in rows
    assert "EKSEMPEL-1005" in rows
    quick.holds()
