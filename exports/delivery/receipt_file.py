"""Receipts that come as a file: CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from exports.delivery.facts import ChannelKind, Receipt
from foundation.errors import BadInput, N_, Problems

# What the columns may be called, in Danish or as programs name them.
NAMES = {
    "id": "id",
    "state": "state",
    "status": "state",
    "tilstand": "state",
    "reason": "reason",
    "årsag": "reason",
    "begrundelse": "reason",
    "channel": "channel",
    "kanal": "channel",
}
STATES = {"accepted": True, "modtaget": True, "godkendt": True, "rejected": False, "afvist": False}


class ReceiptsUnreadable(BadInput):
    """The file is neither CSV with the columns nor a list in JSON."""

    danish = N_(
        "{source} kan ikke læses som kvitteringer: {reason}. Brug CSV med kolonnerne id;tilstand;årsag eller en "
        "JSON-liste; intet er ændret.",
    )


def read_receipts(name: str, content: bytes) -> list[Receipt]:
    """The receipts of a file, in their order.

    Args:
        name: The file's name, for messages.
        content: CSV (``id;tilstand;årsag``, also with commas) or JSON (``[{"id": …, "state": …, "reason": …}]``),
            UTF-8.

    Raises:
        ReceiptsUnreadable: it is neither.
        Problems: rows that say nothing that we understand, all of them.
    """
    try:
        text = content.decode("utf-8-sig")
        rows = _json_rows(text) if text.lstrip().startswith(("[", "{")) else _csv_rows(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise ReceiptsUnreadable(source=name, reason=_in_words(error)) from error
    receipts, problems = [], []
    for place, row in enumerate(rows, start=1):
        receipt = _receipt(row)
        if isinstance(receipt, Receipt):
            receipts.append(receipt)
        else:
            problems.append(f"nr. {place}: {receipt}")
    if problems:
        raise Problems(source=name, problems=problems)
    return receipts


def _in_words(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "den er ikke UTF-8"
        case json.JSONDecodeError():
            return f"der er en fejl i linje {error.lineno}, tegn {error.colno}"
        case RecursionError():
            return "den er i for mange lag"
        case csv.Error():
            return "anførselstegnene går ikke op"
        case _:
            return str(error)


def _json_rows(text: str) -> list[Mapping[str, Any]]:
    found = json.loads(text)
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in listed):
        reason = "hver kvittering skal være et objekt"
        raise ValueError(reason)
    return [_named(row.items()) for row in listed]


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    head = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",", strict=True))
    heading = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not {"id", "state"} <= {NAMES.get(name, "") for name in heading}:
        reason = "kolonnerne id og tilstand mangler"
        raise ValueError(reason)
    return [_named(zip(heading, row, strict=False)) for row in rows[1:] if any(cell.strip() for cell in row)]


def _named(cells: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    return {NAMES[name.strip().lower()]: value for name, value in cells if name.strip().lower() in NAMES}


def _receipt(row: Mapping[str, Any]) -> Receipt | str:
    values = {name: "" if value is None else str(value).strip() for name, value in row.items()}
    key, state = values.get("id", ""), values.get("state", "").lower()
    if not key or "\0" in "".join(values.values()):
        return "id mangler"
    if state not in STATES:
        return f"«{state}» er ikke en tilstand; brug {', '.join(STATES)}"
    accepted, reason = STATES[state], values.get("reason", "")
    if not accepted and not reason:
        return f"{key} er afvist uden begrundelse"
    kind = values.get("channel", "")
    if kind and kind not in set(ChannelKind):
        return f"«{kind}» er ikke en kanal"
    return Receipt(key, accepted, reason, ChannelKind(kind) if kind else None)
