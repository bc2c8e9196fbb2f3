"""What bills of cases rest on is not changed by loading the file again; what does not touch them is."""

from __future__ import annotations

from tests.scenarios.conftest import FILES, Desk


def test_case_terms_that_bills_rest_on_stay(quick: Desk) -> None:
    quick.as_of = "2009-01-02"
    text = (FILES / "sager.toml").read_text(encoding="utf-8")

    def load(old: str, new: str) -> tuple[object, ...]:
        assert text.count(old) == 1, old
        return ("agreement", "load", quick.file("a.toml", text.replace(old, new)))

    quick.does("agreement", "load", quick.file("a.toml", text))
    quick.refuses(
        *load("count_leaving_day = false", "count_leaving_day = true"),
        words=["count_leaving_day", "true og false", "true og true"],
    )
    quick.refuses(
        *load('pricing = "actual"', 'pricing = "day"'),
        words=["cases.services.pricing", "ekstern actual", "ekstern day"],
    )
    quick.refuses("agreement", "load", quick.file("a.toml", text.partition("[cases]")[0]), words=["nu: ingen"])
    quick.does(*load("claim_within_months = 12", "claim_within_months = 6\ndue_days = 14"))
    quick.does(*load('title = "Halfway-huset"', 'title = "Halfway House"'))
    more = '\n[[cases.services]]\ncode = "ny"\ntitle = "Ny"\nprovider = "615"\n'
    quick.does("agreement", "load", quick.file("a.toml", text + more))
