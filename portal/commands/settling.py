"""The commands on a year's end: accounts, settlement."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from sqlalchemy import Connection

from billing.monthly_run.facts import PlanState
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as settlements
from billing.year_end_settlement import true_up_run as true_ups
from billing.year_end_settlement.facts import (
    NOTHING_CARRIED,
    CarryOver,
    ExitSettlement,
    KeyResult,
    ProviderClearing,
    TrueUpPlan,
    YearSettlement,
)
from foundation.money import NotAnAmount, kroner, oere_from_danish_text, oere_from_text
from portal.commands import answers
from portal.commands.agreed import show_lines
from portal.commands.door import (
    FILE,
    MUNICIPALITY,
    NUMBER,
    YEAR,
    Door,
    command,
    name_of,
    new_group,
    note_missing,
    read_file,
    readable_name,
    table,
)
from portal.language import _

accounts_group = new_group("accounts", _("Endelige regnskaber."))
settlement_group = new_group("settlement", _("Årsafslutning: resultat, overførsel, udtræden, mellemregning."))

GROUPS = (accounts_group, settlement_group)


class CarryType(click.ParamType[CarryOver]):
    """A percentage, 50%, or an amount, 1234.56."""

    name = "overførsel"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> CarryOver:  # noqa: ANN401
        """Read what is kept."""
        if isinstance(value, CarryOver):
            return value
        text = str(value).strip()
        percent = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,4})?) ?%", text, re.ASCII)
        if percent:
            return CarryOver(percent=Decimal(percent[1].replace(",", ".")))
        try:
            return CarryOver(amount_oere=oere_from_danish_text(text) if "," in text else oere_from_text(text))
        except NotAnAmount:
            self.fail(
                _("«{text}» er hverken en procent eller et beløb. Skriv fx 50% eller 1234.56.").format(text=text),
                param,
                ctx,
            )


CARRY = CarryType()


class AmountType(click.ParamType[int]):
    """An amount of either sign, 1234.56 or 1.234,56."""

    name = "beløb"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Read øre."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        try:
            return oere_from_danish_text(text) if "," in text else oere_from_text(text)
        except NotAnAmount:
            self.fail(_("«{text}» er ikke et beløb. Skriv fx 1234.56 eller -1.234,56.").format(text=text), param, ctx)


AMOUNT = AmountType()


@command(accounts_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
def load(door: Door, file: Path) -> None:
    """Indlæs endelige regnskaber fra TOML eller xlsx."""
    content = read_file(file)
    with door.database.transaction() as connection:
        code, change = settlements.load_accounts(connection, file.name, content, door.occasion)

    def people(out: Console) -> None:
        out.print(
            _("{code}: {added} nye linjer, {changed} rettede, {unchanged} uændrede.").format(
                code=code,
                added=len(change.added),
                changed=len(change.changed),
                unchanged=len(change.unchanged),
            ),
        )

    door.tell(answers.cost_change(code, change), people)


@command(accounts_group, "show")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def show_accounts(door: Door, code: str, year: int) -> None:
    """Vis et års endelige regnskab."""
    with door.database.reading() as connection:
        lines = settlements.final_accounts(connection, code, year)
    show_lines(door, {"agreement": code, "year": year, "accounts": [answers.cost_line(line) for line in lines]}, lines)


@command(settlement_group, "close")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option("--carry", type=CARRY, metavar=_("50%|1234.56"), help=_("Hvad der overføres i stedet for at indregnes."))
@click.option("--author", metavar=_("NAVN"), help=_("Hvem der har besluttet det; ellers den, der udfører det."))
@click.option("--approver", metavar=_("NAVN"), help=_("Hvem der har godkendt det; ellers den samme."))
@click.option("--preview", is_flag=True, help=_("Beregn uden at gemme."))
def close(
    door: Door,
    code: str,
    year: int,
    carry: CarryOver | None,
    author: str | None,
    approver: str | None,
    preview: bool,
) -> None:
    """Afslut et regnskabsår: resultat, hver kommunes andel, hvad der indregnes og overføres."""
    who = readable_name(author or door.settings.actor)
    transaction = door.database.reading() if preview else door.database.transaction()
    with transaction as connection:
        value = settlements.close(
            connection,
            code,
            year,
            door.occasion,
            carry=carry or NOTHING_CARRIED,
            author=who,
            approver=readable_name(approver or who),
            preview=preview,
        )
        keys, words = _division(connection, value)
    door.tell(answers.settlement(value, keys), lambda out: show_settlement(out, value, words))


def _division(connection: Connection, value: YearSettlement) -> tuple[tuple[KeyResult, ...], str]:
    """The keys that the result was divided by, and what is said of it; nothing of a year with one key."""
    keys = settlements.results_of_keys(connection, value)
    if keys:
        return keys, _("Forskellen på hver nøgle er fordelt på dem, der betaler efter nøglen.")
    if settlements.keys_not_told(connection, value):
        return (), _(
            "Året har flere nøgler, men regnskabet er ikke delt op på budgetlinjer; derfor er resultatet fordelt efter "
            "det, hver har betalt i alt."
        )
    return (), ""


def show_settlement(out: Console, value: YearSettlement, words: str = "") -> None:
    """A closed year for people, with words on how its result was divided."""
    what = _("overskud") if value.result_oere >= 0 else _("underskud")
    out.print(
        _("{agreement} {year}: faktureret {invoiced}, udgift {cost}, {what} {result}").format(
            agreement=value.agreement,
            year=value.year,
            invoiced=kroner(value.invoiced_oere),
            cost=kroner(value.cost_oere),
            what=what,
            result=kroner(abs(value.result_oere)),
        ),
    )
    rows = [
        (part.municipality, name_of(part.municipality), part.result_oere, part.passed_on_oere, part.carried_oere)
        for part in value.parts
    ]
    heading = [
        _("Kode"),
        _("Kommune"),
        _("Resultat kr."),
        _("Efterreguleres kr.")
        if value.is_trued_up
        else _("Indregnes i {year}").format(year=value.application_year) + " kr.",
        _("Overføres kr."),
    ]
    total = ("", _("I alt"), value.result_oere, value.result_oere - value.carried_oere, value.carried_oere)
    out.print(table("", heading, rows, total=total))
    providers = [
        (name_of(provider.municipality), provider.received_oere, provider.cost_oere, provider.result_oere)
        for provider in value.providers
    ]
    heading = [_("Ydelsesleverandør"), _("Modtaget kr."), _("Udgift kr."), _("Resultat kr.")]
    out.print(
        table("", heading, providers, total=(_("I alt"), value.invoiced_oere, value.cost_oere, value.result_oere)),
    )
    if words:
        out.print(words)
    if value.is_trued_up:
        out.print(
            _("Resultatet efterreguleres: «mellemregning settlement true-up {agreement} {year}».").format(
                agreement=value.agreement, year=value.year
            )
        )


@command(settlement_group, "show")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def show(door: Door, code: str, year: int) -> None:
    """Vis et afsluttet års resultat."""
    with door.database.reading() as connection:
        value = settlements.get_settlement(connection, code, year)
        keys, words = _division(connection, value)
    door.tell(answers.settlement(value, keys), lambda out: show_settlement(out, value, words))


@command(settlement_group, "release")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option("--into", type=YEAR, required=True, metavar=_("ÅR"), help=_("Året, hvis pris det indregnes i."))
@click.option("--amount", type=CARRY, metavar=_("50%|1234.56"), help=_("Ellers det hele."))
@click.option("--author", metavar=_("NAVN"), help=_("Hvem der har besluttet det; ellers den, der udfører det."))
@click.option("--approver", metavar=_("NAVN"), help=_("Hvem der har godkendt det; ellers den samme."))
def release(
    door: Door,
    code: str,
    year: int,
    into: int,
    amount: CarryOver | None,
    author: str | None,
    approver: str | None,
) -> None:
    """Frigiv et overført resultat fra ÅR til et senere års pris."""
    who = readable_name(author or door.settings.actor)
    with door.database.transaction() as connection:
        moved = settlements.release(
            connection,
            code,
            year,
            into,
            door.occasion,
            amount=amount or CarryOver(percent=Decimal(100)),
            author=who,
            approver=readable_name(approver or who),
        )
    released = sum(movement.amount_oere for movement in moved if movement.application_year is not None)
    answer = {
        "agreement": code,
        "year": year,
        "application_year": into,
        "released_oere": released,
        "parts": [
            {
                "municipality": movement.municipality,
                "provider": movement.source.provider,
                "released_oere": movement.amount_oere,
            }
            for movement in moved
            if movement.application_year is not None
        ],
    }

    def people(out: Console) -> None:
        out.print(
            _("{amount} fra {year} indregnes i prisen for {into}. Beregn prisen igen.").format(
                amount=kroner(released),
                year=year,
                into=into,
            ),
        )

    door.tell(answer, people)


@command(settlement_group, "exit")
@click.argument("code", metavar=_("KODE"))
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option(
    "--net-assets",
    "net_assets",
    type=AMOUNT,
    metavar=_("BELØB"),
    help=_("Nettoformuen efter regnskabet, hvor aftalen giver en andel af den; negativ ved gæld."),
)
@click.option("--evidence", default="", metavar=_("TEKST"), help=_("Hvor nettoformuen står, fx regnskabets side."))
@click.option("--preview", is_flag=True, help=_("Beregn uden at udstede."))
def exit_(door: Door, code: str, municipality: str, net_assets: int | None, evidence: str, preview: bool) -> None:
    """Opgør mellemværendet med en udtrådt kommune: dens andel af resultater, der ikke er indregnet."""
    transaction = door.database.reading() if preview else door.database.transaction()
    with transaction as connection:
        stated = None if net_assets is None else exits.StatedNetAssets(net_assets, evidence)
        value = exits.settle_exit(connection, code, municipality, door.occasion, net_assets=stated, preview=preview)
        missing = exits.missing_of(connection, value, door.occasion) if preview else {}
    door.tell(answers.exit_settlement(value), lambda out: _show_exit(out, value))
    note_missing(door, missing)


def _show_exit(out: Console, value: ExitSettlement) -> None:
    name = name_of(value.municipality)
    if not value.lines and not value.share_oere:
        out.print(_("{name} har intet til gode og skylder intet.").format(name=name))
        return
    rows = [
        (str(line.accounting_year), name_of(line.provider), line.passed_on_oere, line.carried_oere, line.settled_oere)
        for line in value.lines
    ]
    heading = [_("År"), _("Leverandør"), _("Ikke indregnet kr."), _("Overført kr."), _("Opgøres kr.")]
    if value.net_assets is not None:
        rows.append(
            (
                str(value.left_on.year),
                _("Andel af nettoformuen {amount}").format(amount=kroner(value.net_assets.net_assets_oere)),
                0,
                0,
                value.net_assets.share_oere,
            )
        )
    out.print(table(name, heading, rows, total=("", _("I alt"), "", "", -value.amount_oere)))
    if value.number:
        state = _("Opgjort i forvejen ved") if value.already_settled else _("Opgjort ved")
        out.print(f"{state} {value.number}: {kroner(value.amount_oere)}")


@command(settlement_group, "providers")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def providers(door: Door, code: str, year: int) -> None:
    """Vis mellemregningen mellem ydelsesleverandørerne for et år."""
    with door.database.reading() as connection:
        value = clearing.provider_clearing(connection, code, year)
    door.tell(answers.clearing(code, year, value), lambda out: _show_clearing(out, value))


@command(settlement_group, "clear")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def clear(door: Door, code: str, year: int) -> None:
    """Bogfør udligningen mellem ydelsesleverandørerne for et år."""
    with door.database.transaction() as connection:
        before = clearing.clear_providers(connection, code, year, door.occasion)
        value = clearing.provider_clearing(connection, code, year)
    answer = {
        **answers.clearing(code, year, value),
        "transfers": [
            {"municipality": provider.municipality, "amount_oere": provider.outstanding_oere}
            for provider in before
            if provider.outstanding_oere
        ],
    }
    door.tell(answer, lambda out: _show_clearing(out, value))


def _show_clearing(out: Console, value: tuple[ProviderClearing, ...]) -> None:
    if not value:
        out.print(_("Der er intet mellem ydelsesleverandørerne for det år."))
        return
    rows = [
        (
            name_of(provider.municipality),
            provider.entitled_oere,
            provider.collected_oere,
            provider.cleared_oere,
            provider.outstanding_oere,
        )
        for provider in value
    ]
    heading = [
        _("Ydelsesleverandør"),
        _("Berettiget til kr."),
        _("Opkrævet kr."),
        _("Udlignet kr."),
        _("Til gode kr."),
    ]
    out.print(table("", heading, rows))


def _plan_words() -> dict[PlanState, str]:
    return {
        PlanState.PLANNED: _("venter på godkendelse"),
        PlanState.APPROVED: _("godkendt"),
        PlanState.ISSUED: _("udstedt"),
        PlanState.STOPPED: _("stoppet"),
    }


def _show_plan(out: Console, plan: TrueUpPlan) -> None:
    eyes = _("to personer kræves") if plan.four_eyes else _("én person er nok")
    out.print(
        _("Plan {number}: efterregulering af {year} for {agreement}, lavet af {who}: {state}; {eyes}.").format(
            number=plan.number,
            year=plan.year,
            agreement=plan.agreement,
            who=plan.planned_by,
            state=_plan_words()[plan.state],
            eyes=eyes,
        )
    )
    rows = [
        (str(document["municipality"]), name_of(str(document["municipality"])), int(str(document["amount_oere"])))
        for document in plan.documents
    ]
    heading = [_("Kode"), _("Kommune"), _("Beløb kr.")]
    out.print(table("", heading, rows, total=("", _("I alt"), plan.total_oere)))


@command(settlement_group, "true-up")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def true_up(door: Door, code: str, year: int) -> None:
    """Planlæg efterreguleringen af et afsluttet første regnskabsår, hvor aftalen siger det (true_up)."""
    with door.database.transaction() as connection:
        plan = true_ups.plan_true_up(connection, code, year, door.occasion)
        missing = true_ups.missing_of(connection, plan, door.occasion)
    door.tell(answers.true_up_plan(plan), lambda out: _show_plan(out, plan))
    note_missing(door, missing)


PLAN = click.argument("number", type=NUMBER, metavar=_("PLAN"))


@command(settlement_group, "true-up-show")
@PLAN
def show_true_up(door: Door, number: int) -> None:
    """Vis en plan for en efterregulering."""
    with door.database.reading() as connection:
        plan = true_ups.get_plan(connection, number)
    door.tell(answers.true_up_plan(plan), lambda out: _show_plan(out, plan))


@command(settlement_group, "true-up-approve")
@PLAN
@click.option("--by", "who", metavar=_("NAVN"), help=_("Hvem der godkender; ellers den, der udfører det."))
def approve_true_up(door: Door, number: int, who: str | None) -> None:
    """Godkend en plan; kræver udstederen to personer, kan det ikke være den, der lavede den."""
    with door.database.transaction() as connection:
        plan = true_ups.approve_plan(connection, number, door.occasion_of(who))
    door.tell(answers.true_up_plan(plan), lambda out: _show_plan(out, plan))


@command(settlement_group, "true-up-stop")
@PLAN
def stop_true_up(door: Door, number: int) -> None:
    """Opgiv en plan; det, den dækkede, er lige så forfaldent som før."""
    with door.database.transaction() as connection:
        plan = true_ups.stop_plan(connection, number, door.occasion)
    door.tell(answers.true_up_plan(plan), lambda out: _show_plan(out, plan))


@command(settlement_group, "true-up-issue")
@PLAN
def issue_true_up(door: Door, number: int) -> None:
    """Udsted en godkendt plans bilag, hvis alt, den hviler på, er uændret."""
    with door.database.transaction() as connection:
        done = true_ups.issue_plan(connection, number, door.occasion)
    answer = {
        **answers.true_up_plan(done.plan),
        "issued": [
            {
                "municipality": document.subscriber.municipality,
                "number": document.number,
                "amount_oere": document.amount_oere,
            }
            for document in done.issued
        ],
    }

    def people(out: Console) -> None:
        rows = [(document.number, document.subscriber.name, document.amount_oere) for document in done.issued]
        out.print(table(_("Udstedt"), [_("Bilag"), _("Kommune"), _("Beløb kr.")], rows))

    door.tell(answer, people)
