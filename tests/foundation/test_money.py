"""Splitting, cutting, rounding, writing and reading amounts, worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from foundation.money import (
    LARGEST_OERE,
    NotAnAmount,
    NothingToSplitBy,
    apportion,
    apportion_signed,
    equal_parts,
    kroner,
    kroner_for_programs,
    oere_from_danish_text,
    oere_from_text,
    percent_of,
)

# domain.md, worked example: code -> inhabitants on 1 January 2008.
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


def test_the_2009_total_splits_as_the_worked_example_says() -> None:
    assert apportion(2_466_733_333, FUNEN_2008) == {
        "420": 233_043_392,
        "430": 287_882_347,
        "440": 130_946_292,
        "450": 175_151_056,
        "461": 1_035_888_797,
        "479": 327_171_777,
        "480": 163_308_812,
        "482": 76_146_128,
        "492": 37_194_732,
    }


def test_the_2009_total_in_whole_kroner_gives_its_33_oere_to_odense() -> None:
    # 24,667,333 kr. × inhabitants / 445,136, each rounded down, is 24,667,328 kr.; the five that are left go to the
    # largest fractions: Kerteminde .903, Assens .894, Odense .828, Svendborg .723, Nyborg .536. Nobody else's passes a
    # half: Faaborg-Midtfyn .437, Ærø .313, Langeland .267, Nordfyns .098. Odense, the largest, takes the odd 33 øre.
    assert apportion(2_466_733_333, FUNEN_2008, unit_oere=100) == {
        "420": 233_043_400,
        "430": 287_882_300,
        "440": 130_946_300,
        "450": 175_151_100,
        "461": 1_035_888_833,
        "479": 327_171_800,
        "480": 163_308_800,
        "482": 76_146_100,
        "492": 37_194_700,
    }


def test_a_tie_goes_to_the_lower_code_in_whatever_order_the_codes_come() -> None:
    assert apportion(100, {"492": 1, "461": 1, "420": 1}) == {"420": 34, "461": 33, "492": 33}
    assert apportion(200, {"492": 1, "461": 1, "420": 1}) == {"420": 67, "461": 67, "492": 66}
    assert list(apportion(100, {"492": 1, "461": 1, "420": 1})) == ["420", "461", "492"]


def test_a_credit_splits_as_its_charge_did() -> None:
    assert apportion(-100, {"492": 1, "461": 1, "420": 1}) == {"420": -34, "461": -33, "492": -33}
    assert apportion(-150, {"461": 1, "420": 1}, unit_oere=100) == {"420": -150, "461": 0}


def test_odd_oere_of_two_equally_large_shares_go_to_the_lower_code() -> None:
    # 3 kr. over 1:2:2 is 0.6, 1.2, 1.2: the third krone goes to the .6.
    assert apportion(350, {"420": 1, "479": 2, "461": 2}, unit_oere=100) == {"420": 100, "461": 150, "479": 100}


def test_below_one_krone_there_are_only_odd_oere() -> None:
    assert apportion(99, {"420": 1, "461": 2}, unit_oere=100) == {"420": 0, "461": 99}


def test_one_payer_pays_all_and_nobody_pays_for_nobody() -> None:
    assert apportion(12_345, {"461": 7}, unit_oere=100) == {"461": 12_345}
    assert apportion(7, {"420": 0, "461": 3, "492": 0}) == {"420": 0, "461": 7, "492": 0}
    assert apportion(0, {"420": 1, "461": 3}) == {"420": 0, "461": 0}


@pytest.mark.parametrize("weights", [{}, {"461": 0}, {"420": 0, "461": 0}])
def test_nothing_to_split_by(weights: dict[str, int]) -> None:
    with pytest.raises(NothingToSplitBy):
        apportion(100, weights)
    with pytest.raises(NothingToSplitBy):
        apportion_signed(0, weights)


def test_weights_that_cancel_out_are_nothing_to_split_by() -> None:
    with pytest.raises(NothingToSplitBy):
        apportion_signed(100, {"461": 5, "479": -5})


def test_a_negative_population_and_a_unit_below_one_oere_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        apportion(100, {"461": 5, "479": -1})
    with pytest.raises(ValueError, match="unit"):
        apportion(100, {"461": 5}, unit_oere=0)


def test_a_provider_whose_income_exceeds_its_cost_is_entitled_to_less_than_nothing() -> None:
    # 100 over 3:-1 is 150 and -50; 101 is 151.5 and -50.5, both half an øre short: the lower code gets the øre.
    assert apportion_signed(100, {"461": 3, "479": -1}) == {"461": 150, "479": -50}
    assert apportion_signed(101, {"461": 3, "479": -1}) == {"461": 152, "479": -51}
    assert apportion_signed(101, {"461": -3, "479": 1}) == {"461": 152, "479": -51}
    assert apportion_signed(-101, {"461": 3, "479": -1}) == {"461": -152, "479": 51}


@pytest.mark.parametrize(
    ("obligation", "each", "last"),
    [
        (233_043_392, 19_420_282, 19_420_290),
        (287_882_347, 23_990_195, 23_990_202),
        (130_946_292, 10_912_191, 10_912_191),
        (175_151_056, 14_595_921, 14_595_925),
        (1_035_888_797, 86_324_066, 86_324_071),
        (327_171_777, 27_264_314, 27_264_323),
        (163_308_812, 13_609_067, 13_609_075),
        (76_146_128, 6_345_510, 6_345_518),
        (37_194_732, 3_099_561, 3_099_561),
    ],
)
def test_the_2009_obligations_are_cut_as_the_worked_example_says(obligation: int, each: int, last: int) -> None:
    assert equal_parts(obligation, 12) == (each,) * 11 + (last,)


def test_instalments_in_whole_kroner() -> None:
    # Ærø: 371,947 kr. / 12 = 30,995.58; eleven are 340,945 kr., so December is 31,002 kr.
    assert equal_parts(37_194_700, 12, 100) == (3_099_500,) * 11 + (3_100_200,)
    # Odense: 10,358,888.33 kr. / 12 = 863,240.69; eleven are 9,495,640 kr., so December is 863,248.33 kr.
    assert equal_parts(1_035_888_833, 12, 100) == (86_324_000,) * 11 + (86_324_833,)


def test_less_than_a_unit_each_is_paid_at_the_end() -> None:
    assert equal_parts(11, 12) == (0,) * 11 + (11,)
    assert equal_parts(119_999, 12, 10_000) == (0,) * 11 + (119_999,)
    assert equal_parts(7, 1, 100) == (7,)


def test_what_is_paid_out_is_rounded_towards_minus_infinity() -> None:
    # floor(-100 / 12) = -9, and -100 + 11 × 9 = -1.
    assert equal_parts(-100, 12) == (-9,) * 11 + (-1,)


def test_nothing_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="nothing"):
        equal_parts(100, 0)


@pytest.mark.parametrize(
    ("total", "percent", "expected"),
    [
        (5, "50", 3),  # 2.5
        (-5, "50", -3),
        (4, "50", 2),
        (1, "50", 1),
        (-1, "50", -1),
        (1, "49.99", 0),
        (1_000, "33.3", 333),
        (100, "0.5", 1),  # 0.5
        (-100, "0.5", -1),
        (100, "0.49", 0),
        (20_000_001, "50", 10_000_001),
        (19_420_282, "0", 0),
        (19_420_282, "100", 19_420_282),
        (-19_420_282, "100.0", -19_420_282),
        (9_000_000_000_000_000, "33.333333", 2_999_999_970_000_000),
    ],
)
def test_a_percentage_rounds_half_an_oere_away_from_zero(total: int, percent: str, expected: int) -> None:
    assert percent_of(total, Decimal(percent)) == expected


@pytest.mark.parametrize(
    ("oere", "danish", "for_programs"),
    [
        (19_420_282, "194.202,82 kr.", "194202.82"),
        (-19_420_282, "-194.202,82 kr.", "-194202.82"),
        (0, "0,00 kr.", "0.00"),
        (-1, "-0,01 kr.", "-0.01"),
        (100, "1,00 kr.", "1.00"),
        (100_000, "1.000,00 kr.", "1000.00"),
        (99_999, "999,99 kr.", "999.99"),
        (2_466_733_333, "24.667.333,33 kr.", "24667333.33"),
    ],
)
def test_amounts_are_written_as_danes_and_as_programs_write_them(oere: int, danish: str, for_programs: str) -> None:
    assert kroner(oere) == danish
    assert kroner_for_programs(oere) == for_programs


@pytest.mark.parametrize(
    ("text", "oere"),
    [
        ("18250000.00", 1_825_000_000),
        ("6417333.33", 641_733_333),
        ("5", 500),
        ("5.5", 550),
        ("-0.01", -1),
        (" 12.34 ", 1_234),
        ("90000000000000.00", LARGEST_OERE),
    ],
)
def test_an_amount_as_files_hold_it(text: str, oere: int) -> None:
    assert oere_from_text(text) == oere


@pytest.mark.parametrize(
    ("text", "oere"),
    [
        ("18.250.000,00", 1_825_000_000),
        ("18250000,00 kr.", 1_825_000_000),
        ("1.234", 123_400),
        ("1.234,5", 123_450),
        ("-1.234,56 kr", -123_456),
        ("0,01", 1),
        ("7kr.", 700),
        ("90.000.000.000.000,00", LARGEST_OERE),
    ],
)
def test_an_amount_as_a_person_types_it(text: str, oere: int) -> None:
    assert oere_from_danish_text(text) == oere


NO_AMOUNT_ANYWHERE = [
    "",
    " ",
    "-",
    "x",
    "1.234,5x",
    "1e5",
    "٣",
    "\N{FULLWIDTH DIGIT ONE}",
    "²",
    "+5",
    "--5",
    "- 5",
    "1_000",
    "1 000,00",
    "0x10",
    "nan",
    "inf",
    "1/2",
    "=1+1",
    "12,345,6",
    "1.2.3",
    "90000000000000001",
    "9" * 16,
    "9" * 400,
]


@pytest.mark.parametrize(
    "text", [*NO_AMOUNT_ANYWHERE, "1.234,56", "1,5", "1.234", ".5", "5.", "5 kr.", "90000000000000.01"]
)
def test_no_amount_in_a_file(text: str) -> None:
    with pytest.raises(NotAnAmount):
        oere_from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        *NO_AMOUNT_ANYWHERE,
        "1.5",
        "1234.56",
        "12.34",
        "1.2345",
        "1234.567",
        "1.234.56",
        "1,234",
        ",5",
        "5,",
        "90000000000000,01",
    ],
)
def test_no_amount_from_a_person(text: str) -> None:
    with pytest.raises(NotAnAmount):
        oere_from_danish_text(text)
