"""What the command line cannot read is told, not a traceback."""

from __future__ import annotations

import pytest

from portal.commands import main


@pytest.mark.parametrize("arguments", [["invoice", "credit", "F2009-0001", "--reason", "a\udcff"], ["\ud800"]])
def test_bytes_that_are_no_text_are_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"Ord nr. {len(arguments)} på kommandolinjen er ikke UTF-8. Skriv det om, eller omdøb filen.\n",
    )
