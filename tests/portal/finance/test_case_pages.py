"""Enkeltsager by the pages alone: asked, granted or refused, billed, corrected, stated; and nobody sees another's."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, text

from billing.single_case import run as cases
from billing.verify import verify
from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, DeliveryState, DeliveryTopic, Receipt
from portal import delivery_round
from portal.pages import EXTENSION
from tests.databases import SqliteDatabases
from tests.portal import case_site
from tests.portal.case_site import CODE, HEDENSTED, HORSENS, ODDER, Site

HERE, PAYER, NEIGHBOUR = "/oekonomi/615", "/kommune/727", "/kommune/766"
KROENER = re.compile(r"\d{1,3}(?:\.\d{3})*,\d{2}")


@pytest.fixture
def site(upgraded_url: str) -> Iterator[Site]:
    with case_site.lived(upgraded_url) as made:
        yield made


@pytest.fixture
def lone(sqlite_databases: SqliteDatabases) -> Iterator[Site]:
    """On SQLite alone, where the database is not what is tried."""
    with sqlite_databases.upgraded() as url, case_site.lived(url) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(sqlite_databases: SqliteDatabases) -> Iterator[Site]:
    with sqlite_databases.upgraded() as url, case_site.lived(url) as made:
        yield made


@pytest.fixture
def shared(lasting: Site) -> Site:
    """One for all tests that do not mind each other's cases."""
    lasting.today = date(2009, 1, 5)
    return lasting


def post(site: Site, login: str, address: str, expected: int = 303, /, **values: str) -> str:
    answer = site.client(login).post(address, data=values)
    assert answer.status_code == expected, answer.text
    return answer.headers.get("Location", "") if expected == 303 else answer.text


def look(site: Site, login: str, address: str, expected: int = 200) -> str:
    answer = site.client(login).get(address)
    assert answer.status_code == expected, answer.text
    return answer.text


def opened(site: Site, service: str = "kraasiglund", payer: str = ODDER) -> str:
    where = post(site, "officer", f"{HERE}/enkeltsager", agreement=CODE, service=service, payer=payer)
    number = where.rpartition("/")[2]
    assert re.fullmatch(r"S-[A-Z]{4}-[A-Z]{4}", number)
    return number


def waited_for(site: Site, login: str, where: str) -> str:
    for _ in range(500):
        page = look(site, login, f"{where}/stand")
        if "er udstedt" in page or "mislykkedes" in page or "skrevet" in page:
            return page
        threading.Event().wait(0.02)
    raise AssertionError(page)


def billed(site: Site, day: date) -> str:
    """Plan, look, approve by another, issue; answers the plan's page as it was before."""
    site.today = day
    where = post(site, "officer", f"{HERE}/enkeltsager/planer", agreement=CODE)
    page = look(site, "approver", where)
    post(site, "officer", f"{where}/godkend", 403)
    post(site, "approver", f"{where}/udsted")  # not approved: nothing happens
    post(site, "approver", f"{where}/godkend")
    assert "er udstedt" in waited_for(site, "approver", post(site, "approver", f"{where}/udsted"))
    return page


def faults(site: Site) -> dict[str, str]:
    with site.database.reading() as connection:
        return {check.name: check.detail for check in verify(connection, site.today) if not check.ok}


def test_from_asking_to_a_late_correction(site: Site, tmp_path: Path) -> None:
    number = opened(site)
    case, own = f"{HERE}/enkeltsager/sag/{number}", f"{PAYER}/enkeltsager/sag/{number}"
    assert "venter på bevilling" in look(site, "reader", case)
    assert "1 venter på kommunens svar" in look(site, "odder-reader", f"{PAYER}/enkeltsager")
    # Nobody is admitted before the payer's yes, and its readers, the issuer and the neighbour cannot give it.
    assert "ikke bevilget" in post(site, "officer", f"{case}/indskriv", 409, on="05.01.2009")
    post(site, "odder-reader", f"{own}/bevilg", 403)
    post(site, "officer", f"{own}/bevilg", 404)
    post(site, "hedensted", f"{NEIGHBOUR}/enkeltsager/sag/{number}/bevilg", 404)
    look(site, "hedensted", f"{NEIGHBOUR}/enkeltsager/sag/{number}", 404)
    look(site, "hedensted", own, 404)
    post(site, "odder-approver", f"{own}/bevilg")
    site.today = date(2009, 1, 10)
    post(site, "officer", f"{case}/indskriv", on="10.01.2009")
    values = {"agreement": CODE, "service": "kraasiglund", "from": "20.01.2009", "amount": "1.400,00"}
    post(site, "officer", f"{HERE}/enkeltsager/takster", **values)
    assert "1.400,00" in look(site, "reader", f"{HERE}/enkeltsager/takster")
    # January: ten days at 1.337,00 and twelve, 20 to 31, at 1.400,00.
    page = billed(site, date(2009, 2, 3))
    assert "13.370,00" in page
    assert "16.800,00" in page
    assert "30.170,00 kr." in page
    seen = look(site, "odder", own)
    assert "Ankomstdagen tæller med, afrejsedagen tæller ikke med." in seen
    assert {"1.337,00", "1.400,00", "13.370,00", "16.800,00", "30.170,00"} <= set(KROENER.findall(seen))
    # Told late: it left on the 25th, so 20 to 24 January are five days; the next bill takes the difference.
    site.today = date(2009, 2, 20)
    post(site, "officer", f"{case}/ret", discharged="25.01.2009", reason="late")
    waiting = look(site, "odder", own)
    assert "-16.800,00" in waiting
    assert "7.000,00" in waiting
    assert "-9.800,00" in waiting
    assert "-9.800,00 kr." in billed(site, date(2009, 3, 3))
    assert "20.370,00" in look(site, "odder", own)
    assert faults(site) == {}
    # The statement: fifteen days and 20.370,00 kr., to the payer alone.
    address = f"{PAYER}/enkeltsager/opgoerelse?agreement={CODE}&first=2009-01&last=2009-03"
    with site.client("odder-reader").get(f"{address}&kind=xlsx") as answer:
        assert answer.status_code == 200
        sheet = load_workbook(io.BytesIO(answer.data), data_only=True).worksheets[0]
        found = {cell.value for row in sheet for cell in row}
        assert {number, 15, 2_037_000} <= found
    with site.client("odder-reader").get(address) as answer:
        assert answer.data.startswith(b"%PDF-")
    none = f"{NEIGHBOUR}/enkeltsager/opgoerelse?agreement={CODE}&first=2009-01&last=2009-03"
    look(site, "hedensted", none, 404)  # it pays for nothing there
    _delivered(site, tmp_path, number)


def _delivered(site: Site, folder: Path, number: str) -> None:
    """By the outbox to the payer, once; with a receipt in deliveries."""
    wanted = {"agreement": CODE, "payer": ODDER, "first": "2009-01", "last": "2009-03"}
    refused = post(site, "officer", f"{HERE}/enkeltsager/opgoerelser", 409, **wanted)
    assert "ingen kanal til opgørelser" in refused
    with site.database.transaction() as connection:
        settings = {"path": str(folder)}
        topic = DeliveryTopic.STATEMENTS
        deliveries.set_channel(connection, HORSENS, topic, ChannelKind.FOLDER, settings, site.occasion())
    assert "sendt=1" in post(site, "officer", f"{HERE}/enkeltsager/opgoerelser", **wanted)
    assert "sendt=0" in post(site, "officer", f"{HERE}/enkeltsager/opgoerelser", **wanted)
    nothing = post(site, "officer", f"{HERE}/enkeltsager/opgoerelser", 409, **(wanted | {"payer": HEDENSTED}))
    assert "ingen sager" in nothing
    delivery_round.deliver(site.database)
    files = {path.suffix: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {".pdf", ".xlsx"}
    sheet = load_workbook(io.BytesIO(files[".xlsx"]), data_only=True).worksheets[0]
    assert {number, 15, 2_037_000} <= {cell.value for row in sheet for cell in row}
    with site.database.transaction() as connection:
        (sent,) = deliveries.deliveries(connection, issuer=HORSENS)
        assert (sent.recipient, sent.state) == (ODDER, DeliveryState.HANDED_OVER)
        assert sent.key.startswith("case-statement/615/727/")
        assert deliveries.record_receipt(connection, Receipt(sent.key, accepted=True), site.occasion())
    page = look(site, "reader", f"{HERE}/levering")
    assert "Sagsopgørelse 01.01.2009-31.03.2009 til Odder" in page
    assert "modtaget" in page
    assert faults(site) == {}


def test_what_is_sent_stays_what_it_was(lone: Site, tmp_path: Path) -> None:
    number = opened(lone)
    post(lone, "odder", f"{PAYER}/enkeltsager/sag/{number}/bevilg")
    post(lone, "officer", f"{HERE}/enkeltsager/sag/{number}/indskriv", on="05.01.2009")
    lone.today = date(2009, 2, 2)
    with lone.database.transaction() as connection:
        settings = {"path": str(tmp_path)}
        topic = DeliveryTopic.STATEMENTS
        deliveries.set_channel(connection, HORSENS, topic, ChannelKind.FOLDER, settings, lone.occasion())
    wanted = {"agreement": CODE, "payer": ODDER, "first": "2009-01", "last": "2009-01"}
    post(lone, "officer", f"{HERE}/enkeltsager/opgoerelser", **wanted)
    post(lone, "officer", f"{HERE}/enkeltsager/sag/{number}/udskriv", on="15.01.2009")
    post(lone, "officer", f"{HERE}/enkeltsager/opgoerelser", **wanted)  # says something else now
    delivery_round.deliver(lone.database)
    days = sorted(
        next(str(row[5].value) for row in load_workbook(path, data_only=True).worksheets[0] if row[0].value == number)
        for path in tmp_path.glob("*.xlsx")
    )
    assert days == ["10", "27"]  # 5 to 14, and as it was: 5 to 31


def test_a_no_ends_it(site: Site) -> None:
    number = opened(site)
    own = f"{PAYER}/enkeltsager/sag/{number}"
    assert "Vælg en grund" in post(site, "odder", f"{own}/afslaa", 400, reason="Peter Hansen")
    post(site, "odder", f"{own}/afslaa", reason="not_ours")
    assert "en anden kommune betaler" in look(site, "officer", f"{HERE}/enkeltsager/sag/{number}")
    post(site, "odder", f"{own}/bevilg", 409)
    post(site, "odder", f"{own}/afslaa", 409, reason="not_ours")
    assert "afslået" in post(site, "officer", f"{HERE}/enkeltsager/sag/{number}/indskriv", 409, on="05.01.2009")
    post(site, "officer", f"{HERE}/enkeltsager/sag/{number}/ret", 409, what="withdraw", reason="wrong")
    site.today = date(2009, 2, 3)
    assert "ingen enkeltsager at fakturere" in post(site, "officer", f"{HERE}/enkeltsager/planer", 409, agreement=CODE)
    assert faults(site) == {}
    with pytest.raises(Exception, match=r"only ever added|append_only"), site.database.transaction() as connection:
        connection.execute(text("DELETE FROM case_refusal"))


def test_an_issuer_enters_a_written_answer(shared: Site) -> None:
    yes, no = opened(shared), opened(shared)
    where = f"{HERE}/enkeltsager/sag"
    post(shared, "officer", f"{where}/{yes}/svar", 400, answer="yes", on="05.01.2009")
    post(shared, "officer", f"{where}/{yes}/svar", answer="yes", on="05.01.2009", written="1")
    post(shared, "officer", f"{where}/{no}/svar", answer="no", reason="not_granted", on="05.01.2009", written="1")
    listing = f"{HERE}/enkeltsager?state="
    assert yes in look(shared, "reader", f"{listing}approved")
    assert no not in look(shared, "reader", f"{listing}approved")
    assert no in look(shared, "reader", f"{listing}refused")


def test_a_suppliers_invoice_is_passed_on_and_names_nobody(shared: Site) -> None:
    number = opened(shared, "ekstern")
    case = f"{HERE}/enkeltsager/sag/{number}"
    post(shared, "odder", f"{PAYER}/enkeltsager/sag/{number}/bevilg")
    post(shared, "officer", f"{case}/indskriv", on="05.01.2009")
    good = {"from": "05.01.2009", "to": "20.01.2009", "amount": "41.250,50", "supplier": "11223344"}
    shared.today = date(2009, 2, 3)
    for bad in (
        {"reference": "010203-0000"},
        {"reference": "Peter Hansen"},
        {"reference": "A-17", "supplier": "010203-0000"},
        {"reference": "A-17", "to": "01.01.2009"},
        {"reference": "A-17", "amount": "meget"},
    ):
        said = post(shared, "officer", f"{case}/udlaeg", 400, **(good | bad))
        assert "010203" not in said
        assert "Peter" not in said
    post(shared, "officer", f"{case}/udlaeg", reference="A-17", **good)
    post(shared, "officer", f"{case}/udlaeg", 409, reference="A-17", **good)
    assert "41.250,50 kr." in billed(shared, date(2009, 2, 4))
    page = look(shared, "odder", f"{PAYER}/enkeltsager/sag/{number}")
    assert "A-17" in page
    assert "11223344" in page
    assert faults(shared) == {}


@pytest.mark.parametrize("number", ["010203-0000", "S-BCDF-GHJK", "Peter%20Hansen", "1", "S-bcdf-ghjk%27--"])
def test_what_is_no_case_is_not_found_and_not_repeated(shared: Site, number: str) -> None:
    for address, login in ((HERE, "officer"), (PAYER, "odder")):
        page = look(shared, login, f"{address}/enkeltsager/sag/{number}", 404)
        main = page[page.index("<main") : page.index("</main>")]  # what leads back to the address stands elsewhere
        assert "010203" not in main
        assert "Peter" not in main


def test_the_listing_is_whole_searched_and_bounded(lone: Site) -> None:
    with lone.database.transaction() as connection:
        made = [
            cases.open_case(connection, CODE, "halfway-huset", ODDER if each % 3 else HEDENSTED, lone.occasion())
            for each in range(120)
        ]
        for one in made[:30]:
            cases.approve_case(connection, one.number, lone.today, lone.occasion())
        for one in made[:20]:
            cases.admit(connection, one.number, lone.today, lone.occasion())
        for one in made[:10]:
            cases.discharge(connection, one.number, lone.today, lone.occasion())
        for one in made[:5]:
            correction = cases.CaseCorrection(stays=True)
            cases.correct_case(connection, one.number, correction, lone.occasion())
        cases.correct_case(connection, made[5].number, cases.CaseCorrection(withdraw=True), lone.occasion())

    def listed(login: str, start: str) -> list[str]:
        found: list[str] = []
        address = start
        while True:
            page = look(lone, login, address)
            found += re.findall(r"/sag/(S-[A-Z-]+)\"", page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            if following is None:
                return found
            address = following[1].replace("&amp;", "&")

    numbers = [one.number for one in reversed(made)]
    assert listed("reader", f"{HERE}/enkeltsager") == numbers
    assert listed("odder", f"{PAYER}/enkeltsager") == [one.number for one in reversed(made) if one.payer == ODDER]
    assert listed("hedensted", f"{NEIGHBOUR}/enkeltsager") == [
        one.number for one in reversed(made) if one.payer == HEDENSTED
    ]
    by_state = {"opened": 90, "approved": 10, "admitted": 15, "discharged": 4, "withdrawn": 1, "refused": 0}
    assert {state: len(listed("reader", f"{HERE}/enkeltsager?state={state}")) for state in by_state} == by_state
    with lone.database.reading() as connection:
        states = [one.state for one in cases.list_cases(connection, CODE)]
    assert {state: states.count(state) for state in by_state} == by_state
    assert listed("reader", f"{HERE}/enkeltsager?q={numbers[7][:6]}") == [
        number for number in numbers if number.startswith(numbers[7][:6])
    ]
    assert len(listed("reader", f"{HERE}/enkeltsager?q=hedensted")) == 40
    assert listed("reader", f"{HERE}/enkeltsager?q=%25") == []  # no wildcard of SQL
    look(lone, "odder", f"{PAYER}/enkeltsager?before=x", 400)
    newest = f"{HERE}/enkeltsager/sag/{numbers[0]}"
    paid = f"{PAYER}/enkeltsager/sag/{numbers[1]}"
    bounds = {
        ("reader", f"{HERE}/enkeltsager"): 9,
        ("reader", newest): 14,
        ("odder", f"{PAYER}/enkeltsager"): 10,
        ("odder", paid): 15,
        ("reader", f"{HERE}/enkeltsager/takster"): 7,
        ("reader", f"{HERE}/enkeltsager/planer"): 7,
        ("reader", f"{HERE}/enkeltsager/opgoerelser?agreement={CODE}&payer=727&first=2009-01&last=2009-01"): 14,
    }
    for (login, address), most in bounds.items():
        assert 0 < questions(lone, login, address) <= most, address


def questions(site: Site, login: str, address: str) -> int:
    asked: list[str] = []
    engine = site.app.extensions[EXTENSION].database.engine

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "ROLLBACK", "COMMIT")):
            asked.append(statement)

    look(site, login, address)
    event.listen(engine, "before_cursor_execute", note)
    try:
        look(site, login, address)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(asked)


def test_the_quarter_is_fetched_and_the_terms_are_told(shared: Site) -> None:
    opened(shared)
    where = post(shared, "reader", f"{HERE}/aftaler/{CODE}/opfoelgning", year="2009", quarter="1")
    assert "skrevet" in waited_for(shared, "reader", where)
    with shared.client("reader").get(f"{where}/fil") as answer:
        names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert len(names) == 4
    assert {name.rpartition(".")[2] for name in names} == {"xlsx", "pdf"}
    post(shared, "reader", f"{HERE}/aftaler/{CODE}/opfoelgning", 400, year="2009", quarter="5")
    page = look(shared, "reader", f"{HERE}/aftaler/{CODE}")
    assert "Ankomstdagen tæller med" in page
    assert "kan rejses i 12 måneder" in page


def test_the_trail_tells_who_answered(shared: Site) -> None:
    number = opened(shared)
    post(shared, "odder-approver", f"{PAYER}/enkeltsager/sag/{number}/bevilg")
    with shared.database.reading() as connection:
        rows = connection.execute(
            text("SELECT action, actor, details FROM audit_event WHERE subject = :subject ORDER BY id"),
            {"subject": f"{CODE} {number}"},
        ).all()
    assert [(row.action, row.actor) for row in rows] == [
        ("single_case.opened", "officer"),
        ("single_case.approved", "odder-approver"),
    ]
    assert json.loads(rows[1].details)["payer"] == ODDER
