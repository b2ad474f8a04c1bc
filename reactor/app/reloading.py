"""Reloading: on change while developing, and on SIGHUP in production."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType]

from reactor.app.generated import keep_types
from reactor.app.parts import Parts
from reactor.errors import ReactorError
from reactor.schema import SchemaOvertaken

__all__ = ["on_hangup", "reload", "reload_on_hangup", "watch"]

_SKIPPED = frozenset({"node_modules", "__pycache__", "_generated", "tests", "venv"})


async def watch(parts: Parts) -> None:
    """Load the application anew whenever one of its Python files changes; a broken edit leaves the old code serving.

    An edit is taken up at once, also while the data is still being brought under the schema of the one before it: that
    one is given up then.
    """
    root = parts.directory

    def is_source(_: Change, path: str) -> bool:
        return path.endswith(".py") and _visible(Path(path), root)

    async with asyncio.TaskGroup() as reloads:
        async for changes in awatch(root, watch_filter=is_source, debounce=200, step=20, recursive=True):
            changed = sorted({str(Path(path).relative_to(root)) for _, path in changes})
            reloads.create_task(reload(parts, changed))


async def reload(parts: Parts, changed: list[str]) -> None:
    """Load the application anew, and tell the terminal how that ended. `changed` are files that were edited."""
    began = time.perf_counter()
    try:
        await parts.reload()
    except SchemaOvertaken:
        parts.events("reload_overtaken", changed=changed)
    except ReactorError as error:
        parts.events("reload_failed", error=str(error), changed=changed)
    else:
        parts.events(
            "loaded",
            functions=[function.path for function in parts.application.registry],
            seconds=time.perf_counter() - began,
            changed=changed,
        )
        await keep_types(parts)


def reload_on_hangup(parts: Parts) -> "asyncio.Task[None]":
    """Load the application anew on each SIGHUP, as daemons do, until the task that it gives is cancelled."""
    bell = asyncio.Event()
    on_hangup(bell.set)
    return asyncio.get_running_loop().create_task(_reload_whenever(parts, bell))


def on_hangup(act: Callable[[], None]) -> None:
    """Call `act` on the event loop at each SIGHUP.

    The signal comes also from a terminal that is closed: then the server stops, as it would without this.
    """
    if not hasattr(signal, "SIGHUP"):  # on Windows
        return
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # by nohup, which wants to outlive the terminal
    had_terminal = not ignored and _has_terminal()

    def hear() -> None:
        if had_terminal and not _has_terminal():
            signal.raise_signal(signal.SIGTERM)
        else:
            act()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hear)


async def _reload_whenever(parts: Parts, bell: asyncio.Event) -> None:
    while True:
        await bell.wait()
        bell.clear()
        await reload(parts, [])


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _visible(path: Path, root: Path) -> bool:
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return False
    return not any(part.startswith(".") or part in _SKIPPED for part in parts)
