"""Which client speaks, and what it understands.

A header names it; browsers cannot send one and give the version in the path instead
(get-convex/convex-backend, crates/common/src/http/mod.rs).
"""

from reactor.runtime.client_header import UNSUPPORTED, Version, deprecation, parse_client, parse_version
from reactor.sync.connection import Refusal

__all__ = ["check_version", "understands_chunks"]

_FIRST_WITH_CHUNKS: Version = (1, 28, 0)


def check_version(header: str | None, path_version: str | None) -> dict[str, str] | Refusal:
    """What the headers of the answer tell a client about its version, or why it is not served."""
    try:
        client = _client(header, path_version)
    except ValueError:
        text = "Failed to parse the client version: expected <name>-<major.minor.patch>."
        return Refusal(400, {"code": "InvalidClientVersion", "message": text})
    headers = {} if client is None else deprecation(*client)
    if headers.get("x-convex-deprecation-state") == UNSUPPORTED:
        text = headers["x-convex-deprecation-message"]
        return Refusal(400, {"code": "ClientVersionUnsupported", "message": text}, headers)
    return headers


def understands_chunks(header: str | None, path_version: str | None) -> bool:
    """Whether the client takes transitions in pieces."""
    client = _client(header, path_version)
    return client is not None and client[0] == "npm" and client[1] >= _FIRST_WITH_CHUNKS


def _client(header: str | None, path_version: str | None) -> tuple[str, Version] | None:
    if header is not None:
        return parse_client(header)
    return None if path_version is None else ("npm", parse_version(path_version))
