"""Progress of a copy: a bar for each stage on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from reactor.cli.reporting import printable
from reactor.store.copying.watch import Watch

__all__ = ["Bars", "Lines", "Quiet", "View", "view"]

_EVERY_SECONDS = 10.0
_MIB = 2**20
_PRUNED = "The source has forgotten commits that were not copied yet; everything that is there is compared with it."


class View(Watch, Protocol):
    """Shows how a copy goes."""

    def close(self) -> None:
        """Nothing more comes."""
        ...


def view(near: str, *, silent: bool) -> View:
    """What fits to where stderr goes. `near` is what to say when the copy is near."""
    if silent:
        return Quiet()
    return Bars(near) if sys.stderr.isatty() else Lines(near)


class Quiet:
    """Shows nothing."""

    def stage(self, name: str, total: int | None) -> None:
        """See `Watch`."""

    def did(self, rows: int, size: int) -> None:
        """See `Watch`."""

    def near(self) -> None:
        """See `Watch`."""

    def pruned(self) -> None:
        """See `Watch`."""

    def close(self) -> None:
        """See `View`."""


class Lines:
    """A line for each stage, and one in ten seconds in between."""

    def __init__(
        self,
        near: str,
        write: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._near, self._write, self._clock = near, write or sys.stderr.write, clock
        self._said = False
        self._name, self._total = "", 0
        self._rows = self._size = 0
        self._began = self._shown = 0.0

    def stage(self, name: str, total: int | None) -> None:
        """See `Watch`."""
        self._name, self._total = name, total or 0
        self._rows = self._size = 0
        self._began = self._shown = self._clock()
        about = f", about {total:,} rows" if total else ""
        self._write(f"{printable(name)}{about}\n")

    def did(self, rows: int, size: int) -> None:
        """See `Watch`."""
        now = self._clock()
        self._rows, self._size = self._rows + rows, self._size + size
        if now - self._shown < _EVERY_SECONDS:
            return
        self._shown, rate = now, self._size / _MIB / (now - self._began)
        part = f" of about {self._total:,}" if self._total else ""
        self._write(f"{printable(self._name)}: {self._rows:,}{part} rows, {rate:,.1f} MiB/s\n")

    def near(self) -> None:
        """See `Watch`."""
        if not self._said:
            self._write(f"{self._near}\n")
        self._said = True

    def pruned(self) -> None:
        """See `Watch`."""
        self._write(f"{_PRUNED}\n")

    def close(self) -> None:
        """See `View`."""


class Bars:
    """A bar for each stage, with rows, bytes a second, and how long it will take."""

    def __init__(self, near: str, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._near, self._said, self._clock = near, False, clock
        self._progress = Progress(
            TextColumn("{task.description:<14}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[rows]}", markup=False),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._total: int | None = None
        self._rows = self._size = 0
        self._began = 0.0
        self._progress.start()

    def stage(self, name: str, total: int | None) -> None:
        """See `Watch`."""
        self._end_stage()
        self._total, self._rows, self._size, self._began = total, 0, 0, self._clock()
        self._task = self._progress.add_task(printable(name), total=total, rows="", rate="")

    def did(self, rows: int, size: int) -> None:
        """See `Watch`."""
        if self._task is None:
            return
        self._rows, self._size = self._rows + rows, self._size + size
        if rows and not size:
            # What was there before says nothing about how fast it goes.
            self._progress.reset(self._task, completed=self._rows, total=self._total)
        total = None if self._total is None else max(self._total, self._rows)
        self._progress.update(
            self._task, completed=self._rows, total=total, rows=f"{self._rows:,} rows", rate=self._rate()
        )

    def near(self) -> None:
        """See `Watch`."""
        if not self._said:
            self._progress.console.print(self._near, markup=False, highlight=False, soft_wrap=True)
        self._said = True

    def pruned(self) -> None:
        """See `Watch`."""
        self._progress.console.print(_PRUNED, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """See `View`."""
        self._end_stage()
        self._progress.stop()

    def _rate(self) -> str:
        seconds = self._clock() - self._began
        return f"{self._size / _MIB / seconds:,.1f} MiB/s" if self._size and seconds else ""

    def _end_stage(self) -> None:
        if self._task is not None:
            done = max(self._rows, 1)
            self._progress.update(self._task, total=done, completed=done)
            self._progress.stop_task(self._task)
        self._task = None
