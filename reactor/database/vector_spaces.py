"""Vectors in memory: one space for each vector index that was searched, as of the newest commit.

What is true stands in the store, as entries and documents; a space is read from there after the start, or when it is
first searched, beside the traffic, and kept up with what commits leave. So there is nothing to repair after a crash,
and a process that reads another one's commits keeps its own spaces by the same `apply`.
"""

import asyncio
import os
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from reactor.database.counting import count_entries
from reactor.database.derived import DerivedIndex
from reactor.errors import DeveloperError, StoreError
from reactor.store.seam import Snapshot
from reactor.values import decode_trusted, successor, table_of
from reactor.vectors.fields import EVERYTHING, VectorFields

if TYPE_CHECKING:
    from reactor.database.documents import Document
    from reactor.vectors.space import Space

__all__ = ["VectorSpaces"]

T = TypeVar("T")

_PAGE = 32
_AT_ONCE = 2**19
"""So many numbers are multiplied in the loop's own thread, in a tenth of a millisecond; a thread costs as much."""


class _Loading:
    """A space on its way to memory, and the commits that came meanwhile. `done` when it is where others find it.

    That is a turn of the loop after the task has ended, so it is not the task that is waited for: whoever found that
    ended, and the space missing, would look again and again without ever giving the loop its turn.
    """

    __slots__ = ("commits", "done", "space", "task")

    def __init__(self, space: "Space", task: "asyncio.Task[None]") -> None:
        self.space, self.task = space, task
        self.commits: list[tuple[dict[str, Document], int]] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, fault: BaseException) -> None:
        """Whoever waits is told."""
        self.done.set_exception(fault)
        self.done.exception()  # that nobody waits is no reason to complain


class VectorSpaces:
    """At most `max_bytes` of vectors; those go first that were searched longest ago. Belongs to one event loop.

    `acquire` gives the newest snapshot; `indexes` holds the numbers of those that exist.
    """

    def __init__(self, acquire: Callable[[], Snapshot], max_bytes: int) -> None:
        self.acquire, self.max_bytes = acquire, max_bytes
        self.indexes: Container[int] = ()
        self._spaces: dict[int, Space] = {}
        self._loading: dict[int, _Loading] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._warming: asyncio.Task[None] | None = None
        self._newest = 0

    @property
    def bytes(self) -> int:
        """About what the spaces take of memory."""
        return sum(space.bytes for space in self._spaces.values())

    # Keeping up

    def apply(self, documents: "dict[str, Document]", ts: int) -> None:
        """These versions of documents are the newest from `ts` on, which is about to become visible."""
        self._newest = ts
        for loading in self._loading.values():
            loading.commits.append((documents, ts))
        if self._spaces:
            for space in self._spaces.values():
                _put(space, documents, ts)
            self._make_room(0, spare=None)

    def retain(self) -> None:
        """Give up spaces of indexes that exist no longer."""
        for index in [index for index in self._spaces if index not in self.indexes]:
            del self._spaces[index]

    def clear(self) -> None:
        """Some commits were missed: all has to be read anew."""
        self._spaces.clear()
        for loading in self._loading.values():
            loading.fail(StoreError("commits were missed while vectors were read; search again"))
            loading.task.cancel()

    async def close(self) -> None:
        """End what is under way."""
        tasks = [loading.task for loading in self._loading.values()]
        if self._warming is not None:
            tasks.append(self._warming)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._spaces.clear()
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    # Reading

    async def at(self, index: DerivedIndex, snapshot: Snapshot) -> "Space":
        """The space of an index; it may begin after the snapshot's moment. Raises DeveloperError when there is no room
        for it, with the code VectorIndexTooLarge, and StoreError.
        """
        space = self._spaces.get(index.id)
        while space is None:
            loading = self._loading.get(index.id)
            if loading is None:
                loading = self._begin(index)
            if loading is None:
                return await self._apart(index, snapshot)
            # Whoever gives up waiting takes it from nobody else.
            await asyncio.shield(loading.done)
            space = self._spaces.get(index.id)
        self._spaces[index.id] = self._spaces.pop(index.id)  # the last searched stands last
        return space

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """What `work` gives, which multiplies `size` numbers: of many in a thread, so that the loop goes on."""
        if size <= _AT_ONCE:
            return work()
        # Whoever only tries whether there is an answer at once gives up here, before anything was begun.
        await asyncio.sleep(0)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="vectors")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # Loading

    def warm(self, indexes: Sequence[DerivedIndex]) -> None:
        """Load these one after the other, beside the traffic, so that those who search find them there."""
        if indexes:
            self._warming = asyncio.get_running_loop().create_task(self._warm(indexes))

    async def _warm(self, indexes: Sequence[DerivedIndex]) -> None:
        for index in indexes:
            if index.id in self._spaces or index.id in self._loading:
                continue
            loading = self._begin(index)
            if loading is not None:
                await asyncio.wait([loading.done])  # whoever searches is told if something is wrong

    def _begin(self, index: DerivedIndex) -> _Loading | None:
        """Begin to load a space; None when it could not be kept up from here on."""
        snapshot = self.acquire()
        if snapshot.ts < self._newest or index.id not in self.indexes:
            snapshot.release()
            return None
        space = _empty(index, snapshot)
        task = asyncio.get_running_loop().create_task(self._fill(index, space, snapshot))
        loading = self._loading[index.id] = _Loading(space, task)
        # A task that is cancelled early never begins, so it could not do this itself.
        task.add_done_callback(partial(self._loaded, index, loading, snapshot))
        return loading

    def _loaded(self, index: DerivedIndex, loading: _Loading, snapshot: Snapshot, task: "asyncio.Task[None]") -> None:
        del self._loading[index.id]
        snapshot.release()
        if loading.done.done():
            return
        if task.cancelled():
            loading.done.cancel()
            return
        fault = task.exception()
        if fault is not None:
            loading.fail(fault)
            return
        for documents, ts in loading.commits:
            _put(loading.space, documents, ts)
        try:
            self._check_room(index, loading.space.held, loading.space.fields)  # again, for more may have come
        except DeveloperError as error:
            loading.fail(error)
            return
        self._spaces[index.id] = loading.space
        loading.done.set_result(None)

    async def _apart(self, index: DerivedIndex, snapshot: Snapshot) -> "Space":
        """A space for one reader, at the moment of a snapshot."""
        space = _empty(index, snapshot)
        await self._fill(index, space, snapshot)
        return space

    async def _fill(self, index: DerivedIndex, space: "Space", snapshot: Snapshot) -> None:
        ((lower, upper),) = EVERYTHING
        self._check_room(index, await count_entries(snapshot, (), index.id, lower, upper), space.fields)
        while page := await snapshot.scan(index.id, lower, upper, reverse=False, limit=_PAGE):
            for id, raw in (await snapshot.get([id for _, id in page])).items():
                space.put(id, decode_trusted(raw), snapshot.ts)
            lower = successor(page[-1][0])
            await asyncio.sleep(0)  # others are served meanwhile

    def _check_room(self, index: DerivedIndex, documents: int, fields: VectorFields) -> None:
        from reactor.vectors.space import row_bytes

        needed = documents * row_bytes(fields)
        if needed > self.max_bytes:
            raise DeveloperError(
                f"The vector index {index.name} has {documents} vectors of {fields.dimensions} numbers, which take "
                f"about {needed / 2**20:.1f} MiB of memory, and {self.max_bytes / 2**20:.1f} MiB are allowed. Raise "
                "the setting vector_memory_bytes, or keep fewer or shorter vectors.",
                code="VectorIndexTooLarge",
            )
        self._make_room(needed, spare=index.id)

    def _make_room(self, needed: int, *, spare: int | None) -> None:
        excess = self.bytes + needed - self.max_bytes
        for index in list(self._spaces):
            if excess <= 0:
                return
            if index != spare:
                excess -= self._spaces.pop(index).bytes


def _empty(index: DerivedIndex, snapshot: Snapshot) -> "Space":
    # Only now, since loading numpy takes longer than all the rest of a start without vectors.
    from reactor.vectors.space import Space

    fields = VectorFields.of_kind(index.rest, index.record.fields)
    return Space(fields, index.record.table, snapshot.ts)


def _put(space: "Space", documents: "dict[str, Document]", ts: int) -> None:
    for id, document in documents.items():
        if table_of(id) == space.table:
            space.put(id, None if document.raw is None else document.value(), ts)
