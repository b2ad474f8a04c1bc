"""The process that starts workers and looks after them: it has the data folder and the ports, and serves nobody."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

from reactor.app.addresses import listen
from reactor.app.admin_key import admin_key
from reactor.app.keepers import ServerFile
from reactor.app.measured import processes
from reactor.app.reloading import on_hangup
from reactor.app.workers.chorus import Chorus
from reactor.app.workers.messages import AskedForCounts, Event, FromWorker, Opened, Ready
from reactor.app.workers.ports import share
from reactor.app.workers.process import Orders, Worker
from reactor.app.workers.roster import Roster
from reactor.app.workers.tally import Tally
from reactor.errors import ReactorError, StoreError
from reactor.settings import Settings
from reactor.store.lock import FolderLock

__all__ = ["Supervisor", "supervise", "worker_count"]

_SECONDS_TO_COUNT = 2.0


def worker_count(settings: Settings) -> int:
    """How many processes are to serve."""
    if settings.workers != "auto":
        return settings.workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def supervise(settings: Settings, directory: Path, count: int, events: Callable[..., None]) -> int:
    """Serve `directory` with so many workers until SIGINT or SIGTERM; returns the exit code.

    Raises what keeps them from starting: SettingsError, StoreError, and ReactorError with a worker's own words.
    """
    _make_folder(settings.data)
    lock = FolderLock(settings.data)
    # First of all: workers of a server that was killed, which have its port, are waited for here.
    lock.acquire()
    try:
        listeners = listen(settings)
        try:
            share(listeners)
            admin_key(settings)  # is made now, if need be: by one process
            await Supervisor(Orders(settings, directory, listeners, lock.descriptor), count, events).run()
        finally:
            listeners.close()
    finally:
        lock.release()
    events("stopped", reason="told to")
    return 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error}; choose another with --data") from error


class Supervisor:
    """Keeps workers serving from `run` until it is told to stop."""

    def __init__(self, orders: Orders, count: int, events: Callable[..., None]) -> None:
        self._orders, self._events = orders, events
        self._roster = Roster(count)
        self._chorus = Chorus(events)
        self._tally = Tally()
        self._file = ServerFile(orders.settings.data)
        self._workers: dict[int, Worker] = {}
        self._first = asyncio.Event()
        """Set when the first worker could serve, and when none is going to."""
        self._stopping = asyncio.Event()
        self._stops = 0
        self._error: str | None = None
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until told to stop. Raises ReactorError when the workers cannot start."""
        with self._signals():
            try:
                async with asyncio.TaskGroup() as keeping:
                    first, *others = self._roster.numbers
                    keeping.create_task(self._keep(first))
                    # Alone, so that what is made at the first start of a folder, or brought under a new schema, is so
                    # by one, and what is wrong with the application is said once.
                    await self._first.wait()
                    for number in others:
                        keeping.create_task(self._keep(number))
            finally:
                self._file.remove()
                for worker in self._workers.values():
                    worker.kill()
        if self._error is not None:
            raise ReactorError(self._error)

    @contextlib.contextmanager
    def _signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        on_hangup(self._reload)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        """The first time what is under way may end, the second time at once, and then without a last word."""
        self._stops += 1
        self._stopping.set()
        self._first.set()
        for worker in self._workers.values():
            if self._stops > 2:
                worker.kill()
            else:
                worker.stop(at_once=self._stops > 1)

    def _reload(self) -> None:
        self._chorus.reloading()
        for worker in self._workers.values():
            worker.reload()

    async def _keep(self, number: int) -> None:
        """Have this worker serve, again and again, until the end."""
        while not self._stopping.is_set():
            how, error = await self._live(number)
            if self._stopping.is_set():
                return
            seconds = self._roster.ended(number)
            if seconds is None:
                self._error = self._error or error or _failed_start(number, how)
                self._stop()
                return
            self._events("worker_ended", worker=number, how=how, error=error, seconds=seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _live(self, number: int) -> tuple[str, str | None]:
        """One life of a worker; gives how it ended, and the error that it told."""
        worker = Worker(number, self._receive)
        try:
            await worker.start(self._orders)
        except OSError as error:
            return "before it began", f"The process cannot be started: {error}"
        self._workers[number] = worker
        if self._stopping.is_set():
            worker.stop(at_once=False)  # whoever stopped did not know of it
        try:
            return await worker.ended(), worker.error
        finally:
            del self._workers[number]
            self._tally.ended(number)

    def _receive(self, worker: Worker, message: FromWorker) -> None:
        if isinstance(message, Event):
            self._chorus.tell(worker.number, message.kind, message.fields)
        elif isinstance(message, Opened):
            self._admit(worker)
        elif isinstance(message, Ready):
            self._serves(worker.number, message)
        elif isinstance(message, AskedForCounts):
            task = asyncio.get_running_loop().create_task(self._count(worker, message))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    def _admit(self, opened: Worker) -> None:
        """Let clients in where they may be. At first they wait for all, or the first worker would keep most of them."""
        self._first.set()
        for number in self._roster.opened(opened.number):
            if number in self._workers:
                self._workers[number].admit()

    def _serves(self, number: int, ready: Ready) -> None:
        was_complete = self._roster.complete
        if self._roster.serves(number):
            self._file.write(ready.fields["url"], ready.fields["site"])
            self._events("ready", **ready.fields, workers=len(self._roster.numbers))
        elif was_complete:
            self._events("worker_serves", worker=number)

    async def _count(self, asker: Worker, asked: AskedForCounts) -> None:
        """Answer a worker that was asked for what all have counted."""
        self._tally.report(asker.number, asked.metrics)
        others = [worker for worker in self._workers.values() if worker.serves and worker is not asker]
        answers = await asyncio.gather(*(self._counts(worker) for worker in others))
        fresh = {asker.number, *(worker.number for worker, came in zip(others, answers, strict=True) if came)}
        asker.answer(asked, [*self._tally.total(fresh), *processes(len(self._roster.serving), self._roster.restarts)])

    async def _counts(self, worker: Worker) -> bool:
        """Take a worker's counts; gives whether they came."""
        try:
            metrics = await asyncio.wait_for(worker.counts(), _SECONDS_TO_COUNT)
        except (TimeoutError, EOFError):
            return False
        self._tally.report(worker.number, metrics)
        return True


def _failed_start(number: int, how: str) -> str:
    return f"Worker {number} ended {how} before all of them served. What it printed, above, says why."
