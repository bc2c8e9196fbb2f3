"""Mail by STARTTLS, with a certificate made here: nothing leaves in clear where it is to be encrypted."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exports.delivery.facts import ChannelKind, DeliveryState
from foundation import clock
from tests.exports.delivery.conftest import DAY, JANUARY, OnAnyPort, Post

ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
PASSED = "kun-til-proeven-smtp"
SETTINGS = {
    "host": "127.0.0.1",
    "sender": "a@odense.test",
    "recipient": "ind@adgangspunkt.test",
    "user": "mellemregning",
    "password_env": "PROEVE_SMTP",
}
ENVIRONMENT = {"PROEVE_SMTP": PASSED}


def certificate(folder: Path, valid: timedelta = timedelta(days=1)) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "prøven")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + valid)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certifikat.pem"
    pem = serialization.Encoding.PEM
    written = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + written)
    return file


class Guarded:
    """What a server was told, and whether it came encrypted."""

    def __init__(self) -> None:
        self.got: list[tuple[Sequence[str], bytes, bool]] = []
        self.logins: list[tuple[bytes, bytes, bool]] = []

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.content
        assert isinstance(content, bytes)
        self.got.append((list(envelope.rcpt_tos), content, session.ssl is not None))
        return "250 OK"

    def authenticate(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, said: object
    ) -> AuthResult:
        assert isinstance(said, LoginPassword)
        self.logins.append((said.login, said.password, session.ssl is not None))
        return AuthResult(success=said.password == PASSED.encode())


@contextmanager
def listening(guarded: Guarded, file: Path | None) -> Iterator[int]:
    """A server that offers STARTTLS with a certificate, or none at all."""
    context = None
    if file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
    controller = OnAnyPort(
        guarded,
        hostname="127.0.0.1",
        port=0,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=guarded.authenticate,
        auth_required=context is not None,
        auth_require_tls=context is not None,
    )
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


def trusting(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(file))


@ON_SQLITE
def test_documents_and_password_go_encrypted(post: Post, tmp_path: Path) -> None:
    file, guarded = certificate(tmp_path), Guarded()
    with listening(guarded, file) as port:
        post.channel(ChannelKind.SMTP, SETTINGS | {"port": str(port)})
        post.life.issue(JANUARY, DAY)
        assert post.delivers(environment=ENVIRONMENT, tls=trusting(file)) == {"handed_over": 8}
    assert {encrypted for _, _, encrypted in guarded.got} == {True}
    assert {tuple(to) for to, _, _ in guarded.got} == {("ind@adgangspunkt.test",)}
    assert set(guarded.logins) == {(b"mellemregning", PASSED.encode(), True)}
    assert PASSED not in str(post.life.everything())


@ON_SQLITE
@pytest.mark.parametrize("trusted", ["nobody", "another", "expired"])
def test_a_server_that_is_not_trusted_gets_nothing(post: Post, tmp_path: Path, trusted: str) -> None:
    """A certificate nobody vouches for, one of somebody else, one that has run out: tried again later, nothing told."""
    file = certificate(tmp_path, timedelta(days=-1) if trusted == "expired" else timedelta(days=1))
    other = tmp_path / "anden"
    other.mkdir()
    match trusted:
        case "nobody":
            context = ssl.create_default_context()
        case "another":
            context = trusting(certificate(other))
        case _:
            context = trusting(file)
    guarded = Guarded()
    with listening(guarded, file) as port:
        post.channel(ChannelKind.SMTP, SETTINGS | {"port": str(port)})
        post.life.issue(JANUARY, DAY)
        assert post.delivers(environment=ENVIRONMENT, tls=context) == {"failed": 8}
        assert (guarded.got, guarded.logins) == ([], [])
        assert "CERTIFICATE_VERIFY_FAILED" in post.list(DeliveryState.FAILED)[0].history[-1].detail
        if trusted == "nobody":  # once it is vouched for, it is delivered
            later = timedelta(minutes=2)
            assert post.delivers(later, environment=ENVIRONMENT, tls=trusting(file)) == {"handed_over": 8}


@ON_SQLITE
def test_a_server_without_starttls_gets_nothing(post: Post, tmp_path: Path) -> None:
    guarded = Guarded()
    with listening(guarded, None) as port:
        post.channel(ChannelKind.SMTP, SETTINGS | {"port": str(port)})
        post.life.issue(JANUARY, DAY)
        context = trusting(certificate(tmp_path))
        assert post.delivers(environment=ENVIRONMENT, tls=context) == {"failed": 8}
    assert (guarded.got, guarded.logins) == ([], [])


@pytest.mark.soak
@ON_SQLITE
def test_a_wrong_password_is_tried_again(post: Post, tmp_path: Path) -> None:
    file, guarded = certificate(tmp_path), Guarded()
    with listening(guarded, file) as port:
        post.life.issue(JANUARY, DAY)
        post.channel(ChannelKind.SMTP, SETTINGS | {"port": str(port)})
        post.life.credit("F2008-0001", DAY)  # one is enough: the server takes its time over wrong passwords
        wrong = {"PROEVE_SMTP": "forkert"}
        assert post.delivers(environment=wrong, tls=trusting(file)) == {"failed": 1}
        assert guarded.got == []
        assert "forkert" not in str(post.life.everything())
