"""What every form of a usage statement says: its figures in order, its titles, and how it was made, in words; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from billing.usage_statement.facts import (
    ALL,
    ELSEWHERE,
    UNSTATED,
    FigureKey,
    Measure,
    Residence,
    Statement,
    UsagePeriod,
)

MARK = "*"
"""What stands where a figure is hidden. The same for all of them: which of them are small is not told."""

NOBODY = "-"
"""What stands where there is nobody to make an average or a share of."""

MEASURE_TITLES: Mapping[Measure, str] = {
    Measure.AT_START: "I behandling ved periodens start",
    Measure.STARTED: "Påbegyndte forløb",
    Measure.IN_PERIOD: "Forløb i perioden i alt",
    Measure.COMPLETED: "Gennemførte forløb",
    Measure.BROKEN_OFF: "Afbrudte forløb",
    Measure.AT_END: "I behandling ved periodens slutning",
    Measure.SESSIONS: "Samtaler",
    Measure.WITHIN_14_DAYS: "Første samtale inden for 14 dage",
    Measure.LATER: "Første samtale senere end 14 dage",
    Measure.WAIT_KNOWN: "Påbegyndte forløb, hvor ventetiden er kendt",
    Measure.WAIT_UNKNOWN: "Påbegyndte forløb, hvor ventetiden er ukendt",
    Measure.WAITING_DAYS: "Ventedage i alt til første samtale",
}
SHORT_TITLES: Mapping[Measure, str] = {
    Measure.AT_START: "I behandling\nved start",
    Measure.STARTED: "Påbegyndt",
    Measure.IN_PERIOD: "Forløb\ni alt",
    Measure.COMPLETED: "Gennemført",
    Measure.BROKEN_OFF: "Afbrudt",
    Measure.AT_END: "I behandling\nved slut",
    Measure.SESSIONS: "Samtaler",
    Measure.WITHIN_14_DAYS: "Inden for\n14 dage",
    Measure.LATER: "Senere end\n14 dage",
    Measure.WAIT_KNOWN: "Ventetid\nkendt",
    Measure.WAIT_UNKNOWN: "Ventetid\nukendt",
    Measure.WAITING_DAYS: "Ventedage\ni alt",
}
SHARE_TITLE = "Andel med første samtale inden for 14 dage"
AVERAGE_TITLE = "Gennemsnitlig ventetid i dage"


UNSTATED_WORDS = (
    "Uoplyst er borgere, der ikke har sagt, hvor de bor; de er med i «Alle kommuner», ikke i kommunens egne tal."
)


class Kind(StrEnum):
    """What a line of a statement is."""

    COUNT = "count"
    SHARE = "share"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement.

    Attributes:
        measures: The figure; of a share or an average the figure above and the figure below the line.
    """

    kind: Kind
    title: str
    measures: tuple[Measure, ...]


LINES: tuple[Line, ...] = (
    *(Line(Kind.COUNT, MEASURE_TITLES[measure], (measure,)) for measure in Measure),
    Line(Kind.SHARE, SHARE_TITLE, (Measure.WITHIN_14_DAYS, Measure.WAIT_KNOWN)),
    Line(Kind.AVERAGE, AVERAGE_TITLE, (Measure.WAITING_DAYS, Measure.WAIT_KNOWN)),
)
"""What a statement shows, in order."""


def residence_title(residence: Residence, names: Mapping[MunicipalityCode, str]) -> str:
    """Whose figures they are."""
    special = {ALL: "Alle kommuner", UNSTATED: "Uoplyst", ELSEWHERE: "Andre kommuner"}
    return special.get(residence) or names.get(residence, residence)


def services_of(statement: Statement) -> tuple[tuple[str, str], ...]:
    """(code, title) of the services, the sum of several at the end."""
    there = {key.service for key in statement.release.figures}
    titles = {service.code: service.title for service in statement.agreement.services}
    found = [(code, titles.get(code, code)) for code in sorted(there - {ALL}, key=lambda code: titles.get(code, code))]
    return (*found, (ALL, "Alle ydelser")) if ALL in there else tuple(found)


def whole_service(statement: Statement) -> str:
    """The sum of services, or the only one."""
    return services_of(statement)[-1][0]


def residences_of(statement: Statement) -> tuple[Residence, ...]:
    """Municipalities by code, then elsewhere, unstated and all."""
    there = {key.residence for key in statement.release.figures}
    special = (ELSEWHERE, UNSTATED, ALL)
    return (*sorted(there - set(special)), *(one for one in special if one in there))


def is_hidden(statement: Statement, measure: Measure, service: str, residence: Residence) -> bool:
    """Whether a figure is left out."""
    figure = statement.release.figures.get(FigureKey(measure, service, residence))
    return figure is None or figure.hidden


def statement_title(statement: Statement) -> str:
    """*Forbrugsopgørelse 1, 1. halvår 2009*, or without a number for a longer period."""
    period = statement.release.period
    usual = [(first.month, last.month) for first, last in statement.agreement.terms.usage.periods]
    place = (period.first.number, period.last.number)
    number = f" {usual.index(place) + 1}" if place in usual and len(usual) > 1 else ""
    return f"Forbrugsopgørelse{number}, {period.danish}"


def edition_words(statement: Statement) -> str:
    """Which edition it is and what it replaces."""
    release = statement.release
    told = f"Udgave {release.edition}, frigivet {release.released_on:%d.%m.%Y}"
    if not statement.earlier:
        return told
    before = statement.earlier[-1]
    return f"{told}; retter udgave {before.edition} af {before.released_on:%d.%m.%Y}"


def file_stem(period: UsagePeriod, code: str, edition: int, whose: str) -> str:
    """A file's name without its ending."""
    corrected = f" udgave {edition}" if edition > 1 else ""
    return f"{period} Forbrugsopgørelse {code} {whose}{corrected}"


def hidden_words(threshold: int) -> str:
    """What the mark means, in one paragraph."""
    return (
        f"{MARK} betyder, at tallet er skjult. Tal fra 1 til {threshold - 1} vises ikke, fordi de kunne pege på en "
        "person; nul vises. Nogle større tal er også skjult, så de små ikke kan regnes ud."
    )


def explanation(statement: Statement, *, for_providers: bool = False) -> tuple[tuple[str, str], ...]:
    """(topic, text): how the statement was made."""
    release = statement.release
    k = release.threshold
    found: dict[str, str] = {}
    found["Hvad der er talt"] = (
        f"Forløb og samtaler i {release.period.danish} efter borgerens bopælskommune, som "
        "ydelsesleverandørerne har opgjort dem. Aftalens § 6, stk. 7."
    )
    found["Ingen personoplysninger"] = (
        "Programmet får kun optællinger eller rækker uden navne og numre. Rækkerne tælles og glemmes; kun "
        "antal er gemt. En fil med noget, der ligner et CPR-nummer, afvises hel. Aftalens § 3, stk. 4."
    )
    found["Uoplyst"] = (
        "Behandlingen kan være anonym. Borgere, der ikke har oplyst deres kommune, er talt med under «Alle "
        "kommuner», men ikke i nogen kommunes egne tal. En kommunes egne tal er derfor mindstetal."
    )
    found[f"Skjulte tal ({MARK})"] = (
        f"Tal fra 1 til {k - 1} er skjult. Det samme er så mange andre tal, som der skal til, for at ingen "
        "skjulte tal kan regnes ud - hverken af summer, af andre kommuners opgørelser, af halvår og år "
        "tilsammen eller af tidligere udgaver. Om et skjult tal er et af de små, fremgår ikke. Nul vises."
    )
    found["Kontrollen"] = (
        "Før frigivelsen har et uafhængigt program regnet på alt, der er offentliggjort i aftalen, også denne"
        f" opgørelse. For hvert skjult tal er der mindst {k} fra den laveste til den højeste mulige værdi."
    )
    found["Samtaler og ventedage"] = (
        f"De er også skjult, hvor de kun handler om 1 til {k - 1} forløb, og ventedage overalt, hvor et af "
        "tallene om ventetid er skjult."
    )
    found["Andele, gennemsnit og diagrammer"] = (
        "De er kun lavet af tal, der er vist. Mangler et af tallene, er andelen eller gennemsnittet også "
        f"skjult ({MARK}); {NOBODY} betyder, at der ikke er nogen at regne på."
    )
    found["Ventetid"] = (
        "Dage fra henvendelse til første samtale, for forløb påbegyndt i perioden. Ventetiden kan være ukendt."
    )
    found["I behandling"] = (
        "I behandling ved start + påbegyndte = gennemførte + afbrudte + i behandling ved slut. Et forløb, der"
        " går over flere perioder, er med i hver af dem, men er kun påbegyndt i én."
    )
    if statement.parts:
        named = ", ".join(f"{part.period.danish} (udgave {part.edition})" for part in statement.parts)
        found["Lagt sammen af"] = f"{named}."
    if statement.earlier:
        told = "; ".join(f"udgave {one.edition} af {one.released_on:%d.%m.%Y}" for one in statement.earlier)
        found["Rettelse"] = (
            f"Denne udgave {release.edition} erstatter {told}. Tal, der ikke er rettet, er vist eller skjult som før."
        )
    if for_providers:
        found["Til leverandørerne"] = (
            "Tallene er skjult på samme måde som i kommunernes opgørelser. En leverandør, der kender sine egne tal, "
            "kan trække dem fra; regnearket må derfor ikke gives videre sammen med egne optællinger."
        )
    return tuple(found.items())
