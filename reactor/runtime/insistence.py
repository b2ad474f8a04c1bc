"""Ending code that swallows whatever it is interrupted by: `while True: ... except BaseException: pass`.

An exception that is raised now and then always finds the code inside of its `try`, and is swallowed. So the code is
traced, and the first line after that raises the next one. A trace function that raises ends the tracing, but the
exception begins it anew as soon as it has been swallowed, which is when it is forgotten: at the end of its handler.
That is outside of its `try`; so each handler can swallow one at most, however deep they are nested.

Only lines of the application raise. Reactor's own code and libraries are not traced: what they clean up in `finally`
they may clean up.
"""

import ctypes
import sys
import threading
from types import FrameType
from typing import Any

from reactor.errors import FunctionInterrupted
from reactor.runtime.frames import is_library, is_own

__all__ = ["Insisting", "end", "inject"]

_thread = threading.local()


def inject(thread: int, error: type[BaseException] | None) -> None:
    """Make a thread raise `error` at its next jump back or call, or with None take back what has not come up yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error)
    )


class Insisting(FunctionInterrupted):
    """An interruption that is followed by the next one when it is swallowed.

    Python makes an instance of it in the thread that it is raised in, when somebody is about to handle it.
    """

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        if not _is_active():
            _thread.active, _thread.former = True, sys.gettrace()
        _begin(_above(sys._getframe(1)))  # pyright: ignore[reportPrivateUsage]

    def __del__(self) -> None:
        if _is_active():
            _begin(_above(sys._getframe(1)))  # pyright: ignore[reportPrivateUsage]


def end() -> None:
    """Let the calling thread alone again."""
    if _is_active():
        _thread.active = False
        sys.settrace(_thread.former)


def _is_active() -> bool:
    return getattr(_thread, "active", False)


def _begin(frames: list[FrameType]) -> None:
    for frame in frames:
        if _is_applications(frame):
            frame.f_trace = _at_every_line
    sys.settrace(_at_every_line)


def _at_every_line(frame: FrameType, event: str, arg: Any) -> Any:
    if _is_applications(frame):
        raise Insisting
    return None


def _above(frame: FrameType | None) -> list[FrameType]:
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_applications(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not is_own(file) and not is_library(file)
