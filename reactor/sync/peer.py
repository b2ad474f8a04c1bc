"""A session with its socket: messages in, outbox out, and no more than the client takes."""

from typing import Protocol

from reactor.sync.connection import Connection, OutMessage, logger
from reactor.sync.session import Session

__all__ = ["SocketPeer"]

_MOST_UNSENT = 2
"""Transitions that may wait in a socket; beyond them the client gets the newest state when it has read those."""

_MOST_UNREAD_BYTES = 32 * 2**20
"""Responses that may wait in a socket. Each was asked for and must be sent, so a client that asks on and on without
reading is cut off; it gets them after it has reconnected."""


class _Hub(Protocol):
    def forget(self, peer: "SocketPeer") -> None: ...

    def update(self, session: Session) -> None: ...


class SocketPeer:
    """What a socket talks to (see `Peer`)."""

    __slots__ = ("_behind", "_connection", "_hub", "_unread", "_unsent", "session")

    def __init__(self, hub: _Hub, session: Session, connection: Connection) -> None:
        self._hub, self.session, self._connection = hub, session, connection
        self._unsent = self._unread = 0
        self._behind = False

    def received(self, payload: bytes) -> None:
        """A message of the client."""
        session = self.session
        session.receive(payload)
        if session.outbox or session.closing is not None:
            self.flush()

    def received_binary(self) -> None:
        """The protocol has no binary messages."""
        self.session.close(1011, "InternalServerError")
        self.flush()

    def drained(self) -> None:
        """The client has taken everything."""
        self._unsent = self._unread = 0
        if self._behind:
            self._behind = False
            self._hub.update(self.session)

    def lost(self) -> None:
        """The socket is gone."""
        self._hub.forget(self)

    def may_advance(self) -> bool:
        """Whether another transition may be sent; if not, the session is brought up to date once it has drained."""
        if self.session.closing is not None:
            return False
        if self._unsent >= _MOST_UNSENT:
            self._behind = True
            return False
        return True

    def failed(self) -> None:
        """A fault of ours, being handled: it ends this session and no other."""
        logger.exception("a session failed; its connection is closed")
        self.session.close(1011, "InternalServerError")
        self.flush()

    def flush_transition(self) -> None:
        """Send what waits, a transition last."""
        self._send()
        if self._connection.backlog:
            self._unsent += 1

    def flush(self) -> None:
        """Send what waits; close if the session is over."""
        sent = self._send()
        if sent and self._connection.backlog:
            self._unread += sum(len(message.payload) for message in sent)
            if self._unread > _MOST_UNREAD_BYTES:
                self.session.close(1013, "TooManyUnreadResponses")
        closing = self.session.closing
        if closing is not None:
            self._connection.close(closing.code, closing.reason)

    def _send(self) -> list[OutMessage]:
        messages, self.session.outbox = self.session.outbox, []
        if messages:
            self._connection.send(messages)
        return messages
