"""The application of scheduled functions, on both stores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reactor.testing import Backend
from tests.support.server import APPS


@pytest.fixture(params=["memory", "sqlite"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Backend]:
    """Makes a backend, which the test opens."""
    options: dict[str, Any] = {"data": tmp_path / "data"} if request.param == "sqlite" else {}
    return lambda **more: Backend(APPS / "jobs", fresh=True, **options, **more)
