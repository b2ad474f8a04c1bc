"""Whose code a frame runs: the application's, Reactor's, or a library's."""

import inspect
import os
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = ["declared_at", "is_library", "is_own", "short_file", "stack_lines"]

_OWN = str(Path(__file__).resolve().parents[1]) + os.sep
_LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_MOST_LINES = 32


def declared_at(function: Callable[..., Any]) -> str:
    """`/folder/functions/rooms.py:12`: where a function is written, whatever decorators are wrapped around it."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def is_own(file: str) -> bool:
    """Whether a source file is part of Reactor."""
    return file.startswith(_OWN)


def is_library(file: str) -> bool:
    """Whether it is part of Python or of an installed package, or has no file (`<frozen importlib>`)."""
    return file.startswith(_LIBRARIES) or file.startswith("<")


def stack_lines(trace: TracebackType | None) -> str:
    """The application's own frames, innermost first, as `    at find (functions/rooms.py:12)` with a newline each."""
    frames = [
        (frame, line)
        for frame, line in traceback.walk_tb(trace)
        if not is_own(frame.f_code.co_filename) and not is_library(frame.f_code.co_filename)
    ]
    frames.reverse()
    lines = [f"    at {frame.f_code.co_name} ({_short_file(frame)}:{line})\n" for frame, line in frames[:_MOST_LINES]]
    if len(frames) > _MOST_LINES:
        lines.append(f"    ({len(frames) - _MOST_LINES} more)\n")
    return "".join(lines)


def short_file(file: str) -> str:
    """`functions/rooms.py`: a source file of an application, of which nothing but its path is known."""
    parts = Path(file).parts
    start = max((at for at, part in enumerate(parts) if part == "functions"), default=len(parts) - 2)
    return "/".join(parts[max(start, 0) :])


def _short_file(frame: FrameType) -> str:
    """`functions/rooms.py`: as much of the file's path as the module's name tells, whatever folder it lies in."""
    parts = Path(frame.f_code.co_filename).parts
    names = str(frame.f_globals.get("__name__", "")).count(".") + 1
    if parts[-1] == "__init__.py":
        names += 1
    return "/".join(parts[-names:])
