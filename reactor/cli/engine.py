"""What the commands need of `reactor.app`, and the only place where they get it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from reactor.settings import Settings
from reactor.store.copying.places import Place
from reactor.store.copying.watch import Watch

__all__ = ["Engine", "Events", "Show", "load_engine"]

Show = Callable[[bytes], None]
"""Takes each answer of a function as the JSON text that `POST /api/function` gives."""


class Events(Protocol):
    """Is told what happens in a server, in words for the terminal: see `reactor.cli.terminal`."""

    def __call__(self, kind: str, /, **fields: object) -> None: ...


class Engine(Protocol):
    """What the commands do with an application in this process."""

    def serve(self, settings: Settings, directory: Path, *, reload: bool, events: Events) -> int:
        """Serve `directory` until it is told to stop; returns the exit code."""
        ...

    def run_local(
        self, settings: Settings, directory: Path, path: str, args_json: str, watch: bool, *, show: Show
    ) -> None:
        """Run one function on the data folder, which no server may hold; `watch` goes on until KeyboardInterrupt.

        Raises StoreLocked when a server holds the folder after all.
        """
        ...

    def repeat_local(
        self, settings: Settings, directory: Path, path: str, args_json: str, *, again: Callable[[bytes], str | None]
    ) -> None:
        """Run one function on the data folder again and again: `again` gets each answer and gives the arguments of the
        next call, None at the end. Raises StoreLocked as `run_local`.
        """
        ...

    def migrate_local(self, settings: Settings, directory: Path, *, show: Callable[[bytes], bool]) -> None:
        """Run the migrations that were asked for on the data folder, which no server may hold, until none is left.

        `show` gets how they stand whenever that changes, as the answer of `_system/migrations:status`, and says whether
        that was enough. Raises StoreLocked as `run_local`.
        """
        ...

    def copy(
        self,
        source: Place,
        target: Place,
        *,
        folders: tuple[Path, Path] | None,
        wait: bool,
        checked: bool,
        again: bool,
        watch: Watch,
    ) -> dict[str, int] | None:
        """Copy a database, and with `folders` what is in the data folder beside it: see `reactor.app.copying`.

        Raises StoreError and SettingsError.
        """
        ...

    def begin_types(self, directory: Path) -> list[str]:
        """Write the generated types that a new application has a use for; gives their paths. Raises LoadError."""
        ...

    def codegen(self, directory: Path, *, check: bool) -> list[str]:
        """Write the generated types of an application; gives the paths of files that were, or with `check` would be,
        changed. Raises LoadError, and then no file was touched.
        """
        ...

    def openapi(self, settings: Settings, directory: Path, *, internal: bool, address: str | None) -> bytes:
        """The OpenAPI description of an application, as a file has it. Raises LoadError."""
        ...


def load_engine() -> Engine:
    """The engine. Loaded late: `reactor --help` and calls to a running server do not pay for it."""
    from reactor import app

    return app
