"""Reloading on change, while developing."""

import asyncio
import time
from pathlib import Path

from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType]

from reactor.app.generated import keep_types
from reactor.app.parts import Parts
from reactor.errors import ReactorError
from reactor.schema import SchemaOvertaken

__all__ = ["reload", "watch"]

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


def _visible(path: Path, root: Path) -> bool:
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return False
    return not any(part.startswith(".") or part in _SKIPPED for part in parts)
