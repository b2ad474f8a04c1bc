"""What a store had recorded of tables and indexes when it was opened, as the seam asks for it."""

from reactor.store.seam import IndexRecord, Records, TableRecord

__all__ = ["Recorded"]


class Recorded:
    """The part of a store that tells `_records`, which are read while it is opened."""

    _records = Records([], [], {}, 0)

    @property
    def tables(self) -> list[TableRecord]:
        """See `Store`."""
        return self._records.tables

    @property
    def indexes(self) -> list[IndexRecord]:
        """See `Store`."""
        return self._records.indexes

    @property
    def shapes(self) -> dict[int, str]:
        """See `Store`."""
        return self._records.shapes

    @property
    def last_index(self) -> int:
        """See `Store`."""
        return self._records.last_index
