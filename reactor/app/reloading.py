"""Reloading on change, while developing."""

import time
from pathlib import Path

from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType]

from reactor.app.parts import Parts
from reactor.errors import DeveloperError, ReactorError

__all__ = ["watch"]

_SKIPPED = frozenset({"node_modules", "__pycache__", "_generated", "tests", "venv"})


async def watch(parts: Parts) -> None:
    """Load the application anew whenever one of its Python files changes; a broken edit leaves the old code serving."""
    root = parts.directory

    def is_source(_: Change, path: str) -> bool:
        return path.endswith(".py") and _visible(Path(path), root)

    async for changes in awatch(root, watch_filter=is_source, debounce=200, step=20, recursive=True):
        began = time.perf_counter()
        changed = sorted({str(Path(path).relative_to(root)) for _, path in changes})
        try:
            await parts.reload()
        except (DeveloperError, ReactorError) as error:
            parts.events("reload_failed", error=str(error), changed=changed)
        else:
            parts.events(
                "loaded",
                functions=[function.path for function in parts.application.registry],
                seconds=time.perf_counter() - began,
                changed=changed,
            )


def _visible(path: Path, root: Path) -> bool:
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return False
    return not any(part.startswith(".") or part in _SKIPPED for part in parts)
