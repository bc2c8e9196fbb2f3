"""Which page does what a command does, or why none does; and what was worded for the command line, worded for a page.

Sentences of the rooms below name commands, since these are theirs to name. A page says the page instead: ``on_pages``
is asked by whatever shows such a sentence. docs/portal_and_commands.md is the same list for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from foundation.errors import N_
from portal.language import _


@dataclass(frozen=True, slots=True)
class Way:
    """Where somebody does in the portal what a command does.

    Attributes:
        endpoint: The page; empty where there is none.
        said: What the page is called; or why there is none.
    """

    endpoint: str
    said: str


PLANS = Way("finance.plans", N_("Planer"))
INVOICES = Way("finance.invoices", N_("Udstedte bilag"))
PAYMENTS = Way("finance.payments", N_("Betalinger"))
OPEN_ITEMS = Way("finance.open_items", N_("Åbne poster"))
MATCHES = Way("finance.payment_matches", N_("Udligninger"))
INTEREST = Way("finance.interest", N_("Renter"))
REMINDERS = Way("finance.reminders", N_("Påmindelser"))
PRICES = Way("finance.prices", N_("Priser"))
YEAR_ENDS = Way("finance.year_ends", N_("Årsafslutning"))
AGREEMENTS = Way("finance.agreements", N_("Aftaler"))
POPULATION = Way("finance.population", N_("Folketal"))
USAGE = Way("finance.usage", N_("Forbrug"))
DELIVERIES = Way("finance.deliveries", N_("Levering"))
WORKBOOKS = Way("finance.workbooks", N_("Regneark"))
OVERVIEW = Way("finance.overview", N_("Overblik"))
SETUP = Way("finance.setup", N_("Opsætning"))
CLOCK = Way("finance.setup_clock", N_("Opsætning: Advarsler og uret"))
ISSUER = Way("finance.setup_issuer", N_("Opsætning: Bank og e-faktura"))
PARTIES = Way("finance.setup_parties", N_("Opsætning: Modtagere og ydelser"))
CHANNELS = Way("finance.setup_channels", N_("Opsætning: Forsendelse"))
POSTING = Way("finance.setup_posting", N_("Opsætning: Posteringsfil"))
BANK = Way("finance.setup_bank", N_("Opsætning: Bankens fil"))
CASES = Way("finance.cases", N_("Enkeltsager"))
CASE_PRICES = Way("finance.case_prices", N_("Enkeltsager: Takster"))
CASE_PLANS = Way("finance.case_plans", N_("Enkeltsager: Planer"))
CASE_STATEMENTS = Way("finance.case_statements", N_("Enkeltsager: Opgørelser"))
SURPLUS = Way("finance.surplus", N_("Overskudskapacitet"))

USERS = Way("users.list_users", N_("Brugere"))
KEYS = Way("api_keys.list_keys", N_("Nøgler"))
HOOKS = Way("web_hooks.list_hooks", N_("Web-hooks"))

MACHINE = Way("", "the machine's own: files, processes or the database, which a page must not reach")
WHOLE = Way("", "goes through all issuers' books, which nobody in the portal may see together")
LATER = Way("", "has no page yet")
PLANNED = Way("", "the portal bills by a plan that another approves, never at once")

COMMANDS: Mapping[str, Way] = {
    "accounts load": YEAR_ENDS,
    "accounts show": YEAR_ENDS,
    "agreement deadlines": OVERVIEW,
    "agreement events": AGREEMENTS,
    "agreement export": AGREEMENTS,
    "agreement list": AGREEMENTS,
    "agreement load": AGREEMENTS,
    "agreement renegotiate": AGREEMENTS,
    "agreement show": AGREEMENTS,
    "agreement terminate": AGREEMENTS,
    "backup": MACHINE,
    "budget load": AGREEMENTS,
    "budget show": AGREEMENTS,
    "case admit": CASES,
    "case approve": CASES,
    "case correct": CASES,
    "case discharge": CASES,
    "case issue": CASE_PLANS,
    "case list": CASES,
    "case open": CASES,
    "case outlay": CASES,
    "case plan": CASE_PLANS,
    "case plan-approve": CASE_PLANS,
    "case plan-show": CASE_PLANS,
    "case plan-stop": CASE_PLANS,
    "case plans": CASE_PLANS,
    "case price": CASE_PRICES,
    "case refuse": CASES,
    "case statement": CASE_STATEMENTS,
    "case statement-send": CASE_STATEMENTS,
    "db status": MACHINE,
    "db upgrade": MACHINE,
    "deadlines": OVERVIEW,
    "deliver": DELIVERIES,
    "delivery list": DELIVERIES,
    "delivery receipt": DELIVERIES,
    "delivery retry": DELIVERIES,
    "delivery set": CHANNELS,
    "delivery show": CHANNELS,
    "demo": MACHINE,
    "details load": PARTIES,
    "details missing": PARTIES,
    "export annual": YEAR_ENDS,
    "export calculation": PRICES,
    "export specification": WORKBOOKS,
    "follow-up": AGREEMENTS,
    "forecast": PRICES,
    "hook add": HOOKS,
    "hook close": HOOKS,
    "hook list": HOOKS,
    "interest approve": INTEREST,
    "interest issue": INTEREST,
    "interest list": INTEREST,
    "interest plan": INTEREST,
    "interest rate list": INTEREST,
    "interest rate set": INTEREST,
    "interest show": INTEREST,
    "interest stop": INTEREST,
    "invoice credit": INVOICES,
    "invoice list": INVOICES,
    "invoice pdf": INVOICES,
    "invoice show": INVOICES,
    "invoice xml": INVOICES,
    "issuer details": ISSUER,
    "issuer set": CLOCK,
    "issuer show": SETUP,
    "membership join": AGREEMENTS,
    "membership leave": AGREEMENTS,
    "membership list": AGREEMENTS,
    "month issue": PLANS,
    "month plan": PLANS,
    "outbox list": WHOLE,
    "party set": PARTIES,
    "party show": PARTIES,
    "payment columns": BANK,
    "payment list": PAYMENTS,
    "payment load": PAYMENTS,
    "payment match": PAYMENTS,
    "payment open": OPEN_ITEMS,
    "payment undo": MATCHES,
    "population fetch": POPULATION,
    "population load": POPULATION,
    "population show": POPULATION,
    "posting-file columns": POSTING,
    "posting-file write": POSTING,
    "reminder send": REMINDERS,
    "reminder set": REMINDERS,
    "reminder show": REMINDERS,
    "restore": MACHINE,
    "run approve": PLANS,
    "run issue": PLANS,
    "run list": PLANS,
    "run plan": PLANS,
    "run show": PLANS,
    "run stop": PLANS,
    "scheduler": MACHINE,
    "service set": PARTIES,
    "service show": PARTIES,
    "settlement clear": YEAR_ENDS,
    "settlement close": YEAR_ENDS,
    "settlement exit": YEAR_ENDS,
    "settlement providers": YEAR_ENDS,
    "settlement release": YEAR_ENDS,
    "settlement show": YEAR_ENDS,
    "settlement true-up": YEAR_ENDS,
    "settlement true-up-approve": YEAR_ENDS,
    "settlement true-up-issue": YEAR_ENDS,
    "settlement true-up-show": YEAR_ENDS,
    "settlement true-up-stop": YEAR_ENDS,
    "subscription calculate": PRICES,
    "subscription notice": PRICES,
    "subscription reinvoice": PRICES,
    "subscription show": PRICES,
    "subscription versions": PRICES,
    "surplus compare": SURPLUS,
    "surplus list": SURPLUS,
    "surplus offer": SURPLUS,
    "surplus offer-sell": SURPLUS,
    "surplus offer-withdraw": SURPLUS,
    "surplus offers": SURPLUS,
    "surplus sell": SURPLUS,
    "token add": KEYS,
    "token end": KEYS,
    "token list": KEYS,
    "usage audit": USAGE,
    "usage list": USAGE,
    "usage load": USAGE,
    "usage mapping": USAGE,
    "usage preview": USAGE,
    "usage release": USAGE,
    "usage statement": USAGE,
    "user add": USERS,
    "user disable": USERS,
    "user enable": USERS,
    "user list": USERS,
    "user password": USERS,
    "user role": USERS,
    "verify": WHOLE,
}

# What is said of a choice on the command line is said of a field on a page.
_WORDED_FOR_A_PAGE: Mapping[str, str] = {
    "Angiv, hvad der skal rettes: --admitted, --discharged, --still-here eller --withdraw.": N_(
        "Gå tilbage, og skriv eller vælg, hvad der skal rettes."
    ),
    "Prisen er {offered_oere} pr. forløb. Abonnenternes forløb kostede {subscribers_oere} i {year}, og "
    "overskudskapacitet må ikke sælges på bedre vilkår. Hæv prisen, eller skriv begrundelsen med --reason.": N_(
        "Prisen er {offered_oere} pr. forløb. Abonnenternes forløb kostede {subscribers_oere} i {year}, og "
        "overskudskapacitet må ikke sælges på bedre vilkår. Gå tilbage, og hæv prisen, eller skriv begrundelsen."
    ),
    "Der er intet afsluttet år med frigivne forbrugsopgørelser for ydelsen «{service}» i aftalen «{agreement}», så "
    "prisen kan ikke sammenlignes med abonnenternes. Afslut året og frigiv opgørelserne, eller skriv "
    "begrundelsen med --reason.": N_(
        "Der er intet afsluttet år med frigivne forbrugsopgørelser for ydelsen «{service}» i aftalen «{agreement}», så "
        "prisen kan ikke sammenlignes med abonnenternes. Afslut året og frigiv opgørelserne, eller skriv "
        "begrundelsen."
    ),
    "{issuer} kræver to personer til hver regning. Angiv med --approved-by en anden end {actor}.": N_(
        "{issuer} kræver to personer til hver regning. Lad en anden end {actor} sælge."
    ),
    "Efter aftalen «{agreement}» får {municipality} sin andel af nettoformuen. Angiv, hvad regnskabet siger pr. "
    "{on}, med --net-assets BELØB og --evidence TEKST (0, hvis der ingen er).": N_(
        "Efter aftalen «{agreement}» får {municipality} sin andel af nettoformuen. Gå tilbage, og skriv, hvad "
        "regnskabet siger pr. {on}, og hvor det står (0, hvis der ingen er)."
    ),
    "Aftalen «{agreement}» giver ikke den, der udtræder, andel af nettoformuen. Udelad --net-assets, eller ret "
    "aftalens vilkår (net_assets_at_exit).": N_(
        "Aftalen «{agreement}» giver ikke den, der udtræder, andel af nettoformuen. Lad felterne om den stå tomme, "
        "eller ret aftalens vilkår (net_assets_at_exit)."
    ),
    "Skriv med --evidence, hvor nettoformuen står, på højst {longest} tegn, fx regnskabets side og note.": N_(
        "Gå tilbage, og skriv, hvor nettoformuen står, på højst {longest} tegn, fx regnskabets side og note."
    ),
    "En kreditnota skal sige hvorfor. Skriv begrundelsen med --reason.": N_(
        "En kreditnota skal sige hvorfor. Gå tilbage, og skriv begrundelsen."
    ),
    "En ophævelse skal sige hvorfor. Skriv begrundelsen med --reason.": N_(
        "En ophævelse skal sige hvorfor. Gå tilbage, og skriv begrundelsen."
    ),
    "Referencesatsen skal sige, hvor den er fra. Skriv det med --source.": N_(
        "Referencesatsen skal sige, hvor den er fra. Gå tilbage, og skriv kilden."
    ),
    "Indbetalinger for {received_oere} og bilag for {settled_oere} går ikke op. Angiv beløb, fx --document "
    "F2009-0001=1000,00.": N_(
        "Indbetalinger for {received_oere} og bilag for {settled_oere} går ikke op. Gå tilbage, og vælg andre bilag."
    ),
    "{file} siger ikke, hvilken konto den er fra. Angiv den med --account, fx registrerings- og kontonummer, eller "
    "gem den med «mellemregning payment columns KOMMUNE --account KONTO».": N_(
        "{file} siger ikke, hvilken konto den er fra. Skriv den ved filen, fx registrerings- og kontonummer, eller gem "
        "den på siden «Opsætning: Bankens fil»."
    ),
    "Kontoen {account} er {owner}s efter det, der tidligere er indlæst, og kan ikke indlæses for {issuer}. Kontrollér "
    "filen og --issuer.": N_(
        "Kontoen {account} er {owner}s efter det, der tidligere er indlæst, og kan ikke indlæses for {issuer}. "
        "Kontrollér filen."
    ),
    "Der er ikke valgt, hvordan kolonnerne fra {provider} læses. Se et forslag med «mellemregning usage mapping FIL "
    "--agreement {agreement} --provider {provider}», og gem det med --keep.": N_(
        "Der er ikke valgt, hvordan kolonnerne fra {provider} læses. Vælg filen igen på siden «Forbrug», og brug dens "
        "overskrifter som kolonnevalg."
    ),
}

# The same where facts have filled the sentence already.
_WORDED_SHORTER = (
    (" med --endpoint cvr", ""),
    (" by --endpoint cvr", ""),
    ("--unfit warned", N_("at udstede alligevel")),
)

_QUOTED = re.compile(
    r"(?P<lead>\b(?:[Kk]ør|[Rr]un|[Bb]rug|[Uu]se|køre|[Ss]e|[Ss]ee|med|with|på|by|on)\s+|:\s+|\()?"
    r"(?:[«'](?P<ours>mellemregning )?(?P<said>[a-z][^«»']*)[»']|mellemregning (?P<plain>[a-z][^)»']*)(?=\)))"
)
_DOES = {"kør", "køre", "run"}
_USES = {"brug": N_("brug siden «{page}»"), "use": N_("brug siden «{page}»"), "se": N_("se siden «{page}»")}
_USES["see"] = _USES["se"]


def way_of(said: str) -> Way | None:
    """Where that is done which a command line says; None where it names no command of ours."""
    words = said.split()
    for count in (3, 2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and name in COMMANDS:
            return COMMANDS[name]
    return None


def _is_surely_one(said: str) -> bool:
    """Whether quoted words without our name before them are a command and no code or text of somebody's."""
    words = said.split()
    return " ".join(words[:2]) in COMMANDS or (len(words) > 1 and words[0] in COMMANDS and words[1].startswith("--"))


def _named_once(text: str) -> str:
    """Two commands that follow each other may have one page; it is named once."""
    for page in {_(way.said) for way in COMMANDS.values() if way.endpoint}:
        named = _("siden «{page}»").format(page=page)
        if text.count(named) > 1:
            for together in (" og ", " and "):
                text = text.replace(f", {named}{together}{named}", f"{together}{named}")
                text = text.replace(f"{named}{together}{named}", named)
            text = text.replace(f"{named}, {named}", named)
    return text


def on_pages(text: str) -> str:
    """A sentence with the page named for each command that has one; commands that have none stay."""

    def put(found: re.Match[str]) -> str:
        way = way_of(found["said"] or found["plain"])
        if (
            way is None
            or not way.endpoint
            or (found["said"] and not found["ours"] and not _is_surely_one(found["said"]))
        ):
            return found[0]
        lead = found["lead"] or ""
        page = _(way.said)
        word = lead.strip().casefold()
        if word in _DOES:
            said = _("gøre det på siden «{page}»") if word == "køre" else _("gør det på siden «{page}»")
        elif word in _USES:
            said = _(_USES[word])
        elif lead.startswith(":"):
            return " " + _("på siden «{page}»").format(page=page)
        else:
            said = _("på siden «{page}»") if word in {"med", "with", "på", "on", "by"} else _("siden «{page}»")
            return ("(" if word == "(" else "") + said.format(page=page)
        said = said.format(page=page)
        return said[0].upper() + said[1:] if lead[0].isupper() else said

    text = _named_once(_QUOTED.sub(put, text))
    for flag, words in _WORDED_SHORTER:
        text = text.replace(flag, _(words) if words else "")
    return text


class Said(Protocol):
    """An error or a finding: a sentence that takes its facts when it is told."""

    def text(self, translate: Callable[[str], str]) -> str:
        """The sentence, as ``translate`` renders the Danish."""


def told_on_page(said: Said) -> str:
    """An error or a finding as a page says it."""
    return on_pages(said.text(lambda danish: _(_WORDED_FOR_A_PAGE.get(danish, danish))))
