"""A store of each kind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reactor.store.memory import MemoryStore
from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Store
from reactor.store.sqlite import SqliteStore


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes a store over the same data each time it is called."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        return lambda: PostgresStore(url, connections=12, node="me")
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path)
    store = MemoryStore()
    return lambda: store


@pytest.fixture
async def store(reopened: Callable[[], Store]) -> AsyncIterator[Store]:
    store = reopened()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two stores on one database, of the nodes a and b."""
    made = PostgresStore(postgres_url, node="a"), PostgresStore(postgres_url, node="b")
    for store in made:
        await store.open()
    yield made
    for store in made:
        await store.close()
