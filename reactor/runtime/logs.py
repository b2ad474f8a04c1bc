"""What a function prints or logs while it runs, as log lines of that run.

    run = RunLog("rooms:list", sink)
    with capture(run):
        ...                       # print, sys.stderr and logging end up in run.lines

`install()` puts the capture over the process's streams, root logger and warnings once; without a current run all pass
everything through to what was there before.
"""

import contextlib
import enum
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar, Token
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TextIO, cast

import msgspec

__all__ = [
    "Level",
    "LogLimits",
    "RunLog",
    "Sink",
    "Watcher",
    "capture",
    "current_run",
    "enter",
    "install",
    "leave",
]

_CUT_MARK = " (truncated due to length)"


class LogLimits(msgspec.Struct, frozen=True):
    """Lines that one run may have, and bytes of UTF-8 in the text of one, the mark of a cut included."""

    lines: int = 256
    line_bytes: int = 32_768


_DEFAULT_LIMITS = LogLimits()


class Watcher(Protocol):
    """Is told of what a deterministic function does not do; see `reactor.runtime.determinism`."""

    def saw(self, run: "RunLog", deed: str, remedy: str, frame: FrameType | None) -> None:
        """A function of `run` did this; `frame` is the innermost one that may be its own."""
        ...


Sink = Callable[[str, str], None]
"""Gets the function's path and each finished line, for the server's own terminal."""

_current: ContextVar["RunLog | None"] = ContextVar("reactor_run_log", default=None)


class Level(enum.StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    LOG = "LOG"
    WARN = "WARN"
    ERROR = "ERROR"


class RunLog:
    """The log lines of one run, those of the functions it called included.

    `lines` have the wire's form, `[LEVEL] text`. At most `limits.lines` are kept, of which the last then says that
    some are missing; the sink gets no more than that either
    (get-convex/convex-backend, crates/common/src/log_lines.rs).

    `path` is the function that is running, which the sink is told with each line. `watcher` is set for functions that
    must be deterministic, and `violation` is what one did that fails it.
    """

    __slots__ = ("_limits", "_unfinished", "_warned", "guard", "lines", "path", "sink", "violation", "watcher")

    def __init__(
        self,
        path: str,
        sink: Sink | None = None,
        *,
        limits: LogLimits = _DEFAULT_LIMITS,
        watcher: Watcher | None = None,
    ) -> None:
        self.path, self.sink, self.watcher = path, sink, watcher
        self._limits = limits
        self.violation: Exception | None = None
        self.guard: Any = None
        """The watchdog and the budget of the run, for tasks that are begun in it."""
        self.lines: list[str] = []
        self._unfinished: dict[Level, str] | None = None
        self._warned: set[str] | None = None

    def add(self, level: Level, text: str) -> None:
        """Add one line (`text` may hold newlines)."""
        line = self._keep(f"[{level.value}] {_cut(text, self._limits.line_bytes)}")
        if line is not None and self.sink is not None:
            self._show(self.sink, line)

    def absorb(self, lines: Iterable[str]) -> None:
        """Add the lines of a function that this one called in a run of its own, which has shown them already."""
        for line in lines:
            self._keep(line)

    def _keep(self, line: str) -> str | None:
        """The line that was kept, None when there is no room for any."""
        kept, most = len(self.lines), self._limits.lines
        if kept >= most:
            return None
        if kept == most - 1:
            line = f"[{Level.ERROR.value}] More than {most} log lines in one run: the rest is left out."
        self.lines.append(line)
        return line

    def warn_once(self, topic: str, text: str) -> None:
        """Add a warning unless this run has one on the same topic."""
        if self._warned is None:
            self._warned = set()
        if topic not in self._warned:
            self._warned.add(topic)
            self.add(Level.WARN, text)

    def write(self, level: Level, text: str) -> None:
        """Take a piece of a stream. A line is finished by a piece that ends in a newline, so that one
        `print` is one line even when its text has several."""
        if not text:
            return
        with _pieces:
            if self._unfinished is None:
                self._unfinished = {}
            text = self._unfinished.get(level, "") + text
            if not text.endswith("\n"):
                # Beyond the cut nothing is shown, so a program that never ends its line need not fill the memory.
                self._unfinished[level] = text[: self._limits.line_bytes + 1]
                return
            self._unfinished.pop(level, None)
        self.add(level, text[:-1])

    def finish(self) -> None:
        """Add what was written without a final newline. `capture` does so when it ends."""
        if self._unfinished:
            with _pieces:
                rest, self._unfinished = self._unfinished, None
            for level, text in rest.items():
                self.add(level, text)

    def _show(self, sink: Sink, line: str) -> None:
        with _outside():  # the sink may print: that must not come back as another line
            try:
                sink(self.path, line)
            except OSError:
                self.sink = None  # the terminal is gone; the run and its lines go on


@contextlib.contextmanager
def _outside() -> Generator[None]:
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


_pieces = threading.Lock()  # functions in threads may print at once; held only while two strings are joined


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest and text.isascii():
        return text
    # A lone surrogate has no UTF-8, and lines go out as JSON.
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= longest:
        return encoded.decode()
    return encoded[: longest - len(_CUT_MARK)].decode("utf-8", "ignore") + _CUT_MARK


class capture:  # noqa: N801 - reads as a verb where it is used
    """`with capture(run):` sends prints and log records of this context to `run`.

    Threads started by `asyncio.to_thread` and tasks created inside inherit it.
    """

    __slots__ = ("_run", "_token")

    def __init__(self, run: RunLog) -> None:
        self._run = run

    def __enter__(self) -> RunLog:
        self._token: Token[RunLog | None] = _current.set(self._run)
        return self._run

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        self._run.finish()


def enter(run: RunLog) -> Token[RunLog | None]:
    """Make `run` the current one until `leave`, in the same context; for code that enters and leaves a run often."""
    return _current.set(run)


def leave(token: Token[RunLog | None]) -> None:
    """End what `enter` began. What was written without a final newline is kept: call `RunLog.finish` at the end."""
    _current.reset(token)


def current_run() -> RunLog | None:
    """The run whose lines are being captured here, or None outside of functions."""
    return _current.get()


class _Stream:
    """Stands in for sys.stdout or sys.stderr: writes of a run become its lines, all others go through."""

    __slots__ = ("_level", "_real", "_write")

    def __init__(self, real: TextIO, level: Level) -> None:
        self._real = real
        self._write = real.write
        self._level = level

    def write(self, text: str) -> int:
        run = _current.get()
        if run is None:
            return self._write(text)
        run.write(self._level, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Records(logging.Handler):
    """Sends log records of a run to its lines, and all others to the handlers that were on the root logger before.

    It stands in their place rather than beside them: one that writes to stderr would add every record twice.
    """

    def __init__(self, others: list[logging.Handler], level_outside: int) -> None:
        super().__init__()
        self.others = others
        self._level_outside = level_outside
        self._text = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        run = _current.get()
        if run is not None and not record.name.startswith("reactor."):  # the server's own records are no output of it
            try:
                run.add(_level_of(record), self._text.format(record))
            except Exception:  # a bad format string is reported like everywhere in logging, and the function goes on
                self.handleError(record)
        elif record.levelno >= self._level_outside:
            self._pass_on(record)

    def _pass_on(self, record: logging.LogRecord) -> None:
        # What logging itself does for a logger without handlers.
        others = self.others or ([logging.lastResort] if logging.lastResort else [])
        with _outside():
            for handler in others:
                if record.levelno >= handler.level:
                    handler.handle(record)


def _level_of(record: logging.LogRecord) -> Level:
    number = record.levelno
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARN
    return Level.INFO if number >= logging.INFO else Level.DEBUG


def _show_warning(real: Callable[..., None]) -> Callable[..., None]:
    """Stands in for `warnings.showwarning`: what a run warns of becomes a line of it."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        run = _current.get()
        if run is None or file is not None:
            real(message, category, filename, lineno, file, line)
        else:
            # Where the application's folder lies is nobody's business who reads the line.
            place = "/".join(Path(filename).parts[-2:])
            run.add(Level.WARN, f"{category.__name__}: {message} ({place}:{lineno})")

    return show


def install(*, level: int = logging.INFO) -> Callable[[], None]:
    """Capture sys.stdout, sys.stderr, the root logger's records and warnings of runs; returns what undoes it.

    `level` is the lowest level of log records that become lines. Outside of runs the root logger's own level holds.
    """
    out, err, root = sys.stdout, sys.stderr, logging.getLogger()
    others, level_outside = root.handlers[:], root.level
    handler = _Records(others, root.getEffectiveLevel())
    mine = cast("TextIO", _Stream(out, Level.LOG)), cast("TextIO", _Stream(err, Level.ERROR))
    sys.stdout, sys.stderr = mine
    root.handlers[:] = [handler]
    root.setLevel(min(level_outside, level))
    real_warning, warnings.showwarning = warnings.showwarning, _show_warning(warnings.showwarning)
    my_warning = warnings.showwarning

    def undo() -> None:
        # What somebody else has put there in the meantime stays.
        if sys.stdout is mine[0]:
            sys.stdout = out
        if sys.stderr is mine[1]:
            sys.stderr = err
        if warnings.showwarning is my_warning:
            warnings.showwarning = real_warning
        with contextlib.suppress(ValueError):
            root.handlers.remove(handler)
            root.handlers[:0] = others
        root.setLevel(level_outside)

    return undo
