"""What newer figures would change for each municipality, shown before anybody decides on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from sqlalchemy import Connection

from billing.annual_subscription.facts import PriceEffect
from portal.commands.door import Door, name_of, table
from portal.language import _


@contextmanager
def taken_back(door: Door) -> Iterator[Connection]:
    """A transaction in which figures are kept only to see what they do; nothing of it stays."""
    with door.database.transaction() as connection:
        trial = connection.begin_nested()
        yield connection
        trial.rollback()


def effects_answer(effects: Sequence[PriceEffect]) -> list[dict[str, Any]]:
    """The effects as programs read them."""
    return [
        {
            "agreement": effect.agreement,
            "year": effect.year,
            "version": effect.version,
            "total_before_oere": effect.total_before_oere,
            "total_after_oere": effect.total_after_oere,
            "municipalities": [
                {
                    "municipality": line.municipality,
                    "population_before": line.population_before,
                    "population_after": line.population_after,
                    "obligation_before_oere": line.obligation_before_oere,
                    "obligation_after_oere": line.obligation_after_oere,
                    "difference_oere": line.obligation_after_oere - line.obligation_before_oere,
                    "next_instalment_before_oere": line.next_before_oere,
                    "next_instalment_after_oere": line.next_after_oere,
                }
                for line in effect.lines
            ],
        }
        for effect in effects
    ]


def show_effects(door: Door, effects: Sequence[PriceEffect], extra: dict[str, Any]) -> None:
    """Tell what would change, and that nothing is kept."""
    door.tell({**extra, "effects": effects_answer(effects), "kept": False}, _people(effects))


def _people(effects: Sequence[PriceEffect]) -> Callable[[Console], None]:
    def people(out: Console) -> None:
        for effect in effects:
            heading = [
                _("Kommune"),
                _("Indbyggere før"),
                _("Nu"),
                _("Årets beløb før kr."),
                _("Årets beløb nu kr."),
                _("Ændring kr."),
                _("Næste rate før kr."),
                _("Næste rate nu kr."),
            ]
            rows = [
                (
                    name_of(line.municipality),
                    line.population_before,
                    line.population_after,
                    line.obligation_before_oere,
                    line.obligation_after_oere,
                    line.obligation_after_oere - line.obligation_before_oere,
                    line.next_before_oere,
                    line.next_after_oere,
                )
                for line in effect.lines
            ]
            change = effect.total_after_oere - effect.total_before_oere
            total = (_("I alt"), "", "", effect.total_before_oere, effect.total_after_oere, change, "", "")
            out.print(table(f"{effect.agreement} {effect.year}", heading, rows, total=total))
        if not effects:
            out.print(_("Ingen beregnet pris ville ændre sig."))
        out.print(_("Intet er gemt. Kør uden --preview for at gemme tallene."))

    return people
