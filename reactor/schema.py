"""Tables and indexes as the developer declares them in `schema.py`.

    schema = define_schema({
        "messages": define_table(channel=v.string(), body=v.string()).index("by_channel", ["channel"]),
    })

The rules are those of get-convex/convex-backend, crates/common/src/schemas/mod.rs and
crates/database/src/bootstrap_model/index.rs. All of them are checked by `define_schema`, which knows the table's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from .errors import DeveloperError, LoadError
from .search import declaration as searches
from .search.postings import KIND as SEARCH
from .values.hint_classes import is_instance_class, is_typed_dict
from .values.hints import validator_from_hint
from .values.identifiers import identifier_fault
from .values.kinds import Value
from .values.validators import (
    AnyValidator,
    ConstrainedValidator,
    ObjectValidator,
    OptionalValidator,
    RecordValidator,
    TableNames,
    UnionValidator,
    ValidationFailure,
    Validator,
    v,
)
from .vectors import declaration as vectors

__all__ = [
    "AGGREGATE",
    "FIELDS",
    "Index",
    "Schema",
    "SchemaMismatch",
    "SchemaOvertaken",
    "Table",
    "define_schema",
    "define_table",
]

FIELDS = "fields"
"""The kind of an index in which each document has one key, made of its fields."""

AGGREGATE = "totals"
"""The kind of an aggregate; a space and the path of the field that is added up follow, if there is one."""

MAX_TABLES = 10_000
MAX_INDEXES = 64
MAX_INDEX_FIELDS = 16

SYSTEM_FIELDS = ("_id", "_creationTime")
SYSTEM_INDEXES = ("by_id", "by_creation_time")


class SchemaMismatch(DeveloperError):
    """A document that its table's declaration does not allow."""

    code = "SchemaEnforcementError"

    @classmethod
    def on_write(cls, table: str, failure: ValidationFailure) -> SchemaMismatch:
        """For a document that a function wants to write; nothing of it was written."""
        return cls(
            f'Failed to insert or update a document in table "{table}" because it does not match the schema: {failure}'
        )

    @classmethod
    def of_stored(cls, table: str, document_id: str, failure: ValidationFailure) -> SchemaMismatch:
        """For a document that was there before the schema, or came while the schema was checked.

        (get-convex/convex-backend, crates/database/src/schema_registry.rs)
        """
        return cls(
            f'Document with ID "{document_id}" in table "{table}" does not match the schema: {failure}\n\n'
            "Nothing was changed. Allow what is stored (v.optional for a field that some documents lack, v.union for "
            "values of the old kind), bring the documents into the new shape with a mutation, and then require it."
        )

    @classmethod
    def of_twins(cls, table: str, index: Index, first: str, second: str) -> SchemaMismatch:
        """For two documents that are stored already and have the same values in the fields of a unique index."""
        fields = ", ".join(f"`{field}`" for field in index.fields)
        return cls(
            f'Documents with IDs "{first}" and "{second}" in table "{table}" have the same values in {fields}, but the '
            f'index "{index.name}" over them is unique.\n\nNothing was changed. Change or delete one of the two with a '
            "mutation, or declare the index with .index() instead of .unique()."
        )


class SchemaOvertaken(DeveloperError):
    """A schema was still being checked, or its indexes built, when a newer one came: the newer one goes on alone."""

    code = "RaceDetected"


class Index:
    """An index of a table. `fields` are the declared paths; creation time and id follow them in every key.

    `unique`: no two documents have the same values in `fields`. `staged`: it is being built, and cannot be read yet.
    `kind`: how keys come from a document; but for FIELDS it begins with the name of a derivation.
    """

    __slots__ = ("fields", "kind", "name", "paths", "staged", "unique")

    def __init__(
        self, name: str, fields: tuple[str, ...], *, unique: bool = False, staged: bool = False, kind: str = FIELDS
    ) -> None:
        self.name, self.fields, self.kind = name, fields, kind
        self.unique, self.staged = unique, staged
        self.paths = tuple(tuple(field.split(".")) for field in fields)

    def __repr__(self) -> str:
        flags = f"{', unique=True' if self.unique else ''}{', staged=True' if self.staged else ''}"
        flags += f", kind={self.kind!r}" if self.kind != FIELDS else ""
        return f"Index({self.name!r}, {list(self.fields)!r}{flags})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return self.name, self.fields, self.unique, self.staged, self.kind


class Table:
    """What the documents of a table look like, and its indexes. `define_schema` names it and makes it immutable.

    `validator` describes documents without `_id` and `_creationTime`, which every document has.
    """

    __slots__ = ("_checked", "_stored", "indexes", "name", "validator")

    def __init__(
        self, validator: Validator, name: str = "", indexes: tuple[Index, ...] = (), checked: bool = True
    ) -> None:
        self.validator = validator
        self.name = name
        self.indexes = indexes
        self._checked = checked
        self._stored = _extended(validator, {field: v.optional(v.any()) for field in SYSTEM_FIELDS})

    def index(self, name: str, fields: Sequence[str], *, staged: bool = False) -> Table:
        """Adds an index over `fields`, in this order; `a.b` is the field `b` of the object in `a`. Returns the table.

        Documents that lack a field stand first. A `staged` index is built beside the traffic, without anybody waiting
        for it, and cannot be read before the flag is gone. What is wrong with an index is told by `define_schema`.
        """
        return self._add_index(name, fields, unique=False, staged=staged)

    def unique(self, name: str, fields: Sequence[str]) -> Table:
        """Adds an index, as `index` does, that refuses a second document with the same values in all of `fields`.

        Documents in which one of the fields is missing or None never collide. Returns the table.
        """
        return self._add_index(name, fields, unique=True, staged=False)

    def aggregate(
        self, name: str, fields: Sequence[str] = (), *, sum: str | None = None, staged: bool = False
    ) -> Table:
        """Adds an aggregate: count, sum, min, max and mean of the numbers in field `sum`, over ranges of `fields`.

        It is kept with every write and read by `ctx.db.aggregate`, both in logarithmic time. Without `fields` it is
        about the whole table, without `sum` it only counts; documents without a number in `sum` are counted. `staged`
        as for `index`. Returns the table.
        """
        if isinstance(fields, str) or not all(isinstance(field, str) for field in fields):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LoadError(
                f'aggregate "{name}" takes a list of field names, such as ["status", "day"], not {fields!r:.80}'
            )
        if sum is not None and not isinstance(sum, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LoadError(f'aggregate "{name}": sum= takes the name of a field, not {sum!r:.80}')
        return self._add(Index(name, tuple(fields), staged=staged, kind=f"{AGGREGATE} {sum}" if sum else AGGREGATE))

    def search_index(
        self, name: str, *, search_field: str, filter_fields: Sequence[str] = (), staged: bool = False
    ) -> Table:
        """Adds an index for `with_search_index` over the words of a field that holds text. Returns the table.

        Searches can ask for values of up to 16 `filter_fields`. Documents whose field holds anything else are stored
        all the same and never found. Staged as with `index`.
        """
        if isinstance(filter_fields, str) or not all(isinstance(each, str) for each in (search_field, *filter_fields)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LoadError(
                f'search index "{name}" takes the name of a field as search_field and a list of such as filter_fields, '
                f"not {search_field!r:.80} and {filter_fields!r:.80}"
            )
        self._add(Index(name, (search_field, *filter_fields), staged=staged, kind=SEARCH))
        # How many texts there are, and how long: scores are made of it.
        lengths = searches.lengths_kind(AGGREGATE, name, search_field)
        return self._add(Index(searches.companion(name), (), staged=staged, kind=lengths))

    def vector_index(
        self, name: str, *, vector_field: str, dimensions: int, filter_fields: Sequence[str] = (), staged: bool = False
    ) -> Table:
        """Adds an index for `vector_search` over a field that holds a list of `dimensions` numbers. Returns the table.

        `dimensions` is from 2 to 4096; searches can ask for values of up to 16 `filter_fields`. Documents whose field
        holds anything else are stored all the same and never found. Staged as with `index`. Raises LoadError.
        """
        if isinstance(filter_fields, str) or not all(isinstance(each, str) for each in (vector_field, *filter_fields)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LoadError(
                f'vector index "{name}" takes the name of a field as vector_field and a list of such as filter_fields, '
                f"not {vector_field!r:.80} and {filter_fields!r:.80}"
            )
        kind = vectors.kind_of(name, dimensions)
        return self._add(Index(name, (vector_field, *filter_fields), staged=staged, kind=kind))

    def _add_index(self, name: str, fields: Sequence[str], *, unique: bool, staged: bool) -> Table:
        if isinstance(fields, str) or not all(isinstance(field, str) for field in fields):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise LoadError(f'index "{name}" takes a list of field names, such as ["author"], not {fields!r:.80}')
        return self._add(Index(name, tuple(fields), unique=unique, staged=staged))

    def _add(self, index: Index) -> Table:
        if self.name:
            raise LoadError(f'table "{self.name}" is part of a schema already: add its indexes before define_schema')
        self.indexes = (*self.indexes, index)
        return self

    @property
    def checked(self) -> bool:
        """Whether documents have to match; not so in a schema with `schema_validation=False`."""
        return self._checked

    def check(self, document: Mapping[str, Value], tables: TableNames) -> None:
        """Raises ValidationFailure when a document's own fields do not match; its system fields are not looked at.

        Does nothing in a schema with `schema_validation=False`.
        """
        if not self._checked or self._stored.matches(document, tables):
            return
        own = {name: value for name, value in document.items() if name not in SYSTEM_FIELDS}
        self.validator.check(own, tables)

    def document_validator(self) -> Validator:
        """The validator for a document as it is read, with `_id` and `_creationTime`."""
        return _extended(self.validator, {"_id": v.id(self.name), "_creationTime": v.number()})

    def to_json(self) -> dict[str, Any]:
        """The serialised form that the admin API gives."""
        indexes = [index for index in self.indexes if index.kind == FIELDS]
        return {
            "tableName": self.name,
            "indexes": [{"indexDescriptor": index.name, "fields": list(index.fields)} for index in indexes],
            "searchIndexes": [searches.to_json(each) for each in self.indexes if searches.is_search(each.kind)],
            "vectorIndexes": [vectors.to_json(each) for each in self.indexes if vectors.is_vector(each.kind)],
            "documentType": self.validator.to_json(),
        }

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {self.validator!r}, {list(self.indexes)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return self.name, self.validator, self.indexes, self._checked


class Schema:
    """All declared tables. Equal to another schema when both declare the same."""

    __slots__ = ("schema_validation", "tables")

    def __init__(self, tables: Mapping[str, Table], *, schema_validation: bool) -> None:
        self.tables = MappingProxyType(dict(tables))
        self.schema_validation = schema_validation

    def table(self, name: str) -> Table | None:
        """The declaration of a table; None when the schema does not have it, so that its documents are not checked."""
        return self.tables.get(name)

    def to_json(self) -> dict[str, Any]:
        """The serialised form that the admin API gives."""
        tables = [table.to_json() for _name, table in sorted(self.tables.items())]
        return {"tables": tables, "schemaValidation": self.schema_validation}

    def __repr__(self) -> str:
        return f"Schema({list(self.tables.values())!r}, schema_validation={self.schema_validation})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.tables == other.tables

    def __hash__(self) -> int:
        return hash(frozenset(self.tables.items()))


def define_schema(tables: Mapping[str, Table], *, schema_validation: bool = True) -> Schema:
    """The schema of an application: tables by name.

    With `schema_validation=False` documents are not checked, but indexes are made and types generated all the same.
    Raises LoadError, which names table and index, for whatever breaks a rule.
    """
    if len(tables) > MAX_TABLES:
        raise LoadError(f"the schema has {len(tables)} tables: at most {MAX_TABLES} are allowed")
    for name, table in tables.items():
        _check_table(name, table, schema_validation)
    named = {name: Table(table.validator, name, table.indexes, schema_validation) for name, table in tables.items()}
    for name, table in tables.items():
        table.name = table.name or name
    return Schema(named, schema_validation=schema_validation)


def define_table(fields: Any = None, /, **named: Validator) -> Table:
    """A table whose documents have these fields.

    `fields` is a dict of validators, `v.object`, a `v.union` of objects, `v.any()`, or a TypedDict class; or the fields
    are given as keywords. `_id` and `_creationTime` may be declared, but need not be. Raises LoadError for others.
    """
    if fields is not None and named:
        raise LoadError("define_table takes the fields in one way: as its argument or as keywords, not both")
    declared = _declared(named if fields is None else fields)
    if isinstance(declared, ObjectValidator):
        return Table(_own_fields(declared))
    if isinstance(declared, UnionValidator) and declared.members:
        return Table(UnionValidator(*(_own_fields(member) for member in declared.members)))
    if isinstance(declared, AnyValidator):
        return Table(declared)
    raise _wrong_shape(declared)


def _declared(fields: Any) -> Validator:
    if isinstance(fields, Validator):
        return fields
    if isinstance(fields, Mapping):
        return v.object(cast("Mapping[str, Validator]", fields))
    if is_typed_dict(fields):
        return validator_from_hint(fields, "define_table")
    if is_instance_class(fields):
        raise LoadError(f"define_table: documents are dicts, so make {fields.__qualname__} a TypedDict")
    raise _wrong_shape(fields)


def _wrong_shape(shape: object) -> LoadError:
    allowed = "v.object({…}), a v.union of such objects, v.any(), a dict of fields or a TypedDict"
    return LoadError(f"define_table: a table is {allowed}, not {shape!r:.200}")


def _own_fields(member: Validator) -> ObjectValidator:
    """The shape of documents without system fields; raises LoadError for a shape that no document can have."""
    if not isinstance(member, ObjectValidator):
        raise _wrong_shape(member)
    own = {name: field for name, field in member.fields.items() if name not in SYSTEM_FIELDS}
    for name in own:
        if name.startswith("_"):
            raise LoadError(f"define_table: the field `{name}` begins with `_`, which is for system fields: rename it")
    return ObjectValidator(own)


def _extended(validator: Validator, fields: Mapping[str, Validator]) -> Validator:
    if isinstance(validator, ObjectValidator):
        return validator.extend(fields)
    if isinstance(validator, UnionValidator):
        return UnionValidator(*(_extended(member, fields) for member in validator.members))
    return validator


def _check_table(name: str, table: Table, schema_validation: bool) -> None:
    fault = identifier_fault(name)
    if fault is not None:
        raise LoadError(f"the table name {name!r:.80} {fault}")
    if name.startswith("_"):
        raise LoadError(f'the table name "{name}" begins with `_`, which is for system tables: rename it')
    if not isinstance(table, Table):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise LoadError(f'table "{name}" is {table!r:.80}: write define_table(…)')
    ordered = sum(index.kind == FIELDS for index in table.indexes)
    if ordered > MAX_INDEXES:
        raise LoadError(f'table "{name}" has {ordered} indexes: at most {MAX_INDEXES} are allowed')
    searches.check_count(sum(searches.is_search(index.kind) for index in table.indexes), name)
    vectors.check_count(sum(vectors.is_vector(index.kind) for index in table.indexes), name)
    for index in table.indexes:
        if searches.is_companion(index.name) and index.kind.startswith(AGGREGATE):
            continue
        where = f'index "{index.name}" of table "{name}"'
        _check_index_name(index.name, where)
        if index.kind == FIELDS:
            _check_index_fields(index, where)
        elif index.kind.startswith(AGGREGATE):
            where = f'aggregate "{index.name}" of table "{name}"'
            _check_aggregate(index, table.validator if schema_validation else AnyValidator(), where)
        elif searches.is_search(index.kind):
            searches.check_fields(index.fields, where)
            for field in index.fields:
                _check_field_path(field, where)
        elif vectors.is_vector(index.kind):
            vectors.check_fields(index.fields, where)
            for field in index.fields:
                _check_field_path(field, where)
        if schema_validation:
            _check_index_shape(index, table.validator, where)
    _refuse_twins(name, table.indexes)


def _check_index_name(name: str, where: str) -> None:
    fault = identifier_fault(name)
    if fault is not None:
        raise LoadError(f"{where}: the name {fault}")
    if name in SYSTEM_INDEXES or name.startswith("_"):
        raise LoadError(
            f"{where}: the names `by_id` and `by_creation_time`, and names that begin with `_`, are reserved: rename it"
        )


def _check_index_fields(index: Index, where: str) -> None:
    if not 1 <= len(index.fields) <= MAX_INDEX_FIELDS:
        raise LoadError(f"{where} has {len(index.fields)} fields: an index has 1 to {MAX_INDEX_FIELDS}")
    for position, field in enumerate(index.fields):
        if field in index.fields[:position]:
            raise LoadError(f"{where} has the field `{field}` twice: name it once")
        _check_field_path(field, where)


def _check_aggregate(index: Index, validator: Validator, where: str) -> None:
    if index.fields:
        _check_index_fields(index, where)
    summed = index.kind.removeprefix(AGGREGATE).strip()
    if summed:
        _check_field_path(summed, where)
        if not _can_have(validator, summed.split(".")):
            raise LoadError(f"{where}: no document of the table can have the field `{summed}`: declare or correct it")


def _check_field_path(field: str, where: str) -> None:
    top, *_rest = parts = field.split(".")
    if top == "_creationTime":
        raise LoadError(f"{where}: `_creationTime` is the last field of every index by itself: leave it out")
    if top == "_id":
        raise LoadError(f"{where}: `_id` ends every index by itself: leave it out, and look up ids with ctx.db.get")
    if top.startswith("_"):
        raise LoadError(f"{where}: the field `{field}` begins with `_`, and no document has such a field: correct it")
    for part in parts:
        fault = identifier_fault(part)
        if fault is not None:
            raise LoadError(f"{where}: `{part}` in the field path `{field}` {fault}")


def _check_index_shape(index: Index, validator: Validator, where: str) -> None:
    for field, path in zip(index.fields, index.paths, strict=True):
        if not _can_have(validator, path):
            raise LoadError(f"{where}: no document of the table can have the field `{field}`: declare or correct it")
    if vectors.is_vector(index.kind):
        vectors.check_shape(validator, index.paths[0], where)


def _can_have(validator: Validator, path: Sequence[str]) -> bool:
    """Whether a value that matches can have something at `path`."""
    if isinstance(validator, OptionalValidator | ConstrainedValidator):
        return _can_have(validator.inner, path)
    if isinstance(validator, UnionValidator):
        return any(_can_have(member, path) for member in validator.members)
    if not path or isinstance(validator, AnyValidator):
        return True
    if isinstance(validator, RecordValidator):
        return _can_have(validator.value, path[1:])
    field = validator.fields.get(path[0]) if isinstance(validator, ObjectValidator) else None
    return field is not None and _can_have(field, path[1:])


def _refuse_twins(table: str, indexes: Iterable[Index]) -> None:
    names: set[str] = set()
    owners: dict[tuple[str, tuple[str, ...]], str] = {}
    for index in indexes:
        if index.name in names:
            raise LoadError(f'table "{table}" has two indexes of the name "{index.name}": rename or remove one')
        names.add(index.name)
        other = owners.setdefault((index.kind, index.fields), index.name)
        if other != index.name:
            raise LoadError(f'indexes "{other}" and "{index.name}" of table "{table}" have the same fields: remove one')
