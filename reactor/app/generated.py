"""Generated types: written when somebody asks, and kept up to date while developing."""

import asyncio
from pathlib import Path

from reactor.app.parts import Parts
from reactor.codegen.files import stale, write
from reactor.codegen.generate import folder_of, texts_of, wants_typescript
from reactor.errors import LoadError
from reactor.runtime.loader import Application, load

__all__ = ["codegen", "keep_types"]


def codegen(directory: Path, *, check: bool) -> list[str]:
    """Write the generated types of an application; gives the paths of files that were, or with `check` would be,
    changed, relative to `directory`. Raises LoadError, and then no file was touched.
    """
    application = load(directory)
    folder = folder_of(application.directory)
    change = stale if check else write
    return [str((folder / name).relative_to(application.directory)) for name in change(folder, texts_of(application))]


async def keep_types(parts: Parts) -> None:
    """Write the types of the version that now serves, if the application has a use for them; tells the terminal."""
    if not wants_typescript(parts.directory):
        return
    try:
        changed = await asyncio.to_thread(_write, parts.application)
    except LoadError as error:
        parts.events("types_failed", error=str(error))
    else:
        if changed:
            parts.events("types_written", files=changed)


def _write(application: Application) -> list[str]:
    return write(folder_of(application.directory), texts_of(application))
