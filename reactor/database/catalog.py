"""Names and numbers of tables and indexes.

`Numbering` is what the store knows: it outlives versions of the code. `Catalog` is one version of the schema on
top of it. Numbers are given out once and never reused.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Never

from reactor.database.derived import DerivedIndex
from reactor.database.key_parts import key_part
from reactor.database.system_tables import SYSTEM_TABLES, is_system_name
from reactor.database.system_tables import declared as declared_by_system
from reactor.errors import DeveloperError
from reactor.schema import AGGREGATE, FIELDS, MAX_TABLES, Index, Schema, Table
from reactor.store.seam import IndexRecord, Records, TableRecord
from reactor.values import encode_value
from reactor.values.field_paths import field_getter

__all__ = [
    "BY_CREATION",
    "BY_ID",
    "FIRST_USER_TABLE",
    "Catalog",
    "IndexInfo",
    "Numbering",
    "TableInfo",
    "UniqueIndex",
    "index_of",
    "refuse_unfinished",
    "system_index",
]

BY_ID = "by_id"
BY_CREATION = "by_creation_time"
FIRST_USER_TABLE = 10_001


class IndexInfo:
    """An index as readers use it. `fields` holds every component, tie-breakers `_creationTime` and `_id` included."""

    __slots__ = ("fields", "id", "name")

    def __init__(self, id: int, name: str, fields: tuple[str, ...]) -> None:
        self.id, self.name, self.fields = id, name, fields


class UniqueIndex(NamedTuple):
    """An index that refuses twins: its place in `TableInfo.ordered`, and what gives each of its own fields."""

    position: int
    info: IndexInfo
    getters: tuple[Callable[[dict[str, Any]], Any], ...]


class TableInfo:
    """A table with its indexes. `indexes` are those that can be read, by name.

    `ordered` are all indexes but by_id that writes keep up, also the `hidden` ones that nobody reads yet; the one by
    creation time comes first, then come those that can be read. `filling` numbers those in which entries are missing.
    `derived` are those, apart from all these, in which a document may have any number of keys, hidden ones included;
    `searches` those of them that can be read, by name, `totals` those that are aggregates.
    """

    __slots__ = (
        "_parts",
        "by_id",
        "definition",
        "derived",
        "filling",
        "hidden",
        "indexes",
        "name",
        "number",
        "ordered",
        "ordered_ids",
        "record",
        "searches",
        "totals",
        "unique",
    )

    def __init__(
        self,
        record: TableRecord,
        declared: Iterable[IndexRecord],
        definition: Table | None,
        *,
        hidden: Iterable[IndexRecord] = (),
        filling: Iterable[int] = (),
    ) -> None:
        self.record, self.definition = record, definition
        self.name, self.number = record.name, record.number
        self.by_id = IndexInfo(record.by_id, BY_ID, ("_id",))
        creation = IndexInfo(record.by_creation, BY_CREATION, ("_creationTime", "_id"))
        declared, hidden = tuple(declared), tuple(hidden)
        readable = [_info(index, creation) for index in declared if index.kind == FIELDS]
        self.hidden = tuple(_info(index, creation) for index in hidden if index.kind == FIELDS)
        self.derived = tuple(DerivedIndex(index) for index in (*declared, *hidden) if index.kind != FIELDS)
        self.totals = tuple(index for index in self.derived if index.kind == AGGREGATE)
        self.searches = {index.name: index for index in self.derived if index.record in declared}
        self.filling = frozenset(filling)
        self.ordered = (creation, *readable, *self.hidden)
        self.ordered_ids = tuple(index.id for index in self.ordered)
        self.indexes = {index.name: index for index in (self.by_id, creation, *readable)}
        self._parts = tuple(tuple(key_part(f) for f in index.fields[:-2]) for index in self.ordered[1:])
        unique = {index.name for index in definition.indexes if index.unique} if definition else set[str]()
        # Of those that can be read: what is still being built under the name of one refuses nobody.
        self.unique = tuple(
            UniqueIndex(position, index, tuple(field_getter(field) for field in index.fields[:-2]))
            for position, index in enumerate((creation, *readable))
            if index.name in unique
        )

    def keys_of(self, document: dict[str, Any]) -> tuple[bytes, ...]:
        """A document's key in each of `ordered`."""
        tail = encode_value(document["_creationTime"]) + encode_value(document["_id"])
        keys = [tail]
        for parts in self._parts:
            if len(parts) == 1:
                keys.append(parts[0](document) + tail)
            else:
                keys.append(b"".join([part(document) for part in parts]) + tail)
        return tuple(keys)


def _info(index: IndexRecord, creation: IndexInfo) -> IndexInfo:
    return IndexInfo(index.id, index.name, (*index.fields, *creation.fields))


class Numbering:
    """Tables and indexes that exist, by the numbers the store knows them by.

    `shapes`: by table number, what all of its documents match (see `shapes.py`).
    """

    def __init__(
        self,
        tables: Sequence[TableRecord],
        indexes: Sequence[IndexRecord],
        last_index: int,
        shapes: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self.tables = {table.name: table for table in tables}
        self.numbers = {table.number: table.name for table in tables}
        self.by_id = {table.number: table.by_id for table in tables}
        self.indexes = {index.id: index for index in indexes}
        self._next_table = max([FIRST_USER_TABLE - 1, *self.numbers]) + 1
        self._next_index = last_index + 1
        self.shapes = dict(shapes)
        self._reserved: dict[str, TableRecord] = {}

    def new_table(self, name: str) -> TableRecord:
        """Numbers for a table that does not exist yet; it exists for others when its commit is durable.

        Raises DeveloperError when there are as many tables as there may be.
        """
        if name in self._reserved:
            return self._reserved[name]
        if len(self.tables) + len(self._reserved) >= MAX_TABLES + len(SYSTEM_TABLES):
            raise DeveloperError(
                f'Table "{name}" would be one too many (limit: {MAX_TABLES}). Keep what belongs together in one table, '
                "told apart by an indexed field.",
                code="TooManyTables",
            )
        record = TableRecord(name, self._next_table, self._index_number(), self._index_number())
        self._next_table += 1
        return record

    def new_system_table(self, name: str) -> TableRecord:
        """Numbers for one of SYSTEM_TABLES, which has not been made yet."""
        return TableRecord(name, SYSTEM_TABLES[name], self._index_number(), self._index_number())

    def reserve_table(self, name: str) -> TableRecord:
        """As `new_table`; whoever makes a table of this name before `release_tables` gets the same numbers."""
        record = self._reserved[name] = self.new_table(name)
        return record

    def release_tables(self) -> None:
        """Reserved tables that were not made will be made with other numbers."""
        self._reserved.clear()

    def new_index(self, table: TableRecord, index: Index) -> IndexRecord:
        """A number for an index that does not exist yet."""
        return IndexRecord(self._index_number(), table.number, index.name, index.fields, index.unique, index.kind)

    def add(self, tables: Iterable[TableRecord], indexes: Iterable[IndexRecord] = ()) -> None:
        """These are durable now."""
        for table in tables:
            self.tables[table.name] = table
            self.numbers[table.number] = table.name
            self.by_id[table.number] = table.by_id
            self._reserved.pop(table.name, None)
        self.indexes.update((index.id, index) for index in indexes)

    def renew(self, records: Records) -> None:
        """This is durable now, by whomever it was recorded."""
        present = {index.id for index in records.indexes}
        self.drop([index for index in self.indexes if index not in present])
        self.add(records.tables, records.indexes)
        self.shapes = dict(records.shapes)
        self._next_table = max(self._next_table, *(number + 1 for number in self.numbers))
        self._next_index = max(self._next_index, records.last_index + 1)

    def drop(self, indexes: Iterable[int]) -> None:
        """These indexes are gone."""
        for index in indexes:
            self.indexes.pop(index, None)

    def record_shapes(self, shapes: Mapping[int, str | None]) -> None:
        """These are durable now; None: nothing is known of the table's documents any more."""
        for table, shape in shapes.items():
            if shape is None:
                self.shapes.pop(table, None)
            else:
                self.shapes[table] = shape

    def of_table(self, number: int) -> list[IndexRecord]:
        """Complete indexes of a table."""
        return [index for index in self.indexes.values() if index.table == number and index.complete]

    @property
    def incomplete(self) -> list[IndexRecord]:
        """Indexes that one of several processes is building."""
        return [index for index in self.indexes.values() if not index.complete]

    def _index_number(self) -> int:
        number = self._next_index
        self._next_index += 1
        return number


class Catalog:
    """What one version of the schema says about the tables that exist, with the indexes that there were at its time.

    `filling`: indexes that are being built. Writes keep them up; they are not recorded, and nobody can read them.
    """

    def __init__(self, numbering: Numbering, schema: Schema, filling: Iterable[IndexRecord] = ()) -> None:
        self.numbering, self.schema = numbering, schema
        self.filling = tuple({index.id: index for index in (*numbering.incomplete, *filling)}.values())
        self._indexes: defaultdict[int, list[IndexRecord]] = defaultdict(list)
        for index in numbering.indexes.values():
            if index.complete:
                self._indexes[index.table].append(index)
        self._tables: dict[str, TableInfo] = {}

    def table(self, name: str) -> TableInfo | None:
        """A table by name, None when it does not exist."""
        info = self._tables.get(name)
        if info is None:
            record = self.numbering.tables.get(name)
            if record is None:
                return None
            info = self._tables[name] = self.describe(record)
        return info

    def describe(self, record: TableRecord) -> TableInfo:
        """A table's indexes and shape, whether it is durable already or not."""
        ours = is_system_name(record.name)
        definition = declared_by_system(record.name) if ours else self.schema.table(record.name)
        declared = {(index.name, index.fields, index.kind): index for index in definition.indexes} if definition else {}
        readable: list[IndexRecord] = []
        hidden = [index for index in self.filling if index.table == record.number]
        filling = [index.id for index in hidden]
        for index in self._indexes.get(record.number, ()):
            # One that is not declared here is of a schema that another process has: all keep up all of them.
            wanted = declared.get((index.name, index.fields, index.kind))
            (hidden if wanted is None or wanted.staged or ours else readable).append(index)
        return TableInfo(record, readable, definition, hidden=hidden, filling=filling)

    def by_number(self, number: int) -> TableInfo | None:
        """A table by the number that ids carry."""
        name = self.numbering.numbers.get(number)
        return None if name is None else self.table(name)

    def index_name(self, number: int) -> str:
        """An index by its number, as table.index; for people, so an unknown one is named by its number."""
        for name in self.numbering.tables:
            info = self.table(name)
            for index in (info.by_id, *info.ordered, *info.derived) if info is not None else ():
                if index.id == number:
                    return f"{name}.{index.name}"
        return f"index {number}"

    # TableNames, for `v.id(...)`
    def number_of(self, name: str) -> int | None:
        """The number of a table, None when it does not exist."""
        record = self.numbering.tables.get(name)
        return None if record is None else record.number

    def name_of(self, number: int) -> str | None:
        """The name of the table with this number, None when there is none."""
        return self.numbering.numbers.get(number)


def system_index(table: TableInfo, name: str) -> IndexInfo:
    """An index of one of the system's tables that is for the server alone."""
    return next(index for index in table.hidden if index.name == name)


def index_of(table: TableInfo, name: str) -> IndexInfo:
    """A table's index by name. Raises DeveloperError when there is none, or none that can be read yet.

    Codes and texts match get-convex/convex-backend, crates/database/src/bootstrap_model/index.rs.
    """
    index = table.indexes.get(name)
    return _unreadable(table, name) if index is None else index


def refuse_unfinished(table: TableInfo, name: str) -> None:
    """Raises DeveloperError for an index that is declared and cannot be read yet."""
    staged = {index.name for index in table.definition.indexes if index.staged} if table.definition else set[str]()
    if name in staged:
        raise DeveloperError(
            f"Index {table.name}.{name} is currently staged and not available to query. Remove staged=True from it in "
            "schema.py: it can be read when it is complete.",
            code="IndexStagedError",
        )
    built = any(index.name == name for index in (*table.hidden, *table.derived)) and name not in table.searches
    if built and not is_system_name(table.name):
        raise DeveloperError(
            f"Index {table.name}.{name} is currently being built and not available to query until it is complete. "
            "The version of the code that declares it takes over by itself then.",
            code="IndexBackfillingError",
        )


def _unreadable(table: TableInfo, name: str) -> Never:
    refuse_unfinished(table, name)
    if any(index.name == name for index in table.totals):
        raise DeveloperError(
            f"Index {table.name}.{name} not found: it is an aggregate, which has totals and no order. Read it with "
            f'ctx.db.aggregate("{table.name}", "{name}", ...).',
            code="IndexNotFound",
        )
    if name in table.searches:
        raise DeveloperError(
            f"Index {table.name}.{name} is a {table.searches[name].kind} index and has no order: search it.",
            code="IndexNotFound",
        )
    known = ", ".join(sorted(table.indexes))
    remedy = "" if is_system_name(table.name) else f' Declare it in schema.py: .index("{name}", [...]).'
    raise DeveloperError(
        f"Index {table.name}.{name} not found. Indexes of this table: {known}.{remedy}",
        code="IndexNotFound",
    )
