"""Keys that are fetched by https: only from whom the system trusts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reactor.auth import download
from reactor.errors import KeysUnavailable
from tests.integration.auth.checking import Checking
from tests.support.issuer import DISCOVERY, KEYS, Issuer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file


@pytest.fixture
def issuer(certificate: Path) -> Iterator[Issuer]:
    with Issuer(certificate=certificate) as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def certificates_as_before() -> Iterator[None]:
    """The system's certificates are read once in a process."""
    download.trusted.cache_clear()
    yield
    download.trusted.cache_clear()


async def test_an_issuer_whom_nobody_knows(issuer: Issuer):
    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await Checking(issuer.provider).verifier.verify(issuer.token())
    assert issuer.requests == []


async def test_an_issuer_whom_the_system_trusts(issuer: Issuer, certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    checking = Checking({"domain": issuer.url.removeprefix("https://"), "applicationID": "app"})
    assert (await checking.attributes(issuer.token()))["issuer"] == issuer.url
    assert issuer.requests == [DISCOVERY, KEYS]
