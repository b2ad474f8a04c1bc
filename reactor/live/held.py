"""Subscriptions that wait until their function's rate allows them.

A client gets the refusal as the query's failure, and the result in its place as soon as it is its turn: clients
subscribe once, so nobody else would ask again. Those who share an allowance wait in the order in which they came.
"""

import asyncio

from reactor.errors import DeveloperError, RateLimited
from reactor.live.directory import Directory
from reactor.live.live_query import Subscriber, Subscription
from reactor.live.rounds import Rounds, result_of
from reactor.runtime.calls import Call
from reactor.runtime.entrance import bucket_owner
from reactor.runtime.functions import Kind
from reactor.runtime.query_run import QueryRun
from reactor.runtime.rates import Rate
from reactor.runtime.runner import Runner

__all__ = ["Held"]

_QueueKey = tuple[str, str]

_SHORTEST_WAIT = 0.001


class _Queue:
    """Those who wait for one bucket. `timer` is set for the time of its next token."""

    __slots__ = ("rate", "timer", "waiting")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.waiting: dict[Subscription, None] = {}
        self.timer: asyncio.TimerHandle | None = None


class Held:
    """Begins subscriptions, at once or in their turn."""

    def __init__(self, directory: Directory, runner: Runner, rounds: Rounds) -> None:
        self._directory, self._runner, self._rounds = directory, runner, rounds
        self._queues: dict[_QueueKey, _Queue] = {}
        self._place: dict[Subscription, _QueueKey] = {}

    def __len__(self) -> int:
        return len(self._place)

    def subscribe(
        self, owner: Subscriber, query_id: int, args_key: bytes, journal: str | None, call: Call
    ) -> Subscription:
        """Join the live query of a call, as `Directory.subscribe`, or wait for it with a failure as the result."""
        rate = self._rate(call.path)
        if rate is None or self._runner.entrance.spares(call):
            return self._begin(owner, query_id, args_key, journal, call)
        key = (call.path, bucket_owner(rate, call))
        try:
            if (queue := self._queues.get(key)) is not None:
                raise self._runner.entrance.behind(call.path, rate, key[1], len(queue.waiting))
            self._runner.entrance.take(call.path, rate, key[1])
        except RateLimited as error:
            return self._hold(key, rate, error, self._failing(owner, query_id, args_key, journal, call, error))
        return self._begin(owner, query_id, args_key, journal, call)

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription, whether it waits or not."""
        key = self._place.pop(subscription, None)
        if key is not None:
            del self._queues[key].waiting[subscription]
            self._drop_if_empty(key)
        self._directory.unsubscribe(subscription)

    def look(self) -> None:
        """Let in whose turn it is: time has gone on in another way than the loop's timers know."""
        for key in list(self._queues):
            self._next(key)

    def close(self) -> None:
        """Let nobody in any more."""
        for queue in self._queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        self._queues.clear()
        self._place.clear()

    # Inside

    def _rate(self, path: str) -> Rate | None:
        try:
            function = self._runner.registry.find(path)
        except DeveloperError:
            return None
        return function.rate if function is not None and function.kind is Kind.QUERY else None

    def _begin(
        self, owner: Subscriber, query_id: int, args_key: bytes, journal: str | None, call: Call
    ) -> Subscription:
        return self._directory.subscribe(owner, query_id, call.path, args_key, call.args, journal, call.identity)

    def _failing(
        self, owner: Subscriber, query_id: int, args_key: bytes, journal: str | None, call: Call, error: RateLimited
    ) -> Subscription:
        failed = self._runner.refused(call, error)
        subscription = self._directory.set_aside(
            owner, query_id, call.path, args_key, call.args, journal, call.identity
        )
        subscription.live.result = result_of(QueryRun(failed, [], False, journal))
        return subscription

    def _hold(self, key: _QueueKey, rate: Rate, error: RateLimited, subscription: Subscription) -> Subscription:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(rate)
            self._set_timer(key, queue, error.retry_after)
        queue.waiting[subscription] = None
        self._place[subscription] = key
        return subscription

    def _set_timer(self, key: _QueueKey, queue: _Queue, seconds: float) -> None:
        if queue.timer is not None:
            queue.timer.cancel()
        loop = asyncio.get_running_loop()
        queue.timer = loop.call_later(max(seconds, _SHORTEST_WAIT), self._next, key)

    def _next(self, key: _QueueKey) -> None:
        """Let in as many as there are tokens for."""
        queue = self._queues[key]
        rate = self._rate(key[0])  # other code may serve by now
        while queue.waiting:
            if rate is not None and (wait := self._runner.entrance.attempt(key[0], rate, key[1])):
                self._set_timer(key, queue, wait)
                return
            subscription = next(iter(queue.waiting))
            del queue.waiting[subscription], self._place[subscription]
            self._directory.let_in(subscription)
            subscription.owner.changed(subscription)
            self._rounds.request(subscription.owner)
        self._drop_if_empty(key)

    def _drop_if_empty(self, key: _QueueKey) -> None:
        queue = self._queues[key]
        if not queue.waiting:
            if queue.timer is not None:
                queue.timer.cancel()
            del self._queues[key]
