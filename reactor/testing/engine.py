"""The real parts of a server without its sockets, open on one event loop."""

import asyncio
import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from reactor.app.parts import Parts
from reactor.database.committed import Committed
from reactor.files.seam import FileStore
from reactor.live.live_query import Subscriber, Subscription
from reactor.runtime.calls import Call
from reactor.runtime.contexts import Reference
from reactor.runtime.failures import Failure
from reactor.runtime.functions import Kind
from reactor.runtime.identity import Identity
from reactor.runtime.loader import Application
from reactor.runtime.query_run import RunResult
from reactor.settings import Settings
from reactor.store.seam import Store
from reactor.testing.clock import Clock
from reactor.testing.code import Code
from reactor.testing.inline import Inline, InlineRegistry
from reactor.testing.log_lines import Logs, capturing_output
from reactor.testing.transfers import download, upload
from reactor.values import ANY, decode_trusted, encode, encode_value

__all__ = ["Engine", "raised"]


class Closing(Protocol):
    """What ends with the engine."""

    def close(self) -> None:
        """End."""
        ...


class Engine:
    """Runs functions as a server would, and gives what they give, or raises what they raise."""

    def __init__(
        self,
        code: Code,
        settings: Settings,
        store: Store | None,
        files: FileStore | None,
        clock: Clock,
        logs: Logs,
    ) -> None:
        self._code, self._clock, self._logs = code, clock, logs
        self._inline = InlineRegistry(code.application.registry, code.aliases)
        self._opening = True
        self._parts = Parts(
            settings,
            code.application.directory,
            self._event,
            store=store,
            files=files,
            clock=self._read_clock,
            load=self._load,
        )
        # Callers may call internal functions here, and are still what users are in everything else.
        self._parts.runner.entrance.spares_admin = False
        self.loop = asyncio.get_running_loop()
        self.opened: set[Closing] = set()
        """What has been opened on it, and has not been closed yet."""

    async def open(self) -> None:
        """Open the data. Raises StoreError and its kinds, LoadError, and leaves nothing open then."""
        if self._code.place is not None:
            self._code.place.opened()
        try:
            await self._parts.open()
        except BaseException:
            await self.close()
            raise
        self._opening = False
        news = self._parts.database.on_visible

        def visible(commits: list[Committed]) -> None:
            self._clock.written()
            news(commits)

        self._parts.database.on_visible = visible

    async def close(self) -> None:
        """Let what runs end, and close everything."""
        for one in list(self.opened):
            one.close()
        try:
            await self._parts.close()
        finally:
            if self._code.place is not None:
                self._code.place.closed()

    # Calls

    async def call(self, kind: Kind, function: Reference, args: dict[str, Any], identity: Identity) -> Any:
        """Call a function as `identity`, and wait until live queries have seen what it wrote."""
        call = Call(self._code.path_of(function), encode(args, limits=ANY), identity)
        with self.at_work():
            result = await self._run(kind, call)
            await self.settled()
        self._logs.ended(call.path, result.logs)
        if result.failure is not None:
            raise raised(result.failure)
        return decode_trusted(result.value)

    async def run(self, inline: Inline, identity: Identity) -> Any:
        """Run `inline` as a mutation."""
        with self._inline.running(inline) as path:
            return await self.call(Kind.MUTATION, path, {}, identity)

    async def settled(self) -> None:
        """Wait until every live query has the result of the newest state."""
        self._parts.held.look()  # the test may have turned the clock
        while self._parts.rounds.busy or self._parts.live.dirty:
            if self._parts.rounds.busy:
                await self._end_of_round()
            else:
                await asyncio.sleep(0)  # a round has been asked for, and begins with the loop's next turn

    @contextlib.contextmanager
    def at_work(self) -> Generator[None]:
        """Inside, output of functions is captured and the application's modules are the ones to import."""
        with capturing_output():
            if self._code.place is not None:
                self._code.place.take()
            yield

    # Files

    async def upload(self, url: str, content: bytes, content_type: str | None) -> str:
        """POST a file, and wait until live queries have seen that it is there."""
        id = await upload(self._parts.file_api, url, content, content_type)
        await self.settled()
        return id

    async def download(self, url: str) -> bytes:
        """GET a file."""
        return await download(self._parts.file_api, url)

    # Scheduled functions

    async def run_due(self) -> int:
        """Run scheduled functions that are due until none is, and wait until live queries have seen it; how many."""
        with self.at_work():
            count = await self._parts.executor.run_due()
            await self._parts.forget_jobs()
            await self.settled()
        return count

    async def next_due(self) -> float | None:
        """The time of the earliest scheduled function or cron job, in milliseconds since 1970."""
        times = (await self._parts.jobs.next_time(), self._parts.crons.next_time())
        return min((time for time in times if time is not None), default=None)

    # Migrations

    async def run_migrations(self) -> None:
        """Run all that were asked for to their ends, and wait until live queries have seen it."""
        with self.at_work():
            await self._parts.migrator.run_pending()
            await self.settled()

    # Live queries

    def subscribe(
        self, subscriber: Subscriber, function: Reference, args: dict[str, Any], identity: Identity
    ) -> Subscription:
        """Begin a live query; it has its result once things have `settled`."""
        path = self._parts.hub.canonical(self._code.path_of(function))
        text = encode(args, limits=ANY)
        call = Call(path, text, identity)
        subscription = self._parts.held.subscribe(subscriber, 0, encode_value(decode_trusted(text)), None, call)
        self._parts.rounds.soon()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a live query."""
        self._parts.held.unsubscribe(subscription)

    def after_round(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the round under way has ended."""
        self._parts.rounds.after(callback)

    # Inside

    async def _run(self, kind: Kind, call: Call) -> RunResult:
        parts = self._parts
        if kind is Kind.ACTION:
            return await parts.actions.run(call)
        if kind is Kind.MUTATION:
            answered: asyncio.Future[RunResult] = self.loop.create_future()
            # Whoever called may have been cancelled meanwhile.
            parts.mutations.submit(call, lambda result: None if answered.done() else answered.set_result(result))
            return await answered
        refused = parts.runner.refusal(call, kind)
        if refused is not None:
            return refused
        snapshot = parts.store.acquire()
        try:
            return (await parts.runner.query(call, parts.database.read(snapshot))).result
        finally:
            snapshot.release()

    async def _end_of_round(self) -> None:
        ended: asyncio.Future[None] = self.loop.create_future()
        self._parts.rounds.after(lambda: None if ended.done() else ended.set_result(None))
        await ended

    def _read_clock(self) -> int:
        # Tables are made at the beginning of time, so that a test may still choose any time for its first write.
        return 0 if self._opening else self._clock.read()

    def _load(self, directory: Path) -> Application:
        return msgspec.structs.replace(self._code.application, registry=self._inline)

    def _event(self, kind: str, /, **fields: object) -> None:
        if kind == "log":
            self._logs.add(str(fields["function"]), str(fields["line"]))


def raised(failure: Failure) -> BaseException:
    """What a function raised, to raise it again; with a note that says where in the application that was."""
    error = failure.error.with_traceback(None)
    where = [line.strip() for line in failure.text.splitlines() if line.startswith("    at ")]
    note = f"raised {', '.join(where)}"
    if where and note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error
