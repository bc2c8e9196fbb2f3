"""The section ``[cases]`` of an agreement file: how prices are written, and what is told of those that are none."""

from __future__ import annotations

from datetime import date

import pytest

from agreements.agreement_file import read_agreement
from agreements.case_terms import CasePrice
from foundation.errors import Problems

BEFORE = """
[agreement]
code = "a"
title = "A"
starts_on = 2010-01-01
issuer = "461"
providers = ["461"]
subscribers = ["420"]

[[services]]
code = "s"
title = "S"

[[cases.services]]
code = "ekstern"
title = "Ekstern"
provider = "461"
pricing = "actual"
"""
BY_DAY = '\n[[cases.services]]\ncode = "doegn"\ntitle = "Døgn"\nprovider = "461"\n'


def price(amount: str, service: str = "doegn") -> str:
    return f'\n[[cases.prices]]\nservice = "{service}"\nfrom = 2010-01-01\namount = {amount}\n'


@pytest.mark.parametrize(("amount", "oere"), [("1337", 133_700), ('"1337.5"', 133_750), ('"1337.05"', 133_705)])
def test_a_price_is_written_as_amounts_are_everywhere_in_the_file(amount: str, oere: int) -> None:
    found = read_agreement("a", BEFORE + BY_DAY + price(amount))
    assert found.cases.prices == (CasePrice("doegn", date(2010, 1, 1), oere),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (price('"5"', "ekstern"), '"ekstern" er ikke en ydelse med takst pr. døgn; der er ingen i [[cases.services]]'),
        (BY_DAY + price('"5"', "ekstern"), 'takst pr. døgn; forventet "doegn"'),
        (BY_DAY + price("0"), "en takst skal være over 0"),
        (BY_DAY + price('"-3.00"'), "en takst skal være over 0"),
        (BY_DAY + price("1337.5"), "1337.5 er et kommatal"),
        (BY_DAY + price('"1.337,00"'), 'mente du "1337.00"?'),
    ],
)
def test_a_price_that_cannot_be_used_is_told(text: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        read_agreement("a", BEFORE + text)
    assert said in caught.value.text()
    assert caught.value.text().count("cases.prices[1]") == 1
