"""How many documents go into the next batch of a migration."""

from reactor.runtime.migrations import LARGEST_BATCH

__all__ = ["AIM_SECONDS", "Pace"]

AIM_SECONDS = 0.005
"""What a batch should compute. Mutations that come meanwhile wait for that, and until it is written, which takes longer
the more documents there are."""

_FIRST, _GROWTH = 16, 2.0


class Pace:
    """Learns from batches how large they may be. `size` is between 1 and `largest`."""

    __slots__ = ("_largest", "size")

    def __init__(self, largest: int | None = None) -> None:
        """`largest`: None for as many as one transaction bears."""
        self._largest = largest or LARGEST_BATCH
        self.size = min(_FIRST, self._largest)

    def took(self, documents: int, seconds: float) -> None:
        """A batch went well. The next one is at most twice as large, and takes about the aim if documents cost as much.

        One that ended before it was full says nothing for larger ones.
        """
        wanted = AIM_SECONDS * max(documents, 1) / max(seconds, 1e-9)
        most = self.size * _GROWTH if documents >= self.size else float(self.size)
        self.size = max(1, min(int(min(wanted, most)), self._largest))

    def failed(self, documents: int) -> bool:
        """A batch was too large at its document of this number (from 1 on). Gives whether a smaller one may do.

        The first one had the whole transaction for itself.
        """
        self.size = max(1, min(self.size, documents) // 2)
        return documents > 1
