"""Receipts that come twice, late, before we noted the handing over, and in no order."""

from __future__ import annotations

from pathlib import Path

import pytest

from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, Receipt
from exports.delivery.receipt_file import ReceiptsUnreadable, read_receipts
from exports.delivery.rules import LONGEST_DETAIL
from tests.exports.delivery.conftest import DAY, JANUARY, LifeOf, Post, funen, life_of, priced

__all__ = ["LifeOf", "funen", "life_of", "priced"]
POSTGRESQL_IN_SOAK = True
KEY = "document/461/F2008-0001"


def test_what_was_said_before_is_not_said_anew(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, {"path": str(tmp_path)})
    post.life.issue(JANUARY, DAY)
    post.delivers()

    def says(reason: str = "") -> bool:
        new: bool = post.does(deliveries.record_receipt, Receipt(KEY, accepted=not reason, reason=reason))
        return new

    def state() -> str:
        (mine,) = (each for each in post.list() if each.key == KEY)
        return mine.state.value

    long = "Ukendt GLN.\n" * LONGEST_DETAIL
    assert (says(), says(long), state()) == (True, True, "rejected")
    # The acceptance comes once more, and the rejection, which is kept shorter than it was said.
    assert (says(), says(long), state()) == (False, False, "rejected")
    assert (says("Noget andet"), says(), state()) == (True, False, "rejected")
    # Sent again, it may be judged again.
    post.does(deliveries.retry, [KEY])
    assert post.delivers() == {"handed_over": 1}
    assert (says(), says(), state()) == (True, False, "accepted")
    assert (says(long), state()) == (True, "rejected")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id;tilstand;årsag\nx;afvist;æ\n".encode("cp1252"), "den er ikke UTF-8"),
        (b'[{"id": "x",\n"state": }]', "der er en fejl i linje 2, tegn 10"),
        (b'id;state\n"a', "anførselstegnene går ikke op"),
        (b"[" * 100_000, "den er i for mange lag"),
    ],
)
def test_why_a_file_is_none_is_said_in_danish(content: bytes, said: str) -> None:
    with pytest.raises(ReceiptsUnreadable, match=said):
        read_receipts("k", content)
