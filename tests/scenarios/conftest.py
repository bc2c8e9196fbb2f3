"""A desk with the command on it: what an officer types, what is answered, and what is in the tables before and after.

Expected figures are worked out here with ``Fraction`` from domain.md's words, never by the code under test.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from foundation.database import Database
from foundation.settings import with_driver

FILES = Path(__file__).parent / "files"
FUNEN = "fyn-alkohol"

NINE = ("420", "430", "440", "450", "461", "479", "480", "482", "492")
EIGHT = tuple(code for code in NINE if code != "482")
ODENSE, SVENDBORG, LANGELAND = "461", "479", "482"
# Statistics Denmark, on 1 January; 2008 as in domain.md's table.
INHABITANTS = {
    2008: dict(zip(NINE, (42054, 51950, 23630, 31607, 186932, 59040, 29470, 13741, 6712), strict=True)),
    2009: dict(zip(NINE, (42128, 52108, 23745, 31714, 187929, 59185, 29651, 13563, 6698), strict=True)),
    2010: dict(zip(NINE, (42054, 52085, 23770, 31690, 188777, 58998, 29638, 13510, 6679), strict=True)),
    2011: dict(zip(NINE, (41635, 51926, 23758, 31499, 190245, 58713, 29507, 13322, 6663), strict=True)),
    2012: dict(zip(NINE, (41443, 51635, 23793, 31486, 191610, 58551, 29330, 13094, 6636), strict=True)),
}
# domain.md, "Worked example: billing year 2009".
OBLIGATIONS_2009 = dict(
    zip(
        NINE,
        (
            233_043_392,
            287_882_347,
            130_946_292,
            175_151_056,
            1_035_888_797,
            327_171_777,
            163_308_812,
            76_146_128,
            37_194_732,
        ),
        strict=True,
    ),
)
MONTHS_1_TO_11 = dict(
    zip(
        NINE,
        (19_420_282, 23_990_195, 10_912_191, 14_595_921, 86_324_066, 27_264_314, 13_609_067, 6_345_510, 3_099_561),
        strict=True,
    ),
)
MONTH_12 = dict(
    zip(
        NINE,
        (19_420_290, 23_990_202, 10_912_191, 14_595_925, 86_324_071, 27_264_323, 13_609_075, 6_345_518, 3_099_561),
        strict=True,
    ),
)
ODENSE_2009, SVENDBORG_2009 = 1_825_000_000, 641_733_333
COST_2009 = 2_466_733_333


def shared_out(total_oere: int, weights: Mapping[str, int], unit_oere: int = 1) -> dict[str, int]:
    """Domain rule 3: largest remainder on whole units, ties to the lower code, odd øre to the largest share."""
    sign = -1 if total_oere < 0 else 1
    units, odd = divmod(abs(total_oere), unit_oere)
    exact = {code: Fraction(units * weight, sum(weights.values())) for code, weight in weights.items()}
    parts = {code: math.floor(share) for code, share in exact.items()}
    by_fraction = sorted(weights, key=lambda code: (parts[code] - exact[code], code))
    for code in by_fraction[: units - sum(parts.values())]:
        parts[code] += 1
    answer = {code: sign * part * unit_oere for code, part in parts.items()}
    answer[min(weights, key=lambda code: (-weights[code], code))] += sign * odd
    assert sum(answer.values()) == total_oere
    return answer


def rates(total_oere: int, count: int = 12, unit_oere: int = 1) -> list[int]:
    """Domain rule 4: each rounded down to the unit, and the last takes the rest."""
    each = math.floor(Fraction(total_oere, count * unit_oere)) * unit_oere
    return [each] * (count - 1) + [total_oere - each * (count - 1)]


@dataclass(frozen=True)
class Said:
    """What the command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(self.out)


class Desk:
    """One database and the command; in this process, since that is far faster than starting one each time."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.as_of = "2008-05-20"
        self._engine = create_engine(with_driver(url))
        self._tables: list[str] | None = None

    def says(self, *arguments: object, url: str | None = None) -> Said:
        """The command as it is typed, on ``as_of``."""
        from portal.commands import main

        out, err = io.StringIO(), io.StringIO()
        opened: list[Database] = []

        def opening(address: str) -> Database:
            opened.append(Database(address))
            return opened[-1]

        patch = pytest.MonkeyPatch()
        # A process that ends closes what it opened; this one goes on.
        patch.setattr("portal.commands.door.Database", opening)
        patch.setenv("MELLEMREGNING_DATABASE_URL", url or self.url)
        patch.setenv("MELLEMREGNING_ACTOR", "prøven")
        patch.delenv("MELLEMREGNING_LANG", raising=False)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main(["--as-of", self.as_of, *map(str, arguments)])
        finally:
            patch.undo()
            for database in opened:
                database.dispose()
        code = ended.value.code
        assert isinstance(code, int) or code is None
        return Said(code or 0, out.getvalue(), err.getvalue())

    def does(self, *arguments: object, status: int = 0) -> Any:  # noqa: ANN401 - any JSON value
        """One command that works; its JSON."""
        said = self.says(*arguments, "--json")
        assert said.status == status, f"{arguments}: {said}"
        return said.json

    def refuses(self, *arguments: object, words: Sequence[str] = (), status: int = 1) -> Said:
        """One command that does not work: status, one JSON object, Danish words on stderr, and nothing is changed."""
        before = self.everything()
        said = self.says(*arguments, "--json")
        assert said.status == status, f"{arguments}: {said}"
        assert "Traceback" not in said.err
        for word in words:
            assert word in said.err, f"«{word}» is not in: {said.err}"
        if status == 1:
            assert set(said.json) == {"error", "message"}
            assert re.fullmatch(r"[A-Z][A-Za-z]+", said.json["error"])
            assert said.json["message"] == said.err.rstrip("\n")
        plain = self.says(*arguments)
        assert (plain.status, plain.out) == (status, ""), plain
        assert self.everything() == before
        return said

    def everything(self) -> dict[str, Sequence[Any]]:
        """All rows of all tables as they lie, read without the code under test."""
        with self._engine.connect() as connection:
            if self._tables is None:
                self._tables = inspect(connection).get_table_names()
            driver = connection.connection.cursor()
            found: dict[str, Sequence[Any]] = {}
            for name in self._tables:
                driver.execute(f'SELECT * FROM "{name}"')
                found[name] = driver.fetchall()
            driver.close()
            return found

    def leaves(self) -> None:
        """Nothing is connected any more."""
        self._engine.dispose()

    def holds(self) -> dict[str, str]:
        """The books are verified: check -> detail."""
        answer = self.does("verify")
        assert set(answer) == {"ok", "checks"}
        assert answer["ok"] is True, answer
        assert all(set(check) == {"name", "ok", "detail"} for check in answer["checks"])
        return {check["name"]: check["detail"] for check in answer["checks"]}

    def file(self, name: str, content: str | bytes) -> Path:
        """A file to load."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def costs(
        self, table: str, year: int, amounts: Mapping[str, int], *, code: str = FUNEN, name: str | None = None
    ) -> Path:
        """A file of budgets or accounts of one year, one line of cost per provider."""
        lines = [cost(table, year, provider, amount) for provider, amount in amounts.items()]
        return self.file(name or f"{table}_{year}.toml", f'[agreement]\ncode = "{code}"\n' + "".join(lines))

    def agreement(self, *extra: str, code: str = FUNEN, **terms: str) -> Path:
        """The Funen agreement with other terms, ``lag_years="1"``; what is extra is put at the end."""
        text = (FILES / "fyn.toml").read_text(encoding="utf-8").replace(f'"{FUNEN}"', f'"{code}"')
        for key, value in terms.items():
            text, times = re.subn(rf"(?m)^{key} = [^\n]*$", f"{key} = {value}", text)
            assert times == 1, key
        return self.file(f"{code}.toml", "\n".join([text, *extra]))

    def year(self, year: int, code: str = FUNEN, months_ahead: int = 1) -> list[Any]:
        """The twelve months of a year, each on the 10th of the month that it is sent in."""
        answers = []
        for number in range(1, 13):
            place = year * 12 + number - 1 - months_ahead
            self.as_of = f"{place // 12}-{place % 12 + 1:02d}-10"
            answers.append(self.does("month", "issue", code, f"{year}-{number:02d}"))
            assert answers[-1]["failed"] == []
        return answers


def cost(table: str, year: int, provider: str, amount_oere: int, **more: str) -> str:
    """One line of a budget or of accounts, as TOML."""
    kroner, oere = divmod(abs(amount_oere), 100)
    sign = "-" if amount_oere < 0 else ""
    others = "".join(
        f'{key} = "{value}"\n' for key, value in {"service": "ambulant", "note": "Eksempel", **more}.items()
    )
    return f'[[{table}]]\nyear = {year}\nprovider = "{provider}"\namount = "{sign}{kroner}.{oere:02d}"\n{others}'


def by_code(entries: Sequence[Mapping[str, Any]], key: str) -> dict[str, int]:
    """Municipality -> one figure; each municipality is there once."""
    found = {str(entry["municipality"]): entry[key] for entry in entries}
    assert len(found) == len(entries)
    assert all(type(value) is int for value in found.values())
    return found


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk on a database with the tables and the shipped inhabitants, on both engines."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    yield desk
    desk.leaves()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with tables and inhabitants, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    desk = Desk(f"sqlite:///{folder / 'books.sqlite'}", folder)
    desk.does("db", "upgrade")
    desk.leaves()
    return folder / "books.sqlite"


@pytest.fixture
def quick(filled: Path, tmp_path: Path) -> Iterator[Desk]:
    """A desk on an SQLite copy, for what is the same on both engines."""
    import sqlite3

    with (
        contextlib.closing(sqlite3.connect(filled)) as source,
        contextlib.closing(sqlite3.connect(tmp_path / "books.sqlite")) as copy,
    ):
        source.backup(copy)
    desk = Desk(f"sqlite:///{tmp_path / 'books.sqlite'}", tmp_path)
    yield desk
    desk.leaves()


@pytest.fixture
def agreed(quick: Desk) -> Desk:
    """The Funen agreement is registered."""
    quick.does("agreement", "load", FILES / "fyn.toml")
    return quick


@pytest.fixture
def priced(agreed: Desk) -> Desk:
    """The price of 2009 is calculated."""
    agreed.does("subscription", "calculate", FUNEN, 2009)
    return agreed


@pytest.fixture
def billed(priced: Desk) -> Desk:
    """All of 2009 is billed, and it is 1 February 2010."""
    priced.year(2009)
    priced.as_of = "2010-02-01"
    return priced
