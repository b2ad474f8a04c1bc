"""The store's model: the seam's promises in plain dictionaries and sorted lists, for tests and for comparison.

A state that somebody holds is never changed: what comes next is then built on a copy of it, which takes time in
proportion to the number of documents. A state that nobody holds any more is changed in place.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeVar

from reactor.errors import StoreError
from reactor.store.alone import Alone
from reactor.store.recorded import Recorded
from reactor.store.seam import (
    Commit,
    IndexRecord,
    LogEntry,
    Outcome,
    Point,
    Records,
    Revise,
    Snapshot,
    TableRecord,
    Write,
    id_in_key,
    points_of,
)

__all__ = ["MemorySnapshot", "MemoryStore"]

T = TypeVar("T", str, tuple[bytes, str])


class MemorySnapshot:
    """The state after commit `ts`. `holders`: how often it was acquired and not released yet."""

    def __init__(self) -> None:
        self.ts = self.holders = 0
        self.documents: dict[str, bytes] = {}
        self.written: dict[str, int] = {}
        self.ids: list[str] = []
        self.entries: dict[int, list[tuple[bytes, str]]] = {}
        self.history: list[LogEntry] = []
        self.outcomes: dict[tuple[bytes, int], Outcome] = {}
        self.history_from = 0
        self.tables: dict[int, TableRecord] = {}
        self.indexes: dict[int, IndexRecord] = {}
        self.shapes: dict[int, str] = {}
        self.last_index = 0

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        return {id: self.documents[id] for id in ids if id in self.documents}

    async def scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int
    ) -> list[tuple[bytes, str]]:
        return _range(self.entries.get(index, []), (lower, ""), (upper, ""), reverse=reverse, limit=limit)

    async def count(self, index: int, lower: bytes, upper: bytes, *, limit: int) -> tuple[int, bytes | None]:
        found = await self.scan(index, lower, upper, reverse=False, limit=limit)
        return len(found), found[-1][0] if found else None

    async def scan_ids(self, lower: str, upper: str, *, reverse: bool, limit: int) -> list[str]:
        return _range(self.ids, lower, upper, reverse=reverse, limit=limit)

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        return self.outcomes.get((session, request))

    async def last_request(self, session: bytes) -> int:
        return max((request for owner, request in self.outcomes if owner == session), default=-1)

    async def log(self, after: int, *, limit: int) -> list[LogEntry]:
        first = bisect_right(self.history, after, key=_ts)
        return self.history[first : first + limit]

    async def history_start(self) -> int:
        return self.history_from

    async def records(self) -> Records:
        last = max([self.last_index, *self.entries])
        return Records(list(self.tables.values()), list(self.indexes.values()), dict(self.shapes), last)

    def release(self) -> None:
        self.holders -= 1

    def copy(self) -> "MemorySnapshot":
        """A state that may be changed while this one stays."""
        other = copy(self)
        other.holders = 0
        other.documents, other.written, other.ids = dict(self.documents), dict(self.written), list(self.ids)
        other.entries = {index: list(entries) for index, entries in self.entries.items()}
        other.history, other.outcomes = list(self.history), dict(self.outcomes)
        other.tables, other.indexes, other.shapes = dict(self.tables), dict(self.indexes), dict(self.shapes)
        return other

    def apply(self, commit: Commit, node: str = "") -> None:
        """Make a commit part of this state; `node`: which process wrote it, if the store is shared."""
        for write in commit.writes:
            self._put(write, commit.ts)
        if commit.writes or node:
            writes = [Write(write.id, write.table, write.old, None, write.points) for write in commit.writes]
            self.history.append(LogEntry(commit.ts, commit.source, writes, points_of(commit) if node else [], node))
        for point in commit.entries:
            self._move(point, id_in_key(point.old or point.new or b""))
        if commit.outcome is not None:
            told = copy(commit.outcome)
            told.ts = commit.ts
            self.outcomes[told.session, told.request] = told
        self._record(commit)
        self.ts = commit.ts

    def add_entries(self, index: int, entries: Sequence[tuple[bytes, str]], as_of: int) -> None:
        present = self.entries.setdefault(index, [])
        for entry in entries:
            if self.written.get(entry[1], as_of + 1) <= as_of:
                _add(present, entry)

    def prune(self, log_before: int, outcomes_before: int, limit: int) -> int:
        """Forget what is older than the timestamps, at most `limit` of both; returns how many."""
        gone = self.history[:limit][: bisect_left(self.history, log_before, key=_ts)]
        told = sorted(outcome.ts for outcome in self.outcomes.values() if outcome.ts < outcomes_before)
        old = set(told[: limit - len(gone)])
        self.history = self.history[len(gone) :]
        self.history_from = gone[-1].ts if gone else self.history_from
        self.outcomes = {key: outcome for key, outcome in self.outcomes.items() if outcome.ts not in old}
        return len(gone) + len(old)

    def refuse_repeated(self, batch: Sequence[Commit]) -> None:
        """Raises StoreError when a request of the batch has an outcome already."""
        told = [commit.outcome for commit in batch if commit.outcome is not None]
        requests = {(outcome.session, outcome.request) for outcome in told}
        if len(requests) < len(told) or not requests.isdisjoint(self.outcomes):
            raise StoreError("a request of this session has an outcome already; look it up before running")

    def _record(self, commit: Commit) -> None:
        self.tables.update((table.number, table) for table in commit.tables)
        self.indexes.update((index.id, index) for index in commit.indexes)
        for number in commit.dropped_indexes:
            self.entries.pop(number, None)
            self.indexes.pop(number, None)
        for number, shape in commit.shapes.items():
            self.shapes.pop(number, None)
            if shape is not None:
                self.shapes[number] = shape
        used = [number for table in commit.tables for number in (table.by_id, table.by_creation)]
        used += [*(index.id for index in commit.indexes), *commit.dropped_indexes]
        self.last_index = max(self.last_index, *used, 0)

    def _put(self, write: Write, ts: int) -> None:
        if write.new is None:
            _remove(self.ids, write.id)
            self.documents.pop(write.id, None)
            self.written.pop(write.id, None)
        else:
            _add(self.ids, write.id)
            self.documents[write.id], self.written[write.id] = write.new, ts
        for point in write.points:
            self._move(point, write.id)

    def _move(self, point: Point, id: str) -> None:
        entries = self.entries.setdefault(point.index, [])
        if point.old is not None:
            _remove(entries, (point.old, id))
        if point.new is not None:
            _add(entries, (point.new, id))


class MemoryStore(Recorded, Alone):
    """Keeps its data as long as the object lives, over `close` and `open` too; durable it is not."""

    def __init__(self) -> None:
        self._open = False
        self._visible = MemorySnapshot()
        self._coming: list[Commit] = []
        """Committed, and not to be seen before the next `advance`."""

    async def open(self) -> None:
        self._open = True
        self._show()
        self._records = await self._visible.records()

    async def close(self) -> None:
        self._open = False

    def acquire(self) -> Snapshot:
        self._check_open()
        self._visible.holders += 1
        return self._visible

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        self._check_open()
        self._visible.refuse_repeated([*self._coming, *batch])
        self._coming += batch

    def advance(self, ts: int) -> None:
        newest = self._coming[-1].ts if self._coming else self._visible.ts
        if ts != newest:
            raise StoreError(f"the newest commit is {newest} and not {ts}")
        self._show()

    async def keep_resident(self, table: int, index: int) -> None:
        """All of it is in memory."""

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        self._check_open()
        coming = {write.id for commit in self._coming for write in commit.writes}
        unchanged = [(key, id) for key, id in entries if id not in coming]
        state = self._changeable()
        state.add_entries(index.id, unchanged, as_of)
        state.last_index = max(state.last_index, index.id)

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        self._check_open()
        return self._changeable().prune(log_before, outcomes_before, limit)

    def _show(self) -> None:
        if self._coming:
            state, coming, self._coming = self._changeable(), self._coming, []
            for commit in coming:
                state.apply(commit)

    def _changeable(self) -> MemorySnapshot:
        if self._visible.holders > 0:
            self._visible = self._visible.copy()
        return self._visible

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("the store is closed; open it first")


def _ts(entry: LogEntry) -> int:
    return entry.ts


def _range(sorted_items: list[T], lower: T, upper: T, *, reverse: bool, limit: int) -> list[T]:
    first, last = bisect_left(sorted_items, lower), bisect_left(sorted_items, upper)
    if reverse:
        return sorted_items[max(first, last - limit) : last][::-1] if first < last else []
    return sorted_items[first : min(last, first + limit)]


def _add(sorted_items: list[Any], item: Any) -> None:
    place = bisect_left(sorted_items, item)
    if place == len(sorted_items) or sorted_items[place] != item:
        sorted_items.insert(place, item)


def _remove(sorted_items: list[Any], item: Any) -> None:
    place = bisect_left(sorted_items, item)
    if place < len(sorted_items) and sorted_items[place] == item:
        del sorted_items[place]
