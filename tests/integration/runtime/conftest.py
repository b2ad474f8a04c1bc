"""Applications for these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.runtime.stage import Stage, open_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The application whose functions call each other."""
    async with open_stage(tmp_path / "data") as stage:
        yield stage
