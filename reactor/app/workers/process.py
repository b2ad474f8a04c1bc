"""A worker as the process that started it sees it."""

import asyncio
import contextlib
import itertools
import pickle
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from pathlib import Path

import msgspec

from reactor.app.addresses import Listeners
from reactor.app.workers.messages import (
    Admit,
    AskedForCounts,
    Begin,
    Counted,
    Failed,
    FromWorker,
    Metrics,
    Ready,
    SendCounts,
    Stop,
    Summed,
)
from reactor.app.workers.wire import Wire
from reactor.settings import Settings

__all__ = ["Orders", "Worker"]

_SECONDS_TO_HEAR = 2.0


class Orders(msgspec.Struct, frozen=True):
    """What every worker of a server is started with. `lock`: the descriptor of the data folder's lock."""

    settings: Settings
    directory: Path
    listeners: Listeners
    lock: int

    def descriptors(self) -> list[int]:
        """What a worker inherits, beside its wire."""
        site = self.listeners.site
        return [self.listeners.main.fileno(), *([] if site is None else [site.fileno()]), self.lock]

    def begin(self, number: int) -> Begin:
        """The first message to a worker."""
        site = self.listeners.site
        return Begin(
            number,
            pickle.dumps(self.settings),
            str(self.directory),
            main=self.listeners.main.fileno(),
            site=-1 if site is None else site.fileno(),
            lock=self.lock,
        )


class Worker:
    """One process, from its start to its end."""

    def __init__(self, number: int, receive: "Callable[[Worker, FromWorker], None]") -> None:
        """`receive` gets what it tells, but for answers to `counts`."""
        self.number = number
        self.serves = False
        self.error: str | None = None
        """Why it could not serve, if it has said so."""
        self._receive = receive
        self._wire: Wire[FromWorker] = Wire(FromWorker, self._take)
        self._process: Process | None = None
        self._requests = itertools.count()
        self._asked: dict[int, asyncio.Future[Metrics]] = {}
        self._reload_due = False

    async def start(self, orders: Orders) -> None:
        """Start the process. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            # Ctrl-C in a terminal, and its end, are for us alone, who tell the workers what is to become of them.
            self._process = await asyncio.create_subprocess_exec(
                *_interpreter(),
                *("-m", "reactor.app.workers", str(theirs.fileno())),
                pass_fds=[theirs.fileno(), *orders.descriptors()],
                stdin=DEVNULL,
                start_new_session=True,
            )
        await self._wire.connect(ours)
        self._wire.send(orders.begin(self.number))

    async def ended(self) -> str:
        """Wait for the end of the process, and of what it has told; gives how it ended, in words."""
        assert self._process is not None
        code = await self._process.wait()
        with contextlib.suppress(TimeoutError):  # a process that a function has forked may have the other end, too
            await asyncio.wait_for(self._wire.ended(), _SECONDS_TO_HEAR)
        await self._wire.close()
        for asked in self._asked.values():
            asked.set_exception(EOFError("the worker has ended"))
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    def admit(self) -> None:
        """Have it let clients in."""
        self._wire.send(Admit())

    def stop(self, *, at_once: bool) -> None:
        """Have it end; `at_once`: without waiting for what is under way."""
        self._wire.send(Stop(at_once))

    def kill(self) -> None:
        """End it now."""
        self._signal(signal.SIGKILL)

    def reload(self) -> None:
        """Have it load its code anew, when it serves."""
        self._reload_due = not self.serves
        if self.serves:
            self._signal(signal.SIGHUP)

    async def counts(self) -> Metrics:
        """Ask what it has counted. Raises EOFError when it ends before it has answered."""
        request = next(self._requests)
        asked = self._asked[request] = asyncio.get_running_loop().create_future()
        try:
            self._wire.send(SendCounts(request))
            return await asked
        finally:
            del self._asked[request]

    def answer(self, asked: AskedForCounts, total: Metrics) -> None:
        """Tell it what all have counted together."""
        self._wire.send(Summed(asked.request, total))

    def _signal(self, number: signal.Signals) -> None:
        # It may have ended while nobody has waited for it.
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def _take(self, message: FromWorker) -> None:
        if isinstance(message, Counted):
            asked = self._asked.get(message.request)
            if asked is not None and not asked.done():
                asked.set_result(message.metrics)
            return
        if isinstance(message, Failed):
            self.error = message.error
        if isinstance(message, Ready):
            self.serves = True
            if self._reload_due:  # it may have read its files before they changed
                self.reload()
        self._receive(self, message)


def _interpreter() -> list[str]:
    """This interpreter. What lies in the current folder is not for a server to import (`-P`)."""
    return [sys.executable, "-I" if sys.flags.isolated else "-P"]
