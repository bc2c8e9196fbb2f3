"""Forbrugsopgørelse: what a municipality's citizens used, or all municipalities' for the providers.

Hidden figures are not in the file at all: where one is left out stands a mark. Shares and averages are formulas over
figures that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from agreements.agreement import MunicipalityCode
from billing.usage_statement.facts import ALL, UNSTATED, Measure, Release, Residence, Statement
from exports.excel.sheet_draft import HEAD_ROW, Column, SheetDraft, Table
from exports.excel.workbook import Chart, Series, Sheet, Style, Value, Workbook, address
from exports.usage_words import (
    AVERAGE_TITLE,
    LINES,
    MARK,
    NOBODY,
    SHARE_TITLE,
    SHORT_TITLES,
    UNSTATED_WORDS,
    Kind,
    Line,
    edition_words,
    explanation,
    hidden_words,
    residence_title,
    residences_of,
    services_of,
    statement_title,
    whole_service,
)

STATEMENT = "Opgørelse"
DEVELOPMENT = "Udvikling"
EXPLANATION = "Sådan er den lavet"
SHOWN_OVER_TIME = (Measure.STARTED, Measure.COMPLETED, Measure.BROKEN_OFF, Measure.AT_END)
NAME_LENGTH = 31
FORBIDDEN_IN_NAMES = "[]:*?/\\'"


def municipality_workbook(
    statement: Statement, who: MunicipalityCode, names: Mapping[MunicipalityCode, str], official_name: str
) -> Workbook:
    """Lay out one municipality's statement.

    Args:
        statement: As released.
        who: Whose citizens.
        names: Code -> the municipality's name.
        official_name: As in letters: ``Ærø Kommune``.

    Source: agreement § 6 stk. 7, § 3 stk. 4; domain rules 16 and 17.
    """
    title = f"{statement_title(statement)} - {official_name}"
    return Workbook(
        title=title,
        subject=statement.agreement.title,
        created=statement.release.released_on,
        sheets=(
            _figures(statement, title, (who, UNSTATED, ALL), names),
            _development(statement, who, names, official_name),
            _explanation(statement, title, for_providers=False),
        ),
    )


def providers_workbook(statement: Statement, names: Mapping[MunicipalityCode, str]) -> Workbook:
    """Lay out the statement of all municipalities, protected as theirs are."""
    title = f"{statement_title(statement)} - alle kommuner"
    return Workbook(
        title=title,
        subject=statement.agreement.title,
        created=statement.release.released_on,
        sheets=(
            *(_by_municipality(statement, title, service, named, names) for service, named in services_of(statement)),
            _explanation(statement, title, for_providers=True),
        ),
    )


class _Cells:
    """One statement's figures as cells of a list: value, look and formula of each."""

    def __init__(self, release: Release) -> None:
        self._release = release

    def count(self, measure: Measure, service: str, residence: Residence) -> tuple[Value, Style]:
        shown = self._release.shown(measure, service, residence)
        return (MARK, Style.HIDDEN) if shown is None else (shown, Style.FIGURE)

    def line(self, line: Line, service: str, residence: Residence, cells: Mapping[Measure, str]) -> _Found:
        """A line's value, look and formula; ``cells`` are the addresses of the figures that it is made of."""
        if line.kind is Kind.COUNT:
            return (*self.count(line.measures[0], service, residence), None)
        above, below = (self._release.shown(measure, service, residence) for measure in line.measures)
        if above is None or below is None:
            return MARK, Style.HIDDEN, None
        if below == 0:
            return NOBODY, Style.HIDDEN, None
        look = Style.SHARE if line.kind is Kind.SHARE else Style.AVERAGE
        top, bottom = (cells[measure] for measure in line.measures)
        return Fraction(above, below), look, f"={top}/{bottom}"


_Found = tuple[Value, Style, str | None]


def _figures(
    statement: Statement, title: str, whose: Sequence[Residence], names: Mapping[MunicipalityCode, str]
) -> Sheet:
    """Lines down, the municipality's own figures and those of all beside them."""
    draft = SheetDraft(STATEMENT, title, f"{statement.agreement.title}. {edition_words(statement)}")
    services = services_of(statement)
    rows = [(service, named, line) for service, named in services for line in LINES]
    columns = [
        Column("service", "Ydelse", Style.TEXT, [named if line is LINES[0] else "" for _, named, line in rows]),
        Column("what", "Opgjort", Style.TEXT, [line.title for _, _, line in rows]),
    ]
    cells = _Cells(statement.release)
    for place, residence in enumerate(whose, start=2):
        found = []
        for index, (service, _, line) in enumerate(rows):
            block = index - index % len(LINES)
            made_of = {
                one.measures[0]: _own(HEAD_ROW + 1 + block + offset, place)
                for offset, one in enumerate(LINES)
                if one.kind is Kind.COUNT
            }
            found.append(cells.line(line, service, residence, made_of))
        heading = residence_title(residence, names)
        columns.append(_column(residence, heading, found))
    table = draft.table(columns, total=None, filtered=False)
    row = table.last + 2
    for text in (hidden_words(statement.release.threshold), UNSTATED_WORDS):
        draft.put(row, 0, text, Style.NOTE, spills=True)
        row += 1
    return draft.finish(frozen_columns=2)


def _own(row: int, column: int) -> str:
    return address(STATEMENT, row, column).partition("!")[2].replace("$", "")


def _column(key: str, heading: str, found: Sequence[_Found]) -> Column:
    return Column(
        key,
        heading,
        Style.FIGURE,
        [value for value, _, _ in found],
        [formula for _, _, formula in found],
        styles=[look for _, look, _ in found],
    )


def _development(
    statement: Statement, who: MunicipalityCode, names: Mapping[MunicipalityCode, str], official_name: str
) -> Sheet:
    """Up to eight periods of the same length, and a chart of what is shown."""
    service = whole_service(statement)
    draft = SheetDraft(
        DEVELOPMENT,
        f"Udvikling - {official_name}",
        f"{services_of(statement)[-1][1]}. Hver periode som i dens nyeste udgave; {MARK} er skjulte tal.",
    )
    history = statement.history
    columns = [Column("period", "Periode", Style.TEXT, [release.period.danish for release in history])]
    for measure in SHOWN_OVER_TIME:
        found = [(*_Cells(release).count(measure, service, who), None) for release in history]
        columns.append(_column(measure.value, SHORT_TITLES[measure], found))
    for measure in SHOWN_OVER_TIME:
        found = [(*_Cells(release).count(measure, service, ALL), None) for release in history]
        columns.append(_column(f"all_{measure.value}", f"Alle:\n{SHORT_TITLES[measure].replace(chr(10), ' ')}", found))
    table = draft.table(columns, total=None, filtered=False)
    if any(release.shown(measure, service, who) for release in history for measure in SHOWN_OVER_TIME[:3]):
        draft.chart(_chart(statement, who, names, table))
    else:
        draft.put(
            table.last + 2,
            0,
            "Der er intet diagram, for de tal, det skulle vise, er skjult eller nul.",
            Style.NOTE,
            spills=True,
        )
    return draft.finish(frozen_columns=1)


def _chart(statement: Statement, who: MunicipalityCode, names: Mapping[MunicipalityCode, str], table: Table) -> Chart:
    name = residence_title(who, names)
    service = whole_service(statement)
    spoken = []
    for release in statement.history:
        shown = {measure: release.shown(measure, service, who) for measure in SHOWN_OVER_TIME[:3]}
        told = [f"{SHORT_TITLES[measure].lower()} {_spoken(count)}" for measure, count in shown.items()]
        spoken.append(f"{release.period.danish}: {', '.join(told)}")
    return Chart(
        title=f"Forløb pr. periode, {name} (skjulte tal er ikke tegnet)",
        alt_text=f"Søjlediagram over påbegyndte, gennemførte og afbrudte forløb. {'; '.join(spoken)}.",
        series=tuple(
            Series(
                SHORT_TITLES[measure],
                table.column("period"),
                table.column(measure.value),
                tuple(release.shown(measure, service, who) for release in statement.history),
            )
            for measure in SHOWN_OVER_TIME[:3]
        ),
        categories=len(statement.history),
        at=(table.last + 2, 0),
        width=860,
        height=340,
    )


def _spoken(count: int | None) -> str:
    return "skjult" if count is None else str(count)


def _by_municipality(
    statement: Statement, title: str, service: str, named: str, names: Mapping[MunicipalityCode, str]
) -> Sheet:
    """Municipalities down, figures across."""
    residences = residences_of(statement)
    draft = SheetDraft(_sheet_name(named), title, f"{named}. {edition_words(statement)}")
    columns = [
        Column(
            "code",
            "Kode",
            Style.CODE,
            [one if one not in {ALL, UNSTATED} and one.isdigit() else "" for one in residences],
        ),
        Column("name", "Bopælskommune", Style.TEXT, [residence_title(one, names) for one in residences]),
    ]
    cells = _Cells(statement.release)
    places = {line.measures[0]: 2 + index for index, line in enumerate(LINES) if line.kind is Kind.COUNT}
    for line in LINES:
        found = []
        for index, residence in enumerate(residences):
            made_of = {measure: _own(HEAD_ROW + 1 + index, column) for measure, column in places.items()}
            found.append(cells.line(line, service, residence, made_of))
        columns.append(_column(f"{line.kind}_{line.measures[0]}", _short(line), found))
    table = draft.table(columns, total=None, filtered=False)
    draft.put(table.last + 2, 0, hidden_words(statement.release.threshold), Style.NOTE, spills=True)
    return draft.finish(frozen_columns=2)


def _short(line: Line) -> str:
    if line.kind is Kind.COUNT:
        return SHORT_TITLES[line.measures[0]]
    return {SHARE_TITLE: "Andel inden\nfor 14 dage", AVERAGE_TITLE: "Dage i\ngennemsnit"}[line.title]


def _sheet_name(named: str) -> str:
    return "".join(character for character in named if character not in FORBIDDEN_IN_NAMES)[:NAME_LENGTH].strip()


def _explanation(statement: Statement, title: str, *, for_providers: bool) -> Sheet:
    draft = SheetDraft(EXPLANATION, title, f"{statement.agreement.title}. {edition_words(statement)}")
    topics = explanation(statement, for_providers=for_providers)
    draft.table(
        [
            Column("topic", "Emne", Style.TEXT, [topic for topic, _ in topics]),
            Column("text", "Forklaring", Style.TEXT, [text for _, text in topics]),
        ],
        total=None,
        filtered=False,
    )
    return draft.finish(widest=100)
