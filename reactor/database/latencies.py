"""How long something took, each time: counted in classes, so that it costs the same after a billion times."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

__all__ = ["Latencies"]

_BOUNDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Latencies:
    """Counts of durations up to each bound; `total` is their sum in seconds."""

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """It took so long this time."""
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def up_to(self) -> Iterator[tuple[str, float]]:
        """For each bound, and for infinity, how many took no longer."""
        return zip((*map(str, _BOUNDS), "+Inf"), accumulate(self._counts), strict=True)
