"""`reactor seed`: fills an application with the data that it makes for itself."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reactor.cli.answers import Answer
from reactor.cli.deployment import Deployment
from reactor.cli.options import AdminKey, Assignments, Data
from reactor.cli.reporting import reported
from reactor.cli.run import DirectoryOption, UrlOption
from reactor.errors import ReactorError

__all__ = ["ProgressLines", "Step", "seed"]

FUNCTION = "seed:step"

_LINE_SECONDS = 5.0

SeedOption = Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Other numbers make other data (1).")]
Scale = Annotated[
    float, typer.Option("--scale", metavar="FACTOR", min=0.0001, help="How much of it: 0.1 is a tenth (1).")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


class Step(msgspec.Struct):
    """What a step answers: `done` of `total` steps, what it was about, and the number of the next, None at the end."""

    done: float
    total: float
    next: float | None
    text: str = ""


def seed(
    number: SeedOption = 1,
    scale: Scale = 1.0,
    quiet: Quiet = False,
    url: UrlOption = None,
    admin_key: AdminKey = None,
    directory: DirectoryOption = Path(),
    data: Data = None,
    assignments: Assignments = None,
) -> None:
    """Fill the application with plausible data, for trying it out.

    The data are the application's own business: its internal mutation
    seed:step(number, seed, scale) makes a part of them and answers
    {"done", "total", "next", "text"}; it is called with the number in
    "next" until that is null. functions/seed.py of the school is an example.

    A server on the data folder is asked, and its live queries show the data
    come; else the folder itself is filled.

    [bold]Examples[/]
      reactor seed --scale 0.1
      reactor seed --seed 7 --data /tmp/try
    """
    with reported():
        deployment = Deployment(directory, url, admin_key, data, assignments)
        with _progress(quiet) as progress:
            lines = None if quiet or not progress.disable else ProgressLines(partial(typer.echo, err=True))
            steps = _Steps(progress, number, scale, lines)
            deployment.repeat(FUNCTION, steps.args(0), steps.after)
        typer.echo(f"Done: {steps.total:,.0f} steps.", err=True)


class ProgressLines:
    """How far it is, a line now and then, where nobody would see a bar move."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock, self._last = say, clock, clock()

    def after(self, step: Step) -> None:
        """A step has been made."""
        now = self._clock()
        if step.next is not None and now - self._last >= _LINE_SECONDS:
            self._last = now
            self._say(f"{step.done:,.0f} of {step.total:,.0f} steps: {step.text}")


class _Steps:
    """What was asked for, and how far it is."""

    def __init__(self, progress: Progress, seed: int, scale: float, lines: ProgressLines | None) -> None:
        self._progress, self._seed, self._scale, self._lines = progress, seed, scale, lines
        self._task = progress.add_task("", total=None)
        self.total = 0.0

    def args(self, number: int) -> dict[str, Any]:
        """The arguments of a step."""
        return {"number": number, "seed": self._seed, "scale": self._scale}

    def after(self, answer: Answer) -> dict[str, Any] | None:
        """Show how far it is; the arguments of the next step, None when there is none. Raises ReactorError."""
        if not answer.succeeded:
            raise ReactorError(_failed(answer.error_message))
        step = msgspec.json.decode(answer.value, type=Step)
        self.total = step.total
        self._progress.update(self._task, completed=step.done, total=step.total, description=step.text)
        if self._lines is not None:
            self._lines.after(step)
        return None if step.next is None else self.args(int(step.next))


def _failed(message: str) -> str:
    if "Could not find" in message:
        return f"The application makes no data: it has no internal mutation {FUNCTION}. See `reactor seed --help`."
    return message


def _progress(quiet: bool) -> Progress:
    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Without a terminal a bar would be a heap of lines.
    return Progress(*columns, console=console, disable=quiet or not console.is_terminal)
