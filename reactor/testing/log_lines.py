"""What functions printed and logged during a test."""

import contextlib
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from typing import NamedTuple

from reactor.runtime import logs

__all__ = ["LogLine", "Logs", "capturing_output"]


class LogLine(NamedTuple):
    """One line. `level` is DEBUG, INFO, LOG (a `print`), WARN or ERROR; `function` is the path of the function called.

    Lines of functions that a query or mutation calls count as its own. As text it has the form that clients get.
    """

    function: str
    level: str
    text: str

    def __str__(self) -> str:
        return f"[{self.level}] {self.text}"


class Logs(list[LogLine]):
    """Every line so far, oldest first: those of live queries that ran again too. `clear()` begins anew."""

    def __init__(self) -> None:
        super().__init__()
        self.last: list[LogLine] = []
        """The lines of the call that ended last, as its client would get them."""

    @property
    def texts(self) -> list[str]:
        """The texts alone."""
        return [line.text for line in self]

    def of(self, function: str) -> list[LogLine]:
        """The lines of one function, by its path."""
        return [line for line in self if line.function == function]

    def clear(self) -> None:
        """Forget all lines."""
        super().clear()
        self.last = []

    def add(self, function: str, line: str) -> None:
        """A function wrote a line. It is printed as well, for whoever looks for the cause of a failed test."""
        self.append(_read(function, line))
        sys.stdout.write(f"{function} {line}\n")

    def ended(self, function: str, lines: Iterable[str]) -> None:
        """A call has ended, and this is what it wrote."""
        self.last = [_read(function, line) for line in lines]


def _read(function: str, line: str) -> LogLine:
    level, _, text = line.partition("] ")
    return LogLine(function, level[1:], text)


_lock = threading.Lock()
_users = 0
_undo: Callable[[], None] | None = None


@contextlib.contextmanager
def capturing_output() -> Generator[None]:
    """Inside, what functions print and log becomes log lines, in all backends of this process.

    Only while calls are under way: between them test runners put their own streams in place.
    """
    global _users, _undo  # noqa: PLW0603 - the streams are the process's
    with _lock:
        _users += 1
        if _undo is None:
            _undo = logs.install()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and _undo is not None:
                _undo()
                _undo = None
