"""The response of an HTTP action: what a handler may return, and how it is sent."""

import re
from collections.abc import MutableMapping
from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from reactor.errors import DeveloperError, InvalidValue
from reactor.http.action_request import Incoming
from reactor.http.exchange import Send
from reactor.values import to_clean_json

__all__ = ["ClientGone", "Outgoing", "as_response"]

_encoder = msgspec.json.Encoder()

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_OF_THE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that say how these two ends talk. A handler that passes on another server's response has that one's."""

_WITHOUT_BODY = frozenset({204, 205, 304})


class ClientGone(OSError):
    """The client went before it had the whole response."""


def as_response(value: object) -> Response:
    """What a handler returned, as a Response. Raises DeveloperError when it can be none."""
    match value:
        case Response():
            return value
        case None:
            return Response(status_code=204)
        case str():
            return PlainTextResponse(value)
        case bytes():
            return Response(value, media_type="application/octet-stream")
        case dict() | list():
            return Response(_json(value), media_type="application/json")
        case _:
            raise _no_response(f"{type(value).__name__}")


def _json(value: Any) -> bytes:
    try:
        return _encoder.encode(to_clean_json(value))
    except (InvalidValue, TypeError, ValueError, RecursionError) as error:
        raise _no_response(f"a {type(value).__name__} that JSON cannot say ({error})") from None


def _no_response(what: str) -> DeveloperError:
    return DeveloperError(
        f"An HTTP action returned {what}. Return a starlette Response, text, bytes, a dict or list of values, or None.",
        code="InvalidResponse",
    )


class Outgoing:
    """An ASGI `send` for one response: checked before it is too late to say what is wrong, counted, and cut in time.

    Raises DeveloperError for what cannot be sent, ClientGone when nobody is there to read.
    """

    def __init__(self, send: Send, method: str, limit: int, incoming: Incoming) -> None:
        self._send, self._limit, self._incoming = send, limit, incoming
        self._head = method == "HEAD"
        self._bare = False
        self.size = 0
        self.status = 0
        """0 while the head of the response has not been sent."""
        self.complete = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body" and not self.complete:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    async def end(self) -> None:
        """Nothing more comes."""
        await self._body(b"", more=False)

    async def _start(self, message: MutableMapping[str, Any]) -> None:
        status = message["status"]
        if not 200 <= status <= 599:
            raise DeveloperError(f"{status} is no status of a response: use 200 to 599.", code="InvalidResponse")
        headers = _checked(message.get("headers", []))
        self._bare = self._head or status in _WITHOUT_BODY
        if not self._bare:
            for name, value in headers:
                if name == b"content-length" and int(value) > self._limit:
                    raise self._too_large()
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._incoming.gone:
            raise ClientGone("the client has gone")
        if not self._bare:
            self.size += len(body)
            if self.size > self._limit:
                raise self._too_large()
        self.complete = not more
        await self._send({"type": "http.response.body", "body": b"" if self._bare else body, "more_body": more})

    def _too_large(self) -> DeveloperError:
        return DeveloperError(
            f"The response is larger than {self._limit} bytes. Send less, or raise the setting "
            "max_http_response_bytes.",
            code="ResponseTooLarge",
        )


def _checked(headers: Any) -> list[tuple[bytes, bytes]]:
    """Headers that may be sent. A line break in one would begin another, or the body."""
    checked: list[tuple[bytes, bytes]] = []
    for given, value in headers:
        name = given.lower()
        if not _NAME.fullmatch(name) or _NOT_IN_VALUES.search(value):
            raise DeveloperError(
                f"The header {name.decode('latin-1')!r} has a character that no header may have, such as a line break.",
                code="InvalidResponse",
            )
        if name == b"content-length" and not value.isdigit():
            raise DeveloperError("The header 'content-length' is no number.", code="InvalidResponse")
        if name not in _OF_THE_CONNECTION:
            checked.append((name, value))
    return checked
