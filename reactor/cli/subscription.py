"""One live query as a client of the sync protocol sees it: messages in, messages out, no socket.

Follows get-convex/convex-backend, crates/convex/src/base_client: each Transition starts at the version where the
last one ended, and every new socket starts at zero.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from reactor.cli.answers import Answer
from reactor.cli.server import ServerError
from reactor.errors import ProtocolError
from reactor.settings import Secret

__all__ = ["Subscription"]

_QUERY = 0  # the id of the only query that this client ever adds


class _Version(msgspec.Struct, rename="camel", frozen=True):
    query_set: int
    identity: int
    ts: str


_START = _Version(0, 0, "AAAAAAAAAAA=")


class _Modification(msgspec.Struct, rename="camel"):
    type: str
    query_id: int
    value: msgspec.Raw = msgspec.Raw(b"null")
    error_message: str = ""
    error_data: msgspec.Raw = msgspec.Raw()
    log_lines: list[str] = []


class _Message(msgspec.Struct, rename="camel"):
    type: str
    start_version: _Version = _START
    end_version: _Version = _START
    modifications: list[_Modification] = []
    error: str = ""


class Subscription:
    """A query to watch. `opening()` is what to send on each new socket, `receive()` takes what arrives on it."""

    def __init__(self, path: str, args_json: str, admin_key: Secret) -> None:
        self._path = path
        self._args = msgspec.Raw(args_json.encode())
        self._admin_key = admin_key
        self._session = str(uuid.uuid4())
        self._sockets = 0
        self._version = _START
        self._observed: str | None = None
        self._shown: tuple[str, bytes, str, bytes] | None = None

    @property
    def answered(self) -> bool:
        """Whether the server ever answered."""
        return self._observed is not None

    def opening(self, reason: str) -> list[str]:
        """The first messages of a new socket; `reason`: why the last one ended ("InitialConnect" the first time)."""
        self._version = _START
        connect: dict[str, Any] = {
            "type": "Connect",
            "sessionId": self._session,
            "connectionCount": self._sockets,
            "lastCloseReason": reason,
            "clientTs": 0,
        }
        if self._observed is not None:
            connect["maxObservedTimestamp"] = self._observed
        self._sockets += 1
        authenticate = {
            "type": "Authenticate",
            "baseVersion": 0,
            "tokenType": "Admin",
            "value": self._admin_key.reveal(),
        }
        add = {"type": "Add", "queryId": _QUERY, "udfPath": self._path, "args": [self._args]}
        query_set = {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [add]}
        return [msgspec.json.encode(message).decode() for message in (connect, authenticate, query_set)]

    def receive(self, text: str | bytes) -> Iterator[Answer]:
        """The new answers in a message.

        Raises ServerError when the server wants no more of us, ProtocolError when it does not follow the protocol.
        """
        try:
            message = msgspec.json.decode(text, type=_Message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProtocolError(f"The server sent a message that cannot be read: {error}") from None
        match message.type:
            case "Transition":
                yield from self._transition(message)
            case "Ping":
                return
            case "AuthError":
                raise ServerError(
                    f"The server refused the admin key: {message.error}\n"
                    "Give the right one by --admin-key or REACTOR_ADMIN_KEY; it stands in DATA/admin_key of the server."
                )
            case "FatalError":
                raise ServerError(f"The server ended the subscription: {message.error}")
            case other:
                raise ProtocolError(
                    f"The server sent {other!r}, which this version does not know. Use the same version on both sides."
                )

    def _transition(self, message: _Message) -> Iterator[Answer]:
        if message.start_version != self._version:
            raise ProtocolError("The server left out a change. Use the same version on both sides.")
        self._version = message.end_version
        self._observed = message.end_version.ts
        for modification in message.modifications:
            if modification.query_id == _QUERY and modification.type != "QueryRemoved":
                yield from self._changed(_answer(modification))

    def _changed(self, answer: Answer) -> Iterator[Answer]:
        # A new socket always brings the result again; only a different one is news.
        essence = (answer.status, bytes(answer.value), answer.error_message, bytes(answer.error_data))
        if essence != self._shown:
            self._shown = essence
            yield answer


def _answer(modification: _Modification) -> Answer:
    failed = modification.type == "QueryFailed"
    return Answer(
        status="error" if failed else "success",
        value=modification.value,
        error_message=modification.error_message,
        error_data=modification.error_data,
        log_lines=modification.log_lines,
    )
