"""When a delivery is tried again, when it is given up, and what a channel must know; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit
from zlib import crc32

from exports.delivery.facts import ChannelKind, DeliveryState, DeliveryTopic, Tried
from foundation.errors import BadInput, N_

MOST_ATTEMPTS = 12
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
LONGEST_DETAIL = 500
PERMILLE = 1000
# How much longer than the plain wait: never less, so that a test and an officer know the least.
MOST_JITTER_PERMILLE = 250

REQUIRED: Mapping[ChannelKind, tuple[str, ...]] = {
    ChannelKind.FOLDER: ("path",),
    ChannelKind.SMTP: ("host", "sender"),
    ChannelKind.HTTP: ("url",),
    ChannelKind.WEBHOOK: ("url", "salt"),
}
ALLOWED: Mapping[ChannelKind, frozenset[str]] = {
    ChannelKind.FOLDER: frozenset({"path", "files"}),
    ChannelKind.SMTP: frozenset(
        {"host", "port", "starttls", "user", "password_env", "sender", "recipient", "link", "files"},
    ),
    ChannelKind.HTTP: frozenset({"url", "token_env"}),
    ChannelKind.WEBHOOK: frozenset({"url", "salt"}),
}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FILES = frozenset({"xml", "pdf"})
HIGHEST_PORT = 65535

# What says that the setting or the moment is at fault, not what was sent.
PASSING_STATUS = frozenset({401, 403, 407, 408, 425, 429})
PASSING_SMTP = frozenset({530, 534, 535})
FIRST_SERVER_ERROR = 500


class ChannelNotUsable(BadInput):
    """A channel's settings lack something or hold what it has no use for."""

    danish = N_("Kanalen «{kind}» kan ikke bruges: {problem}. Intet er ændret.")


def wait_after(attempts: int, key: str) -> timedelta:
    """How long to wait after so many tries that failed.

    Doubled each time up to six hours, and up to a quarter longer by the delivery's own key, so that what failed
    together is not tried together again.

    Args:
        attempts: At least 1.
        key: The delivery's stable id.
    """
    doubled = 1 << min(attempts - 1, 20)
    plain = min(FIRST_WAIT * doubled, LONGEST_WAIT)
    permille = crc32(f"{key} {attempts}".encode()) % (MOST_JITTER_PERMILLE + 1)
    return plain + plain * permille // PERMILLE


def state_after(tried: Tried, attempts: int) -> DeliveryState:
    """Where a delivery stands after a try, which was number ``attempts``."""
    if tried.handed_over:
        return DeliveryState.HANDED_OVER
    return DeliveryState.DEAD if tried.lasting or attempts >= MOST_ATTEMPTS else DeliveryState.FAILED


def is_lasting_status(status: int) -> bool:
    """Whether an HTTP answer that is no success would be the same next time."""
    return status < FIRST_SERVER_ERROR and status not in PASSING_STATUS


def is_lasting_smtp(code: int) -> bool:
    """Whether an SMTP answer is a refusal for good: 5xx, but for one of the login."""
    return code >= FIRST_SERVER_ERROR and code not in PASSING_SMTP


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    return host in LOOPBACK


def require_usable(kind: ChannelKind, topic: DeliveryTopic, settings: Mapping[str, str]) -> None:
    """Look a channel's settings through.

    Raises:
        ChannelNotUsable: it says what is lacking, unknown or not allowed.
    """
    problem = _problem(kind, topic, settings)
    if problem:
        raise ChannelNotUsable(kind=kind.value, problem=problem)


def _problem(kind: ChannelKind, topic: DeliveryTopic, settings: Mapping[str, str]) -> str:
    if wrong := _misfit(kind, topic, settings):
        return wrong
    if any("\n" in value or "\r" in value or "\0" in value for value in settings.values()):
        return "en indstilling skal stå på én linje"
    if not set(settings.get("files", "xml").split(",")) <= FILES:
        return "files skal være xml, pdf eller xml,pdf"
    if kind is ChannelKind.SMTP:
        return _smtp_problem(topic, settings)
    return _url_problem(settings["url"]) if "url" in settings else ""


def _misfit(kind: ChannelKind, topic: DeliveryTopic, settings: Mapping[str, str]) -> str:
    if (kind is ChannelKind.WEBHOOK) != (topic is DeliveryTopic.EVENTS):
        return "hændelser sendes kun til web-hooks, og web-hooks får kun hændelser"
    unknown = sorted(set(settings) - ALLOWED[kind])
    if unknown:
        return f"{', '.join(unknown)} hører ikke til den"
    lacking = [name for name in REQUIRED[kind] if not settings.get(name)]
    return f"{', '.join(lacking)} mangler" if lacking else ""


def _smtp_problem(topic: DeliveryTopic, settings: Mapping[str, str]) -> str:
    port = settings.get("port", "25")
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= HIGHEST_PORT):
        return f"«{port}» er ikke en port"
    if settings.get("starttls", "on") not in {"on", "off"}:
        return "starttls skal være on eller off"
    if topic is not DeliveryTopic.MAIL and not settings.get("recipient"):
        return "recipient mangler; bilag, breve og opgørelser sendes til én adresse"
    if bool(settings.get("user")) != bool(settings.get("password_env")):
        return "user og password_env følges ad"
    if settings.get("user") and settings.get("starttls") == "off" and not is_loopback(settings["host"]):
        return "et kodeord sendes kun krypteret; brug starttls"
    wrong = [name for name in ("sender", "recipient") if settings.get(name) and settings[name].count("@") != 1]
    return f"{wrong[0]} er ikke én mailadresse" if wrong else ""


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "adressen kan ikke læses"
    if not host:
        return "adressen har ingen vært"
    if parts.username or parts.password:
        return "adressen må ikke rumme et kodeord; brug token_env"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return ""
    return "adressen skal begynde med https://"


def bounded(text: str) -> str:
    """A detail on one line and no longer than is kept; without what a database refuses."""
    plain = " ".join(text.replace("\0", " ").split())
    return plain if len(plain) <= LONGEST_DETAIL else plain[: LONGEST_DETAIL - 1] + "…"
