"""Write cells as CSV for Danish systems: semicolons, CRLF, UTF-8 with a byte order mark."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence


def csv_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    """The file's bytes; the same for the same cells."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")
