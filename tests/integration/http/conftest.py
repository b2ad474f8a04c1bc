"""Applications served to these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.http.api import Api, open_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The club."""
    async with open_api(tmp_path / "data", "club") as api:
        yield api


@pytest.fixture
async def boxes(tmp_path: Path) -> AsyncIterator[Api]:
    """The application that keeps any value."""
    async with open_api(tmp_path / "boxes", "values") as api:
        yield api
