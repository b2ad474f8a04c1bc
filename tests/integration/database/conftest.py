"""A database over a store of each kind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reactor.store.memory import MemoryStore
from reactor.store.seam import Store
from reactor.store.sqlite import SqliteStore
from tests.integration.database.world import World


@pytest.fixture(params=["sqlite", "memory"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes a store over the same data each time it is called."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path)
    store = MemoryStore()
    return lambda: store


@pytest.fixture
async def world(reopened: Callable[[], Store]) -> AsyncIterator[World]:
    world = await World(reopened()).open()
    yield world
    await world.close()
