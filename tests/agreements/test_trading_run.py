"""Details entered one by one and by file, on both databases: audited, only added, all or nothing."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from agreements import run as agreements
from agreements import trading_run
from agreements.municipality import UnknownMunicipality
from agreements.trading_file import read_trading_file
from billing.invoice.missing import missing_details
from billing.monthly_aconto import run as months
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import Problems
from foundation.period import Month
from tests.billing.runs.conftest import AN_INSTANT, FUNEN, NINE, Life, agreement_file

POSTGRESQL_IN_SOAK = True

DAY = date(2008, 6, 2)
MADE_GLN = "2000000004204"

WHOLE_FILE = """
[[issuers]]
municipality = "461"
vat_number = "DK35209115"
means = "42"
registration_number = "0000"
account_number = "0000000001"
contact = "Regnskab"

[[services]]
agreement = "fyn-alkohol"
service = "ambulant"
own_account = "A-1"
counter_account = "A-2"

[[buyers]]
agreement = "fyn-alkohol"
municipality = "420"
gln = "2000 0000 0420 4"
buyer_reference = "Sundhed"
"""


@pytest.fixture
def life(database: Database) -> Life:
    life = Life(database)
    life.register(agreement_file())
    return life


def enter(life: Life, name: str, content: str, day: date = DAY) -> trading_run.DetailChange:
    with life.database.transaction() as connection:
        return trading_run.load_details(connection, name, content.encode(), Occasion(day, "prøven", AN_INSTANT))


def test_a_file_is_entered_and_a_second_time_changes_nothing(life: Life) -> None:
    first = enter(life, "x.toml", WHOLE_FILE)
    assert set(first.changed) == {
        ("issuer", "461"),
        ("service", FUNEN, "ambulant"),
        ("buyer", FUNEN, "420"),
        ("gln", FUNEN, "420"),
    }
    before = life.everything()
    second = enter(life, "x.toml", WHOLE_FILE)
    assert (second.changed, second.unchanged) == ({}, 3)
    assert life.everything() == before
    with life.database.reading() as connection:
        parties = {party.municipality: party.gln for party in agreements.get(connection, FUNEN).parties}
    assert parties == {"420": MADE_GLN}
    life.holds()


def test_what_is_not_named_stays_and_an_empty_text_clears(life: Life) -> None:
    enter(life, "x.toml", WHOLE_FILE)
    with life.database.transaction() as connection:
        occasion = Occasion(DAY, "prøven", AN_INSTANT)
        trading_run.set_issuer(connection, "461", {"phone": "00 00 00 00", "contact": ""}, occasion)
    with life.database.reading() as connection:
        values = trading_run.entered(connection, "issuer")[("461",)]
    assert (values["vat_number"], values["phone"], values["contact"]) == ("DK35209115", "00 00 00 00", "")


def test_every_mistake_is_told_and_nothing_is_entered(life: Life) -> None:
    before = life.everything()
    broken = WHOLE_FILE.replace("DK35209115", "DK35209116").replace('"0000"', '"00"').replace('"ambulant"', '"andet"')
    with pytest.raises(Problems) as caught:
        enter(life, "x.toml", broken)
    told = str(caught.value)
    assert "vat_number" in told
    assert "registration_number" in told
    with pytest.raises(Problems, match="ingen ydelse «andet»"):
        enter(life, "x.toml", WHOLE_FILE.replace('"ambulant"', '"andet"'))
    with pytest.raises(Problems, match="DK-R-006"):
        enter(life, "x.toml", WHOLE_FILE.replace('account_number = "0000000001"', ""))
    with pytest.raises(Problems, match="deltager ikke"):
        enter(life, "x.toml", WHOLE_FILE.replace('"420"', '"101"'))
    with pytest.raises(UnknownMunicipality), life.database.transaction() as connection:
        trading_run.set_issuer(connection, "999", {"phone": "1"}, Occasion(DAY, "prøven", AN_INSTANT))
    assert life.everything() == before


def test_two_parties_never_share_a_gln(life: Life) -> None:
    both = "aftale;kommune;gln\n" + "".join(f"{FUNEN};{code};{MADE_GLN}\n" for code in ("420", "430"))
    before = life.everything()
    with pytest.raises(Problems, match="både Assens og Faaborg-Midtfyn"):
        enter(life, "x.csv", both)
    assert life.everything() == before


def test_a_csv_of_many(life: Life) -> None:
    rows = "".join(f"{FUNEN};{code};Sundhed {code};\n" for code in NINE if code != "461")
    change = enter(life, "modtagere.csv", "\ufeffAftale;Kommune;Reference;Kontostreng\n" + rows)
    assert len(change.changed) == 8
    with life.database.reading() as connection:
        values = trading_run.entered(connection, "buyer")
    assert values[FUNEN, "492"]["buyer_reference"] == "Sundhed 492"


def test_municipalities_of_a_csv_may_be_names_and_the_file_windows() -> None:
    content = f"aftale;kommune;reference\n{FUNEN};Ærø;Sundhed\n".encode("cp1252")
    assert read_trading_file("x.csv", content).buyers == {(FUNEN, "492"): {"buyer_reference": "Sundhed"}}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", "aftale;reference\na;b\n", '"municipality" ("kommune") mangler'),
        ("x.csv", "aftale;kommune;farve\na;420;rød\n", 'ukendt kolonne "farve"'),
        ("x.csv", "aftale;kommune\n", "ingen linjer"),
        ("x.csv", "", "mangler"),
        ("x.csv", "aftale;kommune\na;421\n", "er ikke en kommunes kode"),
        ("x.csv", "aftale;kommune;gln\na;420;1\n", "et EAN-nummer"),
        ("x.csv", "aftale;kommune\na;420\na;Assens\n", "mere end én gang"),
        ("x.toml", "", "hverken"),
        ("x.toml", "[[issuers]]\nmunicipality = '461'\nfarve = 'rød'\n", "ukendt nøgle"),
        ("x.toml", "[[issuers]]\nmunicipality = '461'\n[[issuers]]\nmunicipality = '461'\n", "mere end én gang"),
        ("x.toml", "[[issuers]]\nmunicipality = '999'\n", "er ikke en kommunes kode"),
        ("x.toml", "[[buyers]]\nagreement = 1\nmunicipality = '420'\n", "ikke en tekst"),
    ],
)
def test_rubbish_is_told_with_its_place(name: str, content: str, told: str) -> None:
    with pytest.raises(Problems) as caught:
        read_trading_file(name, content.encode())
    assert told in str(caught.value)


def test_details_are_only_ever_added(life: Life) -> None:
    enter(life, "x.toml", WHOLE_FILE)
    before = life.everything()
    for table in ("issuer_detail", "buyer_detail", "service_detail"):
        for statement in (f"UPDATE {table} SET revision = 9", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="append"), life.database.transaction() as connection:
                connection.execute(text(statement))
    assert life.everything() == before


def test_a_plan_is_told_what_its_documents_lack(life: Life) -> None:
    """Set-based: one call for all drafts of all agreements, and nothing for the issuer's own share."""
    life.calculate(2009, date(2008, 6, 1))
    with life.database.reading() as connection:
        drafts = months.plan_month(connection, FUNEN, Month(2009, 1), date(2008, 12, 15)).drafts
        found = dict(
            zip(
                [draft.subscriber.municipality for draft in drafts],
                missing_details(connection, drafts, date(2008, 12, 15)),
                strict=True,
            ),
        )
    expected = ["DK-R-005", "PEPPOL-EN16931-R010", "PEPPOL-EN16931-R003", "BR-E-02"]
    assert {code: [each.rule for each in findings] for code, findings in found.items()} == {
        code: [] if code == "461" else expected for code in NINE
    }
    enter(life, "x.toml", WHOLE_FILE)
    with life.database.reading() as connection:
        drafts = months.plan_month(connection, FUNEN, Month(2009, 1), date(2008, 12, 15)).drafts
        found = dict(
            zip(
                [draft.subscriber.municipality for draft in drafts],
                missing_details(connection, drafts, date(2008, 12, 15)),
                strict=True,
            ),
        )
        assert missing_details(connection, [], DAY) == []
        by_members = trading_run.missing_of_members(connection, FUNEN, date(2009, 1, 1))
    assert found["420"] == ()
    assert [each.rule for each in found["430"]] == ["PEPPOL-EN16931-R010", "PEPPOL-EN16931-R003"]
    assert by_members == {code: found[code] for code in NINE if code != "461"}
