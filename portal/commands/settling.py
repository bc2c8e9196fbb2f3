"""The commands on a year's end: accounts, settlement."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from billing.year_end_settlement import run as settlements
from billing.year_end_settlement.facts import (
    NOTHING_CARRIED,
    CarryOver,
    ExitSettlement,
    ProviderClearing,
    YearSettlement,
)
from foundation.money import NotAnAmount, kroner, oere_from_danish_text, oere_from_text
from portal.commands import answers
from portal.commands.agreed import show_lines
from portal.commands.door import FILE, MUNICIPALITY, YEAR, Door, command, name_of, new_group, read_file, table
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
    """Afslut et regnskabsår: resultat, hver kommunes andel, hvad der indregnes og overføres (§ 6 stk. 3 og 6)."""
    who = author or door.settings.actor
    transaction = door.database.reading() if preview else door.database.transaction()
    with transaction as connection:
        value = settlements.close(
            connection,
            code,
            year,
            door.occasion,
            carry=carry or NOTHING_CARRIED,
            author=who,
            approver=approver or who,
            preview=preview,
        )
    door.tell(answers.settlement(value), lambda out: show_settlement(out, value))


def show_settlement(out: Console, value: YearSettlement) -> None:
    """A closed year for people."""
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
        _("Indregnes i {year}").format(year=value.application_year) + " kr.",
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


@command(settlement_group, "show")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def show(door: Door, code: str, year: int) -> None:
    """Vis et afsluttet års resultat."""
    with door.database.reading() as connection:
        value = settlements.get_settlement(connection, code, year)
    door.tell(answers.settlement(value), lambda out: show_settlement(out, value))


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
    """Frigiv et overført resultat fra ÅR til et senere års pris (§ 6 stk. 6)."""
    who = author or door.settings.actor
    with door.database.transaction() as connection:
        moved = settlements.release(
            connection,
            code,
            year,
            into,
            door.occasion,
            amount=amount or CarryOver(percent=Decimal(100)),
            author=who,
            approver=approver or who,
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
@click.option("--preview", is_flag=True, help=_("Beregn uden at udstede."))
def exit_(door: Door, code: str, municipality: str, preview: bool) -> None:
    """Opgør mellemværendet med en udtrådt kommune: dens andel af resultater, der ikke er indregnet (§ 6 stk. 8)."""
    transaction = door.database.reading() if preview else door.database.transaction()
    with transaction as connection:
        value = settlements.settle_exit(connection, code, municipality, door.occasion, preview=preview)
    door.tell(answers.exit_settlement(value), lambda out: _show_exit(out, value))


def _show_exit(out: Console, value: ExitSettlement) -> None:
    name = name_of(value.municipality)
    if not value.lines:
        out.print(_("{name} har intet til gode og skylder intet.").format(name=name))
        return
    rows = [
        (str(line.accounting_year), name_of(line.provider), line.passed_on_oere, line.carried_oere, line.settled_oere)
        for line in value.lines
    ]
    heading = [_("År"), _("Leverandør"), _("Ikke indregnet kr."), _("Overført kr."), _("Opgøres kr.")]
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
        value = settlements.provider_clearing(connection, code, year)
    door.tell(answers.clearing(code, year, value), lambda out: _show_clearing(out, value))


@command(settlement_group, "clear")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def clear(door: Door, code: str, year: int) -> None:
    """Bogfør udligningen mellem ydelsesleverandørerne for et år."""
    with door.database.transaction() as connection:
        before = settlements.clear_providers(connection, code, year, door.occasion)
        value = settlements.provider_clearing(connection, code, year)
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
