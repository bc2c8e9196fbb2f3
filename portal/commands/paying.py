"""The commands on money that comes in: payment (load, match, undo, open) and interest (rates, plan, approve, issue)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from billing.monthly_run.facts import PlanState
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment.facts import Age, Match, Matching, OpenItem, OpenReport, Proposal, Receipt
from billing.payment.interest_facts import InterestPlan, InterestScope, PlannedInterest, Principal, Segment
from billing.payment.interest_rules import percent
from foundation.money import NotAnAmount, kroner, oere_from_danish_text, oere_from_text
from portal.commands.door import (
    DATE,
    FILE,
    MUNICIPALITY,
    NUMBER,
    PARTLY_DONE,
    Door,
    command,
    name_of,
    new_group,
    note_missing,
    read_file,
    table,
)
from portal.language import _

payment_group = new_group("payment", _("Indbetalinger: indlæs, udlign, ophæv, åbne poster."))
interest_group = new_group("interest", _("Morarente: satser, planlæg, godkend, udsted én gang."))
rate_group = new_group("rate", _("Referencesatser efter rentelovens § 5."))
interest_group.add_command(rate_group)

GROUPS = (payment_group, interest_group)

_issuer_option = click.option(
    "--issuer",
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Hvis indbetalinger; kan udelades, hvor der kun er én udsteder."),
)


# Answers.


def _receipt_answer(receipt: Receipt) -> dict[str, Any]:
    return {
        "receipt": receipt.number,
        "account": receipt.account,
        "booked_on": receipt.booked_on.isoformat(),
        "value_date": receipt.value_date.isoformat(),
        "amount_oere": receipt.amount_oere,
        "left_oere": receipt.left_oere,
        "municipality": receipt.holder,
        "bank_reference": receipt.bank_reference,
        "names": [mention.value for mention in receipt.mentions],
        "reversal": receipt.reversal,
    }


def _match_answer(match: Match) -> dict[str, Any]:
    return {
        "match": match.number,
        "how": match.how.value,
        "municipality": match.payer,
        "matched_on": match.matched_on.isoformat(),
        "effective_on": match.effective_on.isoformat(),
        "why": match.explanation,
        "by": match.actor,
        "receipts": [{"receipt": number, "amount_oere": amount} for number, amount in match.receipts.items()],
        "documents": [
            {"number": part.number, "agreement": part.agreement, "amount_oere": part.amount_oere}
            for part in match.documents
        ],
        "undoes": match.undoes,
        "undone_by": match.undone_by,
    }


def _proposal_answer(proposal: Proposal) -> dict[str, Any]:
    return {
        "municipality": proposal.payer,
        "score": proposal.score,
        "why": list(proposal.reasons),
        "documents": [{"number": number, "amount_oere": amount} for number, amount in proposal.applications.items()],
    }


def _item_answer(item: OpenItem) -> dict[str, Any]:
    return {
        "number": item.number,
        "kind": item.kind.value,
        "title": item.title,
        "issue_date": item.issue_date.isoformat(),
        "due_date": item.due_date.isoformat(),
        "amount_oere": item.amount_oere,
        "open_oere": item.open_oere,
    }


def _open_answer(report: OpenReport) -> dict[str, Any]:
    return {
        "issuer": report.issuer,
        "as_of": report.as_of.isoformat(),
        "unknown_oere": report.unknown_oere,
        "municipalities": [
            {
                "municipality": standing.municipality,
                "open_oere": standing.open_oere,
                "on_account_oere": standing.on_account_oere,
                "balance_oere": standing.balance_oere,
                "ages": {f"{age.value}_oere": amount for age, amount in standing.ages.items()},
                "documents": [_item_answer(item) for item in standing.items],
            }
            for standing in report.standings
        ],
    }


def _segment_answer(segment: Segment) -> dict[str, Any]:
    return {
        "from": segment.from_day.isoformat(),
        "to": segment.last_day.isoformat(),
        "days": segment.days,
        "days_in_year": segment.days_in_year,
        "base_oere": segment.base_oere,
        "rate": str(segment.rate),
    }


def _documents_answer(documents: Sequence[PlannedInterest]) -> list[dict[str, Any]]:
    return [
        {
            "agreement": document.agreement,
            "municipality": document.subscriber,
            "from": document.from_day.isoformat(),
            "amount_oere": document.amount_oere,
            "lines": [
                {
                    "number": line.number,
                    "text": line.text,
                    "amount_oere": line.amount_oere,
                    **(_segment_answer(line.segment) if line.segment else {}),
                }
                for claim in document.claims
                for line in claim.lines
            ],
        }
        for document in documents
    ]


def _plan_answer(plan: InterestPlan) -> dict[str, Any]:
    return {
        "plan": plan.number,
        "state": plan.state.value,
        "issuer": plan.scope.issuer,
        "municipality": plan.scope.municipality,
        "last_day": plan.scope.last_day.isoformat(),
        "as_of": plan.as_of.isoformat(),
        "planned_by": plan.planned_by,
        "four_eyes": plan.four_eyes,
        "hash": plan.hash,
        "total_oere": plan.total_oere,
        "documents": _documents_answer(plan.documents),
        "events": [
            {"state": event.state.value, "on": event.happened_on.isoformat(), "by": event.actor, "note": event.note}
            for event in plan.events
        ],
    }


# Payments.


@command(payment_group, "columns")
@click.argument("issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--date", "booked_on", metavar=_("NAVN"), help=_("Kolonnen med bogføringsdagen."))
@click.option("--value-date", metavar=_("NAVN"), help=_("Kolonnen med rentedatoen."))
@click.option("--amount", metavar=_("NAVN"), help=_("Kolonnen med beløbet."))
@click.option("--text", metavar=_("NAVN"), help=_("Kolonnen med teksten."))
@click.option("--reference", metavar=_("NAVN"), help=_("Kolonnen med betalingsreferencen."))
@click.option("--payer", metavar=_("NAVN"), help=_("Kolonnen med betalerens navn."))
@click.option("--bank-reference", metavar=_("NAVN"), help=_("Kolonnen med bankens egen reference."))
@click.option("--balance", metavar=_("NAVN"), help=_("Kolonnen med saldoen."))
@click.option("--currency", metavar=_("NAVN"), help=_("Kolonnen med valutaen."))
@click.option("--account-column", metavar=_("NAVN"), help=_("Kolonnen med kontoen."))
@click.option("--account", metavar=_("KONTO"), help=_("Kontoen, hvor ingen kolonne siger den."))
def columns(door: Door, issuer: str, **names: str | None) -> None:
    """Vis eller bestem, hvad kolonnerne hedder i udstederens CSV-filer fra banken; et tomt navn sletter valget."""
    changes = {key: name.strip() for key, name in names.items() if name is not None}
    with door.database.transaction() as connection:
        mapping = payments.set_columns(connection, issuer, changes, door.occasion)
    answer = {"issuer": issuer, **{key: getattr(mapping, key) for key in names}}
    rows = [(key, value) for key, value in answer.items() if value]
    door.tell(answer, lambda out: out.print(table("", ["", _("Navn")], rows)))


@command(payment_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
@_issuer_option
@click.option("--account", default="", metavar=_("KONTO"), help=_("Kontoen, hvor en CSV-fil ikke selv siger den."))
def load(door: Door, file: Path, issuer: str | None, account: str) -> None:
    """Indlæs et kontoudtog fra banken, camt.053 eller CSV; hver bankpost kommer ind én gang."""
    content = read_file(file)
    with door.database.transaction() as connection:
        done = payments.load_receipts(connection, file.name, content, issuer, door.occasion, account=account)
    answer = {
        "file": done.file,
        "format": done.file_format,
        "new": [_receipt_answer(receipt) for receipt in done.new],
        "known": done.known,
        "left_out": done.left_out,
        "alike": list(done.alike),
    }

    def people(out: Console) -> None:
        out.print(
            _(
                "{new} nye bankposter for {amount}, {known} var her i forvejen, {left} er ikke bogført eller nul."
            ).format(
                new=len(done.new),
                amount=kroner(sum(receipt.amount_oere for receipt in done.new)),
                known=done.known,
                left=done.left_out,
            ),
        )
        if done.new:
            out.print(_("Udlign dem med «mellemregning payment match»."))

    door.tell(answer, people)
    if done.alike:
        numbers = ", ".join(str(number) for number in done.alike)
        door.note(
            _(
                "Samme konto, dag og beløb som en post i en tidligere fil; er det de samme? Indbetaling {numbers}."
            ).format(
                numbers=numbers,
            ),
        )


def _receipts_table(found: Sequence[Receipt]) -> Any:  # noqa: ANN401 - a table
    rows = [
        (
            str(receipt.number),
            receipt.value_date,
            name_of(receipt.holder) if receipt.holder else _("ukendt"),
            receipt.amount_oere,
            receipt.left_oere,
            ", ".join(mention.value for mention in receipt.mentions),
            receipt.bank_reference,
        )
        for receipt in found
    ]
    heading = [_("Nr."), _("Dag"), _("Kommune"), _("Beløb kr."), _("Tilbage kr."), _("Nævner"), _("Bankens reference")]
    total = (
        "",
        "",
        _("I alt"),
        sum(receipt.amount_oere for receipt in found),
        sum(receipt.left_oere for receipt in found),
        "",
        "",
    )
    return table("", heading, rows, total=total)


def _matches_table(found: Sequence[Match]) -> Any:  # noqa: ANN401 - a table
    rows = [
        (
            str(match.number),
            match.effective_on,
            name_of(match.payer) if match.payer else "",
            ", ".join(str(number) for number in match.receipts),
            payments.settles(match),
            match.explanation,
            _("ophævet ved {number}").format(number=match.undone_by)
            if match.undone_by
            else _("ophæver {number}").format(number=match.undoes)
            if match.undoes
            else "",
        )
        for match in found
    ]
    heading = [_("Udligning"), _("Dag"), _("Kommune"), _("Indbetaling"), _("Bilag"), _("Hvorfor"), ""]
    return table("", heading, rows)


@command(payment_group, "list")
@_issuer_option
@click.option("--left", is_flag=True, help=_("Kun dem, hvor der er noget tilbage."))
@click.option("--matches", is_flag=True, help=_("Vis udligningerne i stedet for indbetalingerne."))
def list_receipts(door: Door, issuer: str | None, left: bool, matches: bool) -> None:
    """Vis indbetalinger, eller hvad der er udlignet med hvad."""
    with door.database.reading() as connection:
        receipts = [] if matches else payments.list_receipts(connection, issuer, only_left=left)
        made = payments.list_matches(connection, issuer) if matches else []
    if matches:
        door.tell([_match_answer(match) for match in made], lambda out: out.print(_matches_table(made)))
        return
    door.tell([_receipt_answer(receipt) for receipt in receipts], lambda out: out.print(_receipts_table(receipts)))


def _amounts(given: Sequence[str], option: str) -> dict[str, int | None]:
    """``F2009-0001`` or ``F2009-0001=1.000,00``."""
    found: dict[str, int | None] = {}
    for text in given:
        name, equals, amount = text.partition("=")
        name = name.strip()
        if not name or name in found:
            raise click.UsageError(
                _("{option}: «{text}» er tomt eller nævnt to gange.").format(option=option, text=text)
            )
        found[name] = _oere(amount.strip(), option) if equals else None
    return found


def _oere(text: str, option: str) -> int:
    for read in (oere_from_danish_text, oere_from_text):
        try:
            return abs(read(text))
        except NotAnAmount:
            continue
    raise click.UsageError(_("{option}: «{text}» er ikke et beløb, fx 1.000,00.").format(option=option, text=text))


@command(payment_group, "match")
@_issuer_option
@click.option(
    "--receipt",
    "receipts",
    multiple=True,
    metavar=_("NR[=BELØB]"),
    help=_("Udlign selv: indbetalingens nummer; beløbet udelades for så meget, som det rækker."),
)
@click.option(
    "--document",
    "documents",
    multiple=True,
    metavar=_("NUMMER[=BELØB]"),
    help=_("Udlign selv: bilagets nummer; kan gentages, det første først."),
)
@click.option("--note", default="", metavar=_("TEKST"), help=_("Hvorfor, når du selv udligner."))
@click.option("--preview", is_flag=True, help=_("Vis kun, hvad der ville ske."))
def match(
    door: Door,
    issuer: str | None,
    receipts: tuple[str, ...],
    documents: tuple[str, ...],
    note: str,
    preview: bool,
) -> None:
    """Udlign det, intet taler imod, og foreslå resten; eller udlign selv med --receipt og --document."""
    if not receipts and not documents:
        _match_all(door, issuer, preview=preview)
        return
    if preview:
        raise click.UsageError(_("--preview bruges uden --receipt og --document."))
    by_number: dict[int, int | None] = {}
    for text, amount in _amounts(receipts, "--receipt").items():
        if not text.isdecimal():
            raise click.UsageError(_("--receipt: «{text}» er ikke et nummer.").format(text=text))
        by_number[int(text)] = amount
    with door.database.transaction() as connection:
        done = payments.match_by_hand(
            connection,
            issuer,
            by_number,
            _amounts(documents, "--document"),
            door.occasion,
            note=note,
        )
    door.tell(_match_answer(done), lambda out: out.print(_matches_table([done])))


def _match_all(door: Door, issuer: str | None, *, preview: bool) -> None:
    if preview:
        with door.database.reading() as connection:
            found = payments.match_receipts(connection, issuer, door.occasion, preview=True)
    else:
        with door.database.transaction() as connection:
            found = payments.match_receipts(connection, issuer, door.occasion)
    answer = {
        "issuer": found.issuer,
        "preview": preview,
        "automatic": [_match_answer(match) for match in found.made],
        "suggested": [
            {**_receipt_answer(found.receipts[number]), "suggestions": [_proposal_answer(one) for one in proposals]}
            for number, proposals in found.suggested.items()
        ],
        "left": [_receipt_answer(receipt) for receipt in found.left],
    }
    door.tell(answer, lambda out: _show_matching(out, found))


def _show_matching(out: Console, found: Matching) -> None:
    out.print(
        _("{made} udlignet, {suggested} med forslag, {left} uden.").format(
            made=len(found.made),
            suggested=len(found.suggested),
            left=len(found.left),
        ),
    )
    if found.made:
        out.print(_matches_table(found.made))
    rows = [
        (
            str(number),
            found.receipts[number].value_date,
            found.receipts[number].left_oere,
            proposal.score,
            name_of(proposal.payer),
            ", ".join(f"{name} ({kroner(amount)})" for name, amount in proposal.applications.items()),
            "; ".join(proposal.reasons),
        )
        for number, proposals in found.suggested.items()
        for proposal in proposals
    ]
    if rows:
        heading = [_("Nr."), _("Dag"), _("Tilbage kr."), _("Point"), _("Kommune"), _("Forslag"), _("Hvorfor")]
        out.print(table(_("Forslag"), heading, rows))
    if found.left:
        out.print(_("Uden forslag:"))
        out.print(_receipts_table(found.left))


@command(payment_group, "undo")
@click.argument("number", type=NUMBER, metavar=_("UDLIGNING"))
@click.option("--reason", default="", metavar=_("TEKST"), help=_("Hvorfor; skal angives."))
def undo(door: Door, number: int, reason: str) -> None:
    """Ophæv en udligning ved en modpostering; bilag og indbetaling er så åbne som før."""
    with door.database.transaction() as connection:
        done = payments.undo_match(connection, number, door.occasion, reason=reason)
    words = _("Udligning {number} er ophævet ved {counter}.").format(number=number, counter=done.number)
    door.tell(_match_answer(done), lambda out: out.print(words))


def _age_words() -> Mapping[Age, str]:
    return {
        Age.NOT_DUE: _("Ikke forfaldent kr."),
        Age.DAYS_1_30: _("1-30 dage kr."),
        Age.DAYS_31_60: _("31-60 dage kr."),
        Age.DAYS_61_90: _("61-90 dage kr."),
        Age.OVER_90: _("Over 90 dage kr."),
    }


@command(payment_group, "open")
@_issuer_option
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne kommune, bilag for bilag."))
def open_items(door: Door, issuer: str | None, municipality: str | None) -> None:
    """Vis åbne poster pr. kommune og alder på forretningsdatoen."""
    with door.database.reading() as connection:
        report = payments.open_report(connection, issuer, door.business_date, municipality)
    door.tell(_open_answer(report), lambda out: _show_open(out, report, itemised=municipality is not None))


def _show_open(out: Console, report: OpenReport, *, itemised: bool) -> None:
    words = _age_words()
    amounts = [
        [
            *(standing.ages[age] for age in words),
            standing.open_oere,
            standing.on_account_oere,
            standing.balance_oere,
        ]
        for standing in report.standings
    ]
    rows = [[name_of(standing.municipality), *some] for standing, some in zip(report.standings, amounts, strict=True)]
    heading = [_("Kommune"), *words.values(), _("Åbent kr."), _("På konto kr."), _("Saldo kr.")]
    sums = [sum(some[place] for some in amounts) for place in range(len(heading) - 1)]
    title = _("Åbne poster hos {issuer} pr. {day}").format(
        issuer=name_of(report.issuer), day=f"{report.as_of:%d.%m.%Y}"
    )
    out.print(table(title, heading, rows, total=(_("I alt"), *sums)))
    if itemised:
        lines = [
            (item.number, item.title, item.issue_date, item.due_date, item.amount_oere, item.open_oere)
            for standing in report.standings
            for item in standing.items
        ]
        columns_ = [_("Nummer"), _("Tekst"), _("Udstedt"), _("Forfald"), _("Beløb kr."), _("Åbent kr.")]
        out.print(table("", columns_, lines))
    if report.unknown_oere:
        out.print(_("Fra ukendte betalere: {amount}").format(amount=kroner(report.unknown_oere)))


# Interest.


def _state_words() -> Mapping[PlanState, str]:
    return {
        PlanState.PLANNED: _("venter på godkendelse"),
        PlanState.APPROVED: _("godkendt, ikke udstedt"),
        PlanState.ISSUED: _("udstedt"),
        PlanState.STOPPED: _("stoppet"),
    }


def _lines_table(documents: Sequence[PlannedInterest]) -> Any:  # noqa: ANN401 - a table
    rows = [
        (
            name_of(document.subscriber),
            line.number,
            line.from_day,
            line.last_day,
            line.segment and line.segment.days,
            line.segment and f"{percent(line.segment.rate)} %",
            line.segment and line.segment.base_oere,
            line.amount_oere,
        )
        for document in documents
        for claim in document.claims
        for line in claim.lines
    ]
    heading = [
        _("Kommune"),
        _("Bilag"),
        _("Fra"),
        _("Til og med"),
        _("Dage"),
        _("Sats"),
        _("Grundlag kr."),
        _("Rente kr."),
    ]
    whole = sum(document.amount_oere for document in documents)
    return table("", heading, rows, total=(_("I alt"), "", "", "", "", "", None, whole))


@command(interest_group, "show")
@click.argument("number", required=False, metavar=_("[NUMMER]"))
@_issuer_option
@click.option("--to", "last_day", type=DATE, metavar=_("DATO"), help=_("Til og med denne dag; ellers i dag."))
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne kommune."))
def show_interest(
    door: Door, number: str | None, issuer: str | None, last_day: date | None, municipality: str | None
) -> None:
    """Vis, hvad der ville blive opkrævet i rente, eller hele renten af ét bilag; ændrer intet."""
    until = last_day or door.business_date
    with door.database.reading() as connection:
        if number is not None:
            principal, segments = interest_run.interest_of(connection, issuer, number, until)
            _tell_one(door, principal, segments, until)
            return
        scope = InterestScope(payments.issuer_of(connection, issuer), until, municipality)
        found = interest_run.show_interest(connection, scope)
    answer = {
        "issuer": scope.issuer,
        "last_day": until.isoformat(),
        "total_oere": sum(document.amount_oere for document in found),
        "documents": _documents_answer(found),
    }
    door.tell(answer, lambda out: out.print(_lines_table(found) if found else _("Der er ingen rente at opkræve.")))


def _tell_one(door: Door, principal: Principal, segments: Sequence[Segment], until: date) -> None:
    amount = interest_run.whole_interest(segments)
    billed = sum(each.amount_oere for each in principal.billed.values())
    answer = {
        "number": principal.number,
        "municipality": principal.subscriber,
        "due_date": principal.due_date.isoformat(),
        "last_day": until.isoformat(),
        "amount_oere": amount,
        "billed_oere": billed,
        "segments": [_segment_answer(segment) for segment in segments],
    }

    def people(out: Console) -> None:
        rows = [
            (one.from_day, one.last_day, one.days, str(one.days_in_year), f"{percent(one.rate)} %", one.base_oere)
            for one in segments
        ]
        heading = [_("Fra"), _("Til og med"), _("Dage"), _("Af"), _("Sats"), _("Grundlag kr.")]
        out.print(table(principal.number, heading, rows))
        out.print(
            _("Rente til og med {day}: {amount}, heraf opkrævet {billed}").format(
                day=f"{until:%d.%m.%Y}", amount=kroner(amount), billed=kroner(billed)
            ),
        )

    door.tell(answer, people)


@command(interest_group, "plan")
@_issuer_option
@click.option("--to", "last_day", type=DATE, metavar=_("DATO"), help=_("Til og med denne dag; ellers i dag."))
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne kommune."))
def plan(door: Door, issuer: str | None, last_day: date | None, municipality: str | None) -> None:
    """Planlæg rentefakturaer for alt, der er betalt for sent eller ikke betalt, og som ikke er opkrævet."""
    with door.database.transaction() as connection:
        scope = InterestScope(payments.issuer_of(connection, issuer), last_day or door.business_date, municipality)
        made = interest_run.plan_interest(connection, scope, door.occasion)
        missing = interest_run.missing_of(connection, made, door.business_date)
    door.tell(_plan_answer(made), lambda out: _show_plan(out, made))
    note_missing(door, missing)


def _show_plan(out: Console, found: InterestPlan) -> None:
    eyes = _("to personer kræves") if found.four_eyes else _("én person er nok")
    out.print(
        _("Renteplan {number}, lavet af {who}, til og med {day}: {state}; {eyes}.").format(
            number=found.number,
            who=found.planned_by,
            day=f"{found.scope.last_day:%d.%m.%Y}",
            state=_state_words()[found.state],
            eyes=eyes,
        ),
    )
    out.print(_lines_table(found.documents))


@command(interest_group, "list")
@_issuer_option
def list_plans(door: Door, issuer: str | None) -> None:
    """Vis alle renteplaner."""
    with door.database.reading() as connection:
        found = interest_run.list_plans(connection, issuer)
    answer = [{key: value for key, value in _plan_answer(one).items() if key != "documents"} for one in found]
    rows = [
        (
            str(one.number),
            name_of(one.scope.issuer),
            one.scope.last_day,
            one.planned_by,
            one.total_oere,
            _state_words()[one.state],
        )
        for one in found
    ]
    heading = [_("Plan"), _("Udsteder"), _("Til og med"), _("Lavet af"), _("Beløb kr."), _("Tilstand")]
    door.tell(answer, lambda out: out.print(table("", heading, rows)))


@command(interest_group, "approve")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
@click.option("--by", "who", metavar=_("NAVN"), help=_("Hvem der godkender; ellers den, der kører kommandoen."))
@click.option("--note", default="", metavar=_("TEKST"), help=_("Hvad der blev kontrolleret."))
def approve(door: Door, number: int, who: str | None, note: str) -> None:
    """Godkend en renteplan ved navn; kræver udstederen to personer, kan det ikke være den, der lavede den."""
    with door.database.transaction() as connection:
        done = interest_run.approve_interest(connection, number, door.occasion_of(who), note)
    words = _("Renteplan {number} er godkendt.").format(number=number)
    door.tell(_plan_answer(done), lambda out: out.print(words))


@command(interest_group, "stop")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
@click.option("--note", default="", metavar=_("TEKST"), help=_("Hvorfor."))
def stop(door: Door, number: int, note: str) -> None:
    """Opgiv en renteplan."""
    with door.database.transaction() as connection:
        done = interest_run.stop_interest(connection, number, door.occasion, note)
    words = _("Renteplan {number} er stoppet.").format(number=number)
    door.tell(_plan_answer(done), lambda out: out.print(words))


@command(interest_group, "issue")
@click.argument("number", type=NUMBER, metavar=_("PLAN"))
def issue(door: Door, number: int) -> None:
    """Udsted en godkendt plans rentefakturaer, hvis alt, den hviler på, er uændret."""
    with door.database.transaction() as connection:
        done = interest_run.issue_interest(connection, number, door.occasion)
    answer = {
        **_plan_answer(done.plan),
        "issued": [
            {
                "number": document.number,
                "agreement": document.agreement,
                "municipality": document.subscriber.municipality,
                "amount_oere": document.amount_oere,
                "issue_date": document.issue_date.isoformat(),
                "due_date": document.due_date.isoformat(),
            }
            for document in done.issued
        ],
        "failed": [
            {"municipality": failure.municipality, "error": failure.error.name, "message": failure.error.text(_)}
            for failure in done.failed
        ],
    }

    def people(out: Console) -> None:
        rows = [
            (document.number, document.agreement, document.title, document.subscriber.name, document.amount_oere)
            for document in done.issued
        ]
        heading = [_("Nummer"), _("Aftale"), _("Tekst"), _("Kommune"), _("Beløb kr.")]
        whole = sum(document.amount_oere for document in done.issued)
        out.print(table("", heading, rows, total=("", "", "", _("I alt"), whole)))

    door.tell(answer, people)
    for failure in done.failed:
        door.note(
            _("{name} er ikke faktureret: {message}").format(
                name=name_of(failure.municipality), message=failure.error.text(_)
            )
        )
    if done.failed:
        raise SystemExit(PARTLY_DONE)


@command(rate_group, "set")
@click.argument("effective_from", type=DATE, metavar=_("DATO"))
@click.argument("rate", metavar=_("SATS"))
@click.option("--source", default="", metavar=_("TEKST"), help=_("Hvor satsen er fra; skal angives."))
def set_rate(door: Door, effective_from: date, rate: str, source: str) -> None:
    """Læg en referencesats ind: 1. januar eller 1. juli, procent uden tillæg, fx 3.75."""
    try:
        value = Decimal(rate.replace(",", "."))
    except InvalidOperation:
        raise click.UsageError(_("«{text}» er ikke en sats, fx 3.75.").format(text=rate)) from None
    with door.database.transaction() as connection:
        entered = interest_run.set_rate(connection, effective_from, value, source, door.occasion)
    answer = {
        "effective_from": entered.effective_from.isoformat(),
        "rate": str(entered.rate),
        "source": entered.source,
    }
    words = _("Referencesatsen fra {day} er {rate} %.").format(
        day=f"{entered.effective_from:%d.%m.%Y}", rate=percent(entered.rate)
    )
    door.tell(answer, lambda out: out.print(words))


@command(rate_group, "list")
def list_rates(door: Door) -> None:
    """Vis alle referencesatser med deres kilde."""
    with door.database.reading() as connection:
        found = interest_run.list_rates(connection)
    answer = [
        {"effective_from": one.effective_from.isoformat(), "rate": str(one.rate), "source": one.source} for one in found
    ]
    rows = [(one.effective_from, f"{percent(one.rate)} %", one.source) for one in found]
    door.tell(answer, lambda out: out.print(table("", [_("Fra"), _("Sats"), _("Kilde")], rows)))
