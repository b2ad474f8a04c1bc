"""`ctx.db` of a query: reading documents.

Behaviour and error texts match the reader of Convex (get-convex/convex-backend,
npm-packages/convex/src/server/impl/database_impl.ts and crates/isolate/src/environment).
"""

from typing import Any, overload

from reactor.database.catalog import BY_CREATION, TableInfo
from reactor.database.query import Query
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.values import table_of

__all__ = ["DatabaseReader"]

ABSENT: Any = object()
"""Stands for an argument that was not given, since None is what a missing `document.get("owner")` gives."""


class DatabaseReader:
    """Reads documents at one moment. Everything read is remembered, so that changes reach live queries."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

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
        document = None if table is None else await self._tx.get(table, id)
        return None if document is None else document.copy()

    def query(self, table: str, /) -> Query:
        """A query over a table; nothing is read before `collect`, `take`, `first`, `unique` or iteration."""
        if not isinstance(table, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(f"db.query() takes the name of a table, not {type(table).__name__}.", code="TypeError")
        if table.startswith("_"):
            raise DeveloperError(
                f'System tables can only be accessed with db.system, not with db.query("{table}").',
                code="SystemTable",
            )
        return Query(self._tx, table, self._tx.table(table), BY_CREATION)

    def normalize_id(self, table: str, id: str, /) -> str | None:
        """`id` when it is an id of `table`, else None. Never reads the document."""
        if table.startswith("_"):
            raise DeveloperError(
                f"`{table}` is a system table; its ids are known to db.system.normalize_id().", code="SystemTable"
            )
        if not isinstance(id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _no_id(id, "normalize_id")
        number = table_of(id)
        info = None if number is None else self._tx.table_numbered(number)
        return id if info is not None and info.name == table else None

    def _table_of(self, id: Any, method: str) -> TableInfo | None:
        if not isinstance(id, str):
            raise _no_id(id, method)
        number = table_of(id)
        if number is None:
            raise DeveloperError(
                f'Invalid argument `id` for `db.{method}`: Unable to decode ID "{id[:64]}". Ids come from '
                "insert(), from `_id` of a document, or from normalize_id().",
                code="InvalidId",
            )
        return self._tx.table_numbered(number)


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
