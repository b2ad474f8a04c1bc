"""Progress of migrations while they run: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from reactor.cli.migration_status import MigrationStatus, numbers
from reactor.cli.reporting import printable

__all__ = ["Bars", "Lines", "Quiet", "View", "view"]

_EVERY_SECONDS = 2.0


class View(Protocol):
    """Shows how migrations stand, time after time."""

    def show(self, told: Iterable[MigrationStatus]) -> None:
        """They stand like this now."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


def view(*, silent: bool) -> View:
    """What fits to where stderr goes."""
    if silent:
        return Quiet()
    return Bars() if sys.stderr.isatty() else Lines()


class Quiet:
    """Shows nothing."""

    def show(self, told: Iterable[MigrationStatus]) -> None:
        """See `View`."""

    def close(self) -> None:
        """See `View`."""


class Lines:
    """A line for each migration that begins or ends, and one in two seconds in between."""

    def __init__(
        self, write: Callable[[str], object] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write, self._clock = write or sys.stderr.write, clock
        self._shown: dict[str, tuple[str, float, float]] = {}  # state, when, and documents then

    def show(self, told: Iterable[MigrationStatus]) -> None:
        """See `View`."""
        now = self._clock()
        for status in told:
            state, since, before = self._shown.get(status.name, ("", now, status.processed))
            if state == status.state and now - since < _EVERY_SECONDS:
                continue
            rate = (
                ""
                if state != status.state or now <= since
                else f", {(status.processed - before) / (now - since):,.0f}/s"
            )
            self._write(f"{printable(status.name)}: {_word(status)}, {numbers(status)}{rate}\n")
            self._shown[status.name] = status.state, now, status.processed

    def close(self) -> None:
        """See `View`."""


class Bars:
    """A bar for each migration, with documents done and changed, how many a second, and how long it will take."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def show(self, told: Iterable[MigrationStatus]) -> None:
        """See `View`."""
        for status in told:
            task = self._tasks.get(status.name)
            if task is None:
                name = printable(status.name)
                task = self._tasks[status.name] = self._progress.add_task(name, total=None, numbers="", rate="")
            total = None if status.total is None else max(status.total, status.processed)
            if status.state == "success":
                total = status.processed
            self._progress.update(
                task,
                completed=status.processed,
                total=total,
                numbers=f"{_word(status)}, {numbers(status)}",
                rate=self._rate(task),
            )

    def close(self) -> None:
        """See `View`."""
        self._progress.stop()

    def _rate(self, task: TaskID) -> str:
        speed = self._progress.tasks[self._progress.task_ids.index(task)].speed
        return "" if speed is None else f"{speed:,.0f}/s"


def _word(status: MigrationStatus) -> str:
    return {"inProgress": "running", "pending": "waits", "success": "done"}.get(status.state, status.state)
