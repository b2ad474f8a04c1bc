"""Documents that mutations count in, and the patience to let the committer get somewhere."""

import asyncio
from collections.abc import Callable
from typing import Any

from reactor.database.writer import DatabaseWriter
from tests.integration.database.world import World


async def counter(world: World, value: int = 0) -> str:
    return await world.mutate(lambda db: db.insert("users", {"n": value}))


def add(id: str, amount: int = 1, wait: asyncio.Event | None = None) -> Callable[[DatabaseWriter], Any]:
    """A mutation that adds to a counter, and waits in the middle; gives what it found."""

    async def function(db: DatabaseWriter) -> int:
        found = (await db.get(id) or {})["n"]
        if wait is not None:
            await wait.wait()
            assert (await db.get(id) or {})["n"] == found
        await db.patch(id, {"n": found + amount})
        return found

    return function


async def value(world: World, id: str) -> int:
    return (await world.read(lambda db: db.get(id)) or {})["n"]


async def turns(count: int = 10) -> None:
    """Let the loop go round a few times."""
    for _ in range(count):
        await asyncio.sleep(0)
