"""What is not ours under ``static/vendor``: unchanged, complete, with its licences, and all that the style asks for."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import portal

VENDOR = Path(portal.__file__).parent / "static" / "vendor"
LISTED = VENDOR / "SHA256SUMS"
# Asked for by the style for browsers that know neither woff nor woff2, or as a second choice; not served.
LEFT_OUT = re.compile(r"\.(eot|ttf)$|(Italic|Bold|Medium)\.woff$|(Bold|Medium|SemiBold)Italic\.woff2?$")


def sums() -> dict[str, str]:
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_every_file_is_what_was_vendored() -> None:
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path != LISTED
    }
    assert found == sums()


def test_the_licences_are_there() -> None:
    assert {"dkfds/LICENSE.md", "dkfds/fonts/IBMPlexSans/LICENSE.txt", "htmx/LICENSE.txt"} <= set(sums())


def test_all_that_the_style_asks_for_is_there() -> None:
    style = VENDOR / "dkfds" / "css" / "dkfds.min.css"
    asked = set(re.findall(r"url\(([^)]+)\)", style.read_text(encoding="utf-8")))
    assert len(asked) > 100
    missing = {each for each in asked if not (style.parent / each).resolve().is_file()}
    assert [each for each in sorted(missing) if not LEFT_OUT.search(each)] == []
