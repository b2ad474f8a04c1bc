"""The naive state of a database: dicts of documents, sorted anew by comparing values for every read.

Creation times are numbers that count inserts: the comparison with the engine knows which time is meant by each.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any, NamedTuple

from reactor.values import COMMIT_TS, UNSET, Int64, compare, encode, encode_value

__all__ = [
    "SCHEMA_INDEXES",
    "UNIQUE",
    "Change",
    "Cursor",
    "Fault",
    "Read",
    "Scan",
    "State",
    "indexes_of",
    "key_of",
    "order",
]

Document = dict[str, Any]
Key = tuple[Any, ...]

_SYSTEM = {"by_id": ("_id",), "by_creation_time": ("_creationTime", "_id")}
SCHEMA_INDEXES: dict[str, dict[str, tuple[str, ...]]] = {
    "owners": {"by_name": ("name",)},
    "things": {
        "by_kind_and_size": ("kind", "size"),
        "by_at": ("at",),
        "by_place": ("place.row", "place.tag"),
    },
    "loose": {"by_a": ("a", "b.c"), "by_key": ("key.x",)},
}
UNIQUE = {"owners": ("by_name",), "things": ("by_place",), "loose": ("by_key",)}


class Fault(Exception):
    """An error that a function meets: its class, its code, and what its text says at least."""

    def __init__(self, kind: str, code: str | None, *parts: str, data: Any = UNSET) -> None:
        super().__init__(kind, code, *parts)
        self.kind, self.code, self.parts, self.data = kind, code, parts, data


def developer(code: str | None, *parts: str) -> Fault:
    return Fault("DeveloperError", code, *parts)


class Cursor(NamedTuple):
    """A place in the results of a query: `of` is what tells queries apart, `place` the last key, None the end."""

    of: tuple[Any, ...]
    place: Key | None


class Scan(NamedTuple):
    """A range of an index, as the operation says it: bounds are (comparison, field, value)."""

    table: str
    index: str  # pyright: ignore[reportIncompatibleMethodOverride] - a field, which hides tuple.index
    reverse: bool
    bounds: tuple[tuple[str, str, Any], ...]
    condition: tuple[str, Any, bool] | None

    def holds(self, document: Document) -> bool:
        """Whether a document lies in the range."""
        for comparison, field, value in self.bounds:
            ordering = compare(value_at(document, field), value)
            if not _HOLDS[comparison](ordering):
                return False
        return True

    def passes(self, document: Document) -> bool:
        """Whether the filter lets it through. Raises Fault where that has no answer."""
        if self.condition is None:
            return True
        field, value, plus = self.condition
        found = document.get(field, UNSET)
        if plus:
            if found is COMMIT_TS or isinstance(found, bool | Int64) or not isinstance(found, int | float):
                raise developer("EvalError", "Cannot add")
            found = found + 1.0
        return compare(found, value) > 0

    def may_pass(self, document: Document) -> bool:
        """Whether a reader was given it, or an error because of it."""
        try:
            return self.passes(document)
        except Fault:
            return True

    def fingerprint(self) -> tuple[Any, ...]:
        """What tells queries apart whose cursors must not be mixed up."""
        bounds = {(comparison, field, encode_value(value)) for comparison, field, value in self.bounds}
        for comparison, field, value in list(bounds):
            if comparison == "gte" and ("lte", field, value) in bounds:  # the same range, said otherwise
                bounds -= {("gte", field, value), ("lte", field, value)}
                bounds.add(("eq", field, value))
        condition = self.condition and (self.condition[0], encode_value(self.condition[1]), self.condition[2])
        return self.table, self.index, self.reverse, frozenset(bounds), condition


_HOLDS: dict[str, Any] = {
    "eq": lambda ordering: ordering == 0,
    "gt": lambda ordering: ordering > 0,
    "gte": lambda ordering: ordering >= 0,
    "lt": lambda ordering: ordering < 0,
    "lte": lambda ordering: ordering <= 0,
}


class Read(NamedTuple):
    """What was consumed of a scan: behind `after`, up to and with `last`; None stands for its ends. Or that a table was
    not there.
    """

    scan: Scan
    last: Key | None
    after: Key | None = None
    absent: bool = False

    def concerned(self, change: Change) -> bool:
        """Whether a document that came or went lies in what was read, and may have been let through."""
        return any(
            change.table == self.scan.table
            and self.scan.holds(version)
            and self.reaches(version)
            and self.scan.may_pass(version)
            for version in (change.old, change.new)
            if version is not None and not self.absent
        )

    def reaches(self, document: Document) -> bool:
        key, sign = key_of(document, self.scan.table, self.scan.index), -1 if self.scan.reverse else 1
        if self.after is not None and order(key, self.after) * sign <= 0:
            return False
        return self.last is None or order(key, self.last) * sign <= 0


class Change(NamedTuple):
    """A document before and after a commit."""

    table: str
    old: Document | None
    new: Document | None


class State:
    """Tables by name, each with the number of its making; documents by id."""

    def __init__(
        self, tables: dict[str, int], documents: dict[str, Document], homes: dict[str, tuple[str, int]]
    ) -> None:
        self.tables, self.documents = tables, documents
        self.homes = homes
        """Of every id that was ever given: its table's name and number. Nothing of this is ever taken back."""

    def copy(self) -> State:
        return State(dict(self.tables), dict(self.documents), self.homes)

    def table_of(self, id: str) -> str | None:
        """The table of an id, None when there is no such table (any more)."""
        name, number = self.homes[id]
        return name if self.tables.get(name) == number else None

    def rows(self, table: str) -> list[Document]:
        return [document for id, document in self.documents.items() if self.table_of(id) == table]

    def ordered(self, scan: Scan, last: Key | None = None, end: Key | None = None) -> list[tuple[Key, Document]]:
        """What of a range comes after `last` and up to `end`."""
        sign = -1 if scan.reverse else 1
        found = [
            (key, document)
            for document in self.rows(scan.table)
            if scan.holds(document)
            and order(key := key_of(document, scan.table, scan.index), last or key) * sign >= (1 if last else 0)
            and order(key, end or key) * sign <= 0
        ]
        return sorted(found, key=cmp_to_key(lambda a, b: order(a[0], b[0]) * sign))

    def twin(self, table: str, document: Document) -> tuple[str, str] | None:
        """A unique index in which another document has the values of this one, and the id of that document."""
        for index in UNIQUE.get(table, ()):
            values = _unique_values(document, table, index)
            for other in self.rows(table) if values else ():
                theirs = _unique_values(other, table, index)
                if other["_id"] != document["_id"] and theirs and order(values, theirs) == 0:
                    return index, other["_id"]
        return None

    def changes(self, before: State) -> list[Change]:
        """What became of the documents of `before`, by what is stored."""
        found: list[Change] = []
        for id in before.documents | self.documents:
            old, new = before.documents.get(id), self.documents.get(id)
            if old is None or new is None or encode(old, pending=True) != encode(new, pending=True):
                found.append(Change(self.homes[id][0], old, new))
        return found


def indexes_of(table: str) -> dict[str, tuple[str, ...]]:
    """Declared fields of each index of a table, those of the system first."""
    return {**_SYSTEM, **SCHEMA_INDEXES.get(table, {})}


def key_of(document: Document, table: str, index: str) -> Key:
    """A document's place in an index."""
    fields = indexes_of(table)[index]
    if index not in _SYSTEM:
        fields = (*fields, "_creationTime", "_id")
    return tuple(value_at(document, field) for field in fields)


def order(a: Key, b: Key) -> int:
    """Value by value."""
    return next((ordering for x, y in zip(a, b, strict=True) if (ordering := compare(x, y))), 0)


def value_at(document: Any, path: str) -> Any:
    for step in path.split("."):
        document = document.get(step, UNSET) if isinstance(document, dict) else UNSET
    return document


def _unique_values(document: Document, table: str, index: str) -> Key:
    values = tuple(value_at(document, field) for field in SCHEMA_INDEXES[table][index])
    return () if any(value is None or value is UNSET for value in values) else values
