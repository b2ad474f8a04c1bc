"""`server.pyi`: the contexts and decorators, typed by the tables of the schema."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from reactor.codegen.field_paths import paths_of
from reactor.codegen.python_data_model import DataModel, objects_of
from reactor.codegen.python_server_head import CONTEXTS, HEAD
from reactor.codegen.python_types import path_hint
from reactor.schema import AGGREGATE, FIELDS, Index, Schema, Table
from reactor.search import declaration as searches
from reactor.vectors import declaration as vectors

__all__ = ["server"]

_END = "RangeEnd"
_ANY_ROW = "dict[str, Any]"


def server(schema: Schema, model: DataModel) -> str:
    """The text of `server.pyi`. Where documents of any table may be, the methods take any table too."""
    open_ended = not schema.tables or not schema.schema_validation
    known = len(model.declared.texts)
    tables = [_Table(table, model) for table in model.tables]
    queries = "\n".join(table.query_class() for table in tables)
    databases = _reader(tables, open_ended) + _writer(tables, open_ended) + _vector_searcher(tables, open_ended)
    parts = ["# Tables\n\n", queries, databases, CONTEXTS, _migration(tables, open_ended)]
    # Indexes may ask for a part of a document that the document's own types have no name for.
    return "\n".join([HEAD + "".join(model.declared.texts[known:]) + parts[0], *parts[1:]])


class _Table:
    """One table, and how its parts are written."""

    def __init__(self, table: Table, model: DataModel) -> None:
        self._table, self._declared = table, model.declared
        self._document = table.document_validator()
        self.name = json.dumps(table.name)
        self.row = model.names[table.name]
        paths = sorted({*paths_of(self._document), "_id", "_creationTime"})
        loose = not objects_of(table) or any(path[0] == "`" for path in paths)
        self.paths = "str" if loose else _literals(paths)

    def query_class(self) -> str:
        """The class of `ctx.db.query` for this table."""
        row = self.row
        searching = list(self._search_overloads())
        ends = [each for each in self._table.indexes if each.kind == FIELDS and not each.staged]
        ranges = [("by_creation_time", ["_creationTime"]), ("by_id", ["_id"])]
        ranges += [(each.name, [*each.fields, "_creationTime"]) for each in sorted(ends, key=lambda index: index.name)]
        steps = [
            f"def with_index(self, name: Literal[{json.dumps(name)}], "
            f"range: {self._function(self._range(fields), _END)} | None = None, /) -> Query[{row}, {row}Path]: ..."
            for name, fields in ranges
        ]
        return (
            f"{row}Path: TypeAlias = {self.paths}\n\n"
            f"class {row}Query(Query[{row}, {row}Path]):\n{_overloads(steps)}{_overloads(searching)}"
        )

    def aggregates(self) -> Iterator[tuple[str, str]]:
        """Each aggregate as its name and the hint of its range."""
        for index in sorted(self._table.indexes, key=lambda index: index.name):
            if index.kind.split(" ")[0] == AGGREGATE and not searches.is_companion(index.name) and not index.staged:
                yield json.dumps(index.name), self._function(self._range(index.fields), _END)

    def vectors(self) -> Iterator[tuple[str, str]]:
        """Each vector index as its name and the hint of its filter."""
        for index in self._readable(vectors.is_vector):
            form = vectors.to_json(index)
            fields = sorted(form["filterFields"])
            offered = f"VectorFilter[{_literals(fields)}, {self._values(fields)}]"
            yield json.dumps(index.name), self._function(offered, "VectorCondition")

    def _search_overloads(self) -> Iterator[str]:
        for index in self._readable(searches.is_search):
            form = searches.to_json(index)
            fields = sorted(form["filterFields"])
            offered = f"Search[{_literals([form['searchField']])}, {_literals(fields)}, {self._values(fields)}]"
            search = self._function(offered, f"SearchFilter[{_literals(fields)}, {self._values(fields)}]")
            yield (
                f"def with_search_index(self, name: Literal[{json.dumps(index.name)}], search: {search}, /) "
                f"-> Query[{self.row}, {self.row}Path]: ..."
            )

    def _readable(self, is_wanted: Callable[[str], bool]) -> list[Index]:
        found = [each for each in self._table.indexes if is_wanted(each.kind) and not each.staged]
        return sorted(found, key=lambda index: index.name)

    def _function(self, offered: str, given: str) -> str:
        return f"Callable[[{offered}], {given}]"

    def _range(self, fields: Iterable[str]) -> str:
        text = _END
        for field in reversed(list(fields)):
            text = f"Range[{_literals([field])}, {self._value(field)}, {text}]"
        return text

    def _values(self, fields: Sequence[str]) -> str:
        hints = dict.fromkeys(hint for field in fields for hint in self._value(field).split(" | "))
        return " | ".join(hints) or "Never"

    def _value(self, field: str) -> str:
        return path_hint(self._document, field.split("."), self._declared, self.row)


def _literals(texts: Sequence[str]) -> str:
    return f"Literal[{', '.join(map(json.dumps, texts))}]" if texts else "Never"


def _overloads(signatures: Sequence[str]) -> str:
    """Methods of one name: a lone one is no overload."""
    mark = "    @overload\n" if len(signatures) > 1 else ""
    return "".join(f"{mark}    {signature}\n" for signature in signatures)


def _reader(tables: Sequence[_Table], open_ended: bool) -> str:
    read = ["async def get(self, id: DocumentId[D, Any, Any], /) -> D | None: ..."]
    read += [
        f"async def get(self, table: Literal[{each.name}], id: {each.row}Id, /) -> {each.row} | None: ..."
        for each in tables
    ]
    queries = [f"def query(self, table: Literal[{each.name}], /) -> {each.row}Query: ..." for each in tables]
    ids = [
        f"def normalize_id(self, table: Literal[{each.name}], id: str, /) -> {each.row}Id | None: ..."
        for each in tables
    ]
    totals, groups = _totals(tables)
    if open_ended:
        read += [f"async def get(self, id: str, /) -> {_ANY_ROW} | None: ..."]
        read += [f"async def get(self, table: str, id: str, /) -> {_ANY_ROW} | None: ..."]
        queries += ["def query(self, table: str, /) -> reader.Query: ..."]
        ids += ["def normalize_id(self, table: str, id: str, /) -> str | None: ..."]
    body = "".join(map(_overloads, (read, queries, ids, totals, groups)))
    return f"class DatabaseReader(reader.DatabaseReader):\n{body}{_vector_methods(tables, open_ended)}\n"


def _totals(tables: Sequence[_Table]) -> tuple[list[str], list[str]]:
    every = [(each.name, *aggregate) for each in tables for aggregate in each.aggregates()]
    totals = [
        f"async def aggregate(self, table: Literal[{table}], index: Literal[{name}], range: {range} | None = None, /) "
        "-> AggregateResult: ..."
        for table, name, range in every
    ]
    groups = [
        f"async def aggregate_groups(self, table: Literal[{table}], index: Literal[{name}], "
        f'range: {range} | None = None, /, *, limit: int = 100, order: Literal["asc", "desc"] = "asc") '
        "-> list[AggregateGroup]: ..."
        for table, name, range in every
    ]
    none = "(self, table: Never, index: Never, /)"
    return (
        totals or [f"async def aggregate{none} -> AggregateResult: ..."],
        groups or [f"async def aggregate_groups{none} -> list[AggregateGroup]: ..."],
    )


def _writer(tables: Sequence[_Table], open_ended: bool) -> str:
    inserts = [
        f"def insert(self, table: Literal[{each.name}], value: {each.row}Fields, /) -> Writing[{each.row}Id]: ..."
        for each in tables
    ]
    patches = ["def patch(self, id: DocumentId[Any, Any, C], changes: C, /) -> Writing[None]: ..."]
    replaces = ["def replace(self, id: DocumentId[Any, C, Any], value: C, /) -> Writing[None]: ..."]
    deletes = ["def delete(self, id: DocumentId[Any, Any, Any], /) -> Writing[None]: ..."]
    for each in tables:
        first = f"self, table: Literal[{each.name}], id: {each.row}Id"
        patches.append(f"def patch({first}, changes: {each.row}Patch, /) -> Writing[None]: ...")
        replaces.append(f"def replace({first}, value: {each.row}Fields, /) -> Writing[None]: ...")
        deletes.append(f"def delete({first}, /) -> Writing[None]: ...")
    if open_ended:
        inserts.append("def insert(self, table: str, value: Mapping[str, Any], /) -> Writing[str]: ...")
        for texts, name, rest in ((patches, "patch", ", changes: Mapping[str, Any]"), (deletes, "delete", "")):
            texts += [f"def {name}(self, {own}id: str{rest}, /) -> Writing[None]: ..." for own in ("", "table: str, ")]
        replaces += [
            f"def replace(self, {own}id: str, value: Mapping[str, Any], /) -> Writing[None]: ..."
            for own in ("", "table: str, ")
        ]
    body = "".join(map(_overloads, (inserts, patches, replaces, deletes)))
    return f"class DatabaseWriter(DatabaseReader, writer.DatabaseWriter):\n{body}\n"


def _vector_methods(tables: Sequence[_Table], open_ended: bool) -> str:
    options = "vector: Sequence[float], limit: float = 10, filter:"
    found = [
        f"async def vector_search(self, table: Literal[{each.name}], index: Literal[{name}], /, *, "
        f"{options} {filter} | None = None) -> list[VectorMatch[{each.row}Id]]: ..."
        for each in tables
        for name, filter in each.vectors()
    ]
    if open_ended:
        other = "Callable[[VectorFilter[str, Any]], VectorCondition]"
        found.append(
            f"async def vector_search(self, table: str, index: str, /, *, {options} {other} | None = None) "
            "-> list[VectorMatch[str]]: ..."
        )
    none = "async def vector_search(self, table: Never, index: Never, /) -> list[VectorMatch[str]]: ..."
    return _overloads(found or [none])


def _vector_searcher(tables: Sequence[_Table], open_ended: bool) -> str:
    return f"class VectorSearcher:\n{_vector_methods(tables, open_ended)}"


def _migration(tables: Sequence[_Table], open_ended: bool) -> str:
    rows = [(f"Literal[{each.name}]", each.row, f"{each.row}Patch") for each in tables]
    rows += [("str", _ANY_ROW, "Mapping[str, Any]")] if open_ended else []
    texts = [
        f"def migration(*, table: {table}, batch_size: int | None = None, index: str | None = None, "
        f"range: Callable[[Any], Any] | None = None) -> Callable[[Callable[[MutationCtx, {row}], "
        f"Awaitable[{changes} | None] | {changes} | None]], Migration]: ..."
        for table, row, changes in rows
    ]
    return "".join(("@overload\n" if len(texts) > 1 else "") + f"{text}\n" for text in texts)
