"""The socket around a `Subscription`: connects, reconnects by itself, and yields every new answer."""

import random
import sys
import time
from collections.abc import Callable, Generator

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from reactor.cli.answers import Answer
from reactor.cli.server import Server, ServerError, is_local
from reactor.cli.subscription import Subscription
from reactor.version import VERSION

__all__ = ["watch"]

_LARGEST_MESSAGE = 64 * 2**20  # what the official clients take
_LONGEST_PAUSE = 15.0  # seconds


def watch(
    server: Server, path: str, args_json: str, *, pause: Callable[[float], None] = time.sleep
) -> Generator[Answer]:
    """Every new answer of a query, for ever, over as many sockets as it takes.

    Raises ServerError when the server refuses or cannot be reached at the start, ProtocolError when it is none of ours.
    """
    subscription = Subscription(path, args_json, server.admin_key)
    reason, failures = "InitialConnect", 0
    while True:
        try:
            with _open(server) as socket:
                for message in subscription.opening(reason):
                    socket.send(message)
                while True:
                    answers = list(subscription.receive(socket.recv()))
                    failures = 0
                    yield from answers
        except (OSError, InvalidHandshake, ConnectionClosed) as error:
            if not subscription.answered:
                raise ServerError(
                    f"No subscription at {server.url} ({_reason(error)}). "
                    "Start the server with `reactor dev`, or check --url."
                ) from None
            reason = _reason(error)
            if failures == 0:
                sys.stderr.write(f"connection to {server.url} lost ({reason}); reconnecting\n")
            # Clients that lost the same server must not all come back at the same moment, hence the chance.
            pause(min(_LONGEST_PAUSE, 0.1 * 2**failures) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            failures += 1


def _open(server: Server) -> ClientConnection:
    return connect(
        "ws" + server.url.removeprefix("http") + "/api/sync",
        additional_headers={"Convex-Client": f"reactor-{VERSION}"},
        compression=None,
        max_size=_LARGEST_MESSAGE,
        close_timeout=1,
        proxy=None if is_local(server.url) else True,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionClosed):
        received = error.rcvd
        return (received.reason or f"closed with code {received.code}") if received else "closed without a word"
    return str(error) or type(error).__name__
