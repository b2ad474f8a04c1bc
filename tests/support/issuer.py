"""An issuer of tokens: keys made on the fly, discovery and key sets served over HTTP on the loopback."""

import json
import ssl
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.patience import PATIENCE

__all__ = ["DISCOVERY", "KEYS", "Issuer", "Reply", "SigningKey", "signing_key"]

DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


class SigningKey(NamedTuple):
    """A private key with its id and algorithm."""

    kid: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """The entry of a key set."""
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        entry = json.loads(algorithm.to_jwk(self.private.public_key()))
        return {**entry, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """A token with these claims. A header that is None is left out."""
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid, **headers})


@cache
def signing_key(kid: str, algorithm: str = "RS256") -> SigningKey:
    """The key of this name; making one takes a while, so each is made once."""
    if algorithm == "RS256":
        return SigningKey(kid, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    if algorithm == "ES256":
        return SigningKey(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
    return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())


class Reply(NamedTuple):
    """What the issuer answers instead; with `gate` not before that is set."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    gate: threading.Event | None = None


class Issuer:
    """An OpenID Connect issuer on a free port, as a context manager. It signs with the last of `keys`, publishes all.

    `requests` are the paths that were asked for, `replies` what is answered to a path instead of the truth. With a
    `certificate` (a PEM file with its key) it is reached by https, as localhost.
    """

    def __init__(self, *keys: SigningKey, slash: bool = False, certificate: Path | None = None) -> None:
        self.keys = list(keys) or [signing_key("first")]
        self.requests: list[str] = []
        self.replies: dict[str, Reply] = {}
        self._slash = slash
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme, self._host = "http", "127.0.0.1"
        if certificate is not None:
            self._scheme, self._host = "https", "localhost"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is left to the thread of each connection.
            listening = self._server.socket
            self._server.socket = context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self._host}:{self._server.server_address[1]}"

    @property
    def name(self) -> str:
        """What it calls itself in `iss`."""
        return self.url + ("/" if self._slash else "")

    @property
    def provider(self) -> dict[str, Any]:
        """Its declaration for OpenID Connect."""
        return {"domain": self.url, "applicationID": "app"}

    def custom(self, algorithm: str = "RS256", **more: Any) -> dict[str, Any]:
        """Its declaration as an issuer of custom JWTs."""
        return {"type": "customJwt", "issuer": self.url, "jwks": self.url + KEYS, "algorithm": algorithm, **more}

    def claims(self, subject: str = "ann", **more: Any) -> dict[str, Any]:
        """Claims for this user that are good for an hour; what is None in `more` is left out."""
        now = int(time.time())
        claims = {"iss": self.name, "sub": subject, "aud": "app", "iat": now, "exp": now + 3600, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str = "ann", *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token for this user, but for what is given."""
        return self.keys[-1].sign(self.claims(subject, **claims), **(headers or {}))

    def rotate(self, key: SigningKey) -> None:
        """Sign with another key from now on, and forget the others."""
        self.keys = [key]

    def key_set(self) -> bytes:
        return json.dumps({"keys": [key.public for key in self.keys]}).encode()

    def answer(self, path: str) -> Reply:
        self.requests.append(path)
        if path in self.replies:
            return self.replies[path]
        if path == DISCOVERY:
            return Reply(json.dumps({"issuer": self.name, "jwks_uri": self.url + KEYS}).encode())
        if path == KEYS:
            return Reply(self.key_set())
        return Reply(status=404)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply = issuer.answer(self.path)
                if reply.gate is not None:
                    reply.gate.wait(PATIENCE)
                try:
                    self.send_response(reply.status)
                    for name, value in (("Content-Type", reply.content_type), *reply.headers):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:
                    self.close_connection = True  # whoever asked did not wait

            def log_message(self, format: str, *args: object) -> None:
                """Its requests are in `requests`."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for reply in self.replies.values():
            if reply.gate is not None:
                reply.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
