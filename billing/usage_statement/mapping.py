"""Which of a provider's columns means what; suggested from their headings, chosen once, and kept; pure.

A file has one row per course or ready counts. What no field is mapped to is never read into anything.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from billing.usage_statement.facts import Measure
from foundation.errors import BadInput, N_


class Shape(StrEnum):
    """What a row of the file is."""

    COUNTS = "counts"
    COURSES = "courses"


class Outcome(StrEnum):
    """How a course ended."""

    COMPLETED = "completed"
    BROKEN_OFF = "broken_off"
    UNDER_WAY = "under_way"  # it has not


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column can mean.

    Attributes:
        danish: As messages call it, and as our own files head it.
        known: Other headings for it, folded.
        required: Whether a file must have it.
    """

    danish: str
    known: tuple[str, ...] = ()
    required: bool = False


SERVICE = Field(
    "Ydelse",
    (
        "service",
        "ydelsestype",
        "tilbud",
        "tilbudstype",
        "behandlingstype",
        "behandling",
        "behandlingstilbud",
        "indsats",
    ),
)
RESIDENCE = Field(
    "Bopælskommune",
    (
        "kommune",
        "kommunekode",
        "kommunenr",
        "bopæl",
        "bopælskommunekode",
        "hjemkommune",
        "borgerskommune",
        "betalingskommune",
        "municipality",
        "residence",
    ),
    required=True,
)
FIELDS: Mapping[Shape, Mapping[str, Field]] = {
    Shape.COURSES: {
        "service": SERVICE,
        "residence": RESIDENCE,
        "start": Field(
            "Startmåned",
            (
                "start",
                "startdato",
                "startet",
                "opstart",
                "opstartsmåned",
                "indskrevet",
                "indskrivning",
                "indskrivningsdato",
                "indskrivningsmåned",
                "påbegyndtmåned",
                "påbegyndtdato",
                "påbegyndt",
                "månedforstart",
                "forløbsstart",
                "begyndt",
            ),
            required=True,
        ),
        "end": Field(
            "Slutmåned",
            (
                "slut",
                "slutdato",
                "sluttet",
                "afslutningsmåned",
                "afslutningsdato",
                "afsluttetmåned",
                "afsluttetdato",
                "udskrevet",
                "udskrivning",
                "udskrivningsdato",
                "udskrivningsmåned",
                "månedforslut",
                "månedforafslutning",
                "forløbsslut",
                "end",
            ),
            required=True,
        ),
        "outcome": Field(
            "Afslutning",
            (
                "afslutningsårsag",
                "afslutningsmåde",
                "afslutningstype",
                "afslutningsstatus",
                "årsagtilafslutning",
                "udfald",
                "resultat",
                "status",
                "hvordansluttetdet",
                "outcome",
            ),
            required=True,
        ),
        "sessions": Field(
            "Samtaler",
            (
                "antalsamtaler",
                "sessioner",
                "antalsessioner",
                "fremmøder",
                "antalfremmøder",
                "konsultationer",
                "antalkonsultationer",
                "besøg",
                "antalbesøg",
                "kontakter",
                "ydelserialt",
                "sessions",
            ),
        ),
        "waiting_days": Field(
            "Ventedage",
            (
                "antalventedage",
                "ventetid",
                "ventetiddage",
                "ventetididage",
                "dagesventetid",
                "ventetidtilførstesamtale",
                "dagetilførstesamtale",
                "waitingdays",
            ),
        ),
    },
    Shape.COUNTS: {
        "service": SERVICE,
        "residence": RESIDENCE,
        "started": Field(
            "Påbegyndt",
            ("påbegyndte", "påbegyndteforløb", "antalpåbegyndte", "startede", "startet", "nyeforløb", "nye", "started"),
            required=True,
        ),
        "completed": Field(
            "Gennemført",
            ("gennemførte", "gennemførteforløb", "fuldført", "fuldførte", "afsluttet", "afsluttede", "completed"),
            required=True,
        ),
        "broken_off": Field(
            "Afbrudt",
            ("afbrudte", "afbrudteforløb", "frafald", "udeblevet", "udeblevne", "brokenoff"),
            required=True,
        ),
        "at_end": Field(
            "I behandling ved periodens slutning",
            (
                "ibehandling",
                "ibehandlingultimo",
                "ibehandlingvedslutningen",
                "ibehandlingvedperiodensafslutning",
                "igangværende",
                "igangværendeforløb",
                "fortsatibehandling",
                "ultimo",
                "atend",
            ),
            required=True,
        ),
        "sessions": Field(
            "Samtaler",
            ("antalsamtaler", "sessioner", "antalsessioner", "fremmøder", "konsultationer", "besøg", "sessions"),
        ),
        "within_14_days": Field(
            "Inden for 14 dage",
            (
                "inden14dage",
                "indenfor14dage",
                "senest14dage",
                "ventethøjst14dage",
                "ventetidhøjst14dage",
                "ventetidunder14dage",
                "within14days",
            ),
        ),
        "later": Field(
            "Senere end 14 dage",
            ("over14dage", "mereend14dage", "senereend14", "ventetmereend14dage", "ventetidover14dage", "later"),
        ),
        "waiting_days": Field(
            "Ventedage i alt",
            ("ventedage", "sumafventedage", "antalventedage", "ventetidialt", "ventetiddage", "waitingdays"),
        ),
    },
}
"""Shape -> field -> what it is."""

MEASURES: Mapping[str, Measure] = {
    "started": Measure.STARTED,
    "completed": Measure.COMPLETED,
    "broken_off": Measure.BROKEN_OFF,
    "at_end": Measure.AT_END,
    "sessions": Measure.SESSIONS,
    "within_14_days": Measure.WITHIN_14_DAYS,
    "later": Measure.LATER,
    "waiting_days": Measure.WAITING_DAYS,
}
"""The fields of counts that are figures as they are."""

_ENDED = {
    Outcome.COMPLETED: (
        "gennemført gennemførtbehandling fuldført afsluttet færdig færdigbehandlet planmæssig planmæssigtafsluttet "
        "afsluttetefteraftale afsluttetsomplanlagt completed"
    ),
    Outcome.BROKEN_OFF: (
        "afbrudt afbrudtbehandling afbrudtafborger afbrudtafpatienten udeblevet frafaldet frafald ophørt død flyttet "
        "ikkeplanmæssig overgåettilandettilbud afvist brokenoff"
    ),
    Outcome.UNDER_WAY: "ibehandling igang igangværende fortsat fortsætter aktiv åben uafsluttet underway",
}
OUTCOMES: Mapping[str, Outcome] = {word: outcome for outcome, words in _ENDED.items() for word in words.split()}
"""Folded word -> how a course ended. Whatever else a provider calls it is mapped by ``word``."""

# Field -> what a word of the provider's may be taken for.
WORD_FIELDS = ("service", "residence", "outcome")
LONGEST_HEADING = 60
LEAST_LIKENESS = 0.84


class MappingMissing(BadInput):
    """Nobody has chosen how this provider's columns are read."""

    danish = N_(
        "Der er ikke valgt, hvordan kolonnerne fra {provider} læses. Se et forslag med "
        "«mellemregning usage mapping FIL --agreement {agreement} --provider {provider}», og gem det med --keep.",
    )


class MappingInvalid(BadInput):
    """A mapping that lacks something or names what is not there."""

    danish = N_("Kolonnevalget kan ikke bruges: {problems}.")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How a provider's columns are read.

    Attributes:
        columns: Field -> the column's heading, as the file writes it.
        words: (field, folded word) -> what it means: a service's code, a municipality's code, how it ended.
    """

    shape: Shape
    columns: Mapping[str, str]
    words: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "shape": self.shape.value,
            "columns": dict(self.columns),
            "words": [[*key, value] for key, value in sorted(self.words.items())],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ColumnMapping:
        """As it was stored."""
        words = {(name, word): meaning for name, word, meaning in content["words"]}
        return cls(Shape(content["shape"]), dict(content["columns"]), words)

    def problems(self, *, service_required: bool) -> list[str]:
        """What it lacks, one phrase each."""
        fields = FIELDS[self.shape]
        found = [f"feltet «{name}» findes ikke" for name in self.columns if name not in fields]
        for name, known in fields.items():
            needed = known.required or (name == "service" and service_required)
            if needed and name not in self.columns:
                found.append(f"kolonnen «{known.danish}» ({name}) mangler")
        if self.shape is Shape.COUNTS:
            waiting = {"within_14_days", "later"} & set(self.columns)
            if len(waiting) == 1:
                found.append("«Inden for 14 dage» og «Senere end 14 dage» skal vælges sammen")
            if "waiting_days" in self.columns and not waiting:
                found.append("«Ventedage i alt» kræver «Inden for 14 dage» og «Senere end 14 dage»")
        headings = [folded(heading) for heading in self.columns.values()]
        found += [
            f"kolonnen «{heading}» er valgt to gange"
            for heading in sorted({h for h in headings if headings.count(h) > 1})
        ]
        return found


def folded(text: str) -> str:
    """What is left of a heading or a word when case, spaces, signs and the spelling of å do not matter."""
    lowered = unicodedata.normalize("NFC", text).casefold().replace("aa", "å")
    return "".join(character for character in lowered if character.isalnum())


def suggested(headings: Sequence[str], shape: Shape | None = None) -> ColumnMapping:
    """The mapping that the headings speak for; what nothing speaks for is left out.

    Args:
        headings: As the file writes them.
        shape: What a row is, where it is known; otherwise what fits best.
    """
    found = [ColumnMapping(one, _matched(headings, FIELDS[one])) for one in ([shape] if shape else Shape)]
    return max(found, key=_fit)


def _fit(mapping: ColumnMapping) -> tuple[int, int]:
    fields = FIELDS[mapping.shape]
    missing = sum(known.required and name not in mapping.columns for name, known in fields.items())
    return -missing, len(mapping.columns)


def _matched(headings: Sequence[str], fields: Mapping[str, Field]) -> dict[str, str]:
    """Each field's best heading, each heading for one field: exact ones first, then parts, then those alike."""
    chosen: dict[str, str] = {}
    free = [heading for heading in dict.fromkeys(headings) if folded(heading)]
    for fits in (_is_exact, _is_part, _is_alike):
        for name, known in fields.items():
            if name in chosen:
                continue
            words = (folded(known.danish), folded(name), *known.known)
            heading = next((one for one in free if fits(folded(one), words)), None)
            if heading is not None:
                chosen[name] = heading
                free.remove(heading)
    return {name: chosen[name] for name in fields if name in chosen}


def _is_exact(heading: str, words: Iterable[str]) -> bool:
    return heading in words


def _is_part(heading: str, words: Iterable[str]) -> bool:
    return any(len(word) > 5 and heading.startswith(word) for word in words)  # noqa: PLR2004 - shorter ones say nothing


def _is_alike(heading: str, words: Iterable[str]) -> bool:
    return any(difflib.SequenceMatcher(None, heading, word).ratio() >= LEAST_LIKENESS for word in words)


def is_like_heading(text: str) -> bool:
    """Whether a cell may be told as a column's name: short words, no numbers that could be somebody's."""
    return (
        0 < len(text) <= LONGEST_HEADING
        and re.search(r"[0-9]{4}|@", text) is None
        and sum(character.isalpha() for character in text) * 2 > len(text)
    )
