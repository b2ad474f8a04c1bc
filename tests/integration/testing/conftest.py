"""Backends on both stores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reactor.testing import Backend
from tests.support.server import APPS


@pytest.fixture(params=["memory", "sqlite"])
def club(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Backend]:
    """Makes a backend on the club, which the test opens."""
    options: dict[str, Any] = {"data": tmp_path / "data"} if request.param == "sqlite" else {}
    return lambda **more: Backend(APPS / "club", **options, **more)


@pytest.fixture
def write_app(tmp_path: Path) -> Callable[..., Path]:
    """Writes an application from texts by file name, `__` standing for the slash: `functions__rooms="..."`."""

    def write(name: str = "app", **files: str) -> Path:
        folder = tmp_path / name
        for file, text in files.items():
            path = folder / (file.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write
