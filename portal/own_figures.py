"""What one municipality may see of prices, statements and deadlines; for its pages and for its programs.

The whole where the agreement shows it to all its parties, and of the rest the municipality's own part alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.deadlines import Deadline, deadlines_of_year
from agreements.membership import Memberships, YearNotAgreed, is_member
from billing.annual_subscription import forecast
from billing.annual_subscription import store as prices
from billing.annual_subscription.facts import AnnualSubscription, SubscriptionPart
from billing.annual_subscription.forecast_rules import Assumptions, Basis, ChangeExplained, explain_change
from billing.usage_statement import store as usage_store
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.store import ReleaseHead
from foundation.errors import MellemregningError
from portal import document_files
from portal.document_files import Explained
from portal.language import _
from portal.parts import name_of


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A year's price as one municipality may see it: the whole cost, and its own part of it.

    Attributes:
        change: Why it differs from the year before; None where that has no price.
        told_on: When this version was told (§ 6 stk. 4); None where it was not.
    """

    price: AnnualSubscription
    part: SubscriptionPart
    said: Explained
    change: ChangeExplained | None
    told_on: date | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a coming year may cost one municipality; kept nowhere."""

    year: int
    obligation_oere: int
    share_oere: int
    passed_on_oere: int
    change: ChangeExplained | None
    provisos: tuple[str, ...]


def own_price(
    opened: Connection, previous: AnnualSubscription | None, price: AnnualSubscription, who: str
) -> OwnPrice | None:
    """What of a price is the municipality's own; None where it takes no part in the year."""
    part, said = price.part_of(who), document_files.share_of(price, who)
    if part is None or said is None:
        return None
    told = dict(prices.price_notices(opened, price.agreement, price.year))
    change = explain_change(previous, price).get(who) if previous is not None else None
    return OwnPrice(price, part, said, change, told.get(price.version))


def estimate(opened: Connection, code: str, who: str, year: int) -> Estimate | None:
    """What a coming year would cost with what is known today; None where nothing can be said."""
    try:
        (found,) = forecast.forecast_years(opened, code, year, Assumptions())
    except MellemregningError:
        return None  # no budget, no figures, or the agreement ends: the page says that there is none yet
    part = found.price.part_of(who)
    if part is None:
        return None
    return Estimate(
        year=year,
        obligation_oere=part.obligation_oere,
        share_oere=part.share_oere,
        passed_on_oere=part.passed_on_oere,
        change=found.explained.get(who),
        provisos=tuple(provisos(year, found.basis)),
    )


def provisos(year: int, basis: Basis) -> Iterator[str]:
    """What an estimate rests on that is not the year's own yet."""
    if basis.budget_year != year:
        yield _("Der er ikke et budget for {year} endnu; der er regnet med budgettet for {other}.").format(
            year=year, other=basis.budget_year
        )
    if basis.population_missing:
        yield _("Folketallet pr. {on} er ikke kommet endnu; der er regnet med tallet pr. {other}.").format(
            on=f"{basis.reference_date:%d.%m.%Y}", other=f"{basis.population_date:%d.%m.%Y}"
        )
    if basis.unclosed is not None:
        yield _("Regnskabet for {year} er ikke afsluttet, så dets resultat er ikke med.").format(year=basis.unclosed)


def own_statements(opened: Connection, place: str) -> list[ReleaseHead]:
    """The newest edition of every usage statement that the municipality gets: of the years in which it takes part."""
    codes = agreement_store.agreements_with_member(opened, place)
    if not codes:
        return []
    periods = agreement_store.members_of(opened, codes)
    return [
        head
        for head in usage_store.newest_releases(opened, codes)
        if is_member(periods.get(head.agreement, ()), place, head.period.year)
    ]


def address_of(period: UsagePeriod) -> str:
    """A period as it stands in an address."""
    return str(period).replace("/", "_")


def statement_file(  # noqa: PLR0913, PLR0917 - whose, of what, in which form
    opened: Connection, code: str, period: UsagePeriod, who: str, kind: str, edition: int | None = None
) -> tuple[str, bytes]:
    """(name, content) of a municipality's own usage statement.

    Raises:
        UsageNotReleased, NoStatementForMunicipality.
    """
    from exports.excel import usage as workbooks  # noqa: PLC0415 - slow to import, and only here
    from exports.pdf import usage as usage_pages  # noqa: PLC0415 - as above

    if not is_member(agreement_store.members(opened, code), who, period.year):
        raise workbooks.NoStatementForMunicipality(agreement=code, municipality=name_of(who), year=period.year)
    with tempfile.TemporaryDirectory() as folder:
        write = usage_pages.write_usage_pages if kind == "pdf" else workbooks.write_usage_workbooks
        (path,) = write(opened, code, period, Path(folder), edition, who)
        return path.name, path.read_bytes()


@dataclass(frozen=True, slots=True)
class OwnDeadline:
    """A day by which something has to be done in an agreement, whoever does it."""

    agreement: Agreement
    year: int
    deadline: Deadline


def own_deadlines(
    opened: Connection, agreed: Mapping[str, Agreement], who: str | None, first: date, last: date
) -> list[OwnDeadline]:
    """The deadlines from one day to another, by day; one query.

    They are the agreement's own, the same for all its parties; where they stand is the issuer's matter.

    Args:
        opened: Where to read.
        agreed: Code -> agreement.
        who: Only of the years in which this municipality takes part; None for all in which anybody does.
        first: The first day.
        last: The last day, itself included.
    """
    if not agreed:
        return []
    members = Memberships(agreement_store.members_of(opened, sorted(agreed)))
    found = []
    for code, each in agreed.items():
        for year in range(first.year - 1, last.year + 2):
            there = members.in_year(code, year)
            if not there or (who is not None and who not in there):
                continue
            try:
                deadlines = deadlines_of_year(each, year)
            except YearNotAgreed:
                continue
            found += [OwnDeadline(each, year, one) for one in deadlines if first <= one.due_on <= last]
    return sorted(found, key=lambda one: (one.deadline.due_on, one.agreement.code, one.year))
