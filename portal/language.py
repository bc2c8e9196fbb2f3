"""Which language people are spoken to in: Danish is the text in the code, English its translation."""

from __future__ import annotations

import gettext
import os
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

CATALOGUES = Path(__file__).parent / "locale"
DOMAIN = "mellemregning"
# The domain in which click looks for its own few words, «Usage» and «Missing argument».
CLICKS_DOMAIN = "messages"

_language = "da"
# A page speaks its visitor's language, while other threads speak those of theirs.
_of_this_visitor: ContextVar[str | None] = ContextVar("language", default=None)


def use(language: str) -> None:
    """Speak this language from now on: ``da`` or ``en``."""
    global _language  # noqa: PLW0603 - a command's process speaks one language; a page speaks its own
    _language = language
    gettext.bindtextdomain(CLICKS_DOMAIN, str(CATALOGUES))
    os.environ["LANGUAGE"] = language


def speak(language: str | None) -> None:
    """Speak this language to the visitor whom this thread serves just now; None when the visitor has gone."""
    _of_this_visitor.set(language)


def current() -> str:
    """The language in use here: ``da`` or ``en``."""
    return _of_this_visitor.get() or _language


@lru_cache(maxsize=4)
def _catalogue(language: str) -> gettext.NullTranslations:
    # Danish has no catalogue: the Danish text is the key.
    return gettext.translation(DOMAIN, str(CATALOGUES), [language], fallback=True)


def _(text: str) -> str:
    """The text in the language in use."""
    return _catalogue(current()).gettext(text)
