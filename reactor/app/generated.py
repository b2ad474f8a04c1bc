"""Generated types: written when somebody asks, and kept up to date while developing."""

import asyncio
from pathlib import Path

from reactor.app.parts import Parts
from reactor.codegen.files import stale, write
from reactor.codegen.generate import (
    folder_of,
    python_of,
    python_of_schema,
    typescript_of,
    wants_python,
    wants_typescript,
)
from reactor.errors import LoadError
from reactor.runtime.loader import Application, load, load_schema

__all__ = ["begin_types", "codegen", "keep_types", "load_with_types"]


def codegen(directory: Path, *, check: bool) -> list[str]:
    """Write the generated types of an application; gives the paths of files that were, or with `check` would be,
    changed, relative to `directory`.

    What functions import is written before they are loaded, since without it they cannot be. Raises LoadError, and
    then no other file was touched.
    """
    root = directory.resolve()
    folder = folder_of(root)
    change = stale if check else write
    first = change(folder, python_of_schema(load_schema(root)))
    try:
        application = load(root)
    except LoadError:
        if not (check and first):
            raise
        changed = first
    else:
        changed = [*first, *change(folder, _without(first, python_of(application) | typescript_of(application)))]
    return [str((folder / name).relative_to(root)) for name in changed]


def begin_types(directory: Path) -> list[str]:
    """As `codegen` for an application that is new: only the files that it has a use for. Raises LoadError."""
    root = directory.resolve()
    return [str((folder_of(root) / name).relative_to(root)) for name in _write(root, load_with_types(root))]


def load_with_types(directory: Path) -> Application:
    """`load`, with the types that functions import brought up to date before. Raises LoadError."""
    if (directory / "functions").is_dir() and wants_python(directory):
        write(folder_of(directory), python_of_schema(load_schema(directory)))
    return load(directory)


async def keep_types(parts: Parts) -> None:
    """Write the types of the version that now serves, if the application has a use for them; tells the terminal."""
    try:
        changed = await asyncio.to_thread(_write, parts.directory, parts.application)
    except LoadError as error:
        parts.events("types_failed", error=str(error))
    else:
        if changed:
            parts.events("types_written", files=changed)


def _write(directory: Path, application: Application) -> list[str]:
    texts = python_of(application) if wants_python(directory) else {}
    if wants_typescript(directory):
        texts |= typescript_of(application)
    return write(folder_of(application.directory), texts) if texts else []


def _without(names: list[str], texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name not in names}
