"""One HTTP request and its answer, close to ASGI: the function endpoints are called thousands of times a second."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

__all__ = ["Answer", "HttpError", "error_body", "read_body", "request_headers", "respond"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_encoder = msgspec.json.Encoder()


class HttpError(Exception):
    """The request fails as a whole: status, short code and text for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Answer(msgspec.Struct):
    """What is sent back."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"


def error_body(error: HttpError) -> Answer:
    """The documented body of an error."""
    return Answer(_encoder.encode({"code": error.code, "message": error.message}), error.status)


def request_headers(scope: Scope) -> dict[bytes, bytes]:
    """Headers by lower-case name; of repeated ones the last."""
    return dict(scope["headers"])


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The whole body. Raises HttpError 413 when it is larger than `limit` bytes, before reading it where possible."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_rest(receive, body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes:
    pieces, size = [first], len(first)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpError(408, "ClientDisconnected", "The client went away before the whole request had come.")
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(pieces)


def _too_large(limit: int) -> HttpError:
    return HttpError(413, "BodyTooLarge", f"The request's body is larger than {limit} bytes. Send less at a time.")


async def respond(send: Send, answer: Answer, headers: list[tuple[bytes, bytes]]) -> None:
    """Send an answer with further headers."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type),
                (b"content-length", b"%d" % len(answer.body)),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
