"""Every file that we have seen, every layout, every refusal. The numbers are typed from the files."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements import population_file, population_grid
from agreements.municipality import MUNICIPALITIES
from agreements.population import (
    AreasContradict,
    AreaUnknown,
    CountNotWhole,
    Layout,
    LeftOut,
    PopulationConflict,
    PopulationFileNotUnderstood,
    PopulationFileTooLarge,
    PopulationReading,
    PopulationRowBroken,
    TimeInTheFuture,
    TimeMissing,
    TimeNotUnderstood,
    TotalMissing,
)
from agreements.population_file import (
    A_BREAKDOWN,
    A_REPETITION,
    NOT_A_MUNICIPALITY,
    read_population,
    shipped_population,
)
from foundation.errors import MellemregningError

FILES = Path(__file__).parent / "statbank_files"
FETCHED = date(2026, 9, 30)
Figures = Mapping[tuple[str, date], int]

# Statistics Denmark's national totals less Christiansø; 2024 is not complete.
SUMS_OF_THE_98 = {
    2007: 5_446_989,
    2008: 5_475_695,
    2009: 5_511_355,
    2010: 5_534_637,
    2011: 5_560_534,
    2012: 5_580_413,
    2013: 5_602_536,
    2014: 5_627_145,
    2015: 5_659_624,
    2016: 5_707_160,
    2017: 5_748_691,
    2018: 5_781_107,
    2019: 5_805_991,
    2020: 5_822_679,
    2021: 5_839_955,
    2022: 5_873_327,
    2023: 5_932_561,
    2025: 5_992_644,
    2026: 6_025_511,
}
FUNEN_2008 = {
    "420": 42_054,
    "430": 51_950,
    "440": 23_630,
    "450": 31_607,
    "461": 186_932,
    "479": 59_040,
    "480": 29_470,
    "482": 13_741,
    "492": 6_712,
}


def read(content: bytes | str, name: str = "fil.csv", on: date | None = None) -> PopulationReading:
    raw = content.encode() if isinstance(content, str) else content
    return read_population(name, raw, fetched_on=FETCHED, on=on)


def read_file(name: str, on: date | None = None) -> PopulationReading:
    return read((FILES / name).read_bytes(), name, on)


def counts(reading: PopulationReading) -> dict[tuple[str, date], int]:
    return {figure.key: figure.inhabitants for figure in reading.figures}


def new_year(year: int) -> date:
    return date(year, 1, 1)


# --- the figures that come with the project


def test_the_shipped_figures_sum_to_the_nation() -> None:
    sums: Counter[int] = Counter()
    for figure in shipped_population():
        assert (figure.on.month, figure.on.day) == (1, 1)
        sums[figure.on.year] += figure.inhabitants
    del sums[2024]
    assert dict(sums) == SUMS_OF_THE_98


def test_the_shipped_figures_have_98_municipalities_in_every_year_but_2024() -> None:
    in_year = Counter(figure.on.year for figure in shipped_population())
    assert in_year == {year: 15 if year == 2024 else 98 for year in range(2007, 2027)}
    assert len({figure.key for figure in shipped_population()}) == 1877
    assert {figure.municipality for figure in shipped_population()} == set(MUNICIPALITIES)


def test_a_shipped_figure_has_its_source_and_when_it_was_fetched() -> None:
    figures = {figure.key: figure for figure in shipped_population()}
    odense = figures["461", new_year(2008)]
    assert odense.inhabitants == 186_932
    assert odense.source == "Danmarks Statistik, FOLK1A og BEF1A07 (CC BY 4.0), hentet 2023"
    assert odense.fetched_on == date(2023, 12, 31)
    assert figures["461", new_year(2024)].fetched_on == date(2026, 9, 30)
    assert {code: figures[code, new_year(2008)].inhabitants for code in FUNEN_2008} == FUNEN_2008


# --- every file that we have


def test_all_areas_by_name() -> None:
    reading = read_file("api_folk1a_all_areas_2020k1.csv")
    assert (reading.layout, reading.encoding) == (Layout.STATBANK_CSV, "utf-8")
    found = counts(reading)
    assert len(found) == 98
    assert sum(found.values()) == SUMS_OF_THE_98[2020]
    assert found["101", new_year(2020)] == 632_340
    assert found["147", new_year(2020)] == 104_305
    others = ["Hele landet", "Region Hovedstaden", "Christiansø", "Region Sjælland", "Region Syddanmark"]
    others += ["Region Midtjylland", "Region Nordjylland"]
    assert reading.left_out == (
        *(LeftOut(area, NOT_A_MUNICIPALITY, 5) for area in others),
        LeftOut("CIVILSTAND: Ugift, Gift/separeret, Enke/enkemand, Fraskilt", A_BREAKDOWN, 392),
    )
    assert reading.figures[0].source == "Indlæst fra api_folk1a_all_areas_2020k1.csv"
    assert reading.figures[0].fetched_on == FETCHED


@pytest.mark.parametrize(
    ("name", "encoding", "layout", "area", "rows"),
    [
        ("api_folk1a_bom_crlf.csv", "utf-8-sig", Layout.STATBANK_CSV, "Hele landet", 52),
        ("api_folk1a_codes_head.csv", "utf-8", Layout.STATBANK_CSV, "000", 399),
        ("manual_matrix_excerpt.csv", "utf-8", Layout.MATRIX, "All Denmark", 9),
    ],
)
def test_files_without_a_municipality_give_no_figures(
    name: str, encoding: str, layout: Layout, area: str, rows: int
) -> None:
    reading = read_file(name)
    assert reading == PopulationReading((), (LeftOut(area, NOT_A_MUNICIPALITY, rows),), encoding, layout)


def test_a_table_without_areas_is_refused() -> None:
    with pytest.raises(PopulationFileNotUnderstood, match=r"uden kommuner \(kolonner: HERKOMST1, TID, INDHOLD\)"):
        read_file("api_raw_bytes.csv")


def test_ages_without_a_time_are_told_for_what_they_are() -> None:
    with pytest.raises(TimeMissing) as refused:
        read_file("manual_latin1_noheader_head.csv")
    assert refused.value.facts["columns"] == (
        "område (Region Midtjylland, Favrskov); kolonne 2 (alder 18-125, Subtotal); antal"
    )
    with pytest.raises(TotalMissing, match=r"kun opdelte tal for Favrskov \(710\) pr. 01.01.2012.*kolonne 2"):
        read_file("manual_latin1_noheader_head.csv", on=new_year(2012))


@pytest.mark.parametrize("name", ["recorded_request_csv.yml", "recorded_request_jsonstat.yml", "README.md"])
def test_a_recording_is_no_population_file(name: str) -> None:
    with pytest.raises(PopulationFileNotUnderstood):
        read_file(name)


def test_the_recorded_answers_have_no_municipalities() -> None:
    recorded = (FILES / "recorded_request_csv.yml").read_text()
    body = base64.b64decode(re.findall(r"!binary \|-\s+(\S+)", recorded)[0])
    assert body == (FILES / "api_raw_bytes.csv").read_bytes()
    recorded = (FILES / "recorded_request_jsonstat.yml").read_text()
    text = re.sub(r"\n +", " ", re.findall(r"string: '(\{\"dataset\".*?\})'\n", recorded, re.DOTALL)[0])
    assert json.loads(text)["dataset"]["value"] == [233_454]
    with pytest.raises(PopulationFileNotUnderstood, match="uden kommuner"):
        read(text)


@pytest.mark.parametrize(
    ("name", "layout", "area"),
    [
        ("made_api_folk1a_codes_fyn.csv", Layout.STATBANK_CSV, "000"),
        ("made_matrix_fyn.csv", Layout.MATRIX, "All Denmark"),
    ],
)
def test_funen_in_the_layouts_of_the_real_files(name: str, layout: Layout, area: str) -> None:
    reading = read_file(name)
    assert reading.layout is layout
    assert reading.left_out == (LeftOut(area, NOT_A_MUNICIPALITY, 2),)
    found = counts(reading)
    assert len(found) == 18
    assert {code: found[code, new_year(2008)] for code in FUNEN_2008} == FUNEN_2008
    assert sum(found[code, new_year(2008)] for code in FUNEN_2008) == 445_136
    assert found["461", new_year(2009)] == 187_929


def test_the_matrix_as_a_workbook() -> None:
    reading = read(workbook_of((FILES / "made_matrix_fyn.csv").read_text()), "fyn.xlsx")
    assert (reading.encoding, reading.layout) == ("xlsx", Layout.MATRIX)
    assert counts(reading) == counts(read_file("made_matrix_fyn.csv"))


def workbook_of(text: str, before: str = "", after: str = "") -> bytes:
    """A workbook as people save it: numbers are numbers, blank cells are nothing; other sheets around it."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, cells in (("Forside", before), ("FOLK1A", text), ("Noter", after)):
        sheet = workbook.create_sheet(title)
        for row in csv.reader(io.StringIO(cells)):
            sheet.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    held = io.BytesIO()
    workbook.save(held)
    return held.getvalue()


# --- the layouts, one by one

ODENSE_AND_NORDFYN = {("461", new_year(2008)): 186_932, ("480", new_year(2008)): 29_470}


@pytest.mark.parametrize(
    "text",
    [
        "OMRÅDE;TID;INDHOLD\n461;2008K1;186932\n480;2008K1;29470\n",
        "OMRÅDE;TID;INDHOLD\n0461;2008Q1;186932\n0480;2008Q1;29470\n",
        "INDHOLD;TID;OMRÅDE\n186932;2008;Odense\n29470;2008;Nordfyns\n",
        "region;time;INDHOLD\nOdense Kommune;2008Q1;186932\nNordfyns Kommune;2008Q1;29470\n",
        "OMRÅDE;KØN;TID;INDHOLD\n461 Odense;TOT I alt;2008K1;186932\n480 Nordfyns;TOT I alt;2008K1;29470\n",
        "OMRÅDE;KØN;ALDER;TID;INDHOLD\n461;TOT;IALT;1. januar 2008;186932\n480;I alt;Alder i alt;01.01.2008;29470",
        "region;sex;age;time;INDHOLD\nOdense;Total;Age, total;1 January 2008;186932\nNordfyn;TOT;Total;2008M01;29470",
        "OMRÅDE;KØN;TID;INDHOLD\nOdense;Mænd og kvinder i alt;2008;186932\nNordfyn;Men and women, total;2008;29470",
        "OMRÅDE;HERKOMST;TID;INDHOLD\n461;00;2008K1;186 932\n480;00 I alt;2008K1;29470\n",
        "OMRÅDE,TID,INDHOLD\nOdense,2008-01-01,186932\nNordfyns,2008-01-01,29470\n",
        "OMRÅDE\tTID\tINDHOLD\r\nOdense\t2008K1\t186932\r\nNordfyns\t2008K1\t29470\r\n",
        "Folketal den 1. i kvartalet\n\nOMRÅDE;TID;INDHOLD\nOdense;2008K1;186932\nNordfyns;2008K1;29470\n",
        '"OMRÅDE";"TID";"INDHOLD"\n"Odense";"2008K1";186932\n"Nordfyns";"2008K1";29470\n',
        "kommunekode,kommune,date,population,source\n461,Odense,2008-01-01,186932,x\n480,Nordfyns,2008-01-01,29470,x\n",
        "kommunekode;date;population\n461;2008-01-01;186932\n480;2008-01-01;29470\n",
        "OMRÅDE;2008K1\nOdense;186932\nNordfyns;29470\n",
        "OMRÅDE;KØN;2008K1\nOdense;I alt;186932\n;Mænd;92\nNordfyns;I alt;29470\n",
        ";;I alt;Mænd\nOdense;2008K1;186932;92\nNordfyns;;;\n;2008K1;29470;14\n",
        ";2008K1;\n;I alt;Mænd\nOdense;186932;92\nNordfyns;29470;14\n",
    ],
)
def test_the_same_figures_in_every_form(text: str) -> None:
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("cp1252"), text.encode("utf-16")):
        assert counts(read(content)) == ODENSE_AND_NORDFYN


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2008K1", date(2008, 1, 1)),
        ("2008K2", date(2008, 4, 1)),
        ("2008Q3", date(2008, 7, 1)),
        ("2008k4", date(2008, 10, 1)),
        ("2008", date(2008, 1, 1)),
        ("2008M05", date(2008, 5, 1)),
        ("2008-07-01", date(2008, 7, 1)),
        ("1. oktober 2008", date(2008, 10, 1)),
        ("1 October 2008", date(2008, 10, 1)),
        ("01-04-2008", date(2008, 4, 1)),
    ],
)
def test_times(time: str, day: date) -> None:
    assert counts(read(f"OMRÅDE;TID;INDHOLD\n461;{time};186932\n")) == {("461", day): 186_932}


@pytest.mark.parametrize(
    "time", ["2008K5", "2008K0", "208K1", "2008U01", "2008-13-01", "2008-02-30", "i går", "", "1066"]
)
def test_times_that_are_none(time: str) -> None:
    with pytest.raises(TimeNotUnderstood, match="linje 2"):
        read(f"OMRÅDE;TID;INDHOLD\n461;{time};186932\n")


@pytest.mark.parametrize(
    "area",
    [
        "Hele landet",
        "All Denmark",
        "Region Sjælland",
        "Landsdel Fyn",
        "Province Fyn",
        "Christiansø",
        "411",
        "000",
        "0",
        "081",
        "85",
        "08",
        "08 Landsdel Fyn",
        "083 Region Syddanmark",
    ],
)
def test_areas_that_are_no_municipality_are_left_out_and_counted(area: str) -> None:
    text = f"OMRÅDE;TID;INDHOLD\n{area};2008K1;100\n461;2008K1;186932\n{area};2009K1;..\n"
    reading = read(text)
    assert counts(reading) == {("461", new_year(2008)): 186_932}
    assert reading.left_out == (LeftOut(area, NOT_A_MUNICIPALITY, 2),)


@pytest.mark.parametrize("area", ["Odnese", "462", "46", "04610", "Odense, Fyn", "Kommune", "", "Ã†rø", "Sydlangeland"])
def test_an_area_that_nobody_knows_is_refused_by_name_and_line(area: str) -> None:
    with pytest.raises(AreaUnknown) as refused:
        read(f"OMRÅDE;TID;INDHOLD\n461;2008K1;186932\n{area};2008K1;100\n")
    assert (refused.value.facts["area"], refused.value.facts["place"]) == (area, "linje 3")


def test_a_code_and_a_name_of_two_municipalities_are_refused() -> None:
    with pytest.raises(AreasContradict, match="koden 461 ved »Svendborg« i linje 2"):
        read("OMRÅDE;TID;INDHOLD\n461 Svendborg;2008K1;186932\n")
    with pytest.raises(AreasContradict, match="koden 479 ved »Odense« i linje 3"):
        read("kommunekode,kommune,date,population\n461,Odense,2008-01-01,1\n479,Odense,2008-01-01,2\n")


@pytest.mark.parametrize(
    "value",
    ["..", "", "1.234,5", "1.234", "1,234", "-5", "12x", "1e5", "١٢", "1 23", "12 3456", "=1+1", "123 456 789 012"],
)
def test_a_figure_that_is_no_whole_number_is_refused_with_its_line(value: str) -> None:
    with pytest.raises(CountNotWhole) as refused:
        read(f"OMRÅDE;TID;INDHOLD\n480;2008K1;29470\n461;2008K1;{value}\n")
    assert refused.value.facts["place"] == "linje 3"
    assert refused.value.facts["municipality"] == "Odense (461)"
    assert refused.value.facts["value"] == value


@pytest.mark.parametrize(("value", "inhabitants"), [("0", 0), ("186 932", 186_932), ("1.186.932", 1_186_932)])
def test_figures_that_can_only_be_read_one_way(value: str, inhabitants: int) -> None:
    assert counts(read(f"OMRÅDE;TID;INDHOLD\n461;2008K1;{value}\n")) == {("461", new_year(2008)): inhabitants}


def test_a_misread_column_is_refused_also_where_the_row_is_left_out() -> None:
    with pytest.raises(CountNotWhole, match="»mange« for Hele landet i linje 2"):
        read("OMRÅDE;TID;INDHOLD\nHele landet;2008K1;mange\n461;2008K1;186932\n")
    with pytest.raises(CountNotWhole, match="»mange« for Odense"):
        read("OMRÅDE;KØN;TID;INDHOLD\n461;Mænd;2008K1;mange\n461;TOT;2008K1;186932\n")


# --- what counts and what breaks down


def test_breakdowns_are_left_out_and_named() -> None:
    text = "OMRÅDE;KØN;ALDER;TID;INDHOLD\n461;TOT;IALT;2008K1;186932\n461;1;IALT;2008K1;91000\n461;TOT;0;2008K1;..\n"
    reading = read(text)
    assert counts(reading) == {("461", new_year(2008)): 186_932}
    assert reading.left_out == (LeftOut("KØN: 1", A_BREAKDOWN, 1), LeftOut("ALDER: 0", A_BREAKDOWN, 1))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("KØN", "Mænd"),
        ("KØN", "Mænd i alt"),
        ("KØN", "Men, total"),
        ("ALDER", "0"),
        ("ALDER", "00"),
        ("age", "00"),
        ("ALDER", "Subtotal"),
        ("CIVILSTAND", "U"),
        ("HERKOMST", ""),
    ],
)
def test_a_municipality_without_its_total_is_refused_and_never_summed(header: str, value: str) -> None:
    with pytest.raises(TotalMissing) as refused:
        read(f"OMRÅDE;{header};TID;INDHOLD\n480;TOT;2008K1;29470\n461;{value};2008K1;91000\n")
    facts = refused.value.facts
    assert (facts["municipality"], facts["on"], facts["variable"]) == ("Odense (461)", new_year(2008), header)


def test_a_total_is_needed_for_every_date() -> None:
    with pytest.raises(TotalMissing, match=r"pr. 01\.04\.2008"):
        read("OMRÅDE;KØN;TID;INDHOLD\n461;TOT;2008K1;186932\n461;1;2008K1;91000\n461;1;2008K2;91100\n")


def test_totals_of_each_variable_alone_are_no_total_of_all() -> None:
    text = "OMRÅDE;KØN;ALDER;TID;INDHOLD\n461;TOT;5;2008K1;100\n461;1;IALT;2008K1;91000\n"
    with pytest.raises(TotalMissing, match="totalen af KØN og ALDER"):
        read(text)


def test_the_men_are_not_taken_for_the_whole() -> None:
    with pytest.raises(PopulationFileNotUnderstood, match="uden kolonnen INDHOLD"):
        read("OMRÅDE;TID;Mænd\n461;2008K1;91000\n")
    with pytest.raises(TotalMissing, match=r"totalen af overskrift 1\. Fundet: Mænd"):
        read(";;Mænd\nOdense;2008K1;91000\n")


def test_a_new_area_of_a_matrix_does_not_inherit_the_time_of_the_one_above() -> None:
    with pytest.raises(TimeNotUnderstood, match="»« i linje 3"):
        read(";;I alt\nOdense;2008K1;186932\nNordfyns;;29470\n")


def test_the_same_figure_twice_is_one_and_two_figures_are_a_conflict() -> None:
    reading = read("OMRÅDE;TID;INDHOLD\n461;2008K1;186932\nOdense;2008;186932\n")
    assert counts(reading) == {("461", new_year(2008)): 186_932}
    assert reading.left_out == (LeftOut("gentagne linjer", A_REPETITION, 1),)
    with pytest.raises(PopulationConflict) as refused:
        read("OMRÅDE;TID;INDHOLD\n461;2008K1;186932\nOdense;2008;186933\n")
    facts = refused.value.facts
    assert facts == {
        "file": "fil.csv",
        "municipality": "Odense (461)",
        "on": new_year(2008),
        "first": 186_932,
        "second": 186_933,
    }


# --- files without headings, and their encodings


def test_a_windows_file_without_headings() -> None:
    reading = read("Hele landet;2008K1;5475791\r\nÆrø;2008K1;6712\r\nRødovre;2008K1;36130\r\n".encode("latin-1"))
    assert (reading.encoding, reading.layout) == ("cp1252", Layout.WITHOUT_HEADER)
    assert counts(reading) == {("492", new_year(2008)): 6_712, ("175", new_year(2008)): 36_130}
    assert reading.left_out == (LeftOut("Hele landet", NOT_A_MUNICIPALITY, 1),)


def test_without_headings_the_columns_may_stand_in_another_order() -> None:
    assert counts(read("2008K1;461;186932\n2008K1;480;29470\n")) == ODENSE_AND_NORDFYN


def test_areas_and_counts_alone_need_a_date() -> None:
    text = "Odense;186932\nNordfyns;29470\n"
    assert counts(read(text, on=new_year(2008))) == ODENSE_AND_NORDFYN
    with pytest.raises(TimeMissing, match=r"område \(Odense, Nordfyns\); antal, men ingen tid"):
        read(text)
    with pytest.raises(TimeMissing):  # a small municipality's count is no year
        read("Læsø;1995\n")


def test_a_file_s_own_time_goes_before_the_given_date() -> None:
    assert set(counts(read("Odense;2008K1;186932\n", on=new_year(2020)))) == {("461", new_year(2008))}


def test_a_projection_is_refused_where_today_is_known() -> None:
    text = b"OMR\xc5DE;TID;INDHOLD\n461;2008;186932\n461;2040;220000\n"
    assert len(read(text).figures) == 2
    with pytest.raises(TimeInTheFuture, match=r"tal for 01.01.2040, som er efter 30.09.2026"):
        read_population("fil.csv", text, fetched_on=FETCHED, not_after=FETCHED)


def test_whose_source_counts() -> None:
    text = b"kommunekode,kommune,date,population,source\n461,Odense,2008-01-01,186932,BEF1A07\n480,,2008-01-01,29470,\n"
    text = text.replace(b"480,,", b"480,Nordfyns,")
    assert [figure.source for figure in read(text).figures] == ["BEF1A07", "Indlæst fra fil.csv"]
    given = read_population("fil.csv", text, fetched_on=FETCHED, source="FOLK1A, hentet af Økonomi")
    assert {figure.source for figure in given.figures} == {"FOLK1A, hentet af Økonomi"}


# --- JSON-stat


def json_stat(version: int, *, index: str = "dict", sparse: bool = False) -> dict[str, object]:
    """Odense and Nordfyns at three quarters, with the country and the men beside."""
    names = {
        "OMRÅDE": ["000", "461", "480"],
        "KØN": ["TOT", "1"],
        "ContentsCode": ["FOLK1A"],
        "Tid": ["2008K1", "2008K2"],
    }
    labels = {"000": "Hele landet", "461": "Odense", "480": "Nordfyns", "TOT": "I alt", "1": "Mænd", "FOLK1A": "Antal"}
    values = [5_475_791, 5_482_266, 1, 2, 186_932, 186_500, 3, 4, 29_470, 29_400, 5, 6]
    dimension: dict[str, object] = {
        name: {
            "label": name.lower(),
            "category": {
                "index": {code: at for at, code in enumerate(codes)} if index == "dict" else codes,
                "label": {code: labels.get(code, code) for code in codes},
            },
        }
        for name, codes in names.items()
    }
    about = {
        "id": list(names),
        "size": [len(codes) for codes in names.values()],
        "role": {"metric": ["ContentsCode"], "time": ["Tid"]},
    }
    value = {str(at): count for at, count in enumerate(values)} if sparse else values
    common = {"source": "Statistics Denmark", "value": value, "extension": {"px": {"tableid": "FOLK1A"}}}
    if version == 1:
        return {"dataset": {"dimension": dimension | about, **common}}
    return {"version": "2.0", "class": "dataset", "dimension": dimension, **about, **common, "status": {"0": "p"}}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("index", ["dict", "list"])
@pytest.mark.parametrize("sparse", [False, True])
def test_json_stat(version: int, index: str, *, sparse: bool) -> None:
    document = json_stat(version, index=index, sparse=sparse)
    reading = read(json.dumps(document, ensure_ascii=False), "svar.json")
    spring = date(2008, 4, 1)
    assert counts(reading) == ODENSE_AND_NORDFYN | {("461", spring): 186_500, ("480", spring): 29_400}
    assert reading.left_out == (LeftOut("000", NOT_A_MUNICIPALITY, 4), LeftOut("KØN: Mænd", A_BREAKDOWN, 4))
    assert reading.layout is Layout.JSON_STAT
    assert {figure.source for figure in reading.figures} == {"Statistics Denmark, FOLK1A"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"dataset": 5}',
        '{"errorTypeCode": "EXTRACT-NOTFOUND", "message": "Tabellen blev ikke fundet"}',
        "[" * 100_000,
        '{"dataset": {"dimension": {}}}',
        '{"dataset": {"dimension": {"id": ["OMRÅDE"], "size": [1]}}}',
        json.dumps(json_stat(2))[:-200],
        json.dumps(json_stat(2) | {"value": [1, 2]}),
        json.dumps(json_stat(2) | {"value": {"999999999999": 1}}),
        json.dumps(json_stat(2) | {"value": {}}),
        json.dumps(json_stat(2) | {"size": [3, 2, 1, 9]}),
    ],
)
def test_json_that_is_no_whole_dataset(text: str) -> None:
    with pytest.raises(PopulationFileNotUnderstood):
        read(text, "svar.json")


@pytest.mark.parametrize("value", [None, 1.5, True, -1, "mange"])
def test_a_json_value_that_is_no_count(value: object) -> None:
    document = json_stat(2, sparse=True)
    values = document["value"]
    assert isinstance(values, dict)
    values["4"] = value
    with pytest.raises(CountNotWhole, match=r"Odense \(461\) i værdi nummer 5"):
        read(json.dumps(document), "svar.json")


# --- workbooks


def test_a_workbook_reads_its_first_sheet_that_holds_something() -> None:
    text = "OMRÅDE,TID,INDHOLD\nOdense,2008K1,186932\nNordfyns,2008K1,29470\n"
    reading = read(workbook_of(text, after="Kilde,Danmarks Statistik\n\nLicens,CC BY\n"), "folketal.xlsx")
    assert counts(reading) == ODENSE_AND_NORDFYN
    assert reading.left_out == (LeftOut("ark Noter", "kun det første ark med indhold læses", 2),)


def test_dates_and_decimals_of_a_workbook() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(["OMRÅDE", "TID", "INDHOLD"])
    sheet.append([461, datetime(2008, 1, 1), 186932.0])  # noqa: DTZ001 - a workbook's dates have no zone
    held = io.BytesIO()
    workbook.save(held)
    assert counts(read(held.getvalue())) == {("461", new_year(2008)): 186_932}
    sheet.append([480, 2008, 29470.5])
    workbook.save(held := io.BytesIO())
    with pytest.raises(CountNotWhole, match=r"»29470.5« for Nordfyns \(480\) i ark Sheet, række 3"):
        read(held.getvalue())


def archive(entries: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return held.getvalue()


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread() -> None:
    bomb = archive({"xl/workbook.xml": b" " * (population_grid.LARGEST_UNPACKED + 1)})
    assert len(bomb) < population_grid.MEGABYTE
    with pytest.raises(PopulationFileTooLarge, match="200 MB udpakket"):
        read(bomb, "bombe.xlsx")


def test_a_cell_far_out_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population_grid, "LARGEST_CELLS", 100_000)
    workbook = openpyxl.Workbook()
    for row in range(1, 20):
        workbook.worksheets[0].cell(row, 16_384, 1)
    held = io.BytesIO()
    workbook.save(held)
    with pytest.raises(PopulationFileTooLarge):
        read(held.getvalue(), "bred.xlsx")


# --- what is no population file


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "en tom fil"),
        (b"\xef\xbb\xbf \r\n", "en tom fil"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "en PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "et billede (PNG)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "et regneark i det gamle format xls; gem det som xlsx"),
        (bytes(range(256)), "en fil, der ikke er tekst"),
        (b"\xff\xfe\x00", "en fil, der ikke er tekst"),
        (b"<!DOCTYPE html><html><body>Log ind</body></html>", "en HTML-side"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (b"Kaere Odense\nher er tallene\n", "en tekst uden felter"),
        (b"Kaere Odense, her er tallene", "en tekst uden en genkendelig tabel"),
        (b"a;b;c\nd;e;f\n", "en tekst uden en genkendelig tabel"),
        ("OMRÅDE;TID;INDHOLD\n".encode(), "en overskrift uden tal under"),
        (b"x;2008K1;5\n", "en tabel uden kommuner (kolonner: kolonne 1, kolonne 2, kolonne 3)"),
        (b'a;"b\n', None),
        (
            archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}),
            "en zip-fil, der ikke er et xlsx-regneark",
        ),
        (archive({"xl/workbook.xml": b"<workbook/>"}), "en beskadiget xlsx-fil"),
        (b"PK\x03\x04 afbrudt", "en beskadiget xlsx-fil"),
        (workbook_of(""), "et tomt regneark"),
    ],
)
def test_what_is_no_population_file_is_told_for_what_it_is(content: bytes, found: str | None) -> None:
    with pytest.raises(PopulationFileNotUnderstood) as refused:
        read(content)
    assert type(refused.value) is PopulationFileNotUnderstood
    assert found is None or refused.value.facts["found"] == found


def test_a_file_that_was_cut_off_is_refused_with_its_line() -> None:
    with pytest.raises(PopulationRowBroken, match="2 felter i linje 3"):
        read("OMRÅDE;TID;INDHOLD\n461;2008K1;186932\n480;2008K1")


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population_file, "LARGEST_FILE", 50 * population_grid.MEGABYTE)
    with pytest.raises(PopulationFileTooLarge, match="højst 50 MB"):
        read(b" " * (50 * population_grid.MEGABYTE + 1))
    monkeypatch.setattr(population_grid, "LARGEST_CELLS", 1000)
    with pytest.raises(PopulationFileTooLarge):
        read("OMRÅDE;TID;INDHOLD\n" + "461;2008K1;186932\n" * 1000)


def test_a_message_never_repeats_a_person_s_number() -> None:
    with pytest.raises(AreaUnknown) as refused:
        read("OMRÅDE;TID;INDHOLD\n010190-1234 Hansen;2008K1;1\n")
    assert "010190" not in str(refused.value)
    assert refused.value.facts["area"] == "[cifre] Hansen"


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(alphabet='461;,\n" .2008K1OMRÅDETIDINHL{}[]:', max_size=120).map(str.encode)
    )
)
def test_whatever_comes_in_only_our_errors_come_out(content: bytes) -> None:
    try:
        read(content)
    except MellemregningError as error:
        assert "intet er ændret" in str(error)  # noqa: PT017 - either a reading or our error


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=30), st.integers(0, 5000))
def test_a_damaged_workbook_is_refused_or_read(damage: bytes, at: int) -> None:
    whole = workbook_of("OMRÅDE,TID,INDHOLD\nOdense,2008K1,186932\n")
    try:
        read(whole[:at] + damage + whole[at + len(damage) :])
    except MellemregningError as error:
        assert "intet er ændret" in str(error)  # noqa: PT017 - as above


# --- the same figures in any layout


def as_csv(figures: Figures, separator: str) -> bytes:
    rows = [
        f"{code}{separator}TOT{separator}{on.year}K{on.month // 3 + 1}{separator}{count}"
        for (code, on), count in figures.items()
    ]
    return ("\r\n".join([separator.join(("OMRÅDE", "KØN", "TID", "INDHOLD")), *rows])).encode("utf-8-sig")


def as_names_in_windows(figures: Figures) -> bytes:
    rows = [f"{MUNICIPALITIES[code].name};{on:%d.%m.%Y};{count}" for (code, on), count in figures.items()]
    return "\n".join(rows).encode("cp1252")


def as_own(figures: Figures) -> bytes:
    rows = [f"{code},{MUNICIPALITIES[code].official_name},{on},{count},kilde" for (code, on), count in figures.items()]
    return "\n".join(["kommunekode,kommune,date,population,source", *rows]).encode()


def as_matrix(figures: Figures) -> bytes:
    rows = [
        f"{MUNICIPALITIES[code].name},,,\n ,{on.year}Q{on.month // 3 + 1},,\n , ,{count},{count // 2}\n"
        for (code, on), count in figures.items()
    ]
    return "".join(['"Population, by region",,,\n , ,Total,Men\n', *rows]).encode()


def as_workbook(figures: Figures) -> bytes:
    return workbook_of(as_matrix(figures).decode())


def as_json(figures: Figures) -> bytes:
    codes, days = sorted({code for code, _ in figures}), sorted({on for _, on in figures})
    times = [f"{on.year}K{on.month // 3 + 1}" for on in days]
    value = {str(codes.index(code) * len(days) + days.index(on)): count for (code, on), count in figures.items()}
    document = {
        "dimension": {"OMRÅDE": {"category": {"index": codes}}, "Tid": {"category": {"index": times}}},
        "id": ["OMRÅDE", "Tid"],
        "size": [len(codes), len(days)],
        "value": value,
    }
    return json.dumps(document).encode()


keys = st.tuples(
    st.sampled_from(sorted(MUNICIPALITIES)),
    st.builds(date, st.integers(2007, 2026), st.sampled_from([1, 4, 7, 10]), st.just(1)),
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(keys, st.integers(0, 700_000), min_size=1, max_size=20))
def test_the_same_figures_come_back_from_every_layout(figures: Figures) -> None:
    for content in (
        as_csv(figures, ";"),
        as_csv(figures, ","),
        as_names_in_windows(figures),
        as_own(figures),
        as_matrix(figures),
        as_workbook(figures),
        as_json(figures),
    ):
        assert counts(read(content)) == figures


def test_all_municipalities_through_eighty_quarters_are_read_at_once() -> None:
    days = [date(year, month, 1) for year in range(2007, 2027) for month in (1, 4, 7, 10)]
    figures = {(code, on): 1000 + at for at, on in enumerate(days) for code in MUNICIPALITIES}
    content = as_csv(figures, ";")
    assert counts(read(content)) == figures
