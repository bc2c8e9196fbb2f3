"""Closed years: their results, and that the prices pass each on once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from agreements import store as agreement_store
from agreements.agreement import ResultKey
from agreements.membership import members_in
from billing.accounts import store as books
from billing.accounts.facts import Account, DecisionKind, ResultSource, VoucherKind
from billing.accounts.tables import decision, posting, result_movement, voucher
from billing.annual_subscription import store as subscription_store
from billing.verify.words import name_of
from billing.year_end_settlement import store as settlement_store
from billing.year_end_settlement.facts import CarryOver, SettlementFacts, YearSettlement
from billing.year_end_settlement.rules import close_year, closing_movements
from billing.year_end_settlement.run import results_of_keys
from foundation.money import kroner


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
            yield from _parts_that_differ(connection, settlement)
            yield from _parts_worked_out_again(connection, settlement)
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


def _parts_that_differ(connection: Connection, settlement: YearSettlement) -> Iterator[str]:
    """The parts that were decided on are those that were moved into a price or kept."""
    place = f"{settlement.agreement} {settlement.year}"
    divided = settlement.result_key is ResultKey.ACCOUNTING_YEAR
    expected: dict[tuple[str | None, str, int | None], int] = {
        (movement.municipality, movement.source.provider, movement.application_year): movement.amount_oere
        for movement in closing_movements(settlement, divided=divided)
        if movement.amount_oere
    }
    rows = connection.execute(
        select(
            result_movement.c.municipality,
            result_movement.c.provider,
            result_movement.c.application_year,
            result_movement.c.amount_oere,
        )
        .join(decision, decision.c.id == result_movement.c.decision_id)
        .where(
            decision.c.agreement == settlement.agreement,
            decision.c.accounting_year == settlement.year,
            decision.c.kind == DecisionKind.CLOSE.value,
        ),
    )
    found = {(row.municipality, row.provider, row.application_year): row.amount_oere for row in rows}
    for owner, provider, year in sorted(set(expected) | set(found), key=str):
        if expected.get((owner, provider, year)) != found.get((owner, provider, year)):
            whose = name_of(owner) if owner else "deltagerne"
            where = f"i prisen for {year}" if year else "på balancen"
            yield f"{place}: {whose}s del hos {name_of(provider)} {where} er ikke den, der blev besluttet"


def _parts_worked_out_again(connection: Connection, settlement: YearSettlement) -> Iterator[str]:
    """The parts are what the year's price and accounts give, key by key where the result was divided so.

    A result that the year of its price divides is checked with that price.
    """
    price = subscription_store.read_subscription(connection, settlement.agreement, settlement.year)
    if price is None or settlement.result_key is not ResultKey.ACCOUNTING_YEAR:
        return
    again = close_year(
        SettlementFacts(
            agreement=settlement.agreement,
            year=settlement.year,
            application_year=settlement.application_year,
            result_key=settlement.result_key,
            received_oere={provider.municipality: provider.received_oere for provider in settlement.providers},
            accounts=settlement.accounts,
            weights={part.municipality: part.weight for part in price.parts},
            application_weights=None,
            carry=CarryOver(amount_oere=settlement.carried_oere),
            keys=results_of_keys(connection, settlement),
        )
    )
    expected = {part.municipality: part.by_provider for part in again.parts}
    found = {part.municipality: part.by_provider for part in settlement.parts}
    for who in sorted(set(expected) | set(found)):
        if expected.get(who) != found.get(who):
            yield f"{settlement.agreement} {settlement.year}: {name_of(who)}s del følger ikke af regnskab og nøgler"


def passed_on_once(connection: Connection) -> Iterator[str]:
    """The prices together pass on no more of a result than there is to pass on, to nobody and in no direction."""
    for code in agreement_store.agreement_codes(connection):
        # Undivided results are nobody's by name (""), and are counted so on both sides.
        due: dict[tuple[str, ResultSource], int] = defaultdict(int)
        for movement in books.movements(connection, code):
            if movement.application_year not in {None, movement.source.accounting_year}:
                due[movement.municipality or "", movement.source] += movement.amount_oere
        taken: dict[tuple[str, ResultSource], int] = defaultdict(int)
        periods = agreement_store.members(connection, code)
        for year, parts in subscription_store.passed_on_by_year(connection, code).items():
            # A price may still name somebody who has left since; nobody pays that part before it is calculated again.
            paying = members_in(periods, year)
            for (who, source), amount in ((key, part) for key, part in parts.items() if key[0] in paying):
                taken["" if ("", source) in due else who, source] += amount
        for (who, source), amount in taken.items():
            there = due[who, source]
            if not min(0, there) <= amount <= max(0, there):
                whose = name_of(who) if who else "deltagerne"
                yield (
                    f"{code}: priserne indregner {kroner(amount)} af resultatet {source.accounting_year} "
                    f"({name_of(source.provider)}) for {whose}, hvor der er {kroner(there)}"
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
