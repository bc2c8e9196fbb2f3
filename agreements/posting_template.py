"""Which columns an issuer's posting file has: what its own ERP reads; pure.

A column is written ``Overskrift=felt``: ``Kontostreng=account``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from foundation.errors import Problems

LONGEST_HEADING = 60
MOST_COLUMNS = 40


class PostingField(StrEnum):
    """What a column can hold."""

    ACCOUNT = "account"  # the kontostreng that is posted on
    COUNTER_ACCOUNT = "counter_account"  # the one that takes the other side
    PERIOD = "period"  # the service month, 2009-01
    POSTING_MONTH = "posting_month"  # the month of the document's date
    FIRST_DAY = "first_day"
    LAST_DAY = "last_day"
    TEXT = "text"
    AMOUNT = "amount"  # positive is debit
    DEBIT = "debit"
    CREDIT = "credit"
    NUMBER = "number"
    CREDITS = "credits"  # the number that a credit note takes back
    ISSUE_DATE = "issue_date"
    DUE_DATE = "due_date"
    MUNICIPALITY = "municipality"
    MUNICIPALITY_NAME = "municipality_name"
    CVR = "cvr"
    GLN = "gln"
    AGREEMENT = "agreement"
    SERVICE = "service"
    PROVIDER = "provider"


FIELDS = tuple(each.value for each in PostingField)


@dataclass(frozen=True, slots=True)
class PostingColumn:
    """A column: its heading and what it holds."""

    heading: str
    field: PostingField

    def __str__(self) -> str:
        return f"{self.heading}={self.field}"


DEFAULT_COLUMNS = (
    PostingColumn("Kontostreng", PostingField.ACCOUNT),
    PostingColumn("Periode", PostingField.PERIOD),
    PostingColumn("Tekst", PostingField.TEXT),
    PostingColumn("Beløb", PostingField.AMOUNT),
    PostingColumn("Fakturanummer", PostingField.NUMBER),
)

_ACCOUNTS = {PostingField.ACCOUNT}
_WHOLE_AMOUNTS = ({PostingField.AMOUNT}, {PostingField.DEBIT, PostingField.CREDIT})


def read_columns(source: str, texts: Sequence[str]) -> tuple[PostingColumn, ...]:
    """Columns as an officer writes them.

    Args:
        source: Whose they are, for messages.
        texts: ``Overskrift=felt`` each, in their order.

    Raises:
        Problems: one cannot be understood, a heading stands twice, or what makes a posting is missing.
    """
    problems: list[str] = []
    columns: list[PostingColumn] = []
    for text in texts:
        heading, _, name = (part.strip() for part in text.partition("="))
        if not heading or not name:
            problems.append(f"«{text}» kan ikke læses; skriv Overskrift=felt, fx Kontostreng=account")
        elif name not in FIELDS:
            problems.append(f"«{name}» er ikke et felt; her kan stå {', '.join(FIELDS)}")
        elif len(heading) > LONGEST_HEADING or not heading.isprintable():
            problems.append(f"overskriften «{heading[:LONGEST_HEADING]}» kan ikke bruges; højst {LONGEST_HEADING} tegn")
        elif heading in {column.heading for column in columns}:
            problems.append(f"overskriften «{heading}» står der mere end én gang")
        else:
            columns.append(PostingColumn(heading, PostingField(name)))
    fields = {column.field for column in columns}
    if not problems and not fields >= _ACCOUNTS:
        problems.append("kolonnen med kontostrengen (account) mangler")
    if not problems and not any(fields >= whole for whole in _WHOLE_AMOUNTS):
        problems.append("beløbet mangler: enten amount eller både debit og credit")
    if len(columns) > MOST_COLUMNS:
        problems.append(f"der er {len(columns)} kolonner; højst {MOST_COLUMNS}")
    if problems:
        raise Problems(source=source, problems=problems)
    return tuple(columns)
