"""What is set up by pages: kept as the commands keep it, refused with one sentence, and never another issuer's."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from agreements import store as agreement_store
from agreements import trading_run
from billing.annual_subscription import run as subscriptions
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from billing.payment import reminder_run, reminder_store
from billing.payment import store as payment_store
from exports.delivery import run as deliveries
from exports.delivery import store as delivery_store
from foundation.audit import Occasion
from foundation.database import Database
from foundation.hooks import HOOK_KEY
from foundation.period import Month
from portal import demo
from tests.portal import demo_site
from tests.portal.finance.conftest import OTHERS, as_, everything, waited

HERE = "/oekonomi/461"
SETUP = f"{HERE}/opsaetning"
PARTIES = f"{SETUP}/modtagere/{demo.CODE}"
ODENSE, SVENDBORG = "461", "479"
FOLDER = {"topic": "documents", "kind": "folder"}


@pytest.fixture(scope="module")
def officer(served: Flask) -> FlaskClient:
    return as_(served, "officer")


@pytest.fixture(scope="module")
def administrator(served: Flask) -> FlaskClient:
    return as_(served, "administrator")


def test_the_clock_and_the_warnings(officer: FlaskClient, both: Database) -> None:
    wished = {"warn_percent": "25", "plan_days": "9", "alarm_days": "3", "mail": "regning@odense.example"}
    assert officer.post(f"{SETUP}/uret", data=wished).status_code == 303
    with both.reading() as connection:
        kept = runs.get_issuer(connection, ODENSE)
    assert (kept.warn_percent, kept.plan_days_before, kept.alarm_days_before) == (25, 9, 3)
    assert kept.mail == "regning@odense.example"
    assert 'value="25"' in officer.get(f"{SETUP}/uret").text
    assert "Advarer ved over 25 %" in officer.get(SETUP).text


def test_two_persons_are_an_administrators_matter(
    administrator: FlaskClient, officer: FlaskClient, both: Database, served: Flask
) -> None:
    page = f"{SETUP}/to-personer"
    assert administrator.post(page, data={"eyes": "two"}).status_code == 303
    assert "to personer" in officer.get(SETUP).text
    with both.transaction() as connection:
        own = Occasion(demo_site.TODAY, "approver", demo_site.occasion().at)
        number = runs.plan_run(connection, RunScope(demo.CODE, Month(2012, 7), ODENSE), own).number
    approver = as_(served, "approver")
    assert approver.post(page, data={"eyes": "one"}).status_code == 403
    assert approver.post(f"{HERE}/planer/{number}/godkend").status_code == 409
    assert administrator.post(page, data={"eyes": "one"}).status_code == 303
    # The plan was made while two had to see it.
    assert approver.post(f"{HERE}/planer/{number}/godkend").status_code == 409
    with both.reading() as connection:
        assert not runs.get_issuer(connection, ODENSE).four_eyes
        told = connection.execute(
            text("SELECT count(*) FROM audit_event WHERE action = 'monthly_run.issuer_set' AND actor = 'administrator'")
        ).scalar_one()
    assert told == 2


def test_how_an_issuer_is_paid(officer: FlaskClient, both: Database) -> None:
    wished = {"means": "42", "registration_number": "00 00", "account_number": "1", "city": "Odense", "fik_card": ""}
    assert officer.post(f"{SETUP}/udsteder", data=wished).status_code == 303
    with both.reading() as connection:
        kept = trading_run.entered(connection, "issuer")[ODENSE,]
    assert (kept["means"], kept["registration_number"], kept["account_number"]) == ("42", "0000", "1")
    assert kept["vat_number"] == "DK35209115"  # what the form did not send stays as the demo has it
    assert '<option value="42" selected>' in officer.get(f"{SETUP}/udsteder").text


def test_what_a_payer_wants_named(officer: FlaskClient, both: Database) -> None:
    page = f"{PARTIES}/kommune/420"
    wished = {"gln": "5790000000005", "buyer_reference": "Sundhed 7", "accounting_cost": "7-100", "endpoint": ""}
    assert officer.post(page, data=wished).status_code == 303
    with both.reading() as connection:
        kept = trading_run.entered(connection, "buyer")[demo.CODE, "420"]
        agreement = agreement_store.find_agreement(connection, demo.CODE)
    assert (kept["buyer_reference"], kept["accounting_cost"]) == ("Sundhed 7", "7-100")
    assert agreement is not None
    assert {party.municipality: party.gln for party in agreement.parties}["420"] == "5790000000005"
    listed = officer.get(PARTIES).text
    assert "5790000000005" in listed
    assert "Sundhed 7" in listed


def test_how_lines_of_no_service_are_booked(officer: FlaskClient, both: Database) -> None:
    assert officer.post(f"{PARTIES}/ydelse/-", data={"own_account": "1-2", "counter_account": "3-4"}).status_code == 303
    with both.reading() as connection:
        kept = trading_run.entered(connection, "service")[demo.CODE, ""]
    assert (kept["own_account"], kept["counter_account"]) == ("1-2", "3-4")


def loaded(client: FlaskClient, name: str, content: str) -> tuple[int, str]:
    answer = client.post(
        f"{PARTIES}/fil",
        data={"file": (io.BytesIO(content.encode()), name)},
        content_type="multipart/form-data",
    )
    return answer.status_code, answer.text


def buyer(agreement: str, who: str, reference: str) -> str:
    return f'[[buyers]]\nagreement = "{agreement}"\nmunicipality = "{who}"\nbuyer_reference = "{reference}"\n'


def test_many_at_once(officer: FlaskClient, both: Database) -> None:
    status, page = loaded(officer, "mange.toml", buyer(demo.CODE, "430", "Regnskab 12") + buyer(demo.CODE, "440", "K"))
    assert status == 200
    assert "2 oplysninger er ændret" in page
    before = everything(both)
    status, page = loaded(officer, "mange.toml", buyer(demo.CODE, "430", "Regnskab 12"))
    assert (status, "Intet er ændret" in page) == (200, True)
    assert everything(both) == before


@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        ("anden.toml", buyer(demo.CODE, "450", "X") + buyer(OTHERS, "420", "X"), 404, "Der er ingen aftale"),
        ("ukendt.toml", buyer(demo.CODE, "450", "X") + buyer("findes-ikke", "420", "X"), 404, "Der er ingen aftale"),
        (
            "udsteder.toml",
            buyer(demo.CODE, "450", "X") + f'[[issuers]]\nmunicipality = "{SVENDBORG}"\nmeans = "97"\n',
            400,
            "Svendborg er en anden udsteder",
        ),
        ("part.toml", buyer(demo.CODE, "450", "X") + buyer(demo.CODE, "101", "X"), 400, "deltager ikke i aftalen"),
        ("fejl.toml", buyer(demo.CODE, "450", "X") + buyer(demo.CODE, "430", "x" * 300), 400, "højst 200"),
        ("skrald.csv", "a;b\n1;2\n", 400, "kan ikke bruges"),
        ("tom.toml", "", 400, "er tom"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_file_with_anything_wrong_is_not_kept(  # noqa: PLR0917 - a case and its fixtures
    officer: FlaskClient, both: Database, name: str, content: str, status: int, said: str
) -> None:
    before = everything(both)
    answered, page = loaded(officer, name, content)
    assert (answered, said in page) == (status, True), page
    assert everything(both) == before


def test_a_channel_is_switched_and_addressed_but_not_led_elsewhere(officer: FlaskClient, both: Database) -> None:
    page = f"{SETUP}/forsendelse"
    sent = {**FOLDER, "switch": "off", "files": "xml,pdf", "path": "/srv/et-andet-sted", "url": "https://x.example"}
    assert officer.post(page, data=sent).status_code == 303
    with both.reading() as connection:
        (channel,) = deliveries.channels(connection, ODENSE)
    assert (channel.active, channel.settings["files"]) == (False, "xml,pdf")
    assert channel.settings["path"] != "/srv/et-andet-sted"
    assert set(channel.settings) == {"path", "files"}
    assert "lukket" in officer.get(page).text
    assert officer.post(page, data={**FOLDER, "switch": "on", "files": "xml"}).status_code == 303


def test_a_document_is_sent_once_more(officer: FlaskClient, both: Database) -> None:
    assert officer.post(f"{HERE}/bilag/F2012-0001/send-igen").status_code == 303
    with both.reading() as connection:
        sent = delivery_store.deliveries(connection, keys=["document/461/F2012-0001"])
        told = connection.execute(
            text("SELECT count(*) FROM audit_event WHERE action = 'delivery.sent_again' AND actor = 'officer'")
        ).scalar_one()
    assert len(sent) == 1
    assert told == 1


def test_the_columns_of_the_posting_file_and_the_file(officer: FlaskClient, both: Database) -> None:
    columns = "Konto=account\r\nDebet=debit\r\nKredit=credit\r\nBilag=number\r\n"
    assert officer.post(f"{SETUP}/posteringsfil", data={"columns": columns}).status_code == 303
    begun = officer.post(f"{HERE}/posteringsfil", data={"from": "01.02.2009", "to": "28.02.2009"})
    address = begun.headers["Location"]
    assert "8 bilag, 32 posteringer" in waited(officer, address)
    with officer.get(f"{address}/fil") as answer:
        assert answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert list(rows[0]) == ["Konto", "Debet", "Kredit", "Bilag"]

    def whole(column: str) -> int:
        return sum(int(row[column].replace(",", "")) for row in rows if row[column])

    with both.reading() as connection:
        by_hand = connection.execute(
            text(
                "SELECT sum(amount_oere) FROM invoice WHERE issuer = '461' AND internal = FALSE"
                " AND issue_date >= '2009-02-01' AND issue_date <= '2009-02-28'"
            )
        ).scalar_one()
    assert whole("Debet") == whole("Kredit") == by_hand > 0
    assert len(rows) == 32  # eight payers, two providers, two accounts


def test_what_the_banks_columns_are_called(officer: FlaskClient, both: Database) -> None:
    assert officer.post(f"{SETUP}/bankfil", data={"amount": "Kr.", "payer": "Hvem"}).status_code == 303
    assert officer.post(f"{SETUP}/bankfil", data={"payer": ""}).status_code == 303
    with both.reading() as connection:
        kept = payment_store.read_columns(connection, ODENSE)
    assert (kept.amount, kept.payer) == ("Kr.", "")


def test_letters_are_shown_sent_once_and_fetched(officer: FlaskClient, both: Database, served: Flask) -> None:
    page = f"{HERE}/paamindelser"
    assert officer.post(f"{page}/dage", data={"days": "20, 40"}).status_code == 303
    with both.reading() as connection:
        assert reminder_store.days_late(connection, ODENSE) == (20, 40)
        due = reminder_run.show_reminders(connection, ODENSE, demo_site.occasion())
    assert len(due) > 5
    assert f"Send {len(due)} breve" in officer.get(page).text
    (mark,) = re.findall(r'name="seen" value="([0-9a-f]{64})"', officer.get(page).text)
    before = everything(both)
    assert officer.post(f"{page}/send", data={"seen": "0" * 64}).status_code == 409
    assert everything(both) == before
    assert officer.post(f"{page}/send", data={"seen": mark}).status_code == 303
    # Twice by a second press of the button: the second letter, which is due as well, does not follow on its heels.
    again = officer.post(f"{page}/send", data={"seen": mark})
    assert (again.status_code, "ikke længere dem, siden viste" in again.text) == (409, True)
    with both.reading() as connection:
        rows = connection.execute(text("SELECT count(*), min(id), min(actor) FROM reminder_letter")).one()
    assert (rows[0], rows[2]) == (len(due), "officer")
    with officer.get(f"{page}/{rows[1]}/fil.pdf") as answer:
        assert answer.data.startswith(b"%PDF-")
        assert "mindelse" in answer.headers["Content-Disposition"]
    # Another issuer's officer finds neither the letters nor the file; nor does the neighbour under its own name.
    neighbour = as_(served, "neighbour")
    assert neighbour.get(f"/oekonomi/450/paamindelser/{rows[1]}/fil.pdf").status_code == 404
    assert officer.post(f"{page}/dage", data={"days": ""}).status_code == 303
    assert "Der sendes ingen påmindelser" in officer.get(page).text
    refused = officer.post(f"{page}/send")
    assert (refused.status_code, "Slå dem til på siden «Påmindelser»." in refused.text) == (409, True)


BAD = [
    ("officer", "/uret", {"warn_percent": "mange"}, 400, "Advarsel i procent"),
    ("officer", "/uret", {"warn_percent": "10", "plan_days": "2", "alarm_days": "5"}, 400, "Uret kan planlægge"),
    (
        "officer",
        "/uret",
        {"warn_percent": "10", "plan_days": "5", "alarm_days": "2", "mail": "ingen adresse"},
        400,
        "er ikke en mailadresse",
    ),
    ("administrator", "/to-personer", {"eyes": "tre"}, 400, "Hvor mange"),
    ("officer", "/udsteder", {"iban": "DK00"}, 400, "et IBAN med rigtige kontrolcifre"),
    ("officer", "/udsteder", {"unfit": "måske", "means": "93"}, 400, "refused"),
    ("officer", "/udsteder", {"means": "kontant"}, 400, "NemKonto"),
    ("officer", "/udsteder", {"means": "42", "registration_number": ""}, 400, "registreringsnummer"),
    ("officer", f"/modtagere/{demo.CODE}/kommune/430", {"gln": "123"}, 400, "et EAN-nummer"),
    ("officer", f"/modtagere/{demo.CODE}/kommune/101", {"gln": ""}, 404, "hører ikke til aftalen"),
    ("officer", f"/modtagere/{demo.CODE}/ydelse/-", {"vat_code": "25"}, 400, "VATEX"),
    ("officer", f"/modtagere/{OTHERS}/kommune/420", {"buyer_reference": "X"}, 404, "Der er ingen aftale"),
    ("officer", f"/modtagere/{OTHERS}/ydelse/-", {"own_account": "X"}, 404, "Der er ingen aftale"),
    ("officer", "/forsendelse", {"topic": "letters", "kind": "smtp", "switch": "on"}, 404, "opretter kanaler"),
    ("officer", "/forsendelse", {**FOLDER, "switch": "måske"}, 400, "Kanalen er"),
    ("officer", "/forsendelse", {**FOLDER, "switch": "on", "files": "exe"}, 400, "Filer"),
    ("officer", "/posteringsfil", {"columns": "Konto=account"}, 400, "beløbet mangler"),
    ("officer", "/posteringsfil", {"columns": ""}, 400, "kontostrengen (account) mangler"),
]


@pytest.mark.parametrize(
    ("login", "page", "sent", "status", "said"), BAD, ids=[f"{page} {said}" for _, page, _, _, said in BAD]
)
def test_what_cannot_be_is_refused_and_changes_nothing(  # noqa: PLR0917 - a case and its fixtures
    served: Flask, both: Database, login: str, page: str, sent: dict[str, str], status: int, said: str
) -> None:
    client = as_(served, login)
    before = everything(both)
    answer = client.post(SETUP + page, data=sent)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert "mellemregning " not in answer.text.split("<main", 1)[1].split("</main", 1)[0]
    assert everything(both) == before


@pytest.mark.parametrize(
    ("address", "sent", "status", "said"),
    [
        ("/posteringsfil", {"from": "28.02.2009", "to": "01.02.2009"}, 400, "Vælg en dag"),
        ("/posteringsfil", {"from": "i går", "to": "01.02.2009"}, 400, "Fra"),
        ("/posteringsfil", {"from": "01.02.2009", "to": "28.02.2009", "agreement": OTHERS}, 404, "Der er ingen aftale"),
        ("/paamindelser/dage", {"days": "30, 10"}, 400, "stigende tal"),
        ("/paamindelser/dage", {"days": "ti"}, 400, "Dage efter forfald"),
        ("/bilag/F2008-0005/send-igen", {}, 409, "internt"),  # Odense's own
        ("/bilag/F1999-0001/send-igen", {}, 404, "Der findes ikke"),
    ],
)
def test_what_cannot_be_done_is_not(  # noqa: PLR0917 - a case and its fixtures
    officer: FlaskClient, both: Database, address: str, sent: dict[str, str], status: int, said: str
) -> None:
    before = everything(both)
    answer = officer.post(HERE + address, data=sent)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert everything(both) == before


@pytest.mark.parametrize("page", ["uret", "udsteder", "posteringsfil", "bankfil"])
def test_nothing_is_set_up_before_there_is_an_agreement(served: Flask, both: Database, page: str) -> None:
    newcomer = as_(served, "newcomer")
    before = everything(both)
    sent = {"warn_percent": "1", "plan_days": "1", "alarm_days": "1", "columns": "A=account\nB=amount", "city": "K"}
    answer = newcomer.post(f"/oekonomi/101/opsaetning/{page}", data=sent)
    assert answer.status_code == 409
    assert "udsteder ikke regninger i nogen aftale. Se siden «Aftaler»." in answer.text
    assert everything(both) == before


def test_a_web_hook_is_made_shown_once_and_closed(
    served: Flask, both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer = as_(served, "officer")
    refused = officer.post("/web-hooks/461/ny", data={"url": "https://modtager.example/", "event": "document.issued"})
    assert (refused.status_code, "Web-hooks er ikke sat op her" in refused.text) == (409, True)
    monkeypatch.setenv(HOOK_KEY, "prøvens egen nøgle")
    before = everything(both)
    for wrong in ({"url": "http://udenfor.example/"}, {"url": "javascript:1"}, {"url": "https://x.example/"}):
        event = {} if wrong["url"].endswith("x.example/") else {"event": "document.issued"}
        assert officer.post("/web-hooks/461/ny", data=wrong | event).status_code == 400
    assert everything(both) == before
    made = officer.post(
        "/web-hooks/461/ny", data={"url": "https://modtager.example/to", "event": ["document.issued", "x"][:1]}
    )
    found = re.search(r"vises kun denne gang.*?([0-9a-f]{64})", made.text, re.DOTALL)
    assert found
    listed = officer.get("/web-hooks/461/").text
    assert "https://modtager.example/to" in listed
    assert found[1] not in listed
    with both.reading() as connection:
        number = connection.execute(text("SELECT max(id) FROM web_hook")).scalar_one()
    assert as_(served, "neighbour").post(f"/web-hooks/450/luk/{number}").status_code == 404
    assert officer.post(f"/web-hooks/461/luk/{number}").status_code == 303
    with both.reading() as connection:
        assert not connection.execute(text(f"SELECT active FROM web_hook WHERE id = {number}")).scalar_one()


def test_a_plan_of_several_issuers_is_told_but_is_nobodys_to_open(served: Flask, both: Database) -> None:
    with both.transaction() as connection:
        subscriptions.calculate_year(connection, OTHERS, 2009, demo_site.occasion())
        made = runs.plan_run(connection, RunScope(None, None), demo_site.occasion(), until=date(2012, 6, 30))
    issuers = {OTHERS, demo.CODE} & {document.agreement for document in made.documents}
    assert issuers == {OTHERS, demo.CODE}
    page = as_(served, "officer").get(f"{HERE}/").text
    assert f"Plan {made.number}, lavet af" in page
    assert "fakturerer også for andre" in page
    assert f'href="{HERE}/planer/{made.number}"' not in page
    for address in re.findall(rf'href="({HERE}/planer/\d+)"', page):
        assert as_(served, "officer").get(address).status_code == 200
