"""Look through the books and say whether they hold: sums, numbers, claims, ledger against documents, audit chain.

Nothing here trusts what was stored as a sum: each is computed again from the rows below it, shares and instalments from
the inhabitants and cost lines that the calculation kept. A fault is named with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, OperationalError

from agreements import store as agreement_store
from billing.monthly_aconto.run import due_months
from billing.verify.cases import cases_billed_once, cases_name_nobody, waiting_cases
from billing.verify.documents import (
    billed_once,
    credited_within_bounds,
    invoices_follow_price,
    numbers_without_gaps,
)
from billing.verify.ledger import clearing_is_zero, ledger_equals_invoices, vouchers_balance
from billing.verify.payments import bank_entries_once, interest_once, open_items_equal_books, settled_within
from billing.verify.prices import agreements_read_back, shares_sum
from billing.verify.results import passed_on_once, results_hold
from billing.verify.settled import net_assets_hold, true_ups_hold
from billing.verify.surplus import sales_in_accounts
from billing.verify.trail import audit_chain, documents_unchanged
from billing.verify.usage import nothing_given_away, statements_follow_counts
from billing.verify.waiting import waiting_prices
from foundation.database import faults_of_file, whatever_it_says
from foundation.errors import MellemregningError
from foundation.period import Month

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        detail: What was found: the faults, or in words that all is well, or what waits to be done.
        warning: True where ``detail`` tells of something due; the books are right all the same.
    """

    name: str
    ok: bool
    detail: str
    warning: bool = False


def verify(connection: Connection, as_of: date) -> list[Check]:
    """Run every check on the whole database.

    Args:
        connection: Where to read.
        as_of: The business date by which months are due.
    """
    looks: dict[str, Callable[[], Check]] = {name: partial(_check, connection, name, look) for name, look in CHECKS}
    looks["documents_unchanged"] = partial(_documents_unchanged, connection)
    looks["months_due"] = partial(_months_due, connection, as_of)
    looks["cases_due"] = partial(_cases_due, connection, as_of)
    with whatever_it_says(connection):
        return [_guarded(connection, name, look) for name, look in looks.items()]


# What reading rows may come to that were never written so: a date that is none, an agreement that cannot be read.
UNREADABLE = (ArithmeticError, AttributeError, DatabaseError, LookupError, MellemregningError, TypeError, ValueError)


def _guarded(connection: Connection, name: str, look: Callable[[], Check]) -> Check:
    """A look that cannot be finished has found something; the others go on."""
    try:
        with connection.begin_nested():
            return look()
    except OperationalError:
        raise  # the database is gone, not the books wrong
    except UNREADABLE as error:
        reason = error.orig if isinstance(error, DatabaseError) else error
        return Check(name, ok=False, detail=f"noget kan ikke læses, så der er ikke set efter til ende: {reason}")


def _check(connection: Connection, name: str, look: Callable[[Connection], Iterator[str]]) -> Check:
    return _answer(name, list(look(connection)), FINE[name])


def _answer(name: str, faults: list[str], fine: str) -> Check:
    if not faults:
        return Check(name, ok=True, detail=fine)
    more = f" (og {len(faults) - MOST_NAMED} mere)" if len(faults) > MOST_NAMED else ""
    return Check(name, ok=False, detail="; ".join(faults[:MOST_NAMED]) + more)


def _documents_unchanged(connection: Connection) -> Check:
    faults, unknown = documents_unchanged(connection)
    fine = "Hvert bilag siger det, det sagde, da det blev udstedt."
    if unknown:
        fine += f" {unknown} bilag er udstedt, før hændelserne huskede indholdet, og er ikke sammenlignet."
    return _answer("documents_unchanged", faults, fine)


def _months_due(connection: Connection, as_of: date) -> Check:
    waiting = []
    for code in agreement_store.agreement_codes(connection):
        agreement = agreement_store.find_agreement(connection, code)
        if agreement is None:
            continue
        due = due_months(connection, agreement, as_of)
        if due:
            waiting.append(f"{code}: {_in_words(due)}")
    told = [f"Forfalden og ikke faktureret: {'; '.join(waiting)}"] if waiting else []
    prices = waiting_prices(connection)
    if prices:
        told.append(f"Venter: {'; '.join(prices)}")
    if not told:
        return Check(
            "months_due", ok=True, detail=f"Intet forfaldent mangler at blive faktureret pr. {as_of:%d.%m.%Y}."
        )
    return Check("months_due", ok=True, detail=". ".join(told), warning=True)


def _cases_due(connection: Connection, as_of: date) -> Check:
    waiting = waiting_cases(connection, as_of)
    if not waiting:
        return Check("cases_due", ok=True, detail=f"Ingen enkeltsager venter på regning pr. {as_of:%d.%m.%Y}.")
    return Check("cases_due", ok=True, detail="Ikke faktureret: " + "; ".join(waiting), warning=True)


def _in_words(due: list[tuple[Month, tuple[str, ...]]]) -> str:
    """The months, adjacent ones with the same payers as one span."""
    spans: list[list[tuple[Month, tuple[str, ...]]]] = []
    for month, codes in due:
        if spans and spans[-1][-1][0].plus(1) == month and spans[-1][-1][1] == codes:
            spans[-1].append((month, codes))
        else:
            spans.append([(month, codes)])
    words = []
    for span in spans:
        first, last, codes = span[0][0], span[-1][0], span[0][1]
        months = str(first) if first == last else f"{first} til {last}"
        words.append(f"{months} ({len(codes)} kommuner: {', '.join(codes)})")
    return "; ".join(words)


CHECKS: tuple[tuple[str, Callable[[Connection], Iterator[str]]], ...] = (
    ("file_whole", faults_of_file),
    ("agreements_read_back", agreements_read_back),
    ("vouchers_balance", vouchers_balance),
    ("billed_once", billed_once),
    ("credited_within_bounds", credited_within_bounds),
    ("shares_sum", shares_sum),
    ("invoices_follow_price", invoices_follow_price),
    ("numbers_without_gaps", numbers_without_gaps),
    ("ledger_equals_invoices", ledger_equals_invoices),
    ("clearing_is_zero", clearing_is_zero),
    ("results_hold", results_hold),
    ("passed_on_once", passed_on_once),
    ("true_ups_hold", true_ups_hold),
    ("net_assets_hold", net_assets_hold),
    ("bank_entries_once", bank_entries_once),
    ("settled_within", settled_within),
    ("open_items_equal_books", open_items_equal_books),
    ("interest_once", interest_once),
    ("cases_billed_once", cases_billed_once),
    ("cases_name_nobody", cases_name_nobody),
    ("sales_in_accounts", sales_in_accounts),
    ("statements_follow_counts", statements_follow_counts),
    ("nothing_given_away", nothing_given_away),
    ("audit_chain", audit_chain),
)

FINE = {
    "file_whole": "Databasens fil er hel, hvor den er vores (SQLite).",
    "agreements_read_back": "Hver aftale læses, som dens fil siger.",
    "vouchers_balance": "Hvert bilag summer til nul.",
    "billed_once": "Ingen periode er faktureret to gange.",
    "credited_within_bounds": "Ingen linje er krediteret for mere, end den lyder på.",
    "shares_sum": "Andele, forpligtelser og rater er beregnet efter og stemmer.",
    "invoices_follow_price": "Hver a conto-faktura følger sin prisberegning.",
    "numbers_without_gaps": "Numrene er uden huller og i datoorden.",
    "ledger_equals_invoices": "Bogføringen er lig med bilagene.",
    "clearing_is_zero": "Mellemregningen mellem udbyderne summer til nul.",
    "results_hold": "Afsluttede års resultater er indregnet, overført eller gjort op.",
    "passed_on_once": "Intet resultat er indregnet to gange.",
    "true_ups_hold": "Hver efterregulering er betalerens del af årets resultat.",
    "net_assets_hold": "Hver andel af nettoformuen følger af andelene på den sidste dag.",
    "bank_entries_once": "Hver bankpost er her én gang og bogført med sit beløb.",
    "settled_within": "Intet er brugt eller udlignet med mere end sit beløb.",
    "open_items_equal_books": "Åbne poster, indbetalinger på konto og bank er lig med bogføringen.",
    "interest_once": "Ingen dags rente er opkrævet to gange.",
    "cases_billed_once": "Intet døgn i en enkeltsag og ingen leverandørfaktura er faktureret to gange.",
    "cases_name_nobody": "Enkeltsager siger ikke, hvem de handler om, og hvert skridt står i hændelserne.",
    "sales_in_accounts": "Solgt overskudskapacitet er faktureret som aftalt og står i afsluttede års regnskaber.",
    "statements_follow_counts": "Forbrugsopgørelsernes tal er dem, der blev talt.",
    "nothing_given_away": "Intet skjult tal i forbrugsopgørelserne kan regnes ud.",
    "audit_chain": "Hændelseskæden er ubrudt.",
}

__all__ = ["CHECKS", "Check", "verify"]
