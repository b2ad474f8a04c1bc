"""Forgetting what is old goes on after the store failed at it, and the server stops as ever."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.errors import StoreError
from reactor.settings import Settings
from reactor.store.memory import MemoryStore
from tests.support.patience import PATIENCE
from tests.support.server import APPS


class Faulty(MemoryStore):
    """A store that cannot prune at first."""

    def __init__(self) -> None:
        super().__init__()
        self.tries, self.pruned = 0, asyncio.Event()

    async def prune(self, **limits: Any) -> int:
        self.tries += 1
        if self.tries < 3:
            raise StoreError("no room on the disk")
        self.pruned.set()
        return await super().prune(**limits)


async def test_a_failed_pruning_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("reactor.app.parts._PRUNE_SECONDS", 0)
    tmp_path.joinpath("data").mkdir()
    store = Faulty()
    parts = Parts(Settings(data=tmp_path / "data"), APPS / "chat", lambda kind, /, **fields: None, store=store)
    await parts.open()
    async with asyncio.timeout(PATIENCE):
        await store.pruned.wait()
    await parts.close()
    assert caplog.text.count("no room on the disk") == 2
