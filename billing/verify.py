"""Look through the books and say whether they hold: sums, numbers, claims, ledger against documents, audit chain.

Nothing here trusts what was stored as a sum: each is computed again from the rows below it, shares and instalments from
the inhabitants and cost lines that the calculation kept. A fault is named with its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, case, func, or_, select

from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.municipality import MUNICIPALITIES
from billing.accounts import store as books
from billing.accounts.facts import Account, ResultSource, VoucherKind
from billing.accounts.tables import posting, result_movement, voucher
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice, invoice_line, number_series
from billing.monthly_aconto.run import due_months
from billing.year_end_settlement import store as settlement_store
from foundation import audit
from foundation.money import NothingToSplitBy, apportion, kroner
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
    checks = [_check(connection, name, look) for name, look in CHECKS]
    return [*checks, _months_due(connection, as_of)]


def _check(connection: Connection, name: str, look: Callable[[Connection], Iterator[str]]) -> Check:
    faults = list(look(connection))
    if not faults:
        return Check(name, ok=True, detail=FINE[name])
    more = f" (og {len(faults) - MOST_NAMED} mere)" if len(faults) > MOST_NAMED else ""
    return Check(name, ok=False, detail="; ".join(faults[:MOST_NAMED]) + more)


def vouchers_balance(connection: Connection) -> Iterator[str]:
    """Every voucher sums to zero."""
    sums = (
        select(voucher.c.reference, voucher.c.kind, func.coalesce(func.sum(posting.c.amount_oere), 0).label("total"))
        .outerjoin(posting, posting.c.voucher_id == voucher.c.id)
        .group_by(voucher.c.id, voucher.c.reference, voucher.c.kind)
        .having(func.coalesce(func.sum(posting.c.amount_oere), 0) != 0)
    )
    for row in connection.execute(sums):
        yield f"bilag {row.reference} ({row.kind}) summer til {kroner(int(row.total))} i stedet for nul"


def billed_once(connection: Connection) -> Iterator[str]:
    """No month is billed twice, by the documents themselves and by the claims they hold."""
    crediting = invoice.alias("crediting")
    live = (
        select(
            invoice.c.id,
            invoice.c.number,
            invoice.c.agreement,
            invoice.c.subscriber,
            invoice.c.kind,
            invoice.c.period_from,
        )
        .outerjoin(crediting, crediting.c.credits_id == invoice.c.id)
        .where(invoice.c.credits_id.is_(None), crediting.c.id.is_(None))
    ).subquery()
    twice = (
        select(live.c.agreement, live.c.subscriber, live.c.kind, live.c.period_from, func.count().label("times"))
        .group_by(live.c.agreement, live.c.subscriber, live.c.kind, live.c.period_from)
        .having(func.count() > 1)
    )
    for row in connection.execute(twice):
        yield (
            f"{row.agreement}: {_name(row.subscriber)} er faktureret {row.times} gange ({row.kind}) for perioden fra "
            f"{row.period_from:%d.%m.%Y}"
        )
    held = select(claim).where(claim.c.released_by.is_(None)).subquery()
    unmatched = (
        select(live.c.number, held.c.id)
        .join_from(live, held, held.c.invoice_id == live.c.id, isouter=True)
        .where(
            or_(
                held.c.id.is_(None),
                held.c.municipality != live.c.subscriber,
                held.c.period_from != live.c.period_from,
                held.c.agreement != live.c.agreement,
            ),
        )
    )
    for row in connection.execute(unmatched):
        yield f"{row.number} har ikke selv kravet på sin periode"
    orphans = (
        select(held.c.municipality, held.c.period_from)
        .join_from(held, live, live.c.id == held.c.invoice_id, isouter=True)
        .where(live.c.id.is_(None))
    )
    for row in connection.execute(orphans):
        yield f"kravet på {_name(row.municipality)} fra {row.period_from:%d.%m.%Y} holdes af et krediteret bilag"


def _subscriptions(connection: Connection) -> Iterator[AnnualSubscription]:
    for code in agreement_store.agreement_codes(connection):
        for year, version, _ in subscription_store.versions(connection, code):
            found = subscription_store.read_subscription(connection, code, year, version)
            if found is not None:
                yield found


def shares_sum(connection: Connection) -> Iterator[str]:
    """Shares are what the kept inhabitants and cost lines give; obligations and instalments sum to them."""
    stored = {(row.agreement, row.year, row.version): row for row in subscription_store.heads(connection)}
    parts = subscription_store.stored_parts(connection)
    for value in _subscriptions(connection):
        place = f"{value.agreement} {value.year}, beregning {value.version}"
        head = stored[value.agreement, value.year, value.version]
        try:
            expected = apportion(
                value.cost_oere, {part.municipality: part.weight for part in value.parts}, value.unit_oere
            )
        except (NothingToSplitBy, ValueError):
            expected = {}
        for part in value.parts:
            name = _name(part.municipality)
            if expected.get(part.municipality) != part.share_oere:
                yield f"{place}: andelen for {name} er {kroner(part.share_oere)} og følger ikke af indbyggertallene"
            if parts[head.id, part.municipality] != (part.passed_on_oere, part.obligation_oere):
                yield f"{place}: forpligtelsen for {name} er ikke andel minus indregnet resultat"
            if sum(instalment.amount_oere for instalment in part.instalments) != part.obligation_oere:
                yield f"{place}: raterne for {name} summer ikke til {kroner(part.obligation_oere)}"
        if (head.cost_oere, head.passed_on_oere, head.total_oere) != (
            value.cost_oere,
            value.passed_on_oere,
            sum(part.obligation_oere for part in value.parts),
        ):
            yield f"{place}: totalen er ikke summen af forpligtelserne"


def invoices_follow_price(connection: Connection) -> Iterator[str]:
    """Every invoice on account asks for the instalment of the calculation that it names."""
    prices: dict[tuple[str, int, int], AnnualSubscription] = {
        (value.agreement, value.year, value.version): value for value in _subscriptions(connection)
    }
    named = (
        select(
            invoice.c.number,
            invoice.c.agreement,
            invoice.c.subscriber,
            invoice.c.period_from,
            invoice.c.amount_oere,
            func.max(invoice_line.c.version).label("version"),
        )
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(
            invoice.c.kind == ClaimKind.ACONTO.value,
            invoice.c.credits_id.is_(None),
            invoice.c.provisional.is_(False),
        )
        .group_by(
            invoice.c.id,
            invoice.c.number,
            invoice.c.agreement,
            invoice.c.subscriber,
            invoice.c.period_from,
            invoice.c.amount_oere,
        )
    )
    for row in connection.execute(named):
        price = prices.get((row.agreement, row.period_from.year, row.version))
        part = price.part_of(row.subscriber) if price else None
        amounts = {instalment.month: instalment.amount_oere for instalment in part.instalments} if part else {}
        expected = amounts.get(Month.of(row.period_from))
        if expected != row.amount_oere:
            says = "ingen rate" if expected is None else kroner(expected)
            yield f"{row.number} lyder på {kroner(row.amount_oere)}, men prisberegningen siger {says}"


def numbers_without_gaps(connection: Connection) -> Iterator[str]:
    """Each issuer's numbers run from 1 without gaps, in date order, as far as the series says."""
    last: dict[tuple[str, int], tuple[int, date]] = {}
    rows = connection.execute(
        select(
            invoice.c.issuer, invoice.c.series_year, invoice.c.sequence, invoice.c.number, invoice.c.issue_date
        ).order_by(invoice.c.issuer, invoice.c.series_year, invoice.c.sequence),
    )
    for row in rows:
        key = (row.issuer, row.series_year)
        sequence, day = last.get(key, (0, date.min))
        if row.sequence != sequence + 1:
            missing = f"{sequence + 1}" if row.sequence == sequence + 2 else f"{sequence + 1}-{row.sequence - 1}"
            yield f"{_name(row.issuer)} {row.series_year}: der mangler nr. {missing} før {row.number}"
        if row.issue_date < day:
            yield f"{row.number} er dateret {row.issue_date:%d.%m.%Y}, før nummeret foran ({day:%d.%m.%Y})"
        if row.issue_date.year != row.series_year:
            yield f"{row.number} er dateret {row.issue_date:%d.%m.%Y}, uden for seriens år"
        last[key] = (row.sequence, max(day, row.issue_date))
    for row in connection.execute(select(number_series)):
        sequence, _ = last.get((row.issuer, row.year), (0, date.min))
        if sequence != row.last_sequence:
            yield f"{_name(row.issuer)} {row.year}: serien siger {row.last_sequence}, sidste bilag er nr. {sequence}"


def ledger_equals_invoices(connection: Connection) -> Iterator[str]:
    """Each document's lines sum to it, and its voucher books just that on the payer."""
    lines = (
        select(invoice_line.c.invoice_id, func.sum(invoice_line.c.amount_oere).label("total"))
        .group_by(invoice_line.c.invoice_id)
        .subquery()
    )
    booked = (
        select(
            voucher.c.agreement,
            voucher.c.reference,
            voucher.c.kind,
            func.sum(
                case(
                    (
                        posting.c.account.in_([Account.RECEIVABLE.value, Account.OWN_SHARE.value]),
                        posting.c.amount_oere,
                    ),
                    else_=0,
                ),
            ).label("total"),
            func.max(posting.c.municipality).label("municipality"),
        )
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]))
        .group_by(voucher.c.id, voucher.c.agreement, voucher.c.reference, voucher.c.kind)
        .subquery()
    )
    rows = connection.execute(
        select(
            invoice.c.number,
            invoice.c.amount_oere,
            lines.c.total.label("lines"),
            booked.c.total.label("booked"),
        )
        .join(lines, lines.c.invoice_id == invoice.c.id, isouter=True)
        .join(
            booked,
            and_(
                booked.c.agreement == invoice.c.agreement,
                booked.c.reference == invoice.c.number,
                booked.c.kind
                == case(
                    (invoice.c.credits_id.is_(None), VoucherKind.INVOICE.value),
                    else_=VoucherKind.CREDIT.value,
                ),
            ),
            isouter=True,
        )
        .where(
            or_(
                lines.c.total.is_(None),
                lines.c.total != invoice.c.amount_oere,
                booked.c.total.is_(None),
                booked.c.total != invoice.c.amount_oere,
            ),
        ),
    )
    for row in rows:
        if row.lines is None or int(row.lines) != row.amount_oere:
            yield f"linjerne på {row.number} summer ikke til {kroner(row.amount_oere)}"
        if row.booked is None:
            yield f"{row.number} er ikke bogført"
        elif int(row.booked) != row.amount_oere:
            yield f"{row.number} lyder på {kroner(row.amount_oere)}, men er bogført med {kroner(int(row.booked))}"
    unissued = connection.execute(
        select(booked.c.reference)
        .join(
            invoice,
            and_(invoice.c.agreement == booked.c.agreement, invoice.c.number == booked.c.reference),
            isouter=True,
        )
        .where(invoice.c.id.is_(None)),
    )
    for row in unissued:
        yield f"bilag {row.reference} er bogført, men ikke udstedt"
    balances = connection.execute(
        select(posting.c.municipality, func.sum(posting.c.amount_oere).label("total"))
        .where(posting.c.account.in_([Account.RECEIVABLE.value, Account.OWN_SHARE.value]))
        .group_by(posting.c.municipality),
    )
    owed = {row.municipality: int(row.total) for row in balances}
    billed = {
        row.subscriber: int(row.total)
        for row in connection.execute(
            select(invoice.c.subscriber, func.sum(invoice.c.amount_oere).label("total")).group_by(invoice.c.subscriber),
        )
    }
    for code in sorted(set(owed) | set(billed)):
        if owed.get(code, 0) != billed.get(code, 0):
            yield (
                f"{_name(code)}: debitorkontoen er {kroner(owed.get(code, 0))}, bilagene {kroner(billed.get(code, 0))}"
            )


def clearing_is_zero(connection: Connection) -> Iterator[str]:
    """What the providers have between them sums to zero, in every voucher and per agreement and year."""
    of_clearing = posting.c.account == Account.CLEARING.value
    by_voucher = (
        select(voucher.c.reference, func.sum(posting.c.amount_oere).label("total"))
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(of_clearing)
        .group_by(voucher.c.id, voucher.c.reference)
        .having(func.sum(posting.c.amount_oere) != 0)
    )
    for row in connection.execute(by_voucher):
        yield f"bilag {row.reference}: mellemregningen summer til {kroner(int(row.total))}"
    by_year = (
        select(posting.c.agreement, posting.c.accounting_year, func.sum(posting.c.amount_oere).label("total"))
        .where(of_clearing)
        .group_by(posting.c.agreement, posting.c.accounting_year)
        .having(func.sum(posting.c.amount_oere) != 0)
    )
    for year in connection.execute(by_year):
        yield (
            f"{year.agreement} {year.accounting_year}: mellemregningen mellem udbyderne er {kroner(int(year.total))}, "
            f"ikke nul"
        )


def results_hold(connection: Connection) -> Iterator[str]:
    """A closed year's result is what was invoiced less the accounts, and all of it is passed on, carried or settled."""
    for code in agreement_store.agreement_codes(connection):
        for year in settlement_store.closed_years(connection, code):
            settlement = settlement_store.read_settlement(connection, code, year)
            if settlement is None:
                continue
            place = f"{code} {year}"
            balance = _balance(connection, code, year, Account.ACONTO)
            if balance:
                yield f"{place}: {kroner(-balance)} er faktureret ud over det, regnskabet er afsluttet med"
            if settlement.cost_oere != sum(line.net_oere for line in settlement.accounts):
                yield f"{place}: udgiften er ikke summen af regnskabets linjer"
            if sum(part.result_oere for part in settlement.parts) != settlement.result_oere:
                yield f"{place}: kommunernes andele summer ikke til resultatet {kroner(settlement.result_oere)}"
            moved = connection.execute(
                select(func.coalesce(func.sum(result_movement.c.amount_oere), 0)).where(
                    result_movement.c.agreement == code,
                    result_movement.c.accounting_year == year,
                ),
            ).scalar_one()
            settled = sum(
                line.settled_oere
                for _, lines in settlement_store.exits(connection, code).values()
                for line in lines
                if line.accounting_year == year
            )
            if int(moved) + settled != settlement.result_oere:
                yield f"{place}: indregnet, overført og gjort op er ikke tilsammen resultatet"
            closed = connection.execute(
                select(func.coalesce(func.sum(posting.c.amount_oere), 0))
                .join(voucher, voucher.c.id == posting.c.voucher_id)
                .where(
                    posting.c.agreement == code,
                    posting.c.accounting_year == year,
                    posting.c.account == Account.RESULT.value,
                    voucher.c.kind == VoucherKind.YEAR_CLOSE.value,
                ),
            ).scalar_one()
            if -int(closed) != settlement.result_oere:
                yield f"{place}: resultatkontoen blev afsluttet med {kroner(-int(closed))}"


def passed_on_once(connection: Connection) -> Iterator[str]:
    """The prices together pass on no more of a result than there is to pass on, to nobody and in no direction."""
    for code in agreement_store.agreement_codes(connection):
        # Undivided results are nobody's by name (""), and are counted so on both sides.
        due: dict[tuple[str, ResultSource], int] = defaultdict(int)
        for movement in books.movements(connection, code):
            if movement.application_year is not None:
                due[movement.municipality or "", movement.source] += movement.amount_oere
        taken: dict[tuple[str, ResultSource], int] = defaultdict(int)
        for parts in subscription_store.passed_on_by_year(connection, code).values():
            for (who, source), amount in parts.items():
                taken["" if ("", source) in due else who, source] += amount
        for (who, source), amount in taken.items():
            there = due[who, source]
            if not min(0, there) <= amount <= max(0, there):
                whose = _name(who) if who else "deltagerne"
                yield (
                    f"{code}: priserne indregner {kroner(amount)} af resultatet {source.accounting_year} "
                    f"({_name(source.provider)}) for {whose}, hvor der er {kroner(there)}"
                )


def _balance(connection: Connection, code: str, year: int, account: Account) -> int:
    return int(
        connection.execute(
            select(func.coalesce(func.sum(posting.c.amount_oere), 0)).where(
                posting.c.agreement == code,
                posting.c.accounting_year == year,
                posting.c.account == account.value,
            ),
        ).scalar_one(),
    )


def audit_chain(connection: Connection) -> Iterator[str]:
    """No event of the audit trail was changed, removed or slipped in."""
    broken = audit.broken_link(connection)
    if broken is not None:
        yield f"kæden er brudt ved hændelse {broken}"


def _name(code: str) -> str:
    found = MUNICIPALITIES.get(code)
    return f"{found.name} ({code})" if found else code


def _months_due(connection: Connection, as_of: date) -> Check:
    waiting = []
    for code in agreement_store.agreement_codes(connection):
        agreement: Agreement | None = agreement_store.find_agreement(connection, code)
        if agreement is None:
            continue
        due = due_months(connection, agreement, as_of)
        if due:
            waiting.append(f"{code}: {_in_words(due)}")
    if not waiting:
        return Check(
            "months_due", ok=True, detail=f"Intet forfaldent mangler at blive faktureret pr. {as_of:%d.%m.%Y}."
        )
    return Check("months_due", ok=True, detail="Forfalden og ikke faktureret: " + "; ".join(waiting), warning=True)


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
    ("vouchers_balance", vouchers_balance),
    ("billed_once", billed_once),
    ("shares_sum", shares_sum),
    ("invoices_follow_price", invoices_follow_price),
    ("numbers_without_gaps", numbers_without_gaps),
    ("ledger_equals_invoices", ledger_equals_invoices),
    ("clearing_is_zero", clearing_is_zero),
    ("results_hold", results_hold),
    ("passed_on_once", passed_on_once),
    ("audit_chain", audit_chain),
)

FINE = {
    "vouchers_balance": "Hvert bilag summer til nul.",
    "billed_once": "Ingen periode er faktureret to gange.",
    "shares_sum": "Andele, forpligtelser og rater er beregnet efter og stemmer.",
    "invoices_follow_price": "Hver a conto-faktura følger sin prisberegning.",
    "numbers_without_gaps": "Numrene er uden huller og i datoorden.",
    "ledger_equals_invoices": "Bogføringen er lig med bilagene.",
    "clearing_is_zero": "Mellemregningen mellem udbyderne summer til nul.",
    "results_hold": "Afsluttede års resultater er indregnet, overført eller gjort op.",
    "passed_on_once": "Intet resultat er indregnet to gange.",
    "audit_chain": "Hændelseskæden er ubrudt.",
}

__all__ = ["CHECKS", "Check", "verify"]
