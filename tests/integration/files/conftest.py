"""Stores of files."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reactor.files.local import LocalFiles
from reactor.files.memory import MemoryFiles
from reactor.files.seam import FileStore

Reopen = Callable[[], FileStore]


@pytest.fixture(params=["local", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Gives a store that is closed, on what the last one has left."""
    if request.param == "local":
        return lambda: LocalFiles(tmp_path / "files")
    memory = MemoryFiles()
    return lambda: memory


@pytest.fixture
async def store(reopen: Reopen) -> AsyncIterator[FileStore]:
    store = reopen()
    await store.open()
    yield store
    await store.close()
