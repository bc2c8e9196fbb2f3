"""Crediting and billing anew the months of a year whose bills its newest price no longer agrees with."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from werkzeug.wrappers import Response as WebResponse

from billing.monthly_aconto import run as months
from foundation.audit import Occasion
from foundation.database import Database
from foundation.money import kroner
from portal.access.scope import Deed, issuers_agreement
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import one_of
from portal.finance.prices import YEAR
from portal.language import _
from portal.pages import connection, occasion, who_may


@pages.post(f"/priser/<code>/{YEAR}/omfakturer")
@who_may(Deed.APPROVE)
def price_reinvoice(place: str, code: str, year: int) -> WebResponse:
    """Begin to do it, or to see what it would come to; by an approver, since bills leave at once."""
    issuers_agreement(connection(), place, code)
    wanted = one_of("what", _("Hvad"), {"preview": _("se på det"), "keep": _("gør det")})
    return work.begin(
        place,
        _("Fakturerer {agreement} {year} om").format(agreement=code, year=year)
        if wanted == "keep"
        else _("Ser, hvad der faktureres om af {agreement} {year}").format(agreement=code, year=year),
        url_for("finance.price", place=place, code=code, year=year),
        Reinvoicing(code, year, occasion(), only_looked_at=wanted == "preview"),
    )


@dataclass(frozen=True, slots=True)
class Reinvoicing:
    """The work itself."""

    code: str
    year: int
    occasion: Occasion
    only_looked_at: bool

    def __call__(self, database: Database, told: Told) -> Outcome:
        """All of it or nothing; nothing stays of what is only looked at."""
        told(0, 2, _("sammenligner bilagene med prisen"))
        with database.transaction() as own:
            trial = own.begin_nested()
            pairs = months.reinvoice_year(own, self.code, self.year, self.occasion)
            if self.only_looked_at:
                trial.rollback()
        if not pairs:
            return Outcome(_("Alt faktureret stemmer med prisen; der er intet at rette."))
        difference = sum(document.amount_oere + credit.amount_oere for credit, document in pairs)
        said = (
            _("{count} bilag ville blive krediteret og faktureret om; forskellen er i alt {amount} Intet er gemt.")
            if self.only_looked_at
            else _("{count} bilag er krediteret og faktureret om; forskellen er i alt {amount}")
        )
        return Outcome(said.format(count=len(pairs), amount=kroner(difference)))
