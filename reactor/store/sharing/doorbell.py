"""How processes of one machine tell each other that there is something to see: a datagram to a socket of each.

A ring may be lost, when a socket was removed or its queue is full. Nothing but time depends on it.
"""

import asyncio
import os
import secrets
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["Doorbell"]

_LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes; they differ from 104 to 108, with a zero at the end."""

_NAME_BYTES = 6
_PREFIX = "reactor-"

_TICK_NS = 1_000_000_000
"""More than any file system's clock takes from one time to the next."""


class Doorbell:
    """One process's bell in `FOLDER/bells`, or, when that path is too long for sockets, in a folder among the system's
    temporary files that `FOLDER/bells.txt` names.

    `on_ring` is called on the event loop with what has been rung since, each once.
    """

    def __init__(self, folder: Path, on_ring: Callable[[set[bytes]], None]) -> None:
        self._folder = folder
        self._on_ring = on_ring
        self._name = secrets.token_hex(_NAME_BYTES)
        self._bells: Path | None = None
        self._paths: list[str] = []
        self._listed_at = 0
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """To be called by one process at a time. Raises StoreError."""
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            bell.setblocking(False)
            self._bind(bell)
        except OSError as error:
            bell.close()
            raise StoreError(
                f"cannot make a socket in {self._bells or self._folder}: {error}; check the permissions of the folder"
            ) from error
        self._socket = bell
        asyncio.get_running_loop().add_reader(bell, self._hear)

    def close(self) -> None:
        """Idempotent."""
        bell, self._socket = self._socket, None
        bells, self._bells = self._bells, None
        if bell is None or bells is None:
            return
        asyncio.get_running_loop().remove_reader(bell)
        bell.close()
        with suppress(OSError):
            (bells / self._name).unlink(missing_ok=True)
            if bells.parent != self._folder:
                bells.rmdir()  # which fails as long as others are there

    def ring(self, what: bytes) -> None:
        """Ring at all others. From any thread."""
        bell, bells = self._socket, self._bells
        if bell is None or bells is None:
            return
        with suppress(OSError):
            for path in self._others(bells):
                _ring(bell, what, path)

    def _bind(self, bell: socket.socket) -> None:
        try:
            self._bells = self._place()
            bell.bind(f"{self._bells}/{self._name}")
        except FileNotFoundError:
            # The last process of an earlier time has just removed its folder.
            self._bells = self._place()
            bell.bind(f"{self._bells}/{self._name}")

    def _others(self, bells: Path) -> list[str]:
        changed = os.stat(bells).st_mtime_ns
        if changed != self._listed_at:
            # What comes later in the same tick of the folder's clock would not show.
            self._listed_at = changed if time.time_ns() - changed > _TICK_NS else 0
            self._paths = [f"{bells}/{name}" for name in os.listdir(bells) if name != self._name]
        return self._paths

    def _hear(self) -> None:
        heard: set[bytes] = set()
        with suppress(OSError):
            while self._socket is not None:
                heard.add(self._socket.recv(16))
        if heard:
            self._on_ring(heard)

    def _place(self) -> Path:
        folder = self._folder.resolve()
        bells = folder / "bells"
        if _is_short(bells):
            self._folder = folder
            bells.mkdir(mode=0o700, exist_ok=True)
            return bells
        note = folder / "bells.txt"
        if note.exists() and _is_ours(found := Path(note.read_text(encoding="utf-8"))):
            return found
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_temporary_files()))
        note.write_text(str(made), encoding="utf-8")
        return made


def _is_short(bells: Path) -> bool:
    return len(os.fsencode(bells)) + 1 + 2 * _NAME_BYTES <= _LONGEST_PATH


def _temporary_files() -> str:
    """TMPDIR may be too long as well."""
    chosen = tempfile.gettempdir()
    return chosen if _is_short(Path(chosen, _PREFIX + 8 * "_")) else "/tmp"  # noqa: S108 - mkdtemp makes it ours


def _ring(bell: socket.socket, what: bytes, path: str) -> None:
    try:
        bell.sendto(what, path)
    except ConnectionRefusedError:
        # The process is dead: names are never used twice.
        with suppress(OSError):
            os.unlink(path)
    except OSError:
        pass  # its queue is full, so there is something for it to hear; or it has just gone


def _is_ours(folder: Path) -> bool:
    """Whether a folder among other people's is still the one we made."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
