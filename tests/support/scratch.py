"""Where the files of tests lie: in memory where there is room, for nothing of theirs must outlive the machine.

Each commit waits for the disk, and a test makes thousands. The tests of crashes end processes, whose files stay.
"""

import os
from pathlib import Path

__all__ = ["in_memory"]

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 1024**3
"""Bytes: four times what a whole run leaves there at most."""


def in_memory(folder: Path = _MEMORY, *, meminfo: Path = Path("/proc/meminfo"), room: int = _ROOM) -> Path | None:
    """A file system in memory with so many bytes of room, from which programs may run; None where there is none."""
    try:
        found = os.statvfs(folder)
        free = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.read_text().splitlines()}
    except OSError:
        return None
    usable = os.access(folder, os.W_OK | os.X_OK) and not found.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    there = min(found.f_bavail * found.f_frsize, free.get("MemAvailable", 0) // 2)
    return folder if usable and there >= room else None
