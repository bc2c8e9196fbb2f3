"""Enkeltsager: no day is billed twice, each line is of its case, the trail tells every step, and nothing says who."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Connection, and_, not_, or_, select

from agreements import store as agreement_store
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import invoice, invoice_line
from billing.single_case.run import cases_due
from billing.single_case.tables import case_event, case_line, case_outlay, case_refusal, single_case
from billing.verify.documents import is_credit
from foundation import audit
from foundation.money import kroner
from foundation.person_number import holds_one

_A_CASE_NUMBER = re.compile(r"S-[A-Z]{4}-[A-Z]{4}", re.ASCII)
_STEPS = {f"single_case.{word}" for word in ("approved", "admitted", "discharged", "corrected", "withdrawn", "refused")}


def cases_billed_once(connection: Connection) -> Iterator[str]:
    """Each line of a case bill is of its case and its days; no day of a case and no outlay is billed twice."""
    yield from _lines_that_differ(connection)
    crediting = invoice.alias("crediting")
    everything = connection.execute(
        select(case_line, single_case.c.number, crediting.c.id.label("credited_by"))
        .join(single_case, single_case.c.id == case_line.c.case_id)
        .join(invoice, invoice.c.id == case_line.c.invoice_id)
        .outerjoin(crediting, crediting.c.credits_id == invoice.c.id)
        .order_by(case_line.c.invoice_id, case_line.c.position),
    )
    days: dict[str, Counter[date]] = defaultdict(Counter)
    passed_on: Counter[int] = Counter()
    # What was taken back whole, and counter entries of it: the next plan takes those back, so they wait, and are due.
    apart: set[tuple[int, int]] = set()
    for row in everything:
        if row.credited_by is not None or (row.counters_id, row.counters_position) in apart:
            apart.add((row.invoice_id, row.position))
            continue
        if row.outlay_id is not None:
            passed_on[row.outlay_id] += row.amount_oere
            continue
        length = (row.to_day - row.from_day).days
        if abs(row.days) != length or row.amount_oere != row.days * row.unit_oere:
            yield f"sag {row.number}: {row.days} døgn er ikke {row.from_day:%d.%m.%Y}-{row.to_day:%d.%m.%Y} til taksten"
        sign = 1 if row.days > 0 else -1
        for place in range(length):
            days[row.number][row.from_day + timedelta(days=place)] += sign
    for number, counted in sorted(days.items()):
        wrong = sorted(day for day, times in counted.items() if times not in {0, 1})
        if wrong:
            yield f"sag {number}: {len(wrong)} døgn er ikke faktureret én gang, første gang {wrong[0]:%d.%m.%Y}"
    for row in connection.execute(select(case_outlay, single_case.c.number).join(single_case)):
        if passed_on[row.id] not in {0, row.amount_oere}:
            yield f"sag {row.number}: faktura {row.reference} er videresendt med {kroner(passed_on[row.id])}"


def _lines_that_differ(connection: Connection) -> Iterator[str]:
    """Lines whose document says another amount, period, service or payer than the case; and those of no case."""
    rows = connection.execute(
        select(invoice.c.number, invoice_line.c.position, case_line.c.case_id)
        .select_from(invoice_line)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .outerjoin(
            case_line,
            and_(case_line.c.invoice_id == invoice_line.c.invoice_id, case_line.c.position == invoice_line.c.position),
        )
        .outerjoin(single_case, single_case.c.id == case_line.c.case_id)
        .where(
            invoice.c.kind == ClaimKind.CASE.value,
            not_(is_credit()),
            or_(
                case_line.c.case_id.is_(None),
                case_line.c.amount_oere != invoice_line.c.amount_oere,
                case_line.c.from_day != invoice_line.c.period_from,
                case_line.c.to_day != invoice_line.c.period_to,
                single_case.c.agreement != invoice_line.c.agreement,
                single_case.c.service != invoice_line.c.service,
                single_case.c.provider != invoice_line.c.provider,
                single_case.c.payer != invoice.c.subscriber,
            ),
        ),
    )
    for row in rows:
        what = "er ikke af nogen sag" if row.case_id is None else "er ikke, hvad sagen siger"
        yield f"{row.number}, linje {row.position} {what}"


def cases_name_nobody(connection: Connection) -> Iterator[str]:
    """A case's number is of our making, nothing of it looks like a person, and the trail tells each of its steps."""
    told: Counter[str] = Counter()
    opened: set[str] = set()
    looked = select(audit.audit_event.c.action, audit.audit_event.c.subject).where(
        audit.audit_event.c.action.like("single_case.%"),
    )
    for action, subject in connection.execute(looked):
        if action in _STEPS:
            told[subject] += 1
        elif action == "single_case.opened":
            opened.add(subject)
    steps = Counter(connection.execute(select(case_event.c.case_id)).scalars())
    refused = set(connection.execute(select(case_refusal.c.case_id)).scalars())
    for row in connection.execute(select(single_case).order_by(single_case.c.id)):
        if _A_CASE_NUMBER.fullmatch(row.number) is None:
            yield f"sagen med id {row.id} har et nummer, som programmet ikke giver"
            continue
        subject = f"{row.agreement} {row.number}"
        if row.id in refused and steps[row.id]:
            yield f"sag {row.number} er afslået af betalingskommunen, og alligevel er der sket noget i den"
        if subject not in opened or told[subject] != steps[row.id] + (row.id in refused):
            yield f"sag {row.number}: hændelserne fortæller ikke om hvert af dens skridt"
    for row in connection.execute(select(case_outlay)):
        if holds_one(row.reference) or holds_one(row.supplier):
            yield f"leverandørfaktura nr. {row.id} indeholder noget, der ligner et CPR-nummer"


def waiting_cases(connection: Connection, as_of: date) -> list[str]:
    """What of each agreement's cases is due and not billed, in words."""
    found = []
    for code in agreement_store.agreement_codes(connection):
        agreement = agreement_store.find_agreement(connection, code)
        if agreement is None or not agreement.cases.services:
            continue
        due = cases_due(connection, agreement, as_of)
        if due.documents:
            total = sum(document.amount_oere for document in due.documents)
            found.append(f"{code}: {len(due.documents)} regninger på enkeltsager, {kroner(total)}")
        barred = sum(1 for entry in due.left_out if entry.error != "waits")
        if barred:
            found.append(f"{code}: {barred} sagsmåneder kan ikke faktureres; se «mellemregning case plan {code}»")
    return found
