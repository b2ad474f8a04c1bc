"""Cross-origin requests: any origin may call, since callers prove who they are by header or message, never by cookie.

Headers as the official server gives them (get-convex/convex-backend, crates/local_backend/src/router.rs).
"""

from reactor.http.exchange import Answer

__all__ = ["cors_headers", "preflight"]

_ALWAYS = [(b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")]


def cors_headers(headers: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Headers for the answer to a request with these headers."""
    origin = headers.get(b"origin")
    if origin is None:
        return _ALWAYS
    return [(b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true"), *_ALWAYS]


def preflight(headers: dict[bytes, bytes]) -> tuple[Answer, list[tuple[bytes, bytes]]]:
    """The answer to an OPTIONS request that asks what is allowed."""
    allowed = [
        (b"access-control-allow-methods", b"GET,POST,OPTIONS,PATCH,DELETE,PUT"),
        (b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"")),
        (b"access-control-max-age", b"86400"),
    ]
    return Answer(b"", 200, b"text/plain"), [*cors_headers(headers), *allowed]
