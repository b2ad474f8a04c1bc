"""The secret of links to files, which lies in the data folder, and in a copy of it."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Generator
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["link_key", "sync_folder"]

_KEY_BYTES = 32


def link_key(file: Path) -> bytes:
    """The 32 bytes in this file, which is made if missing, once for all processes that ask at the same time.

    Raises OSError, and StoreError for a file of other bytes.
    """
    return _key_in(file) or _new_key(file)


def sync_folder(folder: Path) -> None:
    """Make durable which names a folder has. Raises OSError."""
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


def _key_in(file: Path) -> bytes | None:
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{file} is not the key of links to files; put the right one back, or delete it for a new one")
    return key


def _new_key(file: Path) -> bytes:
    with _opened(file.parent) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # Each worker of a server has the key of the one that was here first.
        return _key_in(file) or _make_key(file, folder)


def _make_key(file: Path, folder: int) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    # Under another name first: a crash must not leave a key that is shorter.
    fresh = file.with_name("key.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(key)
        out.flush()
        os.fsync(descriptor)
    fresh.replace(file)
    os.fsync(folder)
    return key


@contextlib.contextmanager
def _opened(folder: Path) -> Generator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
