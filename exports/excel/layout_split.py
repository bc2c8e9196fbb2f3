"""Largest remainder in a sheet: the columns by which totals of groups are split, each a formula beside its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap

from exports.excel.sheet_draft import Column, kroner_column
from exports.excel.workbook import Style


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One weight of a group whose total is split by largest remainder."""

    group: int
    weight: int


class Split:
    """What each step of splitting the totals of groups comes to; the same arithmetic as the formulas beside it."""

    def __init__(self, rows: Sequence[SplitRow], totals: Mapping[int, int], unit: int) -> None:
        self.rows, self.unit = rows, unit
        self.whole = [sum(other.weight for other in rows if other.group == row.group) for row in rows]
        self.total = [totals[row.group] for row in rows]
        self.units_all = [abs(total) // unit for total in self.total]
        scaled = list(zip(self.units_all, rows, self.whole, strict=True))
        self.units = [all_ * row.weight // whole for all_, row, whole in scaled]
        self.remainder = [all_ * row.weight % whole for all_, row, whole in scaled]
        self.rank = list(starmap(self._rank, enumerate(rows)))
        placed = {row.group: self._sum(self.units, row.group) for row in rows}
        self.left = [all_ - placed[row.group] for all_, row in zip(self.units_all, rows, strict=True)]
        self.extra = [1 if rank <= left else 0 for rank, left in zip(self.rank, self.left, strict=True)]
        self.odd = [
            abs(total) - all_ * unit if self._largest(index, row) else 0
            for index, (row, total, all_) in enumerate(zip(rows, self.total, self.units_all, strict=True))
        ]
        self.share = [
            (-1 if total < 0 else 1) * ((units + extra) * unit + odd)
            for total, units, extra, odd in zip(self.total, self.units, self.extra, self.odd, strict=True)
        ]

    def _sum(self, values: Sequence[int], group: int) -> int:
        return sum(value for value, row in zip(values, self.rows, strict=True) if row.group == group)

    def _rank(self, index: int, row: SplitRow) -> int:
        own = self.remainder[index]
        larger = [
            place
            for place, other in enumerate(self.rows)
            if other.group == row.group
            and (self.remainder[place] > own or (self.remainder[place] == own and place <= index))
        ]
        return len(larger)

    def _largest(self, index: int, row: SplitRow) -> bool:
        return not any(
            other.group == row.group and (other.weight > row.weight or (other.weight == row.weight and place < index))
            for place, other in enumerate(self.rows)
        )

    def columns(self, total_formulas: Sequence[str], unit_cell: str, heading: str) -> list[Column]:
        """The columns from ``weight`` to ``share``; the list has a column ``group`` before them."""
        same = "({group:all}={group})"
        return [
            Column("weight", heading, Style.COUNT, [row.weight for row in self.rows]),
            Column("whole", "Tal i alt", Style.COUNT, self.whole, f"=SUMPRODUCT({same}*{{weight:all}})"),
            Column("total", "Til fordeling\n(øre)", Style.OERE, self.total, list(total_formulas)),
            Column("units_all", "Enheder\ni alt", Style.COUNT, self.units_all, f"=INT(ABS({{total}})/{unit_cell})"),
            Column(
                "per",
                "Pr. tal",
                Style.COUNT,
                [all_ // whole for all_, whole in zip(self.units_all, self.whole, strict=True)],
                "=INT({units_all}/{whole})",
            ),
            Column(
                "rest",
                "Rest",
                Style.COUNT,
                [all_ % whole for all_, whole in zip(self.units_all, self.whole, strict=True)],
                "={units_all}-{per}*{whole}",
            ),
            Column("units", "Hele\nenheder", Style.COUNT, self.units, "={per}*{weight}+INT({rest}*{weight}/{whole})"),
            Column(
                "remainder",
                "Rest\n(tæller)",
                Style.COUNT,
                self.remainder,
                "={rest}*{weight}-{whole}*INT({rest}*{weight}/{whole})",
            ),
            Column(
                "rank",
                "Rang",
                Style.COUNT,
                self.rank,
                f"=SUMPRODUCT({same}*({{remainder:all}}>{{remainder}}))"
                "+SUMPRODUCT(({group:down}={group})*({remainder:down}={remainder}))",
            ),
            Column(
                "left",
                "Enheder\ntilbage",
                Style.COUNT,
                self.left,
                f"={{units_all}}-SUMPRODUCT({same}*{{units:all}})",
            ),
            Column("extra", "Ekstra\nenhed", Style.COUNT, self.extra, "=IF({rank}<={left},1,0)"),
            Column(
                "odd",
                "Øre under\nen enhed",
                Style.OERE,
                self.odd,
                f"=IF(SUMPRODUCT({same}*({{weight:all}}>{{weight}}))=0,"
                "IF(SUMPRODUCT(({group:down}={group})*({weight:down}={weight}))=1,"
                f"ABS({{total}})-{{units_all}}*{unit_cell},0),0)",
            ),
            Column(
                "share",
                "Andel\n(øre)",
                Style.OERE,
                self.share,
                f"=IF({{total}}<0,-1,1)*(({{units}}+{{extra}})*{unit_cell}+{{odd}})",
                sum(self.share),
            ),
            kroner_column("kroner", "Andel\n(kr.)", "share", self.share),
        ]
