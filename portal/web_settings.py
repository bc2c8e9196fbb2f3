"""What the environment says about the web pages; read once, when the application is built."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from foundation.errors import BadInput, N_

SECRET_KEY = "MELLEMREGNING_SECRET_KEY"  # noqa: S105 - the variable's name
OIDC_URL = "MELLEMREGNING_OIDC_URL"
OIDC_CLIENT = "MELLEMREGNING_OIDC_CLIENT"
OIDC_SECRET = "MELLEMREGNING_OIDC_SECRET"  # noqa: S105 - the variable's name
OIDC_TITLE = "MELLEMREGNING_OIDC_TITLE"
PLAIN_HTTP = "MELLEMREGNING_PLAIN_HTTP"
PROXIES = "MELLEMREGNING_PROXIES"
METRICS_TOKEN = "MELLEMREGNING_METRICS_TOKEN"  # noqa: S105 - the variable's name
API_CALLS = "MELLEMREGNING_API_CALLS"
API_REFUSALS = "MELLEMREGNING_API_REFUSALS"
USUAL_CALLS, USUAL_REFUSALS, MOST_CALLS = 600, 60, 1_000_000


class ProxiesNotANumber(BadInput):
    """The environment says something else than how many proxies stand before us."""

    danish = N_("MELLEMREGNING_PROXIES er «{said}», men skal være 0, 1, 2 eller 3: antallet af proxyer foran portalen.")


class CallsNotANumber(BadInput):
    """The environment says something else than how many calls there may be in a minute."""

    danish = N_("{name} er «{said}», men skal være et helt tal fra 0 til {most}: kald i minuttet, 0 for ingen grænse.")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages are served.

    Attributes:
        secret_key: Signs cookies and forms; the same for all workers. Without one, each process makes its own, and a
            visitor who meets another worker has to begin again.
        plain_http: Let cookies travel without TLS: for one machine that talks to itself.
        oidc_url: The identity provider's discovery document; empty for none.
        oidc_title: What the provider's button says.
        proxies: How many proxies before us are believed on who asks: 1 behind nginx.
        metrics_token: Opens ``/metrics``; without one, only this machine reads it.
        api_calls: How many calls of the API a key has in a minute; 0 for no limit.
        api_refusals: How many calls with keys that open nothing an address has in a minute; 0 for no limit.
    """

    secret_key: str = field(default_factory=secrets.token_hex, repr=False)
    plain_http: bool = False
    oidc_url: str = ""
    oidc_client: str = ""
    oidc_secret: str = field(default="", repr=False)
    oidc_title: str = ""
    proxies: int = 0
    metrics_token: str = field(default="", repr=False)
    api_calls: int = USUAL_CALLS
    api_refusals: int = USUAL_REFUSALS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WebSettings:
        """Read the variables; an empty one counts as missing.

        Raises:
            ProxiesNotANumber: something else than a small number.
            CallsNotANumber: something else than a number of calls.
        """
        said = os.environ if environment is None else environment
        return cls(
            secret_key=said.get(SECRET_KEY) or secrets.token_hex(),
            plain_http=said.get(PLAIN_HTTP) == "1",
            oidc_url=said.get(OIDC_URL) or "",
            oidc_client=said.get(OIDC_CLIENT) or "",
            oidc_secret=said.get(OIDC_SECRET) or "",
            oidc_title=said.get(OIDC_TITLE) or "OpenID Connect",
            proxies=_proxies(said.get(PROXIES) or "0"),
            metrics_token=said.get(METRICS_TOKEN) or "",
            api_calls=_calls(said, API_CALLS, USUAL_CALLS),
            api_refusals=_calls(said, API_REFUSALS, USUAL_REFUSALS),
        )


def _proxies(said: str) -> int:
    if said not in {"0", "1", "2", "3"}:
        raise ProxiesNotANumber(said=said)
    return int(said)


def _calls(environment: Mapping[str, str], name: str, usual: int) -> int:
    said = environment.get(name) or str(usual)
    if not (said.isascii() and said.isdigit() and len(said) <= len(str(MOST_CALLS)) and int(said) <= MOST_CALLS):
        raise CallsNotANumber(name=name, said=said, most=MOST_CALLS)
    return int(said)
