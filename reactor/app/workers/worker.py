"""One of several processes that serve, as it is from inside."""

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import cast

from reactor.app.keepers import Stop as StopServer
from reactor.app.measured import Metrics
from reactor.app.metrics import measured
from reactor.app.parts import Parts
from reactor.app.serving import begin_logging, loop_factory, serve_parts
from reactor.app.stores import shared_store_of
from reactor.app.workers.lifeline import hold_on
from reactor.app.workers.messages import (
    Admit,
    AskedForCounts,
    Begin,
    Counted,
    Event,
    Failed,
    Opened,
    Ready,
    SendCounts,
    Stop,
    Summed,
    ToWorker,
)
from reactor.app.workers.ports import joined
from reactor.app.workers.wire import Wire, read_frame
from reactor.errors import ReactorError
from reactor.settings import Settings

__all__ = ["work"]


def work(descriptor: int) -> int:
    """Serve as the other end of this socket says; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        # They are for the one who looks after us. Not SIG_IGN: programs that functions start would ignore them, too.
        signal.signal(number, _not_for_us)
    end = socket.socket(fileno=descriptor)
    end.set_inheritable(False)
    hold_on(end)
    begin: Begin = read_frame(end, Begin)
    os.set_inheritable(begin.lock, False)  # it is held by being open
    settings: Settings = pickle.loads(begin.settings)  # noqa: S301 - from the process that started this one
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(begin, settings, end))


async def _serve(begin: Begin, settings: Settings, end: socket.socket) -> int:
    begin_logging(settings, f"worker {begin.number} ")
    keeper = _Keeper()
    await keeper.wire.connect(end)
    parts = Parts(settings, Path(begin.directory), keeper.event, store=shared_store_of(settings))
    parts.together = keeper.together
    keeper.count = lambda: measured(parts)
    try:
        listeners = joined(begin.main, begin.site, settings.silent_seconds)
        await serve_parts(parts, listeners, keeper, reload=False)
    except asyncio.CancelledError:
        return 0  # it was told to end before it served
    except ReactorError as error:
        keeper.wire.send(Failed(str(error)))
        return 1
    finally:
        await keeper.wire.close()
    return 0


class _Keeper:
    """The keeper of a server that is one of several: the process at the other end of the wire."""

    def __init__(self) -> None:
        self.wire: Wire[ToWorker] = Wire(ToWorker, self._take)
        self.count: Callable[[], Metrics] = list
        self._task = asyncio.current_task()
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._stop: StopServer | None = None
        self._admitted = asyncio.Event()
        self._left_out = 0
        self._requests = itertools.count()
        self._asked: dict[int, asyncio.Future[Metrics]] = {}

    @contextlib.contextmanager
    def listening(self, stop: StopServer) -> Generator[None]:
        self._stop = stop
        # Whoever wants this one process to end; it is started again. A service manager may tell all processes at once,
        # so that it comes beside the message to stop.
        self._loop.add_signal_handler(signal.SIGTERM, stop, False)
        try:
            yield
        finally:
            self._loop.remove_signal_handler(signal.SIGTERM)
            # What comes after serving must not be cut off by a second one.
            signal.signal(signal.SIGTERM, _not_for_us)

    async def opened(self) -> None:
        self.wire.send(Opened())
        await self._admitted.wait()

    def ready(self, **fields: object) -> None:
        self.wire.send(Ready(fields))

    def over(self) -> None:
        """Whoever waits for the process knows."""

    def event(self, kind: str, /, **fields: object) -> None:
        """Tell an event; functions may print in threads of their own."""
        if threading.get_ident() == self._thread:
            self._tell(kind, fields)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._tell, kind, fields)

    async def together(self, metrics: Metrics) -> Metrics:
        """What all have counted together, this process what is given."""
        request = next(self._requests)
        asked = self._asked[request] = self._loop.create_future()
        try:
            self.wire.send(AskedForCounts(request, metrics))
            return await asked
        finally:
            del self._asked[request]

    def _tell(self, kind: str, fields: dict[str, object]) -> None:
        if self._left_out and self.wire.send(Event("log", _left_out(self._left_out)), must=False):
            self._left_out = 0
        if not self.wire.send(Event(kind, fields), must=False):
            self._left_out += 1

    def _take(self, message: ToWorker) -> None:
        if isinstance(message, Stop):
            self._end(message.at_once)
        elif isinstance(message, Admit):
            self._admitted.set()
        elif isinstance(message, SendCounts):
            self.wire.send(Counted(message.request, self.count()))
        elif isinstance(message, Summed):
            asked = self._asked.get(message.request)
            if asked is not None and not asked.done():
                asked.set_result(message.metrics)

    def _end(self, at_once: bool) -> None:
        if self._stop is not None:
            self._stop(at_once)
        else:
            cast("asyncio.Task[int]", self._task).cancel()


def _left_out(count: int) -> dict[str, object]:
    return {
        "function": "reactor",
        "line": f"[WARN] {count} events were left out here: the terminal takes them too slowly",
    }


def _not_for_us(_: int, __: FrameType | None) -> None:
    """A signal that others act on."""
