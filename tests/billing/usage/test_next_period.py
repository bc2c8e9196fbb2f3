"""What a period's statement leaves to the next one, to the year and to its own corrections."""

from __future__ import annotations

import re
from datetime import date, datetime

from agreements import run as agreements
from billing.usage_statement.facts import ALL, ELSEWHERE, FigureKey, Measure
from foundation.audit import Occasion
from foundation.database import Database
from tests.billing.runs.conftest import FUNEN_TEXT
from tests.billing.usage.conftest import OCCASION, Desk, figure
from tests.billing.usage.made import AEROE, FUNEN, LANGELAND, PLANTED_H1, PLANTED_H2, Numbers
from tests.billing.usage.test_release import is_sound

POSTGRESQL_IN_SOAK = True

FOUR = re.sub(r"(?m)^subscribers = .*$", 'subscribers = ["461", "479", "482", "492"]', FUNEN_TEXT)
# Five of Ærø's are under way when the first half-year ends; in the second nobody starts and two complete.
FEW_LEFT_H1: dict[str, Numbers] = {
    "461": PLANTED_H1["461"],
    "479": PLANTED_H1["479"],
    LANGELAND: (20, 9, 8, 17, 90, 12, 8, 200),
    AEROE: (15, 8, 7, 5, 70, 9, 6, 150),
}
NOBODY_STARTED_H2: dict[str, Numbers] = {
    "461": PLANTED_H2["461"],
    "479": PLANTED_H2["479"],
    LANGELAND: (20, 9, 8, 20, 90, 12, 8, 200),
    AEROE: (0, 2, 0, 3, 20, 0, 0, 0),
}


def test_a_next_period_in_which_few_are_left_can_still_be_released(database: Database) -> None:
    desk = Desk(database, FOUR)
    desk.both("2009-H1", FEW_LEFT_H1)
    first = desk.release("2009-H1")
    desk.both("2009-H2", NOBODY_STARTED_H2)
    second = desk.release("2009-H2")
    is_sound(second.report)
    is_sound(desk.release("2009").report)
    # Had five been shown: nobody new, so that two and three of them would be told to lie from 1 to 4.
    assert figure(first.release, Measure.AT_END, AEROE) is None
    assert figure(second.release, Measure.COMPLETED, AEROE) is None
    # Who does not start is told, as before; large counts of others are shown.
    assert figure(second.release, Measure.STARTED, AEROE) == 0
    assert figure(second.release, Measure.WITHIN_14_DAYS, "461") == 133


TWO_SERVICES = re.sub(
    r"(?m)^(code = \"ambulant\"\ntitle = .*\nvat_exemption = .*\n)",
    '\\1\n[[services]]\ncode = "dag"\ntitle = "Dagbehandling"\nvat_exemption = "Momsloven § 13, stk. 1, nr. 1"\n',
    FUNEN_TEXT,
)


def test_a_service_that_comes_in_the_middle_of_a_year_is_in_the_years_sum(desk: Desk) -> None:
    desk.both("2009-H1", PLANTED_H1)
    desk.release("2009-H1")
    desk.do(lambda connection: agreements.load_agreement(connection, "b.toml", TWO_SERVICES.encode(), OCCASION))
    columns = "Ydelse;Bopælskommune;Påbegyndt;Gennemført;Afbrudt;I behandling ved periodens slutning;Samtaler"
    lines = [f"ambulant;{code};{';'.join(map(str, row[:5]))}" for code, row in PLANTED_H2.items()]
    desk.load_text("2009-H2", "\n".join([columns, *lines, "dag;430;12;0;0;12;40", "dag;461;30;8;0;22;90", ""]))
    desk.load_text("2009-H2", f"{columns}\n", "479")
    desk.release("2009-H2")
    year = desk.release("2009")
    is_sound(year.report)
    counts = {key: found.count for key, found in year.release.figures.items()}
    # 31 and 28 of Assens; of Odense 180 and 171, and 30 of the new service.
    assert counts[FigureKey(Measure.STARTED, "ambulant", "420")] == 59
    assert counts[FigureKey(Measure.STARTED, ALL, "420")] == 59
    assert counts[FigureKey(Measure.STARTED, ALL, "461")] == 381
    assert counts[FigureKey(Measure.AT_END, ALL, "461")] == 207 + 22


def test_who_turns_out_to_have_left_is_counted_as_elsewhere_in_the_years_sum(desk: Desk) -> None:
    desk.both("2010-H1", PLANTED_H1)
    desk.release("2010-H1")
    noticed = Occasion(date(2009, 5, 1), "prøven", datetime.fromisoformat("2026-01-02T03:04:05+00:00"))
    desk.do(lambda connection: agreements.leave(connection, FUNEN, LANGELAND, 2009, noticed))
    desk.both("2010-H2", PLANTED_H2)
    desk.release("2010-H2")
    year = desk.release("2010")
    is_sound(year.report)
    assert FigureKey(Measure.STARTED, "ambulant", LANGELAND) not in year.release.figures
    assert year.release.figures[FigureKey(Measure.STARTED, "ambulant", ELSEWHERE)].count == 20 + 25


def test_days_that_were_shown_of_others_do_not_tell_how_many_waited_long(database: Database) -> None:
    """Nine waited 70 days together, all at most a fortnight; then three more, longer, without a day more."""
    desk = Desk(database)
    before: dict[str, Numbers] = {**PLANTED_H1, AEROE: (20, 8, 8, 20, 70, 9, 0, 70)}
    after: dict[str, Numbers] = {**PLANTED_H1, AEROE: (20, 8, 8, 20, 70, 9, 3, 70)}
    desk.both("2009-H1", before)
    assert figure(desk.release("2009-H1").release, Measure.WAITING_DAYS, AEROE) == 70
    desk.load("2009-H1", after)
    second = desk.release("2009-H1")
    is_sound(second.report)
    assert figure(second.release, Measure.LATER, AEROE) is None
    # 70 days are fewer than 5 times 15, so they would say: four at most.
    assert figure(second.release, Measure.WAITING_DAYS, AEROE) is None


def test_days_that_were_hidden_stay_hidden_when_the_count_grows(database: Database) -> None:
    desk = Desk(database)
    desk.both("2009-H1", {**PLANTED_H1, AEROE: (20, 8, 8, 20, 70, 9, 3, 170)})
    assert figure(desk.release("2009-H1").release, Measure.WAITING_DAYS, AEROE) is None
    desk.load("2009-H1", {**PLANTED_H1, AEROE: (20, 8, 8, 20, 70, 9, 6, 170)})
    second = desk.release("2009-H1")
    is_sound(second.report)
    assert second.release.figures[FigureKey(Measure.LATER, "ambulant", AEROE)].count == 6
    assert figure(second.release, Measure.WAITING_DAYS, AEROE) is None
