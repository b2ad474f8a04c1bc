"""What SQLite's errors mean for a caller."""

import sqlite3

from reactor.errors import StoreError, StoreFull, StoreVersion

__all__ = ["store_error"]

# A full disk is SQLITE_FULL. A quota or a limit on file sizes shows as a failed write or as a shared-memory
# file that cannot grow: the same to a caller, for nothing was written and it works again when there is room.
_NO_ROOM = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}


def store_error(error: sqlite3.Error, doing: str) -> StoreError:
    """The error to raise `from` SQLite's; `doing` says what failed, as in "the commit"."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name in _NO_ROOM:
        return StoreFull(f"no room on the disk for {doing} ({name}); nothing of it was written: free some space")
    if name == "SQLITE_NOTADB":
        return StoreVersion(f"{doing} failed: it is not a database; move it away, or choose another folder with --data")
    if name.startswith("SQLITE_CONSTRAINT"):
        return StoreError(
            f"{doing} failed: {error}; each commit needs a timestamp and each request an outcome of its own"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"{doing} failed: another program has the database locked ({name}); close that program")
    return StoreError(f"{doing} failed: {error} ({name}); check the disk and the permissions of the data folder")
