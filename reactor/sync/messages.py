"""Messages of the sync protocol: what clients send, parsed; what the server sends, built as bytes.

Shapes follow the official clients (npm `convex`, src/browser/sync/protocol.ts; crate `convex_sync_types`).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from reactor.errors import ProtocolError
from reactor.runtime.query_run import RunResult
from reactor.values import timestamps
from reactor.values.timestamps import encode_ts

__all__ = [
    "CHUNK_BYTES",
    "Action",
    "Add",
    "Authenticate",
    "ClientMessage",
    "Connect",
    "Event",
    "ModifyQuerySet",
    "Mutation",
    "Remove",
    "action_response",
    "auth_error",
    "chunks",
    "clock_members",
    "decode_ts",
    "encode_ts",
    "fatal_error",
    "mutation_response",
    "parse",
    "query_removed",
    "query_result",
    "transition",
    "version",
]

CHUNK_BYTES = 5_000_000
"""Largest transition that is sent whole to clients that understand chunks."""

_encoder = msgspec.json.Encoder()

U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""Numbers of queries, requests and versions. A request's number is stored, so a larger one must not get that far."""


class Connect(Struct, tag="Connect", tag_field="type"):
    """First message of most sockets."""

    sessionId: str  # noqa: N815 - names on the wire
    connectionCount: int = 0  # noqa: N815
    lastCloseReason: str | None = None  # noqa: N815
    maxObservedTimestamp: str | None = None  # noqa: N815
    clientTs: float | None = None  # noqa: N815


class Add(Struct, tag="Add", tag_field="type"):
    """Subscribe to a query. `journal`: absent when the client knows none."""

    queryId: U32  # noqa: N815
    udfPath: str  # noqa: N815
    args: Raw = Raw(b"[{}]")
    journal: str | None = None
    componentPath: str | None = None  # noqa: N815


class Remove(Struct, tag="Remove", tag_field="type"):
    """Unsubscribe."""

    queryId: U32  # noqa: N815


class ModifyQuerySet(Struct, tag="ModifyQuerySet", tag_field="type"):
    """Subscribe and unsubscribe."""

    baseVersion: U32  # noqa: N815
    newVersion: U32  # noqa: N815
    modifications: list[Add | Remove]


class Mutation(Struct, tag="Mutation", tag_field="type"):
    """Run a mutation."""

    requestId: U32  # noqa: N815
    udfPath: str  # noqa: N815
    args: Raw
    componentPath: str | None = None  # noqa: N815


class Action(Struct, tag="Action", tag_field="type"):
    """Run an action."""

    requestId: U32  # noqa: N815
    udfPath: str  # noqa: N815
    args: Raw
    componentPath: str | None = None  # noqa: N815


class Authenticate(Struct, tag="Authenticate", tag_field="type"):
    """Say who the client is. `impersonating` and `acting_as` are two names of the same thing."""

    baseVersion: U32  # noqa: N815
    tokenType: Literal["User", "Admin", "None"]  # noqa: N815
    value: str | None = None
    impersonating: dict[str, Any] | UnsetType | None = UNSET
    acting_as: dict[str, Any] | UnsetType | None = UNSET


class Event(Struct, tag="Event", tag_field="type"):
    """Something a client wants known; nothing is answered."""

    eventType: str = ""  # noqa: N815
    event: Raw = Raw(b"null")


ClientMessage = Connect | ModifyQuerySet | Mutation | Action | Authenticate | Event

_decoder = msgspec.json.Decoder(ClientMessage)


def parse(payload: bytes) -> ClientMessage:
    """One message of a client. Raises ProtocolError for anything else."""
    try:
        if not payload.isascii():
            payload.decode()  # what stays raw is decoded later, and then it is too late to tell the client
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"Received Invalid JSON on websocket: {error}") from None


def decode_ts(text: str) -> int:
    """A timestamp from the wire. Raises ProtocolError when it is none."""
    try:
        return timestamps.decode_ts(text)
    except ValueError:
        raise ProtocolError("Received Invalid JSON on websocket: a timestamp is 8 bytes in base64") from None


def mutation_response(request: int, result: RunResult) -> bytes:
    """The answer to a mutation."""
    if result.failure is not None:
        return b'{"type":"MutationResponse","requestId":%d,%b,"ts":null}' % (request, _failed(result))
    return b'{"type":"MutationResponse","requestId":%d,"success":true,"result":%b,"ts":"%b","logLines":%b}' % (
        request,
        result.value,
        encode_ts(result.ts),
        _lines(result),
    )


def action_response(request: int, result: RunResult) -> bytes:
    """The answer to an action."""
    if result.failure is not None:
        return b'{"type":"ActionResponse","requestId":%d,%b}' % (request, _failed(result))
    return b'{"type":"ActionResponse","requestId":%d,"success":true,"result":%b,"logLines":%b}' % (
        request,
        result.value,
        _lines(result),
    )


def _failed(result: RunResult) -> bytes:
    failure = result.failure
    assert failure is not None
    # Present only for a ConvexError: its presence is what makes a client throw one.
    data = b"" if failure.data is None else b',"errorData":' + failure.data
    return b'"success":false,"result":%b,"logLines":%b%b' % (_encoder.encode(failure.message), _lines(result), data)


def _lines(result: RunResult) -> bytes:
    return _encoder.encode(result.logs) if result.logs else b"[]"


def version(query_set: int, identity: int, ts: bytes) -> bytes:
    """A version of a client's state; `ts` as `encode_ts` gives it."""
    return b'{"querySet":%d,"identity":%d,"ts":"%b"}' % (query_set, identity, ts)


def transition(start: bytes, end: bytes, modifications: list[bytes], clock: bytes = b"") -> bytes:
    """A step from one version to another. `clock`: further members, see `clock_members`."""
    return b'{"type":"Transition","startVersion":%b,"endVersion":%b,"modifications":[%b]%b}' % (
        start,
        end,
        b",".join(modifications),
        clock,
    )


def query_result(query_id: int, kind: bytes, tail: bytes) -> bytes:
    """A modification: a query has this result (see `reactor.live.live_query.Result`)."""
    return b'{"type":"%b","queryId":%d,%b' % (kind, query_id, tail)


def query_removed(query_id: int) -> bytes:
    """A modification: a query has ended, as the client asked."""
    return b'{"type":"QueryRemoved","queryId":%d}' % query_id


def clock_members(skew_ms: float, server_ns: int) -> bytes:
    """Members that let a client compare clocks: its skew in milliseconds and the server's time in nanoseconds."""
    return b',"clientClockSkew":%d,"serverTs":%d' % (round(skew_ms), server_ns)


def chunks(text: bytes, size: int = CHUNK_BYTES) -> list[bytes]:
    """A long transition in pieces of at most `size` bytes, cut between characters."""
    pieces: list[bytes] = []
    at = 0
    while at < len(text):
        end = min(at + size, len(text))
        while end < len(text) and (text[end] & 0xC0) == 0x80:
            end -= 1
        pieces.append(text[at:end])
        at = end
    return [
        b'{"type":"TransitionChunk","chunk":%b,"partNumber":%d,"totalParts":%d,"transitionId":"%d"}'
        % (_encoder.encode(piece.decode()), number, len(pieces), len(text))
        for number, piece in enumerate(pieces)
    ]


def fatal_error(text: str) -> bytes:
    """The client is at fault and shall not come back with the same."""
    return b'{"type":"FatalError","error":%b}' % _encoder.encode(text)


def auth_error(text: str, base_version: int, *, attempted: bool) -> bytes:
    """A token was refused (`attempted`), or has expired."""
    return b'{"type":"AuthError","error":%b,"baseVersion":%d,"authUpdateAttempted":%b}' % (
        _encoder.encode(text),
        base_version,
        b"true" if attempted else b"false",
    )
