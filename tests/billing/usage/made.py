"""Made usage of 2009 on Funen: figures that would give Ærø's and Langeland's away unless more than the small is hidden.

Planted: Ærø's and Langeland's counts are small in some rows while all the other municipalities' are large, so that a
row's sum gives one away; Ærø is small in one half-year and large in the other and in the year; a correction changes one
large count and one sum, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FUNEN = "fyn-alkohol"
ODENSE, SVENDBORG = "461", "479"
AEROE, LANGELAND = "492", "482"
COLUMNS = (
    "Bopælskommune",
    "Påbegyndt",
    "Gennemført",
    "Afbrudt",
    "I behandling ved periodens slutning",
    "Samtaler",
    "Inden for 14 dage",
    "Senere end 14 dage",
    "Ventedage i alt",
)

# started, completed, broken off, at end, sessions, within 14 days, later, days
Numbers = tuple[int, int, int, int, int, int, int, int]

ODENSE_H1: Mapping[str, Numbers] = {
    "420": (31, 12, 9, 30, 260, 22, 8, 330),
    "430": (40, 18, 11, 36, 341, 30, 9, 402),
    "440": (17, 8, 6, 15, 133, 11, 6, 196),
    "450": (24, 10, 8, 22, 190, 17, 7, 270),
    "461": (180, 77, 41, 160, 1502, 140, 36, 1720),
    "480": (22, 9, 7, 19, 171, 15, 6, 240),
    "uoplyst": (16, 7, 6, 14, 120, 9, 0, 70),
}
ODENSE_H2: Mapping[str, Numbers] = {
    "420": (28, 14, 10, 34, 251, 20, 8, 310),
    "430": (44, 19, 12, 49, 380, 33, 10, 440),
    "440": (15, 7, 8, 15, 122, 9, 6, 171),
    "450": (26, 12, 7, 29, 205, 19, 6, 255),
    "461": (171, 80, 44, 207, 1466, 131, 38, 1733),
    "480": (25, 11, 6, 27, 188, 18, 7, 262),
    "uoplyst": (19, 8, 6, 19, 133, 11, 0, 77),
}
SVENDBORG_H1: Mapping[str, Numbers] = {
    "479": (52, 21, 14, 47, 430, 38, 12, 540),
    "482": (9, 3, 2, 8, 77, 6, 3, 99),
    "492": (4, 2, 1, 3, 30, 3, 1, 40),
}
SVENDBORG_H2: Mapping[str, Numbers] = {
    "479": (49, 23, 13, 60, 411, 35, 13, 555),
    "482": (11, 6, 3, 10, 88, 8, 2, 90),
    "492": (7, 1, 0, 9, 51, 5, 2, 61),
}
# A course of somebody in Odense was forgotten in the first half-year.
ODENSE_H1_CORRECTED: Mapping[str, Numbers] = {**ODENSE_H1, "461": (181, 77, 41, 161, 1509, 141, 36, 1724)}
ODENSE_H2_CORRECTED: Mapping[str, Numbers] = {**ODENSE_H2, "461": (171, 80, 44, 208, 1473, 131, 38, 1733)}


def counts_csv(numbers: Mapping[str, Numbers], columns: Sequence[str] = COLUMNS) -> bytes:
    """A file of ready counts, headed by our own words."""
    lines = [";".join(columns), *(";".join([code, *map(str, row)]) for code, row in numbers.items())]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


# Planted so that each trap stands alone. In the first half-year four courses of Langeland's and four of Ærø's were
# completed, and as many broken off: the four small counts cover each other in every row and column, and all else is
# large. What gives them away is the second half-year with the year, or a correction of Langeland's alone.
PLANTED_H1: Mapping[str, Numbers] = {
    "420": (31, 12, 9, 30, 260, 22, 9, 330),
    "430": (40, 18, 11, 36, 341, 30, 10, 402),
    "440": (17, 8, 6, 15, 133, 11, 6, 196),
    "450": (24, 10, 8, 22, 190, 17, 7, 270),
    "461": (180, 77, 41, 160, 1502, 140, 40, 1720),
    "479": (52, 21, 14, 47, 430, 38, 14, 540),
    "480": (22, 9, 7, 19, 171, 15, 7, 240),
    LANGELAND: (20, 4, 4, 30, 90, 12, 8, 200),
    AEROE: (15, 4, 4, 20, 70, 9, 6, 150),
    "uoplyst": (16, 7, 6, 14, 120, 16, 0, 70),
}
PLANTED_H2: Mapping[str, Numbers] = {
    "420": (28, 14, 10, 34, 251, 20, 8, 310),
    "430": (44, 19, 12, 49, 380, 34, 10, 440),
    "440": (15, 7, 8, 15, 122, 9, 6, 171),
    "450": (26, 12, 7, 29, 205, 20, 6, 255),
    "461": (171, 80, 44, 207, 1466, 133, 38, 1733),
    "479": (49, 23, 13, 60, 411, 36, 13, 555),
    "480": (25, 11, 6, 27, 188, 18, 7, 262),
    LANGELAND: (25, 12, 9, 34, 99, 14, 11, 300),
    AEROE: (18, 9, 8, 21, 77, 10, 8, 190),
    "uoplyst": (19, 8, 6, 19, 133, 19, 0, 77),
}
PLANTED_H1_CORRECTED: Mapping[str, Numbers] = {**PLANTED_H1, LANGELAND: (20, 9, 4, 30, 90, 12, 8, 200)}
NOTHING: Mapping[str, Numbers] = {}
