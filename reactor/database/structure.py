"""What has to be done so that a schema may serve: the difference between what it declares and what exists."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from reactor.database.catalog import Numbering
from reactor.database.document_pass import DocumentPass, aggregates_of
from reactor.database.shapes import covers, shape_of
from reactor.database.system_tables import SYSTEM_TABLES, declared, is_system_name
from reactor.database.total_pass import TotalPass
from reactor.database.unique_pass import UniquePass
from reactor.schema import Index, Schema, Table
from reactor.store.seam import Commit, IndexRecord, TableRecord

__all__ = ["StructurePlan", "fits_records"]


class StructurePlan:
    """Made from what is durable, and from the passes that build staged indexes, by index number.

    `tables`      that do not exist yet; their names are reserved in `numbering`
    `indexes`     to be built before the schema serves, also those of such tables
    `passes`      over documents that exist, which have to be completed before it serves
    `uniques`     passes over indexes in which no two documents may have the same values, to be made after those
    `totals`      passes over aggregates of tables without documents, in case that some come before it serves
    `pending`     declarations that documents are not known to match, by table number
    `staged`      passes that are left to be made after it serves, by index number
    `dropped`     numbers of indexes that it declares no longer
    """

    def __init__(
        self, numbering: Numbering, schema: Schema, staged: Mapping[int, DocumentPass], *, shared: bool = False
    ) -> None:
        self._numbering, self._schema, self._under_way, self._shared = numbering, schema, staged, shared
        self.tables: list[TableRecord] = []
        self.indexes: list[IndexRecord] = []
        self.passes: list[DocumentPass] = []
        self.uniques: list[UniquePass] = []
        self.totals: list[TotalPass] = []
        self.pending: dict[int, Table] = {}
        self.staged: dict[int, DocumentPass] = {}
        # What a process that died was building, or another one builds that will hear of it.
        self._left_behind = [index.id for index in numbering.incomplete if index.id not in staged]
        self.dropped: list[int] = list(self._left_behind)
        self._recorded: list[IndexRecord] = []
        for name in SYSTEM_TABLES:
            self._plan_system_table(name)
        for table in schema.tables.values():
            self._plan_table(table)
        for name, record in numbering.tables.items():
            if name not in schema.tables and not is_system_name(name):
                # The table stays. Its indexes would not be kept up, and be wrong if they ever came back.
                self._drop_rest(self._existing(record).values())

    def _plan_system_table(self, name: str) -> None:
        record = self._numbering.tables.get(name)
        exists = record is not None
        if record is None:
            record = self._numbering.new_system_table(name)
            self.tables.append(record)
        table = declared(name)
        if table is not None:
            self._plan_indexes(table, record, exists)

    def _plan_table(self, table: Table) -> None:
        record = self._numbering.tables.get(table.name)
        exists = record is not None
        if record is None:
            record = self._numbering.reserve_table(table.name)
            self.tables.append(record)
        self._plan_indexes(table, record, exists)

    def _plan_indexes(self, table: Table, record: TableRecord, exists: bool) -> None:
        existing = self._existing(record)
        new: list[IndexRecord] = []
        for index in table.indexes:
            found = existing.pop((index.name, index.fields, index.kind), None)
            if found is None:
                found = self._numbering.new_index(record, index)
                if index.staged and exists:
                    self.staged[found.id] = DocumentPass(record, [found])
                    continue
                new.append(found)
            elif found.id in self._under_way and self._plan_staged(index, found):
                continue
            self._plan_record(table, index, found, new)
        self.indexes += new
        self._drop_rest(existing.values())
        check = None if covers(self._numbering.shapes.get(record.number), table) else table
        if check is not None:
            self.pending[record.number] = check
        if exists and (new or check is not None):
            self.passes.append(DocumentPass(record, new, check))
        else:
            self.totals += aggregates_of(record, new)

    def _plan_staged(self, index: Index, record: IndexRecord) -> bool:
        """An index that is being built: whether that may go on after the schema serves."""
        made = self._under_way[record.id]
        if index.staged:
            self.staged[record.id] = made
        else:
            self.passes.append(made)
        return index.staged

    def _plan_record(self, table: Table, index: Index, record: IndexRecord, new: list[IndexRecord]) -> None:
        """What is to be recorded of an index that is complete when the schema serves."""
        unrecorded = record in new or record.id in self._under_way
        if unrecorded or record.unique != index.unique:
            self._recorded.append(replace(record, unique=index.unique))
        if index.unique and (unrecorded or not record.unique):
            self.uniques.append(UniquePass(table, index, record.id))

    def _existing(self, table: TableRecord) -> dict[tuple[str, tuple[str, ...], str], IndexRecord]:
        under_way = [index for made in self._under_way.values() for index in made.indexes]
        known = [*self._numbering.of_table(table.number), *(each for each in under_way if each.table == table.number)]
        return {(index.name, index.fields, index.kind): index for index in known}

    def _drop_rest(self, indexes: Iterable[IndexRecord]) -> None:
        self.dropped += [index.id for index in indexes]

    @property
    def waits(self) -> bool:
        """Whether anything has to be read before the schema may serve."""
        return bool(self.passes or self.uniques)

    def announcement(self) -> Commit:
        """The commit by which all processes that share the store learn what they have to keep up from then on."""
        known = self._numbering
        tables = [table for table in self.tables if table.name not in known.tables]
        building = [replace(index, complete=False) for index in (*self.indexes, *self._new_staged)]
        return Commit(0, [], "schema", None, tables, building, self._left_behind)

    @property
    def _new_staged(self) -> list[IndexRecord]:
        return [index for made in self.staged.values() for index in made.indexes if index.id not in self._under_way]

    def commit(self) -> Commit | None:
        """The commit that records all of it; None when there is nothing to record."""
        known = self._numbering
        tables = [table for table in self.tables if table.name not in known.tables]
        if self._shared:
            self._recorded += [replace(index, complete=False) for index in self._new_staged]
        numbers = {table.name: table.number for table in (*known.tables.values(), *tables)}
        shapes = {number: shape_of(self._schema.table(name)) for name, number in numbers.items()}
        changed = {number: shape for number, shape in shapes.items() if shape != known.shapes.get(number)}
        if not (tables or self._recorded or self.dropped or changed):
            return None
        return Commit(0, [], "schema", None, tables, self._recorded, self.dropped, changed)


def fits_records(schema: Schema, numbering: Numbering) -> bool:
    """Whether what is recorded of tables and indexes is what a schema that serves has recorded."""
    for name, record in numbering.tables.items():
        if numbering.shapes.get(record.number) != shape_of(schema.table(name)):
            return False
    for table in schema.tables.values():
        known = numbering.tables.get(table.name)
        recorded = {
            (index.name, index.fields, index.kind, index.unique)
            for index in (numbering.of_table(known.number) if known is not None else ())
        }
        wanted = {(index.name, index.fields, index.kind, index.unique) for index in table.indexes if not index.staged}
        if not wanted <= recorded:
            return False
    return True
