"""The shapes between a socket and the session behind it, and what all sockets have in common; no I/O here.

    Listener (the hub)  ── accept(path, headers, connection) ──▶  Welcome (with a peer) | Refusal
    Connection (the socket, used by the peer)                     send, close, backlog, last_sent, last_heard
    Peer (the session, told by the socket)                        received, received_binary, drained, lost

Life of a connection; the socket moves it, in this order only:

    OPENING ──accepted──▶ OPEN ──close()──▶ CLOSING ──client answered, went, or was dropped──▶ FINISHED
                           └──client closed, broke the protocol, or is gone──────────────────────▲
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from reactor.sync.frames import text_frame

__all__ = [
    "Connection",
    "Listener",
    "OutMessage",
    "Peer",
    "Phase",
    "Refusal",
    "SocketBase",
    "Welcome",
    "admit",
    "joined_headers",
    "logger",
]

logger = logging.getLogger("reactor.sync")


class OutMessage:
    """One JSON text to send. Its frame is made once, however many sockets it goes to."""

    __slots__ = ("_frame", "_text", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._frame: bytes | None = None
        self._text: str | None = None

    @property
    def frame(self) -> bytes:
        """The whole WebSocket frame of a server: one text message, unmasked."""
        if self._frame is None:
            self._frame = text_frame(self.payload)
        return self._frame

    @property
    def text(self) -> str:
        """The same for interfaces that take text and make frames themselves."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


class Phase(Enum):
    """Where a connection stands; the picture above has the moves."""

    OPENING = "opening"  # the listener is being asked; nothing may be sent yet
    OPEN = "open"
    CLOSING = "closing"  # our close frame is on its way; what the client says is no longer told to the peer
    FINISHED = "finished"  # nothing is sent and nothing is heard any more


class Connection(Protocol):
    """What a peer can do with its socket. Not to be used before `accept` has returned."""

    @property
    def backlog(self) -> int:
        """Bytes sent that the kernel has not taken yet (over ASGI: that the server has not taken); 0 once lost."""
        ...

    @property
    def address(self) -> str | None:
        """The client's network address, None when there is none to tell."""
        ...

    @property
    def last_sent(self) -> float:
        """Time of the last application message to the client, by the heartbeat's clock, in seconds."""
        ...

    @property
    def last_heard(self) -> float:
        """Time of the last frame from the client, pongs included, by the heartbeat's clock, in seconds."""
        ...

    def send(self, messages: Sequence[OutMessage]) -> None:
        """Send texts in order. Never blocks and never fails: after `close` or `lost` it does nothing."""
        ...

    def close(self, code: int | None, reason: str = "") -> None:
        """Send what is waiting, then a close frame (`code` None: one without code), then close.

        The peer hears nothing more than `lost`. A client that does not answer is dropped by the heartbeat.
        """
        ...


class Peer(Protocol):
    """What a socket tells the session behind it; never while the session is calling the socket."""

    def received(self, payload: bytes) -> None:
        """One complete text message. That it is UTF-8 is left to whoever decodes the JSON."""
        ...

    def received_binary(self) -> None:
        """A complete binary message came, which the protocol does not have; its bytes are gone."""
        ...

    def drained(self) -> None:
        """The backlog is zero after it was not."""
        ...

    def lost(self) -> None:
        """Nothing will be received and nothing sent reaches the client any more. Called once, whatever the reason."""
        ...


class Refusal(msgspec.Struct, frozen=True):
    """An HTTP answer instead of an upgrade: `body` is {"code", "message"} and is sent as JSON."""

    status: int
    body: dict[str, str]
    headers: dict[str, str] = {}


class Welcome(NamedTuple):
    """The upgrade: who is told what comes, and further headers of the answer."""

    peer: Peer
    headers: Mapping[str, str] = MappingProxyType({})


class Listener(Protocol):
    """The hub: decides who may connect."""

    def accept(self, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
        """`path` is percent-decoded and without query; names in `headers` are lower-case, repeated ones are joined."""
        ...


class SocketBase(ABC):
    """Phase, times and the peer of one connection, for the sockets to build upon. All times by `clock`, in seconds."""

    __slots__ = ("__weakref__", "_clock", "_peer", "_phase", "address", "closing_since", "last_heard", "last_sent")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._phase = Phase.OPENING
        self._peer: Peer | None = None
        self.address: str | None = None
        self.closing_since: float | None = None  # when we, or the client, began to close
        self.last_heard = self.last_sent = clock()

    @abstractmethod
    def close(self, code: int | None, reason: str = "") -> None: ...

    def _may_send(self) -> bool:
        if self._phase is Phase.OPENING:
            raise RuntimeError("the connection is not open yet: use it after Listener.accept has returned")
        return self._phase is Phase.OPEN

    def _begin_closing(self) -> None:
        self._phase = Phase.CLOSING
        self.closing_since = self._clock()

    def _tell(self, received: bytes | None) -> None:
        """Hand a message to the peer; None for a binary one. A peer that fails ends this connection and no other."""
        if self._phase is not Phase.OPEN or self._peer is None:
            return
        try:
            if received is None:
                self._peer.received_binary()
            else:
                self._peer.received(received)
        except Exception:
            self._peer_failed()

    def _tell_drained(self) -> None:
        if self._phase is not Phase.OPEN or self._peer is None:
            return
        try:
            self._peer.drained()
        except Exception:
            self._peer_failed()

    def _peer_failed(self) -> None:
        logger.exception("a session failed; its connection is closed")
        self.close(1011, "InternalServerError")

    def _finish(self) -> None:
        """Tell the peer, once, that it is over."""
        self._phase = Phase.FINISHED
        if self.closing_since is None:
            self.closing_since = self._clock()
        peer, self._peer = self._peer, None
        if peer is None:
            return
        try:
            peer.lost()
        except Exception:
            logger.exception("a session failed while it ended")


def admit(listener: Listener, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
    """Ask the listener; a mistake in it is logged and answered with 500."""
    try:
        return listener.accept(path, headers, connection)
    except Exception:
        logger.exception("accepting a WebSocket for %s failed", path)
        message = "The server could not open this connection; its log has the cause. Try again later."
        return Refusal(500, {"code": "InternalServerError", "message": message})


def joined_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by lower-case name; a repeated field is one list (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
