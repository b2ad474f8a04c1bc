"""One file on its way into a bucket: in one request when it is small, in parts otherwise."""

import asyncio
from typing import Any

import obstore
from obstore.store import S3Store

from reactor.errors import StoreError

__all__ = ["BucketUpload"]

_PARTS_AT_ONCE = 2
"""With the one that fills, so many parts of a file are in memory, or one more."""


class BucketUpload:
    """Takes blocks, each when there is room for it. Either `keep` or `discard` ends it.

    The library ends an upload in parts only when what it reads from fails, not when it is cancelled: its parts would
    stay, and cost. So it runs in a task that nobody cancels.
    """

    def __init__(self, bucket: S3Store, path: str, part: int) -> None:
        """`part`: bytes of a part."""
        self._bucket, self._path, self._part = bucket, path, part
        self._held, self._size = list[bytes](), 0
        self._blocks = _Blocks()
        self._writing: asyncio.Task[Any] | None = None

    async def write(self, block: bytes) -> None:
        """This comes next. Raises what the library raises."""
        if self._writing is not None:
            await self._give(block)
            return
        self._held.append(block)
        self._size += len(block)
        if self._size > self._part:
            self._writing = asyncio.create_task(self._write_parts())
            await self._give(self._take())

    async def keep(self) -> None:
        """That was all; the file is there when this returns. Raises what the library raises."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_whole(self._take()))
        else:
            await self._give(b"")
        await asyncio.shield(self._writing)

    async def discard(self) -> None:
        """Let nothing of it stay. Raises what the library raises."""
        if self._writing is None:
            return
        self._blocks.fail()
        await asyncio.wait([self._writing])
        if self._writing.exception() is None:
            await obstore.delete_async(self._bucket, self._path)

    async def _write_whole(self, content: bytes) -> None:
        await obstore.put_async(self._bucket, self._path, content, use_multipart=False)

    async def _write_parts(self) -> None:
        await obstore.put_async(
            self._bucket,
            self._path,
            self._blocks,
            use_multipart=True,
            chunk_size=self._part,
            max_concurrency=_PARTS_AT_ONCE,
        )

    def _take(self) -> bytes:
        content, self._held = b"".join(self._held), []
        return content

    async def _give(self, block: bytes) -> None:
        assert self._writing is not None
        giving = asyncio.create_task(self._blocks.put(block))
        try:
            await asyncio.wait({giving, self._writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving.cancel()
        if self._writing.done():
            self._writing.result()


class _Blocks:
    """What the library reads from; an empty block is the end."""

    def __init__(self) -> None:
        self._queue = asyncio.Queue[bytes](1)
        self._failed = False

    async def put(self, block: bytes) -> None:
        await self._queue.put(block)

    def fail(self) -> None:
        self._failed = True
        if self._queue.empty():
            self._queue.put_nowait(b"")

    def __aiter__(self) -> "_Blocks":
        return self

    async def __anext__(self) -> bytes:
        block = await self._queue.get()
        if self._failed:
            raise StoreError("nobody waits for this file any more")
        if not block:
            raise StopAsyncIteration
        return block
