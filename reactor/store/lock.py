"""The lock that gives a data folder one owner."""

import fcntl
import os
import time
from pathlib import Path

from reactor.errors import StoreError, StoreLocked

__all__ = ["FolderLock"]

_SECONDS_TO_END = 3.0
"""How long processes that have outlived the one that locked the folder are waited for: they are just ending, too."""
_PAUSE = 0.02


class FolderLock:
    """An exclusive lock on `FOLDER/lock`, which holds its owner's process id for whoever meets it.

    The kernel ties it to the open file, so it ends with the process, however that dies: a lock file that
    lies around says nothing. Processes that inherit the open file hold it, too, until the last of them has ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises StoreLocked when another process (or another store of this one) has the folder."""
        try:
            file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"cannot write in the folder {self._folder}: {error}; check its permissions") from error
        try:
            _lock(file)
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            owner = _owner(file)
            os.close(file)
            raise StoreLocked(
                f"the data folder {self._folder} is in use by another server (process {owner}); "
                "stop that one, or choose another folder with --data"
            ) from error
        except OSError as error:
            os.close(file)
            raise StoreError(f"cannot lock the data folder {self._folder}: {error}") from error
        self._file = file

    @property
    def descriptor(self) -> int:
        """The open file of a lock that was acquired, for processes that are to hold it, too."""
        assert self._file is not None
        return self._file

    def release(self) -> None:
        """Let others have the folder. The file stays: removing it could take a newcomer's lock away."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int) -> None:
    """Raises BlockingIOError when somebody else has the lock and lives."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _lives(_owner(file)) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _owner(file: int) -> str:
    return os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"


def _lives(owner: str) -> bool:
    if not owner.isdecimal():
        return True  # it is just writing down who it is
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
