"""The commands on what is owed: subscription, month, invoice."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import click
from rich.console import Console

from agreements import run as agreements
from agreements.municipality import municipality as known_municipality
from billing.annual_subscription import forecast as forecasts
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import AnnualSubscription, Correction, Division
from billing.annual_subscription.key_words import KEY_WORDS, figure_words
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import IssuedDocument
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue, MonthPlan
from billing.monthly_run import run as runs
from foundation.money import NotAnAmount, kroner, oere_as_typed
from foundation.period import BillingYear, Month
from portal.commands import answers
from portal.commands.door import (
    DATE,
    EDITION,
    MONTH,
    MUNICIPALITY,
    PARTLY_DONE,
    YEAR,
    Door,
    command,
    name_of,
    new_group,
    table,
)
from portal.commands.forecasting import explained_answer, explained_sentence, not_explained
from portal.language import _

subscription_group = new_group("subscription", _("Årets pris: beregn, vis, meddel."))
month_group = new_group("month", _("Månedens a conto-fakturaer."))
invoice_group = new_group("invoice", _("Udstedte bilag: vis, kreditér."))

GROUPS = (subscription_group, month_group, invoice_group)


@command(subscription_group, "calculate")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option("--preview", is_flag=True, help=_("Beregn uden at gemme."))
@click.option(
    "--correction",
    type=click.Choice([kind.value for kind in Correction]),
    help=_("Når prisen ændres: fordel forskellen på de resterende rater (spread) eller fakturér om (reinvoice)."),
)
def calculate(door: Door, code: str, year: int, preview: bool, correction: str | None) -> None:
    """Beregn årets pris af de nyeste budgetter, indbyggertal og resultater."""
    wanted = Correction(correction) if correction else None
    transaction = door.database.reading() if preview else door.database.transaction()
    with transaction as connection:
        found = subscriptions.calculate_year(connection, code, year, door.occasion, correction=wanted, preview=preview)
    value = found.subscription

    def people(out: Console) -> None:
        state = (
            _("Forhåndsvisning; intet er gemt.")
            if preview
            else _("Gemt som beregning nr. {version}.").format(version=value.version)
            if found.is_new
            else _("Intet nyt siden beregning nr. {version}.").format(version=value.version)
        )
        _show_subscription(out, value)
        out.print(state)

    door.tell(answers.subscription(value), people)
    if found.unclosed is not None:
        door.note(
            _("Bemærk: resultatet af {year} er ikke afsluttet og indgår derfor ikke i prisen endnu.").format(
                year=found.unclosed,
            ),
        )
    if found.to_reinvoice:
        door.note(
            _(
                "Fakturerede måneder er beregnet om: kreditér og fakturér dem igen med "
                "«mellemregning subscription reinvoice {code} {year}».",
            ).format(code=code, year=year),
        )


def _show_subscription(out: Console, value: AnnualSubscription) -> None:
    if value.division is not None:
        _show_division(out, value, value.division)
        return
    out.print(
        _(
            "{agreement} {year}: der fordeles {cost} efter indbyggertal pr. {on}; tidligere års resultat: {passed_on}"
        ).format(
            agreement=value.agreement,
            year=value.year,
            cost=kroner(value.cost_oere),
            on=f"{value.reference_date:%d.%m.%Y}",
            passed_on=kroner(value.passed_on_oere),
        ),
    )
    rows = [
        (
            part.municipality,
            name_of(part.municipality),
            part.population.inhabitants,
            part.share_oere,
            part.passed_on_oere,
            part.obligation_oere,
            part.instalments[0].amount_oere,
            part.instalments[-1].amount_oere,
        )
        for part in value.parts
    ]
    heading = [
        _("Kode"),
        _("Kommune"),
        _("Indbyggere"),
        _("Andel kr."),
        _("Indregnet kr."),
        _("Forpligtelse kr."),
        _("Januar kr."),
        _("December kr."),
    ]
    total = (
        "",
        _("I alt"),
        sum(part.population.inhabitants for part in value.parts),
        value.cost_oere,
        value.passed_on_oere,
        value.total_oere,
        sum(part.instalments[0].amount_oere for part in value.parts),
        sum(part.instalments[-1].amount_oere for part in value.parts),
    )
    out.print(table("", heading, rows, total=total))


def _show_division(out: Console, value: AnnualSubscription, division: Division) -> None:
    """A price by several keys, or over pieces of the year: key by key, and then what each pays."""
    out.print(
        _("{agreement} {year}: der fordeles {cost}; tidligere års resultat: {passed_on}").format(
            agreement=value.agreement,
            year=value.year,
            cost=kroner(value.cost_oere),
            passed_on=kroner(value.passed_on_oere),
        ),
    )
    rows = [
        (
            portion.name or _("hovednøgle"),
            _(KEY_WORDS[portion.terms.key]),
            f"{portion.days.from_day:%d.%m.}-{portion.days.last_day:%d.%m.%Y}",
            name_of(share.municipality),
            figure_words(portion.terms, share.figure.inhabitants),
            share.share_oere,
        )
        for portion in division.portions
        for share in portion.shares
    ]
    heading = [_("Nøgle"), _("Fordelt efter"), _("Dage"), _("Kommune"), _("Tal"), _("Andel kr.")]
    out.print(table("", heading, rows, total=(_("I alt"), "", "", "", "", value.cost_oere)))
    pays = [
        (
            part.municipality,
            name_of(part.municipality),
            part.share_oere,
            part.passed_on_oere,
            part.obligation_oere,
            len(part.instalments),
            part.instalments[0].amount_oere,
            part.instalments[-1].amount_oere,
        )
        for part in value.parts
    ]
    heading = [
        _("Kode"),
        _("Kommune"),
        _("Andel kr."),
        _("Indregnet kr."),
        _("Forpligtelse kr."),
        _("Rater"),
        _("Første rate kr."),
        _("Sidste rate kr."),
    ]
    out.print(table("", heading, pays))


@command(subscription_group, "show")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option("--version", type=EDITION, help=_("En tidligere beregning."))
def show(door: Door, code: str, year: int, version: int | None) -> None:
    """Vis årets pris, som den er beregnet."""
    with door.database.reading() as connection:
        value = subscriptions.get_subscription(connection, code, year, version)
    door.tell(answers.subscription(value), lambda out: _show_subscription(out, value))


@command(subscription_group, "versions")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, required=False, metavar=_("[ÅR]"))
def versions(door: Door, code: str, year: int | None) -> None:
    """Vis alle beregninger; ingen bliver nogensinde ændret."""
    with door.database.reading() as connection:
        found = subscriptions.versions_of(connection, code, year)
    answer = {
        "agreement": code,
        "versions": [
            {"year": of_year, "version": version, "calculated_on": day.isoformat()} for of_year, version, day in found
        ],
    }
    rows = [(str(of_year), str(version), day) for of_year, version, day in found]
    door.tell(answer, lambda out: out.print(table("", [_("År"), _("Beregning"), _("Dato")], rows)))


@command(subscription_group, "notice")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def notice(door: Door, code: str, year: int) -> None:
    """Meddel hver ydelsesbruger den samlede pris for året (senest 1. juni året før, hvis intet andet er aftalt)."""
    with door.database.transaction() as connection:
        told, is_new = subscriptions.give_price_notice(connection, code, year, door.occasion)
        explained = forecasts.explain_price(connection, code, year)
        keyed = subscriptions.get_subscription(connection, code, year).division is not None
    answer = {
        "agreement": code,
        "year": year,
        "version": told.version,
        "notice_by": told.notice_by.isoformat(),
        "given_on": told.given_on.isoformat(),
        "is_new": is_new,
        "parts": [
            {
                "municipality": line.municipality,
                "obligation_oere": line.obligation_oere,
                "share_oere": line.share_oere,
                "passed_on_oere": line.passed_on_oere,
                "population": line.population,
                "previous_obligation_oere": line.previous_obligation_oere,
                "previous_population": line.previous_population,
                "explained_oere": explained_answer(explained.get(line.municipality)),
                "explanation": explained_sentence(explained.get(line.municipality)),
            }
            for line in told.lines
        ],
    }

    def people(out: Console) -> None:
        rows = [
            (
                line.municipality,
                name_of(line.municipality),
                line.obligation_oere,
                line.previous_obligation_oere,
                None if line.previous_obligation_oere is None else line.obligation_oere - line.previous_obligation_oere,
                line.population,
                line.passed_on_oere,
            )
            for line in told.lines
        ]
        heading = [
            _("Kode"),
            _("Kommune"),
            _("Pris {year}").format(year=year) + " kr.",
            _("Året før kr."),
            _("Ændring kr."),
            _("Indbyggere"),
            _("Indregnet resultat kr."),
        ]
        out.print(table("", heading, rows))
        for line in told.lines:
            sentence = explained_sentence(explained.get(line.municipality))
            if sentence:
                out.print(f"{name_of(line.municipality)}: {sentence}")
        if not explained and keyed:
            out.print(not_explained(year))
        out.print(_("Meddelt {day}.").format(day=f"{told.given_on:%d.%m.%Y}"))

    door.tell(answer, people)
    if told.given_on > told.notice_by:
        door.note(
            _("Fristen for prismeddelelsen var {day}.").format(day=f"{told.notice_by:%d.%m.%Y}"),
        )


@command(subscription_group, "reinvoice")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def reinvoice(door: Door, code: str, year: int) -> None:
    """Kreditér og fakturér de måneder om, som prisen ikke længere stemmer med."""
    with door.database.transaction() as connection:
        corrected = months.reinvoice_year(connection, code, year, door.occasion)
    answer = {
        "agreement": code,
        "year": year,
        "corrected": [
            {
                "municipality": document.subscriber.municipality,
                "month": str(Month.of(document.period.from_day)),
                "credited": credit.credits,
                "credit_note": credit.number,
                "number": document.number,
                "amount_oere": document.amount_oere,
                "difference_oere": document.amount_oere + credit.amount_oere,
            }
            for credit, document in corrected
        ],
    }

    def people(out: Console) -> None:
        if not corrected:
            out.print(_("Alt faktureret stemmer med prisen; der er intet at rette."))
            return
        rows = [
            (
                name_of(document.subscriber.municipality),
                str(Month.of(document.period.from_day)),
                credit.credits,
                credit.number,
                document.number,
                document.amount_oere,
                document.amount_oere + credit.amount_oere,
            )
            for credit, document in corrected
        ]
        heading = [
            _("Kommune"),
            _("Måned"),
            _("Krediteret"),
            _("Kreditnota"),
            _("Ny faktura"),
            _("Beløb kr."),
            _("Forskel kr."),
        ]
        out.print(table("", heading, rows))

    door.tell(answer, people)


@command(month_group, "plan")
@click.argument("code", metavar=_("KODE"))
@click.argument("month", type=MONTH, metavar=_("ÅÅÅÅ-MM"))
def plan(door: Door, code: str, month: Month) -> None:
    """Vis, hvad måneden vil blive faktureret med; ændrer intet."""
    with door.database.reading() as connection:
        found = months.plan_month(connection, code, month, door.business_date)

    def people(out: Console) -> None:
        rows = [
            (draft.subscriber.municipality, draft.subscriber.name, draft.amount_oere, draft.internal, draft.provisional)
            for draft in found.drafts
        ]
        heading = [_("Kode"), _("Kommune"), _("Beløb kr."), _("Internt"), _("Foreløbigt")]
        total = ("", _("I alt"), sum(draft.amount_oere for draft in found.drafts), "", "")
        out.print(table(_("Plan for {month}").format(month=found.danish(month)), heading, rows, total=total))
        if found.already_issued:
            out.print(_("{count} er faktureret i forvejen.").format(count=len(found.already_issued)))

    door.tell(answers.month_plan(found), people)
    _tell_what_is_late(door, found)
    _tell_failures(door, answers.month_plan(found)["failed"])


@command(month_group, "issue")
@click.argument("code", metavar=_("KODE"))
@click.argument("month", type=MONTH, metavar=_("ÅÅÅÅ-MM"))
def issue(door: Door, code: str, month: Month) -> None:
    """Udsted månedens fakturaer, én gang pr. kommune; en gentagelse fakturerer kun dem, der mangler."""
    with door.database.transaction() as connection:
        outcome = runs.issue_in_one_step(connection, code, month, door.occasion)
    answer = answers.month_issue(outcome)
    door.tell(answer, lambda out: _show_issue(out, outcome))
    _tell_what_is_late(door, outcome.plan)
    _tell_failures(door, answer["failed"])
    if outcome.failed:
        raise SystemExit(PARTLY_DONE)


def _show_issue(out: Console, outcome: MonthIssue) -> None:
    month = outcome.plan.danish(outcome.plan.month)
    heading = [_("Nummer"), _("Kommune"), _("Beløb kr."), _("Dato"), _("Forfald"), _("Internt")]
    if outcome.issued:
        total = ("", _("I alt"), sum(document.amount_oere for document in outcome.issued), "", "", "")
        title = _("Udstedt for {month}").format(month=month)
        out.print(table(title, heading, map(_document_cells, outcome.issued), total=total))
    if outcome.already_issued:
        title = _("Udstedt i forvejen for {month}").format(month=month)
        out.print(table(title, heading, map(_document_cells, outcome.already_issued)))


def _document_cells(document: IssuedDocument) -> tuple[object, ...]:
    return (
        document.number,
        document.subscriber.name,
        document.amount_oere,
        document.issue_date,
        document.due_date,
        document.internal,
    )


def _tell_what_is_late(door: Door, found: MonthPlan) -> None:
    if found.without_share:
        door.note(
            _("Ingen andel i {year}, så der er intet at fakturere: {names}.").format(
                year=found.month.year,
                names=", ".join(name_of(code) for code in found.without_share),
            ),
        )
    waits = found.drafts or found.failed
    if waits and found.days_late:
        late = (
            _("{month} skulle være sendt senest {day}: 1 dag for sent.")
            if found.days_late == 1
            else _("{month} skulle være sendt senest {day}: {days} dage for sent.")
        )
        door.note(
            late.format(
                month=found.danish(found.month).capitalize(),
                day=f"{found.send_by:%d.%m.%Y}",
                days=found.days_late,
            ),
        )
    for month, codes in found.late_months:
        door.note(
            _("{month} er forfalden og ikke faktureret for: {names}.").format(
                month=found.danish(month).capitalize(),
                names=", ".join(name_of(code) for code in codes),
            ),
        )


def _tell_failures(door: Door, failed: list[dict[str, str]]) -> None:
    for failure in failed:
        door.note(
            _("{name} er ikke faktureret: {message}").format(
                name=name_of(failure["municipality"]),
                message=failure["message"],
            ),
        )


@command(invoice_group, "list")
@click.option("--agreement", "code", metavar=_("KODE"), help=_("Kun denne aftale."))
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne kommune."))
@click.option("--year", type=YEAR, metavar=_("ÅR"), help=_("Kun bilag for dette år."))
@click.option("--month", type=MONTH, metavar=_("ÅÅÅÅ-MM"), help=_("Kun bilag for denne måned."))
@click.option("--from", "from_day", type=DATE, metavar=_("DATO"), help=_("Kun perioder fra denne dag."))
def list_invoices(
    door: Door,
    code: str | None,
    municipality: str | None,
    year: int | None,
    month: Month | None,
    from_day: date | None,
) -> None:
    """Vis udstedte bilag."""
    if from_day is not None and (month is not None or year is not None):
        raise click.UsageError(_("Angiv kun én af --year, --month og --from."))
    period = month.period if month else BillingYear(year).period if year else None
    with door.database.reading() as connection:
        if code is not None:
            agreements.get(connection, code)
        if municipality is not None:
            known_municipality(municipality)
        found = invoice_store.documents(
            connection,
            agreement=code,
            subscriber=municipality,
            from_day=period.from_day if period else from_day,
            to_day=period.to_day if period else None,
        )
    answer = [
        {
            "number": document.number,
            "document_type": document.document_type.value,
            "kind": document.kind.value,
            "agreement": document.agreement,
            "agreements": list(document.agreements),
            "municipality": document.subscriber.municipality,
            "period": [document.period.from_day.isoformat(), document.period.last_day.isoformat()],
            "issue_date": document.issue_date.isoformat(),
            "due_date": document.due_date.isoformat(),
            "amount_oere": document.amount_oere,
            "internal": document.internal,
            "provisional": document.provisional,
            "credits": document.credits,
            "credited_by": document.credited_by,
        }
        for document in found
    ]

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen bilag, der passer."))
            return
        rows = [
            (
                document.number,
                document.title,
                document.subscriber.name,
                document.amount_oere,
                document.issue_date,
                document.due_date,
                document.credited_by or "",
            )
            for document in found
        ]
        heading = [
            _("Nummer"),
            _("Tekst"),
            _("Kommune"),
            _("Beløb kr."),
            _("Dato"),
            _("Forfald"),
            _("Krediteret af"),
        ]
        total = ("", "", _("I alt"), sum(document.amount_oere for document in found), "", "", "")
        out.print(table("", heading, rows, total=total))

    door.tell(answer, people)


@command(invoice_group, "show")
@click.argument("number", metavar=_("NUMMER"))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Udstederens kode, hvis flere har nummeret."))
def show_invoice(door: Door, number: str, issuer: str | None) -> None:
    """Vis et bilag med alle linjer."""
    with door.database.reading() as connection:
        _id, document = invoices.find_document(connection, number, issuer)
    door.tell(answers.document(document), lambda out: _show_document(out, document))


def _show_document(out: Console, document: IssuedDocument) -> None:
    out.print(f"{document.number}  {document.title}")
    out.print(_("Fra {issuer} (CVR {cvr})").format(issuer=document.issuer.name, cvr=document.issuer.cvr))
    out.print(_("Til {name} (CVR {cvr})").format(name=document.subscriber.name, cvr=document.subscriber.cvr))
    out.print(
        _("Dato {date}, forfald {due}, periode {first} - {last}").format(
            date=f"{document.issue_date:%d.%m.%Y}",
            due=f"{document.due_date:%d.%m.%Y}",
            first=f"{document.period.from_day:%d.%m.%Y}",
            last=f"{document.period.last_day:%d.%m.%Y}",
        ),
    )
    rows = [
        (str(position), line.agreement, line.text, line.amount_oere)
        for position, line in enumerate(document.lines, start=1)
    ]
    heading = [_("Linje"), _("Aftale"), _("Tekst"), _("Beløb kr.")]
    out.print(table("", heading, rows, total=("", "", _("I alt"), document.amount_oere)))
    for text in (document.note, document.credits and _("Krediterer {number}.").format(number=document.credits)):
        if text:
            out.print(text)
    if document.credited_by:
        out.print(_("Krediteret med {number}.").format(number=document.credited_by))


class CreditedLineType(click.ParamType[tuple[int, int | None]]):
    """A line of a document, ``2`` for all that is left of it, or ``2=1.234,50`` for a part."""

    name = "linje"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, int | None]:
        """Read the line and its amount."""
        if isinstance(value, tuple):
            return value
        try:
            return _credited_line(str(value))
        except NotAnAmount:
            self.fail(
                _("«{text}» er ikke en linje. Skriv fx 2 for resten af linje 2 eller 2=1.234,50.").format(text=value),
                param,
                ctx,
            )


def _credited_line(text: str) -> tuple[int, int | None]:
    read = re.fullmatch(r"(-?[0-9]{1,40})(?:=(.*))?", text)
    if read is None:
        raise NotAnAmount
    return int(read[1]), None if read[2] is None else oere_as_typed(read[2])


@command(invoice_group, "credit")
@click.argument("number", metavar=_("NUMMER"))
@click.option("--reason", required=True, metavar=_("TEKST"), help=_("Hvorfor; står på kreditnotaen."))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Udstederens kode, hvis flere har nummeret."))
@click.option(
    "--line",
    "lines",
    type=CreditedLineType(),
    multiple=True,
    metavar=_("LINJE[=BELØB]"),
    help=_("Kun denne linje, helt eller med et beløb; kan gentages. Uden --line krediteres alt, der er tilbage."),
)
def credit(door: Door, number: str, reason: str, issuer: str | None, lines: tuple[tuple[int, int | None], ...]) -> None:
    """Kreditér et bilag, helt eller linje for linje; en måned uden rest kan derefter faktureres igen."""
    if len({position for position, _amount in lines}) < len(lines):
        raise click.UsageError(_("Hver linje kan kun nævnes én gang."))
    with door.database.transaction() as connection:
        note = invoices.credit_document(
            connection,
            number,
            reason=reason,
            occasion=door.occasion,
            issuer=issuer,
            lines=dict(lines) or None,
        )
    door.tell(answers.document(note), lambda out: _show_document(out, note))
