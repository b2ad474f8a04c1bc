"""Where `reactor migrate` reaches the migrations: a server that runs, or the data folder itself when none does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from reactor.cli.answers import Answer, read_answer
from reactor.cli.engine import load_engine
from reactor.cli.server import Server
from reactor.cli.watching import watch
from reactor.settings import Settings

__all__ = ["Folder", "Running", "Source"]

_FUNCTIONS = "_system/migrations:"


class Source(Protocol):
    """The functions about migrations. `interrupted` says what becomes of those that run when nobody follows."""

    interrupted: str

    def call(self, name: str, /, **args: Any) -> Answer:
        """Call one of them. Raises ServerError when there is no answer, and StoreLocked."""
        ...

    def follow(self, enough: Callable[[Answer], bool]) -> None:
        """Have those run that were asked for, telling how they stand whenever that changes, until it is enough."""
        ...


class Running:
    """A server."""

    interrupted = "They go on in the server."

    def __init__(self, server: Server) -> None:
        self._server = server

    def call(self, name: str, /, **args: Any) -> Answer:
        """See `Source`."""
        return self._server.call(_FUNCTIONS + name, msgspec.json.encode(args).decode())

    def follow(self, enough: Callable[[Answer], bool]) -> None:
        """See `Source`. The server runs them in any case."""
        for answer in watch(self._server, _FUNCTIONS + "status", "{}"):
            if enough(answer):
                return


class Folder:
    """A data folder that no server holds."""

    interrupted = "They go on with the next server, or when you run this again."

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings, self._directory = settings, directory

    def call(self, name: str, /, **args: Any) -> Answer:
        """See `Source`."""
        raw: list[bytes] = []
        path, text = _FUNCTIONS + name, msgspec.json.encode(args).decode()
        load_engine().run_local(self._settings, self._directory, path, text, False, show=raw.append)
        return read_answer(raw[0])

    def follow(self, enough: Callable[[Answer], bool]) -> None:
        """See `Source`."""
        load_engine().migrate_local(self._settings, self._directory, show=lambda raw: enough(read_answer(raw)))
