"""What an anomaly is called."""

from collections.abc import Sequence
from enum import IntFlag

import msgspec

__all__ = ["DEPENDENCY", "ORDER", "Anomaly", "Kind", "Step", "name_of"]


class Kind(IntFlag):
    """Why one transaction comes before another."""

    WW = 1
    """The other appended directly after it."""
    WR = 2
    """The other read what it had written."""
    RW = 4
    """It did not see yet what the other wrote."""
    PROCESS = 8
    """The same client issued it earlier."""
    REALTIME = 16
    """It was answered before the other was asked for."""
    TIMESTAMP = 32
    """The database says so."""


DEPENDENCY = Kind.WW | Kind.WR | Kind.RW
ORDER = Kind.PROCESS | Kind.REALTIME | Kind.TIMESTAMP

Step = tuple[int, Kind]
"""A transaction of a cycle, and why it comes before the next one."""


class Anomaly(msgspec.Struct, frozen=True):
    """Something that a serializable database does not show. `{0}`, `{1}` … in `text` stand for `transactions`."""

    name: str
    transactions: tuple[int, ...]
    text: str


def name_of(cycle: Sequence[Step]) -> str:
    """The name of a cycle: by its dependencies, and by the strongest promise that it takes to close it."""
    kinds = [kind for _, kind in cycle]
    writes, reads, anti = (kinds.count(kind) for kind in (Kind.WW, Kind.WR, Kind.RW))
    if not (writes or reads or anti):
        return "contradicting orders"
    core = ("G1c" if reads else "G0") if not anti else ("G-single" if anti == 1 else "G2")
    for order, suffix in ((Kind.TIMESTAMP, "-timestamp"), (Kind.REALTIME, "-realtime"), (Kind.PROCESS, "-process")):
        if order in kinds:
            return core + suffix
    return core
