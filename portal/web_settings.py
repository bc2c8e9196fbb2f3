"""What the environment says about the web pages; read once, when the application is built."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET_KEY = "MELLEMREGNING_SECRET_KEY"  # noqa: S105 - the variable's name
OIDC_URL = "MELLEMREGNING_OIDC_URL"
OIDC_CLIENT = "MELLEMREGNING_OIDC_CLIENT"
OIDC_SECRET = "MELLEMREGNING_OIDC_SECRET"  # noqa: S105 - the variable's name
OIDC_TITLE = "MELLEMREGNING_OIDC_TITLE"
PLAIN_HTTP = "MELLEMREGNING_PLAIN_HTTP"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages are served.

    Attributes:
        secret_key: Signs cookies and forms; the same for all workers. Without one, each process makes its own, and a
            visitor who meets another worker has to begin again.
        plain_http: Let cookies travel without TLS: for one machine that talks to itself.
        oidc_url: The identity provider's discovery document; empty for none.
        oidc_title: What the provider's button says.
    """

    secret_key: str = field(default_factory=secrets.token_hex, repr=False)
    plain_http: bool = False
    oidc_url: str = ""
    oidc_client: str = ""
    oidc_secret: str = field(default="", repr=False)
    oidc_title: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WebSettings:
        """Read the variables; an empty one counts as missing."""
        said = os.environ if environment is None else environment
        return cls(
            secret_key=said.get(SECRET_KEY) or secrets.token_hex(),
            plain_http=said.get(PLAIN_HTTP) == "1",
            oidc_url=said.get(OIDC_URL) or "",
            oidc_client=said.get(OIDC_CLIENT) or "",
            oidc_secret=said.get(OIDC_SECRET) or "",
            oidc_title=said.get(OIDC_TITLE) or "OpenID Connect",
        )
