"""A server as the world reaches it, and its secrets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.issuer import Issuer
from tests.support.patience import PATIENCE
from tests.support.raw_http import RawAnswer, exchange
from tests.support.server import Server

__all__ = ["ADMIN_KEY", "MARKER", "OUTSIDE", "PAYMENT_KEY", "WORDS", "Vault", "admin", "bearer", "open_vault"]

MARKER = "s3cr3t"
"""Stands in every secret, and in nothing else."""
ADMIN_KEY = f"vault|{MARKER}0123456789abcdef"
PAYMENT_KEY = f"{MARKER}-payment-key"
OUTSIDE = "not for the world"
"""What stands in a file beside the folder of the page."""
WORDS = "what only functions see"
"""What internal functions give."""


def admin(acting_as: str = "") -> dict[str, str]:
    return {"Authorization": f"Convex {ADMIN_KEY}{acting_as}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Vault:
    """The server, its issuer of users, and a client of HTTP for both."""

    server: Server
    issuer: Issuer
    http: httpx.Client

    def call(self, kind: str, path: str, headers: dict[str, str] | None = None, **args: Any) -> httpx.Response:
        body = {"path": path, "args": args, "format": "convex_encoded_json"}
        return self.http.post(f"/api/{kind}", json=body, headers=headers)

    def value(self, kind: str, path: str, headers: dict[str, str] | None = None, **args: Any) -> Any:
        """The value of a call that succeeds."""
        answer = self.call(kind, path, headers, **args)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["value"]

    def fails(self, kind: str, path: str, headers: dict[str, str] | None = None, **args: Any) -> str:
        """The message of a call that fails as a function does."""
        answer = self.call(kind, path, headers, **args).json()
        assert answer["status"] == "error", answer
        return answer["errorMessage"]

    def raw(self, head: bytes, body: bytes = b"", *, site: bool = False) -> RawAnswer:
        """What comes back for these bytes; the connection is closed behind them."""
        port = self.server.port if not site else int(self.server.site.rpartition(":")[2])
        return exchange(port, head + b"connection: close\r\n\r\n" + body)

    def is_well(self) -> bool:
        return self.http.get("/healthz").status_code == 200


@contextmanager
def open_vault(folder: Path, **environment: str) -> Iterator[Vault]:
    page = folder / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>the page")
    (folder / "outside.txt").write_text(OUTSIDE)
    (page / "link.txt").symlink_to(folder / "outside.txt")
    with Issuer() as issuer:
        settings = {
            "REACTOR_AUTH_PROVIDERS": json.dumps([issuer.provider]),
            "REACTOR_ADMIN_KEY": ADMIN_KEY,
            "REACTOR_LOG_LEVEL": "debug",
            "REACTOR_PAGE": str(page),
            **environment,
        }
        with (
            Server("vault", folder / "data", environment=settings) as server,
            httpx.Client(base_url=server.url, timeout=PATIENCE, trust_env=False) as http,
        ):
            changes = {"changes": [{"name": "PAYMENT_KEY", "value": PAYMENT_KEY}]}
            set_variable = http.post("/api/update_environment_variables", json=changes, headers=admin())
            assert set_variable.status_code == 200, set_variable.text
            yield Vault(server, issuer, http)
