"""On which days a case's payer takes part in the agreement, so that nothing is billed beyond its last one; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agreements.agreement import Agreement, MunicipalityCode
from agreements.membership import MembershipPeriod, Memberships
from agreements.municipality import municipality
from billing.single_case.rules import PayerHasLeft
from foundation.period import Month, Period


@dataclass(frozen=True, slots=True)
class PayersDays:
    """On which days each municipality takes part in an agreement: only these are billed by it."""

    agreement: Agreement
    periods: Sequence[MembershipPeriod]
    members: Memberships

    @classmethod
    def of(cls, agreement: Agreement, periods: Sequence[MembershipPeriod]) -> PayersDays:
        """Of an agreement and everybody's periods in it."""
        return cls(agreement, periods, Memberships({agreement.code: periods}))

    def in_year(self, payer: MunicipalityCode, year: int) -> Period | None:
        """The payer's days of a year, or None."""
        return self.members.days(self.agreement, year).get(payer)

    def within(self, payer: MunicipalityCode, period: Period) -> list[Period]:
        """Those of some days on which a payer takes part, year by year."""
        found = []
        for year in range(period.from_day.year, period.last_day.year + 1):
            own = self.in_year(payer, year)
            if own is not None:
                start, end = max(own.from_day, period.from_day), min(own.to_day, period.to_day)
                found += [Period(start, end)] if start < end else []
        return found

    def in_month(self, payer: MunicipalityCode, month: Month) -> Period | None:
        """The payer's days of a month, or None."""
        return next(iter(self.within(payer, month.period)), None)

    def last_day_before(self, payer: MunicipalityCode, day: date) -> date | None:
        """The payer's last day, where it is before a day on which it takes part no more; else None."""
        ends_on = self.agreement.ends_on or date.max
        last_days = [
            min(period.last_day or date.max, ends_on)
            for period in self.periods
            if period.municipality == payer and period.first_day <= day
        ]
        last_day = max(last_days, default=date.max)
        return last_day if last_day < day else None

    def require(self, payer: MunicipalityCode, day: date, what: str) -> None:
        """Refuse what would begin after the payer's last day.

        Raises:
            PayerHasLeft.
        """
        last_day = self.last_day_before(payer, day)
        if last_day is not None:
            raise self.left(payer, last_day, what)

    def left(self, payer: MunicipalityCode, last_day: date, what: str) -> PayerHasLeft:
        """That a payer has left, as it is told."""
        name = municipality(payer).official_name
        return PayerHasLeft(municipality=name, agreement=self.agreement.code, last_day=last_day, what=what)
