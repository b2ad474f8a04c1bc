"""An engine that only records what the commands ask of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from reactor.cli.engine import Events, Show
from reactor.settings import Settings

__all__ = ["Reactor", "RecordingEngine"]

Reactor = Callable[..., Result]
"""`reactor("dev", "--port", "1", REACTOR_HOST="::1")`: words as typed in a shell, and its environment."""


class RecordingEngine:
    """Stands in for `reactor.app`: keeps what it was called with, gives `answers`, or raises `error`."""

    def __init__(self) -> None:
        self.served: list[tuple[Settings, Path, bool, Events]] = []
        self.ran: list[tuple[Path, str, str, bool]] = []
        self.answers: list[bytes] = [b'{"status":"success","value":1}']
        self.error: BaseException | None = None
        self.before: Callable[[], object] = lambda: None

    def serve(self, settings: Settings, directory: Path, *, reload: bool, events: Events) -> int:
        self.served.append((settings, directory, reload, events))
        return 7

    def run_local(
        self, settings: Settings, directory: Path, path: str, args_json: str, watch: bool, *, show: Show
    ) -> None:
        self.before()
        self.ran.append((directory, path, args_json, watch))
        if self.error is not None:
            raise self.error
        for answer in self.answers:
            show(answer)
