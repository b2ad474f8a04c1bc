"""Files in a folder of this machine.

`FOLDER/<id>` is a file that is there as a whole, `FOLDER/arriving/…` what is being written, `FOLDER/key` the secret of
their links. The name of a file is the id that the server gave it: nothing that a client says becomes part of a path.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from reactor.errors import StoreError, StoreFull
from reactor.files.link_key import link_key, sync_folder
from reactor.files.seam import LARGEST_PIECE, Measure, OpenFile, Pieces, Stored, blocks
from reactor.files.threads import shut_down, threads

__all__ = ["LocalFiles"]

T = TypeVar("T")

_NAME = re.compile(r"[0-9a-z]{31,37}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LISTED = 500
_THREADS = 8
_STEP = 2**20
"""So many bytes are written, digested and made durable at a time. A commit of the database waits behind what is being
made durable: with 4 MiB for several milliseconds. With less a file takes more turns, each of which needs the
interpreter's lock and a flush of the disk, and takes longer."""


class LocalFiles:
    """A folder of files, which is made if missing. The data folder's lock keeps other servers away from it; several
    processes of one server may use it. `reached_by_all`: those are all the servers that its database has."""

    def __init__(self, folder: Path, *, reached_by_all: bool = False) -> None:
        self.reached_by_all = reached_by_all
        self._folder, self._arriving = folder, folder / "arriving"
        self._pool: ThreadPoolExecutor | None = None
        self.key = b""

    async def open(self) -> None:
        # Threads of their own: actions may fill those that everybody shares, and a thread that writes is not given up.
        self._pool = threads(_THREADS)
        try:
            await self._run(self._prepare, "opening the folder of files")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await shut_down(pool)

    async def put(self, name: str, pieces: Pieces, accept: Callable[[Stored], None]) -> Stored:
        arriving = _Arriving(self._arriving / secrets.token_hex(16), self._path(name))
        doing = "storing a file"
        try:
            await self._run(arriving.begin, doing)
            async for block in blocks(pieces, _STEP):
                await self._run(lambda block=block: arriving.write(block), doing)
            stored = arriving.measure.stored()
            accept(stored)
            await self._run(arriving.keep, doing)
        except BaseException:
            await self._run(arriving.discard, "removing what had come of a file")
            raise
        return stored

    async def read(self, name: str) -> OpenFile | None:
        path = self._path(name)
        try:
            return await self._run(lambda: _LocalFile(path, self._run), "opening a file")
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    async def delete(self, names: Iterable[str]) -> None:
        paths = [self._path(name) for name in names]
        await self._run(lambda: [path.unlink(missing_ok=True) for path in paths], "deleting files")

    async def missing(self, names: Sequence[str]) -> list[str]:
        paths = {name: self._path(name) for name in names}
        return await self._run(lambda: [name for name, path in paths.items() if not path.exists()], "looking for files")

    async def names(self) -> AsyncIterator[list[str]]:
        found = self._names()
        try:
            while page := await self._run(lambda: list(islice(found, _LISTED)), "listing files"):
                yield page
        finally:
            # Whoever listed may have been cancelled while a thread goes on; it ends by itself then.
            with contextlib.suppress(ValueError):
                found.close()

    def _names(self) -> Generator[str]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name):
                    yield entry.name

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r:.60} is no name of a file: names are document ids")
        return self._folder / name

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._arriving.mkdir(mode=0o700, exist_ok=True)
        for left in self._arriving.iterdir():
            _remove_unless_written(left)
        sync_folder(self._folder.parent)
        self.key = link_key(self._folder / "key")

    async def _run(self, work: Callable[[], T], doing: str) -> T:
        if self._pool is None:
            raise StoreError(f"{doing} failed: the server is stopping; try again when it serves")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except OSError as error:
            raise _store_error(error, doing) from error


class _Arriving:
    """A file that is being written. Whoever waits for one of the steps may be cancelled, and the step goes on: so they
    exclude each other, and after `discard` no other does anything."""

    def __init__(self, path: Path, final: Path) -> None:
        self._path, self._final = path, final
        self._file: int | None = None
        self._discarded = False
        self._lock = threading.Lock()
        self.measure = Measure()

    def begin(self) -> None:
        with self._step():
            self._file = _made_and_locked(self._path)

    def write(self, block: bytes) -> None:
        with self._step():
            assert self._file is not None
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self.measure.update(block)
            if len(block) >= _STEP:  # the last one is left to `keep`
                # macOS has no fdatasync.
                getattr(os, "fdatasync", os.fsync)(self._file)

    def keep(self) -> None:
        """Make it durable, then let it be there under its name, then make that durable."""
        with self._step():
            assert self._file is not None
            os.fsync(self._file)
            os.replace(self._path, self._final)
            sync_folder(self._final.parent)
            self._close()

    def discard(self) -> None:
        with self._lock:
            self._discarded = True
            self._close()
            self._path.unlink(missing_ok=True)
            self._final.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _step(self) -> Generator[None]:
        with self._lock:
            if self._discarded:
                raise OSError(errno.ECANCELED, "nobody waits for this file any more")
            yield

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _LocalFile:
    """See `OpenFile`."""

    def __init__(self, path: Path, run: Callable[[Callable[[], bytes], str], Awaitable[bytes]]) -> None:
        self._run = run
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size

    async def pieces(self, start: int, length: int) -> Pieces:
        end = start + length
        while start < end:
            size = min(LARGEST_PIECE, end - start)
            piece = await self._run(lambda at=start, size=size: os.pread(self._file, size, at), "reading a file")
            if not piece:
                raise StoreError("a file is shorter than it was: something else has changed it")
            yield piece
            start += len(piece)

    def close(self) -> None:
        os.close(self._file)


def _made_and_locked(path: Path) -> int:
    """A new file, open, with a lock that ends with its writer: so other processes know that it has one."""
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return file
        os.close(file)  # a process that began just then was faster, and took it for a remnant


def _remove_unless_written(path: Path) -> None:
    """Remove what a process that has died was writing."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # it is whole, or given up, by now
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(file)


def _store_error(error: OSError, doing: str) -> StoreError:
    if error.errno in _NO_ROOM:
        return StoreFull(f"no room on the disk for {doing} ({error.strerror}); nothing of it was kept: free some space")
    return StoreError(f"{doing} failed: {error}; check the disk and the permissions of the data folder")
