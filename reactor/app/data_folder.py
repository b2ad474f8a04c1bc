"""What is in a data folder beside the database, copied to another one: files of the application, and keys."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["check_keys", "copy_folder"]

_KEYS = (Path("admin_key"), Path("files", "key"))
_LEFT = {"lock", "nodes", "server.json", "shared"}
"""What belongs to the processes that have a folder."""

_DATABASE = "reactor.db"
_ARRIVING = Path("files", "arriving")
_COMING = ".being-copied"


def check_keys(source: Path, target: Path) -> None:
    """Raises StoreError when the target has keys of its own, with which what clients have would not fit any more."""
    for name in _KEYS:
        one, other = source / name, target / name
        if one.is_file() and other.is_file() and one.read_bytes() != other.read_bytes():
            raise StoreError(
                f"{other} is another key than {one}, and only one can go on: remove the one that is not needed"
            )


def copy_folder(source: Path, target: Path, tell: Callable[[int, int], None]) -> None:
    """Copy files that the target lacks; each is there as a whole or not at all. Raises StoreError.

    Files of an application never change, so this may be done beside the server, and once more when it is stopped.
    """
    try:
        for name in _names(source, Path()):
            _copy(source / name, target / name, tell)
    except OSError as error:
        raise StoreError(f"copying the files in {source} failed: {error}; give the same command again") from error


def _names(folder: Path, below: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder / below), key=lambda entry: entry.name):
        name = below / entry.name
        if name == _ARRIVING or entry.name.endswith(_COMING):
            continue
        if below == Path() and (entry.name in _LEFT or entry.name.startswith(_DATABASE)):
            continue
        if entry.is_dir():
            yield from _names(folder, name)
        elif entry.is_file():
            yield name


def _copy(source: Path, target: Path, tell: Callable[[int, int], None]) -> None:
    try:
        found = source.stat()
        there = target.stat() if target.exists() else None
        if there is not None and (there.st_size, there.st_mtime_ns) == (found.st_size, found.st_mtime_ns):
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        coming = target.with_name(target.name + _COMING)
        coming.unlink(missing_ok=True)
        # A key must not be readable by others, not even for a moment.
        descriptor = os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with source.open("rb") as read, open(descriptor, "wb") as written:
            shutil.copyfileobj(read, written, 2**20)
            written.flush()
            os.fsync(descriptor)
    except FileNotFoundError:
        if source.exists():
            raise
        return  # the server deleted it
    shutil.copystat(source, coming)
    coming.replace(target)
    tell(1, found.st_size)
