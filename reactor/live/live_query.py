"""A live query, its result, and who subscribes to it."""

from hashlib import blake2b
from typing import Literal, Protocol

from reactor.database.ranges import KeyRange
from reactor.runtime.failures import Failure
from reactor.runtime.identity import Identity
from reactor.runtime.query_run import VALUE_FIELD

__all__ = ["Cause", "LiveQuery", "QueryKey", "Reason", "Result", "Subscriber", "Subscription", "short_args_key"]

QueryKey = tuple[str, bytes, str | None, str | None]
"""Function path, canonical arguments, journal, and the identity's key if the function looked at it (else None)."""

_LONGEST_KEY = 256

Cause = Literal["subscribed", "commit", "code", "retry"]


class Result:
    """What a run gave, encoded once for all subscribers.

    `tail` is the rest of a modification's JSON after its query id; `shown` is the part of it that decides whether
    clients need to hear of it (an error's request id differs in every run and does not count). `failure` is the
    function's; None when all went well, or when the fault is ours.

    For others who ask the same once: `size` is the length of the value in `tail`, 0 for a failure; `lines` are all
    log lines of the run, and `time` is the time that it looked at (milliseconds since 1970, None when it did not).
    """

    __slots__ = ("failure", "journal", "kind", "lines", "shown", "size", "tail", "time")

    def __init__(
        self,
        kind: bytes,
        tail: bytes,
        shown: bytes,
        journal: str | None,
        *,
        failure: Failure | None = None,
        size: int = 0,
        lines: list[str] | None = None,
        time: float | None = None,
    ) -> None:
        self.kind, self.tail, self.shown, self.journal, self.failure = kind, tail, shown, journal, failure
        self.size, self.lines, self.time = size, lines or [], time

    def value(self) -> bytes:
        """The encoded value; it is not kept apart, so this makes it."""
        return self.tail[len(VALUE_FIELD) : len(VALUE_FIELD) + self.size]

    def same_as(self, other: "Result | None") -> bool:
        """Whether a client that has `other` needs nothing."""
        return other is not None and other.kind == self.kind and other.shown == self.shown


class Subscriber(Protocol):
    """Somebody with live queries: one client connection."""

    @property
    def identity(self) -> Identity:
        """Who asks."""
        ...

    def changed(self, subscription: "Subscription") -> None:
        """The subscription's query has a result that the client may not have yet."""
        ...


class Subscription:
    """One client's interest in a live query, under the number the client gave it. `sent`: what the client has."""

    __slots__ = ("live", "owner", "query_id", "sent")

    def __init__(self, owner: Subscriber, query_id: int, live: "LiveQuery") -> None:
        self.owner, self.query_id, self.live = owner, query_id, live
        self.sent: Result | None = None


class LiveQuery:
    """One query with arguments that somebody watches. It runs once for all who do.

    `key[2]` is the journal that it began with, `journal` that of its last run. `identity` is who it runs for: with
    `key[3]` None that is any of the subscribers, because the function did not look. `runs` counts its runs, `reason`
    says why the last one happened.
    """

    __slots__ = (
        "args",
        "closed",
        "identity",
        "journal",
        "key",
        "path",
        "ranges",
        "reason",
        "result",
        "runs",
        "subscriptions",
    )

    def __init__(self, key: QueryKey, path: str, args: bytes, journal: str | None, identity: Identity) -> None:
        self.key, self.path, self.args, self.journal, self.identity = key, path, args, journal, identity
        self.subscriptions: dict[Subscription, None] = {}
        self.result: Result | None = None
        self.ranges: list[KeyRange] = []
        self.reason: Reason | None = None
        self.runs = 0
        self.closed = False

    @property
    def shared(self) -> bool:
        """Whether one result serves all identities."""
        return self.key[3] is None


class Reason:
    """Why a live query ran.

    `cause`: "subscribed" (its first run), "commit", "code" (a reload), or "retry" (the last run failed for no fault
    of the function). For a commit: its timestamp, the function that wrote, and the range of the query in which a
    written key lies.
    """

    __slots__ = ("cause", "key", "range", "source", "ts")

    def __init__(
        self, cause: Cause, ts: int = 0, source: str = "", key: bytes = b"", range: KeyRange | None = None
    ) -> None:
        self.cause, self.ts, self.source, self.key, self.range = cause, ts, source, key, range


def short_args_key(args_key: bytes) -> bytes:
    """The key of arguments as it stands in a QueryKey: of long ones a digest."""
    # No value's key begins with the byte before the digest.
    if len(args_key) <= _LONGEST_KEY:
        return args_key
    return b"\xfe" + blake2b(args_key, digest_size=32).digest()
