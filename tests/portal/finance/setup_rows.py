"""The pages of the set-up, of reminders and of web-hooks, in the tables of ``rows``; and what they show there."""

from __future__ import annotations

from sqlalchemy import Connection

from billing.payment import reminder_run
from foundation.audit import Occasion
from foundation.hooks import HOOK_KEY
from portal.access import hooks
from tests.portal import demo_site

LOGIN = 303
CODE = "fyn-alkohol"
BASE, HERE = "/oekonomi/<place:place>", "/oekonomi/461"
PARTIES, PARTIES_HERE = f"{BASE}/opsaetning/modtagere/<code>", f"{HERE}/opsaetning/modtagere/{CODE}"
LETTER = "<int(max=999999999):number>"

# nobody, officer, approver, reader, auditor, administrator, payer, neighbour
READS = (LOGIN, 200, 200, 200, 200, 403, 404, 404)
READS_NOTHING = (LOGIN, 404, 404, 404, 404, 403, 404, 404)


def prepares(status: int) -> tuple[int, ...]:
    """What only an officer is answered."""
    return (LOGIN, status, 403, 403, 403, 403, 404, 404)


def administers(status: int) -> tuple[int, ...]:
    """What only an administrator is answered."""
    return (LOGIN, 403, 403, 403, 403, status, 404, 404)


TABLE: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
    ("GET", f"{BASE}/opsaetning"): (f"{HERE}/opsaetning", READS),
    ("GET", f"{BASE}/opsaetning/uret"): (f"{HERE}/opsaetning/uret", READS),
    ("POST", f"{BASE}/opsaetning/uret"): (f"{HERE}/opsaetning/uret", prepares(400)),
    ("GET", f"{BASE}/opsaetning/to-personer"): (f"{HERE}/opsaetning/to-personer", administers(200)),
    ("POST", f"{BASE}/opsaetning/to-personer"): (f"{HERE}/opsaetning/to-personer", administers(400)),
    ("GET", f"{BASE}/opsaetning/udsteder"): (f"{HERE}/opsaetning/udsteder", READS),
    ("POST", f"{BASE}/opsaetning/udsteder"): (f"{HERE}/opsaetning/udsteder", prepares(303)),
    ("GET", PARTIES): (PARTIES_HERE, READS),
    ("POST", f"{PARTIES}/fil"): (f"{PARTIES_HERE}/fil", prepares(400)),
    ("GET", f"{PARTIES}/kommune/<place:who>"): (f"{PARTIES_HERE}/kommune/420", READS),
    ("POST", f"{PARTIES}/kommune/<place:who>"): (f"{PARTIES_HERE}/kommune/101", prepares(404)),
    ("GET", f"{PARTIES}/ydelse/<service>"): (f"{PARTIES_HERE}/ydelse/-", READS),
    ("POST", f"{PARTIES}/ydelse/<service>"): (f"{PARTIES_HERE}/ydelse/findes-ikke", prepares(404)),
    ("GET", f"{BASE}/opsaetning/forsendelse"): (f"{HERE}/opsaetning/forsendelse", READS),
    ("POST", f"{BASE}/opsaetning/forsendelse"): (f"{HERE}/opsaetning/forsendelse", prepares(404)),
    ("POST", f"{BASE}/bilag/<number>/send-igen"): (f"{HERE}/bilag/F1999-0001/send-igen", prepares(404)),
    ("GET", f"{BASE}/opsaetning/posteringsfil"): (f"{HERE}/opsaetning/posteringsfil", READS),
    ("POST", f"{BASE}/opsaetning/posteringsfil"): (f"{HERE}/opsaetning/posteringsfil", prepares(400)),
    ("POST", f"{BASE}/posteringsfil"): (f"{HERE}/posteringsfil", (LOGIN, 400, 400, 400, 400, 403, 404, 404)),
    ("GET", f"{BASE}/opsaetning/bankfil"): (f"{HERE}/opsaetning/bankfil", READS),
    ("POST", f"{BASE}/opsaetning/bankfil"): (f"{HERE}/opsaetning/bankfil", prepares(303)),
    ("GET", f"{BASE}/paamindelser"): (f"{HERE}/paamindelser", READS),
    ("POST", f"{BASE}/paamindelser/dage"): (f"{HERE}/paamindelser/dage", prepares(303)),
    ("POST", f"{BASE}/paamindelser/send"): (
        f"{HERE}/paamindelser/send",
        prepares(409),
    ),  # the row above turned them off
    ("GET", f"{BASE}/paamindelser/{LETTER}/fil.pdf"): (f"{HERE}/paamindelser/999/fil.pdf", READS_NOTHING),
    ("POST", f"{BASE}/priser/<code>/<int(min=1970, max=2190):year>/omfakturer"): (
        f"{HERE}/priser/{CODE}/2012/omfakturer",
        (LOGIN, 403, 400, 403, 403, 403, 404, 404),
    ),
    ("POST", f"{BASE}/forbrug/<code>/<period>/kontrol"): (f"{HERE}/forbrug/{CODE}/findes-ikke/kontrol", prepares(400)),
    ("GET", "/web-hooks/<place:place>/"): ("/web-hooks/461/", READS),
    ("POST", "/web-hooks/<place:place>/ny"): ("/web-hooks/461/ny", prepares(409)),  # no key is set here
    ("POST", "/web-hooks/<place:place>/luk/<int(max=999999999):number>"): ("/web-hooks/461/luk/999", prepares(404)),
    ("POST", "/web-hooks/<place:place>/igen"): ("/web-hooks/461/igen", prepares(404)),
}

QUESTIONS: dict[str, int] = {
    f"{HERE}/opsaetning": 9,
    f"{HERE}/opsaetning/uret": 6,
    f"{HERE}/opsaetning/udsteder": 6,
    PARTIES_HERE: 22,
    f"{PARTIES_HERE}/kommune/420": 9,
    f"{PARTIES_HERE}/ydelse/-": 9,
    f"{HERE}/opsaetning/forsendelse": 6,
    f"{HERE}/opsaetning/posteringsfil": 8,
    f"{HERE}/opsaetning/bankfil": 6,
    f"{HERE}/paamindelser": 20,
    "/web-hooks/461/": 8,
}

PICTURES: list[tuple[str, str, str]] = [
    ("officer", f"{HERE}/opsaetning", "opsaetning"),
    ("newcomer", "/oekonomi/101/opsaetning", "opsaetning-tomt"),
    ("officer", f"{HERE}/opsaetning/uret", "opsaetning-uret"),
    ("reader", f"{HERE}/opsaetning/uret", "opsaetning-uret-laeser"),
    ("newcomer", "/oekonomi/101/opsaetning/uret", "opsaetning-uret-tomt"),
    ("administrator", f"{HERE}/opsaetning/to-personer", "opsaetning-to-personer"),
    ("officer", f"{HERE}/opsaetning/udsteder", "opsaetning-udsteder"),
    ("officer", PARTIES_HERE, "opsaetning-modtagere"),
    ("officer", f"{PARTIES_HERE}/kommune/420", "opsaetning-modtager"),
    ("reader", f"{PARTIES_HERE}/ydelse/-", "opsaetning-ydelse-laeser"),
    ("officer", f"{HERE}/opsaetning/forsendelse", "opsaetning-forsendelse"),
    ("newcomer", "/oekonomi/101/opsaetning/forsendelse", "opsaetning-forsendelse-tomt"),
    ("officer", f"{HERE}/opsaetning/posteringsfil", "opsaetning-posteringsfil"),
    ("newcomer", "/oekonomi/101/opsaetning/posteringsfil", "opsaetning-posteringsfil-tomt"),
    ("officer", f"{HERE}/opsaetning/bankfil", "opsaetning-bankfil"),
    ("officer", f"{HERE}/paamindelser", "paamindelser"),
    ("newcomer", "/oekonomi/101/paamindelser", "paamindelser-tomt"),
    ("officer", "/web-hooks/461/", "web-hooks"),
    ("payer", "/web-hooks/420/", "web-hooks-tomt"),
]


def prepare(connection: Connection, now: Occasion) -> None:
    """Days for letters, and a web-hook."""
    reminder_run.set_reminders(connection, demo_site.ODENSE, (10, 30), now)
    hooks.make_hook(
        connection,
        demo_site.ODENSE,
        "https://modtager.example/haendelser",
        ["document.issued"],
        now,
        environment={HOOK_KEY: "prøvens nøgle"},
    )
