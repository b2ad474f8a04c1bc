"""The two ends of a copy, as whoever copies sees them."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from reactor.store.copying.tables import Catalog, Key, Row, Table

__all__ = ["LAST_KEY", "PAGE_BYTES", "PAGE_ROWS", "Change", "Entry", "Progress", "Reader", "Source", "Target"]

PAGE_ROWS = 10_000
PAGE_BYTES = 8 * 2**20
"""What one reading gives, and one transaction of the target takes, at most: parts of a second, and little memory."""

LAST_KEY = b"\xff"
"""Above all keys of an index."""

Entry = tuple[int, bytes]
"""Index and key."""


class Progress(msgspec.Struct, frozen=True):
    """How far a copy is. The target keeps it, and changes it in the transaction that brings what it tells of.

    `source`: what is copied, as a person reads it. `ts`: all that is there is as it was after this commit.
    `documents`: up to which id documents are there, None for all. `indexes`: those whose entries are all there; those
    of `index` are up to `key`. `log` and `outcomes`: the last of each that is there.
    """

    source: str
    ts: int = 0
    documents: str | None = ""
    indexes: list[int] = []
    index: int = 0
    key: bytes = b""
    log: int = 0
    outcomes: int = 0

    def has_document(self, id: str) -> bool:
        """Whether a document belongs to what is there."""
        return self.documents is None or id <= self.documents

    def has_entry(self, index: int, key: bytes) -> bool:
        """Whether an entry belongs to what is there."""
        return index in self.indexes or (index == self.index and key <= self.key)


class Change(msgspec.Struct):
    """What a transaction does to the target. What is `new` is known not to be there; the rest may be, or be gone."""

    new: list[tuple[Table[Any], Sequence[Row]]] = []
    new_entries: Sequence[Entry] = ()
    documents: Sequence[Row] = ()
    gone: Sequence[str] = ()
    entries: Sequence[Entry] = ()
    gone_entries: Sequence[Entry] = ()


class Reader(Protocol):
    """A database at one moment; for one who asks at a time. All methods raise StoreError."""

    async def catalog(self) -> Catalog:
        """What there is."""
        ...

    async def page(self, table: Table[Key], after: Key, upto: Key) -> Sequence[Row]:
        """The next rows with after < key <= upto, in order; none at the end."""
        ...

    async def entries(self, index: int, after: bytes, upto: bytes) -> Sequence[bytes]:
        """The next keys with after < key <= upto, in order; none at the end."""
        ...

    async def documents(self, ids: Sequence[str]) -> Sequence[Row]:
        """Rows of those documents that exist."""
        ...

    async def present(self, entries: Sequence[Entry]) -> set[Entry]:
        """Those entries that exist."""
        ...

    async def rows(self) -> int | None:
        """About how many rows and entries there are to read in all; None when that is not known."""
        ...


class Source(Protocol):
    """What is copied; it is only read."""

    place: str
    """Where it is, without a password."""

    async def open(self) -> None:
        """Raises StoreError, StoreVersion."""
        ...

    async def close(self) -> None:
        """Idempotent."""
        ...

    async def moment(self) -> Reader:
        """The newest state; what was given before is not read any more."""
        ...

    async def take(self) -> bool:
        """Keep servers away from it from now on, if none has it. Says whether they are kept away."""
        ...

    async def still_taken(self) -> bool:
        """Whether they were kept away all the time since."""
        ...


class Target(Protocol):
    """What a copy is made in. No server opens it before it is complete."""

    place: str
    """Where it is, without a password."""

    async def open(self, source: str, *, again: bool) -> Progress:
        """Take a place that is empty, or one with an unfinished copy, which `again` forgets; gives how far it is.

        Raises StoreError for one with data or with a copy of another source, and leaves it untouched.
        """
        ...

    async def close(self) -> None:
        """Idempotent."""
        ...

    def reader(self) -> Reader:
        """What is there now."""
        ...

    async def write(self, change: Change, progress: Progress) -> None:
        """One transaction."""
        ...

    async def drop(self, indexes: Sequence[int]) -> None:
        """Delete all entries of indexes."""
        ...

    async def settle(self, catalog: Catalog, *, first_outcome: int) -> None:
        """Take over the catalog, and forget what is not in the history that it tells of, nor newer than an outcome."""
        ...

    async def complete(self) -> None:
        """Let servers have it: durable on return."""
        ...
