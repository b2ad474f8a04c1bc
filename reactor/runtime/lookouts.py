"""Where the process is watched for what queries and mutations must not do.

Python's audit events tell of files, sockets and processes. Clocks, chance, threads and the environment have none in all
versions: there the functions of the modules are wrapped, which a module that took them by name before does not notice.
Outside of watched functions a wrapper costs one look at a context variable. An audit hook cannot be taken out again,
and wrappers in types are not; a second installation uses the same ones, and in between they do nothing.

Not seen: `datetime.now()` and its like, which are in C and belong to a type that cannot be changed; `os.stat`; what a
library does in C, or in a thread that was there before.
"""

import asyncio
import functools
import inspect
import os
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from reactor.runtime import logs

__all__ = ["look_out"]

_lock = threading.Lock()
_installations = 0
_undo: list[Callable[[], None]] = []
_hooked = False

_CLOCK = "Use ctx.now, the time at which the run began, in milliseconds."
_TIMER = "Time does not move inside of a run: measure from outside."
_CHANCE = "Use ctx.random."
_HIDDEN = "Use ctx.random for what need not be secret, and make secrets in an action."
_ID = "insert() gives every document an id; others come from ctx.random, or from an action."
_ENVIRONMENT = "Read it once, when the module is loaded."
_FILE = "Read and write files in an action, or once, when the module is loaded."
_NETWORK = "Talk to others in an action."
_PROCESS = "Start programs in an action."
_THREAD = "Do it in place, or in an action."
_WAIT = "Wait in an action: a transaction holds up others meanwhile."
_TASK = "Await it in place, several together with asyncio.gather: the function's end would not wait for the task."

_WRAPPED: tuple[tuple[Any, str, str], ...] = (
    *((time, name, _CLOCK) for name in ("time", "time_ns")),
    *((time, name, _TIMER) for name in ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
    *((random, name, _CHANCE) for name in random.__all__ if not isinstance(getattr(random, name), type)),
    *((secrets, name, _HIDDEN) for name in secrets.__all__ if name not in ("SystemRandom", "compare_digest")),
    *((uuid, name, _ID) for name in ("uuid1", "uuid4", "uuid6", "uuid7", "uuid8") if hasattr(uuid, name)),
    *((os, name, _HIDDEN) for name in ("urandom", "getrandom") if hasattr(os, name)),
    (time, "sleep", _WAIT),
    (asyncio, "create_task", _TASK),
    (asyncio, "to_thread", _THREAD),
    (asyncio, "sleep", _WAIT),
)

_NOW_BY_DEFAULT = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}
"""Functions of `time` that take the present moment when the argument at this place is left out."""

_OS_EVENTS = {
    **dict.fromkeys(("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"), _PROCESS),
    **dict.fromkeys(("os.putenv", "os.unsetenv"), _ENVIRONMENT),
    **dict.fromkeys(("_thread.start_new_thread", "_thread.start_joinable_thread"), _THREAD),
}
_EVENT_FAMILIES = {
    **dict.fromkeys(("open", "os", "shutil", "tempfile", "glob", "pathlib", "sqlite3", "dbm", "mmap"), _FILE),
    **dict.fromkeys(("socket", "urllib", "http", "ftplib", "imaplib", "poplib", "smtplib", "ssl"), _NETWORK),
    **dict.fromkeys(("subprocess", "pty"), _PROCESS),
}


def look_out() -> Callable[[], None]:
    """Watch the process for every run that has a watcher; returns what ends it. Several may be in force at once."""
    global _installations  # noqa: PLW0603 - modules are patched once for the process
    with _lock:
        if _installations == 0:
            _install()
        _installations += 1
    return functools.partial(_end, [True])


def _end(in_force: list[bool]) -> None:
    global _installations  # noqa: PLW0603
    with _lock:
        if not in_force:
            return
        in_force.clear()
        _installations -= 1
        if _installations == 0:
            while _undo:
                _undo.pop()()


def _install() -> None:
    global _hooked  # noqa: PLW0603
    for module, name, remedy in _WRAPPED:
        _replace(module, name, _wrapper(module, name, remedy))
    for name, place in _NOW_BY_DEFAULT.items():
        _replace(time, name, _now_wrapper(name, place))
    if not _hooked:
        _install_for_good()
        _hooked = True


def _install_for_good() -> None:
    """What cannot be taken out again, and types: of one that was changed a thousand times CPython 3.13 may go on using
    what was there before."""
    sys.addaudithook(_hear)
    threading.Thread.start = _wrapper(threading.Thread, "start", _THREAD)
    for name in ("__getitem__", "__iter__"):
        setattr(type(os.environ), name, _environ_wrapper(name))


def _replace(owner: Any, name: str, wrapper: Any) -> None:
    real = getattr(owner, name)
    setattr(owner, name, wrapper)

    def undo() -> None:
        # What somebody else has put there in the meantime stays.
        if getattr(owner, name) is wrapper:
            setattr(owner, name, real)

    _undo.append(undo)


def _tell(deed: str, remedy: str, run: logs.RunLog) -> None:
    if run.watcher is not None:
        run.watcher.saw(run, deed, remedy, sys._getframe(2))  # pyright: ignore[reportPrivateUsage]


def _wrapper(module: Any, name: str, remedy: str) -> Callable[..., Any]:
    real, deed, current = getattr(module, name), f"{module.__name__}.{name}()", logs.current_run

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = current()
        if run is not None:
            _tell(deed, remedy, run)
        return real(*args, **kwargs)

    @functools.wraps(real)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        run = current()
        if run is not None:
            _tell(deed, remedy, run)
        return await real(*args, **kwargs)

    return coroutine if inspect.iscoroutinefunction(real) else wrapper


def _now_wrapper(name: str, place: int) -> Callable[..., Any]:
    real, deed, current = getattr(time, name), f"time.{name}()", logs.current_run

    @functools.wraps(real)
    def wrapper(*args: Any) -> Any:
        run = current()
        if run is not None and (len(args) <= place or args[place] is None):
            _tell(deed, _CLOCK, run)
        return real(*args)

    return wrapper


def _environ_wrapper(name: str) -> Callable[..., Any]:
    real, current = getattr(type(os.environ), name), logs.current_run

    @functools.wraps(real)
    def wrapper(self: Any, *args: Any) -> Any:
        run = current()
        if run is not None:
            _tell("os.environ", _ENVIRONMENT, run)
        return real(self, *args)

    return wrapper


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if not _installations:  # asked first: when Python ends, what begins with an underscore goes before the rest
        return
    run = logs.current_run()
    if run is None or run.watcher is None:
        return
    remedy = _OS_EVENTS.get(event) or _EVENT_FAMILIES.get(event.partition(".")[0])
    if remedy is not None:
        _tell(_deed(event, args), remedy, run)


def _deed(event: str, args: tuple[Any, ...]) -> str:
    if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
        return f"open({os.fspath(args[0])!r:.200})"
    return "open()" if event == "open" else event
