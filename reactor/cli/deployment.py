"""A deployment that a command works on: a server that runs, or the data folder itself when none does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from reactor.cli.answers import Answer, read_answer
from reactor.cli.engine import load_engine
from reactor.cli.options import chosen_settings
from reactor.cli.server import named_server, running_server

__all__ = ["Deployment"]

Again = Callable[[Answer], dict[str, Any] | None]


class Deployment:
    """What the options of a command name. Raises SettingsError and ServerError for what cannot be."""

    def __init__(
        self, directory: Path, url: str | None, admin_key: str | None, data: Path | None, assignments: list[str] | None
    ) -> None:
        self._settings = chosen_settings(directory, assignments, data=data, admin_key=admin_key)
        self._directory = directory.absolute()
        self._server = named_server(url, self._settings) if url else running_server(self._settings)

    def call(self, path: str, args: dict[str, Any]) -> Answer:
        """Run a function once."""
        if self._server is not None:
            return self._server.call(path, _text(args))
        raw: list[bytes] = []
        load_engine().run_local(self._settings, self._directory, path, _text(args), False, show=raw.append)
        return read_answer(raw[0])

    def repeat(self, path: str, args: dict[str, Any], again: Again) -> None:
        """Run a function again and again, with the arguments that `again` makes of each answer; None ends it.

        A folder is opened once for all of them.
        """
        if self._server is None:

            def local(raw: bytes) -> str | None:
                following = again(read_answer(raw))
                return None if following is None else _text(following)

            load_engine().repeat_local(self._settings, self._directory, path, _text(args), again=local)
            return
        following: dict[str, Any] | None = args
        while following is not None:
            following = again(self._server.call(path, _text(following)))


def _text(args: dict[str, Any]) -> str:
    return msgspec.json.encode(args).decode()
