"""What a schema that does not serve yet demands of the writes that are made meanwhile.

A write that it does not allow succeeds, since it is right under the schema that serves; it is the push that fails.
"""

from collections.abc import Mapping, Sequence

from reactor.database.document_pass import check_stored
from reactor.database.overlay import Overlay
from reactor.database.unique_pass import UniquePass, values_in_key
from reactor.errors import StoreError
from reactor.schema import Table
from reactor.store.seam import Commit, LogEntry, Store
from reactor.values import TableNames

__all__ = ["Pending"]


class Pending:
    """Looks at every commit that becomes durable: `look` is what the committer calls.

    `shapes`: declarations that documents have to match, by table number.
    """

    def __init__(self, shapes: Mapping[int, Table], names: TableNames) -> None:
        self._shapes, self._names = shapes, names
        self._uniques: dict[int, UniquePass] = {}
        self.suspects: dict[tuple[int, bytes], None] = {}
        """Values that were written into unique indexes, by index number, and not looked at yet."""
        self._last = 0
        self.failure: Exception | None = None
        """Why the schema cannot serve."""

    def guard(self, unique: UniquePass) -> None:
        """From now on, note what is written into this index."""
        self._uniques[unique.number] = unique

    def look(self, commits: Sequence[Commit | LogEntry], overlay: Overlay) -> None:
        """These commits became durable, and left the documents of `overlay`."""
        if self.failure is not None:
            return
        try:
            self._last = commits[-1].ts
            for commit in commits:
                for write in commit.writes:
                    self._check(self._shapes.get(write.table), write.id, overlay)
                    for point in write.points if self._uniques else ():
                        if point.new is not None and point.index in self._uniques:
                            self.suspects[point.index, values_in_key(point.new)] = None
        except Exception as failure:
            self.failure = failure

    def _check(self, table: Table | None, id: str, overlay: Overlay) -> None:
        document = overlay.documents[id]
        if table is not None and document.raw is not None:
            check_stored(table, id, document.value(), self._names)

    async def look_at_suspects(self, store: Store, most: int | None = None) -> None:
        """Look at noted values, `most` of them or all.

        Raises SchemaMismatch when two documents have the same, StoreError when what was written cannot be read.
        """
        snapshot = store.acquire()
        try:
            if snapshot.ts < self._last:
                raise StoreError("the newest commits cannot be read, so it is not known whether an index is unique")
            for suspect in list(self.suspects)[:most]:
                del self.suspects[suspect]
                number, values = suspect
                await self._uniques[number].look_at(values, snapshot)
        finally:
            snapshot.release()

    def confirm(self) -> None:
        """Raises why the schema cannot serve, if something is known to keep it from that."""
        if self.failure is not None:
            raise self.failure
