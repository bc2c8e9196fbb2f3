"""Another kind of agreement set up by the page: its terms in words, notice, renegotiation, surplus capacity, ages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from importlib import resources

import pytest

from agreements import store as agreement_store
from billing.verify import verify
from foundation.database import Database
from tests.databases import SqliteDatabases
from tests.portal import case_site
from tests.portal.case_site import CODE, HORSENS, Site

HERE = "/oekonomi/615"
OTHER = "horsens-odder"
AGREED = f"{HERE}/aftaler/{OTHER}"
EXAMPLE = resources.files("agreements.examples").joinpath("horsens_odder_2009.toml").read_bytes()


@pytest.fixture(scope="module")
def lasting(sqlite_databases: SqliteDatabases) -> Iterator[Site]:
    with sqlite_databases.upgraded() as url, case_site.lived(url) as made:
        loaded = made.client("officer").post(
            f"{HERE}/aftaler",
            data={"file": (io.BytesIO(EXAMPLE), "horsens.toml")},
            content_type="multipart/form-data",
        )
        assert loaded.status_code == 303, loaded.text
        yield made


@pytest.fixture
def site(lasting: Site) -> Site:
    lasting.today = date(2009, 1, 5)
    return lasting


def post(site: Site, login: str, address: str, expected: int = 303, /, **values: str) -> str:
    answer = site.client(login).post(address, data=values)
    assert answer.status_code == expected, answer.text
    return answer.text


def look(site: Site, address: str, login: str = "officer") -> str:
    answer = site.client(login).get(address)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def members(database: Database) -> list[str]:
    with database.reading() as connection:
        return [str(each.last_day) for each in agreement_store.members(connection, OTHER)]


def test_the_terms_are_those_of_the_agreement(site: Site) -> None:
    page = look(site, AGREED)
    for said in (
        "Odder betaler det hele",
        "Dog Ambulant stofmisbrugsbehandling: aftalt kapacitet.",
        "betaler den for hele måneder",
        "betales forud i 4 rater. Hver sendes senest den 15. i sin første måned",
        "med 9 måneders varsel til den 1. i en måned",
        "Parterne skal genforhandle",
        "Første gang 01.09.2009.",
        "Kråsiglund, døgnbehandling",
    ):
        assert said in page
    assert "kalenderår ad gangen" not in page
    assert "indbyggertallet" not in page


def test_months_notice_and_the_whole_agreement(site: Site) -> None:
    # Nine months from 5 January: the first of November; a month earlier is refused, and changes nothing.
    assert "01.11.2009" in look(site, AGREED)
    early = {"municipality": "727", "to": "01.10.2009"}
    assert "01.11.2009" in post(site, "officer", f"{AGREED}/opsig-til", 409, **early)
    assert members(site.database) == ["None"]
    post(site, "officer", f"{AGREED}/opsig-til", 409, municipality="727", to="15.12.2009")
    post(site, "reader", f"{AGREED}/opsig-til", 403, municipality="727", to="01.11.2009")
    assert members(site.database) == ["None"]
    post(site, "officer", f"{AGREED}/opsig-aftalen", 409, by="461", to="01.11.2009")
    post(site, "officer", f"{AGREED}/opsig-aftalen", by="615", to="01.11.2009")
    assert members(site.database) == ["2009-10-31"]
    page = look(site, AGREED)
    assert "Opsagt af Horsens til den 01.11.2009" in page
    assert "31.10.2009" in page
    post(site, "officer", f"{AGREED}/opsig-til", 409, municipality="727", to="01.12.2009")


def test_a_renegotiation_is_told_and_names_nobody(site: Site) -> None:
    where = f"{AGREED}/genforhandlet"
    post(site, "officer", where, 409, on="05.01.2009", text="For tidligt")  # first on 1 September
    site.today = date(2009, 9, 15)
    said = post(site, "officer", where, 400, on="15.09.2009", text="Borger 010203-0000 flyttede")
    assert "010203" not in said
    post(site, "officer", where, 409, on="16.09.2009", text="I morgen")
    post(site, "officer", where, on="15.09.2009", text="24 klienter bliver til 20")
    assert "24 klienter bliver til 20" in look(site, AGREED)
    post(site, "officer", f"{HERE}/aftaler/{CODE}/genforhandlet", 409, on="15.09.2009", text="Ingen pligt")


def test_an_offer_is_sold_by_another(site: Site) -> None:
    where = f"{HERE}/overskudskapacitet"
    offer = {
        "agreement": CODE,
        "service": "ambulant",
        "provider": HORSENS,
        "buyer": "461",
        "from": "01.02.2009",
        "to": "30.04.2009",
        "courses": "3",
        "unit": "45.000,00",
    }
    assert "en skriftlig begrundelse" in look(site, f"{where}?aftale={CODE}")
    assert "intet afsluttet år" in post(site, "officer", where, 409, **offer)
    cpr = post(site, "officer", where, 400, **offer, reason="Til 010203-0000")
    assert "010203" not in cpr
    post(site, "officer", where, 400, **offer, amount="100,00", reason="Tomme pladser")
    post(site, "officer", where, 409, **(offer | {"buyer": "727"}), reason="Tomme pladser")  # takes part
    post(site, "approver", where, 403, **offer, reason="Tomme pladser")
    post(site, "officer", where, **offer, reason="Tomme pladser")
    post(site, "officer", f"{where}/tilbud/1/saelg", 403)
    post(site, "approver", f"{where}/tilbud/1/saelg")
    assert "Tilbud 1 er solgt" in post(site, "approver", f"{where}/tilbud/1/saelg", 409)
    post(site, "officer", f"{where}/tilbud/1/traek-tilbage", 409)
    page = look(site, f"{where}?aftale={CODE}", "reader")
    assert page.count("135.000,00") == 2  # the offer, and the sale: three at 45.000,00
    assert "F2009-" in page
    post(site, "officer", where, **(offer | {"from": "01.05.2009", "to": "31.05.2009"}), reason="Tomme pladser")
    post(site, "approver", f"{where}/tilbud/2/afvis")
    post(site, "approver", f"{where}/tilbud/2/saelg", 409)
    with site.database.reading() as connection:
        assert [check.name for check in verify(connection, site.today) if not check.ok] == []


def test_inhabitants_of_some_ages(site: Site) -> None:
    file = "OMRÅDE;KØN;ALDER;CIVILSTAND;TID;INDHOLD\n" + "".join(
        f"Odder;I alt;{age} år;I alt;2009K1;{250 + age}\n" for age in range(18)
    )
    answer = site.client("officer").post(
        f"{HERE}/folketal",
        data={"file": (io.BytesIO(file.encode()), "alder.csv"), "ages": "0-17", "what": "keep"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 200, answer.text
    assert "1 nye tal" in answer.text
    # 18 ages of 250 and 0 + 1 + … + 17 = 153.
    page = look(site, f"{HERE}/folketal?on=2009-01-01&ages=0-17")
    assert "4.653" in page
    assert "0-17 år" in page
    assert "4.653" not in look(site, f"{HERE}/folketal?on=2009-01-01")
    wrong = site.client("officer").get(f"{HERE}/folketal?ages=17-0")
    assert wrong.status_code == 400
