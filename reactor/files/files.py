"""The files of one deployment: bytes in a store of files, and what is known of them in the database.

A file comes to exist in two steps: its bytes become durable, then a transaction writes its row. It ceases to exist in
two as well: a transaction deletes the row and remembers that it did, and once the history does not show the file any
more its bytes go (see `upkeep.py`). So there may be bytes without a row, after a crash, but never a row without bytes.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from contextvars import Context
from functools import partial

import msgspec

from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError, StoreError
from reactor.files import rows
from reactor.files.links import STORAGE, Links
from reactor.files.seam import FileStore, OpenFile, Pieces, Stored
from reactor.files.transacting import transact
from reactor.files.upkeep import Upkeep
from reactor.nodes.membership import Membership
from reactor.values.ids import new_id

__all__ = ["LONGEST_TYPE", "BytesElsewhere", "FileLimits", "Files", "is_content_type"]

LONGEST_TYPE = 1024
"""Characters of a content type."""

_TYPE = re.compile(r"[\t -~\x80-\xff]*")
_log = logging.getLogger("reactor.files")


class FileLimits(msgspec.Struct, frozen=True):
    """The largest file in bytes, how long an upload URL is good, and how long bytes outlive a deletion; in seconds."""

    max_bytes: int
    upload_url_seconds: float
    kept_seconds: float


class BytesElsewhere(StoreError):
    """The file is known to the database, and its bytes are most likely in the folder of another server."""


class Files:
    """Stores, finds and deletes files. Open it after the database, and close it before."""

    def __init__(
        self,
        database: Database,
        store: FileStore,
        limits: FileLimits,
        origin: Callable[[], str],
        members: Membership,
    ) -> None:
        """`origin` gives the address of this deployment, without a slash at the end, for links."""
        self.database, self.store, self.limits, self._origin = database, store, limits, origin
        self._members = members
        self.upkeep = Upkeep(database, store, limits.kept_seconds, members)
        self.stored = self.bytes_received = self.bytes_sent = 0
        self._writing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin. Raises StoreError."""
        await self.store.open()
        self.links = Links(self.store.key, self._origin)
        self.upkeep.start()

    async def close(self) -> None:
        """End; safe after a failed `open`, and without one."""
        await self.upkeep.close()
        if self._writing:
            await asyncio.wait(self._writing)
        await self.store.close()

    def now(self) -> float:
        """Milliseconds since 1970."""
        return self.database.now()

    def upload_url(self, now: float) -> str:
        """An address that takes files, from `now` on for as long as set."""
        return self.links.upload(now + self.limits.upload_url_seconds * 1000)

    async def add(self, pieces: Pieces, content_type: str | None, *, sha256: bytes | None = None) -> str:
        """Store a file and give its id; then it is durable.

        `sha256`: what the digest has to be. Raises DeveloperError with code FileTooLarge or Sha256Mismatch, StoreFull,
        StoreError, and what `pieces` raises; then nothing of it is kept.
        """
        id = new_id(STORAGE, self.now())
        with self.upkeep.spare(id):
            stored = await self.store.put(id, self._counted(pieces), partial(_check_digest, sha256))
            # Whoever waits for it may be cancelled; the transaction goes on, and must not be left without its end. Nor
            # is it a task of the action that stores the file, which may be interrupted.
            writing = asyncio.get_running_loop().create_task(self._enter(id, stored, content_type), context=Context())
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)
            await asyncio.shield(writing)
        self.stored += 1
        return id

    async def row(self, id: str) -> Document | None:
        """What is known of a file now, None when there is none."""
        snapshot = self.database.store.acquire()
        try:
            return await rows.find(self.database.read(snapshot), id)
        finally:
            snapshot.release()

    async def read(self, id: str) -> OpenFile | None:
        """The bytes of a file whose row was found; None when it was deleted meanwhile.

        Raises StoreError, and its kind BytesElsewhere.
        """
        opened = await self.store.read(id)
        if opened is None and await self.row(id) is not None:
            if self._members.shared and not self.store.reached_by_all:
                raise BytesElsewhere(
                    f"the bytes of the file {id} are not in this server's folder. Other servers of its database have "
                    "folders of their own: keep files in a bucket, by the setting files, which all of them reach"
                )
            _log.error(
                "The bytes of the file %s are not there. Was it deleted beside Reactor, or restored without?", id
            )
            raise StoreError(f"the bytes of the file {id} are not there; put them back into the folder of files")
        return opened

    async def delete(self, id: str) -> None:
        """Delete a file in a transaction of its own. Raises DeveloperError when there is none."""
        await transact(self.database.committer, "storage.delete", partial(rows.remove, id=id))

    async def _enter(self, id: str, stored: Stored, content_type: str | None) -> None:
        async def insert(tx: Transaction) -> None:
            if self._members.shared and await rows.is_deleted(tx, id):
                raise StoreError(
                    "entering the file took so long that its bytes were taken for a remnant. Store it again."
                )
            rows.insert(tx, id, stored, content_type)

        with self.upkeep.spare(id):
            try:
                await transact(self.database.committer, "storage.store", insert)
            except Exception:
                await self.store.delete([id])
                raise

    async def _counted(self, pieces: Pieces) -> Pieces:
        size, limit = 0, self.limits.max_bytes
        async for piece in pieces:
            size += len(piece)
            self.bytes_received += len(piece)
            if size > limit:
                raise DeveloperError(
                    f"The file is larger than {limit} bytes, the limit of max_file_bytes. Store less, or raise it.",
                    code="FileTooLarge",
                )
            yield piece


def is_content_type(text: str) -> bool:
    """Whether a header may carry this as a content type: Latin-1 without line ends, not too long."""
    return len(text) <= LONGEST_TYPE and _TYPE.fullmatch(text) is not None


def _check_digest(expected: bytes | None, stored: Stored) -> None:
    if expected is not None and stored.sha256 != expected:
        raise DeveloperError(
            f"The SHA-256 of the {stored.size} bytes that came is {stored.sha256.hex()}, and {expected.hex()} was "
            "expected: something was lost or changed on the way. Send the file again.",
            code="Sha256Mismatch",
        )
