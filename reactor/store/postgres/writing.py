"""How rows are written by a connection that others compete with for the next commit."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from reactor.store.batch import Rows, catalog_rows
from reactor.store.postgres.columns import LongEntries, columns_of
from reactor.store.postgres.driver import Connection
from reactor.store.statements import Statement

__all__ = ["locked", "write"]


@asynccontextmanager
async def locked(
    connection: Connection, statements: dict[str, Statement], *, already: bool = False
) -> AsyncGenerator[None]:
    """A transaction in which nobody else can commit. `already`: it was begun so."""
    try:
        if not already:
            await connection.execute("BEGIN; " + statements["lock"].sql)
        yield
        await connection.execute("COMMIT")
    except BaseException:
        with suppress(Exception):
            await connection.execute("ROLLBACK")
        raise


async def write(
    connection: Connection,
    statements: dict[str, Statement],
    rows: Rows,
    ts: int,
    base: int,
    tidings: str,
    *,
    alone: bool,
) -> bool:
    """Write what a batch leaves behind, and move the last commit from `base` to `ts`. Says whether it stood there.

    `tidings`: what the doorbell tells the others. `alone`: in a transaction of its own, where that takes more than one
    statement.
    """
    columns, long_dead, long_live = columns_of(rows)
    parameters = [ts, base, *columns, tidings]
    if not (rows.catalog or long_dead[0] or long_live[0]):
        return await _moved(connection, statements, parameters)
    if not alone:
        return await _write_all(connection, statements, rows, parameters, long_dead, long_live)
    async with connection.transaction():
        return await _write_all(connection, statements, rows, parameters, long_dead, long_live)


async def _write_all(
    connection: Connection,
    statements: dict[str, Statement],
    rows: Rows,
    parameters: list[Any],
    long_dead: LongEntries,
    long_live: LongEntries,
) -> bool:
    if not await _moved(connection, statements, parameters):
        return False
    for name, values in catalog_rows(rows.catalog):
        encoded = [values[0], values[1].encode()] if name == "put_shape" else values
        await connection.execute(statements[name].sql, *encoded)
    await connection.execute(statements["delete_long_entries"].sql, *long_dead[:3])
    await connection.execute(statements["put_long_entries"].sql, *long_live)
    return True


async def _moved(connection: Connection, statements: dict[str, Statement], parameters: list[Any]) -> bool:
    return await connection.fetchval(statements["commit"].sql, *parameters) is not None
