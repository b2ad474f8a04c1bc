"""Which of the documents that other processes write are read at once, as soon as their commits are heard of.

What nobody here asks for costs its entry in the log and no more: what is known of such a document is forgotten, and who
asks for it later reads it then.
"""

from collections.abc import Callable

from reactor.database.catalog import FIRST_USER_TABLE, Numbering
from reactor.database.documents import DocumentCache
from reactor.store.seam import Write
from reactor.vectors.declaration import is_vector

__all__ = ["Wanted", "everything"]


class Wanted:
    """As things are for one look at the log. `is_read` says whether somebody waits for changes of an index."""

    def __init__(self, cache: DocumentCache, numbering: Numbering, is_read: Callable[[int], bool]) -> None:
        self._cache, self._numbering, self._is_read = cache, numbering, is_read
        self._watched: dict[int, bool] = {}
        self._vectors: set[int] | None = None

    def __call__(self, write: Write) -> bool:
        """Whether the document is read here, or is one of the server's own."""
        if write.table < FIRST_USER_TABLE or self._cache.knows(write.id):
            return True
        if self._is_watched(self._numbering.by_id.get(write.table, -1)):
            return True
        for point in write.points:
            if self._is_watched(point.index):
                return True
        return write.table in self._of_vectors()

    def _is_watched(self, index: int) -> bool:
        found = self._watched.get(index)
        if found is None:
            found = self._watched[index] = self._is_read(index)
        return found

    def _of_vectors(self) -> set[int]:
        """Tables whose vectors are kept in memory, or may be before the look has ended."""
        if self._vectors is None:
            indexes = self._numbering.indexes.values()
            self._vectors = {index.table for index in indexes if is_vector(index.kind)}
        return self._vectors


def everything(_: Write) -> bool:
    """For those who look at all that is written."""
    return True
