"""The year's price: where it comes from, its versions, its notice, and what each would pay if it were otherwise."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.municipality import MUNICIPALITIES
from billing.annual_subscription import forecast
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as price_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.forecast_rules import Assumptions, YearForecast, explain_change
from foundation.money import kroner
from foundation.period import FIRST_YEAR
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.document_files import TYPES, percent
from portal.finance import pages
from portal.finance.asked import LATEST_YEAR, percent_of, text_of, year_of
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, today, who_may
from portal.parts import Chart, choices, name_of

WIDEST_CHANGE = 25  # per cent that the slider goes to either side
YEARS_AHEAD = 4
YEAR = f"<int(min={FIRST_YEAR}, max={LATEST_YEAR}):year>"


@pages.get("/priser")
@who_may(Deed.READ)
def prices(place: str) -> str:
    """All agreements' years that have a price, and a form to calculate another."""
    agreements = issuers_agreements(connection(), place)
    costs = price_store.latest_costs(connection(), tuple(agreements)) if agreements else {}
    years: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (code, year), cost_oere in sorted(costs.items(), reverse=True):
        years[code].append((year, cost_oere))
    return render_template(
        "finance/prices.html",
        agreements=agreements,
        codes=choices([(code, code) for code in agreements], next(iter(agreements), "")),
        years=years,
        next_year=today().year + 1,
        may_calculate=person().may(Deed.PREPARE, place),
    )


@pages.post("/priser")
@who_may(Deed.PREPARE)
def price_calculate(place: str) -> WebResponse:
    """Calculate a year from the newest figures; a version is kept only where it says something new."""
    code, year = text_of("agreement"), year_of("year", _("År"))
    issuers_agreement(connection(), place, code)
    subscriptions.calculate_year(connection(), code, year, occasion())
    return seen("finance.price", place=place, code=code, year=year)


@pages.get(f"/priser/<code>/{YEAR}")
@who_may(Deed.READ)
def price(place: str, code: str, year: int) -> str:
    """One year's price, from its cost to each one's instalments."""
    agreement = issuers_agreement(connection(), place, code)
    wanted = request.args.get("version", "")
    version = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < len("10000") else None
    value = subscriptions.get_subscription(connection(), code, year, version)
    weights = sum(part.weight for part in value.parts)
    before = price_store.read_subscription(connection(), code, year - 1)
    is_newest = version is None or version == price_store.latest_version(connection(), code, year)
    return render_template(
        "finance/price.html",
        agreement=agreement,
        price=value,
        percents={part.municipality: percent(part.weight, weights) for part in value.parts},
        weights=weights,
        versions=subscriptions.versions_of(connection(), code, year),
        notices=price_store.price_notices(connection(), code, year),
        explained=explain_change(before, value),
        chart=shares_chart(value, before),
        is_newest=is_newest,
        unclosed=subscriptions.unclosed_year(connection(), agreement, year),
        may_reinvoice=person().may(Deed.APPROVE, place) and is_newest,
        may_calculate=person().may(Deed.PREPARE, place) and is_newest,
    )


def shares_chart(value: AnnualSubscription, before: AnnualSubscription | None) -> Chart:
    """What each pays, beside the year before where it has a price."""
    previous = {part.municipality: part.obligation_oere for part in before.parts} if before else {}
    series = (f"{value.year}", f"{value.year - 1}") if before else (f"{value.year}",)
    return Chart(
        title=_("Hvad hver kommune betaler"),
        heading=_("Kommune"),
        series=series,
        rows=tuple(
            (
                name_of(part.municipality),
                (part.obligation_oere, previous.get(part.municipality))[: len(series)],
            )
            for part in value.parts
        ),
    )


@pages.post(f"/priser/<code>/{YEAR}/varsel")
@who_may(Deed.PREPARE)
def price_notice(place: str, code: str, year: int) -> WebResponse:
    """Tell the subscribers the price, and keep that it was told; the same version once."""
    issuers_agreement(connection(), place, code)
    subscriptions.give_price_notice(connection(), code, year, occasion())
    return seen("finance.price", place=place, code=code, year=year)


@pages.get(f"/priser/<code>/{YEAR}/fil.xlsx")
@who_may(Deed.READ)
def price_file(place: str, code: str, year: int) -> WebResponse:
    """The calculation as a workbook."""
    from exports.excel import run as workbooks  # noqa: PLC0415 - slow to import, and only here

    issuers_agreement(connection(), place, code)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_calculation(connection(), code, year, Path(folder))
        return download(path.read_bytes(), path.name, TYPES["xlsx"])


@pages.get(f"/priser/<code>/{YEAR}/hvad-nu-hvis")
@who_may(Deed.READ)
def what_if(place: str, code: str, year: int) -> str:
    """What each would pay if the cost changed, somebody left or joined; nothing is kept."""
    agreement = issuers_agreement(connection(), place, code)
    change = percent_of("cost", _("Udgiften"), -WIDEST_CHANGE, WIDEST_CHANGE) if text_of("cost") else Decimal(0)
    ahead = min(YEARS_AHEAD, int(percent_of("ahead", _("År frem"), 0, YEARS_AHEAD))) if text_of("ahead") else 0
    known = agreement_store.members_of(connection(), [code]).get(code, ())
    taking_part = {each.municipality for each in known if each.from_year <= year <= (each.to_year or year)}
    without = frozenset(request.args.getlist("without")) & taking_part
    joining = frozenset([text_of("joining")]) & (frozenset(MUNICIPALITIES) - taking_part)
    now = forecast.forecast_years(connection(), code, year, Assumptions(), year + ahead)[-1]
    then = forecast.forecast_years(
        connection(), code, year, Assumptions(cost_percent=change, without=without, joining=joining), year + ahead
    )[-1]
    template = "finance/what_if_answer.html" if request.headers.get("HX-Request") else "finance/what_if.html"
    return render_template(
        template,
        agreement=agreement,
        year=year,
        target=year + ahead,
        change=change,
        ahead=ahead,
        most_ahead=YEARS_AHEAD,
        widest=WIDEST_CHANGE,
        members=sorted(taking_part),
        without=without,
        joining=choices(
            [
                ("", _("ingen")),
                *((one, each.name) for one, each in sorted(MUNICIPALITIES.items()) if one not in taking_part),
            ],
            next(iter(joining), ""),
        ),
        now=now,
        then=then,
        chart=what_if_chart(now, then),
        words=change_words(change),
        address=url_for("finance.what_if", place=place, code=code, year=year),
    )


def change_words(change: Decimal) -> str:
    """The slider's place in words."""
    if not change:
        return _("uændret udgift")
    sign = "+" if change > 0 else "-"
    return _("{sign}{percent} % på udgiften").format(
        sign=sign, percent=f"{abs(change.normalize()):f}".replace(".", ",")
    )


def what_if_chart(now: YearForecast, then: YearForecast) -> Chart:
    """What each pays as it looks now, and what it would pay."""
    known = {part.municipality: part.obligation_oere for part in now.price.parts}
    would = {part.municipality: part.obligation_oere for part in then.price.parts}
    return Chart(
        title=_("Hvad hver kommune ville betale i {year}: {total} i alt").format(
            year=then.price.year, total=kroner(then.price.total_oere)
        ),
        heading=_("Kommune"),
        series=(_("Hvad nu hvis"), _("Som det ser ud nu")),
        rows=tuple((name_of(code), (would.get(code), known.get(code))) for code in sorted({*known, *would})),
    )
