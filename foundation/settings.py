"""What the environment says about this installation. Read once at a door and passed on."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, cast, get_args

import platformdirs

from foundation.errors import BadInput, N_

DATABASE_URL = "MELLEMREGNING_DATABASE_URL"
ACTOR = "MELLEMREGNING_ACTOR"
LANGUAGE = "MELLEMREGNING_LANG"

Language: TypeAlias = Literal["da", "en"]
LANGUAGES: tuple[str, ...] = get_args(Language)

# What people and hosts write for PostgreSQL, and the driver that is installed.
_POSTGRES_SCHEMES = ("postgresql://", "postgres://")
_POSTGRES_DRIVER = "postgresql+psycopg://"


class UnknownLanguage(BadInput):
    """The environment asks for a language that there is no catalogue for."""

    danish: ClassVar[str] = N_("{variable} er «{language}», men skal være et af: {languages}.")


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation.

    Attributes:
        database_url: SQLAlchemy's form, with the installed driver named. It may hold a password, so ``repr`` leaves
            it out.
        actor: Who the audit trail says did it.
        language: What people are spoken to in.
    """

    database_url: str = field(repr=False)
    actor: str
    language: Language = "da"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the variables; an empty one counts as missing.

        Args:
            environment: Instead of the process's own.

        Raises:
            UnknownLanguage: the language is neither ``da`` nor ``en``.
        """
        environment = os.environ if environment is None else environment
        language = environment.get(LANGUAGE) or "da"
        if language not in LANGUAGES:
            raise UnknownLanguage(variable=LANGUAGE, language=language, languages=LANGUAGES)
        return cls(
            database_url=with_driver(environment.get(DATABASE_URL) or default_database_url()),
            actor=environment.get(ACTOR) or login_name(),
            language=cast("Language", language),
        )


def with_driver(url: str) -> str:
    """The same address with our PostgreSQL driver named; any other address as it is."""
    for scheme in _POSTGRES_SCHEMES:
        if url.startswith(scheme):
            return _POSTGRES_DRIVER + url.removeprefix(scheme)
    return url


def default_database_url() -> str:
    """A SQLite file in the user's data folder; neither need be there yet."""
    return f"sqlite:///{Path(platformdirs.user_data_dir('mellemregning')) / 'mellemregning.sqlite'}"


def login_name() -> str:
    """Who is logged in to the operating system, or ``unknown`` where it has no name for the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
