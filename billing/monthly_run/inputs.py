"""All that a run's plan rests on, by the names under which a change of it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import Agreement, AllocationKey, MunicipalityCode
from agreements.membership import Memberships
from agreements.municipality import municipality
from billing.accounts import store as books
from billing.annual_subscription import store as subscription_store
from billing.monthly_aconto.facts import MonthPlan
from billing.monthly_run.facts import IssuerSettings
from billing.monthly_run.rules import digest
from foundation.period import BillingYear


def inputs_of(
    connection: Connection,
    versions: Mapping[str, tuple[int, Agreement]],
    planned: Sequence[MonthPlan],
    settings: Mapping[MunicipalityCode, IssuerSettings],
    memberships: Memberships,
) -> dict[str, str]:
    """All that the months' plans rest on.

    Args:
        connection: Where to read.
        versions: Code -> version and agreement.
        planned: The months.
        settings: By issuer.
        memberships: Who takes part.

    Returns:
        Name -> what it is now, told apart by a text. What only some agreements have, such as earlier results and the
        figures of age bands, stands there where it is.
    """
    if not planned:
        return {}
    codes, years = {plan.agreement for plan in planned}, {plan.month.year for plan in planned}
    budgets = agreement_store.budgets_of(connection, codes, years)
    prices = subscription_store.latest_versions(connection, codes, years | {year - 1 for year in years})
    on_days = {versions[plan.agreement][1].terms.allocation.reference_date.of_year(plan.month.year) for plan in planned}
    counted = {
        on: {
            who: f"{who}:{revision}:{figure.inhabitants}"
            for (who, of_day), (revision, figure) in agreement_store.population(connection, on).items()
            if of_day == on
        }
        for on in on_days
    }
    results = books.results_due(connection, codes, years | {year - 1 for year in years})
    bands = _AgeBands(connection)
    inputs: dict[str, str] = {}
    for plan in planned:
        code, year = plan.agreement, plan.month.year
        version, agreement = versions[code]
        inputs[f"hvad der er faktureret for {plan.month} i {code}"] = " ".join(
            document.number for document in plan.already_issued
        )
        if f"budgettet for {year} i {code}" in inputs:
            continue
        on = agreement.terms.allocation.reference_date.of_year(year)
        days = memberships.days(agreement, year)
        inputs[f"vilkårene i {code}"] = f"{version}"
        inputs[f"budgettet for {year} i {code}"] = digest(
            [
                [line.key.provider, line.key.service, line.key.kind.value, line.key.line, line.amount_oere]
                for line in budgets.get((code, year), ())
            ],
        )
        inputs[f"prisen for {year} i {code}"] = f"{prices.get((code, year - 1), 0)} {prices.get((code, year), 0)}"
        whole = BillingYear(year).period
        same = next((own for own in days.values() if own == whole), whole)  # mostly one value for all
        inputs[f"deltagerne i {year} i {code}"] = " ".join(
            [who if own is same or own == whole else f"{who}:{own.from_day}:{own.to_day}" for who, own in days.items()]
        )
        inputs[f"indbyggertallene pr. {on:%d.%m.%Y}, {code}"] = " ".join(
            [counted[on][who] for who in days if who in counted[on]]
        )
        due = [results[code, of_year] for of_year in (year - 1, year) if (code, of_year) in results]
        if due:
            inputs[f"de tidligere resultater, der indregnes i {year} i {code}"] = f"{due}"
        for name, figures in bands.of(agreement, year, days):
            inputs[f"{name}, {code}"] = figures
        of_issuer = settings[agreement.issuer]
        inputs[f"indstillingerne for {municipality(agreement.issuer).official_name}"] = (
            f"{of_issuer.four_eyes} {of_issuer.warn_percent}"
        )
    return inputs


class _AgeBands:
    """The figures of age bands, where a key counts one; each band's day is read once for all agreements."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.read: dict[tuple[agreement_store.AgeBand, date], dict[MunicipalityCode, str]] = {}

    def of(self, agreement: Agreement, year: int, members: Iterable[MunicipalityCode]) -> Iterator[tuple[str, str]]:
        """What the year's keys count and on which day, and the members' newest figures."""
        allocation = agreement.terms.allocation
        for terms in dict.fromkeys((allocation.basis, *(key.terms for key in allocation.line_keys))):
            if terms.key is not AllocationKey.AGE_BAND_POPULATION:
                continue
            band, on = (terms.age_from, terms.age_to), terms.band_date(year)
            if (band, on) not in self.read:
                self.read[band, on] = {
                    who: f"{who}:{revision}:{figure.inhabitants}"
                    for (who, _), (revision, figure) in agreement_store.age_bands(self.connection, band, on).items()
                }
            counted = self.read[band, on]
            name = f"tallene for {terms.age_from}-{terms.age_to}-årige pr. {on:%d.%m.%Y}"
            yield name, " ".join(counted[who] for who in members if who in counted)
