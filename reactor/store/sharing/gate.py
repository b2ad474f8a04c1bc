"""Whose turn it is to write to a file that several processes share.

SQLite's own lock would do for correctness, and does: every commit compares where the file stands. But it is waited for
by trying again ever more rarely, so that one busy process would starve the others; and one that is stopped while it has
that lock stops them all. The gate is two locks of the kernel, which end with the process that has them. Who wants in
takes `next` first and with it waits for `turn`, so that whoever has just left cannot be in again before it.

Nobody waits for ever: a process that keeps the gate for too long, because it was stopped or hangs, is passed by. And
who waits can be told to hurry, when others wait for this very process.
"""

import fcntl
import os
import threading
import time
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["LIMIT", "Gate"]

LIMIT = 5.0
"""Seconds that a process may keep the gate over several turns of its event loop."""

_PATIENCE = 6.0
"""Seconds after which the gate is passed by, more than LIMIT: then its owner is not able to leave."""

_FIRST_PAUSE = 0.000_2
_LONGEST_PAUSE = 0.005


class Gate:
    """`FOLDER/turn` and `FOLDER/next`. One process may enter several times; it leaves with the last.

    `enter` waits, and is called in one thread at a time; `leave` and `lose` in any.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._turn = self._next = -1
        self._entry = self._depth = 0
        self._overdue = False
        self.hurried = False
        """Whether to pass by whoever has the turn."""

    def open(self) -> None:
        """Raises StoreError."""
        try:
            self._turn = os.open(self._folder / "turn", os.O_RDWR | os.O_CREAT, 0o600)
            self._next = os.open(self._folder / "next", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self.close()
            raise StoreError(f"cannot write in the folder {self._folder}: {error}; check its permissions") from error

    def close(self) -> None:
        """Idempotent."""
        with self._guard:
            files, self._turn, self._next, self._depth = (self._turn, self._next), -1, -1, 0
        for file in files:
            if file >= 0:
                os.close(file)

    def enter(self, *, patient: bool = False) -> int:
        """Wait for the turn, and say by which number it is left; 0 if somebody who has it was passed by.

        `patient`: does not hurry.

        Raises StoreError when the kernel has no such locks for this folder.
        """
        with self._guard:
            if self._depth:
                self._depth += 1
                return self._entry
        if not self._wait(patient):
            return 0
        with self._guard:
            self._depth = 1
            self._entry += 1
            return self._entry

    def leave(self, entry: int) -> None:
        """Let others in, unless this process has entered once more."""
        with self._guard:
            if entry == self._entry and self._depth:
                self._depth -= 1
                if not self._depth:
                    fcntl.flock(self._turn, fcntl.LOCK_UN)

    def lose(self, entry: int) -> None:
        """Let others in, however often this process has entered."""
        with self._guard:
            if entry == self._entry and self._depth:
                self._depth = 0
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _wait(self, patient: bool) -> bool:
        # Who was passed by once is tried again each time, but not waited for again.
        until = time.monotonic() + (0.0 if self._overdue else _PATIENCE)
        entered = self._lock(self._next, until, patient)
        if entered:
            entered = self._lock(self._turn, until, patient)
            fcntl.flock(self._next, fcntl.LOCK_UN)
        self._overdue = not entered and time.monotonic() >= until
        return entered

    def _lock(self, file: int, until: float, patient: bool) -> bool:
        pause = _FIRST_PAUSE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until or (self.hurried and not patient):
                    return False
            except OSError as error:
                raise StoreError(
                    f"cannot lock files in {self._folder}: {error}; keep the data folder on a local disk"
                ) from error
            else:
                return True
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST_PAUSE)
