"""Subscribers that write down what they are told, and shorthand for what they ask."""

from reactor.database.committed import Committed
from reactor.database.ranges import KeyRange
from reactor.live.directory import Directory
from reactor.live.live_query import LiveQuery, Subscription
from reactor.runtime.identity import ANONYMOUS, Identity

__all__ = ["ADMIN", "ANN", "BOB", "Client", "commit", "point", "reads", "subscribe"]

ANN = Identity({"tokenIdentifier": "school|ann"})
BOB = Identity({"tokenIdentifier": "school|bob"})
ADMIN = Identity.admin()


class Client:
    """Somebody with live queries."""

    def __init__(self, identity: Identity = ANONYMOUS) -> None:
        self.identity = identity
        self.told: list[Subscription] = []

    def changed(self, subscription: Subscription) -> None:
        self.told.append(subscription)


def subscribe(
    directory: Directory,
    client: Client,
    path: str = "rooms:list",
    args: bytes = b"[{}]",
    *,
    journal: str | None = None,
    query_id: int = 0,
) -> Subscription:
    return directory.subscribe(client, query_id, path, args, args, journal, client.identity)


def point(key: bytes, index: int = 1) -> KeyRange:
    """The range of one key."""
    return KeyRange(index, key, key + b"\x00")


def commit(*keys: bytes, ts: int = 1, source: str = "rooms:add", index: int = 1) -> Committed:
    return Committed(ts, source, [(index, key, ()) for key in keys])


def reads(directory: Directory, live: LiveQuery, *keys: bytes, looked: bool = False) -> None:
    """As if a run of the query had read these keys."""
    directory.dirty.pop(live, None)
    directory.read(live, [point(key) for key in keys], looked_at_identity=looked)
