"""Rows of `_migrations`: how far each migration of documents has come, and how it ended.

A row is written in the transaction that brings its new state about, so it is right whenever the server ends:

    never ── pending ── inProgress ── success        pending: asked for, and waiting for its turn
      │         └──────────┴───────── canceled
      │                    └───────── failed         at a document, which it names
      └── what a reset leaves

Nothing but `success` is an end: a migration that failed or was canceled goes on behind `cursor`.
"""

import enum
from typing import Any

import msgspec
from msgspec.structs import replace

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.system_tables import MIGRATIONS
from reactor.database.transaction import Transaction
from reactor.values import Limits, encode

__all__ = ["SOURCE", "UNDER_WAY", "Fault", "MigrationRow", "PastRun", "State", "read_rows", "write_row"]

SOURCE = "_system/migrations"
"""Who writes, as the log of commits has it, where no migration does."""

_ROW = Limits(what="Migration", max_bytes=2**20, max_depth=16)
_PAGE = 256
_KEPT_RUNS = 20


class State(enum.Enum):
    """What has become of a migration; the value is its `state`."""

    NEVER = "never"
    PENDING = "pending"
    IN_PROGRESS = "inProgress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


UNDER_WAY = (State.PENDING, State.IN_PROGRESS)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a migration stopped, and the id of the document at which it did."""

    message: str
    document: str | None = None


class PastRun(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a reset put aside. Times are in milliseconds since 1970."""

    state: str
    version: str
    processed: int
    changed: int
    started_time: float | None = None
    completed_time: float | None = None


class MigrationRow(msgspec.Struct, frozen=True, rename="camel"):
    """One migration. `series` and `position` order what waits; `version` tells the code that it ran with.

    `cursor` is the key, in the index that it walks along, of the last document that is done. Documents that were
    created at `until` or later are left out, None: none are. `total` is how many there were when it began. Times are
    in milliseconds since 1970.
    """

    name: str
    path: str
    table: str
    state: State
    series: int = 0
    position: int = 0
    version: str = ""
    cursor: bytes | None = None
    until: float | None = None
    processed: int = 0
    changed: int = 0
    batches: int = 0
    total: int | None = None
    started_time: float | None = None
    completed_time: float | None = None
    error: Fault | None = None
    runs: list[PastRun] = []

    @property
    def under_way(self) -> bool:
        """Whether it runs, or will by itself."""
        return self.state in UNDER_WAY

    def afresh(self) -> "MigrationRow":
        """As if it had never run, with what it did put aside."""
        runs = self.runs
        if self.started_time is not None:
            past = PastRun(
                self.state.value, self.version, self.processed, self.changed, self.started_time, self.completed_time
            )
            runs = [*runs, past][-_KEPT_RUNS:]
        return MigrationRow(self.name, self.path, self.table, State.NEVER, runs=runs)

    def ended(self, state: State, now: float, error: Fault | None = None) -> "MigrationRow":
        """The row of one that has come to an end, for now."""
        return replace(self, state=state, completed_time=now, error=error)


async def read_rows(tx: Transaction) -> dict[str, MigrationRow]:
    """All rows by name. They count as read."""
    return {name: row for name, (_, row) in (await _stored(tx)).items()}


async def write_row(tx: Transaction, row: MigrationRow) -> None:
    """Store a row in place of the one of its name."""
    table = _table(tx)
    old = (await _stored(tx)).get(row.name)
    document = None if old is None else old[0]
    if document is None:
        id, creation = tx.new_id(table), tx.take_creation()
    else:
        fields = document.value()
        id, creation = document.id, fields["_creationTime"]
    known = msgspec.to_builtins(row, builtin_types=(bytes,))
    fields = {"_id": id, "_creationTime": creation, **{key: value for key, value in known.items() if value is not None}}
    new = Document(id, encode(fields, limits=_ROW, pending=True))
    new.set_keys(table, table.keys_of(fields))
    tx.record(table, document, new)


async def _stored(tx: Transaction) -> dict[str, tuple[Document, MigrationRow]]:
    table = _table(tx)
    index = table.ordered[0]
    scan = tx.open_scan(index, b"", b"\xff", reverse=False)
    assert scan is not None
    found: dict[str, tuple[Document, MigrationRow]] = {}
    while not scan.exhausted:
        entries = await tx.entries(table, index, *scan.rest(), reverse=False, limit=_PAGE)
        for document in await tx.load([id for _, id in entries]):
            row = _row(document.value())
            found[row.name] = document, row
        if len(entries) < _PAGE:
            scan.exhausted = True
        else:
            scan.consume(entries[-1][0])
    return found


def _row(fields: dict[str, Any]) -> MigrationRow:
    return msgspec.convert(fields, MigrationRow, builtin_types=(bytes,), strict=False)


def _table(tx: Transaction) -> TableInfo:
    table = tx.table(MIGRATIONS)
    assert table is not None
    return table
