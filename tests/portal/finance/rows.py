"""The officer's pages: who may call each route, how many questions each asks, and which a browser looks at.

``tests/portal/test_routes.py``, ``test_finance_pages.py`` and ``tests/browser/test_pages.py`` go through these tables.
"""

from __future__ import annotations

import tempfile
from datetime import date

from billing.invoice import store
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment.interest_facts import InterestScope
from billing.usage_statement import run as usage
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.guard import FileContent, admit
from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, DeliveryTopic, Receipt
from foundation.database import Database
from foundation.period import Month
from tests.billing.usage.made import NOTHING, PLANTED_H1, counts_csv
from tests.portal import demo_site
from tests.portal.finance import setup_rows

LOGIN = 303
CODE = "fyn-alkohol"
# nobody, officer, approver, reader, auditor, administrator, payer, neighbour
READS = (LOGIN, 200, 200, 200, 200, 403, 404, 404)
READS_NOTHING = (LOGIN, 404, 404, 404, 404, 403, 404, 404)
AUDITS = (LOGIN, 403, 403, 403, 200, 403, 404, 404)


def prepares(status: int) -> tuple[int, ...]:
    """What only an officer is answered."""
    return (LOGIN, status, 403, 403, 403, 403, 404, 404)


def approves(status: int) -> tuple[int, ...]:
    """What only an approver is answered."""
    return (LOGIN, 403, status, 403, 403, 403, 404, 404)


BASE = "/oekonomi/<place:place>"
HERE = "/oekonomi/461"
PLAN = "<int(max=999999999):number>"
YEAR = "<int(min=1970, max=2190):year>"
PRICE = f"{HERE}/priser/{CODE}/2012"
AGREED = f"{HERE}/aftaler/{CODE}"
END = f"{HERE}/aarsafslutning/{CODE}/2012"
TRUE_UP = f"{BASE}/aarsafslutning/<code>/{YEAR}/efterreguler/<int(max=999999999):number>"

CASE = f"{HERE}/enkeltsager/sag/S-BCDF-GHJK"
SURPLUS = f"{HERE}/overskudskapacitet/tilbud"

TABLE: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
    ("GET", f"{BASE}/planer"): (f"{HERE}/planer", READS),
    ("POST", f"{BASE}/planer"): (f"{HERE}/planer", prepares(303)),
    ("GET", f"{BASE}/planer/{PLAN}"): (f"{HERE}/planer/1", READS),
    ("POST", f"{BASE}/planer/{PLAN}/godkend"): (f"{HERE}/planer/999/godkend", approves(404)),
    ("POST", f"{BASE}/planer/{PLAN}/udsted"): (f"{HERE}/planer/1/udsted", approves(303)),
    ("POST", f"{BASE}/planer/{PLAN}/stop"): (f"{HERE}/planer/999/stop", prepares(404)),
    ("POST", f"{BASE}/planer/{PLAN}/afvis"): (f"{HERE}/planer/999/afvis", approves(404)),
    ("GET", f"{BASE}/arbejde/<work_id>"): (f"{HERE}/arbejde/findes-ikke", READS_NOTHING),
    ("GET", f"{BASE}/arbejde/<work_id>/stand"): (f"{HERE}/arbejde/findes-ikke/stand", READS_NOTHING),
    ("GET", f"{BASE}/arbejde/<work_id>/fil"): (f"{HERE}/arbejde/findes-ikke/fil", READS_NOTHING),
    ("GET", f"{BASE}/priser"): (f"{HERE}/priser", READS),
    ("POST", f"{BASE}/priser"): (f"{HERE}/priser", prepares(400)),
    ("GET", f"{BASE}/priser/<code>/{YEAR}"): (PRICE, READS),
    ("POST", f"{BASE}/priser/<code>/{YEAR}/varsel"): (f"{PRICE}/varsel", prepares(303)),
    ("GET", f"{BASE}/priser/<code>/{YEAR}/fil.xlsx"): (f"{PRICE}/fil.xlsx", READS),
    ("GET", f"{BASE}/priser/<code>/{YEAR}/hvad-nu-hvis"): (f"{PRICE}/hvad-nu-hvis?cost=5", READS),
    ("GET", f"{BASE}/aarsafslutning"): (f"{HERE}/aarsafslutning", READS),
    ("GET", f"{BASE}/aarsafslutning/<code>/{YEAR}"): (END, READS),
    ("GET", f"{BASE}/aarsafslutning/<code>/{YEAR}/fil.xlsx"): (END.replace("2012", "2011") + "/fil.xlsx", READS),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/regnskab"): (f"{END}/regnskab", prepares(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/luk"): (f"{END}/luk", approves(409)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/frigiv"): (f"{END}/frigiv", approves(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/udtraedelse"): (f"{END}/udtraedelse", approves(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/efterreguler"): (f"{END}/efterreguler", prepares(404)),
    ("POST", f"{TRUE_UP}/godkend"): (f"{END}/efterreguler/999/godkend", approves(404)),
    ("POST", f"{TRUE_UP}/udsted"): (f"{END}/efterreguler/999/udsted", approves(404)),
    ("POST", f"{TRUE_UP}/stop"): (f"{END}/efterreguler/999/stop", prepares(404)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/udlign"): (f"{END}/udlign", prepares(303)),
    ("GET", f"{BASE}/aftaler"): (f"{HERE}/aftaler", READS),
    ("POST", f"{BASE}/aftaler"): (f"{HERE}/aftaler", prepares(400)),
    ("GET", f"{BASE}/aftaler/<code>"): (AGREED, READS),
    ("GET", f"{BASE}/aftaler/<code>/fil.toml"): (f"{AGREED}/fil.toml", READS),
    ("POST", f"{BASE}/aftaler/<code>/budget"): (f"{AGREED}/budget", prepares(400)),
    ("POST", f"{BASE}/aftaler/<code>/opsig"): (f"{AGREED}/opsig", prepares(400)),
    ("POST", f"{BASE}/aftaler/<code>/optag"): (f"{AGREED}/optag", prepares(400)),
    ("GET", f"{BASE}/folketal"): (f"{HERE}/folketal", READS),
    ("POST", f"{BASE}/folketal"): (f"{HERE}/folketal", prepares(400)),
    ("POST", f"{BASE}/folketal/hent"): (f"{HERE}/folketal/hent", prepares(400)),
    ("GET", f"{BASE}/betalinger"): (f"{HERE}/betalinger", READS),
    ("POST", f"{BASE}/betalinger"): (f"{HERE}/betalinger", prepares(400)),
    ("POST", f"{BASE}/betalinger/udlign"): (f"{HERE}/betalinger/udlign", prepares(200)),
    ("GET", f"{BASE}/betalinger/forslag"): (f"{HERE}/betalinger/forslag", READS),
    ("POST", f"{BASE}/betalinger/udlign-selv"): (f"{HERE}/betalinger/udlign-selv", prepares(400)),
    ("GET", f"{BASE}/betalinger/udligninger"): (f"{HERE}/betalinger/udligninger", READS),
    ("POST", f"{BASE}/betalinger/udligninger/{PLAN}/fortryd"): (
        f"{HERE}/betalinger/udligninger/999/fortryd",
        prepares(404),
    ),
    ("GET", f"{BASE}/aabne-poster"): (f"{HERE}/aabne-poster?kommune=420", READS),
    ("GET", f"{BASE}/bilag/<number>/krediter"): (f"{HERE}/bilag/F2008-0001/krediter", approves(200)),
    ("POST", f"{BASE}/bilag/<number>/krediter"): (f"{HERE}/bilag/F2008-0001/krediter", approves(400)),
    ("GET", f"{BASE}/forbrug"): (f"{HERE}/forbrug", READS),
    ("POST", f"{BASE}/forbrug/<code>"): (f"{HERE}/forbrug/{CODE}", prepares(400)),
    ("POST", f"{BASE}/forbrug/<code>/<period>/frigiv"): (f"{HERE}/forbrug/{CODE}/findes-ikke/frigiv", approves(400)),
    ("POST", f"{BASE}/forbrug/<code>/<period>/hent"): (
        f"{HERE}/forbrug/{CODE}/findes-ikke/hent",
        (LOGIN, 400, 400, 400, 400, 403, 404, 404),
    ),
    ("GET", f"{BASE}/levering"): (f"{HERE}/levering", READS),
    ("POST", f"{BASE}/levering/kvitteringer"): (f"{HERE}/levering/kvitteringer", prepares(400)),
    ("POST", f"{BASE}/levering/igen"): (f"{HERE}/levering/igen", prepares(404)),
    ("GET", f"{BASE}/regneark"): (f"{HERE}/regneark", READS),
    ("POST", f"{BASE}/regneark"): (f"{HERE}/regneark", (LOGIN, 400, 400, 400, 400, 403, 404, 404)),
    ("GET", f"{BASE}/revisionsspor"): (f"{HERE}/revisionsspor", AUDITS),
    ("GET", f"{BASE}/renter"): (f"{HERE}/renter", READS),
    ("POST", f"{BASE}/renter"): (f"{HERE}/renter", prepares(400)),
    ("POST", f"{BASE}/renter/satser"): (f"{HERE}/renter/satser", prepares(400)),
    ("GET", f"{BASE}/renter/{PLAN}"): (f"{HERE}/renter/1", READS),
    ("POST", f"{BASE}/renter/{PLAN}/godkend"): (f"{HERE}/renter/999/godkend", approves(404)),
    ("POST", f"{BASE}/renter/{PLAN}/udsted"): (f"{HERE}/renter/999/udsted", approves(404)),
    ("POST", f"{BASE}/renter/{PLAN}/stop"): (f"{HERE}/renter/999/stop", approves(404)),
    ("POST", f"{BASE}/aftaler/<code>/opsig-til"): (f"{AGREED}/opsig-til", prepares(400)),
    ("POST", f"{BASE}/aftaler/<code>/opsig-aftalen"): (f"{AGREED}/opsig-aftalen", prepares(400)),
    ("POST", f"{BASE}/aftaler/<code>/genforhandlet"): (f"{AGREED}/genforhandlet", prepares(400)),
    ("POST", f"{BASE}/aftaler/<code>/opfoelgning"): (
        f"{AGREED}/opfoelgning",
        (LOGIN, 400, 400, 400, 400, 403, 404, 404),
    ),
    # Odense bills no cases: who may, and that others' are not found. With cases: test_case_pages.
    ("GET", f"{BASE}/enkeltsager"): (f"{HERE}/enkeltsager", READS),
    ("POST", f"{BASE}/enkeltsager"): (f"{HERE}/enkeltsager", prepares(404)),
    ("GET", f"{BASE}/enkeltsager/takster"): (f"{HERE}/enkeltsager/takster", READS),
    ("POST", f"{BASE}/enkeltsager/takster"): (f"{HERE}/enkeltsager/takster", prepares(404)),
    ("GET", f"{BASE}/enkeltsager/planer"): (f"{HERE}/enkeltsager/planer", READS),
    ("POST", f"{BASE}/enkeltsager/planer"): (f"{HERE}/enkeltsager/planer", prepares(404)),
    # The demo's plan 1 is Horsens's.
    ("GET", f"{BASE}/enkeltsager/planer/{PLAN}"): (f"{HERE}/enkeltsager/planer/1", READS_NOTHING),
    ("POST", f"{BASE}/enkeltsager/planer/{PLAN}/godkend"): (f"{HERE}/enkeltsager/planer/1/godkend", approves(404)),
    ("POST", f"{BASE}/enkeltsager/planer/{PLAN}/udsted"): (f"{HERE}/enkeltsager/planer/1/udsted", approves(404)),
    ("POST", f"{BASE}/enkeltsager/planer/{PLAN}/stop"): (f"{HERE}/enkeltsager/planer/1/stop", prepares(404)),
    ("POST", f"{BASE}/enkeltsager/planer/{PLAN}/afvis"): (f"{HERE}/enkeltsager/planer/1/afvis", approves(404)),
    ("GET", f"{BASE}/enkeltsager/opgoerelser"): (f"{HERE}/enkeltsager/opgoerelser", READS),
    ("POST", f"{BASE}/enkeltsager/opgoerelser"): (f"{HERE}/enkeltsager/opgoerelser", prepares(404)),
    (
        "GET",
        f"{BASE}/enkeltsager/opgoerelser/<code>/<place:payer>/<first>/<last>.<any(pdf,xlsx):kind>",
    ): (f"{HERE}/enkeltsager/opgoerelser/horsens-odder/727/2009-01/2009-03.xlsx", READS_NOTHING),
    ("GET", f"{BASE}/enkeltsager/sag/<number>"): (f"{CASE}", READS_NOTHING),
    ("POST", f"{BASE}/enkeltsager/sag/<number>/svar"): (f"{CASE}/svar", prepares(404)),
    ("POST", f"{BASE}/enkeltsager/sag/<number>/indskriv"): (f"{CASE}/indskriv", prepares(404)),
    ("POST", f"{BASE}/enkeltsager/sag/<number>/udskriv"): (f"{CASE}/udskriv", prepares(404)),
    ("POST", f"{BASE}/enkeltsager/sag/<number>/ret"): (f"{CASE}/ret", prepares(404)),
    ("POST", f"{BASE}/enkeltsager/sag/<number>/udlaeg"): (f"{CASE}/udlaeg", prepares(404)),
    ("GET", f"{BASE}/overskudskapacitet"): (f"{HERE}/overskudskapacitet", READS),
    ("POST", f"{BASE}/overskudskapacitet"): (f"{HERE}/overskudskapacitet", prepares(404)),
    ("POST", f"{BASE}/overskudskapacitet/tilbud/{PLAN}/saelg"): (f"{SURPLUS}/999/saelg", approves(404)),
    ("POST", f"{BASE}/overskudskapacitet/tilbud/{PLAN}/traek-tilbage"): (f"{SURPLUS}/999/traek-tilbage", prepares(404)),
    ("POST", f"{BASE}/overskudskapacitet/tilbud/{PLAN}/afvis"): (f"{SURPLUS}/999/afvis", approves(404)),
    **setup_rows.TABLE,
}

QUESTIONS: dict[str, int] = {
    f"{HERE}/planer": 9,
    f"{HERE}/planer/1": 10,
    f"{HERE}/priser": 7,
    PRICE: 26,
    f"{PRICE}/hvad-nu-hvis?cost=5": 101,  # two forecasts
    f"{HERE}/aarsafslutning": 8,
    END.replace("2012", "2010"): 26,
    f"{HERE}/aftaler": 7,
    AGREED: 9,
    f"{HERE}/folketal": 7,
    f"{HERE}/betalinger": 7,
    f"{HERE}/betalinger/forslag": 15,
    f"{HERE}/betalinger/udligninger": 8,
    f"{HERE}/aabne-poster?kommune=420": 15,
    f"{HERE}/renter": 20,
    f"{HERE}/renter/1": 8,
    f"{HERE}/forbrug": 16,
    f"{HERE}/levering": 8,
    f"{HERE}/regneark": 6,
    f"{HERE}/enkeltsager": 6,
    f"{HERE}/enkeltsager/takster": 6,
    f"{HERE}/enkeltsager/planer": 6,
    f"{HERE}/enkeltsager/opgoerelser": 6,
    f"{HERE}/overskudskapacitet": 60,
    f"{HERE}/folketal?ages=0-17": 7,
    **setup_rows.QUESTIONS,
}

PICTURES: list[tuple[str, str, str]] = [
    ("officer", f"{HERE}/planer", "planer"),
    ("newcomer", "/oekonomi/101/planer", "planer-tomt"),
    ("officer", f"{HERE}/planer/1", "plan"),
    ("approver", f"{HERE}/planer/1", "plan-godkend"),
    ("officer", f"{HERE}/priser", "priser"),
    ("newcomer", "/oekonomi/101/priser", "priser-tomt"),
    ("officer", PRICE, "pris"),
    ("officer", f"{PRICE}/hvad-nu-hvis?cost=5&without=492", "hvad-nu-hvis"),
    ("officer", f"{HERE}/aarsafslutning", "aarsafslutning"),
    ("newcomer", "/oekonomi/101/aarsafslutning", "aarsafslutning-tomt"),
    ("officer", END, "aarsafslutning-aabent"),
    ("approver", END.replace("2012", "2010"), "aarsafslutning-lukket"),
    ("officer", f"{HERE}/aftaler", "aftaler"),
    ("newcomer", "/oekonomi/101/aftaler", "aftaler-tomt"),
    ("officer", AGREED, "aftale"),
    ("officer", f"{HERE}/folketal", "folketal"),
    ("officer", f"{HERE}/folketal?on=2031-01-01", "folketal-tomt"),
    ("officer", f"{HERE}/betalinger", "betalinger"),
    ("newcomer", "/oekonomi/101/betalinger", "betalinger-tomt"),
    ("officer", f"{HERE}/betalinger/forslag", "betalinger-forslag"),
    ("officer", f"{HERE}/betalinger/udligninger", "betalinger-udligninger"),
    ("officer", f"{HERE}/aabne-poster?kommune=420", "aabne-poster"),
    ("approver", f"{HERE}/bilag/F2008-0002/krediter", "krediter"),
    ("officer", f"{HERE}/renter", "renter"),
    ("approver", f"{HERE}/renter/1", "renteplan"),
    ("officer", f"{HERE}/forbrug", "forbrug"),
    ("newcomer", "/oekonomi/101/forbrug", "forbrug-tomt"),
    ("officer", f"{HERE}/levering", "levering"),
    ("officer", f"{HERE}/levering?state=dead", "levering-tomt"),
    ("officer", f"{HERE}/regneark", "regneark"),
    ("officer", f"{HERE}/overskudskapacitet", "overskudskapacitet"),
    ("newcomer", "/oekonomi/101/overskudskapacitet", "overskudskapacitet-tomt"),
    ("officer", f"{HERE}/enkeltsager", "enkeltsager-ingen"),
    ("horsens", "/oekonomi/615/enkeltsager", "enkeltsager"),
    ("horsens", "/oekonomi/615/enkeltsager?q=findes+ikke", "enkeltsager-tomt"),
    ("horsens", "/oekonomi/615/enkeltsager/takster", "takster"),
    ("horsens", "/oekonomi/615/enkeltsager/planer", "sagsplaner"),
    ("horsens", "/oekonomi/615/enkeltsager/planer/1", "sagsplan"),
    (
        "horsens",
        "/oekonomi/615/enkeltsager/opgoerelser?agreement=horsens-odder&payer=727&first=2009-01&last=2009-03",
        "sagsopgoerelser",
    ),
    ("horsens", "/oekonomi/615/aftaler/horsens-odder", "aftale-horsens"),
    ("officer", f"{HERE}/folketal?ages=0-17", "folketal-aldersgruppe"),
    ("odder", "/kommune/727/enkeltsager", "kommunens-enkeltsager"),
    ("payer", "/kommune/420/enkeltsager", "kommunens-enkeltsager-ingen"),
    ("auditor", f"{HERE}/revisionsspor", "revisionsspor"),
    ("auditor", f"{HERE}/revisionsspor?q=findes+ikke", "revisionsspor-tomt"),
    *setup_rows.PICTURES,
]


PERIOD = UsagePeriod.parse("2009-H1")
HEADINGS = counts_csv(PLANTED_H1)
BANK = """Bogført;Beløb;Tekst;Reference;Afsender;Saldo
15.01.2009;194.202,82;F2008-0001;;Assens Kommune;1
16.01.2009;100,00;uden bilag;;;1
17.01.2012;214.680,60;;;Assens Kommune;1
""".encode()


def prepare(database: Database) -> None:
    """What the pages show beside the demo's years: a plan, receipts, an interest plan, usage, deliveries."""
    with database.transaction() as connection:
        now = demo_site.occasion()
        runs.plan_run(connection, RunScope(None, Month(2012, 6), demo_site.ODENSE), now)
        payments.load_receipts(connection, "bank.csv", BANK, demo_site.ODENSE, now, account="12345678")
        payments.match_by_hand(connection, demo_site.ODENSE, {1: None}, {"F2008-0001": None}, now)
        interest_run.plan_interest(connection, InterestScope(demo_site.ODENSE, date(2012, 3, 31)), now)
        for provider, counts in (("461", PLANTED_H1), ("479", NOTHING)):
            file = admit(FileContent("antal.csv", counts_csv(counts)))
            mapping, _headings = usage.suggest_mapping(connection, CODE, "461", admit(FileContent("a.csv", HEADINGS)))
            usage.keep_mapping(connection, CODE, provider, mapping, now)
            usage.load_usage(connection, usage.Target(CODE, provider, PERIOD), file, now)
        usage.release_usage(connection, CODE, PERIOD, now)
        folder = {"path": tempfile.gettempdir(), "files": "xml"}
        deliveries.set_channel(connection, demo_site.ODENSE, DeliveryTopic.DOCUMENTS, ChannelKind.FOLDER, folder, now)
        documents = [store.find_documents(connection, f"F2012-000{one}", demo_site.ODENSE)[0][1] for one in (1, 2)]
        keys = deliveries.put_again(connection, documents, now)
        deliveries.record_receipt(connection, Receipt(keys[0], accepted=False, reason="ukendt GLN"), now)
        setup_rows.prepare(connection, now)
