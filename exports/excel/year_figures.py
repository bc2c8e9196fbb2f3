"""What each step of a year's calculation comes to, in whole numbers: the values that the formulas are written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agreements.agreement import Agreement, MunicipalityCode
from billing.annual_subscription.facts import AnnualSubscription, Correction, Instalment, SubscriptionPart
from exports.excel.sheet_draft import Column
from exports.excel.workbook import Style
from foundation.money import equal_parts
from foundation.period import Month

SPREAD, WHOLE_YEAR, AFRESH, AS_STORED = "Resten fordelt", "Hele året", "Beregnet forfra", "Som gemt"
WAYS = {
    SPREAD: "Det fakturerede står; resten deles på de måneder, der er tilbage",
    WHOLE_YEAR: "Intet var faktureret; hele forpligtelsen deles",
    AFRESH: "Alle måneder regnes igen; det, der er faktureret anderledes, krediteres",
    AS_STORED: "Raterne er dem, der er gemt i denne version",
}

InvoiceNumbers = Mapping[tuple[MunicipalityCode, Month], str]


class YearFigures:
    """The facts, and what each step of the chain comes to in whole numbers."""

    def __init__(
        self,
        agreement: Agreement,
        subscription: AnnualSubscription,
        names: Mapping[MunicipalityCode, str],
        references: InvoiceNumbers,
    ) -> None:
        self.agreement = agreement
        self.subscription = subscription
        self.parts = sorted(subscription.parts, key=lambda part: part.municipality)
        self.codes = [part.municipality for part in self.parts]
        self.names = [names.get(code, code) for code in self.codes]
        self._name_of = names
        self.references = references
        self.services = {service.code: service.title for service in agreement.services}
        unit = subscription.unit_oere
        self.weights = [part.weight for part in self.parts]
        self.whole_weight = sum(self.weights)
        self.sign = -1 if subscription.cost_oere < 0 else 1
        self.month_count = len(self.parts[0].instalments)
        self.units, self.odd_oere = divmod(abs(subscription.cost_oere), unit)
        quotas = [divmod(self.units * weight, self.whole_weight) for weight in self.weights]
        self.whole_units = [quota[0] for quota in quotas]
        self.remainders = [quota[1] for quota in quotas]
        self.left_over = self.units - sum(self.whole_units)
        order = sorted(range(len(quotas)), key=lambda index: -self.remainders[index])
        self.ranks = [order.index(index) + 1 for index in range(len(quotas))]
        self.extra = [1 if rank <= self.left_over else 0 for rank in self.ranks]
        largest = self.weights.index(max(self.weights))
        self.odd = [self.odd_oere if index == largest else 0 for index in range(len(quotas))]
        self.shares = [
            self.sign * ((whole + extra) * unit + odd)
            for whole, extra, odd in zip(self.whole_units, self.extra, self.odd, strict=True)
        ]
        self.sources = sorted({source for part in self.parts for source in part.passed_on})
        self.obligations = [share - part.passed_on_oere for share, part in zip(self.shares, self.parts, strict=True)]
        self.rates = [
            Rates.of(part, obligation, unit, subscription.correction)
            for part, obligation in zip(self.parts, self.obligations, strict=True)
        ]

    def column_code(self) -> Column:
        """The municipalities' codes, ascending."""
        return Column("code", "Kode", Style.CODE, self.codes)

    def column_name(self) -> Column:
        """The municipalities' names in the order of their codes."""
        return Column("name", "Kommune", Style.TEXT, self.names)

    def name(self, code: MunicipalityCode) -> str:
        """One municipality's name, or its code where there is none."""
        return self._name_of.get(code, code)


@dataclass(frozen=True, slots=True)
class Rates:
    """How one municipality's instalments come about.

    Attributes:
        words: In Danish, for the reader.
        by_rule: False where the stored instalments follow neither way of rule 7; they then stand as constants.
        rest_oere: What is spread.
        count: Over how many months.
    """

    words: str
    by_rule: bool
    afresh: bool
    invoiced_oere: int
    rest_oere: int
    count: int
    each_oere: int
    last: int | None  # the place of the month that takes the rest

    @property
    def last_oere(self) -> int:
        """The last instalment, which takes the rest."""
        return self.rest_oere - self.each_oere * (self.count - 1) if self.count else 0

    @classmethod
    def of(cls, part: SubscriptionPart, obligation_oere: int, unit_oere: int, correction: Correction) -> Rates:
        """Find by which way of rule 7 the stored instalments came about."""
        instalments = part.instalments
        open_places = [place for place, instalment in enumerate(instalments) if not instalment.invoiced]
        invoiced_oere = sum(instalment.amount_oere for instalment in instalments if instalment.invoiced)
        rest_oere = obligation_oere - invoiced_oere
        spread = correction is Correction.SPREAD
        if spread and _follows(instalments, open_places, rest_oere, unit_oere):
            words = SPREAD if len(open_places) < len(instalments) else WHOLE_YEAR
            count, afresh, by_rule, last = len(open_places), False, True, open_places[-1] if open_places else None
        else:
            every_place = range(len(instalments))
            by_rule = _follows(instalments, every_place, obligation_oere, unit_oere)
            words = AFRESH if by_rule else AS_STORED
            if by_rule and len(open_places) == len(instalments):
                words = WHOLE_YEAR
            rest_oere, count, afresh, last = obligation_oere, len(instalments), True, every_place[-1]
        each_oere = rest_oere // (count * unit_oere) * unit_oere if count else 0
        return cls(words, by_rule, afresh, invoiced_oere, rest_oere, count, each_oere, last)


def _follows(instalments: Sequence[Instalment], places: Sequence[int], total_oere: int, unit_oere: int) -> bool:
    amounts = [instalments[place].amount_oere for place in places]
    return not amounts or amounts == list(equal_parts(total_oere, len(amounts), unit_oere))
