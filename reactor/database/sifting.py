"""What of a group others' commits have undone."""

from collections.abc import Mapping

from reactor.database.committer import Group, Settled
from reactor.database.touched import Touched, TouchedKey, keys_of
from reactor.store.seam import OUTCOME_INDEX

__all__ = ["marks", "sift"]


def sift(group: Group, touched: Touched, by_id: Mapping[int, int], above: int = 0) -> list[Settled]:
    """Take out of a group what `touched` has undone, and what was built upon that, and give it in its order.

    What was taken out has touched its keys too. Nothing stays whose time is part of it and not after `above`. `by_id`
    gives, by table number, the number of the index by id.
    """
    lost: list[Settled] = []
    kept: list[Settled] = []
    for settled in group.settled:
        late = settled.decided is not None and settled.decided.dated and settled.decided.commit.ts <= above
        if late or (touched and touched.meets(settled.reads(), marks(settled, by_id))):
            lost.append(settled)
            touched.add(marks(settled, by_id))
        else:
            kept.append(settled)
    if lost:
        group.remake(kept)
    return lost


def marks(settled: Settled, by_id: Mapping[int, int]) -> list[TouchedKey]:
    """The keys that a job touched. One that failed had its place among the client's others all the same."""
    if settled.marks is None:
        keys = [] if settled.decided is None else keys_of(settled.decided.commit, by_id)
        keys += [(item.index, item.upper[:-1]) for item in settled.reads() if item.index == OUTCOME_INDEX]
        settled.marks = keys
    return settled.marks
