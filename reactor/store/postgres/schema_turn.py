"""The turn to change the schema: one server at a time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from reactor.store.postgres.address import Address
from reactor.store.postgres.connections import close
from reactor.store.postgres.failures import store_error
from reactor.store.postgres.locks import take_schema

__all__ = ["schema_turn"]


@asynccontextmanager
async def schema_turn(address: Address) -> AsyncGenerator[None]:
    """Wait for it, and have it until this is left; the connection that has it is this one's own. Raises StoreError."""
    connection = await address.connect("schema")
    try:
        try:
            await take_schema(connection)
        except Exception as error:
            raise store_error(error, "waiting for the turn to change the schema", str(address)) from error
        yield
    finally:
        await close(connection)
