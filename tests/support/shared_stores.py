"""Stores that are shared, of each kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reactor.store.memory_shared import SharedMemory, SharedMemoryStore
from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Store
from reactor.store.sharing.store import SharedSqliteStore

__all__ = ["SHARED", "Sharing", "sharing_of"]

SHARED = ["memory", "sqlite", "postgres"]

Sharing = Callable[[str], Store]
"""Makes a store over the same data each time it is called, of the node by that name."""


def sharing_of(request: pytest.FixtureRequest, folder: Path) -> Sharing:
    """Of the kind that the fixture's parameter names."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        return lambda node: PostgresStore(url, node=node)
    if request.param == "sqlite":
        return lambda node: SharedSqliteStore(folder, node=node)
    memory = SharedMemory()
    return lambda node: SharedMemoryStore(memory, node)
