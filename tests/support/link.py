"""A wire that a test may cut, hold, make slow or lead elsewhere: a TCP proxy in this process.

It is thought of as that between a node and its database; that between a client and its server is no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

__all__ = ["Link"]

T = TypeVar("T")

_CHUNK = 65_536
_LISTEN = b"LISTEN"


class Link:
    """Connections to `port` of this machine go through `self.port`, as long as the context lasts.

    It has a thread of its own, so that tests with and without an event loop can use it.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)
        self._wires: set[_Wire] = set()
        self._weather = _Weather()
        self.port = 0

    @property
    def taken(self) -> int:
        """Bytes that came from the node so far, whether or not they were let through yet."""
        return self._weather.taken

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def listened(self) -> bool:
        """Whether the node has ever asked to be told of news."""
        return self._weather.listened

    # What happens to it. Each may be called at any time; what lasts ends with `mend`.

    def cut(self) -> None:
        """Break off all connections; both sides know at once, and new ones are let through."""
        self._now(lambda: [wire.cut() for wire in tuple(self._wires)])

    def cut_doorbell(self) -> None:
        """Break off the connections on which the node listens for news."""
        self._now(lambda: [wire.cut() for wire in tuple(self._wires) if wire.listens])

    def refuse(self) -> None:
        """Break off all connections, and every new one."""
        self._now(lambda: self._weather.refuse(True))
        self.cut()

    def lead_to(self, port: int) -> None:
        """New connections go to another port."""
        self._target = port

    def hold(self) -> None:
        """Nothing passes, and nobody is told. `mend` lets everything through that was sent meanwhile."""
        self._now(self._weather.hold)

    def orphan(self) -> None:
        """Nothing passes, and the node is cut off; the database is not told, and gets later what was on its way."""
        self._now(self._weather.hold)
        self._now(lambda: [wire.orphan() for wire in tuple(self._wires)])

    def deafen(self) -> None:
        """What the database says of itself to connections that listen is lost; those connections look alive."""
        self._now(lambda: self._weather.deafen(True))

    def slow(self, seconds: float) -> None:
        """What passes takes so much longer, in each direction."""
        self._now(lambda: self._weather.slow(seconds))

    def mend(self) -> None:
        """Everything passes again. Connections that were deaf are broken off: they have missed something."""
        self._now(self._mend)

    # How it is done.

    def _mend(self) -> None:
        if self._weather.deaf:
            for wire in tuple(self._wires):
                if wire.listens:
                    wire.cut()
        self._weather.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.refuses:
            writer.transport.abort()
            return
        try:
            beyond = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        wire = _Wire((reader, writer), beyond, self._weather)
        self._wires.add(wire)
        try:
            await wire.run()
        finally:
            self._wires.discard(wire)

    async def _close(self) -> None:
        self._server.close()
        self._weather.clear()
        for wire in tuple(self._wires):
            wire.cut()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    def _do(self, work: Awaitable[T]) -> T:
        async def run() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _now(self, act: Callable[[], object]) -> None:
        async def run() -> None:
            act()

        self._do(run())


class _Weather:
    """What holds for all connections of a link."""

    def __init__(self) -> None:
        self.passing = asyncio.Event()
        self.taken = 0
        self.listened = False
        self.clear()

    def clear(self) -> None:
        self.refuses = self.deaf = False
        self.delay = 0.0
        self.passing.set()

    def refuse(self, on: bool) -> None:
        self.refuses = on

    def deafen(self, on: bool) -> None:
        self.deaf = on

    def slow(self, seconds: float) -> None:
        self.delay = seconds

    def hold(self) -> None:
        self.passing.clear()


_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Wire:
    """One connection: two sides, and what passes between them."""

    def __init__(self, node: _Side, database: _Side, weather: _Weather) -> None:
        self._node, self._database, self._weather = node, database, weather
        self.listens = False

    async def run(self) -> None:
        with contextlib.suppress(OSError):
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(self._node[0], self._database[1], self._sent))
                both.create_task(self._pass(self._database[0], self._node[1], self._told))

    def cut(self) -> None:
        for _, writer in (self._node, self._database):
            writer.transport.abort()

    def orphan(self) -> None:
        self._node[1].transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[bytes], bool]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if reader is self._node[0]:
                    self._weather.taken += len(data)
                await self._weather.passing.wait()
                if self._weather.delay:
                    await asyncio.sleep(self._weather.delay)
                if seen(data):
                    writer.write(data)
                    await writer.drain()
        # An end is news as well: it waits for its turn, or an orphan's database would hear of it.
        await self._weather.passing.wait()
        writer.close()

    def _sent(self, data: bytes) -> bool:
        self.listens = self.listens or _LISTEN in data
        self._weather.listened = self._weather.listened or self.listens
        return True

    def _told(self, _: bytes) -> bool:
        return not (self.listens and self._weather.deaf)
