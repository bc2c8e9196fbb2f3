"""Collect the facts of a workbook from the stages and write it; changes nothing in the database."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES, municipality
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as settlements
from exports.excel.layout_calculation import calculation_workbook
from exports.excel.layout_specification import invoice_specification_workbook
from exports.excel.layout_statement import annual_statement_workbook
from exports.excel.workbook import Workbook
from exports.excel.write import write_workbook
from foundation.errors import BadInput, N_, reason_of
from foundation.period import Month, Period

NAMES = {code: known.name for code, known in MUNICIPALITIES.items()}


class FolderNotWritable(BadInput):
    """The workbook cannot be written where it was asked for."""

    danish = N_("{file} kan ikke skrives: {reason}. Kontrollér mappen, og luk filen, hvis den er åben.")


def write_calculation(
    connection: Connection,
    code: str,
    year: int,
    folder: Path,
    version: int | None = None,
) -> Path:
    """Write *Beregning* of a year's price: ``2009 Beregning fyn-alkohol v1.xlsx``.

    Raises:
        AgreementUnknown, SubscriptionUnknown, FolderNotWritable.
    """
    agreement = agreements.get(connection, code)
    subscription = subscriptions.get_subscription(connection, code, year, version)
    workbook = calculation_workbook(agreement, subscription, NAMES, _references(connection, subscription))
    return written(workbook, folder, f"{year} Beregning {code} v{subscription.version}")


def _references(connection: Connection, value: AnnualSubscription) -> dict[tuple[MunicipalityCode, Month], str]:
    """The numbers of the invoices that the version took as given."""
    given = {
        (part.municipality, instalment.month)
        for part in value.parts
        for instalment in part.instalments
        if instalment.invoiced
    }
    references: dict[tuple[MunicipalityCode, Month], str] = {}
    for document in invoice_store.documents(connection, agreement=value.agreement, kind=ClaimKind.ACONTO):
        key = (document.subscriber.municipality, Month.of(document.period.from_day))
        before = value.calculated_on is None or document.issue_date <= value.calculated_on
        if key in given and document.credits is None and before:
            references[key] = document.number  # the newest of them, since they come in number order
    return references


def write_specification(  # noqa: PLR0913, PLR0917 - what to write, and where
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    first_day: date,
    last_day: date,
    folder: Path,
) -> Path:
    """Write *Fakturaspecifikation*: what a municipality was invoiced for service periods within the days.

    Raises:
        AgreementUnknown, UnknownMunicipality, FolderNotWritable.
    """
    agreement = agreements.get(connection, code)
    name = municipality(who).name
    period = Period(first_day, last_day + timedelta(days=1))
    documents = [
        document.of_agreement(code)
        for document in invoice_store.documents(
            connection,
            agreement=code,
            subscriber=who,
            from_day=period.from_day,
            to_day=period.to_day,
        )
    ]
    days = (
        f"{first_day.year}"
        if (first_day.month, first_day.day, last_day) == (1, 1, date(first_day.year, 12, 31))
        else (f"{first_day} - {last_day}")
    )
    workbook = invoice_specification_workbook(agreement, name, period, documents)
    return written(workbook, folder, f"{days} Fakturaspecifikation {code} {name}")


def write_annual_statement(connection: Connection, code: str, year: int, folder: Path) -> Path:
    """Write *Årsopgørelse* of a closed year: accounts, result, clearing, and those who left with that year.

    Raises:
        AgreementUnknown, SettlementUnknown, FolderNotWritable.
    """
    agreement = agreements.get(connection, code)
    settlement = settlements.get_settlement(connection, code, year)
    left = [entry for entry in exits.exit_settlements(connection, code) if entry.left_on.year == year]
    workbook = annual_statement_workbook(
        agreement,
        settlement,
        agreement_store.budget(connection, code, year),
        NAMES,
        clearing.provider_clearing(connection, code, year),
        left,
        settlements.results_of_keys(connection, settlement),
    )
    return written(workbook, folder, f"{year} Årsopgørelse {code}")


def written(workbook: Workbook, folder: Path, stem: str) -> Path:
    """Write a workbook under a name made safe; answers where.

    Raises:
        FolderNotWritable.
    """
    path = folder / f"{re.sub(r'[^0-9A-Za-zÆØÅæøå ._-]', '-', stem)}.xlsx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_workbook(workbook, path)
    except OSError as error:
        raise FolderNotWritable(file=str(path), reason=reason_of(error)) from error
    return path
