"""The commands on enkeltsager: case (open, approve, admit, discharge, correct, prices, bills, statements)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from agreements.case_terms import CasePrice
from agreements.municipality import municipality
from billing.monthly_run.facts import PlanState
from billing.single_case import run as cases
from billing.single_case import statement_run
from billing.single_case.facts import Case, CasePlan, CorrectionReason, RefusalReason
from billing.single_case.run import CaseCorrection
from foundation.errors import BadInput, N_
from foundation.money import NotAnAmount, kroner, oere_as_typed
from foundation.period import Month, Period
from portal.commands.door import (
    DATE,
    FILE,
    MONTH,
    MUNICIPALITY,
    NUMBER,
    Door,
    command,
    name_of,
    new_group,
    note_missing,
    table,
)
from portal.language import _

case_group = new_group("case", _("Enkeltsager: opret, bevilg, indskriv, udskriv, ret, fakturér bagud måned for måned."))

GROUPS = (case_group,)


class NotACaseAmount(BadInput):
    """An amount that cannot be read."""

    danish = N_("Beløbet kan ikke læses. Skriv det som 1.337,00.")


def _amount(text: str) -> int:
    try:
        return oere_as_typed(text)
    except NotAnAmount as error:
        raise NotACaseAmount from error


def _state_words() -> dict[str, str]:
    return {
        "opened": _("oprettet, ikke bevilget"),
        "approved": _("bevilget"),
        "admitted": _("indskrevet"),
        "discharged": _("udskrevet"),
        "withdrawn": _("trukket tilbage"),
        "refused": _("afslået"),
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _case_answer(case: Case) -> dict[str, Any]:
    return {
        "case": case.number,
        "agreement": case.agreement,
        "service": case.service,
        "municipality": case.payer,
        "state": case.state,
        "opened_on": case.opened_on.isoformat(),
        "approved_on": _iso(case.approved_on),
        "admitted_on": _iso(case.admitted_on),
        "discharged_on": _iso(case.discharged_on),
        "refused_on": _iso(case.refusal.day if case.refusal else None),
        "refused_because": case.refusal and case.refusal.reason.value,
    }


def _tell_case(door: Door, case: Case) -> None:
    def people(out: Console) -> None:
        out.print(
            _("Sag {number} ({service}, betales af {payer}): {state}.").format(
                number=case.number,
                service=case.service,
                payer=name_of(case.payer),
                state=_state_words()[case.state],
            ),
        )

    door.tell(_case_answer(case), people)


@command(case_group, "open")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("service", metavar=_("YDELSE"))
@click.argument("payer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
def open_case(door: Door, code: str, service: str, payer: str) -> None:
    """Opret en sag hos betalingskommunen; nummeret giver programmet, og det siger intet om personen."""
    with door.database.transaction() as connection:
        made = cases.open_case(connection, code, service, payer, door.occasion)
    _tell_case(door, made)


_number = click.argument("number", metavar=_("SAG"))
_on = click.option("--on", "day", type=DATE, metavar=_("DATO"), help=_("Dagen; ellers forretningsdatoen."))


@command(case_group, "approve")
@_number
@_on
@click.option("--by", "who", metavar=_("NAVN"), help=_("Sagsbehandleren, der bevilgede; ellers den, der kører det."))
def approve(door: Door, number: str, day: date | None, who: str | None) -> None:
    """Registrér betalingskommunens bevilling; før den kan ingen indskrives."""
    with door.database.transaction() as connection:
        done = cases.approve_case(connection, number, day or door.business_date, door.occasion_of(who))
    _tell_case(door, done)


@command(case_group, "refuse")
@_number
@_on
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in RefusalReason]),
    required=True,
    help=_("not_ours: en anden kommune betaler; not_granted: ikke bevilget; other_offer: et andet tilbud."),
)
@click.option("--by", "who", metavar=_("NAVN"), help=_("Sagsbehandleren, der afslog; ellers den, der kører det."))
def refuse(door: Door, number: str, day: date | None, reason: str, who: str | None) -> None:
    """Registrér betalingskommunens afslag; der kommer intet ud af sagen."""
    with door.database.transaction() as connection:
        done = cases.refuse_case(
            connection, number, day or door.business_date, RefusalReason(reason), door.occasion_of(who)
        )
    _tell_case(door, done)


@command(case_group, "admit")
@_number
@_on
def admit(door: Door, number: str, day: date | None) -> None:
    """Registrér indskrivningen (ankomstdagen)."""
    with door.database.transaction() as connection:
        done = cases.admit(connection, number, day or door.business_date, door.occasion)
    _tell_case(door, done)


@command(case_group, "discharge")
@_number
@_on
def discharge(door: Door, number: str, day: date | None) -> None:
    """Registrér udskrivningen (afrejsedagen)."""
    with door.database.transaction() as connection:
        done = cases.discharge(connection, number, day or door.business_date, door.occasion)
    _tell_case(door, done)


@command(case_group, "correct")
@_number
@click.option("--admitted", type=DATE, metavar=_("DATO"), help=_("Den rigtige indskrivningsdag."))
@click.option("--discharged", type=DATE, metavar=_("DATO"), help=_("Den rigtige udskrivningsdag."))
@click.option("--still-here", is_flag=True, help=_("Udskrivningen var en fejl: opholdet fortsætter."))
@click.option("--withdraw", is_flag=True, help=_("Træk sagen tilbage; det, der er faktureret, modposteres."))
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in CorrectionReason]),
    default=CorrectionReason.REPORTED_LATE.value,
    help=_("late: meddelt for sent; wrong: meddelt forkert."),
)
def correct(
    door: Door,
    number: str,
    admitted: date | None,
    discharged: date | None,
    still_here: bool,
    withdraw: bool,
    reason: str,
) -> None:
    """Ret en dato, der er meddelt for sent eller forkert; næste regning tager forskellen med."""
    correction = CaseCorrection(admitted, discharged, withdraw, still_here)
    with door.database.transaction() as connection:
        done = cases.correct_case(connection, number, correction, door.occasion, CorrectionReason(reason))
    _tell_case(door, done)


@command(case_group, "list")
@click.argument("code", required=False, metavar=_("[AFTALE]"))
@click.option(
    "--municipality", "payer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne betalingskommunes.")
)
def list_cases(door: Door, code: str | None, payer: str | None) -> None:
    """Vis sager: nummer, ydelse, betalingskommune og datoer."""
    with door.database.reading() as connection:
        found = cases.list_cases(connection, code, payer)
    rows = [
        (
            case.number,
            case.agreement,
            case.service,
            name_of(case.payer),
            case.approved_on,
            case.admitted_on,
            case.discharged_on,
            _state_words()[case.state],
        )
        for case in found
    ]
    heading = [
        _("Sag"),
        _("Aftale"),
        _("Ydelse"),
        _("Betalingskommune"),
        _("Bevilget"),
        _("Indskrevet"),
        _("Udskrevet"),
        _("Tilstand"),
    ]
    door.tell([_case_answer(case) for case in found], lambda out: out.print(table("", heading, rows)))


@command(case_group, "price")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("service", metavar=_("YDELSE"))
@click.argument("from_day", type=DATE, metavar=_("FRA"))
@click.argument("amount", metavar=_("BELØB"))
def price(door: Door, code: str, service: str, from_day: date, amount: str) -> None:
    """Sæt en døgntakst fra en dag; den står over aftalefilens takst for samme dag."""
    entered = CasePrice(service, from_day, _amount(amount))
    with door.database.transaction() as connection:
        known = cases.set_price(connection, code, entered, door.occasion)
    answer = [
        {"service": each.service, "from": each.from_day.isoformat(), "amount_oere": each.amount_oere} for each in known
    ]
    rows = [(each.service, each.from_day, each.amount_oere) for each in known]
    heading = [_("Ydelse"), _("Fra"), _("Pr. døgn kr.")]
    door.tell(answer, lambda out: out.print(table("", heading, rows)))


@command(case_group, "outlay")
@_number
@click.option("--amount", required=True, metavar=_("BELØB"), help=_("Fakturaens beløb i kr.; negativt: kreditnota."))
@click.option("--from", "first_day", type=DATE, required=True, metavar=_("DATO"), help=_("Fakturaens første døgn."))
@click.option("--to", "last_day", type=DATE, required=True, metavar=_("DATO"), help=_("Fakturaens sidste døgn."))
@click.option("--supplier", required=True, metavar=_("CVR"), help=_("Leverandørens CVR-nummer."))
@click.option("--reference", required=True, metavar=_("FAKTURANR"), help=_("Leverandørens fakturanummer."))
def outlay(
    door: Door, number: str, amount: str, first_day: date, last_day: date, supplier: str, reference: str
) -> None:
    """Registrér en leverandørs faktura, der videresendes til faktisk pris; et negativt beløb er dens kreditnota."""
    if last_day < first_day:
        raise click.UsageError(_("--to er før --from."))
    with door.database.transaction() as connection:
        kept = cases.add_outlay(
            connection,
            number,
            period=Period(first_day, last_day + timedelta(days=1)),
            amount_oere=_amount(amount),
            supplier=supplier,
            reference=reference,
            occasion=door.occasion,
        )
    answer = {
        "case": number.strip().upper(),
        "from": kept.period.from_day.isoformat(),
        "to": kept.period.last_day.isoformat(),
        "amount_oere": kept.amount_oere,
        "supplier": kept.supplier,
        "reference": kept.reference,
    }
    words = _("Faktura {reference} er registreret med {amount}").format(
        reference=kept.reference, amount=kroner(kept.amount_oere)
    )
    door.tell(answer, lambda out: out.print(words))


# Bills.


def _plan_words() -> dict[PlanState, str]:
    return {
        PlanState.PLANNED: _("venter på godkendelse"),
        PlanState.APPROVED: _("godkendt, ikke udstedt"),
        PlanState.ISSUED: _("udstedt"),
        PlanState.STOPPED: _("stoppet"),
    }


def _plan_answer(plan: CasePlan) -> dict[str, Any]:
    return {
        "plan": plan.number,
        "agreement": plan.agreement,
        "state": plan.state.value,
        "as_of": plan.as_of.isoformat(),
        "planned_by": plan.planned_by,
        "four_eyes": plan.four_eyes,
        "hash": plan.hash,
        "total_oere": plan.total_oere,
        "documents": [dict(document) for document in plan.documents],
        "left_out": [dict(entry) for entry in plan.left_out],
        "events": [
            {"state": event.state.value, "on": event.happened_on.isoformat(), "by": event.actor}
            for event in plan.events
        ],
    }


def _lines(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(document["lines"])


def _show_plan(out: Console, plan: CasePlan) -> None:
    eyes = _("to personer kræves") if plan.four_eyes else _("én person er nok")
    out.print(
        _("Sagsplan {number} for {agreement} pr. {as_of}, lavet af {who}: {state}; {eyes}.").format(
            number=plan.number,
            agreement=plan.agreement,
            as_of=f"{plan.as_of:%d.%m.%Y}",
            who=plan.planned_by,
            state=_plan_words()[plan.state],
            eyes=eyes,
        ),
    )
    rows = [
        (name_of(str(document["municipality"])), str(document["month"]), line["text"], line["amount_oere"])
        for document in plan.documents
        for line in _lines(document)
    ]
    heading = [_("Kommune"), _("Måned"), _("Linje"), _("Beløb kr.")]
    out.print(table("", heading, rows, total=("", "", _("I alt"), plan.total_oere)))
    for entry in plan.left_out:
        out.print(
            _("Ikke med: {case}, {month}: {message}").format(
                case=entry["case"], month=entry["month"], message=entry["message"]
            ),
        )


@command(case_group, "plan")
@click.argument("code", metavar=_("AFTALE"))
def plan_cases(door: Door, code: str) -> None:
    """Planlæg regninger på alle hele måneder, der ikke er faktureret, og på rettelser."""
    with door.database.transaction() as connection:
        made = cases.plan_cases(connection, code, door.occasion)
        missing = cases.missing_of(connection, code, door.occasion)
    door.tell(_plan_answer(made), lambda out: _show_plan(out, made))
    note_missing(door, missing)


@command(case_group, "plans")
@click.argument("code", required=False, metavar=_("[AFTALE]"))
def list_plans(door: Door, code: str | None) -> None:
    """Vis alle sagsplaner."""
    with door.database.reading() as connection:
        found = cases.list_plans(connection, code)
    answer = [{key: value for key, value in _plan_answer(one).items() if key != "documents"} for one in found]
    rows = [
        (str(one.number), one.agreement, one.as_of, one.planned_by, one.total_oere, _plan_words()[one.state])
        for one in found
    ]
    heading = [_("Plan"), _("Aftale"), _("Til"), _("Lavet af"), _("Beløb kr."), _("Tilstand")]
    door.tell(answer, lambda out: out.print(table("", heading, rows)))


_plan_number = click.argument("number", type=NUMBER, metavar=_("PLAN"))


@command(case_group, "plan-show")
@_plan_number
def show_plan(door: Door, number: int) -> None:
    """Vis en sagsplan med hver linje."""
    with door.database.reading() as connection:
        found = cases.get_plan(connection, number)
    door.tell(_plan_answer(found), lambda out: _show_plan(out, found))


@command(case_group, "plan-approve")
@_plan_number
@click.option("--by", "who", metavar=_("NAVN"), help=_("Hvem der godkender; ellers den, der kører kommandoen."))
def approve_plan(door: Door, number: int, who: str | None) -> None:
    """Godkend en sagsplan ved navn; kræver udstederen to personer, kan det ikke være den, der lavede den."""
    with door.database.transaction() as connection:
        done = cases.approve_plan(connection, number, door.occasion_of(who))
    words = _("Sagsplan {number} er godkendt.").format(number=number)
    door.tell(_plan_answer(done), lambda out: out.print(words))


@command(case_group, "plan-stop")
@_plan_number
def stop_plan(door: Door, number: int) -> None:
    """Opgiv en sagsplan; det, den dækkede, er lige så forfaldent som før."""
    with door.database.transaction() as connection:
        done = cases.stop_plan(connection, number, door.occasion)
    words = _("Sagsplan {number} er stoppet.").format(number=number)
    door.tell(_plan_answer(done), lambda out: out.print(words))


@command(case_group, "issue")
@_plan_number
def issue(door: Door, number: int) -> None:
    """Udsted en godkendt sagsplans regninger, hvis alt, den hviler på, er uændret."""
    with door.database.transaction() as connection:
        done = cases.issue_cases(connection, number, door.occasion)
    answer = {
        **_plan_answer(done.plan),
        "issued": [
            {
                "number": document.number,
                "municipality": document.subscriber.municipality,
                "title": document.title,
                "amount_oere": document.amount_oere,
                "due_date": document.due_date.isoformat(),
            }
            for document in done.issued
        ],
    }
    rows = [
        (document.number, document.subscriber.name, document.title, document.amount_oere) for document in done.issued
    ]
    heading = [_("Nummer"), _("Kommune"), _("Tekst"), _("Beløb kr.")]
    whole = sum(document.amount_oere for document in done.issued)
    door.tell(answer, lambda out: out.print(table("", heading, rows, total=("", "", _("I alt"), whole))))


@command(case_group, "statement")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("payer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--from", "first", type=MONTH, required=True, metavar=_("ÅÅÅÅ-MM"), help=_("Første måned."))
@click.option("--to", "last", type=MONTH, required=True, metavar=_("ÅÅÅÅ-MM"), help=_("Sidste måned."))
@click.option("--out", "folder", type=FILE, default=Path(), metavar=_("MAPPE"), help=_("Hvor filen lægges."))
def statement(door: Door, code: str, payer: str, first: Month, last: Month, folder: Path) -> None:
    """Skriv sagsopgørelsen til den kommune, der betaler: dens egne sager, ingen andres."""
    from exports.excel.cases import write_case_statement

    if last < first:
        raise click.UsageError(_("--to er før --from."))
    municipality(payer)
    with door.database.reading() as connection:
        path = write_case_statement(connection, code, payer, Period(first.first_day, last.plus(1).first_day), folder)
    door.tell({"file": str(path)}, lambda out: out.print(str(path)))


@command(case_group, "statement-send")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("payer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--from", "first", type=MONTH, required=True, metavar=_("ÅÅÅÅ-MM"), help=_("Første måned."))
@click.option("--to", "last", type=MONTH, required=True, metavar=_("ÅÅÅÅ-MM"), help=_("Sidste måned."))
def send_statement(door: Door, code: str, payer: str, first: Month, last: Month) -> None:
    """Send sagsopgørelsen til den kommune, der betaler, ad udstederens kanal til opgørelser."""
    if last < first:
        raise click.UsageError(_("--to er før --from."))
    with door.database.transaction() as connection:
        period = Period(first.first_day, last.plus(1).first_day)
        is_new = statement_run.send_statement(connection, code, payer, period, door.occasion)
    words = _("Sagsopgørelsen sendes til {name}.") if is_new else _("Sagsopgørelsen er allerede sendt til {name}.")
    door.tell({"sent": is_new}, lambda out: out.print(words.format(name=name_of(payer))))
