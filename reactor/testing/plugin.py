"""The plugin of pytest: fixtures `reactor` and `reactor_factory`, and `functions` to import in tests.

pytest loads it in every project beside which Reactor is installed. So it imports nothing of Reactor before a test needs
it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reactor.testing.first_import import FirstImport

if TYPE_CHECKING:
    from reactor.testing.backend import Backend

__all__ = [
    "pytest_addoption",
    "pytest_load_initial_conftests",
    "pytest_report_header",
    "pytest_unconfigure",
    "reactor",
    "reactor_factory",
]

_APP = "reactor_app"
_STORE = "reactor_store"
_STORES = ("memory", "sqlite")

_first_import = pytest.StashKey[FirstImport]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--reactor-store`, and the ini options `reactor_app` and `reactor_store`."""
    group = parser.getgroup("reactor")
    group.addoption(
        "--reactor-store",
        choices=_STORES,
        default=None,
        help="where backends of the fixtures keep their data: in memory, or in a file by SQLite as a server does",
    )
    parser.addini(_APP, "folder of the application that the fixture `reactor` runs (the default is pytest's rootdir)")
    parser.addini(_STORE, "memory (the default) or sqlite, as --reactor-store")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before anything of the project is imported: `from functions import …` shall find what the fixtures run."""
    finder = FirstImport(_folder(early_config), chosen=bool(early_config.getini(_APP)))
    early_config.stash[_first_import] = finder
    sys.meta_path.insert(0, finder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run has ended."""
    finder = config.stash.get(_first_import, None)
    if finder is not None:
        finder.end()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Where the data is, when that is not where it usually is."""
    return None if _store(config) == "memory" else f"reactor: data in {_store(config)}"


@pytest.fixture
def reactor(reactor_factory: Callable[..., Backend]) -> Backend:
    """A backend on the application of this project, without data. It opens when it is first used, and closes itself."""
    return reactor_factory()


@pytest.fixture
def reactor_factory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Backend]]:
    """Makes backends that take what `Backend` takes, each with data of its own; they open and close as `reactor` does.

    Without a folder or functions they run the application of this project.
    """
    from reactor.testing.self_opening import SelfOpening

    config = request.config
    made: list[SelfOpening] = []

    def make(app: str | Path | None = None, **options: Any) -> Backend:
        if app is None and options.get("functions") is None:
            app = _folder(config)
        if _store(config) == "sqlite" and options.get("data") is None and options.get("store") is None:
            options["data"] = tmp_path_factory.mktemp("reactor")
        backend = SelfOpening(request.node.addfinalizer, app, **options)
        made.append(backend)
        return backend

    yield make
    for backend in made:
        backend.close_now()


def _folder(config: pytest.Config) -> Path:
    """Where the application is: as the ini file says, counted from its folder, or pytest's rootdir."""
    chosen: str = config.getini(_APP)
    base = config.rootpath if config.inipath is None else config.inipath.parent
    return base / chosen if chosen else config.rootpath


def _store(config: pytest.Config) -> str:
    chosen: str = config.getoption("--reactor-store") or config.getini(_STORE) or "memory"
    if chosen not in _STORES:
        raise pytest.UsageError(f"{_STORE} is {chosen!r}; it may be memory or sqlite.")
    return chosen
