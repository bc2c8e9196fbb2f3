"""Send a payer its statement of cases: written into the outbox as it is now, for that payer alone; never commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from agreements.run import AgreementUnknown
from billing.monthly_run.rules import digest
from billing.single_case.facts import CaseStatement, StatementRow
from billing.single_case.run import case_statement
from foundation import audit, outbox
from foundation.audit import Occasion
from foundation.errors import N_, RuleBroken
from foundation.outbox import OutboxEntry
from foundation.period import Period

DIGITS_OF_KEY = 32


class NobodyTakesStatements(RuleBroken):
    """The issuer has no channel for statements."""

    danish = N_(
        "{issuer} har ingen kanal til opgørelser, så intet er sendt. Den, der driver tjenesten, sætter den op med "
        "«mellemregning delivery set {code} statements …»; indtil da kan opgørelsen hentes.",
    )


class NothingToState(RuleBroken):
    """A payer without a case in the period gets no statement."""

    danish = N_("{name} har ingen sager i aftalen «{agreement}» i perioden {first}-{last}, så der er intet at sende.")


def send_statement(
    connection: Connection, code: str, payer: MunicipalityCode, period: Period, occasion: Occasion
) -> bool:
    """Put a payer's statement of cases into the outbox, to that payer; what it says is kept with it.

    Args:
        connection: The transaction.
        code: The agreement.
        payer: Who pays for the cases, and the only one that gets the statement.
        period: Whole months.
        occasion: Who sends it.

    Returns:
        Whether it was new: a statement that says the same is sent once.

    Raises:
        AgreementUnknown, UnknownMunicipality, NothingToState, NobodyTakesStatements.

    Source: issue 7 (statements of cases go only to the municipality that pays); docs/decisions/0035.
    """
    statement = case_statement(connection, code, payer, period)
    name = municipality(payer).name
    if not statement.rows:
        raise NothingToState(name=name, agreement=code, first=period.from_day, last=period.last_day)
    issuer = statement.agreement.issuer
    if issuer not in outbox.takers(connection, outbox.STATEMENTS):
        raise NobodyTakesStatements(issuer=municipality(issuer).official_name, code=issuer)
    version = len(agreement_store.agreement_versions(connection, code))
    reference = _values(statement, version)
    entry = OutboxEntry(
        key=outbox.case_statement_key(issuer, payer, digest(reference)[:DIGITS_OF_KEY]),
        topic=outbox.CASE_STATEMENT,
        issuer=issuer,
        recipient=payer,
        subject=f"Sagsopgørelse {period.from_day:%d.%m.%Y}-{period.last_day:%d.%m.%Y} til {name}",
        body="",
        reference=reference,
        business_date=occasion.as_of,
    )
    is_new = outbox.put(connection, occasion, entry)
    if is_new:
        audit.record(
            connection,
            occasion,
            action="single_case.statement_sent",
            subject=f"{code} {payer}",
            details={
                "key": entry.key,
                "from": period.from_day.isoformat(),
                "to": period.last_day.isoformat(),
                "billed_oere": sum(row.billed_oere for row in statement.rows),
            },
        )
    return is_new


def _values(statement: CaseStatement, version: int) -> dict[str, Any]:
    return {
        "agreement": statement.agreement.code,
        "version": version,
        "payer": statement.payer,
        "from": statement.period.from_day.isoformat(),
        "to": statement.period.to_day.isoformat(),
        "rows": [
            [
                row.number,
                row.service_title,
                *(day and day.isoformat() for day in (row.approved_on, row.admitted_on, row.discharged_on)),
                row.days,
                row.billed_oere,
            ]
            for row in statement.rows
        ],
    }


def sent_statement(connection: Connection, reference: Mapping[str, Any]) -> CaseStatement:
    """A statement as it was when it was sent.

    Raises:
        AgreementUnknown: the agreement has no such version.
    """
    history = agreement_store.agreement_history(connection, str(reference["agreement"]))
    agreed = [value for version, _day, value in history if version == reference["version"]]
    if not agreed:
        raise AgreementUnknown(agreement=reference["agreement"])
    rows = [
        StatementRow(str(number), str(title), _day(approved), _day(admitted), _day(left), int(days), int(billed))
        for number, title, approved, admitted, left, days, billed in reference["rows"]
    ]
    period = Period(date.fromisoformat(reference["from"]), date.fromisoformat(reference["to"]))
    return CaseStatement(agreed[0], str(reference["payer"]), period, tuple(rows))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
