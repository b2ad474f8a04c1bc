"""The floor of moving a file: its bytes hashed, written and flushed, then read again; nothing around it.

    python disk.py FOLDER BYTES

Prints one JSON object: MiB a second of both, of a file of that size in blocks of 256 KiB.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

__all__ = ["written"]

BLOCK = b"a block of a large file, " * (256 * 1024 // 25)
MIB = 2**20


def written(path: Path, size: int) -> float:
    """Seconds to write a file so that it is durable, with its digest."""
    digest, start = hashlib.sha256(), time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(size // len(BLOCK)):
            digest.update(BLOCK)
            file.write(BLOCK)
        os.fsync(file.fileno())
    return time.perf_counter() - start


def read(path: Path) -> float:
    """Seconds to read it, from the cache of the system where it is in there."""
    start = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(len(BLOCK)):
            pass
    return time.perf_counter() - start


def main() -> None:
    path, size = Path(sys.argv[1]) / "file", int(sys.argv[2])
    figures = {
        "uploads_mib_per_second": size / MIB / written(path, size),
        "downloads_mib_per_second": size / MIB / read(path),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
