"""How values are written in HTTP answers (get-convex/convex-backend, crates/value/src/export.rs)."""

import msgspec

from reactor.http.exchange import HttpError
from reactor.runtime.client_header import parse_client
from reactor.values import decode_trusted, to_clean_json, to_export_json

__all__ = ["answer_format", "in_format"]

_encoder = msgspec.json.Encoder()

_ENCODED = frozenset({"convex_encoded_json", "convex_json"})
_CLEAN = frozenset({"json", "convex_clean_json"})
_KNOWN = _ENCODED | _CLEAN | {"export_json"}

_ENCODED_UP_TO = {"npm": (1, 4, 0), "npm-cli": (1, 4, 0), "actions": (1, 4, 0), "python": (0, 4, 999)}
"""Clients up to these versions expect encoded values when they name no format."""


def answer_format(named: str | None, client_header: bytes | None) -> str:
    """The format of an answer: the one that the request names, else what its client expects.

    Raises HttpError 400 for an unknown format and for a client header without a version.
    """
    default = _default_format(client_header)
    if named is None:
        return default
    if named not in _KNOWN:
        raise HttpError(
            400, "BadFormat", f"Unknown format {named[:50]!r}; use convex_encoded_json, json or export_json."
        )
    return named


def _default_format(client_header: bytes | None) -> str:
    if client_header is None:
        return "json"
    try:
        name, version = parse_client(client_header.decode("latin-1"))
    except ValueError:
        raise HttpError(
            400, "InvalidClientVersion", "Failed to parse the client version: expected <name>-<major.minor.patch>."
        ) from None
    limit = _ENCODED_UP_TO.get(name)
    return "convex_encoded_json" if limit is not None and version <= limit else "json"


def in_format(encoded: bytes, format: str) -> bytes:
    """An encoded value in a format that `answer_format` gave."""
    if format in _ENCODED:
        return encoded
    if format in _CLEAN:
        # Only wrapper objects are written differently, and no text looks like the beginning of one: quotes are escaped.
        return encoded if b'{"$' not in encoded else _encoder.encode(to_clean_json(decode_trusted(encoded)))
    return _encoder.encode(to_export_json(decode_trusted(encoded)))
