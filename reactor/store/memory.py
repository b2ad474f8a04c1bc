"""The store's model: the seam's promises in plain dictionaries and sorted lists, for tests and for comparison.

A state is never changed: a commit copies what it touches. That costs time in proportion to the number of
documents, which is right for tests and for nothing else.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from copy import copy

from reactor.errors import StoreError
from reactor.store.seam import Commit, IndexRecord, LogEntry, Outcome, Snapshot, TableRecord, Write

__all__ = ["MemorySnapshot", "MemoryStore"]


class MemorySnapshot:
    """The state after commit `ts`."""

    def __init__(self) -> None:
        self.ts = 0
        self.documents: dict[str, bytes] = {}
        self.ids: list[str] = []
        self.entries: dict[int, list[tuple[bytes, str]]] = {}
        self.history: list[LogEntry] = []
        self.outcomes: dict[tuple[bytes, int], Outcome] = {}
        self.history_from = 0

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        return {id: self.documents[id] for id in ids if id in self.documents}

    async def scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int
    ) -> list[tuple[bytes, str]]:
        entries = self.entries.get(index, [])
        found = entries[bisect_left(entries, (lower, "")) : bisect_left(entries, (upper, ""))]
        return found[::-1][:limit] if reverse else found[:limit]

    async def count(self, index: int, lower: bytes, upper: bytes, *, limit: int) -> tuple[int, bytes | None]:
        found = await self.scan(index, lower, upper, reverse=False, limit=limit)
        return len(found), found[-1][0] if found else None

    async def scan_ids(self, lower: str, upper: str, *, reverse: bool, limit: int) -> list[str]:
        found = self.ids[bisect_left(self.ids, lower) : bisect_left(self.ids, upper)]
        return found[::-1][:limit] if reverse else found[:limit]

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        return self.outcomes.get((session, request))

    async def last_request(self, session: bytes) -> int:
        return max((request for owner, request in self.outcomes if owner == session), default=-1)

    async def log(self, after: int, *, limit: int) -> list[LogEntry]:
        return [entry for entry in self.history if entry.ts > after][:limit]

    async def history_start(self) -> int:
        return self.history_from

    def release(self) -> None:
        """Nothing to give back: Python frees a state that nobody holds."""

    def copy(self) -> "MemorySnapshot":
        """A state that may be changed while this one stays."""
        other = copy(self)
        other.documents, other.ids = dict(self.documents), list(self.ids)
        other.entries = {index: list(entries) for index, entries in self.entries.items()}
        other.history, other.outcomes = list(self.history), dict(self.outcomes)
        return other

    def apply(self, commit: Commit) -> None:
        for write in commit.writes:
            self._put(write)
        if commit.writes:
            writes = [Write(write.id, write.table, write.old, None, write.points) for write in commit.writes]
            self.history.append(LogEntry(commit.ts, commit.source, writes))
        if commit.outcome is not None:
            told = copy(commit.outcome)
            told.ts = commit.ts
            if self.outcomes.setdefault((told.session, told.request), told) is not told:
                raise StoreError(f"request {told.request} of this session has an outcome; look it up before running")
        for index in commit.dropped_indexes:
            self.entries.pop(index, None)
        self.ts = commit.ts

    def add_entries(self, index: int, entries: Sequence[tuple[bytes, str]]) -> None:
        self.entries[index] = sorted({*self.entries.get(index, []), *entries})

    def _put(self, write: Write) -> None:
        if write.new is None:
            if self.documents.pop(write.id, None) is not None:
                self.ids.remove(write.id)
        else:
            if write.id not in self.documents:
                insort(self.ids, write.id)
            self.documents[write.id] = write.new
        for point in write.points:
            entries = self.entries.setdefault(point.index, [])
            if point.old is not None and (point.old, write.id) in entries:
                entries.remove((point.old, write.id))
            if point.new is not None and (point.new, write.id) not in entries:
                insort(entries, (point.new, write.id))


class MemoryStore:
    """Keeps its data as long as the object lives, over `close` and `open` too; durable it is not."""

    def __init__(self) -> None:
        self._open = False
        self._committed = MemorySnapshot()
        self._visible = self._committed
        self._tables: dict[int, TableRecord] = {}
        self._indexes: dict[int, IndexRecord] = {}
        self._last_index = 0
        self._at_open: tuple[list[TableRecord], list[IndexRecord], int] = ([], [], 0)

    async def open(self) -> None:
        self._open = True
        self._visible = self._committed
        self._at_open = (list(self._tables.values()), list(self._indexes.values()), self._last_index)

    async def close(self) -> None:
        self._open = False

    @property
    def tables(self) -> list[TableRecord]:
        return self._at_open[0]

    @property
    def indexes(self) -> list[IndexRecord]:
        return self._at_open[1]

    @property
    def last_index(self) -> int:
        return self._at_open[2]

    def acquire(self) -> Snapshot:
        self._check_open()
        return self._visible

    async def commit(self, batch: Sequence[Commit], *, on_the_way: Callable[[], None] | None = None) -> None:
        self._check_open()
        state = self._committed.copy()
        for commit in batch:
            state.apply(commit)
        for commit in batch:
            self._tables.update((table.number, table) for table in commit.tables)
            self._indexes.update((index.id, index) for index in commit.indexes)
            for number in commit.dropped_indexes:
                self._indexes.pop(number, None)
            used = [*(table.by_id for table in commit.tables), *(table.by_creation for table in commit.tables)]
            self._last_index = max(self._last_index, *used, *(index.id for index in commit.indexes), 0)
        self._committed = state

    def advance(self, ts: int) -> None:
        if ts != self._committed.ts:
            raise StoreError(f"the newest commit is {self._committed.ts} and not {ts}")
        self._visible = self._committed

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]]) -> None:
        self._check_open()
        state = self._committed.copy()
        state.add_entries(index.id, entries)
        self._last_index = max(self._last_index, index.id)
        self._committed = state

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        self._check_open()
        state = self._committed.copy()
        gone = [entry.ts for entry in state.history if entry.ts < log_before][:limit]
        if gone:
            state.history_from = gone[-1]
            state.history = state.history[len(gone) :]
        old = sorted(told.ts for told in state.outcomes.values() if told.ts < outcomes_before)[: limit - len(gone)]
        state.outcomes = {key: told for key, told in state.outcomes.items() if told.ts not in old}
        self._committed = state
        return len(gone) + len(old)

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("the store is closed; open it first")
