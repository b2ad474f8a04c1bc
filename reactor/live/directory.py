"""All live queries: finding the one that equal subscriptions share, and those that a commit touches."""

from collections.abc import Iterable, Iterator

from reactor.database.committed import Committed
from reactor.database.ranges import KeyRange
from reactor.live.live_query import Cause, LiveQuery, QueryKey, Reason, Subscriber, Subscription, short_args_key
from reactor.live.range_index import RangeIndex
from reactor.runtime.identity import Identity

__all__ = ["Directory"]


class Directory:
    """Live queries by what they ask, and by what they read. `dirty` are those that must run, and why.

    `generation` counts the times at which everything became dirty.
    """

    def __init__(self) -> None:
        self._queries: dict[QueryKey, LiveQuery] = {}
        self._index: RangeIndex[LiveQuery] = RangeIndex()
        self.dirty: dict[LiveQuery, Reason] = {}
        self.subscriptions = self.generation = 0

    def __len__(self) -> int:
        return len(self._queries)

    def __iter__(self) -> Iterator[LiveQuery]:
        return iter(self._queries.values())

    # Subscriptions

    def subscribe(
        self,
        owner: Subscriber,
        query_id: int,
        path: str,
        args_key: bytes,
        args: bytes,
        journal: str | None,
        identity: Identity,
    ) -> Subscription:
        """Join the live query with these arguments, or begin it. It has a result after the next round.

        `args_key` is the same for equal arguments, whatever their text in `args`.
        """
        args_key = short_args_key(args_key)
        live = self._serving((path, args_key, journal), args, identity)
        subscription = Subscription(owner, query_id, live)
        live.subscriptions[subscription] = None
        self.subscriptions += 1
        return subscription

    def set_aside(
        self,
        owner: Subscriber,
        query_id: int,
        path: str,
        args_key: bytes,
        args: bytes,
        journal: str | None,
        identity: Identity,
    ) -> Subscription:
        """Subscribe to a live query of its own that never runs; its result is the caller's to set. See `let_in`."""
        live = LiveQuery((path, short_args_key(args_key), journal, None), path, args, journal, identity)
        subscription = Subscription(owner, query_id, live)
        live.subscriptions[subscription] = None
        self.subscriptions += 1
        return subscription

    def let_in(self, subscription: Subscription) -> None:
        """A subscription that was set aside joins the live query that it asked for, or begins it."""
        path, args_key, journal, _ = subscription.live.key
        identity = subscription.owner.identity
        live = self._serving((path, args_key, journal), subscription.live.args, identity)
        live.subscriptions[subscription] = None
        self._leave(subscription)
        subscription.live = live

    def unsubscribe(self, subscription: Subscription) -> None:
        """Leave; a live query that nobody watches ends."""
        self.subscriptions -= 1
        self._leave(subscription)

    def identity_changed(self, subscription: Subscription) -> None:
        """The subscription's owner is somebody else now, and joins the live query that answers them."""
        live = subscription.live
        identity = subscription.owner.identity
        if not live.shared and live.identity.key != identity.key:
            # The journal of the last run keeps the client's page where it is.
            self._move(subscription, live.journal, identity)

    def find(self, path: str, args_key: bytes, identity_key: str) -> LiveQuery | None:
        """The live query, begun without a journal, that answers this identity. `args_key` as in a QueryKey."""
        queries = self._queries
        return queries.get((path, args_key, None, identity_key)) or queries.get((path, args_key, None, None))

    def reads(self, index: int) -> bool:
        """Whether a live query reads an index."""
        return self._index.reads(index)

    # What must run

    def touched(self, commits: Iterable[Committed]) -> set[LiveQuery]:
        """The queries that read what these commits write."""
        found = self._index.touched
        return {live for commit in commits for touch in commit.touches for live, _ in found(touch)}

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible: queries that they touch must run again."""
        dirty, touched = self.dirty, self._index.touched
        for commit in commits:
            for touch in commit.touches:
                for live, range in touched(touch):
                    if live not in dirty:
                        dirty[live] = Reason("commit", commit.ts, commit.source, touch[1], range)

    def all_dirty(self, cause: Cause) -> None:
        """Every query must run again, as when the code has changed. A round that is under way begins anew."""
        self.generation += 1
        for live in self._queries.values():
            self.dirty.setdefault(live, Reason(cause))

    def left(self, dirty: dict[LiveQuery, Reason]) -> None:
        """A round ended before it came to these, which must still run."""
        for live, reason in dirty.items():
            if not live.closed:
                self.dirty.setdefault(live, reason)

    def again(self, queries: Iterable[LiveQuery]) -> None:
        """These could not be run and shall be tried again."""
        for live in queries:
            if not live.closed:
                self.dirty.setdefault(live, Reason("retry"))

    def take_new(self, *, private: bool = False) -> dict[LiveQuery, Reason]:
        """Take out of `dirty` what has never run; `private`: only what is for one identity."""
        new = {q: why for q, why in self.dirty.items() if q.result is None and not (private and q.shared)}
        for query in new:
            del self.dirty[query]
        return new

    def read(self, live: LiveQuery, ranges: list[KeyRange], *, looked_at_identity: bool) -> None:
        """A run has ended: these are the ranges that it depends on now."""
        if live.closed:
            return
        if ranges != live.ranges:
            self._index.remove(live.ranges, live)
            live.ranges = []
            self._index.add(ranges, live)
            live.ranges = ranges
        if looked_at_identity and live.shared:
            self._make_private(live)

    # Inside

    def _serving(self, asked: tuple[str, bytes, str | None], args: bytes, identity: Identity) -> LiveQuery:
        """The live query that answers an identity; it is begun if there is none."""
        live = self._queries.get((*asked, identity.key))
        if live is not None:
            return live
        # Shared by all identities until a run looks at who asks.
        key = (*asked, None)
        return self._queries.get(key) or self._begin(key, args, identity)

    def _begin(self, key: QueryKey, args: bytes, identity: Identity) -> LiveQuery:
        live = self._queries[key] = LiveQuery(key, key[0], args, key[2], identity)
        self.dirty[live] = Reason("subscribed")
        return live

    def _leave(self, subscription: Subscription) -> None:
        live = subscription.live
        del live.subscriptions[subscription]
        if not live.subscriptions:
            self._end(live)

    def _end(self, live: LiveQuery) -> None:
        live.closed = True
        if self._queries.get(live.key) is live:  # not so of one that was set aside
            del self._queries[live.key]
        self.dirty.pop(live, None)
        self._index.remove(live.ranges, live)
        live.ranges = []

    def _make_private(self, live: LiveQuery) -> None:
        """The function looked at who asks: from now on a live query for each identity."""
        path, args_key, journal, _ = live.key
        del self._queries[live.key]
        live.key = (path, args_key, journal, live.identity.key)
        self._queries[live.key] = live
        for subscription in list(live.subscriptions):
            # The one that it began for may have left meanwhile; with the last that moves away it ends.
            identity = subscription.owner.identity
            if identity.key != live.identity.key:
                self._move(subscription, journal, identity)

    def _move(self, subscription: Subscription, journal: str | None, identity: Identity) -> None:
        """Put a subscription to the live query that asks the same for somebody in particular."""
        old = subscription.live
        key = (old.path, old.key[1], journal, identity.key)
        live = self._queries.get(key) or self._begin(key, old.args, identity)
        live.subscriptions[subscription] = None
        self._leave(subscription)
        subscription.live = live
