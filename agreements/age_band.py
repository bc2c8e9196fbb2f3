"""Ages in Statistics Denmark's files, and the sum of those of a band; never more or less than what was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from agreements.population import PopulationFileNotUnderstood
from agreements.statbank_words import is_total
from foundation.errors import BadInput, N_

OLDEST_AGE = 125  # FOLK1A counts ages to 125
_AGE = re.compile(r"(\d{1,3})(?:[  ](?:år|years?))?", re.ASCII | re.IGNORECASE)
_BAND = re.compile(r"(\d{1,3})-(\d{1,3})", re.ASCII)
_AGE_HEADINGS = ("alder", "age")


class NotAnAgeBand(BadInput):
    """A text that is no band of ages."""

    danish = N_("«{text}» er ikke en aldersgruppe. Skriv den yngste og den ældste alder, fx 0-17.")


class AgesMissing(PopulationFileNotUnderstood):
    """The file has no ages, or not all of the band."""

    danish = N_(
        "{file}: {what}. Intet er indlæst. Hent en tabel med hver alder for sig, fx FOLK1A med alle aldre fra {ages}."
    )


class AgeTwice(PopulationFileNotUnderstood):
    """One municipality, day and age with two figures: something else breaks the figures down, too."""

    danish = N_("{file}: {who} pr. {on} har mere end ét tal for {age} år. Intet er indlæst. Hent kun totaler for køn.")


@dataclass(frozen=True, order=True, slots=True)
class AgeBand:
    """Ages in whole years, both included."""

    youngest: int
    oldest: int

    @classmethod
    def parse(cls, text: str) -> AgeBand:
        """Read ``0-17``.

        Raises:
            NotAnAgeBand: anything else.
        """
        match = _BAND.fullmatch(text.strip())
        if match is None or not int(match[1]) <= int(match[2]) <= OLDEST_AGE:
            raise NotAnAgeBand(text=text[:40])
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.youngest}-{self.oldest}"

    @property
    def ages(self) -> range:
        """Every age of the band."""
        return range(self.youngest, self.oldest + 1)


def age_of(text: str) -> int | None:
    """The age that a cell names: ``17``, ``17 år``; None for totals and groups."""
    match = _AGE.fullmatch(text.strip())
    return int(match[1]) if match else None


def age_variable(variables: tuple[str, ...], frame: pd.DataFrame) -> str | None:
    """The column of ages: by its heading, or the only one that holds little but single ages."""
    named = [name for name in variables if name.strip().casefold().startswith(_AGE_HEADINGS)]
    if named:
        return named[0]
    aged = [
        name
        for name in variables
        if all(age_of(text) is not None or is_total("alder", text) for text in frame[name].unique())
        and any(age_of(text) is not None for text in frame[name].unique())
    ]
    return aged[0] if len(aged) == 1 else None
