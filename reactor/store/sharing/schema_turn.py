"""The lock that lets one process at a time change the schema."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from reactor.errors import StoreError

__all__ = ["schema_turn"]

_PAUSE_SECONDS = 0.02


@asynccontextmanager
async def schema_turn(folder: Path) -> AsyncGenerator[None]:
    """Wait for the lock on `FOLDER/schema`, which the kernel ties to the process, and have it until this is left."""
    try:
        file = os.open(folder / "schema", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write in the folder {folder}: {error}; check its permissions") from error
    try:
        while not _locked(file, folder):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(file)


def _locked(file: int, folder: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(f"cannot lock files in {folder}: {error}; keep the data folder on a local disk") from error
    return True
