"""The seam between Reactor and whatever keeps its data.

A store keeps documents by id, index entries as one ordered space of byte keys per index, a commit log
with what each change replaced, and the outcomes of clients' mutations. Everything else is built above.

All methods are coroutines. Those of a snapshot over an embedded database never suspend, so the caller
can drive them by hand without a task.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

__all__ = [
    "CATALOG_INDEX",
    "OUTCOME_INDEX",
    "SESSION_BYTES",
    "CaughtUp",
    "Commit",
    "IndexRecord",
    "LogEntry",
    "Outcome",
    "Point",
    "Records",
    "Revise",
    "Snapshot",
    "Store",
    "TableRecord",
    "Write",
    "id_in_key",
    "outcome_key",
    "points_of",
]

CATALOG_INDEX = 0
"""Pseudo-index whose keys are table names: asking for a table that does not exist reads there. The empty name stands
for indexes and shapes."""

OUTCOME_INDEX = -1
"""Pseudo-index whose keys are client sessions with request numbers: looking for an outcome reads there."""

SESSION_BYTES = 16
"""A client session is a UUID."""


class TableRecord(msgspec.Struct, frozen=True):
    """A table that exists: `number` is what ids carry, `by_id` and `by_creation` number its built-in indexes."""

    name: str
    number: int
    by_id: int
    by_creation: int


class IndexRecord(msgspec.Struct, frozen=True):
    """A declared index: `id` numbers its key space, `fields` are dotted paths without the tie-breakers.

    It is recorded when it is `complete`, and only in a shared store before that, so that all processes keep it up while
    one of them fills it. Entries of indexes without a record are removed some time after the next open.
    `unique`: no two documents have the same values in `fields`; that was checked, and every write since keeps it so.
    `kind` says, to the layers above, how entries come from documents; but for "fields" a document may have any number.
    """

    id: int
    table: int
    name: str
    fields: tuple[str, ...]
    unique: bool = False
    kind: str = "fields"
    complete: bool = True


class Records(NamedTuple):
    """The tables, indexes and shapes that are recorded, and `last_index`, as `Store` has them."""

    tables: list[TableRecord]
    indexes: list[IndexRecord]
    shapes: dict[int, str]
    last_index: int


class Point(msgspec.Struct, array_like=True, gc=False):
    """What a write does to one index: the entry that goes and the entry that comes (None: no such entry)."""

    index: int
    old: bytes | None
    new: bytes | None


class Write(msgspec.Struct, array_like=True):
    """One document's change in a commit. `old`/`new` are its stored bytes before and after (None: does not exist).

    `points` cover every ordered index of the table except by_id, whose points follow from `id`; and what changes in
    its derived indexes.
    """

    id: str
    table: int
    old: bytes | None
    new: bytes | None
    points: list[Point]


class Outcome(msgspec.Struct, array_like=True):
    """A client's mutation as it ended, recorded with its commit so that a resend is answered, not repeated.

    `session`: 16 bytes of the client's UUID; `request`: its request number; `result`: encoded value;
    `logs`: the log lines sent with it; `ts`: the commit's timestamp (filled by the store on reading).
    """

    session: bytes
    request: int
    result: bytes
    logs: list[str]
    ts: int = 0


class Commit(msgspec.Struct):
    """One decided transaction, ready to be made durable. `ts`: nanoseconds, greater than every earlier commit's.

    `shapes`: by table number, what every document of the table is known to match from now on, as text that means
    something to the layers above; None when nothing is known any more. `dropped_indexes` may have no record yet.
    `entries` are changes of index entries that belong to no document; only the log of a shared store remembers them.
    """

    ts: int
    writes: list[Write]
    source: str
    outcome: Outcome | None = None
    tables: list[TableRecord] = []
    indexes: list[IndexRecord] = []
    dropped_indexes: list[int] = []
    shapes: dict[int, str | None] = {}
    entries: list[Point] = []


class LogEntry(msgspec.Struct, array_like=True):
    """A commit as the log remembers it: when, which function wrote, and every write with what it replaced.

    `new` of these writes is always None: it is the `old` of the next write, or the document as it stands.
    A commit that wrote no document has no entry, but in a shared store. There `points` are what else it touched (see
    `points_of`), and `node` names the process that wrote it.
    """

    ts: int
    source: str
    writes: list[Write]
    points: list[Point] = []
    node: str = ""


Revise = Callable[[int, list[LogEntry] | None], Sequence[Commit]]
"""Gives what is to be committed now that others have committed these entries, up to a `ts` that every new one has to be
above; None as in `CaughtUp`."""


class Snapshot(Protocol):
    """The committed state at one moment; stays readable and unchanged until released."""

    ts: int

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Stored bytes of those of `ids` that exist (any number; asked for in pieces inside)."""
        ...

    async def scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int
    ) -> list[tuple[bytes, str]]:
        """Up to `limit` entries (key, document id) of an index with lower <= key < upper, in key order or reversed.

        Never reads more than `limit` rows; callers page by moving a bound past the last key.
        """
        ...

    async def count(self, index: int, lower: bytes, upper: bytes, *, limit: int) -> tuple[int, bytes | None]:
        """How many entries a range has, and the key of the last one counted; stops at `limit`."""
        ...

    async def scan_ids(self, lower: str, upper: str, *, reverse: bool, limit: int) -> list[str]:
        """Up to `limit` ids with lower <= id < upper in the order of their text."""
        ...

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        """The recorded outcome of a client's mutation, or None."""
        ...

    async def last_request(self, session: bytes) -> int:
        """The highest request number recorded for a client session, -1 when there is none."""
        ...

    async def log(self, after: int, *, limit: int) -> list[LogEntry]:
        """Up to `limit` log entries with ts > after, oldest first."""
        ...

    async def history_start(self) -> int:
        """The oldest timestamp whose state can still be rebuilt from the log (entries after it are all there)."""
        ...

    async def records(self) -> Records:
        """Tables, indexes and shapes at this moment."""
        ...

    def release(self) -> None:
        """Give the snapshot back; it must not be read afterwards. Every `acquire` is matched by one `release`."""
        ...


class CaughtUp(NamedTuple):
    """What `catch_up` found: a `snapshot` of the newest state, and the log entries from the visible one on.

    The snapshot was acquired for the caller, who releases it, and is read before anybody else sees that state.
    `entries` None: some of them are forgotten already, so anything may have changed.
    """

    snapshot: Snapshot
    entries: list[LogEntry] | None


@runtime_checkable
class Store(Protocol):
    """Durable state. One process uses one store, and opening it refuses a second owner; unless it is `shared`: then any
    number of processes read and write it, in one order of commits for all.
    """

    shared: bool

    async def open(self) -> None:
        """Create or open. Raises StoreLocked, StoreVersion, StoreError; leaves nothing locked when it fails."""
        ...

    async def close(self) -> None:
        """Finish the commit under way, checkpoint, unlock. Idempotent."""
        ...

    @property
    def tables(self) -> list[TableRecord]:
        """Tables recorded when the store was opened."""
        ...

    @property
    def indexes(self) -> list[IndexRecord]:
        """Indexes recorded when the store was opened."""
        ...

    @property
    def shapes(self) -> dict[int, str]:
        """By table number, what all documents of a table match, as of opening; tables without a shape are missing."""
        ...

    @property
    def last_index(self) -> int:
        """The highest index number that has a record or entries, or ever had, as of opening. A new index takes a higher
        one: entries of a dropped or unfinished index are deleted little by little, and must not show up in another.
        """
        ...

    def acquire(self) -> Snapshot:
        """The newest visible snapshot, shared by all who ask until the next `advance`."""
        ...

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        """Make a batch durable in one database transaction; returns after the disk has it.

        `on_the_way` may be called, on the event loop, when there is nothing left but to wait for the disk.

        Does not change what `acquire` gives: that is `advance`. One call at a time. Raises StoreFull or
        StoreError, and then nothing of the batch is there; a failure whose end is uncertain is settled
        by reading back before it is reported.

        If others have committed since the visible snapshot, `revise` is called on the event loop with the last commit's
        ts and all log entries from the visible one on, oldest first; what it gives, perhaps nothing, is committed in
        place of the batch, right after that last commit. It is called again, with more entries, should others have
        been faster, and perhaps should the connection be lost in between. In a shared store what comes next is
        `catch_up`, also when this failed.
        """
        ...

    def listen(self, on_news: Callable[[], None]) -> None:
        """Call `on_news` on the event loop when others have committed to a shared store, or may have."""
        ...

    async def catch_up(self) -> CaughtUp:
        """Make the newest state of a shared store ready for `advance`, which is to be given its snapshot's `ts`.

        Raises StoreError. Own commits are among the entries. One call at a time, not beside `commit`.
        """
        ...

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        """Keep all others from committing to a shared store until it is left; `catch_up` and one `commit` go through.

        To be held for fractions of a second: who is stopped or cut off meanwhile loses it, and `commit` is told then
        what others have committed. Entering it raises StoreError.
        """
        ...

    def schema_turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until no other process changes the schema of a shared store, and keep others from it until it is left.

        Entering it raises StoreError.
        """
        ...

    def advance(self, ts: int) -> None:
        """Let new snapshots see everything committed up to `ts`, the last commit of the newest durable batch."""
        ...

    async def keep_resident(self, table: int, index: int) -> None:
        """Keep a small table in memory: reading its documents by id, and its entries in this index, never suspends
        from now on. To be called before anybody else reads or writes; holds until `close`.
        """
        ...

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        """Add entries (key, document id) of an index that is being built over existing documents; durable on return.

        Commits may come between any two of them. So an entry is left out when its document is not there any more, or
        was written by a commit after `as_of`: that commit brought the document's entry itself. Entries that are there
        already do no harm. Snapshots see them from the next commit on, and one after the last records the index.
        """
        ...

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        """Forget log entries and outcomes older than the given timestamps, at most `limit` rows; returns how many.

        Also removes entries of dropped and of unfinished indexes. Commits get their turn between small pages of it.
        """
        ...


def points_of(commit: Commit) -> list[Point]:
    """What a commit touches beside the documents that it writes, for the log of a shared store."""
    points = list(commit.entries)
    points += [Point(CATALOG_INDEX, None, table.name.encode()) for table in commit.tables]
    if commit.indexes or commit.dropped_indexes or commit.shapes:
        points.append(Point(CATALOG_INDEX, None, b""))
    if commit.outcome is not None:
        points.append(Point(OUTCOME_INDEX, None, outcome_key(commit.outcome.session, commit.outcome.request)))
    return points


def outcome_key(session: bytes, request: int) -> bytes:
    """The key of an outcome in OUTCOME_INDEX. Keys of a session are in the order of its requests."""
    return session + request.to_bytes(8, "big")


def id_in_key(key: bytes) -> str:
    """The document id that ends an index key (tag 0x10, ASCII text, 0x00; no id contains the tag)."""
    return key[key.rindex(b"\x10") + 1 : -1].decode("ascii")
