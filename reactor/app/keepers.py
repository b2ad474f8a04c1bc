"""Who keeps a server: whoever started it, is told when it serves, and tells it to stop."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

__all__ = ["Foreground", "Keeper", "ServerFile"]

Stop = Callable[[bool], None]
"""Stops a server: with True at once, else after what is under way was given its time."""


class Keeper(Protocol):
    """What a server needs of whoever keeps it."""

    def listening(self, stop: Stop) -> AbstractContextManager[None]:
        """Call `stop` when the server is to end, until this is left."""
        ...

    async def opened(self) -> None:
        """The server could serve. Returns when it is to let clients in."""
        ...

    def ready(self, **fields: object) -> None:
        """The server listens; the fields are those of the event `ready`."""
        ...

    def over(self) -> None:
        """The server serves no more, for whatever reason."""
        ...


class ServerFile:
    """DATA/server.json, which tells commands where the server of a data folder is, as long as it serves."""

    def __init__(self, data: Path) -> None:
        self._file = data / "server.json"

    def write(self, url: object, site: object) -> None:
        """This process serves at `url`, and the HTTP endpoints are at `site`."""
        self._file.write_text(json.dumps({"url": url, "site": site, "pid": os.getpid()}))

    def remove(self) -> None:
        """Nobody serves any more."""
        self._file.unlink(missing_ok=True)


class Foreground:
    """The keeper of a server that is alone in its process: SIGINT and SIGTERM stop it, a second SIGINT at once."""

    def __init__(self, file: ServerFile, events: Callable[..., None]) -> None:
        self._file, self._events = file, events
        self._stopping = False

    @contextlib.contextmanager
    def listening(self, stop: Stop) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def opened(self) -> None:
        """Nobody else has to be waited for."""

    def ready(self, **fields: object) -> None:
        self._file.write(fields["url"], fields["site"])
        self._events("ready", **fields)

    def over(self) -> None:
        self._file.remove()
        if self._stopping:
            self._events("stopped", reason="told to")

    def _stop(self, stop: Stop, number: signal.Signals) -> None:
        stop(self._stopping and number == signal.SIGINT)
        self._stopping = True
