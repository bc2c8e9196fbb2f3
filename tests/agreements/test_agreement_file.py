"""The agreement file: what it means, what is refused and how it is told, and back to text."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from importlib import resources
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.agreement import (
    AdvanceTerms,
    Agreement,
    AllocationTerms,
    CitedClause,
    Clause,
    CostKind,
    CostLine,
    CostLineKey,
    DayOfYear,
    InvoicePer,
    IssuedBy,
    PartyDetails,
    ProviderOwnShare,
    ReferenceDate,
    ResultKey,
    Service,
    SettlementTerms,
    Terms,
    UsageTerms,
)
from agreements.agreement_file import read_agreement, write_agreement
from agreements.municipality import MUNICIPALITIES
from foundation.errors import Problems

FUNEN = resources.files("agreements").joinpath("examples/fyn_2009.toml").read_text(encoding="utf-8")
SMALLEST = """\
[agreement]
code = "horsens-odder"
title = "Partnerskabsaftale"
legal_basis = "Serviceloven § 101"
starts_on = 2009-01-01
issuer = "615"
providers = ["615"]
subscribers = ["727"]

[[services]]
code = "ambulant"
title = "Ambulant behandling"
"""


def problems_of(content: bytes | str) -> tuple[str, ...]:
    with pytest.raises(Problems) as caught:
        read_agreement("aftale.toml", content)
    assert str(caught.value).startswith("aftale.toml kan ikke bruges, og intet er ændret:\n  - ")
    return caught.value.problems


def changed(old: str, new: str, text: str = FUNEN) -> str:
    assert text.count(old) >= 1
    return text.replace(old, new, 1)


def test_the_funen_agreement_loads_as_it_is() -> None:
    agreement = read_agreement("fyn_2009.toml", FUNEN)
    assert agreement == Agreement(
        code="fyn-alkohol",
        title="Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
        legal_basis="Sundhedsloven § 141, stk. 3",
        starts_on=date(2009, 1, 1),
        issuer="461",
        providers=("461", "479"),
        subscribers=("420", "430", "440", "450", "461", "479", "480", "482", "492"),
        services=(Service("ambulant", "Ambulant alkoholbehandling", "Momsloven § 13, stk. 1, nr. 1"),),
        terms=Terms(),
        budgets=(
            CostLine(CostLineKey(2009, "461", "ambulant"), 1_825_000_000, "Eksempelbeløb"),
            CostLine(CostLineKey(2009, "479", "ambulant"), 641_733_333, "Eksempelbeløb"),
        ),
        clauses=(
            CitedClause(Clause.ACCOUNTS, "§ 6 stk. 3"),
            CitedClause(Clause.CARRY_OVER, "§ 6 stk. 6"),
            CitedClause(Clause.CLEARING, "bilag"),
            CitedClause(Clause.COST, "§ 6 stk. 1"),
            CitedClause(Clause.DEMAND, "§ 6 stk. 5"),
            CitedClause(Clause.EXIT, "§ 6 stk. 8"),
            CitedClause(Clause.INVOICING, "§ 7 stk. 1"),
            CitedClause(Clause.LEAVING, "§ 8 stk. 3"),
            CitedClause(Clause.OBLIGATION, "§ 6 stk. 3"),
            CitedClause(Clause.PASSED_ON, "§ 6 stk. 3 og 6"),
            CitedClause(Clause.PRICE_NOTICE, "§ 6 stk. 4"),
            CitedClause(Clause.SHARES, "§ 6 stk. 2"),
            CitedClause(Clause.USAGE, "§ 6 stk. 7"),
        ),
    )


def test_terms_that_are_not_mentioned_have_the_defaults() -> None:
    agreement = read_agreement("lille.toml", SMALLEST)
    assert agreement.terms == Terms()
    assert agreement.budgets == ()
    assert agreement.ends_on is None


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter() -> None:
    expected = read_agreement("a", FUNEN)
    assert read_agreement("a", b"\xef\xbb\xbf" + FUNEN.encode()) == expected
    assert read_agreement("a", "\ufeff" + FUNEN) == expected
    assert read_agreement("a", FUNEN.replace("\n", "\r\n").encode()) == expected


def test_other_terms_are_read() -> None:
    text = FUNEN
    for old, new in [
        ('rounding_unit = "0.01"', 'rounding_unit = "1"'),
        ("january_1_of_previous_year", "january_1_of_same_year"),
        ("months_ahead = 1", "months_ahead = 0"),
        ("due_days = 30", "due_days = 14"),
        ('provider_own_share = "invoice"', 'provider_own_share = "net"'),
        ('invoice_per = "issuer"', 'invoice_per = "agreement"'),
        ('issued_by = "officer"', 'issued_by = "clock"'),
        ('result_key = "accounting_year"', 'result_key = "application_year"'),
        ("lag_years = 2", "lag_years = 1"),
        ('accounts_by = "04-01"', 'accounts_by = "03-15"'),
        ('["01-01/06-30", "07-01/12-31"]', '["01-01/12-31"]'),
        ("small_count_threshold = 5", "small_count_threshold = 3"),
    ]:
        text = changed(old, new, text)
    assert read_agreement("a", text).terms == Terms(
        allocation=AllocationTerms(reference_date=ReferenceDate.JANUARY_1_OF_SAME_YEAR, rounding_unit_oere=100),
        advance=AdvanceTerms(
            months_ahead=0,
            due_days=14,
            provider_own_share=ProviderOwnShare.NET,
            invoice_per=InvoicePer.AGREEMENT,
            issued_by=IssuedBy.CLOCK,
        ),
        settlement=SettlementTerms(accounts_by=DayOfYear(3, 15), lag_years=1, result_key=ResultKey.APPLICATION_YEAR),
        usage=UsageTerms(periods=((DayOfYear(1, 1), DayOfYear(12, 31)),), small_count_threshold=3),
    )


def test_five_mistakes_are_told_at_once_by_line() -> None:
    text = FUNEN
    for old, new in [
        ('"492"]', '"493"]'),
        ("due_days = 30", "due_dayz = 30"),
        ("lag_years = 2", 'lag_years = "2"'),
        ('amount = "18250000.00"', 'amount = "1.234,5x"'),
        ('provider = "479"', 'provider = "492"'),
    ]:
        text = changed(old, new, text)
    assert problems_of(text) == (
        (
            'linje 10, agreement.subscribers[9]: "493" er ikke en kommunes kode; '
            'forventet en kommunekode i anførselstegn, fx "461"'
        ),
        "linje 21, terms.advance.due_dayz: ukendt nøgle; mente du due_days?",
        (
            'linje 30, terms.settlement.lag_years: "2" kan ikke bruges; forventet et helt tal fra 1 til 5, '
            "uden anførselstegn"
        ),
        (
            'linje 50, budgets[1].amount: "1.234,5x" er ikke et beløb; forventet et beløb i kroner som tekst med '
            'punktum før ørerne, fx "18250000.00"'
        ),
        'linje 55, budgets[2].provider: "492" er ikke ydelsesleverandør i aftalen; forventet "461" eller "479"',
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('code = "fyn-alkohol"', 'code = "Fyn Alkohol"', 'agreement.code: "Fyn Alkohol" kan ikke bruges'),
        ('code = "fyn-alkohol"', "", "agreement.code: mangler; forventet aftalens kode"),
        ('code = "fyn-alkohol"', "code = 7", "agreement.code: 7 er ikke en tekst"),
        ('title = "Aftale', 'title = "\\u0000Aftale', "agreement.title: teksten skal stå på én linje"),
        ("starts_on = 2009-01-01", 'starts_on = "2009-01-01"', 'agreement.starts_on: "2009-01-01" er ikke en dato'),
        ("starts_on = 2009-01-01", "starts_on = 2009-01-01T00:00:00", "er ikke en dato"),
        ("starts_on = 2009-01-01", "starts_on = 2009-03-01", "2009-03-01 er ikke den 1. januar"),
        ("starts_on = 2009-01-01", "starts_on = 1999-01-01", "året 1999 er uden for 2007-2090"),
        ("starts_on = 2009-01-01", "starts_on = 2009-01-01\nends_on = 2008-12-31", "er før aftalens første dag"),
        ("starts_on = 2009-01-01", "starts_on = 2009-01-01\nends_on = 2012-06-30", "er ikke den 31. december"),
        ("starts_on = 2009-01-01", "starts_on = 2010-01-01", "budgets[1].year: 2009 er før aftalens første år, 2010"),
        ("year = 2009", "year = 2013", None),
        ("year = 2009", "year = true", "budgets[1].year: true kan ikke bruges"),
        ('issuer = "461"', 'issuer = "492"', '"492" er ikke blandt ydelsesleverandørerne'),
        ('issuer = "461"', "issuer = 461", "agreement.issuer: 461 er ikke en tekst"),
        ('issuer = "461"', 'issuer = "0461"', 'mente du "461" (Odense)?'),
        ('issuer = "461"', 'issuer = "Odense"', 'mente du "461" (Odense)?'),
        ('providers = ["461", "479"]', 'providers = ["461", "479", "461"]', 'providers[3]: "461" står der mere end én'),
        ('providers = ["461", "479"]', "providers = []", "agreement.providers: listen er tom"),
        ('providers = ["461", "479"]', 'providers = "461"', 'agreement.providers: "461" er ikke en liste'),
        ('key = "population"', 'key = "fixed_shares"', "fordeling efter faste andele"),
        ('key = "population"', 'key = "popluation"', "mente du population?"),
        ('rounding_unit = "0.01"', "rounding_unit = 0.01", '0.01 kan ikke bruges; forventet "0.01" for øre'),
        ('rounding_unit = "0.01"', 'rounding_unit = "0.1"', '"0.1" kan ikke bruges'),
        ("instalments = 12", "instalments = 4", "4 rater om året passer ikke med"),
        ("send_by_day = 15", "send_by_day = 29", "29 kan ikke bruges; forventet et helt tal fra 1 til 28"),
        ("months_ahead = 1", "months_ahead = 2", "forventet et helt tal fra 0 til 1"),
        ("due_days = 30", "due_days = 30.0", "30.0 kan ikke bruges; forventet et helt tal fra 0 til 120"),
        ("due_days = 30", "due_days = -1", "-1 kan ikke bruges"),
        ('"invoice"', '"Invoice"', 'forventet "invoice" eller "net"; mente du invoice?'),
        ('accounts_by = "04-01"', 'accounts_by = "04-31"', '"04-31" er ikke en dag, der findes hvert år'),
        ('accounts_by = "04-01"', 'accounts_by = "02-29"', '"02-29" er ikke en dag, der findes hvert år'),
        ('accounts_by = "04-01"', 'accounts_by = "1. april"', "er ikke en dag, der findes hvert år"),
        ("lag_years = 2", "lag_years = 0", "forventet et helt tal fra 1 til 5"),
        ('result_key = "accounting_year"', 'result_key = "refund"', "understøttes ikke endnu; brug"),
        ('kind = "calendar_year"', 'kind = "months_notice"', 'forventet "calendar_year", "open_ended"'),
        ('"07-01/12-31"', '"06-30/12-31"', 'usage.periods[2]: "06-30/12-31" begynder, før perioden foran er slut'),
        ('"07-01/12-31"', '"07-01/01-31"', "slutter, før den begynder"),
        ('"07-01/12-31"', '"andet halvår"', '"andet halvår" kan ikke læses'),
        ("small_count_threshold = 5", "small_count_threshold = 1", "forventet et helt tal fra 2 til 100"),
        ('service = "ambulant"', 'service = "ambulent"', "er ikke en af aftalens ydelser; mente du ambulant?"),
        ('"18250000.00"', "18250000.00", "er et kommatal, som ikke er nøjagtigt"),
        ('"18250000.00"', '"18.250.000,00"', 'mente du "18250000.00"?'),
        ('"18250000.00"', '"18250000.00"\nkind = "grant"', None),
        ('"18250000.00"', '"-5.00"\nkind = "grant"', '"-5.00" er negativt; tilskud og indtægter skrives som positive'),
        ('"18250000.00"', "false", "false er ikke et beløb"),
        ('"18250000.00"', "900000000000000000000", "beløbet er for stort"),
        ('"18250000.00"', '"5"\nkind = "gift"', '"gift" kan ikke bruges; forventet "cost", "grant" eller'),
        ('provider = "479"', 'provider = "461"', "budgets[2]: samme linje som budgets[1] (2009, 461, ambulant)"),
        ("[terms.usage]", "[terms.exit]\n[terms.usage]", "terms.exit: særlige vilkår ved udtræden"),
        ("[[services]]", "[[cases]]\n[[services]]", "cases: en liste er ikke en tabel; forventet [cases]"),
        ("[[services]]", "[[servises]]\n[[services]]", "servises: ukendt nøgle; mente du services?"),
        ("[terms.usage]", "[terms.usage]\nperiod = 1", "terms.usage.period: ukendt nøgle; mente du periods?"),
    ],
)
def test_each_mistake_is_told_with_its_key_and_what_is_expected(old: str, new: str, told: str | None) -> None:
    text = changed(old, new)
    if told is None:
        read_agreement("a", text)
    else:
        assert any(told in problem for problem in problems_of(text)), problems_of(text)


GLN = '\n[[parties]]\nmunicipality = "461"\ngln = "{}"\n'


def test_gln() -> None:
    # 5790000000012 is made up: 5+9+0+... by weights 1 and 3 is 5+21+9+0+0+0+0+0+0+0+0+3 = 38, so the digit is 2.
    assert read_agreement("a", SMALLEST + GLN.format("5790000000012")).parties == (
        PartyDetails("461", "5790000000012"),
    )
    assert read_agreement("a", SMALLEST + '\n[[parties]]\nmunicipality = "461"\n').parties == (PartyDetails("461"),)
    for wrong in ("5790000000013", "579000000001", "57900000000129", "579000000001x", "٥٧٩٠٠٠٠٠٠٠٠١٢"):
        assert problems_of(SMALLEST + GLN.format(wrong)) == (
            f'linje 16, parties[1].gln: "{wrong}" er ikke et GLN på 13 cifre med rigtigt kontrolciffer',
        )
    twice = SMALLEST + GLN.format("5790000000012") + GLN.format("5790000000012")
    assert len(problems_of(twice)) == 2


def test_lines_of_one_service_are_told_apart_by_kind_and_name() -> None:
    text = (
        FUNEN
        + """
[[budgets]]
year = 2009
provider = "461"
service = "ambulant"
kind = "surplus_capacity_income"
amount = 250000

[[budgets]]
year = 2009
provider = "461"
service = "ambulant"
line = "lokaler"
amount = "-12.5"
"""
    )
    lines = read_agreement("a", text).budgets[2:]
    assert [(line.key.kind, line.key.line, line.amount_oere, line.net_oere) for line in lines] == [
        (CostKind.SURPLUS_CAPACITY_INCOME, "", 25_000_000, -25_000_000),
        (CostKind.COST, "lokaler", -1_250, -1_250),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (FUNEN.encode("latin-1"), "linje 6: filen er ikke gemt som UTF-8; den er formentlig gemt som Latin-1"),
        (FUNEN.encode("utf-16"), "filen er en tekst i UTF-16"),
        (b"%PDF-1.4 ...", "filen er en PDF-fil; forventet en tekstfil i TOML"),
        (b"PK\x03\x04...", "filen er en Excel-fil"),
        (b"#" * 5_000_001, "filen er større end 5 MB"),
        ("#" * 10_001, "linje 1: linjen er på mere end 10000 tegn"),
        (".".join("a" * 2_000) + " = 1", "linje 1: der er for mange punktummer i nøglen"),
        ("\n\na = {" + ".".join(["'a'"] * 2_000) + " = 1}", "linje 3: der er for mange punktummer i nøglen"),
        (b"", "agreement: mangler; forventet en tabel, [agreement]"),
        ('[agreement]\ncode "x"', "linje 2, kolonne 6: der mangler et lighedstegn efter nøglen"),
        ("[agreement]\ncode = 'x'\ncode = 'y'", "linje 3, kolonne 11: nøglen står der mere end én gang"),
        ("[agreement]\ncode = fyn", "linje 2, kolonne 8: værdien kan ikke læses; tekster skrives i anførselstegn"),
        ("a = [\n1,", "sidst i filen"),
        ("a = 2009-02-30", "linje 1, kolonne 5: datoen findes ikke"),
        ("a = " + "[" * 9_000, "for mange parenteser"),
        ("a = " + "9" * 5_000, "uden for det mulige"),
        ("agreement = 1", "linje 1, agreement: 1 er ikke en tabel; forventet [agreement]"),
        ("agreement = {code = 1}", "linje 1, agreement.code: 1 er ikke en tekst"),
        ("services = 1", "services: 1 kan ikke bruges; forventet mindst én tabel skrevet [[services]]"),
        ("services = [1]", "services[1]: 1 er ikke en tabel"),
        ("budgets = {}", "budgets: en tabel kan ikke bruges"),
        ("[terms]\nusage = []", "linje 2, terms.usage: en liste er ikke en tabel"),
        ('"æ{x}\\n" = 1', '"æ{x}�": ukendt nøgle'),
    ],
)
def test_a_file_that_is_something_else(content: bytes | str, told: str) -> None:
    assert any(told in problem for problem in problems_of(content)), problems_of(content)


def test_of_very_many_problems_a_hundred_are_told() -> None:
    problems = problems_of(FUNEN + "[[budgets]]\n" * 200)
    assert len(problems) == 101
    assert problems[-1] == "… og 700 fejl mere"


def test_lines_are_found_in_an_unruly_file() -> None:
    text = '''# [agreement]
[ agreement ]  # code = 1
"code" = "x" # [terms]
title = """
[terms.advance]
due_days = "no"
"""
legal_basis = 'a = [b]'
providers = [ # comment ]
  "461",
  "462",
]
terms.a.b = 1
[[ services ]]
title = "t"
[[services]]
titel = "t"
'''
    assert [problem for problem in problems_of(text) if "mangler" not in problem] == [
        "linje 4, agreement.title: teksten skal stå på én linje og uden styretegn",
        (
            'linje 9, agreement.providers[2]: "462" er ikke en kommunes kode; '
            'forventet en kommunekode i anførselstegn, fx "461"'
        ),
        (
            'linje 13, agreement.terms: ukendt nøgle; her kan stå "code", "title", "legal_basis", "starts_on", '
            '"ends_on", "providers", "subscribers" eller "issuer"'
        ),
        "linje 17, services[2].titel: ukendt nøgle; mente du title?",
    ]


def test_writing_is_canonical() -> None:
    agreement = read_agreement("a", FUNEN)
    text = write_agreement(agreement)
    assert read_agreement("b", text) == agreement
    assert write_agreement(read_agreement("b", text)) == text
    assert tomllib.loads(text) == tomllib.loads(FUNEN)  # the example names every term


TEXTS = (
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)
    .map(lambda text: text.strip() or "x")
    .filter(lambda text: not set(text) & {"\ufffe", "\uffff"})
)
CODES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)
MUNICIPALITY_LISTS = st.lists(st.sampled_from(list(MUNICIPALITIES)), min_size=1, unique=True)
DAYS_OF_YEAR = st.dates(date(2009, 1, 1), date(2009, 12, 31)).map(lambda day: DayOfYear(day.month, day.day))


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    """Any agreement that a file can say."""
    providers = draw(MUNICIPALITY_LISTS)
    services = draw(
        st.lists(st.builds(Service, CODES, TEXTS, st.just("") | TEXTS), min_size=1, unique_by=lambda s: s.code)
    )
    year = draw(st.integers(2007, 2030))
    keys = st.builds(
        CostLineKey,
        st.integers(year, 2030),
        st.sampled_from(providers),
        st.sampled_from([service.code for service in services]),
        st.sampled_from(CostKind),
        st.just("") | TEXTS,
    )
    budgets = [
        CostLine(key, amount if key.kind is CostKind.COST else abs(amount), note)
        for key, amount, note in draw(
            st.lists(
                st.tuples(keys, st.integers(-(10**14), 10**14), st.just("") | TEXTS), unique_by=lambda line: line[0]
            )
        )
    ]
    days = sorted(draw(st.lists(DAYS_OF_YEAR, min_size=2, max_size=8, unique=True)))
    return Agreement(
        code=draw(CODES),
        title=draw(TEXTS),
        legal_basis=draw(TEXTS),
        starts_on=date(year, 1, 1),
        issuer=draw(st.sampled_from(providers)),
        providers=tuple(providers),
        subscribers=tuple(draw(MUNICIPALITY_LISTS)),
        services=tuple(services),
        terms=Terms(
            allocation=draw(st.builds(AllocationTerms, rounding_unit_oere=st.sampled_from([1, 100]))),
            advance=draw(
                st.builds(
                    AdvanceTerms,
                    send_by_day=st.integers(1, 28),
                    months_ahead=st.integers(0, 1),
                    due_days=st.integers(0, 120),
                    provider_own_share=st.sampled_from(ProviderOwnShare),
                    invoice_per=st.sampled_from(InvoicePer),
                    issued_by=st.sampled_from(IssuedBy),
                )
            ),
            settlement=draw(st.builds(SettlementTerms, DAYS_OF_YEAR, DAYS_OF_YEAR, DAYS_OF_YEAR, st.integers(1, 5))),
            usage=UsageTerms(tuple(zip(days[::2], days[1::2], strict=False)), draw(st.integers(2, 100))),
        ),
        parties=tuple(PartyDetails(code) for code in draw(st.lists(st.sampled_from(providers), unique=True))),
        budgets=tuple(budgets),
        ends_on=draw(st.none() | st.just(date(2030, 12, 31))),
    )


@given(agreements())
def test_what_is_written_is_read_back_equal(agreement: Agreement) -> None:
    assert read_agreement("a", write_agreement(agreement)) == agreement
    assert read_agreement("a", write_agreement(agreement).encode()) == agreement


def answers_or_tells(content: bytes | str) -> None:
    """Nothing but an agreement or its problems comes out."""
    try:
        agreement = read_agreement("a", content)
    except Problems as error:
        told = error.problems
    else:
        told = ("an agreement",)
        assert read_agreement("a", write_agreement(agreement)) == agreement
    assert told
    assert all(problem and "\n" not in problem for problem in told)


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    answers_or_tells(content)


@given(st.text(alphabet="[]{}=.,\"'#\n\\abæ1- \t\r\x00_:Té"))
def test_any_text_that_looks_like_toml(content: str) -> None:
    answers_or_tells(content)


WORDS = [
    *("agreement", "terms", "allocation", "advance", "settlement", "renewal", "usage", "services", "budgets"),
    *("parties", "code", "title", "starts_on", "ends_on", "issuer", "providers", "subscribers", "year", "provider"),
    *("service", "amount", "kind", "line", "note", "gln", "municipality", "periods", "rounding_unit", "accounts_by"),
]
VALUES = (
    st.sampled_from(["461", "fyn", "", "01-01/06-30", "04-01", "12.50", "0.01", "x" * 300, "\u2028", "{x}"])
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.datetimes()
    | st.times()
)
NESTED: st.SearchStrategy[Any] = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(WORDS), NESTED, max_size=6))
def test_any_nested_structure(values: dict[str, Any]) -> None:
    try:
        text = tomli_w.dumps(values)
    except ValueError:  # what TOML cannot say, such as a lone surrogate
        return
    answers_or_tells(text)


@settings(max_examples=200)
@given(st.data())
def test_the_example_with_any_value_replaced(data: st.DataObject) -> None:
    values: Any = tomllib.loads(FUNEN)
    place = values
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(NESTED)
    try:
        text = tomli_w.dumps(values)
    except ValueError:
        return
    answers_or_tells(text)


def test_a_term_changed_in_memory_is_written() -> None:
    agreement = replace(read_agreement("a", FUNEN), ends_on=date(2012, 12, 31))
    assert "ends_on = 2012-12-31\n" in write_agreement(agreement)
