"""Knowing at once that a node of this data folder is dead: its lock ends with its process.

Each node locks a file that has its id for a name. So a server that was killed and starts anew need not wait until its
former life counts as silent, nor one process of several until another that died does. About nodes elsewhere this says
nothing.
"""

import fcntl
import os
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["Lives"]


class Lives:
    """The files in `folder`, which is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: dict[str, int] = {}

    def begin(self, id: str) -> None:
        """A node of this process lives from now on. Raises StoreError."""
        new = self._folder / f".{os.getpid()}-{id}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Nobody may find it before it is locked.
                os.rename(new, self._folder / id)
            except BaseException:
                os.close(file)
                raise
        except OSError as error:
            raise StoreError(f"cannot lock files in {self._folder}: {error}; check its permissions") from error
        self._own[id] = file

    def end(self, id: str) -> None:
        """A node of this process does not live any more."""
        (self._folder / id).unlink(missing_ok=True)
        file = self._own.pop(id, None)
        if file is not None:
            os.close(file)

    def dead(self) -> set[str]:
        """Nodes of this folder whose process has ended, and that nobody has forgotten yet."""
        try:
            names = [entry.name for entry in os.scandir(self._folder) if not entry.name.startswith(".")]
        except OSError:  # nobody has lived here, or it cannot be seen: then silence will tell
            return set()
        return {name for name in names if name not in self._own and self._is_free(name)}

    def forget(self, id: str) -> None:
        """A dead node is dead for all."""
        (self._folder / id).unlink(missing_ok=True)

    def _is_free(self, name: str) -> bool:
        try:
            file = os.open(self._folder / name, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        return True
