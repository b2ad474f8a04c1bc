"""`ctx.db` of a query: reading documents.

Behaviour and error texts match the reader of Convex (get-convex/convex-backend,
npm-packages/convex/src/server/impl/database_impl.ts and crates/isolate/src/environment).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

from reactor.database.aggregates import AggregateGroup, RangeFunction, aggregate, check_grouping, groups
from reactor.database.catalog import BY_CREATION, TableInfo
from reactor.database.pages import Pager
from reactor.database.query import Query
from reactor.database.system_tables import READABLE, is_system_name
from reactor.database.totals import AggregateResult
from reactor.database.transaction import Transaction
from reactor.database.vector_search import FilterFunction, VectorMatch, vector_search
from reactor.errors import DeveloperError, NotInContext
from reactor.values import table_of
from reactor.values.identifiers import camel_case

__all__ = ["DatabaseReader", "SystemReader"]

_OF_WRITERS = frozenset({"insert", "patch", "replace", "delete", "vars"})

ABSENT: Any = object()
"""Stands for an argument that was not given, since None is what a missing `document.get("owner")` gives."""


class _Reader:
    """Reads documents of one kind of tables: the application's, or the system's."""

    __slots__ = ("_pager", "_tx")

    _system: ClassVar[bool]
    _prefix: ClassVar[str]

    def __init__(self, tx: Transaction, pager: Pager | None = None) -> None:
        self._tx, self._pager = tx, pager

    @overload
    async def get(self, id: str, /) -> dict[str, Any] | None: ...

    @overload
    async def get(self, table: str, id: str, /) -> dict[str, Any] | None: ...

    async def get(self, table_or_id: str, id: str = ABSENT, /) -> dict[str, Any] | None:
        """The document with this id, None when there is none.

        `get(id)` or `get("table", id)`; the second form also checks that the id is one of that table.
        Raises DeveloperError for text that is not an id, or is the id of another table.
        """
        if id is ABSENT:
            table = self._table_of(table_or_id, "get")
            id = table_or_id
        else:
            table = self._table_of(id, "get")
            check_table(table_or_id, table, id)
        if table is None:
            return None
        if not self._owns(table.name):
            raise self._foreign(table.name, f"{self._prefix}.get() of an id of `{table.name}`")
        document = await self._tx.get(table, id)
        return None if document is None else document.copy()

    def query(self, table: str, /) -> Query:
        """A query over a table; nothing is read before `collect`, `take`, `first`, `unique`, ... or iteration."""
        self._check_name(table, "query")
        return Query(self._tx, table, self._tx.table(table), BY_CREATION, self._pager)

    async def aggregate(self, table: str, index: str, range: RangeFunction | None = None, /) -> AggregateResult:
        """Count, sum, min, max and mean of the documents in a range of an aggregate, in logarithmic time.

        `range` is that of `with_index`: `lambda q: q.eq("status", "paid").gte("day", first)`; without it, all documents
        of the table. Nothing is loaded. A live query that asked runs again when a document of the range comes, goes, or
        changes its number. Raises DeveloperError when there is no such aggregate or it cannot serve the range.
        """
        self._check_name(table, "aggregate")
        return await aggregate(self._tx, table, self._tx.table(table), index, range)

    async def aggregate_groups(
        self, table: str, index: str, range: RangeFunction | None = None, /, *, limit: int = 100, order: str = "asc"
    ) -> list[AggregateGroup]:
        """As `aggregate`, for each value of the field behind those that `range` fixes by `eq`: totals by day, say.

        `[{"value": ..., "count": ..., "sum": ..., ...}]` in the order of the values, at most `limit` (1 to 1,000) of
        them. Values that no document has are missing. Raises DeveloperError as `aggregate` does.
        """
        self._check_name(table, "aggregate_groups")
        check_grouping(limit, order)
        info = self._tx.table(table)
        return await groups(self._tx, table, info, index, range, limit, order == "desc")

    def normalize_id(self, table: str, id: str, /) -> str | None:
        """`id` when it is an id of `table`, else None. Never reads the document."""
        self._check_name(table, "normalize_id")
        if not isinstance(id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _no_id(id, "normalize_id")
        number = table_of(id)
        info = None if number is None else self._tx.table_numbered(number)
        return id if info is not None and info.name == table else None

    def _check_name(self, table: str, method: str) -> None:
        if not isinstance(table, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(
                f"{self._prefix}.{method}() takes the name of a table, not {type(table).__name__}.", code="TypeError"
            )
        if not self._owns(table):
            raise self._foreign(table, f'{self._prefix}.{method}("{table}")')

    def _table_of(self, id: Any, method: str) -> TableInfo | None:
        if not isinstance(id, str):
            raise _no_id(id, method)
        number = table_of(id)
        if number is None:
            raise DeveloperError(
                f"Invalid argument `id` for `{self._prefix.removeprefix('ctx.')}.{method}`: Unable to decode ID "
                f'"{id[:64]}". Ids come from insert(), from `_id` of a document, or from normalize_id().',
                code="InvalidId",
            )
        return self._tx.table_numbered(number)

    def _owns(self, table: str) -> bool:
        return table in READABLE if self._system else not is_system_name(table)

    def _foreign(self, table: str, call: str) -> DeveloperError:
        raise NotImplementedError

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            present = [known for known in dir(type(self)) if not known.startswith("_")]
            raise NotInContext(_absent(self._prefix, name, present))


class SystemReader(_Reader):
    """`ctx.db.system`: reads the system's tables (files, jobs, migrations), by id and by creation time."""

    __slots__ = ()
    _system = True
    _prefix = "ctx.db.system"

    def _foreign(self, table: str, call: str) -> DeveloperError:
        return DeveloperError(
            f"{call}: db.system is for system tables ({', '.join(READABLE)}), and `{table}` is none. "
            "Use ctx.db for it.",
            code="SystemTable",
        )


class DatabaseReader(_Reader):
    """Reads documents at one moment. Everything read is remembered, so that changes reach live queries."""

    __slots__ = ()
    _system = False
    _prefix = "ctx.db"

    @property
    def system(self) -> SystemReader:
        """Reads the system's tables."""
        return SystemReader(self._tx, self._pager)

    async def vector_search(
        self,
        table: str,
        index: str,
        /,
        *,
        vector: Sequence[float],
        limit: float = 10,
        filter: FilterFunction | None = None,
    ) -> list[VectorMatch]:
        """The documents whose vectors are most similar to `vector`, as `{"_id": ..., "_score": ...}`: the best first,
        those of equal score by id.

        `_score` is the cosine similarity from -1 to 1, found exactly. `limit` is from 1 to 256. `filter` is an equality
        on a filter field of the index, or several of which one has to hold:
        `lambda q: q.eq("genre", "novel") | q.eq("genre", "poem")`. Own writes are seen, and a live query runs again
        when a write may change what was found. Raises DeveloperError for an index that is none, a vector of another
        length, a filter that is none, and an index that does not fit into memory
        (get-convex/convex-backend, crates/vector/src; there it is for actions only).
        """
        self._check_name(table, "vector_search")
        return await vector_search(self._tx, table, index, vector, limit, filter)

    def _foreign(self, table: str, call: str) -> DeveloperError:
        return DeveloperError(
            f"{call}: System tables can only be accessed with db.system: ctx.db.system.get(id), "
            f'ctx.db.system.query("{table}").',
            code="SystemTable",
        )


def _absent(prefix: str, name: str, present: list[str]) -> str:
    """Why there is no such member, and what to write instead."""
    if prefix == "ctx.db" and name in _OF_WRITERS:
        return f"{prefix}.{name} is for mutations, and this function only reads. Write in a mutation."
    for known in present:
        if camel_case(known) == name:
            return f"{prefix}.{name} is written {prefix}.{known} in Python."
    return f"{prefix} has no `{name}`. It has: {', '.join(present)}."


def check_table(name: str, table: TableInfo | None, id: str) -> None:
    """Raises DeveloperError when the id of a document belongs to another table than the one named."""
    if table is None or table.name != name:
        given = "another table" if table is None else f'Id<"{table.name}">'
        raise DeveloperError(
            f'Invalid argument `id`, expected to be an Id<"{name}">, got {given} instead ("{id}").',
            code="InvalidTable",
        )


def _no_id(given: object, method: str) -> DeveloperError:
    return DeveloperError(
        f"Must provide arg 1 `id` to `{method}`: a document id, which is text, not {type(given).__name__}.",
        code="TypeError",
    )
