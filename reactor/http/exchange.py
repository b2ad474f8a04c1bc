"""One HTTP request and its answer, close to ASGI: the function endpoints are called thousands of times a second."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

__all__ = [
    "Answer",
    "HttpError",
    "WrongMethod",
    "body_too_large",
    "error_body",
    "is_too_large",
    "read_body",
    "request_headers",
    "respond",
    "retry_after",
    "sender_request_id",
    "server_stopping",
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_encoder = msgspec.json.Encoder()
_REQUEST_ID = re.compile(rb"[0-9A-Za-z._-]{1,64}")


class HttpError(Exception):
    """The request fails as a whole: status, short code and text for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers: tuple[tuple[bytes, bytes], ...] = ()


class WrongMethod(HttpError):
    """A request by another method than those that there are (RFC 9110 §15.5.6)."""

    def __init__(self, message: str, *allowed: str) -> None:
        super().__init__(405, "MethodNotAllowed", message)
        self.headers = ((b"allow", ", ".join(allowed).encode()),)


class Answer(msgspec.Struct):
    """What is sent back."""

    body: bytes
    status: int = 200
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def error_body(error: HttpError) -> Answer:
    """The documented body of an error."""
    body = _encoder.encode({"code": error.code, "message": error.message})
    return Answer(body, error.status, headers=error.headers)


def retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    """The header that says when a request may come again (RFC 9110 §10.2.3)."""
    return ((b"retry-after", b"%d" % math.ceil(seconds)),)


def request_headers(scope: Scope) -> dict[bytes, bytes]:
    """Headers by lower-case name; of repeated ones the last."""
    return dict(scope["headers"])


def sender_request_id(headers: dict[bytes, bytes]) -> str:
    """The id that the sender wants the messages of its request known by, "" when it says none that can be one."""
    given = headers.get(b"convex-request-id")
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else ""


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int, seconds: float = 300.0) -> bytes:
    """The whole body. Raises HttpError 413 when it is larger than `limit` bytes, before reading it where possible, and
    408 when it does not come within `seconds`."""
    if is_too_large(headers, limit):
        raise body_too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _whole_body(receive, limit)
    except TimeoutError:
        text = f"The request's body did not come within {seconds:g} s."
        raise HttpError(408, "RequestTimeout", text) from None


async def _whole_body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_rest(receive, body, limit)
    if len(body) > limit:
        raise body_too_large(limit)
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
            raise body_too_large(limit)
        if not message.get("more_body"):
            return b"".join(pieces)


def is_too_large(headers: dict[bytes, bytes], limit: int) -> bool:
    """Whether a request says beforehand that its body has more than `limit` bytes."""
    declared = headers.get(b"content-length", b"0")
    return declared.isdigit() and int(declared) > limit


def body_too_large(limit: int) -> HttpError:
    """The refusal of a body with more than `limit` bytes."""
    return HttpError(413, "BodyTooLarge", f"The request's body is larger than {limit} bytes. Send less at a time.")


def server_stopping() -> HttpError:
    """What a call is told that a stop has cut off."""
    return HttpError(
        503,
        "ServerStopping",
        "The server was stopped before this call had ended. What it was to do may have happened or not: look before "
        "you call again.",
    )


async def respond(send: Send, answer: Answer, headers: list[tuple[bytes, bytes]]) -> None:
    """Send an answer with further headers."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type),
                (b"content-length", b"%d" % len(answer.body)),
                *answer.headers,
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
