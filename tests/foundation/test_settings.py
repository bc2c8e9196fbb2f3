"""The environment as settings."""

from __future__ import annotations

import getpass

import pytest

from foundation.settings import Settings, UnknownLanguage, with_driver


def test_an_empty_environment_is_a_file_of_the_user_in_danish() -> None:
    settings = Settings.from_environment({})
    assert settings.database_url.startswith("sqlite:///")
    assert settings.database_url.endswith("mellemregning.sqlite")
    assert settings.actor == getpass.getuser()
    assert settings.language == "da"


def test_the_environment_is_followed() -> None:
    settings = Settings.from_environment(
        {
            "MELLEMREGNING_DATABASE_URL": "sqlite:///here.sqlite",
            "MELLEMREGNING_ACTOR": "okonomi",
            "MELLEMREGNING_LANG": "en",
        }
    )
    assert settings == Settings(database_url="sqlite:///here.sqlite", actor="okonomi", language="en")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_postgres_address_names_the_installed_driver(scheme: str) -> None:
    assert with_driver(f"{scheme}://me@/books?host=/run") == "postgresql+psycopg://me@/books?host=/run"


def test_an_unknown_language_is_refused_with_what_is_possible() -> None:
    with pytest.raises(UnknownLanguage, match=r"MELLEMREGNING_LANG er «sv», men skal være et af: da, en\."):
        Settings.from_environment({"MELLEMREGNING_LANG": "sv"})


def test_a_user_without_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Settings.from_environment({}).actor == "unknown"
