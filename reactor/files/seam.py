"""What keeps the bytes of files, behind one seam. What is known about a file stands in the database, not here."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Protocol

import msgspec

__all__ = ["LARGEST_PIECE", "FileStore", "Measure", "OpenFile", "Pieces", "Stored", "blocks"]

LARGEST_PIECE = 256 * 1024
"""Bytes that are read at once; so much of a file that is being sent is in memory, or a little more."""

_MOST_PIECES = 256
"""So many wait for each other, or less: each may be a byte, in an object many times as large."""

Pieces = AsyncIterator[bytes]
"""The content of a file, in order, cut anywhere."""


class Stored(msgspec.Struct, frozen=True):
    """What became known of some bytes by storing them: how many, and the SHA-256 of them (32 bytes)."""

    size: int
    sha256: bytes


class Measure:
    """Counts and digests bytes that go by."""

    def __init__(self) -> None:
        self._size, self._hash = 0, hashlib.sha256()

    def update(self, block: bytes) -> None:
        """These come next."""
        self._size += len(block)
        self._hash.update(block)

    def stored(self) -> Stored:
        """What all of them are so far."""
        return Stored(self._size, self._hash.digest())


class OpenFile(Protocol):
    """A file that is being read. Of one whose bytes go meanwhile, a store may raise StoreError before its end."""

    size: int

    def pieces(self, start: int, length: int) -> Pieces:
        """So many bytes from `start` on, in pieces of at most LARGEST_PIECE. Raises StoreError."""
        ...

    def close(self) -> None:
        """No more is read."""
        ...


class FileStore(Protocol):
    """Files by name, each written once and never changed. Names are document ids, made by this server.

    Belongs to one event loop, and to one server at a time.
    """

    reached_by_all: bool
    """Whether all servers of a database reach these files, and not only those of one machine."""

    @property
    def key(self) -> bytes:
        """32 secret bytes that live as long as the files, for links to them. Known once it is open."""
        ...

    async def open(self) -> None:
        """Begin. What was being written when the last owner ended is gone. Raises StoreError."""
        ...

    async def close(self) -> None:
        """End; safe after a failed `open`."""
        ...

    async def put(self, name: str, pieces: Pieces, accept: Callable[[Stored], None]) -> Stored:
        """Store a file. It is there as a whole, and durable, when this returns; else, whatever is raised, not at all.

        `accept` is called when all bytes have come, and may raise to have none of it. Raises what `pieces` and
        `accept` raise, StoreFull and StoreError.
        """
        ...

    async def read(self, name: str) -> OpenFile | None:
        """The file, open; None when there is none. Raises StoreError."""
        ...

    async def delete(self, names: Iterable[str]) -> None:
        """Remove files; names without one are fine. Raises StoreError."""
        ...

    async def missing(self, names: Sequence[str]) -> list[str]:
        """Those of the names that have no file. Raises StoreError."""
        ...

    def names(self) -> AsyncIterator[list[str]]:
        """All names, in any order, some at a time. Files that come or go meanwhile may be among them or not."""
        ...


async def blocks(pieces: Pieces, least: int = LARGEST_PIECE) -> Pieces:
    """The same bytes in pieces that are worth a write: of at least so many bytes, but for the last."""
    waiting, size = list[bytes](), 0
    async for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= least:
            yield b"".join(waiting)
            waiting, size = [], 0
        elif len(waiting) == _MOST_PIECES:
            waiting = [b"".join(waiting)]
    if size:
        yield b"".join(waiting)
