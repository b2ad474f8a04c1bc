"""The results of a live query, one after another, as a subscribed client gets them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from reactor.errors import ReactorError
from reactor.live.live_query import Result, Subscription
from reactor.runtime.contexts import Reference
from reactor.runtime.functions import Function
from reactor.runtime.identity import Identity
from reactor.testing.engine import Engine, raised
from reactor.values import decode_trusted

__all__ = ["Results"]


class Results:
    """A subscription: `async with backend.subscribe(...) as results`. Every new result waits here until it is taken.

    A result that is equal to the one before is no new one. Where a run of the query failed, its exception is raised in
    place of a result, and the next result may be a good one again. All subscriptions of a backend get theirs in one
    step, so what they have belongs to one moment.
    """

    def __init__(
        self, ready: Callable[[], Awaitable[Engine]], function: Reference, args: dict[str, Any], identity: Identity
    ) -> None:
        self.identity = identity
        self._ready, self._function, self._args = ready, function, args
        self._engine: Engine | None = None
        self._subscription: Subscription | None = None
        self._waiting: deque[Result] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        if self._subscription is not None:
            raise ReactorError("A subscription begins once. Call subscribe() again for another.")
        engine = self._engine = await self._ready()
        with engine.at_work():
            self._subscription = engine.subscribe(self, self._function, self._args, self.identity)
            engine.opened.add(self)
            try:
                await engine.settled()
            except BaseException:
                self.close()
                raise
            self._take_over()  # of a query that others watch already there is no news
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the subscription. What waits may still be taken."""
        if self._engine is not None and self._subscription is not None and not self._closed:
            self._engine.opened.discard(self)
            self._engine.unsubscribe(self._subscription)
        self._closed = True
        self._arrived.set()

    # What it has

    async def next(self, *, within: float = 5.0) -> Any:
        """The next result; the first is that of the moment of subscribing.

        Raises what the query raised, TimeoutError when nothing new comes `within` these seconds, and ReactorError when
        the subscription has ended.
        """
        try:
            async with asyncio.timeout(within):
                await self._one()
        except TimeoutError:
            raise TimeoutError(
                f"No new result of {self._name} within {within:g} s: nothing that it has read was written, or its "
                "result came out the same."
            ) from None
        return _value(self._waiting.popleft())

    @property
    def pending(self) -> int:
        """How many results wait to be taken. After a call has returned, what it led to has arrived."""
        return len(self._waiting)

    @property
    def current(self) -> Any:
        """The newest result, whether taken or not. Raises what the query raised."""
        result = None if self._subscription is None else self._subscription.sent
        if result is None:
            raise ReactorError("A subscription has results inside of `async with` only.")
        return _value(result)

    @property
    def runs(self) -> int:
        """How often the query has run, for all who watch it; runs that gave nothing new count too."""
        return 0 if self._subscription is None else self._subscription.live.runs

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """The next result, however long it takes; the end when the subscription ends."""
        if self._closed and not self._waiting:
            raise StopAsyncIteration
        try:
            await self._one()
        except ReactorError:
            raise StopAsyncIteration from None
        return _value(self._waiting.popleft())

    # What the engine tells (see `Subscriber`)

    def changed(self, subscription: Subscription) -> None:
        """The query has run."""
        if self._engine is not None:
            self._engine.after_round(self._take_over)

    # Inside

    def _take_over(self) -> None:
        subscription = self._subscription
        if subscription is None or self._closed:
            return
        result = subscription.live.result
        if result is not None and not result.same_as(subscription.sent):
            subscription.sent = result
            self._waiting.append(result)
            self._arrived.set()

    async def _one(self) -> None:
        while not self._waiting:
            if self._closed or self._subscription is None:
                raise ReactorError(f"The subscription to {self._name} has ended, or has not begun: use `async with`.")
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def _name(self) -> str:
        return self._function.path if isinstance(self._function, Function) else str(self._function)


def _value(result: Result) -> Any:
    if result.failure is not None:
        raise raised(result.failure)
    fields = msgspec.json.decode(b"{" + result.tail, type=dict[str, msgspec.Raw])
    if "value" not in fields:
        raise ReactorError(msgspec.json.decode(fields["errorMessage"], type=str))
    return decode_trusted(bytes(fields["value"]))
