"""A batch of commits as the statements that make it durable."""

from collections.abc import Sequence
from typing import Any

import msgspec

from reactor.errors import StoreError
from reactor.store.seam import Commit, IndexRecord, LogEntry, Outcome, Point, Write, points_of
from reactor.store.statements import Statement

__all__ = [
    "GONE",
    "NEW",
    "PUT",
    "Rows",
    "Step",
    "catalog_rows",
    "check_order",
    "decode_entry",
    "decode_index",
    "decode_outcome",
    "logged",
    "steps_of",
]

Step = tuple[str, Sequence[Any]]
"""A statement's text with its parameters."""

GONE, PUT, NEW = 0, 1, 2
"""What becomes of an index entry. NEW is one of a document that did not exist before, so it is not there yet."""

_encode = msgspec.msgpack.Encoder().encode
_decode_writes = msgspec.msgpack.Decoder(list[Write]).decode
_decode_points = msgspec.msgpack.Decoder(list[Point]).decode
_decode_logs = msgspec.msgpack.Decoder(list[str]).decode


def steps_of(batch: Sequence[Commit], statements: dict[str, Statement], *, node: str = "") -> list[Step]:
    """All statements for a batch of at least one commit, to run in one transaction; `node` as in `Rows`.

    Only what the batch leaves behind is written: a document that it changes a hundred times is one row.
    """
    rows = Rows(node)
    for commit in batch:
        rows.add(commit)
    return [step for name, parameters in rows.by_statement() for step in statements[name].portions(parameters)]


class Rows:
    """What a batch leaves behind.

    `documents` by id as (id, table, ts, value or None when it is gone), and the ids of those that are `new`; `entries`
    by (index, key) as GONE, PUT or NEW; rows of `log` and `outcomes` laid end to end as parameters; and the commits
    that change the `catalog`.

    `node`: which process writes to a shared store, whose log has more to tell; empty when the store is not shared.
    """

    def __init__(self, node: str = "") -> None:
        self._node = node
        self.documents: dict[str, tuple[str, int, int, bytes | None]] = {}
        self.new: set[str] = set()
        self.entries: dict[tuple[int, bytes], int] = {}
        self.log: list[Any] = []
        self.outcomes: list[Any] = []
        self.catalog: list[Commit] = []

    def add(self, commit: Commit) -> None:
        ts = commit.ts
        replaced: list[Any] = []
        for write in commit.writes:
            id, table, points = write.id, write.table, write.points
            if write.old is None and id not in self.documents:
                self.new.add(id)
            put = NEW if id in self.new else PUT
            self.documents[id] = (id, table, ts, write.new)
            replaced.append((id, table, write.old, None, points))
            for point in points:
                self._move(point, put)
        for point in commit.entries:
            self._move(point, PUT)
        if self._node:
            beside = points_of(commit)
            self.log += (ts, commit.source, _encode(replaced), _encode(beside) if beside else b"", self._node)
        elif replaced:
            self.log += (ts, commit.source, _encode(replaced), b"", "")
        outcome = commit.outcome
        if outcome is not None:
            self.outcomes += (ts, outcome.session, outcome.request, outcome.result, _encode(outcome.logs))
        if commit.tables or commit.indexes or commit.dropped_indexes or commit.shapes:
            self.catalog.append(commit)

    def _move(self, point: Point, put: int) -> None:
        old, new = point.old, point.new
        if old == new:
            return
        if old is not None:
            self.entries[point.index, old] = GONE
        if new is not None:
            self.entries[point.index, new] = put

    def by_statement(self) -> list[tuple[str, list[Any]]]:
        here: list[Any] = []
        for row in self.documents.values():
            if row[3] is not None:
                here += row
        gone = [row[0] for row in self.documents.values() if row[3] is None]
        return [
            *catalog_rows(self.catalog),
            ("put_documents", here),
            ("delete_documents", gone),
            ("delete_entries", [part for entry, how in self.entries.items() if not how for part in entry]),
            ("put_entries", [part for entry, how in self.entries.items() if how for part in entry]),
            ("put_log", self.log),
            ("put_outcomes", self.outcomes),
        ]


def check_order(last: int, batch: Sequence[Commit]) -> None:
    """Raises StoreError when a batch does not go on after commit `last`, which others may have made."""
    for commit in batch:
        if commit.ts <= last:
            raise StoreError(f"commit {commit.ts} does not come after {last}, the last one of the database")
        last = commit.ts


def logged(commit: Commit, node: str) -> LogEntry:
    """What the log of a shared store has of a commit, as `decode_entry` gives it."""
    writes = [Write(write.id, write.table, write.old, None, write.points) for write in commit.writes]
    return LogEntry(commit.ts, commit.source, writes, points_of(commit), node)


def catalog_rows(commits: Sequence[Commit]) -> list[tuple[str, list[Any]]]:
    """The statements, with their parameters, that record the tables, indexes and shapes of some commits."""
    rows: list[tuple[str, list[Any]]] = []
    for commit in commits:
        for table in commit.tables:
            rows.append(("put_table", [table.name, table.number, table.by_id, table.by_creation]))
            rows.append(("raise_last_index", [max(table.by_id, table.by_creation)]))
        for index in commit.indexes:
            fields = msgspec.json.encode(index.fields).decode()
            row = [index.id, index.table, index.name, fields, index.unique, index.kind, index.complete]
            rows.append(("put_index", row))
            rows.append(("raise_last_index", [index.id]))
        for number in commit.dropped_indexes:
            rows.append(("drop_index", [number]))
            rows.append(("raise_last_index", [number]))
        for table, shape in commit.shapes.items():
            rows.append(("forget_shape", [table]) if shape is None else ("put_shape", [table, shape]))
    return rows


def decode_entry(ts: int, source: str, writes: bytes, points: bytes = b"", node: str = "") -> LogEntry:
    """A row of commit_log."""
    return LogEntry(ts, source, _decode_writes(writes), _decode_points(points) if points else [], node)


def decode_index(
    id: int, table: int, name: str, fields: str, unique: int, kind: str, complete: int = True
) -> IndexRecord:
    """A row of indexes."""
    paths = tuple(msgspec.json.decode(fields, type=list[str]))
    return IndexRecord(id, table, name, paths, bool(unique), kind, bool(complete))


def decode_outcome(session: bytes, request: int, row: tuple[bytes, bytes, int]) -> Outcome:
    """A row (result, logs, ts) of outcomes."""
    result, logs, ts = row
    return Outcome(session, request, result, _decode_logs(logs), ts)
