"""The commands on runs: run (plan, show, approve, issue, stop) and issuer (how its runs are approved)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from billing.monthly_run import run as runs
from billing.monthly_run.facts import IssuerSettings, PlanState, PlanWarning, RunPlan, RunScope
from foundation.money import kroner
from foundation.period import Month
from portal.commands import answers
from portal.commands.door import MONTH, MUNICIPALITY, NUMBER, PARTLY_DONE, Door, command, name_of, new_group, table
from portal.language import _

MOST_SHOWN = 10

run_group = new_group("run", _("Kørsler: planlæg alt forfaldent, godkend, udsted én gang."))
issuer_group = new_group("issuer", _("Udstederes indstillinger: to personer pr. kørsel, advarselsgrænse, urets dage."))

GROUPS = (run_group, issuer_group)


def _plan_answer(plan: RunPlan) -> dict[str, Any]:
    return {
        "plan": plan.number,
        "state": plan.state.value,
        "scope": {
            "agreement": plan.scope.agreement,
            "month": plan.scope.month and str(plan.scope.month),
            "issuer": plan.scope.issuer,
        },
        "as_of": plan.as_of.isoformat(),
        "planned_by": plan.planned_by,
        "by_clock": plan.by_clock,
        "four_eyes": plan.four_eyes,
        "hash": plan.hash,
        "total_oere": plan.total_oere,
        "documents": [
            {
                "agreement": document.agreement,
                "month": str(document.month),
                "document": document.document,
                "municipality": document.subscriber,
                "amount_oere": document.amount_oere,
                "previous_oere": document.previous_oere,
                "internal": document.internal,
                "lines": [{"text": text, "amount_oere": amount} for text, amount in document.lines],
                "change": document.change,
                "warnings": [warning.value for warning in document.warnings],
            }
            for document in plan.documents
        ],
        "failed": [
            {
                "agreement": entry.agreement,
                "month": str(entry.month),
                "municipality": entry.subscriber,
                "error": entry.error,
                "message": entry.message,
            }
            for entry in plan.failed
        ],
        "missing": [{"rule": entry.rule, "message": entry.message, "bills": entry.bills} for entry in plan.missing],
        "events": [
            {
                "state": event.state.value,
                "on": event.happened_on.isoformat(),
                "by": event.actor,
                "note": event.note,
            }
            for event in plan.events
        ],
    }


def _warning_words() -> dict[PlanWarning, str]:
    return {
        PlanWarning.PROVISIONAL: _("foreløbig: prisen mangler"),
        PlanWarning.FIRST_MONTH: _("første måned"),
        PlanWarning.LAST_MONTH: _("sidste måned"),
        PlanWarning.AMOUNT_OFF: _("afviger meget"),
        PlanWarning.LATE: _("for sent"),
        PlanWarning.PAID_OUT: _("udbetales"),
    }


def _state_words() -> dict[PlanState, str]:
    return {
        PlanState.PLANNED: _("venter på godkendelse"),
        PlanState.APPROVED: _("godkendt, ikke udstedt"),
        PlanState.ISSUED: _("udstedt"),
        PlanState.STOPPED: _("stoppet"),
    }


def _covered(plan: RunPlan) -> str:
    """What a plan is to bill, as its header says it."""
    scope = plan.scope
    if scope.agreement is not None and scope.month is not None:
        return _("{agreement} {month}").format(agreement=scope.agreement, month=scope.month)
    whose = scope.agreement or (name_of(scope.issuer) if scope.issuer else "")
    return _("alt forfaldent i {whose}").format(whose=whose) if whose else _("alt forfaldent")


def _show_plan(out: Console, plan: RunPlan, *, lines: bool = False) -> None:
    eyes = _("to personer kræves") if plan.four_eyes else _("én person er nok")
    if plan.four_eyes and plan.by_clock:
        eyes = _("uret har lavet den, så den, der godkender, er den eneste, der ser den")
    out.print(
        _("Plan {number}, lavet af {who} for {what} til {as_of}: {state}; {eyes}.").format(
            number=plan.number,
            who=plan.planned_by,
            what=_covered(plan),
            as_of=f"{plan.as_of:%d.%m.%Y}",
            state=_state_words()[plan.state],
            eyes=eyes,
        ),
    )
    if not plan.documents and not plan.failed:
        out.print(_("Der er intet at fakturere."))
        return
    words = _warning_words()
    rows = [
        (
            str(document.document),
            document.agreement,
            str(document.month),
            name_of(document.subscriber),
            document.amount_oere,
            document.previous_oere,
            document.change,
            ", ".join(words[warning] for warning in document.warnings),
        )
        for document in plan.documents
    ]
    heading = [
        _("Bilag"),
        _("Aftale"),
        _("Måned"),
        _("Kommune"),
        _("Beløb kr."),
        _("Måneden før kr."),
        _("Ændring"),
        _("Se efter"),
    ]
    out.print(table("", heading, rows, total=("", "", "", _("I alt"), plan.total_oere, "", "", "")))
    if lines:
        _show_lines(out, plan)
    for entry in plan.failed:
        who = name_of(entry.subscriber) if entry.subscriber else _("alle")
        out.print(
            _("Kan ikke faktureres: {agreement} {month}, {who}: {message}").format(
                agreement=entry.agreement,
                month=entry.month,
                who=who,
                message=entry.message,
            ),
        )
    for lack in plan.missing[:MOST_SHOWN]:
        out.print(
            _("Mangler til e-fakturaen: {message} ({bills} bilag)").format(message=lack.message, bills=lack.bills),
        )
    if len(plan.missing) > MOST_SHOWN:
        out.print(_("... og {count} mangler mere; se dem med --json.").format(count=len(plan.missing) - MOST_SHOWN))
    if plan.missing:
        out.print(_("En udsteder, der sender e-fakturaer, udsteder ikke et bilag, før det, der mangler, er indtastet."))
    out.print(_("Fingeraftryk af alt, den hviler på og fakturerer: {hash}").format(hash=plan.hash))
    for event in plan.events:
        out.print(f"{event.happened_on:%d.%m.%Y}  {_state_words()[event.state]}, {event.actor}  {event.note}")


def _show_lines(out: Console, plan: RunPlan) -> None:
    """Every line as it will stand, and what a document says of its price."""
    rows = [
        (str(document.document), name_of(document.subscriber), text, amount)
        for document in plan.documents
        for text, amount in document.lines
    ]
    out.print(table(_("Linjerne"), [_("Bilag"), _("Kommune"), _("Tekst"), _("Beløb kr.")], rows))
    for note in dict.fromkeys(document.note for document in plan.documents if document.note):
        out.print(note)


@command(run_group, "plan")
@click.argument("code", required=False, metavar=_("[KODE]"))
@click.option("--all", "every", is_flag=True, help=_("Alle aftaler."))
@click.option("--month", type=MONTH, metavar=_("ÅÅÅÅ-MM"), help=_("Kun denne måned, forfalden eller ej; kræver KODE."))
def plan(door: Door, code: str | None, every: bool, month: Month | None) -> None:
    """Planlæg alt, der er forfaldent til forretningsdatoen, også tidligere måneder, der mangler."""
    if every == (code is not None) or (month is not None and code is None):
        raise click.UsageError(_("Angiv enten --all eller aftalens kode; --month kræver koden."))
    with door.database.transaction() as connection:
        made = runs.plan_run(connection, RunScope(code, month), door.occasion)
    door.tell(_plan_answer(made), lambda out: _show_plan(out, made))


@command(run_group, "show")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
def show(door: Door, number: int) -> None:
    """Vis en plan med hver linje og hvad der blev af den."""
    with door.database.reading() as connection:
        found = runs.get_plan(connection, number)
    door.tell(_plan_answer(found), lambda out: _show_plan(out, found, lines=True))


@command(run_group, "list")
def list_plans(door: Door) -> None:
    """Vis alle planer."""
    with door.database.reading() as connection:
        found = runs.list_plans(connection)
    answer = [{key: value for key, value in _plan_answer(entry).items() if key != "documents"} for entry in found]

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen planer endnu. Lav en med «mellemregning run plan --all»."))
            return
        rows = [
            (str(entry.number), entry.as_of, entry.planned_by, len(entry.documents), entry.total_oere, words)
            for entry in found
            for words in [_state_words()[entry.state]]
        ]
        heading = [_("Plan"), _("Til"), _("Lavet af"), _("Bilag"), _("Beløb kr."), _("Tilstand")]
        out.print(table("", heading, rows))

    door.tell(answer, people)


@command(run_group, "approve")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
@click.option("--by", "who", metavar=_("NAVN"), help=_("Hvem der godkender; ellers den, der kører kommandoen."))
@click.option("--note", default="", metavar=_("TEKST"), help=_("Hvad der blev kontrolleret."))
def approve(door: Door, number: int, who: str | None, note: str) -> None:
    """Godkend en plan ved navn; kræver udstederen to personer, kan det ikke være den, der lavede den."""
    with door.database.transaction() as connection:
        done = runs.approve_run(connection, number, door.occasion_of(who), note)
    door.tell(_plan_answer(done), lambda out: out.print(_("Plan {number} er godkendt.").format(number=number)))


@command(run_group, "stop")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
@click.option("--note", default="", metavar=_("TEKST"), help=_("Hvorfor."))
def stop(door: Door, number: int, note: str) -> None:
    """Opgiv en plan; det, den dækkede, er lige så forfaldent som før."""
    with door.database.transaction() as connection:
        done = runs.stop_run(connection, number, door.occasion, note)
    door.tell(_plan_answer(done), lambda out: out.print(_("Plan {number} er stoppet.").format(number=number)))


@command(run_group, "issue")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
def issue(door: Door, number: int) -> None:
    """Udsted en godkendt plan, hvis alt, den hviler på, er uændret."""
    with door.database.transaction() as connection:
        done = runs.issue_run(connection, number, door.occasion)
        issued_plan = runs.get_plan(connection, number)
    answer = {
        **_plan_answer(issued_plan),
        "months": [answers.month_issue(outcome) for outcome in done.months],
    }

    def people(out: Console) -> None:
        rows = [
            (document.number, document.agreement, document.title, document.subscriber.name, document.amount_oere)
            for outcome in done.months
            for document in outcome.issued
        ]
        heading = [_("Nummer"), _("Aftale"), _("Tekst"), _("Kommune"), _("Beløb kr.")]
        whole = sum(document.amount_oere for outcome in done.months for document in outcome.issued)
        out.print(table("", heading, rows, total=("", "", "", _("I alt"), whole)))
        out.print(_("Plan {number} er udstedt: {amount}").format(number=number, amount=kroner(whole)))

    door.tell(answer, people)
    failures = [failure for outcome in answer["months"] for failure in outcome["failed"]]
    for failure in failures:
        door.note(
            _("{name} er ikke faktureret: {message}").format(
                name=name_of(failure["municipality"]),
                message=failure["message"],
            ),
        )
    if failures:
        raise SystemExit(PARTLY_DONE)


def _tell_settings(door: Door, settings: IssuerSettings) -> None:
    def people(out: Console) -> None:
        eyes = _("to personer kræves") if settings.four_eyes else _("én person er nok")
        out.print(
            _("{name}: {eyes}; advarsel ved over {percent} % afvigelse.").format(
                name=name_of(settings.issuer),
                eyes=eyes,
                percent=settings.warn_percent,
            ),
        )
        out.print(
            _("Uret planlægger {plan} dage før fristen, slår alarm {alarm} dage før og skriver til {mail}.").format(
                plan=settings.plan_days_before,
                alarm=settings.alarm_days_before,
                mail=settings.mail or _("ingen"),
            ),
        )

    door.tell(asdict(settings), people)


@command(issuer_group, "set")
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--four-eyes", type=click.Choice(["on", "off"]), help=_("Om to personer skal se hver kørsel."))
@click.option("--warn-percent", type=click.IntRange(0, 1000), help=_("Advar ved større afvigelse fra raten før."))
@click.option("--plan-days", type=int, metavar=_("DAGE"), help=_("Så mange dage før fristen planlægger uret; 0-27."))
@click.option("--alarm-days", type=int, metavar=_("DAGE"), help=_("Så mange dage før fristen slår uret alarm."))
@click.option("--mail", metavar=_("ADRESSE"), help=_("Hvem uret skriver til; en tom tekst for ingen."))
def set_issuer(
    door: Door,
    municipality: str,
    four_eyes: str | None,
    warn_percent: int | None,
    plan_days: int | None,
    alarm_days: int | None,
    mail: str | None,
) -> None:
    """Bestem, hvordan en udsteders kørsler godkendes, og hvornår uret siger til."""
    wanted = None if four_eyes is None else four_eyes == "on"
    with door.database.transaction() as connection:
        settings = runs.set_issuer(
            connection,
            municipality,
            door.occasion,
            four_eyes=wanted,
            warn_percent=warn_percent,
            plan_days_before=plan_days,
            alarm_days_before=alarm_days,
            mail=mail,
        )
    _tell_settings(door, settings)


@command(issuer_group, "show")
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
def show_issuer(door: Door, municipality: str) -> None:
    """Vis en udsteders indstillinger; det sædvanlige, hvor intet er bestemt."""
    with door.database.reading() as connection:
        settings = runs.get_issuer(connection, municipality)
    _tell_settings(door, settings)
