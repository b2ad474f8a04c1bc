"""The folder of generated files: written only where something is new, each file at once."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reactor.errors import LoadError

__all__ = ["stale", "write"]


def stale(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """The names of files that are missing, or hold something else than they should. Raises LoadError."""
    return [name for name, text in texts.items() if _read(folder / name) != text]


def write(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Make the files hold these texts, and give the names of those that did not.

    The others are left alone, their times too, so that whoever watches them does nothing for nothing. A reader sees the
    old text or the new one, never half of it. Raises LoadError when the folder cannot be written.
    """
    changed = stale(folder, texts)
    try:
        if changed:
            folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            _replace(folder / name, texts[name])
    except OSError as error:
        raise _unusable(folder, error) from None
    return changed


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(file, error) from None


def _replace(file: Path, text: str) -> None:
    # Beside its target, because a rename is atomic only within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as draft:
            draft.write(text.encode())
            os.fchmod(draft.fileno(), 0o666 & ~_umask())
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    # There is no way to look at it but to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _unusable(path: Path, error: OSError) -> LoadError:
    return LoadError(f"Generated types cannot be kept in {path}: {error.strerror}. Make it readable and writable.")
