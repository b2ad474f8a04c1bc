"""Token buckets, each kept as one number: the time at which it will be full again.

A bucket that is full is as one that nobody has used, so it is forgotten.
"""

from collections import OrderedDict

__all__ = ["Buckets"]

BucketKey = tuple[str, str]
"""What is limited, and who shares the allowance."""

_MOST = 100_000


class Buckets:
    """Buckets of many owners. At most `most` are kept; beyond it those that nobody touched for longest are let go."""

    __slots__ = ("_full_at", "_most", "_sweep_at")

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._full_at: OrderedDict[BucketKey, int] = OrderedDict()
        self._sweep_at = min(1024, most)

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: BucketKey, interval: int, most: int, now: int) -> int:
        """Take a token: 0, or the nanoseconds until there is one. A refusal takes nothing.

        A bucket holds `most` tokens and gets one each `interval`. All times are in nanoseconds.
        """
        full = interval * most
        # Never emptier than empty: the clock may have been put back, and the limit of a function may have changed.
        full_at = min(max(self._full_at.get(key, now), now), now + full)
        wait = full_at + interval - now - full
        if wait <= 0:
            full_at += interval
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._sweep_at:
            self._sweep(now)
        return max(wait, 0)

    def wait(self, key: BucketKey, interval: int, most: int, now: int, *, tokens: int) -> int:
        """The nanoseconds until so many tokens have come, of which nobody else takes one; 0 when they are there."""
        full = interval * most
        full_at = min(max(self._full_at.get(key, now), now), now + full)
        return max(full_at + tokens * interval - now - full, 0)

    def _sweep(self, now: int) -> None:
        """Forget what is full. The next sweep comes when there are twice as many, so that each costs little."""
        kept = OrderedDict((key, full_at) for key, full_at in self._full_at.items() if full_at > now)
        while len(kept) > self._most:
            kept.popitem(last=False)
        self._full_at = kept
        # Room for a quarter more than the most, or every call would sweep once that is reached.
        self._sweep_at = max(min(2 * len(kept), self._most + self._most // 4), min(1024, self._most))
