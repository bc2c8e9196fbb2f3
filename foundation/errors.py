"""The error family: what a finance officer is told when a rule says no.

Every error carries a Danish sentence with named places (``danish``) and the facts that fill them, so that a door can
show it in Danish or, by the catalogue, in English, and a program can read the facts. Rooms define their own errors
beside the rule that raises them, as subclasses of these.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import ClassVar

from foundation.money import kroner


def N_(text: str) -> str:  # noqa: N802 - the marker that gettext's extractors look for
    """Mark a sentence for translation without translating it here."""
    return text


def _same(text: str) -> str:
    return text


def shown(name: str, value: object) -> object:
    """One fact as a person reads it: dates as 15.01.2009, amounts as 194.202,82 kr., lists with commas."""
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if name.endswith("_oere") and isinstance(value, int):
        return kroner(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(shown(name, item)) for item in value)
    return value


class MellemregningError(Exception):
    """The base of all errors of ours.

    Attributes:
        danish: The sentence, with ``{named}`` places; what is wrong, where, and what to do.
        facts: What fills the places; ids and values, never a person's data.
    """

    danish: ClassVar[str] = N_("Der er sket en fejl.")

    def __init__(self, **facts: object) -> None:
        self.facts: Mapping[str, object] = facts
        super().__init__(self.text())

    def text(self, translate: Callable[[str], str] = _same) -> str:
        """The sentence with its facts, in Danish or as ``translate`` renders the Danish."""
        return translate(self.danish).format_map({name: shown(name, value) for name, value in self.facts.items()})

    @property
    def name(self) -> str:
        """The broken rule's name, for programs."""
        return type(self).__name__

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), dict(self.facts)))


def _rebuild(kind: type[MellemregningError], facts: dict[str, object]) -> MellemregningError:
    return kind(**facts)


_REASONS = {
    errno.ENOENT: N_("den findes ikke"),
    errno.EISDIR: N_("det er en mappe"),
    errno.ENOTDIR: N_("mappen er en fil"),
    errno.EACCES: N_("der er ikke adgang til den"),
    errno.EPERM: N_("der er ikke adgang til den"),
    errno.EROFS: N_("der kan ikke skrives der"),
    errno.ENOSPC: N_("disken er fuld"),
    errno.ENAMETOOLONG: N_("navnet er for langt"),
    errno.EEXIST: N_("den findes allerede"),
}


def reason_of(error: OSError) -> str:
    """Why the system would not read or write a file, in Danish where we know it."""
    return _REASONS.get(error.errno or 0) or error.strerror or type(error).__name__


class RuleBroken(MellemregningError):
    """A rule of the agreement or of the books says no; nothing was changed. Exit status 1."""


class BadInput(MellemregningError):
    """A file or a value that cannot be understood; nothing was changed. Exit status 1."""


class NotFound(MellemregningError):
    """Something that was asked for by its code or number is not there. Exit status 1."""


class Problems(BadInput):
    """Several mistakes in one input, all told at once.

    Facts:
        source: The file's name as given.
        problems: One sentence each, already with place and expectation.
    """

    danish = N_("{source} kan ikke bruges, og intet er ændret:\n{lines}")

    def __init__(self, *, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(source=source, problems=tuple(problems), lines="\n".join(f"  - {line}" for line in problems))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_problems, (str(self.facts["source"]), self.problems))


def _rebuild_problems(source: str, problems: tuple[str, ...]) -> Problems:
    return Problems(source=source, problems=problems)
