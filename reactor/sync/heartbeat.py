"""Keep-alive for all connections with one timer.

Intervals are those of get-convex/convex-backend, crates/local_backend/src/subs/mod.rs: a JSON Ping after 15 s without a
message, the end after 120 s without any frame. That server also pings on the WebSocket level every 5 s; here a ping is
sent when a client was not heard for as long as a Ping would take, which tells the dead from the quiet just as well.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

from reactor.sync.connection import Connection, OutMessage, logger

__all__ = ["PING_MESSAGE", "Heartbeat", "Pulsed"]

PING_MESSAGE: Final = OutMessage(b'{"type":"Ping"}')

_SLICES: Final = 20


class Pulsed(Connection, Protocol):
    """A connection as the heartbeat sees it."""

    @property
    def closing_since(self) -> float | None:
        """When closing began, by the heartbeat's clock; None while the connection is open."""
        ...

    def nudge(self) -> None:
        """Send the JSON Ping, and with it a WebSocket ping where the transport has one."""
        ...

    def probe(self) -> None:
        """Ask the client for a sign of life without sending an application message."""
        ...

    def abort(self) -> None:
        """Let go of the client at once; what is unsent is dropped."""
        ...


class Heartbeat:
    """Watches every connection it was given, each about once per `interval`. Runs by itself while it has any.

    All times in seconds. `quiet`: without a message sent for so long, the client gets a Ping; not heard for so long, a
    WebSocket ping. `silent`: not heard for so long, the connection is closed. `linger`: a client gets so long to take
    the rest and answer the close frame. `clock` tells the time for everything, so a test can turn it and call `sweep`.

    The timer looks at a twentieth of the connections at a time: ten thousand cost some tenths of a millisecond each
    twentieth of a second rather than several milliseconds at once.
    """

    __slots__ = ("_connections", "_interval", "_linger", "_quiet", "_silent", "_timer", "clock")

    def __init__(
        self,
        *,
        quiet: float = 15.0,
        silent: float = 120.0,
        linger: float = 5.0,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._silent = silent
        self._linger = linger
        self._interval = interval
        self.clock = clock
        self._connections: OrderedDict[Pulsed, None] = OrderedDict()  # next to be looked at first
        self._timer: asyncio.TimerHandle | None = None

    @property
    def watched(self) -> int:
        """Number of connections."""
        return len(self._connections)

    def add(self, connection: Pulsed) -> None:
        """Watch `connection` until `remove`. Call it in a running event loop."""
        self._connections[connection] = None
        if self._timer is None:
            self._arm()

    def remove(self, connection: Pulsed) -> None:
        """Forget `connection`, if it is known."""
        self._connections.pop(connection, None)
        if not self._connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sweep(self) -> None:
        """Look at every connection now."""
        self._examine_next(len(self._connections))

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval / _SLICES, self._tick)

    def _tick(self) -> None:
        self._arm()  # first, because the last connection may be removed below and takes the timer with it
        self._examine_next(-(-len(self._connections) // _SLICES))

    def _examine_next(self, count: int) -> None:
        now = self.clock()
        for connection in list(islice(self._connections, count)):
            if connection not in self._connections:
                continue  # lost on account of one before it
            self._connections.move_to_end(connection)
            try:
                self._examine(connection, now)
            except Exception:
                logger.exception("the heartbeat of a connection failed; it is dropped")
                connection.abort()

    def _examine(self, connection: Pulsed, now: float) -> None:
        if connection.closing_since is not None:
            if now - connection.closing_since >= self._linger:
                connection.abort()
        elif now - connection.last_heard >= self._silent:
            connection.close(1000, "ClientDisconnected")
        elif connection.backlog:
            return  # what is on its way to the client does what a ping would do, and a queue must not grow by pings
        elif now - connection.last_sent >= self._quiet:
            connection.nudge()
        elif now - connection.last_heard >= self._quiet:
            connection.probe()
