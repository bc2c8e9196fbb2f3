"""Keys, schedules and terms beside Funen's in the agreement file: what is read, what is written, what is told."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from agreements.age_band import AgeBand, NotAnAgeBand
from agreements.agreement import (
    AgreedFigure,
    AllocationKey,
    DayOfYear,
    KeyChange,
    PartialYear,
    RenegotiationTerms,
    RenewalKind,
    RenewalTerms,
    Schedule,
    Timing,
)
from agreements.agreement_file import read_agreement, write_agreement
from agreements.agreement_form import from_values, to_values
from agreements.deadlines import last_due, price_missing_from, send_deadline
from agreements.schedule import (
    NotAnInstalment,
    beginning_with,
    instalment_after,
    instalment_before,
    instalments_of_year,
)
from foundation.errors import Problems
from foundation.period import Month

HORSENS = resources.files("agreements").joinpath("examples/horsens_odder_2009.toml").read_text(encoding="utf-8")
MIXED = resources.files("agreements").joinpath("examples/variants/central_blandet.toml").read_text(encoding="utf-8")


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def problems_of(text: str) -> str:
    with pytest.raises(Problems) as caught:
        read_agreement("a", text)
    return caught.value.text()


def test_horsens_and_odder_is_read_as_it_was_signed() -> None:
    agreement = read_agreement("a", HORSENS)
    terms = agreement.terms
    assert terms.renewal == RenewalTerms(kind=RenewalKind.OPEN_ENDED, notice_months=9)
    assert terms.renegotiation == RenegotiationTerms(duty=True, first_on=date(2009, 9, 1))
    assert terms.allocation.key is AllocationKey.ONE_PARTY
    assert terms.allocation.partial_year is PartialYear.MONTHS
    assert [(key.name, key.terms.figures, key.terms.counted_on) for key in terms.allocation.line_keys] == [
        ("stofpladser", (AgreedFigure("727", 24),), date(2008, 6, 1)),
        ("alkoholpladser", (AgreedFigure("727", 15),), date(2008, 6, 1)),
    ]
    assert (terms.advance.schedule, terms.advance.timing, terms.advance.instalments) == (
        Schedule.QUARTERLY,
        Timing.ADVANCE,
        4,
    )
    assert read_agreement("b", write_agreement(agreement)) == agreement
    assert from_values(to_values(agreement)) == agreement


def test_figures_agreed_anew_are_read_and_written() -> None:
    anew = '\n[[keys.changes]]\nfrom = 2012-07-01\npercentages = { 210 = "33.3333", 217 = "66.6667" }\n'
    text = changed(MIXED, 'percentages = { 210 = "40", 217 = "60" }', f'percentages = {{ 210 = "40", 217 = 60 }}{anew}')
    agreement = read_agreement("a", text)
    key = agreement.terms.allocation.line_keys[0].terms
    assert key.figures == (AgreedFigure("210", 400_000), AgreedFigure("217", 600_000))
    assert key.changes == (KeyChange(date(2012, 7, 1), (AgreedFigure("210", 333_333), AgreedFigure("217", 666_667))),)
    assert key.agreed_on(date(2012, 6, 30)) == (None, key.figures)
    assert key.agreed_on(date(2012, 7, 1)) == (date(2012, 7, 1), key.changes[0].figures)
    assert read_agreement("b", write_agreement(agreement)) == agreement
    assert from_values(to_values(agreement)) == agreement


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('{ 210 = "40", 217 = "60" }', '{ 210 = "40", 217 = "59.9" }', "giver 99.9 i alt; de skal give netop 100"),
        ('{ 210 = "40", 217 = "60" }', '{ 210 = "40", 217 = "60.00001" }', "er ikke en procent"),
        ('{ 210 = "40", 217 = "60" }', '{ 210 = "-40", 217 = "140" }', "er ikke en procent"),
        ('{ 210 = "40", 217 = "60" }', '{ 210 = "40", 217 = 60.0 }', "er ikke en procent"),
        ('{ 210 = "40", 217 = "60" }', '{ 210 = "40", 999 = "60" }', '"999" er ikke en kommunes kode'),
        ('{ 210 = "40", 217 = "60" }', "{}", "kan ikke bruges"),
        ('percentages = { 210 = "40", 217 = "60" }', "", "percentages: mangler"),
        ('lines = ["lokaler"]', "", "skriv lines, services eller begge"),
        ('lines = ["lokaler"]', 'services = ["centralen"]', "er ikke en af aftalens ydelser"),
        ('name = "lokaler"', 'name = "lokaler"\npayer = "210"', 'payer: hører til key = "one_party"'),
        ('name = "lokaler"', 'name = "lokaler"\nprocent = 1', "procent: ukendt nøgle"),
        ('partial_year = "months"', 'partial_year = "weeks"', 'forventet "not_allowed", "months" eller "days"'),
        ('["03-15", "09-15"]', '["09-15", "03-15"]', "står ikke efter dagen foran"),
        ('["03-15", "09-15"]', '["03-15", "03-20"]', "i samme måned"),
        ('["03-15", "09-15"]', '["02-30"]', "er ikke en dag, der findes hvert år"),
        ('dates = ["03-15", "09-15"]', "", "dates: mangler"),
        ('schedule = "own_dates"', 'schedule = "own_dates"\nsend_by_day = 3', "send_by_day: bruges ikke med"),
        ('schedule = "own_dates"', 'schedule = "own_dates"\ninstalments = 3', "er ikke antallet af dage i dates, 2"),
        ('schedule = "own_dates"', 'schedule = "yearly"', "dates: bruges kun med"),
        (
            '[[budgets]]\nyear = 2012\nprovider = "217"\nservice = "central"\nline = "drift"',
            (
                '[[keys]]\nname = "to"\nservices = ["central"]\nkey = "population"\n'
                '[[budgets]]\nyear = 2012\nprovider = "217"\nservice = "central"\nline = "drift"'
            ),
            '"to" gælder nogle af samme budgetlinjer som "lokaler"',
        ),
        ("[[services]]", "[[add_ons]]\n[[services]]", 'en nøgle under [[keys]], key = "one_party"'),
    ],
)
def test_a_mistake_in_a_key_or_a_schedule_is_told(old: str, new: str, told: str) -> None:
    assert told in problems_of(changed(MIXED, old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("notice_months = 9 ", "# ", "notice_months: mangler"),
        ("notice_months = 9 ", "notice_months = 9\nnotice_by = '07' ", 'notice_by: hører til kind = "calendar_year"'),
        ('partial_year = "months" ', "# ", 'skriv i [terms.allocation] partial_year = "months"'),
        ("starts_on = 2009-01-01 ", "starts_on = 2009-01-15 ", "er ikke den 1. i en måned"),
        ('timing = "advance"', 'timing = "arrears"', "months_ahead: bruges kun forud"),
        ('kind = "open_ended" ', 'kind = "fixed_term" ', "ends_on: mangler"),
        ("duty = true ", 'duty = "ja" ', "forventet true eller false"),
        ("lag_years = 2", 'lag_years = 2\nkeep_percent = "101"', "forventet en procent fra 0 til 100"),
        ("{ 727 = 24 }", "{ 727 = -1 }", "capacity: -1"),
        ("{ 727 = 24 }", "{ 727 = 0 }", "kapaciteten er nul for alle"),
        ("capacity = { 727 = 24 }\ncounted_on = 2008-06-01", "capacity = { 727 = 24 }", "counted_on: mangler"),
        ('payer = "727"', 'payer = "Odder"', 'mente du "727" (Odder)?'),
    ],
)  # fmt: skip
def test_a_mistake_in_the_terms_is_told(old: str, new: str, told: str) -> None:
    assert told in problems_of(changed(HORSENS, old, new))


def test_deadlines_follow_the_schedule() -> None:
    quarters = read_agreement("a", HORSENS).terms.advance
    # 15 January 2009 is a Thursday; 15 April a Wednesday; 15 July a Wednesday; 15 October a Thursday.
    assert [send_deadline(quarters, each.first) for each in instalments_of_year(quarters, 2009)] == [
        date(2009, 1, 15),
        date(2009, 4, 15),
        date(2009, 7, 15),
        date(2009, 10, 15),
    ]
    assert price_missing_from(quarters, 2009) == date(2009, 1, 15)
    assert last_due(quarters, date(2009, 4, 14)) == Month(2009, 1)
    assert last_due(quarters, date(2009, 4, 15)) == Month(2009, 4)
    dates = read_agreement("a", MIXED).terms.advance
    assert dates.dates == (DayOfYear(3, 15), DayOfYear(9, 15))
    # 15 September 2012 is a Saturday, so the bank day before.
    assert [send_deadline(dates, each.first) for each in instalments_of_year(dates, 2012)] == [
        date(2012, 3, 15),
        date(2012, 9, 14),
    ]
    assert [each.danish for each in instalments_of_year(dates, 2012)] == [
        "januar-august 2012",
        "september-december 2012",
    ]
    assert instalment_before(dates, Month(2012, 1)) == Month(2011, 9)
    assert instalment_after(dates, Month(2012, 9)) == Month(2013, 1)


def test_in_arrears_the_month_after() -> None:
    text = changed(HORSENS, 'timing = "advance"', 'timing = "arrears"')
    advance = read_agreement("a", text.replace("months_ahead = 0 ", "# ")).terms.advance
    # 15 January 2010 is a Friday; the first quarter's 15 April 2009 a Wednesday.
    assert send_deadline(advance, Month(2009, 1)) == date(2009, 4, 15)
    assert send_deadline(advance, Month(2009, 10)) == date(2010, 1, 15)
    assert last_due(advance, date(2010, 1, 14)) == Month(2009, 7)
    assert last_due(advance, date(2010, 1, 15)) == Month(2009, 10)


def test_a_month_within_an_instalment_is_told_with_the_right_one() -> None:
    agreement = read_agreement("a", HORSENS)
    assert beginning_with(agreement, Month(2009, 4)).danish == "2. kvartal 2009"
    with pytest.raises(NotAnInstalment, match="2009-04"):
        beginning_with(agreement, Month(2009, 6))


@pytest.mark.parametrize("text", ["0", "17-0", "0-126", "-1-17", "0-17 år", "a-b", "", "\u0660-\u0669"])
def test_no_age_band(text: str) -> None:
    with pytest.raises(NotAnAgeBand):
        AgeBand.parse(text)


def test_an_age_band() -> None:
    assert list(AgeBand.parse("0-2").ages) == [0, 1, 2]
    assert str(AgeBand.parse(" 17-17 ")) == "17-17"
