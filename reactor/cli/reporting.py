"""Errors as a person meets them: what happened, what to do, exit code 1, and no traceback."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from reactor.errors import ReactorError

__all__ = ["printable", "report", "reported"]

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def printable(text: str) -> str:
    """`text` with control characters spelled out: what a client sent must not steer the developer's terminal."""
    return text.replace("\r\n", "\n").translate(_CONTROL)


def report(message: str) -> None:
    """Print an error to stderr."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text("error: ", style="bold red"), Text(printable(message)), sep="")


@contextmanager
def reported() -> Generator[None]:
    """Turn an error of ours into its text and exit code 1, and Ctrl-C into the code 130 that shells expect."""
    try:
        yield
    except ReactorError as error:
        report(str(error))
        raise typer.Exit(1) from None
    except BrokenPipeError:
        # The reader had enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise typer.Exit(130) from None
