"""Which clients are served over HTTP, by the header in which they say what they are."""

from functools import lru_cache

import msgspec

from reactor.http.exchange import HttpError
from reactor.runtime.client_header import UNSUPPORTED, deprecation, parse_client

__all__ = ["ClientSupport", "client_support"]


class ClientSupport(msgspec.Struct, frozen=True):
    """`headers` go with every answer; a client is refused with `code` and `text`, None when it is served."""

    headers: list[tuple[bytes, bytes]] = []
    code: str | None = None
    text: str = ""

    def check(self) -> None:
        """Raises HttpError 400 for a client that is not served."""
        if self.code is not None:
            raise HttpError(400, self.code, self.text)


_SERVED = ClientSupport()


def client_support(header: bytes | None) -> ClientSupport:
    """How the sender of a `Convex-Client` header is treated; one without it is served."""
    return _SERVED if header is None else _of(header[:256])


@lru_cache(maxsize=256)
def _of(header: bytes) -> ClientSupport:
    try:
        told = deprecation(*parse_client(header.decode("latin-1")))
    except ValueError:
        text = "Failed to parse the client version: expected <name>-<major.minor.patch>."
        return ClientSupport([], "InvalidClientVersion", text)
    headers = [(name.encode(), text.encode("latin-1", "replace")) for name, text in told.items()]
    if told.get("x-convex-deprecation-state") == UNSUPPORTED:
        return ClientSupport(headers, "ClientVersionUnsupported", told["x-convex-deprecation-message"])
    return ClientSupport(headers) if headers else _SERVED
