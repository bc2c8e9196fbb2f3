"""Hand a parcel over: into a folder, by SMTP, by HTTP. Each try ends in a ``Tried``, whatever happens outside."""

from __future__ import annotations

import ipaddress
import json
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, quote, urlsplit

import urllib3

from exports.delivery.facts import Channel, ChannelKind, DeliveryTopic, PackedFile, Parcel, Tried
from exports.delivery.rules import ChannelNotUsable, is_lasting_smtp, is_lasting_status, require_usable
from exports.e_invoice.run import FileNotWritten, write_whole
from foundation import clock
from foundation.hooks import HOOK_KEY, secret_of, signature

SECONDS_TO_CONNECT = 10.0
SECONDS_TO_ANSWER = 30.0
MOST_OF_AN_ANSWER = 2000
MOST_READS = 4  # each waits SECONDS_TO_ANSWER at most, together less than what is spared of a lease
KEY_HEADER = "Idempotency-Key"
MAIL_KEY_HEADER = "X-Mellemregning-Id"
SIGNATURE_HEADER = "Mellemregning-Signature"
HOOK_LOCAL = "MELLEMREGNING_HOOK_LOCAL"  # 1: web-hooks may lead to machines of our own network


class AddressInside(OSError):
    """A name that leads into our own network."""


class Carrier:
    """The ways out, with the secrets of the environment; connections of HTTP are kept for a round."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        seconds_to_connect: float = SECONDS_TO_CONNECT,
        seconds_to_answer: float = SECONDS_TO_ANSWER,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            environment: Where the passwords and tokens are that the settings name.
            seconds_to_connect: For HTTP.
            seconds_to_answer: For each answer that is waited for.
            tls: Whom to trust instead of whom the system does.
            now: The instant that signatures carry.
        """
        self._now = now
        self._environment = environment
        self._seconds = seconds_to_answer
        self._tls = tls or ssl.create_default_context()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=seconds_to_connect, read=seconds_to_answer),
            retries=False,
            ssl_context=self._tls,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._pool.clear()

    def hand_over(self, channel: Channel, parcel: Parcel) -> Tried:
        """Try once. What goes wrong outside is an answer, never an error."""
        try:
            require_usable(channel.kind, channel.topic, channel.settings)
        except ChannelNotUsable as error:
            return Tried(handed_over=False, reached="", detail=error.text())
        if channel.kind is ChannelKind.FOLDER:
            return _into_folder(Path(channel.settings["path"]), parcel)
        if channel.kind is ChannelKind.SMTP:
            return self._by_mail(channel.settings, parcel)
        if channel.kind is ChannelKind.WEBHOOK:
            return self._by_hook(channel.settings, parcel)
        return self._by_http(channel.settings, parcel)

    def _secret(self, name: str) -> str | None:
        """A password or token; None where the environment does not have it."""
        return self._environment.get(name) or None

    def _by_http(self, settings: Mapping[str, str], parcel: Parcel) -> Tried:
        url = settings["url"]
        reached = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}{urlsplit(url).path}"
        main = parcel.files[-1] if parcel.files else _as_json(parcel)
        headers = {
            "Content-Type": main.media_type,
            KEY_HEADER: parcel.key,
            "User-Agent": "mellemregning",
        }
        if settings.get("token_env"):
            token = self._secret(settings["token_env"])
            if token is None:
                return _no_secret(reached, settings["token_env"])
            headers["Authorization"] = f"Bearer {token}"
        try:
            # A redirect could carry the token somewhere else.
            answer = self._pool.request(
                "POST", url, body=main.content, headers=headers, redirect=False, preload_content=False
            )
            said = _beginning(answer).decode("utf-8", "replace").strip()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Tried(handed_over=False, reached=reached, detail=_reason(error))
        detail = f"HTTP {answer.status} {said}".strip()
        if answer.status in range(200, 300):
            return Tried(handed_over=True, reached=reached, detail=detail)
        return Tried(handed_over=False, reached=reached, detail=detail, lasting=is_lasting_status(answer.status))

    def _by_hook(self, settings: Mapping[str, str], parcel: Parcel) -> Tried:
        """A signed call to an address that a municipality named, and so to no machine of our own network."""
        parts = urlsplit(settings["url"])
        reached = f"{parts.scheme}://{parts.netloc}"
        hook_key = self._secret(HOOK_KEY)
        if hook_key is None:
            return _no_secret(reached, HOOK_KEY)
        body = parcel.files[-1].content
        headers = {
            "Content-Type": "application/json",
            "Host": parts.netloc,
            "User-Agent": "mellemregning",
            KEY_HEADER: parcel.key,
            "Mellemregning-Event": parcel.subject,
            SIGNATURE_HEADER: signature(secret_of(hook_key, settings["salt"]), int(self._now().timestamp()), body),
        }
        address = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            with self._pool_of_hook(parts) as pool:
                answer = pool.urlopen(
                    "POST", address, body=body, headers=headers, redirect=False, retries=False, preload_content=False
                )
                status = answer.status
                answer.close()  # what it says is not read: it would be shown to whoever named the address
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Tried(handed_over=False, reached=reached, detail=type(error).__name__)
        good = status in range(200, 300)
        return Tried(
            handed_over=good, reached=reached, detail=f"HTTP {status}", lasting=not good and is_lasting_status(status)
        )

    def _pool_of_hook(self, parts: SplitResult) -> urllib3.HTTPConnectionPool:
        """A connection to the very address that was looked up and found to be outside.

        Raises:
            OSError: there is none, or it is not outside; ``HOOK_LOCAL`` in the environment allows that.
        """
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        inside = self._secret(HOOK_LOCAL) != "1"
        addresses = [str(each[4][0]) for each in found]
        if inside and not all(ipaddress.ip_address(each).is_global for each in addresses):
            raise AddressInside
        seconds = urllib3.Timeout(connect=SECONDS_TO_CONNECT, read=self._seconds)
        if parts.scheme == "http":
            return urllib3.HTTPConnectionPool(addresses[0], port, timeout=seconds)
        return urllib3.HTTPSConnectionPool(
            addresses[0], port, timeout=seconds, ssl_context=self._tls, assert_hostname=host, server_hostname=host
        )

    def _by_mail(self, settings: Mapping[str, str], parcel: Parcel) -> Tried:
        to = settings.get("recipient") or parcel.recipient
        if "@" not in to:
            return Tried(handed_over=False, reached=to, detail="modtageren har ingen mailadresse", lasting=True)
        password = self._secret(settings["password_env"]) if settings.get("user") else None
        if settings.get("user") and password is None:
            return _no_secret(to, settings["password_env"])
        return self._mailed(settings, parcel, to, password)

    def _mailed(self, settings: Mapping[str, str], parcel: Parcel, to: str, password: str | None) -> Tried:
        try:
            message = mail_of(settings, parcel, to)
        except ValueError as error:
            return Tried(handed_over=False, reached=to, detail=_reason(error), lasting=True)
        try:
            server = smtplib.SMTP(settings["host"], int(settings.get("port", "25")), timeout=self._seconds)
            with closing(server):
                if settings.get("starttls", "on") == "on":
                    server.starttls(context=self._tls)
                if password is not None:
                    server.login(settings["user"], password)
                server.send_message(message)
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()  # the mail is taken, whatever is said to a goodbye
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return _refused_mail(to, code, said)
        except smtplib.SMTPResponseException as error:
            return _refused_mail(to, error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Tried(handed_over=False, reached=to, detail=_reason(error))
        return Tried(handed_over=True, reached=to, detail=f"modtaget af {settings['host']}")


def _beginning(answer: urllib3.BaseHTTPResponse) -> bytes:
    """As much of an answer as is kept; one that is longer or never ends is not waited for.

    Raises:
        urllib3.exceptions.HTTPError: it breaks off.
    """
    said = b""
    for _ in range(MOST_READS):
        some = answer.read1(MOST_OF_AN_ANSWER - len(said))
        said += some
        if not some or len(said) >= MOST_OF_AN_ANSWER:
            break
    if said and answer.length_remaining:
        answer.close()
    else:
        answer.release_conn()
    return said


def _no_secret(reached: str, name: str) -> Tried:
    return Tried(handed_over=False, reached=reached, detail=f"miljøvariablen {name} er ikke sat")


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _refused_mail(to: str, code: int, said: bytes | str) -> Tried:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Tried(handed_over=False, reached=to, detail=f"SMTP {code} {text}", lasting=is_lasting_smtp(code))


def _into_folder(folder: Path, parcel: Parcel) -> Tried:
    """Each file whole under a name that is the same every time; a repetition replaces what it left before."""
    stem = parcel.key.replace("/", "-")
    text = f"{parcel.subject}\n\n{parcel.body}\n".encode()
    files = parcel.files or (PackedFile(f"{stem}.txt", "text/plain", text),)
    if not folder.is_dir():
        # Not made here: a share that is not mounted would become a folder that nobody looks into.
        return Tried(handed_over=False, reached=str(folder), detail="mappen findes ikke")
    try:
        for file in files:
            write_whole(folder / f"{stem}{Path(file.name).suffix}", file.content)
    except FileNotWritten as error:
        return Tried(handed_over=False, reached=str(folder), detail=error.text())
    last = files[-1]
    return Tried(handed_over=True, reached=str(folder / f"{stem}{Path(last.name).suffix}"))


def _as_json(parcel: Parcel) -> PackedFile:
    content = {
        "id": parcel.key,
        "issuer": parcel.issuer,
        "recipient": parcel.recipient,
        "subject": parcel.subject,
        "body": parcel.body,
        "reference": dict(parcel.reference),
    }
    return PackedFile("besked.json", "application/json", json.dumps(content, ensure_ascii=False).encode())


def mail_of(settings: Mapping[str, str], parcel: Parcel, to: str) -> EmailMessage:
    """The mail: the same id every time; files attached, or a link where the settings have one.

    Raises:
        ValueError: an address or a subject that no mail can have.
    """
    message = EmailMessage()
    message["From"] = settings["sender"]
    message["To"] = to
    message["Subject"] = parcel.subject
    host = settings["sender"].rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{quote(parcel.key, safe='').replace('%2F', '.')}@{host}>"
    message[MAIL_KEY_HEADER] = parcel.key
    message["Auto-Submitted"] = "auto-generated"
    body = parcel.body or parcel.subject
    link = settings.get("link", "") if parcel.topic is DeliveryTopic.DOCUMENTS else ""
    if link:
        number = quote(str(parcel.reference.get("number", "")), safe="")
        body += "\n\n" + link.replace("{issuer}", parcel.issuer).replace("{number}", number)
    message.set_content(body + "\n")
    if not link:
        for file in parcel.files:
            kind, _, subtype = file.media_type.partition("/")
            message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    return message
