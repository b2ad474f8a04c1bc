"""Which catalog holds for which moment.

Who reads a snapshot from before a change of the schema must not look for the indexes that came with it: entries may be
missing there.
"""

from collections import deque

from reactor.database.catalog import Catalog

__all__ = ["Catalogs"]

_FORMER = 32
"""So many former catalogs are kept: changes of the schema within the time for which somebody may hold a snapshot."""


class Catalogs:
    """The catalog that serves, and those before it."""

    def __init__(self, catalog: Catalog) -> None:
        self.newest = catalog
        self._since = 0
        self._former: deque[tuple[int, Catalog]] = deque(maxlen=_FORMER)

    def use(self, catalog: Catalog, since: int) -> None:
        """Let a catalog serve, for the state of commit `since` (nanoseconds) and later ones."""
        if since > self._since:
            self._former.append((self._since, self.newest))
        self.newest, self._since = catalog, since

    def at(self, ts: int) -> Catalog:
        """The catalog to read a snapshot of `ts` with."""
        if ts >= self._since:
            return self.newest
        return next((catalog for since, catalog in reversed(self._former) if since <= ts), self._former[0][1])
