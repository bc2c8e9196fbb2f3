"""The command that says what a year would cost, and the words that explain why a price changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import click
from rich.console import Console

from agreements.municipality import danish_order
from billing.annual_subscription import forecast as forecasts
from billing.annual_subscription.facts import Portion
from billing.annual_subscription.forecast_rules import Assumptions, Basis, ChangeExplained, YearForecast
from foundation.money import NotAnAmount, kroner, oere_from_danish_text, oere_from_text
from foundation.period import BillingYear, NotAPeriod
from portal.commands import answers
from portal.commands.answers import Answer
from portal.commands.door import MUNICIPALITY, YEAR, Door, command, name_of, new_group, table
from portal.language import _

_PERCENT = re.compile(r"([+-]?\d{1,4}(?:[.,]\d{1,6})?) ?%", re.ASCII)
_ALL_OF_IT = Decimal(-100)

# Its command stands beside the groups, directly under ``mellemregning``.
_under_root = new_group("root")


def _oere(text: str) -> int:
    """An amount with or without a sign, as files hold it or as a person types it.

    Raises:
        NotAnAmount: it is neither.
    """
    unsigned = text.strip().removeprefix("+")
    if unsigned != text.strip() and unsigned.startswith("-"):
        raise NotAnAmount
    try:
        return oere_from_text(unsigned)
    except NotAnAmount:
        return oere_from_danish_text(unsigned)


class CostChangeType(click.ParamType[Decimal | int]):
    """A percentage, +3% (a Decimal), or an amount in kroner, -250000.00 (øre)."""

    name = "ændring"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal | int:  # noqa: ANN401
        """Read the change."""
        if isinstance(value, Decimal | int):
            return value
        percent = _PERCENT.fullmatch(str(value).strip())
        try:
            if percent is None:
                return _oere(str(value))
        except NotAnAmount:
            self.fail(
                _("«{text}» er ingen ændring. Skriv en procent som +3% eller et beløb i kroner som -250000.00.").format(
                    text=value,
                ),
                param,
                ctx,
            )
        read = Decimal(percent[1].replace(",", "."))
        if read < _ALL_OF_IT:
            self.fail(_("Udgiften kan højst falde med 100 %, ikke «{text}».").format(text=value), param, ctx)
        return read


class StepType(click.ParamType[tuple[int, int]]):
    """A year and the amount that the cost changes by from then on, 2026=-13400000."""

    name = "trin"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:  # noqa: ANN401
        """Read (year, øre)."""
        if isinstance(value, tuple):
            return value
        year, _equals, amount = str(value).partition("=")
        try:
            return BillingYear(int(year)).year, _oere(amount)
        except (ValueError, NotAPeriod, NotAnAmount):
            self.fail(
                _("«{text}» er intet trin. Skriv år og beløb i kroner som 2026=-13400000.").format(text=value),
                param,
                ctx,
            )


@command(_under_root, "forecast")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option(
    "--cost",
    type=CostChangeType(),
    metavar=_("±PROCENT%|±BELØB"),
    help=_("Hvad nu hvis udgiften ændres: +3%, -1.5%, 250000.00 eller -13400000 kroner."),
)
@click.option(
    "--without",
    multiple=True,
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Hvad nu hvis en deltager ikke er med; kan gentages."),
)
@click.option(
    "--with",
    "joining",
    multiple=True,
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Hvad nu hvis en kommune mere er med; kan gentages."),
)
@click.option(
    "--step",
    "steps",
    type=StepType(),
    multiple=True,
    metavar=_("ÅR=±BELØB"),
    help=_("Udgiften ændres fra et år og frem, til næste trin afløser det; kan gentages."),
)
@click.option("--until", type=YEAR, metavar=_("ÅR"), help=_("Sidste år; ellers det sidste trins eller det første år."))
def forecast(
    door: Door,
    code: str,
    year: int,
    cost: Decimal | int | None,
    without: tuple[str, ...],
    joining: tuple[str, ...],
    steps: tuple[tuple[int, int], ...],
    until: int | None,
) -> None:
    """Vis, hvad hver kommune skulle betale for et år, og hvorfor prisen ændrer sig. Intet gemmes."""
    if len(dict(steps)) != len(steps):
        raise click.UsageError(_("Angiv kun ét trin (--step) for hvert år."))
    assumptions = Assumptions(
        cost_percent=cost if isinstance(cost, Decimal) else None,
        cost_oere=cost if isinstance(cost, int) else None,
        steps=dict(sorted(steps)),
        without=frozenset(without),
        joining=frozenset(joining),
    )
    with door.database.reading() as connection:
        found = forecasts.forecast_years(connection, code, year, assumptions, until)

    def people(out: Console) -> None:
        if without:
            out.print(_("Antagelse: uden {names}.").format(names=_names(without)))
        if joining:
            out.print(_("Antagelse: også med {names}.").format(names=_names(joining)))
        for one in found:
            _show(out, one)
        out.print(_("Prognose; intet er gemt."))

    door.tell({"agreement": code, "years": [_answer(one) for one in found]}, people)


def _answer(value: YearForecast) -> Answer:
    price, before = value.price, value.previous
    counts = any(part.counted is not None for part in price.parts)
    parts = []
    for part in price.parts:
        change = value.explained.get(part.municipality)
        parts.append(
            {
                "municipality": part.municipality,
                "population": part.counted,
                "share_oere": part.share_oere,
                "passed_on_oere": part.passed_on_oere,
                "obligation_oere": part.obligation_oere,
                "instalment_oere": part.instalments[0].amount_oere,
                "previous_obligation_oere": None if before is None else before.get(part.municipality),
                "change_oere": None if before is None else part.obligation_oere - before.get(part.municipality, 0),
                "explained_oere": explained_answer(change),
            },
        )
    return {
        "year": price.year,
        "basis": {
            "budget_year": value.basis.budget_year,
            "population_date": value.basis.population_date.isoformat() if counts else None,
            "provisional": list(_provisional(price.year, value.basis)),
            "cost_lines": [answers.cost_line(line) for line in price.cost_lines],
        },
        "cost_oere": price.cost_oere,
        "passed_on_oere": price.passed_on_oere,
        "total_oere": price.total_oere,
        "keys": [_key_answer(portion) for portion in price.division.portions] if price.division else [],
        "parts": parts,
    }


def _key_answer(portion: Portion) -> Answer:
    """What a key divides over some days of the year, and each payer's share of it."""
    return {
        "name": portion.name,
        "key": portion.terms.key.value,
        "from": portion.days.from_day.isoformat(),
        "to": portion.days.last_day.isoformat(),
        "cost_oere": portion.cost_oere,
        "lines": [{"provider": line.provider, "service": line.service, "line": line.line} for line in portion.lines],
        "shares": [
            {"municipality": share.municipality, "figure": share.figure.inhabitants, "share_oere": share.share_oere}
            for share in portion.shares
        ],
    }


def explained_answer(change: ChangeExplained | None) -> Answer | None:
    """The four parts of a change, which sum to it; None where there is no price to compare with."""
    if change is None:
        return None
    return {
        "cost": change.cost_oere,
        "population": change.population_oere,
        "members": change.members_oere,
        "results": change.results_oere,
    }


def explained_sentence(change: ChangeExplained | None) -> str | None:
    """A change as a municipality is told it; None where there is no price to compare with."""
    if change is None:
        return None
    amount = kroner(abs(change.change_oere))
    if change.previous_oere is None:
        sentence = _("Kommunen deltog ikke året før: {parts}.")
    elif change.change_oere > 0:
        sentence = _("Prisen stiger {amount}: {parts}.")
    elif change.change_oere < 0:
        sentence = _("Prisen falder {amount}: {parts}.")
    else:
        sentence = _("Prisen er uændret: {parts}.")
    parts = _("udgiften {cost}, indbyggertal {population}, deltagere {members}, tidligere års resultat {results}")
    return sentence.format(
        amount=amount,
        parts=parts.format(
            cost=_signed(change.cost_oere),
            population=_signed(change.population_oere),
            members=_signed(change.members_oere),
            # A sentence ends with a point of its own.
            results=_signed(change.results_oere).removesuffix("."),
        ),
    )


def not_explained(year: int) -> str:
    """What is said where a price by several keys or for pieces of a year is compared with the year before's."""
    return _(
        "Ændringen fra {year} deles ikke op i udgift, indbyggertal og deltagere: prisen er fordelt efter flere nøgler "
        "eller efter stykker af året. Fordelingen står i regnearket Beregning."
    ).format(year=year - 1)


def _signed(amount_oere: int) -> str:
    return f"+{kroner(amount_oere)}" if amount_oere > 0 else kroner(amount_oere)


def _names(codes: Sequence[str]) -> str:
    return ", ".join(sorted(map(name_of, codes), key=danish_order))


def _provisional(year: int, basis: Basis) -> Iterator[str]:
    """What of a forecast's basis is not the year's own yet, one sentence each."""
    if basis.budget_year != year:
        yield _("Der er intet budget for {year}; der er regnet med budgettet for {other}.").format(
            year=year,
            other=basis.budget_year,
        )
    if basis.without_budget:
        yield _("Budgettet for {year} har ingen linjer fra {names}.").format(
            year=basis.budget_year,
            names=_names(basis.without_budget),
        )
    if basis.population_missing:
        yield _("Folketallet pr. {on} mangler for {names}; der er regnet med folketallet pr. {other} for alle.").format(
            on=f"{basis.reference_date:%d.%m.%Y}",
            names=_names(basis.population_missing),
            other=f"{basis.population_date:%d.%m.%Y}",
        )
    if basis.unclosed is not None:
        yield _("Resultatet af {year} er ikke afsluttet og indgår ikke.").format(year=basis.unclosed)
    if basis.is_closed:
        yield _("{year} er afsluttet, så prognosen er kun et regneeksempel.").format(year=year)
    elif basis.is_invoiced:
        yield _("Måneder i {year} er allerede faktureret; raten er vist, som om ingen var.").format(year=year)


def _show(out: Console, value: YearForecast) -> None:
    price = value.price
    by = _("efter aftalens nøgler") if price.division else _("efter indbyggertal pr. {on}")
    out.print(
        _("{agreement} {year}: der fordeles {cost} {by}; tidligere års resultat: {passed_on}").format(
            agreement=price.agreement,
            year=price.year,
            cost=kroner(price.cost_oere),
            by=by.format(on=f"{price.reference_date:%d.%m.%Y}"),
            passed_on=kroner(price.passed_on_oere),
        ),
    )
    for line in price.cost_lines:
        if not line.key.provider:
            out.print(f"  {line.note}: {_signed(line.amount_oere)}")
    for sentence in _provisional(price.year, value.basis):
        out.print(_("  Foreløbigt: {sentence}").format(sentence=sentence))
    counts = any(part.counted is not None for part in price.parts)
    rows = [
        (
            part.municipality,
            name_of(part.municipality),
            *((part.counted or 0,) if counts else ()),
            part.share_oere,
            part.passed_on_oere,
            part.obligation_oere,
            part.instalments[0].amount_oere,
        )
        for part in price.parts
    ]
    heading = [
        _("Kode"),
        _("Kommune"),
        *([_("Indbyggere")] if counts else []),
        _("Andel kr."),
        _("Indregnet kr."),
        _("Forpligtelse kr."),
        _("Rate kr."),
    ]
    out.print(table("", heading, rows, total=("", _("I alt"), *_sums(row[2:] for row in rows))))
    if value.explained:
        _show_changes(out, value)
    elif price.division:
        out.print(not_explained(price.year))


def _show_changes(out: Console, value: YearForecast) -> None:
    """Also those who have left, so that what the others take over from them is seen."""
    rows = [
        (
            code,
            name_of(code),
            change.previous_oere or 0,
            change.change_oere,
            change.cost_oere,
            change.population_oere,
            change.members_oere,
            change.results_oere,
        )
        for code, change in value.explained.items()
    ]
    heading = [
        _("Kode"),
        _("Kommune"),
        _("Året før kr."),
        _("Ændring kr."),
        _("Udgiften kr."),
        _("Indbyggertal kr."),
        _("Deltagere kr."),
        _("Resultat kr."),
    ]
    title = _("Hvorfor prisen ændrer sig")
    out.print(table(title, heading, rows, total=("", _("I alt"), *_sums(row[2:] for row in rows))))


def _sums(rows: Iterable[Sequence[int]]) -> Iterator[int]:
    return map(sum, zip(*rows, strict=True))
