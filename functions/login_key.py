"""The key that the school's own login signs with. Whoever has its private half can be anybody."""

import base64
import json
import os
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["AUDIENCE", "ISSUER", "LIFETIME", "public_keys", "token_for"]

ISSUER = "https://school.example/login"
AUDIENCE = "school"
LIFETIME = 3_600
"""Seconds that a token is good for."""

_KEY_ID = "school-1"


def token_for(subject: str, name: str, email: str) -> str:
    """A token by which somebody is this user for an hour."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + LIFETIME}
    claims |= {"name": name, "email": email}
    return jwt.encode(claims, _private_key(), "ES256", headers={"kid": _KEY_ID})


def public_keys() -> str:
    """The public half as a key set, in a `data:` address."""
    entry = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(_private_key().public_key()))
    keys = {"keys": [{**entry, "kid": _KEY_ID, "alg": "ES256", "use": "sig"}]}
    return "data:application/json;base64," + base64.b64encode(json.dumps(keys).encode()).decode()


def _private_key() -> ec.EllipticCurvePrivateKey:
    """From the file that SCHOOL_LOGIN_KEY names, which is made when it is not there."""
    default = Path(__file__).parents[1] / ".reactor" / "login-key.pem"
    file = Path(os.environ.get("SCHOOL_LOGIN_KEY", default))
    if not file.exists():
        _make(file)
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _make(file: Path) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(made.private_bytes(*pem))
    try:
        os.link(part, file)  # who comes second takes the key of who came first
    except FileExistsError:
        pass
    finally:
        part.unlink()
